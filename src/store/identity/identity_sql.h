/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store/identity -- the statements of accounts, grants, sessions, keys and roles.
 *
 * Owns   every statement over these tables.
 * Used   by engine/identity only.
 */
#ifndef KH_STORE_IDENTITY_SQL_H
#define KH_STORE_IDENTITY_SQL_H

#include "engine/identity/identity.h"

KH_CHECK
bool kh_account_sql_insert(struct kh_tx *tx, const struct kh_account *ac, struct kh_str folded,
                           struct kh_str hash, struct kh_error *err);
/** Columns whose text has p NULL keep their value. */
KH_CHECK
bool kh_account_sql_update(struct kh_tx *tx, const struct kh_account *ac, struct kh_str folded,
                           struct kh_str hash, int64_t now_us, struct kh_error *err);
KH_CHECK
enum kh_hit kh_account_sql_get(struct kh_tx *tx, struct kh_arena *a, int64_t id,
                               struct kh_account *ret, struct kh_str *ret_hash,
                               struct kh_error *err);
KH_CHECK
enum kh_hit kh_account_sql_find(struct kh_tx *tx, struct kh_arena *a, struct kh_str username,
                                struct kh_account *ret, struct kh_str *ret_hash,
                                struct kh_error *err);
/** Prefix of the folded name or of the username; "" lists by id. */
KH_CHECK
bool kh_account_sql_list(struct kh_tx *tx, struct kh_arena *a, struct kh_str prefix, int64_t after,
                         unsigned limit, struct kh_account **ret, size_t *ret_n,
                         struct kh_error *err);
/** Active accounts that hold role over one of the units in the JSON array, at an instant. */
KH_CHECK
bool kh_account_sql_holders(struct kh_tx *tx, struct kh_arena *a, struct kh_str role,
                            struct kh_str units_json, int64_t now_us, int64_t **ret_ids,
                            size_t *ret_n, struct kh_error *err);

KH_CHECK
bool kh_grant_sql_insert(struct kh_tx *tx, const struct kh_grant_row *g, int64_t given_by,
                         struct kh_error *err);
KH_CHECK
enum kh_hit kh_grant_sql_get(struct kh_tx *tx, struct kh_arena *a, int64_t id,
                             struct kh_grant_row *ret, int64_t *ret_given_by,
                             struct kh_error *err);
KH_CHECK
bool kh_grant_sql_end(struct kh_tx *tx, int64_t id, int64_t at_us, struct kh_error *err);
/** Not yet ended grants of an account, or those that it delegated. */
KH_CHECK
bool kh_grant_sql_list(struct kh_tx *tx, struct kh_arena *a, int64_t account, bool by,
                       int64_t now_us, struct kh_grant_row **ret, size_t *ret_n,
                       struct kh_error *err);

KH_CHECK
bool kh_session_sql_insert(struct kh_tx *tx, struct kh_str token_hash, int64_t account,
                           int64_t now_us, int64_t expires_us, struct kh_error *err);
KH_CHECK
enum kh_hit kh_session_sql_get(struct kh_tx *tx, struct kh_str token_hash, int64_t *ret_account,
                               int64_t *ret_used_us, int64_t *ret_expires_us,
                               struct kh_error *err);
KH_CHECK
bool kh_session_sql_touch(struct kh_tx *tx, struct kh_str token_hash, int64_t now_us,
                          struct kh_error *err);
KH_CHECK
bool kh_session_sql_delete(struct kh_tx *tx, struct kh_str token_hash, struct kh_error *err);
/** All sessions of an account but the one kept (may be ""). */
KH_CHECK
bool kh_session_sql_delete_of(struct kh_tx *tx, int64_t account, struct kh_str keep_hash,
                              struct kh_error *err);
KH_CHECK
bool kh_session_sql_sweep(struct kh_tx *tx, int64_t now_us, struct kh_error *err);

KH_CHECK
bool kh_key_sql_insert(struct kh_tx *tx, const struct kh_key_row *k, struct kh_str secret_hash,
                       struct kh_error *err);
KH_CHECK
enum kh_hit kh_key_sql_get(struct kh_tx *tx, struct kh_arena *a, struct kh_str secret_hash,
                           struct kh_key_row *ret, struct kh_error *err);
KH_CHECK
enum kh_hit kh_key_sql_find(struct kh_tx *tx, struct kh_arena *a, int64_t id,
                            struct kh_key_row *ret, struct kh_error *err);
KH_CHECK
bool kh_key_sql_end(struct kh_tx *tx, int64_t id, int64_t at_us, struct kh_error *err);
/** Keys of an account; 0 means of all. */
KH_CHECK
bool kh_key_sql_list(struct kh_tx *tx, struct kh_arena *a, int64_t account, int64_t now_us,
                     struct kh_key_row **ret, size_t *ret_n, struct kh_error *err);

KH_CHECK
bool kh_role_sql_put(struct kh_tx *tx, struct kh_str role, struct kh_str pack, struct kh_str texts,
                     struct kh_error *err);
KH_CHECK
enum kh_hit kh_role_sql_has(struct kh_tx *tx, struct kh_str role, struct kh_error *err);
/** JSON array of {"role","pack",...texts}. */
KH_CHECK
bool kh_role_sql_list(struct kh_tx *tx, struct kh_buf *out, struct kh_error *err);

#endif
