/* SPDX-License-Identifier: Apache-2.0 */
/* A schema is compiled from its root along every reference. Nodes wait in a queue, so neither depth
 * nor cycles of references make the compiler recurse. */
#include "engine/registry/schema/program.h"

#include "base/hash.h"

enum { NODES_MAX = 200000 };
enum { PROGRAM_BYTES = 256 << 20 };

/* ---- nodes ---- */

static struct place *place_of(struct compiler *c, const struct kh_json *key)
{
    size_t i = (size_t)(((uintptr_t)key >> 3) * 0x9e3779b97f4a7c15U >> 20);

    for (;; i++) {
        struct place *p = &c->places[i & (c->places_cap - 1)];

        if (!p->key || p->key == key)
            return p;
    }
}

static void places_grow(struct compiler *c)
{
    struct place *old = c->places;
    size_t cap = c->places_cap;

    if (c->places_n * 2 < cap)
        return;
    c->places_cap = cap ? cap * 2 : 64;
    c->places = kh_new_n(c->scratch, c->places_cap, struct place);
    for (size_t i = 0; i < cap; i++)
        if (old[i].key)
            *place_of(c, old[i].key) = old[i];
}

static struct node *node_new(struct compiler *c, enum verdict verdict)
{
    struct node *n = kh_new(c->a, struct node);

    n->verdict = verdict;
    n->types = TYPES_ALL;
    return n;
}

/* The node of the schema v, which is made when it is first asked for. */
const struct node *kh_schema_node(struct compiler *c, const struct kh_json *v, struct resource *r,
                                  struct kh_str where)
{
    struct place *p;
    struct node *n;

    if (v->type == KH_JSON_TRUE)
        return c->always;
    if (v->type == KH_JSON_FALSE)
        return c->never;
    if (v->type != KH_JSON_OBJECT) {
        kh_schema_bad(c, r, where, "Lược đồ phải là một đối tượng hoặc true, false",
                      "A schema must be an object, true or false", KH_S(""));
        return c->never;
    }
    places_grow(c);
    p = place_of(c, v);
    if (p->key)
        return p->node;
    if (++c->nodes > NODES_MAX || kh_arena_over(c->a)) {
        if (!c->failed)
            kh_schema_bad(c, r, where, "Lược đồ quá lớn", "The schema is too large", KH_S(""));
        return c->never;
    }
    n = node_new(c, VERDICT_TEST);
    p->key = v;
    p->node = n;
    c->places_n++;
    if (kh_json_is(kh_json_get(v, "$id"), KH_JSON_STRING)) {
        if (!kh_schema_rooted(c, v)) /* reached by a pointer through an unknown keyword */
            kh_schema_walk(c, v, r, where);
        if (kh_schema_rooted(c, v))
            r = kh_schema_rooted(c, v);
    }
    n->resource = r;
    n->source = v;
    n->where = where;
    r->entered = true;
    if (c->all_last)
        c->all_last->next = n;
    else
        c->all = n;
    c->all_last = n;
    if (c->queue_last)
        c->queue_last->later = n;
    else
        c->queue = n;
    c->queue_last = n;
    return n;
}

/* ---- the queue ---- */

static void drain(struct compiler *c)
{
    while (c->queue) {
        struct node *n = c->queue;

        c->queue = n->later;
        if (!c->queue)
            c->queue_last = NULL;
        kh_schema_fill(c, n);
    }
}

/* Every $dynamicAnchor of a resource that may be in the dynamic scope can be a target. */
static bool add_dynamics(struct compiler *c)
{
    bool more = false;

    for (struct resource *r = c->resources; r; r = r->next) {
        if (!r->entered || r->dynamics)
            continue;
        for (struct anchor *x = r->anchors; x; x = x->next) {
            struct dynamic *d;

            if (!x->dynamic)
                continue;
            d = kh_new(c->a, struct dynamic);
            d->name = x->name;
            d->node = kh_schema_node(c, x->at, r, x->where);
            d->next = r->dynamics;
            r->dynamics = d;
            more = true;
        }
    }
    return more;
}

/* ---- entry ---- */

static bool failed(struct compiler *c, struct kh_arena *a, struct kh_error *err)
{
    struct kh_issues *is = kh_new(a, struct kh_issues);

    for (size_t i = 0; i < c->issues.n; i++)
        kh_issue_add(is, a, c->issues.items[i].pointer, "schema", c->issues.items[i].vi,
                     c->issues.items[i].en);
    is->cut = c->issues.cut;
    kh_fail(err, KH_EC_SCHEMA_INVALID, "%.*s: %.*s", KH_FMT(c->issues.items[0].pointer),
            KH_FMT(c->issues.items[0].en));
    err->issues = is;
    return false;
}

static void compile(struct compiler *c, const struct kh_json *schema)
{
    struct kh_str uri = c->o->base.p ? kh_str_dup(c->a, c->o->base) : KH_S("");
    struct resource *root;

    schema = kh_json_dup(c->a, schema);
    root = kh_schema_document(c, schema, uri, false);
    if (!root)
        return;
    c->s->root = kh_schema_node(c, schema, root, KH_S(""));
    do
        drain(c);
    while (c->s->dynamic && add_dynamics(c));
    if (!c->failed)
        kh_schema_cycles(c);
}

bool kh_schema_compile(struct kh_arena *a, const struct kh_json *schema,
                       const struct kh_schema_options *o, struct kh_schema **ret,
                       struct kh_error *err)
{
    static const struct kh_schema_options defaults = {0};
    kh_auto_arena scratch = kh_arena_new(PROGRAM_BYTES);
    struct kh_arena *own = kh_arena_new(PROGRAM_BYTES);
    struct compiler c = {.a = own, .scratch = scratch, .o = o ? o : &defaults};

    c.s = kh_new(own, struct kh_schema);
    c.s->a = own;
    kh_random(&c.s->seed, sizeof(c.s->seed));
    c.always = node_new(&c, VERDICT_ALWAYS);
    c.never = node_new(&c, VERDICT_NEVER);
    compile(&c, schema);
    if (c.failed) {
        failed(&c, a, err);
        kh_schema_drop(c.s);
        return false;
    }
    *ret = c.s;
    return true;
}

void kh_schema_drop(struct kh_schema *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->regexes_n; i++)
        kh_regex_drop(s->regexes[i]);
    kh_arena_drop(s->a);
}
