/* SPDX-License-Identifier: Apache-2.0 */
/* Working time: the rules of the field by hand, and the table against counting minute by minute. */
#include "base/time.h"
#include "engine/process/calendar.h"
#include "engine/process/span.h"

#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

#define HOURS "[[\"08:00\",\"12:00\"],[\"13:30\",\"17:30\"]]"
/* Tết 2026 (14-22 February), 30/4 and 1/5, a swap: Saturday 28 February is worked as a Monday. */
static const char office[] =
    "{\"title\":{\"vi\":\"Giờ hành chính\",\"en\":\"Office hours\"},"
    "\"weekly\":{\"mon\":" HOURS ",\"tue\":" HOURS ",\"wed\":" HOURS ",\"thu\":" HOURS
    ",\"fri\":" HOURS "},"
    "\"holidays\":[{\"date\":\"2026-01-01\"},{\"from\":\"2026-02-14\",\"to\":\"2026-02-22\","
    "\"name\":{\"vi\":\"Tết\",\"en\":\"Tet\"}},{\"date\":\"2026-04-30\"},{\"date\":\"2026-05-01\"}],"
    "\"working_day_override\":[{\"date\":\"2026-02-28\",\"as\":\"mon\"},"
    "{\"date\":\"2026-03-07\",\"hours\":[[\"08:00\",\"11:30\"]]}]}";

static const struct kh_calendar *compile(struct kh_arena *a, const char *text)
{
    struct kh_issues issues = {0};
    struct kh_error err = {0};
    struct kh_calendar *c = NULL;
    struct kh_json *json;

    assert_true(kh_json_parse(a, kh_cstr(text), NULL, &json, &err));
    if (!kh_calendar_compile(a, json, &issues, &c, &err))
        fail_msg("%s %.*s", err.detail, KH_FMT(issues.items[0].pointer));
    return c;
}

/* "2026-02-13 16:00" of the city */
static int64_t at(const char *text)
{
    char iso[32];
    int64_t us;

    assert_true(strlen(text) == 16);
    memcpy(iso, text, 17);
    iso[10] = 'T';
    memcpy(iso + 16, ":00+07:00", 10);
    assert_true(kh_time_parse(kh_cstr(iso), &us));
    return us;
}

static void shifts(const struct kh_calendar *c, const char *from, int64_t days, int64_t minutes,
                   const char *want)
{
    int64_t got;

    assert_true(kh_calendar_shift(c, at(from), days, minutes * KH_US_MIN, &got));
    if (got != at(want))
        fail_msg("%s + %d days %d min is %s, not %s", from, (int)days, (int)minutes,
                 kh_str_z(kh_arena_new(1000), kh_time_text(kh_arena_new(1000), got)), want);
}

static void counts_working_hours_over_night_weekend_and_tet(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 20);
    const struct kh_calendar *c = compile(a, office);

    (void)state;
    shifts(c, "2026-09-15 09:00", 0, 8 * 60, "2026-09-16 09:00");
    shifts(c, "2026-09-15 09:00", 0, 60, "2026-09-15 10:00");
    /* Done when the hour ends, not when the next one begins. */
    shifts(c, "2026-09-15 08:00", 0, 4 * 60, "2026-09-15 12:00");
    shifts(c, "2026-09-15 08:00", 0, 4 * 60 + 1, "2026-09-15 13:31");
    /* Friday afternoon before Tết: the next working minute is on Monday 23 February. */
    shifts(c, "2026-02-13 16:30", 0, 2 * 60, "2026-02-23 09:00");
    shifts(c, "2026-02-18 03:00", 0, 30, "2026-02-23 08:30");
    /* Back from Monday morning into Friday. */
    shifts(c, "2026-09-14 09:00", 0, -4 * 60, "2026-09-11 14:30");
    shifts(c, "2026-09-15 09:00", 0, 0, "2026-09-15 09:00");
}

static void counts_working_days_without_the_first(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 20);
    const struct kh_calendar *c = compile(a, office);

    (void)state;
    shifts(c, "2026-09-15 09:00", 1, 0, "2026-09-16 09:00");
    shifts(c, "2026-09-18 14:00", 1, 0, "2026-09-21 14:00");
    shifts(c, "2026-02-12 10:00", 3, 0, "2026-02-24 10:00");
    /* Received on Saturday: Monday is the first day, so it is due when Tuesday begins. */
    shifts(c, "2026-09-19 10:00", 1, 0, "2026-09-22 08:00");
    /* Received after hours: as if on the next morning. */
    shifts(c, "2026-09-15 20:00", 1, 0, "2026-09-17 08:00");
    /* 30 April and 1 May are a Thursday and a Friday in 2026. */
    shifts(c, "2026-04-29 09:00", 1, 0, "2026-05-04 09:00");
    shifts(c, "2026-05-04 09:00", -1, 0, "2026-04-29 09:00");
    shifts(c, "2026-09-15 09:00", 1, 90, "2026-09-16 10:30");
}

