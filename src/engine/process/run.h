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
    KH_RUN_ITEMS = 1000,         /* instances of one multi-instance activity */
    KH_RUN_ROUNDS = 1000,        /* of one loop */
    KH_RUN_UNDONE = 1000,        /* activities that are remembered for compensation */
    KH_RUN_SPREAD = 1000,        /* who waits for a signal, told in one transaction */
};

/* Stands for the instance itself where the id of a token is stored: 0 there means all tokens. */
#define KH_TOP (-1)

enum kh_token_role {
    KH_T_PLAIN,
    KH_T_BODY, /* stands on an activity that is repeated; its rounds are tokens inside it */
    KH_T_ITEM, /* one round */
    KH_T_UNDO, /* throws compensation; the handlers run inside it, one after the other */
};

struct kh_token {
    int64_t id;
    int node;
    int64_t scope; /* id of the host token, 0 at the top */
    int64_t since_us;
    int slot;    /* waiting at a parallel join: the flow it came by; else -1 */
    int64_t ref; /* task, or instance of a call activity; else 0 */
    enum kh_token_role role;
    uint64_t lit;        /* boundary conditions that held when they were last looked at, as bits */
    uint64_t lit_inside; /* the same of event sub-processes inside */
    uint64_t risen, risen_inside; /* of these, the ones that have just become true; not stored */
    struct kh_json *own;          /* variables of this round of a multi-instance, or NULL */
    struct kh_json *more; /* BODY: state of the loop; UNDO: what is still to be compensated */
    bool gone;
};

/* An activity that was completed and can be compensated. */
struct kh_done {
    int64_t scope;  /* where it was */
    int64_t inside; /* the scope of what was done inside it */
    int node;
    struct kh_json *own; /* variables of the round that it belonged to, or NULL */
};

/* A message, signal or escalation sent by a step: delivered when the instances in memory have been
 * written. */
