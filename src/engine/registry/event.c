/* SPDX-License-Identifier: Apache-2.0 */
/* What the log says of a write: who sees it, and the fields that figures and screens live on. */
#include "engine/registry/registry_int.h"

#include "base/id.h"
#include "store/event.h"

static bool told(const struct kh_field *f)
{
    return (f->col >= 0 || f->figure) && f->level <= KH_SEE_INTERNAL;
}

/* The fields that figures are made of, whether they changed or not. */
static void put_figures(struct kh_jw *w, const struct kh_type *t, const struct kh_json *after)
{
    kh_jw_key(w, "is");
    kh_jw_obj(w);
    for (size_t i = 0; i < t->fields_n; i++) {
        const struct kh_field *f = &t->fields[i];
        const struct kh_json *v = f->figure && told(f) ? kh_json_find(after, f->name) : NULL;

        if (!v)
            continue;
        kh_jw_keys(w, f->name);
        kh_jw_json(w, v);
    }
    kh_jw_end(w);
}

/* Fields that differ: their new values under "changed", what they were under "was". */
static enum kh_level_of put_changes(struct kh_jw *w, const struct kh_type *t,
                                    const struct kh_json *before, const struct kh_json *after)
{
    static const struct kh_json null = {.type = KH_JSON_NULL};
    enum kh_level_of level = KH_SEE_PUBLIC;

    for (int was = 0; was < (before ? 2 : 1); was++) {
        kh_jw_key(w, was ? "was" : "changed");
        kh_jw_obj(w);
        for (size_t i = 0; i < t->fields_n; i++) {
            const struct kh_field *f = &t->fields[i];
            const struct kh_json *x = kh_json_find(before, f->name);
            const struct kh_json *y = kh_json_find(after, f->name);

            x = x ? x : &null;
            y = y ? y : &null;
            if (!told(f) || kh_json_eq(x, y))
                continue;
            kh_jw_keys(w, f->name);
            kh_jw_json(w, was ? x : y);
            level = f->level > level ? f->level : level;
        }
        kh_jw_end(w);
    }
    return level;
}

bool kh_record_event(struct kh_tx *tx, struct kh_arena *a, const struct kh_type *t,
                     const char *kind, const struct kh_rrow *row, const struct kh_json *before,
                     const struct kh_json *after, const struct kh_write *w,
                     const unsigned char *state_before, const unsigned char *state_after,
                     struct kh_error *err)
{
    struct kh_event e = {.at_us = row->recorded_us,
                         .kind = kh_cstr(kind),
                         .type = t->name,
                         .subject = row->id,
                         .about = row->id,
                         .actor = w->who->actor,
                         .reason = w->reason,
                         .basis = w->basis.n ? w->basis : w->who->purpose};
    struct kh_buf b = kh_buf(a, KH_DATA_MAX);
    struct kh_jw jw = kh_jw(&b);
    enum kh_level_of level;

    if (t->unit >= 0 && row->cols[t->fields[t->unit].col].kind == KH_RV_TEXT)
        e.unit = row->cols[t->fields[t->unit].col].s;
    if (t->owner >= 0 && row->cols[t->fields[t->owner].col].kind == KH_RV_INT)
        e.owner = row->cols[t->fields[t->owner].col].i;
    kh_jw_obj(&jw);
    kh_jw_kint(&jw, "rev", row->rev);
    level = put_changes(&jw, t, before, after);
    if (t->figures)
        put_figures(&jw, t, after);
    kh_jw_end(&jw);
    e.data = kh_buf_get(&b);
    if (level < KH_SEE_INTERNAL && !kh_access_row(t, &kh_who_public, KH_OP_READ, row->cols))
        level = KH_SEE_INTERNAL;
    e.level = (int)level;
    if (state_before)
        memcpy(e.before, state_before, sizeof(e.before));
    memcpy(e.after, state_after, sizeof(e.after));
    return kh_event_append(tx, &e, err);
}
