/* SPDX-License-Identifier: Apache-2.0 */
/* Time passes: timers, deadlines, the stopped clock, and calls to others that survive a crash. */
#include "world.h"

#include "base/fault.h"
#include "base/id.h"

#include <pthread.h>
#include <stdlib.h>

#define CASE                                                                                       \
    "{'type':'object','x-kh':{'title':'number','unit':'unit'},'properties':{"                      \
    "'number':{'type':'string'},'unit':{'type':'string'},"                                         \
    "'due_at':{'type':'string','format':'date-time'}},'required':['number']}"

#define BOUNDARY(id, host, attrs, timer)                                                           \
    "<boundaryEvent id='" id "' attachedToRef='" host "' " attrs ">" timer "</boundaryEvent>"
#define NOTE(id) FLOW(id, id "_note") SCRIPT(id "_note", "{" id ": true}") FLOW(id "_note", "e")

static void waits_for_the_time_and_not_before(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(
        deploy(w, PROCESS("p", START("a") "<intermediateCatchEvent id='a'>" TIMER(
                                   "PT1H") "</intermediateCatchEvent>" FLOW("a", "e") END)));
    i = start(w, "p", NULL, 0, NULL);
    assert_int_equal(pass(w, KH_US_H - 1), 0);
    assert_where(w, i, "running a");
    world_reopen(w);
    assert_int_equal(pass(w, 1), 1);
    assert_where(w, i, "ended");
    assert_int_equal(pass(w, KH_US_DAY), 0);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM job"), 0);
}

static void an_interrupting_timer_takes_the_task_away(void **state)
{
    struct world *w = *state;
    int64_t i, k;

    assert_true(deploy(w, PROCESS("p", START("a") TASK("a") FLOW("a", "e")
                                           END BOUNDARY("late", "a", "", TIMER("PT2H"))
                                               FLOW("late", "b") TASK("b") FLOW("b", "e"))));
    i = start(w, "p", NULL, 0, NULL);
    k = start(w, "p", NULL, 0, NULL);
    work(w, k, "a", NULL);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM job"), 1);
    (void)told(w);
    assert_int_equal(pass(w, 2 * KH_US_H), 1);
    assert_where(w, i, "running b");
    assert_where(w, k, "ended");
    assert_int_equal(task(w, i, "a"), 0);
    assert_string_equal(told(w), "task.cancel task.create");
    work(w, i, "b", NULL);
    assert_where(w, i, "ended");
}

static void a_repeating_timer_reminds_until_the_work_is_done(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(w, PROCESS("p", START("a") TASK("a") FLOW("a", "e") END BOUNDARY(
                                           "r", "a", "cancelActivity='false'",
                                           "<timerEventDefinition><timeCycle>R3/PT1H</timeCycle>"
                                           "</timerEventDefinition>") FLOW("r", "count")
                                           SCRIPT("count", "{n: if n = null then 1 else n + 1}")
                                               FLOW("count", "e"))));
    i = start(w, "p", NULL, 0, NULL);
    assert_int_equal(pass(w, KH_US_H), 1);
    assert_string_equal(variable(w, i, "n"), "1");
    assert_int_equal(pass(w, KH_US_H), 1);
    assert_where(w, i, "running a");
    /* After a long sleep of the server it reminds once, not five times. */
    assert_int_equal(pass(w, 5 * KH_US_H), 1);
    assert_string_equal(variable(w, i, "n"), "3");
    assert_int_equal(pass(w, KH_US_DAY), 0);
    work(w, i, "a", NULL);
    assert_where(w, i, "ended");
}

