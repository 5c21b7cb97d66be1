/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store/process/migrate_sql -- instances that go over to another version, with what waits for them.
 *
 * Owns   nothing of its own: it changes rows of instance, task, job, message_wait and signal_wait.
 * Used   by engine/process/migrate.c.
 */
#ifndef KH_STORE_PROCESS_MIGRATE_SQL_H
#define KH_STORE_PROCESS_MIGRATE_SQL_H

#include "store/process/instance_sql.h"

enum kh_wait_table { KH_WAIT_JOB, KH_WAIT_MESSAGE, KH_WAIT_SIGNAL };

/** A job, or a wait for a message or signal. */
struct kh_wait_at {
    enum kh_wait_table table;
    int64_t id;
    struct kh_str node;
};

/** Running instances of a version with id > after, by id. */
KH_CHECK
bool kh_migrate_sql_page(struct kh_tx *tx, struct kh_arena *a, int64_t process_id, int64_t after,
                         unsigned limit, int64_t **ret_ids, size_t *ret_n, struct kh_error *err);
/** All that waits for an instance. */
KH_CHECK
bool kh_migrate_sql_waits(struct kh_tx *tx, struct kh_arena *a, int64_t instance,
                          struct kh_wait_at **ret, size_t *ret_n, struct kh_error *err);
/** Write process_id and data. */
KH_CHECK
bool kh_migrate_sql_instance(struct kh_tx *tx, const struct kh_instance_row *r,
                             struct kh_error *err);
KH_CHECK
bool kh_migrate_sql_task(struct kh_tx *tx, int64_t id, int64_t process_id, struct kh_str key,
                         struct kh_error *err);
/** Let it wait at another node. @param name what it waits for there, of a message or signal */
KH_CHECK
bool kh_migrate_sql_wait(struct kh_tx *tx, const struct kh_wait_at *w, struct kh_str node,
                         struct kh_str name, struct kh_error *err);
KH_CHECK
bool kh_migrate_sql_drop(struct kh_tx *tx, const struct kh_wait_at *w, struct kh_error *err);

#endif
