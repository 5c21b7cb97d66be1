/* SPDX-License-Identifier: Apache-2.0 */
/* Where paths part and meet. */
#include "engine/process/run.h"

/* ---- parting ---- */

static bool holds(struct kh_run *r, const struct kh_flow *f, bool *ret, struct kh_error *err)
{
    const struct kh_feel_value *v;

    if (!kh_run_eval(r, &f->condition, NULL, &v, err))
        return kh_error_wrap(err, "condition of %.*s", KH_FMT(f->id));
    *ret = kh_feel_is_true(v);
    return true;
}

bool kh_gateway_choose(struct kh_run *r, size_t token, struct kh_error *err)
{
    const struct kh_node *n = &r->p->nodes[r->tokens[token].node];

    if (n->out_n == 1) {
        kh_run_fan_out(r, token);
        return true;
    }
    for (unsigned i = 0; i < n->out_n; i++) {
        unsigned index = r->p->out[n->out_first + i];
        const struct kh_flow *f = &r->p->flows[index];
        bool chosen = false;

        if ((int)index == n->fallback)
            continue;
        if (!holds(r, f, &chosen, err))
            return false;
        if (chosen) {
            kh_run_follow(r, token, f);
            return true;
        }
    }
    if (n->fallback < 0)
        return kh_fail(err, KH_EC_PROCESS_STUCK, "no condition of %.*s holds", KH_FMT(n->id));
    kh_run_follow(r, token, &r->p->flows[n->fallback]);
    return true;
}

/* An inclusive gateway gives a token to every flow whose condition holds. */
bool kh_gateway_split(struct kh_run *r, size_t token, struct kh_error *err)
{
    const struct kh_node *n = &r->p->nodes[r->tokens[token].node];
    int64_t scope = r->tokens[token].scope;
    unsigned chosen_n = 0;

    if (n->out_n == 1) {
        kh_run_fan_out(r, token);
        return true;
    }
    /* All are asked before the token leaves: what they see is the same. */
    for (unsigned i = 0; i < n->out_n; i++) {
        unsigned index = r->p->out[n->out_first + i];
        const struct kh_flow *f = &r->p->flows[index];
        bool chosen = false;

        if ((int)index != n->fallback && !holds(r, f, &chosen, err))
            return false;
        if (chosen && chosen_n++ > 0)
            kh_run_follow(r, kh_run_add_token(r, f->to, scope), f);
        else if (chosen)
            r->tokens[token].slot = (int)index;
    }
    if (chosen_n == 0 && n->fallback < 0)
        return kh_fail(err, KH_EC_PROCESS_STUCK, "no condition of %.*s holds", KH_FMT(n->id));
    kh_run_follow(r, token, &r->p->flows[chosen_n ? r->tokens[token].slot : n->fallback]);
    return true;
}

/* ---- meeting ---- */

/* One token of each incoming flow of the node where token stands; SIZE_MAX where there is none. */
static unsigned gather(const struct kh_run *r, size_t token, size_t *found)
{
    const struct kh_token *t = &r->tokens[token];
    const struct kh_node *n = &r->p->nodes[t->node];
    unsigned have = 0;

    for (unsigned slot = 0; slot < n->in_n; slot++)
        found[slot] = SIZE_MAX;
    for (size_t i = 0; i < r->tokens_n; i++) {
        const struct kh_token *o = &r->tokens[i];

        if (o->gone || o->node != t->node || o->scope != t->scope || o->slot < 0 ||
            (unsigned)o->slot >= n->in_n || found[o->slot] != SIZE_MAX)
            continue;
        found[o->slot] = i;
        have++;
    }
    return have;
}

/* The first of them in the order of tokens: it speaks for the gateway. */
static bool speaks(const struct kh_run *r, size_t token, const size_t *found)
{
    for (unsigned slot = 0; slot < r->p->nodes[r->tokens[token].node].in_n; slot++)
        if (found[slot] < token)
            return false;
    return true;
}

/* Melt what was found into one token. */
static void melt(struct kh_run *r, size_t token, const size_t *found)
{
    const struct kh_node *n = &r->p->nodes[r->tokens[token].node];

    for (unsigned slot = 0; slot < n->in_n; slot++)
        if (found[slot] != SIZE_MAX && found[slot] != token)
            r->tokens[found[slot]].gone = true;
    r->tokens[token].slot = -1;
}

