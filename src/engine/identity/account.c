/* SPDX-License-Identifier: Apache-2.0 */
#include "base/id.h"
#include "base/text.h"
#include "base/time.h"
#include "engine/identity/identity_int.h"
#include "store/identity/identity_sql.h"

static bool username_ok(struct kh_str s)
{
    if (s.n < 3 || s.n > 64)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') ||
              (s.p[i] != '\0' && strchr("._@+-", s.p[i]))))
            return false;
    return true;
}

/* An agency code: groups of capital letters and digits between dots (QĐ 20/2020/QĐ-TTg), at most 35
 * characters; "" is the whole city. */
static bool unit_ok(struct kh_str s)
{
    if (s.n > 35 || (s.n && (s.p[0] == '.' || s.p[s.n - 1] == '.')))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= 'A' && s.p[i] <= 'Z') || (s.p[i] >= '0' && s.p[i] <= '9') ||
              (s.p[i] == '.' && s.p[i - 1] != '.')))
            return false;
    return true;
}

static bool email_ok(struct kh_str s)
{
    struct kh_str host, user = kh_str_cut(s, '@', &host);

    return s.n == 0 || (s.n <= 254 && user.n && host.n > 2 && memchr(host.p, '.', host.n) &&
                        !memchr(s.p, ' ', s.n) && !memchr(s.p, '\n', s.n) &&
                        !memchr(s.p, '\r', s.n) && !memchr(host.p, '@', host.n));
}

static bool phone_ok(struct kh_str s)
{
    if (s.n > 20)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] == '+' && i == 0) || s.p[i] == ' '))
            return false;
    return s.n == 0 || s.n >= 8;
}

#define WRONG(field, code, vi, en) kh_issue_add(is, a, KH_S(field), code, KH_S(vi), KH_S(en))

/* Check what is set; p NULL means "not given". */
static bool account_check(struct kh_arena *a, const struct kh_account *ac, bool adding,
                          struct kh_error *err)
{
    struct kh_issues *is = kh_new(a, struct kh_issues);

    if (adding && !username_ok(ac->username))
        WRONG("/username", "pattern",
              "Tên đăng nhập gồm 3–64 ký tự: chữ thường không dấu, số và . _ @ + -",
              "A username has 3 to 64 characters: lower-case letters, digits and . _ @ + -");
    if (ac->name.p && (kh_text_length(ac->name) > 120 || kh_str_trim(ac->name).n == 0))
        WRONG("/name", "length", "Họ tên có từ 1 đến 120 ký tự", "A name has 1 to 120 characters");
    if (ac->unit.p && !unit_ok(ac->unit))
        WRONG("/unit", "pattern", "Mã cơ quan không đúng", "This is not an agency code");
    if (ac->email.p && !email_ok(ac->email))
        WRONG("/email", "format", "Địa chỉ thư điện tử không đúng", "This is not an e-mail address");
    if (ac->phone.p && !phone_ok(ac->phone))
        WRONG("/phone", "format", "Số điện thoại không đúng", "This is not a phone number");
    if (ac->lang.p && !kh_str_is(ac->lang, "vi") && !kh_str_is(ac->lang, "en"))
        WRONG("/lang", "enum", "Ngôn ngữ là vi hoặc en", "A language is vi or en");
    if (ac->state.p && !kh_str_is(ac->state, "active") && !kh_str_is(ac->state, "locked"))
        WRONG("/state", "enum", "Trạng thái là active hoặc locked", "A state is active or locked");
    if (adding && !kh_str_is(ac->kind, "person") && !kh_str_is(ac->kind, "machine"))
        WRONG("/kind", "enum", "Loại là person hoặc machine", "A kind is person or machine");
    if (is->n == 0)
        return true;
    (void)kh_fail(err, KH_EC_BODY_INVALID, "%zu fields do not fit", is->n);
    err->issues = is;
    return false;
}

bool kh_account_add(struct kh_tx *tx, struct kh_identity *id, struct kh_arena *a,
                    struct kh_account *ac, struct kh_str hash, const struct kh_who *who,
                    struct kh_error *err)
{
    struct kh_account old;

