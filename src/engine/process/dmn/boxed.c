/* SPDX-License-Identifier: Apache-2.0 */
/* Boxed expressions become the nodes that FEEL text becomes (DMN 1.5 10.2.1). */
#include <strings.h>

#include "engine/process/dmn/model.h"

uint32_t dmn_at(const struct kh_xml *x)
{
    return feel_place(x->line, x->column);
}

struct list {
    const struct feel_node **v;
    size_t n, cap;
};

static bool add(struct dmn_boxed *b, struct feel_node *of, struct list *l,
                const struct feel_node *kid)
{
    if (!feel_node_holds(b->c, of, kid))
        return false;
    l->v = kh_grow(b->d->a, l->v, l->n, l->n + 1, &l->cap, sizeof(*l->v));
    l->v[l->n++] = kid;
    of->kids = l->v;
    of->n = (uint32_t)l->n;
    return true;
}

/* ---- FEEL text ---- */

static bool speaks_feel(const struct dmn_file *f, const struct kh_xml *x)
{
    struct kh_str lang = dmn_attr(x, "expressionLanguage");

    if (lang.n == 0)
        lang = dmn_attr(f->root, "expressionLanguage");
    for (size_t i = 0; i + 4 <= lang.n; i++)
        if (strncasecmp(lang.p + i, "feel", 4) == 0)
            return true;
    return lang.n == 0;
}

static const struct feel_node *null_node(struct dmn_boxed *b, const struct kh_xml *x)
{
    struct feel_node *n = feel_node(b->c, FN_LITERAL, dmn_at(x));

    n->value = feel_null();
    return n;
}

const struct feel_node *dmn_text(struct dmn_boxed *b, const struct kh_xml *x, bool tests,
                                 uint32_t slot)
{
    const struct kh_xml *text = dmn_child(b->f, x, "text");
    struct feel_mark mark = feel_mark(b->c);
    const struct feel_node *n;

    if (!speaks_feel(b->f, x)) {
        dmn_bad(b->d, x, false, "language", "Only FEEL is spoken here", "Chỉ hỗ trợ FEEL",
                dmn_attr(x, "expressionLanguage"));
        return NULL;
    }
    if (!text || kh_str_trim(text->text).n == 0) {
        if (tests)
            return feel_node(b->c, FN_TEST_ANY, dmn_at(x));
        return null_node(b, x);
    }
    n = tests ? feel_parse_tests(b->c, text->text, text->line, slot)
              : feel_parse(b->c, text->text, text->line);
    if (n)
        return n;
    feel_recover(b->c, &mark);
    dmn_bad(b->d, text, false, "feel", "The expression is not valid", "Biểu thức không hợp lệ",
            kh_cstr(b->err->detail));
    return NULL;
}

/* ---- contexts, lists, relations ---- */

/* A value of a declared type: checked, else null. */
static const struct feel_node *coerced(struct dmn_boxed *b, const struct feel_node *n,
                                       const struct feel_type *type)
{
    struct feel_node *c;

    if (!n || !type)
        return n;
    c = feel_node(b->c, FN_COERCE, n->at);
    c->typed = n;
    c->type = type;
    return feel_node_holds(b->c, c, n) ? c : NULL;
}

static const struct feel_node *entry_value(struct dmn_boxed *b, const struct kh_xml *entry,
                                           struct feel_box *box)
{
    const struct kh_xml *v = dmn_child(b->f, entry, "variable");
    const struct kh_xml *x = dmn_expression_in(b->f, entry);
    bool function = x && dmn_is(b->f, x, "functionDefinition");
    size_t mark = feel_scope_open(b->c);
    const struct feel_node *n;

    if (function) {
        /* A function may call itself by its name. */
        feel_bind(b->c, box->key, box->slot);
        b->c->self = box->slot + 1;
    }
    n = x ? dmn_expression(b, x) : null_node(b, entry);
    feel_scope_close(b->c, mark);
    return function ? n : coerced(b, n, dmn_type_of(b->d, b->f, v, "typeRef"));
}