/* A period in days of the calendar ends with office hours of its last day, or of the next one that has
 * some; what comes after 15:00 begins on the next working day. */
static void ends_with_office_hours_and_begins_on_the_next_day_when_late(void **state)
{
    static const struct {
        const char *from, *end, *start, *start_15;
    } cases[] = {
        {"2026-02-10 09:00", "2026-02-10 17:30", "2026-02-10 09:00", "2026-02-10 09:00"},
        {"2026-02-10 07:00", "2026-02-10 17:30", "2026-02-10 08:00", "2026-02-10 08:00"},
        {"2026-02-10 12:30", "2026-02-10 17:30", "2026-02-10 13:30", "2026-02-10 13:30"},
        {"2026-02-10 15:00", "2026-02-10 17:30", "2026-02-10 15:00", "2026-02-10 15:00"},
        {"2026-02-10 15:01", "2026-02-10 17:30", "2026-02-10 15:01", "2026-02-11 08:00"},
        {"2026-02-10 17:30", "2026-02-10 17:30", "2026-02-11 08:00", "2026-02-11 08:00"},
        {"2026-02-13 16:00", "2026-02-13 17:30", "2026-02-13 16:00", "2026-02-23 08:00"}, /* Tết */
        {"2026-02-16 10:00", "2026-02-23 17:30", "2026-02-23 08:00", "2026-02-23 08:00"},
        {"2026-02-28 16:00", "2026-02-28 17:30", "2026-02-28 16:00", "2026-03-02 08:00"}, /* swap */
        {"2026-03-07 10:00", "2026-03-07 11:30", "2026-03-07 10:00", "2026-03-07 10:00"},
        {"2026-03-07 12:00", "2026-03-07 11:30", "2026-03-09 08:00", "2026-03-09 08:00"},
    };
    struct kh_arena *a = kh_arena_new(1 << 24);
    const struct kh_calendar *c = compile(a, office);
    int64_t got;

    (void)state;
    for (size_t i = 0; i < KH_LEN(cases); i++) {
        assert_true(kh_calendar_day_end(c, at(cases[i].from), &got));
        assert_int_equal(got, at(cases[i].end));
        assert_true(kh_calendar_start(c, at(cases[i].from), KH_US_DAY, &got));
        assert_int_equal(got, at(cases[i].start));
        assert_true(kh_calendar_start(c, at(cases[i].from), 15 * KH_US_H, &got));
        assert_int_equal(got, at(cases[i].start_15));
    }
    kh_arena_drop(a);
}

static void works_on_swap_days_by_their_own_hours(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 20);
    const struct kh_calendar *c = compile(a, office);

    (void)state;
    shifts(c, "2026-02-27 17:00", 0, 60, "2026-02-28 08:30");
    assert_true(kh_calendar_open_at(c, at("2026-02-28 16:00")));
    assert_false(kh_calendar_open_at(c, at("2026-09-19 09:00")));
    /* The half Saturday is a working day; a deadline of the afternoon moves into its hours. */
    shifts(c, "2026-03-06 15:00", 1, 0, "2026-03-07 11:30");
    assert_int_equal(kh_calendar_work(c, at("2026-03-07 00:00"), at("2026-03-08 00:00")),
                     210 * KH_US_MIN);
}

static void invents_no_holiday_where_there_is_no_data(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 20);
    const struct kh_calendar *c = compile(a, office);

    (void)state;
    /* 1 January 2030 is a Tuesday that nobody has entered; so is Tết of 2040. */
    assert_true(kh_calendar_open_at(c, at("2030-01-01 09:00")));
    shifts(c, "2039-12-30 09:00", 5, 0, "2040-01-06 09:00");
    shifts(c, "1995-05-01 09:00", -5, 0, "1995-04-24 09:00");
}

