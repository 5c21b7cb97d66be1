/* SPDX-License-Identifier: Apache-2.0 */
/* Break the n-th call of a point, n = 1, 2, ... until nothing breaks any more: what was
 * acknowledged is there, what failed is not, and the store goes on. */
#include "store_fixture.h"

#include "base/fault.h"
#include "store/backup.h"

#include <pthread.h>
#include <signal.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { WRITES = 12, QUIET = 6, ROUNDS_MAX = 400 };

static struct store_fixture f;

/* ---- a little work ---- */

struct work {
    int64_t id;
    bool answered, ok;
    enum kh_ec code;
    struct crew *crew;
};

struct crew {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    unsigned answered;
    struct work w[WRITES];
};

static bool put_one(struct kh_tx *tx, int64_t id, struct kh_error *err)
{
    static const struct kh_sql sql = {"t_insert", "INSERT INTO t(id) VALUES ($1)", NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_int(&q, 1, id);
    return kh_query_run(&q, NULL, err);
}

/* Two rows and an event: all or nothing. */
static bool put(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    const struct work *w = ctx;
    struct kh_event e = {.kind = KH_S("t.create"), .subject = w->id, .data = KH_S("{}")};

    return put_one(tx, w->id, err) && kh_event_append(tx, &e, err) &&
           put_one(tx, w->id + 1000000, err);
}

static void done(void *ctx, bool ok, const struct kh_error *err)
{
    struct work *w = ctx;

    pthread_mutex_lock(&w->crew->lock);
    w->answered = true;
    w->ok = ok;
    w->code = ok ? KH_EC_OK : err->code;
    w->crew->answered++;
    pthread_cond_signal(&w->crew->moved);
    pthread_mutex_unlock(&w->crew->lock);
}

static bool get(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    static const struct kh_sql sql = {"t_get", "SELECT count(*) FROM t", NULL};
    kh_auto(kh_query) q = {0};

    (void)ctx;
    return kh_query_open(&q, tx, &sql, err) && kh_query_next(&q, err) == KH_HIT;
}

/* @return how many of the writes and reads failed */
static unsigned work(struct crew *c, int64_t first)
{
    struct kh_error err = {0};
    unsigned failed = 0;

    *c = (struct crew){.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};
    for (unsigned i = 0; i < WRITES; i++) {
        c->w[i] = (struct work){.id = first + i, .crew = c};
        assert_true(kh_store_submit(f.st, "put", put, &c->w[i], done, &err));
        if (i % 4 == 3)
            failed += !kh_store_run(f.st, "get", KH_TX_READ, get, NULL, &err);
    }
    pthread_mutex_lock(&c->lock);
    while (c->answered < WRITES)
        pthread_cond_wait(&c->moved, &c->lock);
    pthread_mutex_unlock(&c->lock);
    for (unsigned i = 0; i < WRITES; i++)
        failed += !c->w[i].ok;
    return failed;
}

struct traces {
    int64_t id, rows, told;
};

static bool look_for(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "t_traces",
        "SELECT (SELECT count(*) FROM t WHERE id = $1 OR id = $2),"
        " (SELECT count(*) FROM event WHERE subject = $1 AND subject <> 0)",
        NULL};
    struct traces *t = ctx;
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_int(&q, 1, t->id);
    kh_bind_int(&q, 2, t->id + 1000000);
    if (kh_query_next(&q, err) != KH_HIT)
        return false;
    t->rows = kh_col_int(&q, 0);
    t->told = kh_col_int(&q, 1);
    return true;
}

static void check(const struct crew *c, bool unknown_allowed)
{
    kh_auto_arena a = kh_arena_new(1 << 24);
    struct kh_verify_issue *issues;
    struct kh_error err = {0};
    int64_t events;
    size_t n;

    fixture_settle(&f);
    for (unsigned i = 0; i < WRITES; i++) {
        struct traces t = {.id = c->w[i].id};

        assert_true(kh_store_run(f.st, "look_for", KH_TX_READ, look_for, &t, &err));
        assert_true((t.rows == 2 && t.told == 1) || (t.rows == 0 && t.told == 0));
        if (c->w[i].ok)
            assert_int_equal(t.rows, 2);
        else if (!unknown_allowed)
            assert_int_equal(t.rows, 0);
        if (!c->w[i].ok && c->w[i].code != KH_EC_STORE && c->w[i].code != KH_EC_STORE_FULL)
            fail_msg("failed with %s", kh_error_info(c->w[i].code)->name);
    }
    assert_true(kh_event_verify(f.st, a, NULL, NULL, &issues, &n, &events, &err));
    assert_int_equal(n, 0);
}

