/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/insight/insight.h"
#include "engine/notify/notify.h"
#include "engine/pack/pack_int.h"
#include "engine/print/print.h"
#include "engine/process/process.h"
#include "engine/registry/registry.h"

#include <stdlib.h>

/* ---- complaints ---- */

void kh_pack_complain_at(struct kh_pack_check *c, const struct kh_pack_file *f, size_t offset,
                         const char *code, struct kh_str vi, struct kh_str en)
{
    size_t line, column;

    kh_text_place(f->text, offset, &line, &column);
    kh_pack_complain_line(c, f, line, column, code, vi, en);
}

void kh_pack_complain_line(struct kh_pack_check *c, const struct kh_pack_file *f, size_t line,
                           size_t column, const char *code, struct kh_str vi, struct kh_str en)
{
    struct kh_str at = kh_strf(c->a, "%.*s:%zu:%zu", KH_FMT(f->path), line, column);

    /* Two checks may meet on the same thing: said once. */
    for (size_t i = 0; i < c->issues->n; i++)
        if (kh_str_eq(c->issues->items[i].pointer, at) && kh_str_eq(c->issues->items[i].en, en))
            return;
    kh_issue_add(c->issues, c->a, at, code, vi, en);
}

void kh_pack_complain(struct kh_pack_check *c, const struct kh_pack_file *f, struct kh_str pointer,
                      const char *code, const char *vi, const char *en)
{
    kh_pack_complain_at(c, f, kh_json_where(c->a, f->text, pointer), code, kh_cstr(vi),
                        kh_cstr(en));
}

/* Issues of an engine's check: pointers into the JSON, or "line:12:5" for XML. */
static void take_issues(struct kh_pack_check *c, const struct kh_pack_file *f,
                        const struct kh_issues *from)
{
    for (size_t i = 0; i < from->n; i++) {
        const struct kh_issue *it = &from->items[i];
        const char *code = kh_str_z(c->a, it->code);

        if (kh_str_starts(it->pointer, KH_S("line:")))
            kh_issue_add(
                c->issues, c->a,
                kh_strf(c->a, "%.*s:%.*s", KH_FMT(f->path), KH_FMT(kh_str_skip(it->pointer, 5))),
                code, it->vi, it->en);
        else
            kh_pack_complain_at(c, f, kh_json_where(c->a, f->text, it->pointer), code, it->vi,
                                it->en);
    }
}

/* A check that failed without issues of its own says why in its error. */
static void take_error(struct kh_pack_check *c, const struct kh_pack_file *f,
                       const struct kh_issues *found, const struct kh_error *err)
{
    const struct kh_error_info *info = kh_error_info(err->code);

    if (found->n)
        return;
    if (err->issues && err->issues->n)
        take_issues(c, f, err->issues);
    else
        kh_pack_complain_at(c, f, 0, "invalid", kh_cstr(info->vi),
                            kh_strf(c->a, "%s: %s", info->en, err->detail));
}

/* ---- JSON that people wrote ---- */

static bool known_keys(struct kh_pack_check *c, const struct kh_pack_file *f,
                       const struct kh_json *v, struct kh_str pointer, const char *const *keys,
                       size_t n)
{
    bool ok = true;

    if (!kh_json_is(v, KH_JSON_OBJECT)) {
        kh_pack_complain(c, f, pointer, "type", "Cần một đối tượng.", "An object is needed here.");
        return false;
    }
    for (uint32_t i = 0; i < v->n; i++) {
        bool known = false;

        for (size_t k = 0; k < n; k++)
            known = known || kh_str_is(v->members[i].key, keys[k]);
        if (!known) {
            kh_pack_complain(c, f,
                             kh_strf(c->a, "%.*s/%.*s", KH_FMT(pointer), KH_FMT(v->members[i].key)),
                             "unknown_key", "Không có khoá này ở đây.", "No such key here.");
            ok = false;
        }
    }
    return ok;
}
#define KEYS(...)                                                                                  \
    (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)

