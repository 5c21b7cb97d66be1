/* SPDX-License-Identifier: Apache-2.0 */
/* Activities that are repeated, and what is undone again. */
#include "world.h"

#define MULTI(more, inside)                                                                        \
    "<multiInstanceLoopCharacteristics " more ">" inside "</multiInstanceLoopCharacteristics>"
#define LOOP(more, inside)                                                                         \
    "<standardLoopCharacteristics " more ">" inside "</standardLoopCharacteristics>"
#define MANY_TASKS(id, more, loop)                                                                 \
    "<userTask id='" id "' kh:role='officer' kh:unit='\"H26.19\"' " more ">" loop "</userTask>"

#define VOTE(sequential)                                                                           \
    PROCESS("p",                                                                                   \
            START("a") MANY_TASKS(                                                                 \
                "a", "kh:owner='member'",                                                          \
                MULTI("isSequential='" sequential "' kh:collection='board' kh:element='member' "   \
                      "kh:outputCollection='votes' kh:outputElement='{who: member, yes: yes}'",    \
                      "<completionCondition>count(votes[item.yes = true]) >= 2"                    \
                      "</completionCondition>")) FLOW("a", "b") TASK("b") FLOW("b", "e") END)

/* The task of a member; 0 if there is none. */
static int64_t task_of(struct world *w, int64_t instance, int64_t owner)
{
    return fixture_ask(&w->f,
                       kh_str_z(w->a, kh_strf(w->a,
                                              "SELECT coalesce(max(id), 0) FROM task WHERE "
                                              "instance_id = %lld AND owner = %lld AND state "
                                              "< 2",
                                              (long long)instance, (long long)owner)));
}

static const char board[] = "{'board':['0000000000001','0000000000002','0000000000003']}";

static void many_work_at_once_until_it_is_enough(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(w, VOTE("false")));
    i = start(w, "p", NULL, 0, board);
    assert_where(w, i, "running a,a,a");
    assert_true(complete(w, task_of(w, i, 2), "{'yes':true}", &w->system));
    assert_where(w, i, "running a,a");
    assert_string_equal(variable(w, i, "yes"), ""); /* what one says is not what all say */
    world_reopen(w);
    told(w);
    assert_true(complete(w, task_of(w, i, 3), "{'yes':true}", &w->system));
    assert_string_equal(told(w), "task.complete task.cancel task.create");
    assert_where(w, i, "running b");
    assert_string_equal(variable(w, i, "votes"), "[null,{\"who\":\"0000000000002\",\"yes\":true},"
                                                 "{\"who\":\"0000000000003\",\"yes\":true}]");
    assert_string_equal(variable(w, i, "member"), "");
    work(w, i, "b", NULL);
    assert_where(w, i, "ended");
}

static void one_works_after_the_other(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(w, VOTE("true")));
    i = start(w, "p", NULL, 0, board);
    assert_where(w, i, "running a");
    assert_true(complete(w, task_of(w, i, 1), "{'yes':false}", &w->system));
    assert_int_equal(task_of(w, i, 1), 0);
    assert_true(complete(w, task_of(w, i, 2), "{'yes':true}", &w->system));
    assert_where(w, i, "running a");
    assert_true(complete(w, task_of(w, i, 3), "{'yes':false}", &w->system));
    assert_where(w, i, "running b");
    i = start(w, "p", NULL, 0, "{'board':[]}");
    assert_where(w, i, "running b");
    assert_string_equal(variable(w, i, "votes"), "[]");
    assert_int_equal(start(w, "p", NULL, 0, "{'board':7}"), 0);
    assert_int_equal(w->err.code, KH_EC_PROCESS_STUCK);
}

