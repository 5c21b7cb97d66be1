/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include "base/buf.h"
#include "base/text_letter.h"

#include <stdlib.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>

/* Everything up to U+02FF, Latin Extended Additional, and the punctuation and currency signs that
 * Vietnamese text uses is its own NFC, and none of it composes with what stands before: only text
 * with anything else needs the library. */
static bool surely_nfc(struct kh_str s)
{
    const uint8_t *p = (const uint8_t *)s.p;

    for (size_t i = 0; i < s.n;) {
        if (p[i] < 0x80) {
            i++;
        } else if (p[i] >= 0xC2 && p[i] <= 0xCB && i + 1 < s.n) {
            i += 2;
        } else if (p[i] == 0xE1 && i + 2 < s.n && p[i + 1] >= 0xB8 && p[i + 1] <= 0xBB) {
            i += 3;
        } else if (p[i] == 0xE2 && i + 2 < s.n &&
                   ((p[i + 1] == 0x80 && p[i + 2] >= 0x82) || p[i + 1] == 0x82)) {
            i += 3;
        } else {
            return false;
        }
    }
    return true;
}

struct kh_str kh_text_nfc(struct kh_arena *a, struct kh_str s)
{
    size_t n = s.n * 2 + 16;
    uint8_t *room, *got;
    struct kh_str r;

    if (surely_nfc(s) || u8_check((const uint8_t *)s.p, s.n))
        return s;
    room = kh_alloc(a, n);
    got = u8_normalize(UNINORM_NFC, (const uint8_t *)s.p, s.n, room, &n);
    KH_REQUIRE(got);
    r = kh_str((const char *)got, n);
    if (kh_str_eq(r, s))
        r = s;
    else if (got != room)
        r = kh_str_dup(a, r);
    if (got != room)
        free(got);
    return r;
}

/* ---- words: what fold, exact and slug have in common ---- */

struct words {
    struct kh_buf out;
    size_t word; /* where the word that is being written began */
    bool gap;    /* the next character begins a word */
    char parted_by;
    bool soft; /* fold y to i */
};

static struct words words(struct kh_arena *a, struct kh_str s, char parted_by, bool soft)
{
    struct words w = {.out = kh_buf(a, s.n * 40 + 64), .gap = true, .parted_by = parted_by};

    /* Latin letters never grow, so the common text is written without a second allocation. */
    w.out.p = kh_alloc(a, s.n + 1);
    w.out.cap = s.n + 1;
    w.soft = soft;
    return w;
}

static bool is_consonant(char c)
{
    return c >= 'a' && c <= 'z' && !strchr("aeiouy", c);
}

/* Mỹ = Mĩ, Lý = Lí, Quý = Quí: y at the end of a syllable, after a consonant (qu is one). */
static void soften(struct words *w)
{
    size_t n = w->out.n - w->word;
    char *p = w->out.p + w->word;

    if (!w->soft || n < 2 || p[n - 1] != 'y')
        return;
    if (is_consonant(p[n - 2]) || (n == 3 && p[0] == 'q' && p[1] == 'u'))
        p[n - 1] = 'i';
}

static void word_end(struct words *w)
{
    if (w->gap)
        return;
    soften(w);
    w->gap = true;
}

static void word_begin(struct words *w)
{
    if (w->out.n)
        kh_buf_c(&w->out, w->parted_by);
    w->word = w->out.n;
    w->gap = false;
}

static void word_add(struct words *w, const char *p, size_t n)
{
    if (w->gap)
        word_begin(w);
    kh_buf_add(&w->out, p, n);
}

static inline void word_c(struct words *w, char c)
{
    if (w->gap)
        word_begin(w);
    if (w->out.n < w->out.cap)
        w->out.p[w->out.n++] = c;
    else
        kh_buf_c(&w->out, c);
}

