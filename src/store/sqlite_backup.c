/* SPDX-License-Identifier: Apache-2.0 */
/* Online copy of the database: a connection of its own holds one snapshot, so the copy never starts
 * over while the committer goes on writing. */
#include "store/backup.h"
#include "store/checkpoint.h"
#include "store/sqlite_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STEP_PAGES = 256 };

static bool copy_pages(struct kh_sqlite_conn *from, sqlite3 *to, kh_progress_fn progress, void *ctx,
                       struct kh_error *err)
{
    sqlite3_backup *b = sqlite3_backup_init(to, "main", from->db, "main");
    int rc;

    if (!b)
        return kh_sqlite_fail(err, to, sqlite3_errcode(to), "backup");
    do {
        rc = sqlite3_backup_step(b, STEP_PAGES);
        if (progress)
            progress(ctx, sqlite3_backup_pagecount(b) - sqlite3_backup_remaining(b),
                     sqlite3_backup_pagecount(b));
    } while (rc == SQLITE_OK);
    (void)sqlite3_backup_finish(b);
    return rc == SQLITE_DONE || kh_sqlite_fail(err, to, rc, "backup");
}

/* The copy is one file, without a log beside it. */
static bool copy_to(struct kh_sqlite_conn *from, const char *path, kh_progress_fn progress,
                    void *ctx, struct kh_error *err)
{
    sqlite3 *to = NULL;
    int rc = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    bool ok = rc == SQLITE_OK || kh_sqlite_fail(err, to, rc, "backup");

    ok = ok && copy_pages(from, to, progress, ctx, err);
    if (ok) {
        rc = sqlite3_exec(to, "PRAGMA journal_mode=DELETE", NULL, NULL, NULL);
        ok = rc == SQLITE_OK || kh_sqlite_fail(err, to, rc, "backup");
    }
    sqlite3_close(to);
    return ok;
}

bool kh_sqlite_backup(struct kh_store *st, const char *to, kh_progress_fn progress, void *ctx,
                      struct kh_error *err)
{
    kh_auto_arena a = kh_arena_new(1 << 20);
    const char *path = kh_str_z(a, kh_strf(a, "%s/city.db", to));
    const char *part = kh_str_z(a, kh_strf(a, "%s.part", path));
    struct kh_sqlite_conn c = {0};
    bool ok;

    if (!kh_backup_target(to, "city.db", err))
        return false;
    /* The signed heads first: those in the copy are then never ahead of its events. */
    if (st->anchor_dir && !kh_anchor_copy(st->anchor_dir, to, err))
        return false;
    if (!kh_sqlite_connect(st, &c, false, err))
        return false;
    unlink(part);
    ok = sqlite3_exec(c.db, "BEGIN; SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL) ==
             SQLITE_OK ||
         kh_sqlite_fail(err, c.db, sqlite3_errcode(c.db), "backup");
    ok = ok && copy_to(&c, part, progress, ctx, err);
    kh_sqlite_disconnect(&c);
    /* A copy is there whole or not at all. */
    if (ok && rename(part, path) != 0)
        ok = kh_fail(err, KH_EC_IO, "cannot name the copy: %s", strerror(errno));
    if (!ok)
        unlink(part);
    return ok && kh_backup_sync(to, err);
}

/* SQLite's own look at the structure; the contents are the chain's business. */
static bool check_file(const char *path, struct kh_error *err)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    bool ok = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
              sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &q, NULL) == SQLITE_OK &&
              sqlite3_step(q) == SQLITE_ROW &&
              strcmp((const char *)sqlite3_column_text(q, 0), "ok") == 0;

    sqlite3_finalize(q);
    sqlite3_close(db);
    return ok || kh_fail(err, KH_EC_STORE_CORRUPT, "the copy is damaged");
}

bool kh_sqlite_restore(const struct kh_store_config *config, const char *from,
                       kh_progress_fn progress, void *ctx, struct kh_error *err)
{
    kh_auto_arena a = kh_arena_new(1 << 20);
    const char *source = kh_str_z(a, kh_strf(a, "%s/city.db", from));
    const char *path = kh_str_z(a, kh_strf(a, "%s/city.db", config->url));
    const char *part = kh_str_z(a, kh_strf(a, "%s.part", path));

    if (!kh_backup_target(config->url, "city.db", err))
        return false;
    if (!kh_backup_copy(source, part, progress, ctx, err) || !check_file(part, err)) {
        unlink(part);
        return false;
    }
    if (rename(part, path) != 0)
        return kh_fail(err, KH_EC_IO, "cannot name the copy: %s", strerror(errno));
    return kh_backup_sync(config->url, err);
}
