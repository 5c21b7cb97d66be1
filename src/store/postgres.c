/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PostgreSQL driver: a pool of connections for reading, threads with a connection each for
 * writing, one more for the log (pg_seal.c).
 *
 * A writer takes its share of what waits and runs it in one serializable transaction. Like the
 * SQLite committer it does so without savepoints until a callback fails half-way. A batch that
 * loses a conflict runs again; one that loses twice runs alone in this process. One that loses even
 * then has met another process: it tells all of them, and for a while they bracket their batches
 * with a lock of the database, shared as a rule and alone for who keeps losing, so that every batch
 * comes to an end.
 *
 * Rows that are made together stand together, so writers that look before they insert meet on the
 * same page of an index, and PostgreSQL counts that as a conflict. Then fewer writers with longer
 * batches are faster: each conflict takes one off duty, and long peace brings one back.
 */
#include "base/fault.h"
#include "base/time.h"
#include "store/backup.h"
#include "store/pg_impl.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    BATCH_MAX = 256,      /* callbacks in one transaction */
    CAREFUL_MAX = 64,     /* ... with savepoints: more than that spill in the server */
    CAREFUL_BATCHES = 32, /* with savepoints, after a callback failed half-way */
    PATIENCE = 64,        /* batches without a conflict before another writer joins */
    PATIENCE_MAX = 4096,
    TRIES = 16,       /* of a batch that loses conflicts */
    TRIES_SHARED = 2, /* ... of these beside other batches */
    TRIES_HERE = 4,   /* ... and of these without a word to other processes */

    LOCK_WORD = 0x6b686377, /* "khcw" */
};

#define BATCH_US (15 * (int64_t)1000)
#define WAIT_US  KH_US_S
#define CROWD_US (10 * KH_US_S) /* how long a meeting with another process is remembered */

static const char begin_write[] = "BEGIN ISOLATION LEVEL SERIALIZABLE";
static const char begin_read[] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/* ---- reading ---- */

static struct kh_pg_conn *pool_take(struct kh_pg *p)
{
    struct kh_pg_conn *c;

    pthread_mutex_lock(&p->pool_lock);
    while (!p->pool)
        pthread_cond_wait(&p->pool_free, &p->pool_lock);
    c = p->pool;
    p->pool = c->next;
    pthread_mutex_unlock(&p->pool_lock);
    return c;
}

static void pool_give(struct kh_pg *p, struct kh_pg_conn *c)
{
    pthread_mutex_lock(&p->pool_lock);
    c->next = p->pool;
    p->pool = c;
    pthread_cond_signal(&p->pool_free);
    pthread_mutex_unlock(&p->pool_lock);
}

/* The end of a reading is sent but not waited for: nothing depends on its answer. */
static void read_end(struct kh_pg_conn *c)
{
    if (!c->in_tx || c->lost) {
        c->in_tx = false;
        return;
    }
    c->in_tx = false;
    if (!PQsendQueryParams(c->pg, "COMMIT", 0, NULL, NULL, NULL, NULL, 0) || !PQpipelineSync(c->pg))
        c->lost = true;
    else
        c->undrained++;
}

static void forget_statements(struct kh_pg_conn *c)
{
    struct kh_error err = {0};

    c->stale = false;
    if (!kh_pg_command(c, "DEALLOCATE ALL", false, NULL, &err))
        c->lost = true;
    c->epoch++;
}

/* A server that was restarted, or a table that was changed, costs a second try, not an error. */
static bool read_on(struct kh_pg_conn *c, const char *name, kh_tx_fn fn, void *ctx,
                    struct kh_error *err)
{
    for (int i = 0;; i++) {
        bool fresh = !c->pg || c->lost || PQstatus(c->pg) != CONNECTION_OK;

        if (!kh_pg_connect(c, err))
            return false;
        c->tx.name = name;
        if (kh_tx_call(&c->tx, fn, ctx, err)) {
            read_end(c);
            return true;
        }
        if (c->tx.failed)
            kh_pg_rollback(c);
        else
            read_end(c);
        if (c->stale)
            forget_statements(c);
        else if (!c->tx.retry && !(c->lost && !fresh))
            return false;
        if (i == 2)
            return false;
        atomic_fetch_add(&c->st->retries, 1);
    }
}

static bool pg_read(struct kh_store *st, const char *name, kh_tx_fn fn, void *ctx,
                    struct kh_error *err)
{
    struct kh_pg *p = kh_pg_of(st);
    struct kh_pg_conn *c = pthread_getspecific(p->reading);
    bool ok;

