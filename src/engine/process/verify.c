/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks and instances against the log. Both stand in the order of their ids: rows and events are read
 * side by side, a page of each at a time, and what has no partner was inserted or removed. */
#include "engine/process/verify.h"

#include "base/buf.h"
#include "base/id.h"
#include "engine/process/process.h"
#include "store/event.h"

enum { ISSUES_MAX = 1000, ROWS = 1000, DEEDS = 4000, PATIENCE = 1000 };

struct check {
    struct kh_store *st;
    struct kh_arena *a; /* of the issues */
    struct kh_verify_issue *items;
    size_t n, cap, n_before;
    int64_t rows, rows_before, total;
    kh_progress_fn progress;
    void *ctx;
    enum kh_deeds of;
    int64_t from, to;      /* ids after from; where this page ended */
    int64_t lagging[ROWS]; /* rows about which an event waits to be sealed */
    size_t lagging_n;
    const int64_t *again;
    size_t again_n;
    bool last_try;
};

/* Some rows and all events about them, or about ids between them. */
struct page {
    struct kh_arena *a;
    struct kh_seen_task *tasks;
    struct kh_seen_instance *instances;
    size_t rows_n;
    struct kh_deed *deeds;
    size_t deeds_n;
    struct kh_deed *clocks; /* of the cases that are asked for, by (about, seq) */
    size_t clocks_n;
};

static int64_t row_id(const struct check *c, const struct page *p, size_t i)
{
    return c->of == KH_DEEDS_TASK ? p->tasks[i].t.id : p->instances[i].i.id;
}

static int64_t row_case(const struct check *c, const struct page *p, size_t i)
{
    return c->of == KH_DEEDS_TASK ? p->tasks[i].t.case_id : p->instances[i].i.case_id;
}

static void found(struct check *c, int64_t seq, const char *what, int64_t id, const char *more)
{
    if (c->n == ISSUES_MAX)
        return;
    c->items = kh_grow(c->a, c->items, c->n, c->n + 1, &c->cap, sizeof(*c->items));
    c->items[c->n++] = (struct kh_verify_issue){
        .seq = seq,
        .what = kh_cstr(what),
        .detail = kh_strf(c->a, "table %s: %.*s%s%s", c->of == KH_DEEDS_TASK ? "task" : "instance",
                          KH_FMT(kh_id_text(c->a, id)), *more ? ": " : "", more),
    };
}

/* ---- reading ---- */

static bool read_rows(struct kh_tx *tx, const struct check *c, struct page *p, int64_t from,
                      int64_t *until, struct kh_error *err)
{
    bool good =
        c->of == KH_DEEDS_TASK
            ? kh_verify_sql_tasks(tx, p->a, from, *until, ROWS, &p->tasks, &p->rows_n, err)
            : kh_verify_sql_instances(tx, p->a, from, *until, ROWS, &p->instances, &p->rows_n, err);

    if (good && p->rows_n == ROWS)
        *until = row_id(c, p, ROWS - 1);
    return good;
}

/* Events of whole ids only: those of the last one may go on behind the page. */
static bool read_deeds(struct kh_tx *tx, const struct check *c, struct page *p, int64_t from,
                       int64_t *until, struct kh_error *err)
{
    for (size_t limit = DEEDS;; limit *= 2) {
        if (!kh_verify_sql_deeds(tx, p->a, c->of, from, *until, limit, &p->deeds, &p->deeds_n, err))
            return false;
        if (p->deeds_n < limit)
            return true;
        if (p->deeds[0].subject != p->deeds[limit - 1].subject)
            break;
    }
    *until = p->deeds[p->deeds_n - 1].subject - 1;
    return true;
}

static size_t deeds_of(const struct page *p, size_t first)
{
    size_t n = 1;

    while (first + n < p->deeds_n && p->deeds[first + n].subject == p->deeds[first].subject)
        n++;
    return n;
}

static bool is_birth(const struct check *c, const struct kh_deed *e)
{
    return kh_str_is(e->kind, c->of == KH_DEEDS_TASK ? "task.create" : "process.start");
}

