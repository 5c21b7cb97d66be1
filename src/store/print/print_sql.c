/* SPDX-License-Identifier: Apache-2.0 */
#include "store/print/print_sql.h"

#include "store/row.h"

bool kh_print_sql_put(struct kh_tx *tx, struct kh_str key, struct kh_str pack, struct kh_str type,
                      struct kh_str definition, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "print_put",
        "INSERT INTO print (key, pack, type, definition) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (key) DO UPDATE SET pack = excluded.pack, type = excluded.type,"
        " definition = excluded.definition",
        NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_text(&q, 1, key);
    kh_bind_text(&q, 2, pack);
    kh_bind_text(&q, 3, type);
    kh_bind_text(&q, 4, definition);
    return kh_query_run(&q, NULL, err) && kh_row_seal(tx, KH_ROW_PRINT, key, err);
}

bool kh_print_sql_list(struct kh_tx *tx, struct kh_arena *a, struct kh_str type,
                       struct kh_print_row **ret, size_t *ret_n, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "print_list", "SELECT key, definition FROM print WHERE type = $1 ORDER BY key", NULL};
    kh_auto(kh_query) q = {0};
    size_t n = 0, cap = 0;
    enum kh_hit hit;

    *ret = NULL;
    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_text(&q, 1, type);
    while ((hit = kh_query_next(&q, err)) == KH_HIT) {
        *ret = kh_grow(a, *ret, n, n + 1, &cap, sizeof(**ret));
        (*ret)[n++] = (struct kh_print_row){.key = kh_str_dup(a, kh_col_text(&q, 0)),
                                            .definition = kh_str_dup(a, kh_col_text(&q, 1))};
    }
    *ret_n = n;
    return hit != KH_FAIL;
}
