/* SPDX-License-Identifier: Apache-2.0 */
/* The evaluator: one function per kind of node, all of bounded depth. */
#include "engine/process/feel/eval.h"

#include "base/time.h"
#include "engine/process/feel/builtin.h"
#include "engine/process/feel/when.h"

/* ---- limits and messages ---- */

static bool too_far(struct feel_run *r)
{
    if (kh_arena_over(r->a))
        return kh_fail(r->err, KH_EC_ARENA_FULL, "while evaluating an expression");
    if (r->depth >= FEEL_RUN_DEPTH)
        return kh_fail(r->err, KH_EC_FEEL_LIMIT, "calls itself more than %d deep", FEEL_RUN_DEPTH);
    return kh_fail(r->err, KH_EC_FEEL_LIMIT, "too many steps");
}

bool feel_pay(struct feel_run *r, uint64_t n)
{
    if (r->budget.steps <= n || kh_arena_over(r->a)) {
        r->budget.steps = 0;
        return too_far(r);
    }
    r->budget.steps -= n;
    return true;
}

bool feel_paid(struct feel_run *r)
{
    return r->budget.over ? too_far(r) : true;
}

void feel_note(struct feel_run *r, uint32_t at, const char *code, const char *en, const char *vi,
               struct kh_str what)
{
    struct kh_issues *is = r->env->messages;
    struct kh_str place;

    if (!is || is->n >= (is->max ? is->max : 100)) {
        if (is)
            is->cut = true;
        return;
    }
    if (what.n > 80)
        what.n = 80;
    place = kh_strf(r->a, "%.*s:%u:%u", KH_FMT(r->where.n ? r->where : KH_S("line")), feel_line(at),
                    feel_column(at));
    kh_issue_add(is, r->a, place, code,
                 kh_strf(r->a, "%s%s%.*s.", vi, what.n ? ": " : "", KH_FMT(what)),
                 kh_strf(r->a, "%s%s%.*s.", en, what.n ? ": " : "", KH_FMT(what)));
}

/* ---- names ---- */

/* An input; the name of a built-in function where no input has it; else null. */
static void fetch(struct feel_run *r, struct kh_str name, uint32_t at, struct kh_feel_value *slot)
{
    struct kh_feel_value v = feel_null();
    struct feel_fn *fn;
    int row;

    if (r->input.kind == KH_FEEL_CONTEXT && feel_get(r->input, name, &v)) {
        *slot = v;
    } else if ((row = feel_builtin_find(name)) >= 0) {
        fn = kh_new(r->a, struct feel_fn);
        fn->kind = FEEL_FN_BUILTIN;
        fn->builtin = row;
        *slot = (struct kh_feel_value){.kind = KH_FEEL_FUNCTION, .fn = fn};
    } else {
        feel_note(r, at, "name", "There is no value of this name",
                  "Không có giá trị nào mang tên này", name);
        *slot = feel_null();
    }
    slot->set = 1;
}

static bool ev_dyn(struct feel_run *r, const struct feel_node *n, struct kh_feel_value *ret)
{
    const struct feel_dyn *d = n->dyn;

    for (size_t i = 0; i < d->items_n; i++) {
        struct kh_feel_value item = r->slots[d->items[i]];

        if (item.kind == KH_FEEL_CONTEXT && feel_get(item, d->name, ret))
            return true;
    }
    return feel_ev(r, d->outside, ret);
}

static bool range_part(const struct feel_range *g, struct kh_str name, struct kh_feel_value *ret)
{
    if (kh_str_is(name, "start"))
        *ret = g->lo;
    else if (kh_str_is(name, "end"))
        *ret = g->hi;
    else if (kh_str_is(name, "start included"))
        *ret = feel_bool(g->lo_in);
    else if (kh_str_is(name, "end included"))
        *ret = feel_bool(g->hi_in);
    else
        return false;
    return true;
}

static void part_of(struct feel_run *r, const struct feel_node *n, struct kh_feel_value v,
                    struct kh_feel_value *ret)
{
    bool ok;

