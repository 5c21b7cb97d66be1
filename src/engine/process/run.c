/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/process/run.h"
#include "store/event.h"

#include "base/id.h"
#include "base/time.h"

void kh_root_init(struct kh_root *root, struct kh_tx *tx, struct kh_process *pe, struct kh_arena *a,
                  const struct kh_who *who)
{
    *root = (struct kh_root){.tx = tx, .a = a, .pe = pe, .who = who, .now_us = kh_now_us()};
    root->last = &root->first;
}

/* ---- tokens ---- */

size_t kh_run_token(const struct kh_run *r, int64_t id)
{
    for (size_t i = 0; i < r->tokens_n; i++)
        if (!r->tokens[i].gone && r->tokens[i].id == id)
            return i;
    return SIZE_MAX;
}

size_t kh_run_add_token(struct kh_run *r, int node, int64_t scope)
{
    r->tokens = kh_grow(r->root->a, r->tokens, r->tokens_n, r->tokens_n + 1, &r->tokens_cap,
                        sizeof(*r->tokens));
    r->tokens[r->tokens_n] = (struct kh_token){
        .id = ++r->counter, .node = node, .scope = scope, .since_us = r->root->now_us, .slot = -1};
    return r->tokens_n++;
}

void kh_run_make_ready(struct kh_run *r, size_t token)
{
    r->ready =
        kh_grow(r->root->a, r->ready, r->ready_n, r->ready_n + 1, &r->ready_cap, sizeof(*r->ready));
    r->ready[r->ready_n++] = token;
}

/* Where a token waits for others to come. */
static bool meets(const struct kh_node *n)
{
    return (n->kind == KH_N_PARALLEL || n->kind == KH_N_INCLUSIVE) && n->in_n > 1;
}

void kh_run_follow(struct kh_run *r, size_t token, const struct kh_flow *f)
{
    struct kh_token *t = &r->tokens[token];

    t->node = f->to;
    t->slot = meets(&r->p->nodes[f->to]) ? (int)f->slot : -1;
    t->since_us = r->root->now_us;
    t->ref = 0;
    t->lit = t->lit_inside = t->risen = t->risen_inside = 0;
    kh_run_make_ready(r, token);
}

void kh_run_fan_out(struct kh_run *r, size_t token)
{
    const struct kh_node *n = &r->p->nodes[r->tokens[token].node];
    int64_t scope = r->tokens[token].scope;

    for (unsigned i = 0; i < n->out_n; i++) {
        const struct kh_flow *f = &r->p->flows[r->p->out[n->out_first + i]];

        kh_run_follow(r, i == 0 ? token : kh_run_add_token(r, f->to, scope), f);
    }
}

bool kh_run_leave(struct kh_run *r, size_t token, struct kh_error *err)
{
    const struct kh_node *n = &r->p->nodes[r->tokens[token].node];
    bool waits = false;

    r->here = token;
    if (r->tokens[token].role == KH_T_UNDO) {
        if (!kh_undo_next(r, token, &waits, err))
            return false;
        if (waits)
            return true;
    }
    if (!kh_step_clear(r, token, err))
        return false;
    if (r->p->undoes && !kh_undo_remember(r, token, err))
        return false;
    if (r->tokens[token].role == KH_T_ITEM)
        return kh_loop_next(r, token, err);
    if (n->out_n == 0)
        return kh_run_end(r, token, err);
    kh_run_fan_out(r, token);
    return true;
}

/* The last token of a scope has gone: the sub-process, or the instance, is over. */
static bool scope_over(struct kh_run *r, int64_t scope, struct kh_error *err)
{
    size_t host;

    for (size_t i = 0; i < r->tokens_n; i++)
        if (!r->tokens[i].gone && r->tokens[i].scope == scope)
            return true;
    if (scope == 0) {
        if (r->row.state == KH_I_RUNNING)
            r->row.state = KH_I_ENDED;
        return true;
    }
    host = kh_run_token(r, scope);
    KH_REQUIRE(host != SIZE_MAX);
    return kh_run_leave(r, host, err);
}

bool kh_run_end(struct kh_run *r, size_t token, struct kh_error *err)
{
    r->tokens[token].gone = true;
    return scope_over(r, r->tokens[token].scope, err);
}

