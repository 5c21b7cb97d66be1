/* SPDX-License-Identifier: Apache-2.0 */
/* People by name: any words, any spelling, with filters and rights; the truth is asked of each row. */
#include "world.h"

#include "base/id.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

static const char person[] =
    "{'type':'object','x-kh':{'sensitivity':'personal','unit':'unit','owner':'account','key':'number',"
    "'names':{'of':['family','middle','given'],'with':['birth','house']},"
    "'access':["
    "{'role':'owner','ops':['read','list'],'where':'owner','see':'personal'},"
    "{'role':'officer','ops':['read','list'],'where':'unit','see':'personal'},"
    "{'role':'leader','ops':['read','list'],'where':'all','see':'internal'},"
    "{'role':'dispatcher','ops':['read','list','update','close'],'where':'all','see':'personal'}]},"
    "'properties':{"
    "'number':{'type':'string'},'family':{'type':'string'},'middle':{'type':'string'},"
    "'given':{'type':'string'},'birth':{'type':'string','format':'date'},'house':{'type':'string'},"
    "'sex':{'type':'string','x-kh':{'index':true}},"
    "'unit':{'type':'string','x-kh':{'sensitivity':'internal'}},'account':{'type':'string'}},"
    "'required':['number','given']}";

enum { PEOPLE = 900, PAGE = 7 };

static const char *const family[] = {"Nguyễn", "Nguyễn", "Nguyễn", "Trần", "Lê", "Vũ"};
static const char *const middle[] = {"Văn", "Thị", "Đức", "Thị Thu", "Nguyễn", "", "Ngọc"};
static const char *const given[] = {"An",   "Hoà", "Hoa", "Hòa", "Hoá",   "Lý",
                                    "Thuỷ", "Đam", "Dam", "Y",   "K'Brêu"};
static const char *const units[] = {"H26.19", "H26.19.2", "H26.190", "H26.20", "H26.1"};

static void name(int i, char *out, size_t n, bool json)
{
    const char *m = middle[i % 7], *f = family[i / 2 % 6], *g = given[i % 11];

    if (json)
        snprintf(out, n, "'family':'%s','middle':'%s','given':'%s'", f, m,
                 i % 11 == 10 ? "K\\u0027Brêu" : g);
    else
        snprintf(out, n, "%s %s %s", f, m, g);
}

static void birth(int i, char *out, size_t n)
{
    snprintf(out, n, "19%02d-0%d-1%d", i % 13 + 70, i % 9 + 1, i % 3);
}

static int64_t ids[PEOPLE];

static void fill(struct world *w)
{
    const char *all[PEOPLE];

    assert_true(put_type(w, "person", person));
    for (int i = 0; i < PEOPLE; i++) {
        char n[200], b[20], json[500];

        name(i, n, sizeof(n), true);
        birth(i, b, sizeof(b));
        snprintf(json, sizeof(json),
                 "{'number':'%06d',%s,'birth':'%s','house':'HB-%d','sex':'%s','unit':'%s'}", i, n,
                 b, i / 4, i % 2 ? "f" : "m", units[i % 5]);
        all[i] = kh_str_z(w->a, kh_cstr(json));
    }
    if (!create_all(w, "person", all, PEOPLE, ids)) {
        fprintf(stderr, "# %s\n", w->err.detail);
        fail();
    }
}

static bool has_words(struct kh_arena *a, const char *full, const char *q, bool exact)
{
    struct kh_str words = exact ? kh_text_exact(a, kh_cstr(q)) : kh_text_fold(a, kh_cstr(q));
    struct kh_str text = exact ? kh_text_exact(a, kh_cstr(full)) : kh_text_fold(a, kh_cstr(full));
    struct kh_str padded = kh_strf(a, " %.*s ", KH_FMT(text));

    while (words.n) {
        struct kh_str word = kh_str_cut(words, ' ', &words),
                      in = kh_strf(a, " %.*s ", KH_FMT(word));

        if (!memmem(padded.p, padded.n, in.p, in.n))
            return false;
    }
    return true;
}

