/* SPDX-License-Identifier: Apache-2.0 */
/* What stands at the root of a schema: which fields have a part of their own, and expressions. */
#include "engine/registry/type_int.h"

enum { MARGIN_MAX_M = 100000 };

/* A field named in an annotation; -1 and an issue if there is none that fits. */
int kh_maker_named(struct kh_maker *m, const struct kh_json *v, const char *what, bool column)
{
    struct kh_str at = kh_strf(m->a, "/x-kh/%s", what);
    int i = kh_json_is(v, KH_JSON_STRING) ? kh_type_field(m->t, v->s) : -1;

    if (i < 0) {
        kh_maker_issue(m, at, "Không có trường nào mang tên này.",
                       "There is no field of this name.");
        return -1;
    }
    if (column && (!m->t->fields[i].scalar || !kh_type_name_ok(m->t->fields[i].name))) {
        kh_maker_issue(m, at,
                       "Trường này cần là chuỗi, số hoặc đúng/sai, tên gồm chữ thường, số và _.",
                       "This must be a string, number or boolean with a name of a-z, 0-9 and _.");
        return -1;
    }
    if (column)
        kh_maker_want(m, i);
    return i;
}

static int named_root(struct kh_maker *m, const char *what, bool column)
{
    const struct kh_json *v = kh_json_get(m->kh, what);

    return v ? kh_maker_named(m, v, what, column) : -1;
}

static void read_roles(struct kh_maker *m)
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
        kh_maker_issue(m, KH_S("/x-kh/unit"), "Trường đơn vị là chuỗi.", "The unit is a string.");
    if (t->geo >= 0) {
        const struct kh_json *p = kh_json_get(t->fields[t->geo].schema, "properties");

        t->extent = !(kh_json_get(p, "lon") && kh_json_get(p, "lat"));
    }
    t->from = validity ? kh_maker_named(m, kh_json_get(validity, "from"), "validity", false)
                       : kh_type_field(t, KH_S("valid_from"));
    t->to = validity && !kh_json_get(validity, "to") ? -1
            : validity ? kh_maker_named(m, kh_json_get(validity, "to"), "validity", false)
                       : kh_type_field(t, KH_S("valid_to"));
    if (title) {
        size_t n = title->type == KH_JSON_ARRAY ? title->n : 1;
        int *titles = kh_new_n(t->a, n, int);

        for (size_t i = 0; i < n; i++)
            titles[i] = kh_maker_named(m, title->type == KH_JSON_ARRAY ? &title->items[i] : title,
                                       "title", false);
        t->titles = titles;
        t->titles_n = n;
    }
    for (size_t i = 0; i < t->titles_n; i++)
        if (t->titles[i] >= 0 && t->fields[t->titles[i]].level > KH_SEE_INTERNAL)
            kh_maker_issue(m, KH_S("/x-kh/title"), "Tên của bản ghi không được là dữ liệu cá nhân.",
                           "What a record is called must not be personal data.");
}

static void read_margin(struct kh_maker *m)
{
    const struct kh_json *v = kh_json_get(m->kh, "city_margin_m");

    m->t->margin_m = -1;
    if (!v)
        return;
    if (m->t->geo >= 0 && kh_json_as_double(v, &m->t->margin_m) && m->t->margin_m >= 0 &&
        m->t->margin_m <= MARGIN_MAX_M)
        return;
    kh_maker_issue(m, KH_S("/x-kh/city_margin_m"),
                   "city_margin_m là số mét từ 0 đến 100000, của loại có geo.",
                   "city_margin_m is 0 to 100000 metres, of a type with geo.");
    m->t->margin_m = -1;
}

static void read_key(struct kh_maker *m)
{
    const struct kh_json *key = kh_json_get(m->kh, "key");
    size_t n = !key ? 0 : key->type == KH_JSON_ARRAY ? key->n : 1;
    int *fields = kh_new_n(m->t->a, n, int);

    if (n > KH_RINDEX_COLS) {
        kh_maker_issue(m, KH_S("/x-kh/key"), "Khoá có nhiều nhất 4 trường.",
                       "A key has at most 4 fields.");
        n = 0;
    }
    for (size_t i = 0; i < n; i++) {
        const struct kh_json *v = key->type == KH_JSON_ARRAY ? &key->items[i] : key;

        /* ["code","valid_from"]: validity of one code never overlaps, which is the rule for every
         * key; so the start itself needs no column. */
        if (i > 0 && kh_json_is(v, KH_JSON_STRING) &&
            (kh_str_is(v->s, "valid_from") ||
             (m->t->from >= 0 && kh_str_eq(v->s, m->t->fields[m->t->from].name))))
            continue;
        fields[m->t->key_n] = kh_maker_named(m, v, "key", true);
        m->t->key_n += fields[m->t->key_n] >= 0;
    }
    m->t->key = fields;
    m->t->key_index = -1;
}

