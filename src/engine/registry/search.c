/* SPDX-License-Identifier: Apache-2.0 */
/* Full text: all words of the question, the last one as a beginning. The database gives the newest
 * candidates that fit rights and filters, a window at a time; within a window those that have the
 * words with the very accents come first, then (x-kh.found: closest) those that have them side by side
 * in a short title, then the newer ones. */
#include "engine/registry/list_int.h"

#include "base/text.h"

#include <stdlib.h>

enum { WINDOW = 400, WORDS_MAX = 16 };

struct candidate {
    unsigned rank; /* the smaller the better; below KH_RANKS */
    struct kh_rrow row;
};

struct window {
    struct kh_ask *k;
    const struct kh_shape *within;
    struct kh_str exact[WORDS_MAX];
    struct kh_str phrase; /* the question, folded */
    size_t words_n;
    struct candidate *items;
    size_t n;
    int64_t last_id;
};

/* ---- the question ---- */

static struct kh_str expression(struct kh_ask *k, struct kh_str folded, size_t *ret_n)
{
    bool pg = kh_store_kind(kh_tx_store(k->tx)) == KH_STORE_POSTGRES;
    struct kh_buf b = kh_buf(k->a, 4096);
    size_t n = 0;

    while (folded.n && n < WORDS_MAX) {
        struct kh_str word = kh_str_cut(folded, ' ', &folded);
        bool last = folded.n == 0 || n + 1 == WORDS_MAX;

        /* Folded words are a-z and 0-9 (and letters of other scripts): nothing to quote but the
         * quote, which folding has taken away. */
        if (pg)
            kh_buf_strf(&b, "%s'%.*s'%s", n ? " & " : "", KH_FMT(word), last ? ":*" : "");
        else
            kh_buf_strf(&b, "%s\"%.*s\"%s", n ? " " : "", KH_FMT(word), last ? "*" : "");
        n++;
    }
    *ret_n = n;
    return kh_buf_get(&b);
}

static void exact_words(struct window *w, struct kh_str q)
{
    struct kh_str exact = kh_text_exact(w->k->a, q);

    while (exact.n && w->words_n < WORDS_MAX)
        w->exact[w->words_n++] = kh_str_cut(exact, ' ', &exact);
}

/* ---- rank ---- */

static bool has_word(struct kh_str text, struct kh_str word, bool prefix)
{
    while (text.n) {
        struct kh_str token = kh_str_cut(text, ' ', &text);

        if (prefix ? kh_str_starts(token, word) : kh_str_eq(token, word))
            return true;
    }
    return false;
}

static bool is_exact(struct window *w, const struct kh_json *fields)
{
    struct kh_ask *k = w->k;
    struct kh_buf b = kh_buf(k->a, 4 * KH_SEARCH_MAX);
    struct kh_str text;

    for (size_t i = 0; i < k->t->fields_n; i++) {
        const struct kh_json *v =
            k->t->fields[i].weight ? kh_json_find(fields, k->t->fields[i].name) : NULL;

        if (!v || v->type != KH_JSON_STRING)
            continue;
        kh_buf_str(&b, kh_text_exact(k->a, v->s));
        kh_buf_c(&b, ' ');
    }
    text = kh_buf_get(&b);
    for (size_t i = 0; i < w->words_n; i++)
        if (!has_word(text, w->exact[i], i + 1 == w->words_n))
            return false;
    return true;
}

/* The field that says most about a record: the heaviest of those that are searched. */
static struct kh_str heaviest(const struct kh_type *t, const struct kh_json *fields)
{
    struct kh_str text = KH_S("");
    double weight = 0;

    for (size_t i = 0; i < t->fields_n; i++) {
        const struct kh_json *v = t->fields[i].weight > weight
                                      ? kh_json_find(fields, t->fields[i].name)
                                      : NULL;

        /* A code is short whatever is asked: it tells nothing of how close a title is. */
        if (kh_json_is(v, KH_JSON_STRING) && !t->fields[i].unique) {
            text = v->s;
            weight = t->fields[i].weight;
        }
    }
    return text;
}

/* 0: the words side by side in a title that is little more than them; 7: scattered in a long one. */
static unsigned distance(struct window *w, const struct kh_json *fields)
{
    struct kh_str title = kh_search_text(w->k->a, heaviest(w->k->t, fields));
    struct kh_str spaced = kh_strf(w->k->a, " %.*s", KH_FMT(title));
    bool side = memmem(spaced.p, spaced.n, w->phrase.p, w->phrase.n) != NULL;
    size_t others = title.n > 0;

    for (size_t i = 0; i < title.n; i++)
        others += title.p[i] == ' ';
    others = others > w->words_n ? others - w->words_n : 0;
    return (side ? 0U : 4U) + (others <= 2 ? 0U : others <= 6 ? 1U : others <= 14 ? 2U : 3U);
}

