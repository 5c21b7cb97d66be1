/* SPDX-License-Identifier: Apache-2.0 */
/* One connection to PostgreSQL: how it starts, how a trip to the server goes, how it breaks. */
#include "base/fault.h"
#include "base/time.h"
#include "store/pg_impl.h"

#include <stdio.h>
#include <stdlib.h>

#define RETRY_US (100 * (int64_t)1000)

/* An answered commit must survive a power cut, whatever the server's default is; small statements
 * do not pay for compiling. */
static const char greeting[] =
    "SET client_encoding = 'UTF8'; SET jit = off; SET lock_timeout = '10s';"
    "SET client_min_messages = warning; SET standard_conforming_strings = on;"
    "SELECT set_config('synchronous_commit', 'on', false)"
    " WHERE current_setting('synchronous_commit') IN ('off', 'local')";

void kh_pg_conn_init(struct kh_pg_conn *c, struct kh_store *st, const char *begin,
                     enum kh_tx_mode mode)
{
    *c = (struct kh_pg_conn){.st = st, .begin = begin};
    c->tx = (struct kh_tx){.st = st, .mode = mode, .conn = c};
}

/* ---- errors ---- */

static bool is(const char *state, const char *want)
{
    return strncmp(state, want, strlen(want)) == 0;
}

static enum kh_ec code_of(const char *state)
{
    if (is(state, "23"))
        return KH_EC_STORE_CONSTRAINT;
    if (is(state, "40001") || is(state, "40P01") || is(state, "55P03"))
        return KH_EC_STORE_BUSY;
    if (is(state, "53100"))
        return KH_EC_STORE_FULL;
    if (is(state, "XX001") || is(state, "XX002"))
        return KH_EC_STORE_CORRUPT;
    return KH_EC_STORE;
}

bool kh_pg_fail(struct kh_pg_conn *c, const PGresult *res, const char *what, bool *ret_retry,
                struct kh_error *err)
{
    const char *state = res ? PQresultErrorField(res, PG_DIAG_SQLSTATE) : NULL;
    const char *text = res ? PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY) : NULL;

    if (!c->pg || PQstatus(c->pg) != CONNECTION_OK || !state || is(state, "57P0")) {
        c->lost = true;
        return kh_fail(err, KH_EC_STORE, "%s: the connection to PostgreSQL is lost", what);
    }
    if (ret_retry && (is(state, "40001") || is(state, "40P01")))
        *ret_retry = true;
    if (ret_retry && is(state, "0A000") && text && strstr(text, "cached plan")) {
        /* The table has changed since this was prepared. */
        c->stale = true;
        *ret_retry = true;
    }
    /* Messages of these classes quote values, which may be personal: only the names then. */
    if (is(state, "22") || is(state, "23")) {
        const char *rule = PQresultErrorField(res, PG_DIAG_CONSTRAINT_NAME);

        text = rule ? rule : "a value does not fit";
    }
    return kh_fail(err, code_of(state), "%s: %s (%s)", what, text ? text : "", state);
}

/* ---- trips ---- */

int kh_pg_prefix(struct kh_pg_conn *c)
{
    int n = 0;

    c->touched = true;
    if (!c->in_tx) {
        if (!PQsendQueryParams(c->pg, c->begin, 0, NULL, NULL, NULL, NULL, 0))
            return -1;
        c->in_tx = true;
        n++;
    }
    if (c->wants_savepoint) {
        if (!PQsendQueryParams(c->pg, "SAVEPOINT one", 0, NULL, NULL, NULL, NULL, 0))
            return -1;
        c->wants_savepoint = false;
        c->has_savepoint = true;
        n++;
    }
    return n;
}

static bool good(const PGresult *res)
{
    ExecStatusType s = PQresultStatus(res);

    return s == PGRES_COMMAND_OK || s == PGRES_TUPLES_OK;
}

