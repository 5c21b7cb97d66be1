/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the table of a type. */
#include "store/registry/table_int.h"

enum { UPDATES_MAX = 64 };

static void bind_fixed(struct kh_query *q, const struct kh_rrow *row)
{
    kh_bind_int(q, 1, row->id);
    kh_bind_int(q, 2, row->rev);
    kh_bind_int(q, 3, row->srev);
    kh_bind_int(q, 4, row->sv);
    kh_bind_int(q, 5, row->valid_from);
    kh_bind_int(q, 6, row->valid_to);
    kh_bind_int(q, 7, row->recorded_us);
    kh_bind_int(q, 8, row->live);
    kh_bind_int(q, 9, row->segs);
    kh_bind_blob(q, 10, row->salt);
    kh_bind_blob(q, 11, row->state.n ? row->state : (struct kh_str){0});
    kh_bind_text(q, 12, row->data);
}

static void bind_update(struct kh_query *q, const struct kh_rrow *row)
{
    kh_bind_int(q, 1, row->id);
    kh_bind_int(q, 2, row->rev);
    kh_bind_int(q, 3, row->srev);
    kh_bind_int(q, 4, row->sv);
    kh_bind_int(q, 5, row->valid_from);
    kh_bind_int(q, 6, row->valid_to);
    kh_bind_int(q, 7, row->recorded_us);
    kh_bind_int(q, 8, row->segs);
    kh_bind_blob(q, 9, row->state.n ? row->state : (struct kh_str){0});
    kh_bind_text(q, 10, row->data);
}

static int bind_place(struct kh_query *q, int n, const struct kh_rshape *s,
                      const struct kh_rrow *row)
{
    int last = n + (s->geo == KH_RG_NONE ? 0 : s->geo == KH_RG_POINT ? 3 : 7);

    if (!row->has_place) {
        for (; n < last; n++)
            kh_bind_null(q, n);
        return last;
    }
    if (s->geo != KH_RG_NONE) {
        kh_bind_real(q, n++, row->lon);
        kh_bind_real(q, n++, row->lat);
        kh_bind_int(q, n++, row->cell);
    }
    if (s->geo == KH_RG_EXTENT)
        for (int i = 0; i < 4; i++)
            kh_bind_real(q, n++, row->box[i]);
    return n;
}

/* ---- rows ---- */

static bool fts(struct kh_tx *tx, const struct kh_sql *sql, int64_t id, struct kh_str text,
                struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, sql, err))
        return false;
    kh_bind_int(&q, 1, id);
    kh_bind_text(&q, 2, text);
    return kh_query_run(&q, NULL, err);
}

bool kh_rtable_insert(struct kh_tx *tx, struct kh_rtable *t, const struct kh_rrow *row,
                      struct kh_error *err)
{
    kh_auto(kh_query) q = {0};
    int n = 13;

    if (!kh_query_open(&q, tx, &t->insert, err))
        return false;
    bind_fixed(&q, row);
    if (t->s.search)
        kh_bind_text(&q, n++, row->search);
    n = bind_place(&q, n, &t->s, row);
    for (size_t i = 0; i < t->s.cols_n; i++)
        kh_bind_rval(&q, n++, &row->cols[i]);
    if (!kh_query_run(&q, NULL, err))
        return false;
    return !t->s.search || kh_rtable_pg(t) || row->search.n == 0 ||
           fts(tx, &t->fts_add, row->id, row->search, err);
}

