/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/file/file.h"

#include "base/fault.h"
#include "base/hash.h"
#include "base/id.h"
#include "base/time.h"
#include "engine/file/clamd.h"
#include "store/event.h"
#include "store/file/file_sql.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    ID_CHARS = 2 * KH_SHA256_BYTES,
    IMAGE_BYTES = 20 << 20,
    VIDEO_BYTES = 100 << 20,
    USES_MAX = 100,
    SWEEP_S = 3600,
    SWEEP_MAX = 10000, /* files in one sweep */
};

#define TEMPORARY ".new-"

struct kh_files {
    struct kh_store *st;
    struct kh_arena *a;
    int dir;
    size_t image_bytes, video_bytes;
    const char *antivirus; /* or NULL */
    pthread_mutex_t lock;  /* of stop */
    pthread_cond_t wake;
    pthread_t sweeper;
    bool sweeping, stop;
};

static bool io_failed(struct kh_error *err, const char *what)
{
    int e = errno;

    if (e == ENOSPC || e == EDQUOT)
        return kh_fail(err, KH_EC_STORE_FULL, "%s: %s", what, strerror(e));
    return kh_fail(err, KH_EC_IO, "%s: %s", what, strerror(e));
}

static bool id_ok(struct kh_str id)
{
    if (id.n != ID_CHARS)
        return false;
    for (size_t i = 0; i < id.n; i++)
        if (!((id.p[i] >= '0' && id.p[i] <= '9') || (id.p[i] >= 'a' && id.p[i] <= 'f')))
            return false;
    return true;
}

/* ---- opening ---- */

/* A crash between write and rename leaves a file that nothing names. */
static void remove_temporary(int dir)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *e;

    if (!d) {
        if (fd >= 0)
            close(fd);
        return;
    }
    while ((e = readdir(d)))
        if (strncmp(e->d_name, TEMPORARY, sizeof(TEMPORARY) - 1) == 0)
            unlinkat(dir, e->d_name, 0);
    closedir(d);
}

bool kh_files_open(struct kh_store *st, const char *dir, struct kh_files **ret,
                   struct kh_error *err)
{
    struct kh_arena *a;
    struct kh_files *fs;
    int fd;

    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return io_failed(err, "making the folder of files");
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return io_failed(err, "opening the folder of files");
    remove_temporary(fd);
    a = kh_arena_new(SIZE_MAX);
    fs = kh_new(a, struct kh_files);
    *fs = (struct kh_files){
        .st = st, .a = a, .dir = fd, .image_bytes = IMAGE_BYTES, .video_bytes = VIDEO_BYTES};
    pthread_mutex_init(&fs->lock, NULL);
    pthread_cond_init(&fs->wake, NULL);
    *ret = fs;
    return true;
}

void kh_files_close(struct kh_files *fs)
{
    if (!fs)
        return;
    pthread_mutex_lock(&fs->lock);
    fs->stop = true;
    pthread_cond_signal(&fs->wake);
    pthread_mutex_unlock(&fs->lock);
    if (fs->sweeping)
        pthread_join(fs->sweeper, NULL);
    pthread_mutex_destroy(&fs->lock);
    pthread_cond_destroy(&fs->wake);
    close(fs->dir);
    kh_arena_drop(fs->a);
}

void kh_files_set_limits(struct kh_files *fs, const struct kh_files_limits *limits)
{
    if (limits->image_bytes)
        fs->image_bytes = limits->image_bytes;
    if (limits->video_bytes)
        fs->video_bytes = limits->video_bytes;
    fs->antivirus = NULL;
    if (limits->antivirus && limits->antivirus[0])
        fs->antivirus = kh_str_z(fs->a, kh_cstr(limits->antivirus));
}

/* ---- the directory ---- */

/* Adding holds the lock shared and sweeping alone, over threads and processes (each call has an
 * open file of its own), so that a file is not swept between its bytes and its row. */
struct lock {
    int fd;
};

static void lock_drop(struct lock *l)
{
    if (l->fd >= 0)
        close(l->fd);
}

