/* SPDX-License-Identifier: Apache-2.0 */
#include "store_fixture.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static struct store_fixture f, g; /* from, and to */
static char copy[80];
static struct kh_arena *a;

static int setup(void **state)
{
    static const char sqlite[] = "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT, b BLOB) STRICT;"
                                 "CREATE UNIQUE INDEX t_v ON t(v)";
    static const char pg[] =
        "CREATE TABLE t(id bigint PRIMARY KEY, v text COLLATE \"C\", b bytea,"
        " u text GENERATED ALWAYS AS (upper(v)) STORED);"
        "CREATE UNIQUE INDEX t_v ON t(v); CREATE SEQUENCE t_seq; SELECT nextval('t_seq');"
        "CREATE TABLE s(t bigint REFERENCES t, n bigint DEFAULT nextval('t_seq') CHECK (n > 0));"
        "CREATE VIEW w AS SELECT v FROM t WHERE id > 1";
    struct kh_error err = {0};

    (void)state;
    a = kh_arena_new((size_t)64 << 20);
    fixture_open(&f);
    assert_true(kh_store_run(f.st, "make", KH_TX_WRITE, fixture_script,
                             (void *)(uintptr_t)(fixture_is_pg() ? pg : sqlite), &err));
    fixture_make(&g);
    snprintf(copy, sizeof(copy), "%s/copy", f.dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_drop(&g);
    fixture_drop(&f);
    kh_arena_drop(a);
    return 0;
}

static bool put(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    static const struct kh_sql sql = {"t_insert", "INSERT INTO t(id, v, b) VALUES ($1, $2, $3)",
                                      NULL};
    int64_t id = *(int64_t *)ctx;
    struct kh_event e = {.kind = KH_S("t.create"), .subject = id, .data = KH_S("{}")};
    struct kh_str v = kh_strf(a, "t\t\\n Đống Đa %lld", (long long)id);
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_int(&q, 1, id);
    kh_bind_text(&q, 2, v);
    kh_bind_blob(&q, 3, kh_str("\0\xff\\", 3));
    return kh_query_run(&q, NULL, err) && kh_event_append(tx, &e, err);
}

static void add(struct kh_store *st, int64_t from, int64_t to)
{
    struct kh_error err = {0};

    for (int64_t id = from; id < to; id++)
        if (!kh_store_run(st, "put", KH_TX_WRITE, put, &id, &err))
            fail_msg("%s", err.detail);
}

static size_t verify(struct store_fixture *w)
{
    struct kh_verify_issue *issues;
    struct kh_error err = {0};
    int64_t events;
    size_t n;

    fixture_settle(w);
    assert_true(kh_event_verify(w->st, a, NULL, NULL, &issues, &n, &events, &err));
    for (size_t i = 0; i < n; i++)
        print_message("# issue: %.*s\n", KH_FMT(issues[i].detail));
    return n;
}

static void progress(void *ctx, int64_t done, int64_t total)
{
    int64_t *calls = ctx;

    assert_true(done <= total);
    (*calls)++;
}

static void restore_and_open(void)
{
    struct kh_error err = {0};
    int64_t calls = 0;

    if (!kh_store_restore(&g.config, copy, progress, &calls, &err))
        fail_msg("%s", err.detail);
    assert_true(calls > 0);
    assert_true(kh_store_open(&g.config, &g.st, &err));
}

/* ---- tests ---- */

static void a_restored_copy_is_whole_and_verifies(void **state)
{
    struct kh_error err = {0};

    (void)state;
    add(f.st, 1, 50);
    fixture_settle(&f);
    assert_true(kh_event_checkpoint(f.st, &err));
    add(f.st, 50, 60);
    fixture_settle(&f);
    if (!kh_store_backup(f.st, copy, NULL, NULL, &err))
        fail_msg("%s", err.detail);
    add(f.st, 60, 70);
    restore_and_open();
    assert_int_equal(verify(&g), 0);
    assert_int_equal(fixture_ask(&g, "SELECT count(*) FROM t"), 59);
    assert_int_equal(fixture_ask(&g, "SELECT length(b) FROM t WHERE id = 7"), 3);
    assert_int_equal(fixture_ask(&g, "SELECT count(*) FROM t WHERE v LIKE '%Đống Đa 7'"), 1);
    assert_int_equal(kh_event_head(g.st), 59);
    /* It lives on: constraints and guards are there too. */
    add(g.st, 60, 65);
    assert_int_equal(verify(&g), 0);
    assert_int_equal(verify(&f), 0);
    assert_false(kh_store_run(g.st, "attack", KH_TX_WRITE, fixture_script,
                              (void *)(uintptr_t) "UPDATE event SET actor = 'x'", &err));
    if (fixture_is_pg()) {
        assert_int_equal(fixture_ask(&g, "SELECT nextval('t_seq')"), 2);
        assert_int_equal(fixture_ask(&g, "SELECT count(*) FROM w"), 63);
        assert_int_equal(fixture_ask(&g, "SELECT count(*) FROM pg_constraint c JOIN pg_class r"
                                         " ON r.oid = conrelid WHERE relname = 's' AND"
                                         " relnamespace = current_schema()::regnamespace"),
                         2);
    }
}

static void tampering_with_a_restored_copy_is_found(void **state)
{
    struct kh_error err = {0};

    (void)state;
    add(f.st, 1, 20);
    fixture_settle(&f);
    assert_true(kh_event_checkpoint(f.st, &err));
    assert_true(kh_store_backup(f.st, copy, NULL, NULL, &err));
    restore_and_open();
    fixture_tamper(&g, fixture_is_pg() ? "ALTER TABLE event DISABLE TRIGGER USER"
                                       : "DROP TRIGGER event_no_delete");
    fixture_tamper(&g, "DELETE FROM event WHERE seq > 15");
    assert_true(verify(&g) > 0);
}

static atomic_bool writing;

static void *load(void *ctx)
{
    int64_t id = 1000;
    struct kh_error err = {0};

    (void)ctx;
    for (; atomic_load(&writing); id++)
        if (!kh_store_run(f.st, "put", KH_TX_WRITE, put, &id, &err))
            break;
    return NULL;
}

static void copies_one_instant_while_others_write(void **state)
{
    struct kh_error err = {0};
    int64_t rows;
    pthread_t t;

    (void)state;
    add(f.st, 1, 300);
    atomic_store(&writing, true);
    pthread_create(&t, NULL, load, NULL);
    assert_true(kh_store_backup(f.st, copy, NULL, NULL, &err));
    atomic_store(&writing, false);
    pthread_join(t, NULL);
    restore_and_open();
    assert_int_equal(verify(&g), 0);
    rows = fixture_ask(&g, "SELECT count(*) FROM t");
    assert_true(rows >= 299);
    assert_int_equal(kh_event_head(g.st), rows);
}

static void going_back_to_an_older_copy_is_no_tampering(void **state)
{
    struct kh_error err = {0};

    (void)state;
    add(f.st, 1, 10);
    fixture_settle(&f);
    assert_true(kh_store_backup(f.st, copy, NULL, NULL, &err));
    add(f.st, 10, 20);
    kh_store_close(f.st);
    f.st = NULL;
    /* The database is lost; the signed heads in the anchor folder are newer than the copy. */
    g.config.anchor_dir = f.dir;
    restore_and_open();
    assert_int_equal(kh_event_head(g.st), 9);
    assert_int_equal(verify(&g), 0);
    add(g.st, 10, 12);
    fixture_reopen(&g);
    assert_int_equal(verify(&g), 0);
}

static void refuses_to_write_over_anything(void **state)
{
    struct kh_error err = {0};

    (void)state;
    add(f.st, 1, 3);
    assert_true(kh_store_backup(f.st, copy, NULL, NULL, &err));
    assert_false(kh_store_backup(f.st, copy, NULL, NULL, &err));
    assert_int_equal(err.code, KH_EC_IO);
    assert_false(kh_store_restore(&f.config, copy, NULL, NULL, &err));
    assert_int_equal(err.code, KH_EC_IO);
    assert_int_equal(verify(&f), 0);
}

static void refuses_a_damaged_copy_and_leaves_nothing(void **state)
{
    const char *name = fixture_is_pg() ? "pre.sql" : "city.db";
    struct kh_error err = {0};
    char path[160];
    FILE *file;

    (void)state;
    add(f.st, 1, 200);
    assert_true(kh_store_backup(f.st, copy, NULL, NULL, &err));
    snprintf(path, sizeof(path), "%s/%s", copy, name);
    file = fopen(path, "r+");
    assert_non_null(file);
    fseek(file, fixture_is_pg() ? 100 : 4096 * 3, SEEK_SET);
    for (int i = 0; i < 3000; i++)
        fputc('~', file);
    fclose(file);
    assert_false(kh_store_restore(&g.config, copy, NULL, NULL, &err));
    assert_int_equal(err.code, KH_EC_STORE_CORRUPT);
    if (fixture_is_pg()) {
        assert_int_equal(fixture_ask(&g, "SELECT count(*) FROM pg_class WHERE relnamespace ="
                                         " current_schema()::regnamespace"),
                         0);
    } else {
        snprintf(path, sizeof(path), "%s/city.db", g.dir);
        assert_int_not_equal(access(path, F_OK), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_restored_copy_is_whole_and_verifies, setup, teardown),
        cmocka_unit_test_setup_teardown(tampering_with_a_restored_copy_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(copies_one_instant_while_others_write, setup, teardown),
        cmocka_unit_test_setup_teardown(going_back_to_an_older_copy_is_no_tampering, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(refuses_to_write_over_anything, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_a_damaged_copy_and_leaves_nothing, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
