/* SPDX-License-Identifier: Apache-2.0 */
#include "api/workers.h"

#include "base/metrics.h"
#include "base/time.h"

#include <pthread.h>

struct job {
    void (*fn)(void *ctx);
    void *ctx;
};

struct kh_workers {
    struct kh_arena *a;
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct job *ring;
    unsigned max, head, n, threads_n;
    pthread_t *threads;
    bool stop;
};

static void *run(void *arg)
{
    struct kh_workers *w = arg;

    pthread_mutex_lock(&w->lock);
    for (;;) {
        struct job job;
        int64_t start;

        while (w->n == 0 && !w->stop)
            pthread_cond_wait(&w->work, &w->lock);
        if (w->n == 0)
            break;
        job = w->ring[w->head];
        w->head = (w->head + 1) % w->max;
        w->n--;
        pthread_mutex_unlock(&w->lock);
        kh_count(KH_M_WORKERS_QUEUE, -1);
        start = kh_mono_us();
        job.fn(job.ctx);
        kh_observe(KH_M_WORKERS_JOB, kh_mono_us() - start);
        pthread_mutex_lock(&w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

struct kh_workers *kh_workers_new(unsigned threads, unsigned queue_max)
{
    struct kh_arena *a = kh_arena_new(SIZE_MAX);
    struct kh_workers *w = kh_new(a, struct kh_workers);

    w->a = a;
    w->max = queue_max;
    w->ring = kh_new_n(a, queue_max, struct job);
    w->threads = kh_new_n(a, threads, pthread_t);
    KH_REQUIRE(pthread_mutex_init(&w->lock, NULL) == 0);
    KH_REQUIRE(pthread_cond_init(&w->work, NULL) == 0);
    for (; w->threads_n < threads; w->threads_n++)
        KH_REQUIRE(pthread_create(&w->threads[w->threads_n], NULL, run, w) == 0);
    return w;
}

void kh_workers_drop(struct kh_workers *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_broadcast(&w->work);
    pthread_mutex_unlock(&w->lock);
    for (unsigned i = 0; i < w->threads_n; i++)
        pthread_join(w->threads[i], NULL);
    pthread_cond_destroy(&w->work);
    pthread_mutex_destroy(&w->lock);
    kh_arena_drop(w->a);
}

bool kh_workers_add(struct kh_workers *w, void (*fn)(void *ctx), void *ctx, struct kh_error *err)
{
    bool taken = false;

    pthread_mutex_lock(&w->lock);
    if (w->n < w->max && !w->stop) {
        w->ring[(w->head + w->n++) % w->max] = (struct job){fn, ctx};
        pthread_cond_signal(&w->work);
        taken = true;
    }
    pthread_mutex_unlock(&w->lock);
    if (taken)
        kh_count(KH_M_WORKERS_QUEUE, 1);
    return taken || kh_fail(err, KH_EC_OVERLOADED, "%u jobs wait for a worker", w->max);
}
