/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/geo/units_int.h"

#include "base/text.h"
#include "base/time.h"

#include <stdlib.h>

/* How a kind is written before a name, with accents off, and which kinds it may mean. */
static const struct {
    struct kh_str word;
    const char *kind;
} kinds[] = {
    {KH_STR_INIT("phuong"), "ward"},          {KH_STR_INIT("p"), "ward"},
    {KH_STR_INIT("xa"), "commune"},           {KH_STR_INIT("x"), "commune"},
    {KH_STR_INIT("thi tran"), "township"},    {KH_STR_INIT("tt"), "township"},
    {KH_STR_INIT("quan"), "urban_district"},  {KH_STR_INIT("q"), "urban_district"},
    {KH_STR_INIT("huyen"), "rural_district"}, {KH_STR_INIT("h"), "rural_district"},
    {KH_STR_INIT("thi xa"), "town"},          {KH_STR_INIT("tx"), "town"},
    {KH_STR_INIT("thanh pho"), "city"},       {KH_STR_INIT("tp"), "city"},
};

/* What is asked for, prepared once. */
struct asked {
    struct kh_str code;        /* as it came, if it may be a code */
    struct kh_str exact, fold; /* all of it */
    struct kh_str name;        /* fold without the kind, or "" */
    const char *kind;          /* that the words before the name say, or NULL */
};

static struct asked asked_of(struct kh_arena *a, struct kh_str q)
{
    struct asked s = {.code = kh_str_trim(q)};

    s.exact = kh_text_exact(a, q);
    s.fold = kh_text_fold(a, q);
    s.name = KH_S("");
    for (size_t i = 0; i < KH_LEN(kinds); i++) {
        struct kh_str w = kinds[i].word;

        if (s.fold.n > w.n + 1 && kh_str_starts(s.fold, w) && s.fold.p[w.n] == ' ') {
            s.name = kh_str_skip(s.fold, w.n + 1);
            s.kind = kinds[i].kind;
        }
    }
    return s;
}

/* Every word of the question begins a word of the name. */
static bool words_in(struct kh_str words, struct kh_str name)
{
    while (words.n) {
        struct kh_str w = kh_str_cut(words, ' ', &words), left = name;
        bool found = false;

        while (left.n && !found)
            found = kh_str_starts(kh_str_cut(left, ' ', &left), w);
        if (!found)
            return false;
    }
    return true;
}

/* With the accents that were given: "phường hoà bình" is better than "phương hoa binh". */
static bool exact_match(const struct asked *s, const struct kh_unit *u)
{
    size_t skip = s->exact.n - u->exact.n;

    if (kh_str_eq(s->exact, u->exact))
        return true;
    return s->kind && kh_str_is(u->kind, s->kind) && s->exact.n > u->exact.n + 1 &&
           s->exact.p[skip - 1] == ' ' && kh_str_eq(kh_str_skip(s->exact, skip), u->exact);
}

static const char *match(const struct asked *s, const struct kh_unit *u, int *rank)
{
    bool other_kind = s->kind && !kh_str_is(u->kind, s->kind);

    if (kh_str_eq(s->code, u->code)) {
        *rank = 0;
        return "code";
    }
    if (exact_match(s, u)) {
        *rank = 1;
        return "exact";
    }
    if (kh_str_eq(s->fold, u->fold) || (s->name.n && kh_str_eq(s->name, u->fold))) {
        *rank = kh_str_eq(s->fold, u->fold) || !other_kind ? 2 : 3;
        return "fold";
    }
    if (kh_str_starts(u->fold, s->fold) || (s->name.n && kh_str_starts(u->fold, s->name))) {
        *rank = other_kind ? 5 : 4;
        return "prefix";
    }
    if (words_in(s->fold, u->fold) || (s->name.n && words_in(s->name, u->fold))) {
        *rank = other_kind ? 7 : 6;
        return "words";
    }
    return NULL;
}

struct found {
    struct kh_unit_match m;
    bool today;
    struct kh_str key;
};

static int by_rank(const void *a, const void *b)
{
    const struct found *x = a, *y = b;

    if (x->m.rank != y->m.rank)
        return x->m.rank - y->m.rank;
    if (x->today != y->today)
        return x->today ? -1 : 1;
    /* City, district, commune stand in this order of the length of their codes. */
    if (x->m.unit->code.n != y->m.unit->code.n)
        return x->m.unit->code.n < y->m.unit->code.n ? -1 : 1;
    if (!kh_str_eq(x->key, y->key))
        return kh_str_cmp(x->key, y->key);
    if (x->m.unit->from_day != y->m.unit->from_day)
        return x->m.unit->from_day > y->m.unit->from_day ? -1 : 1;
    return kh_str_cmp(x->m.unit->code, y->m.unit->code);
}

void kh_picture_search(const struct kh_picture *p, struct kh_arena *a, struct kh_str q, int64_t day,
                       size_t limit, struct kh_unit_match **ret, size_t *ret_n)
{
    struct asked s = asked_of(a, q);
    int64_t today = kh_day_of(kh_now_us());
    struct found *all = NULL;
    size_t n = 0, cap = 0;

    for (size_t i = 0; s.fold.n && i < p->n; i++) {
        const struct kh_unit *u = &p->units[i];
        struct found f = {.m = {.unit = u}};

        if ((day >= 0 && !kh_unit_on(u, day)) || !(f.m.matched = match(&s, u, &f.m.rank)))
            continue;
        f.today = kh_unit_on(u, today);
        f.key = kh_text_unit_key(a, u->name);
        all = kh_grow(a, all, n, n + 1, &cap, sizeof(*all));
        all[n++] = f;
    }
    if (n)
        qsort(all, n, sizeof(*all), by_rank);
    n = n < limit ? n : limit;
    *ret = kh_new_n(a, n + 1, struct kh_unit_match);
    for (size_t i = 0; i < n; i++)
        (*ret)[i] = all[i].m;
    *ret_n = n;
}
