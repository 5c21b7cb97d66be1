/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "base/json_index.h"
#include "base/json_num.h"

#include <stdlib.h>

/* Objects up to this size are compared and searched member by member. */
enum { SMALL = 32 };

/* ---- reading ---- */

const struct kh_json *kh_json_find(const struct kh_json *v, struct kh_str key)
{
    if (!v || v->type != KH_JSON_OBJECT)
        return NULL;
    for (uint32_t i = 0; i < v->n; i++)
        if (kh_str_eq(v->members[i].key, key))
            return &v->members[i].value;
    return NULL;
}

const struct kh_json *kh_json_get(const struct kh_json *v, const char *key)
{
    return kh_json_find(v, kh_cstr(key));
}

/* Whether the reference token of a pointer means this key: ~1 is '/', ~0 is '~'. */
static bool token_is(struct kh_str token, struct kh_str key)
{
    size_t k = 0;

    for (size_t i = 0; i < token.n; i++, k++) {
        char c = token.p[i];

        if (c == '~') {
            if (++i == token.n || (token.p[i] != '0' && token.p[i] != '1'))
                return false;
            c = token.p[i] == '0' ? '~' : '/';
        }
        if (k == key.n || key.p[k] != c)
            return false;
    }
    return k == key.n;
}

static const struct kh_json *step(const struct kh_json *v, struct kh_str token)
{
    if (v->type == KH_JSON_OBJECT) {
        for (uint32_t i = 0; i < v->n; i++)
            if (token_is(token, v->members[i].key))
                return &v->members[i].value;
    } else if (v->type == KH_JSON_ARRAY) {
        int64_t i;

        if (kh_str_int(token, &i) && token.p[0] != '-' && (token.n == 1 || token.p[0] != '0') &&
            i < (int64_t)v->n)
            return &v->items[i];
    }
    return NULL;
}

const struct kh_json *kh_json_at(const struct kh_json *v, struct kh_str pointer)
{
    while (v && pointer.n) {
        struct kh_str rest, token;

        if (pointer.p[0] != '/')
            return NULL;
        token = kh_str_cut(kh_str_skip(pointer, 1), '/', &rest);
        v = step(v, token);
        pointer = kh_str_skip(pointer, 1 + token.n);
    }
    return v;
}

struct kh_str kh_json_str(const struct kh_json *v, const char *key, struct kh_str fallback)
{
    const struct kh_json *m = kh_json_get(v, key);

    return kh_json_is(m, KH_JSON_STRING) ? m->s : fallback;
}

int64_t kh_json_int(const struct kh_json *v, const char *key, int64_t fallback)
{
    int64_t i;

    return kh_json_as_int(kh_json_get(v, key), &i) ? i : fallback;
}

double kh_json_num(const struct kh_json *v, const char *key, double fallback)
{
    double d;

    return kh_json_as_double(kh_json_get(v, key), &d) ? d : fallback;
}

bool kh_json_bool(const struct kh_json *v, const char *key, bool fallback)
{
    const struct kh_json *m = kh_json_get(v, key);

    if (kh_json_is(m, KH_JSON_TRUE))
        return true;
    return kh_json_is(m, KH_JSON_FALSE) ? false : fallback;
}

bool kh_json_as_int(const struct kh_json *v, int64_t *ret_value)
{
    struct kh_num num;

    if (!kh_json_is(v, KH_JSON_NUMBER))
        return false;
    if (kh_str_int(v->s, ret_value)) /* without point and exponent, as nearly always */
        return true;
    return kh_num_parse(v->s, &num) && kh_num_int(&num, ret_value);
}

bool kh_json_as_double(const struct kh_json *v, double *ret_value)
{
    int out;

    if (!kh_json_is(v, KH_JSON_NUMBER))
        return false;
    out = kh_double_get(v->s.p, v->s.n, ret_value);
    if (out < 0) /* nearer to zero than any other double */
        *ret_value = v->s.p[0] == '-' ? -0.0 : 0.0;
    return out <= 0;
}

