/* SPDX-License-Identifier: Apache-2.0 */
/* Somebody with access to the database changes tasks and instances behind the engine's back: it is
 * found and named. A city at work is not accused. */
#include "world.h"

#include "base/id.h"

#include <pthread.h>
#include <stdatomic.h>

#define CASE                                                                                       \
    "{'type':'object','x-kh':{'title':'number','unit':'unit'},'properties':{"                      \
    "'number':{'type':'string'},'unit':{'type':'string'}},'required':['number']}"

#define SERVICE(id, fn) "<serviceTask id='" id "' kh:function='" fn "'/>"
#define DUE(id)                                                                                    \
    "<userTask id='" id "' kh:role='officer' kh:unit='\"H26.19\"' kh:due='PT8H' "                  \
    "kh:calendar='default'/>"

/* An officer works, and beside it the citizen is asked: meanwhile the clock of the case stands. */
static const char clocked[] = PROCESS(
    "clocked",
    START("f") "<parallelGateway id='f'/>" FLOW("f", "a") FLOW("f", "ask") DUE("a") FLOW("a", "e")
        TASK("ask") FLOW("ask", "stop") SERVICE("stop", "clock.suspend") FLOW("stop", "answer")
            TASK("answer") FLOW("answer", "go") SERVICE("go", "clock.resume") FLOW("go", "e") END);

/* Another process about the same case stops its clock. */
static const char other[] =
    PROCESS("other", START("stop") SERVICE("stop", "clock.suspend") FLOW("stop", "b") TASK("b")
                         FLOW("b", "go") SERVICE("go", "clock.resume") FLOW("go", "e") END);

/* A call that is given up after a day, with all that it began. */
static const char caller[] = PROCESS("inner", START("c") TASK("c") FLOW("c", "e") END) PROCESS(
    "caller", START("call") "<callActivity id='call' calledElement='inner'/>" FLOW("call", "e") END
    "<boundaryEvent id='late' attachedToRef='call'>" TIMER("P1D") "</boundaryEvent>" FLOW(
        "late", "d") TASK("d") FLOW("d", "e"));

static const char terminated[] =
    PROCESS("terminated",
            START("f") "<parallelGateway id='f'/>" FLOW("f", "x") FLOW("f", "y") TASK("x") TASK("y")
                FLOW("x", "e")
                    END FLOW("y", "t") "<endEvent id='t'><terminateEventDefinition/></endEvent>");

static int64_t open_case(struct world *w, const char *key)
{
    return start(w, key, "file", create(w, "file", "{'number':'1','unit':'H26.19'}"), NULL);
}

