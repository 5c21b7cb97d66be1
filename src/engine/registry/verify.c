/* SPDX-License-Identifier: Apache-2.0 */
/* Rows against the log: the chain hash of every record is made anew, write by write, and compared with
 * what the event of that write carries. */
#include "engine/registry/registry_int.h"

#include "base/hash.h"
#include "base/id.h"
#include "base/time.h"
#include "store/event.h"
#include "store/registry/type_sql.h"

enum { ISSUES_MAX = 1000, PAGE = 200, EVENTS = 500, PATIENCE = 200, TYPES_MAX = 1000 };

struct seen_type {
    struct kh_str name;
    unsigned char hash[32];
};

struct check {
    struct kh_registry *reg;
    struct kh_arena *a;        /* of the issues */
    struct kh_verify_issue *items;
    size_t n, cap;
    int64_t rows, done, total;
    kh_progress_fn progress;
    void *ctx;
    const struct kh_type *t;
    int64_t after;             /* where the walk goes on: an id, or a seq */
    bool end;
    int64_t lagging[PAGE];     /* records whose newest event is not sealed yet */
    size_t lagging_n;
    const int64_t *again;
    size_t again_n;
    bool last_try;
    struct seen_type *types;
    size_t types_n;
};

static void found(struct check *c, int64_t seq, const char *what, struct kh_str detail)
{
    if (c->n == ISSUES_MAX)
        return;
    c->items = kh_grow(c->a, c->items, c->n, c->n + 1, &c->cap, sizeof(*c->items));
    c->items[c->n++] = (struct kh_verify_issue){seq, kh_cstr(what), kh_str_dup(c->a, detail)};
}

static struct kh_str row_name(struct kh_arena *a, const struct kh_type *t, int64_t id)
{
    return kh_strf(a, "rec_%.*s %.*s", KH_FMT(t->name), KH_FMT(kh_id_text(a, id)));
}

/* ---- one record ---- */

struct life {
    struct kh_arena *a;
    struct kh_rrow head;
    struct kh_rversion *v;
    size_t n;
    struct kh_event *writes; /* events of its writes, oldest first */
    size_t writes_n, cap;
};

static bool read_writes(struct kh_tx *tx, struct life *l, struct kh_error *err)
{
    int64_t after = 0;
    size_t got = EVENTS;

    while (got == EVENTS) {
        struct kh_event *e = NULL;

        if (!kh_event_of(tx, l->a, l->head.id, after, EVENTS, &e, &got, err))
            return false;
        for (size_t i = 0; i < got; i++) {
            after = e[i].seq;
            if (e[i].subject != l->head.id || !kh_str_starts(e[i].kind, KH_S("record.")))
                continue;
            l->writes = kh_grow(l->a, l->writes, l->writes_n, l->writes_n + 1, &l->cap,
                                sizeof(*l->writes));
            l->writes[l->writes_n++] = e[i];
        }
    }
    return true;
}

/* The row as it stood in the table after write rev. */
static struct kh_rrow head_at(const struct life *l, int64_t rev)
{
    struct kh_rrow row = l->head;

    row.rev = rev;
    for (size_t i = 0; i < l->n; i++) {
        const struct kh_rversion *v = &l->v[i];

        if (!v->head || v->by_rev <= rev)
            continue;
        row.srev = v->rev;
        row.sv = v->sv;
        row.valid_from = v->valid_from;
        row.valid_to = v->was_to;
        row.recorded_us = v->recorded_from;
        row.data = v->data;
        break;
    }
    return row;
}

