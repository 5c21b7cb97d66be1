/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verification: read the log from its first event to its last, recompute both hashes of each, and
 * hold every signed head against it.
 *
 * A changed row does not fit its own hash, but the next one still follows from the hash that it
 * holds, so each tampered row is named and the rest goes on verifying. Somebody who recomputes all
 * hashes after his change is caught by the first signed head behind it.
 */
#include "store/checkpoint.h"
#include "store/event_chain.h"

#include <stdio.h>

enum { PAGE = 1000, ISSUES_MAX = 1000 };

struct head {
    struct kh_checkpoint c;
    const char *where;
};

struct seqs {
    int64_t *items;
    size_t n, cap;
};

struct verify {
    struct kh_store *st;
    struct kh_arena *a; /* of the answer */
    struct kh_verify_issue *issues;
    size_t n, cap;
    struct kh_chain last; /* the row before, by the hash that it holds */
    int64_t count;
    struct head *heads; /* signed heads in the order of seq */
    size_t heads_n, heads_cap, heads_at;
    struct seqs erased, records; /* events without data, and what event.erase accounts for */
    struct seqs kept;            /* signed heads that the table of checkpoints has too */
};

static void found(struct verify *v, int64_t seq, const char *what, const char *fmt, ...)
    KH_PRINTF(4, 5);

static void found(struct verify *v, int64_t seq, const char *what, const char *fmt, ...)
{
    struct kh_verify_issue *is;
    va_list ap;

    if (v->n >= ISSUES_MAX)
        return;
    v->issues = kh_grow(v->a, v->issues, v->n, v->n + 1, &v->cap, sizeof(*v->issues));
    is = &v->issues[v->n++];
    is->seq = seq;
    is->what = kh_cstr(what);
    va_start(ap, fmt);
    is->detail = kh_strfv(v->a, fmt, ap);
    va_end(ap);
}

static void seqs_add(struct verify *v, struct seqs *s, int64_t seq)
{
    s->items = kh_grow(v->a, s->items, s->n, s->n + 1, &s->cap, sizeof(*s->items));
    s->items[s->n++] = seq;
}

/* ---- signed heads ---- */

static void add_head(struct verify *v, const struct kh_checkpoint *c, const char *where)
{
    size_t i;

    if (c->seq == 0)
        return;
    v->heads =
        kh_grow(v->a, v->heads, v->heads_n, v->heads_n + 1, &v->heads_cap, sizeof(*v->heads));
    for (i = v->heads_n++; i > 0 && v->heads[i - 1].c.seq > c->seq; i--)
        v->heads[i] = v->heads[i - 1];
    v->heads[i] = (struct head){*c, where};
}

/* The lines of the anchor file in their order. After "restore" older heads above it do not bind.
 * What "close" left must be what the next "open" found. */
static bool read_anchors(struct verify *v, struct kh_error *err)
{
    struct kh_anchored *all;
    size_t n, from = 0;
    int64_t closed = -1;
    bool *in_file_only;

    if (!kh_anchor_read(v->st, v->a, &all, &n, err))
        return false;
    in_file_only = kh_new_n(v->a, n, bool);
    for (size_t i = 0; i < n; i++) {
        const struct kh_checkpoint *c = &all[i].c;

        if (c->seq < 0 || !all[i].signed_ok) {
            found(v, 0, "checkpoint", "line %zu of the anchor file is not signed by a known key",
                  i + 1);
            continue;
        }
        in_file_only[i] = kh_str_is(c->what, "open") || kh_str_is(c->what, "join") ||
                          kh_str_is(c->what, "restore");
        if (kh_str_is(c->what, "restore")) {
            for (size_t k = from; k < i; k++) {
                in_file_only[k] |= all[k].c.seq >= c->seq; /* perhaps signed after the backup */
                if (all[k].c.seq > c->seq)
                    all[k].c.seq = 0;
            }
        } else if (kh_str_is(c->what, "open") && closed >= 0 && c->seq > closed) {
            found(v, closed + 1, "inserted",
                  "table event: %lld to %lld were added while the store was closed",
                  (long long)closed + 1, (long long)c->seq);
        } else if (kh_str_is(c->what, "open") && closed >= 0 && c->seq < closed) {
            found(v, c->seq + 1, "removed",
                  "table event: %lld to %lld were removed while the store was closed",
                  (long long)c->seq + 1, (long long)closed);
        }
        closed = kh_str_is(c->what, "close") ? c->seq : -1;
    }
    for (size_t i = 0; i < n; i++)
        if (all[i].signed_ok && all[i].c.seq > 0) {
            add_head(v, &all[i].c, "the anchor file");
            if (!in_file_only[i])
                seqs_add(v, &v->kept, all[i].c.seq);
        }
    return true;
}

