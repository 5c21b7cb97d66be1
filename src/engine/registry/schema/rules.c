/* SPDX-License-Identifier: Apache-2.0 */
/* The keywords of one schema become the rules of its node, in groups by the type they are about. */
#include "engine/registry/schema/program.h"

#include "base/hash.h"

#include <stdlib.h>

enum { ENUM_SCAN = 8 };

/* ---- reading keywords ---- */

/* The value of a keyword if its vocabulary is in force. */
static const struct kh_json *keyword(const struct node *n, unsigned vocab, const char *name)
{
    return n->resource->vocab & vocab ? kh_json_get(n->source, name) : NULL;
}

static struct kh_str at_keyword(struct compiler *c, const struct node *n, const char *name)
{
    return kh_schema_below(c->a, n->where, kh_cstr(name));
}

static bool shape(struct compiler *c, const struct node *n, const char *name, const char *vi,
                  const char *en)
{
    return kh_schema_bad(c, n->resource, at_keyword(c, n, name), vi, en, KH_S(""));
}

/* A count; *ret keeps its default if the keyword is absent. @return whether it is there */
static bool count_of(struct compiler *c, const struct node *n, const char *name, uint64_t *ret)
{
    const struct kh_json *v = keyword(n, VOCAB_VALIDATION, name);
    struct kh_num num;
    int64_t i;

    if (!v)
        return false;
    if (v->type != KH_JSON_NUMBER || !kh_num_parse(v->s, &num) || num.neg || !kh_num_is_int(&num))
        return shape(c, n, name, "Phải là số nguyên không âm", "Must be an integer, 0 or more");
    *ret = kh_num_int(&num, &i) ? (uint64_t)i : UINT64_MAX;
    return true;
}

static bool number_of(struct compiler *c, const struct node *n, const char *name,
                      struct kh_num *ret, struct kh_str *ret_text)
{
    const struct kh_json *v = keyword(n, VOCAB_VALIDATION, name);

    if (!v)
        return false;
    if (v->type != KH_JSON_NUMBER || !kh_num_parse(v->s, ret))
        return shape(c, n, name, "Phải là một số", "Must be a number");
    *ret_text = v->s;
    return true;
}

static const struct node *schema_of(struct compiler *c, const struct node *n, unsigned vocab,
                                    const char *name)
{
    const struct kh_json *v = keyword(n, vocab, name);

    if (!v)
        return NULL;
    if (v->type == KH_JSON_ARRAY && strcmp(name, "items") == 0) {
        shape(c, n, name, "Danh sách lược đồ phải viết bằng prefixItems",
              "A list of schemas is written with prefixItems");
        return NULL;
    }
    return kh_schema_node(c, v, n->resource, at_keyword(c, n, name));
}

static struct list schemas_of(struct compiler *c, const struct node *n, const char *name)
{
    const struct kh_json *v = keyword(n, VOCAB_APPLICATOR, name);
    struct kh_str where;
    struct list l = {0};

    if (!v)
        return l;
    if (v->type != KH_JSON_ARRAY || v->n == 0) {
        shape(c, n, name, "Phải là một danh sách lược đồ, không rỗng",
              "Must be a list of schemas that is not empty");
        return l;
    }
    where = at_keyword(c, n, name);
    l.at = kh_alloc_n(c->a, v->n, sizeof(l.at[0]));
    l.n = v->n;
    for (uint32_t i = 0; i < v->n; i++)
        l.at[i] = kh_schema_node(c, &v->items[i], n->resource, kh_schema_below_n(c->a, where, i));
    return l;
}

/* The object under a keyword that maps names to something. */
static const struct kh_json *map_of(struct compiler *c, const struct node *n, unsigned vocab,
                                    const char *name)
{
    const struct kh_json *v = keyword(n, vocab, name);

    if (v && v->type != KH_JSON_OBJECT) {
        shape(c, n, name, "Phải là một đối tượng", "Must be an object");
        return NULL;
    }
    return v;
}

