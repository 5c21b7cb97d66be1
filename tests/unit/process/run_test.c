/* SPDX-License-Identifier: Apache-2.0 */
/* Processes run: paths, joins, calls, messages, versions, rights, races. */
#include "world.h"

#include "base/id.h"

#include <pthread.h>
#include <stdlib.h>

#define REPORT                                                                                      \
    "{'type':'object','x-kh':{'title':['number','status'],'unit':'unit','state':'status',"          \
    "'sensitivity':'internal','access':[{'role':'officer','ops':['read','list','create','update']," \
    "'where':'unit','see':'personal'}]},'properties':{"                                             \
    "'number':{'type':'string'},'status':{'type':'string','x-kh':{'index':true}},"                  \
    "'unit':{'type':'string','x-kh':{'index':true}},'reporter':{'type':'string'},"                  \
    "'amount':{'type':'number'},'due_at':{'type':'string','format':'date-time'}},"                  \
    "'required':['number'],'additionalProperties':false}"

static void runs_from_start_to_end_through_a_person(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(w, PROCESS("p", START("a") TASK("a") FLOW("a", "e") END)));
    assert_string_equal(told(w), "process.deploy");
    i = start(w, "p", NULL, 0, "{'x':1.50,'y':{'z':[1,2]}}");
    assert_true(i > 0);
    assert_where(w, i, "running a");
    assert_string_equal(variable(w, i, "x"), "1.50");
    assert_string_equal(told(w), "process.start task.create");
    world_reopen(w);
    assert_where(w, i, "running a");
    assert_true(claim(w, task(w, i, "a"), true, &w->officer));
    assert_true(complete(w, task(w, i, "a"), "{'done':true}", &w->officer));
    assert_int_equal(w->task.state, KH_TASK_DONE);
    assert_where(w, i, "ended");
    assert_string_equal(variable(w, i, "y"), "{\"z\":[1,2]}");
    assert_string_equal(variable(w, i, "done"), "true");
    assert_string_equal(told(w), "task.claim task.complete process.end");
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM event WHERE kind LIKE 'task.%' AND "
                                        "unit <> 'H26.19'"),
                     0);
}

static void an_instance_that_never_waits_is_written_once(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(
        deploy(w, PROCESS("p", START("a") SCRIPT("a", "{sum: x + 0.20}") FLOW("a", "e") END)));
    i = start(w, "p", NULL, 0, "{'x':0.10}");
    assert_where(w, i, "ended");
    assert_string_equal(variable(w, i, "sum"), "0.30");
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM instance"), 1);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM job"), 0);
}

static void chooses_the_first_true_path_or_the_default(void **state)
{
    static const struct {
        const char *variables, *want;
    } cases[] = {
        {"{'n':1}", "running low"},     {"{'n':50}", "running high"},
        {"{'n':5000}", "running high"}, {"{'n':null}", "running other"},
        {"{}", "running other"},        {"{'n':'x'}", "running other"},
    };
    struct world *w = *state;

    assert_true(deploy(
        w, PROCESS("p", START("g") "<exclusiveGateway id='g' default='g_other'/>" FLOW("g", "other")
                            FLOW_IF("g", "low", "= n &lt; 10") FLOW_IF("g", "high", "n &gt;= 10")
                                FLOW_IF("g", "huge", "n > 1000") TASK("low") TASK("high")
                                    TASK("huge") TASK("other") FLOW("low", "e") FLOW("high", "e")
                                        FLOW("huge", "e") FLOW("other", "e") END)));
    for (size_t k = 0; k < KH_LEN(cases); k++)
        assert_where(w, start(w, "p", NULL, 0, cases[k].variables), cases[k].want);
}

static void joins_when_all_branches_have_come(void **state)
{
    static const char *const orders[][3] = {
        {"a", "b", "c"}, {"a", "c", "b"}, {"b", "a", "c"},
        {"b", "c", "a"}, {"c", "a", "b"}, {"c", "b", "a"},
    };
    struct world *w = *state;

    assert_true(deploy(w, PROCESS("p", START("f") "<parallelGateway id='f'/>" FLOW("f", "a")
                                           FLOW("f", "b") FLOW("f", "c") TASK("a") TASK("b")
                                               TASK("c") "<parallelGateway id='j'/>" FLOW("a", "j")
                                                   FLOW("b", "j") FLOW("c", "j") TASK("z")
                                                       FLOW("j", "z") FLOW("z", "e") END)));
    for (size_t k = 0; k < KH_LEN(orders); k++) {
        int64_t i = start(w, "p", NULL, 0, NULL);

        assert_where(w, i, "running a,b,c");
        work(w, i, orders[k][0], NULL);
        assert_int_equal(task(w, i, "z"), 0);
        work(w, i, orders[k][1], NULL);
        assert_int_equal(task(w, i, "z"), 0);
        work(w, i, orders[k][2], NULL);
        assert_where(w, i, "running z");
        work(w, i, "z", NULL);
        assert_where(w, i, "ended");
    }
}

static void a_join_in_a_loop_takes_one_token_of_each_flow(void **state)
{
    struct world *w = *state;
    int64_t i;

    /* a goes round once more while b waits at the join: the second token of a must wait for the
     * second of b. */
    assert_true(deploy(
        w, PROCESS("p", START("m") "<exclusiveGateway id='m'/>" FLOW(
                            "m", "f") "<parallelGateway id='f'/>" FLOW("f", "a") FLOW("f", "b")
                            TASK("a") TASK("b") "<parallelGateway id='j'/>" FLOW("a", "j") FLOW(
                                "b", "j") "<exclusiveGateway id='x' default='x_e'/>" FLOW("j", "x")
                                FLOW("x", "e") FLOW_IF("x", "m", "again") END)));
    i = start(w, "p", NULL, 0, "{'again':true}");
    for (int round = 0; round < 3; round++) {
        work(w, i, "a", NULL);
        work(w, i, "b", round < 2 ? "{'again':true}" : "{'again':false}");
    }
    assert_where(w, i, "ended");
}

