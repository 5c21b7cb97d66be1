/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/process/calendar.h"

#include "base/time.h"

enum {
    SPANS = 8,            /* office hours of one day: pieces */
    DAY_MIN = 24 * 60,    /* minutes */
    TABLE_MAX = 366 * 120 /* days that the data of one calendar may span */
};

static const char *const weekdays[7] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

/* Office hours of one day, minutes since midnight, in order, not touching. Without padding, so
 * that equal hours are equal bytes. */
struct hours {
    uint32_t n, total;
    uint16_t from[SPANS], to[SPANS];
};

/* A week that holds in [from, to] (days since 1970). */
struct period {
    int64_t from, to;
    uint8_t day[7]; /* index into hours */
};

/* Table positions: day `first` has index 0; work_before[i] minutes lie before day i. Both ends are
 * Mondays, so outside the table whole weeks repeat. */
struct kh_calendar {
    struct hours *hours; /* hours[0] is "closed" */
    size_t hours_n, hours_cap;
    struct period *periods;
    size_t periods_n, periods_cap;
    int64_t first, days_n;
    uint8_t *day;              /* [days_n] */
    uint32_t *work_before;     /* [days_n + 1] minutes */
    uint32_t *days_before;     /* [days_n + 1] working days */
    struct period early, late; /* the weeks before and after the table */
};

/* ---- reading ---- */

struct reader {
    struct kh_arena *a;
    struct kh_issues *issues;
    struct kh_calendar *c;
};

static void complain(struct reader *r, struct kh_str pointer, const char *code, const char *vi,
                     const char *en)
{
    kh_issue_add(r->issues, r->a, pointer, code, kh_cstr(vi), kh_cstr(en));
}

/* "08:30" -> 510; "24:00" is the end of the day. */
static bool minute_of(const struct kh_json *v, int64_t *ret)
{
    int64_t h, m;

    if (!kh_json_is(v, KH_JSON_STRING) || v->s.n != 5 || v->s.p[2] != ':' || v->s.p[0] == '-' ||
        v->s.p[0] == '+' || v->s.p[3] == '-' || v->s.p[3] == '+' ||
        !kh_str_int(kh_str(v->s.p, 2), &h) || !kh_str_int(kh_str(v->s.p + 3, 2), &m))
        return false;
    if (h < 0 || m < 0 || m > 59 || h * 60 + m > DAY_MIN)
        return false;
    *ret = h * 60 + m;
    return true;
}

/* A list of [from, to] pairs; ret is the index of these hours. */
static bool read_hours(struct reader *r, const struct kh_json *v, struct kh_str at, uint8_t *ret)
{
    struct hours h = {0};
    int64_t last = -1;

    if (!kh_json_is(v, KH_JSON_ARRAY) || v->n > SPANS) {
        complain(r, at, "hours", "Giờ làm việc phải là danh sách tối đa 8 khoảng [từ, đến].",
                 "Office hours must be a list of at most 8 pairs [from, to].");
        return false;
    }
    for (uint32_t i = 0; i < v->n; i++) {
        const struct kh_json *p = &v->items[i];
        int64_t from, to;

        if (!kh_json_is(p, KH_JSON_ARRAY) || p->n != 2 || !minute_of(&p->items[0], &from) ||
            !minute_of(&p->items[1], &to) || from >= to || from <= last) {
            complain(r, kh_strf(r->a, "%.*s/%u", KH_FMT(at), i), "hours",
                     "Cần [\"HH:MM\",\"HH:MM\"], tăng dần và không chồng nhau.",
                     "[\"HH:MM\",\"HH:MM\"] is needed, in order and without overlap.");
            return false;
        }
        h.from[h.n] = (uint16_t)from;
        h.to[h.n++] = (uint16_t)to;
        h.total += (uint32_t)(to - from);
        last = to;
    }
    for (size_t i = 0; i < r->c->hours_n; i++) {
        if (memcmp(&r->c->hours[i], &h, sizeof(h)) == 0) {
            *ret = (uint8_t)i;
            return true;
        }
    }
    if (r->c->hours_n >= 255) {
        complain(r, at, "hours", "Quá nhiều kiểu giờ làm việc khác nhau.",
                 "Too many different office hours.");
        return false;
    }
    r->c->hours =
        kh_grow(r->a, r->c->hours, r->c->hours_n, r->c->hours_n + 1, &r->c->hours_cap, sizeof(h));
    r->c->hours[r->c->hours_n] = h;
    *ret = (uint8_t)r->c->hours_n++;
    return true;
}

