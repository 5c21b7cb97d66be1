/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/pack/pack_int.h"

#include "engine/geo/geo.h"
#include "engine/registry/schema/schema.h"

#include <stdlib.h>

struct keyed {
    struct kh_str field, key; /* field: of a unique one; "" is the natural key */
    size_t offset;
};

/* The first key fields of all records of a type that the pack and those below it bring. */
struct there {
    struct kh_str type;
    struct kh_str *codes; /* sorted */
    size_t n, cap;
};

struct lines {
    struct kh_pack_check *c;
    const struct kh_pack_file *f;
    const struct kh_json *type;
    struct kh_schema *schema;
    struct keyed *keys;
    size_t keys_n, keys_cap;
    struct there *there; /* types that records of this file refer to */
    size_t there_n, there_cap;
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

/* ---- keys and references ---- */

static const struct kh_json_limits line_limits = {.bytes = 16 << 20, .values = 2000000};

static void keep_key(struct lines *l, struct kh_str field, struct kh_str key, size_t line_at)
{
    l->keys = kh_grow(l->c->a, l->keys, l->keys_n, l->keys_n + 1, &l->keys_cap, sizeof(*l->keys));
    l->keys[l->keys_n++] = (struct keyed){field, key, line_at};
}

static int by_text(const void *a, const void *b)
{
    return kh_str_cmp(*(const struct kh_str *)a, *(const struct kh_str *)b);
}

static void read_codes(struct lines *l, struct there *t, const struct kh_pack *p,
                       struct kh_str field)
{
    for (size_t i = 0; i < p->n; i++) {
        struct kh_str rest = p->files[i].text;

        if ((p->files[i].kind != KH_PACK_DATA && p->files[i].kind != KH_PACK_DEMO) ||
            !kh_str_eq(p->files[i].key, t->type))
            continue;
        while (rest.n) {
            kh_auto_arena tmp = kh_arena_new(SIZE_MAX);
            struct kh_error bad = {0};
            struct kh_json *v;
            struct kh_str code;

            if (!kh_json_parse(tmp, kh_str_cut(rest, '\n', &rest), &line_limits, &v, &bad))
                continue;
            code = kh_json_is(kh_json_find(v, field), KH_JSON_STRING) ? kh_json_find(v, field)->s
                                                                      : KH_S("");
            t->codes = kh_grow(l->c->a, t->codes, t->n, t->n + 1, &t->cap, sizeof(*t->codes));
            t->codes[t->n++] = kh_str_dup(l->c->a, code);
        }
    }
}

static const struct there *records_of(struct lines *l, struct kh_str type)
{
    const struct kh_pack_file *f = kh_pack_type(l->c, type);
    const struct kh_json *key = kh_json_get(kh_json_get(f ? f->json : NULL, "x-kh"), "key");
    struct there *t;

    for (size_t i = 0; i < l->there_n; i++)
        if (kh_str_eq(l->there[i].type, type))
            return &l->there[i];
    l->there =
        kh_grow(l->c->a, l->there, l->there_n, l->there_n + 1, &l->there_cap, sizeof(*l->there));
    t = &l->there[l->there_n++];
    *t = (struct there){.type = type};
    if (kh_json_is(key, KH_JSON_ARRAY) && key->n)
        key = &key->items[0];
    if (!kh_json_is(key, KH_JSON_STRING))
        return t;
    read_codes(l, t, l->c->p, key->s);
    for (size_t i = 0; i < l->c->deps_n; i++)
        read_codes(l, t, &l->c->deps[i], key->s);
    if (t->n)
        qsort(t->codes, t->n, sizeof(*t->codes), by_text);
    return t;
}

/* A code that no record of the packs has. A type without any record here is the city's to fill. */
static void check_ref(struct lines *l, size_t line_at, struct kh_str line, struct kh_str field,
                      struct kh_str type, struct kh_str value)
{
    const struct there *t = records_of(l, type);

