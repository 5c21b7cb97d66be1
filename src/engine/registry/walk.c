/* SPDX-License-Identifier: Apache-2.0 */
/* Lists along an index. Rights may need several walks (one per unit, owner, or rule): each is in the
 * order of the list, so they are merged. Every walk looks at a bounded number of rows; where one
 * stops before its end, the page stops there too, and the next page goes on from that place. */
#include "engine/registry/list_int.h"

#include <stdlib.h>

enum { UNITS_MAX = 24, VALUES_MAX = 8, BRANCHES_MAX = 64, CHUNK = 64 };

struct hit {
    struct kh_rval sort;
    struct kh_rrow row;
};

struct branch {
    struct kh_rwalk w;
    struct kh_rval eq[KH_RINDEX_COLS];
    struct kh_rpred filters[KH_PREDS_MAX];
    struct kh_rconj access;
    struct hit *hits;
    size_t n, cap;
    bool ended;                /* nothing comes after */
    struct kh_rval last;       /* else: how far it came */
    int64_t last_id;
};

struct walks {
    struct kh_ask *k;
    struct branch *b;
    size_t n;
    bool nulls;                /* this round is about the rows without a sort value */
    size_t want;
};

/* ---- which index ---- */

/* Values that the branch fixes: one per column at most. */
struct fixed {
    bool is[KH_RCOLS_MAX];
    struct kh_rval v[KH_RCOLS_MAX];
};

/* The index whose first columns are all fixed and whose order is that of the list. */
static int best_index(const struct kh_ask *k, const struct fixed *f, int sort, size_t *ret_eq)
{
    const struct kh_rshape *s = kh_rtable_shape(k->t->table);
    int best = -1;

    *ret_eq = 0;
    for (size_t i = 0; i < s->indexes_n; i++) {
        const struct kh_rindex *x = &s->indexes[i];
        size_t n = 0;

        while (n < x->n && f->is[x->cols[n]] && (sort < 0 || x->cols[n] != sort))
            n++;
        if (sort < 0 ? n != x->n : n + 1 != x->n || x->cols[n] != sort)
            continue;
        if (best < 0 || n > *ret_eq) {
            best = (int)i;
            *ret_eq = n;
        }
    }
    return best;
}

static bool consumed(const struct branch *b, const struct kh_rshape *s, int sort,
                     const struct kh_rpred *p)
{
    if (b->w.by != KH_RBY_INDEX)
        return false;
    for (size_t i = 0; i < b->w.eq_n; i++)
        if (s->indexes[b->w.index].cols[i] == p->col && p->op == KH_RO_EQ &&
            kh_rval_cmp(&p->value, &b->w.eq[i]) == 0)
            return true;
    return p->col == sort && p->op != KH_RO_EQ && p->op != KH_RO_IN && !b->w.nulls;
}

static void set_bounds(struct branch *b, const struct kh_ask *k, int sort)
{
    for (size_t i = 0; i < k->preds_n; i++) {
        const struct kh_rpred *p = &k->preds[i];
        bool low = p->op == KH_RO_GT || p->op == KH_RO_GE;
        bool high = p->op == KH_RO_LT || p->op == KH_RO_LE;
        bool open = p->op == KH_RO_GT || p->op == KH_RO_LT;

        if (p->col != sort)
            continue;
        if (low && (b->w.lo.kind == KH_RV_NULL || kh_rval_cmp(&p->value, &b->w.lo) >= 0)) {
            b->w.lo_open = open || (b->w.lo_open && kh_rval_cmp(&p->value, &b->w.lo) == 0);
            b->w.lo = p->value;
        }
        if (high && (b->w.hi.kind == KH_RV_NULL || kh_rval_cmp(&p->value, &b->w.hi) <= 0)) {
            b->w.hi_open = open || (b->w.hi_open && kh_rval_cmp(&p->value, &b->w.hi) == 0);
            b->w.hi = p->value;
        }
    }
}

