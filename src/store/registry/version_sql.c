/* SPDX-License-Identifier: Apache-2.0 */
#include "store/registry/version_sql.h"

#include "base/time.h"

#define COLS                                                                                       \
    "id, seg, type, rev, by_rev, dead_rev, head, pending, sv, valid_from, valid_to, was_to, "      \
    "cut_us, recorded_from, recorded_to, data"

static const struct kh_sql insert_sql = {
    .name = "version_insert",
    .text = "INSERT INTO record_version (" COLS ") VALUES "
            "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"};

bool kh_version_sql_insert(struct kh_tx *tx, const struct kh_rversion *v, struct kh_error *err)
{
    const int64_t ints[] = {v->rev,        v->by_rev,   v->dead_rev,      v->head,
                            v->pending,    v->sv,       v->valid_from,    v->valid_to,
                            v->was_to,     v->cut_us,   v->recorded_from, v->recorded_to};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &insert_sql, err))
        return false;
    kh_bind_int(&q, 1, v->id);
    kh_bind_int(&q, 2, v->seg);
    kh_bind_text(&q, 3, v->type);
    for (int i = 0; i < (int)KH_LEN(ints); i++)
        kh_bind_int(&q, i + 4, ints[i]);
    kh_bind_text(&q, 16, v->data);
    return kh_query_run(&q, NULL, err);
}

static const struct kh_sql kill_sql = {
    .name = "version_kill",
    .text = "UPDATE record_version SET recorded_to = $3, dead_rev = $4, pending = 0 "
            "WHERE id = $1 AND seg = $2"};

bool kh_version_sql_kill(struct kh_tx *tx, int64_t id, int64_t seg, int64_t recorded_to,
                         int64_t dead_rev, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &kill_sql, err))
        return false;
    kh_bind_int(&q, 1, id);
    kh_bind_int(&q, 2, seg);
    kh_bind_int(&q, 3, recorded_to);
    kh_bind_int(&q, 4, dead_rev);
    return kh_query_run(&q, NULL, err);
}

static void read_row(struct kh_query *q, struct kh_arena *a, struct kh_rversion *v)
{
    *v = (struct kh_rversion){.id = kh_col_int(q, 0),
                              .seg = kh_col_int(q, 1),
                              .type = kh_str_dup(a, kh_col_text(q, 2)),
                              .rev = kh_col_int(q, 3),
                              .by_rev = kh_col_int(q, 4),
                              .dead_rev = kh_col_int(q, 5),
                              .head = kh_col_int(q, 6) != 0,
                              .pending = kh_col_int(q, 7) != 0,
                              .sv = kh_col_int(q, 8),
                              .valid_from = kh_col_int(q, 9),
                              .valid_to = kh_col_int(q, 10),
                              .was_to = kh_col_int(q, 11),
                              .cut_us = kh_col_int(q, 12),
                              .recorded_from = kh_col_int(q, 13),
                              .recorded_to = kh_col_int(q, 14),
                              .data = kh_str_dup(a, kh_col_text(q, 15))};
}

/* seg DESC: should two rows ever claim the same instant, the later word counts. */
static const struct kh_sql find_sql = {
    .name = "version_find",
    .text = "SELECT " COLS " FROM record_version WHERE id = $1 AND valid_from <= $2 "
            "AND recorded_from <= $3 AND recorded_to > $3 "
            "AND CASE WHEN cut_us > $3 THEN was_to ELSE valid_to END > $2 "
            "ORDER BY seg DESC LIMIT 1"};

enum kh_hit kh_version_sql_find(struct kh_tx *tx, struct kh_arena *a, int64_t id, int64_t valid_us,
                                int64_t at_us, struct kh_rversion *ret, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &find_sql, err))
        return KH_FAIL;
    kh_bind_int(&q, 1, id);
    kh_bind_int(&q, 2, valid_us);
    kh_bind_int(&q, 3, at_us);
    hit = kh_query_next(&q, err);
    if (hit == KH_HIT)
        read_row(&q, a, ret);
    return hit;
}

static const struct kh_sql all_sql = {
    .name = "version_all",
    .text = "SELECT " COLS " FROM record_version WHERE id = $1 AND recorded_to >= $2 ORDER BY seg"};

bool kh_version_sql_all(struct kh_tx *tx, struct kh_arena *a, int64_t id, bool only_alive,
                        struct kh_rversion **ret, size_t *ret_n, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};
    struct kh_rversion *items = NULL;
    size_t n = 0, cap = 0;
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &all_sql, err))
        return false;
    kh_bind_int(&q, 1, id);
    kh_bind_int(&q, 2, only_alive ? KH_FOREVER : 0);
    while ((hit = kh_query_next(&q, err)) == KH_HIT) {
        if (n == cap)
            items = kh_grow(a, items, n, n + 1, &cap, sizeof(*items));
        read_row(&q, a, &items[n++]);
        if (kh_arena_over(a))
            return kh_fail(err, KH_EC_ARENA_FULL, "versions of a record");
    }
    if (hit == KH_FAIL)
        return false;
    *ret = items;
    *ret_n = n;
    return true;
}

static bool read_ids(struct kh_query *q, size_t max, int64_t *ids, size_t *ret_n,
                     struct kh_error *err)
{
    enum kh_hit hit = KH_HIT;
    size_t n = 0;

    while (n < max && (hit = kh_query_next(q, err)) == KH_HIT)
        ids[n++] = kh_col_int(q, 0);
    if (hit == KH_FAIL)
        return false;
    *ret_n = n;
    return true;
}

