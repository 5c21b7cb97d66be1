/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/registry/table.h"

#include "base/id.h"
#include "base/time.h"
#include "engine/registry/registry_int.h"

static bool is_point(const struct kh_type *t, size_t field)
{
    return (int)field == t->geo && !t->extent;
}

/* ---- CSV ---- */

static void cell(struct kh_buf *b, struct kh_str s)
{
    bool quote = s.n == 0;

    for (size_t i = 0; !quote && i < s.n; i++)
        quote = s.p[i] == '"' || s.p[i] == ',' || s.p[i] == '\n' || s.p[i] == '\r';
    if (!quote && (s.p[0] == ' ' || s.p[s.n - 1] == ' '))
        quote = true;
    if (!quote) {
        kh_buf_str(b, s);
        return;
    }
    kh_buf_c(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            kh_buf_c(b, '"');
        kh_buf_c(b, s.p[i]);
    }
    kh_buf_c(b, '"');
}

static void value_cell(struct kh_buf *b, struct kh_arena *a, const struct kh_json *v)
{
    kh_buf_c(b, ',');
    if (!v || v->type == KH_JSON_NULL)
        return;
    if (v->type == KH_JSON_STRING)
        cell(b, v->s);
    else
        cell(b, kh_json_text(a, v));
}

static void time_cell(struct kh_buf *b, struct kh_arena *a, int64_t us)
{
    kh_buf_c(b, ',');
    if (us != KH_FOREVER)
        kh_buf_str(b, kh_time_text(a, us));
}

static void csv_head(struct kh_buf *b, const struct kh_type *t)
{
    kh_buf_z(b, "id");
    for (size_t i = 0; i < t->fields_n; i++) {
        kh_buf_c(b, ',');
        if (is_point(t, i))
            kh_buf_strf(b, "%.*s.lon,%.*s.lat", KH_FMT(t->fields[i].name),
                        KH_FMT(t->fields[i].name));
        else
            cell(b, t->fields[i].name);
    }
    kh_buf_z(b, ",meta.revision,meta.valid_from,meta.valid_to\r\n");
}

static void csv_row(struct kh_buf *b, struct kh_arena *a, const struct kh_record *r,
                    const struct kh_json *fields, enum kh_level_of see)
{
    const struct kh_type *t = r->type;

    kh_buf_str(b, kh_id_text(a, r->id));
    for (size_t i = 0; i < t->fields_n; i++) {
        const struct kh_json *v =
            t->fields[i].level <= see ? kh_json_find(fields, t->fields[i].name) : NULL;

        if (is_point(t, i)) {
            value_cell(b, a, kh_json_get(v, "lon"));
            value_cell(b, a, kh_json_get(v, "lat"));
        } else {
            value_cell(b, a, v);
        }
    }
    kh_buf_c(b, ',');
    kh_buf_int(b, r->revision);
    time_cell(b, a, r->valid_from_us);
    time_cell(b, a, r->valid_to_us);
    kh_buf_z(b, "\r\n");
}

/* ---- GeoJSON ---- */

static void put_geometry(struct kh_jw *w, const struct kh_json *v)
{
    const struct kh_json *lon = kh_json_get(v, "lon"), *lat = kh_json_get(v, "lat");

    kh_jw_key(w, "geometry");
    if (!lon || !lat) {
        if (kh_json_is(v, KH_JSON_OBJECT))
            kh_jw_json(w, v);
        else
            kh_jw_null(w);
        return;
    }
    kh_jw_obj(w);
    kh_jw_kz(w, "type", "Point");
    kh_jw_key(w, "coordinates");
    kh_jw_arr(w);
    kh_jw_json(w, lon);
    kh_jw_json(w, lat);
    kh_jw_end(w);
    kh_jw_end(w);
}

static void put_meta(struct kh_jw *w, struct kh_arena *a, const struct kh_record *r)
{
    kh_jw_key(w, "meta");
    kh_jw_obj(w);
    kh_jw_kstr(w, "type", r->type->name);
    kh_jw_kint(w, "revision", r->revision);
    kh_jw_kstr(w, "valid_from", kh_time_text(a, r->valid_from_us));
    if (r->valid_to_us != KH_FOREVER)
        kh_jw_kstr(w, "valid_to", kh_time_text(a, r->valid_to_us));
    kh_jw_end(w);
}

static void feature(struct kh_buf *b, struct kh_arena *a, const struct kh_record *r,
                    const struct kh_json *fields, enum kh_level_of see)
{
    const struct kh_type *t = r->type;
    struct kh_jw w = kh_jw(b);
    bool place = t->geo >= 0 && t->fields[t->geo].level <= see;

    kh_jw_obj(&w);
    kh_jw_kz(&w, "type", "Feature");
    kh_jw_kstr(&w, "id", kh_id_text(a, r->id));
    put_geometry(&w, place ? kh_json_find(fields, t->fields[t->geo].name) : NULL);
    kh_jw_key(&w, "properties");
    kh_jw_obj(&w);
    for (size_t i = 0; i < fields->n; i++) {
        int f = kh_type_field(t, fields->members[i].key);

        if (f < 0 || f == t->geo || t->fields[f].level > see)
            continue;
        kh_jw_keys(&w, fields->members[i].key);
        kh_jw_json(&w, &fields->members[i].value);
    }
    put_meta(&w, a, r);
    kh_jw_end(&w);
    kh_jw_end(&w);
}

/* ---- all ---- */

void kh_table_begin(struct kh_buf *b, const struct kh_type *t, enum kh_table_format f)
{
    switch (f) {
    case KH_TABLE_NDJSON:
        return;
    case KH_TABLE_CSV:
        csv_head(b, t);
        return;
    case KH_TABLE_GEOJSON:
        kh_buf_z(b, "{\"type\":\"FeatureCollection\",\"features\":[");
        return;
    }
}

void kh_table_row(struct kh_buf *b, struct kh_arena *a, const struct kh_record *r,
                  enum kh_level_of see, enum kh_table_format f, bool first)
{
    struct kh_record copy = *r;
    const struct kh_json *fields;
    struct kh_error err = {0};

    if (f == KH_TABLE_NDJSON) {
        kh_record_render_at(r, see, b);
        kh_buf_c(b, '\n');
        return;
    }
    if (!kh_record_fields(a, &copy, &fields, &err))
        return;
    if (f == KH_TABLE_CSV) {
        csv_row(b, a, r, fields, see);
        return;
    }
    if (!first)
        kh_buf_c(b, ',');
    feature(b, a, r, fields, see);
}

void kh_table_end(struct kh_buf *b, enum kh_table_format f, struct kh_str next)
{
    if (f != KH_TABLE_GEOJSON)
        return;
    kh_buf_c(b, ']');
    if (next.n)
        kh_buf_strf(b, ",\"next\":\"%.*s\"", KH_FMT(next));
    kh_buf_c(b, '}');
}
