/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_bench [ROWS [CLIENTS [URL]]]: what the store costs above bare SQLite. With the address of
 * an empty PostgreSQL schema the store is there, and the bare loop stays SQLite's.
 *
 *   insert   ROWS durable inserts of one row from 4 threads, CLIENTS at a time in all, against a
 *            bare loop of the same statement in the same batches (one sync each)
 *   create   the same with an event of the log for each row (no yardstick: bare SQLite has none)
 *            p50, p99 and the longest wait from submit to done are those of the clients
 *   read     point reads on a kept snapshot, against a bare prepared statement
 */
#include "base/hash.h"
#include "base/time.h"
#include "store/event.h"
#include "store/store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <semaphore.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { THREADS = 4, DATA_BYTES = 400 };

static const char table[] =
    "CREATE TABLE bench(id INTEGER PRIMARY KEY, unit TEXT NOT NULL, status TEXT NOT NULL,"
    " data TEXT NOT NULL) STRICT; CREATE INDEX bench_unit ON bench(unit, status)";
static const char table_pg[] =
    "CREATE TABLE bench(id bigint PRIMARY KEY, unit text NOT NULL, status text NOT NULL,"
    " data text NOT NULL); CREATE INDEX bench_unit ON bench(unit, status)";
static const struct kh_sql insert = {
    "bench_insert", "INSERT INTO bench(id, unit, status, data) VALUES ($1, $2, $3, $4)", NULL};
static const struct kh_sql find = {"bench_find", "SELECT data FROM bench WHERE id = $1", NULL};

static char data[DATA_BYTES];

struct client {
    struct kh_store *st;
    sem_t *room;
    atomic_llong *next;
    int64_t last;
    bool event;
};

struct job {
    struct client *c;
    int64_t id, start_us;
};

/* How long each write took, in the order of their ends. */
static int64_t *waits;
static atomic_size_t waits_n;

static struct kh_str unit_of(int64_t id, char z[16])
{
    return kh_str(z, (size_t)snprintf(z, 16, "H26.%03d", (int)(id * 7919 % 126)));
}

static bool put(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    const struct job *j = ctx;
    char z[16];
    struct kh_event e = {.kind = KH_S("record.create"),
                         .type = KH_S("report"),
                         .subject = j->id,
                         .about = j->id,
                         .actor = KH_S("account:0r1e9vdm2x1k0"),
                         .data = KH_S("{\"status\":\"new\"}")};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &insert, err))
        return false;
    kh_bind_int(&q, 1, j->id);
    e.unit = unit_of(j->id, z);
    kh_bind_text(&q, 2, e.unit);
    kh_bind_text(&q, 3, KH_S("new"));
    kh_bind_text(&q, 4, kh_str(data, sizeof(data)));
    return kh_query_run(&q, NULL, err) && (!j->c->event || kh_event_append(tx, &e, err));
}

static void done(void *ctx, bool ok, const struct kh_error *err)
{
    struct job *j = ctx;

    if (!ok) {
        fprintf(stderr, "insert failed: %s\n", err->detail);
        exit(1);
    }
    waits[atomic_fetch_add(&waits_n, 1)] = kh_mono_us() - j->start_us;
    sem_post(j->c->room);
    free(j);
}

static void *client(void *ctx)
{
    struct client *c = ctx;
    int64_t id;

    while ((id = atomic_fetch_add(c->next, 1)) < c->last) {
        struct job *j = malloc(sizeof(*j));
        struct kh_error err = {0};

        sem_wait(c->room);
        *j = (struct job){c, id, kh_mono_us()};
        if (!kh_store_submit(c->st, "bench", put, j, done, &err))
            exit(1);
    }
    return NULL;
}

/* @return seconds; *ret_batch gets the rows of an average transaction */
static double insert_all(struct kh_store *st, int64_t first, int64_t n, unsigned clients,
                         bool event, double *ret_batch)
{
    struct kh_store_stats before, after;
    atomic_llong next = first;
    pthread_t threads[THREADS];
    sem_t room;
    struct client c = {st, &room, &next, first + n, event};
    int64_t start;

    sem_init(&room, 0, clients);
    kh_store_stats(st, &before);
    start = kh_mono_us();
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, client, &c);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < clients; i++)
        sem_wait(&room);
    start = kh_mono_us() - start;
    kh_store_stats(st, &after);
    *ret_batch = (double)n / (double)(after.commits - before.commits);
    sem_destroy(&room);
    return (double)start / 1e6;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void print_waits(void)
{
    qsort(waits, waits_n, sizeof(*waits), by_size);
    printf("         wait p50 %.2f ms, p99 %.2f ms, longest %.2f ms\n",
           (double)waits[waits_n / 2] / 1e3, (double)waits[waits_n * 99 / 100] / 1e3,
           (double)waits[waits_n - 1] / 1e3);
    waits_n = 0;
}

static void must(sqlite3 *db, int rc)
{
    if (rc != SQLITE_OK && rc != SQLITE_DONE && rc != SQLITE_ROW) {
        fprintf(stderr, "sqlite: %s\n", sqlite3_errmsg(db));
        exit(1);
    }
}

