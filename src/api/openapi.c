/* SPDX-License-Identifier: Apache-2.0 */
#include "api/openapi.h"

#include "api/city.h"
#include "api/routes.h"
#include "base/hash.h"
#include "engine/registry/registry.h"
#include "engine/registry/schema/schema.h"

#include <stdlib.h>

enum { DOCUMENT_MAX = 32 << 20, SHAPES_MAX = 256 };

#define COMPONENT "#/components/schemas/"

/** One operation: a route, for one type if its path has {type} behind /records. */
struct operation {
    struct kh_str path;
    const struct kh_route *route;
    const struct kh_openapi_type *type;
};

struct writer {
    struct kh_arena *a;
    struct kh_jw w;
    struct operation *ops;
    size_t n, cap;
    struct kh_str *tags, *ids;
    size_t tags_n, tags_cap, ids_n, ids_cap;
    bool used[SHAPES_MAX]; /* shapes that something refers to */
};

static const char *const methods[KH_METHODS] = {"get",   "head",   "post",   "put",
                                                "patch", "delete", "options"};

/* ---- what a route takes and gives ---- */

/** Shapes of the operations on records, which have no name of their own: %T is the type. */
static const struct {
    const char *name, *request, *response;
    int status;
} record_shapes[] = {
    {"record_list", NULL, "%T.list", 200},
    {"record_create", "%T", "%T.record", 201},
    {"record_read", NULL, "%T.record", 200},
    {"record_change", "MergePatch", "%T.record", 200},
    {"record_replace", "%T", "%T.record", 200},
    {"record_close", NULL, NULL, 204},
    {"record_correct", "Correction", "%T.record", 200},
    {"record_history", NULL, "History", 200},
    {"record_timeline", NULL, "Timeline", 200},
    {"record_import", NULL, "ImportReport", 200},
    {"type_list", NULL, "TypeList", 200},
    {"type_read", NULL, "Type", 200},
    {"access_list", NULL, "AccessList", 200},
};

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);

    return n >= m && strcmp(name + n - m, end) == 0;
}

/* Status of success, and the names of the shapes (p NULL for none). */
static int shapes_of(struct writer *d, const struct operation *op, struct kh_str *ret_request,
                     struct kh_str *ret_response)
{
    const struct kh_route *r = op->route;
    const char *request = r->request, *response = r->response;
    int status = 0;

    for (size_t i = 0; i < KH_LEN(record_shapes); i++)
        if (strcmp(r->name, record_shapes[i].name) == 0) {
            request = request ? request : record_shapes[i].request;
            response = response ? response : record_shapes[i].response;
            status = record_shapes[i].status;
        }
    if (status == 0 && r->method == KH_POST && response &&
        (ends_with(r->name, "_create") || ends_with(r->name, "_open") ||
         ends_with(r->name, "_start") || ends_with(r->name, "_manage")))
        status = 201;
    else if (status == 0)
        status = response || r->method == KH_GET ? 200 : 204;
    *ret_request = kh_cstr(request);
    *ret_response = kh_cstr(response);
    if (op->type && request && strncmp(request, "%T", 2) == 0)
        *ret_request = kh_strf(d->a, "%.*s%s", KH_FMT(op->type->name), request + 2);
    if (op->type && response && strncmp(response, "%T", 2) == 0)
        *ret_response = kh_strf(d->a, "%.*s%s", KH_FMT(op->type->name), response + 2);
    return status;
}

/* ---- gathering ---- */

static void add_operation(struct writer *d, struct kh_str path, const struct kh_route *r,
                          const struct kh_openapi_type *type)
{
    d->ops = kh_grow(d->a, d->ops, d->n, d->n + 1, &d->cap, sizeof(*d->ops));
    d->ops[d->n++] = (struct operation){path, r, type};
}

