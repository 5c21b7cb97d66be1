/* SPDX-License-Identifier: Apache-2.0 */
/* Lists against a plain model: some thousand records, filters, orders, rights, places and page sizes
 * drawn at random; every page together must be what asking each record gives, each once, in order.
 * KHUE_SWEEP says how many questions (300); the same ones in every run. */
#include "world.h"

#include "base/id.h"
#include "engine/registry/registry_int.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 2400, FIELDS = 8, PREDS = 4 };

/* lot has many values, so what is sorted by it goes value by value; unit has no index of its own. */
static const char schema[] =
    "{'type':'object','x-kh':{'title':'name','sensitivity':'public','owner':'owner','unit':'unit',"
    "'geo':'location','index':[['unit','status'],['cat','open','grade'],['lot','status'],"
    "['unit','lot']],"
    "'access':["
    "{'role':'public','ops':['read','list'],'where':{'open':[true]},'see':'public'},"
    "{'role':'owner','ops':['read','list'],'where':'owner','see':'public'},"
    "{'role':'officer','ops':['read','list'],'where':'unit','see':'public'},"
    "{'role':'dispatcher','ops':['read','list'],'where':'all','see':'public'}]},"
    "'properties':{"
    "'name':{'type':'string','x-kh':{'search':true}},"
    "'cat':{'type':'string'},'unit':{'type':'string'},'status':{'type':'string'},"
    "'lot':{'type':'string'},"
    "'grade':{'type':'integer','x-kh':{'index':true}},"
    "'score':{'type':'number','x-kh':{'index':true}},"
    "'due':{'type':'string','format':'date-time','x-kh':{'index':true}},"
    "'open':{'type':'boolean'},"
    "'owner':{'type':'string'},"
    "'location':{'type':'object','required':['lon','lat'],'properties':{"
    "'lon':{'type':'number'},'lat':{'type':'number'}}}}}";

enum { CAT, UNIT, STATUS, LOT, GRADE, SCORE, DUE, OPEN };
static const char *const names[FIELDS] = {"cat",   "unit",  "status", "lot",
                                          "grade", "score", "due",    "open"};
/* The indexes of the type, as the model knows them; -1 ends one. */
static const int indexes[][4] = {
    {UNIT, STATUS, -1, -1}, {CAT, OPEN, GRADE, -1}, {LOT, STATUS, -1, -1}, {UNIT, LOT, -1, -1},
    {GRADE, -1, -1, -1},    {SCORE, -1, -1, -1},    {DUE, -1, -1, -1}};

static const char *const units[] = {"H26.19", "H26.19.2", "H26.190",
                                    "H26.20", "H26.1",    "H26.19.10"};
static const char *const states[] = {"new", "in_work", "done", "refused"};
static const char *const cats[] = {"light", "road", "tree", "rác", "water"};
static const char *const words[] = {"đèn đường", "rác thải", "cây đổ", "ổ gà"};

/* A value of any field is a number from 0 on, in the order of the field; NONE is none. */
enum { NONE = -1 };
static const int sizes[FIELDS] = {5, 6, 4, 300, 9, 40, 28, 2};

struct item {
    int v[FIELDS], old[FIELDS];
    int word;
    bool mine, closed, placed;
    double lon, lat;
};

static struct item items[ROWS];
static int64_t ids[ROWS];
static int64_t before_us;
static uint64_t seed;

/* xorshift64*: the same questions everywhere. */
static unsigned draw(unsigned n)
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return (unsigned)((seed * 0x2545f4914f6cdd1dU) >> 33) % n;
}

/* ---- values ---- */

