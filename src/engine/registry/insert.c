/* SPDX-License-Identifier: Apache-2.0 */
/* A draft goes into the database: everything is asked first, so that a refusal has written nothing. */
#include "engine/registry/registry_int.h"

#include "base/hash.h"
#include "base/id.h"
#include "base/time.h"

enum { MEMO_SLOTS = 256 };

/* ---- references ---- */

/* What this transaction has found to be there: many records of an import refer to the same few. Only
 * of types that the transaction does not write to. */
struct kh_ref_memo {
    struct {
        const struct kh_type *target;
        struct kh_str value;
        struct kh_rspan_of is;
    } slots[MEMO_SLOTS];
};

struct kh_ref_memo *kh_ref_memo_new(struct kh_arena *a)
{
    return kh_new(a, struct kh_ref_memo);
}

/* A reference names the key of a type that has a single one, else an id. */
static enum kh_hit ref_there(struct kh_tx *tx, const struct kh_type *target, struct kh_arena *a,
                             struct kh_str value, int64_t valid_us, struct kh_rspan_of *ret,
                             struct kh_error *err)
{
    enum kh_hit hit = KH_MISS;
    int64_t id;

    ret->id = 0;

    if (target->key_n == 1) {
        const struct kh_field *f = &target->fields[target->key[0]];
        struct kh_rval vals[KH_RCOLS_MAX] = {{0}};
        unsigned char col = (unsigned char)f->col;

        if (kh_column_parse(f, value, &vals[f->col]))
            hit = kh_rtable_taken(tx, target->table, a, &col, 1, vals, 0, valid_us, valid_us + 1,
                                  ret, err);
    }
    if (hit == KH_MISS && kh_id_parse(value, &id))
        hit = kh_rtable_has(tx, target->table, id, valid_us, err);
    return hit;
}

static enum kh_hit ref_known(struct kh_tx *tx, const struct kh_type *target, struct kh_arena *a,
                             struct kh_str value, int64_t valid_us, struct kh_ref_memo *memo,
                             struct kh_error *err)
{
    size_t slot = kh_hash64(value, 0) % MEMO_SLOTS;
    struct kh_rspan_of is;
    enum kh_hit hit;

    if (memo && memo->slots[slot].target == target &&
        kh_str_eq(memo->slots[slot].value, value) &&
        memo->slots[slot].is.valid_from <= valid_us && valid_us < memo->slots[slot].is.valid_to)
        return KH_HIT;
    hit = ref_there(tx, target, a, value, valid_us, &is, err);
    if (memo && hit == KH_HIT && is.id) {
        memo->slots[slot].target = target;
        memo->slots[slot].value = value;
        memo->slots[slot].is = is;
    }
    return hit;
}

struct ref_ask {
    struct kh_tx *tx;
    const struct kh_registry *reg;
    const struct kh_type *t;
    struct kh_arena *a;
    int64_t valid_us;
    struct kh_ref_memo *memo;
    struct kh_issues *issues;
};

/* at: place in an array, or -1 */
static bool check_ref(const struct ref_ask *k, const struct kh_field *f, const struct kh_json *v,
                      int at, struct kh_error *err)
{
    const struct kh_type *target = kh_type_find(k->reg, f->ref);
    enum kh_hit hit = KH_MISS;
    struct kh_arena *a = k->a;

    if (v->type != KH_JSON_STRING)
        return true;
    if (target) {
        hit = ref_known(k->tx, target, a, v->s, k->valid_us, target == k->t ? NULL : k->memo, err);
        if (hit == KH_FAIL)
            return false;
    }
    if (hit == KH_MISS)
        kh_issue_add(k->issues, a,
                     at < 0 ? kh_strf(a, "/%.*s", KH_FMT(f->name))
                            : kh_strf(a, "/%.*s/%d", KH_FMT(f->name), at),
                     "ref",
                     kh_strf(a, "Không có %.*s nào có hiệu lực mang mã này.", KH_FMT(f->ref)),
                     kh_strf(a, "No %.*s that is valid has this code.", KH_FMT(f->ref)));
    return true;
}

static bool refs_check(struct kh_tx *tx, const struct kh_registry *reg, const struct kh_type *t,
                       struct kh_arena *a, const struct kh_json *fields,
                       const struct kh_json *before, int64_t valid_us, struct kh_ref_memo *memo,
                       struct kh_error *err)
{
    struct kh_issues *issues;
    struct ref_ask k = {tx, reg, t, a, valid_us, memo, NULL};