static void reminders_and_escalation_count_from_the_deadline(void **state)
{
    struct world *w = *state;
    struct kh_task t;
    int64_t i;

    /* Due after 4 working hours (Tue 14:00); reminded 2 hours before; escalated 1 hour after. */
    assert_true(deploy(
        w, PROCESS("p",
                   START("a") "<userTask id='a' kh:role='officer' kh:unit='\"H26.19\"' "
                              "kh:due='PT4H' kh:calendar='default'/>" FLOW("a", "e") END BOUNDARY(
                                  "soon", "a", "cancelActivity='false' kh:beforeDue='PT2H'",
                                  "<timerEventDefinition/>") NOTE("soon")
                                  BOUNDARY("late", "a", "cancelActivity='false' kh:afterDue='PT1H'",
                                           "<timerEventDefinition/>") NOTE("late"))));
    i = start(w, "p", NULL, 0, NULL);
    assert_true(get_task(w, task(w, i, "a"), &t));
    assert_int_equal(t.due_us, T0 + 5 * KH_US_H); /* lunch does not count */
    assert_true(kh_str_is(t.calendar, "default"));
    (void)told(w);
    assert_int_equal(pass(w, 2 * KH_US_H - KH_US_S), 0);
    assert_int_equal(pass(w, KH_US_S), 1); /* 11:00 */
    assert_string_equal(variable(w, i, "soon"), "true");
    assert_string_equal(variable(w, i, "late"), "");
    assert_int_equal(pass(w, 3 * KH_US_H), 1); /* 14:00 */
    assert_string_equal(told(w), "task.overdue");
    assert_int_equal(pass(w, 1), 0);
    assert_int_equal(pass(w, KH_US_H), 1); /* 15:00 */
    assert_string_equal(variable(w, i, "late"), "true");
    assert_string_equal(told(w), "");
    work(w, i, "a", NULL);
    assert_where(w, i, "ended");
}

static void deadlines_come_from_expressions_too(void **state)
{
    static const struct {
        const char *due, *variables;
        int64_t want;
    } cases[] = {
        {"due", "{'due':'2026-09-16T10:00:00Z'}", T0 + 32 * KH_US_H},
        {"due", "{'due':'PT30M'}", T0 + 30 * KH_US_MIN},
        {"due", "{'due':null}", KH_FOREVER},
        {"duration(due)", "{'due':'PT3H'}", T0 + 3 * KH_US_H},
        {"date and time(due) + duration(\"PT1H\")", "{'due':'2026-09-16T10:00:00Z'}",
         T0 + 33 * KH_US_H},
        {"now + duration(\"P1D\")", "{}", T0 + KH_US_DAY},
        {"2026-09-20", "{}", T0 + 4 * KH_US_DAY + 15 * KH_US_H},
        {"P1M", "{}", T0 + 30 * KH_US_DAY},
    };
    struct world *w = *state;

    for (size_t k = 0; k < KH_LEN(cases); k++) {
        struct kh_str model =
            kh_strf(w->a,
                    PROCESS("p", START("a") "<userTask id='a' kh:role='officer' kh:due='%s'/>" FLOW(
                                     "a", "e") END),
                    cases[k].due);
        struct kh_task t;
        int64_t i;

        assert_true(deploy(w, kh_str_z(w->a, model)));
        i = start(w, "p", NULL, 0, cases[k].variables);
        if (!i)
            fail_msg("%s: %s", cases[k].due, w->err.detail);
        assert_true(get_task(w, task(w, i, "a"), &t));
        if (t.due_us != cases[k].want)
            fail_msg("%s of %s is %.*s", cases[k].due, cases[k].variables,
                     KH_FMT(kh_time_text(w->a, t.due_us)));
    }
    assert_true(
        deploy(w, PROCESS("q", START("a") "<userTask id='a' kh:role='officer' kh:due='due'/>" FLOW(
                                   "a", "e") END)));
    assert_int_equal(start(w, "q", NULL, 0, "{'due':17}"), 0);
    assert_int_equal(w->err.code, KH_EC_PROCESS_STUCK);
}

