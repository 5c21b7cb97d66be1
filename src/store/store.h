/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store -- one contract over two databases: SQLite (embedded) and PostgreSQL (scale-out).
 *
 * Owns   connections, transactions, prepared statements, migrations.
 * Used   by engines for kh_store_run/submit, and by store/<engine>/<noun>_sql.c for statements.
 * Never  knows a domain noun; never logs.
 *
 * SQLite: one committer thread owns the write connection and runs many callbacks in one transaction;
 * a second one syncs and then answers all, while the next transaction is worked on. Every thread has
 * its own read connection with kept prepared statements and a kept snapshot that is renewed when
 * something was committed.
 * PostgreSQL: a pool of connections with a thread each does the same work, with bounded retry on
 * serialization failures.
 */
#ifndef KH_STORE_STORE_H
#define KH_STORE_STORE_H

#include "base/kh.h"

struct kh_store;
struct kh_tx;

/** A statement. Its address is the key of the prepared-statement cache: static, or kept until the
 *  store closes (but see kh_query_open_passing). Parameters are $1..$n, each used at least once; anything else is refused.
 *  PostgreSQL takes a parameter's type from where it stands: say CAST($1 AS bigint) where that is
 *  not clear. One statement may be open several times at once. */
struct kh_sql {
    const char *name;    /**< "task_find" for metrics and errors */
    const char *text;    /**< for both, or for SQLite if text_pg is set */
    const char *text_pg; /**< NULL if text serves both */
};

enum kh_tx_mode { KH_TX_READ, KH_TX_WRITE };
enum kh_store_kind { KH_STORE_SQLITE, KH_STORE_POSTGRES };

/** What to open. Zero values mean the default in brackets. */
struct kh_store_config {
    const char *url;        /**< "postgres://...", or a directory that holds city.db */
    const char *anchor_dir; /**< where signed checkpoints and the signing key are; the directory */
    unsigned readers;       /**< PostgreSQL: connections for reading [4] */
    unsigned writers;       /**< PostgreSQL: connections for writing [4] */
    unsigned batch_max;     /**< callbacks in one SQLite transaction [512] */
    unsigned queue_max;     /**< waiting callbacks before OVERLOADED [16384] */
    size_t cache_bytes;     /**< SQLite: pages that the writer keeps [64 MiB]; a reading thread keeps a
                                 quarter */
    size_t map_bytes;       /**< SQLite: how much of the file a reading thread maps [2 GiB, its limit] */
    bool making;            /**< SQLite: a city is being made: durable when closed, not before */
};

/**
 * Open, migrate to the newest schema, and start the threads.
 *
 * @param err STORE (503), STORE_MIGRATION (500): the database is newer or a checksum differs
 */
KH_CHECK
bool kh_store_open(const struct kh_store_config *config, struct kh_store **ret_store,
                   struct kh_error *err);
/** Finish what is queued, checkpoint, stop the threads, close. Accepts NULL. */
void kh_store_close(struct kh_store *st);
enum kh_store_kind kh_store_kind(const struct kh_store *st);

/**
 * A callback inside a transaction. It may run again (retry), so it neither replies nor logs nor
 * touches the network, and resets what it gathered at its start.
 * Returning false rolls back this callback only. A statement that failed (also one whose error was
 * ignored) fails its callback, since PostgreSQL goes on with nothing after that: look before you
 * insert, or use ON CONFLICT.
 */
typedef bool (*kh_tx_fn)(struct kh_tx *tx, void *ctx, struct kh_error *err);

/**
 * Run fn in a transaction and wait until it is durable: the only BEGIN, COMMIT and retry.
 *
 * Reads run on the calling thread. Writes are handed to the committer: never call this with
 * KH_TX_WRITE from inside a callback or from a thread that serves HTTP connections (use submit).
 * SQLite does queued writes in the order in which they came; on PostgreSQL several writers share
 * them, so only a write that was answered is certain to be before the next one.
 * @param name static, for metrics and errors
 */
KH_CHECK
bool kh_store_run(struct kh_store *st, const char *name, enum kh_tx_mode mode, kh_tx_fn fn,
                  void *ctx, struct kh_error *err);

/** Called once, on a store thread, when the outcome is durable (ok) or certain to be none. */
typedef void (*kh_tx_done)(void *ctx, bool ok, const struct kh_error *err);

/**
 * Queue a write and return at once; done says how it went. It must only hand the news on.
 * @param err OVERLOADED (503) if the queue is full: then done is never called
 */
KH_CHECK
bool kh_store_submit(struct kh_store *st, const char *name, kh_tx_fn fn, void *ctx,
                     kh_tx_done done, struct kh_error *err);

/** Call drop(p) when the store closes, after its last statement: for generated statements, which
 *  are kept by address and so must outlive the engine that made them. */
void kh_store_keep(struct kh_store *st, void *p, void (*drop)(void *p));

