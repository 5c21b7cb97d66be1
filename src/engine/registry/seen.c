/* SPDX-License-Identifier: Apache-2.0 */
/* Reads of personal data on their way to the log, and the thread that brings them there. */
#include "engine/registry/registry_int.h"

#include "base/id.h"
#include "base/time.h"
#include "engine/registry/seen.h"
#include "store/event.h"
#include "store/registry/seen_sql.h"
#include "store/row.h"

#include <stdlib.h>
#include <time.h>

enum { QUEUE_MAX = 100000, BATCH = 1000, PERIOD_MS = 500 };

struct note {
    struct note *next;
    struct kh_look row;
    char text[];
};

struct kh_seen {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    struct note *first, **last;
    size_t n;
    bool stop, reload;
};

/* ---- what was seen ---- */

static struct kh_str role_of(const struct kh_type *t, const struct kh_who *who, enum kh_op op,
                             const struct kh_rval *cols)
{
    for (size_t i = 0; i < who->grants_n; i++) {
        struct kh_who one = *who;

        one.grants = &who->grants[i];
        one.grants_n = 1;
        if (kh_access_row(t, &one, op, cols) || kh_access_row(t, &one, KH_OP_LIST, cols))
            return who->grants[i].role;
    }
    return KH_S("");
}

/* Names of the personal fields that are shown; KH_SEE_PUBLIC when there are none. */
static enum kh_level_of shown(struct kh_arena *a, const struct kh_record *r, enum kh_level_of see,
                              struct kh_str *ret_names)
{
    struct kh_record copy = *r;
    const struct kh_json *fields;
    struct kh_error err = {0};
    enum kh_level_of top = KH_SEE_PUBLIC;
    struct kh_buf b = kh_buf(a, 1 << 16);
    struct kh_jw w = kh_jw(&b);

    if (!kh_record_fields(a, &copy, &fields, &err))
        return KH_SEE_PUBLIC;
    kh_jw_arr(&w);
    for (size_t i = 0; i < fields->n; i++) {
        int f = kh_type_field(r->type, fields->members[i].key);
        enum kh_level_of level = f < 0 ? r->type->max_level : r->type->fields[f].level;

        if (level < KH_SEE_PERSONAL || level > see)
            continue;
        top = level > top ? level : top;
        kh_jw_str(&w, fields->members[i].key);
    }
    kh_jw_end(&w);
    *ret_names = kh_buf_get(&b);
    return top;
}

enum kh_level_of kh_record_look(struct kh_arena *a, const struct kh_record *r,
                                const struct kh_who *who, enum kh_op op, struct kh_look *ret)
{
    return kh_record_look_at(a, r, who, op, kh_record_see(a, r, who, op), ret);
}

enum kh_level_of kh_record_look_at(struct kh_arena *a, const struct kh_record *r,
                                   const struct kh_who *who, enum kh_op op, enum kh_level_of see,
                                   struct kh_look *ret)
{
    enum kh_level_of top;
    const struct kh_rval *cols;
    const struct kh_type *t = r->type;

    if (who->kind == KH_WHO_SYSTEM || t->max_level < KH_SEE_PERSONAL || see < KH_SEE_PERSONAL)
        return KH_SEE_PUBLIC;
    cols = kh_record_cols(a, r);
    *ret = (struct kh_look){.at_us = kh_now_us(),
                                .reader = who->account,
                                .actor = who->actor,
                                .name = who->name,
                                .unit = who->unit,
                                .type = t->name,
                                .record = r->id,
                                .purpose = who->purpose};
    if (t->owner >= 0 && cols[t->fields[t->owner].col].kind == KH_RV_INT)
        ret->owner = cols[t->fields[t->owner].col].i;
    /* What one reads of oneself is nobody else's business. */
    if (ret->owner && ret->owner == who->account)
        return KH_SEE_PUBLIC;
    top = shown(a, r, see, &ret->fields);
    ret->role = role_of(t, who, op, cols);
    return top;
}

/* ---- the queue ---- */

static struct kh_str keep(char **at, struct kh_str s)
{
    struct kh_str kept = {*at, s.n};

    if (s.n)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return kept;
}

static struct note *note_of(const struct kh_look *r)
{
    size_t n = r->actor.n + r->name.n + r->role.n + r->unit.n + r->type.n + r->fields.n +
               r->purpose.n;
    struct note *note = calloc(1, sizeof(*note) + n + 1);
    char *at;

    KH_REQUIRE(note != NULL);
    at = note->text;
    note->row = *r;
    note->row.id = kh_id_new();
    note->row.actor = keep(&at, r->actor);
    note->row.name = keep(&at, r->name);
    note->row.role = keep(&at, r->role);
    note->row.unit = keep(&at, r->unit);
    note->row.type = keep(&at, r->type);
    note->row.fields = keep(&at, r->fields);
    note->row.purpose = keep(&at, r->purpose);
    return note;
}

bool kh_seen_later(struct kh_registry *reg, const struct kh_look *r, struct kh_error *err)
{
    struct kh_seen *s = reg->seen;
    struct note *note = note_of(r);
    bool room;

    pthread_mutex_lock(&s->lock);
    room = s->n < QUEUE_MAX;
    if (room) {
        *s->last = note;
        s->last = &note->next;
        s->n++;
    }
    pthread_mutex_unlock(&s->lock);
    if (room)
        return true;
    free(note);
    /* Personal data is not given out without a word in the log. */
    return kh_fail(err, KH_EC_OVERLOADED, "the log of reads is full");
}

