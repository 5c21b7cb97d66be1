/* SPDX-License-Identifier: Apache-2.0 */
/* One record: declared, created, read, changed; who may, what fits, what is refused and why. */
#include "world.h"

#include "base/id.h"
#include "engine/registry/seen.h"
#include "store/event.h"

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

static const char kind[] =
    "{'type':'object','x-kh':{'key':'code','title':'name','sensitivity':'public',"
    "'access':[{'role':'public','ops':['read','list'],'where':'all'}]},"
    "'properties':{'code':{'type':'string','maxLength':20},'name':{'type':'string'}},"
    "'required':['code']}";

static const char dossier[] =
    "{'type':'object','x-kh':{'title':['number','subject'],'sensitivity':'internal','owner':'owner',"
    "'unit':'unit','state':'status',"
    "'serial':{'field':'number','pattern':'HS-{YYYY}-{SERIAL:5}','per':'year'},"
    "'rules':[{'if':'fee_paid = true','rule':'fee > 0','pointer':'/fee',"
    "'message':{'vi':'Đã nộp thì phí phải lớn hơn 0.','en':'A paid fee is more than 0.'}}],"
    "'access':["
    "{'role':'account','ops':['create'],'where':'owner','see':'internal',"
    "'fields':['kind','subject','phone','fee']},"
    "{'role':'owner','ops':['read','list','history'],'where':'owner','see':'personal'},"
    "{'role':'officer','ops':['read','list','create','update'],'where':'unit','see':'personal',"
    "'fields':['subject','status','unit','kind','owner','phone']},"
    "{'role':'leader','ops':['read','list'],'where':['unit',{'status':['done']}],'see':'internal'},"
    "{'role':'dispatcher','ops':['read','list','create','update','close','import','export','history'],"
    "'where':'all','see':'sensitive'}]},"
    "'properties':{"
    "'number':{'type':'string','maxLength':20,'x-kh':{'unique':true}},"
    "'kind':{'type':'string','x-kh':{'ref':'kind','index':true}},"
    "'also':{'type':'array','items':{'type':'string'},'x-kh':{'ref':'kind'}},"
    "'parent':{'type':'string','x-kh':{'ref':'dossier'}},"
    "'subject':{'type':'string','minLength':1,'maxLength':200},"
    "'phone':{'type':'string','x-kh':{'sensitivity':'personal'}},"
    "'illness':{'type':'string','x-kh':{'sensitivity':'sensitive'}},"
    "'card':{'type':'string','x-kh':{'unique':true,'sensitivity':'personal'}},"
    "'fee':{'type':'integer','minimum':0},"
    "'vat':{'type':'number','x-kh':{'computed':'fee * 0.1'}},"
    "'total':{'type':'number','x-kh':{'computed':'fee + vat'}},"
    "'fee_paid':{'type':'boolean','default':false},"
    "'unit':{'type':'string','maxLength':35},"
    "'owner':{'type':'string','x-kh':{'sensitivity':'personal'}},"
    "'status':{'type':'string','enum':['new','done'],'default':'new'}},"
    "'required':['number','subject'],'additionalProperties':false}";

static void begin(struct world *w)
{
    assert_true(put_type(w, "kind", kind));
    assert_true(put_type(w, "dossier", dossier));
    assert_true(create(w, "kind", NULL, "{'code':'birth','name':'Khai sinh'}", NULL));
}

static bool refused(struct world *w, bool done, enum kh_ec code)
{
    if (done || w->err.code != code)
        fprintf(stderr, "# %s: %s\n", done ? "done" : kh_error_info(w->err.code)->name,
                w->err.detail);
    return !done && w->err.code == code;
}

/* ---- what was created is there ---- */

static void keeps_what_was_created(void **state)
{
    struct world *w = *state;
    struct kh_record r, got;

    begin(w);
    assert_true(create(w, "dossier", NULL, "{'subject':'Đăng ký','fee':20000,'kind':'birth'}", &r));
    assert_int_equal(r.revision, 1);
    assert_int_equal(get(w, "dossier", r.id, 0, 0, &got), KH_HIT);
    assert_true(kh_str_eq(got.data, r.data));
    assert_true(has(got.data, "\"number\":\"HS-2026-00001\""));
    assert_true(has(got.data, "\"fee_paid\":false"));
    assert_true(has(got.data, "\"status\":\"new\""));
    assert_true(has(got.data, "\"vat\":2000"));
    assert_true(has(got.data, "\"total\":22000"));
    world_reopen(w);
    assert_int_equal(get(w, "dossier", r.id, 0, 0, &got), KH_HIT);
    assert_true(kh_str_eq(got.data, r.data));
    assert_int_equal(get(w, "dossier", r.id + 1, 0, 0, &got), KH_MISS);
}

static void text_is_kept_in_normal_form(void **state)
{
    struct world *w = *state;
    struct kh_record r;

    begin(w);
    /* "Đống" with the marks as characters of their own */
    assert_true(create(w, "dossier", NULL, "{'subject':'\xc4\x90o\xcc\x82\xcc\x81ng'}", &r));
    assert_true(has(r.data, "\xc4\x90\xe1\xbb\x91ng"));
}

