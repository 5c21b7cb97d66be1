/* SPDX-License-Identifier: Apache-2.0 */
/* An administrator takes a token from where it stands and puts it elsewhere in the same scope. */
#include "engine/process/run.h"
#include "store/event.h"

#include "base/id.h"

/* What stands there longest: several tokens may. One round of a repeated activity is no token that
 * could go its own way; the activity as a whole is. */
static size_t find(const struct kh_run *r, int node)
{
    size_t found = SIZE_MAX;

    for (size_t i = 0; i < r->tokens_n; i++) {
        const struct kh_token *t = &r->tokens[i];

        if (!t->gone && t->node == node && t->role != KH_T_ITEM &&
            (found == SIZE_MAX || t->since_us < r->tokens[found].since_us))
            found = i;
    }
    return found;
}

static bool may_enter(const struct kh_node *n)
{
    return n->kind != KH_N_START && n->kind != KH_N_BOUNDARY && !n->by_event && !n->undoes;
}

/* By which flow it would have come, where paths meet: the first by which nothing has come yet. */
static int slot_for(const struct kh_run *r, size_t token, int to)
{
    const struct kh_node *n = &r->p->nodes[to];

    if ((n->kind != KH_N_PARALLEL && n->kind != KH_N_INCLUSIVE) || n->in_n < 2)
        return -1;
    for (int slot = 0; slot < (int)n->in_n; slot++) {
        bool taken = false;

        for (size_t i = 0; i < r->tokens_n && !taken; i++)
            taken = i != token && !r->tokens[i].gone && r->tokens[i].node == to &&
                    r->tokens[i].scope == r->tokens[token].scope && r->tokens[i].slot == slot;
        if (!taken)
            return slot;
    }
    return 0;
}

static void put_node(struct kh_jw *w, const char *key, const struct kh_node *n)
{
    kh_jw_key(w, key);
    kh_jw_obj(w);
    kh_jw_kstr(w, "key", n->id);
    kh_jw_key(w, "name");
    kh_jw_obj(w);
    kh_jw_kstr(w, "vi", n->name_vi);
    kh_jw_kstr(w, "en", n->name_en);
    kh_jw_end(w);
    kh_jw_end(w);
}

static bool tell(struct kh_run *r, int from, int to, struct kh_str reason, struct kh_error *err)
{
    struct kh_buf b = kh_buf(r->root->a, 16384);
    struct kh_jw w = kh_jw(&b);
    struct kh_event e = {.at_us = r->root->now_us,
                         .kind = KH_S("process.move"),
                         .type = KH_S("process"),
                         .subject = r->row.id,
                         .about = r->row.case_id,
                         .level = 1,
                         .actor = r->root->who->actor,
                         .reason = reason};

    kh_jw_obj(&w);
    kh_jw_kstr(&w, "process", r->p->key);
    kh_jw_kint(&w, "version", r->p->version);
    put_node(&w, "from", &r->p->nodes[from]);
    put_node(&w, "to", &r->p->nodes[to]);
    kh_jw_end(&w);
    e.data = kh_buf_get(&b);
    return kh_event_append(r->root->tx, &e, err);
}

static bool move_to(struct kh_run *r, size_t token, int to, struct kh_error *err)
{
    struct kh_token *t;

    if (!kh_step_cancel(r, token, err))
        return false;
    t = &r->tokens[token];
    t->node = to;
    t->role = KH_T_PLAIN;
    t->more = NULL;
    t->ref = 0;
    t->lit = t->lit_inside = 0;
    t->since_us = r->root->now_us;
    t->slot = slot_for(r, token, to);
    kh_run_make_ready(r, token);
    return kh_run_go(r, err);
}

bool kh_instance_move(struct kh_tx *tx, struct kh_process *pe, struct kh_arena *a, int64_t id,
                      struct kh_str from, struct kh_str to, struct kh_str reason,
                      const struct kh_who *who, struct kh_error *err)
{
    struct kh_root root;
    struct kh_run *r;
    int source, target;
    size_t token;

    kh_root_init(&root, tx, pe, a, who);
    if (kh_str_trim(reason).n == 0)
        return kh_fail(err, KH_EC_REASON_REQUIRED, "a move needs a reason");
    switch (kh_run_load(&root, id, &r, err)) {
    case KH_FAIL:
        return false;
    case KH_MISS:
        return kh_fail(err, KH_EC_INSTANCE_UNKNOWN, "no running instance %lld", (long long)id);
    case KH_HIT:
        break;
    }
    source = kh_program_node(r->p, from);
    target = kh_program_node(r->p, to);
    token = source < 0 ? SIZE_MAX : find(r, source);
    if (token == SIZE_MAX || r->p->nodes[source].undoes)
        return kh_fail(err, KH_EC_MOVE_INVALID, "nothing that can be moved stands at the element");
    if (target < 0 || !may_enter(&r->p->nodes[target]))
        return kh_fail(err, KH_EC_MOVE_INVALID, "the element cannot be entered");
    if (r->p->nodes[target].parent != r->p->nodes[source].parent)
        return kh_fail(err, KH_EC_MOVE_INVALID, "the elements lie in different sub-processes");
    return tell(r, source, target, reason, err) && move_to(r, token, target, err) &&
           kh_root_finish(&root, err);
}
