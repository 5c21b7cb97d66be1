/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/registry/import.h"

#include "base/hash.h"
#include "base/id.h"
#include "base/time.h"
#include "engine/registry/import_int.h"

/* A batch holds up everybody else who writes, for about 10 ms; alone, fewer commits are better. */
enum { BATCH = 500, BATCH_ALONE = 2000, DEPTH = 3, BATCH_BYTES = 8 << 20 };

enum fate { FATE_OPEN, FATE_CREATED, FATE_UPDATED, FATE_UNCHANGED, FATE_FAILED };

struct line {
    struct kh_import_place at;
    struct kh_json *fields;
    struct kh_draft *draft; /* NULL: as a new record it does not fit */
    struct kh_rval *keys;   /* values of the natural key, by column; NULL if there is none */
    int64_t id;             /* that the line names, or 0 */
    enum fate fate, early;
    struct kh_error err;
};

struct job;

/* Lines that go in together. While one is with the committer the next is made. */
struct batch {
    struct job *job;
    struct kh_arena *a, *tx_a; /* of the lines; of one run of the transaction */
    struct kh_ref_memo *memo;  /* of one run of the transaction */
    struct line *lines;
    size_t n, max;
    bool busy, ok;
    struct kh_error err;
};

struct job {
    struct kh_store *st;
    struct kh_registry *reg;
    const struct kh_import *in;
    struct kh_import_report report;
    struct kh_reader r;
    int64_t made;          /* lines, if they are not read */
    struct batch b[DEPTH];
    pthread_mutex_t lock;
    pthread_cond_t done;
    uint64_t *seen;        /* dry run: keys that the file would have created */
    size_t seen_n, seen_cap;
    struct kh_arena *a;
};

/* ---- reading and checking ---- */

static void line_failed(struct line *l, const struct kh_error *err)
{
    l->early = l->fate = FATE_FAILED;
    l->err = *err;
}

static bool mine(enum kh_ec code)
{
    switch ((int)code) {
    case KH_EC_STORE:
    case KH_EC_STORE_BUSY:
    case KH_EC_STORE_FULL:
    case KH_EC_STORE_CORRUPT:
    case KH_EC_OVERLOADED:
    case KH_EC_INTERNAL:
        return false;
    default:
        return true;
    }
}

static struct kh_rval *keys_of(struct kh_arena *a, const struct kh_type *t,
                               const struct kh_json *fields)
{
    struct kh_rval *keys = t->key_n ? kh_new_n(a, KH_RCOLS_MAX, struct kh_rval) : NULL;

    for (size_t i = 0; i < t->key_n; i++) {
        const struct kh_field *f = &t->fields[t->key[i]];
        const struct kh_json *v = kh_json_find(fields, f->name);

        if (!v || !kh_column_value(f, v, &keys[f->col]) || keys[f->col].kind == KH_RV_NULL)
            return NULL;
    }
    return keys;
}

static void prepare(struct job *j, struct batch *b, struct line *l)
{
    const struct kh_type *t = j->in->type;
    const struct kh_json *id = kh_json_get(l->fields, "id");
    struct kh_error err = {0};

    if (!kh_json_is(l->fields, KH_JSON_OBJECT)) {
        (void)kh_fail_field(b->a, &err, KH_EC_RECORD_INVALID, KH_S(""), "type",
                            "Mỗi dòng là một đối tượng JSON.", "Each line is a JSON object.");
        line_failed(l, &err);
        return;
    }
    if (kh_type_field(t, KH_S("id")) < 0 && kh_json_is(id, KH_JSON_STRING) &&
        !kh_id_parse(id->s, &l->id))
        l->id = 0;
    l->keys = keys_of(b->a, t, l->fields);
    if (kh_draft_make(b->a, t, l->fields, &j->in->how, KH_OP_IMPORT, &l->draft, &err))
        return;
    /* Part of a record is enough for one that is known; the transaction knows. */
    l->err = err;
    l->draft = NULL;
    if (err.code != KH_EC_RECORD_INVALID || (!l->id && !l->keys))
        line_failed(l, &err);
}

