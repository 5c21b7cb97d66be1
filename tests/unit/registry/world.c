/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

static const struct kh_grant officer_grant = {KH_STR_INIT("officer"), KH_STR_INIT("H26.19"),
                                              KH_FOREVER, 0};
static const struct kh_grant dispatcher_grant = {KH_STR_INIT("dispatcher"), KH_STR_INIT(""),
                                                 KH_FOREVER, 0};

static struct kh_who person(int64_t account, const char *actor, const struct kh_grant *g)
{
    return (struct kh_who){.kind = KH_WHO_ACCOUNT,
                           .account = account,
                           .actor = kh_cstr(actor),
                           .name = kh_cstr(actor),
                           .grants = g,
                           .grants_n = g ? 1 : 0,
                           .unit = g ? g->unit : KH_S("")};
}

static void open_registry(struct world *w)
{
    if (!kh_registry_open(w->f.st, &w->reg, &w->err)) {
        fprintf(stderr, "# registry: %s\n", w->err.detail);
        abort();
    }
}

int world_setup(void **state)
{
    struct world *w = test_calloc(1, sizeof(*w));

    kh_clock_set(T0);
    fixture_open(&w->f);
    w->a = kh_arena_new((size_t)256 << 20);
    open_registry(w);
    w->system = kh_who_system(KH_S("test"));
    w->citizen = person(1001, "account:c1", NULL);
    w->other = person(1002, "account:c2", NULL);
    w->officer = person(2001, "account:o1", &officer_grant);
    w->dispatcher = person(2002, "account:d1", &dispatcher_grant);
    *state = w;
    return 0;
}

int world_teardown(void **state)
{
    struct world *w = *state;

    kh_registry_close(w->reg);
    fixture_drop(&w->f);
    kh_arena_drop(w->a);
    kh_clock_set(0);
    test_free(w);
    return 0;
}

void world_reopen(struct world *w)
{
    kh_registry_close(w->reg);
    fixture_reopen(&w->f);
    open_registry(w);
}

const struct kh_json *J(struct world *w, const char *text)
{
    struct kh_str s = kh_str_dup(w->a, kh_cstr(text));
    struct kh_json *v = NULL;
    struct kh_error err = {0};
    char *p = kh_str_z(w->a, s);

    for (char *c = p; *c; c++)
        if (*c == '\'')
            *c = '"';
    if (!kh_json_parse(w->a, kh_cstr(p), NULL, &v, &err)) {
        fprintf(stderr, "# %s: %s\n", err.detail, p);
        fail();
    }
    return v;
}

struct kh_str text_of(const struct kh_record *r)
{
    return r->data;
}

bool has(struct kh_str text, const char *part)
{
    return memmem(text.p, text.n, part, strlen(part)) != NULL;
}

/* ---- one thing in one transaction ---- */

struct act {
    struct world *w;
    const struct kh_type *t;
    struct kh_str name;
    const struct kh_json *v;
    const struct kh_write *how;
    struct kh_draft *draft;
    struct kh_record *ret;
    int64_t id, valid, at;
    bool merge;
    const struct kh_who *who;
    enum kh_op op;
    const struct kh_list *q;
    struct kh_page *page;
    enum kh_hit hit;
    bool (*fn)(struct kh_tx *tx, struct act *x, struct kh_error *err);
};

static bool in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct act *x = ctx;

    return x->fn(tx, x, err);
}

static bool run(struct act *x, enum kh_tx_mode mode)
{
    struct world *w = x->w;

    w->err = (struct kh_error){0};
    if (kh_store_run(w->f.st, "test", mode, in_tx, x, &w->err))
        return true;
    /* No test expects the database to fail. */
    if (w->err.code == KH_EC_STORE || w->err.code == KH_EC_INTERNAL)
        fprintf(stderr, "# %s\n", w->err.detail);
    return false;
}

static bool do_put(struct kh_tx *tx, struct act *x, struct kh_error *err)
{
    return kh_type_put(tx, x->w->reg, x->w->a, x->name, x->v, err);
}

bool put_type(struct world *w, const char *name, const char *schema)
{
    struct act x = {.w = w, .name = kh_cstr(name), .v = J(w, schema), .fn = do_put};

    return run(&x, KH_TX_WRITE);
}

const struct kh_type *type_named(struct world *w, const char *name)
{
    const struct kh_type *t = kh_type_find(w->reg, kh_cstr(name));

    assert_non_null(t);
    return t;
}

static bool do_insert(struct kh_tx *tx, struct act *x, struct kh_error *err)
{
    return kh_record_insert(tx, x->w->reg, x->w->a, x->draft, x->ret, err);
}

bool create(struct world *w, const char *type, const struct kh_who *who, const char *fields,
            struct kh_record *ret)
{
    struct kh_write how = {.who = who ? who : &w->system};
    struct kh_record r;
    struct act x = {.w = w, .ret = ret ? ret : &r, .fn = do_insert};

    w->err = (struct kh_error){0};
    return kh_record_prepare(w->reg, w->a, type_named(w, type), J(w, fields), &how, &x.draft,
                             &w->err) &&
           run(&x, KH_TX_WRITE);
}

struct many {
    struct world *w;
    struct kh_draft **drafts;
    size_t n;
    int64_t *ids;
};

static bool insert_all(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct many *m = ctx;

    for (size_t i = 0; i < m->n; i++) {
        struct kh_record r;

        kh_clock_add(KH_US_S);
        if (!kh_record_insert(tx, m->w->reg, m->w->a, m->drafts[i], &r, err))
            return false;
        m->ids[i] = r.id;
    }
    return true;
}

