/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/registry/schema/check.h"

#include "base/buf.h"

/* What a person reads. Vietnamese first; no full stop, since the sentence stands under a field. */

enum { SHORT = 60, CHOICES_SHOWN = 8 };

static struct kh_str pointer_of(struct run *r, const struct path *p, struct kh_str last)
{
    const struct path *steps[256];
    struct kh_buf b = kh_buf(r->a, 65536);
    size_t n = 0;

    kh_buf_str(&b, r->at);
    /* Beyond so many steps the pointer names the outermost ones. */
    for (; p; p = p->up)
        steps[n++ % KH_LEN(steps)] = p;
    for (size_t k = 0; n && k < n && k < KH_LEN(steps); k++) {
        const struct path *q = steps[(n - 1 - k) % KH_LEN(steps)];

        if (!q->key.p) {
            kh_buf_strf(&b, "/%zu", q->index);
            continue;
        }
        kh_buf_str(&b, kh_schema_below(r->a, KH_S(""), q->key));
    }
    if (last.p)
        kh_buf_str(&b, kh_schema_below(r->a, KH_S(""), last));
    return kh_buf_get(&b);
}

static bool say(struct run *r, const struct path *p, const char *code, struct kh_str vi,
                struct kh_str en)
{
    kh_issue_add(r->issues, r->a, pointer_of(r, p, kh_str(NULL, 0)), code, vi, en);
    return false;
}

/* A list of thousands of faults is cut before its sentences are made. */
static bool full(struct run *r)
{
    if (r->issues->n < (r->issues->max ? r->issues->max : 100))
        return false;
    r->issues->cut = true;
    return true;
}

/* The text of a value, cut at a character when it is long. */
static struct kh_str brief(struct run *r, const struct kh_json *v)
{
    struct kh_str s = v->type == KH_JSON_STRING ? v->s : kh_json_text(r->a, v);

    if (s.n <= SHORT)
        return s;
    s.n = SHORT;
    while (s.n && ((unsigned char)s.p[s.n] & 0xC0) == 0x80)
        s.n--;
    return kh_strf(r->a, "%.*s…", KH_FMT(s));
}

bool say_type(struct run *r, const struct path *p, unsigned types)
{
    static const struct {
        unsigned bits;
        const char *vi, *en;
    } rows[] = {
        {1U << KH_JSON_STRING, "văn bản", "a text"},
        {1U << KH_JSON_NUMBER, "số", "a number"},
        {TYPE_INTEGER, "số nguyên", "a whole number"},
        {1U << KH_JSON_TRUE | 1U << KH_JSON_FALSE, "đúng hoặc sai (true, false)", "true or false"},
        {1U << KH_JSON_ARRAY, "danh sách", "a list"},
        {1U << KH_JSON_OBJECT, "đối tượng", "an object"},
        {1U << KH_JSON_NULL, "rỗng (null)", "null"},
    };
    struct kh_buf vi = kh_buf(r->a, 1000), en = kh_buf(r->a, 1000);
    bool first = true;

    if (full(r))
        return false;
    kh_buf_z(&vi, "Phải là ");
    kh_buf_z(&en, "Must be ");
    for (size_t i = 0; i < KH_LEN(rows); i++) {
        if ((types & rows[i].bits) != rows[i].bits)
            continue;
        if (!first) {
            kh_buf_z(&vi, " hoặc ");
            kh_buf_z(&en, " or ");
        }
        kh_buf_z(&vi, rows[i].vi);
        kh_buf_z(&en, rows[i].en);
        first = false;
    }
    return say(r, p, "type", kh_buf_get(&vi), kh_buf_get(&en));
}

