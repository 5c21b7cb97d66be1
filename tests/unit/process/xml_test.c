/* SPDX-License-Identifier: Apache-2.0 */
/* Model files from anywhere: the tree knows its places, and nothing hostile gets in. */
#include "base/buf.h"
#include "engine/process/xml.h"

#include <setjmp.h>

#include <cmocka.h>

static bool parse(struct kh_arena *a, struct kh_str text, struct kh_xml **ret,
                  struct kh_issues *issues)
{
    struct kh_error err = {0};
    bool good = kh_xml_parse(a, text, NULL, KH_EC_PROCESS_INVALID, issues, ret, &err);

    if (!good)
        assert_int_equal(err.code, KH_EC_PROCESS_INVALID);
    return good;
}

static void knows_where_each_tag_begins(void **state)
{
    static const char text[] = "<?xml version=\"1.0\"?>\n"
                               "<a:x xmlns:a=\"urn:one\" xmlns=\"urn:two\">\n"
                               "  <!-- tiếng Việt --> <y  k=\"1 &lt; 2\"\n"
                               "     a:k=\"v\"/>đường<a:z/>\n"
                               "  t&amp;u<![CDATA[<v>]]>\n"
                               "</a:x>\n";
    kh_auto_arena a = kh_arena_new(1 << 20);
    struct kh_xml *x, *y, *z;

    (void)state;
    assert_true(parse(a, kh_cstr(text), &x, NULL));
    assert_true(kh_xml_is(x, "urn:one", "x"));
    assert_int_equal(x->line, 2);
    assert_int_equal(x->column, 1);
    y = x->first;
    assert_true(kh_xml_is(y, "urn:two", "y"));
    assert_int_equal(y->line, 3);
    assert_int_equal(y->column, 23);
    assert_true(kh_str_is(kh_xml_attr(y, "k"), "1 < 2"));
    assert_true(kh_str_is(kh_xml_attr_ns(y, "urn:one", "k"), "v"));
    assert_null(kh_xml_attr(y, "none").p);
    z = y->next;
    assert_true(kh_xml_is(z, "urn:one", "z"));
    assert_int_equal(z->line, 4);
    assert_int_equal(z->column, 20);
    assert_ptr_equal(z->parent, x);
    assert_null(z->next);
    assert_true(kh_str_is(kh_str_trim(x->text), "đường\n  t&u<v>"));
    assert_true(kh_str_is(kh_xml_place(a, z), "line:4:20"));
}

static void refuses_what_is_hostile(void **state)
{
    static const char *const bad[] = {
        "",
        "   ",
        "text",
        "<a>",
        "<a></b>",
        "<a/><b/>",
        "<a k=1/>",
        "<a k='1' k='2'/>",
        "<a>&nbsp;</a>",
        "<a>&#0;</a>",
        "<x:a/>",
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a/>",
        "<?xml version=\"1.0\" encoding=\"UTF-16\"?><a/>",
        "<!DOCTYPE a><a/>",
        "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>",
        "<!DOCTYPE a [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><a>&e;</a>",
        "<!DOCTYPE a [<!ENTITY b \"x\"><!ENTITY c \"&b;&b;&b;&b;\">]><a>&c;</a>",
        "<!DOCTYPE a [<!ENTITY % p SYSTEM \"http://127.0.0.1/\"> %p;]><a/>",
        "<a>\xff\xfe</a>",
        "<a>\xc3(</a>",
    };

    (void)state;
    for (size_t i = 0; i < KH_LEN(bad); i++) {
        kh_auto_arena a = kh_arena_new(1 << 20);
        struct kh_issues issues = {0};
        struct kh_xml *x;

        if (parse(a, kh_cstr(bad[i]), &x, &issues))
            fail_msg("accepted: %s", bad[i]);
        assert_int_equal(issues.n, 1);
        assert_true(kh_str_starts(issues.items[0].pointer, KH_S("line:")));
        assert_true(issues.items[0].vi.n && issues.items[0].en.n);
    }
}

static void refuses_depth_and_size(void **state)
{
    kh_auto_arena a = kh_arena_new(64 << 20);
    struct kh_buf b = kh_buf(a, 8 << 20);
    struct kh_xml *x;

    (void)state;
    for (int i = 0; i < 64; i++)
        kh_buf_z(&b, "<a>");
    for (int i = 0; i < 64; i++)
        kh_buf_z(&b, "</a>");
    assert_true(parse(a, kh_buf_get(&b), &x, NULL));
    b.n = 0;
    for (int i = 0; i < 100000; i++)
        kh_buf_z(&b, "<a>");
    assert_false(parse(a, kh_buf_get(&b), &x, NULL));
    b.n = 0;
    kh_buf_z(&b, "<a>");
    for (int i = 0; i < 50001; i++)
        kh_buf_z(&b, "<b/>");
    kh_buf_z(&b, "</a>");
    assert_false(parse(a, kh_buf_get(&b), &x, NULL));
    b.n = 0;
    kh_buf_z(&b, "<a>");
    for (int i = 0; i < 300000; i++)
        kh_buf_z(&b, "12345678");
    kh_buf_z(&b, "</a>");
    assert_false(parse(a, kh_buf_get(&b), &x, NULL));
}

static void never_reads_past_a_cut(void **state)
{
    static const char text[] =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a xmlns=\"urn:x\" k=\"v\">"
        "<b c='đ'>x &amp; y</b><!-- c --><![CDATA[d]]></a>";

    (void)state;
    for (size_t n = 0; n + 1 < sizeof(text) - 1; n++) {
        kh_auto_arena a = kh_arena_new(1 << 20);
        struct kh_str cut = kh_str_dup(a, kh_str(text, n));
        struct kh_xml *x;

        assert_false(parse(a, cut, &x, NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_where_each_tag_begins),
        cmocka_unit_test(refuses_what_is_hostile),
        cmocka_unit_test(refuses_depth_and_size),
        cmocka_unit_test(never_reads_past_a_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
