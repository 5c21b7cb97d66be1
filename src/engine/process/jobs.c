/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers, deadlines and outbound calls.
 *
 * A timer happens in one transaction with the end of its job, so it happens once. An outbound call
 * is leased (one transaction), sent outside of any, and its answer and the end of the job are again
 * one transaction: a crash in between sends it again with the same idempotency key once the lease
 * has run out. Several servers on one database share the work: whoever deletes or leases the row
 * has it.
 */
#include "engine/process/run.h"
#include "store/event.h"

#include "base/id.h"
#include "base/log.h"
#include "base/time.h"

#include <time.h>

enum {
    BATCH = 256,
    POLL_MS = 250,
    HTTP_THREADS = 2,
    JOB_ARENA = 32 << 20,
    TIMER_ATTEMPTS = 10,
    LEASE_SLACK_S = 60,
};
static const int64_t TIMER_BACKOFF_US = 60 * KH_US_S;
static const int64_t BACKOFF_MAX_US = 6 * KH_US_H;

struct kh_jobs {
    struct kh_process *pe;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    unsigned generation; /* grows with every wake, so that none is missed */
    bool stop;
    pthread_t threads[1 + HTTP_THREADS];
    unsigned threads_n;
};

/* ---- one piece of work in the committer ---- */

/* How many of a batch are still on their way. */
struct latch {
    pthread_mutex_t lock;
    pthread_cond_t done;
    unsigned left;
    unsigned ran;
};

struct work {
    struct kh_process *pe;
    struct latch *latch;
    struct kh_arena *a;
    int64_t id;
    int64_t now_us;
    bool did; /* something happened */
    bool ok;
    struct kh_error err;
    /* outbound */
    struct kh_job_row job;
    struct kh_http_request request;
    struct kh_http_reply reply;
};

static void backoff(struct kh_job_row *j, int64_t now_us, int64_t first_us)
{
    int64_t wait = first_us;

    for (int64_t i = 1; i < j->attempts && wait < BACKOFF_MAX_US; i++)
        wait *= 2;
    j->due_us = now_us + (wait < BACKOFF_MAX_US ? wait : BACKOFF_MAX_US);
    j->lease = 0;
}

static bool bury(struct kh_tx *tx, struct kh_arena *a, struct kh_job_row *j, struct kh_error *err)
{
    struct kh_event e = {.kind = KH_S("job.dead"),
                         .type = KH_S("job"),
                         .subject = j->id,
                         .level = 1,
                         .actor = KH_S("system:jobs")};
    struct kh_buf b = kh_buf(a, 4096);
    struct kh_jw w = kh_jw(&b);

    j->state = KH_JOB_DEAD;
    j->lease = 0;
    kh_jw_obj(&w);
    kh_jw_kstr(&w, "instance", kh_id_text(a, j->instance));
    kh_jw_kstr(&w, "element", j->node);
    kh_jw_kint(&w, "attempts", j->attempts);
    kh_jw_end(&w);
    e.data = kh_buf_get(&b);
    return kh_job_sql_put(tx, j, err) && kh_event_append(tx, &e, err);
}

/* ---- timers ---- */

static bool fire(struct kh_root *root, struct kh_job_row *j, bool *ret_did, struct kh_error *err)
{
    switch (j->kind) {
    case KH_JOB_TIMER:
    case KH_JOB_BOUNDARY:
        return kh_timer_fire(root, j, ret_did, err);
    case KH_JOB_SIGNAL:
    case KH_JOB_SPREAD:
        return kh_signal_job(root, j, ret_did, err);
    case KH_JOB_START:
        return kh_start_job(root, j, ret_did, err);
    case KH_JOB_HTTP:
        break;
    }
    return kh_fail(err, KH_EC_STORE_CORRUPT, "job %lld", (long long)j->id);
}

static bool timer_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct work *w = ctx;
    struct kh_who who = kh_who_system(KH_S("timer"));
    struct kh_root root;
    enum kh_hit hit;

    kh_arena_reset(w->a);
    w->did = false;
    kh_root_init(&root, tx, w->pe, w->a, &who);
    hit = kh_job_sql_get(tx, w->a, w->id, &w->job, err);
    if (hit == KH_FAIL)
        return false;
    if (hit == KH_MISS || w->job.state != KH_JOB_WAITING || w->job.due_us > root.now_us)
        return true;
    return fire(&root, &w->job, &w->did, err);
}

