/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what with which rows and fields: deny by default. A rule becomes a condition of the
 * database for lists, and a question to one row for everything else; both read the same columns. */
#include "engine/registry/registry_int.h"

#include "base/time.h"


static bool grant_now(const struct kh_grant *g, struct kh_str role)
{
    return kh_str_eq(g->role, role) && (g->until_us == KH_FOREVER || g->until_us > kh_now_us());
}

static bool role_held(const struct kh_who *who, const struct kh_rule *r)
{
    if (who->kind == KH_WHO_SYSTEM || r->holder == KH_HOLD_PUBLIC)
        return true;
    if (r->holder != KH_HOLD_OFFICE)
        return who->account != 0;
    for (size_t i = 0; i < who->grants_n; i++)
        if (grant_now(&who->grants[i], r->role))
            return true;
    return false;
}

/* "owner" is a role that one holds for one's own rows only, whatever the rule says further. */
static bool owners_only(const struct kh_rule *r)
{
    return r->holder == KH_HOLD_OWNER;
}

/* Roles that everybody has have no unit of their own: the reader's home unit stands for it. */
static bool role_of_all(const struct kh_rule *r)
{
    return r->holder != KH_HOLD_OFFICE;
}

static bool unit_held(const struct kh_who *who, const struct kh_rule *r, struct kh_str unit)
{
    if (role_of_all(r))
        return who->unit.n && kh_unit_covers(who->unit, unit);
    for (size_t i = 0; i < who->grants_n; i++)
        if (grant_now(&who->grants[i], r->role) && kh_unit_covers(who->grants[i].unit, unit))
            return true;
    return false;
}

static bool everywhere(const struct kh_who *who, const struct kh_rule *r)
{
    for (size_t i = 0; !role_of_all(r) && i < who->grants_n; i++)
        if (grant_now(&who->grants[i], r->role) && who->grants[i].unit.n == 0)
            return true;
    return false;
}

static bool same(const struct kh_field *f, const struct kh_json *v, const struct kh_rval *col)
{
    struct kh_rval want;

    if (!kh_column_value(f, v, &want) || want.kind != col->kind)
        return false;
    switch (want.kind) {
    case KH_RV_NULL:
        return true;
    case KH_RV_INT:
        return want.i == col->i;
    case KH_RV_REAL:
        return want.r == col->r;
    case KH_RV_TEXT:
        break;
    }
    return kh_str_eq(want.s, col->s);
}

static bool one_of(const struct kh_field *f, const struct kh_json *values, const struct kh_rval *col)
{
    for (size_t i = 0; i < values->n; i++)
        if (same(f, &values->items[i], col))
            return true;
    return false;
}

static bool owns(const struct kh_type *t, const struct kh_who *who, const struct kh_rval *cols)
{
    const struct kh_rval *owner = t->owner < 0 ? NULL : &cols[t->fields[t->owner].col];

    return owner && who->account && owner->kind == KH_RV_INT && owner->i == who->account;
}

static bool rule_fits(const struct kh_type *t, const struct kh_who *who, const struct kh_rule *r,
                      const struct kh_rval *cols)
{
    if (!role_held(who, r) || (owners_only(r) && !owns(t, who, cols)))
        return false;
    for (size_t i = 0; i < r->conds_n; i++) {
        const struct kh_cond *c = &r->conds[i];
        const struct kh_rval *unit = t->unit < 0 ? NULL : &cols[t->fields[t->unit].col];

        switch (c->where) {
        case KH_W_OWNER:
            if (!owns(t, who, cols))
                return false;
            break;
        case KH_W_UNIT:
            if (!everywhere(who, r) && !(unit->kind == KH_RV_TEXT && unit_held(who, r, unit->s)))
                return false;
            break;
        case KH_W_FIELD:
            if (!one_of(&t->fields[c->field], c->values, &cols[t->fields[c->field].col]))
                return false;
            break;
        }
    }
    return true;
}

bool kh_access_row(const struct kh_type *t, const struct kh_who *who, enum kh_op op,
                   const struct kh_rval *cols)
{
    if (who->kind == KH_WHO_SYSTEM)
        return true;
    for (size_t i = 0; i < t->rules_n; i++)
        if ((t->rules[i].ops >> op & 1) && rule_fits(t, who, &t->rules[i], cols))
            return true;
    return false;
}

