/* SPDX-License-Identifier: Apache-2.0 */
/* From the header that libmicrohttpd has read to the head of a call; what is ambiguous is refused,
 * since two readers of one ambiguous request (a proxy and we) may cut it differently.
 * Source: RFC 9112 sections 3.2, 6.1-6.3 and 11.2; W3C Trace Context (traceparent). */
#include "net/net_impl.h"

#include "api/uri.h"
#include "base/metrics.h"

enum { ONCE, LIST, COOKIE };

static const struct slot {
    const char *name;
    unsigned char n, many;
    unsigned short offset;
} slots[] = {
#define SLOT(text, field, many)                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1, many, offsetof(struct kh_head, field)                              \
    }
    SLOT("Accept", accept, LIST),
    SLOT("Accept-Encoding", accept_encoding, LIST),
    SLOT("Accept-Language", accept_language, LIST),
    SLOT("Authorization", authorization, ONCE),
    SLOT("Content-Encoding", content_encoding, LIST),
    SLOT("Content-Type", content_type, ONCE),
    SLOT("Cookie", cookie, COOKIE),
    SLOT("Host", host, ONCE),
    SLOT("Idempotency-Key", idempotency_key, ONCE),
    SLOT("If-Match", if_match, LIST),
    SLOT("If-None-Match", if_none_match, LIST),
    SLOT("Last-Event-ID", last_event_id, ONCE),
    SLOT("Origin", origin, ONCE),
    SLOT("Range", range, ONCE),
    SLOT("Sec-Fetch-Site", sec_fetch_site, ONCE),
    SLOT("X-API-Key", api_key, ONCE),
    SLOT("X-CSRF-Token", csrf, ONCE),
    SLOT("X-Purpose", purpose, ONCE),
    SLOT("traceparent", traceparent, ONCE),
#undef SLOT
};

struct reading {
    struct exchange *x;
    const char *wrong;
    struct kh_str length, coding;
    unsigned lengths, codings;
};

static struct kh_str *field_at(struct kh_head *h, const struct slot *s)
{
    return (struct kh_str *)(void *)((char *)h + s->offset);
}

static void fill(struct reading *r, const struct slot *s, struct kh_str value)
{
    struct kh_str *f = field_at(&r->x->call.head, s);

    if (!f->p) {
        *f = value.p ? value : kh_str("", 0);
        return;
    }
    if (s->many == ONCE)
        r->wrong = s->name;
    else
        *f = kh_strf(r->x->call.a, "%.*s%s%.*s", KH_FMT(*f), s->many == LIST ? ", " : "; ",
                     KH_FMT(value));
}

/* "Content-Length : 5" is no Content-Length to one reader and one to another. */
static bool is_token(struct kh_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     c == '-' || c == '_';

        if (!plain && (c <= 0x20 || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c)))
            return false;
    }
    return s.n > 0;
}

static enum MHD_Result header_seen(void *cls, enum MHD_ValueKind kind, const char *key,
                                   size_t key_n, const char *value, size_t value_n)
{
    struct reading *r = cls;
    struct kh_str name = kh_str(key, key_n), v = kh_str(value, value_n);

    (void)kind;
    if (value_n && memchr(value, 0, value_n))
        r->wrong = "U+0000 in a header";
    if (!is_token(name))
        r->wrong = "the name of a header is none";
    switch (key_n) {
    case 14:
        if (kh_str_same(name, KH_S("Content-Length"))) {
            r->length = v;
            r->lengths++;
            return MHD_YES;
        }
        break;
    case 17:
        if (kh_str_same(name, KH_S("Transfer-Encoding"))) {
            r->coding = v;
            r->codings++;
            return MHD_YES;
        }
        break;
    default:
        break;
    }
    for (size_t i = 0; i < KH_LEN(slots); i++)
        if (slots[i].n == key_n && kh_str_same(name, kh_str(slots[i].name, slots[i].n))) {
            fill(r, &slots[i], v);
            break;
        }
    return MHD_YES;
}

/* How long the body will be; both ways of saying it at once is an attack (request smuggling). */
static const char *read_length(struct reading *r, const char *version)
{
    int64_t n = 0;

    r->x->body_length = 0;
    if (r->lengths > 1)
        return "Content-Length is repeated";
    if (r->codings > 1 || (r->codings && r->lengths))
        return "Content-Length and Transfer-Encoding together";
    if (r->codings) {
        if (!kh_str_same(kh_str_trim(r->coding), KH_S("chunked")) ||
            strcmp(version, MHD_HTTP_VERSION_1_1) != 0)
            return "this Transfer-Encoding is not supported";
        r->x->body_length = UINT64_MAX;
    }
    if (r->lengths) {
        if (r->length.n == 0 || r->length.p[0] < '0' || r->length.p[0] > '9' ||
            !kh_str_int(r->length, &n))
            return "Content-Length is not a number";
        r->x->body_length = (uint64_t)n;
    }
    return NULL;
}

static bool is_hex(struct kh_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!(s.p[i] >= '0' && s.p[i] <= '9') && !(s.p[i] >= 'a' && s.p[i] <= 'f'))
            return false;
    return true;
}

