/* SPDX-License-Identifier: Apache-2.0 */
/**
 * feel -- the expression language of packs: FEEL of DMN 1.5 (OMG formal/24-01-01, chapter 10).
 *
 * A text is compiled once into a compact form and evaluated many times without allocation beyond
 * an arena, with a step limit. Failing evaluation is null with a message, as the standard says.
 *
 * Owns   nothing; compiled expressions live in the arena that they were compiled into and may be
 *        evaluated by many threads at once.
 * Used   by registry (rule, computed), process (conditions, scripts, mappings), decisions, notify.
 * Never  touches a clock but through struct kh_feel_env.now_us, nor a file, nor the network.
 */
#ifndef KH_FEEL_FEEL_H
#define KH_FEEL_FEEL_H

#include "base/json.h"
#include "base/kh.h"

struct kh_feel; /* a compiled expression */

enum kh_feel_kind {
    KH_FEEL_NULL, KH_FEEL_BOOLEAN, KH_FEEL_NUMBER, KH_FEEL_STRING, KH_FEEL_DATE, KH_FEEL_TIME,
    KH_FEEL_DATE_TIME, KH_FEEL_YM_DURATION, KH_FEEL_DT_DURATION, KH_FEEL_LIST, KH_FEEL_CONTEXT,
    KH_FEEL_RANGE, KH_FEEL_FUNCTION,
};

struct kh_feel_value; /* described in feel/value.h */

/** What an evaluation may see. */
struct kh_feel_env {
    struct kh_arena *a;
    const struct kh_feel_value *input; /**< a context; its entries are the variables */
    int64_t now_us;                    /**< for now() and today(); 0 means kh_now_us() */
    uint32_t step_limit;               /**< 0 means 1,000,000 */
    struct kh_issues *messages;        /**< where to put why something became null; may be NULL */
};

/** What a text is. */
enum kh_feel_use { KH_FEEL_EXPRESSION, KH_FEEL_UNARY_TESTS };

/**
 * Compile a text.
 *
 * @param names  names known beforehand, so that "names with spaces" parse: sorted or not; may be
 *               NULL with names_n 0 (then unknown names are single words, dots make paths)
 * @param err    FEEL_SYNTAX (422): detail has line, column and what was expected
 */
KH_CHECK
bool kh_feel_compile(struct kh_arena *a, struct kh_str text, enum kh_feel_use use,
                     const struct kh_str *names, size_t names_n, const struct kh_feel **ret_feel,
                     struct kh_error *err);

/**
 * Evaluate. The value lives in env->a.
 * @param ret_value never NULL on success (null is a value)
 * @param err       FEEL_LIMIT (422), ARENA_FULL (413)
 */
KH_CHECK
bool kh_feel_eval(const struct kh_feel *f, const struct kh_feel_env *env,
                  const struct kh_feel_value **ret_value, struct kh_error *err);

/** Evaluate unary tests against a value: @param ret_match true, false; null counts as false */
KH_CHECK
bool kh_feel_test(const struct kh_feel *f, const struct kh_feel_env *env,
                  const struct kh_feel_value *subject, bool *ret_match, struct kh_error *err);

/** Names of input variables that the text reads (top-level), for dependency checks. */
size_t kh_feel_reads(const struct kh_feel *f, const struct kh_str **ret_names);

/* ---- values and JSON ---- */

/** JSON to FEEL: numbers keep all digits (decimal128); {"@feel": kind, "value": text} becomes the
 *  temporal value; lazily, so that a large record costs only what is read. */
const struct kh_feel_value *kh_feel_from_json(struct kh_arena *a, const struct kh_json *v);
/** FEEL to JSON: temporal values as {"@feel": ..., "value": ...} if tagged, else as plain strings
 *  (ISO 8601); functions and ranges without JSON form become null. */
const struct kh_json *kh_feel_to_json(struct kh_arena *a, const struct kh_feel_value *v,
                                      bool tagged);
enum kh_feel_kind kh_feel_kind(const struct kh_feel_value *v);
bool kh_feel_is_true(const struct kh_feel_value *v);
/** Durations and instants for timers: @return false if v is not of that kind */
bool kh_feel_as_instant(const struct kh_feel_value *v, int64_t *ret_us);
bool kh_feel_as_duration(const struct kh_feel_value *v, int64_t from_us, int64_t *ret_until_us);

#endif
