/* SPDX-License-Identifier: Apache-2.0 */
/* What the portal needs to start, one search box for everything, and reports nearby. */
#include "api/city.h"
#include "api/routes.h"

#include "base/config.h"
#include "base/id.h"
#include "base/time.h"
#include "engine/geo/units.h"
#include "engine/pack/pack.h"
#include "engine/registry/registry.h"

enum { OF_A_TYPE = 5, UNITS = 5, NEARBY = 10, NEARBY_M = 150, NEARBY_MAX_M = 5000 };

/* ---- start ---- */

/* "1,2,3" as a JSON array; config has checked its length, not its numbers. */
static void put_numbers(struct kh_jw *w, struct kh_str list)
{
    kh_jw_arr(w);
    while (list.n) {
        struct kh_str word = kh_str_trim(kh_str_cut(list, ',', &list));
        double v;

        if (kh_str_double(word, &v))
            kh_jw_double(w, v);
    }
    kh_jw_end(w);
}

static bool portal_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct kh_call *c = ctx;
    const struct kh_config *config = c->city->config;
    struct kh_buf b = kh_buf(c->a, 1 << 20);
    struct kh_jw w = kh_jw(&b);
    struct kh_pack_info *packs;
    size_t n;

    if (!kh_pack_list(tx, c->a, &packs, &n, err))
        return false;
    kh_jw_obj(&w);
    kh_jw_key(&w, "city");
    kh_jw_obj(&w);
    kh_jw_kstr(&w, "vi", config->city_name);
    kh_jw_kstr(&w, "en", config->city_name_en);
    kh_jw_end(&w);
    kh_jw_key(&w, "centre");
    put_numbers(&w, config->city_centre);
    kh_jw_key(&w, "bounds");
    put_numbers(&w, config->city_bounds);
    kh_jw_key(&w, "languages");
    kh_jw_raw(&w, KH_S("[\"vi\",\"en\"]"));
    kh_jw_kz(&w, "version", KH_VERSION);
    kh_jw_key(&w, "attributions");
    kh_jw_arr(&w);
    for (size_t i = 0; i < n; i++) {
        struct kh_json *m;
        const struct kh_json *list;

        if (!kh_json_parse(c->a, packs[i].manifest, NULL, &m, err))
            return false;
        list = kh_json_get(m, "attribution");
        for (uint32_t k = 0; kh_json_is(list, KH_JSON_ARRAY) && k < list->n; k++) {
            const struct kh_json *one = &list->items[k];

            kh_jw_obj(&w);
            kh_jw_key(&w, "text");
            kh_jw_obj(&w);
            kh_jw_kstr(&w, "vi", kh_json_str(one, "vi", KH_S("")));
            kh_jw_kstr(&w, "en", kh_json_str(one, "en", KH_S("")));
            kh_jw_end(&w);
            kh_jw_kstr(&w, "url", kh_json_str(one, "url", KH_S("")));
            kh_jw_kstr(&w, "licence", kh_json_str(one, "licence", KH_S("")));
            kh_jw_end(&w);
        }
    }
    kh_jw_end(&w);
    kh_jw_end(&w);
    kh_reply_json(c, 200, kh_buf_get(&b));
    return true;
}

static enum kh_next run_read(struct kh_call *c, const char *name, kh_tx_fn fn, void *ctx)
{
    struct kh_error err = {0};

    if (!kh_store_run(c->city->store, name, KH_TX_READ, fn, ctx, &err))
        return kh_reply_error(c, &err);
    return KH_REPLIED;
}

static enum kh_next api_portal_read(struct kh_call *c)
{
    return run_read(c, "portal_read", portal_in_tx, c);
}

/* ---- search ---- */

struct search {
    struct kh_call *c;
    struct kh_str q;
    struct kh_buf out;
    struct kh_jw w;
};

/* Where a record is shown in the portal. */
static struct kh_str link_of(struct kh_arena *a, struct kh_str type, int64_t id)
{
    return kh_strf(a, kh_str_is(type, "report") ? "/cases/%.*s%.*s" : "/records/%.*s/%.*s",
                   KH_FMT(kh_str_is(type, "report") ? KH_S("") : type), KH_FMT(kh_id_text(a, id)));
}

