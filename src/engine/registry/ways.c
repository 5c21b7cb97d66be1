/* SPDX-License-Identifier: Apache-2.0 */
/* Which walks answer a list. An index answers in the order of a list only if all its columns before
 * that order have one value each. Where filters or rights allow several ("a,b", a unit and those
 * below it), or say nothing of a column, there is one walk for each value, as long as they are few. */
#include "engine/registry/walk_int.h"

enum {
    UNITS_MAX = 24,  /* units of a right that get a walk each */
    VALUES_MAX = 16, /* values of a column that nothing was said of */
    LISTED_MAX = 24, /* values of "a,b" if they only make the list faster */
    BRANCHES_MAX = 512
};

/* ---- which index ---- */

/* An index that leads to the rows in the order of the list. Without a sort column, whole means that
 * all its columns are fixed; else the first must be. */
static int best_index(const struct kh_ask *k, const struct kh_fixed *f, int sort, bool whole,
                      size_t *ret_eq)
{
    const struct kh_rshape *s = kh_rtable_shape(k->t->table);
    size_t best_rest = 0;
    int best = -1;

    *ret_eq = 0;
    for (size_t i = 0; i < s->indexes_n; i++) {
        const struct kh_rindex *x = &s->indexes[i];
        size_t n = 0, rest;

        while (n < x->n && x->cols[n] != sort && f->is[x->cols[n]])
            n++;
        rest = x->n - n;
        if (sort >= 0 ? rest != 1 || x->cols[n] != sort : n == 0 || (whole && rest))
            continue;
        if (best < 0 || n > *ret_eq || (n == *ret_eq && rest < best_rest)) {
            best = (int)i;
            *ret_eq = n;
            best_rest = rest;
        }
    }
    return best;
}

void kh_ways_given(const struct kh_ask *k, struct kh_fixed *ret)
{
    *ret = (struct kh_fixed){0};
    for (size_t i = 0; i < k->preds_n; i++)
        if (k->preds[i].op == KH_RO_EQ) {
            ret->is[k->preds[i].col] = true;
            ret->v[k->preds[i].col] = k->preds[i].value;
        }
}

enum kh_lead kh_ways_lead(const struct kh_ask *k, int col, int *ret_index, size_t *ret_eq)
{
    const struct kh_rshape *s = kh_rtable_shape(k->t->table);
    struct kh_fixed f, lists;
    size_t eq;

    kh_ways_given(k, &f);
    lists = f;
    for (size_t i = 0; i < k->preds_n; i++)
        if (k->preds[i].op == KH_RO_IN)
            lists.is[k->preds[i].col] = true;
    if (best_index(k, &lists, col, true, &eq) >= 0)
        return KH_LEAD_WHOLE;
    for (size_t i = 0; i < s->indexes_n; i++) {
        const struct kh_rindex *x = &s->indexes[i];
        size_t n = 0;

        while (n < x->n && x->cols[n] != col && f.is[x->cols[n]])
            n++;
        if (n == x->n || x->cols[n] != col)
            continue;
        *ret_index = (int)i;
        *ret_eq = n;
        return KH_LEAD_STEPS;
    }
    return KH_LEAD_NONE;
}

/* ---- what filters say ---- */

/* The values of "a,b" as they stand in the filter. */
static bool listed(struct kh_ask *k, const struct kh_rpred *p, struct kh_rval **ret, size_t *ret_n,
                   struct kh_error *err)
{
    const struct kh_field *f = &k->t->fields[k->t->col_fields[p->col]];
    struct kh_json *list;
    struct kh_rval *v;

    if (!kh_json_parse(k->a, p->value.s, NULL, &list, err))
        return false;
    v = kh_new_n(k->a, list->n, struct kh_rval);
    for (size_t i = 0; i < list->n; i++) {
        const struct kh_json *j = &list->items[i];

        switch (kh_kind_sql(f->kind)) {
        case KH_RK_TEXT:
            v[i] = (struct kh_rval){.kind = KH_RV_TEXT, .s = j->s};
            break;
        case KH_RK_REAL:
            v[i].kind = kh_json_as_double(j, &v[i].r) ? KH_RV_REAL : KH_RV_NULL;
            break;
        case KH_RK_INT:
            v[i].kind = kh_json_as_int(j, &v[i].i) ? KH_RV_INT : KH_RV_NULL;
            break;
        }
    }
    *ret = v;
    *ret_n = list->n;
    return true;
}