static void services_scripts_and_calls_are_repeated_too(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(
        w,
        PROCESS("square", START("x") SCRIPT("x", "{r: n * n}") FLOW("x", "e") END) PROCESS(
            "p",
            START("a") "<scriptTask id='a'><script>{y: x + loopCounter}</script>" MULTI(
                "kh:collection='list' kh:element='x' kh:outputCollection='sums' "
                "kh:outputElement='y'",
                "") "</scriptTask>" FLOW("a",
                                         "b") "<callActivity id='b' calledElement='square'><extensionElements><kh:input "
                                              "name='n'>s</kh:input></extensionElements>" MULTI(
                                                  "isSequential='true' kh:collection='sums' kh:element='s' "
                                                  "kh:outputCollection='squares' kh:outputElement='r'",
                                                  "") "</callActivity>" FLOW("b",
                                                                             "c") "<serviceTask id='c' kh:function='calendar.due' kh:result='d'>"
                                                                                  "<extensionElements><kh:input name='span'>\"P1D\"</kh:input>"
                                                                                  "</extensionElements>" MULTI(
                                                                                      "kh:outputCollection='dues' kh:outputElement='d.due != null'",
                                                                                      "<loopCardinality>n</loopCardinality>") "</serviceTask>" FLOW("c",
                                                                                                                                                    "e")
                                                                                      END)));
    i = start(w, "p", NULL, 0, "{'list':[10,20,30],'n':2}");
    assert_where(w, i, "ended");
    assert_string_equal(variable(w, i, "sums"), "[11,22,33]");
    assert_string_equal(variable(w, i, "squares"), "[121,484,1089]");
    assert_string_equal(variable(w, i, "dues"), "[true,true]");
    assert_string_equal(variable(w, i, "y"), "");
}

static void sub_processes_run_side_by_side(void **state)
{
    struct world *w = *state;
    int64_t i;

    /* Each opinion is asked for, and again until it is good; terminate ends one of them only. */
    assert_true(deploy(
        w,
        PROCESS(
            "p",
            START("u") "<subProcess id='u'>" MULTI(
                "kh:collection='depts' kh:element='dept' kh:outputCollection='all' "
                "kh:outputElement='dept + \":\" + opinion'",
                "") "<startEvent id='s2'/>" FLOW("s2",
                                                 "a") "<userTask id='a' kh:role='officer' kh:unit='dept'/>" FLOW("a",
                                                                                                                 "x") "<exclusiveGateway id='x' default='x_t'/>" FLOW_IF("x",
                                                                                                                                                                         "a",
                                                                                                                                                                         "opinion = null")
                FLOW("x", "t") "<endEvent id='t'><terminateEventDefinition/></endEvent>"
                               "</subProcess>"
                               "<boundaryEvent id='b' attachedToRef='u'>" TIMER(
                                   "P9D") "</boundaryEvent>" FLOW("b", "z") TASK("z") FLOW("z", "e")
                                   FLOW("u", "e") END)));
    i = start(w, "p", NULL, 0, "{'depts':['H26.1','H26.2']}");
    assert_where(w, i, "running u,u,a,a");
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM task WHERE unit = 'H26.2'"), 1);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM job"), 1);
    assert_true(complete(w, fixture_ask(&w->f, "SELECT id FROM task WHERE unit = 'H26.2'"),
                         "{'opinion':null}", &w->system));
    assert_where(w, i, "running u,u,a,a");
    assert_true(complete(w,
                         fixture_ask(&w->f, "SELECT id FROM task WHERE unit = 'H26.2' AND "
                                            "state = 0"),
                         "{'opinion':'good'}", &w->system));
    assert_where(w, i, "running u,a");
    assert_true(complete(w, fixture_ask(&w->f, "SELECT id FROM task WHERE unit = 'H26.1'"),
                         "{'opinion':'bad'}", &w->system));
    assert_where(w, i, "ended");
    assert_string_equal(variable(w, i, "all"), "[\"H26.1:bad\",\"H26.2:good\"]");
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM job"), 0);
    i = start(w, "p", NULL, 0, "{'depts':['H26.1','H26.2']}");
    assert_int_equal(pass(w, 10 * KH_US_DAY), 1);
    assert_where(w, i, "running z");
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM task WHERE state = 3"), 2);
}

static void loops_go_on_while_their_condition_holds(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(
        w,
        PROCESS(
            "p",
            START("a") MANY_TASKS("a", "", LOOP("", "<loopCondition>again</loopCondition>"))
                FLOW("a", "b") "<scriptTask id='b'><script>{n: n + 1}</script>" LOOP("testBefore='true'", "<loopCondition>n &lt; 10</loopCondition>") "</scriptTask>" FLOW("b", "c") "<scriptTask id='c'><script>{m: n * 2}</script>" LOOP(
                    "testBefore='true'",
                    "<loopCondition>n &lt; 10</loopCondition>") "</scriptTask>" FLOW("c",
                                                                                     "d") "<scriptTask id='d'><script>{k: k * 2}</script>" LOOP("loopMaximum='5'",
                                                                                                                                                "") "</scriptTask>" FLOW("d",
                                                                                                                                                                         "e")
                    END)));
    i = start(w, "p", NULL, 0, "{'n':3,'k':1}");
    work(w, i, "a", "{'again':true}");
    assert_where(w, i, "running a");
    work(w, i, "a", "{'again':true}");
    work(w, i, "a", "{'again':false}");
    assert_where(w, i, "ended");
    assert_string_equal(variable(w, i, "n"), "10");
    assert_string_equal(variable(w, i, "m"), ""); /* not once */
    assert_string_equal(variable(w, i, "k"), "32");
}

