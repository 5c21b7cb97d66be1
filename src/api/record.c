/* SPDX-License-Identifier: Apache-2.0 */
/* One record over HTTP: read, create, change, correct, close. */
#include "api/record_int.h"

#include "api/routes.h"
#include "api/uri.h"
#include "base/id.h"
#include "base/time.h"
#include "engine/process/process.h"
#include "engine/registry/seen.h"

enum { RECORD_MAX = 1 << 20 };

bool kh_call_type(const struct kh_call *c, const struct kh_type **ret, struct kh_error *err)
{
    *ret = kh_type_find(c->city->registry, c->params[0]);
    return *ret || kh_fail(err, KH_EC_TYPE_UNKNOWN, "there is no type %.*s",
                           KH_FMT(kh_str(c->params[0].p, c->params[0].n < 60 ? c->params[0].n : 60)));
}

bool kh_call_record_id(const struct kh_call *c, int64_t *ret, struct kh_error *err)
{
    return kh_id_parse(c->params[1], ret) ||
           kh_fail(err, KH_EC_RECORD_UNKNOWN, "an id has 13 characters");
}

bool kh_call_when(const struct kh_call *c, const char *name, int64_t *ret, struct kh_error *err)
{
    struct kh_str s = kh_call_arg(c, name, (struct kh_str){0});

    *ret = 0;
    return !s.p || (kh_when_parse(s, ret) && *ret != 0) ||
           kh_fail(err, KH_EC_PARAMETER_INVALID, "%s is a date (2026-09-15) or an RFC 3339 time",
                   name);
}

bool kh_call_seen(struct kh_call *c, struct kh_tx *tx, const struct kh_record *r,
                  struct kh_error *err)
{
    struct kh_look look;

    return kh_record_look(c->a, r, c->who, KH_OP_READ, &look) < KH_SEE_PERSONAL || kh_seen_now(tx, &look, err);
}

/* ---- the work of one call ---- */

struct work {
    struct kh_call *c;
    const struct kh_type *t;
    int64_t id, valid, at;
    struct kh_write how;
    const struct kh_json *fields;
    struct kh_draft *draft;
    struct kh_record r;
    bool merge;
};

/* The level that a reader sees is part of the tag: the same revision looks different to others. */
static struct kh_str etag_of(struct kh_call *c, const struct kh_record *r, enum kh_level_of see)
{
    struct kh_buf b = kh_buf(c->a, 64);
    char id[KH_ID_CHARS];

    kh_id_put(id, r->id);
    kh_buf_z(&b, "W/\"");
    kh_buf_add(&b, id, sizeof(id));
    kh_buf_c(&b, '-');
    kh_buf_int(&b, r->revision);
    if (kh_type_masks(r->type)) {
        kh_buf_c(&b, '.');
        kh_buf_int(&b, (int64_t)see);
    }
    kh_buf_c(&b, '"');
    return kh_buf_get(&b);
}

static enum kh_next reply_seen(struct kh_call *c, int status, const struct kh_record *r,
                               enum kh_level_of see)
{
    struct kh_buf b = kh_buf(c->a, 2 * RECORD_MAX);

    if (kh_type_masks(r->type))
        kh_reply_header(c, "Cache-Control", KH_S("private, no-cache"));
    if (kh_reply_etag(c, etag_of(c, r, see)))
        return KH_REPLIED;
    kh_buf_grow(&b, r->data.n + 400);
    kh_record_render_at(r, see, &b);
    return kh_reply_json(c, status, kh_buf_get(&b));
}

static enum kh_next reply_record(struct kh_call *c, int status, const struct kh_record *r)
{
    return reply_seen(c, status, r, kh_record_see(c->a, r, c->who, KH_OP_READ));
}