    if (!t->has_refs)
        return true;
    k.issues = issues = kh_new(a, struct kh_issues);
    for (size_t i = 0; i < t->fields_n; i++) {
        const struct kh_field *f = &t->fields[i];
        const struct kh_json *v = f->ref.n ? kh_json_find(fields, f->name) : NULL;
        const struct kh_json *old = v && before ? kh_json_find(before, f->name) : NULL;

        /* What stood there before may point to something that has ended since. */
        if (!v || (old && kh_json_eq(v, old)))
            continue;
        if (v->type == KH_JSON_ARRAY) {
            for (size_t n = 0; n < v->n; n++)
                if (!check_ref(&k, f, &v->items[n], (int)n, err))
                    return false;
        } else if (!check_ref(&k, f, v, -1, err)) {
            return false;
        }
    }
    if (issues->n == 0)
        return kh_record_answers(tx, reg, t, a, fields, before, valid_us, err);
    kh_fail(err, KH_EC_RECORD_REFERENCE, "%.*s: %.*s", KH_FMT(t->name),
            KH_FMT(issues->items[0].pointer));
    err->issues = issues;
    return false;
}

bool kh_refs_check(struct kh_tx *tx, const struct kh_registry *reg, const struct kh_type *t,
                   struct kh_arena *a, const struct kh_json *fields, const struct kh_json *before,
                   int64_t valid_us, struct kh_error *err)
{
    return refs_check(tx, reg, t, a, fields, before, valid_us, NULL, err);
}

/* ---- place ---- */

bool kh_place_check(struct kh_tx *tx, const struct kh_registry *reg, const struct kh_type *t,
                    struct kh_arena *a, const struct kh_rrow *row, const struct kh_rrow *before,
                    struct kh_error *err)
{
    if (t->margin_m < 0 || !reg->served || !row->has_place ||
        (before && before->has_place && before->lon == row->lon && before->lat == row->lat))
        return true;
    switch (reg->served(reg->served_ctx, tx, row->lon, row->lat, kh_day_of(row->valid_from),
                        t->margin_m, err)) {
    case KH_HIT:
        return true;
    case KH_MISS:
        return kh_fail_field(
            a, err, KH_EC_RECORD_INVALID, kh_strf(a, "/%.*s", KH_FMT(t->fields[t->geo].name)),
            "outside", "Vị trí này nằm ngoài địa bàn mà thành phố phục vụ.",
            "This place is outside the area that the city serves.");
    case KH_FAIL:
        break;
    }
    return false;
}

/* ---- unique values ---- */

/* Both databases serialise writers (SQLite has one, PostgreSQL retries whoever would have seen a
 * different answer), so asking before writing is enough. */
static bool check_unique(struct kh_tx *tx, const struct kh_type *t, struct kh_arena *a,
                         const struct kh_rrow *row, const unsigned char *cols, size_t n,
                         struct kh_error *err)
{
    const struct kh_field *f = &t->fields[t->col_fields[cols[0]]];
    struct kh_rspan_of other;

    for (size_t i = 0; i < n; i++)
        if (row->cols[cols[i]].kind == KH_RV_NULL)
            return true;
    switch (kh_rtable_taken(tx, t->table, a, cols, n, row->cols, row->id, row->valid_from,
                            row->valid_to, &other, err)) {
    case KH_HIT:
        return kh_fail_field(a, err, KH_EC_RECORD_DUPLICATE, kh_strf(a, "/%.*s", KH_FMT(f->name)),
                             "unique", "Đã có bản ghi khác đang có hiệu lực mang giá trị này.",
                             "Another valid record has this value already.");
    case KH_MISS:
        return true;
    case KH_FAIL:
        break;
    }
    return false;
}

bool kh_unique_check(struct kh_tx *tx, const struct kh_type *t, struct kh_arena *a,
                     const struct kh_rrow *row, uint64_t changed, struct kh_error *err)
{
    unsigned char cols[KH_RINDEX_COLS];
    bool key = false;

    if (!t->has_unique)
        return true;
    for (size_t i = 0; i < t->key_n; i++) {
        cols[i] = (unsigned char)t->fields[t->key[i]].col;
        key = key || (changed >> cols[i] & 1);
    }
    if (key && !check_unique(tx, t, a, row, cols, t->key_n, err))
        return false;
    for (size_t i = 0; i < t->fields_n; i++) {
        cols[0] = (unsigned char)t->fields[i].col;
        if (!t->fields[i].unique || !(changed >> cols[0] & 1) ||
            (t->key_n == 1 && t->key[0] == (int)i))
            continue;
        if (!check_unique(tx, t, a, row, cols, 1, err))
            return false;
    }
    return true;
}