static void decimals_survive_unchanged(void **state)
{
    struct world *w = *state;
    struct kh_record r;

    assert_true(put_type(w, "price", "{'type':'object','properties':{'v':{'type':'number'}}}"));
    assert_true(create(w, "price", NULL, "{'v':1234567890123456789.10}", &r));
    assert_true(has(r.data, "1234567890123456789.10"));
    assert_true(create(w, "price", NULL, "{'v':1e400}", &r));
    assert_true(has(r.data, "1e400"));
}

/* ---- what does not fit ---- */

static void says_everything_that_is_wrong_at_once(void **state)
{
    struct world *w = *state;

    begin(w);
    assert_true(refused(w,
                        create(w, "dossier", NULL,
                               "{'subject':'','fee':-1,'status':'gone','more':1}", NULL),
                        KH_EC_RECORD_INVALID));
    assert_int_equal(w->err.issues->n, 4);
    assert_true(refused(w, create(w, "dossier", NULL, "[1]", NULL), KH_EC_RECORD_INVALID));
    assert_true(refused(w, create(w, "dossier", NULL, "{}", NULL), KH_EC_RECORD_INVALID));
    assert_true(kh_str_is(issue_at(w), "/subject"));
    assert_true(refused(
        w, create(w, "dossier", NULL, "{'subject':'x','fee':0,'fee_paid':true}", NULL),
        KH_EC_RECORD_INVALID));
    assert_true(kh_str_is(issue_code(w), "rule"));
    assert_true(kh_str_is(issue_at(w), "/fee"));
}

static void hostile_values_in_every_field_are_refused_or_kept(void **state)
{
    static const char *const values[] = {
        "null", "true", "[]", "{}", "-1", "1e999999", "99999999999999999999999999", "''",
        "'\\u0001\\u001f'", "'\\u0027; DROP TABLE rec_dossier; --'", "'\\ud83d\\ude00'", "'$1'", "'%s%n'",
        "[[[[[[[[[[]]]]]]]]]]", "{'$ref':'#'}", "'\xf0\x9f\x98\x80'", "'../../etc/passwd'"};
    static const char *const fields[] = {"number", "kind", "also", "parent", "subject", "phone",
                                         "illness", "card", "fee", "vat", "fee_paid", "unit",
                                         "owner", "status", "id", "meta"};
    struct world *w = *state;

    begin(w);
    for (size_t f = 0; f < KH_LEN(fields); f++)
        for (size_t v = 0; v < KH_LEN(values); v++) {
            struct kh_str text = kh_strf(w->a, "{'%s':%s%s}", fields[f], values[v],
                                         strcmp(fields[f], "subject") ? ",'subject':'x'" : "");
            struct kh_record r, got;
            char *z = kh_str_z(w->a, text);

            if (create(w, "dossier", NULL, z, &r)) {
                assert_int_equal(get(w, "dossier", r.id, 0, 0, &got), KH_HIT);
                assert_true(kh_str_eq(got.data, r.data));
            } else if (w->err.code != KH_EC_RECORD_INVALID &&
                       w->err.code != KH_EC_RECORD_REFERENCE &&
                       w->err.code != KH_EC_RECORD_DUPLICATE) {
                fprintf(stderr, "# %s: %s\n", z, w->err.detail);
                fail();
            }
        }
}

static void a_record_has_a_largest_size(void **state)
{
    struct world *w = *state;
    char *big = calloc(1, 2000100);

    assert_true(put_type(w, "blob", "{'type':'object','properties':{'v':{'type':'string'},"
                                    "'k':{'type':'string','x-kh':{'index':true}}}}"));
    memcpy(big, "{\"v\":\"", 6);
    memset(big + 6, 'x', 1100000);
    strcpy(big + 6 + 1100000, "\"}");
    {
        struct kh_json *v = NULL;
        struct kh_error err = {0};
        struct kh_write how = {.who = &w->system};
        struct kh_draft *d;
        struct kh_json_limits limits = {.bytes = 4 << 20};

        assert_true(kh_json_parse(w->a, kh_cstr(big), &limits, &v, &err));
        assert_false(kh_record_prepare(w->reg, w->a, type_named(w, "blob"), v, &how, &d, &err));
        assert_int_equal(err.code, KH_EC_BODY_TOO_LARGE);
    }
    memset(big, 0, 3000);
    memcpy(big, "{\"k\":\"", 6);
    memset(big + 6, 'x', 1001);
    memcpy(big + 1007, "\"}", 3);
    assert_true(refused(w, create(w, "blob", NULL, big, NULL), KH_EC_RECORD_INVALID));
    assert_true(kh_str_is(issue_code(w), "index"));
    free(big);
}

/* ---- references, unique values, numbers ---- */

