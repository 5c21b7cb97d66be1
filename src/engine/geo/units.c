/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/geo/units_int.h"

#include "base/time.h"
#include "engine/process/process.h"
#include "engine/registry/registry.h"
#include "store/event.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

enum { SCAN_PAGE = 1000 };

/** A new picture at most this often while records change. */
#define REST_US KH_US_S
#define GAP_M   40.0

struct kh_units {
    struct kh_store *st;
    struct kh_registry *reg;
    struct kh_arena *a;
    pthread_mutex_t making; /* one picture is made at a time */
    pthread_mutex_t lock;   /* of the texts of a picture, and of what the thread waits for */
    pthread_cond_t wake;
    pthread_t thread;
    bool stop, scan;
    int64_t seen; /* events up to here have been looked at; the thread's own */
    _Atomic(struct kh_picture *) now;
    _Atomic bool stale;
    _Atomic int64_t made_us; /* monotonic */
};

/* ---- pictures ---- */

struct reading {
    struct kh_units *us;
    struct kh_picture *got;
};

static bool read_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct reading *r = ctx;

    kh_picture_drop(r->got); /* of a try before */
    r->got = NULL;
    return kh_picture_read(tx, r->us->reg, &r->got, err);
}

static bool fresh_enough(struct kh_units *us)
{
    struct kh_picture *p = atomic_load(&us->now);

    if (!p)
        return false;
    if (!atomic_load(&us->stale))
        return true;
    return p->n != 0 && kh_mono_us() - atomic_load(&us->made_us) < REST_US;
}

/* Take a new picture, unless somebody has just done it. */
static bool renew(struct kh_units *us, struct kh_tx *tx, bool always, struct kh_error *err)
{
    struct reading r = {.us = us};
    bool ok = true;

    pthread_mutex_lock(&us->making);
    if (always || !fresh_enough(us)) {
        /* Before reading: what changes meanwhile makes it stale again. */
        atomic_store(&us->stale, false);
        ok = tx ? read_in_tx(tx, &r, err)
                : kh_store_run(us->st, "units_read", KH_TX_READ, read_in_tx, &r, err);
        if (ok) {
            r.got->before = atomic_load(&us->now);
            atomic_store(&us->now, r.got);
            atomic_store(&us->made_us, kh_mono_us());
        } else {
            kh_picture_drop(r.got);
            atomic_store(&us->stale, true);
        }
    }
    pthread_mutex_unlock(&us->making);
    return ok;
}

static bool picture(struct kh_units *us, struct kh_tx *tx, struct kh_picture **ret,
                    struct kh_error *err)
{
    if (!fresh_enough(us) && !renew(us, tx, false, err))
        return false;
    *ret = atomic_load(&us->now);
    return true;
}

bool kh_units_refresh(struct kh_units *us, struct kh_error *err)
{
    return renew(us, NULL, true, err);
}

/* ---- what makes a picture stale ---- */

static bool concerns_units(const struct kh_event *e)
{
    return kh_str_starts(e->type, KH_S("admin_")) || kh_str_is(e->type, "agency");
}

/* On a store thread. Without the events at hand, the thread reads them. */
static void events_sealed(void *ctx, const struct kh_event *events, size_t n, int64_t head)
{
    struct kh_units *us = ctx;

    (void)head;
    for (size_t i = 0; i < n; i++)
        if (concerns_units(&events[i]))
            atomic_store(&us->stale, true);
    if (n == 0) {
        pthread_mutex_lock(&us->lock);
        us->scan = true;
        pthread_cond_signal(&us->wake);
        pthread_mutex_unlock(&us->lock);
    }
}

struct scanning {
    struct kh_units *us;
    int64_t after;
    size_t n;
    bool found;
};

static bool scan_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    kh_auto_arena a = kh_arena_new(SIZE_MAX);
    struct scanning *s = ctx;
    struct kh_event *events = NULL;

    s->after = s->us->seen;
    s->found = false;
    if (!kh_event_read(tx, a, s->after, SCAN_PAGE, &events, &s->n, err))
        return false;
    for (size_t i = 0; i < s->n; i++) {
        s->after = events[i].seq;
        s->found = s->found || concerns_units(&events[i]);
    }
    return true;
}

static void scan_events(struct kh_units *us)
{
    struct scanning s = {.us = us, .n = SCAN_PAGE};
    struct kh_error err = {0};

    while (s.n == SCAN_PAGE &&
           kh_store_run(us->st, "units_scan", KH_TX_READ, scan_in_tx, &s, &err)) {
        us->seen = s.after;
        if (s.found)
            atomic_store(&us->stale, true);
    }
}

/* Takes the first picture, then looks at events that come without their content. */
static void *run(void *arg)
{
    struct kh_units *us = arg;
    struct kh_error err = {0};

    /* If the store does not answer now, whoever asks first tries again and hears why. */
    (void)renew(us, NULL, false, &err);
    for (;;) {
        pthread_mutex_lock(&us->lock);
        while (!us->stop && !us->scan)
            pthread_cond_wait(&us->wake, &us->lock);
        us->scan = false;
        if (us->stop) {
            pthread_mutex_unlock(&us->lock);
            return NULL;
        }
        pthread_mutex_unlock(&us->lock);
        scan_events(us);
    }
}