static void refuses_to_move_into_a_dead_end(void **state)
{
    struct world *w = *state;
    int64_t i;

    /* Only one branch of the choice reaches the join that waits for both. */
    assert_true(deploy(
        w, PROCESS("p", START("a") TASK("a")
                            FLOW("a", "x") "<exclusiveGateway id='x' default='x_j'/>" FLOW("x", "j")
                                FLOW_IF("x", "b", "other") TASK("b") FLOW(
                                    "b", "j") "<parallelGateway id='j'/>" FLOW("j", "e") END)));
    i = start(w, "p", NULL, 0, "{'other':false}");
    assert_false(complete(w, task(w, i, "a"), NULL, &w->system));
    assert_int_equal(w->err.code, KH_EC_PROCESS_STUCK);
    /* Nothing of the step has happened. */
    assert_where(w, i, "running a");
    assert_true(task(w, i, "a") > 0);
}

static void stops_a_loop_that_never_waits(void **state)
{
    struct world *w = *state;

    assert_true(deploy(
        w, PROCESS("p", START("m") "<exclusiveGateway id='m'/>" FLOW("m", "a") SCRIPT("a", "{n: 1}")
                            FLOW("a", "x") "<exclusiveGateway id='x' default='x_m'/>" FLOW("x", "m")
                                FLOW_IF("x", "e", "n = 2") END)));
    assert_int_equal(start(w, "p", NULL, 0, NULL), 0);
    assert_int_equal(w->err.code, KH_EC_PROCESS_STUCK);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM instance"), 0);
}

static void ends_a_sub_process_when_its_last_token_ends(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(
        deploy(w, PROCESS("p", START("u") "<subProcess id='u'><startEvent id='s2'/>" FLOW("s2", "a")
                                   FLOW("s2", "b") TASK("a") TASK("b") "<endEvent id='e2'/>" FLOW(
                                       "a", "e2") FLOW("b", "e2") "</subProcess>" FLOW("u", "z")
                                       TASK("z") FLOW("z", "e") END)));
    i = start(w, "p", NULL, 0, NULL);
    assert_where(w, i, "running u,a,b");
    work(w, i, "a", NULL);
    assert_where(w, i, "running u,b");
    work(w, i, "b", NULL);
    assert_where(w, i, "running z");
}

static void terminate_ends_only_its_own_scope(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(
        w,
        PROCESS(
            "p",
            START("f") "<parallelGateway id='f'/>" FLOW("f", "u") FLOW("f", "c") TASK(
                "c") "<subProcess id='u'><startEvent id='s2'/>" FLOW("s2", "a") FLOW("s2", "b")
                TASK("a") TASK(
                    "b") "<endEvent id='e2'><terminateEventDefinition/></endEvent>"
                         "<endEvent id='e3'/>" FLOW("a", "e2") FLOW("b", "e3") "</subProcess>" FLOW(
                             "u", "z") TASK("z")
                             FLOW("z", "t") "<endEvent id='t'><terminateEventDefinition/></endEvent>" FLOW(
                                 "c", "e") END)));
    i = start(w, "p", NULL, 0, NULL);
    (void)told(w);
    work(w, i, "a", NULL);
    assert_where(w, i, "running z,c");
    assert_string_equal(told(w), "task.complete task.cancel task.create");
    work(w, i, "z", NULL);
    assert_where(w, i, "terminated");
    assert_int_equal(task(w, i, "c"), 0);
}

static void calls_another_process_and_takes_its_results(void **state)
{
    struct world *w = *state;
    int64_t i, child;

    assert_true(deploy(
        w, PROCESS("quick", START("a") SCRIPT("a", "{twice: n * 2}") FLOW("a", "e") END)
               PROCESS("slow", START("a") TASK("a") FLOW("a", "e") END) PROCESS(
                   "p",
                   START("c") "<callActivity id='c' calledElement='quick'><extensionElements>"
                              "<kh:input name='n' value='x'/><kh:output name='got' "
                              "value='result.twice'/></extensionElements></callActivity>" FLOW(
                                  "c", "d") "<callActivity id='d' calledElement='slow'/>" FLOW("d",
                                                                                               "e")
                                  END)));
    i = start(w, "p", NULL, 0, "{'x':21}");
    assert_where(w, i, "running d");
    assert_string_equal(variable(w, i, "got"), "42");
    assert_string_equal(variable(w, i, "n"), "");
    child = fixture_ask(&w->f, "SELECT max(instance_id) FROM task");
    assert_true(child > i);
    /* Without mappings all goes in and all comes back. */
    assert_string_equal(variable(w, child, "got"), "42");
    work(w, child, "a", "{'answer':'yes'}");
    assert_where(w, child, "ended");
    assert_where(w, i, "ended");
    assert_string_equal(variable(w, i, "answer"), "\"yes\"");
}

