/* SPDX-License-Identifier: Apache-2.0 */
#include "store_fixture.h"

#include "store/store_driver.h"

#include <dirent.h>
#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static _Noreturn void die(const char *what, const char *why)
{
    fprintf(stderr, "fixture: %s: %s\n", what, why);
    abort();
}

bool fixture_is_pg(void)
{
    const char *e = getenv("KHUE_TEST_STORE");

    return e && strcmp(e, "postgres") == 0;
}

static const char *pg_base(void)
{
    const char *url = getenv("KHUE_TEST_PG_URL");

    if (!url || !*url)
        die("postgres", "KHUE_TEST_PG_URL is not set; run tests/support/pgcluster.sh");
    return url;
}

/* The line to the server that tampers; kept, since starting one takes longer than most tests. */
static PGconn *line;
static char line_url[512];

static void line_close(void)
{
    PQfinish(line);
    line = NULL;
}

static void pg_exec(const char *url, const char *sql, int64_t *ret)
{
    PGresult *r;

    if (line && (strcmp(url, line_url) != 0 || PQstatus(line) != CONNECTION_OK))
        line_close();
    if (!line)
        line = PQconnectdb(url);
    snprintf(line_url, sizeof(line_url), "%s", url);
    if (PQstatus(line) != CONNECTION_OK)
        die("postgres", PQerrorMessage(line));
    r = PQexec(line, sql);
    if (PQresultStatus(r) != PGRES_COMMAND_OK && PQresultStatus(r) != PGRES_TUPLES_OK)
        die(sql, PQerrorMessage(line));
    if (ret)
        *ret = PQntuples(r) > 0 ? strtoll(PQgetvalue(r, 0, 0), NULL, 10) : -1;
    PQclear(r);
}

/* Without a server at hand the tests for PostgreSQL are left out on a desk, and fail in CI. */
__attribute__((constructor)) static void look_for_server(void)
{
    const char *url = getenv("KHUE_TEST_PG_URL");

    if (!fixture_is_pg() || (url && *url))
        return;
    if (getenv("CI"))
        die("postgres", "KHUE_TEST_PG_URL is not set");
    puts("1..0 # SKIP KHUE_TEST_PG_URL is not set; tests/support/pgcluster.sh starts a server");
    exit(0);
}

static void remove_tree(const char *dir)
{
    DIR *d = opendir(dir);

    if (!d)
        return;
    for (struct dirent *e; (e = readdir(d));) {
        char path[512];
        struct stat sb;

        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        if (lstat(path, &sb) == 0 && S_ISDIR(sb.st_mode))
            remove_tree(path);
        else
            unlink(path);
    }
    closedir(d);
    rmdir(dir);
}

void fixture_make(struct store_fixture *f)
{
    static unsigned made;

    *f = (struct store_fixture){0};
    snprintf(f->dir, sizeof(f->dir), "/tmp/khue-test-XXXXXX");
    if (!mkdtemp(f->dir))
        die("mkdtemp", f->dir);
    snprintf(f->url, sizeof(f->url), "%s", f->dir);
    if (fixture_is_pg()) {
        const char *base = pg_base();
        char sql[160];

        snprintf(f->schema, sizeof(f->schema), "t%d_%u", (int)getpid(), made++);
        snprintf(sql, sizeof(sql), "CREATE SCHEMA %s", f->schema);
        pg_exec(base, sql, NULL);
        snprintf(f->url, sizeof(f->url), "%s%soptions=-csearch_path%%3D%s", base,
                 strchr(base, '?') ? "&" : "?", f->schema);
    }
    f->config = (struct kh_store_config){.url = f->url, .anchor_dir = f->dir, .writers = 1};
}

void fixture_open(struct store_fixture *f)
{
    struct kh_error err = {0};

    fixture_make(f);
    if (!kh_store_open(&f->config, &f->st, &err))
        die("kh_store_open", err.detail);
}

void fixture_reopen(struct store_fixture *f)
{
    struct kh_error err = {0};

    kh_store_close(f->st);
    f->st = NULL;
    if (!kh_store_open(&f->config, &f->st, &err))
        die("kh_store_open", err.detail);
}

void fixture_drop(struct store_fixture *f)
{
    kh_store_close(f->st);
    f->st = NULL;
    if (f->schema[0]) {
        char sql[160];

        snprintf(sql, sizeof(sql), "SET client_min_messages = warning; DROP SCHEMA %s CASCADE",
                 f->schema);
        pg_exec(pg_base(), sql, NULL);
        line_close();
    }
    remove_tree(f->dir);
}

void fixture_settle(struct store_fixture *f)
{
    if (f->st->driver->settle)
        f->st->driver->settle(f->st);
}

bool fixture_script(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    return kh_tx_script(tx, ctx, err);
}

static void sqlite_exec(struct store_fixture *f, const char *sql, int64_t *ret)
{
    char path[128];
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    int rc;

    snprintf(path, sizeof(path), "%s/city.db", f->dir);
    if (sqlite3_open(path, &db) != SQLITE_OK)
        die(path, sqlite3_errmsg(db));
    sqlite3_busy_timeout(db, 5000);
    for (const char *next = sql; next && *next;) {
        if (sqlite3_prepare_v2(db, next, -1, &q, &next) != SQLITE_OK)
            die(sql, sqlite3_errmsg(db));
        if (!q)
            break;
        while ((rc = sqlite3_step(q)) == SQLITE_ROW)
            if (ret)
                *ret = sqlite3_column_int64(q, 0);
        if (rc != SQLITE_DONE)
            die(sql, sqlite3_errmsg(db));
        sqlite3_finalize(q);
    }
    sqlite3_close(db);
}

void fixture_tamper(struct store_fixture *f, const char *sql)
{
    if (f->schema[0])
        pg_exec(f->url, sql, NULL);
    else
        sqlite_exec(f, sql, NULL);
}

int64_t fixture_ask(struct store_fixture *f, const char *sql)
{
    int64_t v = -1;

    if (f->schema[0])
        pg_exec(f->url, sql, &v);
    else
        sqlite_exec(f, sql, &v);
    return v;
}
