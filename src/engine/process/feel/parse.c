/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions: precedence climbing over one token of look-ahead. */
#include "engine/process/feel/builtin.h"
#include "engine/process/feel/compile.h"

/* Levels of binding, weakest first. */
enum { P_OR = 1, P_AND, P_COMPARE, P_ADD, P_MUL, P_POW };

static const struct feel_node *binary(struct feel_compiler *c, int min);

static const struct feel_node *pair(struct feel_compiler *c, enum feel_op op, uint32_t at,
                                    const struct feel_node *a, const struct feel_node *b)
{
    struct feel_node *n = feel_node(c, op, at);

    n->a = a;
    n->b = b;
    return feel_node_holds(c, n, a) && feel_node_holds(c, n, b) ? n : NULL;
}

static const struct feel_node *literal(struct feel_compiler *c, const struct feel_tok *t,
                                       struct kh_feel_value v)
{
    struct feel_node *n = feel_node(c, FN_LITERAL, feel_at_of(&t->from));

    n->value = v;
    return n;
}

/* ---- primary expressions ---- */

struct kids {
    const struct feel_node **items;
    size_t n, cap;
};

static bool push(struct feel_compiler *c, struct feel_node *list, struct kids *k,
                 const struct feel_node *kid)
{
    if (!feel_node_holds(c, list, kid))
        return false;
    k->items = kh_grow(c->a, k->items, k->n, k->n + 1, &k->cap, sizeof(*k->items));
    k->items[k->n++] = kid;
    list->kids = k->items;
    list->n = (uint32_t)k->n;
    return true;
}

/* After `[`: a list, or a range that begins closed. */
static const struct feel_node *list_or_range(struct feel_compiler *c, uint32_t at)
{
    struct feel_node *n = feel_node(c, FN_MAKE_LIST, at);
    struct kids k = {0};

    if (feel_eat(c, FTOK_RBRACK))
        return feel_fold(c, n, NULL);
    for (;;) {
        const struct feel_node *e = feel_parse_expr(c);

        if (!e)
            return NULL;
        if (k.n == 0 && feel_eat(c, FTOK_DOTS))
            return feel_parse_range_rest(c, e, true, at);
        if (!push(c, n, &k, e))
            return NULL;
        if (feel_eat(c, FTOK_RBRACK))
            return feel_fold(c, n, NULL);
        if (!feel_expect(c, FTOK_COMMA, "a comma or ]"))
            return NULL;
    }
}

/* After `(`: an expression in parentheses, or a range that begins open. */
static const struct feel_node *parenthesis(struct feel_compiler *c, uint32_t at)
{
    const struct feel_node *e = feel_parse_expr(c);

    if (!e)
        return NULL;
    if (feel_eat(c, FTOK_DOTS))
        return feel_parse_range_rest(c, e, false, at);
    return feel_expect(c, FTOK_RPAR, ")") ? e : NULL;
}

static const struct feel_node *named(struct feel_compiler *c, const struct feel_tok *t)
{
    uint32_t at = feel_at_of(&t->from);

    if (t->builtin >= 0 && feel_peek(c)->kind == FTOK_LPAR) {
        /* A variable may have the name of a function; whether it holds one is known later. */
        const struct feel_node *callee = t->sym ? feel_resolve(c, t->name, at) : NULL;

        feel_take(c);
        return feel_parse_call(c, callee, t->builtin, at);
    }
    return feel_resolve(c, t->name, at);
}

static const struct feel_node *conditional(struct feel_compiler *c, uint32_t at)
{
    struct feel_node *n = feel_node(c, FN_IF, at);

    if (!(n->a = feel_parse_expr(c)) || !feel_expect(c, FTOK_THEN, "then") ||
        !(n->b = feel_parse_expr(c)) || !feel_expect(c, FTOK_ELSE, "else") ||
        !(n->c = feel_parse_expr(c)))
        return NULL;
    return feel_node_holds(c, n, n->a) && feel_node_holds(c, n, n->b) && feel_node_holds(c, n, n->c)
               ? n
               : NULL;
}

