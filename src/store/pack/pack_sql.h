/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store/pack/pack_sql -- the statements of tables pack and pack_file.
 *
 * Used by engine/pack and nothing else.
 */
#ifndef KH_STORE_PACK_SQL_H
#define KH_STORE_PACK_SQL_H

#include "engine/pack/pack.h"

KH_CHECK
bool kh_pack_sql_put(struct kh_tx *tx, struct kh_str id, struct kh_str version,
                     struct kh_str manifest, int64_t now_us, struct kh_str by,
                     struct kh_error *err);
KH_CHECK
enum kh_hit kh_pack_sql_find(struct kh_tx *tx, struct kh_str id, struct kh_error *err);
/** All, in the order of ids, with the number of their files. */
KH_CHECK
bool kh_pack_sql_list(struct kh_tx *tx, struct kh_arena *a, struct kh_pack_info **ret,
                      size_t *ret_n, struct kh_error *err);

KH_CHECK
bool kh_pack_sql_file_put(struct kh_tx *tx, struct kh_str pack, struct kh_str path,
                          struct kh_str sum, int64_t now_us, struct kh_error *err);
/** @return KH_HIT if the file was loaded with exactly this checksum */
KH_CHECK
enum kh_hit kh_pack_sql_file_same(struct kh_tx *tx, struct kh_str pack, struct kh_str path,
                                  struct kh_str sum, struct kh_error *err);

#endif
