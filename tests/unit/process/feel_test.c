/* SPDX-License-Identifier: Apache-2.0 */
/* FEEL: a table of expressions and what they give, and what cannot stand in a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/json.h"
#include "base/time.h"
#include "engine/process/feel/feel.h"
#include "engine/process/feel/value.h"

/* 2026-09-15T14:05:30.25 in Hà Nội. */
static const int64_t now = 1789455930250000;

struct row {
    const char *expr, *want;
};

/* A value as FEEL would write it, strings in quotes. */
static struct kh_str shown(struct kh_arena *a, struct kh_feel_value v)
{
    struct feel_budget b = {.steps = 100000};
    struct kh_str s;

    assert_true(feel_text(a, feel_list(&v, 1), 1 << 20, &b, &s));
    return kh_str(s.p + 1, s.n - 2);
}

static bool evaluate(struct kh_arena *a, const char *expr, const struct kh_feel_value *input,
                     const struct kh_feel_value **ret, struct kh_error *err)
{
    struct kh_feel_env env = {.a = a, .input = input, .now_us = now};
    const struct kh_feel *f;

    return kh_feel_compile(a, kh_cstr(expr), KH_FEEL_EXPRESSION, NULL, 0, &f, err) &&
           kh_feel_eval(f, &env, ret, err);
}

static size_t check_rows(const struct row *rows, size_t n, const struct kh_feel_value *input)
{
    size_t wrong = 0;

    for (size_t i = 0; i < n; i++) {
        kh_auto_arena a = kh_arena_new(64 << 20);
        const struct kh_feel_value *v = NULL;
        struct kh_error err = {0};
        struct kh_str got;

        if (evaluate(a, rows[i].expr, input, &v, &err))
            got = shown(a, *v);
        else
            got = err.code == KH_EC_FEEL_SYNTAX ? KH_S("SYNTAX") : kh_cstr(err.detail);
        if (kh_str_is(got, rows[i].want))
            continue;
        wrong++;
        printf("# %s\n#   want %s\n#   got  %.*s  (%s)\n", rows[i].expr, rows[i].want, KH_FMT(got),
               err.detail);
    }
    return wrong;
}

#include "feel_cases.h"

#define CHECK(name, table)                                                                         \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        assert_int_equal(check_rows(table, KH_LEN(table), NULL), 0);                               \
    }

CHECK(reads_literals, literals)
CHECK(calculates, arithmetic)
CHECK(compares, comparison)
CHECK(knows_three_truth_values, logic)
CHECK(works_on_lists, lists)
CHECK(works_on_contexts, contexts)
CHECK(loops, loops_)
CHECK(calls_functions, functions)
CHECK(counts_time, temporal)
CHECK(relates_ranges, ranges)
CHECK(works_on_strings, strings)
CHECK(matches_regular_expressions, regexes)
CHECK(counts_numbers, numbers)
CHECK(works_on_lists_by_function, list_functions)
CHECK(checks_types, types)
CHECK(refuses_what_is_no_expression, syntax)
CHECK(resolves_names_with_spaces, names_)

/* ---- what cannot stand in a table ---- */

static const struct kh_feel_value *from(struct kh_arena *a, const char *json)
{
    struct kh_json *v;
    struct kh_error err = {0};

    if (!kh_json_parse(a, kh_cstr(json), NULL, &v, &err))
        fail_msg("%s", err.detail);
    return kh_feel_from_json(a, v);
}

static void reads_json_where_it_stands(void **state)
{
    static const struct row rows[] = {
        {"a.b + 1", "3.50"},
        {"list[2]", "\"x\""},
        {"big", "12345678901234567890.1234567890"},
        {"day + @\"P1D\"", "2026-09-16"},
        {"people[age > 9].first name", "[\"Bình\"]"},
        {"count(list)", "3"},
        {"missing", "null"},
        {"missing = null", "true"},
        {"get value(a, \"b\")", "2.50"},
        {"date", "7"},
        {"date(\"2026-01-01\").year + date", "2033"},
        {"a", "{b: 2.50}"},
    };
    kh_auto_arena a = kh_arena_new(1 << 24);

    (void)state;
    assert_int_equal(
        check_rows(rows, KH_LEN(rows),
                   from(a, "{\"a\":{\"b\":2.50},\"list\":[1,\"x\",null],\"big\":"
                           "12345678901234567890.1234567890,\"day\":{\"@feel\":\"date\","
                           "\"value\":\"2026-09-15\"},\"people\":[{\"age\":5,\"first name\":"
                           "\"An\"},{\"age\":10,\"first name\":\"Bình\"}],\"date\":7}")),
        0);
}

