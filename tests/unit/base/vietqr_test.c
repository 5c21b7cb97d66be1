/* SPDX-License-Identifier: Apache-2.0 */
#include "base/vietqr.h"

#include <setjmp.h>
#include <stdlib.h>

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

#define S(z) KH_STR_INIT(z)

/* Codes that banks' apps read: data/payments of the domain, MIT. */
static void writes_what_banks_write(void **state)
{
    static const struct {
        struct kh_vietqr q;
        const char *text;
    } cases[] = {
        {{.bin = S("970403"), .account = S("0011012345678"), .amount = 180000, .bill = S("NPS6869"),
          .purpose = S("thanh toan don hang")},
         "00020101021238570010A00000072701270006970403011300110123456780208QRIBFTTA53037045406180000"
         "5802VN62340107NPS68690819thanh toan don hang63042E2E"},
        {{.bin = S("970403"), .account = S("9704031101234567"), .card = true},
         "00020101021138600010A00000072701300006970403011697040311012345670208QRIBFTTC53037045802VN"
         "63044F52"},
        {{.bin = S("970423"), .account = S("0099999999")},
         "00020101021138540010A00000072701240006970423011000999999990208QRIBFTTA53037045802VN6304CBB4"},
        {{.bin = S("970422"), .account = S("0023457923442"), .amount = 40123,
          .purpose = S("test text string")},
         "00020101021238570010A00000072701270006970422011300234579234420208QRIBFTTA53037045405401235"
         "802VN62200816test text string6304D9C6"},
        {{.bin = S("970415"), .account = S("0011001932418"), .amount = 120000,
          .purpose = S("ung ho lu lut")},
         "00020101021238570010A00000072701270006970415011300110019324180208QRIBFTTA530370454061200005"
         "802VN62170813ung ho lu lut6304C15C"},
    };

    (void)state;
    for (size_t i = 0; i < KH_LEN(cases); i++) {
        struct kh_str got = kh_vietqr_text(a, &cases[i].q);

        if (!kh_str_is(got, cases[i].text))
            fail_msg("%.*s\n%s", KH_FMT(got), cases[i].text);
        assert_true(kh_vietqr_sum_ok(got));
    }
}

static void writes_a_purpose_as_every_bank_shows_it(void **state)
{
    struct kh_vietqr q = {.bin = KH_S("970403"), .account = KH_S("1"), .amount = 7000,
                          .purpose = KH_S("Nộp phí hồ sơ\nH26.00070-261129-0001, Đặng Thị Ớt")};
    struct kh_str got = kh_vietqr_text(a, &q);

    (void)state;
    assert_non_null(memmem(got.p, got.n, "6229" "0825Nop phi ho so H26.00070-2" "6304", 4 + 29 + 4));
    q.purpose = KH_S("\xff\xfe");
    assert_true(kh_vietqr_sum_ok(kh_vietqr_text(a, &q)));
}

static void refuses_what_no_bank_takes(void **state)
{
    static const struct kh_vietqr wrong[] = {
        {.bin = S("97040"), .account = S("1")},
        {.bin = S("97040a"), .account = S("1")},
        {.bin = S("970403"), .account = S("")},
        {.bin = S("970403"), .account = S("12345678901234567890")},
        {.bin = S("970403"), .account = S("12 34")},
        {.bin = S("970403"), .account = S("1"), .amount = -1},
        {.bin = S("970403"), .account = S("1"), .amount = INT64_MAX},
        {.bin = S("970403"), .account = S("1"), .bill = S("01234567890123456789012345")},
    };

    (void)state;
    for (size_t i = 0; i < KH_LEN(wrong); i++)
        assert_null(kh_vietqr_text(a, &wrong[i]).p);
    assert_false(kh_vietqr_sum_ok(KH_S("")));
    assert_false(kh_vietqr_sum_ok(KH_S("00020101021138540010A00000072701240006970423011000999999990208Q"
                                       "RIBFTTA53037045802VN6304CBB5")));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(writes_what_banks_write),
        T(writes_a_purpose_as_every_bank_shows_it),
        T(refuses_what_no_bank_takes),
    };
#undef T

    return cmocka_run_group_tests(tests, NULL, NULL);
}
