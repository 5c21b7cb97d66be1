/* SPDX-License-Identifier: Apache-2.0 */
/* From a header and a body to the handler: route, who, parameters, body, role. */
#include "api/call.h"

#include "api/city.h"
#include "api/idempotency.h"
#include "api/router.h"
#include "api/uri.h"
#include "base/config.h"
#include "base/hash.h"
#include "base/metrics.h"
#include "base/rate.h"
#include "base/time.h"
#include "engine/identity/identity.h"

enum { BODY_DEFAULT = 1 << 20, BODY_REFUSED = 1 << 16, ARGS_MAX = 256, JSON_DEPTH = 64 };

static const struct kh_who public_en = {
    .kind = KH_WHO_PUBLIC,
    .actor = KH_STR_INIT("public"),
    .vi = false,
};

/* English only if the reader ranks it above Vietnamese. */
static bool wants_english(struct kh_str list)
{
    int en = -1, vi = -1;
    struct kh_str one;

    while (kh_list_next(&list, &one)) {
        int q;
        struct kh_str word = kh_list_quality(one, &q);
        struct kh_str lang = kh_str(word.p, word.n < 2 ? word.n : 2);
        bool whole = word.n == 2 || (word.n > 2 && word.p[2] == '-');

        if (whole && kh_str_same(lang, KH_S("en")) && q > en)
            en = q;
        if (whole && kh_str_same(lang, KH_S("vi")) && q > vi)
            vi = q;
    }
    return en > 0 && en > vi;
}

/* ---- who ---- */

/* Cookies do not count on routes that any origin may call. */
static struct kh_str token_of(struct kh_call *c)
{
    struct kh_str bearer = c->head.authorization, scheme, rest;

    if (bearer.n) {
        scheme = kh_str_cut(bearer, ' ', &rest);
        if (kh_str_same(scheme, KH_S("Bearer")))
            return kh_str_trim(rest);
    }
    if (c->head.api_key.n)
        return c->head.api_key;
    if (c->route && (c->route->flags & KH_R_CORS))
        return kh_str(NULL, 0);
    c->by_cookie = true;
    return kh_call_cookie(c, "khue_session");
}

static enum kh_hit ask(struct kh_call *c, struct kh_str token, const struct kh_who **ret_who,
                       struct kh_error *err)
{
    const struct kh_auth *auth = c->city->auth;

    if (auth)
        return auth->who(auth->ctx, c->a, token, ret_who, err);
    if (c->city->identity)
        return kh_identity_who(c->city->identity, c->a, token, ret_who, err);
    return KH_MISS;
}

enum kh_hit kh_call_identify(struct kh_call *c, struct kh_str token, struct kh_error *err)
{
    bool vi = c->who->vi;
    const struct kh_who *found = NULL;
    struct kh_who *who;
    enum kh_hit hit = token.n ? ask(c, token, &found, err) : KH_MISS;

    if (hit != KH_HIT)
        return hit;
    c->session = token;
    who = kh_new(c->a, struct kh_who);
    *who = *found;
    if (c->head.accept_language.n)
        who->vi = vi;
    if (c->head.purpose.n && !kh_uri_decode(c->a, c->head.purpose, false, &who->purpose))
        who->purpose = found->purpose;
    c->who = who;
    return KH_HIT;
}

/* A token that is not good is no reason to refuse what the public may have: a stale cookie would
 * lock its owner out of the page where one signs in. */
static bool authenticate(struct kh_call *c, struct kh_error *err)
{
    struct kh_str token = token_of(c);

    if (token.n == 0)
        return true;
    switch (kh_call_identify(c, token, err)) {
    case KH_FAIL:
        return false;
    case KH_MISS:
        return c->by_cookie || (c->route->flags & KH_R_PUBLIC) ||
               kh_fail(err, KH_EC_SESSION_EXPIRED, "the token or key is not valid any more");
    case KH_HIT:
        break;
    }
    return true;
}

static bool is_safe(enum kh_method m)
{
    return m == KH_GET || m == KH_HEAD || m == KH_OPTIONS;
}