    if (c) { /* a reading inside a reading sees the same snapshot */
        struct kh_tx inner = {.st = st, .mode = KH_TX_READ, .name = name, .conn = c};

        return kh_tx_call(&inner, fn, ctx, err);
    }
    c = pool_take(p);
    pthread_setspecific(p->reading, c);
    ok = read_on(c, name, fn, ctx, err);
    pthread_setspecific(p->reading, NULL);
    pool_give(p, c);
    return ok;
}

/* ---- writing ---- */

enum outcome { OUT_OK, OUT_CLEAN, OUT_DIRTY, OUT_AGAIN, OUT_LOST };

static enum outcome run_one(struct kh_pg_writer *w, size_t i, bool savepoint)
{
    struct kh_pg_conn *c = &w->c;
    size_t hooks = c->hooks.n;
    struct kh_error err = {0};
    bool retry = false;

    c->tx.name = w->jobs[i].name;
    c->tx.hooks = &c->hooks;
    w->errs[i].code = KH_EC_OK;
    c->wants_savepoint = savepoint;
    c->has_savepoint = false;
    c->wrote = c->touched = false;
    w->ok[i] = kh_tx_call(&c->tx, w->jobs[i].fn, w->jobs[i].ctx, &w->errs[i]);
    c->wants_savepoint = false;
    if (w->ok[i]) {
        if (c->has_savepoint && !kh_pg_command(c, "RELEASE SAVEPOINT one", false, &retry, &err)) {
            w->ok[i] = false;
            w->errs[i] = err;
            return c->lost ? OUT_LOST : retry ? OUT_AGAIN : OUT_DIRTY;
        }
        return OUT_OK;
    }
    c->hooks.n = hooks;
    if (c->lost)
        return OUT_LOST;
    if (c->tx.retry)
        return OUT_AGAIN;
    if (!c->touched || (!c->tx.failed && !c->wrote))
        return OUT_CLEAN;
    if (!c->has_savepoint)
        return OUT_DIRTY;
    if (kh_pg_command(c, "ROLLBACK TO SAVEPOINT one", false, &retry, &err) &&
        kh_pg_command(c, "RELEASE SAVEPOINT one", false, &retry, &err))
        return OUT_CLEAN;
    return c->lost ? OUT_LOST : OUT_DIRTY;
}

static void fail_all(struct kh_pg_writer *w, size_t n, const struct kh_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (w->ok[i]) {
            w->ok[i] = false;
            w->errs[i] = *err;
        }
}

/* ---- how many writers ---- */

/* Wait for a place among the writers on duty. @return how many there are */
static unsigned duty_enter(struct kh_pg *p)
{
    unsigned limit;

    pthread_mutex_lock(&p->duty_lock);
    while (p->on_duty >= p->duty_max && !p->closing)
        pthread_cond_wait(&p->duty_free, &p->duty_lock);
    p->on_duty++;
    limit = p->duty_max;
    pthread_mutex_unlock(&p->duty_lock);
    return limit;
}

static void duty_leave(struct kh_pg *p, bool conflict)
{
    pthread_mutex_lock(&p->duty_lock);
    p->on_duty--;
    if (conflict) {
        /* A place that led to a conflict before is tried again later and later. */
        if (p->duty_max > 1)
            p->duty_max--;
        p->patience = p->patience < PATIENCE_MAX ? p->patience * 2 : PATIENCE_MAX;
        p->peace = 0;
    } else if (++p->peace >= p->patience && p->duty_max < p->writers_n) {
        p->duty_max++;
        p->peace = 0;
    } else if (p->peace >= 2 * PATIENCE_MAX) {
        p->patience = PATIENCE;
    }
    pthread_cond_signal(&p->duty_free);
    pthread_mutex_unlock(&p->duty_lock);
}

/* ---- batches ---- */

/* What a batch comes to: how many jobs have an outcome, or that it is to run again. */
struct batch {
    size_t n, ran;
    unsigned losses; /* of the connection, before the commit: then certainly nothing happened */
    bool careful, again, events, conflict;
    struct kh_error err;
};

static void batch_again(struct kh_pg_writer *w, struct batch *b)
{
    kh_pg_rollback(&w->c);
    w->c.hooks.n = 0;
    b->again = true;
    atomic_fetch_add(&w->c.st->retries, 1);
}

