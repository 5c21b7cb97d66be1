/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/process/run.h"
#include "store/event.h"

#include "base/id.h"
#include "base/time.h"

void kh_root_init(struct kh_root *root, struct kh_tx *tx, struct kh_process *pe, struct kh_arena *a,
                  const struct kh_who *who)
{
    *root = (struct kh_root){.tx = tx, .a = a, .pe = pe, .who = who, .now_us = kh_now_us()};
    root->last = &root->first;
}

/* ---- tokens ---- */

size_t kh_run_token(const struct kh_run *r, int64_t id)
{
    for (size_t i = 0; i < r->tokens_n; i++)
        if (!r->tokens[i].gone && r->tokens[i].id == id)
            return i;
    return SIZE_MAX;
}

static size_t add_token(struct kh_run *r, int node, int64_t scope)
{
    r->tokens = kh_grow(r->root->a, r->tokens, r->tokens_n, r->tokens_n + 1, &r->tokens_cap,
                        sizeof(*r->tokens));
    r->tokens[r->tokens_n] = (struct kh_token){
        .id = ++r->counter, .node = node, .scope = scope, .since_us = r->root->now_us, .slot = -1};
    return r->tokens_n++;
}

static void make_ready(struct kh_run *r, size_t token)
{
    r->ready =
        kh_grow(r->root->a, r->ready, r->ready_n, r->ready_n + 1, &r->ready_cap, sizeof(*r->ready));
    r->ready[r->ready_n++] = token;
}

/* Put a token on the node that a flow leads to. */
static void follow(struct kh_run *r, size_t token, const struct kh_flow *f)
{
    const struct kh_node *to = &r->p->nodes[f->to];
    struct kh_token *t = &r->tokens[token];

    t->node = f->to;
    t->slot = to->kind == KH_N_PARALLEL && to->in_n > 1 ? (int)f->slot : -1;
    t->since_us = r->root->now_us;
    t->ref = 0;
    make_ready(r, token);
}

/* Send a token along all flows that leave its node. */
static void fan_out(struct kh_run *r, size_t token)
{
    const struct kh_node *n = &r->p->nodes[r->tokens[token].node];
    int64_t scope = r->tokens[token].scope;

    for (unsigned i = 0; i < n->out_n; i++) {
        const struct kh_flow *f = &r->p->flows[r->p->out[n->out_first + i]];

        follow(r, i == 0 ? token : add_token(r, f->to, scope), f);
    }
}

bool kh_run_leave(struct kh_run *r, size_t token, struct kh_error *err)
{
    if (!kh_step_clear(r, token, err))
        return false;
    fan_out(r, token);
    return true;
}

/* The last token of a scope has gone: the sub-process, or the instance, is over. */
static bool scope_over(struct kh_run *r, int64_t scope, struct kh_error *err)
{
    size_t host;

    for (size_t i = 0; i < r->tokens_n; i++)
        if (!r->tokens[i].gone && r->tokens[i].scope == scope)
            return true;
    if (scope == 0) {
        if (r->row.state == KH_I_RUNNING)
            r->row.state = KH_I_ENDED;
        return true;
    }
    host = kh_run_token(r, scope);
    KH_REQUIRE(host != SIZE_MAX);
    return kh_run_leave(r, host, err);
}

static bool end_token(struct kh_run *r, size_t token, struct kh_error *err)
{
    r->tokens[token].gone = true;
    return scope_over(r, r->tokens[token].scope, err);
}

/* Terminate ends everything in its own scope; a sub-process then goes on as if it had ended. */
static bool terminate(struct kh_run *r, size_t token, struct kh_error *err)
{
    int64_t scope = r->tokens[token].scope;

    r->tokens[token].gone = true;
    for (size_t i = 0; i < r->tokens_n; i++) {
        if (r->tokens[i].gone || r->tokens[i].scope != scope)
            continue;
        if (!kh_step_cancel(r, i, err))
            return false;
        r->tokens[i].gone = true;
    }
    if (scope == 0)
        r->row.state = KH_I_TERMINATED;
    return scope_over(r, scope, err);
}

/* ---- gateways ---- */

