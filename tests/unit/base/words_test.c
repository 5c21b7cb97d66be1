/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"
#include "base/words.h"

#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

static struct kh_arena *a;

static int setup(void **state)
{
    (void)state;
    a = kh_arena_new(1 << 24);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kh_arena_drop(a);
    return 0;
}

static void is(struct kh_str got, const char *want)
{
    if (!kh_str_is(got, want))
        fail_msg("\"%.*s\" is not \"%s\"", KH_FMT(got), want);
}

static void numbers_are_read_as_people_read_them(void **state)
{
    static const struct {
        int64_t n;
        const char *words;
    } cases[] = {
        {0, "không"},
        {1, "một"},
        {10, "mười"},
        {11, "mười một"},
        {14, "mười bốn"},
        {15, "mười lăm"},
        {21, "hai mươi mốt"},
        {24, "hai mươi tư"},
        {25, "hai mươi lăm"},
        {40, "bốn mươi"},
        {101, "một trăm linh một"},
        {105, "một trăm linh năm"},
        {110, "một trăm mười"},
        {111, "một trăm mười một"},
        {555, "năm trăm năm mươi lăm"},
        {1000, "một nghìn"},
        {1001, "một nghìn không trăm linh một"},
        {1015, "một nghìn không trăm mười lăm"},
        {70000, "bảy mươi nghìn"},
        {1205000, "một triệu hai trăm linh năm nghìn"},
        {1200500, "một triệu hai trăm nghìn năm trăm"},
        {1000005, "một triệu không trăm linh năm"},
        {1000000000, "một tỷ"},
        {1000000000005, "một nghìn tỷ không trăm linh năm"},
        {2500000000000, "hai nghìn năm trăm tỷ"},
        {-21, "âm hai mươi mốt"},
        {INT64_MAX, "chín tỷ hai trăm hai mươi ba triệu ba trăm bảy mươi hai nghìn không trăm ba "
                    "mươi sáu tỷ tám trăm năm mươi tư triệu bảy trăm bảy mươi lăm nghìn tám trăm "
                    "linh bảy"},
    };

    (void)state;
    for (size_t i = 0; i < KH_LEN(cases); i++)
        is(kh_words_number(a, cases[i].n), cases[i].words);
    assert_true(kh_words_number(a, INT64_MIN).n > 0);
}

static void money_begins_with_a_capital(void **state)
{
    (void)state;
    is(kh_words_money(a, 1200000), "Một triệu hai trăm nghìn đồng");
    is(kh_words_money(a, 0), "Không đồng");
    is(kh_words_money(a, 4000), "Bốn nghìn đồng");
    is(kh_words_grouped(a, 1234567), "1.234.567");
    is(kh_words_grouped(a, 999), "999");
    is(kh_words_grouped(a, -1000), "-1.000");
}

static void dates_have_the_zeros_of_the_decree(void **state)
{
    int64_t us;

    (void)state;
    assert_true(kh_time_parse(KH_S("2026-09-05T15:05:00+07:00"), &us));
    is(kh_words_date(a, us), "05/9/2026");
    is(kh_words_date_long(a, us), "ngày 05 tháng 9 năm 2026");
    is(kh_words_when(a, us), "15 giờ 05 phút, ngày 05/9/2026");
    assert_true(kh_time_parse(KH_S("2026-02-28T18:30:00Z"), &us)); /* 1 March in the city */
    is(kh_words_date(a, us), "01/3/2026");
    assert_true(kh_time_parse(KH_S("2026-02-11T00:00:00+07:00"), &us));
    is(kh_words_date(a, us), "11/02/2026");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(numbers_are_read_as_people_read_them, setup, teardown),
        cmocka_unit_test_setup_teardown(money_begins_with_a_capital, setup, teardown),
        cmocka_unit_test_setup_teardown(dates_have_the_zeros_of_the_decree, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
