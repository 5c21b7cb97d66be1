/* SPDX-License-Identifier: Apache-2.0 */
/* What belongs to what beyond the flows: events to activities, handlers to scopes, links to links,
 * compensation to what it compensates. */
#include "engine/process/bpmn_read.h"

enum {
    EVENTS_MAX = 60
}; /* on one activity, and event sub-processes in one scope: bits of a word */

static unsigned bit(enum kh_event_kind event)
{
    return event == KH_EV_TIMER || event == KH_EV_MESSAGE || event == KH_EV_SIGNAL ? 1u << event
                                                                                   : 0;
}

/* Activities that can wait: only there most boundary events can ever happen. */
static bool can_wait(const struct kh_node *n)
{
    return n->kind == KH_N_USER || n->kind == KH_N_HTTP || n->kind == KH_N_SUB ||
           n->kind == KH_N_CALL || n->kind == KH_N_RECEIVE;
}

/* Can the event ever happen on this activity? */
static bool can_host(const struct kh_node *host, enum kh_event_kind event)
{
    bool holds = host->kind == KH_N_SUB || host->kind == KH_N_CALL;

    if (!kh_node_is_activity(host) || host->by_event || host->undoes)
        return false;
    switch (event) {
    case KH_EV_TIMER:
    case KH_EV_MESSAGE:
    case KH_EV_SIGNAL:
    case KH_EV_CONDITION:
        return can_wait(host);
    case KH_EV_ERROR:
        return holds || host->kind == KH_N_SERVICE || host->kind == KH_N_HTTP;
    case KH_EV_ESCALATION:
        return holds;
    case KH_EV_COMPENSATE:
        return true;
    case KH_EV_NONE:
    case KH_EV_LINK:
    case KH_EV_TERMINATE:
        break;
    }
    return true; /* said to be wrong already */
}

/* ---- boundary events ---- */

static void bind_boundary(struct kh_bpmn_reader *r, unsigned index)
{
    struct kh_program *p = r->p;
    struct kh_node *n = &p->nodes[index], *host;
    struct kh_str ref = r->node_refs[index].host;

    n->host = ref.n ? kh_program_node(p, ref) : -1;
    if (n->host < 0 || p->nodes[n->host].parent != n->parent) {
        complain_at(r, n, "boundary", "Sự kiện biên %s không gắn vào hoạt động nào.",
                    "The boundary event %s is attached to nothing.", n->id);
        n->host = -1;
        return;
    }
    host = &p->nodes[n->host];
    p->boundary_n++;
    host->armed |= bit(n->event);
    if (!can_host(host, n->event))
        complain_at(r, n, "boundary",
                    "Sự kiện biên %s gắn vào một bước mà tại đó nó không thể xảy ra.",
                    "The boundary event %s sits on a step where it cannot happen.", n->id);
    else if ((n->timing.how == KH_T_BEFORE_DUE || n->timing.how == KH_T_AFTER_DUE) &&
             (host->timing.how == KH_T_NONE || host->loop))
        complain_at(
            r, n, "timer", "Sự kiện %s tính theo hạn, nhưng công việc không có kh:due (duy nhất).",
            "The event %s counts from a deadline, but its task has no kh:due (or many).", n->id);
}

static void group_boundary(struct kh_bpmn_reader *r)
{
    struct kh_program *p = r->p;
    unsigned at = 0;

    p->boundary = kh_new_n(r->a, p->boundary_n, unsigned);
    for (unsigned h = 0; h < p->nodes_n; h++) {
        struct kh_node *host = &p->nodes[h];

        host->boundary_first = at;
        for (unsigned i = 0; kh_node_is_activity(host) && i < p->nodes_n; i++)
            if (p->nodes[i].host == (int)h)
                p->boundary[at++] = i;
        host->boundary_n = at - host->boundary_first;
        if (host->boundary_n > EVENTS_MAX)
            complain_at(r, host, "limit", "Hoạt động %s có quá nhiều sự kiện biên.",
                        "The activity %s has too many boundary events.", host->id);
    }
    p->boundary_n = at;
}

