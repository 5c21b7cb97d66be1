/* SPDX-License-Identifier: Apache-2.0 */
/* What one file of a pack says about another: roles, calendars, types, decisions, processes and
 * messages that are named must be there, in the pack or in one that it builds on. */
#include "engine/pack/pack_int.h"

#include "engine/insight/insight.h"
#include "engine/process/dmn/dmn.h"

struct place {
    struct kh_pack_check *c;
    const struct kh_pack_file *f;
};

static void missing(const struct place *p, unsigned line, unsigned column, const char *code,
                    const char *vi, const char *en, struct kh_str what)
{
    kh_pack_complain_line(p->c, p->f, line, column, code,
                          kh_strf(p->c->a, "%s: %.*s.", vi, KH_FMT(what)),
                          kh_strf(p->c->a, "%s: %.*s.", en, KH_FMT(what)));
}

/* ---- what there is ---- */

/* Pack i: 0 is the one that is checked, then those below it; NULL after the last. */
static const struct kh_pack *pack_at(const struct kh_pack_check *c, size_t i)
{
    return i == 0 ? c->p : i <= c->deps_n ? &c->deps[i - 1] : NULL;
}

static const struct kh_pack *pack_named(const struct kh_pack_check *c, struct kh_str id)
{
    const struct kh_pack *p;

    for (size_t i = 0; (p = pack_at(c, i)) != NULL; i++)
        if (kh_str_eq(p->id, id))
            return p;
    return NULL;
}

static const struct kh_pack_file *file_named(const struct kh_pack_check *c, enum kh_pack_kind kind,
                                             struct kh_str key)
{
    const struct kh_pack_file *f = NULL;
    const struct kh_pack *p;

    for (size_t i = 0; !f && (p = pack_at(c, i)) != NULL; i++)
        f = kh_pack_find(p, kind, key);
    return f;
}

static bool has_role(const struct kh_pack_check *c, struct kh_str role)
{
    static const char *const always[] = {"public", "account", "owner", "admin"};
    const struct kh_pack *p;

    for (size_t i = 0; i < KH_LEN(always); i++)
        if (kh_str_is(role, always[i]))
            return true;
    for (size_t i = 0; (p = pack_at(c, i)) != NULL; i++) {
        const struct kh_pack_file *f = kh_pack_find(p, KH_PACK_ROLES, KH_S(""));
        const struct kh_json *list = f ? kh_json_get(f->json, "roles") : NULL;

        if (f && !f->json)
            return true; /* who knows: it has been complained about */
        for (uint32_t k = 0; kh_json_is(list, KH_JSON_ARRAY) && k < list->n; k++)
            if (kh_str_eq(kh_json_str(&list->items[k], "role", KH_S("")), role))
                return true;
    }
    return false;
}

static bool has_calendar(const struct kh_pack_check *c, struct kh_str key)
{
    return key.n == 0 || kh_str_is(key, "default") || file_named(c, KH_PACK_CALENDAR, key);
}

bool kh_pack_has_process(const struct kh_pack_check *c, struct kh_str key)
{
    for (size_t i = 0; i < c->models_n; i++) {
        const struct kh_pack_model *m = &c->models[i];

        if (!m->good)
            return true; /* it may be in a file that has been complained about */
        for (unsigned k = 0; k < m->bpmn.n; k++)
            if (kh_str_eq(m->bpmn.programs[k]->key, key))
                return true;
    }
    return false;
}

/* "pack/file", and a decision in it if one is named. */
static bool has_decision(const struct kh_pack_check *c, struct kh_str ref, struct kh_str decision)
{
    struct kh_str key, pack = kh_str_cut(ref, '/', &key);
    const struct kh_pack *p = pack_named(c, pack);
    const struct kh_pack_file *f = p ? kh_pack_find(p, KH_PACK_DECISION, key) : NULL;
    const struct kh_dmn *model;
    struct kh_issues ignored = {0};
    struct kh_error err = {0};
    struct kh_str id, name;

    if (!f || !decision.n)
        return f != NULL;
    id = kh_strf(c->a, "id=\"%.*s\"", KH_FMT(decision));
    if (memmem(f->text.p, f->text.n, id.p, id.n) ||
        !kh_dmn_compile(c->a, &(struct kh_dmn_source){.xml = f->text}, &ignored, &model, &err))
        return true;
    for (size_t i = 0; (name = kh_dmn_decision(model, i)).p; i++)
        if (kh_str_eq(name, decision))
            return true;
    return false;
}

