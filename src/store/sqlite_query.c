/* SPDX-License-Identifier: Apache-2.0 */
/* Statements of the SQLite driver: kept prepared for each connection, found by the address of
 * their kh_sql, or by their text if they are passing. */
#include "base/fault.h"
#include "store/sqlite_impl.h"

#include <stdio.h>
#include <stdlib.h>

static struct kh_stmt **slot_of(const struct kh_sqlite_conn *c, uint64_t hash)
{
    return &c->slots[hash & (c->slots_n - 1)];
}

static void widen(struct kh_sqlite_conn *c)
{
    struct kh_stmt **old = c->slots;
    size_t old_n = c->slots_n;

    c->slots_n = old_n ? old_n * 2 : 64;
    c->slots = kh_store_alloc(c->slots_n * sizeof(struct kh_stmt *));
    for (size_t i = 0; i < old_n; i++)
        for (struct kh_stmt *s = old[i], *next; s; s = next) {
            struct kh_stmt **at = slot_of(c, s->hash);

            next = s->next;
            s->next = *at;
            *at = s;
        }
    free(old);
}

static bool is(const struct kh_stmt *s, const struct kh_query *q, uint64_t hash)
{
    if (!q->passing)
        return s->sql == q->sql;
    return !s->sql && s->hash == hash && strcmp(sqlite3_sql(s->stmt), q->sql->text) == 0;
}

/* Make room for one more passing statement: the one that was not opened for longest goes. */
static void forget(struct kh_sqlite_conn *c)
{
    struct kh_stmt **oldest = NULL, *s;

    if (c->passing_n < KH_PASSING_MAX)
        return;
    for (size_t i = 0; i < c->slots_n; i++)
        for (struct kh_stmt **at = &c->slots[i]; *at; at = &(*at)->next)
            if (!(*at)->sql && !(*at)->busy && (!oldest || (*at)->used < (*oldest)->used))
                oldest = at;
    if (!oldest)
        return; /* all of them are open just now */
    s = *oldest;
    *oldest = s->next;
    sqlite3_finalize(s->stmt);
    free(s);
    c->passing_n--;
    c->stmts_n--;
}

/* SQLite numbers named parameters by their first place in the text, and takes "$1::text" for a
 * name: so names are checked and mapped once. */
static bool map_params(struct kh_stmt *s, const char *what, struct kh_error *err)
{
    int n = sqlite3_bind_parameter_count(s->stmt);

    if (n > KH_SQLITE_PARAMS)
        return kh_fail(err, KH_EC_INTERNAL, "%s: more than %d parameters", what, KH_SQLITE_PARAMS);
    s->direct = true;
    for (int i = 1; i <= n; i++) {
        const char *name = sqlite3_bind_parameter_name(s->stmt, i);
        int64_t k = 0;

        if (!name || name[0] != '$' || !kh_str_int(kh_cstr(name + 1), &k) || k < 1 || k > n ||
            s->map[k])
            return kh_fail(err, KH_EC_INTERNAL, "%s: parameters must be $1..$%d, not %s", what, n,
                           name ? name : "?");
        s->map[k] = (unsigned char)i;
        s->direct = s->direct && k == i;
    }
    s->params = (unsigned char)n;
    return true;
}

static struct kh_stmt *prepare(struct kh_sqlite_conn *c, const struct kh_query *q, uint64_t hash,
                               struct kh_error *err)
{
    const struct kh_sql *sql = q->sql;
    struct kh_stmt *s = kh_store_alloc(sizeof(*s)), **at;
    const char *tail = NULL;
    int rc;

    s->sql = q->passing ? NULL : sql;
    s->hash = hash;
    rc = sqlite3_prepare_v3(c->db, sql->text, -1, SQLITE_PREPARE_PERSISTENT, &s->stmt, &tail);
    if (rc != SQLITE_OK) {
        free(s);
        kh_sqlite_fail(err, c->db, rc, sql->name);
        return NULL;
    }
    if (!s->stmt || (tail && tail[strspn(tail, " \t\n;")]) || !map_params(s, sql->name, err)) {
        if (err->code == KH_EC_OK)
            kh_fail(err, KH_EC_INTERNAL, "%s: not exactly one statement", sql->name);
        sqlite3_finalize(s->stmt);
        free(s);
        return NULL;
    }
    if (q->passing)
        forget(c);
    if (c->stmts_n >= c->slots_n)
        widen(c);
    at = slot_of(c, hash);
    s->next = *at;
    *at = s;
    c->stmts_n++;
    c->passing_n += q->passing;
    return s;
}

bool kh_sqlite_q_open(struct kh_query *q, struct kh_error *err)
{
    struct kh_sqlite_conn *c = q->tx->conn;
    uint64_t hash = kh_query_hash(q, q->sql->text);
    struct kh_stmt *s = c->slots_n ? *slot_of(c, hash) : NULL;

    while (s && (s->busy || !is(s, q, hash)))
        s = s->next;
    if (!s)
        s = prepare(c, q, hash, err);
    if (!s)
        return false;
    s->busy = true;
    s->used = ++c->openings;
    q->driver = s;
    return true;
}

void kh_sqlite_q_drop(struct kh_query *q)
{
    struct kh_stmt *s = q->driver;

    /* The answer of reset repeats that of the last step, which has been told already. */
    (void)sqlite3_reset(s->stmt);
    if (s->params)
        (void)sqlite3_clear_bindings(s->stmt);
    s->busy = false;
}

