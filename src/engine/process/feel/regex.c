/* SPDX-License-Identifier: Apache-2.0 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "engine/process/feel/regex.h"

#include <pcre2.h>

#include "base/buf.h"
#include "engine/process/feel/scan.h"

enum { PATTERN_MAX = 16384, NEST_MAX = 64, MATCH_LIMIT = 200000, HEAP_KIB = 4096 };

/* Reading a pattern and writing its translation. */
struct reader {
    struct kh_str s;
    size_t i;
    struct kh_buf out;
    bool multi, all, free; /* flags m, s, x */
    unsigned opened;
    bool closed[256]; /* groups that are complete: those may be referred to */
    unsigned stack[NEST_MAX], depth;
};

static bool more(const struct reader *r)
{
    return r->i < r->s.n;
}

static char cur(const struct reader *r)
{
    return more(r) ? r->s.p[r->i] : '\0';
}

static void put(struct reader *r, const char *z)
{
    kh_buf_z(&r->out, z);
}

/* ---- sets of characters, written as the inside of a class ---- */

#define NAME_START                                                                                 \
    ":A-Z_a-z\\x{C0}-\\x{D6}\\x{D8}-\\x{F6}\\x{F8}-\\x{2FF}\\x{370}-\\x{37D}\\x{37F}-\\x{1FFF}"    \
    "\\x{200C}-\\x{200D}\\x{2070}-\\x{218F}\\x{2C00}-\\x{2FEF}\\x{3001}-\\x{D7FF}"                 \
    "\\x{F900}-\\x{FDCF}\\x{FDF0}-\\x{FFFD}\\x{10000}-\\x{EFFFF}"
#define NAME_MORE "\\-.0-9\\x{B7}\\x{300}-\\x{36F}\\x{203F}-\\x{2040}"

/* What is left of all characters without NAME_START, and without both. */
#define NOT_START                                                                                  \
    "\\x{0}-9;-@\\[-^`{-\\x{BF}\\x{D7}\\x{F7}\\x{300}-\\x{36F}\\x{37E}\\x{2000}-\\x{200B}"         \
    "\\x{200E}-\\x{206F}\\x{2190}-\\x{2BFF}\\x{2FF0}-\\x{3000}\\x{E000}-\\x{F8FF}"                 \
    "\\x{FDD0}-\\x{FDEF}\\x{FFFE}-\\x{FFFF}\\x{F0000}-\\x{10FFFF}"
#define NOT_NAME                                                                                   \
    "\\x{0}-,\\/;-@\\[-^`{-\\x{B6}\\x{B8}-\\x{BF}\\x{D7}\\x{F7}\\x{37E}\\x{2000}-\\x{200B}"        \
    "\\x{200E}-\\x{203E}\\x{2041}-\\x{206F}\\x{2190}-\\x{2BFF}\\x{2FF0}-\\x{3000}"                 \
    "\\x{E000}-\\x{F8FF}\\x{FDD0}-\\x{FDEF}\\x{FFFE}-\\x{FFFF}\\x{F0000}-\\x{10FFFF}"

static const char *set_of(char c)
{
    switch (c) {
    case 'd':
        return "\\p{Nd}";
    case 'D':
        return "\\P{Nd}";
    case 'w':
        return "\\p{L}\\p{M}\\p{N}\\p{S}";
    case 'W':
        return "\\p{P}\\p{Z}\\p{C}";
    case 's':
        return " \\t\\n\\r";
    case 'S':
        return "\\x{0}-\\x{8}\\x{B}\\x{C}\\x{E}-\\x{1F}!-\\x{10FFFF}";
    case 'i':
        return NAME_START;
    case 'I':
        return NOT_START;
    case 'c':
        return NAME_START NAME_MORE;
    case 'C':
        return NOT_NAME;
    default:
        return NULL;
    }
}

struct block {
    const char *name;
    unsigned from, to;
};

