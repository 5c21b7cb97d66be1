/* SPDX-License-Identifier: Apache-2.0 */
/**
 * dmn -- decision models: DMN 1.1 to 1.5 XML, compiled once, evaluated many times.
 *
 * Everything that a decision is made of (tables, boxed contexts, invocations, functions, iterators)
 * becomes the same nodes that FEEL text becomes, so there is one evaluator. What is required is
 * evaluated first, in order, without recursion.
 *
 * Owns   nothing; a model lives in the arena that it was compiled into and is read-only afterwards:
 *        many threads may evaluate it at once.
 *        Source: DMN 1.5 (OMG formal/24-01-01) chapters 6-8, 10.
 * Used   by process/decision.c, api/decision.c, cli/dmn.c.
 * Never  runs Java or PMML, loads a file, or follows a location: imports are given.
 */
#ifndef KH_DMN_DMN_H
#define KH_DMN_DMN_H

#include "base/json.h"
#include "base/kh.h"

struct kh_dmn;

/** What is compiled. */
struct kh_dmn_source {
    struct kh_str xml;
    const struct kh_str *imports; /**< XML of the models that it imports, by namespace */
    size_t imports_n;
    bool strict; /**< also refuse what would only become null: unknown names and types, references
                      that point nowhere, functions in other languages */
};

/**
 * Compile a model.
 *
 * @param issues    every problem: the pointer is "element-id:line:column" ("line:12:5" without id)
 * @param ret_model set only on success
 * @param err       DECISION_INVALID (422) with the first problem, ARENA_FULL (413)
 */
KH_CHECK
bool kh_dmn_compile(struct kh_arena *a, const struct kh_dmn_source *source,
                    struct kh_issues *issues, const struct kh_dmn **ret_model,
                    struct kh_error *err);

enum kh_dmn_what { KH_DMN_ANY, KH_DMN_DECISION, KH_DMN_SERVICE, KH_DMN_BKM };

/** Namespaces of the models that this one imports. @param err DECISION_INVALID (422) */
KH_CHECK
bool kh_dmn_imports(struct kh_arena *a, struct kh_str xml, const struct kh_str **ret_ns,
                    size_t *ret_n, struct kh_error *err);

/** One evaluation. */
struct kh_dmn_call {
    enum kh_dmn_what what;
    struct kh_str name; /**< name or id; "" with ANY: the one decision that no other needs */
    const struct kh_json *inputs; /**< object of input data (or parameters) by name */
    int64_t now_us;               /**< 0: the clock */
    uint32_t step_limit;          /**< 0: the default of FEEL */
    bool tagged;                  /**< temporal results as {"@feel":...} instead of ISO 8601 text */
};

/**
 * Evaluate. A value that cannot be computed is null, with a message.
 *
 * @param messages pointer "element-id:line:column", one per failed expression; may be NULL
 * @param err      DECISION_UNKNOWN (404), FEEL_LIMIT (422), ARENA_FULL (413)
 */
KH_CHECK
bool kh_dmn_eval(const struct kh_dmn *model, struct kh_arena *a, const struct kh_dmn_call *call,
                 const struct kh_json **ret_result, struct kh_issues *messages,
                 struct kh_error *err);

/** Name of decision i of the model itself (not of imports); p NULL after the last. */
struct kh_str kh_dmn_decision(const struct kh_dmn *model, size_t i);
struct kh_str kh_dmn_name(const struct kh_dmn *model);
struct kh_str kh_dmn_namespace(const struct kh_dmn *model);

#endif