static bool check_csrf(struct kh_call *c, struct kh_error *err)
{
    const struct kh_auth *auth = c->city->auth;
    struct kh_str want;

    /* Browsers say where a request comes from; signing somebody in from a strange page counts too. */
    if (!is_safe(c->method) && !(c->route->flags & KH_R_CORS) &&
        kh_str_is(c->head.sec_fetch_site, "cross-site"))
        return kh_fail(err, KH_EC_CSRF, "sent by a page of another site");
    if (!c->by_cookie || c->session.n == 0 || is_safe(c->method) ||
        (c->route->flags & KH_R_NO_CSRF))
        return true;
    want = auth ? auth->csrf(c->a, c->session) : kh_session_csrf(c->a, c->session);
    return kh_equal_secret(want, c->head.csrf) ||
           kh_fail(err, KH_EC_CSRF, "X-CSRF-Token does not belong to this session");
}

/* How often one account may call. */
static bool check_rate(struct kh_call *c, struct kh_error *err)
{
    int64_t per_s = c->city->config ? c->city->config->rate_account : 0, wait_us = 0;

    if (per_s == 0 || c->local || !c->city->rate || c->who->kind == KH_WHO_PUBLIC)
        return true;
    if (kh_rate_take(c->city->rate, kh_hash64(c->who->actor, c->city->seed), c->start_us, per_s,
                     c->city->config->rate_account_burst, &wait_us))
        return true;
    kh_count(KH_M_HTTP_LIMITED, 1);
    kh_reply_header(c, "Retry-After", kh_strf(c->a, "%lld", (long long)(wait_us / 1000000 + 1)));
    return kh_fail(err, KH_EC_RATE_LIMITED, "more than %lld requests per second", (long long)per_s);
}

static bool check_role(struct kh_call *c, struct kh_error *err)
{
    const struct kh_route *r = c->route;
    bool nobody = c->who->kind == KH_WHO_PUBLIC;

    if (!(r->flags & KH_R_PUBLIC) && nobody)
        return kh_fail(err, KH_EC_AUTH_REQUIRED, "this call needs an account");
    if (r->role && !kh_who_is(c->who, kh_cstr(r->role)))
        return kh_fail(err, nobody ? KH_EC_AUTH_REQUIRED : KH_EC_FORBIDDEN, "needs role %s",
                       r->role);
    return true;
}

/* ---- route ---- */

static bool find_route(struct kh_call *c, struct kh_error *err)
{
    struct kh_router *router = c->city->router;
    enum kh_method m = c->method;

    c->leaf = kh_router_find(router, c->target, c->params, &c->params_n);
    if (!c->leaf)
        return kh_fail(err, KH_EC_ROUTE_UNKNOWN, "no such path");
    if (m == KH_OPTIONS)
        return true;
    if (m == KH_HEAD && !c->leaf->routes[m])
        m = KH_GET;
    c->route = m < KH_METHODS ? c->leaf->routes[m] : NULL;
    return c->route || kh_fail(err, KH_EC_METHOD_NOT_ALLOWED, "see the Allow header");
}

size_t kh_call_begin(struct kh_call *c)
{
    c->who = wants_english(c->head.accept_language) ? &public_en : &kh_who_public;
    if (!find_route(c, &c->err) || !c->route || !authenticate(c, &c->err) ||
        !check_role(c, &c->err))
        return BODY_REFUSED;
    return c->route->body_max ? c->route->body_max : BODY_DEFAULT;
}

/* ---- parameters ---- */

static bool decode_params(struct kh_call *c, struct kh_error *err)
{
    for (unsigned i = 0; i < c->params_n; i++)
        if (!kh_uri_decode(c->a, c->params[i], false, &c->params[i]))
            return kh_fail(err, KH_EC_REQUEST_MALFORMED, "the path is not UTF-8 text");
    return true;
}

static bool is_known(const struct kh_call *c, struct kh_str name)
{
    enum kh_method m = c->route->method;

    for (size_t i = 0; i < c->leaf->args_n[m]; i++)
        if (kh_str_eq(c->leaf->args[m][i], name))
            return true;
    return false;
}

static bool check_arg(struct kh_call *c, struct kh_str name, struct kh_error *err)
{
    if (c->route->flags & KH_R_OPEN_ARGS)
        return true;
    if (!is_known(c, name))
        return kh_fail(err, KH_EC_PARAMETER_UNKNOWN, "%.*s; known: %s",
                       (int)(name.n < 64 ? name.n : 64), name.p ? name.p : "",
                       c->route->args ? c->route->args : "none");
    for (size_t i = 0; i < c->args_n; i++)
        if (kh_str_eq(c->args[i].name, name))
            return kh_fail(err, KH_EC_PARAMETER_INVALID, "%.*s is given twice", KH_FMT(name));
    return true;
}