static bool is_text(const struct kh_json *v)
{
    return kh_json_is(v, KH_JSON_STRING) && kh_str_trim(v->s).n > 0;
}

static void both_languages(struct kh_pack_check *c, const struct kh_pack_file *f,
                           const struct kh_json *v, struct kh_str pointer)
{
    if (!is_text(kh_json_get(v, "vi")) || !is_text(kh_json_get(v, "en")))
        kh_pack_complain(c, f, pointer, "language", "Cần cả tiếng Việt (vi) và tiếng Anh (en).",
                         "Vietnamese (vi) and English (en) are both needed.");
}

/* Everywhere in a file: who says something in one language says it in the other. */
static void half_translated(struct kh_pack_check *c, const struct kh_pack_file *f,
                            const struct kh_json *v, struct kh_str pointer)
{
    if (v->type == KH_JSON_OBJECT) {
        if ((kh_json_get(v, "vi") != NULL) != (kh_json_get(v, "en") != NULL))
            both_languages(c, f, v, pointer);
        for (uint32_t i = 0; i < v->n; i++)
            if (v->members[i].value.type >= KH_JSON_ARRAY)
                half_translated(
                    c, f, &v->members[i].value,
                    kh_strf(c->a, "%.*s/%.*s", KH_FMT(pointer), KH_FMT(v->members[i].key)));
    } else if (v->type == KH_JSON_ARRAY) {
        for (uint32_t i = 0; i < v->n; i++)
            if (v->items[i].type >= KH_JSON_ARRAY)
                half_translated(c, f, &v->items[i], kh_strf(c->a, "%.*s/%u", KH_FMT(pointer), i));
    }
}

bool kh_pack_half_translated(const struct kh_json *v)
{
    bool half = v->type == KH_JSON_OBJECT &&
                (kh_json_get(v, "vi") != NULL) != (kh_json_get(v, "en") != NULL);

    for (uint32_t i = 0; v->type == KH_JSON_OBJECT && !half && i < v->n; i++)
        half = kh_pack_half_translated(&v->members[i].value);
    for (uint32_t i = 0; v->type == KH_JSON_ARRAY && !half && i < v->n; i++)
        half = kh_pack_half_translated(&v->items[i]);
    return half;
}

/* ---- pack.json ---- */

static bool matches(struct kh_str s, const char *allowed, size_t max)
{
    if (s.n == 0 || s.n > max)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '\0' || !strchr(allowed, s.p[i]))
            return false;
    return true;
}

static bool is_version(struct kh_str s)
{
    for (int part = 0; part < 3; part++)
        if (!matches(kh_str_cut(s, '.', &s), "0123456789", 9))
            return false;
    return s.n == 0;
}

static void check_attribution(struct kh_pack_check *c, const struct kh_pack_file *f,
                              const struct kh_json *list)
{
    if (!list)
        return;
    if (list->type != KH_JSON_ARRAY) {
        kh_pack_complain(c, f, KH_S("/attribution"), "type", "Cần một danh sách.",
                         "A list is needed here.");
        return;
    }
    for (uint32_t i = 0; i < list->n; i++) {
        struct kh_str at = kh_strf(c->a, "/attribution/%u", i);

        if (known_keys(c, f, &list->items[i], at, KEYS("vi", "en", "url", "licence")))
            both_languages(c, f, &list->items[i], at);
    }
}

static void check_depends(struct kh_pack_check *c, const struct kh_pack_file *f,
                          const struct kh_json *list)
{
    if (!kh_json_is(list, KH_JSON_ARRAY)) {
        kh_pack_complain(c, f, KH_S("/depends"), "required",
                         "Cần danh sách các gói mà gói này dựa vào; [] nếu không có.",
                         "A list of the packs that this one builds on is needed; [] for none.");
        return;
    }
    for (uint32_t i = 0; i < list->n; i++) {
        bool found = false;

        for (size_t k = 0; k < c->deps_n; k++)
            found = found || (list->items[i].type == KH_JSON_STRING &&
                              kh_str_eq(c->deps[k].id, list->items[i].s));
        if (!found)
            kh_pack_complain(c, f, kh_strf(c->a, "/depends/%u", i), "depends",
                             "Không tìm thấy gói này bên cạnh.", "No such pack beside this one.");
    }
}

