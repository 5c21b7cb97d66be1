/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store/process/instance_sql -- rows of tables instance and clock.
 *
 * Owns   the statements on instance and clock.
 * Used   by engine/process only.
 */
#ifndef KH_STORE_PROCESS_INSTANCE_SQL_H
#define KH_STORE_PROCESS_INSTANCE_SQL_H

#include "store/store.h"

enum kh_instance_state { KH_I_RUNNING, KH_I_ENDED, KH_I_TERMINATED, KH_I_CANCELLED };

struct kh_instance_row {
    int64_t id, process_id;
    struct kh_str case_type;
    int64_t case_id, parent_id, parent_token;
    enum kh_instance_state state;
    int64_t started_us, ended_us; /**< ended_us 0 while running */
    struct kh_str data;           /**< JSON */
};

KH_CHECK
bool kh_instance_sql_add(struct kh_tx *tx, const struct kh_instance_row *r, struct kh_error *err);
/** Write state, ended_us and data. */
KH_CHECK
bool kh_instance_sql_put(struct kh_tx *tx, const struct kh_instance_row *r, struct kh_error *err);
/** @param lock keep others from changing it until the transaction ends */
KH_CHECK
enum kh_hit kh_instance_sql_get(struct kh_tx *tx, struct kh_arena *a, int64_t id, bool lock,
                                struct kh_instance_row *ret, struct kh_error *err);
/** The record type of a case that some instance is about. */
KH_CHECK
enum kh_hit kh_instance_sql_case_type(struct kh_tx *tx, struct kh_arena *a, int64_t case_id,
                                      struct kh_str *ret, struct kh_error *err);

/** Stop the clock of a case. KH_MISS: it stands still already. */
KH_CHECK
enum kh_hit kh_clock_sql_stop(struct kh_tx *tx, int64_t case_id, int64_t now_us,
                              struct kh_str calendar, struct kh_error *err);
/** Start it again: since when and by which calendar it stood. KH_MISS: it was running. */
KH_CHECK
enum kh_hit kh_clock_sql_go(struct kh_tx *tx, struct kh_arena *a, int64_t case_id,
                            int64_t *ret_since_us, struct kh_str *ret_calendar,
                            struct kh_error *err);

#endif
