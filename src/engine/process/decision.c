/* SPDX-License-Identifier: Apache-2.0 */
/* Deployed decisions: versions in the table, compiled models kept in memory while in use. */
#include "engine/process/dmn/dmn.h"
#include "engine/process/engine.h"
#include "store/event.h"
#include "store/process/decision_sql.h"

#include "base/hash.h"
#include "base/id.h"
#include "base/time.h"

enum { MODEL_ARENA = 128 << 20, IMPORTS_MAX = 16 };

/* A compiled model. Evaluations hold it; the cache holds it too until a newer one takes its place. */
struct model {
    struct kh_arena *a;
    const struct kh_dmn *dmn;
    int64_t id; /* of the row */
    _Atomic unsigned holders;
};

struct cached {
    struct kh_str ref; /* "pack/key" */
    struct model *model;
    uint64_t epoch; /* of the engine when it was known to be the newest */
    struct cached *next;
};

struct kh_decisions {
    pthread_rwlock_t lock;
    struct kh_arena *a; /* refs and list nodes */
    struct cached *list;
};

static void release(struct model *m)
{
    if (m && atomic_fetch_sub(&m->holders, 1) == 1)
        kh_arena_drop(m->a); /* m lives in it */
}

bool kh_decisions_open(struct kh_process *pe, struct kh_error *err)
{
    (void)err;
    pe->decisions = kh_new(pe->a, struct kh_decisions);
    pe->decisions->a = kh_arena_new(SIZE_MAX);
    pthread_rwlock_init(&pe->decisions->lock, NULL);
    return true;
}

void kh_decisions_close(struct kh_process *pe)
{
    struct kh_decisions *ds = pe->decisions;

    if (!ds)
        return;
    for (struct cached *c = ds->list; c; c = c->next)
        release(c->model);
    pthread_rwlock_destroy(&ds->lock);
    kh_arena_drop(ds->a);
}

/* ---- compiling ---- */

/* The imported models, and what they import, by namespace. */
static bool gather_imports(struct kh_tx *tx, struct kh_arena *a, struct kh_str xml,
                           struct kh_str *imports, size_t *n, struct kh_error *err)
{
    struct kh_str namespaces[IMPORTS_MAX], at = xml;

    for (size_t next = 0;; at = imports[next++]) {
        const struct kh_str *needed;
        size_t needed_n;

        if (!kh_dmn_imports(a, at, &needed, &needed_n, err))
            return false;
        for (size_t i = 0; i < needed_n; i++) {
            size_t k = 0;
            enum kh_hit hit;

            while (k < *n && !kh_str_eq(namespaces[k], needed[i]))
                k++;
            if (k < *n)
                continue;
            if (*n == IMPORTS_MAX)
                return kh_fail(err, KH_EC_DECISION_INVALID, "more than %d imports", IMPORTS_MAX);
            hit = kh_decision_sql_by_ns(tx, a, needed[i], &imports[*n], err);
            if (hit == KH_FAIL)
                return false;
            if (hit == KH_HIT)
                namespaces[(*n)++] = needed[i];
        }
        if (next == *n)
            return true;
    }
}

static bool compile(struct kh_tx *tx, struct kh_arena *a, struct kh_str xml, bool strict,
                    struct kh_issues *issues, const struct kh_dmn **ret, struct kh_error *err)
{
    struct kh_str imports[IMPORTS_MAX];
    struct kh_dmn_source src = {.xml = xml, .imports = imports, .strict = strict};

    return gather_imports(tx, a, xml, imports, &src.imports_n, err) &&
           kh_dmn_compile(a, &src, issues, ret, err);
}

/* "d_fee:12:5" to "line:12:5" as for other files of a pack; the element goes into the words. */
static void place_by_line(struct kh_arena *a, struct kh_issue *is)
{
    struct kh_str p = is->pointer;
    size_t colons = 0, i = p.n;

    while (i > 0 && colons < 2)
        colons += p.p[--i] == ':';
    if (colons < 2 || kh_str_is(kh_str(p.p, i), "line"))
        return;
    is->pointer = kh_strf(a, "line%.*s", KH_FMT(kh_str_skip(p, i)));
    is->vi = kh_strf(a, "%.*s: %.*s", (int)i, p.p, KH_FMT(is->vi));
    is->en = kh_strf(a, "%.*s: %.*s", (int)i, p.p, KH_FMT(is->en));
}

