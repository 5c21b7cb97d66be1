/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "base/json_index.h"

#include <stdlib.h>

/* Reading has two stages. The first (json_index.cc) checks UTF-8 and lists where each token begins;
 * the second, here, walks that list once without recursion and builds the tree. The text is copied
 * into the arena first: strings then point into the copy, and escapes are decoded in place. */

enum { DEPTH_MAX = 1024, PAD = 64, SLOTS_FIRST = 128, SORT_FROM = 33 };

/* Members (or elements, without key) of the containers that are open, innermost last. An open
 * container keeps the place of the one around it in value.n. */
struct slots {
    struct kh_json_member *at;
    size_t n, cap;
    struct kh_json_member first[SLOTS_FIRST];
};

struct parser {
    struct kh_arena *a;
    struct kh_error *err;
    struct kh_str source; /* as given: places in errors are counted here */
    char *text;           /* the copy */
    struct kh_json_index index;
    uint32_t next; /* token to be read next */
    size_t escape; /* place of the next backslash, or the length */
    uint32_t open; /* slot of the innermost open container; NONE at the root */
    unsigned depth, depth_max;
    size_t values, values_max;
    bool nul;
    struct kh_str key; /* of the member whose value is read next */
    struct slots slots;
};

#define NONE UINT32_MAX

/* ---- errors ---- */

static bool fail_at(struct parser *p, enum kh_ec code, size_t offset, const char *what)
{
    size_t line = 1, column = 1;

    for (size_t i = 0; i < offset && i < p->source.n; i++) {
        unsigned char c = (unsigned char)p->source.p[i];

        if (c == '\n') {
            line++;
            column = 1;
        } else if ((c & 0xC0) != 0x80) {
            column++;
        }
    }
    return kh_fail(p->err, code, "%s at byte %zu (line %zu, column %zu)", what, offset, line,
                   column);
}

static bool fail(struct parser *p, size_t offset, const char *what)
{
    return fail_at(p, KH_EC_JSON_SYNTAX, offset, what);
}

static size_t utf8_error_at(struct kh_str s)
{
    size_t i = 0;

    while (i < s.n) {
        unsigned char c = (unsigned char)s.p[i];
        size_t n = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;

        if (c >= 0x80 && (n > s.n - i || !kh_str_utf8(kh_str(s.p + i, n))))
            break;
        i += n;
    }
    return i;
}

/* First control character inside a string, or the quote of the string that has no end. */
static size_t string_error_at(struct kh_str s)
{
    size_t start = 0;
    bool in = false;

    for (size_t i = 0; i < s.n; i++) {
        if (in && (unsigned char)s.p[i] < 0x20)
            return i;
        if (in && s.p[i] == '\\')
            i++;
        else if (s.p[i] == '"') {
            in = !in;
            start = i;
        }
    }
    return start;
}

static bool scan_failed(struct parser *p, enum kh_json_scan why)
{
    switch (why) {
    case KH_SCAN_OK:
        return true;
    case KH_SCAN_EMPTY:
        return fail(p, p->source.n, "no value");
    case KH_SCAN_UTF8:
        return fail(p, utf8_error_at(p->source), "not UTF-8");
    case KH_SCAN_CONTROL:
        return fail(p, string_error_at(p->source), "control character in a string");
    case KH_SCAN_UNCLOSED:
        return fail(p, string_error_at(p->source), "string without an end");
    case KH_SCAN_FULL:
        break;
    }
    return kh_fail(p->err, KH_EC_JSON_TOO_LARGE, "no room for the index of %zu bytes", p->source.n);
}

/* ---- tokens ---- */

/* Offset of token i; the length of the text after the last. */
static size_t token(const struct parser *p, uint32_t i)
{
    return p->index.at[i < p->index.n ? i : p->index.n];
}

/* First byte of token i, 0 after the last (the copy is followed by zeros). */
static char peek(const struct parser *p)
{
    return p->text[token(p, p->next)];
}

