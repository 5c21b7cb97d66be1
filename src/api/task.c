/* SPDX-License-Identifier: Apache-2.0 */
#include "api/city.h"
#include "api/names.h"
#include "api/routes.h"
#include "base/id.h"
#include "base/time.h"
#include "engine/identity/identity.h"
#include "engine/process/process.h"

/* ---- writing a task ---- */

/* May the caller work on it, or only watch? */
static bool may_act(const struct kh_who *who, const struct kh_task *t)
{
    return (t->owner == 0 && t->role.n && kh_who_has(who, t->role, t->unit)) ||
           (who->account && (who->account == t->owner || who->account == t->claimed_by));
}

static void put_due(struct kh_jw *w, struct kh_call *c, const struct kh_task *t)
{
    struct kh_error ignored = {0};
    int64_t minutes;

    if (t->paused)
        kh_jw_kbool(w, "paused", true);
    if (t->due_us == KH_FOREVER)
        return;
    kh_jw_kstr(w, "due_at", kh_time_text(c->a, t->due_us));
    if (t->state < KH_TASK_DONE && kh_calendar_between(c->city->process, t->calendar, kh_now_us(),
                                                       t->due_us, &minutes, &ignored))
        kh_jw_kint(w, "minutes_left", minutes);
}

/* Who took a task; "" if nobody did or the account is gone. Most often it is who asks. */
static bool claimer_name(struct kh_names *names, int64_t account, struct kh_str *ret,
                         struct kh_error *err)
{
    const struct kh_account *ac = NULL;

    *ret = KH_S("");
    if (account && account == names->c->who->account)
        *ret = names->c->who->name;
    else if (account && !kh_names_account(names, account, &ac, err))
        return false;
    else if (ac)
        *ret = ac->name;
    return true;
}

static bool put_task(struct kh_jw *w, struct kh_names *names, const struct kh_task *t,
                     struct kh_error *err)
{
    static const char *const states[] = {"open", "claimed", "done", "cancelled"};
    struct kh_call *c = names->c;
    struct kh_str name, claimer;

    if (!kh_names_unit(names, t->unit, &name, err) ||
        !claimer_name(names, t->claimed_by, &claimer, err))
        return false;
    kh_jw_obj(w);
    kh_jw_kstr(w, "id", kh_id_text(c->a, t->id));
    kh_jw_kstr(w, "key", t->key);
    kh_jw_key(w, "name");
    kh_jw_obj(w);
    kh_jw_kstr(w, "vi", t->name_vi);
    kh_jw_kstr(w, "en", t->name_en);
    kh_jw_end(w);
    kh_jw_kstr(w, "title", t->title);
    if (t->case_id) {
        kh_jw_key(w, "case");
        kh_jw_obj(w);
        kh_jw_kstr(w, "type", t->case_type);
        kh_jw_kstr(w, "id", kh_id_text(c->a, t->case_id));
        kh_jw_end(w);
    }
    kh_jw_kstr(w, "instance", kh_id_text(c->a, t->instance));
    kh_jw_kstr(w, "process", t->process);
    kh_jw_kz(w, "state", states[t->state]);
    kh_jw_kstr(w, "role", t->role);
    kh_jw_kstr(w, "unit", t->unit);
    kh_jw_kstr(w, "unit_name", name);
    if (t->claimed_by)
        kh_jw_kstr(w, "claimed_by", kh_id_text(c->a, t->claimed_by));
    if (claimer.n)
        kh_jw_kstr(w, "claimed_name", claimer);
    kh_jw_kbool(w, "may", may_act(c->who, t));
    if (t->owner)
        kh_jw_kstr(w, "owner", kh_id_text(c->a, t->owner));
    kh_jw_kstr(w, "created_at", kh_time_text(c->a, t->created_us));
    if (t->done_us)
        kh_jw_kstr(w, "done_at", kh_time_text(c->a, t->done_us));
    put_due(w, c, t);
    if (t->form) {
        kh_jw_key(w, "form");
        if (t->form_text.n)
            kh_jw_raw(w, t->form_text);
        else
            kh_jw_json(w, t->form);
    }
    kh_jw_end(w);
    return true;
}

