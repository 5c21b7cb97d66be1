/* SPDX-License-Identifier: Apache-2.0 */
/* Many threads at once, a queue that is full, and a process that is killed while it writes. */
#include "store_fixture.h"

#include "base/time.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct store_fixture f;

static void make(void)
{
    struct kh_error err = {0};

    assert_true(kh_store_run(
        f.st, "make", KH_TX_WRITE, fixture_script,
        (void *)(uintptr_t) "CREATE TABLE t(id BIGINT PRIMARY KEY, pair BIGINT)", &err));
}

static int setup(void **state)
{
    struct kh_error err = {0};

    (void)state;
    fixture_make(&f);
    f.config.writers = 4;
    assert_true(kh_store_open(&f.config, &f.st, &err));
    make();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_drop(&f);
    return 0;
}

static bool put_one(struct kh_tx *tx, int64_t id, struct kh_error *err)
{
    static const struct kh_sql sql = {"t_insert", "INSERT INTO t(id, pair) VALUES ($1, $2)", NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_int(&q, 1, id);
    kh_bind_int(&q, 2, id < 0 ? -id : id);
    return kh_query_run(&q, NULL, err);
}

static bool put(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    int64_t id = *(int64_t *)ctx;
    struct kh_event e = {.kind = KH_S("t.create"), .subject = id, .data = KH_S("{}")};

    if (!put_one(tx, id, err) || !kh_event_append(tx, &e, err) || !put_one(tx, -id, err))
        return false;
    return id % 10 != 7 || kh_fail(err, KH_EC_BODY_INVALID, "as told");
}

/* Every reader sees whole pairs, and never fewer than before. */
static bool count(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "t_count", "SELECT count(*), count(DISTINCT pair), sum(id) FROM t", NULL};
    int64_t *n = ctx;
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err) || kh_query_next(&q, err) != KH_HIT)
        return false;
    *n = kh_col_int(&q, 0);
    if (*n != 2 * kh_col_int(&q, 1) || kh_col_int(&q, 2) != 0)
        return kh_fail(err, KH_EC_INTERNAL, "a half pair");
    return true;
}

/* ---- many threads ---- */

enum { WRITERS = 4, READERS = 3, EACH = 60 };

static atomic_bool writing;

/* What a thread found wrong; it returns one of these. */
static char bad_outcome[] = "an unexpected outcome", bad_reading[] = "a reading failed",
            bad_order[] = "a reading went back";

static void *write_all(void *ctx)
{
    int64_t first = *(int64_t *)ctx;

    for (int64_t id = first; id < first + EACH; id++) {
        struct kh_error err = {0};
        int64_t mine = id;
        bool ok = kh_store_run(f.st, "put", KH_TX_WRITE, put, &mine, &err);

        if (ok == (id % 10 == 7) || (!ok && err.code != KH_EC_BODY_INVALID))
            return bad_outcome;
    }
    return NULL;
}

static void *read_all(void *ctx)
{
    int64_t last = 0;

    (void)ctx;
    while (atomic_load(&writing)) {
        struct kh_error err = {0};
        struct kh_store_stats stats;
        int64_t n;

        if (!kh_store_run(f.st, "count", KH_TX_READ, count, &n, &err))
            return bad_reading;
        if (n < last)
            return bad_order;
        last = n;
        kh_store_stats(f.st, &stats);
    }
    return NULL;
}

static void hear(void *ctx, const struct kh_event *events, size_t n, int64_t head)
{
    _Atomic int64_t *last = ctx;

    (void)events;
    (void)n;
    atomic_store(last, head);
}

