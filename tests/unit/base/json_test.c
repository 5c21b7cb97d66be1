/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "base/json_num.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct kh_json *parse_in(struct kh_arena *a, struct kh_str text,
                                const struct kh_json_limits *l, struct kh_error *err)
{
    struct kh_json *v = NULL;
    /* In a buffer of its own, so that the sanitizer sees a read past the text. */
    char *own = malloc(text.n + 1);
    bool ok;

    memcpy(own, text.p, text.n);
    char *exact = realloc(own, text.n ? text.n : 1);
    assert_non_null(exact);
    ok = kh_json_parse(a, kh_str(exact, text.n), l, &v, err);
    free(exact);
    return ok ? v : NULL;
}

static struct kh_json *must(struct kh_arena *a, const char *z)
{
    struct kh_error err = {0};
    struct kh_json *v = parse_in(a, kh_cstr(z), NULL, &err);

    if (!v)
        fail_msg("%s: %s", z, err.detail);
    return v;
}

static void assert_text(struct kh_str got, const char *want)
{
    if (!kh_str_is(got, want))
        fail_msg("got  %.*s\nwant %s", KH_FMT(got), want);
}

static void round_trip(const char *in, const char *out)
{
    kh_auto_arena a = kh_arena_new(1 << 20);

    assert_text(kh_json_text(a, must(a, in)), out);
}

static void reads_and_writes_every_kind_of_value(void **state)
{
    (void)state;
    round_trip("null", "null");
    round_trip(" true\n", "true");
    round_trip("\tfalse\r", "false");
    round_trip("0", "0");
    round_trip("-0", "-0");
    round_trip("\"\"", "\"\"");
    round_trip("[]", "[]");
    round_trip("[ ]", "[]");
    round_trip("{}", "{}");
    round_trip("{ }", "{}");
    round_trip("[[],{},[{}]]", "[[],{},[{}]]");
    round_trip("[1 , 2,\"a\" ,null]", "[1,2,\"a\",null]");
    round_trip("{\"b\":1,\"a\":{\"c\":[true,false]}}", "{\"b\":1,\"a\":{\"c\":[true,false]}}");
    round_trip("{\"\":\"\"}", "{\"\":\"\"}");
    round_trip("\"Hồ Hoàn Kiếm\"", "\"Hồ Hoàn Kiếm\"");
}

static void keeps_the_text_of_numbers(void **state)
{
    static const char *const same[] = {
        "1.10", "1e400", "-1E+2", "0.1", "-0.0", "1e-7", "123456789012345678901234567890.000100"};
    (void)state;
    for (size_t i = 0; i < KH_LEN(same); i++)
        round_trip(same[i], same[i]);
}

static void decodes_escapes(void **state)
{
    (void)state;
    round_trip("\"\\u0041\\u00e9\\u1EBF\\ud83d\\ude00\"", "\"Aéế😀\"");
    round_trip("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\b\\f\\n\\r\\t\"");
    round_trip("\"\\u001f\\u007f\"", "\"\\u001f\x7f\"");
    round_trip("[\"a\\\"\" , \"b\", \"\\\\\",\"c\"]", "[\"a\\\"\",\"b\",\"\\\\\",\"c\"]");
    round_trip("{\"a\\n\":\"x\",\"b\":\"\\t\"}", "{\"a\\n\":\"x\",\"b\":\"\\t\"}");
}

static void refuses(const char *text, size_t n, enum kh_ec code, const char *detail)
{
    kh_auto_arena a = kh_arena_new(1 << 20);
    struct kh_error err = {0};

    if (parse_in(a, kh_str(text, n), NULL, &err))
        fail_msg("accepted: %.*s", (int)n, text);
    assert_int_equal(err.code, code);
    if (detail)
        assert_string_equal(err.detail, detail);
}

