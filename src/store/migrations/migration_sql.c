/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"
#include "base/time.h"
#include "store/migrations/migrations.h"

static const char create_sqlite[] =
    "CREATE TABLE IF NOT EXISTS schema_migration(number INTEGER PRIMARY KEY, name TEXT NOT NULL,"
    " checksum BLOB NOT NULL, applied_us INTEGER NOT NULL) STRICT";
static const char create_pg[] =
    "CREATE TABLE IF NOT EXISTS schema_migration(number bigint PRIMARY KEY, name text NOT NULL,"
    " checksum bytea NOT NULL, applied_us bigint NOT NULL)";
/* Neither of the two takes a snapshot, so what follows sees what the one before us has done. */
static const char lock_pg[] = "SET LOCAL lock_timeout = '10min';"
                              "LOCK TABLE schema_migration IN EXCLUSIVE MODE";

bool kh_migration_sql_create(struct kh_tx *tx, struct kh_error *err)
{
    bool pg = kh_store_kind(kh_tx_store(tx)) == KH_STORE_POSTGRES;

    return kh_tx_script(tx, pg ? create_pg : create_sqlite, err);
}

bool kh_migration_sql_lock(struct kh_tx *tx, struct kh_error *err)
{
    /* SQLite's writing transaction keeps others out already. */
    return kh_store_kind(kh_tx_store(tx)) == KH_STORE_SQLITE || kh_tx_script(tx, lock_pg, err);
}

enum kh_hit kh_migration_sql_find(struct kh_tx *tx, int64_t number, unsigned char *ret_sum,
                                  struct kh_error *err)
{
    static const struct kh_sql sql = {
        "migration_find", "SELECT checksum FROM schema_migration WHERE number = $1", NULL};
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;
    struct kh_str sum;

    if (!kh_query_open(&q, tx, &sql, err))
        return KH_FAIL;
    kh_bind_int(&q, 1, number);
    hit = kh_query_next(&q, err);
    if (hit != KH_HIT)
        return hit;
    sum = kh_col_blob(&q, 0);
    if (sum.n != KH_SHA256_BYTES)
        return kh_fail_hit(err, KH_EC_STORE_MIGRATION, "schema_migration is damaged");
    memcpy(ret_sum, sum.p, sum.n);
    return KH_HIT;
}

bool kh_migration_sql_add(struct kh_tx *tx, const struct kh_migration *m, const unsigned char *sum,
                          struct kh_error *err)
{
    static const struct kh_sql sql = {
        "migration_add",
        "INSERT INTO schema_migration(number, name, checksum, applied_us) VALUES ($1, $2, $3, $4)",
        NULL};
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_int(&q, 1, m->number);
    kh_bind_text(&q, 2, kh_cstr(m->name));
    kh_bind_blob(&q, 3, kh_str((const char *)sum, KH_SHA256_BYTES));
    kh_bind_int(&q, 4, kh_now_us());
    return kh_query_run(&q, NULL, err);
}

bool kh_migration_sql_list(struct kh_tx *tx, int64_t *ret_numbers, size_t max, size_t *ret_n,
                           struct kh_error *err)
{
    static const struct kh_sql sql = {
        "migration_list", "SELECT number FROM schema_migration ORDER BY number LIMIT $1", NULL};
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;
    size_t n = 0;

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    kh_bind_int(&q, 1, (int64_t)max);
    while ((hit = kh_query_next(&q, err)) == KH_HIT)
        ret_numbers[n++] = kh_col_int(&q, 0);
    *ret_n = n;
    return hit == KH_MISS;
}