static void a_timer_of_a_sub_process_takes_all_of_it(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(
        w,
        PROCESS("child", START("x") TASK("x") FLOW("x", "e") END) PROCESS(
            "p",
            START("u") "<subProcess id='u'><startEvent id='s2'/>" FLOW("s2", "a") FLOW(
                "s2", "c") FLOW("s2", "t")
                TASK("a") "<endEvent id='e2'/>" FLOW("a", "e2") "<callActivity id='c' calledElement='child'/>" FLOW("c", "e2") "<intermediateCatchEvent id='t'>" TIMER(
                    "P9D") "</intermediateCatchEvent>" FLOW("t", "e2") "</subProcess>" FLOW("u",
                                                                                            "e")
                    END BOUNDARY("late", "u", "", TIMER("P1D")) FLOW("late", "b") TASK("b")
                        FLOW("b", "e"))));
    i = start(w, "p", NULL, 0, NULL);
    assert_where(w, i, "running u,a,c,t");
    assert_int_equal(pass(w, KH_US_DAY), 1);
    assert_where(w, i, "running b");
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM task WHERE state < 2"), 1);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM job"), 0);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM instance WHERE state = 3"), 1);
}

static void the_clock_of_a_case_can_stand_still(void **state)
{
    struct world *w = *state;
    struct kh_task t;
    int64_t i, id;

    assert_true(put_type(w, "file", CASE));
    /* The officer works and beside it asks the citizen: meanwhile the clock stands. */
    assert_true(deploy(
        w,
        PROCESS(
            "p",
            START("f") "<parallelGateway id='f'/>" FLOW("f", "a") FLOW(
                "f",
                "ask") "<userTask id='a' kh:role='officer' kh:unit='\"H26.19\"' kh:due='PT8H' "
                       "kh:calendar='default'/>" FLOW("a", "e") BOUNDARY(
                           "soon", "a", "cancelActivity='false' kh:beforeDue='PT2H'",
                           "<timerEventDefinition/>") NOTE("soon") TASK("ask")
                           FLOW("ask", "stop") "<serviceTask id='stop' kh:function='clock.suspend'/>" FLOW(
                               "stop", "answer") TASK("answer")
                               FLOW(
                                   "answer",
                                   "go") "<serviceTask id='go' kh:function='clock.resume' "
                                         "kh:result='paused'><extensionElements><kh:input name='fields'>"
                                         "[\"due_at\"]</kh:input></extensionElements></serviceTask>" FLOW(
                                             "go", "e") END)));
    id = create(w, "file", "{'number':'1','unit':'H26.19','due_at':'2026-09-16T02:00:00Z'}");
    i = start(w, "p", "file", id, NULL);
    /* 9:00 + 8 h = Wednesday 9:00. At 11:00 the clock is stopped. */
    pass(w, 2 * KH_US_H);
    work(w, i, "ask", NULL);
    assert_true(get_task(w, task(w, i, "a"), &t));
    assert_true(t.paused);
    assert_int_equal(t.due_us, KH_FOREVER);
    (void)told(w);
    /* Two days later, Thursday 11:00, nothing was told. */
    assert_int_equal(pass(w, 2 * KH_US_DAY), 0);
    assert_string_equal(told(w), "");
    work(w, i, "answer", NULL);
    assert_string_equal(variable(w, i, "paused"), "{\"minutes\":960}");
    assert_true(get_task(w, task(w, i, "a"), &t));
    assert_false(t.paused);
    assert_int_equal(t.due_us, T0 + 3 * KH_US_DAY); /* Friday 9:00: two working days later */
    assert_string_equal(field(w, "file", id, "due_at"), "\"2026-09-18T02:00:00Z\"");
    /* The reminder moved too: Thursday 16:00. */
    assert_int_equal(pass(w, 5 * KH_US_H - KH_US_S), 0);
    assert_int_equal(pass(w, KH_US_S), 1);
    assert_string_equal(variable(w, i, "soon"), "true");
    pass(w, KH_US_DAY);
    assert_string_equal(told(w), "task.complete clock.resume task.overdue");
}