static void references_point_to_something_valid(void **state)
{
    struct world *w = *state;
    struct kh_record k, r;
    char json[200];

    begin(w);
    assert_true(refused(w, create(w, "dossier", NULL, "{'subject':'x','kind':'none'}", NULL),
                        KH_EC_RECORD_REFERENCE));
    assert_true(kh_str_is(issue_at(w), "/kind"));
    assert_true(refused(w,
                        create(w, "dossier", NULL,
                               "{'subject':'x','also':['birth','none','birth','no']}", NULL),
                        KH_EC_RECORD_REFERENCE));
    assert_int_equal(w->err.issues->n, 2);
    assert_true(kh_str_is(issue_at(w), "/also/1"));
    assert_true(create(w, "dossier", NULL, "{'subject':'x'}", &r));
    snprintf(json, sizeof(json), "{'subject':'y','parent':'%.13s'}", kh_id_text(w->a, r.id).p);
    assert_true(create(w, "dossier", NULL, json, &r));
    assert_true(refused(w,
                        create(w, "dossier", NULL, "{'subject':'y','parent':'0000000000000'}", NULL),
                        KH_EC_RECORD_REFERENCE));
    /* A closed kind is no longer pointed to; what pointed to it before may stay. */
    assert_true(create(w, "kind", NULL, "{'code':'old'}", &k));
    assert_true(create(w, "dossier", NULL, "{'subject':'x','kind':'old'}", &r));
    kh_clock_add(KH_US_S);
    assert_true(close_record(w, "kind", NULL, k.id, 0, NULL));
    kh_clock_add(KH_US_S);
    assert_true(refused(w, create(w, "dossier", NULL, "{'subject':'x','kind':'old'}", NULL),
                        KH_EC_RECORD_REFERENCE));
    assert_true(change(w, "dossier", NULL, r.id, "{'subject':'still old'}", NULL));
    assert_true(refused(w, change(w, "dossier", NULL, r.id, "{'also':['old']}", NULL),
                        KH_EC_RECORD_REFERENCE));
}

static const char fault[] =
    "{'type':'object','x-kh':{'key':'code','sensitivity':'public'},'properties':{"
    "'code':{'type':'string','maxLength':20},'asks':{'type':'array','items':{'type':'object'}}},"
    "'required':['code']}";
static const char ticket[] =
    "{'type':'object','x-kh':{'sensitivity':'public'},'properties':{"
    "'fault':{'type':'string','maxLength':20,'x-kh':{'ref':'fault'}},'note':{'type':'string'},"
    "'said':{'type':'object','x-kh':{'answers':'fault.asks'}}}}";

static void answers_wrong(struct world *w, const char *said, const char *at, const char *code)
{
    const char *json = kh_strf(w->a, "{'fault':'lamp','said':%s}", said).p;

    assert_true(refused(w, create(w, "ticket", NULL, json, NULL), KH_EC_RECORD_INVALID));
    if (w->err.issues->n != 1 || !kh_str_is(issue_at(w), at) || !kh_str_is(issue_code(w), code))
        fail_msg("%s: %zu issues, %.*s %.*s", said, w->err.issues->n, KH_FMT(issue_at(w)),
                 KH_FMT(issue_code(w)));
    assert_true(w->err.issues->items[0].vi.n > 0 && w->err.issues->items[0].en.n > 0);
}

static void answers_fit_what_the_named_record_asks(void **state)
{
    struct world *w = *state;
    struct kh_record r, k;

    assert_true(put_type(w, "fault", fault));
    assert_true(put_type(w, "ticket", ticket));
    assert_true(create(w, "fault", NULL,
                       "{'code':'lamp','asks':[{'code':'POST','datatype':'number','required':true},"
                       "{'code':'SEEN','datatype':'datetime'},{'code':'LINE','datatype':'string'},"
                       "{'code':'MORE','datatype':'text'},{'code':'HOW','datatype':'singlevaluelist',"
                       "'values':[{'key':'off'},{'key':'weak'}]},{'code':'ALSO','datatype':"
                       "'multivaluelist','values':[{'key':'bent'},{'key':'open'}]}]}",
                       &k));
    assert_true(create(w, "fault", NULL, "{'code':'other'}", NULL));
    answers_wrong(w, "{}", "/said/POST", "required");
    answers_wrong(w, "{'POST':' '}", "/said/POST", "required");
    answers_wrong(w, "{'POST':12}", "/said/POST", "type");
    answers_wrong(w, "{'POST':'twelve'}", "/said/POST", "format");
    answers_wrong(w, "{'POST':'12','SEEN':'yesterday'}", "/said/SEEN", "format");
    answers_wrong(w, "{'POST':'12','LINE':'a\\nb'}", "/said/LINE", "format");
    answers_wrong(w, "{'POST':'12','HOW':'on'}", "/said/HOW", "enum");
    answers_wrong(w, "{'POST':'12','HOW':['off']}", "/said/HOW", "type");
    answers_wrong(w, "{'POST':'12','ALSO':'bent'}", "/said/ALSO", "type");
    answers_wrong(w, "{'POST':'12','ALSO':['bent',1]}", "/said/ALSO", "enum");
    answers_wrong(w, "{'POST':'12','a/b~':'x'}", "/said/a~1b~0", "additionalProperties");
    assert_true(refused(w, create(w, "ticket", NULL, "{'fault':'lamp'}", NULL),
                        KH_EC_RECORD_INVALID));
    assert_true(refused(w, create(w, "ticket", NULL, "{'fault':'other','said':{'POST':'1'}}", NULL),
                        KH_EC_RECORD_INVALID));
    assert_true(refused(w, create(w, "ticket", NULL, "{'said':{'POST':'1'}}", NULL),
                        KH_EC_RECORD_INVALID));
    assert_true(create(w, "ticket", NULL, "{'fault':'other','said':{}}", NULL));
    assert_true(create(w, "ticket", NULL,
                       "{'fault':'lamp','said':{'POST':'12.5','SEEN':'2026-09-01','LINE':'a',"
                       "'MORE':'a\\nb','HOW':'off','ALSO':['bent','open']}}",
                       &r));

    /* What was said stays when it is called something else, or when other things are asked later. */
    assert_true(change(w, "ticket", NULL, r.id, "{'fault':'other'}", &r));
    assert_true(change(w, "ticket", NULL, r.id, "{'fault':'lamp'}", &r));
    assert_true(change(w, "fault", NULL, k.id, "{'asks':[]}", &k));
    assert_true(change(w, "ticket", NULL, r.id, "{'note':'seen'}", &r));
    assert_true(refused(w, change(w, "ticket", NULL, r.id, "{'said':{'POST':'13'}}", &r),
                        KH_EC_RECORD_INVALID));
}