static bool choose(struct kh_run *r, size_t token, struct kh_error *err)
{
    const struct kh_node *n = &r->p->nodes[r->tokens[token].node];

    if (n->out_n == 1) {
        fan_out(r, token);
        return true;
    }
    for (unsigned i = 0; i < n->out_n; i++) {
        unsigned index = r->p->out[n->out_first + i];
        const struct kh_flow *f = &r->p->flows[index];
        const struct kh_feel_value *v;

        if ((int)index == n->fallback)
            continue;
        if (!kh_run_eval(r, &f->condition, NULL, &v, err))
            return kh_error_wrap(err, "condition of %.*s", KH_FMT(f->id));
        if (kh_feel_is_true(v)) {
            follow(r, token, f);
            return true;
        }
    }
    if (n->fallback < 0)
        return kh_fail(err, KH_EC_PROCESS_STUCK, "no condition of %.*s holds", KH_FMT(n->id));
    follow(r, token, &r->p->flows[n->fallback]);
    return true;
}

/* A parallel gateway takes one token from each incoming flow and gives one to each outgoing. */
static void join(struct kh_run *r, size_t token)
{
    const struct kh_token *t = &r->tokens[token];
    const struct kh_node *n = &r->p->nodes[t->node];
    size_t *found = kh_new_n(r->root->a, n->in_n, size_t);
    unsigned have = 0;

    for (unsigned slot = 0; n->in_n > 1 && slot < n->in_n; slot++) {
        for (size_t i = 0; i < r->tokens_n; i++) {
            const struct kh_token *o = &r->tokens[i];

            if (!o->gone && o->node == t->node && o->scope == t->scope && o->slot == (int)slot) {
                found[have++] = i;
                break;
            }
        }
    }
    if (n->in_n > 1 && have < n->in_n)
        return;
    for (unsigned i = 0; i < have; i++)
        if (found[i] != token)
            r->tokens[found[i]].gone = true;
    r->tokens[token].slot = -1;
    fan_out(r, token);
}

/* ---- moving ---- */

static bool enter_sub(struct kh_run *r, size_t token)
{
    const struct kh_node *n = &r->p->nodes[r->tokens[token].node];

    make_ready(r, add_token(r, n->start, r->tokens[token].id));
    return true;
}

static bool enter(struct kh_run *r, size_t token, struct kh_error *err)
{
    const struct kh_node *n = &r->p->nodes[r->tokens[token].node];
    bool waits = false;

    switch (n->kind) {
    case KH_N_START:
    case KH_N_START_MESSAGE:
    case KH_N_BOUNDARY_TIMER:
    case KH_N_BOUNDARY_MESSAGE:
        fan_out(r, token);
        return true;
    case KH_N_END:
        return end_token(r, token, err);
    case KH_N_TERMINATE:
        return terminate(r, token, err);
    case KH_N_EXCLUSIVE:
        return choose(r, token, err);
    case KH_N_PARALLEL:
        join(r, token);
        return true;
    case KH_N_SUB:
        return kh_step_enter(r, token, &waits, err) && enter_sub(r, token);
    case KH_N_USER:
    case KH_N_SERVICE:
    case KH_N_HTTP:
    case KH_N_SCRIPT:
    case KH_N_RULE:
    case KH_N_TIMER:
    case KH_N_MESSAGE:
    case KH_N_CALL:
        break;
    }
    if (!kh_step_enter(r, token, &waits, err))
        return false;
    return waits || kh_run_leave(r, token, err);
}

/* A join that nobody can complete any more would wait for ever: say so while it can be undone. */
static bool check_joins(const struct kh_run *r, struct kh_error *err)
{
    for (size_t i = 0; i < r->tokens_n; i++) {
        const struct kh_token *t = &r->tokens[i];
        bool hope = t->gone || t->slot < 0;

        for (size_t k = 0; k < r->tokens_n && !hope; k++)
            hope = !r->tokens[k].gone && r->tokens[k].scope == t->scope && r->tokens[k].slot < 0;
        if (!hope)
            return kh_fail(err, KH_EC_PROCESS_STUCK,
                           "%.*s waits for a token that cannot come any more",
                           KH_FMT(r->p->nodes[t->node].id));
    }
    return true;
}

