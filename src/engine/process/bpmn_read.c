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
    {"startQuantity", "1"},
    {"completionQuantity", "1"},
    {"parallelMultiple", "false"},
    {"isExecutable", NULL}, /* modellers say false of themselves; the pack says what runs */
    {"instantiate", "false"},
    {"eventGatewayType", "Exclusive"},
    {"isClosed", NULL},
    {"definitionalCollaborationRef", NULL},
    {"processType", NULL},
    {"gatewayDirection", NULL},
    {"implementation", NULL},
    {"isImmediate", NULL},
};

/* Elements that describe and do nothing. */
static const char *const described[] = {
    "documentation",
    "extensionElements",
    "incoming",
    "outgoing",
    "laneSet",
    "textAnnotation",
    "association",
    "group",
    "dataObject",
    "dataStoreReference",
    "auditing",
    "monitoring",
    "dataObjectReference",
    "property",
    "ioSpecification",
    "dataInput",
    "dataOutput",
    "inputSet",
    "outputSet",
    /* assignments in them are read, or refused where nothing is mapped */
    "dataInputAssociation",
    "dataOutputAssociation",
};

static const char *const described_at_top[] = {
    "documentation",  "extensionElements", "collaboration", "category",
    "itemDefinition", "dataStore",         "resource",      "relationship",
};

#define ACTIVITY ",isForCompensation,"
#define LOOPS    ",standardLoopCharacteristics,multiInstanceLoopCharacteristics,"

/* A row for every flow node that the engine knows. Lists are separated by commas and begin and end
 * with one. */
