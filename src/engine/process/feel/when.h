/* SPDX-License-Identifier: Apache-2.0 */
/**
 * feel/when -- dates, times and durations: reading, writing, counting.
 *
 * Owns   nothing. Source: DMN 1.5 10.3.2.3.4-8, 10.3.4.1; XML Schema part 2; ISO 8601.
 * Used   by feel/.
 * Never  asks a clock.
 */
#ifndef KH_FEEL_WHEN_H
#define KH_FEEL_WHEN_H

#include "engine/process/feel/value.h"

#define FEEL_YEAR_MAX 999999999
#define FEEL_DAY_S    86400

enum { FEEL_NS_S = 1000000000, FEEL_OFFSET_MAX_S = 14 * 3600 };

/* ---- text (when_text.c) ---- */

/** Each reads all of s or says false. */
bool feel_date_parse(struct kh_str s, struct kh_feel_value *ret);
bool feel_time_parse(struct kh_str s, struct kh_feel_value *ret);
/** Also a date alone: its midnight. */
bool feel_date_time_parse(struct kh_str s, struct kh_feel_value *ret);
bool feel_duration_parse(struct kh_str s, struct kh_feel_value *ret);
/** Any of the four by its look, as in @"...". */
bool feel_at_parse(struct kh_str s, struct kh_feel_value *ret);

/** Canonical text of a temporal value. */
void feel_when_put(struct kh_buf *b, struct kh_feel_value v);

/* ---- counting (when.c) ---- */

/** @return false if the year is out of range or there is no such day */
bool feel_make_date(int64_t year, int64_t month, int64_t day, struct kh_feel_value *ret);
/** Set w->off by its zone, for the wall clock time that w shows. */
void feel_when_settle(struct feel_when *w);

/** Same for a time of day: it has no date, so the offset at the beginning of 2000 stands in. */
void feel_time_settle(struct feel_when *w);

/** Seconds since 1970-01-01 UTC; a local one counts as UTC. */
static inline int64_t feel_when_utc(const struct feel_when *w)
{
    return w->s - (w->where == FEEL_LOCAL ? 0 : w->off);
}

/** Order of two times or two dates and times; one without an offset takes the other's. */
int feel_when_cmp(const struct feel_when *x, const struct feel_when *y);
/** A date as its midnight UTC. */
struct feel_when feel_midnight(int64_t days);
int64_t feel_day_of(const struct feel_when *w);
/** Seconds since midnight. */
int64_t feel_second_of_day(const struct feel_when *w);
/** Is the year of this day within range? */
bool feel_day_ok(int64_t days);

/** v + sign * d for every pair that has a meaning. @return false if it has none, or out of range */
bool feel_shift(struct kh_feel_value v, struct kh_feel_value d, int sign,
                struct kh_feel_value *ret);
/** x - y of two dates, times, dates and times (mixed date and date and time too). */
bool feel_between(struct kh_feel_value x, struct kh_feel_value y, struct kh_feel_value *ret);
/** Whole months from x to y. */
bool feel_months_between(struct kh_feel_value x, struct kh_feel_value y, struct kh_feel_value *ret);
/** Duration times a number; duration / number. */
bool feel_stretch(struct kh_feel_value d, struct kh_dec by, bool divide, struct kh_feel_value *ret);
/** Seconds of a days and time duration as a number. */
bool feel_span_seconds(struct feel_span s, struct kh_dec *ret);
bool feel_span_of(struct kh_dec seconds, struct kh_feel_value *ret);
/** Seconds and nanoseconds of the absolute value. */
struct feel_span feel_span_abs(struct feel_span d);

/** A named component ("year", "time offset"). @return false if this kind has none of that name */
bool feel_part(struct kh_feel_value v, struct kh_str name, struct kh_feel_value *ret);

/* ---- zones (zone.c) ---- */

/** Row of an IANA name. @return false if there is none */
bool feel_zone_find(struct kh_str name, uint16_t *ret_zone);
struct kh_str feel_zone_name(uint16_t zone);
/** Offset from UTC in seconds at an instant (UTC seconds). */
int32_t feel_zone_offset(uint16_t zone, int64_t utc_s);
/** Offset that holds for a wall clock reading. */
int32_t feel_zone_offset_local(uint16_t zone, int64_t local_s);

#endif
