/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/registry/schema/schema.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Folder of this file, for the table of cases. */
#ifndef KH_HERE
#define KH_HERE "tests/unit/registry"
#endif

static struct kh_json *parse(struct kh_arena *a, const char *z)
{
    struct kh_error err = {0};
    struct kh_json *v = NULL;

    if (!kh_json_parse(a, kh_cstr(z), &(struct kh_json_limits){.depth = 1024}, &v, &err))
        fail_msg("%s: %s", z, err.detail);
    return v;
}

static const struct kh_json *find_in(void *ctx, struct kh_arena *a, struct kh_str uri)
{
    (void)a;
    return kh_json_find(ctx, uri);
}

static struct kh_schema *compile(struct kh_arena *a, const char *z)
{
    struct kh_error err = {0};
    struct kh_schema *s = NULL;

    if (!kh_schema_compile(a, parse(a, z), NULL, &s, &err))
        fail_msg("%s: %s", z, err.detail);
    return s;
}

/* ---- the table ---- */

static int check_row(struct kh_arena *a, const struct kh_json *row, size_t line)
{
    struct kh_schema_options o = {.find = find_in, .ctx = NULL};
    const struct kh_json *remotes = kh_json_get(row, "remotes");
    struct kh_str about = kh_json_str(row, "about", KH_S("?"));
    struct kh_error err = {0};
    struct kh_schema *s;
    int wrong = 0;

    o.ctx = (void *)(uintptr_t)remotes;
    if (!kh_schema_compile(a, kh_json_get(row, "schema"), &o, &s, &err)) {
        print_error("line %zu, %.*s: %s\n", line, KH_FMT(about), err.detail);
        return 1;
    }
    for (int valid = 0; valid < 2; valid++) {
        const struct kh_json *list = kh_json_get(row, valid ? "valid" : "invalid");

        for (uint32_t i = 0; i < list->n; i++) {
            struct kh_issues is = {0};
            bool told = kh_schema_check(s, a, &list->items[i], KH_S(""), &is);
            bool quiet = kh_schema_check(s, a, &list->items[i], KH_S(""), NULL);

            if (told == valid && quiet == valid && (is.n == 0) == valid)
                continue;
            wrong++;
            print_error("line %zu, %.*s: %.*s is %s, not %svalid\n", line, KH_FMT(about),
                        KH_FMT(kh_json_text(a, &list->items[i])), told ? "valid" : "invalid",
                        valid ? "" : "in");
        }
    }
    kh_schema_drop(s);
    return wrong;
}

static void agrees_with_the_table_of_cases(void **state)
{
    FILE *f = fopen(KH_HERE "/schema_cases.ndjson", "r");
    kh_auto_arena a = kh_arena_new(1 << 26);
    char *line = NULL;
    size_t cap = 0, number = 0;
    int wrong = 0;

    (void)state;
    assert_non_null(f);
    while (getline(&line, &cap, f) > 0) {
        number++;
        wrong += check_row(a, parse(a, line), number);
        kh_arena_reset(a);
    }
    free(line);
    fclose(f);
    assert_true(number > 150);
    assert_int_equal(wrong, 0);
}

/* ---- issues ---- */

static void assert_issue(const struct kh_issues *is, size_t i, const char *pointer,
                         const char *code, const char *vi, const char *en)
{
    if (i >= is->n)
        fail_msg("only %zu issues, no %s", is->n, pointer);
    if (!kh_str_is(is->items[i].pointer, pointer) || !kh_str_is(is->items[i].code, code) ||
        !kh_str_is(is->items[i].vi, vi) || !kh_str_is(is->items[i].en, en))
        fail_msg("issue %zu: %.*s %.*s: %.*s / %.*s", i, KH_FMT(is->items[i].pointer),
                 KH_FMT(is->items[i].code), KH_FMT(is->items[i].vi), KH_FMT(is->items[i].en));
}