static void word_cp(struct words *w, uint32_t cp)
{
    uint8_t z[6];
    int n = u8_uctomb(z, cp, sizeof(z));

    if (n > 0)
        word_add(w, (const char *)z, (size_t)n);
}

/* The few ligatures that Unicode does not take apart. */
static const char *ligature(uint32_t cp)
{
    switch (cp) {
    case 0xDF:
    case 0x1E9E:
        return "ss";
    case 0xC6:
    case 0xE6:
        return "ae";
    case 0x152:
    case 0x153:
        return "oe";
    case 0xDE:
    case 0xFE:
        return "th";
    default:
        return NULL;
    }
}

/* A character that is no single Latin letter: other scripts, ligatures, wide forms, signs. */
static void word_other(struct words *w, uint32_t cp, bool accents)
{
    const char *lig = ligature(cp);
    uint32_t in[1] = {cp}, room[32], *got;
    size_t n = KH_LEN(room);

    if (lig && !accents) {
        word_add(w, lig, 2);
        return;
    }
    if (cp == 0xFFFD || !(uc_is_general_category_withtable(
                            cp, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N | UC_CATEGORY_MASK_M))) {
        word_end(w);
        return;
    }
    got = u32_normalize(accents ? UNINORM_NFKC : UNINORM_NFKD, in, 1, room, &n);
    KH_REQUIRE(got);
    for (size_t i = 0; i < n; i++) {
        uint32_t c = uc_tolower(got[i]);

        if (kh_is_mark(c) && !accents)
            continue;
        if (uc_decimal_value(c) >= 0)
            word_cp(w, (uint32_t)('0' + uc_decimal_value(c)));
        else if (uc_is_general_category_withtable(c, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N |
                                                         UC_CATEGORY_MASK_M))
            word_cp(w, c == 0x3C2 ? 0x3C3 : c); /* the final sigma is a sigma */
        else
            word_end(w);
    }
    if (got != room)
        free(got);
}

/* Marks are only left out here, so nothing looks ahead: this runs over every text that is stored. */
static struct kh_str fold(struct kh_arena *a, struct kh_str s, char parted_by, bool soft)
{
    struct words w = words(a, s, parted_by, soft);

    for (size_t at = 0; at < s.n;) {
        uint32_t cp =
            (unsigned char)s.p[at] < 0x80 ? (unsigned char)s.p[at++] : kh_char_next(s, &at);
        unsigned base = kh_latin(cp) & 0x1F;

        if (base)
            word_c(&w, (char)('a' - 1 + base));
        else if (cp >= '0' && cp <= '9')
            word_c(&w, (char)cp);
        else if (cp < 0x80)
            word_end(&w);
        else if (!kh_is_mark(cp) && !kh_is_invisible(cp))
            word_other(&w, cp, false);
    }
    word_end(&w);
    return kh_buf_get(&w.out);
}

struct kh_str kh_text_fold(struct kh_arena *a, struct kh_str s)
{
    return fold(a, s, ' ', true);
}

static void word_exact(struct words *w, const struct kh_letter *l)
{
    int row = kh_vowel(l);
    char c = (char)('a' - 1 + l->base);

    if (row >= 0)
        word_cp(w, kh_vowels[row][l->tone]);
    else if (l->base == 'd' - 96 && l->quality == KH_Q_STROKE)
        word_cp(w, 0x111);
    else if (l->cp < 0x80)
        word_c(w, c);
    else
        word_cp(w, uc_tolower(l->cp));
}

struct kh_str kh_text_exact(struct kh_arena *a, struct kh_str s)
{
    struct kh_str nfc = kh_text_nfc(a, s);
    struct words w = words(a, nfc, ' ', false);
    struct kh_reader r = kh_reader(nfc);

    for (struct kh_letter l = kh_letter_read(&r); !l.end; l = kh_letter_read(&r)) {
        char c = (char)(l.cp & 0x7F);

        if (l.base)
            word_exact(&w, &l);
        else if (l.cp >= '0' && l.cp <= '9')
            word_c(&w, c);
        else if (l.cp < 0x80)
            word_end(&w);
        else
            word_other(&w, l.cp, true);
    }
    return kh_buf_get(&w.out);
}