/* A timer whose effect failed: its own transaction remembers that. */
static bool timer_failed_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct work *w = ctx;
    struct kh_job_row j;
    enum kh_hit hit;

    kh_arena_reset(w->a);
    hit = kh_job_sql_get(tx, w->a, w->id, &j, err);
    if (hit != KH_HIT || j.state != KH_JOB_WAITING)
        return hit != KH_FAIL;
    j.attempts++;
    j.error = kh_cstr(w->err.detail);
    backoff(&j, w->now_us, TIMER_BACKOFF_US);
    if (j.attempts >= TIMER_ATTEMPTS)
        return bury(tx, w->a, &j, err);
    return kh_job_sql_put(tx, &j, err);
}

static bool overdue_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct work *w = ctx;
    struct kh_who who = kh_who_system(KH_S("timer"));
    struct kh_root root;
    struct kh_task_row t;
    enum kh_hit hit;

    kh_arena_reset(w->a);
    w->did = false;
    kh_root_init(&root, tx, w->pe, w->a, &who);
    hit = kh_task_sql_tell(tx, w->id, root.now_us, err);
    if (hit == KH_HIT)
        hit = kh_task_sql_get(tx, w->a, w->id, false, &t, err);
    if (hit == KH_HIT && !kh_task_event(&root, &t, "task.overdue", NULL, err))
        return false;
    w->did = hit == KH_HIT;
    return hit != KH_FAIL;
}

/* ---- batches ---- */

static void work_done(void *ctx, bool ok, const struct kh_error *err)
{
    struct work *w = ctx;

    w->ok = ok;
    if (!ok)
        w->err = *err;
    pthread_mutex_lock(&w->latch->lock);
    w->latch->ran += ok && w->did;
    if (--w->latch->left == 0)
        pthread_cond_signal(&w->latch->done);
    pthread_mutex_unlock(&w->latch->lock);
}

/* Each in a transaction (savepoint) of its own, all in one sync. */
static void run_batch(struct kh_process *pe, const char *name, kh_tx_fn fn, struct work *works,
                      size_t n, unsigned *ran)
{
    struct latch latch = {.left = (unsigned)n};

    pthread_mutex_init(&latch.lock, NULL);
    pthread_cond_init(&latch.done, NULL);
    for (size_t i = 0; i < n; i++) {
        works[i].latch = &latch;
        if (!kh_store_submit(pe->st, name, fn, &works[i], work_done, &works[i].err))
            work_done(&works[i], false, &(struct kh_error){.code = KH_EC_OVERLOADED});
    }
    pthread_mutex_lock(&latch.lock);
    while (latch.left)
        pthread_cond_wait(&latch.done, &latch.lock);
    pthread_mutex_unlock(&latch.lock);
    *ran += latch.ran;
    pthread_cond_destroy(&latch.done);
    pthread_mutex_destroy(&latch.lock);
}

/* What is due. */
struct due {
    struct kh_arena *a;
    int64_t now_us;
    unsigned max;
    int64_t *timers, *overdue, *http;
    size_t timers_n, overdue_n, http_n;
    enum kh_job_lane lane;
};

static bool due_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct due *d = ctx;

    kh_arena_reset(d->a);
    if (d->lane == KH_LANE_HTTP)
        return kh_job_sql_due(tx, d->a, KH_LANE_HTTP, d->now_us, d->max, &d->http, &d->http_n, err);
    return kh_job_sql_due(tx, d->a, KH_LANE_TIMER, d->now_us, d->max, &d->timers, &d->timers_n,
                          err) &&
           kh_task_sql_overdue(tx, d->a, d->now_us, d->max, &d->overdue, &d->overdue_n, err);
}

static struct work *make_works(struct kh_process *pe, const struct due *d, const int64_t *ids,
                               size_t n)
{
    struct work *works = kh_new_n(d->a, n, struct work);

    for (size_t i = 0; i < n; i++)
        works[i] = (struct work){
            .pe = pe, .a = kh_arena_new(JOB_ARENA), .id = ids[i], .now_us = d->now_us};
    return works;
}

static void drop_works(struct work *works, size_t n)
{
    for (size_t i = 0; i < n; i++)
        kh_arena_drop(works[i].a);
}

/* Failures of the database are tried again by themselves; others are remembered on the job. */
static bool worth_remembering(enum kh_ec code)
{
    return code != KH_EC_STORE && code != KH_EC_STORE_BUSY && code != KH_EC_STORE_FULL &&
           code != KH_EC_OVERLOADED;
}

