/* SPDX-License-Identifier: Apache-2.0 */
/* Types: what a schema may say, and what happens to records when it says something else. */
#include "world.h"

#include "base/buf.h"
#include "engine/registry/import.h"
#include "store/event.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- what is wrong with a schema ---- */

static bool finds(struct world *w, const char *name, const char *schema, const char *pointer)
{
    struct kh_issues is = {0};
    struct kh_error err = {0};

    if (!kh_type_check(w->a, kh_cstr(name), J(w, schema), &is, &err)) {
        fprintf(stderr, "# %s\n", err.detail);
        return false;
    }
    if (!pointer)
        return is.n == 0;
    for (size_t i = 0; i < is.n; i++)
        if (kh_str_is(is.items[i].pointer, pointer))
            return is.items[i].vi.n && is.items[i].en.n;
    for (size_t i = 0; i < is.n; i++)
        fprintf(stderr, "# %.*s: %.*s\n", KH_FMT(is.items[i].pointer), KH_FMT(is.items[i].en));
    return false;
}

static void says_what_is_wrong_with_a_schema(void **state)
{
    static const struct {
        const char *schema, *pointer;
    } cases[] = {
        {"{'type':'object','properties':{'a':{'type':'string'}}}", NULL},
        {"{'type':'object','properties':{'a':{'type':'text'}}}", "/properties/a/type"},
        {"{'type':'array','properties':{'a':{}}}", "/type"},
        {"{'type':'object'}", "/properties"},
        {"{'type':'object','properties':{'id':{'type':'string'}}}", "/properties/id"},
        {"{'type':'object','properties':{'meta':{}}}", "/properties/meta"},
        {"{'type':'object','x-kh':{'keey':'a'},'properties':{'a':{'type':'string'}}}", "/x-kh/keey"},
        {"{'type':'object','x-kh':{'key':'b'},'properties':{'a':{'type':'string'}}}", "/x-kh/key"},
        {"{'type':'object','x-kh':{'key':'a'},'properties':{'a':{'type':'array'}}}", "/x-kh/key"},
        {"{'type':'object','x-kh':{'sensitivity':'secret'},'properties':{'a':{}}}",
         "/x-kh/sensitivity"},
        {"{'type':'object','properties':{'a':{'type':'string','x-kh':{'indx':true}}}}",
         "/properties/a/x-kh/indx"},
        {"{'type':'object','properties':{'a':{'type':'array','x-kh':{'index':true}}}}",
         "/properties/a/x-kh/index"},
        {"{'type':'object','properties':{'A b':{'type':'string','x-kh':{'index':true}}}}",
         "/properties/A b/x-kh/index"},
        {"{'type':'object','properties':{'a':{'type':'string','x-kh':{'search':0}}}}",
         "/properties/a/x-kh/search"},
        {"{'type':'object','properties':{'a':{'type':'string','x-kh':{'search':true,"
         "'sensitivity':'personal'}}}}",
         "/properties/a/x-kh/search"},
        {"{'type':'object','properties':{'a':{'type':'integer','x-kh':{'ref':'b'}}}}",
         "/properties/a/x-kh/ref"},
        {"{'type':'object','properties':{'a':{'type':'object','properties':{'b':{'type':'string',"
         "'x-kh':{'sensitivity':'personal'}}}}}}",
         "/properties/a/properties/b/x-kh"},
        {"{'type':'object','properties':{'a':{'type':'number','x-kh':{'computed':'1 +'}}}}",
         "/properties/a/x-kh/computed"},
        {"{'type':'object','properties':{'a':{'type':'number','x-kh':{'computed':'b + 1'}},"
         "'b':{'type':'number','x-kh':{'computed':'a + 1'}}}}",
         "/properties/a/x-kh/computed"},
        {"{'type':'object','x-kh':{'rules':[{'rule':'a > 0'}]},'properties':{'a':{'type':'number'}}}",
         "/x-kh/rules/0/message"},
        {"{'type':'object','x-kh':{'serial':{'field':'a','pattern':'X'}},'properties':{'a':{"
         "'type':'string'}}}",
         "/x-kh/serial/pattern"},
        {"{'type':'object','x-kh':{'found':'soon'},'properties':{'a':{'type':'string'}}}",
         "/x-kh/found"},
        {"{'type':'object','x-kh':{'serial':{'field':'a','pattern':'{b}-{SERIAL}'}},'properties':{"
         "'a':{'type':'string'},'b':{'type':'string'}}}",
         "/x-kh/serial/pattern"},
        {"{'type':'object','x-kh':{'access':[{'role':'public','ops':['read'],'where':'unit'}]},"
         "'properties':{'a':{'type':'string'}}}",
         "/x-kh/access/0/where"},
        {"{'type':'object','x-kh':{'access':[{'role':'public','ops':['read'],'where':{'a':"
         "'x > 3'}}]},'properties':{'a':{'type':'string'}}}",
         "/x-kh/access/0/where"},
        {"{'type':'object','x-kh':{'access':[{'role':'public','ops':['fly'],'where':'all'}]},"
         "'properties':{'a':{'type':'string'}}}",
         "/x-kh/access/0/ops/0"},
        {"{'type':'object','x-kh':{'access':[{'role':'public','ops':['read']}]},'properties':{'a':{"
         "'type':'string'}}}",
         "/x-kh/access/0/where"},
        {"{'type':'object','x-kh':{'access':[{'role':'public','ops':['read'],'where':'all',"
         "'fields':['zz']}]},'properties':{'a':{'type':'string'}}}",
         "/x-kh/access/0/fields/0"},
        {"{'type':'object','x-kh':{'index':[['a','zz']]},'properties':{'a':{'type':'string'}}}",
         "/x-kh/index/0"},
    };
    struct world *w = *state;

    for (size_t i = 0; i < KH_LEN(cases); i++) {
        if (!finds(w, "thing", cases[i].schema, cases[i].pointer))
            fprintf(stderr, "# case %zu\n", i);
        assert_true(finds(w, "thing", cases[i].schema, cases[i].pointer));
    }
    assert_true(finds(w, "Thing", cases[0].schema, ""));
    assert_true(finds(w, "a; drop table event", cases[0].schema, ""));
    assert_true(finds(w, "", cases[0].schema, ""));
    assert_false(put_type(w, "bad", cases[7].schema));
    assert_int_equal(w->err.code, KH_EC_SCHEMA_INVALID);
    assert_null(kh_type_find(w->reg, KH_S("bad")));
}

