/* SPDX-License-Identifier: Apache-2.0 */
/* The properties of a schema become fields. */
#include "engine/registry/type_int.h"

/* ---- words ---- */

bool kh_level_parse(struct kh_str s, enum kh_level_of *ret)
{
    static const char *const names[] = {"public", "internal", "personal", "sensitive"};

    for (size_t i = 0; i < KH_LEN(names); i++)
        if (kh_str_is(s, names[i])) {
            *ret = (enum kh_level_of)i;
            return true;
        }
    return false;
}

enum kh_rkind kh_kind_sql(enum kh_fkind kind)
{
    switch (kind) {
    case KH_FK_TEXT:
        return KH_RK_TEXT;
    case KH_FK_REAL:
        return KH_RK_REAL;
    case KH_FK_INT:
    case KH_FK_BOOL:
    case KH_FK_TIME:
    case KH_FK_ACCOUNT:
        break;
    }
    return KH_RK_INT;
}

/* ---- what fields say of the table ---- */

struct kh_str kh_maker_field_at(struct kh_maker *m, const struct kh_field *f, const char *what)
{
    return kh_strf(m->a, "/properties/%.*s/x-kh%s%s", KH_FMT(f->name), *what ? "/" : "", what);
}

void kh_maker_want(struct kh_maker *m, int field)
{
    m->want[field / 64] |= UINT64_C(1) << (field % 64);
}

bool kh_maker_wants(const struct kh_maker *m, size_t field)
{
    return m->want[field / 64] >> (field % 64) & 1;
}

/* ---- fields ---- */

/* The type of a property: "string" of {"type":["string","null"]}; a list of codes without a type is
 * what its first code is. */
static struct kh_str type_word(const struct kh_json *schema, bool *ret_nullable)
{
    const struct kh_json *type = kh_json_get(schema, "type");
    const struct kh_json *codes = kh_json_get(schema, "enum");
    struct kh_str found = KH_S("");

    *ret_nullable = false;
    if (kh_json_is(type, KH_JSON_STRING))
        return type->s;
    if (kh_json_is(type, KH_JSON_ARRAY))
        for (size_t i = 0; i < type->n; i++) {
            if (!kh_json_is(&type->items[i], KH_JSON_STRING))
                continue;
            if (kh_str_is(type->items[i].s, "null"))
                *ret_nullable = true;
            else
                found = found.n ? KH_S("mixed") : type->items[i].s;
        }
    if (!type && kh_json_is(codes, KH_JSON_ARRAY) && codes->n)
        return codes->items[0].type == KH_JSON_STRING   ? KH_S("string")
               : codes->items[0].type == KH_JSON_NUMBER ? KH_S("number")
                                                        : KH_S("");
    return found;
}

static void read_kind(struct kh_field *f)
{
    struct kh_str word = type_word(f->schema, &f->nullable);
    struct kh_str format = kh_json_str(f->schema, "format", KH_S(""));

    f->scalar = true;
    if (kh_str_is(word, "integer"))
        f->kind = KH_FK_INT;
    else if (kh_str_is(word, "number"))
        f->kind = KH_FK_REAL;
    else if (kh_str_is(word, "boolean"))
        f->kind = KH_FK_BOOL;
    else if (kh_str_is(word, "string"))
        f->kind = kh_str_is(format, "date-time") ? KH_FK_TIME : KH_FK_TEXT;
    else
        f->scalar = false;
}

static const char *const field_words[] = {
    "index", "search", "ref",    "unique", "sensitivity", "computed", "label",  "help",
    "codes", "widget", "hidden", "unit",   "order",       "group",    "figure", "answers"};