/* The clocks of those cases without which a deadline on this page cannot be judged. */
static bool read_clocks(struct kh_tx *tx, struct page *p, struct kh_error *err)
{
    struct kh_buf b = kh_buf(p->a, ROWS * 24 + 16);
    int64_t before = 0;
    size_t k = 0;

    for (size_t i = 0; i < p->rows_n; i++) {
        const struct kh_seen_task *row = &p->tasks[i];

        while (k < p->deeds_n && p->deeds[k].subject < row->t.id)
            k++;
        if (k == p->deeds_n || p->deeds[k].subject != row->t.id || row->t.case_id == before ||
            !kh_task_wants_clock(p->a, row, &p->deeds[k], deeds_of(p, k)))
            continue;
        before = row->t.case_id;
        kh_buf_c(&b, b.n ? ',' : '[');
        kh_buf_int(&b, before);
    }
    if (b.n == 0)
        return true;
    kh_buf_c(&b, ']');
    return kh_verify_sql_clocks(tx, p->a, kh_buf_get(&b), &p->clocks, &p->clocks_n, err);
}

/* ---- comparing ---- */

static bool compare_task(struct kh_tx *tx, const struct page *p, const struct kh_seen_task *row,
                         const struct kh_deed *e, size_t n, struct kh_diffs *ret,
                         struct kh_error *err)
{
    size_t low = 0, high = p->clocks_n, end;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (p->clocks[mid].about < row->t.case_id)
            low = mid + 1;
        else
            high = mid;
    }
    for (end = low; end < p->clocks_n && p->clocks[end].about == row->t.case_id;)
        end++;
    return kh_task_compare(tx, p->a, row, e, n, p->clocks + low, end - low, ret, err);
}

static void compare_instance(struct kh_arena *a, const struct kh_seen_instance *row,
                             const struct kh_deed *e, size_t n, struct kh_diffs *ret)
{
    static const char *const states[] = {"running", "ended", "terminated", "cancelled"};
    const struct kh_deed *last = kh_str_is(e[n - 1].kind, "process.end") ? &e[n - 1] : NULL;
    const struct kh_json *data = kh_deed_data(a, &e[0]);
    const struct kh_json *end = last ? kh_deed_data(a, last) : NULL;
    const struct kh_instance_row *i = &row->i;
    bool known = (unsigned)i->state < KH_LEN(states);

    /* The version that it went over to last is the one that it has. */
    for (size_t k = 1; k < n; k++)
        if (kh_str_is(e[k].kind, "process.migrate"))
            data = kh_deed_data(a, &e[k]);

    kh_diff(ret, "case_id", 0, i->case_id == e->about);
    kh_diff(ret, "started_us", 0, i->started_us == e->at_us);
    kh_diff(ret, "ended_us", 0, i->ended_us == (last ? last->at_us : 0));
    if (kh_json_get(data, "process") && kh_json_get(data, "version"))
        kh_diff(ret, "process_id", 0,
                kh_str_eq(row->model, kh_json_str(data, "process", KH_S(""))) &&
                    row->version == kh_json_int(data, "version", -1));
    if (!last)
        known = known && i->state == KH_I_RUNNING;
    else if (kh_json_get(end, "state"))
        known = known && kh_str_is(kh_json_str(end, "state", KH_S("")), states[i->state]);
    else
        known = known && i->state != KH_I_RUNNING;
    kh_diff(ret, "state", 0, known);
}

/* On PostgreSQL a commit is in the log a moment later than in its table: then it waits in the inbox,
 * and is looked at again. */
static bool lags(struct kh_tx *tx, struct check *c, int64_t id, int64_t case_id, bool *ret,
                 struct kh_error *err)
{
    enum kh_hit hit = KH_MISS;

    if (kh_store_kind(c->st) != KH_STORE_SQLITE && !c->last_try)
        hit = kh_verify_sql_waiting(tx, id, case_id, err);
    *ret = hit == KH_HIT;
    if (*ret)
        c->lagging[c->lagging_n++] = id;
    return hit != KH_FAIL;
}

/* One row and the n events about it. */
static bool check_row(struct kh_tx *tx, struct check *c, const struct page *p, size_t row,
                      const struct kh_deed *e, size_t n, struct kh_error *err)
{
    int64_t id = row_id(c, p, row);
    struct kh_diffs diffs = {0};
    bool known = n > 0 && is_birth(c, e), later = false;

    if (known && c->of == KH_DEEDS_TASK && !compare_task(tx, p, &p->tasks[row], e, n, &diffs, err))
        return false;
    if (known && c->of == KH_DEEDS_INSTANCE)
        compare_instance(p->a, &p->instances[row], e, n, &diffs);
    if ((!known || diffs.n) && !lags(tx, c, id, row_case(c, p, row), &later, err))
        return false;
    if (later)
        return true;
    c->rows++;
    if (!known)
        found(c, 0, "inserted", id, "");
    for (size_t i = 0; i < diffs.n; i++)
        found(c, diffs.seqs[i], "changed", id, diffs.columns[i]);
    return true;
}

