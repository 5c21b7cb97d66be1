/* SPDX-License-Identifier: Apache-2.0 */
/* Files of records: what fits goes in, what does not is told line by line, nothing is lost. */
#include "world.h"

#include "base/buf.h"
#include "base/fault.h"
#include "engine/registry/export.h"
#include "engine/registry/import.h"

#include <stdio.h>
#include <stdlib.h>

static const char stop[] =
    "{'type':'object','x-kh':{'key':'code','title':'name','sensitivity':'public','geo':'location',"
    "'access':[{'role':'dispatcher','ops':['read','list','import','export'],'where':'all'}]},"
    "'properties':{'code':{'type':'string','maxLength':10},"
    "'name':{'type':'string','minLength':1,'x-kh':{'search':true}},"
    "'lines':{'type':'array','items':{'type':'string'}},"
    "'shelter':{'type':'boolean','x-kh':{'index':true}},"
    "'seats':{'type':'integer','minimum':0,'x-kh':{'index':true}},"
    "'location':{'type':'object','required':['lon','lat'],'additionalProperties':false,"
    "'properties':{'lon':{'type':'number'},'lat':{'type':'number'}}}},"
    "'required':['code','name'],'additionalProperties':false}";

static const char road[] =
    "{'type':'object','x-kh':{'sensitivity':'public','geo':'shape'},"
    "'properties':{'name':{'type':'string'},'shape':{'type':'object'}},"
    "'additionalProperties':false}";

struct told {
    int64_t lines[4000], features[4000];
    char ids[4000][24];
    char codes[4000][24];
    size_t n;
    int64_t last_done, total;
};

static void on_fail(void *ctx, const struct kh_import_place *at, const struct kh_error *err)
{
    struct told *t = ctx;
    struct kh_str code = err->issues && err->issues->n ? err->issues->items[0].code : KH_S("");

    assert_true(t->n < KH_LEN(t->lines));
    snprintf(t->codes[t->n], sizeof(t->codes[0]), "%.*s", KH_FMT(code));
    snprintf(t->ids[t->n], sizeof(t->ids[0]), "%.*s", KH_FMT(at->id));
    t->features[t->n] = at->feature;
    t->lines[t->n++] = at->line;
}

static void on_progress(void *ctx, int64_t done, int64_t total)
{
    struct told *t = ctx;

    assert_true(done >= t->last_done && done <= total);
    t->last_done = done;
    t->total = total;
}

static struct told *told;

static bool import_as(struct world *w, const char *type, const char *text, bool dry,
                      const struct kh_who *who, struct kh_import_report *ret)
{
    struct kh_import in = {.type = type_named(w, type),
                           .input = kh_cstr(text),
                           .how = {.who = who ? who : &w->system},
                           .dry_run = dry,
                           .fail = on_fail,
                           .progress = on_progress,
                           .ctx = told};

    memset(told, 0, sizeof(*told));
    w->err = (struct kh_error){0};
    return kh_import_run(w->f.st, w->reg, w->a, &in, ret, &w->err);
}

static struct kh_import_report import(struct world *w, const char *type, const char *text)
{
    struct kh_import_report r = {0};

    if (!import_as(w, type, text, false, NULL, &r)) {
        fprintf(stderr, "# import: %s\n", w->err.detail);
        fail();
    }
    assert_int_equal(r.read, r.created + r.updated + r.unchanged + r.failed);
    assert_int_equal(r.failed, told->n);
    return r;
}

static size_t count(struct world *w, const char *type)
{
    struct kh_list q = {.limit = 1000};
    size_t n = 0;

    for (;;) {
        struct kh_page p;

        assert_true(list(w, type, &q, &p));
        n += p.n;
        if (p.next.n == 0)
            return n;
        q.after = p.next;
    }
}

