/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/registry/schema/program.h"

/* OpenAPI 3.1 speaks this very dialect, so a schema goes over as it stands. Only what would mean
 * something else in another document is changed. */

struct target_place {
    struct kh_arena *a;
    struct kh_str id; /* $id of the schema, p NULL if it has none */
    struct kh_str at;
};

/* "#/$defs/x" and "<$id>#/$defs/x" to the place where the schema will stand. */
static const struct kh_json *moved(const struct target_place *t, const struct kh_json *ref)
{
    struct kh_str s = ref->s;

    if (t->id.n && kh_str_starts(s, t->id) && (s.n == t->id.n || s.p[t->id.n] == '#'))
        s = kh_str_skip(s, t->id.n);
    if (s.n && (s.p[0] != '#' || (s.n > 1 && s.p[1] != '/')))
        return ref; /* elsewhere, or an anchor */
    return kh_json_new_str(t->a,
                           kh_strf(t->a, "%.*s%.*s", KH_FMT(t->at), KH_FMT(kh_str_skip(s, 1))));
}

static void title(struct kh_arena *a, struct kh_json *out, const struct kh_json *from,
                  const char *ours, const char *theirs)
{
    const struct kh_json *label = kh_json_get(kh_json_get(from, "x-kh"), ours);
    struct kh_str text = kh_json_str(label, "en", kh_json_str(label, "vi", KH_S("")));

    if (text.n && !kh_json_get(from, theirs))
        kh_json_set(a, out, kh_cstr(theirs), kh_json_new_str(a, text));
}

static struct kh_json *schema_of(const struct target_place *t, const struct kh_json *v);

static const struct kh_json *value_of(const struct target_place *t, struct kh_str keyword,
                                      const struct kh_json *v)
{
    enum place_kind kind = kh_schema_place(keyword);
    struct kh_json *out;

    if (kind == PLACE_SCHEMA)
        return schema_of(t, v);
    if (kind == PLACE_LIST && v->type == KH_JSON_ARRAY) {
        out = kh_json_new(t->a, KH_JSON_ARRAY);
        for (uint32_t i = 0; i < v->n; i++)
            kh_json_push(t->a, out, schema_of(t, &v->items[i]));
        return out;
    }
    if (kind == PLACE_MAP && v->type == KH_JSON_OBJECT) {
        out = kh_json_new(t->a, KH_JSON_OBJECT);
        for (uint32_t i = 0; i < v->n; i++)
            kh_json_set(t->a, out, v->members[i].key, schema_of(t, &v->members[i].value));
        return out;
    }
    if (v->type == KH_JSON_STRING && kh_str_is(keyword, "$ref"))
        return moved(t, v);
    return v;
}

static struct kh_json *schema_of(const struct target_place *t, const struct kh_json *v)
{
    static const char *const ours[] = {"x-kh", "$schema", "$id"};
    struct kh_json *out = kh_json_new(t->a, v->type);

    if (v->type != KH_JSON_OBJECT) {
        *out = *v;
        return out;
    }
    for (uint32_t i = 0; i < v->n; i++) {
        bool drop = false;

        for (size_t k = 0; k < KH_LEN(ours); k++)
            drop |= kh_str_is(v->members[i].key, ours[k]);
        if (!drop)
            kh_json_set(t->a, out, v->members[i].key,
                        value_of(t, v->members[i].key, &v->members[i].value));
    }
    title(t->a, out, v, "label", "title");
    title(t->a, out, v, "help", "description");
    return out;
}

struct kh_json *kh_schema_openapi(struct kh_arena *a, const struct kh_json *schema,
                                  struct kh_str at)
{
    const struct target_place t = {a, kh_json_str(schema, "$id", kh_str(NULL, 0)), at};

    return schema_of(&t, schema);
}
