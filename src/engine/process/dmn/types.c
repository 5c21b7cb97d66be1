/* SPDX-License-Identifier: Apache-2.0 */
/* Item definitions as FEEL types. */
#include "engine/process/dmn/model.h"

enum { TYPES_OPEN_MAX = 64 };

static const struct feel_type *item_type(struct dmn_reader *d, const struct dmn_file *f, size_t i);

static struct feel_type *new_type(struct dmn_reader *d, enum feel_type_kind kind)
{
    struct feel_type *t = kh_new(d->a, struct feel_type);

    t->kind = kind;
    return t;
}

/* An item definition of a file by name. */
static const struct feel_type *find_item(struct dmn_reader *d, const struct dmn_file *f,
                                         struct kh_str name)
{
    struct feel_sym *s = feel_names_find(&f->item_names, feel_name_canon(d->a, name));

    return s ? item_type(d, f, s->input - 1) : NULL;
}

const struct feel_type *dmn_type_named(void *ctx, struct kh_str name)
{
    const struct dmn_types *t = ctx;
    const struct feel_type *found = feel_type_named(name);
    size_t prefix;

    if (found)
        return found;
    if ((found = find_item(t->d, t->f, name)))
        return found;
    /* "import.type" */
    for (size_t i = 0; i < t->f->imports_n; i++) {
        const struct dmn_import *im = &t->f->imports[i];

        if (!im->file)
            continue;
        if (im->name.n == 0 && (found = find_item(t->d, im->file, name)))
            return found;
        if (im->name.n && name.n > im->name.n + 1 && kh_str_starts(name, im->name) &&
            name.p[im->name.n] == '.') {
            struct dmn_types inner = {t->d, im->file};

            return dmn_type_named(&inner, kh_str_trim(kh_str_skip(name, im->name.n + 1)));
        }
    }
    /* "prefix:type" of DMN 1.1: the prefix of FEEL or of some model */
    for (prefix = 0; prefix < name.n && name.p[prefix] != ':'; prefix++)
        ;
    if (prefix == name.n)
        return NULL;
    name = kh_str_skip(name, prefix + 1);
    if ((found = feel_type_named(name)) || (found = find_item(t->d, t->f, name)))
        return found;
    for (size_t i = 0; i < t->d->model->files_n; i++)
        if ((found = find_item(t->d, &t->d->model->files[i], name)))
            return found;
    return NULL;
}

const struct feel_type *dmn_type_of(struct dmn_reader *d, const struct dmn_file *f,
                                    const struct kh_xml *x, const char *name)
{
    struct dmn_types types = {d, f};
    struct kh_str ref = dmn_attr(x, name);
    const struct feel_type *t;

    if (ref.n == 0)
        ref = dmn_child_text(f, x, name);
    if (ref.n == 0)
        return NULL;
    t = dmn_type_named(&types, ref);
    if (!t)
        dmn_bad(d, x, true, "type", "There is no such type", "Không có kiểu này", ref);
    return t && t->kind == FEEL_T_ANY ? NULL : t;
}

/* allowedValues or typeConstraint as tests; NULL if there is none. */
static const struct kh_feel *constraint(struct dmn_reader *d, const struct dmn_file *f,
                                        const struct kh_xml *x, const char *name)
{
    const struct kh_xml *c = dmn_child(f, x, name), *text = c ? dmn_child(f, c, "text") : NULL;
    struct kh_error err = {0};
    struct feel_compiler fc;
    const struct feel_node *n;
    uint32_t subject;

    if (!text || kh_str_trim(text->text).n == 0)
        return NULL;
    feel_compiler_init(&fc, d->a, &err);
    fc.members = &d->model->members;
    subject = feel_slot_new(&fc);
    n = feel_parse_tests(&fc, text->text, text->line, subject);
    if (!n) {
        dmn_bad(d, text, false, "feel", "The test is not valid", "Biểu thức kiểm tra không hợp lệ",
                kh_cstr(err.detail));
        return NULL;
    }
    return feel_finish(&fc, n, KH_FEEL_UNARY_TESTS, subject);
}

static const struct feel_type *read_type(struct dmn_reader *d, const struct dmn_file *f,
                                         const struct kh_xml *x);

static struct feel_type *read_components(struct dmn_reader *d, const struct dmn_file *f,
                                         const struct kh_xml *x, size_t n)
{
    struct feel_type *t = new_type(d, FEEL_T_CONTEXT);
    struct feel_field *fields = kh_new_n(d->a, n, struct feel_field);

    for (const struct kh_xml *c = x->first; c; c = c->next) {
        if (!dmn_is(f, c, "itemComponent"))
            continue;
        fields[t->fields_n].name = dmn_attr(c, "name");
        fields[t->fields_n++].type = read_type(d, f, c);
    }
    t->fields = fields;
    return t;
}

