/* SPDX-License-Identifier: Apache-2.0 */
/* When a deadline or a timer lies. */
#include "engine/process/run.h"

#include "base/time.h"

enum { CATCH_UP = 100000 };

bool kh_timer_add(struct kh_process *pe, struct kh_str calendar, int64_t from_us,
                  struct kh_span span, int64_t *ret_us, struct kh_error *err)
{
    if (!calendar.n) {
        *ret_us = kh_span_add(from_us, span);
        return true;
    }
    /* Months are civil months also on a calendar; days and hours are working time. */
    from_us = kh_span_add(from_us, (struct kh_span){.months = span.months});
    return kh_calendars_shift(pe, calendar, from_us, span.days, span.us, ret_us, err);
}

/* An instant, a duration, or the text of one. */
static bool from_value(struct kh_run *r, const struct kh_node *n, const struct kh_feel_value *v,
                       int64_t *ret_us, struct kh_error *err)
{
    int64_t now = r->root->now_us, until;
    struct kh_span span = {0};
    const struct kh_json *json;

    if (kh_feel_kind(v) == KH_FEEL_NULL) {
        *ret_us = KH_FOREVER;
        return true;
    }
    if (kh_feel_as_instant(v, ret_us))
        return true;
    json = kh_feel_to_json(r->root->a, v, false);
    if (kh_json_is(json, KH_JSON_STRING) && kh_span_parse(json->s, &span))
        return kh_timer_add(r->root->pe, n->timing.calendar, now, span, ret_us, err);
    if (kh_json_is(json, KH_JSON_STRING) && kh_when_parse(json->s, ret_us))
        return true;
    if (kh_feel_as_duration(v, now, &until)) {
        span.days = (until - now) / KH_US_DAY;
        span.us = (until - now) % KH_US_DAY;
        return kh_timer_add(r->root->pe, n->timing.calendar, now, span, ret_us, err);
    }
    return kh_fail(err, KH_EC_PROCESS_STUCK, "line %u, column %u: neither a time nor a duration",
                   n->timing.expr.line, n->timing.expr.column);
}

static struct kh_json *task_json(struct kh_arena *a, int64_t now_us, int64_t due_us)
{
    struct kh_json *o = kh_json_new(a, KH_JSON_OBJECT);
    struct kh_str names[2] = {KH_S("created"), KH_S("due")};
    int64_t times[2] = {now_us, due_us};

    for (int i = 0; i < 2; i++) {
        struct kh_json *t = kh_json_new(a, KH_JSON_OBJECT);

        if (times[i] == KH_FOREVER)
            continue;
        kh_json_set(a, t, KH_S("@feel"), kh_json_new_str(a, KH_S("date and time")));
        kh_json_set(a, t, KH_S("value"), kh_json_new_str(a, kh_time_text(a, times[i])));
        kh_json_set(a, o, names[i], t);
    }
    return o;
}

/* From an instant on, again and again, until it lies ahead: a standstill is not made up for. */
static bool catch_up(struct kh_root *root, const struct kh_timing *t, int64_t *us,
                     struct kh_error *err)
{
    for (int i = 0; *us <= root->now_us && i < CATCH_UP; i++)
        if (!kh_timer_add(root->pe, t->calendar, *us, t->span, us, err))
            return false;
    return true;
}

/* A cycle with a beginning: there, or at its first repetition that lies ahead. Even steps of plain
 * time are skipped at once, or years of them would be counted one by one. */
static bool first_of(struct kh_root *root, const struct kh_timing *t, int64_t *ret_us,
                     struct kh_error *err)
{
    int64_t step = t->span.days * KH_US_DAY + t->span.us;

    *ret_us = t->instant_us;
    if (*ret_us <= root->now_us && !t->calendar.n && t->span.months == 0)
        *ret_us += (root->now_us - *ret_us) / step * step;
    return catch_up(root, t, ret_us, err);
}

enum kh_hit kh_timer_done(struct kh_root *root, const struct kh_node *n, struct kh_job_row *j,
                          struct kh_error *err)
{
    struct kh_job_row again;
    enum kh_hit hit;

    if (n->timing.how != KH_T_CYCLE || j->times == 0)
        return kh_job_sql_done(root->tx, j->id, 0, err);
    hit = kh_job_sql_get(root->tx, root->a, j->id, &again, err);
    if (hit != KH_HIT || again.due_us != j->due_us)
        return hit == KH_FAIL ? KH_FAIL : KH_MISS;
    if (!catch_up(root, &n->timing, &j->due_us, err))
        return KH_FAIL;
    if (j->times > 0)
        j->times--;
    j->attempts = 0;
    j->error = KH_S("");
    return kh_job_sql_put(root->tx, j, err) ? KH_HIT : KH_FAIL;
}

bool kh_timer_at(struct kh_run *r, const struct kh_node *n, int64_t due_us,
                 struct kh_str due_calendar, int64_t *ret_us, struct kh_error *err)
{
    const struct kh_timing *t = &n->timing;
    struct kh_str calendar = t->calendar.n ? t->calendar : due_calendar;
    const struct kh_feel_value *v;
    struct kh_scope scope = {0};

    switch (t->how) {
    case KH_T_NONE:
        *ret_us = KH_FOREVER;
        return true;
    case KH_T_INSTANT:
        *ret_us = t->instant_us;
        return true;
    case KH_T_CYCLE:
        if (t->instant_us)
            return first_of(r->root, t, ret_us, err);
        return kh_timer_add(r->root->pe, t->calendar, r->root->now_us, t->span, ret_us, err);
    case KH_T_SPAN:
        return kh_timer_add(r->root->pe, t->calendar, r->root->now_us, t->span, ret_us, err);
    case KH_T_BEFORE_DUE:
    case KH_T_AFTER_DUE:
        if (due_us == KH_FOREVER) {
            *ret_us = KH_FOREVER;
            return true;
        }
        return kh_timer_add(r->root->pe, calendar, due_us,
                            t->how == KH_T_AFTER_DUE ? t->span : kh_span_negate(t->span), ret_us,
                            err);
    case KH_T_EXPR:
        break;
    }
    if (t->expr.reads & KH_READS_TASK)
        scope.task = task_json(r->root->a, r->root->now_us, due_us);
    return kh_run_eval(r, &t->expr, &scope, &v, err) && from_value(r, n, v, ret_us, err);
}

bool kh_timer_fire(struct kh_root *root, struct kh_job_row *j, bool *ret_did, struct kh_error *err)
{
    struct kh_run *r;
    enum kh_hit hit = kh_run_load(root, j->instance, &r, err);
    size_t token;
    int node;

    if (hit == KH_MISS)
        return kh_job_sql_done(root->tx, j->id, 0, err) != KH_FAIL;
    if (hit == KH_FAIL)
        return false;
    node = kh_program_node(r->p, j->node);
    if (!kh_run_waits(r, j->token, node, &token))
        return kh_job_sql_done(root->tx, j->id, 0, err) != KH_FAIL;
    hit = kh_timer_done(root, &r->p->nodes[node], j, err);
    if (hit != KH_HIT)
        return hit == KH_MISS;
    *ret_did = true;
    return kh_run_happen(r, token, node, err) && kh_run_go(r, err) && kh_root_finish(root, err);
}
