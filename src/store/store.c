/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include "base/hash.h"
#include "base/time.h"
#include "store/backup.h"
#include "store/checkpoint.h"
#include "store/store_driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void *kh_store_alloc(size_t n)
{
    void *p = calloc(1, n ? n : 1);

    KH_REQUIRE(p != NULL);
    return p;
}

void *kh_store_grow(void *old, size_t n)
{
    void *p = realloc(old, n ? n : 1);

    KH_REQUIRE(p != NULL);
    return p;
}

/* ---- hooks ---- */

void kh_hook_add(struct kh_hooks *h, void (*fn)(void *ctx), void *ctx)
{
    if (h->n == h->cap) {
        h->cap = h->cap ? h->cap * 2 : 16;
        h->items = kh_store_grow(h->items, h->cap * sizeof(*h->items));
    }
    h->items[h->n++] = (struct kh_hook){fn, ctx};
}

void kh_hooks_run(struct kh_hooks *h)
{
    for (size_t i = 0; i < h->n; i++)
        h->items[i].fn(h->items[i].ctx);
    h->n = 0;
}

void kh_hooks_free(struct kh_hooks *h)
{
    free(h->items);
    *h = (struct kh_hooks){0};
}

/* ---- the queue ---- */

void kh_queue_init(struct kh_queue *q, size_t max)
{
    pthread_condattr_t attr;

    *q = (struct kh_queue){.max = max, .cap = 64};
    q->ring = kh_store_alloc(q->cap * sizeof(*q->ring));
    pthread_mutex_init(&q->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&q->ready, &attr);
    pthread_condattr_destroy(&attr);
}

void kh_queue_free(struct kh_queue *q)
{
    pthread_cond_destroy(&q->ready);
    pthread_mutex_destroy(&q->lock);
    free(q->ring);
}

static void queue_widen(struct kh_queue *q)
{
    size_t cap = q->cap * 2;
    struct kh_job *ring = kh_store_alloc(cap * sizeof(*ring));

    for (size_t i = 0; i < q->n; i++)
        ring[i] = q->ring[(q->head + i) % q->cap];
    free(q->ring);
    q->ring = ring;
    q->cap = cap;
    q->head = 0;
}

bool kh_queue_put(struct kh_queue *q, const struct kh_job *job, struct kh_error *err)
{
    bool wake;

    pthread_mutex_lock(&q->lock);
    if (q->n >= q->max || q->stop) {
        bool stop = q->stop;

        pthread_mutex_unlock(&q->lock);
        return kh_fail(err, KH_EC_OVERLOADED, "%s: %s", job->name,
                       stop ? "the store is closing" : "the queue of writes is full");
    }
    if (q->n == q->cap)
        queue_widen(q);
    q->ring[(q->head + q->n++) % q->cap] = *job;
    wake = q->sleepers > 0;
    pthread_mutex_unlock(&q->lock);
    /* Under load nobody sleeps, and a job costs no system call. */
    if (wake)
        pthread_cond_signal(&q->ready);
    return true;
}

/* With the lock held: wait until there is something, or the queue is stopped. */
static void wait_for_job(struct kh_queue *q, int64_t wait_us)
{
    int64_t at = kh_mono_us() + wait_us;
    struct timespec until = {.tv_sec = at / 1000000, .tv_nsec = at % 1000000 * 1000};

    q->sleepers++;
    while (q->n == 0 && !q->stop)
        if (pthread_cond_timedwait(&q->ready, &q->lock, &until) != 0)
            break;
    q->sleepers--;
}

bool kh_queue_wait(struct kh_queue *q, int64_t wait_us)
{
    bool news;

    pthread_mutex_lock(&q->lock);
    if (q->n == 0 && !q->stop)
        wait_for_job(q, wait_us);
    news = q->n > 0 || q->stop;
    pthread_mutex_unlock(&q->lock);
    return news;
}

size_t kh_queue_take(struct kh_queue *q, struct kh_job *out, size_t max, unsigned share,
                     int64_t wait_us)
{
    size_t n;

    pthread_mutex_lock(&q->lock);
    if (q->n == 0 && !q->stop && wait_us > 0)
        wait_for_job(q, wait_us);
    n = (q->n + share - 1) / share;
    n = n < max ? n : max;
    for (size_t i = 0; i < n; i++)
        out[i] = q->ring[(q->head + i) % q->cap];
    q->head = (q->head + n) % q->cap;
    q->n -= n;
    pthread_mutex_unlock(&q->lock);
    return n;
}

