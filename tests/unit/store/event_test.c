/* SPDX-License-Identifier: Apache-2.0 */
#include "store_fixture.h"

#include "base/time.h"
#include "store/event_chain.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct store_fixture f;
static struct kh_arena *a;

static int setup(void **state)
{
    (void)state;
    a = kh_arena_new((size_t)64 << 20);
    fixture_open(&f);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kh_clock_set(0);
    fixture_drop(&f);
    kh_arena_drop(a);
    return 0;
}

/* ---- appending ---- */

struct some {
    int64_t subject;
    unsigned n;
    bool fail;
    const char *type; /* else report */
    bool of_itself;   /* about its own subject, as what is of a record is */
};

static bool append(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    const struct some *s = ctx;

    for (unsigned i = 0; i < s->n; i++) {
        struct kh_event e = {.kind = KH_S("record.create"),
                             .type = s->type ? kh_cstr(s->type) : KH_S("report"),
                             .subject = s->subject,
                             .about = s->of_itself ? s->subject : 500 + s->subject % 2,
                             .unit = KH_S("H26.19"),
                             .owner = 7,
                             .level = 2,
                             .actor = KH_S("account:1"),
                             .reason = KH_S("vì vậy"),
                             .after = {1, 2, 3},
                             .data = KH_S("{\"a\":1}")};

        if (!kh_event_append(tx, &e, err))
            return false;
    }
    return !s->fail || kh_fail(err, KH_EC_BODY_INVALID, "as told");
}

static void add(struct kh_store *st, int64_t subject, unsigned n)
{
    struct some s = {.subject = subject, .n = n};
    struct kh_error err = {0};

    assert_true(kh_store_run(st, "append", KH_TX_WRITE, append, &s, &err));
}

/* ---- looking ---- */

struct look {
    int64_t id, after;
    size_t limit;
    struct kh_event *events;
    size_t n;
};

static bool read_all(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct look *l = ctx;

    if (l->id)
        return kh_event_of(tx, a, l->id, l->after, l->limit, &l->events, &l->n, err);
    return kh_event_read(tx, a, l->after, l->limit, &l->events, &l->n, err);
}

static struct look look(int64_t id, int64_t after, size_t limit)
{
    struct look l = {.id = id, .after = after, .limit = limit};
    struct kh_error err = {0};

    fixture_settle(&f);
    assert_true(kh_store_run(f.st, "look", KH_TX_READ, read_all, &l, &err));
    return l;
}

static struct kh_verify_issue *issues;
static size_t issues_n;

static size_t verify(void)
{
    struct kh_error err = {0};
    int64_t events;

    fixture_settle(&f);
    if (!kh_event_verify(f.st, a, NULL, NULL, &issues, &issues_n, &events, &err))
        fail_msg("%s", err.detail);
    return issues_n;
}

static bool found(int64_t seq, const char *what)
{
    for (size_t i = 0; i < issues_n; i++)
        if (issues[i].seq == seq && kh_str_is(issues[i].what, what))
            return true;
    for (size_t i = 0; i < issues_n; i++)
        print_message("# issue %lld %.*s: %.*s\n", (long long)issues[i].seq, KH_FMT(issues[i].what),
                      KH_FMT(issues[i].detail));
    return false;
}

/* Somebody with the rights of an administrator of the database. */
static void tamper(const char *sql)
{
    if (fixture_is_pg())
        fixture_tamper(&f, "ALTER TABLE event DISABLE TRIGGER USER;"
                           "ALTER TABLE checkpoint DISABLE TRIGGER USER");
    else
        fixture_tamper(&f, "DROP TRIGGER IF EXISTS event_no_update;"
                           "DROP TRIGGER IF EXISTS event_no_delete;"
                           "DROP TRIGGER IF EXISTS checkpoint_no_update;"
                           "DROP TRIGGER IF EXISTS checkpoint_no_delete");
    fixture_tamper(&f, sql);
}

/* ---- tests ---- */

