/* SPDX-License-Identifier: Apache-2.0 */
#include "api/city.h"
#include "api/routes.h"

#include "api/account_json.h"
#include "base/id.h"
#include "base/time.h"
#include "engine/identity/identity.h"

void kh_grant_json(struct kh_jw *w, struct kh_arena *a, const struct kh_grant_row *g)
{
    kh_jw_obj(w);
    kh_jw_kstr(w, "id", kh_id_text(a, g->id));
    kh_jw_kstr(w, "role", g->role);
    kh_jw_kstr(w, "unit", g->unit);
    kh_jw_kstr(w, "from", kh_time_text(a, g->start_us));
    if (g->until_us != KH_FOREVER)
        kh_jw_kstr(w, "until", kh_time_text(a, g->until_us));
    if (g->from)
        kh_jw_kstr(w, "delegated_by", kh_id_text(a, g->from));
    if (g->reason.n)
        kh_jw_kstr(w, "reason", g->reason);
    kh_jw_end(w);
}

void kh_account_json(struct kh_jw *w, struct kh_arena *a, const struct kh_account *ac,
                     const struct kh_grant_row *grants, size_t n)
{
    kh_jw_obj(w);
    kh_jw_kstr(w, "id", kh_id_text(a, ac->id));
    kh_jw_kstr(w, "username", ac->username);
    kh_jw_kstr(w, "name", ac->name);
    kh_jw_kstr(w, "kind", ac->kind);
    kh_jw_kstr(w, "state", ac->state);
    kh_jw_kstr(w, "unit", ac->unit);
    if (ac->phone.n)
        kh_jw_kstr(w, "phone", ac->phone);
    if (ac->email.n)
        kh_jw_kstr(w, "email", ac->email);
    kh_jw_kstr(w, "lang", ac->lang);
    kh_jw_kstr(w, "created_at", kh_time_text(a, ac->created_us));
    kh_jw_key(w, "roles");
    kh_jw_arr(w);
    for (size_t i = 0; i < n; i++)
        kh_grant_json(w, a, &grants[i]);
    kh_jw_end(w);
    kh_jw_end(w);
}

/* ---- one account, written then shown ---- */

struct work {
    struct kh_call *c;
    struct kh_account ac;
    struct kh_str hash, keep, secret;
    struct kh_grant_row grant, *grants;
    struct kh_key_row key, *keys;
    size_t n;
    int64_t target;
    bool adding;
};

static struct work *work_new(struct kh_call *c)
{
    struct work *w = kh_new(c->a, struct work);

    w->c = c;
    c->ctx = w;
    return w;
}

static enum kh_next bad(struct kh_call *c, enum kh_ec code, const char *why)
{
    struct kh_error err = {0};

    (void)kh_fail(&err, code, "%s", why);
    return kh_reply_error(c, &err);
}

/* Text of a member, or p NULL if it is absent: "not given". */
static struct kh_str given(const struct kh_json *v, const char *key)
{
    const struct kh_json *m = kh_json_get(v, key);

    if (!kh_json_is(m, KH_JSON_STRING))
        return (struct kh_str){0};
    return m->s.p ? m->s : KH_S("");
}

static bool account_show_in_tx(struct kh_tx *tx, struct work *w, struct kh_error *err)
{
    switch (kh_account_get(tx, w->c->a, w->ac.id, &w->ac, err)) {
    case KH_FAIL:
        return false;
    case KH_MISS:
        return kh_fail(err, KH_EC_ACCOUNT_UNKNOWN, "no account has this id");
    case KH_HIT:
        break;
    }
    return kh_grant_list(tx, w->c->a, w->ac.id, false, &w->grants, &w->n, err);
}

static bool account_write_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct work *w = ctx;
    struct kh_identity *id = w->c->city->identity;
    struct kh_account ac = w->ac; /* the callback may run again: keep what was asked */
    bool ok = w->adding ? kh_account_add(tx, id, w->c->a, &ac, w->hash, w->c->who, err)
                        : kh_account_change(tx, id, w->c->a, &ac, w->hash, w->keep, w->c->who, err);

    if (!ok)
        return false;
    if (w->adding)
        w->ac.id = ac.id;
    return kh_grant_list(tx, w->c->a, ac.id, false, &w->grants, &w->n, err) &&
           kh_account_get(tx, w->c->a, ac.id, &ac, err) == KH_HIT && (w->ac = ac, true);
}

