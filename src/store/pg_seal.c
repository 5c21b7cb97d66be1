/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log on PostgreSQL. Transactions leave their events in event_inbox. One process of all on this
 * schema holds an advisory lock and is the sealer: it gives numbers and hashes and moves them to
 * event. Every process follows the log by number, so each hears of each event once and in order.
 *
 * The bell: a writer wakes the log thread of its own process. If that is not the sealer it rings
 * the sealer with NOTIFY; the sealer tells all others with another NOTIFY. Neither is in a writer's
 * transaction: PostgreSQL lets only one transaction with NOTIFY commit at a time.
 */
#include "base/id.h"
#include "base/time.h"
#include "store/checkpoint.h"
#include "store/event_chain.h"
#include "store/pg_impl.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    PAGE = 500,
    TICK_MS = 250,
    SETTLE_TRIES = 4,
    LOCK_WORD = 0x6b687565, /* "khue" */
    NODE_WORD = 0x6b68,     /* "kh" */
};

#define SETTLE_US (5 * KH_US_S)

struct kh_pg_log {
    struct kh_store *st;
    struct kh_pg_conn c;
    pthread_t thread;
    bool started;
    int bell; /* eventfd */
    atomic_bool rung, stop;
    bool sealer;
    int node;              /* the number that this process holds */
    struct kh_chain chain; /* where the sealer stands */
    int64_t told;          /* newest event that this process was told of */
    char listen[160], ring[64], news[64], crowd[64];

    pthread_mutex_t lock_rounds;
    pthread_cond_t round_over;
    unsigned long asked, served; /* rounds of settle */
    unsigned long failed;        /* rounds that came to nothing */
};

/* ---- sealing ---- */

struct seal {
    struct kh_pg_log *log;
    struct kh_arena *a;
    struct kh_inbox_row *rows;
    size_t n;
    struct kh_chain chain;
};

static bool seal_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct seal *s = ctx;

    s->chain = s->log->chain;
    if (!kh_event_sql_waiting(tx, s->a, PAGE, &s->rows, &s->n, err))
        return false;
    if (s->n == 0)
        return true;
    for (size_t i = 0; i < s->n; i++) {
        struct kh_event_row *r = &s->rows[i].r;

        r->e.seq = s->chain.seq + 1;
        kh_event_link(s->chain.hash, r, r->chain);
        s->chain.seq = r->e.seq;
        memcpy(s->chain.hash, r->chain, sizeof(r->chain));
    }
    return kh_event_sql_seal(tx, s->a, s->rows, s->n, err);
}

static bool run(struct kh_pg_log *log, kh_tx_fn fn, void *ctx, struct kh_error *err)
{
    struct kh_pg_conn *c = &log->c;
    bool retry = false;

    if (!kh_tx_call(&c->tx, fn, ctx, err)) {
        kh_pg_rollback(c);
        return false;
    }
    return kh_pg_commit(c, &retry, err);
}

static void tell(struct kh_pg_log *log, const struct kh_event *events, size_t n)
{
    struct kh_store *st = log->st;

    log->told = events[n - 1].seq;
    atomic_fetch_add_explicit(&st->events, (long long)n, memory_order_relaxed);
    atomic_store_explicit(&st->head, log->told, memory_order_release);
    kh_event_tell(st, events, n, log->told);
}

/* Seal what waits. @return false if the place of the sealer is in doubt */
static bool seal_all(struct kh_pg_log *log)
{
    kh_auto_arena a = kh_arena_new((size_t)256 << 20);
    struct seal s = {.log = log, .a = a};
    struct kh_error err = {0};

    do {
        struct kh_event *events;

        kh_arena_reset(a);
        if (!run(log, seal_in_tx, &s, &err))
            return false;
        if (s.n == 0)
            return true;
        log->chain = s.chain;
        events = kh_new_n(a, s.n, struct kh_event);
        for (size_t i = 0; i < s.n; i++)
            events[i] = s.rows[i].r.e;
        tell(log, events, s.n);
        if (!kh_pg_command(&log->c, log->news, false, NULL, &err))
            return false;
    } while (s.n == PAGE);
    return true;
}

/* ---- following ---- */

struct follow {
    struct kh_pg_log *log;
    struct kh_arena *a;
    struct kh_event *events;
    size_t n;
};

static bool follow_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct follow *f = ctx;

    return kh_event_read(tx, f->a, f->log->told, PAGE, &f->events, &f->n, err);
}

