/* SPDX-License-Identifier: Apache-2.0 */
/* Decision tables (DMN 1.5 chapter 8, 10.3.2.10). */
#include "engine/process/dmn/model.h"

/* ---- reading ---- */

static bool hit_policy(struct dmn_boxed *b, const struct kh_xml *x, struct dmn_table *t)
{
    static const struct {
        const char *name;
        char policy;
    } policies[] = {{"UNIQUE", 'U'},  {"ANY", 'A'},        {"PRIORITY", 'P'},    {"FIRST", 'F'},
                    {"COLLECT", 'C'}, {"RULE ORDER", 'R'}, {"OUTPUT ORDER", 'O'}};
    static const struct {
        const char *name;
        char sign;
    } sums[] = {{"SUM", '+'}, {"COUNT", '#'}, {"MIN", '<'}, {"MAX", '>'}};
    struct kh_str policy = dmn_attr(x, "hitPolicy"), sum = dmn_attr(x, "aggregation");

    t->policy = policy.n ? '\0' : 'U';
    for (size_t i = 0; i < KH_LEN(policies); i++)
        if (kh_str_is(policy, policies[i].name))
            t->policy = policies[i].policy;
    for (size_t i = 0; i < KH_LEN(sums); i++)
        if (kh_str_is(sum, sums[i].name))
            t->aggregate = sums[i].sign;
    if (t->policy && (sum.n == 0 || (t->aggregate && t->policy == 'C')))
        return true;
    dmn_bad(b->d, x, false, "hitPolicy", "This hit policy is not known",
            "Không nhận ra chính sách chọn dòng này", t->policy ? sum : policy);
    return false;
}

static size_t count(struct dmn_boxed *b, const struct kh_xml *x, const char *name)
{
    size_t n = 0;

    for (const struct kh_xml *c = x->first; c; c = c->next)
        n += dmn_is(b->f, c, name);
    return n;
}

/* Tests of inputValues or outputValues; NULL if there are none. */
static const struct feel_node *values(struct dmn_boxed *b, const struct kh_xml *x, const char *name,
                                      uint32_t slot, bool *ok)
{
    const struct kh_xml *v = dmn_child(b->f, x, name);
    const struct feel_node *n;

    if (!v)
        return NULL;
    n = dmn_text(b, v, true, slot);
    *ok = *ok && n;
    return n && n->op == FN_TESTS ? n : NULL;
}

static bool read_inputs(struct dmn_boxed *b, const struct kh_xml *x, struct feel_node *node,
                        struct dmn_table *t)
{
    struct dmn_input *in = kh_new_n(b->d->a, count(b, x, "input"), struct dmn_input);
    bool ok = true;

    for (const struct kh_xml *c = x->first; c; c = c->next) {
        const struct kh_xml *e;

        if (!dmn_is(b->f, c, "input"))
            continue;
        e = dmn_child(b->f, c, "inputExpression");
        in->slot = feel_slot_new(b->c);
        if (!e) {
            dmn_bad(b->d, c, false, "input", "inputExpression is needed", "Thiếu inputExpression",
                    (struct kh_str){0});
            ok = false;
        } else {
            in->expr = dmn_text(b, e, false, 0);
            in->values = values(b, c, "inputValues", in->slot, &ok);
            ok = feel_node_holds(b->c, node, in->expr) && ok;
        }
        in++;
        t->inputs_n++;
    }
    t->inputs = in - t->inputs_n;
    return ok;
}

static bool read_outputs(struct dmn_boxed *b, const struct kh_xml *x, struct feel_node *node,
                         struct dmn_table *t)
{
    size_t n = count(b, x, "output");
    struct dmn_output *out = kh_new_n(b->d->a, n, struct dmn_output);
    bool ok = true;

    for (const struct kh_xml *c = x->first; c; c = c->next) {
        const struct kh_xml *e;

        if (!dmn_is(b->f, c, "output"))
            continue;
        out->name = dmn_attr(c, "name");
        out->slot = feel_slot_new(b->c);
        out->values = values(b, c, "outputValues", out->slot, &ok);
        e = dmn_child(b->f, c, "defaultOutputEntry");
        if (e) {
            out->fallback = dmn_text(b, e, false, 0);
            ok = feel_node_holds(b->c, node, out->fallback) && ok;
        }
        if (n > 1 && out->name.n == 0) {
            dmn_bad(b->d, c, false, "output", "An output among several needs a name",
                    "Mỗi đầu ra trong nhiều đầu ra cần có tên", (struct kh_str){0});
            ok = false;
        }
        out++;
        t->outputs_n++;
    }
    t->outputs = out - t->outputs_n;
    if (n == 0) {
        dmn_bad(b->d, x, false, "output", "The table has no output", "Bảng không có đầu ra",
                (struct kh_str){0});
        ok = false;
    }
    return ok;
}

