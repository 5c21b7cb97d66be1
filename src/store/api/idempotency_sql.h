/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store/api/idempotency_sql -- the statements of table idempotency.
 */
#ifndef KH_STORE_API_IDEMPOTENCY_SQL_H
#define KH_STORE_API_IDEMPOTENCY_SQL_H

#include "store/store.h"

struct kh_idempotency_row {
    struct kh_str scope, request; /**< 32 bytes each */
    int64_t at_us;
    int status; /**< 0 while there is no reply yet */
    struct kh_str type, location, etag, body;
};

/** @return KH_HIT with texts in the arena */
KH_CHECK
enum kh_hit kh_idempotency_sql_find(struct kh_tx *tx, struct kh_arena *a, struct kh_str scope,
                                    struct kh_idempotency_row *ret, struct kh_error *err);
/** @param ret_added false if another has the scope already */
KH_CHECK
bool kh_idempotency_sql_add(struct kh_tx *tx, const struct kh_idempotency_row *row,
                            bool *ret_added, struct kh_error *err);
/** Store the reply of a claimed row. */
KH_CHECK
bool kh_idempotency_sql_keep(struct kh_tx *tx, const struct kh_idempotency_row *row,
                             struct kh_error *err);
KH_CHECK
bool kh_idempotency_sql_drop(struct kh_tx *tx, struct kh_str scope, struct kh_error *err);
/** Remove a few of the rows that are older than an instant. */
KH_CHECK
bool kh_idempotency_sql_expire(struct kh_tx *tx, int64_t before_us, int64_t max,
                               struct kh_error *err);

#endif
