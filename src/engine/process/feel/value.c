/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/process/feel/value.h"

#include "base/buf.h"
#include "engine/process/feel/ast.h"
#include "engine/process/feel/when.h"

struct kh_feel_value feel_range(struct kh_arena *a, const struct feel_range *r)
{
    struct feel_range *p = kh_new(a, struct feel_range);

    *p = *r;
    return (struct kh_feel_value){.kind = KH_FEEL_RANGE, .range = p};
}

/* ---- JSON in place ---- */

/* {"@feel": kind, "value": text}; false if v is an ordinary object. */
static bool tagged(const struct kh_json *v, struct kh_feel_value *ret)
{
    const struct kh_json *kind = kh_json_get(v, "@feel"), *text = kh_json_get(v, "value");
    bool ok = false;

    if (v->n != 2 || !kh_json_is(kind, KH_JSON_STRING) || !kh_json_is(text, KH_JSON_STRING))
        return false;
    if (kh_str_is(kind->s, "date"))
        ok = feel_date_parse(text->s, ret);
    else if (kh_str_is(kind->s, "time"))
        ok = feel_time_parse(text->s, ret);
    else if (kh_str_is(kind->s, "date and time"))
        ok = feel_date_time_parse(text->s, ret);
    else if (kh_str_is(kind->s, "years and months duration"))
        ok = feel_duration_parse(text->s, ret) && ret->kind == KH_FEEL_YM_DURATION;
    else if (kh_str_is(kind->s, "days and time duration"))
        ok = feel_duration_parse(text->s, ret) && ret->kind == KH_FEEL_DT_DURATION;
    if (!ok)
        *ret = feel_null();
    return true;
}

struct kh_feel_value feel_json(const struct kh_json *v)
{
    struct kh_feel_value r = feel_null();
    struct kh_dec d;

    switch (v->type) {
    case KH_JSON_NULL:
        break;
    case KH_JSON_FALSE:
    case KH_JSON_TRUE:
        return feel_bool(v->type == KH_JSON_TRUE);
    case KH_JSON_NUMBER:
        return kh_dec_parse(v->s, &d) ? feel_num(d) : r;
    case KH_JSON_STRING:
        return feel_str(v->s);
    case KH_JSON_ARRAY:
        return (struct kh_feel_value){
            .kind = KH_FEEL_LIST, .form = FEEL_JSON, .n = v->n, .json = v};
    case KH_JSON_OBJECT:
        if (v->n == 2 && tagged(v, &r))
            return r;
        return (struct kh_feel_value){
            .kind = KH_FEEL_CONTEXT, .form = FEEL_JSON, .n = v->n, .json = v};
    }
    return r;
}

struct kh_feel_value feel_at(struct kh_feel_value list, size_t i)
{
    return list.form == FEEL_JSON ? feel_json(&list.json->items[i]) : list.items[i];
}

struct feel_entry feel_entry_at(struct kh_feel_value context, size_t i)
{
    const struct kh_json_member *m;

    if (context.form != FEEL_JSON)
        return context.entries[i];
    m = &context.json->members[i];
    return (struct feel_entry){m->key, feel_json(&m->value)};
}

bool feel_get(struct kh_feel_value context, struct kh_str key, struct kh_feel_value *ret)
{
    if (context.form == FEEL_JSON) {
        const struct kh_json_member *m = context.json->members;

        for (size_t i = 0; i < context.n; i++) {
            if (kh_str_eq(m[i].key, key)) {
                *ret = feel_json(&m[i].value);
                return true;
            }
        }
        return false;
    }
    for (size_t i = 0; i < context.n; i++) {
        if (kh_str_eq(context.entries[i].key, key)) {
            *ret = context.entries[i].value;
            return true;
        }
    }
    return false;
}

/* ---- order and equality ---- */