static bool run_timers(struct kh_process *pe, unsigned max, unsigned *ran, struct kh_error *err)
{
    kh_auto_arena a = kh_arena_new(JOB_ARENA);
    struct due d = {.a = a, .now_us = kh_now_us(), .max = max, .lane = KH_LANE_TIMER};
    struct work *works;
    bool good = true;

    if (!kh_store_run(pe->st, "jobs_due", KH_TX_READ, due_in_tx, &d, err))
        return false;
    works = make_works(pe, &d, d.timers, d.timers_n);
    run_batch(pe, "job_timer", timer_in_tx, works, d.timers_n, ran);
    for (size_t i = 0; i < d.timers_n && good; i++) {
        if (works[i].ok)
            continue;
        *err = works[i].err;
        err->issues = NULL;
        good = worth_remembering(err->code) &&
               kh_store_run(pe->st, "job_failed", KH_TX_WRITE, timer_failed_in_tx, &works[i], err);
    }
    drop_works(works, d.timers_n);
    if (!good)
        return false;
    works = make_works(pe, &d, d.overdue, d.overdue_n);
    run_batch(pe, "task_overdue", overdue_in_tx, works, d.overdue_n, ran);
    for (size_t i = 0; i < d.overdue_n && good; i++) {
        good = works[i].ok;
        if (!good)
            *err = works[i].err;
    }
    drop_works(works, d.overdue_n);
    return good;
}

/* ---- outbound calls ---- */

static bool lease_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct work *w = ctx;
    struct kh_instance_row instance;
    const struct kh_program *p;
    struct kh_json *payload;
    int node;
    enum kh_hit hit;

    kh_arena_reset(w->a);
    w->did = false;
    hit = kh_job_sql_get(tx, w->a, w->id, &w->job, err);
    if (hit == KH_HIT)
        hit = kh_instance_sql_get(tx, w->a, w->job.instance, false, &instance, err);
    if (hit != KH_HIT)
        return hit == KH_MISS;
    if (!kh_program_get(tx, w->pe, instance.process_id, &p, err))
        return false;
    node = kh_program_node(p, w->job.node);
    if (node < 0 || !p->nodes[node].http)
        return kh_fail(err, KH_EC_STORE_CORRUPT, "job %lld", (long long)w->id);
    w->request.timeout_s = p->nodes[node].http->timeout_s;
    hit = kh_job_sql_lease(tx, w->a, w->id, kh_now_us(),
                           kh_now_us() + (w->request.timeout_s + LEASE_SLACK_S) * KH_US_S,
                           kh_id_new(), &w->job, err);
    if (hit != KH_HIT)
        return hit == KH_MISS;
    if (!kh_json_parse(w->a, w->job.payload, &(struct kh_json_limits){.bytes = KH_RUN_DATA_BYTES},
                       &payload, err))
        return false;
    w->request.method = p->nodes[node].http->method;
    w->request.url = kh_json_str(payload, "url", KH_S(""));
    w->request.body =
        kh_json_get(payload, "body") ? kh_json_text(w->a, kh_json_get(payload, "body")) : KH_S("");
    w->request.key = kh_id_text(w->a, w->id);
    w->did = true;
    return true;
}

static struct kh_json *reply_json(struct kh_arena *a, const struct kh_http_reply *reply)
{
    struct kh_json *o = kh_json_new(a, KH_JSON_OBJECT), *body;
    struct kh_error ignored = {0};

    kh_json_set(a, o, KH_S("status"), kh_json_new_int(a, reply->status));
    if (!kh_json_parse(a, reply->body, NULL, &body, &ignored))
        body = kh_json_new_str(a, kh_str_utf8(reply->body) ? reply->body : KH_S(""));
    kh_json_set(a, o, KH_S("body"), body);
    return o;
}

/* The answer moves the instance on, if the lease is still ours. */
static bool answer_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct work *w = ctx;
    struct kh_who who = kh_who_system(KH_S("http"));
    struct kh_root root;
    struct kh_run *r;
    size_t token;
    enum kh_hit hit;
    kh_auto_arena a = kh_arena_new(JOB_ARENA);

    kh_root_init(&root, tx, w->pe, a, &who);
    hit = kh_run_load(&root, w->job.instance, &r, err);
    if (hit == KH_FAIL)
        return false;
    if (hit == KH_HIT)
        hit = kh_job_sql_done(tx, w->id, w->job.lease, err);
    if (hit != KH_HIT)
        return hit == KH_MISS;
    token = kh_run_token(r, w->job.token);
    if (token == SIZE_MAX)
        return true;
    r->here = token;
    return kh_step_outputs(r, &r->p->nodes[r->tokens[token].node], reply_json(a, &w->reply), false,
                           err) &&
           kh_run_leave(r, token, err) && kh_run_go(r, err) && kh_root_finish(&root, err);
}

