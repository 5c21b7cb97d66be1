/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base/kh -- the words that every other file uses: strings, arenas, failure.
 *
 * Owns   nothing.
 * Used   by every source file of the server.
 * Never  includes anything above base/.
 */
#ifndef KH_BASE_KH_H
#define KH_BASE_KH_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** The result must be looked at. */
#define KH_CHECK __attribute__((warn_unused_result))
/** printf-like: format argument f, first value v (1-based). */
#define KH_PRINTF(f, v) __attribute__((format(printf, f, v)))
/** Run drop_fn##_p(&x) when the variable leaves its scope: kh_auto(kh_query) q = {0}; */
#define kh_auto(type) __attribute__((cleanup(type##_drop))) struct type
#define KH_UNUSED     __attribute__((unused))
/** Elements of a fixed array. */
#define KH_LEN(x) (sizeof(x) / sizeof((x)[0]))

/** Text or bytes, never NUL-terminated by promise; p may be NULL when n is 0. */
struct kh_str {
    const char *p; /**< UTF-8 unless said otherwise */
    size_t n;      /**< bytes */
};

/** A literal as a string. */
#define KH_S(lit) ((struct kh_str){"" lit, sizeof(lit) - 1})
/** For static initialisers. */
#define KH_STR_INIT(lit) {"" lit, sizeof(lit) - 1}
/** For printf("%.*s"). */
#define KH_FMT(s) (int)(s).n, (s).p ? (s).p : ""

static inline struct kh_str kh_str(const char *p, size_t n)
{
    return (struct kh_str){p, n};
}

static inline struct kh_str kh_cstr(const char *z)
{
    return (struct kh_str){z, z ? strlen(z) : 0};
}

static inline bool kh_str_eq(struct kh_str a, struct kh_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool kh_str_is(struct kh_str a, const char *z)
{
    return kh_str_eq(a, kh_cstr(z));
}

static inline bool kh_str_starts(struct kh_str s, struct kh_str prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

/** The part of s from byte `from` on; empty when s is shorter. */
static inline struct kh_str kh_str_skip(struct kh_str s, size_t from)
{
    return from >= s.n ? (struct kh_str){s.p ? s.p + s.n : NULL, 0}
                       : (struct kh_str){s.p + from, s.n - from};
}

/** Order by bytes, then by length. @return < 0, 0, > 0 */
int kh_str_cmp(struct kh_str a, struct kh_str b);

/**
 * Split s at the first byte sep.
 *
 * @param s     text; *ret_rest gets what follows sep (empty if none)
 * @return the part before sep, or all of s
 */
struct kh_str kh_str_cut(struct kh_str s, char sep, struct kh_str *ret_rest);

/** Drop ASCII white space at both ends. */
struct kh_str kh_str_trim(struct kh_str s);

/** Read a decimal integer; the whole of s must be one. @return false if it is not or overflows */
KH_CHECK
bool kh_str_int(struct kh_str s, int64_t *ret_value);

/** Read a finite decimal number; the whole of s must be one. */
KH_CHECK
bool kh_str_double(struct kh_str s, double *ret_value);

/** @return true if s is well-formed UTF-8 without U+0000 */
bool kh_str_utf8(struct kh_str s);

#include "base/arena.h"
#include "base/err.h"

#endif
