/* SPDX-License-Identifier: Apache-2.0 */
/**
 * notify_int -- what the files of notify/ share among themselves.
 */
#ifndef KH_NOTIFY_INT_H
#define KH_NOTIFY_INT_H

#include "engine/notify/notify.h"
#include "engine/notify/push.h"
#include "store/notify/notice_sql.h"

#include <pthread.h>
#include <stdatomic.h>

/* Who delivers on one channel: a mail server that is slow holds up no SMS. */
struct kh_courier {
    struct kh_notify *nt;
    const char *channel;
    pthread_t thread;
    bool running;
    bool queued; /* there may be something due; under the lock */
};

enum { KH_COURIERS = 3 };

struct kh_notify {
    struct kh_store *store;
    struct kh_notify_config config;
    struct kh_transport transport;
    struct kh_push_pair *pair;
    struct kh_courier couriers[KH_COURIERS];
    pthread_mutex_t lock;
    pthread_cond_t wake;
    atomic_bool stop;
};

/* Something is queued on a channel in this transaction: its courier looks after the commit. */
void kh_courier_call(struct kh_tx *tx, struct kh_notify *nt, const char *channel);
/* Stop the couriers and wait until what is under way is over. */
void kh_couriers_stop(struct kh_notify *nt);

#endif
