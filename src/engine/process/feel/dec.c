/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/process/feel/dec.h"

#include <bid_conf.h>
#include <bid_functions.h>

__extension__ typedef unsigned __int128 u128;

enum { BIAS = 6176, EXP_MAX = 6111, EXP_MIN = -6176, DIGITS = 34 };

#define SIGN     ((uint64_t)1 << 63)
#define COEFF_HI (((uint64_t)1 << 49) - 1)

/* 10^34, the first coefficient that is too large. */
static u128 coeff_end(void)
{
    return (u128)10000000000000000ULL * 1000000000000000000ULL;
}

static BID_UINT128 bid(struct kh_dec d)
{
    BID_UINT128 b;

    b.w[0] = d.w[0];
    b.w[1] = d.w[1];
    return b;
}

static bool give(BID_UINT128 b, struct kh_dec *ret)
{
    /* 11110 and 11111 after the sign are infinity and NaN. */
    if ((b.w[1] & 0x7800000000000000ULL) == 0x7800000000000000ULL)
        return false;
    ret->w[0] = b.w[0];
    ret->w[1] = b.w[1];
    return true;
}

static struct kh_dec make(bool neg, u128 coeff, int exp)
{
    struct kh_dec d;

    d.w[0] = (uint64_t)coeff;
    d.w[1] = (uint64_t)(coeff >> 64) | ((uint64_t)(exp + BIAS) << 49) | (neg ? SIGN : 0);
    return d;
}

static u128 coeff_of(struct kh_dec d)
{
    /* The second form of the encoding holds only coefficients that are too large: zero. */
    if ((d.w[1] & 0x6000000000000000ULL) == 0x6000000000000000ULL)
        return 0;
    return ((u128)(d.w[1] & COEFF_HI) << 64) | d.w[0];
}

static int exp_of(struct kh_dec d)
{
    if ((d.w[1] & 0x6000000000000000ULL) == 0x6000000000000000ULL)
        return 0;
    return (int)((d.w[1] >> 49) & 0x3FFF) - BIAS;
}

struct kh_dec kh_dec_int(int64_t v)
{
    return make(v < 0, v < 0 ? (u128)0 - (u128)v : (u128)v, 0);
}

/* ---- text ---- */

/* Digits of a number being read: 34 are kept, the rest decides the rounding. */
struct reading {
    u128 coeff;
    int kept;
    int64_t exp;   /* of the kept digits */
    unsigned next; /* first digit that was not kept */
    bool dropped, sticky;
};

static void take_digit(struct reading *r, unsigned digit, bool fraction)
{
    if (r->kept == 0 && digit == 0) {
        r->exp -= fraction;
        return;
    }
    if (r->kept < DIGITS) {
        r->coeff = r->coeff * 10 + digit;
        r->kept++;
        r->exp -= fraction;
        return;
    }
    if (!r->dropped) {
        r->dropped = true;
        r->next = digit;
    } else if (digit) {
        r->sticky = true;
    }
    r->exp += !fraction;
}

static bool place(struct reading *r, bool neg, struct kh_dec *ret)
{
    unsigned flags = 0;
    int step;

    if (r->dropped && (r->next > 5 || (r->next == 5 && (r->sticky || (r->coeff & 1))))) {
        r->coeff++;
        if (r->coeff == coeff_end()) {
            r->coeff /= 10;
            r->exp++;
        }
    }
    if (r->exp >= EXP_MIN && r->exp <= EXP_MAX) {
        *ret = make(neg && r->coeff, r->coeff, (int)r->exp);
        return true;
    }
    if (r->coeff == 0) {
        *ret = make(false, 0, r->exp < 0 ? EXP_MIN : EXP_MAX);
        return true;
    }
    step = r->exp > 20000 ? 20000 : r->exp < -20000 ? -20000 : (int)r->exp;
    return give(bid128_scalbn(bid(make(neg, r->coeff, 0)), step, BID_ROUNDING_TO_NEAREST, &flags),
                ret);
}