static void good_lines_go_in_and_bad_ones_are_told(void **state)
{
    static const char text[] = "{\"code\":\"A\",\"name\":\"Bến Thành\"}\n"
                               "\n"
                               "{\"code\":\"B\",\"name\":\"\"}\n"
                               "{\"code\":\"C\",\"name\":\"x\",\"seats\":-1,\"more\":1}\n"
                               "{broken\n"
                               "[1,2]\n"
                               "{\"code\":\"D\",\"name\":\"D\",\"location\":{\"lon\":999,\"lat\":1}}\n"
                               "{\"code\":\"TOOLONGCODE\",\"name\":\"x\"}\n"
                               "{\"code\":\"E\",\"name\":\"E\",\"location\":{\"lon\":105.8,\"lat\":21}}";
    static const int64_t wrong[] = {3, 4, 5, 6, 7, 8};
    struct world *w = *state;
    struct kh_import_report r;

    assert_true(put_type(w, "stop", stop));
    r = import(w, "stop", text);
    assert_int_equal(r.read, 8);
    assert_int_equal(r.created, 2);
    assert_int_equal(r.failed, 6);
    for (size_t i = 0; i < KH_LEN(wrong); i++)
        assert_int_equal(told->lines[i], wrong[i]);
    assert_string_equal(told->codes[0], "minLength");
    assert_int_equal(count(w, "stop"), 2);
    assert_int_equal(told->last_done, told->total);
}

static void the_same_file_again_changes_nothing(void **state)
{
    static const char one[] = "{\"code\":\"A\",\"name\":\"x\",\"seats\":2}\n{\"code\":\"B\",\"name\":\"y\"}\n";
    static const char two[] = "{\"code\":\"A\",\"name\":\"z\"}\n{\"code\":\"B\",\"name\":\"y\"}\n"
                              "{\"code\":\"C\",\"name\":\"c\"}\n";
    struct world *w = *state;
    struct kh_import_report r;
    struct kh_page p;

    assert_true(put_type(w, "stop", stop));
    r = import(w, "stop", one);
    assert_int_equal(r.created, 2);
    kh_clock_add(KH_US_H);
    r = import(w, "stop", one);
    assert_int_equal(r.unchanged, 2);
    assert_int_equal(r.created + r.updated, 0);
    r = import(w, "stop", two);
    assert_int_equal(r.updated, 1);
    assert_int_equal(r.unchanged, 1);
    assert_int_equal(r.created, 1);
    assert_true(list(w, "stop", &(struct kh_list){.q = KH_S("z")}, &p));
    assert_int_equal(p.n, 1);
    assert_int_equal(p.items[0].revision, 2);
    assert_true(has(p.items[0].data, "\"seats\":2"));
    /* Part of a record will do for one that is known, and for no other. */
    r = import(w, "stop", "{\"code\":\"A\",\"seats\":9}\n{\"code\":\"ZZ\",\"seats\":9}\n"
                          "{\"code\":\"B\",\"seats\":-9}\n");
    assert_int_equal(r.updated, 1);
    assert_int_equal(r.failed, 2);
    assert_string_equal(told->codes[0], "required");
    assert_string_equal(told->codes[1], "minimum");
}

static void a_dry_run_says_the_same_and_keeps_nothing(void **state)
{
    struct world *w = *state;
    struct kh_import_report dry = {0}, wet = {0};
    struct kh_buf b = kh_buf(w->a, 1 << 20);

    assert_true(put_type(w, "stop", stop));
    /* Keys come again in later batches; every seventh line is wrong. */
    for (int i = 0; i < 1500; i++)
        kh_buf_strf(&b, "{\"code\":\"K%d\",\"name\":\"%s\"}\n", i % 1200, i % 7 ? "n" : "");
    kh_buf_c(&b, '\0');
    assert_true(import_as(w, "stop", b.p, true, NULL, &dry));
    assert_int_equal(count(w, "stop"), 0);
    assert_true(import_as(w, "stop", b.p, false, NULL, &wet));
    assert_int_equal(dry.read, 1500);
    assert_int_equal(dry.failed, wet.failed);
    assert_int_equal(dry.created, wet.created);
    assert_int_equal(dry.updated + dry.unchanged, wet.updated + wet.unchanged);
    assert_int_equal(count(w, "stop"), (size_t)wet.created);
}

