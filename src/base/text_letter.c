/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text_letter.h"

/* May a mark or an invisible character begin with this byte? Asked before anything is decoded. */
static bool may_follow(char byte)
{
    unsigned char b = (unsigned char)byte;

    return b == 0xCC || b == 0xCD || b == 0xC2 || b == 0xE2 || b == 0xEF;
}

static void take_mark(struct kh_letter *l, uint32_t mark)
{
    uint8_t tone = KH_T_NGANG, quality = KH_Q_OTHER;

    switch (mark) {
    case 0x300:
    case 0x340:
        tone = KH_T_HUYEN;
        break;
    case 0x309:
        tone = KH_T_HOI;
        break;
    case 0x303:
        tone = KH_T_NGA;
        break;
    case 0x301:
    case 0x341:
        tone = KH_T_SAC;
        break;
    case 0x323:
        tone = KH_T_NANG;
        break;
    case 0x306:
        quality = KH_Q_BREVE;
        break;
    case 0x302:
        quality = KH_Q_CIRCUMFLEX;
        break;
    case 0x31B:
        quality = KH_Q_HORN;
        break;
    default:
        break;
    }
    if (tone != KH_T_NGANG)
        l->tone = l->tone ? l->tone : tone;
    else
        l->quality = l->quality ? l->quality : quality;
}

static struct kh_letter read_raw(struct kh_str s, size_t *at)
{
    struct kh_letter l = {0};
    unsigned v;

    do {
        if (*at >= s.n) {
            l.end = true;
            return l;
        }
        l.cp = kh_char_next(s, at);
    } while (kh_is_mark(l.cp) || kh_is_invisible(l.cp)); /* a mark that follows nothing */

    v = kh_latin(l.cp);
    l.base = v & 0x1F;
    l.quality = (v >> 5) & 7;
    l.tone = (v >> 8) & 7;
    l.upper = (v & 0x800) != 0;
    for (size_t next = *at; next < s.n && may_follow(s.p[next]); *at = next) {
        uint32_t cp = kh_char_next(s, &next);

        if (kh_is_mark(cp))
            take_mark(&l, cp);
        else if (!kh_is_invisible(cp))
            break;
    }
    return l;
}

struct kh_reader kh_reader(struct kh_str s)
{
    struct kh_reader r = {.s = s};

    r.ahead = read_raw(s, &r.at);
    return r;
}

struct kh_letter kh_letter_read(struct kh_reader *r)
{
    struct kh_letter l = r->ahead;

    if (l.end)
        return l;
    r->ahead = read_raw(r->s, &r->at);
    if (l.tone != KH_T_NGANG && l.quality == KH_Q_PLAIN && r->ahead.tone == KH_T_NGANG) {
        uint8_t base = r->ahead.base, quality = r->ahead.quality;
        bool oa = l.base == 'o' - 96 && base == 'a' - 96 &&
                  (quality == KH_Q_PLAIN || quality == KH_Q_BREVE);
        bool oe = l.base == 'o' - 96 && base == 'e' - 96 && quality == KH_Q_PLAIN;
        bool uy = l.base == 'u' - 96 && base == 'y' - 96;

        if (oa || oe || uy) {
            r->ahead.tone = l.tone;
            l.tone = KH_T_NGANG;
        }
    }
    return l;
}

const uint16_t kh_vowels[12][6] = {
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

int kh_vowel(const struct kh_letter *l)
{
    static const char base[] = "aaaeeiooouuy";
    static const uint8_t quality[] = {KH_Q_PLAIN,      KH_Q_BREVE, KH_Q_CIRCUMFLEX, KH_Q_PLAIN,
                                      KH_Q_CIRCUMFLEX, KH_Q_PLAIN, KH_Q_PLAIN,      KH_Q_CIRCUMFLEX,
                                      KH_Q_HORN,       KH_Q_PLAIN, KH_Q_HORN,       KH_Q_PLAIN};

    for (int i = 0; i < 12; i++)
        if (l->base == base[i] - 96 && l->quality == quality[i])
            return i;
    return -1;
}
