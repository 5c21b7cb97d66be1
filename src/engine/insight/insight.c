/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/insight/insight.h"

#include "base/hash.h"
#include "base/time.h"
#include "store/event.h"
#include "store/insight/tally_sql.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
    BATCH = 2000,         /* events read at a time */
    PAUSE_MS = 250,       /* at most so often are tallies written */
    SLOTS = 1 << 14,      /* of the table of sums of one batch */
    INDICATORS_MAX = 200,
    CUTS_MAX = 6,
    MEASURES_MAX = 40,
};

struct measure {
    struct kh_str name, sum;
    const struct kh_json *stock, *flow, *only;
    bool on_create;
};

struct indicator {
    struct kh_str key, type;
    const struct kh_json *definition;
    struct kh_str cuts[CUTS_MAX];
    size_t cuts_n;
    struct measure measures[MEASURES_MAX];
    size_t measures_n;
    int64_t seq;
};

struct kh_insight {
    struct kh_store *store;
    pthread_t thread;
    pthread_mutex_t turn; /* who counts; never waited for by a reader of figures */
    pthread_mutex_t lock; /* of stop, a, list, n */
    pthread_cond_t wake;
    bool running, stop;
    atomic_bool moved, stale;
    struct kh_arena *a; /* of the indicators */
    struct indicator *list;
    size_t n;
};

/* ---- definitions ---- */

#define WRONG(at, code, vi, en) kh_issue_add(is, a, (at), (code), KH_S(vi), KH_S(en))

static bool condition_ok(const struct kh_json *v)
{
    if (!kh_json_is(v, KH_JSON_OBJECT) || v->n == 0)
        return false;
    for (uint32_t i = 0; i < v->n; i++)
        if (v->members[i].value.type != KH_JSON_ARRAY || v->members[i].value.n == 0)
            return false;
    return true;
}

static void check_measure(struct kh_arena *a, const struct kh_json *m, struct kh_str at,
                          struct kh_issues *is)
{
    const struct kh_json *stock = kh_json_get(m, "stock"), *flow = kh_json_get(m, "flow");

    if (kh_json_str(m, "name", KH_S("")).n == 0)
        WRONG(at, "name", "Phép đo cần có tên", "a measure has a name");
    if (!stock == !flow)
        WRONG(at, "kind", "Phép đo là stock hoặc flow", "a measure has either stock or flow");
    if (stock && !condition_ok(stock))
        WRONG(at, "stock", "stock là {trường: [giá trị]}", "stock is {field: [values]}");
    if (flow && !condition_ok(flow) && !(flow->type == KH_JSON_STRING && kh_str_is(flow->s, "create")))
        WRONG(at, "flow", "flow là \"create\" hoặc {trường: [giá trị]}",
              "flow is \"create\" or {field: [values]}");
    if (kh_json_get(m, "if") && !condition_ok(kh_json_get(m, "if")))
        WRONG(at, "if", "if là {trường: [giá trị]}", "if is {field: [values]}");
}

bool kh_indicator_pair(struct kh_str cut, struct kh_str *ret_first, struct kh_str *ret_second)
{
    *ret_first = kh_str_cut(cut, '|', ret_second);
    return ret_first->n < cut.n;
}

/* The first cut is a field, for its days; then fields and pairs of fields. */
static bool cut_ok(const struct kh_json *cut, bool first)
{
    struct kh_str one, other, more;

    if (!kh_json_is(cut, KH_JSON_STRING) || cut->s.n == 0)
        return false;
    if (!kh_indicator_pair(cut->s, &one, &other))
        return true;
    return !first && one.n && other.n && !kh_str_is(other, "day") &&
           !kh_indicator_pair(other, &one, &more);
}