/* ---- event sub-processes ---- */

static unsigned reacts_in(struct kh_bpmn_reader *r, int parent, unsigned *armed)
{
    struct kh_program *p = r->p;
    unsigned n = 0;

    for (unsigned i = 0; i < p->nodes_n; i++) {
        const struct kh_node *e = &p->nodes[i];

        if (!e->by_event || e->parent != parent)
            continue;
        p->reacts[p->reacts_n++] = i;
        n++;
        if (e->start >= 0)
            *armed |= bit(p->nodes[e->start].event);
    }
    return n;
}

static void group_reacts(struct kh_bpmn_reader *r)
{
    struct kh_program *p = r->p;

    p->reacts = kh_new_n(r->a, p->nodes_n, unsigned);
    p->reacts_top_n = reacts_in(r, -1, &p->armed);
    if (p->reacts_top_n > EVENTS_MAX)
        complain_at(r, p, "limit", "%s có quá nhiều quy trình con theo sự kiện.",
                    "%s has too many event sub-processes.", p->key);
    for (unsigned i = 0; i < p->nodes_n; i++) {
        struct kh_node *n = &p->nodes[i];

        if (n->kind != KH_N_SUB)
            continue;
        n->reacts_first = p->reacts_n;
        n->reacts_n = reacts_in(r, (int)i, &n->armed);
        if (n->reacts_n > EVENTS_MAX)
            complain_at(r, n, "limit", "%s có quá nhiều quy trình con theo sự kiện.",
                        "%s has too many event sub-processes.", n->id);
    }
}

/* ---- links ---- */

static void bind_link(struct kh_bpmn_reader *r, unsigned index)
{
    struct kh_program *p = r->p;
    struct kh_node *n = &p->nodes[index];
    unsigned found = 0;

    for (unsigned i = 0; i < p->nodes_n; i++) {
        const struct kh_node *c = &p->nodes[i];

        if (c->kind == KH_N_CATCH && c->event == KH_EV_LINK && c->parent == n->parent &&
            kh_str_eq(c->ref, n->ref) && found++ == 0)
            n->target = (int)i;
    }
    if (found != 1)
        complain_at(r, n, "link", "Liên kết \"%s\" cần đúng một nơi nhận trong cùng phạm vi.",
                    "The link \"%s\" needs exactly one place where it is caught, in its scope.",
                    n->ref);
}

/* ---- compensation ---- */

static void bind_handler(struct kh_bpmn_reader *r, unsigned index)
{
    struct kh_program *p = r->p;
    struct kh_node *n = &p->nodes[index];

    for (size_t i = 0; i < r->links_n && n->target < 0; i++)
        if (kh_str_eq(r->links[i].from, n->id))
            n->target = r->links[i].to.n ? kh_program_node(p, r->links[i].to) : -1;
    if (n->target < 0 || !p->nodes[n->target].undoes || p->nodes[n->target].parent != n->parent) {
        complain_at(r, n, "compensation",
                    "Sự kiện bù trừ %s cần một association tới hoạt động có isForCompensation.",
                    "The compensation event %s needs an association to an activity that is "
                    "isForCompensation.",
                    n->id);
        n->target = -1;
        return;
    }
    if (n->host >= 0 && p->nodes[n->host].undo >= 0)
        complain_at(r, n, "compensation", "Một hoạt động chỉ có một cách bù trừ (%s).",
                    "An activity has one compensation only (%s).", n->id);
    else if (n->host >= 0)
        p->nodes[n->host].undo = n->target;
}

/* An event sub-process compensates what its scope has done. */
static bool reaches_scope(const struct kh_program *p, int from, int scope)
{
    while (from >= 0 && from != scope && p->nodes[from].by_event)
        from = p->nodes[from].parent;
    return from == scope;
}

