/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/process/feel/compile.h"

#include <stdio.h>

#include "engine/process/feel/builtin.h"

enum { TEXT_MAX = 256 * 1024 };

void feel_compiler_init(struct feel_compiler *c, struct kh_arena *a, struct kh_error *err)
{
    *c = (struct feel_compiler){.a = a, .err = err};
    feel_names_init(a, &c->names);
    c->frame = &c->root;
    c->level = 1;
}

void *feel_bad(struct feel_compiler *c, const struct feel_at *at, const char *fmt, ...)
{
    char what[160];
    va_list ap;

    if (c->failed)
        return NULL;
    c->failed = true;
    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    (void)kh_fail(c->err, KH_EC_FEEL_SYNTAX, "line %u, column %u: %s", at->line,
                  (unsigned)(at->pos - at->line_start) + 1, what);
    return NULL;
}

/* ---- scopes ---- */

void feel_declare(struct feel_compiler *c, struct kh_str name)
{
    feel_names_add(c->a, &c->names, name)->known = true;
}

size_t feel_scope_open(struct feel_compiler *c)
{
    c->level++;
    return c->bound_n;
}

void feel_scope_close(struct feel_compiler *c, size_t mark)
{
    while (c->bound_n > mark) {
        struct feel_sym *s = c->bound[--c->bound_n];

        s->top = s->top->before;
        /* What was known before it was bound stays known as an input. */
        if (!s->top && s->known == 2)
            s->known = 0;
    }
    c->level--;
}

uint32_t feel_slot_new(struct feel_compiler *c)
{
    return c->frame->slots++;
}

void feel_bind(struct feel_compiler *c, struct kh_str name, uint32_t slot)
{
    struct feel_sym *s = feel_names_add(c->a, &c->names, name);
    struct feel_binding *b = kh_new(c->a, struct feel_binding);

    *b =
        (struct feel_binding){.frame = c->frame, .slot = slot, .level = c->level, .before = s->top};
    s->top = b;
    if (!s->known)
        s->known = 2;
    c->bound = kh_grow(c->a, c->bound, c->bound_n, c->bound_n + 1, &c->bound_cap,
                       sizeof(struct feel_sym *));
    c->bound[c->bound_n++] = s;
}

void feel_filter_open(struct feel_compiler *c, uint32_t slot)
{
    c->filters = kh_grow(c->a, c->filters, c->filters_n, c->filters_n + 1, &c->filters_cap,
                         sizeof(struct feel_filter));
    c->filters[c->filters_n++] =
        (struct feel_filter){.frame = c->frame, .slot = slot, .level = c->level};
    feel_bind(c, KH_S("item"), slot);
}

void feel_filter_close(struct feel_compiler *c)
{
    c->filters_n--;
}

void feel_frame_open(struct feel_compiler *c, struct feel_frame *frame)
{
    *frame = (struct feel_frame){.up = c->frame};
    c->frame = frame;
}

void feel_frame_close(struct feel_compiler *c)
{
    c->frame = c->frame->up;
}

/* The slot of frame f that holds what is in `slot` of the frame `home` outside of it; input is the
 * name if that is an input, which is fetched no later than when a function copies it. */
static uint32_t slot_in(struct feel_compiler *c, struct feel_frame *f, struct feel_frame *home,
                        uint32_t slot, struct kh_str input)
{
    uint32_t outer;

    if (f == home)
        return slot;
    outer = slot_in(c, f->up, home, slot, input);
    for (size_t i = 0; i < f->captures_n; i++)
        if (f->captures[i].outer == outer)
            return f->captures[i].inner;
    f->captures = kh_grow(c->a, f->captures, f->captures_n, f->captures_n + 1, &f->captures_cap,
                          sizeof(struct feel_capture));
    f->captures[f->captures_n++] =
        (struct feel_capture){outer, f->slots, f->up == home ? input : (struct kh_str){0}};
    return f->slots++;
}

struct feel_mark feel_mark(const struct feel_compiler *c)
{
    return (struct feel_mark){c->bound_n, c->filters_n, c->level, c->frame};
}

void feel_recover(struct feel_compiler *c, const struct feel_mark *mark)
{
    feel_scope_close(c, mark->bound_n);
    c->filters_n = mark->filters_n;
    c->level = mark->level;
    c->frame = mark->frame;
    c->failed = false;
    c->peeked = false;
    c->depth = 0;
    c->self = 0;
}

/* ---- nodes ---- */

struct feel_node *feel_node(struct feel_compiler *c, enum feel_op op, uint32_t at)
{
    struct feel_node *n = kh_new(c->a, struct feel_node);

    n->op = (uint8_t)op;
    n->at = at;
    n->depth = 1;
    return n;
}