static void there_is_an_end_to_repeating(void **state)
{
    struct world *w = *state;

    assert_true(deploy(
        w,
        PROCESS("p",
                START("a") "<scriptTask id='a'><script>{y: 1}</script>" MULTI(
                    "", "<loopCardinality>n</loopCardinality>") "</scriptTask>" FLOW("a", "e") END)
            PROCESS("r",
                    START("a") "<scriptTask id='a'><script>{y: loopCounter}</script>" MULTI(
                        "kh:outputCollection='ys' kh:outputElement='y'",
                        "<loopCardinality>n</loopCardinality>") "</scriptTask>" FLOW("a", "e") END)
                PROCESS(
                    "q",
                    START("a") "<scriptTask id='a'><script>{y: 1}</script>" LOOP(
                        "", "<loopCondition>true</loopCondition>") "</scriptTask>" FLOW("a", "e")
                        END)));
    assert_true(start(w, "p", NULL, 0, "{'n':1000}") != 0);
    assert_true(start(w, "r", NULL, 0, "{'n':1000}") != 0);
    assert_true(start(w, "p", NULL, 0, "{'n':0}") != 0);
    assert_int_equal(start(w, "p", NULL, 0, "{'n':1001}"), 0);
    assert_non_null(strstr(w->err.detail, "a would happen more than 1000 times"));
    assert_int_equal(start(w, "p", NULL, 0, "{'n':-1}"), 0);
    assert_int_equal(start(w, "p", NULL, 0, "{'n':1.5}"), 0);
    assert_int_equal(start(w, "q", NULL, 0, NULL), 0);
    assert_non_null(strstr(w->err.detail, "a would happen more than 1000 times"));
}

static void an_error_in_one_round_ends_them_all(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(
        w,
        "<error id='e1' errorCode='no'/>" PROCESS(
            "p",
            START("u") "<subProcess id='u'>" MULTI("kh:collection='l' kh:element='x'",
                                                   "") "<startEvent id='s2'/>" FLOW("s2", "a")
                TASK("a") FLOW(
                    "a",
                    "f") "<endEvent id='f'><errorEventDefinition errorRef='e1'/></endEvent>"
                         "</subProcess><boundaryEvent id='b' attachedToRef='u'>"
                         "<errorEventDefinition/><extensionElements><kh:output "
                         "name='code'>result.code</kh:output></extensionElements></boundaryEvent>" FLOW(
                             "b", "z") TASK("z") FLOW("z", "e") FLOW("u", "e") END)));
    i = start(w, "p", NULL, 0, "{'l':[1,2,3]}");
    work(w, i, "a", NULL);
    assert_where(w, i, "running z");
    assert_string_equal(variable(w, i, "code"), "\"no\"");
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM task WHERE state = 3"), 2);
}

static void answers_become_what_the_model_makes_of_them(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(
        w, PROCESS("p", START("a") "<userTask id='a' kh:role='officer' kh:unit='\"H26.19\"'>"
                                   "<extensionElements><kh:output name='sum'>"
                                   "sum + result.n</kh:output></extensionElements>" LOOP(
                                       "loopMaximum='3'", "") "</userTask>" FLOW("a", "e") END)));
    i = start(w, "p", NULL, 0, "{'sum':0}");
    work(w, i, "a", "{'n':1}");
    work(w, i, "a", "{'n':10}");
    work(w, i, "a", "{'n':100}");
    assert_where(w, i, "ended");
    assert_string_equal(variable(w, i, "sum"), "111");
    assert_string_equal(variable(w, i, "n"), "");
}

/* ---- compensation ---- */

#define UNDO(id, on, by)                                                                           \
    "<boundaryEvent id='" id "' attachedToRef='" on                                                \
    "'><compensateEventDefinition/></boundaryEvent>"                                               \
    "<association id='" id "_" by "' associationDirection='One' sourceRef='" id "' targetRef='" by \
    "'/>"
#define UNDOING(id, script)                                                                        \
    "<scriptTask id='" id "' isForCompensation='true'><script>" script "</script></scriptTask>"
