/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "city_fixture.h"

#include "base/time.h"
#include "engine/geo/units.h"
#include "engine/pack/pack_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct kh_arena *a;
static char home[64];

/* ---- a small pack that is right, to be spoilt ---- */

static const char manifest[] = "{\n  \"id\": \"lamps\",\n  \"version\": \"1.0.0\",\n"
                               "  \"title\": {\"vi\": \"Đèn\", \"en\": \"Lamps\"},\n"
                               "  \"depends\": [],\n  \"owner\": \"H26\"\n}\n";
static const char type[] =
    "{\n"
    "  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
    "  \"title\": \"lamp\",\n"
    "  \"type\": \"object\",\n"
    "  \"x-kh\": {\"key\": \"code\", \"title\": \"code\", \"label\": {\"vi\": \"Đèn\", \"en\": \"Lamp\"},\n"
    "    \"label_plural\": {\"vi\": \"Đèn\", \"en\": \"Lamps\"}, \"sensitivity\": \"public\",\n"
    "    \"access\": [{\"role\": \"public\", \"ops\": [\"read\", \"list\"], \"where\": \"all\", \"see\": \"public\"}]},\n"
    "  \"properties\": {\n"
    "    \"code\": {\"type\": \"string\", \"maxLength\": 10, \"x-kh\": {\"unique\": true, \"index\": true,\n"
    "      \"label\": {\"vi\": \"Mã\", \"en\": \"Code\"}}},\n"
    "    \"watts\": {\"type\": \"integer\", \"x-kh\": {\"label\": {\"vi\": \"Công suất\", \"en\": \"Watts\"}}}\n"
    "  },\n"
    "  \"required\": [\"code\", \"watts\"],\n"
    "  \"additionalProperties\": false\n"
    "}\n";
static const char data[] = "{\"code\":\"A1\",\"watts\":60}\n{\"code\":\"A2\",\"watts\":100}\n";
static const char sources[] = "| 10-lamp.ndjson | made for this test | CC0 |\n";

static const char *path(const char *rest)
{
    return kh_strf(a, "%s/%s", home, rest).p;
}

static void put(const char *rest, const char *text)
{
    char *p = kh_str_z(a, kh_cstr(path(rest)));
    FILE *f;

    for (char *s = p + 1; *s; s++)
        if (*s == '/') {
            *s = '\0';
            mkdir(p, 0700);
            *s = '/';
        }
    f = fopen(p, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void put_all(void)
{
    put("lamps/pack.json", manifest);
    put("lamps/types/lamp.schema.json", type);
    put("lamps/data/10-lamp.ndjson", data);
    put("lamps/data/SOURCES.md", sources);
}

static int setup(void **state)
{
    (void)state;
    a = kh_arena_new(SIZE_MAX);
    snprintf(home, sizeof(home), "/tmp/khue-pack-XXXXXX");
    assert_non_null(mkdtemp(home));
    put_all();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    assert_int_equal(system(kh_strf(a, "rm -rf %s", home).p), 0);
    kh_arena_drop(a);
    return 0;
}

static struct kh_issues check(const char *pack)
{
    struct kh_issues is = {0};
    struct kh_error err = {0};

    if (!kh_pack_check(a, path(pack), &is, &err))
        fail_msg("%s", err.detail);
    return is;
}

/* Exactly one thing is wrong, at this place. */
static void one_issue(const char *code, const char *where)
{
    struct kh_issues is = check("lamps");

    if (is.n != 1 || !kh_str_is(is.items[0].code, code) || !kh_str_is(is.items[0].pointer, where)) {
        for (size_t i = 0; i < is.n; i++)
            print_message("%.*s [%.*s] %.*s\n", KH_FMT(is.items[i].pointer),
                          KH_FMT(is.items[i].code), KH_FMT(is.items[i].en));
        fail_msg("wanted one %s at %s", code, where);
    }
    assert_true(is.items[0].vi.n > 0 && is.items[0].en.n > 0);
}

/* text with its first `from` made `to` */
static const char *swap(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);

    assert_non_null(at);
    return kh_strf(a, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)).p;
}

