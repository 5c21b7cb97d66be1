/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rate.h"

#include "base/arena.h"
#include "base/kh.h"

#include <pthread.h>

enum { SETS = 8192, WAYS = 4, LOCKS = 64 };

/* A bucket is kept as the instant at which it will be full again: nothing has to tick. */
struct bucket {
    uint64_t key;
    int64_t full_us;
};

struct kh_rate {
    pthread_mutex_t locks[LOCKS];
    struct bucket set[SETS][WAYS];
};

struct kh_rate *kh_rate_new(void)
{
    struct kh_rate *r = kh_pages_new(sizeof(*r));

    for (size_t i = 0; i < LOCKS; i++)
        KH_REQUIRE(pthread_mutex_init(&r->locks[i], NULL) == 0);
    return r;
}

void kh_rate_drop(struct kh_rate *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < LOCKS; i++)
        pthread_mutex_destroy(&r->locks[i]);
    kh_pages_drop(r, sizeof(*r));
}

static struct bucket *bucket_of(struct bucket set[WAYS], uint64_t key)
{
    struct bucket *fullest = &set[0];

    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].key == key)
            return &set[i];
        if (set[i].full_us < fullest->full_us)
            fullest = &set[i];
    }
    *fullest = (struct bucket){.key = key};
    return fullest;
}

bool kh_rate_take(struct kh_rate *r, uint64_t key, int64_t now_us, int64_t per_s, int64_t burst,
                  int64_t *ret_wait_us)
{
    size_t set = (size_t)(key % SETS);
    int64_t token_us = 1000000 / per_s > 0 ? 1000000 / per_s : 1, wait;
    struct bucket *b;

    pthread_mutex_lock(&r->locks[set % LOCKS]);
    b = bucket_of(r->set[set], key);
    if (b->full_us < now_us)
        b->full_us = now_us;
    wait = b->full_us + token_us - now_us - burst * token_us;
    if (wait <= 0)
        b->full_us += token_us;
    pthread_mutex_unlock(&r->locks[set % LOCKS]);
    if (wait > 0)
        *ret_wait_us = wait;
    return wait <= 0;
}
