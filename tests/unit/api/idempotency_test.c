/* SPDX-License-Identifier: Apache-2.0 */
#include "call_fixture.h"

#include "api/idempotency.h"
#include "base/fault.h"
#include "store_fixture.h"

#include <stdio.h>

static struct store_fixture sf;
static _Atomic int effects;
static enum { FAIL_NOT, FAIL_EFFECT, FAIL_COMMIT } fail_at;

static bool effect_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct kh_event e = {.kind = KH_S("test.effect"),
                         .type = KH_S("t"),
                         .subject = 1,
                         .actor = KH_S("t"),
                         .data = KH_S("{}")};

    (void)ctx;
    if (fail_at == FAIL_EFFECT)
        return kh_fail(err, KH_EC_BODY_INVALID, "told to");
    return kh_event_append(tx, &e, err);
}

static enum kh_next after(struct kh_call *c, bool ok, const struct kh_error *err)
{
    if (!ok)
        return kh_reply_error(c, err);
    if (fail_at == FAIL_COMMIT)
        kh_fault_arm("store.commit", 1);
    kh_reply_header(c, "Location", KH_S("/things/1"));
    return kh_reply_json(c, 201, kh_strf(c->a, "{\"n\":%d}", ++effects));
}

static enum kh_next make(struct kh_call *c)
{
    return kh_call_write(c, "test_effect", effect_in_tx, NULL, after);
}

static void finish_work(struct kh_call *c)
{
    kh_call_write_here(c, "test_effect", effect_in_tx, NULL, after);
}

static enum kh_next finish(struct kh_call *c)
{
    return kh_call_offload_write(c, finish_work);
}

static void work(struct kh_call *c)
{
    if (fail_at == FAIL_EFFECT) {
        kh_fail(&c->err, KH_EC_FILE_BROKEN, "told to");
        kh_reply_error(c, &c->err);
        return;
    }
    kh_reply_json(c, 201, kh_strf(c->a, "{\"n\":%d}", ++effects));
}

static enum kh_next slow(struct kh_call *c)
{
    return kh_call_offload(c, work);
}

static const struct kh_route routes[] = {
    {KH_POST, "/make", "make", make, KH_R_PUBLIC | KH_R_JSON, 0, "", NULL, "", "", NULL, NULL},
    {KH_POST, "/slow", "slow", slow, KH_R_PUBLIC | KH_R_JSON, 0, "", NULL, "", "", NULL, NULL},
    {KH_POST, "/finish", "finish", finish, KH_R_PUBLIC | KH_R_JSON, 0, "", NULL, "", "", NULL, NULL},
    {KH_POST, "/secret", "secret", make, KH_R_PUBLIC | KH_R_JSON | KH_R_SECRET, 0, "", NULL, "", "",
     NULL, NULL},
    {.handler = NULL},
};

/* Sealed or still to be sealed. */
static int64_t events(void)
{
    return fixture_ask(&sf, fixture_is_pg()
                                ? "SELECT (SELECT count(*) FROM event WHERE kind = 'test.effect') +"
                                  " (SELECT count(*) FROM event_inbox WHERE kind = 'test.effect')"
                                : "SELECT count(*) FROM event WHERE kind = 'test.effect'");
}

static int setup(void **state)
{
    (void)state;
    fixture_open(&sf);
    calls_open(routes);
    cf.city.store = sf.st;
    effects = 0;
    fail_at = FAIL_NOT;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kh_clock_set(0);
    calls_close();
    fixture_drop(&sf);
    return 0;
}

/* Status of a POST; the body of the reply goes to body (64 bytes). */
static int post(const char *path, const char *who, const char *key, const char *json, char *body)
{
    struct kh_call *c = call_new(KH_POST, path, who, json);
    int status;

    if (key)
        c->head.idempotency_key = kh_cstr(key);
    call_run(c);
    status = c->reply.status;
    if (body)
        snprintf(body, 64, "%.*s %.*s", KH_FMT(c->reply.body),
                 KH_FMT(reply_header_of(c, "Location")));
    if (status >= 500)
        print_error("%.*s %s\n", KH_FMT(c->reply.body), c->err.detail);
    kh_arena_drop(c->a);
    return status;
}

