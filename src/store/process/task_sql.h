/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store/process/task_sql -- rows of table task.
 *
 * Owns   the statements on task.
 * Used   by engine/process only.
 */
#ifndef KH_STORE_PROCESS_TASK_SQL_H
#define KH_STORE_PROCESS_TASK_SQL_H

#include "store/store.h"

struct kh_task_row {
    int64_t id, instance, token, process_id;
    struct kh_str process, key, case_type;
    int64_t case_id;
    struct kh_str title, role, unit;
    int64_t claimed_by, owner, created_us, due_us, done_us;
    struct kh_str done_by; /**< actor */
    int64_t state;         /**< enum kh_task_state */
    bool overdue;          /**< the event has been told */
    struct kh_str calendar;
    int64_t held_us; /**< the deadline while the clock of the case stands still, else 0 */
};

KH_CHECK
bool kh_task_sql_add(struct kh_tx *tx, const struct kh_task_row *t, struct kh_error *err);
/** @param lock keep others from changing it until the transaction ends */
KH_CHECK
enum kh_hit kh_task_sql_get(struct kh_tx *tx, struct kh_arena *a, int64_t id, bool lock,
                            struct kh_task_row *ret, struct kh_error *err);
/** Set state, claimed_by, done_us and done_by of a task that is open or claimed. KH_MISS: it is not. */
KH_CHECK
enum kh_hit kh_task_sql_put(struct kh_tx *tx, const struct kh_task_row *t, struct kh_error *err);

/** Tasks in one of two states, in the order of (due_us, id), behind a place in it. */
struct kh_task_find {
    struct kh_str role; /**< exactly; "" takes any where a person or case is asked for */
    struct kh_str unit; /**< this and below; "" everything */
    int64_t state, or_state;
    struct kh_str process, key;     /**< or "" */
    int64_t due_before_us;          /**< KH_FOREVER: any */
    int64_t after_due_us, after_id; /**< INT64_MIN, 0 for the first page */
    unsigned limit;
};
/** All tasks of a role, soonest first; filters by unit on the way: for wide units. */
KH_CHECK
bool kh_task_sql_wide(struct kh_tx *tx, struct kh_arena *a, const struct kh_task_find *f,
                      struct kh_task_row **ret, size_t *ret_n, struct kh_error *err);
/** Unit by unit: for units with few below them. @param closed states >= 2 */
KH_CHECK
bool kh_task_sql_narrow(struct kh_tx *tx, struct kh_arena *a, const struct kh_task_find *f,
                        bool closed, struct kh_task_row **ret, size_t *ret_n, struct kh_error *err);
/** Tasks in exactly f->state that somebody has claimed, or (owner) must do as a citizen. */
KH_CHECK
bool kh_task_sql_of(struct kh_tx *tx, struct kh_arena *a, const struct kh_task_find *f, bool owner,
                    int64_t account, struct kh_task_row **ret, size_t *ret_n, struct kh_error *err);
/** Tasks of a case in any state. */
KH_CHECK
bool kh_task_sql_case(struct kh_tx *tx, struct kh_arena *a, const struct kh_task_find *f,
                      int64_t case_id, struct kh_task_row **ret, size_t *ret_n,
                      struct kh_error *err);
/** Roles that have open tasks (closed: closed ones). */
KH_CHECK
bool kh_task_sql_roles(struct kh_tx *tx, struct kh_arena *a, bool closed, struct kh_str **ret,
                       size_t *ret_n, struct kh_error *err);

/** Ids of open tasks past their deadline that nobody has been told of. */
KH_CHECK
bool kh_task_sql_overdue(struct kh_tx *tx, struct kh_arena *a, int64_t now_us, unsigned limit,
                         int64_t **ret_ids, size_t *ret_n, struct kh_error *err);
/** Mark one as told. KH_MISS: it is done, told or no longer overdue. */
KH_CHECK
enum kh_hit kh_task_sql_tell(struct kh_tx *tx, int64_t id, int64_t now_us, struct kh_error *err);
/** When the next task becomes overdue; KH_FOREVER if none. */
KH_CHECK
bool kh_task_sql_next_overdue(struct kh_tx *tx, int64_t *ret_us, struct kh_error *err);

/** Hold the deadlines of a case's open tasks, and list the held ones again. */
KH_CHECK
bool kh_task_sql_hold(struct kh_tx *tx, int64_t case_id, struct kh_error *err);
KH_CHECK
bool kh_task_sql_held(struct kh_tx *tx, struct kh_arena *a, int64_t case_id,
                      struct kh_task_row **ret, size_t *ret_n, struct kh_error *err);
/** Give a task its new deadline; it may become overdue (again) if that is later than now. */
KH_CHECK
bool kh_task_sql_release(struct kh_tx *tx, int64_t id, int64_t due_us, int64_t now_us,
                         struct kh_error *err);

#endif