void kh_maker_words(struct kh_maker *m, const struct kh_json *kh, const char *const *words,
                    size_t n, struct kh_str at)
{
    for (size_t i = 0; i < kh->n; i++) {
        bool known = false;

        for (size_t k = 0; k < n; k++)
            known = known || kh_str_is(kh->members[i].key, words[k]);
        if (!known)
            kh_maker_issue(m, kh_strf(m->a, "%.*s/%.*s", KH_FMT(at), KH_FMT(kh->members[i].key)),
                           "Chú giải x-kh này không có.", "There is no such x-kh annotation.");
    }
}

/* Levels stand at the fields of the record; one deeper would be a promise that masking cannot keep. */
void kh_type_check_deep(struct kh_maker *m, const struct kh_json *v, struct kh_str at,
                        unsigned depth)
{
    if (depth > 32 || !v)
        return;
    if (v->type == KH_JSON_ARRAY)
        for (size_t i = 0; i < v->n; i++)
            kh_type_check_deep(m, &v->items[i], kh_strf(m->a, "%.*s/%zu", KH_FMT(at), i),
                               depth + 1);
    if (v->type != KH_JSON_OBJECT)
        return;
    for (size_t i = 0; i < v->n; i++) {
        struct kh_str key = v->members[i].key;
        const struct kh_json *x = &v->members[i].value;

        if (kh_str_is(key, "x-kh") && depth > 0 &&
            (kh_json_get(x, "sensitivity") || kh_json_get(x, "index") || kh_json_get(x, "unique") ||
             kh_json_get(x, "computed") || kh_json_get(x, "search")))
            kh_maker_issue(m, kh_strf(m->a, "%.*s/x-kh", KH_FMT(at)),
                           "Chỉ trường ở cấp ngoài cùng của bản ghi mới có chú giải này.",
                           "Only fields at the top of a record can have this annotation.");
        else if (!kh_str_is(key, "x-kh"))
            kh_type_check_deep(m, x, kh_strf(m->a, "%.*s/%.*s", KH_FMT(at), KH_FMT(key)),
                               depth + 1);
    }
}

static void read_level(struct kh_maker *m, struct kh_field *f, const struct kh_json *kh)
{
    const struct kh_json *level = kh_json_get(kh, "sensitivity");

    f->level = m->t->root_level;
    if (level && !(level->type == KH_JSON_STRING && kh_level_parse(level->s, &f->level)))
        kh_maker_issue(m, kh_maker_field_at(m, f, "sensitivity"),
                       "Mức nhạy cảm là public, internal, personal hoặc sensitive.",
                       "A sensitivity is public, internal, personal or sensitive.");
    if (f->level > m->t->max_level)
        m->t->max_level = f->level;
}

static void read_search(struct kh_maker *m, struct kh_field *f, const struct kh_json *kh)
{
    const struct kh_json *search = kh_json_get(kh, "search");
    int64_t weight = 0;

    if (!search || search->type == KH_JSON_FALSE)
        return;
    if (search->type == KH_JSON_TRUE)
        weight = 1;
    else if (!kh_json_as_int(search, &weight) || weight < 1 || weight > 100)
        kh_maker_issue(m, kh_maker_field_at(m, f, "search"),
                       "search là true hoặc trọng số từ 1 đến 100.",
                       "search is true or a weight from 1 to 100.");
    if (f->level > KH_SEE_INTERNAL)
        kh_maker_issue(
            m, kh_maker_field_at(m, f, "search"),
            "Không tìm kiếm được trong trường cá nhân hoặc nhạy cảm: kết quả sẽ lộ nội dung.",
            "A personal or sensitive field cannot be searched: the hits would tell what it says.");
    f->weight = (unsigned)weight;
    m->t->searched = true;
}