static void makes_one_effect_for_one_key(void **state)
{
    char first[64], again[64];

    (void)state;
    assert_int_equal(post("/make", "mai", "k1", "{\"a\":1}", first), 201);
    assert_int_equal(post("/make", "mai", "k1", "{\"a\":1}", again), 201);
    assert_string_equal(first, again);
    assert_string_equal(first, "{\"n\":1} /things/1");
    assert_int_equal(effects, 1);
    assert_int_equal(events(), 1);
    /* Another key, another path, another person, or none: another effect. */
    assert_int_equal(post("/make", "mai", "k2", "{\"a\":1}", NULL), 201);
    assert_int_equal(post("/make", "officer", "k1", "{\"a\":1}", NULL), 201);
    assert_int_equal(post("/slow", "mai", "k1", "{\"a\":1}", NULL), 201);
    assert_int_equal(post("/make", "mai", NULL, "{\"a\":1}", NULL), 201);
    assert_int_equal(effects, 5);
}

static void refuses_another_body_under_the_same_key(void **state)
{
    (void)state;
    assert_int_equal(post("/make", "mai", "k1", "{\"a\":1}", NULL), 201);
    assert_int_equal(post("/make", "mai", "k1", "{\"a\":2}", NULL), 422);
    assert_int_equal(post("/slow", "mai", "k1", "{\"a\":1}", NULL), 201);
    assert_int_equal(post("/slow", "mai", "k1", "{\"a\":2}", NULL), 422);
    assert_int_equal(post("/make", "mai", "", "{\"a\":2}", NULL), 400);
    assert_int_equal(effects, 2);
}

static void frees_the_key_of_a_refused_request(void **state)
{
    (void)state;
    fail_at = FAIL_EFFECT;
    assert_int_equal(post("/make", "mai", "k1", "{\"a\":1}", NULL), 422);
    assert_int_equal(post("/finish", "mai", "k1", "{\"a\":1}", NULL), 422);
    assert_int_equal(post("/slow", "mai", "k2", "{\"a\":1}", NULL), 422);
    fail_at = FAIL_NOT;
    assert_int_equal(post("/make", "mai", "k1", "{\"a\":9}", NULL), 201);
    assert_int_equal(post("/slow", "mai", "k2", "{\"a\":9}", NULL), 201);
    assert_int_equal(effects, 2);
}

static void forgets_after_a_day(void **state)
{
    (void)state;
    kh_clock_set(1800000000 * KH_US_S);
    assert_int_equal(post("/make", "mai", "k1", "{\"a\":1}", NULL), 201);
    kh_clock_add(KH_US_DAY - KH_US_S);
    assert_int_equal(post("/make", "mai", "k1", "{\"a\":1}", NULL), 201);
    assert_int_equal(effects, 1);
    kh_clock_add(2 * KH_US_S);
    assert_int_equal(post("/make", "mai", "k1", "{\"a\":2}", NULL), 201);
    assert_int_equal(effects, 2);
    kh_clock_add(2 * KH_US_DAY);
    assert_int_equal(post("/make", "mai", "k2", "{\"a\":2}", NULL), 201);
    assert_int_equal(fixture_ask(&sf, "SELECT count(*) FROM idempotency"), 1);
}

/* The server died when the effect was durable and the reply not sent. */
static void gives_a_lost_reply_again(void **state)
{
    const char *paths[] = {"/make", "/finish"};
    char again[64];

    (void)state;
    for (size_t i = 0; i < KH_LEN(paths); i++) {
        struct kh_call *c = call_new(KH_POST, paths[i], "mai", "{\"a\":1}");
        unsigned before = cf.resumed;

        c->head.idempotency_key = KH_S("k1");
        (void)kh_call_begin(c);
        assert_int_equal(kh_call_dispatch(c), KH_WAITING);
        pthread_mutex_lock(&cf.lock);
        while (cf.resumed == before)
            pthread_cond_wait(&cf.woken, &cf.lock);
        pthread_mutex_unlock(&cf.lock);
        kh_arena_drop(c->a);
        assert_int_equal(post(paths[i], "mai", "k1", "{\"a\":1}", again), 201);
        assert_string_equal(again, i ? "{\"n\":2} /things/1" : "{\"n\":1} /things/1");
        assert_int_equal(effects, i + 1);
        assert_int_equal(events(), i + 1);
    }
}

static void keeps_no_reply_of_a_write_that_was_not_made(void **state)
{
    char body[64];

    (void)state;
    fail_at = FAIL_COMMIT;
    assert_int_equal(post("/make", "mai", "k1", "{\"a\":1}", body), 503);
    assert_null(strstr(body, "/things/1"));
    assert_int_equal(post("/finish", "mai", "k1", "{\"a\":1}", body), 503);
    assert_null(strstr(body, "/things/1"));
    assert_int_equal(fixture_ask(&sf, "SELECT count(*) FROM idempotency"), 0);
    assert_int_equal(events(), 0);
    fail_at = FAIL_NOT;
    assert_int_equal(post("/make", "mai", "k1", "{\"a\":1}", NULL), 201);
    assert_int_equal(post("/finish", "mai", "k1", "{\"a\":1}", NULL), 201);
    assert_int_equal(events(), 2);
}

