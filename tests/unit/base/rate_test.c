/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rate.h"

#include <setjmp.h>

#include <cmocka.h>

enum { S = 1000000 };

static int64_t wait_us;

static void gives_the_burst_and_then_the_pace(void **state)
{
    struct kh_rate *r = kh_rate_new();
    int64_t now = 5 * S;

    (void)state;
    for (int i = 0; i < 10; i++)
        assert_true(kh_rate_take(r, 1, now, 5, 10, &wait_us));
    assert_false(kh_rate_take(r, 1, now, 5, 10, &wait_us));
    assert_int_equal(wait_us, S / 5);
    assert_false(kh_rate_take(r, 1, now + S / 5 - 1, 5, 10, &wait_us));
    assert_true(kh_rate_take(r, 1, now + S / 5, 5, 10, &wait_us));
    assert_false(kh_rate_take(r, 1, now + S / 5, 5, 10, &wait_us));
    kh_rate_drop(r);
}

static void never_holds_more_than_the_burst(void **state)
{
    struct kh_rate *r = kh_rate_new();
    unsigned got = 0;

    (void)state;
    assert_true(kh_rate_take(r, 1, S, 100, 3, &wait_us));
    while (kh_rate_take(r, 1, 1000 * (int64_t)S, 100, 3, &wait_us))
        got++;
    assert_int_equal(got, 3);
    kh_rate_drop(r);
}

/* An attacker with many addresses must not wash away the bucket that holds it back. */
static void keeps_an_empty_bucket_through_a_flood_of_others(void **state)
{
    struct kh_rate *r = kh_rate_new();

    (void)state;
    while (kh_rate_take(r, 7, S, 1, 50, &wait_us))
        ;
    for (uint64_t k = 1000; k < 200000; k++)
        (void)!kh_rate_take(r, k, S, 1, 50, &wait_us);
    assert_false(kh_rate_take(r, 7, S, 1, 50, &wait_us));
    kh_rate_drop(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_burst_and_then_the_pace),
        cmocka_unit_test(never_holds_more_than_the_burst),
        cmocka_unit_test(keeps_an_empty_bucket_through_a_flood_of_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
