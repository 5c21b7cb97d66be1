/* SPDX-License-Identifier: Apache-2.0 */
/* Unary tests, contexts, loops, functions, calls, types. */
#include "engine/process/feel/builtin.h"
#include "engine/process/feel/compile.h"

enum { ITERATORS_MAX = 32 };

/* ---- unary tests ---- */

static bool compares(enum feel_tok_kind k, enum feel_op *ret_op)
{
    switch ((int)k) {
    case FTOK_LT:
        *ret_op = FN_LT;
        return true;
    case FTOK_LE:
        *ret_op = FN_LE;
        return true;
    case FTOK_GT:
        *ret_op = FN_GT;
        return true;
    case FTOK_GE:
        *ret_op = FN_GE;
        return true;
    case FTOK_EQ:
        *ret_op = FN_EQ;
        return true;
    case FTOK_NE:
        *ret_op = FN_NE;
        return true;
    default:
        return false;
    }
}

struct feel_node *feel_parse_one_test(struct feel_compiler *c, uint32_t subject, bool whole)
{
    struct feel_tok t = *feel_peek(c);
    unsigned uses = c->subject_uses;
    struct feel_node *n;
    enum feel_op op;

    if (compares(t.kind, &op)) {
        feel_take(c);
        n = feel_node(c, FN_TEST_CMP, feel_at_of(&t.from));
        n->sub = (uint8_t)op;
        n->a = feel_parse_sum(c);
    } else {
        n = feel_node(c, FN_TEST_EXPR, feel_at_of(&t.from));
        n->a = whole ? feel_parse_expr(c) : feel_parse_sum(c);
        n->sub = c->subject_uses != uses;
    }
    n->slot = subject;
    return feel_node_holds(c, n, n->a) ? n : NULL;
}

const struct feel_node *feel_parse_test_run(struct feel_compiler *c, uint32_t subject,
                                            bool *ret_dots)
{
    struct feel_node *n = feel_node(c, FN_TESTS, feel_at_of(&feel_peek(c)->from));
    const struct feel_node **kids = NULL;
    size_t cap = 0;

    n->slot = subject;
    do {
        struct feel_node *test = feel_parse_one_test(c, subject, true);

        if (!test || !feel_node_holds(c, n, test))
            return NULL;
        kids = kh_grow(c->a, kids, n->n, n->n + 1, &cap, sizeof(*kids));
        kids[n->n++] = test;
    } while (feel_eat(c, FTOK_COMMA));
    n->kids = kids;
    *ret_dots = n->n == 1 && kids[0]->op == FN_TEST_EXPR && feel_peek(c)->kind == FTOK_DOTS;
    return n;
}

/* `not(a, b)` if that is the whole text; else NULL, and the text is read as expressions. */
static const struct feel_node *negated(struct feel_compiler *c, uint32_t subject)
{
    struct feel_at back = feel_peek(c)->from;
    const struct feel_node *tests = NULL;
    bool dots;

    if (feel_take_word(c, "not") && feel_eat(c, FTOK_LPAR)) {
        tests = feel_parse_test_run(c, subject, &dots);
        if (!tests)
            return NULL;
        if (feel_eat(c, FTOK_RPAR) && feel_peek(c)->kind == FTOK_END) {
            struct feel_node *n = feel_node(c, FN_TESTS, tests->at);

            *n = *tests;
            n->negate = true;
            return n;
        }
    }
    feel_rewind(c, back);
    return NULL;
}

const struct feel_node *feel_parse_tests(struct feel_compiler *c, struct kh_str text, unsigned line,
                                         uint32_t subject)
{
    size_t mark = feel_scope_open(c);
    struct feel_node *any;
    const struct feel_node *n;
    bool dots;

    feel_scan_text(c, text, line);
    feel_bind(c, KH_S("?"), subject);
    if (feel_peek(c)->kind == FTOK_MINUS) {
        struct feel_at back = feel_peek(c)->from;

        feel_take(c);
        if (feel_peek(c)->kind == FTOK_END) {
            any = feel_node(c, FN_TEST_ANY, feel_at_of(&back));
            feel_scope_close(c, mark);
            return any;
        }
        feel_rewind(c, back);
    }
    n = negated(c, subject);
    if (!n && !c->failed)
        n = feel_parse_test_run(c, subject, &dots);
    feel_scope_close(c, mark);
    if (n && feel_peek(c)->kind != FTOK_END)
        return feel_bad(c, &feel_peek(c)->from, "unexpected text after the test");
    return c->failed ? NULL : n;
}

