/* SPDX-License-Identifier: Apache-2.0 */
/* A thin layer over SQLite's own files: it times syncs, lets a test break a write ("store.write": the
 * disk is full), a sync ("store.sync": the disk is broken) or the growth of the WAL's index
 * ("store.index") exactly where SQLite meets it, keeps a reader's mapping of the database from one
 * snapshot to the next, and writes the frames of a commit into the WAL with one call for 64 KiB
 * instead of two for each frame. */
#include "base/fault.h"
#include "base/time.h"
#include "store/sqlite_impl.h"

#include <stdio.h>
#include <stdlib.h>

struct file {
    sqlite3_file base;
    bool wal;
    atomic_llong *sync_us; /* where to count, NULL if nobody asked */
    sqlite3_int64 mapped;  /* size of the file when it was mapped; 0: it is not */
    bool outgrown;         /* a page was asked for that the mapping does not reach */
    struct frames *frames; /* of the WAL, once something was written to it */
    atomic_bool dirty;     /* written to since the last sync */
    sqlite3_file real[];
};

static sqlite3_file *real(sqlite3_file *f)
{
    return ((struct file *)f)->real;
}

/*
 * Frames on their way into the WAL. SQLite appends a frame as a header of 24 bytes and a page, one
 * after the other; the header of the last frame of a commit says how large the database then is
 * (file format, 4.1). What joins on waits here until that frame is complete, or something else is
 * asked of the file. Nobody looks at frames before the commit is entered in the index, which SQLite
 * does after the write has come back.
 *
 * Only what is appended may wait. A transaction that does not fit into the cache writes pages again
 * that are in the WAL already, and then makes the headers of all its frames anew: the last thing
 * that it writes is the header of its commit, with no page behind it.
 */
enum {
    FRAME_HEADER = 24,
    WAL_HEADER = 32,
    FRAMES_BYTES = 1 << 20,
    WRITE_BYTES = 64 << 10, /* SQLite's own layer takes less than 128 KiB at once */
};

struct frames {
    sqlite3_int64 at;
    sqlite3_int64 end; /* of what was appended since the WAL began anew */
    int n;
    bool last; /* the header of the last frame of a commit was written */
    unsigned char room[FRAMES_BYTES];
};

/* Said after the write: a sync that began before it must not count for it. */
static void wrote(sqlite3_file *f)
{
    atomic_store_explicit(&((struct file *)f)->dirty, true, memory_order_release);
}

static int frames_out(sqlite3_file *f)
{
    struct frames *w = ((struct file *)f)->frames;
    int n = w ? w->n : 0, rc = SQLITE_OK;

    if (n == 0)
        return SQLITE_OK;
    w->n = 0;
    w->last = false;
    if (kh_fault("store.write"))
        return SQLITE_FULL;
    for (int at = 0, part; at < n && rc == SQLITE_OK; at += part) {
        part = n - at < WRITE_BYTES ? n - at : WRITE_BYTES;
        rc = real(f)->pMethods->xWrite(real(f), w->room + at, part, w->at + at);
    }
    wrote(f);
    return rc;
}

static int frames_in(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    struct frames *w = ((struct file *)f)->frames;
    const unsigned char *h = p;
    int rc = SQLITE_OK;
    bool ends;

    if (w->n && (at != w->at + w->n || n > FRAMES_BYTES - w->n))
        rc = frames_out(f);
    if (rc != SQLITE_OK)
        return rc;
    if (w->n == 0)
        w->at = at;
    memcpy(w->room + w->n, p, (size_t)n);
    w->n += n;
    w->end = at + n;
    ends = w->last && n > FRAME_HEADER;
    if (n == FRAME_HEADER)
        w->last = (h[4] | h[5] | h[6] | h[7]) != 0;
    return ends ? frames_out(f) : SQLITE_OK;
}

static int f_close(sqlite3_file *f)
{
    int rc = frames_out(f), closed = real(f)->pMethods->xClose(real(f));

    free(((struct file *)f)->frames);
    ((struct file *)f)->frames = NULL;
    return rc != SQLITE_OK ? rc : closed;
}

static int f_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    int rc = frames_out(f);

    return rc != SQLITE_OK ? rc : real(f)->pMethods->xRead(real(f), p, n, at);
}