static void torture(const char *point, bool unknown_allowed)
{
    unsigned quiet = 0, hits = 0, n;
    struct kh_error err = {0};

    fixture_open(&f);
    assert_true(kh_store_run(f.st, "make", KH_TX_WRITE, fixture_script,
                             (void *)(uintptr_t) "CREATE TABLE t(id BIGINT PRIMARY KEY)", &err));
    for (n = 1; quiet < QUIET && n < ROUNDS_MAX; n++) {
        struct work after = {.id = n * 100 + 99};
        struct crew c;
        unsigned failed;

        kh_fault_arm(point, n);
        failed = work(&c, n * 100);
        kh_fault_arm(NULL, 0);
        quiet = failed ? 0 : quiet + 1;
        hits += failed > 0;
        check(&c, unknown_allowed);
        if (!kh_store_run(f.st, "after", KH_TX_WRITE, put, &after, &err))
            fail_msg("the store did not go on after %s %u: %s", point, n, err.detail);
        if (failed) {
            fixture_reopen(&f);
            check(&c, unknown_allowed);
        }
    }
    fixture_drop(&f);
    print_message("# %s: %u of %u broke something\n", point, hits, n - 1);
    assert_true(hits > 0);
    assert_true(n < ROUNDS_MAX);
}

static void a_broken_statement_fails_one_change(void **state)
{
    (void)state;
    torture("store.step", false);
}

static void a_broken_commit_fails_its_batch(void **state)
{
    (void)state;
    torture("store.commit", false);
}

/* A process that works until the n-th sync fails; what it was told stands in shared memory. */
static void work_until_the_disk_fails(struct crew *c, unsigned n)
{
    struct kh_error err = {0};

    if (!kh_store_open(&f.config, &f.st, &err))
        _exit(1);
    kh_fault_arm("store.sync", n);
    work(c, n * 100);
    for (unsigned i = 0; i < 8; i++) { /* one sync for each */
        struct work w = {.id = n * 100 + 50 + i};

        (void)!kh_store_run(f.st, "put", KH_TX_WRITE, put, &w, &err);
    }
    _exit(0);
}

static void a_broken_sync_ends_the_process_and_loses_nothing_acknowledged(void **state)
{
    struct crew *c = mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct kh_error err = {0};
    unsigned ended = 0;

    (void)state;
    assert_true(c != MAP_FAILED);
    if (fixture_is_pg()) {
        /* The line breaks while committing: then a failure may have happened after all. */
        torture("store.sync", true);
        return;
    }
    fixture_open(&f);
    assert_true(kh_store_run(f.st, "make", KH_TX_WRITE, fixture_script,
                             (void *)(uintptr_t) "CREATE TABLE t(id BIGINT PRIMARY KEY)", &err));
    for (unsigned n = 1; n <= 6; n++) {
        int status = 0;
        pid_t child;

        kh_store_close(f.st);
        f.st = NULL;
        memset(c, 0, sizeof(*c));
        fflush(NULL);
        child = fork();
        assert_true(child >= 0);
        if (child == 0)
            work_until_the_disk_fails(c, n);
        assert_int_equal(waitpid(child, &status, 0), child);
        ended += WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
        for (unsigned i = 0; i < WRITES; i++)
            c->w[i].code = c->w[i].answered ? c->w[i].code : KH_EC_STORE;
        fixture_reopen(&f);
        check(c, true);
    }
    assert_true(ended >= 5);
    fixture_drop(&f);
    munmap(c, sizeof(*c));
}

static void a_full_disk_fails_its_batch(void **state)
{
    (void)state;
    if (!fixture_is_pg()) /* PostgreSQL writes its own files */
        torture("store.write", false);
}

/* What a machine that loses power just now would find. */
static void copy_database(char to[64])
{
    static const char *const names[] = {"city.db", "city.db-wal"};
    struct kh_error err = {0};

    snprintf(to, 64, "/tmp/khue-test-XXXXXX");
    assert_non_null(mkdtemp(to));
    for (size_t i = 0; i < KH_LEN(names); i++) {
        char from[128], path[128];

        snprintf(from, sizeof(from), "%s/%s", f.dir, names[i]);
        snprintf(path, sizeof(path), "%s/%s", to, names[i]);
        assert_true(kh_backup_copy(from, path, NULL, NULL, &err));
    }
}