static void check_manifest(struct kh_pack_check *c, const struct kh_pack_file *f)
{
    const struct kh_json *m = f->json;

    if (!known_keys(c, f, m, KH_S(""),
                    KEYS("id", "version", "title", "depends", "owner", "licence", "attribution")) &&
        !kh_json_is(m, KH_JSON_OBJECT))
        return;
    if (!matches(c->p->id, "abcdefghijklmnopqrstuvwxyz0123456789-", 40))
        kh_pack_complain(c, f, KH_S("/id"), "id", "Mã gói gồm chữ thường, số và dấu gạch nối.",
                         "The id is lower case letters, digits and hyphens.");
    if (!is_version(c->p->version))
        kh_pack_complain(c, f, KH_S("/version"), "version", "Phiên bản có dạng 1.0.0.",
                         "A version looks like 1.0.0.");
    both_languages(c, f, kh_json_get(m, "title"), KH_S("/title"));
    if (!matches(kh_json_str(m, "owner", KH_S("")), "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.", 35))
        kh_pack_complain(c, f, KH_S("/owner"), "owner", "Cần mã cơ quan chủ quản, ví dụ H26.",
                         "The code of the agency that owns the pack is needed, such as H26.");
    check_depends(c, f, kh_json_get(m, "depends"));
    check_attribution(c, f, kh_json_get(m, "attribution"));
}

/* ---- roles.json, i18n ---- */

static void check_roles(struct kh_pack_check *c, const struct kh_pack_file *f)
{
    const struct kh_json *list = kh_json_get(f->json, "roles");

    if (!known_keys(c, f, f->json, KH_S(""), KEYS("roles")) || !kh_json_is(list, KH_JSON_ARRAY)) {
        if (!kh_json_is(list, KH_JSON_ARRAY))
            kh_pack_complain(c, f, KH_S("/roles"), "required", "Cần danh sách vai trò.",
                             "A list of roles is needed.");
        return;
    }
    for (uint32_t i = 0; i < list->n; i++) {
        const struct kh_json *r = &list->items[i];
        struct kh_str at = kh_strf(c->a, "/roles/%u", i);

        if (!known_keys(c, f, r, at, KEYS("role", "title", "about")) && r->type != KH_JSON_OBJECT)
            continue;
        if (!matches(kh_json_str(r, "role", KH_S("")), "abcdefghijklmnopqrstuvwxyz0123456789_", 40))
            kh_pack_complain(c, f, at, "role", "Tên vai trò gồm chữ thường, số và dấu gạch dưới.",
                             "A role is lower case letters, digits and underscores.");
        both_languages(c, f, kh_json_get(r, "title"), kh_strf(c->a, "%.*s/title", KH_FMT(at)));
        both_languages(c, f, kh_json_get(r, "about"), kh_strf(c->a, "%.*s/about", KH_FMT(at)));
    }
}

/* The texts of one language, each of which the other must have too. */
static void check_texts(struct kh_pack_check *c, const struct kh_pack_file *f)
{
    const struct kh_pack_file *other = NULL;

    for (size_t i = 0; i < c->p->n; i++)
        if (c->p->files[i].kind == KH_PACK_TEXTS && &c->p->files[i] != f)
            other = &c->p->files[i];
    if (!kh_json_is(f->json, KH_JSON_OBJECT)) {
        kh_pack_complain(c, f, KH_S(""), "type", "Cần một đối tượng.", "An object is needed here.");
        return;
    }
    for (uint32_t i = 0; i < f->json->n; i++) {
        const struct kh_json_member *m = &f->json->members[i];
        struct kh_str at = kh_strf(c->a, "/%.*s", KH_FMT(m->key));

        if (!is_text(&m->value))
            kh_pack_complain(c, f, at, "type", "Cần một chuỗi không rỗng.",
                             "A text that is not empty is needed.");
        if (!other || !kh_json_find(other->json, m->key))
            kh_pack_complain(c, f, at, "language", "Ngôn ngữ kia thiếu khoá này.",
                             "The other language lacks this key.");
    }
}

