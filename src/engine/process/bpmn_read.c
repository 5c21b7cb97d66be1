/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/process/bpmn_read.h"

#include "engine/registry/schema/schema.h"

void kh_bpmn_complain(struct kh_bpmn_reader *r, unsigned line, unsigned column, const char *code,
                      const char *vi, const char *en, struct kh_str what)
{
    struct kh_str parts[2];
    const char *const texts[2] = {vi, en};

    /* The texts are ours and hold at most one "%s": put together by hand, so that -Wformat can
     * look at every printf in the house. */
    for (int i = 0; i < 2; i++) {
        const char *gap = strstr(texts[i], "%s");

        parts[i] = gap ? kh_strf(r->a, "%.*s%.*s%s", (int)(gap - texts[i]), texts[i], KH_FMT(what),
                                 gap + 2)
                       : kh_cstr(texts[i]);
    }
    kh_issue_add(r->issues, r->a, kh_strf(r->a, "line:%u:%u", line, column), code, parts[0],
                 parts[1]);
}

/* ---- what may stand where ---- */

/* Attributes of BPMN that say nothing as long as they have their neutral value. */
static const struct {
    const char *name, *value; /* NULL: any value */
} neutral[] = {
    {"id", NULL},
    {"name", NULL},
    {"isForCompensation", "false"},
    {"startQuantity", "1"},
    {"completionQuantity", "1"},
    {"triggeredByEvent", "false"},
    {"parallelMultiple", "false"},
    {"isInterrupting", "true"},
    {"isExecutable", "true"},
    {"isClosed", NULL},
    {"processType", NULL},
    {"gatewayDirection", NULL},
    {"implementation", NULL},
    {"isImmediate", NULL},
};

/* Elements that describe and do nothing. */
static const char *const described[] = {
    "documentation", "extensionElements",   "incoming",           "outgoing",
    "laneSet",       "textAnnotation",      "association",        "group",
    "dataObject",    "dataObjectReference", "dataStoreReference",
};

static const char *const described_at_top[] = {
    "documentation", "extensionElements", "collaboration",
    "category",      "itemDefinition",    "dataStore",
};

/* A row for every flow node that the engine knows. Lists are separated by commas and begin and end
 * with one. */
static const struct element {
    const char *name;
    enum kh_node_kind kind;
    const char *attrs;    /* BPMN attributes beyond the neutral ones */
    const char *ext;      /* names in the kh: namespace */
    const char *children; /* BPMN children beyond the describing ones */
} elements[] = {
    {"startEvent", KH_N_START, ",", ",nameEn,correlation,", ",messageEventDefinition,"},
    {"endEvent", KH_N_END, ",", ",nameEn,", ",terminateEventDefinition,"},
    {"userTask", KH_N_USER, ",", ",nameEn,role,unit,owner,form,due,calendar,", ","},
    {"serviceTask", KH_N_SERVICE, ",", ",nameEn,function,http,input,output,result,", ","},
    {"scriptTask", KH_N_SCRIPT, ",scriptFormat,", ",nameEn,result,", ",script,"},
    {"businessRuleTask", KH_N_RULE, ",", ",nameEn,decision,input,output,result,", ","},
    {"exclusiveGateway", KH_N_EXCLUSIVE, ",default,", ",nameEn,", ","},
    {"parallelGateway", KH_N_PARALLEL, ",", ",nameEn,", ","},
    {"intermediateCatchEvent", KH_N_TIMER, ",", ",nameEn,calendar,correlation,",
     ",timerEventDefinition,messageEventDefinition,"},
    {"boundaryEvent", KH_N_BOUNDARY_TIMER, ",attachedToRef,cancelActivity,",
     ",nameEn,calendar,beforeDue,afterDue,correlation,",
     ",timerEventDefinition,messageEventDefinition,"},
    {"subProcess", KH_N_SUB, ",", ",nameEn,", NULL},
    {"callActivity", KH_N_CALL, ",calledElement,", ",nameEn,input,output,", ","},
};

