/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled models: every version that is in use, and which version of a key is the newest. */
#include "engine/process/run.h"
#include "store/event.h"
#include "store/process/process_sql.h"

#include "base/hash.h"
#include "base/id.h"
#include "base/time.h"

enum { MODEL_ARENA = 64 << 20 };

/* A model file compiled; kept until the engine closes, as instances may stand on it. */
struct model {
    struct kh_arena *a;
    struct kh_bpmn bpmn;
    const struct kh_program *program; /* the one process of the row */
    struct model *next;
};

/* Which version of a key is the newest, as of an epoch. */
struct newest {
    struct kh_str key;
    const struct kh_program *program;
    uint64_t epoch;
    _Atomic bool deploying; /* a transaction has put a version and may yet roll back */
    struct kh_process *pe;
    struct newest *next;
};

struct kh_programs {
    pthread_rwlock_t lock;
    struct kh_arena *a; /* keys and list nodes */
    struct model *models;
    struct newest *keys;
};

struct kh_programs *kh_programs_new(void)
{
    struct kh_arena *a = kh_arena_new(SIZE_MAX);
    struct kh_programs *ps = kh_new(a, struct kh_programs);

    ps->a = a;
    pthread_rwlock_init(&ps->lock, NULL);
    return ps;
}

void kh_programs_drop(struct kh_programs *ps)
{
    if (!ps)
        return;
    for (struct model *m = ps->models; m; m = m->next) {
        kh_bpmn_drop(&m->bpmn);
        kh_arena_drop(m->a);
    }
    pthread_rwlock_destroy(&ps->lock);
    kh_arena_drop(ps->a);
}

/* ---- by version ---- */

static const struct kh_program *find_model(const struct kh_programs *ps, int64_t id)
{
    for (const struct model *m = ps->models; m; m = m->next)
        if (m->program->id == id)
            return m->program;
    return NULL;
}

/* What was deployed once is trusted to have been checked: functions may have gone since. */
static bool any_function(const void *ctx, struct kh_str function)
{
    (void)ctx, (void)function;
    return true;
}

static bool compile_row(struct kh_arena *a, const struct kh_process_row *row, struct kh_bpmn *bpmn,
                        struct kh_program **ret, struct kh_error *err)
{
    struct kh_issues issues = {0};

    if (!kh_bpmn_compile(a, row->xml, any_function, NULL, &issues, bpmn, err))
        return false;
    for (unsigned i = 0; i < bpmn->n; i++) {
        if (kh_str_eq(bpmn->programs[i]->key, row->key)) {
            bpmn->programs[i]->id = row->id;
            bpmn->programs[i]->version = row->version;
            *ret = bpmn->programs[i];
            return true;
        }
    }
    kh_bpmn_drop(bpmn);
    return kh_fail(err, KH_EC_PROCESS_UNKNOWN, "%.*s is not in its file", KH_FMT(row->key));
}

static bool load_model(struct kh_tx *tx, struct kh_programs *ps, int64_t id,
                       const struct kh_program **ret, struct kh_error *err)
{
    struct kh_arena *a = kh_arena_new(MODEL_ARENA);
    struct kh_process_row row;
    struct kh_program *program = NULL;
    struct kh_bpmn bpmn = {0};
    enum kh_hit hit = kh_process_sql_get(tx, a, id, &row, err);
    const struct kh_program *other;

    if (hit != KH_HIT || !compile_row(a, &row, &bpmn, &program, err)) {
        err->issues = NULL; /* they live in the arena that ends here */
        kh_arena_drop(a);
        return hit == KH_MISS ? kh_fail(err, KH_EC_PROCESS_UNKNOWN,
                                        "no process version has id %lld", (long long)id)
                              : false;
    }
    pthread_rwlock_wrlock(&ps->lock);
    other = find_model(ps, id); /* another thread may have been faster */
    if (!other) {
        struct model *m = kh_new(ps->a, struct model);

        *m = (struct model){.a = a, .bpmn = bpmn, .program = program, .next = ps->models};
        ps->models = m;
    }
    pthread_rwlock_unlock(&ps->lock);
    if (other) {
        kh_bpmn_drop(&bpmn);
        kh_arena_drop(a);
    }
    *ret = other ? other : program;
    return true;
}