bool kh_access_any(const struct kh_type *t, const struct kh_who *who, unsigned ops)
{
    if (who->kind == KH_WHO_SYSTEM)
        return true;
    for (size_t i = 0; i < t->rules_n; i++)
        if ((t->rules[i].ops & ops) && role_held(who, &t->rules[i]))
            return true;
    return false;
}

enum kh_level_of kh_access_see(const struct kh_type *t, const struct kh_who *who, enum kh_op op,
                               const struct kh_rval *cols)
{
    const unsigned reads =
        op == KH_OP_READ ? 1U << KH_OP_READ | 1U << KH_OP_LIST | 1U << KH_OP_FIND : 1U << op;
    enum kh_level_of see = KH_SEE_PUBLIC;

    if (who->kind == KH_WHO_SYSTEM)
        return KH_SEE_SENSITIVE;
    if (who->kind == KH_WHO_PUBLIC && t->public_see == KH_SEE_PUBLIC)
        return see;
    for (size_t i = 0; i < t->rules_n; i++)
        if (t->rules[i].see > see && (t->rules[i].ops & reads) &&
            rule_fits(t, who, &t->rules[i], cols))
            see = t->rules[i].see;
    return see;
}

bool kh_access_deny(const struct kh_type *t, const struct kh_who *who, const char *what,
                    struct kh_error *err)
{
    return kh_fail(err, who->kind == KH_WHO_PUBLIC ? KH_EC_AUTH_REQUIRED : KH_EC_FORBIDDEN,
                   "%s %.*s", what, KH_FMT(t->name));
}

bool kh_access_write(const struct kh_type *t, const struct kh_who *who, enum kh_op op,
                     const struct kh_rval *cols, const bool *touched, struct kh_error *err)
{
    bool fits = false;
    size_t missing = 0;

    if (who->kind == KH_WHO_SYSTEM)
        return true;
    for (size_t f = 0; f < t->fields_n; f++) {
        bool may = !touched[f];

        for (size_t i = 0; !may && i < t->rules_n; i++)
            may = (t->rules[i].ops >> op & 1) && (!t->rules[i].writes || t->rules[i].writes[f]) &&
                  rule_fits(t, who, &t->rules[i], cols);
        if (!may) {
            missing = f + 1;
            break;
        }
    }
    for (size_t i = 0; !fits && i < t->rules_n; i++)
        fits = (t->rules[i].ops >> op & 1) && rule_fits(t, who, &t->rules[i], cols);
    if (!fits)
        return kh_access_deny(t, who, op == KH_OP_CREATE ? "create" : "change", err);
    if (missing)
        return kh_fail(err, who->kind == KH_WHO_PUBLIC ? KH_EC_AUTH_REQUIRED : KH_EC_FORBIDDEN,
                       "the field %.*s may not be written", KH_FMT(t->fields[missing - 1].name));
    return true;
}

/* ---- conditions for the database ---- */

static struct kh_str units_json(struct kh_arena *a, const struct kh_who *who,
                                const struct kh_rule *r)
{
    struct kh_buf b = kh_buf(a, 64 << 10);
    struct kh_jw w = kh_jw(&b);

    kh_jw_arr(&w);
    if (role_of_all(r)) {
        if (who->unit.n)
            kh_jw_str(&w, who->unit);
    } else {
        for (size_t i = 0; i < who->grants_n; i++)
            if (grant_now(&who->grants[i], r->role))
                kh_jw_str(&w, who->grants[i].unit);
    }
    kh_jw_end(&w);
    return kh_buf_get(&b);
}

static struct kh_str values_json(struct kh_arena *a, const struct kh_field *f,
                                 const struct kh_json *values)
{
    struct kh_buf b = kh_buf(a, 64 << 10);
    struct kh_jw w = kh_jw(&b);

    kh_jw_arr(&w);
    for (size_t i = 0; i < values->n; i++) {
        struct kh_rval v;

        if (!kh_column_value(f, &values->items[i], &v))
            continue;
        if (v.kind == KH_RV_INT)
            kh_jw_int(&w, v.i);
        else if (v.kind == KH_RV_REAL)
            kh_jw_double(&w, v.r);
        else if (v.kind == KH_RV_TEXT)
            kh_jw_str(&w, v.s);
    }
    kh_jw_end(&w);
    return kh_buf_get(&b);
}