void kh_queue_stop(struct kh_queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->stop = true;
    pthread_cond_broadcast(&q->ready);
    pthread_mutex_unlock(&q->lock);
}

bool kh_queue_stopped(struct kh_queue *q)
{
    bool stop;

    pthread_mutex_lock(&q->lock);
    stop = q->stop && q->n == 0;
    pthread_mutex_unlock(&q->lock);
    return stop;
}

size_t kh_queue_length(struct kh_queue *q)
{
    size_t n;

    pthread_mutex_lock(&q->lock);
    n = q->n;
    pthread_mutex_unlock(&q->lock);
    return n;
}

/* ---- open and close ---- */

static void fill_config(struct kh_store *st, const struct kh_store_config *c)
{
    bool pg = st->kind == KH_STORE_POSTGRES;

    st->config = *c;
    st->url = strdup(c->url);
    KH_REQUIRE(st->url != NULL);
    st->config.url = st->url;
    if (c->anchor_dir || !pg) {
        st->anchor_dir = strdup(c->anchor_dir ? c->anchor_dir : c->url);
        KH_REQUIRE(st->anchor_dir != NULL);
    }
    st->config.anchor_dir = st->anchor_dir;
    st->config.readers = c->readers ? c->readers : 4;
    st->config.writers = c->writers ? c->writers : 4;
    st->config.batch_max = c->batch_max ? c->batch_max : 512;
    st->config.queue_max = c->queue_max ? c->queue_max : 16384;
    st->config.cache_bytes = c->cache_bytes ? c->cache_bytes : (size_t)64 << 20;
    st->config.map_bytes = c->map_bytes ? c->map_bytes : (size_t)0x7fff0000;
}

static bool load_events(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    (void)ctx;
    return kh_event_load(tx, err);
}

void kh_store_keep(struct kh_store *st, void *p, void (*drop)(void *p))
{
    struct kh_kept *k = kh_store_alloc(sizeof(*k));

    *k = (struct kh_kept){.p = p, .drop = drop};
    pthread_mutex_lock(&st->kept_lock);
    k->next = st->kept;
    st->kept = k;
    pthread_mutex_unlock(&st->kept_lock);
}

static void store_free(struct kh_store *st)
{
    while (st->kept) {
        struct kh_kept *k = st->kept;

        st->kept = k->next;
        k->drop(k->p);
        free(k);
    }
    pthread_mutex_destroy(&st->kept_lock);
    kh_anchor_close(st->anchor);
    kh_arena_drop(st->fresh.a);
    pthread_mutex_destroy(&st->follow_lock);
    free(st->followers);
    free(st->fresh.events);
    free(st->url);
    free(st->anchor_dir);
    free(st);
}

static bool is_pg(const char *url)
{
    struct kh_str s = kh_cstr(url);

    return kh_str_starts(s, KH_S("postgres://")) || kh_str_starts(s, KH_S("postgresql://"));
}

static bool open_store(const struct kh_store_config *config, bool restored,
                       struct kh_store **ret_store, struct kh_error *err)
{
    struct kh_store *st = kh_store_alloc(sizeof(*st));
    bool pg = is_pg(config->url);

    st->kind = pg ? KH_STORE_POSTGRES : KH_STORE_SQLITE;
    st->checkpoint_due_us = INT64_MAX;
    st->fresh.a = kh_arena_new((size_t)64 << 20);
    pthread_mutex_init(&st->follow_lock, NULL);
    pthread_mutex_init(&st->kept_lock, NULL);
    fill_config(st, config);
    if (!(pg ? kh_postgres_open(st, err) : kh_sqlite_open(st, err))) {
        store_free(st);
        return false;
    }
    st->migrating = true;
    if (!kh_migrate(st, err))
        goto out;
    st->migrating = false;
    if (!kh_store_run(st, "event_load", KH_TX_WRITE, load_events, NULL, err) ||
        !kh_anchor_open(st, restored, err) || (st->driver->ready && !st->driver->ready(st, err)))
        goto out;
    *ret_store = st;
    return true;
out:
    st->driver->close(st);
    store_free(st);
    return false;
}

bool kh_store_open(const struct kh_store_config *config, struct kh_store **ret_store,
                   struct kh_error *err)
{
    return open_store(config, false, ret_store, err);
}

void kh_store_close(struct kh_store *st)
{
    struct kh_error err = {0};

    if (!st)
        return;
    if (st->driver->settle)
        st->driver->settle(st);
    /* Best effort: a database that is gone must not keep the server from stopping. */
    kh_anchor_sign_close(st, &err);
    st->driver->close(st);
    store_free(st);
}