static void a_calendar_put_later_counts_from_then_on(void **state)
{
    struct world *w = *state;
    int64_t due;

    assert_true(kh_calendar_add(w->pe, KH_S(""), T0, 0, 1, &due, &w->err));
    assert_int_equal(due, T0 + KH_US_DAY);
    assert_false(kh_calendar_add(w->pe, KH_S("ward"), T0, 0, 1, &due, &w->err));
    assert_int_equal(w->err.code, KH_EC_PARAMETER_INVALID);
    assert_true(put_calendar(w, "default",
                             "{'weekly':{'mon':[['08:00','12:00']],"
                             "'tue':[['08:00','12:00']],'wed':[['08:00','12:00']]},"
                             "'holidays':[{'date':'2026-09-16'}]}"));
    assert_true(kh_calendar_add(w->pe, KH_S(""), T0, 0, 1, &due, &w->err));
    assert_int_equal(due, T0 + 6 * KH_US_DAY);
    world_reopen(w);
    assert_true(kh_calendar_add(w->pe, KH_S("default"), T0, 60, 0, &due, &w->err));
    assert_int_equal(due, T0 + KH_US_H);
    assert_false(put_calendar(w, "bad", "{'weekly':{'mon':[['12:00','08:00']]}}"));
    assert_int_equal(w->err.code, KH_EC_BODY_INVALID);
}

static void a_timer_that_fails_is_tried_again_and_given_up(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(
        w,
        PROCESS(
            "p",
            START("a") "<intermediateCatchEvent id='a'>" TIMER("PT1H") "</intermediateCatchEvent>" FLOW(
                "a", "x") "<exclusiveGateway id='x' default='x_j'/>" FLOW("x", "j")
                FLOW_IF("x", "b", "ok") TASK("b")
                    FLOW("b", "j") "<parallelGateway id='j'/>" FLOW("j", "e") END)));
    i = start(w, "p", NULL, 0, NULL);
    assert_int_equal(pass(w, KH_US_H), 0);
    assert_where(w, i, "running a");
    assert_int_equal(fixture_ask(&w->f, "SELECT attempts FROM job"), 1);
    assert_int_equal(pass(w, 1), 0); /* not at once again */
    assert_int_equal(fixture_ask(&w->f, "SELECT attempts FROM job"), 1);
    for (int k = 0; k < 10; k++)
        pass(w, KH_US_DAY);
    assert_int_equal(fixture_ask(&w->f, "SELECT attempts FROM job WHERE state = 1"), 10);
    assert_non_null(strstr(told(w), "job.dead"));
}

/* Two servers on one database. */
struct twin {
    struct kh_process *pe;
    unsigned ran;
    struct kh_error err;
    bool ok;
};

static void *run_twin(void *ctx)
{
    struct twin *t = ctx;

    t->ok = true;
    for (int k = 0; k < 4 && t->ok; k++) {
        unsigned ran = 0;

        t->ok = kh_process_jobs_run(t->pe, 100, &ran, &t->err);
        t->ran += ran;
    }
    return NULL;
}