/* ---- comparing ---- */

static int by_key(const void *a, const void *b)
{
    const struct kh_json_member *x = *(const struct kh_json_member *const *)a;
    const struct kh_json_member *y = *(const struct kh_json_member *const *)b;

    return kh_str_cmp(x->key, y->key);
}

static void sort_members(const struct kh_json *v, const struct kh_json_member **out)
{
    for (uint32_t i = 0; i < v->n; i++)
        out[i] = &v->members[i];
    if (v->n > 1)
        qsort(out, v->n, sizeof(out[0]), by_key);
}

static bool eq_many(const struct kh_json *a, const struct kh_json *b)
{
    const struct kh_json_member **x = malloc(sizeof(x[0]) * 2 * a->n), **y;
    bool same = true;

    KH_REQUIRE(x != NULL);
    y = x + a->n;
    sort_members(a, x);
    sort_members(b, y);
    for (uint32_t i = 0; i < a->n && same; i++)
        same = kh_str_eq(x[i]->key, y[i]->key) && kh_json_eq(&x[i]->value, &y[i]->value);
    free(x);
    return same;
}

static bool eq_objects(const struct kh_json *a, const struct kh_json *b)
{
    uint32_t i = 0;

    if (a->n != b->n)
        return false;
    while (i < a->n && kh_str_eq(a->members[i].key, b->members[i].key)) {
        if (!kh_json_eq(&a->members[i].value, &b->members[i].value))
            return false;
        i++;
    }
    if (i == a->n)
        return true; /* the same order */
    if (a->n > SMALL)
        return eq_many(a, b);
    for (; i < a->n; i++) {
        const struct kh_json *other = kh_json_find(b, a->members[i].key);

        if (!other || !kh_json_eq(&a->members[i].value, other))
            return false;
    }
    return true;
}

static bool eq_numbers(struct kh_str a, struct kh_str b)
{
    struct kh_num x, y;

    if (kh_str_eq(a, b))
        return true;
    return kh_num_parse(a, &x) && kh_num_parse(b, &y) && kh_num_cmp(&x, &y) == 0;
}

bool kh_json_eq(const struct kh_json *a, const struct kh_json *b)
{
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case KH_JSON_NULL:
    case KH_JSON_FALSE:
    case KH_JSON_TRUE:
        return true;
    case KH_JSON_NUMBER:
        return eq_numbers(a->s, b->s);
    case KH_JSON_STRING:
        return kh_str_eq(a->s, b->s);
    case KH_JSON_ARRAY:
        if (a->n != b->n)
            return false;
        for (uint32_t i = 0; i < a->n; i++)
            if (!kh_json_eq(&a->items[i], &b->items[i]))
                return false;
        return true;
    case KH_JSON_OBJECT:
        return eq_objects(a, b);
    }
    return false;
}

/* ---- building ---- */

struct kh_json *kh_json_new(struct kh_arena *a, enum kh_json_type type)
{
    struct kh_json *v = kh_new(a, struct kh_json);

    v->type = type;
    return v;
}

struct kh_json *kh_json_new_str(struct kh_arena *a, struct kh_str s)
{
    struct kh_json *v = kh_json_new(a, KH_JSON_STRING);

    v->s = s;
    return v;
}

struct kh_json *kh_json_new_int(struct kh_arena *a, int64_t i)
{
    struct kh_json *v = kh_json_new(a, KH_JSON_NUMBER);

    v->s = kh_strf(a, "%lld", (long long)i);
    return v;
}

struct kh_json *kh_json_new_double(struct kh_arena *a, double d)
{
    struct kh_json *v;
    char z[32];

    if (!__builtin_isfinite(d))
        return kh_json_new(a, KH_JSON_NULL);
    v = kh_json_new(a, KH_JSON_NUMBER);
    v->s = kh_str_dup(a, kh_str(z, kh_double_put(z, d)));
    return v;
}