/* ---- contexts ---- */

static bool context_key(struct feel_compiler *c, struct kh_str *ret_key)
{
    if (feel_peek(c)->kind == FTOK_STRING) {
        *ret_key = feel_take(c).value.s;
        return true;
    }
    /* Reading a bad token above is no failure yet: a key may look like anything. */
    if (c->failed)
        return false;
    if (!feel_take_raw_name(c, ":", false, ret_key)) {
        feel_bad(c, &feel_peek(c)->from, "expected a key and a colon");
        return false;
    }
    return true;
}

/* A function may call itself by the key it is given; other values do not see their own key. */
static const struct feel_node *context_value(struct feel_compiler *c, struct feel_box *box)
{
    size_t mark;
    const struct feel_node *v;

    if (feel_peek(c)->kind != FTOK_FUN)
        return feel_parse_expr(c);
    mark = feel_scope_open(c);
    feel_bind(c, box->key, box->slot);
    c->self = box->slot + 1;
    v = feel_parse_expr(c);
    feel_scope_close(c, mark);
    return v;
}

const struct feel_node *feel_parse_context(struct feel_compiler *c)
{
    struct feel_tok t = feel_take(c);
    struct feel_node *n = feel_node(c, FN_MAKE_CONTEXT, feel_at_of(&t.from));
    size_t mark = feel_scope_open(c), cap = 0;
    struct feel_box *boxes = NULL;
    struct feel_names seen;

    if (feel_eat(c, FTOK_RBRACE)) {
        feel_scope_close(c, mark);
        return n;
    }
    feel_names_init(c->a, &seen);
    do {
        struct feel_box box = {.slot = feel_slot_new(c)};
        size_t keys;

        if (!context_key(c, &box.key) || !feel_expect(c, FTOK_COLON, ":"))
            break;
        keys = seen.n;
        feel_names_add(c->a, &seen, box.key);
        n->sub |= seen.n == keys; /* a key that occurs twice makes the whole null */
        box.value = context_value(c, &box);
        if (!feel_node_holds(c, n, box.value))
            break;
        boxes = kh_grow(c->a, boxes, n->n, n->n + 1, &cap, sizeof(box));
        boxes[n->n++] = box;
        feel_bind(c, box.key, box.slot);
    } while (feel_eat(c, FTOK_COMMA));
    n->boxes = boxes;
    if (!c->failed)
        (void)feel_expect(c, FTOK_RBRACE, "a comma or }");
    feel_scope_close(c, mark);
    return c->failed ? NULL : n;
}

/* ---- for, some, every ---- */

static bool iterator(struct feel_compiler *c, struct feel_node *n, struct feel_iter *it)
{
    struct kh_str name;

    if (!feel_take_raw_name(c, "", true, &name)) {
        feel_bad(c, &feel_peek(c)->from, "expected a name and in");
        return false;
    }
    if (!feel_expect(c, FTOK_IN, "in") || !feel_node_holds(c, n, it->from = feel_parse_expr(c)))
        return false;
    if (feel_eat(c, FTOK_DOTS) && !feel_node_holds(c, n, it->to = feel_parse_expr(c)))
        return false;
    it->slot = feel_slot_new(c);
    feel_bind(c, name, it->slot);
    return true;
}

const struct feel_node *feel_parse_for(struct feel_compiler *c)
{
    struct feel_tok t = feel_take(c);
    bool loop = t.kind == FTOK_FOR;
    struct feel_node *n = feel_node(c,
                                    loop                  ? FN_FOR
                                    : t.kind == FTOK_SOME ? FN_SOME
                                                          : FN_EVERY,
                                    feel_at_of(&t.from));
    struct feel_loop *l = kh_new(c->a, struct feel_loop);
    size_t mark = feel_scope_open(c), cap = 0;
    struct feel_iter *iters = NULL;
    bool ok = false;

    do {
        struct feel_iter it = {0};

        if (l->iters_n == ITERATORS_MAX) {
            feel_bad(c, &c->at, "more than %d iterators", ITERATORS_MAX);
            break;
        }
        if (!iterator(c, n, &it))
            break;
        iters = kh_grow(c->a, iters, l->iters_n, l->iters_n + 1, &cap, sizeof(it));
        iters[l->iters_n++] = it;
    } while (feel_eat(c, FTOK_COMMA));
    l->iters = iters;
    if (!c->failed &&
        feel_expect(c, loop ? FTOK_RETURN : FTOK_SATISFIES, loop ? "return" : "satisfies")) {
        l->partial = feel_slot_new(c);
        if (loop)
            feel_bind(c, KH_S("partial"), l->partial);
        l->body = feel_parse_expr(c);
        ok = feel_node_holds(c, n, l->body);
    }
    feel_scope_close(c, mark);
    n->loop = l;
    return ok ? n : NULL;
}