static struct feel_type *read_function(struct dmn_reader *d, const struct dmn_file *f,
                                       const struct kh_xml *x)
{
    static const struct feel_type any = {.kind = FEEL_T_ANY};
    struct feel_type *t = new_type(d, FEEL_T_FUNCTION);
    struct feel_field *fields;
    size_t n = 0;

    for (const struct kh_xml *c = x->first; c; c = c->next)
        n += dmn_is(f, c, "parameters");
    fields = kh_new_n(d->a, n, struct feel_field);
    for (const struct kh_xml *c = x->first; c; c = c->next) {
        if (!dmn_is(f, c, "parameters"))
            continue;
        fields[t->fields_n].type = dmn_type_of(d, f, c, "typeRef");
        if (!fields[t->fields_n].type)
            fields[t->fields_n].type = &any;
        t->fields_n++;
    }
    t->fields = fields;
    t->of = dmn_type_of(d, f, x, "outputTypeRef");
    if (!t->of)
        t->of = &any;
    return t;
}

/* The type of an itemDefinition or itemComponent: what it is made of, its constraint, a list of
 * it if it is a collection, and the constraint of the whole. */
static const struct feel_type *read_type(struct dmn_reader *d, const struct dmn_file *f,
                                         const struct kh_xml *x)
{
    static const struct feel_type any = {.kind = FEEL_T_ANY};
    const struct kh_xml *function = dmn_child(f, x, "functionItem");
    const struct kh_feel *allowed = constraint(d, f, x, "allowedValues");
    const struct kh_feel *whole = constraint(d, f, x, "typeConstraint");
    const struct feel_type *t;
    struct feel_type *outer;
    size_t components = 0;

    for (const struct kh_xml *c = x->first; c; c = c->next)
        components += dmn_is(f, c, "itemComponent");
    if (components)
        t = read_components(d, f, x, components);
    else if (function)
        t = read_function(d, f, function);
    else
        t = dmn_type_of(d, f, x, "typeRef");
    if (!t)
        t = &any;
    if (allowed) {
        outer = new_type(d, FEEL_T_REF);
        outer->of = t;
        outer->allowed = allowed;
        t = outer;
    }
    if (kh_str_is(dmn_attr(x, "isCollection"), "true")) {
        outer = new_type(d, FEEL_T_LIST);
        outer->of = t;
        t = outer;
    }
    if (whole) {
        outer = new_type(d, FEEL_T_REF);
        outer->of = t;
        outer->allowed = whole;
        t = outer;
    }
    return t;
}

/* An item definition when it is first asked for. */
static const struct feel_type *item_type(struct dmn_reader *d, const struct dmn_file *f, size_t i)
{
    struct dmn_item *item = &f->items[i];

    if (item->state == 1) {
        dmn_bad(d, item->xml, false, "cycle", "The type is made of itself",
                "Kiểu được định nghĩa bằng chính nó", item->name);
        return NULL;
    }
    if (d->types_open == TYPES_OPEN_MAX) {
        dmn_bad(d, item->xml, false, "size", "The types refer to each other too deeply",
                "Các kiểu tham chiếu nhau quá sâu", item->name);
        return NULL;
    }
    if (item->state == 0) {
        struct feel_type *t = new_type(d, FEEL_T_REF);

        item->state = 1;
        d->types_open++;
        t->name = item->name;
        t->of = read_type(d, f, item->xml);
        d->types_open--;
        item->type = t;
        item->state = 2;
    }
    return item->type;
}

void dmn_check_items(struct dmn_reader *d, struct dmn_file *f)
{
    for (size_t i = 0; i < f->items_n; i++)
        (void)item_type(d, f, i);
}

void dmn_read_items(struct dmn_reader *d, struct dmn_file *f)
{
    size_t n = 0;

    for (const struct kh_xml *x = f->root->first; x; x = x->next)
        n += dmn_is(f, x, "itemDefinition");
    f->items = kh_new_n(d->a, n, struct dmn_item);
    for (const struct kh_xml *x = f->root->first; x; x = x->next) {
        struct feel_sym *s;

        if (!dmn_is(f, x, "itemDefinition"))
            continue;
        f->items[f->items_n] = (struct dmn_item){.name = dmn_attr(x, "name"), .xml = x};
        s = feel_names_add(d->a, &f->item_names, f->items[f->items_n].name);
        f->items_n++;
        if (!s->input)
            s->input = f->items_n;
    }
}