static void many_threads_write_and_read_at_once(void **state)
{
    pthread_t w[WRITERS], r[READERS];
    int64_t first[WRITERS], n = 0;
    _Atomic int64_t head = 0;
    struct kh_error err = {0};
    void *why;

    (void)state;
    atomic_store(&writing, true);
    assert_true(kh_event_follow(f.st, hear, &head, &err));
    for (int i = 0; i < READERS; i++)
        pthread_create(&r[i], NULL, read_all, NULL);
    for (int i = 0; i < WRITERS; i++) {
        first[i] = 1 + i * 1000;
        pthread_create(&w[i], NULL, write_all, &first[i]);
    }
    assert_true(kh_event_checkpoint(f.st, &err));
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(w[i], &why);
        assert_null(why);
    }
    atomic_store(&writing, false);
    for (int i = 0; i < READERS; i++) {
        pthread_join(r[i], &why);
        assert_null(why);
    }
    assert_true(kh_store_run(f.st, "count", KH_TX_READ, count, &n, &err));
    assert_int_equal(n, WRITERS * EACH * 2 * 9 / 10);
    fixture_settle(&f);
    assert_int_equal(kh_event_head(f.st), WRITERS * EACH * 9 / 10);
    kh_event_unfollow(f.st, hear, &head);
}

/* ---- many statements ---- */

enum { SHAPES = 1500 };

static char bad_sum[] = "a statement answered for another";

/* Every thread makes the same statements, each at an address of its own. */
static bool pass(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    for (int n = *(int *)ctx; n < SHAPES; n += 10) {
        char text[80];
        struct kh_sql sql = {"t_passing", text, NULL};
        kh_auto(kh_query) q = {0};

        snprintf(text, sizeof(text), "SELECT CAST($1 AS bigint) + %d", n);
        if (!kh_query_open_passing(&q, tx, &sql, err))
            return false;
        kh_bind_int(&q, 1, 7);
        if (kh_query_next(&q, err) != KH_HIT || kh_col_int(&q, 0) != 7 + n)
            return kh_fail(err, KH_EC_INTERNAL, "%s", bad_sum);
    }
    return true;
}

static void *pass_all(void *ctx)
{
    for (int first = 0; first < 10; first++) {
        enum kh_tx_mode mode = first % 2 && ctx ? KH_TX_WRITE : KH_TX_READ;
        struct kh_error err = {0};

        if (!kh_store_run(f.st, "pass", mode, pass, &first, &err))
            return err.code == KH_EC_INTERNAL ? bad_sum : bad_reading;
    }
    return NULL;
}

static void threads_pass_thousands_of_statements(void **state)
{
    pthread_t t[WRITERS + READERS];
    void *why;

    (void)state;
    for (int i = 0; i < WRITERS + READERS; i++)
        pthread_create(&t[i], NULL, pass_all, i < WRITERS ? &t[i] : NULL);
    for (int i = 0; i < WRITERS + READERS; i++) {
        pthread_join(t[i], &why);
        assert_null(why);
    }
}

/* ---- a queue that is full ---- */

struct gate {
    sem_t inside, open;
    atomic_uint answered;
};

static bool wait_inside(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct gate *g = ctx;

    (void)tx;
    (void)err;
    sem_post(&g->inside);
    sem_wait(&g->open);
    return true;
}

static bool nothing(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    (void)tx;
    (void)ctx;
    (void)err;
    return true;
}

static void answered(void *ctx, bool ok, const struct kh_error *err)
{
    struct gate *g = ctx;

    (void)err;
    if (ok)
        atomic_fetch_add(&g->answered, 1);
}

static void a_full_queue_refuses_and_empties(void **state)
{
    struct kh_error err = {0};
    struct gate g = {0};
    unsigned took = 0;

    (void)state;
    kh_store_close(f.st);
    f.config.queue_max = 20;
    f.config.writers = 1;
    assert_true(kh_store_open(&f.config, &f.st, &err));
    sem_init(&g.inside, 0, 0);
    sem_init(&g.open, 0, 0);
    assert_true(kh_store_submit(f.st, "wait", wait_inside, &g, answered, &err));
    sem_wait(&g.inside);
    while (took < 100 && kh_store_submit(f.st, "more", nothing, &g, answered, &err))
        took++;
    assert_int_equal(took, 20);
    assert_int_equal(err.code, KH_EC_OVERLOADED);
    sem_post(&g.open);
    kh_store_close(f.st); /* finishes what is queued */
    f.st = NULL;
    assert_int_equal(g.answered, 21);
}

