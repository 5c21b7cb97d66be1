/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"
#include "store/identity/identity_sql.h"
#include "store/row.h"

#define ACCOUNT_COLUMNS                                                                            \
    "id, username, name, kind, unit, phone, email, lang, state, created_us, password"

static void account_read(struct kh_query *q, struct kh_arena *a, struct kh_account *ret,
                         struct kh_str *ret_hash)
{
    ret->id = kh_col_int(q, 0);
    ret->username = kh_str_dup(a, kh_col_text(q, 1));
    ret->name = kh_str_dup(a, kh_col_text(q, 2));
    ret->kind = kh_str_dup(a, kh_col_text(q, 3));
    ret->unit = kh_str_dup(a, kh_col_text(q, 4));
    ret->phone = kh_str_dup(a, kh_col_text(q, 5));
    ret->email = kh_str_dup(a, kh_col_text(q, 6));
    ret->lang = kh_str_dup(a, kh_col_text(q, 7));
    ret->state = kh_str_dup(a, kh_col_text(q, 8));
    ret->created_us = kh_col_int(q, 9);
    if (ret_hash)
        *ret_hash = kh_str_dup(a, kh_col_text(q, 10));
}

bool kh_account_sql_insert(struct kh_tx *tx, const struct kh_account *ac, struct kh_str folded,
                           struct kh_str hash, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "account_insert",
        "INSERT INTO account (id, username, name, folded, kind, unit, phone, email, lang, state,"
        " password, created_us, changed_us)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)",
        NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_int(&q, 1, ac->id);
    kh_bind_text(&q, 2, ac->username);
    kh_bind_text(&q, 3, ac->name);
    kh_bind_text(&q, 4, folded);
    kh_bind_text(&q, 5, ac->kind);
    kh_bind_text(&q, 6, ac->unit.p ? ac->unit : KH_S(""));
    kh_bind_text(&q, 7, ac->phone.p ? ac->phone : KH_S(""));
    kh_bind_text(&q, 8, ac->email.p ? ac->email : KH_S(""));
    kh_bind_text(&q, 9, ac->lang.p ? ac->lang : KH_S("vi"));
    kh_bind_text(&q, 10, ac->state);
    kh_bind_text(&q, 11, hash.p ? hash : KH_S(""));
    kh_bind_int(&q, 12, ac->created_us);
    return kh_query_run(&q, NULL, err) && kh_row_seal_id(tx, KH_ROW_ACCOUNT, ac->id, err);
}

bool kh_account_sql_update(struct kh_tx *tx, const struct kh_account *ac, struct kh_str folded,
                           struct kh_str hash, int64_t now_us, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "account_update",
        "UPDATE account SET name = COALESCE(CAST($2 AS text), name),"
        " folded = COALESCE(CAST($3 AS text), folded), unit = COALESCE(CAST($4 AS text), unit),"
        " phone = COALESCE(CAST($5 AS text), phone), email = COALESCE(CAST($6 AS text), email),"
        " lang = COALESCE(CAST($7 AS text), lang), state = COALESCE(CAST($8 AS text), state),"
        " password = COALESCE(CAST($9 AS text), password), changed_us = $10 WHERE id = $1",
        NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_int(&q, 1, ac->id);
    kh_bind_text(&q, 2, ac->name);
    kh_bind_text(&q, 3, folded);
    kh_bind_text(&q, 4, ac->unit);
    kh_bind_text(&q, 5, ac->phone);
    kh_bind_text(&q, 6, ac->email);
    kh_bind_text(&q, 7, ac->lang);
    kh_bind_text(&q, 8, ac->state);
    kh_bind_text(&q, 9, hash.n ? hash : (struct kh_str){0});
    kh_bind_int(&q, 10, now_us);
    return kh_query_run(&q, NULL, err) && kh_row_seal_id(tx, KH_ROW_ACCOUNT, ac->id, err);
}

enum kh_hit kh_account_sql_get(struct kh_tx *tx, struct kh_arena *a, int64_t id,
                               struct kh_account *ret, struct kh_str *ret_hash,
                               struct kh_error *err)
{
    static const struct kh_sql sql = {
        "account_get", "SELECT " ACCOUNT_COLUMNS " FROM account WHERE id = $1", NULL};
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &sql, err))
        return KH_FAIL;
    kh_bind_int(&q, 1, id);
    hit = kh_query_next(&q, err);
    if (hit == KH_HIT)
        account_read(&q, a, ret, ret_hash);
    return hit;
}

enum kh_hit kh_account_sql_find(struct kh_tx *tx, struct kh_arena *a, struct kh_str username,
                                struct kh_account *ret, struct kh_str *ret_hash,
                                struct kh_error *err)
{
    static const struct kh_sql sql = {
        "account_find", "SELECT " ACCOUNT_COLUMNS " FROM account WHERE username = $1", NULL};
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &sql, err))
        return KH_FAIL;
    kh_bind_text(&q, 1, username);
    hit = kh_query_next(&q, err);
    if (hit == KH_HIT)
        account_read(&q, a, ret, ret_hash);
    return hit;
}