/* Run the callbacks of a batch. @return false if they are settled without a commit */
static bool run_callbacks(struct kh_pg_writer *w, struct batch *b)
{
    int64_t until = kh_mono_us() + BATCH_US;
    size_t i;

    b->events = false;
    w->c.post_failed = false;
    w->c.sync_posts = b->careful;
    for (i = 0; i < b->n && (i == 0 || kh_mono_us() < until); i++) {
        enum outcome out = run_one(w, i, b->careful && b->n > 1);

        b->events = b->events || (w->ok[i] && w->c.tx.events);
        if (out == OUT_OK || out == OUT_CLEAN)
            continue;
        b->err = w->errs[i];
        b->conflict = b->conflict || out == OUT_AGAIN;
        if (out == OUT_AGAIN || (out == OUT_DIRTY && !b->careful && (i > 0 || w->c.post_failed)) ||
            (out == OUT_LOST && b->losses++ == 0)) {
            if (out == OUT_DIRTY) {
                b->careful = true;
                w->careful = CAREFUL_BATCHES;
            }
            batch_again(w, b);
            return false;
        }
        if (out == OUT_DIRTY && i == 0)
            w->careful = CAREFUL_BATCHES;
        kh_pg_rollback(&w->c);
        w->c.hooks.n = 0;
        fail_all(w, i, &b->err);
        b->ran = i + 1;
        return false;
    }
    b->ran = i;
    return true;
}

static void try_batch(struct kh_pg_writer *w, struct batch *b)
{
    struct kh_pg_conn *c = &w->c;
    bool retry = false;

    b->again = false;
    for (size_t i = 0; i < b->n; i++)
        w->ok[i] = true;
    if (!kh_pg_connect(c, &b->err)) {
        fail_all(w, b->n, &b->err);
        b->ran = b->n;
        return;
    }
    if (!run_callbacks(w, b))
        return;
    if (kh_fault("store.commit")) {
        kh_fail(&b->err, KH_EC_STORE, "commit: fault");
        kh_pg_rollback(c);
    } else if (kh_pg_commit(c, &retry, &b->err)) {
        return;
    } else if (retry || (c->post_failed && !c->lost && !b->careful)) {
        /* A posted statement failed: once more, to see whose it was. */
        b->conflict = b->conflict || retry;
        b->careful = b->careful || !retry;
        batch_again(w, b);
        return;
    }
    c->hooks.n = 0;
    fail_all(w, b->ran, &b->err);
}

/* ---- beside other processes ---- */

void kh_pg_crowded(struct kh_store *st)
{
    atomic_store(&kh_pg_of(st)->crowded_until, kh_mono_us() + CROWD_US);
}

/* Tell every process, this one too, that batches of several meet. */
static void crowd_tell(struct kh_pg_writer *w)
{
    struct kh_pg *p = kh_pg_of(w->c.st);
    struct kh_error err = {0};
    char sql[64];

    kh_pg_crowded(w->c.st);
    snprintf(sql, sizeof(sql), "NOTIFY khue_crowd_%u", p->schema);
    if (!w->c.lost && !kh_pg_command(&w->c, sql, false, NULL, &err))
        w->c.lost = true;
}

/* The lock is of the session: taken before BEGIN, so that the snapshot is of after the waiting.
 * A line that breaks here is found by the batch, and gives the lock back; who waits in vain goes
 * on without. @return it is held */
static bool crowd_enter(struct kh_pg_writer *w, bool alone)
{
    struct kh_pg *p = kh_pg_of(w->c.st);
    struct kh_error err = {0};
    char sql[96];

    if (kh_mono_us() >= atomic_load(&p->crowded_until) || !kh_pg_connect(&w->c, &err))
        return false;
    snprintf(sql, sizeof(sql), "SELECT pg_advisory_lock%s(%d, %d)", alone ? "" : "_shared",
             LOCK_WORD, (int32_t)p->schema);
    return kh_pg_command(&w->c, sql, false, NULL, &err);
}

/* Sent, not waited for. */
static void crowd_leave(struct kh_pg_conn *c)
{
    if (c->lost)
        return;
    if (!PQsendQueryParams(c->pg, "SELECT pg_advisory_unlock_all()", 0, NULL, NULL, NULL, NULL,
                           0) ||
        !PQpipelineSync(c->pg))
        c->lost = true;
    else
        c->undrained++;
}

/* One try, number i of them. */
static void run_try(struct kh_pg_writer *w, struct batch *b, int i)
{
    struct kh_pg *p = kh_pg_of(w->c.st);
    bool alone = i >= TRIES_SHARED, entered;

    if (alone)
        pthread_rwlock_wrlock(&p->alone);
    else
        pthread_rwlock_rdlock(&p->alone);
    if (i == TRIES_HERE)
        crowd_tell(w);
    entered = crowd_enter(w, alone);
    try_batch(w, b);
    if (entered)
        crowd_leave(&w->c);
    pthread_rwlock_unlock(&p->alone);
}

