/* SPDX-License-Identifier: Apache-2.0 */
/* A made-up population: numbers say what the record says, households make sense, and it is the same
 * every time. */
#include "cli/populace.h"

#include "base/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { PEOPLE = 20000, UNITS = 5, HOME_MAX = 12 };

static const struct kh_populace_unit units[UNITS] = {
    {KH_STR_INIT("00004"), KH_STR_INIT("H26.00004"), false, 60000},
    {KH_STR_INIT("00070"), KH_STR_INIT("H26.00070"), false, 105000},
    {KH_STR_INIT("09619"), KH_STR_INIT("H26.09619"), true, 30000},
    {KH_STR_INIT("10000"), KH_STR_INIT("H26.10000"), true, 0},
    {KH_STR_INIT("10459"), KH_STR_INIT("H26.10459"), true, 5000}};
static const struct kh_populace_name family[] = {
    {KH_STR_INIT("Nguyễn"), {31, 31}}, {KH_STR_INIT("Trần"), {11, 11}}, {KH_STR_INIT("Y"), {1, 1}}};
static const struct kh_populace_name middle[] = {
    {KH_STR_INIT("Văn"), {9, 0}}, {KH_STR_INIT("Thị"), {0, 9}}, {KH_STR_INIT("Minh"), {3, 3}}};
static const struct kh_populace_name given[] = {
    {KH_STR_INIT("Huy"), {5, 0}}, {KH_STR_INIT("Hoa"), {0, 5}}, {KH_STR_INIT("Anh"), {2, 4}}};
static const struct kh_str provinces[] = {KH_STR_INIT("001"), KH_STR_INIT("034"),
                                          KH_STR_INIT("096")};

static const struct kh_populace_from from = {units,     UNITS, {family, 3}, {middle, 3}, {given, 3},
                                             provinces, 3};

static struct kh_populace *made(struct kh_arena *a, int64_t count, uint64_t seed)
{
    struct kh_populace *p = NULL;
    struct kh_error err = {0};

    if (!kh_populace_new(a, &from, count, seed, &p, &err)) {
        fprintf(stderr, "# %s\n", err.detail);
        fail();
    }
    return p;
}

static struct kh_str str(const struct kh_json *v, const char *key)
{
    return kh_json_str(v, key, KH_S(""));
}

static int64_t day_of(const struct kh_json *v, const char *key)
{
    int64_t day = 0;

    assert_true(kh_date_parse(str(v, key), &day));
    return day;
}

static int64_t part(struct kh_str s, size_t at, size_t n)
{
    int64_t v = -1;

    assert_true(kh_str_int(kh_str(s.p + at, n), &v));
    return v;
}

static void numbers_say_what_the_record_says(void **state)
{
    struct kh_arena *a = kh_arena_new((size_t)1 << 30);
    struct kh_populace *p = made(a, PEOPLE, 1);
    struct kh_str last = KH_S("");

    (void)state;
    assert_int_equal(kh_populace_people(p), PEOPLE);
    for (int64_t i = 0; i < PEOPLE; i++) {
        const struct kh_json *v = kh_populace_person(p, a, i);
        struct kh_str n = str(v, "personal_number");
        bool female = kh_str_is(str(v, "sex"), "female");
        int64_t year, century, born = day_of(v, "birth_date");
        int month, day;

        kh_civil(born, &year, &month, &day);
        century = part(n, 3, 1);
        assert_int_equal(n.n, 12);
        assert_true(kh_str_cmp(last, n) < 0); /* in order, so none comes twice */
        assert_true(kh_str_eq(kh_str(n.p, 3), str(v, "birth_province")));
        assert_int_equal(century % 2, female);
        assert_int_equal(1900 + 100 * (century / 2) + part(n, 4, 2), year);
        assert_true(born < kh_days(2026, 7, 1) && born > kh_days(1910, 1, 1));
        last = n;
    }
    kh_arena_drop(a);
}

/* ---- households ---- */

struct home {
    const struct kh_json *record, *who[HOME_MAX];
    size_t n;
};

static const struct kh_json *one(const struct home *h, const char *relation, int nth)
{
    for (size_t i = 0; i < h->n; i++)
        if (kh_str_is(str(h->who[i], "relation"), relation) && nth-- == 0)
            return h->who[i];
    return NULL;
}

/* The younger of two is eighteen or more years older than a child. */
static void older(const struct kh_json *parent, const struct kh_json *child)
{
    int64_t years = (day_of(child, "birth_date") - day_of(parent, "birth_date")) * 4 / 1461;

    if (years < 18 || years > 62)
        fprintf(stderr, "# %.*s is %lld years older than %.*s\n",
                KH_FMT(str(parent, "personal_number")), (long long)years,
                KH_FMT(str(child, "personal_number")));
    assert_true(years >= 18 && years <= 62);
}

