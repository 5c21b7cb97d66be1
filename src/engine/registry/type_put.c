/* SPDX-License-Identifier: Apache-2.0 */
/* Creating and upgrading a type. The table, the stored schema and an event commit together; the type
 * takes effect for everybody after the commit. */
#include "engine/registry/registry_int.h"

#include "base/hash.h"
#include "base/time.h"
#include "store/event.h"
#include "store/registry/type_sql.h"

enum { FILL_NOW = 20000, FILL_BATCH = 500 };

struct ready {
    struct kh_registry *reg;
    struct kh_type *t;
};

static void take_effect(void *ctx)
{
    const struct ready *r = ctx;

    kh_registry_add(r->reg, r->t);
}

static bool type_event(struct kh_tx *tx, struct kh_arena *a, const struct kh_type *t,
                       struct kh_str schema, struct kh_error *err)
{
    struct kh_event e = {.kind = t->version == 1 ? KH_S("type.create") : KH_S("type.update"),
                         .type = t->name,
                         .level = KH_SEE_INTERNAL,
                         .actor = KH_S("system:registry")};

    kh_sha256_one(schema, e.after);
    e.data = kh_strf(a, "{\"version\":%lld}", (long long)t->version);
    return kh_event_append(tx, &e, err);
}

/* ---- the table as it was ---- */

/* A table description from a stored layout: what the next one is compared with. */
static struct kh_rtable *table_of_layout(struct kh_store *st, struct kh_arena *a,
                                         struct kh_str name, const struct kh_json *layout)
{
    const struct kh_json *columns = kh_json_get(layout, "columns");
    const struct kh_json *indexes = kh_json_get(layout, "indexes");
    struct kh_rcol *cols = kh_new_n(a, columns ? columns->n : 0, struct kh_rcol);
    struct kh_rindex *xs = kh_new_n(a, indexes ? indexes->n : 0, struct kh_rindex);
    struct kh_rshape s = {.type = name, .cols = cols, .indexes = xs};

    for (size_t i = 0; columns && i < columns->n; i++) {
        struct kh_str kind = columns->members[i].value.s;

        cols[s.cols_n++] = (struct kh_rcol){columns->members[i].key,
                                            kh_str_is(kind, "int")    ? KH_RK_INT
                                            : kh_str_is(kind, "real") ? KH_RK_REAL
                                                                      : KH_RK_TEXT};
    }
    for (size_t i = 0; indexes && i < indexes->n; i++)
        xs[s.indexes_n++].name = indexes->members[i].key;
    s.search = kh_json_bool(layout, "search", false);
    s.geo = (enum kh_rgeo)kh_json_int(layout, "geo", 0);
    return kh_rtable_new(st, &s);
}

static bool shape_has(const struct kh_rshape *s, struct kh_str col)
{
    for (size_t i = 0; i < s->cols_n; i++)
        if (kh_str_eq(s->cols[i].name, col))
            return true;
    return false;
}

static uint64_t weights(const struct kh_type *t)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < t->fields_n; i++)
        if (t->fields[i].weight)
            sum = kh_hash64(t->fields[i].name, sum + 1);
    for (size_t i = 0; i < t->people.of_n; i++)
        sum = kh_hash64(t->fields[t->people.of[i]].name, sum + 2);
    for (size_t i = 0; i < t->people.with_n; i++)
        sum = kh_hash64(t->fields[t->people.with[i]].name, sum + 3);
    if (t->people.of_n && t->unit >= 0)
        sum = kh_hash64(t->fields[t->unit].name, sum + 4);
    if (t->people.of_n && t->owner >= 0)
        sum = kh_hash64(t->fields[t->owner].name, sum + 5);
    return sum;
}

/* What rows must be given anew: columns that came, other words, another place. */
static uint64_t must_fill(const struct kh_type *old, const struct kh_type *t,
                          const struct kh_rshape *had)
{
    const struct kh_rshape *s = kh_rtable_shape(t->table);
    uint64_t mask = 0;

    for (size_t i = 0; i < s->cols_n; i++) {
        const struct kh_field *f = &t->fields[t->col_fields[i]];
        int was = old ? kh_type_field(old, f->name) : -1;

        if (!shape_has(had, s->cols[i].name) || was < 0 || old->fields[was].col < 0 ||
            old->fields[was].kind != f->kind)
            mask |= UINT64_C(1) << i;
    }
    if (t->searched && (!old || weights(old) != weights(t)))
        mask |= KH_BUILD_WORDS;
    if (t->geo >= 0 &&
        (!old || had->geo == KH_RG_NONE || old->geo < 0 || old->extent != t->extent ||
         !kh_str_eq(t->fields[t->geo].name, old->fields[old->geo].name)))
        mask |= KH_BUILD_PLACE;
    return mask;
}

