/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements of the PostgreSQL driver.
 *
 * A statement is prepared once for each connection and described, so that the types which the
 * server gave to its parameters are known: numbers and texts then go over as they are, in binary.
 * Results come in binary too.
 */
#include "base/buf.h"
#include "base/fault.h"
#include "store/pg_impl.h"

#include <stdio.h>
#include <stdlib.h>

/* Object ids of built-in types: fixed by PostgreSQL's catalogue (pg_type.dat). */
enum {
    T_BOOL = 16,
    T_BYTEA = 17,
    T_NAME = 19,
    T_INT8 = 20,
    T_INT2 = 21,
    T_INT4 = 23,
    T_TEXT = 25,
    T_OID = 26,
    T_JSON = 114,
    T_FLOAT4 = 700,
    T_FLOAT8 = 701,
    T_UNKNOWN = 705,
    T_BPCHAR = 1042,
    T_VARCHAR = 1043,
    T_NUMERIC = 1700,
    T_JSONB = 3802,
};

enum { B_NONE, B_NULL, B_INT, B_REAL, B_TEXT, B_BLOB };

struct kh_pg_query {
    struct kh_pg_query *next;
    struct kh_pg_stmt *stmt;
    PGresult *res;
    int row; /* the one that columns are read from; -1 before the first */
    unsigned char kinds[KH_PG_PARAMS];
    union {
        int64_t i;
        double r;
        struct kh_str s;
    } v[KH_PG_PARAMS];
    char room[KH_PG_PARAMS][32];
    struct kh_arena *a; /* texts made of other types, and texts with their NUL; NULL until needed */
};

/* ---- finding ---- */

static struct kh_pg_stmt **slot_of(const struct kh_pg_conn *c, uint64_t hash)
{
    return &c->slots[hash & (c->slots_n - 1)];
}

static void widen(struct kh_pg_conn *c)
{
    struct kh_pg_stmt **old = c->slots;
    size_t old_n = c->slots_n;

    c->slots_n = old_n ? old_n * 2 : 64;
    c->slots = kh_store_alloc(c->slots_n * sizeof(struct kh_pg_stmt *));
    for (size_t i = 0; i < old_n; i++)
        for (struct kh_pg_stmt *s = old[i], *next; s; s = next) {
            struct kh_pg_stmt **at = slot_of(c, s->hash);

            next = s->next;
            s->next = *at;
            *at = s;
        }
    free(old);
}

static const char *text_of(const struct kh_sql *sql)
{
    return sql->text_pg ? sql->text_pg : sql->text;
}

static bool is(const struct kh_pg_stmt *s, const struct kh_query *q, uint64_t hash)
{
    if (!q->passing)
        return s->sql == q->sql;
    return !s->sql && s->hash == hash && strcmp(s->text, text_of(q->sql)) == 0;
}

static void stmt_free(struct kh_pg_stmt *s)
{
    free(s->text);
    free(s);
}

/* Make room for one more passing statement: the one that was not opened for longest goes, here and
 * on the server. @return commands sent, -1 on failure */
static int forget(struct kh_pg_conn *c, struct kh_error *err)
{
    struct kh_pg_stmt **oldest = NULL, *s;
    char command[48] = "";
    int n;

    if (c->passing_n < KH_PASSING_MAX)
        return 0;
    for (size_t i = 0; i < c->slots_n; i++)
        for (struct kh_pg_stmt **at = &c->slots[i]; *at; at = &(*at)->next)
            if (!(*at)->sql && !(*at)->busy && (!oldest || (*at)->used < (*oldest)->used))
                oldest = at;
    if (!oldest)
        return 0; /* all of them are open just now */
    s = *oldest;
    *oldest = s->next;
    if (s->epoch == c->epoch)
        snprintf(command, sizeof(command), "DEALLOCATE %s", s->name);
    stmt_free(s);
    c->passing_n--;
    c->stmts_n--;
    if (!*command)
        return 0;
    n = kh_pg_prefix(c);
    if (n >= 0 && PQsendQueryParams(c->pg, command, 0, NULL, NULL, NULL, NULL, 0))
        return n + 1;
    kh_pg_fail(c, NULL, "deallocate", NULL, err);
    return -1;
}