/* ---- functions ---- */

static bool parameters(struct feel_compiler *c, struct feel_code *code)
{
    struct feel_param *params = NULL;
    size_t cap = 0;

    if (!feel_expect(c, FTOK_LPAR, "("))
        return false;
    if (feel_eat(c, FTOK_RPAR))
        return true;
    do {
        struct feel_param p = {0};

        if (!feel_take_raw_name(c, ",:)", false, &p.name)) {
            feel_bad(c, &feel_peek(c)->from, "expected the name of a parameter");
            return false;
        }
        if (feel_eat(c, FTOK_COLON) && !(p.type = feel_parse_type(c)))
            return false;
        params = kh_grow(c->a, params, code->params_n, code->params_n + 1, &cap, sizeof(p));
        params[code->params_n++] = p;
        feel_bind(c, p.name, feel_slot_new(c));
    } while (feel_eat(c, FTOK_COMMA));
    code->params = params;
    return feel_expect(c, FTOK_RPAR, ")");
}

/* External functions are parsed and give null: nothing outside is ever called. */
static const struct feel_node *body(struct feel_compiler *c)
{
    struct feel_at at = feel_peek(c)->from;
    bool external = feel_take_word(c, "external");
    const struct feel_node *e = feel_parse_expr(c);
    struct feel_node *n;

    if (!e || !external)
        return e;
    n = feel_node(c, FN_LITERAL, feel_at_of(&at));
    n->value = feel_null();
    return n;
}

const struct feel_node *feel_parse_function(struct feel_compiler *c)
{
    struct feel_tok t = feel_take(c);
    struct feel_node *n = feel_node(c, FN_MAKE_FUNCTION, feel_at_of(&t.from));
    struct feel_code *code = kh_new(c->a, struct feel_code);
    struct feel_frame frame;
    size_t mark = feel_scope_open(c);
    uint32_t self = c->self;

    c->self = 0;
    feel_frame_open(c, &frame);
    if (parameters(c, code))
        code->body = body(c);
    feel_frame_close(c);
    feel_scope_close(c, mark);
    if (!code->body)
        return feel_bad(c, &c->at, "expected a function");
    code->captures = frame.captures;
    code->captures_n = frame.captures_n;
    code->slots = frame.slots;
    code->self = -1;
    for (size_t i = 0; self && i < code->captures_n; i++)
        if (code->captures[i].outer == self - 1)
            code->self = (int)i;
    n->fun = code;
    return feel_node_holds(c, n, code->body) ? n : NULL;
}

struct arguments {
    const struct feel_node **args;
    struct kh_str *names;
    size_t n, cap, names_cap, named;
};

static bool argument(struct feel_compiler *c, struct feel_node *call, struct arguments *as)
{
    struct kh_str name = {0};
    const struct feel_node *e;

    if (feel_take_raw_name(c, ":", false, &name)) {
        feel_take(c);
        as->named++;
    }
    e = feel_parse_expr(c);
    if (!feel_node_holds(c, call, e))
        return false;
    as->args = kh_grow(c->a, as->args, as->n, as->n + 1, &as->cap, sizeof(*as->args));
    as->names = kh_grow(c->a, as->names, as->n, as->n + 1, &as->names_cap, sizeof(*as->names));
    as->args[as->n] = e;
    as->names[as->n++] = name;
    return true;
}