static bool read_exponent(struct kh_str s, size_t i, int64_t *ret)
{
    bool minus = i < s.n && s.p[i] == '-';
    int64_t e = 0;

    if (i < s.n && (s.p[i] == '-' || s.p[i] == '+'))
        i++;
    if (i == s.n)
        return false;
    for (; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        if (e < 1000000)
            e = e * 10 + (s.p[i] - '0');
    }
    *ret = minus ? -e : e;
    return true;
}

bool kh_dec_parse(struct kh_str s, struct kh_dec *ret)
{
    struct reading r = {0};
    bool neg = s.n && s.p[0] == '-', point = false, digits = false;
    size_t i = s.n && (s.p[0] == '-' || s.p[0] == '+');
    int64_t e = 0;

    for (; i < s.n; i++) {
        char c = s.p[i];

        if (c >= '0' && c <= '9') {
            digits = true;
            take_digit(&r, (unsigned)(c - '0'), point);
        } else if (c == '.' && !point) {
            point = true;
        } else if ((c == 'e' || c == 'E') && digits) {
            if (!read_exponent(s, i + 1, &e))
                return false;
            break;
        } else {
            return false;
        }
    }
    if (!digits || s.p[s.n - 1] == '.')
        return false;
    r.exp += e;
    return place(&r, neg, ret);
}

struct kh_str kh_dec_text(struct kh_arena *a, struct kh_dec d)
{
    char digits[40];
    u128 c = coeff_of(d);
    int exp = exp_of(d), n = 0, whole;
    bool neg = (d.w[1] & SIGN) && c;
    char *out, *p;

    if (c == 0 && exp > 0)
        exp = 0;
    do {
        digits[n++] = (char)('0' + (int)(c % 10));
        c /= 10;
    } while (c);
    /* Smaller than any sum of money, but a hostile exponent would give pages of zeros after the
     * point for a zero: zero shows its scale only as far as 34 digits go. */
    if (n == 1 && digits[0] == '0' && exp < -DIGITS)
        exp = 0;
    whole = n + exp; /* digits before the point */
    out = p =
        kh_alloc(a, (size_t)(neg + n + (exp > 0 ? exp : 0) + (whole <= 0 ? 1 - whole : 0) + 2));
    if (neg)
        *p++ = '-';
    if (whole <= 0) {
        *p++ = '0';
        *p++ = '.';
        for (int i = whole; i < 0; i++)
            *p++ = '0';
    }
    for (int i = n - 1; i >= 0; i--) {
        *p++ = digits[i];
        if (exp < 0 && i == -exp && i > 0)
            *p++ = '.';
    }
    for (int i = 0; i < exp; i++)
        *p++ = '0';
    return kh_str(out, (size_t)(p - out));
}

/* ---- arithmetic ---- */

/* Both are whole numbers below 2^62 in the plain form: the common case needs no library. */
static bool both_small(struct kh_dec x, struct kh_dec y, int64_t *ret_x, int64_t *ret_y)
{
    const uint64_t plain = (uint64_t)BIAS << 49;

    if ((x.w[1] & ~SIGN) != plain || (y.w[1] & ~SIGN) != plain || (x.w[0] | y.w[0]) >> 62)
        return false;
    *ret_x = x.w[1] & SIGN ? -(int64_t)x.w[0] : (int64_t)x.w[0];
    *ret_y = y.w[1] & SIGN ? -(int64_t)y.w[0] : (int64_t)y.w[0];
    return true;
}

bool kh_dec_add(struct kh_dec x, struct kh_dec y, struct kh_dec *ret)
{
    unsigned flags = 0;
    int64_t a, b;

    if (both_small(x, y, &a, &b)) {
        *ret = kh_dec_int(a + b);
        return true;
    }
    return give(bid128_add(bid(x), bid(y), BID_ROUNDING_TO_NEAREST, &flags), ret);
}

bool kh_dec_sub(struct kh_dec x, struct kh_dec y, struct kh_dec *ret)
{
    return kh_dec_add(x, kh_dec_neg(y), ret);
}

