/* SPDX-License-Identifier: Apache-2.0 */
/* Work of people: made, seen, claimed, done. Lists are in inbox.c. */
#include "engine/process/task.h"

#include "engine/registry/schema/schema.h"
#include "store/event.h"

#include "base/id.h"
#include "base/time.h"

/* ---- events ---- */

/* An answer that its form marks as personal stays out of the log. */
static bool may_log(const struct kh_json *form, struct kh_str name)
{
    const struct kh_json *property = kh_json_find(kh_json_get(form, "properties"), name);
    struct kh_str level =
        kh_json_str(kh_json_get(property, "x-kh"), "sensitivity", KH_S("internal"));

    return property && !kh_str_is(level, "personal") && !kh_str_is(level, "sensitive");
}

static void write_answers(struct kh_jw *w, const struct kh_json *form,
                          const struct kh_json *answers)
{
    if (!kh_json_is(answers, KH_JSON_OBJECT))
        return;
    kh_jw_key(w, "answers");
    kh_jw_obj(w);
    for (uint32_t i = 0; i < answers->n; i++) {
        if (!may_log(form, answers->members[i].key))
            continue;
        kh_jw_keys(w, answers->members[i].key);
        kh_jw_json(w, &answers->members[i].value);
    }
    kh_jw_end(w);
}

bool kh_task_event(struct kh_root *root, const struct kh_task_row *t, const char *kind,
                   const struct kh_json *answers, struct kh_error *err)
{
    struct kh_buf b = kh_buf(root->a, KH_RUN_DATA_BYTES);
    struct kh_jw w = kh_jw(&b);
    const struct kh_program *p;
    const struct kh_node *n;
    int node;
    struct kh_event e = {.at_us = root->now_us,
                         .kind = kh_cstr(kind),
                         .type = KH_S("task"),
                         .subject = t->id,
                         .about = t->case_id,
                         .unit = t->unit,
                         .owner = t->owner,
                         .level = 1,
                         .actor = root->who->actor};

    if (!kh_program_get(root->tx, root->pe, t->process_id, &p, err))
        return false;
    node = kh_program_node(p, t->key);
    n = node >= 0 ? &p->nodes[node] : NULL;
    kh_jw_obj(&w);
    kh_jw_kstr(&w, "process", t->process);
    kh_jw_kstr(&w, "key", t->key);
    if (kh_str_is(e.kind, "task.create") || kh_str_is(e.kind, "task.migrate"))
        kh_jw_kint(&w, "version", p->version);
    if (n) {
        kh_jw_key(&w, "name");
        kh_jw_obj(&w);
        kh_jw_kstr(&w, "vi", n->name_vi);
        kh_jw_kstr(&w, "en", n->name_en);
        kh_jw_end(&w);
    }
    if (t->role.n)
        kh_jw_kstr(&w, "role", t->role);
    if (t->due_us != KH_FOREVER)
        kh_jw_kstr(&w, "due_at", kh_time_text(root->a, t->due_us));
    if (n && answers)
        write_answers(&w, n->form, answers);
    kh_jw_end(&w);
    e.data = kh_buf_get(&b);
    return kh_event_append(root->tx, &e, err);
}

/* ---- making ---- */

static bool read_owner(struct kh_run *r, const struct kh_node *n, int64_t *ret,
                       struct kh_error *err)
{
    struct kh_str owner;

    *ret = 0;
    if (!n->owner.feel)
        return true;
    if (!kh_run_eval_text(r, &n->owner, &owner, err))
        return kh_error_wrap(err, "owner");
    if (owner.n && !kh_id_parse(owner, ret))
        return kh_fail(err, KH_EC_PROCESS_STUCK, "the owner is no account id");
    if (!*ret && !n->role.n)
        return kh_fail(err, KH_EC_PROCESS_STUCK, "the task has neither a role nor an owner");
    return true;
}