static enum kh_hit next_line(struct job *j, struct kh_arena *a, struct line *l,
                             struct kh_error *err)
{
    if (!j->in->next)
        return kh_reader_next(&j->r, a, &l->fields, &l->at, err);
    l->at = (struct kh_import_place){.line = ++j->made, .feature = -1};
    return j->in->next(j->in->ctx, a, &l->fields, err);
}

static bool read_batch(struct job *j, struct batch *b, bool *ret_end)
{
    size_t from = j->r.at;

    b->n = 0;
    kh_arena_reset(b->a);
    while (b->n < b->max && j->r.at - from < BATCH_BYTES && !kh_arena_over(b->a)) {
        struct line *l = &b->lines[b->n];
        struct kh_error err = {0};
        enum kh_hit hit;

        *l = (struct line){0};
        hit = next_line(j, b->a, l, &err);
        if (hit == KH_MISS) {
            *ret_end = true;
            break;
        }
        b->n++;
        if (hit == KH_FAIL)
            line_failed(l, &err);
        else
            prepare(j, b, l);
    }
    return b->n > 0;
}

/* ---- in the transaction ---- */

/* The record that a line speaks of, if it is there. */
static enum kh_hit find_known(struct kh_tx *tx, struct batch *b, const struct line *l,
                              struct kh_rrow *ret, struct kh_error *err)
{
    const struct kh_type *t = b->job->in->type;
    int64_t said_from = l->draft ? l->draft->row.valid_from : 0;
    int64_t said_to = l->draft ? l->draft->row.valid_to : 0;
    int64_t id = l->id, from = said_from ? said_from : kh_now_us();
    unsigned char cols[KH_RINDEX_COLS];
    struct kh_rspan_of is;
    enum kh_hit hit;

    if (id) {
        hit = kh_rtable_get(tx, t->table, b->tx_a, id, ret, err);
        if (hit != KH_MISS)
            return hit;
    }
    if (!l->keys)
        return KH_MISS;
    for (size_t i = 0; i < t->key_n; i++)
        cols[i] = (unsigned char)t->fields[t->key[i]].col;
    hit = kh_rtable_taken(tx, t->table, b->tx_a, cols, t->key_n, l->keys, 0, from,
                          said_to ? said_to : KH_FOREVER, &is, err);
    return hit == KH_HIT ? kh_rtable_get(tx, t->table, b->tx_a, is.id, ret, err) : hit;
}

/* A line that is known: its fields are set, its end is ended; nothing if nothing differs. */
static bool update(struct kh_tx *tx, struct batch *b, struct line *l, const struct kh_rrow *old,
                   struct kh_error *err)
{
    struct job *j = b->job;
    const struct kh_type *t = j->in->type;
    int64_t said_from = l->draft ? l->draft->row.valid_from : 0;
    int64_t said_to = l->draft ? l->draft->row.valid_to : 0;
    struct kh_write how = j->in->how;
    struct kh_record r = {.revision = old->rev};
    int64_t now = kh_now_us();
    bool open = old->valid_from <= now && now < old->valid_to;

    how.import = true;
    how.valid_from_us = said_from > old->valid_from ? said_from : open ? 0 : old->valid_from;
    if (!kh_record_change(tx, j->reg, b->tx_a, t, old->id, l->fields, true, &how, &r, err))
        return false;
    if (t->to < 0 && said_to && said_to < r.valid_to_us) {
        how.valid_from_us = said_to;
        if (!kh_record_close(tx, j->reg, b->tx_a, t, old->id, &how, &r, err))
            return false;
    }
    l->fate = r.revision == old->rev ? FATE_UNCHANGED : FATE_UPDATED;
    return true;
}

