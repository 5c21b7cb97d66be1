/* SPDX-License-Identifier: Apache-2.0 */
/* Evaluating elements: what they need first, in order, by an explicit stack. */
#include "engine/process/dmn/model.h"

#include "engine/process/feel/when.h"

/* Values of the elements in one evaluation, or inside one call of a service. */
struct scene {
    const struct kh_dmn *model;
    struct kh_feel_value *values;
    uint8_t *done;
    const struct kh_json *inputs; /* NULL inside a service: what is not given is null */
};

/* ---- input data ---- */

/* Plain text for a temporal type: JSON has no other way to say it without a tag. */
static struct kh_feel_value read_temporal(const struct feel_type *t, struct kh_feel_value v)
{
    struct kh_feel_value got;

    t = feel_type_bare(t);
    if (!t || t->kind != FEEL_T_SIMPLE || v.kind != KH_FEEL_STRING)
        return v;
    if (t->simple == KH_FEEL_DATE && feel_date_parse(v.s, &got))
        return got;
    if (t->simple == KH_FEEL_TIME && feel_time_parse(v.s, &got))
        return got;
    if (t->simple == KH_FEEL_DATE_TIME && feel_date_time_parse(v.s, &got))
        return got;
    if ((t->simple == KH_FEEL_YM_DURATION || t->simple == KH_FEEL_DT_DURATION) &&
        feel_duration_parse(v.s, &got) && got.kind == t->simple)
        return got;
    return v;
}

static struct kh_feel_value read_input(struct kh_arena *a, const struct feel_type *t,
                                       struct kh_feel_value v, int depth);

/* Entries by the components of the type: one that the JSON leaves out is null. */
static struct kh_feel_value read_context(struct kh_arena *a, const struct feel_type *t,
                                         struct kh_feel_value v, int depth)
{
    struct feel_entry *entries = kh_new_n(a, v.n + t->fields_n, struct feel_entry);
    size_t n = v.n;

    for (size_t i = 0; i < v.n; i++)
        entries[i] = feel_entry_at(v, i);
    for (size_t k = 0; k < t->fields_n; k++) {
        size_t i = 0;

        while (i < v.n && !kh_str_eq(entries[i].key, t->fields[k].name))
            i++;
        if (i < v.n)
            entries[i].value = read_input(a, t->fields[k].type, entries[i].value, depth + 1);
        else
            entries[n++] = (struct feel_entry){t->fields[k].name, feel_null()};
    }
    return feel_context(entries, n);
}

/* Same for what a list or a context holds. Depth is bounded by the types. */
static struct kh_feel_value read_input(struct kh_arena *a, const struct feel_type *t,
                                       struct kh_feel_value v, int depth)
{
    const struct feel_type *bare = feel_type_bare(t);

    if (!bare || depth > 32)
        return v;
    if (bare->kind == FEEL_T_LIST && v.kind == KH_FEEL_LIST) {
        struct kh_feel_value *items = kh_new_n(a, v.n, struct kh_feel_value);

        for (size_t i = 0; i < v.n; i++)
            items[i] = read_input(a, bare->of, feel_at(v, i), depth + 1);
        return feel_list(items, v.n);
    }
    if (bare->kind == FEEL_T_LIST)
        return read_input(a, bare->of, v, depth + 1);
    if (bare->kind == FEEL_T_CONTEXT && v.kind == KH_FEEL_CONTEXT)
        return read_context(a, bare, v, depth);
    return read_temporal(t, v);
}

/* Give a value to an element, made to fit its type. */
static void put(struct feel_run *r, struct scene *s, uint32_t i, struct kh_feel_value v)
{
    const struct dmn_element *e = &s->model->elements[i];
    struct kh_str where = r->where;

    v.set = 0;
    r->where = e->id;
    if (e->type && e->kind != DMN_BKM && !feel_type_coerce(r, e->type, v, &v)) {
        feel_note(r, dmn_at(e->xml), "type", "The value does not fit its type",
                  "Giá trị không đúng kiểu", e->name);
        v = feel_null();
    }
    r->where = where;
    s->values[i] = v;
    s->done[i] = 1;
}

