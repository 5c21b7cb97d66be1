/* SPDX-License-Identifier: Apache-2.0 */
/**
 * process -- what the city does: BPMN 2.0 processes, DMN decisions, tasks, deadlines, jobs.
 *
 * All steps of one synchronous run (up to the next wait) happen in the transaction of the caller,
 * together with the case change and the events. Timers and outbound calls are jobs.
 *
 * Owns   tables process, instance, task, job, message_wait, signal_wait, calendar, clock, decision.
 * Used   by api/task.c, api/process.c, registry's callers when a type names a process.
 * Never  sees HTTP; outbound HTTP is a job that the job runner hands to net/out.
 */
#ifndef KH_PROCESS_PROCESS_H
#define KH_PROCESS_PROCESS_H

#include "engine/registry/registry.h"

struct kh_process;

/** An in-process service: bound in BPMN as <serviceTask kh:function="record.patch">. Runs inside the
 *  transaction: no network, no log. inputs come from kh:input FEEL mappings. */
struct kh_step {
    struct kh_tx *tx;
    struct kh_arena *a;
    struct kh_process *pe;
    int64_t instance, case_id;
    const struct kh_type *case_type;
    const struct kh_who *who;        /**< who caused this run */
    const struct kh_json *variables; /**< of the instance */
};
typedef bool (*kh_service_fn)(struct kh_step *step, const struct kh_json *inputs, void *ctx,
                              struct kh_json **ret_outputs, struct kh_error *err);

KH_CHECK
bool kh_process_open(struct kh_store *st, struct kh_registry *reg, struct kh_process **ret_pe,
                     struct kh_error *err);
void kh_process_close(struct kh_process *pe);

/** Make a function known by name before packs are loaded. name and ctx outlive the engine. */
void kh_process_service(struct kh_process *pe, const char *name, kh_service_fn fn, void *ctx);
/** The same for a function that does not look for its case in the database: it may run while the
 *  record is being made, and what the model fills in that early is stored with it, in one write. */
void kh_process_service_early(struct kh_process *pe, const char *name, kh_service_fn fn, void *ctx);

/** An outbound call of a <kh:http> service task. The same key comes with every attempt of one call,
 *  also after a crash: send it as Idempotency-Key. */
struct kh_http_request {
    struct kh_str method, url;
    struct kh_str body; /**< JSON, or "" */
    struct kh_str key;
    unsigned timeout_s;
};
struct kh_http_reply {
    int status;
    struct kh_str body; /**< in the arena of the call */
};
/** Send one request and wait; runs on a job thread, outside every transaction.
 *  @return false if there was no answer: it is tried again later; not after OUTBOUND_REFUSED */
typedef bool (*kh_http_fn)(void *ctx, struct kh_arena *a, const struct kh_http_request *request,
                           struct kh_http_reply *ret, struct kh_error *err);
/** Say how to send; without it outbound calls wait. Before kh_process_jobs_start. */
void kh_process_set_http(struct kh_process *pe, kh_http_fn fn, void *ctx);

/** Check a BPMN file as `khue pack check` does: unsupported elements are errors with line and
 *  column in the pointer ("line:12:5"). */
KH_CHECK
bool kh_bpmn_check(struct kh_arena *a, const struct kh_process *pe_or_null, struct kh_str xml,
                   struct kh_issues *issues, struct kh_error *err);
/** Deploy a new version of every process in the file (nothing if unchanged). */
KH_CHECK
bool kh_process_deploy(struct kh_tx *tx, struct kh_process *pe, struct kh_arena *a,
                       struct kh_str xml, struct kh_error *err);
/** Same for DMN. */
KH_CHECK
bool kh_dmn_check(struct kh_arena *a, struct kh_str xml, struct kh_issues *issues,
                  struct kh_error *err);
KH_CHECK
bool kh_decision_deploy(struct kh_tx *tx, struct kh_process *pe, struct kh_arena *a,
                        struct kh_str pack, struct kh_str key, struct kh_str xml,
                        struct kh_error *err);

