/* SPDX-License-Identifier: Apache-2.0 */
/* Open311 GeoReport v2: reading service requests. Only public fields are ever shown here. */
#include "api/agency.h"
#include "api/open311_int.h"

#include "api/uri.h"
#include "base/id.h"
#include "base/time.h"

#include <math.h>

enum { IDS_MAX = 200, REQUESTS_MAX = 1000, PAGES_MAX = 10000, LOOK = 200, ROUNDS_MAX = 500 };
#define SPAN_US (90 * KH_US_DAY)

static const char open_states[] = "new,in_progress,forwarded,reopened";
static const char closed_states[] = "done,refused,closed";

struct asking {
    struct kh_call *c;
    const struct kh_type *report, *category;
    struct kh_o311_service *services;
    size_t services_n;
    struct kh_str ids; /* or the filters: */
    struct kh_filter filters[2];
    size_t filters_n;
    int64_t start_us, end_us;
    int64_t skip, limit;
    bool extensions;
    struct kh_record *found;
    size_t n, cap;
    /* names of agencies that have been looked up */
    struct kh_pair *agencies;
    size_t agencies_n, agencies_cap;
};

/* ---- what is asked ---- */

static bool read_number(const struct kh_call *c, const char *name, int64_t fallback, int64_t max,
                        int64_t *ret, struct kh_error *err)
{
    struct kh_str s = kh_call_arg(c, name, KH_S(""));

    *ret = fallback;
    return s.n == 0 || (kh_str_int(s, ret) && *ret >= 1 && *ret <= max) ||
           kh_fail(err, KH_EC_OPEN311, "%s is a number from 1 to %lld", name, (long long)max);
}

/* Without both dates: the newest 90 days. With one: 90 days from or to it. */
static bool read_dates(struct asking *q, struct kh_error *err)
{
    struct kh_str start = kh_call_arg(q->c, "start_date", KH_S(""));
    struct kh_str end = kh_call_arg(q->c, "end_date", KH_S(""));

    q->end_us = kh_now_us() + KH_US_S;
    if (end.n && !kh_when_parse(end, &q->end_us))
        return kh_fail(err, KH_EC_OPEN311, "end_date is a time as 2010-01-01T00:00:00Z");
    q->start_us = q->end_us - SPAN_US;
    if (start.n && !kh_when_parse(start, &q->start_us))
        return kh_fail(err, KH_EC_OPEN311, "start_date is a time as 2010-01-01T00:00:00Z");
    if (start.n && !end.n && q->end_us - q->start_us > SPAN_US)
        q->end_us = q->start_us + SPAN_US;
    if (q->end_us < q->start_us)
        return kh_fail(err, KH_EC_OPEN311, "end_date lies before start_date");
    return q->end_us - q->start_us <= SPAN_US ||
           kh_fail(err, KH_EC_OPEN311, "start_date and end_date span more than 90 days");
}

static bool read_status(struct asking *q, struct kh_error *err)
{
    struct kh_str list = kh_call_arg(q->c, "status", KH_S("")), one;
    bool open = false, closed = false;

    while (kh_list_next(&list, &one)) {
        open = open || kh_str_same(one, KH_S("open"));
        closed = closed || kh_str_same(one, KH_S("closed"));
        if (!kh_str_same(one, KH_S("open")) && !kh_str_same(one, KH_S("closed")))
            return kh_fail(err, KH_EC_OPEN311, "status is open, closed, or both");
    }
    if (open != closed)
        q->filters[q->filters_n++] = (struct kh_filter){
            KH_S("status"), KH_F_IN, kh_cstr(open ? open_states : closed_states)};
    return true;
}

static bool read_services(struct asking *q)
{
    struct kh_str list = kh_call_arg(q->c, "service_code", KH_S("")), one;
    struct kh_buf b = kh_buf(q->c->a, 8192);

    while (kh_list_next(&list, &one)) {
        kh_buf_z(&b, b.n ? "," : "");
        kh_buf_str(&b, one);
    }
    if (b.n)
        q->filters[q->filters_n++] = (struct kh_filter){KH_S("category"), KH_F_IN, kh_buf_get(&b)};
    return true;
}