    ac->username = kh_text_lower(a, ac->username);
    ac->kind = ac->kind.n ? ac->kind : KH_S("person");
    ac->name = ac->name.n ? kh_text_nfc(a, kh_str_trim(ac->name)) : ac->username;
    ac->lang = ac->lang.n ? ac->lang : KH_S("vi");
    ac->state = KH_S("active");
    if (!account_check(a, ac, true, err))
        return false;
    switch (kh_account_sql_find(tx, a, ac->username, &old, NULL, err)) {
    case KH_FAIL:
        return false;
    case KH_HIT:
        return kh_fail(err, KH_EC_ACCOUNT_EXISTS, "username is taken");
    case KH_MISS:
        break;
    }
    ac->id = kh_id_new();
    ac->created_us = kh_now_us();
    return kh_account_sql_insert(tx, ac, kh_text_fold(a, ac->name), hash, err) &&
           kh_identity_changed(tx, id, "account.create", "account", ac->id, ac->id, ac->unit, who,
                               KH_S(""), kh_strf(a, "{\"kind\":\"%.*s\"}", KH_FMT(ac->kind)), err);
}

/* Which fields changed, never what they hold. */
static struct kh_str changed_names(struct kh_arena *a, const struct kh_account *ac,
                                   struct kh_str hash)
{
    const struct {
        const char *name;
        bool set;
    } all[] = {
        {"name", ac->name.p},   {"unit", ac->unit.p},   {"phone", ac->phone.p},
        {"email", ac->email.p}, {"lang", ac->lang.p},   {"state", ac->state.p},
        {"password", hash.n != 0},
    };
    struct kh_buf b = kh_buf(a, 512);
    struct kh_jw w = kh_jw(&b);

    kh_jw_obj(&w);
    kh_jw_key(&w, "fields");
    kh_jw_arr(&w);
    for (size_t i = 0; i < KH_LEN(all); i++)
        if (all[i].set)
            kh_jw_z(&w, all[i].name);
    kh_jw_end(&w);
    kh_jw_end(&w);
    return kh_buf_get(&b);
}

bool kh_account_change(struct kh_tx *tx, struct kh_identity *id, struct kh_arena *a,
                       const struct kh_account *ac, struct kh_str hash, struct kh_str keep,
                       const struct kh_who *who, struct kh_error *err)
{
    struct kh_account now, want = *ac;
    unsigned char keep_hash[KH_SHA256_BYTES] = {0};

    switch (kh_account_sql_get(tx, a, ac->id, &now, NULL, err)) {
    case KH_FAIL:
        return false;
    case KH_MISS:
        return kh_fail(err, KH_EC_ACCOUNT_UNKNOWN, "no account has this id");
    case KH_HIT:
        break;
    }
    if (want.name.p)
        want.name = kh_text_nfc(a, kh_str_trim(want.name));
    if (!account_check(a, &want, false, err))
        return false;
    if (!kh_account_sql_update(tx, &want,
                               want.name.p ? kh_text_fold(a, want.name) : (struct kh_str){0}, hash,
                               kh_now_us(), err))
        return false;
    /* A new password or a lock ends what is open elsewhere. */
    if (keep.n)
        kh_sha256_one(keep, keep_hash);
    if ((hash.n || kh_str_is(want.state, "locked")) &&
        !kh_session_sql_delete_of(tx, want.id, kh_str((const char *)keep_hash, sizeof(keep_hash)),
                                  err))
        return false;
    return kh_identity_changed(tx, id, "account.update", "account", want.id, want.id, now.unit, who,
                               KH_S(""), changed_names(a, &want, hash), err);
}

enum kh_hit kh_account_get(struct kh_tx *tx, struct kh_arena *a, int64_t account,
                           struct kh_account *ret, struct kh_error *err)
{
    return kh_account_sql_get(tx, a, account, ret, NULL, err);
}

enum kh_hit kh_account_find(struct kh_tx *tx, struct kh_arena *a, struct kh_str username,
                            struct kh_account *ret, struct kh_error *err)
{
    return kh_account_sql_find(tx, a, kh_text_lower(a, username), ret, NULL, err);
}

bool kh_account_list(struct kh_tx *tx, struct kh_arena *a, struct kh_str q, int64_t after,
                     unsigned limit, struct kh_account **ret, size_t *ret_n, struct kh_error *err)
{
    return kh_account_sql_list(tx, a, kh_text_fold(a, q), after, limit, ret, ret_n, err);
}