static void gather(struct writer *d, const struct kh_route *const *tables,
                   const struct kh_openapi_type *types, size_t types_n)
{
    static const char before[] = "/api/v1/records/{type}";

    for (; *tables; tables++)
        for (const struct kh_route *r = *tables; r->handler; r++) {
            if (r->method == KH_HEAD || r->method == KH_OPTIONS)
                continue;
            if (strncmp(r->path, before, sizeof(before) - 1) != 0) {
                add_operation(d, kh_cstr(r->path), r, NULL);
                continue;
            }
            for (size_t i = 0; i < types_n; i++)
                add_operation(d,
                              kh_strf(d->a, "/api/v1/records/%.*s%s", KH_FMT(types[i].name),
                                      r->path + sizeof(before) - 1),
                              r, &types[i]);
        }
}

static int by_path(const void *a, const void *b)
{
    const struct operation *x = a, *y = b;
    int r = kh_str_cmp(x->path, y->path);

    return r ? r : (int)x->route->method - (int)y->route->method;
}

/* Segment behind the prefix: what the operation is about. */
static struct kh_str tag_of(const struct operation *op)
{
    struct kh_str rest = op->path, part;

    if (kh_str_starts(rest, KH_S("/api/v1/")))
        rest = kh_str_skip(rest, 8);
    else
        rest = kh_str_skip(rest, 1);
    part = kh_str_cut(rest, '/', &rest);
    if (op->type)
        return op->type->name;
    return kh_str_is(part, "healthz") || kh_str_is(part, "readyz") || kh_str_is(part, "metrics")
               ? KH_S("health")
               : part;
}

static void note_tag(struct writer *d, struct kh_str tag)
{
    for (size_t i = 0; i < d->tags_n; i++)
        if (kh_str_eq(d->tags[i], tag))
            return;
    d->tags = kh_grow(d->a, d->tags, d->tags_n, d->tags_n + 1, &d->tags_cap, sizeof(*d->tags));
    d->tags[d->tags_n++] = tag;
}

/* ---- parameters ---- */

/* Query parameters that mean the same everywhere. */
static const struct {
    const char *name, *schema, *about;
} known_args[] = {
    {"after", "{\"type\":\"string\"}", "Cursor: `next` of the page before"},
    {"at", "{\"type\":\"string\"}", "As it was known at this date or instant"},
    {"bbox", "{\"type\":\"string\"}", "minlon,minlat,maxlon,maxlat"},
    {"date", "{\"type\":\"string\",\"format\":\"date\"}", "As of this day; today if absent"},
    {"dry_run", "{\"type\":\"boolean\"}", "Check everything and change nothing"},
    {"due_before", "{\"type\":\"string\"}", "Due before this date or instant"},
    {"format", "{\"enum\":[\"json\",\"geojson\",\"csv\",\"ndjson\"]}", "How the reply is written"},
    {"from", "{\"type\":\"string\"}", "First date"},
    {"lat", "{\"type\":\"number\",\"minimum\":-90,\"maximum\":90}", "Latitude, WGS 84"},
    {"limit", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000}", "Items on a page"},
    {"lon", "{\"type\":\"number\",\"minimum\":-180,\"maximum\":180}", "Longitude, WGS 84"},
    {"mine", "{\"type\":\"boolean\"}", "Only what I have taken"},
    {"near", "{\"type\":\"string\"}", "lon,lat,metres"},
    {"q", "{\"type\":\"string\"}", "Words, in any spelling"},
    {"reason", "{\"type\":\"string\"}", "Why; also as header X-Reason"},
    {"sort", "{\"type\":\"string\"}", "A field, or -field for the reverse"},
    {"to", "{\"type\":\"string\"}", "Last date"},
    {"unit", "{\"type\":\"string\"}", "Code of the unit in charge"},
    {"valid", "{\"type\":\"string\"}", "As it was true at this date or instant"},
    {"valid_from", "{\"type\":\"string\"}", "True from this date or instant on; now if absent"},
    {"valid_to", "{\"type\":\"string\"}", "True until this date or instant"},
    {"within", "{\"type\":\"string\"}", "Code of an administrative unit"},
};

static void put_query(struct writer *d, struct kh_str name, const char *schema, const char *about)
{
    kh_jw_obj(&d->w);
    kh_jw_kstr(&d->w, "name", name);
    kh_jw_kz(&d->w, "in", "query");
    if (about)
        kh_jw_kz(&d->w, "description", about);
    kh_jw_key(&d->w, "schema");
    kh_jw_raw(&d->w, kh_cstr(schema));
    kh_jw_end(&d->w);
}