static void numbers_events_without_gaps(void **state)
{
    struct look l;

    (void)state;
    add(f.st, 1, 2);
    add(f.st, 2, 3);
    l = look(0, 0, 100);
    assert_int_equal(l.n, 5);
    for (size_t i = 0; i < l.n; i++)
        assert_int_equal(l.events[i].seq, (int64_t)i + 1);
    assert_int_equal(kh_event_head(f.st), 5);
    assert_true(kh_str_is(l.events[0].reason, "vì vậy"));
    assert_true(kh_str_is(l.events[4].data, "{\"a\":1}"));
    assert_int_equal(l.events[4].after[2], 3);
    assert_int_equal(l.events[4].before[0], 0);
    assert_true(l.events[0].at_us > 0);
}

static void gives_numbers_back_when_a_change_fails(void **state)
{
    struct some bad = {.subject = 9, .n = 4, .fail = true};
    struct kh_error err = {0};

    (void)state;
    add(f.st, 1, 1);
    assert_false(kh_store_run(f.st, "bad", KH_TX_WRITE, append, &bad, &err));
    add(f.st, 2, 1);
    assert_int_equal(look(0, 0, 100).n, 2);
    assert_int_equal(kh_event_head(f.st), 2);
    assert_int_equal(verify(), 0);
}

static void finds_the_events_of_one_case(void **state)
{
    struct look l;

    (void)state;
    for (int64_t i = 1; i <= 10; i++)
        add(f.st, i, 2);
    l = look(3, 0, 100);
    assert_int_equal(l.n, 2);
    assert_int_equal(l.events[0].seq, 5);
    l = look(501, 0, 100);
    assert_int_equal(l.n, 10);
    l = look(501, l.events[3].seq, 4);
    assert_int_equal(l.n, 4);
    assert_true(l.events[0].seq < l.events[3].seq);
    assert_int_equal(l.events[0].about, 501);
}

static void finds_once_what_is_about_its_own_subject(void **state)
{
    struct some own = {.subject = 42, .n = 3, .of_itself = true};
    struct kh_error err = {0};
    struct look l;

    (void)state;
    add(f.st, 41, 1);
    assert_true(kh_store_run(f.st, "append", KH_TX_WRITE, append, &own, &err));
    l = look(42, 0, 10);
    assert_int_equal(l.n, 3);
    l = look(42, l.events[0].seq, 10);
    assert_int_equal(l.n, 2);
}

struct typed {
    int64_t after, to;
    size_t limit, n;
    struct kh_event *events;
};

static bool read_typed(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct typed *t = ctx;

    return kh_event_read_typed(tx, a, KH_S("tree"), t->after, t->limit, &t->events, &t->n, &t->to,
                               err);
}

static void reads_the_events_of_one_type_and_says_how_far_it_looked(void **state)
{
    struct some trees = {.subject = 9, .n = 2, .type = "tree"};
    struct typed t = {.limit = 4};
    struct kh_error err = {0};
    int64_t first;

    (void)state;
    fixture_settle(&f);
    first = kh_event_head(f.st);
    add(f.st, 1, 3);
    assert_true(kh_store_run(f.st, "append", KH_TX_WRITE, append, &trees, &err));
    add(f.st, 2, 2);
    fixture_settle(&f);
    t.after = first;
    assert_true(kh_store_run(f.st, "typed", KH_TX_READ, read_typed, &t, &err));
    assert_int_equal(t.n, 1); /* the fourth; the fifth is not among the next four */
    assert_int_equal(t.events[0].seq, first + 4);
    assert_int_equal(t.to, first + 4);
    assert_true(kh_str_is(t.events[0].type, "tree") && kh_str_is(t.events[0].data, "{\"a\":1}"));
    t.after = t.to;
    assert_true(kh_store_run(f.st, "typed", KH_TX_READ, read_typed, &t, &err));
    assert_int_equal(t.n, 1);
    assert_int_equal(t.to, first + 7); /* the end of the log */
    t.after = t.to;
    assert_true(kh_store_run(f.st, "typed", KH_TX_READ, read_typed, &t, &err));
    assert_int_equal(t.n, 0);
    assert_int_equal(t.to, t.after);
}

