/* SPDX-License-Identifier: Apache-2.0 */
/* Put a copy that pg_backup.c made into an empty schema, in one transaction: it is there whole or
 * not at all. Every file is checked against the manifest while it is read. */
#include "base/hash.h"
#include "store/backup.h"
#include "store/pg_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

struct restore {
    struct kh_pg_conn c;
    struct kh_arena *a;
    const char *dir;
    kh_progress_fn progress;
    void *ctx;
    int64_t done, total; /* bytes */
    bool ended;
};

/* A line of the manifest: file, checksum, columns (or "script"). */
struct entry {
    struct kh_str file, what;
    unsigned char sum[KH_SHA256_BYTES];
};

static bool damaged(struct kh_error *err, struct kh_str name)
{
    return kh_fail(err, KH_EC_STORE_CORRUPT, "the copy is damaged: %.*s", KH_FMT(name));
}

static FILE *open_file(struct restore *r, struct kh_str name, struct kh_error *err)
{
    FILE *f = memchr(name.p, '/', name.n)
                  ? NULL
                  : fopen(kh_str_z(r->a, kh_strf(r->a, "%s/%.*s", r->dir, KH_FMT(name))), "re");

    if (!f)
        kh_fail(err, KH_EC_IO, "cannot read %.*s of the copy: %s", KH_FMT(name), strerror(errno));
    return f;
}

static void moved(struct restore *r, size_t n)
{
    r->done += (int64_t)n;
    if (r->progress)
        r->progress(r->ctx, r->done, r->total);
}

static bool plain(struct restore *r, const char *sql, struct kh_error *err)
{
    PGresult *res = PQexec(r->c.pg, sql);
    bool ok = PQresultStatus(res) == PGRES_COMMAND_OK || PQresultStatus(res) == PGRES_TUPLES_OK ||
              kh_pg_fail(&r->c, res, "restore", NULL, err);

    PQclear(res);
    return ok;
}

static bool run_script(struct restore *r, const struct entry *e, struct kh_error *err)
{
    unsigned char sum[KH_SHA256_BYTES];
    FILE *f = open_file(r, e->file, err);
    struct stat sb;
    char *text;
    size_t n = 0;

    if (!f)
        return false;
    if (fstat(fileno(f), &sb) != 0)
        sb.st_size = 0;
    text = kh_alloc(r->a, (size_t)sb.st_size + 1);
    n = fread(text, 1, (size_t)sb.st_size, f);
    fclose(f);
    kh_sha256_one(kh_str(text, n), sum);
    if (memcmp(sum, e->sum, sizeof(sum)) != 0)
        return damaged(err, e->file);
    moved(r, n);
    return plain(r, text, err);
}

static bool send_rows(struct restore *r, FILE *f, const struct entry *e, struct kh_error *err)
{
    struct kh_sha256_ctx *sha = kh_sha256_new();
    unsigned char sum[KH_SHA256_BYTES];
    char room[65536];
    bool ok = true;
    size_t n;

    while (ok && (n = fread(room, 1, sizeof(room), f)) > 0) {
        kh_sha256_add(sha, kh_str(room, n));
        ok = PQputCopyData(r->c.pg, room, (int)n) == 1 ||
             kh_pg_fail(&r->c, NULL, "restore", NULL, err);
        moved(r, n);
    }
    kh_sha256_end(sha, sum);
    if (ok && memcmp(sum, e->sum, sizeof(sum)) != 0)
        ok = damaged(err, e->file);
    if (PQputCopyEnd(r->c.pg, ok ? NULL : "damaged") != 1 && ok)
        ok = kh_pg_fail(&r->c, NULL, "restore", NULL, err);
    for (PGresult *res; (res = PQgetResult(r->c.pg)) != NULL; PQclear(res))
        if (ok && PQresultStatus(res) != PGRES_COMMAND_OK)
            ok = kh_pg_fail(&r->c, res, "restore", NULL, err);
    return ok;
}