static enum kh_next account_written(struct kh_call *c, const struct work *w)
{
    struct kh_buf b = kh_buf(c->a, 1 << 20);
    struct kh_jw jw = kh_jw(&b);

    kh_account_json(&jw, c->a, &w->ac, w->grants, w->n);
    return kh_reply_json(c, w->adding ? 201 : 200, kh_buf_get(&b));
}

/* On a worker: hashing blocks, and so may the write. */
static void account_work(struct kh_call *c)
{
    struct work *w = c->ctx;
    struct kh_str password = given(c->json, "password");
    struct kh_error err = {0};
    bool ok = true;

    if (password.p) {
        ok = kh_password_hash(c->city->identity, c->a, password, &w->hash, &err);
        if (ok && !w->adding && w->ac.id == c->who->account)
            ok = kh_password_check(c->city->identity, c->a, w->ac.id,
                                   kh_json_str(c->json, "old_password", KH_S("")), &err);
    }
    if (ok)
        ok = kh_store_run(c->city->store, "account_write", KH_TX_WRITE, account_write_in_tx, w,
                          &err);
    if (ok)
        account_written(c, w);
    else
        kh_reply_error(c, &err);
}

static void account_fields(struct kh_account *ac, const struct kh_json *v)
{
    ac->name = given(v, "name");
    ac->phone = given(v, "phone");
    ac->email = given(v, "email");
    ac->lang = given(v, "lang");
}

static enum kh_next api_account_create(struct kh_call *c)
{
    struct work *w = work_new(c);

    w->adding = true;
    w->ac.username = given(c->json, "username");
    account_fields(&w->ac, c->json);
    if (!w->ac.username.n || !given(c->json, "password").p)
        return bad(c, KH_EC_BODY_INVALID, "username and password are needed");
    return kh_call_offload(c, account_work);
}

static enum kh_next api_account_manage(struct kh_call *c)
{
    struct work *w = work_new(c);

    w->adding = true;
    w->ac.username = given(c->json, "username");
    account_fields(&w->ac, c->json);
    w->ac.unit = given(c->json, "unit");
    w->ac.kind = given(c->json, "kind");
    if (!w->ac.username.n)
        return bad(c, KH_EC_BODY_INVALID, "username is needed");
    return kh_call_offload(c, account_work);
}

static enum kh_next api_account_update(struct kh_call *c)
{
    struct work *w = work_new(c);

    if (!kh_id_parse(c->params[0], &w->ac.id))
        return bad(c, KH_EC_ACCOUNT_UNKNOWN, "no account has this id");
    account_fields(&w->ac, c->json);
    w->ac.unit = given(c->json, "unit");
    w->ac.state = given(c->json, "state");
    return kh_call_offload(c, account_work);
}

static enum kh_next api_me_update(struct kh_call *c)
{
    struct work *w = work_new(c);

    w->ac.id = c->who->account;
    w->keep = c->session;
    account_fields(&w->ac, c->json);
    return kh_call_offload(c, account_work);
}

/* ---- lists ---- */

static bool account_list_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct kh_call *c = ctx;
    struct kh_buf b = kh_buf(c->a, 4 << 20);
    struct kh_jw w = kh_jw(&b);
    struct kh_account *list;
    struct kh_str after = kh_call_arg(c, "after", KH_S(""));
    int64_t after_id = 0;
    unsigned limit;
    size_t n;

    if (after.n && !kh_id_parse(after, &after_id))
        return kh_fail(err, KH_EC_CURSOR_INVALID, "after is an id");
    if (!kh_call_limit(c, 50, 1000, &limit, err) ||
        !kh_account_list(tx, c->a, kh_call_arg(c, "q", KH_S("")), after_id, limit, &list, &n, err))
        return false;
    kh_jw_obj(&w);
    kh_jw_key(&w, "items");
    kh_jw_arr(&w);
    for (size_t i = 0; i < n; i++) {
        struct kh_grant_row *grants;
        size_t m;

        if (!kh_grant_list(tx, c->a, list[i].id, false, &grants, &m, err))
            return false;
        kh_account_json(&w, c->a, &list[i], grants, m);
    }
    kh_jw_end(&w);
    if (n == limit)
        kh_jw_kstr(&w, "next", kh_id_text(c->a, list[n - 1].id));
    kh_jw_end(&w);
    kh_reply_json(c, 200, kh_buf_get(&b));
    return true;
}

