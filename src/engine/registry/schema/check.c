/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/registry/schema/check.h"

/* The interpreter. In a run that collects issues every rule is tried; while r->issues is NULL only
 * the verdict counts, and the first failure ends it. */

enum {
    DEPTH_MAX = 2000, /* frames of check(); a schema that loops at one value ends here */
    STEPS_FREE = 200000,
    STEPS_PER_VALUE = 2000,
    EXPLAIN_DEEP = 3,
};
#define STEPS_MOST 50000000U

/** What unevaluated* has to know: which members or elements some rule has looked at. */
struct seen {
    uint64_t few;
    uint64_t *bits;
    uint32_t n;
    bool all;
};

static bool check(struct run *r, const struct node *n, const struct kh_json *v,
                  const struct path *p, struct seen *ev);

/* ---- what was evaluated ---- */

static void seen_init(struct run *r, struct seen *s, const struct kh_json *v)
{
    s->few = 0;
    s->n = v->type == KH_JSON_ARRAY || v->type == KH_JSON_OBJECT ? v->n : 0;
    s->bits = s->n <= 64 ? &s->few : kh_alloc_n(r->a, (s->n + 63) / 64, sizeof(uint64_t));
    s->all = false;
}

static void seen_add(struct seen *s, uint32_t i)
{
    s->bits[i / 64] |= (uint64_t)1 << (i & 63);
}

static bool seen_has(const struct seen *s, uint32_t i)
{
    return s->all || (s->bits[i / 64] >> (i & 63) & 1);
}

static void seen_merge(struct seen *to, const struct seen *from)
{
    to->all |= from->all;
    for (uint32_t i = 0; i < (to->n + 63) / 64; i++)
        to->bits[i] |= from->bits[i];
}

/* ---- limits ---- */

static uint64_t values_in(const struct kh_json *v)
{
    uint64_t n = 1;

    if (v->type == KH_JSON_ARRAY)
        for (uint32_t i = 0; i < v->n; i++)
            n += values_in(&v->items[i]);
    if (v->type == KH_JSON_OBJECT)
        for (uint32_t i = 0; i < v->n; i++)
            n += values_in(&v->members[i].value);
    return n;
}

static bool give_up(struct run *r)
{
    r->broken = true;
    return false;
}

/* One more application of a schema to a value. */
static bool enter(struct run *r)
{
    if (++r->steps > r->steps_max) {
        if (r->steps_max == STEPS_FREE) {
            r->steps_max = STEPS_FREE + values_in(r->value) * STEPS_PER_VALUE;
            if (r->steps_max > STEPS_MOST)
                r->steps_max = STEPS_MOST;
        } else {
            return give_up(r);
        }
    }
    if ((r->steps & 1023) == 0 && kh_arena_over(r->a))
        return give_up(r);
    return (++r->depth <= DEPTH_MAX && !r->broken) || give_up(r);
}

/* ---- scalars ---- */

static bool is_integer(const struct kh_json *v)
{
    struct kh_num num;

    if (v->type != KH_JSON_NUMBER)
        return false;
    return kh_num_parse(v->s, &num) && kh_num_is_int(&num);
}

static bool type_ok(const struct node *n, const struct kh_json *v)
{
    return (n->types >> v->type & 1) || ((n->types & TYPE_INTEGER) && is_integer(v));
}

static bool check_number(struct run *r, const struct number_rules *k, const struct kh_json *v,
                         const struct path *p)
{
    struct kh_num x;
    bool ok = true;

    if (!kh_num_parse(v->s, &x))
        return give_up(r);
#define RULE(has, broken, code, text)                                                              \
    if (k->has && (broken)) {                                                                      \
        ok = false;                                                                                \
        if (!r->issues)                                                                            \
            return false;                                                                          \
        say_bound(r, p, code, k->text);                                                            \
    }
    RULE(has_max, kh_num_cmp(&x, &k->max) > 0, "maximum", max_text)
    RULE(has_min, kh_num_cmp(&x, &k->min) < 0, "minimum", min_text)
    RULE(has_under, kh_num_cmp(&x, &k->under) >= 0, "exclusiveMaximum", under_text)
    RULE(has_over, kh_num_cmp(&x, &k->over) <= 0, "exclusiveMinimum", over_text)
    RULE(has_multiple, !kh_num_multiple(&x, &k->multiple), "multipleOf", multiple_text)
#undef RULE
    return ok;
}

/* Number of code points. */
static uint64_t length_of(struct kh_str s)
{
    uint64_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xC0) != 0x80;
    return n;
}

