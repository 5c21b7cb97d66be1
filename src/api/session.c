/* SPDX-License-Identifier: Apache-2.0 */
#include "api/city.h"
#include "api/routes.h"

#include "api/account_json.h"
#include "base/id.h"
#include "base/time.h"
#include "engine/identity/identity.h"

/* Reply with the session: the token only when it has just been made. */
static void session_reply(struct kh_call *c, int status, const struct kh_session *s,
                          const struct kh_account *ac, const struct kh_grant_row *grants, size_t n)
{
    struct kh_buf b = kh_buf(c->a, 1 << 20);
    struct kh_jw w = kh_jw(&b);

    kh_jw_obj(&w);
    if (s->token.n)
        kh_jw_kstr(&w, "token", s->token);
    kh_jw_kstr(&w, "csrf", s->csrf);
    if (s->expires_us)
        kh_jw_kstr(&w, "expires_at", kh_time_text(c->a, s->expires_us));
    kh_jw_key(&w, "account");
    kh_account_json(&w, c->a, ac, grants, n);
    kh_jw_end(&w);
    kh_reply_json(c, status, kh_buf_get(&b));
}

struct me {
    struct kh_arena *a;
    int64_t account;
    struct kh_account ac;
    struct kh_grant_row *grants;
    size_t n;
};

static bool me_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct me *m = ctx;

    switch (kh_account_get(tx, m->a, m->account, &m->ac, err)) {
    case KH_FAIL:
        return false;
    case KH_MISS:
        return kh_fail(err, KH_EC_ACCOUNT_UNKNOWN, "the account is gone");
    case KH_HIT:
        break;
    }
    return kh_grant_list(tx, m->a, m->account, false, &m->grants, &m->n, err);
}

static void set_cookie(struct kh_call *c, struct kh_str token, int64_t max_age_s)
{
    kh_reply_header(c, "Set-Cookie",
                    kh_strf(c->a,
                            "khue_session=%.*s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%lld%s",
                            KH_FMT(token), (long long)max_age_s, c->tls ? "; Secure" : ""));
}

static void session_open_work(struct kh_call *c)
{
    struct kh_str username = kh_json_str(c->json, "username", KH_S(""));
    struct kh_str password = kh_json_str(c->json, "password", KH_S(""));
    struct kh_error err = {0};
    struct kh_session s;
    struct me m = {.a = c->a};

    if (!kh_session_open(c->city->identity, c->a, username, password, c->peer, &s, &err)) {
        kh_reply_error(c, &err);
        return;
    }
    m.account = s.account;
    if (!kh_store_run(c->city->store, "session_me", KH_TX_READ, me_in_tx, &m, &err)) {
        kh_reply_error(c, &err);
        return;
    }
    set_cookie(c, s.token, (s.expires_us - kh_now_us()) / KH_US_S);
    kh_reply_header(c, "Cache-Control", KH_S("no-store"));
    session_reply(c, 201, &s, &m.ac, m.grants, m.n);
}

static enum kh_next api_session_open(struct kh_call *c)
{
    struct kh_error err = {0};

    if (!kh_json_is(c->json, KH_JSON_OBJECT) ||
        !kh_json_is(kh_json_get(c->json, "username"), KH_JSON_STRING) ||
        !kh_json_is(kh_json_get(c->json, "password"), KH_JSON_STRING)) {
        (void)kh_fail(&err, KH_EC_BODY_INVALID, "username and password are needed, both as text");
        return kh_reply_error(c, &err);
    }
    return kh_call_offload(c, session_open_work);
}

/* A browser asks on every page who uses it, and that nobody does is no fault; who presents a token or a
 * key by name is told that it is not good. */
static enum kh_next api_session_read(struct kh_call *c)
{
    struct kh_error err = {0};
    struct me m = {.a = c->a, .account = c->who->account};
    struct kh_session s = {.csrf = kh_session_csrf(c->a, c->session)};

    if (m.account == 0 && c->by_cookie) {
        kh_reply_header(c, "Cache-Control", KH_S("no-store"));
        return kh_reply_json(c, 200, KH_S("{\"account\":null}"));
    }
    if (m.account == 0) {
        (void)kh_fail(&err, KH_EC_AUTH_REQUIRED, "nobody is signed in");
        return kh_reply_error(c, &err);
    }
    if (!kh_store_run(c->city->store, "session_me", KH_TX_READ, me_in_tx, &m, &err))
        return kh_reply_error(c, &err);
    kh_reply_header(c, "Cache-Control", KH_S("no-store"));
    session_reply(c, 200, &s, &m.ac, m.grants, m.n);
    return KH_REPLIED;
}

static bool session_close_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct kh_call *c = ctx;

    return kh_session_close(tx, c->city->identity, c->a, c->session, err);
}

static enum kh_next session_closed(struct kh_call *c, bool ok, const struct kh_error *err)
{
    if (!ok)
        return kh_reply_error(c, err);
    set_cookie(c, KH_S(""), 0);
    return kh_reply_empty(c, 204);
}

static enum kh_next api_session_close(struct kh_call *c)
{
    if (c->session.n == 0)
        return session_closed(c, true, NULL);
    return kh_call_write(c, "session_close", session_close_in_tx, c, session_closed);
}

const struct kh_route kh_routes_session[] = {
    {KH_POST, "/api/v1/session", "session_open", api_session_open,
     KH_R_PUBLIC | KH_R_JSON | KH_R_NO_CSRF | KH_R_SECRET, 8192, "", NULL, "Đăng nhập", "Sign in",
     "SessionOpen", "Session"},
    {KH_GET, "/api/v1/session", "session_read", api_session_read, KH_R_PUBLIC, 0, "", NULL,
     "Ai đang đăng nhập", "Who is signed in", NULL, "Session"},
    {KH_DELETE, "/api/v1/session", "session_close", api_session_close, KH_R_PUBLIC, 0, "", NULL,
     "Đăng xuất", "Sign out", NULL, NULL},
    {0},
};
