/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service functions of working time:
 *   calendar.due   {span | days, minutes | count, unit; from?, calendar?} -> {due}
 *                  span as "PT8H", "P5D"; unit one of
 *                    hour         hours of office time
 *                    working_day  days on which the office is open, to the same time of day
 *                    day, month   of the civil calendar, to the end of office hours of the last day;
 *                                 if that is a day off, of the next day that is none
 *   calendar.start {from?, latest?, calendar?} -> {start}: from, if the office is open then and it is
 *                  not later than latest ("15:00"); else when it opens next
 * The first day of a period does not count, and one that would end on a day off ends on the next
 * working day: Bộ luật Dân sự 2015, articles 147 and 148.
 */
#include "engine/process/run.h"

#include "base/time.h"

enum { MINUTES_MAX = 100 * 366 * 24 * 60, COUNT_MAX = 36600 };

static struct kh_json *one_time(struct kh_arena *a, const char *name, int64_t us)
{
    struct kh_json *o = kh_json_new(a, KH_JSON_OBJECT);

    kh_json_set(a, o, kh_cstr(name), kh_json_new_str(a, kh_time_text(a, us)));
    return o;
}

/* "from" and "calendar", which both functions take. */
static bool read_base(struct kh_step *step, const struct kh_json *inputs, int64_t *ret_from,
                      struct kh_str *ret_calendar, struct kh_error *err)
{
    struct kh_str from = kh_json_str(inputs, "from", KH_S(""));

    *ret_from = ((struct kh_own_step *)step)->run->root->now_us;
    *ret_calendar = kh_json_str(inputs, "calendar", KH_S("default"));
    return !from.n || kh_when_parse(from, ret_from) ||
           kh_fail(err, KH_EC_PROCESS_STUCK, "input from is no time");
}

/* A number of units as procedures give it: "5 working days", "30 days". */
static bool add_units(struct kh_step *step, struct kh_str calendar, int64_t from_us, int64_t count,
                      struct kh_str unit, int64_t *ret_us, struct kh_error *err)
{
    struct kh_span span = {0};

    if (count < 0 || count > COUNT_MAX)
        return kh_fail(err, KH_EC_PROCESS_STUCK, "input count is 0 to %d", COUNT_MAX);
    if (kh_str_is(unit, "hour"))
        span.us = count * KH_US_H;
    else if (kh_str_is(unit, "working_day"))
        span.days = count;
    if (span.us || span.days || count == 0)
        return kh_timer_add(step->pe, calendar, from_us, span, ret_us, err);
    if (kh_str_is(unit, "day"))
        span.days = count;
    else if (kh_str_is(unit, "month"))
        span.months = count;
    else
        return kh_fail(err, KH_EC_PROCESS_STUCK, "input unit is hour, working_day, day or month");
    return kh_calendars_day_end(step->pe, calendar, kh_span_add(from_us, span), ret_us, err);
}

static bool calendar_due(struct kh_step *step, const struct kh_json *inputs, void *ctx,
                         struct kh_json **ret_outputs, struct kh_error *err)
{
    struct kh_str text = kh_json_str(inputs, "span", KH_S("")), calendar;
    struct kh_span span = {.days = kh_json_int(inputs, "days", 0)};
    int64_t minutes = kh_json_int(inputs, "minutes", 0), at;
    const struct kh_json *count = kh_json_get(inputs, "count");

    (void)ctx;
    if (!read_base(step, inputs, &at, &calendar, err))
        return false;
    if (kh_json_get(inputs, "span") && !kh_span_parse(text, &span))
        return kh_fail(err, KH_EC_PROCESS_STUCK, "input span is no duration");
    if (minutes < -MINUTES_MAX || minutes > MINUTES_MAX || span.days < -MINUTES_MAX ||
        span.days > MINUTES_MAX)
        return kh_fail(err, KH_EC_PROCESS_STUCK, "input minutes or days is out of range");
    span.us += minutes * KH_US_MIN;
    if (count && count->type != KH_JSON_NULL
            ? !add_units(step, calendar, at, kh_json_int(inputs, "count", -1),
                         kh_json_str(inputs, "unit", KH_S("")), &at, err)
            : !kh_timer_add(step->pe, calendar, at, span, &at, err))
        return false;
    *ret_outputs = one_time(step->a, "due", at);
    return true;
}

/* "15:00" as time of day. */
static bool read_latest(const struct kh_json *inputs, int64_t *ret_us, struct kh_error *err)
{
    struct kh_str text = kh_json_str(inputs, "latest", KH_S("24:00")), minutes;
    int64_t h, m;

    if (!kh_str_int(kh_str_cut(text, ':', &minutes), &h) || !kh_str_int(minutes, &m) || h < 0 ||
        m < 0 || m > 59 || h * 60 + m > 24 * 60)
        return kh_fail(err, KH_EC_PROCESS_STUCK, "input latest is a time of day, \"15:00\"");
    *ret_us = (h * 60 + m) * KH_US_MIN;
    return true;
}

static bool calendar_start(struct kh_step *step, const struct kh_json *inputs, void *ctx,
                           struct kh_json **ret_outputs, struct kh_error *err)
{
    struct kh_str calendar;
    int64_t at, latest = 0;

    (void)ctx;
    if (!read_base(step, inputs, &at, &calendar, err) || !read_latest(inputs, &latest, err) ||
        !kh_calendars_start(step->pe, calendar, at, latest, &at, err))
        return false;
    *ret_outputs = one_time(step->a, "start", at);
    return true;
}

void kh_services_time(struct kh_process *pe)
{
    kh_process_service_early(pe, "calendar.due", calendar_due, NULL);
    kh_process_service_early(pe, "calendar.start", calendar_start, NULL);
}