static void a_key_is_unique_among_what_is_valid(void **state)
{
    struct world *w = *state;
    struct kh_record k, r;

    begin(w);
    assert_true(refused(w, create(w, "kind", NULL, "{'code':'birth'}", NULL),
                        KH_EC_RECORD_DUPLICATE));
    assert_true(kh_str_is(issue_at(w), "/code"));
    assert_true(create(w, "kind", NULL, "{'code':'death'}", &k));
    assert_true(refused(w, change(w, "kind", NULL, k.id, "{'code':'birth'}", NULL),
                        KH_EC_RECORD_DUPLICATE));
    kh_clock_add(KH_US_S);
    assert_true(close_record(w, "kind", NULL, k.id, 0, NULL));
    kh_clock_add(KH_US_S);
    /* Its successor may bear the same code; one that overlaps with its past may not. */
    assert_true(create(w, "kind", NULL, "{'code':'death'}", &r));
    assert_true(refused(
        w,
        create(w, "kind", NULL, "{'code':'death','meta':{'valid_from':'2026-01-01','valid_to':"
                                "'2027-01-01'}}",
               NULL),
        KH_EC_RECORD_DUPLICATE));
    assert_true(create(w, "kind", NULL,
                       "{'code':'death','meta':{'valid_from':'2025-01-01','valid_to':'2026-01-01'}}",
                       NULL));
}

enum { RACERS = 40 };

struct racer {
    struct world *w;
    struct kh_arena *a;
    struct kh_draft *d;
    struct kh_record r;
    enum kh_ec code;
    bool ok;
    sem_t *done;
};

static bool race_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct racer *x = ctx;

    return kh_record_insert(tx, x->w->reg, x->a, x->d, &x->r, err);
}

static void raced(void *ctx, bool ok, const struct kh_error *err)
{
    struct racer *x = ctx;

    x->ok = ok;
    x->code = ok ? KH_EC_OK : err->code;
    sem_post(x->done);
}

/* Several writers at once where the database has several. */
static int race_setup(void **state)
{
    struct world *w;

    if (world_setup(state) != 0)
        return 1;
    w = *state;
    kh_registry_close(w->reg);
    kh_store_close(w->f.st);
    w->f.st = NULL;
    w->f.config.writers = 4;
    fixture_reopen(&w->f);
    return kh_registry_open(w->f.st, &w->reg, &w->err) ? 0 : 1;
}

static void race(struct world *w, const char *type, const char *(*fields)(int i, char *out),
                 struct racer *x)
{
    static sem_t done;
    struct kh_write how = {.who = &w->system};

    sem_init(&done, 0, 0);
    for (int i = 0; i < RACERS; i++) {
        char json[200];

        x[i] = (struct racer){.w = w, .a = kh_arena_new(1 << 20), .done = &done};
        assert_true(kh_record_prepare(w->reg, x[i].a, type_named(w, type), J(w, fields(i, json)),
                                      &how, &x[i].d, &w->err));
    }
    for (int i = 0; i < RACERS; i++)
        assert_true(kh_store_submit(w->f.st, "race", race_in_tx, &x[i], raced, &w->err));
    for (int i = 0; i < RACERS; i++)
        sem_wait(&done);
    sem_destroy(&done);
}

static const char *same_code(int i, char *out)
{
    snprintf(out, 200, "{'code':'K%d'}", i % 4);
    return out;
}

