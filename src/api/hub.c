/* SPDX-License-Identifier: Apache-2.0 */
#include "api/hub.h"

#include "api/city.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/time.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* BEHIND_MAX: a reader that comes back is helped from the store if it missed no more than this.
 * LIFE: then the client connects again and is asked anew who it is. */
enum { LOAD_MAX = 512, LOOK_MAX = 256, BEHIND_MAX = 1000, TEXT_MAX = 1 << 20 };
#define HEARTBEAT_US (15 * KH_US_S)
#define LIFE_US      (15 * KH_US_MIN)

/* An event in memory: its columns, and its text for those outside and inside. */
struct item {
    struct kh_arena *a;
    struct kh_event e;
    struct kh_str text[2];
    unsigned refs; /* under lock */
};

struct reader {
    struct kh_stream stream;
    struct kh_hub *hub;
    struct reader *next, **at;
    struct kh_sight sight;
    int64_t seen; /* seq of the last event that was looked at */
    int64_t opened_us;
    _Atomic(int64_t) wrote_us;
    struct item *now; /* being written, with a reference */
    struct kh_str rest;
    bool woken; /* under lock: told that there is something */
    char small[96];
};

struct kh_hub {
    struct kh_store *store;
    pthread_mutex_t lock;
    pthread_cond_t news;
    pthread_t thread;
    struct item **ring; /* by seq, oldest at first */
    size_t cap, first, n;
    int64_t head;                   /* newest seq known */
    int64_t loaded;                 /* newest seq in the ring, or that the ring starts after */
    int64_t heads[KH_HUB_RECENT_S]; /* the head at each second of the last minute */
    int64_t second;                 /* that was noted last */
    struct reader *readers;
    _Atomic(int64_t) heartbeat_us, life_us;
    bool stop;
};

/* ---- the ring ---- */

static void item_release(struct item *it)
{
    if (--it->refs == 0)
        kh_arena_drop(it->a);
}

static struct item *at(const struct kh_hub *h, size_t i)
{
    return h->ring[(h->first + i) % h->cap];
}

static struct kh_str frame(struct kh_arena *a, const struct kh_event *e, bool inside)
{
    struct kh_buf b = kh_buf(a, TEXT_MAX);

    kh_buf_strf(&b, "id: %lld\ndata: ", (long long)e->seq);
    kh_event_render(&b, e, inside);
    kh_buf_z(&b, "\n\n");
    return b.full ? kh_str(NULL, 0) : kh_buf_get(&b);
}

static struct item *item_new(const struct kh_event *e)
{
    struct kh_arena *a = kh_arena_new(SIZE_MAX);
    struct item *it = kh_new(a, struct item);

    it->a = a;
    it->refs = 1;
    it->e = *e;
    it->e.kind = kh_str_dup(a, e->kind);
    it->e.type = kh_str_dup(a, e->type);
    it->e.unit = kh_str_dup(a, e->unit);
    it->e.actor = it->e.reason = it->e.basis = it->e.data = kh_str(NULL, 0);
    it->text[0] = frame(a, e, false);
    it->text[1] = frame(a, e, true);
    return it;
}

static void ring_add(struct kh_hub *h, struct item *it)
{
    if (h->n == h->cap) {
        item_release(at(h, 0));
        h->first = (h->first + 1) % h->cap;
        h->n--;
    }
    h->ring[(h->first + h->n++) % h->cap] = it;
    h->loaded = it->e.seq;
}

static void ring_clear(struct kh_hub *h)
{
    while (h->n) {
        item_release(at(h, --h->n));
    }
    h->loaded = h->head;
}

/* The first place in the ring whose seq is greater. */
static size_t ring_after(const struct kh_hub *h, int64_t seq)
{
    size_t lo = 0, hi = h->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (at(h, mid)->e.seq > seq)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

/* ---- following the log ---- */

struct load {
    struct kh_arena *a;
    int64_t after;
    struct kh_event *events;
    size_t n;
};

static bool load_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct load *l = ctx;

    if (!kh_event_read(tx, l->a, l->after, LOAD_MAX, &l->events, &l->n, err))
        return false;
    l->n = kh_event_durable(kh_tx_store(tx), l->events, l->n);
    return true;
}