/* Read the answer of one command. NULL: the connection is gone. */
static PGresult *read_one(struct kh_pg_conn *c)
{
    PGresult *res = PQgetResult(c->pg), *more;

    if (!res)
        return NULL;
    while ((more = PQgetResult(c->pg)) != NULL) {
        PQclear(more);
        if (PQstatus(c->pg) != CONNECTION_OK)
            break;
    }
    return res;
}

/* Read n answers and the mark behind them; the first `posted` are of statements that nobody waited
 * for. */
static bool read_answers(struct kh_pg_conn *c, int n, int posted, const char *what,
                         PGresult **ret_last, bool *ret_retry, struct kh_error *err)
{
    bool ok = true;

    for (int i = 0; i < n; i++) {
        PGresult *res = read_one(c);

        if (!res || !good(res)) {
            if (ok) { /* those behind the first failure are only told that they were left out */
                kh_pg_fail(c, res, what, ret_retry, err);
                c->post_failed = c->post_failed || i < posted;
            }
            ok = false;
        } else if (ret_last && ok && i == n - 1) {
            *ret_last = res;
            res = NULL;
        }
        PQclear(res);
        if (c->lost)
            return false;
    }
    PQclear(PQgetResult(c->pg)); /* PGRES_PIPELINE_SYNC */
    if (PQstatus(c->pg) != CONNECTION_OK)
        c->lost = true;
    return ok;
}

/* The answer of the COMMIT that ended the last reading is read when it is here anyway. */
static bool catch_up(struct kh_pg_conn *c)
{
    struct kh_error err = {0};
    unsigned n = c->undrained;

    c->undrained = 0;
    return n == 0 || read_answers(c, (int)n, 0, "commit", NULL, NULL, &err) || !c->lost;
}

bool kh_pg_drain(struct kh_pg_conn *c, int n, const char *what, PGresult **ret_last,
                 bool *ret_retry, struct kh_error *err)
{
    int posted = (int)c->posted;

    c->posted = 0;
    if (n < 0 || !PQpipelineSync(c->pg) || !catch_up(c))
        return kh_pg_fail(c, NULL, what, ret_retry, err);
    return read_answers(c, posted + n, posted, what, ret_last, ret_retry, err);
}

bool kh_pg_command(struct kh_pg_conn *c, const char *sql, bool prefix, bool *ret_retry,
                   struct kh_error *err)
{
    int n = prefix ? kh_pg_prefix(c) : 0;

    if (n < 0 || !PQsendQueryParams(c->pg, sql, 0, NULL, NULL, NULL, NULL, 0))
        return kh_pg_fail(c, NULL, sql, ret_retry, err);
    return kh_pg_drain(c, n + 1, sql, NULL, ret_retry, err);
}

bool kh_pg_script(struct kh_pg_conn *c, const char *sql, bool prefix, struct kh_error *err)
{
    int n = prefix ? kh_pg_prefix(c) : 0;
    bool ok = true;
    PGresult *res;

    if ((n != 0 || c->posted) && !kh_pg_drain(c, n, "begin", NULL, &c->tx.retry, err))
        return false;
    if (!catch_up(c) || !PQexitPipelineMode(c->pg))
        return kh_pg_fail(c, NULL, c->tx.name ? c->tx.name : "script", NULL, err);
    res = PQexec(c->pg, sql);
    if (!good(res)) {
        kh_pg_fail(c, res, c->tx.name ? c->tx.name : "script", &c->tx.retry, err);
        ok = false;
    }
    PQclear(res);
    if (!c->lost && !PQenterPipelineMode(c->pg))
        c->lost = true;
    c->wrote = true;
    return ok;
}

void kh_pg_rollback(struct kh_pg_conn *c)
{
    struct kh_error err = {0};

    /* A failed statement makes the server leave out the rest of the pipeline: so that is ended
     * first. */
    if (c->in_tx && !c->lost && c->posted && !kh_pg_drain(c, 0, "rollback", NULL, NULL, &err))
        c->post_failed = true;
    if (c->in_tx && !c->lost && !kh_pg_command(c, "ROLLBACK", false, NULL, &err))
        c->lost = true; /* a connection that cannot even do this is of no use */
    c->in_tx = c->wants_savepoint = c->has_savepoint = c->wrote = false;
    c->posted = 0;
}

