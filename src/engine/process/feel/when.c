/* SPDX-License-Identifier: Apache-2.0 */
/* Counting with dates, times and durations, and their components. */
#include "engine/process/feel/when.h"

#include "base/time.h"

static int64_t feel_floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

int64_t feel_day_of(const struct feel_when *w)
{
    return feel_floor_div(w->s, FEEL_DAY_S);
}

int64_t feel_second_of_day(const struct feel_when *w)
{
    return w->s - feel_day_of(w) * FEEL_DAY_S;
}

/* Days of the first and last date that FEEL knows. */
bool feel_day_ok(int64_t days)
{
    return days >= kh_days(-FEEL_YEAR_MAX, 1, 1) && days <= kh_days(FEEL_YEAR_MAX, 12, 31);
}

/* ---- counting ---- */

bool feel_make_date(int64_t year, int64_t month, int64_t day, struct kh_feel_value *ret)
{
    if (year < -FEEL_YEAR_MAX || year > FEEL_YEAR_MAX || month < 1 || month > 12 || day < 1 ||
        day > 31 || !kh_date_ok(year, (int)month, (int)day))
        return false;
    *ret = feel_date(kh_days(year, (int)month, (int)day));
    return true;
}

void feel_when_settle(struct feel_when *w)
{
    if (w->where == FEEL_ZONE)
        w->off = feel_zone_offset_local(w->zone, w->s);
}

void feel_time_settle(struct feel_when *w)
{
    if (w->where == FEEL_ZONE)
        w->off = feel_zone_offset_local(w->zone, kh_days(2000, 1, 1) * FEEL_DAY_S + w->s);
}

struct feel_when feel_midnight(int64_t days)
{
    return (struct feel_when){.s = days * FEEL_DAY_S, .where = FEEL_OFFSET};
}

int feel_when_cmp(const struct feel_when *x, const struct feel_when *y)
{
    bool local = x->where == FEEL_LOCAL || y->where == FEEL_LOCAL;
    int64_t a = local ? x->s : feel_when_utc(x), b = local ? y->s : feel_when_utc(y);

    if (a != b)
        return a < b ? -1 : 1;
    return x->ns < y->ns ? -1 : x->ns > y->ns;
}

/* days moved by months; the 31st becomes the last day of a shorter month. */
static bool shift_months(int64_t days, int64_t months, int64_t *ret)
{
    int64_t y, all;
    int m, d;

    kh_civil(days, &y, &m, &d);
    if (__builtin_add_overflow(y * 12 + (m - 1), months, &all))
        return false;
    y = feel_floor_div(all, 12);
    m = (int)(all - y * 12) + 1;
    if (y < -FEEL_YEAR_MAX || y > FEEL_YEAR_MAX)
        return false;
    while (!kh_date_ok(y, m, d))
        d--;
    *ret = kh_days(y, m, d);
    return true;
}

static bool shift_span(int64_t s, uint32_t ns, struct feel_span d, int sign, int64_t *ret_s,
                       uint32_t *ret_ns)
{
    int64_t n = (int64_t)ns + sign * d.ns, carry = feel_floor_div(n, FEEL_NS_S), sum;

    if (__builtin_add_overflow(s, carry, &sum) ||
        (sign > 0 ? __builtin_add_overflow(sum, d.s, &sum)
                  : __builtin_sub_overflow(sum, d.s, &sum)))
        return false;
    *ret_s = sum;
    *ret_ns = (uint32_t)(n - carry * FEEL_NS_S);
    return true;
}

static bool shift_date_time(struct feel_when w, struct kh_feel_value d, int sign,
                            struct kh_feel_value *ret)
{
    int64_t days = feel_day_of(&w), rest = feel_second_of_day(&w);

    if (d.kind == KH_FEEL_YM_DURATION) {
        if (!shift_months(days, sign * d.months, &days))
            return false;
        w.s = days * FEEL_DAY_S + rest;
        feel_when_settle(&w);
    } else {
        int64_t utc = feel_when_utc(&w);

        if (!shift_span(utc, w.ns, d.span, sign, &utc, &w.ns) ||
            !feel_day_ok(feel_floor_div(utc, FEEL_DAY_S)))
            return false;
        if (w.where == FEEL_ZONE)
            w.off = feel_zone_offset(w.zone, utc);
        w.s = utc + (w.where == FEEL_LOCAL ? 0 : w.off);
    }
    if (!feel_day_ok(feel_day_of(&w)))
        return false;
    *ret = feel_when(KH_FEEL_DATE_TIME, w);
    return true;
}

static bool shift_date(int64_t days, struct kh_feel_value d, int sign, struct kh_feel_value *ret)
{
    int64_t s = days * FEEL_DAY_S;
    uint32_t ns;

    if (d.kind == KH_FEEL_YM_DURATION) {
        if (!shift_months(days, sign * d.months, &days))
            return false;
    } else {
        if (!shift_span(s, 0, d.span, sign, &s, &ns))
            return false;
        days = feel_floor_div(s, FEEL_DAY_S);
    }
    if (!feel_day_ok(days))
        return false;
    *ret = feel_date(days);
    return true;
}

