/* SPDX-License-Identifier: Apache-2.0 */
#include "api/openapi_int.h"

#include "api/city.h"
#include "api/routes.h"
#include "base/hash.h"
#include "engine/registry/registry.h"

#include <stdlib.h>

enum { DOCUMENT_MAX = 32 << 20 };

/* ---- gathering ---- */

static void add_operation(struct kh_openapi *d, struct kh_str path, const struct kh_route *r,
                          const struct kh_openapi_type *type)
{
    d->ops = kh_grow(d->a, d->ops, d->n, d->n + 1, &d->cap, sizeof(*d->ops));
    d->ops[d->n++] = (struct kh_operation){path, r, type};
}

static void gather(struct kh_openapi *d, const struct kh_route *const *tables,
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
    const struct kh_operation *x = a, *y = b;
    int r = kh_str_cmp(x->path, y->path);

    return r ? r : (int)x->route->method - (int)y->route->method;
}

/* ---- the whole ---- */

static void put_paths(struct kh_openapi *d)
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
        kh_openapi_operation(d, &d->ops[i]);
    }
    if (d->n)
        kh_jw_end(&d->w);
    kh_jw_end(&d->w);
}

/* What an operation is about, where its name does not say enough. */
static struct kh_str about_tag(struct kh_openapi *d, struct kh_str tag)
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
            return kh_strf(d->a, "Records of type %.*s", KH_FMT(kh_openapi_label(&d->ops[i])));
    return kh_strf(d->a, "What stands at %.*s", KH_FMT(tag));
}

static void put_tags(struct kh_openapi *d)
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
    struct kh_openapi d = {.a = a, .w = kh_jw(out)};

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
    kh_openapi_components(&d, types, types_n);
    put_tags(&d);
    kh_jw_end(&d.w);
}

/* ---- the route ---- */

static bool may_know(const struct kh_type *t, const struct kh_who *who)
{
    for (int op = 0; op < KH_OPS; op++)
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
