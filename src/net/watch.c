/* SPDX-License-Identifier: Apache-2.0 */
/* Connections and their deadlines. libmicrohttpd's own time-out sees inactivity only: a client that
 * sends one byte a second would hold its connection for ever. */
#include "net/net_impl.h"

#include "base/hash.h"
#include "base/metrics.h"
#include "base/time.h"
#include "store/store.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum { TICK_MS = 500 };

void kh_peer_deadline(struct peer *p, int64_t now_us, int64_t s, uint64_t bytes)
{
    int64_t extra = 0;

    if (bytes && bytes != UINT64_MAX)
        extra = (int64_t)((double)bytes / (double)p->net->config->http_body_rate * 1e6);
    atomic_store_explicit(&p->deadline_us, s ? now_us + s * KH_US_S + extra : 0,
                          memory_order_relaxed);
}

static void peer_open(struct kh_net *net, struct MHD_Connection *conn, void **ctx)
{
    const union MHD_ConnectionInfo *fd =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
    const union MHD_ConnectionInfo *sa =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct peer *p = calloc(1, sizeof(*p));

    KH_REQUIRE(p);
    p->net = net;
    p->fd = fd ? fd->connect_fd : -1;
    if (sa && sa->client_addr && kh_addr_of(sa->client_addr, &p->addr))
        p->text_n = (unsigned char)kh_addr_put(&p->addr, p->text);
    p->loopback = kh_addr_is_loopback(&p->addr);
    p->rate_key = kh_hash64(kh_addr_key(&p->addr), net->seed);
    /* Silence is closed by libmicrohttpd after http_idle_s; this ends a first line that trickles. */
    kh_peer_deadline(p, kh_mono_us(), net->config->http_idle_s + net->config->http_header_s, 0);
    pthread_mutex_lock(&net->peers_lock);
    p->next = net->peers;
    p->at = &net->peers;
    if (p->next)
        p->next->at = &p->next;
    net->peers = p;
    pthread_mutex_unlock(&net->peers_lock);
    kh_count(KH_M_HTTP_CONNECTIONS, 1);
    *ctx = p;
}

static void peer_close(struct peer *p)
{
    struct kh_net *net = p->net;

    pthread_mutex_lock(&net->peers_lock);
    *p->at = p->next;
    if (p->next)
        p->next->at = p->at;
    pthread_mutex_unlock(&net->peers_lock);
    kh_count(KH_M_HTTP_CONNECTIONS, -1);
    free(p);
}

void kh_peer_notify(void *cls, struct MHD_Connection *conn, void **ctx,
                    enum MHD_ConnectionNotificationCode code)
{
    switch (code) {
    case MHD_CONNECTION_NOTIFY_STARTED:
        peer_open(cls, conn, ctx);
        break;
    case MHD_CONNECTION_NOTIFY_CLOSED:
        if (*ctx)
            peer_close(*ctx);
        *ctx = NULL;
        break;
    }
}

/* The socket is closed by its serving thread, after the peer has left the list: under the lock the
 * descriptor is surely still this connection's. */
static void close_late(struct kh_net *net, int64_t now)
{
    for (struct peer *p = net->peers; p; p = p->next) {
        int64_t deadline = atomic_load_explicit(&p->deadline_us, memory_order_relaxed);

        if (deadline == 0 || now < deadline)
            continue;
        atomic_store_explicit(&p->deadline_us, 0, memory_order_relaxed);
        shutdown(p->fd, SHUT_RDWR);
        kh_count(KH_M_HTTP_DEADLINE, 1);
    }
}

/* Ticks without a call after which the city gives back the memory that calls have used; and again
 * after twice as many, and so on, since threads of its own may have worked on (figures, the log). */
enum { REST_TICKS = 5000 / TICK_MS };

struct rest {
    int64_t seen;         /* calls begun */
    int64_t quiet, until; /* ticks since then, and how many to rest after */
};

static void rest(struct kh_net *net, struct rest *r)
{
    int64_t begun = atomic_load_explicit(&net->begun, memory_order_relaxed);

    if (begun != r->seen) {
        *r = (struct rest){.seen = begun, .until = REST_TICKS};
        return;
    }
    if (++r->quiet <= r->until)
        return;
    r->until *= 2;
    pthread_mutex_unlock(&net->peers_lock);
    if (net->city->store)
        kh_store_rest(net->city->store);
    kh_memory_rest();
    pthread_mutex_lock(&net->peers_lock);
}

static void *watch(void *arg)
{
    struct kh_net *net = arg;
    struct rest r = {.until = REST_TICKS};

    pthread_mutex_lock(&net->peers_lock);
    while (!atomic_load(&net->watched_out)) {
        struct timespec at;

        clock_gettime(CLOCK_MONOTONIC, &at);
        at.tv_nsec += TICK_MS * 1000000L;
        at.tv_sec += at.tv_nsec / 1000000000;
        at.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&net->watchdog_wake, &net->peers_lock, &at);
        close_late(net, kh_mono_us());
        rest(net, &r);
    }
    pthread_mutex_unlock(&net->peers_lock);
    return NULL;
}

void kh_watch_start(struct kh_net *net)
{
    pthread_condattr_t attr;

    KH_REQUIRE(pthread_condattr_init(&attr) == 0);
    KH_REQUIRE(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
    KH_REQUIRE(pthread_mutex_init(&net->peers_lock, NULL) == 0);
    KH_REQUIRE(pthread_cond_init(&net->watchdog_wake, &attr) == 0);
    pthread_condattr_destroy(&attr);
    KH_REQUIRE(pthread_create(&net->watchdog, NULL, watch, net) == 0);
}

void kh_watch_stop(struct kh_net *net)
{
    pthread_mutex_lock(&net->peers_lock);
    atomic_store(&net->watched_out, true);
    pthread_cond_broadcast(&net->watchdog_wake);
    pthread_mutex_unlock(&net->peers_lock);
    pthread_join(net->watchdog, NULL);
}