static bool shift_time(struct feel_when w, struct feel_span d, int sign, struct kh_feel_value *ret)
{
    if (!shift_span(w.s, w.ns, d, sign, &w.s, &w.ns))
        return false;
    w.s = feel_second_of_day(&w);
    *ret = feel_when(KH_FEEL_TIME, w);
    return true;
}

static bool shift_duration(struct kh_feel_value v, struct kh_feel_value d, int sign,
                           struct kh_feel_value *ret)
{
    int64_t s, months;
    uint32_t ns;

    if (v.kind != d.kind)
        return false;
    if (v.kind == KH_FEEL_YM_DURATION) {
        if (sign > 0 ? __builtin_add_overflow(v.months, d.months, &months)
                     : __builtin_sub_overflow(v.months, d.months, &months))
            return false;
        *ret = feel_months(months);
        return months != INT64_MIN;
    }
    if (!shift_span(v.span.s, (uint32_t)v.span.ns, d.span, sign, &s, &ns) || s == INT64_MIN)
        return false;
    *ret = feel_span(s, ns);
    return true;
}

bool feel_shift(struct kh_feel_value v, struct kh_feel_value d, int sign, struct kh_feel_value *ret)
{
    if (d.kind != KH_FEEL_YM_DURATION && d.kind != KH_FEEL_DT_DURATION)
        return false;
    if (v.kind == KH_FEEL_YM_DURATION || v.kind == KH_FEEL_DT_DURATION)
        return shift_duration(v, d, sign, ret);
    if (v.kind == KH_FEEL_DATE)
        return shift_date(v.days, d, sign, ret);
    if (v.kind == KH_FEEL_DATE_TIME)
        return shift_date_time(v.when, d, sign, ret);
    if (v.kind == KH_FEEL_TIME && d.kind == KH_FEEL_DT_DURATION)
        return shift_time(v.when, d.span, sign, ret);
    return false;
}

bool feel_between(struct kh_feel_value x, struct kh_feel_value y, struct kh_feel_value *ret)
{
    bool time = x.kind == KH_FEEL_TIME && y.kind == KH_FEEL_TIME;
    struct feel_when a = x.when, b = y.when;
    int64_t s, ns, carry;
    bool local;

    if (x.kind == KH_FEEL_DATE)
        a = feel_midnight(x.days);
    else if (x.kind != KH_FEEL_DATE_TIME && !time)
        return false;
    if (y.kind == KH_FEEL_DATE)
        b = feel_midnight(y.days);
    else if (y.kind != KH_FEEL_DATE_TIME && !time)
        return false;
    local = a.where == FEEL_LOCAL || b.where == FEEL_LOCAL;
    if (!time && local && a.where != b.where)
        return false;
    s = local ? a.s - b.s : feel_when_utc(&a) - feel_when_utc(&b);
    ns = (int64_t)a.ns - b.ns;
    carry = feel_floor_div(ns, FEEL_NS_S);
    *ret = feel_span(s + carry, ns - carry * FEEL_NS_S);
    return true;
}

bool feel_months_between(struct kh_feel_value x, struct kh_feel_value y, struct kh_feel_value *ret)
{
    int64_t days[2], y1, y2, months;
    int m1, m2, d1, d2;

    for (int i = 0; i < 2; i++) {
        struct kh_feel_value v = i ? y : x;

        if (v.kind == KH_FEEL_DATE)
            days[i] = v.days;
        else if (v.kind == KH_FEEL_DATE_TIME)
            days[i] = feel_day_of(&v.when);
        else
            return false;
    }
    kh_civil(days[0], &y1, &m1, &d1);
    kh_civil(days[1], &y2, &m2, &d2);
    months = (y2 - y1) * 12 + (m2 - m1);
    if (months > 0 && d2 < d1)
        months--;
    else if (months < 0 && d2 > d1)
        months++;
    *ret = feel_months(months);
    return true;
}

bool feel_span_seconds(struct feel_span d, struct kh_dec *ret)
{
    struct kh_dec ns;

    if (d.ns == 0) {
        *ret = kh_dec_int(d.s);
        return true;
    }
    return kh_dec_div(kh_dec_int(d.ns), kh_dec_int(FEEL_NS_S), &ns) &&
           kh_dec_add(kh_dec_int(d.s), ns, ret);
}

bool feel_span_of(struct kh_dec seconds, struct kh_feel_value *ret)
{
    struct kh_dec whole, rest;
    int64_t s, ns;

    if (!kh_dec_scale(seconds, 9, KH_DEC_HALF_EVEN, &seconds) ||
        !kh_dec_scale(seconds, 0, KH_DEC_FLOOR, &whole) || !kh_dec_sub(seconds, whole, &rest) ||
        !kh_dec_mul(rest, kh_dec_int(FEEL_NS_S), &rest) || !kh_dec_to_int(whole, &s) ||
        !kh_dec_to_int(rest, &ns))
        return false;
    *ret = feel_span(s, ns);
    return true;
}

