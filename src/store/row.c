/* SPDX-License-Identifier: Apache-2.0 */
#include "store/row.h"

#include "base/hash.h"
#include "base/id.h"
#include "base/json.h"
#include "store/event/row_sql.h"
#include "store/store_driver.h"

#include <stdio.h>
#include <stdlib.h>

enum { ISSUES_MAX = 1000, TRIES = 3 };

/* ---- sealing ---- */

bool kh_rows_seal(struct kh_tx *tx, enum kh_row_table table, const struct kh_str *keys, size_t n,
                  struct kh_error *err)
{
    kh_auto_arena a = kh_arena_new((size_t)16 << 20);
    struct kh_buf b = kh_buf(a, SIZE_MAX);
    struct kh_jw w = kh_jw(&b);
    struct kh_event e = {
        .kind = KH_S("row.put"),
        .type = kh_cstr(kh_row_sql_table(table)),
        .level = 3,
        .actor = KH_S("system:store"),
    };

    kh_jw_obj(&w);
    kh_jw_key(&w, "rows");
    kh_jw_obj(&w);
    for (size_t i = 0; i < n; i++) {
        unsigned char hash[KH_ROW_HASH_BYTES];
        enum kh_hit hit = kh_row_sql_hash(tx, table, keys[i], hash, err);

        if (hit == KH_FAIL)
            return false;
        kh_jw_keys(&w, keys[i]);
        kh_jw_str(&w, hit == KH_HIT ? kh_hex(a, hash, sizeof(hash)) : KH_S(""));
    }
    kh_jw_end(&w);
    kh_jw_end(&w);
    e.data = kh_buf_get(&b);
    return n == 0 || kh_event_append(tx, &e, err);
}

bool kh_row_seal(struct kh_tx *tx, enum kh_row_table table, struct kh_str key, struct kh_error *err)
{
    return kh_rows_seal(tx, table, &key, 1, err);
}

bool kh_row_seal_id(struct kh_tx *tx, enum kh_row_table table, int64_t id, struct kh_error *err)
{
    char text[24];
    int n = snprintf(text, sizeof(text), "%lld", (long long)id);

    return kh_row_seal(tx, table, kh_str(text, (size_t)n), err);
}

/* ---- verification ---- */

/* The last word of the log about a row. */
struct word {
    enum kh_row_table table;
    bool gone, met;
    unsigned char hash[KH_ROW_HASH_BYTES];
    int64_t seq;
    struct kh_str key;
};

struct check {
    struct kh_arena *a;   /* of this try */
    struct kh_arena *out; /* of the answer */
    struct word *words;
    size_t words_n, words_cap;
    struct kh_verify_issue *issues;
    size_t n, cap;
    int64_t rows;
    enum kh_row_table table;
};

static void found(struct check *c, int64_t seq, const char *what, struct kh_str key)
{
    const char *name = kh_row_sql_table(c->table);
    struct kh_str shown = key;

    if (c->n == ISSUES_MAX)
        return;
    if (kh_row_sql_by_id(c->table))
        shown = kh_id_text(c->out, strtoll(kh_str_z(c->out, key), NULL, 10));
    c->issues = kh_grow(c->out, c->issues, c->n, c->n + 1, &c->cap, sizeof(*c->issues));
    c->issues[c->n++] = (struct kh_verify_issue){
        .seq = seq,
        .what = kh_cstr(what),
        .detail = kh_strf(c->out, "table %s: %.*s", name, KH_FMT(shown)),
    };
}

static bool add_words(void *ctx, int64_t seq, struct kh_str table, struct kh_str data,
                      struct kh_error *err)
{
    static const struct kh_json_limits limits = {.bytes = (size_t)16 << 20};
    struct check *c = ctx;
    int t = 0;
    const struct kh_json *rows;
    struct kh_json *tree;

