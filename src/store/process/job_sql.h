/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store/process/job_sql -- rows of tables job and message_wait.
 *
 * Owns   the statements on job and message_wait.
 * Used   by engine/process only.
 */
#ifndef KH_STORE_PROCESS_JOB_SQL_H
#define KH_STORE_PROCESS_JOB_SQL_H

#include "store/store.h"

enum kh_job_lane { KH_LANE_TIMER, KH_LANE_HTTP };
enum kh_job_kind {
    KH_JOB_TIMER,
    KH_JOB_BOUNDARY,
    KH_JOB_HTTP,
    KH_JOB_SIGNAL, /**< for one that waits: {"w": its wait, "v": variables} */
    KH_JOB_SPREAD, /**< rest of a signal: {"n": name, "a": after, "u": upto, "v": variables} */
    KH_JOB_START,  /**< of a process: instance is the process version */
};
enum kh_job_state { KH_JOB_WAITING, KH_JOB_DEAD };

struct kh_job_row {
    int64_t id;
    enum kh_job_lane lane;
    enum kh_job_kind kind;
    enum kh_job_state state;
    int64_t due_us, instance, token;
    struct kh_str node, calendar;
    int64_t held_us; /**< due_us while the clock of the case stands still, else 0 */
    int64_t times;   /**< further repetitions, -1 without end */
    int64_t attempts, lease;
    struct kh_str payload; /**< HTTP: {"method","url","body"} */
    struct kh_str error;   /**< of the last attempt */
};

KH_CHECK
bool kh_job_sql_add(struct kh_tx *tx, const struct kh_job_row *j, struct kh_error *err);
/** Ids of due jobs of a lane, most urgent first. */
KH_CHECK
bool kh_job_sql_due(struct kh_tx *tx, struct kh_arena *a, enum kh_job_lane lane, int64_t now_us,
                    unsigned limit, int64_t **ret_ids, size_t *ret_n, struct kh_error *err);
/** One job. Lock its instance first, then read it again: a job is never locked by itself. */
KH_CHECK
enum kh_hit kh_job_sql_get(struct kh_tx *tx, struct kh_arena *a, int64_t id, struct kh_job_row *ret,
                           struct kh_error *err);
/** Lease a due job until an instant and count the attempt. KH_MISS: another runner was faster. */
KH_CHECK
enum kh_hit kh_job_sql_lease(struct kh_tx *tx, struct kh_arena *a, int64_t id, int64_t now_us,
                             int64_t until_us, int64_t lease, struct kh_job_row *ret,
                             struct kh_error *err);
/** Write state, due_us, times, attempts, lease and error. */
KH_CHECK
bool kh_job_sql_put(struct kh_tx *tx, const struct kh_job_row *j, struct kh_error *err);
/** Remove a waiting job that carries this lease (0: none). KH_MISS: it is no longer ours. */
KH_CHECK
enum kh_hit kh_job_sql_done(struct kh_tx *tx, int64_t id, int64_t lease, struct kh_error *err);
/** All jobs of one token (0: of the instance). */
KH_CHECK
bool kh_job_sql_drop_of(struct kh_tx *tx, int64_t instance, int64_t token, struct kh_error *err);
/** Jobs of one node on a token. */
KH_CHECK
bool kh_job_sql_drop_at(struct kh_tx *tx, int64_t instance, int64_t token, struct kh_str node,
                        struct kh_error *err);
/** When the next job of a lane is due; KH_FOREVER if none. */
KH_CHECK
bool kh_job_sql_next(struct kh_tx *tx, enum kh_job_lane lane, int64_t *ret_us,
                     struct kh_error *err);
/** Dead jobs, oldest first, after an id. */
KH_CHECK
bool kh_job_sql_dead(struct kh_tx *tx, struct kh_arena *a, int64_t after, unsigned limit,
                     struct kh_job_row **ret, size_t *ret_n, struct kh_error *err);

/** Hold the boundary timers of a case, and list them again. */
KH_CHECK
bool kh_job_sql_hold(struct kh_tx *tx, int64_t case_id, struct kh_error *err);
KH_CHECK
bool kh_job_sql_held(struct kh_tx *tx, struct kh_arena *a, int64_t case_id, struct kh_job_row **ret,
                     size_t *ret_n, struct kh_error *err);
/** Give a held job its new time. */
KH_CHECK
bool kh_job_sql_release(struct kh_tx *tx, int64_t id, int64_t due_us, struct kh_error *err);

/* ---- messages ---- */

struct kh_wait_row {
    int64_t id, instance, token;
    struct kh_str node, name;
    int64_t case_id;
    struct kh_str correlation;
};

KH_CHECK
bool kh_wait_sql_add(struct kh_tx *tx, const struct kh_wait_row *w, struct kh_error *err);
/** Who waits for a message, by case (if not 0) or by correlation (if not empty). */
KH_CHECK
bool kh_wait_sql_find(struct kh_tx *tx, struct kh_arena *a, struct kh_str name, int64_t case_id,
                      struct kh_str correlation, struct kh_wait_row **ret, size_t *ret_n,
                      struct kh_error *err);
/** @return KH_MISS if it waits no longer */
KH_CHECK
enum kh_hit kh_wait_sql_find_id(struct kh_tx *tx, int64_t id, struct kh_error *err);
/** Take one away. KH_MISS: somebody did already. */
KH_CHECK
enum kh_hit kh_wait_sql_drop(struct kh_tx *tx, int64_t id, struct kh_error *err);
KH_CHECK
bool kh_wait_sql_drop_of(struct kh_tx *tx, int64_t instance, int64_t token, struct kh_error *err);
/** Those of one node on a token. */
KH_CHECK
bool kh_wait_sql_drop_at(struct kh_tx *tx, int64_t instance, int64_t token, struct kh_str node,
                         struct kh_error *err);

#endif