static void csv_is_read_as_rfc_4180_writes_it(void **state)
{
    static const char text[] =
        "\xef\xbb\xbf"
        "code,name,seats,shelter,lines,location.lon,location.lat\r\n"
        "A,\"Bến \"\"xe\"\" Mỹ Đình,\nphía Nam\",12,true,09;26,105.77,21.03\r\n"
        "B,không ghế,,false,\"[\"\"03\"\"]\",,\r\n"
        "C,hỏng,nhiều,,,,\r\n"
        "D,thiếu cột\r\n"
        "E,\"không đóng\n";
    struct world *w = *state;
    struct kh_import_report r;
    struct kh_page p;

    assert_true(put_type(w, "stop", stop));
    r = import(w, "stop", text);
    assert_int_equal(r.created, 2);
    assert_int_equal(r.failed, 3);
    assert_int_equal(told->lines[0], 5);
    assert_string_equal(told->codes[0], "type");
    assert_int_equal(told->lines[1], 6);
    assert_string_equal(told->codes[1], "csv");
    assert_true(list(w, "stop", &(struct kh_list){.sort = KH_S("id")}, &p));
    assert_true(has(p.items[0].data, "\"Bến \\\"xe\\\" Mỹ Đình,\\nphía Nam\""));
    assert_true(has(p.items[0].data, "\"lines\":[\"09\",\"26\"]"));
    assert_true(has(p.items[0].data, "\"location\":{\"lon\":105.77,\"lat\":21.03}"));
    assert_true(has(p.items[1].data, "\"lines\":[\"03\"]"));
    assert_false(has(p.items[1].data, "seats"));
}

static void other_separators_and_encodings(void **state)
{
    struct world *w = *state;
    struct kh_import_report r;

    assert_true(put_type(w, "stop", stop));
    r = import(w, "stop", "code;name\nA;một\nB;hai\n");
    assert_int_equal(r.created, 2);
    r = import(w, "stop", "code\tname\nC\tba\n");
    assert_int_equal(r.created, 1);
    r = import(w, "stop", "code,name\nD,\xc4\xe3\nE,n\xc4\x83m\n");
    assert_int_equal(r.failed, 1);
    assert_string_equal(told->codes[0], "utf8");
    assert_int_equal(r.created, 1);
}

static void layers_come_as_geojson(void **state)
{
    static const char lines[] =
        "{\"type\":\"FeatureCollection\",\"crs\":null,\"features\": [\n"
        "{\"type\":\"Feature\",\"properties\":{\"name\":\"Phố \\\"}]\\\" cổ\",\"highway\":\"primary\"},"
        "\"geometry\":{\"type\":\"LineString\",\"coordinates\":[[105.84,21.03],[105.86,21.05]]}},\n"
        "{\"type\":\"Feature\",\"properties\":{\"name\":null},\"geometry\":{\"type\":\"LineString\","
        "\"coordinates\":[[105.70,21.00],[105.71,21.01]]}},\n"
        "{\"type\":\"Feature\",\"properties\":{},\"geometry\":{\"type\":\"LineString\","
        "\"coordinates\":[[999,21.00],[105.71,21.01]]}}\n]}";
    static const char points[] =
        "{\"type\":\"FeatureCollection\",\"features\":[{\"type\":\"Feature\",\"id\":\"N1\","
        "\"properties\":{\"name\":\"a\"},\"geometry\":{\"type\":\"Point\",\"coordinates\":[105.8,21.0]}},"
        "{\"type\":\"Feature\",\"id\":7,\"properties\":{\"name\":\"b\"},\"geometry\":{\"type\":\"Polygon\","
        "\"coordinates\":[]}}]}";
    struct world *w = *state;
    struct kh_box through = {105.849, 21.039, 105.851, 21.041}, away = {105.9, 21.1, 106, 21.2};
    struct kh_import_report r;
    struct kh_page p;

    assert_true(put_type(w, "road", road));
    assert_true(put_type(w, "stop", stop));
    r = import(w, "road", lines);
    assert_int_equal(r.created, 2);
    assert_int_equal(r.failed, 1);
    assert_int_equal(told->lines[0], 4);
    assert_int_equal(told->features[0], 2);
    assert_string_equal(told->ids[0], "");
    assert_true(has(r.ignored, "\"highway\":1"));
    /* The middle of the road is far from its ends; a box that only it crosses finds it. */
    assert_true(list(w, "road", &(struct kh_list){.bbox = &through}, &p));
    assert_int_equal(p.n, 1);
    assert_true(has(p.items[0].data, "cổ"));
    assert_true(list(w, "road", &(struct kh_list){.bbox = &away}, &p));
    assert_int_equal(p.n, 0);
    r = import(w, "stop", points);
    assert_int_equal(r.created, 1);
    assert_int_equal(r.failed, 1);
    assert_string_equal(told->codes[0], "geometry");
    assert_int_equal(told->lines[0], 1);
    assert_int_equal(told->features[0], 1); /* the line alone would not lead to it */
    assert_string_equal(told->ids[0], "7");
    assert_true(list(w, "stop", &(struct kh_list){0}, &p));
    assert_true(has(p.items[0].data, "\"code\":\"N1\""));
    r = import(w, "stop", "code,name\n,x\n");
    assert_int_equal(told->features[0], -1);
}