bool kh_account_sql_list(struct kh_tx *tx, struct kh_arena *a, struct kh_str prefix, int64_t after,
                         unsigned limit, struct kh_account **ret, size_t *ret_n,
                         struct kh_error *err)
{
    static const struct kh_sql all = {
        "account_list",
        "SELECT " ACCOUNT_COLUMNS " FROM account WHERE id > $1 ORDER BY id LIMIT $2", NULL};
    static const struct kh_sql some = {
        "account_search",
        "SELECT " ACCOUNT_COLUMNS " FROM account WHERE id > $1 AND id IN ("
        " SELECT id FROM account WHERE folded >= $3 AND folded < $4"
        " UNION SELECT id FROM account WHERE username >= $3 AND username < $4)"
        " ORDER BY id LIMIT $2",
        NULL};
    kh_auto(kh_query) q = {0};
    struct kh_account *list = NULL;
    size_t n = 0, cap = 0;
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, prefix.n ? &some : &all, err))
        return false;
    kh_bind_int(&q, 1, after);
    kh_bind_int(&q, 2, limit);
    if (prefix.n) {
        kh_bind_text(&q, 3, prefix);
        /* Every string that starts with the prefix sorts before prefix + U+10FFFF. */
        kh_bind_text(&q, 4, kh_strf(a, "%.*s\xF4\x8F\xBF\xBF", KH_FMT(prefix)));
    }
    while ((hit = kh_query_next(&q, err)) == KH_HIT) {
        list = kh_grow(a, list, n, n + 1, &cap, sizeof(*list));
        account_read(&q, a, &list[n++], NULL);
    }
    if (hit == KH_FAIL)
        return false;
    *ret = list;
    *ret_n = n;
    return true;
}

bool kh_account_sql_holders(struct kh_tx *tx, struct kh_arena *a, struct kh_str role,
                            struct kh_str units_json, int64_t now_us, int64_t **ret_ids,
                            size_t *ret_n, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "account_holders",
        "SELECT DISTINCT g.account FROM account_grant g JOIN account c ON c.id = g.account"
        " WHERE g.role = $1 AND g.unit IN (SELECT value FROM json_each($2))"
        " AND g.start_us <= $3 AND g.until_us > $3 AND c.state = 'active' ORDER BY g.account",
        "SELECT DISTINCT g.account FROM account_grant g JOIN account c ON c.id = g.account"
        " WHERE g.role = $1 AND g.unit IN (SELECT json_array_elements_text(CAST($2 AS json)))"
        " AND g.start_us <= $3 AND g.until_us > $3 AND c.state = 'active' ORDER BY g.account"};
    kh_auto(kh_query) q = {0};
    int64_t *ids = NULL;
    size_t n = 0, cap = 0;
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_text(&q, 1, role);
    kh_bind_text(&q, 2, units_json);
    kh_bind_int(&q, 3, now_us);
    while ((hit = kh_query_next(&q, err)) == KH_HIT) {
        ids = kh_grow(a, ids, n, n + 1, &cap, sizeof(*ids));
        ids[n++] = kh_col_int(&q, 0);
    }
    if (hit == KH_FAIL)
        return false;
    *ret_ids = ids;
    *ret_n = n;
    return true;
}

#define GRANT_COLUMNS                                                                              \
    "g.id, g.account, g.role, g.unit, g.start_us, g.until_us, g.given_by, g.delegated, g.reason,"  \
    " c.name"

static void grant_read(struct kh_query *q, struct kh_arena *a, struct kh_grant_row *ret,
                       int64_t *ret_given_by)
{
    int64_t given_by = kh_col_int(q, 6);

    ret->id = kh_col_int(q, 0);
    ret->account = kh_col_int(q, 1);
    ret->role = kh_str_dup(a, kh_col_text(q, 2));
    ret->unit = kh_str_dup(a, kh_col_text(q, 3));
    ret->start_us = kh_col_int(q, 4);
    ret->until_us = kh_col_int(q, 5);
    ret->from = kh_col_int(q, 7) ? given_by : 0;
    ret->reason = kh_str_dup(a, kh_col_text(q, 8));
    ret->account_name = kh_str_dup(a, kh_col_text(q, 9));
    if (ret_given_by)
        *ret_given_by = given_by;
}