/* If-Match names the revision that the caller has read: "<id>-<revision>[.<level>]". */
static bool read_if_match(struct work *w, struct kh_error *err)
{
    struct kh_str list = w->c->head.if_match, one;
    int64_t id;

    if (!list.p)
        return true;
    while (kh_list_next(&list, &one)) {
        struct kh_str rev;

        if (kh_str_is(one, "*"))
            return true;
        if (kh_str_starts(one, KH_S("W/")))
            one = kh_str_skip(one, 2);
        if (one.n < 2 || one.p[0] != '"' || one.p[one.n - 1] != '"')
            continue;
        one = kh_str(one.p + 1, one.n - 2);
        if (kh_id_parse(kh_str_cut(one, '-', &rev), &id) && id == w->id &&
            kh_str_int(kh_str_cut(rev, '.', &rev), &w->how.if_revision) && w->how.if_revision > 0)
            return true;
    }
    return kh_fail(err, KH_EC_RECORD_STALE, "If-Match names no revision of this record");
}

static bool begin(struct kh_call *c, bool one, struct work **ret, struct kh_error *err)
{
    struct work *w = kh_new(c->a, struct work);
    struct kh_str reason = kh_call_arg(c, "reason", kh_call_header(c, "X-Reason"));

    w->c = c;
    w->how.who = c->who;
    w->how.reason = kh_str_utf8(reason) ? reason : KH_S("");
    if (w->how.reason.n > 2000)
        return kh_fail(err, KH_EC_PARAMETER_INVALID, "reason has at most 2000 bytes");
    if (!kh_call_type(c, &w->t, err) || (one && !kh_call_record_id(c, &w->id, err)) ||
        !read_if_match(w, err))
        return false;
    c->ctx = w;
    *ret = w;
    return true;
}

static enum kh_next written(struct kh_call *c, bool ok, const struct kh_error *err)
{
    struct work *w = c->ctx;

    return ok ? reply_record(c, 200, &w->r) : kh_reply_error(c, err);
}

/* ---- read ---- */

static bool read_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct work *w = ctx;

    return kh_record_open(tx, w->c->city->registry, w->c->a, w->t, w->id, w->valid, w->at,
                          w->c->who, KH_OP_READ, &w->r, err) == KH_HIT;
}

static bool read_and_note_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct work *w = ctx;

    return read_in_tx(tx, ctx, err) && kh_call_seen(w->c, tx, &w->r, err);
}

/* The note of a look at personal data follows within a second; at sensitive data it comes first. */
static enum kh_next api_record_read(struct kh_call *c)
{
    enum kh_level_of see;
    struct kh_look look;
    struct work *w;

    if (!begin(c, true, &w, &c->err) || !kh_call_when(c, "valid", &w->valid, &c->err) ||
        !kh_call_when(c, "at", &w->at, &c->err) ||
        !kh_store_run(c->city->store, "record_read", KH_TX_READ, read_in_tx, w, &c->err))
        return kh_reply_error(c, &c->err);
    see = kh_record_see(c->a, &w->r, c->who, KH_OP_READ);
    switch (kh_record_look_at(c->a, &w->r, c->who, KH_OP_READ, see, &look)) {
    case KH_SEE_PUBLIC:
    case KH_SEE_INTERNAL:
        break;
    case KH_SEE_PERSONAL:
        if (!kh_seen_later(c->city->registry, &look, &c->err))
            return kh_reply_error(c, &c->err);
        break;
    case KH_SEE_SENSITIVE:
        return kh_call_write(c, "record_read_sensitive", read_and_note_in_tx, w, written);
    }
    return reply_seen(c, 200, &w->r, see);
}

/* ---- create ---- */

static bool create_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct work *w = ctx;

    return kh_case_create(tx, w->c->city->process, w->c->a, w->draft, w->c->who, &w->r, err);
}

static enum kh_next created(struct kh_call *c, bool ok, const struct kh_error *err)
{
    struct work *w = c->ctx;

