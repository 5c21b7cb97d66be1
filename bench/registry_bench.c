/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry_bench [SIZE [ROWS [URL]]]: what the registry costs at a size.
 *
 *   fill     SIZE records by import (a type with three local indexes and search), to have a size
 *   import   ROWS more of them, beside a bare SQLite loop that inserts the same rows in the same
 *            batches into a table of that size with the same indexes and search
 *   create   ROWS durable creates, 64 at a time, prepared on this thread
 *   get      point reads with the outside form
 *   list     pages of 50 by unit and state; words; box
 * The budget of import is 30,000 records a second into a million.
 */
#include "base/buf.h"
#include "base/hash.h"
#include "base/time.h"
#include "engine/registry/import.h"
#include "engine/registry/registry.h"

#include <semaphore.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS = 64, BATCH = 500, LINE = 420 };

static const char schema[] =
    "{\"type\":\"object\",\"x-kh\":{\"sensitivity\":\"public\",\"unit\":\"unit\",\"state\":\"status\","
    "\"index\":[[\"unit\",\"status\"]]},\"properties\":{"
    "\"code\":{\"type\":\"string\",\"maxLength\":20},"
    "\"name\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":200,\"x-kh\":{\"search\":true}},"
    "\"unit\":{\"type\":\"string\",\"maxLength\":35},"
    "\"status\":{\"type\":\"string\",\"enum\":[\"new\",\"done\",\"refused\"]},"
    "\"seen_at\":{\"type\":\"string\",\"format\":\"date-time\",\"x-kh\":{\"index\":true}},"
    "\"batch\":{\"type\":\"integer\",\"x-kh\":{\"index\":true}},"
    "\"text\":{\"type\":\"string\",\"maxLength\":1000}},"
    "\"required\":[\"code\",\"name\",\"unit\"],\"additionalProperties\":false}";

static const char *const streets[] = {"Lý Thường Kiệt", "Trần Hưng Đạo", "Hàng Bông", "Kim Mã",
                                      "Nguyễn Trãi",    "Đê La Thành",  "Láng Hạ",  "Giải Phóng"};
static const char *const things[] = {"đèn đường hỏng", "ổ gà sâu", "rác chưa thu gom",
                                     "cây nghiêng", "nắp cống vỡ", "biển báo mờ"};

static uint64_t seed = 88172645463325252U;

static unsigned rnd(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 20);
}

/* Rows come as they do in life: units interleaved, times and batches growing. */
static int line(char *out, size_t max, int64_t i)
{
    return snprintf(out, max,
                    "{\"code\":\"R%lld\",\"name\":\"%s phố %s số %u\",\"unit\":\"H26.%u\","
                    "\"status\":\"%s\",\"seen_at\":\"2026-%02d-%02dT%02d:%02d:%02dZ\",\"batch\":%lld,"
                    "\"text\":\"Người dân phản ánh tình trạng kéo dài nhiều ngày, đề nghị xử lý sớm.\"}\n",
                    (long long)i, things[rnd() % 6], streets[rnd() % 8], rnd() % 400,
                    rnd() % 126 + 1, rnd() % 3 ? "new" : "done", (int)(i / 80000 % 12) + 1,
                    (int)(i / 3000 % 28) + 1, (int)(i / 120 % 24), (int)(i / 2 % 60),
                    (int)(i * 30 % 60), (long long)(i / 1000));
}

static struct kh_store *st;
static struct kh_registry *reg;
static struct kh_arena *a;
static int64_t next_row;

static void stop(const char *what, const struct kh_error *err)
{
    fprintf(stderr, "%s: %s (%s:%d)\n", what, err->detail, err->file, err->line);
    exit(1);
}

static bool put_type(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct kh_json *v;

    (void)ctx;
    return kh_json_parse(a, kh_cstr(schema), NULL, &v, err) &&
           kh_type_put(tx, reg, a, KH_S("thing"), v, err);
}

static const struct kh_type *type(void)
{
    return kh_type_find(reg, KH_S("thing"));
}

/* What all threads of this program have used: tells of the cost on a machine that others use too. */
static double cpu_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double import_cpu_us;

static double import(int64_t rows)
{
    char *text = malloc((size_t)rows * LINE + 1);
    size_t n = 0;
    struct kh_who who = kh_who_system(KH_S("bench"));
    struct kh_import in = {.type = type(), .how = {.who = &who, .trusted = true}};
    struct kh_import_report r;
    struct kh_error err = {0};
    int64_t t0;

    for (int64_t i = 0; i < rows; i++)
        n += (size_t)line(text + n, LINE, next_row++);
    in.input = kh_str(text, n);
    t0 = kh_mono_us();
    import_cpu_us = -cpu_s();
    if (!kh_import_run(st, reg, a, &in, &r, &err) || r.created != rows)
        stop("import", &err);
    import_cpu_us = (import_cpu_us + cpu_s()) * 1e6 / (double)rows;
    free(text);
    return (double)rows * 1e6 / (double)(kh_mono_us() - t0);
}

