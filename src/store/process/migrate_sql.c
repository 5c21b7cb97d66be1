/* SPDX-License-Identifier: Apache-2.0 */
#include "store/process/migrate_sql.h"

static const struct kh_sql page = {
    .name = "migrate_page",
    .text = "SELECT id FROM instance WHERE process_id = $1 AND state = 0 AND id > $2 ORDER BY id "
            "LIMIT $3",
};

static const struct kh_sql waits = {
    .name = "migrate_waits",
    .text = "SELECT 0 AS kind, id, node FROM job WHERE instance_id = $1 "
            "UNION ALL SELECT 1, id, node FROM message_wait WHERE instance_id = $1 "
            "UNION ALL SELECT 2, id, node FROM signal_wait WHERE instance_id = $1 "
            "ORDER BY 1, 2",
};

static const struct kh_sql instance = {
    .name = "migrate_instance",
    .text = "UPDATE instance SET process_id = $2, data = $3 WHERE id = $1",
};

static const struct kh_sql task = {
    .name = "migrate_task",
    .text = "UPDATE task SET process_id = $2, key = $3 WHERE id = $1",
};

static const struct kh_sql move[] = {
    [KH_WAIT_JOB] = {.name = "migrate_job", .text = "UPDATE job SET node = $2 WHERE id = $1"},
    [KH_WAIT_MESSAGE] = {.name = "migrate_message_wait",
                         .text = "UPDATE message_wait SET node = $2, name = $3 WHERE id = $1"},
    [KH_WAIT_SIGNAL] = {.name = "migrate_signal_wait",
                        .text = "UPDATE signal_wait SET node = $2, name = $3 WHERE id = $1"},
};

static const struct kh_sql drop[] = {
    [KH_WAIT_JOB] = {.name = "migrate_job_drop", .text = "DELETE FROM job WHERE id = $1"},
    [KH_WAIT_MESSAGE] = {.name = "migrate_message_wait_drop",
                         .text = "DELETE FROM message_wait WHERE id = $1"},
    [KH_WAIT_SIGNAL] = {.name = "migrate_signal_wait_drop",
                        .text = "DELETE FROM signal_wait WHERE id = $1"},
};

bool kh_migrate_sql_page(struct kh_tx *tx, struct kh_arena *a, int64_t process_id, int64_t after,
                         unsigned limit, int64_t **ret_ids, size_t *ret_n, struct kh_error *err)
{
    int64_t *ids = kh_new_n(a, limit, int64_t);
    size_t n = 0;
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &page, err))
        return false;
    kh_bind_int(&q, 1, process_id);
    kh_bind_int(&q, 2, after);
    kh_bind_int(&q, 3, limit);
    while ((hit = kh_query_next(&q, err)) == KH_HIT && n < limit)
        ids[n++] = kh_col_int(&q, 0);
    if (hit == KH_FAIL)
        return false;
    *ret_ids = ids;
    *ret_n = n;
    return true;
}

bool kh_migrate_sql_waits(struct kh_tx *tx, struct kh_arena *a, int64_t instance_id,
                          struct kh_wait_at **ret, size_t *ret_n, struct kh_error *err)
{
    struct kh_wait_at *rows = NULL;
    size_t n = 0, cap = 0;
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &waits, err))
        return false;
    kh_bind_int(&q, 1, instance_id);
    while ((hit = kh_query_next(&q, err)) == KH_HIT) {
        rows = kh_grow(a, rows, n, n + 1, &cap, sizeof(*rows));
        rows[n++] = (struct kh_wait_at){.table = (enum kh_wait_table)kh_col_int(&q, 0),
                                        .id = kh_col_int(&q, 1),
                                        .node = kh_str_dup(a, kh_col_text(&q, 2))};
    }
    if (hit == KH_FAIL)
        return false;
    *ret = rows;
    *ret_n = n;
    return true;
}

bool kh_migrate_sql_instance(struct kh_tx *tx, const struct kh_instance_row *r,
                             struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &instance, err))
        return false;
    kh_bind_int(&q, 1, r->id);
    kh_bind_int(&q, 2, r->process_id);
    kh_bind_text(&q, 3, r->data);
    return kh_query_run(&q, NULL, err);
}

bool kh_migrate_sql_task(struct kh_tx *tx, int64_t id, int64_t process_id, struct kh_str key,
                         struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &task, err))
        return false;
    kh_bind_int(&q, 1, id);
    kh_bind_int(&q, 2, process_id);
    kh_bind_text(&q, 3, key);
    return kh_query_run(&q, NULL, err);
}

bool kh_migrate_sql_wait(struct kh_tx *tx, const struct kh_wait_at *w, struct kh_str node,
                         struct kh_str name, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &move[w->table], err))
        return false;
    kh_bind_int(&q, 1, w->id);
    kh_bind_text(&q, 2, node);
    if (w->table != KH_WAIT_JOB)
        kh_bind_text(&q, 3, name);
    return kh_query_run(&q, NULL, err);
}

bool kh_migrate_sql_drop(struct kh_tx *tx, const struct kh_wait_at *w, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &drop[w->table], err))
        return false;
    kh_bind_int(&q, 1, w->id);
    return kh_query_run(&q, NULL, err);
}
