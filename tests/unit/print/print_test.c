/* SPDX-License-Identifier: Apache-2.0 */
/* Papers: what is drawn, what is refused, and that nothing in a record makes one grow without end. */
#include "base/json.h"
#include "engine/print/print.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct kh_arena *a;

static int setup(void **state)
{
    (void)state;
    a = kh_arena_new(256 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kh_arena_drop(a);
    return 0;
}

static struct kh_json *parse(struct kh_str text)
{
    struct kh_error err = {0};
    struct kh_json *v;
    char *z = kh_str_z(a, text);

    for (char *p = z; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    if (!kh_json_parse(a, kh_cstr(z), NULL, &v, &err))
        fail_msg("%s: %s", z, err.detail);
    return v;
}

static bool draw(const char *definition, struct kh_str context, struct kh_str *ret,
                 struct kh_error *err)
{
    struct kh_print p = {.key = KH_S("t/t"),
                         .title_vi = KH_S("Thử"),
                         .title_en = KH_S("Test"),
                         .definition = parse(kh_cstr(definition))};
    struct kh_print_view v = {.type = KH_S("t"), .context = parse(context)};

    *err = (struct kh_error){0};
    return kh_print_draw(a, &p, &v, ret, err);
}

static size_t pages(struct kh_str pdf)
{
    size_t n = 0;

    for (const char *p = pdf.p; (p = memmem(p, pdf.n - (size_t)(p - pdf.p), "/Type /Page %", 13)); p++)
        n++;
    return n;
}

static void a_long_list_goes_over_pages(void **state)
{
    static const char definition[] =
        "{'size':'A5','body':[{'text':'Giấy tờ'},{'table':{'each':'case.papers','as':'p','columns':"
        "[{'width':1,'head':'TT','text':'{n}'},{'width':5,'head':'Tên','text':'{p.name}'}]}},"
        "{'each':'case.papers','as':'p','body':[{'text':'{n}. {p.name|upper}'}]}]}";
    struct kh_buf b = kh_buf(a, 1 << 20);
    struct kh_error err;
    struct kh_str pdf;

    (void)state;
    kh_buf_z(&b, "{'case':{'papers':[");
    for (int i = 0; i < 120; i++)
        kh_buf_strf(&b, "%s{'name':'Giấy chứng nhận số %d'}", i ? "," : "", i);
    kh_buf_z(&b, "]}}");
    if (!draw(definition, kh_buf_get(&b), &pdf, &err))
        fail_msg("%s", err.detail);
    assert_true(kh_str_starts(pdf, KH_S("%PDF-")));
    assert_in_range(pages(pdf), 6, 14);
}

static void a_long_text_is_broken_into_lines_and_pages(void **state)
{
    struct kh_buf b = kh_buf(a, 1 << 20);
    struct kh_error err;
    struct kh_str pdf;

    (void)state;
    kh_buf_z(&b, "{'case':{'text':'");
    for (int i = 0; i < 4000; i++)
        kh_buf_z(&b, "Nghiêng ngả ");
    kh_buf_z(&b, "'}}");
    assert_true(draw("{'body':[{'text':'{text}','align':'justify'}]}", kh_buf_get(&b), &pdf, &err));
    assert_in_range(pages(pdf), 8, 30);
    /* A word without an end is broken as well. */
    b = kh_buf(a, 1 << 20);
    kh_buf_z(&b, "{'case':{'text':'");
    for (int i = 0; i < 20000; i++)
        kh_buf_c(&b, 'x');
    kh_buf_z(&b, "'}}");
    assert_true(draw("{'body':[{'text':'{text}'}]}", kh_buf_get(&b), &pdf, &err));
    assert_in_range(pages(pdf), 3, 10);
}

static void what_cannot_be_drawn_is_refused(void **state)
{
    struct kh_buf b = kh_buf(a, 1 << 20);
    struct kh_error err;
    struct kh_str pdf;

    (void)state;
    kh_buf_z(&b, "{'case':{'text':'");
    for (int i = 0; i < 5000; i++)
        kh_buf_c(&b, 'x');
    kh_buf_z(&b, "','many':[");
    for (int i = 0; i < 2000; i++)
        kh_buf_z(&b, i ? ",1" : "1");
    kh_buf_z(&b, "]}}");
    assert_false(draw("{'body':[{'qr':'{text}'}]}", kh_buf_get(&b), &pdf, &err));
    assert_int_equal(err.code, KH_EC_NOT_SUPPORTED);
    assert_true(strstr(err.detail, "QR") != NULL);
    /* Lists in lists: a thousand times a thousand blocks. */
    assert_false(draw("{'body':[{'each':'case.many','as':'x','body':[{'each':'case.many','as':'y',"
                      "'body':[{'space':0}]}]}]}",
                      kh_buf_get(&b), &pdf, &err));
    assert_int_equal(err.code, KH_EC_ARENA_FULL);
}

static void nothing_in_a_record_is_a_place_or_an_expression(void **state)
{
    struct kh_error err;
    struct kh_str pdf;

    (void)state;
    assert_true(draw("{'values':{'v':'case.a'},'body':[{'text':'{v} {b|money} {c|date} {d.e.f} {nothing|words}'},"
                     "{'text':'{a','if':'case.b'},{'text':'x','if':'1 / 0'},{'each':'case.a','as':'i','body':[]},"
                     "{'columns':[{'width':1,'body':[{'line':0}]},{'width':2,'body':[]}]}]}",
                     KH_S("{'case':{'a':'{b} {{}} 1 + 1','b':'not a number','c':'not a date','d':[1]}}"),
                     &pdf, &err));
    assert_int_equal(pages(pdf), 1);
}

static bool finds(const char *definition, const char *pointer)
{
    struct kh_issues is = {0};

    kh_print_check(a, parse(kh_cstr(definition)), &is);
    for (size_t i = 0; i < is.n; i++)
        if (kh_str_is(is.items[i].pointer, pointer))
            return true;
    for (size_t i = 0; i < is.n; i++)
        print_message("# %.*s: %.*s\n", KH_FMT(is.items[i].pointer), KH_FMT(is.items[i].en));
    return is.n == 0 && !*pointer;
}

static void a_wrong_definition_is_told_with_its_place(void **state)
{
#define HEAD "'type':'t','title':{'vi':'T','en':'T'},"
    static const struct {
        const char *definition, *pointer;
    } cases[] = {
        {"{" HEAD "'body':[{'text':'{a|money}'},{'line':60},{'space':4}]}", ""},
        {"{" HEAD "'body':[{'txt':'x'}]}", "/body/0"},
        {"{" HEAD "'body':[{'text':'x','colour':'red'}]}", "/body/0/colour"},
        {"{" HEAD "'body':[{'text':3}]}", "/body/0/text"},
        {"{" HEAD "'body':[{'text':'{a|euro}'}]}", "/body/0/text"},
        {"{" HEAD "'body':[{'text':'{}'}]}", "/body/0/text"},
        {"{" HEAD "'body':[{'text':'x','align':'middle'}]}", "/body/0/align"},
        {"{" HEAD "'body':[{'text':'x','if':'1 +'}]}", "/body/0/if"},
        {"{" HEAD "'body':[{'columns':[]}]}", "/body/0/columns"},
        {"{" HEAD "'body':[{'columns':[{'width':0,'body':[]}]}]}", "/body/0/columns"},
        {"{" HEAD "'body':[{'table':{'columns':[{'head':'x'}]}}]}", "/body/0/table"},
        {"{" HEAD "'body':[{'each':'x','as':'y'}]}", "/body/0/body"},
        {"{" HEAD "'body':[{'qr':'{number}','size':-1}]}", "/body/0/size"},
        {"{" HEAD "'size':'A3','body':[]}", "/size"},
        {"{" HEAD "'see':'nobody','body':[]}", "/see"},
        {"{" HEAD "'values':{'v':'1 +'},'body':[]}", "/values/v"},
        {"{'type':'t','body':[]}", "/title"},
        {"{" HEAD "'margin':3,'body':[]}", "/margin"},
        {"{" HEAD "'body':{}}", "/body"},
    };

    (void)state;
    for (size_t i = 0; i < KH_LEN(cases); i++)
        if (!finds(cases[i].definition, cases[i].pointer))
            fail_msg("%s: nothing at %s", cases[i].definition, cases[i].pointer);
#undef HEAD
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_long_list_goes_over_pages),
        T(a_long_text_is_broken_into_lines_and_pages),
        T(what_cannot_be_drawn_is_refused),
        T(nothing_in_a_record_is_a_place_or_an_expression),
        T(a_wrong_definition_is_told_with_its_place),
    };
#undef T

    return cmocka_run_group_tests(tests, NULL, NULL);
}
