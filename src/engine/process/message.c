/* SPDX-License-Identifier: Apache-2.0 */
/* Messages: instances that wait for them, and processes that start by them. */
#include "engine/process/run.h"
#include "store/process/process_sql.h"

#include "base/id.h"

bool kh_message_wait(struct kh_run *r, int64_t token, int node, struct kh_error *err)
{
    const struct kh_node *n = &r->p->nodes[node];
    struct kh_wait_row w = {.id = kh_id_new(),
                            .instance = r->row.id,
                            .token = token,
                            .node = n->id,
                            .name = n->ref,
                            .case_id = r->row.case_id,
                            .correlation = KH_S("")};

    if (n->correlation.feel && !kh_run_eval_text(r, &n->correlation, &w.correlation, err))
        return kh_error_wrap(err, "correlation");
    return kh_wait_sql_add(r->root->tx, &w, err);
}

bool kh_message_send(struct kh_root *root, const struct kh_pending *m, struct kh_error *err)
{
    struct kh_pending *p = kh_new(root->a, struct kh_pending);

    if (++root->messages > KH_RUN_MESSAGES)
        return kh_fail(err, KH_EC_PROCESS_STUCK, "more than %d messages in one step",
                       KH_RUN_MESSAGES);
    *p = *m;
    p->next = NULL;
    *root->last = p;
    root->last = &p->next;
    return true;
}

/* Hand the message to one that waits. KH_MISS: it waits no longer. */
static enum kh_hit deliver_to(struct kh_root *root, const struct kh_wait_row *w,
                              const struct kh_pending *m, struct kh_error *err)
{
    struct kh_run *r;
    enum kh_hit hit = kh_run_load(root, w->instance, &r, err);
    const struct kh_node *n;
    size_t token;
    int node;

    if (hit != KH_HIT)
        return hit;
    node = kh_program_node(r->p, w->node);
    if (!kh_run_waits(r, w->token, node, &token))
        return KH_MISS;
    n = &r->p->nodes[node];
    /* The instance is ours now: is the wait still there? One that does not interrupt stays. */
    hit = (n->kind == KH_N_BOUNDARY || n->kind == KH_N_START) && !n->interrupting
              ? kh_wait_sql_find_id(root->tx, w->id, err)
              : kh_wait_sql_drop(root->tx, w->id, err);
    if (hit != KH_HIT)
        return hit;
    if (!kh_run_take(r, token, node, m->variables, err) || !kh_run_happen(r, token, node, err))
        return KH_FAIL;
    return kh_run_go(r, err) ? KH_HIT : KH_FAIL;
}

bool kh_message_start(struct kh_root *root, const struct kh_pending *m, int64_t *delivered,
                      struct kh_error *err)
{
    enum kh_event_kind event = m->event == KH_EV_SIGNAL ? KH_EV_SIGNAL : KH_EV_MESSAGE;
    struct kh_process_row *rows;
    struct kh_str type = KH_S("");
    size_t n;

    if (!kh_process_sql_all(root->tx, root->a, false, &rows, &n, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct kh_program *p;
        struct kh_run *r;

        if (!kh_program_get(root->tx, root->pe, rows[i].id, &p, err))
            return false;
        for (unsigned k = 0; k < p->nodes_n; k++) {
            if (p->nodes[k].kind != KH_N_START || p->nodes[k].event != event ||
                p->nodes[k].parent >= 0 || !kh_str_eq(p->nodes[k].ref, m->name))
                continue;
            if (m->case_id && !type.n &&
                kh_instance_sql_case_type(root->tx, root->a, m->case_id, &type, err) == KH_FAIL)
                return false;
            if (!kh_run_start(root, p, (int)k, type.n ? kh_type_find(root->pe->reg, type) : NULL,
                              m->case_id, m->variables, NULL, 0, &r, err))
                return false;
            ++*delivered;
        }
    }
    return true;
}

bool kh_message_deliver(struct kh_root *root, const struct kh_pending *m, int64_t *ret_delivered,
                        struct kh_error *err)
{
    struct kh_wait_row *waits = NULL;
    size_t n = 0;
    int64_t delivered = 0;

    if ((m->case_id || m->correlation.n) &&
        !kh_wait_sql_find(root->tx, root->a, m->name, m->case_id, m->correlation, &waits, &n, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        enum kh_hit hit = deliver_to(root, &waits[i], m, err);

        if (hit == KH_FAIL)
            return false;
        delivered += hit == KH_HIT;
    }
    if (delivered == 0 && !kh_message_start(root, m, &delivered, err))
        return false;
    *ret_delivered = delivered;
    return true;
}

bool kh_process_message(struct kh_tx *tx, struct kh_process *pe, struct kh_arena *a,
                        struct kh_str message, int64_t case_id, struct kh_str correlation,
                        const struct kh_json *variables, const struct kh_who *who,
                        int64_t *ret_delivered, struct kh_error *err)
{
    struct kh_pending m = {
        .name = message, .correlation = correlation, .case_id = case_id, .variables = variables};
    struct kh_root root;
    int64_t delivered;

    kh_root_init(&root, tx, pe, a, who);
    if (!kh_message_deliver(&root, &m, &delivered, err) || !kh_root_finish(&root, err))
        return false;
    *ret_delivered = delivered;
    return true;
}
