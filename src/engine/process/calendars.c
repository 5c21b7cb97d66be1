/* SPDX-License-Identifier: Apache-2.0 */
/* The calendars of the city, compiled and kept; read again when one was put, here or elsewhere. */
#include "engine/process/engine.h"
#include "store/event.h"
#include "store/process/process_sql.h"

#include "base/time.h"

enum { CALENDAR_ARENA = 16 << 20 };

struct named {
    struct kh_str key;
    const struct kh_calendar *calendar;
};

struct kh_calendars {
    pthread_rwlock_t lock;
    struct kh_arena *a; /* of what is loaded now */
    struct named *list;
    size_t n;
    uint64_t epoch;
};

/* ---- loading ---- */

struct loading {
    struct kh_arena *a;
    struct named *list;
    size_t n;
};

static bool load_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct loading *l = ctx;
    struct kh_calendar_row *rows;

    l->n = 0;
    if (!kh_calendar_sql_all(tx, l->a, &rows, &l->n, err))
        return false;
    l->list = kh_new_n(l->a, l->n + 1, struct named);
    for (size_t i = 0; i < l->n; i++) {
        struct kh_issues issues = {0};
        struct kh_calendar *c;
        struct kh_json *json;

        if (!kh_json_parse(l->a, rows[i].data, NULL, &json, err) ||
            !kh_calendar_compile(l->a, json, &issues, &c, err)) {
            err->issues = NULL; /* lives in an arena that ends here */
            return kh_error_wrap(err, "calendar %.*s", KH_FMT(rows[i].key));
        }
        l->list[i] = (struct named){rows[i].key, c};
    }
    return true;
}

/* Add what every city has, unless data says better. */
static void add_standard(struct loading *l)
{
    for (size_t i = 0; i < l->n; i++)
        if (kh_str_is(l->list[i].key, "default"))
            return;
    l->list[l->n++] = (struct named){KH_S("default"), kh_calendar_standard(l->a)};
}

static bool load(struct kh_process *pe, struct kh_error *err)
{
    struct kh_calendars *cs = pe->calendars;
    struct loading l = {.a = kh_arena_new(CALENDAR_ARENA)};
    uint64_t epoch = atomic_load(&pe->epoch);
    struct kh_arena *old;

    if (!kh_store_run(pe->st, "calendars_load", KH_TX_READ, load_in_tx, &l, err)) {
        kh_arena_drop(l.a);
        return false;
    }
    add_standard(&l);
    pthread_rwlock_wrlock(&cs->lock);
    old = cs->a;
    cs->a = l.a;
    cs->list = l.list;
    cs->n = l.n;
    cs->epoch = epoch;
    pthread_rwlock_unlock(&cs->lock);
    kh_arena_drop(old);
    return true;
}

bool kh_calendars_open(struct kh_process *pe, struct kh_error *err)
{
    pe->calendars = kh_new(pe->a, struct kh_calendars);
    pthread_rwlock_init(&pe->calendars->lock, NULL);
    return load(pe, err);
}

void kh_calendars_close(struct kh_process *pe)
{
    if (!pe->calendars)
        return;
    pthread_rwlock_destroy(&pe->calendars->lock);
    kh_arena_drop(pe->calendars->a);
}

/* ---- using ---- */

/* The calendar by name, with the lock held for reading. */
static bool find(struct kh_process *pe, struct kh_str name, const struct kh_calendar **ret,
                 struct kh_error *err)
{
    struct kh_calendars *cs = pe->calendars;

    if (!name.n)
        name = KH_S("default");
    pthread_rwlock_rdlock(&cs->lock);
    if (cs->epoch != atomic_load(&pe->epoch)) {
        pthread_rwlock_unlock(&cs->lock);
        if (!load(pe, err))
            return false;
        pthread_rwlock_rdlock(&cs->lock);
    }
    for (size_t i = 0; i < cs->n; i++) {
        if (kh_str_eq(cs->list[i].key, name)) {
            *ret = cs->list[i].calendar;
            return true;
        }
    }
    pthread_rwlock_unlock(&cs->lock);
    return kh_fail(err, KH_EC_PARAMETER_INVALID, "no calendar %.*s", KH_FMT(name));
}