static const struct feel_node *context(struct dmn_boxed *b, const struct kh_xml *x)
{
    struct feel_node *n = feel_node(b->c, FN_MAKE_CONTEXT, dmn_at(x));
    struct feel_box *boxes = NULL;
    size_t cap = 0, mark = feel_scope_open(b->c);
    bool ok = true;

    for (const struct kh_xml *e = x->first; e; e = e->next) {
        const struct kh_xml *v = dmn_child(b->f, e, "variable"), *r;
        struct feel_box box = {0};

        if (!dmn_is(b->f, e, "contextEntry"))
            continue;
        if (!v) {
            r = dmn_expression_in(b->f, e);
            n->op = FN_SCOPE;
            n->result = r ? dmn_expression(b, r) : null_node(b, e);
            ok = feel_node_holds(b->c, n, n->result) && ok;
            continue;
        }
        box.key = dmn_attr(v, "name");
        box.slot = feel_slot_new(b->c);
        box.value = entry_value(b, e, &box);
        ok = feel_node_holds(b->c, n, box.value) && ok;
        boxes = kh_grow(b->d->a, boxes, n->n, n->n + 1, &cap, sizeof(box));
        boxes[n->n++] = box;
        feel_bind(b->c, box.key, box.slot);
    }
    feel_scope_close(b->c, mark);
    n->boxes = boxes;
    return ok ? n : NULL;
}

/* Words about an expression and what tools keep there are no part of it. */
static bool is_part(const struct dmn_file *f, const struct kh_xml *x)
{
    return kh_str_eq(x->ns, f->dmn_ns) && !kh_str_is(x->name, "description") &&
           !kh_str_is(x->name, "extensionElements");
}

static const struct feel_node *list(struct dmn_boxed *b, const struct kh_xml *x)
{
    struct feel_node *n = feel_node(b->c, FN_MAKE_LIST, dmn_at(x));
    struct list l = {0};
    bool ok = true;

    for (const struct kh_xml *e = x->first; e; e = e->next)
        if (is_part(b->f, e))
            ok = add(b, n, &l, dmn_expression(b, e)) && ok;
    return ok ? n : NULL;
}

/* One row: a context with the names of the columns. */
static const struct feel_node *row(struct dmn_boxed *b, const struct kh_xml *x,
                                   const struct kh_xml *columns)
{
    struct feel_node *n = feel_node(b->c, FN_MAKE_CONTEXT, dmn_at(x));
    const struct kh_xml *column = columns->first;
    struct feel_box *boxes = NULL;
    size_t cap = 0;
    bool ok = true;

    for (const struct kh_xml *e = x->first; e; e = e->next) {
        struct feel_box box = {0};

        if (!is_part(b->f, e))
            continue;
        while (column && !dmn_is(b->f, column, "column"))
            column = column->next;
        if (!column) {
            dmn_bad(b->d, e, false, "relation", "The row is longer than the columns",
                    "Dòng dài hơn số cột", (struct kh_str){0});
            return NULL;
        }
        box.key = dmn_attr(column, "name");
        box.slot = feel_slot_new(b->c);
        box.value = coerced(b, dmn_expression(b, e), dmn_type_of(b->d, b->f, column, "typeRef"));
        column = column->next;
        ok = feel_node_holds(b->c, n, box.value) && ok;
        boxes = kh_grow(b->d->a, boxes, n->n, n->n + 1, &cap, sizeof(box));
        boxes[n->n++] = box;
    }
    n->boxes = boxes;
    return ok ? n : NULL;
}

static const struct feel_node *relation(struct dmn_boxed *b, const struct kh_xml *x)
{
    struct feel_node *n = feel_node(b->c, FN_MAKE_LIST, dmn_at(x));
    struct list l = {0};
    bool ok = true;

    for (const struct kh_xml *e = x->first; e; e = e->next)
        if (dmn_is(b->f, e, "row"))
            ok = add(b, n, &l, row(b, e, x)) && ok;
    return ok ? n : NULL;
}

/* ---- functions ---- */

static bool parameters(struct dmn_boxed *b, const struct kh_xml *x, struct feel_code *code)
{
    struct feel_param *params = NULL;
    size_t cap = 0;

    for (const struct kh_xml *p = x->first; p; p = p->next) {
        struct feel_param one = {0};

        if (!dmn_is(b->f, p, "formalParameter"))
            continue;
        one.name = dmn_attr(p, "name");
        one.type = dmn_type_of(b->d, b->f, p, "typeRef");
        if (one.name.n == 0) {
            dmn_bad(b->d, p, false, "name", "A name is needed", "Thiếu tên", p->name);
            return false;
        }
        params = kh_grow(b->d->a, params, code->params_n, code->params_n + 1, &cap, sizeof(one));
        params[code->params_n++] = one;
        feel_bind(b->c, one.name, feel_slot_new(b->c));
    }
    code->params = params;
    return true;
}

