/* SPDX-License-Identifier: Apache-2.0 */
/**
 * notify/push -- web push: encryption of a message and proof of who sends it.
 *
 * Source RFC 8291 (message encryption), RFC 8188 (aes128gcm), RFC 8292 (VAPID).
 */
#ifndef KH_NOTIFY_PUSH_H
#define KH_NOTIFY_PUSH_H

#include "base/kh.h"

enum { KH_PUSH_POINT = 65, KH_PUSH_AUTH = 16 };

/** A key pair on P-256. */
struct kh_push_pair;

/** Make one, or read one from PEM; NULL if the PEM is none. */
struct kh_push_pair *kh_push_pair_new(void);
struct kh_push_pair *kh_push_pair_read(struct kh_str pem);
void kh_push_pair_drop(struct kh_push_pair *p);
/** The private key as PEM text. */
struct kh_str kh_push_pair_pem(const struct kh_push_pair *p, struct kh_arena *a);
/** The public point, 65 bytes, uncompressed. */
struct kh_str kh_push_pair_point(const struct kh_push_pair *p, struct kh_arena *a);

/**
 * Encrypt text for one browser.
 *
 * @param point, auth  its subscription: 65 and 16 bytes
 * @param ephemeral    a fresh pair for this message
 * @param salt         16 fresh random bytes
 * @param err          NOTIFY_INVALID (422) if the point is none of the curve
 */
KH_CHECK
bool kh_push_encrypt(struct kh_arena *a, struct kh_str text, struct kh_str point,
                     struct kh_str auth, const struct kh_push_pair *ephemeral,
                     const unsigned char salt[16], struct kh_str *ret_body, struct kh_error *err);

/** The value of the Authorization header for a push service. @param origin "https://host" */
KH_CHECK
bool kh_push_authorization(struct kh_arena *a, const struct kh_push_pair *server,
                           struct kh_str origin, struct kh_str subject, int64_t now_us,
                           struct kh_str *ret_value, struct kh_error *err);

#endif
