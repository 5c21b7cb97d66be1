/* SPDX-License-Identifier: Apache-2.0 */
/* The plan: everybody's personal number and household. What else there is to say of them is drawn
 * again, from the same dice, when they are asked for. */
#include "cli/populace_int.h"

#include "base/time.h"

#include <stdlib.h>

/* Numbers of one group that stay free at its end: room for those that were drawn twice. */
enum { SPARE = 1000 };

/* ---- how many live where ---- */

/* People of each unit, by its share of the population; what is left over goes to the first ones. */
static void share_out(const struct kh_populace_from *from, int64_t count, int64_t *ret)
{
    int64_t all = 0, given = 0;

    for (size_t i = 0; i < from->units_n; i++)
        all += from->units[i].population > 0 ? from->units[i].population : 1;
    for (size_t i = 0; i < from->units_n; i++) {
        int64_t own = from->units[i].population > 0 ? from->units[i].population : 1;

        ret[i] = (int64_t)((double)count * (double)own / (double)all);
        given += ret[i];
    }
    for (size_t i = 0; given < count; i = (i + 1) % from->units_n, given++)
        ret[i]++;
}

size_t kh_populace_unit_of(const struct kh_populace *p, int64_t household)
{
    size_t lo = 0, hi = p->from.units_n;

    while (lo + 1 < hi) {
        size_t mid = (lo + hi) / 2;

        if (p->first[mid] <= household)
            lo = mid;
        else
            hi = mid;
    }
    /* Units without people begin where the next one does. */
    while (p->first[lo + 1] <= household)
        lo++;
    return lo;
}

/* ---- numbers ---- */

static uint64_t number_of(const struct kh_populace *p, const struct kh_member *m, struct kh_dice *d)
{
    struct kh_str province = p->from.provinces[m->province];
    uint64_t n = 0, century;
    int64_t year;
    int month, day;

    kh_civil(m->born, &year, &month, &day);
    century = 2 * ((uint64_t)year / 100 - 19) + m->female;
    for (size_t i = 0; i < province.n; i++)
        n = n * 10 + (uint64_t)(province.p[i] - '0');
    return ((n * 10 + century) * 100 + (uint64_t)year % 100) * KH_SERIALS +
           kh_dice_below(d, KH_SERIALS - SPARE);
}

static int by_number(const void *x, const void *y)
{
    const struct kh_place *p = x, *q = y;

    if (p->number != q->number)
        return p->number < q->number ? -1 : 1;
    if (p->household != q->household)
        return p->household < q->household ? -1 : 1;
    return p->member < q->member ? -1 : p->member > q->member;
}

/* Whoever drew a number that is taken gets the next one that is free. */
static bool part(struct kh_populace *p, struct kh_error *err)
{
    for (int64_t i = 1; i < p->people_n; i++) {
        struct kh_place *x = &p->people[i];
        uint64_t group = x->number / KH_SERIALS;

        if (x->number <= p->people[i - 1].number)
            x->number = p->people[i - 1].number + 1;
        if (x->number / KH_SERIALS != group)
            return kh_fail(err, KH_EC_PARAMETER_INVALID,
                           "so many people of one province, sex and year have no numbers");
    }
    for (int64_t i = 0; i < p->people_n; i++)
        if (p->people[i].member == 0)
            p->heads[p->people[i].household] = p->people[i].number;
    return true;
}

static void settle(struct kh_populace *p, struct kh_arena *a, const int64_t *quota)
{
    int64_t households = 0, at = 0;

    for (size_t u = 0; u < p->from.units_n; u++) {
        int64_t left = quota[u];

        p->first[u] = households;
        for (int64_t h = 0; left > 0; h++, households++) {
            struct kh_home home;

            kh_home_make(p, u, h, &home);
            p->last[u] = home.n < left ? home.n : (unsigned)left;
            for (unsigned m = 0; m < p->last[u]; m++) {
                struct kh_dice d = kh_home_dice(p, u, h, 1 + m);

                p->people[at++] = (struct kh_place){.number = number_of(p, &home.who[m], &d),
                                                    .household = (uint32_t)households,
                                                    .member = m};
            }
            left -= p->last[u];
        }
    }
    p->first[p->from.units_n] = p->households_n = households;
    p->heads = kh_new_n(a, (size_t)households, uint64_t);
}

static bool fits(const struct kh_populace_from *from, int64_t count, struct kh_error *err)
{
    const struct kh_populace_names *parts[] = {&from->family, &from->middle, &from->given};

    if (count < 1 || count > KH_POPULACE_MAX)
        return kh_fail(err, KH_EC_PARAMETER_INVALID, "a population has 1 to %d people",
                       KH_POPULACE_MAX);
    if (from->units_n < 1 || from->units_n > 1000 || from->provinces_n < 1 ||
        from->provinces_n > 200)
        return kh_fail(err, KH_EC_PARAMETER_INVALID, "there are no units or provinces to live in");
    for (size_t i = 0; i < KH_LEN(parts); i++)
        for (int sex = 0; sex < 2; sex++) {
            uint64_t sum = 0;

            for (size_t k = 0; k < parts[i]->n; k++)
                sum += parts[i]->items[k].weight[sex];
            if (sum == 0 || sum > UINT32_MAX || parts[i]->n >= KH_NO_NAME)
                return kh_fail(err, KH_EC_PARAMETER_INVALID, "there are no names to give");
        }
    return true;
}

bool kh_populace_new(struct kh_arena *a, const struct kh_populace_from *from, int64_t count,
                     uint64_t seed, struct kh_populace **ret, struct kh_error *err)
{
    struct kh_populace *p = kh_new(a, struct kh_populace);
    int64_t *quota;

    if (!fits(from, count, err))
        return false;
    p->from = *from;
    p->seed = seed;
    kh_urn_make(a, from->family, &p->family);
    kh_urn_make(a, from->middle, &p->middle);
    kh_urn_make(a, from->given, &p->given);
    p->people_n = count;
    p->people = kh_new_n(a, (size_t)count, struct kh_place);
    p->first = kh_new_n(a, from->units_n + 1, int64_t);
    p->last = kh_new_n(a, from->units_n, unsigned);
    quota = kh_new_n(a, from->units_n, int64_t);
    share_out(from, count, quota);
    settle(p, a, quota);
    qsort(p->people, (size_t)count, sizeof(*p->people), by_number);
    if (!part(p, err))
        return false;
    *ret = p;
    return true;
}

int64_t kh_populace_households(const struct kh_populace *p)
{
    return p->households_n;
}

int64_t kh_populace_people(const struct kh_populace *p)
{
    return p->people_n;
}
