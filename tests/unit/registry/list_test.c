/* SPDX-License-Identifier: Apache-2.0 */
/* Lists: every way through the rows gives the same truth as asking each row, in order, page by page,
 * along an index, and shows nobody more than they may see. */
#include "world.h"

#include "base/id.h"
#include "engine/registry/cell.h"
#include "engine/registry/registry_int.h"

#include <stdio.h>
#include <stdlib.h>

static const char report[] =
    "{'type':'object','x-kh':{'title':'number','sensitivity':'public','owner':'reporter',"
    "'unit':'unit','state':'status','geo':'location','index':[['unit','status']],"
    "'serial':{'field':'number','pattern':'PA-{YYYY}-{SERIAL:6}','per':'year'},"
    "'access':["
    "{'role':'public','ops':['create'],'where':'all','see':'public'},"
    "{'role':'public','ops':['read','list'],'where':{'open':[true]},'see':'public'},"
    "{'role':'owner','ops':['read','list','history'],'where':'owner','see':'personal'},"
    "{'role':'officer','ops':['read','list','update'],'where':'unit','see':'personal'},"
    "{'role':'dispatcher','ops':['read','list','update','close','history'],'where':'all',"
    "'see':'sensitive'}]},"
    "'properties':{"
    "'number':{'type':'string','x-kh':{'unique':true,'search':true}},"
    "'category':{'type':'string','x-kh':{'index':true}},"
    "'text':{'type':'string','x-kh':{'search':true}},"
    "'rank':{'type':'integer','x-kh':{'index':true}},"
    "'score':{'type':'number','x-kh':{'index':true}},"
    "'due_at':{'type':'string','format':'date-time','x-kh':{'index':true}},"
    "'open':{'type':'boolean','default':true},"
    "'unit':{'type':'string'},"
    "'status':{'type':'string','enum':['new','done','refused']},"
    "'phone':{'type':'string','x-kh':{'sensitivity':'personal','index':true}},"
    "'illness':{'type':'string','x-kh':{'sensitivity':'sensitive'}},"
    "'reporter':{'type':'string','x-kh':{'sensitivity':'personal'}},"
    "'location':{'type':'object','required':['lon','lat'],'properties':{"
    "'lon':{'type':'number'},'lat':{'type':'number'}}}},"
    "'required':['category']}";

enum { ROWS = 120 };

static const char *const units[] = {"H26.19", "H26.19.2", "H26.190", "H26.20", "H26.1"};
static const char *const words[] = {"đèn đường hỏng", "rác thải chưa thu gom", "ổ gà trên đường",
                                    "Mỹ Đình ngập nước", "My Dinh ngap nuoc", "cây đổ"};

static int64_t ids[ROWS];

/* ROWS reports whose fields follow from their number. */
static void fill(struct world *w)
{
    const char *all[ROWS];

    assert_true(put_type(w, "report", report));
    for (int i = 0; i < ROWS; i++) {
        char due[40] = "", json[600];

        if (i % 4)
            snprintf(due, sizeof(due), "'due_at':'2026-10-%02dT08:00:00+07:00',", i % 28 + 1);
        snprintf(json, sizeof(json),
                 "{'category':'%s','text':'%s %d','rank':%d,'score':%d.5,%s'open':%s,'unit':'%s',"
                 "'status':'%s','phone':'09%02d','illness':'x','reporter':'%.13s',"
                 "'location':{'lon':%.6f,'lat':%.6f}}",
                 i % 3 ? "road" : "light", words[i % 6], i, i % 7, i % 5, due,
                 i % 5 == 0 ? "false" : "true", units[i % 5], i % 2 ? "new" : "done", i % 10,
                 kh_id_text(w->a, i % 11 ? 1002 : 1001).p, 105.70 + 0.002 * i, 21.00 + 0.001 * i);
        all[i] = kh_str_z(w->a, kh_cstr(json));
    }
    if (!create_all(w, "report", all, ROWS, ids)) {
        fprintf(stderr, "# %s\n", w->err.detail);
        fail();
    }
}

static int number_of(int64_t id)
{
    for (int i = 0; i < ROWS; i++)
        if (ids[i] == id)
            return i;
    fail();
    return -1;
}

/* Walk all pages. @return how many; order says the numbers in the order in which they came */
static int all_pages(struct world *w, struct kh_list q, int *order)
{
    int n = 0;

    for (int page = 0; page < 400; page++) {
        struct kh_page p = {0};

        if (!list(w, "report", &q, &p)) {
            fprintf(stderr, "# list: %s\n", w->err.detail);
            fail();
        }
        for (size_t i = 0; i < p.n; i++) {
            assert_true(n < ROWS);
            order[n++] = number_of(p.items[i].id);
        }
        if (p.next.n == 0)
            return n;
        q.after = p.next;
    }
    fail();
    return 0;
}