/* ---- questions ---- */

static const struct kh_unit *covering(const struct kh_picture *p, double lon, double lat,
                                      int64_t day)
{
    /* By area: the first that covers is the smallest. A walk over a hundred boxes takes less than
     * a microsecond, so there is no tree. */
    for (size_t i = 0; i < p->shaped_n; i++) {
        const struct kh_box *b = &p->boxes[i];

        if (lon >= b->min_lon && lon <= b->max_lon && lat >= b->min_lat && lat <= b->max_lat &&
            kh_unit_on(p->shaped[i], day) && kh_shape_covers(p->shaped[i]->shape, lon, lat))
            return p->shaped[i];
    }
    return NULL;
}

const struct kh_unit *kh_picture_at(const struct kh_picture *p, double lon, double lat, int64_t day)
{
    const struct kh_unit *u = covering(p, lon, lat, day);

    /* In a gap between simplified neighbours: look around, nearer first. */
    for (double r = GAP_M / 4; !u && r <= GAP_M; r += GAP_M / 4) {
        struct kh_box b = kh_box_around(lon, lat, r);

        for (int i = 0; !u && i < 8; i++) {
            double x = lon + cos(i * M_PI_4) * (b.max_lon - b.min_lon) / 2;
            double y = lat + sin(i * M_PI_4) * (b.max_lat - b.min_lat) / 2;

            u = covering(p, x, y, day);
        }
    }
    return u;
}

