/* SPDX-License-Identifier: Apache-2.0 */
/* WebP, RFC 9649. Kept: the image, its alpha, colour profile and animation. Of EXIF only the turn of
 * the picture stays; XMP and unknown chunks go, and whatever follows the RIFF. */
#include "engine/file/media.h"

enum { HEAD = 12, FLAG_EXIF = 0x08, FLAG_XMP = 0x04 };

struct chunk {
    struct kh_str type, data;
};

struct webp {
    uint32_t width, height;
    int turn;
    bool extended, image;
};

static bool broken(struct kh_error *err, const char *what)
{
    return kh_fail(err, KH_EC_FILE_BROKEN, "WebP: %s", what);
}

static bool is(const struct chunk *c, const char *type)
{
    return memcmp(c->type.p, type, 4) == 0;
}

static bool chunk_next(struct kh_str in, size_t *at, struct chunk *ret, struct kh_error *err)
{
    struct kh_str left = kh_str_skip(in, *at);
    size_t len, padded;

    if (left.n < 8 || (len = kh_le32(left.p + 4)) > left.n - 8)
        return broken(err, "a chunk is cut off");
    /* The last padding byte is forgotten by some writers. */
    padded = len + (len & 1) <= left.n - 8 ? len + (len & 1) : len;
    ret->type = kh_str(left.p, 4);
    ret->data = kh_str(left.p + 8, len);
    *at += 8 + padded;
    return true;
}

static void chunk_put(struct kh_buf *b, const char *type, struct kh_str data)
{
    uint32_t len = (uint32_t)data.n;
    char z[4] = {(char)len, (char)(len >> 8), (char)(len >> 16), (char)(len >> 24)};

    kh_buf_add(b, type, 4);
    kh_buf_add(b, z, 4);
    kh_buf_str(b, data);
    if (data.n & 1)
        kh_buf_c(b, 0);
}

/* Size of a picture in its own bit stream (RFC 6386 section 9.1; RFC 9649 section 3.4). */
static bool stream_size(const struct chunk *c, uint32_t *width, uint32_t *height,
                        struct kh_error *err)
{
    const char *p = c->data.p;

    if (is(c, "VP8L")) {
        if (c->data.n < 5 || p[0] != 0x2F || (kh_le32(p + 1) >> 29) != 0)
            return broken(err, "the lossless header is damaged");
        *width = (kh_le32(p + 1) & 0x3FFF) + 1;
        *height = ((kh_le32(p + 1) >> 14) & 0x3FFF) + 1;
        return true;
    }
    if (c->data.n < 10 || (p[0] & 1) != 0 || memcmp(p + 3, "\x9d\x01\x2a", 3) != 0)
        return broken(err, "the frame header is damaged");
    *width = kh_le16(p + 6) & 0x3FFF;
    *height = kh_le16(p + 8) & 0x3FFF;
    return true;
}

/* A frame of an animation: 16 bytes, then chunks again. */
static bool frame_put(struct kh_arena *a, struct kh_buf *b, struct kh_str frame,
                      struct kh_error *err)
{
    struct kh_buf in = kh_buf(a, frame.n + 1);
    bool image = false;
    uint32_t w, h;

    if (frame.n < 16)
        return broken(err, "a frame is cut off");
    kh_buf_add(&in, frame.p, 16);
    for (size_t at = 16; at < frame.n;) {
        struct chunk c;

        if (!chunk_next(frame, &at, &c, err))
            return false;
        if (is(&c, "VP8 ") || is(&c, "VP8L")) {
            if (image || !stream_size(&c, &w, &h, err))
                return image ? broken(err, "a frame has two pictures") : false;
            image = true;
        } else if (!is(&c, "ALPH")) {
            continue;
        }
        chunk_put(&in, c.type.p, c.data);
    }
    if (!image)
        return broken(err, "a frame has no picture");
    chunk_put(b, "ANMF", kh_buf_get(&in));
    return true;
}

/* Look at every chunk of the file once. */
static bool survey(struct kh_str in, struct webp *w, struct kh_error *err)
{
    for (size_t at = HEAD; at < in.n;) {
        bool first = at == HEAD;
        struct chunk c;

        if (!chunk_next(in, &at, &c, err))
            return false;
        if (is(&c, "VP8X")) {
            if (!first || c.data.n < 10)
                return broken(err, "the extended header is misplaced or cut off");
            w->extended = true;
            w->width = kh_le24(c.data.p + 4) + 1;
            w->height = kh_le24(c.data.p + 7) + 1;
        } else if (is(&c, "VP8 ") || is(&c, "VP8L")) {
            uint32_t width, height;

            if (w->image || (!w->extended && !first))
                return broken(err, "there are two pictures");
            if (!stream_size(&c, &width, &height, err))
                return false;
            if (w->extended && (width != w->width || height != w->height))
                return broken(err, "the picture does not fill its canvas");
            w->width = width;
            w->height = height;
            w->image = true;
        } else if (is(&c, "ANMF")) {
            w->image = w->extended;
        } else if (is(&c, "EXIF")) {
            bool prefix = kh_str_starts(c.data, KH_S("Exif\0\0"));

            w->turn = kh_exif_turn(kh_str_skip(c.data, prefix ? 6 : 0));
        }
    }
    return w->image || broken(err, "there is no picture");
}

static bool chunks_put(struct kh_arena *a, struct kh_buf *b, struct kh_str in, int turn,
                       struct kh_error *err)
{
    for (size_t at = HEAD; at < in.n;) {
        struct chunk c;

        if (!chunk_next(in, &at, &c, err))
            return false;
        if (is(&c, "VP8X")) {
            char *head = kh_str_z(a, kh_str(c.data.p, 10));

            head[0] = (char)((head[0] & ~(FLAG_EXIF | FLAG_XMP)) | (turn != 1 ? FLAG_EXIF : 0));
            chunk_put(b, "VP8X", kh_str(head, 10));
        } else if (is(&c, "ANMF")) {
            if (!frame_put(a, b, c.data, err))
                return false;
        } else if (is(&c, "VP8 ") || is(&c, "VP8L") || is(&c, "ALPH") || is(&c, "ANIM") ||
                   is(&c, "ICCP")) {
            chunk_put(b, c.type.p, c.data);
        }
    }
    return true;
}

bool kh_webp_strip(struct kh_arena *a, struct kh_str in, struct kh_media *ret, struct kh_error *err)
{
    struct webp w = {.turn = 1};
    struct kh_media m = {0};
    struct kh_buf b;
    uint32_t size = kh_le32(in.p + 4);

    if (size < 4 || size > in.n - 8)
        return broken(err, "the file is cut off");
    in.n = size + 8;
    if (!survey(in, &w, err))
        return false;
    if (!w.extended)
        w.turn = 1;
    b = kh_buf(a, in.n + 128);
    b.p = kh_alloc(a, in.n + 128);
    b.cap = in.n + 128;
    kh_buf_add(&b, in.p, HEAD);
    if (!chunks_put(a, &b, in, w.turn, err))
        return false;
    if (w.turn != 1)
        chunk_put(&b, "EXIF", kh_exif_make(a, w.turn));
    KH_REQUIRE(!b.full);
    size = (uint32_t)(b.n - 8);
    for (int i = 0; i < 4; i++)
        b.p[4 + i] = (char)(size >> (8 * i));
    m.bytes = kh_buf_get(&b);
    if (!kh_media_size(&m, w.width, w.height, w.turn, err))
        return false;
    *ret = m;
    return true;
}