static struct kh_str data_of(const struct kh_run *r, bool *ret_full)
{
    struct kh_buf b = kh_buf(r->root->a, KH_RUN_DATA_BYTES);
    struct kh_jw w = kh_jw(&b);

    kh_jw_obj(&w);
    kh_jw_kint(&w, "n", r->counter);
    kh_jw_key(&w, "t");
    kh_jw_arr(&w);
    for (size_t i = 0; i < r->tokens_n; i++) {
        const struct kh_token *t = &r->tokens[i];

        if (t->gone)
            continue;
        kh_jw_arr(&w);
        kh_jw_int(&w, t->id);
        kh_jw_str(&w, r->p->nodes[t->node].id);
        kh_jw_int(&w, t->scope);
        kh_jw_int(&w, t->since_us);
        kh_jw_int(&w, t->slot);
        kh_jw_int(&w, t->ref);
        kh_jw_end(&w);
    }
    kh_jw_end(&w);
    kh_jw_key(&w, "v");
    kh_jw_json(&w, r->vars);
    kh_jw_end(&w);
    *ret_full = b.full;
    return kh_buf_get(&b);
}

static bool write_run(struct kh_run *r, struct kh_error *err)
{
    bool full = false;

    if (r->row.state != KH_I_RUNNING)
        r->row.ended_us = r->root->now_us;
    r->row.data = data_of(r, &full);
    if (full)
        return kh_fail(err, KH_EC_PROCESS_STUCK, "the variables are larger than %d bytes",
                       KH_RUN_DATA_BYTES);
    if (!(r->fresh ? kh_instance_sql_add : kh_instance_sql_put)(r->root->tx, &r->row, err))
        return false;
    r->fresh = false;
    return true;
}

/* An ended instance that a call activity of another one waits for wakes that one. */
static bool wake_parent(struct kh_run *r, struct kh_error *err)
{
    struct kh_run *parent;
    size_t token;
    const struct kh_node *n;

    if (!r->row.parent_id || r->caller)
        return true;
    switch (kh_run_load(r->root, r->row.parent_id, &parent, err)) {
    case KH_FAIL:
        return false;
    case KH_MISS:
        return true;
    case KH_HIT:
        break;
    }
    token = kh_run_token(parent, r->row.parent_token);
    if (token == SIZE_MAX || parent->tokens[token].ref != r->row.id)
        return true;
    n = &parent->p->nodes[parent->tokens[token].node];
    return kh_step_outputs(parent, n, r->vars, true, err) && kh_run_leave(parent, token, err) &&
           kh_run_go(parent, err);
}

bool kh_run_go(struct kh_run *r, struct kh_error *err)
{
    while (r->ready_at < r->ready_n) {
        size_t token = r->ready[r->ready_at++];
        struct kh_str id;

        if (r->tokens[token].gone)
            continue;
        id = r->p->nodes[r->tokens[token].node].id;
        if (++r->root->steps > KH_RUN_STEPS)
            return kh_fail(err, KH_EC_PROCESS_STUCK, "more than %d steps without waiting, at %.*s",
                           KH_RUN_STEPS, KH_FMT(id));
        if (kh_arena_over(r->root->a))
            return kh_fail(err, KH_EC_ARENA_FULL, "process %.*s at %.*s", KH_FMT(r->p->key),
                           KH_FMT(id));
        if (!enter(r, token, err))
            return kh_error_wrap(err, "%.*s/%.*s", KH_FMT(r->p->key), KH_FMT(id));
    }
    if (!check_joins(r, err) || !kh_run_birth(r, err) || !write_run(r, err))
        return false;
    if (r->row.state == KH_I_RUNNING)
        return true;
    return kh_run_event(r, "process.end", err) && wake_parent(r, err);
}

bool kh_run_boundary(struct kh_run *r, size_t host, int node, struct kh_error *err)
{
    size_t token = host;

    if (!r->p->nodes[node].interrupting) {
        token = add_token(r, node, r->tokens[host].scope);
    } else {
        if (!kh_step_cancel(r, host, err))
            return false;
        r->tokens[host].node = node;
        r->tokens[host].ref = 0;
    }
    fan_out(r, token);
    return true;
}