static bool may_retry(int status)
{
    return status >= 500 || status == 408 || status == 425 || status == 429;
}

/* What an error event in the model calls it when a call is given up. */
static struct kh_str given_up_as(const struct work *w, struct kh_arena *a)
{
    if (w->reply.status)
        return kh_strf(a, "HTTP_%d", w->reply.status);
    return w->err.code == KH_EC_OUTBOUND_REFUSED ? KH_S("OUTBOUND_REFUSED")
                                                 : KH_S("OUTBOUND_FAILED");
}

/* Nobody tries any more: the model catches that, or a person has to look. The instance is locked
 * before its job, as everywhere. */
static bool give_up(struct kh_tx *tx, struct work *w, struct kh_arena *a, struct kh_job_row *j,
                    struct kh_error *err)
{
    struct kh_who who = kh_who_system(KH_S("http"));
    struct kh_str code = given_up_as(w, a);
    struct kh_root root;
    struct kh_run *r;
    size_t token = SIZE_MAX;
    enum kh_hit hit;

    kh_root_init(&root, tx, w->pe, a, &who);
    hit = kh_run_load(&root, j->instance, &r, err);
    if (hit == KH_HIT)
        token = kh_run_token(r, j->token);
    if (hit == KH_FAIL)
        return false;
    if (token == SIZE_MAX || !kh_throw_caught(r, token, code))
        return bury(tx, a, j, err);
    hit = kh_job_sql_done(tx, j->id, j->lease, err);
    if (hit != KH_HIT)
        return hit == KH_MISS;
    return kh_throw_error(r, token, code, kh_throw_says(a, code, j->error), err) &&
           kh_run_go(r, err) && kh_root_finish(&root, err);
}

/* No answer, or one that says no. */
static bool refused_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct work *w = ctx;
    struct kh_instance_row instance;
    const struct kh_program *p;
    struct kh_job_row j;
    int node;
    enum kh_hit hit;
    kh_auto_arena a = kh_arena_new(JOB_ARENA);

    hit = kh_job_sql_get(tx, a, w->id, &j, err);
    if (hit == KH_HIT && j.lease != w->job.lease)
        return true;
    if (hit == KH_HIT)
        hit = kh_instance_sql_get(tx, a, j.instance, false, &instance, err);
    if (hit != KH_HIT)
        return hit == KH_MISS;
    if (!kh_program_get(tx, w->pe, instance.process_id, &p, err))
        return false;
    node = kh_program_node(p, j.node);
    j.error = w->reply.status ? kh_strf(a, "status %d", w->reply.status) : kh_cstr(w->err.detail);
    if (node < 0 || !p->nodes[node].http || j.attempts > p->nodes[node].http->retries ||
        w->err.code == KH_EC_OUTBOUND_REFUSED || (w->reply.status && !may_retry(w->reply.status)))
        return give_up(tx, w, a, &j, err);
    backoff(&j, kh_now_us(), p->nodes[node].http->backoff_us);
    return kh_job_sql_put(tx, &j, err);
}

/* Lease, send, settle. */
static bool run_call(struct kh_process *pe, int64_t id, unsigned *ran, struct kh_error *err)
{
    kh_auto_arena a = kh_arena_new(JOB_ARENA);
    kh_auto_arena reply_arena = kh_arena_new(JOB_ARENA);
    struct work w = {.pe = pe, .a = a, .id = id};
    bool answered;

    if (!kh_store_run(pe->st, "job_lease", KH_TX_WRITE, lease_in_tx, &w, err))
        return false;
    if (!w.did)
        return true;
    ++*ran;
    w.err = (struct kh_error){0};
    answered = pe->http(pe->http_ctx, reply_arena, &w.request, &w.reply, &w.err);
    if (!answered)
        w.reply.status = 0;
    if (answered && w.reply.status >= 200 && w.reply.status < 300) {
        if (kh_store_run(pe->st, "job_answer", KH_TX_WRITE, answer_in_tx, &w, err))
            return true;
        if (!worth_remembering(err->code))
            return false; /* the lease runs out, and the same call is made again */
        w.err = *err;
        w.reply.status = 422; /* the answer was good, the process cannot use it */
    }
    return kh_store_run(pe->st, "job_refused", KH_TX_WRITE, refused_in_tx, &w, err);
}