void kh_indicator_check(struct kh_arena *a, const struct kh_json *d, struct kh_issues *is)
{
    const struct kh_json *cuts = kh_json_get(d, "cuts"), *measures = kh_json_get(d, "measures");

    if (kh_json_str(d, "key", KH_S("")).n == 0 || kh_json_str(d, "type", KH_S("")).n == 0)
        WRONG(KH_S(""), "required", "Cần có key và type", "key and type are needed");
    if (cuts && (cuts->type != KH_JSON_ARRAY || cuts->n > CUTS_MAX))
        WRONG(KH_S("/cuts"), "type", "cuts là danh sách tối đa 6 trường",
              "cuts is a list of at most 6 fields");
    else
        for (uint32_t i = 0; cuts && i < cuts->n; i++)
            if (!cut_ok(&cuts->items[i], i == 0))
                WRONG(kh_strf(a, "/cuts/%u", i), "cut",
                      "Một lát cắt là một trường, hoặc hai trường nối bằng | sau lát cắt đầu tiên",
                      "a cut is a field, or two fields with | between them after the first cut");
    if (!kh_json_is(measures, KH_JSON_ARRAY) || measures->n == 0 || measures->n > MEASURES_MAX) {
        WRONG(KH_S("/measures"), "type", "Cần từ 1 đến 40 phép đo", "1 to 40 measures are needed");
        return;
    }
    for (uint32_t i = 0; i < measures->n; i++)
        check_measure(a, &measures->items[i], kh_strf(a, "/measures/%u", i), is);
}

static void mark_stale(void *ctx)
{
    struct kh_insight *in = ctx;

    atomic_store(&in->stale, true);
    atomic_store(&in->moved, true);
}

bool kh_indicator_put(struct kh_tx *tx, struct kh_insight *in, struct kh_arena *a,
                      struct kh_str pack, const struct kh_json *definition, struct kh_error *err)
{
    struct kh_issues *is = kh_new(a, struct kh_issues);

    kh_indicator_check(a, definition, is);
    if (is->n) {
        (void)kh_fail(err, KH_EC_PACK_INVALID, "the indicator has %zu errors", is->n);
        err->issues = is;
        return false;
    }
    kh_tx_after_commit(tx, mark_stale, in);
    return kh_indicator_sql_put(tx, kh_json_str(definition, "key", KH_S("")), pack,
                                kh_json_text(a, definition), err);
}

static void indicator_read(struct indicator *ind, const struct kh_json *d)
{
    const struct kh_json *cuts = kh_json_get(d, "cuts"), *measures = kh_json_get(d, "measures");

    ind->definition = d;
    ind->type = kh_json_str(d, "type", KH_S(""));
    for (uint32_t i = 0; cuts && i < cuts->n && ind->cuts_n < CUTS_MAX; i++)
        if (cuts->items[i].type == KH_JSON_STRING)
            ind->cuts[ind->cuts_n++] = cuts->items[i].s;
    for (uint32_t i = 0; i < measures->n && i < MEASURES_MAX; i++) {
        const struct kh_json *m = &measures->items[i], *flow = kh_json_get(m, "flow");

        ind->measures[ind->measures_n++] = (struct measure){
            .name = kh_json_str(m, "name", KH_S("")),
            .sum = kh_json_str(m, "sum", KH_S("")),
            .stock = kh_json_get(m, "stock"),
            .flow = flow,
            .only = kh_json_get(m, "if"),
            .on_create = kh_json_is(flow, KH_JSON_STRING),
        };
    }
}

struct load {
    struct kh_insight *in;
    struct kh_arena *a;
    struct indicator *list;
    size_t n;
};

static bool load_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct load *l = ctx;
    struct kh_indicator_sql_row *rows;
    size_t n;

    if (!kh_indicator_sql_list(tx, l->a, &rows, &n, err))
        return false;
    l->n = n < INDICATORS_MAX ? n : INDICATORS_MAX;
    l->list = kh_new_n(l->a, l->n, struct indicator);
    for (size_t i = 0; i < l->n; i++) {
        struct kh_json *d;

        if (!kh_json_parse(l->a, rows[i].definition, NULL, &d, err))
            return false;
        l->list[i].key = rows[i].key;
        l->list[i].seq = rows[i].seq;
        indicator_read(&l->list[i], d);
    }
    return true;
}