/* Does this write append to the WAL? Its header, at the very beginning, begins it anew. */
static bool appends(struct file *f, int n, sqlite3_int64 at)
{
    if (!f->wal)
        return false;
    if (!f->frames)
        f->frames = kh_store_alloc(sizeof(*f->frames));
    if (at < WAL_HEADER)
        f->frames->end = WAL_HEADER;
    return at >= WAL_HEADER && at >= f->frames->end && n <= FRAMES_BYTES / 4;
}

static int f_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    int rc;

    if (appends((struct file *)f, n, at))
        return frames_in(f, p, n, at);
    rc = frames_out(f);
    if (rc != SQLITE_OK)
        return rc;
    if (kh_fault("store.write"))
        return SQLITE_FULL;
    rc = real(f)->pMethods->xWrite(real(f), p, n, at);
    wrote(f);
    return rc;
}

static int f_truncate(sqlite3_file *f, sqlite3_int64 n)
{
    int rc = frames_out(f);

    return rc != SQLITE_OK ? rc : real(f)->pMethods->xTruncate(real(f), n);
}

static int sync_now(sqlite3_file *f, int flags)
{
    atomic_llong *us = ((struct file *)f)->sync_us;
    int64_t start = us ? kh_mono_us() : 0;
    int rc;

    if (kh_fault("store.sync"))
        return SQLITE_IOERR_FSYNC;
    rc = real(f)->pMethods->xSync(real(f), flags);
    if (us) { /* each counts, however quick */
        int64_t took = kh_mono_us() - start;

        atomic_fetch_add_explicit(us, took > 0 ? took : 1, memory_order_relaxed);
    }
    return rc;
}

static int f_sync(sqlite3_file *f, int flags)
{
    int rc = frames_out(f);

    return rc != SQLITE_OK ? rc : sync_now(f, flags);
}

static int f_size(sqlite3_file *f, sqlite3_int64 *n)
{
    int rc = frames_out(f);

    return rc != SQLITE_OK ? rc : real(f)->pMethods->xFileSize(real(f), n);
}

static int f_lock(sqlite3_file *f, int level)
{
    return real(f)->pMethods->xLock(real(f), level);
}

static int f_unlock(sqlite3_file *f, int level)
{
    return real(f)->pMethods->xUnlock(real(f), level);
}

static int f_reserved(sqlite3_file *f, int *out)
{
    return real(f)->pMethods->xCheckReservedLock(real(f), out);
}

/* Our own questions come through here: where to count syncs; give the mapping back. */
enum { KH_FCNTL_TIME = 0x6b6875, KH_FCNTL_UNMAP };

static int f_control(sqlite3_file *f, int op, void *arg)
{
    struct file *mine = (struct file *)f;

    if (op == KH_FCNTL_TIME) {
        mine->sync_us = arg;
        return SQLITE_OK;
    }
    if (op == KH_FCNTL_UNMAP) {
        mine->mapped = 0;
        return real(f)->pMethods->xUnfetch(real(f), 0, NULL);
    }
    return real(f)->pMethods->xFileControl(real(f), op, arg);
}

static int f_sector(sqlite3_file *f)
{
    return real(f)->pMethods->xSectorSize(real(f));
}

static int f_device(sqlite3_file *f)
{
    return real(f)->pMethods->xDeviceCharacteristics(real(f));
}

static int f_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **p)
{
    if (extend && page > 0 && kh_fault("store.index"))
        return SQLITE_IOERR_SHMSIZE;
    return real(f)->pMethods->xShmMap(real(f), page, size, extend, p);
}

static int f_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
    return real(f)->pMethods->xShmLock(real(f), at, n, flags);
}

static void f_shm_barrier(sqlite3_file *f)
{
    real(f)->pMethods->xShmBarrier(real(f));
}

static int f_shm_unmap(sqlite3_file *f, int remove)
{
    return real(f)->pMethods->xShmUnmap(real(f), remove);
}

/*
 * SQLite takes its mapping of the file back (xUnfetch of NULL) whenever somebody has committed, lest
 * the file has been cut or the system does not keep mappings and writes together. Linux does, our
 * files never shrink, and what a snapshot must not see is in the WAL until no reader needs the old
 * page. So the mapping stays: giving it back and faulting it in again cost more than the query it was
 * for. Only when the file has grown by an eighth is it mapped anew.
 */
