/* SPDX-License-Identifier: Apache-2.0 */
/* Links between nodes and flows, and what a process must look like to be run. */
#include "engine/process/bpmn_read.h"

static bool is_start(const struct kh_node *n)
{
    return n->kind == KH_N_START;
}

static bool is_boundary(const struct kh_node *n)
{
    return n->kind == KH_N_BOUNDARY;
}

/* Entered by something else than a flow. */
static bool is_beginning(const struct kh_node *n)
{
    return is_start(n) || is_boundary(n) || n->undoes || n->by_event ||
           (n->kind == KH_N_CATCH && n->event == KH_EV_LINK);
}

/* Nothing goes on from here by a flow. */
static bool is_ending(const struct kh_node *n)
{
    return n->kind == KH_N_END || n->undoes || n->by_event ||
           (n->kind == KH_N_THROW && n->event == KH_EV_LINK) ||
           (is_boundary(n) && n->event == KH_EV_COMPENSATE);
}

static void unique_ids(struct kh_bpmn_reader *r)
{
    const struct kh_program *p = r->p;

    for (unsigned i = 0; i < p->nodes_n; i++)
        if (p->nodes[i].id.n && kh_program_node(p, p->nodes[i].id) != (int)i)
            complain_at(r, &p->nodes[i], "id", "Có hai nút cùng id %s.",
                        "Two nodes have the id %s.", p->nodes[i].id);
}

static void resolve_flows(struct kh_bpmn_reader *r)
{
    struct kh_program *p = r->p;

    for (unsigned i = 0; i < p->flows_n; i++) {
        struct kh_flow *f = &p->flows[i];
        const struct kh_bpmn_refs *refs = &r->flow_refs[i];

        bool good = false;

        f->from = refs->from.n ? kh_program_node(p, refs->from) : -1;
        f->to = refs->to.n ? kh_program_node(p, refs->to) : -1;
        if (f->from < 0 || f->to < 0)
            complain_at(r, f, "flow", "Luồng %s không nối hai nút có thật.",
                        "The flow %s does not join two nodes that exist.", f->id);
        else if (p->nodes[f->from].parent != refs->parent || p->nodes[f->to].parent != refs->parent)
            complain_at(r, f, "flow", "Luồng %s không được vượt ranh giới quy trình con.",
                        "The flow %s must not cross the border of a sub-process.", f->id);
        else
            good = true;
        if (good)
            p->nodes[f->from].out_n++;
        else
            f->from = f->to = -1;
    }
}

/* Group the flows by source, in the order of the file. */
static void group_flows(struct kh_bpmn_reader *r)
{
    struct kh_program *p = r->p;
    unsigned at = 0;

    p->out = kh_new_n(r->a, p->flows_n, unsigned);
    p->in = kh_new_n(r->a, p->flows_n, unsigned);
    for (unsigned i = 0; i < p->nodes_n; i++) {
        p->nodes[i].out_first = at;
        at += p->nodes[i].out_n;
        p->nodes[i].out_n = 0;
    }
    for (unsigned i = 0; i < p->flows_n; i++) {
        struct kh_flow *f = &p->flows[i];

        if (f->from < 0)
            continue;
        p->out[p->nodes[f->from].out_first + p->nodes[f->from].out_n++] = i;
        f->slot = p->nodes[f->to].in_n++;
    }
    at = 0;
    for (unsigned i = 0; i < p->nodes_n; i++) {
        p->nodes[i].in_first = at;
        at += p->nodes[i].in_n;
    }
    for (unsigned i = 0; i < p->flows_n; i++)
        if (p->flows[i].to >= 0)
            p->in[p->nodes[p->flows[i].to].in_first + p->flows[i].slot] = i;
}

static void check_gateway(struct kh_bpmn_reader *r, unsigned index)
{
    struct kh_program *p = r->p;
    struct kh_node *n = &p->nodes[index];
    struct kh_str fallback = r->node_refs[index].fallback;

    for (unsigned k = 0; k < n->out_n; k++) {
        unsigned fi = p->out[n->out_first + k];
        const struct kh_flow *f = &p->flows[fi];

        if (fallback.n && kh_str_eq(f->id, fallback)) {
            n->fallback = (int)fi;
            if (f->condition.feel)
                complain_at(r, f, "default", "Luồng mặc định %s không được có điều kiện.",
                            "The default flow %s must not have a condition.", f->id);
        } else if (n->out_n > 1 && !f->condition.text.n) {
            complain_at(r, f, "condition", "Luồng %s cần điều kiện, hoặc phải là mặc định.",
                        "The flow %s needs a condition, or to be the default.", f->id);
        } else if (n->out_n == 1 && f->condition.feel) {
            complain_at(r, f, "condition",
                        "Điều kiện ở luồng duy nhất %s có thể làm kẹt quy trình.",
                        "A condition on the only flow %s can leave the process stuck.", f->id);
        }
    }
    if (fallback.n && n->fallback < 0)
        complain_at(r, n, "default", "Luồng mặc định %s không đi ra từ cổng này.",
                    "The default flow %s does not leave this gateway.", fallback);
    if (!fallback.n && n->out_n > 1)
        complain_at(r, n, "default", "Cổng %s cần một luồng mặc định.",
                    "The gateway %s needs a default flow.", n->id);
}

