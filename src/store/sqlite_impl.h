/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store/sqlite_impl -- the parts of the SQLite driver as they see each other.
 *
 * Owns   the shapes of a connection and of the driver.
 * Used   by sqlite.c (open, read, close), sqlite_query.c (statements), sqlite_commit.c (the
 *        committer), sqlite_vfs.c (files), sqlite_cache.c (pages), sqlite_backup.c.
 */
#ifndef KH_STORE_SQLITE_IMPL_H
#define KH_STORE_SQLITE_IMPL_H

#include "store/store_driver.h"

#include <sqlite3.h>

enum { KH_SQLITE_PARAMS = 64 };

/** A prepared statement of one connection. */
struct kh_stmt {
    const struct kh_sql *sql; /**< the key, or NULL if it is passing: then its text is */
    uint64_t hash, used;      /**< used: counts openings of passing statements, for the oldest */
    sqlite3_stmt *stmt;
    struct kh_stmt *next; /**< same slot: other statements, or this one opened twice */
    bool busy;
    bool direct; /**< parameter n is SQLite's n: the map is not needed */
    unsigned char params;
    unsigned char map[KH_SQLITE_PARAMS + 1];
};

/** A connection and its statements. Used by one thread at a time. */
struct kh_sqlite_conn {
    sqlite3 *db;
    struct kh_stmt **slots;
    size_t slots_n, stmts_n, passing_n;
    uint64_t openings;
    sqlite3_stmt *begin, *commit;
    struct kh_tx tx;
};

/** A thread's connection for reading. */
struct kh_sqlite_reader {
    struct kh_sqlite_conn c;
    pthread_mutex_t lock; /**< held while a callback reads; the committer may try it */
    bool open;            /**< a snapshot is kept */
    unsigned depth;       /**< callbacks inside callbacks; touched by its own thread only */
    long long seen;       /**< commits of the store when the snapshot was asked for */
    int64_t since_us;
    struct kh_store *st;
    struct kh_sqlite_reader *next, **prev;
};

/** Writes whose outcome is known, on their way to the disk and to those who wait. */
struct kh_batch {
    struct kh_job *jobs;
    bool *ok;
    struct kh_error *errs;
    size_t n;
    bool wrote;             /**< at least one succeeded: what it wrote, if anything, is in the WAL */
    int64_t head;           /**< of the log after it */
    struct kh_hooks hooks;
    struct kh_fresh fresh;
    struct kh_batch *next;
};

/** One that is being synced, one that waits for it, and one more so that nobody waits for a list. */
enum { KH_BATCHES = 4 };

/** How far the mover is with the WAL. */
enum kh_move { KH_MOVE_NONE, KH_MOVE_ASKED, KH_MOVE_DONE };

struct kh_sqlite {
    char *path;
    int nodes; /**< the file whose locks say which numbers of processes are taken, or -1 */
    struct kh_sqlite_conn w; /**< the committer's */
    sqlite3_file *wal;       /**< of w */
    sqlite3_stmt *savepoint, *release, *back, *rollback, *version;
    pthread_t committer, syncer;
    bool started, syncing, made;
    struct kh_queue queue;

    pthread_mutex_t sync_lock;
    pthread_cond_t sync_ready, sync_done, move_ready;
    struct kh_batch batches[KH_BATCHES];
    struct kh_batch *idle, *sent, **sent_last;
    unsigned unsynced; /**< sent and not yet answered */
    enum kh_move move;
    bool moves;                  /**< there is a mover: not while a city is made */
    struct kh_sqlite_conn mover; /**< its connection, opened when it is first needed */
    sqlite3_file *moved;         /**< the database as the mover has it open */
    pthread_t moving;
    bool sync_stop;

