/* SPDX-License-Identifier: Apache-2.0 */
#include "api/agency.h"
#include "api/city.h"
#include "api/routes.h"

#include "base/time.h"
#include "engine/insight/insight.h"
#include "engine/registry/registry.h"

enum { DAYS = 30 };

struct ask {
    struct kh_call *c;
    struct kh_tx *tx;
    struct kh_str key, unit, from, to;
    const struct kh_json *definition;
    struct kh_buf out;
    bool found;
};

/* Measures as they are, and the two that are ratios of others where those are kept. */
static void put_measures(struct kh_jw *w, const struct kh_figure *f, size_t n)
{
    double done = 0, on_time = -1, rated = 0, stars = -1;

    for (size_t i = 0; i < n; i++) {
        kh_jw_keys(w, f[i].measure);
        kh_jw_double(w, f[i].n);
        done = kh_str_is(f[i].measure, "done") ? f[i].n : done;
        on_time = kh_str_is(f[i].measure, "on_time") ? f[i].n : on_time;
        rated = kh_str_is(f[i].measure, "rated") ? f[i].n : rated;
        stars = kh_str_is(f[i].measure, "stars") ? f[i].n : stars;
    }
    if (done > 0) {
        kh_jw_key(w, "on_time_pct");
        kh_jw_double(w, (double)(int64_t)((on_time > 0 ? on_time : 0) * 1000 / done + 0.5) / 10);
    }
    if (rated > 0 && stars >= 0) {
        kh_jw_key(w, "stars_avg");
        kh_jw_double(w, (double)(int64_t)(stars * 100 / rated + 0.5) / 100);
    }
}

/* What a unit is called, from the register of agencies. */
static bool put_unit(struct ask *q, struct kh_jw *w, struct kh_str code, struct kh_error *err)
{
    struct kh_agency_names unit;

    if (!kh_agency_names(q->tx, q->c->city, q->c->a, code, &unit, err))
        return false;
    if (unit.name.n) {
        kh_jw_kstr(w, "unit_name", unit.short_name);
        kh_jw_kstr(w, "commune", unit.commune);
    }
    return true;
}

/* One object per cell: {name: cell, measures...}. Cells come in order, a row per measure. */
static bool put_cut(struct ask *q, struct kh_jw *w, const char *list_name, const char *cell_name,
                    struct kh_str cut, struct kh_str lo, struct kh_str hi, size_t skip,
                    struct kh_error *err)
{
    struct kh_figure *f;
    size_t n;

    if (kh_figures_read(q->tx, q->c->city->insight, q->c->a, q->key, cut, lo, hi, &f, &n, err) ==
        KH_FAIL)
        return false;
    kh_jw_key(w, list_name);
    kh_jw_arr(w);
    for (size_t i = 0; i < n;) {
        size_t end = i + 1;

        while (end < n && kh_str_eq(f[end].cell, f[i].cell))
            end++;
        kh_jw_obj(w);
        kh_jw_kstr(w, cell_name, kh_str_skip(f[i].cell, skip));
        if (strcmp(cell_name, "unit") == 0 && !put_unit(q, w, f[i].cell, err))
            return false;
        put_measures(w, f + i, end - i);
        kh_jw_end(w);
        i = end;
    }
    kh_jw_end(w);
    return true;
}

static bool put_totals(struct ask *q, struct kh_jw *w, struct kh_error *err)
{
    struct kh_str cut = q->unit.n ? KH_S("unit") : KH_S("");
    struct kh_str today = kh_date_text(q->c->a, kh_day_of(kh_now_us()));
    struct kh_figure *f;
    size_t n;

    if (kh_figures_read(q->tx, q->c->city->insight, q->c->a, q->key, cut, q->unit,
                        kh_strf(q->c->a, "%.*s!", KH_FMT(q->unit)), &f, &n, err) == KH_FAIL)
        return false;
    kh_jw_key(w, "totals");
    kh_jw_obj(w);
    put_measures(w, f, n);
    if (!q->unit.n) {
        if (kh_figures_read(q->tx, q->c->city->insight, q->c->a, q->key, KH_S("day"), today,
                            kh_strf(q->c->a, "%.*s!", KH_FMT(today)), &f, &n, err) == KH_FAIL)
            return false;
        for (size_t i = 0; i < n; i++) {
            kh_jw_keys(w, kh_strf(q->c->a, "%.*s_today", KH_FMT(f[i].measure)));
            kh_jw_double(w, f[i].n);
        }
    }
    kh_jw_end(w);
    return true;
}