static void check_segs(struct check *c, const struct life *l)
{
    int64_t want = 1;

    for (size_t i = 0; i < l->n; i++) {
        for (; want < l->v[i].seg; want++)
            found(c, 0, "removed",
                  kh_strf(l->a, "record_version %.*s piece %lld",
                          KH_FMT(kh_id_text(l->a, l->head.id)), (long long)want));
        want = l->v[i].seg + 1;
        if (l->v[i].seg > l->head.segs || !kh_str_eq(l->v[i].type, c->t->name))
            found(c, 0, "inserted",
                  kh_strf(l->a, "record_version %.*s piece %lld",
                          KH_FMT(kh_id_text(l->a, l->head.id)), (long long)l->v[i].seg));
    }
    for (; want <= l->head.segs; want++)
        found(c, 0, "removed",
              kh_strf(l->a, "record_version %.*s piece %lld", KH_FMT(kh_id_text(l->a, l->head.id)),
                      (long long)want));
}

static void check_chain(struct check *c, const struct life *l)
{
    const unsigned char *before = NULL;

    for (size_t i = 0; i < l->writes_n && (int64_t)i < l->head.rev; i++) {
        struct kh_rrow row = head_at(l, (int64_t)i + 1);
        unsigned char state[32];

        kh_state_next(c->t->name, &row, before, l->v, l->n, state);
        if (memcmp(state, l->writes[i].after, sizeof(state)) != 0)
            found(c, l->writes[i].seq, "changed",
                  kh_strf(l->a, "%.*s is not what its revision %zu of %lld was",
                          KH_FMT(row_name(l->a, c->t, l->head.id)), i + 1,
                          (long long)l->head.rev));
        /* What follows is judged from what the log says, so that one change is told once. */
        before = l->writes[i].after;
    }
}

static bool same(const struct kh_rval *x, const struct kh_rval *y)
{
    return x->kind == y->kind && x->i == y->i && kh_str_eq(x->s, y->s) &&
           memcmp(&x->r, &y->r, sizeof(x->r)) == 0;
}

static bool same_place(const struct kh_rrow *x, const struct kh_rrow *y, bool extent)
{
    if (!x->has_place || !y->has_place)
        return x->has_place == y->has_place;
    return x->cell == y->cell && memcmp(&x->lon, &y->lon, sizeof(x->lon)) == 0 &&
           memcmp(&x->lat, &y->lat, sizeof(x->lat)) == 0 &&
           (!extent || memcmp(x->box, y->box, sizeof(x->box)) == 0);
}

/* Columns that lists and rights go by say what the data says. */
static bool check_columns(struct kh_tx *tx, struct check *c, const struct life *l,
                          struct kh_error *err)
{
    const struct kh_rshape *s = kh_rtable_shape(c->t->table);
    struct kh_rrow stored, made = {0};
    struct kh_error why = {0};
    struct kh_json *fields;
    bool good = true;

    if (kh_rtable_full(tx, c->t->table, l->a, l->head.id, &stored, err) != KH_HIT)
        return err->code == KH_EC_OK;
    if (!kh_json_parse(l->a, stored.data, NULL, &fields, &why)) {
        found(c, 0, "changed", kh_strf(l->a, "%.*s holds no JSON",
                                       KH_FMT(row_name(l->a, c->t, l->head.id))));
        return true;
    }
    kh_columns_refill(c->t, l->a, fields, &made);
    for (size_t i = 0; i < s->cols_n; i++)
        if (!same(&stored.cols[i], &made.cols[i]))
            found(c, 0, "changed",
                  kh_strf(l->a, "%.*s: column %.*s is not what the record says",
                          KH_FMT(row_name(l->a, c->t, l->head.id)), KH_FMT(s->cols[i].name)));
    if (s->geo != KH_RG_NONE)
        good = same_place(&stored, &made, s->geo == KH_RG_EXTENT);
    if (s->search)
        good = good && kh_str_eq(stored.search, made.search);
    if (!good || (!stored.live && stored.valid_to > kh_now_us()))
        found(c, 0, "changed", kh_strf(l->a, "%.*s: place, words or life are not what the record says",
                                       KH_FMT(row_name(l->a, c->t, l->head.id))));
    return true;
}