    if (v.kind == KH_FEEL_CONTEXT)
        ok = feel_get(v, n->name, ret);
    else if (v.kind == KH_FEEL_RANGE)
        ok = range_part(v.range, n->name, ret);
    else
        ok = feel_part(v, n->name, ret);
    if (ok)
        return;
    *ret = feel_null();
    feel_note(r, n->at, "path", "There is no entry of this name", "Không có mục nào mang tên này",
              n->name);
}

static bool ev_path(struct feel_run *r, const struct feel_node *n, struct kh_feel_value *ret)
{
    struct kh_feel_value v, *items;

    if (!feel_ev(r, n->path_of, &v))
        return false;
    if (v.kind != KH_FEEL_LIST) {
        part_of(r, n, v, ret);
        return true;
    }
    if (!feel_pay(r, v.n))
        return false;
    items = kh_new_n(r->a, v.n, struct kh_feel_value);
    for (size_t i = 0; i < v.n; i++)
        part_of(r, n, feel_at(v, i), &items[i]);
    *ret = feel_list(items, v.n);
    return true;
}

/* ---- logic ---- */

static bool ev_and_or(struct feel_run *r, const struct feel_node *n, struct kh_feel_value *ret)
{
    bool stop = n->op == FN_OR, unsure = false;

    for (size_t i = 0; i < n->n; i++) {
        struct kh_feel_value v;

        if (!feel_ev(r, n->kids[i], &v))
            return false;
        if (v.kind != KH_FEEL_BOOLEAN) {
            unsure = true;
        } else if (v.b == stop) {
            *ret = v;
            return true;
        }
    }
    *ret = unsure ? feel_null() : feel_bool(!stop);
    return true;
}

static bool ev_if(struct feel_run *r, const struct feel_node *n, struct kh_feel_value *ret)
{
    struct kh_feel_value v;

    return feel_ev(r, n->a, &v) && feel_ev(r, feel_true(v) ? n->b : n->c, ret);
}

static bool ordered(enum feel_op op, int order)
{
    return op == FN_LT   ? order < 0
           : op == FN_LE ? order <= 0
           : op == FN_GT ? order > 0
                         : order >= 0;
}

static bool compare(struct feel_run *r, enum feel_op op, uint32_t at, struct kh_feel_value x,
                    struct kh_feel_value y, enum feel_bool3 *ret)
{
    int order;

    if (op == FN_EQ || op == FN_NE) {
        enum feel_bool3 e = feel_eq(x, y, &r->budget);

        *ret = e == FEEL_UNSURE ? e : (e == FEEL_YES) == (op == FN_EQ);
        return feel_paid(r);
    }
    if (feel_cmp(x, y, &order)) {
        *ret = ordered(op, order);
        return feel_pay(r, feel_cmp_cost(x));
    }
    *ret = FEEL_UNSURE;
    feel_note(r, at, "compare", "These values have no order",
              "Không so sánh thứ tự được các giá trị này",
              kh_cstr(feel_kind_name((enum kh_feel_kind)x.kind)));
    return true;
}

static bool ev_compare(struct feel_run *r, const struct feel_node *n, struct kh_feel_value *ret)
{
    struct kh_feel_value x, y;
    enum feel_bool3 b;

    if (!feel_ev(r, n->a, &x) || !feel_ev(r, n->b, &y) ||
        !compare(r, (enum feel_op)n->op, n->at, x, y, &b))
        return false;
    *ret = feel_of3(b);
    return true;
}

static bool ev_between(struct feel_run *r, const struct feel_node *n, struct kh_feel_value *ret)
{
    struct kh_feel_value x, lo, hi;
    enum feel_bool3 a, b;

    if (!feel_ev(r, n->a, &x) || !feel_ev(r, n->b, &lo) || !feel_ev(r, n->c, &hi) ||
        !compare(r, FN_GE, n->at, x, lo, &a) || !compare(r, FN_LE, n->at, x, hi, &b))
        return false;
    *ret = a == FEEL_NO || b == FEEL_NO           ? feel_bool(false)
           : a == FEEL_UNSURE || b == FEEL_UNSURE ? feel_null()
                                                  : feel_bool(true);
    return true;
}

