/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/pack/pack_int.h"

#include "engine/geo/geo.h"
#include "engine/registry/schema/schema.h"

#include <stdlib.h>

struct keyed {
    struct kh_str key;
    size_t offset;
};

struct lines {
    struct kh_pack_check *c;
    const struct kh_pack_file *f;
    const struct kh_json *type;
    struct kh_schema *schema;
    struct keyed *keys;
    size_t keys_n, keys_cap;
};

static void schema_drop(struct kh_schema **s)
{
    kh_schema_drop(*s);
}

/* The natural key of a record as one text; "" if the type has none. */
static struct kh_str key_of(struct lines *l, const struct kh_json *record)
{
    const struct kh_json *key = kh_json_get(kh_json_get(l->type, "x-kh"), "key");
    struct kh_buf b = kh_buf(l->c->a, 1 << 16);

    if (kh_json_is(key, KH_JSON_STRING)) {
        const struct kh_json *v = kh_json_find(record, key->s);

        if (v)
            kh_json_canon(&b, v);
    }
    for (uint32_t i = 0; kh_json_is(key, KH_JSON_ARRAY) && i < key->n; i++) {
        const struct kh_json *v =
            key->items[i].type == KH_JSON_STRING ? kh_json_find(record, key->items[i].s) : NULL;

        if (v)
            kh_json_canon(&b, v);
        kh_buf_c(&b, '\n');
    }
    return kh_buf_get(&b);
}

static void complain_line(struct lines *l, size_t line_at, struct kh_str line,
                          const struct kh_issues *found)
{
    for (size_t i = 0; i < found->n; i++) {
        const struct kh_issue *it = &found->items[i];

        kh_pack_complain_at(l->c, l->f, line_at + kh_json_where(l->c->a, line, it->pointer),
                            kh_str_z(l->c->a, it->code), it->vi, it->en);
    }
}

/* Shapes that cannot be drawn or asked are refused here, not years later by a map. */
static void check_shape(struct lines *l, size_t line_at, struct kh_str line,
                        const struct kh_json *record)
{
    struct kh_str field = kh_json_str(kh_json_get(l->type, "x-kh"), "geo", KH_S(""));
    const struct kh_json *v = field.n ? kh_json_find(record, field) : NULL;
    struct kh_shape *s = NULL;
    struct kh_error err = {0};

    if (!kh_json_get(v, "type"))
        return; /* absent, or a point {lon, lat} that the schema has checked */
    if (kh_shape_parse(v, &s, &err)) {
        kh_shape_drop(s);
        return;
    }
    kh_pack_complain_at(l->c, l->f,
                        line_at +
                            kh_json_where(l->c->a, line, kh_strf(l->c->a, "/%.*s", KH_FMT(field))),
                        "geometry", KH_S("Hình học không hợp lệ."),
                        kh_strf(l->c->a, "The geometry is not valid: %s.", err.detail));
}

static void check_line(struct lines *l, size_t line_at, struct kh_str line)
{
    kh_auto_arena tmp = kh_arena_new(SIZE_MAX);
    static const struct kh_json_limits limits = {.bytes = 16 << 20, .values = 2000000};
    struct kh_issues found = {0};
    struct kh_error bad = {0};
    struct kh_json *v = NULL;
    struct kh_str key;

    if (!kh_json_parse(tmp, line, &limits, &v, &bad)) {
        kh_pack_complain_at(l->c, l->f, line_at, "json", KH_S("Dòng này không phải JSON hợp lệ."),
                            kh_strf(l->c->a, "This line is not JSON: %s.", bad.detail));
        return;
    }
    if (!kh_schema_check(l->schema, tmp, v, KH_S(""), &found))
        complain_line(l, line_at, line, &found);
    check_shape(l, line_at, line, v);
    key = key_of(l, v);
    if (key.n) {
        l->keys =
            kh_grow(l->c->a, l->keys, l->keys_n, l->keys_n + 1, &l->keys_cap, sizeof(*l->keys));
        l->keys[l->keys_n++] = (struct keyed){key, line_at};
    }
}

static int by_key(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    int r = kh_str_cmp(x->key, y->key);

    return r ? r : (x->offset > y->offset) - (x->offset < y->offset);
}

static void check_keys(struct lines *l)
{
    if (l->keys_n)
        qsort(l->keys, l->keys_n, sizeof(*l->keys), by_key);
    for (size_t i = 1; i < l->keys_n; i++)
        if (kh_str_eq(l->keys[i].key, l->keys[i - 1].key))
            kh_pack_complain_at(l->c, l->f, l->keys[i].offset, "duplicate",
                                KH_S("Một dòng trước đã có khoá này."),
                                KH_S("A line before this one has the same key."));
}

bool kh_pack_check_data(struct kh_pack_check *c, const struct kh_pack_file *f, struct kh_error *err)
{
    const struct kh_pack_file *type = kh_pack_type(c, f->key);
    __attribute__((cleanup(schema_drop))) struct kh_schema *schema = NULL;
    struct lines l = {.c = c, .f = f};
    struct kh_str rest = f->text;
    struct kh_error bad = {0};

    if (!type) {
        kh_pack_complain_at(c, f, 0, "type", KH_S("Không có loại bản ghi mang tên này."),
                            kh_strf(c->a, "There is no type %.*s.", KH_FMT(f->key)));
        return true;
    }
    /* A type that does not compile has been complained about already. */
    if (!type->json || !kh_schema_compile(c->a, type->json, NULL, &schema, &bad))
        return true;
    l.type = type->json;
    l.schema = schema;
    while (rest.n) {
        struct kh_str line = kh_str_cut(rest, '\n', &rest);

        if (kh_str_trim(line).n)
            check_line(&l, (size_t)(line.p - f->text.p), line);
        if (kh_arena_over(c->a))
            return kh_fail(err, KH_EC_ARENA_FULL, "checking %.*s", KH_FMT(f->path));
    }
    check_keys(&l);
    return true;
}
