/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "engine/file/file.h"
#include "engine/file/media.h"

#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <zlib.h>

static struct kh_arena *a;

static int setup(void **state)
{
    (void)state;
    a = kh_arena_new(SIZE_MAX);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kh_arena_drop(a);
    return 0;
}

/* ---- small files, made here ---- */

static void be(struct kh_buf *b, uint64_t v, int bytes)
{
    while (bytes-- > 0)
        kh_buf_c(b, (char)(bytes < 8 ? v >> (8 * bytes) : 0));
}

static void le(struct kh_buf *b, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        kh_buf_c(b, (char)(v >> (8 * i)));
}

static struct kh_buf file(void)
{
    return kh_buf(a, 64 << 20);
}

/* EXIF with a turn, a camera and a place: what phones write. */
static struct kh_str exif(int turn, bool little)
{
    struct kh_buf b = file();
    void (*put)(struct kh_buf *, uint64_t, int) = little ? le : be;

    kh_buf_add(&b, little ? "II" : "MM", 2);
    put(&b, 42, 2);
    put(&b, 8, 4);
    put(&b, 3, 2);
    put(&b, 0x0110, 2); /* Model */
    put(&b, 2, 2);
    put(&b, 8, 4);
    put(&b, 50, 4);
    put(&b, 0x0112, 2); /* Orientation */
    put(&b, 3, 2);
    put(&b, 1, 4);
    put(&b, (uint64_t)turn, 2);
    put(&b, 0, 2);
    put(&b, 0x8825, 2); /* GPS */
    put(&b, 4, 2);
    put(&b, 1, 4);
    put(&b, 58, 4);
    put(&b, 0, 4);
    kh_buf_z(&b, "SECRET-1");
    kh_buf_z(&b, "SECRET-GPS 21.0285N 105.8542E");
    return kh_buf_get(&b);
}

static void segment(struct kh_buf *b, int marker, struct kh_str payload)
{
    be(b, 0xFF00u | (unsigned)marker, 2);
    be(b, payload.n + 2, 2);
    kh_buf_str(b, payload);
}

static struct kh_str cat(struct kh_str x, struct kh_str y)
{
    struct kh_buf b = file();

    kh_buf_str(&b, x);
    kh_buf_str(&b, y);
    return kh_buf_get(&b);
}

struct jpeg_with {
    int turn;
    bool little, bare; /* bare: nothing that must go */
    int marker;        /* of the frame, 0xC0 */
    int width, height;
};

static struct kh_str jpeg(struct jpeg_with w)
{
    struct kh_buf b = file();

    be(&b, 0xFFD8, 2);
    segment(&b, 0xE0, kh_str("JFIF\0\1\2\1\0\110\0\110\0\0", 14));
    if (!w.bare) {
        segment(&b, 0xE1, cat(kh_str("Exif\0\0", 6), exif(w.turn, w.little)));
        segment(&b, 0xE1, KH_S("http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>SECRET</x:xmpmeta>"));
        segment(&b, 0xED,
                KH_S("Photoshop 3.0\0"
                     "8BIM SECRET IPTC"));
        segment(&b, 0xE2, KH_S("MPF\0SECRET"));
        segment(&b, 0xFE, KH_S("SECRET comment"));
    } else if (w.turn > 1) {
        segment(&b, 0xE1, cat(kh_str("Exif\0\0", 6), kh_exif_make(a, w.turn)));
    }
    segment(&b, 0xE2, KH_S("ICC_PROFILE\0\1\1profile"));
    segment(&b, 0xEE, kh_str("Adobe\0\144\0\0\0\0\1", 12));
    segment(&b, 0xDB, KH_S("\0quantisation"));
    be(&b, 0xFF00u | (unsigned)(w.marker ? w.marker : 0xC0), 2);
    be(&b, 11, 2);
    be(&b, 8, 1);
    be(&b, (uint64_t)w.height, 2);
    be(&b, (uint64_t)w.width, 2);
    be(&b, 0x01011100, 4);
    segment(&b, 0xC4, KH_S("huffman"));
    segment(&b, 0xDA, kh_str("\1\1\0\0\77\0", 6));
    kh_buf_add(&b,
               "data\xff\x00more\xff\xd0"
               "again\xff\xd7"
               "end",
               22);
    be(&b, 0xFFD9, 2);
    if (!w.bare)
        kh_buf_z(&b, "SECRET motion photo behind the end");
    return kh_buf_get(&b);
}

