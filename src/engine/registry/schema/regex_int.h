/* SPDX-License-Identifier: Apache-2.0 */
/**
 * registry/schema/regex_int -- from the text of ECMA-262 to that of PCRE2.
 *
 * Owns   nothing.
 * Used   by regex.c and regex_read.c.
 */
#ifndef KH_REGISTRY_SCHEMA_REGEX_INT_H
#define KH_REGISTRY_SCHEMA_REGEX_INT_H

#include "base/buf.h"
#include "engine/registry/schema/regex.h"

enum { KH_PATTERN_MAX = 65536 };

/**
 * Write a pattern of ECMA-262 as PCRE2 means it.
 *
 * @param pattern valid UTF-8 of at most KH_PATTERN_MAX bytes
 * @param ret_why says in English what is wrong; set only on failure
 */
KH_CHECK
bool kh_regex_translate(struct kh_arena *a, struct kh_str pattern, struct kh_str *ret,
                        const char **ret_why);

#endif
