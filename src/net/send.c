/* SPDX-License-Identifier: Apache-2.0 */
/* From a filled reply to bytes: encoding, ranges, headers. */
#include "net/net_impl.h"

#include "api/uri.h"
#include "base/metrics.h"
#include "base/time.h"

#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum { GZIP_LEVEL = 4, ZSTD_LEVEL = 1 };

/* ---- compression ---- */

static struct kh_str zstd_of(struct local *l, struct kh_arena *a, struct kh_str body)
{
    size_t room = ZSTD_compressBound(body.n), n;
    char *out = kh_alloc(a, room);

    if (!l->zstd)
        l->zstd = ZSTD_createCCtx();
    KH_REQUIRE(l->zstd);
    n = ZSTD_compressCCtx(l->zstd, out, room, body.p, body.n, ZSTD_LEVEL);
    return ZSTD_isError(n) ? kh_str(NULL, 0) : kh_str(out, n);
}

static struct kh_str gzip_of(struct local *l, struct kh_arena *a, struct kh_str body)
{
    z_stream *z = l->gzip;
    uLong room;
    char *out;

    if (!z) {
        z = calloc(1, sizeof(*z));
        KH_REQUIRE(z &&
                   deflateInit2(z, GZIP_LEVEL, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
        l->gzip = z;
    } else {
        deflateReset(z);
    }
    room = deflateBound(z, (uLong)body.n);
    out = kh_alloc(a, room);
    z->next_in = (Bytef *)(uintptr_t)body.p;
    z->avail_in = (uInt)body.n;
    z->next_out = (Bytef *)out;
    z->avail_out = (uInt)room;
    if (deflate(z, Z_FINISH) != Z_STREAM_END)
        return kh_str(NULL, 0);
    return kh_str(out, room - z->avail_out);
}

struct kh_str kh_net_compress(struct local *l, struct kh_arena *a, struct kh_str body, bool zstd)
{
    return zstd ? zstd_of(l, a, body) : gzip_of(l, a, body);
}

void kh_local_free(struct local *l)
{
    if (l->gzip)
        deflateEnd(l->gzip);
    free(l->gzip);
    ZSTD_freeCCtx(l->zstd);
}

enum kh_encoding kh_net_encoding(struct kh_str accept)
{
    int gzip = 0, zstd = 0, any = 0, q;
    struct kh_str one;

    while (kh_list_next(&accept, &one)) {
        struct kh_str word = kh_list_quality(one, &q);

        if (kh_str_same(word, KH_S("gzip")))
            gzip = q ? q : -1;
        else if (kh_str_same(word, KH_S("zstd")))
            zstd = q ? q : -1;
        else if (kh_str_is(word, "*"))
            any = q;
    }
    if (gzip == 0)
        gzip = any;
    if (zstd > 0 && zstd >= gzip)
        return KH_ENCODING_ZSTD;
    return gzip > 0 ? KH_ENCODING_GZIP : KH_ENCODING_NONE;
}

static bool is_text(struct kh_str type)
{
    return kh_str_starts(type, KH_S("text/")) || kh_str_starts(type, KH_S("application/json")) ||
           kh_str_starts(type, KH_S("application/problem+json")) ||
           kh_str_starts(type, KH_S("application/geo+json")) ||
           kh_str_starts(type, KH_S("application/x-ndjson")) ||
           kh_str_starts(type, KH_S("application/xml")) ||
           kh_str_starts(type, KH_S("image/svg+xml"));
}

/* Compress the body in place if it is worth it. */
static void encode(struct exchange *x)
{
    struct kh_call *c = &x->call;
    struct kh_reply *r = &c->reply;
    int64_t least = x->net->config->http_compress_bytes;
    enum kh_encoding e;
    struct kh_str small;

    if (least == 0 || (int64_t)r->body.n < least || r->body.n > INT32_MAX || r->plain ||
        !is_text(r->type))
        return;
    kh_reply_header(c, "Vary", KH_S("Accept-Encoding"));
    e = kh_net_encoding(c->head.accept_encoding);
    if (e == KH_ENCODING_NONE)
        return;
    small = kh_net_compress(x->home, c->a, r->body, e == KH_ENCODING_ZSTD);
    if (!small.p || small.n >= r->body.n)
        return;
    r->body = small;
    kh_reply_header(c, "Content-Encoding", e == KH_ENCODING_ZSTD ? KH_S("zstd") : KH_S("gzip"));
}

/* ---- files ---- */

static bool has_header(const struct kh_reply *r, const char *name)
{
    for (size_t i = 0; i < r->headers_n; i++)
        if (kh_str_is(r->headers[i].name, name))
            return true;
    return false;
}

/* One range "bytes=a-b", "bytes=a-" or "bytes=-n" (RFC 9110 section 14); others are ignored, which
 * the standard allows. @return false if it is one that cannot be met */
static bool read_range(struct kh_str s, int64_t size, int64_t *ret_from, int64_t *ret_n)
{
    struct kh_str to, from;
    int64_t a = 0, b = size - 1;

    *ret_from = 0;
    *ret_n = size;
    if (!kh_str_starts(s, KH_S("bytes=")) || memchr(s.p, ',', s.n) || !memchr(s.p, '-', s.n))
        return true;
    from = kh_str_trim(kh_str_cut(kh_str_skip(s, 6), '-', &to));
    to = kh_str_trim(to);
    if ((from.n && (!kh_str_int(from, &a) || a < 0)) || (to.n && (!kh_str_int(to, &b) || b < 0)) ||
        (from.n == 0 && to.n == 0) || (from.n && b < a && to.n))
        return true;
    if (from.n == 0) {
        if (b == 0)
            return false;
        a = b < size ? size - b : 0;
        b = size - 1;
    }
    if (a >= size)
        return false;
    if (b >= size)
        b = size - 1;
    *ret_from = a;
    *ret_n = b - a + 1;
    return true;
}

static struct MHD_Response *file_response(struct exchange *x)
{
    struct kh_call *c = &x->call;
    struct kh_reply *r = &c->reply;
    int64_t from = 0, n = r->fd_bytes, start = lseek(r->fd, 0, SEEK_CUR);

    if (start < 0)
        start = 0;
    if (!has_header(r, "Accept-Ranges"))
        kh_reply_header(c, "Accept-Ranges", KH_S("bytes"));
    if (r->status == 200 && c->method == KH_GET && c->head.range.n && r->fd_bytes > 0) {
        if (!read_range(c->head.range, r->fd_bytes, &from, &n)) {
            close(r->fd);
            r->has_fd = false;
            r->status = 416;
            kh_reply_header(c, "Content-Range",
                            kh_strf(c->a, "bytes */%lld", (long long)r->fd_bytes));
            return MHD_create_response_from_buffer(0, (void *)(uintptr_t) "",
                                                   MHD_RESPMEM_PERSISTENT);
        }
        if (n != r->fd_bytes) {
            r->status = 206;
            kh_reply_header(c, "Content-Range",
                            kh_strf(c->a, "bytes %lld-%lld/%lld", (long long)from,
                                    (long long)(from + n - 1), (long long)r->fd_bytes));
        }
    }
    r->has_fd = false; /* the response closes it */
    return MHD_create_response_from_fd_at_offset64((uint64_t)n, r->fd, (uint64_t)(start + from));
}

/* ---- the reply ---- */

static void put_headers(struct exchange *x, struct MHD_Response *m, bool is_file)
{
    struct kh_call *c = &x->call;
    struct kh_reply *r = &c->reply;

    if (r->type.n)
        MHD_add_response_header(m, "Content-Type", r->type.p);
    MHD_add_response_header(m, "X-Content-Type-Options", "nosniff");
    if (!has_header(r, "Cache-Control"))
        MHD_add_response_header(m, "Cache-Control",
                                has_header(r, "ETag") ? "private, no-cache" : "no-store");
    /* What came from outside is never run in our name. */
    if ((is_file || kh_str_starts(r->type, KH_S("text/html")) ||
         kh_str_starts(r->type, KH_S("image/svg"))) &&
        !has_header(r, "Content-Security-Policy"))
        MHD_add_response_header(m, "Content-Security-Policy",
                                "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; "
                                "media-src 'self'; sandbox; frame-ancestors 'self'");
    if (c->tls)
        MHD_add_response_header(m, "Strict-Transport-Security", "max-age=31536000");
    if (r->status >= 400 || c->head.traceparent.n)
        MHD_add_response_header(m, "X-Request-Id", kh_str_z(c->a, c->id));
    for (size_t i = 0; i < r->headers_n; i++)
        MHD_add_response_header(m, r->headers[i].name.p, r->headers[i].value.p);
    if (x->close_after)
        MHD_add_response_header(m, "Connection", "close");
}

void kh_send_note(struct exchange *x, int status, int64_t bytes)
{
    struct kh_call *c = &x->call;
    int64_t now = kh_mono_us();
    enum kh_metric class = status < 300   ? KH_M_HTTP_2XX
                           : status < 400 ? KH_M_HTTP_3XX
                           : status < 500 ? KH_M_HTTP_4XX
                                          : KH_M_HTTP_5XX;

    x->phase = PHASE_SENT;
    kh_count(class, 1);
    kh_count(KH_M_HTTP_BYTES_OUT, bytes);
    kh_observe(KH_M_HTTP_CALL, now - c->start_us);
    kh_peer_deadline(x->peer, now, c->reply.stream ? 0 : x->net->config->http_reply_s,
                     (uint64_t)bytes);
    kh_net_access(x, status, now - c->start_us, bytes);
}

enum MHD_Result kh_send(struct exchange *x)
{
    struct kh_reply *r = &x->call.reply;
    bool is_file = r->has_fd;
    int64_t bytes = is_file ? r->fd_bytes : (int64_t)r->body.n;
    struct MHD_Response *m;
    enum MHD_Result done;

    if (is_file) {
        m = file_response(x);
    } else if (r->stream) {
        m = kh_live_response(x);
    } else {
        encode(x);
        m = MHD_create_response_from_buffer(r->body.n, (void *)(uintptr_t)r->body.p,
                                            MHD_RESPMEM_PERSISTENT);
    }
    if (!m)
        return MHD_NO;
    put_headers(x, m, is_file);
    kh_send_note(x, r->status, bytes);
    done = MHD_queue_response(x->conn, (unsigned)r->status, m);
    MHD_destroy_response(m);
    return done;
}
