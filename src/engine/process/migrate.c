/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running instances go over to another version of their process. A plan says which element of the old
 * version becomes which of the new one; what it does not name keeps its id. Every element where a
 * token stands, or something waits, must become one of the same kind in the same place: otherwise
 * nothing moves, and the issues say which. What is new in the new version begins to wait when it is
 * next entered.
 */
#include "engine/process/run.h"
#include "store/event.h"
#include "store/process/migrate_sql.h"
#include "store/process/process_sql.h"

#include "base/id.h"

enum { UNMAPPED = -1, DROPPED = -2 };

struct plan {
    struct kh_root *root;
    const struct kh_program *from, *to;
    int *node;                /* new element of each old one, UNMAPPED or DROPPED */
    bool *told;               /* an issue was made about this old element */
    struct kh_issues *issues; /* of the whole plan */
};

static void issue(struct plan *p, struct kh_str node, const char *code, const char *vi,
                  const char *en)
{
    struct kh_arena *a = p->root->a;

    kh_issue_add(p->issues, a, kh_strf(a, "/mapping/%.*s", KH_FMT(node)), code, kh_cstr(vi),
                 kh_cstr(en));
}

/* ---- the plan ---- */

static void read_entry(struct plan *p, const struct kh_json_member *m)
{
    int old = kh_program_node(p->from, m->key);
    int new = m->value.type == KH_JSON_STRING ? kh_program_node(p->to, m->value.s) : UNMAPPED;

    if (old < 0)
        issue(p, m->key, "unknown", "Phiên bản cũ không có phần tử này.",
              "The old version has no such element.");
    else if (m->value.type == KH_JSON_NULL)
        p->node[old] = DROPPED;
    else if (new < 0)
        issue(p, m->key, "unknown", "Phiên bản mới không có phần tử này.",
              "The new version has no such element.");
    else
        p->node[old] = new;
}

static bool version_of(struct kh_root *root, struct kh_str key, int64_t version,
                       const struct kh_program **ret, struct kh_error *err)
{
    int64_t id;

    switch (kh_process_sql_version(root->tx, key, version, &id, err)) {
    case KH_HIT:
        return kh_program_get(root->tx, root->pe, id, ret, err);
    case KH_MISS:
        return kh_fail(err, KH_EC_PROCESS_UNKNOWN, "%.*s has no version %lld", KH_FMT(key),
                       (long long)version);
    case KH_FAIL:
        break;
    }
    return false;
}

static bool make_plan(struct kh_root *root, const struct kh_migration *m, struct plan *ret,
                      struct kh_error *err)
{
    struct plan p = {.root = root, .issues = kh_new(root->a, struct kh_issues)};

    if (!version_of(root, m->key, m->from, &p.from, err) ||
        !version_of(root, m->key, m->to, &p.to, err))
        return false;
    p.node = kh_new_n(root->a, p.from->nodes_n, int);
    p.told = kh_new_n(root->a, p.from->nodes_n, bool);
    for (unsigned i = 0; i < p.from->nodes_n; i++)
        p.node[i] = kh_program_node(p.to, p.from->nodes[i].id);
    for (uint32_t i = 0; kh_json_is(m->mapping, KH_JSON_OBJECT) && i < m->mapping->n; i++)
        read_entry(&p, &m->mapping->members[i]);
    *ret = p;
    return true;
}

/* ---- what fits ---- */

static int mapped(const struct plan *p, int old)
{
    return old < 0 ? -1 : p->node[old];
}

static bool same_kind(const struct kh_node *a, const struct kh_node *b)
{
    return a->kind == b->kind && a->event == b->event && a->by_event == b->by_event &&
           a->undoes == b->undoes && a->interrupting == b->interrupting &&
           (a->loop != NULL) == (b->loop != NULL) && (!a->loop || a->loop->how == b->loop->how);
}

/* May what stands or waits at an old element do so at its new one? Told once for each. */
static bool fits(struct plan *p, int old)
{
    const struct kh_node *a = &p->from->nodes[old], *b;
    int new = p->node[old];

    if (p->told[old])
        return false;
    p->told[old] = true;
    if (new < 0) {
        issue(p, a->id, "unmapped",
              "Đang có lượt xử lý ở đây, nhưng phiên bản mới không có chỗ này.",
              "Instances stand here, and the new version has no place for them.");
        return false;
    }
    b = &p->to->nodes[new];
    if (!same_kind(a, b))
        issue(p, a->id, "kind", "Phần tử mới không cùng loại.",
              "The new element is not of the same kind.");
    else if (mapped(p, a->parent) != b->parent || mapped(p, a->host) != b->host)
        issue(p, a->id, "place", "Phần tử mới nằm ở phạm vi khác.",
              "The new element lies in another scope, or on another activity.");
    else
        p->told[old] = false;
    return !p->told[old];
}

