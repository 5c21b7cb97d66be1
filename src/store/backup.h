/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store/backup -- what the copies of both databases have in common.
 *
 * A copy is a folder: city.db (SQLite), or MANIFEST, pre.sql, post.sql and one *.copy for each
 * table (PostgreSQL); beside it what proves the chain (checkpoints.log, public keys). The last
 * file that is written names the copy whole: without city.db or MANIFEST a folder is none.
 *
 * Used   by store.c, sqlite_backup.c, pg_backup.c, pg_restore.c.
 */
#ifndef KH_STORE_BACKUP_H
#define KH_STORE_BACKUP_H

#include "store/store.h"

/** Make the folder; refuse one that holds the file name already ("": any will do). @param err
 *  IO (500) */
KH_CHECK
bool kh_backup_target(const char *dir, const char *name, struct kh_error *err);
/** Make the names in the folder durable. */
KH_CHECK
bool kh_backup_sync(const char *dir, struct kh_error *err);
/** Copy a file and make it durable. Told about progress in bytes. */
KH_CHECK
bool kh_backup_copy(const char *from, const char *to, kh_progress_fn progress, void *ctx,
                    struct kh_error *err);
/** Put a copy of the database into its place, which must be empty. Neither opens a store. */
KH_CHECK
bool kh_sqlite_restore(const struct kh_store_config *config, const char *from,
                       kh_progress_fn progress, void *ctx, struct kh_error *err);
KH_CHECK
bool kh_pg_restore(const struct kh_store_config *config, const char *from, kh_progress_fn progress,
                   void *ctx, struct kh_error *err);

#endif
