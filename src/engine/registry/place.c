/* SPDX-License-Identifier: Apache-2.0 */
/* Lists by place: what lies in a box or a unit, in the order of the curve; what lies near a point,
 * nearest first. The index gives candidates, the exact question is asked of each. */
#include "engine/registry/list_int.h"

#include "base/time.h"
#include "engine/registry/cell.h"

#include <stdlib.h>

enum { NEAR_MAX = 20000 };

/* The one set of conditions of a walk: rights, filters and box together. */
static struct kh_rwalk walk_of(struct kh_ask *k, const double *box)
{
    return (struct kh_rwalk){.by = KH_RBY_CELL,
                             .filters = k->preds,
                             .filters_n = k->preds_n,
                             .access = k->conjs,
                             .access_n = k->all ? 0 : k->conjs_n,
                             .box = box,
                             .valid_us = k->now};
}

/* ---- box and unit ---- */

struct in_box {
    struct kh_ask *k;
    const struct kh_shape *within;
    struct kh_page *page;
    struct kh_cursor last;     /* of the row looked at last */
    struct kh_cursor shown;    /* of the row shown last */
    bool more;
};

static bool covered(const struct in_box *b, const struct kh_rhit *h)
{
    return !b->within || kh_shape_covers(b->within, h->row.lon, h->row.lat);
}

static bool take_box(void *ctx, const struct kh_rhit *h)
{
    struct in_box *b = ctx;

    b->last = (struct kh_cursor){.mode = 'c', .value = h->sort, .id = h->row.id};
    if (!h->match || !covered(b, h))
        return true;
    if (b->page->n == b->k->limit) {
        b->more = true;
        return false;
    }
    kh_page_add(b->k, b->page, &h->row);
    b->shown = b->last;
    return true;
}

bool kh_list_box(struct kh_ask *k, const struct kh_box *box, const struct kh_shape *within,
                 struct kh_page *page, struct kh_error *err)
{
    double in[4] = {box->min_lon, box->min_lat, box->max_lon, box->max_lat};
    struct in_box b = {.k = k, .within = within, .page = page};
    struct kh_rwalk w = walk_of(k, in);
    bool lazy = kh_store_kind(kh_tx_store(k->tx)) == KH_STORE_SQLITE;
    int64_t chunk = lazy ? KH_WALK_MAX : (int64_t)k->limit * 2 + 64, total = 0;

    if (k->has_after && (k->after.mode != 'c' || k->after.value.kind != KH_RV_INT))
        return kh_fail(err, KH_EC_CURSOR_INVALID, "after is not a cursor of this list");
    w.has_after = k->has_after;
    w.after = k->after.value;
    w.after_id = k->after.id;
    while (total < KH_WALK_MAX && !b.more) {
        int64_t seen = 0;

        w.limit = chunk < KH_WALK_MAX - total ? chunk : KH_WALK_MAX - total;
        w.text = kh_cell_ranges(k->a, box, k->t->extent, w.has_after ? w.after.i : 0);
        if (!kh_rwalk_run(k->tx, k->t->table, k->a, &w, take_box, &b, &seen, err))
            return false;
        total += seen;
        if (seen < w.limit && !b.more)
            return true;
        w.has_after = true;
        w.after = b.last.value;
        w.after_id = b.last.id;
        chunk *= 4;
    }
    page->next = kh_cursor_text(k, b.more ? &b.shown : &b.last);
    return true;
}

/* ---- near ---- */

struct found {
    double m;
    struct kh_rrow row;
};

struct in_circle {
    struct kh_ask *k;
    double radius_m;
    struct found *items;
    size_t n, cap;
    struct kh_rval last;
    int64_t last_id;
};

static int nearer(double xm, int64_t xid, double ym, int64_t yid)
{
    return xm < ym ? -1 : xm > ym ? 1 : xid < yid ? -1 : xid > yid;
}

static int by_distance(const void *x, const void *y)
{
    const struct found *p = x, *q = y;

    return nearer(p->m, p->row.id, q->m, q->row.id);
}

static bool take_near(void *ctx, const struct kh_rhit *h)
{
    struct in_circle *c = ctx;
    struct kh_ask *k = c->k;
    double m;

    c->last = h->sort;
    c->last_id = h->row.id;
    if (!h->match)
        return true;
    m = kh_distance_m(k->q->near_lon, k->q->near_lat, h->row.lon, h->row.lat);
    if (m > c->radius_m ||
        (k->has_after && nearer(m, h->row.id, k->after.value.r, k->after.id) <= 0))
        return true;
    if (c->n == c->cap)
        c->items = kh_grow(k->a, c->items, c->n, c->n + 1, &c->cap, sizeof(*c->items));
    c->items[c->n++] = (struct found){m, h->row};
    return true;
}

static bool gather(struct kh_ask *k, double radius_m, struct in_circle *ret, struct kh_error *err)
{
    struct kh_box box = kh_box_around(k->q->near_lon, k->q->near_lat, radius_m);
    double in[4] = {box.min_lon, box.min_lat, box.max_lon, box.max_lat};
    struct kh_rwalk w = walk_of(k, in);
    int64_t seen = 0;

    *ret = (struct in_circle){.k = k, .radius_m = radius_m};
    w.limit = NEAR_MAX;
    w.text = kh_cell_ranges(k->a, &box, k->t->extent, 0);
    if (!kh_rwalk_run(k->tx, k->t->table, k->a, &w, take_near, ret, &seen, err))
        return false;
    if (seen == NEAR_MAX)
        return kh_fail(err, KH_EC_FILTER_INVALID,
                       "more than %d records near this point: ask for fewer metres or more filters",
                       NEAR_MAX);
    return true;
}

/* The circle grows until it holds a page: so a page costs what lies around the point, not what lies
 * in the whole radius that was asked for. */
bool kh_list_near(struct kh_ask *k, struct kh_page *page, struct kh_error *err)
{
    struct in_circle c = {0};
    double r = k->q->near_m < 250 ? k->q->near_m : 250;

    if (k->has_after && (k->after.mode != 'n' || k->after.value.kind != KH_RV_REAL))
        return kh_fail(err, KH_EC_CURSOR_INVALID, "after is not a cursor of this list");
    if (k->has_after && r < k->after.value.r)
        r = k->after.value.r * 1.2 < k->q->near_m ? k->after.value.r * 1.2 : k->q->near_m;
    for (;;) {
        if (!gather(k, r, &c, err))
            return false;
        if (c.n > k->limit || r >= k->q->near_m)
            break;
        r = r * 2 < k->q->near_m ? r * 2 : k->q->near_m;
    }
    if (c.n)
        qsort(c.items, c.n, sizeof(c.items[0]), by_distance);
    for (size_t i = 0; i < c.n && i < k->limit; i++)
        kh_page_add(k, page, &c.items[i].row);
    if (c.n > k->limit) {
        const struct found *f = &c.items[k->limit - 1];

        page->next = kh_cursor_text(
            k, &(struct kh_cursor){
                   .mode = 'n', .value = {.kind = KH_RV_REAL, .r = f->m}, .id = f->row.id});
    }
    return true;
}