/* A number is counted by what stands in it, so that must be there from the beginning. */
static void read_serial_fields(struct kh_maker *m, struct kh_str pattern)
{
    const struct kh_json *required = kh_json_get(m->t->schema, "required");
    struct kh_str name;

    while ((name = kh_serial_field(&pattern)).p) {
        bool there = false;

        for (uint32_t i = 0; kh_json_is(required, KH_JSON_ARRAY) && i < required->n; i++)
            there = there || (required->items[i].type == KH_JSON_STRING &&
                              kh_str_eq(required->items[i].s, name));
        if (!there)
            kh_maker_issue(m, KH_S("/x-kh/serial/pattern"),
                           "Mẫu số chỉ nhận YYYY, YY, MM, DD, SERIAL và các trường bắt buộc.",
                           "The pattern takes YYYY, YY, MM, DD, SERIAL and required fields only.");
    }
}

/* Fields of a list in x-kh.names; those that are no text, or sensitive, cannot be found by. */
static size_t name_fields(struct kh_maker *m, const struct kh_json *list, const char *what,
                          bool column, int *ret)
{
    size_t n = 0;

    if (kh_json_is(list, KH_JSON_ARRAY) && list->n > KH_NAMES_MAX) {
        kh_maker_issue(m, kh_strf(m->a, "/x-kh/%s", what), "Nhiều nhất 6 trường.",
                       "At most 6 fields.");
        return 0;
    }
    for (size_t i = 0; kh_json_is(list, KH_JSON_ARRAY) && i < list->n; i++) {
        int f = kh_maker_named(m, &list->items[i], what, column);

        if (f < 0)
            continue;
        if (m->t->fields[f].level > KH_SEE_PERSONAL ||
            (m->t->fields[f].kind != KH_FK_TEXT && (!column || m->t->fields[f].kind != KH_FK_INT)))
            kh_maker_issue(m, kh_strf(m->a, "/x-kh/%s/%zu", what, i),
                           "Trường này cần là chuỗi, không nhạy cảm.",
                           "This must be a text that is not sensitive.");
        ret[n++] = f;
    }
    return n;
}

static void read_names(struct kh_maker *m)
{
    static const char *const words[] = {"of", "with"};
    const struct kh_json *v = kh_json_get(m->kh, "names");
    struct kh_names *names = &m->t->people;

    if (!v)
        return;
    if (kh_json_is(v, KH_JSON_OBJECT)) {
        kh_maker_words(m, v, words, KH_LEN(words), KH_S("/x-kh/names"));
        names->of_n = name_fields(m, kh_json_get(v, "of"), "names/of", false, names->of);
        names->with_n = name_fields(m, kh_json_get(v, "with"), "names/with", true, names->with);
    }
    if (names->of_n == 0)
        kh_maker_issue(m, KH_S("/x-kh/names"),
                       "names là {\"of\": các trường của tên, \"with\": các trường đi cùng}.",
                       "names is {\"of\": fields of the name, \"with\": fields that go with it}.");
    if (m->t->searched)
        kh_maker_issue(m, KH_S("/x-kh/names"), "names không đi cùng search của các trường.",
                       "names does not go together with search in fields.");
    m->t->searched = true;
}

static void read_serial(struct kh_maker *m)
{
    const struct kh_json *s = kh_json_get(m->kh, "serial");
    struct kh_str per = kh_json_str(s, "per", KH_S("ever"));
    struct kh_serial *serial = &m->t->serial;

    serial->field = -1;
    if (!s)
        return;
    serial->field = kh_maker_named(m, kh_json_get(s, "field"), "serial/field", true);
    serial->pattern = kh_json_str(s, "pattern", KH_S("{SERIAL}"));
    serial->per = kh_str_is(per, "year")  ? KH_PER_YEAR
                  : kh_str_is(per, "day") ? KH_PER_DAY
                                          : KH_PER_EVER;
    if (!kh_str_is(per, "year") && !kh_str_is(per, "day") && !kh_str_is(per, "ever"))
        kh_maker_issue(m, KH_S("/x-kh/serial/per"), "per là year, day hoặc ever.",
                       "per is year, day or ever.");
    if (!memmem(serial->pattern.p, serial->pattern.n, "{SERIAL", 7))
        kh_maker_issue(m, KH_S("/x-kh/serial/pattern"), "Mẫu số cần có {SERIAL:n}.",
                       "The pattern needs {SERIAL:n}.");
    read_serial_fields(m, serial->pattern);
    if (serial->field >= 0) {
        m->t->fields[serial->field].serial = true;
        m->t->fields[serial->field].unique = true;
    }
}

static void read_found(struct kh_maker *m)
{
    const struct kh_json *v = kh_json_get(m->kh, "found");

    m->t->closest = kh_json_is(v, KH_JSON_STRING) && kh_str_is(v->s, "closest");
    if (v && !m->t->closest)
        kh_maker_issue(m, KH_S("/x-kh/found"), "found chỉ nhận closest.",
                       "found is closest, or absent.");
}

