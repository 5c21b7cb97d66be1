/* SPDX-License-Identifier: Apache-2.0 */
#include "store/registry/list_sql.h"

#include "base/buf.h"
#include "base/json.h"

enum { VALUES_MAX = 60 };

/* The text of a statement and its values, made in one pass: the text is also the key under which
 * connections keep it prepared. */
struct gen {
    struct kh_buf b;
    struct kh_rval values[VALUES_MAX];
    int n;
    bool pg, over;
    const struct kh_rshape *s;
    struct kh_arena *a;
};

static void put(struct gen *g, const char *z)
{
    kh_buf_z(&g->b, z);
}

static int value(struct gen *g, struct kh_rval v)
{
    if (g->n == VALUES_MAX) {
        g->over = true;
        return VALUES_MAX;
    }
    g->values[g->n++] = v;
    return g->n;
}

static void ref(struct gen *g, int n)
{
    kh_buf_c(&g->b, '$');
    kh_buf_int(&g->b, n);
}

static void param(struct gen *g, struct kh_rval v)
{
    ref(g, value(g, v));
}

static struct kh_rval val_int(int64_t i)
{
    return (struct kh_rval){.kind = KH_RV_INT, .i = i};
}

static struct kh_rval val_real(double r)
{
    return (struct kh_rval){.kind = KH_RV_REAL, .r = r};
}

static struct kh_rval val_text(struct kh_str s)
{
    return (struct kh_rval){.kind = KH_RV_TEXT, .s = s};
}

static void col(struct gen *g, int i)
{
    put(g, "r.");
    kh_buf_str(&g->b, g->s->cols[i].name);
}

static const char *cast_of(enum kh_rkind kind)
{
    switch (kind) {
    case KH_RK_INT:
        return "bigint";
    case KH_RK_REAL:
        return "double precision";
    case KH_RK_TEXT:
        break;
    }
    return "text";
}

/* ---- conditions ---- */

static void pred_in(struct gen *g, const struct kh_rpred *p)
{
    col(g, p->col);
    if (g->pg) {
        put(g, " = ANY (ARRAY(SELECT CAST(u.value AS ");
        put(g, cast_of(g->s->cols[p->col].kind));
        put(g, ") FROM jsonb_array_elements_text(CAST(");
        param(g, p->value);
        put(g, " AS jsonb)) AS u(value)))");
    } else {
        put(g, " IN (SELECT value FROM json_each(");
        param(g, p->value);
        put(g, "))");
    }
}

/* One unit, as most readers have: three comparisons cost a fraction of a list that is taken apart for
 * each row. */
static bool pred_unit(struct gen *g, const struct kh_rpred *p)
{
    struct kh_error err = {0};
    struct kh_json *units;
    struct kh_str unit;

    if (!kh_json_parse(g->a, p->value.s, NULL, &units, &err) || units->n != 1 ||
        units->items[0].type != KH_JSON_STRING || g->n > VALUES_MAX / 2)
        return false;
    unit = units->items[0].s;
    put(g, "(");
    col(g, p->col);
    put(g, " = ");
    param(g, val_text(unit));
    put(g, " OR (");
    col(g, p->col);
    put(g, " >= ");
    param(g, val_text(kh_strf(g->a, "%.*s.", KH_FMT(unit))));
    put(g, " AND ");
    col(g, p->col);
    put(g, " < ");
    param(g, val_text(kh_strf(g->a, "%.*s/", KH_FMT(unit))));
    put(g, "))");
    return true;
}

/* Agency codes are read left to right: "H26.19" and everything that starts with "H26.19." */
static void pred_units(struct gen *g, const struct kh_rpred *p)
{
    if (pred_unit(g, p))
        return;
    put(g, "EXISTS (SELECT 1 FROM ");
    if (g->pg) {
        put(g, "jsonb_array_elements_text(CAST(");
        param(g, p->value);
        put(g, " AS jsonb)) AS u(value)");
    } else {
        put(g, "json_each(");
        param(g, p->value);
        put(g, ") AS u");
    }
    put(g, " WHERE ");
    col(g, p->col);
    put(g, " = u.value OR (");
    col(g, p->col);
    put(g, " >= u.value || '.' AND ");
    col(g, p->col);
    put(g, " < u.value || '/'))");
}

