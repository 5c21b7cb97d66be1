/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compensation. An activity that is completed and can be compensated is remembered with its scope. An
 * event that throws compensation takes what its scope remembers, last done first, and stays as the
 * host of one handler after the other: {"l": [[handler, variables or null]...], "k": begun}.
 */
#include "engine/process/run.h"

static const struct kh_json null_value = {.type = KH_JSON_NULL};

static bool holds_any(const struct kh_run *r, int64_t scope)
{
    for (size_t i = 0; i < r->done_n; i++)
        if (r->done[i].scope == scope)
            return true;
    return false;
}

/* Called when a token leaves, with its variables at hand. A sub-process is remembered for what was
 * done inside it, and a round like an activity of its own. */
bool kh_undo_remember(struct kh_run *r, size_t token, struct kh_error *err)
{
    const struct kh_token *t = &r->tokens[token];
    const struct kh_node *n = &r->p->nodes[t->node];
    struct kh_json *own = kh_run_vars(r);
    int64_t inside;

    if (!kh_node_is_activity(n) || n->undoes || (n->undo < 0 && !holds_any(r, t->id)))
        return true;
    if (r->done_n >= KH_RUN_UNDONE)
        return kh_fail(err, KH_EC_PROCESS_STUCK, "more than %d activities to compensate",
                       KH_RUN_UNDONE);
    /* The token goes on and may be a scope again: what was done inside it gets a scope of its own. */
    inside = ++r->counter;
    for (size_t i = 0; i < r->done_n; i++)
        if (r->done[i].scope == t->id)
            r->done[i].scope = inside;
    r->done =
        kh_grow(r->root->a, r->done, r->done_n, r->done_n + 1, &r->done_cap, sizeof(*r->done));
    r->done[r->done_n++] =
        (struct kh_done){.scope = t->scope,
                         .inside = inside,
                         .node = t->node,
                         .own = own == r->vars ? NULL : kh_json_dup(r->root->a, own)};
    return true;
}

void kh_undo_forget(struct kh_run *r, int64_t scope)
{
    size_t kept = 0;

    if (r->done_n == 0 || !holds_any(r, scope))
        return;
    for (size_t i = 0; i < r->done_n; i++) {
        if (r->done[i].scope == scope)
            continue;
        r->done[kept++] = r->done[i];
    }
    r->done_n = kept;
}

static void push(struct kh_run *r, struct kh_json *list, const struct kh_done *d)
{
    struct kh_arena *a = r->root->a;
    struct kh_json *row = kh_json_new(a, KH_JSON_ARRAY);

    kh_json_push(a, row, kh_json_new_str(a, r->p->nodes[r->p->nodes[d->node].undo].id));
    kh_json_push(a, row, d->own ? d->own : &null_value);
    kh_json_push(a, list, row);
}

/* Take what a scope remembers (of one activity, or all of it), last done first. The rounds of a
 * repeated activity, and a sub-process that nobody compensates as a whole, are taken one by one. */
static void collect(struct kh_run *r, int64_t scope, int only, struct kh_json *list)
{
    for (size_t i = r->done_n; i > 0; i--) {
        struct kh_done d = r->done[i - 1];
        const struct kh_node *n = &r->p->nodes[d.node];

        if (d.scope != scope || (only >= 0 && d.node != only))
            continue;
        r->done[i - 1].scope = -1;
        if (holds_any(r, d.inside) && (n->undo < 0 || n->loop))
            collect(r, d.inside, -1, list);
        else if (n->undo >= 0)
            push(r, list, &d);
    }
}

bool kh_undo_begin(struct kh_run *r, size_t token, bool *ret_waits, struct kh_error *err)
{
    struct kh_arena *a = r->root->a;
    struct kh_json *list = kh_json_new(a, KH_JSON_ARRAY), *more = kh_json_new(a, KH_JSON_OBJECT);
    int64_t scope = r->tokens[token].scope;
    int only = r->p->nodes[r->tokens[token].node].target;
    size_t host;

    /* An event sub-process compensates what its scope has done. */
    for (;;) {
        collect(r, scope, only, list);
        host = scope ? kh_run_token(r, scope) : SIZE_MAX;
        if (host == SIZE_MAX || !r->p->nodes[r->tokens[host].node].by_event)
            break;
        scope = r->tokens[host].scope;
    }
    kh_undo_forget(r, -1);
    kh_json_set(a, more, KH_S("l"), list);
    kh_json_set(a, more, KH_S("k"), kh_json_new_int(a, 0));
    r->tokens[token].role = KH_T_UNDO;
    r->tokens[token].more = more;
    return kh_undo_next(r, token, ret_waits, err);
}

bool kh_undo_next(struct kh_run *r, size_t token, bool *ret_waits, struct kh_error *err)
{
    struct kh_arena *a = r->root->a;
    struct kh_json *more = r->tokens[token].more;
    const struct kh_json *list = kh_json_get(more, "l"), *row;
    int64_t k = kh_json_int(more, "k", 0);
    size_t handler;
    int node;

    *ret_waits = kh_json_is(list, KH_JSON_ARRAY) && k < list->n;
    if (!*ret_waits) {
        r->tokens[token].role = KH_T_PLAIN;
        r->tokens[token].more = NULL;
        return true;
    }
    row = &list->items[k];
    node =
        kh_json_is(row, KH_JSON_ARRAY) && row->n == 2 ? kh_program_node(r->p, row->items[0].s) : -1;
    if (node < 0)
        return kh_fail(err, KH_EC_STORE_CORRUPT, "instance %lld compensates nothing",
                       (long long)r->row.id);
    kh_json_set(a, more, KH_S("k"), kh_json_new_int(a, k + 1));
    handler = kh_run_add_token(r, node, r->tokens[token].id);
    if (row->items[1].type == KH_JSON_OBJECT) {
        r->tokens[handler].own = kh_json_dup(a, &row->items[1]);
        r->owns = true;
    }
    kh_run_make_ready(r, handler);
    return true;
}