static sqlite3 *bare_open(const char *dir)
{
    char path[256];
    sqlite3 *db;

    snprintf(path, sizeof(path), "%s/bare.db", dir);
    must(NULL, sqlite3_open(path, &db));
    must(db, sqlite3_exec(db,
                          "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                          "PRAGMA cache_size=-65536",
                          NULL, NULL, NULL));
    must(db, sqlite3_exec(db, table, NULL, NULL, NULL));
    return db;
}

static double bare_insert(sqlite3 *db, int64_t n, int64_t batch)
{
    sqlite3_stmt *q;
    int64_t start = kh_mono_us();

    must(db, sqlite3_prepare_v2(db, insert.text, -1, &q, NULL));
    for (int64_t id = 1; id <= n; id++) {
        char z[16];
        struct kh_str unit = unit_of(id, z);

        if ((id - 1) % batch == 0)
            must(db, sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL));
        sqlite3_bind_int64(q, 1, id);
        sqlite3_bind_text(q, 2, unit.p, (int)unit.n, SQLITE_STATIC);
        sqlite3_bind_text(q, 3, "new", 3, SQLITE_STATIC);
        sqlite3_bind_text(q, 4, data, sizeof(data), SQLITE_STATIC);
        must(db, sqlite3_step(q));
        sqlite3_reset(q);
        if (id % batch == 0 || id == n)
            must(db, sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
    }
    start = kh_mono_us() - start;
    sqlite3_finalize(q);
    return (double)start / 1e6;
}

struct reads {
    int64_t id, bytes;
};

static bool read_one(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct reads *r = ctx;
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &find, err))
        return false;
    kh_bind_int(&q, 1, r->id);
    if (kh_query_next(&q, err) != KH_HIT)
        return false;
    r->bytes += (int64_t)kh_col_text(&q, 0).n;
    return true;
}

static double read_all(struct kh_store *st, int64_t rows, int64_t n)
{
    struct reads r = {0};
    struct kh_error err = {0};
    int64_t start = kh_mono_us();

    for (int64_t i = 0; i < n; i++) {
        r.id = 1 + i * 7919 % rows;
        if (!kh_store_run(st, "read", KH_TX_READ, read_one, &r, &err))
            exit(1);
    }
    return (double)(kh_mono_us() - start) / (double)n;
}

static double bare_read(sqlite3 *db, int64_t rows, int64_t n, bool keep)
{
    sqlite3_stmt *q;
    int64_t start, bytes = 0;

    must(db, sqlite3_prepare_v2(db, find.text, -1, &q, NULL));
    if (keep)
        must(db, sqlite3_exec(db, "BEGIN", NULL, NULL, NULL));
    start = kh_mono_us();
    for (int64_t i = 0; i < n; i++) {
        sqlite3_bind_int64(q, 1, 1 + i * 7919 % rows);
        must(db, sqlite3_step(q));
        sqlite3_column_text(q, 0);
        bytes += sqlite3_column_bytes(q, 0);
        sqlite3_reset(q);
    }
    start = kh_mono_us() - start;
    sqlite3_finalize(q);
    if (keep)
        must(db, sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
    return bytes ? (double)start / (double)n : 0;
}

static bool make(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    (void)ctx;
    return kh_tx_script(tx, kh_store_kind(kh_tx_store(tx)) == KH_STORE_SQLITE ? table : table_pg,
                        err);
}

int main(int argc, char **argv)
{
    int64_t rows = argc > 1 ? atoll(argv[1]) : 100000, reads = argc > 3 ? 20000 : 500000;
    unsigned clients = argc > 2 ? (unsigned)atoi(argv[2]) : 64;
    char dir[] = "/tmp/khue-bench-XXXXXX", cmd[64];
    struct kh_store_config config = {.url = argc > 3 ? argv[3] : dir, .anchor_dir = dir};
    struct kh_error err = {0};
    struct kh_store *st;
    double ours, bare, batch, event_batch;
    sqlite3 *db;

    memset(data, 'x', sizeof(data));
    waits = calloc((size_t)rows, sizeof(*waits));
    if (!mkdtemp(dir) || !kh_store_open(&config, &st, &err) ||
        !kh_store_run(st, "make", KH_TX_WRITE, make, NULL, &err)) {
        fprintf(stderr, "%s\n", err.detail);
        return 1;
    }
    db = bare_open(dir);
    ours = insert_all(st, 1, rows, clients, false, &batch);
    bare = bare_insert(db, rows, (int64_t)(batch + 0.5));
    printf("insert  %8.0f/s  bare SQLite %8.0f/s  ratio %.2f  (%.1f rows a commit)\n",
           (double)rows / ours, (double)rows / bare, bare / ours, batch);
    print_waits();
    ours = insert_all(st, rows + 1, rows, clients, true, &event_batch);
    printf("create  %8.0f/s  with an event each              (%.1f rows a commit)\n",
           (double)rows / ours, event_batch);
    print_waits();
    ours = read_all(st, rows, reads);
    bare = bare_read(db, rows, reads, true);
    printf("read    %8.2f us bare SQLite %8.2f us in one snapshot, %.2f us without\n", ours, bare,
           bare_read(db, rows, reads, false));
    sqlite3_close(db);
    kh_store_close(st);
    free(waits);
    snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
    return system(cmd) != 0;
}