static void a_race_for_a_key_has_one_winner(void **state)
{
    struct world *w = *state;
    struct racer x[RACERS];
    int won = 0;

    begin(w);
    race(w, "kind", same_code, x);
    for (int i = 0; i < RACERS; i++) {
        won += x[i].ok;
        assert_true(x[i].ok || x[i].code == KH_EC_RECORD_DUPLICATE);
        kh_arena_drop(x[i].a);
    }
    assert_int_equal(won, 4);
}

static const char *every_third_fails(int i, char *out)
{
    snprintf(out, 200, "{'subject':'%d','kind':'%s'}", i, i % 3 ? "birth" : "none");
    return out;
}

static void numbers_have_no_gaps_under_load(void **state)
{
    struct world *w = *state;
    struct racer x[RACERS];
    bool seen[RACERS + 1] = {false};
    int n = 0;

    begin(w);
    race(w, "dossier", every_third_fails, x);
    for (int i = 0; i < RACERS; i++)
        n += x[i].ok;
    assert_int_equal(n, RACERS - (RACERS + 2) / 3);
    for (int i = 0; i < RACERS; i++) {
        const char *at = x[i].ok ? memmem(x[i].r.data.p, x[i].r.data.n, "HS-2026-", 8) : NULL;
        int number = at ? atoi(at + 8) : 0;

        assert_int_equal(x[i].ok, number > 0);
        assert_true(number <= n && (number == 0 || !seen[number]));
        seen[number] = true;
        kh_arena_drop(x[i].a);
    }
    for (int i = 1; i <= n; i++)
        assert_true(seen[i]);
}

static void a_new_year_begins_at_one(void **state)
{
    struct world *w = *state;
    struct kh_record r;

    begin(w);
    assert_true(create(w, "dossier", NULL, "{'subject':'x'}", &r));
    assert_true(create(w, "dossier", NULL, "{'subject':'x'}", &r));
    assert_true(has(r.data, "HS-2026-00002"));
    /* The city's year, not that of Greenwich. */
    kh_clock_set(1798736400 * KH_US_S - 1);
    assert_true(create(w, "dossier", NULL, "{'subject':'x'}", &r));
    assert_true(has(r.data, "HS-2026-00003"));
    kh_clock_set(1798736400 * KH_US_S);
    assert_true(create(w, "dossier", NULL, "{'subject':'x'}", &r));
    assert_true(has(r.data, "HS-2027-00001"));
}

static void a_number_may_be_counted_for_each_agency_and_day(void **state)
{
    static const char file[] =
        "{'type':'object','x-kh':{'serial':{'field':'number',"
        "'pattern':'{old:agency}-{YY}{MM}{DD}-{SERIAL:4}','per':'day'}},"
        "'properties':{'number':{'type':'string','maxLength':40,'x-kh':{'unique':true}},"
        "'agency':{'type':'string','maxLength':35}},'required':['agency']}";
    struct world *w = *state;
    struct kh_record r;

    assert_true(put_type(w, "file", file));
    kh_clock_set(1798736400 * KH_US_S - 1); /* 2026-12-31, the last second */
    assert_true(create(w, "file", NULL, "{'agency':'H26.19'}", &r));
    assert_true(has(r.data, "\"000.00.19.H26-261231-0001\""));
    assert_true(create(w, "file", NULL, "{'agency':'H26.19'}", &r));
    assert_true(has(r.data, "\"000.00.19.H26-261231-0002\""));
    /* A code that has no old form stands as it is, and counts for itself. */
    assert_true(create(w, "file", NULL, "{'agency':'H26.00070'}", &r));
    assert_true(has(r.data, "\"H26.00070-261231-0001\""));
    kh_clock_set(1798736400 * KH_US_S);
    assert_true(create(w, "file", NULL, "{'agency':'H26.19'}", &r));
    assert_true(has(r.data, "\"000.00.19.H26-270101-0001\""));
}

/* ---- changes ---- */

static void changes_keep_what_they_do_not_name(void **state)
{
    struct world *w = *state;
    struct kh_record r, got;

    begin(w);
    assert_true(create(w, "dossier", NULL, "{'subject':'A','fee':1000,'phone':'09'}", &r));
    assert_true(change(w, "dossier", NULL, r.id, "{'fee':2000,'phone':null}", &got));
    assert_int_equal(got.revision, 2);
    assert_true(has(got.data, "\"subject\":\"A\""));
    assert_true(has(got.data, "\"total\":2200"));
    assert_false(has(got.data, "phone"));
    /* The same again is no revision. */
    assert_true(change(w, "dossier", NULL, r.id, "{'fee':2000.0}", &got));
    assert_int_equal(got.revision, 2);
    assert_true(refused(w, change(w, "dossier", NULL, r.id, "{'fee':-5}", NULL),
                        KH_EC_RECORD_INVALID));
    assert_true(refused(w, change(w, "dossier", NULL, r.id, "{'nosuch':1}", NULL),
                        KH_EC_RECORD_INVALID));
    assert_true(refused(w, change(w, "dossier", NULL, r.id + 1, "{}", NULL), KH_EC_RECORD_UNKNOWN));
}