bool feel_node_holds(struct feel_compiler *c, struct feel_node *n, const struct feel_node *kid)
{
    if (!kid)
        return false;
    if (kid->depth >= FEEL_DEPTH_MAX) {
        feel_bad(c, &c->at, "nested more than %d deep", FEEL_DEPTH_MAX);
        return false;
    }
    if (n->depth <= kid->depth)
        n->depth = (uint16_t)(kid->depth + 1);
    return true;
}

static struct feel_node *var_node(struct feel_compiler *c, struct kh_str name, uint32_t at)
{
    struct feel_node *n = feel_node(c, FN_VAR, at);
    struct feel_sym *s = feel_names_add(c->a, &c->names, name);

    if (!s->input) {
        c->vars =
            kh_grow(c->a, c->vars, c->vars_n, c->vars_n + 1, &c->vars_cap, sizeof(struct feel_var));
        c->vars[c->vars_n++] = (struct feel_var){name, c->root.slots++};
        s->input = c->vars_n;
    }
    n->slot = slot_in(c, c->frame, &c->root, c->vars[s->input - 1].slot, name);
    if (c->frame != &c->root)
        n->op = FN_LOCAL; /* fetched when the function was made */
    n->name = name;
    return n;
}

const struct feel_node *feel_resolve(struct feel_compiler *c, struct kh_str name, uint32_t at)
{
    struct feel_sym *s = feel_names_find(&c->names, feel_name_canon(c->a, name));
    struct feel_binding *b = s ? s->top : NULL;
    unsigned level = b ? b->level : 0;
    struct feel_node *n, *dyn;
    struct feel_dyn *d;
    uint32_t *items;

    if (kh_str_is(name, "?"))
        c->subject_uses++;
    if (b) {
        n = feel_node(c, FN_LOCAL, at);
        n->slot = slot_in(c, c->frame, b->frame, b->slot, (struct kh_str){0});
    } else {
        n = var_node(c, name, at);
    }
    if (c->filters_n == 0 || c->filters[c->filters_n - 1].level < level)
        return n;
    d = kh_new(c->a, struct feel_dyn);
    items = kh_new_n(c->a, c->filters_n, uint32_t);
    for (size_t i = c->filters_n; i-- > 0 && c->filters[i].level >= level;)
        items[d->items_n++] =
            slot_in(c, c->frame, c->filters[i].frame, c->filters[i].slot, (struct kh_str){0});
    d->name = name;
    d->items = items;
    d->outside = n;
    dyn = feel_node(c, FN_DYN, at);
    dyn->dyn = d;
    dyn->depth = 2;
    return dyn;
}

struct kh_feel *feel_finish(struct feel_compiler *c, const struct feel_node *root,
                            enum kh_feel_use use, uint32_t subject)
{
    struct kh_feel *f = kh_new(c->a, struct kh_feel);
    struct kh_str *reads = kh_new_n(c->a, c->vars_n, struct kh_str);

    for (size_t i = 0; i < c->vars_n; i++)
        reads[i] = c->vars[i].name;
    *f = (struct kh_feel){.root = root,
                          .use = use,
                          .slots = c->root.slots,
                          .subject = subject,
                          .vars = c->vars,
                          .vars_n = c->vars_n,
                          .reads = reads};
    return f;
}

bool kh_feel_compile(struct kh_arena *a, struct kh_str text, enum kh_feel_use use,
                     const struct kh_str *names, size_t names_n, const struct kh_feel **ret_feel,
                     struct kh_error *err)
{
    struct feel_compiler c;
    const struct feel_node *root;
    uint32_t subject = 0;

    if (text.n > TEXT_MAX)
        return kh_fail(err, KH_EC_FEEL_SYNTAX, "longer than %d bytes", TEXT_MAX);
    if (!kh_str_utf8(text))
        return kh_fail(err, KH_EC_FEEL_SYNTAX, "not UTF-8");
    /* Names and literals point into the text: keep it as long as the expression. */
    text = kh_str_dup(a, text);
    feel_compiler_init(&c, a, err);
    for (size_t i = 0; i < names_n; i++)
        feel_declare(&c, kh_str_dup(a, names[i]));
    if (use == KH_FEEL_UNARY_TESTS) {
        subject = feel_slot_new(&c);
        root = feel_parse_tests(&c, text, 1, subject);
    } else {
        root = feel_parse(&c, text, 1);
    }
    if (!root) {
        /* Every failure has been noted where it was found. */
        KH_REQUIRE(c.failed);
        return false;
    }
    *ret_feel = feel_finish(&c, root, use, subject);
    return true;
}

size_t kh_feel_reads(const struct kh_feel *f, const struct kh_str **ret_names)
{
    *ret_names = f->reads;
    return f->vars_n;
}
