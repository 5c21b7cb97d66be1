/* SPDX-License-Identifier: Apache-2.0 */
/**
 * process/calendar -- working time: office hours, holidays, swap days.
 *
 * A calendar is data (packs: calendars/<key>.json):
 *   {"title":{"vi","en"},
 *    "weekly": {"mon":[["08:00","12:00"],["13:30","17:30"]], ...}      absent weekdays are closed
 *           or [{"from":"2025-01-01","to":"2025-12-31","mon":[...]}, ...]  one entry per period,
 *    "holidays":[{"date":"2026-01-01"} | {"from","to"}, "name"?:{vi,en}],
 *    "working_day_override":[{"date":"2026-02-28","hours":[["08:00","12:00"]]} or {"date","as":"mon"}
 *                            or {"date","hours":[]}],
 *    "from"?, "to"?: what the data covers, for people}
 * An override wins over a holiday, a holiday over the week. Dates that nobody has entered are
 * ordinary days of their week: a holiday without data is not invented.
 *
 * Compiled into one table with the working time before each day, so that adding and measuring are a
 * look-up and a binary search; outside the table the week repeats.
 *
 * Owns   nothing; a compiled calendar is immutable and lives in its arena.
 * Used   by engine.c (kh_calendar_*), tests.
 * Source domain facts 4.11; Bộ luật Dân sự 2015, articles 145-148: the first day does not count.
 */
#ifndef KH_PROCESS_CALENDAR_H
#define KH_PROCESS_CALENDAR_H

#include "base/json.h"

struct kh_calendar;

/**
 * Compile.
 * @param issues all faults, with JSON pointers into json
 * @param err    BODY_INVALID (422) with the issues
 */
KH_CHECK
bool kh_calendar_compile(struct kh_arena *a, const struct kh_json *json, struct kh_issues *issues,
                         struct kh_calendar **ret, struct kh_error *err);

/** Monday to Friday, 8:00-12:00 and 13:00-17:00, no holidays: "default" until a pack says better. */
const struct kh_calendar *kh_calendar_standard(struct kh_arena *a);

/** Working microseconds from from_us to to_us; negative if to_us is earlier. */
int64_t kh_calendar_work(const struct kh_calendar *c, int64_t from_us, int64_t to_us);

/**
 * from + days whole working days + work_us of working time; either may be negative.
 *
 * With days, from counts as the next working instant if the office is closed, and the result is at
 * the same time of day, moved into that day's office hours. With work_us only, the result is the
 * first instant by which that much work has been done (going back: the last).
 *
 * @return false if the calendar has no working time in the direction asked
 */
KH_CHECK
bool kh_calendar_shift(const struct kh_calendar *c, int64_t from_us, int64_t days, int64_t work_us,
                       int64_t *ret_us);

/** The end of office hours of the day of us, or of the next day that has some.
 *  @return false if there is none any more */
KH_CHECK
bool kh_calendar_day_end(const struct kh_calendar *c, int64_t us, int64_t *ret_us);

/** When work that comes at us begins: at once, or when the office opens next; what comes later in the
 *  day than latest_us (time of day) begins on the next working day.
 *  @return false if there is none any more */
KH_CHECK
bool kh_calendar_start(const struct kh_calendar *c, int64_t us, int64_t latest_us, int64_t *ret_us);

/** @return true if the office is open at the instant */
bool kh_calendar_open_at(const struct kh_calendar *c, int64_t us);

#endif
