/* SPDX-License-Identifier: Apache-2.0 */
/* Writes to a record that exists. Its life is a row of pieces, each true in the world from one
 * instant to another; a write cuts them, replaces some, and says which one now stands in the table of
 * the type. Nothing is overwritten: what was known before is closed, not changed. */
#include "engine/registry/registry_int.h"

#include "base/time.h"

#include <stdlib.h>

enum { SRC_NEW = -2, SRC_HEAD = -1 };

struct piece {
    int64_t from, to;
    struct kh_str data;
    int64_t srev, sv, recorded;
    int src; /* SRC_NEW, SRC_HEAD, or index into alive */
};

/* Content that this write has looked at: parsed and indexed once. */
struct known {
    struct kh_str data;
    const struct kh_json *fields;
    struct kh_rrow row; /* columns, place and words of it; nothing else */
    struct known *next;
};

/* One write on its way. */
struct life {
    struct kh_tx *tx;
    struct kh_registry *reg;
    struct kh_arena *a;
    const struct kh_type *t;
    const struct kh_write *w;
    struct kh_rrow head;           /* as it is */
    struct kh_rversion *alive;     /* the other pieces as known now */
    size_t alive_n;
    struct piece *pieces;          /* what is known now, in the order of time */
    size_t n;
    struct piece *next;            /* what will be known */
    size_t next_n;
    bool *dead;                    /* per alive: replaced by this write */
    bool head_dead;
    int64_t now, rev;
    struct kh_rversion *touched;   /* rows inserted or closed */
    size_t touched_n;
    int64_t seg;
    struct known *known;
};

static struct known *learn(struct life *l, struct kh_str data, const struct kh_json *fields)
{
    struct known *k = kh_new(l->a, struct known);

    k->data = data;
    k->fields = fields;
    k->next = l->known;
    l->known = k;
    return k;
}

static bool look(struct life *l, struct kh_str data, const struct known **ret, struct kh_error *err)
{
    struct kh_json *fields;
    struct known *k;

    for (k = l->known; k; k = k->next)
        if (k->data.p == data.p && k->data.n == data.n) {
            *ret = k;
            return true;
        }
    if (!kh_json_parse(l->a, data, NULL, &fields, err))
        return kh_error_wrap(err, "stored record");
    k = learn(l, data, fields);
    kh_columns_reread(l->t, l->a, fields, &k->row);
    k->row.search = data.p == l->head.data.p ? l->head.search
                                             : kh_columns_words(l->t, l->a, fields);
    *ret = k;
    return true;
}

static int by_from(const void *x, const void *y)
{
    const struct piece *p = x, *q = y;

    return p->from < q->from ? -1 : p->from > q->from;
}

static bool load(struct life *l, int64_t id, struct kh_error *err)
{
    switch (kh_rtable_head(l->tx, l->t->table, l->a, id, &l->head, err)) {
    case KH_HIT:
        break;
    case KH_MISS:
        return kh_fail(err, KH_EC_RECORD_UNKNOWN, "%.*s", KH_FMT(l->t->name));
    case KH_FAIL:
        return false;
    }
    l->head.state = l->head.state.n ? l->head.state : (struct kh_str){0};
    if (l->head.segs && !kh_version_sql_all(l->tx, l->a, id, true, &l->alive, &l->alive_n, err))
        return false;
    l->now = kh_now_us();
    /* A clock that went back must not let this write precede what it changes. */
    if (l->now < l->head.recorded_us)
        l->now = l->head.recorded_us;
    l->rev = l->head.rev + 1;
    l->seg = l->head.segs;
    l->pieces = kh_new_n(l->a, l->alive_n + 1, struct piece);
    l->next = kh_new_n(l->a, 2 * l->alive_n + 8, struct piece);
    l->dead = kh_new_n(l->a, l->alive_n + 1, bool);
    l->touched = kh_new_n(l->a, 4 * l->alive_n + 12, struct kh_rversion);
    l->pieces[l->n++] = (struct piece){l->head.valid_from, l->head.valid_to, l->head.data,
                                       l->head.srev,       l->head.sv,       l->head.recorded_us,
                                       SRC_HEAD};
    for (size_t i = 0; i < l->alive_n; i++) {
        const struct kh_rversion *v = &l->alive[i];

        l->pieces[l->n++] = (struct piece){v->valid_from, v->valid_to, v->data, v->rev,
                                           v->sv,         v->recorded_from, (int)i};
    }
    qsort(l->pieces, l->n, sizeof(l->pieces[0]), by_from);
    return true;
}