/* Read the definitions again; it is our turn. */
static bool load(struct kh_insight *in, struct kh_error *err)
{
    struct load l = {.in = in, .a = kh_arena_new(64 << 20)};

    if (!kh_store_run(in->store, "indicator_load", KH_TX_READ, load_in_tx, &l, err)) {
        kh_arena_drop(l.a);
        return false;
    }
    pthread_mutex_lock(&in->lock);
    kh_arena_drop(in->a);
    in->a = l.a;
    in->list = l.list;
    in->n = l.n;
    pthread_mutex_unlock(&in->lock);
    return true;
}

/* ---- counting ---- */

/* Sums of one batch: open addressing over (cut, cell, measure). */
struct sums {
    struct kh_arena *a;
    struct kh_tally_sql_row *slot[SLOTS];
    size_t used;
};

static void sums_add(struct sums *s, struct kh_str cut, struct kh_str cell, struct kh_str measure,
                     double n)
{
    uint64_t h = kh_hash64(cell, kh_hash64(measure, kh_hash64(cut, 1)));

    if (n == 0)
        return;
    for (size_t i = h % SLOTS;; i = (i + 1) % SLOTS) {
        struct kh_tally_sql_row *t = s->slot[i];

        if (!t) {
            t = s->slot[i] = kh_new(s->a, struct kh_tally_sql_row);
            *t = (struct kh_tally_sql_row){.cut = cut, .cell = kh_str_dup(s->a, cell),
                                           .measure = measure};
            s->used++;
        }
        if (kh_str_eq(t->cut, cut) && kh_str_eq(t->cell, cell) && kh_str_eq(t->measure, measure)) {
            t->n += n;
            return;
        }
    }
}

/* A record as an event tells it: its figure fields now, and those that were different before. */
struct view {
    const struct kh_json *is, *was;
    bool exists;
};

static const struct kh_json *field(const struct view *v, struct kh_str name)
{
    const struct kh_json *f = kh_json_find(v->was, name);

    return f ? f : kh_json_find(v->is, name);
}

static bool fits(const struct view *v, const struct kh_json *condition)
{
    if (!v->exists)
        return false;
    for (uint32_t i = 0; condition && i < condition->n; i++) {
        const struct kh_json *have = field(v, condition->members[i].key);
        const struct kh_json *list = &condition->members[i].value;
        bool one = false;

        for (uint32_t k = 0; have && k < list->n && !one; k++)
            one = kh_json_eq(have, &list->items[k]);
        if (!one)
            return false;
    }
    return true;
}

static struct kh_str cell_of(struct kh_arena *a, const struct view *v, struct kh_str cut)
{
    struct kh_str first, second;
    const struct kh_json *f;

    if (kh_indicator_pair(cut, &first, &second)) {
        first = cell_of(a, v, first);
        second = cell_of(a, v, second);
        return kh_strf(a, "%.*s|%.*s", KH_FMT(first), KH_FMT(second));
    }
    f = field(v, cut);
    if (!f || f->type == KH_JSON_NULL)
        return KH_S("");
    return f->type == KH_JSON_STRING ? f->s : kh_json_text(a, f);
}

/* Add n for the record as seen, to the whole and to each of its cells. */
static void add_everywhere(struct sums *s, const struct indicator *ind, const struct measure *m,
                           const struct view *v, struct kh_str day, double n)
{
    sums_add(s, KH_S(""), KH_S(""), m->name, n);
    if (m->flow)
        sums_add(s, KH_S("day"), day, m->name, n);
    for (size_t i = 0; i < ind->cuts_n; i++) {
        struct kh_str cell = cell_of(s->a, v, ind->cuts[i]);

        sums_add(s, ind->cuts[i], cell, m->name, n);
        if (i == 0 && m->flow)
            sums_add(s, kh_strf(s->a, "%.*s|day", KH_FMT(ind->cuts[0])),
                     kh_strf(s->a, "%.*s|%.*s", KH_FMT(cell), KH_FMT(day)), m->name, n);
    }
}