    if (t->n == 0 || bsearch(&value, t->codes, t->n, sizeof(*t->codes), by_text))
        return;
    kh_pack_complain_at(l->c, l->f,
                        line_at +
                            kh_json_where(l->c->a, line, kh_strf(l->c->a, "/%.*s", KH_FMT(field))),
                        "ref", kh_strf(l->c->a, "Không có %.*s nào mang mã này.", KH_FMT(type)),
                        kh_strf(l->c->a, "No %.*s has this code.", KH_FMT(type)));
}

/* What changes over time may have one value twice, one after the other. */
static bool is_dated(const struct lines *l)
{
    const struct kh_json *properties = kh_json_get(l->type, "properties");

    return kh_json_get(kh_json_get(l->type, "x-kh"), "validity") ||
           kh_json_get(properties, "valid_from");
}

static void check_links(struct lines *l, size_t line_at, struct kh_str line,
                        const struct kh_json *record)
{
    const struct kh_json *properties = kh_json_get(l->type, "properties");
    const struct kh_json *key = kh_json_get(kh_json_get(l->type, "x-kh"), "key");

    for (uint32_t i = 0; kh_json_is(properties, KH_JSON_OBJECT) && i < properties->n; i++) {
        struct kh_str name = properties->members[i].key;
        const struct kh_json *field = kh_json_get(&properties->members[i].value, "x-kh");
        const struct kh_json *v = kh_json_find(record, name);
        struct kh_str ref = kh_json_str(field, "ref", KH_S(""));
        struct kh_buf b = kh_buf(l->c->a, 1 << 16);

        if (!v || v->type == KH_JSON_NULL)
            continue;
        if (ref.n && v->type == KH_JSON_STRING)
            check_ref(l, line_at, line, name, ref, v->s);
        for (uint32_t k = 0; ref.n && v->type == KH_JSON_ARRAY && k < v->n; k++)
            if (v->items[k].type == KH_JSON_STRING)
                check_ref(l, line_at, line, name, ref, v->items[k].s);
        if (!kh_json_bool(field, "unique", false) || is_dated(l) ||
            (kh_json_is(key, KH_JSON_STRING) && kh_str_eq(key->s, name)))
            continue;
        kh_json_canon(&b, v);
        keep_key(l, name, kh_buf_get(&b), line_at);
    }
}

static void check_line(struct lines *l, size_t line_at, struct kh_str line)
{
    kh_auto_arena tmp = kh_arena_new(SIZE_MAX);
    struct kh_issues found = {0};
    struct kh_error bad = {0};
    struct kh_json *v = NULL;
    struct kh_str key;

    if (!kh_json_parse(tmp, line, &line_limits, &v, &bad)) {
        const char *at = strstr(bad.detail, " at byte ");

        kh_pack_complain_at(l->c, l->f, line_at + (at ? strtoul(at + 9, NULL, 10) : 0), "json",
                            KH_S("Dòng này không phải JSON hợp lệ."),
                            kh_strf(l->c->a, "This line is not JSON: %.*s.",
                                    at ? (int)(at - bad.detail) : (int)strlen(bad.detail),
                                    bad.detail));
        return;
    }
    if (!kh_schema_check(l->schema, tmp, v, KH_S(""), &found))
        complain_line(l, line_at, line, &found);
    check_shape(l, line_at, line, v);
    key = key_of(l, v);
    if (key.n)
        keep_key(l, KH_S(""), key, line_at);
    check_links(l, line_at, line, v);
}

static int by_key(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    int f = kh_str_cmp(x->field, y->field), r = f ? f : kh_str_cmp(x->key, y->key);

    return r ? r : (x->offset > y->offset) - (x->offset < y->offset);
}

static void check_keys(struct lines *l)
{
    if (l->keys_n)
        qsort(l->keys, l->keys_n, sizeof(*l->keys), by_key);
    for (size_t i = 1; i < l->keys_n; i++)
        if (kh_str_eq(l->keys[i].field, l->keys[i - 1].field) &&
            kh_str_eq(l->keys[i].key, l->keys[i - 1].key))
            kh_pack_complain_at(l->c, l->f, l->keys[i].offset, "duplicate",
                                kh_strf(l->c->a, "Một dòng trước đã có khoá này%s%.*s.",
                                        l->keys[i].field.n ? ": " : "", KH_FMT(l->keys[i].field)),
                                kh_strf(l->c->a, "A line before this one has the same key%s%.*s.",
                                        l->keys[i].field.n ? ": " : "", KH_FMT(l->keys[i].field)));
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
