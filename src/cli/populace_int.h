/* SPDX-License-Identifier: Apache-2.0 */
/**
 * populace_int -- one household as its files see it.
 *
 *   populace.c       the plan: how many live where, in which order they come, their numbers
 *   populace_home.c  one household: who is in it, born when, called what
 *   populace_json.c  households and people as records
 *
 * Used   by the files above only.
 */
#ifndef KH_CLI_POPULACE_INT_H
#define KH_CLI_POPULACE_INT_H

#include "cli/populace.h"

enum {
    KH_HOME_MAX = 9,       /**< people of one household */
    KH_YEAR_DAYS = 366,
    KH_SERIALS = 1000000,  /**< personal numbers of one province, century, sex and year */
};

/** The day on which this population is as it is: 2026-07-01, in days since 1970. */
#define KH_POPULACE_DAY 20635

enum kh_relation {
    KH_REL_HEAD,
    KH_REL_SPOUSE,
    KH_REL_CHILD,
    KH_REL_PARENT,
    KH_REL_CHILD_IN_LAW,
    KH_REL_GRANDCHILD,
};

struct kh_member {
    enum kh_relation relation;
    bool female;
    int32_t born; /**< days since 1970 */
    uint16_t family, middle, middle2, given; /**< of the names; KH_NO_NAME: none */
    uint16_t province;
};

#define KH_NO_NAME UINT16_MAX

struct kh_home {
    struct kh_member who[KH_HOME_MAX];
    unsigned n;
};

/** Chance that follows from a seed: splitmix64. */
struct kh_dice {
    uint64_t s;
};
uint64_t kh_dice_roll(struct kh_dice *d);
/** 0..n-1 */
uint32_t kh_dice_below(struct kh_dice *d, uint32_t n);
/** true in `of` cases of 1000 */
bool kh_dice_chance(struct kh_dice *d, uint32_t permille);

/** Names by running sums of their weights, one row for each sex. */
struct kh_urn {
    struct kh_populace_names names;
    uint32_t *sum[2];
};

/** One person of the plan. */
struct kh_place {
    uint64_t number;    /**< personal number, 12 digits */
    uint32_t household;
    uint32_t member;
};

struct kh_populace {
    struct kh_populace_from from;
    uint64_t seed;
    struct kh_urn family, middle, given;
    struct kh_place *people;
    int64_t people_n;
    uint64_t *heads;      /**< personal number of the head of each household */
    int64_t *first;       /**< household with which each unit begins; one more at the end */
    unsigned *last;       /**< people of the last household of each unit */
    int64_t households_n;
};

/** Household number `at` of a unit; dice for what else is to be drawn for it go on from there. */
void kh_home_make(const struct kh_populace *p, size_t unit, int64_t at, struct kh_home *ret);
/** Dice of one household, or of one person in it: the same every time. */
struct kh_dice kh_home_dice(const struct kh_populace *p, size_t unit, int64_t at, unsigned what);
void kh_urn_make(struct kh_arena *a, struct kh_populace_names names, struct kh_urn *ret);
uint16_t kh_urn_draw(const struct kh_urn *u, struct kh_dice *d, bool female);
/** The unit of a household. */
size_t kh_populace_unit_of(const struct kh_populace *p, int64_t household);

#endif
