/* SPDX-License-Identifier: Apache-2.0 */
#include "store_fixture.h"

#include "base/fault.h"
#include "base/id.h"
#include "base/time.h"
#include "store/sqlite_impl.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

static const struct kh_sql insert_sql = {"t_insert", "INSERT INTO t(id, v) VALUES ($1, $2)", NULL};
static const struct kh_sql value_sql = {"t_value", "SELECT v FROM t WHERE id = $1", NULL};
static const struct kh_sql count_sql = {"t_count", "SELECT count(*) FROM t", NULL};

static struct store_fixture f;

static bool make_table(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    bool pg = kh_store_kind(kh_tx_store(tx)) == KH_STORE_POSTGRES;

    (void)ctx;
    return kh_tx_script(tx,
                        pg ? "CREATE TABLE t(id bigint PRIMARY KEY, v text, r double precision,"
                             " b bytea)"
                           : "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT, r REAL, b BLOB)",
                        err);
}

static int setup(void **state)
{
    struct kh_error err = {0};

    (void)state;
    fixture_open(&f);
    assert_true(kh_store_run(f.st, "make", KH_TX_WRITE, make_table, NULL, &err));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kh_fault_arm(NULL, 0);
    fixture_drop(&f);
    return 0;
}

/* ---- little callbacks ---- */

struct row {
    int64_t id;
    const char *v;
    bool fail_after, event;
};

static bool put(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct row *r = ctx;
    struct kh_event e = {.kind = KH_S("t.create"), .subject = r->id, .data = KH_S("{}")};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &insert_sql, err))
        return false;
    kh_bind_int(&q, 1, r->id);
    kh_bind_text(&q, 2, kh_cstr(r->v));
    if (!kh_query_run(&q, NULL, err) || (r->event && !kh_event_append(tx, &e, err)))
        return false;
    return !r->fail_after || kh_fail(err, KH_EC_BODY_INVALID, "as told");
}

static bool put_row(int64_t id, const char *v, struct kh_error *err)
{
    struct row r = {.id = id, .v = v};

    return kh_store_run(f.st, "put", KH_TX_WRITE, put, &r, err);
}

static bool count(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    int64_t *n = ctx;
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &count_sql, err) || kh_query_next(&q, err) != KH_HIT)
        return false;
    *n = kh_col_int(&q, 0);
    return true;
}

static int64_t rows(void)
{
    struct kh_error err = {0};
    int64_t n = -1;

    assert_true(kh_store_run(f.st, "count", KH_TX_READ, count, &n, &err));
    return n;
}

/* What verification of the log finds. */
static size_t issues(void)
{
    kh_auto_arena a = kh_arena_new(1 << 20);
    struct kh_verify_issue *found;
    struct kh_error err = {0};
    int64_t events;
    size_t n = 0;

    assert_true(kh_event_verify(f.st, a, NULL, NULL, &found, &n, &events, &err));
    return n;
}

/* ---- jobs ---- */

struct tally {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    unsigned ok, failed;
    enum kh_ec last;
};

static void tally_done(void *ctx, bool ok, const struct kh_error *err)
{
    struct tally *t = ctx;

    pthread_mutex_lock(&t->lock);
    if (ok)
        t->ok++;
    else {
        t->failed++;
        t->last = err->code;
    }
    pthread_cond_signal(&t->moved);
    pthread_mutex_unlock(&t->lock);
}

static void tally_wait(struct tally *t, unsigned n)
{
    pthread_mutex_lock(&t->lock);
    while (t->ok + t->failed < n)
        pthread_cond_wait(&t->moved, &t->lock);
    pthread_mutex_unlock(&t->lock);
}

#define TALLY                                                                                      \
    {                                                                                              \
        .lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER                       \
    }

struct counted {
    struct row row;
    struct tally *t;
};

static bool put_counted(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct counted *c = ctx;

    return put(tx, &c->row, err);
}