static void put_arg(struct writer *d, struct kh_str name)
{
    for (size_t i = 0; i < KH_LEN(known_args); i++)
        if (kh_str_is(name, known_args[i].name)) {
            put_query(d, name, known_args[i].schema, known_args[i].about);
            return;
        }
    put_query(d, name, "{\"type\":\"string\"}", NULL);
}

static void put_path_args(struct writer *d, struct kh_str path)
{
    while (path.n) {
        struct kh_str rest, name;

        (void)kh_str_cut(path, '{', &rest);
        if (!rest.n)
            return;
        name = kh_str_cut(rest, '}', &path);
        kh_jw_obj(&d->w);
        kh_jw_kstr(&d->w, "name", name);
        kh_jw_kz(&d->w, "in", "path");
        kh_jw_kbool(&d->w, "required", true);
        kh_jw_key(&d->w, "schema");
        kh_jw_raw(&d->w, KH_S("{\"type\":\"string\"}"));
        kh_jw_end(&d->w);
    }
}

static bool is_true(const struct kh_json *v)
{
    return v && v->type != KH_JSON_FALSE && v->type != KH_JSON_NULL;
}

/* Fields with an index can be asked for, those with an order by range too. */
static void put_filters(struct writer *d, const struct kh_json *schema)
{
    static const char *const ranges[] = {"lt", "lte", "gt", "gte"};
    const struct kh_json *fields = kh_json_get(schema, "properties");

    for (uint32_t i = 0; kh_json_is(fields, KH_JSON_OBJECT) && i < fields->n; i++) {
        const struct kh_json *f = &fields->members[i].value, *kh = kh_json_get(f, "x-kh");
        struct kh_str name = fields->members[i].key, type = kh_json_str(f, "type", KH_S(""));
        bool ordered = kh_str_is(type, "integer") || kh_str_is(type, "number") ||
                       kh_str_starts(kh_json_str(f, "format", KH_S("")), KH_S("date"));

        if (!is_true(kh_json_get(kh, "index")) && !is_true(kh_json_get(kh, "unique")) &&
            !kh_json_get(kh, "ref"))
            continue;
        put_query(d, name, "{\"type\":\"string\"}", "Equal to");
        put_query(d, kh_strf(d->a, "%.*s.in", KH_FMT(name)), "{\"type\":\"string\"}",
                  "One of, parted by commas");
        for (size_t k = 0; ordered && k < KH_LEN(ranges); k++)
            put_query(d, kh_strf(d->a, "%.*s.%s", KH_FMT(name), ranges[k]), "{\"type\":\"string\"}",
                      NULL);
    }
}

static void put_parameter_ref(struct writer *d, const char *name)
{
    kh_jw_obj(&d->w);
    kh_jw_kstr(&d->w, "$ref", kh_strf(d->a, "#/components/parameters/%s", name));
    kh_jw_end(&d->w);
}

static void put_parameters(struct writer *d, const struct operation *op)
{
    const struct kh_route *r = op->route;
    struct kh_str rest, args = kh_cstr(r->args);
    bool changes = r->method == KH_PUT || r->method == KH_PATCH || r->method == KH_DELETE;

    kh_jw_key(&d->w, "parameters");
    kh_jw_arr(&d->w);
    put_path_args(d, op->path);
    for (; args.n; args = rest)
        put_arg(d, kh_str_cut(args, ',', &rest));
    if (op->type && (r->flags & KH_R_OPEN_ARGS))
        put_filters(d, op->type->schema);
    if (r->method == KH_POST)
        put_parameter_ref(d, "IdempotencyKey");
    if (op->type && changes)
        put_parameter_ref(d, "IfMatch");
    if (op->type && (changes || r->method == KH_POST))
        put_parameter_ref(d, "Reason");
    if (op->type && r->method == KH_GET)
        put_parameter_ref(d, "Purpose");
    kh_jw_end(&d->w);
}

/* ---- bodies ---- */

static void use_shape(struct writer *d, struct kh_str name)
{
    struct kh_str s;

    for (size_t i = 0; i < SHAPES_MAX && (s = kh_openapi_shape_name(i)).n; i++)
        d->used[i] |= kh_str_eq(s, name);
}

