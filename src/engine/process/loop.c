/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Activities that are repeated. The token that came in stays on the activity as its body; every round
 * is a token inside it. What a round of a multi-instance writes is its own and goes with it: only the
 * output collection comes out. The rounds of a standard loop share the variables of the instance.
 *
 * State of a body: {"n": how many, "k": begun, "d": done, "items": [...], "out": [...]}
 */
#include "engine/process/run.h"

#include "base/time.h"

static const struct kh_json null_value = {.type = KH_JSON_NULL};

static void put(struct kh_run *r, size_t body, const char *name, int64_t v)
{
    kh_json_set(r->root->a, r->tokens[body].more, kh_cstr(name), kh_json_new_int(r->root->a, v));
}

static int64_t get(const struct kh_run *r, size_t body, const char *name)
{
    return kh_json_int(r->tokens[body].more, name, 0);
}

static bool is_true(struct kh_run *r, const struct kh_expr *e, const struct kh_json *more,
                    bool *ret, struct kh_error *err)
{
    struct kh_scope scope = {.more = more};
    const struct kh_feel_value *v;

    if (!kh_run_eval(r, e, &scope, &v, err))
        return kh_error_wrap(err, "loop");
    *ret = kh_feel_is_true(v);
    return true;
}

/* ---- rounds ---- */

static void begin_round(struct kh_run *r, size_t body)
{
    const struct kh_loop *l = r->p->nodes[r->tokens[body].node].loop;
    const struct kh_json *items = kh_json_get(r->tokens[body].more, "items");
    int64_t k = get(r, body, "k");
    size_t item = kh_run_add_token(r, r->tokens[body].node, r->tokens[body].id);

    put(r, body, "k", k + 1);
    r->tokens[item].role = KH_T_ITEM;
    if (l->how != KH_L_LOOP) {
        struct kh_json *own = kh_json_new(r->root->a, KH_JSON_OBJECT);

        kh_json_set(r->root->a, own, KH_S("loopCounter"), kh_json_new_int(r->root->a, k + 1));
        if (l->element.n && items && k < items->n)
            kh_json_set(r->root->a, own, l->element, &items->items[k]);
        r->tokens[item].own = own;
        r->owns = true;
    }
    kh_run_make_ready(r, item);
}

static bool finish(struct kh_run *r, size_t body, struct kh_error *err)
{
    const struct kh_loop *l = r->p->nodes[r->tokens[body].node].loop;
    const struct kh_json *out = kh_json_get(r->tokens[body].more, "out");

    if (!kh_step_cancel_inside(r, r->tokens[body].id, err))
        return false;
    r->here = body;
    if (l->gather.n && out)
        kh_json_set(r->root->a, kh_run_vars(r), l->gather, out);
    r->tokens[body].role = KH_T_PLAIN;
    r->tokens[body].more = NULL;
    return kh_run_leave(r, body, err);
}

/* ---- beginning ---- */

/* How many, and of what. */
static bool count(struct kh_run *r, const struct kh_node *n, const struct kh_json **ret_items,
                  int64_t *ret_n, struct kh_error *err)
{
    const struct kh_loop *l = n->loop;
    const struct kh_json *v;

    if (!kh_run_eval_json(r, l->collection.feel ? &l->collection : &l->cardinality, NULL, true, &v,
                          err))
        return kh_error_wrap(err, "multi-instance");
    *ret_items = NULL;
    if (l->collection.feel) {
        if (v->type != KH_JSON_ARRAY)
            return kh_fail(err, KH_EC_PROCESS_STUCK, "the collection of %.*s is no list",
                           KH_FMT(n->id));
        *ret_items = v;
        *ret_n = v->n;
    } else if (!kh_json_as_int(v, ret_n) || *ret_n < 0) {
        return kh_fail(err, KH_EC_PROCESS_STUCK, "how often %.*s happens is no whole number",
                       KH_FMT(n->id));
    }
    if (*ret_n > KH_RUN_ITEMS)
        return kh_fail(err, KH_EC_PROCESS_STUCK, "%.*s would happen more than %d times",
                       KH_FMT(n->id), KH_RUN_ITEMS);
    return true;
}

static bool make_body(struct kh_run *r, size_t token, struct kh_error *err)
{
    r->tokens[token].role = KH_T_BODY;
    r->tokens[token].more = kh_json_new(r->root->a, KH_JSON_OBJECT);
    return kh_run_birth(r, err) && kh_step_arm_boundary(r, token, KH_FOREVER, KH_S(""), err);
}

static bool begin_multiple(struct kh_run *r, size_t token, struct kh_error *err)
{
    struct kh_arena *a = r->root->a;
    const struct kh_node *n = &r->p->nodes[r->tokens[token].node];
    struct kh_json *out = kh_json_new(a, KH_JSON_ARRAY);
    const struct kh_json *items = NULL;
    int64_t times;

    if (!count(r, n, &items, &times, err) || !make_body(r, token, err))
        return false;
    put(r, token, "n", times);
    if (items)
        kh_json_set(a, r->tokens[token].more, KH_S("items"), items);
    for (int64_t i = 0; n->loop->gather.n && i < times; i++)
        kh_json_push(a, out, &null_value);
    if (n->loop->gather.n)
        kh_json_set(a, r->tokens[token].more, KH_S("out"), out);
    if (times == 0)
        return finish(r, token, err);
    for (int64_t i = 0; i < (n->loop->how == KH_L_PARALLEL ? times : 1); i++)
        begin_round(r, token);
    return true;
}

