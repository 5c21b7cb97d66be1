/* SPDX-License-Identifier: Apache-2.0 */
/* MP4, ISO/IEC 14496-12. The file keeps its length and every offset in it: what tells more than
 * picture and sound (user data, metadata, free space, unknown boxes, metadata tracks such as the GPS
 * track of an action camera, with their samples) becomes zeros inside 'free' boxes, and the times of
 * recording become zero. */
#include "engine/file/media.h"

enum where { TOP, MOOV, TRAK, EDTS, MDIA, MINF, DINF, STBL, MVEX, MOOF, TRAF };

struct box {
    size_t at, head, n; /* place, bytes of the header, bytes in all */
    const char *type;
};

struct track {
    bool media, video; /* sound or picture; picture */
    size_t at, n;      /* its box */
};

/* The bytes inside an mdat box. */
struct range {
    size_t from, to;
};

struct mp4 {
    struct kh_arena *a;
    struct range *mdats; /* in the order of the file */
    size_t mdats_n, mdats_cap, blanked;
    char *p;
    size_t n;
    uint32_t width, height;
    int turn;
    bool moov, moof, dropped;
    struct kh_error *err;
};

static bool broken(const struct mp4 *m, const char *what)
{
    return kh_fail(m->err, KH_EC_FILE_BROKEN, "MP4: %s", what);
}

static bool is(const struct box *b, const char *type)
{
    return memcmp(b->type, type, 4) == 0;
}

static bool box_next(const struct mp4 *m, size_t at, size_t end, struct box *ret)
{
    uint64_t n;

    *ret = (struct box){.at = at, .head = 8, .type = m->p + at + 4};
    if (end - at < 8)
        return broken(m, "a box is cut off");
    n = kh_be32(m->p + at);
    if (n == 1) {
        if (end - at < 16)
            return broken(m, "a box is cut off");
        n = kh_be64(m->p + at + 8);
        ret->head = 16;
    } else if (n == 0) {
        n = end - at; /* to the end of the file */
    }
    if (n < ret->head || n > end - at)
        return broken(m, "a box is cut off");
    ret->n = (size_t)n;
    return true;
}

/* A box of this type in [at, end): KH_MISS if there is none. */
static enum kh_hit box_find(const struct mp4 *m, size_t at, size_t end, const char *type,
                            struct box *ret)
{
    for (; at < end; at += ret->n) {
        if (!box_next(m, at, end, ret))
            return KH_FAIL;
        if (is(ret, type))
            return KH_HIT;
    }
    return KH_MISS;
}

/* By a path of box types, "mdia/minf/stbl". */
static enum kh_hit box_path(const struct mp4 *m, const struct box *from, const char *path,
                            struct box *ret)
{
    struct box b = *from;

    for (; *path; path += path[4] ? 5 : 4) {
        enum kh_hit hit = box_find(m, b.at + b.head, b.at + b.n, path, ret);

        if (hit != KH_HIT)
            return hit;
        b = *ret;
    }
    return KH_HIT;
}

static void blank(struct mp4 *m, const struct box *b)
{
    memcpy(m->p + b->at + 4, "free", 4);
    memset(m->p + b->at + b->head, 0, b->n - b->head);
}

/* mvhd, tkhd, mdhd: creation and modification time stand first. */
static bool blank_times(struct mp4 *m, const struct box *b)
{
    size_t body = b->at + b->head, n;

    if (b->n - b->head < 4)
        return broken(m, "a header is cut off");
    n = m->p[body] == 1 ? 16 : 8;
    if (b->n - b->head < 4 + n)
        return broken(m, "a header is cut off");
    memset(m->p + body + 4, 0, n);
    return true;
}

/* The name of a handler is the name of the camera or of its software. */
static void blank_name(struct mp4 *m, const struct box *b)
{
    if (b->n - b->head > 24)
        memset(m->p + b->at + b->head + 24, 0, b->n - b->head - 24);
}

struct rule {
    enum where where;
    char type[5];
    enum { KEEP, ENTER, TIMES, NAME } act;
    enum where inner;
};