static void chunk(struct kh_buf *b, const char *type, struct kh_str data)
{
    size_t at;

    be(b, data.n, 4);
    at = b->n;
    kh_buf_add(b, type, 4);
    kh_buf_str(b, data);
    be(b, crc32(0, (const Bytef *)b->p + at, (uInt)(b->n - at)), 4);
}

static struct kh_str png_head(uint32_t width, uint32_t height)
{
    struct kh_buf b = file();

    be(&b, width, 4);
    be(&b, height, 4);
    be(&b, 8, 1);
    be(&b, 6, 1);
    be(&b, 0, 3);
    return kh_buf_get(&b);
}

static struct kh_str png(uint32_t width, uint32_t height, int turn, bool bare)
{
    struct kh_buf b = file();

    kh_buf_add(&b, "\x89PNG\r\n\x1a\n", 8);
    chunk(&b, "IHDR", png_head(width, height));
    if (bare && turn > 1)
        chunk(&b, "eXIf", kh_exif_make(a, turn));
    chunk(&b, "gAMA", kh_str("\0\0\261\217", 4));
    if (!bare) {
        chunk(&b, "tEXt", KH_S("Author\0SECRET"));
        chunk(&b, "iTXt", KH_S("XML:com.adobe.xmp\0\0\0\0\0SECRET"));
        chunk(&b, "zTXt", KH_S("Comment\0\0SECRET"));
        chunk(&b, "tIME", kh_str("\7\352\11\17\16\5\0", 7));
        chunk(&b, "prVt", KH_S("SECRET"));
        chunk(&b, "eXIf", exif(turn, true));
    }
    chunk(&b, "IDAT", KH_S("pixels"));
    chunk(&b, "IDAT", KH_S("more pixels"));
    chunk(&b, "IEND", KH_S(""));
    if (!bare)
        kh_buf_z(&b, "SECRET after the end");
    return kh_buf_get(&b);
}

static void riff(struct kh_buf *b, const char *type, struct kh_str data)
{
    kh_buf_add(b, type, 4);
    le(b, data.n, 4);
    kh_buf_str(b, data);
    if (data.n & 1)
        kh_buf_c(b, 0);
}

static struct kh_str webp_of(struct kh_str chunks)
{
    struct kh_buf b = file();

    kh_buf_z(&b, "RIFF");
    le(&b, chunks.n + 4, 4);
    kh_buf_z(&b, "WEBP");
    kh_buf_str(&b, chunks);
    return kh_buf_get(&b);
}

static struct kh_str vp8l(unsigned width, unsigned height)
{
    struct kh_buf b = file();

    kh_buf_c(&b, 0x2F);
    le(&b, (width - 1) | (uint64_t)(height - 1) << 14 | 1u << 28, 4);
    kh_buf_z(&b, "pixels.");
    return kh_buf_get(&b);
}

static struct kh_str vp8(unsigned width, unsigned height)
{
    struct kh_buf b = file();

    kh_buf_add(&b, "\x10\x02\x00\x9d\x01\x2a", 6);
    le(&b, width, 2);
    le(&b, height, 2);
    kh_buf_z(&b, "lossy pixels");
    return kh_buf_get(&b);
}

static struct kh_str vp8x(unsigned flags, unsigned width, unsigned height)
{
    struct kh_buf b = file();

    le(&b, flags, 4);
    le(&b, width - 1, 3);
    le(&b, height - 1, 3);
    return kh_buf_get(&b);
}

static struct kh_str webp(int turn, bool bare)
{
    struct kh_buf b = file();

