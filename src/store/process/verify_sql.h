/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store/process/verify_sql -- tasks and instances beside the events about them, in the order of ids.
 *
 * Owns   nothing: it only reads task, instance, process, event, event_inbox and api_key.
 * Used   by engine/process/verify.c.
 */
#ifndef KH_STORE_PROCESS_VERIFY_SQL_H
#define KH_STORE_PROCESS_VERIFY_SQL_H

#include "store/process/instance_sql.h"
#include "store/process/task_sql.h"

/** An event, as far as rows are compared with it. */
struct kh_deed {
    int64_t seq, at_us, subject, about, owner;
    struct kh_str kind, unit, actor;
    struct kh_str data; /**< "" if it was erased */
};

enum kh_deeds { KH_DEEDS_TASK, KH_DEEDS_INSTANCE };

/** A task, with the instance and the model that it names. */
struct kh_seen_task {
    struct kh_task_row t;
    bool has_instance;
    struct kh_instance_row i; /**< process_id, case_type and case_id only */
    struct kh_str model;      /**< key of the process; "" if there is none */
    int64_t version;          /**< of the process */
};

/** An instance (without data), with the model that it names. */
struct kh_seen_instance {
    struct kh_instance_row i;
    struct kh_str model;
    int64_t version;
};

/** Events about tasks or instances with after < subject <= until, by (subject, seq). Texts live in
 *  the arena. */
KH_CHECK
bool kh_verify_sql_deeds(struct kh_tx *tx, struct kh_arena *a, enum kh_deeds of, int64_t after,
                         int64_t until, size_t limit, struct kh_deed **ret, size_t *ret_n,
                         struct kh_error *err);
/** Rows with after < id <= until, by id. */
KH_CHECK
bool kh_verify_sql_tasks(struct kh_tx *tx, struct kh_arena *a, int64_t after, int64_t until,
                         size_t limit, struct kh_seen_task **ret, size_t *ret_n,
                         struct kh_error *err);
KH_CHECK
bool kh_verify_sql_instances(struct kh_tx *tx, struct kh_arena *a, int64_t after, int64_t until,
                             size_t limit, struct kh_seen_instance **ret, size_t *ret_n,
                             struct kh_error *err);
/** How the clocks of these cases were stopped and started, by (about, seq). @param cases JSON */
KH_CHECK
bool kh_verify_sql_clocks(struct kh_tx *tx, struct kh_arena *a, struct kh_str cases,
                          struct kh_deed **ret, size_t *ret_n, struct kh_error *err);
/** Whether an event about id, or about its case, waits to be sealed (PostgreSQL only). */
KH_CHECK
enum kh_hit kh_verify_sql_waiting(struct kh_tx *tx, int64_t id, int64_t case_id,
                                  struct kh_error *err);
/** The account that a key acts for. */
KH_CHECK
enum kh_hit kh_verify_sql_key(struct kh_tx *tx, int64_t key, int64_t *ret_account,
                              struct kh_error *err);
/** How many tasks and instances there are. */
KH_CHECK
bool kh_verify_sql_count(struct kh_tx *tx, int64_t *ret, struct kh_error *err);

#endif