const struct kh_unit *kh_picture_find(const struct kh_picture *p, struct kh_str code, int64_t day,
                                      bool any)
{
    const struct kh_unit *found = NULL;
    size_t lo = 0, hi = p->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (kh_str_cmp(p->units[mid].code, code) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    /* Those of one code stand by their first day. */
    for (; lo < p->n && kh_str_eq(p->units[lo].code, code); lo++)
        if (any || kh_unit_on(&p->units[lo], day))
            found = &p->units[lo];
    return found;
}

enum kh_hit kh_units_at(struct kh_units *us, double lon, double lat, int64_t day,
                        const struct kh_unit **ret, struct kh_error *err)
{
    struct kh_picture *p;

    if (!kh_point_ok(lon, lat))
        return kh_fail_hit(err, KH_EC_POINT_INVALID, "lon=%g lat=%g", lon, lat);
    if (!picture(us, NULL, &p, err))
        return KH_FAIL;
    *ret = kh_picture_at(p, lon, lat, day);
    return *ret ? KH_HIT : KH_MISS;
}

bool kh_units_known(struct kh_units *us, int64_t day, bool *ret_known, int64_t *ret_from,
                    struct kh_error *err)
{
    struct kh_picture *p;

    if (!picture(us, NULL, &p, err))
        return false;
    *ret_known = false;
    *ret_from = KH_FOREVER;
    for (size_t i = 0; i < p->shaped_n; i++) {
        *ret_known = *ret_known || kh_unit_on(p->shaped[i], day);
        if (p->shaped[i]->from_day < *ret_from)
            *ret_from = p->shaped[i]->from_day;
    }
    return true;
}

enum kh_hit kh_units_find(struct kh_units *us, struct kh_str code, int64_t day,
                          const struct kh_unit **ret, struct kh_error *err)
{
    struct kh_picture *p;

    if (!picture(us, NULL, &p, err))
        return KH_FAIL;
    *ret = kh_picture_find(p, code, day, false);
    return *ret ? KH_HIT : KH_MISS;
}

enum kh_hit kh_units_last(struct kh_units *us, struct kh_str code, const struct kh_unit **ret,
                          struct kh_error *err)
{
    struct kh_picture *p;

    if (!picture(us, NULL, &p, err))
        return KH_FAIL;
    *ret = kh_picture_find(p, code, 0, true);
    return *ret ? KH_HIT : KH_MISS;
}

bool kh_units_search(struct kh_units *us, struct kh_arena *a, struct kh_str q, int64_t day,
                     size_t limit, struct kh_unit_match **ret, size_t *ret_n, struct kh_error *err)
{
    struct kh_picture *p;

    if (!picture(us, NULL, &p, err))
        return false;
    kh_picture_search(p, a, q, day, limit, ret, ret_n);
    return true;
}

bool kh_units_boundaries(struct kh_units *us, int64_t day, const struct kh_units_text **ret,
                         struct kh_error *err)
{
    struct kh_picture *p;

    if (!picture(us, NULL, &p, err))
        return false;
    pthread_mutex_lock(&us->lock);
    *ret = kh_picture_text(p, day);
    pthread_mutex_unlock(&us->lock);
    return true;
}

/* ---- for other engines ---- */

static enum kh_hit within(void *ctx, struct kh_str code, const struct kh_shape **ret_shape,
                          struct kh_error *err)
{
    struct kh_units *us = ctx;
    const struct kh_unit *u;
    enum kh_hit hit = kh_units_find(us, code, kh_day_of(kh_now_us()), &u, err);

    if (hit != KH_HIT)
        return hit;
    *ret_shape = u->shape;
    return u->shape ? KH_HIT : KH_MISS;
}

/* Of a day without any boundary nothing can be said: it is served. */
static enum kh_hit served(void *ctx, struct kh_tx *tx, double lon, double lat, int64_t day,
                          double margin_m, struct kh_error *err)
{
    struct kh_box around = kh_box_around(lon, lat, margin_m);
    struct kh_units *us = ctx;
    struct kh_picture *p;
    bool known = false;

    if (!picture(us, tx, &p, err))
        return KH_FAIL;
    if (kh_picture_at(p, lon, lat, day))
        return KH_HIT;
    for (size_t i = 0; i < p->shaped_n; i++) {
        const struct kh_box *b = &p->boxes[i];

        if (!kh_unit_on(p->shaped[i], day))
            continue;
        known = true;
        if (b->min_lon <= around.max_lon && b->max_lon >= around.min_lon &&
            b->min_lat <= around.max_lat && b->max_lat >= around.min_lat &&
            kh_shape_distance_m(p->shaped[i]->shape, lon, lat) <= margin_m)
            return KH_HIT;
    }
    return known ? KH_MISS : KH_HIT;
}

/* Inside the transaction of the step, so that units that it has just written count. */
static bool unit_at_step(struct kh_step *step, const struct kh_json *inputs, void *ctx,
                         struct kh_json **ret_outputs, struct kh_error *err)
{
    struct kh_units *us = ctx;
    struct kh_json *out = kh_json_new(step->a, KH_JSON_OBJECT);
    struct kh_str date = kh_json_str(inputs, "date", KH_S(""));
    int64_t day = kh_day_of(kh_now_us());
    const struct kh_unit *u = NULL;
    struct kh_picture *p;
    double lon, lat;

    if (date.n && !kh_date_parse(date, &day))
        return kh_fail(err, KH_EC_PROCESS_STUCK, "unit.at: date is no date");
    if (!kh_json_as_double(kh_json_get(inputs, "lon"), &lon) ||
        !kh_json_as_double(kh_json_get(inputs, "lat"), &lat) || !kh_point_ok(lon, lat))
        return kh_fail(err, KH_EC_PROCESS_STUCK, "unit.at: lon and lat are no point");
    if (!picture(us, step->tx, &p, err))
        return false;
    u = kh_picture_at(p, lon, lat, day);
    if (u) {
        const struct {
            const char *key;
            struct kh_str value;
        } fields[] = {{"code", u->code},     {"name", u->full_name},
                      {"kind", u->kind},     {"parent", u->parent},
                      {"agency", u->agency}, {"agency_name", u->agency_name}};

        for (size_t i = 0; i < KH_LEN(fields); i++)
            if (fields[i].value.n)
                kh_json_set(step->a, out, kh_cstr(fields[i].key),
                            kh_json_new_str(step->a, kh_str_dup(step->a, fields[i].value)));
    }
    *ret_outputs = out;
    return true;
}

/* ---- opening ---- */

bool kh_units_open(struct kh_store *st, struct kh_registry *reg, struct kh_process *pe,
                   struct kh_units **ret, struct kh_error *err)
{
    struct kh_arena *a = kh_arena_new(SIZE_MAX);
    struct kh_units *us = kh_new(a, struct kh_units);

    *us = (struct kh_units){.st = st, .reg = reg, .a = a, .seen = kh_event_head(st)};
    pthread_mutex_init(&us->making, NULL);
    pthread_mutex_init(&us->lock, NULL);
    pthread_cond_init(&us->wake, NULL);
    if (!kh_event_follow(st, events_sealed, us, err)) {
        kh_arena_drop(a);
        return false;
    }
    KH_REQUIRE(pthread_create(&us->thread, NULL, run, us) == 0);
    kh_registry_set_within(reg, within, us);
    kh_registry_set_served(reg, served, us);
    if (pe)
        kh_process_service_early(pe, "unit.at", unit_at_step, us);
    *ret = us;
    return true;
}

void kh_units_close(struct kh_units *us)
{
    struct kh_picture *p;

    if (!us)
        return;
    kh_event_unfollow(us->st, events_sealed, us);
    pthread_mutex_lock(&us->lock);
    us->stop = true;
    pthread_cond_signal(&us->wake);
    pthread_mutex_unlock(&us->lock);
    pthread_join(us->thread, NULL);
    for (p = atomic_load(&us->now); p;) {
        struct kh_picture *before = p->before;

        kh_picture_drop(p);
        p = before;
    }
    pthread_mutex_destroy(&us->making);
    pthread_mutex_destroy(&us->lock);
    pthread_cond_destroy(&us->wake);
    kh_arena_drop(us->a);
}