/* The cells of one rule; as many as there are columns. */
static bool read_rule(struct dmn_boxed *b, const struct kh_xml *x, struct feel_node *node,
                      const struct dmn_table *t, const struct feel_node **tests,
                      const struct feel_node **results)
{
    size_t in = 0, out = 0;
    bool ok = true;

    for (const struct kh_xml *c = x->first; c; c = c->next) {
        if (dmn_is(b->f, c, "inputEntry") && in++ < t->inputs_n) {
            *tests = dmn_text(b, c, true, t->inputs[in - 1].slot);
            ok = feel_node_holds(b->c, node, *tests++) && ok;
        } else if (dmn_is(b->f, c, "outputEntry") && out++ < t->outputs_n) {
            *results = dmn_text(b, c, false, 0);
            ok = feel_node_holds(b->c, node, *results++) && ok;
        }
    }
    if (in == t->inputs_n && out == t->outputs_n)
        return ok;
    dmn_bad(b->d, x, false, "rule", "The rule has not as many cells as the table has columns",
            "Số ô của dòng không khớp số cột của bảng", (struct kh_str){0});
    return false;
}

const struct feel_node *dmn_read_table(struct dmn_boxed *b, const struct kh_xml *x)
{
    struct feel_node *node = feel_node(b->c, FN_TABLE, dmn_at(x));
    struct dmn_table *t = kh_new(b->d->a, struct dmn_table);
    size_t n = count(b, x, "rule");
    const struct feel_node **tests, **results;
    bool ok;

    ok = hit_policy(b, x, t);
    ok = read_inputs(b, x, node, t) && ok;
    ok = read_outputs(b, x, node, t) && ok;
    if (!ok)
        return NULL;
    tests = kh_new_n(b->d->a, n * t->inputs_n, const struct feel_node *);
    results = kh_new_n(b->d->a, n * t->outputs_n, const struct feel_node *);
    for (const struct kh_xml *c = x->first; c; c = c->next) {
        if (!dmn_is(b->f, c, "rule"))
            continue;
        ok = read_rule(b, c, node, t, tests + t->rules_n * t->inputs_n,
                       results + t->rules_n * t->outputs_n) &&
             ok;
        t->rules_n++;
    }
    t->tests = tests;
    t->results = results;
    node->ext = t;
    return ok ? node : NULL;
}

/* ---- evaluation ---- */

struct hits {
    const struct dmn_table *t;
    const struct feel_node *n;
    size_t *rules; /* those that match, in rule order */
    size_t rules_n;
};

static void fail(struct feel_run *r, const struct feel_node *n, const char *code, const char *en,
                 const char *vi, struct kh_feel_value *ret)
{
    feel_note(r, n->at, code, en, vi, (struct kh_str){0});
    *ret = feel_null();
}

/* Inputs into their slots. *ret_ok is false if one is not among its allowed values. */
static bool eval_inputs(struct feel_run *r, const struct hits *h, bool *ret_ok)
{
    *ret_ok = true;
    for (size_t i = 0; i < h->t->inputs_n; i++) {
        const struct dmn_input *in = &h->t->inputs[i];
        enum feel_bool3 b;

        if (!feel_ev(r, in->expr, &r->slots[in->slot]))
            return false;
        if (!in->values || r->slots[in->slot].kind == KH_FEEL_NULL)
            continue;
        if (!feel_holds(r, in->values, &b))
            return false;
        *ret_ok = *ret_ok && b == FEEL_YES;
    }
    return true;
}

static bool matches(struct feel_run *r, const struct hits *h, size_t rule, bool *ret)
{
    *ret = true;
    for (size_t i = 0; i < h->t->inputs_n && *ret; i++) {
        const struct feel_node *test = h->t->tests[rule * h->t->inputs_n + i];
        enum feel_bool3 b;

        if (test->op == FN_TEST_ANY)
            continue;
        if (!feel_holds(r, test, &b))
            return false;
        *ret = b == FEEL_YES;
    }
    return feel_pay(r, 1);
}

