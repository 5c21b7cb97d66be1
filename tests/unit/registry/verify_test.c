/* SPDX-License-Identifier: Apache-2.0 */
/* Somebody with access to the database changes it behind the registry's back: it is found and named. */
#include "world.h"

#include "base/id.h"
#include "store/event.h"

#include <stdio.h>

static const char person[] =
    "{'type':'object','x-kh':{'sensitivity':'personal','owner':'account','geo':'home'},"
    "'properties':{'name':{'type':'string','x-kh':{'sensitivity':'internal','search':true}},"
    "'benefit':{'type':'integer','x-kh':{'index':true}},"
    "'account':{'type':'string'},"
    "'home':{'type':'object','properties':{'lon':{'type':'number'},'lat':{'type':'number'}}}}}";

static struct kh_verify_issue *issues;
static size_t issues_n;
static int64_t rows;

static size_t verify(struct world *w)
{
    struct kh_error err = {0};

    if (!kh_registry_verify(w->reg, w->a, NULL, NULL, &issues, &issues_n, &rows, &err)) {
        fprintf(stderr, "# verify: %s\n", err.detail);
        fail();
    }
    return issues_n;
}

static bool told(const char *what, const char *part)
{
    for (size_t i = 0; i < issues_n; i++)
        if (kh_str_is(issues[i].what, what) && has(issues[i].detail, part))
            return true;
    for (size_t i = 0; i < issues_n; i++)
        fprintf(stderr, "# %.*s: %.*s\n", KH_FMT(issues[i].what), KH_FMT(issues[i].detail));
    return false;
}

static int64_t lived(struct world *w)
{
    struct kh_write later = {.who = &w->system, .valid_from_us = T0 + 90 * KH_US_DAY};
    struct kh_record r;
    int64_t id;

    assert_true(put_type(w, "person", person));
    for (int i = 0; i < 5; i++)
        assert_true(create(w, "person", NULL,
                           "{'name':'An','benefit':100,'home':{'lon':105.8,'lat':21.0}}", &r));
    id = r.id;
    kh_clock_add(KH_US_DAY);
    assert_true(change(w, "person", NULL, id, "{'benefit':200}", NULL));
    kh_clock_add(KH_US_DAY);
    assert_true(correct(w, "person", id, "{'name':'Ân'}", "spelling", T0 + KH_US_H, NULL));
    assert_true(change_as(w, "person", id, "{'benefit':300}", true, &later, NULL));
    kh_clock_add(KH_US_DAY);
    assert_true(change(w, "person", NULL, id, "{'benefit':250}", NULL));
    assert_int_equal(verify(w), 0);
    assert_true(rows > 5);
    return id;
}

/* The store keeps its snapshot until something is committed through it: verification after a visit
 * behind its back begins with a fresh one, as the command does. */
static void behind_the_back(struct world *w, const char *sql)
{
    fixture_tamper(&w->f, sql);
    world_reopen(w);
}

/* ID stands for the record. */
static void tamper(struct world *w, const char *sql, int64_t id)
{
    struct kh_buf b = kh_buf(w->a, 4096);
    struct kh_str rest = kh_cstr(sql);

    for (const char *at; (at = memmem(rest.p, rest.n, "{id}", 4));) {
        kh_buf_add(&b, rest.p, (size_t)(at - rest.p));
        kh_buf_int(&b, id);
        rest = kh_str_skip(rest, (size_t)(at - rest.p) + 4);
    }
    kh_buf_str(&b, rest);
    behind_the_back(w, kh_str_z(w->a, kh_buf_get(&b)));
}

static void an_untouched_city_verifies(void **state)
{
    struct world *w = *state;
    struct kh_error err = {0};

    (void)lived(w);
    world_reopen(w);
    assert_int_equal(verify(w), 0);
    kh_clock_add(100 * KH_US_DAY);
    assert_true(kh_registry_tick(w->reg, &err));
    assert_int_equal(verify(w), 0);
}

static void a_changed_record_is_found(void **state)
{
    struct world *w = *state;
    int64_t id = lived(w);

    tamper(w, "UPDATE rec_person SET data = replace(data, '250', '950') WHERE id = {id}", id);
    assert_true(verify(w) > 0);
    assert_true(told("changed", "revision 5 of 5"));
}

