/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/process/feel/scan.h"

#include "base/buf.h"
#include "engine/process/feel/builtin.h"
#include "engine/process/feel/compile.h"
#include "engine/process/feel/when.h"

/* ---- characters ---- */

size_t feel_code_point(struct kh_str s, size_t i, uint32_t *ret)
{
    const unsigned char *p = (const unsigned char *)s.p + i;
    size_t left = i < s.n ? s.n - i : 0;

    if (left == 0)
        return 0;
    if (p[0] < 0x80) {
        *ret = p[0];
        return 1;
    }
    if (p[0] >= 0xC2 && p[0] < 0xE0 && left > 1) {
        *ret = (uint32_t)(p[0] & 0x1F) << 6 | (p[1] & 0x3F);
        return 2;
    }
    if (p[0] >= 0xE0 && p[0] < 0xF0 && left > 2) {
        *ret = (uint32_t)(p[0] & 0x0F) << 12 | (uint32_t)(p[1] & 0x3F) << 6 | (p[2] & 0x3F);
        return 3;
    }
    if (p[0] >= 0xF0 && p[0] < 0xF5 && left > 3) {
        *ret = (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3F) << 12 |
               (uint32_t)(p[2] & 0x3F) << 6 | (p[3] & 0x3F);
        return 4;
    }
    return 0;
}

static bool is_space(uint32_t c)
{
    return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           c == 0x180E || (c >= 0x2000 && c <= 0x200B) || c == 0x2028 || c == 0x2029 ||
           c == 0x202F || c == 0x205F || c == 0x3000 || c == 0xFEFF;
}

size_t feel_skip_space(struct kh_str s, size_t i)
{
    uint32_t c;
    size_t n;

    while ((n = feel_code_point(s, i, &c)) && is_space(c))
        i += n;
    return i;
}

static bool in_ranges(uint32_t c, const uint32_t (*r)[2], size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (c >= r[i][0] && c <= r[i][1])
            return true;
    return false;
}

static bool is_start(uint32_t c)
{
    static const uint32_t wide[][2] = {
        {0xC0, 0xD6},     {0xD8, 0xF6},     {0xF8, 0x2FF},    {0x370, 0x37D},
        {0x37F, 0x1FFF},  {0x200C, 0x200D}, {0x2070, 0x218F}, {0x2C00, 0x2FEF},
        {0x3001, 0xD7FF}, {0xF900, 0xFDCF}, {0xFDF0, 0xFFFD}, {0x10000, 0xEFFFF},
    };

    if (c < 0x80)
        return c == '?' || c == '_' || ((c | 32) >= 'a' && (c | 32) <= 'z');
    return in_ranges(c, wide, KH_LEN(wide)) && !is_space(c);
}

static bool is_part(uint32_t c)
{
    return is_start(c) || (c >= '0' && c <= '9') || c == 0xB7 || (c >= 0x300 && c <= 0x36F) ||
           c == 0x203F || c == 0x2040;
}

size_t feel_part_len(struct kh_str s, size_t i)
{
    size_t from = i, n;
    uint32_t c;

    while ((n = feel_code_point(s, i, &c)) && is_part(c))
        i += n;
    return i - from;
}

size_t feel_word_len(struct kh_str s, size_t i)
{
    uint32_t c;

    return feel_code_point(s, i, &c) && is_start(c) ? feel_part_len(s, i) : 0;
}

size_t feel_symbol_len(struct kh_str s, size_t i)
{
    if (i < s.n && s.p[i] && strchr("./-'+*", s.p[i]))
        return 1;
    /* The standard prints the apostrophe as U+2019. */
    if (i + 2 < s.n && memcmp(s.p + i, "\xE2\x80\x99", 3) == 0)
        return 3;
    return 0;
}

/* ---- places ---- */

/* Move to pos and count the lines passed. */
static void advance(struct feel_compiler *c, size_t pos)
{
    for (size_t i = c->at.pos; i < pos; i++) {
        if (c->text.p[i] == '\n') {
            c->at.line++;
            c->at.line_start = i + 1;
        }
    }
    c->at.pos = pos;
}

void feel_scan_text(struct feel_compiler *c, struct kh_str text, unsigned line)
{
    c->text = text;
    c->at = (struct feel_at){.line = line};
    c->peeked = false;
}

