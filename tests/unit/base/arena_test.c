/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/kh.h"

#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

static bool is_zero(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i])
            return false;
    return true;
}

static void gives_zeroed_and_aligned_memory_also_after_a_reset(void **state)
{
    static const size_t sizes[] = {1, 15, 16, 17, 4000, 9000, 70000, 3};
    kh_auto_arena a = kh_arena_new(SIZE_MAX);

    (void)state;
    for (int round = 0; round < 4; round++) {
        for (size_t i = 0; i < KH_LEN(sizes); i++) {
            unsigned char *p = kh_alloc(a, sizes[i]);

            assert_int_equal((uintptr_t)p % 16, 0);
            assert_true(is_zero(p, sizes[i]));
            memset(p, 0xab, sizes[i]);
        }
        kh_arena_reset(a);
        assert_int_equal(kh_arena_used(a), 0);
    }
}

static void copies_end_with_a_nul_where_the_memory_was_used_before(void **state)
{
    kh_auto_arena a = kh_arena_new(SIZE_MAX);

    (void)state;
    for (int round = 0; round < 3; round++) {
        struct kh_str s = kh_str_dup(a, KH_S("phường"));

        assert_int_equal(s.p[s.n], '\0');
        assert_string_equal(kh_str_z(a, KH_S("xã")), "xã");
        assert_string_equal(kh_strf(a, "%d-%s", 7, "a").p, "7-a");
        memset(kh_alloc_raw(a, 8000), 0xff, 8000);
        kh_arena_reset(a);
    }
}

static void remembers_that_it_went_over_its_cap_until_the_reset(void **state)
{
    kh_auto_arena a = kh_arena_new(1000);

    (void)state;
    (void)kh_alloc(a, 900);
    assert_false(kh_arena_over(a));
    (void)kh_alloc(a, 200);
    assert_true(kh_arena_over(a));
    kh_arena_reset(a);
    assert_false(kh_arena_over(a));
}

static void grows_an_array_and_leaves_the_old_one(void **state)
{
    kh_auto_arena a = kh_arena_new(SIZE_MAX);
    size_t cap = 0;
    int *old = kh_grow(a, NULL, 0, 1, &cap, sizeof(int)), *grown;

    (void)state;
    old[0] = 5;
    grown = kh_grow(a, old, 1, cap + 1, &cap, sizeof(int));
    assert_ptr_not_equal(grown, old);
    assert_int_equal(grown[0], 5);
    assert_int_equal(old[0], 5);
    assert_ptr_equal(kh_grow(a, grown, 1, cap, &cap, sizeof(int)), grown);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_zeroed_and_aligned_memory_also_after_a_reset),
        cmocka_unit_test(copies_end_with_a_nul_where_the_memory_was_used_before),
        cmocka_unit_test(remembers_that_it_went_over_its_cap_until_the_reset),
        cmocka_unit_test(grows_an_array_and_leaves_the_old_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
