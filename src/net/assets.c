/* SPDX-License-Identifier: Apache-2.0 */
#include "net/assets.h"

#include "base/hash.h"
#include "base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ENCODINGS = 3, PATH_MAX_BYTES = 512 };

struct asset {
    const struct kh_asset_row *row;
    struct kh_str path, etag;
    struct MHD_Response *full[ENCODINGS], *not_modified; /* by enum kh_encoding; NULL: identity */
};

struct kh_assets {
    struct asset *items;
    size_t n;
    const struct asset *index;
    uint32_t *table; /* open addressing; 0 is free, else item + 1 */
    size_t mask;
};

static const char permissions[] =
    "geolocation=(self), camera=(self), microphone=(), payment=(), usb=(), interest-cohort=()";

static void put_page_headers(struct MHD_Response *r, struct kh_str csp, bool tls)
{
    MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(r, "Referrer-Policy", "strict-origin-when-cross-origin");
    MHD_add_response_header(r, "Permissions-Policy", permissions);
    MHD_add_response_header(r, "Content-Security-Policy", csp.p);
    MHD_add_response_header(r, "Cross-Origin-Opener-Policy", "same-origin");
    if (tls)
        MHD_add_response_header(r, "Strict-Transport-Security", "max-age=31536000");
}

static bool needs_policy(const char *type)
{
    return strncmp(type, "text/html", 9) == 0 || strstr(type, "javascript") ||
           strncmp(type, "image/svg", 9) == 0;
}

static struct MHD_Response *response_of(const struct kh_asset_row *row, size_t at, size_t n,
                                        const char *encoding, struct kh_str csp, bool tls)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(
        n, (void *)(uintptr_t)(kh_asset_bytes + at), MHD_RESPMEM_PERSISTENT);

    KH_REQUIRE(r);
    MHD_add_response_header(r, "Content-Type", row->type);
    MHD_add_response_header(r, "ETag", row->etag);
    MHD_add_response_header(r, "Cache-Control",
                            row->hashed ? "public, max-age=31536000, immutable" : "no-cache");
    MHD_add_response_header(r, "Vary", "Accept-Encoding");
    if (encoding)
        MHD_add_response_header(r, "Content-Encoding", encoding);
    if (needs_policy(row->type))
        put_page_headers(r, csp, tls);
    else
        MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    return r;
}

static void make(struct asset *as, const struct kh_asset_row *row, struct kh_str csp, bool tls)
{
    as->row = row;
    as->path = kh_cstr(row->path);
    as->etag = kh_cstr(row->etag);
    as->full[KH_ENCODING_NONE] = response_of(row, row->at, row->n, NULL, csp, tls);
    if (row->gzip_n)
        as->full[KH_ENCODING_GZIP] = response_of(row, row->gzip_at, row->gzip_n, "gzip", csp, tls);
    if (row->zstd_n)
        as->full[KH_ENCODING_ZSTD] = response_of(row, row->zstd_at, row->zstd_n, "zstd", csp, tls);
    as->not_modified = response_of(row, 0, 0, NULL, csp, tls);
}

static const struct asset *find(const struct kh_assets *as, struct kh_str path)
{
    size_t i = (size_t)kh_hash64(path, 0) & as->mask;

    for (; as->table[i]; i = (i + 1) & as->mask)
        if (kh_str_eq(as->items[as->table[i] - 1].path, path))
            return &as->items[as->table[i] - 1];
    return NULL;
}

struct kh_assets *kh_assets_new(struct kh_arena *a, struct kh_str csp, bool tls)
{
    struct kh_assets *as = kh_new(a, struct kh_assets);
    size_t size = 16;

    while (size < kh_asset_rows_n * 2)
        size *= 2;
    as->mask = size - 1;
    as->table = kh_new_n(a, size, uint32_t);
    as->items = kh_new_n(a, kh_asset_rows_n, struct asset);
    for (; as->n < kh_asset_rows_n; as->n++) {
        struct asset *it = &as->items[as->n];
        size_t i;

        make(it, &kh_asset_rows[as->n], csp, tls);
        for (i = (size_t)kh_hash64(it->path, 0) & as->mask; as->table[i]; i = (i + 1) & as->mask)
            ;
        as->table[i] = (uint32_t)as->n + 1;
    }
    as->index = find(as, KH_S("/index.html"));
    return as;
}

void kh_assets_drop(struct kh_assets *as)
{
    for (size_t i = 0; as && i < as->n; i++) {
        for (size_t e = 0; e < ENCODINGS; e++)
            if (as->items[i].full[e])
                MHD_destroy_response(as->items[i].full[e]);
        MHD_destroy_response(as->items[i].not_modified);
    }
}