/* @param ret_sent commands that went ahead of the PREPARE of a new one */
static struct kh_pg_stmt *find(struct kh_pg_conn *c, const struct kh_query *q, int *ret_sent,
                               struct kh_error *err)
{
    uint64_t hash = kh_query_hash(q, text_of(q->sql));
    struct kh_pg_stmt *s = c->slots_n ? *slot_of(c, hash) : NULL, **at;

    while (s && !is(s, q, hash))
        s = s->next;
    if (s)
        return s;
    if (q->passing && (*ret_sent = forget(c, err)) < 0)
        return NULL;
    if (c->stmts_n >= c->slots_n)
        widen(c);
    s = kh_store_alloc(sizeof(*s));
    s->sql = q->passing ? NULL : q->sql;
    s->text = q->passing ? strdup(text_of(q->sql)) : NULL;
    KH_REQUIRE(s->sql || s->text);
    s->hash = hash;
    snprintf(s->name, sizeof(s->name), "s%llu", (unsigned long long)c->names++);
    at = slot_of(c, hash);
    s->next = *at;
    *at = s;
    c->stmts_n++;
    c->passing_n += q->passing;
    return s;
}

void kh_pg_stmts_free(struct kh_pg_conn *c)
{
    for (size_t i = 0; i < c->slots_n; i++)
        for (struct kh_pg_stmt *s = c->slots[i], *next; s; s = next) {
            next = s->next;
            stmt_free(s);
        }
    free(c->slots);
    c->slots = NULL;
    c->slots_n = c->stmts_n = c->passing_n = 0;
}

/* Prepare and learn the types; BEGIN goes along if it is due. */
static bool prepare(struct kh_pg_conn *c, struct kh_pg_stmt *s, const struct kh_sql *sql, int sent,
                    struct kh_error *err)
{
    int n = kh_pg_prefix(c);
    PGresult *res = NULL;

    if (n < 0 || !PQsendPrepare(c->pg, s->name, text_of(sql), 0, NULL) ||
        !PQsendDescribePrepared(c->pg, s->name))
        return kh_pg_fail(c, NULL, sql->name, NULL, err);
    if (!kh_pg_drain(c, sent + n + 2, sql->name, &res, &c->tx.retry, err))
        return false;
    s->params = PQnparams(res);
    if (s->params > KH_PG_PARAMS) {
        PQclear(res);
        return kh_fail(err, KH_EC_INTERNAL, "%s: more than %d parameters", sql->name, KH_PG_PARAMS);
    }
    for (int i = 0; i < s->params; i++)
        s->types[i] = PQparamtype(res, i);
    PQclear(res);
    s->epoch = c->epoch;
    return true;
}

/* A prepared statement that a failed transaction took part in preparing is still there: PREPARE is
 * not transactional. Only a new connection loses it. */
static bool ready(struct kh_pg_conn *c, struct kh_pg_stmt *s, const struct kh_sql *sql, int sent,
                  struct kh_error *err)
{
    return s->epoch == c->epoch || prepare(c, s, sql, sent, err);
}

bool kh_pg_open(struct kh_query *q, struct kh_error *err)
{
    struct kh_pg_conn *c = q->tx->conn;
    int sent = 0;
    struct kh_pg_stmt *s = find(c, q, &sent, err);
    struct kh_pg_query *p;

    if (!s || !ready(c, s, q->sql, sent, err))
        return false;
    s->used = ++c->openings;
    s->busy++;
    p = c->spare;
    if (p)
        c->spare = p->next;
    else
        p = kh_store_alloc(sizeof(*p));
    p->next = NULL;
    p->stmt = s;
    p->res = NULL;
    p->row = -1;
    memset(p->kinds, B_NONE, sizeof(p->kinds));
    q->driver = p;
    return true;
}

void kh_pg_drop(struct kh_query *q)
{
    struct kh_pg_conn *c = q->tx->conn;
    struct kh_pg_query *p = q->driver;

    PQclear(p->res);
    p->res = NULL;
    p->stmt->busy--;
    if (p->a)
        kh_arena_reset(p->a);
    p->next = c->spare;
    c->spare = p;
}