static void reports_everything_at_once_in_both_languages(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 24);
    struct kh_schema *s = compile(
        a, "{\"type\":\"object\",\"required\":[\"name\",\"a/b\"],\"additionalProperties\":false,"
           "\"properties\":{\"name\":{},\"age\":{\"type\":\"integer\",\"minimum\":0},"
           "\"mail\":{\"format\":\"email\"},\"code\":{\"maxLength\":3,\"pattern\":\"^[A-Z]+$\"},"
           "\"tags\":{\"items\":{\"enum\":[\"x\",\"y\"]},\"uniqueItems\":true,\"maxItems\":2},"
           "\"step\":{\"multipleOf\":0.25},\"t\":{\"type\":[\"string\",\"null\"]}},"
           "\"dependentRequired\":{\"age\":[\"mail2\"]}}");
    struct kh_issues is = {0};

    (void)state;
    assert_false(kh_schema_check(
        s, a,
        parse(a, "{\"age\":-5,\"mail\":\"a\",\"code\":\"abcd\",\"tags\":[\"x\",\"z\",\"x\"],"
                 "\"step\":0.3,\"t\":5,\"ê~\":1}"),
        KH_S("/variables"), &is));
    assert_issue(&is, 0, "/variables/age", "minimum", "Không được nhỏ hơn 0", "Must be at least 0");
    assert_issue(&is, 1, "/variables/mail", "format",
                 "Phải là địa chỉ thư điện tử, ví dụ ten@example.vn",
                 "Must be an e-mail address such as name@example.org");
    assert_issue(&is, 2, "/variables/code", "maxLength", "Tối đa 3 ký tự, hiện có 4",
                 "At most 3 characters are allowed, there are 4");
    assert_issue(&is, 3, "/variables/code", "pattern", "Phải viết đúng theo mẫu ^[A-Z]+$",
                 "Must be written after the pattern ^[A-Z]+$");
    assert_issue(&is, 4, "/variables/tags", "maxItems", "Tối đa 2 mục, hiện có 3",
                 "At most 2 items are allowed, there are 3");
    assert_issue(&is, 5, "/variables/tags/1", "enum", "Phải là một trong: x, y",
                 "Must be one of: x, y");
    assert_issue(&is, 6, "/variables/tags", "uniqueItems", "Mục thứ 3 trùng với mục thứ 1",
                 "Item 3 is the same as item 1");
    assert_issue(&is, 7, "/variables/step", "multipleOf", "Phải là bội số của 0.25",
                 "Must be a multiple of 0.25");
    assert_issue(&is, 8, "/variables/t", "type", "Phải là văn bản hoặc rỗng (null)",
                 "Must be a text or null");
    assert_issue(&is, 9, "/variables/ê~0", "additionalProperties", "Ở đây không có trường này",
                 "There is no such field here");
    assert_issue(&is, 10, "/variables/name", "required", "Trường này là bắt buộc",
                 "This field is required");
    assert_issue(&is, 11, "/variables/a~1b", "required", "Trường này là bắt buộc",
                 "This field is required");
    assert_issue(&is, 12, "/variables/mail2", "dependentRequired",
                 "Trường này là bắt buộc khi có age", "This field is required when there is age");
    assert_int_equal(is.n, 13);
    kh_schema_drop(s);
}

