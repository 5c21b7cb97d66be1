/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base/hash -- digests, random bytes and a fast hash for tables in memory.
 *
 * Owns   nothing. Source: FIPS 180-4 (SHA-256), through OpenSSL.
 * Used   by store/event, files, identity.
 * Never  uses the fast hash where an attacker gains from a collision, except seeded.
 */
#ifndef KH_BASE_HASH_H
#define KH_BASE_HASH_H

#include "base/kh.h"

enum { KH_SHA256_BYTES = 32 };

/** SHA-256 over the parts, one after the other. */
void kh_sha256(const struct kh_str *parts, size_t n, unsigned char out[KH_SHA256_BYTES]);
static inline void kh_sha256_one(struct kh_str s, unsigned char out[KH_SHA256_BYTES])
{
    kh_sha256(&s, 1, out);
}

/** HMAC-SHA-256 (RFC 2104). */
void kh_hmac(struct kh_str key, struct kh_str text, unsigned char out[KH_SHA256_BYTES]);

/** Incremental SHA-256, for files. */
struct kh_sha256_ctx;
struct kh_sha256_ctx *kh_sha256_new(void);
void kh_sha256_add(struct kh_sha256_ctx *c, struct kh_str s);
/** Finish and free; out may be NULL to only free. */
void kh_sha256_end(struct kh_sha256_ctx *c, unsigned char *out);

/** Random bytes from the system; failure ends the process. */
void kh_random(void *out, size_t n);

/** Seeded 64-bit hash for tables in memory (not for anything that is stored). */
uint64_t kh_hash64(struct kh_str s, uint64_t seed);

/** Compare without telling by the time where the difference is. */
bool kh_equal_secret(struct kh_str a, struct kh_str b);

struct kh_str kh_hex(struct kh_arena *a, const void *p, size_t n);
KH_CHECK
bool kh_unhex(struct kh_str s, unsigned char *out, size_t n);
/** RFC 4648 section 5, without padding. */
struct kh_str kh_base64url(struct kh_arena *a, struct kh_str bytes);
/** Reads both alphabets, padding optional. */
KH_CHECK
bool kh_base64_parse(struct kh_arena *a, struct kh_str text, struct kh_str *ret_bytes);

#endif