void feel_rewind(struct feel_compiler *c, struct feel_at at)
{
    c->at = at;
    c->peeked = false;
}

/* White space and comments; an open comment runs to the end. */
static void skip_blank(struct feel_compiler *c)
{
    for (;;) {
        size_t i = feel_skip_space(c->text, c->at.pos);

        if (i + 1 < c->text.n && c->text.p[i] == '/' && c->text.p[i + 1] == '/') {
            while (i < c->text.n && c->text.p[i] != '\n')
                i++;
        } else if (i + 1 < c->text.n && c->text.p[i] == '/' && c->text.p[i + 1] == '*') {
            i += 2;
            while (i + 1 < c->text.n && !(c->text.p[i] == '*' && c->text.p[i + 1] == '/'))
                i++;
            i = i + 1 < c->text.n ? i + 2 : c->text.n;
        } else {
            advance(c, i);
            return;
        }
        advance(c, i);
    }
}

/* ---- literals ---- */

static size_t digits_len(struct kh_str s, size_t i)
{
    size_t from = i;

    while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
        i++;
    return i - from;
}

static void scan_number(struct feel_compiler *c, struct feel_tok *t)
{
    struct kh_str s = c->text;
    size_t from = c->at.pos, i = from + digits_len(s, from), e;
    struct kh_dec d;

    if (i + 1 < s.n && s.p[i] == '.' && digits_len(s, i + 1))
        i += 1 + digits_len(s, i + 1);
    /* 1e3 is an extension: the standard has no exponents, JSON has. */
    e = i + 1;
    if (i < s.n && (s.p[i] | 32) == 'e') {
        if (e < s.n && (s.p[e] == '+' || s.p[e] == '-'))
            e++;
        if (digits_len(s, e))
            i = e + digits_len(s, e);
    }
    t->kind = FTOK_NUMBER;
    if (!kh_dec_parse(kh_str(s.p + from, i - from), &d)) {
        t->kind = FTOK_BAD;
        feel_bad(c, &t->from, "this number is too large");
        return;
    }
    t->value = feel_num(d);
    advance(c, i);
}

static bool hex_digits(struct kh_str s, size_t i, size_t n, uint32_t *ret)
{
    uint32_t v = 0;

    if (s.n < n || i > s.n - n)
        return false;
    for (size_t k = i; k < i + n; k++) {
        char ch = s.p[k];
        int d = ch >= '0' && ch <= '9'   ? ch - '0'
                : ch >= 'a' && ch <= 'f' ? ch - 'a' + 10
                : ch >= 'A' && ch <= 'F' ? ch - 'A' + 10
                                         : -1;

        if (d < 0)
            return false;
        v = v << 4 | (uint32_t)d;
    }
    *ret = v;
    return true;
}

static void put_utf8(struct kh_buf *b, uint32_t c)
{
    if (c < 0x80) {
        kh_buf_c(b, (char)c);
    } else if (c < 0x800) {
        kh_buf_c(b, (char)(0xC0 | c >> 6));
        kh_buf_c(b, (char)(0x80 | (c & 0x3F)));
    } else if (c < 0x10000) {
        kh_buf_c(b, (char)(0xE0 | c >> 12));
        kh_buf_c(b, (char)(0x80 | (c >> 6 & 0x3F)));
        kh_buf_c(b, (char)(0x80 | (c & 0x3F)));
    } else {
        kh_buf_c(b, (char)(0xF0 | c >> 18));
        kh_buf_c(b, (char)(0x80 | (c >> 12 & 0x3F)));
        kh_buf_c(b, (char)(0x80 | (c >> 6 & 0x3F)));
        kh_buf_c(b, (char)(0x80 | (c & 0x3F)));
    }
}

/* One escape at the backslash at i. @return its length; 1 leaves the backslash as it is */
static size_t scan_escape(struct kh_str s, size_t i, struct kh_buf *b, bool *ret_bad)
{
    static const char from[] = "\"'\\nrt", to[] = "\"'\\\n\r\t";
    char ch = i + 1 < s.n ? s.p[i + 1] : '\0';
    const char *at = ch ? strchr(from, ch) : NULL;
    uint32_t c, low;
    size_t n = 6;

    if (at) {
        kh_buf_c(b, to[at - from]);
        return 2;
    }
    if (ch == 'u' && hex_digits(s, i + 2, 4, &c)) {
        if (c >= 0xD800 && c < 0xDC00 && i + 7 < s.n && s.p[i + 6] == '\\' && s.p[i + 7] == 'u' &&
            hex_digits(s, i + 8, 4, &low) && low >= 0xDC00 && low < 0xE000) {
            c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
            n = 12;
        }
    } else if (ch == 'U' && hex_digits(s, i + 2, 6, &c)) {
        n = 8;
    } else {
        kh_buf_c(b, '\\');
        return 1;
    }
    if (c == 0 || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000))
        *ret_bad = true;
    else
        put_utf8(b, c);
    return n;
}