/* ---- upgrades ---- */

static size_t count_by(struct world *w, const char *field, const char *value)
{
    struct kh_filter f = {kh_cstr(field), KH_F_EQ, kh_cstr(value)};
    struct kh_page p;

    if (!list(w, "thing", &(struct kh_list){.filters = &f, .filters_n = 1, .limit = 1000}, &p))
        return SIZE_MAX;
    return p.n;
}

static void an_unchanged_schema_does_nothing(void **state)
{
    struct world *w = *state;
    const char *schema = "{'type':'object','properties':{'a':{'type':'string'}}}";
    const struct kh_type *t;

    assert_true(put_type(w, "thing", schema));
    t = type_named(w, "thing");
    assert_true(put_type(w, "thing", schema));
    assert_ptr_equal(t, type_named(w, "thing"));
    assert_int_equal(kh_type_version(t), 1);
}

static void a_new_schema_indexes_what_is_there(void **state)
{
    struct world *w = *state;
    struct kh_record r, got;
    struct kh_page p;
    int64_t first;

    assert_true(put_type(w, "thing",
                         "{'type':'object','properties':{'a':{'type':'string'},"
                         "'n':{'type':'integer'},'old':{'type':'string'}}}"));
    assert_true(create(w, "thing", NULL, "{'a':'Mỹ Đình','n':5,'old':'x'}", &r));
    first = r.id;
    kh_clock_add(KH_US_H);
    assert_true(change(w, "thing", NULL, first, "{'n':6}", NULL));
    assert_int_equal(count_by(w, "n", "6"), SIZE_MAX);
    assert_true(put_type(w, "thing",
                         "{'type':'object','x-kh':{'geo':'at'},'properties':{"
                         "'a':{'type':'string','x-kh':{'search':true}},"
                         "'n':{'type':'integer','x-kh':{'index':true}},"
                         "'at':{'type':'object','properties':{'lon':{'type':'number'},'lat':{'type':"
                         "'number'}}}},'additionalProperties':false}"));
    assert_int_equal(kh_type_version(type_named(w, "thing")), 2);
    assert_int_equal(count_by(w, "n", "6"), 1);
    assert_true(list(w, "thing", &(struct kh_list){.q = KH_S("my dinh")}, &p));
    assert_int_equal(p.n, 1);
    /* What an older schema allowed stays readable, and is not shown more widely than before. */
    assert_int_equal(get(w, "thing", first, 0, 0, &got), KH_HIT);
    assert_true(has(got.data, "\"old\":\"x\""));
    assert_false(has(render(w, &got, &kh_who_public), "\"old\":\"x\""));
    assert_int_equal(get(w, "thing", first, T0, 0, &got), KH_HIT);
    assert_true(has(got.data, "\"n\":5"));
    /* Another kind of the same field is another column. */
    assert_true(put_type(w, "thing",
                         "{'type':'object','properties':{'a':{'type':'string'},"
                         "'n':{'type':['integer','string'],'x-kh':{'widget':'x'}},"
                         "'at':{'type':'object'},'old':{'type':'string'}}}"));
    assert_true(put_type(w, "thing",
                         "{'type':'object','properties':{'a':{'type':'string','x-kh':{'index':true}},"
                         "'n':{'type':'string','x-kh':{'index':true}},'at':{'type':'object'},"
                         "'old':{'type':'string'}}}"));
    assert_int_equal(count_by(w, "n", "6"), 0);
    assert_true(create(w, "thing", NULL, "{'n':'six'}", &r));
    assert_int_equal(count_by(w, "n", "six"), 1);
    assert_int_equal(count_by(w, "a", "Mỹ Đình"), 1);
    /* Back again: the first column is taken up and filled anew. */
    assert_true(put_type(w, "thing",
                         "{'type':'object','properties':{'a':{'type':'string'},"
                         "'n':{'type':'integer','x-kh':{'index':true}},'old':{'type':'string'}}}"));
    assert_int_equal(count_by(w, "n", "6"), 1);
    world_reopen(w);
    assert_int_equal(count_by(w, "n", "6"), 1);
    assert_int_equal(kh_type_version(type_named(w, "thing")), 5);
}

