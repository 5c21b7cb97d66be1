/* SPDX-License-Identifier: Apache-2.0 */
/* List functions (DMN 1.5 tables 75, 80). */
#include "engine/process/feel/builtin.h"
#include "engine/process/feel/when.h"

static bool wrong(const struct feel_args *args)
{
    return feel_domain(args, "An element is not of the right type", "Phần tử không đúng kiểu");
}

static bool outside(const struct feel_args *args)
{
    return feel_domain(args, "The list has no such position", "Danh sách không có vị trí này");
}

static enum feel_bool3 equal(const struct feel_args *args, struct kh_feel_value x,
                             struct kh_feel_value y)
{
    return feel_eq(x, y, &args->r->budget);
}

struct items {
    struct kh_feel_value *v;
    size_t n, cap;
};

static void add(const struct feel_args *args, struct items *out, struct kh_feel_value v)
{
    out->v = kh_grow(args->r->a, out->v, out->n, out->n + 1, &out->cap, sizeof(v));
    out->v[out->n++] = v;
}

static void add_all(const struct feel_args *args, struct items *out, struct kh_feel_value list)
{
    out->v = kh_grow(args->r->a, out->v, out->n, out->n + list.n, &out->cap, sizeof(list));
    for (size_t i = 0; i < list.n; i++)
        out->v[out->n++] = feel_at(list, i);
}

/* ---- membership ---- */

bool feel_bi_list_contains(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_feel_value list;
    bool found = false;

    if (!feel_arg_list(args, 0, &list))
        return true;
    for (size_t i = 0; i < list.n && !found && !args->r->budget.over; i++)
        found = equal(args, feel_at(list, i), args->v[1]) == FEEL_YES;
    *ret = feel_bool(found);
    return feel_pay(args->r, list.n / 4);
}

bool feel_bi_index_of(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_feel_value list;
    struct items out = {0};

    if (!feel_arg_list(args, 0, &list))
        return true;
    for (size_t i = 0; i < list.n && !args->r->budget.over; i++)
        if (equal(args, feel_at(list, i), args->v[1]) == FEEL_YES)
            add(args, &out, feel_int((int64_t)i + 1));
    *ret = feel_list(out.v, out.n);
    return feel_pay(args->r, list.n);
}

bool feel_bi_count(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_feel_value list;

    if (feel_arg_list(args, 0, &list))
        *ret = feel_int(list.n);
    return true;
}

/* Append what is not there yet; every comparison is a step. */
static void add_new(const struct feel_args *args, struct items *out, struct kh_feel_value list)
{
    for (size_t i = 0; i < list.n && !args->r->budget.over; i++) {
        struct kh_feel_value v = feel_at(list, i);
        size_t k = 0;

        while (k < out->n && !args->r->budget.over && equal(args, out->v[k], v) != FEEL_YES)
            k++;
        if (k == out->n)
            add(args, out, v);
    }
}

bool feel_bi_distinct(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_feel_value list;
    struct items out = {0};

    if (!feel_arg_list(args, 0, &list))
        return true;
    add_new(args, &out, list);
    *ret = feel_list(out.v, out.n);
    return feel_pay(args->r, list.n);
}

bool feel_bi_union(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct items out = {0};

    for (size_t i = 0; i < args->n; i++) {
        struct kh_feel_value list;

        if (!feel_arg_list(args, i, &list))
            return true;
        add_new(args, &out, list);
        if (!feel_pay(args->r, list.n))
            return false;
    }
    *ret = feel_list(out.v, out.n);
    return true;
}

/* ---- numbers of a list ---- */

/* The elements as numbers; null (false) if one is none or there are none. */
static bool numbers(const struct feel_args *args, struct kh_dec **ret, size_t *ret_n)
{
    struct kh_feel_value list;
    struct kh_dec *d;

    if (!feel_arg_items(args, &list))
        return false;
    d = kh_new_n(args->r->a, list.n, struct kh_dec);
    for (size_t i = 0; i < list.n; i++) {
        struct kh_feel_value v = feel_at(list, i);

        if (v.kind != KH_FEEL_NUMBER) {
            wrong(args);
            return false;
        }
        d[i] = v.num;
    }
    *ret = d;
    *ret_n = list.n;
    return list.n > 0;
}

static bool total(const struct kh_dec *d, size_t n, struct kh_dec *ret)
{
    struct kh_dec sum = d[0];

    for (size_t i = 1; i < n; i++)
        if (!kh_dec_add(sum, d[i], &sum))
            return false;
    *ret = sum;
    return true;
}

