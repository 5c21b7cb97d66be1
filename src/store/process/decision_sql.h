/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store/process/decision_sql -- rows of table decision: the deployed decision models.
 *
 * Owns   the statements on decision.
 * Used   by engine/process/decision.c only.
 */
#ifndef KH_STORE_PROCESS_DECISION_SQL_H
#define KH_STORE_PROCESS_DECISION_SQL_H

#include "store/store.h"

struct kh_decision_row {
    int64_t id, version, deployed_us;
    struct kh_str pack, key, name, ns, checksum;
    struct kh_str xml;
};

KH_CHECK
bool kh_decision_sql_add(struct kh_tx *tx, const struct kh_decision_row *r, struct kh_error *err);
/** The newest version of a model; without xml. */
KH_CHECK
enum kh_hit kh_decision_sql_newest(struct kh_tx *tx, struct kh_arena *a, struct kh_str pack,
                                   struct kh_str key, struct kh_decision_row *ret,
                                   struct kh_error *err);
/** One version by id, with xml. */
KH_CHECK
enum kh_hit kh_decision_sql_get(struct kh_tx *tx, struct kh_arena *a, int64_t id,
                                struct kh_decision_row *ret, struct kh_error *err);
/** XML of the model deployed last with this namespace. */
KH_CHECK
enum kh_hit kh_decision_sql_by_ns(struct kh_tx *tx, struct kh_arena *a, struct kh_str ns,
                                  struct kh_str *ret_xml, struct kh_error *err);

#endif