static void the_chain_verifies_across_reopening(void **state)
{
    (void)state;
    add(f.st, 1, 5);
    fixture_reopen(&f);
    add(f.st, 2, 5);
    fixture_reopen(&f);
    assert_int_equal(kh_event_head(f.st), 10);
    assert_int_equal(verify(), 0);
}

static void verification_reads_more_than_one_page(void **state)
{
    (void)state;
    for (int i = 0; i < 21; i++)
        add(f.st, i, 100);
    assert_int_equal(verify(), 0);
    tamper("DELETE FROM event WHERE seq = 1000");
    assert_int_equal(verify(), 1);
    assert_true(found(1000, "removed"));
}

static void names_a_changed_event(void **state)
{
    static const char *const changes[] = {
        "actor = 'account:2'", "at_us = at_us + 1",  "kind = 'x'",      "type = 'y'",
        "subject = 3",         "about = 0",          "unit = ''",       "owner = 0",
        "level = 0",           "reason = 'because'", "basis = 'b'",     "after_hash = NULL",
        "before_hash = chain", "data = '{\"a\":2}'", "payload = chain", "salt = NULL"};

    (void)state;
    for (size_t i = 0; i < KH_LEN(changes); i++) {
        char sql[128];

        if (i)
            assert_int_equal(setup(NULL), 0);
        add(f.st, 1, 5);
        fixture_settle(&f);
        snprintf(sql, sizeof(sql), "UPDATE event SET %s WHERE seq = 3", changes[i]);
        tamper(sql);
        if (verify() == 0 || !found(3, "changed"))
            fail_msg("%s went unseen", changes[i]);
        assert_true(issues_n <= 2); /* at most both hashes of the one row */
        if (i + 1 < KH_LEN(changes))
            assert_int_equal(teardown(NULL), 0);
    }
}

static void names_removed_events(void **state)
{
    (void)state;
    add(f.st, 1, 10);
    fixture_settle(&f);
    tamper("DELETE FROM event WHERE seq IN (4, 7, 8)");
    assert_int_equal(verify(), 2);
    assert_true(found(4, "removed"));
    assert_true(found(7, "removed"));
}

static void names_a_removed_end(void **state)
{
    struct kh_error err = {0};

    (void)state;
    add(f.st, 1, 10);
    fixture_settle(&f);
    assert_true(kh_event_checkpoint(f.st, &err));
    tamper("DELETE FROM event WHERE seq > 8");
    assert_true(verify() > 0);
    assert_true(found(9, "removed"));
}

static const char insert_copy[] =
    "INSERT INTO event(seq, at_us, kind, type, subject, about, unit, owner, level, actor, reason,"
    " basis, before_hash, after_hash, salt, data, payload, chain)"
    " SELECT 11, at_us, kind, type, subject, about, unit, owner, level, actor, reason, basis,"
    " before_hash, after_hash, salt, data, payload, chain FROM event WHERE seq = 10";

static void names_an_inserted_event(void **state)
{
    (void)state;
    add(f.st, 1, 10);
    fixture_settle(&f);
    tamper(insert_copy);
    assert_true(verify() > 0);
    assert_true(found(11, "inserted") || found(11, "changed"));
}

static void names_what_was_inserted_while_closed(void **state)
{
    struct kh_error err = {0};

    (void)state;
    if (fixture_is_pg())
        return; /* a server cannot know who else wrote while it was closed */
    add(f.st, 1, 10);
    kh_store_close(f.st);
    f.st = NULL;
    tamper(insert_copy);
    assert_true(kh_store_open(&f.config, &f.st, &err));
    assert_true(verify() > 0);
    assert_true(found(11, "inserted"));
}

