/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store/registry/table_int -- the table of one type as its files see it.
 *
 *   table_sql.c       its life, the statements that every call needs, values of columns
 *   table_ddl_sql.c   creating and altering it     table_row_sql.c   reading and writing its rows
 *
 * Owns   struct kh_rtable.
 * Used   by the files above only.
 */
#ifndef KH_STORE_REGISTRY_TABLE_INT_H
#define KH_STORE_REGISTRY_TABLE_INT_H

#include "base/buf.h"
#include "store/registry/table_sql.h"

#include <pthread.h>

struct kh_rtable {
    struct kh_arena *a;
    pthread_mutex_t lock; /* of update_masks */
    enum kh_store_kind kind;
    struct kh_rshape s;
    struct kh_sql insert, get, head, full, has, fts_add, fts_del, live, ids, ended, next_end,
        larger;
    struct kh_sql *taken; /* for each of the first KH_RCOLS_MAX columns alone */
    uint64_t update_masks[128]; /* sets of changed columns that have a statement of their own */
    unsigned updates_n;
};

/** The text of kh_rtable_taken for these columns. */
void kh_rtable_taken_text(const struct kh_rtable *t, struct kh_buf *b, const unsigned char *cols,
                          size_t n);

static inline bool kh_rtable_pg(const struct kh_rtable *t)
{
    return t->kind == KH_STORE_POSTGRES;
}

/* The search entry of PostgreSQL is a column made of the folded tokens. */
#define KH_TSV(n) "array_to_tsvector(array_remove(string_to_array(CAST($" n " AS text), ' '), ''))"

#endif
