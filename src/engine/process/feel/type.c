/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/process/feel/type.h"

#include "engine/process/feel/builtin.h"
#include "engine/process/feel/when.h"

const struct feel_type *feel_type_named(struct kh_str name)
{
    static const struct feel_type types[] = {
        {.kind = FEEL_T_ANY, .name = KH_STR_INIT("Any")},
        {.kind = FEEL_T_NULL, .name = KH_STR_INIT("Null")},
        {.kind = FEEL_T_SIMPLE, .simple = KH_FEEL_NUMBER, .name = KH_STR_INIT("number")},
        {.kind = FEEL_T_SIMPLE, .simple = KH_FEEL_STRING, .name = KH_STR_INIT("string")},
        {.kind = FEEL_T_SIMPLE, .simple = KH_FEEL_BOOLEAN, .name = KH_STR_INIT("boolean")},
        {.kind = FEEL_T_SIMPLE, .simple = KH_FEEL_DATE, .name = KH_STR_INIT("date")},
        {.kind = FEEL_T_SIMPLE, .simple = KH_FEEL_TIME, .name = KH_STR_INIT("time")},
        {.kind = FEEL_T_SIMPLE, .simple = KH_FEEL_DATE_TIME, .name = KH_STR_INIT("date and time")},
        {.kind = FEEL_T_SIMPLE, .simple = KH_FEEL_DATE_TIME, .name = KH_STR_INIT("dateTime")},
        {.kind = FEEL_T_SIMPLE,
         .simple = KH_FEEL_DT_DURATION,
         .name = KH_STR_INIT("days and time duration")},
        {.kind = FEEL_T_SIMPLE,
         .simple = KH_FEEL_DT_DURATION,
         .name = KH_STR_INIT("dayTimeDuration")},
        {.kind = FEEL_T_SIMPLE,
         .simple = KH_FEEL_YM_DURATION,
         .name = KH_STR_INIT("years and months duration")},
        {.kind = FEEL_T_SIMPLE,
         .simple = KH_FEEL_YM_DURATION,
         .name = KH_STR_INIT("yearMonthDuration")},
    };

    for (size_t i = 0; i < KH_LEN(types); i++)
        if (kh_str_eq(types[i].name, name))
            return &types[i];
    return NULL;
}

static bool has_at(struct feel_run *r, const struct feel_type *t, struct kh_feel_value v,
                   int depth);

const struct feel_type *feel_type_bare(const struct feel_type *t)
{
    /* Item definitions that refer to themselves have been refused when they were read. */
    while (t && t->kind == FEEL_T_REF)
        t = t->of;
    return t;
}

static bool has_allowed(struct feel_run *r, const struct feel_type *t, struct kh_feel_value v)
{
    struct kh_feel_value *back = r->slots, *frame;
    enum feel_bool3 b = FEEL_NO;

    if (!t->allowed)
        return true;
    frame = kh_new_n(r->a, t->allowed->slots, struct kh_feel_value);
    frame[t->allowed->subject] = v;
    r->slots = frame;
    if (!feel_holds(r, t->allowed->root, &b)) {
        r->budget.over = true;
        b = FEEL_NO;
    }
    r->slots = back;
    return b == FEEL_YES;
}

static bool has_fields(struct feel_run *r, const struct feel_type *t, struct kh_feel_value v,
                       int depth)
{
    if (v.kind != KH_FEEL_CONTEXT)
        return false;
    for (size_t i = 0; i < t->fields_n; i++) {
        struct kh_feel_value f;

        if (!feel_get(v, t->fields[i].name, &f))
            return false;
        /* A component that is null counts as not known, and fits. */
        if (f.kind != KH_FEEL_NULL && !has_at(r, t->fields[i].type, f, depth + 1))
            return false;
    }
    return true;
}

static bool has_all(struct feel_run *r, const struct feel_type *t, struct kh_feel_value v,
                    int depth)
{
    if (v.kind != KH_FEEL_LIST)
        return false;
    for (size_t i = 0; i < v.n && !r->budget.over; i++) {
        struct kh_feel_value e = feel_at(v, i);

        if (e.kind != KH_FEEL_NULL && !has_at(r, t->of, e, depth + 1))
            return false;
    }
    return true;
}

static bool has_ends(struct feel_run *r, const struct feel_type *t, struct kh_feel_value v,
                     int depth)
{
    if (v.kind != KH_FEEL_RANGE)
        return false;
    return (v.range->lo.kind == KH_FEEL_NULL || has_at(r, t->of, v.range->lo, depth + 1)) &&
           (v.range->hi.kind == KH_FEEL_NULL || has_at(r, t->of, v.range->hi, depth + 1));
}

