/* SPDX-License-Identifier: Apache-2.0 */
#include "api/call.h"

#include "api/uri.h"
#include "base/time.h"

enum kh_next kh_reply_text(struct kh_call *c, int status, const char *type, struct kh_str body)
{
    c->reply.status = status;
    c->reply.type = kh_cstr(type);
    c->reply.body = body;
    return KH_REPLIED;
}

enum kh_next kh_reply_json(struct kh_call *c, int status, struct kh_str body)
{
    c->reply.status = status;
    c->reply.type = KH_S("application/json");
    c->reply.body = body;
    return KH_REPLIED;
}

enum kh_next kh_reply_empty(struct kh_call *c, int status)
{
    c->reply.status = status;
    c->reply.type = kh_str(NULL, 0);
    c->reply.body = kh_str(NULL, 0);
    return KH_REPLIED;
}

enum kh_next kh_reply_file(struct kh_call *c, int status, struct kh_str type, int fd, int64_t bytes)
{
    c->reply.status = status;
    c->reply.type = kh_str_dup(c->a, type);
    c->reply.has_fd = true;
    c->reply.fd = fd;
    c->reply.fd_bytes = bytes;
    return KH_REPLIED;
}

enum kh_next kh_reply_stream(struct kh_call *c, const char *type, struct kh_stream *s)
{
    c->reply.status = 200;
    c->reply.type = kh_cstr(type);
    c->reply.stream = s;
    return KH_REPLIED;
}

void kh_reply_header(struct kh_call *c, const char *name, struct kh_str value)
{
    struct kh_reply *r = &c->reply;
    char *z = kh_alloc(c->a, value.n + 1);
    size_t n = 0;

    /* A line break in a value would be a second header; nothing of the kind is ever meant. */
    for (size_t i = 0; i < value.n; i++)
        if ((unsigned char)value.p[i] >= 0x20 && value.p[i] != 0x7f)
            z[n++] = value.p[i];
    r->headers = kh_grow(c->a, r->headers, r->headers_n, r->headers_n + 1, &r->headers_cap,
                         sizeof(*r->headers));
    r->headers[r->headers_n++] = (struct kh_pair){kh_cstr(name), kh_str(z, n)};
}

static struct kh_str opaque(struct kh_str etag)
{
    return kh_str_starts(etag, KH_S("W/")) ? kh_str_skip(etag, 2) : etag;
}

bool kh_etag_listed(struct kh_str list, struct kh_str etag)
{
    struct kh_str one;

    while (kh_list_next(&list, &one))
        if (kh_str_is(one, "*") || kh_str_eq(opaque(one), opaque(etag)))
            return true;
    return false;
}

bool kh_reply_etag(struct kh_call *c, struct kh_str etag)
{
    kh_reply_header(c, "ETag", etag);
    if ((c->method != KH_GET && c->method != KH_HEAD) || !c->head.if_none_match.p ||
        !kh_etag_listed(c->head.if_none_match, etag))
        return false;
    kh_reply_empty(c, 304);
    return true;
}