bool feel_among(struct feel_run *r, struct kh_feel_value subject, struct kh_feel_value in,
                enum feel_bool3 *ret)
{
    if (in.kind == KH_FEEL_RANGE && subject.kind != KH_FEEL_RANGE) {
        *ret = feel_in_range(subject, in.range);
        return true;
    }
    if (in.kind == KH_FEEL_LIST) {
        bool found = feel_eq(subject, in, &r->budget) == FEEL_YES;

        for (size_t i = 0; i < in.n && !found && !r->budget.over; i++) {
            struct kh_feel_value e = feel_at(in, i);

            found = e.kind == KH_FEEL_RANGE && subject.kind != KH_FEEL_RANGE
                        ? feel_in_range(subject, e.range) == FEEL_YES
                        : feel_eq(subject, e, &r->budget) == FEEL_YES;
        }
        *ret = found;
        return feel_pay(r, in.n / 4) && feel_paid(r);
    }
    if (in.kind == KH_FEEL_BOOLEAN && subject.kind != KH_FEEL_BOOLEAN &&
        subject.kind != KH_FEEL_NULL) {
        *ret = in.b; /* a condition that does not speak of the subject */
        return true;
    }
    *ret = feel_eq(subject, in, &r->budget);
    return feel_paid(r);
}

bool feel_holds_one(struct feel_run *r, const struct feel_node *t, enum feel_bool3 *ret)
{
    struct kh_feel_value v;

    if (t->op == FN_TEST_ANY) {
        *ret = FEEL_YES;
        return true;
    }
    if (!feel_ev(r, t->a, &v))
        return false;
    if (t->op == FN_TEST_CMP)
        return compare(r, (enum feel_op)t->sub, t->at, r->slots[t->slot], v, ret);
    if (t->sub && v.kind == KH_FEEL_BOOLEAN) {
        *ret = v.b;
        return true;
    }
    if (t->sub && v.kind == KH_FEEL_NULL) {
        *ret = FEEL_UNSURE;
        return true;
    }
    return feel_among(r, r->slots[t->slot], v, ret);
}

bool feel_holds(struct feel_run *r, const struct feel_node *tests, enum feel_bool3 *ret)
{
    enum feel_bool3 all = FEEL_NO;

    if (tests->op == FN_TEST_ANY) {
        *ret = FEEL_YES;
        return true;
    }
    for (size_t i = 0; i < tests->n && all != FEEL_YES; i++) {
        enum feel_bool3 one;

        if (!feel_holds_one(r, tests->kids[i], &one))
            return false;
        if (one != FEEL_NO)
            all = one;
    }
    *ret = !tests->negate || all == FEEL_UNSURE ? all : all == FEEL_NO ? FEEL_YES : FEEL_NO;
    return true;
}

static bool ev_in(struct feel_run *r, const struct feel_node *n, struct kh_feel_value *ret)
{
    enum feel_bool3 b;

    if (!feel_ev(r, n->a, &r->slots[n->slot]) || !feel_holds(r, n->b, &b))
        return false;
    *ret = feel_of3(b);
    return true;
}

/* ---- making ---- */

static bool ev_list(struct feel_run *r, const struct feel_node *n, struct kh_feel_value *ret)
{
    struct kh_feel_value *items = kh_new_n(r->a, n->n, struct kh_feel_value);

    for (size_t i = 0; i < n->n; i++)
        if (!feel_ev(r, n->kids[i], &items[i]))
            return false;
    *ret = feel_list(items, n->n);
    return true;
}

static bool ev_context(struct feel_run *r, const struct feel_node *n, struct kh_feel_value *ret)
{
    struct feel_entry *entries = kh_new_n(r->a, n->n, struct feel_entry);

    if (n->sub) {
        feel_note(r, n->at, "key", "A key of the context occurs twice", "Ngữ cảnh có khoá bị lặp",
                  KH_S(""));
        *ret = feel_null();
        return true;
    }
    for (size_t i = 0; i < n->n; i++) {
        entries[i].key = n->boxes[i].key;
        if (!feel_ev(r, n->boxes[i].value, &entries[i].value))
            return false;
        r->slots[n->boxes[i].slot] = entries[i].value;
    }
    *ret = feel_context(entries, n->n);
    return true;
}

