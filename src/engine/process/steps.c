/* SPDX-License-Identifier: Apache-2.0 */
/* The nodes that work or wait: entering them, arming what sits on them, taking them back. */
#include "engine/process/run.h"
#include "store/process/signal_sql.h"

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
        kh_json_set(r->root->a, kh_run_vars(r), n->outputs[i].name, v);
    }
    if (n->result.n)
        kh_json_set(r->root->a, kh_run_vars(r), n->result, scope.result);
    if (n->outputs_n || n->result.n || !merge || scope.result->type == KH_JSON_NULL)
        return true;
    if (scope.result->type != KH_JSON_OBJECT)
        return kh_fail(err, KH_EC_PROCESS_STUCK, "the result is no context: kh:result names it");
    return kh_run_set(r, result, KH_EC_PROCESS_STUCK, err);
}

/* ---- work ---- */

/* A failure that left nothing behind, and whose code the model catches, is no failure. */
static bool caught(struct kh_run *r, size_t token, uint64_t writes, struct kh_error *err)
{
    const struct kh_error_info *info = kh_error_info(err->code);
    struct kh_str code = kh_cstr(info->name);
    struct kh_json *says;

    if (info->status >= 500 || kh_tx_writes(r->root->tx) != writes ||
        !kh_throw_caught(r, token, code))
        return false;
    says = kh_throw_says(r->root->a, code, kh_str_dup(r->root->a, kh_cstr(err->detail)));
    *err = (struct kh_error){0};
    return kh_throw_error(r, token, code, says, err);
}

