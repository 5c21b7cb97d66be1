/* SPDX-License-Identifier: Apache-2.0 */
/*
 * People by name: any words of it in any order, with or without accents.
 *
 * The words of names are few and very frequent (one in three people is called Nguyễn), so to meet
 * two of their lists is to walk through millions of rows. Therefore the index also holds every pair
 * of words as one term, and the values of the fields that people are told apart by (x-kh.names.with):
 * a question then meets short lists, whatever it asks. All of it is one list of terms in the search
 * index, which takes rows in any order at the same cost; an index on names would be written to at a
 * random place for each row.
 *
 *   nguyen                 a word of the name, folded
 *   hoa·nguyen             two of its words, in the order of bytes
 *   ·hoà                   a word that has accents, with them
 *   ·hoà·nguyễn            a pair of words of which one has accents, with them
 *   ·birt·19850302         a value that goes with it; of a unit also those above it
 *   ·h2600070·hoa          a unit and a word together: most who ask may see one unit only
 *   ·acco·1234             whose record it is
 *
 * Terms only lead to rows: rights and filters are asked of every row besides. Rows that have the
 * accents of the question come before those that have others. What is found is sorted a window of
 * rows at a time, as people are: by given name, family name, middle names.
 */
#include "engine/registry/list_int.h"

#include "base/text.h"

#include <stdlib.h>

#define MARK "\xC2\xB7" /* no letter, so no folded word has it; the index takes it for one */

enum {
    WORDS_MAX = 8,     /* different words of one name that count */
    WINDOW = 100,      /* rows that are sorted together, at least */
    SEEN_MAX = 2000,   /* rows that one page may look at */
    VALUE_MAX = 40,    /* bytes of a value in a term */
    TAG = 4,           /* bytes of the name of its field */
    UNITS_MAX = 16,    /* units of a reader that become terms */
    EXPRESSION = 8192,
};

/* ---- terms ---- */

/* Different words, in the order of bytes: without their accents, and with them. */
struct name_words {
    struct kh_str folded[WORDS_MAX], exact[WORDS_MAX];
    size_t folded_n, exact_n;
    bool accented[WORDS_MAX]; /* the exact word is not what it is folded to */
};

static void add_word(struct kh_str *list, size_t *n, struct kh_str word)
{
    size_t at = 0;

    while (at < *n && kh_str_cmp(list[at], word) < 0)
        at++;
    if (*n == WORDS_MAX || (at < *n && kh_str_eq(list[at], word)))
        return;
    memmove(&list[at + 1], &list[at], (*n - at) * sizeof(*list));
    list[at] = word;
    ++*n;
}

static void read_words(struct kh_arena *a, struct kh_str text, struct name_words *ret)
{
    struct kh_str folded = kh_search_text(a, text), exact = kh_text_exact(a, text);

    *ret = (struct name_words){0};
    while (folded.n)
        add_word(ret->folded, &ret->folded_n, kh_str_cut(folded, ' ', &folded));
    while (exact.n) {
        struct kh_str word = kh_str_cut(exact, ' ', &exact);

        if (word.n <= KH_TOKEN_MAX)
            add_word(ret->exact, &ret->exact_n, word);
    }
    for (size_t i = 0; i < ret->exact_n; i++)
        ret->accented[i] = !kh_str_eq(kh_text_fold(a, ret->exact[i]), ret->exact[i]);
}

/* Letters and digits as the index keeps them; what else there is does not count. Two values may
 * become one term: the rows are asked. */
static void put_plain(struct kh_buf *b, struct kh_str s, size_t max)
{
    for (size_t i = 0; i < s.n && max; i++) {
        char c = s.p[i];

        if (c >= 'A' && c <= 'Z')
            c = (char)(c + 32);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')))
            continue;
        kh_buf_c(b, c);
        max--;
    }
}

static void put_value(struct kh_buf *b, const struct kh_field *f, const struct kh_rval *v)
{
    kh_buf_z(b, MARK);
    put_plain(b, f->name, TAG);
    kh_buf_z(b, MARK);
    if (v->kind == KH_RV_INT)
        kh_buf_int(b, v->i);
    else
        put_plain(b, v->s, VALUE_MAX);
}

static struct kh_rval text_val(struct kh_str s)
{
    return (struct kh_rval){.kind = KH_RV_TEXT, .s = s};
}

/* The name of a record as it is written: its parts, one blank between them. */
static struct kh_str name_of(const struct kh_type *t, struct kh_arena *a,
                             const struct kh_json *fields)
{
    struct kh_buf b = kh_buf(a, KH_SEARCH_MAX);

    for (size_t i = 0; i < t->people.of_n; i++) {
        const struct kh_json *v = kh_json_find(fields, t->fields[t->people.of[i]].name);

        if (!v || v->type != KH_JSON_STRING || v->s.n == 0)
            continue;
        if (b.n)
            kh_buf_c(&b, ' ');
        kh_buf_str(&b, v->s);
    }
    return kh_buf_get(&b);
}

/* "·h2600070·hoa" */
static void put_in_unit(struct kh_buf *b, struct kh_str unit, struct kh_str word)
{
    kh_buf_z(b, MARK);
    put_plain(b, unit, VALUE_MAX);
    kh_buf_z(b, MARK);
    kh_buf_str(b, word);
}

/* "H26" would be everybody: units count from the second level on. */
static void put_unit(const struct kh_type *t, struct kh_buf *b, struct kh_str unit,
                     const struct name_words *w)
{
    const struct kh_field *f = &t->fields[t->unit];

    for (size_t n = 0, dots = 0; n <= unit.n; n++) {
        struct kh_rval part = text_val(kh_str(unit.p, n));

        if ((n < unit.n && unit.p[n] != '.') || (dots++ == 0 && n < unit.n))
            continue;
        kh_buf_c(b, ' ');
        put_value(b, f, &part);
        for (size_t i = 0; i < w->folded_n; i++) {
            kh_buf_c(b, ' ');
            put_in_unit(b, part.s, w->folded[i]);
        }
    }
}

