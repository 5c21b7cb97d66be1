/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include "base/buf.h"
#include "base/text_letter.h"

#include <unicase.h>
#include <unictype.h>

/* A key is text of visible characters, so that a text column may hold it and sort it by bytes:
 *   letters '!' tones '!' cases         trailing parts left out when they are empty
 * Fields of a name are parted by ' ', which sorts before everything else. A gap between words is
 * '"', digits are themselves, the 33 letters (29 of the alphabet and f j w z) are 'A'.., and any
 * other script is '~' and its UTF-8. */

enum { FIELD = ' ', LEVEL = '!', GAP = '"', LETTERS = 'A' };

/* Place of each letter in the order a ă â b c d đ e ê ... z. */
static char letter_weight(const struct kh_letter *l)
{
    static const uint8_t first[27] = {0,  0,  3,  4,  5,  7,  9,  10, 11, 12, 13, 14, 15, 16,
                                      17, 18, 21, 22, 23, 24, 25, 26, 28, 29, 30, 31, 32};
    unsigned w = first[l->base];

    switch (l->base) {
    case 'a' - 96:
        w += l->quality == KH_Q_BREVE ? 1 : l->quality == KH_Q_CIRCUMFLEX ? 2 : 0;
        break;
    case 'd' - 96:
        w += l->quality == KH_Q_STROKE ? 1 : 0;
        break;
    case 'e' - 96:
        w += l->quality == KH_Q_CIRCUMFLEX ? 1 : 0;
        break;
    case 'o' - 96:
        w += l->quality == KH_Q_CIRCUMFLEX ? 1 : l->quality == KH_Q_HORN ? 2 : 0;
        break;
    case 'u' - 96:
        w += l->quality == KH_Q_HORN ? 1 : 0;
        break;
    default:
        break;
    }
    return (char)(LETTERS + w);
}

static char tone_weight(const struct kh_letter *l)
{
    bool foreign = kh_vowel(l) < 0 && l->quality != KH_Q_PLAIN && l->quality != KH_Q_STROKE;

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
    struct kh_reader r = kh_reader(s);
    size_t began = out->n;
    struct kh_str t, c;
    bool gap = false;

    for (struct kh_letter l = kh_letter_read(&r); !l.end; l = kh_letter_read(&r)) {
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