static bool listed(const char *list, struct kh_str name)
{
    size_t n = strlen(list);

    for (const char *p = list; p + 1 < list + n;) {
        const char *end = strchr(p + 1, ',');

        if (kh_str_eq(kh_str(p + 1, (size_t)(end - p - 1)), name))
            return true;
        p = end;
    }
    return false;
}

static bool among(const char *const *names, size_t n, struct kh_str name)
{
    for (size_t i = 0; i < n; i++)
        if (kh_str_is(name, names[i]))
            return true;
    return false;
}

static void check_attrs(struct kh_bpmn_reader *r, const struct kh_xml *x, const char *attrs,
                        const char *ext)
{
    for (unsigned i = 0; i < x->attrs_n; i++) {
        const struct kh_xml_attr *t = &x->attrs[i];
        bool good = false;

        if (kh_str_is(t->ns, KH_BPMN_KH)) {
            if (!listed(ext, t->name))
                complain_at(r, x, "extension", "Thuộc tính kh:%s không có ở đây.",
                            "There is no attribute kh:%s here.", t->name);
            continue;
        }
        if (t->ns.n)
            continue;
        for (size_t k = 0; k < KH_LEN(neutral); k++)
            good = good || (kh_str_is(t->name, neutral[k].name) &&
                            (!neutral[k].value || kh_str_is(t->value, neutral[k].value)));
        if (!good && !listed(attrs, t->name))
            complain_at(r, x, "unsupported",
                        "Thuộc tính %s (với giá trị này) chưa được hỗ trợ ở đây.",
                        "The attribute %s (with this value) is not supported here.", t->name);
    }
}

static void check_ext(struct kh_bpmn_reader *r, const struct kh_xml *x, const char *ext)
{
    const struct kh_xml *e = kh_xml_child(x, KH_BPMN_NS, "extensionElements");

    for (const struct kh_xml *c = e ? e->first : NULL; c; c = c->next)
        if (kh_str_is(c->ns, KH_BPMN_KH) && !listed(ext, c->name))
            complain_at(r, c, "extension", "Phần tử kh:%s không có ở đây.",
                        "There is no element kh:%s here.", c->name);
}

static void check_children(struct kh_bpmn_reader *r, const struct kh_xml *x, const char *children)
{
    for (const struct kh_xml *c = x->first; c; c = c->next) {
        if (kh_str_is(c->ns, KH_BPMN_KH))
            complain_at(r, c, "extension", "Phần tử kh:%s phải nằm trong extensionElements.",
                        "The element kh:%s belongs into extensionElements.", c->name);
        else if (kh_str_is(c->ns, KH_BPMN_NS) && !listed(children, c->name) &&
                 !among(described, KH_LEN(described), c->name))
            complain_at(r, c, "unsupported", "Phần tử %s chưa được hỗ trợ ở đây.",
                        "The element %s is not supported here.", c->name);
    }
}

/* ---- nodes and flows ---- */