void kh_sqlite_stmts_free(struct kh_sqlite_conn *c)
{
    for (size_t i = 0; i < c->slots_n; i++)
        for (struct kh_stmt *s = c->slots[i], *next; s; s = next) {
            next = s->next;
            sqlite3_finalize(s->stmt);
            free(s);
        }
    free(c->slots);
    c->slots = NULL;
    c->slots_n = c->stmts_n = c->passing_n = 0;
}

/* ---- parameters ---- */

static int place(const struct kh_stmt *s, int n)
{
    KH_REQUIRE(n >= 1 && n <= s->params);
    return s->direct ? n : s->map[n];
}

/* Binding fails only for want of memory or for a value over SQLite's limit of 1 GB: then the
 * statement must not run with NULL in its place. */
static void not_bound(struct kh_query *q, int rc)
{
    struct kh_stmt *s = q->driver;
    struct kh_error err = {0};

    kh_sqlite_fail(&err, sqlite3_db_handle(s->stmt), rc, q->sql->name);
    kh_tx_fail(q->tx, &err);
}

static inline void bound(struct kh_query *q, int rc)
{
    if (rc != SQLITE_OK)
        not_bound(q, rc);
}

void kh_sqlite_bind_int(struct kh_query *q, int n, int64_t v)
{
    struct kh_stmt *s = q->driver;

    bound(q, sqlite3_bind_int64(s->stmt, place(s, n), v));
}

void kh_sqlite_bind_real(struct kh_query *q, int n, double v)
{
    struct kh_stmt *s = q->driver;

    bound(q, sqlite3_bind_double(s->stmt, place(s, n), v));
}

void kh_sqlite_bind_text(struct kh_query *q, int n, struct kh_str v)
{
    struct kh_stmt *s = q->driver;

    bound(q, sqlite3_bind_text64(s->stmt, place(s, n), v.p, v.n, SQLITE_STATIC, SQLITE_UTF8));
}

void kh_sqlite_bind_blob(struct kh_query *q, int n, struct kh_str v)
{
    struct kh_stmt *s = q->driver;

    bound(q, sqlite3_bind_blob64(s->stmt, place(s, n), v.p, v.n, SQLITE_STATIC));
}

void kh_sqlite_bind_null(struct kh_query *q, int n)
{
    struct kh_stmt *s = q->driver;

    bound(q, sqlite3_bind_null(s->stmt, place(s, n)));
}

/* ---- rows ---- */

enum { ROW_NONE, ROW_HERE, ROW_END };

enum kh_hit kh_sqlite_next(struct kh_query *q, struct kh_error *err)
{
    struct kh_stmt *s = q->driver;
    int rc;

    if (q->row == ROW_END)
        return KH_MISS;
    if (q->tx->failed) {
        *err = q->tx->why;
        return KH_FAIL;
    }
    if (kh_fault("store.step"))
        return kh_fail_hit(err, KH_EC_STORE, "%s: fault", q->sql->name);
    rc = sqlite3_step(s->stmt);
    if (rc == SQLITE_ROW) {
        q->row = ROW_HERE;
        return KH_HIT;
    }
    q->row = ROW_END;
    if (rc == SQLITE_DONE)
        return KH_MISS;
    kh_sqlite_fail(err, sqlite3_db_handle(s->stmt), rc, q->sql->name);
    return KH_FAIL;
}

int64_t kh_sqlite_changes(struct kh_query *q)
{
    struct kh_stmt *s = q->driver;

    return sqlite3_changes64(sqlite3_db_handle(s->stmt));
}

int64_t kh_sqlite_col_int(struct kh_query *q, int i)
{
    struct kh_stmt *s = q->driver;

    return sqlite3_column_int64(s->stmt, i);
}

double kh_sqlite_col_real(struct kh_query *q, int i)
{
    struct kh_stmt *s = q->driver;

    return sqlite3_column_double(s->stmt, i);
}

struct kh_str kh_sqlite_col_text(struct kh_query *q, int i)
{
    struct kh_stmt *s = q->driver;
    const unsigned char *p = sqlite3_column_text(s->stmt, i);

    return kh_str((const char *)p, p ? (size_t)sqlite3_column_bytes(s->stmt, i) : 0);
}

struct kh_str kh_sqlite_col_blob(struct kh_query *q, int i)
{
    struct kh_stmt *s = q->driver;
    const void *p = sqlite3_column_blob(s->stmt, i);

    /* SQLite gives NULL for an empty blob; ours is empty, not absent. */
    if (!p && sqlite3_column_type(s->stmt, i) != SQLITE_NULL)
        return kh_str("", 0);
    return kh_str(p, p ? (size_t)sqlite3_column_bytes(s->stmt, i) : 0);
}

bool kh_sqlite_col_null(struct kh_query *q, int i)
{
    struct kh_stmt *s = q->driver;

    return sqlite3_column_type(s->stmt, i) == SQLITE_NULL;
}

bool kh_sqlite_script(struct kh_tx *tx, const char *sql, struct kh_error *err)
{
    struct kh_sqlite_conn *c = tx->conn;
    int rc;

    if (kh_fault("store.step"))
        return kh_fail(err, KH_EC_STORE, "%s: fault", tx->name);
    tx->wrote = true;
    rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK || kh_sqlite_fail(err, c->db, rc, tx->name);
}
