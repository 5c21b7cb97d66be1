/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/process/verify.h"

#include "base/id.h"
#include "base/time.h"
#include "engine/process/process.h"

void kh_diff(struct kh_diffs *d, const char *column, int64_t seq, bool same)
{
    if (same || d->n == KH_DIFFS_MAX)
        return;
    d->columns[d->n] = column;
    d->seqs[d->n++] = seq;
}

const struct kh_json *kh_deed_data(struct kh_arena *a, const struct kh_deed *e)
{
    static const struct kh_json_limits limits = {.bytes = (size_t)4 << 20, .depth = 100};
    struct kh_error why = {0};
    struct kh_json *data;

    return e->data.n && kh_json_parse(a, e->data, &limits, &data, &why) ? data : NULL;
}

/* ---- the deadline ---- */

/* A deadline as the log writes it, so that both lose the same of it; "" if there is none. */
static struct kh_str instant(struct kh_arena *a, int64_t us)
{
    return us == KH_FOREVER ? KH_S("") : kh_time_text(a, us);
}

/* The deadline of a task, told from event to event. */
struct due {
    struct kh_str at; /* "" none */
    bool known;       /* not after a clock went on: how far it was shifted the log does not say */
    bool held;        /* the clock stands: due_us says never, held_us holds the deadline */
    bool unsure;      /* whether it is held */
    bool told, told_known; /* that it is overdue */
    bool over;             /* the task is */
    int64_t odd;           /* first event that says another deadline than was told before */
};

static void stop_clock(struct due *d, const struct kh_seen_task *row, const struct kh_deed *clock)
{
    if (d->over || d->held || (d->known && d->at.n == 0))
        return;
    d->held = true;
    /* Whoever moves an instance has locked it. A task that another instance makes at the same moment
     * may stand before the stop in the log, and not have been seen by it. A deadline that the log does
     * not know may be none, which is not held. */
    d->unsure = clock->subject != row->t.instance || !d->known;
}

static void start_clock(struct due *d)
{
    if (d->over || !d->held)
        return;
    d->held = d->unsure = d->known = false;
    d->told_known = false;
}

static void next_deed(struct kh_arena *a, struct due *d, const struct kh_deed *e)
{
    const struct kh_json *data = kh_deed_data(a, e);
    struct kh_str at = kh_json_str(data, "due_at", KH_S(""));
    bool first = kh_str_is(e->kind, "task.create");

    if (kh_str_is(e->kind, "task.overdue"))
        d->told = d->told_known = true;
    if (kh_str_is(e->kind, "task.complete") || kh_str_is(e->kind, "task.cancel"))
        d->over = true;
    if (first)
        *d = (struct due){.at = at, .known = data != NULL, .told_known = true};
    if (first || !data)
        return;
    if (d->unsure) {
        d->held = at.n == 0;
        d->unsure = false;
    }
    if (!d->odd && (d->held ? at.n != 0 : d->known && !kh_str_eq(at, d->at)))
        d->odd = e->seq;
    if (d->held)
        return;
    d->at = at;
    d->known = true;
}

static struct due tell_due(struct kh_arena *a, const struct kh_seen_task *row,
                           const struct kh_deed *e, size_t n, const struct kh_deed *clocks,
                           size_t clocks_n)
{
    struct due d = {0};
    size_t k = 0;

    for (size_t i = 0; i < n; i++) {
        for (; k < clocks_n && clocks[k].seq < e[i].seq; k++)
            kh_str_is(clocks[k].kind, "clock.suspend") ? stop_clock(&d, row, &clocks[k])
                                                       : start_clock(&d);
        next_deed(a, &d, &e[i]);
    }
    for (; k < clocks_n; k++)
        kh_str_is(clocks[k].kind, "clock.suspend") ? stop_clock(&d, row, &clocks[k])
                                                   : start_clock(&d);
    return d;
}

static void compare_due(struct kh_arena *a, const struct kh_seen_task *row, const struct due *d,
                        struct kh_diffs *ret)
{
    struct kh_str due = instant(a, row->t.due_us);
    struct kh_str held = row->t.held_us ? instant(a, row->t.held_us) : KH_S("");
    bool holds = due.n == 0 && held.n != 0 && (!d->known || kh_str_eq(held, d->at));
    bool runs = held.n == 0 && (!d->known || kh_str_eq(due, d->at));

    kh_diff(ret, "due_us", d->odd, d->odd == 0);
    if (d->held && !d->unsure)
        kh_diff(ret, "due_us", 0, holds);
    else
        kh_diff(ret, "due_us", 0, runs || (d->unsure && holds));
    kh_diff(ret, "overdue", 0, !d->told_known || row->t.overdue == d->told);
}

bool kh_task_wants_clock(struct kh_arena *a, const struct kh_seen_task *row,
                         const struct kh_deed *e, size_t n)
{
    struct due d = tell_due(a, row, e, n, NULL, 0);
    struct kh_diffs diffs = {0};

    compare_due(a, row, &d, &diffs);
    return row->t.case_id && (!d.over || diffs.n);
}

/* ---- who has it, and how it ended ---- */

struct told {
    int64_t state, claimed_by, done_us;
    bool claim_known;
    struct kh_str done_by;
};

