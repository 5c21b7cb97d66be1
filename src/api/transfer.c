/* SPDX-License-Identifier: Apache-2.0 */
/* Many records at once over HTTP: import with a report for every line that does not fit, and export
 * as a stream that costs a slow client nothing but its own place. */
#include "api/record_int.h"

#include "engine/registry/export.h"
#include "engine/registry/import.h"

enum { REPORT_MAX = 32 << 20 };

/* ---- import ---- */

struct importer {
    struct kh_call *c;
    struct kh_import in;
    struct kh_buf errors;
    struct kh_jw w;
    int64_t told;
};

/* A line is told once, with everything that is wrong with it. */
static void line_failed(void *ctx, const struct kh_import_place *at, const struct kh_error *err)
{
    struct importer *im = ctx;
    bool vi = im->c->who->vi;
    const struct kh_error_info *info = kh_error_info(err->code);
    struct kh_jw *w = &im->w;

    /* Room for the end of the report is kept. */
    if (im->errors.n > REPORT_MAX - (64 << 10))
        return;
    im->told++;
    kh_jw_obj(w);
    kh_jw_kint(w, "line", at->line);
    if (at->feature >= 0)
        kh_jw_kint(w, "feature", at->feature);
    if (at->id.n)
        kh_jw_kstr(w, "id", at->id);
    kh_jw_kz(w, "code", info->name);
    kh_jw_key(w, "issues");
    kh_jw_arr(w);
    for (size_t i = 0; err->issues && i < err->issues->n; i++) {
        kh_jw_obj(w);
        kh_jw_kstr(w, "pointer", err->issues->items[i].pointer);
        kh_jw_kstr(w, "code", err->issues->items[i].code);
        kh_jw_kstr(w, "message", vi ? err->issues->items[i].vi : err->issues->items[i].en);
        kh_jw_end(w);
    }
    if (!err->issues || err->issues->n == 0) {
        kh_jw_obj(w);
        kh_jw_kz(w, "pointer", "");
        kh_jw_kz(w, "code", info->name);
        kh_jw_kstr(w, "message", kh_strf(im->c->a, "%s: %s", vi ? info->vi : info->en, err->detail));
        kh_jw_end(w);
    }
    kh_jw_end(w);
    kh_jw_end(w);
}

static void import_work(struct kh_call *c)
{
    struct importer *im = c->ctx;
    struct kh_import_report r = {0};
    struct kh_buf b = kh_buf(c->a, 2 * REPORT_MAX);
    struct kh_jw w = kh_jw(&b);

    im->errors = kh_buf(c->a, REPORT_MAX);
    im->w = kh_jw(&im->errors);
    kh_jw_arr(&im->w);
    if (!kh_import_run(c->city->store, c->city->registry, c->a, &im->in, &r, &c->err)) {
        kh_reply_error(c, &c->err);
        return;
    }
    kh_jw_end(&im->w);
    kh_jw_obj(&w);
    kh_jw_kbool(&w, "dry_run", im->in.dry_run);
    kh_jw_kint(&w, "read", r.read);
    kh_jw_kint(&w, "created", r.created);
    kh_jw_kint(&w, "updated", r.updated);
    kh_jw_kint(&w, "unchanged", r.unchanged);
    kh_jw_kint(&w, "failed", r.failed);
    kh_jw_key(&w, "errors");
    kh_jw_raw(&w, kh_buf_get(&im->errors));
    if (im->told < r.failed)
        kh_jw_kint(&w, "errors_not_listed", r.failed - im->told);
    kh_jw_key(&w, "ignored");
    kh_jw_raw(&w, r.ignored);
    kh_jw_end(&w);
    kh_reply_json(c, 200, kh_buf_get(&b));
}

enum kh_next api_record_import(struct kh_call *c)
{
    struct importer *im = kh_new(c->a, struct importer);
    struct kh_str dry = kh_call_arg(c, "dry_run", KH_S("false"));
    struct kh_str format = kh_call_arg(c, "format", (struct kh_str){0});

