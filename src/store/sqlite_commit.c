/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The committer: the one thread that writes. The syncer: the one that waits for the disk.
 *
 * The committer takes what is waiting, runs it in one transaction, and commits it into the WAL
 * without a sync (synchronous=NORMAL). The syncer syncs the WAL and then answers, so that the next
 * batch is worked on while the disk is busy with this one; all batches that were committed meanwhile
 * share the next sync. What was not answered may be lost with the power, whole transactions from the
 * end of the WAL, never a part of one; nothing is answered, told to followers or signed before it is
 * durable. A reader may see a write some milliseconds before it is (docs/adr/0012).
 *
 * When a sync fails nobody knows what is on the disk, and a later one that succeeds would not say
 * either: the process ends, and the next start finds out (fsync(2), ERRORS).
 *
 * A callback that fails must leave nothing. A savepoint for each would do that, but makes SQLite
 * copy every page before its first change (a quarter of the cost of a write). So the batch runs
 * without: only when a callback fails after it has changed something is the transaction rolled
 * back and run again with savepoints, and the next batches are careful from the start (callbacks
 * may run again: store.h says so).
 */
#include "base/fault.h"
#include "base/log.h"
#include "base/time.h"
#include "store/checkpoint.h"
#include "store/sqlite_impl.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* No more callbacks join a transaction that has run so long: the first ones wait for their
 * answer. */
#define BATCH_US (15 * (int64_t)1000)
/* The committer looks around so often when nothing happens. */
#define TICK_US (250 * (int64_t)1000)
/* Batches with savepoints after a callback failed half-way. */
#define CAREFUL_BATCHES 32
#define FRAME_BYTES 4120 /* a page and its header */
/* Frames in the WAL that call for a checkpoint. */
#define WAL_FRAMES 16384
/* Frames that are few enough for the committer to move. */
#define REST_FRAMES 1024
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

static _Noreturn void disk_lost(void)
{
    fputs("khue: the disk did not take a sync; what it holds is unknown, so this process ends\n",
          stderr);
    abort();
}

/* ---- the WAL ---- */

static int wal_grew(void *ctx, sqlite3 *db, const char *name, int frames)
{
    struct kh_sqlite *s = ctx;

    (void)db;
    (void)name;
    s->wal_frames = frames;
    atomic_store_explicit(&s->wal_bytes, (long long)frames * FRAME_BYTES, memory_order_relaxed);
    return SQLITE_OK;
}

/* As the mover may ask. */
static int wal_frames_now(struct kh_sqlite *s)
{
    return (int)(atomic_load_explicit(&s->wal_bytes, memory_order_relaxed) / FRAME_BYTES);
}

/*
 * The WAL is moved into the database in two parts. The mover, a thread with a connection of its own,
 * moves what is there while the committer goes on writing; that is where the time goes. Alone it
 * would never be done, since more has been written meanwhile: each round leaves less, and when
 * little is left the committer moves the rest, between two batches, and its next write starts the
 * WAL anew.
 */
static void move_most(struct kh_store *st)
{
    struct kh_sqlite *s = kh_sqlite_of(st);
    struct kh_error err = {0};
    int log = 0, moved = 0;

    if (!s->mover.db) {
        if (!kh_sqlite_connect(st, &s->mover, false, &err)) {
            kh_log_error("store.mover", &err);
            return;
        }
        s->moved = kh_sqlite_vfs_main(s->mover.db);
    }
    /* Until little is left, or it does not get less; whatever comes of it, the committer looks after
     * the rest. */
    for (int left = wal_frames_now(s), before = INT_MAX; left >= REST_FRAMES && left <= before / 2;) {
        if (sqlite3_wal_checkpoint_v2(s->mover.db, "main", SQLITE_CHECKPOINT_PASSIVE, &log,
                                      &moved) != SQLITE_OK ||
            moved < log) /* a reader needs what is there */
            break;
        before = left;
        left = wal_frames_now(s) - moved;
    }
    /* SQLite syncs the database only when nothing is left, which is when the committer waits. */
    if (s->moved && !kh_sqlite_vfs_sync(s->moved))
        disk_lost();
}

