/* SPDX-License-Identifier: Apache-2.0 */
/* JPEG, ITU-T T.81 Annex B. Kept: tables, frames, scans, JFIF without its thumbnail, ICC profiles,
 * and Adobe's colour transform. Of EXIF only the turn of the picture stays. Whatever follows the end
 * of the image (maker notes, depth maps, motion videos) goes. */
#include "engine/file/media.h"

enum {
    TEM = 0x01,
    SOF0 = 0xC0,
    SOF2 = 0xC2,
    DHT = 0xC4,
    JPG = 0xC8,
    DAC = 0xCC,
    RST0 = 0xD0,
    RST7 = 0xD7,
    SOI = 0xD8,
    EOI = 0xD9,
    SOS = 0xDA,
    DQT = 0xDB,
    DRI = 0xDD,
    APP0 = 0xE0,
    APP1 = 0xE1,
    APP2 = 0xE2,
    APP14 = 0xEE,
};

struct jpeg {
    struct kh_str in;
    size_t at;
    int turn;
    uint32_t width, height;
    bool scan;
};

struct segment {
    int marker;
    struct kh_str payload;
    struct kh_str scan; /* entropy-coded bytes that follow a SOS */
};

static bool broken(struct kh_error *err, const char *what)
{
    return kh_fail(err, KH_EC_FILE_BROKEN, "JPEG: %s", what);
}

/* Length of entropy-coded data: up to a marker that is neither a stuffed zero nor a restart. */
static size_t scan_length(struct kh_str s)
{
    size_t i = 0;

    while (i + 1 < s.n) {
        const char *ff = memchr(s.p + i, 0xFF, s.n - 1 - i);
        unsigned char next;

        if (!ff)
            break;
        i = (size_t)(ff - s.p);
        next = (unsigned char)s.p[i + 1];
        if (next != 0 && next != 0xFF && !(next >= RST0 && next <= RST7))
            return i;
        i += next == 0xFF ? 1 : 2;
    }
    return s.n;
}

static bool segment_next(struct jpeg *j, struct segment *ret, struct kh_error *err)
{
    struct kh_str left = kh_str_skip(j->in, j->at);
    size_t fill = 0, len;

    if (left.n < 2 || (unsigned char)left.p[0] != 0xFF)
        return broken(err, "a marker is missing");
    while (fill + 2 < left.n && (unsigned char)left.p[fill + 1] == 0xFF)
        fill++;
    ret->marker = (unsigned char)left.p[fill + 1];
    ret->payload = ret->scan = kh_str(NULL, 0);
    j->at += fill + 2;
    left = kh_str_skip(left, fill + 2);
    if (ret->marker == EOI || ret->marker == SOI || ret->marker == TEM)
        return true;
    if (left.n < 2 || (len = kh_be16(left.p)) < 2 || len > left.n)
        return broken(err, "a segment is cut off");
    ret->payload = kh_str(left.p + 2, len - 2);
    j->at += len;
    if (ret->marker == SOS) {
        left = kh_str_skip(left, len);
        ret->scan = kh_str(left.p, scan_length(left));
        j->at += ret->scan.n;
    }
    return true;
}

static bool frame_read(struct jpeg *j, const struct segment *s, struct kh_error *err)
{
    struct kh_str p = s->payload;

    if (s->marker > SOF2)
        return kh_fail(err, KH_EC_FILE_TYPE, "JPEG: process 0x%x is not shown by browsers",
                       (unsigned)s->marker);
    if (p.n < 6 || p.n < 6 + 3 * (size_t)(unsigned char)p.p[5] || p.p[5] == 0 ||
        (unsigned char)p.p[5] > 4)
        return broken(err, "the frame header is damaged");
    if (j->width)
        return broken(err, "there are two frames");
    j->height = kh_be16(p.p + 1);
    j->width = kh_be16(p.p + 3);
    if (j->width == 0 || j->height == 0)
        return broken(err, "the frame has no size");
    return true;
}

