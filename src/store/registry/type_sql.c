/* SPDX-License-Identifier: Apache-2.0 */
#include "store/registry/type_sql.h"
#include "store/row.h"

static void read_row(struct kh_query *q, struct kh_arena *a, struct kh_rtype_row *r)
{
    *r = (struct kh_rtype_row){.name = kh_str_dup(a, kh_col_text(q, 0)),
                               .version = kh_col_int(q, 1),
                               .schema = kh_str_dup(a, kh_col_text(q, 2)),
                               .layout = kh_str_dup(a, kh_col_text(q, 3)),
                               .changed_us = kh_col_int(q, 4)};
}

static bool read_all(struct kh_query *q, struct kh_arena *a, struct kh_rtype_row **ret,
                     size_t *ret_n, struct kh_error *err)
{
    struct kh_rtype_row *items = NULL;
    size_t n = 0, cap = 0;
    enum kh_hit hit;

    while ((hit = kh_query_next(q, err)) == KH_HIT) {
        if (n == cap)
            items = kh_grow(a, items, n, n + 1, &cap, sizeof(*items));
        read_row(q, a, &items[n++]);
    }
    if (hit == KH_FAIL)
        return false;
    *ret = items;
    *ret_n = n;
    return true;
}

static const struct kh_sql all_sql = {
    .name = "type_all",
    .text = "SELECT name, version, schema, layout, changed_us FROM rtype ORDER BY name"};

bool kh_type_sql_all(struct kh_tx *tx, struct kh_arena *a, struct kh_rtype_row **ret, size_t *ret_n,
                     struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    return kh_query_open(&q, tx, &all_sql, err) && read_all(&q, a, ret, ret_n, err);
}

static const struct kh_sql get_sql = {
    .name = "type_get",
    .text = "SELECT name, version, schema, layout, changed_us FROM rtype WHERE name = $1"};

enum kh_hit kh_type_sql_get(struct kh_tx *tx, struct kh_arena *a, struct kh_str name,
                            struct kh_rtype_row *ret, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &get_sql, err))
        return KH_FAIL;
    kh_bind_text(&q, 1, name);
    hit = kh_query_next(&q, err);
    if (hit == KH_HIT)
        read_row(&q, a, ret);
    return hit;
}

static const struct kh_sql put_sql = {
    .name = "type_put",
    .text = "INSERT INTO rtype (name, version, schema, layout, changed_us) "
            "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO UPDATE SET "
            "version = excluded.version, schema = excluded.schema, layout = excluded.layout, "
            "changed_us = excluded.changed_us"};
static const struct kh_sql version_sql = {
    .name = "type_version_put",
    .text = "INSERT INTO rtype_version (name, version, schema, changed_us) "
            "VALUES ($1, $2, $3, $4)"};

bool kh_type_sql_put(struct kh_tx *tx, const struct kh_rtype_row *row, struct kh_error *err)
{
    kh_auto(kh_query) put = {0};
    kh_auto(kh_query) version = {0};
    kh_auto_arena a = kh_arena_new((size_t)1 << 20);
    struct kh_str key = kh_strf(a, "%.*s/%lld", KH_FMT(row->name), (long long)row->version);

    if (!kh_query_open(&put, tx, &put_sql, err))
        return false;
    kh_bind_text(&put, 1, row->name);
    kh_bind_int(&put, 2, row->version);
    kh_bind_text(&put, 3, row->schema);
    kh_bind_text(&put, 4, row->layout);
    kh_bind_int(&put, 5, row->changed_us);
    if (!kh_query_run(&put, NULL, err) || !kh_query_open(&version, tx, &version_sql, err))
        return false;
    kh_bind_text(&version, 1, row->name);
    kh_bind_int(&version, 2, row->version);
    kh_bind_text(&version, 3, row->schema);
    kh_bind_int(&version, 4, row->changed_us);
    return kh_query_run(&version, NULL, err) && kh_row_seal(tx, KH_ROW_TYPE, row->name, err) &&
           kh_row_seal(tx, KH_ROW_TYPE_VERSION, key, err);
}

static const struct kh_sql layout_sql = {.name = "type_layout",
                                         .text = "UPDATE rtype SET layout = $2 WHERE name = $1"};

bool kh_type_sql_layout(struct kh_tx *tx, struct kh_str name, struct kh_str layout,
                        struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &layout_sql, err))
        return false;
    kh_bind_text(&q, 1, name);
    kh_bind_text(&q, 2, layout);
    return kh_query_run(&q, NULL, err) && kh_row_seal(tx, KH_ROW_TYPE, name, err);
}

static const struct kh_sql versions_sql = {
    .name = "type_versions",
    .text = "SELECT name, version, schema, '', changed_us FROM rtype_version WHERE name = $1 "
            "ORDER BY version"};

bool kh_type_sql_versions(struct kh_tx *tx, struct kh_arena *a, struct kh_str name,
                          struct kh_rtype_row **ret, size_t *ret_n, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &versions_sql, err))
        return false;
    kh_bind_text(&q, 1, name);
    return read_all(&q, a, ret, ret_n, err);
}