/* Everything that can become of a task or an instance. */
static void busy(struct world *w)
{
    int64_t stopped, gone_on, done, late, unasked, twice, id, i;

    assert_true(put_type(w, "file", CASE));
    assert_true(deploy(w, clocked) && deploy(w, other) && deploy(w, caller) &&
                deploy(w, terminated));
    assert_true(stopped = open_case(w, "clocked"));
    assert_true(gone_on = open_case(w, "clocked"));
    assert_true(done = open_case(w, "clocked"));
    assert_true(late = open_case(w, "clocked"));
    assert_true(unasked = open_case(w, "clocked"));
    assert_true(id = create(w, "file", "{'number':'2','unit':'H26.19'}"));
    assert_true(twice = start(w, "clocked", "file", id, NULL));
    assert_true(start(w, "other", "file", id, NULL));
    assert_true(start(w, "caller", NULL, 0, NULL));
    assert_true(i = start(w, "terminated", NULL, 0, NULL));
    work(w, i, "y", NULL);
    /* Claimed, refused, given back, taken by another, done by who has not claimed. */
    assert_true(claim(w, task(w, unasked, "a"), true, &w->officer));
    assert_false(complete(w, task(w, unasked, "a"), NULL, &w->chief));
    assert_false(claim(w, task(w, unasked, "a"), true, &w->citizen));
    assert_true(claim(w, task(w, unasked, "a"), false, &w->officer));
    assert_true(claim(w, task(w, unasked, "a"), true, &w->chief));
    assert_true(claim(w, task(w, stopped, "a"), true, &w->officer));
    pass(w, 2 * KH_US_H + 1);
    work(w, stopped, "ask", NULL);
    work(w, gone_on, "ask", NULL);
    work(w, done, "ask", NULL);
    assert_true(claim(w, task(w, done, "a"), true, &w->officer)); /* while the clock stands */
    assert_int_equal(verify(w), 0);
    pass(w, KH_US_DAY + 7);
    work(w, gone_on, "answer", NULL);
    work(w, done, "answer", NULL);
    assert_true(complete(w, task(w, done, "a"), NULL, &w->officer));
    pass(w, 9 * KH_US_DAY); /* late, and gone_on too */
    work(w, late, "ask", NULL);
    i = start(w, "caller", NULL, 0, NULL);
    assert_true(i && start(w, "terminated", NULL, 0, NULL));
    assert_int_equal(verify(w), 0);
    assert_int_equal(w->rows, fixture_ask(&w->f, "SELECT (SELECT count(*) FROM task) + "
                                                 "(SELECT count(*) FROM instance)"));
    assert_true(fixture_ask(&w->f, "SELECT count(*) FROM task WHERE held_us <> 0") >= 2);
    assert_true(fixture_ask(&w->f, "SELECT count(*) FROM task WHERE state = 3") >= 2);
    assert_true(fixture_ask(&w->f, "SELECT count(*) FROM instance WHERE state = 3") >= 1);
    assert_true(fixture_ask(&w->f, "SELECT count(*) FROM instance WHERE state = 2") >= 1);
    assert_true(fixture_ask(&w->f, "SELECT count(*) FROM task WHERE overdue = 1") >= 1);
}

static bool told_of(const struct world *w, const char *what, const char *detail)
{
    for (size_t i = 0; i < w->issues_n; i++)
        if (kh_str_is(w->issues[i].what, what) && kh_str_is(w->issues[i].detail, detail))
            return true;
    for (size_t i = 0; i < w->issues_n; i++)
        fprintf(stderr, "# %.*s: %.*s\n", KH_FMT(w->issues[i].what), KH_FMT(w->issues[i].detail));
    return false;
}

/* The store keeps its snapshot until something is committed through it. */
static void behind_the_back(struct world *w, const char *sql)
{
    w->tampered = true;
    fixture_tamper(&w->f, sql);
    world_reopen(w);
}

/* A row of table that fits is changed as told: exactly that column is named. */
static void change(struct world *w, const char *table, const char *which, const char *set,
                   const char *column)
{
    struct kh_arena *a = w->a;
    int64_t id = fixture_ask(
        &w->f, kh_str_z(a, kh_strf(a, "SELECT min(id) FROM %s WHERE %s", table, which)));

    if (id <= 0)
        fail_msg("no %s where %s", table, which);
    behind_the_back(w, kh_str_z(a, kh_strf(a,
                                           "CREATE TABLE keep AS SELECT * FROM %s WHERE id = %lld; "
                                           "UPDATE %s SET %s WHERE id = %lld",
                                           table, (long long)id, table, set, (long long)id)));
    if (verify(w) == 0)
        fail_msg("not found: %s: %s where %s", table, set, which);
    if (!told_of(w, "changed",
                 kh_str_z(a, kh_strf(a, "table %s: %.*s: %s", table, KH_FMT(kh_id_text(a, id)),
                                     column))))
        fail_msg("not told: %s: %s where %s", table, set, which);
    behind_the_back(w, kh_str_z(a, kh_strf(a,
                                           "DELETE FROM %s WHERE id = %lld; "
                                           "INSERT INTO %s SELECT * FROM keep; DROP TABLE keep",
                                           table, (long long)id, table)));
    assert_int_equal(verify(w), 0);
}

