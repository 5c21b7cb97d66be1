/* SPDX-License-Identifier: Apache-2.0 */
/* Live streams: the serving thread reads from the stream when the client can take bytes, and
 * suspends the connection while there are none. */
#include "net/net_impl.h"

#include "base/metrics.h"

#include <stdatomic.h>

enum { BLOCK = 1024 };

static void awake(struct exchange *x)
{
    if (x->live.asleep)
        atomic_fetch_sub(&x->net->asleep, 1);
    x->live.asleep = false;
}

/* Nothing to read: give the connection up until kh_live_wake. Either that sees us sleeping, or we
 * see its signal. */
static void fall_asleep(struct exchange *x)
{
    int running = LIVE_RUNNING;

    x->live.asleep = true;
    atomic_fetch_add(&x->net->asleep, 1);
    MHD_suspend_connection(x->conn);
    if (!atomic_compare_exchange_strong(&x->live.state, &running, LIVE_SLEEPING))
        MHD_resume_connection(x->conn);
    else if (atomic_load(&x->net->stopping))
        kh_live_wake(&x->call);
}

static ssize_t on_read(void *cls, uint64_t pos, char *out, size_t room)
{
    struct exchange *x = cls;
    size_t n;

    (void)pos;
    kh_net_woken(x->home);
    awake(x);
    if (atomic_load(&x->net->stopping))
        return MHD_CONTENT_READER_END_OF_STREAM;
    atomic_store(&x->live.state, LIVE_RUNNING);
    n = x->live.s->read(x->live.s, out, room);
    if (n == KH_STREAM_END)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (n == KH_STREAM_IDLE)
        fall_asleep(x);
    return (ssize_t)n;
}

void kh_live_wake(struct kh_call *c)
{
    struct exchange *x = (struct exchange *)c;

    if (atomic_exchange(&x->live.state, LIVE_SIGNALED) == LIVE_SLEEPING)
        kh_net_wake(x);
}

struct MHD_Response *kh_live_response(struct exchange *x)
{
    struct kh_net *net = x->net;
    struct live *l = &x->live;

    l->s = x->call.reply.stream;
    l->asleep = false;
    atomic_store(&l->state, LIVE_RUNNING);
    pthread_mutex_lock(&net->lives_lock);
    l->next = net->lives;
    l->at = &net->lives;
    if (l->next)
        l->next->live.at = &l->next;
    net->lives = x;
    pthread_mutex_unlock(&net->lives_lock);
    kh_net_owe(x);
    kh_count(KH_M_STREAMS, 1);
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, on_read, x, NULL);
}

void kh_live_close(struct exchange *x)
{
    struct kh_net *net = x->net;
    struct live *l = &x->live;

    if (!l->s)
        return;
    l->s->close(l->s);
    l->s = NULL;
    awake(x);
    pthread_mutex_lock(&net->lives_lock);
    *l->at = l->next;
    if (l->next)
        l->next->live.at = l->at;
    pthread_mutex_unlock(&net->lives_lock);
    kh_count(KH_M_STREAMS, -1);
}

void kh_live_stop(struct kh_net *net)
{
    pthread_mutex_lock(&net->lives_lock);
    for (struct exchange *x = net->lives; x; x = x->live.next)
        kh_live_wake(&x->call);
    pthread_mutex_unlock(&net->lives_lock);
}