static bool known_day(struct kh_str name, int *ret)
{
    for (int i = 0; i < 7; i++) {
        if (kh_str_is(name, weekdays[i])) {
            *ret = i;
            return true;
        }
    }
    return false;
}

/* A date member; absent gives the fallback. */
static bool read_date(struct reader *r, const struct kh_json *o, const char *key, struct kh_str at,
                      int64_t fallback, int64_t *ret)
{
    const struct kh_json *v = kh_json_get(o, key);

    if (!v) {
        *ret = fallback;
        return true;
    }
    if (!kh_json_is(v, KH_JSON_STRING) || !kh_date_parse(v->s, ret)) {
        complain(r, kh_strf(r->a, "%.*s/%s", KH_FMT(at), key), "date",
                 "Ngày phải có dạng 2026-09-15.", "A date is written 2026-09-15.");
        return false;
    }
    return true;
}

static bool read_week(struct reader *r, const struct kh_json *v, struct kh_str at)
{
    struct period p = {.from = INT64_MIN, .to = INT64_MAX};
    bool good = true;

    if (!kh_json_is(v, KH_JSON_OBJECT)) {
        complain(r, at, "type", "Cần một đối tượng giờ làm việc theo thứ.",
                 "An object of office hours by weekday is needed.");
        return false;
    }
    good = read_date(r, v, "from", at, INT64_MIN, &p.from) && good;
    good = read_date(r, v, "to", at, INT64_MAX, &p.to) && good;
    if (good && p.from > p.to) {
        complain(r, at, "period", "Ngày bắt đầu sau ngày kết thúc.", "from is after to.");
        good = false;
    }
    for (uint32_t i = 0; i < v->n; i++) {
        struct kh_str key = v->members[i].key;
        struct kh_str where = kh_strf(r->a, "%.*s/%.*s", KH_FMT(at), KH_FMT(key));
        int day;

        if (kh_str_is(key, "from") || kh_str_is(key, "to"))
            continue;
        if (!known_day(key, &day)) {
            complain(r, where, "unknown", "Chỉ nhận mon, tue, wed, thu, fri, sat, sun.",
                     "Only mon, tue, wed, thu, fri, sat, sun are known.");
            good = false;
        } else {
            good = read_hours(r, &v->members[i].value, where, &p.day[day]) && good;
        }
    }
    r->c->periods = kh_grow(r->a, r->c->periods, r->c->periods_n, r->c->periods_n + 1,
                            &r->c->periods_cap, sizeof(p));
    r->c->periods[r->c->periods_n++] = p;
    return good;
}

static bool read_weeks(struct reader *r, const struct kh_json *json)
{
    const struct kh_json *w = kh_json_get(json, "weekly");
    bool good = true;

    if (!kh_json_is(w, KH_JSON_ARRAY))
        return read_week(r, w, KH_S("/weekly"));
    for (uint32_t i = 0; i < w->n; i++)
        good = read_week(r, &w->items[i], kh_strf(r->a, "/weekly/%u", i)) && good;
    for (size_t i = 1; i < r->c->periods_n && good; i++) {
        if (r->c->periods[i].from <= r->c->periods[i - 1].to) {
            complain(r, kh_strf(r->a, "/weekly/%zu", i), "period",
                     "Các giai đoạn phải tăng dần và không chồng nhau.",
                     "Periods must be in order and must not overlap.");
            good = false;
        }
    }
    if (w->n == 0) {
        complain(r, KH_S("/weekly"), "required", "Cần giờ làm việc trong tuần.",
                 "Weekly office hours are needed.");
        good = false;
    }
    return good;
}