/* Terminate ends everything in its own scope; a sub-process then goes on as if it had ended. */
static bool terminate(struct kh_run *r, size_t token, struct kh_error *err)
{
    int64_t scope = r->tokens[token].scope;

    r->tokens[token].gone = true;
    kh_undo_forget(r, scope);
    if (!kh_step_cancel_inside(r, scope, err))
        return false;
    if (scope == 0)
        r->row.state = KH_I_TERMINATED;
    return scope_over(r, scope, err);
}

/* ---- moving ---- */

static bool enter_inside(struct kh_run *r, size_t token, struct kh_error *err)
{
    const struct kh_node *n = &r->p->nodes[r->tokens[token].node];
    bool waits = false;

    if (!kh_step_enter(r, token, &waits, err))
        return false;
    kh_run_make_ready(r, kh_run_add_token(r, n->start, r->tokens[token].id));
    return true;
}

static bool enter_throwing(struct kh_run *r, size_t token, struct kh_error *err)
{
    bool waits = false;

    if (!kh_throw_enter(r, token, &waits, err))
        return false;
    if (waits || r->tokens[token].gone)
        return true;
    return kh_run_leave(r, token, err);
}

static bool enter(struct kh_run *r, size_t token, struct kh_error *err)
{
    const struct kh_node *n = &r->p->nodes[r->tokens[token].node];
    bool waits = false;

    if (n->loop && r->tokens[token].role == KH_T_PLAIN)
        return kh_loop_begin(r, token, err);
    switch (n->kind) {
    case KH_N_START:
    case KH_N_BOUNDARY:
        kh_run_fan_out(r, token);
        return true;
    case KH_N_END:
        if (n->event == KH_EV_NONE)
            return kh_run_end(r, token, err);
        if (n->event == KH_EV_TERMINATE)
            return terminate(r, token, err);
        return enter_throwing(r, token, err);
    case KH_N_THROW:
        return enter_throwing(r, token, err);
    case KH_N_EXCLUSIVE:
        return kh_gateway_choose(r, token, err);
    case KH_N_PARALLEL:
        kh_gateway_join(r, token);
        return true;
    case KH_N_INCLUSIVE: /* where paths meet, kh_gateway_settle says when it goes on */
        return r->tokens[token].slot >= 0 || kh_gateway_split(r, token, err);
    case KH_N_SUB:
        return enter_inside(r, token, err);
    case KH_N_PASS:
        return kh_run_leave(r, token, err);
    case KH_N_SEND:
        return enter_throwing(r, token, err);
    case KH_N_USER:
    case KH_N_SERVICE:
    case KH_N_HTTP:
    case KH_N_SCRIPT:
    case KH_N_RULE:
    case KH_N_RECEIVE:
    case KH_N_CATCH:
    case KH_N_CHOICE:
    case KH_N_CALL:
        break;
    }
    if (!kh_step_enter(r, token, &waits, err))
        return false;
    return waits || kh_run_leave(r, token, err);
}

static bool write_run(struct kh_run *r, struct kh_error *err)
{
    if (r->row.state != KH_I_RUNNING)
        r->row.ended_us = r->root->now_us;
    if (!kh_run_data(r, &r->row.data))
        return kh_fail(err, KH_EC_PROCESS_STUCK, "the variables are larger than %d bytes",
                       KH_RUN_DATA_BYTES);
    if (!(r->fresh ? kh_instance_sql_add : kh_instance_sql_put)(r->root->tx, &r->row, err))
        return false;
    r->fresh = false;
    return true;
}

/* An ended instance that a call activity of another one waits for wakes that one. */
static bool wake_parent(struct kh_run *r, struct kh_error *err)
{
    struct kh_run *parent;
    size_t token;
    const struct kh_node *n;

    if (!r->row.parent_id || r->caller)
        return true;
    switch (kh_run_load(r->root, r->row.parent_id, &parent, err)) {
    case KH_FAIL:
        return false;
    case KH_MISS:
        return true;
    case KH_HIT:
        break;
    }
    token = kh_run_token(parent, r->row.parent_token);
    if (token == SIZE_MAX || parent->tokens[token].ref != r->row.id)
        return true;
    n = &parent->p->nodes[parent->tokens[token].node];
    parent->here = token;
    if (r->error.n)
        return kh_throw_error(parent, token, r->error, r->error_says, err) &&
               kh_run_go(parent, err);
    return kh_step_outputs(parent, n, r->vars, true, err) && kh_run_leave(parent, token, err) &&
           kh_run_go(parent, err);
}