bool kh_dmn_check(struct kh_arena *a, struct kh_str xml, struct kh_issues *issues,
                  struct kh_error *err)
{
    struct kh_dmn_source src = {.xml = xml, .strict = true};
    const struct kh_dmn *m;
    size_t from = issues->n;
    bool ok = kh_dmn_compile(a, &src, issues, &m, err);

    for (size_t i = from; i < issues->n; i++)
        place_by_line(a, &issues->items[i]);
    return ok;
}

/* ---- deploying ---- */

static void after_deploy(void *ctx)
{
    struct kh_process *pe = ctx;

    atomic_fetch_add(&pe->epoch, 1);
}

static bool tell(struct kh_tx *tx, struct kh_arena *a, const struct kh_decision_row *row,
                 struct kh_error *err)
{
    struct kh_event e = {.kind = KH_S("decision.deploy"),
                         .type = KH_S("decision"),
                         .subject = row->id,
                         .level = 1,
                         .actor = KH_S("system:pack")};
    struct kh_buf data = kh_buf(a, 4096);
    struct kh_jw w = kh_jw(&data);

    kh_jw_obj(&w);
    kh_jw_kstr(&w, "pack", row->pack);
    kh_jw_kstr(&w, "decision", row->key);
    kh_jw_kint(&w, "version", row->version);
    kh_jw_kstr(&w, "checksum", row->checksum);
    kh_jw_end(&w);
    e.data = kh_buf_get(&data);
    return kh_event_append(tx, &e, err);
}

bool kh_decision_deploy(struct kh_tx *tx, struct kh_process *pe, struct kh_arena *a,
                        struct kh_str pack, struct kh_str key, struct kh_str xml,
                        struct kh_error *err)
{
    struct kh_issues *issues = kh_new(a, struct kh_issues);
    struct kh_decision_row row, old;
    unsigned char sum[KH_SHA256_BYTES];
    const struct kh_dmn *m;
    enum kh_hit hit;

    if (!compile(tx, a, xml, true, issues, &m, err))
        return kh_error_wrap(err, "decision %.*s/%.*s", KH_FMT(pack), KH_FMT(key));
    kh_sha256_one(xml, sum);
    hit = kh_decision_sql_newest(tx, a, pack, key, &old, err);
    if (hit == KH_FAIL)
        return false;
    row = (struct kh_decision_row){.id = kh_id_new(),
                                   .version = hit == KH_HIT ? old.version + 1 : 1,
                                   .deployed_us = kh_now_us(),
                                   .pack = pack,
                                   .key = key,
                                   .name = kh_dmn_name(m),
                                   .ns = kh_dmn_namespace(m),
                                   .checksum = kh_hex(a, sum, sizeof(sum)),
                                   .xml = xml};
    if (hit == KH_HIT && kh_str_eq(old.checksum, row.checksum))
        return true;
    if (!kh_decision_sql_add(tx, &row, err) || !tell(tx, a, &row, err))
        return false;
    kh_tx_after_commit(tx, after_deploy, pe);
    return true;
}

/* ---- evaluating ---- */

struct loading {
    struct kh_str pack, key;
    int64_t have; /* version that is at hand already, or 0 */
    struct model *model;
    bool unknown;
};