static const struct feel_node *open_range(struct feel_compiler *c, uint32_t at)
{
    const struct feel_node *lo = feel_parse_expr(c);

    if (!lo || !feel_expect(c, FTOK_DOTS, ".."))
        return NULL;
    return feel_parse_range_rest(c, lo, false, at);
}

static const struct feel_node *primary(struct feel_compiler *c)
{
    struct feel_tok t = *feel_peek(c);
    uint32_t at = feel_at_of(&t.from);

    switch (t.kind) {
    case FTOK_NUMBER:
    case FTOK_STRING:
    case FTOK_AT:
        feel_take(c);
        return literal(c, &t, t.value);
    case FTOK_NULLWORD:
        feel_take(c);
        return literal(c, &t, feel_null());
    case FTOK_TRUE:
    case FTOK_FALSE:
        feel_take(c);
        return literal(c, &t, feel_bool(t.kind == FTOK_TRUE));
    case FTOK_NAME:
        feel_take(c);
        return named(c, &t);
    case FTOK_LPAR:
        feel_take(c);
        return parenthesis(c, at);
    case FTOK_LBRACK:
        feel_take(c);
        return list_or_range(c, at);
    case FTOK_RBRACK:
        feel_take(c);
        return open_range(c, at);
    case FTOK_LBRACE:
        return feel_parse_context(c);
    case FTOK_IF:
        feel_take(c);
        return conditional(c, at);
    case FTOK_FOR:
    case FTOK_SOME:
    case FTOK_EVERY:
        return feel_parse_for(c);
    case FTOK_FUN:
        return feel_parse_function(c);
    case FTOK_END:
        return feel_bad(c, &t.from, "the expression ends too early");
    case FTOK_THEN:
    case FTOK_ELSE:
    case FTOK_IN:
    case FTOK_RETURN:
    case FTOK_SATISFIES:
    case FTOK_OR:
    case FTOK_AND:
    case FTOK_BETWEEN:
    case FTOK_INSTANCE:
    case FTOK_RPAR:
    case FTOK_RBRACE:
    case FTOK_COMMA:
    case FTOK_COLON:
    case FTOK_DOT:
    case FTOK_DOTS:
    case FTOK_ARROW:
    case FTOK_PLUS:
    case FTOK_MINUS:
    case FTOK_STAR:
    case FTOK_POW:
    case FTOK_SLASH:
    case FTOK_EQ:
    case FTOK_NE:
    case FTOK_LT:
    case FTOK_LE:
    case FTOK_GT:
    case FTOK_GE:
    case FTOK_BAD:
        break;
    }
    return feel_bad(c, &t.from, "expected a value");
}

/* ---- what follows a value ---- */

/* Is the `[` that comes next the end of a range that is open at its end, as in ]1..5[ ? It is if
 * no expression can follow it. */
static bool ends_range(struct feel_compiler *c)
{
    struct feel_at back = feel_peek(c)->from;
    enum feel_tok_kind k;

    feel_take(c);
    k = feel_peek(c)->kind;
    feel_rewind(c, back);
    return k == FTOK_END || k == FTOK_RPAR || k == FTOK_RBRACK || k == FTOK_RBRACE ||
           k == FTOK_COMMA || k == FTOK_AND || k == FTOK_OR || k == FTOK_THEN || k == FTOK_ELSE ||
           k == FTOK_RETURN || k == FTOK_SATISFIES || k == FTOK_EQ || k == FTOK_NE;
}

static const struct feel_node *filter(struct feel_compiler *c, const struct feel_node *list,
                                      uint32_t at)
{
    struct feel_node *n = feel_node(c, FN_FILTER, at);
    size_t mark = feel_scope_open(c);

    n->slot = feel_slot_new(c);
    n->a = list;
    feel_filter_open(c, n->slot);
    n->b = feel_parse_expr(c);
    feel_filter_close(c);
    feel_scope_close(c, mark);
    if (!n->b || !feel_expect(c, FTOK_RBRACK, "]"))
        return NULL;
    return feel_node_holds(c, n, n->a) && feel_node_holds(c, n, n->b) ? n : NULL;
}