static unsigned rank_of(struct window *w, const struct kh_rrow *row)
{
    struct kh_json *fields;
    struct kh_error err = {0};

    if (!kh_json_parse(w->k->a, row->data, NULL, &fields, &err))
        return KH_RANKS - 1;
    if (!w->k->t->closest)
        return !is_exact(w, fields);
    return (is_exact(w, fields) ? 0U : 8U) + distance(w, fields);
}

static int by_rank(const void *x, const void *y)
{
    const struct candidate *p = x, *q = y;

    if (p->rank != q->rank)
        return p->rank < q->rank ? -1 : 1;
    return p->row.id > q->row.id ? -1 : p->row.id < q->row.id;
}

static bool take(void *ctx, const struct kh_rhit *h)
{
    struct window *w = ctx;

    w->last_id = h->row.id;
    if (!h->match ||
        (w->within && !(h->row.has_place &&
                        kh_shape_covers(w->within, h->row.lon, h->row.lat))))
        return true;
    w->items[w->n++] = (struct candidate){.rank = rank_of(w, &h->row), .row = h->row};
    return w->n < WINDOW;
}

/* Candidates with id < before; *ret_end: there are no others after them. */
static bool fill(struct window *w, const struct kh_rwalk *base, int64_t before, bool *ret_end,
                 struct kh_error *err)
{
    struct kh_rwalk walk = *base;
    int64_t total = 0;

    w->n = 0;
    w->last_id = before;
    *ret_end = false;
    while (total < KH_WALK_MAX && w->n < WINDOW) {
        int64_t seen = 0;

        walk.has_after = true;
        walk.after_id = w->last_id;
        walk.limit = 2 * WINDOW;
        if (!kh_rwalk_run(w->k->tx, w->k->t->table, w->k->a, &walk, take, w, &seen, err))
            return false;
        total += seen;
        if (seen < walk.limit && w->n < WINDOW) {
            *ret_end = true;
            break;
        }
    }
    qsort(w->items, w->n, sizeof(w->items[0]), by_rank);
    return true;
}

/* Has this candidate been on an earlier page of the same window? */
static bool before_cursor(const struct kh_cursor *c, const struct candidate *x)
{
    if ((int)x->rank != c->phase)
        return (int)x->rank < c->phase;
    return x->row.id >= c->id;
}

bool kh_list_words(struct kh_ask *k, const struct kh_box *box, const struct kh_shape *within,
                   struct kh_page *page, struct kh_error *err)
{
    double in[4] = {box ? box->min_lon : 0, box ? box->min_lat : 0, box ? box->max_lon : 0,
                    box ? box->max_lat : 0};
    struct window *w = kh_new(k->a, struct window);
    struct kh_cursor c = {.mode = 't', .window = INT64_MAX, .id = INT64_MAX};
    struct kh_rwalk walk = {.by = KH_RBY_TEXT,
                            .filters = k->preds,
                            .filters_n = k->preds_n,
                            .access = k->conjs,
                            .access_n = k->all ? 0 : k->conjs_n,
                            .box = box ? in : NULL,
                            .valid_us = k->now};
    struct kh_str folded;
    size_t words;
    bool end;

    if (k->q->has_near)
        return kh_fail(err, KH_EC_FILTER_INVALID,
                       "q ranks by words and near by distance: they do not combine");
    if (k->has_after && k->after.mode != 't')
        return kh_fail(err, KH_EC_CURSOR_INVALID, "after is not a cursor of this list");
    folded = kh_search_text(k->a, k->q->q);
    walk.text = expression(k, folded, &words);
    if (words == 0)
        return true; /* signs only: no word, no hit */
    w->phrase = kh_strf(k->a, " %.*s", KH_FMT(folded));
    w->k = k;
    w->within = within;
    w->items = kh_new_n(k->a, WINDOW, struct candidate);
    exact_words(w, k->q->q);
    if (k->has_after)
        c = k->after;
    for (int round = 0; round < 4; round++) {
        if (!fill(w, &walk, c.window, &end, err))
            return false;
        for (size_t i = 0; i < w->n; i++) {
            if (before_cursor(&c, &w->items[i]))
                continue;
            if (page->n == k->limit) {
                page->next = kh_cursor_text(k, &c);
                return true;
            }
            kh_page_add(k, page, &w->items[i].row);
            c.phase = (int)w->items[i].rank;
            c.id = w->items[i].row.id;
        }
        if (end)
            return true;
        c = (struct kh_cursor){.mode = 't', .window = w->last_id, .id = INT64_MAX};
    }
    page->next = kh_cursor_text(k, &c);
    return true;
}
