/* SPDX-License-Identifier: Apache-2.0 */
#include "call_fixture.h"

#include "store_fixture.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static struct store_fixture sf;
static struct kh_hub *hub;
static struct kh_call *calls[8];
static size_t calls_n;
static int64_t made;

static int open_with(size_t ring)
{
    struct kh_error err = {0};

    fixture_open(&sf);
    memset(&cf, 0, sizeof(cf));
    pthread_mutex_init(&cf.lock, NULL);
    pthread_cond_init(&cf.woken, NULL);
    calls_n = 0;
    made = 0;
    return kh_hub_open(sf.st, ring, &hub, &err) ? 0 : -1;
}

static int setup(void **state)
{
    (void)state;
    return open_with(64);
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < calls_n; i++) {
        if (calls[i]->reply.stream)
            calls[i]->reply.stream->close(calls[i]->reply.stream);
        kh_arena_drop(calls[i]->a);
    }
    kh_hub_close(hub);
    pthread_cond_destroy(&cf.woken);
    pthread_mutex_destroy(&cf.lock);
    fixture_drop(&sf);
    return 0;
}

struct change {
    int n, level;
    int64_t owner, about;
    const char *unit;
};

static bool change_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    const struct change *ch = ctx;

    for (int i = 0; i < ch->n; i++) {
        struct kh_event e = {.kind = KH_S("record.create"),
                             .type = KH_S("report"),
                             .subject = 100 + i,
                             .about = ch->about,
                             .unit = kh_cstr(ch->unit),
                             .owner = ch->owner,
                             .level = ch->level,
                             .actor = KH_S("account:secret"),
                             .data = KH_S("{\"x\":1}")};

        if (!kh_event_append(tx, &e, err))
            return false;
    }
    return true;
}

static void change(int n, int level, const char *unit, int64_t owner, int64_t about)
{
    struct change ch = {n, level, owner, about, unit};
    struct kh_error err = {0};

    assert_true(kh_store_run(sf.st, "change", KH_TX_WRITE, change_in_tx, &ch, &err));
    made += n;
    /* PostgreSQL seals a moment after the commit. */
    for (int64_t until = kh_mono_us() + 5 * KH_US_S; kh_event_head(sf.st) < made;) {
        assert_true(kh_mono_us() < until);
        sched_yield();
    }
}

static struct kh_stream *stream_for(const struct kh_who *who, int64_t about, int64_t after)
{
    struct kh_call *c = call_new(KH_GET, "/api/v1/events", NULL, NULL);
    struct kh_sight s = kh_sight_of(who);

    s.about = about;
    c->reply.stream = kh_hub_stream(hub, c, &s, after);
    calls[calls_n++] = c;
    return c->reply.stream;
}

/* Wait until the hub has woken somebody since `before`, at most two seconds. */
static bool wait_for_wake(unsigned before)
{
    struct timespec until;
    bool woken;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 2;
    pthread_mutex_lock(&cf.lock);
    while (cf.resumed == before && pthread_cond_timedwait(&cf.woken, &cf.lock, &until) == 0)
        ;
    woken = cf.resumed != before;
    pthread_mutex_unlock(&cf.lock);
    return woken;
}

static unsigned wakes(void)
{
    unsigned n;

    pthread_mutex_lock(&cf.lock);
    n = cf.resumed;
    pthread_mutex_unlock(&cf.lock);
    return n;
}

/* Read, seven bytes at a time as a slow client does, until `want` is there; NULL: what is there. */
static const char *read_until(struct kh_stream *s, const char *want)
{
    static char text[1 << 20];
    size_t n = 0;

    for (;;) {
        unsigned before = wakes();
        size_t got = s->read(s, text + n, 7);

        assert_true(got != KH_STREAM_END && n + got < sizeof(text) - 8);
        n += got;
        text[n] = 0;
        if (got == 0 && (!want || strstr(text, want) || !wait_for_wake(before)))
            return text;
    }
}

static void shows_each_what_it_may_see(void **state)
{
    struct kh_stream *everybody = stream_for(&kh_who_public, 0, -1), *mai, *officer, *admin;
    const char *t;

    (void)state;
    mai = stream_for(&people[0], 0, -1);
    officer = stream_for(&people[1], 0, -1);
    admin = stream_for(&people[2], 0, -1);
    change(1, 0, "H26.7", 0, 0);    /* 1: public, elsewhere */
    change(1, 1, "H26.19.5", 0, 0); /* 2: internal, in the officer's unit */
    change(1, 1, "H26.199", 0, 0);  /* 3: internal, a unit with a like name */
    change(1, 2, "H26.19", 7, 0);   /* 4: personal, of mai */
    change(1, 2, "H26.19", 999, 0); /* 5: personal, of somebody */
    change(1, 0, "H26.19", 0, 0);   /* 6 */
    t = read_until(everybody, "id: 6\n");
    assert_non_null(strstr(t, "id: 1\ndata: {\"seq\":1,"));
    assert_null(strstr(t, "id: 2\n"));
    assert_null(strstr(t, "id: 4\n"));
    assert_null(strstr(t, "secret"));
    t = read_until(mai, "id: 6\n");
    assert_non_null(strstr(t, "id: 4\n"));
    assert_null(strstr(t, "id: 5\n"));
    assert_null(strstr(t, "secret"));
    t = read_until(officer, "id: 6\n");
    assert_non_null(strstr(t, "id: 2\n"));
    assert_non_null(strstr(t, "\"by\":\"account:secret\""));
    assert_null(strstr(t, "id: 3\n"));
    assert_null(strstr(t, "id: 4\n"));
    t = read_until(admin, "id: 6\n");
    for (int i = 1; i <= 6; i++) {
        char id[32];

        snprintf(id, sizeof(id), "id: %d\n", i);
        assert_non_null(strstr(t, id));
    }
}