static bool read_question(struct asking *q, struct kh_error *err)
{
    int64_t page;
    struct kh_str ext = kh_call_arg(q->c, "extensions", KH_S(""));

    if (!kh_o311_begin(q->c, &q->report, &q->category, err))
        return false;
    q->extensions = kh_str_same(ext, KH_S("true")) || kh_str_is(ext, "1");
    q->ids = kh_call_arg(q->c, "service_request_id", KH_S(""));
    if (!read_number(q->c, "page", 1, PAGES_MAX, &page, err) ||
        !read_number(q->c, "page_size", REQUESTS_MAX, REQUESTS_MAX, &q->limit, err))
        return false;
    q->skip = (page - 1) * q->limit;
    return q->ids.n || (read_dates(q, err) && read_services(q) && read_status(q, err));
}

/* ---- finding ---- */

static void keep(struct asking *q, const struct kh_record *r)
{
    q->found = kh_grow(q->c->a, q->found, q->n, q->n + 1, &q->cap, sizeof(*q->found));
    q->found[q->n++] = *r;
}

static bool open_one(struct asking *q, struct kh_tx *tx, struct kh_str text, bool *ret_found,
                     struct kh_error *err)
{
    struct kh_error miss = {0};
    struct kh_record r;
    int64_t id;

    *ret_found = false;
    if (!kh_id_parse(text, &id))
        return true;
    if (kh_record_open(tx, q->c->city->registry, q->c->a, q->report, id, 0, 0, q->c->who,
                       KH_OP_READ, &r, &miss) == KH_HIT) {
        keep(q, &r);
        *ret_found = true;
        return true;
    }
    if (kh_error_info(miss.code)->status >= 500) {
        *err = miss;
        return false;
    }
    return true; /* not there, or not for this reader: the same to say */
}

static bool find_ids(struct asking *q, struct kh_tx *tx, struct kh_error *err)
{
    struct kh_str list = q->ids, one;
    bool found;

    for (size_t n = 0; kh_list_next(&list, &one); n++) {
        if (n == IDS_MAX)
            return kh_fail(err, KH_EC_OPEN311, "at most %d service_request_id at a time", IDS_MAX);
        if (!open_one(q, tx, one, &found, err))
            return false;
    }
    return true;
}

