/* SPDX-License-Identifier: Apache-2.0 */
/* Which columns and indexes a type needs, and what it had before. */
#include "engine/registry/type_int.h"

#include "base/hash.h"

struct shape {
    struct kh_rcol cols[KH_RCOLS_MAX];
    int fields[KH_RCOLS_MAX];
    size_t cols_n;
    struct kh_rindex indexes[64];
    size_t indexes_n;
};

/* The column of a field keeps its name as long as its kind stays; another kind is another column. */
static struct kh_str column_name(struct kh_maker *m, const struct kh_field *f,
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

static void make_columns(struct kh_maker *m, struct shape *s, const struct kh_json *layout)
{
    struct kh_type *t = m->t;

    for (size_t i = 0; i < t->fields_n; i++) {
        if (!kh_maker_wants(m, i))
            continue;
        if (s->cols_n == KH_RCOLS_MAX) {
            kh_maker_issue(m, KH_S("/x-kh"), "Quá 32 trường có chỉ mục.",
                           "More than 32 indexed fields.");
            return;
        }
        t->fields[i].col = (int)s->cols_n;
        s->fields[s->cols_n] = (int)i;
        s->cols[s->cols_n++] =
            (struct kh_rcol){column_name(m, &t->fields[i], layout), kh_kind_sql(t->fields[i].kind)};
    }
}

static int add_index(struct kh_maker *m, struct shape *s, const unsigned char *cols, size_t n,
                     bool all)
{
    struct kh_rindex *x;
    struct kh_str parts[KH_RINDEX_COLS * 2];
    unsigned char sum[KH_SHA256_BYTES];

    for (size_t i = 0; i < s->indexes_n; i++)
        if (s->indexes[i].n == n && memcmp(s->indexes[i].cols, cols, n) == 0 &&
            s->indexes[i].all == all)
            return (int)i;
    if (s->indexes_n == KH_LEN(s->indexes)) {
        kh_maker_issue(m, KH_S("/x-kh/index"), "Quá nhiều chỉ mục.", "Too many indexes.");
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
    x->name = kh_strf(m->t->a, "ix_%.*s_%02x%02x%02x%02x", KH_FMT(m->t->name), sum[0], sum[1],
                      sum[2], sum[3]);
    return (int)s->indexes_n++;
}

static void compound_indexes(struct kh_maker *m, struct shape *s)
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
            kh_maker_issue(
                m, kh_strf(m->a, "/x-kh/index/%zu", i),
                "Chỉ mục là mảng 1 đến 4 tên trường (chuỗi, số, đúng/sai).",
                "An index is a list of 1 to 4 names of fields (string, number, boolean).");
    }
}

static void want_compound(struct kh_maker *m)
{
    const struct kh_json *list = kh_json_get(m->kh, "index");

    for (size_t i = 0; kh_json_is(list, KH_JSON_ARRAY) && i < list->n; i++)
        for (size_t k = 0; list->items[i].type == KH_JSON_ARRAY && k < list->items[i].n; k++) {
            const struct kh_json *x = &list->items[i].items[k];
            int f = x->type == KH_JSON_STRING ? kh_type_field(m->t, x->s) : -1;

            if (f >= 0 && m->t->fields[f].scalar && kh_type_name_ok(m->t->fields[f].name))
                kh_maker_want(m, f);
        }
}

static void make_indexes(struct kh_maker *m, struct shape *s)
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
static struct kh_str make_layout(struct kh_maker *m, const struct shape *s,
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
        kh_maker_issue(m, KH_S("/x-kh"), "Bảng này đã có quá nhiều cột qua các phiên bản.",
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

bool kh_type_make_shape(struct kh_maker *m, struct kh_store *st, struct kh_str layout,
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
        t->table = kh_rtable_new(st, &(struct kh_rshape){.type = t->name,
                                                         .cols = s->cols,
                                                         .cols_n = s->cols_n,
                                                         .indexes = s->indexes,
                                                         .indexes_n = s->indexes_n,
                                                         .geo = t->geo < 0  ? KH_RG_NONE
                                                                : t->extent ? KH_RG_EXTENT
                                                                            : KH_RG_POINT,
                                                         .search = t->searched,
                                                         .access = access_columns(t)});
    return true;
}
