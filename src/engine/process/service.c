/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service functions of the house:
 *   record.patch  {fields..., reason?}            merge fields into the case
 *                 or {type, id, fields, reason?}  or into another record
 *   record.create {type, fields}                  -> {id}; starts the process of its type
 *   decision.eval {ref, decision?, inputs}        -> the result
 *   message.send  {message, case?, correlation?, variables?}
 *   clock.suspend {calendar?}                     hold all deadlines of the case
 *   clock.resume  {fields?: [names]}              -> {minutes}; shift them, and these fields, on
 *   record.get    {type, key | id}                -> its fields and "id", or null
 * Those of working time are in service_time.c, of payments in service_pay.c.
 */
#include "engine/process/run.h"
#include "store/event.h"

#include "base/id.h"
#include "base/time.h"

static struct kh_run *run_of(struct kh_step *step)
{
    return ((struct kh_own_step *)step)->run;
}

static const struct kh_json *object_of(const struct kh_json *inputs, const char *name)
{
    const struct kh_json *v = kh_json_get(inputs, name);

    return kh_json_is(v, KH_JSON_OBJECT) ? v : NULL;
}

static struct kh_json *result_text(struct kh_arena *a, const char *name, struct kh_str value)
{
    struct kh_json *o = kh_json_new(a, KH_JSON_OBJECT);

    kh_json_set(a, o, kh_cstr(name), kh_json_new_str(a, value));
    return o;
}

/* ---- records ---- */

static bool record_patch(struct kh_step *step, const struct kh_json *inputs, void *ctx,
                         struct kh_json **ret_outputs, struct kh_error *err)
{
    struct kh_str type = kh_json_str(inputs, "type", KH_S(""));
    const struct kh_json *fields = object_of(inputs, "fields");
    const struct kh_type *t = step->case_type;
    struct kh_str reason = kh_json_str(inputs, "reason", KH_S(""));
    int64_t id = step->case_id;
    struct kh_json *patch;

    (void)ctx, (void)ret_outputs;
    if (fields && type.n) {
        t = kh_type_find(step->pe->reg, type);
        if (!t)
            return kh_fail(err, KH_EC_TYPE_UNKNOWN, "%.*s", KH_FMT(type));
        if (!kh_id_parse(kh_json_str(inputs, "id", KH_S("")), &id))
            return kh_fail(err, KH_EC_RECORD_UNKNOWN, "input id is no id");
        return kh_case_patch(run_of(step)->root, t, id, fields, reason, err);
    }
    if (!t || !id)
        return kh_fail(err, KH_EC_PROCESS_STUCK, "this instance is about no record");
    if (fields)
        return kh_case_patch(run_of(step)->root, t, id, fields, reason, err);
    patch = kh_json_dup(step->a, inputs);
    kh_json_unset(patch, KH_S("reason"));
    return kh_case_patch(run_of(step)->root, t, id, patch, reason, err);
}

/* What the model says is what it may know: the record is read as the house, and leaves no trace of
 * its own; a field that comes to people through a variable is declared with the form that shows it. */
static bool record_get(struct kh_step *step, const struct kh_json *inputs, void *ctx,
                       struct kh_json **ret_outputs, struct kh_error *err)
{
    struct kh_str name = kh_json_str(inputs, "type", KH_S(""));
    struct kh_str key = kh_json_str(inputs, "key", KH_S(""));
    const struct kh_type *t = kh_type_find(step->pe->reg, name);
    const struct kh_json *fields;
    struct kh_record r;
    enum kh_hit hit = KH_MISS;
    int64_t id;

    (void)ctx;
    if (!t)
        return kh_fail(err, KH_EC_TYPE_UNKNOWN, "%.*s", KH_FMT(name));
    if (key.n)
        hit = kh_record_find(step->tx, step->pe->reg, step->a, t, key, 0, &r, err);
    else if (kh_id_parse(kh_json_str(inputs, "id", KH_S("")), &id))
        hit = kh_record_get(step->tx, step->pe->reg, step->a, t, id, 0, 0, &r, err);
    if (hit == KH_FAIL)
        return false;
    if (hit == KH_MISS) {
        *ret_outputs = kh_json_new(step->a, KH_JSON_NULL);
        return true;
    }
    if (!kh_record_fields(step->a, &r, &fields, err))
        return false;
    *ret_outputs = kh_json_dup(step->a, fields);
    kh_json_set(step->a, *ret_outputs, KH_S("id"),
                kh_json_new_str(step->a, kh_id_text(step->a, r.id)));
    return true;
}