void kh_pg_queries_free(struct kh_pg_conn *c)
{
    for (struct kh_pg_query *p = c->spare, *next; p; p = next) {
        next = p->next;
        kh_arena_drop(p->a);
        free(p);
    }
    c->spare = NULL;
}

static struct kh_arena *arena_of(struct kh_pg_query *p)
{
    if (!p->a)
        p->a = kh_arena_new((size_t)64 << 20);
    return p->a;
}

/* ---- parameters ---- */

static struct kh_pg_query *param(struct kh_query *q, int n, unsigned char kind)
{
    struct kh_pg_query *p = q->driver;

    KH_REQUIRE(n >= 1 && n <= p->stmt->params);
    p->kinds[n - 1] = kind;
    return p;
}

void kh_pg_bind_int(struct kh_query *q, int n, int64_t v)
{
    param(q, n, B_INT)->v[n - 1].i = v;
}

void kh_pg_bind_real(struct kh_query *q, int n, double v)
{
    param(q, n, B_REAL)->v[n - 1].r = v;
}

void kh_pg_bind_text(struct kh_query *q, int n, struct kh_str s)
{
    param(q, n, B_TEXT)->v[n - 1].s = s;
}

void kh_pg_bind_blob(struct kh_query *q, int n, struct kh_str s)
{
    param(q, n, B_BLOB)->v[n - 1].s = s;
}

void kh_pg_bind_null(struct kh_query *q, int n)
{
    (void)param(q, n, B_NULL);
}

/* What goes over the line. */
struct wire {
    const char *values[KH_PG_PARAMS];
    int lengths[KH_PG_PARAMS], formats[KH_PG_PARAMS];
};

static void put_be(char *out, uint64_t v, int n)
{
    for (int i = n - 1; i >= 0; i--, v >>= 8)
        out[i] = (char)(v & 0xff);
}

static uint64_t get_be(const char *p, int n)
{
    uint64_t v = 0;

    for (int i = 0; i < n; i++)
        v = v << 8 | (unsigned char)p[i];
    return v;
}

static void put_int(struct kh_pg_query *p, int i, Oid type, struct wire *w)
{
    int64_t v = p->v[i].i;
    double d = (double)v;
    uint64_t bits;

    w->values[i] = p->room[i];
    w->formats[i] = 1;
    if (type == T_INT8) {
        put_be(p->room[i], (uint64_t)v, 8);
        w->lengths[i] = 8;
    } else if (type == T_FLOAT8) {
        memcpy(&bits, &d, sizeof(bits));
        put_be(p->room[i], bits, 8);
        w->lengths[i] = 8;
    } else { /* any other type reads its own text, and refuses what does not fit */
        w->formats[i] = 0;
        snprintf(p->room[i], sizeof(p->room[i]), "%lld", (long long)v);
    }
}

static void put_real(struct kh_pg_query *p, int i, Oid type, struct wire *w)
{
    uint64_t bits;

    w->values[i] = p->room[i];
    if (type == T_FLOAT8) {
        memcpy(&bits, &p->v[i].r, sizeof(bits));
        put_be(p->room[i], bits, 8);
        w->formats[i] = 1;
        w->lengths[i] = 8;
    } else {
        w->formats[i] = 0;
        snprintf(p->room[i], sizeof(p->room[i]), "%.17g", p->v[i].r);
    }
}

static bool is_text(Oid type)
{
    return type == T_TEXT || type == T_VARCHAR || type == T_BPCHAR || type == T_NAME ||
           type == T_JSON || type == T_UNKNOWN;
}

static void put_str(struct kh_pg_query *p, int i, Oid type, struct wire *w)
{
    struct kh_str s = p->v[i].s;

    w->values[i] = s.p;
    w->lengths[i] = (int)s.n;
    w->formats[i] = 1;
    if (!is_text(type) && type != T_BYTEA) {
        w->values[i] = kh_str_z(arena_of(p), s);
        w->formats[i] = 0;
    }
}