    riff(&b, "VP8X", vp8x(bare ? (turn > 1 ? 0x28 : 0x20) : 0x2C, 40, 30));
    riff(&b, "ICCP", KH_S("profile"));
    riff(&b, "VP8L", vp8l(40, 30));
    if (!bare) {
        riff(&b, "EXIF", cat(kh_str("Exif\0\0", 6), exif(turn, true)));
        riff(&b, "XMP ", KH_S("<SECRET/>"));
        riff(&b, "what", KH_S("SECRET"));
    } else if (turn > 1) {
        riff(&b, "EXIF", kh_exif_make(a, turn));
    }
    return bare ? webp_of(kh_buf_get(&b)) : cat(webp_of(kh_buf_get(&b)), KH_S("SECRET tail"));
}

static struct kh_str webp_animation(bool bare)
{
    struct kh_buf b = file(), frame = file();

    riff(&b, "VP8X", vp8x(bare ? 0x02 : 0x06, 40, 30));
    riff(&b, "ANIM", KH_S("\0\0\0\0\0\0"));
    kh_buf_z(&frame, "frame header 16.");
    if (!bare)
        riff(&frame, "meta", KH_S("SECRET"));
    riff(&frame, "VP8 ", vp8(40, 30));
    riff(&b, "ANMF", kh_buf_get(&frame));
    riff(&b, "ANMF", kh_buf_get(&frame));
    if (!bare)
        riff(&b, "XMP ", KH_S("SECRET"));
    return webp_of(kh_buf_get(&b));
}

static struct kh_str box(const char *type, struct kh_str body)
{
    struct kh_buf b = file();

    be(&b, body.n + 8, 4);
    kh_buf_add(&b, type, 4);
    kh_buf_str(&b, body);
    return kh_buf_get(&b);
}

static struct kh_str cats(const struct kh_str *s, size_t n)
{
    struct kh_buf b = file();

    for (size_t i = 0; i < n; i++)
        kh_buf_str(&b, s[i]);
    return kh_buf_get(&b);
}
#define CAT(...)                                                                                   \
    cats((const struct kh_str[]){__VA_ARGS__},                                                     \
         sizeof((const struct kh_str[]){__VA_ARGS__}) / sizeof(struct kh_str))

/* A full box body: version and flags, the two times, then zeros. */
static struct kh_str timed(size_t n)
{
    struct kh_buf b = file();

    be(&b, 0, 4);
    be(&b, 0x5EC2E701, 4); /* a time that must go */
    be(&b, 0x5EC2E702, 4);
    while (b.n < n)
        kh_buf_c(&b, 0);
    return kh_buf_get(&b);
}

static struct kh_str tkhd(unsigned width, unsigned height, bool turned)
{
    struct kh_str s = timed(84);
    char *p = kh_str_z(a, s);

    p[40 + (turned ? 5 : 1)] = 1; /* b or a of the matrix is 1.0 */
    p[76] = (char)(width >> 8);
    p[77] = (char)width;
    p[80] = (char)(height >> 8);
    p[81] = (char)height;
    return kh_str(p, s.n);
}

static struct kh_str hdlr(const char *kind)
{
    struct kh_buf b = file();

    be(&b, 0, 8);
    kh_buf_add(&b, kind, 4);
    be(&b, 0, 12);
    kh_buf_add(&b, "SECRET camera", 14);
    return kh_buf_get(&b);
}

static struct kh_str words(const uint32_t *w, size_t n)
{
    struct kh_buf b = file();

