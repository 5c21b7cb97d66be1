/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/registry/schema/format.h"

#include "base/time.h"
#include "engine/registry/schema/regex.h"
#include "engine/registry/schema/schema.h"
#include "engine/registry/schema/uri.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool is_hex(char c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* The number in digits from..from+n of s, -1 if they are none. */
static int number(struct kh_str s, size_t from, size_t n)
{
    int v = 0;

    if (from + n > s.n)
        return -1;
    for (size_t i = from; i < from + n; i++) {
        if (!is_digit(s.p[i]))
            return -1;
        v = v * 10 + (s.p[i] - '0');
    }
    return v;
}

/* ---- time ---- */

static bool date_ok(struct kh_str s)
{
    int year = number(s, 0, 4), month = number(s, 5, 2), day = number(s, 8, 2);

    return s.n == 10 && s.p[4] == '-' && s.p[7] == '-' && year >= 0 && month > 0 && day > 0 &&
           kh_date_ok(year, month, day);
}

/* "+07:00" or "Z" as minutes. */
static bool offset_ok(struct kh_str s, int *ret_minutes)
{
    int h = number(s, 1, 2), m = number(s, 4, 2);

    *ret_minutes = 0;
    if (s.n == 1)
        return s.p[0] == 'Z' || s.p[0] == 'z';
    if (s.n != 6 || (s.p[0] != '+' && s.p[0] != '-') || s.p[3] != ':' || h < 0 || h > 23 || m < 0 ||
        m > 59)
        return false;
    *ret_minutes = (h * 60 + m) * (s.p[0] == '-' ? -1 : 1);
    return true;
}

static bool time_ok(struct kh_str s)
{
    int h = number(s, 0, 2), m = number(s, 3, 2), sec = number(s, 6, 2), offset, utc;
    size_t n = 8;

    if (s.n < 9 || s.p[2] != ':' || s.p[5] != ':' || h < 0 || h > 23 || m < 0 || m > 59 ||
        sec < 0 || sec > 60)
        return false;
    if (s.p[n] == '.') {
        n++;
        if (number(s, n, 1) < 0)
            return false;
        while (n < s.n && is_digit(s.p[n]))
            n++;
    }
    if (!offset_ok(kh_str_skip(s, n), &offset))
        return false;
    /* A leap second is the last second of a day in UTC. */
    utc = (h * 60 + m - offset + 2 * 1440) % 1440;
    return sec < 60 || utc == 1439;
}

static bool date_time_ok(struct kh_str s)
{
    return s.n > 11 && (s.p[10] | 0x20) == 't' && date_ok(kh_str(s.p, 10)) &&
           time_ok(kh_str_skip(s, 11));
}

/* Numbers with units, each unit right behind its neighbour in order: RFC 3339 appendix A has no
 * way to say 1Y1D. @return what is left */
static struct kh_str units(struct kh_str s, const char *order, int *ret_count)
{
    const char *last = NULL;

    *ret_count = 0;
    while (s.n && s.p[0] != 'T') {
        size_t n = 0;
        const char *hit;

        while (n < s.n && is_digit(s.p[n]))
            n++;
        hit = n && n < s.n ? strchr(order, s.p[n]) : NULL;
        if (!hit || s.p[n] == '\0' || (last && hit != last + 1))
            break;
        last = hit;
        (*ret_count)++;
        s = kh_str_skip(s, n + 1);
    }
    return s;
}

static bool duration_ok(struct kh_str s)
{
    int dates, times;

    if (s.n < 3 || s.p[0] != 'P')
        return false;
    s = kh_str_skip(s, 1);
    if (s.p[s.n - 1] == 'W') {
        s = units(s, "W", &dates);
        return s.n == 0 && dates == 1;
    }
    s = units(s, "YMD", &dates);
    if (s.n == 0)
        return dates > 0;
    if (s.p[0] != 'T')
        return false;
    s = units(kh_str_skip(s, 1), "HMS", &times);
    return s.n == 0 && times > 0;
}

/* ---- names on the network ---- */

static bool label_ok(struct kh_str s, bool unicode)
{
    if (s.n == 0 || s.n > 63 || s.p[0] == '-' || s.p[s.n - 1] == '-')
        return false;
    /* Two hyphens there are kept for encodings, of which there is one: xn-- */
    if (s.n >= 4 && s.p[2] == '-' && s.p[3] == '-' &&
        !((s.p[0] | 0x20) == 'x' && (s.p[1] | 0x20) == 'n' && s.n > 4))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!is_alnum(s.p[i]) && s.p[i] != '-' && !(unicode && (unsigned char)s.p[i] >= 0x80))
            return false;
    return true;
}