static void wake(struct reader *r)
{
    if (r->woken)
        return;
    r->woken = true;
    r->stream.call->ops->stream_wake(r->stream.call);
}

static void wake_who_sees(struct kh_hub *h, size_t from, int64_t now)
{
    for (struct reader *r = h->readers; r; r = r->next)
        for (size_t i = from; i < h->n && !r->woken; i++)
            if (kh_sight_sees(&r->sight, &at(h, i)->e, now))
                wake(r);
}

/* Read what is new into the ring. Called with the lock, which is given up while reading. */
static bool load_more(struct kh_hub *h)
{
    struct kh_arena *a = kh_arena_new(SIZE_MAX);
    struct load l = {.a = a, .after = h->loaded};
    struct kh_error err = {0};
    size_t before;
    bool ok;

    pthread_mutex_unlock(&h->lock);
    ok = kh_store_run(h->store, "hub_load", KH_TX_READ, load_in_tx, &l, &err);
    if (!ok)
        kh_log_error("hub.load", &err);
    pthread_mutex_lock(&h->lock);
    for (size_t i = 0; ok && i < l.n; i++)
        ring_add(h, item_new(&l.events[i]));
    before = ok && l.n < h->n ? h->n - l.n : 0;
    if (ok && l.n)
        wake_who_sees(h, before, kh_now_us());
    ok = ok && l.n > 0;
    kh_arena_drop(a);
    return ok;
}

/* So that proxies and clients know that the line is alive, and we that the client is. */
static void wake_silent(struct kh_hub *h, int64_t now)
{
    for (struct reader *r = h->readers; r; r = r->next)
        if (now - r->wrote_us >= h->heartbeat_us)
            wake(r);
}

/* With the lock. Seconds that the thread slept through had the head of before. */
static void note_head(struct kh_hub *h, int64_t now_us)
{
    int64_t now = now_us / 1000000, before = h->heads[h->second % KH_HUB_RECENT_S];

    if (now - h->second > KH_HUB_RECENT_S)
        h->second = now - KH_HUB_RECENT_S;
    while (h->second < now)
        h->heads[++h->second % KH_HUB_RECENT_S] = before;
    h->heads[now % KH_HUB_RECENT_S] = before > h->head ? before : h->head;
}

int64_t kh_hub_ago(struct kh_hub *h, int64_t seconds)
{
    int64_t seq;

    KH_REQUIRE(seconds >= 0 && seconds < KH_HUB_RECENT_S - 1);
    pthread_mutex_lock(&h->lock);
    note_head(h, kh_mono_us());
    /* One second more: the head of a second is the last that was noted in it. */
    seq = h->heads[(h->second - seconds - 1) % KH_HUB_RECENT_S];
    pthread_mutex_unlock(&h->lock);
    return seq;
}