static void writes_json_with_all_digits(void **state)
{
    static const struct {
        const char *expr, *plain, *tagged;
    } rows[] = {
        {"1.10 * 2", "2.20", "2.20"},
        {"10 ** 30", "1000000000000000000000000000000", "1000000000000000000000000000000"},
        {"@\"2026-09-15\"", "\"2026-09-15\"", "{\"@feel\":\"date\",\"value\":\"2026-09-15\"}"},
        {"@\"P1DT2H\"", "\"P1DT2H\"",
         "{\"@feel\":\"days and time duration\",\"value\":\"P1DT2H\"}"},
        {"{a: [1, null, true], b: \"x\"}", "{\"a\":[1,null,true],\"b\":\"x\"}",
         "{\"a\":[1,null,true],\"b\":\"x\"}"},
        {"[1..2]", "null", "null"},
        {"abs", "null", "null"},
    };

    (void)state;
    for (size_t i = 0; i < KH_LEN(rows); i++) {
        kh_auto_arena a = kh_arena_new(1 << 24);
        const struct kh_feel_value *v;
        struct kh_error err = {0};

        assert_true(evaluate(a, rows[i].expr, NULL, &v, &err));
        assert_string_equal(kh_str_z(a, kh_json_text(a, kh_feel_to_json(a, v, false))),
                            rows[i].plain);
        assert_string_equal(kh_str_z(a, kh_json_text(a, kh_feel_to_json(a, v, true))),
                            rows[i].tagged);
    }
}

static bool matches(struct kh_arena *a, const char *tests, const char *subject)
{
    struct kh_feel_env env = {.a = a, .input = from(a, "{\"limit\":5}")};
    const struct kh_feel *f;
    struct kh_error err = {0};
    bool yes = false;

    if (!kh_feel_compile(a, kh_cstr(tests), KH_FEEL_UNARY_TESTS, NULL, 0, &f, &err) ||
        !kh_feel_test(f, &env, from(a, subject), &yes, &err))
        fail_msg("%s: %s", tests, err.detail);
    return yes;
}

static void tests_a_value(void **state)
{
    static const struct {
        const char *tests, *subject;
        bool want;
    } rows[] = {
        {"-", "1", true},
        {"-", "null", true},
        {"5", "5", true},
        {"5", "6", false},
        {"-5", "-5", true},
        {"< 5", "4", true},
        {"< limit", "4", true},
        {"> limit", "4", false},
        {"[1..5]", "5", true},
        {"(1..5)", "5", false},
        {"]1..5[", "1", false},
        {"1, 3, [7..9]", "8", true},
        {"1, 3, [7..9]", "2", false},
        {"not(1, 2)", "3", true},
        {"not(1, 2)", "1", false},
        {"not(< 5)", "6", true},
        {"\"a\", \"b\"", "\"b\"", true},
        {"null", "null", true},
        {"null", "1", false},
        {"not(null)", "1", true},
        {"? > 3 and ? < 9", "5", true},
        {"? > 3 and ? < 9", "9", false},
        {"!= 4", "5", true},
        {"= 4", "4", true},
        {"[1, 2, 3]", "2", true},
        {"[1, 2, 3]", "4", false},
        {"true", "true", true},
        {"true", "false", false},
        {"false", "false", true},
        {"limit > 4", "\"x\"", true},
        {"limit > 9", "\"x\"", false},
        {"< 5", "\"x\"", false},
        {"not(\"x\")", "null", true},
        {"not(? = 1) and true", "2", true},
        {"> 1 , < 0", "2", true},
        {"contains(?, \"b\")", "\"abc\"", true},
        {"contains(?, \"z\")", "\"abc\"", false},
    };

    (void)state;
    for (size_t i = 0; i < KH_LEN(rows); i++) {
        kh_auto_arena a = kh_arena_new(1 << 24);

        if (matches(a, rows[i].tests, rows[i].subject) != rows[i].want)
            fail_msg("%s of %s", rows[i].tests, rows[i].subject);
    }
}

