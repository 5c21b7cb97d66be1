/* SPDX-License-Identifier: Apache-2.0 */
/* Creating the table of a type, and altering it to what a newer schema needs. */
#include "store/registry/table_int.h"

static const char *kind_name(const struct kh_rtable *t, enum kh_rkind kind)
{
    switch (kind) {
    case KH_RK_INT:
        return kh_rtable_pg(t) ? "bigint" : "INTEGER";
    case KH_RK_REAL:
        return kh_rtable_pg(t) ? "double precision" : "REAL";
    case KH_RK_TEXT:
        break;
    }
    return kh_rtable_pg(t) ? "text COLLATE \"C\"" : "TEXT";
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

    if (kh_rtable_pg(t))
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
    const char *in = kh_rtable_pg(t) ? "bigint" : "INTEGER", *bytes = kh_rtable_pg(t) ? "bytea" : "BLOB";
    const char *text = kh_rtable_pg(t) ? "text" : "TEXT";
    struct kh_str n = t->s.type;

    kh_buf_strf(&b, "CREATE TABLE rec_%.*s (id %s PRIMARY KEY, rev %s NOT NULL, srev %s NOT NULL, ",
                KH_FMT(n), in, in, in);
    kh_buf_strf(&b, "sv %s NOT NULL, valid_from %s NOT NULL, valid_to %s NOT NULL, ", in, in, in);
    kh_buf_strf(&b, "recorded_us %s NOT NULL, live %s NOT NULL, segs %s NOT NULL, ", in, in, in);
    kh_buf_strf(&b, "salt %s, state %s, data %s NOT NULL", bytes, bytes, text);
    if (t->s.search)
        kh_buf_strf(&b, ", search %s%s", text, kh_rtable_pg(t) ? ", tsv tsvector" : "");
    ddl_place(&b, t, ", ");
    for (size_t i = 0; i < t->s.cols_n; i++)
        kh_buf_strf(&b, ", %.*s %s", KH_FMT(t->s.cols[i].name), kind_name(t, t->s.cols[i].kind));
    kh_buf_z(&b, kh_rtable_pg(t) ? ");\n" : ") STRICT;\n");
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
        kh_buf_strf(&b, "%ssearch %s%s%s", lead, kh_rtable_pg(to) ? "text" : "TEXT", kh_rtable_pg(to) ? lead : "",
                    kh_rtable_pg(to) ? "tsv tsvector" : "");
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