/* Blocks that occur in practice; any other name is an error, as an unknown block is. */
static const struct block blocks[] = {
    {"BasicLatin", 0x0, 0x7F},
    {"Latin-1Supplement", 0x80, 0xFF},
    {"LatinExtended-A", 0x100, 0x17F},
    {"LatinExtended-B", 0x180, 0x24F},
    {"IPAExtensions", 0x250, 0x2AF},
    {"SpacingModifierLetters", 0x2B0, 0x2FF},
    {"CombiningDiacriticalMarks", 0x300, 0x36F},
    {"Greek", 0x370, 0x3FF},
    {"GreekandCoptic", 0x370, 0x3FF},
    {"Cyrillic", 0x400, 0x4FF},
    {"Armenian", 0x530, 0x58F},
    {"Hebrew", 0x590, 0x5FF},
    {"Arabic", 0x600, 0x6FF},
    {"Syriac", 0x700, 0x74F},
    {"Thaana", 0x780, 0x7BF},
    {"Devanagari", 0x900, 0x97F},
    {"Bengali", 0x980, 0x9FF},
    {"Gurmukhi", 0xA00, 0xA7F},
    {"Gujarati", 0xA80, 0xAFF},
    {"Oriya", 0xB00, 0xB7F},
    {"Tamil", 0xB80, 0xBFF},
    {"Telugu", 0xC00, 0xC7F},
    {"Kannada", 0xC80, 0xCFF},
    {"Malayalam", 0xD00, 0xD7F},
    {"Sinhala", 0xD80, 0xDFF},
    {"Thai", 0xE00, 0xE7F},
    {"Lao", 0xE80, 0xEFF},
    {"Tibetan", 0xF00, 0xFFF},
    {"Myanmar", 0x1000, 0x109F},
    {"Georgian", 0x10A0, 0x10FF},
    {"HangulJamo", 0x1100, 0x11FF},
    {"Ethiopic", 0x1200, 0x137F},
    {"Cherokee", 0x13A0, 0x13FF},
    {"Ogham", 0x1680, 0x169F},
    {"Runic", 0x16A0, 0x16FF},
    {"Khmer", 0x1780, 0x17FF},
    {"Mongolian", 0x1800, 0x18AF},
    {"LatinExtendedAdditional", 0x1E00, 0x1EFF},
    {"GreekExtended", 0x1F00, 0x1FFF},
    {"GeneralPunctuation", 0x2000, 0x206F},
    {"SuperscriptsandSubscripts", 0x2070, 0x209F},
    {"CurrencySymbols", 0x20A0, 0x20CF},
    {"CombiningMarksforSymbols", 0x20D0, 0x20FF},
    {"LetterlikeSymbols", 0x2100, 0x214F},
    {"NumberForms", 0x2150, 0x218F},
    {"Arrows", 0x2190, 0x21FF},
    {"MathematicalOperators", 0x2200, 0x22FF},
    {"MiscellaneousTechnical", 0x2300, 0x23FF},
    {"ControlPictures", 0x2400, 0x243F},
    {"EnclosedAlphanumerics", 0x2460, 0x24FF},
    {"BoxDrawing", 0x2500, 0x257F},
    {"BlockElements", 0x2580, 0x259F},
    {"GeometricShapes", 0x25A0, 0x25FF},
    {"MiscellaneousSymbols", 0x2600, 0x26FF},
    {"Dingbats", 0x2700, 0x27BF},
    {"BraillePatterns", 0x2800, 0x28FF},
    {"CJKRadicalsSupplement", 0x2E80, 0x2EFF},
    {"KangxiRadicals", 0x2F00, 0x2FDF},
    {"CJKSymbolsandPunctuation", 0x3000, 0x303F},
    {"Hiragana", 0x3040, 0x309F},
    {"Katakana", 0x30A0, 0x30FF},
    {"Bopomofo", 0x3100, 0x312F},
    {"HangulCompatibilityJamo", 0x3130, 0x318F},
    {"CJKUnifiedIdeographsExtensionA", 0x3400, 0x4DBF},
    {"CJKUnifiedIdeographs", 0x4E00, 0x9FFF},
    {"YiSyllables", 0xA000, 0xA48F},
    {"HangulSyllables", 0xAC00, 0xD7A3},
    {"PrivateUse", 0xE000, 0xF8FF},
    {"CJKCompatibilityIdeographs", 0xF900, 0xFAFF},
    {"AlphabeticPresentationForms", 0xFB00, 0xFB4F},
    {"ArabicPresentationForms-A", 0xFB50, 0xFDFF},
    {"HalfwidthandFullwidthForms", 0xFF00, 0xFFEF},
    {"Specials", 0xFFF0, 0xFFFF},
};