bool kh_grant_sql_insert(struct kh_tx *tx, const struct kh_grant_row *g, int64_t given_by,
                         struct kh_error *err)
{
    static const struct kh_sql sql = {
        "grant_insert",
        "INSERT INTO account_grant (id, account, role, unit, start_us, until_us, given_by,"
        " delegated, reason) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_int(&q, 1, g->id);
    kh_bind_int(&q, 2, g->account);
    kh_bind_text(&q, 3, g->role);
    kh_bind_text(&q, 4, g->unit.p ? g->unit : KH_S(""));
    kh_bind_int(&q, 5, g->start_us);
    kh_bind_int(&q, 6, g->until_us);
    kh_bind_int(&q, 7, given_by);
    kh_bind_int(&q, 8, g->from != 0);
    kh_bind_text(&q, 9, g->reason.p ? g->reason : KH_S(""));
    return kh_query_run(&q, NULL, err) && kh_row_seal_id(tx, KH_ROW_GRANT, g->id, err);
}

enum kh_hit kh_grant_sql_get(struct kh_tx *tx, struct kh_arena *a, int64_t id,
                             struct kh_grant_row *ret, int64_t *ret_given_by,
                             struct kh_error *err)
{
    static const struct kh_sql sql = {
        "grant_get",
        "SELECT " GRANT_COLUMNS
        " FROM account_grant g JOIN account c ON c.id = g.account WHERE g.id = $1",
        NULL};
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &sql, err))
        return KH_FAIL;
    kh_bind_int(&q, 1, id);
    hit = kh_query_next(&q, err);
    if (hit == KH_HIT)
        grant_read(&q, a, ret, ret_given_by);
    return hit;
}

bool kh_grant_sql_end(struct kh_tx *tx, int64_t id, int64_t at_us, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "grant_end", "UPDATE account_grant SET until_us = $2 WHERE id = $1 AND until_us > $2", NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_int(&q, 1, id);
    kh_bind_int(&q, 2, at_us);
    return kh_query_run(&q, NULL, err) && kh_row_seal_id(tx, KH_ROW_GRANT, id, err);
}

bool kh_grant_sql_list(struct kh_tx *tx, struct kh_arena *a, int64_t account, bool by,
                       int64_t now_us, struct kh_grant_row **ret, size_t *ret_n,
                       struct kh_error *err)
{
    static const struct kh_sql held = {
        "grant_list",
        "SELECT " GRANT_COLUMNS " FROM account_grant g JOIN account c ON c.id = g.account"
        " WHERE g.account = $1 AND g.until_us > $2 ORDER BY g.id",
        NULL};
    static const struct kh_sql given = {
        "grant_list_given",
        "SELECT " GRANT_COLUMNS " FROM account_grant g JOIN account c ON c.id = g.account"
        " WHERE g.given_by = $1 AND g.delegated = 1 AND g.until_us > $2 ORDER BY g.id",
        NULL};
    kh_auto(kh_query) q = {0};
    struct kh_grant_row *list = NULL;
    size_t n = 0, cap = 0;
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, by ? &given : &held, err))
        return false;
    kh_bind_int(&q, 1, account);
    kh_bind_int(&q, 2, now_us);
    while ((hit = kh_query_next(&q, err)) == KH_HIT) {
        list = kh_grow(a, list, n, n + 1, &cap, sizeof(*list));
        grant_read(&q, a, &list[n++], NULL);
    }
    if (hit == KH_FAIL)
        return false;
    *ret = list;
    *ret_n = n;
    return true;
}

bool kh_role_sql_put(struct kh_tx *tx, struct kh_str role, struct kh_str pack, struct kh_str texts,
                     struct kh_error *err)
{
    static const struct kh_sql sql = {
        "role_put",
        "INSERT INTO role (role, pack, texts) VALUES ($1, $2, $3)"
        " ON CONFLICT (role) DO UPDATE SET pack = excluded.pack, texts = excluded.texts",
        NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_text(&q, 1, role);
    kh_bind_text(&q, 2, pack);
    kh_bind_text(&q, 3, texts);
    return kh_query_run(&q, NULL, err) && kh_row_seal(tx, KH_ROW_ROLE, role, err);
}

enum kh_hit kh_role_sql_has(struct kh_tx *tx, struct kh_str role, struct kh_error *err)
{
    static const struct kh_sql sql = {"role_has", "SELECT 1 FROM role WHERE role = $1", NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return KH_FAIL;
    kh_bind_text(&q, 1, role);
    return kh_query_next(&q, err);
}

bool kh_role_sql_list(struct kh_tx *tx, struct kh_buf *out, struct kh_error *err)
{
    static const struct kh_sql sql = {"role_list", "SELECT texts FROM role ORDER BY role", NULL};
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;
    bool first = true;

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_buf_c(out, '[');
    while ((hit = kh_query_next(&q, err)) == KH_HIT) {
        if (!first)
            kh_buf_c(out, ',');
        first = false;
        kh_buf_str(out, kh_col_text(&q, 0));
    }
    kh_buf_c(out, ']');
    return hit == KH_MISS;
}
