/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process_bench [INSTANCES [CLIENTS [TASKS [URL]]]]: what processes cost.
 *
 *   straight  start -> service task -> end, each durable, CLIENTS at a time
 *             yardstick: a bare SQLite loop that inserts the same instance row, 512 to a sync
 *   person    start -> user task with a deadline, then complete it -> end: two durable steps
 *   inbox     lists of 50 among TASKS open tasks of 600 units, by who asks (SQLite only)
 *
 * Published for comparison: 160-400 instances/s on a cluster of three, 1,089/s on 8 CPU without
 * history.
 */
#include "base/id.h"
#include "base/time.h"
#include "engine/process/process.h"
#include "store/event.h"
#include "store/store.h"

#include <pthread.h>
#include <semaphore.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DEFINITIONS(body)                                                                          \
    "<definitions xmlns=\"http://www.omg.org/spec/BPMN/20100524/MODEL\" "                          \
    "xmlns:kh=\"https://khue.vn/bpmn\">" body "</definitions>"

static const char models[] = DEFINITIONS(
    "<process id=\"straight\"><startEvent id=\"s\"/>"
    "<sequenceFlow id=\"f\" sourceRef=\"s\" targetRef=\"a\"/>"
    "<serviceTask id=\"a\" kh:function=\"bench.work\"/>"
    "<sequenceFlow id=\"g\" sourceRef=\"a\" targetRef=\"e\"/><endEvent id=\"e\"/></process>"
    "<process id=\"person\"><startEvent id=\"s\"/>"
    "<sequenceFlow id=\"f\" sourceRef=\"s\" targetRef=\"a\"/>"
    "<userTask id=\"a\" kh:role=\"officer\" kh:unit=\"unit\" kh:due=\"PT8H\" "
    "kh:calendar=\"default\"/>"
    "<sequenceFlow id=\"g\" sourceRef=\"a\" targetRef=\"e\"/><endEvent id=\"e\"/></process>");

struct city {
    struct kh_store *st;
    struct kh_registry *reg;
    struct kh_process *pe;
    struct kh_who who;
};

static void die(const char *what, const struct kh_error *err)
{
    fprintf(stderr, "%s: %s\n", what, err->detail);
    exit(1);
}

/* ---- many at a time ---- */

/* Places of the clients: what is free is on a stack, as steps end in any order. */
struct places {
    sem_t room;
    pthread_mutex_t lock;
    struct kh_arena **free;
    unsigned free_n;
};

struct step {
    struct city *city;
    struct places *places;
    struct kh_arena *a;
    const char *key;
    int64_t task; /* to complete, or 0: start */
    int64_t begun_us, *ret_wait;
    const struct kh_json *variables;
};

static bool step_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct step *s = ctx;
    struct kh_task t;
    int64_t id;

    kh_arena_reset(s->a);
    if (s->task)
        return kh_task_complete(tx, s->city->pe, s->a, s->task, NULL, &s->city->who, &t, err);
    return kh_process_start(tx, s->city->pe, s->a, kh_cstr(s->key), NULL, 0, s->variables,
                            &s->city->who, &id, err);
}

static void step_done(void *ctx, bool ok, const struct kh_error *err)
{
    struct step *s = ctx;

    if (!ok)
        die(s->key, err);
    *s->ret_wait = kh_mono_us() - s->begun_us;
    pthread_mutex_lock(&s->places->lock);
    s->places->free[s->places->free_n++] = s->a;
    pthread_mutex_unlock(&s->places->lock);
    sem_post(&s->places->room);
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static struct kh_arena *take_place(struct places *p)
{
    struct kh_arena *a;

    sem_wait(&p->room);
    pthread_mutex_lock(&p->lock);
    a = p->free[--p->free_n];
    pthread_mutex_unlock(&p->lock);
    return a;
}

static void run_all(struct city *city, const char *key, const int64_t *tasks, int64_t n,
                    unsigned clients, const struct kh_json *variables)
{
    struct step *steps = calloc((size_t)n, sizeof(*steps));
    int64_t *waits = calloc((size_t)n, sizeof(*waits)), begun;
    struct places places = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct kh_error err = {0};

    sem_init(&places.room, 0, clients);
    places.free = calloc(clients, sizeof(struct kh_arena *));
    while (places.free_n < clients)
        places.free[places.free_n++] = kh_arena_new(1 << 20);
    begun = kh_mono_us();
    for (int64_t i = 0; i < n; i++) {
        steps[i] = (struct step){.city = city,
                                 .places = &places,
                                 .a = take_place(&places),
                                 .key = key,
                                 .task = tasks ? tasks[i] : 0,
                                 .begun_us = kh_mono_us(),
                                 .ret_wait = &waits[i],
                                 .variables = variables};
        if (!kh_store_submit(city->st, "bench", step_in_tx, &steps[i], step_done, &err))
            die(key, &err);
    }
    for (unsigned i = 0; i < clients; i++)
        sem_wait(&places.room);
    begun = kh_mono_us() - begun;
    qsort(waits, (size_t)n, sizeof(*waits), by_size);
    printf("%-9s %8.0f /s durable   p50 %.2f ms  p99 %.2f ms\n", tasks ? "complete" : key,
           (double)n * 1e6 / (double)begun, (double)waits[n / 2] / 1e3,
           (double)waits[n * 99 / 100] / 1e3);
    while (places.free_n)
        kh_arena_drop(places.free[--places.free_n]);
    free(places.free);
    free(steps);
    free(waits);
}

static bool work(struct kh_step *step, const struct kh_json *inputs, void *ctx,
                 struct kh_json **ret_outputs, struct kh_error *err)
{
    (void)step, (void)inputs, (void)ctx, (void)ret_outputs, (void)err;
    return true;
}

static bool deploy_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct city *city = ctx;
    kh_auto_arena a = kh_arena_new(16 << 20);

    return kh_process_deploy(tx, city->pe, a, kh_cstr(models), err);
}