static void a_replacement_keeps_number_and_what_was_hidden(void **state)
{
    struct world *w = *state;
    struct kh_write how = {.who = &w->officer};
    struct kh_record r, got;

    begin(w);
    assert_true(create(w, "dossier", NULL,
                       "{'subject':'A','illness':'secret','unit':'H26.19','phone':'09'}", &r));
    assert_true(change_as(w, "dossier", r.id, "{'subject':'B','unit':'H26.19','fee_paid':false,"
                                              "'status':'new'}",
                          false, &how, &got));
    assert_true(has(got.data, "\"illness\":\"secret\""));
    assert_true(has(got.data, "HS-2026-00001"));
    assert_false(has(got.data, "phone"));
}

static void a_stale_revision_is_refused(void **state)
{
    struct world *w = *state;
    struct kh_write how = {.who = &w->system, .if_revision = 1};
    struct kh_record r;

    begin(w);
    assert_true(create(w, "dossier", NULL, "{'subject':'A'}", &r));
    assert_true(change_as(w, "dossier", r.id, "{'subject':'B'}", true, &how, NULL));
    assert_true(refused(w, change_as(w, "dossier", r.id, "{'subject':'C'}", true, &how, NULL),
                        KH_EC_RECORD_STALE));
}

/* ---- who may ---- */

static int64_t dossier_of(struct world *w, const char *unit, const char *status, int64_t account)
{
    struct kh_record r;
    char json[300];

    snprintf(json, sizeof(json),
             "{'subject':'A','phone':'0912','illness':'x','unit':'%s','status':'%s','owner':'%.13s'}",
             unit, status, kh_id_text(w->a, account).p);
    assert_true(create(w, "dossier", NULL, json, &r));
    return r.id;
}

static void rights_are_by_role_unit_owner_state_and_field(void **state)
{
    static const struct kh_grant leader_grant = {KH_STR_INIT("leader"), KH_STR_INIT("H26"),
                                                 KH_FOREVER, 0};
    static const struct kh_grant old_grant = {KH_STR_INIT("dispatcher"), KH_STR_INIT(""), T0 - 1, 0};
    struct world *w = *state;
    struct kh_who leader = w->officer, late = w->officer;
    struct {
        const char *unit, *status;
        int64_t owner;
        const struct kh_who *who;
        enum kh_op op;
        bool may;
    } cases[] = {
        {"H26.19", "new", 1001, &kh_who_public, KH_OP_READ, false},
        {"H26.19", "new", 1001, &w->citizen, KH_OP_READ, true},
        {"H26.19", "new", 1001, &w->citizen, KH_OP_HISTORY, true},
        {"H26.19", "new", 1001, &w->citizen, KH_OP_UPDATE, false},
        {"H26.19", "new", 1001, &w->other, KH_OP_READ, false},
        {"H26.19", "new", 1001, &w->officer, KH_OP_READ, true},
        {"H26.19.3", "new", 1001, &w->officer, KH_OP_READ, true},
        {"H26.190", "new", 1001, &w->officer, KH_OP_READ, false},
        {"H26.1", "new", 1001, &w->officer, KH_OP_READ, false},
        {"H26", "new", 1001, &w->officer, KH_OP_READ, false},
        {"H26.19", "new", 1001, &w->officer, KH_OP_CLOSE, false},
        {"H26.19", "new", 1001, &leader, KH_OP_READ, false},
        {"H26.19", "done", 1001, &leader, KH_OP_READ, true},
        {"K01.19", "done", 1001, &leader, KH_OP_READ, false},
        {"H26.20", "new", 1001, &w->dispatcher, KH_OP_CLOSE, true},
        {"H26.20", "new", 1001, &late, KH_OP_READ, false},
    };

    leader.account = late.account = 3001;
    leader.grants = &leader_grant;
    late.grants = &old_grant;
    begin(w);
    for (size_t i = 0; i < KH_LEN(cases); i++) {
        int64_t id = dossier_of(w, cases[i].unit, cases[i].status, cases[i].owner);
        struct kh_record r;
        enum kh_hit hit = open_as(w, "dossier", id, cases[i].who, cases[i].op, &r);

        if ((hit == KH_HIT) != cases[i].may)
            fprintf(stderr, "# case %zu\n", i);
        assert_int_equal(hit == KH_HIT, cases[i].may);
        /* Out of reach looks like absent. */
        assert_true(cases[i].may || w->err.code == KH_EC_RECORD_UNKNOWN);
    }
}