/* Ids grow with time: the list begins at the first one after the end and stops before the start. */
static int64_t id_at(int64_t us)
{
    int64_t lo = 0, hi = INT64_MAX;

    while (lo < hi) {
        int64_t mid = lo + (hi - lo) / 2;

        if (kh_id_time_us(mid) > us)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

static bool find_range(struct asking *q, struct kh_tx *tx, struct kh_error *err)
{
    struct kh_list list = {.filters = q->filters,
                           .filters_n = q->filters_n,
                           .limit = LOOK,
                           .below_id = id_at(q->end_us),
                           .who = q->c->who};
    int64_t skip = q->skip;

    if (list.below_id == 0)
        return true; /* before there were ids */
    for (int round = 0; round < ROUNDS_MAX; round++) {
        struct kh_page page = {0};

        if (!kh_record_list(tx, q->c->city->registry, q->c->a, q->report, &list, &page, err))
            return false;
        for (size_t i = 0; i < page.n; i++) {
            if (kh_id_time_us(page.items[i].id) < q->start_us || (int64_t)q->n == q->limit)
                return true;
            if (skip > 0)
                skip--;
            else
                keep(q, &page.items[i]);
        }
        if (page.next.n == 0 || kh_arena_over(q->c->a))
            return true;
        list.after = page.next;
    }
    return true;
}

static bool agency_name(struct asking *q, struct kh_tx *tx, struct kh_str code,
                        struct kh_error *err)
{
    struct kh_agency_names unit;

    if (code.n == 0)
        return true;
    for (size_t i = 0; i < q->agencies_n; i++)
        if (kh_str_eq(q->agencies[i].name, code))
            return true;
    if (!kh_agency_names(tx, q->c->city, q->c->a, code, &unit, err))
        return false;
    q->agencies = kh_grow(q->c->a, q->agencies, q->agencies_n, q->agencies_n + 1, &q->agencies_cap,
                          sizeof(*q->agencies));
    q->agencies[q->agencies_n++] = (struct kh_pair){code, unit.name.n ? unit.name : code};
    return true;
}

static bool find_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct asking *q = ctx;

    q->n = 0;
    if (!kh_o311_services(tx, q->c, q->category, &q->services, &q->services_n, err) ||
        !(q->ids.n ? find_ids(q, tx, err) : find_range(q, tx, err)))
        return false;
    for (size_t i = 0; i < q->n; i++) {
        const struct kh_json *f;

        if (!kh_record_fields(q->c->a, &q->found[i], &f, err) ||
            !agency_name(q, tx, kh_json_str(f, "unit", KH_S("")), err))
            return false;
        q->found[i].fields = f;
    }
    return true;
}

/* ---- writing ---- */

static bool is_one_of(const char *states, struct kh_str s)
{
    struct kh_str list = kh_cstr(states), one;

    while (kh_list_next(&list, &one))
        if (kh_str_eq(one, s))
            return true;
    return false;
}

static struct kh_str named_agency(const struct asking *q, struct kh_str code)
{
    for (size_t i = 0; i < q->agencies_n; i++)
        if (kh_str_eq(q->agencies[i].name, code))
            return q->agencies[i].value;
    return code;
}

static struct kh_str time_of(struct kh_arena *a, const struct kh_json *f, const char *name)
{
    int64_t us;

    return kh_time_parse(kh_json_str(f, name, KH_S("")), &us) ? kh_o311_time(a, us)
                                                              : kh_str(NULL, 0);
}

static struct kh_str file_url(struct kh_call *c, struct kh_str id)
{
    return kh_strf(c->a, "%.*s/api/v1/files/%.*s", KH_FMT(kh_call_base(c)), KH_FMT(id));
}

static struct kh_str media_of(struct kh_call *c, const struct kh_json *f)
{
    const struct kh_json *photos = kh_json_get(f, "photos");
    struct kh_str video = kh_json_str(f, "video", KH_S(""));

    if (kh_json_is(photos, KH_JSON_ARRAY) && photos->n &&
        kh_json_is(&photos->items[0], KH_JSON_STRING))
        return file_url(c, photos->items[0].s);
    return video.n ? file_url(c, video) : kh_json_str(f, "media_url", KH_S(""));
}

static void put_extended(struct asking *q, struct kh_o311 *o, const struct kh_json *f)
{
    const struct kh_json *photos = kh_json_get(f, "photos");

    kh_o311_item(o, "extended_attributes");
    kh_o311_text(o, "number", kh_json_str(f, "number", KH_S("")));
    kh_o311_text(o, "state", kh_json_str(f, "status", KH_S("")));
    kh_o311_text(o, "class", kh_json_str(f, "class", KH_S("")));
    kh_o311_text(o, "commune", kh_json_str(f, "commune", KH_S("")));
    kh_o311_text(o, "unit", kh_json_str(f, "unit", KH_S("")));
    kh_o311_text(o, "channel", kh_json_str(f, "channel", KH_S("")));
    kh_o311_list(o, "photos");
    for (uint32_t i = 0; kh_json_is(photos, KH_JSON_ARRAY) && i < photos->n; i++) {
        kh_o311_item(o, "photo");
        kh_o311_text(o, "media_url", file_url(q->c, photos->items[i].s));
        kh_o311_end(o);
    }
    kh_o311_end(o);
    kh_o311_end(o);
}

static void put_place(struct kh_o311 *o, const struct kh_json *f)
{
    const struct kh_json *at = kh_json_get(f, "location");

    kh_o311_text(o, "address", kh_json_str(f, "address", KH_S("")));
    kh_o311_text(o, "address_id", KH_S(""));
    kh_o311_text(o, "zipcode", KH_S(""));
    if (at) {
        kh_o311_number(o, "lat", kh_json_num(at, "lat", NAN));
        kh_o311_number(o, "long", kh_json_num(at, "lon", NAN));
    } else {
        kh_o311_text(o, "lat", KH_S(""));
        kh_o311_text(o, "long", KH_S(""));
    }
}

static void put_request(struct asking *q, struct kh_o311 *o, const struct kh_record *r)
{
    struct kh_arena *a = q->c->a;
    const struct kh_json *f = r->fields;
    struct kh_str code = kh_json_str(f, "category", KH_S("")), ended;
    struct kh_error none = {0};
    const struct kh_o311_service *s = NULL;
    bool closed = is_one_of(closed_states, kh_json_str(f, "status", KH_S("")));

    (void)!kh_o311_service(q->services, q->services_n, code, &s, &none);
    ended = time_of(a, f, kh_json_get(f, "handled_at") ? "handled_at" : "closed_at");
    kh_o311_item(o, "request");
    kh_o311_text(o, "service_request_id", kh_id_text(a, r->id));
    kh_o311_text(o, "status", closed ? KH_S("closed") : KH_S("open"));
    kh_o311_text(o, "status_notes",
                 kh_json_str(f, "answer", kh_json_str(f, "refusal_reason", KH_S(""))));
    kh_o311_text(o, "service_name", s ? s->name : code);
    kh_o311_text(o, "service_code", code);
    kh_o311_text(o, "description", kh_json_str(f, "description", KH_S("")));
    kh_o311_text(o, "agency_responsible", named_agency(q, kh_json_str(f, "unit", KH_S(""))));
    kh_o311_text(o, "service_notice", KH_S(""));
    kh_o311_text(o, "requested_datetime", kh_o311_time(a, kh_id_time_us(r->id)));
    kh_o311_text(o, "updated_datetime",
                 closed && ended.n ? ended : kh_o311_time(a, r->recorded_us));
    kh_o311_text(o, "expected_datetime", time_of(a, f, "due_at"));
    put_place(o, f);
    kh_o311_text(o, "media_url", media_of(q->c, f));
    if (q->extensions)
        put_extended(q, o, f);
    kh_o311_end(o);
}

static enum kh_next reply_requests(struct asking *q)
{
    struct kh_o311 o = kh_o311(q->c);

    kh_o311_list(&o, "service_requests");
    for (size_t i = 0; i < q->n; i++)
        put_request(q, &o, &q->found[i]);
    kh_o311_end(&o);
    return kh_o311_reply(q->c, &o, 200);
}

enum kh_next api_open311_request_list(struct kh_call *c)
{
    struct asking q = {.c = c};

    if (!read_question(&q, &c->err) ||
        !kh_store_run(c->city->store, "open311_requests", KH_TX_READ, find_in_tx, &q, &c->err))
        return kh_reply_error(c, &c->err);
    return reply_requests(&q);
}

static bool read_one(struct asking *q, struct kh_error *err)
{
    if (!read_question(q, err))
        return false;
    q->ids = q->c->params[0];
    return kh_store_run(q->c->city->store, "open311_request", KH_TX_READ, find_in_tx, q, err) &&
           (q->n == 1 || kh_fail(err, KH_EC_RECORD_UNKNOWN, "no service request has this id"));
}

enum kh_next api_open311_request_read(struct kh_call *c)
{
    struct asking q = {.c = c};

    return read_one(&q, &c->err) ? reply_requests(&q) : kh_reply_error(c, &c->err);
}

/* Requests are made in real time here, so no tokens are given; an id is its own token. */
enum kh_next api_open311_token_read(struct kh_call *c)
{
    struct asking q = {.c = c};
    struct kh_o311 o = kh_o311(c);

    if (!read_one(&q, &c->err))
        return kh_reply_error(c, &c->err);
    kh_o311_list(&o, "service_requests");
    kh_o311_item(&o, "request");
    kh_o311_text(&o, "service_request_id", kh_id_text(c->a, q.found[0].id));
    kh_o311_text(&o, "token", c->params[0]);
    kh_o311_end(&o);
    kh_o311_end(&o);
    return kh_o311_reply(c, &o, 200);
}