static void narrow(struct kh_rspan *s, const struct kh_rval *v, bool low, bool high, bool open)
{
    if (low && (s->lo.kind == KH_RV_NULL || kh_rval_cmp(v, &s->lo) >= 0)) {
        s->lo_open = open || (s->lo_open && kh_rval_cmp(v, &s->lo) == 0);
        s->lo = *v;
    }
    if (high && (s->hi.kind == KH_RV_NULL || kh_rval_cmp(v, &s->hi) <= 0)) {
        s->hi_open = open || (s->hi_open && kh_rval_cmp(v, &s->hi) == 0);
        s->hi = *v;
    }
}

struct kh_rspan kh_ways_span(struct kh_ask *k, int col)
{
    struct kh_rspan s = {0};

    for (size_t i = 0; i < k->preds_n; i++) {
        const struct kh_rpred *p = &k->preds[i];
        struct kh_error err = {0};
        struct kh_rval *v, least, most;
        size_t n;

        if (p->col != col)
            continue;
        narrow(&s, &p->value, p->op == KH_RO_GT || p->op == KH_RO_GE || p->op == KH_RO_EQ,
               p->op == KH_RO_LT || p->op == KH_RO_LE || p->op == KH_RO_EQ,
               p->op == KH_RO_GT || p->op == KH_RO_LT);
        if (p->op != KH_RO_IN || !listed(k, p, &v, &n, &err) || n == 0)
            continue;
        least = most = v[0];
        for (size_t j = 1; j < n; j++) {
            least = kh_rval_cmp(&v[j], &least) < 0 ? v[j] : least;
            most = kh_rval_cmp(&v[j], &most) > 0 ? v[j] : most;
        }
        narrow(&s, &least, true, false, false);
        narrow(&s, &most, false, true, false);
    }
    return s;
}

/* ---- one walk ---- */

/* Does the walk see to this filter by itself? */
static bool consumed(const struct kh_walks *ws, const struct kh_branch *b, const struct kh_rpred *p)
{
    const struct kh_rindex *x = &kh_rtable_shape(ws->k->t->table)->indexes[b->w.index];

    if (b->w.by != KH_RBY_INDEX)
        return false;
    if (p->op != KH_RO_EQ)
        return p->col == b->w.sort && p->op != KH_RO_IN;
    for (size_t i = 0; i < b->w.eq_n; i++)
        if (x->cols[i] == p->col && kh_rval_cmp(&p->value, &b->eq[i]) == 0)
            return true;
    return false;
}

static void aim(struct kh_walks *ws, struct kh_branch *b, const struct kh_fixed *f, int index,
                size_t eq)
{
    struct kh_ask *k = ws->k;
    struct kh_rpred *filters = kh_new_n(k->a, k->preds_n + 1, struct kh_rpred);
    bool based = ws->base < 0;

    b->w = (struct kh_rwalk){.by = index < 0 ? KH_RBY_ID : KH_RBY_INDEX,
                             .index = index < 0 ? 0 : index,
                             .sort = index < 0 ? -1 : ws->sort,
                             .eq = b->eq,
                             .eq_n = eq,
                             .desc = k->desc,
                             .valid_us = k->now,
                             .has_after = ws->has_after,
                             .after = ws->after,
                             .after_id = ws->after_id,
                             .filters = filters};
    for (size_t i = 0; i < eq; i++) {
        int col = kh_rtable_shape(k->t->table)->indexes[index].cols[i];

        b->eq[i] = f->v[col];
        based = based || col == ws->base;
    }
    if (b->w.sort >= 0)
        b->w.span = kh_ways_span(k, b->w.sort);
    for (size_t i = 0; i < k->preds_n; i++)
        if (!consumed(ws, b, &k->preds[i]))
            filters[b->w.filters_n++] = k->preds[i];
    /* The way may be one that does not keep to the value that the round is about. */
    if (!based)
        filters[b->w.filters_n++] =
            (struct kh_rpred){.op = ws->value.kind == KH_RV_NULL ? KH_RO_NULL : KH_RO_EQ,
                              .col = ws->base,
                              .value = ws->value};
}

/* @return KH_MISS if there are too many walks already */
static enum kh_hit add_branch(struct kh_walks *ws, const struct kh_rconj *conj,
                              const struct kh_fixed *f, int index, size_t eq)
{
    struct kh_branch *b;

    if (ws->n == BRANCHES_MAX)
        return KH_MISS;
    if (ws->n == ws->cap)
        ws->b = kh_grow(ws->k->a, ws->b, ws->n, ws->n + 1, &ws->cap, sizeof(*ws->b));
    b = ws->b[ws->n++] = kh_new(ws->k->a, struct kh_branch);
    aim(ws, b, f, index, eq);
    if (conj && conj->n) {
        b->access = *conj;
        b->w.access = &b->access;
        b->w.access_n = 1;
    }
    return KH_HIT;
}