/* A list of different strings. */
static bool names_of(struct compiler *c, const struct node *n, const struct kh_json *v,
                     struct kh_str where, const struct kh_str **ret, uint32_t *ret_n)
{
    struct kh_str *names;
    bool ok = v->type == KH_JSON_ARRAY;

    names = kh_alloc_n(c->a, ok ? v->n : 0, sizeof(names[0]));
    for (uint32_t i = 0; ok && i < v->n; i++) {
        ok = v->items[i].type == KH_JSON_STRING;
        if (ok)
            names[i] = v->items[i].s;
    }
    if (!ok)
        return kh_schema_bad(c, n->resource, where, "Phải là một danh sách tên",
                             "Must be a list of names", KH_S(""));
    *ret = names;
    *ret_n = v->n;
    return true;
}

static bool compile_pattern(struct compiler *c, const struct node *n, struct kh_str text,
                            struct kh_str where, struct pattern *ret)
{
    struct kh_schema *s = c->s;
    const char *why = "";

    ret->text = text;
    if (!kh_regex_compile(c->scratch, text, &ret->regex, &why))
        return kh_schema_bad(c, n->resource, where, "Biểu thức chính quy sai: ",
                             "Not a regular expression of ECMA-262: ", kh_cstr(why));
    s->regexes = kh_grow(s->a, s->regexes, s->regexes_n, s->regexes_n + 1, &s->regexes_cap,
                         sizeof(struct kh_regex *));
    s->regexes[s->regexes_n++] = ret->regex;
    return true;
}

/* ---- groups of rules ---- */

static unsigned type_bit(struct kh_str name)
{
    static const struct {
        const char *name;
        unsigned bit;
    } rows[] = {
        {"null", 1U << KH_JSON_NULL},     {"boolean", 1U << KH_JSON_FALSE | 1U << KH_JSON_TRUE},
        {"number", 1U << KH_JSON_NUMBER}, {"integer", TYPE_INTEGER},
        {"string", 1U << KH_JSON_STRING}, {"array", 1U << KH_JSON_ARRAY},
        {"object", 1U << KH_JSON_OBJECT},
    };

    for (size_t i = 0; i < KH_LEN(rows); i++)
        if (kh_str_is(name, rows[i].name))
            return rows[i].bit;
    return 0;
}

static void fill_types(struct compiler *c, struct node *n)
{
    const struct kh_json *v = keyword(n, VOCAB_VALIDATION, "type");
    uint32_t count = kh_json_is(v, KH_JSON_ARRAY) ? v->n : 1;
    unsigned types = 0;

    if (!v)
        return;
    for (uint32_t i = 0; i < count; i++) {
        const struct kh_json *name = v->type == KH_JSON_ARRAY ? &v->items[i] : v;
        unsigned bit = kh_json_is(name, KH_JSON_STRING) ? type_bit(name->s) : 0;

        if (!bit) {
            shape(c, n, "type", "Không có kiểu này", "There is no such type");
            return;
        }
        types |= bit;
    }
    n->types = types;
}

static void fill_number(struct compiler *c, struct node *n)
{
    struct number_rules r = {0};

    r.has_max = number_of(c, n, "maximum", &r.max, &r.max_text);
    r.has_min = number_of(c, n, "minimum", &r.min, &r.min_text);
    r.has_under = number_of(c, n, "exclusiveMaximum", &r.under, &r.under_text);
    r.has_over = number_of(c, n, "exclusiveMinimum", &r.over, &r.over_text);
    r.has_multiple = number_of(c, n, "multipleOf", &r.multiple, &r.multiple_text);
    if (r.has_multiple && (r.multiple.neg || kh_num_zero(&r.multiple) ||
                           r.multiple.head.n + r.multiple.tail.n > KH_NUM_DIVISOR_DIGITS)) {
        r.has_multiple = shape(c, n, "multipleOf", "Phải là số dương, tối đa 100 chữ số",
                               "Must be above 0, of at most 100 digits");
    }
    if (r.has_max || r.has_min || r.has_under || r.has_over || r.has_multiple) {
        struct number_rules *own = kh_new(c->a, struct number_rules);

        *own = r;
        n->number = own;
    }
}

