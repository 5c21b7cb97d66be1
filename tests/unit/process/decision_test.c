/* SPDX-License-Identifier: Apache-2.0 */
/* Deployed decisions, on both databases: versions, the cache, imports, use from a process. */
#include "world.h"

#include "engine/process/dmn/dmn.h"

#define DMN "https://www.omg.org/spec/DMN/20230324/MODEL/"

struct put {
    struct world *w;
    const char *key;
    struct kh_str xml;
};

static bool put_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct put *p = ctx;

    return kh_decision_deploy(tx, p->w->pe, p->w->a, KH_S("city"), kh_cstr(p->key), p->xml, err);
}

static bool put(struct world *w, const char *key, const char *ns, const char *inner)
{
    struct put p = {.w = w, .key = key};

    p.xml = quoted(w, kh_strf(w->a,
                              "<definitions xmlns='" DMN "' namespace='%s' name='%s'>%s"
                              "</definitions>",
                              ns, key, inner)
                          .p);
    w->err = (struct kh_error){0};
    return kh_store_run(w->f.st, "put", KH_TX_WRITE, put_in_tx, &p, &w->err);
}

static const char *eval(struct world *w, const char *ref, const char *inputs)
{
    const struct kh_json *result;

    w->err = (struct kh_error){0};
    if (!kh_decision_eval(w->pe, w->a, kh_cstr(ref), KH_S(""), json(w, inputs), &result, NULL,
                          &w->err))
        return kh_error_info(w->err.code)->name;
    return kh_str_z(w->a, kh_json_text(w->a, result));
}

#define ADD(n)                                                                                     \
    "<inputData id='i' name='x'/><decision id='d' name='sum'><variable name='sum'/>"               \
    "<informationRequirement><requiredInput href='#i'/></informationRequirement>"                  \
    "<literalExpression><text>x + " n "</text></literalExpression></decision>"

static void evaluates_the_newest_version(void **state)
{
    struct world *w = *state;

    assert_string_equal(eval(w, "city/add", "{}"), "DECISION_UNKNOWN");
    assert_true(put(w, "add", "urn:add", ADD("1")));
    assert_string_equal(eval(w, "city/add", "{'x':1}"), "2");
    assert_true(put(w, "add", "urn:add", ADD("10")));
    assert_string_equal(eval(w, "city/add", "{'x':1}"), "11");
    assert_string_equal(eval(w, "city/other", "{}"), "DECISION_UNKNOWN");
    assert_string_equal(eval(w, "nonsense", "{}"), "DECISION_UNKNOWN");
    world_reopen(w);
    assert_string_equal(eval(w, "city/add", "{'x':1}"), "11");
}

static void deploys_the_same_model_once(void **state)
{
    struct world *w = *state;
    int64_t before;

    assert_true(put(w, "add", "urn:add", ADD("1")));
    before = fixture_ask(&w->f, "SELECT count(*) FROM decision");
    assert_true(put(w, "add", "urn:add", ADD("1")));
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM decision"), before);
    assert_true(put(w, "add", "urn:add", ADD("2")));
    assert_int_equal(fixture_ask(&w->f, "SELECT max(version) FROM decision"), 2);
}

static void refuses_a_model_with_problems(void **state)
{
    struct world *w = *state;

    assert_false(put(w, "bad", "urn:bad", ADD("(")));
    assert_int_equal(w->err.code, KH_EC_DECISION_INVALID);
    assert_false(put(w, "bad", "urn:bad", ADD("unknown")));
    assert_int_equal(w->err.code, KH_EC_DECISION_INVALID);
    assert_string_equal(eval(w, "city/bad", "{}"), "DECISION_UNKNOWN");
}

static void finds_imports_among_the_deployed(void **state)
{
    struct world *w = *state;
    static const char user[] =
        "<import name='a' namespace='urn:add' importType='" DMN "'/>"
        "<decision id='t' name='twice'><variable name='twice'/><informationRequirement>"
        "<requiredDecision href='urn:add#d'/></informationRequirement><literalExpression>"
        "<text>a.sum * 2</text></literalExpression></decision>";

    assert_false(put(w, "user", "urn:user", user));
    assert_true(put(w, "add", "urn:add", ADD("1")));
    assert_true(put(w, "user", "urn:user", user));
    assert_string_equal(eval(w, "city/user", "{'a':{'x':4}}"), "10");
}

static void decides_inside_a_process(void **state)
{
    struct world *w = *state;
    int64_t id;

    assert_true(put(w, "add", "urn:add", ADD("5")));
    assert_true(deploy(w, PROCESS("p", START("r") "<businessRuleTask id='r' "
                                                  "kh:decision='city/add' kh:result='total'/>" FLOW(
                                                      "r", "t") TASK("t") FLOW("t", "e") END)));
    id = start(w, "p", NULL, 0, "{'x':37}");
    assert_int_not_equal(id, 0);
    assert_string_equal(variable(w, id, "total"), "42");
}

static void checks_by_line_as_packs_are_checked(void **state)
{
    struct world *w = *state;
    struct kh_issues issues = {0};
    struct kh_str xml = quoted(w, "<definitions xmlns='" DMN "' name='x' namespace='n'>\n"
                                  "<decision id='d1' name='d'>\n<literalExpression><text>1 +</text>"
                                  "</literalExpression></decision></definitions>");

    assert_false(kh_dmn_check(w->a, xml, &issues, &w->err));
    assert_int_equal(issues.n, 1);
    assert_true(kh_str_starts(issues.items[0].pointer, KH_S("line:3:")));
    assert_true(kh_str_starts(issues.items[0].en, KH_S("d1: ")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(evaluates_the_newest_version, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(deploys_the_same_model_once, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(refuses_a_model_with_problems, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(finds_imports_among_the_deployed, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(decides_inside_a_process, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(checks_by_line_as_packs_are_checked, world_setup,
                                        world_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