static void two_servers_never_run_a_job_twice(void **state)
{
    enum { N = 40 };
    struct world *w = *state;
    struct kh_process *second;
    struct twin twins[2];
    pthread_t threads[2];
    int64_t i[N];

    kh_process_close(w->pe);
    kh_registry_close(w->reg);
    w->f.config.writers = 4;
    fixture_reopen(&w->f);
    assert_true(kh_registry_open(w->f.st, &w->reg, &w->err));
    assert_true(kh_process_open(w->f.st, w->reg, &w->pe, &w->err));
    assert_true(kh_process_open(w->f.st, w->reg, &second, &w->err));
    assert_true(deploy(
        w, PROCESS("p",
                   START("a") "<intermediateCatchEvent id='a'>" TIMER(
                       "PT1H") "</intermediateCatchEvent>" FLOW("a", "b") TASK("b") FLOW("b", "e")
                       END BOUNDARY("r", "b", "cancelActivity='false'", TIMER("PT1H")) NOTE("r"))));
    for (int k = 0; k < N; k++)
        i[k] = start(w, "p", NULL, 0, NULL);
    kh_clock_add(KH_US_H);
    twins[0] = (struct twin){.pe = w->pe};
    twins[1] = (struct twin){.pe = second};
    for (int k = 0; k < 2; k++)
        pthread_create(&threads[k], NULL, run_twin, &twins[k]);
    for (int k = 0; k < 2; k++)
        pthread_join(threads[k], NULL);
    assert_true(twins[0].ok && twins[1].ok);
    assert_int_equal(twins[0].ran + twins[1].ran, N);
    for (int k = 0; k < N; k++)
        assert_where(w, i[k], "running b");
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM task"), N);
    kh_process_close(second);
}

static void the_runner_works_by_itself(void **state)
{
    struct world *w = *state;
    int64_t i;

    kh_clock_set(0); /* real time: the job is due at once */
    assert_true(
        deploy(w, PROCESS("p", START("a") "<intermediateCatchEvent id='a'>" TIMER(
                                   "PT0S") "</intermediateCatchEvent>" FLOW("a", "e") END)));
    assert_true(kh_process_jobs_start(w->pe, &w->err));
    i = start(w, "p", NULL, 0, NULL);
    for (int k = 0; k < 2000 && strcmp(where(w, i), "ended") != 0; k++) {
        struct timespec ms = {.tv_nsec = 5000000};

        nanosleep(&ms, NULL);
    }
    assert_where(w, i, "ended");
}

/* ---- calls to others ---- */

static bool http(void *ctx, struct kh_arena *a, const struct kh_http_request *request,
                 struct kh_http_reply *ret, struct kh_error *err)
{
    struct world *w = ctx;

    snprintf(w->last_key, sizeof(w->last_key), "%.*s", KH_FMT(request->key));
    snprintf(w->last_body, sizeof(w->last_body), "%.*s %.*s %.*s", KH_FMT(request->method),
             KH_FMT(request->url), KH_FMT(request->body));
    if (w->calls++ == 0)
        memcpy(w->first_key, w->last_key, sizeof(w->first_key));
    if (w->during)
        w->during(w);
    if (w->answer < 0)
        return kh_fail(err, KH_EC_OUTBOUND_REFUSED, "not on the list");
    if (!w->answer)
        return kh_fail(err, KH_EC_OUTBOUND_FAILED, "no route to host");
    ret->status = w->answer;
    ret->body = kh_strf(a, "{\"number\":%u}", w->calls);
    return true;
}

#define CALLING(retries)                                                                           \
    PROCESS(                                                                                       \
        "p",                                                                                       \
        START("a") "<serviceTask id='a'><extensionElements>"                                       \
                   "<kh:http method='PUT' url='= \"https://x.test/\" + path' retries='" retries    \
                   "' backoff='PT1M'/><kh:input name='sum'>x + 1</kh:input>"                       \
                   "<kh:output name='got'>result.body.number</kh:output>"                          \
                   "<kh:output name='status'>result.status</kh:output>"                            \
                   "</extensionElements></serviceTask>" FLOW("a", "e") END)

static int64_t calling(struct world *w, const char *model, int answer)
{
    int64_t i;

    kh_process_set_http(w->pe, http, w);
    w->answer = answer;
    assert_true(deploy(w, model));
    i = start(w, "p", NULL, 0, "{'x':1,'path':'pay'}");
    assert_true(i > 0);
    assert_where(w, i, "running a");
    assert_int_equal(w->calls, 0); /* never inside the transaction */
    return i;
}