static enum kh_next run_read(struct kh_call *c, const char *name, kh_tx_fn fn)
{
    struct kh_error err = {0};

    if (!kh_store_run(c->city->store, name, KH_TX_READ, fn, c, &err))
        return kh_reply_error(c, &err);
    return KH_REPLIED;
}

static enum kh_next api_account_list(struct kh_call *c)
{
    return run_read(c, "account_list", account_list_in_tx);
}

static bool account_read_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    return account_show_in_tx(tx, ctx, err);
}

static enum kh_next api_account_read(struct kh_call *c)
{
    struct work *w = work_new(c);
    struct kh_error err = {0};

    if (!kh_id_parse(c->params[0], &w->ac.id))
        return bad(c, KH_EC_ACCOUNT_UNKNOWN, "no account has this id");
    if (!kh_store_run(c->city->store, "account_read", KH_TX_READ, account_read_in_tx, w, &err))
        return kh_reply_error(c, &err);
    return account_written(c, w);
}

static bool role_list_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct kh_call *c = ctx;
    struct kh_buf b = kh_buf(c->a, 1 << 20);

    kh_buf_z(&b, "{\"items\":");
    if (!kh_identity_roles_list(tx, &b, err))
        return false;
    kh_buf_c(&b, '}');
    kh_reply_json(c, 200, kh_buf_get(&b));
    return true;
}

static enum kh_next api_role_list(struct kh_call *c)
{
    return run_read(c, "role_list", role_list_in_tx);
}

/* ---- grants and delegations ---- */

static bool grant_add_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct work *w = ctx;

    return kh_grant_add(tx, w->c->city->identity, w->c->a, &w->grant, w->c->who, err);
}

static enum kh_next grant_added(struct kh_call *c, bool ok, const struct kh_error *err)
{
    struct work *w = c->ctx;
    struct kh_buf b = kh_buf(c->a, 1 << 16);
    struct kh_jw jw = kh_jw(&b);

    if (!ok)
        return kh_reply_error(c, err);
    kh_grant_json(&jw, c->a, &w->grant);
    return kh_reply_json(c, 201, kh_buf_get(&b));
}

static bool period(struct kh_call *c, struct kh_grant_row *g)
{
    struct kh_str from = given(c->json, "from"), until = given(c->json, "until");

    return (!from.n || kh_when_parse(from, &g->start_us)) &&
           (!until.n || kh_when_parse(until, &g->until_us));
}

static enum kh_next grant_add(struct kh_call *c, int64_t account, int64_t from)
{
    struct work *w = work_new(c);

    w->grant.account = account;
    w->grant.from = from;
    w->grant.role = kh_json_str(c->json, "role", KH_S(""));
    w->grant.unit = kh_json_str(c->json, "unit", KH_S(""));
    w->grant.reason = kh_json_str(c->json, "reason", KH_S(""));
    if (!period(c, &w->grant))
        return bad(c, KH_EC_GRANT_INVALID, "from and until are dates or instants");
    return kh_call_write(c, "grant_create", grant_add_in_tx, w, grant_added);
}

static enum kh_next api_grant_create(struct kh_call *c)
{
    int64_t account;

    if (!kh_id_parse(c->params[0], &account))
        return bad(c, KH_EC_ACCOUNT_UNKNOWN, "no account has this id");
    return grant_add(c, account, 0);
}

struct delegate {
    struct kh_arena *a;
    struct kh_str to;
    struct kh_account ac;
    enum kh_hit hit;
};

static bool delegate_find_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct delegate *d = ctx;

    d->hit = kh_account_find(tx, d->a, d->to, &d->ac, err);
    return d->hit != KH_FAIL;
}

static enum kh_next api_delegation_create(struct kh_call *c)
{
    struct delegate d = {.a = c->a, .to = kh_json_str(c->json, "to", KH_S(""))};
    struct kh_error err = {0};

    if (!kh_store_run(c->city->store, "delegate_find", KH_TX_READ, delegate_find_in_tx, &d, &err))
        return kh_reply_error(c, &err);
    if (d.hit != KH_HIT)
        return bad(c, KH_EC_ACCOUNT_UNKNOWN, "no account has the username in \"to\"");
    return grant_add(c, d.ac.id, c->who->account);
}

