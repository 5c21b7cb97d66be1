/* SPDX-License-Identifier: Apache-2.0 */
/**
 * process/run -- one instance in memory while it moves, and the moving.
 *
 * An instance is tokens and variables. It is read (or made), tokens move until all wait or are gone,
 * and it is written once. Everything happens inside the caller's transaction; the instance row is
 * locked first, so two callers never move one instance at the same time.
 *
 * A token that stands on a sub-process or call activity is its host; tokens inside a sub-process
 * carry the id of their host as scope.
 *
 * Owns   nothing beyond the call.
 * Used   by the files of engine/process only.
 */
#ifndef KH_PROCESS_RUN_H
#define KH_PROCESS_RUN_H

#include "engine/process/case.h"
#include "engine/process/engine.h"
#include "store/process/instance_sql.h"
#include "store/process/job_sql.h"
#include "store/process/task_sql.h"

enum {
    KH_RUN_STEPS = 10000,        /* nodes entered in one call, over all instances it moves */
    KH_RUN_DEPTH = 16,           /* call activities inside each other */
    KH_RUN_MESSAGES = 100,       /* sent in one call */
    KH_RUN_DATA_BYTES = 1 << 20, /* of one instance's tokens and variables */
};

struct kh_token {
    int64_t id;
    int node;
    int64_t scope; /* id of the host token, 0 at the top */
    int64_t since_us;
    int slot;    /* waiting at a parallel join: the flow it came by; else -1 */
    int64_t ref; /* task, or instance of a call activity; else 0 */
    bool gone;
};

/* A message sent by a step: delivered when the instances in memory have been written. */
struct kh_pending {
    struct kh_str name, correlation;
    int64_t case_id;
    const struct kh_json *variables;
    struct kh_pending *next;
};

/* What all instances moved by one call share. */
struct kh_root {
    struct kh_tx *tx;
    struct kh_arena *a;
    struct kh_process *pe;
    const struct kh_who *who;
    int64_t now_us;
    unsigned steps, depth, messages;
    struct kh_case *cases; /* records that this call has to do with */
    struct kh_pending *first, **last;
    int64_t delivered;
};

struct kh_run {
    struct kh_root *root;
    const struct kh_program *p;
    struct kh_instance_row row;
    bool fresh; /* not in the database yet */
    struct kh_token *tokens;
    size_t tokens_n, tokens_cap;
    size_t *ready; /* indexes of tokens that enter their node, first in first out */
    size_t ready_n, ready_at, ready_cap;
    int64_t counter;
    struct kh_json *vars;
    const struct kh_type *case_type;
    struct kh_case *about; /* NULL: no record */
    struct kh_run *caller; /* in memory: the run whose call activity started this */
};

/* ---- run.c ---- */
void kh_root_init(struct kh_root *root, struct kh_tx *tx, struct kh_process *pe, struct kh_arena *a,
                  const struct kh_who *who);
/** Make an instance and move it. caller and token: the call activity, or NULL. */
KH_CHECK
bool kh_run_start(struct kh_root *root, const struct kh_program *p, int start,
                  const struct kh_type *case_type, int64_t case_id, const struct kh_json *variables,
                  struct kh_run *caller, int64_t token, struct kh_run **ret, struct kh_error *err);
/** Lock and read an instance. KH_MISS: there is none, or it has ended. */
KH_CHECK
enum kh_hit kh_run_load(struct kh_root *root, int64_t id, struct kh_run **ret,
                        struct kh_error *err);
/** Move until everything waits, and write. */
KH_CHECK
bool kh_run_go(struct kh_run *r, struct kh_error *err);
/** Take a token out of the node where it waits and send it on. */
KH_CHECK
bool kh_run_leave(struct kh_run *r, size_t token, struct kh_error *err);
/** A boundary event of a waiting token happens. */
KH_CHECK
bool kh_run_boundary(struct kh_run *r, size_t host, int node, struct kh_error *err);
/** Index of a token, or SIZE_MAX. */
size_t kh_run_token(const struct kh_run *r, int64_t id);
/** Make the members of an object variables. @param err code, if a name is reserved */
KH_CHECK
bool kh_run_set(struct kh_run *r, const struct kh_json *object, enum kh_ec code,
                struct kh_error *err);
