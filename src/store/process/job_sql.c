/* SPDX-License-Identifier: Apache-2.0 */
#include "store/process/job_sql.h"

#include "base/time.h"

static const struct kh_sql add = {
    .name = "job_add",
    .text = "INSERT INTO job(id, lane, kind, state, due_us, instance_id, token, node, calendar, "
            "held_us, times, attempts, lease, payload, error) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, 0, 0, $11, '')",
};

static const struct kh_sql due = {
    .name = "job_due",
    .text = "SELECT id FROM job WHERE state = 0 AND lane = $1 AND due_us <= $2 "
            "ORDER BY due_us, id LIMIT $3",
};

#define COLUMNS                                                                                    \
    "SELECT id, lane, kind, state, due_us, instance_id, token, node, calendar, held_us, times, "   \
    "attempts, lease, payload, error FROM job "

static const struct kh_sql lease = {
    .name = "job_lease",
    .text = "UPDATE job SET due_us = $3, lease = $4, attempts = attempts + 1 "
            "WHERE id = $1 AND state = 0 AND due_us <= $2 "
            "RETURNING id, lane, kind, state, due_us, instance_id, token, node, calendar, held_us, "
            "times, attempts, lease, payload, error",
};
static const struct kh_sql get = {.name = "job_get", .text = COLUMNS "WHERE id = $1"};
static const struct kh_sql dead = {
    .name = "job_dead",
    .text = COLUMNS "WHERE state = 1 AND id > $1 ORDER BY id LIMIT $2",
};
static const struct kh_sql held = {
    .name = "job_held",
    .text = COLUMNS "WHERE held_us <> 0 AND instance_id IN "
                    "(SELECT i.id FROM instance i WHERE i.case_id = $1 AND i.case_id <> 0)",
};

static const struct kh_sql put = {
    .name = "job_put",
    .text = "UPDATE job SET state = $2, due_us = $3, times = $4, attempts = $5, lease = $6, "
            "error = $7 WHERE id = $1",
};

static const struct kh_sql done = {
    .name = "job_done",
    .text = "DELETE FROM job WHERE id = $1 AND state = 0 AND lease = $2 RETURNING id",
};
static const struct kh_sql drop_of = {
    .name = "job_drop_of",
    .text = "DELETE FROM job WHERE instance_id = $1 AND (CAST($2 AS bigint) = 0 OR token = $2)",
};

static const struct kh_sql drop_at = {
    .name = "job_drop_at",
    .text = "DELETE FROM job WHERE instance_id = $1 AND token = $2 AND node = $3",
};

static const struct kh_sql next = {
    .name = "job_next",
    .text = "SELECT due_us FROM job WHERE state = 0 AND lane = $1 ORDER BY due_us, id LIMIT 1",
};

static const struct kh_sql hold = {
    .name = "job_hold",
    .text = "UPDATE job SET held_us = due_us, due_us = 9223372036854775807 "
            "WHERE kind = 1 AND state = 0 AND held_us = 0 AND instance_id IN "
            "(SELECT i.id FROM instance i WHERE i.case_id = $1 AND i.case_id <> 0)",
};

static const struct kh_sql release = {
    .name = "job_release",
    .text = "UPDATE job SET held_us = 0, due_us = $2 WHERE id = $1",
};

static const struct kh_sql wait_add = {
    .name = "message_wait_add",
    .text = "INSERT INTO message_wait(id, instance_id, token, node, name, case_id, correlation) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7)",
};