static bool is_category(struct kh_str name)
{
    static const char *const known[] = {"L",  "Lu", "Ll", "Lt", "Lm", "Lo", "M",  "Mn", "Mc",
                                        "Me", "N",  "Nd", "Nl", "No", "P",  "Pc", "Pd", "Ps",
                                        "Pe", "Pi", "Pf", "Po", "Z",  "Zs", "Zl", "Zp", "S",
                                        "Sm", "Sc", "Sk", "So", "C",  "Cc", "Cf", "Co", "Cn"};

    for (size_t i = 0; i < KH_LEN(known); i++)
        if (kh_str_is(name, known[i]))
            return true;
    return false;
}

/* \p{...} or \P{...}, standing after the letter. */
static bool property(struct reader *r, bool not )
{
    struct kh_str name;
    size_t from = r->i + 1;

    if (cur(r) != '{')
        return false;
    while (more(r) && cur(r) != '}')
        r->i++;
    if (!more(r))
        return false;
    name = kh_str(r->s.p + from, r->i - from);
    r->i++;
    if (is_category(name)) {
        kh_buf_strf(&r->out, "\\%c{%.*s}", not ? 'P' : 'p', KH_FMT(name));
        return true;
    }
    if (name.n < 3 || memcmp(name.p, "Is", 2) != 0)
        return false;
    name = kh_str_skip(name, 2);
    for (size_t i = 0; i < KH_LEN(blocks); i++) {
        const struct block *b = &blocks[i];

        if (!kh_str_is(name, b->name))
            continue;
        if (!not )
            kh_buf_strf(&r->out, "\\x{%X}-\\x{%X}", b->from, b->to);
        if (not &&b->from > 0)
            kh_buf_strf(&r->out, "\\x{0}-\\x{%X}", b->from - 1);
        if (not )
            kh_buf_strf(&r->out, "\\x{%X}-\\x{10FFFF}", b->to + 1);
        return true;
    }
    return false;
}

/* One character as itself. */
static void put_char(struct reader *r, uint32_t c)
{
    kh_buf_strf(&r->out, "\\x{%X}", (unsigned)c);
}

/* An escape that stands for one character: c is what follows the backslash. */
static bool single(char c, uint32_t *ret)
{
    if (c == 'n' || c == 'r' || c == 't') {
        *ret = c == 'n' ? '\n' : c == 'r' ? '\r' : '\t';
        return true;
    }
    *ret = (unsigned char)c;
    return c && strchr("\\|.?*+(){}-[]^$", c);
}

/* ---- classes ---- */

/* One end of a range or a single character of a class. @return 0 bad, 1 a character, 2 a set */
static int class_atom(struct reader *r, uint32_t *ret)
{
    size_t n = feel_code_point(r->s, r->i, ret);
    char e;

    if (n == 0 || *ret == '[' || *ret == ']')
        return 0;
    r->i += n;
    if (*ret != '\\')
        return 1;
    e = cur(r);
    r->i++;
    if (e == 'p' || e == 'P')
        return property(r, e == 'P') ? 2 : 0;
    if (set_of(e)) {
        put(r, set_of(e));
        return 2;
    }
    return single(e, ret) ? 1 : 0;
}

static bool starts_subtraction(const struct reader *r)
{
    return cur(r) == '-' && r->i + 1 < r->s.n && r->s.p[r->i + 1] == '[';
}

/* The parts of a class up to its end or a subtraction. */
static bool class_parts(struct reader *r)
{
    uint32_t a, b;
    int n = 0;

    while (more(r) && cur(r) != ']' && !(n && starts_subtraction(r))) {
        int kind = class_atom(r, &a);

        if (kind == 0)
            return false;
        n++;
        if (kind == 2)
            continue;
        put_char(r, a);
        if (cur(r) != '-' || starts_subtraction(r) || r->i + 1 >= r->s.n || r->s.p[r->i + 1] == ']')
            continue;
        if (a == '-' && n > 1)
            return false;
        r->i++;
        if (class_atom(r, &b) != 1 || b < a)
            return false;
        put(r, "-");
        put_char(r, b);
    }
    return n > 0 && more(r);
}

