/* SPDX-License-Identifier: Apache-2.0 */
/* Open311 GeoReport v2: making a service request. It becomes a record of type report and starts its
 * process as one from the portal does. */
#include "api/open311_int.h"

#include "api/record_int.h"
#include "base/config.h"
#include "base/id.h"
#include "base/time.h"
#include "engine/file/file.h"
#include "engine/geo/units.h"
#include "engine/process/process.h"

enum { PHOTOS_MAX = 5 };

struct making {
    struct kh_call *c;
    const struct kh_type *report, *category;
    struct kh_o311_service *services;
    size_t services_n;
    const struct kh_o311_service *service;
    struct kh_part *parts;
    size_t parts_n;
    struct kh_json *fields;
    struct kh_issues issues;
    struct kh_write how;
    struct kh_draft *draft;
    struct kh_record r;
};

/* A field of the form, or of the address (some clients send the key there). */
static struct kh_str part(const struct making *m, const char *name)
{
    for (size_t i = 0; i < m->parts_n; i++)
        if (kh_str_is(m->parts[i].name, name) && !m->parts[i].filename.p)
            return kh_str_trim(m->parts[i].value);
    return kh_call_arg(m->c, name, KH_S(""));
}

static void wrong(struct making *m, const char *field, const char *code, const char *vi,
                  const char *en)
{
    kh_issue_add(&m->issues, m->c->a, kh_strf(m->c->a, "/%s", field), code, kh_cstr(vi),
                 kh_cstr(en));
}

static void set(struct making *m, const char *name, struct kh_str value)
{
    if (value.n)
        kh_json_set(m->c->a, m->fields, kh_cstr(name), kh_json_new_str(m->c->a, value));
}

/* ---- who ---- */

static bool check_key(struct making *m, struct kh_error *err)
{
    struct kh_str key = part(m, "api_key");
    struct kh_str j = part(m, "jurisdiction_id");

    if (j.n && !kh_str_eq(j, m->c->city->config->open311_jurisdiction))
        return kh_fail(err, KH_EC_OPEN311_JURISDICTION, "this is %.*s",
                       KH_FMT(m->c->city->config->open311_jurisdiction));
    if (key.n) {
        switch (kh_call_identify(m->c, key, err)) {
        case KH_FAIL:
            return false;
        case KH_MISS:
            return kh_fail(err, KH_EC_OPEN311_API_KEY, "api_key is not known");
        case KH_HIT:
            return true;
        }
    }
    return m->c->who->kind != KH_WHO_PUBLIC || m->c->city->config->open311_anonymous ||
           kh_fail(err, KH_EC_OPEN311_API_KEY, "send api_key");
}

/* ---- where ---- */

static void set_point(struct making *m, double lon, double lat)
{
    struct kh_arena *a = m->c->a;
    struct kh_json *at = kh_json_new(a, KH_JSON_OBJECT);

    kh_json_set(a, at, KH_S("lon"), kh_json_new_double(a, lon));
    kh_json_set(a, at, KH_S("lat"), kh_json_new_double(a, lat));
    kh_json_set(a, m->fields, KH_S("location"), at);
}

/* An address alone is placed in the ward that it names, searched from its end; the text says the rest
 * to the officer. */
static bool place_by_address(struct making *m, struct kh_str address, bool *ret_found,
                             struct kh_error *err)
{
    int64_t today = kh_day_of(kh_now_us());

    *ret_found = false;
    while (address.n && m->c->city->units && !*ret_found) {
        const char *comma = memrchr(address.p, ',', address.n);
        size_t from = comma ? (size_t)(comma - address.p) + 1 : 0;
        struct kh_str piece = kh_str_trim(kh_str_skip(address, from));
        struct kh_unit_match *found = NULL;
        size_t n = 0;

        address.n = comma ? from - 1 : 0;
        if (piece.n &&
            !kh_units_search(m->c->city->units, m->c->a, piece, today, 4, &found, &n, err))
            return false;
        for (size_t i = 0; i < n && !*ret_found; i++) {
            if (!found[i].unit->shape || kh_str_is(kh_cstr(found[i].matched), "prefix") ||
                kh_str_is(kh_cstr(found[i].matched), "words"))
                continue;
            set_point(m, found[i].unit->label_lon, found[i].unit->label_lat);
            *ret_found = true;
        }
    }
    return true;
}

static bool read_place(struct making *m, struct kh_error *err)
{
    struct kh_str lat = part(m, "lat"), lon = part(m, "long"), address = part(m, "address_string");
    double x = 0, y = 0;
    bool found;

    set(m, "address", address);
    if (lat.n || lon.n) {
        if (!kh_str_double(lat, &y) || !kh_str_double(lon, &x) || !kh_point_ok(x, y))
            wrong(m, "lat", "location", "lat và long phải là toạ độ WGS 84, gửi cùng nhau",
                  "lat and long are WGS 84 degrees, sent together");
        else
            set_point(m, x, y);
        return true;
    }
    if (address.n == 0) {
        wrong(m, "lat", "required", "cần lat và long, hoặc address_string",
              "lat and long, or address_string, are needed");
        return true;
    }
    if (!place_by_address(m, address, &found, err))
        return false;
    if (!found)
        wrong(m, "address_string", "location",
              "không tìm thấy phường, xã trong địa chỉ này; hãy gửi lat và long",
              "no ward or commune of this city is named in it; send lat and long");
    return true;
}