static void done_counted(void *ctx, bool ok, const struct kh_error *err)
{
    struct counted *c = ctx;

    tally_done(c->t, ok, err);
}

/* ---- tests ---- */

static bool all_kinds(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    static const struct kh_sql in = {"t_kinds_in",
                                     "INSERT INTO t(v, id, r, b) VALUES ($2, $1, $4, $3)", NULL};
    static const struct kh_sql out = {"t_kinds_out", "SELECT id, v, r, b, v IS NULL FROM t", NULL};
    kh_auto(kh_query) q = {0};
    kh_auto(kh_query) p = {0};
    int64_t changes = -1;

    (void)ctx;
    assert_true(kh_query_open(&q, tx, &in, err));
    kh_bind_int(&q, 1, INT64_MIN + 1);
    kh_bind_text(&q, 2, kh_cstr("Hà Nội"));
    kh_bind_blob(&q, 3, kh_str("a\0\xff", 3));
    kh_bind_real(&q, 4, 0.1);
    assert_true(kh_query_run(&q, &changes, err));
    assert_int_equal(changes, 1);
    assert_true(kh_query_open(&p, tx, &out, err));
    assert_int_equal(kh_query_next(&p, err), KH_HIT);
    assert_true(kh_col_int(&p, 0) == INT64_MIN + 1);
    assert_true(kh_str_is(kh_col_text(&p, 1), "Hà Nội"));
    assert_true(kh_col_real(&p, 2) == 0.1);
    assert_true(kh_str_eq(kh_col_blob(&p, 3), kh_str("a\0\xff", 3)));
    assert_false(kh_col_null(&p, 3));
    assert_int_equal(kh_query_next(&p, err), KH_MISS);
    assert_int_equal(kh_query_next(&p, err), KH_MISS);
    return true;
}

static void keeps_every_kind_of_value(void **state)
{
    struct kh_error err = {0};

    (void)state;
    assert_true(kh_store_run(f.st, "kinds", KH_TX_WRITE, all_kinds, NULL, &err));
}

static bool nulls(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    static const struct kh_sql in = {"t_null_in", "INSERT INTO t(id, v, b) VALUES ($1, $2, $3)",
                                     NULL};
    static const struct kh_sql out = {"t_null_out", "SELECT v, b FROM t ORDER BY id", NULL};
    kh_auto(kh_query) q = {0};
    kh_auto(kh_query) p = {0};

    (void)ctx;
    assert_true(kh_query_open(&q, tx, &in, err));
    kh_bind_int(&q, 1, 1);
    kh_bind_text(&q, 2, kh_str(NULL, 0));
    kh_bind_null(&q, 3);
    assert_true(kh_query_run(&q, NULL, err));
    kh_query_drop(&q);
    assert_true(kh_query_open(&q, tx, &in, err));
    kh_bind_int(&q, 1, 2);
    kh_bind_text(&q, 2, KH_S(""));
    kh_bind_blob(&q, 3, KH_S(""));
    assert_true(kh_query_run(&q, NULL, err));
    assert_true(kh_query_open(&p, tx, &out, err));
    assert_int_equal(kh_query_next(&p, err), KH_HIT);
    assert_true(kh_col_null(&p, 0) && kh_col_null(&p, 1));
    assert_null(kh_col_text(&p, 0).p);
    assert_null(kh_col_blob(&p, 1).p);
    assert_int_equal(kh_query_next(&p, err), KH_HIT);
    assert_false(kh_col_null(&p, 0) || kh_col_null(&p, 1));
    assert_non_null(kh_col_text(&p, 0).p);
    assert_non_null(kh_col_blob(&p, 1).p);
    return true;
}

static void tells_empty_from_absent(void **state)
{
    struct kh_error err = {0};

    (void)state;
    assert_true(kh_store_run(f.st, "nulls", KH_TX_WRITE, nulls, NULL, &err));
}

static bool bad_parameter(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    return kh_query_open(&q, tx, ctx, err);
}