static void pred(struct gen *g, const struct kh_rpred *p)
{
    static const char *const signs[] = {
        [KH_RO_EQ] = " = ", [KH_RO_LT] = " < ", [KH_RO_LE] = " <= ", [KH_RO_GT] = " > ",
        [KH_RO_GE] = " >= "};

    switch (p->op) {
    case KH_RO_EQ:
    case KH_RO_LT:
    case KH_RO_LE:
    case KH_RO_GT:
    case KH_RO_GE:
        col(g, p->col);
        put(g, signs[p->op]);
        param(g, p->value);
        return;
    case KH_RO_IN:
        pred_in(g, p);
        return;
    case KH_RO_UNITS:
        pred_units(g, p);
        return;
    case KH_RO_NULL:
        col(g, p->col);
        put(g, " IS NULL");
        return;
    case KH_RO_NONE:
        put(g, "1 = 0");
        return;
    }
}

static void access_any(struct gen *g, const struct kh_rwalk *w)
{
    put(g, " AND (");
    for (size_t i = 0; i < w->access_n; i++) {
        put(g, i ? " OR (" : "(");
        if (w->access[i].n == 0)
            put(g, "1 = 1");
        for (size_t k = 0; k < w->access[i].n; k++) {
            put(g, k ? " AND " : "");
            pred(g, &w->access[i].preds[k]);
        }
        put(g, ")");
    }
    put(g, ")");
}

static void box(struct gen *g, const double *b)
{
    bool extent = g->s->geo == KH_RG_EXTENT;

    put(g, extent ? " AND r.x1 >= " : " AND r.lon >= ");
    param(g, val_real(b[0]));
    put(g, extent ? " AND r.y1 >= " : " AND r.lat >= ");
    param(g, val_real(b[1]));
    put(g, extent ? " AND r.x0 <= " : " AND r.lon <= ");
    param(g, val_real(b[2]));
    put(g, extent ? " AND r.y0 <= " : " AND r.lat <= ");
    param(g, val_real(b[3]));
}

/* What makes a row on the way a match. */
static void fits(struct gen *g, const struct kh_rwalk *w)
{
    bool closed_too = w->by == KH_RBY_ID || w->by == KH_RBY_TEXT ||
                      (w->by == KH_RBY_INDEX && g->s->indexes[w->index].all);

    /* On a way that leads past closed rows they are looked at and counted like any other. */
    put(g, closed_too && !w->all ? "r.live = 1" : "1 = 1");
    if (w->valid_us) {
        int n = value(g, val_int(w->valid_us));

        put(g, " AND r.valid_from <= ");
        ref(g, n);
        put(g, " AND r.valid_to > ");
        ref(g, n);
    }
    for (size_t i = 0; i < w->filters_n; i++) {
        put(g, " AND ");
        pred(g, &w->filters[i]);
    }
    if (w->access_n)
        access_any(g, w);
    if (w->box)
        box(g, w->box);
}

/* ---- ways ---- */

static void table(struct gen *g)
{
    put(g, "rec_");
    kh_buf_str(&g->b, g->s->type);
}

static void by_id(struct gen *g, const struct kh_rwalk *w)
{
    put(g, " FROM ");
    table(g);
    put(g, g->pg ? " AS r" : " AS r NOT INDEXED");
    put(g, " WHERE r.id ");
    put(g, w->desc ? "< " : "> ");
    param(g, val_int(w->has_after ? w->after_id : w->desc ? INT64_MAX : 0));
    put(g, w->desc ? " ORDER BY r.id DESC" : " ORDER BY r.id");
}

static void bounds(struct gen *g, int c, const struct kh_rspan *s)
{
    if (s->lo.kind != KH_RV_NULL) {
        put(g, " AND ");
        col(g, c);
        put(g, s->lo_open ? " > " : " >= ");
        param(g, s->lo);
    }
    if (s->hi.kind != KH_RV_NULL) {
        put(g, " AND ");
        col(g, c);
        put(g, s->hi_open ? " < " : " <= ");
        param(g, s->hi);
    }
}

/* The rows of an index whose first columns have these values. */
static void along(struct gen *g, const struct kh_rindex *x, const struct kh_rval *eq, size_t eq_n)
{
    put(g, " FROM ");
    table(g);
    put(g, " AS r");
    if (!g->pg) {
        put(g, " INDEXED BY ");
        kh_buf_str(&g->b, x->name);
    }
    put(g, x->all ? " WHERE 1 = 1" : " WHERE r.live = 1");
    for (size_t i = 0; i < eq_n; i++) {
        put(g, " AND ");
        col(g, x->cols[i]);
        put(g, eq[i].kind == KH_RV_NULL ? " IS NULL" : " = ");
        if (eq[i].kind != KH_RV_NULL)
            param(g, eq[i]);
    }
}