bool kh_dec_mul(struct kh_dec x, struct kh_dec y, struct kh_dec *ret)
{
    unsigned flags = 0;
    int64_t a, b, product;

    if (both_small(x, y, &a, &b) && !__builtin_mul_overflow(a, b, &product)) {
        *ret = kh_dec_int(product);
        return true;
    }
    return give(bid128_mul(bid(x), bid(y), BID_ROUNDING_TO_NEAREST, &flags), ret);
}

bool kh_dec_div(struct kh_dec x, struct kh_dec y, struct kh_dec *ret)
{
    unsigned flags = 0;

    return give(bid128_div(bid(x), bid(y), BID_ROUNDING_TO_NEAREST, &flags), ret);
}

/* These functions fill up to 34 digits: 4 ** 0.5 is 2, not 2.000... */
static bool give_short(BID_UINT128 b, struct kh_dec *ret)
{
    if (!give(b, ret))
        return false;
    *ret = kh_dec_trim(*ret);
    return true;
}

static bool pow_whole(struct kh_dec x, uint64_t n, struct kh_dec *ret)
{
    struct kh_dec r = kh_dec_int(1);

    for (;;) {
        if ((n & 1) && !kh_dec_mul(r, x, &r))
            return false;
        n >>= 1;
        if (n == 0)
            break;
        if (!kh_dec_mul(x, x, &x))
            return false;
    }
    *ret = r;
    return true;
}

bool kh_dec_pow(struct kh_dec x, struct kh_dec y, struct kh_dec *ret)
{
    unsigned flags = 0;
    int64_t n;

    if (kh_dec_to_int(y, &n) && n > -1000000000 && n < 1000000000) {
        struct kh_dec r;

        if (kh_dec_sign(x) == 0 && n < 0)
            return false;
        if (n >= 0)
            return pow_whole(x, (uint64_t)n, ret);
        /* 1 / x^n; where x^n is too large the result is as good as zero, and (1/x)^n says so. */
        if (pow_whole(x, (uint64_t)-n, &r))
            return kh_dec_div(kh_dec_int(1), r, ret);
        return kh_dec_div(kh_dec_int(1), x, &r) && pow_whole(r, (uint64_t)-n, ret);
    }
    return give_short(bid128_pow(bid(x), bid(y), BID_ROUNDING_TO_NEAREST, &flags), ret);
}

bool kh_dec_sqrt(struct kh_dec x, struct kh_dec *ret)
{
    unsigned flags = 0;

    return kh_dec_sign(x) >= 0 && give(bid128_sqrt(bid(x), BID_ROUNDING_TO_NEAREST, &flags), ret);
}

bool kh_dec_log(struct kh_dec x, struct kh_dec *ret)
{
    unsigned flags = 0;

    return kh_dec_sign(x) > 0 &&
           give_short(bid128_log(bid(x), BID_ROUNDING_TO_NEAREST, &flags), ret);
}

bool kh_dec_exp(struct kh_dec x, struct kh_dec *ret)
{
    unsigned flags = 0;

    return give_short(bid128_exp(bid(x), BID_ROUNDING_TO_NEAREST, &flags), ret);
}

bool kh_dec_modulo(struct kh_dec x, struct kh_dec y, struct kh_dec *ret)
{
    unsigned flags = 0;
    struct kh_dec r;

    if (kh_dec_sign(y) == 0 || !give(bid128_fmod(bid(x), bid(y), &flags), &r))
        return false;
    /* fmod has the sign of the dividend; FEEL wants that of the divisor. */
    if (kh_dec_sign(r) != 0 && kh_dec_sign(r) != kh_dec_sign(y) && !kh_dec_add(r, y, &r))
        return false;
    *ret = r;
    return true;
}

/* Half down has no mode in the library: round down, and up again if more than half was cut. */
static bool scale_half_down(struct kh_dec x, int scale, struct kh_dec *ret)
{
    struct kh_dec down, rest, half;

    if (!kh_dec_scale(x, scale, KH_DEC_DOWN, &down) || !kh_dec_sub(x, down, &rest))
        return false;
    half = scale < -EXP_MIN ? make(false, 5, -scale - 1) : kh_dec_int(0);
    if (kh_dec_cmp(kh_dec_abs(rest), half) > 0)
        return kh_dec_scale(x, scale, KH_DEC_UP, ret);
    *ret = down;
    return true;
}