static void a_process_that_calls_itself_is_stopped(void **state)
{
    struct world *w = *state;

    assert_true(deploy(
        w, PROCESS("p", START("c") "<callActivity id='c' calledElement='p'/>" FLOW("c", "e") END)));
    assert_int_equal(start(w, "p", NULL, 0, NULL), 0);
    assert_int_equal(w->err.code, KH_EC_PROCESS_STUCK);
}

#define MESSAGES "<message id='m1' name='paid'/><message id='m2' name='withdrawn'/>"
#define CATCH(id, m, x)                                                                            \
    "<intermediateCatchEvent id='" id "'" x "><messageEventDefinition messageRef='" m              \
    "'/></intermediateCatchEvent>"

static void waits_for_a_message_by_correlation(void **state)
{
    struct world *w = *state;
    int64_t i, k;

    assert_true(
        deploy(w, MESSAGES PROCESS("p", START("a") CATCH("a", "m1", " kh:correlation='invoice'")
                                            FLOW("a", "e") END)));
    i = start(w, "p", NULL, 0, "{'invoice':'A1'}");
    k = start(w, "p", NULL, 0, "{'invoice':'A2'}");
    assert_int_equal(message(w, "paid", 0, "A3", NULL), 0);
    assert_int_equal(message(w, "withdrawn", 0, "A2", NULL), 0);
    assert_int_equal(message(w, "paid", 0, "A2", "{'sum':7}"), 1);
    assert_where(w, i, "running a");
    assert_where(w, k, "ended");
    assert_string_equal(variable(w, k, "sum"), "7");
    assert_int_equal(message(w, "paid", 0, "A2", NULL), 0);
    assert_int_equal(message(w, "paid", 0, "", NULL), 0);
}

static void a_message_interrupts_or_not(void **state)
{
    struct world *w = *state;
    int64_t i, id;

    assert_true(put_type(w, "report", REPORT));
    assert_true(deploy(
        w,
        MESSAGES PROCESS(
            "p", START("a") TASK("a") FLOW("a", "e") END
            "<boundaryEvent id='n' attachedToRef='a' cancelActivity='false'>"
            "<messageEventDefinition messageRef='m1'/></boundaryEvent>" FLOW("n",
                                                                             "note") TASK("note")
                FLOW("note", "e") "<boundaryEvent id='w' attachedToRef='a'>"
                                  "<messageEventDefinition messageRef='m2'/></boundaryEvent>" FLOW(
                                      "w", "e"))));
    id = create(w, "report", "{'number':'1','unit':'H26.19'}");
    i = start(w, "p", "report", id, NULL);
    assert_int_equal(message(w, "paid", id, "", NULL), 1);
    assert_int_equal(message(w, "paid", id, "", NULL), 1);
    assert_where(w, i, "running a,note,note");
    assert_int_equal(message(w, "withdrawn", id, "", NULL), 1);
    assert_where(w, i, "running note,note");
    assert_int_equal(message(w, "paid", id, "", NULL), 0);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM message_wait"), 0);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM task WHERE state = 3"), 1);
}

static void a_message_starts_a_process_that_begins_with_it(void **state)
{
    struct world *w = *state;

    assert_true(deploy(
        w, MESSAGES PROCESS("p", "<startEvent id='s'><messageEventDefinition messageRef='m1'/>"
                                 "</startEvent>" FLOW("s", "a") TASK("a") FLOW("a", "e") END)));
    assert_int_equal(start(w, "p", NULL, 0, NULL), 0);
    assert_int_equal(w->err.code, KH_EC_PROCESS_INVALID);
    assert_int_equal(message(w, "paid", 0, "", "{'from':'outside'}"), 1);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM task WHERE key = 'a'"), 1);
}

static void one_process_wakes_another_by_message(void **state)
{
    struct world *w = *state;
    int64_t i, k;

    assert_true(deploy(
        w, MESSAGES PROCESS("waits", START("a") CATCH("a", "m1", " kh:correlation='\"K\"'")
                                         FLOW("a", "e") END)
               PROCESS("sends",
                       START("a") "<serviceTask id='a' kh:function='message.send'>"
                                  "<extensionElements><kh:input name='message'>\"paid\"</kh:input>"
                                  "<kh:input name='correlation'>\"K\"</kh:input>"
                                  "<kh:input name='variables'>{sum: 3}</kh:input>"
                                  "</extensionElements></serviceTask>" FLOW("a", "b") TASK("b")
                                      FLOW("b", "e") END)));
    i = start(w, "waits", NULL, 0, NULL);
    k = start(w, "sends", NULL, 0, NULL);
    assert_where(w, i, "ended");
    assert_string_equal(variable(w, i, "sum"), "3");
    assert_where(w, k, "running b");
}

static void running_instances_stay_on_their_version(void **state)
{
    struct world *w = *state;
    int64_t i, k;
    const char *one = PROCESS("p", START("a") TASK("a") FLOW("a", "e") END);

    assert_true(deploy(w, one));
    i = start(w, "p", NULL, 0, NULL);
    assert_true(deploy(w, one)); /* the same again: nothing */
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM process"), 1);
    assert_true(
        deploy(w, PROCESS("p", START("b") TASK("b") FLOW("b", "c") TASK("c") FLOW("c", "e") END)));
    k = start(w, "p", NULL, 0, NULL);
    assert_where(w, k, "running b");
    world_reopen(w);
    work(w, i, "a", NULL);
    assert_where(w, i, "ended");
    work(w, k, "b", NULL);
    assert_where(w, k, "running c");
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM process"), 2);
}