static void *follow(void *arg)
{
    struct kh_hub *h = arg;

    pthread_mutex_lock(&h->lock);
    while (!h->stop) {
        struct timespec until;

        wake_silent(h, kh_mono_us());
        note_head(h, kh_mono_us());
        if (!h->readers)
            ring_clear(h);
        else if (h->loaded < h->head && load_more(h))
            continue;
        if (h->stop)
            break;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec++;
        pthread_cond_timedwait(&h->news, &h->lock, &until);
    }
    ring_clear(h);
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

/* On a store thread: note it and go. */
static void head_moved(void *ctx, const struct kh_event *events, size_t n, int64_t head)
{
    struct kh_hub *h = ctx;

    (void)events;
    (void)n;
    pthread_mutex_lock(&h->lock);
    if (head > h->head)
        h->head = head;
    if (h->readers)
        pthread_cond_signal(&h->news);
    pthread_mutex_unlock(&h->lock);
}

bool kh_hub_open(struct kh_store *st, size_t ring, struct kh_hub **ret_hub, struct kh_error *err)
{
    struct kh_hub *h = calloc(1, sizeof(*h));
    pthread_condattr_t attr;

    KH_REQUIRE(h);
    h->store = st;
    h->cap = ring;
    h->heartbeat_us = HEARTBEAT_US;
    h->life_us = LIFE_US;
    h->ring = calloc(ring, sizeof(*h->ring));
    KH_REQUIRE(h->ring && pthread_mutex_init(&h->lock, NULL) == 0);
    KH_REQUIRE(pthread_condattr_init(&attr) == 0);
    KH_REQUIRE(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
    KH_REQUIRE(pthread_cond_init(&h->news, &attr) == 0);
    pthread_condattr_destroy(&attr);
    h->second = kh_mono_us() / 1000000;
    if (st) {
        h->head = h->loaded = kh_event_head(st);
        for (size_t i = 0; i < KH_HUB_RECENT_S; i++)
            h->heads[i] = h->head;
        if (!kh_event_follow(st, head_moved, h, err)) {
            free(h->ring);
            free(h);
            return false;
        }
    }
    KH_REQUIRE(pthread_create(&h->thread, NULL, follow, h) == 0);
    *ret_hub = h;
    return true;
}

void kh_hub_pace(struct kh_hub *h, int64_t heartbeat_us, int64_t life_us)
{
    h->heartbeat_us = heartbeat_us;
    h->life_us = life_us;
}

void kh_hub_close(struct kh_hub *h)
{
    if (!h)
        return;
    if (h->store)
        kh_event_unfollow(h->store, head_moved, h);
    pthread_mutex_lock(&h->lock);
    KH_REQUIRE(!h->readers);
    h->stop = true;
    pthread_cond_signal(&h->news);
    pthread_mutex_unlock(&h->lock);
    pthread_join(h->thread, NULL);
    pthread_cond_destroy(&h->news);
    pthread_mutex_destroy(&h->lock);
    free(h->ring);
    free(h);
}

/* ---- readers ---- */

/* Find the next event for a reader, at most LOOK_MAX further on. With the lock.
 * @return false if the reader is at the end */
static bool step(struct kh_hub *h, struct reader *r, int64_t now)
{
    size_t i = ring_after(h, r->seen);

    for (size_t looked = 0; i < h->n && looked < LOOK_MAX; i++, looked++) {
        struct item *it = at(h, i);
        bool inside;

        r->seen = it->e.seq;
        if (!kh_sight_sees(&r->sight, &it->e, now))
            continue;
        inside = kh_sight_inside(&r->sight, &it->e, now);
        if (!it->text[inside].n)
            continue;
        it->refs++;
        r->now = it;
        r->rest = it->text[inside];
        return true;
    }
    return i < h->n;
}

/* With the lock: events that the reader has not seen are no longer in the ring. */
static bool fell_behind(const struct kh_hub *h, const struct reader *r)
{
    int64_t oldest = h->n ? at(h, 0)->e.seq - 1 : h->loaded;

    return r->seen < oldest;
}

static void say_resync(struct reader *r)
{
    int n = snprintf(r->small, sizeof(r->small),
                     "event: resync\ndata: {\"kind\":\"resync\",\"head\":%lld}\n\n",
                     (long long)r->seen);

    r->rest = kh_str(r->small, (size_t)n);
    kh_count(KH_M_STREAM_RESYNC, 1);
}

/* Choose what comes next into r->rest. @return false if there is nothing */
static bool choose(struct reader *r)
{
    struct kh_hub *h = r->hub;
    int64_t now = kh_now_us();
    bool more = true;

    pthread_mutex_lock(&h->lock);
    r->woken = false;
    if (fell_behind(h, r)) {
        r->seen = h->loaded;
        say_resync(r);
    } else {
        while (more && !r->now)
            more = step(h, r, now);
        if (r->now)
            kh_count(KH_M_STREAM_EVENTS, 1);
    }
    pthread_mutex_unlock(&h->lock);
    if (r->rest.n == 0 && kh_mono_us() - r->wrote_us >= h->heartbeat_us) {
        r->wrote_us = kh_mono_us(); /* one is enough */
        r->rest = KH_S(":\n\n");
    }
    return r->rest.n > 0;
}

static void item_done(struct reader *r)
{
    pthread_mutex_lock(&r->hub->lock);
    item_release(r->now);
    r->now = NULL;
    pthread_mutex_unlock(&r->hub->lock);
}

static size_t reader_read(struct kh_stream *s, char *out, size_t room)
{
    struct reader *r = (struct reader *)s;
    size_t n = 0;

    if (r->rest.n == 0 && kh_mono_us() - r->opened_us > r->hub->life_us)
        return KH_STREAM_END;
    while (n < room && (r->rest.n || choose(r))) {
        size_t part = r->rest.n < room - n ? r->rest.n : room - n;

        memcpy(out + n, r->rest.p, part);
        n += part;
        r->rest = kh_str_skip(r->rest, part);
        if (r->rest.n == 0 && r->now)
            item_done(r);
    }
    if (n)
        r->wrote_us = kh_mono_us();
    return n ? n : KH_STREAM_IDLE;
}

static void reader_close(struct kh_stream *s)
{
    struct reader *r = (struct reader *)s;
    struct kh_hub *h = r->hub;

    pthread_mutex_lock(&h->lock);
    if (r->at) {
        *r->at = r->next;
        if (r->next)
            r->next->at = r->at;
    }
    if (r->now)
        item_release(r->now);
    r->now = NULL;
    pthread_mutex_unlock(&h->lock);
}

/* What a client that comes back has missed, read from the store into the call's arena. */
static bool catch_up(struct reader *r, struct kh_call *c, int64_t upto)
{
    struct load l = {.a = c->a, .after = r->seen};
    struct kh_buf b = kh_buf(c->a, (size_t)1 << 22);
    struct kh_error err = {0};
    int64_t now = kh_now_us();

    kh_buf_str(&b, r->rest);
    while (l.after < upto) {
        if (!kh_store_run(r->hub->store, "hub_catch_up", KH_TX_READ, load_in_tx, &l, &err))
            return false;
        for (size_t i = 0; i < l.n; i++)
            if (l.events[i].seq <= upto && kh_sight_sees(&r->sight, &l.events[i], now))
                kh_buf_str(
                    &b, frame(c->a, &l.events[i], kh_sight_inside(&r->sight, &l.events[i], now)));
        if (l.n == 0 || b.full || kh_arena_over(c->a))
            break;
        l.after = l.events[l.n - 1].seq;
    }
    if (l.after < upto || b.full)
        return false;
    r->rest = kh_buf_get(&b);
    return true;
}

/* A client may know more than we have heard of yet (another server process sealed it), or what never
 * was (a restored database). */
static bool knows_the_future(struct reader *r, struct kh_call *c)
{
    struct load l = {.a = c->a, .after = r->seen - 1};
    struct kh_error err = {0};

    return kh_store_run(r->hub->store, "hub_future", KH_TX_READ, load_in_tx, &l, &err) && l.n > 0 &&
           l.events[0].seq == r->seen;
}

static void reader_add(struct kh_hub *h, struct reader *r)
{
    if (!h->readers)
        ring_clear(h);
    r->next = h->readers;
    r->at = &h->readers;
    if (r->next)
        r->next->at = &r->next;
    h->readers = r;
    r->woken = true; /* it reads anyway */
}

struct kh_stream *kh_hub_stream(struct kh_hub *h, struct kh_call *c, const struct kh_sight *sight,
                                int64_t after)
{
    struct reader *r = kh_new(c->a, struct reader);
    int64_t loaded, head = h->store ? kh_event_head(h->store) : 0;
    bool behind;

    r->stream = (struct kh_stream){.read = reader_read, .close = reader_close, .call = c};
    r->hub = h;
    r->sight = *sight;
    r->opened_us = kh_mono_us();
    r->wrote_us = r->opened_us;
    r->rest = KH_S("retry: 3000\n\n");
    pthread_mutex_lock(&h->lock);
    if (head > h->head)
        h->head = head;
    reader_add(h, r);
    loaded = h->loaded;
    r->seen = after < 0 ? loaded : after;
    behind = fell_behind(h, r) && loaded - r->seen <= BEHIND_MAX;
    pthread_mutex_unlock(&h->lock);
    if (behind && catch_up(r, c, loaded)) {
        r->seen = loaded;
    } else if (r->seen > loaded && (!h->store || !knows_the_future(r, c))) {
        r->seen = loaded;
        say_resync(r);
    }
    return &r->stream;
}