/* Everything that stays; the rest becomes free space. */
static const struct rule rules[] = {
    {TOP, "ftyp", KEEP, TOP},    {TOP, "styp", KEEP, TOP},    {TOP, "sidx", KEEP, TOP},
    {TOP, "mdat", KEEP, TOP},    {TOP, "mfra", KEEP, TOP},    {TOP, "moov", ENTER, MOOV},
    {TOP, "moof", ENTER, MOOF},  {MOOV, "mvhd", TIMES, TOP},  {MOOV, "trak", ENTER, TRAK},
    {MOOV, "mvex", ENTER, MVEX}, {MVEX, "mehd", KEEP, TOP},   {MVEX, "trex", KEEP, TOP},
    {TRAK, "tkhd", TIMES, TOP},  {TRAK, "edts", ENTER, EDTS}, {TRAK, "mdia", ENTER, MDIA},
    {EDTS, "elst", KEEP, TOP},   {MDIA, "mdhd", TIMES, TOP},  {MDIA, "hdlr", NAME, TOP},
    {MDIA, "elng", KEEP, TOP},   {MDIA, "minf", ENTER, MINF}, {MINF, "vmhd", KEEP, TOP},
    {MINF, "smhd", KEEP, TOP},   {MINF, "hdlr", NAME, TOP},   {MINF, "dinf", ENTER, DINF},
    {MINF, "stbl", ENTER, STBL}, {DINF, "dref", KEEP, TOP},   {STBL, "stsd", KEEP, TOP},
    {STBL, "stts", KEEP, TOP},   {STBL, "ctts", KEEP, TOP},   {STBL, "cslg", KEEP, TOP},
    {STBL, "stsc", KEEP, TOP},   {STBL, "stsz", KEEP, TOP},   {STBL, "stz2", KEEP, TOP},
    {STBL, "stco", KEEP, TOP},   {STBL, "co64", KEEP, TOP},   {STBL, "stss", KEEP, TOP},
    {STBL, "stsh", KEEP, TOP},   {STBL, "sdtp", KEEP, TOP},   {STBL, "sgpd", KEEP, TOP},
    {STBL, "sbgp", KEEP, TOP},   {STBL, "subs", KEEP, TOP},   {MOOF, "mfhd", KEEP, TOP},
    {MOOF, "traf", ENTER, TRAF}, {TRAF, "tfhd", KEEP, TOP},   {TRAF, "tfdt", KEEP, TOP},
    {TRAF, "trun", KEEP, TOP},   {TRAF, "sdtp", KEEP, TOP},   {TRAF, "sgpd", KEEP, TOP},
    {TRAF, "sbgp", KEEP, TOP},   {TRAF, "subs", KEEP, TOP},   {TRAF, "saiz", KEEP, TOP},
    {TRAF, "saio", KEEP, TOP},   {TRAF, "senc", KEEP, TOP},
};

/* ---- samples of a track that is dropped ---- */

struct table {
    const char *p; /* entries */
    uint32_t n;
};

/* A full box with a count and entries of size bytes. */
static bool table_read(const struct mp4 *m, const struct box *b, size_t before, size_t size,
                       struct table *ret)
{
    size_t body = b->n - b->head;
    const char *p = m->p + b->at + b->head;

    if (body < before + 4)
        return broken(m, "a sample table is cut off");
    ret->n = kh_be32(p + before);
    ret->p = p + before + 4;
    if (ret->n > (body - before - 4) / size)
        return broken(m, "a sample table is cut off");
    return true;
}

/* Write zeros over [at, at+n), which must be inside one mdat. */
static bool blank_samples(struct mp4 *m, uint64_t at, uint64_t n)
{
    size_t lo = 0, hi = m->mdats_n;

    /* Tracks that share bytes could make the same ones be written again and again. */
    if (n > m->n - m->blanked)
        return broken(m, "samples overlap");
    m->blanked += (size_t)n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (m->mdats[mid].to < at)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == m->mdats_n || at < m->mdats[lo].from || n > m->mdats[lo].to - at)
        return n == 0 || broken(m, "a sample is outside the media data");
    memset(m->p + at, 0, (size_t)n);
    return true;
}

