/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of HTML forms. Source: WHATWG URL 5.1 (urlencoded), RFC 7578 and RFC 2046 5.1 (multipart). */
#include "api/call.h"

#include "api/uri.h"

enum { PARTS_MAX = 1000, PART_HEADERS_MAX = 16, BOUNDARY_MAX = 70 };

struct parts {
    struct kh_part *items;
    size_t n, cap;
};

static struct kh_part *add(struct kh_call *c, struct parts *ps, struct kh_error *err)
{
    if (ps->n == PARTS_MAX) {
        kh_fail(err, KH_EC_REQUEST_MALFORMED, "a form has at most %d parts", PARTS_MAX);
        return NULL;
    }
    ps->items = kh_grow(c->a, ps->items, ps->n, ps->n + 1, &ps->cap, sizeof(*ps->items));
    ps->items[ps->n] = (struct kh_part){.type = KH_STR_INIT("")};
    return &ps->items[ps->n++];
}

static bool read_urlencoded(struct kh_call *c, struct parts *ps, struct kh_error *err)
{
    struct kh_str rest = c->body;

    while (rest.n) {
        struct kh_str value, pair = kh_str_cut(rest, '&', &rest);
        struct kh_str name = kh_str_cut(pair, '=', &value);
        struct kh_part *p;

        if (pair.n == 0)
            continue;
        p = add(c, ps, err);
        if (!p)
            return false;
        if (!kh_uri_decode(c->a, name, true, &p->name) ||
            !kh_uri_decode(c->a, value, true, &p->value))
            return kh_fail(err, KH_EC_REQUEST_MALFORMED, "the form is not UTF-8 text");
    }
    return true;
}

/* The header of one part; *rest is moved behind its empty line. */
static bool read_part_header(struct kh_call *c, struct kh_str *rest, struct kh_part *p,
                             struct kh_error *err)
{
    bool named = false;

    for (int lines = 0; lines < PART_HEADERS_MAX; lines++) {
        const char *end = rest->n ? memmem(rest->p, rest->n, "\r\n", 2) : NULL;
        struct kh_str line, name, value;

        if (!end)
            break;
        line = kh_str(rest->p, (size_t)(end - rest->p));
        *rest = kh_str_skip(*rest, line.n + 2);
        if (line.n == 0)
            return named || kh_fail(err, KH_EC_REQUEST_MALFORMED, "a part of the form has no name");
        name = kh_str_trim(kh_str_cut(line, ':', &value));
        if (kh_str_same(name, KH_S("Content-Type")))
            p->type = kh_str_trim(value);
        if (!kh_str_same(name, KH_S("Content-Disposition")))
            continue;
        p->name = kh_field_param(c->a, value, "name");
        p->filename = kh_field_param(c->a, value, "filename");
        named = p->name.p != NULL;
        if (!kh_str_utf8(p->name) || !kh_str_utf8(p->filename))
            break;
    }
    return kh_fail(err, KH_EC_REQUEST_MALFORMED, "the header of a part of the form is broken");
}

static bool read_multipart(struct kh_call *c, struct kh_str boundary, struct parts *ps,
                           struct kh_error *err)
{
    struct kh_str mark = kh_strf(c->a, "\r\n--%.*s", KH_FMT(boundary)), rest = c->body;
    struct kh_str first = kh_str_skip(mark, 2);

    if (!kh_str_starts(rest, first))
        return kh_fail(err, KH_EC_REQUEST_MALFORMED, "the body does not start with its boundary");
    rest = kh_str_skip(rest, first.n);
    while (!kh_str_starts(rest, KH_S("--"))) {
        struct kh_part *p = add(c, ps, err);
        const char *end;

        if (!p)
            return false;
        while (rest.n && (rest.p[0] == ' ' || rest.p[0] == '\t'))
            rest = kh_str_skip(rest, 1);
        if (!kh_str_starts(rest, KH_S("\r\n")))
            return kh_fail(err, KH_EC_REQUEST_MALFORMED, "a boundary of the form is broken");
        rest = kh_str_skip(rest, 2);
        if (!read_part_header(c, &rest, p, err))
            return false;
        end = rest.n ? memmem(rest.p, rest.n, mark.p, mark.n) : NULL;
        if (!end)
            return kh_fail(err, KH_EC_REQUEST_MALFORMED, "a part of the form has no end");
        p->value = kh_str(rest.p, (size_t)(end - rest.p));
        rest = kh_str_skip(rest, p->value.n + mark.n);
    }
    return true;
}

bool kh_call_form(struct kh_call *c, struct kh_part **ret_parts, size_t *ret_n,
                  struct kh_error *err)
{
    struct kh_str rest, type = kh_str_trim(kh_str_cut(c->head.content_type, ';', &rest));
    struct parts ps = {0};

    if (kh_str_same(type, KH_S("application/x-www-form-urlencoded")) || type.n == 0) {
        if (!read_urlencoded(c, &ps, err))
            return false;
    } else if (kh_str_same(type, KH_S("multipart/form-data"))) {
        struct kh_str boundary = kh_field_param(c->a, c->head.content_type, "boundary");

        if (boundary.n == 0 || boundary.n > BOUNDARY_MAX)
            return kh_fail(err, KH_EC_REQUEST_MALFORMED, "multipart/form-data without a boundary");
        if (!read_multipart(c, boundary, &ps, err))
            return false;
    } else {
        return kh_fail(err, KH_EC_MEDIA_UNSUPPORTED,
                       "send application/x-www-form-urlencoded or multipart/form-data");
    }
    *ret_parts = ps.items;
    *ret_n = ps.n;
    return true;
}