/* First pass: everything is looked at, nothing is written. */
static bool survey(struct jpeg *j, struct kh_error *err)
{
    struct segment s = {0};

    j->at = 2;
    j->turn = 1;
    for (;;) {
        if (!segment_next(j, &s, err))
            return false;
        if (s.marker == EOI)
            break;
        if (s.marker == SOI)
            return broken(err, "an image begins inside another");
        if (s.marker >= SOF0 && s.marker <= 0xCF && s.marker != DHT && s.marker != JPG &&
            s.marker != DAC && !frame_read(j, &s, err))
            return false;
        if (s.marker == APP1 && s.payload.n > 6 && memcmp(s.payload.p, "Exif\0\0", 6) == 0)
            j->turn = kh_exif_turn(kh_str_skip(s.payload, 6));
        if (s.marker == SOS && (!j->width || s.scan.n == 0))
            return broken(err, "a scan without a frame or data");
        j->scan = j->scan || s.marker == SOS;
    }
    return j->scan || broken(err, "there is no scan");
}

static void segment_put(struct kh_buf *b, int marker, struct kh_str head, struct kh_str payload)
{
    size_t len = 2 + head.n + payload.n;

    kh_buf_c(b, (char)0xFF);
    kh_buf_c(b, (char)marker);
    kh_buf_c(b, (char)(len >> 8));
    kh_buf_c(b, (char)len);
    kh_buf_str(b, head);
    kh_buf_str(b, payload);
}

static void app_put(struct kh_buf *b, const struct segment *s)
{
    struct kh_str p = s->payload;

    if (s->marker == APP2 && kh_str_starts(p, KH_S("ICC_PROFILE\0")))
        segment_put(b, APP2, KH_S(""), p);
    else if (s->marker == APP14 && kh_str_starts(p, KH_S("Adobe")) && p.n >= 12)
        segment_put(b, APP14, KH_S(""), kh_str(p.p, 12));
}

/* JFIF must come first, EXIF as early as it can. */
static void head_put(struct kh_arena *a, struct kh_buf *b, const struct segment *first, int turn)
{
    struct kh_str p = first->payload;

    if (first->marker == APP0 && p.n >= 14 && memcmp(p.p, "JFIF\0", 5) == 0)
        segment_put(b, APP0, kh_str(p.p, 12), KH_S("\0\0"));
    if (turn != 1)
        segment_put(b, APP1, KH_S("Exif\0\0"), kh_exif_make(a, turn));
}

bool kh_jpeg_strip(struct kh_arena *a, struct kh_str in, struct kh_media *ret, struct kh_error *err)
{
    struct jpeg j = {.in = in};
    struct kh_buf b = kh_buf(a, in.n + 64);
    struct kh_media m = {0};
    struct segment s = {0};
    bool first = true;

    if (!survey(&j, err) || !kh_media_size(&m, j.width, j.height, j.turn, err))
        return false;
    b.p = kh_alloc(a, in.n + 64);
    b.cap = in.n + 64;
    kh_buf_add(&b, "\xff\xd8", 2);
    for (j.at = 2;; first = false) {
        if (!segment_next(&j, &s, err))
            return false;
        if (first)
            head_put(a, &b, &s, j.turn);
        if (s.marker == EOI)
            break;
        if ((s.marker >= APP0 && s.marker <= 0xFE) || s.marker == TEM) {
            app_put(&b, &s);
            continue;
        }
        if (s.marker != DQT && s.marker != DRI && s.marker != SOS &&
            !(s.marker >= SOF0 && s.marker <= DHT))
            continue; /* DAC, DNL, DHP, EXP, reserved: no use in what browsers show */
        segment_put(&b, s.marker, KH_S(""), s.payload);
        kh_buf_str(&b, s.scan);
    }
    kh_buf_add(&b, "\xff\xd9", 2);
    KH_REQUIRE(!b.full);
    m.bytes = kh_buf_get(&b);
    *ret = m;
    return true;
}
