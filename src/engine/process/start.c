/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes that begin by a timer. A job of the newest version waits for each of its timer start
 * events; deploying another version takes it away. What a timer says is computed without an instance:
 * it sees no variables and no case.
 */
#include "engine/process/run.h"

#include "base/id.h"
#include "base/time.h"

static bool begins_by_timer(const struct kh_node *n)
{
    return n->kind == KH_N_START && n->event == KH_EV_TIMER && n->parent < 0;
}

static bool add(struct kh_root *root, const struct kh_program *p, int64_t id,
                const struct kh_node *n, struct kh_error *err)
{
    struct kh_run r = {
        .root = root, .p = p, .here = SIZE_MAX, .vars = kh_json_new(root->a, KH_JSON_OBJECT)};
    struct kh_job_row j = {.id = kh_id_new(),
                           .lane = KH_LANE_TIMER,
                           .kind = KH_JOB_START,
                           .instance = id,
                           .node = n->id,
                           .calendar = n->timing.calendar,
                           .payload = KH_S("")};

    if (!kh_timer_at(&r, n, KH_FOREVER, KH_S(""), &j.due_us, err))
        return kh_error_wrap(err, "timer %.*s", KH_FMT(n->id));
    if (n->timing.how == KH_T_CYCLE)
        j.times = n->timing.times < 0 ? -1 : n->timing.times - 1;
    if (j.due_us == KH_FOREVER)
        return true;
    kh_jobs_wake(root->pe, root->tx);
    return kh_job_sql_add(root->tx, &j, err);
}

bool kh_start_arm(struct kh_root *root, const struct kh_program *p, int64_t id, int64_t old,
                  struct kh_error *err)
{
    if (old && !kh_job_sql_drop_of(root->tx, old, 0, err))
        return false;
    for (unsigned i = 0; i < p->nodes_n; i++)
        if (begins_by_timer(&p->nodes[i]) && !add(root, p, id, &p->nodes[i], err))
            return false;
    return true;
}

bool kh_start_job(struct kh_root *root, struct kh_job_row *j, bool *ret_did, struct kh_error *err)
{
    const struct kh_program *p;
    struct kh_run *r;
    enum kh_hit hit;
    int node;

    if (!kh_program_get(root->tx, root->pe, j->instance, &p, err))
        return false;
    node = kh_program_node(p, j->node);
    if (node < 0 || !begins_by_timer(&p->nodes[node]))
        return kh_job_sql_done(root->tx, j->id, 0, err) != KH_FAIL;
    hit = kh_timer_done(root, &p->nodes[node], j, err);
    if (hit != KH_HIT)
        return hit == KH_MISS;
    *ret_did = true;
    return kh_run_start(root, p, node, NULL, 0, NULL, NULL, 0, &r, err) &&
           kh_root_finish(root, err);
}
