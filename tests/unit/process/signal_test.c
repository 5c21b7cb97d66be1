/* SPDX-License-Identifier: Apache-2.0 */
/* Events: thrown and caught inside an instance, out of a called one, and between instances. */
#include "world.h"

#include "base/fault.h"
#include "base/id.h"

#define MESSAGE(id, name)    "<message id='" id "' name='" name "'/>"
#define SIGNAL(id, name)     "<signal id='" id "' name='" name "'/>"
#define ERROR(id, code)      "<error id='" id "' errorCode='" code "'/>"
#define ESCALATION(id, code) "<escalation id='" id "' escalationCode='" code "'/>"
#define THROW(id, def)       "<intermediateThrowEvent id='" id "'>" def "</intermediateThrowEvent>"
#define CATCH(id, def)       "<intermediateCatchEvent id='" id "'>" def "</intermediateCatchEvent>"
#define END_BY(id, def)      "<endEvent id='" id "'>" def "</endEvent>"
#define BOUNDARY(id, on, more, def)                                                                \
    "<boundaryEvent id='" id "' attachedToRef='" on "' " more ">" def "</boundaryEvent>"
#define STAYS       "cancelActivity='false'"
#define ON_ERROR(x) "<errorEventDefinition " x "/>"
#define ON_ESC(x)   "<escalationEventDefinition " x "/>"
#define ON_SIGNAL   "<signalEventDefinition signalRef='sg'/>"
#define ON_MESSAGE  "<messageEventDefinition messageRef='m'/>"
#define ON_IF(x)                                                                                   \
    "<conditionalEventDefinition><condition>" x "</condition></conditionalEventDefinition>"
#define INPUT(name, x)                                                                             \
    "<extensionElements><kh:input name='" name "'>" x "</kh:input></extensionElements>"
#define OUTPUT(name, x)                                                                            \
    "<extensionElements><kh:output name='" name "'>" x "</kh:output></extensionElements>"
#define SUB(id, body) "<subProcess id='" id "'>" body "</subProcess>"
/* An event sub-process that begins by def and waits at a task. */
#define REACT(id, more, def, task)                                                                 \
    "<subProcess id='" id "' triggeredByEvent='true'><startEvent id='" id "_s' " more ">" def      \
    "</startEvent>" FLOW(id "_s", task) TASK(task) FLOW(task, id "_e") "<endEvent id='" id         \
                                                                       "_e'/></subProcess>"

/* ---- thrown events, tasks without work for a machine ---- */

static void what_needs_no_machine_is_passed(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(
        w, PROCESS("p", START("a") "<manualTask id='a'/>" FLOW("a", "b") "<task id='b'/>" FLOW(
                            "b", "c") THROW("c", "") FLOW("c", "t") TASK("t") FLOW("t", "e") END)));
    i = start(w, "p", NULL, 0, NULL);
    assert_where(w, i, "running t");
}

static void messages_are_thrown_and_received(void **state)
{
    struct world *w = *state;
    int64_t i, k;

    assert_true(deploy(
        w,
        MESSAGE("m", "paid") MESSAGE("n", "thanks") PROCESS(
            "payer",
            START(
                "a") "<intermediateThrowEvent id='a' kh:correlation='key'>"
                     "<messageEventDefinition messageRef='m'/>" INPUT("amount", "sum + 1") "</intermediateThrowEvent>" FLOW(
                         "a",
                         "b") "<receiveTask id='b' messageRef='n' kh:correlation='key'/>" FLOW("b",
                                                                                               "e")
                         END)
            PROCESS(
                "clerk",
                START("a") "<receiveTask id='a' messageRef='m' kh:correlation='key'/>" BOUNDARY(
                    "late", "a", "", TIMER("PT1H")) FLOW("late", "t") TASK("t") FLOW("t", "e")
                    FLOW("a", "s2") "<sendTask id='s2' messageRef='n' kh:correlation='key'/>" FLOW(
                        "s2", "e") END)));
    i = start(w, "clerk", NULL, 0, "{'key':'k1'}");
    assert_where(w, i, "running a");
    assert_where(w, start(w, "clerk", NULL, 0, "{'key':'k2'}"), "running a");
    k = start(w, "payer", NULL, 0, "{'key':'k1','sum':4}");
    assert_where(w, i, "ended");
    assert_where(w, k, "ended");
    assert_string_equal(variable(w, i, "amount"), "5");
    assert_string_equal(variable(w, i, "sum"), "");
    i = start(w, "clerk", NULL, 0, "{'key':'k3'}");
    assert_int_equal(pass(w, 2 * KH_US_H), 2);
    assert_where(w, i, "running t");
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM message_wait"), 0);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM job"), 0);
}

static void an_end_can_send_a_message(void **state)
{
    struct world *w = *state;

    assert_true(deploy(w, MESSAGE("m", "next") PROCESS(
                              "p", START("e") "<endEvent id='e' kh:correlation='\"x\"'>"
                                              "<messageEventDefinition messageRef='m'/>" INPUT(
                                                  "from", "n") "</endEvent>")
                              PROCESS("q", "<startEvent id='s'>" ON_MESSAGE "</startEvent>" FLOW(
                                               "s", "t") TASK("t") FLOW("t", "e") END)));
    assert_where(w, start(w, "p", NULL, 0, "{'n':3}"), "ended");
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM task WHERE process = 'q'"), 1);
}