static void put_hit(struct search *s, struct kh_str type, struct kh_str id, struct kh_str title,
                    struct kh_str text, struct kh_str link)
{
    kh_jw_obj(&s->w);
    kh_jw_kstr(&s->w, "type", type);
    kh_jw_kstr(&s->w, "id", id);
    kh_jw_kstr(&s->w, "title", title);
    kh_jw_kstr(&s->w, "text", text);
    kh_jw_kstr(&s->w, "link", link);
    kh_jw_end(&s->w);
}

static bool put_units(struct search *s, struct kh_error *err)
{
    struct kh_unit_match *m;
    size_t n;

    if (!kh_units_search(s->c->city->units, s->c->a, s->q, -1, UNITS, &m, &n, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct kh_unit *u = m[i].unit;
        struct kh_buf text = kh_buf(s->c->a, 2048);

        /* An old name leads to what became of it. */
        for (size_t k = 0; k < u->next_n; k++)
            kh_buf_strf(&text, "%s%.*s", k ? ", " : "→ ", KH_FMT(u->next[k].unit->full_name));
        put_hit(s, KH_S("admin_unit"), u->code, u->full_name,
                text.n ? kh_buf_get(&text) : u->agency_name,
                kh_strf(s->c->a, "/units/%.*s", KH_FMT(u->code)));
    }
    return true;
}

static bool put_found(struct search *s, struct kh_tx *tx, const struct kh_type *t,
                      const struct kh_list *q, struct kh_error *err)
{
    struct kh_error why = {0};
    struct kh_page page;

    if (!kh_record_list(tx, s->c->city->registry, s->c->a, t, q, &page, &why)) {
        /* A type that has no text, or that this reader may not list, has no answers. */
        if (why.code == KH_EC_FILTER_INVALID || why.code == KH_EC_FORBIDDEN ||
            why.code == KH_EC_AUTH_REQUIRED)
            return true;
        *err = why;
        return false;
    }
    for (size_t i = 0; i < page.n; i++) {
        const struct kh_json *f;

        if (!kh_record_fields(s->c->a, &page.items[i], &f, err))
            return false;
        put_hit(s, kh_type_name(t), kh_id_text(s->c->a, page.items[i].id),
                kh_record_title(s->c->a, &page.items[i]),
                kh_json_str(f, "address", kh_json_str(f, "about_vi", KH_S(""))),
                link_of(s->c->a, kh_type_name(t), page.items[i].id));
    }
    return true;
}

static bool put_type(struct search *s, struct kh_tx *tx, const struct kh_type *t,
                     struct kh_error *err)
{
    struct kh_list q = {.q = s->q, .limit = OF_A_TYPE, .who = s->c->who};

    return put_found(s, tx, t, &q, err);
}

/* A number as it stands on the receipt; people also write it in small letters. */
static bool put_number(struct search *s, struct kh_tx *tx, const struct kh_type *report,
                       struct kh_error *err)
{
    char *upper = kh_alloc(s->c->a, s->q.n);
    struct kh_filter number = {KH_S("number"), KH_F_EQ, kh_str(upper, s->q.n)};
    struct kh_list q = {.filters = &number, .filters_n = 1, .limit = 1, .who = s->c->who};

    for (size_t i = 0; i < s->q.n; i++)
        upper[i] = (char)(s->q.p[i] >= 'a' && s->q.p[i] <= 'z' ? s->q.p[i] - 32 : s->q.p[i]);
    return put_found(s, tx, report, &q, err);
}

static bool search_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    static const char *const types[] = {"feedback_category", "report", "place", "bus_line",
                                        "bus_stop", "agency"};
    struct search *s = ctx;
    const struct kh_type *report = kh_type_find(s->c->city->registry, KH_S("report"));

    s->out = kh_buf(s->c->a, 1 << 20);
    s->w = kh_jw(&s->out);
    kh_jw_obj(&s->w);
    kh_jw_key(&s->w, "items");
    kh_jw_arr(&s->w);
    if ((report && !put_number(s, tx, report, err)) || !put_units(s, err))
        return false;
    for (size_t i = 0; i < KH_LEN(types); i++) {
        const struct kh_type *t = kh_type_find(s->c->city->registry, kh_cstr(types[i]));

        if (t && !put_type(s, tx, t, err))
            return false;
    }
    kh_jw_end(&s->w);
    kh_jw_end(&s->w);
    kh_reply_json(s->c, 200, kh_buf_get(&s->out));
    return true;
}