static bool check_record(struct kh_tx *tx, struct check *c, struct kh_arena *a, int64_t id,
                         struct kh_error *err)
{
    struct life l = {.a = a};
    enum kh_hit hit = kh_rtable_head(tx, c->t->table, a, id, &l.head, err);

    if (hit != KH_HIT)
        return hit == KH_MISS;
    if (!kh_version_sql_all(tx, a, id, false, &l.v, &l.n, err) || !read_writes(tx, &l, err))
        return false;
    if ((int64_t)l.writes_n < l.head.rev && !c->last_try && c->lagging_n < PAGE) {
        c->lagging[c->lagging_n++] = id;
        return true;
    }
    c->rows += 1 + (int64_t)l.n;
    if (l.writes_n == 0) {
        found(c, 0, "inserted", kh_strf(a, "%.*s: the log does not know it",
                                        KH_FMT(row_name(a, c->t, id))));
        return true;
    }
    if ((int64_t)l.writes_n != l.head.rev)
        found(c, l.writes[l.writes_n - 1].seq, "changed",
              kh_strf(a, "%.*s says it has %lld revisions, the log %zu",
                      KH_FMT(row_name(a, c->t, id)), (long long)l.head.rev, l.writes_n));
    check_segs(c, &l);
    check_chain(c, &l);
    return check_columns(tx, c, &l, err);
}

/* ---- passes ---- */

static void step(struct check *c, int64_t n)
{
    c->done += n;
    if (c->progress)
        c->progress(c->ctx, c->done, c->total > c->done ? c->total : c->done);
}

static bool check_page(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct check *c = ctx;
    kh_auto_arena a = kh_arena_new((size_t)1 << 30);
    int64_t ids[PAGE];
    size_t n = c->again_n;

    if (c->again)
        memcpy(ids, c->again, n * sizeof(ids[0]));
    else if (!kh_rtable_ids(tx, c->t->table, c->after, PAGE, ids, &n, err))
        return false;
    c->lagging_n = 0;
    for (size_t i = 0; i < n; i++) {
        if (!check_record(tx, c, a, ids[i], err))
            return false;
        c->after = ids[i] > c->after ? ids[i] : c->after;
    }
    c->end = n == 0;
    return true;
}

/* On PostgreSQL a commit is in the log a moment later than in its table: look again, then judge. */
static bool check_lagging(struct check *c, struct kh_error *err)
{
    int64_t ids[PAGE];

    for (int i = 0; c->lagging_n && i < PATIENCE; i++) {
        size_t n = c->lagging_n;

        memcpy(ids, c->lagging, n * sizeof(ids[0]));
        c->again = ids;
        c->again_n = n;
        c->last_try = i + 1 == PATIENCE || kh_store_kind(c->reg->st) == KH_STORE_SQLITE;
        if (!kh_store_run(c->reg->st, "verify_again", KH_TX_READ, check_page, c, err))
            return false;
    }
    c->again = NULL;
    c->again_n = 0;
    c->last_try = false;
    return true;
}

