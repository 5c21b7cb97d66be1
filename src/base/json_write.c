/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "base/json_index.h"

#include <stdlib.h>

/* Bytes from p on that stand for themselves in a string, eight at a time. */
static size_t plain_length(const char *p, size_t n)
{
    const uint64_t ones = UINT64_MAX / 255, high = ones << 7;
    size_t i = 0;

    for (; n - i >= 8; i += 8) {
        uint64_t w, quote, slash, below;

        memcpy(&w, p + i, 8);
        quote = w ^ ones * '"';
        slash = w ^ ones * '\\';
        /* The high bit of each byte that is zero after the XOR, or that is below 0x20; borrows may
         * mark a byte behind such a one too, so the loop below decides. */
        below = (w - ones * 0x20) & ~w;
        if ((((quote - ones) & ~quote) | ((slash - ones) & ~slash) | below) & high)
            break;
    }
    while (i < n && (unsigned char)p[i] >= 0x20 && p[i] != '"' && p[i] != '\\')
        i++;
    return i;
}

static void escape(struct kh_buf *b, unsigned char c)
{
    static const char hex[] = "0123456789abcdef", named[] = "\b\t\n\f\r", letters[] = "btnfr";
    char esc[6] = {'\\', (char)c, '0', '0', 0, 0};
    const char *hit = c ? memchr(named, c, sizeof(named) - 1) : NULL;
    size_t n = 2;

    if (hit) {
        esc[1] = letters[hit - named];
    } else if (c < 0x20) {
        esc[1] = 'u';
        esc[4] = hex[c >> 4];
        esc[5] = hex[c & 15];
        n = 6;
    }
    kh_buf_add(b, esc, n);
}

void kh_json_quote(struct kh_buf *b, struct kh_str s)
{
    kh_buf_c(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        size_t n = plain_length(s.p + i, s.n - i);

        kh_buf_add(b, s.p + i, n);
        i += n;
        if (i < s.n)
            escape(b, (unsigned char)s.p[i]);
    }
    kh_buf_c(b, '"');
}

static int by_key(const void *a, const void *b)
{
    const struct kh_json_member *x = *(const struct kh_json_member *const *)a;
    const struct kh_json_member *y = *(const struct kh_json_member *const *)b;

    return kh_str_cmp(x->key, y->key);
}

static const struct kh_json_member **sorted(struct kh_arena *a, const struct kh_json *v)
{
    const struct kh_json_member **m = kh_alloc_n(a, v->n, sizeof(m[0]));

    for (uint32_t i = 0; i < v->n; i++)
        m[i] = &v->members[i];
    if (v->n > 1)
        qsort(m, v->n, sizeof(m[0]), by_key);
    return m;
}

static void write(struct kh_buf *b, const struct kh_json *v, bool canonical)
{
    const struct kh_json_member **order = NULL;

    switch (v->type) {
    case KH_JSON_NULL:
        kh_buf_z(b, "null");
        return;
    case KH_JSON_FALSE:
        kh_buf_z(b, "false");
        return;
    case KH_JSON_TRUE:
        kh_buf_z(b, "true");
        return;
    case KH_JSON_NUMBER:
        kh_buf_str(b, v->s);
        return;
    case KH_JSON_STRING:
        kh_json_quote(b, v->s);
        return;
    case KH_JSON_ARRAY:
        for (uint32_t i = 0; i < v->n; i++) {
            kh_buf_c(b, i ? ',' : '[');
            write(b, &v->items[i], canonical);
        }
        kh_buf_z(b, v->n ? "]" : "[]");
        return;
    case KH_JSON_OBJECT:
        if (canonical)
            order = sorted(b->a, v);
        for (uint32_t i = 0; i < v->n; i++) {
            const struct kh_json_member *m = order ? order[i] : &v->members[i];

            kh_buf_c(b, i ? ',' : '{');
            kh_json_quote(b, m->key);
            kh_buf_c(b, ':');
            write(b, &m->value, canonical);
        }
        kh_buf_z(b, v->n ? "}" : "{}");
        return;
    }
}

void kh_json_write(struct kh_buf *b, const struct kh_json *v)
{
    write(b, v, false);
}

void kh_json_canon(struct kh_buf *b, const struct kh_json *v)
{
    write(b, v, true);
}

struct kh_str kh_json_text(struct kh_arena *a, const struct kh_json *v)
{
    struct kh_buf b = kh_buf(a, SIZE_MAX / 4);

    kh_json_write(&b, v);
    return kh_buf_get(&b);
}

/* ---- writer ---- */

struct kh_jw kh_jw(struct kh_buf *b)
{
    return (struct kh_jw){.b = b};
}

/* Before a value or key: the comma that parts it from the one before. */
static void part(struct kh_jw *w)
{
    uint64_t bit = (uint64_t)1 << w->depth;

    if (w->after_key) {
        w->after_key = false;
        return;
    }
    if (w->comma & bit)
        kh_buf_c(w->b, ',');
    w->comma |= bit;
}

static void open(struct kh_jw *w, bool array)
{
    part(w);
    KH_REQUIRE(w->depth < 63);
    w->depth++;
    w->comma &= ~((uint64_t)1 << w->depth);
    w->array &= ~((uint64_t)1 << w->depth);
    w->array |= (uint64_t)array << w->depth;
    kh_buf_c(w->b, array ? '[' : '{');
}

void kh_jw_obj(struct kh_jw *w)
{
    open(w, false);
}

void kh_jw_arr(struct kh_jw *w)
{
    open(w, true);
}

void kh_jw_end(struct kh_jw *w)
{
    KH_REQUIRE(w->depth > 0);
    kh_buf_c(w->b, w->array >> w->depth & 1 ? ']' : '}');
    w->depth--;
}

void kh_jw_keys(struct kh_jw *w, struct kh_str key)
{
    part(w);
    kh_json_quote(w->b, key);
    kh_buf_c(w->b, ':');
    w->after_key = true;
}

void kh_jw_key(struct kh_jw *w, const char *key)
{
    kh_jw_keys(w, kh_cstr(key));
}

void kh_jw_str(struct kh_jw *w, struct kh_str s)
{
    part(w);
    kh_json_quote(w->b, s);
}

void kh_jw_z(struct kh_jw *w, const char *z)
{
    kh_jw_str(w, kh_cstr(z));
}

void kh_jw_int(struct kh_jw *w, int64_t v)
{
    part(w);
    kh_buf_int(w->b, v);
}

void kh_jw_double(struct kh_jw *w, double v)
{
    char z[32];

    part(w);
    if (__builtin_isfinite(v))
        kh_buf_add(w->b, z, kh_double_put(z, v));
    else
        kh_buf_z(w->b, "null");
}

void kh_jw_bool(struct kh_jw *w, bool v)
{
    part(w);
    kh_buf_z(w->b, v ? "true" : "false");
}

void kh_jw_null(struct kh_jw *w)
{
    part(w);
    kh_buf_z(w->b, "null");
}

void kh_jw_json(struct kh_jw *w, const struct kh_json *v)
{
    part(w);
    kh_json_write(w->b, v);
}

void kh_jw_raw(struct kh_jw *w, struct kh_str json)
{
    part(w);
    kh_buf_str(w->b, json);
}
