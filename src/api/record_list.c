/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of records as JSON, GeoJSON, CSV or NDJSON. */
#include "api/record_int.h"

#include "api/uri.h"
#include "base/id.h"
#include "engine/registry/seen.h"
#include "engine/registry/table.h"

enum { LIMIT = 50, LIMIT_MAX = 1000, PAGE_MAX = 64 << 20, FILTERS_MAX = 24 };

enum format { AS_JSON, AS_GEOJSON, AS_CSV, AS_NDJSON };

struct lister {
    struct kh_call *c;
    const struct kh_type *t;
    struct kh_list q;
    struct kh_box box;
    struct kh_page page;
    enum format format;
};

/* ---- the question ---- */

static bool is_one_of(struct kh_str name, const char *const *names)
{
    for (; *names; names++)
        if (kh_str_is(name, *names))
            return true;
    return false;
}

static struct kh_filter filter_of(struct kh_str name, struct kh_str value)
{
    static const struct {
        const char *suffix;
        enum kh_filter_op op;
    } ops[] = {{".in", KH_F_IN},  {".lt", KH_F_LT}, {".lte", KH_F_LE},
               {".gt", KH_F_GT}, {".gte", KH_F_GE}};

    for (size_t i = 0; i < KH_LEN(ops); i++) {
        size_t n = strlen(ops[i].suffix);

        if (name.n > n && memcmp(name.p + name.n - n, ops[i].suffix, n) == 0)
            return (struct kh_filter){kh_str(name.p, name.n - n), ops[i].op, value};
    }
    return (struct kh_filter){name, KH_F_EQ, value};
}

bool kh_call_filters(const struct kh_call *c, const char *const *skip, struct kh_list *q,
                     struct kh_error *err)
{
    struct kh_filter *filters = kh_new_n(c->a, FILTERS_MAX, struct kh_filter);

    for (size_t i = 0; i < c->args_n; i++) {
        if (is_one_of(c->args[i].name, skip))
            continue;
        if (q->filters_n == FILTERS_MAX)
            return kh_fail(err, KH_EC_FILTER_INVALID, "at most %d filters", FILTERS_MAX);
        filters[q->filters_n++] = filter_of(c->args[i].name, c->args[i].value);
    }
    q->filters = filters;
    return true;
}

static bool numbers(struct kh_str s, double *ret, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!kh_str_double(kh_str_cut(s, ',', &s), &ret[i]))
            return false;
    return s.n == 0;
}

static bool read_place(struct lister *l, struct kh_error *err)
{
    struct kh_str bbox = kh_call_arg(l->c, "bbox", (struct kh_str){0});
    struct kh_str near = kh_call_arg(l->c, "near", (struct kh_str){0});
    double v[4];

    if (bbox.p) {
        if (!numbers(bbox, v, 4))
            return kh_fail(err, KH_EC_FILTER_INVALID, "bbox is minlon,minlat,maxlon,maxlat");
        l->box = (struct kh_box){v[0], v[1], v[2], v[3]};
        l->q.bbox = &l->box;
    }
    if (near.p) {
        if (!numbers(near, v, 3))
            return kh_fail(err, KH_EC_FILTER_INVALID, "near is lon,lat,metres");
        l->q.has_near = true;
        l->q.near_lon = v[0];
        l->q.near_lat = v[1];
        l->q.near_m = v[2];
    }
    l->q.within = kh_call_arg(l->c, "within", KH_S(""));
    return true;
}

static bool read_format(struct lister *l, struct kh_error *err)
{
    static const char *const names[] = {"json", "geojson", "csv", "ndjson"};
    struct kh_str s = kh_call_arg(l->c, "format", KH_S("json"));

    for (size_t i = 0; i < KH_LEN(names); i++)
        if (kh_str_is(s, names[i])) {
            l->format = (enum format)i;
            return l->format != AS_GEOJSON || kh_type_geo(l->t).n ||
                   kh_fail(err, KH_EC_FILTER_INVALID, "%.*s has no place: no GeoJSON of it",
                           KH_FMT(kh_type_name(l->t)));
        }
    return kh_fail(err, KH_EC_PARAMETER_INVALID, "format is json, geojson, csv or ndjson");
}

static bool read_question(struct lister *l, struct kh_error *err)
{
    static const char *const known[] = {"limit",  "after", "q",     "bbox", "near",   "within",
                                        "sort",   "valid", "at",    "format", NULL};
    struct kh_call *c = l->c;

    l->q.who = c->who;
    l->q.q = kh_call_arg(c, "q", KH_S(""));
    l->q.sort = kh_call_arg(c, "sort", KH_S(""));
    l->q.after = kh_call_arg(c, "after", KH_S(""));
    return kh_call_type(c, &l->t, err) && kh_call_limit(c, LIMIT, LIMIT_MAX, &l->q.limit, err) &&
           kh_call_when(c, "valid", &l->q.valid_us, err) &&
           kh_call_when(c, "at", &l->q.at_us, err) && read_format(l, err) && read_place(l, err) &&
           kh_call_filters(c, known, &l->q, err);
}

