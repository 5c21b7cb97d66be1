/* SPDX-License-Identifier: Apache-2.0 */
/* Models as other modellers save them come in and run without a change to their XML. The files in
 * models/ were written by hand, each in the manner of its modeller. */
#include "world.h"

#include "base/buf.h"

#include <stdlib.h>

static struct kh_str model(struct world *w, const char *name)
{
    const char *root = getenv("KHUE_SOURCE");
    struct kh_str path =
        kh_strf(w->a, "%s/tests/unit/process/models/%s.bpmn", root ? root : ".", name);
    FILE *f = fopen(kh_str_z(w->a, path), "rb");
    char *text = kh_alloc(w->a, 1 << 20);
    size_t n;

    if (!f)
        fail_msg("%.*s is not there", KH_FMT(path));
    n = fread(text, 1, 1 << 20, f);
    fclose(f);
    return kh_str(text, n);
}

struct load {
    struct world *w;
    struct kh_str xml;
};

static bool load_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct load *l = ctx;

    return kh_process_deploy(tx, l->w->pe, l->w->a, l->xml, err);
}

static void load(struct world *w, const char *name)
{
    struct load l = {.w = w, .xml = model(w, name)};

    w->err = (struct kh_error){0};
    if (kh_store_run(w->f.st, "test", KH_TX_WRITE, load_in_tx, &l, &w->err))
        return;
    for (size_t i = 0; w->err.issues && i < w->err.issues->n; i++)
        fprintf(stderr, "# %s %.*s: %.*s\n", name, KH_FMT(w->err.issues->items[i].pointer),
                KH_FMT(w->err.issues->items[i].en));
    fail_msg("%s: %s", name, w->err.detail);
}

static void bpmn_io(void **state)
{
    struct world *w = *state;
    int64_t i;

    load(w, "bpmn-io");
    i = start(w, "Process_0bpmnio", NULL, 0, NULL);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM task WHERE role = 'officer'"), 1);
    work(w, i, "Activity_0check", "{'sign':true}");
    assert_where(w, i, "running Activity_1sign");
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM task WHERE role = 'leader'"), 1);
    work(w, i, "Activity_1sign", NULL);
    assert_where(w, i, "ended");
    i = start(w, "Process_0bpmnio", NULL, 0, NULL);
    work(w, i, "Activity_0check", NULL);
    assert_where(w, i, "ended");
}

static void camunda_8(void **state)
{
    struct world *w = *state;
    int64_t i;

    load(w, "camunda-8");
    i = start(w, "camunda8", NULL, 0, "{'depts':['A','B'],'number':'n1'}");
    assert_where(w, i, "running ask,ask");
    assert_string_equal(variable(w, i, "many"), "2");
    work(w, i, "ask", "{'opinion':'yes'}");
    assert_int_equal(pass(w, 4 * KH_US_DAY), 1);
    work(w, i, "ask", "{'opinion':'no'}");
    assert_where(w, i, "running pay");
    assert_non_null(strstr(variable(w, i, "opinions"), "yes"));
    assert_string_equal(variable(w, i, "hasDue"), "true");
    assert_int_equal(message(w, "paid", 0, "n2", NULL), 0);
    assert_int_equal(message(w, "paid", 0, "n1", NULL), 1);
    assert_where(w, i, "ended");
}

static void camunda_7(void **state)
{
    struct world *w = *state;
    int64_t i;

    load(w, "camunda-7");
    i = start(w, "camunda7", NULL, 0, NULL);
    assert_where(w, i, "running SubProcess_1,UserTask_1");
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM task WHERE role = 'officer'"), 1);
    work(w, i, "UserTask_1", "{'ok':false}");
    assert_where(w, i, "ended");
}

static void signavio(void **state)
{
    struct world *w = *state;
    int64_t i;

    load(w, "signavio");
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM process"), 1);
    i = start(w, "sid-signavio", NULL, 0, NULL);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM task WHERE role = 'officer'"), 1);
    work(w, i, "sid-task", NULL);
    assert_where(w, i, "running sid-g");
    assert_int_equal(
        fixture_ask(&w->f, "SELECT count(*) FROM message_wait WHERE name = 'supplement'"), 1);
    assert_int_equal(pass(w, 31 * KH_US_DAY), 1);
    assert_where(w, i, "terminated");
}

static void bizagi(void **state)
{
    struct world *w = *state;
    int64_t i;

    load(w, "bizagi");
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM process"), 1);
    i = start(w, "Id_bizagi", NULL, 0, NULL);
    work(w, i, "Id_t1", "{'again':true}");
    assert_where(w, i, "running Id_t1");
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM task WHERE role = 'officer'"), 2);
    work(w, i, "Id_t1", "{'again':false}");
    assert_where(w, i, "ended");
}

static void trisotech(void **state)
{
    struct world *w = *state;
    int64_t i;

    load(w, "trisotech");
    i = start(w, "_trisotech", NULL, 0, "{'amount':3}");
    assert_where(w, i, "running _sub,_work");
    assert_string_equal(variable(w, i, "dueAt"), "\"2026-09-18T02:00:00Z\"");
    assert_string_equal(variable(w, i, "twice"), "6");
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM task WHERE role = 'officer'"), 1);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM signal_wait WHERE name = 'stop'"), 1);
    work(w, i, "_work", NULL);
    assert_where(w, i, "ended");
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM signal_wait"), 0);
}

/* What computes where nothing is mapped is refused, not overlooked. */
static void data_that_would_be_lost_is_refused(void **state)
{
    struct world *w = *state;

    assert_false(deploy(
        w,
        PROCESS("p", START("a") "<userTask id='a' kh:role='officer'><dataInputAssociation id='d'>"
                                "<assignment><from>1</from><to>x</to></assignment>"
                                "</dataInputAssociation></userTask>" FLOW("a", "e") END)));
    assert_true(kh_str_is(w->err.issues->items[0].code, "unsupported"));
    assert_false(deploy(
        w, PROCESS("p", START("a") "<serviceTask id='a' kh:function='calendar.due'>"
                                   "<dataInputAssociation id='d'><transformation>1</transformation>"
                                   "</dataInputAssociation></serviceTask>" FLOW("a", "e") END)));
    assert_true(kh_str_is(w->err.issues->items[0].code, "unsupported"));
    assert_false(deploy(
        w,
        PROCESS("p",
                START("a") "<serviceTask id='a' kh:function='calendar.due'>"
                           "<dataOutputAssociation id='d'><assignment><from>1</from>"
                           "<to>case</to></assignment></dataOutputAssociation></serviceTask>" FLOW(
                               "a", "e") END)));
    assert_true(kh_str_is(w->err.issues->items[0].code, "name"));
    /* A lane is no role because it has a name. */
    assert_false(deploy(
        w,
        PROCESS("p", "<laneSet id='ls'><lane id='l' name='Phòng Một'><flowNodeRef>a</flowNodeRef>"
                     "</lane></laneSet>" START("a") "<userTask id='a'/>" FLOW("a", "e") END)));
    assert_true(kh_str_is(w->err.issues->items[0].code, "required"));
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(bpmn_io),
        STORY(camunda_8),
        STORY(camunda_7),
        STORY(signavio),
        STORY(bizagi),
        STORY(trisotech),
        STORY(data_that_would_be_lost_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