/** Start an instance of the newest version of key. Rights are the caller's business.
 *  @param case_id  record that it is about, or 0
 *  @param err      PROCESS_UNKNOWN (404), PROCESS_STUCK (422), what the services say */
/**
 * Store a prepared record and start the process of its type, if it has one.
 *
 * @param ret the record as it stands in the end
 * @param err as kh_record_insert and kh_process_start
 */
KH_CHECK
bool kh_case_create(struct kh_tx *tx, struct kh_process *pe, struct kh_arena *a,
                    const struct kh_draft *draft, const struct kh_who *who, struct kh_record *ret,
                    struct kh_error *err);
KH_CHECK
bool kh_process_start(struct kh_tx *tx, struct kh_process *pe, struct kh_arena *a,
                      struct kh_str key, const struct kh_type *case_type, int64_t case_id,
                      const struct kh_json *variables, const struct kh_who *who,
                      int64_t *ret_instance, struct kh_error *err);

enum kh_task_state { KH_TASK_OPEN, KH_TASK_CLAIMED, KH_TASK_DONE, KH_TASK_CANCELLED };

struct kh_task {
    int64_t id, instance, case_id;
    struct kh_str case_type, process, key; /**< key: BPMN element id, e.g. "triage" */
    struct kh_str name_vi, name_en, title; /**< title: of the case */
    struct kh_str role, unit;              /**< candidates: this role in this unit (or above) */
    int64_t claimed_by, owner;           /**< account or 0; owner: the citizen who must act, or 0 */
    int64_t created_us, due_us, done_us; /**< due_us KH_FOREVER if none */
    enum kh_task_state state;
    struct kh_str calendar;     /**< that due_us was reckoned by; "" plain time */
    bool paused;                /**< the clock of the case stands still: no due_us */
    const struct kh_json *form; /**< JSON Schema of the answers, with x-kh labels */
    struct kh_str form_text;    /**< the same as JSON text, where it is at hand; else "" */
};

/** The inbox. */
struct kh_task_query {
    int64_t case_id;            /**< or 0 */
    struct kh_str states;       /**< "open,claimed" (default), "done", "all" */
    struct kh_str unit, role;   /**< or "" */
    int64_t due_before_us;      /**< or 0 */
    bool mine;                  /**< claimed by me */
    struct kh_str process, key; /**< or "" */
    struct kh_str after;
    unsigned limit;
    const struct kh_who *who; /**< only tasks that it may see */
};
KH_CHECK
bool kh_task_list(struct kh_tx *tx, const struct kh_process *pe, struct kh_arena *a,
                  const struct kh_task_query *q, struct kh_task **ret_tasks, size_t *ret_n,
                  struct kh_str *ret_next, struct kh_error *err);
KH_CHECK
enum kh_hit kh_task_get(struct kh_tx *tx, const struct kh_process *pe, struct kh_arena *a,
                        int64_t id, const struct kh_who *who, struct kh_task *ret,
                        struct kh_error *err);
/** Claim or give back. @param err TASK_UNKNOWN, TASK_CLAIMED, TASK_DONE, FORBIDDEN */
KH_CHECK
bool kh_task_claim(struct kh_tx *tx, struct kh_process *pe, struct kh_arena *a, int64_t id,
                   bool claim, const struct kh_who *who, struct kh_task *ret, struct kh_error *err);
/** Complete: the variables are checked against the form, and the process runs on.
 *  @param err TASK_UNKNOWN, TASK_DONE, TASK_CLAIMED, TASK_INVALID (422, issues), FORBIDDEN */
KH_CHECK
bool kh_task_complete(struct kh_tx *tx, struct kh_process *pe, struct kh_arena *a, int64_t id,
                      const struct kh_json *variables, const struct kh_who *who,
                      struct kh_task *ret, struct kh_error *err);