bool say_enum(struct run *r, const struct path *p, const struct kh_json *list)
{
    struct kh_buf vi = kh_buf(r->a, 2000), en = kh_buf(r->a, 2000);

    if (full(r))
        return false;
    if (list->n == 0 || list->n > CHOICES_SHOWN)
        return say(r, p, "enum", KH_S("Giá trị này không có trong danh sách cho phép"),
                   KH_S("This value is not in the list of allowed ones"));
    kh_buf_z(&vi, list->n == 1 ? "Phải là " : "Phải là một trong: ");
    kh_buf_z(&en, list->n == 1 ? "Must be " : "Must be one of: ");
    for (uint32_t i = 0; i < list->n; i++) {
        struct kh_str s = brief(r, &list->items[i]);

        kh_buf_strf(&vi, "%s%.*s", i ? ", " : "", KH_FMT(s));
        kh_buf_strf(&en, "%s%.*s", i ? ", " : "", KH_FMT(s));
    }
    return say(r, p, "enum", kh_buf_get(&vi), kh_buf_get(&en));
}

bool say_const(struct run *r, const struct path *p, const struct kh_json *v)
{
    struct kh_str s;

    if (full(r))
        return false;
    s = brief(r, v);
    return say(r, p, "const", kh_strf(r->a, "Phải là %.*s", KH_FMT(s)),
               kh_strf(r->a, "Must be %.*s", KH_FMT(s)));
}

bool say_bound(struct run *r, const struct path *p, const char *code, struct kh_str bound)
{
    static const struct {
        const char *code, *vi, *en;
    } rows[] = {
        {"maximum", "Không được lớn hơn ", "Must be at most "},
        {"minimum", "Không được nhỏ hơn ", "Must be at least "},
        {"exclusiveMaximum", "Phải nhỏ hơn ", "Must be less than "},
        {"exclusiveMinimum", "Phải lớn hơn ", "Must be more than "},
        {"multipleOf", "Phải là bội số của ", "Must be a multiple of "},
        {"pattern", "Phải viết đúng theo mẫu ", "Must be written after the pattern "},
    };

    if (full(r))
        return false;
    for (size_t i = 0; i < KH_LEN(rows); i++)
        if (strcmp(code, rows[i].code) == 0)
            return say(r, p, rows[i].code, kh_strf(r->a, "%s%.*s", rows[i].vi, KH_FMT(bound)),
                       kh_strf(r->a, "%s%.*s", rows[i].en, KH_FMT(bound)));
    return say_plain(r, p, code);
}

bool say_count(struct run *r, const struct path *p, const char *code, uint64_t bound, uint64_t have)
{
    static const struct {
        const char *code, *vi, *en, *en_one; /* bound, then what there is */
    } rows[] = {
        {"minLength", "Cần ít nhất %llu ký tự, hiện có %llu",
         "At least %llu characters are needed, there are %llu",
         "At least %llu character is needed, there are %llu"},
        {"maxLength", "Tối đa %llu ký tự, hiện có %llu",
         "At most %llu characters are allowed, there are %llu",
         "At most %llu character is allowed, there are %llu"},
        {"minItems", "Cần ít nhất %llu mục, hiện có %llu",
         "At least %llu items are needed, there are %llu",
         "At least %llu item is needed, there are %llu"},
        {"maxItems", "Tối đa %llu mục, hiện có %llu",
         "At most %llu items are allowed, there are %llu",
         "At most %llu item is allowed, there are %llu"},
        {"minProperties", "Cần ít nhất %llu trường, hiện có %llu",
         "At least %llu fields are needed, there are %llu",
         "At least %llu field is needed, there are %llu"},
        {"maxProperties", "Tối đa %llu trường, hiện có %llu",
         "At most %llu fields are allowed, there are %llu",
         "At most %llu field is allowed, there are %llu"},
        {"contains", "Cần ít nhất %llu mục đúng yêu cầu, hiện có %llu",
         "At least %llu items must fit, there are %llu",
         "At least %llu item must fit, there are %llu"},
        {"minContains", "Cần ít nhất %llu mục đúng yêu cầu, hiện có %llu",
         "At least %llu items must fit, there are %llu",
         "At least %llu item must fit, there are %llu"},
        {"maxContains", "Chỉ được có tối đa %llu mục như vậy, hiện có %llu",
         "At most %llu such items are allowed, there are %llu",
         "At most %llu such item is allowed, there are %llu"},
    };

    if (full(r))
        return false;
    if (strcmp(code, "minLength") == 0 && have == 0)
        return say(r, p, "minLength", KH_S("Không được để trống"), KH_S("Must not be empty"));
    for (size_t i = 0; i < KH_LEN(rows); i++) {
        struct kh_buf vi = kh_buf(r->a, 300), en = kh_buf(r->a, 300);

        if (strcmp(code, rows[i].code) != 0)
            continue;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        kh_buf_strf(&vi, rows[i].vi, (unsigned long long)bound, (unsigned long long)have);
        kh_buf_strf(&en, bound == 1 ? rows[i].en_one : rows[i].en, (unsigned long long)bound,
                    (unsigned long long)have);
#pragma GCC diagnostic pop
        return say(r, p, rows[i].code, kh_buf_get(&vi), kh_buf_get(&en));
    }
    return say_plain(r, p, code);
}