/** Store the case, if it is not stored yet, and tell that the instance has begun. */
KH_CHECK
bool kh_run_birth(struct kh_run *r, struct kh_error *err);
/** Deliver what steps have sent. Call it last. */
KH_CHECK
bool kh_root_finish(struct kh_root *root, struct kh_error *err);
/** Tokens and variables of a row: {"n","t","v"}. */
KH_CHECK
bool kh_run_parse(struct kh_run *r, struct kh_error *err);
/** An event about the instance. */
KH_CHECK
bool kh_run_event(struct kh_run *r, const char *kind, struct kh_error *err);

/* ---- steps.c: entering and cancelling the nodes that wait or work ---- */
KH_CHECK
bool kh_step_enter(struct kh_run *r, size_t token, bool *ret_waits, struct kh_error *err);
KH_CHECK
bool kh_step_cancel(struct kh_run *r, size_t token, struct kh_error *err);
/** Drop the timers and waits that sit on a token. */
KH_CHECK
bool kh_step_clear(struct kh_run *r, size_t token, struct kh_error *err);
/** Put the results of a node into the variables: kh:output, kh:result, or all (if merge). */
KH_CHECK
bool kh_step_outputs(struct kh_run *r, const struct kh_node *n, const struct kh_json *result,
                     bool merge, struct kh_error *err);

/* ---- scope.c: what expressions see ---- */
/** Extra names of one evaluation. */
struct kh_scope {
    const struct kh_json *task, *result;
};
KH_CHECK
bool kh_run_eval(struct kh_run *r, const struct kh_expr *e, const struct kh_scope *s,
                 const struct kh_feel_value **ret, struct kh_error *err);
/** The same as JSON. @param tagged keep dates and durations what they are */
KH_CHECK
bool kh_run_eval_json(struct kh_run *r, const struct kh_expr *e, const struct kh_scope *s,
                      bool tagged, const struct kh_json **ret, struct kh_error *err);
/** A string, or "" for null. @param err PROCESS_STUCK if it is something else */
KH_CHECK
bool kh_run_eval_text(struct kh_run *r, const struct kh_expr *e, struct kh_str *ret,
                      struct kh_error *err);
/** Fields of the case with its id, or JSON null. */
KH_CHECK
bool kh_run_case(struct kh_run *r, const struct kh_json **ret, struct kh_error *err);
/** What the case is called, and the unit responsible for it; "" without a case. */
KH_CHECK
bool kh_run_case_title(struct kh_run *r, struct kh_str *ret_title, struct kh_str *ret_unit,
                       struct kh_error *err);
/** The result of kh:input mappings. */
KH_CHECK
bool kh_run_inputs(struct kh_run *r, const struct kh_node *n, struct kh_json **ret,
                   struct kh_error *err);

/* ---- timer.c ---- */
/** When a due date or timer lies. ret_us KH_FOREVER: never. due_us and calendar: of the task that a
 *  boundary timer sits on. */
KH_CHECK
bool kh_timer_at(struct kh_run *r, const struct kh_node *n, int64_t due_us,
                 struct kh_str due_calendar, int64_t *ret_us, struct kh_error *err);
/** from + span, in working time if a calendar is named. */
KH_CHECK
bool kh_timer_add(struct kh_process *pe, struct kh_str calendar, int64_t from_us,
                  struct kh_span span, int64_t *ret_us, struct kh_error *err);

/* ---- task.c ---- */
KH_CHECK
bool kh_task_create(struct kh_run *r, size_t token, int64_t *ret_due_us, struct kh_error *err);
KH_CHECK
bool kh_task_cancel(struct kh_run *r, int64_t id, struct kh_error *err);
KH_CHECK
bool kh_task_event(struct kh_root *root, const struct kh_task_row *t, const char *kind,
                   const struct kh_json *answers, struct kh_error *err);

/* ---- message.c ---- */
KH_CHECK
bool kh_message_wait(struct kh_run *r, size_t token, int node, struct kh_error *err);
KH_CHECK
bool kh_message_deliver(struct kh_root *root, const struct kh_pending *m, int64_t *ret_delivered,
                        struct kh_error *err);
/** Queue a message until kh_root_finish. */
KH_CHECK
bool kh_message_send(struct kh_root *root, const struct kh_pending *m, struct kh_error *err);

/* ---- service.c ---- */
/** struct kh_step with the run behind it, for the functions of the house. */
struct kh_own_step {
    struct kh_step step;
    struct kh_run *run;
};

#endif