/* ---- lists ---- */

static bool read_query(struct kh_call *c, struct kh_task_query *q, struct kh_error *err)
{
    struct kh_str id = kh_call_arg(c, "case", KH_S(""));
    struct kh_str due = kh_call_arg(c, "due_before", KH_S(""));
    struct kh_str mine = kh_call_arg(c, "mine", KH_S(""));

    *q = (struct kh_task_query){
        .states = kh_call_arg(c, "state", KH_S("")),
        .unit = kh_call_arg(c, "unit", KH_S("")),
        .role = kh_call_arg(c, "role", KH_S("")),
        .process = kh_call_arg(c, "process", KH_S("")),
        .key = kh_call_arg(c, "key", KH_S("")),
        .after = kh_call_arg(c, "after", KH_S("")),
        .mine = kh_str_is(mine, "true"),
        .who = c->who,
    };
    if (id.n && !kh_id_parse(id, &q->case_id))
        return kh_fail(err, KH_EC_PARAMETER_INVALID, "case is no id");
    if (due.n && !kh_when_parse(due, &q->due_before_us))
        return kh_fail(err, KH_EC_PARAMETER_INVALID, "due_before is no time");
    if (mine.n && !q->mine && !kh_str_is(mine, "false"))
        return kh_fail(err, KH_EC_PARAMETER_INVALID, "mine is true or false");
    return kh_call_limit(c, 50, 1000, &q->limit, err);
}

static bool task_list_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct kh_call *c = ctx;
    struct kh_names names = {.tx = tx, .c = c};
    struct kh_buf b = kh_buf(c->a, 16 << 20);
    struct kh_jw w = kh_jw(&b);
    struct kh_task_query q;
    struct kh_task *tasks;
    struct kh_str next;
    size_t n;

    if (!read_query(c, &q, err) ||
        !kh_task_list(tx, c->city->process, c->a, &q, &tasks, &n, &next, err))
        return false;
    kh_jw_obj(&w);
    kh_jw_key(&w, "items");
    kh_jw_arr(&w);
    for (size_t i = 0; i < n; i++)
        if (!put_task(&w, &names, &tasks[i], err))
            return false;
    kh_jw_end(&w);
    if (next.n)
        kh_jw_kstr(&w, "next", next);
    kh_jw_end(&w);
    if (b.full)
        return kh_fail(err, KH_EC_ARENA_FULL, "%zu tasks with forms; ask for fewer", n);
    kh_reply_json(c, 200, kh_buf_get(&b));
    return true;
}

static enum kh_next run_read(struct kh_call *c, const char *name, kh_tx_fn fn)
{
    struct kh_error err = {0};

    if (!kh_store_run(c->city->store, name, KH_TX_READ, fn, c, &err))
        return kh_reply_error(c, &err);
    return KH_REPLIED;
}

static enum kh_next api_task_list(struct kh_call *c)
{
    return run_read(c, "task_list", task_list_in_tx);
}

/* ---- one task ---- */

/* The task of the address, changed by an engine call, and then as text. */
struct task_call {
    struct kh_call *c;
    int64_t id;
    const struct kh_json *variables;
    bool claim;
    struct kh_str body;
};

static bool render(struct kh_tx *tx, struct task_call *t, const struct kh_task *task,
                   struct kh_error *err)
{
    struct kh_names names = {.tx = tx, .c = t->c};
    struct kh_buf b = kh_buf(t->c->a, 4 << 20);
    struct kh_jw w = kh_jw(&b);

    if (!put_task(&w, &names, task, err))
        return false;
    t->body = kh_buf_get(&b);
    return true;
}

static struct task_call *task_of(struct kh_call *c, struct kh_error *err)
{
    struct task_call *t = kh_new(c->a, struct task_call);

    t->c = c;
    if (!kh_id_parse(c->params[0], &t->id)) {
        (void)kh_fail(err, KH_EC_TASK_UNKNOWN, "not an id");
        return NULL;
    }
    return t;
}

