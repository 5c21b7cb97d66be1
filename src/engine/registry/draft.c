/* SPDX-License-Identifier: Apache-2.0 */
/* Everything about a record that needs no database: so it runs on the thread of the request, and the
 * committer only inserts. */
#include "engine/registry/registry_int.h"

#include "base/hash.h"
#include "base/id.h"
#include "base/text.h"
#include "base/time.h"

enum { FEEL_STEPS = 100000, NFC_DEPTH = 64 };

bool kh_fail_field(struct kh_arena *a, struct kh_error *err, enum kh_ec code, struct kh_str pointer,
                   const char *issue, const char *vi, const char *en)
{
    struct kh_issues *issues = kh_new(a, struct kh_issues);

    kh_issue_add(issues, a, pointer, issue, kh_cstr(vi), kh_cstr(en));
    kh_fail(err, code, "%.*s: %s", KH_FMT(pointer), en);
    err->issues = issues;
    return false;
}

/* ---- what came in ---- */

/* NFC of every string below v. @return true if out differs from v */
static bool normalise(struct kh_arena *a, const struct kh_json *v, struct kh_json *out,
                      unsigned depth)
{
    bool changed = false;

    *out = *v;
    if (v->type == KH_JSON_STRING) {
        out->s = kh_text_nfc(a, v->s);
        return out->s.p != v->s.p;
    }
    if (depth == 0 || v->n == 0)
        return false;
    if (v->type == KH_JSON_ARRAY) {
        struct kh_json *items = NULL;

        for (size_t i = 0; i < v->n; i++) {
            struct kh_json item;

            if (!normalise(a, &v->items[i], &item, depth - 1))
                continue;
            if (!items) {
                items = kh_new_n(a, v->n, struct kh_json);
                memcpy(items, v->items, v->n * sizeof(*items));
            }
            items[i] = item;
            changed = true;
        }
        if (changed)
            out->items = items;
    } else if (v->type == KH_JSON_OBJECT) {
        struct kh_json_member *members = NULL;

        for (size_t i = 0; i < v->n; i++) {
            struct kh_json item;

            if (!normalise(a, &v->members[i].value, &item, depth - 1))
                continue;
            if (!members) {
                members = kh_new_n(a, v->n, struct kh_json_member);
                memcpy(members, v->members, v->n * sizeof(*members));
            }
            members[i].value = item;
            changed = true;
        }
        if (changed)
            out->members = members;
    }
    if (changed)
        out->room = 0;
    return changed;
}

struct kh_json *kh_fields_clean(struct kh_arena *a, const struct kh_json *fields,
                                const struct kh_json **ret_meta)
{
    struct kh_json *out = kh_json_new(a, KH_JSON_OBJECT);

    if (ret_meta)
        *ret_meta = NULL;
    out->members = kh_new_n(a, fields->n, struct kh_json_member);
    for (size_t i = 0; i < fields->n; i++) {
        const struct kh_json_member *m = &fields->members[i];

        /* What is read may be sent back as it is. */
        if (kh_str_is(m->key, "id"))
            continue;
        if (kh_str_is(m->key, "meta")) {
            if (ret_meta && m->value.type == KH_JSON_OBJECT)
                *ret_meta = &m->value;
            continue;
        }
        out->members[out->n].key = m->key;
        (void)normalise(a, &m->value, &out->members[out->n].value, NFC_DEPTH);
        out->n++;
    }
    return out;
}

/* ---- computed fields, schema, rules ---- */

static const struct kh_feel_value *input_of(struct kh_arena *a, const struct kh_json *fields)
{
    return kh_feel_from_json(a, fields);
}

static bool compute(const struct kh_type *t, struct kh_arena *a, struct kh_json *fields,
                    struct kh_issues *issues, struct kh_error *err)
{
    for (size_t i = 0; i < t->computed_n; i++) {
        const struct kh_field *f = &t->fields[t->computed[i]];
        struct kh_feel_env env = {
            .a = a, .input = input_of(a, fields), .step_limit = FEEL_STEPS, .messages = NULL};
        const struct kh_feel_value *v;
        const struct kh_json *j;

        if (!kh_feel_eval(f->computed, &env, &v, err)) {
            if (err->code != KH_EC_FEEL_LIMIT)
                return false;
            *err = (struct kh_error){0};
            kh_issue_add(issues, a, kh_strf(a, "/%.*s", KH_FMT(f->name)), "limit",
                         KH_S("Tính giá trị này mất quá nhiều bước."),
                         KH_S("Computing this value takes too many steps."));
            continue;
        }
        j = kh_feel_to_json(a, v, false);
        if (j->type == KH_JSON_NULL)
            kh_json_unset(fields, f->name);
        else
            kh_json_set(a, fields, f->name, j);
    }
    return true;
}

static bool follow_rules(const struct kh_type *t, struct kh_arena *a, const struct kh_json *fields,
                         struct kh_issues *issues, struct kh_error *err)
{
    struct kh_feel_env env = {.a = a, .step_limit = FEEL_STEPS};

