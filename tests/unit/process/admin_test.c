/* SPDX-License-Identifier: Apache-2.0 */
/* An administrator's hand on running instances: moves, other versions. */
#include "../api/call_fixture.h"
#include "world.h"

#include "api/routes.h"
#include "base/id.h"

#define REPORT                                                                                      \
    "{'type':'object','x-kh':{'title':'number','unit':'unit','sensitivity':'internal','access':["   \
    "{'role':'officer','ops':['read','list','create','update'],'where':'unit','see':'personal'}]}," \
    "'properties':{'number':{'type':'string'},'unit':{'type':'string','x-kh':{'index':true}}},"     \
    "'required':['number']}"

/* ---- moving ---- */

struct hand {
    struct world *w;
    int64_t id;
    const char *from, *to, *reason;
    struct kh_migration plan;
    struct kh_migrated got;
};

static bool move_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct hand *h = ctx;

    return kh_instance_move(tx, h->w->pe, h->w->a, h->id, kh_cstr(h->from), kh_cstr(h->to),
                            kh_cstr(h->reason), &h->w->chief, err);
}

static bool move(struct world *w, int64_t id, const char *from, const char *to, const char *reason)
{
    struct hand h = {.w = w, .id = id, .from = from, .to = to, .reason = reason};

    w->err = (struct kh_error){0};
    return kh_store_run(w->f.st, "test", KH_TX_WRITE, move_in_tx, &h, &w->err);
}

static void a_case_is_moved_with_a_reason(void **state)
{
    struct world *w = *state;
    int64_t i, id;

    assert_true(put_type(w, "report", REPORT));
    assert_true(deploy(
        w, PROCESS("p", START("a") TASK("a") "<boundaryEvent id='l' attachedToRef='a'>" TIMER(
                            "PT1H") "</boundaryEvent>" FLOW("l", "e") FLOW("a", "b") TASK("b")
                            FLOW("b", "c") "<intermediateCatchEvent id='c'>" TIMER(
                                "PT1H") "</intermediateCatchEvent>" FLOW("c", "e") END)));
    id = create(w, "report", "{'number':'1','unit':'H26.19'}");
    i = start(w, "p", "report", id, NULL);
    told(w);
    assert_false(move(w, i, "a", "b", " "));
    assert_int_equal(w->err.code, KH_EC_REASON_REQUIRED);
    assert_true(move(w, i, "a", "b", "chuyển nhầm bước"));
    assert_string_equal(told(w), "process.move task.cancel task.create");
    assert_where(w, i, "running b");
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM job"), 0);
    assert_int_equal(
        fixture_ask(&w->f, kh_str_z(w->a, kh_strf(w->a,
                                                  "SELECT count(*) FROM event WHERE kind = "
                                                  "'process.move' AND actor = 'account:%.*s' AND "
                                                  "reason = 'chuyển nhầm bước' AND about = %lld",
                                                  KH_FMT(kh_id_text(w->a, 1003)), (long long)id))),
        1);
    assert_true(move(w, i, "b", "c", "again"));
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM job"), 1);
    assert_true(move(w, i, "c", "b", "back"));
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM job"), 0);
    assert_true(move(w, i, "b", "e", "enough"));
    assert_where(w, i, "ended");
    assert_false(move(w, i, "b", "e", "once more"));
    assert_int_equal(w->err.code, KH_EC_INSTANCE_UNKNOWN);
}

static void what_cannot_be_moved_stays(void **state)
{
    static const char *const bad[][2] = {
        {"a", "none"}, {"none", "a"}, {"b", "a"}, {"a", "s"}, {"a", "i"}, {"a", "l"}, {"i", "a"},
    };
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(
        w, PROCESS("p",
                   START("a") TASK("a") "<boundaryEvent id='l' attachedToRef='a'>" TIMER(
                       "PT1H") "</boundaryEvent>" FLOW("l", "e") FLOW("a", "b") TASK("b")
                       FLOW("b", "u") "<subProcess id='u'><startEvent id='s2'/>" FLOW("s2",
                                                                                      "i") TASK("i")
                           FLOW("i", "e2") "<endEvent id='e2'/></subProcess>" FLOW("u", "e") END)));
    i = start(w, "p", NULL, 0, NULL);
    for (size_t k = 0; k < KH_LEN(bad); k++) {
        assert_false(move(w, i, bad[k][0], bad[k][1], "x"));
        assert_int_equal(w->err.code, KH_EC_MOVE_INVALID);
    }
    assert_where(w, i, "running a");
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM event WHERE kind = 'process.move'"),
                     0);
    assert_true(move(w, i, "a", "u", "x"));
    assert_where(w, i, "running u,i");
    assert_true(move(w, i, "u", "b", "x"));
    assert_where(w, i, "running b");
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM task WHERE state = 3"), 2);
}