static void calls_another_system_and_goes_on_with_its_answer(void **state)
{
    struct world *w = *state;
    int64_t i = calling(w, CALLING("3"), 201);

    assert_int_equal(pass(w, 0), 1);
    assert_string_equal(w->last_body, "PUT https://x.test/pay {\"sum\":2}");
    assert_where(w, i, "ended");
    assert_string_equal(variable(w, i, "got"), "1");
    assert_string_equal(variable(w, i, "status"), "201");
    assert_int_equal(pass(w, KH_US_DAY), 0);
}

static void tries_again_with_the_same_key_and_growing_pauses(void **state)
{
    struct world *w = *state;
    int64_t i = calling(w, CALLING("3"), 0);

    assert_int_equal(pass(w, 0), 1);
    assert_int_equal(pass(w, KH_US_MIN - 1), 0);
    w->answer = 503;
    assert_int_equal(pass(w, 1), 1);
    assert_int_equal(pass(w, KH_US_MIN), 0); /* now two minutes */
    world_reopen(w);
    kh_process_set_http(w->pe, http, w);
    w->answer = 200;
    assert_int_equal(pass(w, KH_US_MIN), 1);
    assert_int_equal(w->calls, 3);
    assert_string_equal(w->first_key, w->last_key);
    assert_where(w, i, "ended");
}

static bool retry_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct world *w = ctx;
    struct kh_dead_job *jobs;
    size_t n;

    return kh_process_dead_jobs(tx, w->pe, w->a, 0, 10, &jobs, &n, err) && n == 1 &&
           kh_process_retry_job(tx, w->pe, w->a, jobs[0].id, err) == KH_HIT;
}

static void gives_up_after_so_many_and_can_be_told_to_try_again(void **state)
{
    struct world *w = *state;
    int64_t i = calling(w, CALLING("2"), 0);

    for (int k = 0; k < 10; k++)
        pass(w, KH_US_H);
    assert_int_equal(w->calls, 3);
    assert_where(w, i, "running a");
    assert_non_null(strstr(told(w), "job.dead"));
    w->answer = 200;
    assert_true(kh_store_run(w->f.st, "retry", KH_TX_WRITE, retry_in_tx, w, &w->err));
    assert_int_equal(pass(w, 0), 1);
    assert_string_equal(w->first_key, w->last_key);
    assert_where(w, i, "ended");
}

static void a_no_is_not_asked_again(void **state)
{
    static const int answers[] = {404, 301, -1};
    struct world *w = *state;

    for (size_t n = 0; n < KH_LEN(answers); n++) {
        int64_t i;

        w->calls = 0;
        i = calling(w, CALLING("5"), answers[n]);
        for (int k = 0; k < 5; k++)
            pass(w, KH_US_H);
        assert_int_equal(w->calls, 1);
        assert_where(w, i, "running a");
        assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM job WHERE state = 1"), n + 1);
    }
}

/* The server dies while the call is out: the lease runs out and the same call is made again. */
static void die(struct world *w)
{
    kh_fault_arm("store.commit", 1);
    (void)w;
}

static void a_crash_during_a_call_repeats_it_with_the_same_key(void **state)
{
    struct world *w = *state;
    unsigned ran;
    int64_t i = calling(w, CALLING("5"), 200);

    w->during = die;
    assert_false(kh_process_jobs_run(w->pe, 10, &ran, &w->err));
    kh_fault_arm("store.commit", 0);
    w->during = NULL;
    world_reopen(w);
    kh_process_set_http(w->pe, http, w);
    assert_where(w, i, "running a");
    assert_int_equal(pass(w, KH_US_S), 0); /* still leased */
    assert_int_equal(pass(w, 2 * KH_US_MIN), 1);
    assert_int_equal(w->calls, 2);
    assert_string_equal(w->first_key, w->last_key);
    assert_where(w, i, "ended");
}

/* While the first holder waits too long, another takes over: the late answer changes nothing. */
static void take_over(struct world *w)
{
    unsigned ran;

    w->during = NULL;
    kh_clock_add(10 * KH_US_MIN);
    assert_true(kh_process_jobs_run(w->pe, 10, &ran, &w->err));
    assert_int_equal(ran, 1);
}