static void fill_string(struct compiler *c, struct node *n)
{
    struct string_rules r = {.max = UINT64_MAX};
    const struct kh_json *pattern = keyword(n, VOCAB_VALIDATION, "pattern");
    const struct kh_json *format = keyword(n, VOCAB_FORMAT, "format");
    bool any = count_of(c, n, "minLength", &r.min);

    any |= count_of(c, n, "maxLength", &r.max);
    if (pattern) {
        struct pattern *p = kh_new(c->a, struct pattern);

        if (pattern->type != KH_JSON_STRING)
            shape(c, n, "pattern", "Phải là chuỗi", "Must be a string");
        else if (compile_pattern(c, n, pattern->s, at_keyword(c, n, "pattern"), p))
            r.pattern = p;
    }
    if (format && format->type != KH_JSON_STRING)
        shape(c, n, "format", "Phải là chuỗi", "Must be a string");
    else if (format)
        r.format = kh_format_find(format->s);
    if (any || r.pattern || r.format) {
        struct string_rules *own = kh_new(c->a, struct string_rules);

        *own = r;
        n->string = own;
    }
}

static void fill_array(struct compiler *c, struct node *n)
{
    struct array_rules r = {.max = UINT64_MAX, .contains_min = 1, .contains_max = UINT64_MAX};
    const struct kh_json *unique = keyword(n, VOCAB_VALIDATION, "uniqueItems");
    struct list prefix = schemas_of(c, n, "prefixItems");
    bool any = count_of(c, n, "minItems", &r.min);

    any |= count_of(c, n, "maxItems", &r.max);
    (void)count_of(c, n, "minContains", &r.contains_min);
    (void)count_of(c, n, "maxContains", &r.contains_max);
    if (unique && unique->type != KH_JSON_TRUE && unique->type != KH_JSON_FALSE)
        shape(c, n, "uniqueItems", "Phải là true hoặc false", "Must be true or false");
    r.unique = kh_json_is(unique, KH_JSON_TRUE);
    r.prefix = prefix.at;
    r.prefix_n = prefix.n;
    r.rest = schema_of(c, n, VOCAB_APPLICATOR, "items");
    r.contains = schema_of(c, n, VOCAB_APPLICATOR, "contains");
    if (any || r.unique || r.prefix_n || r.rest || r.contains) {
        struct array_rules *own = kh_new(c->a, struct array_rules);

        *own = r;
        n->array = own;
    }
}

static struct property *property_at(struct object_rules *r, struct kh_str name)
{
    uint64_t h = name_hash(name);

    for (uint32_t i = (uint32_t)h;; i++) {
        struct property *p = &r->table[i & r->mask];

        if (!p->name.p || kh_str_eq(p->name, name)) {
            if (!p->name.p) {
                p->name = name.n ? name : KH_S("");
                p->hash = h;
                p->required = -1;
            }
            return p;
        }
    }
}

/* Declared and required names in one table, which is never more than half full. */
static void fill_table(struct compiler *c, struct node *n, struct object_rules *r)
{
    const struct kh_json *declared = map_of(c, n, VOCAB_APPLICATOR, "properties");
    const struct kh_json *required = keyword(n, VOCAB_VALIDATION, "required");
    struct kh_str where = at_keyword(c, n, "properties");
    uint32_t size = 4;

    if (required &&
        !names_of(c, n, required, at_keyword(c, n, "required"), &r->required, &r->required_n))
        required = NULL;
    if (!declared && !required)
        return;
    while (size < 2 * ((declared ? declared->n : 0) + r->required_n))
        size *= 2;
    r->mask = size - 1;
    r->table = kh_new_n(c->a, size, struct property);
    for (uint32_t i = 0; declared && i < declared->n; i++) {
        const struct kh_json_member *m = &declared->members[i];

        property_at(r, m->key)->node =
            kh_schema_node(c, &m->value, n->resource, kh_schema_below(c->a, where, m->key));
    }
    for (uint32_t i = 0; i < r->required_n; i++)
        property_at(r, r->required[i])->required = (int32_t)i;
}

