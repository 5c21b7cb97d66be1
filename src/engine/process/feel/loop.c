/* SPDX-License-Identifier: Apache-2.0 */
/* Filters, for, some, every. */
#include "engine/process/feel/eval.h"
#include "engine/process/feel/when.h"

struct items {
    struct kh_feel_value *v;
    size_t n, cap;
};

static void add(struct feel_run *r, struct items *out, struct kh_feel_value v)
{
    out->v = kh_grow(r->a, out->v, out->n, out->n + 1, &out->cap, sizeof(v));
    out->v[out->n++] = v;
}

/* ---- filters ---- */

/* list[k]: from 1, or from the end with negative k. */
static void pick(struct feel_run *r, const struct feel_node *n, struct kh_feel_value list,
                 struct kh_dec at, struct kh_feel_value *ret)
{
    int64_t i;

    *ret = feel_null();
    if (kh_dec_to_int(at, &i)) {
        if (i > 0 && i <= (int64_t)list.n) {
            *ret = feel_at(list, (size_t)i - 1);
            return;
        }
        if (i < 0 && -i <= (int64_t)list.n) {
            *ret = feel_at(list, (size_t)((int64_t)list.n + i));
            return;
        }
    }
    feel_note(r, n->at, "index", "The list has no such element", "Danh sách không có phần tử này",
              (struct kh_str){0});
}

bool feel_ev_filter(struct feel_run *r, const struct feel_node *n, struct kh_feel_value *ret)
{
    struct kh_feel_value list, match, *one;
    struct items out = {0};

    if (!feel_ev(r, n->a, &list))
        return false;
    if (list.kind != KH_FEEL_LIST && list.kind != KH_FEEL_NULL) {
        one = kh_new(r->a, struct kh_feel_value);
        *one = list;
        list = feel_list(one, 1);
    }
    if (list.kind == KH_FEEL_NULL || list.n == 0) {
        /* Whether it is an index or a condition shows only its value. */
        r->slots[n->slot] = feel_null();
        if (!feel_ev(r, n->b, &match))
            return false;
        *ret = list.kind == KH_FEEL_NULL || match.kind == KH_FEEL_NUMBER ? feel_null()
                                                                         : feel_list(NULL, 0);
        return true;
    }
    for (size_t i = 0; i < list.n; i++) {
        struct kh_feel_value item = feel_at(list, i);

        r->slots[n->slot] = item;
        if (!feel_ev(r, n->b, &match) || !feel_pay(r, 1))
            return false;
        if (i == 0 && match.kind == KH_FEEL_NUMBER) {
            pick(r, n, list, match.num, ret);
            return true;
        }
        if (feel_true(match))
            add(r, &out, item);
    }
    *ret = feel_list(out.v, out.n);
    return true;
}

/* ---- what a loop runs over ---- */

struct domain {
    struct kh_feel_value list; /* or, if its kind is null, numbers or days: */
    int64_t next, last, step;
    bool days, ok;
};

static bool whole_or_day(struct kh_feel_value v, int64_t *ret)
{
    if (v.kind == KH_FEEL_DATE) {
        *ret = v.days;
        return true;
    }
    return v.kind == KH_FEEL_NUMBER && kh_dec_to_int(v.num, ret) && *ret > INT64_MIN / 2 &&
           *ret < INT64_MAX / 2;
}

static void span_domain(struct kh_feel_value from, struct kh_feel_value to, struct domain *d)
{
    d->ok = from.kind == to.kind && whole_or_day(from, &d->next) && whole_or_day(to, &d->last);
    d->days = from.kind == KH_FEEL_DATE;
    d->step = d->next <= d->last ? 1 : -1;
}

static void range_domain(const struct feel_range *g, struct domain *d)
{
    span_domain(g->lo, g->hi, d);
    d->step = 1;
    d->next += !g->lo_in;
    d->last -= !g->hi_in;
}

static bool make_domain(struct feel_run *r, const struct feel_iter *it, struct domain *d)
{
    struct kh_feel_value from, to;

    *d = (struct domain){0};
    if (!feel_ev(r, it->from, &from))
        return false;
    if (it->to) {
        if (!feel_ev(r, it->to, &to))
            return false;
        span_domain(from, to, d);
    } else if (from.kind == KH_FEEL_RANGE) {
        range_domain(from.range, d);
    } else if (from.kind == KH_FEEL_LIST) {
        d->list = from;
        d->ok = true;
    } else if (from.kind != KH_FEEL_NULL) {
        struct kh_feel_value *one = kh_new(r->a, struct kh_feel_value);

        *one = from;
        d->list = feel_list(one, 1);
        d->ok = true;
    }
    return true;
}

static bool domain_next(struct domain *d, struct kh_feel_value *ret)
{
    if (d->list.kind == KH_FEEL_LIST) {
        if (d->next >= (int64_t)d->list.n)
            return false;
        *ret = feel_at(d->list, (size_t)d->next++);
        return true;
    }
    if (d->step > 0 ? d->next > d->last : d->next < d->last)
        return false;
    *ret = d->days ? feel_date(d->next) : feel_int(d->next);
    d->next += d->step;
    return true;
}

/* ---- loops ---- */

struct loop {
    const struct feel_node *n;
    const struct feel_loop *l;
    struct items out;
    bool broken; /* a domain is none */
    bool stop;   /* the answer is known */
    bool unsure;
};

static bool visit(struct feel_run *r, struct loop *p)
{
    struct kh_feel_value v;

    if (p->n->op == FN_FOR)
        r->slots[p->l->partial] = feel_list(p->out.v, p->out.n);
    if (!feel_ev(r, p->l->body, &v) || !feel_pay(r, 1))
        return false;
    if (p->n->op == FN_FOR)
        add(r, &p->out, v);
    else if (v.kind != KH_FEEL_BOOLEAN)
        p->unsure = true;
    else
        p->stop = v.b == (p->n->op == FN_SOME);
    return true;
}

/* Iterator k and those after it; the parser has bounded their number. */
static bool run(struct feel_run *r, struct loop *p, size_t k)
{
    struct domain d;
    struct kh_feel_value v;

    if (k == p->l->iters_n)
        return visit(r, p);
    if (!make_domain(r, &p->l->iters[k], &d))
        return false;
    if (!d.ok) {
        p->broken = true;
        feel_note(r, p->n->at, "loop", "There is nothing to run over", "Không có gì để lặp qua",
                  (struct kh_str){0});
        return true;
    }
    while (!p->stop && !p->broken && domain_next(&d, &v)) {
        r->slots[p->l->iters[k].slot] = v;
        if (!run(r, p, k + 1) || !feel_pay(r, 1))
            return false;
    }
    return true;
}

bool feel_ev_loop(struct feel_run *r, const struct feel_node *n, struct kh_feel_value *ret)
{
    struct loop p = {.n = n, .l = n->loop};

    if (!run(r, &p, 0))
        return false;
    if (p.broken)
        *ret = feel_null();
    else if (n->op == FN_FOR)
        *ret = feel_list(p.out.v, p.out.n);
    else if (p.stop)
        *ret = feel_bool(n->op == FN_SOME);
    else
        *ret = p.unsure ? feel_null() : feel_bool(n->op == FN_EVERY);
    return true;
}
