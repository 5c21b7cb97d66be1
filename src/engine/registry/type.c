/* SPDX-License-Identifier: Apache-2.0 */
/* A schema with its annotations becomes a type; everything wrong with it is said at once. */
#include "engine/registry/type_int.h"

void kh_maker_issue(struct kh_maker *m, struct kh_str pointer, const char *vi, const char *en)
{
    kh_issue_add(m->issues, m->a, pointer, "x-kh", kh_cstr(vi), kh_cstr(en));
}

/* Few names, asked for at every member of every record: FNV-1a over the bytes is enough. */
static size_t name_slot(const struct kh_type *t, struct kh_str name)
{
    uint32_t h = 2166136261U;

    for (size_t i = 0; i < name.n; i++)
        h = (h ^ (unsigned char)name.p[i]) * 16777619U;
    return (h ^ h >> 15) & (t->names_n - 1);
}

static void index_names(struct kh_type *t)
{
    t->names_n = 16;
    while (t->names_n < 2 * t->fields_n)
        t->names_n *= 2;
    t->names = kh_alloc(t->a, t->names_n);
    for (size_t i = 0; i < t->fields_n; i++) {
        size_t at = name_slot(t, t->fields[i].name);

        while (t->names[at])
            at = (at + 1) & (t->names_n - 1);
        t->names[at] = (unsigned char)(i + 1);
    }
}

int kh_type_field(const struct kh_type *t, struct kh_str name)
{
    for (size_t at = name_slot(t, name); t->names[at]; at = (at + 1) & (t->names_n - 1))
        if (kh_str_eq(t->fields[t->names[at] - 1].name, name))
            return t->names[at] - 1;
    return -1;
}

bool kh_type_name_ok(struct kh_str s)
{
    if (s.n == 0 || s.n > KH_NAME_MAX || s.p[0] < 'a' || s.p[0] > 'z')
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && !(s.p[i] >= '0' && s.p[i] <= '9') && s.p[i] != '_')
            return false;
    return true;
}

/* ---- all of it ---- */

static void read_properties(struct kh_maker *m)
{
    struct kh_type *t = m->t;
    const struct kh_json *p = kh_json_get(t->schema, "properties");
    const struct kh_json *required = kh_json_get(t->schema, "required");

    if (!kh_json_is(p, KH_JSON_OBJECT) || p->n == 0 || p->n > KH_FIELDS_MAX) {
        kh_maker_issue(m, KH_S("/properties"), "Loại bản ghi có từ 1 đến 200 trường.",
                       "A record type has 1 to 200 fields.");
        return;
    }
    if (!kh_str_is(kh_json_str(t->schema, "type", KH_S("")), "object"))
        kh_maker_issue(m, KH_S("/type"), "Bản ghi là một đối tượng: \"type\":\"object\".",
                       "A record is an object: \"type\":\"object\".");
    t->fields = kh_new_n(t->a, p->n, struct kh_field);
    t->fields_n = p->n;
    for (size_t i = 0; i < p->n; i++)
        kh_type_read_field(m, &t->fields[i], &p->members[i]);
    index_names(t);
    for (size_t i = 0; i < p->n; i++)
        kh_type_check_deep(m, &p->members[i].value,
                           kh_strf(m->a, "/properties/%.*s", KH_FMT(p->members[i].key)), 0);
    for (size_t i = 0; kh_json_is(required, KH_JSON_ARRAY) && i < required->n; i++) {
        int f = kh_json_is(&required->items[i], KH_JSON_STRING)
                    ? kh_type_field(t, required->items[i].s)
                    : -1;

        if (f >= 0)
            t->fields[f].required = true;
    }
}