static const struct feel_node *path(struct feel_compiler *c, const struct feel_node *of)
{
    struct kh_str name;
    struct feel_node *n;
    uint32_t at;

    if (!feel_take_member(c, &name, &at))
        return NULL;
    n = feel_node(c, FN_PATH, at);
    n->path_of = of;
    n->name = name;
    return feel_node_holds(c, n, of) ? n : NULL;
}

static const struct feel_node *postfix(struct feel_compiler *c)
{
    const struct feel_node *e = primary(c);

    while (e) {
        struct feel_tok t = *feel_peek(c);

        if (t.kind == FTOK_DOT) {
            feel_take(c);
            e = path(c, e);
        } else if (t.kind == FTOK_LBRACK && !ends_range(c)) {
            feel_take(c);
            e = filter(c, e, feel_at_of(&t.from));
        } else if (t.kind == FTOK_LPAR) {
            feel_take(c);
            e = feel_parse_call(c, e, -1, feel_at_of(&t.from));
        } else {
            return e;
        }
    }
    return NULL;
}

static const struct feel_node *instance(struct feel_compiler *c)
{
    const struct feel_node *e = postfix(c);

    while (e && feel_peek(c)->kind == FTOK_INSTANCE) {
        struct feel_tok t = feel_take(c);
        struct feel_node *n = feel_node(c, FN_INSTANCE, feel_at_of(&t.from));

        if (!feel_take_word(c, "of"))
            return feel_bad(c, &c->at, "expected of");
        n->typed = e;
        n->type = feel_parse_type(c);
        if (!n->type || !feel_node_holds(c, n, e))
            return NULL;
        e = n;
    }
    return e;
}

/* A comparison without a left side is a range: < 5 ends there, = 5 begins and ends there. What != 5
 * means is no range. */
static const struct feel_node *one_sided(struct feel_compiler *c, const struct feel_tok *t)
{
    bool less = t->kind == FTOK_LT || t->kind == FTOK_LE, equal = t->kind == FTOK_EQ;
    const struct feel_node *e;
    struct feel_node *n;

    feel_take(c);
    if (!(e = feel_parse_sum(c)))
        return NULL;
    n = feel_node(c, t->kind == FTOK_NE ? FN_LITERAL : FN_MAKE_RANGE, feel_at_of(&t->from));
    if (t->kind == FTOK_NE)
        return n;
    n->lo = less ? NULL : e;
    n->hi = less || equal ? e : NULL;
    n->lo_in = t->kind == FTOK_GE || equal;
    n->hi_in = t->kind == FTOK_LE || equal;
    return feel_node_holds(c, n, e) ? feel_fold(c, n, NULL) : NULL;
}

static const struct feel_node *unary(struct feel_compiler *c)
{
    struct feel_tok t = *feel_peek(c);
    const struct feel_node *e;
    struct feel_node *n;
    bool fresh = c->fresh;

    c->fresh = false;
    if (t.kind == FTOK_MINUS) {
        feel_take(c);
        e = feel_deeper(c) ? unary(c) : NULL;
        c->depth--;
        if (!e)
            return NULL;
        n = feel_node(c, FN_NEG, feel_at_of(&t.from));
        n->a = e;
        return feel_node_holds(c, n, e) ? feel_fold(c, n, NULL) : NULL;
    }
    if (fresh && t.kind >= FTOK_EQ && t.kind <= FTOK_GE)
        return one_sided(c, &t);
    return instance(c);
}

/* ---- operators ---- */

