/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "engine/process/feel/feel.h"
#include "engine/process/feel/value.h"
#include "fuzz.h"

/* Any text compiles or is a syntax error; what compiles is evaluated within its limits, twice with
 * the same result; the result can be written, and a number or a temporal value reads back. The first
 * byte chooses expression or unary tests. */

static const char inputs[] =
    "{\"x\":12.50,\"name\":\"Hồ Gươm\",\"list\":[3,1,2],\"people\":[{\"age\":"
    "5,\"first name\":\"An\"},{\"age\":17}],\"day\":{\"@feel\":\"date\","
    "\"value\":\"2026-09-15\"},\"nothing\":null,\"yes\":true}";

static const struct kh_feel_value *evaluate(struct kh_arena *a, const struct kh_feel *f,
                                            enum kh_feel_use use, const struct kh_feel_value *input,
                                            bool *match)
{
    struct kh_issues messages = {.max = 5};
    struct kh_feel_env env = {.a = a,
                              .input = input,
                              .now_us = 1789455930250000,
                              .step_limit = 20000,
                              .messages = &messages};
    const struct kh_feel_value *v = NULL;
    struct kh_error err = {0};
    bool ok = use == KH_FEEL_EXPRESSION ? kh_feel_eval(f, &env, &v, &err)
                                        : kh_feel_test(f, &env, input, match, &err);

    FUZZ_CHECK(ok || err.code == KH_EC_FEEL_LIMIT || err.code == KH_EC_ARENA_FULL);
    return v;
}

/* string() of a number or a temporal value is a text from which the same value is read. */
static void check_round_trip(struct kh_arena *a, const struct kh_feel_value *v)
{
    struct kh_feel_value back;
    const struct kh_json *j = kh_feel_to_json(a, v, true);
    static const struct kh_json_limits limits = {
        .bytes = 256 << 20, .depth = 500, .values = 3000000};
    struct feel_budget b = {.steps = 1000};
    struct kh_error err = {0};
    struct kh_json *again;

    FUZZ_CHECK(kh_json_parse(a, kh_json_text(a, j), &limits, &again, &err));
    if (v->kind == KH_FEEL_LIST || v->kind == KH_FEEL_CONTEXT || v->kind == KH_FEEL_RANGE ||
        v->kind == KH_FEEL_FUNCTION)
        return;
    back = feel_json(again);
    FUZZ_CHECK(feel_same(*v, back, &b));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum kh_feel_use use = size && (data[0] & 1) ? KH_FEEL_UNARY_TESTS : KH_FEEL_EXPRESSION;
    kh_auto_arena a = kh_arena_new((size_t)1 << 27);
    const struct kh_feel_value *input, *v, *w;
    const struct kh_feel *f;
    struct kh_error err = {0};
    struct kh_json *json;
    struct kh_str text;
    bool one = false, two = false;

    if (size == 0)
        return 0;
    text = kh_str((const char *)data + 1, size - 1);
    FUZZ_CHECK(kh_json_parse(a, kh_cstr(inputs), NULL, &json, &err));
    input = kh_feel_from_json(a, json);
    if (!kh_feel_compile(a, text, use, NULL, 0, &f, &err)) {
        FUZZ_CHECK(err.code == KH_EC_FEEL_SYNTAX && err.detail[0]);
        return 0;
    }
    v = evaluate(a, f, use, input, &one);
    w = evaluate(a, f, use, input, &two);
    FUZZ_CHECK(one == two && (v == NULL) == (w == NULL));
    if (v && !kh_arena_over(a)) {
        struct feel_budget b = {.steps = 100000};

        FUZZ_CHECK(v->kind == w->kind);
        FUZZ_CHECK(feel_same(*v, *w, &b) || b.over);
        check_round_trip(a, v);
    }
    return 0;
}