static void refuses_a_model_that_it_cannot_run(void **state)
{
    struct world *w = *state;

    assert_false(deploy(w, PROCESS("p", START("a") "<sendTask id='a'/>" FLOW("a", "e") END)));
    assert_int_equal(w->err.code, KH_EC_PROCESS_INVALID);
    assert_false(deploy(
        w, PROCESS("p", START("a") "<serviceTask id='a' kh:function='x.y'/>" FLOW("a", "e") END)));
    assert_int_equal(w->err.code, KH_EC_PROCESS_INVALID);
    assert_int_equal(start(w, "p", NULL, 0, NULL), 0);
    assert_int_equal(w->err.code, KH_EC_PROCESS_UNKNOWN);
}

/* ---- records ---- */

static bool explode(struct kh_step *step, const struct kh_json *inputs, void *ctx,
                    struct kh_json **ret_outputs, struct kh_error *err)
{
    (void)step, (void)inputs, (void)ctx, (void)ret_outputs;
    return kh_fail(err, KH_EC_TEMPLATE_UNKNOWN, "boom");
}

static void changes_the_case_in_the_same_transaction(void **state)
{
    struct world *w = *state;
    int64_t i, id;

    kh_process_service(w->pe, "test.explode", explode, NULL);
    assert_true(put_type(w, "report", REPORT));
    assert_true(deploy(
        w,
        PROCESS(
            "p",
            START("a") TASK("a") FLOW(
                "a",
                "b") "<serviceTask id='b' kh:function='record.patch'><extensionElements>"
                     "<kh:input name='status'>\"accepted\"</kh:input>"
                     "<kh:input name='amount'>case.amount + 0.5</kh:input>"
                     "</extensionElements></serviceTask>" FLOW(
                         "b", "x") "<exclusiveGateway id='x' default='x_c'/>" FLOW("x", "c")
                         FLOW_IF("x", "d", "bad") TASK("c")
                             FLOW("c", "e") "<serviceTask id='d' kh:function='test.explode'/>" FLOW(
                                 "d", "e") END)));
    id = create(w, "report", "{'number':'PA-1','unit':'H26.19','status':'new','amount':1.25}");
    i = start(w, "p", "report", id, NULL);
    assert_false(complete(w, task(w, i, "a"), "{'bad':true}", &w->officer));
    assert_int_equal(w->err.code, KH_EC_TEMPLATE_UNKNOWN);
    assert_string_equal(field(w, "report", id, "status"), "\"new\"");
    assert_where(w, i, "running a");
    assert_true(complete(w, task(w, i, "a"), "{'bad':false}", &w->officer));
    assert_string_equal(field(w, "report", id, "status"), "\"accepted\"");
    assert_string_equal(field(w, "report", id, "amount"), "1.75");
    /* The next task carries the new title of the case. */
    assert_true(get_task(w, task(w, i, "c"), &w->task));
    assert_true(kh_str_is(w->task.title, "PA-1 accepted") ||
                kh_str_is(w->task.title, "PA-1 · accepted"));
}

static void creates_a_record_and_starts_its_process(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(w, PROCESS("child", START("a") TASK("a") FLOW("a", "e") END)));
    assert_true(put_type(w, "thing",
                         "{'type':'object','x-kh':{'process':'child','title':'name'},"
                         "'properties':{'name':{'type':'string'}},'required':['name']}"));
    assert_true(deploy(
        w, PROCESS("p", START("a") "<serviceTask id='a' kh:function='record.create'>"
                                   "<extensionElements><kh:input name='type'>\"thing\"</kh:input>"
                                   "<kh:input name='fields'>{name: who.actor}</kh:input>"
                                   "<kh:output name='made'>result.id</kh:output>"
                                   "</extensionElements></serviceTask>" FLOW("a", "e") END)));
    i = start(w, "p", NULL, 0, NULL);
    assert_where(w, i, "ended");
    assert_int_equal(strlen(variable(w, i, "made")), KH_ID_CHARS + 2);
    assert_int_equal(
        fixture_ask(&w->f, "SELECT count(*) FROM task WHERE process = 'child' AND case_id <> 0"),
        1);
}

#define FILED                                                                                      \
    "{'type':'object','x-kh':{'process':'p','title':['number','status'],'unit':'unit',"            \
    "'serial':{'field':'number','pattern':'N-{SERIAL:3}'}},"                                       \
    "'properties':{'number':{'type':'string','x-kh':{'unique':true}},"                             \
    "'unit':{'type':'string'},'level':{'type':'integer','maximum':5},"                             \
    "'status':{'type':'string'}}}"
#define PATCH(id, name, feel)                                                                      \
    "<serviceTask id='" id "' kh:function='record.patch'><extensionElements><kh:input name='" name \
    "'>" feel "</kh:input></extensionElements></serviceTask>"

