/* SPDX-License-Identifier: Apache-2.0 */
#include "store/registry/table_sql.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/time.h"

#include <pthread.h>
#include <stdio.h>

enum { SLOTS = 128, UPDATES_MAX = 64 };

struct slot {
    struct slot *next;
    struct kh_str text; /* also the key */
    struct kh_sql sql;
};

struct kh_rtable {
    struct kh_arena *a; /* guarded by lock once the table is in use */
    pthread_mutex_t lock;
    enum kh_store_kind kind;
    struct kh_rshape s;
    struct kh_sql insert, get, head, full, has, fts_add, fts_del, live, ids, ended, next_end, larger;
    uint64_t update_masks[128]; /* sets of changed columns that have a statement of their own */
    unsigned updates_n;
    struct slot *slots[SLOTS];
    size_t slots_n;
};

static bool pg(const struct kh_rtable *t)
{
    return t->kind == KH_STORE_POSTGRES;
}

/* The search entry of PostgreSQL is a column made of the folded tokens. */
#define TSV(n) "array_to_tsvector(array_remove(string_to_array(CAST($" n " AS text), ' '), ''))"

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
    if (t->s.search && pg(t))
        kh_buf_z(&b, ", tsv");
    kh_buf_z(&b, ") VALUES (");
    for (int i = 1; i <= n; i++)
        kh_buf_strf(&b, "%s$%d", i > 1 ? ", " : "", i);
    if (t->s.search && pg(t))
        kh_buf_z(&b, ", " TSV("13"));
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

