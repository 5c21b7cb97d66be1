/* SPDX-License-Identifier: Apache-2.0 */
/* A list of people by name: what is asked becomes terms (names.c), and what they lead to is sorted, a
 * window of rows at a time. */
#include "engine/registry/names_int.h"

#include "base/text.h"

#include <stdlib.h>

enum {
    WINDOW = 100,    /* rows that are sorted together, at least */
    SEEN_MAX = 2000, /* rows that one page may look at */
    UNITS_MAX = 16,  /* units of a reader that become terms */
    EXPRESSION = 8192,
};

/* ---- the question ---- */

static struct kh_rval text_val(struct kh_str s)
{
    return (struct kh_rval){.kind = KH_RV_TEXT, .s = s};
}

struct question {
    struct kh_ask *k;
    bool pg;
    struct kh_name_words words;
    struct kh_buf terms; /* all of these */
    struct kh_buf exact; /* and, of the rows that come first, these */
};

static void put_term(const struct question *q, struct kh_buf *b, struct kh_str term)
{
    kh_buf_strf(b, q->pg ? "'%.*s'" : "\"%.*s\"", KH_FMT(term));
}

static void add_term(const struct question *q, struct kh_buf *b, struct kh_str term)
{
    if (b->n)
        kh_buf_z(b, q->pg ? " & " : " AND ");
    put_term(q, b, term);
}

static struct kh_str value_term(struct kh_arena *a, const struct kh_field *f,
                                const struct kh_rval *v)
{
    struct kh_buf b = kh_buf(a, 256);

    kh_name_put_value(&b, f, v);
    return kh_buf_get(&b);
}

static bool goes_with(const struct kh_type *t, int col)
{
    int field = t->col_fields[col];

    for (size_t i = 0; i < t->people.with_n; i++)
        if (t->people.with[i] == field)
            return true;
    return field == t->unit;
}

/* All the words in one unit, or the unit alone. */
static void put_unit_terms(struct question *q, struct kh_buf *b, struct kh_str unit)
{
    struct kh_ask *k = q->k;
    struct kh_rval v = text_val(unit);

    if (q->words.folded_n == 0)
        put_term(q, b, value_term(k->a, &k->t->fields[k->t->unit], &v));
    for (size_t i = 0; i < q->words.folded_n; i++) {
        struct kh_buf term = kh_buf(k->a, 256);

        kh_name_put_in_unit(&term, unit, q->words.folded[i]);
        if (i)
            kh_buf_z(b, q->pg ? " & " : " AND ");
        put_term(q, b, kh_buf_get(&term));
    }
}

/* What is one's own, and has all the words. */
static void put_own_terms(struct question *q, struct kh_buf *b, const struct kh_rpred *p)
{
    struct kh_ask *k = q->k;

    put_term(q, b, value_term(k->a, &k->t->fields[k->t->owner], &p->value));
    for (size_t i = 0; i < q->words.folded_n; i++) {
        kh_buf_z(b, q->pg ? " & " : " AND ");
        put_term(q, b, q->words.folded[i]);
    }
}

/* What a reader may see by one rule, as terms of which one will do: what is his own, or units. A city as
 * a whole has no term, nor have more units than a few: then the rows alone are asked. */
static struct kh_str rule_terms(struct question *q, const struct kh_rconj *conj)
{
    struct kh_ask *k = q->k;
    struct kh_buf b = kh_buf(k->a, EXPRESSION);

    for (size_t i = 0; i < conj->n; i++) {
        const struct kh_rpred *p = &conj->preds[i];
        struct kh_error err = {0};
        struct kh_json *units;

        if (p->op == KH_RO_EQ && k->t->owner >= 0 && p->col == k->t->fields[k->t->owner].col) {
            put_own_terms(q, &b, p);
            return kh_buf_get(&b);
        }
        if (p->op != KH_RO_UNITS || !kh_json_parse(k->a, p->value.s, NULL, &units, &err))
            continue;
        for (size_t u = 0; u < units->n; u++) {
            struct kh_str unit = units->items[u].s;

            if (units->n > UNITS_MAX || !memchr(unit.p ? unit.p : "", '.', unit.n))
                return KH_S("");
            kh_buf_z(&b, u == 0 ? "(" : q->pg ? " | (" : " OR (");
            put_unit_terms(q, &b, unit);
            kh_buf_c(&b, ')');
        }
        return kh_buf_get(&b);
    }
    return KH_S("");
}

/* @return true if the terms hold every word */
static bool add_rights(struct question *q)
{
    struct kh_ask *k = q->k;
    struct kh_buf any = kh_buf(k->a, EXPRESSION);

    for (size_t i = 0; !k->all && i < k->conjs_n; i++) {
        struct kh_str one = rule_terms(q, &k->conjs[i]);

        if (one.n == 0)
            return false;
        kh_buf_strf(&any, "%s(%.*s)", i == 0 ? "" : q->pg ? " | " : " OR ", KH_FMT(one));
    }
    if (any.n == 0 || any.full)
        return false;
    kh_buf_strf(&q->terms, "%s(%.*s)", q->terms.n ? q->pg ? " & " : " AND " : "",
                KH_FMT(kh_buf_get(&any)));
    return q->words.folded_n > 0;
}