static void count_measure(struct sums *s, const struct indicator *ind, const struct measure *m,
                          const struct view *before, const struct view *after, struct kh_str day)
{
    double n = 1;

    if (m->stock) {
        if (fits(before, m->stock))
            add_everywhere(s, ind, m, before, day, -1);
        if (fits(after, m->stock))
            add_everywhere(s, ind, m, after, day, 1);
        return;
    }
    if (m->on_create ? before->exists : !fits(after, m->flow) || fits(before, m->flow))
        return;
    if (m->only && !fits(after, m->only))
        return;
    if (m->sum.n && !kh_json_as_double(field(after, m->sum), &n))
        return;
    add_everywhere(s, ind, m, after, day, n);
}

static bool count_event(struct sums *s, const struct indicator *ind, const struct kh_event *e,
                        struct kh_error *err)
{
    struct kh_json *data;
    struct kh_str day;
    struct view before = {0}, after = {.exists = true};

    if (!kh_str_starts(e->kind, KH_S("record.")) || !e->data.n)
        return true;
    if (!kh_json_parse(s->a, e->data, NULL, &data, err))
        return false;
    day = kh_date_text(s->a, kh_day_of(e->at_us));
    after.is = before.is = kh_json_get(data, "is");
    before.was = kh_json_get(data, "was");
    before.exists = !kh_str_is(e->kind, "record.create");
    if (kh_str_is(e->kind, "record.close"))
        after.exists = false;
    for (size_t i = 0; i < ind->measures_n; i++)
        count_measure(s, ind, &ind->measures[i], &before, &after, day);
    return true;
}

struct batch {
    struct kh_insight *in;
    struct indicator *ind;
    struct kh_arena *a;
    struct sums *sums;
    struct kh_event *events;
    size_t n;
    int64_t seen, to; /* the last event that was looked at, and that was counted */
    bool lost;        /* another process has counted these */
};

static bool read_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct batch *b = ctx;

    return kh_event_read_typed(tx, b->a, b->ind->type, b->ind->seq, BATCH, &b->events, &b->n,
                               &b->seen, err);
}

static bool write_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct batch *b = ctx;

    b->lost = false;
    switch (kh_indicator_sql_advance(tx, b->ind->key, b->ind->seq, b->to, err)) {
    case KH_FAIL:
        return false;
    case KH_MISS:
        b->lost = true;
        return true;
    case KH_HIT:
        break;
    }
    for (size_t i = 0; i < SLOTS; i++)
        if (b->sums->slot[i] && b->sums->slot[i]->n != 0 &&
            !kh_tally_sql_add(tx, b->ind->key, b->sums->slot[i], err))
            return false;
    return true;
}

/* Count until a batch is not full; it is our turn. */
static bool follow(struct kh_insight *in, struct indicator *ind, struct kh_error *err)
{
    bool more = true, ok = true;

    while (more && ok) {
        kh_auto_arena a = kh_arena_new(256 << 20);
        struct batch b = {.in = in, .ind = ind, .a = a, .sums = kh_new(a, struct sums)};

        b.sums->a = a;
        ok = kh_store_run(in->store, "insight_read", KH_TX_READ, read_in_tx, &b, err);
        /* The table of sums never fills: a batch ends early when it is half full. */
        b.to = b.seen;
        for (size_t i = 0; ok && i < b.n; i++) {
            if (b.sums->used >= SLOTS / 2) {
                b.to = b.events[i].seq - 1;
                break;
            }
            ok = count_event(b.sums, ind, &b.events[i], err);
        }
        more = b.to == ind->seq + BATCH || b.to != b.seen;
        if (!ok || b.to == ind->seq)
            break;
        ok = kh_store_run(in->store, "insight_write", KH_TX_WRITE, write_in_tx, &b, err);
        if (ok && b.lost)
            atomic_store(&in->stale, true);
        if (b.lost)
            break;
        if (ok)
            ind->seq = b.to;
    }
    return ok;
}

bool kh_insight_run(struct kh_insight *in, struct kh_error *err)
{
    bool ok = true;

    pthread_mutex_lock(&in->turn);
    if (atomic_exchange(&in->stale, false))
        ok = load(in, err);
    for (size_t i = 0; ok && i < in->n; i++)
        ok = follow(in, &in->list[i], err);
    pthread_mutex_unlock(&in->turn);
    return ok;
}