static bool load_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct loading *l = ctx;
    struct kh_issues issues = {0};
    struct kh_decision_row row;
    struct kh_arena *a = kh_arena_new(MODEL_ARENA);
    const struct kh_dmn *dmn;
    enum kh_hit hit = kh_decision_sql_newest(tx, a, l->pack, l->key, &row, err);

    l->unknown = hit == KH_MISS;
    if (hit == KH_HIT && row.id != l->have)
        hit = kh_decision_sql_get(tx, a, row.id, &row, err);
    if (hit != KH_HIT || row.id == l->have || !compile(tx, a, row.xml, false, &issues, &dmn, err)) {
        bool ok = hit == KH_MISS || (hit == KH_HIT && row.id == l->have);

        err->issues = NULL; /* they live in the arena that ends here */
        kh_arena_drop(a);
        return ok;
    }
    l->model = kh_new(a, struct model);
    l->model->a = a;
    l->model->dmn = dmn;
    l->model->id = row.id;
    atomic_init(&l->model->holders, 1);
    return true;
}

static struct cached *find(struct kh_decisions *ds, struct kh_str ref)
{
    for (struct cached *c = ds->list; c; c = c->next)
        if (kh_str_eq(c->ref, ref))
            return c;
    return NULL;
}

/* Put what was loaded into the cache; the caller gets a hold of its own. */
static struct model *keep(struct kh_decisions *ds, struct kh_str ref, struct loading *l,
                          uint64_t epoch)
{
    struct cached *c;
    struct model *got;

    pthread_rwlock_wrlock(&ds->lock);
    c = find(ds, ref);
    if (!c) {
        c = kh_new(ds->a, struct cached);
        c->ref = kh_str_dup(ds->a, ref);
        c->next = ds->list;
        ds->list = c;
    }
    if (l->model && (!c->model || c->model->id < l->model->id)) {
        release(c->model);
        c->model = l->model;
    } else {
        release(l->model);
    }
    c->epoch = epoch;
    got = c->model;
    if (got)
        atomic_fetch_add(&got->holders, 1);
    pthread_rwlock_unlock(&ds->lock);
    return got;
}

/* The newest version of "pack/key", held for the caller. */
static bool hold(struct kh_process *pe, struct kh_str ref, struct model **ret, struct kh_error *err)
{
    uint64_t epoch = atomic_load(&pe->epoch); /* before the database is asked */
    struct loading l = {0};
    const struct cached *c;

    pthread_rwlock_rdlock(&pe->decisions->lock);
    c = find(pe->decisions, ref);
    if (c && c->model) {
        l.have = c->model->id;
        if (c->epoch == epoch) {
            *ret = c->model;
            atomic_fetch_add(&c->model->holders, 1);
        }
    }
    pthread_rwlock_unlock(&pe->decisions->lock);
    if (*ret)
        return true;
    l.pack = kh_str_cut(ref, '/', &l.key);
    if (!kh_store_run(pe->st, "decision_load", KH_TX_READ, load_in_tx, &l, err))
        return kh_error_wrap(err, "decision %.*s", KH_FMT(ref));
    if (l.unknown || (!l.model && !l.have))
        return kh_fail(err, KH_EC_DECISION_UNKNOWN, "%.*s", KH_FMT(ref));
    *ret = keep(pe->decisions, ref, &l, epoch);
    return *ret ? true : kh_fail(err, KH_EC_DECISION_UNKNOWN, "%.*s", KH_FMT(ref));
}

bool kh_decision_run(struct kh_process *pe, struct kh_arena *a, struct kh_str ref,
                     const struct kh_dmn_call *call, const struct kh_json **ret_result,
                     struct kh_issues *messages, struct kh_error *err)
{
    struct model *m = NULL;
    bool ok;

    if (!hold(pe, ref, &m, err))
        return false;
    ok = kh_dmn_eval(m->dmn, a, call, ret_result, messages, err);
    /* A result may point into the model: string literals and keys. */
    if (ok)
        *ret_result = kh_json_dup(a, *ret_result);
    release(m);
    return ok;
}

bool kh_decision_eval(struct kh_process *pe, struct kh_arena *a, struct kh_str ref,
                      struct kh_str decision, const struct kh_json *inputs,
                      const struct kh_json **ret_result, struct kh_issues *messages,
                      struct kh_error *err)
{
    struct kh_dmn_call call = {.name = decision, .inputs = inputs};

    return kh_decision_run(pe, a, ref, &call, ret_result, messages, err);
}