#define WAIT "SELECT id, instance_id, token, node, name, case_id, correlation FROM message_wait "
static const struct kh_sql wait_by_case = {
    .name = "message_wait_by_case",
    .text = WAIT "WHERE case_id = $2 AND case_id <> 0 AND name = $1 "
                 "AND ($3 = '' OR correlation = '' OR correlation = $3) ORDER BY id LIMIT 1000",
};
static const struct kh_sql wait_by_correlation = {
    .name = "message_wait_by_correlation",
    .text = WAIT "WHERE correlation = $2 AND correlation <> '' AND name = $1 "
                 "ORDER BY id LIMIT 1000",
};
static const struct kh_sql wait_find_id = {
    .name = "message_wait_find_id",
    .text = "SELECT id FROM message_wait WHERE id = $1",
};
static const struct kh_sql wait_drop = {
    .name = "message_wait_drop",
    .text = "DELETE FROM message_wait WHERE id = $1 RETURNING id",
};
static const struct kh_sql wait_drop_of = {
    .name = "message_wait_drop_of",
    .text =
        "DELETE FROM message_wait WHERE instance_id = $1 AND (CAST($2 AS bigint) = 0 OR token = $2)",
};

static const struct kh_sql wait_drop_at = {
    .name = "message_wait_drop_at",
    .text = "DELETE FROM message_wait WHERE instance_id = $1 AND token = $2 AND node = $3",
};

static void read_job(struct kh_query *q, struct kh_arena *a, struct kh_job_row *j)
{
    *j = (struct kh_job_row){
        .id = kh_col_int(q, 0),
        .lane = (enum kh_job_lane)kh_col_int(q, 1),
        .kind = (enum kh_job_kind)kh_col_int(q, 2),
        .state = (enum kh_job_state)kh_col_int(q, 3),
        .due_us = kh_col_int(q, 4),
        .instance = kh_col_int(q, 5),
        .token = kh_col_int(q, 6),
        .node = kh_str_dup(a, kh_col_text(q, 7)),
        .calendar = kh_str_dup(a, kh_col_text(q, 8)),
        .held_us = kh_col_int(q, 9),
        .times = kh_col_int(q, 10),
        .attempts = kh_col_int(q, 11),
        .lease = kh_col_int(q, 12),
        .payload = kh_str_dup(a, kh_col_text(q, 13)),
        .error = kh_str_dup(a, kh_col_text(q, 14)),
    };
}

bool kh_job_sql_add(struct kh_tx *tx, const struct kh_job_row *j, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &add, err))
        return false;
    kh_bind_int(&q, 1, j->id);
    kh_bind_int(&q, 2, j->lane);
    kh_bind_int(&q, 3, j->kind);
    kh_bind_int(&q, 4, j->state);
    kh_bind_int(&q, 5, j->due_us);
    kh_bind_int(&q, 6, j->instance);
    kh_bind_int(&q, 7, j->token);
    kh_bind_text(&q, 8, j->node);
    kh_bind_text(&q, 9, j->calendar);
    kh_bind_int(&q, 10, j->times);
    kh_bind_text(&q, 11, j->payload);
    return kh_query_run(&q, NULL, err);
}

bool kh_job_sql_due(struct kh_tx *tx, struct kh_arena *a, enum kh_job_lane lane, int64_t now_us,
                    unsigned limit, int64_t **ret_ids, size_t *ret_n, struct kh_error *err)
{
    int64_t *ids = kh_new_n(a, limit, int64_t);
    size_t n = 0;
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &due, err))
        return false;
    kh_bind_int(&q, 1, lane);
    kh_bind_int(&q, 2, now_us);
    kh_bind_int(&q, 3, limit);
    while ((hit = kh_query_next(&q, err)) == KH_HIT && n < limit)
        ids[n++] = kh_col_int(&q, 0);
    if (hit == KH_FAIL)
        return false;
    *ret_ids = ids;
    *ret_n = n;
    return true;
}

enum kh_hit kh_job_sql_get(struct kh_tx *tx, struct kh_arena *a, int64_t id, struct kh_job_row *ret,
                           struct kh_error *err)
{
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &get, err))
        return KH_FAIL;
    kh_bind_int(&q, 1, id);
    hit = kh_query_next(&q, err);
    if (hit == KH_HIT)
        read_job(&q, a, ret);
    return hit;
}