static bool check_orphans(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct check *c = ctx;
    kh_auto_arena a = kh_arena_new((size_t)64 << 20);
    int64_t ids[PAGE];
    size_t n = 0;

    if (!kh_version_sql_ids(tx, c->t->name, c->after, PAGE, ids, &n, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        struct kh_rrow row;
        enum kh_hit hit = kh_rtable_head(tx, c->t->table, a, ids[i], &row, err);

        if (hit == KH_FAIL)
            return false;
        if (hit == KH_MISS)
            found(c, 0, "inserted",
                  kh_strf(a, "record_version %.*s: there is no such %.*s",
                          KH_FMT(kh_id_text(a, ids[i])), KH_FMT(c->t->name)));
        c->after = ids[i];
    }
    c->end = n == 0;
    return true;
}

static void remember_type(struct check *c, const struct kh_event *e)
{
    size_t i = 0;

    while (i < c->types_n && !kh_str_eq(c->types[i].name, e->type))
        i++;
    if (i == TYPES_MAX)
        return;
    if (i == c->types_n)
        c->types[c->types_n++].name = kh_str_dup(c->a, e->type);
    memcpy(c->types[i].hash, e->after, sizeof(e->after));
}

/* What the log says was made is there. */
static bool check_made(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct check *c = ctx;
    kh_auto_arena a = kh_arena_new((size_t)256 << 20);
    struct kh_event *e = NULL;
    size_t n = 0;

    if (!kh_event_read(tx, a, c->after, EVENTS, &e, &n, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct kh_type *t = kh_type_find(c->reg, e[i].type);
        struct kh_rrow row;
        enum kh_hit hit;

        c->after = e[i].seq;
        if (kh_str_is(e[i].kind, "type.create") || kh_str_is(e[i].kind, "type.update"))
            remember_type(c, &e[i]);
        if (!kh_str_is(e[i].kind, "record.create"))
            continue;
        hit = t ? kh_rtable_get(tx, t->table, a, e[i].subject, &row, err) : KH_MISS;
        if (hit == KH_FAIL)
            return false;
        if (hit == KH_MISS)
            found(c, e[i].seq, "removed",
                  kh_strf(a, "rec_%.*s %.*s", KH_FMT(e[i].type),
                          KH_FMT(kh_id_text(a, e[i].subject))));
    }
    step(c, (int64_t)n);
    c->end = n < EVENTS;
    return true;
}

static bool check_types(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct check *c = ctx;
    kh_auto_arena a = kh_arena_new((size_t)256 << 20);
    struct kh_rtype_row *rows;
    size_t n;

    if (!kh_type_sql_all(tx, a, &rows, &n, err))
        return false;
    for (size_t i = 0; i < c->types_n; i++) {
        unsigned char sum[32];
        size_t k = 0;

        while (k < n && !kh_str_eq(rows[k].name, c->types[i].name))
            k++;
        if (k == n) {
            found(c, 0, "removed", kh_strf(a, "rtype %.*s", KH_FMT(c->types[i].name)));
            continue;
        }
        kh_sha256_one(rows[k].schema, sum);
        if (memcmp(sum, c->types[i].hash, sizeof(sum)) != 0)
            found(c, 0, "changed", kh_strf(a, "rtype %.*s: its schema", KH_FMT(rows[k].name)));
    }
    c->rows += (int64_t)n;
    return true;
}

static bool pass(struct check *c, const char *name, kh_tx_fn fn, struct kh_error *err)
{
    c->after = 0;
    c->end = false;
    while (!c->end && c->n < ISSUES_MAX) {
        if (!kh_store_run(c->reg->st, name, KH_TX_READ, fn, c, err))
            return false;
        if (fn == check_page) {
            bool end = c->end;

            if (!check_lagging(c, err))
                return false;
            c->end = end;
            step(c, end ? 0 : PAGE);
        }
    }
    return true;
}

bool kh_registry_verify(struct kh_registry *reg, struct kh_arena *a, kh_progress_fn progress,
                        void *ctx, struct kh_verify_issue **ret_issues, size_t *ret_n,
                        int64_t *ret_rows, struct kh_error *err)
{
    struct check c = {.reg = reg, .a = a, .progress = progress, .ctx = ctx};

    c.total = 2 * kh_event_head(reg->st);
    c.types = kh_new_n(a, TYPES_MAX, struct seen_type);
    for (size_t i = 0; (c.t = kh_type_at(reg, i)); i++)
        if (!pass(&c, "verify_records", check_page, err) ||
            !pass(&c, "verify_versions", check_orphans, err))
            return false;
    if (!pass(&c, "verify_made", check_made, err) ||
        !kh_store_run(reg->st, "verify_types", KH_TX_READ, check_types, &c, err))
        return false;
    *ret_issues = c.items;
    *ret_n = c.n;
    *ret_rows = c.rows;
    return true;
}
