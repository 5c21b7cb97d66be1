/* SPDX-License-Identifier: Apache-2.0 */
/* The question of a list: what it filters by, what it may not combine, and which way answers it. */
#include "engine/registry/walk_int.h"

#include "base/time.h"

enum { IN_MAX = 100 };

int kh_rval_cmp(const struct kh_rval *x, const struct kh_rval *y)
{
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    switch (x->kind) {
    case KH_RV_NULL:
        return 0;
    case KH_RV_INT:
        return x->i < y->i ? -1 : x->i > y->i;
    case KH_RV_REAL:
        return x->r < y->r ? -1 : x->r > y->r;
    case KH_RV_TEXT:
        break;
    }
    return kh_str_cmp(x->s, y->s);
}

void kh_page_add(struct kh_ask *k, struct kh_page *page, const struct kh_rrow *row)
{
    if (!page->items)
        page->items = kh_new_n(k->a, k->limit, struct kh_record);
    KH_REQUIRE(page->n < k->limit);
    kh_record_of_row(k->t, row, &page->items[page->n++]);
}

/* ---- filters ---- */

static bool bad_value(const struct kh_field *f, struct kh_error *err)
{
    static const char *const wants[] = {
        [KH_FK_TEXT] = "a text of at most 1000 bytes", [KH_FK_INT] = "an integer",
        [KH_FK_REAL] = "a number",                     [KH_FK_BOOL] = "true or false",
        [KH_FK_TIME] = "a date or an RFC 3339 time",   [KH_FK_ACCOUNT] = "an account id"};

    return kh_fail(err, KH_EC_FILTER_INVALID, "the value for %.*s must be %s", KH_FMT(f->name),
                   wants[f->kind]);
}

static void put_rval(struct kh_jw *w, const struct kh_rval *v)
{
    switch (v->kind) {
    case KH_RV_NULL:
        kh_jw_null(w);
        return;
    case KH_RV_INT:
        kh_jw_int(w, v->i);
        return;
    case KH_RV_REAL:
        kh_jw_double(w, v->r);
        return;
    case KH_RV_TEXT:
        kh_jw_str(w, v->s);
        return;
    }
}

static bool parse_in(struct kh_ask *k, const struct kh_field *f, struct kh_str list,
                     struct kh_rpred *p, struct kh_error *err)
{
    struct kh_buf b = kh_buf(k->a, 64 << 10);
    struct kh_jw w = kh_jw(&b);
    size_t n = 0;

    kh_jw_arr(&w);
    for (bool more = true; more; n++) {
        struct kh_rval v;

        if (n == IN_MAX)
            return kh_fail(err, KH_EC_FILTER_INVALID, "%.*s.in takes at most %d values",
                           KH_FMT(f->name), IN_MAX);
        more = list.n && memchr(list.p, ',', list.n);
        if (!kh_column_parse(f, kh_str_cut(list, ',', &list), &v))
            return bad_value(f, err);
        put_rval(&w, &v);
        if (n == 0)
            p->value = v;
    }
    kh_jw_end(&w);
    p->op = KH_RO_EQ;
    if (n == 1)
        return true;
    p->op = KH_RO_IN;
    p->value = (struct kh_rval){.kind = KH_RV_TEXT, .s = kh_buf_get(&b)};
    return true;
}

static bool find_field(struct kh_ask *k, struct kh_str name, const char *what,
                       const struct kh_field **ret, struct kh_error *err)
{
    int i = kh_type_field(k->t, name);

    if (i < 0)
        return kh_fail(err, KH_EC_FILTER_INVALID, "%.*s has no field %.*s to %s by",
                       KH_FMT(k->t->name), KH_FMT(name), what);
    *ret = &k->t->fields[i];
    if ((*ret)->col < 0)
        return kh_fail(err, KH_EC_FILTER_INVALID,
                       "%.*s is not indexed: one cannot %s by it (x-kh.index makes it possible)",
                       KH_FMT(name), what);
    if (atomic_load(&k->t->building) >> (*ret)->col & 1)
        return kh_fail(err, KH_EC_FILTER_INVALID, "%.*s is being indexed; try again soon",
                       KH_FMT(name));
    return true;
}