static bool ev_scope(struct feel_run *r, const struct feel_node *n, struct kh_feel_value *ret)
{
    for (size_t i = 0; i < n->n; i++)
        if (!feel_ev(r, n->boxes[i].value, &r->slots[n->boxes[i].slot]))
            return false;
    return feel_ev(r, n->result, ret);
}

/* Ends of a range must be of one kind that has an order, and in order. */
static bool ev_range(struct feel_run *r, const struct feel_node *n, struct kh_feel_value *ret)
{
    struct feel_range g = {.lo_in = n->lo_in, .hi_in = n->hi_in};
    int order = 0;

    if ((n->lo && !feel_ev(r, n->lo, &g.lo)) || (n->hi && !feel_ev(r, n->hi, &g.hi)))
        return false;
    if (!feel_cmp(n->lo ? g.lo : g.hi, n->hi ? g.hi : g.lo, &order) || order > 0) {
        feel_note(r, n->at, "range", "The ends make no range", "Hai đầu không tạo thành khoảng",
                  KH_S(""));
        *ret = feel_null();
        return true;
    }
    *ret = feel_range(r->a, &g);
    return true;
}

static void ev_function(struct feel_run *r, const struct feel_node *n, struct kh_feel_value *ret)
{
    const struct feel_code *code = n->fun;
    struct feel_fn *fn = kh_new(r->a, struct feel_fn);
    struct kh_feel_value *captured = kh_new_n(r->a, code->captures_n, struct kh_feel_value);

    fn->kind = FEEL_FN_CODE;
    fn->code = code;
    fn->captured = captured;
    *ret = (struct kh_feel_value){.kind = KH_FEEL_FUNCTION, .fn = fn};
    for (size_t i = 0; i < code->captures_n; i++) {
        struct kh_feel_value *outer = &r->slots[code->captures[i].outer];

        if (code->captures[i].input.n && !outer->set)
            fetch(r, code->captures[i].input, n->at, outer);
        captured[i] = (int)i == code->self ? *ret : *outer;
    }
}

static bool ev_instance(struct feel_run *r, const struct feel_node *n, struct kh_feel_value *ret)
{
    struct kh_feel_value v;

    if (!feel_ev(r, n->typed, &v))
        return false;
    if (n->type->kind == FEEL_T_BROKEN) {
        feel_note(r, n->at, "type", "There is no such type", "Không có kiểu này", KH_S(""));
        *ret = feel_null();
    } else {
        *ret = feel_bool(feel_type_has(r, n->type, v));
    }
    return feel_paid(r);
}

static bool ev_coerce(struct feel_run *r, const struct feel_node *n, struct kh_feel_value *ret)
{
    struct kh_feel_value v;

    if (!feel_ev(r, n->typed, &v))
        return false;
    if (!feel_type_coerce(r, n->type, v, ret)) {
        feel_note(r, n->at, "type", "The value does not fit its type", "Giá trị không đúng kiểu",
                  KH_S(""));
        *ret = feel_null();
    }
    return feel_paid(r);
}

/* ---- calls ---- */

/* Arguments in the order of the parameters. @return false if they do not fit */
static bool arrange(const struct feel_param *params, size_t params_n,
                    const struct kh_feel_value *args, const struct kh_str *names, size_t n,
                    struct kh_feel_value *out)
{
    if (!names) {
        if (n != params_n)
            return false;
        if (n)
            memcpy(out, args, n * sizeof(*out));
        return true;
    }
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;

        while (k < params_n && !kh_str_eq(params[k].name, names[i]))
            k++;
        if (k == params_n)
            return false;
        out[k] = args[i];
    }
    return true;
}

static bool fit(struct feel_run *r, const struct feel_param *params, size_t n,
                struct kh_feel_value *args)
{
    for (size_t i = 0; i < n; i++)
        if (params[i].type && !feel_type_coerce(r, params[i].type, args[i], &args[i]))
            return false;
    return true;
}