static const struct element {
    const char *name;
    enum kh_node_kind kind;
    const char *attrs;    /* BPMN attributes beyond the neutral ones */
    const char *ext;      /* names in the kh: namespace */
    const char *children; /* BPMN children beyond the describing ones */
} elements[] = {
    {"startEvent", KH_N_START, ",isInterrupting,", ",nameEn,correlation,calendar,output,",
     ",messageEventDefinition,timerEventDefinition,signalEventDefinition,conditionalEventDefinition,"
     "errorEventDefinition,escalationEventDefinition,"},
    {"endEvent", KH_N_END, ",", ",nameEn,correlation,case,input,",
     ",terminateEventDefinition,messageEventDefinition,signalEventDefinition,errorEventDefinition,"
     "escalationEventDefinition,compensateEventDefinition,"},
    {"intermediateThrowEvent", KH_N_THROW, ",", ",nameEn,correlation,case,input,",
     ",messageEventDefinition,signalEventDefinition,escalationEventDefinition,linkEventDefinition,"
     "compensateEventDefinition,"},
    {"intermediateCatchEvent", KH_N_CATCH, ",", ",nameEn,calendar,correlation,output,",
     ",timerEventDefinition,messageEventDefinition,signalEventDefinition,conditionalEventDefinition,"
     "linkEventDefinition,"},
    {"boundaryEvent", KH_N_BOUNDARY, ",attachedToRef,cancelActivity,",
     ",nameEn,calendar,beforeDue,afterDue,correlation,output,",
     ",timerEventDefinition,messageEventDefinition,signalEventDefinition,conditionalEventDefinition,"
     "errorEventDefinition,escalationEventDefinition,compensateEventDefinition,"},
    {"userTask", KH_N_USER, ACTIVITY, ",nameEn,role,unit,owner,form,due,calendar,output,",
     LOOPS "potentialOwner,rendering,"},
    {"serviceTask", KH_N_SERVICE, ACTIVITY, ",nameEn,function,http,input,output,result,", LOOPS},
    {"sendTask", KH_N_SEND, ACTIVITY "messageRef,",
     ",nameEn,message,correlation,case,function,http,input,output,result,", LOOPS},
    {"receiveTask", KH_N_RECEIVE, ACTIVITY "messageRef,", ",nameEn,message,correlation,output,",
     LOOPS},
    {"scriptTask", KH_N_SCRIPT, ACTIVITY "scriptFormat,", ",nameEn,result,", LOOPS "script,"},
    {"businessRuleTask", KH_N_RULE, ACTIVITY, ",nameEn,decision,input,output,result,", LOOPS},
    {"manualTask", KH_N_PASS, ACTIVITY, ",nameEn,", LOOPS},
    {"task", KH_N_PASS, ACTIVITY, ",nameEn,", LOOPS},
    {"exclusiveGateway", KH_N_EXCLUSIVE, ",default,", ",nameEn,", ","},
    {"parallelGateway", KH_N_PARALLEL, ",", ",nameEn,", ","},
    {"inclusiveGateway", KH_N_INCLUSIVE, ",default,", ",nameEn,", ","},
    {"eventBasedGateway", KH_N_CHOICE, ",", ",nameEn,", ","},
    {"subProcess", KH_N_SUB, ACTIVITY "triggeredByEvent,", ",nameEn,", NULL},
    {"callActivity", KH_N_CALL, ACTIVITY "calledElement,", ",nameEn,input,output,", LOOPS},
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

void kh_bpmn_attrs(struct kh_bpmn_reader *r, const struct kh_xml *x, const char *attrs,
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

void kh_bpmn_children(struct kh_bpmn_reader *r, const struct kh_xml *x, const char *children,
                      const char *ext)
{
    check_ext(r, x, ext);
    for (const struct kh_xml *c = x->first; c && children; c = c->next) {
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
                          .target = -1,
                          .undo = -1,
                          .interrupting = true};
    r->node_refs[p->nodes_n] =
        (struct kh_bpmn_refs){.fallback = KH_S(""), .host = KH_S(""), .parent = -1};
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
    kh_bpmn_attrs(r, x, ",sourceRef,targetRef,", ",nameEn,");
    kh_bpmn_children(r, x, ",conditionExpression,", ",nameEn,");
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
    if (c)
        kh_bpmn_condition(r, c, &p->flows[p->flows_n - 1].condition);
}

static void read_content(struct kh_bpmn_reader *r, const struct kh_xml *x, int parent,
                         unsigned depth);

/* An association binds compensation to what it compensates; others are drawing. */
static void add_link(struct kh_bpmn_reader *r, const struct kh_xml *x)
{
    if (r->links_n == KH_BPMN_FLOWS)
        return;
    r->links =
        kh_grow(r->a, r->links, r->links_n, r->links_n + 1, &r->links_cap, sizeof(*r->links));
    r->links[r->links_n++] = (struct kh_bpmn_refs){.from = kh_xml_attr(x, "sourceRef"),
                                                   .to = kh_xml_attr(x, "targetRef")};
}

/* Attributes that say what an activity is there for, and how often. */
static void read_activity(struct kh_bpmn_reader *r, const struct kh_xml *x, struct kh_node *n)
{
    n->undoes = kh_str_is(kh_xml_attr(x, "isForCompensation"), "true");
    n->by_event = kh_str_is(kh_xml_attr(x, "triggeredByEvent"), "true");
    for (const struct kh_xml *c = x->first; c; c = c->next)
        if (kh_xml_is(c, KH_BPMN_NS, "standardLoopCharacteristics") ||
            kh_xml_is(c, KH_BPMN_NS, "multiInstanceLoopCharacteristics"))
            kh_bpmn_loop(r, c, n);
    if (n->loop && n->by_event)
        complain_at(r, x, "loop", "Quy trình con theo sự kiện %s không lặp được.",
                    "The event sub-process %s cannot be repeated.", n->id);
}

static void read_inside(struct kh_bpmn_reader *r, const struct kh_xml *x, unsigned index,
                        unsigned depth)
{
    struct kh_node *n = &r->p->nodes[index];

    if (kh_node_is_activity(n))
        read_activity(r, x, n);
    kh_bpmn_data(r, x, n);
    switch (n->kind) {
    case KH_N_START:
    case KH_N_END:
    case KH_N_THROW:
    case KH_N_CATCH:
    case KH_N_BOUNDARY:
        kh_bpmn_event(r, x, index);
        break;
    case KH_N_USER:
        kh_bpmn_user(r, x, n);
        break;
    case KH_N_SERVICE:
    case KH_N_HTTP:
        kh_bpmn_service(r, x, n);
        break;
    case KH_N_SEND:
        kh_bpmn_send(r, x, n);
        break;
    case KH_N_RECEIVE:
        kh_bpmn_receive(r, x, n);
        break;
    case KH_N_SCRIPT:
        kh_bpmn_script(r, x, n);
        break;
    case KH_N_RULE:
        kh_bpmn_rule(r, x, n);
        break;
    case KH_N_EXCLUSIVE:
    case KH_N_INCLUSIVE:
        r->node_refs[index].fallback = kh_xml_attr(x, "default");
        break;
    case KH_N_PASS:
    case KH_N_PARALLEL:
    case KH_N_CHOICE:
        break;
    case KH_N_SUB:
        if (depth >= KH_BPMN_DEPTH)
            complain_at(r, x, "limit", "Quy trình con lồng nhau quá sâu.",
                        "Sub-processes are nested too deeply.", KH_S(""));
        else
            read_content(r, x, (int)index, depth + 1);
        break;
    case KH_N_CALL:
        kh_bpmn_call(r, x, n);
        break;
    }
}

static void read_node(struct kh_bpmn_reader *r, const struct kh_xml *x, const struct element *e,
                      int parent, unsigned depth)
{
    int index = add_node(r, x, e->kind, parent);

    if (index < 0)
        return;
    kh_bpmn_attrs(r, x, e->attrs, e->ext);
    kh_bpmn_children(r, x, e->children, e->ext);
    read_inside(r, x, (unsigned)index, depth);
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
        else if (kh_str_is(c->name, "association"))
            add_link(r, c);
        else if (!among(described, KH_LEN(described), c->name) &&
                 !(parent >= 0 && listed(LOOPS, c->name)))
            complain_at(r, c, "unsupported", "Phần tử %s chưa được hỗ trợ.",
                        "The element %s is not supported.", c->name);
    }
}

/* A pool that only shows somebody outside: modellers save an empty process for it. */
static bool is_empty(const struct kh_xml *x)
{
    for (const struct kh_xml *c = x->first; c; c = c->next)
        if (kh_str_is(c->ns, KH_BPMN_NS) && !among(described, KH_LEN(described), c->name))
            return false;
    return true;
}

static bool has_content(const struct kh_xml *root)
{
    for (const struct kh_xml *c = root->first; c; c = c->next)
        if (kh_xml_is(c, KH_BPMN_NS, "process") && !is_empty(c))
            return true;
    return false;
}

static struct kh_program *read_process(struct kh_bpmn_reader *r, const struct kh_xml *x)
{
    struct kh_program *p = kh_new(r->a, struct kh_program);

    r->p = p;
    r->node_refs = r->flow_refs = r->links = NULL;
    r->links_n = r->links_cap = 0;
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
    kh_bpmn_attrs(r, x, ",", ",nameEn,starter,");
    kh_bpmn_children(r, x, NULL, ",nameEn,starter,");
    read_content(r, x, -1, 1);
    kh_bpmn_link(r);
    return p;
}

static void check_top(struct kh_bpmn_reader *r, const struct kh_xml *c)
{
    if (kh_str_is(c->ns, KH_BPMN_NS) && !kh_str_is(c->name, "process") &&
        !listed(",message,signal,error,escalation,", c->name) &&
        !among(described_at_top, KH_LEN(described_at_top), c->name))
        complain_at(r, c, "unsupported", "Phần tử %s chưa được hỗ trợ.",
                    "The element %s is not supported.", c->name);
}

static void read_definitions(struct kh_bpmn_reader *r, struct kh_bpmn *ret)
{
    bool some = has_content(r->root);
    size_t cap = 0;

    for (const struct kh_xml *c = r->root->first; c; c = c->next) {
        check_top(r, c);
        if (!kh_xml_is(c, KH_BPMN_NS, "process") || (some && is_empty(c)))
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

bool kh_node_is_activity(const struct kh_node *n)
{
    switch (n->kind) {
    case KH_N_USER:
    case KH_N_SERVICE:
    case KH_N_HTTP:
    case KH_N_SCRIPT:
    case KH_N_RULE:
    case KH_N_SEND:
    case KH_N_RECEIVE:
    case KH_N_PASS:
    case KH_N_SUB:
    case KH_N_CALL:
        return true;
    case KH_N_START:
    case KH_N_END:
    case KH_N_THROW:
    case KH_N_CATCH:
    case KH_N_BOUNDARY:
    case KH_N_EXCLUSIVE:
    case KH_N_PARALLEL:
    case KH_N_INCLUSIVE:
    case KH_N_CHOICE:
        break;
    }
    return false;
}

int kh_program_node(const struct kh_program *p, struct kh_str id)
{
    for (unsigned i = 0; i < p->nodes_n; i++)
        if (kh_str_eq(p->nodes[i].id, id))
            return (int)i;
    return -1;
}