/* ---- several walks ---- */

static bool allowed(struct kh_ask *k, int col, const struct kh_rval *v)
{
    for (size_t i = 0; i < k->preds_n; i++)
        if (k->preds[i].col == col && !kh_pred_fits(k, &k->preds[i], v))
            return false;
    return true;
}

/* The columns of the best index that nothing was said of: one walk for each value that is there.
 * @return KH_MISS: too many */
static enum kh_hit spread_rest(struct kh_walks *ws, const struct kh_rconj *conj,
                               const struct kh_fixed *f, struct kh_error *err)
{
    struct kh_ask *k = ws->k;
    const struct kh_rshape *s = kh_rtable_shape(k->t->table);
    struct kh_rval eq[KH_RINDEX_COLS], values[VALUES_MAX + 2] = {0};
    struct kh_rvalues ask = {.eq = eq, .max = VALUES_MAX + 1};
    size_t n = 0;
    int col;

    ask.index = best_index(k, f, ws->sort, false, &ask.eq_n);
    if (ask.index < 0 || ws->sort >= 0 || ask.eq_n == s->indexes[ask.index].n)
        return add_branch(ws, conj, f, ask.index, ask.eq_n);
    for (size_t i = 0; i < ask.eq_n; i++)
        eq[i] = f->v[s->indexes[ask.index].cols[i]];
    col = s->indexes[ask.index].cols[ask.eq_n];
    ask.span = kh_ways_span(k, col);
    if (!kh_rwalk_values(k->tx, k->t->table, k->a, &ask, values, &n, err))
        return KH_FAIL;
    if (n > VALUES_MAX)
        return KH_MISS;
    values[n++].kind = KH_RV_NULL;
    for (size_t i = 0; i < n; i++) {
        struct kh_fixed more = *f;
        enum kh_hit hit;

        if (!allowed(k, col, &values[i]))
            continue;
        more.is[col] = true;
        more.v[col] = values[i];
        hit = spread_rest(ws, conj, &more, err);
        if (hit != KH_HIT)
            return hit;
    }
    return KH_HIT;
}

/* Is there a better index, or one at all, if this column is fixed too? */
static bool helps(const struct kh_walks *ws, const struct kh_fixed *f, int col)
{
    struct kh_fixed more = *f;
    size_t have, with;
    int index = best_index(ws->k, f, ws->sort, false, &have);

    more.is[col] = true;
    return best_index(ws->k, &more, ws->sort, false, &with) >= 0 && (index < 0 || with > have);
}

/* "a,b": one walk for each. */
static enum kh_hit spread_in(struct kh_walks *ws, const struct kh_rconj *conj,
                             const struct kh_fixed *f, struct kh_error *err)
{
    struct kh_ask *k = ws->k;

    for (size_t i = 0; i < k->preds_n; i++) {
        const struct kh_rpred *p = &k->preds[i];
        struct kh_fixed more = *f;
        struct kh_rval *values;
        size_t n;

        if (p->op != KH_RO_IN || f->is[p->col] || p->col == ws->sort || !helps(ws, f, p->col))
            continue;
        if (!listed(k, p, &values, &n, err))
            return KH_FAIL;
        if (ws->sort < 0 && n > LISTED_MAX)
            continue;
        more.is[p->col] = true;
        for (size_t v = 0; v < n; v++) {
            enum kh_hit hit = KH_HIT;

            more.v[p->col] = values[v];
            for (size_t o = 0; o < v && hit == KH_HIT; o++)
                hit = kh_rval_cmp(&values[o], &values[v]) == 0 ? KH_MISS : KH_HIT;
            if (hit == KH_MISS || !allowed(k, p->col, &values[v]))
                continue; /* said twice, or not wanted by another filter */
            hit = spread_in(ws, conj, &more, err);
            if (hit != KH_HIT)
                return hit;
        }
        return KH_HIT;
    }
    return spread_rest(ws, conj, f, err);
}