/* ---- types ---- */

const struct kh_pack_file *kh_pack_type(const struct kh_pack_check *c, struct kh_str name)
{
    const struct kh_pack_file *f = kh_pack_find(c->p, KH_PACK_TYPE, name);

    for (size_t i = 0; !f && i < c->deps_n; i++)
        f = kh_pack_find(&c->deps[i], KH_PACK_TYPE, name);
    return f;
}

static void check_type(struct kh_pack_check *c, const struct kh_pack_file *f)
{
    const struct kh_json *kh = kh_json_get(f->json, "x-kh"),
                         *properties = kh_json_get(f->json, "properties");
    struct kh_str process = kh_json_str(kh, "process", KH_S(""));
    struct kh_issues found = {0};
    struct kh_error err = {0};

    if (!kh_type_check(c->a, f->key, f->json, &found, &err))
        take_error(c, f, &found, &err);
    take_issues(c, f, &found);
    kh_pack_check_access(c, f);
    if (process.n && !kh_pack_has_process(c, process))
        kh_pack_complain(c, f, KH_S("/x-kh/process"), "process",
                         "Gói không có quy trình mang mã này.",
                         "The pack has no process with this id.");
    both_languages(c, f, kh_json_get(kh, "label"), KH_S("/x-kh/label"));
    for (uint32_t i = 0; kh_json_is(properties, KH_JSON_OBJECT) && i < properties->n; i++) {
        const struct kh_json_member *m = &properties->members[i];
        const struct kh_json *field = kh_json_get(&m->value, "x-kh");
        struct kh_str ref = kh_json_str(field, "ref", KH_S(""));
        struct kh_str at = kh_strf(c->a, "/properties/%.*s", KH_FMT(m->key));

        both_languages(c, f, kh_json_get(field, "label"), at);
        if (ref.n && !kh_pack_type(c, ref))
            kh_pack_complain(c, f, kh_strf(c->a, "%.*s/x-kh/ref", KH_FMT(at)), "ref",
                             "Không có loại bản ghi này trong gói và các gói mà nó dựa vào.",
                             "No such type in the pack and those that it builds on.");
        kh_pack_check_answers(c, f, field, kh_strf(c->a, "%.*s/x-kh/answers", KH_FMT(at)));
    }
}

/* ---- processes, decisions ---- */

static void check_decision(struct kh_pack_check *c, const struct kh_pack_file *f)
{
    struct kh_issues found = {0};
    struct kh_error err = {0};

    if (!kh_dmn_check(c->a, f->text, &found, &err))
        take_error(c, f, &found, &err);
    take_issues(c, f, &found);
}

/* Compile the processes of a pack; what is wrong with those of another one is its own business. */
static void read_models(struct kh_pack_check *c, const struct kh_pack *p)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct kh_pack_file *f = &p->files[i];
        struct kh_pack_model m = {.file = f};
        struct kh_issues found = {0};
        struct kh_error err = {0};

        if (f->kind != KH_PACK_PROCESS || !kh_str_utf8(f->text))
            continue;
        m.good = kh_bpmn_compile(c->a, f->text, NULL, NULL, &found, &m.bpmn, &err);
        if (!m.good && p == c->p) {
            take_error(c, f, &found, &err);
            take_issues(c, f, &found);
        }
        c->models = kh_grow(c->a, c->models, c->models_n, c->models_n + 1, &c->models_cap,
                            sizeof(*c->models));
        c->models[c->models_n++] = m;
    }
}

static void check_process(struct kh_pack_check *c, const struct kh_pack_file *f)
{
    for (size_t i = 0; i < c->models_n; i++)
        if (c->models[i].file == f)
            kh_pack_check_process(c, &c->models[i]);
}

/* ---- the rest ---- */