/* T <: S. A type that is not given is Any. */
static bool conforms(const struct feel_type *t, const struct feel_type *s, int depth)
{
    t = feel_type_bare(t);
    s = feel_type_bare(s);
    if (!s || s->kind == FEEL_T_ANY || t == s)
        return true;
    if (!t || depth > 64)
        return false;
    if (t->kind == FEEL_T_NULL)
        return true;
    if (t->kind != s->kind)
        return false;
    switch (t->kind) {
    case FEEL_T_SIMPLE:
        return t->simple == s->simple;
    case FEEL_T_LIST:
    case FEEL_T_RANGE:
        return conforms(t->of, s->of, depth + 1);
    case FEEL_T_CONTEXT:
        for (size_t i = 0; i < s->fields_n; i++) {
            size_t k = 0;

            while (k < t->fields_n && !kh_str_eq(t->fields[k].name, s->fields[i].name))
                k++;
            if (k == t->fields_n || !conforms(t->fields[k].type, s->fields[i].type, depth + 1))
                return false;
        }
        return true;
    case FEEL_T_FUNCTION:
        if (t->fields_n != s->fields_n)
            return false;
        for (size_t i = 0; i < t->fields_n; i++)
            if (!conforms(s->fields[i].type, t->fields[i].type, depth + 1))
                return false;
        return conforms(t->of, s->of, depth + 1);
    case FEEL_T_ANY:
    case FEEL_T_NULL:
    case FEEL_T_REF:
    case FEEL_T_BROKEN:
        break;
    }
    return t->kind != FEEL_T_BROKEN;
}

static bool has_signature(const struct feel_type *t, struct kh_feel_value v)
{
    const struct feel_param *params;
    const struct feel_type *result;
    size_t n;

    if (v.kind != KH_FEEL_FUNCTION)
        return false;
    if (v.fn->kind == FEEL_FN_BUILTIN)
        return feel_builtin_arity(v.fn->builtin) == (int)t->fields_n;
    params = v.fn->kind == FEEL_FN_CODE ? v.fn->code->params : v.fn->params;
    n = v.fn->kind == FEEL_FN_CODE ? v.fn->code->params_n : v.fn->params_n;
    result = v.fn->kind == FEEL_FN_CODE ? v.fn->code->result : v.fn->result;
    if (n != t->fields_n)
        return false;
    /* A parameter or result without a type takes and gives anything. */
    for (size_t i = 0; i < n; i++)
        if (params[i].type && !conforms(t->fields[i].type, params[i].type, 0))
            return false;
    return !result || conforms(result, t->of, 0);
}

static bool has_at(struct feel_run *r, const struct feel_type *t, struct kh_feel_value v, int depth)
{
    bool ok = false;

    if (depth > FEEL_NEST_MAX || r->budget.steps == 0) {
        r->budget.over = true;
        return false;
    }
    r->budget.steps--;
    switch (t->kind) {
    case FEEL_T_ANY:
        ok = v.kind != KH_FEEL_NULL;
        break;
    case FEEL_T_NULL:
        ok = v.kind == KH_FEEL_NULL;
        break;
    case FEEL_T_SIMPLE:
        ok = v.kind == t->simple;
        break;
    case FEEL_T_LIST:
        ok = has_all(r, t, v, depth);
        break;
    case FEEL_T_RANGE:
        ok = has_ends(r, t, v, depth);
        break;
    case FEEL_T_CONTEXT:
        ok = has_fields(r, t, v, depth);
        break;
    case FEEL_T_FUNCTION:
        ok = has_signature(t, v);
        break;
    case FEEL_T_REF:
        ok = has_at(r, t->of, v, depth + 1);
        break;
    case FEEL_T_BROKEN:
        break;
    }
    return ok && has_allowed(r, t, v);
}

bool feel_type_has(struct feel_run *r, const struct feel_type *t, struct kh_feel_value v)
{
    return has_at(r, t, v, 0);
}

bool feel_type_coerce(struct feel_run *r, const struct feel_type *t, struct kh_feel_value v,
                      struct kh_feel_value *ret)
{
    const struct feel_type *bare = feel_type_bare(t);

    if (!bare || bare->kind == FEEL_T_BROKEN || v.kind == KH_FEEL_NULL || feel_type_has(r, t, v)) {
        *ret = v;
        return true;
    }
    if (v.kind == KH_FEEL_LIST && v.n == 1 && feel_type_has(r, t, feel_at(v, 0))) {
        *ret = feel_at(v, 0);
        return true;
    }
    if (bare->kind == FEEL_T_LIST && v.kind != KH_FEEL_LIST) {
        struct kh_feel_value *one = kh_new(r->a, struct kh_feel_value);

        *one = v;
        *ret = feel_list(one, 1);
        return feel_type_has(r, t, *ret);
    }
    if (bare->kind == FEEL_T_SIMPLE && bare->simple == KH_FEEL_DATE_TIME &&
        v.kind == KH_FEEL_DATE) {
        *ret = feel_when(KH_FEEL_DATE_TIME, feel_midnight(v.days));
        return feel_type_has(r, t, *ret);
    }
    return false;
}
