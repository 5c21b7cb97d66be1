/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pack/pack_sql.h"
#include "store/row.h"

bool kh_pack_sql_put(struct kh_tx *tx, struct kh_str id, struct kh_str version,
                     struct kh_str manifest, int64_t now_us, struct kh_str by, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "pack_put",
        "INSERT INTO pack (id, version, manifest, loaded_us, loaded_by) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (id) DO UPDATE SET version = excluded.version,"
        " manifest = excluded.manifest, loaded_us = excluded.loaded_us,"
        " loaded_by = excluded.loaded_by",
        NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_text(&q, 1, id);
    kh_bind_text(&q, 2, version);
    kh_bind_text(&q, 3, manifest);
    kh_bind_int(&q, 4, now_us);
    kh_bind_text(&q, 5, by);
    return kh_query_run(&q, NULL, err) && kh_row_seal(tx, KH_ROW_PACK, id, err);
}

enum kh_hit kh_pack_sql_find(struct kh_tx *tx, struct kh_str id, struct kh_error *err)
{
    static const struct kh_sql sql = {"pack_find", "SELECT 1 FROM pack WHERE id = $1", NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return KH_FAIL;
    kh_bind_text(&q, 1, id);
    return kh_query_next(&q, err);
}

bool kh_pack_sql_list(struct kh_tx *tx, struct kh_arena *a, struct kh_pack_info **ret,
                      size_t *ret_n, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "pack_list",
        "SELECT id, version, manifest, loaded_us,"
        " (SELECT count(*) FROM pack_file WHERE pack_file.pack = pack.id) FROM pack ORDER BY id",
        NULL};
    kh_auto(kh_query) q = {0};
    struct kh_pack_info *all = NULL;
    size_t n = 0, cap = 0;
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    while ((hit = kh_query_next(&q, err)) == KH_HIT) {
        all = kh_grow(a, all, n, n + 1, &cap, sizeof(*all));
        all[n++] = (struct kh_pack_info){
            .id = kh_str_dup(a, kh_col_text(&q, 0)),
            .version = kh_str_dup(a, kh_col_text(&q, 1)),
            .manifest = kh_str_dup(a, kh_col_text(&q, 2)),
            .loaded_us = kh_col_int(&q, 3),
            .files = kh_col_int(&q, 4),
        };
    }
    if (hit == KH_FAIL)
        return false;
    *ret = all;
    *ret_n = n;
    return true;
}

bool kh_pack_sql_file_put(struct kh_tx *tx, struct kh_str pack, struct kh_str path,
                          struct kh_str sum, int64_t now_us, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "pack_file_put",
        "INSERT INTO pack_file (pack, path, sum, loaded_us) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (pack, path) DO UPDATE SET sum = excluded.sum,"
        " loaded_us = excluded.loaded_us",
        NULL};
    kh_auto(kh_query) q = {0};
    kh_auto_arena a = kh_arena_new((size_t)1 << 20);
    struct kh_str key = kh_strf(a, "%.*s/%.*s", KH_FMT(pack), KH_FMT(path));

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_text(&q, 1, pack);
    kh_bind_text(&q, 2, path);
    kh_bind_blob(&q, 3, sum);
    kh_bind_int(&q, 4, now_us);
    return kh_query_run(&q, NULL, err) && kh_row_seal(tx, KH_ROW_PACK_FILE, key, err);
}

enum kh_hit kh_pack_sql_file_same(struct kh_tx *tx, struct kh_str pack, struct kh_str path,
                                  struct kh_str sum, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "pack_file_same", "SELECT 1 FROM pack_file WHERE pack = $1 AND path = $2 AND sum = $3",
        NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return KH_FAIL;
    kh_bind_text(&q, 1, pack);
    kh_bind_text(&q, 2, path);
    kh_bind_blob(&q, 3, sum);
    return kh_query_next(&q, err);
}