static void files_that_are_none_are_refused(void **state)
{
    static const char *const none[] = {"", "  \n ", "{\"type\":\"FeatureCollection\"}",
                                       "{\"type\":\"FeatureCollection\",\"features\":7}", "a,,b\n1,2,3"};
    struct world *w = *state;
    struct kh_import_report r;

    assert_true(put_type(w, "stop", stop));
    for (size_t i = 0; i < KH_LEN(none); i++) {
        assert_false(import_as(w, "stop", none[i], false, NULL, &r));
        assert_int_equal(w->err.code, KH_EC_IMPORT_INVALID);
    }
    assert_false(import_as(w, "stop", "{}", false, &w->officer, &r));
    assert_int_equal(w->err.code, KH_EC_FORBIDDEN);
    assert_true(import_as(w, "stop", "{\"code\":\"A\",\"name\":\"x\"}", false, &w->dispatcher, &r));
    assert_int_equal(r.created, 1);
}

static void a_full_disk_keeps_what_was_committed(void **state)
{
    struct world *w = *state;
    struct kh_import_report r;
    struct kh_buf b = kh_buf(w->a, 1 << 20);
    size_t before;

    if (fixture_is_pg())
        return; /* its log is its own */
    assert_true(put_type(w, "stop", stop));
    for (int i = 0; i < 3000; i++)
        kh_buf_strf(&b, "{\"code\":\"K%d\",\"name\":\"n\"}\n", i);
    kh_buf_c(&b, '\0');
    kh_fault_arm("store.commit", 3);
    assert_false(import_as(w, "stop", b.p, false, NULL, &r));
    kh_fault_arm("store.commit", 0);
    before = count(w, "stop");
    assert_true(before < 3000 && before % 500 == 0);
    /* Once more, and everything is there once. */
    assert_true(import_as(w, "stop", b.p, false, NULL, &r));
    assert_int_equal(r.created, 3000 - before);
    assert_int_equal(r.unchanged, before);
    assert_int_equal(count(w, "stop"), 3000);
}

static struct kh_str export_all(struct world *w, const char *type, enum kh_table_format f,
                                const struct kh_who *who)
{
    struct kh_list q = {.who = who};
    struct kh_export *x = kh_export_open(w->f.st, w->reg, type_named(w, type), &q, f);
    struct kh_buf b = kh_buf(w->a, 8 << 20);
    bool end = false;

    while (!end) {
        struct kh_str text;

        assert_true(kh_export_page(x, &text, &end, &w->err));
        kh_buf_str(&b, text);
    }
    kh_export_close(x);
    kh_buf_c(&b, '\0');
    return kh_str(b.p, b.n - 1);
}

/* Records that are made one by one: three of four refer to what is there, the key of each comes twice. */
struct maker {
    int made;
};

static enum kh_hit make(void *ctx, struct kh_arena *a, struct kh_json **ret, struct kh_error *err)
{
    struct maker *m = ctx;
    struct kh_json *v = kh_json_new(a, KH_JSON_OBJECT);
    int i = m->made++;