/* An unbound parameter is NULL, as in SQLite. */
static bool encode(struct kh_query *q, struct kh_pg_query *p, struct wire *w, struct kh_error *err)
{
    for (int i = 0; i < p->stmt->params; i++) {
        w->values[i] = NULL;
        w->lengths[i] = w->formats[i] = 0;
        switch (p->kinds[i]) {
        case B_INT:
            put_int(p, i, p->stmt->types[i], w);
            break;
        case B_REAL:
            put_real(p, i, p->stmt->types[i], w);
            break;
        case B_TEXT:
        case B_BLOB:
            if (p->v[i].s.n > INT32_MAX)
                return kh_fail(err, KH_EC_STORE, "%s: a value is too large", q->sql->name);
            put_str(p, i, p->stmt->types[i], w);
            break;
        default:
            break;
        }
    }
    return true;
}

/* ---- running ---- */

/* Send the statement, after what belongs before it. @return commands sent, -1 on failure */
static int send(struct kh_query *q, struct kh_pg_query *p, struct kh_error *err)
{
    struct kh_pg_conn *c = q->tx->conn;
    struct wire w;
    int n;

    if (kh_fault("store.step")) {
        kh_fail(err, KH_EC_STORE, "%s: fault", q->sql->name);
        return -1;
    }
    if (!encode(q, p, &w, err))
        return -1;
    n = kh_pg_prefix(c);
    if (n < 0 || !PQsendQueryPrepared(c->pg, p->stmt->name, p->stmt->params, w.values, w.lengths,
                                      w.formats, 1)) {
        kh_pg_fail(c, NULL, q->sql->name, NULL, err);
        return -1;
    }
    return n + 1;
}

static bool execute(struct kh_query *q, struct kh_pg_query *p, struct kh_error *err)
{
    struct kh_pg_conn *c = q->tx->conn;
    int n = send(q, p, err);

    if (n < 0 || !kh_pg_drain(c, n, q->sql->name, &p->res, &c->tx.retry, err))
        return false;
    if (strncmp(PQcmdStatus(p->res), "SELECT", 6) != 0)
        c->wrote = true;
    return true;
}

bool kh_pg_post(struct kh_query *q, struct kh_error *err)
{
    struct kh_pg_query *p = q->driver;
    struct kh_pg_conn *c = q->tx->conn;
    int n;

    if (c->sync_posts)
        return execute(q, p, err);
    n = send(q, p, err);
    if (n < 0)
        return false;
    c->posted += (unsigned)n;
    c->wrote = true;
    return true;
}

enum kh_hit kh_pg_next(struct kh_query *q, struct kh_error *err)
{
    struct kh_pg_query *p = q->driver;

    if (q->tx->failed) {
        *err = q->tx->why;
        return KH_FAIL;
    }
    if (!p->res && !execute(q, p, err))
        return KH_FAIL;
    if (p->a)
        kh_arena_reset(p->a);
    if (p->row + 1 >= PQntuples(p->res))
        return KH_MISS;
    p->row++;
    return KH_HIT;
}

int64_t kh_pg_changes(struct kh_query *q)
{
    struct kh_pg_query *p = q->driver;
    int64_t n = 0;

    return kh_str_int(kh_cstr(PQcmdTuples(p->res)), &n) ? n : 0;
}

bool kh_pg_tx_script(struct kh_tx *tx, const char *sql, struct kh_error *err)
{
    if (kh_fault("store.step"))
        return kh_fail(err, KH_EC_STORE, "%s: fault", tx->name);
    return kh_pg_script(tx->conn, sql, true, err);
}

/* ---- columns ---- */

/* PostgreSQL sends numeric as digits to base 10,000: count, weight of the first, sign, scale. */
static struct kh_str numeric_text(struct kh_arena *a, const char *p, int len)
{
    int n = (int)get_be(p, 2), weight = (int16_t)get_be(p + 2, 2), sign = (int)get_be(p + 4, 2);
    int scale = (int)get_be(p + 6, 2);
    struct kh_buf b = kh_buf(a, 1 << 20);