/* ---- the number ---- */

static bool give_number(struct kh_tx *tx, struct kh_arena *a, const struct kh_type *t,
                        struct kh_draft *b, struct kh_error *err)
{
    const struct kh_field *f = &t->fields[t->serial.field];
    struct kh_rrow *row = &b->row;
    struct kh_buf text = kh_buf(a, row->data.n + 400);
    size_t n = kh_rtable_shape(t->table)->cols_n;
    struct kh_rval *cols = kh_new_n(a, n, struct kh_rval);
    struct kh_json *fields = kh_json_new(a, KH_JSON_OBJECT);
    struct kh_str number, words;
    int64_t next;

    if (!kh_serial_sql_next(tx, t->name,
                            kh_serial_period(a, &t->serial, row->recorded_us, b->fields), &next,
                            err))
        return false;
    number = kh_serial_format(a, t->serial.pattern, next, row->recorded_us, b->fields);
    memcpy(cols, row->cols, n * sizeof(*cols));
    cols[f->col] = (struct kh_rval){.kind = KH_RV_TEXT, .s = number};
    row->cols = cols;
    kh_buf_add(&text, row->data.p, row->data.n - 1);
    if (b->fields->n)
        kh_buf_c(&text, ',');
    kh_json_quote(&text, f->name);
    kh_buf_c(&text, ':');
    kh_json_quote(&text, number);
    kh_buf_c(&text, '}');
    row->data = kh_buf_get(&text);
    if (f->weight) {
        words = kh_search_text(a, number);
        row->search = row->search.n ? kh_strf(a, "%.*s %.*s", KH_FMT(row->search), KH_FMT(words))
                                    : words;
    }
    *fields = *b->fields;
    kh_json_set(a, fields, f->name, kh_json_new_str(a, number));
    b->fields = fields;
    b->number = false;
    return true;
}

/* ---- what is due by time ---- */

struct due {
    const struct kh_type *t;
    int64_t us;
};

static void lower_due(void *ctx)
{
    const struct due *d = ctx;
    /* The type is const for everybody else; this is the one thing about it that time changes. */
    _Atomic int64_t *at = (_Atomic int64_t *)(uintptr_t)&d->t->due_us;
    int64_t old = atomic_load(at);

    while (d->us < old && !atomic_compare_exchange_weak(at, &old, d->us))
        ;
}

void kh_type_due(struct kh_tx *tx, struct kh_arena *a, const struct kh_type *t, int64_t us)
{
    struct due *d = kh_new(a, struct due);

    if (us == KH_FOREVER)
        return;
    *d = (struct due){t, us};
    kh_tx_after_commit(tx, lower_due, d);
}

/* ---- the insert ---- */

/* free: columns of the draft's type whose values are known to be unique */
static bool begin(struct kh_tx *tx, struct kh_registry *reg, struct kh_arena *a,
                  const struct kh_draft *d, uint64_t free, struct kh_ref_memo *memo,
                  struct kh_draft **ret_begun, struct kh_error *err)
{
    const struct kh_type *t = kh_type_find(reg, d->t->name);
    struct kh_draft *b = kh_new(a, struct kh_draft);
    struct kh_rrow *row = &b->row;
    char *salt = kh_alloc(a, KH_SALT);

    *b = *d;
    /* The type may have been upgraded since the draft was made: the row then needs its columns. */
    b->t = t ? t : d->t;
    if (b->t != d->t && !kh_columns_fill(b->t, a, d->fields, row, err))
        return false;
    kh_random(salt, KH_SALT);
    row->id = kh_id_new();
    row->rev = row->srev = 1;
    row->sv = d->t->version;
    row->recorded_us = kh_now_us();
    row->valid_from = row->valid_from ? row->valid_from : row->recorded_us;
    row->valid_to = row->valid_to ? row->valid_to : KH_FOREVER;
    if (row->valid_to <= row->valid_from)
        return kh_fail_field(a, err, KH_EC_RECORD_INVALID, KH_S("/meta/valid_to"), "order",
                             "Hiệu lực kết thúc trước khi bắt đầu.",
                             "The validity ends before it begins.");
    row->live = row->valid_to > row->recorded_us;
    row->salt = kh_str(salt, KH_SALT);
    if (!refs_check(tx, reg, b->t, a, d->fields, NULL, row->valid_from, memo, err) ||
        !kh_place_check(tx, reg, b->t, a, row, NULL, err) ||
        !kh_unique_check(tx, b->t, a, row, b->t == d->t ? ~free : UINT64_MAX, err))
        return false;
    if (b->number && b->t->serial.field >= 0 && !give_number(tx, a, b->t, b, err))
        return false;
    *ret_begun = b;
    return true;
}

