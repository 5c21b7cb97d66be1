/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include "base/buf.h"
#include "base/text_latin.h"

#include <stdlib.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

enum quality { PLAIN, BREVE, CIRCUMFLEX, HORN, STROKE, OTHER };
enum tone { NGANG, HUYEN, HOI, NGA, SAC, NANG };

/* One letter with its marks, in whatever order and form they came; or one other character. */
struct letter {
    uint8_t base;    /* 1 = a .. 26 = z; 0: see cp */
    uint8_t quality; /* enum quality */
    uint8_t tone;    /* enum tone */
    bool upper;
    bool end;    /* there was nothing left */
    uint32_t cp; /* as it came */
};

struct reader {
    struct kh_str s;
    size_t at;
    struct letter ahead;
};

/* Ill-formed bytes come out as U+FFFD one by one, which is no letter anywhere below. The two forms
 * that Vietnamese is written in are read here, the rest by the library. */
static uint32_t decode(struct kh_str s, size_t *at)
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

/* May a mark or an invisible character begin with this byte? Asked before anything is decoded. */
static bool may_follow(char byte)
{
    unsigned char b = (unsigned char)byte;

    return b == 0xCC || b == 0xCD || b == 0xC2 || b == 0xE2 || b == 0xEF;
}

static bool is_mark(uint32_t cp)
{
    return cp >= 0x300 && cp <= 0x36F;
}

/* Characters that are there but not seen; they part no words. */
static bool is_invisible(uint32_t cp)
{
    return cp == 0xAD || (cp >= 0x200B && cp <= 0x200D) || cp == 0x2060 || cp == 0xFEFF;
}

static void take_mark(struct letter *l, uint32_t mark)
{
    uint8_t tone = NGANG, quality = OTHER;

    switch (mark) {
    case 0x300:
    case 0x340:
        tone = HUYEN;
        break;
    case 0x309:
        tone = HOI;
        break;
    case 0x303:
        tone = NGA;
        break;
    case 0x301:
    case 0x341:
        tone = SAC;
        break;
    case 0x323:
        tone = NANG;
        break;
    case 0x306:
        quality = BREVE;
        break;
    case 0x302:
        quality = CIRCUMFLEX;
        break;
    case 0x31B:
        quality = HORN;
        break;
    default:
        break;
    }
    if (tone != NGANG)
        l->tone = l->tone ? l->tone : tone;
    else
        l->quality = l->quality ? l->quality : quality;
}

/* Base letter and marks as text_latin.h packs them; 0: no Latin letter. */
static inline unsigned latin(uint32_t cp)
{
    if ((cp >= 'a' && cp <= 'z') || (cp >= 'A' && cp <= 'Z'))
        return (cp & 0x1F) | (cp < 'a' ? 0x800 : 0);
    if (cp >= 0xC0 && cp <= 0x24F)
        return latin_c0[cp - 0xC0];
    if (cp >= 0x1E00 && cp <= 0x1EFF)
        return latin_1e[cp - 0x1E00];
    return 0;
}

static struct letter read_raw(struct kh_str s, size_t *at)
{
    struct letter l = {0};
    unsigned v;

    do {
        if (*at >= s.n) {
            l.end = true;
            return l;
        }
        l.cp = decode(s, at);
    } while (is_mark(l.cp) || is_invisible(l.cp)); /* a mark that follows nothing */

    v = latin(l.cp);
    l.base = v & 0x1F;
    l.quality = (v >> 5) & 7;
    l.tone = (v >> 8) & 7;
    l.upper = (v & 0x800) != 0;
    for (size_t next = *at; next < s.n && may_follow(s.p[next]); *at = next) {
        uint32_t cp = decode(s, &next);

        if (is_mark(cp))
            take_mark(&l, cp);
        else if (!is_invisible(cp))
            break;
    }
    return l;
}

static struct reader reader(struct kh_str s)
{
    struct reader r = {.s = s};

    r.ahead = read_raw(s, &r.at);
    return r;
}

/* The next letter. A tone on the o of oa, oe or the u of uy (hòa, khỏe, thúy: the old placement)
 * goes to the main vowel (hoà, khoẻ, thuý), so both spellings are one from here on. */
static struct letter read_letter(struct reader *r)
{
    struct letter l = r->ahead;

