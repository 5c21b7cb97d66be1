/* SPDX-License-Identifier: Apache-2.0 */
#include "api/open311_int.h"

#include "api/uri.h"
#include "base/time.h"

enum { DOCUMENT_MAX = 32 << 20 };

static bool wants_xml(const struct kh_call *c)
{
    return c->target.n > 4 && kh_str_eq(kh_str_skip(c->target, c->target.n - 4), KH_S(".xml"));
}

struct kh_o311 kh_o311(struct kh_call *c)
{
    struct kh_o311 o = {.b = kh_buf(c->a, DOCUMENT_MAX), .xml = wants_xml(c)};

    if (o.xml)
        kh_buf_z(&o.b, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
    return o;
}

/* The writer points to the buffer, and the whole is moved by value before the first use. */
static struct kh_jw *jw(struct kh_o311 *o)
{
    if (!o->w.b)
        o->w = kh_jw(&o->b);
    o->w.b = &o->b;
    return &o->w;
}

/* What XML 1.0 cannot hold is left out. */
static void put_xml(struct kh_buf *b, struct kh_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char ch = (unsigned char)s.p[i];

        if (ch == '&')
            kh_buf_z(b, "&amp;");
        else if (ch == '<')
            kh_buf_z(b, "&lt;");
        else if (ch == '>')
            kh_buf_z(b, "&gt;");
        else if (ch >= 0x20 || ch == '\n' || ch == '\t')
            kh_buf_c(b, (char)ch);
        else if (ch == '\r')
            kh_buf_z(b, "&#13;");
    }
}

/* In JSON only fields of an object have names. */
static void name_it(struct kh_o311 *o, const char *name)
{
    if (!o->xml && o->depth && !o->open[o->depth - 1].list)
        kh_jw_key(jw(o), name);
}

static void begin(struct kh_o311 *o, const char *name, bool list)
{
    KH_REQUIRE(o->depth < KH_LEN(o->open));
    name_it(o, name);
    if (o->xml)
        kh_buf_strf(&o->b, "<%s>", name);
    else if (list)
        kh_jw_arr(jw(o));
    else
        kh_jw_obj(jw(o));
    o->open[o->depth].name = name;
    o->open[o->depth++].list = list;
}

void kh_o311_list(struct kh_o311 *o, const char *name)
{
    begin(o, name, true);
}

void kh_o311_item(struct kh_o311 *o, const char *name)
{
    begin(o, name, false);
}

void kh_o311_end(struct kh_o311 *o)
{
    KH_REQUIRE(o->depth);
    o->depth--;
    if (o->xml)
        kh_buf_strf(&o->b, "</%s>", o->open[o->depth].name);
    else
        kh_jw_end(jw(o));
}

static void put_element(struct kh_o311 *o, const char *name, struct kh_str s)
{
    if (s.n == 0) {
        kh_buf_strf(&o->b, "<%s/>", name);
        return;
    }
    kh_buf_strf(&o->b, "<%s>", name);
    put_xml(&o->b, s);
    kh_buf_strf(&o->b, "</%s>", name);
}

void kh_o311_text(struct kh_o311 *o, const char *name, struct kh_str s)
{
    if (o->xml) {
        put_element(o, name, s);
        return;
    }
    name_it(o, name);
    if (s.n)
        kh_jw_str(jw(o), s);
    else
        kh_jw_null(jw(o));
}

void kh_o311_value(struct kh_o311 *o, const char *name, struct kh_str s)
{
    kh_o311_text(o, name, s);
}

void kh_o311_bool(struct kh_o311 *o, const char *name, bool v)
{
    if (o->xml) {
        put_element(o, name, v ? KH_S("true") : KH_S("false"));
        return;
    }
    name_it(o, name);
    kh_jw_bool(jw(o), v);
}

void kh_o311_int(struct kh_o311 *o, const char *name, int64_t v)
{
    if (o->xml) {
        put_element(o, name, kh_strf(o->b.a, "%lld", (long long)v));
        return;
    }
    name_it(o, name);
    kh_jw_int(jw(o), v);
}

void kh_o311_number(struct kh_o311 *o, const char *name, double v)
{
    struct kh_buf b = kh_buf(o->b.a, 64);
    struct kh_jw w = kh_jw(&b);

    kh_jw_double(&w, v);
    if (o->xml) {
        put_element(o, name, kh_buf_get(&b));
        return;
    }
    name_it(o, name);
    kh_jw_double(jw(o), v);
}

enum kh_next kh_o311_reply(struct kh_call *c, struct kh_o311 *o, int status)
{
    struct kh_error err = {0};

    KH_REQUIRE(o->depth == 0);
    if (o->b.full) {
        kh_fail(&err, KH_EC_OPEN311, "ask for fewer at a time");
        return kh_reply_error(c, &err);
    }
    return kh_reply_text(c, status,
                         o->xml ? "text/xml; charset=utf-8" : "application/json; charset=utf-8",
                         kh_buf_get(&o->b));
}

struct kh_str kh_o311_time(struct kh_arena *a, int64_t us)
{
    int64_t day = kh_day_of(us), s = (us - kh_day_start(day)) / KH_US_S, year;
    int month, d;

    kh_civil(day, &year, &month, &d);
    return kh_strf(a, "%04lld-%02d-%02dT%02d:%02d:%02d+07:00", (long long)year, month, d,
                   (int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60));
}

/* ---- errors ---- */

/* 404 for what is not there, 403 for keys, 400 for the rest; what is not about the request itself
 * keeps the status that HTTP has for it. */
static int status_of(int status)
{
    switch (status) {
    case 401:
        return 403;
    case 403:
    case 404:
    case 405:
    case 409:
    case 413:
    case 429:
        return status;
    default:
        return status >= 500 ? status : 400;
    }
}

static void put_error(struct kh_o311 *o, int status, struct kh_str text)
{
    kh_o311_item(o, "error");
    kh_o311_int(o, "code", status);
    kh_o311_text(o, "description", text);
    kh_o311_end(o);
}

enum kh_next kh_o311_error(struct kh_call *c, const struct kh_error *err)
{
    const struct kh_error_info *info = kh_error_info(err->code);
    int status = status_of(info->status);
    bool vi = !c->who || c->who->vi;
    struct kh_o311 o = kh_o311(c);
    const char *title = vi ? info->vi : info->en;
    struct kh_str detail = kh_cstr(err->detail);

    kh_o311_list(&o, "errors");
    for (size_t i = 0; err->issues && i < err->issues->n; i++) {
        const struct kh_issue *x = &err->issues->items[i];

        put_error(&o, status,
                  kh_strf(c->a, "%.*s: %.*s", KH_FMT(kh_str_skip(x->pointer, 1)),
                          KH_FMT(vi ? x->vi : x->en)));
    }
    if (!err->issues || err->issues->n == 0)
        put_error(&o, status,
                  detail.n && info->status < 500 && kh_str_utf8(detail)
                      ? kh_strf(c->a, "%s (%.*s)", title, KH_FMT(detail))
                      : kh_cstr(title));
    kh_o311_end(&o);
    if (status == 503)
        kh_reply_header(c, "Retry-After", KH_S("1"));
    return kh_reply_text(c, status,
                         o.xml ? "text/xml; charset=utf-8" : "application/json; charset=utf-8",
                         kh_buf_get(&o.b));
}
