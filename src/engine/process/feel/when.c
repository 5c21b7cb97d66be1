/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/process/feel/when.h"

#include "base/buf.h"
#include "base/time.h"

enum { NS_S = 1000000000, OFFSET_MAX_S = 14 * 3600 };

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

int64_t feel_day_of(const struct feel_when *w)
{
    return floor_div(w->s, FEEL_DAY_S);
}

static int64_t second_of_day(const struct feel_when *w)
{
    return w->s - feel_day_of(w) * FEEL_DAY_S;
}

/* Days of the first and last date that FEEL knows. */
static bool day_ok(int64_t days)
{
    return days >= kh_days(-FEEL_YEAR_MAX, 1, 1) && days <= kh_days(FEEL_YEAR_MAX, 12, 31);
}

/* ---- reading ---- */

static bool eat(struct kh_str *s, char c)
{
    if (s->n == 0 || s->p[0] != c)
        return false;
    *s = kh_str_skip(*s, 1);
    return true;
}

/* All digits at the front. @return how many; more than 18 count as none */
static size_t eat_digits(struct kh_str *s, int64_t *ret)
{
    size_t n = 0;
    int64_t v = 0;

    while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9' && n < 19)
        v = n < 18 ? v * 10 + (s->p[n++] - '0') : (int64_t)n++;
    if (n == 0 || n > 18)
        return 0;
    *s = kh_str_skip(*s, n);
    *ret = v;
    return n;
}

static bool eat_two(struct kh_str *s, int64_t max, int64_t *ret)
{
    return eat_digits(s, ret) == 2 && *ret <= max;
}

static bool eat_date(struct kh_str *s, int64_t *ret_days)
{
    bool minus = eat(s, '-');
    bool zero = s->n && s->p[0] == '0';
    int64_t y, m, d;
    size_t n = eat_digits(s, &y);

    if (n < 4 || (n > 4 && zero) || y > FEEL_YEAR_MAX || !eat(s, '-') || !eat_two(s, 12, &m) ||
        !eat(s, '-') || !eat_two(s, 31, &d))
        return false;
    if (minus)
        y = -y;
    if (!kh_date_ok(y, (int)m, (int)d))
        return false;
    *ret_days = kh_days(y, (int)m, (int)d);
    return true;
}

static bool eat_fraction(struct kh_str *s, uint32_t *ret_ns)
{
    uint32_t ns = 0, unit = NS_S / 10;
    size_t n = 0;

    for (; n < s->n && s->p[n] >= '0' && s->p[n] <= '9'; n++) {
        ns += (uint32_t)(s->p[n] - '0') * unit;
        unit /= 10;
    }
    *s = kh_str_skip(*s, n);
    *ret_ns = ns;
    return n > 0;
}

/* "", "Z", "+07:00", "-03:30:15", "@Asia/Ho_Chi_Minh": to the end of the text. */
static bool eat_where(struct kh_str *s, struct feel_when *w)
{
    int64_t h, m, sec = 0;
    bool minus;

    w->where = FEEL_LOCAL;
    if (s->n == 0)
        return true;
    if (eat(s, '@')) {
        if (!feel_zone_find(*s, &w->zone))
            return false;
        w->where = FEEL_ZONE;
        *s = kh_str_skip(*s, s->n);
        return true;
    }
    w->where = FEEL_OFFSET;
    w->off = 0;
    if (eat(s, 'Z') || eat(s, 'z'))
        return s->n == 0;
    minus = s->p[0] == '-';
    if (!eat(s, minus ? '-' : '+') || !eat_two(s, 14, &h) || !eat(s, ':') || !eat_two(s, 59, &m) ||
        (eat(s, ':') && !eat_two(s, 59, &sec)) || s->n)
        return false;
    h = h * 3600 + m * 60 + sec;
    if (h > OFFSET_MAX_S)
        return false;
    w->off = (int32_t)(minus ? -h : h);
    return true;
}