/* ---- beginning ---- */

bool kh_run_birth(struct kh_run *r, struct kh_error *err)
{
    if (!r->about || !r->about->unborn)
        return true;
    return kh_case_birth(r->root, r->about, err) && kh_run_event(r, "process.start", err);
}

static bool reserved(struct kh_str name)
{
    static const char *const names[] = {"case", "who", "now", "task", "result"};

    for (size_t i = 0; i < KH_LEN(names); i++)
        if (kh_str_is(name, names[i]))
            return true;
    return false;
}

bool kh_run_set(struct kh_run *r, const struct kh_json *object, enum kh_ec code,
                struct kh_error *err)
{
    if (!object || object->type == KH_JSON_NULL)
        return true;
    if (object->type != KH_JSON_OBJECT)
        return kh_fail(err, code, "variables are not an object");
    for (uint32_t i = 0; i < object->n; i++)
        if (reserved(object->members[i].key))
            return kh_fail(err, code, "a variable cannot be called %.*s",
                           KH_FMT(object->members[i].key));
    for (uint32_t i = 0; i < object->n; i++)
        kh_json_set(r->root->a, r->vars, object->members[i].key, &object->members[i].value);
    return true;
}

bool kh_run_event(struct kh_run *r, const char *kind, struct kh_error *err)
{
    static const char *const states[] = {"running", "ended", "terminated", "cancelled"};
    struct kh_buf b = kh_buf(r->root->a, 4096);
    struct kh_jw w = kh_jw(&b);
    struct kh_event e = {.at_us = r->root->now_us,
                         .kind = kh_cstr(kind),
                         .type = KH_S("process"),
                         .subject = r->row.id,
                         .about = r->row.case_id,
                         .level = 1,
                         .actor = r->root->who->actor};

    kh_jw_obj(&w);
    kh_jw_kstr(&w, "process", r->p->key);
    kh_jw_kint(&w, "version", r->p->version);
    if (r->row.state != KH_I_RUNNING)
        kh_jw_kz(&w, "state", states[r->row.state]);
    kh_jw_end(&w);
    e.data = kh_buf_get(&b);
    return kh_event_append(r->root->tx, &e, err);
}

bool kh_run_start(struct kh_root *root, const struct kh_program *p, int start,
                  const struct kh_type *case_type, int64_t case_id, const struct kh_json *variables,
                  struct kh_run *caller, int64_t token, struct kh_run **ret, struct kh_error *err)
{
    struct kh_run *r = kh_new(root->a, struct kh_run);

    if (start < 0)
        return kh_fail(err, KH_EC_PROCESS_INVALID, "%.*s starts by a message only", KH_FMT(p->key));
    if (root->depth >= KH_RUN_DEPTH)
        return kh_fail(err, KH_EC_PROCESS_STUCK, "more than %d calls inside each other",
                       KH_RUN_DEPTH);
    r->root = root;
    r->p = p;
    r->fresh = true;
    r->case_type = case_type;
    r->about = case_type && case_id ? kh_root_case(root, case_type, case_id) : NULL;
    r->caller = caller;
    r->vars = kh_json_new(root->a, KH_JSON_OBJECT);
    r->row = (struct kh_instance_row){
        .id = kh_id_new(),
        .process_id = p->id,
        .case_type = case_type ? kh_type_name(case_type) : KH_S(""),
        .case_id = case_id,
        .parent_id = caller ? caller->row.id : 0,
        .parent_token = token,
        .started_us = root->now_us,
    };
    if (!kh_run_set(r, variables, KH_EC_BODY_INVALID, err))
        return false;
    /* The log tells of the record before it tells of its process. */
    if (!(r->about && r->about->unborn) && !kh_run_event(r, "process.start", err))
        return false;
    make_ready(r, add_token(r, start, 0));
    root->depth++;
    if (!kh_run_go(r, err))
        return false;
    root->depth--;
    *ret = r;
    return true;
}

/* ---- reading ---- */