/* @return true if the terms hold every word */
static bool add_filters(struct question *q)
{
    struct kh_ask *k = q->k;
    bool words = false;

    for (size_t i = 0; i < k->preds_n; i++) {
        const struct kh_rpred *p = &k->preds[i];
        const struct kh_field *f = &k->t->fields[k->t->col_fields[p->col]];

        if (p->op != KH_RO_EQ || !goes_with(k->t, p->col))
            continue;
        if (k->t->unit < 0 || f != &k->t->fields[k->t->unit]) {
            add_term(q, &q->terms, value_term(k->a, f, &p->value));
            continue;
        }
        if (q->terms.n)
            kh_buf_z(&q->terms, q->pg ? " & " : " AND ");
        put_unit_terms(q, &q->terms, p->value.s);
        words = words || q->words.folded_n;
    }
    return words;
}

static int by_place(const void *x, const void *y)
{
    size_t p = *(const size_t *)x, q = *(const size_t *)y;

    return p < q ? -1 : p > q;
}

static void add_subset(struct question *q, struct kh_buf *to, const struct kh_word_list *l,
                       size_t x, size_t y, size_t z, size_t n)
{
    struct kh_buf term = kh_buf(q->k->a, 1024);
    size_t at[3] = {x, y, z};

    qsort(at, n, sizeof(at[0]), by_place);
    kh_name_put_words(&term, l, at, n);
    add_term(q, to, kh_buf_get(&term));
}

/* Terms that hold every word: one for up to three, else threes of which each goes on with the last. All
 * of them have the word `mid`, unless it is l->n. */
static void add_words(struct question *q, struct kh_buf *to, const struct kh_word_list *l,
                      size_t mid)
{
    size_t rest[KH_NAME_WORDS], n = 0;

    if (l->n <= 3) {
        if (l->n)
            add_subset(q, to, l, 0, 1, 2, l->n);
        return;
    }
    for (size_t i = 0; i < l->n; i++)
        if (i != mid)
            rest[n++] = i;
    if (mid < l->n) {
        for (size_t i = 0; i + 1 < n; i++)
            add_subset(q, to, l, mid, rest[i], rest[i + 1], 3);
        return;
    }
    for (size_t i = 0; i < n; i++)
        add_subset(q, to, l, i, (i + 1) % n, (i + 2) % n, 3);
}

/* A question without accents asks for none; else every word is meant as it stands: each together with
 * one that has accents. */
static void add_exact(struct question *q)
{
    const struct kh_word_list l = {q->words.exact, q->words.accented, q->words.exact_n};
    size_t mid = 0;

    while (mid < l.n && !l.accented[mid])
        mid++;
    if (mid < l.n)
        add_words(q, &q->exact, &l, mid);
}

/* Phase 0: rows that have the accents of the question; phase 1: the others. */
static struct kh_str expression(const struct question *q, int phase)
{
    struct kh_str terms = kh_buf_get(&q->terms), exact = kh_buf_get(&q->exact);

    if (exact.n == 0)
        return terms;
    if (phase == 0)
        return kh_strf(q->k->a, q->pg ? "%.*s & %.*s" : "%.*s AND %.*s", KH_FMT(terms),
                       KH_FMT(exact));
    return kh_strf(q->k->a, q->pg ? "%.*s & !(%.*s)" : "(%.*s) NOT (%.*s)", KH_FMT(terms),
                   KH_FMT(exact));
}

bool kh_names_lead(const struct kh_ask *k)
{
    bool with = false;

    if (k->t->people.of_n == 0 || k->sort >= 0 || (atomic_load(&k->t->building) & KH_BUILD_WORDS) ||
        (k->has_after && k->after.mode == 'w'))
        return false;
    for (size_t i = 0; i < k->preds_n; i++) {
        const struct kh_field *f = &k->t->fields[k->t->col_fields[k->preds[i].col]];

        if (k->preds[i].op != KH_RO_EQ)
            continue;
        /* A unique value is one row: nothing is nearer. */
        if (f->unique || (k->t->key_n == 1 && &k->t->fields[k->t->key[0]] == f))
            return false;
        with = with || (f->index < 0 && goes_with(k->t, k->preds[i].col));
    }
    return with;
}

/* ---- windows ---- */

struct person {
    struct kh_str key;
    struct kh_rrow row;
};

struct window {
    struct kh_ask *k;
    struct person *items;
    size_t n, max;
    int64_t last_id, seen;
    bool end;
};

static int before(struct kh_str x, int64_t xid, struct kh_str y, int64_t yid)
{
    int cmp = kh_str_cmp(x, y);

    return cmp ? cmp : xid > yid ? -1 : xid < yid;
}

static int by_name(const void *x, const void *y)
{
    const struct person *p = x, *q = y;

    return before(p->key, p->row.id, q->key, q->row.id);
}