void kh_store_rest(struct kh_store *st)
{
    if (st->driver->rest)
        st->driver->rest(st);
}

enum kh_store_kind kh_store_kind(const struct kh_store *st)
{
    return st->kind;
}

/* ---- transactions ---- */

/* One who waits for his write. */
struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool answered, ok;
    struct kh_error *err;
};

static void answer(void *ctx, bool ok, const struct kh_error *err)
{
    struct waiter *w = ctx;

    pthread_mutex_lock(&w->lock);
    w->ok = ok;
    if (!ok)
        *w->err = *err;
    w->answered = true;
    pthread_cond_signal(&w->done);
    pthread_mutex_unlock(&w->lock);
}

/* A job hands its callback both its own context and the waiter's. */
struct waiting_job {
    struct waiter w;
    kh_tx_fn fn;
    void *ctx;
};

static bool run_waiting(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct waiting_job *j = ctx;

    return j->fn(tx, j->ctx, err);
}

static void answer_waiting(void *ctx, bool ok, const struct kh_error *err)
{
    struct waiting_job *j = ctx;

    answer(&j->w, ok, err);
}

bool kh_store_run(struct kh_store *st, const char *name, enum kh_tx_mode mode, kh_tx_fn fn,
                  void *ctx, struct kh_error *err)
{
    struct waiting_job j = {
        .w = {.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER, .err = err},
        .fn = fn,
        .ctx = ctx};
    struct kh_job job = {name, run_waiting, &j, answer_waiting};

    if (mode == KH_TX_READ)
        return st->driver->read(st, name, fn, ctx, err);
    KH_REQUIRE(!st->driver->inside(st)); /* it would wait for itself */
    if (!st->driver->submit(st, &job, err))
        return false;
    pthread_mutex_lock(&j.w.lock);
    while (!j.w.answered)
        pthread_cond_wait(&j.w.done, &j.w.lock);
    pthread_mutex_unlock(&j.w.lock);
    pthread_cond_destroy(&j.w.done);
    pthread_mutex_destroy(&j.w.lock);
    return j.w.ok;
}

bool kh_store_submit(struct kh_store *st, const char *name, kh_tx_fn fn, void *ctx, kh_tx_done done,
                     struct kh_error *err)
{
    struct kh_job job = {name, fn, ctx, done};

    return st->driver->submit(st, &job, err);
}

bool kh_tx_fail(struct kh_tx *tx, const struct kh_error *err)
{
    if (!tx->failed) {
        tx->failed = true;
        tx->why = *err;
    }
    return false;
}

bool kh_tx_call(struct kh_tx *tx, kh_tx_fn fn, void *ctx, struct kh_error *err)
{
    tx->failed = false;
    tx->retry = false;
    tx->events = false;
    if (!fn(tx, ctx, err))
        return false;
    if (tx->failed) {
        *err = tx->why;
        return false;
    }
    return true;
}

struct kh_store *kh_tx_store(const struct kh_tx *tx)
{
    return tx->st;
}

enum kh_tx_mode kh_tx_mode(const struct kh_tx *tx)
{
    return tx->mode;
}

uint64_t kh_tx_writes(const struct kh_tx *tx)
{
    return tx->writes;
}

void kh_tx_after_commit(struct kh_tx *tx, void (*fn)(void *ctx), void *ctx)
{
    KH_REQUIRE(tx->hooks != NULL);
    kh_hook_add(tx->hooks, fn, ctx);
}

bool kh_tx_script(struct kh_tx *tx, const char *sql, struct kh_error *err)
{
    if (tx->failed) {
        *err = tx->why;
        return false;
    }
    return tx->st->driver->script(tx, sql, err) || kh_tx_fail(tx, err);
}

/* ---- statements ---- */

uint64_t kh_query_hash(const struct kh_query *q, const char *text)
{
    uintptr_t h = (uintptr_t)q->sql >> 4;

    if (q->passing)
        return kh_hash64(kh_cstr(text), 0);
    h ^= h >> 9;
    h *= 0x9e3779b97f4a7c15U;
    return h >> 20;
}

/* What does not begin with SELECT may write. */
static void count(struct kh_tx *tx, const struct kh_sql *sql)
{
    const char *text = sql->text ? sql->text : sql->text_pg;

    tx->writes += !text || strncmp(text, "SELECT", 6) != 0;
}

