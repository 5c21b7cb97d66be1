/* SPDX-License-Identifier: Apache-2.0 */
/* Reading one record: as it is, as it was, as it will be. */
#include "engine/registry/registry_int.h"

#include "base/time.h"

void kh_record_of_row(const struct kh_type *t, const struct kh_rrow *row, struct kh_record *ret)
{
    *ret = (struct kh_record){.id = row->id,
                              .type = t,
                              .revision = row->rev,
                              .valid_from_us = row->valid_from,
                              .valid_to_us = row->valid_to,
                              .recorded_us = row->recorded_us,
                              .data = row->data,
                              .access = row->cols};
}

static void of_version(const struct kh_type *t, const struct kh_rversion *v, int64_t rev,
                       int64_t at_us, struct kh_record *ret)
{
    *ret = (struct kh_record){.id = v->id,
                              .type = t,
                              .revision = rev,
                              .valid_from_us = v->valid_from,
                              .valid_to_us = v->cut_us > at_us ? v->was_to : v->valid_to,
                              .recorded_us = v->recorded_from,
                              .data = v->data};
}

bool kh_record_fields(struct kh_arena *a, struct kh_record *r, const struct kh_json **ret_fields,
                      struct kh_error *err)
{
    struct kh_json *fields;

    if (!r->fields) {
        if (!kh_json_parse(a, r->data, NULL, &fields, err))
            return kh_error_wrap(err, "stored record");
        r->fields = fields;
    }
    *ret_fields = r->fields;
    return true;
}

const struct kh_rval *kh_record_cols(struct kh_arena *a, const struct kh_record *r)
{
    struct kh_record copy = *r;
    const struct kh_json *fields;
    struct kh_rrow row = {0};
    struct kh_error err = {0};

    if (r->access)
        return r->access;
    if (!kh_record_fields(a, &copy, &fields, &err))
        return kh_new_n(a, kh_rtable_shape(r->type->table)->cols_n, struct kh_rval);
    kh_columns_refill(r->type, a, fields, &row);
    return row.cols;
}

/* The current row answers, unless its time is over or it was not yet known. */
enum kh_hit kh_record_get(struct kh_tx *tx, const struct kh_registry *reg, struct kh_arena *a,
                          const struct kh_type *t, int64_t id, int64_t valid_us, int64_t at_us,
                          struct kh_record *ret, struct kh_error *err)
{
    struct kh_rrow row;
    struct kh_rversion v;
    enum kh_hit hit = kh_rtable_get(tx, t->table, a, id, &row, err);
    int64_t valid = valid_us ? valid_us : at_us ? at_us : kh_now_us();
    int64_t at = at_us ? at_us : KH_FOREVER - 1;

    (void)reg;
    if (hit != KH_HIT)
        return hit;
    if (row.valid_from <= valid && valid < row.valid_to && row.recorded_us <= at) {
        kh_record_of_row(t, &row, ret);
        if (valid_us || at_us)
            ret->revision = row.srev;
        return KH_HIT;
    }
    hit = kh_version_sql_find(tx, a, id, valid, at, &v, err);
    if (hit == KH_HIT)
        of_version(t, &v, valid_us || at_us ? v.rev : row.rev, at, ret);
    return hit;
}

enum kh_hit kh_record_open(struct kh_tx *tx, const struct kh_registry *reg, struct kh_arena *a,
                           const struct kh_type *t, int64_t id, int64_t valid_us, int64_t at_us,
                           const struct kh_who *who, enum kh_op op, struct kh_record *ret,
                           struct kh_error *err)
{
    struct kh_record r;
    enum kh_hit hit = kh_record_get(tx, reg, a, t, id, valid_us, at_us, &r, err);

    if (hit == KH_FAIL)
        return hit;
    if (hit == KH_HIT && kh_access_row(t, who, op, kh_record_cols(a, &r))) {
        *ret = r;
        return KH_HIT;
    }
    /* Out of reach looks like absent. */
    return kh_fail_hit(err, KH_EC_RECORD_UNKNOWN, "%.*s", KH_FMT(t->name));
}

enum kh_hit kh_record_find(struct kh_tx *tx, const struct kh_registry *reg, struct kh_arena *a,
                           const struct kh_type *t, struct kh_str key, int64_t valid_us,
                           struct kh_record *ret, struct kh_error *err)
{
    int64_t valid = valid_us ? valid_us : kh_now_us();
    struct kh_rspan_of is;
    struct kh_rval vals[KH_RCOLS_MAX] = {{0}};
    const struct kh_field *f;
    unsigned char col;
    enum kh_hit hit;

    if (t->key_n != 1)
        return kh_fail_hit(err, KH_EC_FILTER_INVALID, "%.*s has no single-field key",
                           KH_FMT(t->name));
    f = &t->fields[t->key[0]];
    col = (unsigned char)f->col;
    if (!kh_column_parse(f, key, &vals[f->col]))
        return KH_MISS;
    hit = kh_rtable_taken(tx, t->table, a, &col, 1, vals, 0, valid, valid + 1, &is, err);
    if (hit != KH_HIT)
        return hit;
    return kh_record_get(tx, reg, a, t, is.id, valid_us, 0, ret, err);
}
