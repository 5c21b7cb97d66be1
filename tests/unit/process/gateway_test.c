/* SPDX-License-Identifier: Apache-2.0 */
/* Inclusive gateways: which paths are taken, and when they meet again. */
#include "world.h"

#define GATE(id, more) "<inclusiveGateway id='" id "' " more "/>"

/* f parts into a, b and c; j meets; then z. */
#define DIAMOND                                                                                    \
    PROCESS("p", START("f") GATE("f", "default='f_c'") FLOW_IF("f", "a", "x > 0")                  \
                     FLOW_IF("f", "b", "x > 1") FLOW("f", "c") TASK("a") TASK("b") TASK("c")       \
                         FLOW("a", "j") FLOW("b", "j") FLOW("c", "j") GATE("j", "") FLOW("j", "z") \
                             TASK("z") FLOW("z", "e") END)

static void takes_every_path_whose_condition_holds(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(w, DIAMOND));
    i = start(w, "p", NULL, 0, "{'x':2}");
    assert_where(w, i, "running a,b");
    work(w, i, "b", NULL);
    assert_where(w, i, "running a,j");
    world_reopen(w);
    work(w, i, "a", NULL);
    assert_where(w, i, "running z");
    work(w, i, "z", NULL);
    assert_where(w, i, "ended");
    i = start(w, "p", NULL, 0, "{'x':1}");
    assert_where(w, i, "running a");
    work(w, i, "a", NULL);
    assert_where(w, i, "running z");
    i = start(w, "p", NULL, 0, "{'x':0}");
    assert_where(w, i, "running c");
    work(w, i, "c", NULL);
    assert_where(w, i, "running z");
}

/* A token that may still come is waited for, whichever way it takes: it can end before the join, or
 * go round first. */
static void waits_only_for_what_can_still_come(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(
        w, PROCESS("p", START("f") GATE("f", "default='f_b'") FLOW_IF("f", "a", "true") FLOW_IF(
                            "f", "b2", "true") FLOW("f", "b") TASK("a") FLOW("a", "j") TASK("b2")
                            FLOW("b2", "x") TASK("b")
                                FLOW("b", "j") "<exclusiveGateway id='x' default='x_end'/>" FLOW_IF(
                                    "x", "j", "y = 1") FLOW_IF("x", "b2", "y = 2")
                                    FLOW("x", "end") "<endEvent id='end'/>" GATE("j", "")
                                        FLOW("j", "z") TASK("z") FLOW("z", "e") END)));
    i = start(w, "p", NULL, 0, NULL);
    work(w, i, "a", NULL);
    assert_where(w, i, "running j,b2");
    work(w, i, "b2", "{'y':2}");
    assert_where(w, i, "running j,b2");
    work(w, i, "b2", "{'y':0}");
    assert_where(w, i, "running z");
    i = start(w, "p", NULL, 0, NULL);
    work(w, i, "a", NULL);
    work(w, i, "b2", "{'y':1}");
    assert_where(w, i, "running z");
    work(w, i, "z", NULL);
    assert_where(w, i, "ended");
}

/* BPMN 2.0.2, 13.4.3: who can reach a flow that has a token already as well as one that has none is
 * not waited for. Here t may go to either side of the join. */
static void does_not_wait_for_who_may_come_where_one_has_come(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(
        w,
        PROCESS("p", START("f") "<parallelGateway id='f'/>" FLOW("f", "a") FLOW("f", "t") TASK("a")
                         TASK("t") FLOW("t", "x") "<exclusiveGateway id='x' default='x_m'/>" FLOW(
                             "x", "m") FLOW_IF("x", "b", "y = 1")
                             FLOW("a", "m") "<exclusiveGateway id='m'/>" FLOW("m", "j") TASK("b")
                                 FLOW("b", "j") GATE("j", "") FLOW("j", "z") TASK("z")
                                     FLOW("z", "e") END)));
    i = start(w, "p", NULL, 0, NULL);
    work(w, i, "a", NULL);
    assert_where(w, i, "running z,t");
    work(w, i, "t", NULL);
    assert_where(w, i, "running z,z");
}

static void a_boundary_event_may_still_bring_a_token(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(
        w, PROCESS("p",
                   START("f") "<parallelGateway id='f'/>" FLOW("f", "a") FLOW("f", "t") TASK("a")
                       TASK("t") FLOW("t", "end") "<endEvent id='end'/>"
                                                  "<boundaryEvent id='b' attachedToRef='t'>" TIMER(
                                                      "PT1H") "</boundaryEvent>" FLOW("b", "j")
                                                      FLOW("a", "j") GATE("j", "") FLOW("j", "z")
                                                          TASK("z") FLOW("z", "e") END)));
    i = start(w, "p", NULL, 0, NULL);
    work(w, i, "a", NULL);
    assert_where(w, i, "running j,t");
    assert_int_equal(pass(w, 2 * KH_US_H), 1);
    assert_where(w, i, "running z");
    i = start(w, "p", NULL, 0, NULL);
    work(w, i, "a", NULL);
    work(w, i, "t", NULL);
    assert_where(w, i, "running z");
}

static void meets_in_each_round_of_a_loop(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(
        w, PROCESS("p",
                   START("m") "<exclusiveGateway id='m'/>" FLOW("m", "f") GATE("f", "default='f_a'")
                       FLOW("f", "a") FLOW_IF("f", "b", "true") FLOW_IF("f", "c", "n &lt; 2") TASK(
                           "a") TASK("b") TASK("c") FLOW("a", "j") FLOW("b", "j") FLOW("c", "j")
                           GATE("j", "") "<exclusiveGateway id='x' default='x_e'/>" FLOW("j", "x")
                               FLOW_IF("x", "m", "n &lt; 3") FLOW("x", "e") END)));
    i = start(w, "p", NULL, 0, "{'n':1}");
    assert_where(w, i, "running b,c");
    work(w, i, "c", NULL);
    assert_where(w, i, "running b,j");
    work(w, i, "b", "{'n':2}");
    assert_where(w, i, "running b");
    work(w, i, "b", "{'n':3}");
    assert_where(w, i, "ended");
}

static void a_gateway_without_a_way_is_refused(void **state)
{
    struct world *w = *state;

    assert_false(deploy(w, PROCESS("p", START("f") GATE("f", "") FLOW_IF("f", "a", "x")
                                            FLOW_IF("f", "b", "y") TASK("a") TASK("b")
                                                FLOW("a", "e") FLOW("b", "e") END)));
    assert_int_equal(w->err.code, KH_EC_PROCESS_INVALID);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(takes_every_path_whose_condition_holds),
        STORY(waits_only_for_what_can_still_come),
        STORY(does_not_wait_for_who_may_come_where_one_has_come),
        STORY(a_boundary_event_may_still_bring_a_token),
        STORY(meets_in_each_round_of_a_loop),
        STORY(a_gateway_without_a_way_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