/* The body of a functionDefinition or an encapsulatedLogic. */
static const struct feel_node *body(struct dmn_boxed *b, const struct kh_xml *x)
{
    const struct kh_xml *e = dmn_expression_in(b->f, x);
    struct kh_str kind = dmn_attr(x, "kind");

    if (kind.n && !kh_str_is(kind, "FEEL")) {
        dmn_bad(b->d, x, true, "function", "Only FEEL functions are run", "Chỉ chạy hàm FEEL",
                kind);
        return null_node(b, x);
    }
    return e ? dmn_expression(b, e) : null_node(b, x);
}

static const struct feel_node *function(struct dmn_boxed *b, const struct kh_xml *x,
                                        const struct feel_type *result)
{
    struct feel_node *n = feel_node(b->c, FN_MAKE_FUNCTION, dmn_at(x));
    struct feel_code *code = kh_new(b->d->a, struct feel_code);
    struct feel_frame *frame = kh_new(b->d->a, struct feel_frame);
    size_t mark = feel_scope_open(b->c);
    uint32_t self = b->c->self;

    b->c->self = 0;
    feel_frame_open(b->c, frame);
    if (parameters(b, x, code))
        code->body = body(b, x);
    feel_frame_close(b->c);
    feel_scope_close(b->c, mark);
    if (!code->body)
        return NULL;
    code->captures = frame->captures;
    code->captures_n = frame->captures_n;
    code->slots = frame->slots;
    code->result = result;
    code->self = -1;
    for (size_t i = 0; self && i < code->captures_n; i++)
        if (code->captures[i].outer == self - 1)
            code->self = (int)i;
    n->fun = code;
    return feel_node_holds(b->c, n, code->body) ? n : NULL;
}

/* A call with named arguments of what the first child gives. */
static const struct feel_node *invocation(struct dmn_boxed *b, const struct kh_xml *x)
{
    struct feel_node *n = feel_node(b->c, FN_CALL, dmn_at(x));
    struct feel_call *call = kh_new(b->d->a, struct feel_call);
    const struct kh_xml *callee = dmn_expression_in(b->f, x);
    const struct feel_node **args = NULL;
    struct kh_str *names = NULL;
    size_t cap = 0, names_cap = 0;
    bool ok;

    if (!callee) {
        dmn_bad(b->d, x, false, "invocation", "A function to call is needed", "Thiếu hàm cần gọi",
                (struct kh_str){0});
        return NULL;
    }
    call->callee = dmn_expression(b, callee);
    ok = feel_node_holds(b->c, n, call->callee);
    call->builtin = -1;
    for (const struct kh_xml *p = x->first; p; p = p->next) {
        const struct kh_xml *name =
            dmn_is(b->f, p, "binding") ? dmn_child(b->f, p, "parameter") : NULL;
        const struct kh_xml *e;

        if (!name)
            continue;
        e = dmn_expression_in(b->f, p);
        args = kh_grow(b->d->a, args, call->n, call->n + 1, &cap, sizeof(*args));
        names = kh_grow(b->d->a, names, call->n, call->n + 1, &names_cap, sizeof(*names));
        args[call->n] = e ? dmn_expression(b, e) : null_node(b, p);
        ok = feel_node_holds(b->c, n, args[call->n]) && ok;
        names[call->n++] = dmn_attr(name, "name");
    }
    call->args = args;
    call->names = call->n ? names : NULL;
    n->call = call;
    return ok ? n : NULL;
}

/* ---- conditional, filter, iterators ---- */

/* The expression inside the child of that name. */
static const struct feel_node *inside(struct dmn_boxed *b, const struct kh_xml *x, const char *name)
{
    const struct kh_xml *c = dmn_child(b->f, x, name), *e = c ? dmn_expression_in(b->f, c) : NULL;

    if (e)
        return dmn_expression(b, e);
    dmn_bad(b->d, x, false, "expression", "A part is missing", "Thiếu một phần", kh_cstr(name));
    return NULL;
}