static void refuses_what_is_not_json(void **state)
{
    static const char *const bad[] = {
        "",
        " ",
        "{",
        "}",
        "[",
        "]",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{1:1}",
        "{\"a\" 1}",
        "[1}",
        "{\"a\":1]",
        "1 2",
        "1,2",
        "tru",
        "True",
        "nul",
        "nulls",
        "truefalse",
        "01",
        "-",
        "+1",
        ".5",
        "1.",
        "1.e1",
        "1e",
        "1e+",
        "0x10",
        "1a",
        "-a",
        "NaN",
        "Infinity",
        "'a'",
        "\"a",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\n\"",
        "\"a\"b",
        "\"a\"\"b\"",
        "[\"a\"1]",
        "123\"a\"",
        "\\\"a\"",
        "[1\\]",
        "\xEF\xBB\xBF{}",
        "\"\xFF\"",
        "\"\xC0\x80\"",
        "\"\xED\xA0\x80\"",
        "\"\xF4\x90\x80\x80\"",
        "[1,2]]",
        "{}{}",
        "//a\n1",
        "[1\f]",
        "[\"a\"\f]",
        "\x1a",
        "[1\x1a"
        "2]",
        "{\"a\"\x1a"
        "1}",
        "[1\v,2]",
        "\"\\",
        "\"\\u\"",
        "\"\\ud800\\u\"",
    };
    (void)state;
    for (size_t i = 0; i < KH_LEN(bad); i++)
        refuses(bad[i], strlen(bad[i]), KH_EC_JSON_SYNTAX, NULL);
    refuses("1\0", 2, KH_EC_JSON_SYNTAX, NULL);
    refuses("[1\0]", 4, KH_EC_JSON_SYNTAX, NULL);
    refuses("[true\0]", 7, KH_EC_JSON_SYNTAX, NULL);
    refuses("\"a\0b\"", 5, KH_EC_JSON_SYNTAX, NULL);
    refuses("\0", 1, KH_EC_JSON_SYNTAX, NULL);
}

static void refuses_lone_surrogates_and_zero(void **state)
{
    static const char *const bad[] = {"\"\\ud800\"",   "\"\\udc00\"", "\"\\ud800\\ud800\"",
                                      "\"\\ud83dx\"",  "\"\\u0000\"", "{\"\\u0000\":1}",
                                      "\"\\ud83d\\n\""};
    (void)state;
    for (size_t i = 0; i < KH_LEN(bad); i++)
        refuses(bad[i], strlen(bad[i]), KH_EC_JSON_SYNTAX, NULL);
}

static void says_where_the_error_is(void **state)
{
    (void)state;
#define AT(text, detail) refuses(text, sizeof(text) - 1, KH_EC_JSON_SYNTAX, detail)
    AT("{\"a\":1,\n \"ế\" 2}", "':' expected at byte 15 (line 2, column 6)");
    AT("[\"\\n\\n\",\n?]", "a value expected at byte 9 (line 2, column 1)");
    AT("[1,\"\xFF\"]", "not UTF-8 at byte 4 (line 1, column 5)");
    AT("[1,\"a\nb\"]", "control character in a string at byte 5 (line 1, column 6)");
    AT("[1,\"ab]", "string without an end at byte 3 (line 1, column 4)");
    AT("{\"a\":1,\"b\":2,\"a\":3}", "the same key twice at byte 13 (line 1, column 14)");
    AT("\"a\\ud800\"", "half of a surrogate pair at byte 2 (line 1, column 3)");
    AT("[1] x", "something after the value at byte 4 (line 1, column 5)");
    AT("[1", "',' or ']' expected at byte 2 (line 1, column 3)");
    AT("", "no value at byte 0 (line 1, column 1)");
#undef AT
}