/* Size of sample i: one for all (stsz), or from the table; 0 past the end. */
struct sizes {
    uint32_t all;
    struct table t;
};

static uint64_t size_of(const struct sizes *s, uint64_t i)
{
    if (s->all)
        return s->all;
    return i < s->t.n ? kh_be32(s->t.p + 4 * i) : 0;
}

/* Walk the chunks as 8.7.4 says: runs of chunks with equally many samples. */
static bool blank_chunks(struct mp4 *m, const struct sizes *sz, const struct table *runs,
                         const struct table *chunks, bool wide)
{
    uint64_t sample = 0;
    uint32_t run = 0, per = 0;

    for (uint32_t c = 0; c < chunks->n; c++) {
        uint64_t at =
            wide ? kh_be64(chunks->p + 8 * (size_t)c) : kh_be32(chunks->p + 4 * (size_t)c);
        uint64_t bytes = 0;

        while (run < runs->n && kh_be32(runs->p + 12 * (size_t)run) <= c + 1)
            per = kh_be32(runs->p + 12 * (size_t)run++ + 4);
        if (sz->all) {
            bytes = (uint64_t)sz->all * per;
        } else {
            for (uint32_t i = 0; i < per && sample + i < sz->t.n; i++)
                bytes += size_of(sz, sample + i);
        }
        sample += per;
        if (!blank_samples(m, at, bytes))
            return false;
    }
    return true;
}

static bool track_blank(struct mp4 *m, const struct box *trak)
{
    struct box stbl, b;
    struct sizes sz = {0};
    struct table runs, chunks;
    enum kh_hit hit = box_path(m, trak, "mdia/minf/stbl", &stbl);
    bool wide = false;

    m->dropped = true;
    if (hit != KH_HIT)
        return hit == KH_MISS;
    if (box_path(m, &stbl, "stsz", &b) != KH_HIT)
        return kh_fail(m->err, KH_EC_FILE_TYPE, "MP4: a metadata track without sample sizes");
    if (b.n - b.head < 12)
        return broken(m, "a sample table is cut off");
    sz.all = kh_be32(m->p + b.at + b.head + 4);
    if (!sz.all && !table_read(m, &b, 8, 4, &sz.t))
        return false;
    if (box_path(m, &stbl, "stsc", &b) != KH_HIT || !table_read(m, &b, 4, 12, &runs))
        return broken(m, "a sample table is missing");
    hit = box_path(m, &stbl, "stco", &b);
    if (hit == KH_MISS) {
        hit = box_path(m, &stbl, "co64", &b);
        wide = true;
    }
    if (hit != KH_HIT || !table_read(m, &b, 4, wide ? 8 : 4, &chunks))
        return broken(m, "a sample table is missing");
    return blank_chunks(m, &sz, &runs, &chunks, wide);
}

/* ---- the walk ---- */

/* Picture size, and whether the matrix lays it on its side (14496-12, 8.3.2). */
static bool video_size(struct mp4 *m, const struct box *trak)
{
    struct box b;
    const char *p;
    size_t v1;

    if (box_path(m, trak, "tkhd", &b) != KH_HIT)
        return broken(m, "a track header is missing");
    p = m->p + b.at + b.head;
    v1 = b.n > b.head && p[0] == 1 ? 12 : 0;
    if (b.n - b.head < 84 + v1)
        return broken(m, "a track header is cut off");
    if (m->width == 0 && m->height == 0) {
        m->width = kh_be32(p + 76 + v1) >> 16;
        m->height = kh_be32(p + 80 + v1) >> 16;
        m->turn = kh_be32(p + 40 + v1) == 0 && kh_be32(p + 44 + v1) != 0 ? 6 : 1;
    }
    return true;
}