static bool call_code(struct feel_run *r, const struct feel_fn *fn, struct kh_feel_value *frame,
                      struct kh_feel_value *ret)
{
    const struct feel_code *code = fn->code;
    struct kh_feel_value *back = r->slots;
    bool ok;

    for (size_t i = 0; i < code->captures_n; i++)
        frame[code->captures[i].inner] = fn->captured[i];
    r->slots = frame;
    ok = feel_ev(r, code->body, ret);
    r->slots = back;
    if (ok && code->result && !feel_type_coerce(r, code->result, *ret, ret))
        *ret = feel_null();
    return ok && feel_paid(r);
}

bool feel_apply(struct feel_run *r, struct kh_feel_value f, const struct kh_feel_value *args,
                const struct kh_str *names, size_t n, uint32_t at, struct kh_feel_value *ret)
{
    const struct feel_fn *fn = f.kind == KH_FEEL_FUNCTION ? f.fn : NULL;
    const struct feel_param *params;
    struct kh_feel_value *frame;
    size_t params_n;

    *ret = feel_null();
    if (!fn) {
        feel_note(r, at, "call", "This is no function", "Đây không phải là hàm", KH_S(""));
        return true;
    }
    if (fn->kind == FEEL_FN_BUILTIN)
        return feel_builtin_call(r, fn->builtin, args, names, n, at, ret);
    params = fn->kind == FEEL_FN_CODE ? fn->code->params : fn->params;
    params_n = fn->kind == FEEL_FN_CODE ? fn->code->params_n : fn->params_n;
    frame =
        kh_new_n(r->a, fn->kind == FEEL_FN_CODE ? fn->code->slots : params_n, struct kh_feel_value);
    if (!feel_pay(r, 1 + params_n / 4))
        return false;
    if (!arrange(params, params_n, args, names, n, frame) || !fit(r, params, params_n, frame)) {
        feel_note(r, at, "arguments", "The arguments do not fit the function",
                  "Tham số không phù hợp với hàm", KH_S(""));
        return feel_paid(r);
    }
    if (fn->kind == FEEL_FN_CODE)
        return call_code(r, fn, frame, ret);
    return fn->native(r, fn->ctx, frame, ret);
}

static bool ev_call(struct feel_run *r, const struct feel_node *n, struct kh_feel_value *ret)
{
    const struct feel_call *call = n->call;
    struct kh_feel_value f = feel_null(), *args = kh_new_n(r->a, call->n, struct kh_feel_value);

    if (call->callee && !feel_ev(r, call->callee, &f))
        return false;
    for (size_t i = 0; i < call->n; i++)
        if (!feel_ev(r, call->args[i], &args[i]))
            return false;
    *ret = feel_null();
    r->regex = call->regex;
    if (f.kind != KH_FEEL_FUNCTION && call->builtin >= 0)
        return feel_builtin_call(r, call->builtin, args, call->names, call->n, n->at, ret);
    return feel_apply(r, f, args, call->names, call->n, n->at, ret);
}

/* ---- dispatch ---- */