static const struct kh_sql due_sql = {
    .name = "version_due",
    .text = "SELECT id FROM record_version WHERE pending = 1 AND type = $1 AND valid_from <= $2 "
            "ORDER BY valid_from LIMIT $3"};

bool kh_version_sql_due(struct kh_tx *tx, struct kh_str type, int64_t now_us, size_t max,
                        int64_t *ids, size_t *ret_n, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &due_sql, err))
        return false;
    kh_bind_text(&q, 1, type);
    kh_bind_int(&q, 2, now_us);
    kh_bind_int(&q, 3, (int64_t)max);
    return read_ids(&q, max, ids, ret_n, err);
}

static const struct kh_sql next_due_sql = {
    .name = "version_next_due",
    .text = "SELECT valid_from FROM record_version WHERE pending = 1 AND type = $1 "
            "ORDER BY valid_from LIMIT 1"};

enum kh_hit kh_version_sql_next_due(struct kh_tx *tx, struct kh_str type, int64_t *ret_us,
                                    struct kh_error *err)
{
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &next_due_sql, err))
        return KH_FAIL;
    kh_bind_text(&q, 1, type);
    hit = kh_query_next(&q, err);
    if (hit == KH_HIT)
        *ret_us = kh_col_int(&q, 0);
    return hit;
}

/* Not for the hot path: verification reads the whole table once. */
static const struct kh_sql ids_sql = {
    .name = "version_ids",
    .text = "SELECT DISTINCT id FROM record_version WHERE id > $1 AND type = $2 ORDER BY id "
            "LIMIT $3"};

bool kh_version_sql_ids(struct kh_tx *tx, struct kh_str type, int64_t after, size_t max,
                        int64_t *ids, size_t *ret_n, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &ids_sql, err))
        return false;
    kh_bind_int(&q, 1, after);
    kh_bind_text(&q, 2, type);
    kh_bind_int(&q, 3, (int64_t)max);
    return read_ids(&q, max, ids, ret_n, err);
}

/* On PostgreSQL one trip; it lets one writer wait for the other. */
static const struct kh_sql serial_sql = {
    .name = "serial_next",
    .text = "INSERT INTO record_serial (type, period, last) VALUES ($1, $2, 1) "
            "ON CONFLICT (type, period) DO UPDATE SET last = record_serial.last + 1 "
            "RETURNING last"};
/* SQLite has one writer, so it may look first. A statement with RETURNING would open a savepoint, and
 * that makes FTS5 write down every single record instead of a batch of them. */
static const struct kh_sql serial_last_sql = {
    .name = "serial_last",
    .text = "SELECT last FROM record_serial WHERE type = $1 AND period = $2"};
static const struct kh_sql serial_step_sql = {
    .name = "serial_step",
    .text = "UPDATE record_serial SET last = last + 1 WHERE type = $1 AND period = $2"};
static const struct kh_sql serial_first_sql = {
    .name = "serial_first",
    .text = "INSERT INTO record_serial (type, period, last) VALUES ($1, $2, 1)"};

static enum kh_hit serial_ask(struct kh_tx *tx, const struct kh_sql *sql, struct kh_str type,
                              struct kh_str period, int64_t *ret_number, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, sql, err))
        return KH_FAIL;
    kh_bind_text(&q, 1, type);
    kh_bind_text(&q, 2, period);
    hit = kh_query_next(&q, err);
    if (hit == KH_HIT)
        *ret_number = kh_col_int(&q, 0);
    return hit;
}

static bool serial_next_sqlite(struct kh_tx *tx, struct kh_str type, struct kh_str period,
                               int64_t *ret_number, struct kh_error *err)
{
    enum kh_hit hit;
    int64_t last = 0, none;

    hit = serial_ask(tx, &serial_last_sql, type, period, &last, err);
    if (hit == KH_FAIL || serial_ask(tx, hit == KH_HIT ? &serial_step_sql : &serial_first_sql, type,
                                     period, &none, err) == KH_FAIL)
        return false;
    *ret_number = last + 1;
    return true;
}

bool kh_serial_sql_next(struct kh_tx *tx, struct kh_str type, struct kh_str period,
                        int64_t *ret_number, struct kh_error *err)
{
    if (kh_store_kind(kh_tx_store(tx)) == KH_STORE_SQLITE)
        return serial_next_sqlite(tx, type, period, ret_number, err);
    switch (serial_ask(tx, &serial_sql, type, period, ret_number, err)) {
    case KH_HIT:
        return true;
    case KH_MISS:
        return kh_fail(err, KH_EC_STORE, "serial_next gave nothing");
    case KH_FAIL:
        break;
    }
    return false;
}

static const struct kh_sql raise_sql = {
    .name = "serial_raise",
    .text = "INSERT INTO record_serial (type, period, last) VALUES ($1, $2, $3) "
            "ON CONFLICT (type, period) DO UPDATE SET last = "
            "CASE WHEN record_serial.last < excluded.last THEN excluded.last "
            "ELSE record_serial.last END"};

bool kh_serial_sql_raise(struct kh_tx *tx, struct kh_str type, struct kh_str period,
                         int64_t number, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &raise_sql, err))
        return false;
    kh_bind_text(&q, 1, type);
    kh_bind_text(&q, 2, period);
    kh_bind_int(&q, 3, number);
    return kh_query_run(&q, NULL, err);
}
