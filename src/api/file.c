/* SPDX-License-Identifier: Apache-2.0 */
/* Photos and videos: sent as raw bytes or as the part "file" of a form, read by those who may read a
 * record that uses them. */
#include "api/city.h"
#include "api/file.h"
#include "api/routes.h"

#include "engine/file/file.h"

#include <unistd.h>

enum { UPLOAD_MAX = 101 << 20 }; /* the largest video and the frame of a form; file.h says less */

/* ---- sending ---- */

/* The bytes of the upload: the part "file", or the whole body. */
static bool upload_of(struct kh_call *c, struct kh_str *ret, struct kh_error *err)
{
    struct kh_str rest, type = kh_str_trim(kh_str_cut(c->head.content_type, ';', &rest));
    struct kh_part *parts;
    size_t n;

    *ret = c->body;
    if (!kh_str_is(type, "multipart/form-data"))
        return true;
    if (!kh_call_form(c, &parts, &n, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (kh_str_is(parts[i].name, "file")) {
            *ret = parts[i].value;
            return true;
        }
    }
    return kh_fail(err, KH_EC_BODY_INVALID, "the form has no part named file");
}

void kh_file_json(struct kh_jw *w, struct kh_arena *a, const struct kh_file *f)
{
    kh_jw_obj(w);
    kh_jw_kstr(w, "id", f->id);
    kh_jw_kstr(w, "url", kh_strf(a, "/api/v1/files/%.*s", KH_FMT(f->id)));
    kh_jw_kstr(w, "media_type", f->media_type);
    kh_jw_kint(w, "bytes", f->bytes);
    kh_jw_kint(w, "width", f->width);
    kh_jw_kint(w, "height", f->height);
    kh_jw_end(w);
}

static void file_create_work(struct kh_call *c)
{
    /* A video and its copy are far more than a call may hold: their memory is their own. */
    kh_auto_arena tmp = kh_arena_new(SIZE_MAX);
    struct kh_buf b = kh_buf(c->a, 4096);
    struct kh_jw w = kh_jw(&b);
    struct kh_error err = {0};
    struct kh_str bytes;
    struct kh_file f;

    if (!upload_of(c, &bytes, &err) || !kh_file_add(c->city->files, tmp, bytes, c->who, &f, &err)) {
        kh_reply_error(c, &err);
        return;
    }
    kh_file_json(&w, c->a, &f);
    kh_reply_header(c, "Location", kh_strf(c->a, "/api/v1/files/%.*s", KH_FMT(f.id)));
    kh_reply_json(c, 201, kh_buf_get(&b));
}

static enum kh_next api_file_create(struct kh_call *c)
{
    return kh_call_offload(c, file_create_work);
}

/* ---- reading ---- */

struct reading {
    struct kh_call *c;
    struct kh_file f;
};

static bool read_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct reading *r = ctx;
    struct kh_call *c = r->c;

    switch (kh_file_see(tx, c->city->files, c->city->registry, c->a, c->params[0], c->who, &r->f,
                        err)) {
    case KH_HIT:
        return true;
    case KH_MISS:
        return kh_fail(err, KH_EC_FILE_UNKNOWN, "no file here that you may see");
    case KH_FAIL:
        break;
    }
    return false;
}

bool kh_range_read(struct kh_str header, int64_t length, int64_t *ret_from, int64_t *ret_n)
{
    struct kh_str last, first;
    int64_t from, to = length - 1;

    if (!kh_str_starts(header, KH_S("bytes=")) || memchr(header.p, ',', header.n))
        return false;
    first = kh_str_cut(kh_str_skip(header, 6), '-', &last);
    if (first.n == 0) {
        if (!kh_str_int(last, &from) || from <= 0)
            return false;
        from = from > length ? 0 : length - from;
    } else if (!kh_str_int(first, &from) || from < 0 ||
               (last.n && (!kh_str_int(last, &to) || to < from))) {
        return false;
    }
    if (to >= length)
        to = length - 1;
    *ret_from = from;
    *ret_n = from < length ? to - from + 1 : 0;
    return true;
}

static const char *extension(struct kh_str type)
{
    return kh_str_is(type, "image/jpeg")  ? "jpg"
           : kh_str_is(type, "image/png") ? "png"
           : kh_str_is(type, "video/mp4") ? "mp4"
                                          : "webp";
}

/* Content that came from outside is shown, never run; its name is ours. */
static void file_headers(struct kh_call *c, const struct kh_file *f)
{
    kh_reply_header(
        c, "Content-Disposition",
        kh_strf(c->a, "inline; filename=\"%.*s.%s\"", 16, f->id.p, extension(f->media_type)));
    kh_reply_header(c, "Content-Security-Policy", KH_S("default-src 'none'; sandbox"));
    kh_reply_header(c, "Cache-Control", KH_S("private, max-age=3600"));
    kh_reply_header(c, "Accept-Ranges", KH_S("bytes"));
}

static enum kh_next api_file_read(struct kh_call *c)
{
    struct reading r = {.c = c};
    struct kh_error err = {0};
    int64_t from = 0, n;
    bool part;
    int fd;

    if (!kh_store_run(c->city->store, "file_read", KH_TX_READ, read_in_tx, &r, &err))
        return kh_reply_error(c, &err);
    file_headers(c, &r.f);
    if (kh_reply_etag(c, kh_strf(c->a, "\"%.*s\"", KH_FMT(r.f.id))))
        return KH_REPLIED;
    n = r.f.bytes;
    part = kh_range_read(c->head.range, r.f.bytes, &from, &n);
    if (part && n == 0) {
        kh_reply_header(c, "Content-Range", kh_strf(c->a, "bytes */%lld", (long long)r.f.bytes));
        return kh_reply_empty(c, 416);
    }
    if (!kh_file_open(c->city->files, &r.f, &fd, &err))
        return kh_reply_error(c, &err);
    if (part && lseek(fd, (off_t)from, SEEK_SET) < 0) {
        close(fd);
        (void)kh_fail(&err, KH_EC_IO, "seeking in a stored file");
        return kh_reply_error(c, &err);
    }
    if (part)
        kh_reply_header(c, "Content-Range",
                        kh_strf(c->a, "bytes %lld-%lld/%lld", (long long)from,
                                (long long)(from + n - 1), (long long)r.f.bytes));
    return kh_reply_file(c, part ? 206 : 200, r.f.media_type, fd, n);
}

const struct kh_route kh_routes_file[] = {
    {KH_POST, "/api/v1/files", "file_create", api_file_create, KH_R_PUBLIC | KH_R_ANY_BODY,
     UPLOAD_MAX, "", NULL, "Gửi ảnh hoặc video", "Send a photo or a video", NULL, "File"},
    {KH_GET, "/api/v1/files/{id}", "file_read", api_file_read, KH_R_PUBLIC, 0, "", NULL,
     "Đọc ảnh hoặc video", "Read a photo or a video", NULL, NULL},
    {0},
};