enum kh_hit kh_rtable_get(struct kh_tx *tx, struct kh_rtable *t, struct kh_arena *a, int64_t id,
                          struct kh_rrow *ret, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;
    int n = 7;

    if (!kh_query_open(&q, tx, &t->get, err))
        return KH_FAIL;
    kh_bind_int(&q, 1, id);
    hit = kh_query_next(&q, err);
    if (hit != KH_HIT)
        return hit;
    *ret = (struct kh_rrow){.id = id,
                            .rev = kh_col_int(&q, 0),
                            .srev = kh_col_int(&q, 1),
                            .sv = kh_col_int(&q, 2),
                            .valid_from = kh_col_int(&q, 3),
                            .valid_to = kh_col_int(&q, 4),
                            .recorded_us = kh_col_int(&q, 5),
                            .data = kh_str_dup(a, kh_col_text(&q, 6))};
    if (t->s.access) {
        struct kh_rval *cols = kh_new_n(a, t->s.cols_n, struct kh_rval);

        for (size_t i = 0; i < t->s.cols_n; i++)
            if (t->s.access >> i & 1)
                cols[i] = kh_col_rval(&q, n++, t->s.cols[i].kind, a);
        ret->cols = cols;
    }
    return KH_HIT;
}

enum kh_hit kh_rtable_head(struct kh_tx *tx, struct kh_rtable *t, struct kh_arena *a, int64_t id,
                           struct kh_rrow *ret, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &t->head, err))
        return KH_FAIL;
    kh_bind_int(&q, 1, id);
    hit = kh_query_next(&q, err);
    if (hit != KH_HIT)
        return hit;
    *ret = (struct kh_rrow){.id = id,
                            .rev = kh_col_int(&q, 1),
                            .srev = kh_col_int(&q, 2),
                            .sv = kh_col_int(&q, 3),
                            .valid_from = kh_col_int(&q, 4),
                            .valid_to = kh_col_int(&q, 5),
                            .recorded_us = kh_col_int(&q, 6),
                            .live = kh_col_int(&q, 7) != 0,
                            .segs = kh_col_int(&q, 8),
                            .salt = kh_str_dup(a, kh_col_blob(&q, 9)),
                            .state = kh_str_dup(a, kh_col_blob(&q, 10)),
                            .data = kh_str_dup(a, kh_col_text(&q, 11))};
    if (t->s.search && !kh_col_null(&q, 12))
        ret->search = kh_str_dup(a, kh_col_text(&q, 12));
    return KH_HIT;
}

enum kh_hit kh_rtable_full(struct kh_tx *tx, struct kh_rtable *t, struct kh_arena *a, int64_t id,
                           struct kh_rrow *ret, struct kh_error *err)
{
    enum kh_hit hit = kh_rtable_head(tx, t, a, id, ret, err);
    struct kh_rval *cols = kh_new_n(a, t->s.cols_n, struct kh_rval);
    kh_auto(kh_query) q = {0};

    if (hit != KH_HIT)
        return hit;
    if (!kh_query_open(&q, tx, &t->full, err))
        return KH_FAIL;
    kh_bind_int(&q, 1, id);
    hit = kh_query_next(&q, err);
    if (hit != KH_HIT)
        return hit;
    ret->has_place = t->s.geo != KH_RG_NONE && !kh_col_null(&q, 0);
    if (ret->has_place) {
        ret->lon = kh_col_real(&q, 0);
        ret->lat = kh_col_real(&q, 1);
        ret->cell = kh_col_int(&q, 2);
    }
    for (int i = 0; ret->has_place && t->s.geo == KH_RG_EXTENT && i < 4; i++)
        ret->box[i] = kh_col_real(&q, 3 + i);
    for (size_t i = 0; i < t->s.cols_n; i++)
        cols[i] = kh_col_rval(&q, (int)i + 7, t->s.cols[i].kind, a);
    ret->cols = cols;
    return KH_HIT;
}

struct update {
    uint64_t changed;
    bool place, search;
};

static struct kh_str update_text(struct kh_rtable *t, struct kh_arena *a, const struct update *u)
{
    struct kh_buf b = kh_buf(a, KH_RSQL_MAX);
    static const char *const names[] = {"lon", "lat", "cell", "x0", "y0", "x1", "y1"};
    size_t places = t->s.geo == KH_RG_NONE ? 0 : t->s.geo == KH_RG_POINT ? 3 : 7;
    int n = 11;