/* hh:mm:ss with fraction and offset; *ret_next says 24:00:00. */
static bool eat_time(struct kh_str *s, struct feel_when *w, bool *ret_next)
{
    int64_t h, m, sec;

    if (!eat_two(s, 24, &h) || !eat(s, ':') || !eat_two(s, 59, &m) || !eat(s, ':') ||
        !eat_two(s, 59, &sec) || (eat(s, '.') && !eat_fraction(s, &w->ns)) || !eat_where(s, w))
        return false;
    *ret_next = h == 24;
    if (h == 24 && (m || sec || w->ns))
        return false;
    w->s = *ret_next ? 0 : h * 3600 + m * 60 + sec;
    return true;
}

bool feel_date_parse(struct kh_str s, struct kh_feel_value *ret)
{
    int64_t days;

    if (!eat_date(&s, &days) || s.n)
        return false;
    *ret = feel_date(days);
    return true;
}

bool feel_time_parse(struct kh_str s, struct kh_feel_value *ret)
{
    struct feel_when w = {0};
    bool next;

    if (!eat_time(&s, &w, &next))
        return false;
    feel_time_settle(&w);
    *ret = feel_when(KH_FEEL_TIME, w);
    return true;
}

bool feel_date_time_parse(struct kh_str s, struct kh_feel_value *ret)
{
    struct feel_when w = {0};
    bool next = false;
    int64_t days;

    if (!eat_date(&s, &days))
        return false;
    if (s.n && (!eat(&s, 'T') || !eat_time(&s, &w, &next)))
        return false;
    w.s += (days + next) * FEEL_DAY_S;
    if (!day_ok(feel_day_of(&w)))
        return false;
    feel_when_settle(&w);
    *ret = feel_when(KH_FEEL_DATE_TIME, w);
    return true;
}

/* A run of <digits><letter> in the order of letters; each letter once. *any says one was there. */
static bool eat_parts(struct kh_str *s, const char *letters, int64_t *values, bool *any)
{
    for (size_t i = 0; letters[i]; i++) {
        struct kh_str at = *s;
        int64_t v;

        if (eat_digits(&at, &v) && eat(&at, letters[i])) {
            values[i] = v;
            *any = true;
            *s = at;
        }
    }
    return true;
}

static bool eat_seconds(struct kh_str *s, int64_t *ret_s, uint32_t *ret_ns, bool *any)
{
    struct kh_str at = *s;

    if (s->n == 0)
        return true;
    if (!eat_digits(&at, ret_s) || (eat(&at, '.') && !eat_fraction(&at, ret_ns)) || !eat(&at, 'S'))
        return false;
    *any = true;
    *s = at;
    return true;
}

static bool span_sum(const int64_t v[4], int64_t *ret)
{
    static const int64_t unit[4] = {FEEL_DAY_S, 3600, 60, 1};
    int64_t sum = 0, part;

    for (int i = 0; i < 4; i++)
        if (__builtin_mul_overflow(v[i], unit[i], &part) || __builtin_add_overflow(sum, part, &sum))
            return false;
    *ret = sum;
    return true;
}

static struct kh_feel_value span_signed(bool minus, int64_t s, int64_t ns)
{
    if (!minus)
        return feel_span(s, ns);
    return ns ? feel_span(-s - 1, NS_S - ns) : feel_span(-s, 0);
}

