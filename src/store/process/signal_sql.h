/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store/process/signal_sql -- rows of table signal_wait.
 *
 * Owns   the statements on signal_wait.
 * Used   by engine/process only.
 */
#ifndef KH_STORE_PROCESS_SIGNAL_SQL_H
#define KH_STORE_PROCESS_SIGNAL_SQL_H

#include "store/store.h"

struct kh_signal_row {
    int64_t id, instance, token;
    struct kh_str node, name;
};

KH_CHECK
bool kh_signal_sql_add(struct kh_tx *tx, const struct kh_signal_row *w, struct kh_error *err);
/** Who waits for a signal, with after < id <= upto, by id. */
KH_CHECK
bool kh_signal_sql_find(struct kh_tx *tx, struct kh_arena *a, struct kh_str name, int64_t after,
                        int64_t upto, unsigned limit, struct kh_signal_row **ret, size_t *ret_n,
                        struct kh_error *err);
/** @return KH_MISS if it waits no longer */
KH_CHECK
enum kh_hit kh_signal_sql_find_id(struct kh_tx *tx, int64_t id, struct kh_error *err);
/** Take one away. KH_MISS: somebody did already. */
KH_CHECK
enum kh_hit kh_signal_sql_drop(struct kh_tx *tx, int64_t id, struct kh_error *err);
/** All of one token (0: of the instance). */
KH_CHECK
bool kh_signal_sql_drop_of(struct kh_tx *tx, int64_t instance, int64_t token, struct kh_error *err);
/** Those of one node on a token. */
KH_CHECK
bool kh_signal_sql_drop_at(struct kh_tx *tx, int64_t instance, int64_t token, struct kh_str node,
                           struct kh_error *err);

#endif