bool kh_loop_begin(struct kh_run *r, size_t token, struct kh_error *err)
{
    const struct kh_loop *l = r->p->nodes[r->tokens[token].node].loop;
    bool go = true;

    if (l->how != KH_L_LOOP)
        return begin_multiple(r, token, err);
    if (l->before && l->condition.feel && !is_true(r, &l->condition, NULL, &go, err))
        return false;
    if (!make_body(r, token, err))
        return false;
    if (!go)
        return finish(r, token, err);
    begin_round(r, token);
    return true;
}

/* ---- going on ---- */

static bool next_of_loop(struct kh_run *r, size_t item, size_t body, struct kh_error *err)
{
    const struct kh_node *n = &r->p->nodes[r->tokens[body].node];
    const struct kh_loop *l = n->loop;
    int64_t k = get(r, body, "k");
    struct kh_json *counter = kh_json_new(r->root->a, KH_JSON_OBJECT);
    bool go = true;

    r->tokens[item].gone = true;
    r->here = body;
    kh_json_set(r->root->a, counter, KH_S("loopCounter"), kh_json_new_int(r->root->a, k));
    if (l->condition.feel && !is_true(r, &l->condition, counter, &go, err))
        return false;
    if (!go || (l->max && k >= l->max))
        return finish(r, body, err);
    if (k >= KH_RUN_ROUNDS)
        return kh_fail(err, KH_EC_PROCESS_STUCK, "%.*s would happen more than %d times",
                       KH_FMT(n->id), KH_RUN_ROUNDS);
    begin_round(r, body);
    return true;
}

/* What a completion condition sees beside the variables of the round that has just ended. */
static struct kh_json *score(struct kh_run *r, size_t body)
{
    struct kh_arena *a = r->root->a;
    const struct kh_loop *l = r->p->nodes[r->tokens[body].node].loop;
    const struct kh_json *out = kh_json_get(r->tokens[body].more, "out");
    int64_t done = get(r, body, "d");
    struct kh_json *o = kh_json_new(a, KH_JSON_OBJECT);

    kh_json_set(a, o, KH_S("numberOfInstances"), kh_json_new_int(a, get(r, body, "n")));
    kh_json_set(a, o, KH_S("numberOfCompletedInstances"), kh_json_new_int(a, done));
    kh_json_set(a, o, KH_S("numberOfActiveInstances"),
                kh_json_new_int(a, get(r, body, "k") - done));
    if (l->gather.n && out)
        kh_json_set(a, o, l->gather, out);
    return o;
}

/* The list that is gathered, to be filled in where it is. */
static struct kh_json *list_of(const struct kh_run *r, size_t body)
{
    struct kh_json *more = r->tokens[body].more;

    for (uint32_t i = 0; i < more->n; i++)
        if (kh_str_is(more->members[i].key, "out"))
            return &more->members[i].value;
    return NULL;
}

static bool gather(struct kh_run *r, size_t item, size_t body, struct kh_error *err)
{
    const struct kh_loop *l = r->p->nodes[r->tokens[body].node].loop;
    struct kh_json *out = list_of(r, body);
    int64_t k = kh_json_int(r->tokens[item].own, "loopCounter", 0);
    const struct kh_json *v;

    if (!kh_run_eval_json(r, &l->output, NULL, true, &v, err))
        return kh_error_wrap(err, "outputElement");
    if (!out || k < 1 || k > out->n)
        return kh_fail(err, KH_EC_PROCESS_STUCK, "loopCounter was overwritten");
    out->items[k - 1] = *v;
    return true;
}

bool kh_loop_next(struct kh_run *r, size_t item, struct kh_error *err)
{
    size_t body = kh_run_token(r, r->tokens[item].scope);
    const struct kh_loop *l;
    bool enough = false;

    KH_REQUIRE(body != SIZE_MAX && r->tokens[body].role == KH_T_BODY);
    l = r->p->nodes[r->tokens[body].node].loop;
    if (l->how == KH_L_LOOP)
        return next_of_loop(r, item, body, err);
    r->here = item;
    if (l->gather.n && !gather(r, item, body, err))
        return false;
    r->tokens[item].gone = true;
    put(r, body, "d", get(r, body, "d") + 1);
    if (l->condition.feel && !is_true(r, &l->condition, score(r, body), &enough, err))
        return false;
    if (enough || get(r, body, "d") >= get(r, body, "n"))
        return finish(r, body, err);
    if (l->how == KH_L_SEQUENTIAL)
        begin_round(r, body);
    return true;
}