/* After `[`: [a-z-[aeiou]] becomes (?:(?![aeiou])[a-z]). */
static bool class_of(struct reader *r, int depth)
{
    struct kh_buf outer = r->out, base;
    bool not = cur(r) == '^';

    if (depth > 8)
        return false;
    r->i += not ;
    r->out = kh_buf(outer.a, outer.max);
    put(r, not ? "[^" : "[");
    if (!class_parts(r))
        return false;
    put(r, "]");
    base = r->out;
    r->out = outer;
    if (cur(r) == '-') {
        put(r, "(?:(?!");
        r->i += 2;
        if (!class_of(r, depth + 1))
            return false;
        put(r, ")");
        kh_buf_str(&r->out, kh_buf_get(&base));
        put(r, ")");
    } else {
        kh_buf_str(&r->out, kh_buf_get(&base));
    }
    if (cur(r) != ']')
        return false;
    r->i++;
    return true;
}

/* ---- atoms and quantifiers ---- */

/* \1..: as many digits as name a group that is complete. */
static bool back_reference(struct reader *r)
{
    unsigned n = 0;

    while (cur(r) >= '0' && cur(r) <= '9') {
        unsigned next = n * 10 + (unsigned)(cur(r) - '0');

        if (n && next > r->opened)
            break;
        n = next;
        r->i++;
        if (n > r->opened)
            return false;
    }
    if (n == 0 || n >= KH_LEN(r->closed) || !r->closed[n])
        return false;
    kh_buf_strf(&r->out, "\\g{%u}", n);
    return true;
}

static bool escape(struct reader *r)
{
    char e = cur(r);
    uint32_t c;

    if (e >= '1' && e <= '9')
        return back_reference(r);
    r->i++;
    if (e == 'p' || e == 'P') {
        put(r, "[");
        if (!property(r, e == 'P'))
            return false;
        put(r, "]");
        return true;
    }
    if (set_of(e)) {
        put(r, "[");
        put(r, set_of(e));
        put(r, "]");
        return true;
    }
    if (!single(e, &c))
        return false;
    put_char(r, c);
    return true;
}

static bool open_group(struct reader *r)
{
    bool plain = r->i + 1 < r->s.n && cur(r) == '?' && r->s.p[r->i + 1] == ':';

    if (r->depth == NEST_MAX || (cur(r) == '?' && !plain))
        return false;
    if (plain) {
        r->i += 2;
        r->stack[r->depth++] = 0;
        put(r, "(?:");
        return true;
    }
    r->stack[r->depth++] = ++r->opened;
    put(r, "(");
    return r->opened < KH_LEN(r->closed);
}

static bool close_group(struct reader *r)
{
    if (r->depth == 0)
        return false;
    r->closed[r->stack[--r->depth]] = true;
    put(r, ")");
    return true;
}

/* {n}, {n,}, {n,m}, standing after the brace. */
static bool counted(struct reader *r)
{
    unsigned v[2] = {0, 0};
    int part = 0, digits = 0;
    size_t from = r->i;

    for (; more(r) && cur(r) != '}'; r->i++) {
        if (cur(r) == ',' && part == 0 && digits) {
            part = 1;
            digits = 0;
        } else if (cur(r) >= '0' && cur(r) <= '9' && v[part] < 100000) {
            v[part] = v[part] * 10 + (unsigned)(cur(r) - '0');
            digits++;
        } else {
            return false;
        }
    }
    if (!more(r) || (part == 0 && !digits) || (part == 1 && digits && v[1] < v[0]))
        return false;
    put(r, "{");
    kh_buf_add(&r->out, r->s.p + from, r->i - from);
    put(r, "}");
    r->i++;
    return true;
}

/* After an atom: at most one quantifier, and whether it is reluctant. */
static bool quantifier(struct reader *r)
{
    char q = cur(r);

    if (q == '?' || q == '*' || q == '+') {
        r->i++;
        kh_buf_c(&r->out, q);
    } else if (q == '{') {
        r->i++;
        if (!counted(r))
            return false;
    } else {
        return true;
    }
    if (cur(r) == '?') {
        r->i++;
        kh_buf_c(&r->out, '?');
    }
    return !(more(r) && strchr("?*+{", cur(r)));
}

