/* SPDX-License-Identifier: Apache-2.0 */
/* Open311 GeoReport v2: what there is, and what may be reported. */
#include "api/open311_int.h"

#include "api/routes.h"
#include "api/uri.h"
#include "base/config.h"
#include "base/time.h"

enum { SERVICES_MAX = 1000, UPLOAD_MAX = 64 << 20 };

bool kh_o311_begin(struct kh_call *c, const struct kh_type **ret_report,
                   const struct kh_type **ret_category, struct kh_error *err)
{
    struct kh_str j = kh_call_arg(c, "jurisdiction_id", KH_S(""));

    if (j.n && !kh_str_same(j, c->city->config->open311_jurisdiction))
        return kh_fail(err, KH_EC_OPEN311_JURISDICTION, "this is %.*s",
                       KH_FMT(c->city->config->open311_jurisdiction));
    *ret_report = kh_type_find(c->city->registry, KH_S("report"));
    *ret_category = kh_type_find(c->city->registry, KH_S("feedback_category"));
    return (*ret_report && *ret_category) ||
           kh_fail(err, KH_EC_OPEN311_SERVICE_UNKNOWN, "pack feedback is not loaded");
}

struct kh_str kh_o311_in(const struct kh_call *c, const struct kh_json *v, const char *vi,
                         const char *en)
{
    struct kh_str s = kh_json_str(v, vi, KH_S(""));

    return c->who->vi ? s : kh_json_str(v, en, s);
}

bool kh_o311_services(struct kh_tx *tx, struct kh_call *c, const struct kh_type *category,
                      struct kh_o311_service **ret, size_t *ret_n, struct kh_error *err)
{
    struct kh_list q = {.sort = KH_S("order"), .limit = SERVICES_MAX, .who = c->who};
    struct kh_page page = {0};
    struct kh_o311_service *all;

    if (!kh_record_list(tx, c->city->registry, c->a, category, &q, &page, err))
        return false;
    all = kh_new_n(c->a, page.n, struct kh_o311_service);
    for (size_t i = 0; i < page.n; i++) {
        const struct kh_json *f;

        if (!kh_record_fields(c->a, &page.items[i], &f, err))
            return false;
        all[i] = (struct kh_o311_service){
            .code = kh_json_str(f, "code", KH_S("")),
            .name = kh_o311_in(c, f, "name_vi", "name_en"),
            .about = kh_o311_in(c, f, "about_vi", "about_en"),
            .group = kh_json_str(f, "group", KH_S("")),
            .keywords = kh_json_str(f, "keywords", KH_S("")),
            .attributes = kh_json_get(f, "attributes"),
        };
        if (!kh_json_is(all[i].attributes, KH_JSON_ARRAY) || all[i].attributes->n == 0)
            all[i].attributes = NULL;
    }
    *ret = all;
    *ret_n = page.n;
    return true;
}

bool kh_o311_service(const struct kh_o311_service *all, size_t n, struct kh_str code,
                     const struct kh_o311_service **ret, struct kh_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (kh_str_eq(all[i].code, code)) {
            *ret = &all[i];
            return true;
        }
    return kh_fail(err, KH_EC_OPEN311_SERVICE_UNKNOWN, "service_code %.*s",
                   (int)(code.n < 40 ? code.n : 40), code.n ? code.p : "");
}

/* ---- services ---- */

struct reading {
    struct kh_call *c;
    const struct kh_type *report, *category;
    struct kh_o311_service *all;
    size_t n;
};

static bool services_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct reading *r = ctx;

    return kh_o311_services(tx, r->c, r->category, &r->all, &r->n, err);
}

static bool read_services(struct reading *r, struct kh_error *err)
{
    return kh_o311_begin(r->c, &r->report, &r->category, err) &&
           kh_store_run(r->c->city->store, "open311_services", KH_TX_READ, services_in_tx, r, err);
}