static const struct feel_node *conditional(struct dmn_boxed *b, const struct kh_xml *x)
{
    struct feel_node *n = feel_node(b->c, FN_IF, dmn_at(x));

    n->a = inside(b, x, "if");
    n->b = inside(b, x, "then");
    n->c = inside(b, x, "else");
    return feel_node_holds(b->c, n, n->a) && feel_node_holds(b->c, n, n->b) &&
                   feel_node_holds(b->c, n, n->c)
               ? n
               : NULL;
}

static const struct feel_node *filter(struct dmn_boxed *b, const struct kh_xml *x)
{
    struct feel_node *n = feel_node(b->c, FN_FILTER, dmn_at(x));
    size_t mark;

    n->a = inside(b, x, "in");
    mark = feel_scope_open(b->c);
    n->slot = feel_slot_new(b->c);
    feel_filter_open(b->c, n->slot);
    n->b = inside(b, x, "match");
    feel_filter_close(b->c);
    feel_scope_close(b->c, mark);
    return feel_node_holds(b->c, n, n->a) && feel_node_holds(b->c, n, n->b) ? n : NULL;
}

static const struct feel_node *iterator(struct dmn_boxed *b, const struct kh_xml *x,
                                        enum feel_op op)
{
    struct feel_node *n = feel_node(b->c, op, dmn_at(x));
    struct feel_loop *l = kh_new(b->d->a, struct feel_loop);
    struct feel_iter *it = kh_new(b->d->a, struct feel_iter);
    struct kh_str name = dmn_attr(x, "iteratorVariable");
    size_t mark;

    if (name.n == 0)
        dmn_bad(b->d, x, false, "name", "iteratorVariable is needed", "Thiếu iteratorVariable",
                (struct kh_str){0});
    it->from = inside(b, x, "in");
    mark = feel_scope_open(b->c);
    it->slot = feel_slot_new(b->c);
    l->partial = feel_slot_new(b->c);
    feel_bind(b->c, name, it->slot);
    if (op == FN_FOR)
        feel_bind(b->c, KH_S("partial"), l->partial);
    l->iters = it;
    l->iters_n = 1;
    l->body = inside(b, x, op == FN_FOR ? "return" : "satisfies");
    feel_scope_close(b->c, mark);
    n->loop = l;
    return feel_node_holds(b->c, n, it->from) && feel_node_holds(b->c, n, l->body) ? n : NULL;
}

/* ---- any of them ---- */

enum box {
    BOX_NONE,
    BOX_LITERAL,
    BOX_TABLE,
    BOX_CONTEXT,
    BOX_LIST,
    BOX_RELATION,
    BOX_FUNCTION,
    BOX_INVOCATION,
    BOX_CONDITIONAL,
    BOX_FILTER,
    BOX_FOR,
    BOX_SOME,
    BOX_EVERY,
};

static enum box box_of(const struct dmn_file *f, const struct kh_xml *x)
{
    static const char *const names[] = {
        [BOX_LITERAL] = "literalExpression",
        [BOX_TABLE] = "decisionTable",
        [BOX_CONTEXT] = "context",
        [BOX_LIST] = "list",
        [BOX_RELATION] = "relation",
        [BOX_FUNCTION] = "functionDefinition",
        [BOX_INVOCATION] = "invocation",
        [BOX_CONDITIONAL] = "conditional",
        [BOX_FILTER] = "filter",
        [BOX_FOR] = "for",
        [BOX_SOME] = "some",
        [BOX_EVERY] = "every",
    };

    for (size_t i = BOX_LITERAL; i < KH_LEN(names); i++)
        if (dmn_is(f, x, names[i]))
            return (enum box)i;
    return BOX_NONE;
}

const struct kh_xml *dmn_expression_in(const struct dmn_file *f, const struct kh_xml *x)
{
    for (const struct kh_xml *c = x->first; c; c = c->next)
        if (box_of(f, c) != BOX_NONE)
            return c;
    return NULL;
}