static void make_all(struct kh_rtable *t)
{
    make_insert(t);
    make_get(t);
    make_head(t);
    make_full(t);
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

const struct kh_sql *kh_rtable_sql(struct kh_rtable *t, const char *name, struct kh_str text)
{
    struct slot **at = &t->slots[kh_hash64(text, 0) % SLOTS];
    struct slot *s;

    pthread_mutex_lock(&t->lock);
    for (s = *at; s && !kh_str_eq(s->text, text); s = s->next)
        ;
    if (!s && t->slots_n < KH_RSHAPES_MAX) {
        s = kh_new(t->a, struct slot);
        s->text = kh_str_dup(t->a, text);
        s->sql.name = kh_str_z(t->a, kh_strf(t->a, "rec_%.*s.%s", KH_FMT(t->s.type), name));
        s->sql.text = s->text.p;
        s->next = *at;
        *at = s;
        t->slots_n++;
    }
    pthread_mutex_unlock(&t->lock);
    return s ? &s->sql : NULL;
}

/* ---- DDL ---- */

static const char *kind_name(const struct kh_rtable *t, enum kh_rkind kind)
{
    switch (kind) {
    case KH_RK_INT:
        return pg(t) ? "bigint" : "INTEGER";
    case KH_RK_REAL:
        return pg(t) ? "double precision" : "REAL";
    case KH_RK_TEXT:
        break;
    }
    return pg(t) ? "text COLLATE \"C\"" : "TEXT";
}

static void ddl_place(struct kh_buf *b, const struct kh_rtable *t, const char *lead)
{
    static const char *const names[] = {"lon", "lat", "cell", "x0", "y0", "x1", "y1"};
    size_t n = t->s.geo == KH_RG_NONE ? 0 : t->s.geo == KH_RG_POINT ? 3 : 7;

    for (size_t i = 0; i < n; i++)
        kh_buf_strf(b, "%s%s %s", lead, names[i], kind_name(t, i == 2 ? KH_RK_INT : KH_RK_REAL));
}

static void ddl_index(struct kh_buf *b, const struct kh_rtable *t, const struct kh_rindex *x)
{
    kh_buf_strf(b, "CREATE INDEX %.*s ON rec_%.*s (", KH_FMT(x->name), KH_FMT(t->s.type));
    for (size_t i = 0; i < x->n; i++)
        kh_buf_strf(b, "%.*s, ", KH_FMT(t->s.cols[x->cols[i]].name));
    kh_buf_strf(b, "id)%s;\n", x->all ? "" : " WHERE live = 1");
}

static void ddl_search(struct kh_buf *b, const struct kh_rtable *t)
{
    struct kh_str n = t->s.type;

    if (pg(t))
        kh_buf_strf(b, "CREATE INDEX fts_%.*s ON rec_%.*s USING gin (tsv);\n", KH_FMT(n),
                    KH_FMT(n));
    else
        kh_buf_strf(b,
                    "CREATE VIRTUAL TABLE fts_%.*s USING fts5(search, content='rec_%.*s', "
                    "content_rowid='id', columnsize=0, detail=none, tokenize='ascii');\n",
                    KH_FMT(n), KH_FMT(n));
}

static void ddl_cell(struct kh_buf *b, const struct kh_rtable *t)
{
    kh_buf_strf(b, "CREATE INDEX ix_%.*s_cell ON rec_%.*s (cell, id) WHERE live = 1;\n",
                KH_FMT(t->s.type), KH_FMT(t->s.type));
}

bool kh_rtable_create(struct kh_tx *tx, const struct kh_rtable *t, struct kh_error *err)
{
    kh_auto_arena a = kh_arena_new(1 << 20);
    struct kh_buf b = kh_buf(a, 64 << 10);
    const char *in = pg(t) ? "bigint" : "INTEGER", *bytes = pg(t) ? "bytea" : "BLOB";
    const char *text = pg(t) ? "text" : "TEXT";
    struct kh_str n = t->s.type;

    kh_buf_strf(&b, "CREATE TABLE rec_%.*s (id %s PRIMARY KEY, rev %s NOT NULL, srev %s NOT NULL, ",
                KH_FMT(n), in, in, in);
    kh_buf_strf(&b, "sv %s NOT NULL, valid_from %s NOT NULL, valid_to %s NOT NULL, ", in, in, in);
    kh_buf_strf(&b, "recorded_us %s NOT NULL, live %s NOT NULL, segs %s NOT NULL, ", in, in, in);
    kh_buf_strf(&b, "salt %s, state %s, data %s NOT NULL", bytes, bytes, text);
    if (t->s.search)
        kh_buf_strf(&b, ", search %s%s", text, pg(t) ? ", tsv tsvector" : "");
    ddl_place(&b, t, ", ");
    for (size_t i = 0; i < t->s.cols_n; i++)
        kh_buf_strf(&b, ", %.*s %s", KH_FMT(t->s.cols[i].name), kind_name(t, t->s.cols[i].kind));
    kh_buf_z(&b, pg(t) ? ");\n" : ") STRICT;\n");
    kh_buf_strf(&b,
                "CREATE INDEX ix_%.*s_end ON rec_%.*s (valid_to) WHERE live = 1 AND valid_to < "
                "9223372036854775807;\n",
                KH_FMT(n), KH_FMT(n));
    for (size_t i = 0; i < t->s.indexes_n; i++)
        ddl_index(&b, t, &t->s.indexes[i]);
    if (t->s.geo != KH_RG_NONE)
        ddl_cell(&b, t);
    if (t->s.search)
        ddl_search(&b, t);
    KH_REQUIRE(!b.full);
    return kh_tx_script(tx, kh_str_z(a, kh_buf_get(&b)), err);
}

static bool has_col(const struct kh_rshape *s, struct kh_str name)
{
    for (size_t i = 0; i < s->cols_n; i++)
        if (kh_str_eq(s->cols[i].name, name))
            return true;
    return false;
}

static bool has_index(const struct kh_rshape *s, struct kh_str name)
{
    for (size_t i = 0; i < s->indexes_n; i++)
        if (kh_str_eq(s->indexes[i].name, name))
            return true;
    return false;
}

bool kh_rtable_alter(struct kh_tx *tx, const struct kh_rtable *from, const struct kh_rtable *to,
                     struct kh_error *err)
{
    kh_auto_arena a = kh_arena_new(1 << 20);
    struct kh_buf b = kh_buf(a, 64 << 10);
    struct kh_str n = to->s.type;
    const char *lead = kh_str_z(a, kh_strf(a, ";\nALTER TABLE rec_%.*s ADD COLUMN ", KH_FMT(n)));

    for (size_t i = 0; i < to->s.cols_n; i++)
        if (!has_col(&from->s, to->s.cols[i].name))
            kh_buf_strf(&b, "%s%.*s %s", lead, KH_FMT(to->s.cols[i].name),
                        kind_name(to, to->s.cols[i].kind));
    if (to->s.geo != KH_RG_NONE && from->s.geo == KH_RG_NONE)
        ddl_place(&b, to, lead);
    if (to->s.geo == KH_RG_EXTENT && from->s.geo == KH_RG_POINT)
        for (int i = 0; i < 4; i++)
            kh_buf_strf(&b, "%s%c%d %s", lead, i % 2 ? 'y' : 'x', i / 2, kind_name(to, KH_RK_REAL));
    if (to->s.search && !from->s.search)
        kh_buf_strf(&b, "%ssearch %s%s%s", lead, pg(to) ? "text" : "TEXT", pg(to) ? lead : "",
                    pg(to) ? "tsv tsvector" : "");
    kh_buf_z(&b, ";\n");
    for (size_t i = 0; i < from->s.indexes_n; i++)
        if (!has_index(&to->s, from->s.indexes[i].name))
            kh_buf_strf(&b, "DROP INDEX %.*s;\n", KH_FMT(from->s.indexes[i].name));
    for (size_t i = 0; i < to->s.indexes_n; i++)
        if (!has_index(&from->s, to->s.indexes[i].name))
            ddl_index(&b, to, &to->s.indexes[i]);
    if (to->s.geo != KH_RG_NONE && from->s.geo == KH_RG_NONE)
        ddl_cell(&b, to);
    if (to->s.search && !from->s.search)
        ddl_search(&b, to);
    KH_REQUIRE(!b.full);
    return b.n <= 2 || kh_tx_script(tx, kh_str_z(a, kh_str_skip(kh_buf_get(&b), b.p[0] == ';')), err);
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

static void bind_fixed(struct kh_query *q, const struct kh_rrow *row)
{
    kh_bind_int(q, 1, row->id);
    kh_bind_int(q, 2, row->rev);
    kh_bind_int(q, 3, row->srev);
    kh_bind_int(q, 4, row->sv);
    kh_bind_int(q, 5, row->valid_from);
    kh_bind_int(q, 6, row->valid_to);
    kh_bind_int(q, 7, row->recorded_us);
    kh_bind_int(q, 8, row->live);
    kh_bind_int(q, 9, row->segs);
    kh_bind_blob(q, 10, row->salt);
    kh_bind_blob(q, 11, row->state.n ? row->state : (struct kh_str){0});
    kh_bind_text(q, 12, row->data);
}

static void bind_update(struct kh_query *q, const struct kh_rrow *row)
{
    kh_bind_int(q, 1, row->id);
    kh_bind_int(q, 2, row->rev);
    kh_bind_int(q, 3, row->srev);
    kh_bind_int(q, 4, row->sv);
    kh_bind_int(q, 5, row->valid_from);
    kh_bind_int(q, 6, row->valid_to);
    kh_bind_int(q, 7, row->recorded_us);
    kh_bind_int(q, 8, row->segs);
    kh_bind_blob(q, 9, row->state.n ? row->state : (struct kh_str){0});
    kh_bind_text(q, 10, row->data);
}

static int bind_place(struct kh_query *q, int n, const struct kh_rshape *s,
                      const struct kh_rrow *row)
{
    int last = n + (s->geo == KH_RG_NONE ? 0 : s->geo == KH_RG_POINT ? 3 : 7);

    if (!row->has_place) {
        for (; n < last; n++)
            kh_bind_null(q, n);
        return last;
    }
    if (s->geo != KH_RG_NONE) {
        kh_bind_real(q, n++, row->lon);
        kh_bind_real(q, n++, row->lat);
        kh_bind_int(q, n++, row->cell);
    }
    if (s->geo == KH_RG_EXTENT)
        for (int i = 0; i < 4; i++)
            kh_bind_real(q, n++, row->box[i]);
    return n;
}

/* ---- rows ---- */

static bool fts(struct kh_tx *tx, const struct kh_sql *sql, int64_t id, struct kh_str text,
                struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, sql, err))
        return false;
    kh_bind_int(&q, 1, id);
    kh_bind_text(&q, 2, text);
    return kh_query_run(&q, NULL, err);
}