/* The account behind an actor; 0 for the public and the system. A key that is gone tells none. */
static bool account_of(struct kh_tx *tx, struct kh_str actor, int64_t *ret, bool *ret_known,
                       struct kh_error *err)
{
    const struct kh_str account = KH_S("account:"), key = KH_S("key:");
    enum kh_hit hit;

    *ret = 0;
    *ret_known = true;
    if (kh_str_starts(actor, account))
        *ret_known = kh_id_parse(kh_str_skip(actor, account.n), ret);
    if (!kh_str_starts(actor, key))
        return true;
    *ret_known = kh_id_parse(kh_str_skip(actor, key.n), ret);
    hit = *ret_known ? kh_verify_sql_key(tx, *ret, ret, err) : KH_MISS;
    *ret_known = hit == KH_HIT;
    return hit != KH_FAIL;
}

static bool tell(struct kh_tx *tx, const struct kh_deed *e, struct told *t, struct kh_error *err)
{
    if (kh_str_is(e->kind, "task.create")) {
        *t = (struct told){.state = KH_TASK_OPEN, .claim_known = true};
    } else if (kh_str_is(e->kind, "task.claim")) {
        t->state = KH_TASK_CLAIMED;
        return account_of(tx, e->actor, &t->claimed_by, &t->claim_known, err);
    } else if (kh_str_is(e->kind, "task.release")) {
        t->state = KH_TASK_OPEN;
        t->claimed_by = 0;
        t->claim_known = true;
    } else if (kh_str_is(e->kind, "task.complete") || kh_str_is(e->kind, "task.cancel")) {
        bool done = kh_str_is(e->kind, "task.complete");
        bool claims = done && t->state == KH_TASK_OPEN;

        t->state = done ? KH_TASK_DONE : KH_TASK_CANCELLED;
        t->done_us = e->at_us;
        t->done_by = e->actor;
        /* Who does what nobody had claimed has it. */
        return !claims || account_of(tx, e->actor, &t->claimed_by, &t->claim_known, err);
    }
    return true;
}

/* ---- all of it ---- */

/* What the first event tells, and nothing changes after but going over to another version. */
static void compare_birth(struct kh_arena *a, const struct kh_seen_task *row,
                          const struct kh_deed *e, const struct kh_deed *last, struct kh_diffs *ret)
{
    const struct kh_json *data = kh_deed_data(a, last);
    const struct kh_task_row *t = &row->t;

    kh_diff(ret, "unit", 0, kh_str_eq(t->unit, e->unit));
    kh_diff(ret, "owner", 0, t->owner == e->owner);
    kh_diff(ret, "case_id", 0, t->case_id == e->about);
    kh_diff(ret, "created_us", 0, t->created_us == e->at_us);
    if (kh_json_get(data, "process"))
        kh_diff(ret, "process", 0, kh_str_eq(t->process, kh_json_str(data, "process", KH_S(""))));
    if (kh_json_get(data, "key")) {
        kh_diff(ret, "key", 0, kh_str_eq(t->key, kh_json_str(data, "key", KH_S(""))));
        kh_diff(ret, "role", 0, kh_str_eq(t->role, kh_json_str(data, "role", KH_S(""))));
    }
}

/* What a task says of its instance and model is what these say of themselves. Work that is done keeps
 * the version that it was done by, which the log tells (if it is not erased, or older than that). */
static void compare_place(struct kh_arena *a, const struct kh_seen_task *row,
                          const struct kh_deed *last, struct kh_diffs *ret)
{
    const struct kh_json *data = kh_deed_data(a, last);
    int64_t version = kh_json_int(data, "version", 0);
    const struct kh_task_row *t = &row->t;
    bool here = !row->has_instance || row->i.process_id == t->process_id;

    kh_diff(ret, "instance_id", 0, row->has_instance && row->i.case_id == t->case_id);
    kh_diff(ret, "process_id", 0,
            kh_str_eq(row->model, t->process) && (!version || version == row->version) &&
                (here || t->state >= KH_TASK_DONE));
    kh_diff(ret, "case_type", 0, !row->has_instance || kh_str_eq(row->i.case_type, t->case_type));
}

bool kh_task_compare(struct kh_tx *tx, struct kh_arena *a, const struct kh_seen_task *row,
                     const struct kh_deed *e, size_t n, const struct kh_deed *clocks,
                     size_t clocks_n, struct kh_diffs *ret, struct kh_error *err)
{
    struct due d = tell_due(a, row, e, n, clocks, clocks_n);
    struct told t = {0};
    const struct kh_deed *last = &e[0];

    for (size_t i = 1; i < n; i++)
        last = kh_str_is(e[i].kind, "task.migrate") ? &e[i] : last;
    for (size_t i = 0; i < n; i++)
        if (!tell(tx, &e[i], &t, err))
            return false;
    compare_birth(a, row, &e[0], last, ret);
    compare_place(a, row, last, ret);
    kh_diff(ret, "state", 0, row->t.state == t.state);
    kh_diff(ret, "done_us", 0, row->t.done_us == t.done_us);
    kh_diff(ret, "done_by", 0, kh_str_eq(row->t.done_by, t.done_by));
    kh_diff(ret, "claimed_by", 0,
            t.claim_known ? row->t.claimed_by == t.claimed_by : row->t.claimed_by != 0);
    compare_due(a, row, &d, ret);
    return true;
}