bool kh_record_begin(struct kh_tx *tx, struct kh_registry *reg, struct kh_arena *a,
                     const struct kh_draft *d, struct kh_draft **ret_begun, struct kh_error *err)
{
    return begin(tx, reg, a, d, 0, NULL, ret_begun, err);
}

bool kh_record_amendable(const struct kh_type *t)
{
    return t->from < 0 && t->to < 0;
}

bool kh_record_amend(struct kh_tx *tx, struct kh_registry *reg, struct kh_arena *a,
                     struct kh_draft *begun, const struct kh_json *fields, struct kh_error *err)
{
    const struct kh_type *t = begun->t;
    struct kh_rrow row = begun->row;
    struct kh_json *next;

    KH_REQUIRE(kh_record_amendable(t));
    if (!kh_json_is(fields, KH_JSON_OBJECT))
        return kh_fail_field(a, err, KH_EC_RECORD_INVALID, KH_S(""), "type",
                             "Bản ghi là một đối tượng JSON.", "A record is a JSON object.");
    next = kh_json_merge(a, begun->fields, kh_fields_clean(a, fields, NULL));
    if (!kh_fields_check(t, a, next, false, err) ||
        !kh_columns_update(t, a, begun->fields, &begun->row, next, &row, err))
        return false;
    row.data = kh_json_text(a, next);
    if (row.data.n > KH_DATA_MAX)
        return kh_fail(err, KH_EC_BODY_TOO_LARGE, "a record has at most %d bytes", KH_DATA_MAX);
    if (!kh_refs_check(tx, reg, t, a, next, begun->fields, row.valid_from, err) ||
        !kh_place_check(tx, reg, t, a, &row, &begun->row, err) ||
        !kh_unique_check(tx, t, a, &row, kh_columns_changed(t, begun->row.cols, row.cols), err))
        return false;
    begun->fields = next;
    begun->row = row;
    return true;
}

bool kh_record_store(struct kh_tx *tx, struct kh_registry *reg, struct kh_arena *a,
                     const struct kh_draft *begun, struct kh_record *ret, struct kh_error *err)
{
    const struct kh_type *t = begun->t;
    const struct kh_rrow *row = &begun->row;
    unsigned char state[32];

    kh_state_first(t->name, row, state);
    if (!kh_rtable_insert(tx, t->table, row, err) ||
        !kh_record_event(tx, a, t, "record.create", row, NULL, begun->fields, begun->w, NULL, state,
                         err) ||
        !kh_record_files(tx, reg, a, t, row->id, begun->fields, err))
        return false;
    kh_type_due(tx, a, t, row->valid_to);
    kh_record_of_draft(begun, ret);
    return true;
}

void kh_record_of_draft(const struct kh_draft *begun, struct kh_record *ret)
{
    kh_record_of_row(begun->t, &begun->row, ret);
    ret->fields = begun->fields;
}

bool kh_record_insert(struct kh_tx *tx, struct kh_registry *reg, struct kh_arena *a,
                      const struct kh_draft *d, struct kh_record *ret, struct kh_error *err)
{
    struct kh_draft *begun;

    return kh_record_begin(tx, reg, a, d, &begun, err) &&
           kh_record_store(tx, reg, a, begun, ret, err);
}

bool kh_record_insert_many(struct kh_tx *tx, struct kh_registry *reg, struct kh_arena *a,
                           const struct kh_draft *d, bool keyed, struct kh_ref_memo *memo,
                           struct kh_record *ret, struct kh_error *err)
{
    uint64_t free = keyed ? UINT64_C(1) << d->t->fields[d->t->key[0]].col : 0;
    struct kh_draft *begun;

    KH_REQUIRE(!keyed || d->t->key_n == 1);
    return begin(tx, reg, a, d, free, memo, &begun, err) &&
           kh_record_store(tx, reg, a, begun, ret, err);
}
