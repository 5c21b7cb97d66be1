/* SPDX-License-Identifier: Apache-2.0 */
/* The official test suite of JSON Schema, draft 2020-12, as Debian's package
 * libtest-json-schema-acceptance-perl carries it (MIT; it is not copied here). */
#include "engine/registry/schema/schema.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Where this validator differs by decision: in a file (""), or in one case of it. */
static const struct {
    const char *file, *about;
} decided[] = {
    /* an annotation here: the registries have no use for it, and its rules fill three RFCs */
    {"optional/format/idn-hostname.json", ""},
    /* documents of former drafts are refused with a reason */
    {"optional/cross-draft.json", ""},
};

static const struct kh_json_limits limits = {.bytes = 1 << 20, .depth = 1024, .nul = true};

static const struct kh_json *read_json(struct kh_arena *a, const char *path)
{
    FILE *f = fopen(path, "r");
    struct kh_error err = {0};
    struct kh_json *v = NULL;
    char *text = f ? kh_alloc(a, limits.bytes) : NULL;
    size_t n;

    if (!f)
        return NULL;
    n = fread(text, 1, limits.bytes, f);
    fclose(f);
    if (!kh_json_parse(a, kh_str(text, n), &limits, &v, &err))
        fail_msg("%s: %s", path, err.detail);
    return v;
}

static const struct kh_json *find_remote(void *ctx, struct kh_arena *a, struct kh_str uri)
{
    static const char server[] = "http://localhost:1234/";

    (void)ctx;
    if (!kh_str_starts(uri, KH_S("http://localhost:1234/")))
        return NULL;
    return read_json(
        a, kh_strf(a, "%s/remotes/%.*s", KH_SUITE, KH_FMT(kh_str_skip(uri, sizeof(server) - 1))).p);
}

static bool is_decided(const char *file, struct kh_str about)
{
    for (size_t i = 0; i < KH_LEN(decided); i++)
        if (strcmp(file, decided[i].file) == 0 &&
            (decided[i].about[0] == '\0' || kh_str_is(about, decided[i].about)))
            return true;
    /* The issue asks that formats are asserted; the suite asks for both, each in its own file. */
    return strcmp(file, "format.json") == 0 && memmem(about.p, about.n, "only an annotation", 18);
}

struct tally {
    int cases, wrong;
};

static void run_group(const char *file, const struct kh_json *group, struct tally *t)
{
    const struct kh_schema_options o = {.find = find_remote};
    const struct kh_json *tests = kh_json_get(group, "tests");
    kh_auto_arena a = kh_arena_new(1 << 26);
    struct kh_error err = {0};
    struct kh_schema *s = NULL;
    bool usable = kh_schema_compile(a, kh_json_get(group, "schema"), &o, &s, &err);

    for (uint32_t i = 0; i < tests->n; i++) {
        const struct kh_json *test = &tests->items[i];
        struct kh_str about = kh_json_str(test, "description", KH_S("?"));
        bool want = kh_json_bool(test, "valid", false);

        if (is_decided(file, about))
            continue;
        t->cases++;
        if (usable && kh_schema_check(s, a, kh_json_get(test, "data"), KH_S(""), NULL) == want)
            continue;
        t->wrong++;
        print_error("%s: %.*s: %.*s %s\n", file,
                    KH_FMT(kh_json_str(group, "description", KH_S("?"))), KH_FMT(about),
                    usable ? "" : err.detail);
    }
    kh_schema_drop(s);
}

static void run_folder(const char *folder, struct tally *t)
{
    kh_auto_arena a = kh_arena_new(1 << 28);
    DIR *d = opendir(kh_strf(a, "%s/tests/draft2020-12/%s", KH_SUITE, folder).p);
    struct dirent *e;

    assert_non_null(d);
    while ((e = readdir(d))) {
        struct kh_str file = kh_strf(a, "%s%s%s", folder, *folder ? "/" : "", e->d_name);
        const struct kh_json *groups;

        if (e->d_name[0] == '.')
            continue;
        if (!strstr(e->d_name, ".json")) {
            run_folder(file.p, t);
            continue;
        }
        groups = read_json(a, kh_strf(a, "%s/tests/draft2020-12/%s", KH_SUITE, file.p).p);
        for (uint32_t i = 0; i < groups->n; i++)
            run_group(file.p, &groups->items[i], t);
    }
    closedir(d);
}

static void agrees_with_the_official_suite(void **state)
{
    struct tally t = {0};

    (void)state;
    run_folder("", &t);
    print_message("%d cases\n", t.cases);
    assert_true(t.cases > 1500);
    assert_int_equal(t.wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(agrees_with_the_official_suite)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