static void follows_one_case(void **state)
{
    struct kh_stream *s = stream_for(&kh_who_public, 5000, -1);
    const char *t;

    (void)state;
    change(3, 0, "", 0, 0);
    change(1, 0, "", 0, 5000);
    t = read_until(s, "id: 4\n");
    assert_null(strstr(t, "id: 1\n"));
    assert_null(strstr(t, "id: 3\n"));
}

static void goes_on_after_the_last_seen(void **state)
{
    const char *t;

    (void)state;
    change(5, 0, "", 0, 0);
    t = read_until(stream_for(&kh_who_public, 0, 3), "id: 5\n");
    assert_non_null(strstr(t, "id: 4\n"));
    assert_null(strstr(t, "id: 3\n"));
    assert_null(strstr(t, "resync"));
}

/* The screen read its data, then something happened, then its stream opened. */
static void begins_with_what_happened_a_moment_ago(void **state)
{
    const char *t;

    (void)state;
    change(3, 0, "", 0, 0);
    t = read_until(stream_for(&kh_who_public, 0, kh_hub_ago(hub, 1)), "id: 3\n");
    assert_non_null(strstr(t, "id: 1\n"));
    assert_null(strstr(t, "resync"));
}

static void tells_a_slow_reader_to_load_again(void **state)
{
    struct kh_stream *slow = stream_for(&kh_who_public, 0, -1), *quick;
    const char *t;

    (void)state;
    quick = stream_for(&kh_who_public, 0, -1);
    for (int i = 0; i < 10; i++) {
        char last[32];

        change(20, 0, "", 0, 0);
        snprintf(last, sizeof(last), "id: %d\n", 20 * (i + 1));
        assert_non_null(strstr(read_until(quick, last), last));
    }
    t = read_until(slow, "resync");
    assert_non_null(strstr(t, "event: resync\ndata: {\"kind\":\"resync\",\"head\":200}\n\n"));
    change(1, 0, "", 0, 0);
    assert_non_null(strstr(read_until(slow, "id: 201\n"), "id: 201\n"));
}

static void tells_a_reader_from_another_history_to_load_again(void **state)
{
    (void)state;
    change(2, 0, "", 0, 0);
    assert_non_null(strstr(read_until(stream_for(&kh_who_public, 0, 777), NULL), "\"head\":2}"));
}

static void loses_nothing_between_readers(void **state)
{
    struct kh_stream *s;

    (void)state;
    s = stream_for(&kh_who_public, 0, -1);
    change(1, 0, "", 0, 0);
    assert_non_null(strstr(read_until(s, "id: 1\n"), "id: 1\n"));
    s->close(s);
    calls[0]->reply.stream = NULL;
    change(3, 0, "", 0, 0); /* nobody looks */
    s = stream_for(&kh_who_public, 0, 1);
    assert_non_null(strstr(read_until(s, "id: 4\n"), "id: 2\n"));
}

static void beats_once_when_there_is_nothing_to_say(void **state)
{
    struct kh_stream *s = stream_for(&kh_who_public, 0, -1);
    char room[4096];
    size_t n;

    (void)state;
    n = s->read(s, room, sizeof(room));
    assert_memory_equal(room, "retry: 3000\n\n", n);
    assert_int_equal(s->read(s, room, sizeof(room)), KH_STREAM_IDLE);
    kh_hub_pace(hub, 20000, KH_US_H);
    for (int64_t start = kh_mono_us(); kh_mono_us() - start < 20000;)
        sched_yield();
    assert_int_equal(s->read(s, room, sizeof(room)), 3);
    assert_memory_equal(room, ":\n\n", 3);
    assert_int_equal(s->read(s, room, sizeof(room)), KH_STREAM_IDLE);
}

static void ends_so_that_rights_are_asked_anew(void **state)
{
    struct kh_stream *s = stream_for(&kh_who_public, 0, -1);
    char room[64];

    (void)state;
    assert_int_equal(s->read(s, room, sizeof(room)), 13);
    kh_hub_pace(hub, KH_US_H, 0);
    assert_true(s->read(s, room, sizeof(room)) == KH_STREAM_END);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(shows_each_what_it_may_see),
        T(follows_one_case),
        T(goes_on_after_the_last_seen),
        T(begins_with_what_happened_a_moment_ago),
        T(tells_a_slow_reader_to_load_again),
        T(tells_a_reader_from_another_history_to_load_again),
        T(loses_nothing_between_readers),
        T(beats_once_when_there_is_nothing_to_say),
        T(ends_so_that_rights_are_asked_anew),
    };
#undef T

    return cmocka_run_group_tests(tests, NULL, NULL);
}