static bool decode_args(struct kh_call *c, struct kh_error *err)
{
    struct kh_str rest = c->query;
    size_t max = 1;

    if (rest.n == 0)
        return true;
    for (size_t i = 0; i < rest.n; i++)
        max += rest.p[i] == '&';
    if (max > ARGS_MAX)
        return kh_fail(err, KH_EC_REQUEST_MALFORMED, "more than %d parameters", ARGS_MAX);
    c->args = kh_new_n(c->a, max, struct kh_pair);
    while (rest.n) {
        struct kh_str value, pair = kh_str_cut(rest, '&', &rest);
        struct kh_str name = kh_str_cut(pair, '=', &value);

        if (pair.n == 0)
            continue;
        if (!kh_uri_decode(c->a, name, true, &name) || !kh_uri_decode(c->a, value, true, &value))
            return kh_fail(err, KH_EC_REQUEST_MALFORMED, "a parameter is not UTF-8 text");
        if (!check_arg(c, name, err))
            return false;
        if (!value.p)
            value = kh_str("", 0);
        c->args[c->args_n++] = (struct kh_pair){name, value};
    }
    return true;
}

/* ---- body ---- */

static bool is_json_type(struct kh_str field)
{
    struct kh_str rest, type = kh_str_trim(kh_str_cut(field, ';', &rest));

    return kh_str_same(type, KH_S("application/json")) ||
           (type.n > 5 && kh_str_same(kh_str_skip(type, type.n - 5), KH_S("+json")));
}

static bool read_body(struct kh_call *c, struct kh_error *err)
{
    unsigned flags = c->route->flags;
    struct kh_json_limits limits = {.bytes = c->body.n + 1, .depth = JSON_DEPTH};
    struct kh_json *json = NULL;

    if (c->head.content_encoding.n && !kh_str_same(c->head.content_encoding, KH_S("identity")))
        return kh_fail(err, KH_EC_MEDIA_UNSUPPORTED, "bodies are taken uncompressed");
    if (!(flags & (KH_R_JSON | KH_R_ANY_BODY)))
        return c->body.n == 0 || kh_fail(err, KH_EC_REQUEST_MALFORMED, "this call takes no body");
    if (!(flags & KH_R_JSON) || (c->body.n == 0 && (flags & KH_R_OPTIONAL_BODY)))
        return true;
    if (!is_json_type(c->head.content_type))
        return (flags & KH_R_ANY_BODY) ||
               kh_fail(err, KH_EC_MEDIA_UNSUPPORTED, "send application/json");
    if (!kh_json_parse(c->a, c->body, &limits, &json, err))
        return false;
    c->json = json;
    return true;
}

/* ---- the run ---- */

static enum kh_next reply_options(struct kh_call *c)
{
    bool cors = false;

    for (enum kh_method m = 0; m < KH_METHODS; m++)
        cors = cors || (c->leaf->routes[m] && (c->leaf->routes[m]->flags & KH_R_CORS));
    kh_reply_header(c, "Allow", c->leaf->allow);
    if (cors) {
        kh_reply_header(c, "Access-Control-Allow-Origin", KH_S("*"));
        kh_reply_header(c, "Access-Control-Allow-Methods", c->leaf->allow);
        kh_reply_header(c, "Access-Control-Allow-Headers",
                        KH_S("Content-Type, Authorization, X-API-Key, Idempotency-Key, If-Match, "
                             "Accept-Language"));
        kh_reply_header(c, "Access-Control-Max-Age", KH_S("86400"));
    }
    return kh_reply_empty(c, 204);
}

static bool prepare(struct kh_call *c, struct kh_error *err)
{
    return decode_params(c, err) && check_rate(c, err) && check_csrf(c, err) &&
           decode_args(c, err) && read_body(c, err) && kh_idempotency_begin(c, err);
}

enum kh_next kh_call_dispatch(struct kh_call *c)
{
    if (c->err.code == KH_EC_METHOD_NOT_ALLOWED)
        kh_reply_header(c, "Allow", c->leaf->allow);
    if (c->route && (c->route->flags & KH_R_CORS)) {
        kh_reply_header(c, "Access-Control-Allow-Origin", KH_S("*"));
        kh_reply_header(c, "Access-Control-Expose-Headers",
                        KH_S("ETag, Link, Location, Retry-After"));
    }
    if (c->err.code != KH_EC_OK)
        return kh_reply_error(c, &c->err);
    if (!c->route)
        return reply_options(c);
    if (!prepare(c, &c->err))
        return kh_reply_error(c, &c->err);
    return c->route->handler(c);
}