bool say_format(struct run *r, const struct path *p, const struct kh_format *f)
{
    if (full(r))
        return false;
    return say(r, p, "format", kh_strf(r->a, "Phải là %s", f->vi),
               kh_strf(r->a, "Must be %s", f->en));
}

bool say_missing(struct run *r, const struct path *p, const char *code, struct kh_str name,
                 struct kh_str cause)
{
    struct kh_str vi = KH_S("Trường này là bắt buộc"), en = KH_S("This field is required");

    if (full(r))
        return false;
    if (cause.n) {
        vi = kh_strf(r->a, "Trường này là bắt buộc khi có %.*s", KH_FMT(cause));
        en = kh_strf(r->a, "This field is required when there is %.*s", KH_FMT(cause));
    }
    kh_issue_add(r->issues, r->a, pointer_of(r, p, kh_str(name.p ? name.p : "", name.n)), code, vi,
                 en);
    return false;
}

bool say_plain(struct run *r, const struct path *p, const char *code)
{
    static const struct {
        const char *code, *vi, *en;
    } rows[] = {
        {"not", "Giá trị này không được phép", "This value is not allowed"},
        {"anyOf", "Không khớp với dạng nào được phép", "Fits none of the allowed forms"},
        {"oneOf", "Phải khớp với đúng một trong các dạng được phép",
         "Must fit exactly one of the allowed forms"},
        {"properties", "Không được có trường này", "This field is not allowed"},
        {"patternProperties", "Không được có trường này", "This field is not allowed"},
        {"additionalProperties", "Ở đây không có trường này", "There is no such field here"},
        {"unevaluatedProperties", "Ở đây không có trường này", "There is no such field here"},
        {"propertyNames", "Tên trường này không được phép", "This name of a field is not allowed"},
        {"items", "Danh sách không được có mục này", "The list may not have this item"},
        {"prefixItems", "Danh sách không được có mục này", "The list may not have this item"},
        {"unevaluatedItems", "Danh sách không được có mục này", "The list may not have this item"},
        {"false", "Không được có giá trị ở đây", "There may be no value here"},
        {"limit", "Lược đồ đòi hỏi quá nhiều bước để kiểm tra giá trị này",
         "The schema takes too many steps to check this value"},
    };

    if (full(r))
        return false;
    for (size_t i = 0; i < KH_LEN(rows); i++)
        if (strcmp(code, rows[i].code) == 0)
            return say(r, p, rows[i].code, kh_cstr(rows[i].vi), kh_cstr(rows[i].en));
    return say(r, p, code, KH_S("Giá trị không hợp lệ"), KH_S("The value is not valid"));
}

bool say_twice(struct run *r, const struct path *p, size_t first, size_t second)
{
    if (full(r))
        return false;
    return say(r, p, "uniqueItems",
               kh_strf(r->a, "Mục thứ %zu trùng với mục thứ %zu", second + 1, first + 1),
               kh_strf(r->a, "Item %zu is the same as item %zu", second + 1, first + 1));
}
