/* SPDX-License-Identifier: Apache-2.0 */
#include "base/id.h"
#include "base/time.h"
#include "store/sqlite_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A snapshot is kept at most so long, for what other processes commit, and for the WAL's sake. */
#define SNAPSHOT_US (500 * (int64_t)1000)

/* How long a lock of another process is waited for. */
enum { BUSY_MS = 5000 };

/* ---- errors ---- */

bool kh_sqlite_fail(struct kh_error *err, sqlite3 *db, int rc, const char *what)
{
    const char *msg = db ? sqlite3_errmsg(db) : sqlite3_errstr(rc);
    enum kh_ec code = KH_EC_STORE;

    switch (rc & 0xff) {
    case SQLITE_CONSTRAINT:
        code = KH_EC_STORE_CONSTRAINT;
        break;
    case SQLITE_FULL:
        code = KH_EC_STORE_FULL;
        break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        code = KH_EC_STORE_BUSY;
        break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        code = KH_EC_STORE_CORRUPT;
        break;
    default:
        break;
    }
    return kh_fail(err, code, "%s: %s (%d)", what, msg, rc);
}

/* ---- a connection ---- */

/* What nothing but a migration may do: the log and its guards stay as they are. Asked when a
 * statement is prepared, so it costs a running one nothing. */
static int authorize(void *ctx, int action, const char *a, const char *b, const char *db,
                     const char *trigger)
{
    const struct kh_store *st = ctx;
    const char *table = NULL;

    (void)db;
    (void)trigger;
    switch (action) {
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
        return SQLITE_DENY;
    case SQLITE_DROP_TABLE:
    case SQLITE_DELETE:
        table = a;
        break;
    case SQLITE_ALTER_TABLE:
    case SQLITE_DROP_TRIGGER:
        table = b;
        break;
    case SQLITE_PRAGMA:
        if (b && sqlite3_stricmp(a, "writable_schema") == 0)
            return SQLITE_DENY;
        break;
    default:
        break;
    }
    if (!table || st->migrating)
        return SQLITE_OK;
    if (sqlite3_stricmp(table, "event") == 0 || sqlite3_stricmp(table, "checkpoint") == 0 ||
        sqlite3_stricmp(table, "schema_migration") == 0)
        return SQLITE_DENY;
    return SQLITE_OK;
}

/* A file becomes a WAL one with everybody else away, and of two that ask at once SQLite refuses one
 * without its busy handler: that could be waiting for the very one it keeps from going on. So asked
 * again, as long as a handler would have waited; for one that is a WAL file already it is a reading. */
static bool make_wal(struct kh_sqlite_conn *c, struct kh_error *err)
{
    int64_t until = kh_mono_us() + BUSY_MS * (int64_t)1000;
    int rc;

    while (((rc = sqlite3_exec(c->db, "PRAGMA journal_mode=WAL", NULL, NULL, NULL)) & 0xff) ==
               SQLITE_BUSY &&
           kh_mono_us() < until)
        (void)sqlite3_sleep(1);
    return rc == SQLITE_OK || kh_sqlite_fail(err, c->db, rc, "open");
}

static bool pragmas(struct kh_store *st, struct kh_sqlite_conn *c, bool writer,
                    struct kh_error *err)
{
    char sql[512];
    int rc;

    /* temp_store: savepoints keep their old pages in memory, not in a file. mmap_size: a reader
     * maps the file instead of copying pages out of the kernel's cache, which halves a point
     * read. */
    snprintf(sql, sizeof(sql),
             "PRAGMA synchronous=%s; PRAGMA wal_autocheckpoint=0;"
             "PRAGMA temp_store=MEMORY; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF;"
             "PRAGMA cache_size=-%lld; PRAGMA mmap_size=%lld; %s",
             st->config.making ? "OFF" : "NORMAL",
             (long long)(st->config.cache_bytes / (writer ? 1024 : 4096)),
             writer ? 0 : (long long)st->config.map_bytes,
             writer ? "" : "PRAGMA query_only=ON;");
    rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK || kh_sqlite_fail(err, c->db, rc, "open");
}