static void names_each_keyword_as_its_code(void **state)
{
    static const struct {
        const char *schema, *value, *code;
    } rows[] = {
        {"{\"type\":\"string\"}", "1", "type"},
        {"{\"enum\":[1]}", "2", "enum"},
        {"{\"const\":1}", "2", "const"},
        {"{\"maximum\":1}", "2", "maximum"},
        {"{\"minimum\":3}", "2", "minimum"},
        {"{\"exclusiveMaximum\":2}", "2", "exclusiveMaximum"},
        {"{\"exclusiveMinimum\":2}", "2", "exclusiveMinimum"},
        {"{\"multipleOf\":3}", "2", "multipleOf"},
        {"{\"minLength\":2}", "\"\"", "minLength"},
        {"{\"maxLength\":0}", "\"a\"", "maxLength"},
        {"{\"pattern\":\"b\"}", "\"a\"", "pattern"},
        {"{\"format\":\"date\"}", "\"a\"", "format"},
        {"{\"minItems\":1}", "[]", "minItems"},
        {"{\"maxItems\":0}", "[1]", "maxItems"},
        {"{\"uniqueItems\":true}", "[1,1]", "uniqueItems"},
        {"{\"contains\":false}", "[1]", "contains"},
        {"{\"contains\":true,\"minContains\":2}", "[1]", "minContains"},
        {"{\"contains\":true,\"maxContains\":0,\"minContains\":0}", "[1]", "maxContains"},
        {"{\"items\":false}", "[1]", "items"},
        {"{\"prefixItems\":[false]}", "[1]", "prefixItems"},
        {"{\"unevaluatedItems\":false}", "[1]", "unevaluatedItems"},
        {"{\"required\":[\"a\"]}", "{}", "required"},
        {"{\"dependentRequired\":{\"a\":[\"b\"]}}", "{\"a\":1}", "dependentRequired"},
        {"{\"minProperties\":1}", "{}", "minProperties"},
        {"{\"maxProperties\":0}", "{\"a\":1}", "maxProperties"},
        {"{\"propertyNames\":false}", "{\"a\":1}", "propertyNames"},
        {"{\"properties\":{\"a\":false}}", "{\"a\":1}", "properties"},
        {"{\"patternProperties\":{\"a\":false}}", "{\"a\":1}", "patternProperties"},
        {"{\"additionalProperties\":false}", "{\"a\":1}", "additionalProperties"},
        {"{\"unevaluatedProperties\":false}", "{\"a\":1}", "unevaluatedProperties"},
        {"{\"anyOf\":[false]}", "1", "false"},
        {"{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}", "1", "anyOf"},
        {"{\"oneOf\":[true,true]}", "1", "oneOf"},
        {"{\"not\":true}", "1", "not"},
        {"false", "1", "false"},
    };
    kh_auto_arena a = kh_arena_new(1 << 24);

    (void)state;
    for (size_t i = 0; i < KH_LEN(rows); i++) {
        struct kh_schema *s = compile(a, rows[i].schema);
        struct kh_issues is = {0};

        assert_false(kh_schema_check(s, a, parse(a, rows[i].value), KH_S(""), &is));
        assert_int_equal(is.n, 1);
        if (!kh_str_is(is.items[0].code, rows[i].code))
            fail_msg("%s: %.*s", rows[i].schema, KH_FMT(is.items[0].code));
        assert_true(is.items[0].vi.n > 5 && is.items[0].en.n > 5);
        assert_true(kh_str_utf8(is.items[0].vi));
        kh_schema_drop(s);
    }
}

static void explains_the_only_branch_that_was_meant(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 24);
    struct kh_schema *s =
        compile(a, "{\"oneOf\":[{\"properties\":{\"kind\":{\"const\":\"a\"},\"x\":{\"type\":"
                   "\"integer\"}},\"required\":[\"kind\",\"x\"]},{\"properties\":{\"kind\":"
                   "{\"const\":\"b\"}},\"required\":[\"kind\",\"y\"]},{\"type\":\"null\"}]}");
    struct kh_issues is = {0}, other = {0};

    (void)state;
    assert_false(kh_schema_check(s, a, parse(a, "{\"kind\":\"a\",\"x\":\"1\"}"), KH_S(""), &is));
    assert_int_equal(is.n, 1);
    assert_issue(&is, 0, "/x", "type", "Phải là số nguyên", "Must be a whole number");
    assert_false(kh_schema_check(s, a, parse(a, "{\"kind\":\"c\"}"), KH_S(""), &other));
    assert_int_equal(other.n, 1);
    assert_issue(&other, 0, "", "oneOf", "Phải khớp với đúng một trong các dạng được phép",
                 "Must fit exactly one of the allowed forms");
    kh_schema_drop(s);
}