/* An insider who knows the format: change the data of one event and compute all hashes anew. */
static bool forge(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct kh_event_row *rows;
    unsigned char before[32];
    size_t n;
    char *sql = ctx;

    if (!kh_event_sql_list(tx, a, 0, 100, &rows, &n, err))
        return false;
    memcpy(before, rows[1].chain, 32);
    for (size_t i = 2; i < n; i++) {
        struct kh_str payload, chain;
        const char *open = fixture_is_pg() ? "'\\x" : "X'";

        if (i == 2)
            rows[i].e.data = KH_S("{}");
        kh_event_payload(&rows[i], rows[i].payload);
        kh_event_link(before, &rows[i], rows[i].chain);
        memcpy(before, rows[i].chain, 32);
        payload = kh_strf(a, "%.*s", 0, "");
        chain = payload;
        for (int k = 0; k < 32; k++) {
            payload = kh_strf(a, "%.*s%02x", KH_FMT(payload), rows[i].payload[k]);
            chain = kh_strf(a, "%.*s%02x", KH_FMT(chain), rows[i].chain[k]);
        }
        sql += sprintf(sql,
                       "UPDATE event SET data = '%.*s', payload = %s%.*s', chain = %s%.*s'"
                       " WHERE seq = %zu;",
                       KH_FMT(rows[i].e.data), open, KH_FMT(payload), open, KH_FMT(chain), i + 1);
    }
    return true;
}

static void a_forged_chain_does_not_match_what_was_signed(void **state)
{
    struct kh_error err = {0};
    static char sql[32768];

    (void)state;
    add(f.st, 1, 6);
    fixture_settle(&f);
    assert_true(kh_event_checkpoint(f.st, &err));
    add(f.st, 1, 2);
    fixture_settle(&f);
    assert_true(kh_store_run(f.st, "forge", KH_TX_READ, forge, sql, &err));
    tamper(sql);
    assert_true(verify() > 0);
    assert_true(found(6, "checkpoint"));
    /* Without the row in the database the file outside still knows. */
    tamper("DELETE FROM checkpoint");
    assert_true(verify() > 0);
    assert_true(found(6, "checkpoint"));
}

static void a_forged_checkpoint_is_found(void **state)
{
    struct kh_error err = {0};

    (void)state;
    add(f.st, 1, 3);
    fixture_settle(&f);
    assert_true(kh_event_checkpoint(f.st, &err));
    assert_int_equal(verify(), 0);
    tamper("UPDATE checkpoint SET chain = signer");
    assert_true(verify() > 0);
    assert_true(found(3, "checkpoint"));
}

/* What a server notes when it finds the log, "join", stands only in the file outside: it ends without
 * a word when it is killed. */
static void a_server_that_joins_leaves_no_row_to_miss(void **state)
{
    struct kh_store *other = NULL;
    struct kh_error err = {0};

    (void)state;
    add(f.st, 1, 3);
    fixture_settle(&f);
    assert_true(kh_store_open(&f.config, &other, &err));
    add(f.st, 1, 3);
    fixture_settle(&f);
    kh_store_close(other);
    assert_int_equal(verify(), 0);
}

static void a_removed_checkpoint_is_found(void **state)
{
    struct kh_error err = {0};

    (void)state;
    for (int i = 0; i < 3; i++) {
        add(f.st, 1, 3);
        fixture_settle(&f);
        assert_true(kh_event_checkpoint(f.st, &err));
    }
    assert_int_equal(verify(), 0);
    tamper("DELETE FROM checkpoint WHERE seq = 6");
    assert_int_equal(verify(), 1);
    assert_true(found(6, "removed"));
}