static void each_column_of_a_task_counts(void **state)
{
    static const struct {
        const char *which, *set, *column;
    } acts[] = {
        {"state = 0", "state = 2", "state"},
        {"state = 1", "state = 0", "state"},
        {"state = 2", "state = 0", "state"},
        {"state = 3", "state = 2", "state"},
        {"state = 0", "unit = 'H26.20'", "unit"},
        {"state = 2", "unit = ''", "unit"},
        {"state = 0", "owner = 1004", "owner"},
        {"state = 0", "role = 'citizen'", "role"},
        {"state = 0", "role = ''", "role"},
        {"state = 0", "process = 'other2'", "process"},
        {"state = 0", "key = 'b2'", "key"},
        {"case_id <> 0", "case_id = case_id + 1", "case_id"},
        {"case_id <> 0", "case_type = 'report'", "case_type"},
        {"state = 0", "process_id = 1", "process_id"},
        {"state = 0", "instance_id = 1", "instance_id"},
        {"case_id <> 0", "instance_id = (SELECT id FROM instance WHERE case_id = 0 LIMIT 1)",
         "instance_id"},
        {"state = 0", "created_us = created_us - 1", "created_us"},
        {"state = 2", "done_us = done_us + 1", "done_us"},
        {"state = 3", "done_us = 0", "done_us"},
        {"state = 0", "done_us = 1", "done_us"},
        {"state = 2", "done_by = 'account:other'", "done_by"},
        {"state = 1", "claimed_by = 1002", "claimed_by"},
        {"state = 0", "claimed_by = 1002", "claimed_by"},
        {"state = 2 AND claimed_by <> 0", "claimed_by = 0", "claimed_by"},
        /* deadlines: a task without, one that runs, one that is over, one that is held */
        {"state = 0 AND key = 'ask'", "due_us = 5", "due_us"},
        {"state = 1 AND key = 'a' AND held_us = 0", "due_us = due_us + 1", "due_us"},
        {"state = 2 AND key = 'a'", "due_us = due_us - 1000000", "due_us"},
        {"state = 2 AND key = 'a'", "due_us = 9223372036854775807", "due_us"},
        {"held_us <> 0", "held_us = held_us + 1000", "due_us"},
        {"held_us <> 0", "due_us = held_us, held_us = 0", "due_us"},
        {"held_us <> 0", "held_us = 0", "due_us"},
        {"state = 1 AND key = 'a' AND held_us = 0",
         "held_us = due_us, due_us = 9223372036854775807", "due_us"},
        {"overdue = 1", "overdue = 0", "overdue"},
        {"overdue = 0 AND state = 0", "overdue = 1", "overdue"},
    };
    struct world *w = *state;

    busy(w);
    for (size_t i = 0; i < KH_LEN(acts); i++)
        change(w, "task", acts[i].which, acts[i].set, acts[i].column);
}

static void each_column_of_an_instance_counts(void **state)
{
    static const struct {
        const char *which, *set, *column;
    } acts[] = {
        {"state = 0", "state = 1", "state"},
        {"state = 0", "state = 7", "state"},
        {"state = 1", "state = 0", "state"},
        {"state = 2", "state = 1", "state"},
        {"state = 3", "state = 1", "state"},
        {"case_id <> 0", "case_id = 0", "case_id"},
        {"state = 0", "process_id = 1", "process_id"},
        {"state = 0", "process_id = (SELECT max(p.id) FROM process p WHERE p.id <> process_id)",
         "process_id"},
        {"state = 0", "started_us = started_us + 1", "started_us"},
        {"state = 0", "ended_us = 1", "ended_us"},
        {"state = 1", "ended_us = ended_us + 1", "ended_us"},
        {"state = 3", "ended_us = 0", "ended_us"},
    };
    struct world *w = *state;

    busy(w);
    for (size_t i = 0; i < KH_LEN(acts); i++)
        change(w, "instance", acts[i].which, acts[i].set, acts[i].column);
}

