/* SPDX-License-Identifier: Apache-2.0 */
#include "base/agency.h"

#include <setjmp.h>
#include <cmocka.h>

static struct kh_arena *a;

static int setup(void **state)
{
    (void)state;
    a = kh_arena_new(1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kh_arena_drop(a);
    return 0;
}

/* From either form to both. */
static void both(const char *from, const char *want_new, const char *want_old)
{
    struct kh_agency_code c;

    if (!kh_agency_parse(kh_cstr(from), &c))
        fail_msg("not read: %s", from);
    assert_string_equal(kh_str_z(a, kh_agency_new(a, &c)), want_new);
    if (want_old)
        assert_string_equal(kh_str_z(a, kh_agency_old(a, &c)), want_old);
    else
        assert_null(kh_agency_old(a, &c).p);
}

static void reads_both_systems_and_writes_the_other(void **state)
{
    (void)state;
    both("H26", "H26", "000.00.00.H26");
    both("000.00.00.H26", "H26", "000.00.00.H26");
    both("H26.19", "H26.19", "000.00.19.H26");
    both("000.00.19.H26", "H26.19", "000.00.19.H26");
    both("H26.19.05", "H26.19.05", "000.05.19.H26");
    both("000.05.19.H26", "H26.19.05", "000.05.19.H26");
    both("002.00.20.H13", "H13.20.00.002", "002.00.20.H13");
    both("28.22.H17", "H17.22.28", "000.28.22.H17");
}

static void a_short_group_is_filled_up_in_the_old_form(void **state)
{
    (void)state;
    both("H26.19.5", "H26.19.5", "000.05.19.H26");
    both("G22.1.2.3", "G22.1.2.3", "003.02.01.G22");
}

static void what_the_old_form_cannot_hold_has_none(void **state)
{
    (void)state;
    both("H26.00004", "H26.00004", NULL);
    both("Z010100112437", "Z010100112437", NULL);
}

static void refuses_what_is_neither(void **state)
{
    static const char *const bad[] = {"",
                                      ".",
                                      "H",
                                      "H2",
                                      "h26",
                                      "H26.",
                                      ".H26",
                                      "H26..1",
                                      "H26.1a",
                                      "H26 .19",
                                      "Z00ABC",
                                      "Z01",
                                      "Z01A.B",
                                      "00.H26.00",
                                      "H26.1.2.3.4",
                                      "26H",
                                      "0000.00.00.H26",
                                      "000.00.00.Z26",
                                      "H26.12345678901234567890123456789012"};

    (void)state;
    for (size_t i = 0; i < KH_LEN(bad); i++) {
        struct kh_agency_code c;

        if (kh_agency_parse(kh_cstr(bad[i]), &c))
            fail_msg("taken: %s", bad[i]);
    }
}

static void levels_are_counted_from_the_top(void **state)
{
    struct kh_agency_code c;

    (void)state;
    assert_true(kh_agency_parse(KH_S("003.02.01.H26"), &c));
    assert_int_equal(c.levels, 4);
    assert_true(kh_str_is(c.group[0], "H26") && kh_str_is(c.group[1], "01"));
    assert_true(kh_str_is(c.group[2], "02") && kh_str_is(c.group[3], "003"));
    assert_true(kh_agency_parse(KH_S("Z99x"), &c) == false);
    assert_true(kh_agency_parse(KH_S("Z99X"), &c));
    assert_true(c.scheme);
    assert_true(kh_str_is(c.group[1], "X"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_both_systems_and_writes_the_other),
        cmocka_unit_test(a_short_group_is_filled_up_in_the_old_form),
        cmocka_unit_test(what_the_old_form_cannot_hold_has_none),
        cmocka_unit_test(refuses_what_is_neither),
        cmocka_unit_test(levels_are_counted_from_the_top),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
