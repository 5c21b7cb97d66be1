/* SPDX-License-Identifier: Apache-2.0 */
/* Files of records, line by line: what a line is, and what of it belongs to which field. */
#include "engine/registry/import_int.h"

enum { LINE_MAX_BYTES = 4 << 20 };

static bool line_wrong(struct kh_arena *a, struct kh_error *err, const char *code, const char *vi,
                       const char *en)
{
    return kh_fail_field(a, err, KH_EC_IMPORT_INVALID, KH_S(""), code, vi, en);
}

enum kh_import_format kh_import_format_of(struct kh_str w)
{
    static const struct {
        const char *word;
        enum kh_import_format f;
    } words[] = {{"geojson", KH_IMPORT_GEOJSON}, {"geo+json", KH_IMPORT_GEOJSON},
                 {"ndjson", KH_IMPORT_NDJSON},   {"jsonl", KH_IMPORT_NDJSON},
                 {"csv", KH_IMPORT_CSV},         {"tsv", KH_IMPORT_CSV}};

    for (size_t i = 0; i < KH_LEN(words); i++)
        if (w.n && memmem(w.p, w.n, words[i].word, strlen(words[i].word)))
            return words[i].f;
    return KH_IMPORT_ANY;
}

/* ---- pieces of text ---- */

static void skip_blank(struct kh_reader *r)
{
    while (r->at < r->input.n) {
        char c = r->input.p[r->at];

        if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
            return;
        r->line += c == '\n';
        r->at++;
    }
}

static struct kh_str take_line(struct kh_reader *r)
{
    const char *from = r->input.p + r->at;
    const char *end = memchr(from, '\n', r->input.n - r->at);
    size_t n = end ? (size_t)(end - from) : r->input.n - r->at;

    r->at += n + (end != NULL);
    r->line += end != NULL;
    return kh_str(from, n);
}

/* The JSON value that begins here, as far as its braces say; the parser judges it. */
static struct kh_str take_value(struct kh_reader *r)
{
    const char *p = r->input.p;
    size_t from = r->at, depth = 0;
    bool quoted = false;