bool kh_rtable_insert(struct kh_tx *tx, struct kh_rtable *t, const struct kh_rrow *row,
                      struct kh_error *err)
{
    kh_auto(kh_query) q = {0};
    int n = 13;

    if (!kh_query_open(&q, tx, &t->insert, err))
        return false;
    bind_fixed(&q, row);
    if (t->s.search)
        kh_bind_text(&q, n++, row->search);
    n = bind_place(&q, n, &t->s, row);
    for (size_t i = 0; i < t->s.cols_n; i++)
        kh_bind_rval(&q, n++, &row->cols[i]);
    if (!kh_query_run(&q, NULL, err))
        return false;
    return !t->s.search || pg(t) || row->search.n == 0 ||
           fts(tx, &t->fts_add, row->id, row->search, err);
}

enum kh_hit kh_rtable_get(struct kh_tx *tx, struct kh_rtable *t, struct kh_arena *a, int64_t id,
                          struct kh_rrow *ret, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;
    int n = 7;

    if (!kh_query_open(&q, tx, &t->get, err))
        return KH_FAIL;
    kh_bind_int(&q, 1, id);
    hit = kh_query_next(&q, err);
    if (hit != KH_HIT)
        return hit;
    *ret = (struct kh_rrow){.id = id,
                            .rev = kh_col_int(&q, 0),
                            .srev = kh_col_int(&q, 1),
                            .sv = kh_col_int(&q, 2),
                            .valid_from = kh_col_int(&q, 3),
                            .valid_to = kh_col_int(&q, 4),
                            .recorded_us = kh_col_int(&q, 5),
                            .data = kh_str_dup(a, kh_col_text(&q, 6))};
    if (t->s.access) {
        struct kh_rval *cols = kh_new_n(a, t->s.cols_n, struct kh_rval);

        for (size_t i = 0; i < t->s.cols_n; i++)
            if (t->s.access >> i & 1)
                cols[i] = kh_col_rval(&q, n++, t->s.cols[i].kind, a);
        ret->cols = cols;
    }
    return KH_HIT;
}

