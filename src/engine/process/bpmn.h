/* SPDX-License-Identifier: Apache-2.0 */
/**
 * process/bpmn -- a BPMN 2.0 process compiled into an immutable program.
 *
 * Nodes and flows are numbered in the order of the file; the program never changes and is shared by
 * all threads. What the engine does not do is refused here, never ignored. docs/PROCESSES.md is the
 * page for authors of models.
 *
 * Extensions live in the namespace https://khue.vn/bpmn, as attributes of the element or as children
 * of its <extensionElements>; docs/PROCESSES.md lists them.
 *
 * Owns   nothing.
 * Used   by run.c and its neighbours; api shows the diagram from the XML itself.
 * Source OMG formal/2013-12-09 (BPMN 2.0.2), common executable subclass in part.
 */
#ifndef KH_PROCESS_BPMN_H
#define KH_PROCESS_BPMN_H

#include "base/json.h"
#include "engine/process/feel/feel.h"
#include "engine/process/span.h"

struct kh_schema;

#define KH_BPMN_NS "http://www.omg.org/spec/BPMN/20100524/MODEL"
#define KH_BPMN_KH "https://khue.vn/bpmn"

enum kh_node_kind {
    KH_N_START,
    KH_N_END,
    KH_N_THROW, /**< intermediate */
    KH_N_CATCH, /**< intermediate */
    KH_N_BOUNDARY,
    KH_N_USER,
    KH_N_SERVICE,
    KH_N_HTTP,
    KH_N_SCRIPT,
    KH_N_RULE,
    KH_N_SEND,
    KH_N_RECEIVE,
    KH_N_PASS, /**< a manual task or one without a type: nothing that a machine would do */
    KH_N_EXCLUSIVE,
    KH_N_PARALLEL,
    KH_N_INCLUSIVE,
    KH_N_CHOICE, /**< event-based gateway */
    KH_N_SUB,
    KH_N_CALL,
};

/** What makes an event happen, or what it makes happen. */
enum kh_event_kind {
    KH_EV_NONE,
    KH_EV_TIMER,
    KH_EV_MESSAGE,
    KH_EV_SIGNAL,
    KH_EV_CONDITION,
    KH_EV_ERROR,
    KH_EV_ESCALATION,
    KH_EV_COMPENSATE,
    KH_EV_LINK,
    KH_EV_TERMINATE,
};

/** Names outside the variables that an expression reads. */
enum kh_reads {
    KH_READS_CASE = 1,
    KH_READS_WHO = 2,
    KH_READS_NOW = 4,
    KH_READS_TASK = 8,
    KH_READS_RESULT = 16,
};

struct kh_expr {
    const struct kh_feel *feel; /**< NULL: absent */
    struct kh_str text;
    unsigned reads; /**< of enum kh_reads */
    unsigned line, column;
};

struct kh_mapping {
    struct kh_str name;
    struct kh_expr value;
};

/** A length of time or an instant, as a literal or computed. */
struct kh_timing {
    enum {
        KH_T_NONE,
        KH_T_SPAN,
        KH_T_CYCLE,
        KH_T_INSTANT, /**< a literal one */
        KH_T_EXPR,
        KH_T_BEFORE_DUE,
        KH_T_AFTER_DUE,
    } how;
    struct kh_span span;
    int64_t times;      /**< KH_T_CYCLE: how often, -1 for ever */
    int64_t instant_us; /**< KH_T_INSTANT */
    struct kh_expr expr;
    struct kh_str calendar; /**< "": plain time */
};

struct kh_http_call {
    struct kh_str method;
    struct kh_str url; /**< literal, or empty and: */
    struct kh_expr url_expr;
    unsigned retries;
    int64_t backoff_us;
    unsigned timeout_s;
};

/** How an activity is repeated. */
struct kh_loop {
    enum {
        KH_L_LOOP,       /**< one after the other, as long as a condition holds */
        KH_L_PARALLEL,   /**< multi-instance, all at once */
        KH_L_SEQUENTIAL, /**< multi-instance, one after the other */
    } how;
    bool before;                /**< KH_L_LOOP: the condition is asked before the first round too */
    unsigned max;               /**< KH_L_LOOP: rounds; 0: not said */
    struct kh_expr condition;   /**< KH_L_LOOP: go on; else: that is enough */
    struct kh_expr cardinality; /**< how many, or: */
    struct kh_expr collection;
    struct kh_str element; /**< variable of each instance that holds its item, or "" */
    struct kh_str gather;  /**< variable that gets a list of: */
    struct kh_expr output;
};