/** Deliver a message to waiting instances (by case id or correlation value). */
KH_CHECK
bool kh_process_message(struct kh_tx *tx, struct kh_process *pe, struct kh_arena *a,
                        struct kh_str message, int64_t case_id, struct kh_str correlation,
                        const struct kh_json *variables, const struct kh_who *who,
                        int64_t *ret_delivered, struct kh_error *err);

/** Tell a signal to all instances that wait for it now, and start what begins by it. */
KH_CHECK
bool kh_process_signal(struct kh_tx *tx, struct kh_process *pe, struct kh_arena *a,
                       struct kh_str name, const struct kh_json *variables,
                       const struct kh_who *who, struct kh_error *err);

/** Evaluate a deployed decision ("feedback/routing") for engines and api. */
KH_CHECK
bool kh_decision_eval(struct kh_process *pe, struct kh_arena *a, struct kh_str ref,
                      struct kh_str decision, const struct kh_json *inputs,
                      const struct kh_json **ret_result, struct kh_issues *messages,
                      struct kh_error *err);

/* ---- looking ---- */

/** A deployed process: the newest version of its key. */
struct kh_process_info {
    struct kh_str key, name_vi, name_en;
    struct kh_str starter; /**< role that may start it over the API; "": admin only */
    int64_t version, deployed_us;
    int64_t running; /**< instances of all versions that have not ended */
};
KH_CHECK
bool kh_process_list(struct kh_tx *tx, struct kh_process *pe, struct kh_arena *a,
                     struct kh_process_info **ret, size_t *ret_n, struct kh_error *err);
/** @param ret_xml the model as deployed, or NULL */
KH_CHECK
bool kh_process_get(struct kh_tx *tx, struct kh_process *pe, struct kh_arena *a, struct kh_str key,
                    struct kh_process_info *ret, struct kh_str *ret_xml, struct kh_error *err);

struct kh_token_info {
    struct kh_str element;
    int64_t since_us;
};
struct kh_instance {
    int64_t id;
    struct kh_str process;
    int64_t version;
    struct kh_str case_type;
    int64_t case_id, parent;
    const char *state; /**< running, ended, terminated, cancelled */
    int64_t started_us, ended_us;
    const struct kh_token_info *tokens;
    size_t tokens_n;
    const struct kh_json *variables; /**< empty for who may only see where it stands */
};
/** One instance for somebody: admin, holders of a role of its tasks over the case's unit, and those
 *  who may read its case (without variables). */
KH_CHECK
enum kh_hit kh_instance_get(struct kh_tx *tx, struct kh_process *pe, struct kh_arena *a, int64_t id,
                            const struct kh_who *who, struct kh_instance *ret,
                            struct kh_error *err);

/* ---- an administrator's hand; rights are the caller's business ---- */

/**
 * Take what stands (longest) at one element and put it at another of the same sub-process.
 *
 * Effect   what it worked on is cancelled, the other element is entered; event process.move.
 * @param err INSTANCE_UNKNOWN (404): none that runs; MOVE_INVALID (422), REASON_REQUIRED (422), and
 *            what the step that follows says
 */
KH_CHECK
bool kh_instance_move(struct kh_tx *tx, struct kh_process *pe, struct kh_arena *a, int64_t id,
                      struct kh_str from, struct kh_str to, struct kh_str reason,
                      const struct kh_who *who, struct kh_error *err);

/** Running instances of one version are to go over to another. */
struct kh_migration {
    struct kh_str key;
    int64_t from, to;              /**< versions */
    const struct kh_json *mapping; /**< {"old element": "new element"}; null drops an event that
                                        waits beside something; NULL: all ids are the same */
    bool dry_run;
    struct kh_str reason;
    int64_t after;  /**< instances behind this id */
    unsigned limit; /**< of instances in this call */
};
struct kh_migrated {
    int64_t checked, moved;
    int64_t next; /**< go on after this id; 0: that was all */
};
/**
 * Check the plan against a page of instances, and move them if all of them fit.
 *
 * Effect   all of the page, or nothing; events process.migrate and task.migrate.
 * @param err PROCESS_UNKNOWN (404), PLAN_INVALID (422, issues), REASON_REQUIRED (422)
 */