/* 00-<trace id: 32>-<parent: 16>-<flags: 2> */
static bool read_trace(struct kh_str t, struct kh_str *ret_id)
{
    struct kh_str id;

    if (t.n < 55 || t.p[2] != '-' || t.p[35] != '-' || t.p[52] != '-' || !is_hex(kh_str(t.p, 2)) ||
        kh_str_starts(t, KH_S("ff")) || (t.n > 55 && t.p[55] != '-'))
        return false;
    id = kh_str(t.p + 3, 32);
    if (!is_hex(id) || kh_str_is(id, "00000000000000000000000000000000"))
        return false;
    *ret_id = id;
    return true;
}

/* Eight digits of the thread and eight of a counter: unique in this process, and cheap. */
static struct kh_str make_id(struct exchange *x)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t n = x->home->ids++;

    memcpy(x->id, x->home->id_base, 8);
    for (int i = 15; i >= 8; i--, n >>= 4)
        x->id[i] = digits[n & 15];
    return kh_str(x->id, 16);
}

enum kh_method kh_method_of(const char *m)
{
    static const char *const names[KH_METHODS] = {"GET",   "HEAD",   "POST",   "PUT",
                                                  "PATCH", "DELETE", "OPTIONS"};

    for (enum kh_method i = 0; i < KH_METHODS; i++)
        if (strcmp(m, names[i]) == 0)
            return i;
    return KH_METHODS;
}

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 87 : -1;
}

/* Every %XX must be one, and none may be %00, wherever it stands. */
static bool target_ok(struct kh_str t)
{
    for (size_t i = 0; i < t.n; i++) {
        unsigned char c = (unsigned char)t.p[i];

        if (c <= 0x20 || c == 0x7f || c == '#')
            return false;
        if (c != '%')
            continue;
        if (i + 2 >= t.n || hex(t.p[i + 1]) < 0 || hex(t.p[i + 2]) < 0 ||
            (t.p[i + 1] == '0' && t.p[i + 2] == '0'))
            return false;
        i += 2;
    }
    return true;
}

/* Cut "http://host" off the absolute form, and the query off the path. */
static void split_target(struct kh_call *c)
{
    struct kh_str t = c->target;
    const char *q;

    if (kh_str_starts(t, KH_S("http://")) || kh_str_starts(t, KH_S("https://"))) {
        struct kh_str rest = kh_str_skip(t, t.p[4] == 's' ? 8 : 7);
        const char *slash = rest.n ? memchr(rest.p, '/', rest.n) : NULL;

        t = slash ? kh_str_skip(rest, (size_t)(slash - rest.p)) : KH_S("/");
    }
    q = t.n ? memchr(t.p, '?', t.n) : NULL;
    c->target = q ? kh_str(t.p, (size_t)(q - t.p)) : t;
    c->query = q ? kh_str_skip(t, (size_t)(q - t.p) + 1) : kh_str(NULL, 0);
}

static bool is_proxy(const struct kh_net *net, const struct kh_addr *a)
{
    for (size_t i = 0; i < net->proxies_n; i++)
        if (kh_addr_in(a, &net->proxies[i]))
            return true;
    return false;
}

/* The last address in X-Forwarded-For that is no proxy of ours; what stands before it is hearsay. */
static void read_forwarded(struct exchange *x)
{
    struct kh_call *c = &x->call;
    struct kh_str list = c->ops->header(c, "X-Forwarded-For"), proto, one;
    struct kh_addr client = x->peer->addr, hops[32];
    size_t n = 0;

    while (kh_list_next(&list, &one) && n < KH_LEN(hops))
        if (kh_addr_parse(one, &hops[n]))
            n++;
        else
            n = 0;
    while (n && is_proxy(x->net, &client))
        client = hops[--n];
    if (memcmp(&client, &x->peer->addr, sizeof(client)) != 0) {
        char *z = kh_alloc(c->a, 46);

        c->peer = kh_str(z, kh_addr_put(&client, z));
        c->local = kh_addr_is_loopback(&client);
    }
    proto = c->ops->header(c, "X-Forwarded-Proto");
    if (kh_str_same(proto, KH_S("https")))
        c->tls = true;
}

/* Fill the head of the call; a fault is kept in c->err and ends the connection. */
void kh_exchange_head(struct exchange *x, const char *version)
{
    struct kh_call *c = &x->call;
    struct reading r = {.x = x};
    const char *wrong;

    c->id = make_id(x);
    c->peer = kh_str(x->peer->text, x->peer->text_n);
    c->local = x->peer->loopback;
    c->tls = x->net->tls;
    MHD_get_connection_values_n(x->conn, MHD_HEADER_KIND, header_seen, &r);
    wrong = read_length(&r, version);
    if (!wrong)
        wrong = r.wrong;
    /* Ours, not libmicrohttpd's: version 0.9.75 sends the header of its own errors twice. */
    if (!wrong && !c->head.host.p && strcmp(version, MHD_HTTP_VERSION_1_1) == 0)
        wrong = "Host is missing";
    if (!wrong && !target_ok(c->target))
        wrong = "the address has bytes that an address may not have";
    split_target(c);
    if (c->head.traceparent.n && read_trace(c->head.traceparent, &c->id))
        c->id = kh_str_dup(c->a, c->id);
    if (x->net->proxies_n && is_proxy(x->net, &x->peer->addr))
        read_forwarded(x);
    if (!wrong)
        return;
    kh_count(KH_M_HTTP_MALFORMED, 1);
    x->close_after = true;
    (void)kh_fail(&c->err, KH_EC_REQUEST_MALFORMED, "%s", wrong);
}