static void by_index(struct gen *g, const struct kh_rwalk *w)
{
    const struct kh_rindex *x = &g->s->indexes[w->index];
    const char *dir = w->desc ? " DESC" : "";

    along(g, x, w->eq, w->eq_n);
    if (w->sort >= 0)
        bounds(g, w->sort, &w->span);
    if (w->sort >= 0 && w->span.lo.kind == KH_RV_NULL && w->span.hi.kind == KH_RV_NULL) {
        put(g, " AND ");
        col(g, w->sort);
        put(g, " IS NOT NULL");
    }
    if (w->has_after && w->sort >= 0) {
        put(g, " AND (");
        col(g, w->sort);
        put(g, w->desc ? ", r.id) < (" : ", r.id) > (");
        param(g, w->after);
        put(g, ", ");
        param(g, val_int(w->after_id));
        put(g, ")");
    } else if (w->has_after) {
        put(g, w->desc ? " AND r.id < " : " AND r.id > ");
        param(g, val_int(w->after_id));
    }
    put(g, " ORDER BY ");
    /* PostgreSQL does not see that a column which IS NULL cannot change the order. */
    for (size_t i = 0; i < w->eq_n; i++)
        if (w->eq[i].kind == KH_RV_NULL) {
            col(g, x->cols[i]);
            put(g, dir);
            put(g, ", ");
        }
    if (w->sort >= 0) {
        col(g, w->sort);
        put(g, dir);
        put(g, ", ");
    }
    put(g, "r.id");
    put(g, dir);
}

static void by_cell(struct gen *g, const struct kh_rwalk *w)
{
    int64_t after = w->has_after ? w->after.i : -1;

    if (!g->pg) {
        put(g, " FROM json_each(");
        param(g, val_text(w->text));
        put(g, ") AS g CROSS JOIN ");
        table(g);
        put(g, " AS r INDEXED BY ix_");
        kh_buf_str(&g->b, g->s->type);
        put(g, "_cell ON r.live = 1 AND r.cell BETWEEN json_extract(g.value, '$[0]') AND "
               "json_extract(g.value, '$[1]') AND (r.cell, r.id) > (");
        param(g, val_int(after));
        put(g, ", ");
        param(g, val_int(w->after_id));
        put(g, ")");
        return;
    }
    put(g, " FROM jsonb_array_elements(CAST(");
    param(g, val_text(w->text));
    put(g, " AS jsonb)) AS g(v) CROSS JOIN LATERAL (SELECT * FROM ");
    table(g);
    put(g, " WHERE live = 1 AND cell BETWEEN CAST(g.v->>0 AS bigint) AND CAST(g.v->>1 AS bigint) "
           "AND (cell, id) > (");
    param(g, val_int(after));
    put(g, ", ");
    param(g, val_int(w->after_id));
    put(g, ") ORDER BY cell, id LIMIT ");
    param(g, val_int(w->limit));
    put(g, ") AS r");
}

static void by_text(struct gen *g, const struct kh_rwalk *w)
{
    if (g->pg) {
        put(g, " FROM ");
        table(g);
        put(g, " AS r WHERE r.tsv @@ CAST(");
        param(g, val_text(w->text));
        put(g, " AS tsquery) AND r.id < ");
        param(g, val_int(w->has_after ? w->after_id : INT64_MAX));
        put(g, " ORDER BY r.id DESC");
        return;
    }
    put(g, " FROM fts_");
    kh_buf_str(&g->b, g->s->type);
    put(g, " AS f CROSS JOIN ");
    table(g);
    put(g, " AS r ON r.id = f.rowid WHERE f.fts_");
    kh_buf_str(&g->b, g->s->type);
    put(g, " MATCH ");
    param(g, val_text(w->text));
    put(g, " AND f.rowid < ");
    param(g, val_int(w->has_after ? w->after_id : INT64_MAX));
    put(g, " ORDER BY f.rowid DESC");
}