/* Paths under these never are pages, so that a wrong address there is a clear 404. */
bool kh_assets_is_page(const struct kh_call *c)
{
    static const char *const others[] = {"/api/", "/open311/",     "/ngsi-ld/", "/fhir/",  "/ogc/",
                                         "/r1/",  "/.well-known/", "/assets/",  "/metrics"};

    for (size_t i = 0; i < KH_LEN(others); i++)
        if (kh_str_starts(c->target, kh_cstr(others[i])))
            return false;
    return kh_call_accepts(c, "text/html");
}

bool kh_assets_serve(struct kh_assets *as, struct exchange *x, enum MHD_Result *ret_done)
{
    struct kh_call *c = &x->call;
    const struct asset *it = kh_str_is(c->target, "/") ? as->index : find(as, c->target);
    enum kh_encoding e;

    if (!it && kh_assets_is_page(c))
        it = as->index;
    if (!it)
        return false;
    if (c->head.if_none_match.p && kh_etag_listed(c->head.if_none_match, it->etag)) {
        kh_send_note(x, 304, 0);
        *ret_done = MHD_queue_response(x->conn, 304, it->not_modified);
        return true;
    }
    e = kh_net_encoding(c->head.accept_encoding);
    if (!it->full[e])
        e = e == KH_ENCODING_ZSTD && it->full[KH_ENCODING_GZIP] &&
                    strstr(c->head.accept_encoding.p, "gzip")
                ? KH_ENCODING_GZIP
                : KH_ENCODING_NONE;
    kh_send_note(x, 200, (int64_t)it->row->n);
    *ret_done = MHD_queue_response(x->conn, 200, it->full[e]);
    return true;
}

enum kh_next kh_assets_none(struct kh_call *c)
{
    return kh_reply_text(
        c, 200, "text/plain; charset=utf-8",
        KH_S("Khuê " KH_VERSION "\n\n"
             "This server was built without the portal: build web/ first and give Meson\n"
             "-Dweb=DIR, or start with the setting web = DIR.\n"
             "The API is there: /api/v1/openapi.json, /healthz\n"));
}

/* ---- from a directory ---- */

const char *kh_assets_type(struct kh_str path)
{
    static const struct {
        const char *end, *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".mjs", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".json", "application/json"},
        {".webmanifest", "application/manifest+json"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".jpg", "image/jpeg"},
        {".webp", "image/webp"},
        {".ico", "image/x-icon"},
        {".woff2", "font/woff2"},
        {".wasm", "application/wasm"},
        {".txt", "text/plain; charset=utf-8"},
        {".map", "application/json"},
        {".geojson", "application/geo+json"},
        {".pbf", "application/x-protobuf"},
    };

    for (size_t i = 0; i < KH_LEN(types); i++) {
        struct kh_str end = kh_cstr(types[i].end);

        if (path.n >= end.n && kh_str_eq(kh_str_skip(path, path.n - end.n), end))
            return types[i].type;
    }
    return "application/octet-stream";
}

/* Each segment is opened in the directory before it, and links are not followed: no path leads out. */
static int open_beneath(const char *dir, struct kh_str path, struct stat *ret)
{
    int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

    path = kh_str_skip(path, 1);
    while (fd >= 0) {
        struct kh_str rest, name = kh_str_cut(path, '/', &rest);
        bool last = name.n == path.n;
        char z[PATH_MAX_BYTES];
        int next = -1;

        if (name.n > 0 && name.n < sizeof(z) && name.p[0] != '.') {
            memcpy(z, name.p, name.n);
            z[name.n] = 0;
            next = openat(fd, z, (last ? O_RDONLY : O_PATH | O_DIRECTORY) | O_NOFOLLOW | O_CLOEXEC);
        }
        close(fd);
        fd = next;
        path = rest;
        if (last)
            break;
    }
    if (fd >= 0 && (fstat(fd, ret) != 0 || !S_ISREG(ret->st_mode))) {
        close(fd);
        return -1;
    }
    return fd;
}

bool kh_assets_serve_dir(struct exchange *x, struct kh_str dir, struct kh_str csp,
                         enum MHD_Result *ret_done)
{
    struct kh_call *c = &x->call;
    struct kh_str path = kh_str_is(c->target, "/") ? KH_S("/index.html") : c->target;
    struct stat st;
    int fd = open_beneath(dir.p, path, &st);
    struct MHD_Response *r;

    if (fd < 0 && kh_assets_is_page(c)) {
        path = KH_S("/index.html");
        fd = open_beneath(dir.p, path, &st);
    }
    if (fd < 0)
        return false;
    r = MHD_create_response_from_fd64((uint64_t)st.st_size, fd);
    if (!r) {
        close(fd);
        return false;
    }
    MHD_add_response_header(r, "Content-Type", kh_assets_type(path));
    MHD_add_response_header(r, "Cache-Control", "no-cache");
    put_page_headers(r, csp, c->tls);
    kh_send_note(x, 200, st.st_size);
    *ret_done = MHD_queue_response(x->conn, 200, r);
    MHD_destroy_response(r);
    return true;
}