static void newest_first_in_pages_of_any_size(void **state)
{
    struct world *w = *state;

    fill(w);
    for (unsigned limit = 1; limit <= ROWS + 1; limit = limit * 3 + 1) {
        int order[ROWS];

        assert_int_equal(all_pages(w, (struct kh_list){.limit = limit}, order), ROWS);
        for (int i = 0; i < ROWS; i++)
            assert_int_equal(order[i], ROWS - 1 - i);
    }
}

/* ---- filters against the truth ---- */

struct truth {
    struct kh_filter f[3];
    bool (*fits)(int i);
};

static bool is_light(int i)
{
    return i % 3 == 0;
}
static bool is_light_done(int i)
{
    return i % 3 == 0 && i % 2 == 0;
}
static bool is_unit_new(int i)
{
    return i % 5 == 3 && i % 2 == 1;
}
static bool rank_2_to_4(int i)
{
    return i % 7 >= 2 && i % 7 <= 4;
}
static bool rank_over_2_below_4(int i)
{
    return i % 7 == 3;
}
static bool rank_in_1_5(int i)
{
    return i % 7 == 1 || i % 7 == 5;
}
static bool score_from_35(int i)
{
    return i % 5 >= 3;
}
static bool is_due_before_10(int i)
{
    return i % 4 && i % 28 + 1 < 10;
}
static bool is_hidden(int i)
{
    return i % 5 == 0;
}
static bool never(int i)
{
    (void)i;
    return false;
}

static void filters_find_what_fits_and_nothing_else(void **state)
{
#define F(field, op, value) {KH_STR_INIT(field), op, KH_STR_INIT(value)}
    static const struct truth truths[] = {
        {{F("category", KH_F_EQ, "light")}, is_light},
        {{F("category", KH_F_EQ, "light"), F("status", KH_F_EQ, "done")}, is_light_done},
        {{F("unit", KH_F_EQ, "H26.20"), F("status", KH_F_EQ, "new")}, is_unit_new},
        {{F("rank", KH_F_GE, "2"), F("rank", KH_F_LE, "4")}, rank_2_to_4},
        {{F("rank", KH_F_GT, "2"), F("rank", KH_F_LT, "4")}, rank_over_2_below_4},
        {{F("rank", KH_F_IN, "1,5")}, rank_in_1_5},
        {{F("score", KH_F_GE, "3.5")}, score_from_35},
        {{F("due_at", KH_F_LT, "2026-10-10")}, is_due_before_10},
        {{F("open", KH_F_EQ, "false")}, is_hidden},
        {{F("category", KH_F_EQ, "nothing")}, never},
        {{F("category", KH_F_EQ, "' OR 1=1 --")}, never},
    };
    struct world *w = *state;

    fill(w);
    for (size_t t = 0; t < KH_LEN(truths); t++)
        for (unsigned limit = 7; limit <= 200; limit += 193) {
            int order[ROWS], n, want = 0;
            size_t filters = 0;

            while (filters < 3 && truths[t].f[filters].field.n)
                filters++;
            n = all_pages(w,
                          (struct kh_list){
                              .filters = truths[t].f, .filters_n = filters, .limit = limit},
                          order);
            for (int i = 0; i < ROWS; i++)
                want += truths[t].fits(i);
            assert_int_equal(n, want);
            for (int i = 0; i < n; i++)
                assert_true(truths[t].fits(order[i]));
        }
#undef F
}

static int rank_of(int i)
{
    return i % 7;
}
/* Rows without a date come last. */
static int due_of(int i)
{
    return i % 4 ? i % 28 + 1 : 1000;
}
static int score_of(int i)
{
    return i % 5;
}

static void sorts_by_any_indexed_field_both_ways(void **state)
{
    static const struct {
        const char *name;
        int (*key)(int i);
    } fields[] = {{"rank", rank_of}, {"due_at", due_of}, {"score", score_of}};
    struct world *w = *state;

    fill(w);
    for (size_t f = 0; f < KH_LEN(fields); f++)
        for (int down = 0; down < 2; down++)
            for (unsigned limit = 5; limit <= 65; limit += 20) {
                struct kh_str sort =
                    kh_strf(w->a, "%s%s", down ? "-" : "", fields[f].name);
                int order[ROWS];

                assert_int_equal(all_pages(w, (struct kh_list){.sort = sort, .limit = limit}, order),
                                 ROWS);
                for (int i = 1; i < ROWS; i++) {
                    int x = fields[f].key(order[i - 1]), y = fields[f].key(order[i]);

                    if (x == y)
                        assert_true(down ? order[i - 1] > order[i] : order[i - 1] < order[i]);
                    else if (x == 1000 || y == 1000)
                        assert_true(x < y);
                    else
                        assert_true(down ? x > y : x < y);
                }
            }
}

