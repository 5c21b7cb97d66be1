/* SPDX-License-Identifier: Apache-2.0 */
/* Where an instance stands, for people. */
#include "engine/process/run.h"

#include "base/time.h"

/* Who works on such instances may look into them: a role of any of its tasks over the case's unit. */
static bool works_on(struct kh_run *r, const struct kh_who *who, bool *ret, struct kh_error *err)
{
    struct kh_str title, unit;

    *ret = kh_who_has(who, KH_S("admin"), KH_S("")) || who->kind == KH_WHO_SYSTEM;
    if (*ret)
        return true;
    if (!kh_run_case_title(r, &title, &unit, err))
        return false;
    for (unsigned i = 0; i < r->p->nodes_n && !*ret; i++)
        *ret = r->p->nodes[i].kind == KH_N_USER && r->p->nodes[i].role.n &&
               kh_who_has(who, r->p->nodes[i].role, unit);
    return true;
}

/* May who read the case? */
static enum kh_hit reads_case(struct kh_run *r, const struct kh_who *who, struct kh_error *err)
{
    struct kh_root *root = r->root;
    struct kh_record record;

    if (!r->case_type || !r->row.case_id)
        return KH_MISS;
    return kh_record_open(root->tx, root->pe->reg, root->a, r->case_type, r->row.case_id, 0, 0, who,
                          KH_OP_READ, &record, err);
}

static void fill(struct kh_run *r, bool inside, struct kh_instance *ret)
{
    static const char *const states[] = {"running", "ended", "terminated", "cancelled"};
    static const struct kh_json empty = {.type = KH_JSON_OBJECT};
    struct kh_arena *a = r->root->a;
    struct kh_token_info *tokens = kh_new_n(a, r->tokens_n, struct kh_token_info);
    size_t n = 0;

    for (size_t i = 0; i < r->tokens_n; i++)
        if (r->tokens[i].role != KH_T_BODY) /* its rounds stand at the same place */
            tokens[n++] =
                (struct kh_token_info){r->p->nodes[r->tokens[i].node].id, r->tokens[i].since_us};
    *ret = (struct kh_instance){
        .id = r->row.id,
        .process = r->p->key,
        .version = r->p->version,
        .case_type = r->row.case_type,
        .case_id = r->row.case_id,
        .parent = r->row.parent_id,
        .state = states[r->row.state],
        .started_us = r->row.started_us,
        .ended_us = r->row.ended_us,
        .tokens = tokens,
        .tokens_n = n,
        .variables = inside ? kh_feel_to_json(a, kh_feel_from_json(a, r->vars), false) : &empty,
    };
}

enum kh_hit kh_instance_get(struct kh_tx *tx, struct kh_process *pe, struct kh_arena *a, int64_t id,
                            const struct kh_who *who, struct kh_instance *ret, struct kh_error *err)
{
    struct kh_root root;
    struct kh_run *r = kh_new(a, struct kh_run);
    enum kh_hit hit;
    bool inside;

    kh_root_init(&root, tx, pe, a, who);
    r->root = &root;
    hit = kh_instance_sql_get(tx, a, id, false, &r->row, err);
    if (hit != KH_HIT)
        return hit;
    r->case_type = r->row.case_type.n ? kh_type_find(pe->reg, r->row.case_type) : NULL;
    if (!kh_program_get(tx, pe, r->row.process_id, &r->p, err) || !kh_run_parse(r, err) ||
        !works_on(r, who, &inside, err))
        return KH_FAIL;
    if (!inside) {
        hit = reads_case(r, who, err);
        if (hit != KH_HIT)
            return hit;
    }
    fill(r, inside, ret);
    return KH_HIT;
}

bool kh_process_dead_jobs(struct kh_tx *tx, struct kh_process *pe, struct kh_arena *a,
                          int64_t after, unsigned limit, struct kh_dead_job **ret, size_t *ret_n,
                          struct kh_error *err)
{
    struct kh_job_row *rows;
    struct kh_dead_job *jobs;
    size_t n;

    (void)pe;
    if (!kh_job_sql_dead(tx, a, after, limit, &rows, &n, err))
        return false;
    jobs = kh_new_n(a, n, struct kh_dead_job);
    for (size_t i = 0; i < n; i++)
        jobs[i] = (struct kh_dead_job){rows[i].id, rows[i].instance, rows[i].attempts, rows[i].node,
                                       rows[i].error};
    *ret = jobs;
    *ret_n = n;
    return true;
}

enum kh_hit kh_process_retry_job(struct kh_tx *tx, struct kh_process *pe, struct kh_arena *a,
                                 int64_t id, struct kh_error *err)
{
    struct kh_job_row j;
    enum kh_hit hit = kh_job_sql_get(tx, a, id, &j, err);

    if (hit != KH_HIT)
        return hit;
    if (j.state != KH_JOB_DEAD)
        return KH_MISS;
    j.state = KH_JOB_WAITING;
    j.attempts = 0;
    j.lease = 0;
    j.due_us = kh_now_us();
    kh_jobs_wake(pe, tx);
    return kh_job_sql_put(tx, &j, err) ? KH_HIT : KH_FAIL;
}