static void cuts_long_lists_of_issues(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 24);
    struct kh_schema *s = compile(a, "{\"items\":{\"type\":\"string\"}}");
    struct kh_issues is = {.max = 3};

    (void)state;
    assert_false(kh_schema_check(s, a, parse(a, "[1,2,3,4,5]"), KH_S(""), &is));
    assert_int_equal(is.n, 3);
    assert_true(is.cut);
    kh_schema_drop(s);
}

/* ---- schemas that cannot be used ---- */

static void refuses_unusable_schemas_and_says_where(void **state)
{
    static const struct {
        const char *schema, *pointer;
    } rows[] = {
        {"5", ""},
        {"{\"type\":\"strin\"}", "/type"},
        {"{\"type\":[\"string\",5]}", "/type"},
        {"{\"properties\":{\"a/b\":{\"type\":\"x\"}}}", "/properties/a~1b/type"},
        {"{\"properties\":[]}", "/properties"},
        {"{\"properties\":{\"a\":1}}", "/properties/a"},
        {"{\"required\":\"a\"}", "/required"},
        {"{\"required\":[1]}", "/required"},
        {"{\"enum\":1}", "/enum"},
        {"{\"minLength\":-1}", "/minLength"},
        {"{\"maxItems\":1.5}", "/maxItems"},
        {"{\"minimum\":\"1\"}", "/minimum"},
        {"{\"multipleOf\":0}", "/multipleOf"},
        {"{\"multipleOf\":-1}", "/multipleOf"},
        {"{\"pattern\":\"(\"}", "/pattern"},
        {"{\"pattern\":1}", "/pattern"},
        {"{\"format\":1}", "/format"},
        {"{\"patternProperties\":{\"[\":true}}", "/patternProperties/["},
        {"{\"items\":[{}]}", "/items"},
        {"{\"allOf\":[]}", "/allOf"},
        {"{\"allOf\":[{\"anyOf\":[1]}]}", "/allOf/0/anyOf/0"},
        {"{\"uniqueItems\":1}", "/uniqueItems"},
        {"{\"dependentRequired\":{\"a\":\"b\"}}", "/dependentRequired/a"},
        {"{\"$ref\":1}", "/$ref"},
        {"{\"$ref\":\"#/$defs/none\"}", "/$ref"},
        {"{\"$ref\":\"#none\"}", "/$ref"},
        {"{\"$ref\":\"#/%zz\"}", "/$ref"},
        {"{\"$ref\":\"http://example.org/none\"}", "/$ref"},
        {"{\"$dynamicRef\":\"#none\"}", "/$dynamicRef"},
        {"{\"$schema\":\"http://json-schema.org/draft-07/schema#\"}", ""},
        {"{\"$schema\":\"https://json-schema.org/draft/2019-09/schema\"}", ""},
        {"{\"$id\":5}", "/$id"},
        {"{\"$id\":\"http://example.org/a#b\"}", "/$id"},
        {"{\"$defs\":{\"unused\":{\"minimum\":null}}}", "/$defs/unused/minimum"},
        {"{\"$defs\":{\"a\":{\"$anchor\":\"x\"},\"b\":{\"$anchor\":\"x\"}}}", "/$defs/b"},
        {"{\"$defs\":{\"a\":{\"$id\":\"http://x/y\"},\"b\":{\"$id\":\"http://x/y\"}}}", "/$defs/b"},
        /* schemas that would never come to an end */
        {"{\"$ref\":\"#\"}", ""},
        {"{\"allOf\":[{\"$ref\":\"#\"}]}", "/allOf/0"},
        {"{\"$defs\":{\"a\":{\"$ref\":\"#/$defs/b\"},\"b\":{\"anyOf\":[{\"$ref\":\"#/$defs/"
         "a\"}]}},\"$ref\":\"#/$defs/a\"}",
         "/$defs/b/anyOf/0"},
        {"{\"not\":{\"$ref\":\"#\"}}", "/not"},
        {"{\"if\":true,\"then\":{\"$ref\":\"#\"}}", "/then"},
        {"{\"dependentSchemas\":{\"a\":{\"$ref\":\"#\"}}}", "/dependentSchemas/a"},
    };
    kh_auto_arena a = kh_arena_new(1 << 24);

    (void)state;
    for (size_t i = 0; i < KH_LEN(rows); i++) {
        struct kh_error err = {0};
        struct kh_schema *s = NULL;

        if (kh_schema_compile(a, parse(a, rows[i].schema), NULL, &s, &err))
            fail_msg("accepted: %s", rows[i].schema);
        assert_int_equal(err.code, KH_EC_SCHEMA_INVALID);
        assert_non_null(err.issues);
        assert_true(err.issues->n > 0);
        assert_true(kh_str_is(err.issues->items[0].code, "schema"));
        if (!kh_str_is(err.issues->items[0].pointer, rows[i].pointer))
            fail_msg("%s: %.*s", rows[i].schema, KH_FMT(err.issues->items[0].pointer));
    }
}