/* The days that an entry names: "date", or "from" and "to". */
static bool read_days(struct reader *r, const struct kh_json *e, struct kh_str at,
                      int64_t *ret_from, int64_t *ret_to)
{
    bool one = kh_json_get(e, "date") != NULL;
    int64_t from, to;

    if (!kh_json_is(e, KH_JSON_OBJECT) ||
        (!one && (!kh_json_get(e, "from") || !kh_json_get(e, "to")))) {
        complain(r, at, "required", "Cần \"date\", hoặc \"from\" và \"to\".",
                 "\"date\" is needed, or \"from\" and \"to\".");
        return false;
    }
    if (!read_date(r, e, one ? "date" : "from", at, 0, &from) ||
        !read_date(r, e, one ? "date" : "to", at, 0, &to))
        return false;
    if (from > to || to - from > 366) {
        complain(r, at, "period", "Khoảng ngày không hợp lệ.", "This span of days is not valid.");
        return false;
    }
    *ret_from = from;
    *ret_to = to;
    return true;
}

static int week_index(int64_t day)
{
    return kh_weekday(day) - 1;
}

/* Before the first period and after the last its week goes on; a gap between two is closed. */
static const struct period *period_at(const struct kh_calendar *c, int64_t day)
{
    if (day < c->periods[0].from)
        return &c->periods[0];
    for (size_t i = 0; i < c->periods_n; i++)
        if (day >= c->periods[i].from && day <= c->periods[i].to)
            return &c->periods[i];
    return day > c->periods[c->periods_n - 1].to ? &c->periods[c->periods_n - 1] : NULL;
}

static uint8_t usual(const struct kh_calendar *c, int64_t day, int weekday)
{
    const struct period *p = period_at(c, day);

    return p ? p->day[weekday] : 0;
}

/* Pass over holidays (or overrides): first with set = false to learn the span of the table. */
static bool read_entries(struct reader *r, const struct kh_json *json, const char *key, bool set,
                         int64_t *first, int64_t *last)
{
    const struct kh_json *list = kh_json_get(json, key);
    bool good = true, holidays = strcmp(key, "holidays") == 0;

    if (list && list->type != KH_JSON_ARRAY) {
        if (!set)
            complain(r, kh_strf(r->a, "/%s", key), "type", "Cần một danh sách.",
                     "A list is needed.");
        return false;
    }
    for (uint32_t i = 0; list && i < list->n; i++) {
        const struct kh_json *e = &list->items[i], *hours = kh_json_get(e, "hours");
        struct kh_str at = kh_strf(r->a, "/%s/%u", key, i);
        struct kh_str as = kh_json_str(e, "as", KH_S(""));
        int64_t from, to;
        uint8_t index = 0;
        int weekday = 0;

        if (!read_days(r, e, at, &from, &to)) {
            good = false;
            continue;
        }
        if (!holidays && !hours && !known_day(as, &weekday)) {
            complain(r, at, "required", "Cần \"hours\", hoặc \"as\" là một thứ trong tuần.",
                     "\"hours\" is needed, or \"as\" with a weekday.");
            good = false;
            continue;
        }
        if (hours && !holidays &&
            !read_hours(r, hours, kh_strf(r->a, "%.*s/hours", KH_FMT(at)), &index)) {
            good = false;
            continue;
        }
        *first = from < *first ? from : *first;
        *last = to > *last ? to : *last;
        for (int64_t d = from; set && d <= to; d++)
            r->c->day[d - r->c->first] = holidays ? 0 : hours ? index : usual(r->c, d, weekday);
    }
    return good;
}

/* ---- the table ---- */

static void fill_sums(struct kh_calendar *c)
{
    for (int64_t i = 0; i < c->days_n; i++) {
        uint32_t total = c->hours[c->day[i]].total;

        c->work_before[i + 1] = c->work_before[i] + total;
        c->days_before[i + 1] = c->days_before[i] + (total > 0);
    }
}

static void make_table(struct reader *r, int64_t first, int64_t last)
{
    struct kh_calendar *c = r->c;

    c->first = first - week_index(first);
    c->days_n = (last - c->first) / 7 * 7 + 7;
    c->day = kh_new_n(r->a, (size_t)c->days_n, uint8_t);
    c->work_before = kh_new_n(r->a, (size_t)c->days_n + 1, uint32_t);
    c->days_before = kh_new_n(r->a, (size_t)c->days_n + 1, uint32_t);
    for (int64_t i = 0; i < c->days_n; i++)
        c->day[i] = usual(c, c->first + i, week_index(c->first + i));
    /* Never in a gap: the table reaches beyond every period's bounds. */
    c->early = *period_at(c, c->first - 1);
    c->late = *period_at(c, c->first + c->days_n);
}