#define COMPENSATE(more)                                                                           \
    "<intermediateThrowEvent id='c'><compensateEventDefinition " more "/></intermediateThrowEvent>"
#define LOG(x) "{log: log + \"" x "\"}"

static void what_was_done_is_undone_last_first(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(
        w,
        PROCESS("p",
                START("a") SCRIPT("a", LOG("a")) UNDO("ua", "a", "xa") UNDOING("xa", LOG("A")) FLOW(
                    "a", "b") SCRIPT("b", LOG("b")) UNDO("ub", "b", "xb") UNDOING("xb", LOG("B"))
                    FLOW("b", "t") TASK("t") UNDO(
                        "ut", "t",
                        "xt") "<userTask id='xt' isForCompensation='true' kh:role='officer' "
                              "kh:unit='\"H26.19\"'/>" FLOW(
                                  "t",
                                  "g") "<exclusiveGateway id='g' default='g_e'/>" FLOW_IF("g", "c",
                                                                                          "bad")
                                  FLOW("g", "e") COMPENSATE("") FLOW("c", "z") TASK("z")
                                      FLOW("z", "e") END)));
    i = start(w, "p", NULL, 0, "{'log':''}");
    work(w, i, "t", "{'bad':true}");
    assert_where(w, i, "running c,xt");
    world_reopen(w);
    work(w, i, "xt", NULL);
    assert_where(w, i, "running z");
    assert_string_equal(variable(w, i, "log"), "\"abBA\"");
    i = start(w, "p", NULL, 0, "{'log':''}");
    work(w, i, "t", "{'bad':false}");
    assert_where(w, i, "ended");
    assert_string_equal(variable(w, i, "log"), "\"ab\"");
}

static void one_activity_or_a_whole_sub_process_is_undone(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(
        w,
        PROCESS("p",
                START("a") SCRIPT("a", LOG("a")) UNDO("ua", "a", "xa") UNDOING("xa", LOG("A")) FLOW(
                    "a", "u") "<subProcess id='u'><startEvent id='s2'/>" FLOW("s2", "b")
                    SCRIPT("b", LOG("b")) UNDO("ub", "b", "xb") UNDOING("xb", LOG("B")) FLOW(
                        "b", "d") SCRIPT("d", LOG("d")) UNDO("ud", "d", "xd") UNDOING("xd",
                                                                                      LOG("D"))
                        FLOW("d", "e2") "<endEvent id='e2'/></subProcess>" FLOW(
                            "u", "g") "<exclusiveGateway id='g' default='g_c'/>" FLOW_IF("g", "c1",
                                                                                         "only")
                            FLOW("g", "c") COMPENSATE("") FLOW(
                                "c",
                                "z") "<intermediateThrowEvent id='c1'><compensateEventDefinition "
                                     "activityRef='u'/></intermediateThrowEvent>" FLOW("c1", "z")
                                         TASK("z") FLOW(
                                             "z",
                                             "f") "<endEvent id='f'><compensateEventDefinition/>"
                                                  "</endEvent>")));
    i = start(w, "p", NULL, 0, "{'log':'','only':false}");
    assert_where(w, i, "running z");
    assert_string_equal(variable(w, i, "log"), "\"abdDBA\"");
    work(w, i, "z", NULL);
    assert_where(w, i, "ended");
    assert_string_equal(variable(w, i, "log"), "\"abdDBA\""); /* not twice */
    i = start(w, "p", NULL, 0, "{'log':'','only':true}");
    assert_string_equal(variable(w, i, "log"), "\"abdDB\"");
    work(w, i, "z", NULL);
    assert_string_equal(variable(w, i, "log"), "\"abdDBA\"");
}

static void rounds_are_undone_with_what_they_knew(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(
        w,
        "<error id='e1' errorCode='no'/>" PROCESS(
            "p",
            START(
                "a") "<serviceTask id='a' kh:function='calendar.due' kh:result='d'>"
                     "<extensionElements><kh:input name='span'>x</kh:input></extensionElements>" MULTI("isSequential='true' kh:collection='l' kh:element='x'", "") "</serviceTask>" UNDO(
                         "ua", "a",
                         "xa") "<userTask id='xa' isForCompensation='true' kh:role='officer' kh:unit='x'/>" FLOW("a",
                                                                                                                 "f") "<endEvent id='f'><errorEventDefinition errorRef='e1'/></endEvent>"
                                                                                                                      "<subProcess id='r' triggeredByEvent='true'><startEvent id='rs'>"
                                                                                                                      "<errorEventDefinition/></startEvent>" FLOW(
                                                                                                                          "rs",
                                                                                                                          "re") "<endEvent id='re'><compensateEventDefinition/></endEvent></subProcess>")));
    i = start(w, "p", NULL, 0, "{'l':['P1D','P2D']}");
    assert_where(w, i, "running r,re,xa");
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM task WHERE unit = 'P2D'"), 1);
    work(w, i, "xa", NULL);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM task WHERE unit = 'P1D'"), 1);
    work(w, i, "xa", NULL);
    assert_where(w, i, "ended");
}

