/* SPDX-License-Identifier: Apache-2.0 */
/**
 * process/bpmn_read -- what reading, compiling and checking a BPMN file share.
 *
 * Owns   nothing.
 * Used   by bpmn_read.c, bpmn_parts.c and bpmn_check.c only.
 */
#ifndef KH_PROCESS_BPMN_READ_H
#define KH_PROCESS_BPMN_READ_H

#include "engine/process/bpmn.h"
#include "engine/process/xml.h"

enum {
    KH_BPMN_NODES = 2000, /* of one process */
    KH_BPMN_FLOWS = 4000,
    KH_BPMN_DEPTH = 8, /* sub-processes inside each other */
};

/* References by id of a node or flow that are resolved once everything is read. */
struct kh_bpmn_refs {
    struct kh_str fallback, host, target; /* of a node */
    struct kh_str from, to;               /* of a flow */
    int parent;                           /* of a flow: the sub-process that holds it */
};

struct kh_bpmn_reader {
    struct kh_arena *a;
    struct kh_issues *issues;
    kh_known_fn known;
    const void *known_ctx;
    const struct kh_xml *root;
    struct kh_program *p; /* being read */
    struct kh_bpmn_refs *node_refs, *flow_refs;
    struct kh_bpmn_refs *links; /* associations */
    size_t links_n, links_cap;
    size_t nodes_cap, flows_cap, node_refs_cap, flow_refs_cap;
};

/* Complain at an element; %.*s in vi and en stands for what. */
void kh_bpmn_complain(struct kh_bpmn_reader *r, unsigned line, unsigned column, const char *code,
                      const char *vi, const char *en, struct kh_str what);
#define complain_at(r, x, code, vi, en, what)                                                      \
    kh_bpmn_complain((r), (x)->line, (x)->column, (code), (vi), (en), (what))

/* What is not in its table is refused: attributes, kh: names, children. Lists begin, end and are
 * separated with commas. */
void kh_bpmn_attrs(struct kh_bpmn_reader *r, const struct kh_xml *x, const char *attrs,
                   const char *ext);
void kh_bpmn_children(struct kh_bpmn_reader *r, const struct kh_xml *x, const char *children,
                      const char *ext);

/* bpmn_parts.c: the insides of a node */
struct kh_str kh_bpmn_ext(const struct kh_xml *x, const char *name);
const struct kh_xml *kh_bpmn_ext_child(const struct kh_xml *x, const char *name);
void kh_bpmn_expr(struct kh_bpmn_reader *r, const struct kh_xml *at, struct kh_str text,
                  struct kh_expr *ret);
/* The same with a look at the language that it says it is in. */
void kh_bpmn_condition(struct kh_bpmn_reader *r, const struct kh_xml *at, struct kh_expr *ret);
/* An expression in an extension, if it is there. */
void kh_bpmn_ext_expr(struct kh_bpmn_reader *r, const struct kh_xml *x, const char *name,
                      struct kh_expr *ret);
void kh_bpmn_mappings(struct kh_bpmn_reader *r, const struct kh_xml *x, struct kh_node *n);
bool kh_bpmn_name_ok(struct kh_str s);
void kh_bpmn_user(struct kh_bpmn_reader *r, const struct kh_xml *x, struct kh_node *n);
void kh_bpmn_service(struct kh_bpmn_reader *r, const struct kh_xml *x, struct kh_node *n);
void kh_bpmn_script(struct kh_bpmn_reader *r, const struct kh_xml *x, struct kh_node *n);
void kh_bpmn_rule(struct kh_bpmn_reader *r, const struct kh_xml *x, struct kh_node *n);
void kh_bpmn_call(struct kh_bpmn_reader *r, const struct kh_xml *x, struct kh_node *n);
void kh_bpmn_send(struct kh_bpmn_reader *r, const struct kh_xml *x, struct kh_node *n);
void kh_bpmn_receive(struct kh_bpmn_reader *r, const struct kh_xml *x, struct kh_node *n);
void kh_bpmn_timer(struct kh_bpmn_reader *r, const struct kh_xml *x, const struct kh_xml *def,
                   struct kh_node *n);

/* bpmn_event.c */
void kh_bpmn_event(struct kh_bpmn_reader *r, const struct kh_xml *x, unsigned index);
void kh_bpmn_message(struct kh_bpmn_reader *r, const struct kh_xml *x, const struct kh_xml *def,
                     struct kh_node *n);
/* The message, signal, error or escalation that a reference names, or NULL. */
const struct kh_xml *kh_bpmn_top(const struct kh_bpmn_reader *r, const char *element,
                                 struct kh_str ref);

/* bpmn_loop.c */
void kh_bpmn_loop(struct kh_bpmn_reader *r, const struct kh_xml *x, struct kh_node *n);

/* bpmn_import.c: what the standard and other modellers say in words of their own */
void kh_bpmn_data(struct kh_bpmn_reader *r, const struct kh_xml *x, const struct kh_node *n);
/* Assignments of the data associations of an element, one after the other: name and text.
 * @param at   of the last; NULL to begin */
bool kh_bpmn_assignment(const struct kh_xml *x, bool output, const struct kh_xml **at,
                        struct kh_str *ret_name, struct kh_str *ret_from);
/* What Camunda 8 keeps in an extension element, Camunda 7 in an attribute. */
const struct kh_xml *kh_bpmn_zeebe(const struct kh_xml *x, const char *element);
struct kh_str kh_bpmn_camunda(const struct kh_xml *x, const char *attr);
/* The role that a user task is given by the standard, a known vendor or its lane; or "". */
struct kh_str kh_bpmn_performer(const struct kh_xml *x);

/* bpmn_graph.c: who belongs to whom */
void kh_bpmn_bind(struct kh_bpmn_reader *r);

/* bpmn_check.c: links and structure, once all nodes and flows are read */
void kh_bpmn_link(struct kh_bpmn_reader *r);

#endif
