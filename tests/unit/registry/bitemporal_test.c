/* SPDX-License-Identifier: Apache-2.0 */
/* Two times: when something was true, and when it was known. A model that keeps every state of
 * knowledge as a plain list is the truth; the registry must say the same for every pair of instants. */
#include "world.h"

#include "engine/registry/registry_int.h"
#include "store/event.h"

#include <stdio.h>
#include <stdlib.h>

static const char thing[] =
    "{'type':'object','x-kh':{'sensitivity':'public'},"
    "'properties':{'a':{'type':'integer','x-kh':{'index':true}},'b':{'type':'integer'}}}";

enum { STEPS = 40, PIECES = 64 };

struct piece {
    int64_t from, to;
    int a, b;
};

/* What was known since `known`. */
struct state {
    int64_t known;
    struct piece p[PIECES];
    int n;
};

struct model {
    struct state s[STEPS + 2];
    int n;
};

static struct state *next_state(struct model *m, int64_t now)
{
    struct state *s = &m->s[m->n];

    *s = m->s[m->n - 1];
    s->known = now;
    m->n++;
    return s;
}

static void put(struct state *s, int64_t from, int64_t to, int a, int b)
{
    if (from < to)
        s->p[s->n++] = (struct piece){from, to, a, b};
    assert_true(s->n < PIECES);
}

static bool model_change(struct model *m, int64_t now, int64_t at, int a)
{
    struct state old = m->s[m->n - 1], *s;
    bool found = false;

    for (int i = 0; i < old.n; i++)
        found = found || (old.p[i].from <= at && at < old.p[i].to);
    if (!found)
        return false;
    s = next_state(m, now);
    s->n = 0;
    for (int i = 0; i < old.n; i++) {
        struct piece p = old.p[i];

        if (p.from <= at && at < p.to) {
            put(s, p.from, at, p.a, p.b);
            put(s, at, p.to, a, p.b);
        } else {
            put(s, p.from, p.to, p.a, p.b);
        }
    }
    return true;
}

static int64_t begin_of(const struct state *s)
{
    int64_t from = INT64_MAX;

    for (int i = 0; i < s->n; i++)
        from = s->p[i].from < from ? s->p[i].from : from;
    return from;
}

static void model_correct(struct model *m, int64_t now, int64_t at, int b)
{
    struct state old = m->s[m->n - 1], *s = next_state(m, now);
    int64_t begin = begin_of(&old);

    s->n = 0;
    for (int i = 0; i < old.n; i++) {
        struct piece p = old.p[i];

        if (p.from == begin && at < begin)
            put(s, at, begin, p.a, b);
        if (p.to <= at) {
            put(s, p.from, p.to, p.a, p.b);
            continue;
        }
        put(s, p.from, at > p.from ? at : p.from, p.a, p.b);
        put(s, at > p.from ? at : p.from, p.to, p.a, b);
    }
}

static bool model_close(struct model *m, int64_t now, int64_t at)
{
    struct state old = m->s[m->n - 1], *s;
    int64_t end = 0;

    for (int i = 0; i < old.n; i++)
        end = old.p[i].to > end ? old.p[i].to : end;
    if (end <= at)
        return false;
    if (at <= begin_of(&old))
        at = begin_of(&old) + 1;
    s = next_state(m, now);
    s->n = 0;
    for (int i = 0; i < old.n; i++)
        put(s, old.p[i].from, old.p[i].to < at ? old.p[i].to : at, old.p[i].a, old.p[i].b);
    return true;
}

static const struct piece *model_ask(const struct model *m, int64_t valid, int64_t at)
{
    const struct state *s = NULL;

    for (int i = 0; i < m->n; i++)
        if (m->s[i].known <= at)
            s = &m->s[i];
    for (int i = 0; s && i < s->n; i++)
        if (s->p[i].from <= valid && valid < s->p[i].to)
            return &s->p[i];
    return NULL;
}