/* The string at pos (a quote) into t->value. */
static bool scan_string(struct feel_compiler *c, struct feel_tok *t)
{
    struct kh_str s = c->text;
    size_t i = c->at.pos + 1, from = i;
    struct kh_buf b = kh_buf(c->a, s.n + 1);
    bool bad = false, plain = true;

    while (i < s.n && s.p[i] != '"' && !bad) {
        if (s.p[i] >= '\n' && s.p[i] <= '\r') {
            feel_bad(c, &t->from, "a string must end on its line");
            return false;
        }
        if (s.p[i] != '\\') {
            if (!plain)
                kh_buf_c(&b, s.p[i]);
            i++;
            continue;
        }
        if (plain)
            kh_buf_add(&b, s.p + from, i - from);
        plain = false;
        i += scan_escape(s, i, &b, &bad);
    }
    if (bad || i >= s.n) {
        feel_bad(c, &t->from, bad ? "this is no character" : "this string has no end");
        return false;
    }
    t->value = feel_str(plain ? kh_str(s.p + from, i - from) : kh_buf_get(&b));
    advance(c, i + 1);
    return true;
}

static void scan_at(struct feel_compiler *c, struct feel_tok *t)
{
    struct kh_feel_value v;

    advance(c, c->at.pos + 1);
    skip_blank(c);
    t->kind = FTOK_BAD;
    if (c->at.pos >= c->text.n || c->text.p[c->at.pos] != '"') {
        feel_bad(c, &t->from, "expected a string after @");
        return;
    }
    if (!scan_string(c, t))
        return;
    t->kind = FTOK_AT;
    /* A text that is none of the temporal kinds is null when evaluated, as date("x") is. */
    if (!feel_at_parse(t->value.s, &v))
        v = feel_null();
    t->value = v;
}

/* ---- names ---- */

static enum feel_tok_kind keyword(struct kh_str w)
{
    static const struct {
        const char *word;
        enum feel_tok_kind kind;
    } words[] = {
        {"if", FTOK_IF},
        {"then", FTOK_THEN},
        {"else", FTOK_ELSE},
        {"for", FTOK_FOR},
        {"in", FTOK_IN},
        {"return", FTOK_RETURN},
        {"some", FTOK_SOME},
        {"every", FTOK_EVERY},
        {"satisfies", FTOK_SATISFIES},
        {"or", FTOK_OR},
        {"and", FTOK_AND},
        {"between", FTOK_BETWEEN},
        {"null", FTOK_NULLWORD},
        {"instance", FTOK_INSTANCE},
        {"function", FTOK_FUN},
        {"true", FTOK_TRUE},
        {"false", FTOK_FALSE},
    };

    if (w.n < 2 || w.n > 9)
        return FTOK_NAME;
    for (size_t i = 0; i < KH_LEN(words); i++)
        if (kh_str_is(w, words[i].word))
            return words[i].kind;
    return FTOK_NAME;
}

/* What a name could be, the longest of each sort. */
struct reach {
    size_t known_end, builtin_end, greedy_end;
    struct feel_sym *known;
    struct kh_str greedy; /* canonical */
    int builtin;
};

static bool call_follows(struct kh_str s, size_t i)
{
    i = feel_skip_space(s, i);
    return i < s.n && s.p[i] == '(';
}

static void reach_at(struct feel_compiler *c, struct reach *r, struct kh_str canon, size_t end,
                     bool member)
{
    struct feel_sym *s = feel_names_find(&c->names, canon);

    /* Behind a dot and in filters a name may be a key that was seen anywhere in the text. */
    if (s && !s->known && !member && c->filters_n == 0)
        s = NULL;
    if (!s && (member || c->filters_n))
        s = feel_names_find(c->members, canon);
    if (s) {
        r->known = s;
        r->known_end = end;
    }
    if (!member) {
        int b = feel_builtin_find(canon);

        if (b >= 0 && (call_follows(c->text, end) || r->greedy_end == end)) {
            r->builtin = b;
            r->builtin_end = end;
        }
    }
}