static bool matches(struct run *r, const struct pattern *pattern, struct kh_str s)
{
    enum kh_hit hit = kh_regex_match(pattern->regex, &r->room, s);

    return hit == KH_FAIL ? give_up(r) : hit == KH_HIT;
}

static bool check_string(struct run *r, const struct string_rules *k, const struct kh_json *v,
                         const struct path *p)
{
    bool ok = true;

    /* There are at most as many code points as bytes, and at least a quarter. */
    if (v->s.n > k->max || v->s.n < k->min * 4) {
        uint64_t have = length_of(v->s);

        if (have > k->max || have < k->min) {
            ok = false;
            if (r->issues)
                say_count(r, p, have > k->max ? "maxLength" : "minLength",
                          have > k->max ? k->max : k->min, have);
        }
    }
    if (k->pattern && (ok || r->issues) && !matches(r, k->pattern, v->s)) {
        ok = false;
        if (r->issues && !r->broken)
            say_bound(r, p, "pattern", k->pattern->text);
    }
    if (k->format && (ok || r->issues) && !k->format->ok(v->s)) {
        ok = false;
        if (r->issues)
            say_format(r, p, k->format);
    }
    return ok;
}

/* ---- containers ---- */

/* A value inside of the present one; code names the keyword for a schema `false`. */
static bool child(struct run *r, const struct node *n, const struct kh_json *v,
                  const struct path *p, const char *code)
{
    if (n->verdict == VERDICT_ALWAYS)
        return true;
    if (n->verdict == VERDICT_NEVER)
        return r->issues ? say_plain(r, p, code) : false;
    return check(r, n, v, p, NULL);
}

/* Whether n accepts v, without issues; what it evaluated goes to ev only if it does. */
static bool quietly(struct run *r, const struct node *n, const struct kh_json *v,
                    const struct path *p, struct seen *ev)
{
    struct kh_issues *issues = r->issues;
    struct seen own;
    bool ok;

    if (ev)
        seen_init(r, &own, v);
    r->issues = NULL;
    ok = check(r, n, v, p, ev ? &own : NULL);
    r->issues = issues;
    if (ok && ev)
        seen_merge(ev, &own);
    return ok;
}

static bool check_contains(struct run *r, const struct array_rules *k, const struct kh_json *v,
                           const struct path *p, struct seen *ev)
{
    uint64_t have = 0;

    for (uint32_t i = 0; i < v->n; i++) {
        struct path at = {p, {NULL, 0}, i};

        if (!quietly(r, k->contains, &v->items[i], &at, NULL))
            continue;
        have++;
        if (ev)
            seen_add(ev, i);
        else if (have >= k->contains_min && k->contains_max == UINT64_MAX)
            break;
    }
    if (have < k->contains_min) {
        if (r->issues)
            say_count(r, p, k->contains_min == 1 ? "contains" : "minContains", k->contains_min,
                      have);
        return false;
    }
    if (have > k->contains_max) {
        if (r->issues)
            say_count(r, p, "maxContains", k->contains_max, have);
        return false;
    }
    return true;
}

static bool check_array(struct run *r, const struct array_rules *k, const struct kh_json *v,
                        const struct path *p, struct seen *ev)
{
    uint32_t upto = k->rest || v->n < k->prefix_n ? v->n : k->prefix_n;
    size_t first, second;
    bool ok = true;

    if (v->n < k->min || v->n > k->max) {
        ok = false;
        if (r->issues)
            say_count(r, p, v->n < k->min ? "minItems" : "maxItems",
                      v->n < k->min ? k->min : k->max, v->n);
    }
    for (uint32_t i = 0; i < upto && (ok || r->issues) && !r->broken; i++) {
        const struct node *n = i < k->prefix_n ? k->prefix[i] : k->rest;
        struct path at = {p, {NULL, 0}, i};

        ok &= child(r, n, &v->items[i], &at, i < k->prefix_n ? "prefixItems" : "items");
        if (ev)
            seen_add(ev, i);
    }
    if (k->contains && (ok || r->issues))
        ok &= check_contains(r, k, v, p, ev);
    if (k->unique && (ok || r->issues) && kh_schema_twice(v, r->s->seed, &first, &second)) {
        ok = false;
        if (r->issues)
            say_twice(r, p, first, second);
    }
    return ok;
}

static const struct property *find_property(const struct object_rules *k, struct kh_str name)
{
    uint64_t h = name_hash(name);

    for (uint32_t i = (uint32_t)h;; i++) {
        const struct property *q = &k->table[i & k->mask];

        if (!q->name.p)
            return NULL;
        if (q->hash == h && kh_str_eq(q->name, name))
            return q;
    }
}