/* inputs."Import"."Name": the path of imports from the model itself to the file of the element. */
static const struct kh_json *find_input(const struct dmn_file *at, const struct kh_json *inputs,
                                        const struct dmn_element *e, int depth)
{
    const struct kh_json *v = NULL;

    if (!inputs || inputs->type != KH_JSON_OBJECT || depth > 8)
        return NULL;
    if (at == e->file)
        return kh_json_find(inputs, e->name);
    for (size_t i = 0; i < at->imports_n && !v; i++) {
        const struct dmn_import *im = &at->imports[i];

        if (im->file)
            v = find_input(im->file, im->name.n ? kh_json_find(inputs, im->name) : inputs, e,
                           depth + 1);
    }
    return v;
}

static void put_input(struct feel_run *r, struct scene *s, uint32_t i)
{
    const struct dmn_element *e = &s->model->elements[i];
    const struct kh_json *v = find_input(&s->model->files[0], s->inputs, e, 0);

    if (!v && s->inputs)
        v = kh_json_find(s->inputs, e->name);
    put(r, s, i, v ? read_input(r->a, e->type, feel_json(v), 0) : feel_null());
}

/* ---- logic ---- */

/* What an import's name means to an element: a context of what it needs from there. */
static struct kh_feel_value import_value(struct feel_run *r, const struct scene *s,
                                         const struct dmn_element *e, const struct dmn_import *im)
{
    struct feel_entry *entries = kh_new_n(r->a, e->needs_n, struct feel_entry);
    size_t n = 0;

    for (size_t i = 0; i < e->needs_n; i++) {
        uint32_t k = e->needs[i].element;

        if (e->needs[i].import == im)
            entries[n++] = (struct feel_entry){s->model->elements[k].name, s->values[k]};
    }
    return feel_context(entries, n);
}

/* A function that calls itself holds itself among what it captured. */
static void tie(struct kh_feel_value v, struct kh_str name)
{
    if (v.kind != KH_FEEL_FUNCTION || v.fn->kind != FEEL_FN_CODE)
        return;
    for (size_t i = 0; i < v.fn->code->captures_n; i++)
        if (kh_str_eq(v.fn->code->captures[i].input, name))
            v.fn->captured[i] = v;
}

static bool run_logic(struct feel_run *r, struct scene *s, uint32_t i)
{
    const struct dmn_element *e = &s->model->elements[i];
    struct kh_feel_value *back = r->slots, v = feel_null();
    struct kh_str where = r->where;
    bool ok = true, self = false;

    if (e->logic) {
        r->where = e->id.n ? e->id : e->name;
        r->slots = kh_new_n(r->a, e->logic->slots, struct kh_feel_value);
        for (size_t k = 0; k < e->logic->vars_n; k++) {
            struct kh_feel_value *slot = &r->slots[e->logic->vars[k].slot];
            const struct dmn_bind *b = &e->binds[k];

            if (b->from == DMN_FROM_NOWHERE)
                continue;
            if (b->from == DMN_FROM_ELEMENT)
                *slot = s->values[b->element];
            else if (b->from == DMN_FROM_IMPORT)
                *slot = import_value(r, s, e, b->import);
            self = self || b->from == DMN_FROM_SELF;
            slot->set = 1;
        }
        ok = feel_ev(r, e->logic->root, &v);
        if (ok && self)
            tie(v, e->name);
        r->slots = back;
    }
    if (ok)
        put(r, s, i, v);
    r->where = where;
    return ok && feel_paid(r);
}

static bool make(struct feel_run *r, struct scene *s, uint32_t i)
{
    const struct dmn_element *e = &s->model->elements[i];

    switch (e->kind) {
    case DMN_INPUT:
        put_input(r, s, i);
        return true;
    case DMN_SERVICE:
        s->values[i] = (struct kh_feel_value){.kind = KH_FEEL_FUNCTION, .fn = e->fn};
        s->done[i] = 1;
        return true;
    case DMN_DECISION:
    case DMN_BKM:
        break;
    }
    return run_logic(r, s, i);
}

