/* SPDX-License-Identifier: Apache-2.0 */
/**
 * geo/units_int -- one picture of the units, as the files of units share it.
 *
 *   units.c         pictures: when a new one is made, who waits for it; the questions
 *   units_read.c    records -> a picture
 *   units_search.c  names
 *   units_text.c    boundaries as text
 */
#ifndef KH_GEO_UNITS_INT_H
#define KH_GEO_UNITS_INT_H

#include "engine/geo/units.h"

enum { KH_UNIT_TEXTS = 8 };

/** A text of boundaries and the days for which it holds. */
struct kh_unit_text {
    int64_t from_day, to_day;
    struct kh_units_text text;
};

/** Never changed once it is current, but for texts, which the lock of struct kh_units guards. */
struct kh_picture {
    struct kh_arena *a;
    struct kh_picture *before; /**< older ones, kept until closing */
    struct kh_unit *units;     /**< by code, then by from_day */
    size_t n;
    const struct kh_unit **shaped; /**< communes with a shape, by area */
    size_t shaped_n;
    struct kh_box *boxes; /**< of shaped */
    struct kh_unit_text texts[KH_UNIT_TEXTS];
    size_t texts_n;
};

/** Read all units in a transaction. @param err STORE (503) */
KH_CHECK
bool kh_picture_read(struct kh_tx *tx, const struct kh_registry *reg, struct kh_picture **ret,
                     struct kh_error *err);
void kh_picture_drop(struct kh_picture *p);

static inline bool kh_unit_on(const struct kh_unit *u, int64_t day)
{
    return day >= u->from_day && day < u->to_day;
}

/** The unit with this code on a day, or the newest with any is true; NULL if there is none. */
const struct kh_unit *kh_picture_find(const struct kh_picture *p, struct kh_str code, int64_t day,
                                      bool any);
const struct kh_unit *kh_picture_at(const struct kh_picture *p, double lon, double lat,
                                    int64_t day);
void kh_picture_search(const struct kh_picture *p, struct kh_arena *a, struct kh_str q, int64_t day,
                       size_t limit, struct kh_unit_match **ret, size_t *ret_n);
/** Make the text of a day; the caller holds the lock. */
const struct kh_units_text *kh_picture_text(struct kh_picture *p, int64_t day);

#endif