static void the_log_is_insert_only(void **state)
{
    static const char *const sql[] = {"DELETE FROM event", "UPDATE event SET actor = 'x'",
                                      "UPDATE event SET salt = NULL", "DELETE FROM checkpoint",
                                      "DROP TABLE event"};

    (void)state;
    add(f.st, 1, 3);
    fixture_settle(&f);
    for (size_t i = 0; i + (fixture_is_pg() ? 1 : 0) < KH_LEN(sql); i++) {
        struct kh_error err = {0};

        if (kh_store_run(f.st, "attack", KH_TX_WRITE, fixture_script, (void *)(uintptr_t)sql[i],
                         &err) &&
            i != 3) /* an empty table has nothing to guard on PostgreSQL */
            fail_msg("%s was let through", sql[i]);
    }
    assert_int_equal(verify(), 0);
}

struct erase {
    int64_t seq;
};

static bool erase(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    const struct erase *e = ctx;
    struct kh_event why = {.actor = KH_S("account:9"), .basis = KH_S("law")};

    return kh_event_erase(tx, e->seq, &why, err);
}

static void lawful_erasure_destroys_data_but_not_the_chain(void **state)
{
    struct erase e = {2};
    struct kh_error err = {0};
    struct look l;

    (void)state;
    add(f.st, 1, 3);
    fixture_settle(&f);
    assert_true(kh_store_run(f.st, "erase", KH_TX_WRITE, erase, &e, &err));
    assert_int_equal(verify(), 0);
    l = look(0, 0, 10);
    assert_int_equal(l.n, 4);
    assert_int_equal(l.events[1].data.n, 0);
    assert_true(kh_str_is(l.events[3].kind, "event.erase"));
    assert_int_equal(l.events[3].subject, 2);
    assert_int_equal(fixture_ask(&f, "SELECT count(*) FROM event WHERE salt IS NULL"), 1);
    e.seq = 77;
    assert_false(kh_store_run(f.st, "erase", KH_TX_WRITE, erase, &e, &err));
    assert_int_equal(err.code, KH_EC_EVENT_UNKNOWN);
}

static void erasure_without_a_record_is_found(void **state)
{
    (void)state;
    add(f.st, 1, 3);
    fixture_settle(&f);
    /* The guard lets this pass, since it is what erasure does; the log must not. */
    fixture_tamper(&f, "UPDATE event SET salt = NULL, data = NULL WHERE seq = 2");
    assert_int_equal(verify(), 1);
    assert_true(found(2, "changed"));
}

static void signs_the_head_every_hour(void **state)
{
    struct timespec ms = {0, 5000000};

    (void)state;
    kh_clock_set(kh_now_us());
    fixture_reopen(&f);
    add(f.st, 1, 3);
    fixture_settle(&f);
    assert_int_equal(fixture_ask(&f, "SELECT count(*) FROM checkpoint"), 0);
    kh_clock_add(61 * KH_US_MIN);
    /* The store looks at the clock when it looks around: a few times a second. */
    for (int i = 0; i < 1000; i++) {
        if (fixture_ask(&f, "SELECT count(*) FROM checkpoint") == 1)
            break;
        nanosleep(&ms, NULL);
    }
    assert_int_equal(fixture_ask(&f, "SELECT count(*) FROM checkpoint WHERE what = 'hourly'"), 1);
    assert_int_equal(verify(), 0);
}

/* ---- following ---- */

struct follower {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    int64_t last;
    unsigned told, wrong, missing;
};

static void hear(void *ctx, const struct kh_event *events, size_t n, int64_t head)
{
    struct follower *w = ctx;

    pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < n; i++) {
        w->wrong += events[i].seq != w->last + 1;
        w->last = events[i].seq;
        w->told++;
    }
    if (n == 0) { /* not at hand: a real follower reads them */
        w->missing += (unsigned)(head - w->last);
        w->last = head;
    }
    w->wrong += head != w->last;
    pthread_cond_broadcast(&w->moved);
    pthread_mutex_unlock(&w->lock);
}

static bool wait_for(struct follower *w, int64_t seq)
{
    struct timespec until;
    bool ok;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 20;
    pthread_mutex_lock(&w->lock);
    while (w->last < seq && pthread_cond_timedwait(&w->moved, &w->lock, &until) == 0)
        ;
    ok = w->last == seq;
    pthread_mutex_unlock(&w->lock);
    return ok;
}

