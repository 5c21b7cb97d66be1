/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base/json_num -- JSON numbers as the decimals that they are.
 *
 * A kh_num points into the text of a number and says where its significant digits are; nothing is
 * converted, so 1e400, 0.1 and a hundred digits compare exactly and in the time of their text.
 *
 * Owns   nothing; a kh_num is valid as long as the text.
 * Used   by base/json (equality), the schema validator, FEEL.
 * Never  rounds.
 */
#ifndef KH_BASE_JSON_NUM_H
#define KH_BASE_JSON_NUM_H

#include "base/kh.h"

struct kh_num {
    struct kh_str head; /**< significant digits, no zero in front */
    struct kh_str tail; /**< the rest of them after the decimal point, no zero at the end */
    int64_t exp;        /**< the value is 0.DIGITS times ten to this power */
    bool neg;           /**< never set for zero */
    bool huge;          /**< the exponent does not fit; exp says its sign, huge_text its digits */
    struct kh_str huge_text;
};

/** Read a JSON number (the text of a kh_json number is one). @return false if s is none */
KH_CHECK
bool kh_num_parse(struct kh_str s, struct kh_num *ret);

/** @return < 0, 0, > 0 */
int kh_num_cmp(const struct kh_num *a, const struct kh_num *b);

static inline bool kh_num_zero(const struct kh_num *a)
{
    return a->head.n + a->tail.n == 0;
}

/** @return true if the value has no fraction: 1.0 and 1e3 have none */
bool kh_num_is_int(const struct kh_num *a);

/** @return true if the value has no fraction and fits; ret is set */
bool kh_num_int(const struct kh_num *a, int64_t *ret);

/** Digits that kh_num_multiple can divide by. */
enum { KH_NUM_DIVISOR_DIGITS = 100 };

/** @return true if a is a whole multiple of by (not zero, at most KH_NUM_DIVISOR_DIGITS digits) */
bool kh_num_multiple(const struct kh_num *a, const struct kh_num *by);

/** Hash that is equal for equal values: 1, 1.0 and 10e-1. */
uint64_t kh_num_hash(const struct kh_num *a, uint64_t seed);

#endif