static int status_of(int i)
{
    return i % 2; /* done, new */
}

/* The index is ["unit","status"]: unit comes with other columns behind it, status behind unit. */
static void a_compound_index_leads_in_the_order_of_its_parts(void **state)
{
    static const struct kh_filter unit[] = {
        {KH_STR_INIT("unit"), KH_F_EQ, KH_STR_INIT("H26.20")},
        {KH_STR_INIT("unit"), KH_F_IN, KH_STR_INIT("H26.20,H26.19,H26.20")},
        {KH_STR_INIT("unit"), KH_F_GT, KH_STR_INIT("H26.19")}};
    struct world *w = *state;
    int order[ROWS], n;

    fill(w);
    for (int down = 0; down < 2; down++)
        for (unsigned limit = 3; limit < 100; limit += 31) {
            for (size_t f = 0; f < 2; f++) {
                n = all_pages(w, (struct kh_list){.filters = &unit[f], .filters_n = 1,
                                                  .limit = limit,
                                                  .sort = down ? KH_S("-status") : KH_S("status")},
                              order);
                assert_int_equal(n, f ? 48 : 24);
                for (int i = 1; i < n; i++) {
                    int x = status_of(order[i - 1]), y = status_of(order[i]);

                    assert_true(x == y ? (order[i - 1] > order[i]) == down : (x > y) == down);
                }
            }
            n = all_pages(w, (struct kh_list){.limit = limit,
                                              .sort = down ? KH_S("-unit") : KH_S("unit")},
                          order);
            assert_int_equal(n, ROWS);
            for (int i = 1; i < n; i++) {
                int cmp = strcmp(units[order[i - 1] % 5], units[order[i] % 5]);

                assert_true(cmp ? (cmp > 0) == down : (order[i - 1] > order[i]) == down);
            }
            /* A range alone: largest first, nothing refused. */
            n = all_pages(w, (struct kh_list){.filters = &unit[2], .filters_n = 1, .limit = limit},
                          order);
            assert_int_equal(n, 72);
            for (int i = 1; i < n; i++)
                assert_true(strcmp(units[order[i - 1] % 5], units[order[i] % 5]) >= 0);
        }
}

/* Where no index leads in the order of a range, the order is that of every list. */
static void a_range_that_no_index_leads_through_is_newest_first(void **state)
{
    static const struct kh_filter ranges[] = {
        {KH_STR_INIT("status"), KH_F_GE, KH_STR_INIT("e")},
        {KH_STR_INIT("open"), KH_F_LT, KH_STR_INIT("true")}};
    static const int want[] = {60, 24};
    struct world *w = *state;
    int order[ROWS], n;

    fill(w);
    for (size_t f = 0; f < KH_LEN(ranges); f++) {
        n = all_pages(w, (struct kh_list){.filters = &ranges[f], .filters_n = 1, .limit = 7}, order);
        assert_int_equal(n, want[f]);
        for (int i = 1; i < n; i++)
            assert_true(order[i - 1] > order[i]);
    }
}

/* ---- rights ---- */

static bool in_my_units(int i)
{
    return i % 5 == 0 || i % 5 == 1;
}