static void says_which_inputs_it_reads(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 24);
    const struct kh_feel *f;
    const struct kh_str *names;
    struct kh_error err = {0};

    (void)state;
    assert_true(kh_feel_compile(a, KH_S("a.x + sum(for i in list return i + b) + a.y"),
                                KH_FEEL_EXPRESSION, NULL, 0, &f, &err));
    assert_int_equal(kh_feel_reads(f, &names), 3);
    assert_true(kh_str_is(names[0], "a") && kh_str_is(names[1], "list") &&
                kh_str_is(names[2], "b"));
}

static void matches_the_longest_declared_name(void **state)
{
    static const struct kh_str names[] = {KH_STR_INIT("a"), KH_STR_INIT("a-b"),
                                          KH_STR_INIT("profit and loss"), KH_STR_INIT("b")};
    kh_auto_arena a = kh_arena_new(1 << 24);
    struct kh_feel_env env = {
        .a = a, .input = from(a, "{\"a\":9,\"b\":2,\"a-b\":100,\"profit and loss\":7}")};
    const struct kh_feel_value *v;
    const struct kh_feel *f;
    struct kh_error err = {0};

    (void)state;
    assert_true(kh_feel_compile(a, KH_S("a - b + profit and  loss + (a)-(b)"), KH_FEEL_EXPRESSION,
                                names, 4, &f, &err));
    assert_true(kh_feel_eval(f, &env, &v, &err));
    assert_true(kh_str_is(shown(a, *v), "114"));
}

static void says_why_something_is_null(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 24);
    struct kh_issues messages = {0};
    struct kh_feel_env env = {.a = a, .messages = &messages};
    const struct kh_feel_value *v;
    const struct kh_feel *f;
    struct kh_error err = {0};

    (void)state;
    assert_true(kh_feel_compile(a, KH_S("1 +\n  missing"), KH_FEEL_EXPRESSION, NULL, 0, &f, &err));
    assert_true(kh_feel_eval(f, &env, &v, &err));
    assert_int_equal(messages.n, 2);
    assert_true(kh_str_is(messages.items[0].pointer, "line:2:3"));
    assert_true(kh_str_is(messages.items[0].code, "name"));
    assert_true(kh_str_is(messages.items[1].code, "arithmetic"));
}

static void points_at_a_syntax_error(void **state)
{
    static const struct {
        const char *expr, *detail;
    } rows[] = {
        {"1 +\n  * 2", "line 2, column 3: expected a value"},
        {"[1, 2", "line 1, column 6: expected a comma or ]"},
        {"if a then b", "line 1, column 12: expected else"},
        {"\"abc", "line 1, column 1: this string has no end"},
    };

    (void)state;
    for (size_t i = 0; i < KH_LEN(rows); i++) {
        kh_auto_arena a = kh_arena_new(1 << 24);
        const struct kh_feel *f;
        struct kh_error err = {0};

        assert_false(
            kh_feel_compile(a, kh_cstr(rows[i].expr), KH_FEEL_EXPRESSION, NULL, 0, &f, &err));
        assert_int_equal(err.code, KH_EC_FEEL_SYNTAX);
        assert_string_equal(err.detail, rows[i].detail);
    }
}

static void gives_instants_and_deadlines(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 24);
    const struct kh_feel_value *v;
    struct kh_error err = {0};
    int64_t us = 0, want = 0;

    (void)state;
    assert_true(evaluate(a, "@\"2026-09-15T14:05:00Z\"", NULL, &v, &err));
    assert_true(kh_feel_as_instant(v, &us));
    assert_true(kh_time_parse(KH_S("2026-09-15T14:05:00Z"), &want));
    assert_int_equal(us, want);
    assert_true(evaluate(a, "@\"2026-09-15T14:05:00\"", NULL, &v, &err));
    assert_true(kh_feel_as_instant(v, &us)); /* local is the city's */
    assert_int_equal(us, want - KH_ZONE_US);
    assert_true(evaluate(a, "@\"2026-09-15\"", NULL, &v, &err));
    assert_true(kh_feel_as_instant(v, &us));
    assert_int_equal(us, kh_day_start(kh_days(2026, 9, 15)));
    assert_true(evaluate(a, "@\"PT36H\"", NULL, &v, &err));
    assert_true(kh_feel_as_duration(v, 1000, &us));
    assert_int_equal(us, 1000 + 36 * KH_US_H);
    /* A month is counted in the city's days: 31 January 20:00 there is 28 February 20:00. */
    assert_true(evaluate(a, "@\"P1M\"", NULL, &v, &err));
    assert_true(kh_feel_as_duration(v, kh_day_start(kh_days(2026, 1, 31)) + 20 * KH_US_H, &us));
    assert_int_equal(us, kh_day_start(kh_days(2026, 2, 28)) + 20 * KH_US_H);
    assert_false(kh_feel_as_instant(v, &us));
    assert_true(evaluate(a, "@\"999999999-01-01\"", NULL, &v, &err));
    assert_false(kh_feel_as_instant(v, &us));
}

