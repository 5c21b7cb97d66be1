/* SPDX-License-Identifier: Apache-2.0 */
/* Conversions and calendar functions (DMN 1.5 tables 72, 77, 79, 82). */
#include "base/time.h"
#include "engine/process/feel/builtin.h"
#include "engine/process/feel/compile.h"
#include "engine/process/feel/when.h"

static bool bad_text(const struct feel_args *args)
{
    return feel_domain(args, "The text cannot be read", "Không đọc được chuỗi");
}

static bool bad_kind(const struct feel_args *args)
{
    return feel_domain(args, "An argument is not of the right type", "Tham số không đúng kiểu");
}

/* The only argument, a singleton list unwrapped. */
static struct kh_feel_value first(const struct feel_args *args)
{
    struct kh_feel_value v = args->v[0];

    return v.kind == KH_FEEL_LIST && v.n == 1 ? feel_at(v, 0) : v;
}

/* Whole numbers at from.. of the arguments. */
static bool whole(const struct feel_args *args, size_t from, size_t n, int64_t *ret)
{
    for (size_t i = 0; i < n; i++)
        if (!feel_arg_int(args, from + i, &ret[i]))
            return false;
    return true;
}

bool feel_bi_date(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_feel_value v;
    int64_t p[3];

    if (args->signature == 1) {
        if (whole(args, 0, 3, p) && !feel_make_date(p[0], p[1], p[2], ret))
            return feel_domain(args, "There is no such day", "Không có ngày này");
        return true;
    }
    v = first(args);
    if (v.kind == KH_FEEL_STRING)
        return feel_date_parse(v.s, ret) || bad_text(args);
    if (v.kind == KH_FEEL_DATE)
        *ret = v;
    else if (v.kind == KH_FEEL_DATE_TIME)
        *ret = feel_date(feel_day_of(&v.when));
    else
        return bad_kind(args);
    return true;
}

/* hour, minute, second (a decimal) and an offset from argument i on. */
static bool clock_of(const struct feel_args *args, size_t i, struct feel_when *w)
{
    struct kh_dec second, floor;
    struct kh_feel_value offset;
    int64_t p[2], s;

    if (!whole(args, i, 2, p) || !feel_arg_num(args, i + 2, &second))
        return false;
    if (p[0] < 0 || p[0] > 23 || p[1] < 0 || p[1] > 59 || kh_dec_sign(second) < 0 ||
        kh_dec_cmp(second, kh_dec_int(60)) >= 0 || !kh_dec_scale(second, 0, KH_DEC_FLOOR, &floor) ||
        !kh_dec_to_int(floor, &s)) {
        feel_domain(args, "There is no such time", "Không có giờ này");
        return false;
    }
    *w = (struct feel_when){.s = p[0] * 3600 + p[1] * 60 + s};
    if (!kh_dec_sub(second, floor, &second) || !kh_dec_scale(second, 9, KH_DEC_DOWN, &second) ||
        !kh_dec_mul(second, kh_dec_int(1000000000), &second) || !kh_dec_to_int(second, &s))
        return false;
    w->ns = (uint32_t)s;
    if (i + 3 >= args->n || args->v[i + 3].kind == KH_FEEL_NULL)
        return true;
    offset = args->v[i + 3];
    if (offset.kind == KH_FEEL_STRING && feel_zone_find(offset.s, &w->zone)) {
        w->where = FEEL_ZONE;
        return true;
    }
    if (!feel_arg(args, i + 3, KH_FEEL_DT_DURATION, &offset))
        return false;
    if (offset.span.ns || offset.span.s < -14 * 3600 || offset.span.s > 14 * 3600) {
        feel_domain(args, "An offset is at most 14 hours", "Độ lệch giờ tối đa là 14 giờ");
        return false;
    }
    w->where = FEEL_OFFSET;
    w->off = (int32_t)offset.span.s;
    return true;
}

bool feel_bi_time(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_feel_value v;
    struct feel_when w;

    if (args->signature == 1) {
        if (clock_of(args, 0, &w)) {
            feel_time_settle(&w);
            *ret = feel_when(KH_FEEL_TIME, w);
        }
        return true;
    }
    v = first(args);
    if (v.kind == KH_FEEL_STRING)
        return feel_time_parse(v.s, ret) || bad_text(args);
    if (v.kind == KH_FEEL_TIME) {
        *ret = v;
    } else if (v.kind == KH_FEEL_DATE_TIME) {
        v.when.s -= feel_day_of(&v.when) * FEEL_DAY_S;
        *ret = feel_when(KH_FEEL_TIME, v.when);
    } else if (v.kind == KH_FEEL_DATE) {
        *ret = feel_when(KH_FEEL_TIME, feel_midnight(0));
    } else {
        return bad_kind(args);
    }
    return true;
}