static void everybody_sees_their_own_rows(void **state)
{
    struct world *w = *state;
    struct kh_filter mine = {KH_STR_INIT("phone"), KH_F_EQ, KH_STR_INIT("0903")};
    struct kh_filter reporter = {KH_STR_INIT("status"), KH_F_EQ, KH_STR_INIT("new")};
    int order[ROWS], n;

    fill(w);
    n = all_pages(w, (struct kh_list){.who = &kh_who_public, .limit = 9}, order);
    assert_int_equal(n, ROWS - ROWS / 5);
    for (int i = 0; i < n; i++)
        assert_true(order[i] % 5 != 0);
    /* One's own, hidden or not, and what is public; each once, newest first. */
    n = all_pages(w, (struct kh_list){.who = &w->citizen, .limit = 9}, order);
    for (int i = 0; i < n; i++) {
        assert_true(order[i] % 5 != 0 || order[i] % 11 == 0);
        assert_true(i == 0 || order[i] < order[i - 1]);
    }
    assert_int_equal(n, 96 + 3);
    /* The unit and below it, not H26.190 nor H26.1; and what is public. */
    n = all_pages(w, (struct kh_list){.who = &w->officer, .limit = 9}, order);
    for (int i = 0; i < n; i++)
        assert_true(in_my_units(order[i]) || order[i] % 5 != 0);
    assert_int_equal(n, ROWS);
    n = all_pages(w, (struct kh_list){.who = &w->dispatcher, .limit = 50}, order);
    assert_int_equal(n, ROWS);
    /* A filter on a personal field answers only where one may see it. */
    n = all_pages(w, (struct kh_list){.who = &kh_who_public, .filters = &mine, .filters_n = 1},
                  order);
    assert_int_equal(n, 0);
    n = all_pages(w, (struct kh_list){.who = &w->officer, .filters = &mine, .filters_n = 1}, order);
    for (int i = 0; i < n; i++)
        assert_true(in_my_units(order[i]) && order[i] % 10 == 3);
    n = all_pages(w, (struct kh_list){.who = &w->dispatcher, .filters = &mine, .filters_n = 1},
                  order);
    assert_int_equal(n, 12);
    n = all_pages(w, (struct kh_list){.who = &w->officer, .filters = &reporter, .filters_n = 1,
                                      .limit = 4},
                  order);
    assert_int_equal(n, 60);
}

static void sorting_by_a_hidden_field_tells_nothing(void **state)
{
    struct world *w = *state;
    int order[ROWS];

    fill(w);
    assert_int_equal(all_pages(w, (struct kh_list){.who = &kh_who_public, .sort = KH_S("phone")},
                               order),
                     0);
    assert_int_equal(
        all_pages(w, (struct kh_list){.who = &w->dispatcher, .sort = KH_S("phone")}, order), ROWS);
}

/* ---- words ---- */

static void words_are_found_in_any_spelling(void **state)
{
    static const char *const spellings[] = {"đèn đường", "den duong", "ĐÈN ĐƯỜNG", "den duo"};
    struct world *w = *state;
    int order[ROWS], n;

    fill(w);
    for (size_t s = 0; s < KH_LEN(spellings); s++) {
        n = all_pages(w, (struct kh_list){.q = kh_cstr(spellings[s]), .limit = 6}, order);
        assert_int_equal(n, ROWS / 6);
        for (int i = 0; i < n; i++)
            assert_int_equal(order[i] % 6, 0);
    }
    /* Both spellings are found; the one with the very accents comes first. */
    n = all_pages(w, (struct kh_list){.q = KH_S("Mỹ Đình"), .limit = 3}, order);
    assert_int_equal(n, ROWS / 3);
    for (int i = 0; i < ROWS / 6; i++) {
        assert_int_equal(order[i] % 6, 3);
        assert_true(i == 0 || order[i] < order[i - 1]);
    }
    for (int i = ROWS / 6; i < n; i++)
        assert_int_equal(order[i] % 6, 4);
    n = all_pages(w, (struct kh_list){.q = KH_S("ngập zzz")}, order);
    assert_int_equal(n, 0);
    n = all_pages(w, (struct kh_list){.q = KH_S("PA-2026-000007")}, order);
    assert_int_equal(n, 1);
    assert_int_equal(order[0], 6);
}

/* A catalogue: who asks for "đăng ký khai sinh" means that, not the newest that has the words in it. */
static void in_a_catalogue_the_closest_title_comes_first(void **state)
{
    static const char service[] =
        "{'type':'object','x-kh':{'found':'closest','sensitivity':'public'},'properties':{"
        "'code':{'type':'string','x-kh':{'unique':true,'search':3}},"
        "'name':{'type':'string','x-kh':{'search':3}}}}";
    static const char *const names[] = {
        "Thủ tục đăng ký khai sinh", "Thủ tục đăng ký lại khai sinh",
        "Đăng ký khai sinh có yếu tố nước ngoài tại khu vực biên giới",
        "Dang ky khai sinh", /* without accents: after all that have them */
        "Liên thông các thủ tục về đăng ký khai sinh, thường trú, cấp thẻ bảo hiểm y tế cho trẻ em dưới "
        "6 tuổi tại Ủy ban nhân dân cấp xã",
        "Ký nhận khai báo khi đăng tin sinh hoạt"};
    const int order[] = {0, 2, 4, 5, 1, 3}; /* equally close: the newer first */
    struct kh_list ask = {.q = KH_S("đăng ký khai sinh"), .limit = 2};
    struct world *w = *state;
    struct kh_page p;
    size_t n = 0;

    assert_true(put_type(w, "service", service));
    for (size_t i = 0; i < KH_LEN(names); i++)
        assert_true(create(w, "service", NULL,
                           kh_strf(w->a, "{'code':'S%zu','name':'%s'}", i, names[i]).p, NULL));
    do {
        assert_true(list(w, "service", &ask, &p));
        for (size_t i = 0; i < p.n; i++, n++)
            assert_true(has(p.items[i].data, kh_strf(w->a, "\"S%d\"", order[n]).p));
        ask.after = p.next;
    } while (p.next.n);
    assert_int_equal(n, KH_LEN(names));
}