static void links_go_on_elsewhere(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(w, PROCESS("p", START("a") TASK("a") FLOW("a", "l")
                                           THROW("l", "<linkEventDefinition name='x'/>")
                                               CATCH("l2", "<linkEventDefinition name='x'/>")
                                                   FLOW("l2", "b") TASK("b") FLOW("b", "e") END)));
    i = start(w, "p", NULL, 0, NULL);
    work(w, i, "a", NULL);
    assert_where(w, i, "running b");
    work(w, i, "b", NULL);
    assert_where(w, i, "ended");
}

/* ---- errors ---- */

#define FAILING                                                                                                                                                                                                                         \
    ERROR("e1", "no_money")                                                                                                                                                                                                             \
    ERROR("e2", "other")                                                                                                                                                                                                                \
    PROCESS(                                                                                                                                                                                                                            \
        "p",                                                                                                                                                                                                                            \
        START("u") SUB(                                                                                                                                                                                                                 \
            "u",                                                                                                                                                                                                                        \
            START2 "<parallelGateway id='g'/>" FLOW("g", "x") FLOW("g", "y") TASK("x") TASK("y")                                                                                                                                        \
                FLOW("x", "xe") "<endEvent id='xe'/>" FLOW(                                                                                                                                                                             \
                    "y",                                                                                                                                                                                                                \
                    "ye") "<endEvent id='ye'><errorEventDefinition "                                                                                                                                                                    \
                          "errorRef='e1'/>" INPUT(                                                                                                                                                                                      \
                              "missing",                                                                                                                                                                                                \
                              "n") "</endEvent>") "<boundaryEvent id='b' attachedToRef='u'><errorEventDefinition errorRef='e1'/>" OUTPUT("why",                                                                                         \
                                                                                                                                         "result.code + string(result.missing)") "</boundaryEvent>" BOUNDARY("c",                       \
                                                                                                                                                                                                             "u",                       \
                                                                                                                                                                                                             "",                        \
                                                                                                                                                                                                             "<errorEventDefinition/>") \
            FLOW("b", "t") TASK("t") FLOW("t", "e") FLOW("c", "z") TASK("z") FLOW("z", "e")                                                                                                                                             \
                FLOW("u", "e") END)
#define START2 "<startEvent id='s2'/>" FLOW("s2", "g")

static void an_error_leaves_the_sub_process(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(w, FAILING));
    i = start(w, "p", NULL, 0, "{'n':7}");
    assert_where(w, i, "running u,x,y");
    told(w);
    work(w, i, "y", NULL);
    assert_where(w, i, "running t");
    assert_string_equal(variable(w, i, "why"), "\"no_money7\"");
    assert_string_equal(told(w), "task.complete task.cancel task.create");
    i = start(w, "p", NULL, 0, NULL);
    work(w, i, "x", NULL);
    assert_where(w, i, "running u,y");
}

static void who_names_the_error_comes_first(void **state)
{
    struct world *w = *state;
    int64_t i;

    /* The one that takes all stands before the one that names it. */
    assert_true(deploy(
        w, ERROR("e1", "a") ERROR("e2", "b") PROCESS(
               "p",
               START("u") SUB(
                   "u", "<startEvent id='s2'/>" FLOW(
                            "s2", "g") "<exclusiveGateway id='g' default='g_e2'/>" FLOW("g", "e2")
                            FLOW_IF("g", "e3", "x = 1") END_BY("e2", ON_ERROR("errorRef='e1'"))
                                END_BY("e3", ON_ERROR("errorRef='e2'")))
                   BOUNDARY("all", "u", "", ON_ERROR("")) BOUNDARY(
                       "one", "u", "", ON_ERROR("errorRef='e2'")) FLOW("all", "t") FLOW("one", "z")
                       TASK("t") TASK("z") FLOW("t", "e") FLOW("z", "e") FLOW("u", "e") END)));
    i = start(w, "p", NULL, 0, "{'x':0}");
    assert_where(w, i, "running t");
    i = start(w, "p", NULL, 0, "{'x':1}");
    assert_where(w, i, "running z");
}

