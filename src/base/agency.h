/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base/agency -- identifiers of state agencies, in both systems that are in use.
 *
 * New (QĐ 20/2020/QĐ-TTg, articles 4-6): left to right from the top, "H26", "H26.19", "H26.19.5"; at
 * most 35 characters of 0-9, A-Z and dots. Or "Z01" to "Z99" and up to 32 characters without dots,
 * for those outside the state.
 * Old (QCVN 102:2016/BTTTT): right to left, always four groups, unused ones zero: "000.00.00.H26",
 * "000.05.19.H26". Files and messages of before 2020 keep it, some with groups left out; reading is
 * lenient there, writing is not.
 *
 * Owns   nothing.
 * Used   by exchange, packs, identity.
 */
#ifndef KH_BASE_AGENCY_H
#define KH_BASE_AGENCY_H

#include "base/kh.h"

enum { KH_AGENCY_LEVELS = 4, KH_AGENCY_CHARS = 35 };

/** A code taken apart, from the top. The groups point into the text it was read from. */
struct kh_agency_code {
    struct kh_str group[KH_AGENCY_LEVELS];
    unsigned levels; /**< 1..4 */
    bool scheme;     /**< of the Z kind: group[0] is "Z01", group[1] the rest */
};

/** Read either system; case does not count as different, so lower case is refused.
 *  @return false if it is neither */
KH_CHECK
bool kh_agency_parse(struct kh_str s, struct kh_agency_code *ret);

/** Write the new form. */
struct kh_str kh_agency_new(struct kh_arena *a, const struct kh_agency_code *c);

/** Write the old form. @return p NULL if there is none: a group is longer than its three or two
 *  places, or it is of the Z kind */
struct kh_str kh_agency_old(struct kh_arena *a, const struct kh_agency_code *c);

#endif