static void refuses_keys_that_come_twice(void **state)
{
    struct kh_error err = {0};
    kh_auto_arena a = kh_arena_new(1 << 24);
    struct kh_buf b = kh_buf(a, 1 << 20);

    (void)state;
    refuses("{\"a\":1,\"\\u0061\":2}", 18, KH_EC_JSON_SYNTAX, NULL);
    refuses("{\"\":1,\"\":2}", 11, KH_EC_JSON_SYNTAX, NULL);
    refuses("[{\"x\":{\"k\":1,\"l\":2,\"k\":1}}]", 28, KH_EC_JSON_SYNTAX, NULL);
    /* Large objects are checked in another way than small ones. */
    for (unsigned count = 30; count < 40; count++) {
        for (int twice = 0; twice < 2; twice++) {
            b.n = 0;
            for (unsigned i = 0; i < count; i++)
                kh_buf_strf(&b, "%c\"key%u\":%u", i ? ',' : '{', i, i);
            kh_buf_strf(&b, ",\"key%u\":0}", twice ? 7 : 1000);
            assert_int_equal(parse_in(a, kh_buf_get(&b), NULL, &err) == NULL, twice);
        }
    }
}

static struct kh_str nested(struct kh_arena *a, unsigned depth, bool object)
{
    struct kh_buf b = kh_buf(a, 1 << 20);

    for (unsigned i = 0; i < depth; i++)
        kh_buf_z(&b, object ? "{\"a\":" : "[");
    kh_buf_z(&b, "1");
    for (unsigned i = 0; i < depth; i++)
        kh_buf_z(&b, object ? "}" : "]");
    return kh_buf_get(&b);
}

static void limits_depth_count_and_bytes(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 24);
    struct kh_error err = {0};

    (void)state;
    for (int object = 0; object < 2; object++) {
        assert_non_null(parse_in(a, nested(a, 64, object), NULL, &err));
        assert_null(parse_in(a, nested(a, 65, object), NULL, &err));
        assert_int_equal(err.code, KH_EC_JSON_DEPTH);
        assert_non_null(
            parse_in(a, nested(a, 1024, object), &(struct kh_json_limits){.depth = 99999}, &err));
        assert_null(
            parse_in(a, nested(a, 1025, object), &(struct kh_json_limits){.depth = 99999}, &err));
        assert_int_equal(err.code, KH_EC_JSON_DEPTH);
    }
    assert_non_null(parse_in(a, KH_S("[1,2]"), &(struct kh_json_limits){.values = 3}, &err));
    assert_null(parse_in(a, KH_S("[1,2,3]"), &(struct kh_json_limits){.values = 3}, &err));
    assert_int_equal(err.code, KH_EC_JSON_TOO_LARGE);
    assert_non_null(parse_in(a, KH_S("[1,2]"), &(struct kh_json_limits){.bytes = 5}, &err));
    assert_null(parse_in(a, KH_S("[1,22]"), &(struct kh_json_limits){.bytes = 5}, &err));
    assert_int_equal(err.code, KH_EC_JSON_TOO_LARGE);
}

static void stops_when_the_arena_is_full(void **state)
{
    kh_auto_arena a = kh_arena_new(4096);
    kh_auto_arena big = kh_arena_new(1 << 20);
    struct kh_buf b = kh_buf(big, 1 << 20);
    struct kh_error err = {0};

    (void)state;
    kh_buf_c(&b, '[');
    for (int i = 0; i < 700; i++)
        kh_buf_z(&b, "[],");
    kh_buf_z(&b, "1]");
    assert_null(parse_in(a, kh_buf_get(&b), NULL, &err));
    assert_int_equal(err.code, KH_EC_ARENA_FULL);
}

static void reads_documents_larger_than_the_kept_index(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 26);
    struct kh_buf b = kh_buf(a, 1 << 20);
    struct kh_error err = {0};
    struct kh_json *v;

    (void)state;
    kh_buf_c(&b, '[');
    for (int i = 0; i < 20000; i++)
        kh_buf_strf(&b, "{\"i\":%d,\"s\":\"a\\u0062\"},", i);
    kh_buf_z(&b, "null]");
    v = parse_in(a, kh_buf_get(&b), NULL, &err);
    assert_non_null(v);
    assert_int_equal(v->n, 20001);
    assert_int_equal(kh_json_int(&v->items[19999], "i", -1), 19999);
    assert_text(kh_json_str(&v->items[12345], "s", KH_S("")), "ab");
    /* and a small one after it, on the thread's index */
    assert_non_null(parse_in(a, KH_S("[1]"), NULL, &err));
}

