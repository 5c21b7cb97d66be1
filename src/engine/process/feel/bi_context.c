/* SPDX-License-Identifier: Apache-2.0 */
/* Context functions (DMN 1.5 table 81). */
#include "engine/process/feel/builtin.h"

struct entries {
    struct feel_entry *v;
    size_t n, cap;
};

static bool put(const struct feel_args *args, struct entries *out, struct kh_str key,
                struct kh_feel_value value)
{
    size_t i = 0;

    while (i < out->n && !kh_str_eq(out->v[i].key, key))
        i++;
    if (i == out->n) {
        out->v = kh_grow(args->r->a, out->v, out->n, out->n + 1, &out->cap, sizeof(*out->v));
        out->n++;
    }
    out->v[i] = (struct feel_entry){key, value};
    return feel_pay(args->r, 1 + out->n / 8 + key.n / 1024);
}

static bool put_all(const struct feel_args *args, struct entries *out, struct kh_feel_value context)
{
    for (size_t i = 0; i < context.n; i++) {
        struct feel_entry e = feel_entry_at(context, i);

        if (!put(args, out, e.key, e.value))
            return false;
    }
    return true;
}

bool feel_bi_get_value(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_feel_value m;
    struct kh_str key;

    if (!feel_arg(args, 0, KH_FEEL_CONTEXT, &m) || !feel_arg_str(args, 1, &key))
        return true;
    if (!feel_get(m, key, ret))
        *ret = feel_null();
    return true;
}

bool feel_bi_get_entries(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_feel_value m, *items;

    if (!feel_arg(args, 0, KH_FEEL_CONTEXT, &m))
        return true;
    items = kh_new_n(args->r->a, m.n, struct kh_feel_value);
    for (size_t i = 0; i < m.n; i++) {
        struct feel_entry e = feel_entry_at(m, i),
                          *pair = kh_new_n(args->r->a, 2, struct feel_entry);

        pair[0] = (struct feel_entry){KH_S("key"), feel_str(e.key)};
        pair[1] = (struct feel_entry){KH_S("value"), e.value};
        items[i] = feel_context(pair, 2);
    }
    *ret = feel_list(items, m.n);
    return feel_pay(args->r, m.n);
}

bool feel_bi_context(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_feel_value list;
    struct entries out = {0};

    if (!feel_arg_list(args, 0, &list))
        return true;
    for (size_t i = 0; i < list.n; i++) {
        struct kh_feel_value e = feel_at(list, i), key, value;
        size_t had = out.n;

        if (e.kind != KH_FEEL_CONTEXT || !feel_get(e, KH_S("key"), &key) ||
            key.kind != KH_FEEL_STRING || !feel_get(e, KH_S("value"), &value))
            return feel_domain(args, "An entry needs key and value", "Mỗi mục cần có key và value");
        if (!put(args, &out, key.s, value))
            return false;
        if (out.n == had)
            return feel_domain(args, "A key occurs twice", "Khoá bị lặp");
    }
    *ret = feel_context(out.v, out.n);
    return true;
}

/* context put(context, keys, value): rebuild the contexts along the path from the inside. */
static bool put_path(const struct feel_args *args, struct kh_feel_value m,
                     struct kh_feel_value keys, size_t at, struct kh_feel_value value, bool *ret_ok,
                     struct kh_feel_value *ret)
{
    struct kh_feel_value key = feel_at(keys, at), inner = feel_null();
    struct entries out = {0};

    *ret_ok = m.kind == KH_FEEL_CONTEXT && key.kind == KH_FEEL_STRING && at < FEEL_NEST_MAX;
    if (!*ret_ok)
        return true;
    if (at + 1 < keys.n) {
        if (!feel_get(m, key.s, &inner))
            inner = feel_null();
        if (!put_path(args, inner, keys, at + 1, value, ret_ok, &value))
            return false;
        if (!*ret_ok)
            return true;
    }
    if (!put_all(args, &out, m) || !put(args, &out, key.s, value))
        return false;
    *ret = feel_context(out.v, out.n);
    return true;
}

bool feel_bi_context_put(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_feel_value m, keys = args->v[1], *one;
    bool ok = false;

    if (!feel_arg(args, 0, KH_FEEL_CONTEXT, &m))
        return true;
    if (keys.kind == KH_FEEL_STRING) {
        one = kh_new(args->r->a, struct kh_feel_value);
        *one = keys;
        keys = feel_list(one, 1);
    }
    if (keys.kind == KH_FEEL_LIST && keys.n && !put_path(args, m, keys, 0, args->v[2], &ok, ret))
        return false;
    if (!ok) {
        *ret = feel_null();
        return feel_domain(args, "There is no such path of keys", "Không có đường dẫn khoá này");
    }
    return true;
}

bool feel_bi_context_merge(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_feel_value list;
    struct entries out = {0};

    if (!feel_arg_list(args, 0, &list))
        return true;
    for (size_t i = 0; i < list.n; i++) {
        struct kh_feel_value m = feel_at(list, i);

        if (m.kind != KH_FEEL_CONTEXT)
            return feel_domain(args, "Contexts are expected", "Cần các ngữ cảnh");
        if (!put_all(args, &out, m))
            return false;
    }
    *ret = feel_context(out.v, out.n);
    return true;
}
