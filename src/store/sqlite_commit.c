/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The committer: the one thread that writes.
 *
 * It takes what is waiting, runs it in one transaction, syncs once, and answers all. While it syncs
 * the next ones gather, so batches form by themselves under load and a single write never waits.
 *
 * A callback that fails must leave nothing. A savepoint for each would do that, but makes SQLite
 * copy every page before its first change (a quarter of the cost of a write). So the batch runs
 * without: only when a callback fails after it has changed something is the transaction rolled
 * back and run again with savepoints, and the next batches are careful from the start (callbacks
 * may run again: store.h says so).
 */
#include "base/fault.h"
#include "base/time.h"
#include "store/checkpoint.h"
#include "store/sqlite_impl.h"

#include <stdio.h>
#include <stdlib.h>

/* No more callbacks join a transaction that has run so long: the first ones wait for their
 * answer. */
#define BATCH_US (15 * (int64_t)1000)
/* The committer looks around so often when nothing happens. */
#define TICK_US (250 * (int64_t)1000)
/* Batches with savepoints after a callback failed half-way. */
#define CAREFUL_BATCHES 32
/* Frames in the WAL that call for a checkpoint. */
#define WAL_FRAMES 4096
/* Idle time after which the WAL is emptied. */
#define IDLE_US (2 * KH_US_S)