    (void)err;
    if (i == 3000)
        return KH_MISS;
    kh_json_set(a, v, KH_S("number"), kh_json_new_str(a, kh_strf(a, "%d", i / 2)));
    kh_json_set(a, v, KH_S("stop"), kh_json_new_str(a, kh_strf(a, "S%d", i / 2 % 4)));
    kh_json_set(a, v, KH_S("serial"), kh_json_new_str(a, kh_strf(a, "%d", i / 2 % 1000)));
    *ret = v;
    return KH_HIT;
}

static void records_that_are_made_are_checked_like_those_that_are_read(void **state)
{
    static const char bench[] =
        "{'type':'object','x-kh':{'key':'number','sensitivity':'public'},'properties':{"
        "'number':{'type':'string'},'stop':{'type':'string','x-kh':{'ref':'stop'}},"
        "'serial':{'type':'string','x-kh':{'unique':true}}}}";
    struct world *w = *state;

    assert_true(put_type(w, "stop", stop) && put_type(w, "bench", bench));
    (void)import(w, "stop", "{\"code\":\"S0\",\"name\":\"a\"}\n{\"code\":\"S1\",\"name\":\"b\"}\n"
                            "{\"code\":\"S2\",\"name\":\"c\"}\n");
    for (int alone = 0; alone < 2; alone++) {
        struct maker m = {0};
        struct kh_import_report r = {0};
        struct kh_import in = {.type = type_named(w, "bench"),
                               .next = make,
                               .next_n = 3000,
                               .alone = alone,
                               .how = {.who = &w->system},
                               .ctx = &m};

        assert_true(kh_import_run(w->f.st, w->reg, w->a, &in, &r, &w->err));
        assert_int_equal(r.read, 3000);
        /* 1500 keys: every fourth refers to nothing; those from 1000 on have a serial that is taken,
         * unless the one that would have it was refused. */
        assert_int_equal(r.created, alone ? 0 : 750);
        assert_int_equal(r.unchanged, alone ? 1500 : 750);
        assert_int_equal(r.failed, 1500);
    }
}

static void what_is_exported_can_be_imported(void **state)
{
    static const enum kh_table_format formats[] = {KH_TABLE_NDJSON, KH_TABLE_CSV, KH_TABLE_GEOJSON};
    struct world *w = *state;
    struct kh_import_report r;
    struct kh_buf b = kh_buf(w->a, 1 << 20);

    assert_true(put_type(w, "stop", stop));
    for (int i = 0; i < 1234; i++)
        kh_buf_strf(&b,
                    "{\"code\":\"K%d\",\"name\":\"n, \\\"%d\\\"\",\"seats\":%d,\"shelter\":%s,"
                    "\"lines\":[\"a\",\"b\"],\"location\":{\"lon\":105.5,\"lat\":21.25}}\n",
                    i, i, i % 9, i % 2 ? "true" : "false");
    kh_buf_c(&b, '\0');
    assert_true(import_as(w, "stop", b.p, false, NULL, &r));
    assert_int_equal(r.created, 1234);
    for (size_t i = 0; i < KH_LEN(formats); i++) {
        struct kh_str text = export_all(w, "stop", formats[i], &w->dispatcher);

        r = import(w, "stop", text.p);
        assert_int_equal(r.read, 1234);
        assert_int_equal(r.unchanged, 1234);
    }
}

static int setup(void **state)
{
    told = calloc(1, sizeof(*told));
    return told ? world_setup(state) : 1;
}

static int teardown(void **state)
{
    free(told);
    return world_teardown(state);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(good_lines_go_in_and_bad_ones_are_told),
        T(the_same_file_again_changes_nothing),
        T(a_dry_run_says_the_same_and_keeps_nothing),
        T(csv_is_read_as_rfc_4180_writes_it),
        T(other_separators_and_encodings),
        T(layers_come_as_geojson),
        T(files_that_are_none_are_refused),
        T(a_full_disk_keeps_what_was_committed),
        T(records_that_are_made_are_checked_like_those_that_are_read),
        T(what_is_exported_can_be_imported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