static void a_good_pack_has_no_issues(void **state)
{
    (void)state;
    assert_int_equal(check("lamps").n, 0);
}

static void what_does_not_belong_is_an_error(void **state)
{
    (void)state;
    put("lamps/types/lamp.json", "{}");
    one_issue("unknown_file", "types/lamp.json:1:1");
    unlink(path("lamps/types/lamp.json"));
    put("lamps/.hidden", "");
    one_issue("unknown_file", ".hidden:1:1");
    unlink(path("lamps/.hidden"));
    put("lamps/scripts/run.sh", "");
    one_issue("unknown_file", "scripts/run.sh:1:1");
}

static void links_are_not_followed(void **state)
{
    struct kh_issues is = {0};
    struct kh_error err = {0};

    (void)state;
    assert_int_equal(symlink("/etc/passwd", path("lamps/README.md")), 0);
    assert_false(kh_pack_check(a, path("lamps"), &is, &err));
    assert_int_equal(err.code, KH_EC_IO);
}

static void json_errors_have_line_and_column(void **state)
{
    (void)state;
    put("lamps/roles.json", "{\n  \"roles\": [,]\n}\n");
    one_issue("json", "roles.json:2:13");
}

static void the_manifest_is_checked(void **state)
{
    (void)state;
    put("lamps/pack.json", swap(manifest, "\"owner\"", "\"owned\""));
    assert_int_equal(check("lamps").n, 2); /* one key too many, one missing */
    put("lamps/pack.json", swap(manifest, "1.0.0", "1.0"));
    one_issue("version", "pack.json:3:14");
    put("lamps/pack.json", swap(manifest, "\"lamps\"", "\"Lamps\""));
    one_issue("id", "pack.json:2:9");
    put("lamps/pack.json", swap(manifest, ", \"en\": \"Lamps\"", ""));
    one_issue("language", "pack.json:4:12");
    put("lamps/pack.json", swap(manifest, "[]", "[\"nowhere\"]"));
    one_issue("depends", "pack.json:5:15");
    put("lamps/pack.json", "[]");
    assert_true(check("lamps").n > 0);
}

static void a_half_translated_file_is_an_error(void **state)
{
    (void)state;
    put("lamps/types/lamp.schema.json",
        swap(type, "{\"vi\": \"Công suất\", \"en\": \"Watts\"}", "{\"vi\": \"Công suất\"}"));
    assert_true(check("lamps").n > 0);
    put("lamps/types/lamp.schema.json", type);
    put("lamps/i18n/vi.json", "{\"on\": \"bật\",\n \"off\": \"tắt\"}");
    put("lamps/i18n/en.json", "{\"on\": \"on\"}");
    one_issue("language", "i18n/vi.json:2:9");
    unlink(path("lamps/i18n/en.json"));
    assert_int_equal(check("lamps").n, 2);
}

static void records_are_checked_against_their_type(void **state)
{
    (void)state;
    put("lamps/data/10-lamp.ndjson", swap(data, "60", "\"60\""));
    one_issue("type", "data/10-lamp.ndjson:1:22");
    put("lamps/data/10-lamp.ndjson", swap(data, "\"A2\",\"watts\":100", "\"A2\""));
    one_issue("required", "data/10-lamp.ndjson:2:1");
    put("lamps/data/10-lamp.ndjson", swap(data, "A2", "A1"));
    one_issue("duplicate", "data/10-lamp.ndjson:2:1");
    put("lamps/data/10-lamp.ndjson", swap(data, "100}", "100"));
    one_issue("json", "data/10-lamp.ndjson:2:25");
    put("lamps/data/10-lamp.ndjson", data);
    put("lamps/data/20-bulb.ndjson", "{}\n");
    put("lamps/data/SOURCES.md", "10-lamp.ndjson 20-bulb.ndjson");
    one_issue("type", "data/20-bulb.ndjson:1:1");
}

static void records_say_where_they_come_from(void **state)
{
    (void)state;
    put("lamps/data/SOURCES.md", "nothing");
    one_issue("sources", "data/10-lamp.ndjson:1:1");
}

