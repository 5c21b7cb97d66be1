/* SPDX-License-Identifier: Apache-2.0 */
#include "store/event/event_sql.h"

#include "base/buf.h"
#include "base/hash.h"

#define COLS                                                                                       \
    "at_us, kind, type, subject, about, unit, owner, level, actor, reason, basis, before_hash,"    \
    " after_hash, salt, data, payload"
#define VALUES "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16"

/* A text that is absent is stored empty, not NULL. */
static void bind_str(struct kh_query *q, int n, struct kh_str s)
{
    kh_bind_text(q, n, s.p ? s : kh_str("", 0));
}

static void bind_bytes(struct kh_query *q, int n, const unsigned char *p, size_t len)
{
    kh_bind_blob(q, n, kh_str((const char *)p, len));
}

static void bind_hash(struct kh_query *q, int n, const unsigned char h[32])
{
    static const unsigned char zero[32];

    if (memcmp(h, zero, 32) == 0)
        kh_bind_null(q, n);
    else
        bind_bytes(q, n, h, 32);
}

static void bind_event(struct kh_query *q, const struct kh_event_row *r)
{
    const struct kh_event *e = &r->e;

    kh_bind_int(q, 1, e->at_us);
    bind_str(q, 2, e->kind);
    bind_str(q, 3, e->type);
    kh_bind_int(q, 4, e->subject);
    kh_bind_int(q, 5, e->about);
    bind_str(q, 6, e->unit);
    kh_bind_int(q, 7, e->owner);
    kh_bind_int(q, 8, e->level);
    bind_str(q, 9, e->actor);
    bind_str(q, 10, e->reason);
    bind_str(q, 11, e->basis);
    bind_hash(q, 12, e->before);
    bind_hash(q, 13, e->after);
    bind_bytes(q, 14, r->salt, sizeof(r->salt));
    bind_str(q, 15, e->data);
    bind_bytes(q, 16, r->payload, sizeof(r->payload));
}

bool kh_event_sql_insert(struct kh_tx *tx, const struct kh_event_row *r, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "event_insert", "INSERT INTO event(" COLS ", chain, seq) VALUES (" VALUES ", $17, $18)",
        NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    bind_event(&q, r);
    bind_bytes(&q, 17, r->chain, sizeof(r->chain));
    kh_bind_int(&q, 18, r->e.seq);
    return kh_query_run(&q, NULL, err);
}

bool kh_event_sql_inbox(struct kh_tx *tx, const struct kh_event_row *r, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "event_inbox", "INSERT INTO event_inbox(" COLS ") VALUES (" VALUES ")", NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    bind_event(&q, r);
    return kh_query_post(&q, err);
}

/* Copy up to want bytes; a column of another length (tampered with) leaves zeros. */
static void col_bytes(struct kh_query *q, int i, unsigned char *out, size_t want)
{
    struct kh_str s = kh_col_blob(q, i);

    memset(out, 0, want);
    if (s.n == want)
        memcpy(out, s.p, want);
}

/* COLS as they were selected. */
static void read_cols(struct kh_query *q, struct kh_arena *a, struct kh_event_row *r)
{
    struct kh_event *e = &r->e;

    e->at_us = kh_col_int(q, 0);
    e->kind = kh_str_dup(a, kh_col_text(q, 1));
    e->type = kh_str_dup(a, kh_col_text(q, 2));
    e->subject = kh_col_int(q, 3);
    e->about = kh_col_int(q, 4);
    e->unit = kh_str_dup(a, kh_col_text(q, 5));
    e->owner = kh_col_int(q, 6);
    e->level = (int)kh_col_int(q, 7);
    e->actor = kh_str_dup(a, kh_col_text(q, 8));
    e->reason = kh_str_dup(a, kh_col_text(q, 9));
    e->basis = kh_str_dup(a, kh_col_text(q, 10));
    col_bytes(q, 11, e->before, sizeof(e->before));
    col_bytes(q, 12, e->after, sizeof(e->after));
    r->erased = kh_col_null(q, 13) && kh_col_null(q, 14);
    col_bytes(q, 13, r->salt, sizeof(r->salt));
    e->data = kh_str_dup(a, kh_col_text(q, 14));
    col_bytes(q, 15, r->payload, sizeof(r->payload));
}

static void read_row(struct kh_query *q, struct kh_arena *a, struct kh_event_row *r)
{
    read_cols(q, a, r);
    col_bytes(q, 16, r->chain, sizeof(r->chain));
    r->e.seq = kh_col_int(q, 17);
}

