/* SPDX-License-Identifier: Apache-2.0 */
#include "store/registry/seen_sql.h"

#define COLS "id, at_us, owner, reader, actor, name, role, unit, type, record, fields, purpose"

static const struct kh_sql add_sql = {
    .name = "seen_add",
    .text = "INSERT INTO access_log (" COLS ") "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"};

bool kh_seen_sql_add(struct kh_tx *tx, const struct kh_look *r, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &add_sql, err))
        return false;
    kh_bind_int(&q, 1, r->id);
    kh_bind_int(&q, 2, r->at_us);
    kh_bind_int(&q, 3, r->owner);
    kh_bind_int(&q, 4, r->reader);
    kh_bind_text(&q, 5, r->actor.p ? r->actor : KH_S(""));
    kh_bind_text(&q, 6, r->name.p ? r->name : KH_S(""));
    kh_bind_text(&q, 7, r->role.p ? r->role : KH_S(""));
    kh_bind_text(&q, 8, r->unit.p ? r->unit : KH_S(""));
    kh_bind_text(&q, 9, r->type);
    kh_bind_int(&q, 10, r->record);
    kh_bind_text(&q, 11, r->fields);
    kh_bind_text(&q, 12, r->purpose.p ? r->purpose : KH_S(""));
    return kh_query_run(&q, NULL, err);
}

static const struct kh_sql of_sql = {
    .name = "seen_of",
    .text = "SELECT " COLS " FROM access_log WHERE owner = $1 AND owner > 0 AND id < $2 "
            "ORDER BY id DESC LIMIT $3"};

bool kh_seen_sql_of(struct kh_tx *tx, struct kh_arena *a, int64_t owner, int64_t before,
                    size_t limit, struct kh_look **ret, size_t *ret_n, struct kh_error *err)
{
    struct kh_look *items = kh_new_n(a, limit, struct kh_look);
    kh_auto(kh_query) q = {0};
    enum kh_hit hit = KH_HIT;
    size_t n = 0;

    if (!kh_query_open(&q, tx, &of_sql, err))
        return false;
    kh_bind_int(&q, 1, owner);
    kh_bind_int(&q, 2, before);
    kh_bind_int(&q, 3, (int64_t)limit);
    while (n < limit && (hit = kh_query_next(&q, err)) == KH_HIT)
        items[n++] = (struct kh_look){.id = kh_col_int(&q, 0),
                                          .at_us = kh_col_int(&q, 1),
                                          .owner = kh_col_int(&q, 2),
                                          .reader = kh_col_int(&q, 3),
                                          .actor = kh_str_dup(a, kh_col_text(&q, 4)),
                                          .name = kh_str_dup(a, kh_col_text(&q, 5)),
                                          .role = kh_str_dup(a, kh_col_text(&q, 6)),
                                          .unit = kh_str_dup(a, kh_col_text(&q, 7)),
                                          .type = kh_str_dup(a, kh_col_text(&q, 8)),
                                          .record = kh_col_int(&q, 9),
                                          .fields = kh_str_dup(a, kh_col_text(&q, 10)),
                                          .purpose = kh_str_dup(a, kh_col_text(&q, 11))};
    if (hit == KH_FAIL)
        return false;
    *ret = items;
    *ret_n = n;
    return true;
}
