/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store/migrations -- the steps from an empty database to the newest schema.
 *
 * Owns   the texts of the migrations (embedded at build time) and table schema_migration.
 * Used   by migrate.c.
 */
#ifndef KH_STORE_MIGRATIONS_H
#define KH_STORE_MIGRATIONS_H

#include "store/store.h"

struct kh_migration {
    int64_t number;
    const char *name;
    const char *sqlite, *postgres;
};

extern const struct kh_migration kh_migrations[];
extern const size_t kh_migrations_n;

/** Make schema_migration if it is not there. */
KH_CHECK
bool kh_migration_sql_create(struct kh_tx *tx, struct kh_error *err);
/** Hold off other processes to the end of the transaction; must be its first statement. */
KH_CHECK
bool kh_migration_sql_lock(struct kh_tx *tx, struct kh_error *err);
/** Checksum of an applied migration. @param ret_sum 32 bytes */
KH_CHECK
enum kh_hit kh_migration_sql_find(struct kh_tx *tx, int64_t number, unsigned char *ret_sum,
                                  struct kh_error *err);
KH_CHECK
bool kh_migration_sql_add(struct kh_tx *tx, const struct kh_migration *m, const unsigned char *sum,
                          struct kh_error *err);
/** The numbers of all that were applied, at most max. */
KH_CHECK
bool kh_migration_sql_list(struct kh_tx *tx, int64_t *ret_numbers, size_t max, size_t *ret_n,
                           struct kh_error *err);

#endif