static void put_schema_ref(struct writer *d, struct kh_str name)
{
    use_shape(d, name);
    kh_jw_obj(&d->w);
    kh_jw_kstr(&d->w, "$ref", kh_strf(d->a, COMPONENT "%.*s", KH_FMT(name)));
    kh_jw_end(&d->w);
}

static void put_media(struct writer *d, const char *type, struct kh_str shape)
{
    kh_jw_key(&d->w, type);
    kh_jw_obj(&d->w);
    if (shape.n) {
        kh_jw_key(&d->w, "schema");
        put_schema_ref(d, shape);
    }
    kh_jw_end(&d->w);
}

static void put_request(struct writer *d, const struct operation *op, struct kh_str shape)
{
    const struct kh_route *r = op->route;

    if (!(r->flags & (KH_R_JSON | KH_R_ANY_BODY)))
        return;
    kh_jw_key(&d->w, "requestBody");
    kh_jw_obj(&d->w);
    kh_jw_kbool(&d->w, "required", !(r->flags & KH_R_OPTIONAL_BODY));
    kh_jw_key(&d->w, "content");
    kh_jw_obj(&d->w);
    if (r->flags & KH_R_JSON) {
        put_media(d, "application/json", shape);
        if (kh_str_is(shape, "MergePatch"))
            put_media(d, "application/merge-patch+json", shape);
    } else {
        put_media(d, "*/*", shape);
    }
    kh_jw_end(&d->w);
    kh_jw_end(&d->w);
}

static void put_errors(struct writer *d, const struct operation *op)
{
    const struct kh_route *r = op->route;
    const struct {
        const char *status;
        bool may;
    } rows[] = {
        {"400", true},
        {"401", !(r->flags & KH_R_PUBLIC)},
        {"403", !(r->flags & KH_R_PUBLIC) || op->type},
        {"404", strchr(r->path, '{') != NULL},
        {"409", r->method == KH_POST || r->method == KH_PUT || r->method == KH_PATCH},
        {"412",
         op->type && (r->method == KH_PUT || r->method == KH_PATCH || r->method == KH_DELETE)},
        {"413", (r->flags & (KH_R_JSON | KH_R_ANY_BODY)) != 0},
        {"415", (r->flags & (KH_R_JSON | KH_R_ANY_BODY)) != 0},
        {"422", (r->flags & (KH_R_JSON | KH_R_ANY_BODY)) != 0},
        {"default", true},
    };

    for (size_t i = 0; i < KH_LEN(rows); i++) {
        if (!rows[i].may)
            continue;
        kh_jw_key(&d->w, rows[i].status);
        kh_jw_obj(&d->w);
        kh_jw_kz(&d->w, "$ref", "#/components/responses/Problem");
        kh_jw_end(&d->w);
    }
}

static void put_responses(struct writer *d, const struct operation *op, int status,
                          struct kh_str shape)
{
    bool one = op->type && ends_with(shape.p ? kh_str_z(d->a, shape) : "", ".record");

    kh_jw_key(&d->w, "responses");
    kh_jw_obj(&d->w);
    kh_jw_keys(&d->w, kh_strf(d->a, "%d", status));
    kh_jw_obj(&d->w);
    kh_jw_kz(&d->w, "description", status == 201 ? "Made" : status == 204 ? "Done" : "The answer");
    if (one) {
        kh_jw_key(&d->w, "headers");
        kh_jw_raw(&d->w, status == 201
                             ? KH_S("{\"ETag\":{\"$ref\":\"#/components/headers/ETag\"},"
                                    "\"Location\":{\"$ref\":\"#/components/headers/Location\"}}")
                             : KH_S("{\"ETag\":{\"$ref\":\"#/components/headers/ETag\"}}"));
    }
    if (status != 204) {
        kh_jw_key(&d->w, "content");
        kh_jw_obj(&d->w);
        put_media(d, shape.n ? "application/json" : "*/*", shape);
        if (strcmp(op->route->name, "record_list") == 0) {
            put_media(d, "application/geo+json", KH_S("FeatureCollection"));
            put_media(d, "text/csv", KH_S(""));
            put_media(d, "application/x-ndjson", KH_S(""));
        }
        if (strcmp(op->route->name, "event_list") == 0)
            put_media(d, "text/event-stream", KH_S(""));
        kh_jw_end(&d->w);
    }
    kh_jw_end(&d->w);
    put_errors(d, op);
    kh_jw_end(&d->w);
}

