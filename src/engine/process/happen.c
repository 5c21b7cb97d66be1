/* SPDX-License-Identifier: Apache-2.0 */
/* Events that reach an instance: what waited on a token, beside it, or on its scope. */
#include "engine/process/run.h"
#include "store/process/signal_sql.h"

bool kh_run_waits(const struct kh_run *r, int64_t id, int node, size_t *ret_token)
{
    if (node < 0)
        return false;
    *ret_token = id == KH_TOP ? SIZE_MAX : kh_run_token(r, id);
    return *ret_token != SIZE_MAX || (id == KH_TOP && r->p->nodes[node].kind == KH_N_START);
}

bool kh_run_take(struct kh_run *r, size_t token, int node, const struct kh_json *says,
                 struct kh_error *err)
{
    const struct kh_node *n = &r->p->nodes[node];

    r->here = token;
    return n->outputs_n ? kh_step_outputs(r, n, says, false, err)
                        : kh_run_set(r, says, KH_EC_BODY_INVALID, err);
}

bool kh_run_boundary(struct kh_run *r, size_t host, int node, struct kh_error *err)
{
    size_t token = host;

    if (!r->p->nodes[node].interrupting) {
        token = kh_run_add_token(r, node, r->tokens[host].scope);
    } else {
        if (!kh_step_cancel(r, host, err))
            return false;
        r->tokens[host].node = node;
        r->tokens[host].ref = 0;
        r->tokens[host].slot = -1;
        r->tokens[host].role = KH_T_PLAIN;
        r->tokens[host].more = NULL;
    }
    kh_run_fan_out(r, token);
    return true;
}

/* ---- event sub-processes ---- */

bool kh_run_taken(const struct kh_run *r, int64_t scope)
{
    for (size_t i = 0; i < r->tokens_n; i++) {
        const struct kh_node *n = &r->p->nodes[r->tokens[i].node];

        if (!r->tokens[i].gone && r->tokens[i].scope == scope && n->by_event &&
            r->p->nodes[n->start].interrupting)
            return true;
    }
    return false;
}

/* Those that could still have begun in the scope wait no longer. */
static bool disarm_others(struct kh_run *r, size_t host, struct kh_error *err)
{
    const struct kh_program *p = r->p;
    const struct kh_node *n = host == SIZE_MAX ? NULL : &p->nodes[r->tokens[host].node];
    unsigned first = n ? n->reacts_first : 0, count = n ? n->reacts_n : p->reacts_top_n;
    int64_t token = n ? r->tokens[host].id : KH_TOP;
    struct kh_tx *tx = r->root->tx;

    for (unsigned i = 0; i < count; i++) {
        const struct kh_node *start = &p->nodes[p->nodes[p->reacts[first + i]].start];
        bool good = true;

        if (start->event == KH_EV_TIMER)
            good = kh_job_sql_drop_at(tx, r->row.id, token, start->id, err);
        else if (start->event == KH_EV_MESSAGE)
            good = kh_wait_sql_drop_at(tx, r->row.id, token, start->id, err);
        else if (start->event == KH_EV_SIGNAL)
            good = kh_signal_sql_drop_at(tx, r->row.id, token, start->id, err);
        if (!good)
            return false;
    }
    return true;
}

bool kh_run_react(struct kh_run *r, size_t host, int start, struct kh_error *err)
{
    const struct kh_node *n = &r->p->nodes[start];
    int64_t scope = host == SIZE_MAX ? 0 : r->tokens[host].id;
    size_t sub;

    if (n->interrupting && (!kh_step_cancel_inside(r, scope, err) || !disarm_others(r, host, err)))
        return false;
    sub = kh_run_add_token(r, n->parent, scope);
    if (!kh_step_arm_inside(r, sub, err))
        return false;
    kh_run_fan_out(r, kh_run_add_token(r, start, r->tokens[sub].id));
    return true;
}

bool kh_run_happen(struct kh_run *r, size_t token, int node, struct kh_error *err)
{
    const struct kh_node *n = &r->p->nodes[node];

    r->here = token;
    if (n->kind == KH_N_BOUNDARY)
        return kh_run_boundary(r, token, node, err);
    if (n->kind == KH_N_START)
        return kh_run_react(r, token, node, err);
    if (r->p->nodes[r->tokens[token].node].kind == KH_N_CHOICE) {
        if (!kh_step_clear(r, token, err))
            return false;
        r->tokens[token].node = node;
    }
    return kh_run_leave(r, token, err);
}

/* ---- conditions ---- */

static bool holds(struct kh_run *r, size_t token, int node, bool *ret, struct kh_error *err)
{
    const struct kh_feel_value *v;

    /* Each look counts as a step: many conditions that wake each other come to an end. */
    if (++r->root->steps > KH_RUN_STEPS)
        return kh_fail(err, KH_EC_PROCESS_STUCK, "more than %d steps without waiting, at %.*s",
                       KH_RUN_STEPS, KH_FMT(r->p->nodes[node].id));
    r->here = token;
    if (!kh_run_eval(r, &r->p->nodes[node].condition, NULL, &v, err))
        return kh_error_wrap(err, "condition of %.*s", KH_FMT(r->p->nodes[node].id));
    *ret = kh_feel_is_true(v);
    return true;
}

/* A condition happens when it becomes true, not again while it stays so. All are looked at before any
 * happens: none is overlooked because another was faster. */
