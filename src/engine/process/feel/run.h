/* SPDX-License-Identifier: Apache-2.0 */
/**
 * feel/run -- one evaluation: its frame, its limits, its messages.
 *
 * Owns   nothing; lives on the stack of kh_feel_eval.
 * Used   by feel/ and dmn/.
 */
#ifndef KH_FEEL_RUN_H
#define KH_FEEL_RUN_H

#include "engine/process/feel/ast.h"

struct feel_run {
    struct kh_arena *a;
    const struct kh_feel_env *env;
    struct kh_feel_value *slots; /**< the frame */
    struct kh_feel_value input;  /**< context of the inputs */
    struct feel_budget budget;   /**< steps left */
    unsigned depth;
    int64_t now_us;
    struct kh_str where; /**< element of a decision model, for messages */
    struct kh_error *err;
    /** A decision table of dmn/ (FN_TABLE). */
    bool (*table)(struct feel_run *r, const struct feel_node *n, struct kh_feel_value *ret);
    const struct feel_regex
        *regex; /**< of the call about to be made, if its pattern is a literal */
};

enum {
    FEEL_STEPS = 1000000,    /**< when env says nothing */
    FEEL_RUN_DEPTH = 1500,   /**< nested evaluations; at most 900 bytes of stack each: 1.3 MiB */
    FEEL_TEXT_MAX = 8 << 20, /**< bytes of one string */
};

/** Evaluate a node. @return false if a limit was passed (r->err says which) */
KH_CHECK
bool feel_ev(struct feel_run *r, const struct feel_node *n, struct kh_feel_value *ret);

/** Pay for n steps. @return false if they are used up */
KH_CHECK
bool feel_pay(struct feel_run *r, uint64_t n);

/** A comparison may have used up the budget. */
KH_CHECK
bool feel_paid(struct feel_run *r);

/** Call a function value by position. */
KH_CHECK
bool feel_apply(struct feel_run *r, struct kh_feel_value fn, const struct kh_feel_value *args,
                const struct kh_str *names, size_t n, uint32_t at, struct kh_feel_value *ret);

/** Does the subject satisfy the tests (FN_TESTS)? */
KH_CHECK
bool feel_holds(struct feel_run *r, const struct feel_node *tests, enum feel_bool3 *ret);

/** Does it satisfy one of them (FN_TEST_*)? */
KH_CHECK
bool feel_holds_one(struct feel_run *r, const struct feel_node *test, enum feel_bool3 *ret);

/** Say why something became null; what follows after a colon unless it is empty. */
void feel_note(struct feel_run *r, uint32_t at, const char *code, const char *en, const char *vi,
               struct kh_str what);

/** Does a value lie in the meaning of another: equal, inside, or among? */
KH_CHECK
bool feel_among(struct feel_run *r, struct kh_feel_value subject, struct kh_feel_value in,
                enum feel_bool3 *ret);

static inline struct kh_feel_value feel_of3(enum feel_bool3 b)
{
    return b == FEEL_UNSURE ? feel_null() : feel_bool(b == FEEL_YES);
}

#endif
