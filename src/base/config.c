/* SPDX-License-Identifier: Apache-2.0 */
#include "base/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 1 << 20, SECRET_MAX = 1 << 14, ABOUT_COLUMNS = 76 };

#define RESTART KH_CONFIG_RESTART
#define LIVE    KH_CONFIG_LIVE
#define SECRET  KH_CONFIG_SECRET

static const struct kh_config_row rows[] = {
#define C(kind, name, min, max, def, unit, flags, about)                                           \
    {#name, KH_CONFIG_##kind, min, max, def, unit, flags, about, offsetof(struct kh_config, name)},
#include "tables/config.def"
#undef C
};

#undef RESTART
#undef LIVE
#undef SECRET

_Static_assert(KH_LEN(rows) <= 128, "struct kh_config.given has 128 bits");

const struct kh_config_row *kh_config_row(size_t i)
{
    return i < KH_LEN(rows) ? &rows[i] : NULL;
}

static const struct kh_config_row *find(struct kh_str key)
{
    for (size_t i = 0; i < KH_LEN(rows); i++)
        if (kh_str_is(key, rows[i].name))
            return &rows[i];
    return NULL;
}

static _Atomic(int64_t) *number_at(struct kh_config *c, const struct kh_config_row *r)
{
    return (_Atomic(int64_t) *)(void *)((char *)c + r->offset);
}

static int64_t number_of(const struct kh_config *c, const struct kh_config_row *r)
{
    return atomic_load_explicit(
        (const _Atomic(int64_t) *)(const void *)((const char *)c + r->offset),
        memory_order_relaxed);
}

static struct kh_str *text_at(struct kh_config *c, const struct kh_config_row *r)
{
    return (struct kh_str *)(void *)((char *)c + r->offset);
}

static struct kh_str text_of(const struct kh_config *c, const struct kh_config_row *r)
{
    return *(const struct kh_str *)(const void *)((const char *)c + r->offset);
}

/* 64, 64k, 64M, 64G: powers of 1,024. */
static bool parse_number(struct kh_str v, int64_t *ret)
{
    int64_t factor = 1, n = 0;

    if (v.n > 1) {
        switch (v.p[v.n - 1]) {
        case 'k':
            factor = 1024;
            break;
        case 'M':
            factor = 1024 * 1024;
            break;
        case 'G':
            factor = 1024 * 1024 * 1024;
            break;
        default:
            break;
        }
        if (factor > 1)
            v.n--;
    }
    return kh_str_int(v, &n) && !__builtin_mul_overflow(n, factor, ret);
}

static bool parse_bool(struct kh_str v, int64_t *ret)
{
    static const char *const words[2][4] = {{"no", "false", "off", "0"},
                                            {"yes", "true", "on", "1"}};

    for (int b = 0; b < 2; b++)
        for (size_t i = 0; i < KH_LEN(words[b]); i++)
            if (kh_str_is(v, words[b][i])) {
                *ret = b;
                return true;
            }
    return false;
}

/* Distance by single letters (Levenshtein), for "did you mean". */
static size_t distance(struct kh_str a, struct kh_str b)
{
    size_t row[64];

    if (a.n >= KH_LEN(row) || b.n >= KH_LEN(row))
        return SIZE_MAX;
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t corner = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t best = corner + (a.p[i - 1] != b.p[j - 1]);

            corner = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[b.n];
}

static bool fail_unknown(struct kh_str key, struct kh_error *err)
{
    const char *near = NULL;
    size_t best = 4;

    for (size_t i = 0; i < KH_LEN(rows); i++) {
        size_t d = distance(key, kh_cstr(rows[i].name));

        if (d < best) {
            best = d;
            near = rows[i].name;
        }
    }
    if (near)
        return kh_fail(err, KH_EC_CONFIG_INVALID, "there is no setting %.*s; did you mean %s?",
                       KH_FMT(key), near);
    return kh_fail(err, KH_EC_CONFIG_INVALID,
                   "there is no setting %.*s; khue config --explain lists them", KH_FMT(key));
}

/* Read a whole small file; the caller's arena holds it. */
static bool read_file(struct kh_arena *a, const char *path, size_t max, struct kh_str *ret,
                      struct kh_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    size_t n = 0;
    char *p;

    if (fd < 0 || fstat(fd, &st) != 0) {
        int why = errno;

        if (fd >= 0)
            close(fd);
        return kh_fail(err, KH_EC_IO, "%s: %s", path, strerror(why));
    }
    /* One byte more shows that it has grown since. */
    if (st.st_size > 0 && (size_t)st.st_size < max)
        max = (size_t)st.st_size;
    p = kh_alloc(a, max + 1);
    while (n <= max) {
        ssize_t got = read(fd, p + n, max + 1 - n);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            int why = errno;

            close(fd);
            return kh_fail(err, KH_EC_IO, "%s: %s", path, strerror(why));
        }
        if (got == 0)
            break;
        n += (size_t)got;
    }
    close(fd);
    if (n > max)
        return kh_fail(err, KH_EC_CONFIG_INVALID, "%s is longer than %zu bytes", path, max);
    *ret = kh_str(p, n);
    return true;
}