/* ---- operations ---- */

static struct kh_str label_of(const struct operation *op)
{
    const struct kh_json *label =
        op->type ? kh_json_get(kh_json_get(op->type->schema, "x-kh"), "label") : NULL;

    return kh_json_str(label, "en", op->type ? op->type->name : KH_S(""));
}

static bool id_taken(const struct writer *d, struct kh_str id)
{
    for (size_t i = 0; i < d->ids_n; i++)
        if (kh_str_eq(d->ids[i], id))
            return true;
    return false;
}

/* The name of the route, with the type; and what tells it from another path with the same name:
 * "open311_request_list_xml". */
static struct kh_str id_of(struct writer *d, const struct operation *op)
{
    struct kh_str id = kh_cstr(op->route->name), rest;
    size_t dot = op->path.n;

    if (op->type)
        id = kh_strf(d->a, "%s_%.*s", op->route->name, KH_FMT(op->type->name));
    while (dot && op->path.p[dot - 1] != '.' && op->path.p[dot - 1] != '/')
        dot--;
    rest = kh_str_skip(op->path, dot);
    if (id_taken(d, id) && dot && op->path.p[dot - 1] == '.')
        id = kh_strf(d->a, "%.*s_%.*s", KH_FMT(id), KH_FMT(rest));
    for (int n = 2; id_taken(d, id); n++)
        id = kh_strf(d->a, "%.*s_%d", KH_FMT(id), n);
    d->ids = kh_grow(d->a, d->ids, d->ids_n, d->ids_n + 1, &d->ids_cap, sizeof(*d->ids));
    d->ids[d->ids_n++] = id;
    return id;
}

static void put_operation(struct writer *d, const struct operation *op)
{
    const struct kh_route *r = op->route;
    struct kh_str tag = tag_of(op), request, response;
    int status = shapes_of(d, op, &request, &response);

    note_tag(d, tag);
    kh_jw_key(&d->w, methods[r->method]);
    kh_jw_obj(&d->w);
    kh_jw_key(&d->w, "tags");
    kh_jw_arr(&d->w);
    kh_jw_str(&d->w, tag);
    kh_jw_end(&d->w);
    kh_jw_kstr(&d->w, "operationId", id_of(d, op));
    kh_jw_kstr(&d->w, "summary",
               op->type ? kh_strf(d->a, "%.*s: %s", KH_FMT(label_of(op)), r->en ? r->en : r->name)
                        : kh_cstr(r->en ? r->en : r->name));
    if (r->vi)
        kh_jw_kz(&d->w, "description", r->vi);
    put_parameters(d, op);
    put_request(d, op, request);
    put_responses(d, op, status, response);
    kh_jw_key(&d->w, "security");
    kh_jw_raw(&d->w, r->flags & KH_R_PUBLIC
                         ? KH_S("[{},{\"bearer\":[]},{\"cookie\":[]},{\"key\":[]}]")
                         : KH_S("[{\"bearer\":[]},{\"cookie\":[]},{\"key\":[]}]"));
    kh_jw_end(&d->w);
}

static void put_paths(struct writer *d)
{
    kh_jw_key(&d->w, "paths");
    kh_jw_obj(&d->w);
    for (size_t i = 0; i < d->n; i++) {
        if (i == 0 || !kh_str_eq(d->ops[i - 1].path, d->ops[i].path)) {
            if (i)
                kh_jw_end(&d->w);
            kh_jw_keys(&d->w, d->ops[i].path);
            kh_jw_obj(&d->w);
        }
        put_operation(d, &d->ops[i]);
    }
    if (d->n)
        kh_jw_end(&d->w);
    kh_jw_end(&d->w);
}

/* ---- components ---- */

