/* SPDX-License-Identifier: Apache-2.0 */
/* IANA time zones, built in: FEEL reads no files. Source: IANA tz database, public domain. */
#include "base/time.h"
#include "engine/process/feel/when.h"

/* The offset changes at an instant. */
struct move {
    uint32_t at; /* seconds since 1970-01-01 UTC */
    int32_t offset;
};

/* "The n-th (5: last) such weekday of a month, so many seconds after midnight." */
struct yearly {
    int8_t month, week, weekday; /* weekday 0 is Sunday */
    int32_t seconds;
};

/* Before the first move, the moves, and for ever after a rule. */
struct zone {
    int32_t first;
    uint16_t at, n; /* in moves[] */
    int32_t standard, summer;
    struct yearly from, to; /* of summer time */
};

struct name {
    struct kh_str name;
    uint16_t zone;
};

#include "engine/process/feel/zone_data.h"

bool feel_zone_find(struct kh_str name, uint16_t *ret_zone)
{
    size_t lo = 0, hi = KH_LEN(names);

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        int c = kh_str_cmp(names[mid].name, name);

        if (c == 0) {
            *ret_zone = (uint16_t)mid;
            return true;
        }
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return false;
}

struct kh_str feel_zone_name(uint16_t zone)
{
    return names[zone].name;
}

/* Midnight of the day that a rule means in a year, as days since 1970-01-01. */
static int64_t yearly_day(int64_t year, const struct yearly *y)
{
    int64_t first = kh_days(year, y->month, 1), next = kh_days(year, y->month + 1, 1);
    int64_t day = first + (y->weekday - kh_weekday(first) % 7 + 7) % 7 + (y->week - 1) * 7;

    return day >= next ? day - 7 : day;
}

static int32_t by_rule(const struct zone *z, int64_t utc_s)
{
    int64_t local = utc_s + z->standard, days = local / FEEL_DAY_S - (local % FEEL_DAY_S < 0);
    int64_t year, on, off;
    int month, day;
    bool summer;

    if (z->standard == z->summer)
        return z->standard;
    kh_civil(days, &year, &month, &day);
    on = yearly_day(year, &z->from) * FEEL_DAY_S + z->from.seconds - z->standard;
    off = yearly_day(year, &z->to) * FEEL_DAY_S + z->to.seconds - z->summer;
    /* South of the equator summer spans the new year. */
    summer = on < off ? utc_s >= on && utc_s < off : utc_s >= on || utc_s < off;
    return summer ? z->summer : z->standard;
}

int32_t feel_zone_offset(uint16_t zone, int64_t utc_s)
{
    const struct zone *z = &zones[names[zone].zone];
    const struct move *m = moves + z->at;
    size_t lo = 0, hi = z->n;

    if (utc_s < 0 || (z->n && utc_s < m[0].at))
        return z->first;
    if (z->n == 0 || utc_s >= m[z->n - 1].at)
        return z->n && utc_s == m[z->n - 1].at ? m[z->n - 1].offset : by_rule(z, utc_s);
    while (hi - lo > 1) {
        size_t mid = (lo + hi) / 2;

        if (m[mid].at <= utc_s)
            lo = mid;
        else
            hi = mid;
    }
    return m[lo].offset;
}

/* A reading that occurs twice means the first time; one that does not occur (clocks went forward)
 * is read with the offset before. */
int32_t feel_zone_offset_local(uint16_t zone, int64_t local_s)
{
    int32_t before = feel_zone_offset(zone, local_s - FEEL_DAY_S);
    int32_t after = feel_zone_offset(zone, local_s + FEEL_DAY_S);

    if (feel_zone_offset(zone, local_s - before) == before)
        return before;
    if (feel_zone_offset(zone, local_s - after) == after)
        return after;
    return before;
}
