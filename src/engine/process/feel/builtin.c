/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/process/feel/builtin.h"

struct row {
    feel_builtin_fn fn;
    struct kh_str name, params;
    uint16_t least, most;
};

static const struct row rows[] = {
/* The one list of functions; a row of the second inclusion in builtin.h declares it. */
#define F(fn, name, params, least, most) {fn, KH_STR_INIT(name), KH_STR_INIT(params), least, most},
#include "engine/process/feel/builtin.def"
#undef F
};

int feel_builtin_find(struct kh_str name)
{
    for (size_t i = 0; i < KH_LEN(rows); i++)
        if (rows[i].name.n == name.n && memcmp(rows[i].name.p, name.p, name.n) == 0)
            return (int)i;
    return -1;
}

struct kh_str feel_builtin_name(int row)
{
    return rows[row].name;
}

int feel_builtin_arity(int row)
{
    bool more = (size_t)row + 1 < KH_LEN(rows) && kh_str_eq(rows[row + 1].name, rows[row].name);

    return more || rows[row].least != rows[row].most ? -1 : rows[row].least;
}

/* Position of a parameter in a list "a,b,c...", or -1. */
static int param_at(struct kh_str params, struct kh_str name)
{
    for (int i = 0; params.n; i++) {
        struct kh_str p = kh_str_cut(params, ',', &params);

        if (p.n > 3 && memcmp(p.p + p.n - 3, "...", 3) == 0)
            p.n -= 3;
        if (kh_str_eq(p, name))
            return i;
    }
    return -1;
}

enum { NAMED_MAX = 8 };

/* Arguments by name into the order of the row. @return how many places are filled, or -1 */
static int by_name(const struct row *row, const struct kh_feel_value *args,
                   const struct kh_str *names, size_t n, bool in_order,
                   struct kh_feel_value out[NAMED_MAX])
{
    int last = 0;
    unsigned seen = 0;

    memset(out, 0, NAMED_MAX * sizeof(out[0]));
    for (size_t i = 0; i < n; i++) {
        int k = param_at(row->params, names[i]);

        if (k < 0 || k >= NAMED_MAX || (seen & 1U << k) || (in_order && k != (int)i))
            return -1;
        seen |= 1U << k;
        out[k] = args[i];
        if (k + 1 > last)
            last = k + 1;
    }
    for (int k = 0; k < row->least; k++)
        if (!(seen & 1U << k))
            return -1;
    return last;
}

static bool same_name(size_t i, int row)
{
    return i < KH_LEN(rows) && kh_str_eq(rows[i].name, rows[row].name);
}

/* Which signature takes these arguments? Of two with the same names (before(point, range) and
 * before(range, point)) the order in which they are written decides. @return SIZE_MAX if none */
static size_t choose(const struct feel_args *as, int row, const struct kh_str *names,
                     struct kh_feel_value ordered[NAMED_MAX], int *ret_filled)
{
    for (int pass = names ? 0 : 1; pass < 2; pass++) {
        for (size_t i = (size_t)row; same_name(i, row); i++) {
            if (!names && as->n >= rows[i].least && as->n <= rows[i].most)
                return i;
            if (!names || as->n > NAMED_MAX)
                continue;
            *ret_filled = by_name(&rows[i], as->v, names, as->n, pass == 0, ordered);
            if (*ret_filled >= 0)
                return i;
        }
    }
    return SIZE_MAX;
}

bool feel_builtin_call(struct feel_run *r, int row, const struct kh_feel_value *args,
                       const struct kh_str *names, size_t n, uint32_t at, struct kh_feel_value *ret)
{
    struct kh_feel_value ordered[NAMED_MAX];
    struct feel_args as = {.r = r, .v = args, .n = n, .builtin = row, .at = at};
    int filled = 0;
    size_t i = choose(&as, row, names, ordered, &filled);

    *ret = feel_null();
    if (i == SIZE_MAX) {
        feel_note(r, at, "arguments", "The arguments do not fit the function",
                  "Tham số không phù hợp với hàm", rows[row].name);
        return true;
    }
    as.signature = (int)i - row;
    if (names) {
        as.v = ordered;
        as.n = (size_t)filled;
    }
    return rows[i].fn(&as, ret) && feel_paid(r);
}

/* ---- for the functions ---- */

bool feel_domain(const struct feel_args *args, const char *en, const char *vi)
{
    feel_note(args->r, args->at, "domain", en, vi, rows[args->builtin].name);
    return true;
}

bool feel_arg(const struct feel_args *args, size_t i, enum kh_feel_kind kind,
              struct kh_feel_value *ret)
{
    struct kh_feel_value v = i < args->n ? args->v[i] : feel_null();

    if (v.kind == KH_FEEL_LIST && v.n == 1 && kind != KH_FEEL_LIST)
        v = feel_at(v, 0);
    if (v.kind != kind) {
        feel_domain(args, "An argument is not of the right type", "Tham số không đúng kiểu");
        return false;
    }
    *ret = v;
    return true;
}

bool feel_arg_str(const struct feel_args *args, size_t i, struct kh_str *ret)
{
    struct kh_feel_value v;

    if (!feel_arg(args, i, KH_FEEL_STRING, &v))
        return false;
    *ret = v.s;
    return true;
}

bool feel_arg_num(const struct feel_args *args, size_t i, struct kh_dec *ret)
{
    struct kh_feel_value v;

    if (!feel_arg(args, i, KH_FEEL_NUMBER, &v))
        return false;
    *ret = v.num;
    return true;
}

bool feel_arg_int(const struct feel_args *args, size_t i, int64_t *ret)
{
    struct kh_dec d;

    if (!feel_arg_num(args, i, &d))
        return false;
    if (kh_dec_to_int(d, ret))
        return true;
    feel_domain(args, "A whole number is expected", "Cần một số nguyên");
    return false;
}

bool feel_arg_list(const struct feel_args *args, size_t i, struct kh_feel_value *ret)
{
    struct kh_feel_value v = i < args->n ? args->v[i] : feel_null(), *one;

    if (v.kind == KH_FEEL_NULL) {
        feel_domain(args, "A list is expected", "Cần một danh sách");
        return false;
    }
    if (v.kind != KH_FEEL_LIST) {
        one = kh_new(args->r->a, struct kh_feel_value);
        *one = v;
        v = feel_list(one, 1);
    }
    *ret = v;
    return true;
}

bool feel_arg_items(const struct feel_args *args, struct kh_feel_value *ret)
{
    if (args->n == 1 && args->v[0].kind == KH_FEEL_LIST)
        *ret = args->v[0];
    else if (args->n == 1 && args->v[0].kind == KH_FEEL_NULL)
        return feel_arg_list(args, 0, ret);
    else
        *ret = feel_list(args->v, args->n);
    return true;
}