/* {"$ref":"Label"} of a shape becomes a pointer, and Label is used. */
static void point(struct writer *d, struct kh_json *v)
{
    for (uint32_t i = 0; v->type == KH_JSON_ARRAY && i < v->n; i++)
        point(d, &v->items[i]);
    for (uint32_t i = 0; v->type == KH_JSON_OBJECT && i < v->n; i++) {
        struct kh_json *x = &v->members[i].value;

        if (kh_str_is(v->members[i].key, "$ref") && x->type == KH_JSON_STRING) {
            use_shape(d, x->s);
            x->s = kh_strf(d->a, COMPONENT "%.*s", KH_FMT(x->s));
        } else {
            point(d, x);
        }
    }
}

/* Every shape that is used; writing one may bring in others. */
static void put_shapes(struct writer *d)
{
    bool written[SHAPES_MAX] = {false}, more;
    struct kh_str name;

    use_shape(d, KH_S("Problem"));
    use_shape(d, KH_S("RecordMeta"));
    do {
        more = false;
        for (size_t i = 0; i < SHAPES_MAX && (name = kh_openapi_shape_name(i)).n; i++) {
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
static void put_type(struct writer *d, const struct kh_openapi_type *t)
{
    static const char *const strict[] = {"required", "additionalProperties",
                                         "unevaluatedProperties", "minProperties"};
    struct kh_str name = kh_strf(d->a, "%.*s.record", KH_FMT(t->name)), at;
    struct kh_json *sent, *back, *fields, *ref, *id;

    at = kh_strf(d->a, COMPONENT "%.*s", KH_FMT(t->name));
    sent = kh_schema_openapi(d->a, t->schema, at);
    kh_jw_keys(&d->w, t->name);
    kh_jw_json(&d->w, sent);

    back = kh_schema_openapi(d->a, t->schema, kh_strf(d->a, COMPONENT "%.*s", KH_FMT(name)));
    if (back->type == KH_JSON_OBJECT) {
        const struct kh_json *own = kh_json_get(back, "properties");

        fields = own ? kh_json_dup(d->a, own) : kh_json_new(d->a, KH_JSON_OBJECT);
        for (size_t i = 0; i < KH_LEN(strict); i++)
            kh_json_unset(back, kh_cstr(strict[i]));
        ref = kh_json_new(d->a, KH_JSON_OBJECT);
        id = kh_json_new(d->a, KH_JSON_OBJECT);
        kh_json_set(d->a, id, KH_S("type"), kh_json_new_str(d->a, KH_S("string")));
        kh_json_set(d->a, ref, KH_S("$ref"), kh_json_new_str(d->a, KH_S(COMPONENT "RecordMeta")));
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
                      "\"type\":\"array\",\"items\":{\"$ref\":\"" COMPONENT "%.*s\"}},"
                      "\"next\":{\"type\":\"string\"}}}",
                      KH_FMT(name)));
}

static const char fixed_components[] =
    "{\"Problem\":{\"description\":\"RFC 9457 problem details\",\"content\":{"
    "\"application/problem+json\":{\"schema\":{\"$ref\":\"" COMPONENT "Problem\"}}}}}";

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

static void put_components(struct writer *d, const struct kh_openapi_type *types, size_t types_n)
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

/* What an operation is about, where its name does not say enough. */
static struct kh_str about_tag(struct writer *d, struct kh_str tag)
{
    static const struct {
        const char *name, *about;
    } rows[] = {
        {"accounts", "Accounts of persons and machines, and their roles"},
        {"decisions", "Decision tables (DMN)"},
        {"openapi.json", "This description"},
        {"packs", "The packs that are loaded"},
        {"delegations", "Roles lent to somebody for a time"},
        {"events", "What happened, by page or live"},
        {"figures", "Figures that follow the events"},
        {"files", "Photos and videos"},
        {"health", "How the server does"},
        {"instances", "Running processes"},
        {"jobs", "Outbound calls"},
        {"keys", "API keys of machines"},
        {"me", "What concerns the person who asks"},
        {"messages", "Messages to waiting processes"},
        {"processes", "Process models (BPMN)"},
        {"records", "Records of every type"},
        {"roles", "The roles that can be given"},
        {"session", "Signing in and out"},
        {"tasks", "The inbox"},
        {"types", "The record types that are loaded"},
        {"units", "Administrative units and their boundaries"},
    };

    for (size_t i = 0; i < KH_LEN(rows); i++)
        if (kh_str_is(tag, rows[i].name))
            return kh_cstr(rows[i].about);
    for (size_t i = 0; i < d->n; i++)
        if (d->ops[i].type && kh_str_eq(d->ops[i].type->name, tag))
            return kh_strf(d->a, "Records of type %.*s", KH_FMT(label_of(&d->ops[i])));
    return kh_strf(d->a, "What stands at %.*s", KH_FMT(tag));
}

static void put_tags(struct writer *d)
{
    kh_jw_key(&d->w, "tags");
    kh_jw_arr(&d->w);
    for (size_t i = 0; i < d->tags_n; i++) {
        kh_jw_obj(&d->w);
        kh_jw_kstr(&d->w, "name", d->tags[i]);
        kh_jw_kstr(&d->w, "description", about_tag(d, d->tags[i]));
        kh_jw_end(&d->w);
    }
    kh_jw_end(&d->w);
}

void kh_openapi_write(struct kh_arena *a, const struct kh_route *const *tables,
                      const struct kh_openapi_type *types, size_t types_n, struct kh_buf *out)
{
    struct writer d = {.a = a, .w = kh_jw(out)};

    gather(&d, tables, types, types_n);
    if (d.n > 1)
        qsort(d.ops, d.n, sizeof(*d.ops), by_path);
    kh_jw_obj(&d.w);
    kh_jw_kz(&d.w, "openapi", "3.1.0");
    kh_jw_key(&d.w, "info");
    kh_jw_raw(&d.w, KH_S("{\"title\":\"Khuê\",\"version\":\"" KH_VERSION "\",\"description\":"
                         "\"The information infrastructure of a city. Conventions: docs/API.md.\","
                         "\"license\":{\"name\":\"Apache-2.0\",\"identifier\":\"Apache-2.0\"}}"));
    kh_jw_key(&d.w, "servers");
    kh_jw_raw(&d.w, KH_S("[{\"url\":\"/\"}]"));
    put_paths(&d);
    put_components(&d, types, types_n);
    put_tags(&d);
    kh_jw_end(&d.w);
}

/* ---- the route ---- */

static bool may_know(const struct kh_type *t, const struct kh_who *who)
{
    for (int op = KH_OP_READ; op <= KH_OP_HISTORY; op++)
        if (kh_type_may(t, who, (enum kh_op)op))
            return true;
    return false;
}

static enum kh_next api_openapi_read(struct kh_call *c)
{
    struct kh_buf b = kh_buf(c->a, DOCUMENT_MAX);
    struct kh_openapi_type *types = NULL;
    unsigned char hash[KH_SHA256_BYTES];
    size_t n = 0, cap = 0;
    const struct kh_type *t;

    for (size_t i = 0; c->city->registry && (t = kh_type_at(c->city->registry, i)); i++) {
        if (!may_know(t, c->who))
            continue;
        types = kh_grow(c->a, types, n, n + 1, &cap, sizeof(*types));
        types[n++] = (struct kh_openapi_type){kh_type_name(t), kh_type_describe(t, c->a, c->who)};
    }
    kh_openapi_write(c->a, c->city->tables, types, n, &b);
    if (b.full || kh_arena_over(c->a)) {
        kh_fail(&c->err, KH_EC_ARENA_FULL, "the description of %zu types", n);
        return kh_reply_error(c, &c->err);
    }
    kh_sha256_one(kh_buf_get(&b), hash);
    if (kh_reply_etag(c, kh_strf(c->a, "W/\"%.*s\"", 16, kh_hex(c->a, hash, sizeof(hash)).p)))
        return KH_REPLIED;
    return kh_reply_json(c, 200, kh_buf_get(&b));
}

const struct kh_route kh_routes_openapi[] = {
    {.method = KH_GET,
     .path = "/api/v1/openapi.json",
     .name = "openapi_read",
     .handler = api_openapi_read,
     .flags = KH_R_PUBLIC | KH_R_CORS,
     .vi = "Mô tả API này (OpenAPI 3.1)",
     .en = "This description of the API (OpenAPI 3.1)"},
    {.handler = NULL},
};