    kh_buf_strf(&b,
                "UPDATE rec_%.*s SET rev = $2, srev = $3, sv = $4, valid_from = $5, valid_to = $6, "
                "recorded_us = $7, segs = $8, state = $9, data = $10",
                KH_FMT(t->s.type));
    if (u->changed & KH_RCHANGED_LIVE)
        kh_buf_strf(&b, ", live = $%d", n++);
    if (u->search) {
        kh_buf_strf(&b, ", search = $%d", n);
        if (kh_rtable_pg(t))
            kh_buf_strf(&b, ", tsv = " KH_TSV("%d"), n);
        n++;
    }
    for (size_t i = 0; u->place && i < places; i++)
        kh_buf_strf(&b, ", %s = $%d", names[i], n++);
    for (size_t i = 0; i < t->s.cols_n; i++)
        if (u->changed >> i & 1)
            kh_buf_strf(&b, ", %.*s = $%d", KH_FMT(t->s.cols[i].name), n++);
    kh_buf_z(&b, " WHERE id = $1");
    KH_REQUIRE(!b.full);
    return kh_buf_get(&b);
}

/* Which columns change is up to the caller's patch: so that many shapes do not push each other out,
 * beyond a number of them one statement sets every column. */
static struct kh_sql update_sql(struct kh_rtable *t, struct kh_arena *a, struct update *u)
{
    uint64_t all = ((UINT64_C(1) << t->s.cols_n) - 1) | KH_RCHANGED_LIVE;
    uint64_t *slot;

    slot = &t->update_masks[u->changed * 0x9e3779b97f4a7c15U >> 57];
    pthread_mutex_lock(&t->lock);
    if (*slot != u->changed && t->updates_n < UPDATES_MAX) {
        *slot = u->changed;
        t->updates_n++;
    }
    if (*slot != u->changed)
        u->changed = all;
    pthread_mutex_unlock(&t->lock);
    return kh_rtable_sql(t, a, "update", update_text(t, a, u));
}

bool kh_rtable_update(struct kh_tx *tx, struct kh_rtable *t, struct kh_arena *a,
                      const struct kh_rrow *row, uint64_t changed, bool place_changed,
                      struct kh_str old_search, struct kh_error *err)
{
    struct update u = {changed, place_changed && t->s.geo != KH_RG_NONE,
                       t->s.search && !kh_str_eq(old_search, row->search)};
    struct kh_sql sql = update_sql(t, a, &u);
    kh_auto(kh_query) q = {0};
    int n = 11;

    if (!kh_query_open_passing(&q, tx, &sql, err))
        return false;
    bind_update(&q, row);
    if (u.changed & KH_RCHANGED_LIVE)
        kh_bind_int(&q, n++, row->live);
    if (u.search)
        kh_bind_text(&q, n++, row->search);
    if (u.place)
        n = bind_place(&q, n, &t->s, row);
    for (size_t i = 0; i < t->s.cols_n; i++)
        if (u.changed >> i & 1)
            kh_bind_rval(&q, n++, &row->cols[i]);
    /* The old entry goes before the row changes: the index must be told what it held. */
    if (u.search && !kh_rtable_pg(t) && old_search.n && !fts(tx, &t->fts_del, row->id, old_search, err))
        return false;
    if (!kh_query_run(&q, NULL, err))
        return false;
    return !u.search || kh_rtable_pg(t) || row->search.n == 0 ||
           fts(tx, &t->fts_add, row->id, row->search, err);
}

bool kh_rtable_live(struct kh_tx *tx, struct kh_rtable *t, int64_t id, bool live,
                    struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &t->live, err))
        return false;
    kh_bind_int(&q, 1, id);
    kh_bind_int(&q, 2, live);
    return kh_query_run(&q, NULL, err);
}

void kh_rtable_taken_text(const struct kh_rtable *t, struct kh_buf *b, const unsigned char *cols,
                          size_t n)
{
    kh_buf_z(b, "SELECT id, valid_from, valid_to FROM rec_");
    kh_buf_str(b, t->s.type);
    kh_buf_z(b, " WHERE id <> $1 AND valid_from < $2 AND valid_to > $3");
    for (size_t i = 0; i < n; i++) {
        kh_buf_z(b, " AND ");
        kh_buf_str(b, t->s.cols[cols[i]].name);
        kh_buf_z(b, " = $");
        kh_buf_int(b, (int64_t)i + 4);
    }
    kh_buf_z(b, " LIMIT 1");
}