bool kh_account_holders(struct kh_tx *tx, struct kh_arena *a, struct kh_str role,
                        struct kh_str unit, int64_t **ret_ids, size_t *ret_n, struct kh_error *err)
{
    struct kh_buf units = kh_buf(a, 1024);

    kh_buf_c(&units, '[');
    kh_json_quote(&units, unit);
    kh_buf_c(&units, ']');
    return kh_account_sql_holders(tx, a, role, kh_buf_get(&units), kh_now_us(), ret_ids, ret_n,
                                  err);
}

/* ---- grants ---- */

static bool grant_allowed(const struct kh_grant_row *g, const struct kh_who *who,
                          struct kh_error *err)
{
    if (g->from == 0)
        return kh_who_need(who, KH_S("admin"), g->unit, err);
    if (g->until_us == KH_FOREVER)
        return kh_fail(err, KH_EC_GRANT_INVALID, "a delegation ends some day: say until when");
    for (size_t i = 0; i < who->grants_n; i++) {
        const struct kh_grant *own = &who->grants[i];

        /* What was delegated to me I may not give on. */
        if (own->from == 0 && kh_str_eq(own->role, g->role) &&
            kh_unit_covers(own->unit, g->unit) && own->until_us >= g->until_us)
            return true;
    }
    return kh_fail(err, KH_EC_FORBIDDEN, "only a role that you hold yourself can be delegated");
}

bool kh_grant_add(struct kh_tx *tx, struct kh_identity *id, struct kh_arena *a,
                  struct kh_grant_row *g, const struct kh_who *who, struct kh_error *err)
{
    struct kh_account ac;
    struct kh_buf data = kh_buf(a, 1024);
    struct kh_jw w = kh_jw(&data);

    if (!g->until_us)
        g->until_us = KH_FOREVER;
    if (!g->start_us)
        g->start_us = kh_now_us();
    if (!unit_ok(g->unit) || g->until_us <= g->start_us || g->reason.n > 1000)
        return kh_fail(err, KH_EC_GRANT_INVALID, "unit, period or reason does not fit");
    if (!grant_allowed(g, who, err))
        return false;
    switch (kh_role_sql_has(tx, g->role, err)) {
    case KH_FAIL:
        return false;
    case KH_MISS:
        return kh_fail(err, KH_EC_GRANT_INVALID, "no loaded pack declares this role");
    case KH_HIT:
        break;
    }
    switch (kh_account_sql_get(tx, a, g->account, &ac, NULL, err)) {
    case KH_FAIL:
        return false;
    case KH_MISS:
        return kh_fail(err, KH_EC_ACCOUNT_UNKNOWN, "no account has this id");
    case KH_HIT:
        break;
    }
    g->id = kh_id_new();
    g->account_name = ac.name;
    kh_jw_obj(&w);
    kh_jw_kstr(&w, "role", g->role);
    kh_jw_kstr(&w, "unit", g->unit);
    kh_jw_kbool(&w, "delegated", g->from != 0);
    kh_jw_end(&w);
    return kh_grant_sql_insert(tx, g, who->account, err) &&
           kh_identity_changed(tx, id, "grant.create", "account", g->account, g->account, g->unit,
                               who, g->reason, kh_buf_get(&data), err);
}

bool kh_grant_end(struct kh_tx *tx, struct kh_identity *id, struct kh_arena *a, int64_t grant,
                  const struct kh_who *who, struct kh_error *err)
{
    struct kh_grant_row g;
    int64_t given_by;

    switch (kh_grant_sql_get(tx, a, grant, &g, &given_by, err)) {
    case KH_FAIL:
        return false;
    case KH_MISS:
        return kh_fail(err, KH_EC_GRANT_INVALID, "no grant has this id");
    case KH_HIT:
        break;
    }
    if (!(g.from && g.from == who->account) && !kh_who_need(who, KH_S("admin"), g.unit, err))
        return false;
    return kh_grant_sql_end(tx, grant, kh_now_us(), err) &&
           kh_identity_changed(tx, id, "grant.end", "account", g.account, g.account, g.unit, who,
                               KH_S(""), KH_S("{}"), err);
}

