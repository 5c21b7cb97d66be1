/* SPDX-License-Identifier: Apache-2.0 */
/* Revisions of a record and what each of them changed. What was known is in the pieces; who did it and
 * why is in the log. */
#include "engine/registry/registry_int.h"

#include "store/event.h"

enum { EVENTS = 200, EVENTS_MAX = 20000 };

struct story {
    struct kh_arena *a;
    struct kh_rrow head;
    struct kh_rversion *v;
    size_t n;
};

/* Content that write rev made; the newest piece of it (a correction makes several). */
static bool made_by(const struct story *s, int64_t rev, struct kh_str *ret_data, int64_t *ret_from,
                    int64_t *ret_to)
{
    if (s->head.srev == rev) {
        *ret_data = s->head.data;
        *ret_from = s->head.valid_from;
        *ret_to = s->head.valid_to;
        return true;
    }
    for (size_t i = s->n; i-- > 0;)
        if (s->v[i].rev == rev) {
            *ret_data = s->v[i].data;
            *ret_from = s->v[i].valid_from;
            *ret_to = s->v[i].was_to;
            return true;
        }
    return false;
}

/* The row that stood in the table before write rev. */
static bool head_before(const struct story *s, int64_t rev, struct kh_str *ret_data)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->v[i].head && s->v[i].by_rev >= rev) {
            *ret_data = s->v[i].data;
            return true;
        }
    *ret_data = s->head.data;
    return true;
}

static bool parse(struct kh_arena *a, struct kh_str data, const struct kh_json **ret,
                  struct kh_error *err)
{
    struct kh_json *v;

    if (!kh_json_parse(a, data, NULL, &v, err))
        return kh_error_wrap(err, "stored record");
    *ret = v;
    return true;
}

static bool tell(const struct story *s, const struct kh_event *e, int64_t rev,
                 struct kh_revision *r, struct kh_error *err)
{
    struct kh_str before = {0}, after = {0};

    *r = (struct kh_revision){.revision = rev,
                              .recorded_us = e->at_us,
                              .kind = e->kind,
                              .actor = e->actor,
                              .reason = e->reason};
    if (rev > 1 && !head_before(s, rev, &before))
        return kh_fail(err, KH_EC_STORE_CORRUPT, "revision %lld is missing", (long long)rev);
    if (!made_by(s, rev, &after, &r->valid_from_us, &r->valid_to_us)) {
        /* It made no content: an end, or a piece that took effect. */
        if (!head_before(s, rev + 1, &after))
            return false;
        r->valid_from_us = s->head.valid_from;
        r->valid_to_us = s->head.valid_to;
        for (size_t i = 0; i < s->n; i++)
            if (s->v[i].head && s->v[i].by_rev > rev) {
                r->valid_from_us = s->v[i].valid_from;
                r->valid_to_us = s->v[i].was_to;
                break;
            }
    }
    return (rev == 1 || parse(s->a, before, &r->before, err)) &&
           parse(s->a, after, &r->after, err);
}

bool kh_record_history(struct kh_tx *tx, const struct kh_registry *reg, struct kh_arena *a,
                       const struct kh_type *t, int64_t id, int64_t before, size_t limit,
                       struct kh_revision **ret, size_t *ret_n, struct kh_error *err)
{
    struct story s = {.a = a};
    struct kh_event *events = NULL;
    struct kh_revision *items = kh_new_n(a, limit, struct kh_revision);
    int64_t after = 0, rev = 0, first, last;
    size_t n = 0, got = EVENTS, read = 0;
    enum kh_hit hit = kh_rtable_head(tx, t->table, a, id, &s.head, err);

    (void)reg;
    if (hit != KH_HIT)
        return hit == KH_MISS ? kh_fail(err, KH_EC_RECORD_UNKNOWN, "%.*s", KH_FMT(t->name)) : false;
    if (!kh_version_sql_all(tx, a, id, false, &s.v, &s.n, err))
        return false;
    last = before ? before - 1 : s.head.rev;
    first = last - (int64_t)limit + 1 > 1 ? last - (int64_t)limit + 1 : 1;
    while (got == EVENTS && read < EVENTS_MAX && rev < last) {
        if (!kh_event_of(tx, a, id, after, EVENTS, &events, &got, err))
            return false;
        read += got;
        for (size_t i = 0; i < got && rev < last; i++) {
            after = events[i].seq;
            if (events[i].subject != id || !kh_str_starts(events[i].kind, KH_S("record.")))
                continue;
            rev++;
            if (rev < first)
                continue;
            /* Newest first. */
            if (!tell(&s, &events[i], rev, &items[last - rev], err))
                return false;
            n++;
        }
    }
    /* On PostgreSQL the newest writes may not be sealed yet: they follow within a moment. */
    if (rev < last) {
        size_t missing = (size_t)(last - (rev < first - 1 ? first - 1 : rev));

        memmove(items, items + missing, n * sizeof(*items));
    }
    *ret = items;
    *ret_n = n;
    return true;
}

enum kh_hit kh_record_past(struct kh_tx *tx, const struct kh_registry *reg, struct kh_arena *a,
                           const struct kh_type *t, int64_t id, const struct kh_who *who,
                           enum kh_op op, struct kh_record *ret, struct kh_error *err)
{
    struct kh_rrow row;
    struct kh_record r;
    enum kh_hit hit = kh_rtable_get(tx, t->table, a, id, &row, err);

    (void)reg;
    if (hit == KH_FAIL)
        return hit;
    if (hit == KH_HIT) {
        kh_record_of_row(t, &row, &r);
        if (kh_access_row(t, who, op, kh_record_cols(a, &r))) {
            *ret = r;
            return KH_HIT;
        }
    }
    return kh_fail_hit(err, KH_EC_RECORD_UNKNOWN, "%.*s", KH_FMT(t->name));
}

static void put_diff(struct kh_arena *a, struct kh_str name, const struct kh_json *x,
                     const struct kh_json *y, struct kh_jw *w)
{
    kh_jw_obj(w);
    kh_jw_kstr(w, "pointer", kh_strf(a, "/%.*s", KH_FMT(name)));
    kh_jw_key(w, "before");
    if (x)
        kh_jw_json(w, x);
    else
        kh_jw_null(w);
    kh_jw_key(w, "after");
    if (y)
        kh_jw_json(w, y);
    else
        kh_jw_null(w);
    kh_jw_end(w);
}

static bool visible(const struct kh_type *t, struct kh_str name, enum kh_level_of see)
{
    int f = kh_type_field(t, name);

    return f < 0 ? see >= t->max_level && see >= KH_SEE_INTERNAL : t->fields[f].level <= see;
}

void kh_record_diff(struct kh_arena *a, const struct kh_type *t, const struct kh_json *before,
                    const struct kh_json *after, enum kh_level_of see, struct kh_jw *w)
{
    kh_jw_arr(w);
    for (size_t i = 0; after && i < after->n; i++) {
        struct kh_str name = after->members[i].key;
        const struct kh_json *x = kh_json_find(before, name), *y = &after->members[i].value;

        if (visible(t, name, see) && !(x && kh_json_eq(x, y)))
            put_diff(a, name, x, y, w);
    }
    for (size_t i = 0; before && i < before->n; i++) {
        struct kh_str name = before->members[i].key;

        if (visible(t, name, see) && !kh_json_find(after, name))
            put_diff(a, name, &before->members[i].value, NULL, w);
    }
    kh_jw_end(w);
}