/* The layout with what is still to be filled, so that another process, or this one after a crash,
 * goes on with it. */
static struct kh_str building_layout(struct kh_arena *a, const struct kh_type *t, uint64_t mask)
{
    const struct kh_rshape *s = kh_rtable_shape(t->table);
    struct kh_buf b = kh_buf(a, 1 << 20);
    struct kh_jw w;

    kh_buf_add(&b, t->columns.p, t->columns.n - 1);
    kh_buf_z(&b, ",\"building\":");
    w = kh_jw(&b);
    kh_jw_arr(&w);
    for (size_t i = 0; i < s->cols_n; i++)
        if (mask >> i & 1)
            kh_jw_str(&w, s->cols[i].name);
    if (mask & KH_BUILD_WORDS)
        kh_jw_z(&w, "*words");
    if (mask & KH_BUILD_PLACE)
        kh_jw_z(&w, "*place");
    kh_jw_end(&w);
    kh_buf_c(&b, '}');
    return kh_buf_get(&b);
}

uint64_t kh_type_building(const struct kh_type *t, const struct kh_json *layout)
{
    const struct kh_json *names = kh_json_get(layout, "building");
    const struct kh_rshape *s = kh_rtable_shape(t->table);
    uint64_t mask = 0;

    for (size_t k = 0; kh_json_is(names, KH_JSON_ARRAY) && k < names->n; k++) {
        struct kh_str name = names->items[k].s;

        if (kh_str_is(name, "*words"))
            mask |= KH_BUILD_WORDS;
        if (kh_str_is(name, "*place"))
            mask |= KH_BUILD_PLACE;
        for (size_t i = 0; i < s->cols_n; i++)
            if (kh_str_eq(s->cols[i].name, name))
                mask |= UINT64_C(1) << i;
    }
    return mask;
}

/* ---- filling ---- */

static bool fill_one(struct kh_tx *tx, struct kh_arena *a, const struct kh_type *t, int64_t id,
                     struct kh_error *err)
{
    struct kh_rrow row, fresh = {0};
    struct kh_json *fields;
    enum kh_hit hit = kh_rtable_head(tx, t->table, a, id, &row, err);

    if (hit != KH_HIT)
        return hit == KH_MISS;
    if (!kh_json_parse(a, row.data, NULL, &fields, err))
        return kh_error_wrap(err, "stored record");
    kh_columns_refill(t, a, fields, &fresh);
    fresh.id = row.id;
    fresh.rev = row.rev;
    fresh.srev = row.srev;
    fresh.sv = row.sv;
    fresh.valid_from = row.valid_from;
    fresh.valid_to = row.valid_to;
    fresh.recorded_us = row.recorded_us;
    fresh.live = row.live;
    fresh.segs = row.segs;
    fresh.state = row.state;
    fresh.data = row.data;
    return kh_rtable_update(tx, t->table, a, &fresh,
                            (UINT64_C(1) << kh_rtable_shape(t->table)->cols_n) - 1, true,
                            row.search, err);
}

static bool fill_some(struct kh_tx *tx, const struct kh_type *t, int64_t *after, bool *ret_done,
                      struct kh_error *err)
{
    kh_auto_arena a = kh_arena_new((size_t)256 << 20);
    int64_t ids[FILL_BATCH];
    size_t n = 0;

    if (!kh_rtable_ids(tx, t->table, *after, FILL_BATCH, ids, &n, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!fill_one(tx, a, t, ids[i], err))
            return false;
        *after = ids[i];
    }
    *ret_done = n == 0;
    return true;
}

static bool fill_all(struct kh_tx *tx, const struct kh_type *t, struct kh_error *err)
{
    int64_t after = 0;
    bool done = false;

    while (!done)
        if (!fill_some(tx, t, &after, &done, err))
            return false;
    return true;
}

/* ---- filling what is large, later ---- */

struct fill {
    struct kh_type *t;
    int64_t after, next;
    bool done;
};