/* Page by page; each row once; exact ones first. @return how many */
static int ask(struct world *w, struct kh_list q, bool *ret_seen)
{
    int n = 0, inexact = 0;
    char text[300];

    q.who = q.who ? q.who : &w->dispatcher;
    q.limit = q.limit ? q.limit : PAGE;
    memset(ret_seen, 0, PEOPLE * sizeof(*ret_seen));
    for (int pages = 0; pages < 1000; pages++) {
        struct kh_page p;

        if (!list(w, "person", &q, &p)) {
            fprintf(stderr, "# %s\n", w->err.detail);
            return -1;
        }
        for (size_t i = 0; i < p.n; i++, n++) {
            int at = 0;
            bool exact;

            while (at < PEOPLE && ids[at] != p.items[i].id)
                at++;
            assert_true(at < PEOPLE && !ret_seen[at]);
            ret_seen[at] = true;
            name(at, text, sizeof(text), false);
            /* A question without accents asks for none. */
            exact = kh_str_eq(kh_text_fold(w->a, q.q), kh_text_exact(w->a, q.q)) ||
                    has_words(w->a, text, kh_str_z(w->a, q.q), true);
            assert_true(!exact || !inexact);
            inexact |= !exact;
        }
        if (p.next.n == 0)
            return n;
        q.after = p.next;
    }
    fail();
    return -1;
}

static void check(struct world *w, const char *q, const char *day, const char *unit)
{
    static bool seen[PEOPLE];
    struct kh_filter by[2];
    struct kh_list l = {.q = kh_cstr(q), .filters = by};
    int want = 0, got;
    char text[300], b[20];

    if (day)
        by[l.filters_n++] = (struct kh_filter){KH_S("birth"), KH_F_EQ, kh_cstr(day)};
    if (unit)
        by[l.filters_n++] = (struct kh_filter){KH_S("unit"), KH_F_EQ, kh_cstr(unit)};
    got = ask(w, l, seen);
    for (int i = 0; i < PEOPLE; i++) {
        bool fits;

        name(i, text, sizeof(text), false);
        birth(i, b, sizeof(b));
        fits = has_words(w->a, text, q, false) && (!day || strcmp(day, b) == 0) &&
               (!unit || strcmp(unit, units[i % 5]) == 0);
        want += fits;
        if (fits != seen[i])
            fprintf(stderr, "# %s: %s (%d) is %s\n", q, text, i, fits ? "missing" : "too much");
        assert_true(fits == seen[i]);
    }
    assert_int_equal(got, want);
}

static void any_words_in_any_order_and_spelling(void **state)
{
    static const char *const questions[] = {"Nguyễn",
                                            "nguyen",
                                            "NGUYỄN VĂN AN",
                                            "an nguyen",
                                            "van an",
                                            "Hoà",
                                            "Hòa",
                                            "hoa",
                                            "nguyễn thị thu hoà",
                                            "thu thi",
                                            "Nguyen  Nguyễn",
                                            "ly",
                                            "Lí",
                                            "y",
                                            "đam",
                                            "dam vu",
                                            "k'brêu",
                                            "kbreu",
                                            "brêu nguyễn k",
                                            "khong co ai",
                                            "Tra\xCC\x82\xCC\x80n",
                                            "nguyen nguyen van an le tran vu hoa ly thuy dam",
                                            "Nguyen Văn An",
                                            "Hoà Nguyen",
                                            "an đức nguyễn",
                                            "thuỷ thi vu",
                                            "Thúy"};

    struct world *w = *state;

    fill(w);
    for (size_t i = 0; i < KH_LEN(questions); i++) {
        check(w, questions[i], NULL, NULL);
        check(w, questions[i], "1975-06-12", NULL);
        check(w, questions[i], NULL, "H26.190");
        check(w, questions[i], "1972-03-12", "H26.19.2");
    }
}

static void fields_that_go_with_names_are_found_without_one(void **state)
{
    struct world *w = *state;
    static bool seen[PEOPLE];
    struct kh_filter house = {KH_S("house"), KH_F_EQ, KH_S("HB-7")};
    struct kh_filter two[2] = {{KH_S("birth"), KH_F_EQ, KH_S("1975-06-12")},
                               {KH_S("sex"), KH_F_EQ, KH_S("m")}};

    fill(w);
    assert_int_equal(ask(w, (struct kh_list){.filters = &house, .filters_n = 1}, seen), 4);
    assert_true(seen[28] && seen[29] && seen[30] && seen[31]);
    assert_true(ask(w, (struct kh_list){.filters = two, .filters_n = 2}, seen) > 0);
    check(w, "", "1975-06-12", NULL);
    check(w, "", "1975-06-12", "H26.20");
}