    /* of the batch that is run */
    struct kh_job *jobs;
    bool *ok;
    struct kh_error *errs;
    struct kh_hooks hooks;
    int64_t data_version;
    int wal_frames;   /**< after the last commit */
    int wal_next;     /**< checkpoint when so many are there */
    unsigned careful; /**< batches that still get savepoints */
    bool anew;        /**< all of the WAL was moved: the next commit may begin it anew */
    bool torn;        /**< a commit failed: its frames may stand in the WAL */
    int64_t idle_us;
    atomic_llong wal_bytes;

    pthread_key_t key;
    pthread_mutex_t readers_lock;
    struct kh_sqlite_reader *readers;
};

static inline struct kh_sqlite *kh_sqlite_of(struct kh_store *st)
{
    return st->impl;
}

/* sqlite.c */
bool kh_sqlite_fail(struct kh_error *err, sqlite3 *db, int rc, const char *what);
KH_CHECK
bool kh_sqlite_connect(struct kh_store *st, struct kh_sqlite_conn *c, bool writer,
                       struct kh_error *err);
void kh_sqlite_disconnect(struct kh_sqlite_conn *c);
/** Give up the kept snapshots of threads that are not reading just now. */
void kh_sqlite_release_idle(struct kh_store *st);

/* sqlite_query.c */
bool kh_sqlite_q_open(struct kh_query *q, struct kh_error *err);
void kh_sqlite_q_drop(struct kh_query *q);
void kh_sqlite_bind_int(struct kh_query *q, int n, int64_t v);
void kh_sqlite_bind_real(struct kh_query *q, int n, double v);
void kh_sqlite_bind_text(struct kh_query *q, int n, struct kh_str s);
void kh_sqlite_bind_blob(struct kh_query *q, int n, struct kh_str s);
void kh_sqlite_bind_null(struct kh_query *q, int n);
enum kh_hit kh_sqlite_next(struct kh_query *q, struct kh_error *err);
int64_t kh_sqlite_changes(struct kh_query *q);
int64_t kh_sqlite_col_int(struct kh_query *q, int i);
double kh_sqlite_col_real(struct kh_query *q, int i);
struct kh_str kh_sqlite_col_text(struct kh_query *q, int i);
struct kh_str kh_sqlite_col_blob(struct kh_query *q, int i);
bool kh_sqlite_col_null(struct kh_query *q, int i);
bool kh_sqlite_script(struct kh_tx *tx, const char *sql, struct kh_error *err);
void kh_sqlite_stmts_free(struct kh_sqlite_conn *c);

/* sqlite_commit.c */
KH_CHECK
bool kh_sqlite_committer_start(struct kh_store *st, struct kh_error *err);
void kh_sqlite_committer_stop(struct kh_store *st);

/* sqlite_vfs.c */

/** Register the file layer that times syncs and lets tests break them. Repeating is harmless.
 *  @return its name */
const char *kh_sqlite_vfs(void);
/** The WAL of a connection, valid as long as that; the time of syncs of both files is counted into
 *  *us. NULL: it is not in WAL mode */
sqlite3_file *kh_sqlite_vfs_wal(sqlite3 *db, atomic_llong *us);
/** Give back the mapping of a connection that holds no snapshot. */
void kh_sqlite_vfs_unmap(sqlite3 *db);
/** The database file of a connection, valid as long as that. NULL: it is not one of this layer. */
sqlite3_file *kh_sqlite_vfs_main(sqlite3 *db);
/** Sync a WAL or a database if it was written through this file, from any thread.
 *  @return false if the disk failed */
KH_CHECK
bool kh_sqlite_vfs_sync(sqlite3_file *file);

/* sqlite_cache.c */

/** Lay ours over SQLite's page cache, before SQLite is used: a commit then costs the same however much
 *  is cached. @return false if it is too late, or SQLite has no such cache; it works without */
bool kh_sqlite_cache(void);

/* sqlite_backup.c */
bool kh_sqlite_backup(struct kh_store *st, const char *to, kh_progress_fn progress, void *ctx,
                      struct kh_error *err);

#endif
