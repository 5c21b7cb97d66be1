/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the standard, and modellers that know nothing of us, say in words of their own: who does a task,
 * and how data goes in and out. A model can be used as it was saved.
 */
#include "engine/process/bpmn_read.h"

#define CAMUNDA "http://camunda.org/schema/1.0/bpmn"
#define ZEEBE   "http://camunda.org/schema/zeebe/1.0"

const struct kh_xml *kh_bpmn_zeebe(const struct kh_xml *x, const char *element)
{
    const struct kh_xml *e = kh_xml_child(x, KH_BPMN_NS, "extensionElements");

    return e ? kh_xml_child(e, ZEEBE, element) : NULL;
}

struct kh_str kh_bpmn_camunda(const struct kh_xml *x, const char *attr)
{
    return kh_xml_attr_ns(x, CAMUNDA, attr);
}

/* ---- who does a task ---- */

/* A role is a key as the city has them, not a title; the first of several groups counts. */
static struct kh_str as_role(struct kh_str s)
{
    struct kh_str rest;

    s = kh_str_trim(kh_str_cut(kh_str_trim(s), ',', &rest));
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'))
            return KH_S("");
    }
    return s.n <= 64 ? s : KH_S("");
}

/* <potentialOwner> with <resourceAssignmentExpression><formalExpression>officer, or <resourceRef> to a
 * <resource name="officer"> of the file. */
static struct kh_str by_standard(const struct kh_xml *x)
{
    const struct kh_xml *p = kh_xml_child(x, KH_BPMN_NS, "potentialOwner"), *e, *ref;
    const struct kh_xml *root = x;

    e = p ? kh_xml_child(p, KH_BPMN_NS, "resourceAssignmentExpression") : NULL;
    e = e ? kh_xml_child(e, KH_BPMN_NS, "formalExpression") : NULL;
    ref = p ? kh_xml_child(p, KH_BPMN_NS, "resourceRef") : NULL;
    if (e || !ref)
        return e ? as_role(e->text) : KH_S("");
    while (root->parent)
        root = root->parent;
    for (const struct kh_xml *c = root->first; c; c = c->next)
        if (kh_xml_is(c, KH_BPMN_NS, "resource") &&
            kh_str_eq(kh_xml_attr(c, "id"), kh_str_trim(ref->text)))
            return as_role(kh_xml_attr(c, "name"));
    return KH_S("");
}

static struct kh_str by_vendor(const struct kh_xml *x)
{
    struct kh_str groups = kh_bpmn_camunda(x, "candidateGroups");
    const struct kh_xml *e = kh_bpmn_zeebe(x, "assignmentDefinition");

    if (!groups.n && e)
        groups = kh_xml_attr(e, "candidateGroups");
    return as_role(groups);
}

static bool holds(const struct kh_xml *lane, struct kh_str id)
{
    for (const struct kh_xml *c = lane->first; c; c = c->next)
        if (kh_xml_is(c, KH_BPMN_NS, "flowNodeRef") && kh_str_eq(kh_str_trim(c->text), id))
            return true;
    return false;
}

/* The innermost lane that the node lies in and that names a role. Depth is bounded by the file's. */
static struct kh_str in_lanes(const struct kh_xml *set, struct kh_str id)
{
    for (const struct kh_xml *lane = set->first; lane; lane = lane->next) {
        const struct kh_xml *inner;
        struct kh_str role = KH_S("");

        if (!kh_xml_is(lane, KH_BPMN_NS, "lane"))
            continue;
        inner = kh_xml_child(lane, KH_BPMN_NS, "childLaneSet");
        if (inner)
            role = in_lanes(inner, id);
        if (!role.n && holds(lane, id)) {
            role = kh_bpmn_ext(lane, "role");
            role = role.n ? role : as_role(kh_xml_attr(lane, "name"));
        }
        if (role.n)
            return role;
    }
    return KH_S("");
}

static struct kh_str by_lane(const struct kh_xml *x)
{
    for (const struct kh_xml *up = x; up->parent; up = up->parent) {
        struct kh_str id = kh_xml_attr(up, "id"), role = KH_S("");

        for (const struct kh_xml *c = up->parent->first; c && !role.n && id.n; c = c->next)
            if (kh_xml_is(c, KH_BPMN_NS, "laneSet"))
                role = in_lanes(c, id);
        if (role.n)
            return role;
    }
    return KH_S("");
}

struct kh_str kh_bpmn_performer(const struct kh_xml *x)
{
    struct kh_str role = by_standard(x);

    role = role.n ? role : by_vendor(x);
    return role.n ? role : by_lane(x);
}

/* ---- data ---- */