static bool skip_free(struct reader *r, char c)
{
    return r->free && (c == ' ' || c == '\t' || c == '\n' || c == '\r');
}

/* One piece of the pattern. *ret_atom: a quantifier may follow. */
static bool piece(struct reader *r, bool *ret_atom)
{
    uint32_t c;
    size_t n = feel_code_point(r->s, r->i, &c);

    *ret_atom = true;
    if (n == 0)
        return false;
    r->i += n;
    if (c < 0x80 && skip_free(r, (char)c)) {
        *ret_atom = false;
        return true;
    }
    switch (c) {
    case '\\':
        return escape(r);
    case '[':
        return class_of(r, 0);
    case '(':
        *ret_atom = false;
        return open_group(r);
    case ')':
        return close_group(r);
    case '|':
        *ret_atom = false;
        put(r, "|");
        return true;
    case '.':
        put(r, r->all ? "(?s:.)" : "[^\\n]");
        return true;
    case '^':
        *ret_atom = false;
        put(r, r->multi ? "(?m:^)" : "\\A");
        return true;
    case '$':
        *ret_atom = false;
        put(r, r->multi ? "(?m:$)" : "\\z");
        return true;
    case '?':
    case '*':
    case '+':
    case '{':
    case '}':
    case ']':
        return false;
    default:
        put_char(r, c);
        return true;
    }
}

static bool translate(struct reader *r)
{
    while (more(r)) {
        bool atom;

        if (!piece(r, &atom))
            return false;
        while (atom && more(r) && skip_free(r, cur(r)))
            r->i++;
        if (atom && !quantifier(r))
            return false;
    }
    return r->depth == 0 && !r->out.full;
}

/* ---- PCRE2 ---- */

static void *arena_malloc(size_t n, void *arena)
{
    return kh_alloc(arena, n);
}

static void arena_free(void *p, void *arena)
{
    (void)p;
    (void)arena;
}

bool feel_regex_compile(struct kh_arena *a, struct kh_str pattern, struct kh_str flags,
                        struct feel_regex *ret)
{
    struct reader r = {.s = pattern, .out = kh_buf(a, PATTERN_MAX * 8)};
    uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C | PCRE2_NO_START_OPTIMIZE;
    pcre2_general_context *general;
    pcre2_compile_context *cc;
    struct kh_str text;
    PCRE2_SIZE where;
    int error;

    if (pattern.n > PATTERN_MAX)
        return false;
    for (size_t i = 0; i < flags.n; i++) {
        if (flags.p[i] == 's')
            r.all = true;
        else if (flags.p[i] == 'm')
            r.multi = true;
        else if (flags.p[i] == 'x')
            r.free = true;
        else if (flags.p[i] == 'i')
            options |= PCRE2_CASELESS;
        else
            return false;
    }
    if (!translate(&r))
        return false;
    text = kh_buf_get(&r.out);
    general = pcre2_general_context_create(arena_malloc, arena_free, a);
    cc = pcre2_compile_context_create(general);
    ret->code =
        pcre2_compile((PCRE2_SPTR)(text.n ? text.p : ""), text.n, options, &error, &where, cc);
    ret->groups = r.opened;
    return ret->code != NULL;
}

enum feel_found feel_regex_find(struct kh_arena *a, const struct feel_regex *re, struct kh_str text,
                                size_t from, const size_t **ret_spans)
{
    pcre2_general_context *general = pcre2_general_context_create(arena_malloc, arena_free, a);
    pcre2_match_data *data = pcre2_match_data_create(re->groups + 1, general);
    pcre2_match_context *mc = pcre2_match_context_create(general);
    int n;

    pcre2_set_match_limit(mc, MATCH_LIMIT);
    pcre2_set_depth_limit(mc, MATCH_LIMIT);
    pcre2_set_heap_limit(mc, HEAP_KIB);
    n = pcre2_match(re->code, (PCRE2_SPTR)(text.n ? text.p : ""), text.n, from, PCRE2_NO_UTF_CHECK,
                    data, mc);
    if (n == PCRE2_ERROR_NOMATCH)
        return FEEL_FOUND_NOTHING;
    if (n < 0)
        return FEEL_FOUND_LIMIT;
    *ret_spans = pcre2_get_ovector_pointer(data);
    return FEEL_FOUND;
}
