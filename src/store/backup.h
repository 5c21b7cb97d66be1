/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store/backup -- what the copies of both databases have in common.
 *
 * Used   by sqlite_backup.c, pg_backup.c.
 */
#ifndef KH_STORE_BACKUP_H
#define KH_STORE_BACKUP_H

#include "store/store.h"

/** Make the folder; refuse one that holds the file name already. @param err IO (500) */
KH_CHECK
bool kh_backup_target(const char *dir, const char *name, struct kh_error *err);
/** Make the names in the folder durable. */
KH_CHECK
bool kh_backup_sync(const char *dir, struct kh_error *err);

#endif
