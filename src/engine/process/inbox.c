/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inbox: which tasks somebody may see, soonest due first.
 *
 * What may be seen is a union of index ranges (a role over a unit, claimed by me, mine to do as a
 * citizen). Each range gives its first few rows in the order (due, id), and they are merged; nothing
 * is read that is then thrown away, but doubles.
 */
#include "engine/process/task.h"

#include "base/hash.h"
#include "base/id.h"
#include "base/time.h"

#include <stdlib.h>

enum { LIMIT = 50, LIMIT_MAX = 1000, WIDE_PARTS = 1 };

struct inbox {
    struct kh_tx *tx;
    struct kh_arena *a;
    const struct kh_task_query *q;
    struct kh_task_find find;
    bool open, done, cancelled; /* which states are asked for */
    bool only_open, only_claimed;
    struct kh_task_row *rows;
    size_t n, cap;
};

static bool read_states(struct inbox *in, struct kh_error *err)
{
    struct kh_str rest = in->q->states.n ? in->q->states : KH_S("open,claimed");
    bool open = false, claimed = false;

    while (rest.n) {
        struct kh_str s = kh_str_trim(kh_str_cut(rest, ',', &rest));

        if (kh_str_is(s, "open"))
            open = true;
        else if (kh_str_is(s, "claimed"))
            claimed = true;
        else if (kh_str_is(s, "done"))
            in->done = true;
        else if (kh_str_is(s, "cancelled"))
            in->cancelled = true;
        else if (kh_str_is(s, "all"))
            open = claimed = in->done = in->cancelled = true;
        else
            return kh_fail(err, KH_EC_PARAMETER_INVALID,
                           "state is open, claimed, done, cancelled "
                           "or all");
    }
    in->open = open || claimed;
    in->only_open = open && !claimed;
    in->only_claimed = claimed && !open;
    return true;
}

/* "<due in hex>-<id>" */
static bool read_cursor(struct inbox *in, struct kh_error *err)
{
    struct kh_str rest, due = kh_str_cut(in->q->after, '-', &rest);
    unsigned char bytes[8];
    uint64_t v = 0;

    in->find.after_due_us = INT64_MIN;
    if (!in->q->after.n)
        return true;
    if (due.n != 16 || !kh_unhex(due, bytes, sizeof(bytes)) ||
        !kh_id_parse(rest, &in->find.after_id))
        return kh_fail(err, KH_EC_CURSOR_INVALID, "after");
    for (size_t i = 0; i < sizeof(bytes); i++)
        v = v << 8 | bytes[i];
    in->find.after_due_us = (int64_t)v;
    return true;
}

static struct kh_str cursor_of(struct kh_arena *a, const struct kh_task_row *t)
{
    return kh_strf(a, "%016llx-%.*s", (unsigned long long)t->due_us, KH_FMT(kh_id_text(a, t->id)));
}

/* ---- gathering ---- */

static bool wanted(const struct inbox *in, const struct kh_task_row *t)
{
    switch ((enum kh_task_state)t->state) {
    case KH_TASK_OPEN:
        return in->open && !in->only_claimed;
    case KH_TASK_CLAIMED:
        return in->open && !in->only_open;
    case KH_TASK_DONE:
        return in->done;
    case KH_TASK_CANCELLED:
        return in->cancelled;
    }
    return false;
}

static void gather(struct inbox *in, const struct kh_task_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!wanted(in, &rows[i]) || !kh_unit_covers(in->q->unit, rows[i].unit))
            continue;
        in->rows = kh_grow(in->a, in->rows, in->n, in->n + 1, &in->cap, sizeof(*in->rows));
        in->rows[in->n++] = rows[i];
    }
}

/* A unit with so many below it that going unit by unit costs more than skipping strangers. */
static bool is_wide(struct kh_str unit)
{
    unsigned parts = unit.n > 0;

    for (size_t i = 0; i < unit.n; i++)
        parts += unit.p[i] == '.';
    return parts <= WIDE_PARTS;
}

