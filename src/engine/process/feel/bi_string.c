/* SPDX-License-Identifier: Apache-2.0 */
/* String functions (DMN 1.5 table 74). Positions count characters, not bytes. */
#include "base/buf.h"
#include "base/text.h"
#include "engine/process/feel/builtin.h"
#include "engine/process/feel/regex.h"
#include "engine/process/feel/scan.h"

/* Steps that a search over n bytes costs. */
static bool pay(const struct feel_args *args, size_t n)
{
    return feel_pay(args->r, 1 + n / 32);
}

static bool two(const struct feel_args *args, struct kh_str *x, struct kh_str *y)
{
    return feel_arg_str(args, 0, x) && feel_arg_str(args, 1, y);
}

/* Byte where character k (from 0) begins; s.n at the end. */
static size_t byte_of(struct kh_str s, int64_t k)
{
    size_t i = 0;

    for (; k > 0 && i < s.n; k--) {
        i++;
        while (i < s.n && ((unsigned char)s.p[i] & 0xC0) == 0x80)
            i++;
    }
    return i;
}

static bool cut_number(const struct feel_args *args, size_t i, int64_t *ret)
{
    struct kh_dec d;

    if (!feel_arg_num(args, i, &d))
        return false;
    if (kh_dec_scale(d, 0, KH_DEC_DOWN, &d) && kh_dec_to_int(d, ret))
        return true;
    feel_domain(args, "The position is outside the text", "Vị trí nằm ngoài chuỗi");
    return false;
}

bool feel_bi_substring(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_str s;
    int64_t at, length, n;
    size_t from;

    if (!feel_arg_str(args, 0, &s) || !cut_number(args, 1, &at))
        return true;
    n = (int64_t)kh_text_length(s);
    if (at == 0 || at > n || at < -n)
        return feel_domain(args, "The position is outside the text", "Vị trí nằm ngoài chuỗi");
    from = byte_of(s, at > 0 ? at - 1 : n + at);
    s = kh_str_skip(s, from);
    if (args->n > 2 && args->v[2].kind != KH_FEEL_NULL) {
        if (!cut_number(args, 2, &length))
            return true;
        if (length < 1)
            return feel_domain(args, "The length must be 1 or more", "Độ dài phải từ 1");
        s.n = byte_of(s, length);
    }
    *ret = feel_str(s);
    return pay(args, s.n + from);
}

bool feel_bi_string_length(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_str s;

    if (!feel_arg_str(args, 0, &s))
        return true;
    *ret = feel_int((int64_t)kh_text_length(s));
    return pay(args, s.n);
}

bool feel_bi_upper(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_str s;

    if (!feel_arg_str(args, 0, &s))
        return true;
    *ret = feel_str(kh_text_upper(args->r->a, s));
    return pay(args, s.n);
}

bool feel_bi_lower(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_str s;

    if (!feel_arg_str(args, 0, &s))
        return true;
    *ret = feel_str(kh_text_lower(args->r->a, s));
    return pay(args, s.n);
}

/* First place of y in x, or SIZE_MAX. */
static size_t find(struct kh_str x, struct kh_str y)
{
    const char *p;

    if (y.n == 0)
        return 0;
    p = x.n ? memmem(x.p, x.n, y.p, y.n) : NULL;
    return p ? (size_t)(p - x.p) : SIZE_MAX;
}

bool feel_bi_before_text(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_str x, y;
    size_t at;

    if (!two(args, &x, &y))
        return true;
    at = find(x, y);
    *ret = feel_str(kh_str(x.p, at == SIZE_MAX ? 0 : at));
    return pay(args, x.n);
}

bool feel_bi_after_text(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_str x, y;
    size_t at;

    if (!two(args, &x, &y))
        return true;
    at = find(x, y);
    *ret = feel_str(at == SIZE_MAX ? kh_str(x.p, 0) : kh_str_skip(x, at + y.n));
    return pay(args, x.n);
}