/* ---- the inbox ---- */

struct lister {
    struct city *city;
    struct kh_arena *a;
    struct kh_task_query q;
    size_t n;
    struct kh_str next;
    int64_t *ids;
};

static bool list_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct lister *l = ctx;
    struct kh_task *tasks;

    kh_arena_reset(l->a);
    if (!kh_task_list(tx, l->city->pe, l->a, &l->q, &tasks, &l->n, &l->next, err))
        return false;
    for (size_t i = 0; l->ids && i < l->n; i++)
        l->ids[i] = tasks[i].id;
    return true;
}

static void print_list(struct city *city, const char *what, const struct kh_task_query *q)
{
    struct kh_arena *a = kh_arena_new(64 << 20);
    struct lister l = {.city = city, .a = a, .q = *q};
    struct kh_error err = {0};
    int64_t begun = 0;

    for (int i = -2; i < 20; i++) {
        if (i == 0)
            begun = kh_mono_us();
        if (!kh_store_run(city->st, "bench_list", KH_TX_READ, list_in_tx, &l, &err))
            die(what, &err);
    }
    printf("inbox     %-34s %6.2f ms for %zu tasks\n", what, (double)(kh_mono_us() - begun) / 20e3,
           l.n);
    kh_arena_drop(a);
}

/* Rows as the engine makes them, put in behind its back because a million starts take a minute. */
static void fill_tasks(const char *dir, int64_t n)
{
    static const char sql[] =
        "INSERT INTO task SELECT (SELECT max(id) FROM process) + value, 1, 1, (SELECT id FROM process "
        "WHERE key = 'person'), 'person', 'a', 'report', value / 3, 'PA-2026-' || value, "
        "CASE WHEN value %% 40 = 0 THEN 'dispatcher' ELSE 'officer' END, "
        "'H26.' || (value * 7919 %% 126 + 1) || CASE value %% 5 WHEN 0 THEN '' ELSE '.' || (value %% 5) "
        "END, CASE WHEN value %% 10 = 0 THEN value %% 3000 + 1 ELSE 0 END, 0, value, "
        "1790000000000000 + (value * 104729 %% 1000003) * 1000000, 0, '', "
        "CASE WHEN value %% 10 = 0 THEN 1 ELSE 0 END, 1, 'default', 0 "
        "FROM (WITH RECURSIVE c(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM c LIMIT %lld) "
        "SELECT value FROM c)";
    char path[300], text[2000];
    sqlite3 *db;

    snprintf(path, sizeof(path), "%s/city.db", dir);
    snprintf(text, sizeof(text), sql, (long long)n);
    if (sqlite3_open(path, &db) != SQLITE_OK ||
        sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK) {
        fprintf(stderr, "fill: %s\n", sqlite3_errmsg(db));
        exit(1);
    }
    sqlite3_close(db);
}

static void inbox(struct city *city, const char *dir, int64_t n)
{
    struct kh_grant ward = {KH_S("officer"), KH_S("H26.19"), KH_FOREVER, 0};
    struct kh_grant desk = {KH_S("officer"), KH_S("H26.19.3"), KH_FOREVER, 0};
    struct kh_grant all = {KH_S("dispatcher"), KH_S("H26"), KH_FOREVER, 0};
    struct kh_grant chief = {KH_S("officer"), KH_S("H26"), KH_FOREVER, 0};
    struct kh_who who = {.kind = KH_WHO_ACCOUNT,
                         .account = 501,
                         .actor = KH_S("account:x"),
                         .grants = &ward,
                         .grants_n = 1};
    struct kh_task_query q = {.who = &who};
    int64_t begun = kh_mono_us();

    fill_tasks(dir, n);
    printf("inbox     %lld tasks filled in %.1f s\n", (long long)n,
           (double)(kh_mono_us() - begun) / 1e6);
    print_list(city, "officer of a ward and 4 desks below", &q);
    who.grants = &desk;
    print_list(city, "officer of one desk", &q);
    who.grants = &all;
    print_list(city, "dispatcher of the city (2.5 %)", &q);
    who.grants = &chief;
    print_list(city, "officer of the whole city", &q);
    q.unit = KH_S("H26.77");
    print_list(city, "the same, looking at one ward", &q);
    q = (struct kh_task_query){.who = &who, .mine = true};
    print_list(city, "mine", &q);
    q = (struct kh_task_query){.who = &who, .case_id = n / 6};
    print_list(city, "of one case", &q);
    who.grants_n = 0;
    q = (struct kh_task_query){.who = &who};
    print_list(city, "a claimer without a role", &q);
}