/* ---- the yardstick ---- */

static void must(int rc, sqlite3 *db)
{
    if (rc == SQLITE_OK || rc == SQLITE_DONE || rc == SQLITE_ROW)
        return;
    fprintf(stderr, "yardstick: %s\n", sqlite3_errmsg(db));
    exit(1);
}

static double bare(const char *dir, int64_t size, int64_t rows)
{
    char path[200], json[LINE];
    sqlite3 *db;
    sqlite3_stmt *row, *words;
    int64_t t0 = 0;

    snprintf(path, sizeof(path), "%s/bare.db", dir);
    must(sqlite3_open(path, &db), db);
    must(sqlite3_exec(db,
                      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536;"
                      "CREATE TABLE t(id INTEGER PRIMARY KEY, unit TEXT, status TEXT, seen INTEGER, "
                      "batch INTEGER, search TEXT, data TEXT) STRICT;"
                      "CREATE INDEX t1 ON t(unit, status, id); CREATE INDEX t2 ON t(seen, id);"
                      "CREATE INDEX t3 ON t(batch, id);"
                      "CREATE VIRTUAL TABLE f USING fts5(search, content='t', content_rowid='id', "
                      "columnsize=0, detail=none, tokenize='ascii')",
                      NULL, NULL, NULL),
         db);
    must(sqlite3_prepare_v2(db, "INSERT INTO t VALUES (?,?,?,?,?,?,?)", -1, &row, NULL), db);
    must(sqlite3_prepare_v2(db, "INSERT INTO f(rowid, search) VALUES (?,?)", -1, &words, NULL), db);
    for (int64_t i = 0; i < size + rows; i++) {
        char unit[20], search[80];
        int n = line(json, sizeof(json), i);

        if (i == size)
            t0 = kh_mono_us();
        if (i % BATCH == 0)
            must(sqlite3_exec(db, "BEGIN", NULL, NULL, NULL), db);
        snprintf(unit, sizeof(unit), "H26.%u", rnd() % 126 + 1);
        snprintf(search, sizeof(search), "den duong hong pho ly thuong kiet so %u", rnd() % 400);
        sqlite3_bind_int64(row, 1, i + ((int64_t)1 << 52));
        sqlite3_bind_text(row, 2, unit, -1, SQLITE_STATIC);
        sqlite3_bind_text(row, 3, rnd() % 3 ? "new" : "done", -1, SQLITE_STATIC);
        sqlite3_bind_int64(row, 4, i * 1000000);
        sqlite3_bind_int64(row, 5, i / 1000);
        sqlite3_bind_text(row, 6, search, -1, SQLITE_STATIC);
        sqlite3_bind_text(row, 7, json, n, SQLITE_STATIC);
        must(sqlite3_step(row), db);
        sqlite3_reset(row);
        sqlite3_bind_int64(words, 1, i + ((int64_t)1 << 52));
        sqlite3_bind_text(words, 2, search, -1, SQLITE_STATIC);
        must(sqlite3_step(words), db);
        sqlite3_reset(words);
        if (i % BATCH == BATCH - 1)
            must(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), db);
    }
    t0 = kh_mono_us() - t0;
    sqlite3_finalize(row);
    sqlite3_finalize(words);
    sqlite3_close(db);
    return (double)rows * 1e6 / (double)t0;
}

/* ---- creates ---- */

struct one {
    struct kh_arena *a;
    struct kh_draft *d;
    struct kh_record r;
    sem_t *room;
};

static bool insert(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct one *x = ctx;

    return kh_record_insert(tx, reg, x->a, x->d, &x->r, err);
}

static void inserted(void *ctx, bool ok, const struct kh_error *err)
{
    struct one *x = ctx;

    if (!ok)
        stop("create", err);
    sem_post(x->room);
}

static double create(int64_t rows, int64_t *ids)
{
    struct kh_who who = kh_who_system(KH_S("bench"));
    struct kh_write how = {.who = &who, .trusted = true};
    struct one *x = calloc(CLIENTS, sizeof(*x));
    sem_t room[CLIENTS];
    struct kh_error err = {0};
    int64_t t0 = kh_mono_us();

    for (int i = 0; i < CLIENTS; i++) {
        sem_init(&room[i], 0, 1);
        x[i].room = &room[i];
        x[i].a = kh_arena_new(1 << 24);
    }
    for (int64_t i = 0; i < rows; i++) {
        struct one *o = &x[i % CLIENTS];
        char json[LINE];
        struct kh_json *v;

        sem_wait(o->room);
        if (o->r.id)
            ids[i - CLIENTS] = o->r.id;
        kh_arena_reset(o->a);
        line(json, sizeof(json), next_row++);
        if (!kh_json_parse(o->a, kh_cstr(json), NULL, &v, &err) ||
            !kh_record_prepare(reg, o->a, type(), v, &how, &o->d, &err) ||
            !kh_store_submit(st, "bench_create", insert, o, inserted, &err))
            stop("create", &err);
    }
    for (int i = 0; i < CLIENTS; i++) {
        sem_wait(&room[i]);
        ids[rows - CLIENTS + i] = x[i].r.id;
        kh_arena_drop(x[i].a);
        sem_destroy(&room[i]);
    }
    free(x);
    return (double)rows * 1e6 / (double)(kh_mono_us() - t0);
}