/* ---- the thread ---- */

static void on_events(void *ctx, const struct kh_event *events, size_t n, int64_t head)
{
    struct kh_insight *in = ctx;

    (void)events;
    (void)n;
    (void)head;
    atomic_store(&in->moved, true);
}

static void *insight_main(void *ctx)
{
    struct kh_insight *in = ctx;
    bool stop = false;

    while (!stop) {
        struct kh_error err = {0};
        struct timespec until;

        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += PAUSE_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_mutex_lock(&in->lock);
        while (!in->stop && pthread_cond_timedwait(&in->wake, &in->lock, &until) == 0)
            ;
        stop = in->stop;
        pthread_mutex_unlock(&in->lock);
        /* A database that does not answer is asked again at the next turn. */
        if (!stop && atomic_exchange(&in->moved, false) && !kh_insight_run(in, &err))
            atomic_store(&in->moved, true);
    }
    return NULL;
}

bool kh_insight_open(struct kh_store *st, struct kh_insight **ret, struct kh_error *err)
{
    struct kh_insight *in = calloc(1, sizeof(*in));

    KH_REQUIRE(in != NULL);
    in->store = st;
    pthread_mutex_init(&in->turn, NULL);
    pthread_mutex_init(&in->lock, NULL);
    pthread_cond_init(&in->wake, NULL);
    if (!load(in, err) || !kh_event_follow(st, on_events, in, err)) {
        kh_insight_close(in);
        return false;
    }
    *ret = in;
    return true;
}

bool kh_insight_start(struct kh_insight *in, struct kh_error *err)
{
    atomic_store(&in->moved, true); /* what happened while nobody was counting */
    if (pthread_create(&in->thread, NULL, insight_main, in) != 0)
        return kh_fail(err, KH_EC_INTERNAL, "no thread for figures");
    in->running = true;
    return true;
}

void kh_insight_close(struct kh_insight *in)
{
    if (!in)
        return;
    kh_event_unfollow(in->store, on_events, in);
    if (in->running) {
        pthread_mutex_lock(&in->lock);
        in->stop = true;
        pthread_cond_signal(&in->wake);
        pthread_mutex_unlock(&in->lock);
        pthread_join(in->thread, NULL);
    }
    pthread_cond_destroy(&in->wake);
    pthread_mutex_destroy(&in->lock);
    pthread_mutex_destroy(&in->turn);
    kh_arena_drop(in->a);
    free(in);
}

/* ---- reading ---- */

const struct kh_json *kh_indicator_find(struct kh_insight *in, struct kh_arena *a,
                                        struct kh_str key)
{
    const struct kh_json *found = NULL;

    pthread_mutex_lock(&in->lock);
    for (size_t i = 0; i < in->n && !found; i++)
        if (kh_str_eq(in->list[i].key, key))
            found = kh_json_dup(a, in->list[i].definition);
    pthread_mutex_unlock(&in->lock);
    return found;
}

enum kh_hit kh_figures_read(struct kh_tx *tx, struct kh_insight *in, struct kh_arena *a,
                            struct kh_str key, struct kh_str cut, struct kh_str lo,
                            struct kh_str hi, struct kh_figure **ret, size_t *ret_n,
                            struct kh_error *err)
{
    struct kh_tally_sql_row *rows;
    struct kh_figure *list;
    size_t n;

    if (!kh_indicator_find(in, a, key))
        return KH_MISS;
    if (!kh_tally_sql_list(tx, a, key, cut, lo, hi.n ? hi : KH_S("\xF4\x8F\xBF\xBF"), &rows, &n,
                           err))
        return KH_FAIL;
    list = kh_new_n(a, n, struct kh_figure);
    for (size_t i = 0; i < n; i++)
        list[i] = (struct kh_figure){rows[i].cell, rows[i].measure, rows[i].n};
    *ret = list;
    *ret_n = n;
    return KH_HIT;
}