/* Is this track shown or heard? Others are dropped, samples and all. */
static bool track_wanted(struct mp4 *m, const struct box *trak, bool *ret_wanted)
{
    struct box hdlr;
    const char *kind;

    if (box_path(m, trak, "mdia/hdlr", &hdlr) != KH_HIT || hdlr.n - hdlr.head < 12)
        return broken(m, "a track has no handler");
    kind = m->p + hdlr.at + hdlr.head + 8;
    *ret_wanted = memcmp(kind, "vide", 4) == 0 || memcmp(kind, "soun", 4) == 0;
    return memcmp(kind, "vide", 4) != 0 || video_size(m, trak);
}

static const struct rule *rule_of(enum where where, const char *type)
{
    for (size_t i = 0; i < KH_LEN(rules); i++)
        if (rules[i].where == where && memcmp(rules[i].type, type, 4) == 0)
            return &rules[i];
    return NULL;
}

/* Depth is bounded by the table of rules. */
static bool walk(struct mp4 *m, size_t at, size_t end, enum where where)
{
    struct box b;

    for (; at < end; at += b.n) {
        const struct rule *r;
        bool wanted = true;

        if (!box_next(m, at, end, &b))
            return false;
        r = rule_of(where, b.type);
        m->moov = m->moov || (where == TOP && is(&b, "moov"));
        m->moof = m->moof || (where == TOP && is(&b, "moof"));
        if (r && r->inner == TRAK && !track_wanted(m, &b, &wanted))
            return false;
        if (!wanted && !track_blank(m, &b))
            return false;
        if (!r || !wanted) {
            blank(m, &b);
            continue;
        }
        if (r->act == TIMES && !blank_times(m, &b))
            return false;
        if (r->act == NAME)
            blank_name(m, &b);
        if (r->act == ENTER && !walk(m, b.at + b.head, b.at + b.n, r->inner))
            return false;
    }
    return true;
}

static bool mdats_find(struct mp4 *m)
{
    struct box b;

    for (size_t at = 0; at < m->n; at += b.n) {
        if (!box_next(m, at, m->n, &b))
            return false;
        if (!is(&b, "mdat"))
            continue;
        m->mdats =
            kh_grow(m->a, m->mdats, m->mdats_n, m->mdats_n + 1, &m->mdats_cap, sizeof(*m->mdats));
        m->mdats[m->mdats_n++] = (struct range){b.at + b.head, b.at + b.n};
    }
    return true;
}

static bool brand_known(const struct mp4 *m, const struct box *ftyp)
{
    static const char *const brands[] = {"isom", "iso2", "iso3", "iso4", "iso5", "iso6", "mp41",
                                         "mp42", "avc1", "M4V ", "MSNV", "3gp4", "3gp5", "qt  "};

    for (size_t at = ftyp->at + ftyp->head; at + 4 <= ftyp->at + ftyp->n; at += 4)
        for (size_t i = 0; i < KH_LEN(brands); i++)
            if (at != ftyp->at + ftyp->head + 4 && memcmp(m->p + at, brands[i], 4) == 0)
                return true;
    return false;
}

bool kh_mp4_strip(struct kh_arena *a, struct kh_str in, struct kh_media *ret, struct kh_error *err)
{
    struct mp4 m = {.a = a, .n = in.n, .turn = 1, .err = err};
    struct kh_media out = {0};
    struct box ftyp;

    m.p = kh_str_z(a, in);
    if (!box_next(&m, 0, m.n, &ftyp))
        return false;
    if (!brand_known(&m, &ftyp))
        return kh_fail(err, KH_EC_FILE_TYPE, "MP4: no brand of a video file");
    if (!mdats_find(&m) || !walk(&m, 0, m.n, TOP))
        return false;
    if (!m.moov || m.mdats_n == 0 || m.width == 0)
        return broken(&m, "no picture track with media data");
    if (m.moof && m.dropped)
        return kh_fail(err, KH_EC_FILE_TYPE, "MP4: a fragmented file with a metadata track");
    if (!kh_media_size(&out, m.width, m.height, m.turn, err))
        return false;
    out.bytes = kh_str(m.p, m.n);
    *ret = out;
    return true;
}