/* ---- what ---- */

/* attribute[CODE]=value, attribute[CODE][]=value */
static bool attribute_code(struct kh_str name, struct kh_str *ret)
{
    struct kh_str rest = kh_str_skip(name, 10);
    const char *end =
        kh_str_starts(name, KH_S("attribute[")) && rest.n ? memchr(rest.p, ']', rest.n) : NULL;
    struct kh_str tail;

    if (!end)
        return false;
    *ret = kh_str(rest.p, (size_t)(end - rest.p));
    tail = kh_str_skip(rest, ret->n + 1);
    return ret->n && (tail.n == 0 || kh_str_is(tail, "[]"));
}

static const struct kh_json *attribute_of(const struct making *m, struct kh_str code)
{
    const struct kh_json *all = m->service->attributes;

    for (uint32_t i = 0; all && i < all->n; i++)
        if (kh_str_eq(kh_json_str(&all->items[i], "code", KH_S("")), code))
            return &all->items[i];
    return NULL;
}

/* One value is text, several are a list, and so is one where a list is asked for. */
static void add_attribute(struct making *m, struct kh_json *to, struct kh_str code,
                          struct kh_str value)
{
    struct kh_arena *a = m->c->a;
    const struct kh_json *old = kh_json_find(to, code);
    const struct kh_json *text = kh_json_new_str(a, value);
    bool many =
        kh_str_is(kh_json_str(attribute_of(m, code), "datatype", KH_S("")), "multivaluelist");
    struct kh_json *list;

    if (value.n == 0)
        return;
    if (!old && !many) {
        kh_json_set(a, to, code, text);
        return;
    }
    list = kh_json_is(old, KH_JSON_ARRAY) ? kh_json_dup(a, old) : kh_json_new(a, KH_JSON_ARRAY);
    if (kh_json_is(old, KH_JSON_STRING))
        kh_json_push(a, list, old);
    kh_json_push(a, list, text);
    kh_json_set(a, to, code, list);
}

/* The registry checks them as it does those of every report; here already, so that everything that
 * is wrong with the form is said at once, in its own words. */
static void read_attributes(struct making *m)
{
    struct kh_json *to = kh_json_new(m->c->a, KH_JSON_OBJECT);

    for (size_t i = 0; i < m->parts_n; i++) {
        struct kh_str code;

        if (attribute_code(m->parts[i].name, &code))
            add_attribute(m, to, code, kh_str_trim(m->parts[i].value));
    }
    kh_answers_check(m->c->a, m->service->attributes, to, "/attribute[", "]", &m->issues);
    if (to->n)
        kh_json_set(m->c->a, m->fields, KH_S("attributes"), to);
}

/* The standard lets the description be absent; a report says in words what is wrong. */
static void read_description(struct making *m)
{
    struct kh_str d = part(m, "description");

    set(m, "description", d.n ? d : m->service->name);
}

/* "+84 (912) 345-678" to what a report keeps. */
static struct kh_str plain_phone(struct kh_arena *a, struct kh_str s)
{
    struct kh_buf b = kh_buf(a, 64);

    for (size_t i = 0; i < s.n; i++)
        if (!strchr("-().", s.p[i]))
            kh_buf_c(&b, s.p[i]);
    return kh_str_trim(kh_buf_get(&b));
}

/* Family name first, as names are written here. */
static void read_person(struct making *m)
{
    struct kh_str first = part(m, "first_name"), last = part(m, "last_name");

    set(m, "contact_name", kh_str_trim(kh_strf(m->c->a, "%.*s %.*s", KH_FMT(last), KH_FMT(first))));
    set(m, "contact_email", part(m, "email"));
    set(m, "contact_phone", plain_phone(m->c->a, part(m, "phone")));
}

static void read_media_url(struct making *m)
{
    struct kh_str url = part(m, "media_url");

    if (url.n && !kh_str_starts(url, KH_S("https://")) && !kh_str_starts(url, KH_S("http://")))
        wrong(m, "media_url", "format", "phải là địa chỉ http hoặc https",
              "is an http or https address");
    else
        set(m, "media_url", url);
}

static bool services_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct making *m = ctx;

    return kh_o311_services(tx, m->c, m->category, &m->services, &m->services_n, err);
}