static bool set_text(struct kh_config *c, const struct kh_config_row *r, struct kh_str v,
                     struct kh_error *err)
{
    if ((r->flags & KH_CONFIG_SECRET) && v.n > 1 && v.p[0] == '@') {
        if (!read_file(c->arena, kh_str_z(c->arena, kh_str_skip(v, 1)), SECRET_MAX, &v, err))
            return false;
        v = kh_str_trim(v);
    }
    if ((int64_t)v.n < r->min || (int64_t)v.n > r->max)
        return kh_fail(err, KH_EC_CONFIG_INVALID, "%s takes %lld to %lld bytes", r->name,
                       (long long)r->min, (long long)r->max);
    if (!kh_str_utf8(v))
        return kh_fail(err, KH_EC_CONFIG_INVALID, "%s is not UTF-8 text", r->name);
    *text_at(c, r) = kh_str_dup(c->arena, v);
    return true;
}

static bool set_row(struct kh_config *c, const struct kh_config_row *r, struct kh_str v,
                    struct kh_error *err)
{
    int64_t n = 0;

    switch (r->kind) {
    case KH_CONFIG_TEXT:
        return set_text(c, r, v, err);
    case KH_CONFIG_BOOL:
        if (!parse_bool(v, &n))
            return kh_fail(err, KH_EC_CONFIG_INVALID, "%s is yes or no, not %.*s", r->name,
                           KH_FMT(v));
        break;
    case KH_CONFIG_INT:
        if (!parse_number(v, &n) || n < r->min || n > r->max)
            return kh_fail(err, KH_EC_CONFIG_INVALID, "%s is a number from %lld to %lld, not %.*s",
                           r->name, (long long)r->min, (long long)r->max, KH_FMT(v));
        break;
    }
    atomic_store_explicit(number_at(c, r), n, memory_order_relaxed);
    return true;
}

struct kh_config *kh_config_new(void)
{
    struct kh_arena *a = kh_arena_new(64 * 1024 * 1024);
    struct kh_config *c = kh_new(a, struct kh_config);
    struct kh_error err = {0};

    c->arena = a;
    for (size_t i = 0; i < KH_LEN(rows); i++) {
        KH_REQUIRE(rows[i].kind != KH_CONFIG_TEXT || !(rows[i].flags & KH_CONFIG_LIVE));
        KH_REQUIRE(set_row(c, &rows[i], kh_cstr(rows[i].fallback), &err));
    }
    return c;
}

void kh_config_drop(struct kh_config *c)
{
    if (c)
        kh_arena_drop(c->arena);
}

bool kh_config_set(struct kh_config *c, struct kh_str key, struct kh_str value,
                   struct kh_error *err)
{
    const struct kh_config_row *r = find(key);

    if (!r)
        return fail_unknown(key, err);
    if (!set_row(c, r, value, err))
        return false;
    c->given[(r - rows) / 64] |= (uint64_t)1 << ((r - rows) % 64);
    return true;
}

/* One line; seen has a bit per row that this file has set already. */
static bool read_line(struct kh_config *c, struct kh_str line, uint64_t seen[2],
                      struct kh_error *err)
{
    struct kh_str value, key;
    const struct kh_config_row *r;
    uint64_t bit;

    line = kh_str_trim(line);
    if (line.n == 0 || line.p[0] == '#')
        return true;
    if (!memchr(line.p, '=', line.n))
        return kh_fail(err, KH_EC_CONFIG_INVALID, "a line is key = value");
    key = kh_str_trim(kh_str_cut(line, '=', &value));
    value = kh_str_trim(value);
    r = find(key);
    if (!r)
        return fail_unknown(key, err);
    bit = (uint64_t)1 << ((r - rows) % 64);
    if (seen[(r - rows) / 64] & bit)
        return kh_fail(err, KH_EC_CONFIG_INVALID, "%s is set twice", r->name);
    seen[(r - rows) / 64] |= bit;
    return kh_config_set(c, key, value, err);
}

bool kh_config_text(struct kh_config *c, const char *name, struct kh_str text, struct kh_error *err)
{
    uint64_t seen[2] = {0, 0};

    if (!kh_str_utf8(text))
        return kh_fail(err, KH_EC_CONFIG_INVALID, "%s is not UTF-8 text", name);
    for (unsigned line = 1; text.n; line++)
        if (!read_line(c, kh_str_cut(text, '\n', &text), seen, err))
            return kh_error_wrap(err, "%s:%u", name, line);
    return true;
}