static void put_with(const struct kh_type *t, struct kh_buf *b, const struct kh_json *fields,
                     const struct name_words *w)
{
    struct kh_rval v;

    for (size_t i = 0; i < t->people.with_n; i++) {
        const struct kh_field *f = &t->fields[t->people.with[i]];

        if (!kh_column_value(f, kh_json_find(fields, f->name), &v) || v.kind == KH_RV_NULL)
            continue;
        kh_buf_c(b, ' ');
        put_value(b, f, &v);
    }
    if (t->unit >= 0 &&
        kh_column_value(&t->fields[t->unit], kh_json_find(fields, t->fields[t->unit].name), &v) &&
        v.kind == KH_RV_TEXT)
        put_unit(t, b, v.s, w);
    if (t->owner >= 0 &&
        kh_column_value(&t->fields[t->owner], kh_json_find(fields, t->fields[t->owner].name), &v) &&
        v.kind == KH_RV_INT) {
        kh_buf_c(b, ' ');
        put_value(b, &t->fields[t->owner], &v);
    }
}

static void put_exact(struct kh_buf *b, const struct name_words *w)
{
    for (size_t i = 0; i < w->exact_n; i++) {
        if (w->accented[i]) {
            kh_buf_z(b, " " MARK);
            kh_buf_str(b, w->exact[i]);
        }
        for (size_t k = i + 1; k < w->exact_n; k++) {
            if (!w->accented[i] && !w->accented[k])
                continue;
            kh_buf_z(b, " " MARK);
            kh_buf_str(b, w->exact[i]);
            kh_buf_z(b, MARK);
            kh_buf_str(b, w->exact[k]);
        }
    }
}

struct kh_str kh_names_terms(const struct kh_type *t, struct kh_arena *a,
                             const struct kh_json *fields)
{
    struct kh_buf b = kh_buf(a, KH_SEARCH_MAX);
    struct name_words w;

    read_words(a, name_of(t, a, fields), &w);
    for (size_t i = 0; i < w.folded_n; i++) {
        if (i)
            kh_buf_c(&b, ' ');
        kh_buf_str(&b, w.folded[i]);
    }
    for (size_t i = 0; i < w.folded_n; i++)
        for (size_t k = i + 1; k < w.folded_n; k++) {
            kh_buf_c(&b, ' ');
            kh_buf_str(&b, w.folded[i]);
            kh_buf_z(&b, MARK);
            kh_buf_str(&b, w.folded[k]);
        }
    put_exact(&b, &w);
    put_with(t, &b, fields, &w);
    return b.n ? kh_str_trim(kh_buf_get(&b)) : (struct kh_str){0};
}

/* ---- the question ---- */

struct question {
    struct kh_ask *k;
    bool pg;
    struct name_words words;
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

    put_value(&b, f, v);
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

        put_in_unit(&term, unit, q->words.folded[i]);
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

/* Pairs that hold every word: one for two words, else a ring of them. */
static void add_words(struct question *q, bool held)
{
    const struct name_words *w = &q->words;
    size_t n = w->folded_n;

    if (n == 1 && !held)
        add_term(q, &q->terms, w->folded[0]);
    for (size_t i = 0; n > 1 && i < (n == 2 ? 1 : n); i++) {
        struct kh_str x = w->folded[i], y = w->folded[(i + 1) % n];
        bool turned = kh_str_cmp(x, y) > 0;

        add_term(q, &q->terms, kh_strf(q->k->a, "%.*s" MARK "%.*s", KH_FMT(turned ? y : x),
                                       KH_FMT(turned ? x : y)));
    }
}

/* A question without accents asks for none; else every word is meant as it stands: each together with
 * one that has accents. */
static void add_exact(struct question *q)
{
    const struct name_words *w = &q->words;
    size_t mid = 0;

    while (mid < w->exact_n && !w->accented[mid])
        mid++;
    if (mid == w->exact_n)
        return;
    if (w->exact_n == 1)
        add_term(q, &q->exact, kh_strf(q->k->a, MARK "%.*s", KH_FMT(w->exact[0])));
    for (size_t i = 0; i < w->exact_n; i++) {
        struct kh_str x = w->exact[i < mid ? i : mid], y = w->exact[i < mid ? mid : i];

        if (i != mid)
            add_term(q, &q->exact, kh_strf(q->k->a, MARK "%.*s" MARK "%.*s", KH_FMT(x), KH_FMT(y)));
    }
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

    if (k->t->people.of_n == 0 || k->sort >= 0 ||
        (atomic_load(&k->t->building) & KH_BUILD_WORDS) || (k->has_after && k->after.mode == 'w'))
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
        .key = kh_text_name_key(w->k->a, name_of(w->k->t, w->k->a, fields)), .row = h->row};
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
    return (struct kh_cursor){.mode = 'm', .phase = phase, .window = window, .id = INT64_MAX,
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
    bool held;

    q->pg = kh_store_kind(kh_tx_store(k->tx)) == KH_STORE_POSTGRES;
    q->terms = kh_buf(k->a, EXPRESSION);
    q->exact = kh_buf(k->a, EXPRESSION);
    read_words(k->a, k->q->q, &q->words);
    *ret_any = q->words.folded_n || k->q->q.n == 0; /* signs only: no word, no hit */
    held = add_filters(q);
    held = add_rights(q) || held;
    add_words(q, held);
    add_exact(q);
    return !(q->terms.full || q->exact.full) ||
           kh_fail(err, KH_EC_FILTER_INVALID, "q is too long");
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
