/* SPDX-License-Identifier: Apache-2.0 */
/* khue demo people: a made-up population goes into the register as an import does. */
#include "cli/cli.h"

#include "base/time.h"
#include "cli/open.h"
#include "cli/populace.h"
#include "engine/registry/import.h"

#include <stdio.h>

static const char usage[] = "khue demo people --data DIR --count N [--seed S]\n";

enum { LIST_PAGE = 1000, TYPES = 3 };

struct people {
    struct kh_opened o;
    const struct kh_type *resident, *household;
    struct kh_populace_from from;
    struct kh_populace *plan;
    struct kh_bar bar;
    int64_t at; /* of what is being imported */
    bool homes; /* households, else people */
    int64_t shown;
};

/* ---- what the city has ---- */

struct reading {
    struct people *p;
    const char *type;
    struct kh_filter by;
    struct kh_page page;
    struct kh_str after;
};

static bool read_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct reading *r = ctx;
    struct kh_registry *reg = r->p->o.city.registry;
    struct kh_who who = kh_who_system(KH_S("demo"));
    const struct kh_type *t = kh_type_find(reg, kh_cstr(r->type));
    struct kh_list q = {
        .filters = &r->by, .filters_n = 1, .limit = LIST_PAGE, .after = r->after, .who = &who};

    if (!t)
        return kh_fail(err, KH_EC_TYPE_UNKNOWN, "%s: load its pack first (khue pack load)",
                       r->type);
    return kh_record_list(tx, reg, r->p->o.a, t, &q, &r->page, err);
}

typedef void (*take_fn)(struct people *p, const struct kh_json *fields);

/* Every record with this value, oldest last as lists are. */
static bool each(struct people *p, const char *type, const char *field, const char *value,
                 take_fn take, struct kh_error *err)
{
    struct reading r = {.p = p, .type = type, .by = {kh_cstr(field), KH_F_EQ, kh_cstr(value)}};

    do {
        if (!kh_store_run(p->o.city.store, "demo_read", KH_TX_READ, read_in_tx, &r, err))
            return false;
        for (size_t i = 0; i < r.page.n; i++) {
            const struct kh_json *fields;

            if (!kh_record_fields(p->o.a, &r.page.items[i], &fields, err))
                return false;
            take(p, fields);
        }
        r.after = r.page.next;
    } while (r.after.n);
    return true;
}

struct agency {
    struct kh_str commune, code;
};

/* What is gathered grows in the arena; the lists of a plan are const. */
struct gathered {
    struct people p; /* first: a take_fn gets it */
    struct kh_populace_unit *units;
    struct agency *agencies;
    size_t units_cap, agencies_n, agencies_cap;
    struct kh_populace_name *names[TYPES];
    size_t names_n[TYPES], names_cap[TYPES];
};

static void take_agency(struct people *p, const struct kh_json *f)
{
    struct gathered *g = (struct gathered *)(void *)p;

    g->agencies = kh_grow(p->o.a, g->agencies, g->agencies_n, g->agencies_n + 1, &g->agencies_cap,
                          sizeof(*g->agencies));
    g->agencies[g->agencies_n++] =
        (struct agency){kh_json_str(f, "commune", KH_S("")), kh_json_str(f, "code", KH_S(""))};
}

static void take_unit(struct people *p, const struct kh_json *f)
{
    struct gathered *g = (struct gathered *)(void *)p;
    size_t n = p->from.units_n;
    struct kh_populace_unit u = {.commune = kh_json_str(f, "code", KH_S("")),
                                 .rural = !kh_str_is(kh_json_str(f, "kind", KH_S("")), "ward"),
                                 .population = kh_json_int(f, "population", 0)};

    for (size_t i = 0; i < g->agencies_n; i++)
        if (kh_str_eq(g->agencies[i].commune, u.commune))
            u.agency = g->agencies[i].code;
    if (u.agency.n == 0)
        return; /* nobody keeps a register there */
    g->units = kh_grow(p->o.a, g->units, n, n + 1, &g->units_cap, sizeof(*g->units));
    /* By code: lists are newest first, and the order is a part of the seed. */
    while (n && kh_str_cmp(g->units[n - 1].commune, u.commune) > 0) {
        g->units[n] = g->units[n - 1];
        n--;
    }
    g->units[n] = u;
    p->from.units_n++;
}

