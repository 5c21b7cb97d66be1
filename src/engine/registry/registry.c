/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/registry/registry_int.h"

#include "base/time.h"
#include "store/event.h"
#include "store/registry/type_sql.h"

#include <stdlib.h>
#include <time.h>

/* ---- the loaded types ---- */

static struct kh_types *types_now(const struct kh_registry *reg)
{
    return atomic_load_explicit(&reg->types, memory_order_acquire);
}

void kh_registry_keep(struct kh_registry *reg, struct kh_type *t)
{
    pthread_mutex_lock(&reg->lock);
    reg->all = kh_grow(reg->a, reg->all, reg->all_n, reg->all_n + 1, &reg->all_cap,
                       sizeof(struct kh_type *));
    reg->all[reg->all_n++] = t;
    pthread_mutex_unlock(&reg->lock);
}

void kh_registry_add(struct kh_registry *reg, struct kh_type *t)
{
    struct kh_types *old, *next;
    size_t n = 0;
    bool placed = false;

    pthread_mutex_lock(&reg->lock);
    old = types_now(reg);
    next = kh_new(reg->a, struct kh_types);
    next->items = kh_new_n(reg->a, old->n + 1, const struct kh_type *);
    for (size_t i = 0; i < old->n; i++) {
        int cmp = kh_str_cmp(t->name, old->items[i]->name);

        /* A put that was overtaken by a newer one must not bring back the older type. */
        if (cmp == 0 && old->items[i]->version > t->version) {
            pthread_mutex_unlock(&reg->lock);
            return;
        }
        if (cmp <= 0 && !placed) {
            next->items[n++] = t;
            placed = true;
        }
        if (cmp != 0)
            next->items[n++] = old->items[i];
    }
    if (!placed)
        next->items[n++] = t;
    next->n = n;
    atomic_store_explicit(&reg->types, next, memory_order_release);
    pthread_mutex_unlock(&reg->lock);
}