static bool by_role(struct inbox *in, struct kh_str role, struct kh_str unit, struct kh_error *err)
{
    struct kh_task_find f = in->find;
    struct kh_task_row *rows;
    size_t n;

    f.role = role;
    f.unit = unit;
    if (in->open) {
        f.state = in->only_claimed ? KH_TASK_CLAIMED : KH_TASK_OPEN;
        f.or_state = in->only_open ? KH_TASK_OPEN : KH_TASK_CLAIMED;
        if (!(is_wide(unit) ? kh_task_sql_wide(in->tx, in->a, &f, &rows, &n, err)
                            : kh_task_sql_narrow(in->tx, in->a, &f, false, &rows, &n, err)))
            return false;
        gather(in, rows, n);
    }
    if (in->done || in->cancelled) {
        f.state = in->done ? KH_TASK_DONE : KH_TASK_CANCELLED;
        f.or_state = in->cancelled ? KH_TASK_CANCELLED : KH_TASK_DONE;
        if (!kh_task_sql_narrow(in->tx, in->a, &f, true, &rows, &n, err))
            return false;
        gather(in, rows, n);
    }
    return true;
}

static bool by_person(struct inbox *in, bool owner, struct kh_error *err)
{
    const bool ask[] = {in->open && !in->only_claimed, in->open && !in->only_open, in->done,
                        in->cancelled};
    struct kh_task_find f = in->find;

    f.role = in->q->role;
    for (int state = KH_TASK_OPEN; state <= KH_TASK_CANCELLED; state++) {
        struct kh_task_row *rows;
        size_t n;

        if (!ask[state] || (!owner && state == KH_TASK_OPEN))
            continue;
        f.state = state;
        if (!kh_task_sql_of(in->tx, in->a, &f, owner, in->q->who->account, &rows, &n, err))
            return false;
        gather(in, rows, n);
    }
    return true;
}

/* The part of a grant's unit that the query asks for. @return false if there is none */
static bool narrow_unit(struct kh_str asked, struct kh_str *unit)
{
    if (!asked.n || kh_unit_covers(asked, *unit))
        return true;
    if (!kh_unit_covers(*unit, asked))
        return false;
    *unit = asked;
    return true;
}

/* All roles that have tasks, in a unit and below it: for the server itself, and for those who watch
 * over a unit without working on its tasks. */
static bool by_all_roles(struct inbox *in, struct kh_str unit, struct kh_error *err)
{
    for (int closed = 0; closed < 2; closed++) {
        bool open = in->open, done = in->done, cancelled = in->cancelled;
        struct kh_str *roles;
        size_t n;

        if (closed ? !(done || cancelled) : !open)
            continue;
        if (!kh_task_sql_roles(in->tx, in->a, closed, &roles, &n, err))
            return false;
        in->open = open && !closed;
        in->done = done && closed;
        in->cancelled = cancelled && closed;
        for (size_t i = 0; i < n; i++)
            if ((!in->q->role.n || kh_str_eq(roles[i], in->q->role)) &&
                !by_role(in, roles[i], unit, err))
                return false;
        in->open = open;
        in->done = done;
        in->cancelled = cancelled;
    }
    return true;
}

static bool by_grants(struct inbox *in, struct kh_error *err)
{
    const struct kh_who *who = in->q->who;

    for (size_t i = 0; i < who->grants_n; i++) {
        struct kh_str role = who->grants[i].role, unit = who->grants[i].unit;
        bool watches = kh_str_is(role, "leader") || kh_str_is(role, "admin");
        bool doubled = false;

        if ((in->q->role.n && !watches && !kh_str_eq(in->q->role, role)) ||
            !kh_who_has(who, role, unit) || !narrow_unit(in->q->unit, &unit))
            continue;
        for (size_t k = 0; k < who->grants_n && !doubled; k++)
            doubled = k != i && kh_str_eq(who->grants[k].role, role) &&
                      kh_unit_covers(who->grants[k].unit, who->grants[i].unit) &&
                      kh_who_has(who, role, who->grants[k].unit) &&
                      (k < i || !kh_str_eq(who->grants[k].unit, who->grants[i].unit));
        if (doubled)
            continue;
        if (!(watches ? by_all_roles(in, unit, err) : by_role(in, role, unit, err)))
            return false;
    }
    if (who->kind == KH_WHO_ACCOUNT && (!in->q->role.n || kh_str_is(in->q->role, "account")))
        return by_role(in, KH_S("account"), in->q->unit, err);
    return true;
}