    if (!ok)
        return kh_reply_error(c, err);
    kh_reply_header(c, "Location",
                    kh_strf(c->a, "/api/v1/records/%.*s/%.*s", KH_FMT(kh_type_name(w->t)),
                            KH_FMT(kh_id_text(c->a, w->r.id))));
    return reply_record(c, 201, &w->r);
}

static enum kh_next api_record_create(struct kh_call *c)
{
    struct work *w;

    if (!begin(c, false, &w, &c->err) ||
        !kh_call_when(c, "valid_from", &w->how.valid_from_us, &c->err) ||
        !kh_record_prepare(c->city->registry, c->a, w->t, c->json, &w->how, &w->draft, &c->err))
        return kh_reply_error(c, &c->err);
    return kh_call_write(c, "record_create", create_in_tx, w, created);
}

/* ---- change ---- */

static bool change_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct work *w = ctx;

    return kh_record_change(tx, w->c->city->registry, w->c->a, w->t, w->id, w->fields, w->merge,
                            &w->how, &w->r, err) &&
           kh_call_seen(w->c, tx, &w->r, err);
}

static enum kh_next api_record_change(struct kh_call *c)
{
    struct work *w;

    if (!begin(c, true, &w, &c->err) ||
        !kh_call_when(c, "valid_from", &w->how.valid_from_us, &c->err))
        return kh_reply_error(c, &c->err);
    w->fields = c->json;
    w->merge = c->method == KH_PATCH;
    return kh_call_write(c, "record_change", change_in_tx, w, written);
}

static bool correct_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct work *w = ctx;

    return kh_record_correct(tx, w->c->city->registry, w->c->a, w->t, w->id, w->fields, &w->how,
                             &w->r, err) &&
           kh_call_seen(w->c, tx, &w->r, err);
}

static enum kh_next api_record_correct(struct kh_call *c)
{
    const struct kh_json *from = kh_json_get(c->json, "valid_from");
    struct work *w;

    if (!begin(c, true, &w, &c->err))
        return kh_reply_error(c, &c->err);
    if (from && (from->type != KH_JSON_STRING || !kh_when_parse(from->s, &w->how.valid_from_us))) {
        kh_fail(&c->err, KH_EC_PARAMETER_INVALID, "valid_from is a date or an RFC 3339 time");
        return kh_reply_error(c, &c->err);
    }
    w->fields = kh_json_get(c->json, "fields");
    w->how.reason = kh_json_str(c->json, "reason", w->how.reason);
    w->how.basis = kh_json_str(c->json, "basis", KH_S(""));
    return kh_call_write(c, "record_correct", correct_in_tx, w, written);
}

/* ---- close ---- */

static bool close_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct work *w = ctx;

    return kh_record_close(tx, w->c->city->registry, w->c->a, w->t, w->id, &w->how, &w->r, err);
}

static enum kh_next closed(struct kh_call *c, bool ok, const struct kh_error *err)
{
    return ok ? kh_reply_empty(c, 204) : kh_reply_error(c, err);
}

static enum kh_next api_record_close(struct kh_call *c)
{
    struct work *w;

    if (!begin(c, true, &w, &c->err) ||
        !kh_call_when(c, "valid_to", &w->how.valid_from_us, &c->err))
        return kh_reply_error(c, &c->err);
    return kh_call_write(c, "record_close", close_in_tx, w, closed);
}

/* ---- routes ---- */

