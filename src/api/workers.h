/* SPDX-License-Identifier: Apache-2.0 */
/**
 * api/workers -- a few threads for work that blocks.
 *
 * Owns   its threads and a bounded queue.
 * Used   by kh_call_offload.
 * Never  drops a job that it has taken.
 */
#ifndef KH_API_WORKERS_H
#define KH_API_WORKERS_H

#include "base/kh.h"

struct kh_workers;

struct kh_workers *kh_workers_new(unsigned threads, unsigned queue_max);
/** Run what is queued, then end. Accepts NULL. */
void kh_workers_drop(struct kh_workers *w);
/** Queue fn(ctx). @param err OVERLOADED (503) if the queue is full */
KH_CHECK
bool kh_workers_add(struct kh_workers *w, void (*fn)(void *ctx), void *ctx, struct kh_error *err);

#endif
