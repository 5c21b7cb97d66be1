/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/registry/schema/regex.h"

#include "base/buf.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* PCRE2 reads a larger language than ECMA-262, and a few constructs otherwise. So a pattern is
 * read here, refused where ECMA-262 refuses it, and written again as PCRE2 means it. */

enum { PATTERN_MAX = 65536, HEAP_KIB = 8192, GROUPS_DEEP = 200 };
/* Backtracking that a text may cost: by its length, so that many texts together cannot cost more
 * than their size allows. */
enum { STEPS_FREE = 20000, STEPS_PER_BYTE = 1000, STEPS_MOST = 10000000 };

struct reader {
    struct kh_str s;
    size_t i;
    struct kh_buf out;
    unsigned groups;  /* capturing groups in the whole pattern */
    unsigned backref; /* highest \n seen */
    const char *why;
};

static bool fail(struct reader *r, const char *why)
{
    r->why = why;
    return false;
}

static bool more(const struct reader *r)
{
    return r->i < r->s.n;
}

static char cur(const struct reader *r)
{
    return r->i < r->s.n ? r->s.p[r->i] : '\0';
}

static char ahead(const struct reader *r, size_t n)
{
    return r->i + n < r->s.n ? r->s.p[r->i + n] : '\0';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void put_code(struct reader *r, unsigned c)
{
    if (c < 0x80 && is_alnum((char)c))
        kh_buf_c(&r->out, (char)c);
    else
        kh_buf_strf(&r->out, "\\x{%x}", c);
}

/* Reads n hexadecimal digits at the reader. */
static bool hex_run(struct reader *r, int n, unsigned *ret)
{
    unsigned v = 0;

    for (int i = 0; i < n; i++) {
        int d = hex_value(ahead(r, (size_t)i));

        if (d < 0)
            return false;
        v = v << 4 | (unsigned)d;
    }
    r->i += (size_t)n;
    *ret = v;
    return true;
}

/* \uXXXX, \uD83D\uDE00, \u{1F600}; the reader stands behind the u. */
static bool unicode_escape(struct reader *r, unsigned *ret)
{
    unsigned c = 0, low;

    if (cur(r) == '{') {
        size_t digits = 0;

        for (r->i++; hex_value(cur(r)) >= 0 && more(r); r->i++, digits++) {
            c = c << 4 | (unsigned)hex_value(cur(r));
            if (c > 0x10FFFF)
                return fail(r, "a code point beyond U+10FFFF");
        }
        if (digits == 0 || cur(r) != '}')
            return fail(r, "\\u without its digits");
        r->i++;
    } else if (!hex_run(r, 4, &c)) {
        return fail(r, "\\u without its four digits");
    }
    if (c >= 0xD800 && c < 0xDC00 && cur(r) == '\\' && ahead(r, 1) == 'u') {
        size_t back = r->i;

        r->i += 2;
        if (hex_run(r, 4, &low) && low >= 0xDC00 && low < 0xE000) {
            *ret = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
            return true;
        }
        r->i = back;
    }
    if (c >= 0xD800 && c < 0xE000)
        return fail(r, "half of a surrogate pair");
    *ret = c;
    return true;
}

/* White space and line ends of ECMA-262, and everything else, as content of a class. */
#define SPACE_IN                                                                                   \
    "\\x09-\\x0d\\x20\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}"      \
    "\\x{3000}\\x{feff}"
#define SPACE_OUT                                                                                  \
    "\\x00-\\x08\\x0e-\\x1f\\x21-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}\\x{200b}-\\x{2027}"   \
    "\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{fefe}"                 \
    "\\x{ff00}-\\x{10ffff}"

static const struct {
    const char *name, *code;
} categories[] = {
    {"Cased_Letter", "L&"},
    {"Close_Punctuation", "Pe"},
    {"Connector_Punctuation", "Pc"},
    {"Control", "Cc"},
    {"Currency_Symbol", "Sc"},
    {"Dash_Punctuation", "Pd"},
    {"Decimal_Number", "Nd"},
    {"Enclosing_Mark", "Me"},
    {"Final_Punctuation", "Pf"},
    {"Format", "Cf"},
    {"Initial_Punctuation", "Pi"},
    {"LC", "L&"},
    {"Letter", "L"},
    {"Letter_Number", "Nl"},
    {"Line_Separator", "Zl"},
    {"Lowercase_Letter", "Ll"},
    {"Mark", "M"},
    {"Math_Symbol", "Sm"},
    {"Modifier_Letter", "Lm"},
    {"Modifier_Symbol", "Sk"},
    {"Nonspacing_Mark", "Mn"},
    {"Number", "N"},
    {"Open_Punctuation", "Ps"},
    {"Other", "C"},
    {"Other_Letter", "Lo"},
    {"Other_Number", "No"},
    {"Other_Punctuation", "Po"},
    {"Other_Symbol", "So"},
    {"Paragraph_Separator", "Zp"},
    {"Private_Use", "Co"},
    {"Punctuation", "P"},
    {"Separator", "Z"},
    {"Space_Separator", "Zs"},
    {"Spacing_Mark", "Mc"},
    {"Surrogate", "Cs"},
    {"Symbol", "S"},
    {"Titlecase_Letter", "Lt"},
    {"Unassigned", "Cn"},
    {"Uppercase_Letter", "Lu"},
    {"cntrl", "Cc"},
    {"digit", "Nd"},
    {"punct", "P"},
    {"Combining_Mark", "M"},
};

static bool put_category(struct reader *r, struct kh_str value, bool negated)
{
    static const char two[] = "CcCfCnCoCsLlLmLoLtLuMcMeMnNdNlNoPcPdPePfPiPoPsScSkSmSoZlZpZs";
    const char *code = NULL;

    for (size_t i = 0; i < KH_LEN(categories) && !code; i++)
        if (kh_str_is(value, categories[i].name))
            code = categories[i].code;
    if (!code && value.n == 1 && strchr("CLMNPSZ", value.p[0]))
        code = "";
    for (size_t i = 0; i + 1 < sizeof(two) - 1 && !code && value.n == 2; i += 2)
        if (memcmp(value.p, two + i, 2) == 0)
            code = "";
    if (!code)
        return false;
    kh_buf_strf(&r->out, "\\%c{", negated ? 'P' : 'p');
    if (*code)
        kh_buf_z(&r->out, code);
    else
        kh_buf_str(&r->out, value);
    kh_buf_c(&r->out, '}');
    return true;
}

/* \p{...}; the reader stands behind the p. */
static bool property(struct reader *r, bool negated)
{
    char sign = negated ? 'P' : 'p', other = negated ? 'p' : 'P';
    struct kh_str name, value;
    size_t from = r->i + 1;

    if (cur(r) != '{')
        return fail(r, "\\p without its braces");
    while (more(r) && cur(r) != '}')
        r->i++;
    if (!more(r))
        return fail(r, "\\p without its braces");
    name = kh_str(r->s.p + from, r->i - from);
    r->i++;
    for (size_t i = 0; i < name.n; i++)
        if (!is_alnum(name.p[i]) && name.p[i] != '_' && name.p[i] != '=')
            return fail(r, "no such property");
    if (name.n && memchr(name.p, '=', name.n)) {
        name = kh_str_cut(name, '=', &value);
        if (kh_str_is(name, "General_Category") || kh_str_is(name, "gc"))
            return put_category(r, value, negated) || fail(r, "no such property");
        if (kh_str_is(name, "Script") || kh_str_is(name, "sc"))
            kh_buf_strf(&r->out, "\\%c{sc:%.*s}", sign, KH_FMT(value));
        else if (kh_str_is(name, "Script_Extensions") || kh_str_is(name, "scx"))
            kh_buf_strf(&r->out, "\\%c{scx:%.*s}", sign, KH_FMT(value));
        else
            return fail(r, "no such property");
        return true;
    }
    if (put_category(r, name, negated))
        return true;
    if (kh_str_is(name, "Assigned"))
        kh_buf_strf(&r->out, "\\%c{Cn}", other);
    else if (name.n == 0)
        return fail(r, "no such property");
    else /* a binary property; PCRE2 knows whether it exists */
        kh_buf_strf(&r->out, "\\%c{%.*s}", sign, KH_FMT(name));
    return true;
}

/* An escape that stands for a set. @return false and no why if it is none */
static bool set_escape(struct reader *r, bool in_class)
{
    char c = cur(r);

    switch (c) {
    case 'd':
    case 'D':
    case 'w':
    case 'W':
        kh_buf_c(&r->out, '\\');
        kh_buf_c(&r->out, c);
        break;
    case 's':
        kh_buf_z(&r->out, in_class ? SPACE_IN : "[" SPACE_IN "]");
        break;
    case 'S':
        kh_buf_z(&r->out, in_class ? SPACE_OUT : "[^" SPACE_IN "]");
        break;
    case 'p':
    case 'P':
        r->i++;
        return property(r, c == 'P');
    default:
        return false;
    }
    r->i++;
    return true;
}

/* An escape that stands for one character; the reader stands behind the backslash. */
static bool char_escape(struct reader *r, bool in_class, unsigned *ret)
{
    static const char names[] = "fnrtv", codes[] = "\f\n\r\t\v";
    char c = cur(r);
    const char *hit = c ? strchr(names, c) : NULL;

    if (!more(r))
        return fail(r, "a backslash at the end");
    r->i++;
    if (hit) {
        *ret = (unsigned char)codes[hit - names];
        return true;
    }
    switch (c) {
    case 'c':
        if (!is_alnum(cur(r)) || is_digit(cur(r)))
            return fail(r, "\\c without its letter");
        *ret = (unsigned)cur(r) & 31;
        r->i++;
        return true;
    case '0':
        if (is_digit(cur(r)))
            return fail(r, "an octal escape");
        *ret = 0;
        return true;
    case 'x':
        return hex_run(r, 2, ret) || fail(r, "\\x without its two digits");
    case 'u':
        return unicode_escape(r, ret);
    case 'b':
        if (in_class) {
            *ret = 8;
            return true;
        }
        break;
    default:
        break;
    }
    if (is_alnum(c) || (unsigned char)c >= 0x80 || (unsigned char)c < 0x20)
        return fail(r, "no such escape");
    *ret = (unsigned char)c;
    return true;
}

/* One code point of the pattern itself. */
static unsigned plain(struct reader *r)
{
    unsigned char c = (unsigned char)cur(r);
    int n = c < 0x80 ? 0 : c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
    unsigned v = n == 0 ? c : c & (0x3FU >> n);

    r->i++;
    for (int i = 0; i < n; i++, r->i++)
        v = v << 6 | ((unsigned char)cur(r) & 0x3F);
    return v;
}

/* One end of a range. *ret_set says that it was a set, already written. */
static bool class_atom(struct reader *r, bool *ret_set, unsigned *ret)
{
    *ret_set = false;
    if (cur(r) != '\\') {
        *ret = plain(r);
        return true;
    }
    r->i++;
    if (set_escape(r, true)) {
        *ret_set = true;
        return true;
    }
    return !r->why && char_escape(r, true, ret);
}

static bool class_body(struct reader *r)
{
    while (more(r) && cur(r) != ']') {
        bool set, set2 = false;
        unsigned from = 0, to = 0;

        if (!class_atom(r, &set, &from))
            return false;
        if (!set)
            put_code(r, from);
        if (cur(r) != '-' || ahead(r, 1) == ']' || r->i + 1 >= r->s.n)
            continue;
        r->i++;
        if (set) {
            kh_buf_z(&r->out, "\\-"); /* [\w-x]: the hyphen is itself */
            continue;
        }
        kh_buf_c(&r->out, '-');
        if (cur(r) == '\\' && strchr("dDwWsSpP", ahead(r, 1)) && ahead(r, 1)) {
            r->out.n--;
            kh_buf_z(&r->out, "\\-");
            continue;
        }
        if (!class_atom(r, &set2, &to))
            return false;
        if (to < from)
            return fail(r, "a range that ends before it begins");
        put_code(r, to);
    }
    if (!more(r))
        return fail(r, "a class without its end");
    r->i++;
    return true;
}

static bool class(struct reader *r)
{
    bool negated = ahead(r, 1) == '^';

    r->i += negated ? 2 : 1;
    if (cur(r) == ']') { /* [] never matches, [^] always */
        r->i++;
        kh_buf_z(&r->out, negated ? "[\\x00-\\x{10ffff}]" : "[^\\x00-\\x{10ffff}]");
        return true;
    }
    kh_buf_z(&r->out, negated ? "[^" : "[");
    if (!class_body(r))
        return false;
    kh_buf_c(&r->out, ']');
    return true;
}

/* Copies a group name and the '>' behind it. */
static bool group_name(struct reader *r)
{
    size_t from = r->i;

    while (more(r) && cur(r) != '>') {
        char c = cur(r);

        if (!(is_alnum(c) || c == '_' || (unsigned char)c >= 0x80) || (r->i == from && is_digit(c)))
            return fail(r, "a group name");
        r->i++;
    }
    if (!more(r) || r->i == from)
        return fail(r, "a group name");
    r->i++;
    kh_buf_add(&r->out, r->s.p + from, r->i - from);
    return true;
}

/* \1, \k<name>, \b, \B and everything else outside of a class; behind the backslash. */
static bool escape(struct reader *r)
{
    char c = cur(r);
    unsigned code, number = 0;

    if (c == 'b' || c == 'B') {
        r->i++;
        kh_buf_strf(&r->out, "\\%c", c);
        return true;
    }
    if (c == 'k') {
        if (ahead(r, 1) != '<')
            return fail(r, "\\k without a group name");
        r->i += 2;
        kh_buf_z(&r->out, "\\k<");
        return group_name(r);
    }
    if (c >= '1' && c <= '9') {
        for (; is_digit(cur(r)); r->i++) {
            number = number * 10 + (unsigned)(cur(r) - '0');
            if (number > 1000)
                return fail(r, "a reference to no group");
        }
        if (number > r->backref)
            r->backref = number;
        kh_buf_strf(&r->out, "\\g{%u}", number);
        return true;
    }
    if (set_escape(r, false))
        return true;
    if (r->why || !char_escape(r, false, &code))
        return false;
    put_code(r, code);
    return true;
}

/* "{2,5}" at the reader. @return its length, 0 if it is none */
static size_t braces(const struct reader *r)
{
    size_t n = 1;

    if (!is_digit(ahead(r, n)))
        return 0;
    while (is_digit(ahead(r, n)))
        n++;
    if (ahead(r, n) == ',') {
        n++;
        while (is_digit(ahead(r, n)))
            n++;
    }
    return ahead(r, n) == '}' ? n + 1 : 0;
}

/* A quantifier, if there is one. */
static bool quantifier(struct reader *r, bool allowed)
{
    size_t n = 0;

    if (cur(r) == '*' || cur(r) == '+' || cur(r) == '?')
        n = 1;
    else if (cur(r) == '{')
        n = braces(r);
    if (n == 0 || !more(r))
        return true;
    if (!allowed)
        return fail(r, "nothing to repeat");
    kh_buf_add(&r->out, r->s.p + r->i, n);
    r->i += n;
    if (cur(r) == '?') {
        kh_buf_c(&r->out, '?');
        r->i++;
    }
    if (more(r) && (strchr("*+?", cur(r)) || (cur(r) == '{' && braces(r))))
        return fail(r, "nothing to repeat");
    return true;
}

/* "(" and what belongs to it. *ret_look says that it opens a lookbehind, which nothing repeats. */
static bool open_group(struct reader *r, bool *ret_behind)
{
    *ret_behind = false;
    r->i++;
    kh_buf_c(&r->out, '(');
    if (cur(r) != '?') {
        r->groups++;
        /* "(*" is nothing to repeat here, and a verb there. */
        return cur(r) != '*' || fail(r, "nothing to repeat");
    }
    switch (ahead(r, 1)) {
    case ':':
    case '=':
    case '!':
        kh_buf_add(&r->out, r->s.p + r->i, 2);
        r->i += 2;
        return true;
    case '<':
        if (ahead(r, 2) == '=' || ahead(r, 2) == '!') {
            kh_buf_add(&r->out, r->s.p + r->i, 3);
            r->i += 3;
            *ret_behind = true;
            return true;
        }
        r->groups++;
        kh_buf_z(&r->out, "?<");
        r->i += 2;
        return group_name(r);
    default:
        return fail(r, "an unknown kind of group");
    }
}

/* One term without its quantifier. *ret_repeat: whether a quantifier may follow. */
static bool term(struct reader *r, bool *ret_repeat)
{
    char c = cur(r);

    *ret_repeat = true;
    switch (c) {
    case '\\':
        *ret_repeat = ahead(r, 1) != 'b' && ahead(r, 1) != 'B';
        r->i++;
        return escape(r);
    case '[':
        return class(r);
    case '.':
        r->i++;
        kh_buf_z(&r->out, "[^\\x0a\\x0d\\x{2028}\\x{2029}]");
        return true;
    case '^':
    case '$':
        r->i++;
        kh_buf_c(&r->out, c);
        *ret_repeat = false;
        return true;
    case '*':
    case '+':
    case '?':
        return fail(r, "nothing to repeat");
    case '{':
        if (braces(r))
            return fail(r, "nothing to repeat");
        break;
    default:
        break;
    }
    put_code(r, plain(r));
    return true;
}

static bool translate(struct reader *r)
{
    bool behind[GROUPS_DEEP] = {false}, repeat;
    unsigned depth = 0;

    while (more(r)) {
        switch (cur(r)) {
        case '|':
            r->i++;
            kh_buf_c(&r->out, '|');
            repeat = false;
            break;
        case '(':
            if (++depth >= GROUPS_DEEP)
                return fail(r, "groups nested too deeply");
            if (!open_group(r, &behind[depth]))
                return false;
            repeat = false;
            break;
        case ')':
            if (depth == 0)
                return fail(r, "a closing bracket without an opening one");
            r->i++;
            kh_buf_c(&r->out, ')');
            repeat = !behind[depth--];
            break;
        default:
            if (!term(r, &repeat))
                return false;
            break;
        }
        if (!quantifier(r, repeat))
            return false;
        if (r->out.full)
            return fail(r, "too long");
    }
    if (depth)
        return fail(r, "an opening bracket without a closing one");
    return r->backref <= r->groups || fail(r, "a reference to no group");
}

static const char *pcre2_says(struct kh_arena *a, int code)
{
    char *z = kh_alloc(a, 160);

    pcre2_get_error_message(code, (PCRE2_UCHAR *)z, 160);
    return z;
}

/* @return 0, or an error of PCRE2, or 1 if the pattern is none of ECMA-262 */
static int compile(struct kh_arena *a, struct kh_str pattern, pcre2_code **ret,
                   const char **ret_why)
{
    struct reader r = {.s = pattern, .out = kh_buf(a, (size_t)PATTERN_MAX * 16)};
    int error = 0;
    size_t at;

    *ret_why = "too long, or not text";
    if (pattern.n > PATTERN_MAX || !kh_str_utf8(pattern))
        return 1;
    if (!translate(&r)) {
        *ret_why = r.why;
        return 1;
    }
    *ret = pcre2_compile(r.out.n ? (PCRE2_SPTR)r.out.p : (PCRE2_SPTR) "", r.out.n,
                         PCRE2_UTF | PCRE2_NO_UTF_CHECK | PCRE2_DOLLAR_ENDONLY |
                             PCRE2_MATCH_UNSET_BACKREF | PCRE2_NEVER_BACKSLASH_C |
                             PCRE2_ALLOW_EMPTY_CLASS,
                         &error, &at, NULL);
    if (*ret)
        return 0;
    *ret_why = pcre2_says(a, error);
    return error;
}

bool kh_regex_compile(struct kh_arena *a, struct kh_str pattern, struct kh_regex **ret,
                      const char **ret_why)
{
    pcre2_code *code = NULL;

    if (compile(a, pattern, &code, ret_why) != 0)
        return false;
    /* Without the compiler (or its memory) the interpreter does the same work. */
    (void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
    *ret = (struct kh_regex *)code;
    return true;
}

void kh_regex_drop(struct kh_regex *x)
{
    pcre2_code_free((pcre2_code *)x);
}

static void make_room(struct kh_regex_room *room)
{
    pcre2_match_context *context = pcre2_match_context_create(NULL);

    KH_REQUIRE(context != NULL);
    pcre2_set_heap_limit(context, HEAP_KIB);
    room->context = context;
    room->data = pcre2_match_data_create(1, NULL);
    KH_REQUIRE(room->data != NULL);
}

enum kh_hit kh_regex_match(const struct kh_regex *x, struct kh_regex_room *room, struct kh_str s)
{
    const pcre2_code *code = (const pcre2_code *)x;
    PCRE2_SPTR text = s.n ? (PCRE2_SPTR)s.p : (PCRE2_SPTR) "";
    size_t steps = STEPS_FREE + s.n * STEPS_PER_BYTE;
    int r;

    if (!room->data)
        make_room(room);
    pcre2_set_match_limit(room->context, (uint32_t)(steps < STEPS_MOST ? steps : STEPS_MOST));
    r = pcre2_match(code, text, s.n, 0, PCRE2_NO_UTF_CHECK, room->data, room->context);
    if (r == PCRE2_ERROR_JIT_STACKLIMIT)
        r = pcre2_match(code, text, s.n, 0, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, room->data,
                        room->context);
    return r >= 0 ? KH_HIT : r == PCRE2_ERROR_NOMATCH ? KH_MISS : KH_FAIL;
}

void kh_regex_room_drop(struct kh_regex_room *room)
{
    pcre2_match_data_free(room->data);
    pcre2_match_context_free(room->context);
    *room = (struct kh_regex_room){0};
}

bool kh_regex_ok(struct kh_str pattern)
{
    kh_auto_arena a = kh_arena_new((size_t)1 << 22);
    pcre2_code *code = NULL;
    const char *why;
    int error = compile(a, pattern, &code, &why);

    pcre2_code_free(code);
    /* A lookbehind of any length is right in ECMA-262, though it cannot be matched here. */
    return error == 0 || error == PCRE2_ERROR_LOOKBEHIND_NOT_FIXED_LENGTH ||
           error == PCRE2_ERROR_LOOKBEHIND_TOO_LONG;
}
