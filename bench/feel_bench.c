/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feel_bench [ROUNDS]: what an expression costs on a record of 12 fields (nanoseconds per evaluation,
 * the arena reset each time), and what reading and evaluating a decision table costs. The yardstick is
 * the bare look-up of one member of the same record.
 */
#include "base/json.h"
#include "base/time.h"
#include "engine/process/dmn/dmn.h"
#include "engine/process/feel/feel.h"

#include <stdio.h>
#include <stdlib.h>

static const char record[] =
    "{\"number\":\"PA-2026-000123\",\"category\":\"road\",\"description\":\"Ổ gà lớn trước cổng "
    "trường\",\"location\":{\"lon\":105.85,\"lat\":21.03},\"anonymous\":false,\"channel\":"
    "\"portal\",\"commune\":\"00070\",\"unit\":\"H26.19\",\"class\":\"normal\",\"status\":"
    "\"accepted\",\"stars\":4,\"amount\":1250000.50}";

static const char *const expressions[] = {
    "status = \"accepted\"",
    "stars >= 3",
    "status = \"accepted\" and stars >= 3",
    "amount * 0.1 + 5000",
    "if class = \"urgent\" then 1 else if stars > 3 then 2 else 3",
    "location.lat > 20 and location.lon < 106",
    "status in (\"new\", \"accepted\", \"in_progress\")",
    "contains(description, \"trường\")",
    "matches(number, \"^PA-\\d{4}-\\d{6}$\")",
    "date(\"2026-09-15\") + duration(\"P7D\") > date(\"2026-09-20\")",
    "sum(for i in 1..10 return i * stars)",
    "count([1, 2, 3, 4, 5, 6, 7, 8][item > 4])",
};

static void die(const char *what, const struct kh_error *err)
{
    fprintf(stderr, "%s: %s\n", what, err->detail);
    exit(1);
}

static double per_call(int64_t start, int rounds)
{
    return (double)(kh_mono_us() - start) * 1000 / rounds;
}

static void bench_lookup(const struct kh_json *json, int rounds)
{
    int64_t start = kh_mono_us();
    volatile size_t sum = 0;

    for (int i = 0; i < rounds; i++)
        sum += kh_json_str(json, "status", KH_S("")).n;
    printf("%8.0f ns  bare look-up of one member\n", per_call(start, rounds));
}

static void bench_expression(const char *text, const struct kh_json *json, int rounds)
{
    kh_auto_arena code = kh_arena_new(1 << 20);
    kh_auto_arena a = kh_arena_new(1 << 20);
    const struct kh_feel_value *v;
    const struct kh_feel *f;
    struct kh_error err = {0};
    int64_t start = kh_mono_us();

    for (int i = 0; i < rounds / 100; i++) {
        kh_arena_reset(code);
        if (!kh_feel_compile(code, kh_cstr(text), KH_FEEL_EXPRESSION, NULL, 0, &f, &err))
            die(text, &err);
    }
    printf("%8.0f ns compiled", per_call(start, rounds / 100));
    start = kh_mono_us();
    for (int i = 0; i < rounds; i++) {
        struct kh_feel_env env = {.a = a, .now_us = 1};

        kh_arena_reset(a);
        env.input = kh_feel_from_json(a, json);
        if (!kh_feel_eval(f, &env, &v, &err))
            die(text, &err);
    }
    printf("%8.0f ns  %s\n", per_call(start, rounds), text);
}

/* A table of so many rules over two inputs; the last rule matches. */
static struct kh_str table(struct kh_arena *a, int rules)
{
    struct kh_buf b = kh_buf(a, 16 << 20);

    kh_buf_z(&b,
             "<definitions xmlns=\"https://www.omg.org/spec/DMN/20230324/MODEL/\" namespace=\"n\" "
             "name=\"m\"><inputData id=\"i\" name=\"x\"/><inputData id=\"k\" name=\"kind\"/>"
             "<decision id=\"d\" name=\"d\"><informationRequirement><requiredInput href=\"#i\"/>"
             "</informationRequirement><informationRequirement><requiredInput href=\"#k\"/>"
             "</informationRequirement><decisionTable hitPolicy=\"FIRST\"><input>"
             "<inputExpression><text>x</text></inputExpression></input><input><inputExpression>"
             "<text>kind</text></inputExpression></input><output name=\"r\"/>");
    for (int i = 0; i < rules; i++)
        kh_buf_strf(&b,
                    "<rule><inputEntry><text>[%d..%d)</text></inputEntry><inputEntry><text>\"a\", "
                    "\"b\"</text></inputEntry><outputEntry><text>%d</text></outputEntry></rule>",
                    i * 10, i * 10 + 10, i);
    kh_buf_z(&b, "</decisionTable></decision></definitions>");
    return kh_buf_get(&b);
}

static void bench_table(int rules, int rounds)
{
    kh_auto_arena text = kh_arena_new(64 << 20);
    kh_auto_arena code = kh_arena_new(256 << 20);
    kh_auto_arena a = kh_arena_new(64 << 20);
    struct kh_dmn_source src = {.xml = table(text, rules)};
    struct kh_issues issues = {0};
    struct kh_json *inputs;
    const struct kh_json *result;
    const struct kh_dmn *m;
    struct kh_error err = {0};
    struct kh_dmn_call call = {.name = KH_S("d"), .now_us = 1};
    int64_t start = kh_mono_us();

    if (!kh_dmn_compile(code, &src, &issues, &m, &err))
        die("table", &err);
    printf("%8.1f ms compiled", (double)(kh_mono_us() - start) / 1000);
    if (!kh_json_parse(text, kh_strf(text, "{\"x\":%d,\"kind\":\"b\"}", rules * 10 - 5), NULL,
                       &inputs, &err))
        die("inputs", &err);
    call.inputs = inputs;
    start = kh_mono_us();
    for (int i = 0; i < rounds; i++) {
        kh_arena_reset(a);
        if (!kh_dmn_eval(m, a, &call, &result, NULL, &err))
            die("table", &err);
    }
    printf("%8.0f ns  decision table, the last of %d rules matches\n", per_call(start, rounds),
           rules);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 200000;
    kh_auto_arena a = kh_arena_new(1 << 20);
    struct kh_json *json;
    struct kh_error err = {0};

    if (!kh_json_parse(a, kh_cstr(record), NULL, &json, &err))
        die("record", &err);
    bench_lookup(json, rounds);
    for (size_t i = 0; i < KH_LEN(expressions); i++)
        bench_expression(expressions[i], json, rounds);
    bench_table(10, rounds / 10);
    bench_table(1000, rounds / 1000);
    return 0;
}