static void take_name(struct gathered *g, size_t part, const struct kh_json *f)
{
    size_t n = g->names_n[part];
    struct kh_populace_name name = {
        .text = kh_json_str(f, "name", KH_S("")),
        .weight = {(uint32_t)kh_json_int(f, "male", 0), (uint32_t)kh_json_int(f, "female", 0)}};

    g->names[part] =
        kh_grow(g->p.o.a, g->names[part], n, n + 1, &g->names_cap[part], sizeof(*g->names[part]));
    while (n && kh_str_cmp(g->names[part][n - 1].text, name.text) > 0) {
        g->names[part][n] = g->names[part][n - 1];
        n--;
    }
    g->names[part][n] = name;
    g->names_n[part]++;
}

static void take_family(struct people *p, const struct kh_json *f)
{
    take_name((struct gathered *)(void *)p, 0, f);
}

static void take_middle(struct people *p, const struct kh_json *f)
{
    take_name((struct gathered *)(void *)p, 1, f);
}

static void take_given(struct people *p, const struct kh_json *f)
{
    take_name((struct gathered *)(void *)p, 2, f);
}

/* The provinces are the codes of the field birth_province; the city's own comes first. */
static void gather_provinces(struct people *p)
{
    const struct kh_json *properties = kh_json_get(kh_type_schema(p->resident), "properties");
    const struct kh_json *f = kh_json_get(properties, "birth_province");
    const struct kh_json *codes = kh_json_get(kh_json_get(f, "x-kh"), "codes");
    struct kh_str *list = kh_new_n(p->o.a, codes ? codes->n + 1 : 1, struct kh_str);

    for (size_t i = 0; codes && i < codes->n; i++) {
        struct kh_str code = kh_json_str(&codes->items[i], "code", KH_S(""));

        if (code.n == 3)
            list[p->from.provinces_n++] = code;
    }
    p->from.provinces = list;
}

static bool gather(struct gathered *g, struct kh_error *err)
{
    struct people *p = &g->p;

    if (!each(p, "agency", "kind", "commune", take_agency, err) ||
        !each(p, "admin_unit", "level", "commune", take_unit, err) ||
        !each(p, "name_frequency", "part", "family", take_family, err) ||
        !each(p, "name_frequency", "part", "middle", take_middle, err) ||
        !each(p, "name_frequency", "part", "given", take_given, err))
        return false;
    p->from.units = g->units;
    p->from.family = (struct kh_populace_names){g->names[0], g->names_n[0]};
    p->from.middle = (struct kh_populace_names){g->names[1], g->names_n[1]};
    p->from.given = (struct kh_populace_names){g->names[2], g->names_n[2]};
    gather_provinces(p);
    return true;
}

/* ---- who is there already ---- */

struct knowing {
    struct people *p;
    bool empty, ours;
};

/* People of the same seed and count are there if the first of the plan is; anybody else is not to be
 * mixed with them. */
static bool know_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct knowing *k = ctx;
    struct people *p = k->p;
    struct kh_registry *reg = p->o.city.registry;
    struct kh_who who = kh_who_system(KH_S("demo"));
    struct kh_list q = {.limit = 1, .who = &who};
    const struct kh_type *t[] = {p->household, p->resident};
    const char *key[] = {"code", "personal_number"};
    struct kh_json *first[] = {kh_populace_household(p->plan, p->o.a, 0),
                               kh_populace_person(p->plan, p->o.a, 0)};

    k->empty = k->ours = true;
    for (size_t i = 0; i < KH_LEN(t); i++) {
        const struct kh_json *was;
        struct kh_page page;
        struct kh_record r;
        enum kh_hit hit;

        if (!kh_record_list(tx, reg, p->o.a, t[i], &q, &page, err))
            return false;
        if (page.n == 0)
            continue;
        k->empty = false;
        hit = kh_record_find(tx, reg, p->o.a, t[i], kh_json_str(first[i], key[i], KH_S("")), 0, &r,
                             err);
        if (hit == KH_FAIL || (hit == KH_HIT && !kh_record_fields(p->o.a, &r, &was, err)))
            return false;
        k->ours = k->ours && hit == KH_HIT && kh_json_eq(was, first[i]);
    }
    return true;
}

static bool may_fill(struct people *p, struct kh_error *err)
{
    struct knowing k = {.p = p};

    if (!kh_store_run(p->o.city.store, "demo_know", KH_TX_READ, know_in_tx, &k, err))
        return false;
    if (!k.ours)
        return kh_fail(err, KH_EC_PARAMETER_INVALID,
                       "the register holds other people; made-up ones are not mixed with them "
                       "(the same count and seed as before go on where they stopped)");
    if (!k.empty)
        puts("These people are there in part; going on.");
    return true;
}

