/* SPDX-License-Identifier: Apache-2.0 */
/* Events: what makes them happen, or what they make happen, and where each may stand. */
#include "engine/process/bpmn_read.h"

enum {
    AT_TOP = 1,   /* start of a process */
    AT_REACT = 2, /* start of an event sub-process */
    AT_END = 4,
    AT_THROW = 8,
    AT_CATCH = 16,
    AT_BOUNDARY = 32,
};

static const struct {
    const char *element;
    enum kh_event_kind event;
    unsigned where;
} definitions[] = {
    {"timerEventDefinition", KH_EV_TIMER, AT_TOP | AT_REACT | AT_CATCH | AT_BOUNDARY},
    {"messageEventDefinition", KH_EV_MESSAGE,
     AT_TOP | AT_REACT | AT_END | AT_THROW | AT_CATCH | AT_BOUNDARY},
    {"signalEventDefinition", KH_EV_SIGNAL,
     AT_TOP | AT_REACT | AT_END | AT_THROW | AT_CATCH | AT_BOUNDARY},
    {"conditionalEventDefinition", KH_EV_CONDITION, AT_REACT | AT_CATCH | AT_BOUNDARY},
    {"errorEventDefinition", KH_EV_ERROR, AT_REACT | AT_END | AT_BOUNDARY},
    {"escalationEventDefinition", KH_EV_ESCALATION, AT_REACT | AT_END | AT_THROW | AT_BOUNDARY},
    {"compensateEventDefinition", KH_EV_COMPENSATE, AT_END | AT_THROW | AT_BOUNDARY},
    {"linkEventDefinition", KH_EV_LINK, AT_THROW | AT_CATCH},
    {"terminateEventDefinition", KH_EV_TERMINATE, AT_END},
};

/* Where a node stands; 0: a start that can only be plain, which bpmn_check.c says. */
static unsigned place_of(const struct kh_program *p, const struct kh_node *n)
{
    switch (n->kind) {
    case KH_N_START:
        return n->parent < 0 ? AT_TOP : p->nodes[n->parent].by_event ? AT_REACT : 0;
    case KH_N_END:
        return AT_END;
    case KH_N_THROW:
        return AT_THROW;
    case KH_N_CATCH:
        return AT_CATCH;
    case KH_N_BOUNDARY:
        return AT_BOUNDARY;
    case KH_N_USER:
    case KH_N_SERVICE:
    case KH_N_HTTP:
    case KH_N_SCRIPT:
    case KH_N_RULE:
    case KH_N_SEND:
    case KH_N_RECEIVE:
    case KH_N_PASS:
    case KH_N_EXCLUSIVE:
    case KH_N_PARALLEL:
    case KH_N_INCLUSIVE:
    case KH_N_CHOICE:
    case KH_N_SUB:
    case KH_N_CALL:
        break;
    }
    return 0;
}

/* The one event definition inside an event. */
static const struct kh_xml *definition_of(struct kh_bpmn_reader *r, const struct kh_xml *x,
                                          struct kh_node *n)
{
    const struct kh_xml *found = NULL;
    unsigned place = place_of(r->p, n), where = 0;

    for (const struct kh_xml *c = x->first; c; c = c->next) {
        if (!kh_str_is(c->ns, KH_BPMN_NS) || c->name.n < 15 ||
            !kh_str_is(kh_str_skip(c->name, c->name.n - 15), "EventDefinition"))
            continue;
        if (found)
            complain_at(r, c, "unsupported", "Một sự kiện chỉ có một định nghĩa.",
                        "An event has one definition only.", KH_S(""));
        found = found ? found : c;
    }
    for (size_t i = 0; found && i < KH_LEN(definitions); i++) {
        if (!kh_str_is(found->name, definitions[i].element))
            continue;
        n->event = definitions[i].event;
        where = definitions[i].where;
    }
    /* One that is not known at all has been complained about as a child. */
    if (found && place && where && !(where & place))
        complain_at(r, found, "unsupported", "Phần tử %s chưa được hỗ trợ ở đây.",
                    "The element %s is not supported here.", found->name);
    return found;
}