static void read_type(struct kh_maker *m)
{
    static const char *const words[] = {
        "key",   "title",  "label",    "label_plural", "sensitivity", "owner",
        "unit",  "state",  "geo",      "process",      "index",       "serial",
        "rules", "access", "validity", "about",        "icon",        "group",
        "order", "help",   "hidden",   "licence",      "publish",     "city_margin_m",
        "found", "names"};
    static const struct kh_json none = {.type = KH_JSON_OBJECT};
    struct kh_type *t = m->t;
    const struct kh_json *level;

    m->kh = kh_json_get(t->schema, "x-kh");
    if (m->kh && m->kh->type != KH_JSON_OBJECT)
        kh_maker_issue(m, KH_S("/x-kh"), "x-kh là một đối tượng.", "x-kh is an object.");
    if (!kh_json_is(m->kh, KH_JSON_OBJECT))
        m->kh = &none;
    kh_maker_words(m, m->kh, words, KH_LEN(words), KH_S("/x-kh"));
    t->root_level = KH_SEE_INTERNAL;
    level = kh_json_get(m->kh, "sensitivity");
    if (level && !(level->type == KH_JSON_STRING && kh_level_parse(level->s, &t->root_level)))
        kh_maker_issue(m, KH_S("/x-kh/sensitivity"),
                       "Mức nhạy cảm là public, internal, personal hoặc sensitive.",
                       "A sensitivity is public, internal, personal or sensitive.");
    t->process = kh_json_str(m->kh, "process", KH_S(""));
    read_properties(m);
    if (t->fields_n == 0)
        return;
    kh_type_read_root(m);
    kh_type_read_access(m);
    for (size_t i = 0; i < t->rules_n; i++)
        if (t->rules[i].holder == KH_HOLD_PUBLIC && t->rules[i].see > t->public_see)
            t->public_see = t->rules[i].see;
}

bool kh_type_make(struct kh_arena *a, struct kh_store *st, struct kh_str name,
                  const struct kh_json *schema, int64_t version, struct kh_str layout,
                  struct kh_type **ret, struct kh_error *err)
{
    struct kh_arena *own = kh_arena_new((size_t)64 << 20);
    struct kh_type *t = kh_new(own, struct kh_type);
    struct kh_issues *issues = kh_new(a, struct kh_issues);
    struct kh_maker m = {.a = a, .t = t, .issues = issues};

    t->a = own;
    t->name = kh_str_dup(own, name);
    t->version = version;
    t->schema = kh_json_dup(own, schema);
    t->unit = t->owner = t->state = t->geo = t->from = t->to = t->serial.field = -1;
    t->key_index = -1;
    atomic_init(&t->due_us, 0);
    atomic_init(&t->building, 0);
    if (!kh_type_name_ok(name))
        kh_maker_issue(
            &m, KH_S(""), "Tên loại bản ghi gồm a-z, 0-9 và _, bắt đầu bằng chữ, dài đến 40.",
            "The name of a type is a-z, 0-9 and _, begins with a letter, at most 40 long.");
    if (!kh_schema_compile(a, t->schema, NULL, &t->valid, err)) {
        kh_type_free(t);
        return false;
    }
    read_type(&m);
    if (issues->n == 0 && !kh_type_make_shape(&m, st, layout, err)) {
        kh_type_free(t);
        return false;
    }
    if (issues->n) {
        kh_type_free(t);
        kh_fail(err, KH_EC_SCHEMA_INVALID, "type %.*s: %.*s: %.*s", KH_FMT(name),
                KH_FMT(issues->items[0].pointer), KH_FMT(issues->items[0].en));
        err->issues = issues;
        return false;
    }
    *ret = t;
    return true;
}

void kh_type_free(struct kh_type *t)
{
    if (!t)
        return;
    kh_schema_drop(t->valid);
    kh_arena_drop(t->a);
}

bool kh_type_check(struct kh_arena *a, struct kh_str name, const struct kh_json *schema,
                   struct kh_issues *issues, struct kh_error *err)
{
    struct kh_error why = {0};
    struct kh_type *t = NULL;

    if (kh_type_make(a, NULL, name, schema, 1, KH_S(""), &t, &why)) {
        kh_type_free(t);
        return true;
    }
    if (why.code != KH_EC_SCHEMA_INVALID || !why.issues) {
        *err = why;
        return false;
    }
    for (size_t i = 0; i < why.issues->n; i++) {
        const struct kh_issue *is = &why.issues->items[i];

        kh_issue_add(issues, a, is->pointer, kh_str_z(a, is->code), is->vi, is->en);
    }
    return true;
}
