/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a table, and the statements that every call needs. */
#include "store/registry/table_int.h"

/* ---- texts ---- */

static struct kh_sql text_of(struct kh_rtable *t, const char *what, struct kh_buf *b)
{
    KH_REQUIRE(!b->full);
    return (struct kh_sql){.name = kh_str_z(t->a, kh_strf(t->a, "rec_%.*s.%s", KH_FMT(t->s.type),
                                                          what)),
                           .text = kh_str_z(t->a, kh_buf_get(b))};
}

static void make_insert(struct kh_rtable *t)
{
    struct kh_buf b = kh_buf(t->a, KH_RSQL_MAX);
    int n = 11;

    kh_buf_strf(&b, "INSERT INTO rec_%.*s (" KH_RFIXED ", data", KH_FMT(t->s.type));
    n++;
    if (t->s.search) {
        kh_buf_z(&b, ", search");
        n++;
    }
    if (t->s.geo != KH_RG_NONE) {
        kh_buf_z(&b, ", lon, lat, cell");
        n += 3;
    }
    if (t->s.geo == KH_RG_EXTENT) {
        kh_buf_z(&b, ", x0, y0, x1, y1");
        n += 4;
    }
    for (size_t i = 0; i < t->s.cols_n; i++, n++)
        kh_buf_strf(&b, ", %.*s", KH_FMT(t->s.cols[i].name));
    if (t->s.search && kh_rtable_pg(t))
        kh_buf_z(&b, ", tsv");
    kh_buf_z(&b, ") VALUES (");
    for (int i = 1; i <= n; i++)
        kh_buf_strf(&b, "%s$%d", i > 1 ? ", " : "", i);
    if (t->s.search && kh_rtable_pg(t))
        kh_buf_z(&b, ", " KH_TSV("13"));
    kh_buf_c(&b, ')');
    t->insert = text_of(t, "insert", &b);
}

static void make_get(struct kh_rtable *t)
{
    struct kh_buf b = kh_buf(t->a, KH_RSQL_MAX);

    kh_buf_z(&b, "SELECT rev, srev, sv, valid_from, valid_to, recorded_us, data");
    for (size_t i = 0; i < t->s.cols_n; i++)
        if (t->s.access >> i & 1)
            kh_buf_strf(&b, ", %.*s", KH_FMT(t->s.cols[i].name));
    kh_buf_strf(&b, " FROM rec_%.*s WHERE id = $1", KH_FMT(t->s.type));
    t->get = text_of(t, "get", &b);
}

static void make_head(struct kh_rtable *t)
{
    struct kh_buf b = kh_buf(t->a, KH_RSQL_MAX);

    kh_buf_strf(&b, "SELECT " KH_RFIXED ", data%s FROM rec_%.*s WHERE id = $1",
                t->s.search ? ", search" : "", KH_FMT(t->s.type));
    t->head = text_of(t, "head", &b);
}

static void make_full(struct kh_rtable *t)
{
    struct kh_buf b = kh_buf(t->a, KH_RSQL_MAX);

    kh_buf_z(&b, t->s.geo == KH_RG_NONE ? "SELECT NULL, NULL, NULL" : "SELECT lon, lat, cell");
    kh_buf_z(&b, t->s.geo == KH_RG_EXTENT ? ", x0, y0, x1, y1" : ", NULL, NULL, NULL, NULL");
    for (size_t i = 0; i < t->s.cols_n; i++)
        kh_buf_strf(&b, ", %.*s", KH_FMT(t->s.cols[i].name));
    kh_buf_strf(&b, " FROM rec_%.*s WHERE id = $1", KH_FMT(t->s.type));
    t->full = text_of(t, "full", &b);
}

static void make_small(struct kh_rtable *t, struct kh_sql *sql, const char *what, const char *fmt)
{
    struct kh_buf b = kh_buf(t->a, KH_RSQL_MAX);
    struct kh_str rest = kh_cstr(fmt);

    /* '@' stands for the name of the type */
    while (rest.n) {
        bool more = memchr(rest.p, '@', rest.n) != NULL;

        kh_buf_str(&b, kh_str_cut(rest, '@', &rest));
        if (more)
            kh_buf_str(&b, t->s.type);
    }
    *sql = text_of(t, what, &b);
}

/* Whoever imports, refers or is unique asks it for each record. */
static void make_taken(struct kh_rtable *t)
{
    t->taken = kh_new_n(t->a, KH_RCOLS_MAX, struct kh_sql);
    for (size_t i = 0; i < t->s.cols_n && i < KH_RCOLS_MAX; i++) {
        struct kh_buf b = kh_buf(t->a, 1024);
        unsigned char col = (unsigned char)i;

        kh_rtable_taken_text(t, &b, &col, 1);
        t->taken[i] = text_of(t, "taken", &b);
    }
}

