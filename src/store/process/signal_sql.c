/* SPDX-License-Identifier: Apache-2.0 */
#include "store/process/signal_sql.h"

static const struct kh_sql add = {
    .name = "signal_wait_add",
    .text =
        "INSERT INTO signal_wait(id, instance_id, token, node, name) VALUES ($1, $2, $3, $4, $5)",
};

static const struct kh_sql find = {
    .name = "signal_wait_find",
    .text = "SELECT id, instance_id, token, node, name FROM signal_wait "
            "WHERE name = $1 AND id > $2 AND id <= $3 ORDER BY id LIMIT $4",
};

static const struct kh_sql find_id = {
    .name = "signal_wait_find_id",
    .text = "SELECT id FROM signal_wait WHERE id = $1",
};

static const struct kh_sql drop = {
    .name = "signal_wait_drop",
    .text = "DELETE FROM signal_wait WHERE id = $1 RETURNING id",
};

static const struct kh_sql drop_of = {
    .name = "signal_wait_drop_of",
    .text =
        "DELETE FROM signal_wait WHERE instance_id = $1 AND (CAST($2 AS bigint) = 0 OR token = $2)",
};

static const struct kh_sql drop_at = {
    .name = "signal_wait_drop_at",
    .text = "DELETE FROM signal_wait WHERE instance_id = $1 AND token = $2 AND node = $3",
};

bool kh_signal_sql_add(struct kh_tx *tx, const struct kh_signal_row *w, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &add, err))
        return false;
    kh_bind_int(&q, 1, w->id);
    kh_bind_int(&q, 2, w->instance);
    kh_bind_int(&q, 3, w->token);
    kh_bind_text(&q, 4, w->node);
    kh_bind_text(&q, 5, w->name);
    return kh_query_run(&q, NULL, err);
}

bool kh_signal_sql_find(struct kh_tx *tx, struct kh_arena *a, struct kh_str name, int64_t after,
                        int64_t upto, unsigned limit, struct kh_signal_row **ret, size_t *ret_n,
                        struct kh_error *err)
{
    struct kh_signal_row *rows = NULL;
    size_t n = 0, cap = 0;
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &find, err))
        return false;
    kh_bind_text(&q, 1, name);
    kh_bind_int(&q, 2, after);
    kh_bind_int(&q, 3, upto);
    kh_bind_int(&q, 4, limit);
    while ((hit = kh_query_next(&q, err)) == KH_HIT) {
        rows = kh_grow(a, rows, n, n + 1, &cap, sizeof(*rows));
        rows[n++] = (struct kh_signal_row){.id = kh_col_int(&q, 0),
                                           .instance = kh_col_int(&q, 1),
                                           .token = kh_col_int(&q, 2),
                                           .node = kh_str_dup(a, kh_col_text(&q, 3)),
                                           .name = kh_str_dup(a, kh_col_text(&q, 4))};
    }
    if (hit == KH_FAIL)
        return false;
    *ret = rows;
    *ret_n = n;
    return true;
}

static enum kh_hit by_id(struct kh_tx *tx, const struct kh_sql *sql, int64_t id,
                         struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, sql, err))
        return KH_FAIL;
    kh_bind_int(&q, 1, id);
    return kh_query_next(&q, err);
}

enum kh_hit kh_signal_sql_find_id(struct kh_tx *tx, int64_t id, struct kh_error *err)
{
    return by_id(tx, &find_id, id, err);
}

enum kh_hit kh_signal_sql_drop(struct kh_tx *tx, int64_t id, struct kh_error *err)
{
    return by_id(tx, &drop, id, err);
}

bool kh_signal_sql_drop_of(struct kh_tx *tx, int64_t instance, int64_t token, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &drop_of, err))
        return false;
    kh_bind_int(&q, 1, instance);
    kh_bind_int(&q, 2, token);
    return kh_query_run(&q, NULL, err);
}

bool kh_signal_sql_drop_at(struct kh_tx *tx, int64_t instance, int64_t token, struct kh_str node,
                           struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &drop_at, err))
        return false;
    kh_bind_int(&q, 1, instance);
    kh_bind_int(&q, 2, token);
    kh_bind_text(&q, 3, node);
    return kh_query_run(&q, NULL, err);
}
