/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store/store_driver -- what a database must be able to do, and what both drivers share.
 *
 * Owns   the shapes of kh_store, kh_tx and the queue of waiting writes.
 * Used   by store.c, sqlite*.c, postgres*.c, event*.c, migrate.c; nobody outside src/store.
 * Never  has domain operations: those are plain functions over statements.
 */
#ifndef KH_STORE_DRIVER_H
#define KH_STORE_DRIVER_H

#include "store/event.h"
#include "store/store.h"

#include <pthread.h>
#include <stdatomic.h>

/** A write that waits for its turn. */
struct kh_job {
    const char *name;
    kh_tx_fn fn;
    void *ctx;
    kh_tx_done done;
};

/** What a callback wants to be called for once it is durable. */
struct kh_hook {
    void (*fn)(void *ctx);
    void *ctx;
};

struct kh_hooks {
    struct kh_hook *items;
    size_t n, cap;
};

/** A running transaction as callbacks hold it. */
struct kh_tx {
    struct kh_store *st;
    enum kh_tx_mode mode;
    const char *name;
    void *conn;             /**< the driver's connection */
    struct kh_hooks *hooks; /**< NULL when reading */
    bool failed;            /**< a statement failed: this callback cannot succeed any more */
    bool retry;             /**< ... but the same callback may in a new transaction */
    bool wrote;             /**< it ran a script, which SQLite does not count as a change */
    bool events;            /**< it appended events */
    uint64_t writes;        /**< statements begun that are no SELECT */
    struct kh_error why;    /**< set when failed */
};

/** One database. Every function works on the calling thread unless it says otherwise. */
struct kh_driver {
    /** Stop the threads (what is queued is finished) and free everything of the driver. */
    void (*close)(struct kh_store *st);
    /** The schema is there: start what needs it. NULL: nothing. */
    bool (*ready)(struct kh_store *st, struct kh_error *err);
    /** Wait (bounded) until what was committed is sealed. NULL: it always is. */
    void (*settle)(struct kh_store *st);
    bool (*read)(struct kh_store *st, const char *name, kh_tx_fn fn, void *ctx,
                 struct kh_error *err);
    bool (*submit)(struct kh_store *st, const struct kh_job *job, struct kh_error *err);
    /** true on a thread that must not wait for the store. */
    bool (*inside)(struct kh_store *st);

    bool (*open)(struct kh_query *q, struct kh_error *err);
    void (*drop)(struct kh_query *q);
    void (*bind_int)(struct kh_query *q, int n, int64_t v);
    void (*bind_real)(struct kh_query *q, int n, double v);
    void (*bind_text)(struct kh_query *q, int n, struct kh_str s);
    void (*bind_blob)(struct kh_query *q, int n, struct kh_str s);
    void (*bind_null)(struct kh_query *q, int n);
    enum kh_hit (*next)(struct kh_query *q, struct kh_error *err);
    /** Send without waiting. NULL: there is nothing to wait for. */
    bool (*post)(struct kh_query *q, struct kh_error *err);
    int64_t (*changes)(struct kh_query *q);
    int64_t (*col_int)(struct kh_query *q, int i);
    double (*col_real)(struct kh_query *q, int i);
    struct kh_str (*col_text)(struct kh_query *q, int i);
    struct kh_str (*col_blob)(struct kh_query *q, int i);
    bool (*col_null)(struct kh_query *q, int i);
    bool (*script)(struct kh_tx *tx, const char *sql, struct kh_error *err);

    void (*stats)(struct kh_store *st, struct kh_store_stats *ret);
    /** NULL: there is nothing to give up. */
    void (*rest)(struct kh_store *st);
    bool (*backup)(struct kh_store *st, const char *to, kh_progress_fn progress, void *ctx,
                   struct kh_error *err);
};

/** Where the chain of events stands. */
struct kh_chain {
    int64_t seq;
    unsigned char hash[32];
};

/** Events of a transaction, kept for the followers until it is durable. */
struct kh_fresh {
    struct kh_arena *a;
    struct kh_event *events;
    size_t n, cap;
};

struct kh_follower {
    kh_event_fn fn;
    void *ctx;
};

struct kh_kept {
    void *p;
    void (*drop)(void *p);
    struct kh_kept *next;
};

struct kh_anchor; /* store/checkpoint.h: the signing key and the file of signed heads */