/* One member against everything that speaks about its name. */
static bool check_member(struct run *r, const struct object_rules *k,
                         const struct kh_json_member *m, const struct property *q,
                         const struct path *at, bool *ret_known)
{
    bool ok = true, known = q && q->node;

    if (known)
        ok = child(r, q->node, &m->value, at, "properties");
    for (uint32_t i = 0; i < k->patterns_n && (ok || r->issues); i++) {
        if (!matches(r, &k->patterns[i], m->key))
            continue;
        known = true;
        ok &= child(r, k->patterns[i].node, &m->value, at, "patternProperties");
    }
    if (!known && k->additional) {
        known = true;
        ok &= child(r, k->additional, &m->value, at, "additionalProperties");
    }
    if (k->names && (ok || r->issues)) {
        struct kh_json name = {.type = KH_JSON_STRING, .s = m->key};

        ok &= child(r, k->names, &name, at, "propertyNames");
    }
    *ret_known = known;
    return ok;
}

static bool check_required(struct run *r, const struct object_rules *k, const struct path *p,
                           const uint64_t *have)
{
    bool ok = true;

    for (uint32_t i = 0; i < k->required_n && (ok || r->issues); i++) {
        if (have[i / 64] >> (i & 63) & 1)
            continue;
        /* A name that stands twice in the list has the bit of its last place. */
        if (find_property(k, k->required[i])->required != (int32_t)i)
            continue;
        ok = false;
        if (r->issues)
            say_missing(r, p, "required", k->required[i], KH_S(""));
    }
    return ok;
}

/* dependentRequired and dependentSchemas; *ret_in_place gets the verdict of the schemas. */
static bool check_dependencies(struct run *r, const struct object_rules *k, const struct kh_json *v,
                               const struct path *p, struct seen *ev)
{
    bool ok = true;

    for (uint32_t i = 0; i < k->dependencies_n && (ok || r->issues); i++) {
        const struct dependency *d = &k->dependencies[i];

        if (!kh_json_find(v, d->name))
            continue;
        for (uint32_t j = 0; j < d->required_n; j++) {
            if (kh_json_find(v, d->required[j]))
                continue;
            ok = false;
            if (!r->issues)
                return false;
            say_missing(r, p, "dependentRequired", d->required[j], d->name);
        }
        if (d->node)
            ok &= check(r, d->node, v, p, ev);
    }
    return ok;
}

static bool check_object(struct run *r, const struct object_rules *k, const struct kh_json *v,
                         const struct path *p, struct seen *ev)
{
    uint64_t few[4] = {0}, *have = few;
    bool ok = true, known;

    if (v->n < k->min || v->n > k->max) {
        ok = false;
        if (r->issues)
            say_count(r, p, v->n < k->min ? "minProperties" : "maxProperties",
                      v->n < k->min ? k->min : k->max, v->n);
    }
    if (k->required_n > 64 * KH_LEN(few))
        have = kh_alloc_n(r->a, (k->required_n + 63) / 64, sizeof(uint64_t));
    for (uint32_t i = 0; i < v->n && (ok || r->issues) && !r->broken; i++) {
        const struct kh_json_member *m = &v->members[i];
        const struct property *q = k->table ? find_property(k, m->key) : NULL;
        struct path at = {p, {m->key.p ? m->key.p : "", m->key.n}, 0};

        if (q && q->required >= 0)
            have[q->required / 64] |= (uint64_t)1 << (q->required & 63);
        ok &= check_member(r, k, m, q, &at, &known);
        if (ev && known)
            seen_add(ev, i);
    }
    if (k->required_n && (ok || r->issues))
        ok &= check_required(r, k, p, have);
    if (k->dependencies_n && (ok || r->issues))
        ok &= check_dependencies(r, k, v, p, ev);
    return ok;
}

/* ---- logic ---- */

static bool in_enum(struct run *r, const struct choices *c, const struct kh_json *v)
{
    if (!c->mask) {
        for (uint32_t i = 0; i < c->list->n; i++)
            if (kh_json_eq(&c->list->items[i], v))
                return true;
        return false;
    }
    for (uint32_t i = (uint32_t)kh_schema_hash(v, r->s->seed); c->table[i & c->mask]; i++)
        if (kh_json_eq(c->table[i & c->mask], v))
            return true;
    return false;
}