static bool parse_token(struct kh_run *r, const struct kh_json *v, struct kh_error *err)
{
    struct kh_token t = {0};
    int64_t slot;

    if (!kh_json_is(v, KH_JSON_ARRAY) || v->n != 6 || !kh_json_as_int(&v->items[0], &t.id) ||
        v->items[1].type != KH_JSON_STRING || !kh_json_as_int(&v->items[2], &t.scope) ||
        !kh_json_as_int(&v->items[3], &t.since_us) || !kh_json_as_int(&v->items[4], &slot) ||
        !kh_json_as_int(&v->items[5], &t.ref))
        return kh_fail(err, KH_EC_STORE_CORRUPT, "tokens of instance %lld", (long long)r->row.id);
    t.slot = (int)slot;
    t.node = kh_program_node(r->p, v->items[1].s);
    if (t.node < 0)
        return kh_fail(err, KH_EC_STORE_CORRUPT, "instance %lld stands on no node",
                       (long long)r->row.id);
    r->tokens[r->tokens_n++] = t;
    return true;
}

bool kh_run_parse(struct kh_run *r, struct kh_error *err)
{
    struct kh_json_limits limits = {.bytes = KH_RUN_DATA_BYTES, .depth = 80};
    const struct kh_json *tokens, *vars;
    struct kh_json *data;

    if (!kh_json_parse(r->root->a, r->row.data, &limits, &data, err))
        return kh_error_wrap(err, "instance %lld", (long long)r->row.id);
    tokens = kh_json_get(data, "t");
    vars = kh_json_get(data, "v");
    r->counter = kh_json_int(data, "n", 0);
    if (!kh_json_is(tokens, KH_JSON_ARRAY) || !kh_json_is(vars, KH_JSON_OBJECT))
        return kh_fail(err, KH_EC_STORE_CORRUPT, "data of instance %lld", (long long)r->row.id);
    r->tokens = kh_grow(r->root->a, NULL, 0, tokens->n + 1, &r->tokens_cap, sizeof(*r->tokens));
    for (uint32_t i = 0; i < tokens->n; i++)
        if (!parse_token(r, &tokens->items[i], err))
            return false;
    r->vars = kh_json_new(r->root->a, KH_JSON_OBJECT);
    *r->vars = *vars;
    return true;
}

enum kh_hit kh_run_load(struct kh_root *root, int64_t id, struct kh_run **ret, struct kh_error *err)
{
    struct kh_run *r = kh_new(root->a, struct kh_run);
    enum kh_hit hit = kh_instance_sql_get(root->tx, root->a, id, true, &r->row, err);

    if (hit != KH_HIT)
        return hit;
    if (r->row.state != KH_I_RUNNING)
        return KH_MISS;
    r->root = root;
    r->case_type = r->row.case_type.n ? kh_type_find(root->pe->reg, r->row.case_type) : NULL;
    r->about = r->case_type && r->row.case_id ? kh_root_case(root, r->case_type, r->row.case_id)
                                              : NULL;
    if (!kh_program_get(root->tx, root->pe, r->row.process_id, &r->p, err) || !kh_run_parse(r, err))
        return KH_FAIL;
    *ret = r;
    return KH_HIT;
}

bool kh_root_finish(struct kh_root *root, struct kh_error *err)
{
    for (struct kh_pending *m = root->first; m; m = m->next) {
        int64_t delivered;

        if (!kh_message_deliver(root, m, &delivered, err))
            return kh_error_wrap(err, "message %.*s", KH_FMT(m->name));
    }
    root->first = NULL;
    root->last = &root->first;
    return true;
}

bool kh_process_start(struct kh_tx *tx, struct kh_process *pe, struct kh_arena *a,
                      struct kh_str key, const struct kh_type *case_type, int64_t case_id,
                      const struct kh_json *variables, const struct kh_who *who,
                      int64_t *ret_instance, struct kh_error *err)
{
    const struct kh_program *p;
    struct kh_root root;
    struct kh_run *r;

    kh_root_init(&root, tx, pe, a, who);
    if (!kh_program_newest(tx, pe, key, &p, err) ||
        !kh_run_start(&root, p, p->start, case_type, case_id, variables, NULL, 0, &r, err) ||
        !kh_root_finish(&root, err))
        return false;
    *ret_instance = r->row.id;
    return true;
}
