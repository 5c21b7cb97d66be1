/* SPDX-License-Identifier: Apache-2.0 */
/**
 * tests/call_fixture -- calls without a socket: a city with a router over the test's own routes,
 * made-up people, and a wait for replies that come later.
 *
 * Tokens: "mai" is a citizen (account 7), "officer" holds officer over H26.19, "admin" holds admin.
 */
#ifndef KH_TESTS_CALL_FIXTURE_H
#define KH_TESTS_CALL_FIXTURE_H

#include "api/call.h"
#include "api/city.h"
#include "api/hub.h"
#include "api/router.h"
#include "api/workers.h"
#include "base/config.h"
#include "base/rate.h"
#include "base/time.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

struct call_fixture {
    struct kh_city city;
    struct kh_config *config;
    pthread_mutex_t lock;
    pthread_cond_t woken;
    unsigned resumed;
};

static struct call_fixture cf;

static const struct kh_grant officer_grant = {KH_STR_INIT("officer"), KH_STR_INIT("H26.19"),
                                              KH_FOREVER, 0};
static const struct kh_grant admin_grant = {KH_STR_INIT("admin"), KH_STR_INIT(""), KH_FOREVER, 0};
static const struct kh_who people[] = {
    {.kind = KH_WHO_ACCOUNT,
     .account = 7,
     .username = KH_STR_INIT("mai"),
     .actor = KH_STR_INIT("account:mai"),
     .vi = true},
    {.kind = KH_WHO_ACCOUNT,
     .account = 8,
     .username = KH_STR_INIT("officer"),
     .actor = KH_STR_INIT("account:officer"),
     .grants = &officer_grant,
     .grants_n = 1,
     .vi = true},
    {.kind = KH_WHO_ACCOUNT,
     .account = 9,
     .username = KH_STR_INIT("admin"),
     .actor = KH_STR_INIT("account:admin"),
     .grants = &admin_grant,
     .grants_n = 1,
     .vi = true},
};

static enum kh_hit fixture_who(void *ctx, struct kh_arena *a, struct kh_str token,
                               const struct kh_who **ret_who, struct kh_error *err)
{
    (void)ctx;
    (void)a;
    (void)err;
    for (size_t i = 0; i < KH_LEN(people); i++)
        if (kh_str_eq(people[i].username, token)) {
            *ret_who = &people[i];
            return KH_HIT;
        }
    return KH_MISS;
}

static struct kh_str fixture_csrf(struct kh_arena *a, struct kh_str token)
{
    return kh_strf(a, "csrf-%.*s", KH_FMT(token));
}

static const struct kh_auth fixture_auth = {NULL, fixture_who, fixture_csrf};

static void fixture_resume(struct kh_call *c)
{
    (void)c;
    pthread_mutex_lock(&cf.lock);
    cf.resumed++;
    pthread_cond_broadcast(&cf.woken);
    pthread_mutex_unlock(&cf.lock);
}

static struct kh_str fixture_header(const struct kh_call *c, const char *name)
{
    (void)c;
    (void)name;
    return kh_str(NULL, 0);
}

static const struct kh_call_ops fixture_ops = {fixture_resume, fixture_header, fixture_resume};

static KH_UNUSED void calls_open(const struct kh_route *routes)
{
    const struct kh_route *const tables[] = {routes, NULL};

    memset(&cf, 0, sizeof(cf));
    cf.config = kh_config_new();
    pthread_mutex_init(&cf.lock, NULL);
    pthread_cond_init(&cf.woken, NULL);
    cf.city.config = cf.config;
    cf.city.auth = &fixture_auth;
    cf.city.router = kh_router_new(tables);
    cf.city.workers = kh_workers_new(2, 16);
    cf.city.rate = kh_rate_new();
}

static KH_UNUSED void calls_close(void)
{
    kh_workers_drop(cf.city.workers);
    kh_router_drop(cf.city.router);
    kh_rate_drop(cf.city.rate);
    kh_config_drop(cf.config);
    pthread_cond_destroy(&cf.woken);
    pthread_mutex_destroy(&cf.lock);
}

/** "POST /x?y" as token (or NULL) with a body. Drop c->a. */
static KH_UNUSED struct kh_call *call_new(enum kh_method m, const char *target, const char *token,
                                          const char *body)
{
    struct kh_arena *a = kh_arena_new(1 << 22);
    struct kh_call *c = kh_new(a, struct kh_call);
    struct kh_str rest;

    c->a = a;
    c->city = &cf.city;
    c->ops = &fixture_ops;
    c->method = m;
    c->target = kh_str_cut(kh_cstr(target), '?', &rest);
    c->query = rest;
    c->id = KH_S("0123456789abcdef");
    c->peer = KH_S("203.0.113.9");
    c->start_us = kh_mono_us();
    c->body = kh_cstr(body ? body : "");
    if (body && *body)
        c->head.content_type = KH_S("application/json");
    if (token)
        c->head.authorization = kh_strf(a, "Bearer %s", token);
    return c;
}

static KH_UNUSED void call_run(struct kh_call *c)
{
    unsigned before = cf.resumed;
    enum kh_next next;

    (void)kh_call_begin(c);
    next = kh_call_dispatch(c);
    while (next == KH_WAITING) {
        pthread_mutex_lock(&cf.lock);
        while (cf.resumed == before)
            pthread_cond_wait(&cf.woken, &cf.lock);
        before = cf.resumed;
        pthread_mutex_unlock(&cf.lock);
        next = kh_call_continue(c);
    }
}

static KH_UNUSED bool body_has(const struct kh_call *c, const char *z)
{
    return c->reply.body.n && memmem(c->reply.body.p, c->reply.body.n, z, strlen(z)) != NULL;
}

static KH_UNUSED struct kh_str reply_header_of(const struct kh_call *c, const char *name)
{
    for (size_t i = 0; i < c->reply.headers_n; i++)
        if (kh_str_is(c->reply.headers[i].name, name))
            return c->reply.headers[i].value;
    return kh_str(NULL, 0);
}

#endif
