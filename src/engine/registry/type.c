/* SPDX-License-Identifier: Apache-2.0 */
/* A schema with its annotations becomes a type; everything that is wrong with it is said at once. */
#include "engine/registry/registry_int.h"

#include "base/hash.h"
#include "base/time.h"

struct maker {
    struct kh_arena *a;       /* of the issues */
    struct kh_type *t;
    struct kh_issues *issues;
    const struct kh_json *kh; /* "x-kh" of the root */
    uint64_t want[(KH_FIELDS_MAX + 63) / 64]; /* fields that need a column */
};

static void issue(struct maker *m, struct kh_str pointer, const char *vi, const char *en)
{
    kh_issue_add(m->issues, m->a, pointer, "x-kh", kh_cstr(vi), kh_cstr(en));
}

static struct kh_str field_at(struct maker *m, const struct kh_field *f, const char *what)
{
    return kh_strf(m->a, "/properties/%.*s/x-kh%s%s", KH_FMT(f->name), *what ? "/" : "", what);
}

/* Few names, asked for at every member of every record: FNV-1a over the bytes is enough. */
static size_t name_slot(const struct kh_type *t, struct kh_str name)
{
    uint32_t h = 2166136261U;

    for (size_t i = 0; i < name.n; i++)
        h = (h ^ (unsigned char)name.p[i]) * 16777619U;
    return (h ^ h >> 15) & (t->names_n - 1);
}

static void index_names(struct kh_type *t)
{
    t->names_n = 16;
    while (t->names_n < 2 * t->fields_n)
        t->names_n *= 2;
    t->names = kh_alloc(t->a, t->names_n);
    for (size_t i = 0; i < t->fields_n; i++) {
        size_t at = name_slot(t, t->fields[i].name);

        while (t->names[at])
            at = (at + 1) & (t->names_n - 1);
        t->names[at] = (unsigned char)(i + 1);
    }
}

int kh_type_field(const struct kh_type *t, struct kh_str name)
{
    for (size_t at = name_slot(t, name); t->names[at]; at = (at + 1) & (t->names_n - 1))
        if (kh_str_eq(t->fields[t->names[at] - 1].name, name))
            return t->names[at] - 1;
    return -1;
}

static void want_column(struct maker *m, int field)
{
    m->want[field / 64] |= UINT64_C(1) << (field % 64);
}

static bool wanted(const struct maker *m, size_t field)
{
    return m->want[field / 64] >> (field % 64) & 1;
}

static bool name_ok(struct kh_str s)
{
    if (s.n == 0 || s.n > KH_NAME_MAX || s.p[0] < 'a' || s.p[0] > 'z')
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && !(s.p[i] >= '0' && s.p[i] <= '9') && s.p[i] != '_')
            return false;
    return true;
}

/* ---- words ---- */

static bool level_of(struct kh_str s, enum kh_level_of *ret)
{
    static const char *const names[] = {"public", "internal", "personal", "sensitive"};

    for (size_t i = 0; i < KH_LEN(names); i++)
        if (kh_str_is(s, names[i])) {
            *ret = (enum kh_level_of)i;
            return true;
        }
    return false;
}