/* The result of one rule: a value, or a context by the names of the outputs. */
static bool result_of(struct feel_run *r, const struct hits *h,
                      const struct feel_node *const *cells, struct kh_feel_value *ret)
{
    struct feel_entry *entries;

    if (h->t->outputs_n == 1)
        return feel_ev(r, cells[0], ret);
    entries = kh_new_n(r->a, h->t->outputs_n, struct feel_entry);
    for (size_t i = 0; i < h->t->outputs_n; i++) {
        entries[i].key = h->t->outputs[i].name;
        if (cells[i] && !feel_ev(r, cells[i], &entries[i].value))
            return false;
    }
    *ret = feel_context(entries, h->t->outputs_n);
    return true;
}

static bool rule_result(struct feel_run *r, const struct hits *h, size_t hit,
                        struct kh_feel_value *ret)
{
    return result_of(r, h, h->t->results + h->rules[hit] * h->t->outputs_n, ret);
}

static bool all_results(struct feel_run *r, const struct hits *h, struct kh_feel_value **ret)
{
    struct kh_feel_value *v = kh_new_n(r->a, h->rules_n, struct kh_feel_value);

    for (size_t i = 0; i < h->rules_n; i++)
        if (!rule_result(r, h, i, &v[i]))
            return false;
    *ret = v;
    return true;
}

static bool fallback(struct feel_run *r, const struct hits *h, struct kh_feel_value *ret)
{
    const struct feel_node **cells = kh_new_n(r->a, h->t->outputs_n, const struct feel_node *);
    bool some = false;

    for (size_t i = 0; i < h->t->outputs_n; i++) {
        cells[i] = h->t->outputs[i].fallback;
        some = some || cells[i];
    }
    if (some)
        return result_of(r, h, cells, ret);
    *ret = feel_null();
    return true;
}

static bool any_hit(struct feel_run *r, const struct hits *h, struct kh_feel_value *ret)
{
    struct kh_feel_value *v;

    if (!all_results(r, h, &v))
        return false;
    for (size_t i = 1; i < h->rules_n; i++) {
        if (feel_eq(v[0], v[i], &r->budget) != FEEL_YES) {
            fail(r, h->n, "any", "The rules that match differ in their results",
                 "Các dòng khớp cho kết quả khác nhau", ret);
            return feel_paid(r);
        }
    }
    *ret = v[0];
    return feel_paid(r);
}

/* ---- priorities ---- */

/* Place of a value in the output values of an output; those not named come last. */
static bool rank(struct feel_run *r, const struct dmn_output *out, struct kh_feel_value v,
                 size_t *ret)
{
    size_t i = 0;

    for (; out->values && i < out->values->n; i++) {
        enum feel_bool3 b;

        r->slots[out->slot] = v;
        if (!feel_holds_one(r, out->values->kids[i], &b))
            return false;
        if (b == FEEL_YES)
            break;
    }
    *ret = i;
    return true;
}

/* Ranks of all outputs of result v, the first output weighs most. */
static bool ranks(struct feel_run *r, const struct dmn_table *t, struct kh_feel_value v,
                  size_t *ret)
{
    for (size_t i = 0; i < t->outputs_n; i++) {
        struct kh_feel_value one = v;

        if (t->outputs_n > 1 && !feel_get(v, t->outputs[i].name, &one))
            one = feel_null();
        if (!rank(r, &t->outputs[i], one, &ret[i]))
            return false;
    }
    return true;
}

static int rank_cmp(const size_t *x, const size_t *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    return 0;
}

/* Results in the order of output values, rules in order where they are equal. */
static bool prioritized(struct feel_run *r, const struct hits *h, struct kh_feel_value *v)
{
    size_t m = h->t->outputs_n, *all = kh_new_n(r->a, h->rules_n * m, size_t);

    for (size_t i = 0; i < h->rules_n; i++)
        if (!ranks(r, h->t, v[i], all + i * m))
            return false;
    /* Insertion: few rules match at once; each shift is paid for. */
    for (size_t i = 1; i < h->rules_n; i++) {
        for (size_t k = i; k > 0 && rank_cmp(all + k * m, all + (k - 1) * m, m) < 0; k--) {
            struct kh_feel_value tmp = v[k];

            v[k] = v[k - 1];
            v[k - 1] = tmp;
            for (size_t j = 0; j < m; j++) {
                size_t t = all[k * m + j];

                all[k * m + j] = all[(k - 1) * m + j];
                all[(k - 1) * m + j] = t;
            }
            if (!feel_pay(r, 1))
                return false;
        }
    }
    return true;
}