static const char *named(struct world *w, const char *table, int64_t id)
{
    return kh_str_z(w->a, kh_strf(w->a, "table %s: %.*s", table, KH_FMT(kh_id_text(w->a, id))));
}

/* The first row, one in the middle and the last one. */
static void remove_each(struct world *w, const char *table)
{
    static const char *const which[] = {"min(id)", "max(id)", "min(id) + (max(id) - min(id)) / 2"};
    struct kh_arena *a = w->a;

    for (size_t i = 0; i < KH_LEN(which); i++) {
        int64_t id = fixture_ask(
            &w->f, kh_str_z(a, kh_strf(a, "SELECT min(id) FROM %s WHERE id >= (SELECT %s FROM %s)",
                                       table, which[i], table)));

        behind_the_back(
            w, kh_str_z(a, kh_strf(a,
                                   "CREATE TABLE keep AS SELECT * FROM %s WHERE id = %lld; "
                                   "DELETE FROM %s WHERE id = %lld",
                                   table, (long long)id, table, (long long)id)));
        assert_true(verify(w) > 0);
        assert_true(told_of(w, "removed", named(w, table, id)));
        behind_the_back(
            w,
            kh_str_z(a, kh_strf(a, "INSERT INTO %s SELECT * FROM keep; DROP TABLE keep", table)));
        assert_int_equal(verify(w), 0);
    }
}

static void what_was_removed_is_found(void **state)
{
    struct world *w = *state;

    busy(w);
    remove_each(w, "task");
    remove_each(w, "instance");
    behind_the_back(w, "DELETE FROM task; DELETE FROM instance");
    assert_true(verify(w) > 10);
}

static void what_was_inserted_is_found(void **state)
{
    static const int64_t ids[] = {-5, 5, T0 * 4096, INT64_MAX - 1, INT64_MAX};
    struct world *w = *state;
    struct kh_arena *a = w->a;

    busy(w);
    for (size_t i = 0; i < KH_LEN(ids); i++) {
        long long id = (long long)ids[i];
        struct kh_str sql = kh_strf(
            a,
            "INSERT INTO task SELECT %lld, instance_id, token, process_id, process, key, case_type, "
            "case_id, title, role, unit, claimed_by, owner, created_us, due_us, done_us, done_by, "
            "state, overdue, calendar, held_us FROM task WHERE id = (SELECT min(id) FROM task); "
            "INSERT INTO instance SELECT %lld, process_id, case_type, case_id, parent_id, "
            "parent_token, state, started_us, ended_us, data FROM instance WHERE id = "
            "(SELECT min(id) FROM instance)",
            id, id);

        behind_the_back(w, kh_str_z(a, sql));
        assert_int_equal(verify(w), 2);
        assert_true(told_of(w, "inserted", named(w, "task", ids[i])));
        assert_true(told_of(w, "inserted", named(w, "instance", ids[i])));
        behind_the_back(w, kh_str_z(a, kh_strf(a,
                                               "DELETE FROM task WHERE id = %lld; "
                                               "DELETE FROM instance WHERE id = %lld",
                                               id, id)));
        assert_int_equal(verify(w), 0);
    }
}

/* What an event told may be erased by law: then there is less to compare with, and no suspicion. */
static void erased_events_accuse_nobody(void **state)
{
    struct world *w = *state;

    busy(w);
    behind_the_back(w, "UPDATE event SET salt = NULL, data = NULL WHERE kind = 'task.create'");
    assert_int_equal(verify(w), 0);
    behind_the_back(w,
                    "UPDATE event SET salt = NULL, data = NULL WHERE type IN ('task', 'process')");
    assert_int_equal(verify(w), 0);
    behind_the_back(w, "UPDATE task SET unit = 'H26.20', state = 2 WHERE key = 'c' AND state = 0");
    assert_true(verify(w) >= 2);
}