enum kh_hit kh_rtable_head(struct kh_tx *tx, struct kh_rtable *t, struct kh_arena *a, int64_t id,
                           struct kh_rrow *ret, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &t->head, err))
        return KH_FAIL;
    kh_bind_int(&q, 1, id);
    hit = kh_query_next(&q, err);
    if (hit != KH_HIT)
        return hit;
    *ret = (struct kh_rrow){.id = id,
                            .rev = kh_col_int(&q, 1),
                            .srev = kh_col_int(&q, 2),
                            .sv = kh_col_int(&q, 3),
                            .valid_from = kh_col_int(&q, 4),
                            .valid_to = kh_col_int(&q, 5),
                            .recorded_us = kh_col_int(&q, 6),
                            .live = kh_col_int(&q, 7) != 0,
                            .segs = kh_col_int(&q, 8),
                            .salt = kh_str_dup(a, kh_col_blob(&q, 9)),
                            .state = kh_str_dup(a, kh_col_blob(&q, 10)),
                            .data = kh_str_dup(a, kh_col_text(&q, 11))};
    if (t->s.search && !kh_col_null(&q, 12))
        ret->search = kh_str_dup(a, kh_col_text(&q, 12));
    return KH_HIT;
}

enum kh_hit kh_rtable_full(struct kh_tx *tx, struct kh_rtable *t, struct kh_arena *a, int64_t id,
                           struct kh_rrow *ret, struct kh_error *err)
{
    enum kh_hit hit = kh_rtable_head(tx, t, a, id, ret, err);
    struct kh_rval *cols = kh_new_n(a, t->s.cols_n, struct kh_rval);
    kh_auto(kh_query) q = {0};

    if (hit != KH_HIT)
        return hit;
    if (!kh_query_open(&q, tx, &t->full, err))
        return KH_FAIL;
    kh_bind_int(&q, 1, id);
    hit = kh_query_next(&q, err);
    if (hit != KH_HIT)
        return hit;
    ret->has_place = t->s.geo != KH_RG_NONE && !kh_col_null(&q, 0);
    if (ret->has_place) {
        ret->lon = kh_col_real(&q, 0);
        ret->lat = kh_col_real(&q, 1);
        ret->cell = kh_col_int(&q, 2);
    }
    for (int i = 0; ret->has_place && t->s.geo == KH_RG_EXTENT && i < 4; i++)
        ret->box[i] = kh_col_real(&q, 3 + i);
    for (size_t i = 0; i < t->s.cols_n; i++)
        cols[i] = kh_col_rval(&q, (int)i + 7, t->s.cols[i].kind, a);
    ret->cols = cols;
    return KH_HIT;
}