/* For the one who reads a failure. */
static bool dump(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct world *w = ((void **)ctx)[0];
    int64_t id = *(int64_t *)((void **)ctx)[1];
    struct kh_rversion *v;
    struct kh_rrow h;
    size_t n;

    if (kh_rtable_head(tx, type_named(w, "thing")->table, w->a, id, &h, err) != KH_HIT ||
        !kh_version_sql_all(tx, w->a, id, false, &v, &n, err))
        return false;
#define HOURS(us) ((us) == KH_FOREVER ? 999 : (int)(((us) - T0) / KH_US_H))
    fprintf(stderr, "# head rev %d srev %d [%d,%d) known %d %.*s\n", (int)h.rev, (int)h.srev,
            HOURS(h.valid_from), HOURS(h.valid_to), HOURS(h.recorded_us), KH_FMT(h.data));
    for (size_t i = 0; i < n; i++)
        fprintf(stderr, "#  seg %d rev %d by %d dead %d [%d,%d was %d cut %d) known [%d,%d) %.*s%s\n",
                (int)v[i].seg, (int)v[i].rev, (int)v[i].by_rev, (int)v[i].dead_rev,
                HOURS(v[i].valid_from), HOURS(v[i].valid_to), HOURS(v[i].was_to),
                v[i].cut_us ? HOURS(v[i].cut_us) : -1, HOURS(v[i].recorded_from),
                HOURS(v[i].recorded_to), KH_FMT(v[i].data), v[i].head ? " head" : "");
    return true;
}

static void explain(struct world *w, int64_t id)
{
    void *ctx[2] = {w, &id};
    struct kh_error err = {0};

    (void)!kh_store_run(w->f.st, "dump", KH_TX_READ, dump, ctx, &err);
}

static void compare(struct world *w, const struct model *m, int64_t id, int64_t valid, int64_t at)
{
    const struct piece *p = model_ask(m, valid, at ? at : kh_now_us());
    struct kh_record r;
    char want[60];
    enum kh_hit hit = get(w, "thing", id, valid, at, &r);

    if (hit != (p ? KH_HIT : KH_MISS)) {
        fprintf(stderr, "# valid=%lld at=%lld: %d, should be %s\n", (long long)(valid - T0),
                (long long)(at ? at - T0 : 0), hit, p ? "there" : "absent");
        explain(w, id);
        fail();
    }
    if (!p)
        return;
    snprintf(want, sizeof(want), "{\"a\":%d,\"b\":%d}", p->a, p->b);
    if (!kh_str_is(r.data, want)) {
        fprintf(stderr, "# valid=%lld at=%lld: %.*s, should be %s\n", (long long)(valid - T0),
                (long long)(at ? at - T0 : 0), KH_FMT(r.data), want);
        explain(w, id);
        fail();
    }
    assert_true(r.valid_from_us <= valid && valid < r.valid_to_us);
    assert_true(at == 0 || r.recorded_us <= at);
}


static unsigned rnd(unsigned *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 8;
}

/* Steps of an hour; instants of validity from 30 hours before to 30 hours after the beginning. */
static void live(struct world *w, unsigned seed)
{
    struct model *m = test_calloc(1, sizeof(*m));
    struct kh_record r;
    char json[80];

    snprintf(json, sizeof(json), "{'a':0,'b':0,'meta':{'valid_from':'2026-09-10T00:26:40Z'}}");
    assert_true(create(w, "thing", NULL, json, &r));
    m->n = 1;
    m->s[0].known = kh_now_us();
    put(&m->s[0], T0, KH_FOREVER, 0, 0);
    for (int step = 1; step <= STEPS; step++) {
        int64_t now, at;
        unsigned what = rnd(&seed) % 10;

        kh_clock_add(KH_US_H);
        now = kh_now_us();
        at = T0 + ((int64_t)(rnd(&seed) % 60) - 20) * KH_US_H;
        if (what < 3) { /* now */
            snprintf(json, sizeof(json), "{'a':%d}", step);
            assert_int_equal(change(w, "thing", NULL, r.id, json, NULL),
                             model_change(m, now, now, step));
        } else if (what < 6) { /* late or planned */
            struct kh_write how = {.who = &w->system, .valid_from_us = at};

            snprintf(json, sizeof(json), "{'a':%d}", step);
            assert_int_equal(change_as(w, "thing", r.id, json, true, &how, NULL),
                             model_change(m, now, at, step));
        } else if (what < 9) {
            snprintf(json, sizeof(json), "{'b':%d}", step);
            assert_true(correct(w, "thing", r.id, json, "wrong before", at, NULL));
            model_correct(m, now, at, step);
        } else if (rnd(&seed) % 3 == 0) {
            assert_int_equal(close_record(w, "thing", NULL, r.id, at, NULL),
                             model_close(m, now, at));
        }
        if (rnd(&seed) % 4 == 0) {
            struct kh_error err = {0};

            assert_true(kh_registry_tick(w->reg, &err));
        }
        compare(w, m, r.id, now, 0);
    }
    for (int v = -30; v < 60; v += 2)
        for (int k = -1; k < STEPS + 2; k += 3)
            compare(w, m, r.id, T0 + v * KH_US_H + 7, T0 + k * KH_US_H + 5);
    for (int v = -30; v < 60; v++)
        compare(w, m, r.id, T0 + v * KH_US_H, 0);
    test_free(m);
}