const struct feel_node *dmn_expression(struct dmn_boxed *b, const struct kh_xml *x)
{
    const struct feel_node *n = NULL;

    switch (box_of(b->f, x)) {
    case BOX_NONE:
        dmn_bad(b->d, x, false, "expression", "This is no expression", "Đây không phải biểu thức",
                x->name);
        break;
    case BOX_LITERAL:
        n = dmn_text(b, x, false, 0);
        break;
    case BOX_TABLE:
        n = dmn_read_table(b, x);
        break;
    case BOX_CONTEXT:
        n = context(b, x);
        break;
    case BOX_LIST:
        n = list(b, x);
        break;
    case BOX_RELATION:
        n = relation(b, x);
        break;
    case BOX_FUNCTION:
        n = function(b, x, NULL);
        break;
    case BOX_INVOCATION:
        n = invocation(b, x);
        break;
    case BOX_CONDITIONAL:
        n = conditional(b, x);
        break;
    case BOX_FILTER:
        n = filter(b, x);
        break;
    case BOX_FOR:
        n = iterator(b, x, FN_FOR);
        break;
    case BOX_SOME:
        n = iterator(b, x, FN_SOME);
        break;
    case BOX_EVERY:
        n = iterator(b, x, FN_EVERY);
        break;
    }
    return n;
}

/* ---- one element ---- */

static void declare_needs(struct dmn_boxed *b, const struct dmn_element *e)
{
    for (size_t i = 0; i < e->needs_n; i++) {
        const struct dmn_import *im = e->needs[i].import;
        const struct dmn_element *needed = &b->d->model->elements[e->needs[i].element];

        feel_declare(b->c, im && im->name.n ? im->name : needed->name);
        if (!im && needed->variable.n)
            feel_declare(b->c, needed->variable);
    }
    if (e->kind == DMN_BKM)
        feel_declare(b->c, e->name);
}

static struct dmn_bind bind_of(const struct dmn_boxed *b, const struct dmn_element *e,
                               struct kh_str name)
{
    for (size_t i = 0; i < e->needs_n; i++) {
        const struct dmn_need *need = &e->needs[i];

        if (need->import && need->import->name.n) {
            if (kh_str_eq(need->import->name, name))
                return (struct dmn_bind){.from = DMN_FROM_IMPORT, .import = need->import};
        } else if (kh_str_eq(b->d->model->elements[need->element].name, name) ||
                   kh_str_eq(b->d->model->elements[need->element].variable, name)) {
            return (struct dmn_bind){.from = DMN_FROM_ELEMENT, .element = need->element};
        }
    }
    if (e->kind == DMN_BKM && kh_str_eq(e->name, name))
        return (struct dmn_bind){.from = DMN_FROM_SELF};
    return (struct dmn_bind){0};
}

/* A name that nothing binds is null when evaluated; a strict reader wants to hear of it. */
static void bind_vars(struct dmn_boxed *b, struct dmn_element *e)
{
    e->binds = kh_new_n(b->d->a, e->logic->vars_n, struct dmn_bind);
    for (size_t i = 0; i < e->logic->vars_n; i++) {
        struct kh_str name = e->logic->vars[i].name;

        e->binds[i] = bind_of(b, e, name);
        if (e->binds[i].from == DMN_FROM_NOWHERE && feel_builtin_find(name) < 0)
            dmn_bad(b->d, e->xml, true, "name", "The logic uses a name that is not required",
                    "Biểu thức dùng tên chưa được khai báo", name);
    }
}

void dmn_compile_element(struct dmn_reader *d, struct dmn_element *e)
{
    struct dmn_types types = {d, e->file};
    struct kh_error err = {0};
    struct feel_compiler c;
    struct dmn_boxed b = {.d = d, .f = e->file, .c = &c, .err = &err};
    const struct feel_type *bare = feel_type_bare(e->type);
    const struct feel_node *root;
    const struct kh_xml *x;

    if (e->kind != DMN_DECISION && e->kind != DMN_BKM)
        return;
    x = e->kind == DMN_BKM ? dmn_child(e->file, e->xml, "encapsulatedLogic")
                           : dmn_expression_in(e->file, e->xml);
    if (!x)
        return;
    feel_compiler_init(&c, d->a, &err);
    c.members = &d->model->members;
    c.type_of = dmn_type_named;
    c.type_ctx = &types;
    declare_needs(&b, e);
    if (e->kind == DMN_BKM)
        root = function(&b, x, bare && bare->kind == FEEL_T_FUNCTION ? bare->of : e->type);
    else
        root = dmn_expression(&b, x);
    if (!root) {
        /* What went wrong has been noted, or the whole is nested too deeply. */
        if (c.failed)
            dmn_bad(d, e->xml, false, "feel", "The expression is not valid",
                    "Biểu thức không hợp lệ", kh_cstr(err.detail));
        return;
    }
    e->logic = feel_finish(&c, root, KH_FEEL_EXPRESSION, 0);
    bind_vars(&b, e);
}
