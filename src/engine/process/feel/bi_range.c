/* SPDX-License-Identifier: Apache-2.0 */
/* Relations of points and ranges (DMN 1.5 table 78). Each function is a formula over the order of
 * end points, which compare as null if they are of different kinds. */
#include "engine/process/feel/builtin.h"

/* One comparison of ends: -1, 0, 1, or NO_ORDER. */
enum { NO_ORDER = 9 };

struct ends {
    const struct feel_range *x, *y; /* NULL where the argument is a point */
    struct kh_feel_value p, q;      /* the points */
    bool bad;
};

static struct ends ends_of(const struct feel_args *args)
{
    struct ends e = {.p = args->v[0], .q = args->v[1]};

    if (e.p.kind == KH_FEEL_LIST && e.p.n == 1)
        e.p = feel_at(e.p, 0);
    if (e.q.kind == KH_FEEL_LIST && e.q.n == 1)
        e.q = feel_at(e.q, 0);
    if (e.p.kind == KH_FEEL_RANGE)
        e.x = e.p.range;
    if (e.q.kind == KH_FEEL_RANGE)
        e.y = e.q.range;
    return e;
}

static int order(struct ends *e, struct kh_feel_value a, struct kh_feel_value b)
{
    int r;

    if (!feel_cmp(a, b, &r)) {
        e->bad = true;
        return NO_ORDER;
    }
    return r < 0 ? -1 : r > 0;
}

static bool answer(const struct feel_args *args, const struct ends *e, bool yes,
                   struct kh_feel_value *ret)
{
    if (e->bad)
        return feel_domain(args, "These cannot be compared", "Không so sánh được");
    *ret = feel_bool(yes);
    return true;
}

/* The end of one range (or the point) lies before the start of the other. */
static bool lies_before(struct ends *e, struct kh_feel_value end, bool end_in,
                        struct kh_feel_value start, bool start_in)
{
    int o = order(e, end, start);

    return o < 0 || (o == 0 && !(end_in && start_in));
}

static bool before(struct ends *e, const struct feel_range *x, struct kh_feel_value p,
                   const struct feel_range *y, struct kh_feel_value q)
{
    return lies_before(e, x ? x->hi : p, x ? x->hi_in : true, y ? y->lo : q, y ? y->lo_in : true);
}

bool feel_bi_before(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct ends e = ends_of(args);
    bool yes = e.x || e.y ? before(&e, e.x, e.p, e.y, e.q) : order(&e, e.p, e.q) < 0;

    return answer(args, &e, yes, ret);
}

bool feel_bi_after(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct ends e = ends_of(args);
    bool yes = e.x || e.y ? before(&e, e.y, e.q, e.x, e.p) : order(&e, e.q, e.p) < 0;

    return answer(args, &e, yes, ret);
}

/* Both must be ranges: else the arguments are outside the domain. */
static bool two_ranges(struct ends *e)
{
    e->bad = e->bad || !e->x || !e->y;
    return !e->bad;
}

bool feel_bi_meets(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct ends e = ends_of(args);
    bool yes = two_ranges(&e) && e.x->hi_in && e.y->lo_in && order(&e, e.x->hi, e.y->lo) == 0;

    return answer(args, &e, yes, ret);
}

bool feel_bi_met_by(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct ends e = ends_of(args);
    bool yes = two_ranges(&e) && e.x->lo_in && e.y->hi_in && order(&e, e.x->lo, e.y->hi) == 0;

    return answer(args, &e, yes, ret);
}

bool feel_bi_overlaps(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct ends e = ends_of(args);
    bool yes = two_ranges(&e) && !before(&e, e.x, e.p, e.y, e.q) && !before(&e, e.y, e.q, e.x, e.p);

    return answer(args, &e, yes, ret);
}

/* x begins before y, reaches into it, and ends no later. */
static bool overlaps_before(struct ends *e, const struct feel_range *x, const struct feel_range *y)
{
    int starts = order(e, x->lo, y->lo), into = order(e, x->hi, y->lo),
        ends = order(e, x->hi, y->hi);

    return (starts < 0 || (starts == 0 && x->lo_in && !y->lo_in)) &&
           (into > 0 || (into == 0 && x->hi_in && y->lo_in)) &&
           (ends < 0 || (ends == 0 && (!x->hi_in || y->hi_in)));
}

bool feel_bi_overlaps_before(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct ends e = ends_of(args);
    bool yes = two_ranges(&e) && overlaps_before(&e, e.x, e.y);

    return answer(args, &e, yes, ret);
}