static void check_calendar(struct kh_pack_check *c, const struct kh_pack_file *f)
{
    struct kh_issues found = {0};
    struct kh_error err = {0};

    if (!kh_calendar_check(c->a, f->json, &found, &err))
        take_error(c, f, &found, &err);
    take_issues(c, f, &found);
}

static void check_notices(struct kh_pack_check *c, const struct kh_pack_file *f)
{
    struct kh_issues found = {0};

    kh_notify_templates_check(c->a, f->json, &found);
    take_issues(c, f, &found);
    for (uint32_t i = 0; kh_json_is(f->json, KH_JSON_OBJECT) && i < f->json->n; i++) {
        const struct kh_json_member *m = &f->json->members[i];
        const struct kh_json *vi = kh_json_get(&m->value, "vi");
        const struct kh_json *en = kh_json_get(&m->value, "en");

        if (is_text(kh_json_get(vi, "sms")) != is_text(kh_json_get(en, "sms")))
            kh_pack_complain(c, f, kh_strf(c->a, "/%.*s", KH_FMT(m->key)), "language",
                             "Cần sms bằng cả hai thứ tiếng, hoặc không có.",
                             "sms is needed in both languages, or in none.");
    }
}

static void check_indicator(struct kh_pack_check *c, const struct kh_pack_file *f)
{
    struct kh_str type = kh_json_str(f->json, "type", KH_S(""));
    const struct kh_pack_file *of;
    struct kh_issues found = {0};

    kh_indicator_check(c->a, f->json, &found);
    take_issues(c, f, &found);
    if (!kh_str_eq(kh_json_str(f->json, "key", KH_S("")), f->key))
        kh_pack_complain(c, f, KH_S("/key"), "key", "Khoá phải giống tên tệp.",
                         "The key must be the name of the file.");
    of = kh_pack_type(c, type);
    if (!of)
        kh_pack_complain(c, f, KH_S("/type"), "ref", "Không có loại bản ghi này.",
                         "There is no such type.");
    else if (kh_json_is(kh_json_get(of->json, "properties"), KH_JSON_OBJECT))
        kh_pack_check_figures(c, f, kh_json_get(of->json, "properties"));
}

static void check_print(struct kh_pack_check *c, const struct kh_pack_file *f)
{
    struct kh_issues found = {0};

    kh_print_check(c->a, f->json, &found);
    take_issues(c, f, &found);
    both_languages(c, f, kh_json_get(f->json, "title"), KH_S("/title"));
    if (!kh_pack_type(c, kh_json_str(f->json, "type", KH_S(""))))
        kh_pack_complain(c, f, KH_S("/type"), "ref", "Không có loại bản ghi này.",
                         "There is no such type.");
}

/* Records that come from somewhere say from where: each file is named in SOURCES.md beside it. */
static void check_sources(struct kh_pack_check *c, const struct kh_pack_file *f)
{
    struct kh_str name, folder = kh_str_cut(f->path, '/', &name);
    struct kh_str sources = kh_strf(c->a, "%.*s/SOURCES.md", KH_FMT(folder));

    for (size_t i = 0; i < c->p->n; i++)
        if (kh_str_eq(c->p->files[i].path, sources) &&
            memmem(c->p->files[i].text.p, c->p->files[i].text.n, name.p, name.n))
            return;
    kh_pack_complain_at(c, f, 0, "sources",
                        KH_S("SOURCES.md bên cạnh không nêu nguồn của tệp này."),
                        KH_S("SOURCES.md beside it does not say where this file comes from."));
}