bool kh_task_create(struct kh_run *r, size_t token, int64_t *ret_due_us, struct kh_error *err)
{
    const struct kh_node *n = &r->p->nodes[r->tokens[token].node];
    struct kh_task_row t = {
        .id = kh_id_new(),
        .instance = r->row.id,
        .token = r->tokens[token].id,
        .process_id = r->p->id,
        .process = r->p->key,
        .key = n->id,
        .case_type = r->row.case_type,
        .case_id = r->row.case_id,
        .role = n->role,
        .created_us = r->root->now_us,
        .state = KH_TASK_OPEN,
        .calendar = n->timing.calendar,
    };

    if (!kh_run_case_title(r, &t.title, &t.unit, err) || !read_owner(r, n, &t.owner, err))
        return false;
    if (n->unit.feel && !kh_run_eval_text(r, &n->unit, &t.unit, err))
        return kh_error_wrap(err, "unit");
    if (!kh_timer_at(r, n, KH_FOREVER, KH_S(""), &t.due_us, err))
        return kh_error_wrap(err, "due");
    if (!kh_task_sql_add(r->root->tx, &t, err) ||
        !kh_task_event(r->root, &t, "task.create", NULL, err))
        return false;
    r->tokens[token].ref = t.id;
    *ret_due_us = t.due_us;
    return true;
}

bool kh_task_cancel(struct kh_run *r, int64_t id, struct kh_error *err)
{
    struct kh_root *root = r->root;
    struct kh_task_row t;
    enum kh_hit hit = kh_task_sql_get(root->tx, root->a, id, false, &t, err);

    if (hit == KH_HIT) {
        t.state = KH_TASK_CANCELLED;
        t.done_us = root->now_us;
        t.done_by = root->who->actor;
        hit = kh_task_sql_put(root->tx, &t, err);
    }
    if (hit == KH_HIT && !kh_task_event(root, &t, "task.cancel", NULL, err))
        return false;
    return hit != KH_FAIL;
}

/* ---- seeing ---- */

/* What is asked of one person is nobody's to answer in their name: the role then only watches. */
bool kh_task_may(const struct kh_task_row *t, const struct kh_who *who)
{
    if (t->owner == 0 && t->role.n && kh_who_has(who, t->role, t->unit))
        return true;
    if (who->kind == KH_WHO_SYSTEM)
        return true;
    return who->account != 0 && (t->owner == who->account || t->claimed_by == who->account);
}

bool kh_task_sees(const struct kh_task_row *t, const struct kh_who *who)
{
    return kh_task_may(t, who) || (t->role.n && kh_who_has(who, t->role, t->unit)) ||
           kh_who_has(who, KH_S("leader"), t->unit) || kh_who_has(who, KH_S("admin"), t->unit);
}

bool kh_task_fill(struct kh_tx *tx, const struct kh_process *pe, const struct kh_task_row *t,
                  struct kh_task *ret, struct kh_error *err)
{
    const struct kh_program *p;
    const struct kh_type *form_type;
    const struct kh_node *n;
    int node;

    if (!kh_program_get(tx, pe, t->process_id, &p, err))
        return false;
    node = kh_program_node(p, t->key);
    if (node < 0)
        return kh_fail(err, KH_EC_STORE_CORRUPT, "task %lld is of no node", (long long)t->id);
    n = &p->nodes[node];
    form_type = n->form_type.n ? kh_type_find(pe->reg, n->form_type) : NULL;
    *ret = (struct kh_task){
        .id = t->id,
        .instance = t->instance,
        .case_id = t->case_id,
        .case_type = t->case_type,
        .process = t->process,
        .key = t->key,
        .name_vi = n->name_vi,
        .name_en = n->name_en,
        .title = t->title,
        .role = t->role,
        .unit = t->unit,
        .claimed_by = t->claimed_by,
        .owner = t->owner,
        .created_us = t->created_us,
        .due_us = t->due_us,
        .done_us = t->done_us,
        .state = (enum kh_task_state)t->state,
        .calendar = t->calendar,
        .paused = t->held_us != 0 && t->state < KH_TASK_DONE,
        .form = form_type ? kh_type_schema(form_type) : n->form,
        .form_text = form_type ? KH_S("") : n->form_text,
    };
    return true;
}

enum kh_hit kh_task_get(struct kh_tx *tx, const struct kh_process *pe, struct kh_arena *a,
                        int64_t id, const struct kh_who *who, struct kh_task *ret,
                        struct kh_error *err)
{
    struct kh_task_row t;
    enum kh_hit hit = kh_task_sql_get(tx, a, id, false, &t, err);

    if (hit != KH_HIT)
        return hit;
    if (!kh_task_sees(&t, who))
        return KH_MISS;
    return kh_task_fill(tx, pe, &t, ret, err) ? KH_HIT : KH_FAIL;
}

/* ---- doing ---- */