/* Both lists are in the order of seq: a head is signed after the one before. */
static void compare_table(struct verify *v, const struct kh_checkpoint *rows, size_t n)
{
    size_t k = 0;

    for (size_t i = 0; i < v->kept.n; i++) {
        int64_t seq = v->kept.items[i];

        if (i > 0 && seq <= v->kept.items[i - 1])
            k = 0; /* after a restore they begin again */
        while (k < n && rows[k].seq < seq)
            k++;
        if (k == n || rows[k].seq != seq)
            found(v, seq, "removed", "table checkpoint: the row for event %lld is missing",
                  (long long)seq);
    }
}

static bool read_table(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct verify *v = ctx;
    struct kh_checkpoint *all;
    size_t n;

    if (!kh_checkpoint_sql_list(tx, v->a, &all, &n, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        bool known, ok = kh_anchor_vouches(v->st, &all[i], &known);

        if (ok)
            add_head(v, &all[i], "table checkpoint");
        else if (known || v->st->kind == KH_STORE_SQLITE)
            found(v, all[i].seq, "checkpoint",
                  "table checkpoint: the row for event %lld is not signed by a known key",
                  (long long)all[i].seq);
        /* Else another server on the same database signed it with a key of its own. */
    }
    compare_table(v, all, n);
    return true;
}

/* Compare the heads up to this row. */
static void compare_heads(struct verify *v, int64_t seq, const unsigned char chain[32])
{
    for (; v->heads_at < v->heads_n && v->heads[v->heads_at].c.seq <= seq; v->heads_at++) {
        const struct head *h = &v->heads[v->heads_at];

        if (h->c.seq == seq && memcmp(h->c.chain, chain, 32) != 0)
            found(v, seq, "checkpoint", "event %lld is not what was signed (%s)", (long long)seq,
                  h->where);
    }
}

/* ---- events ---- */

static void check_row(struct verify *v, const struct kh_event_row *r)
{
    unsigned char want[32];
    bool follows = r->e.seq == v->last.seq + 1;

    if (r->e.seq <= 0) {
        found(v, r->e.seq, "inserted", "table event: %lld is no number of an event",
              (long long)r->e.seq);
        return;
    }
    if (r->e.seq == v->last.seq + 2)
        found(v, r->e.seq - 1, "removed", "table event: %lld is missing", (long long)r->e.seq - 1);
    else if (!follows)
        found(v, v->last.seq + 1, "removed", "table event: %lld to %lld are missing",
              (long long)v->last.seq + 1, (long long)r->e.seq - 1);
    kh_event_link(v->last.hash, r, want);
    /* After a gap the link cannot be recomputed; the signed heads still hold it. */
    if (follows && memcmp(want, r->chain, 32) != 0)
        found(v, r->e.seq, "changed", "table event: %lld does not fit its hash",
              (long long)r->e.seq);
    kh_event_payload(r, want);
    if (r->erased)
        seqs_add(v, &v->erased, r->e.seq);
    else if (memcmp(want, r->payload, 32) != 0)
        found(v, r->e.seq, "changed", "table event: the data of %lld does not fit its hash",
              (long long)r->e.seq);
    if (kh_str_is(r->e.kind, "event.erase"))
        seqs_add(v, &v->records, r->e.subject);
    compare_heads(v, r->e.seq, r->chain);
    v->last.seq = r->e.seq;
    memcpy(v->last.hash, r->chain, 32);
    v->count++;
}

struct page {
    struct verify *v;
    struct kh_arena *a;
    int64_t after;
    size_t n;
};

static bool read_page(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct page *p = ctx;
    struct kh_event_row *rows;

    if (!kh_event_sql_list(tx, p->a, p->after, PAGE, &rows, &p->n, err))
        return false;
    for (size_t i = 0; i < p->n; i++) {
        check_row(p->v, &rows[i]);
        p->after = rows[i].e.seq;
    }
    return true;
}

/* Pages through short snapshots, so that the WAL can be emptied meanwhile. */
static bool read_events(struct verify *v, kh_progress_fn progress, void *ctx, struct kh_error *err)
{
    kh_auto_arena a = kh_arena_new((size_t)256 << 20);
    struct page p = {.v = v, .a = a, .after = INT64_MIN};

    do {
        if (!kh_store_run(v->st, "verify", KH_TX_READ, read_page, &p, err))
            return false;
        kh_arena_reset(a);
        if (progress)
            progress(ctx, v->count, kh_event_head(v->st));
    } while (p.n == PAGE);
    return true;
}

/* A write of nothing goes through the committer, which sees what other processes have done; after
 * it no thread reads an older snapshot. */
static bool nothing(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    (void)tx;
    (void)ctx;
    (void)err;
    return true;
}

static bool catch_up(struct verify *v, struct kh_error *err)
{
    return v->st->kind == KH_STORE_POSTGRES ||
           kh_store_run(v->st, "verify", KH_TX_WRITE, nothing, NULL, err);
}

/* ---- erasures ---- */

struct asked {
    struct verify *v;
    int64_t seq;
    bool pending;
};

static bool ask_inbox(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct asked *q = ctx;
    enum kh_hit hit = kh_event_sql_erasing(tx, q->seq, err);

    q->pending = hit == KH_HIT;
    return hit != KH_FAIL;
}

/* Every event without data must have its event.erase, sealed or (PostgreSQL) waiting to be. */
static bool check_erased(struct verify *v, struct kh_error *err)
{
    for (size_t i = 0; i < v->erased.n; i++) {
        struct asked q = {.v = v, .seq = v->erased.items[i]};
        bool known = false;

        for (size_t k = 0; k < v->records.n && !known; k++)
            known = v->records.items[k] == q.seq;
        if (!known && v->st->kind == KH_STORE_POSTGRES &&
            !kh_store_run(v->st, "verify", KH_TX_READ, ask_inbox, &q, err))
            return false;
        if (!known && !q.pending)
            found(v, q.seq, "changed", "table event: the data of %lld is gone without an erasure",
                  (long long)q.seq);
    }
    return true;
}

/* What lies behind the last row: signed heads, and the head that this process knows. */
static bool check_end(struct verify *v, struct kh_error *err)
{
    int64_t head;

    for (; v->heads_at < v->heads_n; v->heads_at++)
        if (v->heads[v->heads_at].c.seq > v->last.seq) {
            const struct head *h = &v->heads[v->heads_n - 1];

            found(v, v->last.seq + 1, "removed",
                  "table event: %lld to %lld are missing, %lld was signed (%s)",
                  (long long)v->last.seq + 1, (long long)h->c.seq, (long long)h->c.seq, h->where);
            break;
        }
    /* Then the head has caught up with the rows. */
    if (!catch_up(v, err))
        return false;
    head = kh_event_head(v->st);
    if (v->st->kind == KH_STORE_SQLITE && v->last.seq > head)
        found(v, head + 1, "inserted", "table event: %lld to %lld were not written by this store",
              (long long)head + 1, (long long)v->last.seq);
    return true;
}

bool kh_event_verify(struct kh_store *st, struct kh_arena *a, kh_progress_fn progress, void *ctx,
                     struct kh_verify_issue **ret_issues, size_t *ret_n, int64_t *ret_events,
                     struct kh_error *err)
{
    struct verify v = {.st = st, .a = a};

    if (!catch_up(&v, err) || !read_anchors(&v, err) ||
        !kh_store_run(st, "verify", KH_TX_READ, read_table, &v, err) ||
        !read_events(&v, progress, ctx, err) || !check_erased(&v, err) || !check_end(&v, err))
        return false;
    *ret_issues = v.issues;
    *ret_n = v.n;
    *ret_events = v.count;
    return true;
}