static bool follow_all(struct kh_pg_log *log)
{
    kh_auto_arena a = kh_arena_new((size_t)256 << 20);
    struct follow f = {.log = log, .a = a};
    struct kh_error err = {0};

    do {
        kh_arena_reset(a);
        if (!run(log, follow_in_tx, &f, &err))
            return false;
        if (f.n)
            tell(log, f.events, f.n);
    } while (f.n == PAGE);
    return true;
}

/* ---- who seals ---- */

static bool head_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct kh_pg_log *log = ctx;

    return kh_event_sql_head(tx, &log->chain, err);
}

static bool try_lock(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "seal_lock", NULL, "SELECT pg_try_advisory_lock(CAST($1 AS int), CAST($2 AS int))"};
    struct kh_pg_log *log = ctx;
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_int(&q, 1, LOCK_WORD);
    kh_bind_int(&q, 2, (int32_t)kh_pg_of(log->st)->schema);
    if (kh_query_next(&q, err) != KH_HIT)
        return false;
    log->sealer = kh_col_int(&q, 0) != 0;
    return true;
}

/* The lock is of the connection: it is lost with it, after its last transaction has ended. Whoever
 * gets it reads where the chain stands only then. */
static bool elect(struct kh_pg_log *log)
{
    struct kh_error err = {0};

    if (log->sealer)
        return true;
    if (!run(log, try_lock, log, &err) || (log->sealer && !run(log, head_in_tx, log, &err))) {
        log->sealer = false;
        return false;
    }
    /* What the sealer before us sealed has yet to be told here. */
    return !log->sealer || follow_all(log);
}

/* ---- which process this is ---- */

/* Two processes with one number could make the same id twice, so a number is held by a lock of the
 * connection: the one that this process had, or the next free one. */
static bool take_node(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "node_take", NULL,
        "SELECT (n + CAST($2 AS int)) % CAST($3 AS int) FROM generate_series(0, $3 - 1) AS n WHERE "
        "pg_try_advisory_lock(CAST($1 AS bigint) + (n + $2) % $3) LIMIT 1"};
    struct kh_pg_log *log = ctx;
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_int(&q, 1, (int64_t)NODE_WORD << 48 | (int64_t)kh_pg_of(log->st)->schema << 12);
    kh_bind_int(&q, 2, log->node);
    kh_bind_int(&q, 3, KH_ID_NODES);
    switch (kh_query_next(&q, err)) {
    case KH_HIT:
        log->node = (int)kh_col_int(&q, 0);
        return true;
    case KH_MISS:
        return kh_fail(err, KH_EC_STORE, "%d processes are at work on this database", KH_ID_NODES);
    case KH_FAIL:
        break;
    }
    return false;
}

/* ---- the thread ---- */

static bool connect_log(struct kh_pg_log *log, struct kh_error *err)
{
    if (log->c.pg && !log->c.lost && PQstatus(log->c.pg) == CONNECTION_OK)
        return true;
    log->sealer = false;
    if (!kh_pg_connect(&log->c, err) || !kh_pg_script(&log->c, log->listen, false, err))
        return false;
    if (!run(log, take_node, log, err)) {
        log->c.lost = true;
        return false;
    }
    kh_id_node((unsigned)log->node);
    return true;
}

/* Notifications may have come along with answers, so the queue is looked at before the socket. */
static bool heard(struct kh_pg_log *log)
{
    PGnotify *note;
    bool any = false;

    while (log->c.pg && (note = PQnotifies(log->c.pg)) != NULL) {
        any = true;
        if (strcmp(note->relname, log->crowd) == 0)
            kh_pg_crowded(log->st);
        PQfreemem(note);
    }
    return any;
}

