/* SPDX-License-Identifier: Apache-2.0 */
#include "base/id.h"
#include "base/time.h"
#include "engine/print/print_int.h"
#include "store/print/print_sql.h"

enum { RECORD_MAX = 1 << 20 };

bool kh_print_put(struct kh_tx *tx, struct kh_arena *a, struct kh_str pack, struct kh_str name,
                  const struct kh_json *definition, struct kh_error *err)
{
    return kh_print_sql_put(tx, kh_strf(a, "%.*s/%.*s", KH_FMT(pack), KH_FMT(name)), pack,
                            kh_json_str(definition, "type", KH_S("")), kh_json_text(a, definition),
                            err);
}

/* ---- what a paper is drawn from ---- */

/* A record as JSON, with what is above a level left out. */
static bool seen_as(struct kh_arena *a, const struct kh_record *r, enum kh_level_of see,
                    struct kh_json **ret, struct kh_error *err)
{
    struct kh_buf b = kh_buf(a, 2 * RECORD_MAX);

    kh_record_render_at(r, see, &b);
    return kh_json_parse(a, kh_buf_get(&b), NULL, ret, err);
}

/* A reference is the key of a type that has a single one, else an id. */
static enum kh_hit referred(struct kh_tx *tx, const struct kh_registry *reg, struct kh_arena *a,
                            const struct kh_type *t, struct kh_str value, struct kh_record *ret,
                            struct kh_error *err)
{
    const struct kh_json *key = kh_json_get(kh_json_get(kh_type_schema(t), "x-kh"), "key");
    int64_t id;

    if (kh_json_is(key, KH_JSON_STRING))
        return kh_record_find(tx, reg, a, t, value, 0, ret, err);
    return kh_id_parse(value, &id) ? kh_record_get(tx, reg, a, t, id, 0, 0, ret, err) : KH_MISS;
}

/* The records that fields with a reference name: what is public and internal of them. */
static bool references(struct kh_tx *tx, const struct kh_registry *reg, struct kh_arena *a,
                       const struct kh_type *t, const struct kh_json *fields, struct kh_json *of,
                       struct kh_error *err)
{
    const struct kh_json *properties = kh_json_get(kh_type_schema(t), "properties");

    for (uint32_t i = 0; kh_json_is(properties, KH_JSON_OBJECT) && i < properties->n; i++) {
        const struct kh_json_member *m = &properties->members[i];
        const struct kh_type *target =
            kh_type_find(reg, kh_json_str(kh_json_get(&m->value, "x-kh"), "ref", KH_S("")));
        const struct kh_json *v = target ? kh_json_find(fields, m->key) : NULL;
        struct kh_record r;
        struct kh_json *there;
        enum kh_hit hit;

        if (!kh_json_is(v, KH_JSON_STRING))
            continue;
        hit = referred(tx, reg, a, target, v->s, &r, err);
        if (hit == KH_FAIL || (hit == KH_HIT && !seen_as(a, &r, KH_SEE_INTERNAL, &there, err)))
            return false;
        if (hit == KH_HIT)
            kh_json_set(a, of, m->key, there);
    }
    return true;
}

static struct kh_json *feel_now(struct kh_arena *a)
{
    struct kh_json *o = kh_json_new(a, KH_JSON_OBJECT);

    kh_json_set(a, o, KH_S("@feel"), kh_json_new_str(a, KH_S("date and time")));
    kh_json_set(a, o, KH_S("value"), kh_json_new_str(a, kh_time_text(a, kh_now_us())));
    return o;
}

bool kh_print_view(struct kh_tx *tx, const struct kh_registry *reg, struct kh_arena *a,
                   const struct kh_record *r, enum kh_level_of see, struct kh_print_view *ret,
                   struct kh_error *err)
{
    struct kh_json *context = kh_json_new(a, KH_JSON_OBJECT), *of = kh_json_new(a, KH_JSON_OBJECT);
    struct kh_json *fields;

    if (!seen_as(a, r, see, &fields, err) || !references(tx, reg, a, r->type, fields, of, err))
        return false;
    kh_json_set(a, context, KH_S("case"), fields);
    kh_json_set(a, context, KH_S("of"), of);
    kh_json_set(a, context, KH_S("now"), feel_now(a));
    *ret = (struct kh_print_view){.type = kh_type_name(r->type), .context = context};
    return true;
}

/* ---- which there are ---- */

static enum kh_level_of level_of(const struct kh_json *definition)
{
    static const char *const names[] = {"public", "internal", "personal", "sensitive"};
    struct kh_str see = kh_json_str(definition, "see", KH_S("personal"));

    for (int i = KH_SEE_PUBLIC; i <= KH_SEE_SENSITIVE; i++)
        if (kh_str_is(see, names[i]))
            return (enum kh_level_of)i;
    return KH_SEE_PERSONAL;
}

static bool exists_for(struct kh_arena *a, const struct kh_print_view *v,
                       const struct kh_json *definition)
{
    struct kh_str when = kh_json_str(definition, "when", KH_S(""));
    struct kh_fill f = {.a = a, .names = kh_json_dup(a, v->context)};

    return !when.n || kh_fill_value(&f, when)->type == KH_JSON_TRUE;
}

bool kh_print_list(struct kh_tx *tx, struct kh_arena *a, const struct kh_print_view *v,
                   struct kh_print **ret, size_t *ret_n, struct kh_error *err)
{
    struct kh_print_row *rows;
    size_t n;

    *ret_n = 0;
    if (!kh_print_sql_list(tx, a, v->type, &rows, &n, err))
        return false;
    *ret = kh_new_n(a, n + 1, struct kh_print);
    for (size_t i = 0; i < n; i++) {
        const struct kh_json *title;
        struct kh_json *d;

        if (!kh_json_parse(a, rows[i].definition, NULL, &d, err))
            return false;
        if (!exists_for(a, v, d))
            continue;
        title = kh_json_get(d, "title");
        (*ret)[(*ret_n)++] = (struct kh_print){
            .key = rows[i].key,
            .title_vi = kh_json_str(title, "vi", rows[i].key),
            .title_en = kh_json_str(title, "en", rows[i].key),
            .see = level_of(d),
            .definition = d,
        };
    }
    return !kh_arena_over(a) || kh_fail(err, KH_EC_ARENA_FULL, "the papers of a record");
}