const struct feel_node *feel_parse_call(struct feel_compiler *c, const struct feel_node *callee,
                                        int builtin, uint32_t at)
{
    struct feel_node *n = feel_node(c, FN_CALL, at);
    struct feel_call *call = kh_new(c->a, struct feel_call);
    struct arguments as = {0};

    if (callee && !feel_node_holds(c, n, callee))
        return NULL;
    if (!feel_eat(c, FTOK_RPAR)) {
        do {
            if (!argument(c, n, &as))
                return NULL;
        } while (feel_eat(c, FTOK_COMMA));
        if (!feel_expect(c, FTOK_RPAR, "a comma or )"))
            return NULL;
    }
    if (as.named && as.named != as.n)
        return feel_bad(c, &c->at, "either all arguments have names or none");
    call->callee = callee;
    call->builtin = builtin;
    call->args = as.args;
    call->names = as.named ? as.names : NULL;
    call->n = as.n;
    n->call = call;
    return feel_fold(c, n, call);
}

/* ---- types ---- */

static struct feel_type *new_type(struct feel_compiler *c, enum feel_type_kind kind)
{
    struct feel_type *t = kh_new(c->a, struct feel_type);

    t->kind = kind;
    return t;
}

static bool fields(struct feel_compiler *c, struct feel_type *t)
{
    struct feel_field *all = NULL;
    size_t cap = 0;

    if (t->kind == FEEL_T_FUNCTION && feel_eat(c, FTOK_GT))
        return true;
    do {
        struct feel_field f = {0};

        if (t->kind == FEEL_T_CONTEXT &&
            (!feel_take_raw_name(c, ":", false, &f.name) || !feel_eat(c, FTOK_COLON))) {
            feel_bad(c, &c->at, "expected a name and a colon");
            return false;
        }
        if (!(f.type = feel_parse_type(c)))
            return false;
        all = kh_grow(c->a, all, t->fields_n, t->fields_n + 1, &cap, sizeof(f));
        all[t->fields_n++] = f;
    } while (feel_eat(c, FTOK_COMMA));
    t->fields = all;
    return feel_expect(c, FTOK_GT, ">");
}

/* list<T>, range<T>, context<a: T>, function<T> -> T after the word. */
static const struct feel_type *parameterized(struct feel_compiler *c, enum feel_type_kind kind)
{
    struct feel_type *t = new_type(c, kind);

    if (!feel_eat(c, FTOK_LT)) {
        t->kind = FEEL_T_BROKEN; /* without parameters it names no type */
        return t;
    }
    if (kind == FEEL_T_CONTEXT || kind == FEEL_T_FUNCTION) {
        if (!fields(c, t))
            return NULL;
        if (kind == FEEL_T_FUNCTION &&
            (!feel_expect(c, FTOK_ARROW, "->") || !(t->of = feel_parse_type(c))))
            return NULL;
        return t;
    }
    if (!(t->of = feel_parse_type(c)) || !feel_expect(c, FTOK_GT, ">"))
        return NULL;
    return t;
}

/* The longest run of words and dots that names a type. */
static const struct feel_type *named_type(struct feel_compiler *c)
{
    struct feel_at back, best;
    const struct feel_type *found = NULL;
    struct kh_str name = {0}, word;

    (void)feel_peek(c);
    feel_rewind(c, c->at);
    best = back = c->at;
    for (int i = 0; i < 24 && feel_take_type_word(c, &word); i++) {
        const struct feel_type *t;
        bool tight = name.n == 0 || kh_str_is(word, ".") || name.p[name.n - 1] == '.';

        name = kh_strf(c->a, "%.*s%s%.*s", KH_FMT(name), tight ? "" : " ", KH_FMT(word));
        t = feel_type_named(name);
        if (!t && c->type_of)
            t = c->type_of(c->type_ctx, name);
        if (t || i == 0) {
            found = t;
            best = c->at;
        }
    }
    if (name.n == 0)
        return feel_bad(c, &back, "expected a type");
    feel_rewind(c, best);
    return found ? found : new_type(c, FEEL_T_BROKEN);
}

const struct feel_type *feel_parse_type(struct feel_compiler *c)
{
    static const struct {
        const char *word;
        enum feel_type_kind kind;
    } words[] = {{"list", FEEL_T_LIST},
                 {"range", FEEL_T_RANGE},
                 {"context", FEEL_T_CONTEXT},
                 {"function", FEEL_T_FUNCTION}};
    const struct feel_type *t = NULL;
    bool done = false;

    if (feel_deeper(c)) {
        for (size_t i = 0; i < KH_LEN(words) && !done; i++) {
            if (feel_take_word(c, words[i].word)) {
                t = parameterized(c, words[i].kind);
                done = true;
            }
        }
        if (!done)
            t = named_type(c);
    }
    c->depth--;
    return t;
}