    for (; r->at < r->input.n; r->at++) {
        char c = p[r->at];

        r->line += c == '\n';
        if (quoted) {
            if (c == '\\')
                r->at++;
            else
                quoted = c != '"';
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if ((c == '}' || c == ']') && depth && --depth == 0) {
            r->at++;
            break;
        }
    }
    if (r->at > r->input.n)
        r->at = r->input.n;
    return kh_str(p + from, r->at - from);
}

/* ---- opening ---- */

static bool seek_features(struct kh_reader *r, struct kh_error *err)
{
    static const char key[] = "\"features\"";
    const char *at = memmem(r->input.p, r->input.n, key, sizeof(key) - 1);

    if (!at)
        return kh_fail(err, KH_EC_IMPORT_INVALID, "a GeoJSON file has \"features\"");
    for (; r->at < (size_t)(at - r->input.p) + sizeof(key) - 1; r->at++)
        r->line += r->input.p[r->at] == '\n';
    skip_blank(r);
    if (r->at < r->input.n && r->input.p[r->at] == ':')
        r->at++;
    skip_blank(r);
    if (r->at >= r->input.n || r->input.p[r->at] != '[')
        return kh_fail(err, KH_EC_IMPORT_INVALID, "\"features\" is an array");
    r->at++;
    return true;
}

/* One CSV record into cells; quotes may hold separators, quotes and line ends (RFC 4180).
 * @return false if a quote does not end */
static bool take_cells(struct kh_reader *r, struct kh_arena *a, struct kh_str *cells, size_t max,
                       size_t *ret_n)
{
    const char *p = r->input.p;
    size_t n = 0;

    for (;;) {
        struct kh_buf b = kh_buf(a, LINE_MAX_BYTES);
        size_t from = r->at;
        bool quoted = from < r->input.n && p[from] == '"';

        if (quoted) {
            for (r->at++; r->at < r->input.n; r->at++) {
                r->line += p[r->at] == '\n';
                if (p[r->at] != '"')
                    kh_buf_c(&b, p[r->at]);
                else if (r->at + 1 < r->input.n && p[r->at + 1] == '"')
                    kh_buf_c(&b, p[r->at++]);
                else
                    break;
            }
            if (r->at >= r->input.n || b.full)
                return false;
            r->at++;
        }
        from = r->at;
        while (r->at < r->input.n && p[r->at] != r->separator && p[r->at] != '\n')
            r->at++;
        if (n < max)
            cells[n] = quoted ? kh_buf_get(&b) : kh_str_trim(kh_str(p + from, r->at - from));
        n++;
        if (r->at >= r->input.n)
            break;
        if (p[r->at++] == '\n') {
            r->line++;
            break;
        }
    }
    *ret_n = n;
    return n <= max;
}

static bool open_csv(struct kh_reader *r, struct kh_error *err)
{
    const char *end = memchr(r->input.p + r->at, '\n', r->input.n - r->at);
    struct kh_str head = kh_str(r->input.p + r->at,
                                end ? (size_t)(end - r->input.p) - r->at : r->input.n - r->at);

    r->separator = memchr(head.p, '\t', head.n)                                       ? '\t'
                   : memchr(head.p, ';', head.n) && !memchr(head.p, ',', head.n) ? ';'
                                                                                     : ',';
    if (!take_cells(r, r->a, r->columns, KH_CSV_COLUMNS, &r->columns_n))
        return kh_fail(err, KH_EC_IMPORT_INVALID, "the header of the CSV file cannot be read");
    for (size_t i = 0; i < r->columns_n; i++)
        if (r->columns[i].n == 0 || !kh_str_utf8(r->columns[i]))
            return kh_fail(err, KH_EC_IMPORT_INVALID,
                           "column %zu of the CSV header has no name in UTF-8", i + 1);
    return true;
}

bool kh_reader_open(struct kh_reader *r, struct kh_arena *a, const struct kh_type *t,
                    enum kh_import_format format, struct kh_str input, struct kh_error *err)
{
    *r = (struct kh_reader){.t = t, .format = format, .a = a, .input = input, .line = 1};
    if (kh_str_starts(input, KH_S("\xef\xbb\xbf")))
        r->at = 3;
    skip_blank(r);
    if (r->at >= r->input.n)
        return kh_fail(err, KH_EC_IMPORT_INVALID, "the file is empty");
    if (format == KH_IMPORT_ANY && r->input.p[r->at] != '{')
        r->format = KH_IMPORT_CSV;
    else if (format == KH_IMPORT_ANY)
        r->format = memmem(r->input.p + r->at, r->input.n - r->at < 4096 ? r->input.n - r->at : 4096,
                           "\"FeatureCollection\"", 19)
                        ? KH_IMPORT_GEOJSON
                        : KH_IMPORT_NDJSON;
    switch (r->format) {
    case KH_IMPORT_GEOJSON:
        /* Features may also come one per line. */
        if (!memmem(r->input.p, r->input.n < 65536 ? r->input.n : 65536, "\"FeatureCollection\"", 19))
            r->format = KH_IMPORT_NDJSON;
        else
            return seek_features(r, err);
        return true;
    case KH_IMPORT_CSV:
        return open_csv(r, err);
    case KH_IMPORT_NDJSON:
    case KH_IMPORT_ANY:
        break;
    }
    return true;
}

/* ---- GeoJSON ---- */

static void count_ignored(struct kh_reader *r, struct kh_str name)
{
    for (size_t i = 0; i < r->ignored_n; i++)
        if (kh_str_eq(r->ignored[i].name, name)) {
            r->ignored[i].n++;
            return;
        }
    if (r->ignored_n < KH_IGNORED_MAX)
        r->ignored[r->ignored_n++] = (struct kh_ignored){kh_str_dup(r->a, name), 1};
}

/* Where a point type has {lon,lat}, other types keep the geometry as it is. */
static bool put_place(struct kh_reader *r, struct kh_arena *a, const struct kh_json *geometry,
                      struct kh_json *out, struct kh_error *err)
{
    const struct kh_type *t = r->t;
    const struct kh_json *at = kh_json_get(geometry, "coordinates");
    struct kh_json *point;

    if (t->geo < 0 || !kh_json_is(geometry, KH_JSON_OBJECT))
        return true;
    if (t->extent) {
        kh_json_set(a, out, t->fields[t->geo].name, geometry);
        return true;
    }
    if (!kh_str_is(kh_json_str(geometry, "type", KH_S("")), "Point") ||
        !kh_json_is(at, KH_JSON_ARRAY) || at->n < 2)
        return line_wrong(a, err, "geometry", "Loại bản ghi này chỉ nhận điểm (Point).",
                          "This type takes points only.");
    point = kh_json_new(a, KH_JSON_OBJECT);
    kh_json_set(a, point, KH_S("lon"), &at->items[0]);
    kh_json_set(a, point, KH_S("lat"), &at->items[1]);
    kh_json_set(a, out, t->fields[t->geo].name, point);
    return true;
}

static bool of_feature(struct kh_reader *r, struct kh_arena *a, const struct kh_json *f,
                       struct kh_json **ret, struct kh_error *err)
{
    const struct kh_json *p = kh_json_get(f, "properties"), *id = kh_json_get(f, "id");
    struct kh_json *out = kh_json_new(a, KH_JSON_OBJECT);
    const struct kh_type *t = r->t;