static void changes_hours_by_period(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 20);
    const struct kh_calendar *c = compile(
        a,
        "{\"weekly\":[{\"from\":\"2025-01-01\",\"to\":\"2026-06-30\",\"tue\":[[\"08:00\",\"10:00\"]]},"
        "{\"from\":\"2026-07-01\",\"tue\":[[\"08:00\",\"12:00\"]],\"wed\":[[\"00:00\",\"24:00\"]]}]}");

    (void)state;
    assert_int_equal(kh_calendar_work(c, at("2026-06-30 00:00"), at("2026-07-01 00:00")),
                     120 * KH_US_MIN);
    assert_int_equal(kh_calendar_work(c, at("2026-07-01 00:00"), at("2026-07-02 00:00")),
                     1440 * KH_US_MIN);
    /* Before the first period its week goes on. */
    assert_int_equal(kh_calendar_work(c, at("2020-03-02 00:00"), at("2020-03-09 00:00")),
                     120 * KH_US_MIN);
}

static void an_office_that_never_opens_has_no_deadline(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 20);
    const struct kh_calendar *never = compile(a, "{\"weekly\":{}}");
    int64_t got;

    (void)state;
    assert_false(kh_calendar_shift(never, at("2026-09-15 09:00"), 1, 0, &got));
    assert_false(kh_calendar_shift(never, at("2026-09-15 09:00"), 0, KH_US_MIN, &got));
    assert_false(kh_calendar_shift(never, at("2026-09-15 09:00"), 0, -KH_US_MIN, &got));
    assert_true(kh_calendar_shift(never, at("2026-09-15 09:00"), 0, 0, &got));
    assert_int_equal(kh_calendar_work(never, 0, KH_US_DAY * 10000), 0);
}

static void says_what_is_wrong_with_a_calendar(void **state)
{
    static const struct {
        const char *text, *pointer;
    } bad[] = {
        {"[]", ""},
        {"{}", "/weekly"},
        {"{\"weekly\":[]}", "/weekly"},
        {"{\"weekly\":{\"monday\":[]}}", "/weekly/monday"},
        {"{\"weekly\":{\"mon\":[[\"8:00\",\"12:00\"]]}}", "/weekly/mon/0"},
        {"{\"weekly\":{\"mon\":[[\"08:00\",\"25:00\"]]}}", "/weekly/mon/0"},
        {"{\"weekly\":{\"mon\":[[\"12:00\",\"08:00\"]]}}", "/weekly/mon/0"},
        {"{\"weekly\":{\"mon\":[[\"08:00\",\"12:00\"],[\"11:00\",\"13:00\"]]}}", "/weekly/mon/1"},
        {"{\"weekly\":{},\"holidays\":[{\"date\":\"2026-02-30\"}]}", "/holidays/0/date"},
        {"{\"weekly\":{},\"holidays\":[{\"from\":\"2026-02-03\"}]}", "/holidays/0"},
        {"{\"weekly\":{},\"holidays\":[{\"from\":\"2026-02-03\",\"to\":\"2026-02-01\"}]}",
         "/holidays/0"},
        {"{\"weekly\":{},\"holidays\":{}}", "/holidays"},
        {"{\"weekly\":{},\"working_day_override\":[{\"date\":\"2026-02-03\"}]}",
         "/working_day_override/0"},
        {"{\"weekly\":{},\"working_day_override\":[{\"date\":\"2026-02-03\",\"as\":\"x\"}]}",
         "/working_day_override/0"},
        {"{\"weekly\":{},\"holiday\":[]}", "/holiday"},
        {"{\"weekly\":{},\"holidays\":[{\"date\":\"1000-01-01\"},{\"date\":\"2026-01-01\"}]}", ""},
        {"{\"weekly\":[{\"from\":\"2026-01-01\"},{\"from\":\"2025-01-01\"}]}", "/weekly/1"},
        {"{\"weekly\":{\"from\":\"2026-01-02\",\"to\":\"2026-01-01\"}}", "/weekly"},
    };

    (void)state;
    for (size_t i = 0; i < KH_LEN(bad); i++) {
        kh_auto_arena a = kh_arena_new(1 << 20);
        struct kh_issues issues = {0};
        struct kh_error err = {0};
        struct kh_calendar *c;
        struct kh_json *json;

        assert_true(kh_json_parse(a, kh_cstr(bad[i].text), NULL, &json, &err));
        if (kh_calendar_compile(a, json, &issues, &c, &err))
            fail_msg("accepted: %s", bad[i].text);
        assert_int_equal(err.code, KH_EC_BODY_INVALID);
        assert_true(issues.n >= 1);
        if (!kh_str_is(issues.items[0].pointer, bad[i].pointer))
            fail_msg("%s: at %.*s", bad[i].text, KH_FMT(issues.items[0].pointer));
        assert_true(issues.items[0].vi.n > 0 && issues.items[0].en.n > 0);
    }
}

/* ---- against counting ---- */

enum { DAYS = 500, MINUTES = DAYS * 1440 };

static uint32_t random_below(uint64_t *seed, uint32_t n)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((*seed >> 33) % n);
}