static bool fill_batch(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct fill *f = ctx;
    struct kh_event e = {.kind = KH_S("type.ready"),
                         .type = f->t->name,
                         .level = KH_SEE_INTERNAL,
                         .actor = KH_S("system:registry")};

    f->next = f->after; /* the callback may run again */
    if (!fill_some(tx, f->t, &f->next, &f->done, err))
        return false;
    return !f->done || (kh_type_sql_layout(tx, f->t->name, f->t->columns, err) &&
                        kh_event_append(tx, &e, err));
}

bool kh_registry_fill(struct kh_registry *reg, bool (*stop)(void *ctx), void *ctx,
                      struct kh_error *err)
{
    const struct kh_type *t;

    for (size_t i = 0; (t = kh_type_at(reg, i)); i++) {
        struct fill f = {.t = (struct kh_type *)(uintptr_t)t};

        if (atomic_load(&t->building) == 0)
            continue;
        while (!f.done && !stop(ctx)) {
            if (!kh_store_run(reg->st, "type_fill", KH_TX_WRITE, fill_batch, &f, err))
                return false;
            f.after = f.next;
        }
        if (f.done)
            atomic_store(&f.t->building, 0);
    }
    return true;
}

/* ---- put ---- */

static bool upgrade(struct kh_tx *tx, struct kh_registry *reg, struct kh_arena *a,
                    struct kh_type *t, const struct kh_rtype_row *row, struct kh_str *ret_layout,
                    struct kh_error *err)
{
    struct kh_json *layout, *schema;
    struct kh_rtable *had;
    struct kh_type *old = NULL;
    struct kh_error why = {0};
    bool good, large = false;
    uint64_t fill;

    if (!kh_json_parse(a, row->layout, NULL, &layout, err) ||
        !kh_json_parse(a, row->schema, NULL, &schema, err))
        return kh_error_wrap(err, "stored type %.*s", KH_FMT(t->name));
    /* A schema of an older program may have become invalid; then everything is filled anew. */
    if (!kh_type_make(a, reg->st, row->name, schema, row->version, row->layout, &old, &why))
        old = NULL;
    had = table_of_layout(reg->st, a, t->name, layout);
    good = kh_rtable_alter(tx, had, t->table, err);
    fill = must_fill(old, t, kh_rtable_shape(had)) | kh_type_building(t, layout);
    good = good && (!fill || kh_rtable_larger(tx, t->table, FILL_NOW, &large, err));
    if (good && fill && large) {
        atomic_store(&t->building, fill);
        *ret_layout = building_layout(a, t, fill);
    } else if (good && fill) {
        good = fill_all(tx, t, err);
    }
    /* Their statements were never prepared, so they may go at once. */
    kh_rtable_drop(had);
    if (old) {
        kh_rtable_drop(old->table);
        kh_type_free(old);
    }
    return good;
}

bool kh_type_put(struct kh_tx *tx, struct kh_registry *reg, struct kh_arena *a, struct kh_str name,
                 const struct kh_json *schema, struct kh_error *err)
{
    struct kh_rtype_row row = {0};
    struct kh_str text = kh_json_text(a, schema);
    struct kh_type *t = NULL;
    struct ready *r = kh_new(a, struct ready);
    struct kh_str layout;
    enum kh_hit hit = kh_type_sql_get(tx, a, name, &row, err);

    if (hit == KH_FAIL || (hit == KH_HIT && kh_str_eq(row.schema, text)))
        return hit == KH_HIT;
    if (!kh_type_make(a, reg->st, name, schema, hit == KH_HIT ? row.version + 1 : 1,
                      hit == KH_HIT ? row.layout : KH_S(""), &t, err))
        return false;
    /* From here the registry owns it, whether this transaction succeeds or not. */
    kh_registry_keep(reg, t);
    layout = t->columns;
    if (hit == KH_HIT ? !upgrade(tx, reg, a, t, &row, &layout, err) : !kh_rtable_create(tx, t->table, err))
        return false;
    row = (struct kh_rtype_row){.name = name,
                                .version = t->version,
                                .schema = text,
                                .layout = layout,
                                .changed_us = kh_now_us()};
    if (!kh_type_sql_put(tx, &row, err) || !type_event(tx, a, t, text, err))
        return false;
    *r = (struct ready){reg, t};
    kh_tx_after_commit(tx, take_effect, r);
    return true;
}
