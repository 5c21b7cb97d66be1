/* SPDX-License-Identifier: Apache-2.0 */
/* Dates, times and durations as text: read, and written in their canonical form. */
#include "engine/process/feel/when.h"

#include "base/buf.h"
#include "base/time.h"

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
    uint32_t ns = 0, unit = FEEL_NS_S / 10;
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
    if (h > FEEL_OFFSET_MAX_S)
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
    if (!feel_day_ok(feel_day_of(&w)))
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
    return ns ? feel_span(-s - 1, FEEL_NS_S - ns) : feel_span(-s, 0);
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
    int64_t s = feel_second_of_day(w);
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

static void put_span(struct kh_buf *b, struct feel_span d)
{
    struct feel_span p = feel_span_abs(d);

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