static void aim(struct walks *ws, struct branch *b, const struct fixed *f)
{
    struct kh_ask *k = ws->k;
    const struct kh_rshape *s = kh_rtable_shape(k->t->table);
    size_t eq = 0;
    int index = best_index(k, f, k->sort, &eq);

    b->w.desc = k->desc;
    b->w.sort = -1;
    b->w.valid_us = k->now;
    b->w.by = index < 0 ? KH_RBY_ID : KH_RBY_INDEX;
    if (index >= 0) {
        b->w.index = index;
        b->w.sort = k->sort;
        b->w.nulls = ws->nulls;
        b->w.eq = b->eq;
        b->w.eq_n = eq;
        for (size_t i = 0; i < eq; i++)
            b->eq[i] = f->v[s->indexes[index].cols[i]];
        if (k->sort >= 0)
            set_bounds(b, k, k->sort);
    }
    b->w.filters = b->filters;
    for (size_t i = 0; i < k->preds_n; i++)
        if (!consumed(b, s, k->sort, &k->preds[i]))
            b->filters[b->w.filters_n++] = k->preds[i];
    if (k->has_after && k->after.phase == ws->nulls) {
        b->w.has_after = true;
        b->w.after = k->after.value;
        b->w.after_id = k->after.id;
    }
}

/* ---- which walks ---- */

static void add_branch(struct walks *ws, const struct kh_rconj *conj, const struct fixed *f)
{
    struct branch *b = &ws->b[ws->n++];

    if (conj && conj->n) {
        b->access = *conj;
        b->w.access = &b->access;
        b->w.access_n = 1;
    }
    aim(ws, b, f);
}

/* Units of a subtree that rows really have, by leaps along the index. @return false: too many */
static bool units_there(struct walks *ws, struct kh_str list, int index, struct kh_rval *ret,
                        size_t *ret_n, struct kh_error *err)
{
    struct kh_ask *k = ws->k;
    struct kh_json *units;
    size_t n = 0;

    if (!kh_json_parse(k->a, list, NULL, &units, err))
        return false;
    for (size_t i = 0; i < units->n; i++) {
        struct kh_str unit = units->items[i].s, at = kh_strf(k->a, "%.*s.", KH_FMT(unit));
        struct kh_str end = kh_strf(k->a, "%.*s/", KH_FMT(unit));

        if (n == UNITS_MAX)
            return false;
        ret[n++] = (struct kh_rval){.kind = KH_RV_TEXT, .s = unit};
        for (;;) {
            enum kh_hit hit =
                kh_rwalk_next_value(k->tx, k->t->table, k->a, index, at, end, &at, err);

            if (hit == KH_FAIL)
                return false;
            if (hit == KH_MISS)
                break;
            if (n == UNITS_MAX)
                return false;
            ret[n++] = (struct kh_rval){.kind = KH_RV_TEXT, .s = at};
        }
    }
    *ret_n = n;
    return true;
}

static void fix(struct fixed *f, int col, struct kh_rval v)
{
    if (v.kind == KH_RV_NULL)
        return;
    f->is[col] = true;
    f->v[col] = v;
}

/* "a,b" on the first column of the best index: one walk per value keeps the order. */
static bool spread_in(struct walks *ws, const struct kh_rconj *conj, const struct fixed *f,
                      struct kh_error *err)
{
    struct kh_ask *k = ws->k;
    size_t have, with;

    (void)best_index(k, f, k->sort, &have);
    for (size_t i = 0; i < k->preds_n; i++) {
        const struct kh_rpred *p = &k->preds[i];
        const struct kh_field *field = &k->t->fields[k->t->col_fields[p->col]];
        struct fixed more = *f;
        struct kh_json *values;

        if (p->op != KH_RO_IN || f->is[p->col] || p->col == k->sort)
            continue;
        if (!kh_json_parse(k->a, p->value.s, NULL, &values, err))
            return false;
        more.is[p->col] = true;
        (void)best_index(k, &more, k->sort, &with);
        if (with <= have || values->n > VALUES_MAX || ws->n + values->n >= BRANCHES_MAX)
            continue;
        for (size_t v = 0; v < values->n; v++) {
            struct kh_rval value = {0};
            const struct kh_json *j = &values->items[v];

            if (field->kind == KH_FK_TEXT)
                value = (struct kh_rval){.kind = KH_RV_TEXT, .s = j->s};
            else if (field->kind == KH_FK_REAL)
                value.kind = kh_json_as_double(j, &value.r) ? KH_RV_REAL : KH_RV_NULL;
            else
                value.kind = kh_json_as_int(j, &value.i) ? KH_RV_INT : KH_RV_NULL;
            fix(&more, p->col, value);
            add_branch(ws, conj, &more);
        }
        return true;
    }
    add_branch(ws, conj, f);
    return true;
}

