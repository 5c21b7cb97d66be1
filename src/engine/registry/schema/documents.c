/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/registry/schema/program.h"

#include "base/buf.h"
#include "engine/registry/schema/uri.h"

/* Schema documents, the resources in them ($id) and their anchors. A resource is found by its URI;
 * $id and $anchor count only where the draft says that a schema stands, so that the same words in
 * an enum or an unknown keyword mean nothing. */

enum { DOCUMENTS_MAX = 1000, RESOURCES_MAX = 2000 };

#define DRAFT "https://json-schema.org/draft/2020-12/"

bool kh_schema_bad(struct compiler *c, const struct resource *r, struct kh_str where,
                   const char *vi, const char *en, struct kh_str arg)
{
    struct kh_str place = where;
    struct kh_buf b_vi = kh_buf(c->scratch, 2000), b_en = kh_buf(c->scratch, 2000);

    if (arg.n > 200)
        arg.n = 200;
    kh_buf_z(&b_vi, vi);
    kh_buf_str(&b_vi, arg);
    kh_buf_z(&b_en, en);
    kh_buf_str(&b_en, arg);
    if (r && r->foreign) {
        kh_buf_strf(&b_vi, " (%.*s#%.*s)", KH_FMT(r->uri), KH_FMT(where));
        kh_buf_strf(&b_en, " (%.*s#%.*s)", KH_FMT(r->uri), KH_FMT(where));
        place = KH_S("");
    }
    c->failed = true;
    kh_issue_add(&c->issues, c->scratch, place, "schema", kh_buf_get(&b_vi), kh_buf_get(&b_en));
    return false;
}

struct kh_str kh_schema_below(struct kh_arena *a, struct kh_str where, struct kh_str key)
{
    char *p = kh_alloc(a, where.n + 1 + 2 * key.n);
    size_t n = where.n;

    if (n)
        memcpy(p, where.p, n);
    p[n++] = '/';
    for (size_t i = 0; i < key.n; i++) {
        if (key.p[i] == '~' || key.p[i] == '/') {
            p[n++] = '~';
            p[n++] = key.p[i] == '~' ? '0' : '1';
        } else {
            p[n++] = key.p[i];
        }
    }
    return kh_str(p, n);
}

struct kh_str kh_schema_below_n(struct kh_arena *a, struct kh_str where, size_t i)
{
    return kh_strf(a, "%.*s/%zu", KH_FMT(where), i);
}

struct resource *kh_schema_rooted(const struct compiler *c, const struct kh_json *v)
{
    for (struct resource *r = c->resources; r; r = r->next)
        if (r->root == v)
            return r;
    return NULL;
}

static struct resource *by_uri(const struct compiler *c, struct kh_str uri)
{
    for (struct resource *r = c->resources; r; r = r->next)
        if (kh_str_eq(r->uri, uri))
            return r;
    return NULL;
}

/* ---- dialects ---- */

static unsigned vocabulary(struct kh_str uri, bool *ret_known)
{
    static const struct {
        const char *name;
        unsigned bit;
    } rows[] = {
        {"core", 0},
        {"applicator", VOCAB_APPLICATOR},
        {"unevaluated", VOCAB_UNEVALUATED},
        {"validation", VOCAB_VALIDATION},
        {"format-annotation", VOCAB_FORMAT},
        {"format-assertion", VOCAB_FORMAT},
        {"content", 0},
        {"meta-data", 0},
    };

    *ret_known = true;
    if (kh_str_starts(uri, KH_S(DRAFT "vocab/")))
        for (size_t i = 0; i < KH_LEN(rows); i++)
            if (kh_str_is(kh_str_skip(uri, sizeof(DRAFT "vocab/") - 1), rows[i].name))
                return rows[i].bit;
    *ret_known = false;
    return 0;
}

static struct kh_json *find_document(struct compiler *c, struct kh_str uri)
{
    struct kh_str meta = kh_schema_meta(uri);
    const struct kh_json *found;
    struct kh_error err = {0};
    struct kh_json *v = NULL;

    if (meta.p)
        return kh_json_parse(c->a, meta, NULL, &v, &err) ? v : NULL;
    found = c->o->find ? c->o->find(c->o->ctx, c->scratch, uri) : NULL;
    return found ? kh_json_dup(c->a, found) : NULL;
}

/* The vocabularies of the dialect that $schema names. */
static bool dialect(struct compiler *c, struct kh_str uri, const struct resource *at,
                    struct kh_str where, unsigned *ret)
{
    const struct kh_json *meta, *list;
    bool known;