static bool date_and_time(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_feel_value d = args->v[0], t;
    struct feel_when w;
    int64_t days = 0;

    if (d.kind == KH_FEEL_LIST && d.n == 1)
        d = feel_at(d, 0);
    if (!feel_arg(args, 1, KH_FEEL_TIME, &t))
        return true;
    if (d.kind == KH_FEEL_DATE)
        days = d.days;
    else if (d.kind == KH_FEEL_DATE_TIME)
        days = feel_day_of(&d.when);
    else
        return bad_kind(args);
    w = t.when;
    w.s += days * FEEL_DAY_S;
    feel_when_settle(&w);
    *ret = feel_when(KH_FEEL_DATE_TIME, w);
    return true;
}

bool feel_bi_date_time(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_feel_value v, day;
    struct feel_when w;
    int64_t p[3];

    if (args->signature == 1)
        return date_and_time(args, ret);
    if (args->signature == 2) {
        if (!whole(args, 0, 3, p) || !clock_of(args, 3, &w))
            return true;
        if (!feel_make_date(p[0], p[1], p[2], &day))
            return feel_domain(args, "There is no such day", "Không có ngày này");
        w.s += day.days * FEEL_DAY_S;
        feel_when_settle(&w);
        *ret = feel_when(KH_FEEL_DATE_TIME, w);
        return true;
    }
    v = first(args);
    if (v.kind == KH_FEEL_STRING)
        return feel_date_time_parse(v.s, ret) || bad_text(args);
    if (v.kind == KH_FEEL_DATE_TIME)
        *ret = v;
    else if (v.kind == KH_FEEL_DATE)
        *ret = feel_when(KH_FEEL_DATE_TIME, feel_midnight(v.days));
    else
        return bad_kind(args);
    return true;
}

bool feel_bi_duration(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_feel_value v = first(args);

    if (v.kind == KH_FEEL_STRING)
        return feel_duration_parse(v.s, ret) || bad_text(args);
    if (v.kind != KH_FEEL_YM_DURATION && v.kind != KH_FEEL_DT_DURATION)
        return bad_kind(args);
    *ret = v;
    return true;
}

bool feel_bi_ym_between(const struct feel_args *args, struct kh_feel_value *ret)
{
    return feel_months_between(args->v[0], args->v[1], ret) || bad_kind(args);
}

/* ---- numbers and strings ---- */

/* One of the separators of number(): absent or null is none. */
static bool separator(const struct feel_args *args, size_t i, const char *allowed, char *ret)
{
    struct kh_str s;

    *ret = '\0';
    if (i >= args->n || args->v[i].kind == KH_FEEL_NULL)
        return true;
    if (!feel_arg_str(args, i, &s))
        return false;
    if (s.n != 1 || !strchr(allowed, s.p[0])) {
        feel_domain(args, "This is no separator", "Dấu phân cách không hợp lệ");
        return false;
    }
    *ret = s.p[0];
    return true;
}

bool feel_bi_number(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_feel_value v = first(args);
    struct kh_str s;
    struct kh_dec d;
    struct kh_buf b;
    char group, point;

    if (v.kind == KH_FEEL_NUMBER && args->n == 1) {
        *ret = v;
        return true;
    }
    if (!feel_arg_str(args, 0, &s) || !separator(args, 1, " ,.", &group) ||
        !separator(args, 2, ".,", &point))
        return true;
    if (group && group == point)
        return feel_domain(args, "The separators must differ", "Hai dấu phân cách phải khác nhau");
    b = kh_buf(args->r->a, s.n + 1);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == group && group)
            continue;
        if (s.p[i] == '+' || (s.p[i] == '.' && point == ','))
            return bad_text(args);
        kh_buf_c(&b, s.p[i] == point && point ? '.' : s.p[i]);
    }
    if (!kh_dec_parse(kh_buf_get(&b), &d))
        return bad_text(args);
    *ret = feel_num(d);
    return true;
}

