/* SPDX-License-Identifier: Apache-2.0 */
#include "store/notify/notice_sql.h"
#include "store/row.h"

bool kh_template_sql_put(struct kh_tx *tx, struct kh_str key, struct kh_str pack,
                         struct kh_str texts, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "template_put",
        "INSERT INTO notice_template (key, pack, texts) VALUES ($1, $2, $3)"
        " ON CONFLICT (key) DO UPDATE SET pack = excluded.pack, texts = excluded.texts",
        NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_text(&q, 1, key);
    kh_bind_text(&q, 2, pack);
    kh_bind_text(&q, 3, texts);
    return kh_query_run(&q, NULL, err) && kh_row_seal(tx, KH_ROW_TEMPLATE, key, err);
}

/* The first text column of the first row. */
static enum kh_hit one_text(struct kh_query *q, struct kh_arena *a, struct kh_str *ret,
                            struct kh_error *err)
{
    enum kh_hit hit = kh_query_next(q, err);

    if (hit == KH_HIT)
        *ret = kh_str_dup(a, kh_col_text(q, 0));
    return hit;
}

enum kh_hit kh_template_sql_get(struct kh_tx *tx, struct kh_arena *a, struct kh_str key,
                                struct kh_str *ret_texts, struct kh_error *err)
{
    static const struct kh_sql sql = {"template_get",
                                      "SELECT texts FROM notice_template WHERE key = $1", NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return KH_FAIL;
    kh_bind_text(&q, 1, key);
    return one_text(&q, a, ret_texts, err);
}

bool kh_notice_sql_insert(struct kh_tx *tx, int64_t id, int64_t account, struct kh_str template_key,
                          struct kh_str data, struct kh_str link, int64_t case_id, int64_t now_us,
                          struct kh_error *err)
{
    static const struct kh_sql sql = {
        "notice_insert",
        "INSERT INTO notice (id, account, template, data, link, case_id, created_us)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_int(&q, 1, id);
    kh_bind_int(&q, 2, account);
    kh_bind_text(&q, 3, template_key);
    kh_bind_text(&q, 4, data);
    kh_bind_text(&q, 5, link.p ? link : KH_S(""));
    kh_bind_int(&q, 6, case_id);
    kh_bind_int(&q, 7, now_us);
    return kh_query_run(&q, NULL, err);
}

bool kh_notice_sql_list(struct kh_tx *tx, struct kh_arena *a, int64_t account, int64_t case_id,
                        int64_t before, unsigned limit, struct kh_notice_sql_row **ret,
                        size_t *ret_n, struct kh_error *err)
{
#define LIST                                                                                       \
    "SELECT id, case_id, created_us, read_us, template, data, link FROM notice"                    \
    " WHERE account = $1 AND id < $2"
    static const struct kh_sql all = {"notice_list", LIST " ORDER BY id DESC LIMIT $3", NULL};
    /* What is said about a case is said after it began: ids are times. */
    static const struct kh_sql of_case = {
        "notice_list_case", LIST " AND id > $4 AND case_id = $4 ORDER BY id DESC LIMIT $3", NULL};
#undef LIST
    kh_auto(kh_query) q = {0};
    struct kh_notice_sql_row *list = NULL;
    size_t n = 0, cap = 0;
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, case_id ? &of_case : &all, err))
        return false;
    kh_bind_int(&q, 1, account);
    kh_bind_int(&q, 2, before);
    kh_bind_int(&q, 3, limit);
    if (case_id)
        kh_bind_int(&q, 4, case_id);
    while ((hit = kh_query_next(&q, err)) == KH_HIT) {
        list = kh_grow(a, list, n, n + 1, &cap, sizeof(*list));
        list[n++] = (struct kh_notice_sql_row){
            .id = kh_col_int(&q, 0),
            .case_id = kh_col_int(&q, 1),
            .created_us = kh_col_int(&q, 2),
            .read_us = kh_col_int(&q, 3),
            .template_key = kh_str_dup(a, kh_col_text(&q, 4)),
            .data = kh_str_dup(a, kh_col_text(&q, 5)),
            .link = kh_str_dup(a, kh_col_text(&q, 6)),
        };
    }
    *ret = list;
    *ret_n = n;
    return hit != KH_FAIL;
}

