/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/file/media.h"

#include "engine/file/file.h"

/* EXIF 2.32, 4.6.2 and 4.6.4: an image file directory of 12-byte entries; tag 0x0112 is a SHORT. */
int kh_exif_turn(struct kh_str t)
{
    bool le = t.n >= 8 && memcmp(t.p, "II*\0", 4) == 0;
    uint32_t at, n;

    if (t.n < 8 || (!le && memcmp(t.p, "MM\0*", 4) != 0))
        return 1;
    at = le ? kh_le32(t.p + 4) : kh_be32(t.p + 4);
    if (at > t.n - 2)
        return 1;
    n = le ? kh_le16(t.p + at) : kh_be16(t.p + at);
    for (size_t i = at + 2; n > 0 && t.n >= 12 && i <= t.n - 12; i += 12, n--) {
        const char *e = t.p + i;
        uint32_t tag = le ? kh_le16(e) : kh_be16(e), kind = le ? kh_le16(e + 2) : kh_be16(e + 2);
        uint32_t turn = le ? kh_le16(e + 8) : kh_be16(e + 8);

        if (tag == 0x0112)
            return kind == 3 && turn >= 1 && turn <= 8 ? (int)turn : 1;
    }
    return 1;
}

struct kh_str kh_exif_make(struct kh_arena *a, int turn)
{
    static const char tiff[26] = "MM\0*\0\0\0\10\0\1\1\22\0\3\0\0\0\1\0\1\0\0\0\0\0";
    struct kh_str s = kh_str_dup(a, kh_str(tiff, sizeof(tiff)));
    char *p = kh_str_z(a, s);

    p[19] = (char)turn;
    return kh_str(p, s.n);
}

bool kh_media_size(struct kh_media *m, uint32_t width, uint32_t height, int turn,
                   struct kh_error *err)
{
    if (width == 0 || height == 0)
        return kh_fail(err, KH_EC_FILE_BROKEN, "the picture has no size");
    if (width > KH_MEDIA_SIDE_MAX || height > KH_MEDIA_SIDE_MAX ||
        (uint64_t)width * height > KH_MEDIA_PIXELS_MAX)
        return kh_fail(err, KH_EC_FILE_TOO_LARGE, "%u x %u pixels", width, height);
    /* Turns 5 to 8 lay the picture on its side. */
    m->width = (int)(turn >= 5 ? height : width);
    m->height = (int)(turn >= 5 ? width : height);
    return true;
}

bool kh_media_strip(struct kh_arena *a, struct kh_str bytes, struct kh_str *ret_bytes,
                    const char **ret_media_type, int *ret_width, int *ret_height,
                    struct kh_error *err)
{
    struct kh_media m = {0};
    const char *type;
    bool ok;

    if (bytes.n >= 3 && memcmp(bytes.p, "\xff\xd8\xff", 3) == 0) {
        type = "image/jpeg";
        ok = kh_jpeg_strip(a, bytes, &m, err);
    } else if (bytes.n >= 8 && memcmp(bytes.p, "\x89PNG\r\n\x1a\n", 8) == 0) {
        type = "image/png";
        ok = kh_png_strip(a, bytes, &m, err);
    } else if (bytes.n >= 12 && memcmp(bytes.p, "RIFF", 4) == 0 &&
               memcmp(bytes.p + 8, "WEBP", 4) == 0) {
        type = "image/webp";
        ok = kh_webp_strip(a, bytes, &m, err);
    } else if (bytes.n >= 12 && memcmp(bytes.p + 4, "ftyp", 4) == 0) {
        type = "video/mp4";
        ok = kh_mp4_strip(a, bytes, &m, err);
    } else {
        return kh_fail(err, KH_EC_FILE_TYPE, "not a JPEG, PNG, WebP or MP4 file");
    }
    if (!ok)
        return false;
    *ret_bytes = m.bytes;
    *ret_media_type = type;
    *ret_width = m.width;
    *ret_height = m.height;
    return true;
}