static void finds_all_faults_of_a_schema(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 24);
    struct kh_error err = {0};
    struct kh_schema *s = NULL;

    (void)state;
    assert_false(kh_schema_compile(
        a,
        parse(a, "{\"type\":\"x\",\"minimum\":\"y\",\"properties\":{\"a\":{\"pattern\":\"(\"}}}"),
        NULL, &s, &err));
    assert_int_equal(err.issues->n, 3);
}

static void refuses_a_required_vocabulary_it_does_not_know(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 24);
    struct kh_schema_options o = {.find = find_in};
    struct kh_error err = {0};
    struct kh_schema *s = NULL;

    (void)state;
    o.ctx = parse(a, "{\"http://x/m\":{\"$vocabulary\":{\"http://x/v\":true}}}");
    assert_false(kh_schema_compile(a, parse(a, "{\"$schema\":\"http://x/m\"}"), &o, &s, &err));
    assert_int_equal(err.code, KH_EC_SCHEMA_INVALID);
    assert_non_null(strstr(err.detail, "http://x/v"));
}

/* ---- limits ---- */

static struct kh_issues limited(struct kh_arena *a, const char *schema, const struct kh_json *v)
{
    struct kh_schema *s = compile(a, schema);
    struct kh_issues is = {0};

    assert_false(kh_schema_check(s, a, v, KH_S(""), &is));
    assert_false(kh_schema_check(s, a, v, KH_S(""), NULL));
    kh_schema_drop(s);
    return is;
}

static void ends_recursion_that_only_shows_at_run_time(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 28);
    struct kh_issues is = limited(
        a,
        "{\"$id\":\"http://x/a\",\"$dynamicAnchor\":\"n\",\"$ref\":\"b\",\"$defs\":{\"b\":"
        "{\"$id\":\"b\",\"$dynamicRef\":\"#n\",\"$defs\":{\"d\":{\"$dynamicAnchor\":\"n\"}}}}}",
        parse(a, "1"));

    (void)state;
    assert_true(is.n == 1 && kh_str_is(is.items[0].code, "limit"));
}

/* 2^40 ways to apply the innermost schema. */
static void ends_schemas_that_multiply(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 28);
    struct kh_buf b = kh_buf(a, 1 << 16);
    struct kh_issues is;

    (void)state;
    kh_buf_z(&b, "{\"$ref\":\"#/$defs/a0\",\"$defs\":{");
    for (int i = 0; i < 40; i++)
        kh_buf_strf(&b,
                    "\"a%d\":{\"anyOf\":[{\"$ref\":\"#/$defs/a%d\"},{\"$ref\":\"#/$defs/a%d\"}]},",
                    i, i + 1, i + 1);
    kh_buf_strf(&b, "\"a40\":{\"type\":\"null\"}}}%c", 0);
    is = limited(a, b.p, parse(a, "1"));
    assert_true(is.n >= 1 && kh_str_is(is.items[is.n - 1].code, "limit"));
}