static bool put_line(struct kh_tx *tx, struct batch *b, struct line *l, struct kh_error *err)
{
    struct kh_rrow old;
    struct kh_record r;

    switch (find_known(tx, b, l, &old, err)) {
    case KH_HIT:
        return update(tx, b, l, &old, err);
    case KH_MISS:
        break;
    case KH_FAIL:
        return false;
    }
    if (!l->draft) {
        *err = l->err;
        return false;
    }
    l->fate = FATE_CREATED;
    return kh_record_insert_many(tx, b->job->reg, b->tx_a, l->draft,
                                 l->keys && b->job->in->type->key_n == 1, b->memo, &r, err);
}

static bool put_batch(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct batch *b = ctx;

    kh_arena_reset(b->tx_a);
    b->memo = kh_ref_memo_new(b->tx_a);
    for (size_t i = 0; i < b->n; i++) {
        struct line *l = &b->lines[i];
        struct kh_error why = {0};

        l->fate = l->early;
        if (l->fate == FATE_FAILED || put_line(tx, b, l, &why))
            continue;
        if (!mine(why.code)) {
            *err = why;
            return kh_error_wrap(err, "line %lld", (long long)l->at.line);
        }
        l->fate = FATE_FAILED;
        l->err = why;
    }
    /* A dry run has done everything but keep it. */
    return !b->job->in->dry_run || kh_fail(err, KH_EC_IMPORT_INVALID, "dry run");
}

static void batch_done(void *ctx, bool ok, const struct kh_error *err)
{
    struct batch *b = ctx;

    pthread_mutex_lock(&b->job->lock);
    b->busy = false;
    b->ok = ok;
    if (!ok)
        b->err = *err;
    pthread_cond_broadcast(&b->job->done);
    pthread_mutex_unlock(&b->job->lock);
}

/* ---- counting ---- */

/* Dry runs roll back batch by batch, so a key that comes again in a later batch is remembered here. */
static bool seen_before(struct job *j, const struct line *l)
{
    const struct kh_type *t = j->in->type;
    uint64_t h = l->draft && l->draft->row.valid_from ? (uint64_t)l->draft->row.valid_from : 1;
    size_t at;

    if (!l->keys)
        return false;
    for (size_t i = 0; i < t->key_n; i++) {
        const struct kh_rval *v = &l->keys[t->fields[t->key[i]].col];

        h = v->kind == KH_RV_TEXT ? kh_hash64(v->s, h)
                                  : kh_hash64(kh_str((const char *)&v->i, sizeof(v->i)), h);
    }
    h |= 1;
    if (j->seen_n * 2 >= j->seen_cap) {
        size_t cap = j->seen_cap ? j->seen_cap * 2 : 1024;
        uint64_t *more = kh_new_n(j->a, cap, uint64_t);

        for (size_t i = 0; i < j->seen_cap; i++)
            if (j->seen[i]) {
                size_t k = j->seen[i] % cap;

                while (more[k])
                    k = (k + 1) % cap;
                more[k] = j->seen[i];
            }
        j->seen = more;
        j->seen_cap = cap;
    }
    for (at = h % j->seen_cap; j->seen[at]; at = (at + 1) % j->seen_cap)
        if (j->seen[at] == h)
            return true;
    j->seen[at] = h;
    j->seen_n++;
    return false;
}

static void count(struct job *j, const struct batch *b)
{
    for (size_t i = 0; i < b->n; i++) {
        const struct line *l = &b->lines[i];

        j->report.read++;
        switch (l->fate) {
        case FATE_CREATED:
            if (j->in->dry_run && seen_before(j, l))
                j->report.updated++;
            else
                j->report.created++;
            break;
        case FATE_UPDATED:
            j->report.updated++;
            break;
        case FATE_UNCHANGED:
            j->report.unchanged++;
            break;
        case FATE_OPEN:
        case FATE_FAILED:
            j->report.failed++;
            if (j->in->fail)
                j->in->fail(j->in->ctx, &l->at, &l->err);
            break;
        }
    }
}

