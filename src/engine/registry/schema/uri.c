/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/registry/schema/uri.h"

#include "base/buf.h"

static bool is_alpha(char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* ---- parts ---- */

/* Cuts s at the first byte of stops and returns what stands before it. */
static struct kh_str until(struct kh_str *s, const char *stops)
{
    size_t n = 0;
    struct kh_str part;

    while (n < s->n && !(s->p[n] && strchr(stops, s->p[n])))
        n++;
    part = kh_str(s->p, n);
    *s = kh_str_skip(*s, n);
    return part;
}

static size_t scheme_length(struct kh_str s)
{
    size_t n = 0;

    if (s.n == 0 || !is_alpha(s.p[0]))
        return 0;
    while (n < s.n && (is_alpha(s.p[n]) || is_digit(s.p[n]) || strchr("+-.", s.p[n])))
        n++;
    return n < s.n && s.p[n] == ':' ? n : 0;
}

struct kh_uri kh_uriref_split(struct kh_str s)
{
    struct kh_uri u = {0};
    size_t n = scheme_length(s);

    if (n) {
        u.scheme = kh_str(s.p, n);
        s = kh_str_skip(s, n + 1);
    }
    if (kh_str_starts(s, KH_S("//"))) {
        s = kh_str_skip(s, 2);
        u.authority = until(&s, "/?#");
    }
    u.path = until(&s, "?#");
    if (!u.path.p)
        u.path.p = "";
    if (s.n && s.p[0] == '?') {
        s = kh_str_skip(s, 1);
        u.query = until(&s, "#");
    }
    if (s.n && s.p[0] == '#')
        u.fragment = kh_str_skip(s, 1);
    return u;
}

/* ---- resolving ---- */

/* RFC 3986 section 5.2.4, with the output in b. */
static void remove_dots(struct kh_buf *b, struct kh_str in)
{
    size_t start = b->n;

    while (in.n) {
        size_t n;

        if (kh_str_starts(in, KH_S("../"))) {
            in = kh_str_skip(in, 3);
        } else if (kh_str_starts(in, KH_S("./"))) {
            in = kh_str_skip(in, 2);
        } else if (kh_str_starts(in, KH_S("/./"))) {
            in = kh_str_skip(in, 2);
        } else if (kh_str_is(in, "/.")) {
            in = KH_S("/");
        } else if (kh_str_starts(in, KH_S("/../")) || kh_str_is(in, "/..")) {
            in = in.n == 3 ? KH_S("/") : kh_str_skip(in, 3);
            while (b->n > start && b->p[b->n - 1] != '/')
                b->n--;
            if (b->n > start)
                b->n--;
        } else if (kh_str_is(in, ".") || kh_str_is(in, "..")) {
            in.n = 0;
        } else {
            for (n = 1; n < in.n && in.p[n] != '/';)
                n++;
            kh_buf_add(b, in.p, n);
            in = kh_str_skip(in, n);
        }
    }
}

/* RFC 3986 section 5.2.3 */
static struct kh_str merge(struct kh_arena *a, const struct kh_uri *base, struct kh_str path)
{
    size_t n = base->path.n;

    if (base->authority.p && n == 0)
        return kh_strf(a, "/%.*s", KH_FMT(path));
    while (n && base->path.p[n - 1] != '/')
        n--;
    return kh_strf(a, "%.*s%.*s", (int)n, base->path.p, KH_FMT(path));
}

struct kh_str kh_uriref_resolve(struct kh_arena *a, struct kh_str base, struct kh_str ref,
                                struct kh_str *ret_fragment)
{
    struct kh_uri b = kh_uriref_split(base), r = kh_uriref_split(ref), t = r;
    struct kh_buf out = kh_buf(a, base.n + ref.n + 16);
    bool dots = true;

    *ret_fragment = r.fragment;
    if (!r.scheme.p) {
        t.scheme = b.scheme;
        if (!r.authority.p) {
            t.authority = b.authority;
            if (r.path.n == 0) {
                t.path = b.path;
                t.query = r.query.p ? r.query : b.query;
                dots = false;
            } else if (r.path.p[0] != '/') {
                t.path = merge(a, &b, r.path);
            }
        }
    }
    if (t.scheme.p) {
        kh_buf_str(&out, t.scheme);
        kh_buf_c(&out, ':');
    }
    if (t.authority.p) {
        kh_buf_z(&out, "//");
        kh_buf_str(&out, t.authority);
    }
    if (dots)
        remove_dots(&out, t.path);
    else
        kh_buf_str(&out, t.path);
    if (t.query.p) {
        kh_buf_c(&out, '?');
        kh_buf_str(&out, t.query);
    }
    return out.n ? kh_buf_get(&out) : KH_S("");
}

bool kh_uriref_decode(struct kh_arena *a, struct kh_str s, struct kh_str *ret)
{
    char *out;
    size_t n = 0;

    if (s.n == 0 || !memchr(s.p, '%', s.n)) {
        *ret = s;
        return true;
    }
    out = kh_alloc(a, s.n);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '%') {
            if (i + 2 >= s.n || hex_value(s.p[i + 1]) < 0 || hex_value(s.p[i + 2]) < 0)
                return false;
            out[n++] = (char)(hex_value(s.p[i + 1]) << 4 | hex_value(s.p[i + 2]));
            i += 2;
        } else {
            out[n++] = s.p[i];
        }
    }
    *ret = kh_str(out, n);
    return true;
}

