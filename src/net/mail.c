/* SPDX-License-Identifier: Apache-2.0 */
/* E-mail over SMTP. Source: RFC 5321, RFC 5322, RFC 2047 (encoded words), RFC 2045 (base64). */
#include "net/out_impl.h"

#include "base/fault.h"
#include "base/metrics.h"
#include "base/time.h"

#include <stdio.h>

enum { MAIL_MAX = 1 << 20, WORD_BYTES = 45, LINE_BYTES = 57 };

bool kh_mail_address(struct kh_str s, struct kh_str *ret)
{
    const char *open = s.n ? memrchr(s.p, '<', s.n) : NULL;
    struct kh_str a = kh_str_trim(s);
    const char *at;

    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20)
            return false;
    if (open) {
        const char *shut = memchr(open, '>', s.n - (size_t)(open - s.p));

        if (!shut)
            return false;
        a = kh_str(open + 1, (size_t)(shut - open) - 1);
    }
    if (a.n < 3 || a.n > 254)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if ((unsigned char)a.p[i] <= 0x20 || a.p[i] == 0x7f || strchr("<>,;:\\\"()[]", a.p[i]))
            return false;
    at = memchr(a.p, '@', a.n);
    if (!at || at == a.p || at == a.p + a.n - 1 || memrchr(a.p, '@', a.n) != at)
        return false;
    *ret = a;
    return true;
}

static void put_base64(struct kh_buf *b, struct kh_str s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < s.n; i += 3) {
        unsigned char x = (unsigned char)s.p[i];
        unsigned char y = i + 1 < s.n ? (unsigned char)s.p[i + 1] : 0;
        unsigned char z = i + 2 < s.n ? (unsigned char)s.p[i + 2] : 0;
        char out[4] = {digits[x >> 2], digits[(x & 3) << 4 | y >> 4],
                       i + 1 < s.n ? digits[(y & 15) << 2 | z >> 6] : '=',
                       i + 2 < s.n ? digits[z & 63] : '='};

        kh_buf_add(b, out, 4);
    }
}

static bool is_plain(struct kh_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || (unsigned char)s.p[i] > 0x7e)
            return false;
    return true;
}

/* Encoded words of whole characters, one a line, so that no line break of the text survives. */
static void put_words(struct kh_buf *b, struct kh_str s, bool always)
{
    bool first = true;

    if (!always && is_plain(s) && s.n <= WORD_BYTES) {
        kh_buf_str(b, s);
        return;
    }
    while (s.n) {
        size_t n = s.n < WORD_BYTES ? s.n : WORD_BYTES;

        while (n < s.n && n > 1 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
            n--;
        kh_buf_z(b, first ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?");
        put_base64(b, kh_str(s.p, n));
        kh_buf_z(b, "?=");
        s = kh_str_skip(s, n);
        first = false;
    }
}

/* "Name <a@b>" with the name as encoded words. */
static void put_mailbox(struct kh_buf *b, struct kh_str s)
{
    struct kh_str address = kh_str(NULL, 0), name;
    const char *open = s.n ? memrchr(s.p, '<', s.n) : NULL;

    if (!kh_mail_address(s, &address))
        return;
    name = open ? kh_str_trim(kh_str(s.p, (size_t)(open - s.p))) : kh_str(NULL, 0);
    if (name.n) {
        put_words(b, name, true);
        kh_buf_c(b, ' ');
    }
    kh_buf_strf(b, "<%.*s>", KH_FMT(address));
}

static void put_date(struct kh_buf *b, int64_t now_us)
{
    static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int64_t day = kh_day_of(now_us), s = (now_us - kh_day_start(day)) / KH_US_S, year;
    int month, d;

    kh_civil(day, &year, &month, &d);
    kh_buf_strf(b, "Date: %s, %d %s %lld %02lld:%02lld:%02lld +0700\r\n", days[kh_weekday(day) - 1],
                d, months[month - 1], (long long)year, (long long)(s / 3600),
                (long long)(s / 60 % 60), (long long)(s % 60));
}

struct kh_str kh_mail_text(struct kh_arena *a, struct kh_str from, struct kh_str to,
                           struct kh_str subject, struct kh_str text, struct kh_str id,
                           int64_t now_us)
{
    struct kh_buf b = kh_buf(a, MAIL_MAX);

    kh_buf_z(&b, "From: ");
    put_mailbox(&b, from);
    kh_buf_strf(&b, "\r\nTo: <%.*s>\r\nSubject: ", KH_FMT(to));
    put_words(&b, subject, false);
    kh_buf_z(&b, "\r\n");
    put_date(&b, now_us);
    kh_buf_strf(&b, "Message-ID: <%.*s>\r\n", KH_FMT(id));
    kh_buf_z(&b, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
                 "Content-Type: text/plain; charset=utf-8\r\n"
                 "Content-Transfer-Encoding: base64\r\n\r\n");
    for (; text.n; text = kh_str_skip(text, LINE_BYTES)) {
        put_base64(&b, kh_str(text.p, text.n < LINE_BYTES ? text.n : LINE_BYTES));
        kh_buf_z(&b, "\r\n");
    }
    return kh_buf_get(&b);
}

/* The message on its way out, the last line of assent, and the last line that came back. */
struct mailing {
    struct kh_str rest;
    char answer[200], last[200];
    size_t answer_n, last_n;
};

static size_t keep(char *out, size_t size, struct kh_str line)
{
    size_t n = line.n < size ? line.n : size;

    memcpy(out, line.p, n);
    return n;
}

static size_t give_text(char *out, size_t size, size_t n, void *ctx)
{
    struct mailing *m = ctx;
    size_t part = size * n < m->rest.n ? size * n : m->rest.n;

    if (part)
        memcpy(out, m->rest.p, part);
    m->rest = kh_str_skip(m->rest, part);
    return part;
}

static size_t take_line(char *p, size_t size, size_t n, void *ctx)
{
    struct mailing *m = ctx;
    struct kh_str line = kh_str_trim(kh_str(p, size * n));

    if (kh_str_starts(line, KH_S("250")))
        m->answer_n = keep(m->answer, sizeof(m->answer), line);
    if (!kh_str_starts(line, KH_S("221"))) /* the goodbye says nothing */
        m->last_n = keep(m->last, sizeof(m->last), line);
    return size * n;
}

static void set_up(CURL *c, const struct kh_config *cf, struct kh_arena *a, struct kh_str from,
                   struct curl_slist *to, struct mailing *m)
{
    curl_easy_setopt(c, CURLOPT_URL, cf->smtp_url.p);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)cf->out_timeout_s * 1000);
    curl_easy_setopt(c, CURLOPT_FORBID_REUSE, 1L); /* mail servers like to hear QUIT */
    if (cf->out_ca.n)
        curl_easy_setopt(c, CURLOPT_CAINFO, cf->out_ca.p);
    if (!cf->smtp_plain)
        curl_easy_setopt(c, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
    if (cf->smtp_user.n) {
        curl_easy_setopt(c, CURLOPT_USERNAME, cf->smtp_user.p);
        curl_easy_setopt(c, CURLOPT_PASSWORD, cf->smtp_password.p);
    }
    curl_easy_setopt(c, CURLOPT_MAIL_FROM, kh_str_z(a, from));
    curl_easy_setopt(c, CURLOPT_MAIL_RCPT, to);
    curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(c, CURLOPT_READFUNCTION, give_text);
    curl_easy_setopt(c, CURLOPT_READDATA, m);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_line);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, m);
}

