/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store/process/process_sql -- rows of table process: the deployed models.
 *
 * Owns   the statements on process.
 * Used   by engine/process only.
 */
#ifndef KH_STORE_PROCESS_PROCESS_SQL_H
#define KH_STORE_PROCESS_PROCESS_SQL_H

#include "store/store.h"

struct kh_process_row {
    int64_t id, version, deployed_us;
    struct kh_str key, name_vi, name_en, checksum;
    struct kh_str xml;
    int64_t running; /**< instances of all versions that have not ended; list only */
};

KH_CHECK
bool kh_process_sql_add(struct kh_tx *tx, const struct kh_process_row *r, struct kh_error *err);
/** The newest version of a key; without xml. */
KH_CHECK
enum kh_hit kh_process_sql_newest(struct kh_tx *tx, struct kh_arena *a, struct kh_str key,
                                  struct kh_process_row *ret, struct kh_error *err);
/** One version by id, with xml. */
KH_CHECK
enum kh_hit kh_process_sql_get(struct kh_tx *tx, struct kh_arena *a, int64_t id,
                               struct kh_process_row *ret, struct kh_error *err);
/** Id of one version of a key. */
KH_CHECK
enum kh_hit kh_process_sql_version(struct kh_tx *tx, struct kh_str key, int64_t version,
                                   int64_t *ret, struct kh_error *err);
/** The newest version of every key, by key; without xml. @param running count instances too */
KH_CHECK
bool kh_process_sql_all(struct kh_tx *tx, struct kh_arena *a, bool running,
                        struct kh_process_row **ret, size_t *ret_n, struct kh_error *err);
/** Instances of all versions of a key that have not ended. */
KH_CHECK
bool kh_process_sql_running(struct kh_tx *tx, struct kh_str key, int64_t *ret,
                            struct kh_error *err);

/* ---- calendars ---- */

struct kh_calendar_row {
    struct kh_str key, data;
};
KH_CHECK
bool kh_calendar_sql_put(struct kh_tx *tx, struct kh_str key, struct kh_str data, int64_t now_us,
                         struct kh_error *err);
KH_CHECK
bool kh_calendar_sql_all(struct kh_tx *tx, struct kh_arena *a, struct kh_calendar_row **ret,
                         size_t *ret_n, struct kh_error *err);

#endif