    if (l.end)
        return l;
    r->ahead = read_raw(r->s, &r->at);
    if (l.tone != NGANG && l.quality == PLAIN && r->ahead.tone == NGANG) {
        uint8_t base = r->ahead.base, quality = r->ahead.quality;
        bool oa = l.base == 'o' - 96 && base == 'a' - 96 && (quality == PLAIN || quality == BREVE);
        bool oe = l.base == 'o' - 96 && base == 'e' - 96 && quality == PLAIN;
        bool uy = l.base == 'u' - 96 && base == 'y' - 96;

        if (oa || oe || uy) {
            r->ahead.tone = l.tone;
            l.tone = NGANG;
        }
    }
    return l;
}

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

        if (is_mark(c) && !accents)
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
        uint32_t cp = (unsigned char)s.p[at] < 0x80 ? (unsigned char)s.p[at++] : decode(s, &at);
        unsigned base = latin(cp) & 0x1F;

        if (base)
            word_c(&w, (char)('a' - 1 + base));
        else if (cp >= '0' && cp <= '9')
            word_c(&w, (char)cp);
        else if (cp < 0x80)
            word_end(&w);
        else if (!is_mark(cp) && !is_invisible(cp))
            word_other(&w, cp, false);
    }
    word_end(&w);
    return kh_buf_get(&w.out);
}

struct kh_str kh_text_fold(struct kh_arena *a, struct kh_str s)
{
    return fold(a, s, ' ', true);
}

/* The Vietnamese vowels by tone; a, ă, â, e, ê, i, o, ô, ơ, u, ư, y. */
static const uint16_t vowels[12][6] = {
    {0x61, 0xE0, 0x1EA3, 0xE3, 0xE1, 0x1EA1},
    {0x103, 0x1EB1, 0x1EB3, 0x1EB5, 0x1EAF, 0x1EB7},
    {0xE2, 0x1EA7, 0x1EA9, 0x1EAB, 0x1EA5, 0x1EAD},
    {0x65, 0xE8, 0x1EBB, 0x1EBD, 0xE9, 0x1EB9},
    {0xEA, 0x1EC1, 0x1EC3, 0x1EC5, 0x1EBF, 0x1EC7},
    {0x69, 0xEC, 0x1EC9, 0x129, 0xED, 0x1ECB},
    {0x6F, 0xF2, 0x1ECF, 0xF5, 0xF3, 0x1ECD},
    {0xF4, 0x1ED3, 0x1ED5, 0x1ED7, 0x1ED1, 0x1ED9},
    {0x1A1, 0x1EDD, 0x1EDF, 0x1EE1, 0x1EDB, 0x1EE3},
    {0x75, 0xF9, 0x1EE7, 0x169, 0xFA, 0x1EE5},
    {0x1B0, 0x1EEB, 0x1EED, 0x1EEF, 0x1EE9, 0x1EF1},
    {0x79, 0x1EF3, 0x1EF7, 0x1EF9, 0xFD, 0x1EF5},
};

/* Row of `vowels`, or -1 if it is no Vietnamese vowel. */
static int vowel_row(const struct letter *l)
{
    static const char base[] = "aaaeeiooouuy";
    static const uint8_t quality[] = {PLAIN, BREVE,      CIRCUMFLEX, PLAIN, CIRCUMFLEX, PLAIN,
                                      PLAIN, CIRCUMFLEX, HORN,       PLAIN, HORN,       PLAIN};

    for (int i = 0; i < 12; i++)
        if (l->base == base[i] - 96 && l->quality == quality[i])
            return i;
    return -1;
}