static void roles_are_checked(void **state)
{
    (void)state;
    put("lamps/roles.json", "{\"roles\": [{\"role\": \"Lamp lighter\",\n"
                            "\"title\": {\"vi\": \"Thợ\", \"en\": \"Lighter\"}, "
                            "\"about\": {\"vi\": \"a\", \"en\": \"b\"}}]}");
    one_issue("role", "roles.json:1:12");
}

static void engine_checks_are_placed_in_their_file(void **state)
{
    struct kh_issues is;

    (void)state;
    put("lamps/processes/light.bpmn",
        "<?xml version=\"1.0\"?>\n<definitions xmlns=\"http://www.omg.org/spec/BPMN/20100524/MODEL\">\n"
        "  <process id=\"light\" isExecutable=\"true\">\n    <adHocSubProcess id=\"x\"/>\n"
        "  </process>\n</definitions>\n");
    is = check("lamps");
    assert_true(is.n > 0);
    for (size_t i = 0; i < is.n; i++)
        assert_true(kh_str_starts(is.items[i].pointer, KH_S("processes/light.bpmn:")));
    unlink(path("lamps/processes/light.bpmn"));
    put("lamps/notices/n.json", "{\"hello\": {\"vi\": {\"title\": \"Chào\", \"body\": \"b\"}}}");
    is = check("lamps");
    assert_true(is.n > 0);
    assert_true(kh_str_starts(is.items[0].pointer, KH_S("notices/n.json:1:")));
    unlink(path("lamps/notices/n.json"));
    put("lamps/calendars/c.json", "{\"title\": {\"vi\": \"a\", \"en\": \"b\"}, \"weekly\": 5}");
    assert_true(check("lamps").n > 0);
}

static void a_folder_without_a_pack_is_unknown(void **state)
{
    struct kh_issues is = {0};
    struct kh_error err = {0};

    (void)state;
    assert_false(kh_pack_check(a, path("nowhere"), &is, &err));
    assert_int_equal(err.code, KH_EC_PACK_UNKNOWN);
    put("empty/README.md", "");
    assert_false(kh_pack_check(a, path("empty"), &is, &err));
    assert_int_equal(err.code, KH_EC_PACK_UNKNOWN);
}

static void packs_are_ordered_by_what_they_build_on(void **state)
{
    const char **dirs;
    struct kh_error err = {0};
    size_t n;

    (void)state;
    put("a-first/pack.json", swap(swap(manifest, "lamps", "a-first"), "[]", "[\"z-last\"]"));
    put("z-last/pack.json", swap(swap(manifest, "lamps", "z-last"), "[]", "[\"lamps\"]"));
    put("notes.txt", "");
    assert_true(kh_pack_order(a, home, &dirs, &n, &err));
    assert_int_equal(n, 3);
    assert_non_null(strstr(dirs[0], "/lamps"));
    assert_non_null(strstr(dirs[1], "/z-last"));
    assert_non_null(strstr(dirs[2], "/a-first"));
    put("lamps/pack.json", swap(manifest, "[]", "[\"a-first\"]"));
    assert_false(kh_pack_order(a, home, &dirs, &n, &err));
    assert_int_equal(err.code, KH_EC_PACK_INVALID);
}

/* ---- places in JSON ---- */

static void pointers_lead_to_their_values(void **state)
{
    static const char text[] = " {\"a\": [1, {\"b/c\": \"}\\\"]\", \"d~\": null}, [2]],\n"
                               "\"\\u0065\": true, \"\": {}}";
    static const struct {
        const char *pointer, *begins;
    } want[] = {{"", "{\"a\""},       {"/a", "[1,"},        {"/a/0", "1,"},
                {"/a/1", "{\"b/c\""}, {"/a/1/b~1c", "\"}"}, {"/a/1/d~0", "null"},
                {"/a/2/0", "2]"},     {"/e", "true"},       {"/", "{}"},
                {"/a/9", "[1,"},      {"/nope", "{\"a\""},  {"/a/1/zz", "{\"b/c\""}};

    (void)state;
    for (size_t i = 0; i < KH_LEN(want); i++) {
        size_t at = kh_json_where(a, kh_cstr(text), kh_cstr(want[i].pointer));

        if (strncmp(text + at, want[i].begins, strlen(want[i].begins)) != 0)
            fail_msg("%s: %s", want[i].pointer, text + at);
    }
}