/* Wait for a bell, a notification, or the next look around. */
static void wait_news(struct kh_pg_log *log, bool *ret_rung)
{
    struct pollfd fds[2] = {{.fd = log->bell, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
    uint64_t v;

    if (log->c.pg && !log->c.lost)
        fds[1].fd = PQsocket(log->c.pg);
    *ret_rung = false;
    if (poll(fds, 2, heard(log) ? 0 : TICK_MS) > 0) {
        if (fds[0].revents && read(log->bell, &v, sizeof(v)) == (ssize_t)sizeof(v)) {
            atomic_store(&log->rung, false);
            *ret_rung = true;
        }
        if (fds[1].revents && !PQconsumeInput(log->c.pg))
            log->c.lost = true;
        (void)heard(log);
    }
}

static void round_served(struct kh_pg_log *log, unsigned long asked, bool ok)
{
    pthread_mutex_lock(&log->lock_rounds);
    if (!ok)
        log->failed++;
    else if (log->served < asked)
        log->served = asked;
    pthread_cond_broadcast(&log->round_over);
    pthread_mutex_unlock(&log->lock_rounds);
}

static void *log_thread(void *ctx)
{
    struct kh_pg_log *log = ctx;
    struct kh_error err = {0};

    for (;;) {
        bool stop = atomic_load(&log->stop), rung = false, ok;
        unsigned long asked;

        if (!stop)
            wait_news(log, &rung);
        pthread_mutex_lock(&log->lock_rounds);
        asked = log->asked;
        pthread_mutex_unlock(&log->lock_rounds);
        ok = connect_log(log, &err) && elect(log);
        if (ok && log->sealer)
            ok = seal_all(log);
        else if (ok)
            ok = (!rung || kh_pg_command(&log->c, log->ring, false, NULL, &err)) && follow_all(log);
        if (!ok) /* a sealer that failed reads the chain anew before it goes on */
            log->c.lost = true;
        round_served(log, asked, ok);
        kh_anchor_tick(log->st);
        if (stop)
            return NULL;
    }
}

void kh_pg_log_ring(struct kh_store *st)
{
    struct kh_pg_log *log = kh_pg_of(st)->log;
    uint64_t one = 1;

    if (!log || atomic_exchange(&log->rung, true))
        return;
    if (write(log->bell, &one, sizeof(one)) != (ssize_t)sizeof(one))
        atomic_store(&log->rung, false);
}

void kh_pg_log_settle(struct kh_store *st)
{
    struct kh_pg_log *log = kh_pg_of(st)->log;
    int64_t until = kh_mono_us() + SETTLE_US;
    unsigned long mine, patience;

    if (!log || !log->started)
        return;
    pthread_mutex_lock(&log->lock_rounds);
    mine = ++log->asked;
    patience = log->failed + SETTLE_TRIES;
    pthread_mutex_unlock(&log->lock_rounds);
    kh_pg_log_ring(st);
    pthread_mutex_lock(&log->lock_rounds);
    while (log->served < mine && log->failed < patience) {
        struct timespec at = {.tv_sec = until / KH_US_S, .tv_nsec = until % KH_US_S * 1000};

        if (pthread_cond_timedwait(&log->round_over, &log->lock_rounds, &at) != 0)
            break;
    }
    pthread_mutex_unlock(&log->lock_rounds);
}

bool kh_pg_log_start(struct kh_store *st, struct kh_error *err)
{
    struct kh_pg *p = kh_pg_of(st);
    struct kh_pg_log *log = kh_store_alloc(sizeof(*log));
    pthread_condattr_t attr;

    log->st = st;
    kh_pg_conn_init(&log->c, st, "BEGIN", KH_TX_WRITE);
    log->c.tx.name = "seal";
    log->told = st->working.seq;
    kh_event_sealed(st, st->working.seq);
    snprintf(log->crowd, sizeof(log->crowd), "khue_crowd_%u", p->schema);
    snprintf(log->listen, sizeof(log->listen),
             "LISTEN khue_inbox_%u; LISTEN khue_event_%u; LISTEN %s", p->schema, p->schema,
             log->crowd);
    snprintf(log->ring, sizeof(log->ring), "NOTIFY khue_inbox_%u", p->schema);
    snprintf(log->news, sizeof(log->news), "NOTIFY khue_event_%u", p->schema);
    pthread_mutex_init(&log->lock_rounds, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&log->round_over, &attr);
    pthread_condattr_destroy(&attr);
    log->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    p->log = log;
    if (!connect_log(log, err))
        return false;
    if (log->bell < 0 || pthread_create(&log->thread, NULL, log_thread, log) != 0)
        return kh_fail(err, KH_EC_STORE, "no thread for the log");
    log->started = true;
    return true;
}

void kh_pg_log_stop(struct kh_store *st)
{
    struct kh_pg_log *log = kh_pg_of(st)->log;
    uint64_t one = 1;

    if (!log)
        return;
    if (log->started) {
        atomic_store(&log->stop, true);
        if (write(log->bell, &one, sizeof(one)) < 0)
            atomic_store(&log->rung, false);
        pthread_join(log->thread, NULL);
    }
    kh_pg_conn_close(&log->c);
    if (log->bell >= 0)
        close(log->bell);
    pthread_cond_destroy(&log->round_over);
    pthread_mutex_destroy(&log->lock_rounds);
    free(log);
    kh_pg_of(st)->log = NULL;
}