static bool grant_end_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct work *w = ctx;

    return kh_grant_end(tx, w->c->city->identity, w->c->a, w->target, w->c->who, err);
}

static enum kh_next ended(struct kh_call *c, bool ok, const struct kh_error *err)
{
    return ok ? kh_reply_empty(c, 204) : kh_reply_error(c, err);
}

static enum kh_next grant_end(struct kh_call *c, struct kh_str id)
{
    struct work *w = work_new(c);

    if (!kh_id_parse(id, &w->target))
        return bad(c, KH_EC_GRANT_INVALID, "no grant has this id");
    return kh_call_write(c, "grant_end", grant_end_in_tx, w, ended);
}

static enum kh_next api_grant_end(struct kh_call *c)
{
    return grant_end(c, c->params[1]);
}

static enum kh_next api_delegation_end(struct kh_call *c)
{
    return grant_end(c, c->params[0]);
}

static bool delegation_list_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct kh_call *c = ctx;
    struct kh_buf b = kh_buf(c->a, 1 << 20);
    struct kh_jw w = kh_jw(&b);
    struct kh_grant_row *list;
    size_t n;

    if (!kh_grant_list(tx, c->a, c->who->account, true, &list, &n, err))
        return false;
    kh_jw_obj(&w);
    kh_jw_key(&w, "items");
    kh_jw_arr(&w);
    for (size_t i = 0; i < n; i++) {
        kh_jw_obj(&w);
        kh_jw_kstr(&w, "to", list[i].account_name);
        kh_jw_key(&w, "grant");
        kh_grant_json(&w, c->a, &list[i]);
        kh_jw_end(&w);
    }
    kh_jw_end(&w);
    kh_jw_end(&w);
    kh_reply_json(c, 200, kh_buf_get(&b));
    return true;
}

static enum kh_next api_delegation_list(struct kh_call *c)
{
    return run_read(c, "delegation_list", delegation_list_in_tx);
}

/* ---- keys ---- */

static void key_json(struct kh_jw *w, struct kh_arena *a, const struct kh_key_row *k)
{
    kh_jw_obj(w);
    kh_jw_kstr(w, "id", kh_id_text(a, k->id));
    kh_jw_kstr(w, "account", kh_id_text(a, k->account));
    kh_jw_kstr(w, "name", k->name);
    kh_jw_kstr(w, "hint", k->hint);
    kh_jw_kstr(w, "created_at", kh_time_text(a, k->created_us));
    if (k->expires_us != KH_FOREVER)
        kh_jw_kstr(w, "expires_at", kh_time_text(a, k->expires_us));
}

static bool key_add_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct work *w = ctx;

    return kh_key_add(tx, w->c->city->identity, w->c->a, &w->key, w->c->who, &w->secret, err);
}

static enum kh_next key_added(struct kh_call *c, bool ok, const struct kh_error *err)
{
    struct work *w = c->ctx;
    struct kh_buf b = kh_buf(c->a, 1 << 16);
    struct kh_jw jw = kh_jw(&b);

    if (!ok)
        return kh_reply_error(c, err);
    key_json(&jw, c->a, &w->key);
    kh_jw_kstr(&jw, "secret", w->secret);
    kh_jw_end(&jw);
    kh_reply_header(c, "Cache-Control", KH_S("no-store"));
    return kh_reply_json(c, 201, kh_buf_get(&b));
}

static enum kh_next api_key_create(struct kh_call *c)
{
    struct work *w = work_new(c);
    struct kh_str expires = given(c->json, "expires_at");

    w->key.name = kh_json_str(c->json, "name", KH_S(""));
    if (!kh_id_parse(kh_json_str(c->json, "account", KH_S("")), &w->key.account))
        return bad(c, KH_EC_ACCOUNT_UNKNOWN, "\"account\" is the id of the account that holds it");
    if (expires.n && !kh_when_parse(expires, &w->key.expires_us))
        return bad(c, KH_EC_BODY_INVALID, "expires_at is a date or an instant");
    return kh_call_write(c, "key_create", key_add_in_tx, w, key_added);
}

static bool key_end_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct work *w = ctx;

    return kh_key_end(tx, w->c->city->identity, w->c->a, w->target, w->c->who, err);
}

static enum kh_next api_key_end(struct kh_call *c)
{
    struct work *w = work_new(c);

    if (!kh_id_parse(c->params[0], &w->target))
        return bad(c, KH_EC_GRANT_INVALID, "no key has this id");
    return kh_call_write(c, "key_end", key_end_in_tx, w, ended);
}

