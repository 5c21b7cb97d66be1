/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_num.h"

#include "base/hash.h"

/* Beyond this an exponent is kept as text; sums of two such numbers still fit. */
#define EXP_MAX ((int64_t)1 << 60)

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The run of digits at the front of *s. */
static struct kh_str digits(struct kh_str *s)
{
    size_t n = 0;
    struct kh_str run;

    while (n < s->n && is_digit(s->p[n]))
        n++;
    run = kh_str(s->p, n);
    *s = kh_str_skip(*s, n);
    return run;
}

static struct kh_str drop_front_zeros(struct kh_str s)
{
    while (s.n && s.p[0] == '0')
        s = kh_str_skip(s, 1);
    return s;
}

static struct kh_str drop_end_zeros(struct kh_str s)
{
    while (s.n && s.p[s.n - 1] == '0')
        s.n--;
    return s;
}

/* Reads "e+12"; s stands behind the fraction. */
static bool parse_exp(struct kh_str s, struct kh_num *r, int64_t *ret_exp)
{
    bool neg;
    struct kh_str run;
    int64_t e = 0;

    *ret_exp = 0;
    if (s.n == 0)
        return true;
    if (s.p[0] != 'e' && s.p[0] != 'E')
        return false;
    s = kh_str_skip(s, 1);
    neg = s.n && s.p[0] == '-';
    if (s.n && (s.p[0] == '-' || s.p[0] == '+'))
        s = kh_str_skip(s, 1);
    run = digits(&s);
    if (run.n == 0 || s.n)
        return false;
    run = drop_front_zeros(run);
    if (run.n > 18) {
        r->huge = true;
        r->huge_text = run;
        e = EXP_MAX;
    } else {
        for (size_t i = 0; i < run.n; i++)
            e = e * 10 + (run.p[i] - '0');
        if (e > EXP_MAX / 2) {
            r->huge = true;
            r->huge_text = run;
            e = EXP_MAX;
        }
    }
    *ret_exp = neg ? -e : e;
    return true;
}

bool kh_num_parse(struct kh_str s, struct kh_num *ret)
{
    struct kh_num r = {0};
    struct kh_str whole, fraction = {0};
    int64_t exp;

    r.neg = s.n && s.p[0] == '-';
    if (r.neg)
        s = kh_str_skip(s, 1);
    whole = digits(&s);
    if (whole.n == 0 || (whole.n > 1 && whole.p[0] == '0'))
        return false;
    if (s.n && s.p[0] == '.') {
        s = kh_str_skip(s, 1);
        fraction = digits(&s);
        if (fraction.n == 0)
            return false;
    }
    if (!parse_exp(s, &r, &exp))
        return false;
    whole = drop_front_zeros(whole);
    r.tail = drop_end_zeros(fraction);
    if (whole.n) {
        r.exp = r.huge ? exp : exp + (int64_t)whole.n;
        r.head = r.tail.n ? whole : drop_end_zeros(whole);
    } else {
        r.head = drop_front_zeros(r.tail);
        r.exp = r.huge ? exp : exp - (int64_t)(r.tail.n - r.head.n);
        r.tail = kh_str(NULL, 0);
    }
    if (kh_num_zero(&r))
        r = (struct kh_num){0};
    *ret = r;
    return true;
}

static size_t count(const struct kh_num *a)
{
    return a->head.n + a->tail.n;
}

static char digit_at(const struct kh_num *a, size_t i)
{
    if (i < a->head.n)
        return a->head.p[i];
    return i - a->head.n < a->tail.n ? a->tail.p[i - a->head.n] : '0';
}

static int cmp_exp(const struct kh_num *a, const struct kh_num *b)
{
    if (a->exp != b->exp)
        return a->exp < b->exp ? -1 : 1;
    if (a->huge && b->huge) {
        int r = a->huge_text.n != b->huge_text.n ? (a->huge_text.n < b->huge_text.n ? -1 : 1)
                                                 : kh_str_cmp(a->huge_text, b->huge_text);

        return a->exp < 0 ? -r : r;
    }
    return 0;
}

int kh_num_cmp(const struct kh_num *a, const struct kh_num *b)
{
    int sign = a->neg ? -1 : 1, r;

    if (kh_num_zero(a) || kh_num_zero(b)) {
        if (kh_num_zero(a) && kh_num_zero(b))
            return 0;
        return kh_num_zero(a) ? (b->neg ? 1 : -1) : sign;
    }
    if (a->neg != b->neg)
        return sign;
    r = cmp_exp(a, b);
    if (r == 0) {
        size_t n = count(a) > count(b) ? count(a) : count(b);

        for (size_t i = 0; i < n && r == 0; i++)
            r = digit_at(a, i) - digit_at(b, i);
    }
    return r < 0 ? -sign : r > 0 ? sign : 0;
}

bool kh_num_is_int(const struct kh_num *a)
{
    if (kh_num_zero(a))
        return true;
    return a->huge ? a->exp > 0 : a->exp >= (int64_t)count(a);
}

