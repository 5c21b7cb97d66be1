/* SPDX-License-Identifier: Apache-2.0 */
#include "base/kh.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

int kh_str_cmp(struct kh_str a, struct kh_str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int r = n ? memcmp(a.p, b.p, n) : 0;

    if (r != 0)
        return r;
    return a.n < b.n ? -1 : a.n > b.n;
}

struct kh_str kh_str_cut(struct kh_str s, char sep, struct kh_str *ret_rest)
{
    const char *at = s.n ? memchr(s.p, sep, s.n) : NULL;

    if (!at) {
        *ret_rest = kh_str_skip(s, s.n);
        return s;
    }
    *ret_rest = kh_str_skip(s, (size_t)(at - s.p) + 1);
    return kh_str(s.p, (size_t)(at - s.p));
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct kh_str kh_str_trim(struct kh_str s)
{
    while (s.n && is_space(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

bool kh_str_int(struct kh_str s, int64_t *ret_value)
{
    bool neg = s.n && s.p[0] == '-';
    int64_t v = 0;

    if (s.n == (size_t)neg || s.n > 20)
        return false;
    for (size_t i = neg; i < s.n; i++) {
        int d = s.p[i] - '0';

        if (d < 0 || d > 9 || __builtin_mul_overflow(v, (int64_t)10, &v) ||
            __builtin_sub_overflow(v, (int64_t)d, &v))
            return false;
    }
    /* Counted downwards, so that the smallest integer fits. */
    if (!neg && v == INT64_MIN)
        return false;
    *ret_value = neg ? v : -v;
    return true;
}

bool kh_str_double(struct kh_str s, double *ret_value)
{
    char z[64], *end = NULL;
    double v;

    if (s.n == 0 || s.n >= sizeof(z) || !(s.p[0] == '-' || (s.p[0] >= '0' && s.p[0] <= '9')))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!strchr("0123456789+-.eE", s.p[i]) || s.p[i] == '\0')
            return false;
    memcpy(z, s.p, s.n);
    z[s.n] = '\0';
    errno = 0;
    v = strtod(z, &end);
    if (*end != '\0' || !isfinite(v))
        return false;
    *ret_value = v;
    return true;
}

/* Length of the well-formed sequence at p, 0 if there is none (Unicode 15, table 3-7). */
static size_t utf8_step(const unsigned char *p, size_t n)
{
    unsigned lo = 0x80, hi = 0xBF;
    size_t len;

    if (p[0] < 0x80)
        return p[0] != 0;
    if (p[0] >= 0xC2 && p[0] <= 0xDF) {
        len = 2;
    } else if ((p[0] & 0xF0) == 0xE0) {
        len = 3;
        lo = p[0] == 0xE0 ? 0xA0 : lo;
        hi = p[0] == 0xED ? 0x9F : hi;
    } else if (p[0] >= 0xF0 && p[0] <= 0xF4) {
        len = 4;
        lo = p[0] == 0xF0 ? 0x90 : lo;
        hi = p[0] == 0xF4 ? 0x8F : hi;
    } else {
        return 0;
    }
    if (n < len || p[1] < lo || p[1] > hi)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    return len;
}

bool kh_str_utf8(struct kh_str s)
{
    const unsigned char *p = (const unsigned char *)s.p;

    for (size_t i = 0; i < s.n;) {
        size_t step = utf8_step(p + i, s.n - i);

        if (step == 0)
            return false;
        i += step;
    }
    return true;
}