/* What a QName names: the prefix of the own namespace may stand before the id. */
const struct kh_xml *kh_bpmn_top(const struct kh_bpmn_reader *r, const char *element,
                                 struct kh_str ref)
{
    struct kh_str rest, local = kh_str_cut(ref, ':', &rest);

    local = rest.n ? rest : local;
    for (const struct kh_xml *m = r->root->first; m && local.n; m = m->next)
        if (kh_xml_is(m, KH_BPMN_NS, element) && kh_str_eq(kh_xml_attr(m, "id"), local))
            return m;
    return NULL;
}

void kh_bpmn_message(struct kh_bpmn_reader *r, const struct kh_xml *x, const struct kh_xml *def,
                     struct kh_node *n)
{
    struct kh_str ref = kh_xml_attr(def, "messageRef"), name = kh_bpmn_ext(x, "message");
    const struct kh_xml *m = kh_bpmn_top(r, "message", ref), *z;

    name = name.n ? name : kh_xml_attr(x, "name"); /* where nothing is referred to */

    n->ref = m ? kh_xml_attr(m, "name") : name.n && !ref.n ? name : KH_S("");
    if (!n->ref.n || n->ref.n > 128)
        complain_at(r, def, "message", "Thông điệp \"%s\" không có hoặc chưa có tên.",
                    "The message \"%s\" does not exist or has no name.", ref);
    kh_bpmn_ext_expr(r, x, "correlation", &n->correlation);
    kh_bpmn_ext_expr(r, x, "case", &n->about);
    z = m ? kh_bpmn_zeebe(m, "subscription") : NULL;
    if (z && !n->correlation.text.n && kh_xml_attr(z, "correlationKey").n)
        kh_bpmn_expr(r, z, kh_xml_attr(z, "correlationKey"), &n->correlation);
}

static void read_signal(struct kh_bpmn_reader *r, const struct kh_xml *x, const struct kh_xml *def,
                        struct kh_node *n)
{
    struct kh_str ref = kh_xml_attr(def, "signalRef"), name = kh_xml_attr(x, "name");
    const struct kh_xml *s = kh_bpmn_top(r, "signal", ref);

    n->ref = s ? kh_xml_attr(s, "name") : name.n && !ref.n ? name : KH_S("");
    if (!n->ref.n || n->ref.n > 128)
        complain_at(r, def, "signal", "Tín hiệu \"%s\" không có hoặc chưa có tên.",
                    "The signal \"%s\" does not exist or has no name.", ref);
}

/* Codes of errors and escalations. A catching event may go without: it takes all. */
static void read_code(struct kh_bpmn_reader *r, const struct kh_xml *def, const char *element,
                      struct kh_node *n)
{
    bool error = n->event == KH_EV_ERROR;
    struct kh_str ref = kh_xml_attr(def, error ? "errorRef" : "escalationRef");
    const struct kh_xml *e = kh_bpmn_top(r, element, ref);
    struct kh_str code = e ? kh_xml_attr(e, error ? "errorCode" : "escalationCode") : KH_S("");

    r->p->catches = r->p->catches || (error && n->kind != KH_N_END);
    if (e && !code.n)
        code = kh_xml_attr(e, "name");
    n->ref = code.n ? code : KH_S("");
    if ((ref.n && !code.n) || code.n > 128)
        complain_at(r, def, error ? "error" : "escalation", "\"%s\" không có hoặc chưa có mã.",
                    "\"%s\" does not exist or has no code.", ref);
    else if (!ref.n && (n->kind == KH_N_END || n->kind == KH_N_THROW))
        complain_at(r, def, error ? "error" : "escalation", "Sự kiện %s cần một mã để ném ra.",
                    "The event %s needs a code to throw.", n->id);
}

static void read_condition(struct kh_bpmn_reader *r, const struct kh_xml *def, struct kh_node *n)
{
    const struct kh_xml *c = kh_xml_child(def, KH_BPMN_NS, "condition");

    if (c)
        kh_bpmn_condition(r, c, &n->condition);
    else
        complain_at(r, def, "condition", "Sự kiện %s cần một điều kiện.",
                    "The event %s needs a condition.", n->id);
}