static struct kh_rpred owner_pred(const struct kh_type *t, const struct kh_who *who)
{
    if (t->owner < 0 || who->account == 0)
        return (struct kh_rpred){.op = KH_RO_NONE};
    return (struct kh_rpred){.op = KH_RO_EQ,
                             .col = t->fields[t->owner].col,
                             .value = {.kind = KH_RV_INT, .i = who->account}};
}

static struct kh_rpred field_pred(const struct kh_type *t, struct kh_arena *a,
                                  const struct kh_cond *c)
{
    const struct kh_field *f = &t->fields[c->field];
    struct kh_rpred p = {.op = KH_RO_EQ, .col = f->col};

    if (c->values->n == 1 && kh_column_value(f, &c->values->items[0], &p.value) &&
        p.value.kind != KH_RV_NULL)
        return p;
    p.op = KH_RO_IN;
    p.value = (struct kh_rval){.kind = KH_RV_TEXT, .s = values_json(a, f, c->values)};
    return p;
}

static struct kh_rconj rule_conj(const struct kh_type *t, struct kh_arena *a,
                                 const struct kh_who *who, const struct kh_rule *r)
{
    struct kh_rpred *preds = kh_new_n(a, r->conds_n + 1, struct kh_rpred);
    size_t n = 0;

    if (owners_only(r))
        preds[n++] = owner_pred(t, who);
    for (size_t i = 0; i < r->conds_n; i++) {
        const struct kh_cond *c = &r->conds[i];

        switch (c->where) {
        case KH_W_OWNER:
            if (!owners_only(r))
                preds[n++] = owner_pred(t, who);
            break;
        case KH_W_UNIT:
            if (!everywhere(who, r))
                preds[n++] = (struct kh_rpred){
                    .op = KH_RO_UNITS,
                    .col = t->fields[t->unit].col,
                    .value = {.kind = KH_RV_TEXT, .s = units_json(a, who, r)}};
            break;
        case KH_W_FIELD:
            preds[n++] = field_pred(t, a, c);
            break;
        }
    }
    return (struct kh_rconj){preds, n};
}

static bool rval_same(const struct kh_rval *x, const struct kh_rval *y)
{
    return x->kind == y->kind && x->i == y->i && kh_str_eq(x->s, y->s) &&
           (x->kind != KH_RV_REAL || memcmp(&x->r, &y->r, sizeof(x->r)) == 0);
}

static bool conj_same(const struct kh_rconj *x, const struct kh_rconj *y)
{
    if (x->n != y->n)
        return false;
    for (size_t i = 0; i < x->n; i++)
        if (x->preds[i].op != y->preds[i].op || x->preds[i].col != y->preds[i].col ||
            !rval_same(&x->preds[i].value, &y->preds[i].value))
            return false;
    return true;
}

static bool conj_never(const struct kh_rconj *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->preds[i].op == KH_RO_NONE)
            return true;
    return false;
}

void kh_access_rows(const struct kh_type *t, struct kh_arena *a, const struct kh_who *who,
                    unsigned ops, enum kh_level_of level, bool *ret_all,
                    struct kh_rconj **ret_conjs, size_t *ret_n)
{
    struct kh_rconj *conjs = kh_new_n(a, t->rules_n, struct kh_rconj);
    size_t n = 0;

    *ret_all = who->kind == KH_WHO_SYSTEM;
    for (size_t i = 0; !*ret_all && i < t->rules_n; i++) {
        const struct kh_rule *r = &t->rules[i];
        struct kh_rconj c;
        bool known = false;

        if (!(r->ops & ops) || r->see < level || !role_held(who, r))
            continue;
        c = rule_conj(t, a, who, r);
        *ret_all = c.n == 0;
        for (size_t k = 0; k < n; k++)
            known = known || conj_same(&c, &conjs[k]);
        if (!known && !conj_never(&c))
            conjs[n++] = c;
    }
    *ret_conjs = conjs;
    *ret_n = *ret_all ? 0 : n;
}