/* ---- expressions ---- */

static const struct kh_feel *compile(struct kh_maker *m, struct kh_str text, struct kh_str at)
{
    struct kh_str *names = kh_new_n(m->t->a, m->t->fields_n + 1, struct kh_str);
    const struct kh_feel *f = NULL;
    struct kh_error err = {0};

    for (size_t i = 0; i < m->t->fields_n; i++)
        names[i] = m->t->fields[i].name;
    if (!kh_feel_compile(m->t->a, text, KH_FEEL_EXPRESSION, names, m->t->fields_n, &f, &err))
        kh_maker_issue(
            m, at, kh_str_z(m->a, kh_strf(m->a, "Biểu thức không hợp lệ: %s", err.detail)),
            kh_str_z(m->a, kh_strf(m->a, "The expression is not valid: %s", err.detail)));
    return f;
}

static void read_checks(struct kh_maker *m)
{
    const struct kh_json *rules = kh_json_get(m->kh, "rules");
    struct kh_check *checks;

    if (!rules)
        return;
    if (rules->type != KH_JSON_ARRAY) {
        kh_maker_issue(m, KH_S("/x-kh/rules"), "rules là một mảng.", "rules is an array.");
        return;
    }
    checks = kh_new_n(m->t->a, rules->n, struct kh_check);
    for (size_t i = 0; i < rules->n; i++) {
        const struct kh_json *r = &rules->items[i], *message = kh_json_get(r, "message");
        struct kh_str when = kh_json_str(r, "if", KH_S(""));
        struct kh_str at = kh_strf(m->a, "/x-kh/rules/%zu", i);

        checks[i].when = when.n ? compile(m, when, kh_strf(m->a, "%.*s/if", KH_FMT(at))) : NULL;
        checks[i].rule =
            compile(m, kh_json_str(r, "rule", KH_S("")), kh_strf(m->a, "%.*s/rule", KH_FMT(at)));
        checks[i].pointer = kh_json_str(r, "pointer", KH_S(""));
        checks[i].vi = kh_json_str(message, "vi", KH_S(""));
        checks[i].en = kh_json_str(message, "en", KH_S(""));
        if (checks[i].vi.n == 0 || checks[i].en.n == 0)
            kh_maker_issue(m, kh_strf(m->a, "%.*s/message", KH_FMT(at)),
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
static void order_computed(struct kh_maker *m, bool *todo)
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
            kh_maker_issue(m, kh_maker_field_at(m, &t->fields[i], "computed"),
                           "Các trường tính toán phụ thuộc vòng tròn vào nhau.",
                           "Computed fields depend on each other in a circle.");
}

static void read_computed(struct kh_maker *m)
{
    struct kh_type *t = m->t;
    bool *todo = kh_new_n(m->a, t->fields_n, bool);

    for (size_t i = 0; i < t->fields_n; i++) {
        struct kh_str text =
            kh_json_str(kh_json_get(t->fields[i].schema, "x-kh"), "computed", KH_S(""));

        if (text.n == 0)
            continue;
        t->fields[i].computed = compile(m, text, kh_maker_field_at(m, &t->fields[i], "computed"));
        todo[i] = t->fields[i].computed != NULL;
    }
    order_computed(m, todo);
}

/* "category.attributes": the reference that names who asks, and where it lists its questions. */
static void read_answers(struct kh_maker *m)
{
    for (size_t i = 0; i < m->t->fields_n; i++) {
        struct kh_field *f = &m->t->fields[i];
        const struct kh_json *v = kh_json_get(kh_json_get(f->schema, "x-kh"), "answers");
        struct kh_str list = KH_S(""), by;
        int at = -1;

        if (!v)
            continue;
        if (v->type == KH_JSON_STRING) {
            by = kh_str_cut(v->s, '.', &list);
            at = kh_type_field(m->t, by);
        }
        if (list.n == 0 || at < 0 || m->t->fields[at].ref.n == 0 || !m->t->fields[at].scalar ||
            !kh_str_is(kh_json_str(f->schema, "type", KH_S("")), "object")) {
            kh_maker_issue(
                m, kh_maker_field_at(m, f, "answers"),
                "answers của một đối tượng là \"tham_chiếu.danh_sách\": trường chỉ tới bản "
                "ghi đặt câu hỏi, và danh sách câu hỏi của bản ghi đó.",
                "answers of an object is \"reference.list\": the field that names the "
                "record that asks, and the list of its questions.");
            continue;
        }
        f->answers_to = at;
        f->asked_in = list;
        m->t->has_answers = true;
    }
}

void kh_type_read_root(struct kh_maker *m)
{
    read_answers(m);
    read_roles(m);
    read_margin(m);
    read_key(m);
    read_names(m);
    read_serial(m);
    read_found(m);
    read_checks(m);
    read_computed(m);
}
