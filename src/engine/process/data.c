/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An instance as it is stored:
 *   {"n": counter, "t": [tokens], "v": {variables}}
 *   token    [id, node, scope, since, slot, ref] and, if it has more to say of itself,
 *            {"r": role, "l": lit, "i": lit_inside, "o": {own variables}, "m": {loop or compensation}}
 *   "l"      lit_inside of the instance
 *   "c"      [[scope, inside, node, own or null]...]: what can be compensated, in the order it was done
 */
#include "engine/process/run.h"

/* ---- writing ---- */

static bool says_more(const struct kh_token *t)
{
    return t->role != KH_T_PLAIN || t->lit || t->lit_inside || t->own || t->more;
}

static void write_more(struct kh_jw *w, const struct kh_token *t)
{
    kh_jw_obj(w);
    if (t->role != KH_T_PLAIN)
        kh_jw_kint(w, "r", t->role);
    if (t->lit)
        kh_jw_kint(w, "l", (int64_t)t->lit);
    if (t->lit_inside)
        kh_jw_kint(w, "i", (int64_t)t->lit_inside);
    if (t->own) {
        kh_jw_key(w, "o");
        kh_jw_json(w, t->own);
    }
    if (t->more) {
        kh_jw_key(w, "m");
        kh_jw_json(w, t->more);
    }
    kh_jw_end(w);
}

static void write_token(struct kh_jw *w, const struct kh_run *r, const struct kh_token *t)
{
    kh_jw_arr(w);
    kh_jw_int(w, t->id);
    kh_jw_str(w, r->p->nodes[t->node].id);
    kh_jw_int(w, t->scope);
    kh_jw_int(w, t->since_us);
    kh_jw_int(w, t->slot);
    kh_jw_int(w, t->ref);
    if (says_more(t))
        write_more(w, t);
    kh_jw_end(w);
}

static void write_done(struct kh_jw *w, const struct kh_run *r)
{
    static const struct kh_json none = {.type = KH_JSON_NULL};

    kh_jw_key(w, "c");
    kh_jw_arr(w);
    for (size_t i = 0; i < r->done_n; i++) {
        const struct kh_done *d = &r->done[i];

        kh_jw_arr(w);
        kh_jw_int(w, d->scope);
        kh_jw_int(w, d->inside);
        kh_jw_str(w, r->p->nodes[d->node].id);
        kh_jw_json(w, d->own ? d->own : &none);
        kh_jw_end(w);
    }
    kh_jw_end(w);
}

bool kh_run_data(const struct kh_run *r, struct kh_str *ret)
{
    struct kh_buf b = kh_buf(r->root->a, KH_RUN_DATA_BYTES);
    struct kh_jw w = kh_jw(&b);

    kh_jw_obj(&w);
    kh_jw_kint(&w, "n", r->counter);
    kh_jw_key(&w, "t");
    kh_jw_arr(&w);
    for (size_t i = 0; i < r->tokens_n; i++)
        if (!r->tokens[i].gone)
            write_token(&w, r, &r->tokens[i]);
    kh_jw_end(&w);
    if (r->lit_inside)
        kh_jw_kint(&w, "l", (int64_t)r->lit_inside);
    if (r->done_n && r->row.state == KH_I_RUNNING)
        write_done(&w, r);
    kh_jw_key(&w, "v");
    kh_jw_json(&w, r->vars);
    kh_jw_end(&w);
    *ret = kh_buf_get(&b);
    return !b.full;
}

/* ---- reading ---- */

static bool corrupt(const struct kh_run *r, struct kh_error *err)
{
    return kh_fail(err, KH_EC_STORE_CORRUPT, "data of instance %lld", (long long)r->row.id);
}

static struct kh_json *object_in(struct kh_arena *a, const struct kh_json *v, const char *name)
{
    const struct kh_json *o = kh_json_get(v, name);

    return kh_json_is(o, KH_JSON_OBJECT) ? kh_json_dup(a, o) : NULL;
}

static bool parse_more(struct kh_run *r, const struct kh_json *v, struct kh_token *t,
                       struct kh_error *err)
{
    int64_t role = kh_json_int(v, "r", 0);