static bool read_rows(struct kh_query *q, struct kh_arena *a, struct kh_event_row **ret_rows,
                      size_t *ret_n, struct kh_error *err)
{
    struct kh_event_row *rows = NULL;
    size_t n = 0, cap = 0;
    enum kh_hit hit;

    while ((hit = kh_query_next(q, err)) == KH_HIT) {
        rows = kh_grow(a, rows, n, n + 1, &cap, sizeof(*rows));
        read_row(q, a, &rows[n++]);
        if (kh_arena_over(a))
            return kh_fail(err, KH_EC_ARENA_FULL, "after %zu events", n);
    }
    *ret_rows = rows;
    *ret_n = n;
    return hit == KH_MISS;
}

bool kh_event_sql_list(struct kh_tx *tx, struct kh_arena *a, int64_t after, size_t limit,
                       struct kh_event_row **ret_rows, size_t *ret_n, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "event_list", "SELECT " COLS ", chain, seq FROM event WHERE seq > $1 ORDER BY seq LIMIT $2",
        NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_int(&q, 1, after);
    kh_bind_int(&q, 2, (int64_t)limit);
    return read_rows(&q, a, ret_rows, ret_n, err);
}

bool kh_event_sql_typed(struct kh_tx *tx, struct kh_arena *a, struct kh_str type, int64_t after,
                        int64_t to, struct kh_event **ret, size_t *ret_n, struct kh_error *err)
{
    static const struct kh_sql sql = {"event_typed",
                                      "SELECT seq, at_us, kind, data FROM event"
                                      " WHERE seq > $1 AND seq <= $2 AND type = $3 ORDER BY seq",
                                      NULL};
    kh_auto(kh_query) q = {0};
    struct kh_event *all = NULL;
    size_t n = 0, cap = 0;
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_int(&q, 1, after);
    kh_bind_int(&q, 2, to);
    kh_bind_text(&q, 3, type);
    while ((hit = kh_query_next(&q, err)) == KH_HIT) {
        all = kh_grow(a, all, n, n + 1, &cap, sizeof(*all));
        all[n++] = (struct kh_event){.seq = kh_col_int(&q, 0),
                                     .at_us = kh_col_int(&q, 1),
                                     .kind = kh_str_dup(a, kh_col_text(&q, 2)),
                                     .type = type,
                                     .data = kh_str_dup(a, kh_col_text(&q, 3))};
    }
    *ret = all;
    *ret_n = n;
    return hit == KH_MISS;
}

bool kh_event_sql_of(struct kh_tx *tx, struct kh_arena *a, int64_t id, int64_t after, size_t limit,
                     struct kh_event_row **ret_rows, size_t *ret_n, struct kh_error *err)
{
    /* Two ranges of two indexes, each cut at the limit before they meet. */
    static const struct kh_sql sql = {
        "event_of",
        "SELECT " COLS ", chain, seq FROM event WHERE seq IN ("
        "SELECT seq FROM (SELECT seq FROM event WHERE subject = $1 AND subject <> 0 AND subject <> about AND seq > $2"
        " ORDER BY seq LIMIT $3) AS s UNION "
        "SELECT seq FROM (SELECT seq FROM event WHERE about = $1 AND about <> 0 AND seq > $2"
        " ORDER BY seq LIMIT $3) AS c) ORDER BY seq LIMIT $3",
        NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_int(&q, 1, id);
    kh_bind_int(&q, 2, after);
    kh_bind_int(&q, 3, (int64_t)limit);
    return read_rows(&q, a, ret_rows, ret_n, err);
}

bool kh_event_sql_head(struct kh_tx *tx, struct kh_chain *ret, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "event_head", "SELECT seq, chain FROM event ORDER BY seq DESC LIMIT 1", NULL};
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    hit = kh_query_next(&q, err);
    if (hit == KH_FAIL)
        return false;
    *ret = (struct kh_chain){0};
    if (hit == KH_HIT) {
        ret->seq = kh_col_int(&q, 0);
        col_bytes(&q, 1, ret->hash, sizeof(ret->hash));
    }
    return true;
}

enum kh_hit kh_event_sql_erase(struct kh_tx *tx, int64_t seq, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "event_erase", "UPDATE event SET salt = NULL, data = NULL WHERE seq = $1", NULL};
    kh_auto(kh_query) q = {0};
    int64_t changes = 0;

    if (!kh_query_open(&q, tx, &sql, err))
        return KH_FAIL;
    kh_bind_int(&q, 1, seq);
    if (!kh_query_run(&q, &changes, err))
        return KH_FAIL;
    return changes ? KH_HIT : KH_MISS;
}