/* ---- grammar ---- */

bool kh_ipv4_ok(struct kh_str s)
{
    int parts = 0;

    for (;;) {
        struct kh_str rest, part = kh_str_cut(s, '.', &rest);
        int v = 0;

        if (part.n == 0 || part.n > 3 || (part.n > 1 && part.p[0] == '0'))
            return false;
        for (size_t i = 0; i < part.n; i++) {
            if (!is_digit(part.p[i]))
                return false;
            v = v * 10 + (part.p[i] - '0');
        }
        if (v > 255)
            return false;
        parts++;
        if (part.n == s.n)
            return parts == 4;
        s = rest;
    }
}

/* Groups of four digits at the front of *s, ending before "::" or the end; an IPv4 address may
 * stand for the last two. @return their number, -1 if the text is wrong */
static int groups(struct kh_str *s)
{
    int n = 0;

    if (s->n == 0 || kh_str_starts(*s, KH_S("::")))
        return 0;
    for (;;) {
        size_t len = 0;

        while (len < s->n && hex_value(s->p[len]) >= 0)
            len++;
        if (len < s->n && s->p[len] == '.') {
            bool ok = kh_ipv4_ok(*s);

            *s = kh_str_skip(*s, s->n);
            return ok ? n + 2 : -1;
        }
        if (len == 0 || len > 4)
            return -1;
        n++;
        *s = kh_str_skip(*s, len);
        if (s->n == 0 || kh_str_starts(*s, KH_S("::")))
            return n;
        if (s->p[0] != ':' || s->n == 1)
            return -1;
        *s = kh_str_skip(*s, 1);
    }
}

bool kh_ipv6_ok(struct kh_str s)
{
    int front, back;

    /* An IPv4 tail in front of "::" has eaten the rest, so that the text is then refused. */
    front = groups(&s);
    if (front < 0)
        return false;
    if (s.n == 0)
        return front == 8;
    s = kh_str_skip(s, 2);
    back = groups(&s);
    return back >= 0 && s.n == 0 && front + back < 8;
}

/* A byte of UTF-8 that RFC 3987 allows in an IRI: private characters and what is no character are
 * not told apart. */
static bool beyond_ascii(char c)
{
    return (unsigned char)c >= 0x80;
}

/* Whether every byte of s is unreserved, a whole %XX, or one of also. */
static bool only(struct kh_str s, const char *also, bool iri)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (is_alpha(c) || is_digit(c) || (iri && beyond_ascii(c)) || (c && strchr(also, c)))
            continue;
        if (c != '%' || i + 2 >= s.n || hex_value(s.p[i + 1]) < 0 || hex_value(s.p[i + 2]) < 0)
            return false;
        i += 2;
    }
    return true;
}

#define UNRESERVED "-._~"
#define SUBDELIMS  "!$&'()*+,;="

/* IP-literal without its brackets */
static bool ip_literal_ok(struct kh_str s)
{
    size_t n = 1;

    if (s.n == 0 || (s.p[0] | 0x20) != 'v')
        return kh_ipv6_ok(s);
    while (n < s.n && hex_value(s.p[n]) >= 0)
        n++;
    if (n == 1 || n >= s.n || s.p[n] != '.')
        return false;
    s = kh_str_skip(s, n + 1);
    return s.n && !memchr(s.p, '%', s.n) && only(s, UNRESERVED SUBDELIMS ":", false);
}

static bool authority_ok(struct kh_str s, bool iri)
{
    const char *at = s.n ? memchr(s.p, '@', s.n) : NULL;
    struct kh_str host;
    size_t n;

    if (at) {
        struct kh_str user = kh_str(s.p, (size_t)(at - s.p));

        if (!only(user, UNRESERVED SUBDELIMS ":", iri))
            return false;
        s = kh_str_skip(s, user.n + 1);
    }
    if (s.n && s.p[0] == '[') {
        const char *end = memchr(s.p, ']', s.n);

        if (!end || !ip_literal_ok(kh_str(s.p + 1, (size_t)(end - s.p) - 1)))
            return false;
        s = kh_str_skip(s, (size_t)(end - s.p) + 1);
    } else {
        host = until(&s, ":");
        if (!only(host, UNRESERVED SUBDELIMS, iri))
            return false;
    }
    if (s.n == 0)
        return true;
    if (s.p[0] != ':')
        return false;
    for (n = 1; n < s.n; n++)
        if (!is_digit(s.p[n]))
            return false;
    return true;
}

bool kh_uriref_ok(struct kh_str s, bool iri, bool absolute)
{
    struct kh_uri u = kh_uriref_split(s);

    if (absolute && !u.scheme.p)
        return false;
    if (u.authority.p && !authority_ok(u.authority, iri))
        return false;
    if (!only(u.path, UNRESERVED SUBDELIMS ":@/", iri))
        return false;
    /* The first segment of a relative path may not look like a scheme. */
    if (!u.scheme.p && !u.authority.p) {
        struct kh_str rest, first = kh_str_cut(u.path, '/', &rest);

        if (first.n && memchr(first.p, ':', first.n))
            return false;
    }
    return only(u.query, UNRESERVED SUBDELIMS ":@/?", iri) &&
           only(u.fragment, UNRESERVED SUBDELIMS ":@/?", iri);
}