/* The outermost resource in the dynamic scope that has the anchor decides. */
static const struct node *dynamic_target(struct run *r, const struct dynamic_ref *d)
{
    const struct node *found = d->fixed;

    if (!d->name.p)
        return found;
    for (const struct scope *s = r->scope; s; s = s->up)
        for (const struct dynamic *x = s->resource->dynamics; x; x = x->next)
            if (kh_str_eq(x->name, d->name))
                found = x->node;
    return found;
}

/* Whether the issues say that this was not the branch that was meant: another type, or another
 * constant in the value itself or right below it. */
static bool other_branch(const struct kh_issues *is, size_t depth)
{
    for (size_t i = 0; i < is->n; i++) {
        struct kh_str code = is->items[i].code, rest = is->items[i].pointer;
        size_t slashes = 0;

        for (size_t k = 0; k < rest.n; k++)
            slashes += rest.p[k] == '/';
        if (slashes <= depth && kh_str_is(code, "type"))
            return true;
        if (slashes <= depth + 1 && (kh_str_is(code, "const") || kh_str_is(code, "enum")))
            return true;
    }
    return false;
}

/* No branch fits. If all but one are plainly meant for other values, say what that one misses. */
static bool say_no_branch(struct run *r, const struct list *l, const struct kh_json *v,
                          const struct path *p, const char *code)
{
    struct kh_issues *issues = r->issues, *best = NULL, *is;
    size_t depth = 0, candidates = 0;

    for (const struct path *q = p; q; q = q->up)
        depth++;
    for (size_t i = 0; i < r->at.n; i++)
        depth += r->at.p[i] == '/';
    if (r->explaining >= EXPLAIN_DEEP)
        return say_plain(r, p, code);
    r->explaining++;
    for (uint32_t i = 0; i < l->n && candidates < 2; i++) {
        is = kh_new(r->a, struct kh_issues);
        is->max = 20;
        r->issues = is;
        if (!check(r, l->at[i], v, p, NULL) && is->n && !other_branch(is, depth)) {
            candidates++;
            best = is;
        }
    }
    r->explaining--;
    r->issues = issues;
    if (candidates != 1)
        return say_plain(r, p, code);
    for (size_t i = 0; i < best->n; i++)
        kh_issue_add(issues, r->a, best->items[i].pointer, best->items[i].code.p, best->items[i].vi,
                     best->items[i].en);
    return false;
}

static bool check_any(struct run *r, const struct list *l, const struct kh_json *v,
                      const struct path *p, struct seen *ev)
{
    bool ok = false;

    for (uint32_t i = 0; i < l->n && (!ok || ev) && !r->broken; i++)
        ok |= quietly(r, l->at[i], v, p, ev);
    if (!ok && r->issues && !r->broken)
        say_no_branch(r, l, v, p, "anyOf");
    return ok;
}

static bool check_one(struct run *r, const struct list *l, const struct kh_json *v,
                      const struct path *p, struct seen *ev)
{
    unsigned hits = 0;

    for (uint32_t i = 0; i < l->n && hits < 2 && !r->broken; i++)
        hits += quietly(r, l->at[i], v, p, ev);
    if (hits == 1)
        return true;
    if (!r->issues || r->broken)
        return false;
    return hits ? say_plain(r, p, "oneOf") : say_no_branch(r, l, v, p, "oneOf");
}

/* const and enum */
static bool check_values(struct run *r, const struct logic *k, const struct kh_json *v,
                         const struct path *p)
{
    bool ok = true;

    if (k->same && !kh_json_eq(k->same, v)) {
        ok = false;
        if (r->issues)
            say_const(r, p, k->same);
    }
    if (k->choices.list && (ok || r->issues) && !in_enum(r, &k->choices, v)) {
        ok = false;
        if (r->issues)
            say_enum(r, p, k->choices.list);
    }
    return ok;
}

static bool check_logic(struct run *r, const struct logic *k, const struct kh_json *v,
                        const struct path *p, struct seen *ev)
{
    bool ok = check_values(r, k, v, p);

    if (k->ref && (ok || r->issues))
        ok &= check(r, k->ref, v, p, ev);
    if (k->dynamic.fixed && (ok || r->issues))
        ok &= check(r, dynamic_target(r, &k->dynamic), v, p, ev);
    for (uint32_t i = 0; i < k->all.n && (ok || r->issues); i++)
        ok &= check(r, k->all.at[i], v, p, ev);
    if (k->any.n && (ok || r->issues))
        ok &= check_any(r, &k->any, v, p, ev);
    if (k->one.n && (ok || r->issues))
        ok &= check_one(r, &k->one, v, p, ev);
    if (k->no && (ok || r->issues) && quietly(r, k->no, v, p, NULL)) {
        ok = false;
        if (r->issues)
            say_plain(r, p, "not");
    }
    if (k->cond && (ok || r->issues)) {
        const struct node *next = quietly(r, k->cond, v, p, ev) ? k->then : k->otherwise;

        if (next && !r->broken)
            ok &= check(r, next, v, p, ev);
    }
    return ok;
}

