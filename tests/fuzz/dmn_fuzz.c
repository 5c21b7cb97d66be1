/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "engine/process/dmn/dmn.h"
#include "fuzz.h"

/* Any text is a model or has problems that are named; every decision of a model can be evaluated
 * within its limits. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kh_auto_arena a = kh_arena_new((size_t)1 << 28);
    struct kh_dmn_source src = {.xml = kh_str((const char *)data, size)};
    struct kh_issues issues = {0};
    const struct kh_dmn *m;
    struct kh_error err = {0};
    struct kh_json *inputs;
    struct kh_str name;

    if (!kh_dmn_compile(a, &src, &issues, &m, &err)) {
        FUZZ_CHECK(err.code == KH_EC_DECISION_INVALID || err.code == KH_EC_ARENA_FULL);
        FUZZ_CHECK(err.code == KH_EC_ARENA_FULL || issues.n > 0);
        return 0;
    }
    FUZZ_CHECK(issues.n == 0);
    FUZZ_CHECK(kh_json_parse(a, KH_S("{\"x\":1,\"age\":20,\"kind\":\"a\"}"), NULL, &inputs, &err));
    for (size_t i = 0; (name = kh_dmn_decision(m, i)).p && i < 20; i++) {
        struct kh_dmn_call call = {.what = KH_DMN_DECISION,
                                   .name = name,
                                   .inputs = inputs,
                                   .now_us = 1,
                                   .step_limit = 20000};
        struct kh_issues messages = {0};
        const struct kh_json *result;

        if (kh_dmn_eval(m, a, &call, &result, &messages, &err))
            FUZZ_CHECK(kh_json_text(a, result).n > 0);
        else
            FUZZ_CHECK(err.code == KH_EC_FEEL_LIMIT || err.code == KH_EC_ARENA_FULL);
    }
    return 0;
}