/* What the end of an assignment names: a data input or output of the element, or a variable. */
static struct kh_str name_of(const struct kh_xml *x, struct kh_str id)
{
    const struct kh_xml *io = kh_xml_child(x, KH_BPMN_NS, "ioSpecification");

    for (const struct kh_xml *c = io ? io->first : NULL; c; c = c->next)
        if ((kh_xml_is(c, KH_BPMN_NS, "dataInput") || kh_xml_is(c, KH_BPMN_NS, "dataOutput")) &&
            kh_str_eq(kh_xml_attr(c, "id"), id) && kh_xml_attr(c, "name").n)
            return kh_xml_attr(c, "name");
    return id;
}

static bool is_association(const struct kh_xml *c, bool output)
{
    return kh_xml_is(c, KH_BPMN_NS, output ? "dataOutputAssociation" : "dataInputAssociation");
}

/* The next element of that name behind at, within associations in one direction. */
static const struct kh_xml *next_in(const struct kh_xml *x, bool output, const char *element,
                                    const struct kh_xml *at)
{
    const struct kh_xml *of = at ? at->parent : x->first;
    const struct kh_xml *c = at ? at->next : of ? of->first : NULL;

    for (; of; of = of->next, c = of ? of->first : NULL)
        for (; c && is_association(of, output); c = c->next)
            if (kh_xml_is(c, KH_BPMN_NS, element))
                return c;
    return NULL;
}

static bool standard_assignment(const struct kh_xml *x, bool output, const struct kh_xml **at,
                                struct kh_str *ret_name, struct kh_str *ret_from)
{
    const struct kh_xml *a = next_in(x, output, "assignment", *at), *from, *to;

    if (!a)
        return false;
    from = kh_xml_child(a, KH_BPMN_NS, "from");
    to = kh_xml_child(a, KH_BPMN_NS, "to");
    *ret_from = from ? from->text : KH_S("");
    *ret_name = to ? name_of(x, kh_str_trim(to->text)) : KH_S("");
    *at = a;
    return true;
}

/* <zeebe:ioMapping><zeebe:input source="= a" target="b"/> */
static const struct kh_xml *next_zeebe(const struct kh_xml *x, bool output, const struct kh_xml *at)
{
    const struct kh_xml *io = kh_bpmn_zeebe(x, "ioMapping");
    const struct kh_xml *c = at ? at->next : io ? io->first : NULL;

    while (c && !kh_xml_is(c, ZEEBE, output ? "output" : "input"))
        c = c->next;
    return c;
}

bool kh_bpmn_assignment(const struct kh_xml *x, bool output, const struct kh_xml **at,
                        struct kh_str *ret_name, struct kh_str *ret_from)
{
    bool foreign = *at && kh_str_is((*at)->ns, ZEEBE);
    const struct kh_xml *z;

    if (!foreign && standard_assignment(x, output, at, ret_name, ret_from))
        return true;
    z = next_zeebe(x, output, foreign ? *at : NULL);
    if (!z)
        return false;
    *at = z;
    *ret_name = kh_xml_attr(z, "target");
    *ret_from = kh_xml_attr(z, "source");
    return true;
}

static void refuse(struct kh_bpmn_reader *r, const struct kh_xml *x, bool output,
                   const char *element)
{
    const struct kh_xml *at = next_in(x, output, element, NULL);

    if (at)
        complain_at(r, at, "unsupported", "Phần tử %s chưa được hỗ trợ ở đây.",
                    "The element %s is not supported here.", at->name);
}

static bool maps_in(const struct kh_node *n)
{
    return n->kind == KH_N_SERVICE || n->kind == KH_N_RULE || n->kind == KH_N_CALL ||
           n->kind == KH_N_SEND || n->kind == KH_N_THROW || n->kind == KH_N_END;
}

static bool maps_out(const struct kh_node *n)
{
    return n->kind == KH_N_SERVICE || n->kind == KH_N_RULE || n->kind == KH_N_CALL ||
           n->kind == KH_N_SEND || n->kind == KH_N_RECEIVE || n->kind == KH_N_CATCH ||
           n->kind == KH_N_START || n->kind == KH_N_BOUNDARY || n->kind == KH_N_USER;
}

/* An association that only joins an element to a data object is drawing; one that computes is read as
 * a mapping, or refused where there is none. */
void kh_bpmn_data(struct kh_bpmn_reader *r, const struct kh_xml *x, const struct kh_node *n)
{
    refuse(r, x, false, "transformation");
    refuse(r, x, true, "transformation");
    if (!maps_in(n))
        refuse(r, x, false, "assignment");
    if (!maps_out(n))
        refuse(r, x, true, "assignment");
}