/** One flow node. Which members are set follows from kind and event. */
struct kh_node {
    enum kh_node_kind kind;
    enum kh_event_kind event;
    struct kh_str id, name_vi, name_en;
    unsigned line, column;
    int parent;                          /**< sub-process that it lies in, or -1 */
    int host;                            /**< boundary event: the activity that it sits on, or -1 */
    bool interrupting;                   /**< boundary event, start of an event sub-process */
    bool by_event;                       /**< event sub-process */
    bool undoes;                         /**< activity that is there for compensation only */
    unsigned out_first, out_n;           /**< into kh_program.out */
    unsigned in_first, in_n;             /**< into kh_program.in */
    int fallback;                        /**< default flow, or -1 */
    unsigned boundary_first, boundary_n; /**< into kh_program.boundary: events on this activity */
    unsigned reacts_first, reacts_n;     /**< into kh_program.reacts: event sub-processes inside */
    int start;                           /**< sub-process: its start event */
    int target;     /**< link thrown: where it is caught; boundary compensation: its activity;
                         compensation thrown: the one activity, or -1 */
    int undo;       /**< activity: what compensates it, or -1 */
    unsigned armed; /**< bits 1 << kh_event_kind of what waits while a token is here */
    struct kh_str role;
    struct kh_expr unit, owner;
    struct kh_timing timing; /**< due of a task, or when a timer fires */
    const struct kh_json *form;
    struct kh_str form_text;      /**< form as compact JSON, written once for all replies */
    struct kh_schema *form_check; /**< form, compiled; NULL without one */
    struct kh_str form_type;      /**< name of a loaded type, or "" */
    struct kh_str function;       /**< service; called process of a call activity; decision ref */
    struct kh_str decision;       /**< decision inside ref, or "" */
    struct kh_expr script;
    struct kh_str result;
    const struct kh_mapping *inputs, *outputs;
    unsigned inputs_n, outputs_n;
    const struct kh_http_call *http;
    struct kh_str ref; /**< name of a message, signal or link; code of an error or escalation, ""
                            catches all */
    struct kh_expr correlation;
    struct kh_expr about;       /**< message thrown: id of the case that it is for */
    struct kh_expr condition;   /**< conditional event */
    const struct kh_loop *loop; /**< NULL: once */
};

struct kh_flow {
    struct kh_str id;
    int from, to;
    unsigned slot; /**< place among the incoming flows of its target */
    struct kh_expr condition;
    unsigned line, column;
};

struct kh_program {
    int64_t id; /**< row of table process; 0 while only checked */
    int64_t version;
    unsigned line, column; /**< where it stands in the file */
    struct kh_str key, name_vi, name_en, starter;
    struct kh_node *nodes;
    unsigned nodes_n;
    struct kh_flow *flows;
    unsigned flows_n;
    unsigned *out;      /**< indexes of flows, grouped by source */
    unsigned *in;       /**< indexes of flows, grouped by target, in the order of their slots */
    unsigned *boundary; /**< indexes of nodes, grouped by host */
    unsigned boundary_n;
    unsigned *reacts; /**< event sub-processes, grouped by parent; those of the process first */
    unsigned reacts_n, reacts_top_n;
    unsigned armed;  /**< bits of what waits from the beginning to the end of an instance */
    bool inclusive;  /**< there are inclusive joins */
    bool conditions; /**< there are conditional events */
    bool undoes;     /**< there is compensation */
    bool catches;    /**< errors are caught somewhere */
    int start;       /**< none start event of the process, or -1 */
};

/** Ask whether a service function is known; NULL accepts the built-in ones and the usual others. */
typedef bool (*kh_known_fn)(const void *ctx, struct kh_str function);

/** What a file holds. */
struct kh_bpmn {
    struct kh_program **programs;
    unsigned n;
};

/**
 * Read, compile and check a BPMN file.
 *
 * @param issues  gets everything that is wrong, with pointers "line:12:5"
 * @param ret     the processes of the file, good or not; usable only if issues->n is 0
 * @param err     PROCESS_INVALID (422) with the issues, ARENA_FULL (413)
 * @return true if there is nothing wrong: end it with kh_bpmn_drop
 */
KH_CHECK
bool kh_bpmn_compile(struct kh_arena *a, struct kh_str xml, kh_known_fn known, const void *ctx,
                     struct kh_issues *issues, struct kh_bpmn *ret, struct kh_error *err);

/** End what does not live in the arena. */
void kh_bpmn_drop(const struct kh_bpmn *b);

/** @return true if the node is an activity: it works, waits or holds others, and can be repeated */
bool kh_node_is_activity(const struct kh_node *n);
/** Node by element id, or -1. */
int kh_program_node(const struct kh_program *p, struct kh_str id);

#endif