static void an_error_goes_out_of_called_processes(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(
        w, ERROR("e1", "no") PROCESS(
               "inner",
               START("a") "<exclusiveGateway id='a' default='a_t'/>" FLOW_IF("a", "f", "now_")
                   FLOW("a", "t") TASK("t") FLOW("t", "f") END_BY("f", ON_ERROR("errorRef='e1'")))
               PROCESS("middle",
                       START("c") "<callActivity id='c' calledElement='inner'/>" FLOW("c", "e") END)
                   PROCESS("outer",
                           START("c") "<callActivity id='c' calledElement='middle'/>" BOUNDARY(
                               "b", "c", "", ON_ERROR("errorRef='e1'")) FLOW("b", "z") TASK("z")
                               FLOW("z", "e") FLOW("c", "e") END)));
    i = start(w, "outer", NULL, 0, "{'now_':true}");
    assert_where(w, i, "running z");
    i = start(w, "outer", NULL, 0, "{'now_':false}");
    assert_where(w, i, "running c");
    told(w);
    assert_true(complete(w, fixture_ask(&w->f, "SELECT id FROM task WHERE key = 't' AND state = 0"),
                         NULL, &w->officer));
    assert_where(w, i, "running z");
    assert_string_equal(told(w), "task.complete process.end process.end task.create");
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM instance WHERE state = 2"), 4);
    /* Nobody catches it: the instance is over, and the log says by what. */
    i = start(w, "inner", NULL, 0, "{'now_':true}");
    assert_where(w, i, "terminated");
    fixture_settle(&w->f);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM event WHERE kind = 'process.end' AND "
                                        "data LIKE '%\"error\":\"no\"%'"),
                     5);
}

static bool refuse(struct kh_step *step, const struct kh_json *inputs, void *ctx,
                   struct kh_json **ret_outputs, struct kh_error *err)
{
    (void)step, (void)inputs, (void)ctx, (void)ret_outputs;
    return kh_fail(err, KH_EC_RECORD_CLOSED, "it is closed");
}

static bool spoil(struct kh_step *step, const struct kh_json *inputs, void *ctx,
                  struct kh_json **ret_outputs, struct kh_error *err)
{
    struct kh_event e = {.kind = KH_S("test.spoil"),
                         .type = KH_S("test"),
                         .actor = KH_S("system:x"),
                         .level = 1,
                         .subject = 7,
                         .data = KH_S("{}")};

    (void)inputs, (void)ctx, (void)ret_outputs;
    return kh_event_append(step->tx, &e, err) && kh_fail(err, KH_EC_RECORD_CLOSED, "half of it");
}

#define SERVICE(key, fn)                                                                           \
    ERROR("e1", "RECORD_CLOSED")                                                                   \
    PROCESS(key,                                                                                   \
            START("a") "<serviceTask id='a' kh:function='" fn "'/>"                                \
                       "<boundaryEvent id='b' attachedToRef='a'><errorEventDefinition "            \
                       "errorRef='e1'/>" OUTPUT("said", "result.message") "</boundaryEvent>" FLOW( \
                           "a", "e") FLOW("b", "t") TASK("t") FLOW("t", "e") END)

static void a_service_that_fails_can_be_caught(void **state)
{
    struct world *w = *state;
    int64_t i;

    kh_process_service(w->pe, "test.refuse", refuse, NULL);
    kh_process_service(w->pe, "test.spoil", spoil, NULL);
    assert_true(deploy(w, SERVICE("p", "test.refuse")));
    i = start(w, "p", NULL, 0, NULL);
    assert_where(w, i, "running t");
    assert_string_equal(variable(w, i, "said"), "\"it is closed\"");
    /* What has left something behind cannot be caught: the step has not happened. */
    assert_true(deploy(w, SERVICE("q", "test.spoil")));
    assert_int_equal(start(w, "q", NULL, 0, NULL), 0);
    assert_int_equal(w->err.code, KH_EC_RECORD_CLOSED);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM event WHERE kind = 'test.spoil'"), 0);
}

static bool answer_no(void *ctx, struct kh_arena *a, const struct kh_http_request *request,
                      struct kh_http_reply *ret, struct kh_error *err)
{
    struct world *w = ctx;

    (void)a, (void)request;
    w->calls++;
    if (!w->answer)
        return kh_fail(err, KH_EC_OUTBOUND_FAILED, "no answer");
    ret->status = w->answer;
    ret->body = KH_S("{}");
    return true;
}

#define CALLING(key, code)                                                                         \
    ERROR("e1", code)                                                                              \
    PROCESS(key,                                                                                   \
            START("a") "<serviceTask id='a'><extensionElements><kh:http url='https://x.test/' "    \
                       "retries='1' backoff='PT1S'/></extensionElements></serviceTask>" BOUNDARY(  \
                           "b", "a", "", ON_ERROR("errorRef='e1'")) FLOW("a", "e") FLOW("b", "t")  \
                           TASK("t") FLOW("t", "e") END)

static void a_call_that_is_given_up_can_be_caught(void **state)
{
    struct world *w = *state;
    int64_t i, k;

    kh_process_set_http(w->pe, answer_no, w);
    assert_true(deploy(w, CALLING("p", "HTTP_404")));
    assert_true(deploy(w, CALLING("q", "OUTBOUND_FAILED")));
    w->answer = 404;
    i = start(w, "p", NULL, 0, NULL);
    k = start(w, "q", NULL, 0, NULL);
    pass(w, 0);
    assert_where(w, i, "running t");
    assert_where(w, k, "running a"); /* the other code: given up, and nobody caught it */
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM job WHERE state = 1"), 1);
    w->answer = 0;
    i = start(w, "q", NULL, 0, NULL);
    pass(w, 0);
    assert_where(w, i, "running a");
    pass(w, 2 * KH_US_S);
    assert_where(w, i, "running t");
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM job WHERE state = 0"), 0);
}