static bool task_read_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct task_call *t = ctx;
    struct kh_task task;

    switch (kh_task_get(tx, t->c->city->process, t->c->a, t->id, t->c->who, &task, err)) {
    case KH_FAIL:
        return false;
    case KH_MISS:
        return kh_fail(err, KH_EC_TASK_UNKNOWN, "id=%lld", (long long)t->id);
    case KH_HIT:
        break;
    }
    return render(tx, t, &task, err);
}

static enum kh_next api_task_read(struct kh_call *c)
{
    struct kh_error err = {0};
    struct task_call *t = task_of(c, &err);

    if (!t || !kh_store_run(c->city->store, "task_read", KH_TX_READ, task_read_in_tx, t, &err))
        return kh_reply_error(c, &err);
    return kh_reply_json(c, 200, t->body);
}

static enum kh_next task_changed(struct kh_call *c, bool ok, const struct kh_error *err)
{
    struct task_call *t = c->ctx;

    return ok ? kh_reply_json(c, 200, t->body) : kh_reply_error(c, err);
}

static bool task_claim_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct task_call *t = ctx;
    struct kh_task task;

    return kh_task_claim(tx, t->c->city->process, t->c->a, t->id, t->claim, t->c->who, &task,
                         err) &&
           render(tx, t, &task, err);
}

static enum kh_next claim(struct kh_call *c, bool take)
{
    struct kh_error err = {0};
    struct task_call *t = task_of(c, &err);

    if (!t)
        return kh_reply_error(c, &err);
    t->claim = take;
    return kh_call_write(c, take ? "task_claim" : "task_release", task_claim_in_tx, t,
                         task_changed);
}

static enum kh_next api_task_claim(struct kh_call *c)
{
    return claim(c, true);
}

static enum kh_next api_task_release(struct kh_call *c)
{
    return claim(c, false);
}

static bool task_complete_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct task_call *t = ctx;
    struct kh_task task;

    return kh_task_complete(tx, t->c->city->process, t->c->a, t->id, t->variables, t->c->who, &task,
                            err) &&
           render(tx, t, &task, err);
}

static enum kh_next api_task_complete(struct kh_call *c)
{
    struct kh_error err = {0};
    struct task_call *t = task_of(c, &err);

    if (!t)
        return kh_reply_error(c, &err);
    t->variables = kh_json_get(c->json, "variables");
    if (c->json && (c->json->type != KH_JSON_OBJECT || c->json->n != (t->variables ? 1u : 0u))) {
        (void)kh_fail(&err, KH_EC_BODY_INVALID, "the body is {\"variables\": {...}}");
        return kh_reply_error(c, &err);
    }
    return kh_call_write(c, "task_complete", task_complete_in_tx, t, task_changed);
}

const struct kh_route kh_routes_task[] = {
    {KH_GET, "/api/v1/tasks", "task_list", api_task_list, 0, 0,
     "case,state,unit,role,due_before,mine,process,key,limit,after", "account",
     "Hộp việc: công việc tôi được làm, hạn gần nhất trước",
     "The inbox: tasks that I may do, soonest due first", NULL, "TaskList"},
    {KH_GET, "/api/v1/tasks/{id}", "task_read", api_task_read, 0, 0, "", "account", "Một công việc",
     "One task", NULL, "Task"},
    {KH_POST, "/api/v1/tasks/{id}/claim", "task_claim", api_task_claim,
     KH_R_JSON | KH_R_OPTIONAL_BODY, 4096, "", "account", "Nhận việc", "Take a task", NULL, "Task"},
    {KH_POST, "/api/v1/tasks/{id}/release", "task_release", api_task_release,
     KH_R_JSON | KH_R_OPTIONAL_BODY, 4096, "", "account", "Trả việc", "Give a task back", NULL,
     "Task"},
    {KH_POST, "/api/v1/tasks/{id}/complete", "task_complete", api_task_complete,
     KH_R_JSON | KH_R_OPTIONAL_BODY, 0, "", "account", "Hoàn thành công việc", "Complete a task",
     "TaskComplete", "Task"},
    {0},
};