/* All of a case's tasks; they are few, so what may not be seen is left out here. */
static bool by_case(struct inbox *in, struct kh_error *err)
{
    struct kh_task_find f = in->find;
    struct kh_task_row *rows;
    size_t n;

    f.role = in->q->role;
    f.limit = LIMIT_MAX;
    do {
        if (!kh_task_sql_case(in->tx, in->a, &f, in->q->case_id, &rows, &n, err))
            return false;
        for (size_t i = 0; i < n; i++)
            if (kh_task_sees(&rows[i], in->q->who) &&
                (!in->q->mine || rows[i].claimed_by == in->q->who->account))
                gather(in, &rows[i], 1);
        if (n) {
            f.after_due_us = rows[n - 1].due_us;
            f.after_id = rows[n - 1].id;
        }
    } while (n == f.limit && in->n <= in->find.limit);
    return true;
}

static bool gather_all(struct inbox *in, struct kh_error *err)
{
    const struct kh_who *who = in->q->who;

    if (in->q->case_id)
        return by_case(in, err);
    if (in->q->mine)
        return !who->account || by_person(in, false, err);
    if (who->kind == KH_WHO_SYSTEM)
        return by_all_roles(in, in->q->unit, err);
    if (!by_grants(in, err))
        return false;
    return !who->account || (by_person(in, false, err) && by_person(in, true, err));
}

/* ---- merging ---- */

static int compare(const void *x, const void *y)
{
    const struct kh_task_row *a = x, *b = y;

    if (a->due_us != b->due_us)
        return a->due_us < b->due_us ? -1 : 1;
    return a->id < b->id ? -1 : a->id > b->id;
}

static void sort_unique(struct inbox *in)
{
    size_t kept = 0;

    if (in->n)
        qsort(in->rows, in->n, sizeof(*in->rows), compare);
    for (size_t i = 0; i < in->n; i++)
        if (kept == 0 || in->rows[kept - 1].id != in->rows[i].id)
            in->rows[kept++] = in->rows[i];
    in->n = kept;
}

bool kh_task_list(struct kh_tx *tx, const struct kh_process *pe, struct kh_arena *a,
                  const struct kh_task_query *q, struct kh_task **ret_tasks, size_t *ret_n,
                  struct kh_str *ret_next, struct kh_error *err)
{
    struct inbox in = {.tx = tx, .a = a, .q = q};
    unsigned limit = q->limit ? q->limit : LIMIT;
    struct kh_task *tasks;
    size_t n;

    limit = limit > LIMIT_MAX ? LIMIT_MAX : limit;
    /* One more than asked says whether there is a next page. */
    in.find =
        (struct kh_task_find){.process = q->process,
                              .key = q->key,
                              .limit = limit + 1,
                              .due_before_us = q->due_before_us ? q->due_before_us : KH_FOREVER};
    if (!read_states(&in, err) || !read_cursor(&in, err) || !gather_all(&in, err))
        return false;
    sort_unique(&in);
    n = in.n < limit ? in.n : limit;
    tasks = kh_new_n(a, n, struct kh_task);
    for (size_t i = 0; i < n; i++)
        if (!kh_task_fill(tx, pe, &in.rows[i], &tasks[i], err))
            return false;
    *ret_tasks = tasks;
    *ret_n = n;
    *ret_next = in.n > limit ? cursor_of(a, &in.rows[limit - 1]) : KH_S("");
    return true;
}