bool feel_bi_sum(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_dec *d, sum;
    size_t n;

    if (numbers(args, &d, &n) && total(d, n, &sum))
        *ret = feel_num(sum);
    return feel_pay(args->r, args->n);
}

bool feel_bi_product(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_dec *d, p;
    size_t n;

    if (!numbers(args, &d, &n))
        return true;
    p = d[0];
    for (size_t i = 1; i < n; i++)
        if (!kh_dec_mul(p, d[i], &p))
            return wrong(args);
    *ret = feel_num(p);
    return feel_pay(args->r, n);
}

bool feel_bi_mean(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_dec *d, sum;
    size_t n;

    if (numbers(args, &d, &n) && total(d, n, &sum) && kh_dec_div(sum, kh_dec_int((int64_t)n), &sum))
        *ret = feel_num(sum);
    return feel_pay(args->r, args->n);
}

bool feel_bi_stddev(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_dec *d, mean, sum = kh_dec_int(0), diff;
    size_t n;

    if (!numbers(args, &d, &n) || n < 2 || !total(d, n, &mean) ||
        !kh_dec_div(mean, kh_dec_int((int64_t)n), &mean))
        return true;
    for (size_t i = 0; i < n; i++)
        if (!kh_dec_sub(d[i], mean, &diff) || !kh_dec_mul(diff, diff, &diff) ||
            !kh_dec_add(sum, diff, &sum))
            return wrong(args);
    if (kh_dec_div(sum, kh_dec_int((int64_t)n - 1), &sum) && kh_dec_sqrt(sum, &sum))
        *ret = feel_num(sum);
    return feel_pay(args->r, 3 * n);
}

/* ---- order ---- */

typedef bool (*less_fn)(void *ctx, struct kh_feel_value x, struct kh_feel_value y, bool *ret);

/* Merge sort: stable, and a comparison that makes no sense cannot lead it astray. */
static bool merge_sort(struct feel_run *r, struct kh_feel_value *v, size_t n, less_fn less,
                       void *ctx)
{
    struct kh_feel_value *from = v, *to = kh_new_n(r->a, n, struct kh_feel_value), *swap;

    for (size_t width = 1; width < n; width *= 2) {
        for (size_t lo = 0; lo < n; lo += 2 * width) {
            size_t i = lo, mid = lo + width < n ? lo + width : n;
            size_t end = mid + width < n ? mid + width : n, j = mid;

            for (size_t k = lo; k < end; k++) {
                bool right = false;

                if (i < mid && j < end && !less(ctx, from[j], from[i], &right))
                    return false;
                to[k] = i < mid && (j == end || !right) ? from[i++] : from[j++];
            }
        }
        swap = from;
        from = to;
        to = swap;
        if (!feel_pay(r, n))
            return false;
    }
    if (from != v)
        memcpy(v, from, n * sizeof(*v));
    return true;
}

static bool number_less(void *ctx, struct kh_feel_value x, struct kh_feel_value y, bool *ret)
{
    (void)ctx;
    *ret = kh_dec_cmp(x.num, y.num) < 0;
    return true;
}

/* Numbers in order as values. */
static bool sorted(const struct feel_args *args, struct kh_feel_value **ret, size_t *ret_n,
                   bool *ret_ok)
{
    struct kh_dec *d;
    struct kh_feel_value *v;

    *ret_ok = numbers(args, &d, ret_n);
    if (!*ret_ok)
        return true;
    v = kh_new_n(args->r->a, *ret_n, struct kh_feel_value);
    for (size_t i = 0; i < *ret_n; i++)
        v[i] = feel_num(d[i]);
    *ret = v;
    return merge_sort(args->r, v, *ret_n, number_less, NULL);
}

bool feel_bi_median(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_feel_value *v;
    struct kh_dec sum;
    size_t n;
    bool ok;

    if (!sorted(args, &v, &n, &ok))
        return false;
    if (!ok)
        return true;
    if (n % 2)
        *ret = v[n / 2];
    else if (kh_dec_add(v[n / 2 - 1].num, v[n / 2].num, &sum) &&
             kh_dec_div(sum, kh_dec_int(2), &sum))
        *ret = feel_num(sum);
    return true;
}

bool feel_bi_mode(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_feel_value *v, list;
    struct items out = {0};
    size_t n, most = 0;
    bool ok;

    if (args->n == 1 && args->v[0].kind == KH_FEEL_LIST && args->v[0].n == 0) {
        *ret = feel_list(NULL, 0);
        return true;
    }
    if (!feel_arg_items(args, &list) || !sorted(args, &v, &n, &ok))
        return args->r->budget.steps > 0;
    if (!ok)
        return true;
    for (size_t i = 0, run; i < n; i += run) {
        for (run = 1; i + run < n && kh_dec_cmp(v[i].num, v[i + run].num) == 0; run++)
            ;
        if (run > most) {
            most = run;
            out.n = 0;
        }
        if (run == most)
            add(args, &out, v[i]);
    }
    *ret = feel_list(out.v, out.n);
    return true;
}

