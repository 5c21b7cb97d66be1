/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store/event_chain -- the two hashes of an event.
 *
 * Used   by event.c (append), pg_seal.c (seal), event_verify.c (check).
 * Source FIPS 180-4; the encoding is ours: a block of fixed length holds every number and the
 *        length of every text, then the texts follow, so two different events never make the same
 *        bytes.
 */
#ifndef KH_STORE_EVENT_CHAIN_H
#define KH_STORE_EVENT_CHAIN_H

#include "store/event/event_sql.h"

/** payload = SHA-256(salt || data) */
void kh_event_payload(const struct kh_event_row *r, unsigned char out[32]);

/** chain = SHA-256(previous chain || all columns but salt and data || payload); reads e.seq */
void kh_event_link(const unsigned char before[32], const struct kh_event_row *r,
                   unsigned char out[32]);

#endif