/** What both drivers and the event log share. */
struct kh_store {
    const struct kh_driver *driver;
    enum kh_store_kind kind;
    struct kh_store_config config; /**< defaults filled in; its strings are copies */
    char *url, *anchor_dir;
    void *impl;
    atomic_bool migrating; /**< schema changes are allowed to guarded tables */

    _Atomic int64_t head; /**< newest sealed and durable event */
    /* The follow list, and who is being told. */
    pthread_mutex_t follow_lock;
    struct kh_follower *followers;
    size_t followers_n, followers_cap;
    atomic_bool followed; /**< cheap look before events are gathered */

    pthread_mutex_t kept_lock;
    struct kh_kept *kept; /**< what engines want dropped at the very end */

    /* SQLite only: owned by the committer. */
    struct kh_chain working; /**< of the transaction that is open */
    struct kh_fresh fresh;

    struct kh_anchor *anchor;
    _Atomic int64_t checkpoint_due_us;
    _Atomic int64_t checkpoint_seq; /**< newest head that was signed */

    atomic_llong commits, callbacks, rollbacks, retries, fsync_us, events;
};

/* ---- shared by the drivers (store.c) ---- */

void kh_hook_add(struct kh_hooks *h, void (*fn)(void *ctx), void *ctx);
/** Call and forget all. */
void kh_hooks_run(struct kh_hooks *h);
void kh_hooks_free(struct kh_hooks *h);

/** What a connection finds a statement by: its address, or its text if it is passing. */
uint64_t kh_query_hash(const struct kh_query *q, const char *text);

/** Remember that a statement of tx failed; *err is what it failed with. @return false */
bool kh_tx_fail(struct kh_tx *tx, const struct kh_error *err);

/** Run a callback; a statement that failed inside it fails it, whatever it returned. */
bool kh_tx_call(struct kh_tx *tx, kh_tx_fn fn, void *ctx, struct kh_error *err);

/** A bounded queue of writes with one lock; takers sleep on it. */
struct kh_queue {
    pthread_mutex_t lock;
    pthread_cond_t ready;
    struct kh_job *ring;
    size_t cap, head, n, max;
    unsigned sleepers;
    bool stop;
};

void kh_queue_init(struct kh_queue *q, size_t max);
void kh_queue_free(struct kh_queue *q);
KH_CHECK
bool kh_queue_put(struct kh_queue *q, const struct kh_job *job, struct kh_error *err);
/** Wait at most wait_us until there is a job. @return false if there is none */
bool kh_queue_wait(struct kh_queue *q, int64_t wait_us);
/** Take up to max jobs, but leave as much to each of share - 1 others; wait at most wait_us for the
 *  first. @return how many; 0 also at the end */
size_t kh_queue_take(struct kh_queue *q, struct kh_job *out, size_t max, unsigned share,
                     int64_t wait_us);
/** No more jobs are expected: takers get the rest, then 0 at once. */
void kh_queue_stop(struct kh_queue *q);
bool kh_queue_stopped(struct kh_queue *q);
size_t kh_queue_length(struct kh_queue *q);

/** malloc for what lives as long as a connection; ends the process when there is no memory. */
void *kh_store_alloc(size_t n);
void *kh_store_grow(void *old, size_t n);

/* ---- the drivers ---- */

KH_CHECK
bool kh_sqlite_open(struct kh_store *st, struct kh_error *err);
KH_CHECK
bool kh_postgres_open(struct kh_store *st, struct kh_error *err);

/* ---- migrate.c ---- */

/** Bring the database to the newest schema. @param err STORE_MIGRATION (500), STORE (503) */
KH_CHECK
bool kh_migrate(struct kh_store *st, struct kh_error *err);

/* ---- event.c: what a driver tells the log ---- */

/** Read the head from the database; called after migration and when another process wrote. */
KH_CHECK
bool kh_event_load(struct kh_tx *tx, struct kh_error *err);
/** SQLite: where the chain and the gathered events stand, to come back to. */
struct kh_event_mark {
    struct kh_chain chain;
    size_t fresh_n;
};
struct kh_event_mark kh_event_mark(const struct kh_store *st);
void kh_event_back(struct kh_store *st, const struct kh_event_mark *mark);
/** SQLite: everything up to seq is durable: move the head. */
void kh_event_sealed(struct kh_store *st, int64_t seq);
/** Tell the followers about events; n may be 0. */
void kh_event_tell(struct kh_store *st, const struct kh_event *events, size_t n, int64_t head);

#endif