/* A task that who may work on and that is not over. */
static bool open_for(struct kh_tx *tx, struct kh_arena *a, int64_t id, bool lock,
                     const struct kh_who *who, struct kh_task_row *ret, struct kh_error *err)
{
    switch (kh_task_sql_get(tx, a, id, lock, ret, err)) {
    case KH_FAIL:
        return false;
    case KH_MISS:
        return kh_fail(err, KH_EC_TASK_UNKNOWN, "id=%lld", (long long)id);
    case KH_HIT:
        break;
    }
    if (!kh_task_may(ret, who))
        return kh_fail(err, who->kind == KH_WHO_PUBLIC ? KH_EC_AUTH_REQUIRED : KH_EC_FORBIDDEN,
                       "task %lld", (long long)id);
    if (ret->state >= KH_TASK_DONE)
        return kh_fail(err, KH_EC_TASK_DONE, "id=%lld", (long long)id);
    return true;
}

/* Write a change of state; losing a race is TASK_DONE. */
static bool put(struct kh_tx *tx, const struct kh_task_row *t, struct kh_error *err)
{
    switch (kh_task_sql_put(tx, t, err)) {
    case KH_HIT:
        return true;
    case KH_MISS:
        return kh_fail(err, KH_EC_TASK_DONE, "id=%lld", (long long)t->id);
    case KH_FAIL:
        break;
    }
    return false;
}

bool kh_task_claim(struct kh_tx *tx, struct kh_process *pe, struct kh_arena *a, int64_t id,
                   bool claim, const struct kh_who *who, struct kh_task *ret, struct kh_error *err)
{
    struct kh_task_row t;
    struct kh_root root;
    bool mine;

    kh_root_init(&root, tx, pe, a, who);
    if (!open_for(tx, a, id, true, who, &t, err))
        return false;
    mine = t.claimed_by == who->account;
    if (claim && !who->account)
        return kh_fail(err, KH_EC_FORBIDDEN, "only a person can claim a task");
    if (t.claimed_by && !mine && (claim || who->kind != KH_WHO_SYSTEM))
        return kh_fail(err, KH_EC_TASK_CLAIMED, "id=%lld", (long long)id);
    if (claim ? mine : !t.claimed_by)
        return kh_task_fill(tx, pe, &t, ret, err);
    t.claimed_by = claim ? who->account : 0;
    t.state = claim ? KH_TASK_CLAIMED : KH_TASK_OPEN;
    return put(tx, &t, err) &&
           kh_task_event(&root, &t, claim ? "task.claim" : "task.release", NULL, err) &&
           kh_task_fill(tx, pe, &t, ret, err);
}

static const struct kh_json no_answers = {.type = KH_JSON_OBJECT};

/* The answers fit the form, and no name is taken. */
static bool check_answers(struct kh_run *r, const struct kh_node *n, const struct kh_json *answers,
                          struct kh_error *err)
{
    struct kh_arena *a = r->root->a;
    struct kh_issues *issues = kh_new(a, struct kh_issues);
    struct kh_schema *of_type = NULL;
    const struct kh_schema *check = n->form_check;
    const struct kh_type *type;
    bool good;

    if (answers->type != KH_JSON_OBJECT)
        return kh_fail(err, KH_EC_TASK_INVALID, "the answers are not an object");
    type = n->form_type.n ? kh_type_find(r->root->pe->reg, n->form_type) : NULL;
    if (n->form_type.n && !type)
        return kh_fail(err, KH_EC_PROCESS_STUCK, "there is no form %.*s", KH_FMT(n->form_type));
    if (type) {
        if (!kh_schema_compile(a, kh_type_schema(type), NULL, &of_type, err))
            return false;
        check = of_type;
    }
    good = !check || kh_schema_check(check, a, answers, KH_S(""), issues);
    kh_schema_drop(of_type);
    if (good)
        return true;
    kh_fail(err, KH_EC_TASK_INVALID, "%zu answers do not fit", issues->n);
    err->issues = issues;
    return false;
}

/* An answer whose question says x-kh.ref names a record that is valid now: work that is handed to a
 * unit that does not exist would be nobody's. */