static bool operator_of(enum feel_tok_kind k, int *ret_level, enum feel_op *ret_op)
{
    static const struct {
        enum feel_tok_kind kind;
        int level;
        enum feel_op op;
    } ops[] = {
        {FTOK_PLUS, P_ADD, FN_ADD},  {FTOK_MINUS, P_ADD, FN_SUB},
        {FTOK_STAR, P_MUL, FN_MUL},  {FTOK_SLASH, P_MUL, FN_DIV},
        {FTOK_POW, P_POW, FN_POW},   {FTOK_EQ, P_COMPARE, FN_EQ},
        {FTOK_NE, P_COMPARE, FN_NE}, {FTOK_LT, P_COMPARE, FN_LT},
        {FTOK_LE, P_COMPARE, FN_LE}, {FTOK_GT, P_COMPARE, FN_GT},
        {FTOK_GE, P_COMPARE, FN_GE}, {FTOK_BETWEEN, P_COMPARE, FN_BETWEEN},
        {FTOK_IN, P_COMPARE, FN_IN}, {FTOK_AND, P_AND, FN_AND},
        {FTOK_OR, P_OR, FN_OR},
    };

    for (size_t i = 0; i < KH_LEN(ops); i++) {
        if (ops[i].kind == k) {
            *ret_level = ops[i].level;
            *ret_op = ops[i].op;
            return true;
        }
    }
    return false;
}

static const struct feel_node *between(struct feel_compiler *c, const struct feel_node *left,
                                       uint32_t at)
{
    struct feel_node *n = feel_node(c, FN_BETWEEN, at);

    n->a = left;
    if (!(n->b = feel_parse_sum(c)) || !feel_expect(c, FTOK_AND, "and") ||
        !(n->c = feel_parse_sum(c)))
        return NULL;
    return feel_node_holds(c, n, n->a) && feel_node_holds(c, n, n->b) && feel_node_holds(c, n, n->c)
               ? n
               : NULL;
}

/* Tests with only one test. */
static const struct feel_node *only_test(struct feel_compiler *c, struct feel_node *one,
                                         uint32_t slot, uint32_t at)
{
    struct feel_node *tests = feel_node(c, FN_TESTS, at);
    struct kids k = {0};

    tests->slot = slot;
    return one && push(c, tests, &k, one) ? tests : NULL;
}

/* (1..5]: what was read as the only test is the lower end. */
static const struct feel_node *open_range_test(struct feel_compiler *c,
                                               const struct feel_node *tests, uint32_t at)
{
    const struct feel_node *lo = tests->kids[0]->a;
    struct feel_node *one = feel_node(c, FN_TEST_EXPR, at);

    feel_take(c);
    one->a = feel_parse_range_rest(c, lo, false, at);
    one->slot = tests->slot;
    return only_test(c, feel_node_holds(c, one, one->a) ? one : NULL, tests->slot, at);
}

/* After `in`: one test, or several in parentheses, or a range that begins with one. */
static const struct feel_node *membership(struct feel_compiler *c, const struct feel_node *left,
                                          uint32_t at)
{
    struct feel_node *n = feel_node(c, FN_IN, at);
    struct feel_tok t = *feel_peek(c);
    size_t mark = feel_scope_open(c);
    bool dots = false;

    n->a = left;
    n->slot = feel_slot_new(c);
    feel_bind(c, KH_S("?"), n->slot);
    if (feel_eat(c, FTOK_LPAR)) {
        n->b = feel_parse_test_run(c, n->slot, &dots);
        if (n->b && dots)
            n->b = open_range_test(c, n->b, feel_at_of(&t.from));
        else if (n->b && !feel_expect(c, FTOK_RPAR, ")"))
            n->b = NULL;
    } else {
        n->b = only_test(c, feel_parse_one_test(c, n->slot, false), n->slot, at);
    }
    feel_scope_close(c, mark);
    if (!n->b)
        return NULL;
    return feel_node_holds(c, n, n->a) && feel_node_holds(c, n, n->b) ? n : NULL;
}

/* a and b and c: one node with three kids, so that long chains are not deep. */
static const struct feel_node *chain(struct feel_compiler *c, enum feel_op op,
                                     enum feel_tok_kind kind, const struct feel_node *first,
                                     int level, uint32_t at)
{
    struct feel_node *n = feel_node(c, op, at);
    struct kids k = {0};

    if (!push(c, n, &k, first))
        return NULL;
    do {
        if (!push(c, n, &k, binary(c, level + 1)))
            return NULL;
    } while (feel_eat(c, kind));
    return n;
}