static bool parse_filters(struct kh_ask *k, enum kh_level_of *level, struct kh_error *err)
{
    static const enum kh_rop ops[] = {[KH_F_EQ] = KH_RO_EQ, [KH_F_IN] = KH_RO_IN,
                                      [KH_F_LT] = KH_RO_LT, [KH_F_LE] = KH_RO_LE,
                                      [KH_F_GT] = KH_RO_GT, [KH_F_GE] = KH_RO_GE};

    if (k->q->filters_n > KH_PREDS_MAX)
        return kh_fail(err, KH_EC_FILTER_INVALID, "at most %d filters", KH_PREDS_MAX);
    for (size_t i = 0; i < k->q->filters_n; i++) {
        const struct kh_filter *q = &k->q->filters[i];
        struct kh_rpred *p = &k->preds[k->preds_n++];
        const struct kh_field *f;

        if (!find_field(k, q->field, "filter", &f, err))
            return false;
        *p = (struct kh_rpred){.op = ops[q->op], .col = f->col};
        if (q->op == KH_F_IN ? !parse_in(k, f, q->value, p, err)
                             : !kh_column_parse(f, q->value, &p->value))
            return err->code != KH_EC_OK ? false : bad_value(f, err);
        *level = f->level > *level ? f->level : *level;
    }
    return true;
}

/* A range on one field alone asks for its order too, where an index leads in it: largest first. */
static int range_column(const struct kh_ask *k)
{
    int col = -1;

    for (size_t i = 0; i < k->preds_n; i++) {
        enum kh_rop op = k->preds[i].op;
        size_t eq;
        int index;

        if (op != KH_RO_LT && op != KH_RO_LE && op != KH_RO_GT && op != KH_RO_GE)
            continue;
        if (k->preds[i].col == col || kh_ways_lead(k, k->preds[i].col, &index, &eq) == KH_LEAD_NONE)
            continue;
        if (col >= 0)
            return -1;
        col = k->preds[i].col;
    }
    return col;
}

/* One value leaves nothing to sort by but the id. */
static bool is_given(const struct kh_ask *k, int col)
{
    struct kh_fixed given;

    kh_ways_given(k, &given);
    return col >= 0 && given.is[col];
}

static bool parse_sort(struct kh_ask *k, enum kh_level_of *level, struct kh_error *err)
{
    struct kh_str name = k->q->sort;
    const struct kh_field *f;
    size_t eq;
    int index;

    k->sort = -1;
    k->desc = true;
    if (name.n == 0) {
        k->sort = range_column(k);
        k->sort = is_given(k, k->sort) ? -1 : k->sort;
        return true;
    }
    k->desc = name.p[0] == '-';
    name = kh_str_skip(name, k->desc);
    if (kh_str_is(name, "id"))
        return true;
    if (!find_field(k, name, "sort", &f, err))
        return false;
    *level = f->level > *level ? f->level : *level;
    if (is_given(k, f->col))
        return true;
    if (kh_ways_lead(k, f->col, &index, &eq) == KH_LEAD_NONE)
        return kh_fail(err, KH_EC_FILTER_INVALID,
                       "%.*s gives no order here: no index begins with it, nor goes on with it "
                       "after fields whose values are given (=)",
                       KH_FMT(f->name));
    k->sort = f->col;
    return true;
}

/* ---- combinations ---- */

static bool combine(const struct kh_ask *k, struct kh_error *err)
{
    const struct kh_list *q = k->q;
    bool place = q->bbox || q->has_near || q->within.n;
    bool past = q->valid_us || q->at_us;

    if (place && k->t->geo < 0)
        return kh_fail(err, KH_EC_FILTER_INVALID, "%.*s has no place: bbox, near and within say "
                                                  "nothing about it",
                       KH_FMT(k->t->name));
    if (q->q.n && !k->t->searched)
        return kh_fail(err, KH_EC_FILTER_INVALID, "%.*s has no searchable field",
                       KH_FMT(k->t->name));
    if ((place && (atomic_load(&k->t->building) & KH_BUILD_PLACE)) ||
        (q->q.n && (atomic_load(&k->t->building) & KH_BUILD_WORDS)))
        return kh_fail(err, KH_EC_FILTER_INVALID, "%.*s is being indexed; try again soon",
                       KH_FMT(k->t->name));
    if (past && (q->q.n || q->has_near || q->within.n || q->sort.n))
        return kh_fail(err, KH_EC_FILTER_INVALID,
                       "valid and at combine with filters on fields and bbox only, newest first; "
                       "not with q, near, within or sort");
    if (q->q.n && q->sort.n)
        return kh_fail(err, KH_EC_FILTER_INVALID,
                       "q ranks by how well a record fits; it does not combine with sort");
    if (q->q.n && place && k->t->people.of_n)
        return kh_fail(err, KH_EC_FILTER_INVALID,
                       "q asks for names here: it does not combine with bbox, near and within");
    if (place && q->sort.n)
        return kh_fail(err, KH_EC_FILTER_INVALID,
                       "bbox and within answer in the order of places, near by distance; they do "
                       "not combine with sort");
    if (q->has_near + (q->bbox != NULL) + (q->within.n > 0) > 1)
        return kh_fail(err, KH_EC_FILTER_INVALID, "bbox, near and within: one at a time");
    if (q->has_near && !(q->near_m > 0 && q->near_m <= 100000))
        return kh_fail(err, KH_EC_FILTER_INVALID, "near takes lon,lat,metres with 0 < metres <= "
                                                  "100000");
    if (q->has_near && !kh_point_ok(q->near_lon, q->near_lat))
        return kh_fail(err, KH_EC_FILTER_INVALID, "near: lon is -180..180, lat is -90..90");
    if (q->bbox &&
        !(kh_point_ok(q->bbox->min_lon, q->bbox->min_lat) &&
          kh_point_ok(q->bbox->max_lon, q->bbox->max_lat) && q->bbox->min_lon <= q->bbox->max_lon &&
          q->bbox->min_lat <= q->bbox->max_lat))
        return kh_fail(err, KH_EC_FILTER_INVALID,
                       "bbox is minlon,minlat,maxlon,maxlat with min <= max");
    return true;
}