static bool dispatch(struct feel_run *r, const struct feel_node *n, struct kh_feel_value *ret)
{
    switch ((enum feel_op)n->op) {
    case FN_LITERAL:
        *ret = n->value;
        return true;
    case FN_LOCAL:
        *ret = r->slots[n->slot];
        return true;
    case FN_VAR:
        if (!r->slots[n->slot].set)
            fetch(r, n->name, n->at, &r->slots[n->slot]);
        *ret = r->slots[n->slot];
        return true;
    case FN_DYN:
        return ev_dyn(r, n, ret);
    case FN_PATH:
        return ev_path(r, n, ret);
    case FN_FILTER:
        return feel_ev_filter(r, n, ret);
    case FN_MAKE_LIST:
        return ev_list(r, n, ret);
    case FN_MAKE_CONTEXT:
        return ev_context(r, n, ret);
    case FN_MAKE_RANGE:
        return ev_range(r, n, ret);
    case FN_ADD:
    case FN_SUB:
    case FN_MUL:
    case FN_DIV:
    case FN_POW:
    case FN_NEG:
        return feel_ev_arithmetic(r, n, ret);
    case FN_EQ:
    case FN_NE:
    case FN_LT:
    case FN_LE:
    case FN_GT:
    case FN_GE:
        return ev_compare(r, n, ret);
    case FN_AND:
    case FN_OR:
        return ev_and_or(r, n, ret);
    case FN_BETWEEN:
        return ev_between(r, n, ret);
    case FN_IN:
        return ev_in(r, n, ret);
    case FN_IF:
        return ev_if(r, n, ret);
    case FN_FOR:
    case FN_SOME:
    case FN_EVERY:
        return feel_ev_loop(r, n, ret);
    case FN_INSTANCE:
        return ev_instance(r, n, ret);
    case FN_MAKE_FUNCTION:
        ev_function(r, n, ret);
        return true;
    case FN_CALL:
        return ev_call(r, n, ret);
    case FN_COERCE:
        return ev_coerce(r, n, ret);
    case FN_SCOPE:
        return ev_scope(r, n, ret);
    case FN_TABLE:
        return r->table(r, n, ret);
    case FN_TESTS:
    case FN_TEST_ANY:
    case FN_TEST_CMP:
    case FN_TEST_EXPR: {
        enum feel_bool3 b;

        if (!feel_holds(r, n, &b))
            return false;
        *ret = feel_of3(b);
        return true;
    }
    }
    return true;
}

bool feel_ev(struct feel_run *r, const struct feel_node *n, struct kh_feel_value *ret)
{
    bool ok;

    if (r->budget.steps == 0 || r->depth >= FEEL_RUN_DEPTH)
        return too_far(r);
    r->budget.steps--;
    r->depth++;
    ok = dispatch(r, n, ret);
    r->depth--;
    return ok;
}

/* ---- entry points ---- */

void feel_run_init(struct feel_run *r, const struct kh_feel_env *env, struct kh_error *err)
{
    *r = (struct feel_run){.a = env->a,
                           .env = env,
                           .input = env->input ? *env->input : feel_null(),
                           .budget = {.steps = env->step_limit ? env->step_limit : FEEL_STEPS},
                           .now_us = env->now_us,
                           .err = err};
}

/* A frame of a few slots lives on the stack. */
enum { SMALL_FRAME = 16 };

static bool run_root(const struct kh_feel *f, const struct kh_feel_env *env,
                     const struct kh_feel_value *subject, struct kh_feel_value *ret,
                     struct kh_error *err)
{
    struct kh_feel_value small[SMALL_FRAME];
    struct feel_run r;

    feel_run_init(&r, env, err);
    if (f->slots <= SMALL_FRAME) {
        memset(small, 0, f->slots * sizeof(small[0]));
        r.slots = small;
    } else {
        r.slots = kh_new_n(env->a, f->slots, struct kh_feel_value);
    }
    if (f->use == KH_FEEL_UNARY_TESTS)
        r.slots[f->subject] = *subject;
    if (!feel_ev(&r, f->root, ret))
        return false;
    return kh_arena_over(env->a) ? kh_fail(err, KH_EC_ARENA_FULL, "while evaluating an expression")
                                 : true;
}

bool kh_feel_eval(const struct kh_feel *f, const struct kh_feel_env *env,
                  const struct kh_feel_value **ret_value, struct kh_error *err)
{
    static const struct kh_feel_value null = {.kind = KH_FEEL_NULL};
    struct kh_feel_value *v = kh_new(env->a, struct kh_feel_value);

    if (!run_root(f, env, &null, v, err))
        return false;
    *ret_value = v;
    return true;
}

bool kh_feel_test(const struct kh_feel *f, const struct kh_feel_env *env,
                  const struct kh_feel_value *subject, bool *ret_match, struct kh_error *err)
{
    struct kh_feel_value v;

    if (!run_root(f, env, subject, &v, err))
        return false;
    *ret_match = feel_true(v);
    return true;
}