/* Rights by unit: a walk per unit that has rows, if they are few and an index begins with it. */
static bool spread_units(struct walks *ws, const struct kh_rconj *conj, const struct fixed *f,
                         struct kh_error *err)
{
    struct kh_ask *k = ws->k;
    struct kh_rval units[UNITS_MAX];
    struct fixed more = *f;
    size_t n = 0, have, with;

    for (size_t i = 0; conj && i < conj->n; i++) {
        const struct kh_rpred *p = &conj->preds[i];
        int first = p->op == KH_RO_UNITS ? k->t->fields[k->t->unit].index : -1;

        if (first < 0 || f->is[p->col])
            continue;
        (void)best_index(k, f, k->sort, &have);
        more.is[p->col] = true;
        (void)best_index(k, &more, k->sort, &with);
        if (with <= have)
            continue;
        if (!units_there(ws, p->value.s, first, units, &n, err)) {
            if (err->code != KH_EC_OK)
                return false;
            continue;
        }
        if (ws->n + n >= BRANCHES_MAX)
            continue;
        for (size_t u = 0; u < n; u++) {
            fix(&more, p->col, units[u]);
            if (!spread_in(ws, conj, &more, err))
                return false;
        }
        return true;
    }
    return spread_in(ws, conj, f, err);
}

static bool make_branches(struct walks *ws, struct kh_error *err)
{
    struct kh_ask *k = ws->k;
    size_t n = k->all ? 1 : k->conjs_n;

    ws->n = 0;
    ws->b = kh_new_n(k->a, BRANCHES_MAX * 10 + n, struct branch);
    for (size_t i = 0; i < n; i++) {
        const struct kh_rconj *conj = k->all ? NULL : &k->conjs[i];
        struct fixed f = {0};

        for (size_t p = 0; p < k->preds_n; p++)
            if (k->preds[p].op == KH_RO_EQ)
                fix(&f, k->preds[p].col, k->preds[p].value);
        for (size_t p = 0; conj && p < conj->n; p++)
            if (conj->preds[p].op == KH_RO_EQ)
                fix(&f, conj->preds[p].col, conj->preds[p].value);
        if (!spread_units(ws, conj, &f, err))
            return false;
    }
    return true;
}

/* ---- walking and merging ---- */

struct collect {
    struct walks *ws;
    struct branch *b;
};

static bool take(void *ctx, const struct kh_rhit *h)
{
    struct collect *c = ctx;
    struct branch *b = c->b;

    b->last = h->sort;
    b->last_id = h->row.id;
    if (!h->match)
        return true;
    if (b->n == b->cap)
        b->hits = kh_grow(c->ws->k->a, b->hits, b->n, b->n + 1, &b->cap, sizeof(*b->hits));
    b->hits[b->n++] = (struct hit){h->sort, h->row};
    return b->n < c->ws->want;
}

/* PostgreSQL works out all the rows of a statement before the first is seen, so it is asked for a few
 * and then for more; SQLite stops as soon as it is told. */
static bool run_branch(struct walks *ws, struct branch *b, struct kh_error *err)
{
    struct kh_ask *k = ws->k;
    bool lazy = kh_store_kind(kh_tx_store(k->tx)) == KH_STORE_SQLITE;
    int64_t chunk = lazy ? KH_WALK_MAX : (int64_t)ws->want + CHUNK, total = 0;

    while (total < KH_WALK_MAX && b->n < ws->want) {
        struct collect c = {ws, b};
        int64_t seen = 0;

        b->w.limit = chunk < KH_WALK_MAX - total ? chunk : KH_WALK_MAX - total;
        if (!kh_rwalk_run(k->tx, k->t->table, k->a, &b->w, take, &c, &seen, err))
            return false;
        total += seen;
        if (seen < b->w.limit && b->n < ws->want) {
            b->ended = true;
            return true;
        }
        b->w.has_after = true;
        b->w.after = b->last;
        b->w.after_id = b->last_id;
        chunk *= 4;
    }
    return true;
}

