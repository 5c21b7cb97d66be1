/* SPDX-License-Identifier: Apache-2.0 */
#include "store/event.h"

#include "base/hash.h"
#include "base/time.h"
#include "store/event_chain.h"
#include "store/store_driver.h"

/* ---- hashes ---- */

static unsigned char *put64(unsigned char *p, uint64_t v)
{
    for (int i = 7; i >= 0; i--)
        *p++ = (unsigned char)(v >> (i * 8));
    return p;
}

static struct kh_str bytes(const unsigned char *p, size_t n)
{
    return kh_str((const char *)p, n);
}

void kh_event_payload(const struct kh_event_row *r, unsigned char out[32])
{
    const struct kh_str parts[] = {bytes(r->salt, sizeof(r->salt)), r->e.data};

    kh_sha256(parts, KH_LEN(parts), out);
}

void kh_event_link(const unsigned char before[32], const struct kh_event_row *r,
                   unsigned char out[32])
{
    const struct kh_event *e = &r->e;
    const struct kh_str texts[] = {e->kind, e->type, e->unit, e->actor, e->reason, e->basis};
    unsigned char fixed[32 + 8 * (6 + KH_LEN(texts)) + 3 * 32], *p = fixed;
    struct kh_str parts[1 + KH_LEN(texts)];

    memcpy(p, before, 32);
    p = put64(p + 32, (uint64_t)e->seq);
    p = put64(p, (uint64_t)e->at_us);
    p = put64(p, (uint64_t)e->subject);
    p = put64(p, (uint64_t)e->about);
    p = put64(p, (uint64_t)e->owner);
    p = put64(p, (uint64_t)e->level);
    memcpy(p, e->before, 32);
    memcpy(p + 32, e->after, 32);
    memcpy(p + 64, r->payload, 32);
    p += 96;
    for (size_t i = 0; i < KH_LEN(texts); i++) {
        p = put64(p, texts[i].n);
        parts[1 + i] = texts[i];
    }
    parts[0] = bytes(fixed, sizeof(fixed));
    kh_sha256(parts, KH_LEN(parts), out);
}

/* ---- append ---- */

/* Random bytes for salts, a page at a time: asking for each would cost as much as hashing. */
struct salts {
    size_t left;
    unsigned char room[4096];
};

static void take_salt(unsigned char out[KH_SALT_BYTES])
{
    static _Thread_local struct salts s;

    if (s.left < KH_SALT_BYTES) {
        kh_random(s.room, sizeof(s.room));
        s.left = sizeof(s.room);
    }
    s.left -= KH_SALT_BYTES;
    memcpy(out, s.room + s.left, KH_SALT_BYTES);
    memset(s.room + s.left, 0, KH_SALT_BYTES);
}

/* Keep a copy for the followers until the transaction is durable. */
static void keep(struct kh_store *st, const struct kh_event *e)
{
    struct kh_fresh *f = &st->fresh;
    struct kh_arena *a = f->a;
    struct kh_event *copy;

    if (!atomic_load_explicit(&st->followed, memory_order_acquire))
        return;
    if (f->n == f->cap) {
        f->cap = f->cap ? f->cap * 2 : 256;
        f->events = kh_store_grow(f->events, f->cap * sizeof(*f->events));
    }
    copy = &f->events[f->n++];
    *copy = *e;
    copy->kind = kh_str_dup(a, e->kind);
    copy->type = kh_str_dup(a, e->type);
    copy->unit = kh_str_dup(a, e->unit);
    copy->actor = kh_str_dup(a, e->actor);
    copy->reason = kh_str_dup(a, e->reason);
    copy->basis = kh_str_dup(a, e->basis);
    copy->data = kh_str_dup(a, e->data);
}

bool kh_event_append(struct kh_tx *tx, const struct kh_event *e, struct kh_error *err)
{
    struct kh_store *st = tx->st;
    struct kh_event_row r = {.e = *e};

    KH_REQUIRE(tx->mode == KH_TX_WRITE);
    if (r.e.at_us == 0)
        r.e.at_us = kh_now_us();
    take_salt(r.salt);
    kh_event_payload(&r, r.payload);
    tx->events = true;
    if (st->kind == KH_STORE_POSTGRES)
        return kh_event_sql_inbox(tx, &r, err);
    r.e.seq = st->working.seq + 1;
    kh_event_link(st->working.hash, &r, r.chain);
    if (!kh_event_sql_insert(tx, &r, err))
        return false;
    st->working.seq = r.e.seq;
    memcpy(st->working.hash, r.chain, sizeof(r.chain));
    keep(st, &r.e);
    return true;
}

bool kh_event_erase(struct kh_tx *tx, int64_t seq, const struct kh_event *why, struct kh_error *err)
{
    struct kh_event e = {.kind = KH_S("event.erase"),
                         .type = KH_S("event"),
                         .subject = seq,
                         .level = 1,
                         .actor = why->actor,
                         .reason = why->reason,
                         .basis = why->basis,
                         .data = KH_S("{}")};

    switch (kh_event_sql_erase(tx, seq, err)) {
    case KH_HIT:
        return kh_event_append(tx, &e, err);
    case KH_MISS:
        return kh_fail(err, KH_EC_EVENT_UNKNOWN, "seq=%lld", (long long)seq);
    case KH_FAIL:
        break;
    }
    return false;
}

