/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to questions that another record asks: "x-kh": {"answers": "category.attributes"} says that
 * a field holds, by code, answers to what the record named by `category` lists in `attributes`. */
#include "engine/registry/registry_int.h"

#include "base/id.h"
#include "base/time.h"

enum { CODE_SHOWN = 40 };

struct answering {
    struct kh_arena *a;
    const struct kh_json *questions;
    const char *before, *after; /* around a code, in pointers */
    struct kh_issues *issues;
};

/* RFC 6901 (~1 is /, ~0 is ~); of a long code as much as tells it. */
static void wrong(struct answering *w, struct kh_str code, const char *issue, const char *vi,
                  const char *en)
{
    struct kh_buf b = kh_buf(w->a, SIZE_MAX);
    size_t n = code.n < CODE_SHOWN ? code.n : CODE_SHOWN;

    while (n < code.n && n && ((unsigned char)code.p[n] & 0xc0) == 0x80)
        n--;
    kh_buf_z(&b, w->before);
    for (size_t i = 0; i < n; i++) {
        if (code.p[i] == '~' || code.p[i] == '/')
            kh_buf_z(&b, code.p[i] == '~' ? "~0" : "~1");
        else
            kh_buf_c(&b, code.p[i]);
    }
    kh_buf_z(&b, w->after);
    kh_issue_add(w->issues, w->a, kh_buf_get(&b), issue, kh_cstr(vi), kh_cstr(en));
}

static const struct kh_json *question_of(const struct kh_json *questions, struct kh_str code)
{
    for (uint32_t i = 0; i < questions->n; i++)
        if (kh_str_eq(kh_json_str(&questions->items[i], "code", KH_S("")), code))
            return &questions->items[i];
    return NULL;
}

static bool in_list(const struct kh_json *q, struct kh_str value)
{
    const struct kh_json *values = kh_json_get(q, "values");

    for (uint32_t i = 0; kh_json_is(values, KH_JSON_ARRAY) && i < values->n; i++)
        if (kh_str_eq(kh_json_str(&values->items[i], "key", KH_S("")), value))
            return true;
    return false;
}

static void check_text(struct answering *w, struct kh_str code, struct kh_str type,
                       struct kh_str value)
{
    double number;
    int64_t us;

    if (kh_str_is(type, "number") && !kh_str_double(value, &number))
        wrong(w, code, "format", "Câu trả lời là một số, ví dụ 12.5.",
              "The answer is a number, such as 12.5.");
    if (kh_str_is(type, "datetime") && !kh_when_parse(value, &us))
        wrong(w, code, "format", "Câu trả lời là ngày (2026-09-15) hoặc thời gian RFC 3339.",
              "The answer is a date (2026-09-15) or an RFC 3339 time.");
    if (kh_str_is(type, "string") && value.n && memchr(value.p, '\n', value.n))
        wrong(w, code, "format", "Câu trả lời là một dòng chữ.", "The answer is one line of text.");
}

static void check_answer(struct answering *w, struct kh_str code, const struct kh_json *v)
{
    const struct kh_json *q = question_of(w->questions, code);
    struct kh_str type = kh_json_str(q, "datatype", KH_S("string"));
    bool many = kh_str_is(type, "multivaluelist");

    if (!q) {
        wrong(w, code, "additionalProperties", "Ở đây không có câu hỏi này.",
              "There is no such question here.");
    } else if (v->type != (many ? KH_JSON_ARRAY : KH_JSON_STRING)) {
        wrong(w, code, "type",
              many ? "Câu trả lời là một danh sách các lựa chọn."
                   : "Chỉ có một câu trả lời, ở dạng chuỗi.",
              many ? "The answer is a list of choices."
                   : "There is one answer, and it is a string.");
    } else if (!many && !kh_str_is(type, "singlevaluelist")) {
        check_text(w, code, type, v->s);
    } else {
        const struct kh_json *items = many ? v->items : v;
        uint32_t n = many ? v->n : 1;

        for (uint32_t i = 0; i < n; i++) {
            if (items[i].type == KH_JSON_STRING && in_list(q, items[i].s))
                continue;
            wrong(w, code, "enum", "Lựa chọn này không có trong danh sách của câu hỏi.",
                  "The question has no such choice.");
            break;
        }
    }
}