/* ---- the log of SQLite ---- */

static bool put_large(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    static const struct kh_sql sql = {"t_large", "INSERT INTO large(b) VALUES ($1)", NULL};
    static char bytes[1 << 20];
    kh_auto(kh_query) q = {0};

    (void)ctx;
    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_blob(&q, 1, kh_str(bytes, sizeof(bytes)));
    return kh_query_run(&q, NULL, err);
}

/* Write until the log begins anew, reading after every nth write; what is read last is kept by this
 * thread. @return MiB written */
static int written_until_anew(int every)
{
    struct kh_store_stats stats;
    struct kh_error err = {0};
    int64_t n, before = 0;
    int i;

    for (i = 0; i < 1024; i++) {
        assert_true(kh_store_run(f.st, "large", KH_TX_WRITE, put_large, NULL, &err));
        kh_store_stats(f.st, &stats);
        if (stats.wal_bytes < before)
            break;
        before = stats.wal_bytes;
        if (i % every == 0)
            assert_true(kh_store_run(f.st, "count", KH_TX_READ, count, &n, &err));
    }
    return i;
}

static void an_idle_reader_does_not_hold_up_the_log(void **state)
{
    struct kh_store_stats stats;
    struct kh_error err = {0};
    int64_t n, most = 0;

    (void)state;
    if (fixture_is_pg())
        return; /* its log is its own */
    assert_true(kh_store_run(f.st, "make", KH_TX_WRITE, fixture_script,
                             (void *)(uintptr_t) "CREATE TABLE large(b BLOB)", &err));
    for (int i = 0; i < 240; i++) {
        /* This thread keeps its snapshot when it has read, and reads only now and then. */
        if (i % 60 == 5)
            assert_true(kh_store_run(f.st, "count", KH_TX_READ, count, &n, &err));
        assert_true(kh_store_run(f.st, "large", KH_TX_WRITE, put_large, NULL, &err));
        kh_store_stats(f.st, &stats);
        most = stats.wal_bytes > most ? stats.wal_bytes : most;
    }
    assert_in_range(most, 1 << 20, 160 << 20);
}

static void a_kept_snapshot_does_not_hold_up_the_log(void **state)
{
    struct kh_error err = {0};

    (void)state;
    if (fixture_is_pg())
        return; /* its log is its own */
    assert_true(kh_store_run(f.st, "make", KH_TX_WRITE, fixture_script,
                             (void *)(uintptr_t) "CREATE TABLE large(b BLOB)", &err));
    assert_in_range(written_until_anew(60), 64, 512);
    assert_in_range(written_until_anew(1), 64, 512);
}

static void an_answer_comes_after_a_sync_and_looking_costs_none(void **state)
{
    struct kh_store_stats before, after;
    struct kh_error err = {0};

    (void)state;
    if (fixture_is_pg())
        return; /* its server syncs */
    assert_true(kh_store_run(f.st, "make", KH_TX_WRITE, fixture_script,
                             (void *)(uintptr_t) "CREATE TABLE large(b BLOB)", &err));
    for (int i = 0; i < 20; i++) {
        kh_store_stats(f.st, &before);
        assert_true(kh_store_run(f.st, "large", KH_TX_WRITE, put_large, NULL, &err));
        kh_store_stats(f.st, &after);
        assert_true(after.fsync_us_sum > before.fsync_us_sum);
    }
    for (int i = 0; i < 20; i++) {
        int64_t n;

        kh_store_stats(f.st, &before);
        assert_true(kh_store_run(f.st, "count", KH_TX_WRITE, count, &n, &err));
        kh_store_stats(f.st, &after);
        assert_true(after.fsync_us_sum == before.fsync_us_sum);
    }
}

static bool tell(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct kh_event e = {.kind = KH_S("t.tell"), .subject = 7, .data = KH_S("{}")};

    (void)ctx;
    return kh_event_append(tx, &e, err);
}