static enum kh_next api_search(struct kh_call *c)
{
    struct search *s = kh_new(c->a, struct search);
    struct kh_error err = {0};

    s->c = c;
    s->q = kh_str_trim(kh_call_arg(c, "q", KH_S("")));
    if (s->q.n == 0 || s->q.n > 200) {
        (void)kh_fail(&err, KH_EC_PARAMETER_INVALID, "q has 1 to 200 bytes");
        return kh_reply_error(c, &err);
    }
    return run_read(c, "search", search_in_tx, s);
}

/* ---- nearby ---- */

struct nearby {
    struct kh_call *c;
    double lon, lat, m;
    struct kh_str category;
};

static bool nearby_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct nearby *nb = ctx;
    struct kh_call *c = nb->c;
    const struct kh_type *t = kh_type_find(c->city->registry, KH_S("report"));
    const struct kh_filter filters[] = {
        {KH_S("status"), KH_F_IN, KH_S("new,in_progress,forwarded,reopened")},
        {KH_S("category"), KH_F_EQ, nb->category},
    };
    struct kh_list q = {
        .filters = filters,
        .filters_n = nb->category.n ? 2 : 1,
        .has_near = true,
        .near_lon = nb->lon,
        .near_lat = nb->lat,
        .near_m = nb->m,
        .limit = NEARBY,
        .who = c->who,
    };
    struct kh_buf b = kh_buf(c->a, 1 << 20);
    struct kh_page page;

    if (!t)
        return kh_fail(err, KH_EC_TYPE_UNKNOWN, "no loaded pack has reports");
    if (!kh_record_list(tx, c->city->registry, c->a, t, &q, &page, err))
        return false;
    kh_buf_z(&b, "{\"items\":[");
    for (size_t i = 0; i < page.n; i++) {
        if (i)
            kh_buf_c(&b, ',');
        kh_record_render(c->a, c->city->registry, &page.items[i], c->who, &b);
    }
    kh_buf_z(&b, "]}");
    kh_reply_json(c, 200, kh_buf_get(&b));
    return true;
}

static enum kh_next api_report_nearby(struct kh_call *c)
{
    struct nearby *nb = kh_new(c->a, struct nearby);
    struct kh_error err = {0};
    struct kh_str m = kh_call_arg(c, "metres", KH_S(""));

    nb->c = c;
    nb->m = NEARBY_M;
    nb->category = kh_call_arg(c, "category", KH_S(""));
    if (!kh_str_double(kh_call_arg(c, "lon", KH_S("")), &nb->lon) ||
        !kh_str_double(kh_call_arg(c, "lat", KH_S("")), &nb->lat) ||
        !kh_point_ok(nb->lon, nb->lat)) {
        (void)kh_fail(&err, KH_EC_PARAMETER_INVALID, "lon and lat are degrees");
        return kh_reply_error(c, &err);
    }
    if (m.n && !(kh_str_double(m, &nb->m) && nb->m > 0 && nb->m <= NEARBY_MAX_M)) {
        (void)kh_fail(&err, KH_EC_PARAMETER_INVALID, "metres is at most %d", NEARBY_MAX_M);
        return kh_reply_error(c, &err);
    }
    return run_read(c, "report_nearby", nearby_in_tx, nb);
}

const struct kh_route kh_routes_portal[] = {
    {KH_GET, "/api/v1/portal", "portal_read", api_portal_read, KH_R_PUBLIC, 0, "", NULL,
     "Những gì cổng cần để bắt đầu", "What the portal needs to start", NULL, "Portal"},
    {KH_GET, "/api/v1/search", "search", api_search, KH_R_PUBLIC, 0, "q", NULL,
     "Tìm mọi thứ trong một ô", "One search box for everything", NULL, "SearchList"},
    {KH_GET, "/api/v1/reports/nearby", "report_nearby", api_report_nearby, KH_R_PUBLIC, 0,
     "lon,lat,category,metres", NULL, "Phản ánh chưa xong ở gần đây", "Open reports nearby", NULL,
     "NearbyList"},
    {0},
};