    if (len < 8 + 2 * n || (sign != 0 && sign != 0x4000))
        return KH_S("NaN");
    if (sign)
        kh_buf_c(&b, '-');
    if (weight < 0)
        kh_buf_c(&b, '0');
    for (int i = 0; i <= weight; i++) {
        unsigned d = i < n ? (unsigned)get_be(p + 8 + 2 * i, 2) : 0;

        kh_buf_strf(&b, i == 0 ? "%u" : "%04u", d);
    }
    if (scale > 0) {
        struct kh_buf f = kh_buf(a, 1 << 20);

        for (int i = weight + 1; (i - weight - 1) * 4 < scale; i++) {
            unsigned d = i >= 0 && i < n ? (unsigned)get_be(p + 8 + 2 * i, 2) : 0;

            kh_buf_strf(&f, "%04u", d);
        }
        kh_buf_c(&b, '.');
        kh_buf_str(&b, kh_str(f.p, (size_t)scale));
    }
    return kh_buf_get(&b);
}

static bool here(struct kh_pg_query *p, int i)
{
    KH_REQUIRE(p->res && p->row >= 0 && i >= 0 && i < PQnfields(p->res));
    return !PQgetisnull(p->res, p->row, i);
}

static double real_of(Oid type, const char *v)
{
    uint64_t bits = get_be(v, type == T_FLOAT8 ? 8 : 4);
    uint32_t bits4 = (uint32_t)bits;
    double d;
    float f;

    if (type == T_FLOAT8) {
        memcpy(&d, &bits, sizeof(d));
        return d;
    }
    memcpy(&f, &bits4, sizeof(f));
    return (double)f;
}

/* @return true if the column is a whole number by its type */
static bool whole(Oid type, const char *v, int64_t *ret)
{
    switch (type) {
    case T_INT8:
        *ret = (int64_t)get_be(v, 8);
        return true;
    case T_INT4:
        *ret = (int32_t)get_be(v, 4);
        return true;
    case T_INT2:
        *ret = (int16_t)get_be(v, 2);
        return true;
    case T_OID:
        *ret = (int64_t)get_be(v, 4);
        return true;
    case T_BOOL:
        *ret = v[0] != 0;
        return true;
    default:
        return false;
    }
}

struct kh_str kh_pg_col_text(struct kh_query *q, int i)
{
    struct kh_pg_query *p = q->driver;
    const char *v;
    int64_t w;
    Oid type;
    int n;

    if (!here(p, i))
        return kh_str(NULL, 0);
    type = PQftype(p->res, i);
    v = PQgetvalue(p->res, p->row, i);
    n = PQgetlength(p->res, p->row, i);
    if (is_text(type) || type == T_BYTEA)
        return kh_str(v, (size_t)n);
    if (type == T_JSONB) /* one byte of version, then the text */
        return kh_str(v + 1, (size_t)n - 1);
    if (whole(type, v, &w))
        return kh_strf(arena_of(p), "%lld", (long long)w);
    if (type == T_FLOAT8 || type == T_FLOAT4)
        return kh_strf(arena_of(p), "%.17g", real_of(type, v));
    if (type == T_NUMERIC)
        return numeric_text(arena_of(p), v, n);
    return kh_str(v, (size_t)n);
}

int64_t kh_pg_col_int(struct kh_query *q, int i)
{
    struct kh_pg_query *p = q->driver;
    struct kh_str s, rest;
    const char *v;
    int64_t w = 0;
    Oid type;

    if (!here(p, i))
        return 0;
    type = PQftype(p->res, i);
    v = PQgetvalue(p->res, p->row, i);
    if (whole(type, v, &w))
        return w;
    if (type == T_FLOAT8 || type == T_FLOAT4)
        return (int64_t)real_of(type, v);
    s = kh_pg_col_text(q, i);
    return kh_str_int(kh_str_cut(s, '.', &rest), &w) ? w : 0;
}

double kh_pg_col_real(struct kh_query *q, int i)
{
    struct kh_pg_query *p = q->driver;
    double d = 0;
    const char *v;
    int64_t w;
    Oid type;

    if (!here(p, i))
        return 0;
    type = PQftype(p->res, i);
    v = PQgetvalue(p->res, p->row, i);
    if (type == T_FLOAT8 || type == T_FLOAT4)
        return real_of(type, v);
    if (whole(type, v, &w))
        return (double)w;
    return kh_str_double(kh_pg_col_text(q, i), &d) ? d : 0;
}

struct kh_str kh_pg_col_blob(struct kh_query *q, int i)
{
    return kh_pg_col_text(q, i);
}

bool kh_pg_col_null(struct kh_query *q, int i)
{
    return !here(q->driver, i);
}
