/* SPDX-License-Identifier: Apache-2.0 */
#include "store/identity/identity_sql.h"
#include "store/row.h"

bool kh_session_sql_insert(struct kh_tx *tx, struct kh_str token_hash, int64_t account,
                           int64_t now_us, int64_t expires_us, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "session_insert",
        "INSERT INTO session (token, account, created_us, used_us, expires_us)"
        " VALUES ($1, $2, $3, $3, $4)",
        NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_blob(&q, 1, token_hash);
    kh_bind_int(&q, 2, account);
    kh_bind_int(&q, 3, now_us);
    kh_bind_int(&q, 4, expires_us);
    return kh_query_run(&q, NULL, err);
}

enum kh_hit kh_session_sql_get(struct kh_tx *tx, struct kh_str token_hash, int64_t *ret_account,
                               int64_t *ret_used_us, int64_t *ret_expires_us, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "session_get", "SELECT account, used_us, expires_us FROM session WHERE token = $1", NULL};
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &sql, err))
        return KH_FAIL;
    kh_bind_blob(&q, 1, token_hash);
    hit = kh_query_next(&q, err);
    if (hit == KH_HIT) {
        *ret_account = kh_col_int(&q, 0);
        *ret_used_us = kh_col_int(&q, 1);
        *ret_expires_us = kh_col_int(&q, 2);
    }
    return hit;
}

bool kh_session_sql_touch(struct kh_tx *tx, struct kh_str token_hash, int64_t now_us,
                          struct kh_error *err)
{
    static const struct kh_sql sql = {"session_touch",
                                      "UPDATE session SET used_us = $2 WHERE token = $1", NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_blob(&q, 1, token_hash);
    kh_bind_int(&q, 2, now_us);
    return kh_query_run(&q, NULL, err);
}

bool kh_session_sql_delete(struct kh_tx *tx, struct kh_str token_hash, struct kh_error *err)
{
    static const struct kh_sql sql = {"session_delete", "DELETE FROM session WHERE token = $1",
                                      NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_blob(&q, 1, token_hash);
    return kh_query_run(&q, NULL, err);
}

bool kh_session_sql_delete_of(struct kh_tx *tx, int64_t account, struct kh_str keep_hash,
                              struct kh_error *err)
{
    static const struct kh_sql sql = {
        "session_delete_of", "DELETE FROM session WHERE account = $1 AND token <> $2", NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_int(&q, 1, account);
    kh_bind_blob(&q, 2, keep_hash.p ? keep_hash : KH_S(""));
    return kh_query_run(&q, NULL, err);
}

bool kh_session_sql_sweep(struct kh_tx *tx, int64_t now_us, struct kh_error *err)
{
    static const struct kh_sql sql = {"session_sweep", "DELETE FROM session WHERE expires_us < $1",
                                      NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_int(&q, 1, now_us);
    return kh_query_run(&q, NULL, err);
}

#define KEY_COLUMNS "id, account, name, hint, created_us, expires_us"

static void key_read(struct kh_query *q, struct kh_arena *a, struct kh_key_row *ret)
{
    ret->id = kh_col_int(q, 0);
    ret->account = kh_col_int(q, 1);
    ret->name = kh_str_dup(a, kh_col_text(q, 2));
    ret->hint = kh_str_dup(a, kh_col_text(q, 3));
    ret->created_us = kh_col_int(q, 4);
    ret->expires_us = kh_col_int(q, 5);
}

bool kh_key_sql_insert(struct kh_tx *tx, const struct kh_key_row *k, struct kh_str secret_hash,
                       struct kh_error *err)
{
    static const struct kh_sql sql = {
        "key_insert",
        "INSERT INTO api_key (id, secret, account, name, hint, created_us, expires_us)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_int(&q, 1, k->id);
    kh_bind_blob(&q, 2, secret_hash);
    kh_bind_int(&q, 3, k->account);
    kh_bind_text(&q, 4, k->name);
    kh_bind_text(&q, 5, k->hint);
    kh_bind_int(&q, 6, k->created_us);
    kh_bind_int(&q, 7, k->expires_us);
    return kh_query_run(&q, NULL, err) && kh_row_seal_id(tx, KH_ROW_KEY, k->id, err);
}

static enum kh_hit key_one(struct kh_query *q, struct kh_arena *a, struct kh_key_row *ret,
                           struct kh_error *err)
{
    enum kh_hit hit = kh_query_next(q, err);

    if (hit == KH_HIT)
        key_read(q, a, ret);
    return hit;
}

enum kh_hit kh_key_sql_get(struct kh_tx *tx, struct kh_arena *a, struct kh_str secret_hash,
                           struct kh_key_row *ret, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "key_get", "SELECT " KEY_COLUMNS " FROM api_key WHERE secret = $1", NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return KH_FAIL;
    kh_bind_blob(&q, 1, secret_hash);
    return key_one(&q, a, ret, err);
}

enum kh_hit kh_key_sql_find(struct kh_tx *tx, struct kh_arena *a, int64_t id,
                            struct kh_key_row *ret, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "key_find", "SELECT " KEY_COLUMNS " FROM api_key WHERE id = $1", NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return KH_FAIL;
    kh_bind_int(&q, 1, id);
    return key_one(&q, a, ret, err);
}

bool kh_key_sql_end(struct kh_tx *tx, int64_t id, int64_t at_us, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "key_end", "UPDATE api_key SET expires_us = $2 WHERE id = $1 AND expires_us > $2", NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_int(&q, 1, id);
    kh_bind_int(&q, 2, at_us);
    return kh_query_run(&q, NULL, err) && kh_row_seal_id(tx, KH_ROW_KEY, id, err);
}

bool kh_key_sql_list(struct kh_tx *tx, struct kh_arena *a, int64_t account, int64_t now_us,
                     struct kh_key_row **ret, size_t *ret_n, struct kh_error *err)
{
    static const struct kh_sql all = {
        "key_list", "SELECT " KEY_COLUMNS " FROM api_key WHERE expires_us > $1 ORDER BY id", NULL};
    static const struct kh_sql of = {
        "key_list_of",
        "SELECT " KEY_COLUMNS " FROM api_key WHERE expires_us > $1 AND account = $2 ORDER BY id",
        NULL};
    kh_auto(kh_query) q = {0};
    struct kh_key_row *list = NULL;
    size_t n = 0, cap = 0;
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, account ? &of : &all, err))
        return false;
    kh_bind_int(&q, 1, now_us);
    if (account)
        kh_bind_int(&q, 2, account);
    while ((hit = kh_query_next(&q, err)) == KH_HIT) {
        list = kh_grow(a, list, n, n + 1, &cap, sizeof(*list));
        key_read(&q, a, &list[n++]);
    }
    if (hit == KH_FAIL)
        return false;
    *ret = list;
    *ret_n = n;
    return true;
}
