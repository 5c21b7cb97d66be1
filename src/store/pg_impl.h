/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store/pg_impl -- the parts of the PostgreSQL driver as they see each other.
 *
 * Owns   the shapes of a connection and of the driver.
 * Used   by postgres.c (pools, transactions), pg_conn.c (one connection), pg_query.c (statements),
 *        pg_seal.c (the log), pg_backup.c.
 */
#ifndef KH_STORE_PG_IMPL_H
#define KH_STORE_PG_IMPL_H

#include "store/store_driver.h"

#include <libpq-fe.h>

enum { KH_PG_PARAMS = 64 };

/** A prepared statement of one connection. */
struct kh_pg_stmt {
    const struct kh_sql *sql; /**< the key, or NULL if it is passing: then text is */
    char *text;               /**< a copy, if it is passing */
    uint64_t hash, used;      /**< used: counts openings, for the oldest */
    struct kh_pg_stmt *next;
    unsigned busy;  /**< queries that are open on it */
    char name[24];  /**< on the server; never given again on this connection */
    unsigned epoch; /**< of the connection when it was prepared; 0 never */
    int params;
    Oid types[KH_PG_PARAMS]; /**< what the server made of $1.. */
};

/** One connection; used by one thread at a time. All work is pipelined: BEGIN, SAVEPOINT and the
 *  first statement are one trip. */
struct kh_pg_conn {
    struct kh_store *st;
    PGconn *pg;
    struct kh_pg_stmt **slots;
    size_t slots_n, stmts_n, passing_n;
    uint64_t openings, names;
    unsigned epoch;       /**< counts connections; statements of older ones are prepared anew */
    int64_t retry_us;     /**< do not try to connect before */
    const char *begin;    /**< how a transaction starts here */
    bool in_tx;           /**< BEGIN was sent */
    bool wants_savepoint; /**< SAVEPOINT goes ahead of the next statement */
    bool has_savepoint;
    bool lost;          /**< the connection broke inside this transaction */
    bool stale;         /**< a prepared statement does not fit the tables any more */
    bool touched;       /**< this callback has sent something */
    bool wrote;         /**< something was changed in this transaction or savepoint */
    bool sync_posts;     /**< wait for posted statements too: who failed must be known */
    bool post_failed;    /**< a posted statement failed, whosever it was */
    unsigned posted;     /**< commands sent in this transaction whose answers come later */
    unsigned undrained; /**< commands whose answers nobody has read yet */
    struct kh_pg_query *spare;
    struct kh_tx tx;
    struct kh_hooks hooks;
    struct kh_pg_conn *next; /**< in the pool */
};

struct kh_pg_writer {
    struct kh_pg_conn c;
    pthread_t thread;
    bool started;
    struct kh_job *jobs;
    bool *ok;
    struct kh_error *errs;
    unsigned careful;
};

struct kh_pg {
    struct kh_queue queue;
    struct kh_pg_writer *writers;
    unsigned writers_n;
    /** Batches share it; one that keeps losing conflicts takes it alone. */
    pthread_rwlock_t alone;
    /** Writers on duty and how many may be: fewer while they meet in conflicts. */
    pthread_mutex_t duty_lock;
    pthread_cond_t duty_free;
    unsigned on_duty, duty_max, peace, patience;
    bool closing;

    pthread_mutex_t pool_lock;
    pthread_cond_t pool_free;
    struct kh_pg_conn *pool, *readers;
    unsigned readers_n;
    pthread_key_t reading; /**< the connection that this thread reads on just now */

    /** Batches of several processes meet until then (kh_mono_us). */
    _Atomic int64_t crowded_until;

    uint32_t schema; /**< oid of the schema: names locks and channels */
    struct kh_pg_log *log;
};

static inline struct kh_pg *kh_pg_of(struct kh_store *st)
{
    return st->impl;
}

/* pg_conn.c */

void kh_pg_conn_init(struct kh_pg_conn *c, struct kh_store *st, const char *begin,
                     enum kh_tx_mode mode);
