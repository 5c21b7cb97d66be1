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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