/* The flow by which a token came to where paths meet: the one of the same id, else from the same
 * element. */
static int new_slot(struct plan *p, const struct kh_token *t)
{
    const struct kh_node *a = &p->from->nodes[t->node], *b = &p->to->nodes[p->node[t->node]];
    const struct kh_flow *f;
    int by_source = -1;

    if ((unsigned)t->slot >= a->in_n)
        return -1;
    f = &p->from->flows[p->from->in[a->in_first + (unsigned)t->slot]];
    for (unsigned k = 0; k < b->in_n; k++) {
        const struct kh_flow *g = &p->to->flows[p->to->in[b->in_first + k]];

        if (kh_str_eq(f->id, g->id))
            return (int)k;
        if (g->from == mapped(p, f->from))
            by_source = (int)k;
    }
    return by_source;
}

/* ---- one instance ---- */

static void check_tokens(struct plan *p, const struct kh_run *r)
{
    for (size_t i = 0; i < r->tokens_n; i++) {
        const struct kh_token *t = &r->tokens[i];

        if (fits(p, t->node) && t->slot >= 0 && new_slot(p, t) < 0) {
            p->told[t->node] = true;
            issue(p, p->from->nodes[t->node].id, "flow",
                  "Không còn luồng mà lượt xử lý đã đi qua để tới đây.",
                  "There is no flow any more by which a token has come here.");
        }
    }
}

/* The handler that a row of a compensation names, or -1. */
static int handler_of(const struct plan *p, const struct kh_json *row)
{
    return kh_json_is(row, KH_JSON_ARRAY) && row->n == 2 && row->items[0].type == KH_JSON_STRING
               ? kh_program_node(p->from, row->items[0].s)
               : -1;
}

/* Compensation: what was done, and the handlers that still wait for their turn. */
static void check_done(struct plan *p, const struct kh_run *r)
{
    for (size_t i = 0; i < r->done_n; i++)
        (void)fits(p, r->done[i].node);
    for (size_t i = 0; i < r->tokens_n; i++) {
        const struct kh_json *list = kh_json_get(r->tokens[i].more, "l");

        for (uint32_t k = 0; kh_json_is(list, KH_JSON_ARRAY) && k < list->n; k++) {
            int old = handler_of(p, &list->items[k]);

            if (old >= 0)
                (void)fits(p, old);
        }
    }
}

static void check_waits(struct plan *p, const struct kh_wait_at *waits, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int old = kh_program_node(p->from, waits[i].node);
        const struct kh_node *at = old < 0 ? NULL : &p->from->nodes[old];

        /* What waits beside a token can be dropped. */
        if (at && p->node[old] == DROPPED && (at->kind == KH_N_BOUNDARY || at->kind == KH_N_START))
            continue;
        if (at)
            (void)fits(p, old);
    }
}

static struct kh_json *rename_list(struct plan *p, const struct kh_json *more)
{
    struct kh_json *copy = kh_json_dup(p->root->a, more);
    const struct kh_json *list = kh_json_get(copy, "l");

    for (uint32_t k = 0; kh_json_is(list, KH_JSON_ARRAY) && k < list->n; k++) {
        int old = handler_of(p, &list->items[k]);

        if (old >= 0)
            list->items[k].items[0].s = p->to->nodes[p->node[old]].id;
    }
    return copy;
}

static bool move_waits(struct plan *p, const struct kh_wait_at *waits, size_t n,
                       struct kh_error *err)
{
    for (size_t i = 0; i < n; i++) {
        int old = kh_program_node(p->from, waits[i].node);
        const struct kh_node *b;

        if (old < 0)
            continue;
        if (p->node[old] == DROPPED) {
            if (!kh_migrate_sql_drop(p->root->tx, &waits[i], err))
                return false;
            continue;
        }
        b = &p->to->nodes[p->node[old]];
        if (!kh_migrate_sql_wait(p->root->tx, &waits[i], b->id, b->ref.p ? b->ref : KH_S(""), err))
            return false;
    }
    return true;
}

/* Open work goes over with its instance; what is done stays what it was. */
static bool move_tasks(struct plan *p, struct kh_run *r, struct kh_error *err)
{
    struct kh_root *root = p->root;

    for (size_t i = 0; i < r->tokens_n; i++) {
        const struct kh_token *t = &r->tokens[i];
        const struct kh_node *n = &p->to->nodes[t->node];
        struct kh_task_row row;
        enum kh_hit hit;

        if (n->kind != KH_N_USER || t->ref == 0)
            continue;
        hit = kh_task_sql_get(root->tx, root->a, t->ref, true, &row, err);
        if (hit == KH_FAIL)
            return false;
        if (hit == KH_MISS || row.state >= KH_TASK_DONE)
            continue;
        row.process_id = p->to->id;
        row.key = n->id;
        if (!kh_migrate_sql_task(root->tx, row.id, row.process_id, row.key, err) ||
            !kh_task_event(root, &row, "task.migrate", NULL, err))
            return false;
    }
    return true;
}