bool kh_seen_now(struct kh_tx *tx, const struct kh_look *r, struct kh_error *err)
{
    struct kh_look row = *r;

    row.id = kh_id_new();
    return kh_seen_sql_add(tx, &row, err) && kh_row_seal_id(tx, KH_ROW_ACCESS, row.id, err);
}

bool kh_seen_of(struct kh_tx *tx, struct kh_arena *a, int64_t owner, int64_t before, size_t limit,
                struct kh_look **ret, size_t *ret_n, struct kh_error *err)
{
    return kh_seen_sql_of(tx, a, owner, before, limit, ret, ret_n, err);
}

static bool write_notes(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    kh_auto_arena a = kh_arena_new((size_t)1 << 20);
    struct kh_str *keys = kh_new_n(a, BATCH, struct kh_str);
    const struct note *n = ctx;
    size_t i = 0;

    for (; n && i < BATCH; n = n->next, i++) {
        if (!kh_seen_sql_add(tx, &n->row, err))
            return false;
        keys[i] = kh_strf(a, "%lld", (long long)n->row.id);
    }
    return kh_rows_seal(tx, KH_ROW_ACCESS, keys, i, err);
}

static struct note *take(struct kh_seen *s)
{
    struct note *all;

    pthread_mutex_lock(&s->lock);
    all = s->first;
    s->first = NULL;
    s->last = &s->first;
    s->n = 0;
    pthread_mutex_unlock(&s->lock);
    return all;
}

static void give_back(struct kh_seen *s, struct note *rest)
{
    struct note **end = &rest;
    size_t n = 0;

    for (struct note *x = rest; x; x = x->next, n++)
        end = &x->next;
    pthread_mutex_lock(&s->lock);
    *end = s->first;
    if (!s->first)
        s->last = end;
    s->first = rest;
    s->n += n;
    pthread_mutex_unlock(&s->lock);
}

bool kh_seen_flush(struct kh_registry *reg, struct kh_error *err)
{
    struct kh_seen *s = reg->seen;
    struct note *all = take(s);

    while (all) {
        if (!kh_store_run(reg->st, "seen_flush", KH_TX_WRITE, write_notes, all, err)) {
            give_back(s, all);
            return false;
        }
        for (size_t i = 0; all && i < BATCH; i++) {
            struct note *next = all->next;

            free(all);
            all = next;
        }
    }
    return true;
}

/* ---- the thread ---- */

static void on_event(void *ctx, const struct kh_event *events, size_t n, int64_t head)
{
    struct kh_registry *reg = ctx;
    bool types = n == 0;

    (void)head;
    for (size_t i = 0; i < n; i++)
        types = types || kh_str_starts(events[i].kind, KH_S("type."));
    if (!types)
        return;
    pthread_mutex_lock(&reg->seen->lock);
    reg->seen->reload = true;
    pthread_cond_signal(&reg->seen->wake);
    pthread_mutex_unlock(&reg->seen->lock);
}

static bool stopping(void *ctx)
{
    struct kh_seen *s = ctx;
    bool stop;

    pthread_mutex_lock(&s->lock);
    stop = s->stop;
    pthread_mutex_unlock(&s->lock);
    return stop;
}

static void *run(void *ctx)
{
    struct kh_registry *reg = ctx;
    struct kh_seen *s = reg->seen;
    bool stop = false;

    while (!stop) {
        struct kh_error err = {0};
        struct timespec until;
        bool reload;

        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += PERIOD_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_mutex_lock(&s->lock);
        while (!s->stop && !s->reload)
            if (pthread_cond_timedwait(&s->wake, &s->lock, &until) != 0)
                break;
        stop = s->stop;
        reload = s->reload;
        s->reload = false;
        pthread_mutex_unlock(&s->lock);
        /* What fails here is tried again at the next turn; the store counts its failures. */
        if (reload && !kh_registry_load(reg, &err))
            err = (struct kh_error){0};
        if (!kh_seen_flush(reg, &err))
            err = (struct kh_error){0};
        if (!stop && !kh_registry_tick(reg, &err))
            err = (struct kh_error){0};
        if (!stop && !kh_registry_fill(reg, stopping, s, &err))
            err = (struct kh_error){0};
    }
    return NULL;
}

bool kh_seen_start(struct kh_registry *reg, struct kh_error *err)
{
    struct kh_seen *s = kh_new(reg->a, struct kh_seen);
    pthread_condattr_t attr;

    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->wake, &attr);
    pthread_condattr_destroy(&attr);
    s->last = &s->first;
    reg->seen = s;
    if (!kh_event_follow(reg->st, on_event, reg, err) ||
        pthread_create(&s->thread, NULL, run, reg) != 0) {
        if (err->code == KH_EC_OK)
            kh_fail(err, KH_EC_INTERNAL, "no thread for the registry");
        kh_event_unfollow(reg->st, on_event, reg);
        pthread_cond_destroy(&s->wake);
        pthread_mutex_destroy(&s->lock);
        reg->seen = NULL;
        return false;
    }
    return true;
}

void kh_seen_stop(struct kh_registry *reg)
{
    struct kh_seen *s = reg->seen;

    if (!s)
        return;
    kh_event_unfollow(reg->st, on_event, reg);
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    for (struct note *n = take(s); n;) {
        struct note *next = n->next;

        free(n);
        n = next;
    }
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->lock);
    reg->seen = NULL;
}