static void a_move_to_where_paths_meet_counts_there(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(
        w, PROCESS("p", START("f") "<parallelGateway id='f'/>" FLOW("f", "a") FLOW("f", "b")
                            TASK("a") TASK("b") "<parallelGateway id='j'/>" FLOW("a", "j")
                                FLOW("b", "j") FLOW("j", "z") TASK("z") FLOW("z", "e") END)));
    i = start(w, "p", NULL, 0, NULL);
    assert_true(move(w, i, "a", "j", "x"));
    assert_where(w, i, "running j,b");
    assert_true(move(w, i, "b", "j", "x"));
    assert_where(w, i, "running z");
}

static void a_repeated_activity_moves_as_a_whole(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(
        w, PROCESS("p", START("a") "<userTask id='a' kh:role='officer' kh:unit='\"H26.19\"'>"
                                   "<multiInstanceLoopCharacteristics kh:collection='l'/>"
                                   "</userTask>" FLOW("a", "b") TASK("b") FLOW("b", "e") END)));
    i = start(w, "p", NULL, 0, "{'l':[1,2]}");
    assert_where(w, i, "running a,a");
    assert_true(move(w, i, "a", "b", "x"));
    assert_where(w, i, "running b");
    assert_true(move(w, i, "b", "a", "x"));
    assert_where(w, i, "running a,a");
}

/* ---- other versions ---- */

static bool migrate_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct hand *h = ctx;

    return kh_process_migrate(tx, h->w->pe, h->w->a, &h->plan, &h->w->chief, &h->got, err);
}

static bool migrate(struct world *w, int64_t from, int64_t to, const char *mapping, bool dry,
                    struct kh_migrated *ret)
{
    struct hand h = {.w = w,
                     .plan = {.key = KH_S("p"),
                              .from = from,
                              .to = to,
                              .mapping = mapping ? json(w, mapping) : NULL,
                              .dry_run = dry,
                              .reason = KH_S("a better model"),
                              .limit = 100}};
    bool good;

    w->err = (struct kh_error){0};
    good = kh_store_run(w->f.st, "test", KH_TX_WRITE, migrate_in_tx, &h, &w->err);
    *ret = h.got;
    return good;
}

#define OLD                                                                                        \
    PROCESS("p",                                                                                   \
            START("a") TASK("a") "<boundaryEvent id='l' attachedToRef='a' "                        \
                                 "cancelActivity='false'>" TIMER("PT1H") "</boundaryEvent>" FLOW(  \
                                     "l", "e") FLOW("a", "b") TASK("b") FLOW("b", "e") END)
/* a is called a2, its timer l2, and there is a step between a and b. */
#define NEW                                                                                        \
    PROCESS("p",                                                                                   \
            START("a2") TASK("a2") "<boundaryEvent id='l2' attachedToRef='a2' "                    \
                                   "cancelActivity='false'>" TIMER(                                \
                                       "PT1H") "</boundaryEvent>" FLOW("l2", "e") FLOW("a2", "x")  \
                                       TASK("x") FLOW("x", "b") TASK("b") FLOW("b", "e") END)

