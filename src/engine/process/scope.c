/* SPDX-License-Identifier: Apache-2.0 */
/* What FEEL sees in a process: the variables, and by name case, who, now, task and result. */
#include "engine/process/run.h"

#include "base/id.h"
#include "base/time.h"

static const struct kh_json null_value = {.type = KH_JSON_NULL};

bool kh_run_case(struct kh_run *r, const struct kh_json **ret, struct kh_error *err)
{
    if (!r->about) {
        *ret = &null_value;
        return true;
    }
    return kh_case_fields(r->root, r->about, ret, err);
}

bool kh_run_case_title(struct kh_run *r, struct kh_str *ret_title, struct kh_str *ret_unit,
                       struct kh_error *err)
{
    const struct kh_json *fields;
    struct kh_str unit;

    *ret_title = *ret_unit = KH_S("");
    if (!kh_run_case(r, &fields, err))
        return false;
    if (fields->type != KH_JSON_OBJECT)
        return true;
    unit = kh_json_str(kh_json_get(kh_type_schema(r->case_type), "x-kh"), "unit", KH_S(""));
    if (unit.n && kh_json_is(kh_json_find(fields, unit), KH_JSON_STRING))
        *ret_unit = kh_json_find(fields, unit)->s;
    *ret_title = kh_record_title(r->root->a, &r->about->record);
    return true;
}

static struct kh_json *who_json(struct kh_arena *a, const struct kh_who *who)
{
    struct kh_json *o = kh_json_new(a, KH_JSON_OBJECT), *roles = kh_json_new(a, KH_JSON_ARRAY);

    kh_json_set(a, o, KH_S("account"),
                who->account ? kh_json_new_str(a, kh_id_text(a, who->account)) : &null_value);
    kh_json_set(a, o, KH_S("name"), kh_json_new_str(a, who->name));
    kh_json_set(a, o, KH_S("username"), kh_json_new_str(a, who->username));
    kh_json_set(a, o, KH_S("unit"), kh_json_new_str(a, who->unit));
    kh_json_set(a, o, KH_S("actor"), kh_json_new_str(a, who->actor));
    for (size_t i = 0; i < who->grants_n; i++)
        kh_json_push(a, roles, kh_json_new_str(a, who->grants[i].role));
    kh_json_set(a, o, KH_S("roles"), roles);
    return o;
}

static struct kh_json *instant_json(struct kh_arena *a, int64_t us)
{
    struct kh_json *o = kh_json_new(a, KH_JSON_OBJECT);

    kh_json_set(a, o, KH_S("@feel"), kh_json_new_str(a, KH_S("date and time")));
    kh_json_set(a, o, KH_S("value"), kh_json_new_str(a, kh_time_text(a, us)));
    return o;
}

/* The nearest token around here that has variables of its own; SIZE_MAX: none. */
static size_t owner(const struct kh_run *r, size_t token)
{
    while (r->owns && token != SIZE_MAX && !r->tokens[token].own)
        token = r->tokens[token].scope ? kh_run_token(r, r->tokens[token].scope) : SIZE_MAX;
    return r->owns ? token : SIZE_MAX;
}

struct kh_json *kh_run_vars(struct kh_run *r)
{
    size_t token = owner(r, r->here);

    return token == SIZE_MAX ? r->vars : r->tokens[token].own;
}

static void overlay(struct kh_arena *a, struct kh_json *on, const struct kh_json *more)
{
    for (uint32_t i = 0; i < more->n; i++)
        kh_json_set(a, on, more->members[i].key, &more->members[i].value);
}

/* What is nearer covers what is further out. */
static const struct kh_json *seen_from(struct kh_run *r, size_t token, const struct kh_json *more)
{
    struct kh_json *all;
    size_t chain[KH_RUN_DEPTH * 2], n = 0;

    for (token = owner(r, token); token != SIZE_MAX && n < KH_LEN(chain);) {
        int64_t scope = r->tokens[token].scope;

        chain[n++] = token;
        token = scope ? owner(r, kh_run_token(r, scope)) : SIZE_MAX;
    }
    if (n == 0 && !more)
        return r->vars;
    all = kh_json_new(r->root->a, KH_JSON_OBJECT);
    overlay(r->root->a, all, r->vars);
    while (n)
        overlay(r->root->a, all, r->tokens[chain[--n]].own);
    if (more)
        overlay(r->root->a, all, more);
    return all;
}

