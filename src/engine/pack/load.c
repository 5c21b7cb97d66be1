/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/pack/pack_int.h"

#include "base/time.h"
#include "engine/identity/identity.h"
#include "engine/insight/insight.h"
#include "engine/notify/notify.h"
#include "engine/print/print.h"
#include "engine/process/process.h"
#include "engine/registry/registry.h"
#include "store/event.h"
#include "store/pack/pack_sql.h"

/* One record of a data file, checked and waiting for the transaction. */
struct row {
    const struct kh_type *type;
    const struct kh_json *fields;
    struct kh_draft *draft;
    const struct kh_pack_file *file;
    size_t line;
};

struct load {
    const struct kh_pack_city *city;
    struct kh_arena *a;
    const struct kh_pack_options *o;
    struct kh_pack p;
    bool *changed; /* per file */
    struct kh_write write;
    struct kh_who who;
    struct row *rows;
    size_t rows_n, rows_cap;
    struct kh_pack_loaded done;
};

static struct kh_str sum_of(const struct kh_pack_file *f)
{
    return kh_str((const char *)f->sum, sizeof(f->sum));
}

static bool is_data(const struct load *l, const struct kh_pack_file *f)
{
    return f->kind == KH_PACK_DATA || (f->kind == KH_PACK_DEMO && l->o->demo);
}

/* ---- what changed ---- */

static bool compare_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct load *l = ctx;
    const struct kh_json *depends = kh_json_get(l->p.manifest, "depends");

    for (uint32_t i = 0; depends && i < depends->n; i++) {
        enum kh_hit hit = kh_pack_sql_find(tx, depends->items[i].s, err);

        if (hit == KH_FAIL)
            return false;
        if (hit == KH_MISS)
            return kh_fail(err, KH_EC_PACK_UNKNOWN, "load the pack %.*s first",
                           KH_FMT(depends->items[i].s));
    }
    for (size_t i = 0; i < l->p.n; i++) {
        const struct kh_pack_file *f = &l->p.files[i];
        enum kh_hit hit = kh_pack_sql_file_same(tx, l->p.id, f->path, sum_of(f), err);

        if (hit == KH_FAIL)
            return false;
        l->changed[i] = hit == KH_MISS;
    }
    return true;
}

/* ---- declarations ---- */

static bool declare(struct load *l, struct kh_tx *tx, const struct kh_pack_file *f,
                    struct kh_error *err)
{
    const struct kh_pack_city *c = l->city;

    switch (f->kind) {
    case KH_PACK_ROLES:
        return kh_identity_roles_put(tx, l->a, l->p.id, f->json, err);
    case KH_PACK_CALENDAR:
        return kh_calendar_put(tx, c->process, l->a, f->key, f->json, err);
    case KH_PACK_TYPE:
        return kh_type_put(tx, c->registry, l->a, f->key, f->json, err);
    case KH_PACK_DECISION:
        return kh_decision_deploy(tx, c->process, l->a, l->p.id, f->key, f->text, err);
    case KH_PACK_PROCESS:
        return kh_process_deploy(tx, c->process, l->a, f->text, err);
    case KH_PACK_NOTICES:
        return kh_notify_templates_put(tx, c->notify, l->a, l->p.id, f->json, err);
    case KH_PACK_PRINT:
        return kh_print_put(tx, l->a, l->p.id, f->key, f->json, err);
    case KH_PACK_INDICATOR:
        return kh_indicator_put(tx, c->insight, l->a, l->p.id, f->json, err);
    case KH_PACK_MANIFEST:
    case KH_PACK_README:
    case KH_PACK_TEXTS:
    case KH_PACK_SOURCES:
    case KH_PACK_DATA:
    case KH_PACK_DEMO:
    case KH_PACK_UNKNOWN:
        break;
    }
    return true;
}

static bool declare_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct load *l = ctx;
    struct kh_event e = {.kind = KH_S("pack.load"), .type = KH_S("pack"), .level = 1};
    int64_t now = kh_now_us();

    l->done.changed = 0;
    for (size_t i = 0; i < l->p.n; i++) {
        const struct kh_pack_file *f = &l->p.files[i];

        if (!l->changed[i] || f->kind == KH_PACK_DATA || f->kind == KH_PACK_DEMO)
            continue;
        if (!declare(l, tx, f, err))
            return kh_error_wrap(err, "%.*s", KH_FMT(f->path));
        if (!kh_pack_sql_file_put(tx, l->p.id, f->path, sum_of(f), now, err))
            return false;
        l->done.changed++;
    }
    if (l->done.changed == 0)
        return true;
    e.actor = l->who.actor;
    e.data = kh_strf(l->a, "{\"id\":\"%.*s\",\"version\":\"%.*s\",\"files\":%zu}", KH_FMT(l->p.id),
                     KH_FMT(l->p.version), l->done.changed);
    return kh_pack_sql_put(tx, l->p.id, l->p.version, l->p.files[0].text, now, l->who.actor, err) &&
           kh_event_append(tx, &e, err);
}

