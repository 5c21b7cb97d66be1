/* SPDX-License-Identifier: Apache-2.0 */
/* The nodes that work or wait: entering them, arming what sits on them, taking them back. */
#include "engine/process/run.h"

#include "base/id.h"
#include "base/time.h"

/* ---- results ---- */

bool kh_step_outputs(struct kh_run *r, const struct kh_node *n, const struct kh_json *result,
                     bool merge, struct kh_error *err)
{
    static const struct kh_json null = {.type = KH_JSON_NULL};
    struct kh_scope scope = {.result = result ? result : &null};

    for (unsigned i = 0; i < n->outputs_n; i++) {
        const struct kh_json *v;

        if (!kh_run_eval_json(r, &n->outputs[i].value, &scope, true, &v, err))
            return kh_error_wrap(err, "output %.*s", KH_FMT(n->outputs[i].name));
        kh_json_set(r->root->a, r->vars, n->outputs[i].name, v);
    }
    if (n->result.n)
        kh_json_set(r->root->a, r->vars, n->result, scope.result);
    if (n->outputs_n || n->result.n || !merge || scope.result->type == KH_JSON_NULL)
        return true;
    if (scope.result->type != KH_JSON_OBJECT)
        return kh_fail(err, KH_EC_PROCESS_STUCK, "the result is no context: kh:result names it");
    return kh_run_set(r, result, KH_EC_PROCESS_STUCK, err);
}

/* ---- work ---- */

static bool run_service(struct kh_run *r, const struct kh_node *n, struct kh_error *err)
{
    const struct kh_service *s = kh_process_find_service(r->root->pe, n->function);
    struct kh_own_step own = {
        .step = {.tx = r->root->tx,
                 .a = r->root->a,
                 .pe = r->root->pe,
                 .instance = r->row.id,
                 .case_id = r->row.case_id,
                 .case_type = r->case_type,
                 .who = r->root->who,
                 .variables = r->vars},
        .run = r,
    };
    struct kh_json *inputs, *outputs = NULL;

    if (!s)
        return kh_fail(err, KH_EC_PROCESS_STUCK, "no service function %.*s", KH_FMT(n->function));
    if (!kh_run_inputs(r, n, &inputs, err))
        return false;
    if (!s->fn(&own.step, inputs, s->ctx, &outputs, err))
        return kh_error_wrap(err, "%.*s", KH_FMT(n->function));
    return kh_step_outputs(r, n, outputs, false, err);
}

static bool run_script(struct kh_run *r, const struct kh_node *n, struct kh_error *err)
{
    const struct kh_json *v;

    return kh_run_eval_json(r, &n->script, NULL, true, &v, err) &&
           kh_step_outputs(r, n, v, true, err);
}

/* All that an expression would see, for a decision or a call without mappings. */
static bool whole_scope(struct kh_run *r, bool with_case, struct kh_json **ret,
                        struct kh_error *err)
{
    struct kh_json *all = kh_json_dup(r->root->a, r->vars);
    const struct kh_json *fields;

    if (with_case && r->row.case_id) {
        if (!kh_run_case(r, &fields, err))
            return false;
        kh_json_set(r->root->a, all, KH_S("case"), fields);
    }
    *ret = all;
    return true;
}

static bool run_rule(struct kh_run *r, const struct kh_node *n, struct kh_error *err)
{
    struct kh_issues messages = {0};
    const struct kh_json *result;
    struct kh_json *inputs;

    if (!(n->inputs_n ? kh_run_inputs(r, n, &inputs, err) : whole_scope(r, true, &inputs, err)))
        return false;
    if (!kh_decision_eval(r->root->pe, r->root->a, n->function, n->decision, inputs, &result,
                          &messages, err))
        return kh_error_wrap(err, "decision %.*s", KH_FMT(n->function));
    return kh_step_outputs(r, n, result, true, err);
}

/* ---- waiting ---- */

static bool add_timer(struct kh_run *r, size_t token, int node, enum kh_job_kind kind,
                      int64_t due_us, struct kh_str calendar, struct kh_error *err)
{
    const struct kh_node *n = &r->p->nodes[node];
    struct kh_job_row j = {.id = kh_id_new(),
                           .kind = kind,
                           .due_us = due_us,
                           .instance = r->row.id,
                           .token = r->tokens[token].id,
                           .node = n->id,
                           .calendar = calendar,
                           .payload = KH_S("")};

    if (n->timing.how == KH_T_CYCLE)
        j.times = n->timing.times < 0 ? -1 : n->timing.times - 1;
    if (due_us <= r->root->now_us)
        kh_jobs_wake(r->root->pe, r->root->tx);
    return kh_job_sql_add(r->root->tx, &j, err);
}

