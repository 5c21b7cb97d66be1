/* SPDX-License-Identifier: Apache-2.0 */
/**
 * tests/process/world -- a small city for stories of processes: one store, one engine, few words.
 *
 * Models and JSON are written with ' for ". A failing call leaves its error in w->err.
 */
#ifndef KH_TESTS_PROCESS_WORLD_H
#define KH_TESTS_PROCESS_WORLD_H

#include "base/time.h"
#include "engine/process/process.h"
#include "store/event.h"
#include "store_fixture.h"

#include <setjmp.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

/** Tuesday 2026-09-15 09:00 in the city. */
#define T0 ((int64_t)1789437600 * KH_US_S)

/** Pieces of models. */
#define START(to) "<startEvent id='s'/><sequenceFlow id='s_' sourceRef='s' targetRef='" to "'/>"
#define FLOW(from, to)                                                                             \
    "<sequenceFlow id='" from "_" to "' sourceRef='" from "' targetRef='" to "'/>"
#define FLOW_IF(from, to, feel)                                                                    \
    "<sequenceFlow id='" from "_" to "' sourceRef='" from "' targetRef='" to                       \
    "'><conditionExpression>" feel "</conditionExpression></sequenceFlow>"
#define END                "<endEvent id='e'/>"
#define TASK(id)           "<userTask id='" id "' kh:role='officer' kh:unit='\"H26.19\"'/>"
#define SCRIPT(id, x)      "<scriptTask id='" id "'><script>" x "</script></scriptTask>"
#define PROCESS(key, body) "<process id='" key "'>" body "</process>"
#define TIMER(x)           "<timerEventDefinition><timeDuration>" x "</timeDuration></timerEventDefinition>"

struct world {
    struct store_fixture f;
    struct kh_registry *reg;
    struct kh_process *pe;
    struct kh_arena *a;
    struct kh_error err;
    struct kh_who officer, other, chief, citizen, system;
    struct kh_task task; /**< of the last claim, completion */
    int64_t seen;        /**< events told by told() */
    /* what the last verification found */
    bool tampered; /**< somebody was at the database: the end is not verified */
    struct kh_verify_issue *issues;
    size_t issues_n;
    int64_t rows;
    /* the other side of outbound calls */
    int answer; /**< status; 0: no answer */
    unsigned calls;
    char last_key[32], last_body[200], first_key[32];
    void (*during)(struct world *w); /**< runs while a call is out */
};

int world_setup(void **state);
int world_teardown(void **state);
/** Close engine and store as they are and open them again. */
void world_reopen(struct world *w);

/** Compare tasks and instances with the log. @return issues */
size_t verify(struct world *w);

/** " for ' */
struct kh_str quoted(struct world *w, const char *text);
const struct kh_json *json(struct world *w, const char *text);

bool put_type(struct world *w, const char *name, const char *schema);
bool put_calendar(struct world *w, const char *key, const char *text);
int64_t create(struct world *w, const char *type, const char *fields);
/** Store a record and start the process of its type, as a request does. @return id, or 0 */
int64_t file_case(struct world *w, const char *type, const char *fields, int64_t *ret_revision);
/** A field of a record as JSON text. */
const char *field(struct world *w, const char *type, int64_t id, const char *name);

/** Deploy processes; the text goes inside <definitions>. */
bool deploy(struct world *w, const char *text);
/** Start; type NULL without a case. @return instance, 0 on failure */
int64_t start(struct world *w, const char *key, const char *type, int64_t case_id,
              const char *variables);
/** "running a,b" (elements with tokens, in their order) or "ended" ... */
const char *where(struct world *w, int64_t instance);
/** A variable as JSON text; "" if there is none. */
const char *variable(struct world *w, int64_t instance, const char *name);
/** Open task of an instance by key; 0 if there is none. */
int64_t task(struct world *w, int64_t instance, const char *key);
bool get_task(struct world *w, int64_t id, struct kh_task *ret);
bool claim(struct world *w, int64_t id, bool take, const struct kh_who *who);
bool complete(struct world *w, int64_t id, const char *variables, const struct kh_who *who);
/** Complete the one open task of that key as the officer; fails the test if it cannot. */
void work(struct world *w, int64_t instance, const char *key, const char *variables);
/** @return delivered, or -1 */
int64_t message(struct world *w, const char *name, int64_t case_id, const char *correlation,
                const char *variables);
/** Ids found, or -1 on failure; next page in *after if after is not NULL. */
int64_t list(struct world *w, const struct kh_task_query *q, int64_t ids[], size_t max,
             struct kh_str *ret_next);
/** Let time pass and due jobs run. @return jobs that ran */
unsigned pass(struct world *w, int64_t us);
/** Kinds of the events since the last call: "process.start task.create". */
const char *told(struct world *w);

#define assert_where(w, instance, want) assert_string_equal(where(w, instance), want)

#endif