static bool note(struct kh_run *r, size_t token, int node, uint64_t *lit, uint64_t *risen,
                 unsigned place, struct kh_error *err)
{
    uint64_t bit = (uint64_t)1 << place;
    bool now;

    if (r->p->nodes[node].event != KH_EV_CONDITION)
        return true;
    if (!holds(r, token, node, &now, err))
        return false;
    if (now && !(*lit & bit))
        *risen |= bit;
    *lit = now ? *lit | bit : *lit & ~bit;
    return true;
}

/* The event sub-processes of a token's inside, or of the instance. */
static const unsigned *reacts_of(const struct kh_run *r, size_t token, unsigned *ret_n)
{
    const struct kh_node *n = token == SIZE_MAX ? NULL : &r->p->nodes[r->tokens[token].node];

    *ret_n = n ? n->reacts_n : r->p->reacts_top_n;
    return r->p->reacts + (n ? n->reacts_first : 0);
}

static bool note_inside(struct kh_run *r, size_t token, struct kh_error *err)
{
    bool top = token == SIZE_MAX;
    unsigned n;
    const unsigned *reacts = reacts_of(r, token, &n);
    uint64_t *lit = top ? &r->lit_inside : &r->tokens[token].lit_inside;
    uint64_t *risen = top ? &r->risen_inside : &r->tokens[token].risen_inside;

    *risen = 0;
    if (n == 0 || kh_run_taken(r, top ? 0 : r->tokens[token].id))
        return true;
    for (unsigned i = 0; i < n; i++)
        if (!note(r, token, r->p->nodes[reacts[i]].start, lit, risen, i, err))
            return false;
    return true;
}

static bool note_all(struct kh_run *r, struct kh_error *err)
{
    for (size_t k = 0; k < r->tokens_n; k++) {
        struct kh_token *t = &r->tokens[k];
        const struct kh_node *n = &r->p->nodes[t->node];

        t->risen = t->risen_inside = 0;
        if (t->gone)
            continue;
        for (unsigned i = 0; t->role != KH_T_ITEM && i < n->boundary_n; i++)
            if (!note(r, k, (int)r->p->boundary[n->boundary_first + i], &t->lit, &t->risen, i, err))
                return false;
        if (t->role != KH_T_BODY && !note_inside(r, k, err))
            return false;
    }
    return r->row.state != KH_I_RUNNING || note_inside(r, SIZE_MAX, err);
}

/* Conditions that a token itself waits for. */
static bool look_at(struct kh_run *r, size_t token, bool *ret_moved, struct kh_error *err)
{
    const struct kh_program *p = r->p;
    int at = r->tokens[token].node;
    const struct kh_node *n = &p->nodes[at];
    bool now = false;

    if (n->kind == KH_N_CATCH && n->event == KH_EV_CONDITION && !holds(r, token, at, &now, err))
        return false;
    for (unsigned i = 0; n->kind == KH_N_CHOICE && !now && i < n->out_n; i++) {
        at = p->flows[p->out[n->out_first + i]].to;
        if (p->nodes[at].event == KH_EV_CONDITION && !holds(r, token, at, &now, err))
            return false;
    }
    *ret_moved = *ret_moved || now;
    return !now || kh_run_happen(r, token, at, err);
}

/* Let what has risen beside a token happen; an event that interrupts is the last. */
static bool happen_beside(struct kh_run *r, size_t token, bool *ret_moved, struct kh_error *err)
{
    const struct kh_node *n = &r->p->nodes[r->tokens[token].node];
    uint64_t risen = r->tokens[token].risen;

    for (unsigned i = 0; risen && i < n->boundary_n; i++) {
        int node = (int)r->p->boundary[n->boundary_first + i];

        if (!(risen & ((uint64_t)1 << i)))
            continue;
        *ret_moved = true;
        if (!kh_run_happen(r, token, node, err))
            return false;
        if (r->p->nodes[node].interrupting)
            break;
    }
    return true;
}

static bool happen_inside(struct kh_run *r, size_t token, bool *ret_moved, struct kh_error *err)
{
    uint64_t risen = token == SIZE_MAX ? r->risen_inside : r->tokens[token].risen_inside;
    unsigned n;
    const unsigned *reacts = reacts_of(r, token, &n);

    for (unsigned i = 0; risen && i < n; i++) {
        int node = r->p->nodes[reacts[i]].start;

        if (!(risen & ((uint64_t)1 << i)))
            continue;
        *ret_moved = true;
        if (!kh_run_happen(r, token, node, err))
            return false;
        if (r->p->nodes[node].interrupting)
            break;
    }
    return true;
}

bool kh_conditions_look(struct kh_run *r, bool *ret_moved, struct kh_error *err)
{
    size_t n = r->tokens_n;

    *ret_moved = false;
    if (!note_all(r, err))
        return false;
    /* From the outside in: what an event interrupts is gone, and its own events with it. */
    if (r->row.state == KH_I_RUNNING && !happen_inside(r, SIZE_MAX, ret_moved, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        int node = r->tokens[i].node;

        if (!r->tokens[i].gone && !happen_beside(r, i, ret_moved, err))
            return false;
        if (r->tokens[i].gone || r->tokens[i].node != node)
            continue;
        if (!happen_inside(r, i, ret_moved, err) || !look_at(r, i, ret_moved, err))
            return false;
    }
    return true;
}