static void fill_patterns(struct compiler *c, struct node *n, struct object_rules *r)
{
    const struct kh_json *v = map_of(c, n, VOCAB_APPLICATOR, "patternProperties");
    struct kh_str where = at_keyword(c, n, "patternProperties");
    struct pattern *all;

    if (!v || v->n == 0)
        return;
    all = kh_new_n(c->a, v->n, struct pattern);
    for (uint32_t i = 0; i < v->n; i++) {
        struct kh_str at = kh_schema_below(c->a, where, v->members[i].key);

        if (!compile_pattern(c, n, v->members[i].key, at, &all[i]))
            return;
        all[i].node = kh_schema_node(c, &v->members[i].value, n->resource, at);
    }
    r->patterns = all;
    r->patterns_n = v->n;
}

/* dependentRequired, dependentSchemas, and "dependencies" of former drafts, which was both. */
static void fill_dependencies(struct compiler *c, struct node *n, struct object_rules *r)
{
    static const char *const words[] = {"dependentRequired", "dependentSchemas", "dependencies"};
    const struct kh_json *v[3];
    struct dependency *all;
    uint32_t count = 0;

    v[0] = map_of(c, n, VOCAB_VALIDATION, words[0]);
    v[1] = map_of(c, n, VOCAB_APPLICATOR, words[1]);
    v[2] = map_of(c, n, VOCAB_APPLICATOR, words[2]);
    for (int k = 0; k < 3; k++)
        count += v[k] ? v[k]->n : 0;
    if (count == 0)
        return;
    all = kh_new_n(c->a, count, struct dependency);
    for (int k = 0; k < 3; k++) {
        struct kh_str where = at_keyword(c, n, words[k]);

        for (uint32_t i = 0; v[k] && i < v[k]->n; i++) {
            const struct kh_json_member *m = &v[k]->members[i];
            struct dependency *d = &all[r->dependencies_n++];
            struct kh_str at = kh_schema_below(c->a, where, m->key);

            d->name = m->key;
            if (k == 0 || (k == 2 && m->value.type == KH_JSON_ARRAY))
                (void)names_of(c, n, &m->value, at, &d->required, &d->required_n);
            else
                d->node = kh_schema_node(c, &m->value, n->resource, at);
        }
    }
    r->dependencies = all;
}

static void fill_object(struct compiler *c, struct node *n)
{
    struct object_rules r = {.max = UINT64_MAX};
    bool any = count_of(c, n, "minProperties", &r.min);

    any |= count_of(c, n, "maxProperties", &r.max);
    fill_table(c, n, &r);
    fill_patterns(c, n, &r);
    fill_dependencies(c, n, &r);
    r.additional = schema_of(c, n, VOCAB_APPLICATOR, "additionalProperties");
    r.names = schema_of(c, n, VOCAB_APPLICATOR, "propertyNames");
    if (any || r.table || r.patterns_n || r.dependencies_n || r.additional || r.names) {
        struct object_rules *own = kh_new(c->a, struct object_rules);

        *own = r;
        n->object = own;
    }
}

static const struct node *reference(struct compiler *c, struct node *n, const char *name,
                                    struct kh_str *ret_dynamic)
{
    const struct kh_json *v = kh_json_get(n->source, name);
    struct target t;

    *ret_dynamic = kh_str(NULL, 0);
    if (!v)
        return NULL;
    if (v->type != KH_JSON_STRING) {
        shape(c, n, name, "Phải là chuỗi", "Must be a string");
        return NULL;
    }
    if (!kh_schema_find(c, n->resource, v->s, at_keyword(c, n, name), &t))
        return NULL;
    if (t.anchor && t.anchor->dynamic)
        *ret_dynamic = t.anchor->name;
    return kh_schema_node(c, t.at, t.resource, t.where);
}