#define FOLLOWER                                                                                   \
    {                                                                                              \
        .lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER                       \
    }

static void followers_hear_each_event_once_and_in_order(void **state)
{
    struct follower w = FOLLOWER;
    struct kh_error err = {0};

    (void)state;
    assert_true(kh_event_follow(f.st, hear, &w, &err));
    for (int i = 0; i < 50; i++)
        add(f.st, i, 3);
    assert_true(wait_for(&w, 150));
    assert_int_equal(w.wrong, 0);
    assert_int_equal(w.told, 150);
    kh_event_unfollow(f.st, hear, &w);
    add(f.st, 1, 1);
    fixture_settle(&f);
    assert_int_equal(w.told, 150);
}

struct load {
    struct kh_store *st;
    int64_t subject;
    unsigned rounds;
};

static void *load(void *ctx)
{
    struct load *l = ctx;

    for (unsigned i = 0; i < l->rounds; i++)
        add(l->st, l->subject + i, 2);
    return NULL;
}

static void two_stores_on_one_database_hear_each_other(void **state)
{
    struct follower w[2] = {FOLLOWER, FOLLOWER};
    struct kh_error err = {0};
    struct kh_store *other;
    pthread_t threads[4];
    struct load l[4];

    (void)state;
    f.config.writers = 2;
    assert_true(kh_store_open(&f.config, &other, &err));
    assert_true(kh_event_follow(f.st, hear, &w[0], &err));
    assert_true(kh_event_follow(other, hear, &w[1], &err));
    for (int i = 0; i < 4; i++) {
        l[i] = (struct load){i % 2 ? other : f.st, i * 1000, 25};
        pthread_create(&threads[i], NULL, load, &l[i]);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_true(wait_for(&w[0], 200));
    assert_true(wait_for(&w[1], 200));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(w[i].wrong, 0);
        assert_int_equal(w[i].told + w[i].missing, 200);
        if (fixture_is_pg())
            assert_int_equal(w[i].told, 200);
    }
    /* The one that sealed goes; the other takes over. */
    kh_store_close(f.st);
    f.st = other;
    add(f.st, 1, 2);
    assert_true(wait_for(&w[1], 202));
    assert_int_equal(w[1].wrong, 0);
    assert_int_equal(verify(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(numbers_events_without_gaps, setup, teardown),
        cmocka_unit_test_setup_teardown(gives_numbers_back_when_a_change_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(finds_the_events_of_one_case, setup, teardown),
        cmocka_unit_test_setup_teardown(finds_once_what_is_about_its_own_subject, setup, teardown),
        cmocka_unit_test_setup_teardown(reads_the_events_of_one_type_and_says_how_far_it_looked, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_chain_verifies_across_reopening, setup, teardown),
        cmocka_unit_test_setup_teardown(verification_reads_more_than_one_page, setup, teardown),
        cmocka_unit_test_setup_teardown(names_a_changed_event, setup, teardown),
        cmocka_unit_test_setup_teardown(names_removed_events, setup, teardown),
        cmocka_unit_test_setup_teardown(names_a_removed_end, setup, teardown),
        cmocka_unit_test_setup_teardown(names_an_inserted_event, setup, teardown),
        cmocka_unit_test_setup_teardown(names_what_was_inserted_while_closed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_forged_chain_does_not_match_what_was_signed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_forged_checkpoint_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(a_server_that_joins_leaves_no_row_to_miss, setup, teardown),
        cmocka_unit_test_setup_teardown(a_removed_checkpoint_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(the_log_is_insert_only, setup, teardown),
        cmocka_unit_test_setup_teardown(lawful_erasure_destroys_data_but_not_the_chain, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(erasure_without_a_record_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(signs_the_head_every_hour, setup, teardown),
        cmocka_unit_test_setup_teardown(followers_hear_each_event_once_and_in_order, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(two_stores_on_one_database_hear_each_other, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
