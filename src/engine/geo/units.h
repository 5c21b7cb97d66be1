/* SPDX-License-Identifier: Apache-2.0 */
/**
 * geo/units -- the administrative units of the city in memory: which one covers a point on a day,
 * and which one somebody means by a name.
 *
 * Made of the records of types admin_unit, admin_boundary, admin_successor and agency (pack
 * admin-units), by a thread of its own after opening, so the start does not wait for it; whoever asks
 * sooner waits. When such records change, a new picture replaces the old one; old pictures stay
 * until closing, so what was given out stays valid.
 *
 * Owns   the pictures and a thread.
 * Used   by api/unit.c, process (service function "unit.at"), registry (within), open311, insight.
 * Never  writes.
 */
#ifndef KH_GEO_UNITS_H
#define KH_GEO_UNITS_H

#include "engine/geo/geo.h"
#include "store/store.h"

struct kh_units;
struct kh_registry;
struct kh_process;

struct kh_unit;

/** What became of a unit. */
struct kh_unit_next {
    const struct kh_unit *unit;
    bool whole;          /**< all of it; else a part */
    bool needs_decision; /**< it cannot be told by code alone: a clerk decides */
};

/** One unit in one period. */
struct kh_unit {
    struct kh_str code, name, kind, level, full_name, full_name_en, parent, seat, decision;
    struct kh_str agency, agency_name; /**< who is in charge there, or "" */
    int64_t from_day, to_day;          /**< days since 1970-01-01, half-open; KH_FOREVER if open */
    int64_t population;                /**< 0 if unknown */
    double area_km2;                   /**< 0 if unknown */
    bool has_centre;
    double lon, lat;                 /**< centre */
    const struct kh_shape *shape;    /**< or NULL */
    double label_lon, label_lat;     /**< of the shape */
    const struct kh_unit_next *next; /**< successors */
    size_t next_n;
    struct kh_str fold, exact; /**< of name, for search */
    struct kh_str geometry;    /**< GeoJSON text of the shape, or "" */
};

/** Also registers the service function "unit.at" {lon, lat, date?} -> {code, name, agency, ...} (all
 *  null outside), the shapes for within, and what the city serves. process may be NULL.
 *  @param err STORE (503) */
KH_CHECK
bool kh_units_open(struct kh_store *st, struct kh_registry *reg, struct kh_process *pe,
                   struct kh_units **ret, struct kh_error *err);
void kh_units_close(struct kh_units *us);

/**
 * The commune that covers a point on a day. Boundaries are simplified, so neighbours overlap and gape
 * by some metres: of several the smaller one wins, and in a gap the nearest within 40 m.
 *
 * @param day days since 1970-01-01
 * @param ret valid until kh_units_close
 * @param err POINT_INVALID (422), STORE (503)
 */
KH_CHECK
enum kh_hit kh_units_at(struct kh_units *us, double lon, double lat, int64_t day,
                        const struct kh_unit **ret, struct kh_error *err);

/**
 * Are there boundaries of communes for a day at all, whatever the place?
 *
 * @param ret_known  whether any holds on that day
 * @param ret_from   the first day of which any is stored; KH_FOREVER if there is none at all
 */
KH_CHECK
bool kh_units_known(struct kh_units *us, int64_t day, bool *ret_known, int64_t *ret_from,
                    struct kh_error *err);

/** A unit by its code on a day. */
KH_CHECK
enum kh_hit kh_units_find(struct kh_units *us, struct kh_str code, int64_t day,
                          const struct kh_unit **ret, struct kh_error *err);

/** The newest unit that has or had this code. */
KH_CHECK
enum kh_hit kh_units_last(struct kh_units *us, struct kh_str code, const struct kh_unit **ret,
                          struct kh_error *err);

/** One answer of a search. */
struct kh_unit_match {
    const struct kh_unit *unit;
    const char *matched; /**< "code", "exact", "fold", "prefix", "words" */
    int rank;            /**< 0 is best */
};
/** Units by name in any spelling, with or without their kind ("P. Hoà Bình", "xa hoa binh"), or by
 *  code; best first; units of old days too, with their successors.
 *  @param day  only units of that day, or a negative number for all days (today's first) */
KH_CHECK
bool kh_units_search(struct kh_units *us, struct kh_arena *a, struct kh_str q, int64_t day,
                     size_t limit, struct kh_unit_match **ret, size_t *ret_n, struct kh_error *err);

/** GeoJSON FeatureCollection of the communes of a day with code, name, agency and label, kept ready
 *  for sending; valid until kh_units_close. */
struct kh_units_text {
    struct kh_str json, gzip;
    struct kh_str etag; /**< changes when the text does */
};
KH_CHECK
bool kh_units_boundaries(struct kh_units *us, int64_t day, const struct kh_units_text **ret,
                         struct kh_error *err);

/** Take a new picture now: after a load of records that is to be seen at once. */
KH_CHECK
bool kh_units_refresh(struct kh_units *us, struct kh_error *err);

#endif