/* A message "pack/key"; NULL if there is none. */
static const struct kh_json *template_of(const struct kh_pack_check *c, struct kh_str ref)
{
    struct kh_str key, pack = kh_str_cut(ref, '/', &key);
    const struct kh_pack *p = pack_named(c, pack);

    for (size_t i = 0; p && i < p->n; i++) {
        const struct kh_json *t =
            p->files[i].kind == KH_PACK_NOTICES ? kh_json_find(p->files[i].json, key) : NULL;

        if (t)
            return t;
    }
    return NULL;
}

/* ---- service tasks ---- */

static const struct kh_mapping *input(const struct kh_node *n, const char *name)
{
    for (unsigned i = 0; i < n->inputs_n; i++)
        if (kh_str_is(n->inputs[i].name, name))
            return &n->inputs[i];
    return NULL;
}

/* The text of an input that is a literal in quotes; p NULL if it is computed or absent. */
static struct kh_str literal(const struct kh_mapping *m)
{
    struct kh_str s = m ? m->value.text : (struct kh_str){NULL, 0};

    if (s.n < 2 || s.p[0] != '"' || s.p[s.n - 1] != '"')
        return (struct kh_str){NULL, 0};
    s = kh_str(s.p + 1, s.n - 2);
    if (memchr(s.p, '"', s.n) || memchr(s.p, '\\', s.n))
        return (struct kh_str){NULL, 0};
    return s;
}

/* Every {field} of a message is given, if what is given is written out as a context. */
static void check_fields(const struct place *p, const struct kh_mapping *data,
                         const struct kh_json *texts)
{
    struct kh_str given = data ? data->value.text : KH_S(""), rest, name;
    struct kh_str all = kh_json_text(p->c->a, kh_json_get(texts, "vi"));

    if (given.n < 2 || given.p[0] != '{' || given.p[given.n - 1] != '}')
        return;
    kh_str_cut(kh_str(all.p + 1, all.n - 1), '{', &all); /* past the braces of the JSON itself */
    while (all.n) {
        name = kh_str_cut(all, '}', &rest);
        if (name.n && name.n < 40 && !memchr(name.p, '"', name.n) &&
            !memmem(given.p, given.n, name.p, name.n))
            missing(p, data->value.line, data->value.column, "fields",
                    "Tin nhắn cần trường này trong data", "The message needs this field in data",
                    name);
        kh_str_cut(rest, '{', &all);
    }
}

static void check_notice(const struct place *p, const struct kh_node *n)
{
    const struct kh_mapping *m = input(n, "template"), *role = input(n, "role");
    struct kh_str ref = literal(m), who = literal(role);
    const struct kh_json *texts = ref.p ? template_of(p->c, ref) : NULL;

    if (!m)
        missing(p, n->line, n->column, "required", "Thiếu kh:input template của",
                "There is no kh:input template in", n->id);
    else if (ref.p && !texts)
        missing(p, m->value.line, m->value.column, "template", "Không có mẫu tin nhắn này",
                "There is no such message", ref);
    if (texts)
        check_fields(p, input(n, "data"), texts);
    if (who.p && !has_role(p->c, who))
        missing(p, role->value.line, role->value.column, "role", "Không có vai trò này",
                "There is no such role", who);
}

static bool is_record_word(struct kh_str s)
{
    return kh_str_is(s, "reason") || kh_str_is(s, "type") || kh_str_is(s, "id") ||
           kh_str_is(s, "fields");
}

/* record.patch without a type changes the case: its inputs are fields of the case's type. */
static void check_record(const struct place *p, const struct kh_node *n,
                         const struct kh_pack_file *of)
{
    const struct kh_mapping *type = input(n, "type");
    struct kh_str name = literal(type);
    const struct kh_json *properties = of ? kh_json_get(of->json, "properties") : NULL;

    if (name.p && !kh_pack_type(p->c, name))
        missing(p, type->value.line, type->value.column, "type", "Không có loại bản ghi này",
                "There is no such type", name);
    if (type || !kh_json_is(properties, KH_JSON_OBJECT))
        return;
    for (unsigned i = 0; i < n->inputs_n; i++) {
        const struct kh_mapping *m = &n->inputs[i];

        if (!kh_json_find(properties, m->name) && !is_record_word(m->name))
            missing(p, m->value.line, m->value.column, "field",
                    "Loại bản ghi của hồ sơ không có trường này",
                    "The type of the case has no such field", m->name);
    }
}