    if (!kh_json_is(v, KH_JSON_OBJECT) || role < KH_T_PLAIN || role > KH_T_UNDO)
        return corrupt(r, err);
    t->role = (enum kh_token_role)role;
    t->lit = (uint64_t)kh_json_int(v, "l", 0);
    t->lit_inside = (uint64_t)kh_json_int(v, "i", 0);
    t->own = object_in(r->root->a, v, "o");
    t->more = object_in(r->root->a, v, "m");
    r->owns = r->owns || t->own;
    return (t->role != KH_T_BODY && t->role != KH_T_UNDO) || t->more || corrupt(r, err);
}

static bool parse_token(struct kh_run *r, const struct kh_json *v, struct kh_error *err)
{
    struct kh_token t = {0};
    int64_t slot;

    if (!kh_json_is(v, KH_JSON_ARRAY) || v->n < 6 || v->n > 7 ||
        !kh_json_as_int(&v->items[0], &t.id) || v->items[1].type != KH_JSON_STRING ||
        !kh_json_as_int(&v->items[2], &t.scope) || !kh_json_as_int(&v->items[3], &t.since_us) ||
        !kh_json_as_int(&v->items[4], &slot) || !kh_json_as_int(&v->items[5], &t.ref))
        return corrupt(r, err);
    if (v->n == 7 && !parse_more(r, &v->items[6], &t, err))
        return false;
    t.slot = (int)slot;
    t.node = kh_program_node(r->p, v->items[1].s);
    if (t.node < 0)
        return kh_fail(err, KH_EC_STORE_CORRUPT, "instance %lld stands on no node",
                       (long long)r->row.id);
    r->tokens[r->tokens_n++] = t;
    return true;
}

static bool parse_done(struct kh_run *r, const struct kh_json *list, struct kh_error *err)
{
    if (!kh_json_is(list, KH_JSON_ARRAY))
        return !list || corrupt(r, err);
    r->done = kh_grow(r->root->a, NULL, 0, list->n + 1, &r->done_cap, sizeof(*r->done));
    for (uint32_t i = 0; i < list->n; i++) {
        const struct kh_json *v = &list->items[i];
        struct kh_done d = {0};

        if (!kh_json_is(v, KH_JSON_ARRAY) || v->n != 4 || !kh_json_as_int(&v->items[0], &d.scope) ||
            !kh_json_as_int(&v->items[1], &d.inside) || v->items[2].type != KH_JSON_STRING)
            return corrupt(r, err);
        d.node = kh_program_node(r->p, v->items[2].s);
        if (d.node < 0)
            return corrupt(r, err);
        if (v->items[3].type == KH_JSON_OBJECT)
            d.own = kh_json_dup(r->root->a, &v->items[3]);
        r->done[r->done_n++] = d;
    }
    return true;
}

bool kh_run_parse(struct kh_run *r, struct kh_error *err)
{
    struct kh_json_limits limits = {.bytes = KH_RUN_DATA_BYTES, .depth = 90};
    const struct kh_json *tokens, *vars;
    struct kh_json *data;

    if (!kh_json_parse(r->root->a, r->row.data, &limits, &data, err))
        return kh_error_wrap(err, "instance %lld", (long long)r->row.id);
    tokens = kh_json_get(data, "t");
    vars = kh_json_get(data, "v");
    r->counter = kh_json_int(data, "n", 0);
    r->lit_inside = (uint64_t)kh_json_int(data, "l", 0);
    r->here = SIZE_MAX;
    if (!kh_json_is(tokens, KH_JSON_ARRAY) || !kh_json_is(vars, KH_JSON_OBJECT))
        return corrupt(r, err);
    r->tokens = kh_grow(r->root->a, NULL, 0, tokens->n + 1, &r->tokens_cap, sizeof(*r->tokens));
    for (uint32_t i = 0; i < tokens->n; i++)
        if (!parse_token(r, &tokens->items[i], err))
            return false;
    r->vars = kh_json_new(r->root->a, KH_JSON_OBJECT);
    *r->vars = *vars;
    return parse_done(r, kh_json_get(data, "c"), err);
}