static struct kh_str message_id(struct kh_arena *a, struct kh_str id, struct kh_str from)
{
    struct kh_str host;

    (void)kh_str_cut(from, '@', &host);
    return kh_strf(a, "%.*s@%.*s", KH_FMT(id), KH_FMT(host));
}

/* "550 5.1.1" of "550 5.1.1 <mai@example.org>: no such user": the rest is personal. */
static struct kh_str refusal(const struct mailing *m)
{
    size_t n = 0;

    if (m->last_n < 3 || (m->last[0] != '4' && m->last[0] != '5'))
        return kh_str("", 0);
    while (n < m->last_n && (strchr("0123456789.", m->last[n]) || (n == 3 && m->last[n] == ' ')))
        n++;
    return kh_str_trim(kh_str(m->last, n));
}

bool kh_out_mail(struct kh_out *o, struct kh_arena *a, const struct kh_mail *mail,
                 struct kh_str *ret_proof, struct kh_error *err)
{
    const struct kh_config *cf = o->config;
    struct mailing m = {.answer_n = 0};
    struct kh_str from, rcpt, why;
    struct curl_slist *list;
    CURLcode rc;
    CURL *c;

    if (!cf->smtp_url.n || !kh_mail_address(cf->smtp_from, &from))
        return kh_fail(err, KH_EC_NOT_SUPPORTED, "smtp_url and smtp_from are not configured");
    if (!kh_mail_address(mail->to, &rcpt))
        return kh_fail(err, KH_EC_PARAMETER_INVALID, "not an e-mail address");
    m.rest = kh_mail_text(a, cf->smtp_from, rcpt, mail->subject, mail->text,
                          message_id(a, mail->id, from), kh_now_us());
    list = curl_slist_append(NULL, kh_str_z(a, rcpt));
    KH_REQUIRE(list);
    c = kh_out_take(o);
    set_up(c, cf, a, from, list, &m);
    rc = kh_fault("out.http") ? CURLE_COULDNT_CONNECT : curl_easy_perform(c);
    kh_out_give(o, c);
    curl_slist_free_all(list);
    kh_count(rc == CURLE_OK ? KH_M_MAILS : KH_M_MAILS_FAILED, 1);
    why = refusal(&m);
    if (rc != CURLE_OK && why.n)
        return kh_fail(err, KH_EC_OUTBOUND_FAILED, "mail: the server said %.*s", KH_FMT(why));
    if (rc != CURLE_OK)
        return kh_fail(err, KH_EC_OUTBOUND_FAILED, "mail: %s", curl_easy_strerror(rc));
    *ret_proof = kh_str_dup(a, kh_str(m.answer, m.answer_n));
    return true;
}