static void read_compensation(struct kh_bpmn_reader *r, const struct kh_xml *def, unsigned index)
{
    struct kh_node *n = &r->p->nodes[index];

    r->p->undoes = true;
    r->node_refs[index].target = kh_xml_attr(def, "activityRef");
    if (n->kind != KH_N_BOUNDARY && kh_str_is(kh_xml_attr(def, "waitForCompletion"), "false"))
        complain_at(r, def, "unsupported", "Bù trừ luôn được chờ đến khi xong (%s).",
                    "Compensation is always waited for (%s).", n->id);
}

static void read_definition(struct kh_bpmn_reader *r, const struct kh_xml *x,
                            const struct kh_xml *def, unsigned index)
{
    struct kh_node *n = &r->p->nodes[index];

    kh_bpmn_attrs(
        r, def, ",messageRef,signalRef,errorRef,escalationRef,activityRef,waitForCompletion,", ",");
    kh_bpmn_children(r, def,
                     ",timeDuration,timeDate,timeCycle,condition,operationRef,source,target,", ",");
    switch (n->event) {
    case KH_EV_NONE:
    case KH_EV_TERMINATE:
        break;
    case KH_EV_TIMER:
        kh_bpmn_timer(r, x, def, n);
        break;
    case KH_EV_MESSAGE:
        kh_bpmn_message(r, x, def, n);
        break;
    case KH_EV_SIGNAL:
        read_signal(r, x, def, n);
        break;
    case KH_EV_CONDITION:
        r->p->conditions = true;
        read_condition(r, def, n);
        break;
    case KH_EV_ERROR:
        read_code(r, def, "error", n);
        break;
    case KH_EV_ESCALATION:
        read_code(r, def, "escalation", n);
        break;
    case KH_EV_COMPENSATE:
        read_compensation(r, def, index);
        break;
    case KH_EV_LINK:
        n->ref = kh_xml_attr(def, "name");
        if (!n->ref.n || n->ref.n > 128)
            complain_at(r, def, "link", "Liên kết %s cần một tên.", "The link %s needs a name.",
                        n->id);
        break;
    }
}

static bool says_false(struct kh_bpmn_reader *r, const struct kh_xml *x, const char *name)
{
    struct kh_str v = kh_xml_attr(x, name);

    if (v.n && !kh_str_is(v, "false") && !kh_str_is(v, "true"))
        complain_at(r, x, "unsupported", "Phải là true hoặc false, không phải %s.",
                    "It is true or false, not %s.", v);
    return kh_str_is(v, "false");
}

void kh_bpmn_event(struct kh_bpmn_reader *r, const struct kh_xml *x, unsigned index)
{
    struct kh_node *n = &r->p->nodes[index];
    bool boundary = n->kind == KH_N_BOUNDARY, start = n->kind == KH_N_START, stays;
    const struct kh_xml *def = definition_of(r, x, n);

    stays =
        boundary ? says_false(r, x, "cancelActivity") : start && says_false(r, x, "isInterrupting");
    n->interrupting = !stays;
    if (stays && start && place_of(r->p, n) != AT_REACT)
        complain_at(r, x, "unsupported", "Chỉ quy trình con theo sự kiện mới không ngắt được (%s).",
                    "Only an event sub-process can start without interrupting (%s).", n->id);
    if (stays && n->event == KH_EV_ERROR)
        complain_at(r, x, "unsupported", "Lỗi luôn ngắt (%s).", "An error always interrupts (%s).",
                    n->id);
    if (boundary)
        r->node_refs[index].host = kh_xml_attr(x, "attachedToRef");
    if (!def && (n->kind == KH_N_CATCH || boundary || place_of(r->p, n) == AT_REACT))
        complain_at(r, x, "unsupported", "Sự kiện %s cần cho biết nó chờ điều gì.",
                    "The event %s has to say what it waits for.", n->id);
    if (def)
        read_definition(r, x, def, index);
    kh_bpmn_mappings(r, x, n);
    if (n->inputs_n && n->event != KH_EV_MESSAGE && n->event != KH_EV_SIGNAL &&
        n->event != KH_EV_ERROR && n->event != KH_EV_ESCALATION)
        complain_at(r, x, "extension", "Phần tử kh:%s không có ở đây.",
                    "There is no element kh:%s here.", KH_S("input"));
}