/* A deadline that was changed is found even after the engine has told it on. */
static void a_change_that_the_engine_went_on_with_is_found(void **state)
{
    struct world *w = *state;
    int64_t i, id;

    assert_true(put_type(w, "file", CASE) && deploy(w, clocked));
    assert_true(i = open_case(w, "clocked"));
    id = task(w, i, "a");
    behind_the_back(w, "UPDATE task SET due_us = due_us + 86400000000 WHERE key = 'a'");
    assert_true(complete(w, id, NULL, &w->officer));
    fixture_settle(&w->f);
    assert_int_equal(verify(w), 1);
    assert_true(w->issues[0].seq > 0);
    assert_true(
        told_of(w, "changed", kh_str_z(w->a, kh_strf(w->a, "%s: due_us", named(w, "task", id)))));
}

/* More rows than a page holds, and more events of one task than a page holds. */
static void pages_lose_nothing(void **state)
{
    struct world *w = *state;
    int64_t i;

    assert_true(deploy(w, terminated));
    for (int k = 0; k < 1100; k++)
        assert_true(start(w, "terminated", NULL, 0, NULL));
    i = fixture_ask(&w->f, "SELECT max(id) FROM task WHERE key = 'x'");
    for (int k = 0; k < 2100; k++)
        assert_true(claim(w, i, true, &w->officer) && claim(w, i, false, &w->officer));
    assert_int_equal(verify(w), 0);
    assert_int_equal(w->rows, 3300);
    behind_the_back(w, "UPDATE task SET unit = 'H26.20' WHERE key = 'y' AND id IN "
                       "(SELECT id FROM task ORDER BY id LIMIT 10 OFFSET 990)");
    assert_int_equal(verify(w), 5);
    behind_the_back(w, "UPDATE task SET unit = 'H26.20'");
    assert_int_equal(verify(w), 1000);
}

/* ---- while the city works ---- */

struct watch {
    struct world *w;
    atomic_bool stop;
    unsigned rounds;
    size_t issues;
};

static void *keep_verifying(void *ctx)
{
    struct watch *v = ctx;

    do {
        kh_auto_arena a = kh_arena_new(16 << 20);
        struct kh_verify_issue *issues;
        struct kh_error err = {0};
        int64_t rows;
        size_t n;

        if (!kh_process_verify(v->w->f.st, a, NULL, NULL, &issues, &n, &rows, &err)) {
            fprintf(stderr, "# %s\n", err.detail);
            v->issues++;
        }
        for (size_t i = 0; i < n; i++)
            fprintf(stderr, "# %.*s: %.*s\n", KH_FMT(issues[i].what), KH_FMT(issues[i].detail));
        v->issues += n;
        v->rounds++;
    } while (!atomic_load(&v->stop));
    return NULL;
}

static void a_city_at_work_is_not_accused(void **state)
{
    struct world *w = *state;
    struct watch v = {.w = w};
    pthread_t thread;

    busy(w);
    pthread_create(&thread, NULL, keep_verifying, &v);
    for (int k = 0; k < 60; k++) {
        int64_t i = open_case(w, "clocked"), id = task(w, i, "a");

        assert_true(claim(w, id, true, &w->officer));
        work(w, i, "ask", NULL);
        assert_true(claim(w, id, false, &w->officer));
        pass(w, KH_US_H);
        work(w, i, "answer", NULL);
        if (k % 2)
            assert_true(complete(w, id, NULL, &w->officer));
    }
    atomic_store(&v.stop, true);
    pthread_join(thread, NULL);
    assert_int_equal(v.issues, 0);
    assert_true(v.rounds > 1);
    print_message("# verified %u times\n", v.rounds);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(each_column_of_a_task_counts), STORY(each_column_of_an_instance_counts),
        STORY(what_was_removed_is_found),    STORY(what_was_inserted_is_found),
        STORY(erased_events_accuse_nobody),  STORY(a_change_that_the_engine_went_on_with_is_found),
        STORY(pages_lose_nothing),           STORY(a_city_at_work_is_not_accused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