bool kh_notice_sql_read(struct kh_tx *tx, int64_t account, int64_t id, int64_t now_us,
                        struct kh_error *err)
{
    static const struct kh_sql sql = {
        "notice_read",
        "UPDATE notice SET read_us = $3 WHERE id = $1 AND account = $2 AND read_us = 0", NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_int(&q, 1, id);
    kh_bind_int(&q, 2, account);
    kh_bind_int(&q, 3, now_us);
    return kh_query_run(&q, NULL, err);
}

bool kh_notice_sql_read_all(struct kh_tx *tx, int64_t account, int64_t now_us,
                            struct kh_error *err)
{
    static const struct kh_sql sql = {
        "notice_read_all", "UPDATE notice SET read_us = $2 WHERE account = $1 AND read_us = 0",
        NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_int(&q, 1, account);
    kh_bind_int(&q, 2, now_us);
    return kh_query_run(&q, NULL, err);
}

bool kh_notice_sql_unread(struct kh_tx *tx, int64_t account, int64_t *ret_n, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "notice_unread",
        "SELECT count(*) FROM (SELECT 1 FROM notice WHERE account = $1 AND read_us = 0"
        " ORDER BY id DESC LIMIT 100) AS unread",
        NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_int(&q, 1, account);
    if (kh_query_next(&q, err) != KH_HIT)
        return false;
    *ret_n = kh_col_int(&q, 0);
    return true;
}

bool kh_delivery_sql_insert(struct kh_tx *tx, int64_t id, int64_t notice, int64_t account,
                            const char *channel, int64_t due_us, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "delivery_insert",
        "INSERT INTO notice_delivery (id, notice, account, channel, state, due_us)"
        " VALUES ($1, $2, $3, $4, 'queued', $5)",
        NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_int(&q, 1, id);
    kh_bind_int(&q, 2, notice);
    kh_bind_int(&q, 3, account);
    kh_bind_text(&q, 4, kh_cstr(channel));
    kh_bind_int(&q, 5, due_us);
    return kh_query_run(&q, NULL, err);
}

static bool delivery_lease(struct kh_tx *tx, int64_t id, int64_t lease_us, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "delivery_lease",
        "UPDATE notice_delivery SET due_us = $2, tries = tries + 1 WHERE id = $1", NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_int(&q, 1, id);
    kh_bind_int(&q, 2, lease_us);
    return kh_query_run(&q, NULL, err);
}

enum kh_hit kh_delivery_sql_take(struct kh_tx *tx, struct kh_arena *a, const char *channel,
                                 int64_t now_us, int64_t lease_us,
                                 struct kh_delivery_sql_row *ret, struct kh_error *err)
{
#define TAKE                                                                                       \
    "SELECT d.id, d.notice, d.account, d.tries, d.channel, n.template, n.data, n.link"             \
    " FROM notice_delivery d JOIN notice n ON n.id = d.notice"                                     \
    " WHERE d.state = 'queued' AND d.channel = $1 AND d.due_us <= $2 ORDER BY d.due_us LIMIT 1"
    static const struct kh_sql sql = {"delivery_take", TAKE, TAKE " FOR UPDATE OF d SKIP LOCKED"};
#undef TAKE
    {
        kh_auto(kh_query) q = {0};
        enum kh_hit hit;

        if (!kh_query_open(&q, tx, &sql, err))
            return KH_FAIL;
        kh_bind_text(&q, 1, kh_cstr(channel));
        kh_bind_int(&q, 2, now_us);
        hit = kh_query_next(&q, err);
        if (hit != KH_HIT)
            return hit;
        *ret = (struct kh_delivery_sql_row){
            .id = kh_col_int(&q, 0),
            .notice = kh_col_int(&q, 1),
            .account = kh_col_int(&q, 2),
            .tries = kh_col_int(&q, 3),
            .channel = kh_str_dup(a, kh_col_text(&q, 4)),
            .template_key = kh_str_dup(a, kh_col_text(&q, 5)),
            .data = kh_str_dup(a, kh_col_text(&q, 6)),
            .link = kh_str_dup(a, kh_col_text(&q, 7)),
        };
    }
    return delivery_lease(tx, ret->id, lease_us, err) ? KH_HIT : KH_FAIL;
}

bool kh_delivery_sql_list(struct kh_tx *tx, struct kh_arena *a, int64_t account, int64_t from,
                          int64_t to, struct kh_sent_sql_row **ret, size_t *ret_n,
                          struct kh_error *err)
{
    static const struct kh_sql sql = {
        "delivery_list",
        "SELECT d.notice, d.tries, d.sent_us, d.channel, d.state, d.proof"
        " FROM notice n JOIN notice_delivery d ON d.notice = n.id"
        " WHERE n.account = $1 AND n.id BETWEEN $2 AND $3 ORDER BY d.notice DESC, d.id",
        NULL};
    kh_auto(kh_query) q = {0};
    struct kh_sent_sql_row *list = NULL;
    size_t n = 0, cap = 0;
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_int(&q, 1, account);
    kh_bind_int(&q, 2, from);
    kh_bind_int(&q, 3, to);
    while ((hit = kh_query_next(&q, err)) == KH_HIT) {
        list = kh_grow(a, list, n, n + 1, &cap, sizeof(*list));
        list[n++] = (struct kh_sent_sql_row){
            .notice = kh_col_int(&q, 0),
            .tries = kh_col_int(&q, 1),
            .sent_us = kh_col_int(&q, 2),
            .channel = kh_str_dup(a, kh_col_text(&q, 3)),
            .state = kh_str_dup(a, kh_col_text(&q, 4)),
            .proof = kh_str_dup(a, kh_col_text(&q, 5)),
        };
    }
    *ret = list;
    *ret_n = n;
    return hit != KH_FAIL;
}

bool kh_delivery_sql_done(struct kh_tx *tx, int64_t id, const char *state, int64_t at_us,
                          struct kh_str proof, struct kh_error *err)
{
    static const struct kh_sql over = {
        "delivery_done",
        "UPDATE notice_delivery SET state = $2, sent_us = $3, proof = $4 WHERE id = $1", NULL};
    static const struct kh_sql again = {
        "delivery_again",
        "UPDATE notice_delivery SET state = $2, due_us = $3, proof = $4 WHERE id = $1", NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, strcmp(state, "queued") == 0 ? &again : &over, err))
        return false;
    kh_bind_int(&q, 1, id);
    kh_bind_text(&q, 2, kh_cstr(state));
    kh_bind_int(&q, 3, at_us);
    kh_bind_text(&q, 4, proof.p ? proof : KH_S(""));
    return kh_query_run(&q, NULL, err);
}

enum kh_hit kh_preference_sql_get(struct kh_tx *tx, struct kh_arena *a, int64_t account,
                                  struct kh_str *ret_json, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "preference_get", "SELECT data FROM notice_preference WHERE account = $1", NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return KH_FAIL;
    kh_bind_int(&q, 1, account);
    return one_text(&q, a, ret_json, err);
}

bool kh_preference_sql_put(struct kh_tx *tx, int64_t account, struct kh_str json,
                           struct kh_error *err)
{
    static const struct kh_sql sql = {
        "preference_put",
        "INSERT INTO notice_preference (account, data) VALUES ($1, $2)"
        " ON CONFLICT (account) DO UPDATE SET data = excluded.data",
        NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_int(&q, 1, account);
    kh_bind_text(&q, 2, json);
    return kh_query_run(&q, NULL, err);
}

bool kh_push_sql_put(struct kh_tx *tx, const struct kh_push_sql_row *s, int64_t account,
                     int64_t now_us, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "push_put",
        "INSERT INTO push_subscription (id, account, endpoint, p256dh, auth, created_us)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (endpoint) DO UPDATE SET"
        " account = excluded.account, p256dh = excluded.p256dh, auth = excluded.auth",
        NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_int(&q, 1, s->id);
    kh_bind_int(&q, 2, account);
    kh_bind_text(&q, 3, s->endpoint);
    kh_bind_blob(&q, 4, s->p256dh);
    kh_bind_blob(&q, 5, s->auth);
    kh_bind_int(&q, 6, now_us);
    return kh_query_run(&q, NULL, err);
}

bool kh_push_sql_delete(struct kh_tx *tx, int64_t account, struct kh_str endpoint,
                        struct kh_error *err)
{
    static const struct kh_sql sql = {
        "push_delete",
        "DELETE FROM push_subscription WHERE endpoint = $1"
        " AND (CAST($2 AS bigint) = 0 OR account = $2)",
        NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_text(&q, 1, endpoint);
    kh_bind_int(&q, 2, account);
    return kh_query_run(&q, NULL, err);
}

bool kh_push_sql_list(struct kh_tx *tx, struct kh_arena *a, int64_t account,
                      struct kh_push_sql_row **ret, size_t *ret_n, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "push_list",
        "SELECT id, endpoint, p256dh, auth, created_us FROM push_subscription WHERE account = $1"
        " ORDER BY id DESC LIMIT 10",
        NULL};
    kh_auto(kh_query) q = {0};
    struct kh_push_sql_row *list = NULL;
    size_t n = 0, cap = 0;
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_int(&q, 1, account);
    while ((hit = kh_query_next(&q, err)) == KH_HIT) {
        list = kh_grow(a, list, n, n + 1, &cap, sizeof(*list));
        list[n++] = (struct kh_push_sql_row){
            .id = kh_col_int(&q, 0),
            .endpoint = kh_str_dup(a, kh_col_text(&q, 1)),
            .p256dh = kh_str_dup(a, kh_col_blob(&q, 2)),
            .auth = kh_str_dup(a, kh_col_blob(&q, 3)),
            .created_us = kh_col_int(&q, 4),
        };
    }
    *ret = list;
    *ret_n = n;
    return hit != KH_FAIL;
}

bool kh_push_sql_key(struct kh_tx *tx, struct kh_arena *a, struct kh_str fresh_pem,
                     struct kh_str *ret_pem, struct kh_error *err)
{
    static const struct kh_sql put = {
        "push_key_put",
        "INSERT INTO push_key (id, private_pem) VALUES (1, $1) ON CONFLICT (id) DO NOTHING", NULL};
    static const struct kh_sql get = {"push_key_get",
                                      "SELECT private_pem FROM push_key WHERE id = 1", NULL};
    kh_auto(kh_query) q = {0};

    if (fresh_pem.n) {
        kh_auto(kh_query) p = {0};

        if (!kh_query_open(&p, tx, &put, err))
            return false;
        kh_bind_text(&p, 1, fresh_pem);
        if (!kh_query_run(&p, NULL, err))
            return false;
    }
    if (!kh_query_open(&q, tx, &get, err))
        return false;
    *ret_pem = KH_S("");
    return one_text(&q, a, ret_pem, err) != KH_FAIL;
}