static void sorted_as_people_are(void **state)
{
    struct world *w = *state;
    struct kh_list q = {.q = KH_S("tran"), .limit = 200, .who = &w->dispatcher};
    struct kh_page p;
    struct kh_str last = KH_S("");

    fill(w);
    assert_true(list(w, "person", &q, &p));
    assert_int_equal(p.n, 150);
    for (size_t i = 0; i < p.n; i++) {
        const struct kh_json *f;
        struct kh_str key;

        assert_true(kh_record_fields(w->a, &p.items[i], &f, &w->err));
        key = kh_text_name_key(w->a, kh_strf(w->a, "%.*s %.*s %.*s",
                                             KH_FMT(kh_json_str(f, "family", KH_S(""))),
                                             KH_FMT(kh_json_str(f, "middle", KH_S(""))),
                                             KH_FMT(kh_json_str(f, "given", KH_S("")))));
        assert_true(kh_str_cmp(last, key) <= 0);
        last = key;
    }
}

static void nobody_finds_whom_he_may_not_see(void **state)
{
    struct world *w = *state;
    static bool seen[PEOPLE];
    struct kh_who leader = w->officer;
    struct kh_grant grant = {.role = KH_S("leader"), .unit = KH_S("H26"), .until_us = KH_FOREVER};
    struct kh_grant units_of[2] = {
        {.role = KH_S("officer"), .unit = KH_S("H26.1"), .until_us = KH_FOREVER},
        {.role = KH_S("officer"), .unit = KH_S("H26.20"), .until_us = KH_FOREVER}};
    struct kh_who two = w->officer;
    struct kh_page p;
    int n;

    fill(w);
    n = ask(w, (struct kh_list){.q = KH_S("nguyen"), .who = &w->officer}, seen);
    for (int i = 0; i < PEOPLE; i++) {
        char text[300];
        bool fits;

        name(i, text, sizeof(text), false);
        fits = i % 5 < 2 && has_words(w->a, text, "nguyen", false);
        assert_true(seen[i] == fits); /* H26.19 and below it, not H26.190 */
        n -= fits;
    }
    assert_int_equal(n, 0);
    two.grants = units_of;
    two.grants_n = 2;
    assert_true(ask(w, (struct kh_list){.q = KH_S("tran"), .who = &two}, seen) > 0);
    for (int i = 0; i < PEOPLE; i++)
        assert_true(!seen[i] || i % 5 >= 3);
    assert_int_equal(ask(w, (struct kh_list){.q = KH_S("nguyen"), .who = &w->citizen}, seen), 0);
    {
        char own[100];
        struct kh_record r;

        snprintf(own, sizeof(own), "{'account':'%.13s'}", kh_id_text(w->a, w->officer.account).p);
        for (int i = 0; i < PEOPLE; i += 77)
            assert_true(change(w, "person", NULL, ids[i], own, &r));
        (void)ask(w, (struct kh_list){.q = KH_S("hoa"), .who = &w->officer}, seen);
        for (int i = 0; i < PEOPLE; i++) {
            char text[300];

            name(i, text, sizeof(text), false);
            assert_true(seen[i] ==
                        ((i % 5 < 2 || i % 77 == 0) && has_words(w->a, text, "hoa", false)));
        }
    }
    /* Who may list rows but not see names cannot ask for names. */
    leader.account = 4711;
    leader.grants = &grant;
    leader.grants_n = 1;
    assert_int_equal(ask(w, (struct kh_list){.q = KH_S("nguyen"), .who = &leader}, seen), 0);
    assert_true(ask(w, (struct kh_list){.who = &leader}, seen) == PEOPLE);
    assert_false(list(w, "person", &(struct kh_list){.q = KH_S("an"), .who = &kh_who_public}, &p));
    assert_int_equal(w->err.code, KH_EC_AUTH_REQUIRED);
}

static void a_new_name_is_found_and_the_old_one_is_not(void **state)
{
    struct world *w = *state;
    static bool seen[PEOPLE];
    struct kh_record r;
    int before;

    fill(w);
    before = ask(w, (struct kh_list){.q = KH_S("tran")}, seen);
    assert_true(
        change(w, "person", &w->dispatcher, ids[0], "{'family':'Trần','given':'Quỳnh'}", &r));
    assert_int_equal(ask(w, (struct kh_list){.q = KH_S("tran")}, seen), before + 1);
    assert_int_equal(ask(w, (struct kh_list){.q = KH_S("quynh tran van")}, seen), 1);
    /* So is one who moved. */
    assert_true(
        change(w, "person", &w->dispatcher, ids[0], "{'unit':'H26.77','house':'HB-x'}", &r));
    check(w, "an", NULL, "H26.190");
    {
        struct kh_filter by = {KH_S("house"), KH_F_EQ, KH_S("HB-x")};

        assert_int_equal(ask(w, (struct kh_list){.filters = &by, .filters_n = 1}, seen), 1);
        assert_true(seen[0]);
    }
    assert_true(close_record(w, "person", &w->dispatcher, ids[0], 0, &r));
    assert_int_equal(ask(w, (struct kh_list){.q = KH_S("quynh")}, seen), 0);
}

