/* SPDX-License-Identifier: Apache-2.0 */
#include "store/process/instance_sql.h"

static const struct kh_sql add = {
    .name = "instance_add",
    .text = "INSERT INTO instance(id, process_id, case_type, case_id, parent_id, parent_token, "
            "state, started_us, ended_us, data) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
};

static const struct kh_sql put = {
    .name = "instance_put",
    .text = "UPDATE instance SET state = $2, ended_us = $3, data = $4 WHERE id = $1",
};

#define COLUMNS                                                                                    \
    "SELECT id, process_id, case_type, case_id, parent_id, parent_token, state, started_us, "      \
    "ended_us, data FROM instance WHERE id = $1"

static const struct kh_sql get = {.name = "instance_get", .text = COLUMNS};
static const struct kh_sql get_locked = {
    .name = "instance_lock",
    .text = COLUMNS,
    .text_pg = COLUMNS " FOR UPDATE",
};

static const struct kh_sql case_type = {
    .name = "instance_case_type",
    .text = "SELECT case_type FROM instance WHERE case_id = $1 AND case_id <> 0 LIMIT 1",
};

static const struct kh_sql clock_stop = {
    .name = "clock_stop",
    .text = "INSERT INTO clock(case_id, since_us, calendar) VALUES ($1, $2, $3) "
            "ON CONFLICT (case_id) DO NOTHING RETURNING case_id",
};

static const struct kh_sql clock_go = {
    .name = "clock_go",
    .text = "DELETE FROM clock WHERE case_id = $1 RETURNING since_us, calendar",
};

bool kh_instance_sql_add(struct kh_tx *tx, const struct kh_instance_row *r, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &add, err))
        return false;
    kh_bind_int(&q, 1, r->id);
    kh_bind_int(&q, 2, r->process_id);
    kh_bind_text(&q, 3, r->case_type);
    kh_bind_int(&q, 4, r->case_id);
    kh_bind_int(&q, 5, r->parent_id);
    kh_bind_int(&q, 6, r->parent_token);
    kh_bind_int(&q, 7, r->state);
    kh_bind_int(&q, 8, r->started_us);
    kh_bind_int(&q, 9, r->ended_us);
    kh_bind_text(&q, 10, r->data);
    return kh_query_run(&q, NULL, err);
}

bool kh_instance_sql_put(struct kh_tx *tx, const struct kh_instance_row *r, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &put, err))
        return false;
    kh_bind_int(&q, 1, r->id);
    kh_bind_int(&q, 2, r->state);
    kh_bind_int(&q, 3, r->ended_us);
    kh_bind_text(&q, 4, r->data);
    return kh_query_run(&q, NULL, err);
}

enum kh_hit kh_instance_sql_get(struct kh_tx *tx, struct kh_arena *a, int64_t id, bool lock,
                                struct kh_instance_row *ret, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, lock ? &get_locked : &get, err))
        return KH_FAIL;
    kh_bind_int(&q, 1, id);
    hit = kh_query_next(&q, err);
    if (hit != KH_HIT)
        return hit;
    *ret = (struct kh_instance_row){
        .id = kh_col_int(&q, 0),
        .process_id = kh_col_int(&q, 1),
        .case_type = kh_str_dup(a, kh_col_text(&q, 2)),
        .case_id = kh_col_int(&q, 3),
        .parent_id = kh_col_int(&q, 4),
        .parent_token = kh_col_int(&q, 5),
        .state = (enum kh_instance_state)kh_col_int(&q, 6),
        .started_us = kh_col_int(&q, 7),
        .ended_us = kh_col_int(&q, 8),
        .data = kh_str_dup(a, kh_col_text(&q, 9)),
    };
    return KH_HIT;
}

enum kh_hit kh_instance_sql_case_type(struct kh_tx *tx, struct kh_arena *a, int64_t case_id,
                                      struct kh_str *ret, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &case_type, err))
        return KH_FAIL;
    kh_bind_int(&q, 1, case_id);
    hit = kh_query_next(&q, err);
    if (hit == KH_HIT)
        *ret = kh_str_dup(a, kh_col_text(&q, 0));
    return hit;
}

enum kh_hit kh_clock_sql_stop(struct kh_tx *tx, int64_t case_id, int64_t now_us,
                              struct kh_str calendar, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &clock_stop, err))
        return KH_FAIL;
    kh_bind_int(&q, 1, case_id);
    kh_bind_int(&q, 2, now_us);
    kh_bind_text(&q, 3, calendar);
    return kh_query_next(&q, err);
}

enum kh_hit kh_clock_sql_go(struct kh_tx *tx, struct kh_arena *a, int64_t case_id,
                            int64_t *ret_since_us, struct kh_str *ret_calendar,
                            struct kh_error *err)
{
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &clock_go, err))
        return KH_FAIL;
    kh_bind_int(&q, 1, case_id);
    hit = kh_query_next(&q, err);
    if (hit == KH_HIT) {
        *ret_since_us = kh_col_int(&q, 0);
        *ret_calendar = kh_str_dup(a, kh_col_text(&q, 1));
    }
    return hit;
}