/* More pages than one part of the index holds (4,062 frames). */
static bool put_large(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    static const struct kh_sql sql = {"large", "INSERT INTO large(data) VALUES (zeroblob(20000000))",
                                      NULL};
    const struct traces *t = ctx;
    kh_auto(kh_query) q = {0};

    return put_one(tx, t->id, err) && kh_query_open(&q, tx, &sql, err) &&
           kh_query_run(&q, NULL, err);
}

/* @return how many of the traces a machine finds that loses power just now */
static int64_t rows_after_power_loss(struct traces *t)
{
    struct kh_store_config config = {0};
    struct kh_error err = {0};
    struct kh_store *st;
    char dir[64], cmd[80];

    copy_database(dir);
    config.url = dir;
    assert_true(kh_store_open(&config, &st, &err));
    assert_true(kh_store_run(st, "look_for", KH_TX_READ, look_for, t, &err));
    kh_store_close(st);
    snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
    assert_int_equal(system(cmd), 0);
    return t->rows;
}

static void a_commit_that_failed_does_not_come_back(void **state)
{
    struct traces t = {.id = 1};
    struct kh_error err = {0};

    (void)state;
    if (fixture_is_pg())
        return; /* its WAL is its own */
    fixture_open(&f);
    assert_true(kh_store_run(f.st, "make", KH_TX_WRITE, fixture_script,
                             (void *)(uintptr_t) "CREATE TABLE t(id BIGINT PRIMARY KEY);"
                             "CREATE TABLE large(data BLOB)", &err));
    /* Its frames are in the WAL, and the index of the WAL finds no room to grow. */
    kh_fault_arm("store.index", 1);
    assert_false(kh_store_run(f.st, "large", KH_TX_WRITE, put_large, &t, &err));
    kh_fault_arm(NULL, 0);
    assert_int_equal(rows_after_power_loss(&t), 0);
    fixture_drop(&f);
}

/* More pages than the writer may keep, changed again after they had to be written: SQLite then makes
 * the checksums of all frames anew, and the last thing that it writes is a header without a page. */
static bool put_more_than_fits(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    static const struct kh_sql fill = {
        "fill",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) "
        "INSERT INTO wide(id, data) SELECT i, zeroblob(3000) FROM n",
        NULL};
    static const struct kh_sql again = {
        "again", "UPDATE wide SET data = zeroblob(2999) WHERE id % 7 = 0", NULL};
    const struct traces *t = ctx;
    kh_auto(kh_query) q = {0};
    kh_auto(kh_query) p = {0};

    return put_one(tx, t->id, err) && kh_query_open(&q, tx, &fill, err) &&
           kh_query_run(&q, NULL, err) && kh_query_open(&p, tx, &again, err) &&
           kh_query_run(&p, NULL, err) && put_one(tx, t->id + 1000000, err);
}

static void a_change_larger_than_the_cache_is_whole_when_it_is_answered(void **state)
{
    struct traces t = {.id = 1};
    struct kh_error err = {0};

    (void)state;
    if (fixture_is_pg())
        return; /* its WAL is its own */
    fixture_make(&f);
    f.config.cache_bytes = 1 << 20;
    assert_true(kh_store_open(&f.config, &f.st, &err));
    assert_true(kh_store_run(f.st, "make", KH_TX_WRITE, fixture_script,
                             (void *)(uintptr_t) "CREATE TABLE t(id BIGINT PRIMARY KEY);"
                                                 "CREATE TABLE wide(id BIGINT PRIMARY KEY, data BLOB)",
                             &err));
    assert_true(kh_store_run(f.st, "wide", KH_TX_WRITE, put_more_than_fits, &t, &err));
    assert_int_equal(rows_after_power_loss(&t), 2);
    fixture_drop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_larger_than_the_cache_is_whole_when_it_is_answered),
        cmocka_unit_test(a_broken_statement_fails_one_change),
        cmocka_unit_test(a_broken_commit_fails_its_batch),
        cmocka_unit_test(a_broken_sync_ends_the_process_and_loses_nothing_acknowledged),
        cmocka_unit_test(a_full_disk_fails_its_batch),
        cmocka_unit_test(a_commit_that_failed_does_not_come_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
