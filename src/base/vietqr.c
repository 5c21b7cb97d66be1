/* SPDX-License-Identifier: Apache-2.0 */
#include "base/vietqr.h"

#include "base/buf.h"
#include "base/text.h"

#include <stdio.h>

enum { TEXT_MAX = 400, FIELD_MAX = 99, PURPOSE_MAX = 25, BILL_MAX = 25, ACCOUNT_MAX = 19 };

/* CRC-16/CCITT-FALSE: polynomial 0x1021, begins with 0xFFFF. */
static unsigned sum_of(struct kh_str s)
{
    unsigned crc = 0xffff;

    for (size_t i = 0; i < s.n; i++) {
        crc ^= (unsigned)(unsigned char)s.p[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1) & 0xffff;
    }
    return crc;
}

static void field(struct kh_buf *b, const char *id, struct kh_str value)
{
    kh_buf_strf(b, "%s%02zu%.*s", id, value.n, KH_FMT(value));
}

static bool all(struct kh_str s, bool letters)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= '0' && s.p[i] <= '9') ||
              (letters && ((s.p[i] >= 'A' && s.p[i] <= 'Z') || (s.p[i] >= 'a' && s.p[i] <= 'z')))))
            return false;
    return s.n > 0;
}

/* Accents off, and only what every bank shows. */
static struct kh_str purpose_text(struct kh_arena *a, struct kh_str s)
{
    struct kh_str plain = kh_text_plain(a, s, 1000);
    struct kh_buf b = kh_buf(a, PURPOSE_MAX);

    for (size_t i = 0; i < plain.n && b.n < PURPOSE_MAX; i++)
        kh_buf_c(&b, plain.p[i] > ' ' && plain.p[i] < 0x7f ? plain.p[i] : ' ');
    return kh_str_trim(kh_buf_get(&b));
}

struct kh_str kh_vietqr_text(struct kh_arena *a, const struct kh_vietqr *q)
{
    struct kh_buf b = kh_buf(a, TEXT_MAX), bank = kh_buf(a, FIELD_MAX), to = kh_buf(a, FIELD_MAX);
    struct kh_buf more = kh_buf(a, FIELD_MAX);
    struct kh_str purpose = purpose_text(a, q->purpose);

    if (q->bin.n != 6 || !all(q->bin, false) || q->account.n > ACCOUNT_MAX ||
        !all(q->account, true) || q->amount < 0 || q->amount > 9999999999999 ||
        q->bill.n > BILL_MAX)
        return (struct kh_str){0};
    field(&bank, "00", q->bin);
    field(&bank, "01", q->account);
    field(&to, "00", KH_S("A000000727"));
    field(&to, "01", kh_buf_get(&bank));
    field(&to, "02", q->card ? KH_S("QRIBFTTC") : KH_S("QRIBFTTA"));
    field(&b, "00", KH_S("01"));
    field(&b, "01", q->amount ? KH_S("12") : KH_S("11")); /* for one payment, or for any number */
    field(&b, "38", kh_buf_get(&to));
    field(&b, "53", KH_S("704"));
    if (q->amount)
        field(&b, "54", kh_strf(a, "%lld", (long long)q->amount));
    field(&b, "58", KH_S("VN"));
    if (q->bill.n)
        field(&more, "01", q->bill);
    if (purpose.n)
        field(&more, "08", purpose);
    if (more.n)
        field(&b, "62", kh_buf_get(&more));
    kh_buf_z(&b, "6304");
    kh_buf_strf(&b, "%04X", sum_of(kh_buf_get(&b)));
    return kh_buf_get(&b);
}

bool kh_vietqr_sum_ok(struct kh_str text)
{
    char want[5];

    if (text.n < 8)
        return false;
    snprintf(want, sizeof(want), "%04X", sum_of(kh_str(text.p, text.n - 4)));
    return memcmp(text.p + text.n - 4, want, 4) == 0;
}