/* ---- escalation ---- */

static void an_escalation_interrupts_or_not(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(
        w, ESCALATION("x1", "late") ESCALATION("x2", "lost") PROCESS(
               "p", START("u") SUB("u", "<startEvent id='s2'/>" FLOW("s2", "x")
                                            THROW("x", ON_ESC("escalationRef='x1'")) FLOW("x", "a")
                                                TASK("a") FLOW("a", "e2")
                                                    END_BY("e2", ON_ESC("escalationRef='x2'")))
                        BOUNDARY("b", "u", STAYS, ON_ESC("escalationRef='x1'"))
                            BOUNDARY("c", "u", "", ON_ESC("escalationRef='x2'")) FLOW("b", "t")
                                TASK("t") FLOW("t", "e") FLOW("c", "z") TASK("z") FLOW("z", "e")
                                    FLOW("u", "e") END)));
    i = start(w, "p", NULL, 0, NULL);
    assert_where(w, i, "running u,a,t");
    work(w, i, "a", NULL);
    assert_where(w, i, "running z,t");
    /* What nobody catches does no harm. */
    assert_true(deploy(w, ESCALATION("x1", "late")
                              PROCESS("q", START("x") THROW("x", ON_ESC("escalationRef='x1'"))
                                               FLOW("x", "a") TASK("a") FLOW("a", "e")
                                                   END_BY("e", ON_ESC("escalationRef='x1'")))));
    i = start(w, "q", NULL, 0, NULL);
    work(w, i, "a", NULL);
    assert_where(w, i, "ended");
}

static void an_escalation_goes_out_of_a_called_process(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(
        w,
        ESCALATION("x1", "late") PROCESS("inner",
                                         START("x") THROW("x", ON_ESC("escalationRef='x1'"))
                                             FLOW("x", "a") TASK("a") FLOW("a", "e") END)
            PROCESS("outer", START("c") "<callActivity id='c' calledElement='inner'/>" BOUNDARY(
                                 "b", "c", STAYS, ON_ESC("")) FLOW("b", "t") TASK("t")
                                 FLOW("t", "e") FLOW("c", "e") END)
                PROCESS("stern", START("c") "<callActivity id='c' calledElement='inner'/>" BOUNDARY(
                                     "b", "c", "", ON_ESC("")) FLOW("b", "t") TASK("t")
                                     FLOW("t", "e") FLOW("c", "e") END)));
    i = start(w, "outer", NULL, 0, NULL);
    assert_where(w, i, "running c,t");
    i = start(w, "stern", NULL, 0, NULL);
    assert_where(w, i, "running t");
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM instance WHERE state = 3"), 1);
}

/* ---- signals ---- */

static void a_signal_reaches_everybody_once(void **state)
{
    struct world *w = *state;
    int64_t a, b, c, late;

    assert_true(deploy(
        w, SIGNAL("sg", "flood") PROCESS("p", START("c") CATCH("c", ON_SIGNAL) FLOW("c", "t")
                                                  TASK("t") FLOW("t", "e") END)
               PROCESS("q", START("t") TASK("t") BOUNDARY("b", "t", STAYS, ON_SIGNAL) FLOW("b", "x")
                                TASK("x") FLOW("x", "e") FLOW("t", "e") END)
                   PROCESS("r", "<startEvent id='s'>" ON_SIGNAL "</startEvent>" FLOW("s", "t")
                                    TASK("t") FLOW("t", "e") END)
                       PROCESS("thrower",
                               START("x") "<intermediateThrowEvent id='x'>" ON_SIGNAL INPUT(
                                   "level", "3") "</intermediateThrowEvent>" FLOW("x", "e") END)));
    a = start(w, "p", NULL, 0, NULL);
    b = start(w, "p", NULL, 0, NULL);
    c = start(w, "q", NULL, 0, NULL);
    assert_where(w, start(w, "thrower", NULL, 0, NULL), "ended");
    late = start(w, "p", NULL, 0, NULL);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM instance WHERE process_id IN "
                                        "(SELECT id FROM process WHERE key = 'r')"),
                     1);
    assert_int_equal(pass(w, 0), 3);
    assert_where(w, a, "running t");
    assert_where(w, b, "running t");
    assert_where(w, c, "running t,x");
    assert_where(w, late, "running c");
    assert_string_equal(variable(w, a, "level"), "3");
    assert_int_equal(pass(w, 0), 0);
    /* Once more: for the one that came late, and again for the one that is not interrupted. */
    assert_where(w, start(w, "thrower", NULL, 0, NULL), "ended");
    assert_int_equal(pass(w, 0), 2);
    assert_where(w, late, "running t");
    assert_where(w, c, "running t,x,x");
    work(w, c, "t", NULL);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM signal_wait"), 0);
}