/* Whether a number or literal may end before s. A zero byte ends it only where the text ends. */
static bool ends_scalar(const struct parser *p, const char *s)
{
    char c = *s;

    return c == ',' || c == '}' || c == ']' || c == ' ' || c == '\n' || c == '\r' || c == '\t' ||
           s == p->text + p->source.n;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* @return the length of the number at offset at, 0 if there is none */
static size_t number_length(const struct parser *p, size_t at)
{
    const char *s = p->text + at;

    if (*s == '-')
        s++;
    if (!is_digit(*s) || (*s == '0' && is_digit(s[1])))
        return 0;
    while (is_digit(*s))
        s++;
    if (*s == '.') {
        if (!is_digit(*++s))
            return 0;
        while (is_digit(*s))
            s++;
    }
    if (*s == 'e' || *s == 'E') {
        s++;
        if (*s == '+' || *s == '-')
            s++;
        if (!is_digit(*s))
            return 0;
        while (is_digit(*s))
            s++;
    }
    return ends_scalar(p, s) ? (size_t)(s - (p->text + at)) : 0;
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int hex4(const char *s)
{
    int v = 0;

    for (int i = 0; i < 4; i++) {
        int d = hex_value(s[i]);

        if (d < 0)
            return -1;
        v = v << 4 | d;
    }
    return v;
}

static char *utf8_put(char *out, int c)
{
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xC0 | c >> 6);
        *out++ = (char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        *out++ = (char)(0xE0 | c >> 12);
        *out++ = (char)(0x80 | (c >> 6 & 0x3F));
        *out++ = (char)(0x80 | (c & 0x3F));
    } else {
        *out++ = (char)(0xF0 | c >> 18);
        *out++ = (char)(0x80 | (c >> 12 & 0x3F));
        *out++ = (char)(0x80 | (c >> 6 & 0x3F));
        *out++ = (char)(0x80 | (c & 0x3F));
    }
    return out;
}

/* Reads the escape at *in (a backslash), writes what it means; NULL and *ret_why if it is bad.
 * Never reads beyond the closing quote: a quote is no hexadecimal digit. */
static char *unescape_one(const char **in, char *out, bool nul, const char **ret_why)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *s = *in + 1, *hit;
    int c, low;

    *ret_why = "unknown escape";
    if (*s != 'u') {
        hit = *s ? strchr(from, *s) : NULL;
        if (!hit)
            return NULL;
        *in = s + 1;
        *out = to[hit - from];
        return out + 1;
    }
    c = hex4(s + 1);
    s += 5;
    if (c < 0)
        return NULL;
    if (c >= 0xD800 && c < 0xE000) {
        *ret_why = "half of a surrogate pair";
        if (c >= 0xDC00 || s[0] != '\\' || s[1] != 'u')
            return NULL;
        low = hex4(s + 2);
        if (low < 0xDC00 || low > 0xDFFF)
            return NULL;
        s += 6;
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
    }
    *ret_why = "U+0000 in a string";
    if (c == 0 && !nul)
        return NULL;
    *in = s;
    return utf8_put(out, c);
}

static bool unescape(struct parser *p, size_t from, size_t end, struct kh_str *ret)
{
    const char *in = p->text + p->escape, *stop = p->text + end, *why = NULL;
    char *out = p->text + p->escape;

    while (in < stop) {
        if (*in != '\\') {
            *out++ = *in++;
            continue;
        }
        out = unescape_one(&in, out, p->nul, &why);
        if (!out)
            return fail(p, (size_t)(in - p->text), why);
    }
    *ret = kh_str(p->text + from, (size_t)(out - (p->text + from)));
    return true;
}

static size_t next_escape(const struct parser *p, size_t from)
{
    const char *hit = memchr(p->text + from, '\\', p->source.n - from);

    return hit ? (size_t)(hit - p->text) : p->source.n;
}

/* Reads the string token that p->next names. Between its closing quote and the next token there is
 * nothing but white space, so the quote is found from behind, without reading the string. */
static bool read_string(struct parser *p, struct kh_str *ret)
{
    size_t from = token(p, p->next) + 1, end = token(p, p->next + 1) - 1;

    p->next++;
    while (p->text[end] != '"')
        end--;
    if (p->escape < end) {
        if (!unescape(p, from, end, ret))
            return false;
        p->escape = next_escape(p, end);
        return true;
    }
    *ret = kh_str(p->text + from, end - from);
    return true;
}

/* Reads "key": and leaves p->next at the value. */
static bool read_key(struct parser *p)
{
    if (peek(p) != '"')
        return fail(p, token(p, p->next), "a key in quotes expected");
    if (!read_string(p, &p->key))
        return false;
    if (peek(p) != ':')
        return fail(p, token(p, p->next), "':' expected");
    p->next++;
    return true;
}