static void each_column_of_a_record_counts(void **state)
{
    static const char *const sets[] = {"valid_from = valid_from + 1", "valid_to = valid_to - 1",
                                       "recorded_us = recorded_us - 1", "srev = 1", "sv = 2",
                                       "rev = rev - 1", "segs = segs - 1", "live = 0",
                                       "f_benefit = 7", "f_account = 5", "cell = 0"};
    struct world *w = *state;
    int64_t id = lived(w);

    for (size_t i = 0; i < KH_LEN(sets); i++) {
        struct kh_str sql =
            kh_strf(w->a, "UPDATE rec_person SET %s WHERE id = {id}", sets[i]);

        tamper(w, "CREATE TABLE keep AS SELECT * FROM rec_person WHERE id = {id}", id);
        tamper(w, kh_str_z(w->a, sql), id);
        if (verify(w) == 0) {
            fprintf(stderr, "# not found: %s\n", sets[i]);
            fail();
        }
        tamper(w, "DELETE FROM rec_person WHERE id = {id}", id);
        behind_the_back(w, "INSERT INTO rec_person SELECT * FROM keep");
        behind_the_back(w, "DROP TABLE keep");
        assert_int_equal(verify(w), 0);
    }
}

static void a_removed_record_is_found(void **state)
{
    struct world *w = *state;
    int64_t id = lived(w);

    tamper(w, "DELETE FROM rec_person WHERE id = {id}", id);
    assert_true(verify(w) > 0);
    assert_true(told("removed", kh_str_z(w->a, kh_id_text(w->a, id))));
    assert_true(told("inserted", "record_version"));
}

static void an_inserted_record_is_found(void **state)
{
    struct world *w = *state;

    (void)lived(w);
    behind_the_back(w,
                   "INSERT INTO rec_person (id, rev, srev, sv, valid_from, valid_to, recorded_us, "
                   "live, segs, data) VALUES (5, 1, 1, 1, 0, 9223372036854775807, 0, 1, 0, '{}')");
    assert_int_equal(verify(w), 1);
    assert_true(told("inserted", "rec_person"));
}

static void the_past_is_guarded_as_well(void **state)
{
    static const char *const acts[] = {
        "UPDATE record_version SET data = replace(data, '100', '900') WHERE id = {id} AND seg = 1",
        "UPDATE record_version SET valid_to = valid_to + 1 WHERE id = {id} AND seg = 1",
        "UPDATE record_version SET cut_us = cut_us + 1 WHERE id = {id} AND seg = 1",
        "UPDATE record_version SET recorded_to = recorded_to - 1 WHERE id = {id} AND dead_rev > 0",
        "UPDATE record_version SET dead_rev = 0, recorded_to = 9223372036854775807 WHERE id = {id} "
        "AND dead_rev > 0",
        "DELETE FROM record_version WHERE id = {id} AND seg = 2",
        "INSERT INTO record_version SELECT id, seg + 100, type, rev, by_rev, dead_rev, head, pending, "
        "sv, valid_from, valid_to, was_to, cut_us, recorded_from, recorded_to, data FROM "
        "record_version WHERE id = {id} AND seg = 1",
        "UPDATE record_version SET type = 'other' WHERE id = {id} AND seg = 1",
    };
    struct world *w = *state;
    int64_t id = lived(w);

    behind_the_back(w, "CREATE TABLE keep AS SELECT * FROM record_version");
    for (size_t i = 0; i < KH_LEN(acts); i++) {
        tamper(w, acts[i], id);
        if (verify(w) == 0) {
            fprintf(stderr, "# not found: %s\n", acts[i]);
            fail();
        }
        behind_the_back(w, "DELETE FROM record_version");
        behind_the_back(w, "INSERT INTO record_version SELECT * FROM keep");
        assert_int_equal(verify(w), 0);
    }
}

static void a_changed_schema_is_found(void **state)
{
    struct world *w = *state;

    (void)lived(w);
    behind_the_back(w, "UPDATE rtype SET schema = replace(schema, 'personal', 'public')");
    assert_int_equal(verify(w), 1);
    assert_true(told("changed", "rtype person"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(an_untouched_city_verifies), T(a_changed_record_is_found),
        T(each_column_of_a_record_counts), T(a_removed_record_is_found),
        T(an_inserted_record_is_found), T(the_past_is_guarded_as_well),
        T(a_changed_schema_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