    for (size_t i = 0; kh_json_is(p, KH_JSON_OBJECT) && i < p->n; i++) {
        if (kh_type_field(t, p->members[i].key) < 0 && !kh_str_is(p->members[i].key, "meta")) {
            count_ignored(r, p->members[i].key);
            continue;
        }
        /* Layers write null where there is nothing. */
        if (p->members[i].value.type != KH_JSON_NULL)
            kh_json_set(a, out, p->members[i].key, &p->members[i].value);
    }
    if (!put_place(r, a, kh_json_get(f, "geometry"), out, err))
        return false;
    if (id && t->key_n == 1 && !kh_json_find(out, t->fields[t->key[0]].name) &&
        (id->type == KH_JSON_STRING || id->type == KH_JSON_NUMBER))
        kh_json_set(a, out, t->fields[t->key[0]].name,
                    t->fields[t->key[0]].kind == KH_FK_TEXT ? kh_json_new_str(a, id->s) : id);
    *ret = out;
    return true;
}

static enum kh_hit next_feature(struct kh_reader *r, struct kh_arena *a, struct kh_json **ret,
                                struct kh_import_place *ret_at, struct kh_error *err)
{
    const struct kh_json *id;
    struct kh_json *v;

    skip_blank(r);
    if (r->at < r->input.n && r->input.p[r->at] == ',') {
        r->at++;
        skip_blank(r);
    }
    *ret_at = (struct kh_import_place){.line = r->line, .feature = r->feature};
    if (r->at < r->input.n && r->input.p[r->at] == ']')
        return KH_MISS;
    r->feature++;
    if (r->at >= r->input.n || r->input.p[r->at] != '{') {
        r->at = r->input.n;
        return line_wrong(a, err, "features", "Danh sách features đứt giữa chừng.",
                          "The list of features breaks off.")
                   ? KH_HIT
                   : KH_FAIL;
    }
    if (!kh_json_parse(a, take_value(r), &(struct kh_json_limits){.bytes = LINE_MAX_BYTES}, &v, err))
        return KH_FAIL;
    id = kh_json_get(v, "id");
    if (id && (id->type == KH_JSON_STRING || id->type == KH_JSON_NUMBER))
        ret_at->id = id->s;
    return of_feature(r, a, v, ret, err) ? KH_HIT : KH_FAIL;
}

/* ---- CSV ---- */

static bool number_of(struct kh_arena *a, struct kh_str cell, struct kh_json **ret)
{
    struct kh_error err = {0};

    return kh_json_parse(a, cell, NULL, ret, &err) && (*ret)->type == KH_JSON_NUMBER;
}

static bool list_of(struct kh_arena *a, struct kh_str cell, struct kh_json **ret)
{
    struct kh_error err = {0};

    if (cell.p[0] == '[' || cell.p[0] == '{')
        return kh_json_parse(a, cell, NULL, ret, &err);
    *ret = kh_json_new(a, KH_JSON_ARRAY);
    while (cell.n)
        kh_json_push(a, *ret, kh_json_new_str(a, kh_str_trim(kh_str_cut(cell, ';', &cell))));
    return true;
}

/* A cell as the field wants it; what does not read so stays text and is judged by the schema. */
static struct kh_json *value_of(struct kh_arena *a, const struct kh_field *f, struct kh_str cell)
{
    struct kh_json *v = NULL;

    if (f && !f->scalar && list_of(a, cell, &v))
        return v;
    if (f && f->scalar && (f->kind == KH_FK_INT || f->kind == KH_FK_REAL) && number_of(a, cell, &v))
        return v;
    if (f && f->scalar && f->kind == KH_FK_BOOL) {
        if (kh_str_is(cell, "true") || kh_str_is(cell, "1"))
            return kh_json_new(a, KH_JSON_TRUE);
        if (kh_str_is(cell, "false") || kh_str_is(cell, "0"))
            return kh_json_new(a, KH_JSON_FALSE);
    }
    return kh_json_new_str(a, cell);
}

/* "location.lon" is lon inside location; "meta.valid_from" likewise. */
static void put_inner(struct kh_arena *a, struct kh_json *out, struct kh_str outer,
                      struct kh_str inner, struct kh_str cell)
{
    const struct kh_json *have = kh_json_find(out, outer);
    struct kh_json *in = have ? kh_json_dup(a, have) : kh_json_new(a, KH_JSON_OBJECT);
    struct kh_json *v = NULL;

