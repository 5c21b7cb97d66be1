/* SPDX-License-Identifier: Apache-2.0 */
#include "net/addr.h"

#include <setjmp.h>

#include <cmocka.h>

static bool in(const char *address, const char *block)
{
    struct kh_addr a;
    struct kh_addr_block b;

    assert_true(kh_addr_parse(kh_cstr(address), &a));
    assert_true(kh_addr_block_parse(kh_cstr(block), &b));
    return kh_addr_in(&a, &b);
}

static void knows_what_is_in_a_block(void **state)
{
    (void)state;
    assert_true(in("10.1.2.3", "10.0.0.0/8"));
    assert_false(in("11.0.0.0", "10.0.0.0/8"));
    assert_true(in("192.168.129.7", "192.168.128.0/17"));
    assert_false(in("192.168.127.7", "192.168.128.0/17"));
    assert_true(in("8.8.8.8", "0.0.0.0/0"));
    assert_false(in("2001:db8::1", "0.0.0.0/0"));
    assert_true(in("1.2.3.4", "1.2.3.4"));
    assert_false(in("1.2.3.5", "1.2.3.4"));
    assert_true(in("2001:db8:1::9", "2001:db8::/32"));
    assert_true(in("::ffff:10.0.0.1", "10.0.0.0/8"));
}

static void refuses_what_is_no_block(void **state)
{
    static const char *const wrong[] = {"",       "10.0.0.0/33", "10.0.0.0/-1", "10.0.0/8",
                                        "::/129", "a.b.c.d",     "10.0.0.0/",   "10.0.0.0/8 "};
    struct kh_addr_block b;

    (void)state;
    for (size_t i = 0; i < KH_LEN(wrong); i++)
        assert_false(kh_addr_block_parse(kh_cstr(wrong[i]), &b));
}

static void tells_public_addresses_from_special_ones(void **state)
{
    static const char *const special[] = {
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "fd12::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2002:a00:1::",
        "2001:db8::1",
        "2001::1",
        "3fff::1",
        "fec0::1",
        "5f00::1",
    };
    static const char *const open[] = {"8.8.8.8",          "172.32.0.1",      "100.128.0.1",
                                       "203.0.114.1",      "2606:4700::1111", "2a00:1450::1",
                                       "64:ff9b::8.8.8.8", "2002:808:808::"};
    struct kh_addr a;

    (void)state;
    for (size_t i = 0; i < KH_LEN(special); i++) {
        assert_true(kh_addr_parse(kh_cstr(special[i]), &a));
        if (!kh_addr_is_special(&a))
            fail_msg("%s", special[i]);
    }
    for (size_t i = 0; i < KH_LEN(open); i++) {
        assert_true(kh_addr_parse(kh_cstr(open[i]), &a));
        if (kh_addr_is_special(&a))
            fail_msg("%s", open[i]);
    }
}

static void counts_an_ipv6_network_as_one(void **state)
{
    struct kh_addr a, b, c;

    (void)state;
    assert_true(kh_addr_parse(KH_S("2606:4700:1:2::1"), &a));
    assert_true(kh_addr_parse(KH_S("2606:4700:1:2:ffff::9"), &b));
    assert_true(kh_addr_parse(KH_S("2606:4700:1:3::1"), &c));
    assert_true(kh_str_eq(kh_addr_key(&a), kh_addr_key(&b)));
    assert_false(kh_str_eq(kh_addr_key(&a), kh_addr_key(&c)));
    assert_true(kh_addr_parse(KH_S("1.2.3.4"), &a));
    assert_true(kh_addr_parse(KH_S("1.2.3.5"), &b));
    assert_false(kh_str_eq(kh_addr_key(&a), kh_addr_key(&b)));
}

static void writes_addresses_as_people_do(void **state)
{
    struct kh_addr a;
    char z[46];

    (void)state;
    assert_true(kh_addr_parse(KH_S("::ffff:1.2.3.4"), &a));
    assert_true(kh_str_is(kh_str(z, kh_addr_put(&a, z)), "1.2.3.4"));
    assert_true(kh_addr_parse(KH_S("2606:4700:0:0::1"), &a));
    assert_true(kh_str_is(kh_str(z, kh_addr_put(&a, z)), "2606:4700::1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_what_is_in_a_block),
        cmocka_unit_test(refuses_what_is_no_block),
        cmocka_unit_test(tells_public_addresses_from_special_ones),
        cmocka_unit_test(counts_an_ipv6_network_as_one),
        cmocka_unit_test(writes_addresses_as_people_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