static void finds_members_and_pointers(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 20);
    struct kh_json *v =
        must(a, "{\"a\":[10,{\"b/c\":1,\"~\":2,\"\":3,\"0\":4,\" \":5}],\"ê\":6,\"\":7,"
                "\"t\":true,\"f\":false,\"s\":\"x\",\"d\":1.5,\"i\":1e2}");
    static const struct {
        const char *pointer;
        int64_t want; /* -1: nothing */
    } cases[] = {{"/a/0", 10},   {"/a/1/b~1c", 1}, {"/a/1/~0", 2}, {"/a/1/", 3},
                 {"/a/1/0", 4},  {"/a/1/ ", 5},    {"/ê", 6},      {"/", 7},
                 {"a", -1},      {"/a/2", -1},     {"/a/-", -1},   {"/a/00", -1},
                 {"/a/01", -1},  {"/a/+1", -1},    {"/a/-0", -1},  {"/a/1/~2", -1},
                 {"/a/1/~", -1}, {"/a/0/x", -1},   {"/b", -1},     {"/a/1/b/c", -1}};

    (void)state;
    for (size_t i = 0; i < KH_LEN(cases); i++) {
        int64_t got = -1;
        bool hit = kh_json_as_int(kh_json_at(v, kh_cstr(cases[i].pointer)), &got);

        if (hit != (cases[i].want >= 0) || got != cases[i].want)
            fail_msg("%s: %lld", cases[i].pointer, (long long)got);
    }
    assert_ptr_equal(kh_json_at(v, KH_S("")), v);
    assert_null(kh_json_at(NULL, KH_S("/a")));
    assert_null(kh_json_get(NULL, "a"));
    assert_null(kh_json_get(kh_json_get(v, "a"), "a"));
    assert_true(kh_json_bool(v, "t", false));
    assert_false(kh_json_bool(v, "f", true));
    assert_true(kh_json_bool(v, "s", true));
    assert_text(kh_json_str(v, "s", KH_S("y")), "x");
    assert_text(kh_json_str(v, "i", KH_S("y")), "y");
    assert_int_equal(kh_json_int(v, "i", 0), 100);
    assert_int_equal(kh_json_int(v, "d", -5), -5);
    assert_true(kh_json_num(v, "d", 0) == 1.5);
    assert_true(kh_json_num(v, "none", 2.5) == 2.5);
}

static void reads_numbers(void **state)
{
    static const struct {
        const char *text;
        bool fits;
        int64_t want;
    } ints[] = {{"0", true, 0},
                {"-0", true, 0},
                {"-0.0e9", true, 0},
                {"1.0", true, 1},
                {"10e-1", true, 1},
                {"1e2", true, 100},
                {"0.5e1", true, 5},
                {"1.5", false, 0},
                {"1e-1", false, 0},
                {"9223372036854775807", true, INT64_MAX},
                {"9223372036854775808", false, 0},
                {"-9223372036854775808", true, INT64_MIN},
                {"-9223372036854775809", false, 0},
                {"922337203685477580.7e1", true, INT64_MAX},
                {"1e19", false, 0},
                {"1e400", false, 0},
                {"1e99999999999999999999", false, 0},
                {"1e-99999999999999999999", false, 0},
                {"0e99999999999999999999", true, 0},
                {"100000000000000000000e-20", true, 1}};
    static const struct {
        const char *text;
        bool fits;
        double want;
    } doubles[] = {{"0.1", true, 0.1},
                   {"1e400", false, 0},
                   {"-1e400", false, 0},
                   {"1e-400", true, 0},
                   {"1.7976931348623157e308", true, 1.7976931348623157e308},
                   {"5e-324", true, 5e-324},
                   {"1e309", false, 0},
                   {"0.0001e400", false, 0},
                   {"123456789012345678901234567890123456789012345678901234567890123456789012345"
                    "67890e-70",
                    true, 1234567890.1234567890}};
    kh_auto_arena a = kh_arena_new(1 << 20);

    (void)state;
    for (size_t i = 0; i < KH_LEN(ints); i++) {
        int64_t got = 77;
        bool ok = kh_json_as_int(must(a, ints[i].text), &got);

        if (ok != ints[i].fits || (ok && got != ints[i].want))
            fail_msg("%s: %d %lld", ints[i].text, ok, (long long)got);
    }
    for (size_t i = 0; i < KH_LEN(doubles); i++) {
        double got = 77;
        bool ok = kh_json_as_double(must(a, doubles[i].text), &got);

        if (ok != doubles[i].fits || (ok && got != doubles[i].want))
            fail_msg("%s: %d %g", doubles[i].text, ok, got);
    }
}