static void refuses_parameters_that_are_not_numbered(void **state)
{
    static const struct kh_sql bad[] = {
        {"cast", "SELECT v FROM t WHERE v = $1::text", "SELECT v FROM t WHERE v = :v"},
        {"question", "SELECT v FROM t WHERE id = ?", "SELECT v FROM t WHERE id = $a"},
        {"named", "SELECT v FROM t WHERE id = :id", "SELECT v FROM t WHERE id = $0"},
        {"gap", "SELECT v FROM t WHERE id = $1 OR id = $3", NULL},
        {"two", "SELECT 1; SELECT 2", NULL},
    };

    (void)state;
    for (size_t i = 0; i < KH_LEN(bad); i++) {
        struct kh_error err = {0};
        struct kh_sql copy = bad[i];

        assert_false(kh_store_run(f.st, "bad", KH_TX_READ, bad_parameter, (void *)&copy, &err));
        assert_int_not_equal(err.code, KH_EC_OK);
    }
    assert_int_equal(rows(), 0);
}

static void rolls_back_one_of_many(void **state)
{
    struct tally t = TALLY;
    struct counted c[60];
    struct kh_error err = {0};

    (void)state;
    for (unsigned i = 0; i < KH_LEN(c); i++) {
        c[i] = (struct counted){.row = {.id = i, .v = "x", .fail_after = i % 7 == 3, .event = true},
                                .t = &t};
        assert_true(kh_store_submit(f.st, "put", put_counted, &c[i], done_counted, &err));
    }
    tally_wait(&t, KH_LEN(c));
    assert_int_equal(t.failed, 9);
    assert_int_equal(t.last, KH_EC_BODY_INVALID);
    assert_int_equal(rows(), 51);
    /* Those that failed gave their numbers in the log back. */
    fixture_settle(&f);
    assert_int_equal(kh_event_head(f.st), 51);
    assert_int_equal(issues(), 0);
}

static bool post(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct counted *c = ctx;
    struct row other = {.id = c->row.id + 1000, .v = "x", .event = true};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &insert_sql, err))
        return false;
    kh_bind_int(&q, 1, c->row.id);
    kh_bind_text(&q, 2, KH_S("posted"));
    if (!kh_query_post(&q, err))
        return false;
    return c->row.id % 2 || put(tx, &other, err); /* the last statement, or not */
}

static void a_posted_write_fails_its_own_callback_only(void **state)
{
    struct tally t = TALLY;
    struct counted c[40];
    struct kh_error err = {0};

    (void)state;
    assert_true(put_row(5, "there", &err));
    assert_true(put_row(12, "there", &err));
    c[0] = (struct counted){.row = {.id = 5}};
    assert_false(kh_store_run(f.st, "post", KH_TX_WRITE, post, &c[0], &err));
    assert_int_equal(err.code, KH_EC_STORE_CONSTRAINT);
    for (unsigned i = 0; i < KH_LEN(c); i++) {
        c[i] = (struct counted){.row = {.id = i}, .t = &t};
        assert_true(kh_store_submit(f.st, "post", post, &c[i], done_counted, &err));
    }
    tally_wait(&t, KH_LEN(c));
    assert_int_equal(t.failed, 2);
    assert_int_equal(t.last, KH_EC_STORE_CONSTRAINT);
    assert_int_equal(rows(), 40 + 19);
    fixture_settle(&f);
    assert_int_equal(kh_event_head(f.st), 19);
}

static void tells_constraint_from_failure(void **state)
{
    struct kh_error err = {0};

    (void)state;
    assert_true(put_row(1, "a", &err));
    assert_false(put_row(1, "b", &err));
    assert_int_equal(err.code, KH_EC_STORE_CONSTRAINT);
    assert_true(put_row(2, "c", &err));
    assert_int_equal(rows(), 2);
}

static bool careless(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct row r = {.id = 1, .v = "again"};
    struct row other = {.id = 9, .v = "other"};

    (void)ctx;
    (void)put(tx, &other, err);
    (void)put(tx, &r, err); /* fails, and nobody looks */
    return true;
}

