/* SPDX-License-Identifier: Apache-2.0 */
/* Lists as of another instant: the records by id, each as it was. Rights are those of today's row;
 * filters are asked of what held then. */
#include "engine/registry/list_int.h"

#include "base/time.h"

enum {
    PAST_MAX = 2000, /* rows that one page may look at */
    CHUNK = 64       /* rows that the first walk may look at beyond what a page holds */
};

struct past {
    struct kh_ask *k;
    int64_t *ids;
    size_t n;
};

static bool take(void *ctx, const struct kh_rhit *h)
{
    struct past *p = ctx;

    /* A row that does not match is remembered as passed by. */
    p->ids[p->n++] = h->match ? h->row.id : -h->row.id;
    return true;
}

static bool in_list(const struct kh_field *f, struct kh_arena *a, struct kh_str json,
                    const struct kh_rval *v)
{
    struct kh_json *list;
    struct kh_error err = {0};

    if (!kh_json_parse(a, json, NULL, &list, &err))
        return false;
    for (size_t i = 0; i < list->n; i++) {
        const struct kh_json *j = &list->items[i];
        int64_t n = 0;
        double r = 0;

        if (f->kind == KH_FK_TEXT ? kh_str_eq(j->s, v->s)
            : f->kind == KH_FK_REAL ? kh_json_as_double(j, &r) && r == v->r
                                    : kh_json_as_int(j, &n) && n == v->i)
            return true;
    }
    return false;
}

bool kh_pred_fits(struct kh_ask *k, const struct kh_rpred *p, const struct kh_rval *v)
{
    int cmp;

    if (v->kind == KH_RV_NULL)
        return false;
    if (p->op == KH_RO_IN)
        return in_list(&k->t->fields[k->t->col_fields[p->col]], k->a, p->value.s, v);
    cmp = kh_rval_cmp(v, &p->value);
    switch (p->op) {
    case KH_RO_EQ:
        return cmp == 0;
    case KH_RO_LT:
        return cmp < 0;
    case KH_RO_LE:
        return cmp <= 0;
    case KH_RO_GT:
        return cmp > 0;
    case KH_RO_GE:
        return cmp >= 0;
    case KH_RO_IN:
    case KH_RO_UNITS:
    case KH_RO_NULL:
    case KH_RO_NONE:
        break;
    }
    return false;
}

static bool fits(struct kh_ask *k, const struct kh_json *fields)
{
    const struct kh_box *b = k->q->bbox;
    struct kh_rrow row = {0};

    if (k->preds_n == 0 && !b)
        return true;
    kh_columns_refill(k->t, k->a, fields, &row);
    for (size_t i = 0; i < k->preds_n; i++)
        if (!kh_pred_fits(k, &k->preds[i], &row.cols[k->preds[i].col]))
            return false;
    return !b || (row.has_place && row.box[2] >= b->min_lon && row.box[3] >= b->min_lat &&
                  row.box[0] <= b->max_lon && row.box[1] <= b->max_lat);
}

static bool add(struct kh_ask *k, int64_t id, struct kh_page *page, struct kh_error *err)
{
    struct kh_record r;
    const struct kh_json *fields;

    switch (kh_record_get(k->tx, k->reg, k->a, k->t, id, k->q->valid_us, k->q->at_us, &r, err)) {
    case KH_MISS:
        return true;
    case KH_FAIL:
        return false;
    case KH_HIT:
        break;
    }
    if (!kh_record_fields(k->a, &r, &fields, err))
        return false;
    if (fits(k, fields)) {
        if (!page->items)
            page->items = kh_new_n(k->a, k->limit, struct kh_record);
        page->items[page->n++] = r;
    }
    return true;
}

bool kh_list_past(struct kh_ask *k, struct kh_page *page, struct kh_error *err)
{
    struct past p = {.k = k, .ids = kh_new_n(k->a, PAST_MAX, int64_t)};
    struct kh_rwalk w = {.by = KH_RBY_ID,
                         .desc = true,
                         .sort = -1,
                         .all = true,
                         .access = k->conjs,
                         .access_n = k->all ? 0 : k->conjs_n,
                         .has_after = k->has_after,
                         .after_id = k->after.id};
    int64_t chunk = (int64_t)k->limit + CHUNK, seen = 0;
    struct kh_cursor c = {.mode = 'p'};

    if (k->has_after && k->after.mode != 'p')
        return kh_fail(err, KH_EC_CURSOR_INVALID, "after is not a cursor of this list");
    /* Most often the first chunk fills the page; where few rows fit, each is larger. */
    for (int64_t total = 0; total < PAST_MAX; total += seen, chunk *= 4) {
        p.n = 0;
        w.limit = chunk < PAST_MAX - total ? chunk : PAST_MAX - total;
        if (!kh_rwalk_run(k->tx, k->t->table, k->a, &w, take, &p, &seen, err))
            return false;
        for (size_t i = 0; i < p.n; i++) {
            if (page->n == k->limit) {
                page->next = kh_cursor_text(k, &c);
                return true;
            }
            c.id = p.ids[i] < 0 ? -p.ids[i] : p.ids[i];
            if (p.ids[i] > 0 && !add(k, p.ids[i], page, err))
                return false;
        }
        if (seen < w.limit)
            return true;
        w.has_after = true;
        w.after_id = c.id;
    }
    page->next = kh_cursor_text(k, &c);
    return true;
}
