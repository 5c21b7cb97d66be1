/* SPDX-License-Identifier: Apache-2.0 */
/* Until the decision engine is in the library, stories link this; a strong definition wins. */
#include "engine/process/engine.h"

__attribute__((weak)) bool kh_decisions_open(struct kh_process *pe, struct kh_error *err)
{
    (void)pe, (void)err;
    return true;
}

__attribute__((weak)) void kh_decisions_close(struct kh_process *pe)
{
    (void)pe;
}

__attribute__((weak)) bool kh_decision_eval(struct kh_process *pe, struct kh_arena *a,
                                            struct kh_str ref, struct kh_str decision,
                                            const struct kh_json *inputs,
                                            const struct kh_json **ret_result,
                                            struct kh_issues *messages, struct kh_error *err)
{
    (void)pe, (void)a, (void)decision, (void)inputs, (void)ret_result, (void)messages;
    return kh_fail(err, KH_EC_DECISION_UNKNOWN, "%.*s", KH_FMT(ref));
}