const struct kh_route kh_routes_record[] = {
    {.method = KH_GET,
     .path = "/api/v1/records/{type}",
     .name = "record_list",
     .handler = api_record_list,
     .flags = KH_R_PUBLIC | KH_R_OPEN_ARGS,
     .args = "limit,after,q,bbox,near,within,sort,valid,at,format",
     .vi = "Danh sách bản ghi, lọc theo trường, từ khoá, nơi chốn, thời điểm",
     .en = "Records, filtered by fields, words, place and time"},
    {.method = KH_POST,
     .path = "/api/v1/records/{type}",
     .name = "record_create",
     .handler = api_record_create,
     .flags = KH_R_PUBLIC | KH_R_JSON,
     .args = "valid_from,reason",
     .vi = "Tạo bản ghi; nếu loại có quy trình thì quy trình bắt đầu cùng lúc",
     .en = "Create a record; if its type has a process, that starts with it"},
    {.method = KH_POST,
     .path = "/api/v1/records/{type}/import",
     .name = "record_import",
     .handler = api_record_import,
     .flags = KH_R_ANY_BODY,
     .body_max = 64 << 20,
     .args = "dry_run,format,reason",
     .vi = "Nhập nhiều bản ghi từ NDJSON, CSV hoặc GeoJSON; dry_run=true chỉ kiểm tra",
     .en = "Import records from NDJSON, CSV or GeoJSON; dry_run=true only checks"},
    {.method = KH_GET,
     .path = "/api/v1/records/{type}/export",
     .name = "record_export",
     .handler = api_record_export,
     .flags = KH_R_PUBLIC | KH_R_OPEN_ARGS,
     .args = "format,valid,at",
     .vi = "Xuất mọi bản ghi (NDJSON, CSV, GeoJSON) thành một luồng",
     .en = "Export all records (NDJSON, CSV, GeoJSON) as a stream"},
    {.method = KH_GET,
     .path = "/api/v1/records/{type}/{id}",
     .name = "record_read",
     .handler = api_record_read,
     .flags = KH_R_PUBLIC,
     .args = "valid,at",
     .vi = "Một bản ghi, hiện tại hoặc tại một thời điểm",
     .en = "One record, as it is or as of another instant"},
    {.method = KH_PATCH,
     .path = "/api/v1/records/{type}/{id}",
     .name = "record_change",
     .handler = api_record_change,
     .flags = KH_R_PUBLIC | KH_R_JSON,
     .args = "reason,valid_from",
     .vi = "Sửa một số trường (merge patch, RFC 7396)",
     .en = "Change some fields (merge patch, RFC 7396)"},
    {.method = KH_PUT,
     .path = "/api/v1/records/{type}/{id}",
     .name = "record_replace",
     .handler = api_record_change,
     .flags = KH_R_PUBLIC | KH_R_JSON,
     .args = "reason,valid_from",
     .vi = "Thay toàn bộ các trường",
     .en = "Replace all fields"},
    {.method = KH_DELETE,
     .path = "/api/v1/records/{type}/{id}",
     .name = "record_close",
     .handler = api_record_close,
     .flags = KH_R_PUBLIC,
     .args = "reason,valid_to",
     .vi = "Kết thúc hiệu lực; lịch sử vẫn còn",
     .en = "End the validity; the history stays"},
    {.method = KH_POST,
     .path = "/api/v1/records/{type}/{id}/correct",
     .name = "record_correct",
     .handler = api_record_correct,
     .flags = KH_R_PUBLIC | KH_R_JSON,
     .vi = "Đính chính quá khứ, có lý do: {fields, reason, valid_from?}",
     .en = "Correct the past, with a reason: {fields, reason, valid_from?}"},
    {.method = KH_GET,
     .path = "/api/v1/records/{type}/{id}/history",
     .name = "record_history",
     .handler = api_record_history,
     .flags = KH_R_PUBLIC,
     .args = "limit,after",
     .vi = "Mọi lần thay đổi và khác biệt của từng lần",
     .en = "Every revision and what it changed"},
    {.method = KH_GET,
     .path = "/api/v1/records/{type}/{id}/timeline",
     .name = "record_timeline",
     .handler = api_record_timeline,
     .flags = KH_R_PUBLIC,
     .args = "limit,after",
     .vi = "Các sự kiện của hồ sơ theo thứ tự",
     .en = "The events of a case in order"},
    {.handler = NULL},
};