static enum kh_next api_open311_services(struct kh_call *c)
{
    struct reading r = {.c = c};
    struct kh_o311 o = kh_o311(c);

    if (!read_services(&r, &c->err))
        return kh_reply_error(c, &c->err);
    kh_o311_list(&o, "services");
    for (size_t i = 0; i < r.n; i++) {
        const struct kh_o311_service *s = &r.all[i];

        kh_o311_item(&o, "service");
        kh_o311_text(&o, "service_code", s->code);
        kh_o311_text(&o, "service_name", s->name);
        kh_o311_text(&o, "description", s->about);
        kh_o311_bool(&o, "metadata", s->attributes != NULL);
        kh_o311_text(&o, "type", KH_S("realtime"));
        kh_o311_text(&o, "keywords", s->keywords);
        kh_o311_text(&o, "group", s->group);
        kh_o311_end(&o);
    }
    kh_o311_end(&o);
    return kh_o311_reply(c, &o, 200);
}

static const char *datatype_help(bool vi, struct kh_str type)
{
    if (kh_str_is(type, "number"))
        return vi ? "Một số" : "A number";
    if (kh_str_is(type, "datetime"))
        return vi ? "Ngày giờ, ví dụ 2026-09-15T14:05:00+07:00"
                  : "Date and time, 2026-09-15T14:05:00+07:00";
    if (kh_str_is(type, "singlevaluelist"))
        return vi ? "Chọn một" : "Choose one";
    if (kh_str_is(type, "multivaluelist"))
        return vi ? "Chọn một hoặc nhiều" : "Choose one or more";
    return vi ? "Văn bản" : "Text";
}

static void put_attribute(struct kh_call *c, struct kh_o311 *o, const struct kh_json *at,
                          int64_t order)
{
    const struct kh_json *values = kh_json_get(at, "values");
    struct kh_str type = kh_json_str(at, "datatype", KH_S("string"));

    kh_o311_item(o, "attribute");
    kh_o311_bool(o, "variable", true);
    kh_o311_text(o, "code", kh_json_str(at, "code", KH_S("")));
    kh_o311_text(o, "datatype", type);
    kh_o311_bool(o, "required", kh_json_bool(at, "required", false));
    kh_o311_text(o, "datatype_description", kh_cstr(datatype_help(c->who->vi, type)));
    kh_o311_int(o, "order", order);
    kh_o311_text(o, "description", kh_o311_in(c, at, "description", "description_en"));
    if (kh_json_is(values, KH_JSON_ARRAY)) {
        kh_o311_list(o, "values");
        for (uint32_t i = 0; i < values->n; i++) {
            kh_o311_item(o, "value");
            kh_o311_text(o, "key", kh_json_str(&values->items[i], "key", KH_S("")));
            kh_o311_text(o, "name", kh_o311_in(c, &values->items[i], "name", "name_en"));
            kh_o311_end(o);
        }
        kh_o311_end(o);
    }
    kh_o311_end(o);
}

static enum kh_next api_open311_definition(struct kh_call *c)
{
    struct reading r = {.c = c};
    struct kh_o311 o = kh_o311(c);
    const struct kh_o311_service *s = NULL;

    if (!read_services(&r, &c->err) || !kh_o311_service(r.all, r.n, c->params[0], &s, &c->err))
        return kh_reply_error(c, &c->err);
    kh_o311_item(&o, "service_definition");
    kh_o311_text(&o, "service_code", s->code);
    kh_o311_list(&o, "attributes");
    for (uint32_t i = 0; s->attributes && i < s->attributes->n; i++)
        put_attribute(c, &o, &s->attributes->items[i], i + 1);
    kh_o311_end(&o);
    kh_o311_end(&o);
    return kh_o311_reply(c, &o, 200);
}

/* ---- discovery ---- */

