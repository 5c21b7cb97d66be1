/* SPDX-License-Identifier: Apache-2.0 */
/**
 * feel/eval -- what the files of the evaluator share.
 *
 * Owns   nothing.
 * Used   by eval.c, loop.c, arith.c and dmn/.
 */
#ifndef KH_FEEL_EVAL_H
#define KH_FEEL_EVAL_H

#include "engine/process/feel/run.h"
#include "engine/process/feel/type.h"

void feel_run_init(struct feel_run *r, const struct kh_feel_env *env, struct kh_error *err);

KH_CHECK
bool feel_ev_arithmetic(struct feel_run *r, const struct feel_node *n, struct kh_feel_value *ret);
KH_CHECK
bool feel_ev_filter(struct feel_run *r, const struct feel_node *n, struct kh_feel_value *ret);
KH_CHECK
bool feel_ev_loop(struct feel_run *r, const struct feel_node *n, struct kh_feel_value *ret);

#endif