    if (t->checks_n)
        env.input = input_of(a, fields);
    for (size_t i = 0; i < t->checks_n; i++) {
        const struct kh_check *c = &t->checks[i];
        const struct kh_feel_value *v;
        bool good = true;

        if (c->when) {
            good = kh_feel_eval(c->when, &env, &v, err);
            if (good && !kh_feel_is_true(v))
                continue;
        }
        good = good && kh_feel_eval(c->rule, &env, &v, err);
        if (!good && err->code != KH_EC_FEEL_LIMIT)
            return false;
        if (!good)
            *err = (struct kh_error){0};
        if (!good || !kh_feel_is_true(v))
            kh_issue_add(issues, a, c->pointer, "rule", c->vi, c->en);
    }
    return true;
}

/* A number as long as those that the series gives, so that the schema can judge the field before
 * the transaction knows the number. */
static struct kh_str sample_number(struct kh_arena *a, const struct kh_serial *s,
                                   const struct kh_json *fields)
{
    return kh_serial_format(a, s->pattern, 0, kh_now_us(), fields);
}

bool kh_fields_check(const struct kh_type *t, struct kh_arena *a, struct kh_json *fields,
                     bool create, struct kh_error *err)
{
    struct kh_issues *issues = kh_new(a, struct kh_issues);
    bool number = create && t->serial.field >= 0 &&
                  !kh_json_find(fields, t->fields[t->serial.field].name);

    for (size_t i = 0; create && i < t->fields_n; i++)
        if (t->fields[i].fallback && !kh_json_find(fields, t->fields[i].name))
            kh_json_set(a, fields, t->fields[i].name, t->fields[i].fallback);
    if (!compute(t, a, fields, issues, err))
        return false;
    if (number)
        kh_json_set(a, fields, t->fields[t->serial.field].name,
                    kh_json_new_str(a, sample_number(a, &t->serial, fields)));
    if (!kh_schema_check(t->valid, a, fields, KH_S(""), issues) && issues->n == 0)
        kh_issue_add(issues, a, KH_S(""), "schema", KH_S("Bản ghi không đúng lược đồ."),
                     KH_S("The record does not fit the schema."));
    if (number)
        kh_json_unset(fields, t->fields[t->serial.field].name);
    /* Rules speak about fields that fit; on wrong ones they would only repeat. */
    if (issues->n == 0 && !follow_rules(t, a, fields, issues, err))
        return false;
    if (kh_arena_over(a))
        return kh_fail(err, KH_EC_ARENA_FULL, "checking a %.*s", KH_FMT(t->name));
    if (issues->n == 0)
        return true;
    kh_fail(err, KH_EC_RECORD_INVALID, "%.*s: %.*s: %.*s", KH_FMT(t->name),
            KH_FMT(issues->items[0].pointer), KH_FMT(issues->items[0].code));
    err->issues = issues;
    return false;
}

/* ---- validity ---- */

static bool read_when(struct kh_arena *a, const struct kh_json *v, struct kh_str at, int64_t *ret,
                      struct kh_error *err)
{
    if (!v || v->type == KH_JSON_NULL)
        return true;
    if (v->type != KH_JSON_STRING || !kh_when_parse(v->s, ret))
        return kh_fail_field(a, err, KH_EC_RECORD_INVALID, at, "when",
                             "Thời điểm là ngày (2026-09-15) hoặc thời gian RFC 3339.",
                             "A validity is a date (2026-09-15) or an RFC 3339 time.");
    return true;
}

bool kh_validity_of(const struct kh_type *t, struct kh_arena *a, const struct kh_json *fields,
                    const struct kh_json *meta, int64_t *ret_from, int64_t *ret_to,
                    struct kh_error *err)
{
    const struct kh_json *from = kh_json_get(meta, "valid_from"), *to = kh_json_get(meta, "valid_to");
    const struct kh_json *f_from = t->from < 0 ? NULL : kh_json_find(fields, t->fields[t->from].name);
    const struct kh_json *f_to = t->to < 0 ? NULL : kh_json_find(fields, t->fields[t->to].name);

    *ret_from = *ret_to = 0;
    if (!read_when(a, from, KH_S("/meta/valid_from"), ret_from, err) ||
        !read_when(a, to, KH_S("/meta/valid_to"), ret_to, err))
        return false;
    if (f_from && !read_when(a, f_from, kh_strf(a, "/%.*s", KH_FMT(t->fields[t->from].name)),
                             ret_from, err))
        return false;
    if (f_to &&
        !read_when(a, f_to, kh_strf(a, "/%.*s", KH_FMT(t->fields[t->to].name)), ret_to, err))
        return false;
    if (*ret_from && *ret_to && *ret_to <= *ret_from)
        return kh_fail_field(a, err, KH_EC_RECORD_INVALID,
                             f_to ? kh_strf(a, "/%.*s", KH_FMT(t->fields[t->to].name))
                                  : KH_S("/meta/valid_to"),
                             "order", "Hiệu lực kết thúc trước khi bắt đầu.",
                             "The validity ends before it begins.");
    return true;
}