static void statement(struct gen *g, const struct kh_rwalk *w)
{
    put(g, "SELECT r.id, CASE WHEN ");
    fits(g, w);
    put(g, " THEN r.data END, r.rev, r.srev, r.sv, r.valid_from, r.valid_to, r.recorded_us, ");
    if (w->by == KH_RBY_CELL)
        put(g, "r.cell");
    else if (w->by == KH_RBY_INDEX && w->sort >= 0)
        col(g, w->sort);
    else
        put(g, "0");
    if (g->s->geo != KH_RG_NONE)
        put(g, ", r.lon, r.lat");
    for (size_t i = 0; i < g->s->cols_n; i++)
        if (g->s->access >> i & 1) {
            put(g, ", ");
            col(g, (int)i);
        }
    switch (w->by) {
    case KH_RBY_ID:
        by_id(g, w);
        break;
    case KH_RBY_INDEX:
        by_index(g, w);
        break;
    case KH_RBY_CELL:
        by_cell(g, w);
        break;
    case KH_RBY_TEXT:
        by_text(g, w);
        break;
    }
    put(g, " LIMIT ");
    param(g, val_int(w->limit));
}

/* The first value of the column, or the first behind v.x. */
static void first_value(struct gen *g, const struct kh_rvalues *v, bool go_on)
{
    const struct kh_rindex *x = &g->s->indexes[v->index];
    int c = x->cols[v->eq_n];

    put(g, "SELECT ");
    col(g, c);
    put(g, " AS x");
    along(g, x, v->eq, v->eq_n);
    bounds(g, c, &v->span);
    put(g, " AND ");
    col(g, c);
    put(g, !go_on ? " IS NOT NULL" : v->desc ? " < v.x" : " > v.x");
    put(g, " ORDER BY ");
    for (size_t i = 0; i < v->eq_n; i++)
        if (v->eq[i].kind == KH_RV_NULL) {
            col(g, x->cols[i]);
            put(g, v->desc ? " DESC, " : ", ");
        }
    col(g, c);
    put(g, v->desc ? " DESC LIMIT 1" : " LIMIT 1");
}

/* One leap along the index for each value, however many rows have it. */
static void values_statement(struct gen *g, const struct kh_rvalues *v)
{
    put(g, "WITH RECURSIVE v(x) AS (SELECT f.x FROM (");
    first_value(g, v, false);
    put(g, ") AS f UNION ALL SELECT (");
    first_value(g, v, true);
    put(g, ") FROM v WHERE v.x IS NOT NULL) SELECT v.x FROM v WHERE v.x IS NOT NULL LIMIT ");
    param(g, val_int((int64_t)v->max));
}

/* ---- running ---- */

static struct gen *gen_new(struct kh_rtable *t, struct kh_arena *a)
{
    struct gen *g = kh_new(a, struct gen);

    g->pg = kh_rtable_kind(t) == KH_STORE_POSTGRES;
    g->s = kh_rtable_shape(t);
    g->a = a;
    g->b = kh_buf(a, KH_RSQL_MAX);
    return g;
}

/* The statement and its values, ready to be stepped. sql must stay until q is dropped. */
static bool open_gen(struct kh_tx *tx, struct kh_rtable *t, struct gen *g, const char *name,
                     struct kh_sql *sql, struct kh_query *q, struct kh_error *err)
{
    if (g->over || g->b.full)
        return kh_fail(err, KH_EC_FILTER_INVALID, "too many conditions in one list");
    *sql = kh_rtable_sql(t, g->a, name, kh_buf_get(&g->b));
    if (!kh_query_open_passing(q, tx, sql, err))
        return false;
    for (int i = 0; i < g->n; i++)
        kh_bind_rval(q, i + 1, &g->values[i]);
    return true;
}