bool kh_config_file(struct kh_config *c, const char *path, struct kh_error *err)
{
    struct kh_str text;

    return read_file(c->arena, path, FILE_MAX, &text, err) && kh_config_text(c, path, text, err);
}

size_t kh_config_live(struct kh_config *running, const struct kh_config *read,
                      struct kh_buf *restart)
{
    size_t n = 0;

    for (size_t i = 0; i < KH_LEN(rows); i++) {
        const struct kh_config_row *r = &rows[i];
        bool same = r->kind == KH_CONFIG_TEXT ? kh_str_eq(text_of(running, r), text_of(read, r))
                                              : number_of(running, r) == number_of(read, r);

        if (same)
            continue;
        if (r->flags & KH_CONFIG_LIVE) {
            atomic_store_explicit(number_at(running, r), number_of(read, r), memory_order_relaxed);
            continue;
        }
        if (n++)
            kh_buf_z(restart, ", ");
        kh_buf_z(restart, r->name);
    }
    return n;
}

/* Words of text in lines of ABOUT_COLUMNS letters, each line after the prefix. */
static void put_paragraph(struct kh_buf *out, const char *prefix, struct kh_str text)
{
    size_t column = 0;

    while (text.n) {
        struct kh_str word = kh_str_cut(text, ' ', &text);

        if (column + word.n + 1 > ABOUT_COLUMNS) {
            kh_buf_c(out, '\n');
            column = 0;
        }
        kh_buf_z(out, column ? " " : prefix);
        kh_buf_str(out, word);
        column += word.n + 1;
    }
    kh_buf_c(out, '\n');
}

static void put_value(struct kh_buf *out, const struct kh_config *c, const struct kh_config_row *r)
{
    if (r->flags & KH_CONFIG_SECRET) {
        kh_buf_z(out, text_of(c, r).n ? "(set; not shown)" : "");
        return;
    }
    switch (r->kind) {
    case KH_CONFIG_TEXT:
        kh_buf_str(out, text_of(c, r));
        break;
    case KH_CONFIG_BOOL:
        kh_buf_z(out, number_of(c, r) ? "yes" : "no");
        break;
    case KH_CONFIG_INT:
        kh_buf_int(out, number_of(c, r));
        break;
    }
}

static void explain_row(const struct kh_config *c, const struct kh_config_row *r,
                        struct kh_buf *out)
{
    kh_buf_z(out, r->name);
    if (r->unit[0])
        kh_buf_strf(out, " [%s]", r->unit);
    kh_buf_z(out, r->flags & KH_CONFIG_LIVE ? ", may change while running" : "");
    kh_buf_z(out, r->flags & KH_CONFIG_SECRET ? ", secret" : "");
    kh_buf_c(out, '\n');
    if (r->kind == KH_CONFIG_INT)
        kh_buf_strf(out, "    %lld to %lld, default %s\n", (long long)r->min, (long long)r->max,
                    r->fallback);
    else
        kh_buf_strf(out, "    default: %s\n", r->fallback[0] ? r->fallback : "(empty)");
    if (c) {
        kh_buf_z(out, "    now: ");
        put_value(out, c, r);
        kh_buf_c(out, '\n');
    }
    put_paragraph(out, "    ", kh_cstr(r->about));
    kh_buf_c(out, '\n');
}

bool kh_config_explain(const struct kh_config *c, struct kh_str key, struct kh_buf *out)
{
    const struct kh_config_row *one = key.n ? find(key) : NULL;

    if (key.n && !one)
        return false;
    for (size_t i = 0; i < KH_LEN(rows); i++)
        if (!one || one == &rows[i])
            explain_row(c, &rows[i], out);
    return true;
}

void kh_config_sample(struct kh_buf *out)
{
    kh_buf_z(out, "# Settings of khue. Every line is key = value; a line with # is a comment.\n\n");
    for (size_t i = 0; i < KH_LEN(rows); i++) {
        put_paragraph(out, "# ", kh_cstr(rows[i].about));
        kh_buf_strf(out, "#%s = %s\n\n", rows[i].name, rows[i].fallback);
    }
}

struct kh_str kh_config_word(struct kh_str *list)
{
    struct kh_str s = *list;
    size_t n = 0;

    while (s.n && (s.p[0] == ',' || s.p[0] == ' ' || s.p[0] == '\t'))
        s = kh_str_skip(s, 1);
    while (n < s.n && s.p[n] != ',' && s.p[n] != ' ' && s.p[n] != '\t')
        n++;
    *list = kh_str_skip(s, n);
    return kh_str(s.p, n);
}
