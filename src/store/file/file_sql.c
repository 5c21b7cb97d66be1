/* SPDX-License-Identifier: Apache-2.0 */
#include "store/file/file_sql.h"

bool kh_file_sql_insert(struct kh_tx *tx, const struct kh_file *f, bool *ret_new,
                        struct kh_error *err)
{
    static const struct kh_sql sql = {
        "file_insert",
        "INSERT INTO file (id, media_type, bytes, width, height, created_us, created_by)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING",
        NULL};
    kh_auto(kh_query) q = {0};
    int64_t changes = 0;

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_text(&q, 1, f->id);
    kh_bind_text(&q, 2, f->media_type);
    kh_bind_int(&q, 3, f->bytes);
    kh_bind_int(&q, 4, f->width);
    kh_bind_int(&q, 5, f->height);
    kh_bind_int(&q, 6, f->created_us);
    kh_bind_int(&q, 7, f->by);
    if (!kh_query_run(&q, &changes, err))
        return false;
    *ret_new = changes > 0;
    return true;
}

enum kh_hit kh_file_sql_get(struct kh_tx *tx, struct kh_arena *a, struct kh_str id,
                            struct kh_file *ret, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "file_get",
        "SELECT id, media_type, bytes, width, height, created_us, created_by FROM file"
        " WHERE id = $1",
        NULL};
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &sql, err))
        return KH_FAIL;
    kh_bind_text(&q, 1, id);
    hit = kh_query_next(&q, err);
    if (hit == KH_HIT)
        *ret = (struct kh_file){
            .id = kh_str_dup(a, kh_col_text(&q, 0)),
            .media_type = kh_str_dup(a, kh_col_text(&q, 1)),
            .bytes = kh_col_int(&q, 2),
            .width = (int)kh_col_int(&q, 3),
            .height = (int)kh_col_int(&q, 4),
            .created_us = kh_col_int(&q, 5),
            .by = kh_col_int(&q, 6),
        };
    return hit;
}

enum kh_hit kh_file_sql_link(struct kh_tx *tx, struct kh_str id, struct kh_str type, int64_t record,
                             struct kh_error *err)
{
    static const struct kh_sql there = {"file_there", "SELECT 1 FROM file WHERE id = $1", NULL};
    static const struct kh_sql sql = {"file_link",
                                      "INSERT INTO file_link (file, type, record)"
                                      " VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                                      NULL};
    kh_auto(kh_query) q = {0};
    kh_auto(kh_query) insert = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &there, err))
        return KH_FAIL;
    kh_bind_text(&q, 1, id);
    hit = kh_query_next(&q, err);
    if (hit != KH_HIT)
        return hit;
    if (!kh_query_open(&insert, tx, &sql, err))
        return KH_FAIL;
    kh_bind_text(&insert, 1, id);
    kh_bind_text(&insert, 2, type);
    kh_bind_int(&insert, 3, record);
    return kh_query_run(&insert, NULL, err) ? KH_HIT : KH_FAIL;
}

bool kh_file_sql_uses(struct kh_tx *tx, struct kh_arena *a, struct kh_str id, size_t max,
                      struct kh_file_use **ret, size_t *ret_n, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "file_uses",
        "SELECT type, record FROM file_link WHERE file = $1 ORDER BY type, record LIMIT $2", NULL};
    kh_auto(kh_query) q = {0};
    struct kh_file_use *uses = NULL;
    size_t n = 0, cap = 0;
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_text(&q, 1, id);
    kh_bind_int(&q, 2, (int64_t)max);
    while ((hit = kh_query_next(&q, err)) == KH_HIT) {
        uses = kh_grow(a, uses, n, n + 1, &cap, sizeof(*uses));
        uses[n].type = kh_str_dup(a, kh_col_text(&q, 0));
        uses[n++].record = kh_col_int(&q, 1);
    }
    if (hit == KH_FAIL)
        return false;
    *ret = uses;
    *ret_n = n;
    return true;
}

bool kh_file_sql_unused(struct kh_tx *tx, struct kh_arena *a, int64_t before_us, size_t max,
                        struct kh_str **ret_ids, size_t *ret_n, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "file_unused",
        "SELECT id FROM file WHERE created_us < $1 AND NOT EXISTS"
        " (SELECT 1 FROM file_link WHERE file_link.file = file.id) ORDER BY created_us LIMIT $2",
        NULL};
    kh_auto(kh_query) q = {0};
    struct kh_str *ids = NULL;
    size_t n = 0, cap = 0;
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_int(&q, 1, before_us);
    kh_bind_int(&q, 2, (int64_t)max);
    while ((hit = kh_query_next(&q, err)) == KH_HIT) {
        ids = kh_grow(a, ids, n, n + 1, &cap, sizeof(*ids));
        ids[n++] = kh_str_dup(a, kh_col_text(&q, 0));
    }
    if (hit == KH_FAIL)
        return false;
    *ret_ids = ids;
    *ret_n = n;
    return true;
}

bool kh_file_sql_delete_unused(struct kh_tx *tx, struct kh_str id, bool *ret_gone,
                               struct kh_error *err)
{
    static const struct kh_sql sql = {"file_delete_unused",
                                      "DELETE FROM file WHERE id = $1 AND NOT EXISTS"
                                      " (SELECT 1 FROM file_link WHERE file_link.file = file.id)",
                                      NULL};
    kh_auto(kh_query) q = {0};
    int64_t changes = 0;

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_text(&q, 1, id);
    if (!kh_query_run(&q, &changes, err))
        return false;
    *ret_gone = changes > 0;
    return true;
}