static void compares_numbers_as_decimals(void **state)
{
    /* in order; equal ones in one row */
    static const char *const rows[][5] = {
        {"-1e99999999999999999999"},
        {"-1e400", "-10e399"},
        {"-100.5"},
        {"-100", "-1e2", "-100.000"},
        {"-1e-400"},
        {"-1e-99999999999999999998"},
        {"-1e-99999999999999999999"},
        {"0", "-0", "0.0", "0e5", "-0.000e-999999999999999999999"},
        {"1e-99999999999999999999"},
        {"1e-99999999999999999998"},
        {"1e-400"},
        {"0.1", "1e-1", "0.10", "100e-3"},
        {"0.1000000000000000000000000000000000000001"},
        {"1", "1.0", "10e-1", "0.1e1", "1E+0"},
        {"1.00000000000000000001"},
        {"9.99"},
        {"10", "1e1", "100e-1"},
        {"9007199254740993"},
        {"9007199254740994"},
        {"1e308"},
        {"1.1e308"},
        {"1e400"},
        {"1e99999999999999999998"},
        {"2e99999999999999999998"},
        {"1e99999999999999999999"},
        {"1e100000000000000000000"},
    };
    kh_auto_arena a = kh_arena_new(1 << 20);

    (void)state;
    for (size_t i = 0; i < KH_LEN(rows); i++)
        for (size_t j = 0; j < KH_LEN(rows); j++)
            for (size_t k = 0; k < 25; k++) {
                const char *x = rows[i][k / 5], *y = rows[j][k % 5];
                struct kh_num nx, ny;
                int r;

                if (!x || !y)
                    continue;
                assert_true(kh_num_parse(kh_cstr(x), &nx) && kh_num_parse(kh_cstr(y), &ny));
                r = kh_num_cmp(&nx, &ny);
                if ((r > 0) - (r < 0) != (i > j) - (i < j))
                    fail_msg("%s ? %s: %d", x, y, r);
                if (kh_json_eq(must(a, x), must(a, y)) != (i == j))
                    fail_msg("%s = %s", x, y);
                if (i == j)
                    assert_int_equal(kh_num_hash(&nx, 5), kh_num_hash(&ny, 5));
            }
}

/* The seed decides nothing about whether two values fall together. */
static void hashes_of_small_numbers_differ(void **state)
{
    uint64_t hash[2000];
    struct kh_num num;
    char z[32];

    (void)state;
    for (int i = 0; i < 2000; i++) {
        snprintf(z, sizeof(z), "%d%s", i / 2, i & 1 ? "e-3" : "");
        assert_true(kh_num_parse(kh_cstr(z), &num));
        hash[i] = i == 1 ? 1 : kh_num_hash(&num, 7); /* 0 and 0e-3 are one */
        for (int k = 0; k < i; k++)
            if (hash[k] == hash[i])
                fail_msg("%d and %s", k, z);
    }
}