static void words_are_no_query_language(void **state)
{
    static const char *const hostile[] = {"\"", "'", "* OR NOT", "NEAR(a b)", "a:b", "'; DROP TABLE",
                                          "(((", "đường*", "text : x", "\\", "&|!", "😀"};
    struct world *w = *state;
    int order[ROWS];

    fill(w);
    for (size_t i = 0; i < KH_LEN(hostile); i++)
        (void)all_pages(w, (struct kh_list){.q = kh_cstr(hostile[i])}, order);
    assert_int_equal(all_pages(w, (struct kh_list){.q = KH_S("đường")}, order), ROWS / 3);
}

static void words_combine_with_filters_and_rights(void **state)
{
    struct world *w = *state;
    struct kh_filter f = {KH_STR_INIT("status"), KH_F_EQ, KH_STR_INIT("done")};
    int order[ROWS], n;

    fill(w);
    n = all_pages(w, (struct kh_list){.q = KH_S("rác"), .filters = &f, .filters_n = 1}, order);
    assert_int_equal(n, 0);
    n = all_pages(w, (struct kh_list){.q = KH_S("rác"), .who = &kh_who_public}, order);
    assert_int_equal(n, 16);
    for (int i = 0; i < n; i++)
        assert_true(order[i] % 5 != 0);
}

static void changed_words_are_found_and_old_ones_are_not(void **state)
{
    struct world *w = *state;
    int order[ROWS];

    fill(w);
    assert_true(change(w, "report", NULL, ids[5], "{'text':'biển báo lệch'}", NULL));
    assert_int_equal(all_pages(w, (struct kh_list){.q = KH_S("bien bao")}, order), 1);
    assert_int_equal(all_pages(w, (struct kh_list){.q = KH_S("cây đổ")}, order), ROWS / 6 - 1);
    assert_true(close_record(w, "report", NULL, ids[5], 0, NULL));
    assert_int_equal(all_pages(w, (struct kh_list){.q = KH_S("bien bao")}, order), 0);
}

/* ---- place ---- */

static void a_box_holds_what_lies_in_it(void **state)
{
    struct world *w = *state;
    struct kh_box box = {105.7499, 21.0, 105.8301, 21.5};
    struct kh_filter f = {KH_STR_INIT("category"), KH_F_EQ, KH_STR_INIT("light")};
    int order[ROWS], n;

    fill(w);
    for (unsigned limit = 4; limit < 100; limit += 45) {
        n = all_pages(w, (struct kh_list){.bbox = &box, .limit = limit}, order);
        assert_int_equal(n, 41);
        for (int i = 0; i < n; i++)
            assert_true(order[i] >= 25 && order[i] <= 65);
        n = all_pages(w, (struct kh_list){.bbox = &box, .limit = limit, .filters = &f,
                                          .filters_n = 1},
                      order);
        assert_int_equal(n, 13);
    }
    n = all_pages(w, (struct kh_list){.bbox = &box, .limit = 10, .who = &kh_who_public}, order);
    assert_int_equal(n, 32);
}

static void near_means_nearest_first(void **state)
{
    struct world *w = *state;
    struct kh_list q = {.has_near = true, .near_lon = 105.80, .near_lat = 21.05, .near_m = 3000,
                        .limit = 4};
    int order[ROWS], n;
    double last = 0;

    fill(w);
    n = all_pages(w, q, order);
    for (int i = 0; i < n; i++) {
        double m = kh_distance_m(105.80, 21.05, 105.70 + 0.002 * order[i], 21.0 + 0.001 * order[i]);

        assert_true(m >= last - 1e-6 && m <= 3000);
        last = m;
    }
    for (int i = 0; i < ROWS; i++)
        n -= kh_distance_m(105.80, 21.05, 105.70 + 0.002 * i, 21.0 + 0.001 * i) <= 3000;
    assert_int_equal(n, 0);
}

