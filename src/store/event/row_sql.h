/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store/event/row_sql -- the statements that read sealed rows, whatever their table.
 *
 * Owns   nothing; reads the tables of kh_row_table and what event says about them.
 * Used   by store/row.c.
 */
#ifndef KH_STORE_ROW_SQL_H
#define KH_STORE_ROW_SQL_H

#include "store/row.h"

enum { KH_ROW_HASH_BYTES = 16 };

const char *kh_row_sql_table(enum kh_row_table table);
/** Whether the key of the table is an id. */
bool kh_row_sql_by_id(enum kh_row_table table);

/** The hash of one row. KH_MISS: there is none. */
KH_CHECK
enum kh_hit kh_row_sql_hash(struct kh_tx *tx, enum kh_row_table table, struct kh_str key,
                            unsigned char ret[KH_ROW_HASH_BYTES], struct kh_error *err);

typedef void (*kh_row_fn)(void *ctx, struct kh_str key,
                          const unsigned char hash[KH_ROW_HASH_BYTES]);
/** All rows of a table. */
KH_CHECK
bool kh_row_sql_each(struct kh_tx *tx, enum kh_row_table table, kh_row_fn fn, void *ctx,
                     struct kh_error *err);

typedef bool (*kh_row_word_fn)(void *ctx, int64_t seq, struct kh_str table, struct kh_str data,
                               struct kh_error *err);
/** What the log says about rows, oldest first; what was erased lawfully is left out. */
KH_CHECK
bool kh_row_sql_words(struct kh_tx *tx, kh_row_word_fn fn, void *ctx, struct kh_error *err);

#endif
