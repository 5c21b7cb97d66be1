/* SPDX-License-Identifier: Apache-2.0 */
/* x-kh.access: who may do what with which rows, and see how much of them. */
#include "engine/registry/type_int.h"

static bool op_of(struct kh_str s, enum kh_op *ret)
{
    static const char *const names[KH_OPS] = {"read",   "list",   "create",  "update", "close",
                                              "import", "export", "history", "find"};

    for (size_t i = 0; i < KH_LEN(names); i++)
        if (kh_str_is(s, names[i])) {
            *ret = (enum kh_op)i;
            return true;
        }
    return false;
}

static void read_where_one(struct kh_maker *m, struct kh_rule *r, struct kh_cond *conds,
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
        kh_maker_issue(
            m, at,
            "where là all, unit, owner (khi loại bản ghi khai báo), {trường:[giá trị]} hoặc mảng.",
            "where is all, unit, owner (if the type declares them), {field:[values]}, or a list.");
        return;
    }
    for (size_t i = 0; i < w->n && r->conds_n < 8; i++) {
        struct kh_json name = {.type = KH_JSON_STRING, .s = w->members[i].key};
        const struct kh_json *values = &w->members[i].value;

        c = &conds[r->conds_n];
        c->where = KH_W_FIELD;
        c->field = kh_maker_named(m, &name, "access", true);
        c->values = values;
        if (values->type != KH_JSON_ARRAY || values->n == 0 || values->n > 50)
            kh_maker_issue(m, at, "Các giá trị là một mảng từ 1 đến 50.",
                           "Values are an array of 1 to 50.");
        else if (c->field >= 0)
            r->conds_n++;
    }
}

static void read_where(struct kh_maker *m, struct kh_rule *r, const struct kh_json *w,
                       struct kh_str at)
{
    struct kh_cond *conds = kh_new_n(m->t->a, 9, struct kh_cond);

    r->conds = conds;
    if (!w) {
        kh_maker_issue(m, at, "Quy tắc truy cập cần where.", "An access rule needs where.");
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

static void read_rule(struct kh_maker *m, struct kh_rule *r, const struct kh_json *v, size_t at_n)
{
    static const char *const words[] = {"role", "ops", "where", "see", "fields"};
    struct kh_str at = kh_strf(m->a, "/x-kh/access/%zu", at_n);
    const struct kh_json *ops = kh_json_get(v, "ops"), *fields = kh_json_get(v, "fields");
    struct kh_str see = kh_json_str(v, "see", KH_S("public"));

    if (!kh_json_is(v, KH_JSON_OBJECT)) {
        kh_maker_issue(m, at, "Quy tắc truy cập là một đối tượng.", "An access rule is an object.");
        return;
    }
    kh_maker_words(m, v, words, KH_LEN(words), at);
    r->role = kh_json_str(v, "role", KH_S(""));
    r->holder = holder_of(r->role);
    if (r->role.n == 0)
        kh_maker_issue(m, at, "Quy tắc truy cập cần role.", "An access rule needs a role.");
    for (size_t i = 0; kh_json_is(ops, KH_JSON_ARRAY) && i < ops->n; i++) {
        enum kh_op op;

        if (ops->items[i].type == KH_JSON_STRING && op_of(ops->items[i].s, &op))
            r->ops |= 1U << op;
        else
            kh_maker_issue(m, kh_strf(m->a, "%.*s/ops/%zu", KH_FMT(at), i),
                           "Không có thao tác này.", "There is no such operation.");
    }
    if (r->ops == 0)
        kh_maker_issue(m, kh_strf(m->a, "%.*s/ops", KH_FMT(at)), "Quy tắc không cho thao tác nào.",
                       "The rule allows no operation.");
    read_where(m, r, kh_json_get(v, "where"), kh_strf(m->a, "%.*s/where", KH_FMT(at)));
    if (!kh_level_parse(see, &r->see))
        kh_maker_issue(m, kh_strf(m->a, "%.*s/see", KH_FMT(at)),
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
                kh_maker_issue(m, kh_strf(m->a, "%.*s/fields/%zu", KH_FMT(at), i),
                               "Không có trường nào mang tên này.",
                               "There is no field of this name.");
        }
        r->writes = writes;
    }
}

/* Without declared access, administrators do everything, and the public reads what is public. */
static void default_rules(struct kh_maker *m)
{
    struct kh_rule *rules = kh_new_n(m->t->a, 2, struct kh_rule);

    rules[0] = (struct kh_rule){.role = KH_S("admin"),
                                .holder = KH_HOLD_OFFICE,
                                .ops = (1U << KH_OPS) - 1,
                                .see = KH_SEE_SENSITIVE};
    rules[1] = (struct kh_rule){.role = KH_S("public"),
                                .ops = 1U << KH_OP_READ | 1U << KH_OP_LIST | 1U << KH_OP_HISTORY |
                                       1U << KH_OP_EXPORT};
    m->t->rules = rules;
    m->t->rules_n = m->t->root_level == KH_SEE_PUBLIC ? 2 : 1;
}

void kh_type_read_access(struct kh_maker *m)
{
    const struct kh_json *access = kh_json_get(m->kh, "access");
    struct kh_rule *rules;

    if (!access) {
        default_rules(m);
        return;
    }
    if (access->type != KH_JSON_ARRAY) {
        kh_maker_issue(m, KH_S("/x-kh/access"), "access là một mảng.", "access is an array.");
        return;
    }
    rules = kh_new_n(m->t->a, access->n, struct kh_rule);
    for (size_t i = 0; i < access->n; i++)
        read_rule(m, &rules[i], &access->items[i], i);
    m->t->rules = rules;
    m->t->rules_n = access->n;
}