KH_CHECK
bool kh_process_migrate(struct kh_tx *tx, struct kh_process *pe, struct kh_arena *a,
                        const struct kh_migration *m, const struct kh_who *who,
                        struct kh_migrated *ret, struct kh_error *err);

/** An outbound call that was given up. */
struct kh_dead_job {
    int64_t id, instance, attempts;
    struct kh_str element, error;
};
KH_CHECK
bool kh_process_dead_jobs(struct kh_tx *tx, struct kh_process *pe, struct kh_arena *a,
                          int64_t after, unsigned limit, struct kh_dead_job **ret, size_t *ret_n,
                          struct kh_error *err);
/** Try a dead job again from the start. */
KH_CHECK
enum kh_hit kh_process_retry_job(struct kh_tx *tx, struct kh_process *pe, struct kh_arena *a,
                                 int64_t id, struct kh_error *err);

/** Same with all that dmn.h offers: services, knowledge models, tagged values. */
struct kh_dmn_call;
KH_CHECK
bool kh_decision_run(struct kh_process *pe, struct kh_arena *a, struct kh_str ref,
                     const struct kh_dmn_call *call, const struct kh_json **ret_result,
                     struct kh_issues *messages, struct kh_error *err);

/* ---- proof ---- */

struct kh_verify_issue;
/**
 * Compare every task and every instance with the log.
 *
 * Finds rows that were changed, removed or inserted behind the engine's back, and says which, by
 * table, id and column. Title, calendar and token of a task and data, case type and parent of an
 * instance are not told by the log and not compared; nor is a deadline between the moment when the
 * clock of its case goes on and the next event about the task. The log itself is judged by
 * kh_event_verify.
 *
 * Effect   none; reads in short snapshots, so the city may go on working.
 * @param a          arena that the issues live in
 * @param progress   told of rows, or NULL
 * @param ret_issues at most 1,000 are told; no personal data
 * @param ret_rows   rows that were looked at
 * @param err        STORE (503), ARENA_FULL (503)
 * @return true if it could be checked; ret_n issues were found
 */
KH_CHECK
bool kh_process_verify(struct kh_store *st, struct kh_arena *a, kh_progress_fn progress, void *ctx,
                       struct kh_verify_issue **ret_issues, size_t *ret_n, int64_t *ret_rows,
                       struct kh_error *err);

/* ---- working time ---- */
/** Store a calendar (calendar.h says the format); it takes effect after the commit.
 *  @param err BODY_INVALID (422) with issues */
KH_CHECK
bool kh_calendar_put(struct kh_tx *tx, struct kh_process *pe, struct kh_arena *a, struct kh_str key,
                     const struct kh_json *json, struct kh_error *err);
/** Check one as `khue pack check` does. */
KH_CHECK
bool kh_calendar_check(struct kh_arena *a, const struct kh_json *json, struct kh_issues *issues,
                       struct kh_error *err);
/** Add working minutes to an instant by the calendar named (""= "default"): Tết, weekends, swap
 *  days, office hours. days counts whole working days: due at the same time on that day. */
KH_CHECK
bool kh_calendar_add(struct kh_process *pe, struct kh_str calendar, int64_t from_us,
                     int64_t minutes, int64_t days, int64_t *ret_us, struct kh_error *err);
/** Working minutes between two instants (negative if to is earlier). */
KH_CHECK
bool kh_calendar_between(struct kh_process *pe, struct kh_str calendar, int64_t from_us,
                         int64_t to_us, int64_t *ret_minutes, struct kh_error *err);

/** Run due jobs until stopped; main starts it on a thread of its own. */
KH_CHECK
bool kh_process_jobs_start(struct kh_process *pe, struct kh_error *err);
/** Run what is due now and return (tests with a fake clock). @param ret_ran jobs that ran */
KH_CHECK
bool kh_process_jobs_run(struct kh_process *pe, unsigned max, unsigned *ret_ran,
                         struct kh_error *err);

#endif