static bool tell(struct plan *p, struct kh_run *r, struct kh_str reason, struct kh_error *err)
{
    struct kh_buf b = kh_buf(p->root->a, 4096);
    struct kh_jw w = kh_jw(&b);
    struct kh_event e = {.at_us = p->root->now_us,
                         .kind = KH_S("process.migrate"),
                         .type = KH_S("process"),
                         .subject = r->row.id,
                         .about = r->row.case_id,
                         .level = 1,
                         .actor = p->root->who->actor,
                         .reason = reason};

    kh_jw_obj(&w);
    kh_jw_kstr(&w, "process", p->to->key);
    kh_jw_kint(&w, "version", p->to->version);
    kh_jw_kint(&w, "from", p->from->version);
    kh_jw_end(&w);
    e.data = kh_buf_get(&b);
    return kh_event_append(p->root->tx, &e, err);
}

static bool move_instance(struct plan *p, struct kh_run *r, const struct kh_wait_at *waits,
                          size_t waits_n, struct kh_str reason, struct kh_error *err)
{
    for (size_t i = 0; i < r->tokens_n; i++) {
        struct kh_token *t = &r->tokens[i];

        if (t->slot >= 0)
            t->slot = new_slot(p, t);
        t->node = p->node[t->node];
        if (t->role == KH_T_UNDO)
            t->more = rename_list(p, t->more);
        t->lit = t->lit_inside = 0; /* their order may be another one: looked at afresh */
    }
    for (size_t i = 0; i < r->done_n; i++)
        r->done[i].node = p->node[r->done[i].node];
    r->lit_inside = 0;
    r->p = p->to;
    r->row.process_id = p->to->id;
    if (!kh_run_data(r, &r->row.data))
        return kh_fail(err, KH_EC_PROCESS_STUCK, "the variables are larger than %d bytes",
                       KH_RUN_DATA_BYTES);
    return kh_migrate_sql_instance(p->root->tx, &r->row, err) && tell(p, r, reason, err) &&
           move_waits(p, waits, waits_n, err) && move_tasks(p, r, err);
}

/* ---- a page of them ---- */

/* An instance of the page, with what waits for it. */
struct one {
    struct kh_run *r; /* NULL: it has ended meanwhile */
    struct kh_wait_at *waits;
    size_t waits_n;
};

static bool look(struct plan *p, int64_t id, struct one *o, struct kh_error *err)
{
    enum kh_hit hit = kh_run_load(p->root, id, &o->r, err);

    if (hit != KH_HIT || o->r->p != p->from) {
        o->r = NULL;
        return hit != KH_FAIL;
    }
    if (!kh_migrate_sql_waits(p->root->tx, p->root->a, id, &o->waits, &o->waits_n, err))
        return false;
    check_tokens(p, o->r);
    check_done(p, o->r);
    check_waits(p, o->waits, o->waits_n);
    return !kh_arena_over(p->root->a) || kh_fail(err, KH_EC_ARENA_FULL, "a page of instances");
}

static bool refuse(const struct plan *p, struct kh_error *err)
{
    kh_fail(err, KH_EC_PLAN_INVALID, "%zu elements do not fit", p->issues->n);
    err->issues = p->issues;
    return false;
}

bool kh_process_migrate(struct kh_tx *tx, struct kh_process *pe, struct kh_arena *a,
                        const struct kh_migration *m, const struct kh_who *who,
                        struct kh_migrated *ret, struct kh_error *err)
{
    struct kh_migrated got = {0};
    struct kh_root root;
    struct plan p;
    struct one *all;
    int64_t *ids;
    size_t n;

    kh_root_init(&root, tx, pe, a, who);
    if (!m->dry_run && kh_str_trim(m->reason).n == 0)
        return kh_fail(err, KH_EC_REASON_REQUIRED, "a migration needs a reason");
    if (!make_plan(&root, m, &p, err) ||
        !kh_migrate_sql_page(tx, a, p.from->id, m->after, m->limit, &ids, &n, err))
        return false;
    all = kh_new_n(a, n, struct one);
    for (size_t i = 0; i < n; i++)
        if (!look(&p, ids[i], &all[i], err))
            return false;
    if (p.issues->n)
        return refuse(&p, err);
    for (size_t i = 0; i < n; i++) {
        got.checked += all[i].r != NULL;
        if (m->dry_run || !all[i].r)
            continue;
        if (!move_instance(&p, all[i].r, all[i].waits, all[i].waits_n, m->reason, err))
            return false;
        got.moved++;
    }
    got.next = n == m->limit && n ? ids[n - 1] : 0;
    *ret = got;
    return true;
}