/* The days that the table must hold: all that is no plain repetition of a week. */
static void span_of_periods(const struct kh_calendar *c, int64_t *first, int64_t *last)
{
    for (size_t i = 0; i < c->periods_n; i++) {
        const struct period *p = &c->periods[i];

        if (p->from != INT64_MIN) {
            *first = p->from - 1 < *first ? p->from - 1 : *first;
            *last = p->from > *last ? p->from : *last;
        }
        if (p->to != INT64_MAX) {
            *first = p->to < *first ? p->to : *first;
            *last = p->to + 1 > *last ? p->to + 1 : *last;
        }
    }
}

static bool known_members(struct reader *r, const struct kh_json *json)
{
    static const char *const known[] = {
        "key", "title", "weekly", "holidays", "working_day_override", "from", "to", "source"};
    bool good = true;

    if (!kh_json_is(json, KH_JSON_OBJECT)) {
        complain(r, KH_S(""), "type", "Lịch phải là một đối tượng JSON.",
                 "A calendar is a JSON object.");
        return false;
    }
    for (uint32_t i = 0; i < json->n; i++) {
        bool found = false;

        for (size_t k = 0; k < KH_LEN(known); k++)
            found = found || kh_str_is(json->members[i].key, known[k]);
        if (!found) {
            complain(r, kh_strf(r->a, "/%.*s", KH_FMT(json->members[i].key)), "unknown",
                     "Lịch không có thuộc tính này.", "A calendar has no such member.");
            good = false;
        }
    }
    return good;
}

bool kh_calendar_compile(struct kh_arena *a, const struct kh_json *json, struct kh_issues *issues,
                         struct kh_calendar **ret, struct kh_error *err)
{
    struct reader r = {.a = a, .issues = issues, .c = kh_new(a, struct kh_calendar)};
    int64_t first = INT64_MAX, last = INT64_MIN, seen_first, seen_last;
    bool good;

    r.c->hours = kh_grow(a, NULL, 0, 1, &r.c->hours_cap, sizeof(struct hours));
    r.c->hours_n = 1;
    good = known_members(&r, json) && read_weeks(&r, json);
    good = read_date(&r, json, "from", KH_S(""), 0, &seen_first) && good;
    good = read_date(&r, json, "to", KH_S(""), 0, &seen_last) && good;
    good = read_entries(&r, json, "holidays", false, &first, &last) && good;
    good = read_entries(&r, json, "working_day_override", false, &first, &last) && good;
    span_of_periods(r.c, &first, &last);
    if (first > last)
        first = last = 0;
    if (good && last - first > TABLE_MAX) {
        complain(&r, KH_S(""), "period", "Các ngày trong lịch cách nhau quá xa (tối đa 120 năm).",
                 "The days of the calendar are too far apart (at most 120 years).");
        good = false;
    }
    if (!good) {
        kh_fail(err, KH_EC_BODY_INVALID, "the calendar has %zu faults", issues->n);
        err->issues = issues;
        return false;
    }
    make_table(&r, first, last);
    (void)read_entries(&r, json, "holidays", true, &seen_first, &seen_last);
    (void)read_entries(&r, json, "working_day_override", true, &seen_first, &seen_last);
    fill_sums(r.c);
    *ret = r.c;
    return true;
}

const struct kh_calendar *kh_calendar_standard(struct kh_arena *a)
{
    struct reader r = {.a = a, .c = kh_new(a, struct kh_calendar)};
    struct hours office = {.n = 2, .from = {480, 780}, .to = {720, 1020}, .total = 480};
    struct period week = {.from = INT64_MIN, .to = INT64_MAX, .day = {1, 1, 1, 1, 1, 0, 0}};

    r.c->hours = kh_new_n(a, 2, struct hours);
    r.c->hours[1] = office;
    r.c->hours_n = r.c->hours_cap = 2;
    r.c->periods = kh_new(a, struct period);
    *r.c->periods = week;
    r.c->periods_n = r.c->periods_cap = 1;
    make_table(&r, 0, 0);
    fill_sums(r.c);
    return r.c;
}

