/* SPDX-License-Identifier: Apache-2.0 */
/* What is known when compiling need not be computed every time: -5, [1, 2, 3], [18..60),
 * date("2026-09-15"), and the code of a regular expression. Only what cannot fail is folded, so that
 * messages come when they should. */
#include "engine/process/feel/builtin.h"
#include "engine/process/feel/compile.h"
#include "engine/process/feel/regex.h"
#include "engine/process/feel/when.h"

static const struct feel_node *known(struct feel_compiler *c, const struct feel_node *n,
                                     struct kh_feel_value v)
{
    struct feel_node *l = feel_node(c, FN_LITERAL, n->at);

    v.set = 0;
    l->value = v;
    return l;
}

static const struct feel_node *fold_list(struct feel_compiler *c, const struct feel_node *n)
{
    struct kh_feel_value *items;

    for (size_t i = 0; i < n->n; i++)
        if (n->kids[i]->op != FN_LITERAL)
            return n;
    items = kh_new_n(c->a, n->n, struct kh_feel_value);
    for (size_t i = 0; i < n->n; i++)
        items[i] = n->kids[i]->value;
    return known(c, n, feel_list(items, n->n));
}

static const struct feel_node *fold_range(struct feel_compiler *c, const struct feel_node *n)
{
    struct feel_range g = {.lo_in = n->lo_in, .hi_in = n->hi_in};
    int order;

    if ((n->lo && n->lo->op != FN_LITERAL) || (n->hi && n->hi->op != FN_LITERAL))
        return n;
    if (n->lo)
        g.lo = n->lo->value;
    if (n->hi)
        g.hi = n->hi->value;
    if (!feel_cmp(n->lo ? g.lo : g.hi, n->hi ? g.hi : g.lo, &order) || order > 0)
        return n;
    return known(c, n, feel_range(c->a, &g));
}

static const struct feel_node *fold_negation(struct feel_compiler *c, const struct feel_node *n)
{
    if (n->a->op != FN_LITERAL || n->a->value.kind != KH_FEEL_NUMBER)
        return n;
    return known(c, n, feel_num(kh_dec_neg(n->a->value.num)));
}

/* date("..."), time("..."), date and time("..."), duration("..."). */
static bool temporal(const struct feel_call *call, struct kh_feel_value *ret)
{
    struct kh_str name = feel_builtin_name(call->builtin), text = call->args[0]->value.s;

    if (kh_str_is(name, "date"))
        return feel_date_parse(text, ret);
    if (kh_str_is(name, "time"))
        return feel_time_parse(text, ret);
    if (kh_str_is(name, "date and time"))
        return feel_date_time_parse(text, ret);
    return kh_str_is(name, "duration") && feel_duration_parse(text, ret);
}

static bool literal_text(const struct feel_node *n)
{
    return n->op == FN_LITERAL && n->value.kind == KH_FEEL_STRING;
}

/* matches(x, "pattern", "flags"), replace(x, "pattern", y, "flags"), split(x, "pattern"). */
static void compile_pattern(struct feel_compiler *c, struct feel_call *call)
{
    struct kh_str name = feel_builtin_name(call->builtin), flags = {0};
    bool replace = kh_str_is(name, "replace"), matches = kh_str_is(name, "matches");
    size_t flags_at = replace ? 3 : 2;
    struct feel_regex *re;

    if ((!replace && !matches && !kh_str_is(name, "split")) || call->n < 2 ||
        !literal_text(call->args[1]))
        return;
    if (call->n > flags_at) {
        if (!literal_text(call->args[flags_at]))
            return;
        flags = call->args[flags_at]->value.s;
    }
    re = kh_new(c->a, struct feel_regex);
    if (feel_regex_compile(c->a, call->args[1]->value.s, flags, re))
        call->regex = re;
}

static const struct feel_node *fold_call(struct feel_compiler *c, const struct feel_node *n,
                                         struct feel_call *call)
{
    struct kh_feel_value v;

    if (call->callee || call->builtin < 0 || call->names)
        return n;
    if (call->n == 1 && literal_text(call->args[0]) && temporal(call, &v))
        return known(c, n, v);
    compile_pattern(c, call);
    return n;
}

const struct feel_node *feel_fold(struct feel_compiler *c, const struct feel_node *n,
                                  struct feel_call *call)
{
    if (!n)
        return NULL;
    if (call)
        return fold_call(c, n, call);
    if (n->op == FN_MAKE_LIST)
        return fold_list(c, n);
    if (n->op == FN_MAKE_RANGE)
        return fold_range(c, n);
    if (n->op == FN_NEG)
        return fold_negation(c, n);
    return n;
}