static void a_signal_twice_is_one_for_who_waits_once(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(w, SIGNAL("sg", "go") PROCESS(
                              "p", START("c") CATCH("c", ON_SIGNAL) FLOW("c", "t") TASK("t")
                                       FLOW("t", "c2") CATCH("c2", ON_SIGNAL) FLOW("c2", "e") END)
                              PROCESS("thrower", START("e") END_BY("e", ON_SIGNAL))));
    i = start(w, "p", NULL, 0, NULL);
    assert_where(w, start(w, "thrower", NULL, 0, NULL), "ended");
    assert_where(w, start(w, "thrower", NULL, 0, NULL), "ended");
    pass(w, 0);
    assert_where(w, i, "running t");
    work(w, i, "t", NULL);
    pass(w, 0);
    assert_where(w, i, "running c2");
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM job"), 0);
}

static void a_signal_is_told_to_many_piece_by_piece(void **state)
{
    enum { MANY = 1203 };
    struct world *w = *state;
    unsigned ran = 0;

    assert_true(deploy(w, SIGNAL("sg", "go")
                              PROCESS("p", START("c") CATCH("c", ON_SIGNAL) FLOW("c", "e") END)
                                  PROCESS("thrower", START("e") END_BY("e", ON_SIGNAL))));
    for (int k = 0; k < MANY; k++)
        assert_true(start(w, "p", NULL, 0, NULL) != 0);
    assert_where(w, start(w, "thrower", NULL, 0, NULL), "ended");
    for (unsigned n = 1; n; ran += n)
        n = pass(w, 0);
    assert_int_equal(ran, MANY + 1);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM instance WHERE state = 1"), MANY + 1);
}

/* ---- conditions ---- */

static void a_condition_is_waited_for(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(
        w, PROCESS("p", START("g") "<parallelGateway id='g'/>" FLOW("g", "a") FLOW("g", "c") TASK(
                            "a") FLOW("a", "e") CATCH("c", ON_IF("x > 3")) FLOW("c", "t") TASK("t")
                            FLOW("t", "e") FLOW("g", "b") TASK("b") FLOW("b", "e") END)));
    i = start(w, "p", NULL, 0, "{'x':1}");
    assert_where(w, i, "running a,c,b");
    work(w, i, "a", "{'x':2}");
    assert_where(w, i, "running c,b");
    work(w, i, "b", "{'x':4}");
    assert_where(w, i, "running t");
    i = start(w, "p", NULL, 0, "{'x':9}");
    assert_where(w, i, "running a,t,b");
}

static void a_condition_happens_when_it_becomes_true(void **state)
{
    struct world *w = *state;
    int64_t i;

    /* loop: a comes again and again and sets x; the condition sits on b. */
    assert_true(deploy(
        w,
        PROCESS("p", START("g") "<parallelGateway id='g'/>" FLOW("g", "a") FLOW("g", "b") TASK("a")
                         FLOW("a", "m") "<exclusiveGateway id='m' default='m_a'/>" FLOW("m", "a")
                             FLOW_IF("m", "e", "stop") TASK("b") FLOW("b", "e")
                                 BOUNDARY("c", "b", STAYS, ON_IF("x > 3")) FLOW("c", "t") TASK("t")
                                     FLOW("t", "e") BOUNDARY("d", "b", "", ON_IF("x > 100"))
                                         FLOW("d", "z") TASK("z") FLOW("z", "e") END)));
    i = start(w, "p", NULL, 0, "{'x':1}");
    work(w, i, "a", "{'x':5}");
    assert_where(w, i, "running a,b,t");
    work(w, i, "a", "{'x':6}"); /* still true: nothing new */
    assert_where(w, i, "running a,b,t");
    world_reopen(w);
    work(w, i, "a", "{'x':0}");
    work(w, i, "a", "{'x':7}");
    assert_where(w, i, "running a,b,t,t");
    work(w, i, "a", "{'x':101}");
    assert_where(w, i, "running a,z,t,t");
}

static void conditions_that_wake_each_other_are_stopped(void **state)
{
    struct world *w = *state;

    assert_true(deploy(
        w, PROCESS("p", START("a") TASK("a") FLOW("a", "e") END BOUNDARY(
                            "b", "a", STAYS, ON_IF("x = 1")) FLOW("b", "x") SCRIPT("x", "{x: 2}")
                            FLOW("x", "xe") "<endEvent id='xe'/>" BOUNDARY(
                                "c", "a", STAYS, ON_IF("x = 2")) FLOW("c", "y")
                                SCRIPT("y", "{x: 1}") FLOW("y", "ye") "<endEvent id='ye'/>")));
    assert_int_equal(start(w, "p", NULL, 0, "{'x':1}"), 0);
    assert_int_equal(w->err.code, KH_EC_PROCESS_STUCK);
    assert_non_null(strstr(w->err.detail, "more than 10000 steps"));
    assert_where(w, start(w, "p", NULL, 0, "{'x':3}"), "running a");
}

/* ---- the first of several ---- */