static bool check_file(struct kh_pack_check *c, const struct kh_pack_file *f, struct kh_error *err)
{
    if (f->kind != KH_PACK_UNKNOWN && !kh_str_utf8(f->text) && f->text.n) {
        kh_pack_complain_at(c, f, 0, "utf8", KH_S("Tệp không phải UTF-8."),
                            KH_S("The file is not UTF-8."));
        return true;
    }
    switch (f->kind) {
    case KH_PACK_MANIFEST:
        if (f->json)
            check_manifest(c, f);
        break;
    case KH_PACK_ROLES:
        if (f->json)
            check_roles(c, f);
        break;
    case KH_PACK_TEXTS:
        if (f->json)
            check_texts(c, f);
        break;
    case KH_PACK_TYPE:
        if (f->json)
            check_type(c, f);
        break;
    case KH_PACK_CALENDAR:
        if (f->json)
            check_calendar(c, f);
        break;
    case KH_PACK_NOTICES:
        if (f->json)
            check_notices(c, f);
        break;
    case KH_PACK_PRINT:
        if (f->json)
            check_print(c, f);
        break;
    case KH_PACK_INDICATOR:
        if (f->json)
            check_indicator(c, f);
        break;
    case KH_PACK_PROCESS:
        check_process(c, f);
        break;
    case KH_PACK_DECISION:
        check_decision(c, f);
        break;
    case KH_PACK_DATA:
    case KH_PACK_DEMO:
        check_sources(c, f);
        return kh_pack_check_data(c, f, err);
    case KH_PACK_README:
    case KH_PACK_SOURCES:
        break;
    case KH_PACK_UNKNOWN:
        kh_pack_complain_at(c, f, 0, "unknown_file", KH_S("Gói không chứa loại tệp này ở chỗ này."),
                            KH_S("A pack has no such file at this place."));
        break;
    }
    if (f->json && f->kind != KH_PACK_TEXTS && f->kind != KH_PACK_NOTICES)
        half_translated(c, f, f->json, KH_S(""));
    return true;
}

/* ---- packs below ---- */

/* A pack that cannot be read is complained about where it is named. */
static bool deps_read(struct kh_pack_check *c, const struct kh_pack *p, size_t *cap, unsigned depth,
                      struct kh_error *err)
{
    const struct kh_json *list = kh_json_get(p->manifest, "depends");

    if (depth > KH_PACK_DEPTH)
        return kh_fail(err, KH_EC_PACK_INVALID, "packs depend on each other in a circle");
    for (uint32_t i = 0; kh_json_is(list, KH_JSON_ARRAY) && i < list->n; i++) {
        struct kh_issues ignored = {0};
        struct kh_error missing = {0};
        struct kh_pack dep;
        bool known = false;

        if (list->items[i].type != KH_JSON_STRING ||
            memchr(list->items[i].s.p, '/', list->items[i].s.n))
            continue;
        for (size_t k = 0; k < c->deps_n; k++)
            known = known || kh_str_eq(c->deps[k].id, list->items[i].s);
        if (known ||
            !kh_pack_read(c->a, kh_strf(c->a, "%s/../%.*s", c->p->dir, KH_FMT(list->items[i].s)).p,
                          &ignored, &dep, &missing))
            continue;
        c->deps = kh_grow(c->a, c->deps, c->deps_n, c->deps_n + 1, cap, sizeof(*c->deps));
        c->deps[c->deps_n++] = dep;
        if (!deps_read(c, &dep, cap, depth + 1, err))
            return false;
    }
    return true;
}

bool kh_pack_read_checked(struct kh_arena *a, const char *dir, struct kh_issues *issues,
                          struct kh_pack *ret, struct kh_error *err)
{
    struct kh_pack_check c = {.a = a, .p = ret, .issues = issues};
    size_t cap = 0;
    bool ok = true;

    if (!kh_pack_read(a, dir, issues, ret, err) || !deps_read(&c, ret, &cap, 0, err))
        return false;
    read_models(&c, ret);
    for (size_t i = 0; i < c.deps_n; i++)
        read_models(&c, &c.deps[i]);
    for (size_t i = 0; ok && i < ret->n; i++)
        ok = check_file(&c, &ret->files[i], err);
    for (size_t i = 0; i < c.models_n; i++)
        kh_bpmn_drop(&c.models[i].bpmn);
    return ok;
}

bool kh_pack_check(struct kh_arena *a, const char *dir, struct kh_issues *ret_issues,
                   struct kh_error *err)
{
    struct kh_pack p = {0};

    return kh_pack_read_checked(a, dir, ret_issues, &p, err);
}