static void *mover(void *ctx)
{
    struct kh_store *st = ctx;
    struct kh_sqlite *s = kh_sqlite_of(st);

    pthread_mutex_lock(&s->sync_lock);
    for (;;) {
        while (s->move != KH_MOVE_ASKED && !s->sync_stop)
            pthread_cond_wait(&s->move_ready, &s->sync_lock);
        if (s->sync_stop)
            break;
        pthread_mutex_unlock(&s->sync_lock);
        kh_sqlite_release_idle(st);
        move_most(st);
        pthread_mutex_lock(&s->sync_lock);
        s->move = KH_MOVE_DONE;
    }
    pthread_mutex_unlock(&s->sync_lock);
    return NULL;
}

/* Move the WAL, or what is left of it, into the database. Readers that stand in it hold up its
 * restart, so kept snapshots of idle threads are given up first; a long reading makes us try again
 * later. */
static void checkpoint_wal(struct kh_store *st)
{
    struct kh_sqlite *s = kh_sqlite_of(st);
    int log = 0, moved = 0, rc;

    kh_sqlite_release_idle(st);
    rc = sqlite3_wal_checkpoint_v2(s->w.db, "main", SQLITE_CHECKPOINT_PASSIVE, &log, &moved);
    if (rc == SQLITE_IOERR_FSYNC)
        disk_lost();
    if (rc == SQLITE_OK && log == moved) {
        s->wal_next = WAL_FRAMES;
        s->wal_frames = 0;
        s->anew = true; /* by the next commit */
    } else {
        s->wal_next = s->wal_frames + WAL_FRAMES;
    }
}

