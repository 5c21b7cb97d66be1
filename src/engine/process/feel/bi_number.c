/* SPDX-License-Identifier: Apache-2.0 */
/* Numeric functions (DMN 1.5 table 76). */
#include "engine/process/feel/builtin.h"
#include "engine/process/feel/when.h"

static bool none(const struct feel_args *args)
{
    return feel_domain(args, "There is no such number", "Không có số này");
}

/* scale is optional where the function allows one argument. */
static bool rounded(const struct feel_args *args, enum kh_dec_round how, struct kh_feel_value *ret)
{
    struct kh_dec n;
    int64_t scale = 0;

    if (!feel_arg_num(args, 0, &n) || (args->n > 1 && !feel_arg_int(args, 1, &scale)))
        return true;
    if (scale < -6111 || scale > 6176 || !kh_dec_scale(n, (int)scale, how, &n))
        return none(args);
    *ret = feel_num(n);
    return true;
}

bool feel_bi_decimal(const struct feel_args *args, struct kh_feel_value *ret)
{
    return rounded(args, KH_DEC_HALF_EVEN, ret);
}

bool feel_bi_floor(const struct feel_args *args, struct kh_feel_value *ret)
{
    return rounded(args, KH_DEC_FLOOR, ret);
}

bool feel_bi_ceiling(const struct feel_args *args, struct kh_feel_value *ret)
{
    return rounded(args, KH_DEC_CEILING, ret);
}

bool feel_bi_round_up(const struct feel_args *args, struct kh_feel_value *ret)
{
    return rounded(args, KH_DEC_UP, ret);
}

bool feel_bi_round_down(const struct feel_args *args, struct kh_feel_value *ret)
{
    return rounded(args, KH_DEC_DOWN, ret);
}

bool feel_bi_round_half_up(const struct feel_args *args, struct kh_feel_value *ret)
{
    return rounded(args, KH_DEC_HALF_UP, ret);
}

bool feel_bi_round_half_down(const struct feel_args *args, struct kh_feel_value *ret)
{
    return rounded(args, KH_DEC_HALF_DOWN, ret);
}

bool feel_bi_abs(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_feel_value v = args->v[0];

    if (v.kind == KH_FEEL_YM_DURATION)
        *ret = feel_months(v.months < 0 ? -v.months : v.months);
    else if (v.kind == KH_FEEL_DT_DURATION && v.span.s >= 0)
        *ret = v;
    else if (v.kind == KH_FEEL_DT_DURATION)
        return feel_shift(feel_span(0, 0), v, -1, ret) || none(args);
    else if (feel_arg(args, 0, KH_FEEL_NUMBER, &v))
        *ret = feel_num(kh_dec_abs(v.num));
    return true;
}

bool feel_bi_modulo(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_dec x, y;

    if (!feel_arg_num(args, 0, &x) || !feel_arg_num(args, 1, &y))
        return true;
    if (!kh_dec_modulo(x, y, &x))
        return none(args);
    *ret = feel_num(x);
    return true;
}

static bool one(const struct feel_args *args, bool (*fn)(struct kh_dec, struct kh_dec *),
                struct kh_feel_value *ret)
{
    struct kh_dec x;

    if (!feel_arg_num(args, 0, &x))
        return true;
    if (!fn(x, &x))
        return none(args);
    *ret = feel_num(x);
    return true;
}

bool feel_bi_sqrt(const struct feel_args *args, struct kh_feel_value *ret)
{
    return one(args, kh_dec_sqrt, ret);
}

bool feel_bi_log(const struct feel_args *args, struct kh_feel_value *ret)
{
    return one(args, kh_dec_log, ret);
}

bool feel_bi_exp(const struct feel_args *args, struct kh_feel_value *ret)
{
    return one(args, kh_dec_exp, ret);
}

/* n modulo 2 is r. */
static bool parity(const struct feel_args *args, int64_t r, struct kh_feel_value *ret)
{
    struct kh_dec n, rest;

    if (!feel_arg_num(args, 0, &n))
        return true;
    if (!kh_dec_modulo(n, kh_dec_int(2), &rest))
        return none(args);
    *ret = feel_bool(kh_dec_cmp(rest, kh_dec_int(r)) == 0);
    return true;
}

bool feel_bi_odd(const struct feel_args *args, struct kh_feel_value *ret)
{
    return parity(args, 1, ret);
}

bool feel_bi_even(const struct feel_args *args, struct kh_feel_value *ret)
{
    return parity(args, 0, ret);
}