static void a_large_table_is_indexed_while_the_city_works(void **state)
{
    enum { ROWS = 21000 };
    struct world *w = *state;
    struct kh_buf b = kh_buf(w->a, 4 << 20);
    struct kh_import in = {.how = {.who = &w->system, .trusted = true}};
    struct kh_import_report report;
    struct kh_record r;
    int64_t until;
    struct kh_verify_issue *issues;
    size_t n = 0, soon = 0;

    assert_true(put_type(w, "thing",
                         "{'type':'object','properties':{'n':{'type':'integer'},"
                         "'t':{'type':'string'}}}"));
    for (int i = 0; i < ROWS; i++)
        kh_buf_strf(&b, "{\"n\":%d,\"t\":\"w%d\"}\n", i / 100, i % 3);
    in.type = type_named(w, "thing");
    in.input = kh_buf_get(&b);
    assert_true(kh_import_run(w->f.st, w->reg, w->a, &in, &report, &w->err));
    assert_int_equal(report.created, ROWS);
    assert_true(put_type(w, "thing",
                         "{'type':'object','properties':{'n':{'type':'integer','x-kh':{'index':true}},"
                         "'t':{'type':'string','x-kh':{'search':true}}}}"));
    /* Creating goes on meanwhile; the filter says "soon" until it can be trusted. */
    assert_true(create(w, "thing", NULL, "{'n':7,'t':'w9'}", &r));
    until = kh_mono_us() + 60 * KH_US_S;
    while ((n = count_by(w, "n", "7")) == SIZE_MAX && kh_mono_us() < until) {
        assert_int_equal(w->err.code, KH_EC_FILTER_INVALID);
        assert_true(has(kh_cstr(w->err.detail), "being indexed"));
        kh_arena_reset(w->a);
        soon++;
    }
    assert_true(soon > 0);
    assert_int_equal(n, 101);
    assert_true(list(w, "thing", &(struct kh_list){.q = KH_S("w9")}, &(struct kh_page){0}));
    world_reopen(w);
    assert_int_equal(count_by(w, "n", "209"), 100);
    assert_true(kh_registry_verify(w->reg, w->a, NULL, NULL, &issues, &n, &until, &w->err));
    assert_int_equal(n, 0);
}

