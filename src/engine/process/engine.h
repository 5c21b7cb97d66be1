/* SPDX-License-Identifier: Apache-2.0 */
/**
 * process/engine -- the inside of struct kh_process and what its parts ask of each other.
 *
 * Owns   struct kh_process: services, compiled programs, calendars, decisions, the job runner.
 * Used   by the files of engine/process only.
 */
#ifndef KH_PROCESS_ENGINE_H
#define KH_PROCESS_ENGINE_H

#include "engine/process/bpmn.h"
#include "engine/process/calendar.h"
#include "engine/process/process.h"

#include <pthread.h>
#include <stdatomic.h>

struct kh_programs;  /* programs.c */
struct kh_calendars; /* calendars.c */
struct kh_decisions; /* decision.c */
struct kh_jobs;      /* jobs.c */

enum { KH_SERVICES_MAX = 64 };

struct kh_service {
    const char *name;
    kh_service_fn fn;
    void *ctx;
    bool early; /* needs no record in the database */
};

struct kh_process {
    struct kh_arena *a; /* of this struct and its parts */
    struct kh_store *st;
    struct kh_registry *reg;
    struct kh_service services[KH_SERVICES_MAX]; /* complete before the first process runs */
    size_t services_n;
    struct kh_programs *programs;
    struct kh_calendars *calendars;
    struct kh_decisions *decisions;
    struct kh_jobs *jobs;
    kh_http_fn http;
    void *http_ctx;
    _Atomic uint64_t epoch; /* grows when somebody, here or elsewhere, deployed something */
};

/** Find a service function by name; NULL if there is none. */
const struct kh_service *kh_process_find_service(const struct kh_process *pe, struct kh_str name);

/* programs.c: compiled models */
struct kh_programs *kh_programs_new(void);
void kh_programs_drop(struct kh_programs *ps);
/** Program of a version; stays valid until the engine closes. @param err PROCESS_UNKNOWN */
KH_CHECK
bool kh_program_get(struct kh_tx *tx, const struct kh_process *pe, int64_t id,
                    const struct kh_program **ret, struct kh_error *err);
/** Program of the newest version of a key. @param err PROCESS_UNKNOWN (404) */
KH_CHECK
bool kh_program_newest(struct kh_tx *tx, struct kh_process *pe, struct kh_str key,
                       const struct kh_program **ret, struct kh_error *err);

/* calendars.c */
KH_CHECK
bool kh_calendars_open(struct kh_process *pe, struct kh_error *err);
void kh_calendars_close(struct kh_process *pe);
/** Shift by the calendar named. @param err PARAMETER_INVALID: no such calendar, or no working time */
KH_CHECK
bool kh_calendars_shift(struct kh_process *pe, struct kh_str name, int64_t from_us, int64_t days,
                        int64_t work_us, int64_t *ret_us, struct kh_error *err);
KH_CHECK
bool kh_calendars_day_end(struct kh_process *pe, struct kh_str name, int64_t us, int64_t *ret_us,
                          struct kh_error *err);
KH_CHECK
bool kh_calendars_start(struct kh_process *pe, struct kh_str name, int64_t us, int64_t latest_us,
                        int64_t *ret_us, struct kh_error *err);
KH_CHECK
bool kh_calendars_work(struct kh_process *pe, struct kh_str name, int64_t from_us, int64_t to_us,
                       int64_t *ret_us, struct kh_error *err);

/* decision.c */
KH_CHECK
bool kh_decisions_open(struct kh_process *pe, struct kh_error *err);
void kh_decisions_close(struct kh_process *pe);

/* service.c */
void kh_services_builtin(struct kh_process *pe);
void kh_services_time(struct kh_process *pe); /* service_time.c */
void kh_services_pay(struct kh_process *pe);  /* service_pay.c */

/* jobs.c */
KH_CHECK
bool kh_jobs_open(struct kh_process *pe, struct kh_error *err);
void kh_jobs_close(struct kh_process *pe);
/** Wake the runner after this transaction: there may be something to do at once. */
void kh_jobs_wake(struct kh_process *pe, struct kh_tx *tx);

#endif