struct kh_str kh_text_slug(struct kh_arena *a, struct kh_str s)
{
    struct kh_str f = fold(a, s, '-', false);
    char *p = kh_alloc(a, f.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < f.n; i++)
        if (!(f.p[i] & 0x80) && !(f.p[i] == '-' && (n == 0 || p[n - 1] == '-')))
            p[n++] = f.p[i];
    while (n && p[n - 1] == '-')
        n--;
    return kh_str(p, n);
}

/* ---- plain ---- */

static const char *typewritten(uint32_t cp)
{
    switch (cp) {
    case 0xA0:
        return " ";
    case 0xAB:
    case 0xBB:
    case 0x201C:
    case 0x201D:
    case 0x201E:
        return "\"";
    case 0x2018:
    case 0x2019:
        return "'";
    case 0x2010:
    case 0x2011:
    case 0x2012:
    case 0x2013:
    case 0x2014:
    case 0x2212:
        return "-";
    case 0x2026:
        return "...";
    case 0x20AB:
        return "d";
    default:
        return "?";
    }
}

struct kh_str kh_text_plain(struct kh_arena *a, struct kh_str s, size_t max)
{
    struct kh_buf b = kh_buf(a, s.n * 3 + 16);

    for (size_t at = 0; at < s.n;) {
        uint32_t cp = kh_char_next(s, &at);
        unsigned base = kh_latin(cp) & 0x1F;

        if (cp == '\n' || (cp >= 0x20 && cp < 0x7F))
            kh_buf_c(&b, (char)cp);
        else if (base)
            kh_buf_c(&b, (char)((uc_is_upper(cp) ? 'A' : 'a') - 1 + (int)base));
        else if (cp < 0x20 || cp == 0x7F)
            kh_buf_c(&b, ' ');
        else if (!kh_is_mark(cp) && !kh_is_invisible(cp))
            kh_buf_z(&b, ligature(cp) ? ligature(cp) : typewritten(cp));
    }
    s = kh_buf_get(&b);
    return s.n <= max ? s : kh_strf(a, "%.*s...", (int)(max - 3), s.p);
}

/* ---- case, length ---- */

static bool is_ascii(struct kh_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] & 0x80)
            return false;
    return true;
}

static struct kh_str recase(struct kh_arena *a, struct kh_str s, bool upper)
{
    size_t n = s.n * 2 + 16;
    uint8_t *room, *got;
    struct kh_str r;

    if (is_ascii(s)) {
        char *p = kh_alloc(a, s.n + 1), from = upper ? 'a' : 'A';

        for (size_t i = 0; i < s.n; i++)
            p[i] = (char)(s.p[i] >= from && s.p[i] < from + 26 ? s.p[i] ^ 0x20 : s.p[i]);
        return kh_str(p, s.n);
    }
    if (u8_check((const uint8_t *)s.p, s.n))
        return s;
    room = kh_alloc(a, n);
    got = upper ? u8_toupper((const uint8_t *)s.p, s.n, "vi", UNINORM_NFC, room, &n)
                : u8_tolower((const uint8_t *)s.p, s.n, "vi", UNINORM_NFC, room, &n);
    KH_REQUIRE(got);
    r = kh_str((const char *)got, n);
    if (got != room) {
        r = kh_str_dup(a, r);
        free(got);
    }
    return r;
}

struct kh_str kh_text_upper(struct kh_arena *a, struct kh_str s)
{
    return recase(a, s, true);
}

struct kh_str kh_text_lower(struct kh_arena *a, struct kh_str s)
{
    return recase(a, s, false);
}

size_t kh_text_length(struct kh_str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += (s.p[i] & 0xC0) != 0x80;
    return n;
}