struct kh_pending {
    enum kh_event_kind event; /* KH_EV_NONE is a message too */
    int64_t instance, token;  /* escalation: the call activity that it comes out of */
    struct kh_str name, correlation;
    int64_t case_id; /* escalation: the called instance */
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
    size_t here; /* token whose variables expressions see; SIZE_MAX: the instance's */
    bool owns;   /* some token has variables of its own */
    uint64_t lit_inside, risen_inside; /* as of a token, of the instance itself */
    struct kh_done *done;
    size_t done_n, done_cap;
    struct kh_str error; /* the code that nothing caught and that ended it; or "" */
    const struct kh_json *error_says;
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
/** The token has come to its end; with it, perhaps, its scope. */
KH_CHECK
bool kh_run_end(struct kh_run *r, size_t token, struct kh_error *err);
size_t kh_run_add_token(struct kh_run *r, int node, int64_t scope);
/** The token will enter the node that it stands on. */
void kh_run_make_ready(struct kh_run *r, size_t token);
/** Put a token on the node that a flow leads to. */
void kh_run_follow(struct kh_run *r, size_t token, const struct kh_flow *f);
/** Send a token along all flows that leave its node. */
void kh_run_fan_out(struct kh_run *r, size_t token);
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
/** An event about the instance. */
KH_CHECK
bool kh_run_event(struct kh_run *r, const char *kind, struct kh_error *err);

/* ---- data.c: an instance as it is stored ---- */
KH_CHECK
bool kh_run_parse(struct kh_run *r, struct kh_error *err);
/** @return false if it is too large */
KH_CHECK
bool kh_run_data(const struct kh_run *r, struct kh_str *ret);

/* ---- gateway.c ---- */
KH_CHECK
bool kh_gateway_choose(struct kh_run *r, size_t token, struct kh_error *err);
KH_CHECK
bool kh_gateway_split(struct kh_run *r, size_t token, struct kh_error *err);
void kh_gateway_join(struct kh_run *r, size_t token);
/** Complete an inclusive join that no token can reach any more, if there is one. */
KH_CHECK
bool kh_gateway_settle(struct kh_run *r, bool *ret_moved, struct kh_error *err);
/** A join that nobody can complete any more would wait for ever: say so while it can be undone. */
KH_CHECK
bool kh_gateway_check(const struct kh_run *r, struct kh_error *err);

/* ---- happen.c: events that reach an instance ---- */
/** What waits on a token (KH_TOP: on the instance) happens. */
KH_CHECK
bool kh_run_happen(struct kh_run *r, size_t token, int node, struct kh_error *err);
/** Is the wait of a node on a token (by id, or KH_TOP) still meant? ret_token SIZE_MAX: KH_TOP. */
bool kh_run_waits(const struct kh_run *r, int64_t id, int node, size_t *ret_token);
/** What an event brings becomes variables: by kh:output, or all of it. */
KH_CHECK
bool kh_run_take(struct kh_run *r, size_t token, int node, const struct kh_json *says,
                 struct kh_error *err);
/** A boundary event of a token. */
KH_CHECK
bool kh_run_boundary(struct kh_run *r, size_t host, int node, struct kh_error *err);
/** An event sub-process begins by its start event, in the scope of a token or SIZE_MAX. */
KH_CHECK
bool kh_run_react(struct kh_run *r, size_t host, int start, struct kh_error *err);
/** Has an interrupting event sub-process taken over this scope? */
bool kh_run_taken(const struct kh_run *r, int64_t scope);
/** Look at the conditions that are waited for. */
KH_CHECK
bool kh_conditions_look(struct kh_run *r, bool *ret_moved, struct kh_error *err);

/* ---- throw.c: events that an instance makes happen ---- */
KH_CHECK
bool kh_throw_enter(struct kh_run *r, size_t token, bool *ret_waits, struct kh_error *err);
/** Does something around a token catch the error? */
bool kh_throw_caught(const struct kh_run *r, size_t token, struct kh_str code);
/** Raise an error at a token; what nothing catches ends the instance. */
KH_CHECK
bool kh_throw_error(struct kh_run *r, size_t token, struct kh_str code, const struct kh_json *says,
                    struct kh_error *err);
/** An escalation out of a called process. */
KH_CHECK
bool kh_throw_deliver(struct kh_root *root, const struct kh_pending *m, struct kh_error *err);
/** {"code","message"} */
struct kh_json *kh_throw_says(struct kh_arena *a, struct kh_str code, struct kh_str message);

/* ---- loop.c: activities that are repeated ---- */
KH_CHECK
bool kh_loop_begin(struct kh_run *r, size_t token, struct kh_error *err);
/** A round is over. */
KH_CHECK
bool kh_loop_next(struct kh_run *r, size_t item, struct kh_error *err);

/* ---- undo.c: compensation ---- */
KH_CHECK
bool kh_undo_remember(struct kh_run *r, size_t token, struct kh_error *err);
/** What was done inside a scope that did not complete cannot be compensated any more. */
void kh_undo_forget(struct kh_run *r, int64_t scope);
KH_CHECK
bool kh_undo_begin(struct kh_run *r, size_t token, bool *ret_waits, struct kh_error *err);
KH_CHECK
bool kh_undo_next(struct kh_run *r, size_t token, bool *ret_waits, struct kh_error *err);

/* ---- signal.c ---- */
KH_CHECK
bool kh_signal_wait(struct kh_run *r, int64_t token, int node, struct kh_error *err);
/** Tell all that wait now, each by a job of its own, and start what begins by it. */
KH_CHECK
bool kh_signal_deliver(struct kh_root *root, const struct kh_pending *m, struct kh_error *err);
/** Jobs of kind SIGNAL and SPREAD. */
KH_CHECK
bool kh_signal_job(struct kh_root *root, const struct kh_job_row *j, bool *ret_did,
                   struct kh_error *err);

/* ---- start.c: processes that begin by themselves, when it is time ---- */
KH_CHECK
bool kh_start_job(struct kh_root *root, struct kh_job_row *j, bool *ret_did, struct kh_error *err);
/** The timers of a new version (by its row) wait, those of the old one (or 0) no longer. */
KH_CHECK
bool kh_start_arm(struct kh_root *root, const struct kh_program *p, int64_t id, int64_t old,
                  struct kh_error *err);

/* ---- steps.c: entering and cancelling the nodes that wait or work ---- */
KH_CHECK
bool kh_step_enter(struct kh_run *r, size_t token, bool *ret_waits, struct kh_error *err);
KH_CHECK
bool kh_step_cancel(struct kh_run *r, size_t token, struct kh_error *err);
/** Take back all that stands in a scope. */
KH_CHECK
bool kh_step_cancel_inside(struct kh_run *r, int64_t scope, struct kh_error *err);
/** Drop the timers and waits that sit on a token. */
KH_CHECK
bool kh_step_clear(struct kh_run *r, size_t token, struct kh_error *err);
/** Drop those kinds (bits 1 << kh_event_kind) of a token, by its id; 0: of all the instance. */
KH_CHECK
bool kh_step_disarm(struct kh_run *r, int64_t token, unsigned kinds, struct kh_error *err);
/** Let a node wait on a token, by its id or KH_TOP; due_us and calendar: of the task there. */
KH_CHECK
bool kh_step_arm(struct kh_run *r, int64_t token, int node, int64_t due_us, struct kh_str calendar,
                 struct kh_error *err);
/** Arm the event sub-processes of a scope: of a token, or SIZE_MAX. */
KH_CHECK
bool kh_step_arm_inside(struct kh_run *r, size_t token, struct kh_error *err);
/** Boundary events of an activity that is repeated sit on it as a whole. */
KH_CHECK
bool kh_step_arm_boundary(struct kh_run *r, size_t token, int64_t due_us, struct kh_str calendar,
                          struct kh_error *err);
/** Put the results of a node into the variables: kh:output, kh:result, or all (if merge). */
KH_CHECK
bool kh_step_outputs(struct kh_run *r, const struct kh_node *n, const struct kh_json *result,
                     bool merge, struct kh_error *err);

/* ---- scope.c: what expressions see ---- */
/** Extra names of one evaluation. */
struct kh_scope {
    const struct kh_json *task, *result;
    const struct kh_json *more; /* further variables, nearest of all */
};
/** The variables that are written here: of the round of a multi-instance, or of the instance. */
struct kh_json *kh_run_vars(struct kh_run *r);
/** All variables that are seen here. */
const struct kh_json *kh_run_seen(struct kh_run *r);
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

/** A timer that is due. */
KH_CHECK
bool kh_timer_fire(struct kh_root *root, struct kh_job_row *j, bool *ret_did, struct kh_error *err);
/** A timer's job is done with, or comes again. KH_MISS: it was taken back meanwhile. */
KH_CHECK
enum kh_hit kh_timer_done(struct kh_root *root, const struct kh_node *n, struct kh_job_row *j,
                          struct kh_error *err);

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
bool kh_message_wait(struct kh_run *r, int64_t token, int node, struct kh_error *err);
KH_CHECK
bool kh_message_deliver(struct kh_root *root, const struct kh_pending *m, int64_t *ret_delivered,
                        struct kh_error *err);
/** Start the newest version of every process that begins by a message or signal. */
KH_CHECK
bool kh_message_start(struct kh_root *root, const struct kh_pending *m, int64_t *delivered,
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
