/* SPDX-License-Identifier: Apache-2.0 */
/**
 * identity_int -- what the files of identity/ share among themselves.
 */
#ifndef KH_IDENTITY_INT_H
#define KH_IDENTITY_INT_H

#include "base/hash.h"
#include "engine/identity/identity.h"
#include "store/event.h"

struct kh_identity {
    struct kh_store *store;
    struct kh_identity_config config;
    struct kh_who_cache *cache;
    struct kh_throttle *throttle;
};

/** Who holds a token: tokens' hashes to finished kh_who, for a minute at most. */
struct kh_who_cache *kh_who_cache_new(void);
void kh_who_cache_drop(struct kh_who_cache *c);
/** @return true and a copy in the arena if the cache knows */
bool kh_who_cache_get(struct kh_who_cache *c, const unsigned char key[KH_SHA256_BYTES],
                      int64_t now_us, struct kh_arena *a, const struct kh_who **ret_who);
/** The generation to read before looking into the database, and to give to put: what was read
 *  before a change never gets into the cache after it. */
uint64_t kh_who_cache_generation(struct kh_who_cache *c);
void kh_who_cache_put(struct kh_who_cache *c, const unsigned char key[KH_SHA256_BYTES],
                      uint64_t generation, int64_t until_us, const struct kh_who *who);
/** Forget everything: something about accounts or grants changed. */
void kh_who_cache_clear(struct kh_who_cache *c);

/** Wrong passwords by name and by address; bounded memory. */
struct kh_throttle *kh_throttle_new(unsigned tries, int64_t wait_us);
void kh_throttle_drop(struct kh_throttle *t);
/** @return 0 if it may try now, else microseconds to wait */
int64_t kh_throttle_wait(struct kh_throttle *t, struct kh_str key, int64_t now_us);
void kh_throttle_failed(struct kh_throttle *t, struct kh_str key, int64_t now_us);
void kh_throttle_passed(struct kh_throttle *t, struct kh_str key);

/** Append the event of a change and clear the cache once it is durable.
 *  @param data JSON object without personal data */
KH_CHECK
bool kh_identity_changed(struct kh_tx *tx, struct kh_identity *id, const char *kind,
                         const char *type, int64_t subject, int64_t owner, struct kh_str unit,
                         const struct kh_who *who, struct kh_str reason, struct kh_str data,
                         struct kh_error *err);

#endif