bool feel_bi_contains(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_str x = {0}, y;

    if (two(args, &x, &y))
        *ret = feel_bool(find(x, y) != SIZE_MAX);
    return pay(args, x.n);
}

bool feel_bi_starts_with(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_str x, y = {0};

    if (two(args, &x, &y))
        *ret = feel_bool(kh_str_starts(x, y));
    return pay(args, y.n);
}

bool feel_bi_ends_with(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_str x, y = {0};

    if (two(args, &x, &y))
        *ret = feel_bool(x.n >= y.n && kh_str_eq(kh_str_skip(x, x.n - y.n), y));
    return pay(args, y.n);
}

bool feel_bi_string_join(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_feel_value list;
    struct kh_str by = {0};
    struct kh_buf b = kh_buf(args->r->a, FEEL_TEXT_MAX);
    bool some = false;

    if (!feel_arg_list(args, 0, &list) ||
        (args->n > 1 && args->v[1].kind != KH_FEEL_NULL && !feel_arg_str(args, 1, &by)))
        return true;
    for (size_t i = 0; i < list.n; i++) {
        struct kh_feel_value v = feel_at(list, i);

        if (v.kind == KH_FEEL_NULL)
            continue;
        if (v.kind != KH_FEEL_STRING)
            return feel_domain(args, "Only strings are joined", "Chỉ nối được các chuỗi");
        if (some)
            kh_buf_str(&b, by);
        kh_buf_str(&b, v.s);
        some = true;
    }
    if (b.full)
        return feel_domain(args, "The text would be too long", "Chuỗi kết quả quá dài");
    *ret = feel_str(kh_buf_get(&b));
    return pay(args, b.n + list.n);
}

/* ---- regular expressions ---- */

static bool flags_of(const struct feel_args *args, size_t i, struct kh_str *ret)
{
    *ret = (struct kh_str){0};
    return i >= args->n || args->v[i].kind == KH_FEEL_NULL || feel_arg_str(args, i, ret);
}

static bool pattern(const struct feel_args *args, size_t i, struct kh_str flags,
                    struct feel_regex *re)
{
    const struct feel_regex *ready = args->r->regex;
    struct kh_str p;

    args->r->regex = NULL;
    if (!feel_arg_str(args, i, &p))
        return false;
    if (ready) {
        *re = *ready;
        return true;
    }
    if (feel_regex_compile(args->r->a, p, flags, re))
        return true;
    feel_domain(args, "The pattern is not valid", "Biểu thức mẫu không hợp lệ");
    return false;
}

/* A pattern that takes too long is null, and dear, so that it cannot be tried very often. */
static bool too_long(const struct feel_args *args)
{
    feel_domain(args, "The pattern takes too long on this text", "Mẫu này cần quá nhiều thời gian");
    return feel_pay(args->r, 50000);
}

bool feel_bi_matches(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct feel_regex re;
    struct kh_str s, flags;
    const size_t *spans;
    enum feel_found f;

    if (!feel_arg_str(args, 0, &s) || !flags_of(args, 2, &flags) || !pattern(args, 1, flags, &re))
        return feel_pay(args->r, 20);
    f = feel_regex_find(args->r->a, &re, s, 0, &spans);
    if (f == FEEL_FOUND_LIMIT)
        return too_long(args);
    *ret = feel_bool(f == FEEL_FOUND);
    return feel_pay(args->r, 20 + s.n / 8);
}

/* A pattern that matches nothing at all would match everywhere: an error in XPath. */
static bool matches_empty(const struct feel_args *args, const struct feel_regex *re)
{
    const size_t *spans;

    if (feel_regex_find(args->r->a, re, (struct kh_str){0}, 0, &spans) == FEEL_FOUND_NOTHING)
        return false;
    feel_domain(args, "The pattern matches an empty text", "Mẫu khớp cả chuỗi rỗng");
    return true;
}