static bool check_answer_refs(struct kh_run *r, const struct kh_node *n,
                              const struct kh_json *answers, struct kh_error *err)
{
    struct kh_root *root = r->root;
    struct kh_issues *issues = kh_new(root->a, struct kh_issues);
    const struct kh_json *questions = kh_json_get(n->form, "properties");

    for (uint32_t i = 0; i < answers->n; i++) {
        const struct kh_json_member *m = &answers->members[i];
        const struct kh_json *question = kh_json_find(questions, m->key);
        struct kh_str ref = kh_json_str(kh_json_get(question, "x-kh"), "ref", KH_S(""));
        const struct kh_type *t = ref.n ? kh_type_find(root->pe->reg, ref) : NULL;
        enum kh_hit hit = KH_MISS;
        struct kh_record known;

        if (ref.n == 0 || m->value.type != KH_JSON_STRING)
            continue;
        if (t)
            hit = kh_record_find(root->tx, root->pe->reg, root->a, t, m->value.s, root->now_us,
                                 &known, err);
        if (hit == KH_FAIL)
            return false;
        if (hit == KH_MISS)
            kh_issue_add(issues, root->a, kh_strf(root->a, "/%.*s", KH_FMT(m->key)), "ref",
                         kh_strf(root->a, "Không có %.*s nào có hiệu lực mang mã này.", KH_FMT(ref)),
                         kh_strf(root->a, "No %.*s that is valid has this code.", KH_FMT(ref)));
    }
    if (issues->n == 0)
        return true;
    kh_fail(err, KH_EC_TASK_INVALID, "%zu answers name nothing", issues->n);
    err->issues = issues;
    return false;
}

/* The instance of a task, locked and standing on it. */
static bool load_for(struct kh_root *root, const struct kh_task_row *t, struct kh_run **ret_run,
                     size_t *ret_token, struct kh_error *err)
{
    switch (kh_run_load(root, t->instance, ret_run, err)) {
    case KH_FAIL:
        return false;
    case KH_MISS:
        return kh_fail(err, KH_EC_TASK_DONE, "id=%lld", (long long)t->id);
    case KH_HIT:
        break;
    }
    *ret_token = kh_run_token(*ret_run, t->token);
    if (*ret_token == SIZE_MAX || (*ret_run)->tokens[*ret_token].ref != t->id)
        return kh_fail(err, KH_EC_TASK_DONE, "id=%lld", (long long)t->id);
    return true;
}

/* Answers become variables as they are, or what the model makes of them. */
static bool take_answers(struct kh_run *r, size_t token, const struct kh_json *answers,
                         struct kh_error *err)
{
    const struct kh_node *n = &r->p->nodes[r->tokens[token].node];

    r->here = token;
    return n->outputs_n ? kh_step_outputs(r, n, answers, false, err)
                        : kh_run_set(r, answers, KH_EC_TASK_INVALID, err);
}

bool kh_task_complete(struct kh_tx *tx, struct kh_process *pe, struct kh_arena *a, int64_t id,
                      const struct kh_json *variables, const struct kh_who *who,
                      struct kh_task *ret, struct kh_error *err)
{
    const struct kh_json *answers =
        variables && variables->type != KH_JSON_NULL ? variables : &no_answers;
    struct kh_task_row t;
    struct kh_root root;
    struct kh_run *r;
    size_t token = 0;

    kh_root_init(&root, tx, pe, a, who);
    /* Transactions are serializable: a task that another one changes meanwhile makes this one run
     * again, so it is read once. The instance is locked before its task, by everybody. */
    if (!open_for(tx, a, id, false, who, &t, err))
        return false;
    if (t.claimed_by && t.claimed_by != who->account && who->kind != KH_WHO_SYSTEM)
        return kh_fail(err, KH_EC_TASK_CLAIMED, "id=%lld", (long long)id);
    if (!load_for(&root, &t, &r, &token, err) ||
        !check_answers(r, &r->p->nodes[r->tokens[token].node], answers, err) ||
        !check_answer_refs(r, &r->p->nodes[r->tokens[token].node], answers, err))
        return false;
    t.state = KH_TASK_DONE;
    t.claimed_by = t.claimed_by ? t.claimed_by : who->account;
    t.done_us = root.now_us;
    t.done_by = who->actor;
    if (!put(tx, &t, err) || !kh_task_event(&root, &t, "task.complete", answers, err))
        return false;
    if (!take_answers(r, token, answers, err) || !kh_run_leave(r, token, err) ||
        !kh_run_go(r, err) || !kh_root_finish(&root, err))
        return false;
    return kh_task_fill(tx, pe, &t, ret, err);
}
