/* SPDX-License-Identifier: Apache-2.0 */
/* `khue feel` at its prompt, and `khue dmn check`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/dmn.h"
#include "cli/feel.h"

static void said(const char *lines, const char *want)
{
    char *text = NULL;
    size_t n = 0;
    FILE *in = tmpfile(), *out = open_memstream(&text, &n);

    fputs(lines, in);
    rewind(in);
    assert_int_equal(cli_feel_prompt(in, out, false), 0);
    fclose(in);
    fclose(out);
    assert_string_equal(text, want);
    free(text);
}

static void answers_line_by_line(void **state)
{
    (void)state;
    said("1 + 2\n\n\"a\" + \"b\"\n", "3\n\"ab\"\n");
    said("let x y = [1, 2, 3]\nx y[item > 1]\n:names\n", "[1, 2, 3]\n[2, 3]\n  x y\n");
    said("let f = function(a) a * 2\nf(21)\nlet f = 5\nf\n", "function\n42\n5\n5\n");
    said("missing\n", "  null because (line:1:1) There is no value of this name: missing.\nnull\n");
    said("1 +\n2\n",
         "  The expression is not valid: line 1, column 4: the expression ends too early"
         "\n2\n");
    said(":quit\n1\n", "");
}

static int check(const char *xml, char **ret_text)
{
    char path[] = "/tmp/khue-dmn-XXXXXX";
    int fd = mkstemp(path), n;
    size_t size = 0;
    FILE *out = open_memstream(ret_text, &size);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, xml, strlen(xml)), strlen(xml));
    close(fd);
    n = cli_dmn_check(path, NULL, 0, out);
    fclose(out);
    unlink(path);
    return n;
}

#define MODEL(inner)                                                                               \
    "<definitions xmlns=\"https://www.omg.org/spec/DMN/20230324/MODEL/\" namespace=\"n\" "         \
    "name=\"m\">\n<decision id=\"d\" name=\"d\"><literalExpression><text>" inner                   \
    "</text></literalExpression></decision></definitions>\n"

static void points_at_the_problems_of_a_model(void **state)
{
    char *text = NULL;

    (void)state;
    assert_int_equal(check(MODEL("1 + 2"), &text), 0);
    assert_string_equal(text, "");
    free(text);
    assert_int_equal(check(MODEL("1 +"), &text), 1);
    assert_non_null(strstr(text, ":2:"));
    assert_non_null(strstr(text, ": d: The expression is not valid"));
    free(text);
    assert_int_equal(check(MODEL("unknown"), &text), 1);
    assert_non_null(strstr(text, "uses a name that is not required: unknown"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_line_by_line),
        cmocka_unit_test(points_at_the_problems_of_a_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