bool feel_stretch(struct kh_feel_value d, struct kh_dec by, bool divide, struct kh_feel_value *ret)
{
    struct kh_dec v;
    int64_t months;

    if (d.kind == KH_FEEL_YM_DURATION)
        v = kh_dec_int(d.months);
    else if (d.kind != KH_FEEL_DT_DURATION || !feel_span_seconds(d.span, &v))
        return false;
    if (divide ? !kh_dec_div(v, by, &v) : !kh_dec_mul(v, by, &v))
        return false;
    if (d.kind == KH_FEEL_DT_DURATION)
        return feel_span_of(v, ret);
    if (!kh_dec_scale(v, 0, KH_DEC_DOWN, &v) || !kh_dec_to_int(v, &months))
        return false;
    *ret = feel_months(months);
    return true;
}

/* ---- components ---- */

/* The smallest integer does not occur. */
struct feel_span feel_span_abs(struct feel_span d)
{
    if (d.s >= 0)
        return d;
    if (d.ns)
        return (struct feel_span){-(d.s + 1), FEEL_NS_S - d.ns};
    return (struct feel_span){-d.s, 0};
}

static bool part_of_day(int64_t days, struct kh_str name, struct kh_feel_value *ret)
{
    int64_t y;
    int m, d;

    kh_civil(days, &y, &m, &d);
    if (kh_str_is(name, "year"))
        *ret = feel_int(y);
    else if (kh_str_is(name, "month"))
        *ret = feel_int(m);
    else if (kh_str_is(name, "day"))
        *ret = feel_int(d);
    else if (kh_str_is(name, "weekday"))
        *ret = feel_int(kh_weekday(days));
    else
        return false;
    return true;
}

static bool part_seconds(int64_t s, int64_t ns, struct kh_feel_value *ret)
{
    struct kh_dec d;

    if (!feel_span_seconds((struct feel_span){s, ns}, &d))
        return false;
    *ret = feel_num(d);
    return true;
}

static bool part_of_time(const struct feel_when *w, struct kh_str name, struct kh_feel_value *ret)
{
    int64_t s = feel_second_of_day(w);

    if (kh_str_is(name, "hour"))
        *ret = feel_int(s / 3600);
    else if (kh_str_is(name, "minute"))
        *ret = feel_int(s / 60 % 60);
    else if (kh_str_is(name, "second"))
        return part_seconds(s % 60, w->ns, ret);
    else if (kh_str_is(name, "time offset"))
        *ret = w->where == FEEL_LOCAL ? feel_null() : feel_span(w->off, 0);
    else if (kh_str_is(name, "timezone"))
        *ret = w->where == FEEL_ZONE ? feel_str(feel_zone_name(w->zone)) : feel_null();
    else
        return false;
    return true;
}

static bool part_of_span(struct feel_span d, struct kh_str name, struct kh_feel_value *ret)
{
    struct feel_span p = feel_span_abs(d);
    int64_t sign = d.s < 0 ? -1 : 1;

    if (kh_str_is(name, "days"))
        *ret = feel_int(sign * (p.s / FEEL_DAY_S));
    else if (kh_str_is(name, "hours"))
        *ret = feel_int(sign * (p.s / 3600 % 24));
    else if (kh_str_is(name, "minutes"))
        *ret = feel_int(sign * (p.s / 60 % 60));
    else if (kh_str_is(name, "seconds")) {
        if (!part_seconds(p.s % 60, p.ns, ret))
            return false;
        if (sign < 0)
            *ret = feel_num(kh_dec_neg(ret->num));
    } else if (kh_str_is(name, "years") || kh_str_is(name, "months"))
        *ret = feel_null();
    else
        return false;
    return true;
}

bool feel_part(struct kh_feel_value v, struct kh_str name, struct kh_feel_value *ret)
{
    if (v.kind == KH_FEEL_DATE)
        return part_of_day(v.days, name, ret);
    if (v.kind == KH_FEEL_TIME)
        return part_of_time(&v.when, name, ret);
    if (v.kind == KH_FEEL_DATE_TIME)
        return part_of_day(feel_day_of(&v.when), name, ret) || part_of_time(&v.when, name, ret);
    if (v.kind == KH_FEEL_DT_DURATION)
        return part_of_span(v.span, name, ret);
    if (v.kind != KH_FEEL_YM_DURATION)
        return false;
    if (kh_str_is(name, "years"))
        *ret = feel_int(v.months / 12);
    else if (kh_str_is(name, "months"))
        *ret = feel_int(v.months % 12);
    else if (kh_str_is(name, "days") || kh_str_is(name, "hours") || kh_str_is(name, "minutes") ||
             kh_str_is(name, "seconds"))
        *ret = feel_null();
    else
        return false;
    return true;
}