static void fill_choices(struct compiler *c, struct node *n, struct logic *l)
{
    const struct kh_json *v = keyword(n, VOCAB_VALIDATION, "enum");
    uint32_t size = 16;

    if (!v)
        return;
    if (v->type != KH_JSON_ARRAY) {
        shape(c, n, "enum", "Phải là một danh sách", "Must be a list");
        return;
    }
    l->choices.list = v;
    if (v->n <= ENUM_SCAN)
        return;
    while (size < 2 * v->n)
        size *= 2;
    l->choices.mask = size - 1;
    l->choices.table = kh_alloc_n(c->a, size, sizeof(l->choices.table[0]));
    for (uint32_t i = 0; i < v->n; i++) {
        uint32_t k = (uint32_t)kh_schema_hash(&v->items[i], c->s->seed);

        while (l->choices.table[k & l->choices.mask])
            k++;
        l->choices.table[k & l->choices.mask] = &v->items[i];
    }
}

static void fill_logic(struct compiler *c, struct node *n)
{
    struct logic l = {0}, none = {0};
    struct kh_str ignored;

    l.ref = reference(c, n, "$ref", &ignored);
    l.dynamic.fixed = reference(c, n, "$dynamicRef", &l.dynamic.name);
    if (l.dynamic.name.p)
        c->s->dynamic = true;
    l.all = schemas_of(c, n, "allOf");
    l.any = schemas_of(c, n, "anyOf");
    l.one = schemas_of(c, n, "oneOf");
    l.no = schema_of(c, n, VOCAB_APPLICATOR, "not");
    l.cond = schema_of(c, n, VOCAB_APPLICATOR, "if");
    l.then = schema_of(c, n, VOCAB_APPLICATOR, "then");
    l.otherwise = schema_of(c, n, VOCAB_APPLICATOR, "else");
    if (!l.cond)
        l.then = l.otherwise = NULL;
    l.same = keyword(n, VOCAB_VALIDATION, "const");
    fill_choices(c, n, &l);
    if (memcmp(&l, &none, sizeof(l)) != 0) {
        struct logic *own = kh_new(c->a, struct logic);

        *own = l;
        n->logic = own;
    }
}

/* What nothing points to is compiled all the same, so that its faults come to light. */
static void visit_rest(struct compiler *c, struct node *n)
{
    static const char *const words[] = {"$id", "$anchor", "$dynamicAnchor", "$schema", "$comment"};
    const struct kh_json *id = kh_json_get(n->source, "$id");

    for (size_t i = 0; i < KH_LEN(words); i++) {
        const struct kh_json *v = kh_json_get(n->source, words[i]);

        if (v && v->type != KH_JSON_STRING)
            shape(c, n, words[i], "Phải là chuỗi", "Must be a string");
    }
    if (kh_json_is(id, KH_JSON_STRING) && id->s.n && memchr(id->s.p, '#', id->s.n - 1))
        shape(c, n, "$id", "$id không được có phần sau #", "$id may not have a fragment");
    for (int k = 0; k < 2; k++) {
        const char *word = k ? "definitions" : "$defs";
        const struct kh_json *v = kh_json_get(n->source, word);
        struct kh_str where = at_keyword(c, n, word);

        if (v && v->type != KH_JSON_OBJECT)
            shape(c, n, word, "Phải là một đối tượng", "Must be an object");
        for (uint32_t i = 0; kh_json_is(v, KH_JSON_OBJECT) && i < v->n; i++)
            (void)kh_schema_node(c, &v->members[i].value, n->resource,
                           kh_schema_below(c->a, where, v->members[i].key));
    }
}

void kh_schema_fill(struct compiler *c, struct node *n)
{
    fill_types(c, n);
    fill_number(c, n);
    fill_string(c, n);
    fill_array(c, n);
    fill_object(c, n);
    fill_logic(c, n);
    n->rest_items = schema_of(c, n, VOCAB_UNEVALUATED, "unevaluatedItems");
    n->rest_members = schema_of(c, n, VOCAB_UNEVALUATED, "unevaluatedProperties");
    if (!n->resource->foreign)
        visit_rest(c, n);
    /* A schema without any rule is `true`. */
    if (n->types == TYPES_ALL && !n->number && !n->string && !n->array && !n->object && !n->logic &&
        !n->rest_items && !n->rest_members)
        n->verdict = VERDICT_ALWAYS;
}