static void bind_thrown(struct kh_bpmn_reader *r, unsigned index)
{
    struct kh_program *p = r->p;
    struct kh_node *n = &p->nodes[index];
    struct kh_str ref = r->node_refs[index].target;
    const struct kh_node *t;

    if (!ref.n)
        return;
    n->target = kh_program_node(p, ref);
    t = n->target >= 0 ? &p->nodes[n->target] : NULL;
    if (!t || !kh_node_is_activity(t) || t->undoes || t->by_event ||
        !reaches_scope(p, n->parent, t->parent) || (t->undo < 0 && t->kind != KH_N_SUB))
        complain_at(r, n, "compensation", "activityRef \"%s\" không phải hoạt động bù trừ được.",
                    "activityRef \"%s\" is no activity that can be compensated here.", ref);
}

static void check_undoing(struct kh_bpmn_reader *r)
{
    struct kh_program *p = r->p;
    bool *used = kh_new_n(r->a, p->nodes_n, bool);

    for (unsigned i = 0; i < p->nodes_n; i++)
        if (p->nodes[i].kind == KH_N_BOUNDARY && p->nodes[i].target >= 0)
            used[p->nodes[i].target] = true;
    for (unsigned i = 0; i < p->nodes_n; i++) {
        const struct kh_node *n = &p->nodes[i];

        if (n->undoes && (!used[i] || n->by_event || n->loop))
            complain_at(r, n, "compensation",
                        "Hoạt động bù trừ %s cần một sự kiện biên bù trừ, và không lặp.",
                        "The compensating activity %s needs a compensation event, and no loop.",
                        n->id);
    }
}

/* ---- event-based gateways ---- */

static void bind_choice(struct kh_bpmn_reader *r, unsigned index)
{
    struct kh_program *p = r->p;
    struct kh_node *n = &p->nodes[index];

    for (unsigned k = 0; k < n->out_n; k++) {
        const struct kh_node *t = &p->nodes[p->flows[p->out[n->out_first + k]].to];
        bool good = t->kind == KH_N_RECEIVE ? !t->loop && t->boundary_n == 0
                                            : t->kind == KH_N_CATCH && t->event != KH_EV_LINK;

        if (!good || t->in_n != 1)
            complain_at(r, t, "gateway",
                        "Sau cổng sự kiện chỉ có sự kiện chờ hoặc việc nhận tin, mỗi nơi một luồng "
                        "vào (%s).",
                        "Behind an event-based gateway are events that wait or receive tasks, each "
                        "with one way in (%s).",
                        t->id);
        n->armed |= bit(t->kind == KH_N_RECEIVE ? KH_EV_MESSAGE : t->event);
    }
}

void kh_bpmn_bind(struct kh_bpmn_reader *r)
{
    struct kh_program *p = r->p;

    for (unsigned i = 0; i < p->nodes_n; i++)
        if (p->nodes[i].kind == KH_N_BOUNDARY)
            bind_boundary(r, i);
    group_boundary(r);
    group_reacts(r);
    for (unsigned i = 0; i < p->nodes_n; i++) {
        const struct kh_node *n = &p->nodes[i];

        p->inclusive = p->inclusive || (n->kind == KH_N_INCLUSIVE && n->in_n > 1);
        if (n->event == KH_EV_COMPENSATE && n->kind == KH_N_BOUNDARY)
            bind_handler(r, i);
        if (n->event == KH_EV_LINK && n->kind == KH_N_THROW)
            bind_link(r, i);
        if (n->kind == KH_N_CHOICE)
            bind_choice(r, i);
    }
    for (unsigned i = 0; i < p->nodes_n; i++)
        if (p->nodes[i].event == KH_EV_COMPENSATE && p->nodes[i].kind != KH_N_BOUNDARY)
            bind_thrown(r, i);
    check_undoing(r);
}