static const struct feel_node *binary(struct feel_compiler *c, int min)
{
    const struct feel_node *left = unary(c);

    while (left) {
        struct feel_tok t = *feel_peek(c);
        uint32_t at = feel_at_of(&t.from);
        enum feel_op op;
        int level;

        if (!operator_of(t.kind, &level, &op) || level < min)
            return left;
        feel_take(c);
        if (op == FN_AND || op == FN_OR)
            left = chain(c, op, t.kind, left, level, at);
        else if (op == FN_BETWEEN)
            left = between(c, left, at);
        else if (op == FN_IN)
            left = membership(c, left, at);
        else
            left = pair(c, op, at, left, binary(c, level + 1));
    }
    return NULL;
}

/* ---- entry points ---- */

bool feel_deeper(struct feel_compiler *c)
{
    if (++c->depth <= FEEL_DEPTH_MAX)
        return true;
    feel_bad(c, &c->at, "nested more than %d deep", FEEL_DEPTH_MAX);
    return false;
}

const struct feel_node *feel_parse_expr(struct feel_compiler *c)
{
    const struct feel_node *e;

    c->fresh = true;
    e = feel_deeper(c) && !c->failed ? binary(c, P_OR) : NULL;
    c->fresh = false;
    c->depth--;
    return e;
}

const struct feel_node *feel_parse_sum(struct feel_compiler *c)
{
    const struct feel_node *e = feel_deeper(c) && !c->failed ? binary(c, P_ADD) : NULL;

    c->depth--;
    return e;
}

const struct feel_node *feel_parse_range_rest(struct feel_compiler *c, const struct feel_node *lo,
                                              bool lo_in, uint32_t at)
{
    struct feel_node *n = feel_node(c, FN_MAKE_RANGE, at);
    const struct feel_node *hi = feel_parse_expr(c);

    if (!hi)
        return NULL;
    n->lo = lo;
    n->hi = hi;
    n->lo_in = lo_in;
    n->hi_in = feel_eat(c, FTOK_RBRACK);
    if (!n->hi_in && !feel_eat(c, FTOK_RPAR) && !feel_eat(c, FTOK_LBRACK))
        return feel_bad(c, &feel_peek(c)->from, "expected ], ) or [ at the end of the range");
    if (lo && !feel_node_holds(c, n, lo))
        return NULL;
    return feel_node_holds(c, n, hi) ? feel_fold(c, n, NULL) : NULL;
}

const struct feel_node *feel_parse(struct feel_compiler *c, struct kh_str text, unsigned line)
{
    const struct feel_node *e;

    feel_scan_text(c, text, line);
    e = feel_parse_expr(c);
    if (e && feel_peek(c)->kind != FTOK_END)
        return feel_bad(c, &feel_peek(c)->from, "unexpected text after the expression");
    return c->failed ? NULL : e;
}

const struct feel_node *feel_parse_range_literal(struct feel_compiler *c, struct kh_str text)
{
    const struct feel_node *lo = NULL, *n;
    struct feel_node *half;
    bool lo_in;

    feel_scan_text(c, text, 1);
    lo_in = feel_eat(c, FTOK_LBRACK);
    if (!lo_in && !feel_eat(c, FTOK_LPAR) && !feel_eat(c, FTOK_RBRACK))
        return NULL;
    if (feel_peek(c)->kind != FTOK_DOTS && !(lo = feel_parse_sum(c)))
        return NULL;
    if (!feel_eat(c, FTOK_DOTS) || (!lo && lo_in))
        return NULL;
    if (lo && (feel_peek(c)->kind == FTOK_RPAR || feel_peek(c)->kind == FTOK_LBRACK)) {
        feel_take(c);
        half = feel_node(c, FN_MAKE_RANGE, 0);
        half->lo = lo;
        half->lo_in = lo_in;
        n = feel_fold(c, half, NULL);
    } else {
        n = feel_parse_range_rest(c, lo, lo_in, 0);
    }
    return n && feel_peek(c)->kind == FTOK_END ? n : NULL;
}
