/* SPDX-License-Identifier: Apache-2.0 */
/* The shapes that operations refer to: those of routes, and two for each record type. */
#include "api/openapi_int.h"

#include "engine/registry/schema/schema.h"

void kh_openapi_use(struct kh_openapi *d, struct kh_str name)
{
    struct kh_str s;

    for (size_t i = 0; i < KH_SHAPES_MAX && (s = kh_openapi_shape_name(i)).n; i++)
        d->used[i] |= kh_str_eq(s, name);
}

/* {"$ref":"Label"} of a shape becomes a pointer, and Label is used. */
static void point(struct kh_openapi *d, struct kh_json *v)
{
    for (uint32_t i = 0; v->type == KH_JSON_ARRAY && i < v->n; i++)
        point(d, &v->items[i]);
    for (uint32_t i = 0; v->type == KH_JSON_OBJECT && i < v->n; i++) {
        struct kh_json *x = &v->members[i].value;

        if (kh_str_is(v->members[i].key, "$ref") && x->type == KH_JSON_STRING) {
            kh_openapi_use(d, x->s);
            x->s = kh_strf(d->a, KH_COMPONENT "%.*s", KH_FMT(x->s));
        } else {
            point(d, x);
        }
    }
}

/* Every shape that is used; writing one may bring in others. */
static void put_shapes(struct kh_openapi *d)
{
    bool written[KH_SHAPES_MAX] = {false}, more;
    struct kh_str name;

    kh_openapi_use(d, KH_S("Problem"));
    kh_openapi_use(d, KH_S("RecordMeta"));
    do {
        more = false;
        for (size_t i = 0; i < KH_SHAPES_MAX && (name = kh_openapi_shape_name(i)).n; i++) {
            struct kh_error err = {0};
            struct kh_json *v = NULL;

            if (!d->used[i] || written[i])
                continue;
            KH_REQUIRE(kh_json_parse(d->a, kh_openapi_shape(name), NULL, &v, &err));
            point(d, v);
            kh_jw_keys(&d->w, name);
            kh_jw_json(&d->w, v);
            written[i] = more = true;
        }
    } while (more);
}

/* What is sent: the fields. What comes back: fields, id and meta; some may be hidden. */
static void put_type(struct kh_openapi *d, const struct kh_openapi_type *t)
{
    static const char *const strict[] = {"required", "additionalProperties",
                                         "unevaluatedProperties", "minProperties"};
    struct kh_str name = kh_strf(d->a, "%.*s.record", KH_FMT(t->name)), at;
    struct kh_json *sent, *back, *fields, *ref, *id;

    at = kh_strf(d->a, KH_COMPONENT "%.*s", KH_FMT(t->name));
    sent = kh_schema_openapi(d->a, t->schema, at);
    kh_jw_keys(&d->w, t->name);
    kh_jw_json(&d->w, sent);

    back = kh_schema_openapi(d->a, t->schema, kh_strf(d->a, KH_COMPONENT "%.*s", KH_FMT(name)));
    if (back->type == KH_JSON_OBJECT) {
        const struct kh_json *own = kh_json_get(back, "properties");

        fields = own ? kh_json_dup(d->a, own) : kh_json_new(d->a, KH_JSON_OBJECT);
        for (size_t i = 0; i < KH_LEN(strict); i++)
            kh_json_unset(back, kh_cstr(strict[i]));
        ref = kh_json_new(d->a, KH_JSON_OBJECT);
        id = kh_json_new(d->a, KH_JSON_OBJECT);
        kh_json_set(d->a, id, KH_S("type"), kh_json_new_str(d->a, KH_S("string")));
        kh_json_set(d->a, ref, KH_S("$ref"),
                    kh_json_new_str(d->a, KH_S(KH_COMPONENT "RecordMeta")));
        kh_json_set(d->a, fields, KH_S("id"), id);
        kh_json_set(d->a, fields, KH_S("meta"), ref);
        kh_json_set(d->a, back, KH_S("properties"), fields);
    }
    kh_jw_keys(&d->w, name);
    kh_jw_json(&d->w, back);

    kh_jw_keys(&d->w, kh_strf(d->a, "%.*s.list", KH_FMT(t->name)));
    kh_jw_raw(&d->w,
              kh_strf(d->a,
                      "{\"type\":\"object\",\"required\":[\"items\"],\"properties\":{\"items\":{"
                      "\"type\":\"array\",\"items\":{\"$ref\":\"" KH_COMPONENT "%.*s\"}},"
                      "\"next\":{\"type\":\"string\"}}}",
                      KH_FMT(name)));
}

static const char fixed_components[] =
    "{\"Problem\":{\"description\":\"RFC 9457 problem details\",\"content\":{"
    "\"application/problem+json\":{\"schema\":{\"$ref\":\"" KH_COMPONENT "Problem\"}}}}}";

static const char fixed_parameters[] =
    "{\"IdempotencyKey\":{\"name\":\"Idempotency-Key\",\"in\":\"header\",\"description\":"
    "\"The same key again within 24 hours gives the same answer\",\"schema\":{\"type\":\"string\"}},"
    "\"IfMatch\":{\"name\":\"If-Match\",\"in\":\"header\",\"description\":"
    "\"ETag of the revision that is to be changed\",\"schema\":{\"type\":\"string\"}},"
    "\"Purpose\":{\"name\":\"X-Purpose\",\"in\":\"header\",\"description\":"
    "\"Why personal data is read; kept with the access\",\"schema\":{\"type\":\"string\"}},"
    "\"Reason\":{\"name\":\"X-Reason\",\"in\":\"header\",\"description\":"
    "\"Why the record is changed; kept with the revision\",\"schema\":{\"type\":\"string\"}}}";

static const char fixed_headers[] =
    "{\"ETag\":{\"description\":\"Names this revision, for If-Match\",\"schema\":{\"type\":"
    "\"string\"}},\"Location\":{\"description\":\"Where the record is\",\"schema\":{\"type\":"
    "\"string\"}}}";

static const char fixed_security[] =
    "{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\",\"description\":"
    "\"token of POST /api/v1/session\"},\"cookie\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":"
    "\"khue_session\",\"description\":\"Browsers; a writing request also sends X-CSRF-Token\"},"
    "\"key\":{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"X-API-Key\",\"description\":"
    "\"Machines\"}}";

void kh_openapi_components(struct kh_openapi *d, const struct kh_openapi_type *types,
                           size_t types_n)
{
    kh_jw_key(&d->w, "components");
    kh_jw_obj(&d->w);
    kh_jw_key(&d->w, "schemas");
    kh_jw_obj(&d->w);
    put_shapes(d);
    for (size_t i = 0; i < types_n; i++)
        put_type(d, &types[i]);
    kh_jw_end(&d->w);
    kh_jw_key(&d->w, "responses");
    kh_jw_raw(&d->w, kh_cstr(fixed_components));
    kh_jw_key(&d->w, "parameters");
    kh_jw_raw(&d->w, kh_cstr(fixed_parameters));
    kh_jw_key(&d->w, "headers");
    kh_jw_raw(&d->w, kh_cstr(fixed_headers));
    kh_jw_key(&d->w, "securitySchemes");
    kh_jw_raw(&d->w, kh_cstr(fixed_security));
    kh_jw_end(&d->w);
}