#define FIRST                                                                                                                \
    MESSAGE("m", "paid")                                                                                                     \
    SIGNAL("sg", "stop")                                                                                                     \
    PROCESS(                                                                                                                 \
        "p",                                                                                                                 \
        START("g") "<eventBasedGateway id='g'/>" FLOW("g", "m1") FLOW("g", "t1") FLOW("g", "s1")                             \
            FLOW("g", "c1") FLOW(                                                                                            \
                "g",                                                                                                         \
                "r1") "<intermediateCatchEvent id='m1' kh:correlation='key'>" ON_MESSAGE                                     \
                      "</intermediateCatchEvent>" CATCH("t1", TIMER("PT1H")) CATCH("s1",                                     \
                                                                                   ON_SIGNAL)                                \
                          CATCH("c1", ON_IF("x = 1")) "<receiveTask id='r1' kh:message='other' kh:correlation='key'/>" FLOW( \
                              "m1", "a") FLOW("t1", "b") FLOW("s1", "c") FLOW("c1", "d")                                     \
                              FLOW("r1", "f") TASK("a") TASK("b") TASK("c") TASK("d") TASK("f")                              \
                                  FLOW("a", "e") FLOW("b", "e") FLOW("c", "e") FLOW("d", "e")                                \
                                      FLOW("f", "e") END)                                                                    \
    PROCESS("thrower", START("e") END_BY("e", ON_SIGNAL))

static void what_happens_first_decides(void **state)
{
    struct world *w = *state;
    int64_t i[5];

    assert_true(deploy(w, FIRST));
    i[0] = start(w, "p", NULL, 0, "{'key':'a'}");
    i[1] = start(w, "p", NULL, 0, "{'key':'b'}");
    assert_where(w, i[0], "running g");
    assert_int_equal(message(w, "paid", 0, "a", "{'y':1}"), 1);
    assert_where(w, i[0], "running a");
    assert_string_equal(variable(w, i[0], "y"), "1");
    assert_int_equal(message(w, "paid", 0, "a", NULL), 0);
    assert_int_equal(pass(w, 2 * KH_US_H), 1);
    assert_where(w, i[1], "running b");
    i[2] = start(w, "p", NULL, 0, "{'key':'c'}");
    assert_where(w, start(w, "thrower", NULL, 0, NULL), "ended");
    assert_int_equal(pass(w, 0), 1);
    assert_where(w, i[2], "running c");
    i[3] = start(w, "p", NULL, 0, "{'key':'d','x':1}");
    assert_where(w, i[3], "running d");
    i[4] = start(w, "p", NULL, 0, "{'key':'f'}");
    assert_int_equal(message(w, "other", 0, "f", NULL), 1);
    assert_where(w, i[4], "running f");
    assert_int_equal(fixture_ask(&w->f, "SELECT (SELECT count(*) FROM job) + (SELECT count(*) FROM "
                                        "message_wait) + (SELECT count(*) FROM signal_wait)"),
                     0);
}

/* ---- event sub-processes ---- */

static void an_event_sub_process_takes_over(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(
        w, MESSAGE("m", "withdraw") SIGNAL("sg", "x")
               PROCESS("p", START("a") TASK("a") FLOW("a", "b") TASK("b") FLOW("b", "e") END
                       "<subProcess id='r' triggeredByEvent='true'><startEvent id='rs' "
                       "kh:correlation='key'>" ON_MESSAGE "</startEvent>" FLOW("rs", "t") TASK("t")
                           FLOW("t", "re") "<endEvent id='re'/></subProcess>" REACT(
                               "r2", "", TIMER("PT1H"), "t2") REACT("r3", "", ON_SIGNAL, "t3"))));
    i = start(w, "p", NULL, 0, "{'key':'k'}");
    assert_where(w, i, "running a");
    assert_int_equal(message(w, "withdraw", 0, "k", "{'why':'moved'}"), 1);
    assert_where(w, i, "running r,t");
    assert_string_equal(variable(w, i, "why"), "\"moved\"");
    assert_int_equal(message(w, "withdraw", 0, "k", NULL), 0);
    assert_int_equal(pass(w, 2 * KH_US_H), 0);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM signal_wait"), 0);
    work(w, i, "t", NULL);
    assert_where(w, i, "ended");
    i = start(w, "p", NULL, 0, "{'key':'k'}");
    work(w, i, "a", NULL);
    work(w, i, "b", NULL);
    assert_where(w, i, "ended");
    assert_int_equal(fixture_ask(&w->f, "SELECT (SELECT count(*) FROM job) + (SELECT count(*) FROM "
                                        "message_wait) + (SELECT count(*) FROM signal_wait)"),
                     0);
    i = start(w, "p", NULL, 0, "{'key':'k'}");
    assert_int_equal(pass(w, 2 * KH_US_H), 1);
    assert_where(w, i, "running r2,t2");
}