/* @return how many of the first n jobs have an outcome */
static size_t run_batch(struct kh_pg_writer *w, size_t n, bool *ret_events, bool *ret_conflict)
{
    struct batch b = {.n = n, .careful = w->careful > 0};

    if (w->careful)
        w->careful--;
    for (int i = 0; i < TRIES; i++) {
        run_try(w, &b, i);
        *ret_events = b.events;
        *ret_conflict = b.conflict;
        if (!b.again)
            return b.ran;
        if (b.careful && b.n > CAREFUL_MAX)
            b.n = CAREFUL_MAX;
        if (w->c.stale)
            forget_statements(&w->c);
    }
    kh_fail(&b.err, KH_EC_STORE_BUSY, "%s: lost %d conflicts", w->jobs[0].name, TRIES);
    for (size_t i = 0; i < b.n; i++)
        w->ok[i] = true;
    fail_all(w, b.n, &b.err);
    *ret_events = false;
    return b.n;
}

static void answer(struct kh_pg_writer *w, size_t n, bool events)
{
    struct kh_store *st = w->c.st;
    bool any = false;

    for (size_t i = 0; i < n; i++)
        any = any || w->ok[i];
    if (any)
        atomic_fetch_add_explicit(&st->commits, 1, memory_order_release);
    kh_hooks_run(&w->c.hooks);
    for (size_t i = 0; i < n; i++) {
        if (!w->ok[i])
            atomic_fetch_add_explicit(&st->rollbacks, 1, memory_order_relaxed);
        w->jobs[i].done(w->jobs[i].ctx, w->ok[i], w->ok[i] ? NULL : &w->errs[i]);
    }
    atomic_fetch_add_explicit(&st->callbacks, (long long)n, memory_order_relaxed);
    if (any && events)
        kh_pg_log_ring(st);
}

static void *writer(void *ctx)
{
    struct kh_pg_writer *w = ctx;
    struct kh_pg *p = kh_pg_of(w->c.st);
    size_t have = 0;

    while (!(have == 0 && kh_queue_stopped(&p->queue))) {
        bool events = false, conflict = false;
        unsigned on_duty;
        size_t ran = 0;

        /* Never wait for jobs while on duty: another may hold jobs and wait for the place. */
        if (have == 0 && !kh_queue_wait(&p->queue, WAIT_US))
            continue;
        on_duty = duty_enter(p);
        if (have == 0)
            have = kh_queue_take(&p->queue, w->jobs, w->careful ? CAREFUL_MAX : BATCH_MAX, on_duty,
                                 0);
        if (have > 0)
            ran = run_batch(w, have, &events, &conflict);
        duty_leave(p, conflict);
        answer(w, ran, events);
        have -= ran;
        memmove(w->jobs, w->jobs + ran, have * sizeof(*w->jobs));
    }
    return NULL;
}

/* ---- the driver ---- */

static bool pg_submit(struct kh_store *st, const struct kh_job *job, struct kh_error *err)
{
    return kh_queue_put(&kh_pg_of(st)->queue, job, err);
}

static bool pg_inside(struct kh_store *st)
{
    struct kh_pg *p = kh_pg_of(st);

    for (unsigned i = 0; i < p->writers_n; i++)
        if (p->writers[i].started && pthread_equal(pthread_self(), p->writers[i].thread))
            return true;
    return false;
}

static void pg_stats(struct kh_store *st, struct kh_store_stats *ret)
{
    ret->queue = (int64_t)kh_queue_length(&kh_pg_of(st)->queue);
}

static void pg_close(struct kh_store *st)
{
    struct kh_pg *p = kh_pg_of(st);

    pthread_mutex_lock(&p->duty_lock);
    p->closing = true;
    pthread_cond_broadcast(&p->duty_free);
    pthread_mutex_unlock(&p->duty_lock);
    kh_queue_stop(&p->queue);
    for (unsigned i = 0; i < p->writers_n; i++)
        if (p->writers[i].started)
            pthread_join(p->writers[i].thread, NULL);
    kh_pg_log_stop(st);
    for (unsigned i = 0; i < p->writers_n; i++) {
        struct kh_pg_writer *w = &p->writers[i];

        kh_pg_conn_close(&w->c);
        free(w->jobs);
        free(w->ok);
        free(w->errs);
    }
    for (unsigned i = 0; i < p->readers_n; i++)
        kh_pg_conn_close(&p->readers[i]);
    pthread_key_delete(p->reading);
    pthread_cond_destroy(&p->pool_free);
    pthread_mutex_destroy(&p->pool_lock);
    pthread_rwlock_destroy(&p->alone);
    pthread_cond_destroy(&p->duty_free);
    pthread_mutex_destroy(&p->duty_lock);
    kh_queue_free(&p->queue);
    free(p->writers);
    free(p->readers);
    free(p);
    st->impl = NULL;
}