/* y begins before x, reaches into it, and ends no later. */
bool feel_bi_overlaps_after(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct ends e = ends_of(args);
    bool yes = two_ranges(&e) && overlaps_before(&e, e.y, e.x);

    return answer(args, &e, yes, ret);
}

/* x ends with y and begins no earlier. */
static bool finishes(struct ends *e, const struct feel_range *x, const struct feel_range *y)
{
    int starts = order(e, x->lo, y->lo);

    return x->hi_in == y->hi_in && order(e, x->hi, y->hi) == 0 &&
           (starts > 0 || (starts == 0 && (!x->lo_in || y->lo_in)));
}

bool feel_bi_finishes(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct ends e = ends_of(args);
    bool yes;

    e.bad = !e.y;
    if (!e.bad && !e.x)
        yes = e.y->hi_in && order(&e, e.y->hi, e.p) == 0;
    else
        yes = two_ranges(&e) && finishes(&e, e.x, e.y);
    return answer(args, &e, yes, ret);
}

bool feel_bi_finished_by(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct ends e = ends_of(args);
    bool yes;

    e.bad = !e.x;
    if (!e.bad && !e.y)
        yes = e.x->hi_in && order(&e, e.x->hi, e.q) == 0;
    else
        yes = two_ranges(&e) && finishes(&e, e.y, e.x);
    return answer(args, &e, yes, ret);
}

/* x begins with y and ends no later. */
static bool starts(struct ends *e, const struct feel_range *x, const struct feel_range *y)
{
    int ends = order(e, x->hi, y->hi);

    return x->lo_in == y->lo_in && order(e, x->lo, y->lo) == 0 &&
           (ends < 0 || (ends == 0 && (!x->hi_in || y->hi_in)));
}

bool feel_bi_starts(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct ends e = ends_of(args);
    bool yes;

    e.bad = !e.y;
    if (!e.bad && !e.x)
        yes = e.y->lo_in && order(&e, e.y->lo, e.p) == 0;
    else
        yes = two_ranges(&e) && starts(&e, e.x, e.y);
    return answer(args, &e, yes, ret);
}

bool feel_bi_started_by(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct ends e = ends_of(args);
    bool yes;

    e.bad = !e.x;
    if (!e.bad && !e.y)
        yes = e.x->lo_in && order(&e, e.x->lo, e.q) == 0;
    else
        yes = two_ranges(&e) && starts(&e, e.y, e.x);
    return answer(args, &e, yes, ret);
}

/* A point within a range. */
static bool covers_point(struct ends *e, const struct feel_range *x, struct kh_feel_value q)
{
    int lo = x->lo.kind == KH_FEEL_NULL ? -1 : order(e, x->lo, q);
    int hi = x->hi.kind == KH_FEEL_NULL ? 1 : order(e, x->hi, q);

    return (lo < 0 || (lo == 0 && x->lo_in)) && (hi == 1 || (hi == 0 && x->hi_in));
}

/* y within x. */
static bool covers(struct ends *e, const struct feel_range *x, const struct feel_range *y)
{
    int lo = order(e, x->lo, y->lo), hi = order(e, x->hi, y->hi);

    return (lo < 0 || (lo == 0 && (x->lo_in || !y->lo_in))) &&
           (hi == 1 || (hi == 0 && (x->hi_in || !y->hi_in)));
}

bool feel_bi_includes(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct ends e = ends_of(args);
    bool yes = false;

    e.bad = !e.x;
    if (!e.bad)
        yes = e.y ? covers(&e, e.x, e.y) : covers_point(&e, e.x, e.q);
    return answer(args, &e, yes, ret);
}

bool feel_bi_during(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct ends e = ends_of(args);
    bool yes = false;

    e.bad = !e.y;
    if (!e.bad)
        yes = e.x ? covers(&e, e.y, e.x) : covers_point(&e, e.y, e.p);
    return answer(args, &e, yes, ret);
}

bool feel_bi_coincides(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct ends e = ends_of(args);
    bool yes;

    if (!e.x && !e.y)
        yes = order(&e, e.p, e.q) == 0;
    else
        yes = two_ranges(&e) && e.x->lo_in == e.y->lo_in && e.x->hi_in == e.y->hi_in &&
              order(&e, e.x->lo, e.y->lo) == 0 && order(&e, e.x->hi, e.y->hi) == 0;
    return answer(args, &e, yes, ret);
}