/* Make room for one more in an array of n; room is 0 or the power of two that was allocated. */
static void *grown(struct kh_arena *a, void *old, struct kh_json *v, size_t size)
{
    size_t have = v->room ? (size_t)1 << v->room : v->n, room = 2;
    void *p;

    if (v->n < have)
        return old;
    while (((size_t)1 << room) <= v->n)
        room++;
    p = kh_alloc_n(a, (size_t)1 << room, size);
    if (v->n)
        memcpy(p, old, v->n * size);
    v->room = (unsigned char)room;
    return p;
}

void kh_json_set(struct kh_arena *a, struct kh_json *object, struct kh_str key,
                 const struct kh_json *value)
{
    KH_REQUIRE(object->type == KH_JSON_OBJECT);
    for (uint32_t i = 0; i < object->n; i++) {
        if (kh_str_eq(object->members[i].key, key)) {
            object->members[i].value = *value;
            return;
        }
    }
    object->members = grown(a, object->members, object, sizeof(object->members[0]));
    object->members[object->n].key = key;
    object->members[object->n].value = *value;
    object->n++;
}

void kh_json_unset(struct kh_json *object, struct kh_str key)
{
    if (object->type != KH_JSON_OBJECT)
        return;
    for (uint32_t i = 0; i < object->n; i++) {
        if (!kh_str_eq(object->members[i].key, key))
            continue;
        memmove(&object->members[i], &object->members[i + 1],
                (object->n - i - 1) * sizeof(object->members[0]));
        object->n--;
        return;
    }
}

void kh_json_push(struct kh_arena *a, struct kh_json *array, const struct kh_json *value)
{
    KH_REQUIRE(array->type == KH_JSON_ARRAY);
    array->items = grown(a, array->items, array, sizeof(array->items[0]));
    array->items[array->n++] = *value;
}

/* ---- copying ---- */

static void dup_into(struct kh_arena *a, const struct kh_json *from, struct kh_json *to)
{
    *to = (struct kh_json){.type = from->type, .n = from->n};
    switch (from->type) {
    case KH_JSON_NULL:
    case KH_JSON_FALSE:
    case KH_JSON_TRUE:
        return;
    case KH_JSON_NUMBER:
    case KH_JSON_STRING:
        to->s = kh_str_dup(a, from->s);
        return;
    case KH_JSON_ARRAY:
        if (from->n)
            to->items = kh_new_n(a, from->n, struct kh_json);
        for (uint32_t i = 0; i < from->n; i++)
            dup_into(a, &from->items[i], &to->items[i]);
        return;
    case KH_JSON_OBJECT:
        if (from->n)
            to->members = kh_new_n(a, from->n, struct kh_json_member);
        for (uint32_t i = 0; i < from->n; i++) {
            to->members[i].key = kh_str_dup(a, from->members[i].key);
            dup_into(a, &from->members[i].value, &to->members[i].value);
        }
        return;
    }
}

struct kh_json *kh_json_dup(struct kh_arena *a, const struct kh_json *v)
{
    struct kh_json *copy = kh_new(a, struct kh_json);

    dup_into(a, v, copy);
    return copy;
}

struct kh_json *kh_json_merge(struct kh_arena *a, const struct kh_json *target,
                              const struct kh_json *patch)
{
    struct kh_json *out;

    if (patch->type != KH_JSON_OBJECT)
        return kh_json_dup(a, patch);
    out = kh_json_is(target, KH_JSON_OBJECT) ? kh_json_dup(a, target)
                                             : kh_json_new(a, KH_JSON_OBJECT);
    for (uint32_t i = 0; i < patch->n; i++) {
        const struct kh_json_member *m = &patch->members[i];

        if (m->value.type == KH_JSON_NULL)
            kh_json_unset(out, m->key);
        else
            kh_json_set(a, out, kh_str_dup(a, m->key),
                        kh_json_merge(a, kh_json_find(out, m->key), &m->value));
    }
    return out;
}