/* The public asks for a dossier by its number, and cannot leaf through all of them. */
static void who_may_only_find_names_the_one(void **state)
{
    static const char ticket[] =
        "{'type':'object','x-kh':{'sensitivity':'public','access':["
        "{'role':'public','ops':['find'],'where':'all','see':'public'}]},'properties':{"
        "'number':{'type':'string','x-kh':{'unique':true}},"
        "'card':{'type':'string','x-kh':{'unique':true,'sensitivity':'personal'}},"
        "'place':{'type':'string','x-kh':{'index':true}},"
        "'name':{'type':'string','x-kh':{'sensitivity':'personal'}}}}";
    struct kh_filter number = {KH_STR_INIT("number"), KH_F_EQ, KH_STR_INIT("T2")};
    struct kh_filter some = {KH_STR_INIT("number"), KH_F_IN, KH_STR_INIT("T1,T2")};
    struct kh_filter above = {KH_STR_INIT("number"), KH_F_GT, KH_STR_INIT("")};
    struct kh_filter place = {KH_STR_INIT("place"), KH_F_EQ, KH_STR_INIT("x")};
    struct kh_filter card = {KH_STR_INIT("card"), KH_F_EQ, KH_STR_INIT("C2")};
    struct kh_list all = {.who = &kh_who_public};
    const struct kh_filter *no[] = {&some, &above, &place};
    struct world *w = *state;
    struct kh_page p;

    assert_true(put_type(w, "ticket", ticket));
    assert_true(create(w, "ticket", NULL, "{'number':'T1','place':'x','card':'C1','name':'Mai'}", NULL));
    assert_true(create(w, "ticket", NULL, "{'number':'T2','place':'x','card':'C2','name':'Lan'}", NULL));
    all.filters = &number;
    all.filters_n = 1;
    assert_true(list(w, "ticket", &all, &p));
    assert_int_equal(p.n, 1);
    assert_true(has(p.items[0].data, "T2"));
    assert_false(has(render(w, &p.items[0], &kh_who_public), "Lan"));
    all.filters = &card; /* a personal field tells the public nothing */
    assert_true(list(w, "ticket", &all, &p));
    assert_int_equal(p.n, 0);
    for (size_t i = 0; i <= KH_LEN(no); i++) {
        all.filters = i < KH_LEN(no) ? no[i] : NULL;
        all.filters_n = i < KH_LEN(no);
        assert_false(list(w, "ticket", &all, &p));
        assert_int_equal(w->err.code, KH_EC_AUTH_REQUIRED);
    }
    all.for_export = true;
    all.filters = &number;
    all.filters_n = 1;
    assert_false(list(w, "ticket", &all, &p));
}

/* ---- what is refused ---- */

static void impossible_questions_are_answered_with_the_reason(void **state)
{
    struct world *w = *state;
    struct kh_box box = {105, 20, 106, 21}, bad = {106, 20, 105, 21};
    struct kh_filter unknown = {KH_STR_INIT("nosuch"), KH_F_EQ, KH_STR_INIT("1")};
    struct kh_filter unindexed = {KH_STR_INIT("illness"), KH_F_EQ, KH_STR_INIT("1")};
    struct kh_filter wrong = {KH_STR_INIT("rank"), KH_F_EQ, KH_STR_INIT("many")};
    const struct kh_list asks[] = {
        {.filters = &unknown, .filters_n = 1},
        {.filters = &unindexed, .filters_n = 1},
        {.filters = &wrong, .filters_n = 1},
        {.sort = KH_S("text")},
        {.sort = KH_S("status")},
        {.sort = KH_S("--rank")},
        {.q = KH_S("a"), .sort = KH_S("rank")},
        {.bbox = &box, .sort = KH_S("rank")},
        {.bbox = &bad},
        {.has_near = true, .near_lon = 500, .near_m = 10},
        {.has_near = true, .near_m = 1e9},
        {.within = KH_S("00000")},
        {.q = KH_S("a"), .valid_us = T0},
    };
    struct kh_page p;

    fill(w);
    for (size_t i = 0; i < KH_LEN(asks); i++) {
        assert_false(list(w, "report", &asks[i], &p));
        if (w->err.code != KH_EC_FILTER_INVALID)
            fprintf(stderr, "# ask %zu: %s\n", i, w->err.detail);
        assert_int_equal(w->err.code, KH_EC_FILTER_INVALID);
        assert_true(strlen(w->err.detail) > 10);
    }
}