static bool take(void *ctx, const struct kh_rhit *h)
{
    struct window *w = ctx;
    struct kh_json *fields;
    struct kh_error err = {0};

    w->last_id = h->row.id;
    if (!h->match || !kh_json_parse(w->k->a, h->row.data, NULL, &fields, &err))
        return true;
    w->items[w->n++] = (struct person){
        .key = kh_text_name_key(w->k->a, kh_name_of(w->k->t, w->k->a, fields)), .row = h->row};
    return w->n < w->max;
}

/* The next rows with id < from. PostgreSQL works out a statement whole, so it is asked for few. */
static bool fill(struct window *w, struct kh_rwalk *walk, int64_t from, struct kh_error *err)
{
    int64_t left = SEEN_MAX - w->seen, seen;

    w->n = 0;
    w->last_id = from;
    w->end = false;
    while (w->n < w->max && left > 0) {
        walk->has_after = true;
        walk->after_id = w->last_id;
        walk->limit = left < 2 * (int64_t)w->max ? left : 2 * (int64_t)w->max;
        if (!kh_rwalk_run(w->k->tx, w->k->t->table, w->k->a, walk, take, w, &seen, err))
            return false;
        w->seen += seen;
        left -= seen;
        if (seen < walk->limit && w->n < w->max) {
            w->end = true;
            break;
        }
    }
    qsort(w->items, w->n, sizeof(w->items[0]), by_name);
    return true;
}

static struct kh_cursor begin_at(int phase, int64_t window)
{
    return (struct kh_cursor){.mode = 'm',
                              .phase = phase,
                              .window = window,
                              .id = INT64_MAX,
                              .value = {.kind = KH_RV_TEXT, .s = KH_S("")}};
}

/* One phase, from the cursor on. @return false in ret_on if the page ends here */
static bool run_phase(struct window *w, struct kh_rwalk *walk, struct kh_cursor *c,
                      struct kh_page *page, bool *ret_on, struct kh_error *err)
{
    struct kh_ask *k = w->k;

    *ret_on = false;
    for (;;) {
        if (!fill(w, walk, c->window, err))
            return false;
        for (size_t i = 0; i < w->n; i++) {
            const struct person *p = &w->items[i];

            if (before(p->key, p->row.id, c->value.s, c->id) <= 0)
                continue; /* on a page before */
            if (page->n == k->limit) {
                page->next = kh_cursor_text(k, c);
                return true;
            }
            kh_page_add(k, page, &p->row);
            c->value = text_val(p->key);
            c->id = p->row.id;
        }
        if (w->end) {
            *ret_on = true;
            return true;
        }
        *c = begin_at(c->phase, w->last_id);
        if (w->seen >= SEEN_MAX) {
            page->next = kh_cursor_text(k, c);
            return true;
        }
    }
}

static bool ask(struct question *q, bool *ret_any, struct kh_error *err)
{
    struct kh_ask *k = q->k;
    struct kh_word_list folded;
    bool held;

    q->pg = kh_store_kind(kh_tx_store(k->tx)) == KH_STORE_POSTGRES;
    q->terms = kh_buf(k->a, EXPRESSION);
    q->exact = kh_buf(k->a, EXPRESSION);
    kh_name_words_read(k->a, k->q->q, &q->words);
    *ret_any = q->words.folded_n || k->q->q.n == 0; /* signs only: no word, no hit */
    folded = (struct kh_word_list){q->words.folded, NULL, q->words.folded_n};
    held = add_filters(q);
    held = add_rights(q) || held;
    if (!held || folded.n > 1)
        add_words(q, &q->terms, &folded, folded.n);
    add_exact(q);
    return !(q->terms.full || q->exact.full) || kh_fail(err, KH_EC_FILTER_INVALID, "q is too long");
}

bool kh_list_names(struct kh_ask *k, struct kh_page *page, struct kh_error *err)
{
    struct question q = {.k = k};
    struct window w = {.k = k, .max = k->limit + 1 > WINDOW ? k->limit + 1 : WINDOW};
    struct kh_cursor c = begin_at(0, INT64_MAX);
    struct kh_rwalk walk = {.by = KH_RBY_TEXT,
                            .filters = k->preds,
                            .filters_n = k->preds_n,
                            .access = k->conjs,
                            .access_n = k->all ? 0 : k->conjs_n,
                            .valid_us = k->now};
    bool on;

    if (k->has_after && (k->after.mode != 'm' || k->after.value.kind != KH_RV_TEXT))
        return kh_fail(err, KH_EC_CURSOR_INVALID, "after is not a cursor of this list");
    if (k->has_after)
        c = k->after;
    if (!ask(&q, &on, err))
        return false;
    w.items = kh_new_n(k->a, w.max, struct person);
    while (on) {
        walk.text = expression(&q, c.phase);
        if (!run_phase(&w, &walk, &c, page, &on, err))
            return false;
        if (!on || c.phase == 1 || q.exact.n == 0)
            break;
        c = begin_at(1, INT64_MAX);
    }
    return true;
}