static void an_event_sub_process_runs_beside(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(
        w, MESSAGE("m", "ask") PROCESS(
               "p",
               START("u") SUB(
                   "u",
                   "<startEvent id='s2'/>" FLOW("s2", "a") TASK("a") FLOW(
                       "a", "e2") "<endEvent id='e2'/>"
                                  "<subProcess id='r' triggeredByEvent='true'><startEvent "
                                  "id='rs' isInterrupting='false' kh:correlation='key'>" ON_MESSAGE
                                  "</startEvent>" FLOW("rs", "t") TASK("t")
                                      FLOW("t", "re") "<endEvent id='re'/></subProcess>" REACT(
                                          "c", "isInterrupting='false'", ON_IF("x = 1"), "t4"))
                   FLOW("u", "e") END)));
    i = start(w, "p", NULL, 0, "{'key':'k'}");
    assert_int_equal(message(w, "ask", 0, "k", NULL), 1);
    assert_int_equal(message(w, "ask", 0, "k", "{'x':1}"), 1);
    assert_where(w, i, "running u,a,r,t,r,t,c,t4");
    work(w, i, "a", NULL);
    work(w, i, "t", NULL);
    work(w, i, "t4", NULL);
    assert_where(w, i, "running u,r,t");
    assert_int_equal(message(w, "ask", 0, "k", NULL), 1);
    work(w, i, "t", NULL);
    work(w, i, "t", NULL);
    assert_where(w, i, "ended");
    assert_int_equal(message(w, "ask", 0, "k", NULL), 0);
}

static void an_event_sub_process_catches_errors(void **state)
{
    struct world *w = *state;
    int64_t i;

    /* What the handler itself throws goes further out, not to itself. */
    assert_true(deploy(
        w, ERROR("e1", "bad") ESCALATION("x1", "up") PROCESS(
               "p",
               START("u") SUB(
                   "u", "<startEvent id='s2'/>" FLOW("s2", "x")
                            THROW("x", ON_ESC("escalationRef='x1'")) FLOW("x", "a") TASK("a") FLOW(
                                "a", "f") END_BY("f", ON_ERROR("errorRef='e1'"))
                                REACT("n", "isInterrupting='false'", ON_ESC(""),
                                      "t0") "<subProcess id='r' triggeredByEvent='true'>"
                                            "<startEvent id='rs'>" ON_ERROR("errorRef='e1'")
                                                OUTPUT("code", "result.code") "</startEvent>" FLOW(
                                                    "rs", "t") TASK("t") FLOW("t", "re")
                                                    END_BY(
                                                        "re",
                                                        ON_ERROR("errorRef='e1'")) "</subProcess>")
                   BOUNDARY("b", "u", "", ON_ERROR("")) FLOW("b", "z") TASK("z") FLOW("z", "e")
                       FLOW("u", "e") END)));
    i = start(w, "p", NULL, 0, NULL);
    assert_where(w, i, "running u,a,n,t0");
    work(w, i, "a", NULL);
    assert_where(w, i, "running u,r,t");
    assert_string_equal(variable(w, i, "code"), "\"bad\"");
    work(w, i, "t", NULL);
    assert_where(w, i, "running z");
}

/* A handler that catches every escalation throws one itself: its neighbours and it do not hear it. */
static void what_a_handler_throws_goes_further_out(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(
        w, ESCALATION("x1", "a") ESCALATION("x2", "b") PROCESS(
               "p",
               START("u") SUB(
                   "u",
                   "<startEvent id='s2'/>" FLOW("s2", "x") THROW(
                       "x", ON_ESC(
                                "escalationRef='x1'")) FLOW("x", "a") TASK("a")
                       FLOW("a",
                            "e2") "<endEvent id='e2'/>"
                                  "<subProcess id='r' triggeredByEvent='true'><startEvent id='rs' "
                                  "isInterrupting='false'>" ON_ESC("") "</startEvent>" FLOW("rs",
                                                                                            "re")
                                      END_BY("re", ON_ESC("escalationRef='x2'")) "</subProcess>")
                   BOUNDARY("b", "u", STAYS, ON_ESC("")) FLOW("b", "t") TASK("t") FLOW("t", "e")
                       FLOW("u", "e") END)));
    i = start(w, "p", NULL, 0, NULL);
    assert_where(w, i, "running u,a,t");
}

/* One step that arms, repeats, throws and compensates: whichever statement fails, it has not
 * happened, and once more it does. */