static void a_cursor_belongs_to_its_question(void **state)
{
    struct world *w = *state;
    struct kh_page p;
    static const char *const forged[] = {"x", "AAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                         "%%%", "dzEgNQ"};

    fill(w);
    assert_true(list(w, "report", &(struct kh_list){.limit = 3}, &p));
    assert_true(p.next.n > 0);
    assert_false(list(w, "report", &(struct kh_list){.sort = KH_S("rank"), .after = p.next}, &p));
    assert_int_equal(w->err.code, KH_EC_CURSOR_INVALID);
    for (size_t i = 0; i < KH_LEN(forged); i++) {
        assert_false(list(w, "report", &(struct kh_list){.after = kh_cstr(forged[i])}, &p));
        assert_int_equal(w->err.code, KH_EC_CURSOR_INVALID);
    }
}

static void closed_rows_leave_every_list(void **state)
{
    struct world *w = *state;
    struct kh_box all = {105, 20, 107, 22};
    struct kh_filter f = {KH_STR_INIT("category"), KH_F_EQ, KH_STR_INIT("light")};
    int order[ROWS];
    int64_t then;

    fill(w);
    kh_clock_add(KH_US_S);
    then = kh_now_us();
    kh_clock_add(KH_US_S);
    for (int i = 0; i < ROWS; i += 3)
        assert_true(close_record(w, "report", NULL, ids[i], 0, NULL));
    assert_int_equal(all_pages(w, (struct kh_list){.limit = 11}, order), ROWS - ROWS / 3);
    assert_int_equal(all_pages(w, (struct kh_list){.filters = &f, .filters_n = 1}, order), 0);
    assert_int_equal(all_pages(w, (struct kh_list){.bbox = &all}, order), ROWS - ROWS / 3);
    assert_int_equal(all_pages(w, (struct kh_list){.sort = KH_S("rank")}, order), ROWS - ROWS / 3);
    /* They are there in the lists of the time when they held. */
    assert_int_equal(all_pages(w, (struct kh_list){.valid_us = then, .limit = 7}, order), ROWS);
    assert_int_equal(
        all_pages(w, (struct kh_list){.valid_us = then, .filters = &f, .filters_n = 1}, order),
        ROWS / 3);
    assert_int_equal(all_pages(w, (struct kh_list){.at_us = then, .bbox = &all}, order), ROWS);
}

/* ---- no scan ---- */

struct explain {
    struct world *w;
    struct kh_rwalk walk;
    const struct kh_rvalues *values; /* instead of the walk */
    struct kh_str plan;
};

static bool explain_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct explain *x = ctx;

    if (x->values)
        return kh_rvalues_explain(tx, type_named(x->w, "report")->table, x->w->a, x->values,
                                  &x->plan, err);
    return kh_rwalk_explain(tx, type_named(x->w, "report")->table, x->w->a, &x->walk, &x->plan,
                            err);
}

static int index_of(const struct kh_type *t, const char *field)
{
    return t->fields[kh_type_field(t, kh_cstr(field))].index;
}

static int col_of(const struct kh_type *t, const char *field)
{
    return t->fields[kh_type_field(t, kh_cstr(field))].col;
}

/* What SQLite says of every kind of walk; PostgreSQL chooses by its statistics, so there the plan is
 * only asked for (the statement is right) and not judged on a table of 120 rows. */