static void nobody_sees_above_their_level(void **state)
{
    struct world *w = *state;
    struct kh_record r;
    struct kh_str text;
    int64_t id;

    begin(w);
    id = dossier_of(w, "H26.19", "new", 1001);
    assert_int_equal(get(w, "dossier", id, 0, 0, &r), KH_HIT);
    text = render(w, &r, &w->officer);
    assert_true(has(text, "\"phone\":\"0912\""));
    assert_false(has(text, "\"illness\":\""));
    assert_true(has(text, "\"masked\":[\"illness\"]"));
    text = render(w, &r, &w->dispatcher);
    assert_true(has(text, "\"illness\":\"x\""));
    assert_true(has(text, "\"masked\":[]"));
    text = render(w, &r, &kh_who_public);
    assert_false(has(text, "0912") || has(text, "\"subject\":") || has(text, "\"illness\":\""));
    /* A right that names the fields it may write lets no other be written. */
    assert_true(change(w, "dossier", &w->officer, id, "{'status':'done'}", NULL));
    assert_true(refused(w, change(w, "dossier", &w->officer, id, "{'fee':1}", NULL),
                        KH_EC_FORBIDDEN));
    assert_true(refused(w, change(w, "dossier", &w->citizen, id, "{'subject':'mine'}", NULL),
                        KH_EC_FORBIDDEN));
    assert_true(refused(w, change(w, "dossier", &w->other, id, "{'subject':'mine'}", NULL),
                        KH_EC_RECORD_UNKNOWN));
    assert_true(refused(w, close_record(w, "dossier", &w->officer, id, 0, NULL), KH_EC_FORBIDDEN));
}

static void masking_cuts_whole_members_whatever_is_in_them(void **state)
{
    static const char *const values[] = {
        "1", "-1.5e10", "true", "null", "''", "'a'", "'}'", "']'", "'{\\'x\\':['", "'\\\\'",
        "'\\\\\\''", "',\\'h\\':1'", "[]", "{}", "[[1,{'a':'}'}],']']", "{'h':{'o':[1,2]},'p':','}",
        "'\\u0022,'"};
    struct world *w = *state;

    assert_true(put_type(w, "odd",
                         "{'type':'object','x-kh':{'sensitivity':'public'},'properties':{'o':{},"
                         "'h':{'x-kh':{'sensitivity':'personal'}},'p':{}}}"));
    for (size_t i = 0; i < KH_LEN(values); i++)
        for (size_t k = 0; k < KH_LEN(values); k++) {
            struct kh_str text = kh_strf(w->a, "{'o':%s,'h':%s,'p':%s}", values[i], values[k],
                                         values[i]);
            const struct kh_json *all = J(w, kh_str_z(w->a, text));
            struct kh_record r;
            struct kh_json *seen;

            assert_true(create(w, "odd", NULL, kh_str_z(w->a, text), &r));
            assert_true(kh_json_parse(w->a, render(w, &r, &kh_who_public), NULL, &seen, &w->err));
            assert_int_equal(seen->n, 4);
            assert_true(kh_json_eq(kh_json_get(seen, "o"), kh_json_get(all, "o")));
            assert_true(kh_json_eq(kh_json_get(seen, "p"), kh_json_get(all, "p")));
            assert_null(kh_json_get(seen, "h"));
            assert_int_equal(kh_json_at(seen, KH_S("/meta/masked"))->n, 1);
        }
}

static void a_citizen_creates_for_oneself_only(void **state)
{
    struct world *w = *state;
    struct kh_record r;
    char forged[100];

    begin(w);
    assert_true(refused(w, create(w, "dossier", &kh_who_public, "{'subject':'x'}", NULL),
                        KH_EC_AUTH_REQUIRED));
    assert_true(create(w, "dossier", &w->citizen, "{'subject':'x','phone':'09'}", &r));
    snprintf(forged, sizeof(forged), "\"owner\":\"%.13s\"", kh_id_text(w->a, 1001).p);
    assert_true(has(r.data, forged));
    snprintf(forged, sizeof(forged), "{'subject':'x','owner':'%.13s'}", kh_id_text(w->a, 1002).p);
    assert_true(refused(w, create(w, "dossier", &w->citizen, forged, NULL), KH_EC_FORBIDDEN));
    assert_true(refused(w, create(w, "dossier", &w->citizen, "{'subject':'x','status':'done'}", NULL),
                        KH_EC_FORBIDDEN));
    assert_true(refused(w,
                        create(w, "dossier", &w->citizen,
                               "{'subject':'x','illness':'y'}", NULL),
                        KH_EC_FORBIDDEN));
    /* An officer only for the own unit. */
    assert_true(refused(w, create(w, "dossier", &w->officer, "{'subject':'x','unit':'H26.20'}", NULL),
                        KH_EC_FORBIDDEN));
    snprintf(forged, sizeof(forged), "{'subject':'x','unit':'H26.19.1','owner':'%.13s'}",
             kh_id_text(w->a, 1002).p);
    assert_true(create(w, "dossier", &w->officer, forged, NULL));
}

/* ---- who looked ---- */

struct looks {
    struct world *w;
    int64_t owner;
    struct kh_look *items;
    size_t n;
};

static bool read_looks(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct looks *l = ctx;

    return kh_seen_of(tx, l->w->a, l->owner, INT64_MAX, 50, &l->items, &l->n, err);
}

