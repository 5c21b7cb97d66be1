/* SPDX-License-Identifier: Apache-2.0 */
/* From XML files to elements and what they need. */
#include "engine/process/dmn/model.h"

enum { ELEMENTS_MAX = 4000, FILES_MAX = 32, XML_BYTES = 8 << 20, XML_ELEMENTS = 400000 };

static const struct kh_xml_limits file_limits = {
    .bytes = XML_BYTES, .depth = 64, .elements = XML_ELEMENTS};

/* ---- problems ---- */

static struct kh_str id_near(const struct kh_xml *x)
{
    for (; x && x->parent; x = x->parent) {
        struct kh_str id = kh_xml_attr(x, "id");

        if (id.n)
            return id;
    }
    return KH_S("line");
}

void dmn_bad(struct dmn_reader *d, const struct kh_xml *x, bool soft, const char *code,
             const char *en, const char *vi, struct kh_str what)
{
    struct kh_str id = id_near(x);
    const char *sep = what.n ? ": " : "";

    if (soft && !d->strict)
        return;
    kh_issue_add(d->issues, d->a, kh_strf(d->a, "%.*s:%u:%u", KH_FMT(id), x->line, x->column), code,
                 kh_strf(d->a, "%s%s%.*s", vi, sep, KH_FMT(what)),
                 kh_strf(d->a, "%s%s%.*s", en, sep, KH_FMT(what)));
    if (d->hard++ == 0)
        (void)kh_fail(&d->first, KH_EC_DECISION_INVALID, "%.*s, line %u: %s%s%.*s", KH_FMT(id),
                      x->line, en, sep, KH_FMT(what));
}

/* ---- the tree ---- */

bool dmn_is(const struct dmn_file *f, const struct kh_xml *x, const char *name)
{
    return kh_str_is(x->name, name) && kh_str_eq(x->ns, f->dmn_ns);
}

const struct kh_xml *dmn_child(const struct dmn_file *f, const struct kh_xml *x, const char *name)
{
    for (const struct kh_xml *c = x->first; c; c = c->next)
        if (dmn_is(f, c, name))
            return c;
    return NULL;
}

struct kh_str dmn_child_text(const struct dmn_file *f, const struct kh_xml *x, const char *name)
{
    const struct kh_xml *c = dmn_child(f, x, name);

    return c ? kh_str_trim(c->text) : KH_S("");
}

struct kh_str dmn_attr(const struct kh_xml *x, const char *name)
{
    struct kh_str s = kh_xml_attr(x, name);

    return s.p ? kh_str_trim(s) : KH_S("");
}

/* White space in a name does not count. */
static struct kh_str tidy(struct kh_arena *a, struct kh_str s)
{
    char *p = kh_alloc(a, s.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        bool space = s.p[i] == ' ' || s.p[i] == '\n' || s.p[i] == '\t' || s.p[i] == '\r';

        if (!space)
            p[n++] = s.p[i];
        else if (n && p[n - 1] != ' ')
            p[n++] = ' ';
    }
    return kh_str_trim(kh_str(p, n));
}

/* ---- files ---- */

static bool is_dmn(struct kh_str ns)
{
    struct kh_str http = KH_S("http://www.omg.org/spec/DMN/"),
                  https = KH_S("https://www.omg.org/spec/DMN/");

    return kh_str_starts(ns, http) || kh_str_starts(ns, https);
}

static bool open_file(struct dmn_reader *d, struct dmn_file *f, struct kh_str xml,
                      struct kh_error *err)
{
    struct kh_xml *root;

    if (!kh_xml_parse(d->a, xml, &file_limits, KH_EC_DECISION_INVALID, d->issues, &root, err))
        return false;
    *f = (struct dmn_file){.model = d->model, .root = root, .dmn_ns = root->ns};
    f->ns = dmn_attr(root, "namespace");
    f->name = tidy(d->a, dmn_attr(root, "name"));
    feel_names_init(d->a, &f->item_names);
    if (!is_dmn(root->ns) || !kh_str_is(root->name, "definitions"))
        dmn_bad(d, root, false, "root", "This is no DMN model", "Đây không phải mô hình DMN",
                root->name);
    return true;
}

static const struct dmn_file *file_by_ns(const struct kh_dmn *m, struct kh_str ns)
{
    for (size_t i = 0; i < m->files_n; i++)
        if (kh_str_eq(m->files[i].ns, ns))
            return &m->files[i];
    return NULL;
}

