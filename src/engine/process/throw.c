/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events that an instance makes happen. Messages and signals go out and are delivered at the end of
 * the step. Errors and escalations go up: from the scope where they are thrown to the one around it,
 * and out of a called process to the call, until something catches them.
 */
#include "engine/process/run.h"

#include "base/id.h"

/* ---- who catches ---- */

/* Where an error or escalation is caught. */
struct catcher {
    int node;    /* boundary event, or start of an event sub-process; -1: nobody */
    size_t host; /* token that it belongs to; SIZE_MAX: the instance */
};

static bool takes(const struct kh_node *n, enum kh_event_kind event, struct kh_str code, bool any)
{
    return n->event == event && (any ? n->ref.n == 0 : kh_str_eq(n->ref, code));
}

/* Who names the code comes before who takes all. */
static int among_boundary(const struct kh_run *r, size_t token, enum kh_event_kind event,
                          struct kh_str code)
{
    const struct kh_node *n = &r->p->nodes[r->tokens[token].node];

    for (int any = 0; any < 2; any++)
        for (unsigned i = 0; i < n->boundary_n; i++)
            if (takes(&r->p->nodes[r->p->boundary[n->boundary_first + i]], event, code, any))
                return (int)r->p->boundary[n->boundary_first + i];
    return -1;
}

static int among_reacts(const struct kh_run *r, size_t host, enum kh_event_kind event,
                        struct kh_str code)
{
    const struct kh_program *p = r->p;
    const struct kh_node *n = host == SIZE_MAX ? NULL : &p->nodes[r->tokens[host].node];
    unsigned first = n ? n->reacts_first : 0, count = n ? n->reacts_n : p->reacts_top_n;

    if (count == 0 || kh_run_taken(r, n ? r->tokens[host].id : 0))
        return -1;
    for (int any = 0; any < 2; any++)
        for (unsigned i = 0; i < count; i++)
            if (takes(&p->nodes[p->nodes[p->reacts[first + i]].start], event, code, any))
                return p->nodes[p->reacts[first + i]].start;
    return -1;
}

/* From a token outwards. What an event sub-process throws, its neighbours do not catch: they are of
 * one rank, and could send it to and fro for ever. */
static struct catcher find(const struct kh_run *r, size_t token, enum kh_event_kind event,
                           struct kh_str code)
{
    struct catcher c = {.node = -1, .host = token};

    for (;;) {
        const struct kh_token *t = &r->tokens[c.host];
        bool skip = r->p->nodes[t->node].by_event || t->role == KH_T_ITEM;

        if (t->role != KH_T_ITEM)
            c.node = among_boundary(r, c.host, event, code);
        if (c.node >= 0)
            return c;
        c.host = t->scope ? kh_run_token(r, t->scope) : SIZE_MAX;
        if (!skip)
            c.node = among_reacts(r, c.host, event, code);
        if (c.node >= 0 || c.host == SIZE_MAX)
            return c;
    }
}

bool kh_throw_caught(const struct kh_run *r, size_t token, struct kh_str code)
{
    return r->p->catches && find(r, token, KH_EV_ERROR, code).node >= 0;
}

static bool fall_into(struct kh_run *r, const struct catcher *c, const struct kh_json *says,
                      struct kh_error *err)
{
    const struct kh_node *n = &r->p->nodes[c->node];

    r->here = c->host;
    return kh_step_outputs(r, n, says, false, err) && kh_run_happen(r, c->host, c->node, err);
}

/* ---- errors ---- */

struct kh_json *kh_throw_says(struct kh_arena *a, struct kh_str code, struct kh_str message)
{
    struct kh_json *o = kh_json_new(a, KH_JSON_OBJECT);

    kh_json_set(a, o, KH_S("code"), kh_json_new_str(a, code));
    if (message.n)
        kh_json_set(a, o, KH_S("message"), kh_json_new_str(a, message));
    return o;
}

/* Nothing in the instance catches it: it is over, and its caller hears of it. */
static bool end_by_error(struct kh_run *r, struct kh_str code, const struct kh_json *says,
                         struct kh_error *err)
{
    if (!kh_step_cancel_inside(r, 0, err))
        return false;
    r->row.state = KH_I_TERMINATED;
    r->error = code;
    r->error_says = says;
    return true;
}

bool kh_throw_error(struct kh_run *r, size_t token, struct kh_str code, const struct kh_json *says,
                    struct kh_error *err)
{
    struct catcher c = find(r, token, KH_EV_ERROR, code);

