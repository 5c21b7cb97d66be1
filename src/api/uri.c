/* SPDX-License-Identifier: Apache-2.0 */
#include "api/uri.h"

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool kh_uri_decode(struct kh_arena *a, struct kh_str s, bool form, struct kh_str *ret)
{
    size_t i = 0, n = 0;
    char *p;

    while (i < s.n && s.p[i] != '%' && !(form && s.p[i] == '+'))
        i++;
    if (i == s.n) {
        *ret = s;
        return kh_str_utf8(s);
    }
    p = kh_alloc(a, s.n + 1);
    for (i = 0; i < s.n; i++) {
        if (s.p[i] == '%') {
            int hi = i + 2 < s.n ? hex(s.p[i + 1]) : -1, lo = i + 2 < s.n ? hex(s.p[i + 2]) : -1;

            if (hi < 0 || lo < 0)
                return false;
            p[n++] = (char)(hi * 16 + lo);
            i += 2;
        } else {
            p[n++] = s.p[i] == '+' && form ? ' ' : s.p[i];
        }
    }
    *ret = kh_str(p, n);
    return kh_str_utf8(*ret);
}

void kh_uri_encode(struct kh_buf *b, struct kh_str s)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                     c == '-' || c == '.' || c == '_' || c == '~';
        char e[3] = {'%', digits[c >> 4], digits[c & 15]};

        if (plain)
            kh_buf_c(b, (char)c);
        else
            kh_buf_add(b, e, 3);
    }
}

bool kh_list_next(struct kh_str *list, struct kh_str *ret_element)
{
    while (list->n) {
        bool quoted = false;
        size_t i;
        struct kh_str e;

        for (i = 0; i < list->n && (quoted || list->p[i] != ','); i++)
            if (list->p[i] == '"')
                quoted = !quoted;
            else if (list->p[i] == '\\' && quoted && i + 1 < list->n)
                i++;
        e = kh_str_trim(kh_str(list->p, i));
        *list = kh_str_skip(*list, i + 1);
        if (e.n) {
            *ret_element = e;
            return true;
        }
    }
    return false;
}

/* q = 0 to 1 with at most three decimals (RFC 9110 section 12.4.2). */
static int quality(struct kh_str s)
{
    int q = 0, digits = 3;

    if (s.n == 0 || s.n > 5 || (s.p[0] != '0' && s.p[0] != '1') || (s.n > 1 && s.p[1] != '.'))
        return 0;
    for (size_t i = 2; i < s.n; i++, digits--) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return 0;
        q = q * 10 + (s.p[i] - '0');
    }
    while (digits-- > 0)
        q *= 10;
    return s.p[0] == '1' ? 1000 : q;
}

struct kh_str kh_list_quality(struct kh_str element, int *ret_q)
{
    struct kh_str rest, word = kh_str_trim(kh_str_cut(element, ';', &rest));

    *ret_q = 1000;
    while (rest.n) {
        struct kh_str p = kh_str_trim(kh_str_cut(rest, ';', &rest));

        if (p.n >= 2 && (p.p[0] == 'q' || p.p[0] == 'Q') && p.p[1] == '=')
            *ret_q = quality(kh_str_skip(p, 2));
    }
    return word;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool kh_str_same(struct kh_str a, struct kh_str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

/* The text of a quoted string that starts s; *ret_used counts its bytes with the quotes. */
static struct kh_str unquote(struct kh_arena *a, struct kh_str s, size_t *ret_used)
{
    char *p = kh_alloc(a, s.n + 1);
    size_t n = 0, i;

    for (i = 1; i < s.n && s.p[i] != '"'; i++) {
        if (s.p[i] == '\\' && i + 1 < s.n && (s.p[i + 1] == '"' || s.p[i + 1] == '\\'))
            i++;
        p[n++] = s.p[i];
    }
    *ret_used = i < s.n ? i + 1 : s.n;
    return kh_str(p, n);
}

struct kh_str kh_field_param(struct kh_arena *a, struct kh_str field, const char *name)
{
    const char *at = field.n ? memchr(field.p, ';', field.n) : NULL;
    struct kh_str rest = at ? kh_str_skip(field, (size_t)(at - field.p) + 1) : kh_str(NULL, 0);

    while (rest.n) {
        struct kh_str key, value;
        size_t i = 0;

        while (i < rest.n && rest.p[i] != '=' && rest.p[i] != ';')
            i++;
        key = kh_str_trim(kh_str(rest.p, i));
        if (i == rest.n || rest.p[i] == ';') {
            rest = kh_str_skip(rest, i + 1);
            continue;
        }
        rest = kh_str_skip(rest, i + 1);
        while (rest.n && (rest.p[0] == ' ' || rest.p[0] == '\t'))
            rest = kh_str_skip(rest, 1);
        if (rest.n && rest.p[0] == '"') {
            value = unquote(a, rest, &i);
        } else {
            for (i = 0; i < rest.n && rest.p[i] != ';';)
                i++;
            value = kh_str_trim(kh_str(rest.p, i));
        }
        if (kh_str_same(key, kh_cstr(name)))
            return value.p ? value : kh_str("", 0);
        rest = kh_str_skip(rest, i);
        if (rest.n && rest.p[0] == ';')
            rest = kh_str_skip(rest, 1);
    }
    return kh_str(NULL, 0);
}