static void running_instances_go_over_to_a_new_version(void **state)
{
    struct world *w = *state;
    struct kh_migrated got;
    struct kh_task t;
    int64_t i, k;

    assert_true(deploy(w, OLD));
    i = start(w, "p", NULL, 0, NULL);
    k = start(w, "p", NULL, 0, NULL);
    work(w, k, "a", NULL);
    assert_where(w, k, "running b");
    assert_true(deploy(w, NEW));
    told(w);
    /* Not without a plan: a is unknown, and so is its timer. */
    assert_false(migrate(w, 1, 2, NULL, false, &got));
    assert_int_equal(w->err.code, KH_EC_PLAN_INVALID);
    assert_int_equal(w->err.issues->n, 2);
    assert_true(kh_str_is(w->err.issues->items[0].pointer, "/mapping/a"));
    assert_true(kh_str_is(w->err.issues->items[0].code, "unmapped"));
    assert_false(migrate(w, 1, 2, "{'a':'a2'}", false, &got));
    assert_int_equal(w->err.issues->n, 1);
    assert_true(migrate(w, 1, 2, "{'a':'a2','l':'l2'}", true, &got));
    assert_int_equal(got.checked, 2);
    assert_int_equal(got.moved, 0);
    assert_string_equal(told(w), "");
    assert_where(w, i, "running a");
    assert_true(migrate(w, 1, 2, "{'a':'a2','l':'l2'}", false, &got));
    assert_int_equal(got.moved, 2);
    assert_int_equal(got.next, 0);
    assert_string_equal(told(w), "process.migrate task.migrate process.migrate task.migrate");
    assert_where(w, i, "running a2");
    assert_where(w, k, "running b");
    assert_int_equal(verify(w), 0);
    world_reopen(w);
    /* The timer of before, at its new place; the task, under its new name; the step between. */
    assert_int_equal(pass(w, 2 * KH_US_H), 1);
    assert_true(get_task(w, task(w, i, "a2"), &t));
    assert_true(kh_str_is(t.key, "a2"));
    assert_true(claim(w, task(w, i, "a2"), true, &w->officer));
    assert_true(complete(w, task(w, i, "a2"), NULL, &w->officer));
    assert_where(w, i, "running x");
    work(w, i, "x", NULL);
    work(w, i, "b", NULL);
    work(w, k, "b", NULL);
    assert_where(w, i, "ended");
    assert_where(w, k, "ended");
    /* Nobody is left on the old one. */
    assert_true(migrate(w, 1, 2, "{'a':'a2','l':'l2'}", false, &got));
    assert_int_equal(got.checked, 0);
}

static void a_plan_that_does_not_fit_is_refused(void **state)
{
    static const struct {
        const char *mapping, *pointer, *code;
    } bad[] = {
        {"{'a':'none'}", "/mapping/a", "unknown"},     {"{'none':'b'}", "/mapping/none", "unknown"},
        {"{'a':'e'}", "/mapping/a", "kind"},           {"{'a':null}", "/mapping/a", "unmapped"},
        {"{'a':'b','l':'l2'}", "/mapping/l", "place"}, {"{'a':'a2','l':'e'}", "/mapping/l", "kind"},
    };
    struct world *w = *state;
    struct kh_migrated got;
    int64_t i;

    assert_true(deploy(w, OLD));
    assert_true(deploy(w, NEW));
    assert_false(migrate(w, 1, 7, NULL, false, &got));
    assert_int_equal(w->err.code, KH_EC_PROCESS_UNKNOWN);
    /* On the newest version nothing stands on the old one's elements. */
    assert_true(migrate(w, 1, 2, NULL, false, &got));
    assert_int_equal(got.checked, 0);
    assert_true(deploy(w, OLD));
    i = start(w, "p", NULL, 0, NULL);
    for (size_t n = 0; n < KH_LEN(bad); n++) {
        assert_false(migrate(w, 3, 2, bad[n].mapping, false, &got));
        assert_int_equal(w->err.code, KH_EC_PLAN_INVALID);
        if (!kh_str_is(w->err.issues->items[0].pointer, bad[n].pointer) ||
            !kh_str_is(w->err.issues->items[0].code, bad[n].code))
            fail_msg("%s: %.*s %.*s", bad[n].mapping, KH_FMT(w->err.issues->items[0].pointer),
                     KH_FMT(w->err.issues->items[0].code));
    }
    assert_where(w, i, "running a");
    /* An event beside something can be dropped by saying so. */
    assert_true(migrate(w, 3, 2, "{'a':'b','l':null}", false, &got));
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM job"), 0);
    assert_where(w, i, "running b");
}