/* In the order of the list: < 0 if x comes first. */
static int order(const struct kh_ask *k, const struct kh_rval *xs, int64_t xid,
                 const struct kh_rval *ys, int64_t yid)
{
    int cmp = kh_rval_cmp(xs, ys);

    if (cmp == 0)
        cmp = xid < yid ? -1 : xid > yid;
    return k->desc ? -cmp : cmp;
}

static bool merge(struct walks *ws, struct kh_page *page)
{
    struct kh_ask *k = ws->k;
    size_t *at = kh_new_n(k->a, ws->n, size_t);
    const struct branch *stop = NULL;
    struct kh_cursor c = {.mode = 'w', .phase = ws->nulls};
    int64_t last = 0;

    /* The walk that came least far says how far the page can be trusted. */
    for (size_t i = 0; i < ws->n; i++)
        if (!ws->b[i].ended &&
            (!stop || order(k, &ws->b[i].last, ws->b[i].last_id, &stop->last, stop->last_id) < 0))
            stop = &ws->b[i];
    for (;;) {
        const struct hit *best = NULL;
        size_t from = 0;

        for (size_t i = 0; i < ws->n; i++) {
            const struct hit *h = at[i] < ws->b[i].n ? &ws->b[i].hits[at[i]] : NULL;

            if (h && (!best || order(k, &h->sort, h->row.id, &best->sort, best->row.id) < 0)) {
                best = h;
                from = i;
            }
        }
        if (!best || (stop && order(k, &best->sort, best->row.id, &stop->last, stop->last_id) > 0))
            break;
        at[from]++;
        if (best->row.id == last)
            continue;
        if (page->n == k->limit) {
            page->next = kh_cursor_text(k, &c);
            return false;
        }
        last = best->row.id;
        c.value = best->sort;
        c.id = last;
        kh_page_add(k, page, &best->row);
    }
    if (!stop)
        return true;
    c.value = stop->last;
    c.id = stop->last_id;
    page->next = kh_cursor_text(k, &c);
    return false;
}

/* @return true in ret_more if the list may go on with its next part */
static bool round_of(struct walks *ws, struct kh_page *page, bool *ret_more, struct kh_error *err)
{
    ws->want = ws->k->limit - page->n + 1;
    if (!make_branches(ws, err))
        return false;
    for (size_t i = 0; i < ws->n; i++)
        if (!run_branch(ws, &ws->b[i], err))
            return false;
    *ret_more = merge(ws, page);
    return true;
}

static bool bounded(const struct kh_ask *k)
{
    for (size_t i = 0; i < k->preds_n; i++)
        if (k->preds[i].col == k->sort)
            return true;
    return false;
}

bool kh_list_walk(struct kh_ask *k, struct kh_page *page, struct kh_error *err)
{
    struct walks ws = {.k = k};
    struct fixed none = {0};
    size_t eq;
    bool more = true;

    if (k->has_after && k->after.mode != 'w')
        return kh_fail(err, KH_EC_CURSOR_INVALID, "after is not a cursor of this list");
    if (k->sort >= 0 && best_index(k, &none, k->sort, &eq) < 0)
        return kh_fail(err, KH_EC_FILTER_INVALID,
                       "no index begins with %.*s: one cannot sort by it",
                       KH_FMT(k->t->fields[k->t->col_fields[k->sort]].name));
    if (k->sort < 0 || !k->has_after || k->after.phase == 0)
        if (!round_of(&ws, page, &more, err))
            return false;
    /* Rows without a value come last, whichever way the order goes. */
    if (!more || k->sort < 0 || bounded(k))
        return true;
    ws.nulls = true;
    if (page->n == k->limit) {
        page->next = kh_cursor_text(
            k, &(struct kh_cursor){.mode = 'w', .phase = 1, .id = k->desc ? INT64_MAX : 0});
        return true;
    }
    return round_of(&ws, page, &more, err);
}