static enum kh_next api_open311_discovery(struct kh_call *c)
{
    const struct kh_config *cf = c->city->config;
    struct kh_o311 o = kh_o311(c);
    /* What stands here changes with the settings and the program only, and so with a start. */
    struct kh_str changeset = kh_time_text(c->a, c->city->started_at_us);
    bool vi = c->who->vi;

    kh_o311_item(&o, "discovery");
    kh_o311_text(&o, "changeset", changeset);
    kh_o311_text(&o, "contact", cf->open311_contact.n ? cf->open311_contact : kh_call_base(c));
    kh_o311_text(&o, "key_service",
                 cf->open311_anonymous
                     ? (vi ? KH_S("Không cần khoá để gửi phản ánh; khoá do quản trị viên cấp.")
                           : KH_S("No key is needed to send reports; administrators give keys."))
                     : (vi ? KH_S("Khoá do quản trị viên của thành phố cấp.")
                           : KH_S("Keys are given by the administrators of the city.")));
    kh_o311_list(&o, "endpoints");
    kh_o311_item(&o, "endpoint");
    kh_o311_text(&o, "specification", KH_S("http://wiki.open311.org/GeoReport_v2"));
    kh_o311_text(&o, "url", kh_strf(c->a, "%.*s/open311/v2", KH_FMT(kh_call_base(c))));
    kh_o311_text(&o, "changeset", changeset);
    kh_o311_text(&o, "type", KH_S("production"));
    kh_o311_list(&o, "formats");
    kh_o311_value(&o, "format", KH_S("text/xml"));
    kh_o311_value(&o, "format", KH_S("application/json"));
    kh_o311_end(&o);
    kh_o311_end(&o);
    kh_o311_end(&o);
    kh_o311_end(&o);
    return kh_o311_reply(c, &o, 200);
}

/* ---- routes: every call in both formats ---- */

#define OPEN (KH_R_PUBLIC | KH_R_CORS | KH_R_OPEN_ARGS | KH_R_NO_CSRF)
#define BOTH(verb, at, call, fn, more, most, vi_text, en_text)                                     \
    {.method = (verb),                                                                             \
     .path = "/open311/v2/" at ".json",                                                            \
     .name = (call),                                                                               \
     .handler = (fn),                                                                              \
     .flags = OPEN | (more),                                                                       \
     .body_max = (most),                                                                           \
     .vi = (vi_text),                                                                              \
     .en = (en_text)},                                                                             \
    {                                                                                              \
        .method = (verb), .path = "/open311/v2/" at ".xml", .name = (call), .handler = (fn),       \
        .flags = OPEN | (more), .body_max = (most), .vi = (vi_text), .en = (en_text)               \
    }

const struct kh_route kh_routes_open311[] = {
    BOTH(KH_GET, "discovery", "open311_discovery", api_open311_discovery, 0, 0,
         "Open311: máy chủ này có gì", "Open311: what is here"),
    BOTH(KH_GET, "services", "open311_services", api_open311_services, 0, 0,
         "Open311: có thể phản ánh những gì", "Open311: what may be reported"),
    BOTH(KH_GET, "services/{code}", "open311_definition", api_open311_definition, 0, 0,
         "Open311: câu hỏi thêm của một loại", "Open311: further questions of a service"),
    BOTH(KH_GET, "requests", "open311_request_list", api_open311_request_list, 0, 0,
         "Open311: các phản ánh", "Open311: service requests"),
    BOTH(KH_POST, "requests", "open311_request_create", api_open311_request_create, KH_R_ANY_BODY,
         UPLOAD_MAX, "Open311: gửi phản ánh", "Open311: make a service request"),
    BOTH(KH_GET, "requests/{id}", "open311_request_read", api_open311_request_read, 0, 0,
         "Open311: một phản ánh", "Open311: one service request"),
    BOTH(KH_GET, "tokens/{token}", "open311_token_read", api_open311_token_read, 0, 0,
         "Open311: mã phản ánh của một thẻ", "Open311: the request of a token"),
    {.handler = NULL},
};