static void columns_count_characters(void **state)
{
    size_t line, column;

    (void)state;
    kh_text_place(KH_S("đèn\nđỏ x"), 12, &line, &column);
    assert_int_equal(line, 2);
    assert_int_equal(column, 4);
}

/* ---- loading ---- */

static struct city_fixture c;

static int city_setup(void **state)
{
    setup(state);
    city_open(&c);
    return 0;
}

static int city_teardown(void **state)
{
    city_drop(&c);
    kh_clock_set(0);
    return teardown(state);
}

static struct kh_pack_loaded load(void)
{
    return city_load(&c, path("lamps"));
}

struct lamp {
    const char *code;
    int64_t watts, revision;
};

static bool lamp_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    const struct kh_type *t = kh_type_find(c.city.registry, KH_S("lamp"));
    struct lamp *l = ctx;
    const struct kh_json *fields;
    struct kh_record r;

    assert_non_null(t);
    l->watts = -1;
    if (kh_record_find(tx, c.city.registry, c.a, t, kh_cstr(l->code), 0, &r, err) != KH_HIT)
        return true;
    if (!kh_record_fields(c.a, &r, &fields, err))
        return false;
    l->watts = kh_json_int(fields, "watts", -2);
    l->revision = r.revision;
    return true;
}

static struct lamp lamp(const char *code)
{
    struct lamp l = {.code = code};
    struct kh_error err = {0};

    if (!kh_store_run(c.f.st, "lamp", KH_TX_READ, lamp_in_tx, &l, &err))
        fail_msg("%s", err.detail);
    return l;
}

static void loading_declares_and_fills(void **state)
{
    struct kh_pack_loaded done = load();

    (void)state;
    assert_true(kh_str_is(done.id, "lamps"));
    assert_int_equal(done.files, 4);
    assert_int_equal(done.changed, 4);
    assert_int_equal(done.created, 2);
    assert_int_equal(lamp("A2").watts, 100);
}

static void loading_again_does_nothing(void **state)
{
    struct kh_pack_loaded done;
    int64_t head;

    (void)state;
    load();
    fixture_settle(&c.f); /* PostgreSQL numbers events a moment after their commit */
    head = kh_event_head(c.f.st);
    done = load();
    assert_int_equal(done.changed, 0);
    assert_int_equal(done.created, 0);
    assert_int_equal(done.updated, 0);
    fixture_settle(&c.f);
    assert_int_equal(kh_event_head(c.f.st), head);
}

static void a_new_version_updates_what_changed(void **state)
{
    struct kh_pack_loaded done;

    (void)state;
    kh_clock_set(1789000000 * KH_US_S);
    load();
    kh_clock_add(KH_US_DAY);
    put("lamps/pack.json", swap(manifest, "1.0.0", "1.1.0"));
    put("lamps/data/10-lamp.ndjson",
        kh_strf(a, "%s{\"code\":\"A3\",\"watts\":40}\n", swap(data, "100", "75")).p);
    done = load();
    assert_int_equal(done.changed, 2);
    assert_int_equal(done.created, 1);
    assert_int_equal(done.updated, 1);
    assert_int_equal(lamp("A1").revision, 1);
    assert_int_equal(lamp("A2").watts, 75);
    assert_int_equal(lamp("A2").revision, 2);
    assert_int_equal(lamp("A3").watts, 40);
}

static void a_bad_pack_changes_nothing(void **state)
{
    struct kh_pack_loaded done;
    struct kh_error err = {0};

    (void)state;
    put("lamps/data/10-lamp.ndjson", swap(data, "100", "\"many\""));
    assert_false(kh_pack_load(&c.city, a, path("lamps"), NULL, &done, &err));
    assert_int_equal(err.code, KH_EC_PACK_INVALID);
    assert_int_equal(err.issues->n, 1);
    assert_null(kh_type_find(c.city.registry, KH_S("lamp")));
    assert_int_equal(fixture_ask(&c.f, "SELECT count(*) FROM pack"), 0);
}