    if (uri.n && uri.p[uri.n - 1] == '#')
        uri.n--;
    *ret = VOCAB_ALL;
    if (kh_str_is(uri, DRAFT "schema"))
        return true;
    meta = kh_schema_meta(uri).p ? NULL : find_document(c, uri);
    if (!meta)
        return kh_schema_bad(c, at, where, "Không hỗ trợ phiên bản lược đồ: ",
                             "This dialect of JSON Schema is not supported (2020-12 is): ", uri);
    list = kh_json_get(meta, "$vocabulary");
    if (!list) {
        /* A meta-schema of this draft without a list of its own means the usual vocabularies; one
         * of another draft is another language. */
        struct kh_str its = kh_json_str(meta, "$schema", KH_S(""));

        if (kh_str_starts(its, KH_S(DRAFT "schema")))
            return true;
        return kh_schema_bad(c, at, where, "Không hỗ trợ phiên bản lược đồ: ",
                             "This dialect of JSON Schema is not supported (2020-12 is): ", uri);
    }
    *ret = 0;
    for (uint32_t i = 0; list->type == KH_JSON_OBJECT && i < list->n; i++) {
        *ret |= vocabulary(list->members[i].key, &known);
        if (!known && list->members[i].value.type == KH_JSON_TRUE)
            return kh_schema_bad(
                c, at, where, "Lược đồ cần bộ từ vựng không được hỗ trợ: ",
                "The schema requires a vocabulary that is not supported: ", list->members[i].key);
    }
    return true;
}

/* ---- walking a document ---- */

enum place_kind kh_schema_place(struct kh_str keyword)
{
    static const struct {
        const char *name;
        enum place_kind kind;
    } rows[] = {
        {"$defs", PLACE_MAP},
        {"additionalProperties", PLACE_SCHEMA},
        {"allOf", PLACE_LIST},
        {"anyOf", PLACE_LIST},
        {"contains", PLACE_SCHEMA},
        {"contentSchema", PLACE_SCHEMA},
        {"definitions", PLACE_MAP},
        {"dependencies", PLACE_MAP},
        {"dependentSchemas", PLACE_MAP},
        {"else", PLACE_SCHEMA},
        {"if", PLACE_SCHEMA},
        {"items", PLACE_SCHEMA},
        {"not", PLACE_SCHEMA},
        {"oneOf", PLACE_LIST},
        {"patternProperties", PLACE_MAP},
        {"prefixItems", PLACE_LIST},
        {"properties", PLACE_MAP},
        {"propertyNames", PLACE_SCHEMA},
        {"then", PLACE_SCHEMA},
        {"unevaluatedItems", PLACE_SCHEMA},
        {"unevaluatedProperties", PLACE_SCHEMA},
    };

    for (size_t i = 0; i < KH_LEN(rows); i++)
        if (kh_str_is(keyword, rows[i].name))
            return rows[i].kind;
    return PLACE_OTHER;
}

static void add_anchor(struct compiler *c, struct resource *r, const struct kh_json *at,
                       struct kh_str where, const char *keyword, bool dynamic)
{
    const struct kh_json *name = kh_json_get(at, keyword);
    struct anchor *x;

    if (!kh_json_is(name, KH_JSON_STRING))
        return; /* the compiler says so when it comes here */
    for (x = r->anchors; x; x = x->next) {
        if (kh_str_eq(x->name, name->s)) {
            if (x->at != at)
                kh_schema_bad(c, r, where,
                              "Hai neo cùng tên: ", "The same anchor twice: ", name->s);
            x->dynamic |= dynamic;
            return;
        }
    }
    x = kh_new(c->a, struct anchor);
    x->name = name->s;
    x->at = at;
    x->where = where;
    x->dynamic = dynamic;
    x->next = r->anchors;
    r->anchors = x;
}

/* A $id begins a resource, unless it is nothing but a fragment. */
static struct resource *own_resource(struct compiler *c, const struct kh_json *v,
                                     struct resource *r, struct kh_str where)
{
    const struct kh_json *id = kh_json_get(v, "$id");
    struct kh_str uri, fragment;

    if (!kh_json_is(id, KH_JSON_STRING) || kh_schema_rooted(c, v))
        return kh_schema_rooted(c, v) ? kh_schema_rooted(c, v) : r;
    uri = kh_uriref_resolve(c->a, r->uri, id->s, &fragment);
    if (fragment.n) {
        kh_schema_bad(c, r, where,
                      "$id không được có phần #: ", "$id may not have a fragment: ", id->s);
        return r;
    }
    if (id->s.n == 0 || id->s.p[0] == '#')
        return r;
    return kh_schema_add(c, v, uri, r->foreign, where);
}

void kh_schema_walk(struct compiler *c, const struct kh_json *v, struct resource *r,
                    struct kh_str where)
{
    if (v->type != KH_JSON_OBJECT)
        return;
    r = own_resource(c, v, r, where);
    if (!r || kh_arena_over(c->a))
        return;
    add_anchor(c, r, v, where, "$anchor", false);
    add_anchor(c, r, v, where, "$dynamicAnchor", true);
    for (uint32_t i = 0; i < v->n; i++) {
        enum place_kind kind = kh_schema_place(v->members[i].key);
        const struct kh_json *x = &v->members[i].value;
        struct kh_str at;

        if (kind == PLACE_OTHER)
            continue;
        at = kh_schema_below(c->a, where, v->members[i].key);
        if (kind == PLACE_SCHEMA)
            kh_schema_walk(c, x, r, at);
        for (uint32_t k = 0; kind == PLACE_LIST && x->type == KH_JSON_ARRAY && k < x->n; k++)
            kh_schema_walk(c, &x->items[k], r, kh_schema_below_n(c->a, at, k));
        for (uint32_t k = 0; kind == PLACE_MAP && x->type == KH_JSON_OBJECT && k < x->n; k++)
            kh_schema_walk(c, &x->members[k].value, r,
                           kh_schema_below(c->a, at, x->members[k].key));
    }
}

