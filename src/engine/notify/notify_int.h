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

struct kh_notify {
    struct kh_store *store;
    struct kh_notify_config config;
    struct kh_transport transport;
    struct kh_push_pair *pair;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool running, stop;
    atomic_bool queued;
};

#endif
