/* SPDX-License-Identifier: Apache-2.0 */
#include "api/agency.h"

#include "api/city.h"
#include "base/hash.h"
#include "base/time.h"
#include "engine/registry/registry.h"
#include "store/event.h"
#include "store/store.h"

#include <pthread.h>
#include <stdlib.h>

/* A city has some hundreds of agencies; what finds its place taken by another code replaces it. */
enum { SLOTS = 1024, TEXT_MAX = 640 };

/* A reader on an old snapshot may put down a name just after it was changed: not for long. */
#define KEPT_US (10 * KH_US_S)

struct slot {
    int64_t until_us; /* by the clock that only goes on */
    struct kh_str code, name, short_name, commune; /* in text */
    char text[TEXT_MAX];
};

struct kh_agencies {
    pthread_mutex_t lock;
    uint64_t generation; /* grows with every change of the register */
    struct slot slots[SLOTS];
};

static bool about_agencies(const struct kh_event *events, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (kh_str_is(events[i].type, "agency"))
            return true;
    return n == 0; /* nobody says what it was */
}

static void on_events(void *ctx, const struct kh_event *events, size_t n, int64_t head)
{
    struct kh_agencies *ag = ctx;

    (void)head;
    if (!about_agencies(events, n))
        return;
    pthread_mutex_lock(&ag->lock);
    ag->generation++;
    memset(ag->slots, 0, sizeof(ag->slots));
    pthread_mutex_unlock(&ag->lock);
}

bool kh_agencies_open(struct kh_city *city, struct kh_agencies **ret, struct kh_error *err)
{
    struct kh_agencies *ag = calloc(1, sizeof(*ag));

    KH_REQUIRE(ag != NULL);
    pthread_mutex_init(&ag->lock, NULL);
    if (city->store && !kh_event_follow(city->store, on_events, ag, err)) {
        free(ag);
        return false;
    }
    *ret = ag;
    return true;
}

void kh_agencies_close(struct kh_city *city, struct kh_agencies *ag)
{
    if (!ag)
        return;
    if (city->store)
        kh_event_unfollow(city->store, on_events, ag);
    pthread_mutex_destroy(&ag->lock);
    free(ag);
}

static struct slot *slot_of(struct kh_agencies *ag, struct kh_str code)
{
    return &ag->slots[kh_hash64(code, 0) % SLOTS];
}

/* What is remembered; else the generation in which an answer may be put down. */
static bool recall(struct kh_agencies *ag, struct kh_arena *a, struct kh_str code,
                   struct kh_agency_names *ret, uint64_t *ret_generation)
{
    const struct slot *s = slot_of(ag, code);
    int64_t now = kh_mono_us();
    bool there;

    pthread_mutex_lock(&ag->lock);
    *ret_generation = ag->generation;
    there = s->until_us > now && kh_str_eq(s->code, code);
    if (there) {
        ret->name = kh_str_dup(a, s->name);
        ret->short_name = kh_str_dup(a, s->short_name);
        ret->commune = kh_str_dup(a, s->commune);
    }
    pthread_mutex_unlock(&ag->lock);
    return there;
}

static struct kh_str keep(struct slot *s, size_t *at, struct kh_str text)
{
    char *p = s->text + *at;

    memcpy(p, text.p, text.n);
    *at += text.n;
    return kh_str(p, text.n);
}

static void put_down(struct kh_agencies *ag, struct kh_str code, const struct kh_agency_names *names,
                     uint64_t generation)
{
    struct slot *s = slot_of(ag, code);

    size_t at = 0;

    if (code.n + names->name.n + names->short_name.n + names->commune.n > TEXT_MAX)
        return;
    pthread_mutex_lock(&ag->lock);
    if (ag->generation == generation) {
        s->code = keep(s, &at, code);
        s->name = keep(s, &at, names->name);
        s->short_name = keep(s, &at, names->short_name);
        s->commune = keep(s, &at, names->commune);
        s->until_us = kh_mono_us() + KEPT_US;
    }
    pthread_mutex_unlock(&ag->lock);
}

static bool look_up(struct kh_tx *tx, const struct kh_city *city, struct kh_arena *a,
                    const struct kh_type *agency, struct kh_str code, struct kh_agency_names *ret,
                    struct kh_error *err)
{
    const struct kh_json *fields;
    struct kh_record r = {0};

    switch (kh_record_find(tx, city->registry, a, agency, code, 0, &r, err)) {
    case KH_FAIL:
        return false;
    case KH_MISS:
        return true;
    case KH_HIT:
        break;
    }
    if (!kh_record_fields(a, &r, &fields, err))
        return false;
    ret->name = kh_json_str(fields, "name", KH_S(""));
    ret->short_name = kh_json_str(fields, "short_name", ret->name);
    ret->commune = kh_json_str(fields, "commune", KH_S(""));
    return true;
}

bool kh_agency_names(struct kh_tx *tx, const struct kh_city *city, struct kh_arena *a,
                     struct kh_str code, struct kh_agency_names *ret, struct kh_error *err)
{
    const struct kh_type *agency = kh_type_find(city->registry, KH_S("agency"));
    uint64_t generation = 0;

    *ret = (struct kh_agency_names){KH_S(""), KH_S(""), KH_S("")};
    if (!agency || !code.n)
        return true;
    if (city->agencies && recall(city->agencies, a, code, ret, &generation))
        return true;
    if (!look_up(tx, city, a, agency, code, ret, err))
        return false;
    /* What a write sees is not settled before it is committed. */
    if (city->agencies && ret->name.n && kh_tx_mode(tx) == KH_TX_READ)
        put_down(city->agencies, code, ret, generation);
    return true;
}