/* An expression that has no value gives null: the field is then not there, as with record.patch. */
static const struct kh_json *without_nulls(struct kh_arena *a, const struct kh_json *fields)
{
    struct kh_json *o = kh_json_new(a, KH_JSON_OBJECT);

    for (uint32_t i = 0; fields && i < fields->n; i++)
        if (fields->members[i].value.type != KH_JSON_NULL)
            kh_json_set(a, o, fields->members[i].key, &fields->members[i].value);
    return o;
}

static bool record_create(struct kh_step *step, const struct kh_json *inputs, void *ctx,
                          struct kh_json **ret_outputs, struct kh_error *err)
{
    struct kh_root *root = run_of(step)->root;
    struct kh_str name = kh_json_str(inputs, "type", KH_S(""));
    const struct kh_type *t = kh_type_find(step->pe->reg, name);
    const struct kh_json *fields = without_nulls(step->a, object_of(inputs, "fields"));
    struct kh_write w = {.who = step->who, .trusted = true};
    struct kh_record record;
    struct kh_draft *draft;

    (void)ctx;
    if (!t)
        return kh_fail(err, KH_EC_TYPE_UNKNOWN, "%.*s", KH_FMT(name));
    if (!kh_record_prepare(step->pe->reg, step->a, t, fields, &w, &draft, err) ||
        !kh_case_start(root, draft, &record, err))
        return false;
    *ret_outputs = result_text(step->a, "id", kh_id_text(step->a, record.id));
    return true;
}

/* ---- decisions, messages ---- */

static bool decision_eval(struct kh_step *step, const struct kh_json *inputs, void *ctx,
                          struct kh_json **ret_outputs, struct kh_error *err)
{
    static const struct kh_json empty = {.type = KH_JSON_OBJECT};
    const struct kh_json *given = object_of(inputs, "inputs"), *result;
    struct kh_issues messages = {0};

    (void)ctx;
    if (!kh_decision_eval(step->pe, step->a, kh_json_str(inputs, "ref", KH_S("")),
                          kh_json_str(inputs, "decision", KH_S("")), given ? given : &empty,
                          &result, &messages, err))
        return false;
    *ret_outputs = kh_json_dup(step->a, result);
    return true;
}

static bool message_send(struct kh_step *step, const struct kh_json *inputs, void *ctx,
                         struct kh_json **ret_outputs, struct kh_error *err)
{
    struct kh_str case_id = kh_json_str(inputs, "case", KH_S(""));
    struct kh_pending m = {
        .name = kh_json_str(inputs, "message", KH_S("")),
        .correlation = kh_json_str(inputs, "correlation", KH_S("")),
        .variables = object_of(inputs, "variables"),
    };

    (void)ctx, (void)ret_outputs;
    if (!m.name.n)
        return kh_fail(err, KH_EC_PROCESS_STUCK, "input message is missing");
    if (case_id.n && !kh_id_parse(case_id, &m.case_id))
        return kh_fail(err, KH_EC_PROCESS_STUCK, "input case is no id");
    if (!case_id.n && !m.correlation.n)
        m.case_id = step->case_id;
    return kh_message_send(run_of(step)->root, &m, err);
}

/* ---- the clock of a case ---- */

static bool clock_event(struct kh_step *step, const char *kind, struct kh_error *err)
{
    struct kh_event e = {.kind = kh_cstr(kind),
                         .type = KH_S("process"),
                         .subject = step->instance,
                         .about = step->case_id,
                         .level = 1,
                         .actor = step->who->actor,
                         .data = KH_S("{}")};

    return kh_event_append(step->tx, &e, err);
}

static bool clock_suspend(struct kh_step *step, const struct kh_json *inputs, void *ctx,
                          struct kh_json **ret_outputs, struct kh_error *err)
{
    enum kh_hit hit;

    (void)ctx, (void)ret_outputs;
    if (!step->case_id)
        return kh_fail(err, KH_EC_PROCESS_STUCK, "this instance is about no record");
    hit = kh_clock_sql_stop(step->tx, step->case_id, run_of(step)->root->now_us,
                            kh_json_str(inputs, "calendar", KH_S("default")), err);
    if (hit != KH_HIT)
        return hit == KH_MISS; /* it stands already */
    return kh_task_sql_hold(step->tx, step->case_id, err) &&
           kh_job_sql_hold(step->tx, step->case_id, err) && clock_event(step, "clock.suspend", err);
}

/* A stopped clock: since when, and how to move a deadline on. */
struct pause {
    struct kh_process *pe;
    int64_t since_us, now_us;
};