static void make_all(struct kh_rtable *t)
{
    make_insert(t);
    make_get(t);
    make_head(t);
    make_full(t);
    make_taken(t);
    make_small(t, &t->fts_add, "fts_add", "INSERT INTO fts_@ (rowid, search) VALUES ($1, $2)");
    make_small(t, &t->fts_del, "fts_del",
               "INSERT INTO fts_@ (fts_@, rowid, search) VALUES ('delete', $1, $2)");
    make_small(t, &t->has, "has",
               "SELECT 1 FROM rec_@ WHERE id = $1 AND valid_from <= $2 AND valid_to > $2");
    make_small(t, &t->live, "live", "UPDATE rec_@ SET live = $2 WHERE id = $1");
    make_small(t, &t->ids, "ids", "SELECT id FROM rec_@ WHERE id > $1 ORDER BY id LIMIT $2");
    make_small(t, &t->ended, "ended",
               "SELECT id FROM rec_@ WHERE live = 1 AND valid_to < 9223372036854775807 AND "
               "valid_to <= $1 ORDER BY valid_to LIMIT $2");
    make_small(t, &t->next_end, "next_end",
               "SELECT valid_to FROM rec_@ WHERE live = 1 AND valid_to < 9223372036854775807 "
               "ORDER BY valid_to LIMIT 1");
    make_small(t, &t->larger, "larger",
               "SELECT count(*) FROM (SELECT 1 FROM rec_@ LIMIT $1) AS part");
}

struct kh_rtable *kh_rtable_new(struct kh_store *st, const struct kh_rshape *shape)
{
    struct kh_arena *a = kh_arena_new(64 << 20);
    struct kh_rtable *t = kh_new(a, struct kh_rtable);
    struct kh_rcol *cols = kh_new_n(a, shape->cols_n, struct kh_rcol);
    struct kh_rindex *indexes = kh_new_n(a, shape->indexes_n, struct kh_rindex);

    KH_REQUIRE(shape->cols_n <= KH_RCOLS_EVER);
    t->a = a;
    t->kind = kh_store_kind(st);
    t->s = *shape;
    t->s.type = kh_str_dup(a, shape->type);
    for (size_t i = 0; i < shape->cols_n; i++)
        cols[i] = (struct kh_rcol){kh_str_dup(a, shape->cols[i].name), shape->cols[i].kind};
    for (size_t i = 0; i < shape->indexes_n; i++) {
        indexes[i] = shape->indexes[i];
        indexes[i].name = kh_str_dup(a, shape->indexes[i].name);
    }
    t->s.cols = cols;
    t->s.indexes = indexes;
    pthread_mutex_init(&t->lock, NULL);
    make_all(t);
    return t;
}

void kh_rtable_drop(void *table)
{
    struct kh_rtable *t = table;

    if (!t)
        return;
    pthread_mutex_destroy(&t->lock);
    kh_arena_drop(t->a);
}

const struct kh_rshape *kh_rtable_shape(const struct kh_rtable *t)
{
    return &t->s;
}

enum kh_store_kind kh_rtable_kind(const struct kh_rtable *t)
{
    return t->kind;
}

struct kh_sql kh_rtable_sql(const struct kh_rtable *t, struct kh_arena *a, const char *name,
                            struct kh_str text)
{
    return (struct kh_sql){.name = kh_str_z(a, kh_strf(a, "rec_%.*s.%s", KH_FMT(t->s.type), name)),
                           .text = kh_str_z(a, text)};
}

/* ---- values ---- */

void kh_bind_rval(struct kh_query *q, int n, const struct kh_rval *v)
{
    switch (v->kind) {
    case KH_RV_NULL:
        kh_bind_null(q, n);
        return;
    case KH_RV_INT:
        kh_bind_int(q, n, v->i);
        return;
    case KH_RV_REAL:
        kh_bind_real(q, n, v->r);
        return;
    case KH_RV_TEXT:
        kh_bind_text(q, n, v->s.p ? v->s : KH_S(""));
        return;
    }
}

struct kh_rval kh_col_rval(struct kh_query *q, int i, enum kh_rkind kind, struct kh_arena *a)
{
    struct kh_rval v = {0};

    if (kh_col_null(q, i))
        return v;
    switch (kind) {
    case KH_RK_INT:
        v.kind = KH_RV_INT;
        v.i = kh_col_int(q, i);
        break;
    case KH_RK_REAL:
        v.kind = KH_RV_REAL;
        v.r = kh_col_real(q, i);
        break;
    case KH_RK_TEXT:
        v.kind = KH_RV_TEXT;
        v.s = kh_str_dup(a, kh_col_text(q, i));
        break;
    }
    return v;
}