static bool op_of(struct kh_str s, enum kh_op *ret)
{
    static const char *const names[] = {"read",  "list",   "create", "update",
                                        "close", "import", "export", "history"};

    for (size_t i = 0; i < KH_LEN(names); i++)
        if (kh_str_is(s, names[i])) {
            *ret = (enum kh_op)i;
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

static const char *const field_words[] = {"index",  "search", "ref",   "unique", "sensitivity",
                                          "computed", "label", "help",  "codes",  "widget",
                                          "hidden",   "unit",  "order", "group",  "figure"};

static void check_words(struct maker *m, const struct kh_json *kh, const char *const *words,
                        size_t n, struct kh_str at)
{
    for (size_t i = 0; i < kh->n; i++) {
        bool known = false;

        for (size_t k = 0; k < n; k++)
            known = known || kh_str_is(kh->members[i].key, words[k]);
        if (!known)
            issue(m, kh_strf(m->a, "%.*s/%.*s", KH_FMT(at), KH_FMT(kh->members[i].key)),
                  "Chú giải x-kh này không có.", "There is no such x-kh annotation.");
    }
}

/* Levels stand at the fields of the record; one deeper would be a promise that masking cannot keep. */
static void check_deep(struct maker *m, const struct kh_json *v, struct kh_str at, unsigned depth)
{
    if (depth > 32 || !v)
        return;
    if (v->type == KH_JSON_ARRAY)
        for (size_t i = 0; i < v->n; i++)
            check_deep(m, &v->items[i], kh_strf(m->a, "%.*s/%zu", KH_FMT(at), i), depth + 1);
    if (v->type != KH_JSON_OBJECT)
        return;
    for (size_t i = 0; i < v->n; i++) {
        struct kh_str key = v->members[i].key;
        const struct kh_json *x = &v->members[i].value;

        if (kh_str_is(key, "x-kh") && depth > 0 &&
            (kh_json_get(x, "sensitivity") || kh_json_get(x, "index") || kh_json_get(x, "unique") ||
             kh_json_get(x, "computed") || kh_json_get(x, "search")))
            issue(m, kh_strf(m->a, "%.*s/x-kh", KH_FMT(at)),
                  "Chỉ trường ở cấp ngoài cùng của bản ghi mới có chú giải này.",
                  "Only fields at the top of a record can have this annotation.");
        else if (!kh_str_is(key, "x-kh"))
            check_deep(m, x, kh_strf(m->a, "%.*s/%.*s", KH_FMT(at), KH_FMT(key)), depth + 1);
    }
}

static void read_level(struct maker *m, struct kh_field *f, const struct kh_json *kh)
{
    const struct kh_json *level = kh_json_get(kh, "sensitivity");

    f->level = m->t->root_level;
    if (level && !(level->type == KH_JSON_STRING && level_of(level->s, &f->level)))
        issue(m, field_at(m, f, "sensitivity"),
              "Mức nhạy cảm là public, internal, personal hoặc sensitive.",
              "A sensitivity is public, internal, personal or sensitive.");
    if (f->level > m->t->max_level)
        m->t->max_level = f->level;
}

static void read_search(struct maker *m, struct kh_field *f, const struct kh_json *kh)
{
    const struct kh_json *search = kh_json_get(kh, "search");
    int64_t weight = 0;

    if (!search || search->type == KH_JSON_FALSE)
        return;
    if (search->type == KH_JSON_TRUE)
        weight = 1;
    else if (!kh_json_as_int(search, &weight) || weight < 1 || weight > 100)
        issue(m, field_at(m, f, "search"), "search là true hoặc trọng số từ 1 đến 100.",
              "search is true or a weight from 1 to 100.");
    if (f->level > KH_SEE_INTERNAL)
        issue(m, field_at(m, f, "search"),
              "Không tìm kiếm được trong trường cá nhân hoặc nhạy cảm: kết quả sẽ lộ nội dung.",
              "A personal or sensitive field cannot be searched: the hits would tell what it says.");
    f->weight = (unsigned)weight;
    m->t->searched = true;
}

/* A field that holds ids of files: who may read the record may read them. */
static void read_files(struct maker *m, const struct kh_json *kh)
{
    static const char *const widgets[] = {"photo", "photos", "video", "file", "files"};
    struct kh_str w = kh_json_str(kh, "widget", KH_S(""));

    for (size_t i = 0; i < KH_LEN(widgets); i++)
        m->t->has_files = m->t->has_files || kh_str_is(w, widgets[i]);
}

static void read_ref(struct maker *m, struct kh_field *f, const struct kh_json *kh)
{
    bool nullable;

    f->ref = kh_json_str(kh, "ref", KH_S(""));
    if (f->ref.n == 0 && kh_json_get(kh, "ref"))
        issue(m, field_at(m, f, "ref"), "ref là tên của một loại bản ghi.",
              "ref is the name of a record type.");
    if (f->ref.n == 0)
        return;
    m->t->has_refs = true;
    if (!name_ok(f->ref))
        issue(m, field_at(m, f, "ref"), "Tên loại bản ghi không hợp lệ.",
              "This is not a name of a record type.");
    if (f->kind != KH_FK_TEXT || !(f->scalar || kh_str_is(type_word(f->schema, &nullable), "array")))
        issue(m, field_at(m, f, "ref"), "Tham chiếu là chuỗi, hoặc mảng các chuỗi.",
              "A reference is a string, or an array of strings.");
}

static void read_field(struct maker *m, struct kh_field *f, const struct kh_json_member *p)
{
    static const struct kh_json none = {.type = KH_JSON_OBJECT};
    const struct kh_json *kh = kh_json_get(&p->value, "x-kh");
    bool index;

    *f = (struct kh_field){.name = p->key, .schema = &p->value, .col = -1, .index = -1};
    f->fallback = kh_json_get(&p->value, "default");
    read_kind(f);
    if (kh && kh->type != KH_JSON_OBJECT) {
        issue(m, field_at(m, f, ""), "x-kh là một đối tượng.", "x-kh is an object.");
        kh = NULL;
    }
    kh = kh ? kh : &none;
    check_words(m, kh, field_words, KH_LEN(field_words), field_at(m, f, ""));
    read_level(m, f, kh);
    read_search(m, f, kh);
    read_ref(m, f, kh);
    read_files(m, kh);
    index = kh_json_bool(kh, "index", false);
    f->unique = kh_json_bool(kh, "unique", false);
    f->figure = kh_json_bool(kh, "figure", false);
    m->t->figures |= f->figure;
    if (kh_str_is(f->name, "id") || kh_str_is(f->name, "meta"))
        issue(m, kh_strf(m->a, "/properties/%.*s", KH_FMT(f->name)),
              "id và meta là tên dành riêng.", "id and meta are reserved names.");
    if ((index || f->unique) && (!f->scalar || !name_ok(f->name)))
        issue(m, field_at(m, f, index ? "index" : "unique"),
              "Chỉ mục cần trường là chuỗi, số hoặc đúng/sai, tên gồm chữ thường, số và _.",
              "An index needs a string, number or boolean with a name of a-z, 0-9 and _.");
    else if (index || f->unique)
        want_column(m, (int)(f - m->t->fields));
    if (f->unique && f->level > KH_SEE_PERSONAL)
        issue(m, field_at(m, f, "unique"), "Trường nhạy cảm không thể là duy nhất.",
              "A sensitive field cannot be unique.");
}

/* ---- the root ---- */

/* A field named in an annotation; -1 and an issue if there is none that fits. */
static int named(struct maker *m, const struct kh_json *v, const char *what, bool column)
{
    struct kh_str at = kh_strf(m->a, "/x-kh/%s", what);
    int i = kh_json_is(v, KH_JSON_STRING) ? kh_type_field(m->t, v->s) : -1;

    if (i < 0) {
        issue(m, at, "Không có trường nào mang tên này.", "There is no field of this name.");
        return -1;
    }
    if (column && (!m->t->fields[i].scalar || !name_ok(m->t->fields[i].name))) {
        issue(m, at, "Trường này cần là chuỗi, số hoặc đúng/sai, tên gồm chữ thường, số và _.",
              "This must be a string, number or boolean with a name of a-z, 0-9 and _.");
        return -1;
    }
    if (column)
        want_column(m, i);
    return i;
}

static int named_root(struct maker *m, const char *what, bool column)
{
    const struct kh_json *v = kh_json_get(m->kh, what);

    return v ? named(m, v, what, column) : -1;
}

static void read_roles(struct maker *m)
{
    struct kh_type *t = m->t;
    const struct kh_json *validity = kh_json_get(m->kh, "validity");
    const struct kh_json *title = kh_json_get(m->kh, "title");

    t->unit = named_root(m, "unit", true);
    t->owner = named_root(m, "owner", true);
    t->state = named_root(m, "state", true);
    t->geo = named_root(m, "geo", false);
    if (t->owner >= 0 && t->fields[t->owner].kind == KH_FK_TEXT)
        t->fields[t->owner].kind = KH_FK_ACCOUNT;
    if (t->unit >= 0 && t->fields[t->unit].kind != KH_FK_TEXT)
        issue(m, KH_S("/x-kh/unit"), "Trường đơn vị là chuỗi.", "The unit is a string.");
    if (t->geo >= 0) {
        const struct kh_json *p = kh_json_get(t->fields[t->geo].schema, "properties");

        t->extent = !(kh_json_get(p, "lon") && kh_json_get(p, "lat"));
    }
    t->from = validity ? named(m, kh_json_get(validity, "from"), "validity", false)
                       : kh_type_field(t, KH_S("valid_from"));
    t->to = validity && !kh_json_get(validity, "to")
                ? -1
            : validity ? named(m, kh_json_get(validity, "to"), "validity", false)
                       : kh_type_field(t, KH_S("valid_to"));
    if (title) {
        size_t n = title->type == KH_JSON_ARRAY ? title->n : 1;
        int *titles = kh_new_n(t->a, n, int);

        for (size_t i = 0; i < n; i++)
            titles[i] = named(m, title->type == KH_JSON_ARRAY ? &title->items[i] : title, "title",
                              false);
        t->titles = titles;
        t->titles_n = n;
    }
    for (size_t i = 0; i < t->titles_n; i++)
        if (t->titles[i] >= 0 && t->fields[t->titles[i]].level > KH_SEE_INTERNAL)
            issue(m, KH_S("/x-kh/title"), "Tên của bản ghi không được là dữ liệu cá nhân.",
                  "What a record is called must not be personal data.");
}

static void read_key(struct maker *m)
{
    const struct kh_json *key = kh_json_get(m->kh, "key");
    size_t n = !key ? 0 : key->type == KH_JSON_ARRAY ? key->n : 1;
    int *fields = kh_new_n(m->t->a, n, int);

    if (n > KH_RINDEX_COLS) {
        issue(m, KH_S("/x-kh/key"), "Khoá có nhiều nhất 4 trường.", "A key has at most 4 fields.");
        n = 0;
    }
    for (size_t i = 0; i < n; i++) {
        const struct kh_json *v = key->type == KH_JSON_ARRAY ? &key->items[i] : key;

        /* ["code","valid_from"]: validity of one code never overlaps, which is the rule for every
         * key; so the start itself needs no column. */
        if (i > 0 && kh_json_is(v, KH_JSON_STRING) &&
            (kh_str_is(v->s, "valid_from") || (m->t->from >= 0 &&
                                               kh_str_eq(v->s, m->t->fields[m->t->from].name))))
            continue;
        fields[m->t->key_n] = named(m, v, "key", true);
        m->t->key_n += fields[m->t->key_n] >= 0;
    }
    m->t->key = fields;
    m->t->key_index = -1;
}

static void read_serial(struct maker *m)
{
    const struct kh_json *s = kh_json_get(m->kh, "serial");
    struct kh_str per = kh_json_str(s, "per", KH_S("ever"));
    struct kh_serial *serial = &m->t->serial;

    serial->field = -1;
    if (!s)
        return;
    serial->field = named(m, kh_json_get(s, "field"), "serial/field", true);
    serial->pattern = kh_json_str(s, "pattern", KH_S("{SERIAL}"));
    serial->per = kh_str_is(per, "year")  ? KH_PER_YEAR
                  : kh_str_is(per, "day") ? KH_PER_DAY
                                          : KH_PER_EVER;
    if (!kh_str_is(per, "year") && !kh_str_is(per, "day") && !kh_str_is(per, "ever"))
        issue(m, KH_S("/x-kh/serial/per"), "per là year, day hoặc ever.",
              "per is year, day or ever.");
    if (!memmem(serial->pattern.p, serial->pattern.n, "{SERIAL", 7))
        issue(m, KH_S("/x-kh/serial/pattern"), "Mẫu số cần có {SERIAL:n}.",
              "The pattern needs {SERIAL:n}.");
    if (serial->field >= 0) {
        m->t->fields[serial->field].serial = true;
        m->t->fields[serial->field].unique = true;
    }
}

/* ---- expressions ---- */

static const struct kh_feel *compile(struct maker *m, struct kh_str text, struct kh_str at)
{
    struct kh_str *names = kh_new_n(m->t->a, m->t->fields_n + 1, struct kh_str);
    const struct kh_feel *f = NULL;
    struct kh_error err = {0};

    for (size_t i = 0; i < m->t->fields_n; i++)
        names[i] = m->t->fields[i].name;
    if (!kh_feel_compile(m->t->a, text, KH_FEEL_EXPRESSION, names, m->t->fields_n, &f, &err))
        issue(m, at,
              kh_str_z(m->a, kh_strf(m->a, "Biểu thức không hợp lệ: %s", err.detail)),
              kh_str_z(m->a, kh_strf(m->a, "The expression is not valid: %s", err.detail)));
    return f;
}

static void read_checks(struct maker *m)
{
    const struct kh_json *rules = kh_json_get(m->kh, "rules");
    struct kh_check *checks;

    if (!rules)
        return;
    if (rules->type != KH_JSON_ARRAY) {
        issue(m, KH_S("/x-kh/rules"), "rules là một mảng.", "rules is an array.");
        return;
    }
    checks = kh_new_n(m->t->a, rules->n, struct kh_check);
    for (size_t i = 0; i < rules->n; i++) {
        const struct kh_json *r = &rules->items[i], *message = kh_json_get(r, "message");
        struct kh_str when = kh_json_str(r, "if", KH_S(""));
        struct kh_str at = kh_strf(m->a, "/x-kh/rules/%zu", i);

        checks[i].when = when.n ? compile(m, when, kh_strf(m->a, "%.*s/if", KH_FMT(at))) : NULL;
        checks[i].rule = compile(m, kh_json_str(r, "rule", KH_S("")),
                                 kh_strf(m->a, "%.*s/rule", KH_FMT(at)));
        checks[i].pointer = kh_json_str(r, "pointer", KH_S(""));
        checks[i].vi = kh_json_str(message, "vi", KH_S(""));
        checks[i].en = kh_json_str(message, "en", KH_S(""));
        if (checks[i].vi.n == 0 || checks[i].en.n == 0)
            issue(m, kh_strf(m->a, "%.*s/message", KH_FMT(at)),
                  "Quy tắc cần lời giải thích bằng vi và en.",
                  "A rule needs its message in vi and en.");
    }
    m->t->checks = checks;
    m->t->checks_n = rules->n;
}

static bool reads(const struct kh_feel *f, struct kh_str name)
{
    const struct kh_str *names;
    size_t n = kh_feel_reads(f, &names);

    for (size_t i = 0; i < n; i++)
        if (kh_str_eq(names[i], name))
            return true;
    return false;
}

/* A computed field comes after those that it reads. */
static void order_computed(struct maker *m, bool *todo)
{
    struct kh_type *t = m->t;
    int *order = kh_new_n(t->a, t->fields_n, int);
    bool moved = true;

    while (moved) {
        moved = false;
        for (size_t i = 0; i < t->fields_n; i++) {
            bool ready = todo[i];

            for (size_t k = 0; ready && k < t->fields_n; k++)
                ready = !(todo[k] && reads(t->fields[i].computed, t->fields[k].name));
            if (!ready)
                continue;
            order[t->computed_n++] = (int)i;
            todo[i] = false;
            moved = true;
        }
    }
    t->computed = order;
    for (size_t i = 0; i < t->fields_n; i++)
        if (todo[i])
            issue(m, field_at(m, &t->fields[i], "computed"),
                  "Các trường tính toán phụ thuộc vòng tròn vào nhau.",
                  "Computed fields depend on each other in a circle.");
}

static void read_computed(struct maker *m)
{
    struct kh_type *t = m->t;
    bool *todo = kh_new_n(m->a, t->fields_n, bool);

    for (size_t i = 0; i < t->fields_n; i++) {
        struct kh_str text = kh_json_str(kh_json_get(t->fields[i].schema, "x-kh"), "computed",
                                         KH_S(""));

        if (text.n == 0)
            continue;
        t->fields[i].computed = compile(m, text, field_at(m, &t->fields[i], "computed"));
        todo[i] = t->fields[i].computed != NULL;
    }
    order_computed(m, todo);
}

/* ---- access ---- */

static void read_where_one(struct maker *m, struct kh_rule *r, struct kh_cond *conds,
                           const struct kh_json *w, struct kh_str at)
{
    struct kh_type *t = m->t;
    struct kh_cond *c = &conds[r->conds_n];

    if (kh_json_is(w, KH_JSON_STRING) && kh_str_is(w->s, "all"))
        return;
    if (kh_json_is(w, KH_JSON_STRING) && kh_str_is(w->s, "unit") && t->unit >= 0) {
        c->where = KH_W_UNIT;
        r->conds_n++;
        return;
    }
    if (kh_json_is(w, KH_JSON_STRING) && kh_str_is(w->s, "owner") && t->owner >= 0) {
        c->where = KH_W_OWNER;
        r->conds_n++;
        return;
    }
    if (!kh_json_is(w, KH_JSON_OBJECT) || w->n == 0) {
        issue(m, at,
              "where là all, unit, owner (khi loại bản ghi khai báo), {trường:[giá trị]} hoặc mảng.",
              "where is all, unit, owner (if the type declares them), {field:[values]}, or a list.");
        return;
    }
    for (size_t i = 0; i < w->n && r->conds_n < 8; i++) {
        struct kh_json name = {.type = KH_JSON_STRING, .s = w->members[i].key};
        const struct kh_json *values = &w->members[i].value;

        c = &conds[r->conds_n];
        c->where = KH_W_FIELD;
        c->field = named(m, &name, "access", true);
        c->values = values;
        if (values->type != KH_JSON_ARRAY || values->n == 0 || values->n > 50)
            issue(m, at, "Các giá trị là một mảng từ 1 đến 50.", "Values are an array of 1 to 50.");
        else if (c->field >= 0)
            r->conds_n++;
    }
}

static void read_where(struct maker *m, struct kh_rule *r, const struct kh_json *w,
                       struct kh_str at)
{
    struct kh_cond *conds = kh_new_n(m->t->a, 9, struct kh_cond);

    r->conds = conds;
    if (!w) {
        issue(m, at, "Quy tắc truy cập cần where.", "An access rule needs where.");
        return;
    }
    if (w->type != KH_JSON_ARRAY) {
        read_where_one(m, r, conds, w, at);
        return;
    }
    for (size_t i = 0; i < w->n && r->conds_n < 8; i++)
        read_where_one(m, r, conds, &w->items[i], at);
}

static enum kh_holder holder_of(struct kh_str role)
{
    return kh_str_is(role, "public")    ? KH_HOLD_PUBLIC
           : kh_str_is(role, "account") ? KH_HOLD_ACCOUNT
           : kh_str_is(role, "owner")   ? KH_HOLD_OWNER
                                        : KH_HOLD_OFFICE;
}

static void read_rule(struct maker *m, struct kh_rule *r, const struct kh_json *v, size_t at_n)
{
    static const char *const words[] = {"role", "ops", "where", "see", "fields"};
    struct kh_str at = kh_strf(m->a, "/x-kh/access/%zu", at_n);
    const struct kh_json *ops = kh_json_get(v, "ops"), *fields = kh_json_get(v, "fields");
    struct kh_str see = kh_json_str(v, "see", KH_S("public"));

    if (!kh_json_is(v, KH_JSON_OBJECT)) {
        issue(m, at, "Quy tắc truy cập là một đối tượng.", "An access rule is an object.");
        return;
    }
    check_words(m, v, words, KH_LEN(words), at);
    r->role = kh_json_str(v, "role", KH_S(""));
    r->holder = holder_of(r->role);
    if (r->role.n == 0)
        issue(m, at, "Quy tắc truy cập cần role.", "An access rule needs a role.");
    for (size_t i = 0; kh_json_is(ops, KH_JSON_ARRAY) && i < ops->n; i++) {
        enum kh_op op;

        if (ops->items[i].type == KH_JSON_STRING && op_of(ops->items[i].s, &op))
            r->ops |= 1U << op;
        else
            issue(m, kh_strf(m->a, "%.*s/ops/%zu", KH_FMT(at), i), "Không có thao tác này.",
                  "There is no such operation.");
    }
    if (r->ops == 0)
        issue(m, kh_strf(m->a, "%.*s/ops", KH_FMT(at)), "Quy tắc không cho thao tác nào.",
              "The rule allows no operation.");
    read_where(m, r, kh_json_get(v, "where"), kh_strf(m->a, "%.*s/where", KH_FMT(at)));
    if (!level_of(see, &r->see))
        issue(m, kh_strf(m->a, "%.*s/see", KH_FMT(at)),
              "see là public, internal, personal hoặc sensitive.",
              "see is public, internal, personal or sensitive.");
    if (kh_json_is(fields, KH_JSON_ARRAY)) {
        bool *writes = kh_new_n(m->t->a, m->t->fields_n, bool);

        for (size_t i = 0; i < fields->n; i++) {
            int f = fields->items[i].type == KH_JSON_STRING
                        ? kh_type_field(m->t, fields->items[i].s)
                        : -1;

            if (f >= 0)
                writes[f] = true;
            else
                issue(m, kh_strf(m->a, "%.*s/fields/%zu", KH_FMT(at), i),
                      "Không có trường nào mang tên này.", "There is no field of this name.");
        }
        r->writes = writes;
    }
}

/* Without declared access, administrators do everything, and the public reads what is public. */
static void default_rules(struct maker *m)
{
    struct kh_rule *rules = kh_new_n(m->t->a, 2, struct kh_rule);

    rules[0] = (struct kh_rule){.role = KH_S("admin"), .holder = KH_HOLD_OFFICE, .ops = 0xff, .see = KH_SEE_SENSITIVE};
    rules[1] = (struct kh_rule){.role = KH_S("public"),
                                .ops = 1U << KH_OP_READ | 1U << KH_OP_LIST | 1U << KH_OP_HISTORY |
                                       1U << KH_OP_EXPORT};
    m->t->rules = rules;
    m->t->rules_n = m->t->root_level == KH_SEE_PUBLIC ? 2 : 1;
}

static void read_access(struct maker *m)
{
    const struct kh_json *access = kh_json_get(m->kh, "access");
    struct kh_rule *rules;

    if (!access) {
        default_rules(m);
        return;
    }
    if (access->type != KH_JSON_ARRAY) {
        issue(m, KH_S("/x-kh/access"), "access là một mảng.", "access is an array.");
        return;
    }
    rules = kh_new_n(m->t->a, access->n, struct kh_rule);
    for (size_t i = 0; i < access->n; i++)
        read_rule(m, &rules[i], &access->items[i], i);
    m->t->rules = rules;
    m->t->rules_n = access->n;
}

/* ---- columns and indexes ---- */

struct shape {
    struct kh_rcol cols[KH_RCOLS_MAX];
    int fields[KH_RCOLS_MAX];
    size_t cols_n;
    struct kh_rindex indexes[64];
    size_t indexes_n;
};

/* The column of a field keeps its name as long as its kind stays; another kind is another column. */
static struct kh_str column_name(struct maker *m, const struct kh_field *f,
                                 const struct kh_json *layout)
{
    static const char *const kinds[] = {"int", "real", "text"};
    const struct kh_json *old = kh_json_find(kh_json_get(layout, "fields"), f->name);
    const char *kind = kinds[kh_kind_sql(f->kind)];

    if (old && kh_str_is(kh_json_str(old, "kind", KH_S("")), kind))
        return kh_str_dup(m->t->a, kh_json_str(old, "column", KH_S("")));
    if (old)
        return kh_strf(m->t->a, "g%lld_%.*s", (long long)m->t->version, KH_FMT(f->name));
    return kh_strf(m->t->a, "f_%.*s", KH_FMT(f->name));
}

static void make_columns(struct maker *m, struct shape *s, const struct kh_json *layout)
{
    struct kh_type *t = m->t;

    for (size_t i = 0; i < t->fields_n; i++) {
        if (!wanted(m, i))
            continue;
        if (s->cols_n == KH_RCOLS_MAX) {
            issue(m, KH_S("/x-kh"), "Quá 32 trường có chỉ mục.", "More than 32 indexed fields.");
            return;
        }
        t->fields[i].col = (int)s->cols_n;
        s->fields[s->cols_n] = (int)i;
        s->cols[s->cols_n++] = (struct kh_rcol){column_name(m, &t->fields[i], layout),
                                                kh_kind_sql(t->fields[i].kind)};
    }
}

static int add_index(struct maker *m, struct shape *s, const unsigned char *cols, size_t n, bool all)
{
    struct kh_rindex *x;
    struct kh_str parts[KH_RINDEX_COLS * 2];
    unsigned char sum[KH_SHA256_BYTES];

    for (size_t i = 0; i < s->indexes_n; i++)
        if (s->indexes[i].n == n && memcmp(s->indexes[i].cols, cols, n) == 0 &&
            s->indexes[i].all == all)
            return (int)i;
    if (s->indexes_n == KH_LEN(s->indexes)) {
        issue(m, KH_S("/x-kh/index"), "Quá nhiều chỉ mục.", "Too many indexes.");
        return -1;
    }
    x = &s->indexes[s->indexes_n];
    *x = (struct kh_rindex){.n = (unsigned char)n, .all = all};
    for (size_t i = 0; i < n; i++) {
        x->cols[i] = cols[i];
        parts[2 * i] = s->cols[cols[i]].name;
        parts[2 * i + 1] = all ? KH_S("!") : KH_S(",");
    }
    kh_sha256(parts, n * 2, sum);
    x->name = kh_strf(m->t->a, "ix_%.*s_%02x%02x%02x%02x", KH_FMT(m->t->name), sum[0], sum[1], sum[2],
                      sum[3]);
    return (int)s->indexes_n++;
}

static void compound_indexes(struct maker *m, struct shape *s)
{
    const struct kh_json *list = kh_json_get(m->kh, "index");

    for (size_t i = 0; kh_json_is(list, KH_JSON_ARRAY) && i < list->n; i++) {
        const struct kh_json *x = &list->items[i];
        unsigned char cols[KH_RINDEX_COLS];
        bool good = x->type == KH_JSON_ARRAY && x->n >= 1 && x->n <= KH_RINDEX_COLS;

        for (size_t k = 0; good && k < x->n; k++) {
            int f = x->items[k].type == KH_JSON_STRING ? kh_type_field(m->t, x->items[k].s) : -1;

            good = f >= 0 && m->t->fields[f].col >= 0;
            if (good)
                cols[k] = (unsigned char)m->t->fields[f].col;
        }
        if (good)
            add_index(m, s, cols, x->n, false);
        else
            issue(m, kh_strf(m->a, "/x-kh/index/%zu", i),
                  "Chỉ mục là mảng 1 đến 4 tên trường (chuỗi, số, đúng/sai).",
                  "An index is a list of 1 to 4 names of fields (string, number, boolean).");
    }
}

static void want_compound(struct maker *m)
{
    const struct kh_json *list = kh_json_get(m->kh, "index");

    for (size_t i = 0; kh_json_is(list, KH_JSON_ARRAY) && i < list->n; i++)
        for (size_t k = 0; list->items[i].type == KH_JSON_ARRAY && k < list->items[i].n; k++) {
            const struct kh_json *x = &list->items[i].items[k];
            int f = x->type == KH_JSON_STRING ? kh_type_field(m->t, x->s) : -1;

            if (f >= 0 && m->t->fields[f].scalar && name_ok(m->t->fields[f].name))
                want_column(m, f);
        }
}

static void make_indexes(struct maker *m, struct shape *s)
{
    struct kh_type *t = m->t;
    unsigned char key[KH_RINDEX_COLS], one;

    compound_indexes(m, s);
    for (size_t i = 0; i < t->key_n; i++)
        key[i] = (unsigned char)t->fields[t->key[i]].col;
    if (t->key_n)
        t->key_index = add_index(m, s, key, t->key_n, true);
    for (size_t i = 0; i < t->fields_n; i++) {
        struct kh_field *f = &t->fields[i];
        const struct kh_json *kh = kh_json_get(f->schema, "x-kh");

        if (f->col < 0)
            continue;
        one = (unsigned char)f->col;
        t->has_unique = t->has_unique || f->unique;
        if (f->unique && !(t->key_n == 1 && t->key[0] == (int)i))
            add_index(m, s, &one, 1, true);
        else if (kh_json_bool(kh, "index", false) || (int)i == t->owner)
            add_index(m, s, &one, 1, false);
    }
    t->has_unique = t->has_unique || t->key_n > 0;
    /* The way in for a field is any index that begins with it; one over closed rows too will do. */
    for (size_t i = 0; i < s->indexes_n; i++) {
        struct kh_field *f = &t->fields[s->fields[s->indexes[i].cols[0]]];

        if (f->index < 0 || s->indexes[i].n < s->indexes[f->index].n)
            f->index = (int)i;
    }
    /* Rows are found by unit wherever rights go by unit. */
    if (t->unit >= 0 && t->fields[t->unit].index < 0) {
        one = (unsigned char)t->fields[t->unit].col;
        t->fields[t->unit].index = add_index(m, s, &one, 1, false);
    }
}

static uint64_t access_columns(const struct kh_type *t)
{
    uint64_t mask = 0;

    for (size_t i = 0; i < t->rules_n; i++)
        for (size_t k = 0; k < t->rules[i].conds_n; k++) {
            const struct kh_cond *c = &t->rules[i].conds[k];
            int f = c->where == KH_W_UNIT ? t->unit : c->where == KH_W_OWNER ? t->owner : c->field;

            mask |= UINT64_C(1) << t->fields[f].col;
        }
    if (t->owner >= 0)
        mask |= UINT64_C(1) << t->fields[t->owner].col;
    return mask;
}

/* What the table has, for the next upgrade: {"fields":{f:{column,kind}},"shape":...}; columns that
 * once were stay named, so that they are found again. */
static struct kh_str make_layout(struct maker *m, const struct shape *s,
                                 const struct kh_json *old)
{
    static const char *const kinds[] = {"int", "real", "text"};
    struct kh_type *t = m->t;
    struct kh_buf b = kh_buf(t->a, 1 << 20);
    struct kh_jw w = kh_jw(&b);
    const struct kh_json *was = kh_json_get(old, "fields");
    const struct kh_json *columns = kh_json_get(old, "columns");

    kh_jw_obj(&w);
    kh_jw_key(&w, "fields");
    kh_jw_obj(&w);
    for (size_t i = 0; i < s->cols_n; i++) {
        kh_jw_keys(&w, t->fields[s->fields[i]].name);
        kh_jw_obj(&w);
        kh_jw_kstr(&w, "column", s->cols[i].name);
        kh_jw_kz(&w, "kind", kinds[s->cols[i].kind]);
        kh_jw_end(&w);
    }
    for (size_t i = 0; was && i < was->n; i++) {
        int f = kh_type_field(t, was->members[i].key);

        if (f >= 0 && t->fields[f].col >= 0)
            continue;
        kh_jw_keys(&w, was->members[i].key);
        kh_jw_json(&w, &was->members[i].value);
    }
    kh_jw_end(&w);
    kh_jw_key(&w, "columns");
    kh_jw_obj(&w);
    for (size_t i = 0; i < s->cols_n; i++) {
        kh_jw_keys(&w, s->cols[i].name);
        kh_jw_z(&w, kinds[s->cols[i].kind]);
    }
    if (columns && columns->n + s->cols_n > KH_RCOLS_EVER)
        issue(m, KH_S("/x-kh"), "Bảng này đã có quá nhiều cột qua các phiên bản.",
              "This table has had too many columns over its versions.");
    for (size_t i = 0; columns && i < columns->n; i++) {
        bool have = false;

        for (size_t k = 0; k < s->cols_n; k++)
            have = have || kh_str_eq(columns->members[i].key, s->cols[k].name);
        if (have)
            continue;
        kh_jw_keys(&w, columns->members[i].key);
        kh_jw_json(&w, &columns->members[i].value);
    }
    kh_jw_end(&w);
    kh_jw_key(&w, "indexes");
    kh_jw_obj(&w);
    for (size_t i = 0; i < s->indexes_n; i++) {
        kh_jw_keys(&w, s->indexes[i].name);
        kh_jw_bool(&w, true);
    }
    kh_jw_end(&w);
    kh_jw_kbool(&w, "search", t->searched || kh_json_bool(old, "search", false));
    kh_jw_kint(&w, "geo",
               t->geo >= 0 ? (t->extent ? KH_RG_EXTENT : KH_RG_POINT) : kh_json_int(old, "geo", 0));
    kh_jw_end(&w);
    return kh_str_dup(t->a, kh_buf_get(&b));
}

static bool make_shape(struct maker *m, struct kh_store *st, struct kh_str layout,
                       struct kh_error *err)
{
    struct kh_type *t = m->t;
    struct shape *s = kh_new(t->a, struct shape);
    struct kh_json *old = NULL;
    int *fields;

    if (layout.n && !kh_json_parse(m->a, layout, NULL, &old, err))
        return kh_error_wrap(err, "layout of %.*s", KH_FMT(t->name));
    want_compound(m);
    make_columns(m, s, old);
    make_indexes(m, s);
    if (m->issues->n)
        return true;
    fields = kh_new_n(t->a, s->cols_n, int);
    for (size_t i = 0; i < s->cols_n; i++)
        fields[i] = s->fields[i];
    t->col_fields = fields;
    t->columns = make_layout(m, s, old);
    if (st && m->issues->n == 0)
        t->table = kh_rtable_new(
            st, &(struct kh_rshape){.type = t->name,
                                    .cols = s->cols,
                                    .cols_n = s->cols_n,
                                    .indexes = s->indexes,
                                    .indexes_n = s->indexes_n,
                                    .geo = t->geo < 0 ? KH_RG_NONE
                                           : t->extent ? KH_RG_EXTENT
                                                       : KH_RG_POINT,
                                    .search = t->searched,
                                    .access = access_columns(t)});
    return true;
}

/* ---- all of it ---- */

static void read_properties(struct maker *m)
{
    struct kh_type *t = m->t;
    const struct kh_json *p = kh_json_get(t->schema, "properties");
    const struct kh_json *required = kh_json_get(t->schema, "required");

    if (!kh_json_is(p, KH_JSON_OBJECT) || p->n == 0 || p->n > KH_FIELDS_MAX) {
        issue(m, KH_S("/properties"), "Loại bản ghi có từ 1 đến 200 trường.",
              "A record type has 1 to 200 fields.");
        return;
    }
    if (!kh_str_is(kh_json_str(t->schema, "type", KH_S("")), "object"))
        issue(m, KH_S("/type"), "Bản ghi là một đối tượng: \"type\":\"object\".",
              "A record is an object: \"type\":\"object\".");
    t->fields = kh_new_n(t->a, p->n, struct kh_field);
    t->fields_n = p->n;
    for (size_t i = 0; i < p->n; i++)
        read_field(m, &t->fields[i], &p->members[i]);
    index_names(t);
    for (size_t i = 0; i < p->n; i++)
        check_deep(m, &p->members[i].value,
                   kh_strf(m->a, "/properties/%.*s", KH_FMT(p->members[i].key)), 0);
    for (size_t i = 0; kh_json_is(required, KH_JSON_ARRAY) && i < required->n; i++) {
        int f = kh_json_is(&required->items[i], KH_JSON_STRING)
                    ? kh_type_field(t, required->items[i].s)
                    : -1;

        if (f >= 0)
            t->fields[f].required = true;
    }
}

static void read_type(struct maker *m)
{
    static const char *const words[] = {
        "key",   "title",   "label", "label_plural", "sensitivity", "owner", "unit",   "state",
        "geo",   "process", "index", "serial",       "rules",       "access", "validity", "about",
        "icon",  "group",   "order", "help",         "hidden",      "licence", "publish"};
    static const struct kh_json none = {.type = KH_JSON_OBJECT};
    struct kh_type *t = m->t;
    const struct kh_json *level;

    m->kh = kh_json_get(t->schema, "x-kh");
    if (m->kh && m->kh->type != KH_JSON_OBJECT)
        issue(m, KH_S("/x-kh"), "x-kh là một đối tượng.", "x-kh is an object.");
    if (!kh_json_is(m->kh, KH_JSON_OBJECT))
        m->kh = &none;
    check_words(m, m->kh, words, KH_LEN(words), KH_S("/x-kh"));
    t->root_level = KH_SEE_INTERNAL;
    level = kh_json_get(m->kh, "sensitivity");
    if (level && !(level->type == KH_JSON_STRING && level_of(level->s, &t->root_level)))
        issue(m, KH_S("/x-kh/sensitivity"),
              "Mức nhạy cảm là public, internal, personal hoặc sensitive.",
              "A sensitivity is public, internal, personal or sensitive.");
    t->process = kh_json_str(m->kh, "process", KH_S(""));
    read_properties(m);
    if (t->fields_n == 0)
        return;
    read_roles(m);
    read_key(m);
    read_serial(m);
    read_checks(m);
    read_computed(m);
    read_access(m);
    for (size_t i = 0; i < t->rules_n; i++)
        if (t->rules[i].holder == KH_HOLD_PUBLIC && t->rules[i].see > t->public_see)
            t->public_see = t->rules[i].see;
}

bool kh_type_make(struct kh_arena *a, struct kh_store *st, struct kh_str name,
                  const struct kh_json *schema, int64_t version, struct kh_str layout,
                  struct kh_type **ret, struct kh_error *err)
{
    struct kh_arena *own = kh_arena_new((size_t)64 << 20);
    struct kh_type *t = kh_new(own, struct kh_type);
    struct kh_issues *issues = kh_new(a, struct kh_issues);
    struct maker m = {.a = a, .t = t, .issues = issues};

    t->a = own;
    t->name = kh_str_dup(own, name);
    t->version = version;
    t->schema = kh_json_dup(own, schema);
    t->unit = t->owner = t->state = t->geo = t->from = t->to = t->serial.field = -1;
    t->key_index = -1;
    atomic_init(&t->due_us, 0);
    atomic_init(&t->building, 0);
    if (!name_ok(name))
        issue(&m, KH_S(""), "Tên loại bản ghi gồm a-z, 0-9 và _, bắt đầu bằng chữ, dài đến 40.",
              "The name of a type is a-z, 0-9 and _, begins with a letter, at most 40 long.");
    if (!kh_schema_compile(a, t->schema, NULL, &t->valid, err)) {
        kh_type_free(t);
        return false;
    }
    read_type(&m);
    if (issues->n == 0 && !make_shape(&m, st, layout, err)) {
        kh_type_free(t);
        return false;
    }
    if (issues->n) {
        kh_type_free(t);
        kh_fail(err, KH_EC_SCHEMA_INVALID, "type %.*s: %.*s: %.*s", KH_FMT(name),
                KH_FMT(issues->items[0].pointer), KH_FMT(issues->items[0].en));
        err->issues = issues;
        return false;
    }
    *ret = t;
    return true;
}

void kh_type_free(struct kh_type *t)
{
    if (!t)
        return;
    kh_schema_drop(t->valid);
    kh_arena_drop(t->a);
}

bool kh_type_check(struct kh_arena *a, struct kh_str name, const struct kh_json *schema,
                   struct kh_issues *issues, struct kh_error *err)
{
    struct kh_error why = {0};
    struct kh_type *t = NULL;

    if (kh_type_make(a, NULL, name, schema, 1, KH_S(""), &t, &why)) {
        kh_type_free(t);
        return true;
    }
    if (why.code != KH_EC_SCHEMA_INVALID || !why.issues) {
        *err = why;
        return false;
    }
    for (size_t i = 0; i < why.issues->n; i++) {
        const struct kh_issue *is = &why.issues->items[i];

        kh_issue_add(issues, a, is->pointer, kh_str_z(a, is->code), is->vi, is->en);
    }
    return true;
}
