/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/identity/identity_int.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* A fixed table of sets of four entries, with a lock for every so many of them, so readers of
 * different tokens hardly ever meet, and memory is bounded. The oldest entry of a set makes room. */
enum { SETS = 4096, WAYS = 4, LOCKS = 64 };

struct entry {
    unsigned char key[KH_SHA256_BYTES];
    int64_t until_us;
    uint64_t generation;
    struct kh_arena *a; /* NULL: free */
    struct kh_who *who;
};

struct set {
    struct entry way[WAYS];
    unsigned next;
};

struct kh_who_cache {
    _Atomic uint64_t generation;
    pthread_mutex_t lock[LOCKS];
    struct set set[SETS];
};

struct kh_who_cache *kh_who_cache_new(void)
{
    struct kh_who_cache *c = kh_pages_new(sizeof(*c));

    for (size_t i = 0; i < LOCKS; i++)
        pthread_mutex_init(&c->lock[i], NULL);
    return c;
}

void kh_who_cache_drop(struct kh_who_cache *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < SETS; i++)
        for (size_t w = 0; w < WAYS; w++)
            kh_arena_drop(c->set[i].way[w].a);
    for (size_t i = 0; i < LOCKS; i++)
        pthread_mutex_destroy(&c->lock[i]);
    kh_pages_drop(c, sizeof(*c));
}

static struct kh_who *who_dup(struct kh_arena *a, const struct kh_who *w)
{
    struct kh_who *to = kh_new(a, struct kh_who);
    struct kh_grant *grants = kh_new_n(a, w->grants_n, struct kh_grant);

    *to = *w;
    to->name = kh_str_dup(a, w->name);
    to->username = kh_str_dup(a, w->username);
    to->actor = kh_str_dup(a, w->actor);
    to->unit = kh_str_dup(a, w->unit);
    to->purpose = kh_str_dup(a, w->purpose);
    for (size_t i = 0; i < w->grants_n; i++) {
        grants[i] = w->grants[i];
        grants[i].role = kh_str_dup(a, w->grants[i].role);
        grants[i].unit = kh_str_dup(a, w->grants[i].unit);
    }
    to->grants = grants;
    return to;
}

/* The key is a digest, so its own first bytes are as good as any hash of it. */
static struct set *set_of(struct kh_who_cache *c, const unsigned char *key)
{
    return &c->set[(key[0] | key[1] << 8) % SETS];
}

static pthread_mutex_t *lock_of(struct kh_who_cache *c, const struct set *s)
{
    return &c->lock[(s - c->set) % LOCKS];
}

bool kh_who_cache_get(struct kh_who_cache *c, const unsigned char key[KH_SHA256_BYTES],
                      int64_t now_us, struct kh_arena *a, const struct kh_who **ret_who)
{
    struct set *s = set_of(c, key);
    uint64_t generation = atomic_load(&c->generation);
    bool found = false;

    pthread_mutex_lock(lock_of(c, s));
    for (size_t w = 0; w < WAYS && !found; w++) {
        struct entry *e = &s->way[w];

        if (!e->a || e->generation != generation || e->until_us <= now_us ||
            memcmp(e->key, key, KH_SHA256_BYTES) != 0)
            continue;
        *ret_who = who_dup(a, e->who);
        found = true;
    }
    pthread_mutex_unlock(lock_of(c, s));
    return found;
}

uint64_t kh_who_cache_generation(struct kh_who_cache *c)
{
    return atomic_load(&c->generation);
}

void kh_who_cache_put(struct kh_who_cache *c, const unsigned char key[KH_SHA256_BYTES],
                      uint64_t generation, int64_t until_us, const struct kh_who *who)
{
    struct set *s = set_of(c, key);
    struct entry *e = NULL;

    pthread_mutex_lock(lock_of(c, s));
    for (size_t w = 0; w < WAYS && !e; w++)
        if (!s->way[w].a || memcmp(s->way[w].key, key, KH_SHA256_BYTES) == 0)
            e = &s->way[w];
    if (!e)
        e = &s->way[s->next++ % WAYS];
    kh_arena_drop(e->a);
    e->a = kh_arena_new(1 << 16);
    e->who = who_dup(e->a, who);
    memcpy(e->key, key, KH_SHA256_BYTES);
    e->generation = generation;
    e->until_us = until_us;
    pthread_mutex_unlock(lock_of(c, s));
}

void kh_who_cache_clear(struct kh_who_cache *c)
{
    atomic_fetch_add(&c->generation, 1);
}
