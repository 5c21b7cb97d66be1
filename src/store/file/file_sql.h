/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store/file/file_sql -- the statements of tables file and file_link.
 *
 * Used by engine/file/file.c and nothing else.
 */
#ifndef KH_STORE_FILE_SQL_H
#define KH_STORE_FILE_SQL_H

#include "engine/file/file.h"
#include "store/store.h"

/** Insert; an id that is there already stays as it is. @param ret_new a row was inserted */
KH_CHECK
bool kh_file_sql_insert(struct kh_tx *tx, const struct kh_file *f, bool *ret_new,
                        struct kh_error *err);
/** Texts are copied into the arena. */
KH_CHECK
enum kh_hit kh_file_sql_get(struct kh_tx *tx, struct kh_arena *a, struct kh_str id,
                            struct kh_file *ret, struct kh_error *err);
/** Insert the link if the file is there. @return KH_MISS if it is not */
KH_CHECK
enum kh_hit kh_file_sql_link(struct kh_tx *tx, struct kh_str id, struct kh_str type, int64_t record,
                             struct kh_error *err);
/** At most max uses, in the order of types and records. */
KH_CHECK
bool kh_file_sql_uses(struct kh_tx *tx, struct kh_arena *a, struct kh_str id, size_t max,
                      struct kh_file_use **ret, size_t *ret_n, struct kh_error *err);
/** Ids of files made before an instant that no record uses, oldest first, at most max. */
KH_CHECK
bool kh_file_sql_unused(struct kh_tx *tx, struct kh_arena *a, int64_t before_us, size_t max,
                        struct kh_str **ret_ids, size_t *ret_n, struct kh_error *err);
/** Delete a file that no record uses. @param ret_gone it was deleted */
KH_CHECK
bool kh_file_sql_delete_unused(struct kh_tx *tx, struct kh_str id, bool *ret_gone,
                               struct kh_error *err);

#endif