static void a_failed_statement_fails_its_callback(void **state)
{
    struct kh_error err = {0};

    (void)state;
    assert_true(put_row(1, "a", &err));
    assert_false(kh_store_run(f.st, "careless", KH_TX_WRITE, careless, NULL, &err));
    assert_int_equal(err.code, KH_EC_STORE_CONSTRAINT);
    assert_int_equal(rows(), 1);
}

static void a_reader_sees_what_was_committed_before(void **state)
{
    struct kh_error err = {0};

    (void)state;
    for (int i = 0; i < 100; i++) {
        assert_true(put_row(i, "x", &err));
        assert_int_equal(rows(), i + 1);
        assert_int_equal(rows(), i + 1);
    }
}

static bool write_in_read(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    return put(tx, ctx, err);
}

static void a_reading_cannot_write(void **state)
{
    struct row r = {.id = 1, .v = "x"};
    struct kh_error err = {0};

    (void)state;
    assert_false(kh_store_run(f.st, "sneaky", KH_TX_READ, write_in_read, &r, &err));
    assert_int_equal(rows(), 0);
}

static bool nested(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    int64_t *inner = ctx, outer = -1;

    return count(tx, &outer, err) &&
           kh_store_run(kh_tx_store(tx), "inner", KH_TX_READ, count, inner, err) && *inner == outer;
}

static void a_reading_may_hold_another(void **state)
{
    struct kh_error err = {0};
    int64_t n = -1;

    (void)state;
    assert_true(kh_store_run(f.st, "nested", KH_TX_READ, nested, &n, &err));
    assert_int_equal(n, 0);
}

struct hooked {
    struct row row;
    int calls;
};

static void hook(void *ctx)
{
    struct hooked *h = ctx;

    h->calls++;
}

static bool put_hooked(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct hooked *h = ctx;

    kh_tx_after_commit(tx, hook, h);
    return put(tx, &h->row, err);
}

static void hooks_run_once_and_only_after_a_commit(void **state)
{
    struct hooked good = {.row = {.id = 1, .v = "x"}};
    struct hooked bad = {.row = {.id = 2, .v = "x", .fail_after = true}};
    struct kh_error err = {0};

    (void)state;
    assert_true(kh_store_run(f.st, "good", KH_TX_WRITE, put_hooked, &good, &err));
    assert_false(kh_store_run(f.st, "bad", KH_TX_WRITE, put_hooked, &bad, &err));
    assert_true(put_row(3, "x", &err));
    assert_int_equal(good.calls, 1);
    assert_int_equal(bad.calls, 0);
}

static bool twice_open(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    kh_auto(kh_query) outer = {0};
    kh_auto(kh_query) inner = {0};
    int64_t *sum = ctx;

    *sum = 0;
    for (int i = 1; i <= 2; i++) {
        if (!kh_query_open(i == 1 ? &outer : &inner, tx, &value_sql, err))
            return false;
        kh_bind_int(i == 1 ? &outer : &inner, 1, i);
    }
    while (kh_query_next(&outer, err) == KH_HIT)
        while (kh_query_next(&inner, err) == KH_HIT)
            *sum += kh_col_text(&outer, 0).p[0] * 1000 + kh_col_text(&inner, 0).p[0];
    return true;
}

static void one_statement_can_be_open_twice(void **state)
{
    struct kh_error err = {0};
    int64_t sum;

    (void)state;
    assert_true(put_row(1, "a", &err));
    assert_true(put_row(2, "b", &err));
    assert_true(kh_store_run(f.st, "twice", KH_TX_READ, twice_open, &sum, &err));
    assert_int_equal(sum, 'a' * 1000 + 'b');
}

/* ---- statements that pass ---- */

struct passing {
    char text[80];
    struct kh_sql sql;
};

