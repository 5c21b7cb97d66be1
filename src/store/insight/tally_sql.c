/* SPDX-License-Identifier: Apache-2.0 */
#include "store/insight/tally_sql.h"

#include "store/row.h"

bool kh_indicator_sql_put(struct kh_tx *tx, struct kh_str key, struct kh_str pack,
                          struct kh_str definition, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "indicator_put",
        "INSERT INTO indicator (key, pack, definition, seq) VALUES ($1, $2, $3, 0)"
        " ON CONFLICT (key) DO UPDATE SET pack = excluded.pack, definition = excluded.definition,"
        " seq = 0 WHERE indicator.definition <> excluded.definition",
        NULL};
    kh_auto(kh_query) q = {0};
    int64_t changed = 0;

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_text(&q, 1, key);
    kh_bind_text(&q, 2, pack);
    kh_bind_text(&q, 3, definition);
    return kh_query_run(&q, &changed, err) && kh_row_seal(tx, KH_ROW_INDICATOR, key, err) &&
           (changed == 0 || kh_tally_sql_clear(tx, key, err));
}

bool kh_indicator_sql_list(struct kh_tx *tx, struct kh_arena *a, struct kh_indicator_sql_row **ret,
                           size_t *ret_n, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "indicator_list", "SELECT key, definition, seq FROM indicator ORDER BY key", NULL};
    kh_auto(kh_query) q = {0};
    struct kh_indicator_sql_row *list = NULL;
    size_t n = 0, cap = 0;
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    while ((hit = kh_query_next(&q, err)) == KH_HIT) {
        list = kh_grow(a, list, n, n + 1, &cap, sizeof(*list));
        list[n++] = (struct kh_indicator_sql_row){
            .key = kh_str_dup(a, kh_col_text(&q, 0)),
            .definition = kh_str_dup(a, kh_col_text(&q, 1)),
            .seq = kh_col_int(&q, 2),
        };
    }
    *ret = list;
    *ret_n = n;
    return hit != KH_FAIL;
}

enum kh_hit kh_indicator_sql_advance(struct kh_tx *tx, struct kh_str key, int64_t from_seq,
                                     int64_t to_seq, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "indicator_advance", "UPDATE indicator SET seq = $3 WHERE key = $1 AND seq = $2", NULL};
    kh_auto(kh_query) q = {0};
    int64_t changed = 0;

    if (!kh_query_open(&q, tx, &sql, err))
        return KH_FAIL;
    kh_bind_text(&q, 1, key);
    kh_bind_int(&q, 2, from_seq);
    kh_bind_int(&q, 3, to_seq);
    if (!kh_query_run(&q, &changed, err))
        return KH_FAIL;
    return changed ? KH_HIT : KH_MISS;
}

bool kh_tally_sql_add(struct kh_tx *tx, struct kh_str indicator, const struct kh_tally_sql_row *t,
                      struct kh_error *err)
{
    static const struct kh_sql sql = {
        "tally_add",
        "INSERT INTO tally (indicator, cut, cell, measure, n) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (indicator, cut, cell, measure) DO UPDATE SET n = tally.n + excluded.n",
        NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_text(&q, 1, indicator);
    kh_bind_text(&q, 2, t->cut);
    kh_bind_text(&q, 3, t->cell);
    kh_bind_text(&q, 4, t->measure);
    kh_bind_real(&q, 5, t->n);
    return kh_query_run(&q, NULL, err);
}

bool kh_tally_sql_clear(struct kh_tx *tx, struct kh_str indicator, struct kh_error *err)
{
    static const struct kh_sql sql = {"tally_clear", "DELETE FROM tally WHERE indicator = $1",
                                      NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_text(&q, 1, indicator);
    return kh_query_run(&q, NULL, err);
}

bool kh_tally_sql_list(struct kh_tx *tx, struct kh_arena *a, struct kh_str indicator,
                       struct kh_str cut, struct kh_str lo, struct kh_str hi,
                       struct kh_tally_sql_row **ret, size_t *ret_n, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "tally_list",
        "SELECT cell, measure, n FROM tally WHERE indicator = $1 AND cut = $2 AND cell >= $3"
        " AND cell < $4 ORDER BY cell, measure",
        NULL};
    kh_auto(kh_query) q = {0};
    struct kh_tally_sql_row *list = NULL;
    size_t n = 0, cap = 0;
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_text(&q, 1, indicator);
    kh_bind_text(&q, 2, cut);
    kh_bind_text(&q, 3, lo);
    kh_bind_text(&q, 4, hi);
    while ((hit = kh_query_next(&q, err)) == KH_HIT) {
        list = kh_grow(a, list, n, n + 1, &cap, sizeof(*list));
        list[n++] = (struct kh_tally_sql_row){
            .cut = cut,
            .cell = kh_str_dup(a, kh_col_text(&q, 0)),
            .measure = kh_str_dup(a, kh_col_text(&q, 1)),
            .n = kh_col_real(&q, 2),
        };
    }
    *ret = list;
    *ret_n = n;
    return hit != KH_FAIL;
}