bool feel_duration_parse(struct kh_str s, struct kh_feel_value *ret)
{
    int64_t ym[2] = {0}, dt[4] = {0}, sum;
    bool minus = eat(&s, '-'), any_ym = false, any_dt = false, any_t = false;
    uint32_t ns = 0;

    if (!eat(&s, 'P') || !eat_parts(&s, "YM", ym, &any_ym) || !eat_parts(&s, "D", dt, &any_dt))
        return false;
    if (eat(&s, 'T') &&
        (!eat_parts(&s, "HM", dt + 1, &any_t) || !eat_seconds(&s, &dt[3], &ns, &any_t) || !any_t))
        return false;
    any_dt = any_dt || any_t;
    if (s.n || any_ym == any_dt)
        return false;
    if (any_dt) {
        if (!span_sum(dt, &sum))
            return false;
        *ret = span_signed(minus, sum, ns);
        return true;
    }
    if (__builtin_mul_overflow(ym[0], (int64_t)12, &sum) ||
        __builtin_add_overflow(sum, ym[1], &sum))
        return false;
    *ret = feel_months(minus ? -sum : sum);
    return true;
}

bool feel_at_parse(struct kh_str s, struct kh_feel_value *ret)
{
    size_t sign = s.n && s.p[0] == '-';

    if (s.n > sign && s.p[sign] == 'P')
        return feel_duration_parse(s, ret);
    if (s.n > 2 && s.p[2] == ':')
        return feel_time_parse(s, ret);
    return feel_date_parse(s, ret) || feel_date_time_parse(s, ret);
}

/* ---- writing ---- */

static void put_date(struct kh_buf *b, int64_t days)
{
    int64_t y;
    int m, d;

    kh_civil(days, &y, &m, &d);
    kh_buf_strf(b, "%s%04lld-%02d-%02d", y < 0 ? "-" : "", (long long)(y < 0 ? -y : y), m, d);
}

/* ".25": the digits of a second that are not zero. */
static void put_fraction(struct kh_buf *b, int64_t ns)
{
    char z[16];
    int n = 10;

    if (ns == 0)
        return;
    z[0] = '.';
    for (int i = 9; i > 0; i--, ns /= 10)
        z[i] = (char)('0' + ns % 10);
    while (z[n - 1] == '0')
        n--;
    kh_buf_add(b, z, (size_t)n);
}

static void put_time(struct kh_buf *b, const struct feel_when *w)
{
    int64_t s = second_of_day(w);
    int32_t off = w->off < 0 ? -w->off : w->off;

    kh_buf_strf(b, "%02d:%02d:%02d", (int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60));
    put_fraction(b, w->ns);
    if (w->where == FEEL_ZONE) {
        kh_buf_c(b, '@');
        kh_buf_str(b, feel_zone_name(w->zone));
    } else if (w->where == FEEL_OFFSET && off == 0) {
        kh_buf_c(b, 'Z');
    } else if (w->where == FEEL_OFFSET) {
        kh_buf_strf(b, "%c%02d:%02d", w->off < 0 ? '-' : '+', off / 3600, off / 60 % 60);
        if (off % 60)
            kh_buf_strf(b, ":%02d", off % 60);
    }
}

static void put_part(struct kh_buf *b, int64_t v, char letter)
{
    if (v) {
        kh_buf_int(b, v);
        kh_buf_c(b, letter);
    }
}

static void put_months(struct kh_buf *b, int64_t months)
{
    if (months < 0)
        kh_buf_c(b, '-');
    kh_buf_c(b, 'P');
    if (months < 0)
        months = -months;
    put_part(b, months / 12, 'Y');
    put_part(b, months % 12, 'M');
    if (months == 0)
        kh_buf_z(b, "0M");
}

/* Seconds and nanoseconds of the absolute value; the smallest integer does not occur. */
static struct feel_span span_abs(struct feel_span d)
{
    if (d.s >= 0)
        return d;
    if (d.ns)
        return (struct feel_span){-(d.s + 1), NS_S - d.ns};
    return (struct feel_span){-d.s, 0};
}