static void says_what_held_and_what_was_known_at_every_instant(void **state)
{
    struct world *w = *state;

    assert_true(put_type(w, "thing", thing));
    for (unsigned seed = 1; seed <= 12; seed++) {
        kh_clock_set(T0);
        live(w, seed * 7919);
    }
}

static void a_planned_change_takes_effect_by_itself(void **state)
{
    struct world *w = *state;
    struct kh_write how = {.who = &w->system, .valid_from_us = T0 + KH_US_DAY};
    struct kh_filter two = {KH_STR_INIT("a"), KH_F_EQ, KH_STR_INIT("2")};
    struct kh_error err = {0};
    struct kh_record r, got;
    struct kh_page p;

    assert_true(put_type(w, "thing", thing));
    assert_true(create(w, "thing", NULL, "{'a':1,'b':0}", &r));
    assert_true(change_as(w, "thing", r.id, "{'a':2}", true, &how, &got));
    assert_int_equal(got.revision, 2);
    assert_int_equal(get(w, "thing", r.id, 0, 0, &got), KH_HIT);
    assert_true(has(got.data, "\"a\":1"));
    assert_int_equal(got.valid_to_us, T0 + KH_US_DAY);
    assert_int_equal(get(w, "thing", r.id, T0 + KH_US_DAY, 0, &got), KH_HIT);
    assert_true(has(got.data, "\"a\":2"));
    kh_clock_set(T0 + KH_US_DAY + 1);
    /* Reading one is right at once; lists follow with the next tick, also after a restart. */
    assert_int_equal(get(w, "thing", r.id, 0, 0, &got), KH_HIT);
    assert_true(has(got.data, "\"a\":2"));
    world_reopen(w);
    assert_true(kh_registry_tick(w->reg, &err));
    assert_true(list(w, "thing", &(struct kh_list){.filters = &two, .filters_n = 1}, &p));
    assert_int_equal(p.n, 1);
    assert_int_equal(p.items[0].id, r.id);
    assert_int_equal(get(w, "thing", r.id, T0, 0, &got), KH_HIT);
    assert_true(has(got.data, "\"a\":1"));
    assert_int_equal(get(w, "thing", r.id, T0 + KH_US_DAY, T0 - 1, &got), KH_MISS);
}

static void an_end_in_the_future_comes_by_itself(void **state)
{
    struct world *w = *state;
    struct kh_error err = {0};
    struct kh_record r, got;
    struct kh_page p;

    assert_true(put_type(w, "thing", thing));
    assert_true(create(w, "thing", NULL, "{'a':1,'b':0}", &r));
    assert_true(close_record(w, "thing", NULL, r.id, T0 + KH_US_H, NULL));
    assert_int_equal(get(w, "thing", r.id, 0, 0, &got), KH_HIT);
    kh_clock_set(T0 + KH_US_H);
    assert_int_equal(get(w, "thing", r.id, 0, 0, &got), KH_MISS);
    assert_true(list(w, "thing", &(struct kh_list){0}, &p));
    assert_int_equal(p.n, 0);
    assert_true(kh_registry_tick(w->reg, &err));
    assert_int_equal(get(w, "thing", r.id, T0 + 1, 0, &got), KH_HIT);
    assert_false(change(w, "thing", NULL, r.id, "{'a':3}", NULL));
    assert_int_equal(w->err.code, KH_EC_RECORD_CLOSED);
    assert_false(close_record(w, "thing", NULL, r.id, 0, NULL));
    assert_int_equal(w->err.code, KH_EC_RECORD_CLOSED);
    /* The past of a closed record can still have been wrong. */
    assert_true(correct(w, "thing", r.id, "{'b':9}", "typing error", 0, NULL));
    assert_int_equal(get(w, "thing", r.id, T0 + 1, 0, &got), KH_HIT);
    assert_true(has(got.data, "\"b\":9"));
    assert_int_equal(get(w, "thing", r.id, 0, 0, &got), KH_MISS);
}