/* ---- records ---- */

static bool refuse_line(const struct row *r, struct kh_error *err)
{
    if (err->code == KH_EC_STORE || err->code == KH_EC_STORE_FULL)
        return false;
    return kh_error_wrap(err, "%.*s:%zu", KH_FMT(r->file->path), r->line);
}

static bool row_prepare(struct load *l, const struct kh_pack_file *f, struct kh_str text,
                        size_t line, struct kh_error *err)
{
    static const struct kh_json_limits limits = {.bytes = 16 << 20, .values = 2000000};
    struct row r = {.type = kh_type_find(l->city->registry, f->key), .file = f, .line = line};
    struct kh_json *v;

    if (!r.type)
        return kh_fail(err, KH_EC_TYPE_UNKNOWN, "%.*s: type %.*s", KH_FMT(f->path), KH_FMT(f->key));
    if (!kh_json_parse(l->a, text, &limits, &v, err))
        return refuse_line(&r, err);
    r.fields = v;
    if (!kh_record_prepare(l->city->registry, l->a, r.type, v, &l->write, &r.draft, err))
        return refuse_line(&r, err);
    l->rows = kh_grow(l->a, l->rows, l->rows_n, l->rows_n + 1, &l->rows_cap, sizeof(*l->rows));
    l->rows[l->rows_n++] = r;
    return true;
}

/* Everything that needs no transaction is done before one begins. */
static bool rows_prepare(struct load *l, struct kh_error *err)
{
    for (size_t i = 0; i < l->p.n; i++) {
        const struct kh_pack_file *f = &l->p.files[i];
        struct kh_str rest = f->text;

        if (!l->changed[i] || !is_data(l, f))
            continue;
        for (size_t line = 1; rest.n; line++) {
            struct kh_str one = kh_str_cut(rest, '\n', &rest);

            if (kh_str_trim(one).n && !row_prepare(l, f, one, line, err))
                return false;
            if (l->o->progress && line % 256 == 0)
                l->o->progress(l->o->ctx, (int64_t)(f->text.n - rest.n), (int64_t)f->text.n);
        }
    }
    return true;
}

/* The name of key field i, "" after the last. */
static struct kh_str key_field(const struct kh_type *t, uint32_t i)
{
    const struct kh_json *key = kh_json_get(kh_json_get(kh_type_schema(t), "x-kh"), "key");

    if (kh_json_is(key, KH_JSON_STRING))
        return i == 0 ? key->s : KH_S("");
    if (kh_json_is(key, KH_JSON_ARRAY) && i < key->n && key->items[i].type == KH_JSON_STRING)
        return key->items[i].s;
    return KH_S("");
}

static bool same_key(const struct kh_type *t, const struct kh_json *x, const struct kh_json *y)
{
    struct kh_str name;

    for (uint32_t i = 0; (name = key_field(t, i)).n; i++) {
        const struct kh_json *a = kh_json_find(x, name), *b = kh_json_find(y, name);

        if ((a || b) && (!a || !b || !kh_json_eq(a, b)))
            return false;
    }
    return true;
}

/* The record that has the key of a row, on the day on which the row begins to be valid. */
static enum kh_hit row_find(struct load *l, struct kh_tx *tx, const struct row *r,
                            struct kh_record *ret, struct kh_error *err)
{
    struct kh_str first = key_field(r->type, 0);
    struct kh_filter filter = {first, KH_F_EQ,
                               kh_json_str(r->fields, kh_str_z(l->a, first), KH_S(""))};
    struct kh_list list = {.filters = &filter, .filters_n = 1, .limit = 1000, .who = &l->who};
    struct kh_page page = {0};
    int64_t day;

