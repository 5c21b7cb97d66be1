/* SPDX-License-Identifier: Apache-2.0 */
/**
 * process/verify -- what the log says of one task, and where its row says something else.
 *
 * Owns   nothing.
 * Used   by verify.c.
 * Never  reads rows or events of its own accord, but for the account behind a key.
 */
#ifndef KH_PROCESS_VERIFY_H
#define KH_PROCESS_VERIFY_H

#include "base/json.h"
#include "store/process/verify_sql.h"

enum { KH_DIFFS_MAX = 32 };

/** Columns that are not what the log says. */
struct kh_diffs {
    const char *columns[KH_DIFFS_MAX];
    int64_t seqs[KH_DIFFS_MAX]; /**< event that shows it; 0: the row as it stands */
    size_t n;
};

void kh_diff(struct kh_diffs *d, const char *column, int64_t seq, bool same);
/** Data of an event; NULL if it was erased, or is no JSON (the chain then tells). */
const struct kh_json *kh_deed_data(struct kh_arena *a, const struct kh_deed *e);

/** Whether a deadline can be judged only with the clock of its case.
 *  @param e events of the task, oldest first */
bool kh_task_wants_clock(struct kh_arena *a, const struct kh_seen_task *row,
                         const struct kh_deed *e, size_t n);
/** Compare a row with its events, the first of which is task.create, and with those of the clock of
 *  its case. @param err STORE (503) */
KH_CHECK
bool kh_task_compare(struct kh_tx *tx, struct kh_arena *a, const struct kh_seen_task *row,
                     const struct kh_deed *e, size_t n, const struct kh_deed *clocks,
                     size_t clocks_n, struct kh_diffs *ret, struct kh_error *err);

#endif