bool kh_pg_commit(struct kh_pg_conn *c, bool *ret_retry, struct kh_error *err)
{
    PGresult *res = NULL;
    bool ok;

    if (!c->in_tx)
        return true;
    c->wants_savepoint = c->has_savepoint = c->wrote = false;
    if (!PQsendQueryParams(c->pg, "COMMIT", 0, NULL, NULL, NULL, NULL, 0))
        return kh_pg_fail(c, NULL, "commit", NULL, err);
    if (kh_fault("store.sync")) {
        (void)PQpipelineSync(c->pg);
        c->lost = true; /* as if the line broke now: nobody knows whether it happened */
        return kh_fail(err, KH_EC_STORE, "commit: fault");
    }
    if (!kh_pg_drain(c, 1, "commit", &res, ret_retry, err)) {
        if (!c->lost && PQtransactionStatus(c->pg) != PQTRANS_IDLE)
            kh_pg_rollback(c);
        c->in_tx = false;
        return false;
    }
    c->in_tx = false;
    /* A transaction that had failed answers COMMIT with ROLLBACK. */
    ok = strcmp(PQcmdStatus(res), "COMMIT") == 0 ||
         kh_fail(err, KH_EC_STORE, "commit: the transaction had failed");
    PQclear(res);
    return ok;
}

/* ---- life ---- */

void kh_pg_conn_close(struct kh_pg_conn *c)
{
    kh_pg_stmts_free(c);
    kh_pg_queries_free(c);
    kh_hooks_free(&c->hooks);
    if (c->pg && !c->lost)
        (void)catch_up(c); /* so that the server does not write into a closed line */
    PQfinish(c->pg);
    c->pg = NULL;
}

static bool greet(struct kh_pg_conn *c, struct kh_error *err)
{
    PGresult *res = PQexec(c->pg, greeting);
    bool ok = good(res) || kh_pg_fail(c, res, "connect", NULL, err);

    PQclear(res);
    if (ok && strcmp(PQparameterStatus(c->pg, "server_encoding"), "UTF8") != 0)
        return kh_fail(err, KH_EC_CONFIG_INVALID, "the PostgreSQL database is not in UTF-8");
    return ok && (PQenterPipelineMode(c->pg) || kh_pg_fail(c, NULL, "connect", NULL, err));
}

/* libpq prints what the server remarks; a library here does not. */
static void keep_quiet(void *ctx, const char *text)
{
    (void)ctx;
    (void)text;
}

bool kh_pg_connect(struct kh_pg_conn *c, struct kh_error *err)
{
    const char *const keys[] = {"dbname", "fallback_application_name", "connect_timeout", NULL};
    const char *const values[] = {c->st->url, "khue", "5", NULL};

    if (c->pg && !c->lost && PQstatus(c->pg) == CONNECTION_OK)
        return true;
    if (c->pg) {
        PQfinish(c->pg);
        c->pg = NULL;
    }
    c->in_tx = c->wants_savepoint = c->has_savepoint = false;
    c->undrained = c->posted = 0;
    if (kh_mono_us() < c->retry_us)
        return kh_fail(err, KH_EC_STORE, "PostgreSQL does not answer");
    c->pg = PQconnectdbParams(keys, values, 1);
    (void)PQsetNoticeProcessor(c->pg, keep_quiet, NULL);
    c->lost = false;
    c->epoch++;
    if (PQstatus(c->pg) == CONNECTION_OK && greet(c, err))
        return true;
    if (PQstatus(c->pg) != CONNECTION_OK)
        kh_fail(err, KH_EC_STORE, "PostgreSQL does not answer: %.150s", PQerrorMessage(c->pg));
    c->lost = true;
    c->retry_us = kh_mono_us() + RETRY_US;
    return false;
}