static void read_hit(struct kh_query *q, const struct kh_rshape *s, struct kh_arena *a,
                     const struct kh_rwalk *w, struct kh_rhit *h)
{
    struct kh_str data = kh_col_text(q, 1);
    int n = 9;

    *h = (struct kh_rhit){.match = data.p != NULL, .row.id = kh_col_int(q, 0)};
    if (w->by == KH_RBY_CELL)
        h->sort = kh_col_rval(q, 8, KH_RK_INT, a);
    else if (w->by == KH_RBY_INDEX && w->sort >= 0)
        h->sort = kh_col_rval(q, 8, s->cols[w->sort].kind, a);
    if (!h->match)
        return;
    h->row.data = kh_str_dup(a, data);
    h->row.rev = kh_col_int(q, 2);
    h->row.srev = kh_col_int(q, 3);
    h->row.sv = kh_col_int(q, 4);
    h->row.valid_from = kh_col_int(q, 5);
    h->row.valid_to = kh_col_int(q, 6);
    h->row.recorded_us = kh_col_int(q, 7);
    if (s->geo != KH_RG_NONE) {
        h->row.has_place = !kh_col_null(q, n);
        h->row.lon = kh_col_real(q, n++);
        h->row.lat = kh_col_real(q, n++);
    }
    if (s->access) {
        struct kh_rval *cols = kh_new_n(a, s->cols_n, struct kh_rval);

        for (size_t i = 0; i < s->cols_n; i++)
            if (s->access >> i & 1)
                cols[i] = kh_col_rval(q, n++, s->cols[i].kind, a);
        h->row.cols = cols;
    }
}

bool kh_rwalk_run(struct kh_tx *tx, struct kh_rtable *t, struct kh_arena *a,
                  const struct kh_rwalk *w, kh_rwalk_fn fn, void *ctx, int64_t *ret_seen,
                  struct kh_error *err)
{
    struct gen *g = gen_new(t, a);
    struct kh_sql sql;
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;
    int64_t seen = 0;

    statement(g, w);
    if (!open_gen(tx, t, g, "list", &sql, &q, err))
        return false;
    while ((hit = kh_query_next(&q, err)) == KH_HIT) {
        struct kh_rhit h;

        read_hit(&q, g->s, a, w, &h);
        seen++;
        if (!fn(ctx, &h))
            break;
        if (kh_arena_over(a))
            return kh_fail(err, KH_EC_ARENA_FULL, "rows of a list");
    }
    if (hit == KH_FAIL)
        return false;
    *ret_seen = seen;
    return true;
}

bool kh_rwalk_values(struct kh_tx *tx, struct kh_rtable *t, struct kh_arena *a,
                     const struct kh_rvalues *v, struct kh_rval *ret, size_t *ret_n,
                     struct kh_error *err)
{
    struct gen *g = gen_new(t, a);
    const struct kh_rindex *x = &g->s->indexes[v->index];
    enum kh_rkind kind = g->s->cols[x->cols[v->eq_n]].kind;
    struct kh_sql sql;
    kh_auto(kh_query) q = {0};
    enum kh_hit hit = KH_HIT;
    size_t n = 0;

    values_statement(g, v);
    if (!open_gen(tx, t, g, "values", &sql, &q, err))
        return false;
    while (n < v->max && (hit = kh_query_next(&q, err)) == KH_HIT)
        ret[n++] = kh_col_rval(&q, 0, kind, a);
    if (hit == KH_FAIL)
        return false;
    *ret_n = n;
    return true;
}

static bool explain(struct kh_tx *tx, struct kh_rtable *t, struct gen *g, struct kh_str *ret_plan,
                    struct kh_error *err)
{
    struct kh_buf plan = kh_buf(g->a, 64 << 10);
    struct kh_sql sql;
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!open_gen(tx, t, g, "explain", &sql, &q, err))
        return false;
    while ((hit = kh_query_next(&q, err)) == KH_HIT) {
        kh_buf_str(&plan, kh_col_text(&q, g->pg ? 0 : 3));
        kh_buf_c(&plan, '\n');
    }
    *ret_plan = kh_buf_get(&plan);
    return hit != KH_FAIL;
}

bool kh_rwalk_explain(struct kh_tx *tx, struct kh_rtable *t, struct kh_arena *a,
                      const struct kh_rwalk *w, struct kh_str *ret_plan, struct kh_error *err)
{
    struct gen *g = gen_new(t, a);

    put(g, g->pg ? "EXPLAIN " : "EXPLAIN QUERY PLAN ");
    statement(g, w);
    return explain(tx, t, g, ret_plan, err);
}

bool kh_rvalues_explain(struct kh_tx *tx, struct kh_rtable *t, struct kh_arena *a,
                        const struct kh_rvalues *v, struct kh_str *ret_plan, struct kh_error *err)
{
    struct gen *g = gen_new(t, a);

    put(g, g->pg ? "EXPLAIN " : "EXPLAIN QUERY PLAN ");
    values_statement(g, v);
    return explain(tx, t, g, ret_plan, err);
}
