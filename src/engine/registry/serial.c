/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that law wants without gaps: "PA-{YYYY}-{SERIAL:6}". */
#include "engine/registry/registry_int.h"

#include "base/agency.h"
#include "base/time.h"

static void put_padded(struct kh_buf *b, int64_t v, int64_t width)
{
    kh_buf_strf(b, "%0*lld", (int)width, (long long)v);
}

/* Text up to the next {word:width}, which is cut off too. @return false at the end */
static bool next_word(struct kh_str *pattern, struct kh_str *ret_text, struct kh_str *ret_word,
                      struct kh_str *ret_width)
{
    bool open = memchr(pattern->p, '{', pattern->n) != NULL;

    *ret_text = kh_str_cut(*pattern, '{', pattern);
    if (open)
        *ret_word = kh_str_cut(kh_str_cut(*pattern, '}', pattern), ':', ret_width);
    return open;
}

static struct kh_str text_of(const struct kh_json *fields, struct kh_str name)
{
    const struct kh_json *v = kh_json_find(fields, name);

    return kh_json_is(v, KH_JSON_STRING) ? v->s : KH_S("");
}

/* {field} is the text of a field, {old:field} an agency code in the old system, if it has one there. */
static struct kh_str value_of(struct kh_arena *a, const struct kh_json *fields, struct kh_str word,
                              struct kh_str width)
{
    struct kh_agency_code code;
    struct kh_str v, old = {0};

    if (!kh_str_is(word, "old"))
        return text_of(fields, word);
    v = text_of(fields, width);
    if (kh_agency_parse(v, &code))
        old = kh_agency_old(a, &code);
    return old.p ? old : v;
}

struct kh_str kh_serial_format(struct kh_arena *a, struct kh_str pattern, int64_t number,
                               int64_t now_us, const struct kh_json *fields)
{
    struct kh_buf b = kh_buf(a, 400);
    struct kh_str text, word, width;
    int64_t year;
    int month, day;

    kh_civil(kh_day_of(now_us), &year, &month, &day);
    for (;;) {
        bool more = next_word(&pattern, &text, &word, &width);
        int64_t n = 1;

        kh_buf_str(&b, text);
        if (!more)
            break;
        if (width.n && (!kh_str_int(width, &n) || n < 1 || n > 18))
            n = 1;
        if (kh_str_is(word, "YYYY"))
            put_padded(&b, year, 4);
        else if (kh_str_is(word, "YY"))
            put_padded(&b, year % 100, 2);
        else if (kh_str_is(word, "MM"))
            put_padded(&b, month, 2);
        else if (kh_str_is(word, "DD"))
            put_padded(&b, day, 2);
        else if (kh_str_is(word, "SERIAL"))
            put_padded(&b, number, n);
        else
            kh_buf_str(&b, value_of(a, fields, word, width));
    }
    return kh_buf_get(&b);
}

struct kh_str kh_serial_field(struct kh_str *pattern)
{
    static const char *const own[] = {"YYYY", "YY", "MM", "DD", "SERIAL"};
    struct kh_str text, word, width;

    while (next_word(pattern, &text, &word, &width)) {
        bool known = false;

        for (size_t i = 0; i < KH_LEN(own); i++)
            known = known || kh_str_is(word, own[i]);
        if (!known)
            return kh_str_is(word, "old") ? width : word;
    }
    return (struct kh_str){0};
}

struct kh_str kh_serial_period(struct kh_arena *a, const struct kh_serial *s, int64_t now_us,
                               const struct kh_json *fields)
{
    struct kh_buf b = kh_buf(a, 400);
    struct kh_str rest = s->pattern, name;
    int64_t year;
    int month, day;

    kh_civil(kh_day_of(now_us), &year, &month, &day);
    if (s->per == KH_PER_YEAR)
        put_padded(&b, year, 4);
    else if (s->per == KH_PER_DAY)
        kh_buf_str(&b, kh_date_text(a, kh_day_of(now_us)));
    while ((name = kh_serial_field(&rest)).p) {
        kh_buf_c(&b, ' ');
        kh_buf_str(&b, text_of(fields, name));
    }
    return b.n ? kh_buf_get(&b) : KH_S("");
}
