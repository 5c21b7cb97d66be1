/* SPDX-License-Identifier: Apache-2.0 */
/**
 * registry/schema/regex -- regular expressions of ECMA-262 on PCRE2.
 *
 * Owns   compiled expressions (kh_regex_drop).
 * Used   by schema: pattern, patternProperties, format regex.
 * Never  lets an expression run away: each match has a bound on its steps.
 * Source ECMA-262 section 22.2 with flag u (code points). Looser in one thing: punctuation may be
 *        escaped anywhere (`\-`) and braces may stand alone, as every engine takes it without the
 *        flag. Tighter in one: a lookbehind must have a fixed length (PCRE2 10.42).
 */
#ifndef KH_REGISTRY_SCHEMA_REGEX_H
#define KH_REGISTRY_SCHEMA_REGEX_H

#include "base/kh.h"

struct kh_regex;

/** What a thread needs to match; made on first use, ended with kh_regex_room_drop. */
struct kh_regex_room {
    void *data, *context;
};

/** @param ret_why says in English what is wrong; set only on failure */
KH_CHECK
bool kh_regex_compile(struct kh_arena *a, struct kh_str pattern, struct kh_regex **ret,
                      const char **ret_why);
void kh_regex_drop(struct kh_regex *x);

/** Whether s (valid UTF-8) contains a match; KH_FAIL if the bound was reached. */
enum kh_hit kh_regex_match(const struct kh_regex *x, struct kh_regex_room *room, struct kh_str s);
void kh_regex_room_drop(struct kh_regex_room *room);

/** Whether pattern is an expression of ECMA-262, without keeping it. */
bool kh_regex_ok(struct kh_str pattern);

#endif