/* ---- reckoning ---- */

/* Sums over days: of working minutes, or of working days. */
enum unit { MINUTES, DAYS };

static int64_t floor_div(int64_t a, int64_t b)
{
    int64_t q = a / b;

    return a % b < 0 ? q - 1 : q;
}

static int64_t in_day(const struct kh_calendar *c, uint8_t hours, enum unit u)
{
    return u == MINUTES ? c->hours[hours].total : c->hours[hours].total > 0;
}

static int64_t in_week(const struct kh_calendar *c, const struct period *w, int days, enum unit u)
{
    int64_t sum = 0;

    for (int i = 0; i < days; i++)
        sum += in_day(c, w->day[i], u);
    return sum;
}

static int64_t table_sum(const struct kh_calendar *c, int64_t i, enum unit u)
{
    return u == MINUTES ? c->work_before[i] : c->days_before[i];
}

/* Minutes or days of work between the start of the table and the start of a day; may be < 0. */
static int64_t before(const struct kh_calendar *c, int64_t day, enum unit u)
{
    int64_t i = day - c->first, weeks, rest;
    const struct period *w = i < 0 ? &c->early : &c->late;
    int64_t base = 0;

    if (i >= 0 && i <= c->days_n)
        return table_sum(c, i, u);
    if (i > c->days_n) {
        base = table_sum(c, c->days_n, u);
        i -= c->days_n;
    }
    weeks = floor_div(i, 7);
    rest = i - weeks * 7;
    return base + weeks * in_week(c, w, 7, u) + in_week(c, w, (int)rest, u);
}

static uint8_t hours_at(const struct kh_calendar *c, int64_t day)
{
    int64_t i = day - c->first;

    if (i < 0)
        return c->early.day[week_index(day)];
    if (i >= c->days_n)
        return c->late.day[week_index(day)];
    return c->day[i];
}

/* The last day d with before(d) < want (strict), or <= want: where the want-th unit lies.
 * before() never falls, so search by halves within bounds that whole weeks give. */
static bool find_day(const struct kh_calendar *c, int64_t want, enum unit u, bool strict,
                     int64_t *ret_day)
{
    int64_t low = c->first, high = c->first + c->days_n;
    int64_t early = in_week(c, &c->early, 7, u), late = in_week(c, &c->late, 7, u);

    if (before(c, low, u) > want || (strict && before(c, low, u) >= want)) {
        if (early == 0)
            return false;
        low -= 7 * (floor_div(-want, early) + 2);
    }
    if (before(c, high, u) <= want) {
        if (late == 0 && (before(c, high, u) < want || !strict))
            return false;
        if (late > 0)
            high += 7 * (floor_div(want - before(c, high, u), late) + 2);
    }
    while (high - low > 1) {
        int64_t mid = low + (high - low) / 2, b = before(c, mid, u);

        if (strict ? b < want : b <= want)
            low = mid;
        else
            high = mid;
    }
    *ret_day = low;
    return true;
}

/* Working microseconds of a day before a time of day. */
static int64_t work_until(const struct hours *h, int64_t time_us)
{
    int64_t sum = 0;

    for (unsigned i = 0; i < h->n; i++) {
        int64_t from = h->from[i] * KH_US_MIN, to = h->to[i] * KH_US_MIN;

        if (time_us > from)
            sum += (time_us < to ? time_us : to) - from;
    }
    return sum;
}

static int64_t work_at(const struct kh_calendar *c, int64_t us)
{
    int64_t day = kh_day_of(us);

    return before(c, day, MINUTES) * KH_US_MIN +
           work_until(&c->hours[hours_at(c, day)], us - kh_day_start(day));
}

int64_t kh_calendar_work(const struct kh_calendar *c, int64_t from_us, int64_t to_us)
{
    return work_at(c, to_us) - work_at(c, from_us);
}