static void a_case_is_stored_once_with_what_its_first_steps_say(void **state)
{
    struct world *w = *state;
    int64_t id, revision = 0, i;

    assert_true(put_type(w, "filed", FILED));
    assert_true(deploy(w, PROCESS("p", START("a") PATCH("a", "unit", "\"H26.19\"") FLOW("a", "b")
                                           PATCH("b", "status", "\"new \" + case.number + case.unit")
                                               FLOW("b", "t") TASK("t") FLOW("t", "c")
                                                   PATCH("c", "level", "case.level + 1")
                                                       FLOW("c", "u") TASK("u") FLOW("u", "e") END)));
    (void)told(w);
    id = file_case(w, "filed", "{'level':2}", &revision);
    assert_true(id != 0);
    assert_int_equal(revision, 1);
    assert_string_equal(told(w), "process.start task.create");
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM event WHERE kind LIKE 'record.%'"), 1);
    assert_int_equal(
        fixture_ask(&w->f, "SELECT count(*) FROM event p JOIN event r ON r.seq < p.seq "
                           "WHERE p.kind = 'process.start' AND r.kind = 'record.create'"),
        1);
    assert_string_equal(field(w, "filed", id, "number"), "\"N-001\"");
    assert_string_equal(field(w, "filed", id, "status"), "\"new N-001H26.19\"");
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM record_version"), 0);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM rec_filed WHERE f_unit = 'H26.19'"), 1);
    /* The task has the title and the unit of the record as it was stored. */
    i = fixture_ask(&w->f, "SELECT id FROM instance");
    assert_true(get_task(w, task(w, i, "t"), &w->task));
    assert_true(kh_str_is(w->task.title, "N-001 · new N-001H26.19"));
    assert_true(kh_str_is(w->task.unit, "H26.19"));
    /* Later steps are changes of their own. */
    work(w, i, "t", "{}");
    assert_string_equal(told(w), "task.complete task.create");
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM event WHERE kind LIKE 'record.%'"), 2);
    assert_string_equal(field(w, "filed", id, "level"), "3");
}

static void a_case_whose_first_steps_do_not_fit_is_not_stored(void **state)
{
    struct world *w = *state;
    int64_t revision = 0;

    assert_true(put_type(w, "filed", FILED));
    assert_true(deploy(w, PROCESS("p", START("a") PATCH("a", "level", "case.level + 3") FLOW("a", "t")
                                           TASK("t") FLOW("t", "e") END)));
    assert_int_equal(file_case(w, "filed", "{'level':4}", &revision), 0);
    assert_int_equal(w->err.code, KH_EC_RECORD_INVALID);
    assert_true(file_case(w, "filed", "{'level':1}", &revision) != 0);
    /* No number was used up by what failed. */
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM rec_filed WHERE f_number = 'N-001'"), 1);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM rec_filed"), 1);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM instance"), 1);
}

static void a_caller_sees_what_a_called_process_has_written(void **state)
{
    struct world *w = *state;
    int64_t id, revision = 0;

    assert_true(put_type(w, "filed", FILED));
    assert_true(deploy(w, PROCESS("child", START("a") PATCH("a", "level", "case.level + 1")
                                               FLOW("a", "e") END)));
    assert_true(
        deploy(w, PROCESS("p", START("a") PATCH("a", "status", "string(case.level)") FLOW("a", "c")
                                   "<callActivity id='c' calledElement='child'/>" FLOW("c", "b")
                                       PATCH("b", "status", "string(case.level)") FLOW("b", "e")
                                           END)));
    id = file_case(w, "filed", "{'level':2}", &revision);
    assert_true(id != 0);
    assert_string_equal(field(w, "filed", id, "status"), "\"3\"");
    assert_string_equal(field(w, "filed", id, "level"), "3");
    assert_int_equal(revision, 3);
}

/* ---- people ---- */

static void only_the_right_people_see_and_do_a_task(void **state)
{
    struct world *w = *state;
    struct kh_str next;
    int64_t i, t, ids[10];
    const struct kh_who *who[] = {&w->officer, &w->other,      &w->chief,
                                  &w->citizen, &kh_who_public, &w->system};
    const bool may[] = {true, false, true, false, false, true};

    assert_true(put_type(w, "report", REPORT));
    assert_true(deploy(w, PROCESS("p", START("a") TASK("a") FLOW("a", "e") END)));
    i = start(w, "p", "report", create(w, "report", "{'number':'1','unit':'H26.20'}"), NULL);
    t = task(w, i, "a");
    assert_true(get_task(w, t, &w->task));
    for (size_t k = 0; k < KH_LEN(who); k++) {
        struct kh_task_query q = {.who = who[k]},
                             by_case = {.who = who[k], .case_id = w->task.case_id};

        assert_int_equal(list(w, &q, ids, 10, &next), may[k]);
        assert_int_equal(list(w, &by_case, ids, 10, &next), may[k]);
        if (may[k])
            continue;
        assert_false(claim(w, t, true, who[k]));
        assert_int_equal(w->err.code,
                         who[k] == &kh_who_public ? KH_EC_AUTH_REQUIRED : KH_EC_FORBIDDEN);
        assert_false(complete(w, t, NULL, who[k]));
        assert_int_equal(w->err.code,
                         who[k] == &kh_who_public ? KH_EC_AUTH_REQUIRED : KH_EC_FORBIDDEN);
    }
    assert_false(complete(w, t + 1, NULL, &w->officer));
    assert_int_equal(w->err.code, KH_EC_TASK_UNKNOWN);
}

