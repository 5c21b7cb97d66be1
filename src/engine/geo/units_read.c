/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/geo/units_int.h"

#include "base/text.h"
#include "base/time.h"
#include "engine/registry/registry.h"

#include <stdlib.h>

enum { PAGE = 1000, DAYS_MAX = 64 };

/* While a picture is made: its growing parts, and memory that goes afterwards. */
struct making {
    struct kh_tx *tx;
    const struct kh_registry *reg;
    struct kh_arena *tmp;
    struct kh_picture *p;
    size_t units_cap;
    int64_t days[DAYS_MAX]; /* on which the list of units was another one */
    size_t days_n;
    struct kh_error *err;
};

typedef bool (*row_fn)(struct making *m, const struct kh_json *fields);

/* Give every record of a type that is valid at an instant to fn. A type that is not loaded is empty. */
static bool each_record(struct making *m, struct kh_str type, int64_t valid_us, row_fn fn)
{
    const struct kh_type *t = kh_type_find(m->reg, type);
    struct kh_who who = kh_who_system(KH_S("units"));
    struct kh_list list = {.limit = PAGE, .valid_us = valid_us, .who = &who};

    while (t) {
        kh_auto_arena page_arena = kh_arena_new(SIZE_MAX);
        struct kh_page page = {0};

        if (!kh_record_list(m->tx, m->reg, page_arena, t, &list, &page, m->err))
            return false;
        for (size_t i = 0; i < page.n; i++) {
            const struct kh_json *fields;

            if (!kh_record_fields(page_arena, &page.items[i], &fields, m->err) || !fn(m, fields))
                return false;
        }
        if (page.next.n == 0)
            break;
        list.after = kh_str_dup(m->tmp, page.next);
    }
    return true;
}

static struct kh_str text(struct making *m, const struct kh_json *fields, const char *key)
{
    return kh_str_dup(m->p->a, kh_json_str(fields, key, KH_S("")));
}

static int64_t day(const struct kh_json *fields, const char *key, int64_t fallback)
{
    int64_t days;

    return kh_date_parse(kh_json_str(fields, key, KH_S("")), &days) ? days : fallback;
}

/* The list was another one before this day and is another from it on. */
static bool add_day(struct making *m, const struct kh_json *fields)
{
    int64_t on = day(fields, "on", INT64_MIN);

    for (size_t i = 0; i < m->days_n; i++)
        if (m->days[i] == on)
            return true;
    if (on != INT64_MIN && m->days_n < DAYS_MAX)
        m->days[m->days_n++] = on;
    return true;
}

static struct kh_unit *find_slot(struct making *m, struct kh_str code, int64_t from_day)
{
    for (size_t i = 0; i < m->p->n; i++)
        if (m->p->units[i].from_day == from_day && kh_str_eq(m->p->units[i].code, code))
            return &m->p->units[i];
    return NULL;
}

static bool add_unit(struct making *m, const struct kh_json *fields)
{
    const struct kh_json *centre = kh_json_get(fields, "centre");
    struct kh_picture *p = m->p;
    struct kh_unit u = {
        .from_day = day(fields, "valid_from", INT64_MIN),
        .to_day = day(fields, "valid_to", KH_FOREVER),
        .population = kh_json_int(fields, "population", 0),
        .area_km2 = kh_json_num(fields, "area_km2", 0),
        .has_centre = kh_json_is(centre, KH_JSON_OBJECT),
        .lon = kh_json_num(centre, "lon", 0),
        .lat = kh_json_num(centre, "lat", 0),
    };

    if (find_slot(m, kh_json_str(fields, "code", KH_S("")), u.from_day))
        return true; /* seen on another day */
    u.code = text(m, fields, "code");
    u.name = text(m, fields, "name");
    u.kind = text(m, fields, "kind");
    u.level = text(m, fields, "level");
    u.full_name = text(m, fields, "full_name");
    u.full_name_en = text(m, fields, "full_name_en");
    u.parent = text(m, fields, "parent");
    u.seat = text(m, fields, "seat");
    u.decision = text(m, fields, "decision");
    u.fold = kh_text_fold(p->a, u.name);
    u.exact = kh_text_exact(p->a, u.name);
    p->units = kh_grow(m->tmp, p->units, p->n, p->n + 1, &m->units_cap, sizeof(*p->units));
    p->units[p->n++] = u;
    return true;
}

static bool add_shape(struct making *m, const struct kh_json *fields)
{
    struct kh_unit *u =
        find_slot(m, kh_json_str(fields, "code", KH_S("")), day(fields, "valid_from", INT64_MIN));
    const struct kh_json *geometry = kh_json_get(fields, "geometry"),
                         *label = kh_json_get(fields, "label");
    kh_auto_arena scratch = kh_arena_new(SIZE_MAX);
    struct kh_shape *s = NULL;
    struct kh_error bad = {0};

    /* One shape that is damaged must not take the map away. */
    if (!u || u->shape || !kh_shape_parse(geometry, &s, &bad))
        return true;
    u->shape = s;
    kh_shape_label(s, &u->label_lon, &u->label_lat);
    if (label) {
        u->label_lon = kh_json_num(label, "lon", u->label_lon);
        u->label_lat = kh_json_num(label, "lat", u->label_lat);
    }
    u->geometry = kh_str_dup(m->p->a, kh_json_text(scratch, geometry));
    return true;
}

