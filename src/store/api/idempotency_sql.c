/* SPDX-License-Identifier: Apache-2.0 */
#include "store/api/idempotency_sql.h"

enum kh_hit kh_idempotency_sql_find(struct kh_tx *tx, struct kh_arena *a, struct kh_str scope,
                                    struct kh_idempotency_row *ret, struct kh_error *err)
{
    static const struct kh_sql sql = {"idempotency_find",
                                      "SELECT request, at_us, status, type, location, etag, body"
                                      " FROM idempotency WHERE scope = $1",
                                      NULL};
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &sql, err))
        return KH_FAIL;
    kh_bind_blob(&q, 1, scope);
    hit = kh_query_next(&q, err);
    if (hit != KH_HIT)
        return hit;
    ret->scope = scope;
    ret->request = kh_str_dup(a, kh_col_blob(&q, 0));
    ret->at_us = kh_col_int(&q, 1);
    ret->status = (int)kh_col_int(&q, 2);
    ret->type = kh_str_dup(a, kh_col_text(&q, 3));
    ret->location = kh_str_dup(a, kh_col_text(&q, 4));
    ret->etag = kh_str_dup(a, kh_col_text(&q, 5));
    ret->body = kh_str_dup(a, kh_col_blob(&q, 6));
    return KH_HIT;
}

bool kh_idempotency_sql_add(struct kh_tx *tx, const struct kh_idempotency_row *row,
                            bool *ret_added, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "idempotency_add",
        "INSERT INTO idempotency (scope, request, at_us, status, type, location, etag, body)"
        " VALUES ($1, $2, $3, 0, '', '', '', $4) ON CONFLICT (scope) DO NOTHING",
        NULL};
    kh_auto(kh_query) q = {0};
    int64_t changes = 0;

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_blob(&q, 1, row->scope);
    kh_bind_blob(&q, 2, row->request);
    kh_bind_int(&q, 3, row->at_us);
    kh_bind_blob(&q, 4, KH_S(""));
    if (!kh_query_run(&q, &changes, err))
        return false;
    *ret_added = changes == 1;
    return true;
}

bool kh_idempotency_sql_keep(struct kh_tx *tx, const struct kh_idempotency_row *row,
                             struct kh_error *err)
{
    static const struct kh_sql sql = {
        "idempotency_keep",
        "UPDATE idempotency SET status = $2, type = $3, location = $4, etag = $5, body = $6"
        " WHERE scope = $1",
        NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_blob(&q, 1, row->scope);
    kh_bind_int(&q, 2, row->status);
    kh_bind_text(&q, 3, row->type);
    kh_bind_text(&q, 4, row->location);
    kh_bind_text(&q, 5, row->etag);
    kh_bind_blob(&q, 6, row->body);
    return kh_query_run(&q, NULL, err);
}

bool kh_idempotency_sql_drop(struct kh_tx *tx, struct kh_str scope, struct kh_error *err)
{
    static const struct kh_sql sql = {"idempotency_drop",
                                      "DELETE FROM idempotency WHERE scope = $1", NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_blob(&q, 1, scope);
    return kh_query_run(&q, NULL, err);
}

bool kh_idempotency_sql_expire(struct kh_tx *tx, int64_t before_us, int64_t max,
                               struct kh_error *err)
{
    static const struct kh_sql sql = {
        "idempotency_expire",
        "DELETE FROM idempotency WHERE scope IN (SELECT scope FROM idempotency"
        " WHERE at_us < $1 ORDER BY at_us LIMIT $2)",
        NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_int(&q, 1, before_us);
    kh_bind_int(&q, 2, max);
    return kh_query_run(&q, NULL, err);
}