bool kh_program_get(struct kh_tx *tx, const struct kh_process *pe, int64_t id,
                    const struct kh_program **ret, struct kh_error *err)
{
    const struct kh_program *found;

    pthread_rwlock_rdlock(&pe->programs->lock);
    found = find_model(pe->programs, id);
    pthread_rwlock_unlock(&pe->programs->lock);
    if (!found)
        return load_model(tx, pe->programs, id, ret, err);
    *ret = found;
    return true;
}

/* ---- by key ---- */

static struct newest *find_key(struct kh_programs *ps, struct kh_str key)
{
    for (struct newest *k = ps->keys; k; k = k->next)
        if (kh_str_eq(k->key, key))
            return k;
    return NULL;
}

static struct newest *add_key(struct kh_process *pe, struct kh_str key)
{
    struct kh_programs *ps = pe->programs;
    struct newest *k = find_key(ps, key);

    if (!k) {
        k = kh_new(ps->a, struct newest);
        k->key = kh_str_dup(ps->a, key);
        k->pe = pe;
        k->epoch = UINT64_MAX; /* asks the database first */
        k->next = ps->keys;
        ps->keys = k;
    }
    return k;
}

static bool newest_in_database(struct kh_tx *tx, struct kh_process *pe, struct kh_str key,
                               uint64_t epoch, const struct kh_program **ret, struct kh_error *err)
{
    struct kh_programs *ps = pe->programs;
    struct kh_process_row row;
    struct newest *k;
    enum kh_hit hit;
    kh_auto_arena a = kh_arena_new(64 << 10);

    hit = kh_process_sql_newest(tx, a, key, &row, err);
    if (hit == KH_MISS)
        return kh_fail(err, KH_EC_PROCESS_UNKNOWN, "%.*s", KH_FMT(key));
    if (hit == KH_FAIL || !kh_program_get(tx, pe, row.id, ret, err))
        return false;
    pthread_rwlock_wrlock(&ps->lock);
    k = add_key(pe, key);
    if (!k->deploying) {
        k->program = *ret;
        k->epoch = epoch;
    }
    pthread_rwlock_unlock(&ps->lock);
    return true;
}

bool kh_program_newest(struct kh_tx *tx, struct kh_process *pe, struct kh_str key,
                       const struct kh_program **ret, struct kh_error *err)
{
    /* Read before the database is asked: a deployment in between makes the answer old. */
    uint64_t epoch = atomic_load(&pe->epoch);
    const struct kh_program *found = NULL;
    const struct newest *k;

    pthread_rwlock_rdlock(&pe->programs->lock);
    k = find_key(pe->programs, key);
    if (k && k->epoch == epoch && !k->deploying)
        found = k->program;
    pthread_rwlock_unlock(&pe->programs->lock);
    if (!found)
        return newest_in_database(tx, pe, key, epoch, ret, err);
    *ret = found;
    return true;
}

/* ---- deploying ---- */

/* A deployment that was rolled back leaves its mark, which costs a query per start; the next commit
 * of one clears it. */
static void after_deploy(void *ctx)
{
    struct newest *k = ctx;

    atomic_store(&k->deploying, false);
    atomic_fetch_add(&k->pe->epoch, 1);
}

static bool put_version(struct kh_tx *tx, struct kh_process *pe, struct kh_arena *a,
                        const struct kh_program *p, struct kh_str xml, struct kh_str checksum,
                        int64_t version, int64_t old, struct kh_error *err)
{
    struct kh_who who = kh_who_system(KH_S("pack"));
    struct kh_root root;
    struct kh_process_row row = {.id = kh_id_new(),
                                 .version = version,
                                 .deployed_us = kh_now_us(),
                                 .key = p->key,
                                 .name_vi = p->name_vi,
                                 .name_en = p->name_en,
                                 .checksum = checksum,
                                 .xml = xml};
    struct kh_event e = {.kind = KH_S("process.deploy"),
                         .type = KH_S("process"),
                         .subject = row.id,
                         .level = 1,
                         .actor = KH_S("system:pack")};
    struct kh_buf data = kh_buf(a, 4096);
    struct kh_jw w = kh_jw(&data);
    struct newest *k;

    if (!kh_process_sql_add(tx, &row, err))
        return false;
    kh_jw_obj(&w);
    kh_jw_kstr(&w, "process", p->key);
    kh_jw_kint(&w, "version", version);
    kh_jw_kstr(&w, "checksum", checksum);
    kh_jw_end(&w);
    e.data = kh_buf_get(&data);
    kh_root_init(&root, tx, pe, a, &who);
    if (!kh_event_append(tx, &e, err) || !kh_start_arm(&root, p, row.id, old, err))
        return false;
    pthread_rwlock_wrlock(&pe->programs->lock);
    k = add_key(pe, p->key);
    atomic_store(&k->deploying, true);
    pthread_rwlock_unlock(&pe->programs->lock);
    kh_tx_after_commit(tx, after_deploy, k);
    return true;
}

