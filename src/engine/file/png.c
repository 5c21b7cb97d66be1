/* SPDX-License-Identifier: Apache-2.0 */
/* PNG, W3C Recommendation (third edition). Kept: the critical chunks, transparency, colour, pixel
 * size, and the chunks of an animation. Of eXIf only the turn of the picture stays; text, times and
 * unknown chunks go, and whatever follows IEND. */
#include "engine/file/media.h"

#include <zlib.h>

enum { SIGNATURE = 8, OVERHEAD = 12, ICC_MAX = 1 << 20 };

struct chunk {
    struct kh_str type, data;
    size_t all; /* bytes with length, type and checksum */
};

static bool broken(struct kh_error *err, const char *what)
{
    return kh_fail(err, KH_EC_FILE_BROKEN, "PNG: %s", what);
}

static bool is(const struct chunk *c, const char *type)
{
    return memcmp(c->type.p, type, 4) == 0;
}

static bool one_of(const struct chunk *c, const char *const *types, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (is(c, types[i]))
            return true;
    return false;
}

static bool chunk_next(struct kh_str in, size_t *at, struct chunk *ret, struct kh_error *err)
{
    struct kh_str left = kh_str_skip(in, *at);
    uint32_t len;

    if (left.n < OVERHEAD || (len = kh_be32(left.p)) > left.n - OVERHEAD)
        return broken(err, "a chunk is cut off");
    ret->type = kh_str(left.p + 4, 4);
    ret->data = kh_str(left.p + 8, len);
    ret->all = (size_t)len + OVERHEAD;
    for (int i = 0; i < 4; i++)
        if (!((left.p[4 + i] | 0x20) >= 'a' && (left.p[4 + i] | 0x20) <= 'z'))
            return broken(err, "a chunk has no type");
    if (crc32(0, (const Bytef *)left.p + 4, len + 4) != kh_be32(left.p + 8 + len))
        return broken(err, "a checksum differs");
    *at += ret->all;
    return true;
}

static bool header_read(const struct chunk *c, uint32_t *width, uint32_t *height,
                        struct kh_error *err)
{
    unsigned char depth, colour;
    bool fits;

    if (!is(c, "IHDR") || c->data.n != 13)
        return broken(err, "the header is missing");
    *width = kh_be32(c->data.p);
    *height = kh_be32(c->data.p + 4);
    depth = (unsigned char)c->data.p[8];
    colour = (unsigned char)c->data.p[9];
    fits = colour == 0   ? depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16
           : colour == 3 ? depth == 1 || depth == 2 || depth == 4 || depth == 8
           : colour == 2 || colour == 4 || colour == 6 ? depth == 8 || depth == 16
                                                       : false;
    if (!fits || c->data.p[10] != 0 || c->data.p[11] != 0 || (unsigned char)c->data.p[12] > 1)
        return broken(err, "the header is damaged");
    return true;
}

static void chunk_put(struct kh_buf *b, const char *type, struct kh_str data)
{
    size_t from;
    uint32_t crc, len = (uint32_t)data.n;
    char z[4] = {(char)(len >> 24), (char)(len >> 16), (char)(len >> 8), (char)len};

    kh_buf_add(b, z, 4);
    from = b->n;
    kh_buf_add(b, type, 4);
    kh_buf_str(b, data);
    crc = (uint32_t)crc32(0, (const Bytef *)b->p + from, (uInt)(b->n - from));
    z[0] = (char)(crc >> 24);
    z[1] = (char)(crc >> 16);
    z[2] = (char)(crc >> 8);
    z[3] = (char)crc;
    kh_buf_add(b, z, 4);
}

/* What stays. An animation's frame chunks are safe to copy: they are pixels and timing. */
static bool wanted(const struct chunk *c)
{
    static const char *const keep[] = {"IHDR", "PLTE", "IDAT", "IEND", "tRNS",
                                       "gAMA", "cHRM", "sRGB", "cICP", "sBIT",
                                       "pHYs", "bKGD", "acTL", "fcTL", "fdAT"};

    return one_of(c, keep, KH_LEN(keep)) || (is(c, "iCCP") && c->data.n <= ICC_MAX);
}

bool kh_png_strip(struct kh_arena *a, struct kh_str in, struct kh_media *ret, struct kh_error *err)
{
    struct kh_buf b = kh_buf(a, in.n + 64);
    struct kh_media m = {0};
    uint32_t width = 0, height = 0;
    bool data = false, data_over = false;
    int turn = 1;
    struct chunk c;
    size_t at = SIGNATURE, head_end;

    b.p = kh_alloc(a, in.n + 64);
    b.cap = in.n + 64;
    if (!chunk_next(in, &at, &c, err) || !header_read(&c, &width, &height, err))
        return false;
    kh_buf_add(&b, in.p, at);
    head_end = at;
    for (size_t scan = at; chunk_next(in, &scan, &c, err); at = scan) {
        if (is(&c, "eXIf"))
            turn = kh_exif_turn(c.data);
        if (is(&c, "IEND"))
            break;
    }
    if (turn != 1)
        chunk_put(&b, "eXIf", kh_exif_make(a, turn));
    for (at = head_end;;) {
        if (!chunk_next(in, &at, &c, err))
            return false;
        if (is(&c, "IHDR") || (is(&c, "IDAT") && data_over))
            return broken(err, "chunks are out of order");
        data_over = data && !is(&c, "IDAT");
        data = data || is(&c, "IDAT");
        if (wanted(&c))
            kh_buf_add(&b, c.type.p - 4, c.all);
        else if (!(c.type.p[0] & 0x20))
            return broken(err, "a critical chunk is unknown");
        if (is(&c, "IEND"))
            break;
    }
    if (!data)
        return broken(err, "there are no pixels");
    KH_REQUIRE(!b.full);
    m.bytes = kh_buf_get(&b);
    if (!kh_media_size(&m, width, height, turn, err))
        return false;
    *ret = m;
    return true;
}