/* ---- what will be known ---- */

static void keep(struct life *l, const struct piece *p)
{
    l->next[l->next_n++] = *p;
}

static void replaced(struct life *l, const struct piece *p)
{
    if (p->src == SRC_HEAD)
        l->head_dead = true;
    else
        l->dead[p->src] = true;
}

/* The part of p from `from` to `to`, as this write knows it; nothing if that is empty. */
static void part(struct life *l, const struct piece *p, int64_t from, int64_t to)
{
    struct piece q = *p;

    if (from >= to)
        return;
    q.from = from;
    q.to = to;
    q.src = SRC_NEW;
    q.recorded = l->now;
    keep(l, &q);
}

static void fresh(struct life *l, int64_t from, int64_t to, struct kh_str data)
{
    struct piece q = {from, to, data, l->rev, l->t->version, l->now, SRC_NEW};

    if (from < to)
        keep(l, &q);
}

static const struct piece *piece_at(const struct life *l, int64_t us)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->pieces[i].from <= us && us < l->pieces[i].to)
            return &l->pieces[i];
    return NULL;
}

/* The piece that stands for the record now: what holds, else what held last, else what comes. */
static size_t choose(const struct piece *p, size_t n, int64_t now)
{
    size_t best = 0;

    for (size_t i = 0; i < n; i++) {
        if (p[i].from <= now && now < p[i].to)
            return i;
        if (p[i].from <= now)
            best = i;
    }
    return best;
}

/* ---- writing it down ---- */

static bool insert_version(struct life *l, struct kh_rversion *v, struct kh_error *err)
{
    v->id = l->head.id;
    v->seg = ++l->seg;
    v->type = l->t->name;
    v->by_rev = l->rev;
    l->touched[l->touched_n++] = *v;
    if (v->pending)
        kh_type_due(l->tx, l->a, l->t, v->valid_from);
    return kh_version_sql_insert(l->tx, v, err);
}

static struct kh_rversion head_version(const struct life *l)
{
    const struct kh_rrow *h = &l->head;

    return (struct kh_rversion){.rev = h->srev,
                                .head = true,
                                .sv = h->sv,
                                .valid_from = h->valid_from,
                                .valid_to = h->valid_to,
                                .was_to = h->valid_to,
                                .recorded_from = h->recorded_us,
                                .recorded_to = KH_FOREVER,
                                .data = h->data};
}

/* An ordinary change: the head was cut at its end, and what follows takes its place. Then one row
 * tells both what was known before and what is known since. */
static const struct piece *simple_cut(const struct life *l, size_t chosen)
{
    const struct piece *rest = chosen > 0 ? &l->next[chosen - 1] : NULL;

    if (!l->head_dead || !rest || rest->src != SRC_NEW || rest->srev != l->head.srev ||
        rest->from != l->head.valid_from || rest->to != l->next[chosen].from)
        return NULL;
    return rest;
}

static bool write_head_version(struct life *l, size_t chosen, const struct piece **ret_cut,
                               struct kh_error *err)
{
    struct kh_rversion v = head_version(l);
    const struct piece *cut = simple_cut(l, chosen);

    *ret_cut = cut;
    if (!l->head_dead && l->next[chosen].src == SRC_HEAD)
        return true;
    if (cut) {
        v.valid_to = cut->to;
        v.cut_us = l->now;
    } else if (l->head_dead) {
        v.recorded_to = l->now;
        v.dead_rev = l->rev;
    } else {
        v.pending = v.valid_from > l->now;
    }
    return insert_version(l, &v, err);
}