bool create_all(struct world *w, const char *type, const char *const *fields, size_t n,
                int64_t *ret_ids)
{
    struct kh_write how = {.who = &w->system};
    struct many m = {w, kh_new_n(w->a, n, struct kh_draft *), n, ret_ids};

    w->err = (struct kh_error){0};
    for (size_t i = 0; i < n; i++)
        if (!kh_record_prepare(w->reg, w->a, type_named(w, type), J(w, fields[i]), &how,
                               &m.drafts[i], &w->err))
            return false;
    return kh_store_run(w->f.st, "test", KH_TX_WRITE, insert_all, &m, &w->err);
}

static bool do_change(struct kh_tx *tx, struct act *x, struct kh_error *err)
{
    return kh_record_change(tx, x->w->reg, x->w->a, x->t, x->id, x->v, x->merge, x->how, x->ret,
                            err);
}

bool change_as(struct world *w, const char *type, int64_t id, const char *fields, bool merge,
               const struct kh_write *how, struct kh_record *ret)
{
    struct kh_record r;
    struct act x = {.w = w, .t = type_named(w, type), .id = id, .v = J(w, fields), .merge = merge,
                    .how = how, .ret = ret ? ret : &r, .fn = do_change};

    return run(&x, KH_TX_WRITE);
}

bool change(struct world *w, const char *type, const struct kh_who *who, int64_t id,
            const char *fields, struct kh_record *ret)
{
    struct kh_write how = {.who = who ? who : &w->system};

    return change_as(w, type, id, fields, true, &how, ret);
}

static bool do_correct(struct kh_tx *tx, struct act *x, struct kh_error *err)
{
    return kh_record_correct(tx, x->w->reg, x->w->a, x->t, x->id, x->v, x->how, x->ret, err);
}

bool correct(struct world *w, const char *type, int64_t id, const char *fields, const char *reason,
             int64_t from, struct kh_record *ret)
{
    struct kh_write how = {.who = &w->system, .reason = kh_cstr(reason), .valid_from_us = from};
    struct kh_record r;
    struct act x = {.w = w, .t = type_named(w, type), .id = id, .v = J(w, fields), .how = &how,
                    .ret = ret ? ret : &r, .fn = do_correct};

    return run(&x, KH_TX_WRITE);
}

static bool do_close(struct kh_tx *tx, struct act *x, struct kh_error *err)
{
    return kh_record_close(tx, x->w->reg, x->w->a, x->t, x->id, x->how, x->ret, err);
}

bool close_record(struct world *w, const char *type, const struct kh_who *who, int64_t id,
                  int64_t from, struct kh_record *ret)
{
    struct kh_write how = {.who = who ? who : &w->system, .valid_from_us = from};
    struct kh_record r;
    struct act x = {.w = w, .t = type_named(w, type), .id = id, .how = &how,
                    .ret = ret ? ret : &r, .fn = do_close};

    return run(&x, KH_TX_WRITE);
}

static bool do_get(struct kh_tx *tx, struct act *x, struct kh_error *err)
{
    x->hit = kh_record_get(tx, x->w->reg, x->w->a, x->t, x->id, x->valid, x->at, x->ret, err);
    return x->hit != KH_FAIL;
}

enum kh_hit get(struct world *w, const char *type, int64_t id, int64_t valid, int64_t at,
                struct kh_record *ret)
{
    struct act x = {.w = w, .t = type_named(w, type), .id = id, .valid = valid, .at = at,
                    .ret = ret, .fn = do_get};

    return run(&x, KH_TX_READ) ? x.hit : KH_FAIL;
}

static bool do_open(struct kh_tx *tx, struct act *x, struct kh_error *err)
{
    x->hit = kh_record_open(tx, x->w->reg, x->w->a, x->t, x->id, 0, 0, x->who, x->op, x->ret, err);
    return x->hit == KH_HIT;
}

enum kh_hit open_as(struct world *w, const char *type, int64_t id, const struct kh_who *who,
                    enum kh_op op, struct kh_record *ret)
{
    struct act x = {.w = w, .t = type_named(w, type), .id = id, .who = who, .op = op, .ret = ret,
                    .fn = do_open};

    return run(&x, KH_TX_READ) ? x.hit : KH_FAIL;
}

static bool do_list(struct kh_tx *tx, struct act *x, struct kh_error *err)
{
    return kh_record_list(tx, x->w->reg, x->w->a, x->t, x->q, x->page, err);
}

bool list(struct world *w, const char *type, const struct kh_list *q, struct kh_page *ret)
{
    struct kh_list mine = *q;
    struct act x = {.w = w, .t = type_named(w, type), .q = &mine, .page = ret, .fn = do_list};

    mine.who = q->who ? q->who : &w->system;
    return run(&x, KH_TX_READ);
}

struct kh_str render(struct world *w, const struct kh_record *r, const struct kh_who *who)
{
    struct kh_buf b = kh_buf(w->a, 1 << 20);

    kh_record_render(w->a, w->reg, r, who, &b);
    return kh_buf_get(&b);
}

struct kh_str issue_code(struct world *w)
{
    return w->err.issues && w->err.issues->n ? w->err.issues->items[0].code : KH_S("");
}

struct kh_str issue_at(struct world *w)
{
    return w->err.issues && w->err.issues->n ? w->err.issues->items[0].pointer : KH_S("");
}