static void fields_can_say_the_validity(void **state)
{
    struct world *w = *state;
    struct kh_record r, got;

    assert_true(put_type(w, "thing",
                         "{'type':'object','x-kh':{'key':['code','valid_from']},'properties':{"
                         "'code':{'type':'string'},'price':{'type':'integer'},"
                         "'valid_from':{'type':'string','format':'date'},"
                         "'valid_to':{'type':'string','format':'date'}}}"));
    assert_true(create(w, "thing", NULL,
                       "{'code':'A','price':1,'valid_from':'2020-01-01','valid_to':'2025-07-01'}", &r));
    assert_true(create(w, "thing", NULL, "{'code':'A','price':2,'valid_from':'2025-07-01'}", &r));
    assert_false(create(w, "thing", NULL, "{'code':'A','price':3,'valid_from':'2026-01-01'}", NULL));
    assert_int_equal(w->err.code, KH_EC_RECORD_DUPLICATE);
    assert_false(create(w, "thing", NULL,
                        "{'code':'B','valid_from':'2026-01-01','valid_to':'2025-01-01'}", NULL));
    assert_int_equal(w->err.code, KH_EC_RECORD_INVALID);
    /* Midnight in the city begins the day. */
    assert_int_equal(r.valid_from_us, kh_day_start(kh_days(2025, 7, 1)));
    /* An end that is written into the record ends it. */
    assert_true(change(w, "thing", NULL, r.id, "{'valid_to':'2027-01-01'}", &got));
    assert_int_equal(got.valid_to_us, kh_day_start(kh_days(2027, 1, 1)));
    assert_int_equal(get(w, "thing", r.id, kh_day_start(kh_days(2027, 1, 2)), 0, &got), KH_MISS);
}

static void two_registries_on_one_store_agree(void **state)
{
    struct world *w = *state;
    struct kh_registry *other;
    struct kh_error err = {0};
    int64_t until = kh_mono_us() + 20 * KH_US_S;
    const struct kh_type *t = NULL;

    assert_true(kh_registry_open(w->f.st, &other, &err));
    assert_true(put_type(w, "thing", "{'type':'object','properties':{'a':{'type':'string'}}}"));
    while (!(t = kh_type_find(other, KH_S("thing"))) && kh_mono_us() < until)
        ;
    assert_non_null(t);
    kh_registry_close(other);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(says_what_is_wrong_with_a_schema),
        T(an_unchanged_schema_does_nothing),
        T(a_new_schema_indexes_what_is_there),
        T(a_large_table_is_indexed_while_the_city_works),
        T(fields_can_say_the_validity),
        T(two_registries_on_one_store_agree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