static void an_answer_that_comes_too_late_is_dropped(void **state)
{
    struct world *w = *state;
    int64_t i = calling(w, CALLING("5"), 200);

    w->during = take_over;
    assert_int_equal(pass(w, 0), 1);
    assert_int_equal(w->calls, 2);
    assert_where(w, i, "ended");
    assert_string_equal(variable(w, i, "got"), "2");
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM job"), 0);
    (void)told(w);
}

/* Whatever statement of a step fails: the instance stands where it stood, and can go on later. */
static void any_failing_statement_leaves_all_as_it_was(void **state)
{
    struct world *w = *state;
    int64_t i, t, rows;
    bool good = false;
    unsigned failed = 0;
    static const char count[] = "SELECT (SELECT count(*) FROM task) + (SELECT count(*) FROM job) + "
                                "(SELECT count(*) FROM message_wait)";

    assert_true(put_type(w, "file", CASE));
    assert_true(deploy(
        w,
        "<message id='m' name='stop'/>" PROCESS(
            "p", START("a") TASK("a") FLOW(
                     "a", "b") "<serviceTask id='b' kh:function='record.patch'><extensionElements>"
                               "<kh:input name='unit'>\"H26.19\"</kh:input></extensionElements>"
                               "</serviceTask>" FLOW("b", "c") TASK("c") FLOW("c", "e")
                                   END BOUNDARY("l", "a", "", TIMER("P1D")) FLOW("l", "e")
                                       BOUNDARY("k", "c", "", TIMER("P1D")) FLOW("k", "e")
                                           BOUNDARY("m1", "c", "",
                                                    "<messageEventDefinition "
                                                    "messageRef='m'/>") FLOW("m1", "e"))));
    for (unsigned n = 1; n <= 60; n++) {
        i = start(w, "p", "file", create(w, "file", "{'number':'1','unit':'H26'}"), NULL);
        t = task(w, i, "a");
        rows = fixture_ask(&w->f, count);
        kh_fault_arm("store.step", n);
        good = complete(w, t, NULL, &w->system);
        kh_fault_arm("store.step", 0);
        if (!good) {
            failed++;
            assert_where(w, i, "running a");
            assert_int_equal(fixture_ask(&w->f, count), rows);
            assert_true(complete(w, t, NULL, &w->system));
        }
        assert_where(w, i, "running c");
    }
    assert_true(good); /* a step has fewer statements than that */
    assert_true(failed > 10);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM job"),
                     fixture_ask(&w->f, "SELECT count(*) FROM instance"));
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM message_wait"),
                     fixture_ask(&w->f, "SELECT count(*) FROM instance"));
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(waits_for_the_time_and_not_before),
        STORY(an_interrupting_timer_takes_the_task_away),
        STORY(a_repeating_timer_reminds_until_the_work_is_done),
        STORY(reminders_and_escalation_count_from_the_deadline),
        STORY(deadlines_come_from_expressions_too),
        STORY(a_timer_of_a_sub_process_takes_all_of_it),
        STORY(the_clock_of_a_case_can_stand_still),
        STORY(a_calendar_put_later_counts_from_then_on),
        STORY(a_timer_that_fails_is_tried_again_and_given_up),
        STORY(two_servers_never_run_a_job_twice),
        STORY(the_runner_works_by_itself),
        STORY(calls_another_system_and_goes_on_with_its_answer),
        STORY(tries_again_with_the_same_key_and_growing_pauses),
        STORY(gives_up_after_so_many_and_can_be_told_to_try_again),
        STORY(a_no_is_not_asked_again),
        STORY(a_crash_during_a_call_repeats_it_with_the_same_key),
        STORY(an_answer_that_comes_too_late_is_dropped),
        STORY(any_failing_statement_leaves_all_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
