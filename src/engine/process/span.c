/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/process/span.h"

#include "base/time.h"

enum { MAX_YEARS = 1000 };

/* Where a parse stands. */
struct cursor {
    struct kh_str s;
    size_t at;
};

static bool digits(struct cursor *c, int64_t *ret)
{
    int64_t v = 0;
    size_t from = c->at;

    for (; c->at < c->s.n && c->s.p[c->at] >= '0' && c->s.p[c->at] <= '9'; c->at++) {
        if (c->at - from >= 12)
            return false;
        v = v * 10 + (c->s.p[c->at] - '0');
    }
    *ret = v;
    return c->at > from;
}

/* The fraction of seconds after the point: up to microseconds count. */
static bool fraction(struct cursor *c, int64_t *ret_us)
{
    int64_t unit = KH_US_S / 10, us = 0;
    size_t from = ++c->at;

    for (; c->at < c->s.n && c->s.p[c->at] >= '0' && c->s.p[c->at] <= '9'; c->at++, unit /= 10)
        us += unit * (c->s.p[c->at] - '0');
    *ret_us = us;
    return c->at > from;
}

/* One "<number><letter>"; order is the place of the letter among all, which must grow. */
static bool part(struct cursor *c, bool in_time, int *order, struct kh_span *out)
{
    static const char letters[] = "YMWDhms";
    static const int64_t limits[] = {
        MAX_YEARS,        MAX_YEARS * 12,      MAX_YEARS * 53,       MAX_YEARS * 366,
        MAX_YEARS * 8784, MAX_YEARS * 527040L, MAX_YEARS * 31622400L};
    int64_t v, us = 0;
    char letter;
    const char *found;
    int place;

    if (!digits(c, &v))
        return false;
    if (in_time && c->at < c->s.n && (c->s.p[c->at] == '.' || c->s.p[c->at] == ',')) {
        if (!fraction(c, &us) || c->at >= c->s.n || c->s.p[c->at] != 'S')
            return false;
    }
    if (c->at >= c->s.n)
        return false;
    letter = c->s.p[c->at++];
    if (in_time)
        letter = letter == 'H' ? 'h' : letter == 'M' ? 'm' : letter == 'S' ? 's' : '\0';
    found = letter ? strchr(letters, letter) : NULL;
    place = found ? (int)(found - letters) : -1;
    if (place < 0 || (place >= 4) != in_time || place <= *order || v > limits[place])
        return false;
    *order = place;
    switch (place) {
    case 0:
        out->months += 12 * v;
        break;
    case 1:
        out->months += v;
        break;
    case 2:
        out->days += 7 * v;
        break;
    case 3:
        out->days += v;
        break;
    case 4:
        out->us += v * KH_US_H;
        break;
    case 5:
        out->us += v * KH_US_MIN;
        break;
    default:
        out->us += v * KH_US_S + us;
        break;
    }
    return true;
}

bool kh_span_parse(struct kh_str s, struct kh_span *ret)
{
    struct cursor c = {.s = kh_str_trim(s)};
    struct kh_span got = {0};
    bool negative = false, in_time = false;
    int order = -1, parts = 0;

    if (c.s.n && c.s.p[0] == '-') {
        negative = true;
        c.at++;
    }
    if (c.at >= c.s.n || c.s.p[c.at] != 'P')
        return false;
    c.at++;
    while (c.at < c.s.n) {
        if (c.s.p[c.at] == 'T' && !in_time) {
            in_time = true;
            parts = 0;
            c.at++;
        }
        if (!part(&c, in_time, &order, &got))
            return false;
        parts++;
    }
    if (parts == 0)
        return false;
    *ret = negative ? kh_span_negate(got) : got;
    return true;
}

bool kh_span_parse_cycle(struct kh_str s, int64_t *ret_times, struct kh_span *ret)
{
    struct kh_str rest, head = kh_str_cut(kh_str_trim(s), '/', &rest);
    struct kh_span span;
    int64_t times = -1;

    if (head.n == 0 || head.p[0] != 'R')
        return false;
    if (head.n > 1 && (!kh_str_int(kh_str_skip(head, 1), &times) || times < 1))
        return false;
    if (!kh_span_parse(rest, &span) || span.months < 0 || span.days < 0 || span.us < 0 ||
        (span.months == 0 && span.days == 0 && span.us < KH_US_S))
        return false;
    *ret_times = times;
    *ret = span;
    return true;
}

int64_t kh_span_add(int64_t from_us, struct kh_span span)
{
    int64_t day = kh_day_of(from_us), in_day = from_us - kh_day_start(day), year;
    int month, dom;

    if (span.months) {
        int64_t total;

        kh_civil(day, &year, &month, &dom);
        total = year * 12 + (month - 1) + span.months;
        year = total >= 0 ? total / 12 : -((11 - total) / 12);
        month = (int)(total - year * 12) + 1;
        while (!kh_date_ok(year, month, dom))
            dom--;
        day = kh_days(year, month, dom);
    }
    return kh_day_start(day + span.days) + in_day + span.us;
}