static void check_service(const struct place *p, const struct kh_node *n,
                          const struct kh_pack_file *of)
{
    const struct kh_mapping *calendar = input(n, "calendar"), *ref = input(n, "ref");
    struct kh_str key = literal(calendar), decision = literal(ref);

    if (kh_str_is(n->function, "notify.send"))
        check_notice(p, n);
    if (kh_str_is(n->function, "record.patch"))
        check_record(p, n, of);
    if (kh_str_is(n->function, "record.create"))
        check_record(p, n, NULL);
    if (kh_str_is(n->function, "decision.eval") && decision.p &&
        !has_decision(p->c, decision, literal(input(n, "decision"))))
        missing(p, ref->value.line, ref->value.column, "decision", "Không có bảng quyết định này",
                "There is no such decision", decision);
    if (key.p && !has_calendar(p->c, key))
        missing(p, calendar->value.line, calendar->value.column, "calendar", "Không có lịch này",
                "There is no such calendar", key);
}

/* ---- processes ---- */

/* A modeller knows one name for a thing: a model without any kh:nameEn is shown as it was drawn. One
 * that has some is half translated until all that people see has both (without kh:nameEn the reader
 * repeats the name). */
static bool translated(const struct kh_program *g)
{
    bool any = g->name_vi.n && g->name_en.p != g->name_vi.p;

    for (unsigned i = 0; i < g->nodes_n; i++)
        any = any || (g->nodes[i].name_vi.n && g->nodes[i].name_en.p != g->nodes[i].name_vi.p);
    return any;
}

static void check_name(const struct place *p, struct kh_str vi, struct kh_str en, unsigned line,
                       unsigned column, struct kh_str id)
{
    if (!vi.n || en.p == vi.p)
        missing(p, line, column, "language", "Cần cả name và kh:nameEn cho",
                "name and kh:nameEn are both needed for", id);
}

static void check_user(const struct place *p, const struct kh_node *n)
{
    if (n->role.n && !has_role(p->c, n->role))
        missing(p, n->line, n->column, "role", "Không có vai trò này", "There is no such role",
                n->role);
    if (n->form_type.n && !kh_pack_type(p->c, n->form_type))
        missing(p, n->line, n->column, "form", "Không có loại bản ghi này cho biểu mẫu",
                "There is no type for the form", n->form_type);
    if (n->form && kh_pack_half_translated(n->form))
        missing(p, n->line, n->column, "language", "Biểu mẫu thiếu một ngôn ngữ ở",
                "The form says something in one language only, in", n->id);
}

static void check_node(const struct place *p, const struct kh_node *n,
                       const struct kh_pack_file *of)
{
    if (!has_calendar(p->c, n->timing.calendar))
        missing(p, n->line, n->column, "calendar", "Không có lịch này", "There is no such calendar",
                n->timing.calendar);
    if (n->kind == KH_N_USER)
        check_user(p, n);
    if (n->kind == KH_N_SERVICE)
        check_service(p, n, of);
    if (n->kind == KH_N_RULE && !has_decision(p->c, n->function, n->decision))
        missing(p, n->line, n->column, "decision", "Không có bảng quyết định này",
                "There is no such decision",
                n->decision.n
                    ? kh_strf(p->c->a, "%.*s#%.*s", KH_FMT(n->function), KH_FMT(n->decision))
                    : n->function);
    if (n->kind == KH_N_CALL && !kh_pack_has_process(p->c, n->function))
        missing(p, n->line, n->column, "process", "Không có quy trình này",
                "There is no such process", n->function);
}

/* The type whose new records start the process; NULL if none says so. */
static const struct kh_pack_file *case_type(const struct kh_pack_check *c, struct kh_str process)
{
    const struct kh_pack *p;

    for (size_t i = 0; (p = pack_at(c, i)) != NULL; i++)
        for (size_t k = 0; k < p->n; k++)
            if (p->files[k].kind == KH_PACK_TYPE &&
                kh_str_eq(kh_json_str(kh_json_get(p->files[k].json, "x-kh"), "process", KH_S("")),
                          process))
                return &p->files[k];
    return NULL;
}

void kh_pack_check_process(struct kh_pack_check *c, const struct kh_pack_model *m)
{
    const struct place p = {c, m->file};

    for (unsigned i = 0; m->good && i < m->bpmn.n; i++) {
        const struct kh_program *g = m->bpmn.programs[i];
        const struct kh_pack_file *of = case_type(c, g->key);

        bool both = translated(g);

        if (both)
            check_name(&p, g->name_vi, g->name_en, g->line, g->column, g->key);
        if (g->starter.n && !has_role(c, g->starter))
            missing(&p, g->line, g->column, "role", "Không có vai trò này", "There is no such role",
                    g->starter);
        for (unsigned k = 0; k < g->nodes_n; k++) {
            const struct kh_node *n = &g->nodes[k];

            check_node(&p, n, of);
            if (both && n->kind == KH_N_USER)
                check_name(&p, n->name_vi, n->name_en, n->line, n->column, n->id);
        }
    }
}

