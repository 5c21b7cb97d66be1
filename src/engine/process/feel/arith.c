/* SPDX-License-Identifier: Apache-2.0 */
/* + - * / ** and negation (DMN 1.5 tables 56-62). */
#include "engine/process/feel/eval.h"
#include "engine/process/feel/when.h"

static bool is_duration(struct kh_feel_value v)
{
    return v.kind == KH_FEEL_YM_DURATION || v.kind == KH_FEEL_DT_DURATION;
}

static bool numbers(enum feel_op op, struct kh_dec x, struct kh_dec y, struct kh_dec *ret)
{
    switch ((int)op) {
    case FN_ADD:
        return kh_dec_add(x, y, ret);
    case FN_SUB:
        return kh_dec_sub(x, y, ret);
    case FN_MUL:
        return kh_dec_mul(x, y, ret);
    case FN_DIV:
        return kh_dec_sign(y) != 0 && kh_dec_div(x, y, ret);
    default:
        return kh_dec_cmp(kh_dec_abs(y), kh_dec_int(999999999)) <= 0 && kh_dec_pow(x, y, ret);
    }
}

static bool concat(struct feel_run *r, struct kh_str x, struct kh_str y, bool *ret_ok,
                   struct kh_feel_value *ret)
{
    char *p;

    *ret_ok = x.n + y.n <= FEEL_TEXT_MAX;
    if (!*ret_ok)
        return true;
    if (!feel_pay(r, (x.n + y.n) / 64))
        return false;
    p = kh_alloc(r->a, x.n + y.n);
    if (x.n)
        memcpy(p, x.p, x.n);
    if (y.n)
        memcpy(p + x.n, y.p, y.n);
    *ret = feel_str(kh_str(p, x.n + y.n));
    return true;
}

static bool duration_ratio(struct kh_feel_value x, struct kh_feel_value y,
                           struct kh_feel_value *ret)
{
    struct kh_dec a, b, q;

    if (x.kind != y.kind)
        return false;
    if (x.kind == KH_FEEL_YM_DURATION) {
        a = kh_dec_int(x.months);
        b = kh_dec_int(y.months);
    } else if (!feel_span_seconds(x.span, &a) || !feel_span_seconds(y.span, &b)) {
        return false;
    }
    if (kh_dec_sign(b) == 0 || !kh_dec_div(a, b, &q))
        return false;
    *ret = feel_num(q);
    return true;
}

static bool temporal(enum feel_op op, struct kh_feel_value x, struct kh_feel_value y,
                     struct kh_feel_value *ret)
{
    switch ((int)op) {
    case FN_ADD:
        return is_duration(y) ? feel_shift(x, y, 1, ret) : feel_shift(y, x, 1, ret);
    case FN_SUB:
        return is_duration(y) ? feel_shift(x, y, -1, ret) : feel_between(x, y, ret);
    case FN_MUL:
        if (is_duration(x) && y.kind == KH_FEEL_NUMBER)
            return feel_stretch(x, y.num, false, ret);
        return is_duration(y) && x.kind == KH_FEEL_NUMBER && feel_stretch(y, x.num, false, ret);
    case FN_DIV:
        if (is_duration(x) && y.kind == KH_FEEL_NUMBER)
            return kh_dec_sign(y.num) != 0 && feel_stretch(x, y.num, true, ret);
        return is_duration(x) && is_duration(y) && duration_ratio(x, y, ret);
    default:
        return false;
    }
}

static bool negate(struct kh_feel_value v, struct kh_feel_value *ret)
{
    if (v.kind == KH_FEEL_NUMBER)
        *ret = feel_num(kh_dec_neg(v.num));
    else if (v.kind == KH_FEEL_YM_DURATION)
        return feel_shift(feel_months(0), v, -1, ret);
    else if (v.kind == KH_FEEL_DT_DURATION)
        return feel_shift(feel_span(0, 0), v, -1, ret);
    else
        return false;
    return true;
}

bool feel_ev_arithmetic(struct feel_run *r, const struct feel_node *n, struct kh_feel_value *ret)
{
    struct kh_feel_value x, y;
    bool ok;

    if (!feel_ev(r, n->a, &x))
        return false;
    if (n->op == FN_NEG) {
        ok = negate(x, ret);
    } else {
        if (!feel_ev(r, n->b, &y))
            return false;
        if (x.kind == KH_FEEL_NUMBER && y.kind == KH_FEEL_NUMBER) {
            ok = numbers((enum feel_op)n->op, x.num, y.num, &x.num);
            *ret = x;
            ret->set = 0;
        } else if (n->op == FN_ADD && x.kind == KH_FEEL_STRING && y.kind == KH_FEEL_STRING) {
            if (!concat(r, x.s, y.s, &ok, ret))
                return false;
        } else {
            ok = temporal((enum feel_op)n->op, x, y, ret);
        }
    }
    if (!ok) {
        *ret = feel_null();
        feel_note(r, n->at, "arithmetic", "This cannot be calculated",
                  "Không tính được phép toán này", (struct kh_str){0});
    }
    return true;
}