    for (size_t i = 0; i < n; i++)
        be(&b, w[i], 4);
    return kh_buf_get(&b);
}
#define WORDS(...)                                                                                 \
    words((const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / 4)

static struct kh_str trak(const char *kind, struct kh_str tk, struct kh_str tables)
{
    struct kh_str minf = box("minf", box("stbl", tables));

    return box("trak",
               CAT(box("tkhd", tk), box("udta", KH_S("SECRET")),
                   box("mdia", CAT(box("mdhd", timed(24)), box("hdlr", hdlr(kind)), minf))));
}

/* ftyp, mdat ("picture...SECRETgps1SECRETgps2sound"), moov with three tracks. */
static struct kh_str mp4(bool with_gps, bool turned)
{
    struct kh_str ftyp = box("ftyp", KH_S("mp42\0\0\0\0isomavc1"));
    struct kh_str mdat = box("mdat", with_gps ? KH_S("picture...SECRETgps1SECRETgps2sound")
                                              : KH_S("picture...sound"));
    uint32_t gps = (uint32_t)ftyp.n + 8 + 10;
    struct kh_str tables = box("stco", WORDS(0, 1, (uint32_t)ftyp.n + 8));
    struct kh_str gps_tables =
        CAT(box("stsz", WORDS(0, 0, 2, 10, 10)), box("stsc", WORDS(0, 1, 1, 1, 1)),
            box("stco", WORDS(0, 2, gps, gps + 10)));
    struct kh_str moov =
        box("moov", CAT(box("mvhd", timed(100)), trak("vide", tkhd(320, 180, turned), tables),
                        trak("soun", tkhd(0, 0, false), tables),
                        with_gps ? trak("meta", tkhd(0, 0, false), gps_tables) : KH_S(""),
                        box("udta", CAT(box("\xa9xyz", KH_S("SECRET+21.0285+105.8542/")))),
                        box("meta", KH_S("SECRET com.apple.quicktime.location"))));

    return CAT(ftyp, mdat, box("uuid", KH_S("SECRET xmp")), box("free", KH_S("SECRET")), moov);
}

/* ---- questions ---- */

static bool strip(struct kh_str in, struct kh_str *out, const char **type, int *w, int *h,
                  struct kh_error *err)
{
    /* In memory of its own size, so that reading past the end is seen. */
    char *copy = malloc(in.n ? in.n : 1);
    bool ok;

    assert_non_null(copy);
    memcpy(copy, in.p, in.n);
    *err = (struct kh_error){0};
    ok = kh_media_strip(a, kh_str(copy, in.n), out, type, w, h, err);
    if (ok)
        *out = kh_str_dup(a, *out);
    free(copy);
    assert_true(ok || err->code == KH_EC_FILE_BROKEN || err->code == KH_EC_FILE_TYPE ||
                err->code == KH_EC_FILE_TOO_LARGE);
    return ok;
}

static bool holds(struct kh_str s, const char *what)
{
    return memmem(s.p, s.n, what, strlen(what)) != NULL;
}

static struct kh_str must_strip(struct kh_str in, const char *want_type, int want_w, int want_h)
{
    struct kh_error err;
    struct kh_str out = {NULL, 0};
    const char *type = "";
    int w = 0, h = 0;

    if (!strip(in, &out, &type, &w, &h, &err))
        fail_msg("%s", err.detail);
    assert_string_equal(type, want_type);
    assert_int_equal(w, want_w);
    assert_int_equal(h, want_h);
    assert_false(holds(out, "SECRET"));
    return out;
}

static void must_refuse(struct kh_str in, enum kh_ec code)
{
    struct kh_error err;
    struct kh_str out;
    const char *type;
    int w, h;

    assert_false(strip(in, &out, &type, &w, &h, &err));
    assert_int_equal(err.code, code);
}

static void same(struct kh_str got, struct kh_str want)
{
    assert_int_equal(got.n, want.n);
    assert_memory_equal(got.p, want.p, want.n);
}

static void jpeg_keeps_the_picture_and_nothing_else(void **state)
{
    struct jpeg_with w = {.width = 40, .height = 30, .turn = 1};
    struct kh_str out = must_strip(jpeg(w), "image/jpeg", 40, 30);

    (void)state;
    w.bare = true;
    same(out, jpeg(w));
}

static void jpeg_keeps_its_turn(void **state)
{
    (void)state;
    for (int turn = 2; turn <= 8; turn++) {
        struct jpeg_with w = {.width = 40, .height = 30, .turn = turn, .little = turn % 2};
        struct kh_str out =
            must_strip(jpeg(w), "image/jpeg", turn >= 5 ? 30 : 40, turn >= 5 ? 40 : 30);

        w.bare = true;
        same(out, jpeg(w));
    }
}

static void jpeg_thumbnail_inside_jfif_goes(void **state)
{
    struct kh_str in = jpeg((struct jpeg_with){.width = 4, .height = 3, .bare = true}), out;
    struct kh_buf b = file();

    (void)state;
    be(&b, 0xFFD8, 2);
    segment(&b, 0xE0, CAT(kh_str("JFIF\0\1\2\1\0\110\0\110\2\1", 14), KH_S("SECRET")));
    kh_buf_str(&b, kh_str_skip(in, 2 + 18));
    out = must_strip(kh_buf_get(&b), "image/jpeg", 4, 3);
    same(out, in);
}

static void jpeg_refuses_what_browsers_do_not_show(void **state)
{
    struct jpeg_with w = {.width = 4, .height = 3, .marker = 0xC3};

    (void)state;
    must_refuse(jpeg(w), KH_EC_FILE_TYPE);
    w.marker = 0xC2;
    must_strip(jpeg(w), "image/jpeg", 4, 3);
}

static void pictures_without_size_or_too_large_are_refused(void **state)
{
    (void)state;
    must_refuse(jpeg((struct jpeg_with){.width = 0, .height = 3}), KH_EC_FILE_BROKEN);
    must_refuse(jpeg((struct jpeg_with){.width = 3, .height = 0}), KH_EC_FILE_BROKEN);
    must_refuse(jpeg((struct jpeg_with){.width = 65535, .height = 65535}), KH_EC_FILE_TOO_LARGE);
    must_refuse(png(20000, 20000, 1, true), KH_EC_FILE_TOO_LARGE);
    must_refuse(png(0x7FFFFFFF, 1, 1, true), KH_EC_FILE_TOO_LARGE);
    must_refuse(png(0, 1, 1, true), KH_EC_FILE_BROKEN);
}

static void png_keeps_the_picture_and_nothing_else(void **state)
{
    (void)state;
    same(must_strip(png(40, 30, 1, false), "image/png", 40, 30), png(40, 30, 1, true));
    same(must_strip(png(40, 30, 6, false), "image/png", 30, 40), png(40, 30, 6, true));
}

static void png_refuses_a_wrong_checksum_and_order(void **state)
{
    struct kh_str in = png(4, 3, 1, true);
    struct kh_buf b = file();
    char *p = kh_str_z(a, in);

    (void)state;
    p[20] ^= 1;
    must_refuse(kh_str(p, in.n), KH_EC_FILE_BROKEN);
    kh_buf_add(&b, in.p, 8 + 25);
    chunk(&b, "IDAT", KH_S("pixels"));
    chunk(&b, "pHYs", KH_S("123456789"));
    chunk(&b, "IDAT", KH_S("pixels"));
    chunk(&b, "IEND", KH_S(""));
    must_refuse(kh_buf_get(&b), KH_EC_FILE_BROKEN);
    b.n = 8 + 25;
    chunk(&b, "IEND", KH_S(""));
    must_refuse(kh_buf_get(&b), KH_EC_FILE_BROKEN);
    b.n = 8 + 25;
    chunk(&b, "CRIT", KH_S(""));
    chunk(&b, "IDAT", KH_S("pixels"));
    chunk(&b, "IEND", KH_S(""));
    must_refuse(kh_buf_get(&b), KH_EC_FILE_BROKEN);
}

static void webp_keeps_the_picture_and_nothing_else(void **state)
{
    (void)state;
    same(must_strip(webp(1, false), "image/webp", 40, 30), webp(1, true));
    same(must_strip(webp(8, false), "image/webp", 30, 40), webp(8, true));
    same(must_strip(webp_animation(false), "image/webp", 40, 30), webp_animation(true));
}

static void webp_without_extensions_is_read_from_its_stream(void **state)
{
    struct kh_buf lossy = file(), lossless = file();

    (void)state;
    riff(&lossy, "VP8 ", vp8(640, 480));
    riff(&lossless, "VP8L", vp8l(16384, 2));
    same(must_strip(webp_of(kh_buf_get(&lossy)), "image/webp", 640, 480),
         webp_of(kh_buf_get(&lossy)));
    same(must_strip(webp_of(kh_buf_get(&lossless)), "image/webp", 16384, 2),
         webp_of(kh_buf_get(&lossless)));
}

static void webp_refuses_a_picture_that_hides_behind_its_canvas(void **state)
{
    struct kh_buf b = file();

    (void)state;
    riff(&b, "VP8X", vp8x(0, 40, 30));
    riff(&b, "VP8L", vp8l(16000, 16000));
    must_refuse(webp_of(kh_buf_get(&b)), KH_EC_FILE_BROKEN);
    b.n = 0;
    riff(&b, "VP8X", vp8x(0, 40, 30));
    must_refuse(webp_of(kh_buf_get(&b)), KH_EC_FILE_BROKEN);
}

static void mp4_keeps_offsets_and_forgets_the_rest(void **state)
{
    struct kh_str in = mp4(true, false), out = must_strip(in, "video/mp4", 320, 180);

    (void)state;
    assert_int_equal(out.n, in.n);
    assert_true(holds(out, "picture..."));
    assert_true(holds(out, "sound"));
    assert_false(holds(out, "gps"));
    assert_false(holds(out, "\x5E\xC2\xE7"));
    assert_ptr_equal((const char *)memmem(out.p, out.n, "mdat", 4) - out.p,
                     (const char *)memmem(in.p, in.n, "mdat", 4) - in.p);
    same(must_strip(out, "video/mp4", 320, 180), out);
    must_strip(mp4(false, true), "video/mp4", 180, 320);
}

static void mp4_refuses_samples_outside_the_media(void **state)
{
    struct kh_str in = mp4(true, false);
    char *p = kh_str_z(a, in);
    char *gps_chunk = memmem(p, in.n, "stsz", 4);

    (void)state;
    gps_chunk = memmem(gps_chunk, in.n - (size_t)(gps_chunk - p), "stco", 4);
    assert_non_null(gps_chunk);
    gps_chunk[12] = 0x7F; /* chunk offset far behind the end */
    must_refuse(kh_str(p, in.n), KH_EC_FILE_BROKEN);
}

/* Many chunks that name the same large range must not cost their product. */
static void mp4_does_not_wipe_the_same_bytes_again_and_again(void **state)
{
    struct kh_str ftyp = box("ftyp", KH_S("mp42\0\0\0\0isom")), moov, tables;
    struct kh_buf chunks = file(), media = file();

    (void)state;
    be(&chunks, 0, 4);
    be(&chunks, 100000, 4);
    for (int i = 0; i < 100000; i++)
        be(&chunks, ftyp.n + 8, 4);
    for (int i = 0; i < 200000; i++)
        kh_buf_c(&media, 'x');
    tables = CAT(box("stsz", WORDS(0, 200000, 1)), box("stsc", WORDS(0, 1, 1, 1, 1)),
                 box("stco", kh_buf_get(&chunks)));
    moov = box("moov", CAT(box("mvhd", timed(100)),
                           trak("vide", tkhd(32, 18, false), box("stco", WORDS(0, 0))),
                           trak("meta", tkhd(0, 0, false), tables)));
    must_refuse(CAT(ftyp, box("mdat", kh_buf_get(&media)), moov), KH_EC_FILE_BROKEN);
}

static void mp4_without_a_picture_is_no_video(void **state)
{
    struct kh_str ftyp = box("ftyp", KH_S("mp42\0\0\0\0isom")), mdat = box("mdat", KH_S("x"));

    (void)state;
    must_refuse(CAT(ftyp, mdat), KH_EC_FILE_BROKEN);
    must_refuse(CAT(ftyp, mdat, box("moov", box("mvhd", timed(100)))), KH_EC_FILE_BROKEN);
    must_refuse(CAT(box("ftyp", KH_S("heic\0\0\0\0mif1heic")), mdat), KH_EC_FILE_TYPE);
}

static void anything_else_is_refused_by_its_content(void **state)
{
    static const struct kh_str other[] = {
        KH_STR_INIT(""),
        KH_STR_INIT("\xff"),
        KH_STR_INIT("GIF89a............"),
        KH_STR_INIT("%PDF-1.7\n........"),
        KH_STR_INIT("<svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
        KH_STR_INIT("<html><script>alert(1)</script>"),
        KH_STR_INIT("RIFF....WAVEfmt "),
        KH_STR_INIT("\x7f"
                    "ELF............"),
    };

    (void)state;
    for (size_t i = 0; i < KH_LEN(other); i++)
        must_refuse(other[i], KH_EC_FILE_TYPE);
}

static void every_cut_and_every_flip_ends_well(void **state)
{
    struct kh_str samples[] = {
        jpeg((struct jpeg_with){.width = 40, .height = 30, .turn = 6}),
        png(40, 30, 6, false),
        webp(6, false),
        webp_animation(false),
        mp4(true, true),
    };

    (void)state;
    for (size_t i = 0; i < KH_LEN(samples); i++) {
        struct kh_str in = samples[i], out;
        struct kh_error err;
        const char *type;
        int w, h;

        for (size_t n = 0; n < in.n; n++)
            if (strip(kh_str(in.p, n), &out, &type, &w, &h, &err))
                assert_false(holds(out, "SECRET"));
        for (size_t n = 0; n < in.n * 4; n++) {
            static const unsigned char with[] = {0xFF, 0x80, 0x01, 0x00};
            char *p = kh_str_z(a, in);

            p[n / 4] = (char)(n % 4 == 3 ? 0 : p[n / 4] ^ with[n % 4]);
            (void)strip(kh_str(p, in.n), &out, &type, &w, &h, &err);
        }
    }
}

static void exif_that_points_anywhere_says_no_turn(void **state)
{
    struct kh_str good = exif(6, false);
    char *p = kh_str_z(a, good);

    (void)state;
    assert_int_equal(kh_exif_turn(good), 6);
    assert_int_equal(kh_exif_turn(exif(3, true)), 3);
    assert_int_equal(kh_exif_turn(exif(9, true)), 1);
    assert_int_equal(kh_exif_turn(kh_exif_make(a, 8)), 8);
    assert_int_equal(kh_exif_turn(KH_S("")), 1);
    memset(p + 4, 0xFF, 4);
    assert_int_equal(kh_exif_turn(kh_str(p, good.n)), 1);
    for (size_t n = 0; n < good.n; n++)
        assert_in_range(kh_exif_turn(kh_str(good.p, n)), 1, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jpeg_keeps_the_picture_and_nothing_else),
        cmocka_unit_test(jpeg_keeps_its_turn),
        cmocka_unit_test(jpeg_thumbnail_inside_jfif_goes),
        cmocka_unit_test(jpeg_refuses_what_browsers_do_not_show),
        cmocka_unit_test(pictures_without_size_or_too_large_are_refused),
        cmocka_unit_test(png_keeps_the_picture_and_nothing_else),
        cmocka_unit_test(png_refuses_a_wrong_checksum_and_order),
        cmocka_unit_test(webp_keeps_the_picture_and_nothing_else),
        cmocka_unit_test(webp_without_extensions_is_read_from_its_stream),
        cmocka_unit_test(webp_refuses_a_picture_that_hides_behind_its_canvas),
        cmocka_unit_test(mp4_keeps_offsets_and_forgets_the_rest),
        cmocka_unit_test(mp4_refuses_samples_outside_the_media),
        cmocka_unit_test(mp4_does_not_wipe_the_same_bytes_again_and_again),
        cmocka_unit_test(mp4_without_a_picture_is_no_video),
        cmocka_unit_test(anything_else_is_refused_by_its_content),
        cmocka_unit_test(every_cut_and_every_flip_ends_well),
        cmocka_unit_test(exif_that_points_anywhere_says_no_turn),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