bool kh_calendar_open_at(const struct kh_calendar *c, int64_t us)
{
    int64_t day = kh_day_of(us), time_us = us - kh_day_start(day);
    const struct hours *h = &c->hours[hours_at(c, day)];

    for (unsigned i = 0; i < h->n; i++)
        if (time_us >= h->from[i] * KH_US_MIN && time_us < h->to[i] * KH_US_MIN)
            return true;
    return false;
}

/* The first instant by which work has been done (first), or the last before more is done. */
static bool instant_of(const struct kh_calendar *c, int64_t work_us, bool first, int64_t *ret_us)
{
    int64_t minutes = floor_div(work_us, KH_US_MIN), rest, day;
    const struct hours *h;

    /* A part of a minute lies in the day that holds the whole minute. */
    if (first && work_us % KH_US_MIN != 0)
        minutes++;
    if (!find_day(c, minutes, MINUTES, first, &day))
        return false;
    h = &c->hours[hours_at(c, day)];
    rest = work_us - before(c, day, MINUTES) * KH_US_MIN;
    for (unsigned i = 0; i < h->n; i++) {
        int64_t from = h->from[i] * KH_US_MIN, length = h->to[i] * KH_US_MIN - from;

        if (first ? rest <= length : rest < length) {
            *ret_us = kh_day_start(day) + from + rest;
            return true;
        }
        rest -= length;
    }
    return false;
}

/* Whole working days on (or back) from an instant inside office hours. */
static bool shift_days(const struct kh_calendar *c, int64_t from_us, int64_t days, int64_t *ret_us)
{
    int64_t day = kh_day_of(from_us), time_us = from_us - kh_day_start(day), low, high;
    const struct hours *h;

    if (!find_day(c, before(c, day, DAYS) + days, DAYS, false, &day))
        return false;
    h = &c->hours[hours_at(c, day)];
    if (h->n == 0)
        return false;
    low = h->from[0] * KH_US_MIN;
    high = h->to[h->n - 1] * KH_US_MIN;
    time_us = time_us < low ? low : time_us > high ? high : time_us;
    *ret_us = kh_day_start(day) + time_us;
    return true;
}

bool kh_calendar_shift(const struct kh_calendar *c, int64_t from_us, int64_t days, int64_t work_us,
                       int64_t *ret_us)
{
    int64_t at = from_us;

    if (days) {
        if (!kh_calendar_open_at(c, at) && !instant_of(c, work_at(c, at), false, &at))
            return false;
        if (!shift_days(c, at, days, &at))
            return false;
    }
    if (work_us && !instant_of(c, work_at(c, at) + work_us, work_us > 0, &at))
        return false;
    *ret_us = at;
    return true;
}

/* The first day from day on that has office hours. */
static bool open_day(const struct kh_calendar *c, int64_t day, int64_t *ret_day,
                     const struct hours **ret_hours)
{
    if (!find_day(c, before(c, day, DAYS), DAYS, false, ret_day))
        return false;
    *ret_hours = &c->hours[hours_at(c, *ret_day)];
    return (*ret_hours)->n > 0;
}

bool kh_calendar_day_end(const struct kh_calendar *c, int64_t us, int64_t *ret_us)
{
    const struct hours *h;
    int64_t day;

    if (!open_day(c, kh_day_of(us), &day, &h))
        return false;
    *ret_us = kh_day_start(day) + h->to[h->n - 1] * KH_US_MIN;
    return true;
}

bool kh_calendar_start(const struct kh_calendar *c, int64_t us, int64_t latest_us, int64_t *ret_us)
{
    int64_t today = kh_day_of(us), time_us = us - kh_day_start(today), day;
    const struct hours *h;

    if (!open_day(c, today, &day, &h))
        return false;
    if (day == today && time_us <= latest_us) /* in time: at once, or when the office opens again */
        for (unsigned i = 0; i < h->n; i++)
            if (time_us < h->to[i] * KH_US_MIN) {
                int64_t opens = h->from[i] * KH_US_MIN;

                *ret_us = kh_day_start(day) + (time_us > opens ? time_us : opens);
                return true;
            }
    if (day == today && !open_day(c, today + 1, &day, &h))
        return false;
    *ret_us = kh_day_start(day) + h->from[0] * KH_US_MIN;
    return true;
}