/* ---- tree ---- */

static struct kh_json *push(struct parser *p)
{
    struct slots *s = &p->slots;
    struct kh_json_member *m;

    if (s->n == s->cap) {
        struct kh_json_member *more =
            realloc(s->at == s->first ? NULL : s->at, s->cap * 2 * sizeof(*more));

        KH_REQUIRE(more != NULL);
        if (s->at == s->first)
            memcpy(more, s->first, sizeof(s->first));
        s->at = more;
        s->cap *= 2;
    }
    m = &s->at[s->n++];
    m->key = p->key;
    m->value = (struct kh_json){.type = KH_JSON_NULL};
    return &m->value;
}

static int by_key(const void *a, const void *b)
{
    const struct kh_json_member *x = *(const struct kh_json_member *const *)a;
    const struct kh_json_member *y = *(const struct kh_json_member *const *)b;
    int r = kh_str_cmp(x->key, y->key);

    return r ? r : x < y ? -1 : x > y;
}

/* Sorted, so that no choice of keys makes it quadratic. */
static const char *repeated_of_many(struct kh_json_member *m, size_t n)
{
    struct kh_json_member **sorted = malloc(n * sizeof(struct kh_json_member *));
    const char *first = NULL;

    KH_REQUIRE(sorted != NULL);
    for (size_t i = 0; i < n; i++)
        sorted[i] = &m[i];
    qsort(sorted, n, sizeof(sorted[0]), by_key);
    for (size_t i = 1; i < n; i++)
        if (kh_str_eq(sorted[i - 1]->key, sorted[i]->key) && (!first || sorted[i]->key.p < first))
            first = sorted[i]->key.p;
    free(sorted);
    return first;
}

/* @return where the first key stands that was there before; NULL if there is none */
static const char *repeated(struct kh_json_member *m, size_t n)
{
    uint64_t seen = 0;

    if (n >= SORT_FROM)
        return repeated_of_many(m, n);
    for (size_t i = 0; i < n; i++) {
        struct kh_str k = m[i].key;
        unsigned h = k.n ? (unsigned)k.n + (unsigned char)k.p[0] * 7U +
                               (unsigned char)k.p[k.n - 1] * 13U + (unsigned char)k.p[k.n / 2] * 3U
                         : 0;
        uint64_t bit = (uint64_t)1 << (h & 63);

        if (seen & bit)
            for (size_t j = 0; j < i; j++)
                if (kh_str_eq(m[j].key, k))
                    return k.p;
        seen |= bit;
    }
    return NULL;
}

static bool open_container(struct parser *p, enum kh_json_type type)
{
    struct kh_json *v;

    if (++p->depth > p->depth_max)
        return fail_at(p, KH_EC_JSON_DEPTH, token(p, p->next), "nested too deeply");
    v = push(p);
    v->type = type;
    v->n = p->open;
    p->open = (uint32_t)(p->slots.n - 1);
    p->next++;
    return true;
}

static bool close_container(struct parser *p)
{
    struct kh_json_member *m = &p->slots.at[p->open + 1];
    struct kh_json *v = &p->slots.at[p->open].value;
    size_t n = p->slots.n - p->open - 1;
    uint32_t around = v->n;

    if (v->type == KH_JSON_OBJECT) {
        const char *twice = repeated(m, n);

        if (twice)
            return fail(p, (size_t)(twice - p->text) - 1, "the same key twice");
        v->members = n ? kh_alloc_n(p->a, n, sizeof(*m)) : NULL;
        if (n)
            memcpy(v->members, m, n * sizeof(*m));
    } else {
        v->items = n ? kh_alloc_n(p->a, n, sizeof(*v->items)) : NULL;
        for (size_t i = 0; i < n; i++)
            v->items[i] = m[i].value;
    }
    if (kh_arena_over(p->a))
        return kh_fail(p->err, KH_EC_ARENA_FULL, "JSON of %zu bytes", p->source.n);
    v->n = (uint32_t)n;
    p->slots.n = p->open + 1;
    p->open = around;
    p->depth--;
    p->next++;
    return true;
}

static bool read_literal(struct parser *p, const char *word, size_t n, enum kh_json_type type)
{
    size_t at = token(p, p->next);

    if (memcmp(p->text + at, word, n) != 0 || !ends_scalar(p, p->text + at + n))
        return fail(p, at, "a value expected");
    push(p)->type = type;
    p->next++;
    return true;
}

