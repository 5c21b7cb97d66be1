/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/identity/identity_int.h"

#include <pthread.h>
#include <stdlib.h>

/* A small table keyed by a seeded hash. Two names that fall together wait together: rare, and the
 * safe side. An attacker cannot choose collisions without the seed. */
enum { SLOTS = 16384 };

struct slot {
    uint64_t hash;
    int64_t wait_until_us, last_us;
    unsigned failed;
};

struct kh_throttle {
    pthread_mutex_t lock;
    uint64_t seed;
    unsigned tries;
    int64_t wait_us;
    struct slot slot[SLOTS];
};

struct kh_throttle *kh_throttle_new(unsigned tries, int64_t wait_us)
{
    struct kh_throttle *t = kh_pages_new(sizeof(*t));

    pthread_mutex_init(&t->lock, NULL);
    kh_random(&t->seed, sizeof(t->seed));
    t->tries = tries;
    t->wait_us = wait_us;
    return t;
}

void kh_throttle_drop(struct kh_throttle *t)
{
    if (!t)
        return;
    pthread_mutex_destroy(&t->lock);
    kh_pages_drop(t, sizeof(*t));
}

/* The slot of a key; a stale or foreign one is taken over when `make` says so. */
static struct slot *slot_of(struct kh_throttle *t, struct kh_str key, bool make)
{
    uint64_t h = kh_hash64(key, t->seed);
    struct slot *s = &t->slot[h % SLOTS];

    if (s->hash == h)
        return s;
    if (!make)
        return NULL;
    *s = (struct slot){.hash = h};
    return s;
}

int64_t kh_throttle_wait(struct kh_throttle *t, struct kh_str key, int64_t now_us)
{
    struct slot *s;
    int64_t wait = 0;

    pthread_mutex_lock(&t->lock);
    s = slot_of(t, key, false);
    if (s && s->wait_until_us > now_us)
        wait = s->wait_until_us - now_us;
    pthread_mutex_unlock(&t->lock);
    return wait;
}

void kh_throttle_failed(struct kh_throttle *t, struct kh_str key, int64_t now_us)
{
    struct slot *s;

    pthread_mutex_lock(&t->lock);
    s = slot_of(t, key, true);
    /* An hour of peace forgets. */
    if (now_us - s->last_us > 3600 * (int64_t)1000000)
        s->failed = 0;
    s->last_us = now_us;
    if (++s->failed >= t->tries) {
        unsigned doubled = s->failed - t->tries;

        s->wait_until_us = now_us + (t->wait_us << (doubled > 6 ? 6 : doubled));
    }
    pthread_mutex_unlock(&t->lock);
}

void kh_throttle_passed(struct kh_throttle *t, struct kh_str key)
{
    struct slot *s;

    pthread_mutex_lock(&t->lock);
    s = slot_of(t, key, false);
    if (s)
        *s = (struct slot){0};
    pthread_mutex_unlock(&t->lock);
}