bool kh_sqlite_connect(struct kh_store *st, struct kh_sqlite_conn *c, bool writer,
                       struct kh_error *err)
{
    struct kh_sqlite *s = kh_sqlite_of(st);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (writer ? SQLITE_OPEN_CREATE : 0);
    int rc = sqlite3_open_v2(s->path, &c->db, flags, kh_sqlite_vfs());

    if (rc != SQLITE_OK) {
        kh_sqlite_fail(err, c->db, rc, "open");
        sqlite3_close(c->db);
        c->db = NULL;
        return false;
    }
    (void)sqlite3_extended_result_codes(c->db, 1);
    (void)sqlite3_busy_timeout(c->db, BUSY_MS);
    (void)sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    c->tx = (struct kh_tx){.st = st, .mode = writer ? KH_TX_WRITE : KH_TX_READ, .conn = c};
    if (!make_wal(c, err) || !pragmas(st, c, writer, err) ||
        (rc = sqlite3_prepare_v3(c->db, writer ? "BEGIN IMMEDIATE" : "BEGIN", -1,
                                 SQLITE_PREPARE_PERSISTENT, &c->begin, NULL)) != SQLITE_OK ||
        (rc = sqlite3_prepare_v3(c->db, "COMMIT", -1, SQLITE_PREPARE_PERSISTENT, &c->commit,
                                 NULL)) != SQLITE_OK) {
        if (rc != SQLITE_OK)
            kh_sqlite_fail(err, c->db, rc, "open");
        kh_sqlite_disconnect(c);
        return false;
    }
    if (writer)
        (void)sqlite3_set_authorizer(c->db, authorize, st);
    return true;
}

void kh_sqlite_disconnect(struct kh_sqlite_conn *c)
{
    kh_sqlite_stmts_free(c);
    sqlite3_finalize(c->begin);
    sqlite3_finalize(c->commit);
    sqlite3_close(c->db);
    *c = (struct kh_sqlite_conn){0};
}

/* ---- reading ---- */