bool kh_dec_scale(struct kh_dec x, int scale, enum kh_dec_round how, struct kh_dec *ret)
{
    static const unsigned mode[] = {
        [KH_DEC_HALF_EVEN] = BID_ROUNDING_TO_NEAREST, [KH_DEC_FLOOR] = BID_ROUNDING_DOWN,
        [KH_DEC_CEILING] = BID_ROUNDING_UP,           [KH_DEC_DOWN] = BID_ROUNDING_TO_ZERO,
        [KH_DEC_UP] = BID_ROUNDING_TO_ZERO,           [KH_DEC_HALF_UP] = BID_ROUNDING_TIES_AWAY,
        [KH_DEC_HALF_DOWN] = BID_ROUNDING_TO_NEAREST,
    };
    unsigned flags = 0, m = mode[how];

    if (scale < -EXP_MAX || scale > -EXP_MIN)
        return false;
    if (how == KH_DEC_HALF_DOWN)
        return scale_half_down(x, scale, ret);
    if (how == KH_DEC_UP)
        m = kh_dec_sign(x) < 0 ? BID_ROUNDING_DOWN : BID_ROUNDING_UP;
    if (give(bid128_quantize(bid(x), bid(make(false, 1, -scale)), m, &flags), ret)) {
        if (kh_dec_sign(*ret) == 0)
            *ret = kh_dec_abs(*ret);
        return true;
    }
    /* The wanted scale needs more than 34 digits: then nothing is cut. */
    *ret = x;
    return true;
}

struct kh_dec kh_dec_neg(struct kh_dec x)
{
    if (coeff_of(x))
        x.w[1] ^= SIGN;
    return x;
}

struct kh_dec kh_dec_abs(struct kh_dec x)
{
    x.w[1] &= ~SIGN;
    return x;
}

int kh_dec_cmp(struct kh_dec x, struct kh_dec y)
{
    unsigned flags = 0;
    int64_t a, b;

    if (both_small(x, y, &a, &b))
        return a < b ? -1 : a > b;
    if (bid128_quiet_less(bid(x), bid(y), &flags))
        return -1;
    return bid128_quiet_greater(bid(x), bid(y), &flags);
}

int kh_dec_sign(struct kh_dec x)
{
    return coeff_of(x) == 0 ? 0 : x.w[1] & SIGN ? -1 : 1;
}

bool kh_dec_is_whole(struct kh_dec x)
{
    unsigned flags = 0;
    struct kh_dec r;

    if (exp_of(x) >= 0)
        return true;
    return give(bid128_round_integral_zero(bid(x), &flags), &r) && kh_dec_cmp(r, x) == 0;
}

bool kh_dec_to_int(struct kh_dec x, int64_t *ret)
{
    u128 c = coeff_of(x);
    int exp = exp_of(x);

    for (; exp < 0 && c; exp++) {
        if (c % 10)
            return false;
        c /= 10;
    }
    for (; exp > 0 && c; exp--) {
        if (c > (u128)INT64_MAX)
            return false;
        c *= 10;
    }
    if (c > (u128)INT64_MAX)
        return false;
    *ret = x.w[1] & SIGN ? -(int64_t)c : (int64_t)c;
    return true;
}

double kh_dec_to_double(struct kh_dec x)
{
    unsigned flags = 0;

    return bid128_to_binary64(bid(x), BID_ROUNDING_TO_NEAREST, &flags);
}

struct kh_dec kh_dec_trim(struct kh_dec x)
{
    u128 c = coeff_of(x);
    int exp = exp_of(x);

    if (c == 0)
        return kh_dec_int(0);
    while (exp < 0 && c % 10 == 0) {
        c /= 10;
        exp++;
    }
    return make(x.w[1] & SIGN, c, exp);
}
