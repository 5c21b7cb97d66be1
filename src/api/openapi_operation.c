/* SPDX-License-Identifier: Apache-2.0 */
/* One operation of the API: what it takes and what it answers. */
#include "api/openapi_int.h"

#include "api/routes.h"

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
static int shapes_of(struct kh_openapi *d, const struct kh_operation *op,
                     struct kh_str *ret_request, struct kh_str *ret_response)
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

static void put_query(struct kh_openapi *d, struct kh_str name, const char *schema,
                      const char *about)
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

static void put_arg(struct kh_openapi *d, struct kh_str name)
{
    for (size_t i = 0; i < KH_LEN(known_args); i++)
        if (kh_str_is(name, known_args[i].name)) {
            put_query(d, name, known_args[i].schema, known_args[i].about);
            return;
        }
    put_query(d, name, "{\"type\":\"string\"}", NULL);
}

static void put_path_args(struct kh_openapi *d, struct kh_str path)
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
static void put_filters(struct kh_openapi *d, const struct kh_json *schema)
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

static void put_parameter_ref(struct kh_openapi *d, const char *name)
{
    kh_jw_obj(&d->w);
    kh_jw_kstr(&d->w, "$ref", kh_strf(d->a, "#/components/parameters/%s", name));
    kh_jw_end(&d->w);
}

static void put_parameters(struct kh_openapi *d, const struct kh_operation *op)
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
    if (r->method == KH_POST && !(r->flags & KH_R_SECRET))
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

static void put_schema_ref(struct kh_openapi *d, struct kh_str name)
{
    kh_openapi_use(d, name);
    kh_jw_obj(&d->w);
    kh_jw_kstr(&d->w, "$ref", kh_strf(d->a, KH_COMPONENT "%.*s", KH_FMT(name)));
    kh_jw_end(&d->w);
}

static void put_media(struct kh_openapi *d, const char *type, struct kh_str shape)
{
    kh_jw_key(&d->w, type);
    kh_jw_obj(&d->w);
    if (shape.n) {
        kh_jw_key(&d->w, "schema");
        put_schema_ref(d, shape);
    }
    kh_jw_end(&d->w);
}

static void put_request(struct kh_openapi *d, const struct kh_operation *op, struct kh_str shape)
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

static void put_errors(struct kh_openapi *d, const struct kh_operation *op)
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

static void put_responses(struct kh_openapi *d, const struct kh_operation *op, int status,
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

/* Segment behind the prefix: what the operation is about. */
static struct kh_str tag_of(const struct kh_operation *op)
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

static void note_tag(struct kh_openapi *d, struct kh_str tag)
{
    for (size_t i = 0; i < d->tags_n; i++)
        if (kh_str_eq(d->tags[i], tag))
            return;
    d->tags = kh_grow(d->a, d->tags, d->tags_n, d->tags_n + 1, &d->tags_cap, sizeof(*d->tags));
    d->tags[d->tags_n++] = tag;
}

struct kh_str kh_openapi_label(const struct kh_operation *op)
{
    const struct kh_json *label =
        op->type ? kh_json_get(kh_json_get(op->type->schema, "x-kh"), "label") : NULL;

    return kh_json_str(label, "en", op->type ? op->type->name : KH_S(""));
}

static bool id_taken(const struct kh_openapi *d, struct kh_str id)
{
    for (size_t i = 0; i < d->ids_n; i++)
        if (kh_str_eq(d->ids[i], id))
            return true;
    return false;
}

/* The name of the route, with the type; and what tells it from another path with the same name:
 * "open311_request_list_xml". */
static struct kh_str id_of(struct kh_openapi *d, const struct kh_operation *op)
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

void kh_openapi_operation(struct kh_openapi *d, const struct kh_operation *op)
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
    kh_jw_kstr(
        &d->w, "summary",
        op->type ? kh_strf(d->a, "%.*s: %s", KH_FMT(kh_openapi_label(op)), r->en ? r->en : r->name)
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