static int by_bytes(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* Value i of a field as it stands in an address, in the order of bytes where it is text. */
static struct kh_str text_value(struct kh_arena *a, int field, int i)
{
    const char *const *list = field == CAT ? cats : field == UNIT ? units : states;
    const char *sorted[8];

    switch (field) {
    case LOT:
        return kh_strf(a, "L-%04d", i * 7);
    case GRADE:
        return kh_strf(a, "%d", i - 4);
    case SCORE:
        return kh_strf(a, "%d.25", i);
    case DUE:
        return kh_strf(a, "2026-10-%02dT08:00:00Z", i + 1);
    case OPEN:
        return i ? KH_S("true") : KH_S("false");
    default:
        break;
    }
    memcpy(sorted, list, (size_t)sizes[field] * sizeof(*sorted));
    qsort(sorted, (size_t)sizes[field], sizeof(*sorted), by_bytes);
    return kh_cstr(sorted[i]);
}

static void put_value(struct kh_arena *a, struct kh_buf *b, int field, int i)
{
    bool text = field != GRADE && field != SCORE && field != OPEN;

    if (i == NONE)
        return;
    kh_buf_strf(b, "'%s':%s%.*s%s,", names[field], text ? "'" : "", KH_FMT(text_value(a, field, i)),
                text ? "'" : "");
}

static int draw_value(int field)
{
    /* Half of the lots are in three places, so that some values have many rows. */
    if (field == LOT && draw(2))
        return (int)draw(3);
    if (field != OPEN && draw(8) == 0)
        return NONE;
    return (int)draw((unsigned)sizes[field]);
}

static struct kh_str json_of(struct world *w, struct item *it)
{
    struct kh_buf b = kh_buf(w->a, 2000);

    kh_buf_c(&b, '{');
    for (int f = 0; f < FIELDS; f++) {
        it->v[f] = it->old[f] = draw_value(f);
        put_value(w->a, &b, f, it->v[f]);
    }
    it->mine = draw(20) == 0;
    it->word = (int)draw(KH_LEN(words));
    it->placed = draw(6) != 0;
    /* To the last bit what the text below is read as. */
    it->lon = (1057000 + draw(1000)) / 1e4;
    it->lat = (210000 + draw(1000)) / 1e4;
    if (it->placed)
        kh_buf_strf(&b, "'location':{'lon':%.4f,'lat':%.4f},", it->lon, it->lat);
    if (it->mine)
        kh_buf_strf(&b, "'owner':'%.13s',", kh_id_text(w->a, 1001).p);
    kh_buf_strf(&b, "'name':'%s'}", words[it->word]);
    return kh_buf_get(&b);
}

/* Some records change and some end, so that the past differs from today. */
static void live_on(struct world *w)
{
    kh_clock_add(KH_US_S);
    before_us = kh_now_us();
    kh_clock_add(KH_US_S);
    for (int i = 0; i < ROWS; i += 17) {
        struct item *it = &items[i];
        struct kh_buf b = kh_buf(w->a, 200);

        if (i % 2) {
            it->closed = true;
            assert_true(close_record(w, "item", NULL, ids[i], 0, NULL));
            continue;
        }
        it->v[STATUS] = (int)draw(4);
        it->v[GRADE] = (int)draw(9);
        kh_buf_c(&b, '{');
        put_value(w->a, &b, STATUS, it->v[STATUS]);
        put_value(w->a, &b, GRADE, it->v[GRADE]);
        b.n--;
        kh_buf_c(&b, '}');
        assert_true(change(w, "item", NULL, ids[i], kh_str_z(w->a, kh_buf_get(&b)), NULL));
    }
    kh_clock_add(KH_US_S);
}

static void fill(struct world *w)
{
    const char **all = kh_new_n(w->a, ROWS, const char *);

    seed = 0x9e3779b97f4a7c15U;
    memset(items, 0, sizeof(items));
    assert_true(put_type(w, "item", schema));
    for (int i = 0; i < ROWS; i++)
        all[i] = kh_str_z(w->a, json_of(w, &items[i]));
    if (!create_all(w, "item", all, ROWS, ids)) {
        fprintf(stderr, "# %s\n", w->err.detail);
        fail();
    }
    live_on(w);
}

/* ---- a question ---- */

struct pred {
    int field;
    enum kh_filter_op op;
    int values[40]; /* those of `in`, or one */
    int n;
};

struct question {
    struct pred preds[PREDS];
    int n;
    int sort; /* a field, NONE for none, FIELDS for id */
    bool down;
    enum { NO_PLACE, BOX, NEAR, WITHIN } place;
    struct kh_box box;
    double lon, lat, m;
    bool words, past;
    enum { SYSTEM, PUBLIC, CITIZEN, OFFICER, DISPATCHER } who;
};

static void draw_pred(struct pred *p)
{
    static const enum kh_filter_op ops[] = {KH_F_EQ, KH_F_EQ, KH_F_IN, KH_F_LT,
                                            KH_F_LE, KH_F_GT, KH_F_GE};

    p->field = (int)draw(FIELDS);
    p->op = ops[draw(KH_LEN(ops))];
    p->n = p->op == KH_F_IN ? 1 + (int)draw(draw(4) ? 4 : 40) : 1;
    for (int i = 0; i < p->n; i++)
        p->values[i] = (int)draw((unsigned)(p->field == LOT && draw(2) ? 3 : sizes[p->field]));
}

static void draw_question(struct question *x)
{
    *x = (struct question){.n = (int)draw(PREDS), .who = draw(5)};
    for (int i = 0; i < x->n; i++)
        draw_pred(&x->preds[i]);
    x->sort = NONE;
    x->down = true;
    switch (draw(12)) {
    case 0:
        x->place = BOX + draw(3);
        x->lon = 105.7 + draw(1000) * 1e-4;
        x->lat = 21.0 + draw(1000) * 1e-4;
        x->m = 500 + draw(4000);
        x->box =
            (struct kh_box){x->lon - 0.01005, x->lat - 0.02005, x->lon + 0.03005, x->lat + 0.02005};
        x->words = x->place != NEAR && draw(3) == 0;
        return;
    case 1:
        x->words = true;
        return;
    case 2:
        x->past = true;
        return;
    case 3:
    case 4:
        return;
    default:
        x->sort = (int)draw(FIELDS + 1);
        x->down = draw(2);
    }
}

/* ---- the model ---- */

static bool fits_pred(const struct pred *p, const int *v)
{
    int x = v[p->field], y = p->values[0];

    if (x == NONE)
        return false;
    switch (p->op) {
    case KH_F_EQ:
        return x == y;
    case KH_F_LT:
        return x < y;
    case KH_F_LE:
        return x <= y;
    case KH_F_GT:
        return x > y;
    case KH_F_GE:
        return x >= y;
    case KH_F_IN:
        for (int i = 0; i < p->n; i++)
            if (x == p->values[i])
                return true;
        break;
    }
    return false;
}

/* Rights are those of the row as it is today. */
static bool may(const struct question *x, const struct item *it)
{
    struct kh_arena *a = kh_arena_new(4096);
    bool open = it->v[OPEN] == 1, mine = false;

    if (it->v[UNIT] != NONE) {
        struct kh_str u = text_value(a, UNIT, it->v[UNIT]);

        mine = kh_str_is(u, "H26.19") || kh_str_starts(u, KH_S("H26.19."));
    }
    kh_arena_drop(a);
    switch (x->who) {
    case SYSTEM:
    case DISPATCHER:
        return true;
    case PUBLIC:
        return open;
    case CITIZEN:
        return open || it->mine;
    case OFFICER:
        return open || mine;
    }
    return false;
}

static bool in_place(const struct question *x, const struct item *it)
{
    switch (x->place) {
    case NO_PLACE:
        return true;
    case BOX:
    case WITHIN:
        return it->placed && it->lon >= x->box.min_lon && it->lon <= x->box.max_lon &&
               it->lat >= x->box.min_lat && it->lat <= x->box.max_lat;
    case NEAR:
        return it->placed && kh_distance_m(x->lon, x->lat, it->lon, it->lat) <= x->m;
    }
    return false;
}

static bool fits(const struct question *x, const struct item *it)
{
    if ((it->closed && !x->past) || !may(x, it) || !in_place(x, it) || (x->words && it->word != 1))
        return false;
    for (int i = 0; i < x->n; i++)
        if (!fits_pred(&x->preds[i], x->past ? it->old : it->v))
            return false;
    return true;
}

/* A list of one value is that value. */
static bool given(const struct question *x, int field, bool lists)
{
    for (int i = 0; i < x->n; i++) {
        const struct pred *p = &x->preds[i];

        if (p->field == field &&
            (p->op == KH_F_EQ || (p->op == KH_F_IN && (lists || p->n == 1))))
            return true;
    }
    return false;
}

/* Does an index lead in the order of a field? */
static bool leads(const struct question *x, int field)
{
    for (size_t i = 0; i < KH_LEN(indexes); i++)
        for (int lists = 0; lists < 2; lists++) {
            int n = 0;

            while (n < 4 && indexes[i][n] != NONE && indexes[i][n] != field &&
                   given(x, indexes[i][n], lists))
                n++;
            if (n < 4 && indexes[i][n] == field && (!lists || n == 3 || indexes[i][n + 1] == NONE))
                return true;
        }
    return false;
}

/* The field that orders the answer: FIELDS is the id. */
static int order_of(const struct question *x)
{
    int field = NONE;

    if (x->sort != NONE)
        return x->sort == FIELDS || given(x, x->sort, false) ? FIELDS : x->sort;
    for (int i = 0; i < x->n; i++) {
        const struct pred *p = &x->preds[i];

        if (p->op == KH_F_EQ || p->op == KH_F_IN || p->field == field || !leads(x, p->field))
            continue;
        if (field != NONE)
            return FIELDS;
        field = p->field;
    }
    return field == NONE || given(x, field, false) ? FIELDS : field;
}

static const struct question *asked; /* for the comparison */
static int ordered_by;

static int by_order(const void *px, const void *py)
{
    int x = *(const int *)px, y = *(const int *)py, cmp = 0;

    if (ordered_by != FIELDS) {
        int vx = items[x].v[ordered_by], vy = items[y].v[ordered_by];

        if ((vx == NONE) != (vy == NONE))
            return vx == NONE ? 1 : -1;
        cmp = vx < vy ? -1 : vx > vy;
    }
    cmp = cmp ? cmp : x < y ? -1 : x > y;
    return asked->down ? -cmp : cmp;
}

static int by_distance(const void *px, const void *py)
{
    int x = *(const int *)px, y = *(const int *)py;
    double dx = kh_distance_m(asked->lon, asked->lat, items[x].lon, items[x].lat);
    double dy = kh_distance_m(asked->lon, asked->lat, items[y].lon, items[y].lat);

    return dx < dy ? -1 : dx > dy ? 1 : x < y ? -1 : x > y;
}

static int by_number(const void *px, const void *py)
{
    return *(const int *)px - *(const int *)py;
}

/* ---- asking ---- */

static struct kh_shape *kept; /* of the question before */

/* The box of the question as the boundary of a unit. */
static enum kh_hit find_unit(void *ctx, struct kh_str code, const struct kh_shape **ret,
                             struct kh_error *err)
{
    const struct kh_box *b = &asked->box;
    struct world *w = ctx;
    struct kh_str json =
        kh_strf(w->a,
                "{\"type\":\"Polygon\",\"coordinates\":[[[%.6f,%.6f],[%.6f,%.6f],[%.6f,%.6f],"
                "[%.6f,%.6f],[%.6f,%.6f]]]}",
                b->min_lon, b->min_lat, b->max_lon, b->min_lat, b->max_lon, b->max_lat, b->min_lon,
                b->max_lat, b->min_lon, b->min_lat);
    struct kh_json *geometry;

    (void)code;
    kh_shape_drop(kept);
    kept = NULL;
    if (!kh_json_parse(w->a, json, NULL, &geometry, err) || !kh_shape_parse(geometry, &kept, err))
        return KH_FAIL;
    *ret = kept;
    return KH_HIT;
}

static struct kh_list list_of(struct world *w, const struct question *x)
{
    const struct kh_who *const people[] = {&w->system, &kh_who_public, &w->citizen, &w->officer,
                                           &w->dispatcher};
    struct kh_filter *f = kh_new_n(w->a, PREDS, struct kh_filter);
    struct kh_list q = {.filters = f, .filters_n = (size_t)x->n, .who = people[x->who]};

    for (int i = 0; i < x->n; i++) {
        struct kh_buf b = kh_buf(w->a, 4000);

        for (int v = 0; v < x->preds[i].n; v++)
            kh_buf_strf(&b, "%s%.*s", v ? "," : "",
                        KH_FMT(text_value(w->a, x->preds[i].field, x->preds[i].values[v])));
        f[i] =
            (struct kh_filter){kh_cstr(names[x->preds[i].field]), x->preds[i].op, kh_buf_get(&b)};
    }
    if (x->sort != NONE)
        q.sort =
            kh_strf(w->a, "%s%s", x->down ? "-" : "", x->sort == FIELDS ? "id" : names[x->sort]);
    if (x->words)
        q.q = KH_S("rac thai");
    if (x->past)
        q.valid_us = before_us;
    q.bbox = x->place == BOX ? &x->box : NULL;
    q.within = x->place == WITHIN ? KH_S("00001") : KH_S("");
    q.has_near = x->place == NEAR;
    q.near_lon = x->lon;
    q.near_lat = x->lat;
    q.near_m = x->m;
    q.limit = 1 + draw(draw(3) ? 60 : 999);
    return q;
}

static void tell(struct world *w, const struct question *x, const struct kh_list *q)
{
    fprintf(stderr, "# who %d sort '%.*s' limit %u place %d words %d past %d\n", x->who,
            KH_FMT(q->sort), q->limit, x->place, x->words, x->past);
    for (size_t i = 0; i < q->filters_n; i++)
        fprintf(stderr, "#   %.*s %d %.*s\n", KH_FMT(q->filters[i].field), q->filters[i].op,
                KH_FMT(q->filters[i].value));
    fprintf(stderr, "# %s\n", w->err.detail);
}

static int number_of(int64_t id)
{
    int lo = 0, hi = ROWS - 1;

    while (lo < hi) {
        int mid = (lo + hi) / 2;

        if (ids[mid] < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    assert_true(ids[lo] == id);
    return lo;
}

/* @return -1 if the list was refused */
static int all_pages(struct world *w, struct kh_list q, int *order)
{
    struct kh_arena *question = w->a;
    bool more = true, ok = true;
    int n = 0;

    for (int page = 0; ok && more; page++) {
        struct kh_page p = {0};

        /* Each page lives for itself, as each request does. */
        w->a = kh_arena_new((size_t)64 << 20);
        assert_true(page < 5000);
        ok = list(w, "item", &q, &p);
        assert_true(p.n <= q.limit);
        for (size_t i = 0; i < p.n; i++) {
            assert_true(n < ROWS);
            order[n++] = number_of(p.items[i].id);
        }
        more = p.next.n > 0;
        q.after = kh_str_dup(question, p.next);
        kh_arena_drop(w->a);
        w->a = question;
    }
    return ok ? n : -1;
}

static void check(struct world *w, const struct question *x)
{
    static int got[ROWS], want[ROWS];
    struct kh_list q = list_of(w, x);
    int n = 0, m = all_pages(w, q, got);
    bool walk = !x->words && !x->past && x->place == NO_PLACE, good;

    if (x->sort >= 0 && x->sort < FIELDS && !given(x, x->sort, false) && !leads(x, x->sort)) {
        if (m >= 0)
            tell(w, x, &q);
        assert_int_equal(m, -1);
        assert_int_equal(w->err.code, KH_EC_FILTER_INVALID);
        return;
    }
    for (int i = 0; i < ROWS; i++)
        if (fits(x, &items[i]))
            want[n++] = i;
    ordered_by = walk ? order_of(x) : FIELDS;
    good = m == n;
    if (m > 0 && !walk && !x->past && x->place != NEAR)
        qsort(got, (size_t)m, sizeof(int), by_number);
    else if (n)
        qsort(want, (size_t)n, sizeof(int), x->place == NEAR ? by_distance : by_order);
    for (int i = 0; good && i < n; i++)
        good = got[i] == want[i];
    if (!good) {
        tell(w, x, &q);
        fprintf(stderr, "# %d rows instead of %d\n", m, n);
    }
    assert_true(good);
}

static void pages_together_are_what_each_record_says(void **state)
{
    struct world *w = *state;
    const char *asks = getenv("KHUE_SWEEP");
    struct kh_arena *own = w->a, *a = kh_arena_new((size_t)256 << 20);
    int n = asks ? atoi(asks) : 300;
    struct question x;

    fill(w);
    kh_registry_set_within(w->reg, find_unit, w);
    w->a = a;
    asked = &x;
    for (int i = 0; i < n; i++) {
        draw_question(&x);
        check(w, &x);
        kh_arena_reset(a);
    }
    w->a = own;
    kh_shape_drop(kept);
    kept = NULL;
    kh_arena_drop(a);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {T(pages_together_are_what_each_record_says)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