static void *tell_much(void *ctx)
{
    struct kh_error err = {0};

    for (int i = 0; i < 300; i++)
        if (!kh_store_run(f.st, "tell", KH_TX_WRITE, tell, NULL, &err))
            break;
    atomic_store((atomic_bool *)ctx, true);
    return NULL;
}

struct seen {
    struct kh_arena *a;
    int64_t last;
};

static bool see(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct seen *s = ctx;
    struct kh_event *events;
    size_t n;

    if (!kh_event_read(tx, s->a, s->last, 1000, &events, &n, err))
        return false;
    n = kh_event_durable(f.st, events, n);
    s->last = n ? events[n - 1].seq : s->last;
    return true;
}

/* The disk takes its time; what is read meanwhile is not told to who would go on from it. */
static void no_event_is_told_before_it_is_durable(void **state)
{
    struct kh_error err = {0};
    atomic_bool over = false;
    struct seen s = {0};
    pthread_t writer;

    (void)state;
    assert_int_equal(pthread_create(&writer, NULL, tell_much, &over), 0);
    while (!atomic_load(&over)) {
        s.a = kh_arena_new(1 << 24);
        assert_true(kh_store_run(f.st, "see", KH_TX_READ, see, &s, &err));
        kh_arena_drop(s.a);
        if (!fixture_is_pg()) /* there a reading sees what is durable only */
            assert_true(s.last <= kh_event_head(f.st));
    }
    pthread_join(writer, NULL);
    fixture_settle(&f);
    s.a = kh_arena_new(1 << 24);
    assert_true(kh_store_run(f.st, "see", KH_TX_READ, see, &s, &err));
    kh_arena_drop(s.a);
    assert_int_equal(s.last, kh_event_head(f.st));
}

/* ---- starting ---- */

static pthread_barrier_t together;

static void *open_store(void *ctx)
{
    struct kh_store **st = ctx;
    struct kh_error err = {0};

    (void)pthread_barrier_wait(&together);
    if (!kh_store_open(&f.config, st, &err))
        print_message("# %s\n", err.detail);
    return NULL;
}

/* Many times over: which of them meet in the moment when the file becomes a WAL one is chance. */
static void servers_may_start_at_once_on_nothing(void **state)
{
    enum { SERVERS = 4, ROUNDS = 10 };

    (void)state;
    pthread_barrier_init(&together, NULL, SERVERS);
    for (int round = 0; round < ROUNDS; round++) {
        struct kh_store *st[SERVERS] = {0};
        pthread_t t[SERVERS];

        fixture_drop(&f);
        fixture_make(&f);
        for (int i = 0; i < SERVERS; i++)
            assert_int_equal(pthread_create(&t[i], NULL, open_store, &st[i]), 0);
        for (int i = 0; i < SERVERS; i++)
            pthread_join(t[i], NULL);
        for (int i = 0; i < SERVERS; i++)
            assert_non_null(st[i]);
        for (int i = 0; i < SERVERS; i++)
            kh_store_close(st[i]);
    }
    pthread_barrier_destroy(&together);
}

/* ---- kill -9 ---- */

struct child {
    int out;
    _Atomic int64_t next;
};

static struct child child;

struct one {
    int64_t id;
    sem_t *room;
};

static void tell_parent(void *ctx, bool ok, const struct kh_error *err)
{
    struct one *o = ctx;

    (void)err;
    if (ok && write(child.out, &o->id, sizeof(o->id)) != (ssize_t)sizeof(o->id))
        _exit(1);
    sem_post(o->room);
    free(o);
}

static bool put_mine(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct one *o = ctx;

    return put(tx, &o->id, err);
}

static void *flood(void *ctx)
{
    struct kh_error err = {0};
    sem_t room;

    (void)ctx;
    sem_init(&room, 0, 16);
    for (;;) {
        struct one *o = malloc(sizeof(*o));

        *o = (struct one){atomic_fetch_add(&child.next, 1), &room};
        sem_wait(&room);
        if (!kh_store_submit(f.st, "put", put_mine, o, tell_parent, &err))
            _exit(1);
    }
    return NULL;
}