static bool kill_version(struct life *l, size_t i, int64_t recorded_to, struct kh_error *err)
{
    struct kh_rversion *v = &l->alive[i];

    v->recorded_to = recorded_to;
    v->dead_rev = l->rev;
    l->touched[l->touched_n++] = *v;
    return kh_version_sql_kill(l->tx, v->id, v->seg, recorded_to, l->rev, err);
}

static int by_seg(const void *x, const void *y)
{
    const struct kh_rversion *p = x, *q = y;

    return p->seg < q->seg ? -1 : p->seg > q->seg;
}

static bool write_versions(struct life *l, size_t chosen, struct kh_error *err)
{
    const struct piece *cut;

    if (!write_head_version(l, chosen, &cut, err))
        return false;
    for (size_t i = 0; i < l->alive_n; i++)
        if (l->dead[i] && !kill_version(l, i, l->now, err))
            return false;
    for (size_t i = 0; i < l->next_n; i++) {
        const struct piece *p = &l->next[i];
        struct kh_rversion v = {.rev = p->srev,
                                .pending = p->from > l->now,
                                .sv = p->sv,
                                .valid_from = p->from,
                                .valid_to = p->to,
                                .was_to = p->to,
                                .recorded_from = l->now,
                                .recorded_to = KH_FOREVER,
                                .data = p->data};

        if (p->src != SRC_NEW || i == chosen || p == cut)
            continue;
        if (!insert_version(l, &v, err))
            return false;
    }
    /* A piece whose time has come moves into the table of the type: it was known all along, so the
     * row it leaves behind is closed from its own beginning. */
    if (l->next[chosen].src >= 0 &&
        !kill_version(l, (size_t)l->next[chosen].src, l->next[chosen].recorded, err))
        return false;
    qsort(l->touched, l->touched_n, sizeof(l->touched[0]), by_seg);
    return true;
}

static bool write_row(struct life *l, size_t chosen, const char *kind, const struct kh_write *w,
                      struct kh_record *ret, struct kh_error *err)
{
    const struct piece *p = &l->next[chosen];
    const struct known *before, *after;
    const struct kh_rrow *was, *is;
    struct kh_rrow row = l->head;
    unsigned char state[32], old[32];
    uint64_t changed;

    if (!look(l, l->head.data, &before, err) || !look(l, p->data, &after, err))
        return false;
    was = &before->row;
    is = &after->row;
    changed = kh_columns_changed(l->t, was->cols, is->cols);
    row.cols = is->cols;
    row.search = is->search;
    row.has_place = is->has_place;
    row.lon = is->lon;
    row.lat = is->lat;
    row.cell = is->cell;
    memcpy(row.box, is->box, sizeof(row.box));
    row.rev = l->rev;
    row.srev = p->srev;
    row.sv = p->sv;
    row.valid_from = p->from;
    row.valid_to = p->to;
    row.recorded_us = p->recorded;
    row.live = p->to > l->now;
    row.segs = l->seg;
    row.data = p->data;
    if (l->head.state.n)
        memcpy(old, l->head.state.p, sizeof(old));
    else
        kh_state_first(l->t->name, &l->head, old);
    kh_state_next(l->t->name, &row, old, l->touched, l->touched_n, state);
    row.state = kh_str((const char *)state, sizeof(state));
    if (!kh_rtable_update(l->tx, l->t->table, l->a, &row,
                          changed | (row.live != l->head.live ? KH_RCHANGED_LIVE : 0),
                          was->has_place != is->has_place || was->cell != is->cell ||
                              memcmp(was->box, is->box, sizeof(was->box)) != 0,
                          l->head.search, err))
        return false;
    {
        struct kh_rrow told = row;

        told.recorded_us = l->now;
        if (!kh_record_event(l->tx, l->a, l->t, kind, &told, before->fields, after->fields, w, old,
                             state, err) ||
            !kh_record_files(l->tx, l->reg, l->a, l->t, row.id, after->fields, err))
            return false;
    }
    kh_type_due(l->tx, l->a, l->t, row.valid_to);
    kh_record_of_row(l->t, &row, ret);
    ret->fields = after->fields;
    return true;
}