static bool run_service(struct kh_run *r, size_t token, bool *ret_waits, struct kh_error *err)
{
    const struct kh_node *n = &r->p->nodes[r->tokens[token].node];
    const struct kh_service *s = kh_process_find_service(r->root->pe, n->function);
    struct kh_root *root = r->root;
    uint64_t writes = kh_tx_writes(root->tx);
    unsigned messages = root->messages, depth = root->depth;
    struct kh_own_step own = {
        .step = {.tx = root->tx,
                 .a = root->a,
                 .pe = root->pe,
                 .instance = r->row.id,
                 .case_id = r->row.case_id,
                 .case_type = r->case_type,
                 .who = root->who,
                 .variables = kh_run_seen(r)},
        .run = r,
    };
    struct kh_json *inputs, *outputs = NULL;

    if (!s)
        return kh_fail(err, KH_EC_PROCESS_STUCK, "no service function %.*s", KH_FMT(n->function));
    if (!kh_run_inputs(r, n, &inputs, err))
        return false;
    if (s->fn(&own.step, inputs, s->ctx, &outputs, err))
        return kh_step_outputs(r, n, outputs, false, err);
    root->depth = depth;
    *ret_waits = true; /* where the error was caught, the token has gone on from there */
    return (root->messages == messages && caught(r, token, writes, err)) ||
           kh_error_wrap(err, "%.*s", KH_FMT(n->function));
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
    struct kh_json *all = kh_json_dup(r->root->a, kh_run_seen(r));
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

static bool add_timer(struct kh_run *r, int64_t token, int node, int64_t due_us,
                      struct kh_str calendar, struct kh_error *err)
{
    const struct kh_node *n = &r->p->nodes[node];
    struct kh_job_row j = {.id = kh_id_new(),
                           .kind = n->kind == KH_N_BOUNDARY ? KH_JOB_BOUNDARY : KH_JOB_TIMER,
                           .due_us = due_us,
                           .instance = r->row.id,
                           .token = token,
                           .node = n->id,
                           .calendar = calendar,
                           .payload = KH_S("")};

    if (n->timing.how == KH_T_CYCLE)
        j.times = n->timing.times < 0 ? -1 : n->timing.times - 1;
    if (due_us <= r->root->now_us)
        kh_jobs_wake(r->root->pe, r->root->tx);
    return kh_job_sql_add(r->root->tx, &j, err);
}

static bool arm_timer(struct kh_run *r, int64_t token, int node, int64_t due_us,
                      struct kh_str calendar, struct kh_error *err)
{
    const struct kh_node *n = &r->p->nodes[node];
    int64_t at;

    if (!kh_timer_at(r, n, due_us, calendar, &at, err))
        return kh_error_wrap(err, "timer %.*s", KH_FMT(n->id));
    if (at != KH_FOREVER)
        return add_timer(r, token, node, at, n->timing.calendar.n ? n->timing.calendar : calendar,
                         err);
    /* Beside an activity it may never come; a token that waits for nothing else must not stand. */
    return n->kind != KH_N_CATCH ||
           kh_fail(err, KH_EC_PROCESS_STUCK, "%.*s has no time", KH_FMT(n->id));
}

bool kh_step_arm(struct kh_run *r, int64_t token, int node, int64_t due_us, struct kh_str calendar,
                 struct kh_error *err)
{
    switch (r->p->nodes[node].event) {
    case KH_EV_TIMER:
        return arm_timer(r, token, node, due_us, calendar, err);
    case KH_EV_MESSAGE:
        return kh_message_wait(r, token, node, err);
    case KH_EV_SIGNAL:
        return kh_signal_wait(r, token, node, err);
    case KH_EV_NONE: /* a receive task waits for a message */
        return r->p->nodes[node].kind != KH_N_RECEIVE || kh_message_wait(r, token, node, err);
    case KH_EV_CONDITION: /* looked at when the instance comes to rest */
    case KH_EV_ERROR:
    case KH_EV_ESCALATION:
    case KH_EV_COMPENSATE:
    case KH_EV_LINK:
    case KH_EV_TERMINATE:
        break;
    }
    return true;
}

bool kh_step_arm_boundary(struct kh_run *r, size_t token, int64_t due_us, struct kh_str calendar,
                          struct kh_error *err)
{
    const struct kh_node *host = &r->p->nodes[r->tokens[token].node];

    for (unsigned i = 0; r->tokens[token].role != KH_T_ITEM && i < host->boundary_n; i++)
        if (!kh_step_arm(r, r->tokens[token].id, (int)r->p->boundary[host->boundary_first + i],
                         due_us, calendar, err))
            return false;
    return true;
}

bool kh_step_arm_inside(struct kh_run *r, size_t token, struct kh_error *err)
{
    const struct kh_program *p = r->p;
    bool top = token == SIZE_MAX;
    unsigned first = top ? 0 : p->nodes[r->tokens[token].node].reacts_first;
    unsigned n = top ? p->reacts_top_n : p->nodes[r->tokens[token].node].reacts_n;

    for (unsigned i = 0; i < n; i++)
        if (!kh_step_arm(r, top ? KH_TOP : r->tokens[token].id,
                         p->nodes[p->reacts[first + i]].start, KH_FOREVER, KH_S(""), err))
            return false;
    return true;
}

static bool wait_for_person(struct kh_run *r, size_t token, struct kh_error *err)
{
    struct kh_str calendar = r->p->nodes[r->tokens[token].node].timing.calendar;
    int64_t due_us;

    return kh_task_create(r, token, &due_us, err) &&
           kh_step_arm_boundary(r, token, due_us, calendar, err);
}

static bool wait_for_message(struct kh_run *r, size_t token, struct kh_error *err)
{
    return kh_message_wait(r, r->tokens[token].id, r->tokens[token].node, err) &&
           kh_step_arm_boundary(r, token, KH_FOREVER, KH_S(""), err);
}

/* What happens first decides: all that stand behind the gateway wait on its token. */
static bool wait_for_first(struct kh_run *r, size_t token, struct kh_error *err)
{
    const struct kh_node *n = &r->p->nodes[r->tokens[token].node];

    for (unsigned i = 0; i < n->out_n; i++)
        if (!kh_step_arm(r, r->tokens[token].id, r->p->flows[r->p->out[n->out_first + i]].to,
                         KH_FOREVER, KH_S(""), err))
            return false;
    return true;
}

static bool go_inside(struct kh_run *r, size_t token, struct kh_error *err)
{
    return kh_step_arm_boundary(r, token, KH_FOREVER, KH_S(""), err) &&
           kh_step_arm_inside(r, token, err);
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
    return kh_job_sql_add(r->root->tx, &j, err) &&
           kh_step_arm_boundary(r, token, KH_FOREVER, KH_S(""), err);
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
    if (child->error.n) {
        *ret_waits = true;
        return kh_throw_error(r, token, child->error, child->error_says, err);
    }
    if (child->row.state != KH_I_RUNNING)
        return kh_step_outputs(r, n, child->vars, true, err);
    r->tokens[token].ref = child->row.id;
    *ret_waits = true;
    return kh_step_arm_boundary(r, token, KH_FOREVER, KH_S(""), err);
}

/* May the node be entered while the case is not stored yet? */
static bool is_early(const struct kh_run *r, const struct kh_node *n)
{
    const struct kh_service *s;

    if (n->kind == KH_N_SCRIPT || n->kind == KH_N_RULE)
        return true;
    s = n->kind == KH_N_SERVICE ? kh_process_find_service(r->root->pe, n->function) : NULL;
    /* Fields that were put on a record halfway could not be taken back where an error is caught. */
    return s && s->early && !r->p->catches;
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
    case KH_N_CATCH:
        return kh_step_arm(r, r->tokens[token].id, r->tokens[token].node, KH_FOREVER, KH_S(""),
                           err);
    case KH_N_HTTP:
        return wait_for_http(r, token, err);
    case KH_N_RECEIVE:
        return wait_for_message(r, token, err);
    case KH_N_CHOICE:
        return wait_for_first(r, token, err);
    case KH_N_SUB:
        return go_inside(r, token, err);
    case KH_N_CALL:
        *ret_waits = false;
        return call_process(r, token, ret_waits, err);
    case KH_N_SERVICE:
        *ret_waits = false;
        return run_service(r, token, ret_waits, err);
    case KH_N_SCRIPT:
        *ret_waits = false;
        return run_script(r, n, err);
    case KH_N_RULE:
        *ret_waits = false;
        return run_rule(r, n, err);
    case KH_N_START:
    case KH_N_END:
    case KH_N_THROW:
    case KH_N_BOUNDARY:
    case KH_N_SEND:
    case KH_N_PASS:
    case KH_N_EXCLUSIVE:
    case KH_N_PARALLEL:
    case KH_N_INCLUSIVE:
        break;
    }
    KH_REQUIRE(!"a node that neither works nor waits");
    return false;
}

