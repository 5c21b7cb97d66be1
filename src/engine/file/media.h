/* SPDX-License-Identifier: Apache-2.0 */
/**
 * file/media -- the four containers that are taken, and how each is rid of what it tells.
 *
 * A strip copies what a viewer needs and nothing else: what is not known to be needed goes. Pixels
 * are never decoded, so a small file that claims to be a large picture costs only its header.
 *
 * Owns   nothing; results live in the arena.
 * Used   by file.c only.
 */
#ifndef KH_FILE_MEDIA_H
#define KH_FILE_MEDIA_H

#include "base/buf.h"
#include "base/kh.h"

enum {
    KH_MEDIA_SIDE_MAX = 30000,       /**< pixels */
    KH_MEDIA_PIXELS_MAX = 120000000, /**< pixels in all */
};

struct kh_media {
    struct kh_str bytes;
    int width, height; /**< pixels as shown, after turning */
};

static inline uint32_t kh_be16(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;

    return (uint32_t)u[0] << 8 | u[1];
}

static inline uint32_t kh_be32(const char *p)
{
    return kh_be16(p) << 16 | kh_be16(p + 2);
}

static inline uint64_t kh_be64(const char *p)
{
    return (uint64_t)kh_be32(p) << 32 | kh_be32(p + 4);
}

static inline uint32_t kh_le16(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;

    return (uint32_t)u[1] << 8 | u[0];
}

static inline uint32_t kh_le24(const char *p)
{
    return kh_le16(p) | (uint32_t)(unsigned char)p[2] << 16;
}

static inline uint32_t kh_le32(const char *p)
{
    return kh_le16(p) | kh_le16(p + 2) << 16;
}

/** Turn of a picture (1..8) in TIFF-structured EXIF; 1 if it says none or is damaged. */
int kh_exif_turn(struct kh_str tiff);
/** The smallest TIFF structure that says a turn: 26 bytes. */
struct kh_str kh_exif_make(struct kh_arena *a, int turn);
/** Set width and height as shown. @param err FILE_BROKEN (422) for none, FILE_TOO_LARGE (413) */
KH_CHECK
bool kh_media_size(struct kh_media *m, uint32_t width, uint32_t height, int turn,
                   struct kh_error *err);

/* Each: @param err FILE_BROKEN (422), FILE_TYPE (415), FILE_TOO_LARGE (413) */
KH_CHECK
bool kh_jpeg_strip(struct kh_arena *a, struct kh_str in, struct kh_media *ret,
                   struct kh_error *err);
KH_CHECK
bool kh_png_strip(struct kh_arena *a, struct kh_str in, struct kh_media *ret, struct kh_error *err);
KH_CHECK
bool kh_webp_strip(struct kh_arena *a, struct kh_str in, struct kh_media *ret,
                   struct kh_error *err);
KH_CHECK
bool kh_mp4_strip(struct kh_arena *a, struct kh_str in, struct kh_media *ret, struct kh_error *err);

#endif