static bool open_passing(struct kh_query *q, struct kh_tx *tx, struct passing *p, int n,
                         struct kh_error *err)
{
    snprintf(p->text, sizeof(p->text), "SELECT CAST($1 AS bigint) + %d", n);
    p->sql = (struct kh_sql){"t_passing", p->text, NULL};
    return kh_query_open_passing(q, tx, &p->sql, err);
}

/* When the statement was prepared: on PostgreSQL in microseconds; on SQLite how often it has run. */
static int64_t age_of(struct kh_tx *tx, struct kh_query *q, int64_t *ret_kept, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "t_age",
        "SELECT count(*), min(CASE WHEN statement = $1 THEN "
        "CAST(extract(epoch FROM prepare_time) * 1000000 AS bigint) END) "
        "FROM pg_prepared_statements WHERE statement LIKE 'SELECT CAST($1 AS bigint) + %'",
        NULL};
    kh_auto(kh_query) ask = {0};

    if (!fixture_is_pg()) {
        struct kh_sqlite_conn *c = tx->conn;
        struct kh_stmt *stmt = q->driver;

        *ret_kept = (int64_t)c->passing_n;
        return sqlite3_stmt_status(stmt->stmt, SQLITE_STMTSTATUS_RUN, 0);
    }
    assert_true(kh_query_open(&ask, tx, &sql, err));
    kh_bind_text(&ask, 1, kh_cstr(q->sql->text));
    assert_int_equal(kh_query_next(&ask, err), KH_HIT);
    *ret_kept = kh_col_int(&ask, 0);
    return kh_col_int(&ask, 1);
}

static int64_t run_passing(struct kh_tx *tx, int n, int64_t *ret_kept, struct kh_error *err)
{
    struct passing p;
    kh_auto(kh_query) q = {0};

    assert_true(open_passing(&q, tx, &p, n, err));
    kh_bind_int(&q, 1, 1000);
    assert_int_equal(kh_query_next(&q, err), KH_HIT);
    assert_int_equal(kh_col_int(&q, 0), 1000 + n);
    return ret_kept ? age_of(tx, &q, ret_kept, err) : 0;
}

static bool many_pass(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    int64_t kept = 0, first = run_passing(tx, 1, &kept, err), now;
    struct passing p;
    kh_auto(kh_query) held = {0};

    (void)ctx;
    assert_true(open_passing(&held, tx, &p, 0, err));
    kh_bind_int(&held, 1, 5);
    for (int n = 2; n < 3000; n++) {
        run_passing(tx, n, NULL, err);
        if (n % 100 == 0) {
            now = run_passing(tx, 1, &kept, err);
            assert_true(fixture_is_pg() ? now == first : now > n / 100);
            assert_true(kept <= KH_PASSING_MAX);
        }
    }
    assert_int_equal(kept, KH_PASSING_MAX);
    /* One that was open all the time has stayed what it was; one long forgotten comes again. */
    assert_int_equal(kh_query_next(&held, err), KH_HIT);
    assert_int_equal(kh_col_int(&held, 0), 5);
    run_passing(tx, 2, NULL, err);
    return true;
}

static void passing_statements_go_when_they_were_not_used_for_longest(void **state)
{
    struct kh_error err = {0};

    (void)state;
    assert_true(kh_store_run(f.st, "pass", KH_TX_READ, many_pass, NULL, &err));
    assert_true(kh_store_run(f.st, "pass", KH_TX_WRITE, many_pass, NULL, &err));
}

static bool columns(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    static const struct kh_sql sql = {"t_all", "SELECT * FROM t ORDER BY id DESC", NULL};
    int64_t *last = ctx;
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err) || kh_query_next(&q, err) != KH_HIT)
        return false;
    *last = kh_col_int(&q, 0);
    return true;
}