static void what_waits_goes_over_too(void **state)
{
    static const char one[] = "<message id='m' name='m1'/><signal id='sg' name='s1'/>" PROCESS(
        "p",
        START("f") "<parallelGateway id='f'/>" FLOW("f", "r") FLOW("f", "c") FLOW("f", "j")
            FLOW("f", "u") "<receiveTask id='r' messageRef='m' kh:correlation='key'/>" FLOW(
                "r",
                "j") "<intermediateCatchEvent id='c'><signalEventDefinition "
                     "signalRef='sg'/></intermediateCatchEvent>" FLOW(
                         "c",
                         "j") "<userTask id='u' kh:role='officer' kh:unit='\"H26.19\"'>"
                              "<multiInstanceLoopCharacteristics kh:collection='l'/></userTask>" FLOW(
                                  "u", "j") "<parallelGateway id='j'/>" FLOW("j", "e") END);
    /* The same in another order of ways to the join, with other names. */
    static const char two[] = "<message id='m' name='m2'/><signal id='sg' name='s2'/>" PROCESS(
        "p",
        START("f") "<parallelGateway id='f'/>" FLOW("f", "r") FLOW("f", "c") FLOW(
            "f",
            "u") "<userTask id='u' kh:role='officer' kh:unit='\"H26.19\"'>"
                 "<multiInstanceLoopCharacteristics kh:collection='l'/></userTask>" FLOW(
                     "u",
                     "j") "<intermediateCatchEvent id='c'><signalEventDefinition "
                          "signalRef='sg'/></intermediateCatchEvent>" FLOW("c", "j") "<receiveTask id='r' messageRef='m' kh:correlation='key'/>" FLOW(
                              "r", "j") "<parallelGateway id='j'/>" FLOW("f", "j") FLOW("j", "z")
                              TASK("z") FLOW("z", "e") END)
        PROCESS("go", START("e") "<endEvent id='e'>"
                                 "<signalEventDefinition "
                                 "signalRef='sg'/></endEvent>");
    struct world *w = *state;
    struct kh_migrated got;
    int64_t i;

    assert_true(deploy(w, one));
    i = start(w, "p", NULL, 0, "{'key':'k','l':[1,2]}");
    assert_where(w, i, "running r,c,j,u,u");
    assert_true(deploy(w, two));
    assert_true(migrate(w, 1, 2, NULL, false, &got));
    assert_int_equal(message(w, "m1", 0, "k", NULL), 0);
    assert_int_equal(message(w, "m2", 0, "k", NULL), 1);
    assert_where(w, start(w, "go", NULL, 0, NULL), "ended");
    assert_int_equal(pass(w, 0), 1);
    assert_where(w, i, "running j,j,j,u,u");
    work(w, i, "u", NULL);
    work(w, i, "u", NULL);
    assert_where(w, i, "running z");
}

static void pages_of_instances_go_over_one_by_one(void **state)
{
    struct world *w = *state;
    struct hand h = {.w = w,
                     .plan = {.key = KH_S("p"),
                              .from = 1,
                              .to = 2,
                              .mapping = json(w, "{'a':'a2','l':'l2'}"),
                              .reason = KH_S("x"),
                              .limit = 2}};
    int64_t moved = 0;
    int pages = 0;

    assert_true(deploy(w, OLD));
    for (int k = 0; k < 5; k++)
        assert_true(start(w, "p", NULL, 0, NULL) != 0);
    assert_true(deploy(w, NEW));
    do {
        assert_true(kh_store_run(w->f.st, "test", KH_TX_WRITE, migrate_in_tx, &h, &w->err));
        moved += h.got.moved;
        h.plan.after = h.got.next;
        pages++;
    } while (h.got.next);
    assert_int_equal(moved, 5);
    assert_int_equal(pages, 3);
}

/* The store keeps its snapshot until something is committed through it. */
static void behind_the_back(struct world *w, const char *sql)
{
    w->tampered = true;
    fixture_tamper(&w->f, sql);
    world_reopen(w);
}

/* A version changed behind the back is still found, whether the instance went over or not. */
static void a_forged_version_is_found(void **state)
{
    struct world *w = *state;
    struct kh_migrated got;
    int64_t i;

    assert_true(deploy(w, OLD));
    i = start(w, "p", NULL, 0, NULL);
    work(w, i, "a", NULL);
    assert_true(deploy(w, NEW));
    assert_true(migrate(w, 1, 2, "{'a':'a2','l':'l2'}", false, &got));
    assert_int_equal(verify(w), 0);
    behind_the_back(w, "UPDATE task SET process_id = (SELECT id FROM process WHERE version = 2) "
                       "WHERE key = 'a'");
    assert_int_equal(verify(w), 1);
    behind_the_back(w, "UPDATE task SET process_id = (SELECT id FROM process WHERE version = 1)");
    assert_int_equal(verify(w), 1);
    behind_the_back(w,
                    "UPDATE instance SET process_id = (SELECT id FROM process WHERE version = 1)");
    assert_int_equal(verify(w), 2);
}