static void word_exact(struct words *w, const struct letter *l)
{
    int row = vowel_row(l);
    char c = (char)('a' - 1 + l->base);

    if (row >= 0)
        word_cp(w, vowels[row][l->tone]);
    else if (l->base == 'd' - 96 && l->quality == STROKE)
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
    struct reader r = reader(nfc);

    for (struct letter l = read_letter(&r); !l.end; l = read_letter(&r)) {
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

/* ---- order ----
 * A key is text of visible characters, so that a text column may hold it and sort it by bytes:
 *   letters '!' tones '!' cases         trailing parts left out when they are empty
 * Fields of a name are parted by ' ', which sorts before everything else. A gap between words is
 * '"', digits are themselves, the 33 letters (29 of the alphabet and f j w z) are 'A'.., and any
 * other script is '~' and its UTF-8. */

enum { FIELD = ' ', LEVEL = '!', GAP = '"', LETTERS = 'A' };

/* Place of each letter in the order a ă â b c d đ e ê ... z. */
static char letter_weight(const struct letter *l)
{
    static const uint8_t first[27] = {0,  0,  3,  4,  5,  7,  9,  10, 11, 12, 13, 14, 15, 16,
                                      17, 18, 21, 22, 23, 24, 25, 26, 28, 29, 30, 31, 32};
    unsigned w = first[l->base];

    switch (l->base) {
    case 'a' - 96:
        w += l->quality == BREVE ? 1 : l->quality == CIRCUMFLEX ? 2 : 0;
        break;
    case 'd' - 96:
        w += l->quality == STROKE ? 1 : 0;
        break;
    case 'e' - 96:
        w += l->quality == CIRCUMFLEX ? 1 : 0;
        break;
    case 'o' - 96:
        w += l->quality == CIRCUMFLEX ? 1 : l->quality == HORN ? 2 : 0;
        break;
    case 'u' - 96:
        w += l->quality == HORN ? 1 : 0;
        break;
    default:
        break;
    }
    return (char)(LETTERS + w);
}

static char tone_weight(const struct letter *l)
{
    bool foreign = vowel_row(l) < 0 && l->quality != PLAIN && l->quality != STROKE;

    return (char)('1' + (l->tone ? l->tone : foreign ? 6 : 0));
}

static struct kh_str without_ones(struct kh_buf *b)
{
    size_t n = b->n;

    while (n && b->p[n - 1] == '1')
        n--;
    return kh_str(b->p, n);
}

static void sort_key_put(struct kh_arena *a, struct kh_buf *out, struct kh_str s, bool with_case)
{
    struct kh_buf tones = kh_buf(a, s.n + 1), cases = kh_buf(a, s.n + 1);
    struct reader r = reader(s);
    size_t began = out->n;
    struct kh_str t, c;
    bool gap = false;

    for (struct letter l = read_letter(&r); !l.end; l = read_letter(&r)) {
        bool digit = l.cp >= '0' && l.cp <= '9';

        if (!l.base && !digit &&
            (l.cp < 0x80 || l.cp == 0xFFFD ||
             !uc_is_general_category_withtable(l.cp, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N))) {
            gap = true;
            continue;
        }
        if (gap && out->n > began)
            kh_buf_c(out, GAP);
        gap = false;
        if (l.base) {
            kh_buf_c(out, letter_weight(&l));
        } else if (digit) {
            kh_buf_c(out, (char)l.cp);
        } else {
            uint8_t z[6];
            int n = u8_uctomb(z, uc_tolower(l.cp), sizeof(z));

            kh_buf_c(out, '~');
            kh_buf_add(out, z, (size_t)(n > 0 ? n : 0));
        }
        kh_buf_c(&tones, l.base ? tone_weight(&l) : '1');
        kh_buf_c(&cases, l.upper || (!l.base && uc_is_upper(l.cp)) ? '2' : '1');
    }
    t = without_ones(&tones);
    c = with_case ? without_ones(&cases) : KH_S("");
    if (t.n || c.n)
        kh_buf_c(out, LEVEL);
    kh_buf_str(out, t);
    if (c.n)
        kh_buf_c(out, LEVEL);
    kh_buf_str(out, c);
}

/* At worst a byte of input becomes two of letters, one of tones, one of cases, and the parting. */
static struct kh_buf key_buf(struct kh_arena *a, struct kh_str s)
{
    return kh_buf(a, s.n * 8 + 64);
}

struct kh_str kh_text_sort_key(struct kh_arena *a, struct kh_str s)
{
    struct kh_buf out = key_buf(a, s);

    sort_key_put(a, &out, s, true);
    return kh_buf_get(&out);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Registers write names in capitals, people do not: case never counts here. */
struct kh_str kh_text_name_key(struct kh_arena *a, struct kh_str full_name)
{
    struct kh_str s = kh_str_trim(full_name), middle = {NULL, 0};
    struct kh_buf out = key_buf(a, s);
    size_t given = s.n, family = 0;

    while (given && !is_blank(s.p[given - 1]))
        given--;
    sort_key_put(a, &out, kh_str_skip(s, given), false);
    if (given == 0)
        return kh_buf_get(&out);
    while (family < s.n && !is_blank(s.p[family]))
        family++;
    if (family < given)
        middle = kh_str_trim(kh_str(s.p + family, given - family));
    kh_buf_c(&out, FIELD);
    sort_key_put(a, &out, kh_str(s.p, family), false);
    if (middle.n) {
        kh_buf_c(&out, FIELD);
        sort_key_put(a, &out, middle, false);
    }
    return kh_buf_get(&out);
}

struct kh_str kh_text_unit_key(struct kh_arena *a, struct kh_str name)
{
    /* With accents, since Phương Liệt and Quản Bạ are names. */
    static const struct kh_str kinds[] = {
        KH_STR_INIT("phường "), KH_STR_INIT("xã "),    KH_STR_INIT("thị trấn "),
        KH_STR_INIT("quận "),   KH_STR_INIT("huyện "), KH_STR_INIT("thị xã "),
        KH_STR_INIT("tỉnh "),   KH_STR_INIT("tp "),    KH_STR_INIT("thành phố "),
    };
    struct kh_str s = kh_text_exact(a, name);

    for (size_t i = 0; i < KH_LEN(kinds); i++)
        if (kh_str_starts(s, kinds[i]))
            return kh_text_sort_key(a, kh_str_skip(s, kinds[i].n));
    return kh_text_sort_key(a, s);
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
