/* SPDX-License-Identifier: Apache-2.0 */
/* Values at the border: JSON, instants, durations. */
#include "base/buf.h"
#include "base/time.h"
#include "engine/process/feel/when.h"

enum { VALUES_MAX = 1000000 };

const struct kh_feel_value *kh_feel_from_json(struct kh_arena *a, const struct kh_json *v)
{
    struct kh_feel_value *r = kh_new(a, struct kh_feel_value);

    if (v)
        *r = feel_json(v);
    return r;
}

struct out {
    struct kh_arena *a;
    bool tagged;
    size_t left; /* values that may still be written: shared parts multiply */
};

static struct kh_json to_json(struct out *o, struct kh_feel_value v, int depth);

static struct kh_json list_json(struct out *o, struct kh_feel_value v, int depth)
{
    struct kh_json j = {.type = KH_JSON_ARRAY, .n = v.n};

    j.items = kh_new_n(o->a, v.n, struct kh_json);
    for (size_t i = 0; i < v.n; i++)
        j.items[i] = to_json(o, feel_at(v, i), depth + 1);
    return j;
}

static struct kh_json context_json(struct out *o, struct kh_feel_value v, int depth)
{
    struct kh_json j = {.type = KH_JSON_OBJECT, .n = v.n};

    j.members = kh_new_n(o->a, v.n, struct kh_json_member);
    for (size_t i = 0; i < v.n; i++) {
        struct feel_entry e = feel_entry_at(v, i);

        j.members[i] = (struct kh_json_member){e.key, to_json(o, e.value, depth + 1)};
    }
    return j;
}

static struct kh_json temporal_json(struct out *o, struct kh_feel_value v)
{
    struct kh_buf b = kh_buf(o->a, 256);
    struct kh_json text = {.type = KH_JSON_STRING}, j = {.type = KH_JSON_OBJECT, .n = 2};

    feel_when_put(&b, v);
    text.s = kh_buf_get(&b);
    if (!o->tagged)
        return text;
    j.members = kh_new_n(o->a, 2, struct kh_json_member);
    j.members[0].key = KH_S("@feel");
    j.members[0].value = (struct kh_json){.type = KH_JSON_STRING,
                                          .s = kh_cstr(feel_kind_name((enum kh_feel_kind)v.kind))};
    j.members[1].key = KH_S("value");
    j.members[1].value = text;
    return j;
}

static struct kh_json to_json(struct out *o, struct kh_feel_value v, int depth)
{
    if (depth > FEEL_NEST_MAX || o->left <= v.n)
        return (struct kh_json){.type = KH_JSON_NULL};
    o->left -= 1;
    switch ((enum kh_feel_kind)v.kind) {
    case KH_FEEL_BOOLEAN:
        return (struct kh_json){.type = v.b ? KH_JSON_TRUE : KH_JSON_FALSE};
    case KH_FEEL_NUMBER:
        return (struct kh_json){.type = KH_JSON_NUMBER, .s = kh_dec_text(o->a, v.num)};
    case KH_FEEL_STRING:
        return (struct kh_json){.type = KH_JSON_STRING, .s = v.s};
    case KH_FEEL_DATE:
    case KH_FEEL_TIME:
    case KH_FEEL_DATE_TIME:
    case KH_FEEL_YM_DURATION:
    case KH_FEEL_DT_DURATION:
        return temporal_json(o, v);
    case KH_FEEL_LIST:
        return v.form == FEEL_JSON && !o->tagged ? *v.json : list_json(o, v, depth);
    case KH_FEEL_CONTEXT:
        return v.form == FEEL_JSON && !o->tagged ? *v.json : context_json(o, v, depth);
    case KH_FEEL_NULL:
    case KH_FEEL_RANGE:
    case KH_FEEL_FUNCTION:
        break;
    }
    return (struct kh_json){.type = KH_JSON_NULL};
}

const struct kh_json *kh_feel_to_json(struct kh_arena *a, const struct kh_feel_value *v,
                                      bool tagged)
{
    struct out o = {.a = a, .tagged = tagged, .left = VALUES_MAX};
    struct kh_json *j = kh_new(a, struct kh_json);

    *j = to_json(&o, *v, 0);
    return j;
}

enum kh_feel_kind kh_feel_kind(const struct kh_feel_value *v)
{
    return (enum kh_feel_kind)v->kind;
}

bool kh_feel_is_true(const struct kh_feel_value *v)
{
    return feel_true(*v);
}

/* Seconds outside of what microseconds can hold are refused. */
static bool to_us(int64_t s, int64_t ns, int64_t *ret_us)
{
    return !__builtin_mul_overflow(s, KH_US_S, ret_us) &&
           !__builtin_add_overflow(*ret_us, ns / 1000, ret_us);
}

bool kh_feel_as_instant(const struct kh_feel_value *v, int64_t *ret_us)
{
    int64_t us;

    if (v->kind == KH_FEEL_DATE) {
        if (!to_us(v->days * FEEL_DAY_S, 0, &us))
            return false;
        *ret_us = us - KH_ZONE_US;
        return true;
    }
    if (v->kind != KH_FEEL_DATE_TIME || !to_us(feel_when_utc(&v->when), v->when.ns, &us))
        return false;
    /* A local time is the city's. */
    *ret_us = v->when.where == FEEL_LOCAL ? us - KH_ZONE_US : us;
    return true;
}

bool kh_feel_as_duration(const struct kh_feel_value *v, int64_t from_us, int64_t *ret_until_us)
{
    struct kh_feel_value at, until;
    int64_t us, local = from_us + KH_ZONE_US, s = local / KH_US_S - (local % KH_US_S < 0);

    if (v->kind == KH_FEEL_DT_DURATION) {
        if (!to_us(v->span.s, v->span.ns, &us) || __builtin_add_overflow(from_us, us, &us))
            return false;
        *ret_until_us = us;
        return true;
    }
    if (v->kind != KH_FEEL_YM_DURATION)
        return false;
    at = feel_when(KH_FEEL_DATE_TIME,
                   (struct feel_when){.s = s, .ns = (uint32_t)(local - s * KH_US_S) * 1000});
    return feel_shift(at, *v, 1, &until) && kh_feel_as_instant(&until, ret_until_us);
}