static void divides_decimals_exactly(void **state)
{
    static const struct {
        const char *a, *by;
        bool want;
    } cases[] = {{"0.0075", "0.0001", true},
                 {"0.00751", "0.0001", false},
                 {"4.5", "1.5", true},
                 {"35", "1.5", false},
                 {"1e308", "0.5", true},
                 {"1e308", "3", false},
                 {"3e308", "3", true},
                 {"1e308", "0.123456789", false},
                 {"12345678900000000000000000000", "0.123456789", true},
                 {"0", "7", true},
                 {"-9", "3", true},
                 {"1.1", "0.1", true},
                 {"19.99", "0.01", true},
                 {"0.3", "0.1", true},
                 {"5", "10", false},
                 {"1e-7", "1e-8", true},
                 {"1e-8", "1e-7", false},
                 {"1e400", "7e399", false},
                 {"7e400", "7e-400", true},
                 {"1e20", "1024", true},
                 {"1e9", "1024", false},
                 {"1e10", "1024", true},
                 {"1e999999999999999999999", "64", true},
                 {"1e999999999999999999999", "3", false},
                 {"1", "1e999999999999999999999", false},
                 {"3e999999999999999999999", "1e999999999999999999999", true},
                 {"9007199254740993", "9007199254740993", true},
                 {"121932631112635269", "123456789", true},
                 {"123456789012345678901234567890", "123456789012345678901234567890", true},
                 {"246913578024691357802469135780", "12345678901234567890123456789", true},
                 {"246913578024691357802469135781", "12345678901234567890123456789", false},
                 {"123456789012345678901234567890e50", "1234567890123456789012345.6789", true},
                 {"123456789012345678901234567891", "12345678901234567890.1234567891", true},
                 {"123456789012345678901234567891", "12345678901234567890.1234567893", false}};

    (void)state;
    for (size_t i = 0; i < KH_LEN(cases); i++) {
        struct kh_num a, by;

        assert_true(kh_num_parse(kh_cstr(cases[i].a), &a) &&
                    kh_num_parse(kh_cstr(cases[i].by), &by));
        if (kh_num_multiple(&a, &by) != cases[i].want)
            fail_msg("%s of %s: not %d", cases[i].a, cases[i].by, cases[i].want);
    }
}

static void compares_trees(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {{"{\"a\":1,\"b\":2}", "{\"b\":2.0,\"a\":1e0}", true},
                 {"{\"a\":1,\"b\":2}", "{\"b\":1,\"a\":2}", false},
                 {"{\"a\":1}", "{\"a\":1,\"b\":2}", false},
                 {"{\"a\":1,\"b\":2}", "{\"a\":1,\"c\":2}", false},
                 {"[1,2]", "[2,1]", false},
                 {"[1,[2,{}]]", "[1,[2,{}]]", true},
                 {"[]", "{}", false},
                 {"0", "false", false},
                 {"1", "true", false},
                 {"\"1\"", "1", false},
                 {"null", "null", true},
                 {"\"é\"", "\"e\\u0301\"", false}};
    kh_auto_arena a = kh_arena_new(1 << 22);
    struct kh_buf x = kh_buf(a, 1 << 16), y = kh_buf(a, 1 << 16);

    (void)state;
    for (size_t i = 0; i < KH_LEN(cases); i++)
        if (kh_json_eq(must(a, cases[i].a), must(a, cases[i].b)) != cases[i].same)
            fail_msg("%s = %s", cases[i].a, cases[i].b);
    /* many members, in the opposite order */
    for (int i = 0; i < 100; i++) {
        kh_buf_strf(&x, "%c\"k%d\":%d", i ? ',' : '{', i, i);
        kh_buf_strf(&y, "%c\"k%d\":%d.0", i ? ',' : '{', 99 - i, 99 - i);
    }
    kh_buf_z(&x, "}");
    kh_buf_strf(&y, "}%c", 0);
    assert_true(kh_json_eq(must(a, kh_str_z(a, kh_buf_get(&x))), must(a, y.p)));
    assert_false(kh_json_eq(must(a, kh_str_z(a, kh_buf_get(&x))), must(a, "{\"k1\":1}")));
}

