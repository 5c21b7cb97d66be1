/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base/time -- the only place that knows what time it is, and how it is written.
 *
 * Owns   the clock; a test replaces it (kh_clock_set), so nothing sleeps in tests.
 * Used   by everything that needs an instant or a date.
 * Never  uses the C library's time zone: Việt Nam is UTC+7 without daylight saving time
 *        (Asia/Ho_Chi_Minh since 1975-06-13); other zones are not needed here.
 */
#ifndef KH_BASE_TIME_H
#define KH_BASE_TIME_H

#include "base/kh.h"

#define KH_US_S   ((int64_t)1000000)
#define KH_US_MIN (60 * KH_US_S)
#define KH_US_H   (60 * KH_US_MIN)
#define KH_US_DAY (24 * KH_US_H)
/** Offset of the city from UTC. */
#define KH_ZONE_US (7 * KH_US_H)
/** "Never": the end of an open interval. */
#define KH_FOREVER INT64_MAX

/** @return now, microseconds since 1970-01-01 UTC; the fake clock if one is set */
int64_t kh_now_us(void);
/** @return a clock that never goes back, for measuring; never faked */
int64_t kh_mono_us(void);
/** Set the fake clock; 0 gives back the real one. Also armed by KHUE_CLOCK_US for test servers. */
void kh_clock_set(int64_t now_us);
void kh_clock_add(int64_t us);

/** Days since 1970-01-01 of a civil date (proleptic Gregorian); any month/day arithmetic works. */
int64_t kh_days(int64_t year, int month, int day);
void kh_civil(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day);
/** 1 = Monday .. 7 = Sunday */
int kh_weekday(int64_t days);
bool kh_date_ok(int64_t year, int month, int day);
/** The city's date at an instant, as days since 1970-01-01; and the instant of its midnight. */
int64_t kh_day_of(int64_t us);
int64_t kh_day_start(int64_t days);

/** "2026-09-15T14:05:00.123456Z" (fraction only if there is one) */
struct kh_str kh_time_text(struct kh_arena *a, int64_t us);
/** Same, written to out (at least 32 bytes). @return length */
size_t kh_time_put(char *out, int64_t us);
/** "2026-09-15" of days since 1970-01-01 */
struct kh_str kh_date_text(struct kh_arena *a, int64_t days);
/** RFC 3339 date-time with offset, to microseconds. @return false if it is not one */
KH_CHECK
bool kh_time_parse(struct kh_str s, int64_t *ret_us);
/** "2026-09-15" -> days */
KH_CHECK
bool kh_date_parse(struct kh_str s, int64_t *ret_days);
/** A date (its midnight in the city) or a date-time: what ?valid= and ?at= take. */
KH_CHECK
bool kh_when_parse(struct kh_str s, int64_t *ret_us);

#endif