static int f_fetch(sqlite3_file *f, sqlite3_int64 at, int n, void **p)
{
    struct file *mine = (struct file *)f;
    int rc = real(f)->pMethods->xFetch(real(f), at, n, p);

    if (rc == SQLITE_OK && *p && mine->mapped == 0)
        (void)real(f)->pMethods->xFileSize(real(f), &mine->mapped);
    else if (rc == SQLITE_OK && !*p)
        mine->outgrown = true;
    return rc;
}

static int f_unfetch(sqlite3_file *f, sqlite3_int64 at, void *p)
{
    struct file *mine = (struct file *)f;
    sqlite3_int64 size = 0;

    if (p)
        return real(f)->pMethods->xUnfetch(real(f), at, p);
    if (mine->mapped) {
        if (!mine->outgrown)
            return SQLITE_OK;
        mine->outgrown = false;
        if (real(f)->pMethods->xFileSize(real(f), &size) == SQLITE_OK &&
            size >= mine->mapped && size - mine->mapped < mine->mapped / 8)
            return SQLITE_OK;
    }
    mine->mapped = 0;
    mine->outgrown = false;
    return real(f)->pMethods->xUnfetch(real(f), at, NULL);
}

static const sqlite3_io_methods methods = {
    .iVersion = 3,
    .xClose = f_close,
    .xRead = f_read,
    .xWrite = f_write,
    .xTruncate = f_truncate,
    .xSync = f_sync,
    .xFileSize = f_size,
    .xLock = f_lock,
    .xUnlock = f_unlock,
    .xCheckReservedLock = f_reserved,
    .xFileControl = f_control,
    .xSectorSize = f_sector,
    .xDeviceCharacteristics = f_device,
    .xShmMap = f_shm_map,
    .xShmLock = f_shm_lock,
    .xShmBarrier = f_shm_barrier,
    .xShmUnmap = f_shm_unmap,
    .xFetch = f_fetch,
    .xUnfetch = f_unfetch,
};

static int v_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out_flags)
{
    sqlite3_vfs *under = v->pAppData;
    struct file *mine = (struct file *)f;
    int rc;

    *mine = (struct file){.wal = (flags & SQLITE_OPEN_WAL) != 0};
    rc = under->xOpen(under, name, mine->real, flags, out_flags);
    if (mine->real->pMethods)
        mine->base.pMethods = &methods;
    return rc;
}

static sqlite3_vfs layer;

static void layer_register(void)
{
    const sqlite3_vfs *under = sqlite3_vfs_find(NULL);

    KH_REQUIRE(under != NULL && under->iVersion >= 2);
    /* Everything but open is the layer below's own: it takes its own record as first argument only
     * to find pAppData, which its functions do not use for the unix family. */
    layer = *under;
    layer.pNext = NULL;
    layer.zName = "khue";
    layer.szOsFile = (int)sizeof(struct file) + under->szOsFile;
    layer.pAppData = sqlite3_vfs_find(NULL);
    layer.xOpen = v_open;
    KH_REQUIRE(sqlite3_vfs_register(&layer, 0) == SQLITE_OK);
}

const char *kh_sqlite_vfs(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, layer_register);
    return "khue";
}

sqlite3_file *kh_sqlite_vfs_wal(sqlite3 *db, atomic_llong *us)
{
    sqlite3_file *wal = NULL;

    (void)sqlite3_file_control(db, "main", KH_FCNTL_TIME, us);
    /* In WAL mode the journal is the log. */
    if (sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal) != SQLITE_OK || !wal ||
        wal->pMethods != &methods)
        return NULL;
    ((struct file *)wal)->sync_us = us;
    return wal;
}

sqlite3_file *kh_sqlite_vfs_main(sqlite3 *db)
{
    sqlite3_file *f = NULL;

    (void)sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &f);
    return f && f->pMethods == &methods ? f : NULL;
}

void kh_sqlite_vfs_unmap(sqlite3 *db)
{
    (void)sqlite3_file_control(db, "main", KH_FCNTL_UNMAP, NULL);
}

bool kh_sqlite_vfs_sync(sqlite3_file *file)
{
    /* Frames are never held back over the end of a commit: there is nothing to write out here, and
     * the committer may be gathering those of the next one. */
    return !atomic_exchange_explicit(&((struct file *)file)->dirty, false, memory_order_acq_rel) ||
           sync_now(file, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY) == SQLITE_OK;
}