struct update {
    uint64_t changed;
    bool place, search;
};

static struct kh_str update_text(struct kh_rtable *t, struct kh_arena *a, const struct update *u)
{
    struct kh_buf b = kh_buf(a, KH_RSQL_MAX);
    static const char *const names[] = {"lon", "lat", "cell", "x0", "y0", "x1", "y1"};
    size_t places = t->s.geo == KH_RG_NONE ? 0 : t->s.geo == KH_RG_POINT ? 3 : 7;
    int n = 11;

    kh_buf_strf(&b,
                "UPDATE rec_%.*s SET rev = $2, srev = $3, sv = $4, valid_from = $5, valid_to = $6, "
                "recorded_us = $7, segs = $8, state = $9, data = $10",
                KH_FMT(t->s.type));
    if (u->changed & KH_RCHANGED_LIVE)
        kh_buf_strf(&b, ", live = $%d", n++);
    if (u->search) {
        kh_buf_strf(&b, ", search = $%d", n);
        if (pg(t))
            kh_buf_strf(&b, ", tsv = " TSV("%d"), n);
        n++;
    }
    for (size_t i = 0; u->place && i < places; i++)
        kh_buf_strf(&b, ", %s = $%d", names[i], n++);
    for (size_t i = 0; i < t->s.cols_n; i++)
        if (u->changed >> i & 1)
            kh_buf_strf(&b, ", %.*s = $%d", KH_FMT(t->s.cols[i].name), n++);
    kh_buf_z(&b, " WHERE id = $1");
    KH_REQUIRE(!b.full);
    return kh_buf_get(&b);
}

/* Which columns change is up to the caller's patch, so the number of shapes is bounded: beyond it one
 * statement sets every column. */
static const struct kh_sql *update_sql(struct kh_rtable *t, struct kh_arena *a, struct update *u)
{
    uint64_t all = ((UINT64_C(1) << t->s.cols_n) - 1) | KH_RCHANGED_LIVE;
    uint64_t *slot;

    slot = &t->update_masks[u->changed * 0x9e3779b97f4a7c15U >> 57];
    pthread_mutex_lock(&t->lock);
    if (*slot != u->changed && t->updates_n < UPDATES_MAX) {
        *slot = u->changed;
        t->updates_n++;
    }
    if (*slot != u->changed)
        u->changed = all;
    pthread_mutex_unlock(&t->lock);
    return kh_rtable_sql(t, "update", update_text(t, a, u));
}

bool kh_rtable_update(struct kh_tx *tx, struct kh_rtable *t, struct kh_arena *a,
                      const struct kh_rrow *row, uint64_t changed, bool place_changed,
                      struct kh_str old_search, struct kh_error *err)
{
    struct update u = {changed, place_changed && t->s.geo != KH_RG_NONE,
                       t->s.search && !kh_str_eq(old_search, row->search)};
    const struct kh_sql *sql = update_sql(t, a, &u);
    kh_auto(kh_query) q = {0};
    int n = 11;

    if (!sql)
        return kh_fail(err, KH_EC_INTERNAL, "rec_%.*s: too many statement shapes",
                       KH_FMT(t->s.type));
    if (!kh_query_open(&q, tx, sql, err))
        return false;
    bind_update(&q, row);
    if (u.changed & KH_RCHANGED_LIVE)
        kh_bind_int(&q, n++, row->live);
    if (u.search)
        kh_bind_text(&q, n++, row->search);
    if (u.place)
        n = bind_place(&q, n, &t->s, row);
    for (size_t i = 0; i < t->s.cols_n; i++)
        if (u.changed >> i & 1)
            kh_bind_rval(&q, n++, &row->cols[i]);
    /* The old entry goes before the row changes: the index must be told what it held. */
    if (u.search && !pg(t) && old_search.n && !fts(tx, &t->fts_del, row->id, old_search, err))
        return false;
    if (!kh_query_run(&q, NULL, err))
        return false;
    return !u.search || pg(t) || row->search.n == 0 ||
           fts(tx, &t->fts_add, row->id, row->search, err);
}