static bool read_number(struct parser *p)
{
    size_t at = token(p, p->next), n = number_length(p, at);
    struct kh_json *v;

    if (n == 0)
        return fail(p, at, "not a number");
    v = push(p);
    v->type = KH_JSON_NUMBER;
    v->s = kh_str(p->text + at, n);
    p->next++;
    return true;
}

/* Reads one value, or the opening of a container and (in an object) the first key.
 * *ret_opened says that the next token begins another value. */
static bool begin_value(struct parser *p, bool *ret_opened)
{
    struct kh_str s;
    char c = peek(p), after;
    struct kh_json *v;

    *ret_opened = false;
    if (++p->values > p->values_max)
        return fail_at(p, KH_EC_JSON_TOO_LARGE, token(p, p->next), "too many values");
    switch (c) {
    case '"':
        if (!read_string(p, &s))
            return false;
        v = push(p);
        v->type = KH_JSON_STRING;
        v->s = s;
        return true;
    case '{':
    case '[':
        if (!open_container(p, c == '{' ? KH_JSON_OBJECT : KH_JSON_ARRAY))
            return false;
        after = peek(p);
        if (after == (c == '{' ? '}' : ']'))
            return close_container(p);
        *ret_opened = true;
        if (c == '{')
            return read_key(p);
        return true;
    case 't':
        return read_literal(p, "true", 4, KH_JSON_TRUE);
    case 'f':
        return read_literal(p, "false", 5, KH_JSON_FALSE);
    case 'n':
        return read_literal(p, "null", 4, KH_JSON_NULL);
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        return read_number(p);
    default:
        return fail(p, token(p, p->next), "a value expected");
    }
}

static bool read_document(struct parser *p)
{
    bool opened = false;

    for (;;) {
        if (!begin_value(p, &opened))
            return false;
        if (opened)
            continue;
        for (;;) { /* a value is complete: go on in the container around it */
            bool object;
            char c;

            if (p->open == NONE) {
                if (p->next != p->index.n)
                    return fail(p, token(p, p->next), "something after the value");
                return true;
            }
            object = p->slots.at[p->open].value.type == KH_JSON_OBJECT;
            c = peek(p);
            if (c == ',') {
                p->next++;
                if (object && !read_key(p))
                    return false;
                break;
            }
            if (c != (object ? '}' : ']'))
                return fail(p, token(p, p->next),
                            object ? "',' or '}' expected" : "',' or ']' expected");
            if (!close_container(p))
                return false;
        }
    }
}

bool kh_json_parse(struct kh_arena *a, struct kh_str text, const struct kh_json_limits *limits,
                   struct kh_json **ret_value, struct kh_error *err)
{
    struct kh_json_limits l = limits ? *limits : (struct kh_json_limits){0};
    size_t bytes = l.bytes ? l.bytes : (size_t)1 << 20;
    struct parser p;
    bool ok;

    if (text.n > bytes || text.n > UINT32_MAX - PAD)
        return kh_fail(err, KH_EC_JSON_TOO_LARGE, "%zu bytes, at most %zu", text.n, bytes);
    p.a = a;
    p.err = err;
    p.source = text;
    p.text = kh_alloc(a, text.n + PAD);
    if (text.n)
        memcpy(p.text, text.p, text.n);
    if (kh_arena_over(a))
        return kh_fail(err, KH_EC_ARENA_FULL, "JSON of %zu bytes", text.n);
    p.next = 0;
    p.escape = next_escape(&p, 0);
    p.open = NONE;
    p.depth = 0;
    p.depth_max = l.depth == 0 ? 64 : l.depth < DEPTH_MAX ? l.depth : DEPTH_MAX;
    p.values = 0;
    p.values_max = l.values ? l.values : 200000;
    p.nul = l.nul;
    p.key = kh_str(NULL, 0);
    p.slots.at = p.slots.first;
    p.slots.n = 0;
    p.slots.cap = SLOTS_FIRST;

    ok = scan_failed(&p, kh_json_index_scan(p.text, text.n, &p.index)) && read_document(&p);
    if (ok) {
        *ret_value = kh_new(a, struct kh_json);
        **ret_value = p.slots.at[0].value;
    }
    kh_json_index_drop(&p.index);
    if (p.slots.at != p.slots.first)
        free(p.slots.at);
    return ok;
}
