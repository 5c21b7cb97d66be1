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

    r->here = token;
    if (!kh_run_eval(r, &r->p->nodes[node].condition, NULL, &v, err))
        return kh_error_wrap(err, "condition of %.*s", KH_FMT(r->p->nodes[node].id));
    *ret = kh_feel_is_true(v);
    return true;
}

/* A condition happens when it becomes true, not again while it stays so. */
static bool rises(struct kh_run *r, size_t token, int node, uint64_t *lit, unsigned place,
                  bool *ret_moved, struct kh_error *err)
{
    uint64_t bit = (uint64_t)1 << place;
    bool was = (*lit & bit) != 0, now;

    if (!holds(r, token, node, &now, err))
        return false;
    *lit = now ? *lit | bit : *lit & ~bit;
    if (!now || was)
        return true;
    *ret_moved = true;
    return kh_run_happen(r, token, node, err);
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
    *ret_moved = now;
    return !now || kh_run_happen(r, token, at, err);
}

/* Conditions beside a token, and of event sub-processes inside it. */
static bool look_around(struct kh_run *r, size_t token, bool *ret_moved, struct kh_error *err)
{
    const struct kh_program *p = r->p;
    const struct kh_node *n = &p->nodes[r->tokens[token].node];
    bool item = r->tokens[token].role == KH_T_ITEM, body = r->tokens[token].role == KH_T_BODY;

    for (unsigned i = 0; !item && !*ret_moved && i < n->boundary_n; i++) {
        int node = (int)p->boundary[n->boundary_first + i];

        if (p->nodes[node].event == KH_EV_CONDITION &&
            !rises(r, token, node, &r->tokens[token].lit, i, ret_moved, err))
            return false;
    }
    if (body || *ret_moved || n->reacts_n == 0 || kh_run_taken(r, r->tokens[token].id))
        return true;
    for (unsigned i = 0; !*ret_moved && i < n->reacts_n; i++) {
        int node = p->nodes[p->reacts[n->reacts_first + i]].start;

        if (p->nodes[node].event == KH_EV_CONDITION &&
            !rises(r, token, node, &r->tokens[token].lit_inside, i, ret_moved, err))
            return false;
    }
    return true;
}

static bool look_above(struct kh_run *r, bool *ret_moved, struct kh_error *err)
{
    const struct kh_program *p = r->p;

    if (r->row.state != KH_I_RUNNING || p->reacts_top_n == 0 || kh_run_taken(r, 0))
        return true;
    for (unsigned i = 0; !*ret_moved && i < p->reacts_top_n; i++) {
        int node = p->nodes[p->reacts[i]].start;

        if (p->nodes[node].event == KH_EV_CONDITION &&
            !rises(r, SIZE_MAX, node, &r->lit_inside, i, ret_moved, err))
            return false;
    }
    return true;
}

bool kh_conditions_look(struct kh_run *r, bool *ret_moved, struct kh_error *err)
{
    *ret_moved = false;
    for (size_t i = 0; i < r->tokens_n && !*ret_moved; i++) {
        if (r->tokens[i].gone)
            continue;
        if (!look_at(r, i, ret_moved, err))
            return false;
        if (!*ret_moved && !look_around(r, i, ret_moved, err))
            return false;
    }
    return *ret_moved || look_above(r, ret_moved, err);
}
