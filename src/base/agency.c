/* SPDX-License-Identifier: Apache-2.0 */
#include "base/agency.h"

#include "base/buf.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return c >= 'A' && c <= 'Z';
}

/* M1M2M3: a letter of A to Y and two digits. */
static bool is_top(struct kh_str s)
{
    return s.n == 3 && s.p[0] >= 'A' && s.p[0] <= 'Y' && is_digit(s.p[1]) && is_digit(s.p[2]);
}

static bool is_group(struct kh_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_digit(s.p[i]) && !is_letter(s.p[i]))
            return false;
    return s.n > 0;
}

static bool is_zero(struct kh_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '0')
            return false;
    return true;
}

/* At most one group more than a code has. @return how many */
static size_t cut_groups(struct kh_str s, struct kh_str out[KH_AGENCY_LEVELS + 1])
{
    size_t n = 0;

    while (n <= KH_AGENCY_LEVELS) {
        struct kh_str rest = {NULL, 0}, all = s;

        out[n] = kh_str_cut(s, '.', &rest);
        n++;
        if (out[n - 1].n == all.n)
            break;
        s = rest;
    }
    return n;
}

/* Z01..Z99 and one run of up to 32 characters. */
static bool parse_scheme(struct kh_str s, struct kh_agency_code *ret)
{
    if (s.n < 4 || s.p[0] != 'Z' || !is_digit(s.p[1]) || !is_digit(s.p[2]) ||
        is_zero(kh_str(s.p + 1, 2)) || !is_group(kh_str_skip(s, 3)))
        return false;
    *ret = (struct kh_agency_code){.levels = 2, .scheme = true};
    ret->group[0] = kh_str(s.p, 3);
    ret->group[1] = kh_str_skip(s, 3);
    return true;
}

/* Old: the top last. Real messages also leave zero groups out ("28.22.H17") or stand below one that
 * is zero ("002.00.20.H13"), so only zeros at the lower end are dropped. */
static bool parse_old(const struct kh_str *g, size_t n, struct kh_agency_code *ret)
{
    struct kh_agency_code c = {0};

    if (n < 2 || !is_top(g[n - 1]))
        return false;
    for (size_t i = n; i-- > 0;) {
        if (g[i].n > 3)
            return false;
        c.group[c.levels++] = g[i];
    }
    while (is_zero(c.group[c.levels - 1]))
        c.levels--;
    *ret = c;
    return true;
}

bool kh_agency_parse(struct kh_str s, struct kh_agency_code *ret)
{
    struct kh_str g[KH_AGENCY_LEVELS + 1];
    struct kh_agency_code c = {0};
    size_t n;

    if (s.n == 0 || s.n > KH_AGENCY_CHARS)
        return false;
    if (s.p[0] == 'Z')
        return parse_scheme(s, ret);
    n = cut_groups(s, g);
    if (n > KH_AGENCY_LEVELS)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!is_group(g[i]))
            return false;
    if (!is_top(g[0]))
        return parse_old(g, n, ret);
    for (size_t i = 0; i < n; i++)
        c.group[c.levels++] = g[i];
    *ret = c;
    return true;
}

struct kh_str kh_agency_new(struct kh_arena *a, const struct kh_agency_code *c)
{
    struct kh_buf b = kh_buf(a, KH_AGENCY_CHARS + 1);

    for (unsigned i = 0; i < c->levels; i++) {
        if (i > 0 && !c->scheme)
            kh_buf_c(&b, '.');
        kh_buf_str(&b, c->group[i]);
    }
    return kh_buf_get(&b);
}

struct kh_str kh_agency_old(struct kh_arena *a, const struct kh_agency_code *c)
{
    static const size_t places[KH_AGENCY_LEVELS] = {3, 2, 2, 3}; /* from the top */
    struct kh_buf b = kh_buf(a, KH_AGENCY_CHARS);

    for (unsigned i = KH_AGENCY_LEVELS; i-- > 0;) {
        struct kh_str g = i < c->levels ? c->group[i] : KH_S("");

        if (c->scheme || g.n > places[i])
            return kh_str(NULL, 0);
        for (size_t k = g.n; k < places[i]; k++)
            kh_buf_c(&b, '0'); /* also fills up: 5 is 05 */
        kh_buf_str(&b, g);
        if (i > 0)
            kh_buf_c(&b, '.');
    }
    return kh_buf_get(&b);
}