static void statements_live_through_a_change_of_their_table(void **state)
{
    struct kh_error err = {0};
    int64_t v = 0;

    (void)state;
    assert_true(put_row(7, "a", &err));
    for (int i = 0; i < 3; i++) {
        char sql[64];

        snprintf(sql, sizeof(sql), "ALTER TABLE t ADD COLUMN more%d BIGINT", i);
        assert_true(kh_store_run(f.st, "columns", KH_TX_READ, columns, &v, &err));
        assert_true(kh_store_run(f.st, "columns", KH_TX_WRITE, columns, &v, &err));
        fixture_settle(&f);
        if (fixture_is_pg()) /* any of the reading connections may hold the old plan */
            fixture_tamper(&f, sql);
        else
            assert_true(kh_store_run(f.st, "alter", KH_TX_WRITE, fixture_script, sql, &err));
        if (!kh_store_run(f.st, "columns", KH_TX_READ, columns, &v, &err) ||
            !kh_store_run(f.st, "columns", KH_TX_WRITE, columns, &v, &err))
            fail_msg("%s", err.detail);
        assert_int_equal(v, 7);
    }
}

static void stays_after_reopening(void **state)
{
    struct kh_error err = {0};

    (void)state;
    assert_true(put_row(1, "a", &err));
    fixture_reopen(&f);
    assert_int_equal(rows(), 1);
}

static void refuses_a_database_from_the_future(void **state)
{
    struct kh_error err = {0};
    struct kh_store *st;

    (void)state;
    kh_store_close(f.st);
    f.st = NULL;
    fixture_tamper(&f, "INSERT INTO schema_migration SELECT 9999, 'later', checksum, 0"
                       " FROM schema_migration WHERE number = 1");
    assert_false(kh_store_open(&f.config, &st, &err));
    assert_int_equal(err.code, KH_EC_STORE_MIGRATION);
}

static void refuses_a_changed_migration(void **state)
{
    struct kh_error err = {0};
    struct kh_store *st;

    (void)state;
    kh_store_close(f.st);
    f.st = NULL;
    fixture_tamper(&f,
                   fixture_is_pg()
                       ? "UPDATE schema_migration SET checksum = decode(repeat('00', 32), 'hex')"
                         " WHERE number = 1"
                       : "UPDATE schema_migration SET checksum = zeroblob(32) WHERE number = 1");
    assert_false(kh_store_open(&f.config, &st, &err));
    assert_int_equal(err.code, KH_EC_STORE_MIGRATION);
}

static int node_of_new_ids(void)
{
    return (int)(kh_id_new() >> 12 & (KH_ID_NODES - 1));
}

/* The number is of the process, so the store that opened last decides; here both are in one. */
static void two_at_one_place_make_different_ids(void **state)
{
    struct kh_store_config config = f.config;
    struct kh_store *second;
    struct kh_error err = {0};
    int first_node = node_of_new_ids(), second_node;

    (void)state;
    config.url = f.url;
    assert_true(kh_store_open(&config, &second, &err));
    second_node = node_of_new_ids();
    kh_store_close(second);
    assert_int_not_equal(second_node, first_node);
    assert_true(kh_store_open(&config, &second, &err));
    assert_int_equal(node_of_new_ids(), second_node);
    kh_store_close(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keeps_every_kind_of_value, setup, teardown),
        cmocka_unit_test_setup_teardown(tells_empty_from_absent, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_parameters_that_are_not_numbered, setup, teardown),
        cmocka_unit_test_setup_teardown(rolls_back_one_of_many, setup, teardown),
        cmocka_unit_test_setup_teardown(a_posted_write_fails_its_own_callback_only, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(tells_constraint_from_failure, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failed_statement_fails_its_callback, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reader_sees_what_was_committed_before, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reading_cannot_write, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reading_may_hold_another, setup, teardown),
        cmocka_unit_test_setup_teardown(hooks_run_once_and_only_after_a_commit, setup, teardown),
        cmocka_unit_test_setup_teardown(one_statement_can_be_open_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(passing_statements_go_when_they_were_not_used_for_longest,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(statements_live_through_a_change_of_their_table, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(two_at_one_place_make_different_ids, setup, teardown),
        cmocka_unit_test_setup_teardown(stays_after_reopening, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_a_database_from_the_future, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_a_changed_migration, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
