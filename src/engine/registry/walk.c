/* SPDX-License-Identifier: Apache-2.0 */
/* Lists along indexes. A list may need several walks (ways.c): each is in the order of the list, so
 * they are merged. Every walk looks at a bounded number of rows; where one has to stop before its
 * end, the page stops there too, and the next page goes on from that place. */
#include "engine/registry/walk_int.h"

enum {
    CHUNK = 64,     /* rows that a walk may look at beyond what it is to find */
    WALK_MIN = 500, /* rows that every walk of a page may look at, however many there are */
    STEPS_MAX = 64, /* values of the order that one page goes through */
    STEPS_AT_ONCE = 16
};

/* ---- walking ---- */

struct collect {
    struct kh_walks *ws;
    struct kh_branch *b;
    size_t want;
    bool stopped;
};

static bool take(void *ctx, const struct kh_rhit *h)
{
    struct collect *c = ctx;
    struct kh_branch *b = c->b;

    b->last = h->sort;
    b->last_id = h->row.id;
    if (!h->match)
        return true;
    if (b->n == b->cap)
        b->hits = kh_grow(c->ws->k->a, b->hits, b->n, b->n + 1, &b->cap, sizeof(*b->hits));
    b->hits[b->n++] = (struct kh_walk_hit){h->sort, h->row};
    c->stopped = b->n == c->want;
    return !c->stopped;
}

/* The next hits of a walk whose hits are used up. PostgreSQL works out all the rows of a statement
 * before the first is seen, so it is asked for a few and then for more; SQLite stops as soon as it
 * is told. */
static bool refill(struct kh_walks *ws, struct kh_branch *b, struct kh_error *err)
{
    struct kh_ask *k = ws->k;
    bool lazy = kh_store_kind(kh_tx_store(k->tx)) == KH_STORE_SQLITE;
    size_t share = ws->want / ws->n;
    struct collect c = {.ws = ws, .b = b, .want = ws->n == 1 ? ws->want : share + share / 2 + 2};
    int64_t budget =
        KH_WALK_MAX / (int64_t)ws->n > WALK_MIN ? KH_WALK_MAX / (int64_t)ws->n : WALK_MIN;

    b->at = b->n = 0;
    while (b->n == 0 && !b->ended && !b->spent) {
        int64_t left = budget - b->seen, seen = 0;

        if (b->chunk == 0)
            b->chunk = lazy ? KH_WALK_MAX : (int64_t)c.want + CHUNK;
        b->w.limit = b->chunk < left ? b->chunk : left;
        c.stopped = false;
        if (!kh_rwalk_run(k->tx, k->t->table, k->a, &b->w, take, &c, &seen, err))
            return false;
        b->seen += seen;
        ws->seen += seen;
        b->ended = !c.stopped && seen < b->w.limit;
        b->spent = !b->ended && b->seen >= budget;
        b->w.has_after = true;
        b->w.after = b->last;
        b->w.after_id = b->last_id;
        b->chunk *= 4;
    }
    return true;
}

/* ---- merging ---- */

/* In the order of the list: < 0 if x comes first. */
static int order(const struct kh_ask *k, const struct kh_rval *xs, int64_t xid,
                 const struct kh_rval *ys, int64_t yid)
{
    int cmp = kh_rval_cmp(xs, ys);

    if (cmp == 0)
        cmp = xid < yid ? -1 : xid > yid;
    return k->desc ? -cmp : cmp;
}

/* The walk whose next hit comes first, and the one that stopped least far: what comes after that
 * place cannot be known. */
static bool look(struct kh_walks *ws, struct kh_branch **ret_best, struct kh_branch **ret_stop,
                 struct kh_error *err)
{
    struct kh_branch *best = NULL, *stop = NULL;

    for (size_t i = 0; i < ws->n; i++) {
        struct kh_branch *b = ws->b[i];
        const struct kh_walk_hit *h;

        if (b->at == b->n && !b->ended && !b->spent && !refill(ws, b, err))
            return false;
        h = b->at < b->n ? &b->hits[b->at] : NULL;
        if (!h && b->spent &&
            (!stop || order(ws->k, &b->last, b->last_id, &stop->last, stop->last_id) < 0))
            stop = b;
        if (h && (!best || order(ws->k, &h->sort, h->row.id, &best->hits[best->at].sort,
                                 best->hits[best->at].row.id) < 0))
            best = b;
    }
    if (best && stop &&
        order(ws->k, &best->hits[best->at].sort, best->hits[best->at].row.id, &stop->last,
              stop->last_id) > 0)
        best = NULL;
    *ret_best = best;
    *ret_stop = stop;
    return true;
}

static void mark(struct kh_walks *ws, const struct kh_rval *sort, int64_t id)
{
    ws->c.phase = ws->base >= 0 && ws->value.kind == KH_RV_NULL;
    ws->c.value = ws->sort >= 0 ? *sort : ws->value;
    ws->c.id = id;
}

/* @return true in ret_more if the list may go on with its next round */
static bool round_of(struct kh_walks *ws, struct kh_page *page, bool *ret_more,
                     struct kh_error *err)
{
    struct kh_ask *k = ws->k;
    struct kh_branch *best, *stop;
    int64_t last = 0;