static bool add_agency(struct making *m, const struct kh_json *fields)
{
    struct kh_str kind = kh_json_str(fields, "kind", KH_S("")),
                  commune = kh_json_str(fields, "commune", KH_S(""));
    int64_t from = day(fields, "valid_from", INT64_MIN), to = day(fields, "valid_to", KH_FOREVER);

    if (commune.n == 0 || !(kh_str_is(kind, "commune") || kh_str_is(kind, "city")))
        return true;
    for (size_t i = 0; i < m->p->n; i++) {
        struct kh_unit *u = &m->p->units[i];

        if (!kh_str_eq(u->code, commune) || u->from_day >= to || u->to_day <= from)
            continue;
        u->agency = text(m, fields, "code");
        u->agency_name = text(m, fields, "short_name");
    }
    return true;
}

static bool add_next(struct making *m, const struct kh_json *fields)
{
    struct kh_unit *old =
        find_slot(m, kh_json_str(fields, "old_code", KH_S("")), day(fields, "old_from", INT64_MIN));
    struct kh_unit *now =
        find_slot(m, kh_json_str(fields, "new_code", KH_S("")), day(fields, "new_from", INT64_MIN));
    struct kh_unit_next *next;

    if (!old || !now)
        return true;
    next = kh_new_n(m->p->a, old->next_n + 1, struct kh_unit_next);
    if (old->next_n)
        memcpy(next, old->next, old->next_n * sizeof(*next));
    next[old->next_n++] = (struct kh_unit_next){
        .unit = now,
        .whole = kh_str_is(kh_json_str(fields, "part", KH_S("")), "whole"),
        .needs_decision = kh_json_bool(fields, "needs_decision", false),
    };
    old->next = next;
    return true;
}

static int by_code(const void *a, const void *b)
{
    const struct kh_unit *x = a, *y = b;
    int r = kh_str_cmp(x->code, y->code);

    return r ? r : (x->from_day > y->from_day) - (x->from_day < y->from_day);
}

static int by_area(const void *a, const void *b)
{
    const struct kh_unit *const *x = a, *const *y = b;
    double ax = kh_shape_area_m2((*x)->shape), ay = kh_shape_area_m2((*y)->shape);

    return ax < ay ? -1 : ax > ay ? 1 : kh_str_cmp((*x)->code, (*y)->code);
}

static void list_shapes(struct kh_picture *p)
{
    p->shaped = kh_new_n(p->a, p->n + 1, const struct kh_unit *);
    for (size_t i = 0; i < p->n; i++)
        if (p->units[i].shape && kh_str_is(p->units[i].level, "commune"))
            p->shaped[p->shaped_n++] = &p->units[i];
    if (p->shaped_n)
        qsort(p->shaped, p->shaped_n, sizeof(*p->shaped), by_area);
    p->boxes = kh_new_n(p->a, p->shaped_n + 1, struct kh_box);
    for (size_t i = 0; i < p->shaped_n; i++)
        p->boxes[i] = kh_shape_box(p->shaped[i]->shape);
}

/* A list shows what is valid on one day, so old units are asked for on the days before changes. */
static bool read_all(struct making *m)
{
    if (!each_record(m, KH_S("admin_successor"), 0, add_day) ||
        !each_record(m, KH_S("admin_unit"), 0, add_unit))
        return false;
    for (size_t i = 0; i < m->days_n; i++)
        if (!each_record(m, KH_S("admin_unit"), kh_day_start(m->days[i] - 1), add_unit) ||
            !each_record(m, KH_S("admin_unit"), kh_day_start(m->days[i]), add_unit))
            return false;
    /* Sorted, and in its place, before anything points to a unit. */
    if (m->p->n) {
        struct kh_unit *units = kh_new_n(m->p->a, m->p->n, struct kh_unit);

        qsort(m->p->units, m->p->n, sizeof(*units), by_code);
        memcpy(units, m->p->units, m->p->n * sizeof(*units));
        m->p->units = units;
    }
    if (!each_record(m, KH_S("admin_boundary"), 0, add_shape) ||
        !each_record(m, KH_S("agency"), 0, add_agency) ||
        !each_record(m, KH_S("admin_successor"), 0, add_next))
        return false;
    for (size_t i = 0; i < m->days_n; i++)
        if (!each_record(m, KH_S("admin_boundary"), kh_day_start(m->days[i] - 1), add_shape) ||
            !each_record(m, KH_S("admin_boundary"), kh_day_start(m->days[i]), add_shape))
            return false;
    return true;
}

bool kh_picture_read(struct kh_tx *tx, const struct kh_registry *reg, struct kh_picture **ret,
                     struct kh_error *err)
{
    kh_auto_arena tmp = kh_arena_new(SIZE_MAX);
    struct kh_arena *a = kh_arena_new(SIZE_MAX);
    struct kh_picture *p = kh_new(a, struct kh_picture);
    struct making m = {.tx = tx, .reg = reg, .tmp = tmp, .p = p, .err = err};

    p->a = a;
    if (!read_all(&m)) {
        kh_picture_drop(p);
        return false;
    }
    list_shapes(p);
    *ret = p;
    return true;
}

/* The shape is the picture's own, though only borrowed by who asks. */
static void shape_drop(const struct kh_shape *s)
{
    union {
        const struct kh_shape *in;
        struct kh_shape *out;
    } mine = {.in = s};

    kh_shape_drop(mine.out);
}

void kh_picture_drop(struct kh_picture *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->n; i++)
        shape_drop(p->units[i].shape);
    kh_arena_drop(p->a);
}