static bool female(const struct kh_json *v)
{
    return kh_str_is(str(v, "sex"), "female");
}

static void inherits(const struct kh_json *father, const struct kh_json *child)
{
    assert_true(kh_str_eq(str(father, "family_name"), str(child, "family_name")));
}

static void check_home(const struct home *h)
{
    const struct kh_json *head = one(h, "head", 0), *spouse = one(h, "spouse", 0), *x;
    const struct kh_json *child = one(h, "child", 0), *in_law = one(h, "child_in_law", 0);

    assert_non_null(head);
    assert_null(one(h, "head", 1));
    assert_null(one(h, "spouse", 1));
    assert_true(kh_str_eq(str(h->record, "head"), str(head, "personal_number")));
    assert_true(day_of(head, "birth_date") < kh_days(2026 - 18, 7, 1));
    assert_true(!spouse || female(spouse) != female(head));
    for (int i = 0; (x = one(h, "child", i)); i++) {
        older(head, x);
        if (spouse)
            older(spouse, x);
        inherits(spouse && female(head) ? spouse : head, x);
    }
    for (int i = 0; (x = one(h, "parent", i)); i++) {
        older(x, head);
        if (!female(x))
            inherits(x, head);
    }
    assert_true(!in_law || (child && female(in_law) != female(child)));
    for (int i = 0; (x = one(h, "grandchild", i)); i++) {
        assert_true(child && in_law);
        older(child, x);
        older(in_law, x);
        inherits(female(child) ? in_law : child, x);
    }
    for (size_t i = 0; i < h->n; i++) {
        assert_true(kh_str_eq(str(h->record, "unit"), str(h->who[i], "unit")));
        assert_true(kh_json_eq(kh_json_get(h->record, "address"),
                               kh_json_get(h->who[i], "permanent_address")));
    }
}

static int by_code(const void *x, const void *y)
{
    return kh_str_cmp(str(*(const struct kh_json *const *)x, "household"),
                      str(*(const struct kh_json *const *)y, "household"));
}

static void households_make_sense(void **state)
{
    struct kh_arena *a = kh_arena_new((size_t)1 << 30);
    struct kh_populace *p = made(a, PEOPLE, 2);
    const struct kh_json **all = kh_new_n(a, PEOPLE, const struct kh_json *);
    size_t at = 0, sizes[HOME_MAX + 1] = {0};

    (void)state;
    for (size_t i = 0; i < PEOPLE; i++)
        all[i] = kh_populace_person(p, a, (int64_t)i);
    qsort(all, PEOPLE, sizeof(all[0]), by_code);
    for (int64_t i = 0; i < kh_populace_households(p); i++) {
        struct home h = {.record = kh_populace_household(p, a, i)};

        while (at < PEOPLE && kh_str_eq(str(all[at], "household"), str(h.record, "code"))) {
            assert_true(h.n < HOME_MAX);
            h.who[h.n++] = all[at++];
        }
        assert_true(h.n > 0);
        check_home(&h);
        sizes[h.n]++;
    }
    assert_int_equal(at, PEOPLE); /* everybody lives somewhere */
    for (size_t n = 1; n <= 6; n++)
        assert_true(sizes[n] > 100);
    kh_arena_drop(a);
}

/* ---- as a whole ---- */

