/* SPDX-License-Identifier: Apache-2.0 */
#include "base/config.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static struct kh_config *c;
static struct kh_error err;

static int setup(void **state)
{
    (void)state;
    c = kh_config_new();
    err = (struct kh_error){0};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kh_config_drop(c);
    return 0;
}

static bool text(const char *z)
{
    return kh_config_text(c, "khue.conf", kh_cstr(z), &err);
}

static void has_defaults_inside_their_bounds(void **state)
{
    (void)state;
    assert_int_equal(c->http_threads, 2);
    assert_true(kh_str_is(c->listen, "127.0.0.1:8080"));
    for (size_t i = 0; kh_config_row(i); i++) {
        assert_true(kh_config_set(c, kh_cstr(kh_config_row(i)->name),
                                  kh_cstr(kh_config_row(i)->fallback), &err));
        assert_true(strlen(kh_config_row(i)->about) > 20);
    }
}

static void reads_lines_comments_and_units(void **state)
{
    (void)state;
    assert_true(text("# a comment\n\n  http_threads =  8 \nlisten=[::1]:0\nlog_json = yes\r\n"
                     "call_memory_bytes = 2M\nsmtp_from = A = B\n"));
    assert_int_equal(c->http_threads, 8);
    assert_int_equal(c->call_memory_bytes, 2 * 1024 * 1024);
    assert_int_equal(c->log_json, 1);
    assert_string_equal(c->listen.p, "[::1]:0");
    assert_true(kh_str_is(c->smtp_from, "A = B"));
}

static void names_the_line_and_the_nearest_key_of_an_unknown_one(void **state)
{
    (void)state;
    assert_false(text("\nhttp_thread = 2\n"));
    assert_int_equal(err.code, KH_EC_CONFIG_INVALID);
    assert_non_null(strstr(err.detail, "khue.conf:2"));
    assert_non_null(strstr(err.detail, "did you mean http_threads?"));
}

static void refuses_what_does_not_fit(void **state)
{
    static const char *const wrong[] = {
        "http_threads = 0",
        "http_threads = 65",
        "http_threads = two",
        "http_threads =",
        "log_json = maybe",
        "http_threads",
        "listen =",
        "http_threads = 9223372036854775807G",
        "http_threads = 2\nhttp_threads = 2",
        "node = 1.5",
        "smtp_from = \xff\xfe",
    };

    (void)state;
    for (size_t i = 0; i < KH_LEN(wrong); i++) {
        err = (struct kh_error){0};
        assert_false(text(wrong[i]));
        assert_int_equal(err.code, KH_EC_CONFIG_INVALID);
    }
}

static void keeps_secrets_out_of_print_and_reads_them_from_files(void **state)
{
    char path[] = "/tmp/khue-secret-XXXXXX";
    int fd = mkstemp(path);
    kh_auto_arena a = kh_arena_new(1 << 20);
    struct kh_buf b = kh_buf(a, 1 << 20);

    (void)state;
    assert_true(fd >= 0 && write(fd, "hunter2\n", 8) == 8);
    close(fd);
    assert_true(kh_config_set(c, KH_S("smtp_password"), kh_strf(a, "@%s", path), &err));
    unlink(path);
    assert_string_equal(c->smtp_password.p, "hunter2");
    assert_true(kh_config_explain(c, KH_S(""), &b));
    kh_buf_c(&b, 0);
    assert_null(strstr(b.p, "hunter2"));
    assert_non_null(strstr(b.p, "(set; not shown)"));
    assert_false(kh_config_set(c, KH_S("smtp_password"), KH_S("@/nowhere/at/all"), &err));
    assert_int_equal(err.code, KH_EC_IO);
}

static void takes_over_live_numbers_and_names_the_rest(void **state)
{
    struct kh_config *again = kh_config_new();
    kh_auto_arena a = kh_arena_new(1 << 20);
    struct kh_buf b = kh_buf(a, 1 << 20);

    (void)state;
    assert_true(kh_config_text(again, "x", KH_S("rate_address = 7\nhttp_threads = 5\n"), &err));
    assert_int_equal(kh_config_live(c, again, &b), 1);
    assert_int_equal(c->rate_address, 7);
    assert_int_equal(c->http_threads, 2);
    assert_true(kh_str_is(kh_buf_get(&b), "http_threads"));
    kh_config_drop(again);
}

static void makes_a_sample_that_reads_back_as_the_defaults(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 20);
    struct kh_buf b = kh_buf(a, 1 << 20), plain = kh_buf(a, 1 << 20);
    struct kh_str rest, line;

    (void)state;
    kh_config_sample(&b);
    for (rest = kh_buf_get(&b); rest.n;) {
        line = kh_str_cut(rest, '\n', &rest);
        if (line.n > 2 && line.p[0] == '#' && line.p[1] != ' ')
            kh_buf_strf(&plain, "%.*s\n", KH_FMT(kh_str_skip(line, 1)));
    }
    assert_true(kh_config_text(c, "sample", kh_buf_get(&plain), &err));
    assert_int_equal(c->http_threads, 2);
}

static void splits_lists(void **state)
{
    struct kh_str list = KH_S(" a, b  c,"), w;

    (void)state;
    w = kh_config_word(&list);
    assert_true(kh_str_is(w, "a"));
    w = kh_config_word(&list);
    assert_true(kh_str_is(w, "b"));
    w = kh_config_word(&list);
    assert_true(kh_str_is(w, "c"));
    assert_int_equal(kh_config_word(&list).n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(has_defaults_inside_their_bounds, setup, teardown),
        cmocka_unit_test_setup_teardown(reads_lines_comments_and_units, setup, teardown),
        cmocka_unit_test_setup_teardown(names_the_line_and_the_nearest_key_of_an_unknown_one, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(refuses_what_does_not_fit, setup, teardown),
        cmocka_unit_test_setup_teardown(keeps_secrets_out_of_print_and_reads_them_from_files, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(takes_over_live_numbers_and_names_the_rest, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(makes_a_sample_that_reads_back_as_the_defaults, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(splits_lists, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