static bool host_ok(struct kh_str s, bool unicode)
{
    if (s.n > 253)
        return false;
    for (;;) {
        struct kh_str rest, label = kh_str_cut(s, '.', &rest);

        if (!label_ok(label, unicode))
            return false;
        if (label.n == s.n)
            return true;
        s = rest;
    }
}

static bool hostname_ok(struct kh_str s)
{
    return host_ok(s, false);
}

static bool atom_char(char c, bool unicode)
{
    return is_alnum(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~", c)) ||
           (unicode && (unsigned char)c >= 0x80);
}

static bool dot_atom_ok(struct kh_str s, bool unicode)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '.' && i > 0 && i + 1 < s.n && s.p[i - 1] != '.')
            continue;
        if (!atom_char(s.p[i], unicode))
            return false;
    }
    return s.n > 0;
}

/* The content of a quoted local part and its closing quote. @return bytes, 0 if it is wrong */
static size_t quoted_length(struct kh_str s, bool unicode)
{
    for (size_t i = 1; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c == '"')
            return i + 1;
        if (c == '\\')
            c = ++i < s.n ? (unsigned char)s.p[i] : 0;
        if (c < 0x20 || c == 0x7F || (c >= 0x80 && !unicode))
            return 0;
    }
    return 0;
}

static bool mail_domain_ok(struct kh_str s, bool unicode)
{
    if (s.n < 2 || s.p[0] != '[')
        return host_ok(s, unicode);
    if (s.p[s.n - 1] != ']')
        return false;
    s = kh_str(s.p + 1, s.n - 2);
    if (s.n > 5 && (s.p[0] | 0x20) == 'i' && (s.p[1] | 0x20) == 'p' && (s.p[2] | 0x20) == 'v' &&
        s.p[3] == '6' && s.p[4] == ':')
        return kh_ipv6_ok(kh_str_skip(s, 5));
    return kh_ipv4_ok(s);
}

static bool mailbox_ok(struct kh_str s, bool unicode)
{
    struct kh_str local, domain;

    if (s.n && s.p[0] == '"') {
        size_t n = quoted_length(s, unicode);

        if (n == 0 || n >= s.n || s.p[n] != '@')
            return false;
        local = kh_str(s.p, n);
        domain = kh_str_skip(s, n + 1);
    } else {
        local = kh_str_cut(s, '@', &domain);
        if (local.n == s.n || !dot_atom_ok(local, unicode))
            return false;
    }
    return local.n <= 64 && mail_domain_ok(domain, unicode);
}

static bool email_ok(struct kh_str s)
{
    return mailbox_ok(s, false);
}

static bool idn_email_ok(struct kh_str s)
{
    return mailbox_ok(s, true);
}

/* ---- identifiers ---- */

static bool uuid_ok(struct kh_str s)
{
    if (s.n != 36)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;

        if (hyphen ? s.p[i] != '-' : !is_hex(s.p[i]))
            return false;
    }
    return true;
}

static bool uri_ok(struct kh_str s)
{
    return kh_uriref_ok(s, false, true);
}

static bool uri_reference_ok(struct kh_str s)
{
    return kh_uriref_ok(s, false, false);
}

static bool iri_ok(struct kh_str s)
{
    return kh_uriref_ok(s, true, true);
}

static bool iri_reference_ok(struct kh_str s)
{
    return kh_uriref_ok(s, true, false);
}

/* %XX at i of s */
static bool escape_at(struct kh_str s, size_t i)
{
    return i + 2 < s.n && is_hex(s.p[i + 1]) && is_hex(s.p[i + 2]);
}

/* name, name:3 or name* (RFC 6570 section 2.3 and 2.4) */
static bool variable_ok(struct kh_str s)
{
    struct kh_str rest, name = kh_str_cut(s, ':', &rest);

    if (name.n < s.n &&
        (rest.n == 0 || rest.n > 4 || rest.p[0] == '0' || number(rest, 0, rest.n) < 0))
        return false;
    if (name.n == s.n && name.n && name.p[name.n - 1] == '*')
        name.n--;
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '.' && i > 0 && i + 1 < name.n && name.p[i - 1] != '.')
            continue;
        if (name.p[i] == '%' && escape_at(name, i))
            i += 2;
        else if (!is_alnum(name.p[i]) && name.p[i] != '_')
            return false;
    }
    return name.n > 0;
}

