/* SPDX-License-Identifier: Apache-2.0 */
/* PCRE2 reads a larger language than ECMA-262, and a few constructs otherwise. So a pattern is read
 * here, refused where ECMA-262 refuses it, and written again as PCRE2 means it. */
#include "engine/registry/schema/regex_int.h"

enum { GROUPS_DEEP = 200 };

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

bool kh_regex_translate(struct kh_arena *a, struct kh_str pattern, struct kh_str *ret,
                        const char **ret_why)
{
    struct reader r = {.s = pattern, .out = kh_buf(a, (size_t)KH_PATTERN_MAX * 16)};

    if (!translate(&r)) {
        *ret_why = r.why;
        return false;
    }
    *ret = kh_buf_get(&r.out);
    return true;
}
