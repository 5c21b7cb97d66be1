/* SPDX-License-Identifier: Apache-2.0 */
/* Links between nodes and flows, and what a process must look like to be run. */
#include "engine/process/bpmn_read.h"

static bool is_start(const struct kh_node *n)
{
    return n->kind == KH_N_START || n->kind == KH_N_START_MESSAGE;
}

static bool is_end(const struct kh_node *n)
{
    return n->kind == KH_N_END || n->kind == KH_N_TERMINATE;
}

static bool is_boundary(const struct kh_node *n)
{
    return n->kind == KH_N_BOUNDARY_TIMER || n->kind == KH_N_BOUNDARY_MESSAGE;
}

/* Activities that can wait: only there a boundary event can ever happen. */
static bool can_wait(const struct kh_node *n)
{
    return n->kind == KH_N_USER || n->kind == KH_N_HTTP || n->kind == KH_N_SUB ||
           n->kind == KH_N_CALL;
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
}

static void resolve_hosts(struct kh_bpmn_reader *r)
{
    struct kh_program *p = r->p;
    unsigned at = 0;

    for (unsigned i = 0; i < p->nodes_n; i++) {
        struct kh_node *n = &p->nodes[i];

        if (!is_boundary(n))
            continue;
        n->host = r->node_refs[i].host.n ? kh_program_node(p, r->node_refs[i].host) : -1;
        if (n->host < 0 || p->nodes[n->host].parent != n->parent) {
            complain_at(r, n, "boundary", "Sự kiện biên %s không gắn vào hoạt động nào.",
                        "The boundary event %s is attached to nothing.", n->id);
            n->host = -1;
        } else if (!can_wait(&p->nodes[n->host])) {
            complain_at(r, n, "boundary",
                        "Sự kiện biên %s gắn vào một bước không bao giờ chờ, nên không thể xảy ra.",
                        "The boundary event %s sits on a step that never waits: it cannot happen.",
                        n->id);
        } else if ((n->timing.how == KH_T_BEFORE_DUE || n->timing.how == KH_T_AFTER_DUE) &&
                   p->nodes[n->host].timing.how == KH_T_NONE) {
            complain_at(r, n, "timer", "Sự kiện %s tính theo hạn, nhưng công việc không có kh:due.",
                        "The event %s counts from a deadline, but its task has no kh:due.", n->id);
        }
        p->boundary_n += n->host >= 0;
    }
    p->boundary = kh_new_n(r->a, p->boundary_n, unsigned);
    for (unsigned h = 0; h < p->nodes_n; h++) {
        p->nodes[h].boundary_first = at;
        for (unsigned i = 0; can_wait(&p->nodes[h]) && i < p->nodes_n; i++)
            if (p->nodes[i].host == (int)h)
                p->boundary[at++] = i;
        p->nodes[h].boundary_n = at - p->nodes[h].boundary_first;
    }
    p->boundary_n = at;
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
    bool entered = is_start(n) || is_boundary(n);

    if (entered && n->in_n)
        complain_at(r, n, "flow", "Không luồng nào được đi vào %s.", "No flow may enter %s.",
                    n->id);
    if (!entered && !n->in_n)
        complain_at(r, n, "flow", "Thiếu luồng đi vào %s.", "No flow enters %s.", n->id);
    if (is_end(n) && n->out_n)
        complain_at(r, n, "flow", "Không luồng nào được đi ra từ %s.", "No flow may leave %s.",
                    n->id);
    if (!is_end(n) && !n->out_n)
        complain_at(r, n, "flow", "Thiếu luồng đi ra từ %s.", "No flow leaves %s.", n->id);
    if (n->kind == KH_N_EXCLUSIVE) {
        check_gateway(r, index);
        return;
    }
    for (unsigned k = 0; k < n->out_n; k++) {
        const struct kh_flow *f = &p->flows[p->out[n->out_first + k]];

        if (f->condition.text.n)
            complain_at(r, f, "condition", "Điều kiện chỉ đặt ở luồng sau cổng loại trừ (%s).",
                        "Conditions belong on flows behind an exclusive gateway (%s).", f->id);
    }
}

/* Starts of the process (parent -1) or of a sub-process. */
static void check_starts(struct kh_bpmn_reader *r, int parent, unsigned line, unsigned column,
                         struct kh_str id, int *ret_start)
{
    struct kh_program *p = r->p;
    unsigned none = 0, messages = 0;

    for (unsigned i = 0; i < p->nodes_n; i++) {
        const struct kh_node *n = &p->nodes[i];

        if (n->parent != parent)
            continue;
        if (n->kind == KH_N_START && none++ == 0)
            *ret_start = (int)i;
        messages += n->kind == KH_N_START_MESSAGE;
        if (n->kind == KH_N_START_MESSAGE && parent >= 0)
            complain_at(r, n, "start", "Quy trình con không bắt đầu bằng thông điệp (%s).",
                        "A sub-process does not start by a message (%s).", n->id);
    }
    if (none > 1)
        kh_bpmn_complain(r, line, column, "start", "%s có nhiều hơn một điểm bắt đầu thường.",
                         "%s has more than one plain start event.", id);
    if (none + messages == 0)
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
    while (n) {
        const struct kh_node *node = &p->nodes[stack[--n]];

        for (unsigned k = 0; k < node->out_n; k++)
            reach(seen, stack, &n, p->flows[p->out[node->out_first + k]].to);
        for (unsigned k = 0; k < node->boundary_n; k++)
            reach(seen, stack, &n, (int)p->boundary[node->boundary_first + k]);
        reach(seen, stack, &n, node->start);
    }
    for (unsigned i = 0; i < p->nodes_n; i++)
        if (!seen[i] && (p->nodes[i].in_n || is_start(&p->nodes[i])) && !is_boundary(&p->nodes[i]))
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
    resolve_hosts(r);
    check_starts(r, -1, x->line, x->column, p->key, &p->start);
    for (unsigned i = 0; i < p->nodes_n; i++) {
        if (p->nodes[i].kind == KH_N_SUB)
            check_starts(r, (int)i, p->nodes[i].line, p->nodes[i].column, p->nodes[i].id,
                         &p->nodes[i].start);
        check_flows_of(r, i);
    }
    check_reachable(r);
}