/* ---- whose record it will be ---- */

/* Does who create by a role of office, so that it may say whose record it is? */
static bool creates_by_office(const struct kh_type *t, const struct kh_who *who)
{
    if (who->kind == KH_WHO_SYSTEM)
        return true;
    for (size_t i = 0; i < t->rules_n; i++)
        if ((t->rules[i].ops >> KH_OP_CREATE & 1) && t->rules[i].holder == KH_HOLD_OFFICE &&
            kh_who_is(who, t->rules[i].role))
            return true;
    return false;
}

static bool settle_owner(const struct kh_type *t, struct kh_arena *a, struct kh_json *fields,
                         const struct kh_who *who, struct kh_error *err)
{
    struct kh_str name;
    const struct kh_json *given;
    int64_t account = 0;

    if (t->owner < 0)
        return true;
    name = t->fields[t->owner].name;
    given = kh_json_find(fields, name);
    if (given && given->type == KH_JSON_STRING && kh_id_parse(given->s, &account) &&
        account == who->account)
        return true;
    if (given && given->type != KH_JSON_NULL)
        return kh_fail(err, who->kind == KH_WHO_PUBLIC ? KH_EC_AUTH_REQUIRED : KH_EC_FORBIDDEN,
                       "the field %.*s may only name the caller", KH_FMT(name));
    if (who->account)
        kh_json_set(a, fields, name, kh_json_new_str(a, kh_id_text(a, who->account)));
    return true;
}

/* ---- the draft ---- */

static bool check_create(const struct kh_type *t, struct kh_arena *a, const struct kh_draft *d,
                         const struct kh_json *given, const struct kh_write *w, enum kh_op op,
                         struct kh_error *err)
{
    bool *touched = kh_new_n(a, t->fields_n, bool);

    for (size_t i = 0; i < given->n; i++) {
        int f = kh_type_field(t, given->members[i].key);

        if (f >= 0 && !t->fields[f].computed)
            touched[f] = true;
    }
    if (t->owner >= 0)
        touched[t->owner] = false; /* settled by settle_owner, or said by an office */
    return kh_access_write(t, w->who, op, d->cols, touched, err);
}

bool kh_draft_make(struct kh_arena *a, const struct kh_type *t, const struct kh_json *fields,
                   const struct kh_write *w, enum kh_op op, struct kh_draft **ret_draft,
                   struct kh_error *err)
{
    struct kh_draft *d = kh_new(a, struct kh_draft);
    const struct kh_json *meta = NULL;
    struct kh_json *own;
    bool office = w->trusted || op == KH_OP_IMPORT || creates_by_office(t, w->who);

    if (!kh_json_is(fields, KH_JSON_OBJECT))
        return kh_fail_field(a, err, KH_EC_RECORD_INVALID, KH_S(""), "type",
                             "Bản ghi là một đối tượng JSON.", "A record is a JSON object.");
    if (!w->trusted && !kh_access_any(t, w->who, 1U << op))
        return kh_access_deny(t, w->who, "create", err);
    own = kh_fields_clean(a, fields, &meta);
    if (!office && !settle_owner(t, a, own, w->who, err))
        return false;
    d->t = t;
    d->w = w;
    d->fields = own;
    d->number = t->serial.field >= 0 && !kh_json_find(own, t->fields[t->serial.field].name);
    if (!kh_fields_check(t, a, own, true, err) || !kh_columns_fill(t, a, own, &d->row, err) ||
        !kh_validity_of(t, a, own, office ? meta : NULL, &d->row.valid_from, &d->row.valid_to, err))
        return false;
    d->cols = kh_new_n(a, kh_rtable_shape(t->table)->cols_n, struct kh_rval);
    memcpy(d->cols, d->row.cols, kh_rtable_shape(t->table)->cols_n * sizeof(*d->cols));
    d->row.cols = d->cols;
    if (!w->trusted && !check_create(t, a, d, fields, w, op, err))
        return false;
    if (w->valid_from_us)
        d->row.valid_from = w->valid_from_us;
    d->row.data = kh_json_text(a, own);
    if (d->row.data.n > KH_DATA_MAX)
        return kh_fail(err, KH_EC_BODY_TOO_LARGE, "a record has at most %d bytes", KH_DATA_MAX);
    *ret_draft = d;
    return true;
}

bool kh_record_prepare(struct kh_registry *reg, struct kh_arena *a, const struct kh_type *t,
                       const struct kh_json *fields, const struct kh_write *w,
                       struct kh_draft **ret_draft, struct kh_error *err)
{
    (void)reg;
    return kh_draft_make(a, t, fields, w, KH_OP_CREATE, ret_draft, err);
}
