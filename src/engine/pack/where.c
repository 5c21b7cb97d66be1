/* SPDX-License-Identifier: Apache-2.0 */
/* The text has been parsed before, so only what is well formed is expected here. */
#include "engine/pack/pack_int.h"

struct walk {
    struct kh_str s;
    size_t at;
};

static void skip_space(struct walk *w)
{
    while (w->at < w->s.n && strchr(" \t\r\n", w->s.p[w->at]) && w->s.p[w->at])
        w->at++;
}

static char peek(const struct walk *w)
{
    return w->at < w->s.n ? w->s.p[w->at] : '\0';
}

/* Past a string; w stands on its first quote. @return the text between the quotes, as written */
static struct kh_str skip_string(struct walk *w)
{
    size_t from = ++w->at;

    while (w->at < w->s.n && w->s.p[w->at] != '"')
        w->at += w->s.p[w->at] == '\\' ? 2 : 1;
    w->at = w->at < w->s.n ? w->at + 1 : w->s.n;
    return kh_str(w->s.p + from, w->at - from - 1);
}

/* Past a value of any kind, without recursion. */
static void skip_value(struct walk *w)
{
    size_t depth = 0;

    do {
        char c = peek(w);

        if (c == '"') {
            skip_string(w);
        } else {
            depth += c == '{' || c == '[';
            depth -= (c == '}' || c == ']') && depth > 0;
            w->at++;
        }
        if (depth == 0) {
            /* the rest of a number or word */
            while (c != '"' && c != '}' && c != ']' && w->at < w->s.n &&
                   !strchr(",]} \t\r\n", w->s.p[w->at]))
                w->at++;
            return;
        }
    } while (w->at < w->s.n);
}

/* A key as it reads; keys with escapes are parsed. */
static struct kh_str key_text(struct kh_arena *a, struct kh_str raw)
{
    struct kh_error err = {0};
    struct kh_json *v;

    if (!raw.n || !memchr(raw.p, '\\', raw.n) ||
        !kh_json_parse(a, kh_str(raw.p - 1, raw.n + 2), NULL, &v, &err))
        return raw;
    return v->s;
}

/* RFC 6901: ~1 is /, ~0 is ~. */
static struct kh_str token_text(struct kh_arena *a, struct kh_str raw)
{
    char *p = kh_str_z(a, raw);
    size_t n = 0;

    for (size_t i = 0; i < raw.n; i++) {
        if (raw.p[i] == '~' && i + 1 < raw.n)
            p[n++] = raw.p[++i] == '1' ? '/' : '~';
        else
            p[n++] = raw.p[i];
    }
    return kh_str(p, n);
}

/* From an object or array to a member of it. @return false if it is not there */
static bool enter(struct kh_arena *a, struct walk *w, struct kh_str token)
{
    char open = peek(w), close = open == '{' ? '}' : ']';
    int64_t want = -1, i = 0;

    if (open != '{' && (open != '[' || !kh_str_int(token, &want)))
        return false;
    w->at++;
    for (;; i++) {
        struct kh_str key = {NULL, 0};

        skip_space(w);
        if (peek(w) == close || peek(w) == '\0')
            return false;
        if (open == '{') {
            key = key_text(a, skip_string(w));
            skip_space(w);
            w->at++; /* the colon */
            skip_space(w);
        }
        if (open == '{' ? kh_str_eq(key, token) : i == want)
            return true;
        skip_value(w);
        skip_space(w);
        if (peek(w) == ',')
            w->at++;
    }
}

size_t kh_json_where(struct kh_arena *a, struct kh_str text, struct kh_str pointer)
{
    struct walk w = {.s = text};
    size_t found;

    skip_space(&w);
    found = w.at;
    while (pointer.n && pointer.p[0] == '/') {
        struct kh_str token = kh_str_cut(kh_str_skip(pointer, 1), '/', &pointer);

        if (!enter(a, &w, token_text(a, token)))
            break;
        found = w.at;
        if (pointer.n)
            pointer = kh_str(pointer.p - 1, pointer.n + 1); /* back onto the slash */
    }
    return found;
}

void kh_text_place(struct kh_str text, size_t at, size_t *ret_line, size_t *ret_column)
{
    size_t line = 1, column = 1;

    for (size_t i = 0; i < at && i < text.n; i++) {
        if (text.p[i] == '\n') {
            line++;
            column = 1;
        } else if ((text.p[i] & 0xC0) != 0x80) {
            column++;
        }
    }
    *ret_line = line;
    *ret_column = column;
}
