/* SPDX-License-Identifier: Apache-2.0 */
/* POST /api/v1/decisions/evaluate with a model that comes along. */
#include "call_fixture.h"

#include "api/routes.h"
#include "base/buf.h"
#include "base/json.h"

#define MODEL                                                                                      \
    "<definitions xmlns='https://www.omg.org/spec/DMN/20230324/MODEL/' namespace='n' name='m'>"    \
    "<inputData id='i' name='x'><variable name='x' typeRef='number'/></inputData>"                 \
    "<decision id='d' name='twice'><variable name='twice'/><informationRequirement>"               \
    "<requiredInput href='#i'/></informationRequirement><literalExpression><text>x * 2</text>"     \
    "</literalExpression></decision>"                                                              \
    "<decision id='e' name='next day'><variable name='next day'/><literalExpression>"              \
    "<text>@&quot;2026-12-31&quot; + @&quot;P1D&quot;</text></literalExpression></decision>"       \
    "<businessKnowledgeModel id='b' name='add'><encapsulatedLogic><formalParameter name='a'/>"     \
    "<formalParameter name='b'/><literalExpression><text>a + b</text></literalExpression>"         \
    "</encapsulatedLogic></businessKnowledgeModel></definitions>"

static int setup(void **state)
{
    (void)state;
    calls_open(kh_routes_decision);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    calls_close();
    return 0;
}

static void post(const char *body, int status, const char *want)
{
    struct kh_call *c = call_new(KH_POST, "/api/v1/decisions/evaluate", "mai", body);

    call_run(c);
    if (c->reply.status != status || !body_has(c, want))
        fail_msg("%d %.*s", c->reply.status, KH_FMT(c->reply.body));
    kh_arena_drop(c->a);
}

#define WITH(model, rest) "{\"model\":\"" model "\"," rest "}"

static void evaluates_a_model_that_comes_along(void **state)
{
    (void)state;
    post(WITH(MODEL, "\"decision\":\"twice\",\"inputs\":{\"x\":21.50}"), 200,
         "{\"result\":43.00,\"messages\":[]}");
    post(WITH(MODEL, "\"decision\":\"next day\",\"inputs\":{}"), 200,
         "{\"result\":{\"@feel\":\"date\",\"value\":\"2027-01-01\"},\"messages\":[]}");
    post(WITH(MODEL, "\"bkm\":\"add\",\"inputs\":{\"a\":1,\"b\":2}"), 200, "{\"result\":3,");
    post(WITH(MODEL, "\"decision\":\"twice\",\"inputs\":{\"x\":\"one\"}"), 200, "\"result\":null");
    post(WITH(MODEL, "\"decision\":\"twice\",\"inputs\":{\"x\":\"one\"}"), 200,
         "\"code\":\"type\"");
}

static void evaluates_many_cases_with_one_model(void **state)
{
    (void)state;
    post(WITH(MODEL, "\"cases\":[{\"decision\":\"twice\",\"inputs\":{\"x\":1}},{\"decision\":"
                     "\"nothing\"},{\"decision\":\"twice\",\"inputs\":{\"x\":2}}]"),
         200,
         "{\"results\":[{\"result\":2,\"messages\":[]},{\"error\":{\"code\":"
         "\"DECISION_UNKNOWN\"");
    post(WITH(MODEL, "\"cases\":[{\"inputs\":1},{\"decision\":\"twice\",\"inputs\":{\"x\":2}}]"),
         200, ",{\"result\":4,\"messages\":[]}]}");
}

static void says_what_is_wrong(void **state)
{
    (void)state;
    post("{}", 422, "BODY_INVALID");
    post("{\"model\":1}", 422, "BODY_INVALID");
    post("{\"model\":\"x\",\"decision_ref\":\"y\"}", 422, "BODY_INVALID");
    post("{\"model\":\"<x\"}", 422, "DECISION_INVALID");
    post(WITH("<definitions xmlns='https://www.omg.org/spec/DMN/20230324/MODEL/'><decision id='d' "
              "name='d'><literalExpression><text>1 +</text></literalExpression></decision>"
              "</definitions>",
              "\"decision\":\"d\""),
         422, "\"issues\":[{\"pointer\":\"d:1:");
    post(WITH(MODEL, "\"decision\":\"nothing\""), 404, "DECISION_UNKNOWN");
    post(WITH(MODEL, "\"decision\":\"twice\",\"inputs\":[]"), 422, "BODY_INVALID");
    post(WITH(MODEL, "\"decision\":\"twice\",\"cases\":{}"), 422, "BODY_INVALID");
}

static void is_for_those_who_signed_in(void **state)
{
    struct kh_call *c = call_new(KH_POST, "/api/v1/decisions/evaluate", NULL, "{}");

    (void)state;
    call_run(c);
    assert_int_equal(c->reply.status, 401);
    kh_arena_drop(c->a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(evaluates_a_model_that_comes_along, setup, teardown),
        cmocka_unit_test_setup_teardown(evaluates_many_cases_with_one_model, setup, teardown),
        cmocka_unit_test_setup_teardown(says_what_is_wrong, setup, teardown),
        cmocka_unit_test_setup_teardown(is_for_those_who_signed_in, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
