/* SPDX-License-Identifier: Apache-2.0 */
/**
 * feel/dec -- decimal128 numbers: 34 digits, ties to even, as FEEL counts.
 *
 * The encoding is IEEE 754-2008 BID; arithmetic that is not trivial is Intel's decimal library.
 *
 * Owns   nothing.
 * Used   by the rest of feel/, and by whoever needs money without binary fractions.
 * Never  holds NaN or an infinity: an operation that would give one says false.
 */
#ifndef KH_FEEL_DEC_H
#define KH_FEEL_DEC_H

#include "base/kh.h"

/** A finite number; all zero bytes are the number zero with the least exponent: see kh_dec_int. */
struct kh_dec {
    uint64_t w[2]; /**< low and high word of the BID encoding */
};

enum kh_dec_round {
    KH_DEC_HALF_EVEN,
    KH_DEC_FLOOR,
    KH_DEC_CEILING,
    KH_DEC_DOWN,
    KH_DEC_UP,
    KH_DEC_HALF_UP,
    KH_DEC_HALF_DOWN,
};

struct kh_dec kh_dec_int(int64_t v);

/** Read [-+]digits[.digits][(e|E)[+-]digits]; the whole of s. More than 34 digits are rounded.
 *  @return false if s is no number or too large */
KH_CHECK
bool kh_dec_parse(struct kh_str s, struct kh_dec *ret);

/** Plain notation with all digits, never an exponent: "1000", "-0.50". */
struct kh_str kh_dec_text(struct kh_arena *a, struct kh_dec d);

/** Each says false when the result is no finite number (overflow, division by zero, domain). */
KH_CHECK
bool kh_dec_add(struct kh_dec x, struct kh_dec y, struct kh_dec *ret);
KH_CHECK
bool kh_dec_sub(struct kh_dec x, struct kh_dec y, struct kh_dec *ret);
KH_CHECK
bool kh_dec_mul(struct kh_dec x, struct kh_dec y, struct kh_dec *ret);
KH_CHECK
bool kh_dec_div(struct kh_dec x, struct kh_dec y, struct kh_dec *ret);
/** x to the power of y; a whole y is multiplied out, so that 3 ** 20 is exact. */
KH_CHECK
bool kh_dec_pow(struct kh_dec x, struct kh_dec y, struct kh_dec *ret);
KH_CHECK
bool kh_dec_sqrt(struct kh_dec x, struct kh_dec *ret);
KH_CHECK
bool kh_dec_log(struct kh_dec x, struct kh_dec *ret);
KH_CHECK
bool kh_dec_exp(struct kh_dec x, struct kh_dec *ret);
/** x - y * floor(x / y), exact. */
KH_CHECK
bool kh_dec_modulo(struct kh_dec x, struct kh_dec y, struct kh_dec *ret);
/** Round to so many digits after the point (negative: before it), -6111..6176. */
KH_CHECK
bool kh_dec_scale(struct kh_dec x, int scale, enum kh_dec_round how, struct kh_dec *ret);

struct kh_dec kh_dec_neg(struct kh_dec x);
struct kh_dec kh_dec_abs(struct kh_dec x);
/** @return < 0, 0, > 0 by value */
int kh_dec_cmp(struct kh_dec x, struct kh_dec y);
int kh_dec_sign(struct kh_dec x);
/** @return true if x has no fraction and fits; ret is set */
bool kh_dec_to_int(struct kh_dec x, int64_t *ret);
bool kh_dec_is_whole(struct kh_dec x);
/** Nearest double, for borders that need one. */
double kh_dec_to_double(struct kh_dec x);
/** The same value without zeros at the end of the fraction. */
struct kh_dec kh_dec_trim(struct kh_dec x);

#endif