static void people_are_where_and_as_old_as_people_are(void **state)
{
    struct kh_arena *a = kh_arena_new((size_t)1 << 30);
    struct kh_populace *p = made(a, PEOPLE, 3);
    int in[UNITS] = {0}, decade[12] = {0}, women = 0, nguyen = 0, men_thi = 0, here = 0;

    (void)state;
    for (int64_t i = 0; i < PEOPLE; i++) {
        const struct kh_json *v = kh_populace_person(p, a, i);
        const struct kh_json *at = kh_json_get(v, "permanent_address");
        int64_t years = (kh_days(2026, 7, 1) - day_of(v, "birth_date")) * 4 / 1461;
        int unit = -1;

        for (int u = 0; u < UNITS; u++)
            if (kh_str_eq(units[u].agency, str(v, "unit")))
                unit = u;
        assert_true(unit >= 0 && kh_str_eq(units[unit].commune, str(at, "commune_code")));
        in[unit]++;
        decade[years / 10]++;
        women += female(v);
        nguyen += kh_str_is(str(v, "family_name"), "Nguyễn");
        here += kh_str_is(str(v, "birth_province"), "001");
        men_thi += !female(v) && (kh_str_is(str(v, "middle_name"), "Thị") ||
                                  kh_str_is(str(v, "given_name"), "Hoa"));
        men_thi += female(v) && kh_str_is(str(v, "given_name"), "Huy");
        /* A phone that nobody has. */
        assert_true(str(v, "phone").n == 0 || kh_str_starts(str(v, "phone"), KH_S("+8454")));
    }
    assert_true(abs(in[0] - PEOPLE * 60 / 200) < 3 && abs(in[1] - PEOPLE * 105 / 200) < 3);
    assert_true(in[3] >= 0 && in[3] <= 1);
    assert_int_equal(men_thi, 0);
    assert_true(women > PEOPLE * 46 / 100 && women < PEOPLE * 55 / 100);
    assert_true(nguyen > PEOPLE * 67 / 100 && nguyen < PEOPLE * 77 / 100); /* 31 of 43 here */
    assert_true(here > PEOPLE * 70 / 100 && here < PEOPLE);
    for (int d = 0; d < 7; d++)
        assert_true(decade[d] > PEOPLE * 6 / 100 && decade[d] < PEOPLE * 22 / 100);
    assert_true(decade[8] < decade[7] && decade[7] < decade[6] && decade[10] == 0);
    kh_arena_drop(a);
}

static void the_same_seed_gives_the_same_people(void **state)
{
    struct kh_arena *a = kh_arena_new((size_t)1 << 30);
    struct kh_populace *p = made(a, 3000, 7), *same = made(a, 3000, 7), *other = made(a, 3000, 8);
    int64_t differ = 0;

    (void)state;
    assert_int_equal(kh_populace_households(p), kh_populace_households(same));
    for (int64_t i = 0; i < 3000; i++) {
        assert_true(kh_json_eq(kh_populace_person(p, a, i), kh_populace_person(same, a, i)));
        differ += !kh_json_eq(kh_populace_person(p, a, i), kh_populace_person(other, a, i));
    }
    assert_int_equal(differ, 3000);
    /* Known people: a change here is a change of what a seed means. */
    assert_true(kh_str_is(str(kh_populace_person(p, a, 0), "personal_number"), "001043468525"));
    assert_true(kh_str_is(str(kh_populace_person(p, a, 0), "household"), "HB00004-000292"));
    kh_arena_drop(a);
}

static void small_and_impossible_ones(void **state)
{
    struct kh_arena *a = kh_arena_new((size_t)1 << 30);
    struct kh_populace_from none = from;
    struct kh_populace *p;
    struct kh_error err = {0};

    (void)state;
    for (int64_t n = 1; n < 40; n++) {
        p = made(a, n, (uint64_t)n);
        assert_int_equal(kh_populace_people(p), n);
        assert_true(kh_populace_households(p) >= 1);
        for (int64_t i = 0; i < kh_populace_households(p); i++)
            assert_int_equal(str(kh_populace_household(p, a, i), "head").n, 12);
    }
    assert_false(kh_populace_new(a, &from, 0, 1, &p, &err));
    assert_false(kh_populace_new(a, &from, KH_POPULACE_MAX + 1, 1, &p, &err));
    none.given.n = 0;
    assert_false(kh_populace_new(a, &none, 10, 1, &p, &err));
    assert_int_equal(err.code, KH_EC_PARAMETER_INVALID);
    none = from;
    none.units_n = 0;
    assert_false(kh_populace_new(a, &none, 10, 1, &p, &err));
    kh_arena_drop(a);
}

/* So many of one place, sex and year that many draw the same number. */
static void crowded_numbers_stay_unique(void **state)
{
    struct kh_arena *a = kh_arena_new((size_t)2 << 30);
    struct kh_populace_from narrow = from;
    struct kh_populace *p = NULL;
    struct kh_error err = {0};
    struct kh_str last = KH_S("");

    (void)state;
    narrow.provinces_n = 1;
    assert_true(kh_populace_new(a, &narrow, 100000, 5, &p, &err));
    for (int64_t i = 0; i < 100000; i++) {
        struct kh_str n = str(kh_populace_person(p, a, i), "personal_number");

        assert_true(kh_str_cmp(last, n) < 0);
        last = n;
    }
    kh_arena_drop(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_say_what_the_record_says),
        cmocka_unit_test(households_make_sense),
        cmocka_unit_test(people_are_where_and_as_old_as_people_are),
        cmocka_unit_test(the_same_seed_gives_the_same_people),
        cmocka_unit_test(small_and_impossible_ones),
        cmocka_unit_test(crowded_numbers_stay_unique),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