static void who_watches_over_a_unit_sees_its_tasks_and_does_none(void **state)
{
    struct world *w = *state;
    struct kh_str next;
    const struct kh_grant grants[] = {
        {.role = KH_S("leader"), .unit = KH_S("H26"), .until_us = KH_FOREVER},
        {.role = KH_S("leader"), .unit = KH_S("H26.21"), .until_us = KH_FOREVER},
        {.role = KH_S("admin"), .unit = KH_S(""), .until_us = KH_FOREVER}};
    const bool sees[] = {true, false, true};
    int64_t i, t, ids[10];

    assert_true(put_type(w, "report", REPORT));
    assert_true(deploy(w, PROCESS("p", START("a") TASK("a") FLOW("a", "e") END)));
    i = start(w, "p", "report", create(w, "report", "{'number':'1','unit':'H26.20'}"), NULL);
    t = task(w, i, "a");
    assert_true(get_task(w, t, &w->task));
    for (size_t k = 0; k < KH_LEN(grants); k++) {
        struct kh_who watcher = {.kind = KH_WHO_ACCOUNT,
                                 .account = 2000 + (int64_t)k,
                                 .actor = KH_S("account:watcher"),
                                 .grants = &grants[k],
                                 .grants_n = 1};
        struct kh_task_query all = {.who = &watcher},
                             by_case = {.who = &watcher, .case_id = w->task.case_id},
                             of_role = {.who = &watcher, .role = KH_S("nobody")};

        assert_int_equal(list(w, &all, ids, 10, &next), sees[k]);
        assert_int_equal(list(w, &by_case, ids, 10, &next), sees[k]);
        assert_int_equal(list(w, &of_role, ids, 10, &next), 0);
        assert_false(claim(w, t, true, &watcher));
        assert_int_equal(w->err.code, KH_EC_FORBIDDEN);
        assert_false(complete(w, t, NULL, &watcher));
        assert_int_equal(w->err.code, KH_EC_FORBIDDEN);
    }
}

static void a_claimed_task_is_its_claimers(void **state)
{
    struct world *w = *state;
    int64_t i, t, ids[10];
    struct kh_task_query mine = {.who = &w->officer, .mine = true};

    assert_true(deploy(w, PROCESS("p", START("a") TASK("a") FLOW("a", "e") END)));
    i = start(w, "p", NULL, 0, NULL);
    t = task(w, i, "a");
    assert_int_equal(list(w, &mine, ids, 10, NULL), 0);
    assert_true(claim(w, t, true, &w->officer));
    assert_int_equal(w->task.state, KH_TASK_CLAIMED);
    assert_true(claim(w, t, true, &w->officer)); /* again: the same */
    assert_int_equal(list(w, &mine, ids, 10, NULL), 1);
    assert_false(claim(w, t, true, &w->chief));
    assert_int_equal(w->err.code, KH_EC_TASK_CLAIMED);
    assert_false(claim(w, t, false, &w->chief));
    assert_int_equal(w->err.code, KH_EC_TASK_CLAIMED);
    assert_false(complete(w, t, NULL, &w->chief));
    assert_int_equal(w->err.code, KH_EC_TASK_CLAIMED);
    assert_true(claim(w, t, false, &w->officer));
    assert_int_equal(w->task.state, KH_TASK_OPEN);
    assert_true(complete(w, t, NULL, &w->chief));
    assert_int_equal(w->task.claimed_by, 1003);
    assert_false(complete(w, t, NULL, &w->officer));
    assert_int_equal(w->err.code, KH_EC_TASK_DONE);
    assert_false(claim(w, t, true, &w->officer));
    assert_int_equal(w->err.code, KH_EC_TASK_DONE);
}

static void a_citizen_does_what_is_hers(void **state)
{
    struct world *w = *state;
    int64_t i, t, ids[10];
    struct kh_task_query q = {.who = &w->citizen};
    struct kh_who stranger = w->citizen;

    stranger.account = 77;
    assert_true(deploy(
        w, PROCESS("p", START("a") "<userTask id='a' kh:owner='owner'/>" FLOW("a", "e") END)));
    i = start(w, "p", NULL, 0,
              kh_str_z(w->a, kh_strf(w->a, "{'owner':'%.*s'}", KH_FMT(kh_id_text(w->a, 1004)))));
    t = task(w, i, "a");
    if (!t)
        assert_int_equal(list(w, &q, &t, 1, NULL), 1);
    assert_false(complete(w, t, NULL, &stranger));
    assert_int_equal(w->err.code, KH_EC_FORBIDDEN);
    assert_int_equal(list(w, &q, ids, 10, NULL), 1);
    assert_true(complete(w, t, NULL, &w->citizen));
    assert_where(w, i, "ended");
    q.states = KH_S("done");
    assert_int_equal(list(w, &q, ids, 10, NULL), 1);
    /* Neither a role nor an owner: nobody could ever do it. */
    assert_int_equal(start(w, "p", NULL, 0, NULL), 0);
    assert_int_equal(w->err.code, KH_EC_PROCESS_STUCK);
}

static void answers_must_fit_the_form(void **state)
{
    struct world *w = *state;
    int64_t i, t;

    assert_true(deploy(
        w,
        PROCESS("p",
                START("a") "<userTask id='a' kh:role='officer' kh:unit='\"H26.19\"'>"
                           "<extensionElements><kh:form>{\"type\":\"object\",\"properties\":{"
                           "\"decision\":{\"enum\":[\"yes\",\"no\"]},\"note\":{\"type\":\"string\","
                           "\"maxLength\":5,\"x-kh\":{\"sensitivity\":\"personal\"}}},"
                           "\"required\":[\"decision\"],\"additionalProperties\":false}"
                           "</kh:form></extensionElements></userTask>" FLOW("a", "e") END)));
    i = start(w, "p", NULL, 0, NULL);
    t = task(w, i, "a");
    assert_true(get_task(w, t, &w->task));
    assert_non_null(kh_json_get(w->task.form, "properties"));
    assert_false(complete(w, t, "{'decision':'maybe','note':'too long','x':1}", &w->officer));
    assert_int_equal(w->err.code, KH_EC_TASK_INVALID);
    assert_non_null(w->err.issues);
    assert_int_equal(w->err.issues->n, 3);
    assert_false(complete(w, t, "[]", &w->officer));
    assert_int_equal(w->err.code, KH_EC_TASK_INVALID);
    assert_true(complete(w, t, "{'decision':'yes','note':'Bình'}", &w->officer));
    assert_string_equal(variable(w, i, "note"), "\"Bình\"");
    /* The log tells the decision, and not what is personal. */
    assert_true(strlen(told(w)) > 0);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM event WHERE kind = 'task.complete' "
                                        "AND data LIKE '%\"decision\":\"yes\"%'"),
                     1);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM event WHERE data LIKE '%Bình%'"), 0);
}