static void read_imports(struct dmn_reader *d, struct dmn_file *f)
{
    size_t n = 0;

    for (const struct kh_xml *x = f->root->first; x; x = x->next)
        n += dmn_is(f, x, "import");
    f->imports = kh_new_n(d->a, n, struct dmn_import);
    for (const struct kh_xml *x = f->root->first; x; x = x->next) {
        struct dmn_import *im = &f->imports[f->imports_n];

        if (!dmn_is(f, x, "import"))
            continue;
        if (!is_dmn(dmn_attr(x, "importType"))) {
            dmn_bad(d, x, true, "import", "Only DMN models can be imported",
                    "Chỉ nhập được mô hình DMN", dmn_attr(x, "importType"));
            continue;
        }
        im->name = tidy(d->a, dmn_attr(x, "name"));
        im->ns = dmn_attr(x, "namespace");
        im->file = file_by_ns(d->model, im->ns);
        f->imports_n++;
        if (!im->file)
            dmn_bad(d, x, false, "import", "The imported model is not given",
                    "Thiếu mô hình được nhập", im->ns);
    }
}

/* ---- elements ---- */

static bool kind_of(const struct dmn_file *f, const struct kh_xml *x, enum dmn_kind *ret)
{
    static const struct {
        const char *name;
        enum dmn_kind kind;
    } kinds[] = {{"inputData", DMN_INPUT},
                 {"decision", DMN_DECISION},
                 {"businessKnowledgeModel", DMN_BKM},
                 {"decisionService", DMN_SERVICE}};

    for (size_t i = 0; i < KH_LEN(kinds); i++) {
        if (dmn_is(f, x, kinds[i].name)) {
            *ret = kinds[i].kind;
            return true;
        }
    }
    return false;
}

/* What may stand beside them without a meaning for evaluation. */
static bool is_known(const struct dmn_file *f, const struct kh_xml *x)
{
    static const char *const known[] = {
        "description",
        "extensionElements",
        "import",
        "itemDefinition",
        "knowledgeSource",
        "elementCollection",
        "performanceIndicator",
        "organizationUnit",
        "businessContextElement",
        "textAnnotation",
        "association",
        "group",
        "artifact",
        "DMNDI",
    };

    if (!kh_str_eq(x->ns, f->dmn_ns))
        return true; /* diagram interchange, extensions */
    for (size_t i = 0; i < KH_LEN(known); i++)
        if (kh_str_is(x->name, known[i]))
            return true;
    return false;
}

static void read_elements(struct dmn_reader *d, struct dmn_file *f)
{
    struct kh_dmn *m = d->model;
    size_t from = m->n;
    struct feel_names names;

    feel_names_init(d->a, &names);
    for (const struct kh_xml *x = f->root->first; x; x = x->next) {
        struct dmn_element e = {.file = f, .xml = x, .id = dmn_attr(x, "id")};
        size_t had = names.n;

        if (!kind_of(f, x, &e.kind)) {
            if (!is_known(f, x))
                dmn_bad(d, x, true, "element", "This element is not known",
                        "Không nhận ra phần tử này", x->name);
            continue;
        }
        e.name = tidy(d->a, dmn_attr(x, "name"));
        if (e.name.n == 0)
            dmn_bad(d, x, false, "name", "A name is needed", "Thiếu tên", x->name);
        feel_names_add(d->a, &names, e.name);
        if (names.n == had)
            dmn_bad(d, x, true, "name", "The name occurs twice", "Tên bị lặp", e.name);
        if (m->n - from >= ELEMENTS_MAX) {
            dmn_bad(d, x, false, "size", "The model has too many elements",
                    "Mô hình có quá nhiều phần tử", e.name);
            return;
        }
        m->elements =
            kh_grow(d->a, m->elements, m->n, m->n + 1, &m->cap, sizeof(struct dmn_element));
        m->elements[m->n++] = e;
    }
}

/* ---- references ---- */

/* The element of an href: "#id", "namespace#id". @return UINT32_MAX if there is none */
static uint32_t find_href(const struct kh_dmn *m, const struct dmn_file *f, struct kh_str href)
{
    struct kh_str id = href, ns = f->ns;

    for (size_t i = href.n; i-- > 0;) {
        if (href.p[i] == '#') {
            id = kh_str_skip(href, i + 1);
            if (i > 0)
                ns = kh_str(href.p, i);
            break;
        }
    }
    for (size_t i = 0; i < m->n; i++)
        if (kh_str_eq(m->elements[i].id, id) && kh_str_eq(m->elements[i].file->ns, ns))
            return (uint32_t)i;
    return UINT32_MAX;
}

static uint32_t reference(struct dmn_reader *d, const struct dmn_file *f, const struct kh_xml *x)
{
    uint32_t i = find_href(d->model, f, dmn_attr(x, "href"));

    if (i == UINT32_MAX)
        dmn_bad(d, x, true, "href", "The reference points to nothing",
                "Tham chiếu không trỏ tới phần tử nào", dmn_attr(x, "href"));
    return i;
}

