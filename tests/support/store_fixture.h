/* SPDX-License-Identifier: Apache-2.0 */
/**
 * tests/store_fixture -- a fresh store for each test, on the database that KHUE_TEST_STORE names.
 *
 * "sqlite" (the default) makes a folder under /tmp; "postgres" makes a schema of its own in the
 * cluster at KHUE_TEST_PG_URL (tests/support/pgcluster.sh starts one). Without that address the tests
 * for PostgreSQL are skipped on a desk and fail where CI is set; script/test always sets it.
 */
#ifndef KH_TESTS_STORE_FIXTURE_H
#define KH_TESTS_STORE_FIXTURE_H

#include "store/event.h"
#include "store/store.h"

struct store_fixture {
    char dir[64];   /**< scratch folder; the data folder of SQLite, the anchor folder of both */
    char url[512];  /**< what kh_store_open takes */
    char schema[64];
    struct kh_store_config config;
    struct kh_store *st;
};

/** @return true if the tests of this run are for PostgreSQL */
bool fixture_is_pg(void);

/** Make an empty place and open a store there; ends the test program if that fails. */
void fixture_open(struct store_fixture *f);
/** Make the place only. One writer, so that writes happen in the order in which they were queued, as
 *  on SQLite; a test of concurrency raises config.writers before it opens. */
void fixture_make(struct store_fixture *f);
/** Close the store (if open) and open it again at the same place. */
void fixture_reopen(struct store_fixture *f);
/** Close the store and remove the place. */
void fixture_drop(struct store_fixture *f);

/** Wait until every committed event is sealed (on SQLite it always is). */
void fixture_settle(struct store_fixture *f);

/** A callback that runs the script ctx (const char *). */
bool fixture_script(struct kh_tx *tx, void *ctx, struct kh_error *err);

/** Run SQL behind the store's back, as somebody with access to the database would. */
void fixture_tamper(struct store_fixture *f, const char *sql);
/** First column of the first row of a statement, behind the store's back. */
int64_t fixture_ask(struct store_fixture *f, const char *sql);

#endif