/* Ids with from < id <= until, or as far as a page reaches. */
static bool check_ids(struct kh_tx *tx, struct check *c, struct kh_arena *a, int64_t from,
                      int64_t until, struct kh_error *err)
{
    struct page p = {.a = a};
    size_t row = 0, k = 0;

    if (!read_deeds(tx, c, &p, from, &until, err) || !read_rows(tx, c, &p, from, &until, err) ||
        (c->of == KH_DEEDS_TASK && !read_clocks(tx, &p, err)))
        return false;
    while (p.deeds_n && p.deeds[p.deeds_n - 1].subject > until)
        p.deeds_n--;
    while (row < p.rows_n || k < p.deeds_n) {
        size_t n = k < p.deeds_n ? deeds_of(&p, k) : 0;
        int64_t of = n ? p.deeds[k].subject : INT64_MAX;
        int64_t id = row < p.rows_n ? row_id(c, &p, row) : INT64_MAX;

        if (row == p.rows_n || of < id) {
            found(c, p.deeds[k].seq, "removed", of, "");
            k += n;
            continue;
        }
        n = of == id ? n : 0;
        if (!check_row(tx, c, &p, row++, p.deeds + k, n, err))
            return false;
        k += n;
    }
    c->to = until;
    return true;
}

/* ---- passes ---- */

static bool check_page(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct check *c = ctx;
    kh_auto_arena a = kh_arena_new((size_t)1 << 30);

    c->n = c->n_before;
    c->rows = c->rows_before;
    c->lagging_n = 0;
    if (!c->again)
        return check_ids(tx, c, a, c->from, INT64_MAX, err);
    for (size_t i = 0; i < c->again_n; i++)
        if (!check_ids(tx, c, a, c->again[i] - 1, c->again[i], err))
            return false;
    return true;
}

static bool run(struct check *c, const char *name, struct kh_error *err)
{
    c->n_before = c->n;
    c->rows_before = c->rows;
    return kh_store_run(c->st, name, KH_TX_READ, check_page, c, err);
}

static bool check_lagging(struct check *c, struct kh_error *err)
{
    int64_t ids[ROWS];
    bool good = true;

    for (int i = 0; good && c->lagging_n && i < PATIENCE; i++) {
        kh_event_settle(c->st);
        memcpy(ids, c->lagging, c->lagging_n * sizeof(ids[0]));
        c->again = ids;
        c->again_n = c->lagging_n;
        c->last_try = i + 1 == PATIENCE;
        good = run(c, "verify_process_again", err);
    }
    c->again = NULL;
    c->again_n = 0;
    c->last_try = false;
    return good;
}

static bool pass(struct check *c, enum kh_deeds of, struct kh_error *err)
{
    c->of = of;
    c->from = INT64_MIN;
    while (c->from < INT64_MAX && c->n < ISSUES_MAX) {
        int64_t to;

        if (!run(c, "verify_process", err))
            return false;
        to = c->to;
        if (!check_lagging(c, err))
            return false;
        c->from = to;
        if (c->progress)
            c->progress(c->ctx, c->rows, c->total > c->rows ? c->total : c->rows);
    }
    return true;
}

static bool count_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct check *c = ctx;

    return kh_verify_sql_count(tx, &c->total, err);
}

bool kh_process_verify(struct kh_store *st, struct kh_arena *a, kh_progress_fn progress, void *ctx,
                       struct kh_verify_issue **ret_issues, size_t *ret_n, int64_t *ret_rows,
                       struct kh_error *err)
{
    struct check c = {.st = st, .a = a, .progress = progress, .ctx = ctx};

    if (!kh_store_run(st, "verify_count", KH_TX_READ, count_in_tx, &c, err) ||
        !pass(&c, KH_DEEDS_INSTANCE, err) || !pass(&c, KH_DEEDS_TASK, err))
        return false;
    *ret_issues = c.items;
    *ret_n = c.n;
    *ret_rows = c.rows;
    return true;
}
