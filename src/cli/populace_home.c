/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One household. Somebody is drawn first (the wife of a couple, or whoever lives alone) and the
 * others get ages that fit: parents are at least eighteen years older than their children, children
 * are born one after the other, and whoever would be too old to live, or is grown up and gone, is not
 * there. The order is such that everybody comes after those that he or she is something to: so a
 * household that has to be smaller loses people from its end and still makes sense.
 */
#include "cli/populace_int.h"

/* ---- chance ---- */

uint64_t kh_dice_roll(struct kh_dice *d)
{
    uint64_t z = d->s += 0x9e3779b97f4a7c15U;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
    z = (z ^ z >> 27) * 0x94d049bb133111ebU;
    return z ^ z >> 31;
}

uint32_t kh_dice_below(struct kh_dice *d, uint32_t n)
{
    return (uint32_t)((kh_dice_roll(d) >> 32) * n >> 32);
}

bool kh_dice_chance(struct kh_dice *d, uint32_t permille)
{
    return kh_dice_below(d, 1000) < permille;
}

/* lo..hi, the middle oftener than the ends */
static int32_t about(struct kh_dice *d, int32_t lo, int32_t hi)
{
    uint32_t width = (uint32_t)(hi - lo) + 1;

    return lo + (int32_t)((kh_dice_below(d, width) + kh_dice_below(d, width)) / 2);
}

struct kh_dice kh_home_dice(const struct kh_populace *p, size_t unit, int64_t at, unsigned what)
{
    struct kh_dice d = {p->seed};

    d.s = kh_dice_roll(&d) ^ (uint64_t)unit * 0xd6e8feb86659fd93U;
    d.s = kh_dice_roll(&d) ^ (uint64_t)at;
    d.s = kh_dice_roll(&d) ^ what;
    (void)kh_dice_roll(&d);
    return d;
}

void kh_urn_make(struct kh_arena *a, struct kh_populace_names names, struct kh_urn *ret)
{
    ret->names = names;
    for (int sex = 0; sex < 2; sex++) {
        uint32_t sum = 0;

        ret->sum[sex] = kh_new_n(a, names.n, uint32_t);
        for (size_t i = 0; i < names.n; i++)
            ret->sum[sex][i] = sum += names.items[i].weight[sex];
    }
}

uint16_t kh_urn_draw(const struct kh_urn *u, struct kh_dice *d, bool female)
{
    const uint32_t *sum = u->sum[female];
    size_t lo = 0, hi = u->names.n;
    uint32_t at = kh_dice_below(d, sum[u->names.n - 1]);

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;

        if (sum[mid] > at)
            hi = mid;
        else
            lo = mid + 1;
    }
    return (uint16_t)lo;
}

/* ---- people ---- */

/* Years before the day of the population, with some days more. */
static int32_t born_at(struct kh_dice *d, int32_t age)
{
    return KH_POPULACE_DAY - age * KH_YEAR_DAYS - 1 - (int32_t)kh_dice_below(d, 364);
}

static struct kh_member *add(struct kh_home *h, enum kh_relation relation, bool female,
                             int32_t born)
{
    struct kh_member *m = &h->who[h->n++];

    *m = (struct kh_member){.relation = relation, .female = female, .born = born};
    return m;
}

static bool has_room(const struct kh_home *h)
{
    return h->n < KH_HOME_MAX;
}

/* The children of a couple, the eldest first; father and mother are days of birth. */
static void add_children(struct kh_dice *d, struct kh_home *h, enum kh_relation relation,
                         int32_t father, int32_t mother)
{
    unsigned n = kh_dice_chance(d, 320) ? 1 : kh_dice_chance(d, 780) ? 2 : 3;
    int32_t younger = father > mother ? father : mother;
    int32_t born = mother + about(d, 19, 35) * KH_YEAR_DAYS + (int32_t)kh_dice_below(d, 365);

    /* Nobody is father before he is eighteen. */
    if (born < younger + 19 * KH_YEAR_DAYS)
        born = younger + 19 * KH_YEAR_DAYS + (int32_t)kh_dice_below(d, 700);
    for (unsigned i = 0; i < n && has_room(h); i++) {
        bool gone = born < KH_POPULACE_DAY - 24 * KH_YEAR_DAYS && kh_dice_chance(d, 720);

        if (born >= KH_POPULACE_DAY || born > mother + 46 * KH_YEAR_DAYS)
            return;
        if (!gone)
            add(h, relation, kh_dice_chance(d, 475), born);
        born += 1 * KH_YEAR_DAYS + 120 + (int32_t)kh_dice_below(d, 4 * KH_YEAR_DAYS);
    }
}

/* Too old to be alive, or not: one in so many. */
static bool lives(struct kh_dice *d, int32_t born)
{
    int32_t age = (KH_POPULACE_DAY - born) / KH_YEAR_DAYS;

    return age < 60 || (age < 104 && !kh_dice_chance(d, (uint32_t)(age - 60) * 24));
}

static void single(struct kh_dice *d, struct kh_home *h)
{
    int32_t age = kh_dice_chance(d, 550) ? about(d, 19, 38) : about(d, 39, 88);

    add(h, KH_REL_HEAD, kh_dice_chance(d, age > 60 ? 680 : 470), born_at(d, age));
}

/* A couple and the children that live with it. @param head the wife heads one household in four */
static void couple(struct kh_dice *d, struct kh_home *h, int32_t wife_age, bool children)
{
    int32_t wife = born_at(d, wife_age), man_age = wife_age + about(d, -3, 8);
    int32_t man = born_at(d, man_age < 20 ? 20 : man_age);
    bool she = kh_dice_chance(d, 260);

    add(h, KH_REL_HEAD, she, she ? wife : man);
    add(h, KH_REL_SPOUSE, !she, she ? man : wife);
    if (children)
        add_children(d, h, KH_REL_CHILD, man, wife);
}