/* ---- collecting ---- */

static bool aggregate(struct feel_run *r, const struct hits *h, struct kh_feel_value *v,
                      struct kh_feel_value *ret)
{
    static const char *const names[] = {"sum", "count", "min", "max"};
    const char *signs = "+#<>", *at = strchr(signs, h->t->aggregate);
    struct kh_feel_value list = feel_list(v, h->rules_n);
    int row = feel_builtin_find(kh_cstr(names[at - signs]));

    return feel_builtin_call(r, row, &list, NULL, 1, h->n->at, ret);
}

/* Of several outputs each is aggregated by itself. */
static bool aggregate_all(struct feel_run *r, const struct hits *h, struct kh_feel_value *v,
                          struct kh_feel_value *ret)
{
    struct feel_entry *entries;
    struct kh_feel_value *one;

    if (h->t->outputs_n == 1 || h->t->aggregate == '#')
        return aggregate(r, h, v, ret);
    entries = kh_new_n(r->a, h->t->outputs_n, struct feel_entry);
    for (size_t i = 0; i < h->t->outputs_n; i++) {
        one = kh_new_n(r->a, h->rules_n, struct kh_feel_value);
        entries[i].key = h->t->outputs[i].name;
        for (size_t k = 0; k < h->rules_n; k++)
            (void)feel_get(v[k], entries[i].key, &one[k]);
        if (!aggregate(r, h, one, &entries[i].value))
            return false;
    }
    *ret = feel_context(entries, h->t->outputs_n);
    return true;
}

static bool collected(struct feel_run *r, const struct hits *h, struct kh_feel_value *ret)
{
    struct kh_feel_value *v;

    if (!all_results(r, h, &v) || (strchr("PO", h->t->policy) && !prioritized(r, h, v)))
        return false;
    if (h->t->policy == 'P') {
        *ret = v[0];
        return true;
    }
    if (h->t->aggregate)
        return aggregate_all(r, h, v, ret);
    *ret = feel_list(v, h->rules_n);
    return true;
}

/* A result must be among the output values, where those are given. */
static bool check_outputs(struct feel_run *r, const struct hits *h, struct kh_feel_value *ret)
{
    for (size_t i = 0; i < h->t->outputs_n; i++) {
        const struct dmn_output *out = &h->t->outputs[i];
        struct kh_feel_value v = *ret;
        enum feel_bool3 b = FEEL_YES;

        if (!out->values || strchr("CRO", h->t->policy))
            continue;
        if (h->t->outputs_n > 1 && (v.kind != KH_FEEL_CONTEXT || !feel_get(v, out->name, &v)))
            continue;
        r->slots[out->slot] = v;
        if (v.kind != KH_FEEL_NULL && !feel_holds(r, out->values, &b))
            return false;
        if (b != FEEL_YES) {
            fail(r, h->n, "outputValues", "The result is not among the allowed values",
                 "Kết quả không nằm trong các giá trị cho phép", ret);
            return true;
        }
    }
    return true;
}

static bool choose(struct feel_run *r, const struct hits *h, struct kh_feel_value *ret)
{
    if (h->rules_n == 0)
        return fallback(r, h, ret);
    switch (h->t->policy) {
    case 'U':
        if (h->rules_n > 1) {
            fail(r, h->n, "unique", "More than one rule matches", "Có hơn một dòng khớp", ret);
            return true;
        }
        return rule_result(r, h, 0, ret);
    case 'F':
        return rule_result(r, h, 0, ret);
    case 'A':
        return any_hit(r, h, ret);
    default:
        return collected(r, h, ret);
    }
}

bool dmn_eval_table(struct feel_run *r, const struct feel_node *n, struct kh_feel_value *ret)
{
    struct hits h = {.t = n->ext, .n = n};
    bool ok;

    if (!eval_inputs(r, &h, &ok))
        return false;
    if (!ok) {
        fail(r, n, "inputValues", "An input is not among its allowed values",
             "Đầu vào không nằm trong các giá trị cho phép", ret);
        return true;
    }
    h.rules = kh_new_n(r->a, h.t->rules_n, size_t);
    for (size_t i = 0; i < h.t->rules_n; i++) {
        if (!matches(r, &h, i, &ok))
            return false;
        if (ok)
            h.rules[h.rules_n++] = i;
        if (ok && h.t->policy == 'F')
            break;
    }
    return choose(r, &h, ret) && check_outputs(r, &h, ret);
}
