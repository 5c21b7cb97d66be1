/* SPDX-License-Identifier: Apache-2.0 */
/* Households and people as records. Addresses are put together from general parts: the unit is a
 * real one, the street is not. */
#include "cli/populace_int.h"

#include "base/time.h"

enum { DICE_ADDRESS = 100, DICE_PERSON = 200 };

static const char *const relations[] = {[KH_REL_HEAD] = "head",
                                        [KH_REL_SPOUSE] = "spouse",
                                        [KH_REL_CHILD] = "child",
                                        [KH_REL_PARENT] = "parent",
                                        [KH_REL_CHILD_IN_LAW] = "child_in_law",
                                        [KH_REL_GRANDCHILD] = "grandchild"};

/* Good words and plants, two by two; what comes out may be the name of a street somewhere. */
static const char *const first_words[] = {"An",   "Bình", "Hoà",  "Phú",  "Tân", "Thanh", "Minh",
                                          "Xuân", "Hưng", "Vĩnh", "Đông", "Nam", "Hoa",   "Kim"};
static const char *const second_words[] = {"Sơn",   "Thịnh", "Phúc",  "Sen",  "Lộc",
                                           "Mai",   "Khang", "Trang", "Bưởi", "Đào",
                                           "Thuận", "Dương", "Lâm",   "Hải"};
static const char *const hamlets[] = {"Đông",   "Đoài", "Nam",   "Bắc",
                                      "Thượng", "Hạ",   "Trung", "Đình"};

/* ---- fields ---- */

/* Fields are written once and in order, so nothing is looked for as kh_json_set would. */
static struct kh_json *object(struct kh_arena *a, unsigned room)
{
    struct kh_json *o = kh_json_new(a, KH_JSON_OBJECT);

    o->members = kh_new_n(a, room, struct kh_json_member);
    return o;
}

static void put(struct kh_json *o, struct kh_str key, struct kh_str value)
{
    struct kh_json_member *m = &o->members[o->n++];

    m->key = key;
    m->value = (struct kh_json){.type = KH_JSON_STRING, .s = value};
}

static void put_json(struct kh_json *o, struct kh_str key, const struct kh_json *value)
{
    struct kh_json_member *m = &o->members[o->n++];

    m->key = key;
    m->value = *value;
}

static struct kh_str digits(struct kh_arena *a, uint64_t v, size_t n)
{
    char *p = kh_alloc_raw(a, n);

    for (size_t i = n; i-- > 0; v /= 10)
        p[i] = (char)('0' + v % 10);
    return kh_str(p, n);
}

static struct kh_str date(struct kh_arena *a, int32_t day)
{
    return kh_date_text(a, day);
}

/* ---- places ---- */

static struct kh_json *alley(struct kh_arena *a, struct kh_dice *d)
{
    struct kh_json *list = kh_json_new(a, KH_JSON_ARRAY);
    unsigned n = 1 + kh_dice_chance(d, 400);

    list->items = kh_new_n(a, n, struct kh_json);
    for (; list->n < n; list->n++)
        list->items[list->n] =
            (struct kh_json){.type = KH_JSON_STRING,
                             .s = kh_strf(a, "%u", 1 + kh_dice_below(d, list->n ? 60 : 400))};
    return list;
}

static struct kh_json *address(const struct kh_populace *p, struct kh_arena *a, struct kh_dice *d,
                               size_t unit)
{
    const struct kh_populace_unit *u = &p->from.units[unit];
    struct kh_json *o = object(a, 8);

    put(o, KH_S("house_no"), kh_strf(a, "%u", 1 + kh_dice_below(d, u->rural ? 120 : 380)));
    if (kh_dice_chance(d, u->rural ? 300 : 650))
        put_json(o, KH_S("alley"), alley(a, d));
    if (u->rural) {
        if (kh_dice_chance(d, 500))
            put(o, KH_S("hamlet"), kh_strf(a, "Thôn %u", 1 + kh_dice_below(d, 14)));
        else
            put(o, KH_S("hamlet"),
                kh_strf(a, "Thôn %s", hamlets[kh_dice_below(d, KH_LEN(hamlets))]));
    } else {
        put(o, KH_S("street"),
            kh_strf(a, "%s %s %s", kh_dice_chance(d, 500) ? "Phố" : "Đường",
                    first_words[kh_dice_below(d, KH_LEN(first_words))],
                    second_words[kh_dice_below(d, KH_LEN(second_words))]));
        put(o, KH_S("hamlet"), kh_strf(a, "Tổ dân phố %u", 1 + kh_dice_below(d, 60)));
    }
    put(o, KH_S("commune_code"), u->commune);
    put(o, KH_S("commune_as_of"), KH_S("2025-07-01"));
    put(o, KH_S("province_code"), KH_S("01"));
    return o;
}

struct where {
    size_t unit;
    int64_t at; /* household of the unit */
};

static struct where where_is(const struct kh_populace *p, int64_t household)
{
    size_t unit = kh_populace_unit_of(p, household);

    return (struct where){unit, household - p->first[unit]};
}

static struct kh_str code_of(const struct kh_populace *p, struct kh_arena *a, struct where w)
{
    struct kh_str commune = p->from.units[w.unit].commune;

