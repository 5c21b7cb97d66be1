/* SPDX-License-Identifier: Apache-2.0 */
/* Cases and work as programs see them: docs/API.md, call by call, without a socket. */
#include "../api/call_fixture.h"
#include "world.h"

#include "api/routes.h"
#include "base/id.h"

static struct kh_call *now;

static int calls_setup(void **state)
{
    static const struct kh_route *const tables[] = {kh_routes_task, kh_routes_process, NULL};
    struct world *w;

    if (world_setup(state))
        return 1;
    w = *state;
    calls_open(kh_routes_task);
    kh_router_drop(cf.city.router);
    cf.city.router = kh_router_new(tables);
    cf.city.store = w->f.st;
    cf.city.registry = w->reg;
    cf.city.process = w->pe;
    return 0;
}

static int calls_teardown(void **state)
{
    if (now)
        kh_arena_drop(now->a);
    now = NULL;
    calls_close();
    return world_teardown(state);
}

/* Call as somebody ("officer" holds officer over H26.19); the body is written with '. */
static void call(struct world *w, enum kh_method m, const char *target, const char *token,
                 const char *body, int status, const char *says)
{
    if (now)
        kh_arena_drop(now->a);
    now = call_new(m, target, token, body ? quoted(w, body).p : NULL);
    call_run(now);
    if (now->reply.status != status || !body_has(now, says))
        fail_msg("%s -> %d %.*s", target, now->reply.status, KH_FMT(now->reply.body));
}

static const char *path(struct world *w, const char *head, int64_t id, const char *tail)
{
    return kh_str_z(w->a, kh_strf(w->a, "%s%.*s%s", head, KH_FMT(kh_id_text(w->a, id)), tail));
}

static const char model[] = PROCESS(
    "p", START("a") "<userTask id='a' name='Làm' kh:nameEn='Do' kh:role='officer' "
                    "kh:unit='\"H26.19\"' kh:due='PT4H' kh:calendar='default' "
                    "kh:form='{\"type\":\"object\",\"required\":[\"x\"]}'/>" FLOW("a", "e") END);

static void a_task_from_the_inbox_to_done(void **state)
{
    struct world *w = *state;
    int64_t i, t;

    assert_true(put_type(w, "agency",
                         "{'type':'object','x-kh':{'key':'code','title':'name','sensitivity':"
                         "'public','access':[{'role':'public','ops':['read'],'where':'all','see':"
                         "'public'}]},'properties':{'code':{'type':'string'},'name':"
                         "{'type':'string'}},'required':['code','name']}"));
    create(w, "agency", "{'code':'H26.19','name':'UBND phường Cửa Nam'}");
    assert_true(deploy(w, model));
    i = start(w, "p", NULL, 0, "{'secret':7}");
    t = task(w, i, "a");
    call(w, KH_GET, "/api/v1/tasks", NULL, NULL, 401, "AUTH_REQUIRED");
    call(w, KH_GET, "/api/v1/tasks", "mai", NULL, 200, "{\"items\":[]}");
    call(w, KH_GET, "/api/v1/tasks", "officer", NULL, 200, path(w, "{\"id\":\"", t, "\","));
    assert_true(body_has(now, "\"name\":{\"vi\":\"Làm\",\"en\":\"Do\"}"));
    assert_true(body_has(now, "\"unit_name\":\"UBND phường Cửa Nam\""));
    assert_true(body_has(now, "\"state\":\"open\""));
    /* 9:00 + 4 h = 14:00 over lunch; 240 working minutes are left. */
    assert_true(body_has(now, "\"due_at\":\"2026-09-15T07:00:00Z\",\"minutes_left\":240"));
    assert_true(body_has(now, "\"form\":{\"type\":\"object\",\"required\":[\"x\"]}"));
    kh_clock_add(6 * KH_US_H);
    call(w, KH_GET, path(w, "/api/v1/tasks/", t, ""), "officer", NULL, 200, "\"minutes_left\":-60");
    call(w, KH_GET, path(w, "/api/v1/tasks/", t, ""), "mai", NULL, 404, "TASK_UNKNOWN");
    call(w, KH_GET, "/api/v1/tasks/zzz", "officer", NULL, 404, "TASK_UNKNOWN");
    call(w, KH_POST, path(w, "/api/v1/tasks/", t, "/claim"), "mai", NULL, 403, "FORBIDDEN");
    call(w, KH_POST, path(w, "/api/v1/tasks/", t, "/claim"), "officer", NULL, 200,
         path(w, "\"claimed_by\":\"", 8, "\""));
    call(w, KH_GET, "/api/v1/tasks?mine=true", "officer", NULL, 200, "\"state\":\"claimed\"");
    call(w, KH_POST, path(w, "/api/v1/tasks/", t, "/release"), "officer", NULL, 200,
         "\"state\":\"open\"");
    call(w, KH_POST, path(w, "/api/v1/tasks/", t, "/complete"), "officer", "{'variables':{}}", 422,
         "\"pointer\":\"/x\"");
    call(w, KH_POST, path(w, "/api/v1/tasks/", t, "/complete"), "officer", "{'x':1}", 422,
         "BODY_INVALID");
    call(w, KH_POST, path(w, "/api/v1/tasks/", t, "/complete"), "officer", "{'variables':{'x':1}}",
         200, "\"state\":\"done\"");
    call(w, KH_POST, path(w, "/api/v1/tasks/", t, "/complete"), "officer", "{'variables':{'x':1}}",
         409, "TASK_DONE");
    call(w, KH_GET, "/api/v1/tasks?state=done", "officer", NULL, 200, "\"done_at\"");
}