/* After a batch: ask the mover when the WAL has grown, and finish what it has begun. */
static void look_after_wal(struct kh_store *st)
{
    struct kh_sqlite *s = kh_sqlite_of(st);
    enum kh_move move;

    if (s->wal_frames < s->wal_next)
        return;
    pthread_mutex_lock(&s->sync_lock);
    move = s->move;
    if (move == KH_MOVE_NONE && s->moves) {
        s->move = KH_MOVE_ASKED;
        pthread_cond_signal(&s->move_ready);
    } else if (move == KH_MOVE_DONE) {
        s->move = KH_MOVE_NONE;
    }
    pthread_mutex_unlock(&s->sync_lock);
    if (move == KH_MOVE_DONE || !s->moves)
        checkpoint_wal(st);
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
    /* The WAL begins anew only if nobody stands in it: not a snapshot either that was taken while
     * the last of it was moved, and is kept for a next reading. */
    if (s->anew)
        kh_sqlite_release_idle(st);
    s->anew = false;
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

/* ---- durable: the syncer ---- */

/* Room for a batch on its way to the disk; waits while there are too many of them. */
static struct kh_batch *batch_take(struct kh_sqlite *s)
{
    struct kh_batch *b;

    pthread_mutex_lock(&s->sync_lock);
    while (!s->idle)
        pthread_cond_wait(&s->sync_done, &s->sync_lock);
    b = s->idle;
    s->idle = b->next;
    b->next = NULL;
    pthread_mutex_unlock(&s->sync_lock);
    return b;
}

/* Put what the first n jobs have come to, and what the log has of them, into a batch. */
static void batch_fill(struct kh_store *st, struct kh_batch *b, size_t n)
{
    struct kh_sqlite *s = kh_sqlite_of(st);
    struct kh_hooks hooks = b->hooks;
    struct kh_fresh fresh = b->fresh;

    memcpy(b->jobs, s->jobs, n * sizeof(*b->jobs));
    memcpy(b->ok, s->ok, n * sizeof(*b->ok));
    memcpy(b->errs, s->errs, n * sizeof(*b->errs));
    b->n = n;
    b->head = st->working.seq;
    b->wrote = false;
    for (size_t i = 0; i < n; i++)
        b->wrote = b->wrote || b->ok[i];
    b->hooks = s->hooks;
    s->hooks = hooks;
    b->fresh = st->fresh;
    st->fresh = fresh;
}

static void answer(struct kh_store *st, struct kh_batch *b)
{
    int64_t head = kh_event_head(st);

    if (b->wrote) {
        kh_event_sealed(st, b->head);
        atomic_fetch_add_explicit(&st->commits, 1, memory_order_release);
    }
    kh_hooks_run(&b->hooks);
    for (size_t i = 0; i < b->n; i++) {
        if (!b->ok[i])
            atomic_fetch_add_explicit(&st->rollbacks, 1, memory_order_relaxed);
        b->jobs[i].done(b->jobs[i].ctx, b->ok[i], b->ok[i] ? NULL : &b->errs[i]);
    }
    atomic_fetch_add_explicit(&st->callbacks, (long long)b->n, memory_order_relaxed);
    if (b->wrote && b->fresh.n && (int64_t)b->fresh.n == b->head - head)
        kh_event_tell(st, b->fresh.events, b->fresh.n, b->head);
    else if (b->wrote && b->head != head) /* some were sealed by another process, or before the
                                             first asked */
        kh_event_tell(st, NULL, 0, b->head);
    b->fresh.n = 0;
    kh_arena_reset(b->fresh.a);
}

static void batch_give(struct kh_sqlite *s, struct kh_batch *b)
{
    pthread_mutex_lock(&s->sync_lock);
    b->next = s->idle;
    s->idle = b;
    pthread_cond_signal(&s->sync_done);
    pthread_mutex_unlock(&s->sync_lock);
}

/* A batch that wrote nothing needs no disk; the others go to the syncer, in order. */
static void batch_send(struct kh_store *st, struct kh_batch *b)
{
    struct kh_sqlite *s = kh_sqlite_of(st);

    if (!b->wrote) {
        answer(st, b);
        batch_give(s, b);
        return;
    }
    pthread_mutex_lock(&s->sync_lock);
    *s->sent_last = b;
    s->sent_last = &b->next;
    s->unsynced++;
    pthread_cond_signal(&s->sync_ready);
    pthread_mutex_unlock(&s->sync_lock);
}

static void sync_wal(struct kh_store *st)
{
    if (st->config.making)
        return; /* durable when closed */
    if (!kh_sqlite_vfs_sync(kh_sqlite_of(st)->wal))
        disk_lost();
}

static void *syncer(void *ctx)
{
    struct kh_store *st = ctx;
    struct kh_sqlite *s = kh_sqlite_of(st);

    pthread_mutex_lock(&s->sync_lock);
    for (;;) {
        struct kh_batch *b;

        while (!s->sent && !s->sync_stop)
            pthread_cond_wait(&s->sync_ready, &s->sync_lock);
        if (!s->sent)
            break;
        b = s->sent;
        s->sent = NULL;
        s->sent_last = &s->sent;
        pthread_mutex_unlock(&s->sync_lock);
        sync_wal(st);
        while (b) {
            struct kh_batch *next = b->next;

            answer(st, b);
            pthread_mutex_lock(&s->sync_lock);
            s->unsynced--;
            pthread_mutex_unlock(&s->sync_lock);
            batch_give(s, b);
            b = next;
        }
        pthread_mutex_lock(&s->sync_lock);
    }
    pthread_mutex_unlock(&s->sync_lock);
    return NULL;
}

/* ---- the rounds of the committer ---- */

/* Nothing waits: look for what other processes wrote, and keep the WAL short. */
static void idle(struct kh_store *st)
{
    struct kh_sqlite *s = kh_sqlite_of(st);
    struct kh_error err = {0};
    int64_t now = kh_mono_us();
    bool settled;

    pthread_mutex_lock(&s->sync_lock);
    settled = s->unsynced == 0;
    pthread_mutex_unlock(&s->sync_lock);
    if (settled && ask_version(s) != s->data_version && begin(st, &err)) {
        int64_t head = st->working.seq;

        (void)once(s->w.commit);
        atomic_fetch_add_explicit(&st->commits, 1, memory_order_release);
        if (head != kh_event_head(st)) {
            kh_event_sealed(st, head);
            kh_event_tell(st, NULL, 0, head);
        }
    }
    if (s->torn)
        mend(s);
    if (s->wal_frames && now - s->idle_us >= IDLE_US) {
        pthread_mutex_lock(&s->sync_lock);
        if (s->move == KH_MOVE_DONE) /* nothing is left of what the mover began */
            s->move = KH_MOVE_NONE;
        pthread_mutex_unlock(&s->sync_lock);
        checkpoint_wal(st);
    }
}

static void *committer(void *ctx)
{
    struct kh_store *st = ctx;
    struct kh_sqlite *s = kh_sqlite_of(st);
    size_t have = 0, max = st->config.batch_max;

    while (!(have == 0 && kh_queue_stopped(&s->queue))) {
        struct kh_batch *b;
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
        b = batch_take(s);
        batch_fill(st, b, ran);
        batch_send(st, b);
        /* What did not fit into the time of the batch is first in the next one. */
        have -= ran;
        memmove(s->jobs, s->jobs + ran, have * sizeof(*s->jobs));
        s->idle_us = kh_mono_us();
        look_after_wal(st);
    }
    return NULL;
}

/* ---- start and stop ---- */

static void batches_make(struct kh_store *st)
{
    struct kh_sqlite *s = kh_sqlite_of(st);
    size_t max = st->config.batch_max;

    pthread_mutex_init(&s->sync_lock, NULL);
    pthread_cond_init(&s->sync_ready, NULL);
    pthread_cond_init(&s->sync_done, NULL);
    pthread_cond_init(&s->move_ready, NULL);
    s->sent_last = &s->sent;
    for (size_t i = 0; i < KH_LEN(s->batches); i++) {
        struct kh_batch *b = &s->batches[i];

        b->jobs = kh_pages_new(max * sizeof(*b->jobs));
        b->ok = kh_store_alloc(max * sizeof(*b->ok));
        b->errs = kh_pages_new(max * sizeof(*b->errs));
        b->fresh.a = kh_arena_new((size_t)64 << 20);
        b->next = s->idle;
        s->idle = b;
    }
}

static void batches_free(struct kh_sqlite *s, size_t max)
{
    for (size_t i = 0; i < KH_LEN(s->batches); i++) {
        struct kh_batch *b = &s->batches[i];

        kh_pages_drop(b->jobs, max * sizeof(*b->jobs));
        free(b->ok);
        kh_pages_drop(b->errs, max * sizeof(*b->errs));
        free(b->fresh.events);
        kh_arena_drop(b->fresh.a);
        kh_hooks_free(&b->hooks);
    }
    pthread_mutex_destroy(&s->sync_lock);
    pthread_cond_destroy(&s->sync_ready);
    pthread_cond_destroy(&s->sync_done);
    pthread_cond_destroy(&s->move_ready);
}

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
    s->jobs = kh_pages_new(st->config.batch_max * sizeof(*s->jobs));
    s->ok = kh_store_alloc(st->config.batch_max * sizeof(*s->ok));
    s->errs = kh_pages_new(st->config.batch_max * sizeof(*s->errs));
    batches_make(st);
    s->made = true;
    s->wal_next = WAL_FRAMES;
    sqlite3_wal_hook(s->w.db, wal_grew, s);
    /* The WAL is opened by the first look at the database. */
    (void)sqlite3_exec(s->w.db, "SELECT 1 FROM sqlite_schema", NULL, NULL, NULL);
    s->wal = kh_sqlite_vfs_wal(s->w.db, &st->fsync_us);
    if (!s->wal)
        return kh_fail(err, KH_EC_STORE, "the database is not in WAL mode");
    if (pthread_create(&s->syncer, NULL, syncer, st) != 0)
        return kh_fail(err, KH_EC_STORE, "no thread for the syncer");
    s->syncing = true;
    if (!st->config.making) {
        if (pthread_create(&s->moving, NULL, mover, st) != 0)
            return kh_fail(err, KH_EC_STORE, "no thread for moving the log");
        s->moves = true;
    }
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
    if (s->syncing) {
        pthread_mutex_lock(&s->sync_lock);
        s->sync_stop = true;
        pthread_cond_signal(&s->sync_ready);
        pthread_cond_signal(&s->move_ready);
        pthread_mutex_unlock(&s->sync_lock);
        pthread_join(s->syncer, NULL);
        s->syncing = false;
        if (s->moves)
            pthread_join(s->moving, NULL);
        if (s->mover.db)
            kh_sqlite_disconnect(&s->mover);
        s->moves = false;
    }
    if (s->made)
        batches_free(s, st->config.batch_max);
    s->made = false;
    sqlite3_finalize(s->savepoint);
    sqlite3_finalize(s->release);
    sqlite3_finalize(s->back);
    sqlite3_finalize(s->rollback);
    sqlite3_finalize(s->version);
}
