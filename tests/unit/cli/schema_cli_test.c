/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/schema.h"

#include "base/json.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Runs the command over an input; the lines of its output are in the array. */
static struct kh_json *run(struct kh_arena *a, struct kh_str input, const char *remotes,
                           const char *lang)
{
    struct kh_json *lines = kh_json_new(a, KH_JSON_ARRAY), *line = NULL;
    FILE *in = tmpfile(), *out;
    struct kh_error err = {0};
    struct kh_str rest, text;
    char *got = NULL;
    size_t n = 0;

    assert_non_null(in);
    assert_int_equal(fwrite(input.p, 1, input.n, in), input.n);
    rewind(in);
    out = open_memstream(&got, &n);
    assert_int_equal(cli_schema_test(fileno(in), out, remotes, lang), 0);
    fclose(in);
    fclose(out);
    for (text = kh_str(got, n); text.n; text = rest) {
        struct kh_str one = kh_str_cut(text, '\n', &rest);

        if (!kh_json_parse(a, one, NULL, &line, &err))
            fail_msg("%.*s: %s", KH_FMT(one), err.detail);
        kh_json_push(a, lines, line);
    }
    free(got);
    return lines;
}

static void assert_line(const struct kh_json *lines, uint32_t i, bool valid, const char *pointer,
                        const char *code, const char *message)
{
    const struct kh_json *line, *first;

    assert_true(i < lines->n);
    line = &lines->items[i];
    assert_int_equal(kh_json_bool(line, "valid", !valid), valid);
    assert_int_equal(kh_json_get(line, "errors")->n > 0, !valid);
    if (valid)
        return;
    first = kh_json_at(line, KH_S("/errors/0"));
    if (!kh_str_is(kh_json_str(first, "pointer", KH_S("?")), pointer) ||
        !kh_str_is(kh_json_str(first, "code", KH_S("?")), code) ||
        (message && !kh_str_is(kh_json_str(first, "message", KH_S("?")), message)))
        fail_msg("line %u: %.*s", i, KH_FMT(kh_json_str(first, "message", KH_S("?"))));
}

static void answers_each_line_in_order(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 24);
    struct kh_json *l =
        run(a,
            KH_S("{\"schema\":{\"type\":\"integer\"},\"instance\":1.0}\n"
                 "{\"schema\":{\"type\":\"integer\"},\"instance\":\"x\"}\n"
                 "\n"
                 "this is no pair\n"
                 "{\"schema\":true}\n"
                 "{\"schema\":{\"type\":7},\"instance\":1}\r\n"
                 "{\"schema\":{\"const\":\"a\\u0000b\"},\"instance\":\"a\\u0000b\"}\n"
                 "{\"instance\":[1,1],\"schema\":{\"uniqueItems\":true}}"),
            NULL, "en");

    (void)state;
    assert_int_equal(l->n, 7);
    assert_line(l, 0, true, NULL, NULL, NULL);
    assert_line(l, 1, false, "", "type", "Must be a whole number");
    assert_line(l, 2, false, "", "line", NULL);
    assert_line(l, 3, false, "", "line", NULL);
    assert_line(l, 4, false, "/type", "schema", "There is no such type");
    assert_line(l, 5, true, NULL, NULL, NULL);
    assert_line(l, 6, false, "", "uniqueItems", NULL);
}

static void speaks_vietnamese(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 24);
    struct kh_json *l =
        run(a, KH_S("{\"schema\":{\"required\":[\"a\"]},\"instance\":{}}\n"), NULL, "vi");

    (void)state;
    assert_line(l, 0, false, "/a", "required", "Trường này là bắt buộc");
}

static void keeps_schemas_apart_that_are_compiled_once(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 26);
    struct kh_buf b = kh_buf(a, 1 << 20);
    struct kh_json *l;

    (void)state;
    /* More schemas than are kept, each twice. */
    for (int i = 0; i < 1000; i++)
        kh_buf_strf(&b, "{\"schema\":{\"minimum\":%d},\"instance\":%d}\n", i / 2, i / 2 - i % 2);
    l = run(a, kh_buf_get(&b), NULL, "en");
    assert_int_equal(l->n, 1000);
    for (uint32_t i = 0; i < 1000; i++)
        assert_line(l, i, i % 2 == 0, "", "minimum", NULL);
}

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[512];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void finds_remote_documents_by_path_and_by_id(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 24);
    char folder[] = "/tmp/khue-schema.XXXXXX", sub[64];
    struct kh_json *l;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(sub, sizeof(sub), "%s/sub", folder);
    assert_int_equal(mkdir(sub, 0700), 0);
    write_file(folder, "int.json", "{\"type\":\"integer\"}");
    write_file(sub, "named.json", "{\"$id\":\"https://example.org/named\",\"type\":\"string\"}");
    write_file(sub, "broken.json", "{");
    l = run(
        a,
        KH_S("{\"schema\":{\"$ref\":\"http://localhost:1234/int.json\"},\"instance\":1}\n"
             "{\"schema\":{\"$ref\":\"http://localhost:1234/int.json\"},\"instance\":\"x\"}\n"
             "{\"schema\":{\"$ref\":\"https://example.org/named\"},\"instance\":1}\n"
             "{\"schema\":{\"$ref\":\"http://localhost:1234/none.json\"},\"instance\":1}\n"
             "{\"schema\":{\"$ref\":\"http://localhost:1234/sub/broken.json\"},\"instance\":1}\n"
             "{\"schema\":{\"$ref\":\"http://localhost:1234/..%2fint.json\"},\"instance\":1}\n"),
        folder, "en");
    assert_line(l, 0, true, NULL, NULL, NULL);
    assert_line(l, 1, false, "", "type", NULL);
    assert_line(l, 2, false, "", "type", NULL);
    assert_line(l, 3, false, "/$ref", "schema",
                "There is no such schema: http://localhost:1234/none.json");
    assert_line(l, 4, false, "/$ref", "schema", NULL);
    assert_line(l, 5, false, "/$ref", "schema", NULL);
    snprintf(sub, sizeof(sub), "rm -r %s", folder);
    assert_int_equal(system(sub), 0);
}

static void refuses_what_it_does_not_know(void **state)
{
    char name[] = "schema", test[] = "test", wrong[] = "--remote";
    char *none[] = {name}, *more[] = {name, test, wrong};

    (void)state;
    assert_int_equal(cli_schema(1, none), 2);
    assert_int_equal(cli_schema(3, more), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_each_line_in_order),
        cmocka_unit_test(speaks_vietnamese),
        cmocka_unit_test(keeps_schemas_apart_that_are_compiled_once),
        cmocka_unit_test(finds_remote_documents_by_path_and_by_id),
        cmocka_unit_test(refuses_what_it_does_not_know),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