static void reserved_names_are_no_variables(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(w, PROCESS("p", START("a") TASK("a") FLOW("a", "e") END)));
    assert_int_equal(start(w, "p", NULL, 0, "{'case':1}"), 0);
    assert_int_equal(w->err.code, KH_EC_BODY_INVALID);
    i = start(w, "p", NULL, 0, NULL);
    assert_false(complete(w, task(w, i, "a"), "{'who':1}", &w->officer));
    assert_int_equal(w->err.code, KH_EC_TASK_INVALID);
}

static void refuses_variables_without_bound(void **state)
{
    struct world *w = *state;

    assert_true(
        deploy(w, PROCESS("p", START("m") "<exclusiveGateway id='m'/>" FLOW("m", "a")
                                   SCRIPT("a", "{x: (if x = null then \"xxxxxxxx\" else x) + "
                                               "(if x = null then \"\" else x)}")
                                       FLOW("a", "m2") "<exclusiveGateway id='m2' "
                                                       "default='m2_m'/>" FLOW("m2", "m")
                                                           FLOW_IF("m2", "e", "x = 1") END)));
    assert_int_equal(start(w, "p", NULL, 0, NULL), 0);
    assert_true(w->err.code == KH_EC_PROCESS_STUCK || w->err.code == KH_EC_ARENA_FULL ||
                w->err.code == KH_EC_FEEL_LIMIT);
}

/* ---- the inbox ---- */

static void lists_page_by_page_soonest_first(void **state)
{
    static const char *const units[] = {"H26.19",  "H26.19.1", "H26.19.2",
                                        "H26.190", "H26.20",   "H26.1"};
    struct world *w = *state;
    int64_t ids[64], last_due = 0, n;
    struct kh_str after = KH_S("");
    struct kh_task_query q = {.who = &w->officer, .limit = 7};
    struct kh_task t;
    size_t seen = 0;

    assert_true(
        deploy(w, PROCESS("p", START("a") "<userTask id='a' kh:role='officer' kh:unit='unit' "
                                          "kh:due='due'/>" FLOW("a", "e") END)));
    for (int k = 0; k < 60; k++)
        assert_true(start(w, "p", NULL, 0,
                          kh_str_z(w->a, kh_strf(w->a, "{'unit':'%s','due':'PT%dH'}", units[k % 6],
                                                 (k * 7) % 13))) > 0);
    do {
        q.after = after;
        n = list(w, &q, ids, KH_LEN(ids), &after);
        assert_true(n >= 0 && n <= 7);
        for (int64_t k = 0; k < n; k++) {
            assert_true(get_task(w, ids[k], &t));
            assert_true(t.due_us >= last_due);
            assert_true(kh_unit_covers(KH_S("H26.19"), t.unit));
            last_due = t.due_us;
            seen++;
        }
    } while (after.n);
    assert_int_equal(seen, 30);
    q = (struct kh_task_query){.who = &w->chief, .limit = 1000};
    assert_int_equal(list(w, &q, ids, KH_LEN(ids), NULL), 60);
    q.unit = KH_S("H26.19");
    assert_int_equal(list(w, &q, ids, KH_LEN(ids), NULL), 30);
    q.unit = KH_S("H26.1");
    assert_int_equal(list(w, &q, ids, KH_LEN(ids), NULL), 10);
    q.unit = KH_S("");
    q.due_before_us = T0 + KH_US_H;
    assert_int_equal(list(w, &q, ids, KH_LEN(ids), NULL), 10);
    q = (struct kh_task_query){.who = &w->officer, .unit = KH_S("H26.20")};
    assert_int_equal(list(w, &q, ids, KH_LEN(ids), NULL), 0);
    q = (struct kh_task_query){.who = &w->officer, .role = KH_S("dispatcher")};
    assert_int_equal(list(w, &q, ids, KH_LEN(ids), NULL), 0);
    q = (struct kh_task_query){.who = &w->officer, .after = KH_S("nonsense")};
    assert_int_equal(list(w, &q, ids, KH_LEN(ids), NULL), -1);
    assert_int_equal(w->err.code, KH_EC_CURSOR_INVALID);
    q = (struct kh_task_query){.who = &w->officer, .states = KH_S("opened")};
    assert_int_equal(list(w, &q, ids, KH_LEN(ids), NULL), -1);
    assert_int_equal(w->err.code, KH_EC_PARAMETER_INVALID);
}