static void builds_and_changes_trees(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 20);
    struct kh_json *o = kh_json_new(a, KH_JSON_OBJECT), *l = kh_json_new(a, KH_JSON_ARRAY);
    struct kh_json *parsed = must(a, "{\"a\":1,\"b\":[1,2,3]}");
    struct kh_json *copy = kh_json_dup(a, parsed);

    (void)state;
    for (int i = 0; i < 9; i++)
        kh_json_push(a, l, kh_json_new_int(a, i));
    kh_json_set(a, o, KH_S("list"), l);
    kh_json_set(a, o, KH_S("s"), kh_json_new_str(a, KH_S("x\"y")));
    kh_json_set(a, o, KH_S("d"), kh_json_new_double(a, 0.1));
    kh_json_set(a, o, KH_S("nan"), kh_json_new_double(a, __builtin_nan("")));
    kh_json_set(a, o, KH_S("s"), kh_json_new_int(a, INT64_MIN));
    kh_json_unset(o, KH_S("nothing"));
    assert_text(kh_json_text(a, o), "{\"list\":[0,1,2,3,4,5,6,7,8],\"s\":-9223372036854775808,"
                                    "\"d\":0.1,\"nan\":null}");
    kh_json_unset(o, KH_S("list"));
    kh_json_unset(o, KH_S("nan"));
    assert_text(kh_json_text(a, o), "{\"s\":-9223372036854775808,\"d\":0.1}");
    /* A parsed tree has no spare room; growing it must not write behind it. */
    kh_json_set(a, copy, KH_S("c"), kh_json_new(a, KH_JSON_TRUE));
    kh_json_set(a, parsed, KH_S("c"), kh_json_new(a, KH_JSON_NULL));
    assert_text(kh_json_text(a, parsed), "{\"a\":1,\"b\":[1,2,3],\"c\":null}");
    assert_text(kh_json_text(a, copy), "{\"a\":1,\"b\":[1,2,3],\"c\":true}");
}

static void merges_as_rfc_7396_says(void **state)
{
    /* the examples of appendix A, as pairs and results */
    static const char *const rows[][3] = {
        {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"a\":null}", "{}"},
        {"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
        {"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"},
        {"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}"},
        {"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
        {"[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]"},
        {"{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]"},
        {"{\"a\":\"foo\"}", "null", "null"},
        {"{\"a\":\"foo\"}", "\"bar\"", "\"bar\""},
        {"{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}"},
        {"[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}"},
        {"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"}};
    kh_auto_arena a = kh_arena_new(1 << 20);

    (void)state;
    for (size_t i = 0; i < KH_LEN(rows); i++)
        assert_text(kh_json_text(a, kh_json_merge(a, must(a, rows[i][0]), must(a, rows[i][1]))),
                    rows[i][2]);
}

static void writes_canonical_text(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 20);
    struct kh_buf b = kh_buf(a, 1000);

    (void)state;
    kh_json_canon(&b, must(a, "{\"b\" : [ {\"z\":1, \"y\":1.0} ], \"\":0, \"a\":{}, \"ab\":[]}"));
    assert_text(kh_buf_get(&b), "{\"\":0,\"a\":{},\"ab\":[],\"b\":[{\"y\":1.0,\"z\":1}]}");
}

static void writes_the_shortest_double(void **state)
{
    static const double values[] = {0.1,       1.0 / 3, 5e-324, 1.7976931348623157e308, 1e21,
                                    100,       2.5,     -0.0,   9007199254740993.0,     1e-7,
                                    123456.789};
    kh_auto_arena a = kh_arena_new(1 << 20);
    struct kh_buf b = kh_buf(a, 1000);
    struct kh_jw w = kh_jw(&b);

    (void)state;
    for (size_t i = 0; i < KH_LEN(values); i++) {
        struct kh_json *v = kh_json_new_double(a, values[i]);
        double back = 1;

        assert_true(kh_json_as_double(must(a, kh_str_z(a, v->s)), &back));
        assert_memory_equal(&back, &values[i], sizeof(back));
    }
    kh_jw_arr(&w);
    kh_jw_double(&w, 0.1);
    kh_jw_double(&w, 105.85420);
    kh_jw_double(&w, 3);
    kh_jw_double(&w, __builtin_inf());
    kh_jw_end(&w);
    assert_text(kh_buf_get(&b), "[0.1,105.8542,3,null]");
}

/* Every byte in every place of a word: the writer looks at eight at a time. */
static void quotes_every_byte_in_every_place(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 24);

    (void)state;
    for (int c = 1; c < 128; c++) {
        for (size_t at = 0; at < 20; at++) {
            char text[20];
            struct kh_buf b = kh_buf(a, 1000);
            struct kh_error err = {0};
            struct kh_json *back = NULL;

            memset(text, 'x', sizeof(text));
            text[at] = (char)c;
            kh_json_quote(&b, kh_str(text, sizeof(text)));
            if (!kh_json_parse(a, kh_buf_get(&b), NULL, &back, &err))
                fail_msg("%d at %zu: %s", c, at, err.detail);
            assert_true(kh_str_eq(back->s, kh_str(text, sizeof(text))));
        }
    }
}

