/* SPDX-License-Identifier: Apache-2.0 */
/**
 * feel/scan -- characters of names and white space (DMN 1.5 grammar rules 25-30, 61-62).
 *
 * Owns   nothing.
 * Used   by names.c and scan.c.
 */
#ifndef KH_FEEL_SCAN_H
#define KH_FEEL_SCAN_H

#include "base/kh.h"

/** Code point at i and its length in bytes; 0 at the end or where UTF-8 is broken. */
size_t feel_code_point(struct kh_str s, size_t i, uint32_t *ret);
/** First place from i on that is no white space. */
size_t feel_skip_space(struct kh_str s, size_t i);
/** Length of the run of name part characters at i; 0 if there is none. */
size_t feel_part_len(struct kh_str s, size_t i);
/** Same, but it must begin as a name begins. */
size_t feel_word_len(struct kh_str s, size_t i);
/** Length of the additional name symbol at i (. / - ' + *), or 0. */
size_t feel_symbol_len(struct kh_str s, size_t i);

#endif