/* Arm the boundary events of an activity; due_us and calendar are those of its task. */
static bool arm(struct kh_run *r, size_t token, int64_t due_us, struct kh_str calendar,
                struct kh_error *err)
{
    const struct kh_node *host = &r->p->nodes[r->tokens[token].node];

    for (unsigned i = 0; i < host->boundary_n; i++) {
        int node = (int)r->p->boundary[host->boundary_first + i];
        const struct kh_node *n = &r->p->nodes[node];
        int64_t at;

        if (n->kind == KH_N_BOUNDARY_MESSAGE) {
            if (!kh_message_wait(r, token, node, err))
                return false;
            continue;
        }
        if (!kh_timer_at(r, n, due_us, calendar, &at, err))
            return kh_error_wrap(err, "timer %.*s", KH_FMT(n->id));
        if (at != KH_FOREVER &&
            !add_timer(r, token, node, KH_JOB_BOUNDARY, at,
                       n->timing.calendar.n ? n->timing.calendar : calendar, err))
            return false;
    }
    return true;
}

static bool wait_for_person(struct kh_run *r, size_t token, struct kh_error *err)
{
    struct kh_str calendar = r->p->nodes[r->tokens[token].node].timing.calendar;
    int64_t due_us;

    return kh_task_create(r, token, &due_us, err) && arm(r, token, due_us, calendar, err);
}

static bool wait_for_time(struct kh_run *r, size_t token, struct kh_error *err)
{
    int node = r->tokens[token].node;
    const struct kh_node *n = &r->p->nodes[node];
    int64_t at;

    if (!kh_timer_at(r, n, KH_FOREVER, KH_S(""), &at, err))
        return false;
    if (at == KH_FOREVER)
        return kh_fail(err, KH_EC_PROCESS_STUCK, "%.*s has no time", KH_FMT(n->id));
    return add_timer(r, token, node, KH_JOB_TIMER, at, n->timing.calendar, err);
}

static bool wait_for_http(struct kh_run *r, size_t token, struct kh_error *err)
{
    const struct kh_node *n = &r->p->nodes[r->tokens[token].node];
    struct kh_buf b = kh_buf(r->root->a, KH_RUN_DATA_BYTES);
    struct kh_jw w = kh_jw(&b);
    struct kh_job_row j = {.id = kh_id_new(),
                           .lane = KH_LANE_HTTP,
                           .kind = KH_JOB_HTTP,
                           .due_us = r->root->now_us,
                           .instance = r->row.id,
                           .token = r->tokens[token].id,
                           .node = n->id,
                           .calendar = KH_S("")};
    struct kh_str url = n->http->url;
    struct kh_json *inputs;

    if (n->http->url_expr.feel && !kh_run_eval_text(r, &n->http->url_expr, &url, err))
        return kh_error_wrap(err, "url");
    if (!kh_str_starts(url, KH_S("https://")) && !kh_str_starts(url, KH_S("http://")))
        return kh_fail(err, KH_EC_PROCESS_STUCK, "the url does not begin with http");
    if (!kh_run_inputs(r, n, &inputs, err))
        return false;
    kh_jw_obj(&w);
    kh_jw_kstr(&w, "url", url);
    if (n->inputs_n) {
        kh_jw_key(&w, "body");
        kh_jw_json(&w, inputs);
    }
    kh_jw_end(&w);
    if (b.full)
        return kh_fail(err, KH_EC_PROCESS_STUCK, "the request is larger than %d bytes",
                       KH_RUN_DATA_BYTES);
    j.payload = kh_buf_get(&b);
    kh_jobs_wake(r->root->pe, r->root->tx);
    return kh_job_sql_add(r->root->tx, &j, err) && arm(r, token, KH_FOREVER, KH_S(""), err);
}

static bool call_process(struct kh_run *r, size_t token, bool *ret_waits, struct kh_error *err)
{
    int64_t id = r->tokens[token].id;
    const struct kh_node *n = &r->p->nodes[r->tokens[token].node];
    const struct kh_program *p;
    struct kh_json *variables;
    struct kh_run *child;

    if (!kh_program_newest(r->root->tx, r->root->pe, n->function, &p, err))
        return false;
    if (!(n->inputs_n ? kh_run_inputs(r, n, &variables, err)
                      : whole_scope(r, false, &variables, err)))
        return false;
    if (!kh_run_start(r->root, p, p->start, r->case_type, r->row.case_id, variables, r, id, &child,
                      err))
        return false;
    child->caller = NULL;
    if (child->row.state != KH_I_RUNNING)
        return kh_step_outputs(r, n, child->vars, true, err);
    r->tokens[token].ref = child->row.id;
    *ret_waits = true;
    return arm(r, token, KH_FOREVER, KH_S(""), err);
}