static bool extreme(const struct feel_args *args, int sign, struct kh_feel_value *ret)
{
    struct kh_feel_value list, best;
    int order;

    if (!feel_arg_items(args, &list) || list.n == 0)
        return true;
    best = feel_at(list, 0);
    if (!feel_cmp(best, best, &order))
        return wrong(args);
    for (size_t i = 1; i < list.n; i++) {
        struct kh_feel_value v = feel_at(list, i);

        if (!feel_cmp(v, best, &order))
            return wrong(args);
        if (order * sign > 0)
            best = v;
        if (!feel_pay(args->r, 1 + feel_cmp_cost(v)))
            return false;
    }
    *ret = best;
    return true;
}

bool feel_bi_min(const struct feel_args *args, struct kh_feel_value *ret)
{
    return extreme(args, -1, ret);
}

bool feel_bi_max(const struct feel_args *args, struct kh_feel_value *ret)
{
    return extreme(args, 1, ret);
}

struct by_function {
    const struct feel_args *args;
    struct kh_feel_value fn;
    bool bad;
};

static bool function_less(void *ctx, struct kh_feel_value x, struct kh_feel_value y, bool *ret)
{
    struct by_function *b = ctx;
    struct kh_feel_value pair[2] = {x, y}, v;

    if (!feel_apply(b->args->r, b->fn, pair, NULL, 2, b->args->at, &v))
        return false;
    b->bad = b->bad || v.kind != KH_FEEL_BOOLEAN;
    *ret = feel_true(v);
    return true;
}

static bool value_less(void *ctx, struct kh_feel_value x, struct kh_feel_value y, bool *ret)
{
    struct by_function *b = ctx;
    int order = 0;

    if (!feel_cmp(x, y, &order))
        b->bad = true;
    *ret = order < 0;
    return feel_pay(b->args->r, feel_cmp_cost(x));
}

bool feel_bi_sort(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct by_function by = {.args = args, .fn = args->n > 1 ? args->v[1] : feel_null()};
    struct kh_feel_value list;
    struct items out = {0};

    if (!feel_arg_list(args, 0, &list))
        return true;
    if (args->n > 1 && by.fn.kind != KH_FEEL_FUNCTION)
        return feel_domain(args, "A function is expected", "Cần một hàm");
    add_all(args, &out, list);
    if (!merge_sort(args->r, out.v, out.n, args->n > 1 ? function_less : value_less, &by))
        return false;
    if (by.bad)
        return wrong(args);
    *ret = feel_list(out.v, out.n);
    return true;
}

/* ---- truth of a list ---- */

static bool truth(const struct feel_args *args, bool stop, struct kh_feel_value *ret)
{
    struct kh_feel_value list;
    bool unsure = false, found = false;

    if (!feel_arg_items(args, &list))
        return true;
    for (size_t i = 0; i < list.n; i++) {
        struct kh_feel_value v = feel_at(list, i);

        if (v.kind != KH_FEEL_BOOLEAN && v.kind != KH_FEEL_NULL)
            return wrong(args);
        found = found || (v.kind == KH_FEEL_BOOLEAN && v.b == stop);
        unsure = unsure || v.kind == KH_FEEL_NULL;
    }
    *ret = found ? feel_bool(stop) : unsure ? feel_null() : feel_bool(!stop);
    return feel_pay(args->r, list.n);
}

bool feel_bi_all(const struct feel_args *args, struct kh_feel_value *ret)
{
    return truth(args, false, ret);
}

bool feel_bi_any(const struct feel_args *args, struct kh_feel_value *ret)
{
    return truth(args, true, ret);
}

/* ---- new lists ---- */

/* Position argument i, 1.. or -1.., as an index from 0. @return false, with a message, if outside */
static bool place(const struct feel_args *args, size_t i, size_t n, size_t *ret)
{
    int64_t p;

    if (!feel_arg_int(args, i, &p))
        return false;
    if (p == 0 || p > (int64_t)n || p < -(int64_t)n) {
        outside(args);
        return false;
    }
    *ret = p > 0 ? (size_t)p - 1 : (size_t)((int64_t)n + p);
    return true;
}