static int once(sqlite3_stmt *stmt)
{
    int rc = sqlite3_step(stmt);

    sqlite3_reset(stmt);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static void snapshot_end(struct kh_sqlite_reader *r)
{
    if (!r->open)
        return;
    (void)once(r->c.commit);
    r->open = false;
}

/* With the reader's lock held. The commits are counted before the snapshot is taken, so a kept
 * snapshot may be newer than it thinks, never older. */
static bool snapshot_renew(struct kh_store *st, struct kh_sqlite_reader *r, struct kh_error *err)
{
    long long commits = atomic_load_explicit(&st->commits, memory_order_acquire);
    int64_t now = kh_mono_us();
    int rc;

    if (r->open && r->seen == commits && now - r->since_us < SNAPSHOT_US)
        return true;
    snapshot_end(r);
    rc = once(r->c.begin);
    if (rc != SQLITE_OK)
        return kh_sqlite_fail(err, r->c.db, rc, "begin");
    r->open = true;
    r->seen = commits;
    r->since_us = now;
    return true;
}

static void reader_free(struct kh_sqlite_reader *r)
{
    snapshot_end(r);
    kh_sqlite_disconnect(&r->c);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

/* A thread ends: so does its connection. */
static void reader_gone(void *p)
{
    struct kh_sqlite_reader *r = p;
    struct kh_sqlite *s = kh_sqlite_of(r->st);

    pthread_mutex_lock(&s->readers_lock);
    *r->prev = r->next;
    if (r->next)
        r->next->prev = r->prev;
    pthread_mutex_unlock(&s->readers_lock);
    reader_free(r);
}

static struct kh_sqlite_reader *reader_new(struct kh_store *st, struct kh_error *err)
{
    struct kh_sqlite *s = kh_sqlite_of(st);
    struct kh_sqlite_reader *r = kh_store_alloc(sizeof(*r));

    if (!kh_sqlite_connect(st, &r->c, false, err)) {
        free(r);
        return NULL;
    }
    r->st = st;
    pthread_mutex_init(&r->lock, NULL);
    pthread_mutex_lock(&s->readers_lock);
    r->next = s->readers;
    r->prev = &s->readers;
    if (r->next)
        r->next->prev = &r->next;
    s->readers = r;
    pthread_mutex_unlock(&s->readers_lock);
    KH_REQUIRE(pthread_setspecific(s->key, r) == 0);
    return r;
}

static bool sqlite_read(struct kh_store *st, const char *name, kh_tx_fn fn, void *ctx,
                        struct kh_error *err)
{
    struct kh_sqlite *s = kh_sqlite_of(st);
    struct kh_sqlite_reader *r = pthread_getspecific(s->key);
    bool ok;

    if (!r && !(r = reader_new(st, err)))
        return false;
    if (r->depth > 0) { /* a reading inside a reading sees the same snapshot */
        struct kh_tx inner = {.st = st, .mode = KH_TX_READ, .name = name, .conn = &r->c};

        return kh_tx_call(&inner, fn, ctx, err);
    }
    pthread_mutex_lock(&r->lock);
    ok = snapshot_renew(st, r, err);
    if (ok) {
        r->depth++;
        r->c.tx.name = name;
        ok = kh_tx_call(&r->c.tx, fn, ctx, err);
        r->depth--;
        if (r->c.tx.failed)
            snapshot_end(r);
    }
    pthread_mutex_unlock(&r->lock);
    return ok;
}

void kh_sqlite_release_idle(struct kh_store *st)
{
    struct kh_sqlite *s = kh_sqlite_of(st);

    pthread_mutex_lock(&s->readers_lock);
    for (struct kh_sqlite_reader *r = s->readers; r; r = r->next)
        if (pthread_mutex_trylock(&r->lock) == 0) {
            snapshot_end(r);
            pthread_mutex_unlock(&r->lock);
        }
    pthread_mutex_unlock(&s->readers_lock);
}

static void sqlite_rest(struct kh_store *st)
{
    struct kh_sqlite *s = kh_sqlite_of(st);

    pthread_mutex_lock(&s->readers_lock);
    for (struct kh_sqlite_reader *r = s->readers; r; r = r->next)
        if (pthread_mutex_trylock(&r->lock) == 0) {
            snapshot_end(r);
            (void)sqlite3_db_release_memory(r->c.db);
            kh_sqlite_vfs_unmap(r->c.db);
            pthread_mutex_unlock(&r->lock);
        }
    pthread_mutex_unlock(&s->readers_lock);
}

/* ---- the driver ---- */

static bool sqlite_submit(struct kh_store *st, const struct kh_job *job, struct kh_error *err)
{
    return kh_queue_put(&kh_sqlite_of(st)->queue, job, err);
}

static bool sqlite_inside(struct kh_store *st)
{
    const struct kh_sqlite *s = kh_sqlite_of(st);

    return pthread_equal(pthread_self(), s->committer) || pthread_equal(pthread_self(), s->syncer);
}

static void sqlite_stats(struct kh_store *st, struct kh_store_stats *ret)
{
    struct kh_sqlite *s = kh_sqlite_of(st);

    ret->queue = (int64_t)kh_queue_length(&s->queue);
    ret->wal_bytes = atomic_load(&s->wal_bytes);
}

static void sqlite_close(struct kh_store *st)
{
    struct kh_sqlite *s = kh_sqlite_of(st);

    kh_sqlite_committer_stop(st);
    pthread_key_delete(s->key);
    for (struct kh_sqlite_reader *r = s->readers, *next; r; r = next) {
        next = r->next;
        reader_free(r);
    }
    s->readers = NULL;
    if (s->w.db) { /* nobody reads any more, so this leaves one file; with syncs, in any case */
        /* Another process may read, and a waiting TRUNCATE keeps everybody from writing: seconds, if
         * that is a server with a snapshot kept for its next reading. Then the file is left to it. */
        (void)sqlite3_busy_timeout(s->w.db, 0);
        (void)sqlite3_exec(s->w.db, "PRAGMA synchronous=FULL", NULL, NULL, NULL);
        (void)sqlite3_wal_checkpoint_v2(s->w.db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    }
    kh_sqlite_disconnect(&s->w);
    if (s->nodes >= 0)
        close(s->nodes);
    pthread_mutex_destroy(&s->readers_lock);
    kh_queue_free(&s->queue);
    kh_hooks_free(&s->hooks);
    kh_pages_drop(s->jobs, st->config.batch_max * sizeof(*s->jobs));
    free(s->ok);
    kh_pages_drop(s->errs, st->config.batch_max * sizeof(*s->errs));
    free(s->path);
    free(s);
    st->impl = NULL;
}

static const struct kh_driver sqlite_driver = {
    .close = sqlite_close,
    .read = sqlite_read,
    .submit = sqlite_submit,
    .inside = sqlite_inside,
    .open = kh_sqlite_q_open,
    .drop = kh_sqlite_q_drop,
    .bind_int = kh_sqlite_bind_int,
    .bind_real = kh_sqlite_bind_real,
    .bind_text = kh_sqlite_bind_text,
    .bind_blob = kh_sqlite_bind_blob,
    .bind_null = kh_sqlite_bind_null,
    .next = kh_sqlite_next,
    .changes = kh_sqlite_changes,
    .col_int = kh_sqlite_col_int,
    .col_real = kh_sqlite_col_real,
    .col_text = kh_sqlite_col_text,
    .col_blob = kh_sqlite_col_blob,
    .col_null = kh_sqlite_col_null,
    .script = kh_sqlite_script,
    .stats = sqlite_stats,
    .rest = sqlite_rest,
    .backup = kh_sqlite_backup,
};

/* SQLite's count of its memory is one lock for all threads; nobody reads it here. Without the layer
 * over its cache it is only slower. */
static void sqlite_setup(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    (void)kh_sqlite_cache();
}

/* A command may work beside the server (khue pack load). Two processes with one number could make
 * the same id twice, so a number is held by a lock on its byte of a file, which ends with the
 * process. Where no file can be made there is nothing to write either. */
static void take_node(struct kh_sqlite *s, const char *dir)
{
    size_t size = strlen(dir) + sizeof("/nodes");
    char *path = kh_store_alloc(size);
    unsigned n = 0;

    snprintf(path, size, "%s/nodes", dir);
    s->nodes = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    free(path);
    while (s->nodes >= 0 && n < KH_ID_NODES) {
        struct flock one = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = n, .l_len = 1};

        if (fcntl(s->nodes, F_OFD_SETLK, &one) == 0)
            break;
        n++;
    }
    kh_id_node(n % KH_ID_NODES);
}

bool kh_sqlite_open(struct kh_store *st, struct kh_error *err)
{
    static pthread_once_t setup = PTHREAD_ONCE_INIT;
    struct kh_sqlite *s = kh_store_alloc(sizeof(*s));
    size_t n = strlen(st->url) + sizeof("/city.db");

    pthread_once(&setup, sqlite_setup);
    st->driver = &sqlite_driver;
    st->impl = s;
    s->path = kh_store_alloc(n);
    snprintf(s->path, n, "%s/city.db", st->url);
    if (mkdir(st->url, 0700) != 0 && errno != EEXIST) {
        kh_fail(err, KH_EC_STORE, "cannot make the data folder: %s", strerror(errno));
        goto out;
    }
    KH_REQUIRE(pthread_key_create(&s->key, reader_gone) == 0);
    pthread_mutex_init(&s->readers_lock, NULL);
    kh_queue_init(&s->queue, st->config.queue_max);
    take_node(s, st->url);
    if (kh_sqlite_connect(st, &s->w, true, err) && kh_sqlite_committer_start(st, err))
        return true;
    sqlite_close(st);
    return false;
out:
    free(s->path);
    free(s);
    st->impl = NULL;
    return false;
}
