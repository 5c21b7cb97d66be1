/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"
#include "store/migrations/migrations.h"
#include "store/store_driver.h"

enum { APPLIED_MAX = 1024 };

static bool create(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    (void)ctx;
    return kh_migration_sql_create(tx, err);
}

static bool check_known(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    int64_t applied[APPLIED_MAX];
    size_t n = 0;

    (void)ctx;
    if (!kh_migration_sql_list(tx, applied, APPLIED_MAX, &n, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        bool known = false;

        for (size_t k = 0; k < kh_migrations_n; k++)
            known = known || kh_migrations[k].number == applied[i];
        if (!known)
            return kh_fail(err, KH_EC_STORE_MIGRATION,
                           "the database has migration %04lld, which this version does not know",
                           (long long)applied[i]);
    }
    return true;
}

/* Each in a transaction of its own, which also asks whether another process was faster. */
static bool apply(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    const struct kh_migration *m = ctx;
    bool pg = kh_store_kind(kh_tx_store(tx)) == KH_STORE_POSTGRES;
    const char *text = pg ? m->postgres : m->sqlite;
    unsigned char sum[KH_SHA256_BYTES], had[KH_SHA256_BYTES];

    kh_sha256_one(kh_cstr(text), sum);
    if (!kh_migration_sql_lock(tx, err))
        return false;
    switch (kh_migration_sql_find(tx, m->number, had, err)) {
    case KH_HIT:
        if (memcmp(sum, had, sizeof(sum)) != 0)
            return kh_fail(err, KH_EC_STORE_MIGRATION, "migration %04lld_%s was another one",
                           (long long)m->number, m->name);
        return true;
    case KH_MISS:
        break;
    case KH_FAIL:
        return false;
    }
    if (!kh_tx_script(tx, text, err))
        return kh_error_wrap(err, "migration %04lld_%s", (long long)m->number, m->name);
    return kh_migration_sql_add(tx, m, sum, err);
}

bool kh_migrate(struct kh_store *st, struct kh_error *err)
{
    /* Two servers that start together on an empty database may both try to make the table, and one
     * of them meets a conflict in PostgreSQL's catalogue: the next time it is there. */
    if (!kh_store_run(st, "migrate", KH_TX_WRITE, create, NULL, err) &&
        !kh_store_run(st, "migrate", KH_TX_WRITE, create, NULL, err))
        return false;
    if (!kh_store_run(st, "migrate", KH_TX_READ, check_known, NULL, err))
        return false;
    for (size_t i = 0; i < kh_migrations_n; i++) {
        struct kh_migration m = kh_migrations[i];

        KH_REQUIRE(i == 0 || m.number > kh_migrations[i - 1].number);
        if (!kh_store_run(st, "migrate", KH_TX_WRITE, apply, &m, err))
            return false;
    }
    return true;
}