bool feel_bi_sublist(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_feel_value list;
    struct items out = {0};
    int64_t length;
    size_t from;

    if (!feel_arg_list(args, 0, &list) || !place(args, 1, list.n, &from))
        return true;
    length = (int64_t)(list.n - from);
    if (args->n > 2 && args->v[2].kind != KH_FEEL_NULL) {
        int64_t most = length;

        if (!feel_arg_int(args, 2, &length))
            return true;
        if (length < 1 || length > most)
            return outside(args);
    }
    for (int64_t i = 0; i < length; i++)
        add(args, &out, feel_at(list, from + (size_t)i));
    *ret = feel_list(out.v, out.n);
    return feel_pay(args->r, out.n);
}

bool feel_bi_append(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_feel_value list;
    struct items out = {0};

    if (!feel_arg_list(args, 0, &list))
        return true;
    add_all(args, &out, list);
    for (size_t i = 1; i < args->n; i++)
        add(args, &out, args->v[i]);
    *ret = feel_list(out.v, out.n);
    return feel_pay(args->r, out.n);
}

bool feel_bi_concatenate(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct items out = {0};

    for (size_t i = 0; i < args->n; i++) {
        struct kh_feel_value list;

        if (!feel_arg_list(args, i, &list))
            return true;
        add_all(args, &out, list);
        if (!feel_pay(args->r, list.n))
            return false;
    }
    *ret = feel_list(out.v, out.n);
    return true;
}

bool feel_bi_insert_before(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_feel_value list;
    struct items out = {0};
    size_t at;

    if (!feel_arg_list(args, 0, &list) || !place(args, 1, list.n, &at))
        return true;
    for (size_t i = 0; i < list.n; i++) {
        if (i == at)
            add(args, &out, args->v[2]);
        add(args, &out, feel_at(list, i));
    }
    *ret = feel_list(out.v, out.n);
    return feel_pay(args->r, out.n);
}

bool feel_bi_remove(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_feel_value list;
    struct items out = {0};
    size_t at;

    if (!feel_arg_list(args, 0, &list) || !place(args, 1, list.n, &at))
        return true;
    for (size_t i = 0; i < list.n; i++)
        if (i != at)
            add(args, &out, feel_at(list, i));
    *ret = feel_list(out.v, out.n);
    return feel_pay(args->r, list.n);
}

/* The element at a position, or every one for which match(element, newItem) is true. */
bool feel_bi_list_replace(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_feel_value list, by = args->v[1], pair[2], v;
    struct items out = {0};
    size_t at = 0;

    if (!feel_arg_list(args, 0, &list))
        return true;
    if (by.kind != KH_FEEL_FUNCTION && !place(args, 1, list.n, &at))
        return true;
    add_all(args, &out, list);
    if (by.kind != KH_FEEL_FUNCTION) {
        out.v[at] = args->v[2];
    } else {
        for (size_t i = 0; i < out.n; i++) {
            pair[0] = out.v[i];
            pair[1] = args->v[2];
            if (!feel_apply(args->r, by, pair, NULL, 2, args->at, &v))
                return false;
            if (v.kind != KH_FEEL_BOOLEAN)
                return feel_domain(args, "The function must say true or false",
                                   "Hàm phải cho kết quả đúng hoặc sai");
            if (v.b)
                out.v[i] = args->v[2];
        }
    }
    *ret = feel_list(out.v, out.n);
    return feel_pay(args->r, out.n);
}

bool feel_bi_reverse(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_feel_value list;
    struct items out = {0};

    if (!feel_arg_list(args, 0, &list))
        return true;
    for (size_t i = list.n; i-- > 0;)
        add(args, &out, feel_at(list, i));
    *ret = feel_list(out.v, out.n);
    return feel_pay(args->r, out.n);
}

static bool flatten_into(const struct feel_args *args, struct items *out, struct kh_feel_value list,
                         int depth)
{
    if (depth > FEEL_NEST_MAX || !feel_pay(args->r, list.n + 1)) {
        args->r->budget.over = true;
        return false;
    }
    for (size_t i = 0; i < list.n; i++) {
        struct kh_feel_value v = feel_at(list, i);

        if (v.kind != KH_FEEL_LIST)
            add(args, out, v);
        else if (!flatten_into(args, out, v, depth + 1))
            return false;
    }
    return true;
}

bool feel_bi_flatten(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_feel_value list;
    struct items out = {0};

    if (!feel_arg_list(args, 0, &list))
        return true;
    if (!flatten_into(args, &out, list, 0))
        return feel_paid(args->r);
    *ret = feel_list(out.v, out.n);
    return true;
}