static bool move_on(const struct pause *p, struct kh_str calendar, int64_t due_us, int64_t *ret_us,
                    struct kh_error *err)
{
    int64_t work;

    if (!calendar.n) {
        *ret_us = due_us + (p->now_us - p->since_us);
        return true;
    }
    return kh_calendars_work(p->pe, calendar, p->since_us, p->now_us, &work, err) &&
           kh_calendars_shift(p->pe, calendar, due_us, 0, work, ret_us, err);
}

static bool release_held(struct kh_step *step, const struct pause *p, struct kh_error *err)
{
    struct kh_task_row *tasks;
    struct kh_job_row *jobs;
    size_t tasks_n, jobs_n;
    int64_t due;

    if (!kh_task_sql_held(step->tx, step->a, step->case_id, &tasks, &tasks_n, err) ||
        !kh_job_sql_held(step->tx, step->a, step->case_id, &jobs, &jobs_n, err))
        return false;
    for (size_t i = 0; i < tasks_n; i++)
        if (!move_on(p, tasks[i].calendar, tasks[i].held_us, &due, err) ||
            !kh_task_sql_release(step->tx, tasks[i].id, due, p->now_us, err))
            return false;
    for (size_t i = 0; i < jobs_n; i++)
        if (!move_on(p, jobs[i].calendar, jobs[i].held_us, &due, err) ||
            !kh_job_sql_release(step->tx, jobs[i].id, due, err))
            return false;
    return true;
}

/* Shift instants that the case itself keeps, as its due_at. */
static bool shift_fields(struct kh_step *step, const struct kh_json *names, const struct pause *p,
                         struct kh_str calendar, struct kh_error *err)
{
    struct kh_json *patch = kh_json_new(step->a, KH_JSON_OBJECT);
    const struct kh_json *fields;

    if (!kh_json_is(names, KH_JSON_ARRAY) || !step->case_type)
        return true;
    if (!kh_run_case(run_of(step), &fields, err))
        return false;
    for (uint32_t i = 0; i < names->n; i++) {
        const struct kh_json *v =
            names->items[i].type == KH_JSON_STRING ? kh_json_find(fields, names->items[i].s) : NULL;
        int64_t at;

        if (!kh_json_is(v, KH_JSON_STRING) || !kh_when_parse(v->s, &at))
            continue;
        if (!move_on(p, calendar, at, &at, err))
            return false;
        kh_json_set(step->a, patch, names->items[i].s,
                    kh_json_new_str(step->a, kh_time_text(step->a, at)));
    }
    return patch->n == 0 ||
           kh_case_patch(run_of(step)->root, step->case_type, step->case_id, patch,
                         KH_S("clock.resume"), err);
}

static bool clock_resume(struct kh_step *step, const struct kh_json *inputs, void *ctx,
                         struct kh_json **ret_outputs, struct kh_error *err)
{
    struct pause p = {.pe = step->pe, .now_us = run_of(step)->root->now_us};
    struct kh_str calendar;
    int64_t work;
    struct kh_json *o = kh_json_new(step->a, KH_JSON_OBJECT);
    enum kh_hit hit =
        kh_clock_sql_go(step->tx, step->a, step->case_id, &p.since_us, &calendar, err);

    (void)ctx;
    if (hit == KH_FAIL)
        return false;
    kh_json_set(step->a, o, KH_S("minutes"), kh_json_new_int(step->a, 0));
    *ret_outputs = o;
    if (hit == KH_MISS)
        return true;
    if (!kh_calendars_work(step->pe, calendar, p.since_us, p.now_us, &work, err) ||
        !release_held(step, &p, err) ||
        !shift_fields(step, kh_json_get(inputs, "fields"), &p, calendar, err))
        return false;
    kh_json_set(step->a, o, KH_S("minutes"), kh_json_new_int(step->a, work / KH_US_MIN));
    return clock_event(step, "clock.resume", err);
}

void kh_services_builtin(struct kh_process *pe)
{
    kh_process_service_early(pe, "record.patch", record_patch, NULL);
    kh_process_service(pe, "record.create", record_create, NULL);
    kh_process_service_early(pe, "decision.eval", decision_eval, NULL);
    kh_process_service(pe, "message.send", message_send, NULL);
    kh_process_service_early(pe, "record.get", record_get, NULL);
    kh_services_time(pe);
    kh_services_pay(pe);
    kh_process_service(pe, "clock.suspend", clock_suspend, NULL);
    kh_process_service(pe, "clock.resume", clock_resume, NULL);
}