static bool forget_reply_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    (void)ctx;
    return kh_tx_script(tx, "UPDATE idempotency SET status = 0", err);
}

/* Long work was claimed before its effect, which may never have come: it may be tried again. */
static void lets_long_work_be_sent_again_when_the_server_died_in_it(void **state)
{
    struct kh_error err = {0};

    (void)state;
    kh_clock_set(1800000000 * KH_US_S);
    assert_int_equal(post("/slow", "mai", "k2", "{\"a\":1}", NULL), 201);
    assert_true(kh_store_run(sf.st, "lose", KH_TX_WRITE, forget_reply_in_tx, NULL, &err));
    assert_int_equal(post("/slow", "mai", "k2", "{\"a\":1}", NULL), 409);
    kh_clock_add(9 * KH_US_MIN);
    assert_int_equal(post("/slow", "mai", "k2", "{\"a\":1}", NULL), 409);
    kh_clock_add(2 * KH_US_MIN);
    assert_int_equal(post("/slow", "mai", "k2", "{\"a\":1}", NULL), 201);
    assert_int_equal(effects, 2);
}

static void keeps_nothing_where_a_secret_travels(void **state)
{
    (void)state;
    assert_int_equal(post("/secret", "mai", "k1", "{\"a\":1}", NULL), 201);
    assert_int_equal(fixture_ask(&sf, "SELECT count(*) FROM idempotency"), 0);
    assert_int_equal(post("/secret", "mai", "k1", "{\"a\":1}", NULL), 201);
    assert_int_equal(effects, 2);
}

enum { RACERS = 8 };

struct racer {
    struct kh_call *c;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool woken;
};

static struct racer racers[RACERS];

static void racer_resume(struct kh_call *c)
{
    struct racer *r = NULL;

    for (size_t i = 0; i < RACERS; i++)
        if (racers[i].c == c)
            r = &racers[i];
    pthread_mutex_lock(&r->lock);
    r->woken = true;
    pthread_cond_signal(&r->cond);
    pthread_mutex_unlock(&r->lock);
}

static const struct kh_call_ops racer_ops = {racer_resume, fixture_header, racer_resume};

static void *race(void *arg)
{
    struct racer *r = arg;
    enum kh_next next;

    (void)kh_call_begin(r->c);
    next = kh_call_dispatch(r->c);
    while (next == KH_WAITING) {
        pthread_mutex_lock(&r->lock);
        while (!r->woken)
            pthread_cond_wait(&r->cond, &r->lock);
        r->woken = false;
        pthread_mutex_unlock(&r->lock);
        next = kh_call_continue(r->c);
    }
    return NULL;
}

static void lets_one_of_many_at_once_through(void **state)
{
    pthread_t t[RACERS];

    (void)state;
    for (size_t i = 0; i < RACERS; i++) {
        struct kh_call *c = call_new(KH_POST, "/make", "mai", "{\"a\":1}");

        c->ops = &racer_ops;
        c->head.idempotency_key = KH_S("same");
        racers[i] = (struct racer){.c = c};
        pthread_mutex_init(&racers[i].lock, NULL);
        pthread_cond_init(&racers[i].cond, NULL);
    }
    for (size_t i = 0; i < RACERS; i++)
        assert_int_equal(pthread_create(&t[i], NULL, race, &racers[i]), 0);
    for (size_t i = 0; i < RACERS; i++) {
        pthread_join(t[i], NULL);
        assert_int_equal(racers[i].c->reply.status, 201);
        kh_arena_drop(racers[i].c->a);
    }
    assert_int_equal(effects, 1);
    assert_int_equal(events(), 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(makes_one_effect_for_one_key),
        T(refuses_another_body_under_the_same_key),
        T(frees_the_key_of_a_refused_request),
        T(forgets_after_a_day),
        T(gives_a_lost_reply_again),
        T(keeps_no_reply_of_a_write_that_was_not_made),
        T(lets_long_work_be_sent_again_when_the_server_died_in_it),
        T(keeps_nothing_where_a_secret_travels),
        T(lets_one_of_many_at_once_through),
    };
#undef T

    return cmocka_run_group_tests(tests, NULL, NULL);
}