enum kh_hit kh_job_sql_lease(struct kh_tx *tx, struct kh_arena *a, int64_t id, int64_t now_us,
                             int64_t until_us, int64_t holder, struct kh_job_row *ret,
                             struct kh_error *err)
{
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &lease, err))
        return KH_FAIL;
    kh_bind_int(&q, 1, id);
    kh_bind_int(&q, 2, now_us);
    kh_bind_int(&q, 3, until_us);
    kh_bind_int(&q, 4, holder);
    hit = kh_query_next(&q, err);
    if (hit == KH_HIT)
        read_job(&q, a, ret);
    return hit;
}

bool kh_job_sql_put(struct kh_tx *tx, const struct kh_job_row *j, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &put, err))
        return false;
    kh_bind_int(&q, 1, j->id);
    kh_bind_int(&q, 2, j->state);
    kh_bind_int(&q, 3, j->due_us);
    kh_bind_int(&q, 4, j->times);
    kh_bind_int(&q, 5, j->attempts);
    kh_bind_int(&q, 6, j->lease);
    kh_bind_text(&q, 7, j->error.p ? j->error : KH_S(""));
    return kh_query_run(&q, NULL, err);
}

/* Run a statement that takes integers only. */
static bool with_ints(struct kh_tx *tx, const struct kh_sql *sql, const int64_t *v, int n,
                      struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, sql, err))
        return false;
    for (int i = 0; i < n; i++)
        kh_bind_int(&q, i + 1, v[i]);
    return kh_query_run(&q, NULL, err);
}

/* Run a statement that takes integers and says by a row whether it did something. */
static enum kh_hit hit_with_ints(struct kh_tx *tx, const struct kh_sql *sql, const int64_t *v,
                                 int n, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, sql, err))
        return KH_FAIL;
    for (int i = 0; i < n; i++)
        kh_bind_int(&q, i + 1, v[i]);
    return kh_query_next(&q, err);
}

enum kh_hit kh_job_sql_done(struct kh_tx *tx, int64_t id, int64_t holder, struct kh_error *err)
{
    return hit_with_ints(tx, &done, (const int64_t[]){id, holder}, 2, err);
}

bool kh_job_sql_drop_of(struct kh_tx *tx, int64_t instance, int64_t token, struct kh_error *err)
{
    return with_ints(tx, &drop_of, (const int64_t[]){instance, token}, 2, err);
}

static bool drop_node(struct kh_tx *tx, const struct kh_sql *sql, int64_t instance, int64_t token,
                      struct kh_str node, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, sql, err))
        return false;
    kh_bind_int(&q, 1, instance);
    kh_bind_int(&q, 2, token);
    kh_bind_text(&q, 3, node);
    return kh_query_run(&q, NULL, err);
}

bool kh_job_sql_drop_at(struct kh_tx *tx, int64_t instance, int64_t token, struct kh_str node,
                        struct kh_error *err)
{
    return drop_node(tx, &drop_at, instance, token, node, err);
}

bool kh_job_sql_next(struct kh_tx *tx, enum kh_job_lane lane, int64_t *ret_us, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &next, err))
        return false;
    kh_bind_int(&q, 1, lane);
    hit = kh_query_next(&q, err);
    if (hit == KH_FAIL)
        return false;
    *ret_us = hit == KH_HIT ? kh_col_int(&q, 0) : KH_FOREVER;
    return true;
}

/* Rows of a statement whose integers are bound. */
static bool jobs(struct kh_query *q, struct kh_arena *a, struct kh_job_row **ret, size_t *ret_n,
                 struct kh_error *err)
{
    struct kh_job_row *rows = NULL;
    size_t n = 0, cap = 0;
    enum kh_hit hit;

    while ((hit = kh_query_next(q, err)) == KH_HIT) {
        rows = kh_grow(a, rows, n, n + 1, &cap, sizeof(*rows));
        read_job(q, a, &rows[n++]);
    }
    if (hit == KH_FAIL)
        return false;
    *ret = rows;
    *ret_n = n;
    return true;
}