static int cmp_int(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

bool feel_cmp(struct kh_feel_value x, struct kh_feel_value y, int *ret)
{
    if (x.kind != y.kind)
        return false;
    switch ((enum kh_feel_kind)x.kind) {
    case KH_FEEL_NUMBER:
        *ret = kh_dec_cmp(x.num, y.num);
        return true;
    case KH_FEEL_STRING:
        *ret = kh_str_cmp(x.s, y.s); /* UTF-8 sorts as its code points do */
        return true;
    case KH_FEEL_DATE:
        *ret = cmp_int(x.days, y.days);
        return true;
    case KH_FEEL_TIME:
    case KH_FEEL_DATE_TIME:
        *ret = feel_when_cmp(&x.when, &y.when);
        return true;
    case KH_FEEL_YM_DURATION:
        *ret = cmp_int(x.months, y.months);
        return true;
    case KH_FEEL_DT_DURATION:
        *ret = x.span.s != y.span.s ? cmp_int(x.span.s, y.span.s) : cmp_int(x.span.ns, y.span.ns);
        return true;
    case KH_FEEL_NULL:
    case KH_FEEL_BOOLEAN:
    case KH_FEEL_LIST:
    case KH_FEEL_CONTEXT:
    case KH_FEEL_RANGE:
    case KH_FEEL_FUNCTION:
        break;
    }
    return false;
}

/* One walk serves equality and identity; same says which. */
static enum feel_bool3 eq_at(struct kh_feel_value x, struct kh_feel_value y, struct feel_budget *b,
                             int depth, bool same);

static enum feel_bool3 eq_lists(struct kh_feel_value x, struct kh_feel_value y,
                                struct feel_budget *b, int depth, bool same)
{
    enum feel_bool3 all = FEEL_YES;

    if (x.n != y.n)
        return FEEL_NO;
    for (size_t i = 0; i < x.n && !b->over; i++) {
        enum feel_bool3 r = eq_at(feel_at(x, i), feel_at(y, i), b, depth + 1, same);

        if (r == FEEL_NO)
            return FEEL_NO;
        if (r == FEEL_UNSURE)
            all = FEEL_UNSURE;
    }
    return all;
}

static enum feel_bool3 eq_contexts(struct kh_feel_value x, struct kh_feel_value y,
                                   struct feel_budget *b, int depth, bool same)
{
    enum feel_bool3 all = FEEL_YES;

    if (x.n != y.n)
        return FEEL_NO;
    for (size_t i = 0; i < x.n && !b->over; i++) {
        struct feel_entry e = feel_entry_at(x, i), o = feel_entry_at(y, i);
        enum feel_bool3 r;

        /* Mostly the entries stand in the same order; else every look-up costs. */
        if (!kh_str_eq(e.key, o.key)) {
            b->steps -= y.n / 8 < b->steps ? y.n / 8 : b->steps;
            if (!feel_get(y, e.key, &o.value))
                return FEEL_NO;
        }
        r = eq_at(e.value, o.value, b, depth + 1, same);
        if (r == FEEL_NO)
            return FEEL_NO;
        if (r == FEEL_UNSURE)
            all = FEEL_UNSURE;
    }
    return all;
}

static enum feel_bool3 eq_ranges(const struct feel_range *x, const struct feel_range *y,
                                 struct feel_budget *b, int depth, bool same)
{
    enum feel_bool3 lo, hi;

    if (x->lo_in != y->lo_in || x->hi_in != y->hi_in)
        return FEEL_NO;
    lo = eq_at(x->lo, y->lo, b, depth + 1, same);
    hi = eq_at(x->hi, y->hi, b, depth + 1, same);
    if (lo == FEEL_NO || hi == FEEL_NO)
        return FEEL_NO;
    return lo == FEEL_UNSURE || hi == FEEL_UNSURE ? FEEL_UNSURE : FEEL_YES;
}

/* The same function with the same things from outside; one that calls itself holds itself there. */
static enum feel_bool3 eq_functions(const struct feel_fn *x, const struct feel_fn *y,
                                    struct feel_budget *b, int depth, bool same)
{
    enum feel_bool3 all = FEEL_YES;

    if (x == y)
        return FEEL_YES;
    if (x->kind != y->kind || x->code != y->code || x->builtin != y->builtin || x->ctx != y->ctx)
        return FEEL_NO;
    for (size_t i = 0; x->code && i < x->code->captures_n && !b->over; i++) {
        struct kh_feel_value v = x->captured[i], w = y->captured[i];
        enum feel_bool3 r;

        if (v.kind == KH_FEEL_FUNCTION && v.fn == x && w.kind == KH_FEEL_FUNCTION && w.fn == y)
            continue;
        r = eq_at(v, w, b, depth + 1, same);
        if (r == FEEL_NO)
            return FEEL_NO;
        if (r == FEEL_UNSURE)
            all = FEEL_UNSURE;
    }
    return all;
}

static bool same_place(const struct feel_when *x, const struct feel_when *y)
{
    if (x->where == FEEL_LOCAL || y->where == FEEL_LOCAL)
        return x->where == y->where;
    return x->off == y->off;
}

static enum feel_bool3 eq_at(struct kh_feel_value x, struct kh_feel_value y, struct feel_budget *b,
                             int depth, bool same)
{
    int order;

    if (x.kind == KH_FEEL_NULL || y.kind == KH_FEEL_NULL)
        return x.kind == y.kind;
    if (x.kind != y.kind)
        return same ? FEEL_NO : FEEL_UNSURE;
    if (b->steps == 0 || depth > FEEL_NEST_MAX) {
        b->over = true;
        return FEEL_UNSURE;
    }
    b->steps -= 1 + feel_cmp_cost(x) < b->steps ? 1 + feel_cmp_cost(x) : b->steps;
    if (feel_cmp(x, y, &order)) {
        if (same && (x.kind == KH_FEEL_TIME || x.kind == KH_FEEL_DATE_TIME))
            return order == 0 && same_place(&x.when, &y.when);
        return order == 0;
    }
    if (x.kind == KH_FEEL_BOOLEAN)
        return x.b == y.b;
    if (x.kind == KH_FEEL_LIST)
        return eq_lists(x, y, b, depth, same);
    if (x.kind == KH_FEEL_CONTEXT)
        return eq_contexts(x, y, b, depth, same);
    if (x.kind == KH_FEEL_RANGE)
        return eq_ranges(x.range, y.range, b, depth, same);
    return eq_functions(x.fn, y.fn, b, depth, same);
}

enum feel_bool3 feel_eq(struct kh_feel_value x, struct kh_feel_value y, struct feel_budget *b)
{
    return eq_at(x, y, b, 0, false);
}

bool feel_same(struct kh_feel_value x, struct kh_feel_value y, struct feel_budget *b)
{
    return eq_at(x, y, b, 0, true) == FEEL_YES;
}

enum feel_bool3 feel_in_range(struct kh_feel_value x, const struct feel_range *r)
{
    int order;

    if (r->lo.kind != KH_FEEL_NULL) {
        if (!feel_cmp(x, r->lo, &order))
            return FEEL_UNSURE;
        if (order < 0 || (order == 0 && !r->lo_in))
            return FEEL_NO;
    }
    if (r->hi.kind != KH_FEEL_NULL) {
        if (!feel_cmp(x, r->hi, &order))
            return FEEL_UNSURE;
        if (order > 0 || (order == 0 && !r->hi_in))
            return FEEL_NO;
    }
    return FEEL_YES;
}

/* ---- text ---- */

static void put_text(struct kh_buf *out, struct kh_feel_value v, struct feel_budget *b, int depth);

static void put_quoted(struct kh_buf *out, struct kh_str s)
{
    kh_buf_c(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\')
            kh_buf_c(out, '\\');
        if (s.p[i] == '\n')
            kh_buf_z(out, "\\n");
        else
            kh_buf_c(out, s.p[i]);
    }
    kh_buf_c(out, '"');
}

static void put_list(struct kh_buf *out, struct kh_feel_value v, struct feel_budget *b, int depth)
{
    kh_buf_c(out, '[');
    for (size_t i = 0; i < v.n && !b->over; i++) {
        if (i)
            kh_buf_z(out, ", ");
        put_text(out, feel_at(v, i), b, depth + 1);
    }
    kh_buf_c(out, ']');
}

/* A key that is a plain name stands bare, any other in quotes. */
static void put_key(struct kh_buf *out, struct kh_str key)
{
    bool plain = key.n && !(key.p[0] >= '0' && key.p[0] <= '9');

    for (size_t i = 0; i < key.n; i++) {
        unsigned char c = (unsigned char)key.p[i];

        if (c < 0x80 && c != ' ' && c != '_' && !(c >= '0' && c <= '9') &&
            !((c | 32) >= 'a' && (c | 32) <= 'z'))
            plain = false;
    }
    if (plain)
        kh_buf_str(out, key);
    else
        put_quoted(out, key);
}

static void put_context(struct kh_buf *out, struct kh_feel_value v, struct feel_budget *b,
                        int depth)
{
    kh_buf_c(out, '{');
    for (size_t i = 0; i < v.n && !b->over; i++) {
        struct feel_entry e = feel_entry_at(v, i);

        if (i)
            kh_buf_z(out, ", ");
        put_key(out, e.key);
        kh_buf_z(out, ": ");
        put_text(out, e.value, b, depth + 1);
    }
    kh_buf_c(out, '}');
}

static void put_range(struct kh_buf *out, const struct feel_range *r, struct feel_budget *b,
                      int depth)
{
    bool no_lo = r->lo.kind == KH_FEEL_NULL, no_hi = r->hi.kind == KH_FEEL_NULL;

    if (no_lo != no_hi) {
        kh_buf_z(out, no_lo ? (r->hi_in ? "<= " : "< ") : (r->lo_in ? ">= " : "> "));
        put_text(out, no_lo ? r->hi : r->lo, b, depth + 1);
        return;
    }
    kh_buf_c(out, r->lo_in ? '[' : '(');
    put_text(out, r->lo, b, depth + 1);
    kh_buf_z(out, " .. ");
    put_text(out, r->hi, b, depth + 1);
    kh_buf_c(out, r->hi_in ? ']' : ')');
}

static void put_text(struct kh_buf *out, struct kh_feel_value v, struct feel_budget *b, int depth)
{
    if (b->steps == 0 || depth > FEEL_NEST_MAX || out->full) {
        b->over = true;
        return;
    }
    b->steps--;
    switch ((enum kh_feel_kind)v.kind) {
    case KH_FEEL_NULL:
        kh_buf_z(out, "null");
        return;
    case KH_FEEL_BOOLEAN:
        kh_buf_z(out, v.b ? "true" : "false");
        return;
    case KH_FEEL_NUMBER:
        kh_buf_str(out, kh_dec_text(out->a, v.num));
        return;
    case KH_FEEL_STRING:
        put_quoted(out, v.s);
        return;
    case KH_FEEL_DATE:
    case KH_FEEL_TIME:
    case KH_FEEL_DATE_TIME:
    case KH_FEEL_YM_DURATION:
    case KH_FEEL_DT_DURATION:
        feel_when_put(out, v);
        return;
    case KH_FEEL_LIST:
        put_list(out, v, b, depth);
        return;
    case KH_FEEL_CONTEXT:
        put_context(out, v, b, depth);
        return;
    case KH_FEEL_RANGE:
        put_range(out, v.range, b, depth);
        return;
    case KH_FEEL_FUNCTION:
        kh_buf_z(out, "function");
        return;
    }
}

bool feel_text(struct kh_arena *a, struct kh_feel_value v, size_t max, struct feel_budget *b,
               struct kh_str *ret)
{
    struct kh_buf out = kh_buf(a, max);

    if (v.kind == KH_FEEL_STRING) {
        *ret = v.s;
        return true;
    }
    put_text(&out, v, b, 0);
    if (b->over || out.full)
        return false;
    *ret = kh_buf_get(&out);
    return true;
}

const char *feel_kind_name(enum kh_feel_kind kind)
{
    switch (kind) {
    case KH_FEEL_NULL:
        return "null";
    case KH_FEEL_BOOLEAN:
        return "boolean";
    case KH_FEEL_NUMBER:
        return "number";
    case KH_FEEL_STRING:
        return "string";
    case KH_FEEL_DATE:
        return "date";
    case KH_FEEL_TIME:
        return "time";
    case KH_FEEL_DATE_TIME:
        return "date and time";
    case KH_FEEL_YM_DURATION:
        return "years and months duration";
    case KH_FEEL_DT_DURATION:
        return "days and time duration";
    case KH_FEEL_LIST:
        return "list";
    case KH_FEEL_CONTEXT:
        return "context";
    case KH_FEEL_RANGE:
        return "range";
    case KH_FEEL_FUNCTION:
        return "function";
    }
    return "null";
}
