/* SPDX-License-Identifier: Apache-2.0 */
/**
 * feel/regex -- regular expressions as XPath writes them, run by PCRE2.
 *
 * The pattern is translated: XPath has character class subtraction, Unicode blocks, \i and \c, and
 * lacks look-around, \b and possessive quantifiers, which are errors here as they are there.
 *
 * Owns   nothing; a compiled expression lives in the arena given.
 *        Source: XPath and XQuery Functions and Operators 7.6; XML Schema part 2 appendix F.
 * Used   by matches, replace and split.
 * Never  runs longer than its match limits.
 */
#ifndef KH_FEEL_REGEX_H
#define KH_FEEL_REGEX_H

#include "base/kh.h"

struct feel_regex {
    void *code; /**< pcre2_code */
    unsigned groups;
};

/** @return false if the pattern or the flags (s, m, i, x) are not valid */
bool feel_regex_compile(struct kh_arena *a, struct kh_str pattern, struct kh_str flags,
                        struct feel_regex *ret);

enum feel_found { FEEL_FOUND_LIMIT = -1, FEEL_FOUND_NOTHING, FEEL_FOUND };

/** First match in text at or after byte from. ret_spans: 2 * (groups + 1) offsets, in the arena;
 *  an unset group is SIZE_MAX. */
enum feel_found feel_regex_find(struct kh_arena *a, const struct feel_regex *re, struct kh_str text,
                                size_t from, const size_t **ret_spans);

#endif
