/* SPDX-License-Identifier: Apache-2.0 */
/* From the JSON of a record to what the database indexes: typed columns, place, words. */
#include "engine/registry/registry_int.h"

#include "base/id.h"
#include "base/text.h"
#include "base/time.h"
#include "engine/registry/cell.h"

enum { INDEXED_TEXT_MAX = 1000 };

static bool text_value(struct kh_str s, struct kh_rval *ret)
{
    if (s.n > INDEXED_TEXT_MAX)
        return false;
    *ret = (struct kh_rval){.kind = KH_RV_TEXT, .s = s};
    return true;
}

static bool keep_int(bool ok, struct kh_rval *ret)
{
    ret->kind = ok ? KH_RV_INT : KH_RV_NULL;
    return ok;
}

bool kh_column_value(const struct kh_field *f, const struct kh_json *v, struct kh_rval *ret)
{
    struct kh_str s = v && v->type == KH_JSON_STRING ? v->s : (struct kh_str){0};

    *ret = (struct kh_rval){0};
    if (!v || v->type == KH_JSON_NULL)
        return true;
    switch (f->kind) {
    case KH_FK_TEXT:
        return v->type == KH_JSON_STRING && text_value(s, ret);
    case KH_FK_INT:
        return keep_int(kh_json_as_int(v, &ret->i), ret);
    case KH_FK_BOOL:
        ret->i = v->type == KH_JSON_TRUE;
        return keep_int(v->type == KH_JSON_TRUE || v->type == KH_JSON_FALSE, ret);
    case KH_FK_TIME:
        return keep_int(kh_time_parse(s, &ret->i), ret);
    case KH_FK_ACCOUNT:
        return keep_int(kh_id_parse(s, &ret->i), ret);
    case KH_FK_REAL:
        ret->kind = kh_json_as_double(v, &ret->r) ? KH_RV_REAL : KH_RV_NULL;
        return ret->kind == KH_RV_REAL;
    }
    return false;
}

bool kh_column_parse(const struct kh_field *f, struct kh_str text, struct kh_rval *ret)
{
    *ret = (struct kh_rval){0};
    switch (f->kind) {
    case KH_FK_TEXT:
        return text_value(text, ret);
    case KH_FK_INT:
        return keep_int(kh_str_int(text, &ret->i), ret);
    case KH_FK_BOOL:
        ret->i = kh_str_is(text, "true");
        return keep_int(ret->i || kh_str_is(text, "false"), ret);
    case KH_FK_TIME:
        return keep_int(kh_when_parse(text, &ret->i), ret);
    case KH_FK_ACCOUNT:
        return keep_int(kh_id_parse(text, &ret->i), ret);
    case KH_FK_REAL:
        ret->kind = kh_str_double(text, &ret->r) ? KH_RV_REAL : KH_RV_NULL;
        return ret->kind == KH_RV_REAL;
    }
    return false;
}

/* ---- place ---- */

static bool fill_place(const struct kh_type *t, const struct kh_json *geo, struct kh_rrow *row,
                       struct kh_error *err)
{
    const struct kh_json *lon = kh_json_get(geo, "lon"), *lat = kh_json_get(geo, "lat");
    struct kh_box box;

    row->has_place = false;
    if (!geo || geo->type == KH_JSON_NULL)
        return true;
    if (lon && lat) {
        if (!kh_json_as_double(lon, &row->lon) || !kh_json_as_double(lat, &row->lat) ||
            !kh_point_ok(row->lon, row->lat))
            return kh_fail(err, KH_EC_POINT_INVALID, "lon is -180..180, lat is -90..90");
        box = (struct kh_box){row->lon, row->lat, row->lon, row->lat};
    } else if (!kh_geojson_point(geo, &row->lon, &row->lat, &box, err)) {
        return false;
    }
    row->has_place = true;
    row->box[0] = box.min_lon;
    row->box[1] = box.min_lat;
    row->box[2] = box.max_lon;
    row->box[3] = box.max_lat;
    row->cell = t->extent ? kh_cell_of_box(&box) : kh_cell_of_point(row->lon, row->lat);
    return true;
}

