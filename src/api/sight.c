/* SPDX-License-Identifier: Apache-2.0 */
/* Who sees which events: the one rule for pages and live streams. */
#include "api/hub.h"

#include "base/id.h"
#include "base/time.h"

enum { LEVEL_PUBLIC = 0, LEVEL_INTERNAL = 1 };

struct kh_sight kh_sight_of(const struct kh_who *who)
{
    return (struct kh_sight){
        .all = who->kind == KH_WHO_SYSTEM || kh_who_has(who, KH_S("admin"), KH_S("")),
        .account = who->account,
        .grants = who->grants,
        .grants_n = who->grants_n,
    };
}

static bool in_scope(const struct kh_sight *s, const struct kh_event *e, int64_t now_us)
{
    for (size_t i = 0; i < s->grants_n; i++)
        if (s->grants[i].until_us > now_us && kh_unit_covers(s->grants[i].unit, e->unit))
            return true;
    return false;
}

bool kh_sight_inside(const struct kh_sight *s, const struct kh_event *e, int64_t now_us)
{
    return s->all || (s->grants_n && e->level <= LEVEL_INTERNAL && in_scope(s, e, now_us));
}

static bool wanted(const struct kh_sight *s, const struct kh_event *e)
{
    return (s->about == 0 || s->about == e->about || s->about == e->subject) &&
           (s->type.n == 0 || kh_str_eq(s->type, e->type)) &&
           (s->kind.n == 0 || kh_str_eq(s->kind, e->kind));
}

bool kh_sight_sees(const struct kh_sight *s, const struct kh_event *e, int64_t now_us)
{
    if (!wanted(s, e))
        return false;
    return e->level <= LEVEL_PUBLIC || (s->account && s->account == e->owner) ||
           kh_sight_inside(s, e, now_us);
}

static void put_id(struct kh_jw *w, const char *key, int64_t id)
{
    char z[KH_ID_CHARS];

    kh_jw_key(w, key);
    if (id == 0) {
        kh_jw_null(w);
        return;
    }
    kh_id_put(z, id);
    kh_jw_str(w, kh_str(z, KH_ID_CHARS));
}

void kh_event_render(struct kh_buf *b, const struct kh_event *e, bool inside)
{
    struct kh_jw w = kh_jw(b);
    char at[32];

    kh_jw_obj(&w);
    kh_jw_kint(&w, "seq", e->seq);
    kh_jw_key(&w, "at");
    kh_jw_str(&w, kh_str(at, kh_time_put(at, e->at_us)));
    kh_jw_kstr(&w, "kind", e->kind);
    kh_jw_kstr(&w, "type", e->type);
    put_id(&w, "subject", e->subject);
    put_id(&w, "about", e->about);
    kh_jw_kstr(&w, "unit", e->unit);
    if (inside)
        kh_jw_kstr(&w, "by", e->actor);
    kh_jw_key(&w, "data");
    if (e->data.n)
        kh_jw_raw(&w, e->data);
    else
        kh_jw_null(&w);
    kh_jw_end(&w);
}