/* ---- reads ---- */

struct ask {
    struct kh_arena *a;
    int64_t id;
    struct kh_record r;
    struct kh_list q;
    struct kh_page p;
};

static bool read_one(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct ask *k = ctx;

    return kh_record_open(tx, reg, k->a, type(), k->id, 0, 0, &kh_who_public, KH_OP_READ, &k->r,
                          err) == KH_HIT;
}

static bool read_list(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct ask *k = ctx;

    return kh_record_list(tx, reg, k->a, type(), &k->q, &k->p, err);
}

static double gets(const int64_t *ids, int64_t n, int64_t times)
{
    struct ask k = {.a = kh_arena_new(1 << 24)};
    struct kh_error err = {0};
    int64_t t0 = kh_mono_us();

    for (int64_t i = 0; i < times; i++) {
        struct kh_buf b;

        kh_arena_reset(k.a);
        k.id = ids[rnd() % (unsigned)n];
        if (!kh_store_run(st, "bench_get", KH_TX_READ, read_one, &k, &err))
            stop("get", &err);
        b = kh_buf(k.a, 1 << 16);
        kh_record_render(k.a, reg, &k.r, &kh_who_public, &b);
    }
    kh_arena_drop(k.a);
    return (double)times * 1e6 / (double)(kh_mono_us() - t0);
}

static double lists(struct kh_list q, int64_t times, size_t *ret_n)
{
    struct ask k = {.a = kh_arena_new((size_t)1 << 28), .q = q};
    struct kh_error err = {0};
    int64_t t0 = kh_mono_us();

    for (int64_t i = 0; i < times; i++) {
        kh_arena_reset(k.a);
        k.q.who = &kh_who_public;
        if (!kh_store_run(st, "bench_list", KH_TX_READ, read_list, &k, &err))
            stop("list", &err);
        *ret_n = k.p.n;
    }
    t0 = kh_mono_us() - t0;
    kh_arena_drop(k.a);
    return (double)t0 / (double)times;
}

static void show_list(const char *name, struct kh_list q)
{
    size_t n = 0;
    double us = lists(q, 200, &n);

    printf("  list %-28s %8.0f us for %zu\n", name, us, n);
}

int main(int argc, char **argv)
{
    int64_t size = argc > 1 ? atoll(argv[1]) : 100000, rows = argc > 2 ? atoll(argv[2]) : 50000;
    char dir[] = "/tmp/kh-registry-bench-XXXXXX", cmd[100];
    struct kh_store_config config = {0};
    struct kh_error err = {0};
    int64_t *ids = calloc((size_t)rows + CLIENTS, sizeof(*ids));
    struct kh_filter by[2] = {{KH_S("unit"), KH_F_EQ, KH_S("H26.7")},
                              {KH_S("status"), KH_F_EQ, KH_S("new")}};
    double imported, bare_rate;

    a = kh_arena_new((size_t)1 << 34);
    if (!mkdtemp(dir))
        return 1;
    config.url = argc > 3 ? argv[3] : dir;
    config.anchor_dir = dir;
    if (!kh_store_open(&config, &st, &err) || !kh_registry_open(st, &reg, &err) ||
        !kh_store_run(st, "put", KH_TX_WRITE, put_type, NULL, &err))
        stop("open", &err);
    printf("registry at %lld records\n", (long long)size);
    if (size)
        printf("  fill                    %10.0f/s\n", import(size));
    imported = import(rows);
    printf("  import                  %10.0f/s   %.1f us of CPU each\n", imported, import_cpu_us);
    printf("  create, 64 in flight    %10.0f/s\n", create(rows, ids));
    printf("  get and render          %10.0f/s\n", gets(ids, rows, 200000));
    show_list("newest", (struct kh_list){0});
    show_list("by unit and status", (struct kh_list){.filters = by, .filters_n = 2});
    show_list("by unit, sorted by time", (struct kh_list){.filters = by, .filters_n = 1,
                                                          .sort = KH_S("-seen_at")});
    show_list("words: den duong ly", (struct kh_list){.q = KH_S("đèn đường ly")});
    show_list("words: so 12", (struct kh_list){.q = KH_S("số 12")});
    kh_registry_close(reg);
    kh_store_close(st);
    if (argc <= 3) {
        bare_rate = bare(dir, size, rows);
        printf("  bare SQLite, same rows  %10.0f/s   import is %.2f of it\n", bare_rate,
               imported / bare_rate);
    }
    snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
    free(ids);
    return system(cmd) != 0;
}