struct resource *kh_schema_add(struct compiler *c, const struct kh_json *root, struct kh_str uri,
                               bool foreign, struct kh_str where)
{
    struct resource *r, *old = uri.n ? by_uri(c, uri) : NULL;
    const struct kh_json *schema = kh_json_get(root, "$schema");

    if (old && old->root != root) {
        kh_schema_bad(c, old, where,
                      "Hai lược đồ cùng $id: ", "Two schemas with the same $id: ", uri);
        return NULL;
    }
    if (++c->resources_n > RESOURCES_MAX) {
        kh_schema_bad(c, old, where, "Quá nhiều $id", "Too many $id", KH_S(""));
        return NULL;
    }
    r = kh_new(c->a, struct resource);
    r->uri = uri;
    r->root = root;
    r->where = where;
    r->foreign = foreign;
    r->vocab = VOCAB_ALL;
    if (kh_json_is(schema, KH_JSON_STRING) && !dialect(c, schema->s, r, where, &r->vocab))
        return NULL;
    r->next = c->resources;
    c->resources = r;
    return r;
}

/* Finds and adds the document that a reference names. */
static struct resource *load(struct compiler *c, struct kh_str uri, const struct resource *by,
                             struct kh_str where)
{
    struct kh_json *v;

    if (++c->documents > DOCUMENTS_MAX) {
        kh_schema_bad(c, by, where, "Quá nhiều lược đồ bên ngoài", "Too many other documents",
                      KH_S(""));
        return NULL;
    }
    v = find_document(c, uri);
    if (!v) {
        kh_schema_bad(c, by, where, "Không tìm thấy lược đồ: ", "There is no such schema: ", uri);
        return NULL;
    }
    return kh_schema_document(c, v, uri, true);
}

struct resource *kh_schema_document(struct compiler *c, const struct kh_json *v, struct kh_str uri,
                                    bool foreign)
{
    const struct kh_json *id = kh_json_get(v, "$id");
    struct kh_str own = uri, fragment;
    struct resource *r, *alias;

    if (kh_json_is(id, KH_JSON_STRING))
        own = kh_uriref_resolve(c->a, uri, id->s, &fragment);
    r = kh_schema_add(c, v, own, foreign, KH_S(""));
    if (!r)
        return NULL;
    if (!kh_str_eq(own, uri) && uri.n) {
        /* Two names for one resource. The real row stays the first that is found by its root. */
        alias = kh_new(c->a, struct resource);
        *alias = *r;
        alias->uri = uri;
        r->next = alias;
    }
    kh_schema_walk(c, v, r, KH_S(""));
    return r;
}

/* ---- references ---- */

static bool by_pointer(struct compiler *c, struct kh_str pointer, struct target *t)
{
    while (pointer.n) {
        struct kh_str rest, token = kh_str_cut(kh_str_skip(pointer, 1), '/', &rest);
        struct kh_str one = kh_str(pointer.p, token.n + 1);
        struct resource *inner;

        t->at = kh_json_at(t->at, one);
        if (!t->at)
            return false;
        t->where = kh_strf(c->a, "%.*s%.*s", KH_FMT(t->where), KH_FMT(one));
        inner = kh_schema_rooted(c, t->at);
        if (inner)
            t->resource = inner;
        pointer = kh_str_skip(pointer, one.n);
    }
    return true;
}

bool kh_schema_find(struct compiler *c, const struct resource *base, struct kh_str ref,
                    struct kh_str where, struct target *ret)
{
    struct kh_str fragment, uri = kh_uriref_resolve(c->a, base->uri, ref, &fragment);
    struct resource *r = by_uri(c, uri);
    struct target t = {0};

    if (!r)
        r = load(c, uri, base, where);
    if (!r)
        return false;
    t.at = r->root;
    t.resource = kh_schema_rooted(c, r->root);
    t.where = r->where;
    if (fragment.n && !kh_uriref_decode(c->a, fragment, &fragment))
        return kh_schema_bad(c, base, where, "$ref viết sai: ", "A broken $ref: ", ref);
    if (fragment.n && fragment.p[0] == '/') {
        if (!by_pointer(c, fragment, &t))
            return kh_schema_bad(c, base, where,
                                 "$ref không trỏ tới đâu: ", "This $ref points to nothing: ", ref);
    } else if (fragment.n) {
        const struct anchor *x = t.resource->anchors;

        while (x && !kh_str_eq(x->name, fragment))
            x = x->next;
        if (!x)
            return kh_schema_bad(c, base, where,
                                 "Không có neo này: ", "There is no such anchor: ", ref);
        t.at = x->at;
        t.where = x->where;
        t.anchor = x;
    }
    *ret = t;
    return true;
}
