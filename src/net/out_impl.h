/* SPDX-License-Identifier: Apache-2.0 */
/** net/out_impl -- what out.c and mail.c share. */
#ifndef KH_NET_OUT_IMPL_H
#define KH_NET_OUT_IMPL_H

#include "net/out.h"

#include <curl/curl.h>
#include <pthread.h>

enum { OUT_KEPT = 8 };

struct kh_out {
    const struct kh_config *config;
    pthread_mutex_t lock;
    CURL *kept[OUT_KEPT];
    unsigned kept_n;
};

CURL *kh_out_take(struct kh_out *o);
void kh_out_give(struct kh_out *o, CURL *c);

#endif
