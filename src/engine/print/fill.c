/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of papers: "Mã hồ sơ: {number}, hẹn trả {due_at|when}". */
#include "engine/print/print_int.h"

#include "base/text.h"
#include "base/time.h"
#include "base/words.h"
#include "engine/process/feel/feel.h"

#define DOTS "……………"

enum { TEXT_MAX = 64 << 10 };

enum format { AS_IS, DATE, DATE_LONG, WHEN, MONEY, WORDS, UPPER, FORMATS };

static const char *const formats[FORMATS] = {"",      "date",  "date_long", "when",
                                             "money", "words", "upper"};

static enum format format_of(struct kh_str name)
{
    int i = 0;

    while (i < FORMATS && !kh_str_is(name, formats[i]))
        i++;
    return (enum format)i;
}

bool kh_fill_format_known(struct kh_str format)
{
    return format_of(format) != FORMATS;
}

bool kh_fill_place(struct kh_str *text, struct kh_str *ret_before, struct kh_str *ret_path,
                   struct kh_str *ret_format)
{
    bool open = memchr(text->p, '{', text->n) != NULL;

    *ret_before = kh_str_cut(*text, '{', text);
    *ret_path = *ret_format = KH_S("");
    if (!open)
        return false;
    *ret_path = kh_str_cut(kh_str_cut(*text, '}', text), '|', ret_format);
    if (!ret_format->p)
        *ret_format = KH_S("");
    return true;
}

/* ---- values ---- */

static const struct kh_json *at_path(const struct kh_json *v, struct kh_str path)
{
    while (path.n && v)
        v = kh_json_find(v, kh_str_cut(path, '.', &path));
    return v;
}

/* A name that stands for nothing else is a field of the record. */
static const struct kh_json *find(const struct kh_fill *f, struct kh_str path)
{
    const struct kh_json *v = at_path(f->names, path);

    if (!v)
        return at_path(kh_json_get(f->names, "case"), path);
    return kh_json_get(v, "@feel") ? kh_json_get(v, "value") : v; /* now, as FEEL reads it */
}

static struct kh_str plain(struct kh_arena *a, const struct kh_json *v)
{
    switch (v->type) {
    case KH_JSON_STRING:
    case KH_JSON_NUMBER:
        return v->s;
    case KH_JSON_TRUE:
        return KH_S("có");
    case KH_JSON_FALSE:
        return KH_S("không");
    case KH_JSON_NULL:
    case KH_JSON_ARRAY:
    case KH_JSON_OBJECT:
        break;
    }
    return kh_json_text(a, v);
}

static struct kh_str write_time(struct kh_arena *a, enum format as, int64_t us)
{
    return as == DATE        ? kh_words_date(a, us)
           : as == DATE_LONG ? kh_words_date_long(a, us)
                             : kh_words_when(a, us);
}

static struct kh_str written(struct kh_arena *a, const struct kh_json *v, enum format as)
{
    int64_t n;

    if (!v || v->type == KH_JSON_NULL)
        return KH_S(DOTS);
    switch (as) {
    case DATE:
    case DATE_LONG:
    case WHEN:
        if (v->type == KH_JSON_STRING && kh_when_parse(v->s, &n) && n)
            return write_time(a, as, n);
        break;
    case MONEY:
        if (kh_json_as_int(v, &n))
            return kh_words_grouped(a, n);
        break;
    case WORDS:
        if (kh_json_as_int(v, &n))
            return kh_words_money(a, n);
        break;
    case UPPER:
        return kh_text_upper(a, plain(a, v));
    case AS_IS:
    case FORMATS:
        break;
    }
    return plain(a, v);
}

struct kh_str kh_fill_text(const struct kh_fill *f, struct kh_str text)
{
    struct kh_buf b = kh_buf(f->a, TEXT_MAX);
    struct kh_str before, path, format;

    while (kh_fill_place(&text, &before, &path, &format)) {
        kh_buf_str(&b, before);
        kh_buf_str(&b, written(f->a, find(f, path), format_of(format)));
    }
    kh_buf_str(&b, before);
    return kh_buf_get(&b);
}

/* ---- FEEL ---- */

const struct kh_json *kh_fill_value(const struct kh_fill *f, struct kh_str feel)
{
    static const struct kh_json null = {.type = KH_JSON_NULL};
    const struct kh_feel_value *v;
    struct kh_feel_env env = {.a = f->a, .input = kh_feel_from_json(f->a, f->names)};
    const struct kh_feel *compiled;
    struct kh_error err = {0};

    if (!kh_feel_compile(f->a, feel, KH_FEEL_EXPRESSION, NULL, 0, &compiled, &err) ||
        !kh_feel_eval(compiled, &env, &v, &err))
        return &null;
    return kh_feel_to_json(f->a, v, false);
}

bool kh_fill_begin(struct kh_arena *a, const struct kh_print_view *v,
                   const struct kh_json *definition, struct kh_fill *ret, struct kh_error *err)
{
    const struct kh_json *values = kh_json_get(definition, "values");

    *ret = (struct kh_fill){.a = a, .names = kh_json_dup(a, v->context)};
    for (uint32_t i = 0; kh_json_is(values, KH_JSON_OBJECT) && i < values->n; i++)
        kh_json_set(a, ret->names, values->members[i].key,
                    kh_json_dup(a, kh_fill_value(ret, values->members[i].value.s)));
    return !kh_arena_over(a) || kh_fail(err, KH_EC_ARENA_FULL, "the values of a paper");
}