static bool lock_take(const struct kh_files *fs, int how, struct lock *l, struct kh_error *err)
{
    l->fd = openat(fs->dir, ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (l->fd < 0)
        return io_failed(err, "opening the lock of files");
    while (flock(l->fd, how) != 0)
        if (errno != EINTR)
            return io_failed(err, "locking files");
    return true;
}

static void path_of(struct kh_str id, char out[ID_CHARS + 2])
{
    memcpy(out, id.p, 2);
    out[2] = '/';
    memcpy(out + 3, id.p + 2, ID_CHARS - 2);
    out[ID_CHARS + 1] = '\0';
}

static bool write_all(int fd, struct kh_str bytes)
{
    for (size_t at = 0; at < bytes.n;) {
        ssize_t n = write(fd, bytes.p + at, bytes.n - at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += (size_t)n;
    }
    return true;
}

static bool temporary_write(int dir, const char *name, struct kh_str bytes, struct kh_error *err)
{
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool ok;

    if (fd < 0)
        return io_failed(err, "making a file");
    ok = write_all(fd, bytes);
    if (ok && kh_fault("blob.write")) {
        errno = EIO;
        ok = false;
    }
    ok = ok && fsync(fd) == 0;
    if (!ok)
        io_failed(err, "writing a file");
    if (close(fd) != 0 && ok)
        ok = io_failed(err, "closing a file");
    if (!ok)
        unlinkat(dir, name, 0);
    return ok;
}

static bool sync_dir(int dir, const char *name, struct kh_error *err)
{
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;

    if (!ok)
        io_failed(err, "syncing a folder");
    if (fd >= 0)
        close(fd);
    return ok;
}

/* Once this returns, the bytes are on the disk under their name, whole, whatever happens. */
static bool blob_put(const struct kh_files *fs, struct kh_str id, struct kh_str bytes,
                     struct kh_error *err)
{
    char path[ID_CHARS + 2], folder[3] = {id.p[0], id.p[1], '\0'}, name[32];
    struct stat there;

    path_of(id, path);
    if (fstatat(fs->dir, path, &there, 0) == 0 && (size_t)there.st_size == bytes.n)
        return true;
    if (mkdirat(fs->dir, folder, 0700) == 0) {
        if (!sync_dir(fs->dir, ".", err))
            return false;
    } else if (errno != EEXIST) {
        return io_failed(err, "making a folder");
    }
    snprintf(name, sizeof(name), TEMPORARY "%016llx", (unsigned long long)kh_id_new());
    if (!temporary_write(fs->dir, name, bytes, err))
        return false;
    if (renameat(fs->dir, name, fs->dir, path) != 0) {
        io_failed(err, "naming a file");
        unlinkat(fs->dir, name, 0);
        return false;
    }
    return sync_dir(fs->dir, folder, err);
}

/* ---- adding ---- */

struct adding {
    const struct kh_file *f;
    const struct kh_who *who;
    struct kh_str data;
    bool is_new;
};

static bool add_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct adding *c = ctx;
    struct kh_event e = {.kind = KH_S("file.create"), .type = KH_S("file"), .level = 1};

    if (!kh_file_sql_insert(tx, c->f, &c->is_new, err))
        return false;
    if (!c->is_new)
        return true;
    e.actor = c->who->actor;
    e.data = c->data;
    return kh_event_append(tx, &e, err);
}

static bool is_video(const char *type)
{
    return strncmp(type, "video/", 6) == 0;
}

static bool check(const struct kh_files *fs, struct kh_arena *a, struct kh_str bytes,
                  struct kh_str *ret_bytes, struct kh_file *f, struct kh_error *err)
{
    size_t most = fs->image_bytes > fs->video_bytes ? fs->image_bytes : fs->video_bytes;
    const char *type;
    struct kh_str out;

    if (bytes.n > most)
        return kh_fail(err, KH_EC_FILE_TOO_LARGE, "%zu bytes; %zu are allowed", bytes.n, most);
    if (!kh_media_strip(a, bytes, &out, &type, &f->width, &f->height, err))
        return false;
    most = is_video(type) ? fs->video_bytes : fs->image_bytes;
    if (bytes.n > most)
        return kh_fail(err, KH_EC_FILE_TOO_LARGE, "%zu bytes; %zu are allowed", bytes.n, most);
    if (fs->antivirus && !kh_clamd_scan(fs->antivirus, bytes, err))
        return false;
    f->media_type = kh_cstr(type);
    *ret_bytes = out;
    return true;
}

bool kh_file_add(struct kh_files *fs, struct kh_arena *a, struct kh_str bytes,
                 const struct kh_who *who, struct kh_file *ret, struct kh_error *err)
{
    __attribute__((cleanup(lock_drop))) struct lock lock = {-1};
    struct kh_file f = {.created_us = kh_now_us(), .by = who->account};
    struct adding c = {.f = &f, .who = who};
    unsigned char sum[KH_SHA256_BYTES];
    struct kh_str out;

    if (!check(fs, a, bytes, &out, &f, err))
        return false;
    kh_sha256_one(out, sum);
    f.id = kh_hex(a, sum, sizeof(sum));
    f.bytes = (int64_t)out.n;
    c.data = kh_strf(a, "{\"id\":\"%.*s\",\"media_type\":\"%.*s\",\"bytes\":%lld}", KH_FMT(f.id),
                     KH_FMT(f.media_type), (long long)f.bytes);
    if (!lock_take(fs, LOCK_SH, &lock, err) || !blob_put(fs, f.id, out, err) ||
        !kh_store_run(fs->st, "file_add", KH_TX_WRITE, add_in_tx, &c, err))
        return false;
    *ret = f;
    return true;
}

/* ---- reading ---- */

enum kh_hit kh_file_get(struct kh_tx *tx, const struct kh_files *fs, struct kh_arena *a,
                        struct kh_str id, struct kh_file *ret, struct kh_error *err)
{
    (void)fs;
    return id_ok(id) ? kh_file_sql_get(tx, a, id, ret, err) : KH_MISS;
}

bool kh_file_open(const struct kh_files *fs, const struct kh_file *f, int *ret_fd,
                  struct kh_error *err)
{
    char path[ID_CHARS + 2];
    struct stat there;
    int fd;

    KH_REQUIRE(id_ok(f->id));
    path_of(f->id, path);
    fd = openat(fs->dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return io_failed(err, "opening a file");
    if (fstat(fd, &there) != 0 || there.st_size != f->bytes) {
        close(fd);
        return kh_fail(err, KH_EC_IO, "a stored file has another length than its row says");
    }
    *ret_fd = fd;
    return true;
}

/* ---- use ---- */

bool kh_file_link(struct kh_tx *tx, struct kh_str id, struct kh_str type, int64_t record,
                  struct kh_error *err)
{
    enum kh_hit hit = id_ok(id) ? kh_file_sql_link(tx, id, type, record, err) : KH_MISS;

    return hit == KH_MISS ? kh_fail(err, KH_EC_FILE_UNKNOWN, "no such file") : hit == KH_HIT;
}

static bool is_file_field(const struct kh_json *property)
{
    static const char *const widgets[] = {"photo", "photos", "video", "file", "files"};
    struct kh_str w = kh_json_str(kh_json_get(property, "x-kh"), "widget", KH_S(""));

    for (size_t i = 0; i < KH_LEN(widgets); i++)
        if (kh_str_is(w, widgets[i]))
            return true;
    return false;
}

struct linking {
    struct kh_tx *tx;
    struct kh_arena *a;
    struct kh_str type;
    int64_t record;
    struct kh_issues *issues;
};

/* One id of a field; what names no file becomes an issue. */
static bool link_one(struct linking *l, struct kh_str id, struct kh_str pointer,
                     struct kh_error *err)
{
    enum kh_hit hit = id_ok(id) ? kh_file_sql_link(l->tx, id, l->type, l->record, err) : KH_MISS;

    if (hit == KH_MISS)
        kh_issue_add(l->issues, l->a, pointer, "file", KH_S("Không có tệp này; hãy tải lên lại."),
                     KH_S("There is no such file; send it again."));
    return hit != KH_FAIL;
}

/* A value and what is in it: the papers of a dossier are objects, each with files of its own. */
static bool link_value(struct linking *l, const struct kh_json *schema, const struct kh_json *v,
                       bool files, struct kh_str pointer, struct kh_error *err)
{
    const struct kh_json *inside =
        kh_json_get(schema, v->type == KH_JSON_ARRAY ? "items" : "properties");

    files = files || is_file_field(schema);
    if (v->type == KH_JSON_STRING)
        return !files || link_one(l, v->s, pointer, err);
    for (uint32_t i = 0; v->type == KH_JSON_ARRAY && (files || inside) && i < v->n; i++)
        if (!link_value(l, inside, &v->items[i], files,
                        kh_strf(l->a, "%.*s/%u", KH_FMT(pointer), i), err))
            return false;
    for (uint32_t i = 0; v->type == KH_JSON_OBJECT && inside && i < v->n; i++)
        if (!link_value(l, kh_json_find(inside, v->members[i].key), &v->members[i].value, false,
                        kh_strf(l->a, "%.*s/%.*s", KH_FMT(pointer), KH_FMT(v->members[i].key)),
                        err))
            return false;
    return true;
}

bool kh_file_link_fields(struct kh_tx *tx, struct kh_arena *a, const struct kh_json *schema,
                         const struct kh_json *fields, struct kh_str type, int64_t record,
                         struct kh_error *err)
{
    struct kh_issues *issues = kh_new(a, struct kh_issues);
    struct linking l = {.tx = tx, .a = a, .type = type, .record = record, .issues = issues};

    if (!link_value(&l, schema, fields, false, KH_S(""), err))
        return false;
    if (issues->n == 0)
        return true;
    kh_fail(err, KH_EC_RECORD_REFERENCE, "%.*s", KH_FMT(issues->items[0].pointer));
    err->issues = issues;
    return false;
}

bool kh_file_uses(struct kh_tx *tx, struct kh_arena *a, struct kh_str id, struct kh_file_use **ret,
                  size_t *ret_n, struct kh_error *err)
{
    return kh_file_sql_uses(tx, a, id, USES_MAX, ret, ret_n, err);
}

/* ---- sweeping ---- */

struct sweeping {
    struct kh_arena *a;
    int64_t before_us;
    size_t max;
    struct kh_str *ids;
    size_t n;
    bool *gone;
};

static bool sweep_find(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct sweeping *s = ctx;

    return kh_file_sql_unused(tx, s->a, s->before_us, s->max, &s->ids, &s->n, err);
}

static bool sweep_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct sweeping *s = ctx;
    struct kh_who who = kh_who_system(KH_S("files"));

    for (size_t i = 0; i < s->n; i++) {
        struct kh_event e = {.kind = KH_S("file.sweep"), .type = KH_S("file"), .level = 1};

        if (!kh_file_sql_delete_unused(tx, s->ids[i], &s->gone[i], err))
            return false;
        e.actor = who.actor;
        e.data = kh_strf(s->a, "{\"id\":\"%.*s\"}", KH_FMT(s->ids[i]));
        if (s->gone[i] && !kh_event_append(tx, &e, err))
            return false;
    }
    return true;
}

bool kh_files_sweep(struct kh_files *fs, int64_t before_us, size_t max, size_t *ret_gone,
                    struct kh_error *err)
{
    __attribute__((cleanup(lock_drop))) struct lock lock = {-1};
    kh_auto_arena a = kh_arena_new(SIZE_MAX);
    struct sweeping s = {.a = a, .before_us = before_us, .max = max};
    size_t gone = 0;

    if (!lock_take(fs, LOCK_EX, &lock, err) ||
        !kh_store_run(fs->st, "file_unused", KH_TX_READ, sweep_find, &s, err))
        return false;
    s.gone = kh_new_n(a, s.n + 1, bool);
    if (s.n && !kh_store_run(fs->st, "file_sweep", KH_TX_WRITE, sweep_in_tx, &s, err))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char path[ID_CHARS + 2];

        if (!s.gone[i])
            continue;
        path_of(s.ids[i], path);
        unlinkat(fs->dir, path, 0); /* bytes without a row are only lost room */
        gone++;
    }
    *ret_gone = gone;
    return true;
}

/* A failing sweep is tried again an hour later. */
static void *sweep_hourly(void *arg)
{
    struct kh_files *fs = arg;

    pthread_mutex_lock(&fs->lock);
    while (!fs->stop) {
        struct kh_error err = {0};
        struct timespec until;
        size_t gone;

        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += SWEEP_S;
        if (pthread_cond_timedwait(&fs->wake, &fs->lock, &until) != ETIMEDOUT || fs->stop)
            continue;
        pthread_mutex_unlock(&fs->lock);
        (void)!kh_files_sweep(fs, kh_now_us() - KH_US_DAY, SWEEP_MAX, &gone, &err);
        pthread_mutex_lock(&fs->lock);
    }
    pthread_mutex_unlock(&fs->lock);
    return NULL;
}

bool kh_files_start(struct kh_files *fs, struct kh_error *err)
{
    if (pthread_create(&fs->sweeper, NULL, sweep_hourly, fs) != 0)
        return kh_fail(err, KH_EC_OVERLOADED, "no thread for sweeping files");
    fs->sweeping = true;
    return true;
}