    im->c = c;
    im->in = (struct kh_import){.input = c->body,
                                .how = {.who = c->who, .reason = kh_call_arg(c, "reason", KH_S(""))},
                                .dry_run = kh_str_is(dry, "true"),
                                .fail = line_failed,
                                .ctx = im};
    if (!kh_call_type(c, &im->in.type, &c->err))
        return kh_reply_error(c, &c->err);
    if (!kh_str_is(dry, "true") && !kh_str_is(dry, "false")) {
        kh_fail(&c->err, KH_EC_PARAMETER_INVALID, "dry_run is true or false");
        return kh_reply_error(c, &c->err);
    }
    im->in.format = kh_import_format_of(format.p ? format : c->head.content_type);
    if (format.p && im->in.format == KH_IMPORT_ANY) {
        kh_fail(&c->err, KH_EC_PARAMETER_INVALID, "format is ndjson, csv or geojson");
        return kh_reply_error(c, &c->err);
    }
    c->ctx = im;
    return kh_call_offload(c, import_work);
}

/* ---- export ---- */

struct exporter {
    struct kh_stream s;
    struct kh_export *x;
    struct kh_str text; /* of the page that is being sent */
    bool end;
};

static size_t export_read(struct kh_stream *s, char *out, size_t room)
{
    struct exporter *e = (struct exporter *)s;
    struct kh_error err = {0};
    size_t n;

    while (e->text.n == 0) {
        if (e->end)
            return KH_STREAM_END;
        if (!kh_export_page(e->x, &e->text, &e->end, &err)) {
            /* The status is gone already: a line that is no record says that the file is not whole. */
            e->end = true;
            e->text = kh_strf(s->call->a, "\n{\"error\":\"%s\"}\n", kh_error_info(err.code)->name);
        }
    }
    n = e->text.n < room ? e->text.n : room;
    memcpy(out, e->text.p, n);
    e->text = kh_str_skip(e->text, n);
    return n;
}

static void export_close(struct kh_stream *s)
{
    kh_export_close(((struct exporter *)s)->x);
}

enum kh_next api_record_export(struct kh_call *c)
{
    static const char *const known[] = {"format", "valid", "at", NULL};
    struct kh_str format = kh_call_arg(c, "format", KH_S("ndjson"));
    struct exporter *e = kh_new(c->a, struct exporter);
    struct kh_list q = {.who = c->who};
    const struct kh_type *t;
    enum kh_table_format f = KH_TABLE_NDJSON;
    const char *type = "application/x-ndjson", *end = "ndjson";

    if (!kh_call_type(c, &t, &c->err) || !kh_call_filters(c, known, &q, &c->err) ||
        !kh_call_when(c, "valid", &q.valid_us, &c->err) ||
        !kh_call_when(c, "at", &q.at_us, &c->err))
        return kh_reply_error(c, &c->err);
    if (kh_str_is(format, "csv")) {
        f = KH_TABLE_CSV;
        type = "text/csv; charset=utf-8";
        end = "csv";
    } else if (kh_str_is(format, "geojson") && kh_type_geo(t).n) {
        f = KH_TABLE_GEOJSON;
        type = "application/geo+json";
        end = "geojson";
    } else if (!kh_str_is(format, "ndjson")) {
        kh_fail(&c->err, KH_EC_PARAMETER_INVALID,
                "format is ndjson or csv, or geojson for records with a place");
        return kh_reply_error(c, &c->err);
    }
    e->s.read = export_read;
    e->s.close = export_close;
    e->x = kh_export_open(c->city->store, c->city->registry, t, &q, f);
    /* The first page is asked for here, where a refusal can still be a status. */
    if (!kh_export_page(e->x, &e->text, &e->end, &c->err)) {
        kh_export_close(e->x);
        return kh_reply_error(c, &c->err);
    }
    kh_reply_header(c, "Content-Disposition",
                    kh_strf(c->a, "attachment; filename=\"%.*s.%s\"", KH_FMT(kh_type_name(t)), end));
    if (c->method == KH_HEAD) {
        kh_export_close(e->x);
        return kh_reply_text(c, 200, type, KH_S(""));
    }
    return kh_reply_stream(c, type, &e->s);
}