static const struct kh_driver pg_driver = {
    .close = pg_close,
    .ready = kh_pg_log_start,
    .settle = kh_pg_log_settle,
    .read = pg_read,
    .submit = pg_submit,
    .inside = pg_inside,
    .open = kh_pg_open,
    .drop = kh_pg_drop,
    .bind_int = kh_pg_bind_int,
    .bind_real = kh_pg_bind_real,
    .bind_text = kh_pg_bind_text,
    .bind_blob = kh_pg_bind_blob,
    .bind_null = kh_pg_bind_null,
    .next = kh_pg_next,
    .post = kh_pg_post,
    .changes = kh_pg_changes,
    .col_int = kh_pg_col_int,
    .col_real = kh_pg_col_real,
    .col_text = kh_pg_col_text,
    .col_blob = kh_pg_col_blob,
    .col_null = kh_pg_col_null,
    .script = kh_pg_tx_script,
    .stats = pg_stats,
    .backup = kh_pg_backup,
};

/* The schema that this store works in: locks and channels of PostgreSQL belong to the whole
 * database, so they carry its number. */
static bool ask_schema(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "schema", NULL, "SELECT oid FROM pg_namespace WHERE nspname = current_schema()"};
    struct kh_pg *p = ctx;
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    if (kh_query_next(&q, err) != KH_HIT || kh_col_null(&q, 0))
        return kh_fail(err, KH_EC_CONFIG_INVALID, "there is no schema to work in");
    p->schema = (uint32_t)kh_col_int(&q, 0);
    return true;
}

static void make_pool(struct kh_store *st, struct kh_pg *p)
{
    p->readers_n = st->config.readers;
    p->readers = kh_store_alloc(p->readers_n * sizeof(*p->readers));
    for (unsigned i = 0; i < p->readers_n; i++) {
        kh_pg_conn_init(&p->readers[i], st, begin_read, KH_TX_READ);
        p->readers[i].next = p->pool;
        p->pool = &p->readers[i];
    }
    pthread_mutex_init(&p->pool_lock, NULL);
    pthread_cond_init(&p->pool_free, NULL);
    KH_REQUIRE(pthread_key_create(&p->reading, NULL) == 0);
}

static bool start_writers(struct kh_store *st, struct kh_pg *p, struct kh_error *err)
{
    for (unsigned i = 0; i < p->writers_n; i++) {
        struct kh_pg_writer *w = &p->writers[i];

        if (pthread_create(&w->thread, NULL, writer, w) != 0)
            return kh_fail(err, KH_EC_STORE, "no thread for a writer");
        w->started = true;
    }
    return kh_store_run(st, "schema", KH_TX_READ, ask_schema, p, err);
}

bool kh_postgres_open(struct kh_store *st, struct kh_error *err)
{
    struct kh_pg *p = kh_store_alloc(sizeof(*p));
    pthread_rwlockattr_t attr;

    st->driver = &pg_driver;
    st->impl = p;
    kh_queue_init(&p->queue, st->config.queue_max);
    /* Who asks to be alone gets it before those who come after. */
    pthread_rwlockattr_init(&attr);
    pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&p->alone, &attr);
    pthread_rwlockattr_destroy(&attr);
    make_pool(st, p);
    p->writers_n = p->duty_max = st->config.writers;
    p->patience = PATIENCE;
    pthread_mutex_init(&p->duty_lock, NULL);
    pthread_cond_init(&p->duty_free, NULL);
    p->writers = kh_store_alloc(p->writers_n * sizeof(*p->writers));
    for (unsigned i = 0; i < p->writers_n; i++) {
        struct kh_pg_writer *w = &p->writers[i];

        kh_pg_conn_init(&w->c, st, begin_write, KH_TX_WRITE);
        w->jobs = kh_store_alloc(BATCH_MAX * sizeof(*w->jobs));
        w->ok = kh_store_alloc(BATCH_MAX * sizeof(*w->ok));
        w->errs = kh_store_alloc(BATCH_MAX * sizeof(*w->errs));
    }
    if (start_writers(st, p, err))
        return true;
    pg_close(st);
    return false;
}