static void every_walk_goes_along_an_index(void **state)
{
    struct world *w = *state;
    const struct kh_type *t;
    struct kh_rval unit[2] = {{.kind = KH_RV_TEXT, .s = KH_S("H26.19")},
                              {.kind = KH_RV_TEXT, .s = KH_S("new")}};
    struct kh_rval three = {.kind = KH_RV_INT, .i = 3}, none = {0};
    struct kh_rpred filter = {.op = KH_RO_IN, .value = {.kind = KH_RV_TEXT, .s = KH_S("[1,2]")}};
    struct kh_rpred mine = {.op = KH_RO_UNITS,
                            .value = {.kind = KH_RV_TEXT, .s = KH_S("[\"H26.19\"]")}};
    struct kh_rconj conj = {&mine, 1};
    double box[4] = {105, 20, 106, 22};
    struct kh_box where = {105, 20, 106, 22};
    struct explain x = {.w = w};
    struct kh_rwalk walks[12];
    size_t n = 0;

    fill(w);
    t = type_named(w, "report");
    filter.col = col_of(t, "rank");
    mine.col = col_of(t, "unit");
    walks[n++] = (struct kh_rwalk){.by = KH_RBY_ID, .desc = true, .sort = -1};
    walks[n++] = (struct kh_rwalk){.by = KH_RBY_ID, .desc = true, .sort = -1, .has_after = true,
                                   .after_id = ids[9], .all = true};
    walks[n++] = (struct kh_rwalk){.by = KH_RBY_INDEX, .index = index_of(t, "unit"), .eq = unit,
                                   .eq_n = 1, .sort = col_of(t, "status"), .desc = true};
    walks[n++] = (struct kh_rwalk){.by = KH_RBY_INDEX, .index = index_of(t, "unit"), .eq = unit,
                                   .eq_n = 2, .sort = -1, .desc = true, .has_after = true,
                                   .after_id = ids[9]};
    for (int down = 0; down < 2; down++) {
        walks[n++] = (struct kh_rwalk){.by = KH_RBY_INDEX, .index = index_of(t, "rank"),
                                       .sort = col_of(t, "rank"), .desc = down};
        walks[n++] = (struct kh_rwalk){.by = KH_RBY_INDEX,
                                       .index = index_of(t, "rank"),
                                       .sort = col_of(t, "rank"),
                                       .desc = down,
                                       .span = {three, three, false, false},
                                       .has_after = true,
                                       .after = three,
                                       .after_id = ids[9]};
        walks[n++] = (struct kh_rwalk){.by = KH_RBY_INDEX,
                                       .index = index_of(t, "rank"),
                                       .eq = &none,
                                       .eq_n = 1,
                                       .sort = -1,
                                       .desc = down};
    }
    walks[n++] = (struct kh_rwalk){.by = KH_RBY_CELL,
                                   .text = kh_cell_ranges(w->a, &where, false, 0), .box = box};
    walks[n++] = (struct kh_rwalk){.by = KH_RBY_TEXT,
                                   .text = fixture_is_pg() ? KH_S("'den':*") : KH_S("\"den\"*")};
    assert_int_equal(n, KH_LEN(walks));
    for (size_t i = 0; i < n; i++) {
        struct kh_error err = {0};

        x.walk = walks[i];
        x.walk.limit = 100;
        x.walk.valid_us = T0;
        x.walk.filters = &filter;
        x.walk.filters_n = 1;
        x.walk.access = &conj;
        x.walk.access_n = 1;
        if (!kh_store_run(w->f.st, "explain", KH_TX_READ, explain_in_tx, &x, &err)) {
            fprintf(stderr, "# walk %zu: %s\n", i, err.detail);
            fail();
        }
        if (fixture_is_pg())
            continue;
        if (!has(x.plan, "SEARCH r ") || has(x.plan, "SCAN r\n") || has(x.plan, "B-TREE")) {
            fprintf(stderr, "# walk %zu: %.*s\n", i, KH_FMT(x.plan));
            fail();
        }
    }
}

/* Values are found by a leap each, not by looking at all rows. */
static void values_are_found_by_leaps(void **state)
{
    struct world *w = *state;
    struct kh_rval unit = {.kind = KH_RV_TEXT, .s = KH_S("H26.19")};
    struct kh_rvalues values = {.eq = &unit, .eq_n = 1, .max = 9};
    struct explain x = {.w = w, .values = &values};

    fill(w);
    values.index = index_of(type_named(w, "report"), "unit");
    for (int down = 0; down < 2; down++) {
        struct kh_error err = {0};

        values.desc = down;
        assert_true(kh_store_run(w->f.st, "explain", KH_TX_READ, explain_in_tx, &x, &err));
        assert_true(fixture_is_pg() || (has(x.plan, "SEARCH r ") && !has(x.plan, "SCAN r") &&
                                        !has(x.plan, "B-TREE")));
    }
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(newest_first_in_pages_of_any_size),
        T(filters_find_what_fits_and_nothing_else),
        T(sorts_by_any_indexed_field_both_ways),
        T(a_compound_index_leads_in_the_order_of_its_parts),
        T(a_range_that_no_index_leads_through_is_newest_first),
        T(everybody_sees_their_own_rows),
        T(sorting_by_a_hidden_field_tells_nothing),
        T(words_are_found_in_any_spelling),
        T(in_a_catalogue_the_closest_title_comes_first),
        T(words_are_no_query_language),
        T(words_combine_with_filters_and_rights),
        T(changed_words_are_found_and_old_ones_are_not),
        T(a_box_holds_what_lies_in_it),
        T(near_means_nearest_first),
        T(who_may_only_find_names_the_one),
        T(impossible_questions_are_answered_with_the_reason),
        T(a_cursor_belongs_to_its_question),
        T(closed_rows_leave_every_list),
        T(every_walk_goes_along_an_index),
        T(values_are_found_by_leaps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