/* ---- words ---- */

struct kh_str kh_search_text(struct kh_arena *a, struct kh_str text)
{
    struct kh_str folded = kh_text_fold(a, text), rest = folded;
    size_t longest = 0, run = 0;
    struct kh_buf b;

    for (size_t i = 0; i < folded.n; i++) {
        run = folded.p[i] == ' ' ? 0 : run + 1;
        longest = run > longest ? run : longest;
    }
    if (longest <= KH_TOKEN_MAX)
        return folded;
    b = kh_buf(a, folded.n);
    while (rest.n) {
        struct kh_str token = kh_str_cut(rest, ' ', &rest);

        if (b.n)
            kh_buf_c(&b, ' ');
        kh_buf_str(&b, kh_str(token.p, token.n < KH_TOKEN_MAX ? token.n : KH_TOKEN_MAX));
    }
    return kh_buf_get(&b);
}

static void add_words(struct kh_arena *a, struct kh_buf *b, const struct kh_json *v)
{
    struct kh_str words;

    if (v->type == KH_JSON_ARRAY) {
        for (size_t i = 0; i < v->n && !b->full; i++)
            if (v->items[i].type == KH_JSON_STRING)
                add_words(a, b, &v->items[i]);
        return;
    }
    if (v->type != KH_JSON_STRING && v->type != KH_JSON_NUMBER)
        return;
    words = kh_search_text(a, v->s);
    if (words.n == 0)
        return;
    if (b->n)
        kh_buf_c(b, ' ');
    /* What does not fit is not searched: whole words go in as long as there is room. */
    while (words.n > b->max - b->n) {
        const char *cut = memrchr(words.p, ' ', words.n);

        words.n = cut ? (size_t)(cut - words.p) : 0;
    }
    kh_buf_str(b, words);
}

static struct kh_str words_of(const struct kh_type *t, struct kh_arena *a,
                              const struct kh_json *fields)
{
    struct kh_buf b = kh_buf(a, KH_SEARCH_MAX);

    if (t->people.of_n)
        return kh_names_terms(t, a, fields);
    /* A number is given in the transaction and its words are appended there: so it comes last. */
    for (size_t i = 0; i < t->fields_n; i++) {
        const struct kh_json *v = t->fields[i].weight && !t->fields[i].serial
                                      ? kh_json_find(fields, t->fields[i].name)
                                      : NULL;

        if (v)
            add_words(a, &b, v);
    }
    if (t->serial.field >= 0 && t->fields[t->serial.field].weight) {
        const struct kh_json *v = kh_json_find(fields, t->fields[t->serial.field].name);

        if (v)
            add_words(a, &b, v);
    }
    return b.n ? kh_str_trim(kh_buf_get(&b)) : (struct kh_str){0};
}

struct kh_str kh_columns_words(const struct kh_type *t, struct kh_arena *a,
                               const struct kh_json *fields)
{
    return t->searched ? words_of(t, a, fields) : (struct kh_str){0};
}

/* Content of an older schema may not fit the columns of today: those are then empty. */
void kh_columns_reread(const struct kh_type *t, struct kh_arena *a, const struct kh_json *fields,
                       struct kh_rrow *row)
{
    size_t n = kh_rtable_shape(t->table)->cols_n;
    struct kh_rval *cols = kh_new_n(a, n, struct kh_rval);
    struct kh_error err = {0};

    for (size_t i = 0; i < n; i++) {
        const struct kh_field *f = &t->fields[t->col_fields[i]];

        if (!kh_column_value(f, kh_json_find(fields, f->name), &cols[i]))
            cols[i] = (struct kh_rval){0};
    }
    row->cols = cols;
    if (t->geo >= 0 && !fill_place(t, kh_json_find(fields, t->fields[t->geo].name), row, &err))
        row->has_place = false;
}