struct visit {
    uint32_t element;
    size_t next;
};

/* Make element `root` and before it what it needs. There are no cycles but of a function with
 * itself. */
static bool make_all(struct feel_run *r, struct scene *s, uint32_t root)
{
    struct visit *stack = kh_new_n(r->a, s->model->n + 1, struct visit);
    uint8_t *open = kh_alloc(r->a, s->model->n);
    size_t top = 0;

    if (s->done[root])
        return true;
    stack[top++] = (struct visit){root, 0};
    open[root] = 1;
    while (top) {
        struct visit *v = &stack[top - 1];
        const struct dmn_element *e = &s->model->elements[v->element];
        uint32_t to;

        if (v->next == e->needs_n) {
            if (!make(r, s, v->element))
                return false;
            top--;
            continue;
        }
        to = e->needs[v->next++].element;
        if (s->done[to] || open[to])
            continue;
        open[to] = 1;
        stack[top++] = (struct visit){to, 0};
    }
    return true;
}

/* ---- services ---- */

/* How much of the depth of an evaluation one call of a service takes. */
enum { SERVICE_DEPTH = 30 };

static bool service_result(struct feel_run *r, struct scene *s, const struct dmn_element *e,
                           struct kh_feel_value *ret)
{
    struct feel_entry *entries = kh_new_n(r->a, e->out_n, struct feel_entry);

    for (size_t i = 0; i < e->out_n; i++) {
        if (!make_all(r, s, e->out[i]))
            return false;
        entries[i] = (struct feel_entry){s->model->elements[e->out[i]].name, s->values[e->out[i]]};
    }
    if (e->out_n == 1)
        *ret = entries[0].value;
    else
        *ret = feel_context(entries, e->out_n);
    return true;
}

static void scene_init(struct scene *s, const struct kh_dmn *m, struct kh_arena *a,
                       const struct kh_json *inputs)
{
    *s = (struct scene){.model = m, .inputs = inputs};
    s->values = kh_new_n(a, m->n, struct kh_feel_value);
    s->done = kh_alloc(a, m->n);
}

bool dmn_call_service(struct feel_run *r, const void *service, const struct kh_feel_value *args,
                      struct kh_feel_value *ret)
{
    const struct dmn_element *e = service;
    const struct feel_type *t = feel_type_bare(e->type);
    struct scene s;
    bool ok;

    if (r->depth + SERVICE_DEPTH > FEEL_RUN_DEPTH)
        return kh_fail(r->err, KH_EC_FEEL_LIMIT, "services call each other too deeply");
    scene_init(&s, e->file->model, r->a, NULL);
    for (size_t i = 0; i < e->in_data_n; i++)
        put(r, &s, e->in_data[i], args[i]);
    for (size_t i = 0; i < e->in_decisions_n; i++)
        put(r, &s, e->in_decisions[i], args[e->in_data_n + i]);
    r->depth += SERVICE_DEPTH;
    ok = service_result(r, &s, e, ret);
    r->depth -= SERVICE_DEPTH;
    if (!ok)
        return false;
    if (t && t->kind == FEEL_T_FUNCTION)
        t = t->of;
    else
        t = e->type;
    if (t && !feel_type_coerce(r, t, *ret, ret)) {
        feel_note(r, dmn_at(e->xml), "type", "The value does not fit its type",
                  "Giá trị không đúng kiểu", e->name);
        *ret = feel_null();
    }
    return feel_paid(r);
}

/* ---- entry ---- */

static bool is_what(enum dmn_kind kind, enum kh_dmn_what what)
{
    switch (what) {
    case KH_DMN_ANY:
        return kind != DMN_INPUT;
    case KH_DMN_DECISION:
        return kind == DMN_DECISION;
    case KH_DMN_SERVICE:
        return kind == DMN_SERVICE;
    case KH_DMN_BKM:
        return kind == DMN_BKM;
    }
    return false;
}

