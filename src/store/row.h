/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store/row -- rows that are not records, held by the log as well.
 *
 * Whoever writes a row of these tables seals it in the same transaction: an event row.put says what
 * the row now is, as a hash. Verification compares each row with the last word about it, so that a
 * role given, a key made or a reading wiped out behind the server's back is found and named.
 * The hashes are of level 3 (sensitive): rows of people can be guessed.
 *
 * Owns   nothing.
 * Used   by store/<engine>/<noun>_sql.c after a write, engine/registry/seen.c, cli/audit.c.
 * Never  tells what a row holds.
 */
#ifndef KH_STORE_ROW_H
#define KH_STORE_ROW_H

#include "store/event.h"

enum kh_row_table {
    KH_ROW_ACCOUNT,
    KH_ROW_GRANT,
    KH_ROW_KEY,
    KH_ROW_ROLE,
    KH_ROW_ACCESS,
    KH_ROW_PROCESS,
    KH_ROW_DECISION,
    KH_ROW_CALENDAR,
    KH_ROW_TYPE,
    KH_ROW_TYPE_VERSION,
    KH_ROW_PACK,
    KH_ROW_PACK_FILE,
    KH_ROW_TEMPLATE,
    KH_ROW_INDICATOR,
    KH_ROW_PRINT,
    KH_ROW_TABLES,
};

/** Say in the log what these rows are now. A key is what identifies the row: its id in decimals, its
 *  text, or "a/b" where it has two columns. A row that is not there is said to be gone. */
KH_CHECK
bool kh_rows_seal(struct kh_tx *tx, enum kh_row_table table, const struct kh_str *keys, size_t n,
                  struct kh_error *err);
KH_CHECK
bool kh_row_seal(struct kh_tx *tx, enum kh_row_table table, struct kh_str key,
                 struct kh_error *err);
KH_CHECK
bool kh_row_seal_id(struct kh_tx *tx, enum kh_row_table table, int64_t id, struct kh_error *err);

/** Compare every row of these tables with what the log says.
 *  @param ret_rows rows that were looked at
 *  @return true if it could be checked; ret_n issues were found */
KH_CHECK
bool kh_rows_verify(struct kh_store *st, struct kh_arena *a, struct kh_verify_issue **ret_issues,
                    size_t *ret_n, int64_t *ret_rows, struct kh_error *err);

#endif