static void names_are_no_query_language(void **state)
{
    static const char *const odd[] = {"\"an\" OR \"ly\"", "an*",   "NOT an",         "an AND",
                                      "'an' | 'ly'",      "-- \"", "·birt·19750612", "·"};
    struct world *w = *state;
    static bool seen[PEOPLE];

    fill(w);
    for (size_t i = 0; i < KH_LEN(odd); i++)
        assert_true(ask(w, (struct kh_list){.q = kh_cstr(odd[i])}, seen) <=
                    ask(w, (struct kh_list){.q = KH_S("an")}, seen));
    assert_int_equal(ask(w, (struct kh_list){.q = KH_S("·")}, seen), 0);
}

static void a_cursor_of_names_belongs_to_its_question(void **state)
{
    struct world *w = *state;
    struct kh_list q = {.q = KH_S("nguyen"), .limit = 3, .who = &w->dispatcher};
    struct kh_page p, other;

    fill(w);
    assert_true(list(w, "person", &q, &p) && p.next.n);
    q.q = KH_S("tran");
    q.after = p.next;
    assert_false(list(w, "person", &q, &other));
    assert_int_equal(w->err.code, KH_EC_CURSOR_INVALID);
    q.q = KH_S("nguyen");
    q.sort = KH_S("-number");
    q.after = KH_S("");
    assert_false(list(w, "person", &q, &other));
    assert_int_equal(w->err.code, KH_EC_FILTER_INVALID);
}

static void wrong_declarations_are_told(void **state)
{
    static const char *const wrong[] = {
        "{'type':'object','x-kh':{'names':{}},'properties':{'a':{'type':'string'}}}",
        "{'type':'object','x-kh':{'names':{'of':['b']}},'properties':{'a':{'type':'string'}}}",
        "{'type':'object','x-kh':{'names':{'of':['a'],'by':['a']}},'properties':{'a':{'type':'string'}}}",
        "{'type':'object','x-kh':{'names':{'of':['a']}},'properties':{'a':{'type':'integer'}}}",
        "{'type':'object','x-kh':{'names':{'of':['a']}},'properties':{'a':{'type':'string',"
        "'x-kh':{'sensitivity':'sensitive'}}}}",
        "{'type':'object','x-kh':{'names':{'of':['a'],'with':['b']}},'properties':{"
        "'a':{'type':'string'},'b':{'type':'string','x-kh':{'sensitivity':'sensitive'}}}}",
        "{'type':'object','x-kh':{'names':{'of':['a']}},'properties':{"
        "'a':{'type':'string'},'b':{'type':'string','x-kh':{'search':true}}}}"};
    struct world *w = *state;

    for (size_t i = 0; i < KH_LEN(wrong); i++) {
        w->err = (struct kh_error){0};
        if (put_type(w, "wrong", wrong[i]))
            fprintf(stderr, "# %s\n", wrong[i]);
        assert_int_equal(w->err.code, KH_EC_SCHEMA_INVALID);
    }
}

static void rows_that_were_there_get_their_terms(void **state)
{
    struct world *w = *state;
    static bool seen[PEOPLE];
    struct kh_str plain = kh_cstr(person), cut = KH_S("'names':{'of':['family','middle','given'],"
                                                      "'with':['birth','house']},");
    const char *at = memmem(plain.p, plain.n, cut.p, cut.n);
    struct kh_str without = kh_strf(w->a, "%.*s%s", (int)(at - plain.p), plain.p, at + cut.n);

    assert_true(put_type(w, "person", kh_str_z(w->a, without)));
    fill(w); /* upgrades it, too */
    check(w, "nguyen", NULL, NULL);
    for (int i = 0; i < 2; i++) {
        assert_true(put_type(w, "person", kh_str_z(w->a, without)));
        assert_true(put_type(w, "person", person));
    }
    check(w, "nguyen", "1975-06-12", NULL);
    assert_true(ask(w, (struct kh_list){.q = KH_S("hoa")}, seen) > 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(any_words_in_any_order_and_spelling),
        T(fields_that_go_with_names_are_found_without_one),
        T(sorted_as_people_are),
        T(nobody_finds_whom_he_may_not_see),
        T(a_new_name_is_found_and_the_old_one_is_not),
        T(names_are_no_query_language),
        T(a_cursor_of_names_belongs_to_its_question),
        T(wrong_declarations_are_told),
        T(rows_that_were_there_get_their_terms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