/* Let tokens enter their nodes until there is none that moves. */
static bool move(struct kh_run *r, struct kh_error *err)
{
    while (r->ready_at < r->ready_n) {
        size_t token = r->ready[r->ready_at++];
        struct kh_str id;

        if (r->tokens[token].gone)
            continue;
        id = r->p->nodes[r->tokens[token].node].id;
        if (++r->root->steps > KH_RUN_STEPS)
            return kh_fail(err, KH_EC_PROCESS_STUCK, "more than %d steps without waiting, at %.*s",
                           KH_RUN_STEPS, KH_FMT(id));
        if (kh_arena_over(r->root->a))
            return kh_fail(err, KH_EC_ARENA_FULL, "process %.*s at %.*s", KH_FMT(r->p->key),
                           KH_FMT(id));
        r->here = token;
        if (!enter(r, token, err))
            return kh_error_wrap(err, "%.*s/%.*s", KH_FMT(r->p->key), KH_FMT(id));
    }
    return true;
}

/* What can be said only when nothing moves any more: inclusive joins, conditions. */
static bool settle(struct kh_run *r, bool *ret_moved, struct kh_error *err)
{
    *ret_moved = false;
    if (r->p->inclusive && !kh_gateway_settle(r, ret_moved, err))
        return false;
    return *ret_moved || !r->p->conditions || kh_conditions_look(r, ret_moved, err);
}

bool kh_run_go(struct kh_run *r, struct kh_error *err)
{
    bool moved;

    do
        if (!move(r, err) || !settle(r, &moved, err))
            return false;
    while (moved);
    if (!kh_gateway_check(r, err) || !kh_run_birth(r, err))
        return false;
    if (r->row.state != KH_I_RUNNING && r->p->armed && !kh_step_disarm(r, KH_TOP, r->p->armed, err))
        return false;
    if (!write_run(r, err))
        return false;
    if (r->row.state == KH_I_RUNNING)
        return true;
    return kh_run_event(r, "process.end", err) && wake_parent(r, err);
}

/* ---- beginning ---- */

bool kh_run_birth(struct kh_run *r, struct kh_error *err)
{
    if (!r->about || !r->about->unborn)
        return true;
    return kh_case_birth(r->root, r->about, err) && kh_run_event(r, "process.start", err);
}

static bool reserved(struct kh_str name)
{
    static const char *const names[] = {"case", "who", "now", "task", "result"};

    for (size_t i = 0; i < KH_LEN(names); i++)
        if (kh_str_is(name, names[i]))
            return true;
    return false;
}

bool kh_run_set(struct kh_run *r, const struct kh_json *object, enum kh_ec code,
                struct kh_error *err)
{
    struct kh_json *vars = kh_run_vars(r);

    if (!object || object->type == KH_JSON_NULL)
        return true;
    if (object->type != KH_JSON_OBJECT)
        return kh_fail(err, code, "variables are not an object");
    for (uint32_t i = 0; i < object->n; i++)
        if (reserved(object->members[i].key))
            return kh_fail(err, code, "a variable cannot be called %.*s",
                           KH_FMT(object->members[i].key));
    for (uint32_t i = 0; i < object->n; i++)
        kh_json_set(r->root->a, vars, object->members[i].key, &object->members[i].value);
    return true;
}

bool kh_run_event(struct kh_run *r, const char *kind, struct kh_error *err)
{
    static const char *const states[] = {"running", "ended", "terminated", "cancelled"};
    struct kh_buf b = kh_buf(r->root->a, 4096);
    struct kh_jw w = kh_jw(&b);
    struct kh_event e = {.at_us = r->root->now_us,
                         .kind = kh_cstr(kind),
                         .type = KH_S("process"),
                         .subject = r->row.id,
                         .about = r->row.case_id,
                         .level = 1,
                         .actor = r->root->who->actor};

    kh_jw_obj(&w);
    kh_jw_kstr(&w, "process", r->p->key);
    kh_jw_kint(&w, "version", r->p->version);
    if (r->row.state != KH_I_RUNNING)
        kh_jw_kz(&w, "state", states[r->row.state]);
    if (r->error.n)
        kh_jw_kstr(&w, "error", r->error);
    kh_jw_end(&w);
    e.data = kh_buf_get(&b);
    return kh_event_append(r->root->tx, &e, err);
}