/* ---- a node ---- */

/* unevaluatedItems and unevaluatedProperties */
static bool check_rest(struct run *r, const struct node *n, const struct kh_json *v,
                       const struct path *p, const struct seen *ev)
{
    bool array = v->type == KH_JSON_ARRAY, ok = true;

    for (uint32_t i = 0; i < v->n && (ok || r->issues) && !r->broken; i++) {
        struct path at = {p, {NULL, 0}, i};

        if (seen_has(ev, i))
            continue;
        if (!array)
            at.key = kh_str(v->members[i].key.p ? v->members[i].key.p : "", v->members[i].key.n);
        ok &= array ? child(r, n->rest_items, &v->items[i], &at, "unevaluatedItems")
                    : child(r, n->rest_members, &v->members[i].value, &at, "unevaluatedProperties");
    }
    return ok;
}

/* The rules of a node for a value of an allowed type. */
static bool check_rules(struct run *r, const struct node *n, const struct kh_json *v,
                        const struct path *p, struct seen *ev)
{
    bool ok = true;

    /* In-place applicators come last but for unevaluated*, which needs all of them. */
    if (v->type == KH_JSON_OBJECT && n->object)
        ok = check_object(r, n->object, v, p, ev);
    else if (v->type == KH_JSON_ARRAY && n->array)
        ok = check_array(r, n->array, v, p, ev);
    else if (v->type == KH_JSON_STRING && n->string)
        ok = check_string(r, n->string, v, p);
    else if (v->type == KH_JSON_NUMBER && n->number)
        ok = check_number(r, n->number, v, p);
    if (n->logic && (ok || r->issues))
        ok &= check_logic(r, n->logic, v, p, ev);
    return ok;
}

static bool check_with_rest(struct run *r, const struct node *n, const struct kh_json *v,
                            const struct path *p, struct seen *ev)
{
    struct seen own;
    size_t before = r->issues ? r->issues->n : 0;
    bool ok;

    seen_init(r, &own, v);
    ok = check_rules(r, n, v, p, &own);
    /* After a failure it is not certain what counts as evaluated; more issues would mislead. */
    if (!r->broken && (ok || (r->issues && r->issues->n == before)))
        ok &= check_rest(r, n, v, p, &own);
    if (ev)
        ev->all = true;
    return ok;
}

static bool check_node(struct run *r, const struct node *n, const struct kh_json *v,
                       const struct path *p, struct seen *ev)
{
    if (!type_ok(n, v))
        return r->issues ? say_type(r, p, n->types) : false;
    if ((n->rest_members && v->type == KH_JSON_OBJECT) ||
        (n->rest_items && v->type == KH_JSON_ARRAY))
        return check_with_rest(r, n, v, p, ev);
    return check_rules(r, n, v, p, ev);
}

static bool check(struct run *r, const struct node *n, const struct kh_json *v,
                  const struct path *p, struct seen *ev)
{
    bool ok;

    if (n->verdict == VERDICT_ALWAYS)
        return true;
    if (n->verdict == VERDICT_NEVER)
        return r->issues ? say_plain(r, p, "false") : false;
    if (!enter(r))
        return false;
    if (r->s->dynamic && (!r->scope || r->scope->resource != n->resource)) {
        struct scope scope = {n->resource, r->scope};

        r->scope = &scope;
        ok = check_node(r, n, v, p, ev);
        r->scope = scope.up;
    } else {
        ok = check_node(r, n, v, p, ev);
    }
    r->depth--;
    return ok;
}

bool kh_schema_check(const struct kh_schema *s, struct kh_arena *a, const struct kh_json *v,
                     struct kh_str at, struct kh_issues *issues)
{
    struct run r = {
        .s = s, .a = a, .issues = issues, .at = at, .value = v, .steps_max = STEPS_FREE};
    bool ok = check(&r, s->root, v, NULL, NULL);

    if (r.room.data)
        kh_regex_room_drop(&r.room);
    if (r.broken && issues)
        say_plain(&r, NULL, "limit");
    return ok && !r.broken;
}