void kh_columns_refill(const struct kh_type *t, struct kh_arena *a, const struct kh_json *fields,
                       struct kh_rrow *row)
{
    kh_columns_reread(t, a, fields, row);
    row->search = kh_columns_words(t, a, fields);
}

/* Columns and place, without the words. */
static bool fill(const struct kh_type *t, struct kh_arena *a, const struct kh_json *fields,
                 struct kh_rrow *row, struct kh_error *err)
{
    size_t n = t->table ? kh_rtable_shape(t->table)->cols_n : 0;
    struct kh_rval *cols = kh_new_n(a, n, struct kh_rval);

    for (size_t i = 0; i < n; i++) {
        const struct kh_field *f = &t->fields[t->col_fields[i]];

        if (!kh_column_value(f, kh_json_find(fields, f->name), &cols[i]))
            return kh_fail_field(a, err, KH_EC_RECORD_INVALID,
                                 kh_strf(a, "/%.*s", KH_FMT(f->name)), "index",
                                 "Giá trị này quá lớn hoặc quá dài cho một trường có chỉ mục.",
                                 "This value is too large or too long for an indexed field.");
    }
    row->cols = cols;
    if (t->geo >= 0 && !fill_place(t, kh_json_find(fields, t->fields[t->geo].name), row, err)) {
        if (err->code == KH_EC_POINT_INVALID || err->code == KH_EC_GEOMETRY_INVALID)
            return kh_fail_field(a, err, err->code,
                                 kh_strf(a, "/%.*s", KH_FMT(t->fields[t->geo].name)), "place",
                                 "Vị trí hoặc hình học không hợp lệ.",
                                 "The place or geometry is not valid.");
        return false;
    }
    return true;
}

bool kh_columns_fill(const struct kh_type *t, struct kh_arena *a, const struct kh_json *fields,
                     struct kh_rrow *row, struct kh_error *err)
{
    if (!fill(t, a, fields, row, err))
        return false;
    row->search = kh_columns_words(t, a, fields);
    return true;
}

/* Do terms of names depend on this field? */
static bool named(const struct kh_type *t, int field)
{
    bool is = t->people.of_n && (field == t->unit || field == t->owner);

    for (size_t i = 0; i < t->people.of_n; i++)
        is = is || t->people.of[i] == field;
    for (size_t i = 0; i < t->people.with_n; i++)
        is = is || t->people.with[i] == field;
    return is;
}

static bool same_words(const struct kh_type *t, const struct kh_json *x, const struct kh_json *y)
{
    for (size_t i = 0; i < t->fields_n; i++) {
        const struct kh_json *p, *q;

        if (!t->fields[i].weight && !named(t, (int)i))
            continue;
        p = kh_json_find(x, t->fields[i].name);
        q = kh_json_find(y, t->fields[i].name);
        if (p && q ? !kh_json_eq(p, q) : p != q)
            return false;
    }
    return true;
}

bool kh_columns_update(const struct kh_type *t, struct kh_arena *a, const struct kh_json *before,
                       const struct kh_rrow *was, const struct kh_json *fields,
                       struct kh_rrow *row, struct kh_error *err)
{
    if (!fill(t, a, fields, row, err))
        return false;
    row->search =
        same_words(t, before, fields) ? was->search : kh_columns_words(t, a, fields);
    return true;
}

static bool same_value(const struct kh_rval *x, const struct kh_rval *y)
{
    return x->kind == y->kind && x->i == y->i && kh_str_eq(x->s, y->s) &&
           memcmp(&x->r, &y->r, sizeof(x->r)) == 0;
}

uint64_t kh_columns_changed(const struct kh_type *t, const struct kh_rval *x,
                            const struct kh_rval *y)
{
    size_t n = kh_rtable_shape(t->table)->cols_n;
    uint64_t changed = 0;

    for (size_t i = 0; i < n; i++)
        if (!same_value(&x[i], &y[i]))
            changed |= UINT64_C(1) << i;
    return changed;
}