static bool answered(const struct kh_json *v)
{
    if (!v || v->type == KH_JSON_NULL)
        return false;
    return v->type == KH_JSON_STRING ? kh_str_trim(v->s).n > 0
                                     : v->type != KH_JSON_ARRAY || v->n > 0;
}

void kh_answers_check(struct kh_arena *a, const struct kh_json *questions,
                      const struct kh_json *answers, const char *before, const char *after,
                      struct kh_issues *issues)
{
    static const struct kh_json none = {.type = KH_JSON_ARRAY};
    struct answering w = {.a = a,
                          .questions = kh_json_is(questions, KH_JSON_ARRAY) ? questions : &none,
                          .before = before,
                          .after = after,
                          .issues = issues};

    for (uint32_t i = 0; i < w.questions->n; i++) {
        const struct kh_json *q = &w.questions->items[i];
        struct kh_str code = kh_json_str(q, "code", KH_S(""));

        if (kh_json_bool(q, "required", false) && !answered(kh_json_find(answers, code)))
            wrong(&w, code, "required", "Cần trả lời câu hỏi này.", "This must be answered.");
    }
    for (uint32_t i = 0; kh_json_is(answers, KH_JSON_OBJECT) && i < answers->n; i++) {
        const struct kh_json_member *m = &answers->members[i];
        const struct kh_json *q = question_of(w.questions, m->key);

        /* An empty answer to a question that must be answered has been complained about. */
        if (!kh_json_bool(q, "required", false) || answered(&m->value))
            check_answer(&w, m->key, &m->value);
    }
}

/* ---- in a record ---- */

/* What the named record asks; NULL if nothing names one, or it asks nothing. */
static bool questions_of(struct kh_tx *tx, const struct kh_registry *reg, const struct kh_type *t,
                         struct kh_arena *a, const struct kh_field *f, const struct kh_json *fields,
                         int64_t valid_us, const struct kh_json **ret, struct kh_error *err)
{
    const struct kh_field *by = &t->fields[f->answers_to];
    const struct kh_type *target = kh_type_find(reg, by->ref);
    const struct kh_json *name = kh_json_find(fields, by->name), *asked;
    enum kh_hit hit = KH_MISS;
    struct kh_record r;
    int64_t id;

    *ret = NULL;
    if (!target || !kh_json_is(name, KH_JSON_STRING))
        return true;
    if (target->key_n == 1)
        hit = kh_record_find(tx, reg, a, target, name->s, valid_us, &r, err);
    if (hit == KH_MISS && kh_id_parse(name->s, &id))
        hit = kh_record_get(tx, reg, a, target, id, valid_us, 0, &r, err);
    if (hit != KH_HIT)
        return hit == KH_MISS; /* a reference to nothing is complained about as such */
    if (!kh_record_fields(a, &r, &asked, err))
        return false;
    *ret = kh_json_find(asked, f->asked_in);
    return true;
}

bool kh_record_answers(struct kh_tx *tx, const struct kh_registry *reg, const struct kh_type *t,
                       struct kh_arena *a, const struct kh_json *fields,
                       const struct kh_json *before, int64_t valid_us, struct kh_error *err)
{
    struct kh_issues *issues;

    if (!t->has_answers)
        return true;
    issues = kh_new(a, struct kh_issues);
    for (size_t i = 0; i < t->fields_n; i++) {
        const struct kh_field *f = &t->fields[i];
        const struct kh_json *v = kh_json_find(fields, f->name), *questions;
        const struct kh_json *old = before ? kh_json_find(before, f->name) : NULL;

        /* What was answered stays an answer to what was asked then, whatever is asked later. */
        if (f->answers_to < 0 || (before && (v && old ? kh_json_eq(v, old) : v == old)))
            continue;
        if (!questions_of(tx, reg, t, a, f, fields, valid_us, &questions, err))
            return false;
        kh_answers_check(a, questions, v, kh_strf(a, "/%.*s/", KH_FMT(f->name)).p, "", issues);
    }
    if (issues->n == 0)
        return true;
    kh_fail(err, KH_EC_RECORD_INVALID, "%.*s: %.*s", KH_FMT(t->name),
            KH_FMT(issues->items[0].pointer));
    err->issues = issues;
    return false;
}