/* Random hours of a day, as JSON and as open minutes. */
static void random_hours(uint64_t *seed, struct kh_buf *b, bool open[1440])
{
    unsigned pieces = random_below(seed, 4), t = random_below(seed, 300);

    memset(open, 0, 1440 * sizeof(bool));
    kh_buf_c(b, '[');
    for (unsigned i = 0; i < pieces; i++) {
        unsigned from = t + 1 + random_below(seed, 150), to = from + 1 + random_below(seed, 200);

        kh_buf_strf(b, "%s[\"%02u:%02u\",\"%02u:%02u\"]", i ? "," : "", from / 60, from % 60,
                    to / 60, to % 60);
        for (unsigned m = from; m < to; m++)
            open[m] = true;
        t = to;
    }
    kh_buf_c(b, ']');
}

struct naive {
    int64_t first; /* day */
    bool open[MINUTES];
    uint32_t before[MINUTES + 1];
};

static const struct kh_calendar *random_calendar(struct kh_arena *a, uint64_t *seed,
                                                 struct naive *n)
{
    static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    struct kh_buf b = kh_buf(a, 1 << 20);
    bool week[7][1440], day[1440];

    n->first = kh_days(2026, 1, 1) + random_below(seed, 30);
    kh_buf_z(&b, "{\"weekly\":{");
    for (int i = 0; i < 7; i++) {
        kh_buf_strf(&b, "%s\"%s\":", i ? "," : "", names[i]);
        random_hours(seed, &b, week[i]);
    }
    for (int d = 0; d < DAYS; d++)
        memcpy(&n->open[d * 1440], week[kh_weekday(n->first + d) - 1], sizeof(day));
    kh_buf_z(&b, "},\"holidays\":[");
    for (int i = 0; i < 12; i++) {
        unsigned d = 100 + random_below(seed, DAYS - 200);

        kh_buf_strf(&b, "%s{\"date\":\"%.*s\"}", i ? "," : "",
                    KH_FMT(kh_date_text(a, n->first + d)));
        memset(&n->open[d * 1440], 0, sizeof(day));
    }
    kh_buf_z(&b, "],\"working_day_override\":[");
    for (int i = 0; i < 12; i++) {
        unsigned d = 100 + random_below(seed, DAYS - 200);

        kh_buf_strf(&b, "%s{\"date\":\"%.*s\",\"hours\":", i ? "," : "",
                    KH_FMT(kh_date_text(a, n->first + d)));
        random_hours(seed, &b, day);
        kh_buf_c(&b, '}');
        memcpy(&n->open[d * 1440], day, sizeof(day));
    }
    kh_buf_z(&b, "]}");
    for (int i = 0; i < MINUTES; i++)
        n->before[i + 1] = n->before[i] + n->open[i];
    kh_buf_c(&b, '\0');
    return compile(a, b.p);
}

static int64_t instant(const struct naive *n, uint32_t minute)
{
    return kh_day_start(n->first) + minute * KH_US_MIN;
}

static void agrees_with_counting_every_minute(void **state)
{
    struct naive *n = malloc(sizeof(*n));
    uint64_t seed = 20260915;

    (void)state;
    assert_non_null(n);
    for (int round = 0; round < 25; round++) {
        kh_auto_arena a = kh_arena_new(4 << 20);
        const struct kh_calendar *c;

        memset(n, 0, sizeof(*n));
        c = random_calendar(a, &seed, n);
        for (int k = 0; k < 400; k++) {
            uint32_t i = random_below(&seed, MINUTES), j = random_below(&seed, MINUTES), m;
            int64_t work = (int64_t)n->before[j] - n->before[i], got;

            assert_int_equal(kh_calendar_work(c, instant(n, i), instant(n, j)), work * KH_US_MIN);
            assert_int_equal(kh_calendar_open_at(c, instant(n, i)), n->open[i]);
            if (work <= 0)
                continue;
            /* The first minute by which that much has been done. */
            for (m = i; n->before[m] - n->before[i] < (uint32_t)work; m++)
                ;
            assert_true(kh_calendar_shift(c, instant(n, i), 0, work * KH_US_MIN, &got));
            assert_int_equal(got, instant(n, m));
            /* Back again: the last minute before which no more was done. */
            for (m = j; m > 0 && n->before[j] - n->before[m] < (uint32_t)work; m--)
                ;
            while (n->open[m] == false && m < MINUTES && n->before[m + 1] == n->before[m])
                m++;
            assert_true(kh_calendar_shift(c, instant(n, j), 0, -work * KH_US_MIN, &got));
            assert_int_equal(got, instant(n, m));
        }
    }
    free(n);
}

