/* SPDX-License-Identifier: Apache-2.0 */
#include "store/process/process_sql.h"
#include "store/row.h"

static const struct kh_sql add = {
    .name = "process_add",
    .text = "INSERT INTO process(id, key, version, name_vi, name_en, checksum, xml, deployed_us) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
};

static const struct kh_sql newest = {
    .name = "process_newest",
    .text = "SELECT id, version, deployed_us, key, name_vi, name_en, checksum FROM process "
            "WHERE key = $1 ORDER BY version DESC LIMIT 1",
};

static const struct kh_sql get = {
    .name = "process_get",
    .text = "SELECT id, version, deployed_us, key, name_vi, name_en, checksum, xml FROM process "
            "WHERE id = $1",
};

static const struct kh_sql version = {
    .name = "process_version",
    .text = "SELECT id FROM process WHERE key = $1 AND version = $2",
};

static const struct kh_sql all = {
    .name = "process_all",
    .text = "SELECT id, version, deployed_us, key, name_vi, name_en, checksum FROM process p "
            "WHERE version = (SELECT max(version) FROM process q WHERE q.key = p.key) "
            "ORDER BY key",
};

static const struct kh_sql running_of = {
    .name = "process_running",
    .text = "SELECT count(*) FROM process p JOIN instance i ON i.process_id = p.id "
            "WHERE p.key = $1 AND i.state = 0",
};

static const struct kh_sql calendar_put = {
    .name = "calendar_put",
    .text = "INSERT INTO calendar(key, data, changed_us) VALUES ($1, $2, $3) "
            "ON CONFLICT (key) DO UPDATE SET data = excluded.data, "
            "changed_us = excluded.changed_us",
};

static const struct kh_sql calendar_all = {
    .name = "calendar_all",
    .text = "SELECT key, data FROM calendar ORDER BY key",
};

static void read_row(struct kh_query *q, struct kh_arena *a, struct kh_process_row *r)
{
    *r = (struct kh_process_row){
        .id = kh_col_int(q, 0),
        .version = kh_col_int(q, 1),
        .deployed_us = kh_col_int(q, 2),
        .key = kh_str_dup(a, kh_col_text(q, 3)),
        .name_vi = kh_str_dup(a, kh_col_text(q, 4)),
        .name_en = kh_str_dup(a, kh_col_text(q, 5)),
        .checksum = kh_str_dup(a, kh_col_text(q, 6)),
    };
}

bool kh_process_sql_add(struct kh_tx *tx, const struct kh_process_row *r, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &add, err))
        return false;
    kh_bind_int(&q, 1, r->id);
    kh_bind_text(&q, 2, r->key);
    kh_bind_int(&q, 3, r->version);
    kh_bind_text(&q, 4, r->name_vi);
    kh_bind_text(&q, 5, r->name_en);
    kh_bind_text(&q, 6, r->checksum);
    kh_bind_text(&q, 7, r->xml);
    kh_bind_int(&q, 8, r->deployed_us);
    return kh_query_run(&q, NULL, err) && kh_row_seal_id(tx, KH_ROW_PROCESS, r->id, err);
}

enum kh_hit kh_process_sql_newest(struct kh_tx *tx, struct kh_arena *a, struct kh_str key,
                                  struct kh_process_row *ret, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &newest, err))
        return KH_FAIL;
    kh_bind_text(&q, 1, key);
    hit = kh_query_next(&q, err);
    if (hit == KH_HIT)
        read_row(&q, a, ret);
    return hit;
}

enum kh_hit kh_process_sql_get(struct kh_tx *tx, struct kh_arena *a, int64_t id,
                               struct kh_process_row *ret, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &get, err))
        return KH_FAIL;
    kh_bind_int(&q, 1, id);
    hit = kh_query_next(&q, err);
    if (hit == KH_HIT) {
        read_row(&q, a, ret);
        ret->xml = kh_str_dup(a, kh_col_text(&q, 7));
    }
    return hit;
}

bool kh_process_sql_running(struct kh_tx *tx, struct kh_str key, int64_t *ret, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &running_of, err))
        return false;
    kh_bind_text(&q, 1, key);
    if (kh_query_next(&q, err) != KH_HIT)
        return false;
    *ret = kh_col_int(&q, 0);
    return true;
}

bool kh_process_sql_all(struct kh_tx *tx, struct kh_arena *a, bool running,
                        struct kh_process_row **ret, size_t *ret_n, struct kh_error *err)
{
    struct kh_process_row *rows = NULL;
    size_t n = 0, cap = 0;
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &all, err))
        return false;
    while ((hit = kh_query_next(&q, err)) == KH_HIT) {
        rows = kh_grow(a, rows, n, n + 1, &cap, sizeof(*rows));
        read_row(&q, a, &rows[n++]);
    }
    if (hit == KH_FAIL)
        return false;
    kh_query_drop(&q);
    for (size_t i = 0; running && i < n; i++)
        if (!kh_process_sql_running(tx, rows[i].key, &rows[i].running, err))
            return false;
    *ret = rows;
    *ret_n = n;
    return true;
}

bool kh_calendar_sql_put(struct kh_tx *tx, struct kh_str key, struct kh_str data, int64_t now_us,
                         struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &calendar_put, err))
        return false;
    kh_bind_text(&q, 1, key);
    kh_bind_text(&q, 2, data);
    kh_bind_int(&q, 3, now_us);
    return kh_query_run(&q, NULL, err) && kh_row_seal(tx, KH_ROW_CALENDAR, key, err);
}

bool kh_calendar_sql_all(struct kh_tx *tx, struct kh_arena *a, struct kh_calendar_row **ret,
                         size_t *ret_n, struct kh_error *err)
{
    struct kh_calendar_row *rows = NULL;
    size_t n = 0, cap = 0;
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &calendar_all, err))
        return false;
    while ((hit = kh_query_next(&q, err)) == KH_HIT) {
        rows = kh_grow(a, rows, n, n + 1, &cap, sizeof(*rows));
        rows[n++] = (struct kh_calendar_row){.key = kh_str_dup(a, kh_col_text(&q, 0)),
                                             .data = kh_str_dup(a, kh_col_text(&q, 1))};
    }
    if (hit == KH_FAIL)
        return false;
    *ret = rows;
    *ret_n = n;
    return true;
}

enum kh_hit kh_process_sql_version(struct kh_tx *tx, struct kh_str key, int64_t v, int64_t *ret,
                                   struct kh_error *err)
{
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &version, err))
        return KH_FAIL;
    kh_bind_text(&q, 1, key);
    kh_bind_int(&q, 2, v);
    hit = kh_query_next(&q, err);
    if (hit == KH_HIT)
        *ret = kh_col_int(&q, 0);
    return hit;
}