/* May the node be entered while the case is not stored yet? */
static bool is_early(const struct kh_run *r, const struct kh_node *n)
{
    const struct kh_service *s;

    if (n->kind == KH_N_SCRIPT || n->kind == KH_N_RULE)
        return true;
    s = n->kind == KH_N_SERVICE ? kh_process_find_service(r->root->pe, n->function) : NULL;
    return s && s->early;
}

bool kh_step_enter(struct kh_run *r, size_t token, bool *ret_waits, struct kh_error *err)
{
    const struct kh_node *n = &r->p->nodes[r->tokens[token].node];

    if (r->about && r->about->unborn && !is_early(r, n) && !kh_run_birth(r, err))
        return false;
    *ret_waits = true;
    switch (n->kind) {
    case KH_N_USER:
        return wait_for_person(r, token, err);
    case KH_N_TIMER:
        return wait_for_time(r, token, err);
    case KH_N_HTTP:
        return wait_for_http(r, token, err);
    case KH_N_MESSAGE:
        return kh_message_wait(r, token, r->tokens[token].node, err);
    case KH_N_SUB:
        return arm(r, token, KH_FOREVER, KH_S(""), err);
    case KH_N_CALL:
        *ret_waits = false;
        return call_process(r, token, ret_waits, err);
    case KH_N_SERVICE:
        *ret_waits = false;
        return run_service(r, n, err);
    case KH_N_SCRIPT:
        *ret_waits = false;
        return run_script(r, n, err);
    case KH_N_RULE:
        *ret_waits = false;
        return run_rule(r, n, err);
    case KH_N_START:
    case KH_N_START_MESSAGE:
    case KH_N_END:
    case KH_N_TERMINATE:
    case KH_N_EXCLUSIVE:
    case KH_N_PARALLEL:
    case KH_N_BOUNDARY_TIMER:
    case KH_N_BOUNDARY_MESSAGE:
        break;
    }
    KH_REQUIRE(!"a node that neither works nor waits");
    return false;
}

/* ---- taking back ---- */

bool kh_step_clear(struct kh_run *r, size_t token, struct kh_error *err)
{
    const struct kh_node *host = &r->p->nodes[r->tokens[token].node];
    bool timers = false, messages = false;

    for (unsigned i = 0; i < host->boundary_n; i++) {
        const struct kh_node *n = &r->p->nodes[r->p->boundary[host->boundary_first + i]];

        timers = timers || n->kind == KH_N_BOUNDARY_TIMER;
        messages = messages || n->kind == KH_N_BOUNDARY_MESSAGE;
    }
    if (timers && !kh_job_sql_drop_of(r->root->tx, r->row.id, r->tokens[token].id, err))
        return false;
    return !messages || kh_wait_sql_drop_of(r->root->tx, r->row.id, r->tokens[token].id, err);
}

static bool cancel_inside(struct kh_run *r, int64_t scope, struct kh_error *err)
{
    for (size_t i = 0; i < r->tokens_n; i++) {
        if (r->tokens[i].gone || r->tokens[i].scope != scope)
            continue;
        if (!kh_step_cancel(r, i, err))
            return false;
        r->tokens[i].gone = true;
    }
    return true;
}

static bool cancel_child(struct kh_run *r, int64_t id, struct kh_error *err)
{
    struct kh_run *child;

    switch (kh_run_load(r->root, id, &child, err)) {
    case KH_FAIL:
        return false;
    case KH_MISS:
        return true;
    case KH_HIT:
        break;
    }
    child->caller = r; /* it is we who end it: nobody to wake */
    child->row.state = KH_I_CANCELLED;
    return cancel_inside(child, 0, err) && kh_run_go(child, err);
}

bool kh_step_cancel(struct kh_run *r, size_t token, struct kh_error *err)
{
    const struct kh_token *t = &r->tokens[token];
    const struct kh_node *n = &r->p->nodes[t->node];
    int64_t id = t->id, ref = t->ref;

    if (!kh_step_clear(r, token, err))
        return false;
    switch (n->kind) {
    case KH_N_USER:
        return kh_task_cancel(r, ref, err);
    case KH_N_TIMER:
    case KH_N_HTTP:
        return kh_job_sql_drop_of(r->root->tx, r->row.id, id, err);
    case KH_N_MESSAGE:
        return kh_wait_sql_drop_of(r->root->tx, r->row.id, id, err);
    case KH_N_SUB:
        return cancel_inside(r, id, err);
    case KH_N_CALL:
        return !ref || cancel_child(r, ref, err);
    case KH_N_START:
    case KH_N_START_MESSAGE:
    case KH_N_END:
    case KH_N_TERMINATE:
    case KH_N_SERVICE:
    case KH_N_SCRIPT:
    case KH_N_RULE:
    case KH_N_EXCLUSIVE:
    case KH_N_PARALLEL:
    case KH_N_BOUNDARY_TIMER:
    case KH_N_BOUNDARY_MESSAGE:
        break;
    }
    return true;
}