/* ---- as programs see it ---- */

static void administrators_only(void **state)
{
    static const struct kh_route *const tables[] = {kh_routes_process_admin, kh_routes_record,
                                                    NULL};
    struct world *w = *state;
    struct kh_call *c;
    static const struct {
        const char *path, *token, *body;
        int status;
        const char *says;
    } calls[] = {
        {"instances/%s/move", "officer", "{'from':'a','to':'b','reason':'x'}", 403, "FORBIDDEN"},
        {"instances/%s/move", "admin", "{'from':'a','to':'b'}", 422, "REASON_REQUIRED"},
        {"instances/%s/move", "admin", "{'from':'a','to':7,'reason':'x'}", 422, "BODY_INVALID"},
        {"instances/%s/move", "admin", "{'from':'a','to':'zz','reason':'x'}", 422, "MOVE_INVALID"},
        {"instances/zz/move", "admin", "{'from':'a','to':'b','reason':'x'}", 404,
         "INSTANCE_UNKNOWN"},
        {"instances/%s/move", "admin", "{'from':'a','to':'b','reason':'x'}", 204, ""},
        {"processes/p/migrate", "officer", "{'from':1,'to':2,'reason':'x'}", 403, "FORBIDDEN"},
        {"processes/p/migrate", "admin", "{'from':1,'to':1,'reason':'x'}", 422, "BODY_INVALID"},
        {"processes/p/migrate", "admin", "{'from':1,'to':2}", 422, "REASON_REQUIRED"},
        {"processes/p/migrate", "admin", "{'from':1,'to':2,'limit':1001,'dry_run':true}", 422,
         "BODY_INVALID"},
        {"processes/p/migrate", "admin", "{'from':1,'to':9,'dry_run':true}", 404,
         "PROCESS_UNKNOWN"},
        {"processes/p/migrate", "admin",
         "{'from':1,'to':2,'dry_run':true,'mapping':{'b':'x','c':'a'}}", 422,
         "\"pointer\":\"/mapping/c\""},
        {"processes/p/migrate", "admin", "{'from':1,'to':2,'dry_run':true}", 200,
         "{\"checked\":1,\"moved\":0}"},
        {"processes/p/migrate", "admin", "{'from':1,'to':2,'reason':'x'}", 200, "\"moved\":1"},
        {"signals/s1", "officer", "{}", 403, "FORBIDDEN"},
        {"signals/s1", "admin", "{'variables':7}", 422, "BODY_INVALID"},
        {"signals/s1", "admin", "{'variables':{'x':1}}", 204, ""},
    };
    int64_t i;

    calls_open(kh_routes_process_admin);
    kh_router_drop(cf.city.router);
    cf.city.router = kh_router_new(tables);
    cf.city.store = w->f.st;
    cf.city.registry = w->reg;
    cf.city.process = w->pe;
    assert_true(deploy(w, OLD));
    i = start(w, "p", NULL, 0, NULL);
    assert_true(deploy(w, NEW));
    for (size_t k = 0; k < KH_LEN(calls); k++) {
        struct kh_str id = kh_id_text(w->a, i);
        char path[200];
        const char *gap = strstr(calls[k].path, "%s");

        if (gap)
            snprintf(path, sizeof(path), "/api/v1/%.*s%.*s%s", (int)(gap - calls[k].path),
                     calls[k].path, (int)id.n, id.p, gap + 2);
        else
            snprintf(path, sizeof(path), "/api/v1/%s", calls[k].path);
        c = call_new(KH_POST, path, calls[k].token, quoted(w, calls[k].body).p);
        call_run(c);
        if (c->reply.status != calls[k].status || (*calls[k].says && !body_has(c, calls[k].says)))
            fail_msg("%zu %s -> %d %.*s", k, path, c->reply.status, KH_FMT(c->reply.body));
        kh_arena_drop(c->a);
    }
    calls_close();
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(a_case_is_moved_with_a_reason),
        STORY(what_cannot_be_moved_stays),
        STORY(a_move_to_where_paths_meet_counts_there),
        STORY(a_repeated_activity_moves_as_a_whole),
        STORY(running_instances_go_over_to_a_new_version),
        STORY(a_plan_that_does_not_fit_is_refused),
        STORY(what_waits_goes_over_too),
        STORY(pages_of_instances_go_over_one_by_one),
        STORY(a_forged_version_is_found),
        STORY(administrators_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