static void an_inbox_that_is_asked_wrongly(void **state)
{
    static const struct {
        const char *target, *code;
    } bad[] = {
        {"/api/v1/tasks?state=lost", "PARAMETER_INVALID"},
        {"/api/v1/tasks?case=1", "PARAMETER_INVALID"},
        {"/api/v1/tasks?due_before=soon", "PARAMETER_INVALID"},
        {"/api/v1/tasks?mine=yes", "PARAMETER_INVALID"},
        {"/api/v1/tasks?limit=0", "PARAMETER_INVALID"},
        {"/api/v1/tasks?after=7", "CURSOR_INVALID"},
        {"/api/v1/tasks?cases=7", "PARAMETER_UNKNOWN"},
    };
    struct world *w = *state;

    for (size_t i = 0; i < KH_LEN(bad); i++)
        call(w, KH_GET, bad[i].target, "officer", NULL, 400, bad[i].code);
}

static void processes_and_instances(void **state)
{
    struct world *w = *state;
    struct kh_str id;
    int64_t i;

    assert_true(deploy(w, model));
    assert_true(deploy(w, "<process id='free' kh:starter='officer'>" START("a") TASK("a")
                              FLOW("a", "e") END "</process>"));
    call(w, KH_GET, "/api/v1/processes", "mai", NULL, 200, "\"key\":\"free\",\"version\":1");
    call(w, KH_GET, "/api/v1/processes/none", "mai", NULL, 404, "PROCESS_UNKNOWN");
    call(w, KH_GET, "/api/v1/processes/p/bpmn", "mai", NULL, 200, "<definitions");
    call(w, KH_POST, "/api/v1/processes/free/instances", "mai", "{}", 403, "FORBIDDEN");
    call(w, KH_POST, "/api/v1/processes/p/instances", "officer", "{}", 403, "FORBIDDEN");
    call(w, KH_POST, "/api/v1/processes/free/instances", "officer", "{'variables':[]}", 422,
         "BODY_INVALID");
    call(w, KH_POST, "/api/v1/processes/free/instances", "officer", "{'case':'0000000000001'}", 404,
         "RECORD_UNKNOWN");
    call(w, KH_POST, "/api/v1/processes/free/instances", "officer",
         "{'case':{'type':'x','id':'0000000000001'}}", 404, "RECORD_UNKNOWN");
    call(w, KH_POST, "/api/v1/processes/free/instances", "officer", "{'variables':{'x':'Đ'}}", 201,
         "{\"id\":\"");
    assert_true(kh_str_starts(reply_header_of(now, "Location"), KH_S("/api/v1/instances/")));
    id = kh_str_skip(reply_header_of(now, "Location"), strlen("/api/v1/instances/"));
    assert_true(kh_id_parse(id, &i));
    call(w, KH_GET, "/api/v1/processes/free", "mai", NULL, 200, "\"running\":1");
    call(w, KH_GET, path(w, "/api/v1/instances/", i, ""), "admin", NULL, 200,
         "\"state\":\"running\"");
    assert_true(
        body_has(now, "\"tokens\":[{\"element\":\"a\",\"since\":\"2026-09-15T02:00:00Z\"}]"));
    assert_true(body_has(now, "\"variables\":{\"x\":\"Đ\"}"));
    call(w, KH_GET, path(w, "/api/v1/instances/", i, ""), "mai", NULL, 404, "INSTANCE_UNKNOWN");
    call(w, KH_GET, "/api/v1/instances/x", "admin", NULL, 404, "INSTANCE_UNKNOWN");
}

static void messages_from_outside(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(w, "<message id='m' name='paid'/>" PROCESS(
                              "p", START("a") "<intermediateCatchEvent id='a' kh:correlation='k'>"
                                              "<messageEventDefinition messageRef='m'/>"
                                              "</intermediateCatchEvent>" FLOW("a", "e") END)));
    i = start(w, "p", NULL, 0, "{'k':'A'}");
    call(w, KH_POST, "/api/v1/messages/paid", "officer", "{'correlation':'A'}", 403, "FORBIDDEN");
    call(w, KH_POST, "/api/v1/messages/paid", "admin", "{'correlation':7}", 422, "BODY_INVALID");
    call(w, KH_POST, "/api/v1/messages/paid", "admin", "{'correlation':'B'}", 200,
         "{\"delivered\":0}");
    call(w, KH_POST, "/api/v1/messages/paid", "admin", "{'correlation':'A','variables':{'sum':5}}",
         200, "{\"delivered\":1}");
    assert_where(w, i, "ended");
    call(w, KH_GET, "/api/v1/jobs/dead", "admin", NULL, 200, "{\"items\":[]}");
    call(w, KH_GET, "/api/v1/jobs/dead", "officer", NULL, 403, "FORBIDDEN");
    call(w, KH_POST, path(w, "/api/v1/jobs/", 5, "/retry"), "admin", NULL, 404, "JOB_UNKNOWN");
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, calls_setup, calls_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(a_task_from_the_inbox_to_done),
        STORY(an_inbox_that_is_asked_wrongly),
        STORY(processes_and_instances),
        STORY(messages_from_outside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