static bool run_http(struct kh_process *pe, unsigned max, unsigned *ran, struct kh_error *err)
{
    kh_auto_arena a = kh_arena_new(JOB_ARENA);
    struct due d = {.a = a, .now_us = kh_now_us(), .max = max, .lane = KH_LANE_HTTP};

    if (!pe->http)
        return true;
    if (!kh_store_run(pe->st, "jobs_due", KH_TX_READ, due_in_tx, &d, err))
        return false;
    for (size_t i = 0; i < d.http_n; i++)
        if (!run_call(pe, d.http[i], ran, err))
            return false;
    return true;
}

bool kh_process_jobs_run(struct kh_process *pe, unsigned max, unsigned *ret_ran,
                         struct kh_error *err)
{
    unsigned ran = 0;

    if (!run_timers(pe, max, &ran, err) || !run_http(pe, max, &ran, err))
        return false;
    *ret_ran = ran;
    return true;
}

/* ---- threads ---- */

static void wake_all(void *ctx)
{
    struct kh_jobs *jobs = ((struct kh_process *)ctx)->jobs;

    pthread_mutex_lock(&jobs->lock);
    jobs->generation++;
    pthread_cond_broadcast(&jobs->wake);
    pthread_mutex_unlock(&jobs->lock);
}

void kh_jobs_wake(struct kh_process *pe, struct kh_tx *tx)
{
    kh_tx_after_commit(tx, wake_all, pe);
}

/* Wait for news or for the next look. @return false when it is time to stop */
static bool rest(struct kh_jobs *jobs, unsigned seen)
{
    struct timespec until;
    bool stop;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += POLL_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&jobs->lock);
    while (!jobs->stop && jobs->generation == seen &&
           pthread_cond_timedwait(&jobs->wake, &jobs->lock, &until) == 0)
        ;
    stop = jobs->stop;
    pthread_mutex_unlock(&jobs->lock);
    return !stop;
}

static void work_loop(struct kh_jobs *jobs,
                      bool (*run)(struct kh_process *, unsigned, unsigned *, struct kh_error *))
{
    unsigned seen;
    bool more = true;

    while (more) {
        struct kh_error err = {0};
        unsigned ran = 0;

        pthread_mutex_lock(&jobs->lock);
        seen = jobs->generation;
        more = !jobs->stop;
        pthread_mutex_unlock(&jobs->lock);
        if (!more)
            return;
        if (!run(jobs->pe, BATCH, &ran, &err)) {
            kh_log_error("process.jobs", &err);
            ran = 0;
        }
        if (ran == 0)
            more = rest(jobs, seen);
    }
}

static void *timers_thread(void *ctx)
{
    work_loop(ctx, run_timers);
    return NULL;
}

static void *http_thread(void *ctx)
{
    work_loop(ctx, run_http);
    return NULL;
}

bool kh_jobs_open(struct kh_process *pe, struct kh_error *err)
{
    pthread_condattr_t attr;

    (void)err;
    pe->jobs = kh_new(pe->a, struct kh_jobs);
    pe->jobs->pe = pe;
    pthread_mutex_init(&pe->jobs->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&pe->jobs->wake, &attr);
    pthread_condattr_destroy(&attr);
    return true;
}

bool kh_process_jobs_start(struct kh_process *pe, struct kh_error *err)
{
    struct kh_jobs *jobs = pe->jobs;

    for (unsigned i = 0; i < KH_LEN(jobs->threads); i++) {
        if (pthread_create(&jobs->threads[i], NULL, i ? http_thread : timers_thread, jobs) != 0)
            return kh_fail(err, KH_EC_INTERNAL, "no thread for jobs");
        jobs->threads_n++;
    }
    return true;
}

void kh_jobs_close(struct kh_process *pe)
{
    struct kh_jobs *jobs = pe->jobs;

    if (!jobs)
        return;
    pthread_mutex_lock(&jobs->lock);
    jobs->stop = true;
    pthread_cond_broadcast(&jobs->wake);
    pthread_mutex_unlock(&jobs->lock);
    for (unsigned i = 0; i < jobs->threads_n; i++)
        pthread_join(jobs->threads[i], NULL);
    pthread_cond_destroy(&jobs->wake);
    pthread_mutex_destroy(&jobs->lock);
}