    return kh_strf(a, "HB%.*s-%.*s", KH_FMT(commune), KH_FMT(digits(a, (uint64_t)w.at + 1, 6)));
}

static struct kh_json *home_address(const struct kh_populace *p, struct kh_arena *a, struct where w)
{
    struct kh_dice d = kh_home_dice(p, w.unit, w.at, DICE_ADDRESS);

    return address(p, a, &d, w.unit);
}

struct kh_json *kh_populace_household(const struct kh_populace *p, struct kh_arena *a, int64_t i)
{
    struct where w = where_is(p, i);
    struct kh_json *o = object(a, 5);

    put(o, KH_S("code"), code_of(p, a, w));
    put(o, KH_S("head"), digits(a, p->heads[i], 12));
    put_json(o, KH_S("address"), home_address(p, a, w));
    put(o, KH_S("unit"), p->from.units[w.unit].agency);
    return o;
}

/* ---- people ---- */

static void put_names(const struct kh_populace *p, struct kh_arena *a, struct kh_json *o,
                      const struct kh_member *m)
{
    const struct kh_populace_name *middle = p->middle.names.items;

    put(o, KH_S("family_name"), p->family.names.items[m->family].text);
    if (m->middle2 != KH_NO_NAME)
        put(o, KH_S("middle_name"),
            kh_strf(a, "%.*s %.*s", KH_FMT(middle[m->middle].text),
                    KH_FMT(middle[m->middle2].text)));
    else if (m->middle != KH_NO_NAME)
        put(o, KH_S("middle_name"), middle[m->middle].text);
    put(o, KH_S("given_name"), p->given.names.items[m->given].text);
}

/* Cards of nine digits were issued until 2016 and held for fifteen years; no office issued these. */
static struct kh_json *old_card(struct kh_arena *a, struct kh_dice *d, const struct kh_member *m)
{
    struct kh_json *list = kh_json_new(a, KH_JSON_ARRAY), *card = object(a, 4);
    int32_t issued = m->born + 16 * KH_YEAR_DAYS + (int32_t)kh_dice_below(d, 2000);

    put(card, KH_S("kind"), KH_S("cmnd9"));
    put(card, KH_S("number"), digits(a, kh_dice_below(d, 1000000000), 9));
    put(card, KH_S("issued_on"), date(a, issued));
    put(card, KH_S("valid_to"), date(a, issued + 5479));
    list->items = card;
    list->n = 1;
    return list;
}

static void put_status(struct kh_arena *a, struct kh_json *o, struct kh_dice *d,
                       const struct kh_member *m, bool head)
{
    uint32_t fate = head ? 1000 : kh_dice_below(d, 1000);
    int32_t age_days = KH_POPULACE_DAY - m->born;
    uint32_t ago = kh_dice_below(d, age_days < 700 ? (uint32_t)age_days + 1 : 700);

    put(o, KH_S("status"), fate < 5 ? KH_S("dead") : fate < 13 ? KH_S("moved") : KH_S("living"));
    if (fate < 13)
        put(o, KH_S("status_date"), date(a, KH_POPULACE_DAY - (int32_t)ago));
}

struct kh_json *kh_populace_person(const struct kh_populace *p, struct kh_arena *a, int64_t i)
{
    const struct kh_place *x = &p->people[i];
    struct where w = where_is(p, x->household);
    struct kh_dice d = kh_home_dice(p, w.unit, w.at, DICE_PERSON + x->member);
    struct kh_json *o = object(a, 18);
    const struct kh_member *m;
    struct kh_home home;
    int32_t years;

    kh_home_make(p, w.unit, w.at, &home);
    m = &home.who[x->member];
    years = (KH_POPULACE_DAY - m->born) / KH_YEAR_DAYS;
    put(o, KH_S("personal_number"), digits(a, x->number, 12));
    put_names(p, a, o, m);
    put(o, KH_S("birth_date"), date(a, m->born));
    put(o, KH_S("sex"), m->female ? KH_S("female") : KH_S("male"));
    put(o, KH_S("birth_province"), p->from.provinces[m->province]);
    put_json(o, KH_S("permanent_address"), home_address(p, a, w));
    if (years >= 17 && m->relation != KH_REL_HEAD && kh_dice_chance(&d, 60))
        put_json(o, KH_S("temporary_address"),
                 address(p, a, &d, kh_dice_below(&d, (uint32_t)p->from.units_n)));
    put(o, KH_S("unit"), p->from.units[w.unit].agency);
    put(o, KH_S("household"), code_of(p, a, w));
    put(o, KH_S("relation"), kh_cstr(relations[m->relation]));
    put_status(a, o, &d, m, m->relation == KH_REL_HEAD);
    /* 054 is given to no network: no call reaches anybody. */
    if (years >= 15 && kh_dice_chance(&d, 850))
        put(o, KH_S("phone"),
            kh_strf(a, "+8454%.*s", KH_FMT(digits(a, kh_dice_below(&d, 10000000), 7))));
    if (years >= 33 && kh_dice_chance(&d, 250))
        put_json(o, KH_S("id_history"), old_card(a, &d, m));
    return o;
}
