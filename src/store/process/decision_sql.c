/* SPDX-License-Identifier: Apache-2.0 */
#include "store/process/decision_sql.h"
#include "store/row.h"

static const struct kh_sql add = {
    .name = "decision_add",
    .text = "INSERT INTO decision(id, pack, key, version, name, namespace, checksum, xml, "
            "deployed_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
};

static const struct kh_sql newest = {
    .name = "decision_newest",
    .text = "SELECT id, version, deployed_us, pack, key, name, namespace, checksum FROM decision "
            "WHERE pack = $1 AND key = $2 ORDER BY version DESC LIMIT 1",
};

static const struct kh_sql get = {
    .name = "decision_get",
    .text = "SELECT id, version, deployed_us, pack, key, name, namespace, checksum, xml "
            "FROM decision WHERE id = $1",
};

static const struct kh_sql by_ns = {
    .name = "decision_by_ns",
    .text = "SELECT xml FROM decision WHERE namespace = $1 ORDER BY id DESC LIMIT 1",
};

static void read_row(struct kh_query *q, struct kh_arena *a, struct kh_decision_row *r)
{
    *r = (struct kh_decision_row){
        .id = kh_col_int(q, 0),
        .version = kh_col_int(q, 1),
        .deployed_us = kh_col_int(q, 2),
        .pack = kh_str_dup(a, kh_col_text(q, 3)),
        .key = kh_str_dup(a, kh_col_text(q, 4)),
        .name = kh_str_dup(a, kh_col_text(q, 5)),
        .ns = kh_str_dup(a, kh_col_text(q, 6)),
        .checksum = kh_str_dup(a, kh_col_text(q, 7)),
    };
}

bool kh_decision_sql_add(struct kh_tx *tx, const struct kh_decision_row *r, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &add, err))
        return false;
    kh_bind_int(&q, 1, r->id);
    kh_bind_text(&q, 2, r->pack);
    kh_bind_text(&q, 3, r->key);
    kh_bind_int(&q, 4, r->version);
    kh_bind_text(&q, 5, r->name);
    kh_bind_text(&q, 6, r->ns);
    kh_bind_text(&q, 7, r->checksum);
    kh_bind_text(&q, 8, r->xml);
    kh_bind_int(&q, 9, r->deployed_us);
    return kh_query_run(&q, NULL, err) && kh_row_seal_id(tx, KH_ROW_DECISION, r->id, err);
}

enum kh_hit kh_decision_sql_newest(struct kh_tx *tx, struct kh_arena *a, struct kh_str pack,
                                   struct kh_str key, struct kh_decision_row *ret,
                                   struct kh_error *err)
{
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &newest, err))
        return KH_FAIL;
    kh_bind_text(&q, 1, pack);
    kh_bind_text(&q, 2, key);
    hit = kh_query_next(&q, err);
    if (hit == KH_HIT)
        read_row(&q, a, ret);
    return hit;
}

enum kh_hit kh_decision_sql_get(struct kh_tx *tx, struct kh_arena *a, int64_t id,
                                struct kh_decision_row *ret, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &get, err))
        return KH_FAIL;
    kh_bind_int(&q, 1, id);
    hit = kh_query_next(&q, err);
    if (hit == KH_HIT) {
        read_row(&q, a, ret);
        ret->xml = kh_str_dup(a, kh_col_text(&q, 8));
    }
    return hit;
}

enum kh_hit kh_decision_sql_by_ns(struct kh_tx *tx, struct kh_arena *a, struct kh_str ns,
                                  struct kh_str *ret_xml, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &by_ns, err))
        return KH_FAIL;
    kh_bind_text(&q, 1, ns);
    hit = kh_query_next(&q, err);
    if (hit == KH_HIT)
        *ret_xml = kh_str_dup(a, kh_col_text(&q, 0));
    return hit;
}