static void check_flows_of(struct kh_bpmn_reader *r, unsigned index)
{
    struct kh_program *p = r->p;
    struct kh_node *n = &p->nodes[index];
    bool entered = is_beginning(n);

    if (entered && n->in_n)
        complain_at(r, n, "flow", "Không luồng nào được đi vào %s.", "No flow may enter %s.",
                    n->id);
    if (!entered && !n->in_n)
        complain_at(r, n, "flow", "Thiếu luồng đi vào %s.", "No flow enters %s.", n->id);
    if (is_ending(n) && n->out_n)
        complain_at(r, n, "flow", "Không luồng nào được đi ra từ %s.", "No flow may leave %s.",
                    n->id);
    if (!is_ending(n) && !n->out_n)
        complain_at(r, n, "flow", "Thiếu luồng đi ra từ %s.", "No flow leaves %s.", n->id);
    if (n->kind == KH_N_EXCLUSIVE || n->kind == KH_N_INCLUSIVE) {
        check_gateway(r, index);
        return;
    }
    for (unsigned k = 0; k < n->out_n; k++) {
        const struct kh_flow *f = &p->flows[p->out[n->out_first + k]];

        if (f->condition.text.n)
            complain_at(
                r, f, "condition", "Điều kiện chỉ đặt ở luồng sau cổng loại trừ hoặc bao gồm (%s).",
                "Conditions belong on flows behind exclusive or inclusive gateways (%s).", f->id);
    }
}

/* Starts of the process (parent -1) or of a sub-process. */
static void check_starts(struct kh_bpmn_reader *r, int parent, unsigned line, unsigned column,
                         struct kh_str id, int *ret_start)
{
    struct kh_program *p = r->p;
    bool reacts = parent >= 0 && p->nodes[parent].by_event;
    unsigned none = 0, others = 0;

    for (unsigned i = 0; i < p->nodes_n; i++) {
        const struct kh_node *n = &p->nodes[i];
        bool plain = n->event == KH_EV_NONE;

        if (n->parent != parent || !is_start(n))
            continue;
        none += plain;
        others += !plain;
        if ((reacts || plain) && *ret_start < 0)
            *ret_start = (int)i;
        if (!plain && parent >= 0 && !reacts)
            complain_at(r, n, "start", "Quy trình con chỉ có điểm bắt đầu thường (%s).",
                        "A sub-process starts by a plain start event only (%s).", n->id);
    }
    if (reacts && none + others > 1)
        kh_bpmn_complain(r, line, column, "start", "%s có nhiều hơn một điểm bắt đầu.",
                         "%s has more than one start event.", id);
    else if (none > 1)
        kh_bpmn_complain(r, line, column, "start", "%s có nhiều hơn một điểm bắt đầu thường.",
                         "%s has more than one plain start event.", id);
    if (none + others == 0)
        kh_bpmn_complain(r, line, column, "start", "%s không có điểm bắt đầu.",
                         "%s has no start event.", id);
}

static void reach(bool *seen, unsigned *stack, unsigned *n, int node)
{
    if (node >= 0 && !seen[node]) {
        seen[node] = true;
        stack[(*n)++] = (unsigned)node;
    }
}

static void check_reachable(struct kh_bpmn_reader *r)
{
    struct kh_program *p = r->p;
    bool *seen = kh_new_n(r->a, p->nodes_n, bool);
    unsigned *stack = kh_new_n(r->a, p->nodes_n, unsigned), n = 0;

    for (unsigned i = 0; i < p->nodes_n; i++)
        if (is_start(&p->nodes[i]) && p->nodes[i].parent < 0)
            reach(seen, stack, &n, (int)i);
    for (unsigned i = 0; i < p->reacts_top_n; i++)
        reach(seen, stack, &n, (int)p->reacts[i]);
    while (n) {
        const struct kh_node *node = &p->nodes[stack[--n]];

        for (unsigned k = 0; k < node->out_n; k++)
            reach(seen, stack, &n, p->flows[p->out[node->out_first + k]].to);
        for (unsigned k = 0; k < node->boundary_n; k++)
            reach(seen, stack, &n, (int)p->boundary[node->boundary_first + k]);
        for (unsigned k = 0; k < node->reacts_n; k++)
            reach(seen, stack, &n, (int)p->reacts[node->reacts_first + k]);
        reach(seen, stack, &n, node->start);
        reach(seen, stack, &n, node->undo);
        if (node->kind == KH_N_THROW && node->event == KH_EV_LINK)
            reach(seen, stack, &n, node->target);
    }
    for (unsigned i = 0; i < p->nodes_n; i++)
        if (!seen[i] && (p->nodes[i].in_n || is_beginning(&p->nodes[i])) &&
            !is_boundary(&p->nodes[i]) && !p->nodes[i].undoes)
            complain_at(r, &p->nodes[i], "unreachable", "Không đường nào dẫn tới %s.",
                        "No path leads to %s.", p->nodes[i].id);
}

void kh_bpmn_link(struct kh_bpmn_reader *r)
{
    struct kh_program *p = r->p;
    const struct kh_xml *x = r->root->first;

    while (x && !(kh_xml_is(x, KH_BPMN_NS, "process") && kh_str_eq(kh_xml_attr(x, "id"), p->key)))
        x = x->next;
    x = x ? x : r->root;
    unique_ids(r);
    resolve_flows(r);
    group_flows(r);
    check_starts(r, -1, x->line, x->column, p->key, &p->start);
    for (unsigned i = 0; i < p->nodes_n; i++)
        if (p->nodes[i].kind == KH_N_SUB)
            check_starts(r, (int)i, p->nodes[i].line, p->nodes[i].column, p->nodes[i].id,
                         &p->nodes[i].start);
    kh_bpmn_bind(r);
    for (unsigned i = 0; i < p->nodes_n; i++)
        check_flows_of(r, i);
    check_reachable(r);
}