/* Wait for a batch and take what it did. @return false if the database refused it */
static bool settle(struct job *j, struct batch *b, struct kh_error *err)
{
    pthread_mutex_lock(&j->lock);
    while (b->busy)
        pthread_cond_wait(&j->done, &j->lock);
    pthread_mutex_unlock(&j->lock);
    if (b->n == 0)
        return true;
    if (!b->ok && !(j->in->dry_run && b->err.code == KH_EC_IMPORT_INVALID)) {
        *err = b->err;
        return false;
    }
    count(j, b);
    b->n = 0;
    return true;
}

/* ---- the whole ---- */

static bool run_batches(struct job *j, struct kh_error *err)
{
    /* Several writers would take batches side by side; the order of a file is part of it. */
    unsigned depth = kh_store_kind(j->st) == KH_STORE_SQLITE ? DEPTH : 1;
    bool end = false, good = true;
    unsigned i;

    for (i = 0; good && !end; i = (i + 1) % depth) {
        struct batch *b = &j->b[i];

        good = settle(j, b, err);
        if (!good || !read_batch(j, b, &end))
            continue;
        b->busy = true;
        if (!kh_store_submit(j->st, "import", put_batch, b, batch_done, err)) {
            b->busy = false;
            b->n = 0;
            good = false;
        }
        if (j->in->progress && j->in->next)
            j->in->progress(j->in->ctx, j->made, j->in->next_n);
        else if (j->in->progress)
            j->in->progress(j->in->ctx, (int64_t)j->r.at, (int64_t)j->r.input.n);
    }
    /* In the order in which they were sent; after a failure the others have to be waited for too. */
    for (unsigned k = 0; k < depth; k++) {
        struct kh_error other = {0};

        if (!settle(j, &j->b[(i + k) % depth], good ? err : &other))
            good = false;
    }
    return good;
}

static struct kh_str ignored_json(const struct job *j, struct kh_arena *a)
{
    struct kh_buf b = kh_buf(a, 64 << 10);
    struct kh_jw w = kh_jw(&b);

    kh_jw_obj(&w);
    for (size_t i = 0; i < j->r.ignored_n; i++) {
        kh_jw_keys(&w, j->r.ignored[i].name);
        kh_jw_int(&w, j->r.ignored[i].n);
    }
    kh_jw_end(&w);
    return kh_buf_get(&b);
}

bool kh_import_run(struct kh_store *st, struct kh_registry *reg, struct kh_arena *a,
                   const struct kh_import *in, struct kh_import_report *ret, struct kh_error *err)
{
    struct job *j = kh_new(a, struct job);
    bool good;

    if (!in->how.trusted && !kh_access_any(in->type, in->how.who, 1U << KH_OP_IMPORT))
        return kh_access_deny(in->type, in->how.who, "import", err);
    j->st = st;
    j->reg = reg;
    j->in = in;
    j->a = a;
    if (!in->next && !kh_reader_open(&j->r, a, in->type, in->format, in->input, err))
        return false;
    pthread_mutex_init(&j->lock, NULL);
    pthread_cond_init(&j->done, NULL);
    for (size_t i = 0; i < DEPTH; i++) {
        j->b[i].job = j;
        j->b[i].max = in->alone ? BATCH_ALONE : BATCH;
        j->b[i].lines = kh_new_n(a, j->b[i].max, struct line);
        j->b[i].a = kh_arena_new((size_t)256 << 20);
        j->b[i].tx_a = kh_arena_new((size_t)256 << 20);
    }
    good = run_batches(j, err);
    for (size_t i = 0; i < DEPTH; i++) {
        kh_arena_drop(j->b[i].a);
        kh_arena_drop(j->b[i].tx_a);
    }
    pthread_cond_destroy(&j->done);
    pthread_mutex_destroy(&j->lock);
    if (!good)
        return kh_error_wrap(err, "imported %lld of %lld lines read",
                             (long long)(j->report.created + j->report.updated),
                             (long long)j->report.read);
    j->report.ignored = ignored_json(j, a);
    *ret = j->report;
    return true;
}