static void any_failing_statement_leaves_all_as_it_was(void **state)
{
    static const char count[] =
        "SELECT (SELECT count(*) FROM task) + (SELECT count(*) FROM job) + (SELECT count(*) FROM "
        "message_wait) + (SELECT count(*) FROM signal_wait) + (SELECT count(*) FROM instance)";
    struct world *w = *state;
    bool good = false;
    unsigned failed = 0;
    int64_t last;

    assert_true(deploy(
        w, MESSAGE("m", "ask") SIGNAL("sg", "go") PROCESS(
               "p",
               START("a") TASK("a") FLOW(
                   "a",
                   "x") "<scriptTask id='x'><script>{y: 1}</script>"
                        "</scriptTask><boundaryEvent id='ux' "
                        "attachedToRef='x'><compensateEventDefinition/>"
                        "</boundaryEvent><association id='as' "
                        "sourceRef='ux' targetRef='h'/><scriptTask id='h' "
                        "isForCompensation='true'><script>{y: 2}</script>"
                        "</scriptTask>" FLOW("x", "t") THROW("t", ON_SIGNAL) FLOW("t", "c")
                            THROW("c", "<compensateEventDefinition/>") FLOW(
                                "c",
                                "u") "<subProcess id='u'><multiInstanceLoopCharacteristics "
                                     "kh:collection='[1,2]'/><startEvent id='s2'/>" FLOW("s2", "b")
                                         TASK("b") FLOW(
                                             "b",
                                             "e2") "<endEvent id='e2'/>"
                                                   "<subProcess id='r' triggeredByEvent='true'><startEvent id='rs' "
                                                   "kh:correlation='\"k\"'>" ON_MESSAGE
                                                   "</startEvent>" FLOW("rs", "re") "<endEvent id='re'/></subProcess></subProcess>" BOUNDARY(
                                                       "l", "u", "", TIMER("P1D")) FLOW("l", "e")
                                                       FLOW("u", "e") END)
               PROCESS("q", START("w") CATCH("w", ON_SIGNAL) FLOW("w", "e") END)));
    assert_true(start(w, "q", NULL, 0, NULL) != 0);
    for (unsigned n = 1; n <= 80; n++) {
        int64_t i = start(w, "p", NULL, 0, NULL), t = task(w, i, "a");
        int64_t rows = fixture_ask(&w->f, count);

        kh_fault_arm("store.step", n);
        good = complete(w, t, NULL, &w->system);
        kh_fault_arm("store.step", 0);
        if (!good) {
            failed++;
            assert_where(w, i, "running a");
            assert_int_equal(fixture_ask(&w->f, count), rows);
            assert_true(complete(w, t, NULL, &w->system));
        }
        assert_where(w, i, "running u,u,b,b");
        assert_string_equal(variable(w, i, "y"), "2");
    }
    assert_true(good); /* a step has fewer statements than that */
    assert_true(failed > 10);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM message_wait"), 160);
    /* A round that is over waits for nothing; one that is taken over goes on by itself. */
    last = start(w, "p", NULL, 0, NULL);
    work(w, last, "a", NULL);
    work(w, last, "b", NULL);
    assert_where(w, last, "running u,b");
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM message_wait"), 161);
    assert_int_equal(message(w, "ask", 0, "k", NULL), 161);
    assert_where(w, last, "ended");
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM message_wait"), 0);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM job WHERE kind = 1"), 0);
}

/* ---- processes that begin by themselves ---- */

static void a_process_begins_when_it_is_time(void **state)
{
    struct world *w = *state;

    assert_true(deploy(w, PROCESS("p", "<startEvent id='s'><timerEventDefinition><timeCycle>"
                                       "R/2020-01-01T08:00:00+07:00/P1D</timeCycle>"
                                       "</timerEventDefinition></startEvent>" FLOW("s", "e") END)));
    assert_int_equal(pass(w, 0), 0);
    assert_int_equal(pass(w, 22 * KH_US_H), 0); /* Tuesday 9:00 -> Wednesday 7:00 */
    assert_int_equal(pass(w, KH_US_H), 1);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM instance"), 1);
    assert_int_equal(pass(w, 3 * KH_US_DAY), 1); /* a standstill is not made up for */
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM instance"), 2);
    world_reopen(w);
    assert_int_equal(pass(w, KH_US_DAY), 1);
    /* The same file again changes nothing; another version begins at its own time. */
    assert_true(deploy(w, PROCESS("p", "<startEvent id='s'>" TIMER("PT1H") "</startEvent>" FLOW(
                                           "s", "t") TASK("t") FLOW("t", "e") END)));
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM job"), 1);
    assert_int_equal(pass(w, 2 * KH_US_H), 1);
    assert_int_equal(pass(w, 3 * KH_US_DAY), 0);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM instance WHERE state = 0"), 1);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM instance"), 4);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(what_needs_no_machine_is_passed),
        STORY(messages_are_thrown_and_received),
        STORY(an_end_can_send_a_message),
        STORY(links_go_on_elsewhere),
        STORY(an_error_leaves_the_sub_process),
        STORY(who_names_the_error_comes_first),
        STORY(an_error_goes_out_of_called_processes),
        STORY(a_service_that_fails_can_be_caught),
        STORY(a_call_that_is_given_up_can_be_caught),
        STORY(an_escalation_interrupts_or_not),
        STORY(an_escalation_goes_out_of_a_called_process),
        STORY(a_signal_reaches_everybody_once),
        STORY(a_signal_twice_is_one_for_who_waits_once),
        STORY(a_signal_is_told_to_many_piece_by_piece),
        STORY(a_condition_is_waited_for),
        STORY(a_condition_happens_when_it_becomes_true),
        STORY(conditions_that_wake_each_other_are_stopped),
        STORY(what_happens_first_decides),
        STORY(an_event_sub_process_takes_over),
        STORY(an_event_sub_process_runs_beside),
        STORY(an_event_sub_process_catches_errors),
        STORY(what_a_handler_throws_goes_further_out),
        STORY(any_failing_statement_leaves_all_as_it_was),
        STORY(a_process_begins_when_it_is_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