const struct kh_type *kh_type_find(const struct kh_registry *reg, struct kh_str name)
{
    const struct kh_types *types = types_now(reg);
    size_t lo = 0, hi = types->n;

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        int cmp = kh_str_cmp(name, types->items[mid]->name);

        if (cmp == 0)
            return types->items[mid];
        if (cmp < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}

const struct kh_type *kh_type_at(const struct kh_registry *reg, size_t i)
{
    const struct kh_types *types = types_now(reg);

    return i < types->n ? types->items[i] : NULL;
}

struct kh_str kh_type_name(const struct kh_type *t)
{
    return t->name;
}

struct kh_str kh_type_process(const struct kh_type *t)
{
    return t->process;
}

const struct kh_json *kh_type_schema(const struct kh_type *t)
{
    return t->schema;
}

int64_t kh_type_version(const struct kh_type *t)
{
    return t->version;
}

bool kh_type_may(const struct kh_type *t, const struct kh_who *who, enum kh_op op)
{
    return kh_access_any(t, who, 1U << op);
}

struct kh_str kh_type_geo(const struct kh_type *t)
{
    return t->geo < 0 ? KH_S("") : t->fields[t->geo].name;
}

bool kh_type_masks(const struct kh_type *t)
{
    return t->max_level > KH_SEE_PUBLIC;
}

const struct kh_json *kh_type_describe(const struct kh_type *t, struct kh_arena *a,
                                       const struct kh_who *who)
{
    struct kh_json *schema = kh_json_dup(a, t->schema), *copy;
    const struct kh_json *root = kh_json_get(schema, "x-kh");

    (void)who;
    if (!root)
        return schema;
    /* Who may do what is asked by "may"; the rules themselves are nobody's business. */
    copy = kh_json_dup(a, root);
    kh_json_unset(copy, KH_S("access"));
    kh_json_set(a, schema, KH_S("x-kh"), copy);
    return schema;
}

void kh_registry_set_within(struct kh_registry *reg, kh_within_fn fn, void *ctx)
{
    reg->within = fn;
    reg->within_ctx = ctx;
}

void kh_registry_set_served(struct kh_registry *reg, kh_served_fn fn, void *ctx)
{
    reg->served = fn;
    reg->served_ctx = ctx;
}

void kh_registry_set_files(struct kh_registry *reg, kh_files_fn fn, void *ctx)
{
    reg->files = fn;
    reg->files_ctx = ctx;
}

bool kh_record_files(struct kh_tx *tx, const struct kh_registry *reg, struct kh_arena *a,
                     const struct kh_type *t, int64_t id, const struct kh_json *fields,
                     struct kh_error *err)
{
    return !t->has_files || !reg->files || reg->files(reg->files_ctx, tx, a, t, id, fields, err);
}

/* ---- open and close ---- */

static bool set_due(struct kh_tx *tx, struct kh_type *t, struct kh_error *err)
{
    int64_t end = KH_FOREVER, due = KH_FOREVER;

    if (kh_rtable_next_end(tx, t->table, &end, err) == KH_FAIL ||
        kh_version_sql_next_due(tx, t->name, &due, err) == KH_FAIL)
        return false;
    atomic_store(&t->due_us, end < due ? end : due);
    return true;
}

struct load {
    struct kh_registry *reg;
    struct kh_arena *a;
};

/* Types that the database has in another version than this process. */
static bool load_types(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct load *l = ctx;
    struct kh_rtype_row *rows;
    size_t n;

    if (!kh_type_sql_all(tx, l->a, &rows, &n, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct kh_type *have = kh_type_find(l->reg, rows[i].name);
        struct kh_type *t = NULL;
        struct kh_json *schema, *layout;

        if (!kh_json_parse(l->a, rows[i].layout, NULL, &layout, err))
            return kh_error_wrap(err, "stored layout of %.*s", KH_FMT(rows[i].name));
        if (have && have->version == rows[i].version && !kh_json_get(layout, "building"))
            atomic_store((_Atomic uint64_t *)(uintptr_t)&have->building, 0);
        if (have && have->version >= rows[i].version)
            continue;
        if (!kh_json_parse(l->a, rows[i].schema, NULL, &schema, err) ||
            !kh_type_make(l->a, l->reg->st, rows[i].name, schema, rows[i].version, rows[i].layout,
                          &t, err))
            return kh_error_wrap(err, "stored type %.*s", KH_FMT(rows[i].name));
        kh_registry_keep(l->reg, t);
        atomic_store(&t->building, kh_type_building(t, layout));
        if (!set_due(tx, t, err))
            return false;
        kh_registry_add(l->reg, t);
    }
    return true;
}

bool kh_registry_load(struct kh_registry *reg, struct kh_error *err)
{
    kh_auto_arena a = kh_arena_new((size_t)256 << 20);
    struct load l = {reg, a};
    bool ok = kh_store_run(reg->st, "registry_load", KH_TX_READ, load_types, &l, err);

    if (!ok)
        err->issues = NULL; /* they live in the arena that ends here */
    return ok;
}

bool kh_registry_open(struct kh_store *st, struct kh_registry **ret_reg, struct kh_error *err)
{
    struct kh_arena *a = kh_arena_new((size_t)64 << 20);
    struct kh_registry *reg = kh_new(a, struct kh_registry);

    reg->st = st;
    reg->a = a;
    pthread_mutex_init(&reg->lock, NULL);
    atomic_init(&reg->types, kh_new(a, struct kh_types));
    if (!kh_registry_load(reg, err) || !kh_seen_start(reg, err)) {
        kh_registry_close(reg);
        return false;
    }
    *ret_reg = reg;
    return true;
}

void kh_registry_close(struct kh_registry *reg)
{
    if (!reg)
        return;
    kh_seen_stop(reg);
    for (size_t i = 0; i < reg->all_n; i++) {
        /* Statements are prepared by address: they stay until the store closes. */
        kh_store_keep(reg->st, reg->all[i]->table, kh_rtable_drop);
        kh_type_free(reg->all[i]);
    }
    pthread_mutex_destroy(&reg->lock);
    kh_arena_drop(reg->a);
}

/* ---- time ---- */

enum { TICK_BATCH = 200 };

struct tick {
    struct kh_registry *reg;
    struct kh_type *t;
    bool more;
};

static bool promote_due(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct tick *k = ctx;
    kh_auto_arena a = kh_arena_new((size_t)256 << 20);
    int64_t ids[2 * TICK_BATCH];
    size_t ended = 0, due = 0;
    int64_t now = kh_now_us();

    if (!kh_rtable_ended(tx, k->t->table, now, TICK_BATCH, ids, &ended, err) ||
        !kh_version_sql_due(tx, k->t->name, now, TICK_BATCH, ids + ended, &due, err))
        return false;
    for (size_t i = 0; i < ended + due; i++)
        if (!kh_record_promote(tx, k->reg, a, k->t, ids[i], err))
            return false;
    k->more = ended == TICK_BATCH || due == TICK_BATCH;
    return k->more || set_due(tx, k->t, err);
}

bool kh_registry_tick(struct kh_registry *reg, struct kh_error *err)
{
    const struct kh_types *types = types_now(reg);

    for (size_t i = 0; i < types->n; i++) {
        struct tick k = {.reg = reg, .t = (struct kh_type *)(uintptr_t)types->items[i]};

        while (atomic_load(&k.t->due_us) <= kh_now_us())
            if (!kh_store_run(reg->st, "registry_tick", KH_TX_WRITE, promote_due, &k, err))
                return false;
    }
    return true;
}