static const struct dmn_import *import_of(const struct dmn_file *f, const struct dmn_file *other)
{
    for (size_t i = 0; i < f->imports_n; i++)
        if (f->imports[i].file == other)
            return &f->imports[i];
    return NULL;
}

static void add_need(struct dmn_reader *d, struct dmn_element *e, const struct kh_xml *x)
{
    uint32_t i = reference(d, e->file, x);
    const struct dmn_file *other;

    if (i == UINT32_MAX)
        return;
    other = d->model->elements[i].file;
    e->needs =
        kh_grow(d->a, e->needs, e->needs_n, e->needs_n + 1, &e->needs_cap, sizeof(struct dmn_need));
    e->needs[e->needs_n++] =
        (struct dmn_need){i, other == e->file ? NULL : import_of(e->file, other)};
}

static void read_needs(struct dmn_reader *d, struct dmn_element *e)
{
    static const char *const links[][2] = {
        {"informationRequirement", "requiredInput"},
        {"informationRequirement", "requiredDecision"},
        {"knowledgeRequirement", "requiredKnowledge"},
    };

    for (const struct kh_xml *x = e->xml->first; x; x = x->next) {
        for (size_t i = 0; i < KH_LEN(links); i++) {
            const struct kh_xml *to;

            if (!dmn_is(e->file, x, links[i][0]))
                continue;
            to = dmn_child(e->file, x, links[i][1]);
            if (to)
                add_need(d, e, to);
        }
    }
}

/* The list of hrefs of a service by the name of the child. */
static uint32_t *read_list(struct dmn_reader *d, struct dmn_element *e, const char *name,
                           size_t *ret_n)
{
    uint32_t *list = NULL;
    size_t cap = 0;

    *ret_n = 0;
    for (const struct kh_xml *x = e->xml->first; x; x = x->next) {
        uint32_t i;

        if (!dmn_is(e->file, x, name) || (i = reference(d, e->file, x)) == UINT32_MAX)
            continue;
        list = kh_grow(d->a, list, *ret_n, *ret_n + 1, &cap, sizeof(*list));
        list[(*ret_n)++] = i;
    }
    return list;
}

/* A service is a function of its input data and input decisions, in that order. */
static void read_service(struct dmn_reader *d, struct dmn_element *e)
{
    struct feel_fn *fn = kh_new(d->a, struct feel_fn);
    struct feel_param *params;
    size_t n = 0;

    e->in_data = read_list(d, e, "inputData", &e->in_data_n);
    e->in_decisions = read_list(d, e, "inputDecision", &e->in_decisions_n);
    e->out = read_list(d, e, "outputDecision", &e->out_n);
    params = kh_new_n(d->a, e->in_data_n + e->in_decisions_n, struct feel_param);
    for (size_t i = 0; i < e->in_data_n; i++)
        params[n++] = (struct feel_param){d->model->elements[e->in_data[i]].name,
                                          d->model->elements[e->in_data[i]].type};
    for (size_t i = 0; i < e->in_decisions_n; i++)
        params[n++] = (struct feel_param){d->model->elements[e->in_decisions[i]].name,
                                          d->model->elements[e->in_decisions[i]].type};
    fn->kind = FEEL_FN_NATIVE;
    fn->native = dmn_call_service;
    fn->ctx = e;
    fn->params = params;
    fn->params_n = n;
    fn->name = e->name;
    e->fn = fn;
    if (e->out_n == 0)
        dmn_bad(d, e->xml, true, "service", "The service has no output decision",
                "Dịch vụ không có quyết định đầu ra", e->name);
}

/* ---- cycles ---- */

struct visit {
    uint32_t element;
    size_t next;
};

/* Depth first without recursion; marks: 1 on the way, 2 done. A need of itself is recursion of a
 * function and no cycle. */
static void refuse_cycles(struct dmn_reader *d)
{
    struct kh_dmn *m = d->model;
    uint8_t *mark = kh_alloc(d->a, m->n);
    struct visit *stack = kh_new_n(d->a, m->n + 1, struct visit);

    for (uint32_t root = 0; root < m->n; root++) {
        size_t top = 0;

        if (mark[root])
            continue;
        stack[top++] = (struct visit){root, 0};
        mark[root] = 1;
        while (top) {
            struct visit *v = &stack[top - 1];
            const struct dmn_element *e = &m->elements[v->element];
            uint32_t to;

            if (v->next == e->needs_n) {
                mark[v->element] = 2;
                top--;
                continue;
            }
            to = e->needs[v->next++].element;
            if (mark[to] == 1 && to != v->element)
                dmn_bad(d, e->xml, false, "cycle", "It needs itself", "Phần tử cần chính nó",
                        e->name);
            if (mark[to])
                continue;
            mark[to] = 1;
            stack[top++] = (struct visit){to, 0};
        }
    }
}