static void the_writer_puts_commas(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 20);
    struct kh_buf b = kh_buf(a, 1000);
    struct kh_jw w = kh_jw(&b);

    (void)state;
    kh_jw_obj(&w);
    kh_jw_kz(&w, "a", "x");
    kh_jw_kint(&w, "b", -5);
    kh_jw_key(&w, "c");
    kh_jw_arr(&w);
    kh_jw_end(&w);
    kh_jw_key(&w, "d");
    kh_jw_arr(&w);
    kh_jw_null(&w);
    kh_jw_obj(&w);
    kh_jw_end(&w);
    kh_jw_obj(&w);
    kh_jw_kbool(&w, "e", true);
    kh_jw_end(&w);
    kh_jw_json(&w, must(a, "[1,2]"));
    kh_jw_raw(&w, KH_S("{}"));
    kh_jw_end(&w);
    kh_jw_keys(&w, KH_S("f\n"));
    kh_jw_str(&w, KH_S("\x01\"\\"));
    kh_jw_end(&w);
    assert_text(kh_buf_get(&b),
                "{\"a\":\"x\",\"b\":-5,\"c\":[],\"d\":[null,{},{\"e\":true},[1,2],{}],"
                "\"f\\n\":\"\\u0001\\\"\\\\\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_writes_every_kind_of_value),
        cmocka_unit_test(keeps_the_text_of_numbers),
        cmocka_unit_test(decodes_escapes),
        cmocka_unit_test(refuses_what_is_not_json),
        cmocka_unit_test(refuses_lone_surrogates_and_zero),
        cmocka_unit_test(says_where_the_error_is),
        cmocka_unit_test(refuses_keys_that_come_twice),
        cmocka_unit_test(limits_depth_count_and_bytes),
        cmocka_unit_test(stops_when_the_arena_is_full),
        cmocka_unit_test(reads_documents_larger_than_the_kept_index),
        cmocka_unit_test(finds_members_and_pointers),
        cmocka_unit_test(reads_numbers),
        cmocka_unit_test(compares_numbers_as_decimals),
        cmocka_unit_test(hashes_of_small_numbers_differ),
        cmocka_unit_test(divides_decimals_exactly),
        cmocka_unit_test(compares_trees),
        cmocka_unit_test(builds_and_changes_trees),
        cmocka_unit_test(merges_as_rfc_7396_says),
        cmocka_unit_test(writes_canonical_text),
        cmocka_unit_test(writes_the_shortest_double),
        cmocka_unit_test(quotes_every_byte_in_every_place),
        cmocka_unit_test(the_writer_puts_commas),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