static bool load_table(struct restore *r, const struct entry *e, struct kh_error *err)
{
    FILE *f = open_file(r, e->file, err);
    PGresult *res;
    bool ok;

    if (!f)
        return false;
    res = PQexec(r->c.pg, kh_str_z(r->a, kh_strf(r->a, "COPY %.*s FROM STDIN", KH_FMT(e->what))));
    ok = PQresultStatus(res) == PGRES_COPY_IN || kh_pg_fail(&r->c, res, "restore", NULL, err);
    PQclear(res);
    ok = ok && send_rows(r, f, e, err);
    fclose(f);
    return ok;
}

static bool read_manifest(struct restore *r, struct entry **ret, size_t *ret_n,
                          struct kh_error *err)
{
    FILE *f = open_file(r, KH_S("MANIFEST"), err);
    struct entry *all = NULL;
    size_t n = 0, cap = 0;
    char *line = NULL;
    size_t room = 0;
    ssize_t got;
    bool ok = f != NULL;

    if (!ok)
        return false;
    got = getline(&line, &room, f);
    ok = (got > 0 && strcmp(line, "khue postgres 1\n") == 0) || damaged(err, KH_S("MANIFEST"));
    while (ok && !r->ended && (got = getline(&line, &room, f)) > 0) {
        struct kh_str rest = kh_str_trim(kh_str(line, (size_t)got)), sum;
        struct entry e;

        r->ended = kh_str_is(rest, "end");
        if (r->ended)
            break;
        e.file = kh_str_dup(r->a, kh_str_cut(rest, ' ', &rest));
        sum = kh_str_cut(rest, ' ', &rest);
        e.what = kh_str_dup(r->a, rest);
        ok = kh_unhex(sum, e.sum, sizeof(e.sum)) || damaged(err, KH_S("MANIFEST"));
        all = kh_grow(r->a, all, n, n + 1, &cap, sizeof(*all));
        all[n++] = e;
    }
    free(line);
    fclose(f);
    *ret = all;
    *ret_n = n;
    return ok && (r->ended || damaged(err, KH_S("MANIFEST")));
}

static bool load_all(struct restore *r, const struct entry *all, size_t n, struct kh_error *err)
{
    for (size_t i = 0; i < n; i++) {
        struct stat sb;

        if (stat(kh_str_z(r->a, kh_strf(r->a, "%s/%.*s", r->dir, KH_FMT(all[i].file))), &sb) == 0)
            r->total += sb.st_size;
    }
    for (size_t i = 0; i < n; i++)
        if (!(kh_str_is(all[i].what, "script") ? run_script(r, &all[i], err)
                                               : load_table(r, &all[i], err)))
            return false;
    return true;
}

static bool is_empty(struct restore *r, struct kh_error *err)
{
    PGresult *res = PQexec(r->c.pg, "SELECT count(*) FROM pg_class WHERE relnamespace ="
                                    " (SELECT oid FROM pg_namespace WHERE nspname ="
                                    " current_schema())");
    bool ok =
        PQresultStatus(res) == PGRES_TUPLES_OK || kh_pg_fail(&r->c, res, "restore", NULL, err);

    if (ok && strcmp(PQgetvalue(res, 0, 0), "0") != 0)
        ok = kh_fail(err, KH_EC_IO, "the PostgreSQL schema is not empty");
    PQclear(res);
    return ok;
}

bool kh_pg_restore(const struct kh_store_config *config, const char *from, kh_progress_fn progress,
                   void *ctx, struct kh_error *err)
{
    kh_auto_arena a = kh_arena_new((size_t)256 << 20);
    struct restore r = {.a = a, .dir = from, .progress = progress, .ctx = ctx};
    struct kh_store st = {.kind = KH_STORE_POSTGRES, .url = kh_str_z(a, kh_cstr(config->url))};
    struct entry *all;
    size_t n;
    bool ok;

    if (!read_manifest(&r, &all, &n, err))
        return false;
    kh_pg_conn_init(&r.c, &st, "", KH_TX_WRITE);
    ok = kh_pg_connect(&r.c, err) &&
         (PQexitPipelineMode(r.c.pg) || kh_pg_fail(&r.c, NULL, "restore", NULL, err)) &&
         plain(&r, "BEGIN; SET LOCAL check_function_bodies = off", err) && is_empty(&r, err) &&
         load_all(&r, all, n, err) && plain(&r, "COMMIT", err) && plain(&r, "ANALYZE", err);
    kh_pg_conn_close(&r.c);
    return ok;
}