/* Whoever names the value of a unique field need not be able to list the others. */
static bool names_one(const struct kh_ask *k)
{
    for (size_t i = 0; i < k->preds_n; i++)
        if (k->preds[i].op == KH_RO_EQ && k->t->fields[k->t->col_fields[k->preds[i].col]].unique)
            return true;
    return false;
}

/* Filtering by a field tells what it says, so only rights that show the field count. */
static bool settle_rights(struct kh_ask *k, enum kh_level_of level, struct kh_error *err)
{
    unsigned ops = 1U << (k->q->for_export ? KH_OP_EXPORT : KH_OP_LIST);

    if (!k->q->for_export && names_one(k))
        ops |= 1U << KH_OP_FIND;
    if (!kh_access_any(k->t, k->q->who, ops))
        return kh_access_deny(k->t, k->q->who, k->q->for_export ? "export" : "list", err);
    for (size_t i = 0; k->q->q.n && i < k->t->fields_n; i++)
        if (k->t->fields[i].weight && k->t->fields[i].level > level)
            level = k->t->fields[i].level;
    for (size_t i = 0; k->q->q.n && i < k->t->people.of_n; i++)
        if (k->t->fields[k->t->people.of[i]].level > level)
            level = k->t->fields[k->t->people.of[i]].level;
    kh_access_rows(k->t, k->a, k->q->who, ops, level, &k->all, &k->conjs, &k->conjs_n);
    return true;
}

static bool find_within(struct kh_ask *k, const struct kh_shape **ret, struct kh_error *err)
{
    enum kh_hit hit = KH_MISS;

    if (k->reg->within)
        hit = k->reg->within(k->reg->within_ctx, k->q->within, ret, err);
    if (hit == KH_MISS)
        kh_fail(err, KH_EC_FILTER_INVALID, "within: no boundary of a unit %.*s is known",
                KH_FMT(k->q->within));
    return hit == KH_HIT;
}

bool kh_record_list(struct kh_tx *tx, const struct kh_registry *reg, struct kh_arena *a,
                    const struct kh_type *t, const struct kh_list *q, struct kh_page *ret,
                    struct kh_error *err)
{
    struct kh_ask *k = kh_new(a, struct kh_ask);
    enum kh_level_of level = KH_SEE_PUBLIC;
    const struct kh_shape *within = NULL;
    struct kh_page page = {0};
    struct kh_box box;
    const struct kh_box *in = q->bbox;
    bool good;

    k->tx = tx;
    k->reg = reg;
    k->a = a;
    k->t = t;
    k->q = q;
    k->now = kh_now_us();
    k->limit = q->limit == 0 ? 50 : q->limit > 1000 ? 1000 : q->limit;
    if (!parse_filters(k, &level, err) || !parse_sort(k, &level, err) || !combine(k, err) ||
        !settle_rights(k, level, err) || !kh_cursor_read(k, err))
        return false;
    if (q->within.n) {
        if (!find_within(k, &within, err))
            return false;
        box = kh_shape_box(within);
        in = &box;
    }
    if (!k->all && k->conjs_n == 0)
        good = true;
    else if (q->valid_us || q->at_us)
        good = kh_list_past(k, &page, err);
    else if (t->people.of_n && q->q.n)
        good = kh_list_names(k, &page, err);
    else if (q->q.n)
        good = kh_list_words(k, in, within, &page, err);
    else if (q->has_near)
        good = kh_list_near(k, &page, err);
    else if (in)
        good = kh_list_box(k, in, within, &page, err);
    else if (kh_names_lead(k))
        good = kh_list_names(k, &page, err);
    else
        good = kh_list_walk(k, &page, err);
    if (good)
        *ret = page;
    return good;
}