    if (first.n == 0 || filter.value.n == 0)
        return KH_MISS;
    if (kh_date_parse(kh_json_str(r->fields, "valid_from", KH_S("")), &day))
        list.valid_us = kh_day_start(day);
    if (!kh_record_list(tx, l->city->registry, l->a, r->type, &list, &page, err))
        return KH_FAIL;
    for (size_t i = 0; i < page.n; i++) {
        const struct kh_json *fields;

        if (!kh_record_fields(l->a, &page.items[i], &fields, err))
            return KH_FAIL;
        if (same_key(r->type, fields, r->fields)) {
            *ret = page.items[i];
            ret->fields = fields;
            return KH_HIT;
        }
    }
    return KH_MISS;
}

/* A new version of a pack corrects what the one before said. */
static bool row_update(struct load *l, struct kh_tx *tx, const struct row *r,
                       const struct kh_record *old, struct kh_error *err)
{
    struct kh_record now;

    if (kh_json_eq(old->fields, r->fields))
        return true;
    if (!kh_record_change(tx, l->city->registry, l->a, r->type, old->id, r->fields, false,
                          &l->write, &now, err))
        return refuse_line(r, err);
    l->done.updated++;
    return true;
}

static bool row_put(struct load *l, struct kh_tx *tx, struct row *r, struct kh_error *err)
{
    struct kh_record rec;
    struct kh_error taken = {0};

    if (kh_record_insert(tx, l->city->registry, l->a, r->draft, &rec, &taken)) {
        l->done.created++;
        return true;
    }
    if (taken.code != KH_EC_RECORD_DUPLICATE) {
        *err = taken;
        return refuse_line(r, err);
    }
    switch (row_find(l, tx, r, &rec, err)) {
    case KH_HIT:
        return row_update(l, tx, r, &rec, err);
    case KH_MISS:
        *err = taken;
        return refuse_line(r, err);
    case KH_FAIL:
        break;
    }
    return false;
}

static bool data_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct load *l = ctx;
    int64_t now = kh_now_us();

    l->done.created = l->done.updated = 0;
    for (size_t i = 0; i < l->rows_n; i++)
        if (!row_put(l, tx, &l->rows[i], err))
            return false;
    for (size_t i = 0; i < l->p.n; i++)
        if (l->changed[i] && is_data(l, &l->p.files[i]) &&
            !kh_pack_sql_file_put(tx, l->p.id, l->p.files[i].path, sum_of(&l->p.files[i]), now,
                                  err))
            return false;
    return true;
}

/* ---- the whole ---- */

static bool check(struct load *l, const char *dir, struct kh_error *err)
{
    struct kh_issues *issues = kh_new(l->a, struct kh_issues);

    if (!kh_pack_read_checked(l->a, dir, issues, &l->p, err))
        return false;
    if (issues->n == 0)
        return true;
    kh_fail(err, KH_EC_PACK_INVALID, "%s: %.*s", dir, KH_FMT(issues->items[0].pointer));
    err->issues = issues;
    return false;
}

bool kh_pack_load(const struct kh_pack_city *city, struct kh_arena *a, const char *dir,
                  const struct kh_pack_options *o, struct kh_pack_loaded *ret, struct kh_error *err)
{
    static const struct kh_pack_options plain = {0};
    struct load l = {.city = city, .a = a, .o = o ? o : &plain};
    size_t data = 0;

    l.who = l.o->who ? *l.o->who : kh_who_system(KH_S("pack"));
    l.write = (struct kh_write){.who = &l.who, .trusted = true};
    if (!check(&l, dir, err))
        return false;
    l.write.reason = kh_strf(a, "pack %.*s %.*s", KH_FMT(l.p.id), KH_FMT(l.p.version));
    l.changed = kh_new_n(a, l.p.n + 1, bool);
    if (!kh_store_run(city->store, "pack_compare", KH_TX_READ, compare_in_tx, &l, err) ||
        !kh_store_run(city->store, "pack_declare", KH_TX_WRITE, declare_in_tx, &l, err) ||
        !rows_prepare(&l, err) ||
        !kh_store_run(city->store, "pack_data", KH_TX_WRITE, data_in_tx, &l, err))
        return false;
    for (size_t i = 0; i < l.p.n; i++)
        data += l.changed[i] && is_data(&l, &l.p.files[i]);
    l.done.id = l.p.id;
    l.done.version = l.p.version;
    l.done.files = l.p.n;
    l.done.changed += data;
    *ret = l.done;
    return true;
}

bool kh_pack_list(struct kh_tx *tx, struct kh_arena *a, struct kh_pack_info **ret, size_t *ret_n,
                  struct kh_error *err)
{
    return kh_pack_sql_list(tx, a, ret, ret_n, err);
}