static bool finish(struct life *l, const char *kind, const struct kh_write *w,
                   struct kh_record *ret, struct kh_error *err)
{
    size_t chosen;

    qsort(l->next, l->next_n, sizeof(l->next[0]), by_from);
    chosen = choose(l->next, l->next_n, l->now);
    /* A row that carries the memory of a cut cannot become the head as it is. */
    if (l->next[chosen].src >= 0 && l->alive[l->next[chosen].src].cut_us) {
        replaced(l, &l->next[chosen]);
        l->next[chosen].src = SRC_NEW;
        l->next[chosen].recorded = l->now;
    }
    return write_versions(l, chosen, err) && write_row(l, chosen, kind, w, ret, err);
}

/* ---- who may ---- */

static bool same_member(const struct kh_json *x, const struct kh_json *y, struct kh_str name)
{
    const struct kh_json *p = kh_json_find(x, name), *q = kh_json_find(y, name);

    return p && q ? kh_json_eq(p, q) : p == q;
}

static bool may_touch(struct life *l, const struct known *now, const struct kh_json *then,
                      enum kh_op op, struct kh_error *err)
{
    const struct kh_type *t = l->t;
    bool *touched;

    if (l->w->trusted)
        return true;
    if (l->w->import)
        op = KH_OP_IMPORT;
    if (!kh_access_row(t, l->w->who, KH_OP_READ, now->row.cols) &&
        !kh_access_row(t, l->w->who, op, now->row.cols))
        return kh_fail(err, KH_EC_RECORD_UNKNOWN, "%.*s", KH_FMT(t->name));
    touched = kh_new_n(l->a, t->fields_n, bool);
    for (size_t i = 0; then && i < t->fields_n; i++)
        touched[i] = !t->fields[i].computed && !same_member(now->fields, then, t->fields[i].name);
    return kh_access_write(t, l->w->who, op, now->row.cols, touched, err);
}

static bool begin(struct life *l, int64_t id, struct kh_error *err)
{
    if (!load(l, id, err))
        return false;
    if (l->w->if_revision && l->w->if_revision != l->head.rev)
        return kh_fail(err, KH_EC_RECORD_STALE, "revision %lld is not %lld any more",
                       (long long)l->head.rev, (long long)l->w->if_revision);
    return true;
}

/* ---- change ---- */

/* A reader who saw only part of a record sends back only that part: what was hidden stays. */
static void keep_hidden(struct life *l, const struct known *base, struct kh_json *fields)
{
    const struct kh_type *t = l->t;
    enum kh_level_of see = l->w->trusted ? KH_SEE_SENSITIVE
                                         : kh_access_see(t, l->w->who, KH_OP_READ, base->row.cols);

    for (size_t i = 0; i < base->fields->n; i++) {
        const struct kh_json_member *m = &base->fields->members[i];
        int f = kh_type_field(t, m->key);

        if (f >= 0 && (t->fields[f].level > see || t->fields[f].serial) &&
            !kh_json_find(fields, m->key))
            kh_json_set(l->a, fields, m->key, &m->value);
    }
}

static bool check_new(struct life *l, const struct known *base, struct kh_json *fields,
                      int64_t from, int64_t to, struct kh_rrow *row, struct kh_error *err)
{
    if (!kh_fields_check(l->t, l->a, fields, false, err) ||
        !kh_columns_update(l->t, l->a, base->fields, &base->row, fields, row, err))
        return false;
    row->id = l->head.id;
    row->valid_from = from;
    row->valid_to = to;
    row->data = kh_json_text(l->a, fields);
    if (row->data.n > KH_DATA_MAX)
        return kh_fail(err, KH_EC_BODY_TOO_LARGE, "a record has at most %d bytes", KH_DATA_MAX);
    learn(l, row->data, fields)->row = *row;
    return kh_refs_check(l->tx, l->reg, l->t, l->a, fields, base->fields, l->now, err) &&
           kh_place_check(l->tx, l->reg, l->t, l->a, row, &base->row, err) &&
           kh_unique_check(l->tx, l->t, l->a, row,
                           kh_columns_changed(l->t, base->row.cols, row->cols), err);
}

