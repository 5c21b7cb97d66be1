/* SPDX-License-Identifier: Apache-2.0 */
/* PostgreSQL goes away under load and comes back: on a server of its own, started by
 * tests/support/pgcluster.sh (KHUE_TEST_PGCLUSTER). */
#include "store_fixture.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct store_fixture f;
static char dir[] = "/tmp/khue-pg-XXXXXX";

static void cluster(const char *what, char *out, size_t n)
{
    const char *script = getenv("KHUE_TEST_PGCLUSTER");
    char cmd[512];
    FILE *p;

    assert_non_null(script);
    snprintf(cmd, sizeof(cmd), "'%s' %s '%s' 2>/dev/null", script, what, dir);
    p = popen(cmd, "re");
    assert_non_null(p);
    if (out && fgets(out, (int)n, p))
        out[strcspn(out, "\n")] = '\0';
    while (fgetc(p) != EOF)
        ;
    assert_int_equal(pclose(p), 0);
}

static int setup(void **state)
{
    struct kh_error err = {0};
    char url[256] = "";

    (void)state;
    assert_non_null(mkdtemp(dir));
    cluster("start", url, sizeof(url));
    setenv("KHUE_TEST_PG_URL", url, 1);
    fixture_make(&f);
    f.config.writers = 3;
    assert_true(kh_store_open(&f.config, &f.st, &err));
    assert_true(kh_store_run(f.st, "make", KH_TX_WRITE, fixture_script,
                             (void *)(uintptr_t) "CREATE TABLE t(id bigint PRIMARY KEY)", &err));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_drop(&f);
    cluster("stop", NULL, 0);
    return 0;
}

static bool put(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    static const struct kh_sql sql = {"t_insert", "INSERT INTO t(id) VALUES ($1)", NULL};
    int64_t id = *(int64_t *)ctx;
    struct kh_event e = {.kind = KH_S("t.create"), .subject = id, .data = KH_S("{}")};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_int(&q, 1, id);
    return kh_query_run(&q, NULL, err) && kh_event_append(tx, &e, err);
}

static bool count(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    static const struct kh_sql sql = {"t_count", "SELECT count(*) FROM t", NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err) || kh_query_next(&q, err) != KH_HIT)
        return false;
    *(int64_t *)ctx = kh_col_int(&q, 0);
    return true;
}

enum { THREADS = 3, IDS = 100000 };

static atomic_bool writing;
static atomic_bool acked[THREADS * IDS];
static atomic_uint oks, fails, odd;

static void *load(void *ctx)
{
    int64_t first = *(int64_t *)ctx;

    for (int64_t id = first; id < first + IDS && atomic_load(&writing); id++) {
        struct kh_error err = {0};
        int64_t n;

        if (kh_store_run(f.st, "put", KH_TX_WRITE, put, &id, &err)) {
            atomic_store(&acked[id], true);
            atomic_fetch_add(&oks, 1);
        } else {
            struct timespec ms = {0, 1000000};

            atomic_fetch_add(err.code == KH_EC_STORE ? &fails : &odd, 1);
            nanosleep(&ms, NULL); /* do not run out of ids while nothing answers */
        }
        if (!kh_store_run(f.st, "count", KH_TX_READ, count, &n, &err) && err.code != KH_EC_STORE)
            atomic_fetch_add(&odd, 1);
    }
    return NULL;
}

static void wait_oks(unsigned more)
{
    unsigned want = atomic_load(&oks) + more;
    struct timespec ms = {0, 1000000};

    for (int i = 0; i < 20000 && atomic_load(&oks) < want; i++)
        nanosleep(&ms, NULL);
    assert_true(atomic_load(&oks) >= want);
}

static void check(void)
{
    kh_auto_arena a = kh_arena_new(1 << 26);
    struct kh_verify_issue *issues;
    struct kh_error err = {0};
    int64_t events;
    size_t n;

    for (size_t i = 0; i < KH_LEN(acked); i++)
        if (atomic_load(&acked[i])) {
            char sql[96];

            snprintf(sql, sizeof(sql), "SELECT count(*) FROM t WHERE id = %zu", i);
            if (fixture_ask(&f, sql) != 1)
                fail_msg("%zu was acknowledged and is lost", i);
        }
    fixture_settle(&f);
    assert_true(kh_event_verify(f.st, a, NULL, NULL, &issues, &n, &events, &err));
    assert_int_equal(n, 0);
    assert_int_equal(events, fixture_ask(&f, "SELECT count(*) FROM t"));
    assert_int_equal(kh_event_head(f.st), events);
}

static void survives_restarts_and_crashes_of_the_server(void **state)
{
    pthread_t t[THREADS];
    int64_t first[THREADS];

    (void)state;
    atomic_store(&writing, true);
    for (int i = 0; i < THREADS; i++) {
        first[i] = (int64_t)i * IDS;
        pthread_create(&t[i], NULL, load, &first[i]);
    }
    wait_oks(50);
    cluster("restart", NULL, 0);
    wait_oks(50);
    cluster("kill", NULL, 0);
    cluster("begin", NULL, 0);
    wait_oks(50);
    atomic_store(&writing, false);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    assert_true(fails > 0); /* or the server was never away */
    assert_int_equal(odd, 0);
    check();
}

static void an_idle_store_does_not_notice_a_restart(void **state)
{
    struct kh_error err = {0};
    int64_t id = THREADS * IDS + 1, n;

    (void)state;
    cluster("restart", NULL, 0);
    if (!kh_store_run(f.st, "put", KH_TX_WRITE, put, &id, &err))
        fail_msg("%s", err.detail);
    cluster("restart", NULL, 0);
    assert_true(kh_store_run(f.st, "count", KH_TX_READ, count, &n, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(survives_restarts_and_crashes_of_the_server),
        cmocka_unit_test(an_idle_store_does_not_notice_a_restart),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