static bool read_form(struct making *m, struct kh_error *err)
{
    struct kh_call *c = m->c;
    struct kh_str code;

    if (!kh_o311_begin(c, &m->report, &m->category, err) ||
        !kh_call_form(c, &m->parts, &m->parts_n, err) || !check_key(m, err) ||
        !kh_store_run(c->city->store, "open311_services", KH_TX_READ, services_in_tx, m, err))
        return false;
    for (size_t i = 0; i < m->parts_n; i++)
        if (!m->parts[i].filename.p && !kh_str_utf8(m->parts[i].value))
            return kh_fail(err, KH_EC_OPEN311, "the form is not UTF-8 text");
    code = part(m, "service_code");
    if (code.n == 0)
        return kh_fail(err, KH_EC_OPEN311, "service_code is missing");
    if (!kh_o311_service(m->services, m->services_n, code, &m->service, err))
        return false;
    m->fields = kh_json_new(c->a, KH_JSON_OBJECT);
    set(m, "category", code);
    set(m, "channel", KH_S("open311"));
    read_description(m);
    read_attributes(m);
    read_person(m);
    read_media_url(m);
    if (!read_place(m, err))
        return false;
    if (m->issues.n == 0)
        return true;
    kh_fail(err, KH_EC_OPEN311, "see the errors");
    err->issues = &m->issues;
    return false;
}

/* ---- photos ---- */

static bool has_files(const struct making *m)
{
    for (size_t i = 0; i < m->parts_n; i++)
        if (m->parts[i].filename.p && m->parts[i].value.n)
            return true;
    return false;
}

/* On a worker: every file is checked, stripped of what it tells, stored, and named by the report. */
static bool store_files(struct making *m, struct kh_error *err)
{
    struct kh_arena *a = m->c->a;
    struct kh_json *photos = kh_json_new(a, KH_JSON_ARRAY);
    bool video = false;

    for (size_t i = 0; i < m->parts_n; i++) {
        struct kh_file f;

        if (!m->parts[i].filename.p || m->parts[i].value.n == 0)
            continue;
        if (!kh_file_add(m->c->city->files, a, m->parts[i].value, m->c->who, &f, err))
            return false;
        if (!kh_str_starts(f.media_type, KH_S("video/"))) {
            kh_json_push(a, photos, kh_json_new_str(a, f.id));
        } else if (!video) {
            video = true;
            set(m, "video", f.id);
        }
    }
    if (photos->n > PHOTOS_MAX)
        return kh_fail(err, KH_EC_OPEN311, "at most %d photos", PHOTOS_MAX);
    if (photos->n)
        kh_json_set(a, m->fields, KH_S("photos"), photos);
    return true;
}

/* ---- making ---- */

static bool prepare(struct making *m, struct kh_error *err)
{
    m->how.who = m->c->who;
    return kh_record_prepare(m->c->city->registry, m->c->a, m->report, m->fields, &m->how,
                             &m->draft, err);
}

static bool make_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct making *m = ctx;

    return kh_case_create(tx, m->c->city->process, m->c->a, m->draft, m->c->who, &m->r, err);
}

/* 200, as the description of the interface by its authors says; the text of the standard names no
 * status for success. */
static enum kh_next reply_made(struct making *m)
{
    struct kh_call *c = m->c;
    struct kh_o311 o = kh_o311(c);
    const struct kh_json *f = NULL;
    struct kh_error err = {0};
    struct kh_str number = KH_S("");

    if (kh_record_fields(c->a, &m->r, &f, &err))
        number = kh_json_str(f, "number", number);
    kh_o311_list(&o, "service_requests");
    kh_o311_item(&o, "request");
    kh_o311_text(&o, "service_request_id", kh_id_text(c->a, m->r.id));
    kh_o311_text(&o, "service_notice",
                 kh_strf(c->a,
                         c->who->vi
                             ? "Phản ánh số %.*s đã được ghi nhận và chuyển tới đơn vị phụ trách."
                             : "Report %.*s is registered and on its way to the unit in charge.",
                         KH_FMT(number)));
    kh_o311_text(&o, "account_id",
                 c->who->account ? kh_id_text(c->a, c->who->account) : kh_str(NULL, 0));
    kh_o311_end(&o);
    kh_o311_end(&o);
    return kh_o311_reply(c, &o, 200);
}

static enum kh_next made(struct kh_call *c, bool ok, const struct kh_error *err)
{
    return ok ? reply_made(c->ctx) : kh_reply_error(c, err);
}

static void make_with_files(struct kh_call *c)
{
    struct making *m = c->ctx;

    if (!store_files(m, &c->err) || !prepare(m, &c->err))
        kh_reply_error(c, &c->err);
    else
        kh_call_write_here(c, "open311_create", make_in_tx, m, made);
}

enum kh_next api_open311_request_create(struct kh_call *c)
{
    struct making *m = kh_new(c->a, struct making);

    m->c = c;
    c->ctx = m;
    if (!read_form(m, &c->err))
        return kh_reply_error(c, &c->err);
    if (has_files(m))
        return kh_call_offload_write(c, make_with_files);
    if (!prepare(m, &c->err))
        return kh_reply_error(c, &c->err);
    return kh_call_write(c, "open311_create", make_in_tx, m, made);
}