bool kh_record_change(struct kh_tx *tx, struct kh_registry *reg, struct kh_arena *a,
                      const struct kh_type *t, int64_t id, const struct kh_json *fields, bool merge,
                      const struct kh_write *w, struct kh_record *ret, struct kh_error *err)
{
    struct life l = {.tx = tx, .reg = reg, .a = a, .t = t, .w = w};
    const struct kh_json *meta = NULL;
    const struct piece *p;
    const struct known *base;
    struct kh_json *next, *given;
    struct kh_rrow row = {0};
    int64_t from, said_from = 0, said_to = 0, to;

    if (w->correction)
        return kh_record_correct(tx, reg, a, t, id, fields, w, ret, err);
    if (!kh_json_is(fields, KH_JSON_OBJECT))
        return kh_fail_field(a, err, KH_EC_RECORD_INVALID, KH_S(""), "type",
                             "Bản ghi là một đối tượng JSON.", "A record is a JSON object.");
    if (!begin(&l, id, err))
        return false;
    from = w->valid_from_us ? w->valid_from_us : l.now;
    p = piece_at(&l, from);
    if (!p && !w->valid_from_us && l.n == 1 && l.head.valid_from > l.now) {
        p = &l.pieces[0]; /* not valid yet: what is planned is changed as a whole */
        from = p->from;
    }
    if (!look(&l, p ? p->data : l.head.data, &base, err))
        return false;
    if (!p) {
        if (!may_touch(&l, base, NULL, KH_OP_UPDATE, err))
            return false;
        if (from < l.pieces[0].from)
            return kh_fail_field(a, err, KH_EC_RECORD_INVALID, KH_S("/meta/valid_from"), "order",
                                 "Trước khi bản ghi bắt đầu; hãy đính chính (correct).",
                                 "This is before the record began; correct it instead.");
        return kh_fail(err, KH_EC_RECORD_CLOSED, "%.*s", KH_FMT(t->name));
    }
    given = kh_fields_clean(a, fields, &meta);
    next = merge ? kh_json_merge(a, base->fields, given) : given;
    keep_hidden(&l, base, next);
    if (!may_touch(&l, base, next, KH_OP_UPDATE, err))
        return false;
    to = p->to;
    if (t->to >= 0 && !kh_validity_of(t, a, next, NULL, &said_from, &said_to, err))
        return false;
    if (t->to >= 0 && !same_member(base->fields, next, t->fields[t->to].name))
        to = said_to ? (said_to > from ? said_to : from + 1) : KH_FOREVER;
    if (!check_new(&l, base, next, from, to, &row, err))
        return false;
    if (kh_json_eq(base->fields, next)) {
        kh_record_of_row(t, &l.head, ret);
        return true;
    }
    for (size_t i = 0; i < l.n; i++) {
        if (&l.pieces[i] != p) {
            keep(&l, &l.pieces[i]);
            continue;
        }
        replaced(&l, p);
        part(&l, p, p->from, from);
        fresh(&l, from, to, row.data);
    }
    return finish(&l, "record.update", w, ret, err);
}

/* ---- correct ---- */

static bool need_reason(const struct kh_write *w, struct kh_arena *a, struct kh_error *err)
{
    if (kh_str_trim(w->reason).n)
        return true;
    return kh_fail_field(a, err, KH_EC_REASON_REQUIRED, KH_S("/reason"), "required",
                         "Đính chính cần ghi rõ lý do.", "A correction needs its reason.");
}

static bool correct_piece(struct life *l, const struct piece *p, const struct kh_json *patch,
                          int64_t from, int64_t to, bool *ret_same, struct kh_str *ret_data,
                          struct kh_error *err)
{
    const struct known *base;
    struct kh_json *next;
    struct kh_rrow row = {0};

    if (!look(l, p->data, &base, err))
        return false;
    next = kh_json_merge(l->a, base->fields, patch);
    if (!may_touch(l, base, next, KH_OP_UPDATE, err) ||
        !check_new(l, base, next, from, to, &row, err))
        return false;
    *ret_same = kh_json_eq(base->fields, next);
    *ret_data = row.data;
    return true;
}