/* By name or id; the model itself before what it imports. */
static bool find_named(const struct kh_dmn *m, const struct kh_dmn_call *call, uint32_t *ret)
{
    for (int pass = 0; pass < 4; pass++) {
        for (size_t i = 0; i < m->n; i++) {
            const struct dmn_element *e = &m->elements[i];
            bool own = e->file == &m->files[0];

            if (is_what(e->kind, call->what) && own == (pass < 2) &&
                kh_str_eq(pass % 2 ? e->id : e->name, call->name)) {
                *ret = (uint32_t)i;
                return true;
            }
        }
    }
    return false;
}

/* The one decision of the model that nothing else needs. */
static bool find_top(const struct kh_dmn *m, struct kh_arena *a, uint32_t *ret)
{
    uint8_t *needed = kh_alloc(a, m->n);
    size_t found = 0;

    for (size_t i = 0; i < m->n; i++)
        for (size_t k = 0; k < m->elements[i].needs_n; k++)
            needed[m->elements[i].needs[k].element] = 1;
    for (size_t i = 0; i < m->n; i++) {
        if (m->elements[i].kind == DMN_DECISION && m->elements[i].file == &m->files[0] &&
            !needed[i]) {
            *ret = (uint32_t)i;
            found++;
        }
    }
    return found == 1;
}

/* Arguments of a function by the names of its parameters, from the inputs. */
static bool call_function(struct feel_run *r, struct scene *s, uint32_t i,
                          struct kh_feel_value *ret)
{
    struct kh_feel_value f = s->values[i], *args;
    const struct feel_param *params;
    size_t n;

    if (f.kind != KH_FEEL_FUNCTION || f.fn->kind == FEEL_FN_BUILTIN) {
        *ret = feel_null();
        return true;
    }
    params = f.fn->kind == FEEL_FN_CODE ? f.fn->code->params : f.fn->params;
    n = f.fn->kind == FEEL_FN_CODE ? f.fn->code->params_n : f.fn->params_n;
    args = kh_new_n(r->a, n, struct kh_feel_value);
    for (size_t k = 0; k < n; k++) {
        const struct kh_json *v = kh_json_find(s->inputs, params[k].name);

        if (!v && f.fn->kind == FEEL_FN_NATIVE) {
            const struct dmn_element *e = f.fn->ctx;
            uint32_t in = k < e->in_data_n ? e->in_data[k] : e->in_decisions[k - e->in_data_n];

            v = find_input(&s->model->files[0], s->inputs, &s->model->elements[in], 0);
        }
        if (v)
            args[k] = read_input(r->a, params[k].type, feel_json(v), 0);
    }
    return feel_apply(r, f, args, NULL, n, dmn_at(s->model->elements[i].xml), ret);
}

bool kh_dmn_eval(const struct kh_dmn *m, struct kh_arena *a, const struct kh_dmn_call *call,
                 const struct kh_json **ret_result, struct kh_issues *messages,
                 struct kh_error *err)
{
    struct kh_feel_env env = {
        .a = a, .now_us = call->now_us, .step_limit = call->step_limit, .messages = messages};
    struct kh_feel_value *v = kh_new(a, struct kh_feel_value);
    struct feel_run r;
    struct scene s;
    uint32_t i;

    if (call->name.n ? !find_named(m, call, &i) : !find_top(m, a, &i))
        return kh_fail(err, KH_EC_DECISION_UNKNOWN, "%.*s", KH_FMT(call->name));
    feel_run_init(&r, &env, err);
    r.table = dmn_eval_table;
    scene_init(&s, m, a, call->inputs);
    if (!make_all(&r, &s, i))
        return false;
    *v = s.values[i];
    if (m->elements[i].kind != DMN_DECISION && !call_function(&r, &s, i, v))
        return false;
    *ret_result = kh_feel_to_json(a, v, call->tagged);
    if (kh_arena_over(a))
        return kh_fail(err, KH_EC_ARENA_FULL, "evaluating a decision");
    return true;
}