static int add_node(struct kh_bpmn_reader *r, const struct kh_xml *x, enum kh_node_kind kind,
                    int parent)
{
    struct kh_program *p = r->p;
    struct kh_node *n;

    if (p->nodes_n >= KH_BPMN_NODES) {
        if (p->nodes_n == KH_BPMN_NODES)
            complain_at(r, x, "limit", "Quy trình có quá nhiều nút.",
                        "The process has too many nodes.", KH_S(""));
        return -1;
    }
    p->nodes =
        kh_grow(r->a, p->nodes, p->nodes_n, p->nodes_n + 1, &r->nodes_cap, sizeof(*p->nodes));
    r->node_refs = kh_grow(r->a, r->node_refs, p->nodes_n, p->nodes_n + 1, &r->node_refs_cap,
                           sizeof(*r->node_refs));
    n = &p->nodes[p->nodes_n];
    *n = (struct kh_node){.kind = kind,
                          .line = x->line,
                          .column = x->column,
                          .parent = parent,
                          .host = -1,
                          .fallback = -1,
                          .start = -1,
                          .interrupting = true};
    r->node_refs[p->nodes_n] =
        (struct kh_bpmn_refs){{NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, -1};
    n->id = kh_xml_attr(x, "id");
    n->name_vi = kh_xml_attr(x, "name");
    if (!n->name_vi.n)
        n->name_vi = n->id;
    n->name_en = kh_bpmn_ext(x, "nameEn");
    if (!n->name_en.n)
        n->name_en = n->name_vi;
    if (!n->id.n || n->id.n > 128)
        complain_at(r, x, "id", "Cần một id (tối đa 128 ký tự).",
                    "An id is needed (at most 128 characters).", KH_S(""));
    return (int)p->nodes_n++;
}

static void read_flow(struct kh_bpmn_reader *r, const struct kh_xml *x, int parent)
{
    struct kh_program *p = r->p;
    const struct kh_xml *c = kh_xml_child(x, KH_BPMN_NS, "conditionExpression");
    struct kh_flow *f;

    if (p->flows_n >= KH_BPMN_FLOWS) {
        complain_at(r, x, "limit", "Quy trình có quá nhiều luồng.",
                    "The process has too many flows.", KH_S(""));
        return;
    }
    check_attrs(r, x, ",sourceRef,targetRef,", ",nameEn,");
    check_children(r, x, ",conditionExpression,");
    p->flows =
        kh_grow(r->a, p->flows, p->flows_n, p->flows_n + 1, &r->flows_cap, sizeof(*p->flows));
    r->flow_refs = kh_grow(r->a, r->flow_refs, p->flows_n, p->flows_n + 1, &r->flow_refs_cap,
                           sizeof(*r->flow_refs));
    f = &p->flows[p->flows_n];
    *f = (struct kh_flow){.from = -1, .to = -1, .line = x->line, .column = x->column};
    f->id = kh_xml_attr(x, "id");
    r->flow_refs[p->flows_n] = (struct kh_bpmn_refs){
        .from = kh_xml_attr(x, "sourceRef"), .to = kh_xml_attr(x, "targetRef"), .parent = parent};
    p->flows_n++;
    if (c) {
        struct kh_str language = kh_xml_attr(c, "language");

        if (language.n && !strstr(kh_str_z(r->a, language), "FEEL") && !kh_str_is(language, "feel"))
            complain_at(r, c, "language", "Điều kiện phải viết bằng FEEL, không phải %s.",
                        "A condition is written in FEEL, not in %s.", language);
        kh_bpmn_expr(r, c, c->text, &p->flows[p->flows_n - 1].condition);
    }
}

/* Which event a node is: the one event definition inside it. */
static const struct kh_xml *definition_of(struct kh_bpmn_reader *r, const struct kh_xml *x)
{
    const struct kh_xml *found = NULL;

    for (const struct kh_xml *c = x->first; c; c = c->next) {
        if (!kh_str_is(c->ns, KH_BPMN_NS) || c->name.n < 15 ||
            !kh_str_is(kh_str_skip(c->name, c->name.n - 15), "EventDefinition"))
            continue;
        if (found)
            complain_at(r, c, "unsupported", "Một sự kiện chỉ có một định nghĩa.",
                        "An event has one definition only.", KH_S(""));
        found = found ? found : c;
    }
    return found;
}

static void read_event(struct kh_bpmn_reader *r, const struct kh_xml *x, int index)
{
    struct kh_node *n = &r->p->nodes[index];
    const struct kh_xml *def = definition_of(r, x);
    bool timer = def && kh_str_is(def->name, "timerEventDefinition");
    bool message = def && kh_str_is(def->name, "messageEventDefinition");
    bool boundary = n->kind == KH_N_BOUNDARY_TIMER;

    if (n->kind == KH_N_END) {
        n->kind = def ? KH_N_TERMINATE : KH_N_END;
    } else if (n->kind == KH_N_START) {
        n->kind = def ? KH_N_START_MESSAGE : KH_N_START;
        if (message)
            kh_bpmn_message(r, x, def, n);
    } else if (timer) {
        kh_bpmn_timer(r, x, def, boundary, n);
    } else if (message) {
        n->kind = boundary ? KH_N_BOUNDARY_MESSAGE : KH_N_MESSAGE;
        kh_bpmn_message(r, x, def, n);
    } else {
        complain_at(r, x, "unsupported", "Sự kiện %s cần bộ hẹn giờ hoặc thông điệp.",
                    "The event %s needs a timer or a message.", n->id);
    }
    if (boundary) {
        struct kh_str cancel = kh_xml_attr(x, "cancelActivity");

        n->interrupting = !kh_str_is(cancel, "false");
        if (cancel.n && !kh_str_is(cancel, "false") && !kh_str_is(cancel, "true"))
            complain_at(r, x, "unsupported",
                        "cancelActivity phải là true hoặc false, không phải %s.",
                        "cancelActivity is true or false, not %s.", cancel);
        r->node_refs[index].host = kh_xml_attr(x, "attachedToRef");
    }
}

static void read_content(struct kh_bpmn_reader *r, const struct kh_xml *x, int parent,
                         unsigned depth);

static void read_node(struct kh_bpmn_reader *r, const struct kh_xml *x, const struct element *e,
                      int parent, unsigned depth)
{
    int index = add_node(r, x, e->kind, parent);
    struct kh_node *n;

    if (index < 0)
        return;
    check_attrs(r, x, e->attrs, e->ext);
    check_ext(r, x, e->ext);
    if (e->children)
        check_children(r, x, e->children);
    n = &r->p->nodes[index];
    switch (e->kind) {
    case KH_N_START:
    case KH_N_START_MESSAGE:
    case KH_N_END:
    case KH_N_TERMINATE:
    case KH_N_TIMER:
    case KH_N_MESSAGE:
    case KH_N_BOUNDARY_TIMER:
    case KH_N_BOUNDARY_MESSAGE:
        read_event(r, x, index);
        break;
    case KH_N_USER:
        kh_bpmn_user(r, x, n);
        break;
    case KH_N_SERVICE:
    case KH_N_HTTP:
        kh_bpmn_service(r, x, n);
        break;
    case KH_N_SCRIPT:
        kh_bpmn_script(r, x, n);
        break;
    case KH_N_RULE:
        kh_bpmn_rule(r, x, n);
        break;
    case KH_N_EXCLUSIVE:
        r->node_refs[index].fallback = kh_xml_attr(x, "default");
        break;
    case KH_N_PARALLEL:
        break;
    case KH_N_SUB:
        if (depth >= KH_BPMN_DEPTH)
            complain_at(r, x, "limit", "Quy trình con lồng nhau quá sâu.",
                        "Sub-processes are nested too deeply.", KH_S(""));
        else
            read_content(r, x, index, depth + 1);
        break;
    case KH_N_CALL:
        kh_bpmn_call(r, x, n);
        break;
    }
}

static void read_content(struct kh_bpmn_reader *r, const struct kh_xml *x, int parent,
                         unsigned depth)
{
    for (const struct kh_xml *c = x->first; c; c = c->next) {
        const struct element *e = NULL;

        if (!kh_str_is(c->ns, KH_BPMN_NS)) {
            if (kh_str_is(c->ns, KH_BPMN_KH))
                complain_at(r, c, "extension", "Phần tử kh:%s phải nằm trong extensionElements.",
                            "The element kh:%s belongs into extensionElements.", c->name);
            continue;
        }
        for (size_t i = 0; i < KH_LEN(elements) && !e; i++)
            e = kh_str_is(c->name, elements[i].name) ? &elements[i] : NULL;
        if (e)
            read_node(r, c, e, parent, depth);
        else if (kh_str_is(c->name, "sequenceFlow"))
            read_flow(r, c, parent);
        else if (!among(described, KH_LEN(described), c->name))
            complain_at(r, c, "unsupported", "Phần tử %s chưa được hỗ trợ.",
                        "The element %s is not supported.", c->name);
    }
}

static struct kh_program *read_process(struct kh_bpmn_reader *r, const struct kh_xml *x)
{
    struct kh_program *p = kh_new(r->a, struct kh_program);

    r->p = p;
    r->node_refs = r->flow_refs = NULL;
    r->nodes_cap = r->flows_cap = r->node_refs_cap = r->flow_refs_cap = 0;
    p->start = -1;
    p->line = x->line;
    p->column = x->column;
    p->key = kh_xml_attr(x, "id");
    p->name_vi = kh_xml_attr(x, "name");
    p->name_vi = p->name_vi.n ? p->name_vi : p->key;
    p->name_en = kh_bpmn_ext(x, "nameEn");
    p->name_en = p->name_en.n ? p->name_en : p->name_vi;
    p->starter = kh_bpmn_ext(x, "starter");
    if (!p->key.n || p->key.n > 128)
        complain_at(r, x, "id", "Quy trình cần một id (tối đa 128 ký tự).",
                    "A process needs an id (at most 128 characters).", KH_S(""));
    check_attrs(r, x, ",", ",nameEn,starter,");
    check_ext(r, x, ",nameEn,starter,");
    read_content(r, x, -1, 1);
    kh_bpmn_link(r);
    return p;
}

static void check_top(struct kh_bpmn_reader *r, const struct kh_xml *c)
{
    if (kh_str_is(c->ns, KH_BPMN_NS) && !kh_str_is(c->name, "process") &&
        !kh_str_is(c->name, "message") &&
        !among(described_at_top, KH_LEN(described_at_top), c->name))
        complain_at(r, c, "unsupported", "Phần tử %s chưa được hỗ trợ.",
                    "The element %s is not supported.", c->name);
}

static void read_definitions(struct kh_bpmn_reader *r, struct kh_bpmn *ret)
{
    size_t cap = 0;

    for (const struct kh_xml *c = r->root->first; c; c = c->next) {
        check_top(r, c);
        if (!kh_xml_is(c, KH_BPMN_NS, "process"))
            continue;
        ret->programs =
            kh_grow(r->a, ret->programs, ret->n, ret->n + 1, &cap, sizeof(*ret->programs));
        ret->programs[ret->n] = read_process(r, c);
        for (unsigned i = 0; i < ret->n; i++)
            if (kh_str_eq(ret->programs[i]->key, ret->programs[ret->n]->key))
                complain_at(r, c, "id", "Có hai quy trình cùng id %s.",
                            "Two processes have the id %s.", ret->programs[i]->key);
        ret->n++;
        if (kh_arena_over(r->a))
            return;
    }
    if (ret->n == 0)
        complain_at(r, r->root, "required", "Tệp không có quy trình nào.",
                    "The file has no process.", KH_S(""));
}

bool kh_bpmn_compile(struct kh_arena *a, struct kh_str xml, kh_known_fn known, const void *ctx,
                     struct kh_issues *issues, struct kh_bpmn *ret, struct kh_error *err)
{
    struct kh_bpmn_reader r = {.a = a, .issues = issues, .known = known, .known_ctx = ctx};
    struct kh_bpmn got = {0};
    struct kh_xml *root;

    if (!kh_xml_parse(a, xml, NULL, KH_EC_PROCESS_INVALID, issues, &root, err)) {
        err->issues = issues;
        return false;
    }
    r.root = root;
    if (!kh_xml_is(root, KH_BPMN_NS, "definitions"))
        complain_at(&r, root, "root",
                    "Phần tử gốc phải là definitions của BPMN 2.0, không phải %s.",
                    "The root element must be definitions of BPMN 2.0, not %s.", root->name);
    else
        read_definitions(&r, &got);
    if (kh_arena_over(a)) {
        kh_bpmn_drop(&got);
        return kh_fail(err, KH_EC_ARENA_FULL, "compiling a model of %zu bytes", xml.n);
    }
    if (issues->n) {
        kh_bpmn_drop(&got);
        kh_fail(err, KH_EC_PROCESS_INVALID, "%.*s: %.*s", KH_FMT(issues->items[0].pointer),
                KH_FMT(issues->items[0].en));
        err->issues = issues;
        return false;
    }
    *ret = got;
    return true;
}

void kh_bpmn_drop(const struct kh_bpmn *b)
{
    for (unsigned i = 0; i < b->n; i++)
        for (unsigned k = 0; k < b->programs[i]->nodes_n; k++)
            kh_schema_drop(b->programs[i]->nodes[k].form_check);
}

int kh_program_node(const struct kh_program *p, struct kh_str id)
{
    for (unsigned i = 0; i < p->nodes_n; i++)
        if (kh_str_eq(p->nodes[i].id, id))
            return (int)i;
    return -1;
}