/* A calendar that was found has been used: good or not, it is let go. */
static bool used(bool good, struct kh_process *pe, struct kh_str name,
                          struct kh_error *err)
{
    pthread_rwlock_unlock(&pe->calendars->lock);
    return good || kh_fail(err, KH_EC_PARAMETER_INVALID, "calendar %.*s has no working time there",
                           KH_FMT(name));
}

bool kh_calendars_shift(struct kh_process *pe, struct kh_str name, int64_t from_us, int64_t days,
                        int64_t work_us, int64_t *ret_us, struct kh_error *err)
{
    const struct kh_calendar *c;

    return find(pe, name, &c, err) &&
           used(kh_calendar_shift(c, from_us, days, work_us, ret_us), pe, name, err);
}

bool kh_calendars_day_end(struct kh_process *pe, struct kh_str name, int64_t us, int64_t *ret_us,
                          struct kh_error *err)
{
    const struct kh_calendar *c;

    return find(pe, name, &c, err) &&
           used(kh_calendar_day_end(c, us, ret_us), pe, name, err);
}

bool kh_calendars_start(struct kh_process *pe, struct kh_str name, int64_t us, int64_t latest_us,
                        int64_t *ret_us, struct kh_error *err)
{
    const struct kh_calendar *c;

    return find(pe, name, &c, err) &&
           used(kh_calendar_start(c, us, latest_us, ret_us), pe, name, err);
}

bool kh_calendars_work(struct kh_process *pe, struct kh_str name, int64_t from_us, int64_t to_us,
                       int64_t *ret_us, struct kh_error *err)
{
    const struct kh_calendar *c;

    if (!find(pe, name, &c, err))
        return false;
    *ret_us = kh_calendar_work(c, from_us, to_us);
    pthread_rwlock_unlock(&pe->calendars->lock);
    return true;
}

/* Keeps products of minutes and days far from overflow: 1,000 years. */
static bool sensible(int64_t minutes, int64_t days)
{
    return minutes >= -527040000 && minutes <= 527040000 && days >= -366000 && days <= 366000;
}

bool kh_calendar_add(struct kh_process *pe, struct kh_str calendar, int64_t from_us,
                     int64_t minutes, int64_t days, int64_t *ret_us, struct kh_error *err)
{
    if (!sensible(minutes, days))
        return kh_fail(err, KH_EC_PARAMETER_INVALID, "minutes=%lld days=%lld", (long long)minutes,
                       (long long)days);
    return kh_calendars_shift(pe, calendar, from_us, days, minutes * KH_US_MIN, ret_us, err);
}

bool kh_calendar_between(struct kh_process *pe, struct kh_str calendar, int64_t from_us,
                         int64_t to_us, int64_t *ret_minutes, struct kh_error *err)
{
    int64_t us;

    if (!kh_calendars_work(pe, calendar, from_us, to_us, &us, err))
        return false;
    *ret_minutes = us / KH_US_MIN;
    return true;
}

/* ---- putting ---- */

static void after_put(void *ctx)
{
    struct kh_process *pe = ctx;

    atomic_fetch_add(&pe->epoch, 1);
}

bool kh_calendar_check(struct kh_arena *a, const struct kh_json *json, struct kh_issues *issues,
                       struct kh_error *err)
{
    struct kh_calendar *c;

    return kh_calendar_compile(a, json, issues, &c, err);
}

bool kh_calendar_put(struct kh_tx *tx, struct kh_process *pe, struct kh_arena *a, struct kh_str key,
                     const struct kh_json *json, struct kh_error *err)
{
    struct kh_event e = {.kind = KH_S("calendar.put"),
                         .type = KH_S("calendar"),
                         .level = 1,
                         .actor = KH_S("system:pack")};
    struct kh_issues *issues = kh_new(a, struct kh_issues);
    struct kh_buf data = kh_buf(a, 4096);
    struct kh_jw w = kh_jw(&data);

    if (!kh_calendar_check(a, json, issues, err) ||
        !kh_calendar_sql_put(tx, key, kh_json_text(a, json), kh_now_us(), err))
        return false;
    kh_jw_obj(&w);
    kh_jw_kstr(&w, "calendar", key);
    kh_jw_end(&w);
    e.data = kh_buf_get(&data);
    if (!kh_event_append(tx, &e, err))
        return false;
    kh_tx_after_commit(tx, after_put, pe);
    return true;
}