static _Noreturn void be_child(int out, int64_t first)
{
    struct kh_error err = {0};
    pthread_t t[3];

    child.out = out;
    child.next = first;
    if (!kh_store_open(&f.config, &f.st, &err))
        _exit(1);
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, flood, NULL);
    pthread_join(t[0], NULL);
    _exit(1);
}

/* @return ids that were acknowledged before the child was killed */
static size_t kill_one(int64_t first, int64_t *ids, size_t max)
{
    int64_t until = 0;
    size_t n = 0;
    int p[2], status;
    pid_t pid;

    assert_int_equal(pipe(p), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(p[0]);
        be_child(p[1], first);
    }
    close(p[1]);
    while (n < max && read(p[0], &ids[n], sizeof(ids[n])) == (ssize_t)sizeof(ids[n])) {
        n++;
        if (until == 0)
            until = kh_mono_us() + 50000 + first % 7 * 30000;
        if (kh_mono_us() > until && until > 0) {
            kill(pid, SIGKILL);
            until = -1; /* what was told before still stands in the pipe */
        }
    }
    kill(pid, SIGKILL);
    close(p[0]);
    waitpid(pid, &status, 0);
    assert_true(WIFSIGNALED(status));
    return n;
}

struct find {
    int64_t id;
    bool there;
};

static bool find(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    static const struct kh_sql sql = {"t_find", "SELECT 1 FROM t WHERE id = $1", NULL};
    struct find *w = ctx;
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_int(&q, 1, w->id);
    hit = kh_query_next(&q, err);
    w->there = hit == KH_HIT;
    return hit != KH_FAIL;
}

static void check_after_crash(const int64_t *ids, size_t n)
{
    kh_auto_arena a = kh_arena_new(1 << 26);
    struct kh_verify_issue *issues;
    struct kh_error err = {0};
    int64_t rows, events;
    size_t found;

    assert_true(kh_store_open(&f.config, &f.st, &err));
    fixture_settle(&f);
    assert_true(kh_store_run(f.st, "count", KH_TX_READ, count, &rows, &err));
    for (size_t i = 0; i < n; i++) {
        struct find w = {.id = ids[i]};

        assert_true(kh_store_run(f.st, "find", KH_TX_READ, find, &w, &err));
        if (!w.there)
            fail_msg("%lld was acknowledged and is lost", (long long)ids[i]);
    }
    assert_true(kh_event_verify(f.st, a, NULL, NULL, &issues, &found, &events, &err));
    assert_int_equal(found, 0);
    assert_int_equal(events, rows / 2);
    kh_store_close(f.st);
    f.st = NULL;
}

static void a_killed_process_loses_nothing_it_acknowledged(void **state)
{
    static int64_t ids[200000];
    unsigned rounds = getenv("KHUE_TEST_DEEP") ? 100 : 4;
    size_t all = 0;

    (void)state;
    kh_store_close(f.st);
    f.st = NULL;
    for (unsigned i = 0; i < rounds; i++) {
        size_t n = kill_one(1 + (int64_t)i * 1000000, ids, KH_LEN(ids));

        assert_true(n > 0);
        all += n;
        check_after_crash(ids, n);
    }
    print_message("# %zu writes were acknowledged in %u rounds\n", all, rounds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(many_threads_write_and_read_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(threads_pass_thousands_of_statements, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_queue_refuses_and_empties, setup, teardown),
        cmocka_unit_test_setup_teardown(an_idle_reader_does_not_hold_up_the_log, setup, teardown),
        cmocka_unit_test_setup_teardown(a_kept_snapshot_does_not_hold_up_the_log, setup, teardown),
        cmocka_unit_test_setup_teardown(an_answer_comes_after_a_sync_and_looking_costs_none, setup, teardown),
        cmocka_unit_test_setup_teardown(no_event_is_told_before_it_is_durable, setup, teardown),
        cmocka_unit_test_setup_teardown(servers_may_start_at_once_on_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_killed_process_loses_nothing_it_acknowledged, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