/* ---- the whole ---- */

/* Names behind a dot: components, entries, columns, outputs, elements. */
static void gather_members(struct dmn_reader *d, const struct kh_xml *x)
{
    for (const struct kh_xml *c = x->first; c; c = c->next) {
        static const char *const named[] = {
            "itemComponent", "variable",  "column",          "output",
            "decision",      "inputData", "decisionService", "businessKnowledgeModel"};
        struct kh_str name = dmn_attr(c, "name");

        for (size_t i = 0; name.n && i < KH_LEN(named); i++)
            if (kh_str_is(c->name, named[i]))
                feel_names_add(d->a, &d->model->members, tidy(d->a, name));
        gather_members(d, c); /* no deeper than the XML reader allows */
    }
}

static void read_model(struct dmn_reader *d)
{
    struct kh_dmn *m = d->model;

    for (size_t i = 0; i < m->files_n; i++)
        gather_members(d, m->files[i].root);
    for (size_t i = 0; i < m->files_n; i++)
        read_imports(d, &m->files[i]);
    for (size_t i = 0; i < m->files_n; i++)
        dmn_read_items(d, &m->files[i]);
    for (size_t i = 0; i < m->files_n; i++)
        dmn_check_items(d, &m->files[i]);
    for (size_t i = 0; i < m->files_n; i++)
        read_elements(d, &m->files[i]);
    for (size_t i = 0; i < m->n; i++) {
        struct dmn_element *e = &m->elements[i];
        const struct kh_xml *v = dmn_child(e->file, e->xml, "variable");

        e->type = v ? dmn_type_of(d, e->file, v, "typeRef") : NULL;
        e->variable = v ? tidy(d->a, dmn_attr(v, "name")) : KH_S("");
        read_needs(d, e);
    }
    for (size_t i = 0; i < m->n; i++)
        if (m->elements[i].kind == DMN_SERVICE)
            read_service(d, &m->elements[i]);
    refuse_cycles(d);
    for (size_t i = 0; i < m->n; i++)
        dmn_compile_element(d, &m->elements[i]);
}

bool kh_dmn_compile(struct kh_arena *a, const struct kh_dmn_source *source,
                    struct kh_issues *issues, const struct kh_dmn **ret_model, struct kh_error *err)
{
    struct kh_dmn *m = kh_new(a, struct kh_dmn);
    struct dmn_reader d = {.a = a, .model = m, .issues = issues, .strict = source->strict};

    if (source->imports_n >= FILES_MAX)
        return kh_fail(err, KH_EC_DECISION_INVALID, "more than %d models at once", FILES_MAX);
    m->a = a;
    m->files = kh_new_n(a, 1 + source->imports_n, struct dmn_file);
    feel_names_init(a, &m->members);
    for (size_t i = 0; i <= source->imports_n; i++) {
        struct kh_str xml = i ? source->imports[i - 1] : source->xml;

        if (!open_file(&d, &m->files[i], kh_str_dup(a, xml), err))
            return false;
        m->files_n++;
    }
    if (d.hard == 0)
        read_model(&d);
    if (kh_arena_over(a))
        return kh_fail(err, KH_EC_ARENA_FULL, "compiling a decision model");
    if (d.hard) {
        *err = d.first;
        err->issues = issues;
        return false;
    }
    *ret_model = m;
    return true;
}

bool kh_dmn_imports(struct kh_arena *a, struct kh_str xml, const struct kh_str **ret_ns,
                    size_t *ret_n, struct kh_error *err)
{
    struct kh_xml *root;
    struct kh_str *list = NULL;
    size_t cap = 0;

    if (!kh_xml_parse(a, kh_str_dup(a, xml), &file_limits, KH_EC_DECISION_INVALID, NULL, &root,
                      err))
        return false;
    *ret_n = 0;
    for (const struct kh_xml *x = root->first; x; x = x->next) {
        if (!kh_str_is(x->name, "import") || !is_dmn(dmn_attr(x, "importType")))
            continue;
        list = kh_grow(a, list, *ret_n, *ret_n + 1, &cap, sizeof(*list));
        list[(*ret_n)++] = dmn_attr(x, "namespace");
    }
    *ret_ns = list;
    return true;
}

struct kh_str kh_dmn_namespace(const struct kh_dmn *m)
{
    return m->files[0].ns;
}

struct kh_str kh_dmn_name(const struct kh_dmn *m)
{
    return m->files[0].name;
}

struct kh_str kh_dmn_decision(const struct kh_dmn *m, size_t i)
{
    for (size_t k = 0; k < m->n; k++)
        if (m->elements[k].kind == DMN_DECISION && m->elements[k].file == &m->files[0] && i-- == 0)
            return m->elements[k].name;
    return (struct kh_str){0};
}