static size_t parts_max(const struct feel_compiler *c)
{
    size_t n = 5; /* the longest of the built-in names has four words */

    if (c->names.parts_max > n)
        n = c->names.parts_max;
    if (c->members && c->members->parts_max > n)
        n = c->members->parts_max;
    return n;
}

/* Try ever longer runs of tokens from pos on. */
static void reach_all(struct feel_compiler *c, struct reach *r, bool member)
{
    struct kh_str s = c->text;
    struct kh_buf b = kh_buf(c->a, s.n + 1);
    size_t i = c->at.pos, most = parts_max(c);
    bool word = false, greedy = true;

    r->builtin = -1;
    for (size_t part = 0; part < most || greedy; part++) {
        size_t n = part ? feel_part_len(s, i) : feel_word_len(s, i);
        struct kh_str w = kh_str(s.p + i, n);

        if (n) {
            if (word)
                kh_buf_c(&b, ' ');
            greedy = greedy && (part == 0 || keyword(w) == FTOK_NAME);
        } else {
            n = feel_symbol_len(s, i);
            greedy = false;
            if (n == 0 || part >= most)
                break;
        }
        word = w.n > 0;
        kh_buf_add(&b, s.p + i, n);
        i += n;
        if (greedy) {
            r->greedy_end = i;
            r->greedy = kh_buf_get(&b);
        }
        if (part < most)
            reach_at(c, r, kh_buf_get(&b), i, member);
        i = feel_skip_space(s, i);
    }
}

static void scan_name(struct feel_compiler *c, struct feel_tok *t, bool member)
{
    struct reach r = {0};
    size_t end;

    reach_all(c, &r, member);
    end = r.greedy_end;
    if (r.known_end > end)
        end = r.known_end;
    if (r.builtin_end > end)
        end = r.builtin_end;
    t->kind = FTOK_NAME;
    t->sym = r.known_end == end ? r.known : NULL;
    t->builtin = r.builtin_end == end ? r.builtin : -1;
    if (t->sym)
        t->name = t->sym->name;
    else if (t->builtin >= 0)
        t->name = feel_builtin_name(t->builtin);
    else
        t->name = kh_str_dup(c->a, r.greedy);
    advance(c, end);
}

static void scan_word(struct feel_compiler *c, struct feel_tok *t)
{
    size_t n = feel_word_len(c->text, c->at.pos);
    enum feel_tok_kind k = keyword(kh_str(c->text.p + c->at.pos, n));

    if (k == FTOK_NAME) {
        scan_name(c, t, false);
        return;
    }
    t->kind = k;
    advance(c, c->at.pos + n);
}

/* ---- tokens ---- */

static enum feel_tok_kind punctuation(struct kh_str s, size_t i, size_t *ret_n)
{
    static const struct {
        char text[3];
        enum feel_tok_kind kind;
    } marks[] = {
        {"..", FTOK_DOTS},  {"**", FTOK_POW},   {"<=", FTOK_LE},    {">=", FTOK_GE},
        {"!=", FTOK_NE},    {"->", FTOK_ARROW}, {"(", FTOK_LPAR},   {")", FTOK_RPAR},
        {"[", FTOK_LBRACK}, {"]", FTOK_RBRACK}, {"{", FTOK_LBRACE}, {"}", FTOK_RBRACE},
        {",", FTOK_COMMA},  {":", FTOK_COLON},  {".", FTOK_DOT},    {"+", FTOK_PLUS},
        {"-", FTOK_MINUS},  {"*", FTOK_STAR},   {"/", FTOK_SLASH},  {"=", FTOK_EQ},
        {"<", FTOK_LT},     {">", FTOK_GT},
    };

    for (size_t k = 0; k < KH_LEN(marks); k++) {
        size_t n = strlen(marks[k].text);

        if (s.n - i >= n && memcmp(s.p + i, marks[k].text, n) == 0) {
            *ret_n = n;
            return marks[k].kind;
        }
    }
    return FTOK_BAD;
}