static bool known_function(const void *ctx, struct kh_str function)
{
    return kh_process_find_service(ctx, function) != NULL;
}

bool kh_process_deploy(struct kh_tx *tx, struct kh_process *pe, struct kh_arena *a,
                       struct kh_str xml, struct kh_error *err)
{
    struct kh_issues *issues = kh_new(a, struct kh_issues);
    unsigned char sum[KH_SHA256_BYTES];
    struct kh_bpmn bpmn = {0};
    struct kh_str checksum;

    if (!kh_bpmn_compile(a, xml, known_function, pe, issues, &bpmn, err))
        return false;
    kh_bpmn_drop(&bpmn);
    kh_sha256_one(xml, sum);
    checksum = kh_hex(a, sum, sizeof(sum));
    for (unsigned i = 0; i < bpmn.n; i++) {
        struct kh_process_row row;
        enum kh_hit hit = kh_process_sql_newest(tx, a, bpmn.programs[i]->key, &row, err);

        if (hit == KH_FAIL)
            return false;
        if (hit == KH_HIT && kh_str_eq(row.checksum, checksum))
            continue;
        if (!put_version(tx, pe, a, bpmn.programs[i], xml, checksum,
                         hit == KH_HIT ? row.version + 1 : 1, hit == KH_HIT ? row.id : 0, err))
            return false;
    }
    return true;
}

bool kh_bpmn_check(struct kh_arena *a, const struct kh_process *pe_or_null, struct kh_str xml,
                   struct kh_issues *issues, struct kh_error *err)
{
    struct kh_bpmn bpmn = {0};

    if (!kh_bpmn_compile(a, xml, pe_or_null ? known_function : NULL, pe_or_null, issues, &bpmn,
                         err))
        return false;
    kh_bpmn_drop(&bpmn);
    return true;
}

/* ---- looking ---- */

static bool info_of(struct kh_tx *tx, struct kh_process *pe, const struct kh_process_row *r,
                    struct kh_process_info *ret, struct kh_error *err)
{
    const struct kh_program *p;

    if (!kh_program_get(tx, pe, r->id, &p, err))
        return false;
    *ret = (struct kh_process_info){.key = r->key,
                                    .name_vi = r->name_vi,
                                    .name_en = r->name_en,
                                    .starter = p->starter,
                                    .version = r->version,
                                    .deployed_us = r->deployed_us,
                                    .running = r->running};
    return true;
}

bool kh_process_list(struct kh_tx *tx, struct kh_process *pe, struct kh_arena *a,
                     struct kh_process_info **ret, size_t *ret_n, struct kh_error *err)
{
    struct kh_process_row *rows;
    struct kh_process_info *infos;
    size_t n;

    if (!kh_process_sql_all(tx, a, true, &rows, &n, err))
        return false;
    infos = kh_new_n(a, n, struct kh_process_info);
    for (size_t i = 0; i < n; i++)
        if (!info_of(tx, pe, &rows[i], &infos[i], err))
            return false;
    *ret = infos;
    *ret_n = n;
    return true;
}

bool kh_process_get(struct kh_tx *tx, struct kh_process *pe, struct kh_arena *a, struct kh_str key,
                    struct kh_process_info *ret, struct kh_str *ret_xml, struct kh_error *err)
{
    struct kh_process_row row;
    enum kh_hit hit = kh_process_sql_newest(tx, a, key, &row, err);

    if (hit == KH_HIT)
        hit = kh_process_sql_get(tx, a, row.id, &row, err);
    if (hit == KH_HIT && !kh_process_sql_running(tx, key, &row.running, err))
        hit = KH_FAIL;
    if (hit == KH_MISS)
        return kh_fail(err, KH_EC_PROCESS_UNKNOWN, "%.*s", KH_FMT(key));
    if (hit == KH_FAIL || !info_of(tx, pe, &row, ret, err))
        return false;
    if (ret_xml)
        *ret_xml = row.xml;
    return true;
}