static void adding_days_counts_days_with_hours(void **state)
{
    struct naive *n = malloc(sizeof(*n));
    uint64_t seed = 7;

    (void)state;
    assert_non_null(n);
    for (int round = 0; round < 25; round++) {
        kh_auto_arena a = kh_arena_new(4 << 20);
        const struct kh_calendar *c;

        memset(n, 0, sizeof(*n));
        c = random_calendar(a, &seed, n);
        for (int k = 0; k < 100; k++) {
            uint32_t m = random_below(&seed, MINUTES / 2), day = m / 1440;
            int64_t days = 1 + random_below(&seed, 60), got, left = days;

            if (!n->open[m])
                continue;
            while (left > 0) {
                day++;
                left -= n->before[(day + 1) * 1440] > n->before[day * 1440];
            }
            assert_true(kh_calendar_shift(c, instant(n, m), days, 0, &got));
            assert_int_equal(kh_day_of(got), n->first + day);
        }
    }
    free(n);
}

static void reads_iso_durations(void **state)
{
    static const struct {
        const char *text;
        int64_t months, days, us;
    } good[] = {
        {"PT8H", 0, 0, 8 * KH_US_H},
        {"P3D", 0, 3, 0},
        {"P1Y2M3DT4H5M6.5S", 14, 3, 4 * KH_US_H + 5 * KH_US_MIN + 6500000},
        {"P2W", 0, 14, 0},
        {"-P1DT1H", 0, -1, -KH_US_H},
        {"PT0S", 0, 0, 0},
        {" PT1M ", 0, 0, KH_US_MIN},
    };
    static const char *const bad[] = {
        "",     "P",      "PT",    "P1",     "8H",   "P1H",      "PT1D",
        "P1DT", "PT1S1H", "P1D1D", "PT1.5H", "P-1D", "PT1H ago", "P9999999999999D",
        "PT."};
    struct kh_span s;
    int64_t times;

    (void)state;
    for (size_t i = 0; i < KH_LEN(good); i++) {
        assert_true(kh_span_parse(kh_cstr(good[i].text), &s));
        assert_int_equal(s.months, good[i].months);
        assert_int_equal(s.days, good[i].days);
        assert_int_equal(s.us, good[i].us);
    }
    for (size_t i = 0; i < KH_LEN(bad); i++)
        if (kh_span_parse(kh_cstr(bad[i]), &s))
            fail_msg("accepted: %s", bad[i]);
    assert_true(kh_span_parse_cycle(KH_S("R3/PT1H"), &times, &s));
    assert_int_equal(times, 3);
    assert_true(kh_span_parse_cycle(KH_S("R/P1D"), &times, &s));
    assert_int_equal(times, -1);
    assert_false(kh_span_parse_cycle(KH_S("R/PT0S"), &times, &s));
    assert_false(kh_span_parse_cycle(KH_S("R0/PT1H"), &times, &s));
    assert_false(kh_span_parse_cycle(KH_S("PT1H"), &times, &s));
}

static void a_month_ends_with_its_last_day(void **state)
{
    (void)state;
    assert_int_equal(kh_span_add(at("2026-01-31 09:00"), (struct kh_span){.months = 1}),
                     at("2026-02-28 09:00"));
    assert_int_equal(kh_span_add(at("2028-02-29 09:00"), (struct kh_span){.months = 12}),
                     at("2029-02-28 09:00"));
    assert_int_equal(kh_span_add(at("2026-03-31 09:00"), (struct kh_span){.months = -13}),
                     at("2025-02-28 09:00"));
    assert_int_equal(kh_span_add(at("2026-12-15 09:00"), (struct kh_span){1, 1, KH_US_H}),
                     at("2027-01-16 10:00"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_working_hours_over_night_weekend_and_tet),
        cmocka_unit_test(counts_working_days_without_the_first),
        cmocka_unit_test(ends_with_office_hours_and_begins_on_the_next_day_when_late),
        cmocka_unit_test(works_on_swap_days_by_their_own_hours),
        cmocka_unit_test(invents_no_holiday_where_there_is_no_data),
        cmocka_unit_test(changes_hours_by_period),
        cmocka_unit_test(an_office_that_never_opens_has_no_deadline),
        cmocka_unit_test(says_what_is_wrong_with_a_calendar),
        cmocka_unit_test(agrees_with_counting_every_minute),
        cmocka_unit_test(adding_days_counts_days_with_hours),
        cmocka_unit_test(reads_iso_durations),
        cmocka_unit_test(a_month_ends_with_its_last_day),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