static void parent_alone(struct kh_dice *d, struct kh_home *h)
{
    bool she = kh_dice_chance(d, 800);
    int32_t born = born_at(d, about(d, 24, 58));

    add(h, KH_REL_HEAD, she, born);
    add_children(d, h, KH_REL_CHILD, born, born);
}

/* A couple with children, and the parents of the husband or of the wife. */
static void three_generations(struct kh_dice *d, struct kh_home *h)
{
    const struct kh_member *head;
    int32_t mother, father;

    couple(d, h, about(d, 24, 50), true);
    head = &h->who[0];
    mother = head->born - about(d, 19, 34) * KH_YEAR_DAYS - (int32_t)kh_dice_below(d, 365);
    father = mother - about(d, -2, 8) * KH_YEAR_DAYS - (int32_t)kh_dice_below(d, 365);
    if (father > head->born - 19 * KH_YEAR_DAYS)
        father = head->born - 19 * KH_YEAR_DAYS;
    if (has_room(h) && lives(d, father))
        add(h, KH_REL_PARENT, false, father);
    if (has_room(h) && lives(d, mother))
        add(h, KH_REL_PARENT, true, mother);
}

/* The old couple heads; a grown-up child with husband or wife and children lives with it. */
static void old_couple_heads(struct kh_dice *d, struct kh_home *h)
{
    int32_t elder, child, other;
    bool son = kh_dice_chance(d, 760);

    couple(d, h, about(d, 52, 80), false);
    elder = h->who[0].born > h->who[1].born ? h->who[0].born : h->who[1].born;
    child = elder + about(d, 20, 32) * KH_YEAR_DAYS + (int32_t)kh_dice_below(d, 365);
    add(h, KH_REL_CHILD, !son, child);
    if (child > KH_POPULACE_DAY - 22 * KH_YEAR_DAYS)
        return;
    other = child + about(d, -3, 5) * KH_YEAR_DAYS + (int32_t)kh_dice_below(d, 365);
    if (other > KH_POPULACE_DAY - 20 * KH_YEAR_DAYS)
        other = child;
    add(h, KH_REL_CHILD_IN_LAW, son, other);
    add_children(d, h, KH_REL_GRANDCHILD, son ? child : other, son ? other : child);
}

/* ---- names ---- */

/* Whose family name somebody has: the member's place, or -1: one of his or her own. */
static int named_after(const struct kh_home *h, unsigned i)
{
    const struct kh_member *m = &h->who[i];

    switch (m->relation) {
    case KH_REL_HEAD:
    case KH_REL_SPOUSE:
    case KH_REL_CHILD_IN_LAW:
        return -1;
    case KH_REL_CHILD:
        /* The father's; of a mother alone, hers. */
        return h->n > 1 && h->who[1].relation == KH_REL_SPOUSE && h->who[0].female ? 1 : 0;
    case KH_REL_PARENT:
        return m->female ? -1 : 0;
    case KH_REL_GRANDCHILD:
        return h->who[2].female ? 3 : 2;
    }
    return -1;
}

static void name_all(const struct kh_populace *p, struct kh_dice *d, struct kh_home *h)
{
    for (unsigned i = 0; i < h->n; i++) {
        struct kh_member *m = &h->who[i];
        int after = named_after(h, i);
        /* Văn and Thị, the most frequent of all, are names of the parents' time. */
        unsigned tries = m->born > KH_POPULACE_DAY - 30 * KH_YEAR_DAYS ? 2 : 1;

        m->family = after >= 0 ? h->who[after].family : kh_urn_draw(&p->family, d, m->female);
        m->given = kh_urn_draw(&p->given, d, m->female);
        m->middle = m->middle2 = KH_NO_NAME;
        if (kh_dice_chance(d, 25))
            continue;
        do
            m->middle = kh_urn_draw(&p->middle, d, m->female);
        while (--tries && p->middle.names.items[m->middle].weight[!m->female] == 0);
        if (kh_dice_chance(d, m->female ? 260 : 90))
            m->middle2 = kh_urn_draw(&p->middle, d, m->female);
        if (m->middle2 == m->middle)
            m->middle2 = KH_NO_NAME;
    }
}

/* Most were born here, the younger the surer; the list begins with the city itself. */
static void place_births(const struct kh_populace *p, struct kh_dice *d, struct kh_home *h)
{
    for (unsigned i = 0; i < h->n; i++) {
        bool young = h->who[i].born > KH_POPULACE_DAY - 18 * KH_YEAR_DAYS;

        if (!kh_dice_chance(d, young ? 955 : 730))
            h->who[i].province = (uint16_t)kh_dice_below(d, (uint32_t)p->from.provinces_n);
    }
}

void kh_home_make(const struct kh_populace *p, size_t unit, int64_t at, struct kh_home *ret)
{
    struct kh_dice d = kh_home_dice(p, unit, at, 0);
    uint32_t kind = kh_dice_below(&d, 1000);

    ret->n = 0;
    if (kind < 150)
        single(&d, ret);
    else if (kind < 240)
        couple(&d, ret, about(&d, 20, 34), false);
    else if (kind < 340)
        couple(&d, ret, about(&d, 50, 80), false);
    else if (kind < 730)
        couple(&d, ret, 23 + (int32_t)kh_dice_below(&d, 39), true);
    else if (kind < 800)
        parent_alone(&d, ret);
    else if (kind < 920)
        three_generations(&d, ret);
    else
        old_couple_heads(&d, ret);
    name_all(p, &d, ret);
    place_births(p, &d, ret);
}