/* ---- the yardstick ---- */

static void bare_sqlite(const char *dir, int64_t n)
{
    static const char data[] = "{\"n\":1,\"t\":[],\"v\":{\"x\":1}}";
    char path[300];
    sqlite3 *db;
    sqlite3_stmt *st;
    int64_t begun;

    snprintf(path, sizeof(path), "%s/bare.db", dir);
    sqlite3_open(path, &db);
    sqlite3_exec(
        db,
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE instance(id INTEGER "
        "PRIMARY KEY, process_id INTEGER, case_type TEXT, case_id INTEGER, parent_id INTEGER, "
        "parent_token INTEGER, state INTEGER, started_us INTEGER, ended_us INTEGER, data TEXT) "
        "STRICT",
        NULL, NULL, NULL);
    sqlite3_prepare_v2(db, "INSERT INTO instance VALUES (?1, 1, '', 0, 0, 0, 1, ?2, ?2, ?3)", -1,
                       &st, NULL);
    begun = kh_mono_us();
    for (int64_t i = 0; i < n; i++) {
        if (i % 512 == 0)
            sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
        sqlite3_bind_int64(st, 1, kh_id_new());
        sqlite3_bind_int64(st, 2, kh_now_us());
        sqlite3_bind_text(st, 3, data, -1, SQLITE_STATIC);
        sqlite3_step(st);
        sqlite3_reset(st);
        if (i % 512 == 511 || i == n - 1)
            sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    }
    printf("yardstick %8.0f /s bare SQLite, the instance row alone, 512 to a sync\n",
           (double)n * 1e6 / (double)(kh_mono_us() - begun));
    sqlite3_finalize(st);
    sqlite3_close(db);
}

static void persons(struct city *city, int64_t n, unsigned clients)
{
    struct kh_arena *a = kh_arena_new(SIZE_MAX);
    struct kh_grant all = {KH_S("officer"), KH_S(""), KH_FOREVER, 0};
    struct kh_who who = {.kind = KH_WHO_ACCOUNT,
                         .account = 7,
                         .actor = KH_S("account:7"),
                         .grants = &all,
                         .grants_n = 1};
    struct lister l = {.city = city, .a = a, .q = {.who = &who, .limit = 1000}};
    int64_t *ids = calloc((size_t)n + 1000, sizeof(*ids)), got = 0;
    struct kh_str next = KH_S("");
    struct kh_error err = {0};
    struct kh_json *variables;
    char cursor[64];

    if (!kh_json_parse(a, KH_S("{\"unit\":\"H26.19\",\"x\":1}"), NULL, &variables, &err))
        die("json", &err);
    variables = kh_json_dup(a, variables);
    run_all(city, "person", NULL, n, clients, variables);
    l.a = kh_arena_new(SIZE_MAX);
    do {
        snprintf(cursor, sizeof(cursor), "%.*s", KH_FMT(next));
        l.q.after = kh_cstr(cursor);
        l.ids = ids + got;
        if (!kh_store_run(city->st, "bench_list", KH_TX_READ, list_in_tx, &l, &err))
            die("list", &err);
        got += (int64_t)l.n;
        next = l.next;
    } while (next.n && got < n);
    run_all(city, "complete", ids, got < n ? got : n, clients, NULL);
    free(ids);
    kh_arena_drop(l.a);
    kh_arena_drop(a);
}

int main(int argc, char **argv)
{
    int64_t n = argc > 1 ? strtoll(argv[1], NULL, 10) : 100000;
    unsigned clients = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 512;
    int64_t tasks = argc > 3 ? strtoll(argv[3], NULL, 10) : 200000;
    char dir[] = "/tmp/process_bench.XXXXXX", command[300];
    struct kh_store_config config = {.url = argc > 4 ? argv[4] : dir};
    struct city city = {.who = kh_who_system(KH_S("bench"))};
    struct kh_error err = {0};

    if (!mkdtemp(dir))
        return 1;
    config.anchor_dir = dir;
    if (!kh_store_open(&config, &city.st, &err) || !kh_registry_open(city.st, &city.reg, &err) ||
        !kh_process_open(city.st, city.reg, &city.pe, &err))
        die("open", &err);
    kh_process_service(city.pe, "bench.work", work, NULL);
    if (!kh_store_run(city.st, "deploy", KH_TX_WRITE, deploy_in_tx, &city, &err))
        die("deploy", &err);
    bare_sqlite(dir, n);
    run_all(&city, "straight", NULL, n, clients, NULL);
    persons(&city, n / 4, clients);
    if (argc <= 4 && tasks)
        inbox(&city, dir, tasks);
    kh_process_close(city.pe);
    kh_registry_close(city.reg);
    kh_store_close(city.st);
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    return system(command);
}
