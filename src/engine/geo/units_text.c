/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/geo/units_int.h"

#include "base/hash.h"

#define ZLIB_CONST
#include <zlib.h>

static void feature_put(struct kh_jw *w, const struct kh_unit *u)
{
    kh_jw_obj(w);
    kh_jw_kz(w, "type", "Feature");
    kh_jw_kstr(w, "id", u->code);
    kh_jw_key(w, "properties");
    kh_jw_obj(w);
    kh_jw_kstr(w, "code", u->code);
    kh_jw_kstr(w, "name", u->full_name);
    kh_jw_kstr(w, "name_en", u->full_name_en);
    kh_jw_kstr(w, "kind", u->kind);
    kh_jw_kstr(w, "agency", u->agency);
    kh_jw_key(w, "label");
    kh_jw_arr(w);
    kh_jw_double(w, u->label_lon);
    kh_jw_double(w, u->label_lat);
    kh_jw_end(w);
    kh_jw_end(w);
    kh_jw_key(w, "geometry");
    kh_jw_raw(w, u->geometry);
    kh_jw_end(w);
}

/* RFC 1952, at best compression: done once, sent many times. */
static struct kh_str gzip(struct kh_arena *a, struct kh_str in)
{
    enum { WINDOW = 15 + 16, MEMORY = 9 };
    z_stream z = {0};
    struct kh_str out = {NULL, 0};
    uLong bound;
    char *p;

    KH_REQUIRE(deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, WINDOW, MEMORY,
                            Z_DEFAULT_STRATEGY) == Z_OK);
    bound = deflateBound(&z, (uLong)in.n);
    p = kh_alloc(a, bound);
    z.next_in = (const Bytef *)in.p;
    z.avail_in = (uInt)in.n;
    z.next_out = (Bytef *)p;
    z.avail_out = (uInt)bound;
    KH_REQUIRE(deflate(&z, Z_FINISH) == Z_STREAM_END);
    out = kh_str(p, z.total_out);
    deflateEnd(&z);
    return out;
}

/* The text of a day holds until a shape comes or goes. */
static void period_of(const struct kh_picture *p, int64_t day, int64_t *from, int64_t *to)
{
    *from = INT64_MIN;
    *to = INT64_MAX;
    for (size_t i = 0; i < p->shaped_n; i++) {
        const int64_t edges[2] = {p->shaped[i]->from_day, p->shaped[i]->to_day};

        for (int k = 0; k < 2; k++) {
            if (edges[k] <= day && edges[k] > *from)
                *from = edges[k];
            if (edges[k] > day && edges[k] < *to)
                *to = edges[k];
        }
    }
}

static struct kh_units_text text_make(struct kh_picture *p, int64_t day)
{
    kh_auto_arena tmp = kh_arena_new(SIZE_MAX);
    struct kh_buf b = kh_buf(tmp, (size_t)1 << 30);
    struct kh_jw w = kh_jw(&b);
    struct kh_units_text t;
    unsigned char sum[KH_SHA256_BYTES];

    kh_jw_obj(&w);
    kh_jw_kz(&w, "type", "FeatureCollection");
    kh_jw_key(&w, "features");
    kh_jw_arr(&w);
    for (size_t i = 0; i < p->n; i++)
        if (p->units[i].shape && kh_str_is(p->units[i].level, "commune") &&
            kh_unit_on(&p->units[i], day))
            feature_put(&w, &p->units[i]);
    kh_jw_end(&w);
    kh_jw_end(&w);
    t.json = kh_str_dup(p->a, kh_buf_get(&b));
    t.gzip = gzip(p->a, t.json);
    kh_sha256_one(t.json, sum);
    t.etag = kh_strf(p->a, "\"%.*s\"", KH_FMT(kh_hex(tmp, sum, 16)));
    return t;
}

const struct kh_units_text *kh_picture_text(struct kh_picture *p, int64_t day)
{
    struct kh_unit_text *t;

    for (size_t i = 0; i < p->texts_n; i++)
        if (day >= p->texts[i].from_day && day < p->texts[i].to_day)
            return &p->texts[i].text;
    /* More periods than places do not occur; should they, the last place would serve wrongly, so the
     * day is answered by a text that is made anew. */
    t = p->texts_n < KH_UNIT_TEXTS ? &p->texts[p->texts_n++] : kh_new(p->a, struct kh_unit_text);
    period_of(p, day, &t->from_day, &t->to_day);
    t->text = text_make(p, day);
    return &t->text;
}