/* A parallel gateway takes one token from each incoming flow and gives one to each outgoing. */
void kh_gateway_join(struct kh_run *r, size_t token)
{
    const struct kh_node *n = &r->p->nodes[r->tokens[token].node];
    size_t *found;

    if (n->in_n > 1) {
        found = kh_new_n(r->root->a, n->in_n, size_t);
        if (gather(r, token, found) < n->in_n)
            return;
        melt(r, token, found);
    }
    kh_run_fan_out(r, token);
}

/* ---- the inclusive join ---- */

static void reach(bool *seen, unsigned *stack, unsigned *n, int node, int gate)
{
    if (node >= 0 && node != gate && !seen[node]) {
        seen[node] = true;
        stack[(*n)++] = (unsigned)node;
    }
}

/* Nodes from which some of the incoming flows of a gate can be reached without passing the gate:
 * those that have a token already (waited), or those that have none. */
static const bool *upstream(const struct kh_run *r, int gate, const size_t *found, bool waited)
{
    const struct kh_program *p = r->p;
    bool *seen = kh_new_n(r->root->a, p->nodes_n, bool);
    unsigned *stack = kh_new_n(r->root->a, p->nodes_n, unsigned), n = 0;

    for (unsigned slot = 0; slot < p->nodes[gate].in_n; slot++)
        if ((found[slot] != SIZE_MAX) == waited)
            reach(seen, stack, &n, p->flows[p->in[p->nodes[gate].in_first + slot]].from, gate);
    while (n) {
        unsigned at = stack[--n];
        const struct kh_node *node = &p->nodes[at];

        for (unsigned k = 0; k < node->in_n; k++)
            reach(seen, stack, &n, p->flows[p->in[node->in_first + k]].from, gate);
        reach(seen, stack, &n, node->host, gate);
        for (unsigned k = 0;
             node->kind == KH_N_CATCH && node->event == KH_EV_LINK && k < p->nodes_n; k++)
            if (p->nodes[k].kind == KH_N_THROW && p->nodes[k].target == (int)at)
                reach(seen, stack, &n, (int)k, gate);
    }
    return seen;
}

/* BPMN 2.0.2, 13.4.3: wait as long as a token elsewhere can reach a flow that has none yet, unless
 * it can as well reach one that has. */
static bool complete(const struct kh_run *r, size_t token, const size_t *found)
{
    const struct kh_token *t = &r->tokens[token];
    const bool *empty = upstream(r, t->node, found, false);
    const bool *full = upstream(r, t->node, found, true);

    for (size_t i = 0; i < r->tokens_n; i++) {
        const struct kh_token *o = &r->tokens[i];

        if (!o->gone && o->scope == t->scope && o->node != t->node && empty[o->node] &&
            !full[o->node])
            return false;
    }
    return true;
}

bool kh_gateway_settle(struct kh_run *r, bool *ret_moved, struct kh_error *err)
{
    *ret_moved = false;
    for (size_t i = 0; i < r->tokens_n; i++) {
        const struct kh_token *t = &r->tokens[i];
        const struct kh_node *n = &r->p->nodes[t->node];
        size_t *found;
        unsigned have;

        if (t->gone || n->kind != KH_N_INCLUSIVE || t->slot < 0)
            continue;
        found = kh_new_n(r->root->a, n->in_n, size_t);
        have = gather(r, i, found);
        if (!speaks(r, i, found))
            continue;
        if (++r->root->steps > KH_RUN_STEPS)
            return kh_fail(err, KH_EC_PROCESS_STUCK, "more than %d steps without waiting, at %.*s",
                           KH_RUN_STEPS, KH_FMT(n->id));
        if (have < n->in_n && !complete(r, i, found))
            continue;
        r->here = i;
        melt(r, i, found);
        *ret_moved = true;
        return kh_gateway_split(r, i, err);
    }
    return true;
}

bool kh_gateway_check(const struct kh_run *r, struct kh_error *err)
{
    for (size_t i = 0; i < r->tokens_n; i++) {
        const struct kh_token *t = &r->tokens[i];
        bool hope = t->gone || t->slot < 0;

        for (size_t k = 0; k < r->tokens_n && !hope; k++)
            hope = !r->tokens[k].gone && r->tokens[k].scope == t->scope && r->tokens[k].slot < 0;
        if (!hope)
            return kh_fail(err, KH_EC_PROCESS_STUCK,
                           "%.*s waits for a token that cannot come any more",
                           KH_FMT(r->p->nodes[t->node].id));
    }
    return true;
}