static void a_correction_needs_its_reason(void **state)
{
    struct world *w = *state;
    struct kh_record r;

    assert_true(put_type(w, "thing", thing));
    assert_true(create(w, "thing", NULL, "{'a':1}", &r));
    assert_false(correct(w, "thing", r.id, "{'a':2}", "", 0, NULL));
    assert_int_equal(w->err.code, KH_EC_REASON_REQUIRED);
    assert_false(correct(w, "thing", r.id, "{'a':2}", " \t ", 0, NULL));
    assert_int_equal(w->err.code, KH_EC_REASON_REQUIRED);
}

static void a_clock_that_goes_back_breaks_no_order(void **state)
{
    struct world *w = *state;
    struct kh_record r, got;

    assert_true(put_type(w, "thing", thing));
    assert_true(create(w, "thing", NULL, "{'a':1}", &r));
    kh_clock_set(T0 - KH_US_H);
    assert_true(change(w, "thing", NULL, r.id, "{'a':2}", &got));
    assert_true(got.recorded_us >= T0);
    assert_int_equal(get(w, "thing", r.id, T0, 0, &got), KH_HIT);
    assert_true(has(got.data, "\"a\":2"));
}

struct past {
    struct world *w;
    int64_t id;
    struct kh_revision *revs;
    size_t n;
};

static bool read_history(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct past *p = ctx;

    return kh_record_history(tx, p->w->reg, p->w->a, type_named(p->w, "thing"), p->id, 0, 50,
                             &p->revs, &p->n, err);
}

static void history_tells_each_revision_and_what_it_changed(void **state)
{
    struct world *w = *state;
    struct past p = {.w = w};
    struct kh_error err = {0};
    struct kh_record r;

    assert_true(put_type(w, "thing", thing));
    assert_true(create(w, "thing", NULL, "{'a':1,'b':1}", &r));
    kh_clock_add(KH_US_H);
    assert_true(change(w, "thing", NULL, r.id, "{'a':2}", NULL));
    kh_clock_add(KH_US_H);
    assert_true(correct(w, "thing", r.id, "{'b':7}", "counted anew", T0, NULL));
    kh_clock_add(KH_US_H);
    assert_true(close_record(w, "thing", NULL, r.id, 0, NULL));
    p.id = r.id;
    /* On PostgreSQL events become visible a moment after their commit. */
    for (int i = 0; p.n < 4 && i < 2000; i++)
        if (!kh_store_run(w->f.st, "history", KH_TX_READ, read_history, &p, &err)) {
            fprintf(stderr, "# %s\n", err.detail);
            fail();
        }
    assert_int_equal(p.n, 4);
    assert_int_equal(p.revs[0].revision, 4);
    assert_true(kh_str_is(p.revs[0].kind, "record.close"));
    assert_true(kh_str_is(p.revs[1].kind, "record.correct"));
    assert_true(kh_str_is(p.revs[1].reason, "counted anew"));
    assert_int_equal(kh_json_int(p.revs[1].before, "b", 0), 1);
    assert_int_equal(kh_json_int(p.revs[1].after, "b", 0), 7);
    assert_true(kh_str_is(p.revs[2].kind, "record.update"));
    assert_int_equal(kh_json_int(p.revs[2].before, "a", 0), 1);
    assert_int_equal(kh_json_int(p.revs[2].after, "a", 0), 2);
    assert_null(p.revs[3].before);
    assert_int_equal(kh_json_int(p.revs[3].after, "a", 0), 1);
    assert_int_equal(p.revs[3].recorded_us, T0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(says_what_held_and_what_was_known_at_every_instant),
        T(a_planned_change_takes_effect_by_itself),
        T(an_end_in_the_future_comes_by_itself),
        T(a_correction_needs_its_reason),
        T(a_clock_that_goes_back_breaks_no_order),
        T(history_tells_each_revision_and_what_it_changed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