enum kh_hit kh_rtable_taken(struct kh_tx *tx, struct kh_rtable *t, struct kh_arena *a,
                            const unsigned char *cols, size_t n, const struct kh_rval *values, int64_t id, int64_t from,
                            int64_t to, struct kh_rspan_of *ret, struct kh_error *err)
{
    struct kh_sql sql;
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (n == 1 && cols[0] < KH_RCOLS_MAX) {
        if (!kh_query_open(&q, tx, &t->taken[cols[0]], err))
            return KH_FAIL;
    } else {
        struct kh_buf b = kh_buf(a, KH_RSQL_MAX);

        kh_rtable_taken_text(t, &b, cols, n);
        sql = kh_rtable_sql(t, a, "taken", kh_buf_get(&b));
        if (!kh_query_open_passing(&q, tx, &sql, err))
            return KH_FAIL;
    }
    kh_bind_int(&q, 1, id);
    kh_bind_int(&q, 2, to);
    kh_bind_int(&q, 3, from);
    for (size_t i = 0; i < n; i++)
        kh_bind_rval(&q, (int)i + 4, &values[cols[i]]);
    hit = kh_query_next(&q, err);
    if (hit == KH_HIT)
        *ret = (struct kh_rspan_of){kh_col_int(&q, 0), kh_col_int(&q, 1), kh_col_int(&q, 2)};
    return hit;
}

enum kh_hit kh_rtable_has(struct kh_tx *tx, struct kh_rtable *t, int64_t id, int64_t valid_us,
                          struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &t->has, err))
        return KH_FAIL;
    kh_bind_int(&q, 1, id);
    kh_bind_int(&q, 2, valid_us);
    return kh_query_next(&q, err);
}

static bool read_ids(struct kh_query *q, size_t max, int64_t *ids, size_t *ret_n,
                     struct kh_error *err)
{
    enum kh_hit hit = KH_HIT;
    size_t n = 0;

    while (n < max && (hit = kh_query_next(q, err)) == KH_HIT)
        ids[n++] = kh_col_int(q, 0);
    if (hit == KH_FAIL)
        return false;
    *ret_n = n;
    return true;
}

bool kh_rtable_ids(struct kh_tx *tx, struct kh_rtable *t, int64_t after, size_t max, int64_t *ids,
                   size_t *ret_n, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &t->ids, err))
        return false;
    kh_bind_int(&q, 1, after);
    kh_bind_int(&q, 2, (int64_t)max);
    return read_ids(&q, max, ids, ret_n, err);
}

bool kh_rtable_ended(struct kh_tx *tx, struct kh_rtable *t, int64_t now_us, size_t max,
                     int64_t *ids, size_t *ret_n, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &t->ended, err))
        return false;
    kh_bind_int(&q, 1, now_us);
    kh_bind_int(&q, 2, (int64_t)max);
    return read_ids(&q, max, ids, ret_n, err);
}

enum kh_hit kh_rtable_next_end(struct kh_tx *tx, struct kh_rtable *t, int64_t *ret_us,
                               struct kh_error *err)
{
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &t->next_end, err))
        return KH_FAIL;
    hit = kh_query_next(&q, err);
    if (hit == KH_HIT)
        *ret_us = kh_col_int(&q, 0);
    return hit;
}

bool kh_rtable_larger(struct kh_tx *tx, struct kh_rtable *t, int64_t n, bool *ret,
                      struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &t->larger, err))
        return false;
    kh_bind_int(&q, 1, n + 1);
    if (kh_query_next(&q, err) != KH_HIT)
        return err->code == KH_EC_OK ? kh_fail(err, KH_EC_STORE, "count") : false;
    *ret = kh_col_int(&q, 0) > n;
    return true;
}