bool kh_job_sql_dead(struct kh_tx *tx, struct kh_arena *a, int64_t after, unsigned limit,
                     struct kh_job_row **ret, size_t *ret_n, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &dead, err))
        return false;
    kh_bind_int(&q, 1, after);
    kh_bind_int(&q, 2, limit);
    return jobs(&q, a, ret, ret_n, err);
}

bool kh_job_sql_hold(struct kh_tx *tx, int64_t case_id, struct kh_error *err)
{
    return with_ints(tx, &hold, &case_id, 1, err);
}

bool kh_job_sql_held(struct kh_tx *tx, struct kh_arena *a, int64_t case_id, struct kh_job_row **ret,
                     size_t *ret_n, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &held, err))
        return false;
    kh_bind_int(&q, 1, case_id);
    return jobs(&q, a, ret, ret_n, err);
}

bool kh_job_sql_release(struct kh_tx *tx, int64_t id, int64_t due_us, struct kh_error *err)
{
    return with_ints(tx, &release, (const int64_t[]){id, due_us}, 2, err);
}

/* ---- messages ---- */

static void read_wait(struct kh_query *q, struct kh_arena *a, struct kh_wait_row *w)
{
    *w = (struct kh_wait_row){
        .id = kh_col_int(q, 0),
        .instance = kh_col_int(q, 1),
        .token = kh_col_int(q, 2),
        .node = kh_str_dup(a, kh_col_text(q, 3)),
        .name = kh_str_dup(a, kh_col_text(q, 4)),
        .case_id = kh_col_int(q, 5),
        .correlation = kh_str_dup(a, kh_col_text(q, 6)),
    };
}

bool kh_wait_sql_add(struct kh_tx *tx, const struct kh_wait_row *w, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &wait_add, err))
        return false;
    kh_bind_int(&q, 1, w->id);
    kh_bind_int(&q, 2, w->instance);
    kh_bind_int(&q, 3, w->token);
    kh_bind_text(&q, 4, w->node);
    kh_bind_text(&q, 5, w->name);
    kh_bind_int(&q, 6, w->case_id);
    kh_bind_text(&q, 7, w->correlation);
    return kh_query_run(&q, NULL, err);
}

bool kh_wait_sql_find(struct kh_tx *tx, struct kh_arena *a, struct kh_str name, int64_t case_id,
                      struct kh_str correlation, struct kh_wait_row **ret, size_t *ret_n,
                      struct kh_error *err)
{
    struct kh_wait_row *rows = NULL;
    size_t n = 0, cap = 0;
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, case_id ? &wait_by_case : &wait_by_correlation, err))
        return false;
    kh_bind_text(&q, 1, name);
    if (case_id) {
        kh_bind_int(&q, 2, case_id);
        kh_bind_text(&q, 3, correlation.p ? correlation : KH_S(""));
    } else {
        kh_bind_text(&q, 2, correlation.p ? correlation : KH_S(""));
    }
    while ((hit = kh_query_next(&q, err)) == KH_HIT) {
        rows = kh_grow(a, rows, n, n + 1, &cap, sizeof(*rows));
        read_wait(&q, a, &rows[n++]);
    }
    if (hit == KH_FAIL)
        return false;
    *ret = rows;
    *ret_n = n;
    return true;
}

enum kh_hit kh_wait_sql_find_id(struct kh_tx *tx, int64_t id, struct kh_error *err)
{
    return hit_with_ints(tx, &wait_find_id, &id, 1, err);
}

enum kh_hit kh_wait_sql_drop(struct kh_tx *tx, int64_t id, struct kh_error *err)
{
    return hit_with_ints(tx, &wait_drop, &id, 1, err);
}

bool kh_wait_sql_drop_of(struct kh_tx *tx, int64_t instance, int64_t token, struct kh_error *err)
{
    return with_ints(tx, &wait_drop_of, (const int64_t[]){instance, token}, 2, err);
}

bool kh_wait_sql_drop_at(struct kh_tx *tx, int64_t instance, int64_t token, struct kh_str node,
                         struct kh_error *err)
{
    return drop_node(tx, &wait_drop_at, instance, token, node, err);
}