/* The replacement: $n is a group, \$ and \\ are themselves. @return false if it is not valid */
static bool expand(struct kh_buf *out, struct kh_str with, struct kh_str s, const size_t *spans,
                   unsigned groups)
{
    for (size_t i = 0; i < with.n; i++) {
        unsigned n = 0;
        size_t k = i + 1;

        if (with.p[i] == '\\') {
            if (k >= with.n || (with.p[k] != '\\' && with.p[k] != '$'))
                return false;
            kh_buf_c(out, with.p[++i]);
            continue;
        }
        if (with.p[i] != '$') {
            kh_buf_c(out, with.p[i]);
            continue;
        }
        if (k >= with.n || with.p[k] < '0' || with.p[k] > '9')
            return false;
        n = (unsigned)(with.p[k++] - '0');
        while (k < with.n && with.p[k] >= '0' && with.p[k] <= '9' &&
               n * 10 + (unsigned)(with.p[k] - '0') <= groups)
            n = n * 10 + (unsigned)(with.p[k++] - '0');
        if (n <= groups && spans && spans[2 * n] != SIZE_MAX)
            kh_buf_add(out, s.p + spans[2 * n], spans[2 * n + 1] - spans[2 * n]);
        i = k - 1;
    }
    return true;
}

bool feel_bi_replace(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_buf out = kh_buf(args->r->a, FEEL_TEXT_MAX);
    struct kh_str s, with, flags;
    struct feel_regex re;
    enum feel_found f;
    const size_t *spans;
    size_t at = 0;

    if (!feel_arg_str(args, 0, &s) || !feel_arg_str(args, 2, &with) || !flags_of(args, 3, &flags) ||
        !pattern(args, 1, flags, &re) || matches_empty(args, &re))
        return feel_pay(args->r, 20);
    if (!expand(&out, with, s, NULL, re.groups))
        return feel_domain(args, "The replacement is not valid", "Chuỗi thay thế không hợp lệ");
    out.n = 0;
    while ((f = feel_regex_find(args->r->a, &re, s, at, &spans)) == FEEL_FOUND &&
           spans[1] > spans[0]) {
        kh_buf_add(&out, s.p + at, spans[0] - at);
        (void)expand(&out, with, s, spans, re.groups);
        at = spans[1];
        if (out.full || !feel_pay(args->r, 20))
            return out.full
                       ? feel_domain(args, "The text would be too long", "Chuỗi kết quả quá dài")
                       : false;
    }
    if (f == FEEL_FOUND_LIMIT)
        return too_long(args);
    kh_buf_str(&out, kh_str_skip(s, at));
    if (out.full)
        return feel_domain(args, "The text would be too long", "Chuỗi kết quả quá dài");
    *ret = feel_str(kh_buf_get(&out));
    return pay(args, s.n);
}

bool feel_bi_split(const struct feel_args *args, struct kh_feel_value *ret)
{
    struct kh_feel_value *items = NULL;
    struct feel_regex re;
    struct kh_str s;
    enum feel_found f;
    const size_t *spans;
    size_t at = 0, n = 0, cap = 0;

    if (!feel_arg_str(args, 0, &s) || !pattern(args, 1, (struct kh_str){0}, &re) ||
        matches_empty(args, &re))
        return feel_pay(args->r, 20);
    while ((f = feel_regex_find(args->r->a, &re, s, at, &spans)) == FEEL_FOUND &&
           spans[1] > spans[0]) {
        items = kh_grow(args->r->a, items, n, n + 1, &cap, sizeof(*items));
        items[n++] = feel_str(kh_str(s.p + at, spans[0] - at));
        at = spans[1];
        if (!feel_pay(args->r, 20))
            return false;
    }
    if (f == FEEL_FOUND_LIMIT)
        return too_long(args);
    items = kh_grow(args->r->a, items, n, n + 1, &cap, sizeof(*items));
    items[n++] = feel_str(kh_str_skip(s, at));
    *ret = feel_list(items, n);
    return pay(args, s.n);
}