/* ---- hostile ---- */

static struct kh_str repeated(struct kh_arena *a, const char *open, size_t n, const char *middle,
                              const char *close)
{
    struct kh_buf b = kh_buf(a, 1 << 20);

    for (size_t i = 0; i < n; i++)
        kh_buf_z(&b, open);
    kh_buf_z(&b, middle);
    for (size_t i = 0; i < n; i++)
        kh_buf_z(&b, close);
    return kh_buf_get(&b);
}

static enum kh_ec outcome(struct kh_arena *a, struct kh_str text)
{
    struct kh_feel_env env = {.a = a};
    const struct kh_feel_value *v;
    const struct kh_feel *f;
    struct kh_error err = {0};

    if (!kh_feel_compile(a, text, KH_FEEL_EXPRESSION, NULL, 0, &f, &err) ||
        !kh_feel_eval(f, &env, &v, &err))
        return err.code;
    return KH_EC_OK;
}

static void refuses_deep_nesting(void **state)
{
    static const char *const shapes[][3] = {
        {"(", "1", ")"},
        {"[", "1", "]"},
        {"{a:", "1", "}"},
        {"-", "1", ""},
        {"abs(", "1", ")"},
        {"if true then ", "1", " else 2"},
        {"function() ", "1", ""},
        {"1+(", "1", ")"},
        {"for i in 1 return ", "i", ""},
        {"x[", "1", "]"},
        {"1 instance of list<", "number", ">"},
        {"1 in (", "1", ")"},
        {"", "1", "+1"},
        {"", "x", ".a"},
        {"", "x", "[1]"},
        {"", "f", "()"},
        {"not(", "true", ")"},
        {"(< ", "1", ")"},
    };

    (void)state;
    for (size_t i = 0; i < KH_LEN(shapes); i++) {
        kh_auto_arena a = kh_arena_new(1 << 28);
        enum kh_ec far = outcome(a, repeated(a, shapes[i][0], 9000, shapes[i][1], shapes[i][2]));
        enum kh_ec near = outcome(a, repeated(a, shapes[i][0], 20, shapes[i][1], shapes[i][2]));

        if (far != KH_EC_FEEL_SYNTAX)
            fail_msg("%s: %d", shapes[i][0], (int)far);
        if (near != KH_EC_OK && strncmp(shapes[i][0], "1 instance", 10) != 0)
            fail_msg("%s near: %d", shapes[i][0], (int)near);
    }
}

static void takes_long_runs_of_and_and_or(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 28);

    (void)state;
    assert_int_equal(outcome(a, repeated(a, "true and ", 5000, "true", "")), KH_EC_OK);
    assert_int_equal(outcome(a, repeated(a, "1 = 2 or ", 5000, "true", "")), KH_EC_OK);
    assert_int_equal(outcome(a, repeated(a, "", 5000, "[1", ",1")), KH_EC_FEEL_SYNTAX);
}