/** Connect if there is no connection, at most every 100 ms. @param err STORE (503) */
KH_CHECK
bool kh_pg_connect(struct kh_pg_conn *c, struct kh_error *err);
void kh_pg_conn_close(struct kh_pg_conn *c);
/** Put a failed result, or the state of the connection, into words and into a code; sets c->lost,
 *  c->stale and *ret_retry. @return false */
bool kh_pg_fail(struct kh_pg_conn *c, const PGresult *res, const char *what, bool *ret_retry,
                struct kh_error *err);
/** Send what belongs before a statement (BEGIN, SAVEPOINT). @return commands sent, -1 if lost */
int kh_pg_prefix(struct kh_pg_conn *c);
/** Close the pipeline and read n answers, after those of what was posted; *ret_last gets the last
 *  one, PQclear it. The first failed one fails the whole. */
KH_CHECK
bool kh_pg_drain(struct kh_pg_conn *c, int n, const char *what, PGresult **ret_last,
                 bool *ret_retry, struct kh_error *err);
/** Run one command without parameters, after the prefix if prefix. */
KH_CHECK
bool kh_pg_command(struct kh_pg_conn *c, const char *sql, bool prefix, bool *ret_retry,
                   struct kh_error *err);
/** Several statements at once, outside of the pipeline. */
KH_CHECK
bool kh_pg_script(struct kh_pg_conn *c, const char *sql, bool prefix, struct kh_error *err);
/** Leave the transaction, whatever its state. */
void kh_pg_rollback(struct kh_pg_conn *c);
/** Commit. A connection that breaks meanwhile is a failure: nobody knows what became of it. */
KH_CHECK
bool kh_pg_commit(struct kh_pg_conn *c, bool *ret_retry, struct kh_error *err);

/* pg_query.c */
bool kh_pg_open(struct kh_query *q, struct kh_error *err);
void kh_pg_drop(struct kh_query *q);
void kh_pg_bind_int(struct kh_query *q, int n, int64_t v);
void kh_pg_bind_real(struct kh_query *q, int n, double v);
void kh_pg_bind_text(struct kh_query *q, int n, struct kh_str s);
void kh_pg_bind_blob(struct kh_query *q, int n, struct kh_str s);
void kh_pg_bind_null(struct kh_query *q, int n);
enum kh_hit kh_pg_next(struct kh_query *q, struct kh_error *err);
int64_t kh_pg_changes(struct kh_query *q);
int64_t kh_pg_col_int(struct kh_query *q, int i);
double kh_pg_col_real(struct kh_query *q, int i);
struct kh_str kh_pg_col_text(struct kh_query *q, int i);
struct kh_str kh_pg_col_blob(struct kh_query *q, int i);
bool kh_pg_col_null(struct kh_query *q, int i);
bool kh_pg_post(struct kh_query *q, struct kh_error *err);
bool kh_pg_tx_script(struct kh_tx *tx, const char *sql, struct kh_error *err);
void kh_pg_queries_free(struct kh_pg_conn *c);
void kh_pg_stmts_free(struct kh_pg_conn *c);

/* postgres.c */

/** Batches of this process and of another meet: bracket them for a while. Cheap; any thread. */
void kh_pg_crowded(struct kh_store *st);

/* pg_seal.c */

/** Start the thread that seals, or follows who seals. */
KH_CHECK
bool kh_pg_log_start(struct kh_store *st, struct kh_error *err);
/** Events were committed: seal them soon. Cheap; any thread. */
void kh_pg_log_ring(struct kh_store *st);
/** Wait (bounded) until what is committed is sealed and told. */
void kh_pg_log_settle(struct kh_store *st);
void kh_pg_log_stop(struct kh_store *st);

/* pg_backup.c */
bool kh_pg_backup(struct kh_store *st, const char *to, kh_progress_fn progress, void *ctx,
                  struct kh_error *err);

#endif
