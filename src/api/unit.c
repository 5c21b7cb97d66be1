/* SPDX-License-Identifier: Apache-2.0 */
/* Administrative units: by point, by name in any spelling, by code, and their boundaries. */
#include "api/city.h"
#include "api/routes.h"

#include "base/text.h"
#include "base/time.h"
#include "engine/geo/units.h"

/* ---- parameters ---- */

/* date=, or today; ret_given says which. */
static bool date_arg(const struct kh_call *c, int64_t *ret_day, bool *ret_given,
                     struct kh_error *err)
{
    struct kh_str s = kh_call_arg(c, "date", KH_S(""));

    *ret_given = s.n > 0;
    *ret_day = kh_day_of(kh_now_us());
    if (s.n && !kh_date_parse(s, ret_day))
        return kh_fail(err, KH_EC_PARAMETER_INVALID, "date is a day such as 2025-07-01");
    return true;
}

static bool degrees_arg(const struct kh_call *c, const char *name, double *ret,
                        struct kh_error *err)
{
    if (kh_str_double(kh_call_arg(c, name, KH_S("")), ret))
        return true;
    return kh_fail(err, KH_EC_PARAMETER_INVALID, "%s is a number of degrees, such as 105.85", name);
}

/* ---- units as JSON ---- */

static void put_some(struct kh_jw *w, const char *key, struct kh_str s)
{
    if (s.n)
        kh_jw_kstr(w, key, s);
}

static void put_next(struct kh_jw *w, const struct kh_unit *u)
{
    if (u->next_n == 0)
        return;
    kh_jw_key(w, "successors");
    kh_jw_arr(w);
    for (size_t i = 0; i < u->next_n; i++) {
        kh_jw_obj(w);
        kh_jw_kstr(w, "code", u->next[i].unit->code);
        kh_jw_kstr(w, "name", u->next[i].unit->full_name);
        kh_jw_kz(w, "part", u->next[i].whole ? "whole" : "part");
        kh_jw_kbool(w, "needs_decision", u->next[i].needs_decision);
        kh_jw_end(w);
    }
    kh_jw_end(w);
}

/* Members only, so that a search may add its own. */
static void unit_put(struct kh_jw *w, struct kh_arena *a, const struct kh_unit *u)
{
    kh_jw_kstr(w, "code", u->code);
    kh_jw_kstr(w, "name", u->full_name);
    put_some(w, "name_en", u->full_name_en);
    kh_jw_kstr(w, "kind", u->kind);
    kh_jw_kstr(w, "level", u->level);
    put_some(w, "parent", u->parent);
    put_some(w, "agency", u->agency);
    put_some(w, "agency_name", u->agency_name);
    if (u->from_day != INT64_MIN)
        kh_jw_kstr(w, "valid_from", kh_date_text(a, u->from_day));
    if (u->to_day != KH_FOREVER)
        kh_jw_kstr(w, "valid_to", kh_date_text(a, u->to_day));
    put_some(w, "decision", u->decision);
    put_some(w, "seat", u->seat);
    if (u->population)
        kh_jw_kint(w, "population", u->population);
    if (u->area_km2 > 0) {
        kh_jw_key(w, "area_km2");
        kh_jw_double(w, u->area_km2);
    }
    if (u->has_centre) {
        kh_jw_key(w, "centre");
        kh_jw_obj(w);
        kh_jw_key(w, "lon");
        kh_jw_double(w, u->lon);
        kh_jw_key(w, "lat");
        kh_jw_double(w, u->lat);
        kh_jw_end(w);
    }
    put_next(w, u);
}

static enum kh_next unit_reply(struct kh_call *c, const struct kh_unit *u)
{
    struct kh_buf b = kh_buf(c->a, 1 << 20);
    struct kh_jw w = kh_jw(&b);

    kh_jw_obj(&w);
    unit_put(&w, c->a, u);
    kh_jw_end(&w);
    kh_reply_header(c, "Cache-Control", KH_S("public, max-age=300"));
    return kh_reply_json(c, 200, kh_buf_get(&b));
}

/* ---- handlers ---- */

/* Outside of every boundary of that day, or is there none of that day at all? */
static void say_why(struct kh_call *c, int64_t day, struct kh_error *err)
{
    int64_t from;
    bool known;

    if (!kh_units_known(c->city->units, day, &known, &from, err))
        return;
    if (known)
        (void)kh_fail(err, KH_EC_UNIT_NOT_FOUND, "no boundary of that day holds the point");
    else if (from == KH_FOREVER)
        (void)kh_fail(err, KH_EC_UNIT_BOUNDARIES_MISSING,
                      "no boundaries are stored; import them: khue import --type admin_boundary");
    else
        (void)kh_fail(
            err, KH_EC_UNIT_BOUNDARIES_MISSING,
            "boundaries of %.*s are not stored, the first are of %.*s; import them with the "
            "code, valid_from and valid_to of their units: khue import --type "
            "admin_boundary",
            KH_FMT(kh_date_text(c->a, day)), KH_FMT(kh_date_text(c->a, from)));
}

static enum kh_next api_unit_at(struct kh_call *c)
{
    const struct kh_unit *u = NULL;
    struct kh_error err = {0};
    double lon = 0, lat = 0;
    int64_t day;
    bool given;

