/* SPDX-License-Identifier: Apache-2.0 */
#include "base/words.h"

#include "base/buf.h"
#include "base/text.h"
#include "base/time.h"

enum { WORDS_MAX = 600 };

static const char *const digits[] = {"không", "một", "hai", "ba",  "bốn",
                                     "năm",   "sáu", "bảy", "tám", "chín"};

static void say(struct kh_buf *b, const char *word)
{
    if (b->n)
        kh_buf_c(b, ' ');
    kh_buf_z(b, word);
}

/* Three digits; behind larger ones (whole) every place is read, "không trăm linh năm". */
static void say_group(struct kh_buf *b, unsigned n, bool whole)
{
    unsigned hundreds = n / 100, tens = n / 10 % 10, ones = n % 10;

    if (whole || hundreds) {
        say(b, digits[hundreds]);
        say(b, "trăm");
    }
    if (tens == 1) {
        say(b, "mười");
    } else if (tens) {
        say(b, digits[tens]);
        say(b, "mươi");
    } else if (ones && (whole || hundreds)) {
        say(b, "linh");
    }
    if (ones == 1 && tens > 1)
        say(b, "mốt");
    else if (ones == 4 && tens > 1)
        say(b, "tư");
    else if (ones == 5 && tens)
        say(b, "lăm");
    else if (ones)
        say(b, digits[ones]);
}

/* Below a thousand million; whole as above. */
static void say_millions(struct kh_buf *b, unsigned n, bool whole)
{
    static const char *const names[] = {"triệu", "nghìn", ""};
    const unsigned groups[] = {n / 1000000, n / 1000 % 1000, n % 1000};

    for (unsigned i = 0; i < 3; i++)
        if (groups[i]) {
            say_group(b, groups[i], whole);
            if (*names[i])
                say(b, names[i]);
            whole = true;
        }
}

static void say_all(struct kh_buf *b, uint64_t n, bool whole)
{
    const uint64_t billion = 1000000000;

    if (n >= billion) {
        say_all(b, n / billion, whole);
        say(b, "tỷ");
        whole = true;
    }
    say_millions(b, (unsigned)(n % billion), whole);
}

struct kh_str kh_words_number(struct kh_arena *a, int64_t n)
{
    struct kh_buf b = kh_buf(a, WORDS_MAX);

    if (n == 0)
        return KH_S("không");
    if (n < 0)
        say(&b, "âm");
    say_all(&b, n < 0 ? 0 - (uint64_t)n : (uint64_t)n, false);
    return kh_buf_get(&b);
}

struct kh_str kh_words_money(struct kh_arena *a, int64_t dong)
{
    struct kh_str s = kh_words_number(a, dong);
    size_t first = 1; /* of the first character, in bytes */

    while (first < s.n && ((unsigned char)s.p[first] & 0xc0) == 0x80)
        first++;
    return kh_strf(a, "%.*s%.*s đồng", KH_FMT(kh_text_upper(a, kh_str(s.p, first))),
                   KH_FMT(kh_str_skip(s, first)));
}

struct kh_str kh_words_grouped(struct kh_arena *a, int64_t n)
{
    struct kh_str plain = kh_strf(a, "%llu", (unsigned long long)(n < 0 ? 0 - (uint64_t)n : (uint64_t)n));
    struct kh_buf b = kh_buf(a, 64);

    if (n < 0)
        kh_buf_c(&b, '-');
    for (size_t i = 0; i < plain.n; i++) {
        if (i > 0 && (plain.n - i) % 3 == 0)
            kh_buf_c(&b, '.');
        kh_buf_c(&b, plain.p[i]);
    }
    return kh_buf_get(&b);
}

static void civil_of(int64_t us, int64_t *year, int *month, int *day)
{
    kh_civil(kh_day_of(us), year, month, day);
}

struct kh_str kh_words_date(struct kh_arena *a, int64_t us)
{
    int64_t year;
    int month, day;

    civil_of(us, &year, &month, &day);
    return kh_strf(a, month < 3 ? "%02d/%02d/%lld" : "%02d/%d/%lld", day, month, (long long)year);
}

struct kh_str kh_words_date_long(struct kh_arena *a, int64_t us)
{
    int64_t year;
    int month, day;

    civil_of(us, &year, &month, &day);
    return kh_strf(a, month < 3 ? "ngày %02d tháng %02d năm %lld" : "ngày %02d tháng %d năm %lld",
                   day, month, (long long)year);
}

struct kh_str kh_words_when(struct kh_arena *a, int64_t us)
{
    int64_t minutes = (us - kh_day_start(kh_day_of(us))) / KH_US_MIN;

    return kh_strf(a, "%02d giờ %02d phút, ngày %.*s", (int)(minutes / 60), (int)(minutes % 60),
                   KH_FMT(kh_words_date(a, us)));
}