static bool expression_ok(struct kh_str s)
{
    if (s.n && strchr("+#./;?&=,!@|", s.p[0]))
        s = kh_str_skip(s, 1);
    for (;;) {
        struct kh_str rest, variable = kh_str_cut(s, ',', &rest);

        if (!variable_ok(variable))
            return false;
        if (variable.n == s.n)
            return true;
        s = rest;
    }
}

static bool uri_template_ok(struct kh_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c == '{') {
            const char *end = memchr(s.p + i, '}', s.n - i);

            if (!end || !expression_ok(kh_str(s.p + i + 1, (size_t)(end - s.p) - i - 1)))
                return false;
            i = (size_t)(end - s.p);
        } else if (c == '%') {
            if (!escape_at(s, i))
                return false;
            i += 2;
        } else if (c <= 0x20 || c == 0x7F || strchr("\"'<>\\^`|}", c)) {
            return false;
        }
    }
    return true;
}

static bool json_pointer_ok(struct kh_str s)
{
    if (s.n && s.p[0] != '/')
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '~' && (i + 1 == s.n || (s.p[i + 1] != '0' && s.p[i + 1] != '1')))
            return false;
    return true;
}

static bool relative_json_pointer_ok(struct kh_str s)
{
    size_t n = 0;

    while (n < s.n && is_digit(s.p[n]))
        n++;
    if (n == 0 || (n > 1 && s.p[0] == '0'))
        return false;
    s = kh_str_skip(s, n);
    return kh_str_is(s, "#") || json_pointer_ok(s);
}

/* In the order of bytes, for the search. */
static const struct kh_format formats[] = {
    {"date", date_ok, "ngày, ví dụ 2026-09-15", "a date such as 2026-09-15"},
    {"date-time", date_time_ok, "thời điểm, ví dụ 2026-09-15T14:05:00+07:00",
     "a date and time such as 2026-09-15T14:05:00+07:00"},
    {"duration", duration_ok, "khoảng thời gian, ví dụ P3DT4H", "a duration such as P3DT4H"},
    {"email", email_ok, "địa chỉ thư điện tử, ví dụ ten@example.vn",
     "an e-mail address such as name@example.org"},
    {"hostname", hostname_ok, "tên máy chủ, ví dụ hanoi.example.vn",
     "a host name such as www.example.org"},
    {"idn-email", idn_email_ok, "địa chỉ thư điện tử", "an e-mail address"},
    {"ipv4", kh_ipv4_ok, "địa chỉ IPv4, ví dụ 192.0.2.1", "an IPv4 address such as 192.0.2.1"},
    {"ipv6", kh_ipv6_ok, "địa chỉ IPv6, ví dụ 2001:db8::1", "an IPv6 address such as 2001:db8::1"},
    {"iri", iri_ok, "địa chỉ (IRI) đầy đủ", "a complete IRI"},
    {"iri-reference", iri_reference_ok, "địa chỉ (IRI)", "an IRI reference"},
    {"json-pointer", json_pointer_ok, "con trỏ JSON, ví dụ /a/0", "a JSON pointer such as /a/0"},
    {"regex", kh_regex_ok, "biểu thức chính quy (ECMA-262)", "a regular expression (ECMA-262)"},
    {"relative-json-pointer", relative_json_pointer_ok, "con trỏ JSON tương đối, ví dụ 1/a",
     "a relative JSON pointer such as 1/a"},
    {"time", time_ok, "giờ kèm múi giờ, ví dụ 14:05:00+07:00",
     "a time with its offset such as 14:05:00+07:00"},
    {"uri", uri_ok, "địa chỉ (URI) đầy đủ, ví dụ https://example.vn/",
     "a complete URI such as https://example.org/"},
    {"uri-reference", uri_reference_ok, "địa chỉ (URI)", "a URI reference"},
    {"uri-template", uri_template_ok, "mẫu địa chỉ (RFC 6570)", "a URI template (RFC 6570)"},
    {"uuid", uuid_ok, "UUID, ví dụ 123e4567-e89b-42d3-a456-426614174000",
     "a UUID such as 123e4567-e89b-42d3-a456-426614174000"},
};

const struct kh_format *kh_format_find(struct kh_str name)
{
    size_t lo = 0, hi = KH_LEN(formats);

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        int r = kh_str_cmp(name, kh_cstr(formats[mid].name));

        if (r == 0)
            return &formats[mid];
        if (r < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}

bool kh_format_ok(struct kh_str format, struct kh_str text)
{
    const struct kh_format *f = kh_format_find(format);

    return !f || f->ok(text);
}
