/* SPDX-License-Identifier: Apache-2.0 */
/**
 * api/agency -- what agencies are called, for replies that name them.
 *
 * Owns   a small table in memory, emptied whenever the register of agencies changes.
 * Used   by the handlers of api/; opened and closed with the city (api/serve.h).
 * Never  answers what is older than ten seconds.
 */
#ifndef KH_API_AGENCY_H
#define KH_API_AGENCY_H

#include "base/kh.h"

struct kh_agencies;
struct kh_city;
struct kh_tx;

/** @param err STORE (503): the log cannot be followed */
KH_CHECK
bool kh_agencies_open(struct kh_city *city, struct kh_agencies **ret, struct kh_error *err);
/** Accepts NULL. */
void kh_agencies_close(struct kh_city *city, struct kh_agencies *ag);

/** The names of an agency as it is now; all "" if the city has no such register or code. */
struct kh_agency_names {
    struct kh_str name;
    struct kh_str short_name; /**< the name if it has no short one */
    struct kh_str commune;    /**< code of the commune that it governs; "" if it is another one */
};

/** @param a arena that the names live in */
KH_CHECK
bool kh_agency_names(struct kh_tx *tx, const struct kh_city *city, struct kh_arena *a,
                     struct kh_str code, struct kh_agency_names *ret, struct kh_error *err);

#endif