bool feel_bi_string(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_str s;

    if (args->v[0].kind == KH_FEEL_NULL)
        return true;
    if (!feel_text(args->r->a, args->v[0], FEEL_TEXT_MAX, &args->r->budget, &s))
        return feel_domain(args, "The text would be too long", "Chuỗi kết quả quá dài");
    *ret = feel_str(s);
    return feel_pay(args->r, s.n / 64);
}

bool feel_bi_not(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_feel_value v;

    if (feel_arg(args, 0, KH_FEEL_BOOLEAN, &v))
        *ret = feel_bool(!v.b);
    return true;
}

/* ---- range("[1..5]") ---- */

bool feel_bi_range(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_error quiet = {0};
    struct feel_compiler c;
    const struct feel_node *n;
    struct kh_str s;

    if (!feel_arg_str(args, 0, &s))
        return true;
    if (s.n > 4096)
        return bad_text(args);
    if (!feel_pay(args->r, s.n))
        return false;
    feel_compiler_init(&c, args->r->a, &quiet);
    n = feel_parse_range_literal(&c, s);
    /* Literal ends make a range that is known without evaluation. */
    if (!n || n->op != FN_LITERAL || n->value.kind != KH_FEEL_RANGE)
        return bad_text(args);
    *ret = n->value;
    return true;
}

/* ---- calendar ---- */

static bool day_arg(const struct feel_args *args, int64_t *ret_days)
{
    struct kh_feel_value v = first(args);

    if (v.kind == KH_FEEL_DATE)
        *ret_days = v.days;
    else if (v.kind == KH_FEEL_DATE_TIME)
        *ret_days = feel_day_of(&v.when);
    else
        return !bad_kind(args);
    return true;
}

static int64_t year_of(int64_t days)
{
    int64_t y;
    int m, d;

    kh_civil(days, &y, &m, &d);
    return y;
}

bool feel_bi_day_of_year(const struct feel_args *args, struct kh_feel_value *ret)
{
    int64_t days = 0;

    if (day_arg(args, &days))
        *ret = feel_int(days - kh_days(year_of(days), 1, 1) + 1);
    return true;
}

bool feel_bi_day_of_week(const struct feel_args *args, struct kh_feel_value *ret)
{
    static const char *const names[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                        "Friday", "Saturday", "Sunday"};
    int64_t days = 0;

    if (day_arg(args, &days))
        *ret = feel_str(kh_cstr(names[kh_weekday(days) - 1]));
    return true;
}

bool feel_bi_month_of_year(const struct feel_args *args, struct kh_feel_value *ret)
{
    static const char *const names[] = {"January",   "February", "March",    "April",
                                        "May",       "June",     "July",     "August",
                                        "September", "October",  "November", "December"};
    int64_t days = 0, y;
    int m, d;

    if (!day_arg(args, &days))
        return true;
    kh_civil(days, &y, &m, &d);
    *ret = feel_str(kh_cstr(names[m - 1]));
    return true;
}

/* ISO 8601: the week belongs to the year of its Thursday. */
bool feel_bi_week_of_year(const struct feel_args *args, struct kh_feel_value *ret)
{
    int64_t days = 0, thursday;

    if (!day_arg(args, &days))
        return true;
    thursday = days - (kh_weekday(days) - 4);
    *ret = feel_int((thursday - kh_days(year_of(thursday), 1, 1)) / 7 + 1);
    return true;
}

/* One instant per evaluation, in the city's time. */
static int64_t now_us(struct feel_run *r)
{
    if (!r->now_us)
        r->now_us = kh_now_us();
    return r->now_us + KH_ZONE_US;
}

bool feel_bi_now(const struct feel_args *args, struct kh_feel_value *ret)
{
    int64_t us = now_us(args->r), s = us / KH_US_S - (us % KH_US_S < 0);

    *ret =
        feel_when(KH_FEEL_DATE_TIME, (struct feel_when){.s = s,
                                                        .ns = (uint32_t)(us - s * KH_US_S) * 1000,
                                                        .off = (int32_t)(KH_ZONE_US / KH_US_S),
                                                        .where = FEEL_OFFSET});
    return true;
}

bool feel_bi_today(const struct feel_args *args, struct kh_feel_value *ret)
{
    int64_t us = now_us(args->r);

    *ret = feel_date(us / KH_US_DAY - (us % KH_US_DAY < 0));
    return true;
}

bool feel_bi_is(const struct feel_args *args, struct kh_feel_value *ret)
{
    *ret = feel_bool(feel_same(args->v[0], args->v[1], &args->r->budget));
    return true;
}