bool kh_record_correct(struct kh_tx *tx, struct kh_registry *reg, struct kh_arena *a,
                       const struct kh_type *t, int64_t id, const struct kh_json *fields,
                       const struct kh_write *w, struct kh_record *ret, struct kh_error *err)
{
    struct life l = {.tx = tx, .reg = reg, .a = a, .t = t, .w = w};
    struct kh_json *patch;
    struct kh_str data;
    int64_t from;
    bool same = false, any = false;

    if (!kh_json_is(fields, KH_JSON_OBJECT))
        return kh_fail_field(a, err, KH_EC_RECORD_INVALID, KH_S("/fields"), "type",
                             "fields là một đối tượng JSON.", "fields is a JSON object.");
    if (!need_reason(w, a, err) || !begin(&l, id, err))
        return false;
    patch = kh_fields_clean(a, fields, NULL);
    from = w->valid_from_us ? w->valid_from_us : l.head.valid_from;
    if (from < l.pieces[0].from) {
        /* It began earlier than was known. */
        if (!correct_piece(&l, &l.pieces[0], patch, from, l.pieces[0].from, &same, &data, err))
            return false;
        fresh(&l, from, l.pieces[0].from, data);
        any = true;
    }
    for (size_t i = 0; i < l.n; i++) {
        const struct piece *p = &l.pieces[i];
        int64_t start = p->from > from ? p->from : from;

        if (p->to <= from) {
            keep(&l, p);
            continue;
        }
        if (!correct_piece(&l, p, patch, start, p->to, &same, &data, err))
            return false;
        if (same) {
            keep(&l, p);
            continue;
        }
        any = true;
        replaced(&l, p);
        part(&l, p, p->from, start);
        fresh(&l, start, p->to, data);
    }
    if (!any) {
        kh_record_of_row(t, &l.head, ret);
        return true;
    }
    return finish(&l, "record.correct", w, ret, err);
}

/* ---- close ---- */

bool kh_record_close(struct kh_tx *tx, struct kh_registry *reg, struct kh_arena *a,
                     const struct kh_type *t, int64_t id, const struct kh_write *w,
                     struct kh_record *ret, struct kh_error *err)
{
    struct life l = {.tx = tx, .reg = reg, .a = a, .t = t, .w = w};
    const struct known *base;
    int64_t from;

    if (!begin(&l, id, err) || !look(&l, l.head.data, &base, err) ||
        !may_touch(&l, base, NULL, KH_OP_CLOSE, err))
        return false;
    from = w->valid_from_us ? w->valid_from_us : l.now;
    if (l.pieces[l.n - 1].to <= from)
        return kh_fail(err, KH_EC_RECORD_CLOSED, "%.*s", KH_FMT(t->name));
    /* It was true for an instant at least: a life without length could not be found again. */
    if (from <= l.pieces[0].from)
        from = l.pieces[0].from + 1;
    for (size_t i = 0; i < l.n; i++) {
        const struct piece *p = &l.pieces[i];

        if (p->to <= from) {
            keep(&l, p);
            continue;
        }
        replaced(&l, p);
        part(&l, p, p->from, from);
    }
    return finish(&l, "record.close", w, ret, err);
}

/* ---- time ---- */

bool kh_record_promote(struct kh_tx *tx, struct kh_registry *reg, struct kh_arena *a,
                       const struct kh_type *t, int64_t id, struct kh_error *err)
{
    struct kh_who who = kh_who_system(KH_S("registry"));
    struct kh_write w = {.who = &who, .trusted = true};
    struct life l = {.tx = tx, .reg = reg, .a = a, .t = t, .w = &w};
    struct kh_record got;
    size_t chosen;

    if (!load(&l, id, err))
        return false;
    chosen = choose(l.pieces, l.n, l.now);
    if (l.pieces[chosen].src == SRC_HEAD)
        return !l.head.live || l.head.valid_to > l.now ||
               kh_rtable_live(tx, t->table, id, false, err);
    for (size_t i = 0; i < l.n; i++)
        keep(&l, &l.pieces[i]);
    return finish(&l, "record.effective", &w, &got, err);
}