const struct kh_json *kh_run_seen(struct kh_run *r)
{
    return seen_from(r, r->here, NULL);
}

/* The variables and what the expression reads beyond them; a copy of the member list only. */
static bool make_scope(struct kh_run *r, unsigned reads, const struct kh_scope *s,
                       const struct kh_json **ret, struct kh_error *err)
{
    struct kh_arena *a = r->root->a;
    struct kh_json *o = kh_json_new(a, KH_JSON_OBJECT);
    const struct kh_json *fields, *vars = seen_from(r, r->here, s ? s->more : NULL);

    if (!reads) {
        *ret = vars;
        return true;
    }
    o->members = kh_new_n(a, (size_t)vars->n + 5, struct kh_json_member);
    for (o->n = 0; o->n < vars->n; o->n++)
        o->members[o->n] = vars->members[o->n];
    if (reads & KH_READS_CASE) {
        if (!kh_run_case(r, &fields, err))
            return false;
        o->members[o->n++] = (struct kh_json_member){KH_S("case"), *fields};
    }
    if (reads & KH_READS_WHO)
        o->members[o->n++] = (struct kh_json_member){KH_S("who"), *who_json(a, r->root->who)};
    if (reads & KH_READS_NOW)
        o->members[o->n++] =
            (struct kh_json_member){KH_S("now"), *instant_json(a, r->root->now_us)};
    if (reads & KH_READS_TASK)
        o->members[o->n++] =
            (struct kh_json_member){KH_S("task"), s && s->task ? *s->task : null_value};
    if (reads & KH_READS_RESULT)
        o->members[o->n++] =
            (struct kh_json_member){KH_S("result"), s && s->result ? *s->result : null_value};
    *ret = o;
    return true;
}

bool kh_run_eval(struct kh_run *r, const struct kh_expr *e, const struct kh_scope *s,
                 const struct kh_feel_value **ret, struct kh_error *err)
{
    struct kh_feel_env env = {.a = r->root->a, .now_us = r->root->now_us};
    const struct kh_json *scope;

    if (!make_scope(r, e->reads, s, &scope, err))
        return false;
    env.input = kh_feel_from_json(env.a, scope);
    return kh_feel_eval(e->feel, &env, ret, err) ||
           kh_error_wrap(err, "line %u, column %u", e->line, e->column);
}

bool kh_run_eval_json(struct kh_run *r, const struct kh_expr *e, const struct kh_scope *s,
                      bool tagged, const struct kh_json **ret, struct kh_error *err)
{
    const struct kh_feel_value *v;

    if (!kh_run_eval(r, e, s, &v, err))
        return false;
    *ret = kh_feel_to_json(r->root->a, v, tagged);
    return true;
}

bool kh_run_eval_text(struct kh_run *r, const struct kh_expr *e, struct kh_str *ret,
                      struct kh_error *err)
{
    const struct kh_json *v;

    if (!kh_run_eval_json(r, e, NULL, false, &v, err))
        return false;
    if (v->type == KH_JSON_STRING || v->type == KH_JSON_NUMBER)
        *ret = v->s;
    else if (v->type == KH_JSON_NULL)
        *ret = KH_S("");
    else
        return kh_fail(err, KH_EC_PROCESS_STUCK, "line %u, column %u: a text is needed", e->line,
                       e->column);
    return true;
}

bool kh_run_inputs(struct kh_run *r, const struct kh_node *n, struct kh_json **ret,
                   struct kh_error *err)
{
    struct kh_json *o = kh_json_new(r->root->a, KH_JSON_OBJECT);

    for (unsigned i = 0; i < n->inputs_n; i++) {
        const struct kh_json *v;

        if (!kh_run_eval_json(r, &n->inputs[i].value, NULL, false, &v, err))
            return kh_error_wrap(err, "input %.*s", KH_FMT(n->inputs[i].name));
        kh_json_set(r->root->a, o, n->inputs[i].name, v);
    }
    *ret = o;
    return true;
}
