/* SPDX-License-Identifier: Apache-2.0 */
/*
 * People by name: any words of it in any order, with or without accents.
 *
 * The words of names are few and very frequent (one in three people is called Nguyễn), so to meet
 * two of their lists is to walk through millions of rows. Therefore the index also holds every two and
 * every three words as one term, and the values of the fields that people are told apart by
 * (x-kh.names.with): a question then walks along one short list, whatever it asks. All of it is one
 * list of terms in the search index, which takes rows in any order at the same cost; an index on names
 * would be written to at a random place for each row.
 *
 *   nguyen                 a word of the name, folded
 *   hoa·nguyen             two of its words, or three, in the order of bytes
 *   ·hoà                   a word that has accents, with them
 *   ·hoà·nguyễn            two or three words of which one has accents, with them
 *   ·birt·19850302         a value that goes with it; of a unit also those above it
 *   ·h2600070·hoa          a unit and a word together: most who ask may see one unit only
 *   ·acco·1234             whose record it is
 *
 * Terms only lead to rows: rights and filters are asked of every row besides. Rows that have the
 * accents of the question come before those that have others. What is found is sorted a window of
 * rows at a time, as people are: by given name, family name, middle names.
 */
#include "engine/registry/names_int.h"

#include "base/text.h"

enum {
    VALUE_MAX = 40, /* bytes of a value in a term */
    TAG = 4,        /* bytes of the name of its field */
};

/* ---- words ---- */

static void add_word(struct kh_str *list, size_t *n, struct kh_str word)
{
    size_t at = 0;

    while (at < *n && kh_str_cmp(list[at], word) < 0)
        at++;
    if (*n == KH_NAME_WORDS || (at < *n && kh_str_eq(list[at], word)))
        return;
    memmove(&list[at + 1], &list[at], (*n - at) * sizeof(*list));
    list[at] = word;
    ++*n;
}

void kh_name_words_read(struct kh_arena *a, struct kh_str text, struct kh_name_words *ret)
{
    struct kh_str folded = kh_search_text(a, text), exact = kh_text_exact(a, text);

    *ret = (struct kh_name_words){0};
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

void kh_name_put_value(struct kh_buf *b, const struct kh_field *f, const struct kh_rval *v)
{
    kh_buf_z(b, KH_NAME_MARK);
    put_plain(b, f->name, TAG);
    kh_buf_z(b, KH_NAME_MARK);
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
struct kh_str kh_name_of(const struct kh_type *t, struct kh_arena *a, const struct kh_json *fields)
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
void kh_name_put_in_unit(struct kh_buf *b, struct kh_str unit, struct kh_str word)
{
    kh_buf_z(b, KH_NAME_MARK);
    put_plain(b, unit, VALUE_MAX);
    kh_buf_z(b, KH_NAME_MARK);
    kh_buf_str(b, word);
}

/* "H26" would be everybody: units count from the second level on. */
static void put_unit(const struct kh_type *t, struct kh_buf *b, struct kh_str unit,
                     const struct kh_name_words *w)
{
    const struct kh_field *f = &t->fields[t->unit];

    for (size_t n = 0, dots = 0; n <= unit.n; n++) {
        struct kh_rval part = text_val(kh_str(unit.p, n));

        if ((n < unit.n && unit.p[n] != '.') || (dots++ == 0 && n < unit.n))
            continue;
        kh_buf_c(b, ' ');
        kh_name_put_value(b, f, &part);
        for (size_t i = 0; i < w->folded_n; i++) {
            kh_buf_c(b, ' ');
            kh_name_put_in_unit(b, part.s, w->folded[i]);
        }
    }
}

static void put_with(const struct kh_type *t, struct kh_buf *b, const struct kh_json *fields,
                     const struct kh_name_words *w)
{
    struct kh_rval v;

    for (size_t i = 0; i < t->people.with_n; i++) {
        const struct kh_field *f = &t->fields[t->people.with[i]];

        if (!kh_column_value(f, kh_json_find(fields, f->name), &v) || v.kind == KH_RV_NULL)
            continue;
        kh_buf_c(b, ' ');
        kh_name_put_value(b, f, &v);
    }
    if (t->unit >= 0 &&
        kh_column_value(&t->fields[t->unit], kh_json_find(fields, t->fields[t->unit].name), &v) &&
        v.kind == KH_RV_TEXT)
        put_unit(t, b, v.s, w);
    if (t->owner >= 0 &&
        kh_column_value(&t->fields[t->owner], kh_json_find(fields, t->fields[t->owner].name), &v) &&
        v.kind == KH_RV_INT) {
        kh_buf_c(b, ' ');
        kh_name_put_value(b, &t->fields[t->owner], &v);
    }
}

/* One, two or three words as a term: in the order of the list. */
void kh_name_put_words(struct kh_buf *b, const struct kh_word_list *l, const size_t *at, size_t n)
{
    if (l->accented)
        kh_buf_z(b, KH_NAME_MARK);
    for (size_t i = 0; i < n; i++) {
        if (i)
            kh_buf_z(b, KH_NAME_MARK);
        kh_buf_str(b, l->words[at[i]]);
    }
}

/* Of words with their accents only those terms that a folded one would not be. */
static void put_some(struct kh_buf *b, const struct kh_word_list *l, const size_t *at, size_t n)
{
    bool has = !l->accented;

    for (size_t i = 0; !has && i < n; i++)
        has = l->accented[at[i]];
    if (!has)
        return;
    if (b->n)
        kh_buf_c(b, ' ');
    kh_name_put_words(b, l, at, n);
}

static void put_subsets(struct kh_buf *b, const struct kh_word_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        put_some(b, l, (size_t[]){i}, 1);
        for (size_t j = i + 1; j < l->n; j++) {
            put_some(b, l, (size_t[]){i, j}, 2);
            for (size_t k = j + 1; k < l->n; k++)
                put_some(b, l, (size_t[]){i, j, k}, 3);
        }
    }
}

struct kh_str kh_names_terms(const struct kh_type *t, struct kh_arena *a,
                             const struct kh_json *fields)
{
    struct kh_buf b = kh_buf(a, KH_SEARCH_MAX);
    struct kh_name_words w;

    kh_name_words_read(a, kh_name_of(t, a, fields), &w);
    put_subsets(&b, &(struct kh_word_list){w.folded, NULL, w.folded_n});
    put_subsets(&b, &(struct kh_word_list){w.exact, w.accented, w.exact_n});
    put_with(t, &b, fields, &w);
    return b.n ? kh_str_trim(kh_buf_get(&b)) : (struct kh_str){0};
}