    return c.node >= 0 ? fall_into(r, &c, says, err) : end_by_error(r, code, says, err);
}

/* ---- escalations ---- */

static bool queue(struct kh_run *r, struct kh_pending *m, struct kh_error *err)
{
    return kh_message_send(r->root, m, err);
}

static bool escalate(struct kh_run *r, size_t token, struct kh_str code, const struct kh_json *says,
                     struct kh_error *err)
{
    struct catcher c = find(r, token, KH_EV_ESCALATION, code);
    struct kh_pending up = {.event = KH_EV_ESCALATION,
                            .instance = r->row.parent_id,
                            .token = r->row.parent_token,
                            .name = code,
                            .case_id = r->row.id,
                            .variables = says};

    if (c.node >= 0)
        return fall_into(r, &c, says, err);
    /* The caller may be in the middle of its own step: it hears of it when that has been written. */
    return !r->row.parent_id || queue(r, &up, err);
}

bool kh_throw_deliver(struct kh_root *root, const struct kh_pending *m, struct kh_error *err)
{
    struct kh_run *r;
    enum kh_hit hit = kh_run_load(root, m->instance, &r, err);
    size_t token;

    if (hit != KH_HIT)
        return hit == KH_MISS;
    token = kh_run_token(r, m->token);
    if (token == SIZE_MAX || (r->tokens[token].ref != 0 && r->tokens[token].ref != m->case_id))
        return true;
    return escalate(r, token, m->name, m->variables, err) && kh_run_go(r, err);
}

/* ---- messages ---- */

static bool send(struct kh_run *r, const struct kh_node *n, struct kh_error *err)
{
    struct kh_pending m = {.event = n->event, .name = n->ref};
    struct kh_str about = KH_S("");
    struct kh_json *variables;

    if (n->correlation.feel && !kh_run_eval_text(r, &n->correlation, &m.correlation, err))
        return kh_error_wrap(err, "correlation");
    if (n->about.feel && !kh_run_eval_text(r, &n->about, &about, err))
        return kh_error_wrap(err, "case");
    if (about.n && !kh_id_parse(about, &m.case_id))
        return kh_fail(err, KH_EC_PROCESS_STUCK, "kh:case is no id");
    if (!n->about.feel && !m.correlation.n)
        m.case_id = r->row.case_id;
    if (!kh_run_inputs(r, n, &variables, err))
        return false;
    m.variables = n->inputs_n ? variables : NULL;
    return queue(r, &m, err);
}

/* What goes up with an error or escalation: its code and what the model puts beside it. */
static bool thrown(struct kh_run *r, const struct kh_node *n, struct kh_json **ret,
                   struct kh_error *err)
{
    struct kh_json *inputs;

    if (!kh_run_inputs(r, n, &inputs, err))
        return false;
    kh_json_set(r->root->a, inputs, KH_S("code"), kh_json_new_str(r->root->a, n->ref));
    *ret = inputs;
    return true;
}

static bool throw_error(struct kh_run *r, size_t token, const struct kh_node *n,
                        struct kh_error *err)
{
    struct kh_json *says;
    struct catcher c;

    if (!thrown(r, n, &says, err))
        return false;
    c = find(r, token, KH_EV_ERROR, n->ref);
    r->tokens[token].gone = true;
    return c.node >= 0 ? fall_into(r, &c, says, err) : end_by_error(r, n->ref, says, err);
}

bool kh_throw_enter(struct kh_run *r, size_t token, bool *ret_waits, struct kh_error *err)
{
    const struct kh_node *n = &r->p->nodes[r->tokens[token].node];
    struct kh_json *says;

    /* Whoever gets it may look for the case. */
    if (!kh_run_birth(r, err))
        return false;
    switch (n->event) {
    case KH_EV_NONE:
        return n->kind != KH_N_SEND || send(r, n, err);
    case KH_EV_MESSAGE:
    case KH_EV_SIGNAL:
        return send(r, n, err);
    case KH_EV_ESCALATION:
        return thrown(r, n, &says, err) && escalate(r, token, n->ref, says, err);
    case KH_EV_ERROR:
        *ret_waits = true;
        return throw_error(r, token, n, err);
    case KH_EV_COMPENSATE:
        return kh_undo_begin(r, token, ret_waits, err);
    case KH_EV_LINK:
        r->tokens[token].node = n->target;
        return true;
    case KH_EV_TIMER:
    case KH_EV_CONDITION:
    case KH_EV_TERMINATE:
        break;
    }
    KH_REQUIRE(!"an event that nobody throws");
    return false;
}