    if (kh_str_is(outer, "meta") || !number_of(a, cell, &v))
        v = kh_json_new_str(a, cell);
    kh_json_set(a, in, inner, v);
    kh_json_set(a, out, outer, in);
}

static void put_cell(struct kh_reader *r, struct kh_arena *a, struct kh_json *out,
                     struct kh_str name, struct kh_str cell)
{
    const struct kh_type *t = r->t;
    int f = kh_type_field(t, name);
    const char *dot = f < 0 ? memchr(name.p, '.', name.n) : NULL;
    bool lonlat = f < 0 && t->geo >= 0 && !t->extent &&
                  (kh_str_is(name, "lon") || kh_str_is(name, "lat"));

    if (lonlat) {
        put_inner(a, out, t->fields[t->geo].name, name, cell);
    } else if (dot) {
        struct kh_str inner, outer = kh_str_cut(name, '.', &inner);

        if (kh_str_is(inner, "revision"))
            return;
        put_inner(a, out, outer, inner, cell);
    } else {
        kh_json_set(a, out, name, value_of(a, f < 0 ? NULL : &t->fields[f], cell));
    }
}

static enum kh_hit next_row(struct kh_reader *r, struct kh_arena *a, struct kh_json **ret,
                            struct kh_import_place *ret_at, struct kh_error *err)
{
    struct kh_str cells[KH_CSV_COLUMNS];
    struct kh_json *out = kh_json_new(a, KH_JSON_OBJECT);
    size_t n = 0;

    /* Empty lines between rows say nothing. */
    while (r->at < r->input.n && (r->input.p[r->at] == '\n' || r->input.p[r->at] == '\r')) {
        r->line += r->input.p[r->at] == '\n';
        r->at++;
    }
    *ret_at = (struct kh_import_place){.line = r->line, .feature = -1};
    if (r->at >= r->input.n)
        return KH_MISS;
    if (!take_cells(r, a, cells, KH_CSV_COLUMNS, &n)) {
        (void)line_wrong(a, err, "csv", "Dấu ngoặc kép không đóng hoặc quá nhiều cột.",
                         "A quote does not end, or there are too many columns.");
        return KH_FAIL;
    }
    if (n != r->columns_n) {
        (void)line_wrong(a, err, "csv", "Số cột khác với dòng tiêu đề.",
                         "The number of columns differs from the header.");
        return KH_FAIL;
    }
    for (size_t i = 0; i < n; i++) {
        if (!kh_str_utf8(cells[i])) {
            (void)line_wrong(a, err, "utf8", "Không phải UTF-8; hãy lưu lại tệp bằng UTF-8.",
                             "This is not UTF-8; save the file as UTF-8.");
            return KH_FAIL;
        }
        if (cells[i].n)
            put_cell(r, a, out, r->columns[i], cells[i]);
    }
    *ret = out;
    return KH_HIT;
}

/* ---- NDJSON ---- */

static enum kh_hit next_line(struct kh_reader *r, struct kh_arena *a, struct kh_json **ret,
                             struct kh_import_place *ret_at, struct kh_error *err)
{
    struct kh_json *v;

    skip_blank(r);
    *ret_at = (struct kh_import_place){.line = r->line, .feature = -1};
    if (r->at >= r->input.n)
        return KH_MISS;
    if (!kh_json_parse(a, take_line(r), &(struct kh_json_limits){.bytes = LINE_MAX_BYTES}, &v, err))
        return KH_FAIL;
    if (kh_str_is(kh_json_str(v, "type", KH_S("")), "Feature") && kh_json_get(v, "properties") &&
        kh_type_field(r->t, KH_S("properties")) < 0)
        return of_feature(r, a, v, ret, err) ? KH_HIT : KH_FAIL;
    *ret = v;
    return KH_HIT;
}

enum kh_hit kh_reader_next(struct kh_reader *r, struct kh_arena *a, struct kh_json **ret_fields,
                           struct kh_import_place *ret_at, struct kh_error *err)
{
    switch (r->format) {
    case KH_IMPORT_GEOJSON:
        return next_feature(r, a, ret_fields, ret_at, err);
    case KH_IMPORT_CSV:
        return next_row(r, a, ret_fields, ret_at, err);
    case KH_IMPORT_NDJSON:
    case KH_IMPORT_ANY:
        break;
    }
    return next_line(r, a, ret_fields, ret_at, err);
}