static void ends_patterns_that_multiply(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 28);
    struct kh_issues is;

    (void)state;
    is =
        limited(a, "{\"pattern\":\"^(([a-z])+.)+[A-Z]([a-z])+$\"}",
                parse(a, "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""));
    assert_true(is.n == 1 && kh_str_is(is.items[0].code, "limit"));
    /* A denial does not turn the limit into consent. */
    is =
        limited(a, "{\"not\":{\"pattern\":\"^(([a-z])+.)+[A-Z]([a-z])+$\"}}",
                parse(a, "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""));
    assert_true(is.n >= 1 && kh_str_is(is.items[is.n - 1].code, "limit"));
}

static void checks_deep_values(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 26);
    struct kh_schema *s = compile(a, "{\"items\":{\"$ref\":\"#\"},\"maxItems\":1}");
    struct kh_buf b = kh_buf(a, 1 << 12);

    (void)state;
    for (int i = 0; i < 500; i++)
        kh_buf_c(&b, '[');
    for (int i = 0; i < 500; i++)
        kh_buf_c(&b, ']');
    kh_buf_c(&b, 0);
    assert_true(kh_schema_check(s, a, parse(a, b.p), KH_S(""), NULL));
    kh_schema_drop(s);
}

static void finds_a_repetition_among_many(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 28);
    struct kh_schema *s = compile(a, "{\"uniqueItems\":true}");
    struct kh_buf b = kh_buf(a, 1 << 24);
    struct kh_issues is = {0};

    (void)state;
    for (int i = 0; i < 50000; i++)
        kh_buf_strf(&b, "%c{\"n\":%d,\"s\":\"v\"}", i ? ',' : '[', i);
    b.n += 0;
    kh_buf_strf(&b, "]%c", 0);
    assert_true(kh_schema_check(s, a, parse(a, b.p), KH_S(""), &is));
    b.n -= 2;
    kh_buf_strf(&b, ",{\"s\":\"v\",\"n\":77.0}]%c", 0);
    assert_false(kh_schema_check(s, a, parse(a, b.p), KH_S(""), &is));
    assert_issue(&is, 0, "", "uniqueItems", "Mục thứ 50001 trùng với mục thứ 78",
                 "Item 50001 is the same as item 78");
    kh_schema_drop(s);
}

/* ---- threads ---- */

struct job {
    const struct kh_schema *s;
    int wrong;
};

static void *check_often(void *arg)
{
    struct job *j = arg;
    kh_auto_arena a = kh_arena_new(1 << 24);

    for (int i = 0; i < 500; i++) {
        struct kh_issues is = {0};

        kh_arena_reset(a);
        j->wrong +=
            !kh_schema_check(j->s, a, parse(a, "{\"a\":\"abc\",\"b\":[1,2]}"), KH_S(""), &is);
        j->wrong +=
            kh_schema_check(j->s, a, parse(a, "{\"a\":\"ABC\",\"b\":[1,1]}"), KH_S(""), &is);
        j->wrong += is.n != 2;
    }
    return NULL;
}

static void one_schema_serves_many_threads(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 24);
    struct kh_schema *s = compile(
        a, "{\"properties\":{\"a\":{\"pattern\":\"^[a-z]+$\"},\"b\":{\"uniqueItems\":true}},"
           "\"unevaluatedProperties\":false}");
    struct job jobs[4];
    pthread_t threads[4];

    (void)state;
    for (size_t i = 0; i < KH_LEN(jobs); i++) {
        jobs[i] = (struct job){s, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, check_often, &jobs[i]), 0);
    }
    for (size_t i = 0; i < KH_LEN(jobs); i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(jobs[i].wrong, 0);
    }
    kh_schema_drop(s);
}