/* The engine refuses what the check cannot see; the declarations of the pack stay out together. */
static void a_pack_whose_dependency_is_not_loaded_waits(void **state)
{
    struct kh_pack_loaded done;
    struct kh_error err = {0};

    (void)state;
    put("night/pack.json", swap(swap(manifest, "lamps", "night"), "[]", "[\"lamps\"]"));
    assert_false(kh_pack_load(&c.city, a, path("night"), NULL, &done, &err));
    assert_int_equal(err.code, KH_EC_PACK_UNKNOWN);
    load();
    city_load(&c, path("night"));
    assert_int_equal(fixture_ask(&c.f, "SELECT count(*) FROM pack"), 2);
}

static void demo_records_come_only_when_asked_for(void **state)
{
    struct kh_pack_options demo = {.demo = true};
    struct kh_pack_loaded done;
    struct kh_error err = {0};

    (void)state;
    put("lamps/demo/10-lamp.ndjson", "{\"code\":\"D1\",\"watts\":1}\n");
    put("lamps/demo/SOURCES.md", sources);
    load();
    assert_int_equal(lamp("D1").watts, -1);
    assert_true(kh_pack_load(&c.city, a, path("lamps"), &demo, &done, &err));
    assert_int_equal(done.created, 1);
    assert_int_equal(lamp("D1").watts, 1);
}

static bool list_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct kh_pack_info *info;
    size_t n;

    (void)ctx;
    if (!kh_pack_list(tx, c.a, &info, &n, err))
        return false;
    assert_int_equal(n, 1);
    assert_true(kh_str_is(info[0].version, "1.0.0"));
    assert_true(kh_str_is(info[0].manifest, manifest));
    assert_int_equal(info[0].files, 4);
    return true;
}

static void loaded_packs_are_listed(void **state)
{
    struct kh_error err = {0};

    (void)state;
    load();
    assert_true(kh_store_run(c.f.st, "list", KH_TX_READ, list_in_tx, NULL, &err));
}

static void the_packs_of_the_house_load_and_load_again(void **state)
{
    struct kh_units *us = NULL;
    const char **dirs;
    struct kh_error err = {0};
    size_t n;

    (void)state;
    kh_clock_set(1795000000 * KH_US_S); /* 2026-11-18 */
    assert_true(kh_units_open(c.f.st, c.city.registry, c.city.process, &us, &err));
    assert_true(kh_pack_order(a, KH_SOURCE_ROOT "/packs", &dirs, &n, &err));
    assert_true(n >= 3);
    for (size_t i = 0; i < n; i++)
        city_load(&c, dirs[i]);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(city_load(&c, dirs[i]).changed, 0);
    kh_units_close(us);
}

int main(void)
{
#define CHECK(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define LOAD(name)  cmocka_unit_test_setup_teardown(name, city_setup, city_teardown)
    const struct CMUnitTest tests[] = {
        CHECK(a_good_pack_has_no_issues),
        CHECK(what_does_not_belong_is_an_error),
        CHECK(links_are_not_followed),
        CHECK(json_errors_have_line_and_column),
        CHECK(the_manifest_is_checked),
        CHECK(a_half_translated_file_is_an_error),
        CHECK(records_are_checked_against_their_type),
        CHECK(records_say_where_they_come_from),
        CHECK(roles_are_checked),
        CHECK(engine_checks_are_placed_in_their_file),
        CHECK(a_folder_without_a_pack_is_unknown),
        CHECK(packs_are_ordered_by_what_they_build_on),
        CHECK(pointers_lead_to_their_values),
        CHECK(columns_count_characters),
        LOAD(loading_declares_and_fills),
        LOAD(loading_again_does_nothing),
        LOAD(a_new_version_updates_what_changed),
        LOAD(a_bad_pack_changes_nothing),
        LOAD(a_pack_whose_dependency_is_not_loaded_waits),
        LOAD(demo_records_come_only_when_asked_for),
        LOAD(loaded_packs_are_listed),
        LOAD(the_packs_of_the_house_load_and_load_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