/* How the cells of one unit, "H26|noise", are bounded: '}' follows '|'. */
static bool put_within_unit(struct ask *q, struct kh_jw *w, struct kh_str pair, struct kh_str cut,
                            struct kh_error *err)
{
    struct kh_arena *a = q->c->a;

    return put_cut(q, w, kh_strf(a, "by_%.*s", KH_FMT(cut)).p, kh_str_z(a, cut), pair,
                   kh_strf(a, "%.*s|", KH_FMT(q->unit)), kh_strf(a, "%.*s}", KH_FMT(q->unit)),
                   q->unit.n + 1, err);
}

/* Of a unit there are only the figures that are kept for units: what is cut otherwise is of the whole
 * city, and is left out. */
static bool put_list(struct ask *q, struct kh_jw *w, struct kh_str cut, struct kh_error *err)
{
    bool of_unit = q->unit.n && kh_str_is(cut, "unit");
    struct kh_str first, second;

    if (kh_indicator_pair(cut, &first, &second))
        return !q->unit.n || !kh_str_is(first, "unit") || put_within_unit(q, w, cut, second, err);
    if (q->unit.n && !of_unit)
        return true;
    return put_cut(q, w, kh_strf(q->c->a, "by_%.*s", KH_FMT(cut)).p, kh_str_z(q->c->a, cut), cut,
                   of_unit ? q->unit : KH_S(""),
                   of_unit ? kh_strf(q->c->a, "%.*s!", KH_FMT(q->unit)) : KH_S(""), 0, err);
}

static bool put_days(struct ask *q, struct kh_jw *w, struct kh_error *err)
{
    struct kh_arena *a = q->c->a;
    struct kh_str past = kh_strf(a, "%.*s!", KH_FMT(q->to));

    if (!q->unit.n)
        return put_cut(q, w, "by_day", "date", KH_S("day"), q->from, past, 0, err);
    return put_cut(q, w, "by_day", "date", KH_S("unit|day"),
                   kh_strf(a, "%.*s|%.*s", KH_FMT(q->unit), KH_FMT(q->from)),
                   kh_strf(a, "%.*s|%.*s", KH_FMT(q->unit), KH_FMT(past)), q->unit.n + 1, err);
}

static bool figure_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct ask *q = ctx;
    const struct kh_json *cuts = kh_json_get(q->definition, "cuts");
    struct kh_jw w;
    bool ok;

    q->tx = tx;
    q->out = kh_buf(q->c->a, 8 << 20);
    w = kh_jw(&q->out);
    kh_jw_obj(&w);
    kh_jw_kstr(&w, "key", q->key);
    kh_jw_kstr(&w, "as_of", kh_time_text(q->c->a, kh_now_us()));
    ok = put_totals(q, &w, err);
    for (uint32_t i = 0; ok && cuts && i < cuts->n; i++)
        ok = put_list(q, &w, cuts->items[i].s, err);
    ok = ok && put_days(q, &w, err);
    kh_jw_end(&w);
    return ok;
}

static bool date_arg(struct kh_call *c, const char *name, int64_t fallback, struct kh_str *ret,
                     struct kh_error *err)
{
    struct kh_str s = kh_call_arg(c, name, KH_S(""));
    int64_t days = fallback;

    if (s.n && !kh_date_parse(s, &days))
        return kh_fail(err, KH_EC_PARAMETER_INVALID, "%s is a date such as 2026-09-15", name);
    *ret = kh_date_text(c->a, days);
    return true;
}

static enum kh_next api_figure_read(struct kh_call *c)
{
    int64_t today = kh_day_of(kh_now_us());
    struct ask *q = kh_new(c->a, struct ask);
    struct kh_error err = {0};

    q->c = c;
    q->key = c->params[0];
    q->unit = kh_call_arg(c, "unit", KH_S(""));
    q->definition = kh_indicator_find(c->city->insight, c->a, q->key);
    if (!q->definition) {
        (void)kh_fail(&err, KH_EC_ROUTE_UNKNOWN, "no loaded pack has these figures");
        return kh_reply_error(c, &err);
    }
    if (!date_arg(c, "from", today - DAYS, &q->from, &err) ||
        !date_arg(c, "to", today, &q->to, &err) ||
        !kh_store_run(c->city->store, "figure_read", KH_TX_READ, figure_in_tx, q, &err))
        return kh_reply_error(c, &err);
    return kh_reply_json(c, 200, kh_buf_get(&q->out));
}

const struct kh_route kh_routes_figure[] = {
    {KH_GET, "/api/v1/figures/{key}", "figure_read", api_figure_read, KH_R_PUBLIC | KH_R_CORS, 0,
     "from,to,unit", NULL, "Số liệu của một hệ thống", "Figures of a system", NULL, "Figures"},
    {0},
};
