/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals reach everybody who waits when they are thrown. Each of them gets a job, and with it a
 * transaction of its own: whoever cannot go on does not keep the others from it, and nobody is told
 * twice. Many are told piece by piece, by a job that goes on where it stopped.
 */
#include "engine/process/run.h"
#include "store/process/signal_sql.h"

#include "base/id.h"

bool kh_signal_wait(struct kh_run *r, int64_t token, int node, struct kh_error *err)
{
    const struct kh_node *n = &r->p->nodes[node];
    struct kh_signal_row w = {
        .id = kh_id_new(), .instance = r->row.id, .token = token, .node = n->id, .name = n->ref};

    return kh_signal_sql_add(r->root->tx, &w, err);
}

static bool add_job(struct kh_root *root, enum kh_job_kind kind, const struct kh_signal_row *w,
                    const struct kh_json *payload, struct kh_error *err)
{
    struct kh_job_row j = {.id = kh_id_new(),
                           .lane = KH_LANE_TIMER,
                           .kind = kind,
                           .due_us = root->now_us,
                           .instance = w->instance,
                           .token = w->token,
                           .node = w->node,
                           .calendar = KH_S(""),
                           .payload = kh_json_text(root->a, payload)};

    if (j.payload.n > KH_RUN_DATA_BYTES)
        return kh_fail(err, KH_EC_PROCESS_STUCK, "the signal is larger than %d bytes",
                       KH_RUN_DATA_BYTES);
    kh_jobs_wake(root->pe, root->tx);
    return kh_job_sql_add(root->tx, &j, err);
}

static struct kh_json *payload(struct kh_arena *a, const struct kh_json *variables)
{
    struct kh_json *o = kh_json_new(a, KH_JSON_OBJECT);

    if (variables)
        kh_json_set(a, o, KH_S("v"), variables);
    return o;
}

static void put_id(struct kh_arena *a, struct kh_json *o, const char *name, int64_t id)
{
    kh_json_set(a, o, kh_cstr(name), kh_json_new_int(a, id));
}

/* Tell those whose wait has after < id <= upto. */
static bool spread(struct kh_root *root, struct kh_str name, int64_t after, int64_t upto,
                   const struct kh_json *variables, struct kh_error *err)
{
    struct kh_signal_row *rows, rest = {.node = KH_S("")};
    struct kh_json *more;
    size_t n;

    if (!kh_signal_sql_find(root->tx, root->a, name, after, upto, KH_RUN_SPREAD, &rows, &n, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        struct kh_json *one = payload(root->a, variables);

        put_id(root->a, one, "w", rows[i].id);
        if (!add_job(root, KH_JOB_SIGNAL, &rows[i], one, err))
            return false;
    }
    if (n < KH_RUN_SPREAD)
        return true;
    more = payload(root->a, variables);
    kh_json_set(root->a, more, KH_S("n"), kh_json_new_str(root->a, name));
    put_id(root->a, more, "a", rows[n - 1].id);
    put_id(root->a, more, "u", upto);
    return add_job(root, KH_JOB_SPREAD, &rest, more, err);
}

bool kh_signal_deliver(struct kh_root *root, const struct kh_pending *m, struct kh_error *err)
{
    int64_t started = 0;

    return spread(root, m->name, 0, kh_id_new(), m->variables, err) &&
           kh_message_start(root, m, &started, err);
}

/* ---- at the other end ---- */

/* KH_MISS: it waits no longer, or another signal was faster. One that does not interrupt stays. */
static enum kh_hit take_wait(struct kh_run *r, int node, int64_t wait, struct kh_error *err)
{
    const struct kh_node *n = &r->p->nodes[node];

    if ((n->kind == KH_N_BOUNDARY || n->kind == KH_N_START) && !n->interrupting)
        return kh_signal_sql_find_id(r->root->tx, wait, err);
    return kh_signal_sql_drop(r->root->tx, wait, err);
}

static bool reach(struct kh_root *root, const struct kh_job_row *j, const struct kh_json *says,
                  bool *ret_did, struct kh_error *err)
{
    struct kh_run *r;
    enum kh_hit hit = kh_run_load(root, j->instance, &r, err);
    size_t token;
    int node;

    if (hit == KH_HIT)
        hit = kh_job_sql_done(root->tx, j->id, 0, err);
    else if (hit == KH_MISS)
        return kh_job_sql_done(root->tx, j->id, 0, err) != KH_FAIL;
    if (hit != KH_HIT)
        return hit == KH_MISS;
    *ret_did = true;
    node = kh_program_node(r->p, j->node);
    if (!kh_run_waits(r, j->token, node, &token))
        return true;
    hit = take_wait(r, node, kh_json_int(says, "w", 0), err);
    if (hit != KH_HIT)
        return hit == KH_MISS;
    return kh_run_take(r, token, node, kh_json_get(says, "v"), err) &&
           kh_run_happen(r, token, node, err) && kh_run_go(r, err) && kh_root_finish(root, err);
}

bool kh_signal_job(struct kh_root *root, const struct kh_job_row *j, bool *ret_did,
                   struct kh_error *err)
{
    struct kh_json_limits limits = {.bytes = KH_RUN_DATA_BYTES, .depth = 90};
    struct kh_json *says;
    enum kh_hit hit;

    if (!kh_json_parse(root->a, j->payload, &limits, &says, err))
        return false;
    if (j->kind == KH_JOB_SIGNAL)
        return reach(root, j, says, ret_did, err);
    hit = kh_job_sql_done(root->tx, j->id, 0, err);
    *ret_did = hit == KH_HIT;
    if (hit != KH_HIT)
        return hit == KH_MISS;
    return spread(root, kh_json_str(says, "n", KH_S("")), kh_json_int(says, "a", 0),
                  kh_json_int(says, "u", 0), kh_json_get(says, "v"), err);
}

bool kh_process_signal(struct kh_tx *tx, struct kh_process *pe, struct kh_arena *a,
                       struct kh_str name, const struct kh_json *variables,
                       const struct kh_who *who, struct kh_error *err)
{
    struct kh_pending m = {.event = KH_EV_SIGNAL, .name = name, .variables = variables};
    struct kh_root root;

    kh_root_init(&root, tx, pe, a, who);
    return kh_signal_deliver(&root, &m, err) && kh_root_finish(&root, err);
}
