/* SPDX-License-Identifier: Apache-2.0 */
/**
 * dmn/model -- the inside of a compiled decision model, and what its files ask of each other.
 *
 * Owns   nothing.
 * Used   by dmn/ only.
 */
#ifndef KH_DMN_MODEL_H
#define KH_DMN_MODEL_H

#include "engine/process/dmn/dmn.h"
#include "engine/process/feel/builtin.h"
#include "engine/process/feel/compile.h"
#include "engine/process/feel/eval.h"
#include "engine/process/xml.h"

enum dmn_kind { DMN_INPUT, DMN_DECISION, DMN_BKM, DMN_SERVICE };

struct dmn_file;

/** Something that an element needs, and the name under which its logic sees it. */
struct dmn_need {
    uint32_t element;
    const struct dmn_import *import; /**< NULL: in the same file, seen by its own name */
};

/** Where a variable of an element's logic gets its value from. */
enum dmn_from { DMN_FROM_NOWHERE, DMN_FROM_ELEMENT, DMN_FROM_IMPORT, DMN_FROM_SELF };

struct dmn_bind {
    enum dmn_from from;
    uint32_t element;
    const struct dmn_import *import;
};

/** Input data, a decision, a business knowledge model or a decision service. */
struct dmn_element {
    enum dmn_kind kind;
    const struct dmn_file *file;
    const struct kh_xml *xml;
    struct kh_str id, name;
    struct kh_str variable;       /**< name of its variable, which should be the same */
    const struct feel_type *type; /**< of its variable; NULL: Any */
    struct dmn_need *needs;
    size_t needs_n, needs_cap;
    const struct kh_feel *logic; /**< NULL: none */
    struct dmn_bind *binds;      /**< one per variable of the logic */
    /* a service: */
    uint32_t *in_data, *in_decisions, *out;
    size_t in_data_n, in_decisions_n, out_n;
    const struct feel_fn *fn; /**< the service as a function */
};

struct dmn_import {
    struct kh_str name, ns;
    const struct dmn_file *file; /**< NULL: not given */
};

struct dmn_item {
    struct kh_str name;
    const struct kh_xml *xml;
    struct feel_type *type;
    int state; /**< 0 unread, 1 being read, 2 read */
};

/** One XML file of the model: the first is the model itself. */
struct dmn_file {
    struct kh_dmn *model;
    const struct kh_xml *root;
    struct kh_str dmn_ns; /**< which version: elements of other namespaces are extensions */
    struct kh_str ns, name;
    struct dmn_import *imports;
    size_t imports_n;
    struct dmn_item *items;
    size_t items_n;
    struct feel_names item_names; /**< sym->input is the number of the item, from 1 */
};

struct kh_dmn {
    struct kh_arena *a;
    struct dmn_file *files;
    size_t files_n;
    struct dmn_element *elements;
    size_t n, cap;
    struct feel_names members; /**< names of components, entries, outputs */
};

/** A decision table (FN_TABLE). */
struct dmn_input {
    const struct feel_node *expr;
    const struct feel_node *values; /**< tests, or NULL */
    uint32_t slot;
};

struct dmn_output {
    struct kh_str name;
    const struct feel_node *values; /**< tests in order of priority, or NULL */
    const struct feel_node *fallback;
    uint32_t slot; /**< of the value that values are tried on */
};

struct dmn_table {
    char policy;    /**< U A P F C R O */
    char aggregate; /**< + # < > or 0 */
    const struct dmn_input *inputs;
    const struct dmn_output *outputs;
    const struct feel_node *const *tests;   /**< rule by rule */
    const struct feel_node *const *results; /**< rule by rule */
    size_t inputs_n, outputs_n, rules_n;
};

/** What compiling shares. */
struct dmn_reader {
    struct kh_arena *a;
    struct kh_dmn *model;
    struct kh_issues *issues;
    bool strict;
    size_t hard;         /**< problems found */
    unsigned types_open; /**< item definitions being read, one inside the other */
    struct kh_error first;
};

/* ---- read.c ---- */
/** A problem at an element; soft ones count only when strict. */
void dmn_bad(struct dmn_reader *d, const struct kh_xml *x, bool soft, const char *code,
             const char *en, const char *vi, struct kh_str what);
/** First child of the DMN namespace with this name, or NULL. */
const struct kh_xml *dmn_child(const struct dmn_file *f, const struct kh_xml *x, const char *name);
bool dmn_is(const struct dmn_file *f, const struct kh_xml *x, const char *name);
/** Text of a child, trimmed; "" if there is none. */
struct kh_str dmn_child_text(const struct dmn_file *f, const struct kh_xml *x, const char *name);
struct kh_str dmn_attr(const struct kh_xml *x, const char *name);

/* ---- types.c ---- */
void dmn_read_items(struct dmn_reader *d, struct dmn_file *f);
/** Read those that nothing has asked for, so that their problems are found. */
void dmn_check_items(struct dmn_reader *d, struct dmn_file *f);
/** Type of a typeRef as an attribute or a child of x; NULL: none given, or unknown (noted). */
const struct feel_type *dmn_type_of(struct dmn_reader *d, const struct dmn_file *f,
                                    const struct kh_xml *x, const char *name);
/** For feel_compiler.type_of; ctx is a struct dmn_types. */
struct dmn_types {
    struct dmn_reader *d;
    const struct dmn_file *f;
};
const struct feel_type *dmn_type_named(void *ctx, struct kh_str name);

/* ---- boxed.c, table.c ---- */
/** Compile what follows from one element's logic. */
void dmn_compile_element(struct dmn_reader *d, struct dmn_element *e);

struct dmn_boxed {
    struct dmn_reader *d;
    const struct dmn_file *f;
    struct feel_compiler *c;
    struct kh_error *err;
};
/** The boxed expression x; NULL after a problem was noted. */
const struct feel_node *dmn_expression(struct dmn_boxed *b, const struct kh_xml *x);
/** The one expression among the children of x, or NULL if there is none. */
const struct kh_xml *dmn_expression_in(const struct dmn_file *f, const struct kh_xml *x);
/** FEEL text of x; tests on a slot if tests. An empty text is a problem unless it may be empty. */
const struct feel_node *dmn_text(struct dmn_boxed *b, const struct kh_xml *x, bool tests,
                                 uint32_t slot);
const struct feel_node *dmn_read_table(struct dmn_boxed *b, const struct kh_xml *x);
bool dmn_eval_table(struct feel_run *r, const struct feel_node *n, struct kh_feel_value *ret);
uint32_t dmn_at(const struct kh_xml *x);

/* ---- eval.c ---- */
/** The service as a function value. */
bool dmn_call_service(struct feel_run *r, const void *service, const struct kh_feel_value *args,
                      struct kh_feel_value *ret);

#endif