    *ret_more = false;
    ws->want = k->limit - page->n + 1;
    if (!kh_ways_make(ws, err))
        return false;
    while (look(ws, &best, &stop, err)) {
        const struct kh_walk_hit *h = best ? &best->hits[best->at] : NULL;

        if (!h && stop) {
            mark(ws, &stop->last, stop->last_id);
            page->next = kh_cursor_text(k, &ws->c);
        }
        if (!h) {
            *ret_more = !stop;
            return true;
        }
        best->at++;
        if (h->row.id == last)
            continue; /* two walks have led to it */
        if (page->n == k->limit) {
            page->next = kh_cursor_text(k, &ws->c);
            return true;
        }
        last = h->row.id;
        mark(ws, &h->sort, last);
        kh_page_add(k, page, &h->row);
    }
    return false;
}

/* ---- rounds ---- */

/* The rows that have this value in the sort column, by id. */
static bool round_for(struct kh_walks *ws, struct kh_rval value, struct kh_page *page,
                      bool *ret_more, struct kh_error *err)
{
    struct kh_ask *k = ws->k;

    ws->sort = -1;
    ws->base = k->sort;
    ws->value = value;
    ws->has_after = k->has_after && k->after.phase == (value.kind == KH_RV_NULL) &&
                    kh_rval_cmp(&k->after.value, &value) == 0;
    ws->after_id = k->after.id;
    return round_of(ws, page, ret_more, err);
}

/* Value by value, along an index that has other columns behind the one that gives the order. */
static bool steps(struct kh_walks *ws, int index, size_t eq_n, struct kh_page *page, bool *ret_more,
                  struct kh_error *err)
{
    struct kh_ask *k = ws->k;
    const struct kh_rindex *x = &kh_rtable_shape(k->t->table)->indexes[index];
    struct kh_rval eq[KH_RINDEX_COLS], values[STEPS_AT_ONCE];
    struct kh_rvalues ask = {.index = index,
                             .eq = eq,
                             .eq_n = eq_n,
                             .desc = k->desc,
                             .span = kh_ways_span(k, k->sort),
                             .max = STEPS_AT_ONCE};
    struct kh_rval *from = k->desc ? &ask.span.hi : &ask.span.lo;
    bool *open = k->desc ? &ask.span.hi_open : &ask.span.lo_open;
    size_t n = STEPS_AT_ONCE, done = 0;
    struct kh_fixed given;

    kh_ways_given(k, &given);
    for (size_t i = 0; i < eq_n; i++)
        eq[i] = given.v[x->cols[i]];
    if (k->has_after) {
        *from = k->after.value;
        *open = false;
    }
    *ret_more = true;
    while (n == STEPS_AT_ONCE) {
        if (!kh_rwalk_values(k->tx, k->t->table, k->a, &ask, values, &n, err))
            return false;
        for (size_t i = 0; i < n; i++) {
            *from = values[i];
            *open = true;
            if (!round_for(ws, values[i], page, ret_more, err))
                return false;
            if (!*ret_more)
                return true;
            if (++done == STEPS_MAX || ws->seen >= KH_WALK_MAX) {
                mark(ws, NULL, k->desc ? 0 : INT64_MAX);
                page->next = kh_cursor_text(k, &ws->c);
                *ret_more = false;
                return true;
            }
        }
    }
    return true;
}

static bool bounded(const struct kh_ask *k)
{
    for (size_t i = 0; i < k->preds_n; i++)
        if (k->preds[i].col == k->sort)
            return true;
    return false;
}

/* A cursor that was not made by this list. */
static bool forged(const struct kh_ask *k)
{
    static const int kinds[] = {
        [KH_RK_INT] = KH_RV_INT, [KH_RK_REAL] = KH_RV_REAL, [KH_RK_TEXT] = KH_RV_TEXT};
    const struct kh_cursor *c = &k->after;
    int kind = KH_RV_NULL;

    if (k->sort >= 0 && c->phase == 0)
        kind = kinds[kh_rtable_shape(k->t->table)->cols[k->sort].kind];
    return c->mode != 'w' || (k->sort < 0 && c->phase) || (int)c->value.kind != kind;
}

bool kh_list_walk(struct kh_ask *k, struct kh_page *page, struct kh_error *err)
{
    struct kh_walks ws = {.k = k, .sort = k->sort, .base = -1, .c = {.mode = 'w'}};
    bool more = true;
    int index = -1;
    size_t eq = 0;

    if (k->has_after && forged(k))
        return kh_fail(err, KH_EC_CURSOR_INVALID, "after is not a cursor of this list");
    if (k->sort < 0 || !k->has_after || k->after.phase == 0) {
        if (k->sort >= 0 && kh_ways_lead(k, k->sort, &index, &eq) == KH_LEAD_STEPS) {
            if (!steps(&ws, index, eq, page, &more, err))
                return false;
        } else {
            ws.has_after = k->has_after;
            ws.after = k->after.value;
            ws.after_id = k->after.id;
            if (!round_of(&ws, page, &more, err))
                return false;
        }
    }
    /* Rows without a value come last, whichever way the order goes. */
    if (!more || k->sort < 0 || bounded(k))
        return true;
    return round_for(&ws, (struct kh_rval){0}, page, &more, err);
}
