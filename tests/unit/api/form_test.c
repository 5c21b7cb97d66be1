/* SPDX-License-Identifier: Apache-2.0 */
#include "call_fixture.h"

#include "api/uri.h"

static struct kh_part *parts;
static size_t n;
static struct kh_error err;

static bool read(struct kh_call *c, const char *type, struct kh_str body)
{
    err = (struct kh_error){0};
    c->head.content_type = kh_cstr(type);
    c->body = body;
    return kh_call_form(c, &parts, &n, &err);
}

static void reads_urlencoded_forms(void **state)
{
    struct kh_call *c = call_new(KH_POST, "/", NULL, NULL);

    (void)state;
    assert_true(
        read(c, "application/x-www-form-urlencoded", KH_S("a=1&b=%C4%90%C3%A0+X&c&&d=%3D")));
    assert_int_equal(n, 4);
    assert_true(kh_str_is(parts[1].value, "Đà X"));
    assert_true(kh_str_is(parts[2].name, "c") && parts[2].value.n == 0);
    assert_true(kh_str_is(parts[3].value, "="));
    assert_false(read(c, "application/x-www-form-urlencoded", KH_S("a=%FF")));
    assert_false(read(c, "application/x-www-form-urlencoded", KH_S("a=%0")));
    assert_false(read(c, "application/json", KH_S("{}")));
    assert_int_equal(err.code, KH_EC_MEDIA_UNSUPPORTED);
    kh_arena_drop(c->a);
}

#define MULTI "multipart/form-data; boundary=\"x y\""

static void reads_multipart_forms(void **state)
{
    struct kh_call *c = call_new(KH_POST, "/", NULL, NULL);

    (void)state;
    assert_true(read(
        c, MULTI,
        KH_S("--x y\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhai\r\n--x\r\n"
             "\r\n--x y\r\ncontent-disposition: form-data; filename=\"a\\\"b.jpg\"; name=media\r\n"
             "Content-Type: image/jpeg\r\n\r\n\xff\xd8\0\r\n--x y--\r\nepilogue")));
    assert_int_equal(n, 2);
    assert_true(kh_str_is(parts[0].name, "note"));
    assert_true(kh_str_eq(parts[0].value, KH_S("hai\r\n--x\r\n")));
    assert_true(kh_str_is(parts[1].name, "media"));
    assert_true(kh_str_is(parts[1].filename, "a\"b.jpg"));
    assert_true(kh_str_is(parts[1].type, "image/jpeg"));
    assert_int_equal(parts[1].value.n, 3);
    kh_arena_drop(c->a);
}

static void refuses_broken_multipart_forms(void **state)
{
    static const struct kh_str wrong[] = {
        KH_STR_INIT(""),
        KH_STR_INIT("--x"),
        KH_STR_INIT("--x y\r\n"),
        KH_STR_INIT("--x y\r\n\r\nbody\r\n--x y--"),
        KH_STR_INIT("--x y\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nno end"),
        KH_STR_INIT("--x yz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--x y--"),
        KH_STR_INIT("--x y\r\nContent-Disposition: form-data; name=\"\xff\"\r\n\r\nb\r\n--x y--"),
    };
    struct kh_call *c = call_new(KH_POST, "/", NULL, NULL);

    (void)state;
    for (size_t i = 0; i < KH_LEN(wrong); i++) {
        assert_false(read(c, MULTI, wrong[i]));
        assert_int_equal(err.code, KH_EC_REQUEST_MALFORMED);
    }
    assert_false(read(c, "multipart/form-data", KH_S("--\r\n")));
    kh_arena_drop(c->a);
}

static void bounds_the_number_of_parts(void **state)
{
    struct kh_call *c = call_new(KH_POST, "/", NULL, NULL);
    struct kh_buf b = kh_buf(c->a, 1 << 20);

    (void)state;
    for (int i = 0; i < 1001; i++)
        kh_buf_z(&b, "a=1&");
    assert_false(read(c, "application/x-www-form-urlencoded", kh_buf_get(&b)));
    kh_arena_drop(c->a);
}

static void finds_cookies_by_their_whole_name(void **state)
{
    struct kh_call *c = call_new(KH_GET, "/", NULL, NULL);

    (void)state;
    c->head.cookie = KH_S("xkhue_session=no; khue_session=yes=1;khue_sessionx=no; flag");
    assert_true(kh_str_is(kh_call_cookie(c, "khue_session"), "yes=1"));
    assert_null(kh_call_cookie(c, "khue").p);
    assert_null(kh_call_cookie(c, "flag").p);
    kh_arena_drop(c->a);
}

static void reads_lists_and_qualities(void **state)
{
    struct kh_str list = KH_S(" gzip;q=0.5 ,, \"a,b\" , zstd;q=1.0, br;q=2"), e;
    int q;

    (void)state;
    assert_true(kh_list_next(&list, &e) && kh_str_is(kh_list_quality(e, &q), "gzip") && q == 500);
    assert_true(kh_list_next(&list, &e) && kh_str_is(e, "\"a,b\""));
    assert_true(kh_list_next(&list, &e) && kh_str_is(kh_list_quality(e, &q), "zstd") && q == 1000);
    assert_true(kh_list_next(&list, &e) && kh_str_is(kh_list_quality(e, &q), "br") && q == 0);
    assert_false(kh_list_next(&list, &e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_urlencoded_forms),
        cmocka_unit_test(reads_multipart_forms),
        cmocka_unit_test(refuses_broken_multipart_forms),
        cmocka_unit_test(bounds_the_number_of_parts),
        cmocka_unit_test(finds_cookies_by_their_whole_name),
        cmocka_unit_test(reads_lists_and_qualities),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
