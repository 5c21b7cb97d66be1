/* SPDX-License-Identifier: Apache-2.0 */
#include "store/process/verify_sql.h"

/* "subject <> 0 AND subject <> about" and "about <> 0" are the conditions of the indexes. */
#define EVENT "SELECT seq, at_us, subject, about, owner, kind, unit, actor, data FROM event "
#define DEEDS(kinds)                                                                               \
    EVENT "WHERE subject > $1 AND subject <= $2 AND subject <> 0 AND subject <> about "            \
          "AND kind IN (" kinds ") ORDER BY subject, seq LIMIT $3"

static const struct kh_sql deeds_of[] = {
    [KH_DEEDS_TASK] = {.name = "verify_task_deeds",
                       .text = DEEDS("'task.create', 'task.claim', 'task.release', "
                                     "'task.complete', 'task.cancel', 'task.overdue', "
                                     "'task.migrate'")},
    [KH_DEEDS_INSTANCE] = {.name = "verify_instance_deeds",
                           .text = DEEDS("'process.start', 'process.end', "
                                         "'process.migrate'")},
};

#define CLOCKS(cases)                                                                              \
    EVENT "WHERE about IN (" cases ") AND about <> 0 "                                             \
          "AND kind IN ('clock.suspend', 'clock.resume') ORDER BY about, seq"

static const struct kh_sql clocks = {
    .name = "verify_clocks",
    .text = CLOCKS("SELECT value FROM json_each($1)"),
    .text_pg =
        CLOCKS("SELECT CAST(x AS bigint) FROM json_array_elements_text(CAST($1 AS json)) AS j(x)"),
};

static const struct kh_sql tasks = {
    .name = "verify_tasks",
    .text = "SELECT t.id, t.instance_id, t.process_id, t.process, t.key, t.case_type, t.case_id, "
            "t.role, t.unit, t.claimed_by, t.owner, t.created_us, t.due_us, t.done_us, t.done_by, "
            "t.state, t.overdue, t.held_us, i.process_id, i.case_type, i.case_id, p.key, "
            "p.version FROM task t LEFT JOIN instance i ON i.id = t.instance_id "
            "LEFT JOIN process p ON p.id = t.process_id "
            "WHERE t.id > $1 AND t.id <= $2 ORDER BY t.id LIMIT $3",
};

static const struct kh_sql instances = {
    .name = "verify_instances",
    .text = "SELECT i.id, i.process_id, i.case_type, i.case_id, i.state, i.started_us, i.ended_us, "
            "p.key, p.version FROM instance i LEFT JOIN process p ON p.id = i.process_id "
            "WHERE i.id > $1 AND i.id <= $2 ORDER BY i.id LIMIT $3",
};

static const struct kh_sql waiting = {
    .name = "verify_waiting",
    .text = NULL,
    .text_pg =
        "SELECT 1 FROM event_inbox WHERE subject = $1 OR (about = $2 AND about <> 0) LIMIT 1",
};

static const struct kh_sql key_account = {
    .name = "verify_key",
    .text = "SELECT account FROM api_key WHERE id = $1",
};

static const struct kh_sql count = {
    .name = "verify_count",
    .text = "SELECT (SELECT count(*) FROM task) + (SELECT count(*) FROM instance)",
};

static bool read_deeds(struct kh_query *q, struct kh_arena *a, struct kh_deed **ret, size_t *ret_n,
                       struct kh_error *err)
{
    struct kh_deed *list = NULL;
    size_t n = 0, cap = 0;
    enum kh_hit hit;

    while ((hit = kh_query_next(q, err)) == KH_HIT) {
        list = kh_grow(a, list, n, n + 1, &cap, sizeof(*list));
        list[n++] = (struct kh_deed){
            .seq = kh_col_int(q, 0),
            .at_us = kh_col_int(q, 1),
            .subject = kh_col_int(q, 2),
            .about = kh_col_int(q, 3),
            .owner = kh_col_int(q, 4),
            .kind = kh_str_dup(a, kh_col_text(q, 5)),
            .unit = kh_str_dup(a, kh_col_text(q, 6)),
            .actor = kh_str_dup(a, kh_col_text(q, 7)),
            .data = kh_str_dup(a, kh_col_text(q, 8)),
        };
        if (kh_arena_over(a))
            return kh_fail(err, KH_EC_ARENA_FULL, "after %zu events", n);
    }
    if (hit == KH_FAIL)
        return false;
    *ret = list;
    *ret_n = n;
    return true;
}

bool kh_verify_sql_deeds(struct kh_tx *tx, struct kh_arena *a, enum kh_deeds of, int64_t after,
                         int64_t until, size_t limit, struct kh_deed **ret, size_t *ret_n,
                         struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &deeds_of[of], err))
        return false;
    kh_bind_int(&q, 1, after);
    kh_bind_int(&q, 2, until);
    kh_bind_int(&q, 3, (int64_t)limit);
    return read_deeds(&q, a, ret, ret_n, err);
}