/* ---- taking back ---- */

static bool has(unsigned kinds, enum kh_event_kind event)
{
    return (kinds & (1u << event)) != 0;
}

bool kh_step_disarm(struct kh_run *r, int64_t token, unsigned kinds, struct kh_error *err)
{
    struct kh_tx *tx = r->root->tx;

    return (!has(kinds, KH_EV_TIMER) || kh_job_sql_drop_of(tx, r->row.id, token, err)) &&
           (!has(kinds, KH_EV_MESSAGE) || kh_wait_sql_drop_of(tx, r->row.id, token, err)) &&
           (!has(kinds, KH_EV_SIGNAL) || kh_signal_sql_drop_of(tx, r->row.id, token, err));
}

/* The boundary events of a round sit on the activity as a whole; what reacts inside is its own. */
bool kh_step_clear(struct kh_run *r, size_t token, struct kh_error *err)
{
    const struct kh_node *host = &r->p->nodes[r->tokens[token].node];

    if (!host->armed || (r->tokens[token].role == KH_T_ITEM && !host->reacts_n))
        return true;
    return kh_step_disarm(r, r->tokens[token].id, host->armed, err);
}

bool kh_step_cancel_inside(struct kh_run *r, int64_t scope, struct kh_error *err)
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

/* ... and what was done there cannot be compensated any more. */
static bool cancel_all(struct kh_run *r, int64_t scope, struct kh_error *err)
{
    kh_undo_forget(r, scope);
    return kh_step_cancel_inside(r, scope, err);
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
    return kh_step_cancel_inside(child, 0, err) && kh_run_go(child, err);
}

bool kh_step_cancel(struct kh_run *r, size_t token, struct kh_error *err)
{
    const struct kh_token *t = &r->tokens[token];
    const struct kh_node *n = &r->p->nodes[t->node];
    int64_t id = t->id, ref = t->ref;

    if (!kh_step_clear(r, token, err))
        return false;
    if (t->role == KH_T_BODY || t->role == KH_T_UNDO)
        return cancel_all(r, id, err);
    switch (n->kind) {
    case KH_N_USER:
        return !ref || kh_task_cancel(r, ref, err);
    case KH_N_HTTP:
        return kh_job_sql_drop_of(r->root->tx, r->row.id, id, err);
    case KH_N_CATCH:
        return kh_step_disarm(r, id, 1u << n->event, err);
    case KH_N_RECEIVE:
        return kh_step_disarm(r, id, 1u << KH_EV_MESSAGE, err);
    case KH_N_SUB:
        return cancel_all(r, id, err);
    case KH_N_CALL:
        return !ref || cancel_child(r, ref, err);
    case KH_N_START:
    case KH_N_END:
    case KH_N_THROW:
    case KH_N_BOUNDARY:
    case KH_N_SERVICE:
    case KH_N_SCRIPT:
    case KH_N_RULE:
    case KH_N_SEND:
    case KH_N_PASS:
    case KH_N_EXCLUSIVE:
    case KH_N_PARALLEL:
    case KH_N_INCLUSIVE:
    case KH_N_CHOICE:
        break;
    }
    return true;
}