static void looks_at_personal_data_are_written_down(void **state)
{
    struct world *w = *state;
    struct looks l = {.w = w, .owner = 1001};
    struct kh_error err = {0};
    struct kh_look look;
    struct kh_record r;
    struct kh_who officer = w->officer;
    int64_t id;

    begin(w);
    id = dossier_of(w, "H26.19", "new", 1001);
    assert_int_equal(get(w, "dossier", id, 0, 0, &r), KH_HIT);
    officer.purpose = KH_S("giải quyết hồ sơ");
    assert_int_equal(kh_record_look(w->a, &r, &w->citizen, KH_OP_READ, &look), KH_SEE_PUBLIC);
    assert_int_equal(kh_record_look(w->a, &r, &kh_who_public, KH_OP_READ, &look), KH_SEE_PUBLIC);
    assert_int_equal(kh_record_look(w->a, &r, &w->system, KH_OP_READ, &look), KH_SEE_PUBLIC);
    assert_int_equal(kh_record_look(w->a, &r, &w->dispatcher, KH_OP_READ, &look), KH_SEE_SENSITIVE);
    assert_int_equal(kh_record_look(w->a, &r, &officer, KH_OP_READ, &look), KH_SEE_PERSONAL);
    assert_true(kh_seen_later(w->reg, &look, &err));
    assert_true(kh_seen_flush(w->reg, &err));
    assert_true(kh_store_run(w->f.st, "looks", KH_TX_READ, read_looks, &l, &err));
    assert_int_equal(l.n, 1);
    assert_true(kh_str_is(l.items[0].role, "officer"));
    assert_true(kh_str_is(l.items[0].purpose, "giải quyết hồ sơ"));
    assert_true(kh_str_is(l.items[0].fields, "[\"phone\",\"owner\"]") ||
                kh_str_is(l.items[0].fields, "[\"owner\",\"phone\"]"));
    assert_int_equal(l.items[0].record, id);
    l.owner = 1002;
    assert_true(kh_store_run(w->f.st, "looks", KH_TX_READ, read_looks, &l, &err));
    assert_int_equal(l.n, 0);
    l.owner = 0;
    assert_true(kh_store_run(w->f.st, "looks", KH_TX_READ, read_looks, &l, &err));
    assert_int_equal(l.n, 0);
}

/* ---- events ---- */

struct log {
    struct world *w;
    int64_t id;
    struct kh_event *items;
    size_t n;
};

static bool read_log(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct log *l = ctx;

    return kh_event_of(tx, l->w->a, l->id, 0, 50, &l->items, &l->n, err);
}

static void the_log_tells_no_personal_data(void **state)
{
    struct world *w = *state;
    struct log l = {.w = w};
    struct kh_error err = {0};

    begin(w);
    l.id = dossier_of(w, "H26.19", "new", 1001);
    assert_true(change(w, "dossier", NULL, l.id, "{'status':'done','phone':'0999'}", NULL));
    for (int i = 0; l.n < 2 && i < 2000; i++)
        assert_true(kh_store_run(w->f.st, "log", KH_TX_READ, read_log, &l, &err));
    assert_int_equal(l.n, 2);
    for (size_t i = 0; i < l.n; i++) {
        assert_int_equal(l.items[i].level, KH_SEE_INTERNAL);
        assert_int_equal(l.items[i].owner, 1001);
        assert_true(kh_str_is(l.items[i].unit, "H26.19"));
        assert_false(has(l.items[i].data, "0912") || has(l.items[i].data, "0999") ||
                     has(l.items[i].data, "illness"));
    }
    assert_true(kh_str_is(l.items[1].kind, "record.update"));
    assert_true(has(l.items[1].data, "\"status\":\"done\""));
    assert_true(has(l.items[1].data, "\"was\":{\"status\":\"new\"}"));
    assert_memory_equal(l.items[1].before, l.items[0].after, 32);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
#define R(f) cmocka_unit_test_setup_teardown(f, race_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(keeps_what_was_created),
        T(text_is_kept_in_normal_form),
        T(decimals_survive_unchanged),
        T(says_everything_that_is_wrong_at_once),
        T(hostile_values_in_every_field_are_refused_or_kept),
        T(a_record_has_a_largest_size),
        T(references_point_to_something_valid),
        T(answers_fit_what_the_named_record_asks),
        T(a_key_is_unique_among_what_is_valid),
        R(a_race_for_a_key_has_one_winner),
        R(numbers_have_no_gaps_under_load),
        T(a_new_year_begins_at_one),
        T(a_number_may_be_counted_for_each_agency_and_day),
        T(changes_keep_what_they_do_not_name),
        T(a_replacement_keeps_number_and_what_was_hidden),
        T(a_stale_revision_is_refused),
        T(rights_are_by_role_unit_owner_state_and_field),
        T(nobody_sees_above_their_level),
        T(masking_cuts_whole_members_whatever_is_in_them),
        T(a_citizen_creates_for_oneself_only),
        T(looks_at_personal_data_are_written_down),
        T(the_log_tells_no_personal_data),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