    if (!degrees_arg(c, "lon", &lon, &err) || !degrees_arg(c, "lat", &lat, &err) ||
        !date_arg(c, &day, &given, &err))
        return kh_reply_error(c, &err);
    switch (kh_units_at(c->city->units, lon, lat, day, &u, &err)) {
    case KH_HIT:
        return unit_reply(c, u);
    case KH_MISS:
        say_why(c, day, &err);
        break;
    case KH_FAIL:
        break;
    }
    return kh_reply_error(c, &err);
}

static enum kh_next api_unit_read(struct kh_call *c)
{
    const struct kh_unit *u = NULL;
    struct kh_error err = {0};
    enum kh_hit hit;
    int64_t day;
    bool given;

    if (!date_arg(c, &day, &given, &err))
        return kh_reply_error(c, &err);
    hit = kh_units_find(c->city->units, c->params[0], day, &u, &err);
    /* Who asks for no day may mean a unit that is no more: the reply says until when it was. */
    if (hit == KH_MISS && !given)
        hit = kh_units_last(c->city->units, c->params[0], &u, &err);
    if (hit == KH_HIT)
        return unit_reply(c, u);
    if (hit == KH_MISS)
        (void)kh_fail(&err, KH_EC_UNIT_NOT_FOUND, "no unit has this code on that day");
    return kh_reply_error(c, &err);
}

static enum kh_next api_unit_list(struct kh_call *c)
{
    struct kh_str q = kh_call_arg(c, "q", KH_S(""));
    struct kh_unit_match *found = NULL;
    struct kh_error err = {0};
    struct kh_buf b = kh_buf(c->a, 8 << 20);
    struct kh_jw w = kh_jw(&b);
    unsigned limit = 0;
    int64_t day;
    size_t n = 0;
    bool given;

    if (!kh_call_limit(c, 20, 200, &limit, &err) || !date_arg(c, &day, &given, &err))
        return kh_reply_error(c, &err);
    if (kh_str_trim(q).n == 0 || q.n > 200) {
        (void)kh_fail(&err, KH_EC_PARAMETER_INVALID, "q is a name or a code, 1 to 200 bytes");
        return kh_reply_error(c, &err);
    }
    if (!kh_units_search(c->city->units, c->a, q, given ? day : -1, limit, &found, &n, &err))
        return kh_reply_error(c, &err);
    kh_jw_obj(&w);
    kh_jw_key(&w, "items");
    kh_jw_arr(&w);
    for (size_t i = 0; i < n; i++) {
        kh_jw_obj(&w);
        unit_put(&w, c->a, found[i].unit);
        kh_jw_kz(&w, "matched", found[i].matched);
        kh_jw_end(&w);
    }
    kh_jw_end(&w);
    kh_jw_end(&w);
    return kh_reply_json(c, 200, kh_buf_get(&b));
}

/* "gzip" among the codings that are taken, not switched off by q=0. */
static bool takes_gzip(struct kh_str accept)
{
    while (accept.n) {
        struct kh_str params, one = kh_str_cut(accept, ',', &accept);
        struct kh_str name = kh_str_trim(kh_str_cut(one, ';', &params));

        if (kh_str_is(name, "gzip"))
            return !kh_str_starts(kh_str_trim(params), KH_S("q=0")) ||
                   kh_str_starts(kh_str_trim(params), KH_S("q=0."));
    }
    return false;
}

static enum kh_next api_unit_boundaries(struct kh_call *c)
{
    const struct kh_units_text *t;
    struct kh_error err = {0};
    int64_t day;
    bool given;

    if (!date_arg(c, &day, &given, &err) || !kh_units_boundaries(c->city->units, day, &t, &err))
        return kh_reply_error(c, &err);
    kh_reply_header(c, "Cache-Control", KH_S("public, max-age=3600"));
    kh_reply_header(c, "Vary", KH_S("Accept-Encoding"));
    if (kh_reply_etag(c, kh_strf(c->a, "W/%.*s", KH_FMT(t->etag))))
        return KH_REPLIED;
    c->reply.plain = true; /* compressed once, when the boundaries were read */
    if (!takes_gzip(c->head.accept_encoding))
        return kh_reply_text(c, 200, "application/geo+json", t->json);
    kh_reply_header(c, "Content-Encoding", KH_S("gzip"));
    return kh_reply_text(c, 200, "application/geo+json", t->gzip);
}

const struct kh_route kh_routes_unit[] = {
    {KH_GET, "/api/v1/units/at", "unit_at", api_unit_at, KH_R_PUBLIC | KH_R_CORS, 0, "lon,lat,date",
     NULL, "Phường, xã chứa một điểm", "The ward or commune that covers a point", NULL, "Unit"},
    {KH_GET, "/api/v1/units/boundaries", "unit_boundaries", api_unit_boundaries,
     KH_R_PUBLIC | KH_R_CORS, 0, "date", NULL, "Ranh giới các phường, xã (GeoJSON)",
     "Boundaries of wards and communes (GeoJSON)", NULL, NULL},
    {KH_GET, "/api/v1/units", "unit_list", api_unit_list, KH_R_PUBLIC | KH_R_CORS, 0,
     "q,date,limit", NULL, "Tìm đơn vị hành chính theo tên, kể cả tên cũ",
     "Find administrative units by name, old names too", NULL, "UnitList"},
    {KH_GET, "/api/v1/units/{code}", "unit_read", api_unit_read, KH_R_PUBLIC | KH_R_CORS, 0, "date",
     NULL, "Một đơn vị hành chính", "One administrative unit", NULL, "Unit"},
    {0},
};
