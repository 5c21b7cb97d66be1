/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base/text -- Vietnamese text: normal form, search keys, order, language of answers.
 *
 * Owns   the folding and ordering rules (domain facts 1.2-1.3; CLDR collation vi).
 * Used   by registry (search), geo (unit names), api, import.
 * Never  changes what is stored beyond NFC.
 */
#ifndef KH_BASE_TEXT_H
#define KH_BASE_TEXT_H

#include "base/kh.h"

/** NFC of s; returns s itself when it is already (the common case, checked without a copy). */
struct kh_str kh_text_nfc(struct kh_arena *a, struct kh_str s);

/**
 * Search key: accents off, đ to d, lower case, tone placement òa/oà folded (a consequence of
 * accents off), digits and letters kept, everything else one space; tokens parted by one space.
 * Soft: i/y variants folded to i after a consonant at the end of a syllable (Mỹ/Mĩ, Lý/Lí, kỹ/kĩ).
 */
struct kh_str kh_text_fold(struct kh_arena *a, struct kh_str s);

/** Like fold, but keeps accents (NFC, lower case, new tone placement hoà): for exact ranking. */
struct kh_str kh_text_exact(struct kh_arena *a, struct kh_str s);

/** Bytes that sort by memcmp as the vi collation orders (primary letters, then tones, then case). */
struct kh_str kh_text_sort_key(struct kh_arena *a, struct kh_str s);
/** Same for a person's name: given name first, then family, then middle names. */
struct kh_str kh_text_name_key(struct kh_arena *a, struct kh_str full_name);
/** Same for a unit: without Phường, Xã, Thị trấn, Quận, Huyện, Thị xã, Thành phố. */
struct kh_str kh_text_unit_key(struct kh_arena *a, struct kh_str name);

/** For networks that count every other character double: accents off, case kept, typographic signs as
 *  on a typewriter, "?" for what no keyboard has; cut to max bytes, the last three of them dots. */
struct kh_str kh_text_plain(struct kh_arena *a, struct kh_str s, size_t max);

struct kh_str kh_text_upper(struct kh_arena *a, struct kh_str s);
struct kh_str kh_text_lower(struct kh_arena *a, struct kh_str s);
/** Number of Unicode scalar values (what JSON Schema's maxLength counts). */
size_t kh_text_length(struct kh_str s);
/** "https://…/a b" words to "a-b": ASCII lower case with hyphens. */
struct kh_str kh_text_slug(struct kh_arena *a, struct kh_str s);

#endif