bool kh_rtable_live(struct kh_tx *tx, struct kh_rtable *t, int64_t id, bool live,
                    struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &t->live, err))
        return false;
    kh_bind_int(&q, 1, id);
    kh_bind_int(&q, 2, live);
    return kh_query_run(&q, NULL, err);
}

enum kh_hit kh_rtable_taken(struct kh_tx *tx, struct kh_rtable *t, struct kh_arena *a,
                            const unsigned char *cols, size_t n, const struct kh_rval *values, int64_t id, int64_t from,
                            int64_t to, int64_t *ret_id, struct kh_error *err)
{
    struct kh_buf b = kh_buf(a, KH_RSQL_MAX);
    const struct kh_sql *sql;
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    kh_buf_z(&b, "SELECT id FROM rec_");
    kh_buf_str(&b, t->s.type);
    kh_buf_z(&b, " WHERE id <> $1 AND valid_from < $2 AND valid_to > $3");
    for (size_t i = 0; i < n; i++) {
        kh_buf_z(&b, " AND ");
        kh_buf_str(&b, t->s.cols[cols[i]].name);
        kh_buf_z(&b, " = $");
        kh_buf_int(&b, (int64_t)i + 4);
    }
    kh_buf_z(&b, " LIMIT 1");
    sql = kh_rtable_sql(t, "taken", kh_buf_get(&b));
    if (!sql)
        return kh_fail_hit(err, KH_EC_INTERNAL, "rec_%.*s: too many statement shapes",
                           KH_FMT(t->s.type));
    if (!kh_query_open(&q, tx, sql, err))
        return KH_FAIL;
    kh_bind_int(&q, 1, id);
    kh_bind_int(&q, 2, to);
    kh_bind_int(&q, 3, from);
    for (size_t i = 0; i < n; i++)
        kh_bind_rval(&q, (int)i + 4, &values[cols[i]]);
    hit = kh_query_next(&q, err);
    if (hit == KH_HIT)
        *ret_id = kh_col_int(&q, 0);
    return hit;
}

enum kh_hit kh_rtable_has(struct kh_tx *tx, struct kh_rtable *t, int64_t id, int64_t valid_us,
                          struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &t->has, err))
        return KH_FAIL;
    kh_bind_int(&q, 1, id);
    kh_bind_int(&q, 2, valid_us);
    return kh_query_next(&q, err);
}

static bool read_ids(struct kh_query *q, size_t max, int64_t *ids, size_t *ret_n,
                     struct kh_error *err)
{
    enum kh_hit hit = KH_HIT;
    size_t n = 0;

    while (n < max && (hit = kh_query_next(q, err)) == KH_HIT)
        ids[n++] = kh_col_int(q, 0);
    if (hit == KH_FAIL)
        return false;
    *ret_n = n;
    return true;
}

bool kh_rtable_ids(struct kh_tx *tx, struct kh_rtable *t, int64_t after, size_t max, int64_t *ids,
                   size_t *ret_n, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &t->ids, err))
        return false;
    kh_bind_int(&q, 1, after);
    kh_bind_int(&q, 2, (int64_t)max);
    return read_ids(&q, max, ids, ret_n, err);
}

bool kh_rtable_ended(struct kh_tx *tx, struct kh_rtable *t, int64_t now_us, size_t max,
                     int64_t *ids, size_t *ret_n, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &t->ended, err))
        return false;
    kh_bind_int(&q, 1, now_us);
    kh_bind_int(&q, 2, (int64_t)max);
    return read_ids(&q, max, ids, ret_n, err);
}

enum kh_hit kh_rtable_next_end(struct kh_tx *tx, struct kh_rtable *t, int64_t *ret_us,
                               struct kh_error *err)
{
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &t->next_end, err))
        return KH_FAIL;
    hit = kh_query_next(&q, err);
    if (hit == KH_HIT)
        *ret_us = kh_col_int(&q, 0);
    return hit;
}

bool kh_rtable_larger(struct kh_tx *tx, struct kh_rtable *t, int64_t n, bool *ret,
                      struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &t->larger, err))
        return false;
    kh_bind_int(&q, 1, n + 1);
    if (kh_query_next(&q, err) != KH_HIT)
        return err->code == KH_EC_OK ? kh_fail(err, KH_EC_STORE, "count") : false;
    *ret = kh_col_int(&q, 0) > n;
    return true;
}