static void put_span(struct kh_buf *b, struct feel_span d)
{
    struct feel_span p = span_abs(d);

    kh_buf_z(b, d.s < 0 ? "-P" : "P");
    put_part(b, p.s / FEEL_DAY_S, 'D');
    if (p.s % FEEL_DAY_S || p.ns || (p.s == 0 && p.ns == 0))
        kh_buf_c(b, 'T');
    put_part(b, p.s / 3600 % 24, 'H');
    put_part(b, p.s / 60 % 60, 'M');
    if (p.s % 60 || p.ns || p.s == 0) {
        kh_buf_int(b, p.s % 60);
        put_fraction(b, p.ns);
        kh_buf_c(b, 'S');
    }
}

void feel_when_put(struct kh_buf *b, struct kh_feel_value v)
{
    if (v.kind == KH_FEEL_DATE) {
        put_date(b, v.days);
    } else if (v.kind == KH_FEEL_TIME) {
        put_time(b, &v.when);
    } else if (v.kind == KH_FEEL_DATE_TIME) {
        put_date(b, feel_day_of(&v.when));
        kh_buf_c(b, 'T');
        put_time(b, &v.when);
    } else if (v.kind == KH_FEEL_YM_DURATION) {
        put_months(b, v.months);
    } else if (v.kind == KH_FEEL_DT_DURATION) {
        put_span(b, v.span);
    }
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
    y = floor_div(all, 12);
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
    int64_t n = (int64_t)ns + sign * d.ns, carry = floor_div(n, NS_S), sum;

    if (__builtin_add_overflow(s, carry, &sum) ||
        (sign > 0 ? __builtin_add_overflow(sum, d.s, &sum)
                  : __builtin_sub_overflow(sum, d.s, &sum)))
        return false;
    *ret_s = sum;
    *ret_ns = (uint32_t)(n - carry * NS_S);
    return true;
}

static bool shift_date_time(struct feel_when w, struct kh_feel_value d, int sign,
                            struct kh_feel_value *ret)
{
    int64_t days = feel_day_of(&w), rest = second_of_day(&w);

    if (d.kind == KH_FEEL_YM_DURATION) {
        if (!shift_months(days, sign * d.months, &days))
            return false;
        w.s = days * FEEL_DAY_S + rest;
        feel_when_settle(&w);
    } else {
        int64_t utc = feel_when_utc(&w);

        if (!shift_span(utc, w.ns, d.span, sign, &utc, &w.ns) ||
            !day_ok(floor_div(utc, FEEL_DAY_S)))
            return false;
        if (w.where == FEEL_ZONE)
            w.off = feel_zone_offset(w.zone, utc);
        w.s = utc + (w.where == FEEL_LOCAL ? 0 : w.off);
    }
    if (!day_ok(feel_day_of(&w)))
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
        days = floor_div(s, FEEL_DAY_S);
    }
    if (!day_ok(days))
        return false;
    *ret = feel_date(days);
    return true;
}

static bool shift_time(struct feel_when w, struct feel_span d, int sign, struct kh_feel_value *ret)
{
    if (!shift_span(w.s, w.ns, d, sign, &w.s, &w.ns))
        return false;
    w.s = second_of_day(&w);
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
    carry = floor_div(ns, NS_S);
    *ret = feel_span(s + carry, ns - carry * NS_S);
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
    return kh_dec_div(kh_dec_int(d.ns), kh_dec_int(NS_S), &ns) &&
           kh_dec_add(kh_dec_int(d.s), ns, ret);
}

bool feel_span_of(struct kh_dec seconds, struct kh_feel_value *ret)
{
    struct kh_dec whole, rest;
    int64_t s, ns;

    if (!kh_dec_scale(seconds, 9, KH_DEC_HALF_EVEN, &seconds) ||
        !kh_dec_scale(seconds, 0, KH_DEC_FLOOR, &whole) || !kh_dec_sub(seconds, whole, &rest) ||
        !kh_dec_mul(rest, kh_dec_int(NS_S), &rest) || !kh_dec_to_int(whole, &s) ||
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
    int64_t s = second_of_day(w);

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
    struct feel_span p = span_abs(d);
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
