/* SPDX-License-Identifier: Apache-2.0 */
/* One record: declared, created, read, changed, as it is and as it was. */
#include "world.h"

static const char place[] =
    "{'type':'object','x-kh':{'key':'code','title':'name','sensitivity':'public',"
    "'geo':'location','index':[['kind','rank']],"
    "'access':[{'role':'public','ops':['read','list','history'],'where':'all','see':'public'},"
    "{'role':'dispatcher','ops':['read','list','create','update','close','import','export'],"
    "'where':'all','see':'personal'}]},"
    "'properties':{"
    "'code':{'type':'string','maxLength':20},"
    "'name':{'type':'string','minLength':1,'maxLength':200,'x-kh':{'search':2}},"
    "'kind':{'type':'string','enum':['school','clinic','park'],'x-kh':{'index':true}},"
    "'rank':{'type':'integer','x-kh':{'index':true}},"
    "'keeper':{'type':'string','x-kh':{'sensitivity':'personal'}},"
    "'location':{'type':'object','required':['lon','lat'],'properties':{"
    "'lon':{'type':'number'},'lat':{'type':'number'}}}},"
    "'required':['code','name','kind'],'additionalProperties':false}";

static void keeps_what_was_created(void **state)
{
    struct world *w = *state;
    struct kh_record r, got;

    assert_true(put_type(w, "place", place));
    assert_true(create(w, "place", NULL,
                       "{'code':'P1','name':'Trường Mỹ Đình','kind':'school','rank':3,"
                       "'location':{'lon':105.78,'lat':21.03}}",
                       &r));
    assert_int_equal(r.revision, 1);
    assert_int_equal(get(w, "place", r.id, 0, 0, &got), KH_HIT);
    assert_true(has(got.data, "Trường Mỹ Đình"));
    assert_int_equal(got.revision, 1);
    world_reopen(w);
    assert_int_equal(get(w, "place", r.id, 0, 0, &got), KH_HIT);
    assert_true(kh_str_eq(got.data, r.data));
    assert_int_equal(get(w, "place", r.id + 1, 0, 0, &got), KH_MISS);
}

static void changes_and_remembers(void **state)
{
    struct world *w = *state;
    struct kh_record r, got;

    assert_true(put_type(w, "place", place));
    assert_true(create(w, "place", NULL, "{'code':'P1','name':'A','kind':'park'}", &r));
    kh_clock_add(KH_US_DAY);
    assert_true(change(w, "place", NULL, r.id, "{'name':'B'}", &got));
    assert_int_equal(got.revision, 2);
    assert_int_equal(get(w, "place", r.id, 0, 0, &got), KH_HIT);
    assert_true(has(got.data, "'B'") || has(got.data, "\"B\""));
    assert_int_equal(get(w, "place", r.id, T0 + KH_US_H, 0, &got), KH_HIT);
    assert_true(has(got.data, "\"A\""));
    assert_int_equal(got.revision, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keeps_what_was_created, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(changes_and_remembers, world_setup, world_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