/* Units that rows really have, of these and all below them, by leaps along the index. */
static enum kh_hit units_there(struct kh_walks *ws, struct kh_str list, int index,
                               struct kh_rval *ret, size_t *ret_n, struct kh_error *err)
{
    struct kh_ask *k = ws->k;
    struct kh_json *units;
    size_t n = 0;

    if (!kh_json_parse(k->a, list, NULL, &units, err))
        return KH_FAIL;
    for (size_t i = 0; i < units->n; i++) {
        struct kh_str unit = units->items[i].s;
        struct kh_rvalues ask = {
            .index = index,
            .span = {.lo = {.kind = KH_RV_TEXT, .s = kh_strf(k->a, "%.*s.", KH_FMT(unit))},
                     .hi = {.kind = KH_RV_TEXT, .s = kh_strf(k->a, "%.*s/", KH_FMT(unit))},
                     .hi_open = true}};
        size_t got;

        if (n == UNITS_MAX)
            return KH_MISS;
        ret[n++] = (struct kh_rval){.kind = KH_RV_TEXT, .s = unit};
        ask.max = UNITS_MAX - n + 1;
        if (!kh_rwalk_values(k->tx, k->t->table, k->a, &ask, &ret[n], &got, err))
            return KH_FAIL;
        n += got;
        if (n > UNITS_MAX)
            return KH_MISS;
    }
    *ret_n = n;
    return KH_HIT;
}

/* Rights by unit: one walk for each unit that has rows, if they are few. */
static enum kh_hit spread_units(struct kh_walks *ws, const struct kh_rconj *conj,
                                const struct kh_fixed *f, struct kh_error *err)
{
    struct kh_ask *k = ws->k;
    struct kh_rval units[UNITS_MAX + 1];

    for (size_t i = 0; conj && i < conj->n; i++) {
        const struct kh_rpred *p = &conj->preds[i];
        int first = p->op == KH_RO_UNITS ? k->t->fields[k->t->unit].index : -1;
        struct kh_fixed more = *f;
        enum kh_hit hit;
        size_t n = 0;

        if (first < 0 || f->is[p->col] || p->col == ws->sort || !helps(ws, f, p->col))
            continue;
        hit = units_there(ws, p->value.s, first, units, &n, err);
        more.is[p->col] = true;
        for (size_t u = 0; hit == KH_HIT && u < n; u++) {
            more.v[p->col] = units[u];
            if (allowed(k, p->col, &units[u]))
                hit = spread_in(ws, conj, &more, err);
        }
        return hit;
    }
    return spread_in(ws, conj, f, err);
}

/* @return false in ret if rights or filters leave nothing of this round */
static bool fix_all(const struct kh_walks *ws, const struct kh_rconj *conj, struct kh_fixed *ret)
{
    kh_ways_given(ws->k, ret);
    for (size_t p = 0; conj && p < conj->n; p++)
        if (conj->preds[p].op == KH_RO_EQ && conj->preds[p].value.kind != KH_RV_NULL) {
            ret->is[conj->preds[p].col] = true;
            ret->v[conj->preds[p].col] = conj->preds[p].value;
        }
    if (ws->base < 0)
        return true;
    if (ret->is[ws->base] && kh_rval_cmp(&ret->v[ws->base], &ws->value) != 0)
        return false;
    ret->is[ws->base] = true;
    ret->v[ws->base] = ws->value;
    return true;
}

bool kh_ways_make(struct kh_walks *ws, struct kh_error *err)
{
    struct kh_ask *k = ws->k;
    size_t n = k->all ? 1 : k->conjs_n;

    ws->n = 0;
    for (size_t i = 0; i < n; i++) {
        const struct kh_rconj *conj = k->all ? NULL : &k->conjs[i];
        size_t mark = ws->n, eq = 0;
        struct kh_fixed f;
        enum kh_hit hit;
        int index;

        if (!fix_all(ws, conj, &f))
            continue;
        hit = spread_units(ws, conj, &f, err);
        if (hit == KH_MISS) {
            ws->n = mark;
            hit = ws->sort < 0 ? KH_MISS : spread_in(ws, conj, &f, err);
        }
        if (hit == KH_MISS) {
            ws->n = mark;
            index = best_index(k, &f, ws->sort, true, &eq);
            hit = ws->sort >= 0 && index < 0 ? KH_MISS : add_branch(ws, conj, &f, index, eq);
        }
        if (hit == KH_MISS)
            return kh_fail(err, KH_EC_FILTER_INVALID,
                           "too many values at once for this order: ask for fewer with .in");
        if (hit == KH_FAIL)
            return false;
    }
    return true;
}