bool kh_num_int(const struct kh_num *a, int64_t *ret)
{
    int64_t v = 0;

    if (!kh_num_is_int(a) || a->exp > 19)
        return false;
    /* Counted downwards, so that the smallest integer fits. */
    for (int64_t i = 0; i < a->exp; i++)
        if (__builtin_mul_overflow(v, (int64_t)10, &v) ||
            __builtin_sub_overflow(v, (int64_t)(digit_at(a, (size_t)i) - '0'), &v))
            return false;
    if (!a->neg && v == INT64_MIN)
        return false;
    *ret = a->neg ? v : -v;
    return true;
}

/* ---- remainders ---- */

enum { LIMB = 1000000000, LIMBS = KH_NUM_DIVISOR_DIGITS / 9 + 2 };

struct big {
    uint32_t v[LIMBS]; /* base 10^9, lowest first */
};

static void big_push_digit(struct big *x, unsigned d)
{
    uint64_t carry = d;

    for (size_t i = 0; i < LIMBS; i++) {
        carry += (uint64_t)x->v[i] * 10;
        x->v[i] = (uint32_t)(carry % LIMB);
        carry /= LIMB;
    }
}

static bool big_less(const struct big *x, const struct big *y)
{
    for (size_t i = LIMBS; i-- > 0;)
        if (x->v[i] != y->v[i])
            return x->v[i] < y->v[i];
    return false;
}

static void big_sub(struct big *x, const struct big *y)
{
    int64_t borrow = 0;

    for (size_t i = 0; i < LIMBS; i++) {
        int64_t d = (int64_t)x->v[i] - y->v[i] - borrow;

        borrow = d < 0;
        x->v[i] = (uint32_t)(d + (borrow ? LIMB : 0));
    }
}

/* Whether the n digits of a, then zeros zeros, are divisible by the digits of by. */
static bool divides_big(const struct kh_num *by, const struct kh_num *a, size_t zeros)
{
    struct big m = {{0}}, r = {{0}};

    for (size_t i = 0; i < count(by); i++)
        big_push_digit(&m, (unsigned)(digit_at(by, i) - '0'));
    for (size_t i = 0; i < count(a) + zeros; i++) {
        big_push_digit(&r, (unsigned)(digit_at(a, i) - '0'));
        while (!big_less(&r, &m))
            big_sub(&r, &m);
    }
    for (size_t i = 0; i < LIMBS; i++)
        if (r.v[i])
            return false;
    return true;
}

static bool divides_small(const struct kh_num *by, const struct kh_num *a, size_t zeros)
{
    uint64_t m = 0, r = 0;

    for (size_t i = 0; i < count(by); i++)
        m = m * 10 + (uint64_t)(digit_at(by, i) - '0');
    for (size_t i = 0; i < count(a) + zeros; i++)
        r = (r * 10 + (uint64_t)(digit_at(a, i) - '0')) % m;
    return r == 0;
}

bool kh_num_multiple(const struct kh_num *a, const struct kh_num *by)
{
    int64_t zeros;
    int order;

    KH_REQUIRE(!kh_num_zero(by) && count(by) <= KH_NUM_DIVISOR_DIGITS);
    if (kh_num_zero(a))
        return true;
    order = cmp_exp(a, by);
    if (order < 0)
        return false; /* nearer to zero than the divisor */
    /* Both digit strings end in a digit other than zero, so the last digit of the dividend must
     * not stand behind that of the divisor. Ten to a power brings in factors 2 and 5 only; more
     * of them than the divisor can hold (less than log2(10) per digit) change nothing. */
    zeros = (a->exp - (int64_t)count(a)) - (by->exp - (int64_t)count(by));
    if (a->huge && by->huge && order > 0)
        zeros = INT64_MAX; /* the exponents differ, but not in what fits */
    if (zeros < 0)
        return false;
    if (zeros > (int64_t)(4 * count(by)))
        zeros = (int64_t)(4 * count(by));
    return count(by) <= 18 ? divides_small(by, a, (size_t)zeros)
                           : divides_big(by, a, (size_t)zeros);
}

uint64_t kh_num_hash(const struct kh_num *a, uint64_t seed)
{
    uint64_t h, w = (uint64_t)a->exp * 2 + a->neg;

    /* The exponent is mixed in first: beside the digits it would cancel them out (7 and 10). */
    h = kh_hash64(kh_str((const char *)&w, sizeof(w)), seed);
    w = 0;

    /* By digit, since the decimal point falls where it likes. */
    for (size_t i = 0; i < count(a); i++) {
        w = w * 10 + (uint64_t)(digit_at(a, i) - '0');
        if (i % 18 == 17) {
            h = kh_hash64(kh_str((const char *)&w, sizeof(w)), h);
            w = 0;
        }
    }
    return kh_hash64(kh_str((const char *)&w, sizeof(w)), h);
}
