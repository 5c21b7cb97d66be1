/* SPDX-License-Identifier: Apache-2.0 */
/**
 * cli/populace -- a made-up population: who lives with whom, where, and what they are called.
 *
 * Everybody follows from a seed and a count: the same two give the same people on every machine and
 * every day. Names are put together from the frequencies of single syllables, numbers are drawn;
 * nobody is taken from anywhere. People come in the order of their personal numbers, as a register
 * keeps them, so that the index that has to stay unique grows at its end.
 *
 * Owns   the plan: 16 bytes a person and 8 a household while it lasts.
 * Used   by cli/people.c.
 * Never  sees a database.
 */
#ifndef KH_CLI_POPULACE_H
#define KH_CLI_POPULACE_H

#include "base/json.h"

enum { KH_POPULACE_MAX = 20000000 };

/** Where people live. */
struct kh_populace_unit {
    struct kh_str commune; /**< code, five digits */
    struct kh_str agency;  /**< code of who keeps its register */
    bool rural;            /**< a commune: villages; else a ward: streets */
    int64_t population;    /**< people are shared out by it */
};

/** A syllable and how often it is given to whom. */
struct kh_populace_name {
    struct kh_str text;
    uint32_t weight[2]; /**< male, female */
};

struct kh_populace_names {
    const struct kh_populace_name *items;
    size_t n;
};

/** What a population is made of; all of it must outlive the plan. */
struct kh_populace_from {
    const struct kh_populace_unit *units;
    size_t units_n;                                  /**< 1..1000 */
    struct kh_populace_names family, middle, given;  /**< none of them empty */
    const struct kh_str *provinces;                  /**< three digits each, that of the city first */
    size_t provinces_n;                              /**< 1..200 */
};

struct kh_populace;

/**
 * Plan count people.
 *
 * @param a     arena of the plan
 * @param count 1..KH_POPULACE_MAX
 * @param err   PARAMETER_INVALID (400): there is nothing to make people of, or no room for so many
 */
KH_CHECK
bool kh_populace_new(struct kh_arena *a, const struct kh_populace_from *from, int64_t count,
                     uint64_t seed, struct kh_populace **ret, struct kh_error *err);

int64_t kh_populace_households(const struct kh_populace *p);
/** Household i as fields of the type `household`, in the order of codes. */
struct kh_json *kh_populace_household(const struct kh_populace *p, struct kh_arena *a, int64_t i);
int64_t kh_populace_people(const struct kh_populace *p);
/** Person i as fields of the type `resident`, in the order of personal numbers. */
struct kh_json *kh_populace_person(const struct kh_populace *p, struct kh_arena *a, int64_t i);

#endif