bool kh_verify_sql_clocks(struct kh_tx *tx, struct kh_arena *a, struct kh_str cases,
                          struct kh_deed **ret, size_t *ret_n, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &clocks, err))
        return false;
    kh_bind_text(&q, 1, cases);
    return read_deeds(&q, a, ret, ret_n, err);
}

static struct kh_seen_task read_task(struct kh_query *q, struct kh_arena *a)
{
    return (struct kh_seen_task){
        .t = {.id = kh_col_int(q, 0),
              .instance = kh_col_int(q, 1),
              .process_id = kh_col_int(q, 2),
              .process = kh_str_dup(a, kh_col_text(q, 3)),
              .key = kh_str_dup(a, kh_col_text(q, 4)),
              .case_type = kh_str_dup(a, kh_col_text(q, 5)),
              .case_id = kh_col_int(q, 6),
              .role = kh_str_dup(a, kh_col_text(q, 7)),
              .unit = kh_str_dup(a, kh_col_text(q, 8)),
              .claimed_by = kh_col_int(q, 9),
              .owner = kh_col_int(q, 10),
              .created_us = kh_col_int(q, 11),
              .due_us = kh_col_int(q, 12),
              .done_us = kh_col_int(q, 13),
              .done_by = kh_str_dup(a, kh_col_text(q, 14)),
              .state = kh_col_int(q, 15),
              .overdue = kh_col_int(q, 16) != 0,
              .held_us = kh_col_int(q, 17)},
        .has_instance = !kh_col_null(q, 18),
        .i = {.process_id = kh_col_int(q, 18),
              .case_type = kh_str_dup(a, kh_col_text(q, 19)),
              .case_id = kh_col_int(q, 20)},
        .model = kh_str_dup(a, kh_col_text(q, 21)),
        .version = kh_col_int(q, 22),
    };
}

static bool open_rows(struct kh_query *q, struct kh_tx *tx, const struct kh_sql *sql, int64_t after,
                      int64_t until, size_t limit, struct kh_error *err)
{
    if (!kh_query_open(q, tx, sql, err))
        return false;
    kh_bind_int(q, 1, after);
    kh_bind_int(q, 2, until);
    kh_bind_int(q, 3, (int64_t)limit);
    return true;
}

bool kh_verify_sql_tasks(struct kh_tx *tx, struct kh_arena *a, int64_t after, int64_t until,
                         size_t limit, struct kh_seen_task **ret, size_t *ret_n,
                         struct kh_error *err)
{
    struct kh_seen_task *list = NULL;
    size_t n = 0, cap = 0;
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!open_rows(&q, tx, &tasks, after, until, limit, err))
        return false;
    while ((hit = kh_query_next(&q, err)) == KH_HIT) {
        list = kh_grow(a, list, n, n + 1, &cap, sizeof(*list));
        list[n++] = read_task(&q, a);
    }
    if (hit == KH_FAIL)
        return false;
    *ret = list;
    *ret_n = n;
    return true;
}

bool kh_verify_sql_instances(struct kh_tx *tx, struct kh_arena *a, int64_t after, int64_t until,
                             size_t limit, struct kh_seen_instance **ret, size_t *ret_n,
                             struct kh_error *err)
{
    struct kh_seen_instance *list = NULL;
    size_t n = 0, cap = 0;
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!open_rows(&q, tx, &instances, after, until, limit, err))
        return false;
    while ((hit = kh_query_next(&q, err)) == KH_HIT) {
        list = kh_grow(a, list, n, n + 1, &cap, sizeof(*list));
        list[n++] = (struct kh_seen_instance){
            .i = {.id = kh_col_int(&q, 0),
                  .process_id = kh_col_int(&q, 1),
                  .case_type = kh_str_dup(a, kh_col_text(&q, 2)),
                  .case_id = kh_col_int(&q, 3),
                  .state = (enum kh_instance_state)kh_col_int(&q, 4),
                  .started_us = kh_col_int(&q, 5),
                  .ended_us = kh_col_int(&q, 6)},
            .model = kh_str_dup(a, kh_col_text(&q, 7)),
            .version = kh_col_int(&q, 8),
        };
    }
    if (hit == KH_FAIL)
        return false;
    *ret = list;
    *ret_n = n;
    return true;
}

enum kh_hit kh_verify_sql_waiting(struct kh_tx *tx, int64_t id, int64_t case_id,
                                  struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &waiting, err))
        return KH_FAIL;
    kh_bind_int(&q, 1, id);
    kh_bind_int(&q, 2, case_id);
    return kh_query_next(&q, err);
}

enum kh_hit kh_verify_sql_key(struct kh_tx *tx, int64_t key, int64_t *ret_account,
                              struct kh_error *err)
{
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &key_account, err))
        return KH_FAIL;
    kh_bind_int(&q, 1, key);
    hit = kh_query_next(&q, err);
    if (hit == KH_HIT)
        *ret_account = kh_col_int(&q, 0);
    return hit;
}

bool kh_verify_sql_count(struct kh_tx *tx, int64_t *ret, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &count, err))
        return false;
    hit = kh_query_next(&q, err);
    if (hit == KH_FAIL)
        return false;
    *ret = hit == KH_HIT ? kh_col_int(&q, 0) : 0;
    return true;
}
