/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store/registry/seen_sql -- who looked at whose personal data, and what for.
 *
 * Owns   table access_log (rows are only ever added).
 * Used   by engine/registry/seen.c.
 */
#ifndef KH_STORE_REGISTRY_SEEN_SQL_H
#define KH_STORE_REGISTRY_SEEN_SQL_H

#include "engine/registry/seen.h"

KH_CHECK
bool kh_seen_sql_add(struct kh_tx *tx, const struct kh_look *r, struct kh_error *err);
/** Newest first, id < before. */
KH_CHECK
bool kh_seen_sql_of(struct kh_tx *tx, struct kh_arena *a, int64_t owner, int64_t before,
                    size_t limit, struct kh_look **ret, size_t *ret_n, struct kh_error *err);

#endif