/* ---- filling ---- */

static enum kh_hit next(void *ctx, struct kh_arena *a, struct kh_json **ret, struct kh_error *err)
{
    struct people *p = ctx;
    int64_t n = p->homes ? kh_populace_households(p->plan) : kh_populace_people(p->plan);

    (void)err;
    if (p->at >= n)
        return KH_MISS;
    *ret =
        p->homes ? kh_populace_household(p->plan, a, p->at) : kh_populace_person(p->plan, a, p->at);
    p->at++;
    return KH_HIT;
}

static void show(void *ctx, int64_t done, int64_t total)
{
    kh_bar_show(&((struct people *)ctx)->bar, done, total);
}

static void failed(void *ctx, const struct kh_import_place *at, const struct kh_error *err)
{
    struct people *p = ctx;

    if (p->shown++ < 5)
        fprintf(stderr, "%lld: %s: %s\n", (long long)at->line, kh_error_info(err->code)->en,
                err->detail);
}

static bool fill(struct people *p, bool homes, struct kh_import_report *ret, struct kh_error *err)
{
    struct kh_who who = kh_who_system(KH_S("demo"));
    kh_auto_arena a = kh_arena_new((size_t)64 << 20);
    struct kh_import in = {.type = homes ? p->household : p->resident,
                           .next = next,
                           .next_n = homes ? kh_populace_households(p->plan)
                                           : kh_populace_people(p->plan),
                           .alone = true,
                           .how = {.who = &who, .trusted = true, .reason = KH_S("demo")},
                           .progress = show,
                           .fail = failed,
                           .ctx = p};
    bool good;

    p->homes = homes;
    p->at = 0;
    p->bar = (struct kh_bar){.label = homes ? "households" : "people"};
    good = kh_import_run(p->o.city.store, p->o.city.registry, a, &in, ret, err);
    kh_bar_end(&p->bar);
    ret->ignored = KH_S("");
    if (good && ret->failed)
        return kh_fail(err, KH_EC_RECORD_INVALID,
                       "%lld of them do not fit the register: is its pack another version?",
                       (long long)ret->failed);
    return good;
}

static bool run(struct gathered *g, int64_t count, uint64_t seed, struct kh_error *err)
{
    struct people *p = &g->p;
    struct kh_import_report homes, people;
    kh_auto_arena plan = kh_arena_new((size_t)4 << 30);
    int64_t begin = kh_mono_us();
    double took;

    p->resident = kh_type_find(p->o.city.registry, KH_S("resident"));
    p->household = kh_type_find(p->o.city.registry, KH_S("household"));
    if (!p->resident || !p->household)
        return kh_fail(err, KH_EC_TYPE_UNKNOWN,
                       "resident: load the pack residents first (khue pack load)");
    if (!gather(g, err) || !kh_populace_new(plan, &p->from, count, seed, &p->plan, err) ||
        !may_fill(p, err) || !fill(p, true, &homes, err) || !fill(p, false, &people, err))
        return false;
    took = (double)(kh_mono_us() - begin) / 1e6;
    printf("%lld people in %lld households: %lld new in %.1f s, %.0f records a second\n",
           (long long)people.read, (long long)homes.read, (long long)people.created, took,
           (double)(people.read + homes.read) / took);
    return true;
}

static bool whole(const char *text, int64_t lo, int64_t *ret)
{
    return kh_str_int(kh_cstr(text), ret) && *ret >= lo;
}

int cli_demo(int argc, char **argv)
{
    struct kh_args args = {argc - 1, argv + 1};
    const char *count = kh_args_take(&args, "--count"), *seed = kh_args_take(&args, "--seed");
    struct gathered g = {0};
    struct kh_error err = {0};
    int64_t n = 0, s = 1;
    const char *what;
    int status = 0;

    if (!kh_open_config(&args, &g.p.o, &err))
        return kh_cli_fail("demo", &err);
    what = kh_args_word(&args);
    if (!what || strcmp(what, "people") != 0 || !kh_args_end(&args, "demo") || !count ||
        !whole(count, 1, &n) || n > KH_POPULACE_MAX || (seed && !whole(seed, 0, &s))) {
        fputs(usage, stderr);
        status = 2;
    } else if (!kh_city_open(&g.p.o, &err) || !run(&g, n, (uint64_t)s, &err)) {
        status = kh_cli_fail("demo", &err);
    }
    kh_city_close(&g.p.o);
    return status;
}