static void keeps_nothing_of_its_input(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 24);
    struct kh_arena *gone = kh_arena_new(1 << 24);
    struct kh_error err = {0};
    struct kh_issues is = {0};
    struct kh_schema *s = NULL;

    (void)state;
    assert_true(kh_schema_compile(
        a, parse(gone, "{\"properties\":{\"abc\":{\"enum\":[\"x\"]}},\"required\":[\"def\"]}"),
        NULL, &s, &err));
    kh_arena_drop(gone);
    assert_false(kh_schema_check(s, a, parse(a, "{\"abc\":1}"), KH_S(""), &is));
    assert_int_equal(is.n, 2);
    kh_schema_drop(s);
    kh_schema_drop(NULL);
}

static void becomes_a_schema_of_openapi(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 24);
    const struct kh_json *in = parse(
        a,
        "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"$id\":\"kh:t\",\"x-kh\":{"
        "\"label\":{\"vi\":\"Loại\",\"en\":\"Type\"}},\"properties\":{\"x-kh\":{\"$ref\":\"#/$defs/a\"},"
        "\"b\":{\"x-kh\":{\"label\":{\"vi\":\"Bê\"},\"help\":{\"en\":\"Help\"}},\"title\":\"Own\","
        "\"items\":{\"$ref\":\"kh:t#/$defs/a\"}},\"c\":{\"$ref\":\"#\"},\"d\":{\"$ref\":\"other#/x\"}},"
        "\"const\":{\"$ref\":\"#/kept\",\"x-kh\":1},\"anyOf\":[true,{\"$ref\":\"#/$defs/a\",\"x-kh\":2}],"
        "\"$defs\":{\"a\":{\"type\":\"string\"}}}");
    const struct kh_json *want = parse(
        a,
        "{\"title\":\"Type\",\"properties\":{\"x-kh\":{\"$ref\":\"#/c/s/t/$defs/a\"},\"b\":{\"title\":"
        "\"Own\",\"description\":\"Help\",\"items\":{\"$ref\":\"#/c/s/t/$defs/a\"}},\"c\":{\"$ref\":"
        "\"#/c/s/t\"},\"d\":{\"$ref\":\"other#/x\"}},\"const\":{\"$ref\":\"#/kept\",\"x-kh\":1},"
        "\"anyOf\":[true,{\"$ref\":\"#/c/s/t/$defs/a\"}],\"$defs\":{\"a\":{\"type\":\"string\"}}}");
    const struct kh_json *got = kh_schema_openapi(a, in, KH_S("#/c/s/t"));

    (void)state;
    if (!kh_json_eq(got, want))
        fail_msg("%.*s", KH_FMT(kh_json_text(a, got)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_table_of_cases),
        cmocka_unit_test(reports_everything_at_once_in_both_languages),
        cmocka_unit_test(names_each_keyword_as_its_code),
        cmocka_unit_test(explains_the_only_branch_that_was_meant),
        cmocka_unit_test(cuts_long_lists_of_issues),
        cmocka_unit_test(refuses_unusable_schemas_and_says_where),
        cmocka_unit_test(finds_all_faults_of_a_schema),
        cmocka_unit_test(refuses_a_required_vocabulary_it_does_not_know),
        cmocka_unit_test(ends_recursion_that_only_shows_at_run_time),
        cmocka_unit_test(ends_schemas_that_multiply),
        cmocka_unit_test(ends_patterns_that_multiply),
        cmocka_unit_test(checks_deep_values),
        cmocka_unit_test(finds_a_repetition_among_many),
        cmocka_unit_test(one_schema_serves_many_threads),
        cmocka_unit_test(keeps_nothing_of_its_input),
        cmocka_unit_test(becomes_a_schema_of_openapi),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