/* ---- the head ---- */

struct kh_event_mark kh_event_mark(const struct kh_store *st)
{
    return (struct kh_event_mark){st->working, st->fresh.n};
}

void kh_event_back(struct kh_store *st, const struct kh_event_mark *mark)
{
    st->working = mark->chain;
    st->fresh.n = mark->fresh_n;
}

void kh_event_sealed(struct kh_store *st, int64_t seq)
{
    int64_t head = atomic_load_explicit(&st->head, memory_order_relaxed);

    if (seq == head)
        return;
    atomic_fetch_add_explicit(&st->events, seq - head, memory_order_relaxed);
    atomic_store_explicit(&st->head, seq, memory_order_release);
}

bool kh_event_load(struct kh_tx *tx, struct kh_error *err)
{
    struct kh_chain chain;

    if (!kh_event_sql_head(tx, &chain, err))
        return false;
    tx->st->working = chain;
    return true;
}

int64_t kh_event_head(struct kh_store *st)
{
    return atomic_load_explicit(&st->head, memory_order_acquire);
}

size_t kh_event_durable(struct kh_store *st, const struct kh_event *events, size_t n)
{
    int64_t head = kh_event_head(st);

    while (st->kind == KH_STORE_SQLITE && n > 0 && events[n - 1].seq > head)
        n--;
    return n;
}

void kh_event_settle(struct kh_store *st)
{
    if (st->driver->settle)
        st->driver->settle(st);
}

/* ---- reading ---- */

static void strip(struct kh_arena *a, const struct kh_event_row *rows, size_t n,
                  struct kh_event **ret_events)
{
    struct kh_event *events = kh_new_n(a, n, struct kh_event);

    for (size_t i = 0; i < n; i++)
        events[i] = rows[i].e;
    *ret_events = events;
}

bool kh_event_read(struct kh_tx *tx, struct kh_arena *a, int64_t after, size_t limit,
                   struct kh_event **ret_events, size_t *ret_n, struct kh_error *err)
{
    struct kh_event_row *rows;
    size_t n;

    if (!kh_event_sql_list(tx, a, after, limit, &rows, &n, err))
        return false;
    strip(a, rows, n, ret_events);
    *ret_n = n;
    return true;
}

bool kh_event_read_typed(struct kh_tx *tx, struct kh_arena *a, struct kh_str type, int64_t after,
                         size_t limit, struct kh_event **ret_events, size_t *ret_n, int64_t *ret_to,
                         struct kh_error *err)
{
    struct kh_chain head;

    if (!kh_event_sql_head(tx, &head, err))
        return false;
    *ret_to = head.seq < after + (int64_t)limit ? head.seq : after + (int64_t)limit;
    if (*ret_to < after)
        *ret_to = after;
    return kh_event_sql_typed(tx, a, type, after, *ret_to, ret_events, ret_n, err);
}

bool kh_event_of(struct kh_tx *tx, struct kh_arena *a, int64_t id, int64_t after, size_t limit,
                 struct kh_event **ret_events, size_t *ret_n, struct kh_error *err)
{
    struct kh_event_row *rows;
    size_t n;

    if (!kh_event_sql_of(tx, a, id, after, limit, &rows, &n, err))
        return false;
    strip(a, rows, n, ret_events);
    *ret_n = n;
    return true;
}

/* ---- following ---- */

bool kh_event_follow(struct kh_store *st, kh_event_fn fn, void *ctx, struct kh_error *err)
{
    (void)err;
    pthread_mutex_lock(&st->follow_lock);
    if (st->followers_n == st->followers_cap) {
        st->followers_cap = st->followers_cap ? st->followers_cap * 2 : 8;
        st->followers = kh_store_grow(st->followers, st->followers_cap * sizeof(*st->followers));
    }
    st->followers[st->followers_n++] = (struct kh_follower){fn, ctx};
    atomic_store_explicit(&st->followed, true, memory_order_release);
    pthread_mutex_unlock(&st->follow_lock);
    return true;
}

void kh_event_unfollow(struct kh_store *st, kh_event_fn fn, void *ctx)
{
    size_t n = 0;

    pthread_mutex_lock(&st->follow_lock);
    for (size_t i = 0; i < st->followers_n; i++)
        if (st->followers[i].fn != fn || st->followers[i].ctx != ctx)
            st->followers[n++] = st->followers[i];
    st->followers_n = n;
    atomic_store_explicit(&st->followed, n > 0, memory_order_release);
    pthread_mutex_unlock(&st->follow_lock);
}

void kh_event_tell(struct kh_store *st, const struct kh_event *events, size_t n, int64_t head)
{
    if (!atomic_load_explicit(&st->followed, memory_order_acquire))
        return;
    /* Held while telling, so that nobody is told after unfollow has returned. */
    pthread_mutex_lock(&st->follow_lock);
    for (size_t i = 0; i < st->followers_n; i++)
        st->followers[i].fn(st->followers[i].ctx, n ? events : NULL, n, head);
    pthread_mutex_unlock(&st->follow_lock);
}
