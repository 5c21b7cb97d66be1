/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that law wants without gaps: "PA-{YYYY}-{SERIAL:6}". */
#include "engine/registry/registry_int.h"

#include "base/time.h"

static void put_padded(struct kh_buf *b, int64_t v, int64_t width)
{
    kh_buf_strf(b, "%0*lld", (int)width, (long long)v);
}

struct kh_str kh_serial_format(struct kh_arena *a, struct kh_str pattern, int64_t number,
                               int64_t now_us)
{
    struct kh_buf b = kh_buf(a, 200);
    int64_t year;
    int month, day;

    kh_civil(kh_day_of(now_us), &year, &month, &day);
    while (pattern.n) {
        const char *open = memchr(pattern.p, '{', pattern.n);
        struct kh_str word, width;
        int64_t n = 1;

        kh_buf_str(&b, kh_str_cut(pattern, '{', &pattern));
        if (!open)
            break;
        word = kh_str_cut(kh_str_cut(pattern, '}', &pattern), ':', &width);
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
    }
    return kh_buf_get(&b);
}

struct kh_str kh_serial_period(struct kh_arena *a, const struct kh_serial *s, int64_t now_us)
{
    int64_t year;
    int month, day;

    kh_civil(kh_day_of(now_us), &year, &month, &day);
    switch (s->per) {
    case KH_PER_YEAR:
        return kh_strf(a, "%04lld", (long long)year);
    case KH_PER_DAY:
        return kh_date_text(a, kh_day_of(now_us));
    case KH_PER_EVER:
        break;
    }
    return KH_S("");
}