/* ---- types, figures ---- */

void kh_pack_check_access(struct kh_pack_check *c, const struct kh_pack_file *f)
{
    const struct kh_json *rules = kh_json_get(kh_json_get(f->json, "x-kh"), "access");

    for (uint32_t i = 0; kh_json_is(rules, KH_JSON_ARRAY) && i < rules->n; i++) {
        struct kh_str role = kh_json_str(&rules->items[i], "role", KH_S(""));

        if (role.n && !has_role(c, role))
            kh_pack_complain(c, f, kh_strf(c->a, "/x-kh/access/%u/role", i), "role",
                             "Không có vai trò này trong gói và các gói mà nó dựa vào.",
                             "No such role in the pack and those that it builds on.");
    }
}

void kh_pack_check_answers(struct kh_pack_check *c, const struct kh_pack_file *f,
                           const struct kh_json *field, struct kh_str pointer)
{
    static const char *const members[] = {"code", "datatype"};
    struct kh_str list, by = kh_str_cut(kh_json_str(field, "answers", KH_S("")), '.', &list);
    const struct kh_json *named = kh_json_find(kh_json_get(f->json, "properties"), by);
    const struct kh_pack_file *of =
        kh_pack_type(c, kh_json_str(kh_json_get(named, "x-kh"), "ref", KH_S("")));
    const struct kh_json *asked =
        of ? kh_json_find(kh_json_get(of->json, "properties"), list) : NULL;
    const struct kh_json *question = kh_json_get(kh_json_get(asked, "items"), "properties");
    bool good = true;

    if (!list.n || !of || !of->json)
        return; /* nothing is said, or it has been complained about */
    for (size_t i = 0; i < KH_LEN(members); i++)
        good = good && kh_json_get(question, members[i]);
    if (!good)
        kh_pack_complain(
            c, f, pointer, "answers",
            "Loại bản ghi được chỉ tới không có danh sách câu hỏi này (code, datatype).",
            "The type referred to has no such list of questions (code, datatype).");
}

static void check_figure_field(const struct place *p, const struct kh_json *properties,
                               struct kh_str name, struct kh_str pointer)
{
    if (!kh_json_find(properties, name))
        kh_pack_complain(p->c, p->f, pointer, "field", "Loại bản ghi không có trường này.",
                         "The type has no such field.");
}

void kh_pack_check_figures(struct kh_pack_check *c, const struct kh_pack_file *f,
                           const struct kh_json *properties)
{
    static const char *const parts[] = {"stock", "flow", "if"};
    const struct place p = {c, f};
    const struct kh_json *cuts = kh_json_get(f->json, "cuts"),
                         *measures = kh_json_get(f->json, "measures");

    for (uint32_t i = 0; kh_json_is(cuts, KH_JSON_ARRAY) && i < cuts->n; i++) {
        struct kh_str at = kh_strf(c->a, "/cuts/%u", i), first, second, more;

        if (cuts->items[i].type != KH_JSON_STRING)
            continue;
        if (!kh_indicator_pair(cuts->items[i].s, &first, &second)) {
            check_figure_field(&p, properties, cuts->items[i].s, at);
            continue;
        }
        check_figure_field(&p, properties, first, at);
        if (!kh_indicator_pair(second, &first, &more)) /* else it was complained about */
            check_figure_field(&p, properties, second, at);
    }
    for (uint32_t i = 0; kh_json_is(measures, KH_JSON_ARRAY) && i < measures->n; i++) {
        const struct kh_json *m = &measures->items[i];
        struct kh_str sum = kh_json_str(m, "sum", KH_S(""));

        if (sum.n)
            check_figure_field(&p, properties, sum, kh_strf(c->a, "/measures/%u/sum", i));
        for (size_t k = 0; k < KH_LEN(parts); k++) {
            const struct kh_json *part = kh_json_get(m, parts[k]);

            for (uint32_t j = 0; kh_json_is(part, KH_JSON_OBJECT) && j < part->n; j++)
                check_figure_field(&p, properties, part->members[j].key,
                                   kh_strf(c->a, "/measures/%u/%s/%.*s", i, parts[k],
                                           KH_FMT(part->members[j].key)));
        }
    }
}