bool kh_query_open(struct kh_query *q, struct kh_tx *tx, const struct kh_sql *sql,
                   struct kh_error *err)
{
    count(tx, sql);
    if (tx->failed) {
        *err = tx->why;
        return false;
    }
    *q = (struct kh_query){.tx = tx, .sql = sql};
    return tx->st->driver->open(q, err) || kh_tx_fail(tx, err);
}

bool kh_query_open_passing(struct kh_query *q, struct kh_tx *tx, const struct kh_sql *sql,
                           struct kh_error *err)
{
    count(tx, sql);
    if (tx->failed) {
        *err = tx->why;
        return false;
    }
    *q = (struct kh_query){.tx = tx, .sql = sql, .passing = true};
    return tx->st->driver->open(q, err) || kh_tx_fail(tx, err);
}

void kh_query_drop(struct kh_query *q)
{
    if (q->driver)
        q->tx->st->driver->drop(q);
    q->driver = NULL;
}

void kh_bind_int(struct kh_query *q, int n, int64_t v)
{
    q->tx->st->driver->bind_int(q, n, v);
}

void kh_bind_real(struct kh_query *q, int n, double v)
{
    q->tx->st->driver->bind_real(q, n, v);
}

void kh_bind_text(struct kh_query *q, int n, struct kh_str s)
{
    if (s.p)
        q->tx->st->driver->bind_text(q, n, s);
    else
        q->tx->st->driver->bind_null(q, n);
}

void kh_bind_blob(struct kh_query *q, int n, struct kh_str s)
{
    if (s.p)
        q->tx->st->driver->bind_blob(q, n, s);
    else
        q->tx->st->driver->bind_null(q, n);
}

void kh_bind_null(struct kh_query *q, int n)
{
    q->tx->st->driver->bind_null(q, n);
}

enum kh_hit kh_query_next(struct kh_query *q, struct kh_error *err)
{
    enum kh_hit hit = q->tx->st->driver->next(q, err);

    if (hit == KH_FAIL)
        kh_tx_fail(q->tx, err);
    return hit;
}

bool kh_query_run(struct kh_query *q, int64_t *ret_changes, struct kh_error *err)
{
    enum kh_hit hit;

    do
        hit = kh_query_next(q, err);
    while (hit == KH_HIT);
    if (hit == KH_FAIL)
        return false;
    if (ret_changes)
        *ret_changes = q->tx->st->driver->changes(q);
    return true;
}

bool kh_query_post(struct kh_query *q, struct kh_error *err)
{
    if (!q->tx->st->driver->post)
        return kh_query_run(q, NULL, err);
    if (q->tx->failed) {
        *err = q->tx->why;
        return false;
    }
    return q->tx->st->driver->post(q, err) || kh_tx_fail(q->tx, err);
}

int64_t kh_col_int(struct kh_query *q, int i)
{
    return q->tx->st->driver->col_int(q, i);
}

double kh_col_real(struct kh_query *q, int i)
{
    return q->tx->st->driver->col_real(q, i);
}

struct kh_str kh_col_text(struct kh_query *q, int i)
{
    return q->tx->st->driver->col_text(q, i);
}

struct kh_str kh_col_blob(struct kh_query *q, int i)
{
    return q->tx->st->driver->col_blob(q, i);
}

bool kh_col_null(struct kh_query *q, int i)
{
    return q->tx->st->driver->col_null(q, i);
}

/* ---- life ---- */

void kh_store_stats(struct kh_store *st, struct kh_store_stats *ret)
{
    *ret = (struct kh_store_stats){
        .commits = st->commits,
        .callbacks = st->callbacks,
        .rollbacks = st->rollbacks,
        .retries = st->retries,
        .fsync_us_sum = st->fsync_us,
        .events = st->events,
    };
    st->driver->stats(st, ret);
}

bool kh_store_backup(struct kh_store *st, const char *to, kh_progress_fn progress, void *ctx,
                     struct kh_error *err)
{
    return st->driver->backup(st, to, progress, ctx, err);
}

bool kh_store_restore(const struct kh_store_config *config, const char *from,
                      kh_progress_fn progress, void *ctx, struct kh_error *err)
{
    bool pg = is_pg(config->url);
    const char *anchors = config->anchor_dir ? config->anchor_dir : pg ? NULL : config->url;
    struct kh_store *st;

    if (!(pg ? kh_pg_restore(config, from, progress, ctx, err)
             : kh_sqlite_restore(config, from, progress, ctx, err)))
        return false;
    if (anchors && (!kh_backup_target(anchors, "", err) || !kh_anchor_copy(from, anchors, err)))
        return false;
    if (!open_store(config, true, &st, err))
        return false;
    kh_store_close(st);
    return true;
}