bool kh_run_start(struct kh_root *root, const struct kh_program *p, int start,
                  const struct kh_type *case_type, int64_t case_id, const struct kh_json *variables,
                  struct kh_run *caller, int64_t token, struct kh_run **ret, struct kh_error *err)
{
    struct kh_run *r = kh_new(root->a, struct kh_run);

    if (start < 0)
        return kh_fail(err, KH_EC_PROCESS_INVALID, "%.*s has no plain start event", KH_FMT(p->key));
    if (root->depth >= KH_RUN_DEPTH)
        return kh_fail(err, KH_EC_PROCESS_STUCK, "more than %d calls inside each other",
                       KH_RUN_DEPTH);
    r->root = root;
    r->p = p;
    r->fresh = true;
    r->case_type = case_type;
    r->about = case_type && case_id ? kh_root_case(root, case_type, case_id) : NULL;
    r->caller = caller;
    r->here = SIZE_MAX;
    r->vars = kh_json_new(root->a, KH_JSON_OBJECT);
    r->row = (struct kh_instance_row){
        .id = kh_id_new(),
        .process_id = p->id,
        .case_type = case_type ? kh_type_name(case_type) : KH_S(""),
        .case_id = case_id,
        .parent_id = caller ? caller->row.id : 0,
        .parent_token = token,
        .started_us = root->now_us,
    };
    if (!kh_run_take(r, SIZE_MAX, start, variables, err))
        return false;
    /* The log tells of the record before it tells of its process. */
    if (!(r->about && r->about->unborn) && !kh_run_event(r, "process.start", err))
        return false;
    if (p->armed && (!kh_run_birth(r, err) || !kh_step_arm_inside(r, SIZE_MAX, err)))
        return false;
    kh_run_make_ready(r, kh_run_add_token(r, start, 0));
    root->depth++;
    if (!kh_run_go(r, err))
        return false;
    root->depth--;
    *ret = r;
    return true;
}

/* ---- reading ---- */

enum kh_hit kh_run_load(struct kh_root *root, int64_t id, struct kh_run **ret, struct kh_error *err)
{
    struct kh_run *r = kh_new(root->a, struct kh_run);
    enum kh_hit hit = kh_instance_sql_get(root->tx, root->a, id, true, &r->row, err);

    if (hit != KH_HIT)
        return hit;
    if (r->row.state != KH_I_RUNNING)
        return KH_MISS;
    r->root = root;
    r->case_type = r->row.case_type.n ? kh_type_find(root->pe->reg, r->row.case_type) : NULL;
    r->about =
        r->case_type && r->row.case_id ? kh_root_case(root, r->case_type, r->row.case_id) : NULL;
    if (!kh_program_get(root->tx, root->pe, r->row.process_id, &r->p, err) || !kh_run_parse(r, err))
        return KH_FAIL;
    *ret = r;
    return KH_HIT;
}

bool kh_root_finish(struct kh_root *root, struct kh_error *err)
{
    for (struct kh_pending *m = root->first; m; m = m->next) {
        int64_t delivered;
        bool good = m->event == KH_EV_SIGNAL       ? kh_signal_deliver(root, m, err)
                    : m->event == KH_EV_ESCALATION ? kh_throw_deliver(root, m, err)
                                                   : kh_message_deliver(root, m, &delivered, err);

        if (!good)
            return kh_error_wrap(err, "message %.*s", KH_FMT(m->name));
    }
    root->first = NULL;
    root->last = &root->first;
    return true;
}

bool kh_process_start(struct kh_tx *tx, struct kh_process *pe, struct kh_arena *a,
                      struct kh_str key, const struct kh_type *case_type, int64_t case_id,
                      const struct kh_json *variables, const struct kh_who *who,
                      int64_t *ret_instance, struct kh_error *err)
{
    const struct kh_program *p;
    struct kh_root root;
    struct kh_run *r;

    kh_root_init(&root, tx, pe, a, who);
    if (!kh_program_newest(tx, pe, key, &p, err) ||
        !kh_run_start(&root, p, p->start, case_type, case_id, variables, NULL, 0, &r, err) ||
        !kh_root_finish(&root, err))
        return false;
    *ret_instance = r->row.id;
    return true;
}