static bool key_list_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct kh_call *c = ctx;
    struct kh_buf b = kh_buf(c->a, 1 << 20);
    struct kh_jw w = kh_jw(&b);
    struct kh_key_row *list;
    size_t n;

    if (!kh_key_list(tx, c->a, 0, &list, &n, err))
        return false;
    kh_jw_obj(&w);
    kh_jw_key(&w, "items");
    kh_jw_arr(&w);
    for (size_t i = 0; i < n; i++) {
        key_json(&w, c->a, &list[i]);
        kh_jw_end(&w);
    }
    kh_jw_end(&w);
    kh_jw_end(&w);
    kh_reply_json(c, 200, kh_buf_get(&b));
    return true;
}

static enum kh_next api_key_list(struct kh_call *c)
{
    return run_read(c, "key_list", key_list_in_tx);
}

const struct kh_route kh_routes_account[] = {
    {KH_POST, "/api/v1/accounts", "account_create", api_account_create,
     KH_R_PUBLIC | KH_R_JSON | KH_R_NO_CSRF | KH_R_SECRET, 16384, "", NULL, "Đăng ký tài khoản công dân",
     "Sign up as a citizen", "AccountCreate", "Account"},
    {KH_GET, "/api/v1/accounts", "account_list", api_account_list, 0, 0, "q,limit,after", "admin",
     "Tìm tài khoản", "Find accounts", NULL, "AccountList"},
    {KH_POST, "/api/v1/accounts/managed", "account_manage", api_account_manage,
     KH_R_JSON | KH_R_SECRET, 16384, "", "admin", "Tạo tài khoản cán bộ hoặc máy", "Add an officer's or a machine's account",
     "AccountManage", "Account"},
    {KH_GET, "/api/v1/accounts/{id}", "account_read", api_account_read, 0, 0, "", "admin",
     "Xem tài khoản", "Read an account", NULL, "Account"},
    {KH_PATCH, "/api/v1/accounts/{id}", "account_update", api_account_update, KH_R_JSON, 16384, "",
     "admin", "Sửa hoặc khoá tài khoản", "Change or lock an account", "AccountUpdate", "Account"},
    {KH_POST, "/api/v1/accounts/{id}/grants", "grant_create", api_grant_create, KH_R_JSON, 16384,
     "", "admin", "Gán vai trò", "Give a role", "GrantCreate", "Grant"},
    {KH_DELETE, "/api/v1/accounts/{id}/grants/{grant}", "grant_end", api_grant_end, 0, 0, "",
     "admin", "Thu hồi vai trò", "Take a role back", NULL, NULL},
    {KH_GET, "/api/v1/roles", "role_list", api_role_list, 0, 0, "", "account", "Các vai trò",
     "The roles", NULL, "RoleList"},
    {KH_PATCH, "/api/v1/me", "me_update", api_me_update, KH_R_JSON, 16384, "", "account",
     "Sửa thông tin của tôi", "Change my own data", "MeUpdate", "Account"},
    {KH_GET, "/api/v1/delegations", "delegation_list", api_delegation_list, 0, 0, "", "account",
     "Những việc tôi đã uỷ quyền", "What I have delegated", NULL, "DelegationList"},
    {KH_POST, "/api/v1/delegations", "delegation_create", api_delegation_create, KH_R_JSON, 16384,
     "", "account", "Uỷ quyền trong một thời gian", "Delegate a role for a time",
     "DelegationCreate", "Grant"},
    {KH_DELETE, "/api/v1/delegations/{id}", "delegation_end", api_delegation_end, 0, 0, "",
     "account", "Kết thúc uỷ quyền", "End a delegation", NULL, NULL},
    {KH_GET, "/api/v1/keys", "key_list", api_key_list, 0, 0, "", "admin", "Các khoá API",
     "API keys", NULL, "KeyList"},
    {KH_POST, "/api/v1/keys", "key_create", api_key_create, KH_R_JSON | KH_R_SECRET, 16384,
     "", "admin", "Tạo khoá API", "Make an API key", "KeyCreate", "Key"},
    {KH_DELETE, "/api/v1/keys/{id}", "key_end", api_key_end, 0, 0, "", "admin", "Thu hồi khoá API",
     "Revoke an API key", NULL, NULL},
    {0},
};