bool kh_grant_list(struct kh_tx *tx, struct kh_arena *a, int64_t account, bool by,
                   struct kh_grant_row **ret, size_t *ret_n, struct kh_error *err)
{
    return kh_grant_sql_list(tx, a, account, by, kh_now_us(), ret, ret_n, err);
}

bool kh_identity_roles_put(struct kh_tx *tx, struct kh_arena *a, struct kh_str pack,
                           const struct kh_json *roles, struct kh_error *err)
{
    const struct kh_json *list = kh_json_get(roles, "roles");

    if (!kh_json_is(list, KH_JSON_ARRAY))
        return kh_fail(err, KH_EC_PACK_INVALID, "roles.json has no list \"roles\"");
    for (uint32_t i = 0; i < list->n; i++) {
        struct kh_str role = kh_json_str(&list->items[i], "role", KH_S(""));

        if (role.n == 0 || role.n > 40 || kh_str_is(role, "public") || kh_str_is(role, "account") ||
            kh_str_is(role, "owner"))
            return kh_fail(err, KH_EC_PACK_INVALID, "role %u has no name of its own", i);
        if (!kh_role_sql_put(tx, role, pack, kh_json_text(a, &list->items[i]), err))
            return false;
    }
    return true;
}

bool kh_identity_roles_list(struct kh_tx *tx, struct kh_buf *out, struct kh_error *err)
{
    return kh_role_sql_list(tx, out, err);
}

/* ---- keys ---- */

bool kh_key_add(struct kh_tx *tx, struct kh_identity *id, struct kh_arena *a, struct kh_key_row *k,
                const struct kh_who *who, struct kh_str *ret_secret, struct kh_error *err)
{
    unsigned char random[32], hash[KH_SHA256_BYTES];
    struct kh_account ac;
    struct kh_str secret;

    if (!kh_who_need(who, KH_S("admin"), KH_S(""), err))
        return false;
    if (k->name.n == 0 || k->name.n > 200)
        return kh_fail(err, KH_EC_BODY_INVALID, "a key has a name of 1 to 200 bytes");
    switch (kh_account_sql_get(tx, a, k->account, &ac, NULL, err)) {
    case KH_FAIL:
        return false;
    case KH_MISS:
        return kh_fail(err, KH_EC_ACCOUNT_UNKNOWN, "no account has this id");
    case KH_HIT:
        break;
    }
    kh_random(random, sizeof(random));
    secret = kh_strf(a, "khk_%.*s",
                     KH_FMT(kh_base64url(a, kh_str((const char *)random, sizeof(random)))));
    kh_sha256_one(secret, hash);
    k->id = kh_id_new();
    k->hint = kh_str(secret.p, 8);
    k->created_us = kh_now_us();
    k->expires_us = k->expires_us ? k->expires_us : KH_FOREVER;
    if (!kh_key_sql_insert(tx, k, kh_str((const char *)hash, sizeof(hash)), err) ||
        !kh_identity_changed(tx, id, "key.create", "account", k->account, k->account, ac.unit, who,
                             KH_S(""), KH_S("{}"), err))
        return false;
    *ret_secret = secret;
    return true;
}

bool kh_key_end(struct kh_tx *tx, struct kh_identity *id, struct kh_arena *a, int64_t key,
                const struct kh_who *who, struct kh_error *err)
{
    struct kh_key_row k;

    if (!kh_who_need(who, KH_S("admin"), KH_S(""), err))
        return false;
    switch (kh_key_sql_find(tx, a, key, &k, err)) {
    case KH_FAIL:
        return false;
    case KH_MISS:
        return kh_fail(err, KH_EC_GRANT_INVALID, "no key has this id");
    case KH_HIT:
        break;
    }
    return kh_key_sql_end(tx, key, kh_now_us(), err) &&
           kh_identity_changed(tx, id, "key.end", "account", k.account, k.account, KH_S(""), who,
                               KH_S(""), KH_S("{}"), err);
}

bool kh_key_list(struct kh_tx *tx, struct kh_arena *a, int64_t account, struct kh_key_row **ret,
                 size_t *ret_n, struct kh_error *err)
{
    return kh_key_sql_list(tx, a, account, kh_now_us(), ret, ret_n, err);
}