bool kh_event_sql_waiting(struct kh_tx *tx, struct kh_arena *a, size_t limit,
                          struct kh_inbox_row **ret_rows, size_t *ret_n, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "event_waiting", "SELECT " COLS ", id FROM event_inbox ORDER BY id LIMIT $1", NULL};
    kh_auto(kh_query) q = {0};
    struct kh_inbox_row *rows = kh_new_n(a, limit, struct kh_inbox_row);
    enum kh_hit hit;
    size_t n = 0;

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_int(&q, 1, (int64_t)limit);
    while ((hit = kh_query_next(&q, err)) == KH_HIT) {
        read_cols(&q, a, &rows[n].r);
        rows[n++].id = kh_col_int(&q, 16);
    }
    *ret_rows = rows;
    *ret_n = n;
    return hit == KH_MISS;
}

bool kh_event_sql_seal(struct kh_tx *tx, struct kh_arena *a, const struct kh_inbox_row *rows,
                       size_t n, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "event_seal", NULL,
        "WITH u AS (SELECT * FROM json_to_recordset(CAST($1 AS json))"
        " AS x(id bigint, seq bigint, chain text)),"
        " gone AS (DELETE FROM event_inbox i USING u WHERE i.id = u.id"
        " RETURNING i.*, u.seq, decode(u.chain, 'hex') AS chain)"
        " INSERT INTO event(" COLS ", chain, seq) SELECT " COLS ", chain, seq FROM gone"
        " ORDER BY seq"};
    struct kh_buf list = kh_buf(a, n * 160 + 16);
    kh_auto(kh_query) q = {0};
    int64_t moved = 0;

    for (size_t i = 0; i < n; i++) {
        struct kh_str hex = kh_hex(a, rows[i].r.chain, sizeof(rows[i].r.chain));

        kh_buf_strf(&list, "%c{\"id\":%lld,\"seq\":%lld,\"chain\":\"%.*s\"}", i ? ',' : '[',
                    (long long)rows[i].id, (long long)rows[i].r.e.seq, KH_FMT(hex));
    }
    kh_buf_c(&list, ']');
    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_text(&q, 1, kh_buf_get(&list));
    if (!kh_query_run(&q, &moved, err))
        return false;
    return moved == (int64_t)n ||
           kh_fail(err, KH_EC_STORE, "sealed %lld of %zu events", (long long)moved, n);
}

enum kh_hit kh_event_sql_erasing(struct kh_tx *tx, int64_t seq, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "event_erasing",
        "SELECT 1 FROM event_inbox WHERE kind = 'event.erase' AND subject = $1 LIMIT 1", NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return KH_FAIL;
    kh_bind_int(&q, 1, seq);
    return kh_query_next(&q, err);
}

bool kh_checkpoint_sql_add(struct kh_tx *tx, const struct kh_checkpoint *c, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "checkpoint_add",
        "INSERT INTO checkpoint(seq, at_us, what, chain, signer, signature)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_int(&q, 1, c->seq);
    kh_bind_int(&q, 2, c->at_us);
    kh_bind_text(&q, 3, c->what);
    bind_bytes(&q, 4, c->chain, sizeof(c->chain));
    bind_bytes(&q, 5, c->signer, sizeof(c->signer));
    bind_bytes(&q, 6, c->signature, sizeof(c->signature));
    return kh_query_run(&q, NULL, err);
}

bool kh_checkpoint_sql_list(struct kh_tx *tx, struct kh_arena *a, struct kh_checkpoint **ret,
                            size_t *ret_n, struct kh_error *err)
{
    static const struct kh_sql sql = {"checkpoint_list",
                                      "SELECT seq, at_us, what, chain, signer, signature"
                                      " FROM checkpoint ORDER BY seq, at_us, signer",
                                      NULL};
    kh_auto(kh_query) q = {0};
    struct kh_checkpoint *all = NULL;
    size_t n = 0, cap = 0;
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    while ((hit = kh_query_next(&q, err)) == KH_HIT) {
        struct kh_checkpoint *c;

        all = kh_grow(a, all, n, n + 1, &cap, sizeof(*all));
        c = &all[n++];
        c->seq = kh_col_int(&q, 0);
        c->at_us = kh_col_int(&q, 1);
        c->what = kh_str_dup(a, kh_col_text(&q, 2));
        col_bytes(&q, 3, c->chain, sizeof(c->chain));
        col_bytes(&q, 4, c->signer, sizeof(c->signer));
        col_bytes(&q, 5, c->signature, sizeof(c->signature));
    }
    *ret = all;
    *ret_n = n;
    return hit == KH_MISS;
}
