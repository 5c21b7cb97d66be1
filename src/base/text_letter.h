/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base/text_letter -- a text as letters with their marks, in whatever order and form they came.
 *
 * Used   by text.c and text_sort.c and nothing else.
 */
#ifndef KH_BASE_TEXT_LETTER_H
#define KH_BASE_TEXT_LETTER_H

#include "base/kh.h"
#include "base/text_latin.h"

#include <unistr.h>

enum kh_quality { KH_Q_PLAIN, KH_Q_BREVE, KH_Q_CIRCUMFLEX, KH_Q_HORN, KH_Q_STROKE, KH_Q_OTHER };
enum kh_tone { KH_T_NGANG, KH_T_HUYEN, KH_T_HOI, KH_T_NGA, KH_T_SAC, KH_T_NANG };

/** One letter with its marks, in whatever order and form they came; or one other character. */
struct kh_letter {
    uint8_t base;    /* 1 = a .. 26 = z; 0: see cp */
    uint8_t quality; /* enum kh_quality */
    uint8_t tone;    /* enum kh_tone */
    bool upper;
    bool end;    /* there was nothing left */
    uint32_t cp; /* as it came */
};

struct kh_reader {
    struct kh_str s;
    size_t at;
    struct kh_letter ahead;
};

/** Ill-formed bytes come out as U+FFFD one by one, which is no letter anywhere below. The two forms
 * that Vietnamese is written in are read here, the rest by the library. */
static inline uint32_t kh_char_next(struct kh_str s, size_t *at)
{
    const uint8_t *p = (const uint8_t *)s.p + *at;
    size_t left = s.n - *at;
    ucs4_t cp = p[0];
    int n = 1;

    if (cp >= 0xC2 && cp <= 0xDF && left >= 2 && (p[1] & 0xC0) == 0x80) {
        *at += 2;
        return (cp & 0x1F) << 6 | (p[1] & 0x3F);
    }
    if (cp >= 0xE1 && cp <= 0xEC && left >= 3 && (p[1] & 0xC0) == 0x80 && (p[2] & 0xC0) == 0x80) {
        *at += 3;
        return (cp & 0x0F) << 12 | (uint32_t)(p[1] & 0x3F) << 6 | (p[2] & 0x3F);
    }
    if (cp >= 0x80)
        n = u8_mbtouc(&cp, p, left);
    *at += (size_t)(n > 0 ? n : 1);
    return cp;
}

static inline bool kh_is_mark(uint32_t cp)
{
    return cp >= 0x300 && cp <= 0x36F;
}

/** Characters that are there but not seen; they part no words. */
static inline bool kh_is_invisible(uint32_t cp)
{
    return cp == 0xAD || (cp >= 0x200B && cp <= 0x200D) || cp == 0x2060 || cp == 0xFEFF;
}

/** Base letter and marks as text_latin.h packs them; 0: no Latin letter. */
static inline unsigned kh_latin(uint32_t cp)
{
    if ((cp >= 'a' && cp <= 'z') || (cp >= 'A' && cp <= 'Z'))
        return (cp & 0x1F) | (cp < 'a' ? 0x800 : 0);
    if (cp >= 0xC0 && cp <= 0x24F)
        return latin_c0[cp - 0xC0];
    if (cp >= 0x1E00 && cp <= 0x1EFF)
        return latin_1e[cp - 0x1E00];
    return 0;
}

/** Begin to read. */
struct kh_reader kh_reader(struct kh_str s);
/** The next letter. A tone on the o of oa, oe or the u of uy (hòa, khỏe, thúy: the old placement) goes
 *  to the main vowel (hoà, khoẻ, thuý), so both spellings are one from here on. */
struct kh_letter kh_letter_read(struct kh_reader *r);

/** The Vietnamese vowels by tone; a, ă, â, e, ê, i, o, ô, ơ, u, ư, y. */
extern const uint16_t kh_vowels[12][6];
/** Row of kh_vowels, or -1 if it is no Vietnamese vowel. */
int kh_vowel(const struct kh_letter *l);

#endif