static void what_did_not_complete_is_not_undone(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(
        w, PROCESS("p", START("u") "<subProcess id='u'><startEvent id='s2'/>" FLOW(
                            "s2", "b") SCRIPT("b", LOG("b")) UNDO("ub", "b", "xb")
                            UNDOING("xb", LOG("B")) FLOW("b", "t") TASK("t") FLOW(
                                "t", "e2") "<endEvent id='e2'/></subProcess>"
                                           "<boundaryEvent id='l' attachedToRef='u'>" TIMER(
                                               "PT1H") "</boundaryEvent>" FLOW("l", "c")
                                               COMPENSATE("") FLOW("c", "e") FLOW("u", "c") END)));
    i = start(w, "p", NULL, 0, "{'log':''}");
    assert_int_equal(pass(w, 2 * KH_US_H), 1);
    assert_where(w, i, "ended");
    assert_string_equal(variable(w, i, "log"), "\"b\"");
    i = start(w, "p", NULL, 0, "{'log':''}");
    work(w, i, "t", NULL);
    assert_where(w, i, "ended");
    assert_string_equal(variable(w, i, "log"), "\"bB\"");
}

/* One token goes through all three sub-processes: each knows only what was done in it. */
static void a_scope_undoes_what_is_its_own(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(
        w,
        PROCESS(
            "p",
            START("u") "<subProcess id='u'><startEvent id='s2'/>" FLOW("s2", "a") SCRIPT(
                "a", LOG("a")) UNDO("ua", "a", "xa") UNDOING("xa", LOG("A"))
                FLOW("a", "e2") "<endEvent id='e2'/></subProcess>" FLOW(
                    "u", "v") "<subProcess id='v'><startEvent id='s3'/>" FLOW("s3", "b")
                    SCRIPT("b", LOG("b"))
                        UNDO("ub", "b", "xb") UNDOING("xb", LOG("B")) FLOW("b", "t") TASK("t") FLOW(
                            "t",
                            "e3") "<endEvent id='e3'/></subProcess>"
                                  "<boundaryEvent id='l' attachedToRef='v'>" TIMER(
                                      "PT1H") "</boundaryEvent>" FLOW("l", "x")
                                      FLOW("v", "x") "<subProcess id='x'><startEvent id='s4'/>" FLOW(
                                          "s4", "d") SCRIPT("d", LOG("d")) UNDO("ud", "d", "xd")
                                          UNDOING("xd", LOG("D")) FLOW(
                                              "d",
                                              "e4") "<endEvent id='e4'><compensateEventDefinition/>"
                                                    "</endEvent></subProcess>" FLOW("x", "c")
                                                        COMPENSATE("") FLOW("c", "e") END)));
    i = start(w, "p", NULL, 0, "{'log':''}");
    work(w, i, "t", NULL);
    assert_where(w, i, "ended");
    assert_string_equal(variable(w, i, "log"), "\"abdDBA\"");
    i = start(w, "p", NULL, 0, "{'log':''}");
    assert_int_equal(pass(w, 2 * KH_US_H), 1);
    assert_where(w, i, "ended");
    assert_string_equal(variable(w, i, "log"), "\"abdDA\"");
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(many_work_at_once_until_it_is_enough),
        STORY(one_works_after_the_other),
        STORY(services_scripts_and_calls_are_repeated_too),
        STORY(sub_processes_run_side_by_side),
        STORY(loops_go_on_while_their_condition_holds),
        STORY(there_is_an_end_to_repeating),
        STORY(an_error_in_one_round_ends_them_all),
        STORY(answers_become_what_the_model_makes_of_them),
        STORY(what_was_done_is_undone_last_first),
        STORY(one_activity_or_a_whole_sub_process_is_undone),
        STORY(rounds_are_undone_with_what_they_knew),
        STORY(what_did_not_complete_is_not_undone),
        STORY(a_scope_undoes_what_is_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
