/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base/rate -- token buckets for very many keys in a table of fixed size.
 *
 * A key falls into a set of four buckets; if none is its own it takes over the fullest one, which
 * belongs to whoever was quiet longest. So memory is bounded, a flood of made-up keys cannot push
 * out a key that is being limited, and a stranger is at worst treated as new.
 *
 * Owns   its table.
 * Used   by net (per address) and api (per account).
 * Never  asks the clock: the caller gives the time, so tests need no sleep.
 */
#ifndef KH_BASE_RATE_H
#define KH_BASE_RATE_H

#include "base/kh.h"

struct kh_rate;

struct kh_rate *kh_rate_new(void);
void kh_rate_drop(struct kh_rate *r);

/**
 * Take one token of a key. Thread-safe.
 *
 * @param key       hash of the key, seeded
 * @param now_us    any clock that does not go back
 * @param per_s     tokens that come back per second, > 0
 * @param burst     tokens of a full bucket, > 0
 * @param ret_wait_us how long until there is one; set only if there is none
 * @return true if there was one
 */
KH_CHECK
bool kh_rate_take(struct kh_rate *r, uint64_t key, int64_t now_us, int64_t per_s, int64_t burst,
                  int64_t *ret_wait_us);

#endif