static void lists_by_state(void **state)
{
    struct world *w = *state;
    int64_t ids[64], i[4];
    struct kh_task_query q = {.who = &w->officer};
    static const struct {
        const char *states;
        int64_t n;
    } want[] = {{"", 3},    {"open", 2},      {"claimed", 1},  {"done", 1},
                {"all", 4}, {"open,done", 3}, {"cancelled", 0}};

    assert_true(deploy(w, PROCESS("p", START("a") TASK("a") FLOW("a", "e") END)));
    for (int k = 0; k < 4; k++)
        i[k] = start(w, "p", NULL, 0, NULL);
    assert_true(claim(w, task(w, i[0], "a"), true, &w->officer));
    assert_true(complete(w, task(w, i[1], "a"), NULL, &w->officer));
    for (size_t k = 0; k < KH_LEN(want); k++) {
        q.states = kh_cstr(want[k].states);
        q.who = &w->officer;
        assert_int_equal(list(w, &q, ids, KH_LEN(ids), NULL), want[k].n);
        q.who = &w->chief;
        assert_int_equal(list(w, &q, ids, KH_LEN(ids), NULL), want[k].n);
        q.who = &w->system;
        assert_int_equal(list(w, &q, ids, KH_LEN(ids), NULL), want[k].n);
    }
}

/* ---- races ---- */

struct racer {
    struct world *w;
    const struct kh_who *who;
    int64_t task;
    struct kh_arena *a;
    bool done, won;
    struct kh_error err;
    pthread_mutex_t *lock;
    pthread_cond_t *over;
    int *left;
};

static bool race_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct racer *r = ctx;
    struct kh_task t;

    kh_arena_reset(r->a);
    return kh_task_complete(tx, r->w->pe, r->a, r->task, NULL, r->who, &t, err);
}

static void race_over(void *ctx, bool ok, const struct kh_error *err)
{
    struct racer *r = ctx;

    pthread_mutex_lock(r->lock);
    r->won = ok;
    if (!ok)
        r->err = *err;
    if (--*r->left == 0)
        pthread_cond_signal(r->over);
    pthread_mutex_unlock(r->lock);
}

static void exactly_one_of_many_completes_a_task(void **state)
{
    enum { RACERS = 16, ROUNDS = 5 };
    struct world *w = *state;
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t over = PTHREAD_COND_INITIALIZER;

    /* Several writers on PostgreSQL. */
    kh_process_close(w->pe);
    kh_registry_close(w->reg);
    w->f.config.writers = 4;
    fixture_reopen(&w->f);
    assert_true(kh_registry_open(w->f.st, &w->reg, &w->err));
    assert_true(kh_process_open(w->f.st, w->reg, &w->pe, &w->err));
    assert_true(
        deploy(w, PROCESS("p", START("f") "<parallelGateway id='f'/>" FLOW("f", "a") FLOW("f", "b")
                                   TASK("a") TASK("b") "<parallelGateway id='j'/>" FLOW("a", "j")
                                       FLOW("b", "j") FLOW("j", "e") END)));
    for (int round = 0; round < ROUNDS; round++) {
        struct racer racers[RACERS] = {0};
        int64_t i = start(w, "p", NULL, 0, NULL), a = task(w, i, "a"), b = task(w, i, "b");
        int left = RACERS, won = 0;

        for (int k = 0; k < RACERS; k++) {
            racers[k] = (struct racer){.w = w,
                                       .who = k % 3 ? &w->officer : &w->chief,
                                       .task = k % 2 ? a : b,
                                       .a = kh_arena_new(1 << 20),
                                       .lock = &lock,
                                       .over = &over,
                                       .left = &left};
            assert_true(kh_store_submit(w->f.st, "race", race_in_tx, &racers[k], race_over,
                                        &racers[k].err));
        }
        pthread_mutex_lock(&lock);
        while (left)
            pthread_cond_wait(&over, &lock);
        pthread_mutex_unlock(&lock);
        for (int k = 0; k < RACERS; k++) {
            won += racers[k].won;
            if (!racers[k].won)
                assert_int_equal(racers[k].err.code, KH_EC_TASK_DONE);
            kh_arena_drop(racers[k].a);
        }
        assert_int_equal(won, 2);
        assert_where(w, i, "ended");
    }
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM task WHERE state = 2"), 2 * ROUNDS);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(runs_from_start_to_end_through_a_person),
        STORY(an_instance_that_never_waits_is_written_once),
        STORY(chooses_the_first_true_path_or_the_default),
        STORY(joins_when_all_branches_have_come),
        STORY(a_join_in_a_loop_takes_one_token_of_each_flow),
        STORY(refuses_to_move_into_a_dead_end),
        STORY(stops_a_loop_that_never_waits),
        STORY(ends_a_sub_process_when_its_last_token_ends),
        STORY(terminate_ends_only_its_own_scope),
        STORY(calls_another_process_and_takes_its_results),
        STORY(a_process_that_calls_itself_is_stopped),
        STORY(waits_for_a_message_by_correlation),
        STORY(a_message_interrupts_or_not),
        STORY(a_message_starts_a_process_that_begins_with_it),
        STORY(one_process_wakes_another_by_message),
        STORY(running_instances_stay_on_their_version),
        STORY(refuses_a_model_that_it_cannot_run),
        STORY(changes_the_case_in_the_same_transaction),
        STORY(creates_a_record_and_starts_its_process),
        STORY(a_case_is_stored_once_with_what_its_first_steps_say),
        STORY(a_case_whose_first_steps_do_not_fit_is_not_stored),
        STORY(a_caller_sees_what_a_called_process_has_written),
        STORY(only_the_right_people_see_and_do_a_task),
        STORY(who_watches_over_a_unit_sees_its_tasks_and_does_none),
        STORY(a_claimed_task_is_its_claimers),
        STORY(a_citizen_does_what_is_hers),
        STORY(answers_must_fit_the_form),
        STORY(reserved_names_are_no_variables),
        STORY(refuses_variables_without_bound),
        STORY(lists_page_by_page_soonest_first),
        STORY(lists_by_state),
        STORY(exactly_one_of_many_completes_a_task),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