/* A field that holds ids of files, itself or in its parts: who may read the record may read them. */
static void read_files(struct kh_maker *m, const struct kh_json *schema)
{
    static const char *const widgets[] = {"photo", "photos", "video", "file", "files"};
    struct kh_str w = kh_json_str(kh_json_get(schema, "x-kh"), "widget", KH_S(""));
    const struct kh_json *items = kh_json_get(schema, "items");
    const struct kh_json *parts = kh_json_get(schema, "properties");

    for (size_t i = 0; i < KH_LEN(widgets); i++)
        m->t->has_files = m->t->has_files || kh_str_is(w, widgets[i]);
    if (kh_json_is(items, KH_JSON_OBJECT))
        read_files(m, items);
    for (uint32_t i = 0; kh_json_is(parts, KH_JSON_OBJECT) && i < parts->n; i++)
        read_files(m, &parts->members[i].value);
}

static void read_ref(struct kh_maker *m, struct kh_field *f, const struct kh_json *kh)
{
    bool nullable;

    f->ref = kh_json_str(kh, "ref", KH_S(""));
    if (f->ref.n == 0 && kh_json_get(kh, "ref"))
        kh_maker_issue(m, kh_maker_field_at(m, f, "ref"), "ref là tên của một loại bản ghi.",
                       "ref is the name of a record type.");
    if (f->ref.n == 0)
        return;
    m->t->has_refs = true;
    if (!kh_type_name_ok(f->ref))
        kh_maker_issue(m, kh_maker_field_at(m, f, "ref"), "Tên loại bản ghi không hợp lệ.",
                       "This is not a name of a record type.");
    if (f->kind != KH_FK_TEXT ||
        !(f->scalar || kh_str_is(type_word(f->schema, &nullable), "array")))
        kh_maker_issue(m, kh_maker_field_at(m, f, "ref"),
                       "Tham chiếu là chuỗi, hoặc mảng các chuỗi.",
                       "A reference is a string, or an array of strings.");
}

void kh_type_read_field(struct kh_maker *m, struct kh_field *f, const struct kh_json_member *p)
{
    static const struct kh_json none = {.type = KH_JSON_OBJECT};
    const struct kh_json *kh = kh_json_get(&p->value, "x-kh");
    bool index;

    *f = (struct kh_field){
        .name = p->key, .schema = &p->value, .col = -1, .index = -1, .answers_to = -1};
    f->fallback = kh_json_get(&p->value, "default");
    read_kind(f);
    if (kh && kh->type != KH_JSON_OBJECT) {
        kh_maker_issue(m, kh_maker_field_at(m, f, ""), "x-kh là một đối tượng.",
                       "x-kh is an object.");
        kh = NULL;
    }
    kh = kh ? kh : &none;
    kh_maker_words(m, kh, field_words, KH_LEN(field_words), kh_maker_field_at(m, f, ""));
    read_level(m, f, kh);
    read_search(m, f, kh);
    read_ref(m, f, kh);
    read_files(m, &p->value);
    index = kh_json_bool(kh, "index", false);
    f->unique = kh_json_bool(kh, "unique", false);
    f->figure = kh_json_bool(kh, "figure", false);
    m->t->figures |= f->figure;
    if (kh_str_is(f->name, "id") || kh_str_is(f->name, "meta"))
        kh_maker_issue(m, kh_strf(m->a, "/properties/%.*s", KH_FMT(f->name)),
                       "id và meta là tên dành riêng.", "id and meta are reserved names.");
    if ((index || f->unique) && (!f->scalar || !kh_type_name_ok(f->name)))
        kh_maker_issue(
            m, kh_maker_field_at(m, f, index ? "index" : "unique"),
            "Chỉ mục cần trường là chuỗi, số hoặc đúng/sai, tên gồm chữ thường, số và _.",
            "An index needs a string, number or boolean with a name of a-z, 0-9 and _.");
    else if (index || f->unique)
        kh_maker_want(m, (int)(f - m->t->fields));
    if (f->unique && f->level > KH_SEE_PERSONAL)
        kh_maker_issue(m, kh_maker_field_at(m, f, "unique"),
                       "Trường nhạy cảm không thể là duy nhất.",
                       "A sensitive field cannot be unique.");
}
