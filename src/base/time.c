/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

static _Atomic int64_t fake_us;

int64_t kh_now_us(void)
{
    int64_t fake = atomic_load_explicit(&fake_us, memory_order_relaxed);
    struct timespec ts;

    if (fake)
        return fake;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * KH_US_S + ts.tv_nsec / 1000;
}

int64_t kh_mono_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * KH_US_S + ts.tv_nsec / 1000;
}

void kh_clock_set(int64_t now_us)
{
    atomic_store(&fake_us, now_us);
}

void kh_clock_add(int64_t us)
{
    atomic_fetch_add(&fake_us, us);
}

/* Days from civil and back: the era arithmetic of the Gregorian calendar, years starting in
 * March so that the leap day is the last one. */
int64_t kh_days(int64_t year, int month, int day)
{
    int64_t y, era;
    int64_t yoe, doy, doe;
    int m = month - 1;

    year += m / 12;
    m %= 12;
    if (m < 0) {
        m += 12;
        year--;
    }
    m++;
    y = year - (m <= 2);
    era = (y >= 0 ? y : y - 399) / 400;
    yoe = y - era * 400;
    doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5;
    doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468 + (day - 1);
}

void kh_civil(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int m = (int)(mp < 10 ? mp + 3 : mp - 9);

    *ret_year = yoe + era * 400 + (m <= 2);
    *ret_month = m;
    *ret_day = (int)(doy - (153 * mp + 2) / 5 + 1);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

int kh_weekday(int64_t days)
{
    int64_t w = (days + 3) % 7; /* 1970-01-01 was a Thursday */

    return (int)(w < 0 ? w + 7 : w) + 1;
}

bool kh_date_ok(int64_t year, int month, int day)
{
    int64_t y;
    int m, d;

    if (month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    kh_civil(kh_days(year, month, day), &y, &m, &d);
    return m == month && d == day;
}

int64_t kh_day_of(int64_t us)
{
    return floor_div(us + KH_ZONE_US, KH_US_DAY);
}

int64_t kh_day_start(int64_t days)
{
    return days * KH_US_DAY - KH_ZONE_US;
}

static char *put_digits(char *p, int64_t v, int width)
{
    for (int i = width - 1; i >= 0; i--, v /= 10)
        p[i] = (char)('0' + v % 10);
    return p + width;
}

size_t kh_time_put(char *out, int64_t us)
{
    int64_t days = floor_div(us, KH_US_DAY), rest = us - days * KH_US_DAY, year;
    int64_t frac = rest % KH_US_S, s = rest / KH_US_S;
    int month, day;
    char *p = out;

    kh_civil(days, &year, &month, &day);
    if (year < 0 || year > 9999) /* outside RFC 3339: only "forever" gets here */
        return (size_t)snprintf(out, 32, "9999-12-31T23:59:59Z");
    p = put_digits(p, year, 4);
    *p++ = '-';
    p = put_digits(p, month, 2);
    *p++ = '-';
    p = put_digits(p, day, 2);
    *p++ = 'T';
    p = put_digits(p, s / 3600, 2);
    *p++ = ':';
    p = put_digits(p, s / 60 % 60, 2);
    *p++ = ':';
    p = put_digits(p, s % 60, 2);
    if (frac) {
        *p++ = '.';
        p = put_digits(p, frac, 6);
        while (p[-1] == '0')
            p--;
    }
    *p++ = 'Z';
    *p = '\0';
    return (size_t)(p - out);
}

struct kh_str kh_time_text(struct kh_arena *a, int64_t us)
{
    char z[32];

    return kh_str_dup(a, kh_str(z, kh_time_put(z, us)));
}

struct kh_str kh_date_text(struct kh_arena *a, int64_t days)
{
    int64_t y;
    int m, d;

    kh_civil(days, &y, &m, &d);
    return kh_strf(a, "%04lld-%02d-%02d", (long long)y, m, d);
}

/* Take width digits from *s. */
static bool take(struct kh_str *s, size_t width, int *ret)
{
    int v = 0;

    if (s->n < width)
        return false;
    for (size_t i = 0; i < width; i++) {
        if (s->p[i] < '0' || s->p[i] > '9')
            return false;
        v = v * 10 + (s->p[i] - '0');
    }
    *s = kh_str_skip(*s, width);
    *ret = v;
    return true;
}

static bool take_c(struct kh_str *s, const char *any)
{
    if (s->n == 0 || s->p[0] == '\0' || !strchr(any, s->p[0]))
        return false;
    *s = kh_str_skip(*s, 1);
    return true;
}

static bool take_date(struct kh_str *s, int64_t *ret_days)
{
    int y, m, d;

    if (!take(s, 4, &y) || !take_c(s, "-") || !take(s, 2, &m) || !take_c(s, "-") ||
        !take(s, 2, &d) || !kh_date_ok(y, m, d))
        return false;
    *ret_days = kh_days(y, m, d);
    return true;
}

bool kh_date_parse(struct kh_str s, int64_t *ret_days)
{
    int64_t days;

    if (!take_date(&s, &days) || s.n)
        return false;
    *ret_days = days;
    return true;
}

bool kh_time_parse(struct kh_str s, int64_t *ret_us)
{
    int64_t days, us = 0, off = 0;
    int h, m, sec, oh, om;
    bool minus;

    if (!take_date(&s, &days) || !take_c(&s, "Tt ") || !take(&s, 2, &h) || !take_c(&s, ":") ||
        !take(&s, 2, &m) || !take_c(&s, ":") || !take(&s, 2, &sec) || h > 23 || m > 59 || sec > 60)
        return false;
    if (take_c(&s, ".")) {
        int64_t unit = KH_US_S / 10;
        int digit;

        if (!take(&s, 1, &digit))
            return false;
        do {
            us += digit * unit;
            unit /= 10;
        } while (take(&s, 1, &digit));
    }
    if (!take_c(&s, "Zz")) {
        minus = s.n && s.p[0] == '-';
        if (!take_c(&s, "+-") || !take(&s, 2, &oh) || !take_c(&s, ":") || !take(&s, 2, &om) ||
            oh > 23 || om > 59)
            return false;
        off = (oh * 60 + om) * KH_US_MIN * (minus ? -1 : 1);
    }
    if (s.n)
        return false;
    *ret_us = days * KH_US_DAY + ((h * 60 + m) * 60 + sec) * KH_US_S + us - off;
    return true;
}

bool kh_when_parse(struct kh_str s, int64_t *ret_us)
{
    int64_t days;

    if (!kh_date_parse(s, &days))
        return kh_time_parse(s, ret_us);
    *ret_us = kh_day_start(days);
    return true;
}