/** The store of a transaction, and whether it may write. */
struct kh_store *kh_tx_store(const struct kh_tx *tx);
enum kh_tx_mode kh_tx_mode(const struct kh_tx *tx);
/** How many statements that may write were begun so far: the same number before and after a piece of
 *  work that failed says that it has left nothing behind. */
uint64_t kh_tx_writes(const struct kh_tx *tx);

/** Remember to call fn(ctx) after this callback's changes are durable (never if rolled back).
 *  For caches: it runs on the store thread before done. ctx must outlive the transaction. */
void kh_tx_after_commit(struct kh_tx *tx, void (*fn)(void *ctx), void *ctx);

/* ---- statements: used by *_sql.c files only ---- */

/** A running statement. kh_auto(kh_query) q = {0}; closes by itself. */
struct kh_query {
    struct kh_tx *tx;
    const struct kh_sql *sql;
    void *driver; /**< sqlite3_stmt, or the PostgreSQL parameters and result */
    int row;
    bool passing;
};

enum { KH_PASSING_MAX = 200 };

/** Take the prepared statement; bindings are cleared. */
KH_CHECK
bool kh_query_open(struct kh_query *q, struct kh_tx *tx, const struct kh_sql *sql,
                   struct kh_error *err);
/** The same for a statement that was generated for this call and may go when the query has been
 *  dropped: its text is the key. Each connection keeps the KH_PASSING_MAX that it used last. */
KH_CHECK
bool kh_query_open_passing(struct kh_query *q, struct kh_tx *tx, const struct kh_sql *sql,
                           struct kh_error *err);
void kh_query_drop(struct kh_query *q);

/** Bind parameter n (1-based). Text and bytes are borrowed until the statement is done. */
void kh_bind_int(struct kh_query *q, int n, int64_t v);
void kh_bind_real(struct kh_query *q, int n, double v);
void kh_bind_text(struct kh_query *q, int n, struct kh_str s); /**< s.p NULL binds NULL */
void kh_bind_blob(struct kh_query *q, int n, struct kh_str s); /**< s.p NULL binds NULL */
void kh_bind_null(struct kh_query *q, int n);

/** Step. KH_HIT: a row is there; KH_MISS: done. Errors: STORE, STORE_CONSTRAINT, STORE_FULL. */
KH_CHECK
enum kh_hit kh_query_next(struct kh_query *q, struct kh_error *err);

/** Run to the end and throw rows away. @param ret_changes rows changed, or NULL */
KH_CHECK
bool kh_query_run(struct kh_query *q, int64_t *ret_changes, struct kh_error *err);

/** Run a write that is expected to succeed and whose outcome nobody asks for: on PostgreSQL this
 *  does not wait for the answer, which saves a trip to the server. If it fails after all, its
 *  callback fails by its end with the error; where an error has to be put into other words (a
 *  duplicate) use kh_query_run. Not in a reading. */
KH_CHECK
bool kh_query_post(struct kh_query *q, struct kh_error *err);

/** Column i (0-based) of the row. Text and bytes are valid until the next step: copy them. */
int64_t kh_col_int(struct kh_query *q, int i);
double kh_col_real(struct kh_query *q, int i);
struct kh_str kh_col_text(struct kh_query *q, int i); /**< p is NULL if the column is */
struct kh_str kh_col_blob(struct kh_query *q, int i);
bool kh_col_null(struct kh_query *q, int i);

/** Run DDL or several statements without parameters; for migrations and types. DDL goes this way
 *  only: that is how the driver knows that there is something to roll back. */
KH_CHECK
bool kh_tx_script(struct kh_tx *tx, const char *sql, struct kh_error *err);

/* ---- the life of a database ---- */

/** Nothing has happened for a while: give up what readers keep for the next question (snapshots, pages,
 *  mappings). It costs whoever asks next some microseconds more. From any thread. */
void kh_store_rest(struct kh_store *st);

/** Numbers for /metrics. */
struct kh_store_stats {
    int64_t commits, callbacks, rollbacks, retries, queue, wal_bytes, fsync_us_sum, events;
};
void kh_store_stats(struct kh_store *st, struct kh_store_stats *ret);

/** Told about progress, 0..total; total may be 0 if unknown. */
typedef void (*kh_progress_fn)(void *ctx, int64_t done, int64_t total);

/** Online copy of the database into the directory to (SQLite: backup API; PostgreSQL: COPY). */
KH_CHECK
bool kh_store_backup(struct kh_store *st, const char *to, kh_progress_fn progress, void *ctx,
                     struct kh_error *err);

/**
 * Put a copy back that kh_store_backup made: into a folder without a city.db, or an empty
 * PostgreSQL schema. It is brought to the newest schema; kh_event_verify says whether it is whole.
 *
 * @param config where to; its signed heads that are newer than the copy stop binding it
 * @param from   folder of the copy (of the same kind of database)
 * @param err    IO (500), STORE_CORRUPT (500): the copy is damaged; STORE (503), STORE_FULL (507)
 */
KH_CHECK
bool kh_store_restore(const struct kh_store_config *config, const char *from,
                      kh_progress_fn progress, void *ctx, struct kh_error *err);

#endif