static bool list_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct lister *l = ctx;

    return kh_record_list(tx, l->c->city->registry, l->c->a, l->t, &l->q, &l->page, err);
}

/* ---- the answer ---- */

/* Sensitive fields are for one record at a time, where the look is written down first. */
static enum kh_level_of see_in_list(struct kh_call *c, const struct kh_record *r)
{
    enum kh_level_of see = kh_record_see(c->a, r, c->who, KH_OP_READ);

    return see > KH_SEE_PERSONAL && c->who->kind != KH_WHO_SYSTEM ? KH_SEE_PERSONAL : see;
}

static bool note_looks(struct lister *l, struct kh_error *err)
{
    for (size_t i = 0; i < l->page.n; i++) {
        struct kh_look look;

        if (kh_record_look(l->c->a, &l->page.items[i], l->c->who, KH_OP_READ, &look) >= KH_SEE_PERSONAL &&
            !kh_seen_later(l->c->city->registry, &look, err))
            return false;
    }
    return true;
}

static void link_next(struct lister *l)
{
    struct kh_buf b = kh_buf(l->c->a, 16384);

    kh_buf_c(&b, '<');
    kh_buf_str(&b, l->c->target);
    kh_buf_c(&b, '?');
    for (size_t i = 0; i < l->c->args_n; i++) {
        if (kh_str_is(l->c->args[i].name, "after"))
            continue;
        kh_uri_encode(&b, l->c->args[i].name);
        kh_buf_c(&b, '=');
        kh_uri_encode(&b, l->c->args[i].value);
        kh_buf_c(&b, '&');
    }
    kh_buf_z(&b, "after=");
    kh_buf_str(&b, l->page.next);
    kh_buf_z(&b, ">; rel=\"next\"");
    if (!b.full)
        kh_reply_header(l->c, "Link", kh_buf_get(&b));
    /* A file has no other place for the mark. */
    if (l->format == AS_CSV || l->format == AS_NDJSON)
        kh_reply_header(l->c, "X-Next", l->page.next);
}

static enum kh_next reply_json(struct lister *l)
{
    struct kh_buf b = kh_buf(l->c->a, PAGE_MAX);

    kh_buf_z(&b, "{\"items\":[");
    for (size_t i = 0; i < l->page.n; i++) {
        if (i)
            kh_buf_c(&b, ',');
        kh_record_render_at(&l->page.items[i], see_in_list(l->c, &l->page.items[i]), &b);
    }
    kh_buf_c(&b, ']');
    if (l->page.next.n)
        kh_buf_strf(&b, ",\"next\":\"%.*s\"", KH_FMT(l->page.next));
    kh_buf_c(&b, '}');
    if (b.full) {
        kh_fail(&l->c->err, KH_EC_ARENA_FULL, "ask for fewer records");
        return kh_reply_error(l->c, &l->c->err);
    }
    return kh_reply_json(l->c, 200, kh_buf_get(&b));
}

static enum kh_next reply_rows(struct lister *l)
{
    static const char *const types[] = {[AS_JSON] = "application/json",
                                        [AS_GEOJSON] = "application/geo+json",
                                        [AS_CSV] = "text/csv; charset=utf-8",
                                        [AS_NDJSON] = "application/x-ndjson"};
    static const enum kh_table_format formats[] = {[AS_JSON] = KH_TABLE_NDJSON,
                                                   [AS_GEOJSON] = KH_TABLE_GEOJSON,
                                                   [AS_CSV] = KH_TABLE_CSV,
                                                   [AS_NDJSON] = KH_TABLE_NDJSON};
    struct kh_buf b = kh_buf(l->c->a, PAGE_MAX);
    enum kh_table_format f = formats[l->format];

    kh_table_begin(&b, l->t, f);
    for (size_t i = 0; i < l->page.n; i++)
        kh_table_row(&b, l->c->a, &l->page.items[i], see_in_list(l->c, &l->page.items[i]), f,
                     i == 0);
    kh_table_end(&b, f, l->page.next);
    if (b.full) {
        kh_fail(&l->c->err, KH_EC_ARENA_FULL, "ask for fewer records");
        return kh_reply_error(l->c, &l->c->err);
    }
    return kh_reply_text(l->c, 200, types[l->format], kh_buf_get(&b));
}

enum kh_next api_record_list(struct kh_call *c)
{
    struct lister *l = kh_new(c->a, struct lister);

    l->c = c;
    if (!read_question(l, &c->err) ||
        !kh_store_run(c->city->store, "record_list", KH_TX_READ, list_in_tx, l, &c->err) ||
        !note_looks(l, &c->err))
        return kh_reply_error(c, &c->err);
    if (kh_type_masks(l->t))
        kh_reply_header(c, "Cache-Control", KH_S("private, no-cache"));
    if (l->page.next.n)
        link_next(l);
    return l->format == AS_JSON ? reply_json(l) : reply_rows(l);
}