static void ends_what_would_not_end(void **state)
{
    static const struct {
        const char *expr;
        enum kh_ec want;
    } rows[] = {
        {"{f: function(n) f(n + 1), r: f(0)}", KH_EC_FEEL_LIMIT},
        {"{f: function(x) list replace([1], function(a, b) f(a) = 1, 2), r: f(1)}",
         KH_EC_FEEL_LIMIT},
        {"{f: function(x) sort([2, 1], function(a, b) f(a) = 1), r: f(1)}", KH_EC_FEEL_LIMIT},
        {"{f: function(x) [1][f(x) = 1], r: f(1)}", KH_EC_FEEL_LIMIT},
        {"{f: function(x) [[1, 2][1][1][f(x)]], r: f(1)}", KH_EC_FEEL_LIMIT},
        {"for i in 1..1000000000000 return i", KH_EC_FEEL_LIMIT},
        {"for i in 1..2000, j in 1..2000 return 1", KH_EC_FEEL_LIMIT},
        {"some i in 1..1000000000000 satisfies false", KH_EC_FEEL_LIMIT},
        {"count(distinct values(for i in 1..5000 return i))", KH_EC_FEEL_LIMIT},
        {"{a: for i in 1..2000 return partial, r: a = a}", KH_EC_FEEL_LIMIT},
        {"{f: function(s, n) if n = 0 then s else f(s + s, n - 1), r: f(\"aaaaaaaa\", 40)}",
         KH_EC_OK}, /* too long a string is null */
        {"10 ** 6144 * 10 ** 6144", KH_EC_OK},
        {"{a: [1,1,1,1,1,1,1,1,1,1], b: [a,a,a,a,a,a,a,a,a,a], c: [b,b,b,b,b,b,b,b,b,b],"
         " d: [c,c,c,c,c,c,c,c,c,c], e: [d,d,d,d,d,d,d,d,d,d], f: [e,e,e,e,e,e,e,e,e,e],"
         " g: [f,f,f,f,f,f,f,f,f,f], r: g = g}",
         KH_EC_FEEL_LIMIT},
        {"{s: string join(for i in 1..10000 return \"aaaaaaaaaa\"),"
         " r: for i in 1..1000000 return s = s + \"\"}",
         KH_EC_FEEL_LIMIT},
        {"for i in 1..100000 return matches(\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaX\", \"^(a+)+$\")",
         KH_EC_FEEL_LIMIT},
    };

    (void)state;
    for (size_t i = 0; i < KH_LEN(rows); i++) {
        kh_auto_arena a = kh_arena_new((size_t)1 << 30);
        int64_t start = kh_mono_us();
        enum kh_ec got = outcome(a, kh_cstr(rows[i].expr));

        if (got != rows[i].want)
            fail_msg("%s: %d", rows[i].expr, (int)got);
        if (kh_mono_us() - start > 10 * KH_US_S)
            fail_msg("%s takes too long", rows[i].expr);
    }
}

static void stays_within_its_memory(void **state)
{
    kh_auto_arena a = kh_arena_new(4 << 20);

    (void)state;
    assert_int_equal(outcome(a, KH_S("for i in 1..900000 return [i, i]")), KH_EC_ARENA_FULL);
    assert_true(kh_arena_used(a) < 64 << 20);
}

static void refuses_long_texts_and_bad_utf8(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 28);
    char *big = kh_alloc(a, 300 * 1024);

    (void)state;
    memset(big, ' ', 300 * 1024);
    assert_int_equal(outcome(a, kh_str(big, 300 * 1024)), KH_EC_FEEL_SYNTAX);
    assert_int_equal(outcome(a, KH_S("\"\xff\"")), KH_EC_FEEL_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_literals),
        cmocka_unit_test(calculates),
        cmocka_unit_test(compares),
        cmocka_unit_test(knows_three_truth_values),
        cmocka_unit_test(works_on_lists),
        cmocka_unit_test(works_on_contexts),
        cmocka_unit_test(loops),
        cmocka_unit_test(calls_functions),
        cmocka_unit_test(counts_time),
        cmocka_unit_test(relates_ranges),
        cmocka_unit_test(works_on_strings),
        cmocka_unit_test(matches_regular_expressions),
        cmocka_unit_test(counts_numbers),
        cmocka_unit_test(works_on_lists_by_function),
        cmocka_unit_test(checks_types),
        cmocka_unit_test(refuses_what_is_no_expression),
        cmocka_unit_test(resolves_names_with_spaces),
        cmocka_unit_test(reads_json_where_it_stands),
        cmocka_unit_test(writes_json_with_all_digits),
        cmocka_unit_test(tests_a_value),
        cmocka_unit_test(says_which_inputs_it_reads),
        cmocka_unit_test(matches_the_longest_declared_name),
        cmocka_unit_test(says_why_something_is_null),
        cmocka_unit_test(points_at_a_syntax_error),
        cmocka_unit_test(gives_instants_and_deadlines),
        cmocka_unit_test(refuses_deep_nesting),
        cmocka_unit_test(takes_long_runs_of_and_and_or),
        cmocka_unit_test(ends_what_would_not_end),
        cmocka_unit_test(stays_within_its_memory),
        cmocka_unit_test(refuses_long_texts_and_bad_utf8),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