static int once(sqlite3_stmt *stmt)
{
    int rc = sqlite3_step(stmt);

    sqlite3_reset(stmt);
    return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static int64_t ask_version(struct kh_sqlite *s)
{
    int64_t v = sqlite3_step(s->version) == SQLITE_ROW ? sqlite3_column_int64(s->version, 0) : 0;

    sqlite3_reset(s->version);
    return v;
}

/* ---- the WAL ---- */

static int wal_grew(void *ctx, sqlite3 *db, const char *name, int frames)
{
    struct kh_sqlite *s = ctx;

    (void)db;
    (void)name;
    s->wal_frames = frames;
    atomic_store_explicit(&s->wal_bytes, (long long)frames * 4120, memory_order_relaxed);
    return SQLITE_OK;
}

/* Move the WAL into the database. Readers that stand in it hold up its restart, so kept snapshots
 * of idle threads are given up first; a long reading makes us try again later. */
static void checkpoint_wal(struct kh_store *st)
{
    struct kh_sqlite *s = kh_sqlite_of(st);
    int log = 0, moved = 0, rc;

    kh_sqlite_release_idle(st);
    rc = sqlite3_wal_checkpoint_v2(s->w.db, "main", SQLITE_CHECKPOINT_PASSIVE, &log, &moved);
    if (rc == SQLITE_OK && log == moved) {
        s->wal_next = WAL_FRAMES;
        s->wal_frames = 0; /* the next write starts it anew */
    } else {
        s->wal_next = s->wal_frames + WAL_FRAMES;
    }
}

/* ---- one batch ---- */

static bool begin(struct kh_store *st, struct kh_error *err)
{
    struct kh_sqlite *s = kh_sqlite_of(st);
    int rc = once(s->w.begin);
    int64_t version;

    if (rc != SQLITE_OK)
        return kh_sqlite_fail(err, s->w.db, rc, "begin");
    version = ask_version(s);
    if (version == s->data_version)
        return true;
    /* Another process wrote: the chain goes on from where it left it. */
    s->w.tx.failed = false;
    if (s->data_version != 0 && !st->migrating && !kh_event_load(&s->w.tx, err)) {
        (void)once(s->rollback);
        return false;
    }
    s->data_version = version;
    return true;
}

enum outcome { OUT_OK, OUT_CLEAN, OUT_DIRTY, OUT_LOST };

/* Run one callback. OUT_CLEAN: it failed and left nothing. OUT_DIRTY: it failed and left changes
 * that only a rollback of the transaction undoes. OUT_LOST: SQLite has rolled back the
 * transaction. */
static enum outcome run_one(struct kh_store *st, size_t i, bool savepoint)
{
    struct kh_sqlite *s = kh_sqlite_of(st);
    struct kh_event_mark mark = kh_event_mark(st);
    size_t hooks = s->hooks.n;
    int64_t before = sqlite3_total_changes64(s->w.db);
    struct kh_tx *tx = &s->w.tx;

    tx->name = s->jobs[i].name;
    tx->hooks = &s->hooks;
    tx->wrote = false;
    s->ok[i] = false;
    s->errs[i].code = KH_EC_OK;
    if (savepoint && once(s->savepoint) != SQLITE_OK) {
        kh_sqlite_fail(&s->errs[i], s->w.db, sqlite3_errcode(s->w.db), "savepoint");
        return sqlite3_get_autocommit(s->w.db) ? OUT_LOST : OUT_CLEAN;
    }
    s->ok[i] = kh_tx_call(tx, s->jobs[i].fn, s->jobs[i].ctx, &s->errs[i]);
    if (sqlite3_get_autocommit(s->w.db)) {
        if (s->ok[i])
            kh_fail(&s->errs[i], KH_EC_STORE, "%s: the transaction was lost", tx->name);
        s->ok[i] = false;
        return OUT_LOST;
    }
    if (s->ok[i]) {
        if (savepoint)
            (void)once(s->release);
        return OUT_OK;
    }
    s->hooks.n = hooks;
    kh_event_back(st, &mark);
    if (savepoint)
        return once(s->back) == SQLITE_OK && once(s->release) == SQLITE_OK ? OUT_CLEAN : OUT_DIRTY;
    return sqlite3_total_changes64(s->w.db) != before || tx->wrote ? OUT_DIRTY : OUT_CLEAN;
}

static void fail_all(struct kh_store *st, size_t n, const struct kh_error *err)
{
    struct kh_sqlite *s = kh_sqlite_of(st);

    for (size_t i = 0; i < n; i++)
        if (s->ok[i]) {
            s->ok[i] = false;
            s->errs[i] = *err;
        }
}

static void rollback(struct kh_store *st, const struct kh_event_mark *start)
{
    struct kh_sqlite *s = kh_sqlite_of(st);

    if (!sqlite3_get_autocommit(s->w.db))
        (void)once(s->rollback);
    s->hooks.n = 0;
    kh_event_back(st, start);
}

/* After a commit that failed, its frames may stand complete in the WAL although they do not count,
 * and a restart would bring them back to life. A small commit over them makes the failure
 * certain. */
static void mend(struct kh_sqlite *s)
{
    s->torn = sqlite3_exec(s->w.db, "PRAGMA user_version=0", NULL, NULL, NULL) != SQLITE_OK;
}

static bool commit(struct kh_store *st, struct kh_error *err)
{
    struct kh_sqlite *s = kh_sqlite_of(st);
    int rc;

    if (kh_fault("store.commit"))
        return kh_fail(err, KH_EC_STORE, "commit: fault");
    rc = once(s->w.commit);
    if (rc == SQLITE_OK)
        return true;
    kh_sqlite_fail(err, s->w.db, rc, "commit");
    s->torn = true;
    return false;
}

/* Run the first n jobs, or fewer if they take long. @return how many have an outcome */
static size_t run_batch(struct kh_store *st, size_t n)
{
    struct kh_sqlite *s = kh_sqlite_of(st);
    struct kh_event_mark start = kh_event_mark(st);
    struct kh_error err = {0};
    bool careful = s->careful > 0 && n > 1;
    int64_t until = kh_mono_us() + BATCH_US;
    size_t i;

    if (s->careful)
        s->careful--;
again:
    for (i = 0; i < n; i++)
        s->ok[i] = true;
    if (!begin(st, &err)) {
        fail_all(st, n, &err);
        return n;
    }
    start = kh_event_mark(st);
    for (i = 0; i < n && (i == 0 || kh_mono_us() < until); i++) {
        enum outcome out = run_one(st, i, careful);

        if (out == OUT_OK || out == OUT_CLEAN)
            continue;
        if (out == OUT_DIRTY)
            atomic_fetch_add(&st->retries, i > 0);
        rollback(st, &start);
        if (out == OUT_DIRTY && !careful) {
            s->careful = CAREFUL_BATCHES;
            careful = true;
            if (i == 0) /* nothing else is in the transaction: it is answered already */
                return 1;
            goto again;
        }
        err = s->errs[i];
        fail_all(st, i, &err);
        return i + 1;
    }
    if (!commit(st, &err)) {
        rollback(st, &start);
        fail_all(st, i, &err);
    }
    return i;
}

static void answer(struct kh_store *st, size_t n)
{
    struct kh_sqlite *s = kh_sqlite_of(st);
    int64_t head = st->head;
    bool any = false;

    for (size_t i = 0; i < n; i++)
        any = any || s->ok[i];
    if (any) {
        kh_event_sealed(st);
        atomic_fetch_add_explicit(&st->commits, 1, memory_order_release);
    }
    kh_hooks_run(&s->hooks);
    for (size_t i = 0; i < n; i++) {
        if (!s->ok[i])
            atomic_fetch_add_explicit(&st->rollbacks, 1, memory_order_relaxed);
        s->jobs[i].done(s->jobs[i].ctx, s->ok[i], s->ok[i] ? NULL : &s->errs[i]);
    }
    atomic_fetch_add_explicit(&st->callbacks, (long long)n, memory_order_relaxed);
    if (st->fresh_n && (int64_t)st->fresh_n == st->head - head)
        kh_event_tell(st, st->fresh, st->fresh_n, st->head);
    else if (st->head != head) /* some were sealed by another process, or before the first asked */
        kh_event_tell(st, NULL, 0, st->head);
    st->fresh_n = 0;
    kh_arena_reset(st->fresh_arena);
}

/* Nothing waits: look for what other processes wrote, and keep the WAL short. */
static void idle(struct kh_store *st)
{
    struct kh_sqlite *s = kh_sqlite_of(st);
    struct kh_error err = {0};
    int64_t now = kh_mono_us();

    if (ask_version(s) != s->data_version && begin(st, &err)) {
        int64_t head = st->working.seq;

        (void)once(s->w.commit);
        atomic_fetch_add_explicit(&st->commits, 1, memory_order_release);
        if (head != st->head) {
            kh_event_sealed(st);
            kh_event_tell(st, NULL, 0, head);
        }
    }
    if (s->torn)
        mend(s);
    if (s->wal_frames && now - s->idle_us >= IDLE_US)
        checkpoint_wal(st);
}

static void *committer(void *ctx)
{
    struct kh_store *st = ctx;
    struct kh_sqlite *s = kh_sqlite_of(st);
    size_t have = 0, max = st->config.batch_max;

    while (!(have == 0 && kh_queue_stopped(&s->queue))) {
        size_t ran;

        have += kh_queue_take(&s->queue, s->jobs + have, max - have, 1, have ? 0 : TICK_US);
        kh_anchor_tick(st);
        if (have == 0) {
            idle(st);
            continue;
        }
        ran = run_batch(st, have);
        if (s->torn)
            mend(s);
        answer(st, ran);
        /* What did not fit into the time of the batch is first in the next one. */
        have -= ran;
        memmove(s->jobs, s->jobs + ran, have * sizeof(*s->jobs));
        s->idle_us = kh_mono_us();
        if (s->wal_frames >= s->wal_next)
            checkpoint_wal(st);
    }
    return NULL;
}

/* ---- start and stop ---- */

bool kh_sqlite_committer_start(struct kh_store *st, struct kh_error *err)
{
    struct kh_sqlite *s = kh_sqlite_of(st);
    const struct {
        sqlite3_stmt **stmt;
        const char *sql;
    } want[] = {
        {&s->savepoint, "SAVEPOINT one"},     {&s->release, "RELEASE one"},
        {&s->back, "ROLLBACK TO one"},        {&s->rollback, "ROLLBACK"},
        {&s->version, "PRAGMA data_version"},
    };

    for (size_t i = 0; i < KH_LEN(want); i++) {
        int rc = sqlite3_prepare_v3(s->w.db, want[i].sql, -1, SQLITE_PREPARE_PERSISTENT,
                                    want[i].stmt, NULL);

        if (rc != SQLITE_OK)
            return kh_sqlite_fail(err, s->w.db, rc, want[i].sql);
    }
    s->jobs = kh_store_alloc(st->config.batch_max * sizeof(*s->jobs));
    s->ok = kh_store_alloc(st->config.batch_max * sizeof(*s->ok));
    s->errs = kh_store_alloc(st->config.batch_max * sizeof(*s->errs));
    s->wal_next = WAL_FRAMES;
    sqlite3_wal_hook(s->w.db, wal_grew, s);
    kh_sqlite_vfs_time(s->w.db, &st->fsync_us);
    if (pthread_create(&s->committer, NULL, committer, st) != 0)
        return kh_fail(err, KH_EC_STORE, "no thread for the committer");
    s->started = true;
    return true;
}

void kh_sqlite_committer_stop(struct kh_store *st)
{
    struct kh_sqlite *s = kh_sqlite_of(st);

    if (s->started) {
        kh_queue_stop(&s->queue);
        pthread_join(s->committer, NULL);
        if (s->torn)
            mend(s);
        s->started = false;
    }
    sqlite3_finalize(s->savepoint);
    sqlite3_finalize(s->release);
    sqlite3_finalize(s->back);
    sqlite3_finalize(s->rollback);
    sqlite3_finalize(s->version);
}