    while (t < KH_ROW_TABLES && !kh_str_is(table, kh_row_sql_table((enum kh_row_table)t)))
        t++;
    /* Data that was tampered with is told by the chain. */
    if (t == KH_ROW_TABLES || !kh_json_parse(c->a, data, &limits, &tree, err)) {
        *err = (struct kh_error){0};
        return true;
    }
    rows = kh_json_get(tree, "rows");
    for (uint32_t i = 0; kh_json_is(rows, KH_JSON_OBJECT) && i < rows->n; i++) {
        const struct kh_json *hash = &rows->members[i].value;
        struct word w = {.table = (enum kh_row_table)t, .seq = seq, .key = rows->members[i].key};

        if (!kh_json_is(hash, KH_JSON_STRING))
            continue;
        w.gone = !kh_unhex(hash->s, w.hash, sizeof(w.hash));
        c->words =
            kh_grow(c->a, c->words, c->words_n, c->words_n + 1, &c->words_cap, sizeof(*c->words));
        c->words[c->words_n++] = w;
    }
    return true;
}

static int by_row(const void *x, const void *y)
{
    const struct word *a = x, *b = y;

    if (a->table != b->table)
        return a->table < b->table ? -1 : 1;
    return kh_str_cmp(a->key, b->key);
}

static int by_row_and_seq(const void *x, const void *y)
{
    const struct word *a = x, *b = y;
    int order = by_row(a, b);

    return order ? order : (a->seq > b->seq) - (a->seq < b->seq);
}

/* Only the last word about each row counts. */
static void last_words(struct check *c)
{
    size_t n = 0;

    if (c->words_n)
        qsort(c->words, c->words_n, sizeof(*c->words), by_row_and_seq);
    for (size_t i = 0; i < c->words_n; i++)
        if (i + 1 == c->words_n || by_row(&c->words[i], &c->words[i + 1]) != 0)
            c->words[n++] = c->words[i];
    c->words_n = n;
}

static void check_row(void *ctx, struct kh_str key, const unsigned char hash[KH_ROW_HASH_BYTES])
{
    struct check *c = ctx;
    struct word asked = {.table = c->table, .key = key}, *w = NULL;

    if (c->words_n)
        w = bsearch(&asked, c->words, c->words_n, sizeof(*c->words), by_row);
    c->rows++;
    if (w)
        w->met = true;
    if (!w || w->gone)
        found(c, 0, "inserted", key);
    else if (memcmp(w->hash, hash, KH_ROW_HASH_BYTES) != 0)
        found(c, w->seq, "changed", key);
}

static bool check_all(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct check *c = ctx;

    c->words = NULL;
    c->words_n = c->words_cap = 0;
    c->n = 0;
    c->rows = 0;
    if (!kh_row_sql_words(tx, add_words, c, err))
        return false;
    last_words(c);
    for (int t = 0; t < KH_ROW_TABLES; t++) {
        c->table = (enum kh_row_table)t;
        if (!kh_row_sql_each(tx, c->table, check_row, c, err))
            return false;
    }
    for (size_t i = 0; i < c->words_n; i++)
        if (!c->words[i].met && !c->words[i].gone) {
            c->table = c->words[i].table;
            found(c, c->words[i].seq, "removed", c->words[i].key);
        }
    return true;
}

bool kh_rows_verify(struct kh_store *st, struct kh_arena *a, struct kh_verify_issue **ret_issues,
                    size_t *ret_n, int64_t *ret_rows, struct kh_error *err)
{
    struct check c = {.out = a};

    /* On PostgreSQL a row is there a moment before its event is sealed: then look again. */
    for (int i = 0; i < TRIES; i++) {
        kh_auto_arena try = kh_arena_new(SIZE_MAX);

        c.a = try;
        if (!kh_store_run(st, "verify_rows", KH_TX_READ, check_all, &c, err))
            return false;
        if (c.n == 0 || !st->driver->settle)
            break;
        st->driver->settle(st);
    }
    *ret_issues = c.issues;
    *ret_n = c.n;
    *ret_rows = c.rows;
    return true;
}