static void scan(struct feel_compiler *c, struct feel_tok *t)
{
    struct kh_str s = c->text;
    size_t i, n = 0;
    char ch;

    skip_blank(c);
    *t = (struct feel_tok){.from = c->at, .builtin = -1};
    i = c->at.pos;
    if (i >= s.n) {
        t->kind = FTOK_END;
        return;
    }
    ch = s.p[i];
    if (digits_len(s, i) || (ch == '.' && digits_len(s, i + 1))) {
        scan_number(c, t);
    } else if (ch == '"') {
        t->kind = scan_string(c, t) ? FTOK_STRING : FTOK_BAD;
    } else if (ch == '@') {
        scan_at(c, t);
    } else if (feel_word_len(s, i)) {
        scan_word(c, t);
    } else {
        t->kind = punctuation(s, i, &n);
        if (t->kind == FTOK_BAD)
            feel_bad(c, &t->from, "unexpected character");
        advance(c, i + n);
    }
}

const struct feel_tok *feel_peek(struct feel_compiler *c)
{
    if (!c->peeked) {
        scan(c, &c->tok);
        c->tok.to = c->at;
        c->at = c->tok.from;
        c->peeked = true;
    }
    return &c->tok;
}

struct feel_tok feel_take(struct feel_compiler *c)
{
    feel_peek(c);
    c->peeked = false;
    c->at = c->tok.to;
    return c->tok;
}

bool feel_eat(struct feel_compiler *c, enum feel_tok_kind kind)
{
    if (feel_peek(c)->kind != kind)
        return false;
    feel_take(c);
    return true;
}

bool feel_expect(struct feel_compiler *c, enum feel_tok_kind kind, const char *what)
{
    if (feel_eat(c, kind))
        return true;
    feel_bad(c, &feel_peek(c)->from, "expected %s", what);
    return false;
}

bool feel_take_member(struct feel_compiler *c, struct kh_str *ret_name, uint32_t *ret_at)
{
    struct feel_tok t = {.builtin = -1};

    feel_rewind(c, c->at);
    skip_blank(c);
    t.from = c->at;
    if (!feel_word_len(c->text, c->at.pos)) {
        feel_bad(c, &c->at, "expected a name after the dot");
        return false;
    }
    scan_name(c, &t, true);
    *ret_name = t.name;
    *ret_at = feel_at_of(&t.from);
    return true;
}

bool feel_take_word(struct feel_compiler *c, const char *word)
{
    size_t n;

    feel_rewind(c, c->at);
    skip_blank(c);
    n = feel_word_len(c->text, c->at.pos);
    if (!kh_str_is(kh_str(c->text.p + c->at.pos, n), word))
        return false;
    advance(c, c->at.pos + n);
    return true;
}

bool feel_take_type_word(struct feel_compiler *c, struct kh_str *ret_word)
{
    size_t n;

    feel_rewind(c, c->at);
    skip_blank(c);
    n = feel_part_len(c->text, c->at.pos);
    if (n == 0)
        n = feel_symbol_len(c->text, c->at.pos);
    if (n == 0)
        return false;
    *ret_word = kh_str(c->text.p + c->at.pos, n);
    advance(c, c->at.pos + n);
    return true;
}

bool feel_take_raw_name(struct feel_compiler *c, const char *stops, bool stop_in,
                        struct kh_str *ret_name)
{
    struct kh_str s = c->text;
    struct feel_at back = c->at;
    struct kh_buf b = kh_buf(c->a, s.n + 1);
    bool gap = false;
    size_t i, parts = 0;

    feel_rewind(c, c->at);
    skip_blank(c);
    for (i = c->at.pos; i < s.n && !strchr(stops, s.p[i]);) {
        size_t n = parts ? feel_part_len(s, i) : feel_word_len(s, i), next;

        if (stop_in && parts && n == 2 && memcmp(s.p + i, "in", 2) == 0)
            break;
        if (n == 0 && (parts == 0 || (n = feel_symbol_len(s, i)) == 0))
            break;
        if (gap)
            kh_buf_c(&b, ' ');
        kh_buf_add(&b, s.p + i, n);
        parts++;
        next = feel_skip_space(s, i + n);
        gap = next > i + n;
        i = next;
    }
    if (parts == 0 || i >= s.n || !(strchr(stops, s.p[i]) || (stop_in && s.p[i] == 'i'))) {
        feel_rewind(c, back);
        return false;
    }
    advance(c, i);
    *ret_name = kh_buf_get(&b);
    return true;
}
