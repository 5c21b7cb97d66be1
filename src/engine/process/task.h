/* SPDX-License-Identifier: Apache-2.0 */
/**
 * process/task -- what task.c and inbox.c share.
 *
 * Used   by the files of engine/process only.
 */
#ifndef KH_PROCESS_TASK_H
#define KH_PROCESS_TASK_H

#include "engine/process/run.h"

/** @return true if who may work on the task: its owner, or without one its role over its
 *  unit; its claimer */
bool kh_task_may(const struct kh_task_row *t, const struct kh_who *who);
/** @return true if who may see the task: who may work on it, and who watches over its unit: its
 *  leader, an administrator */
bool kh_task_sees(const struct kh_task_row *t, const struct kh_who *who);
/** A row with what the program says of it. */
KH_CHECK
bool kh_task_fill(struct kh_tx *tx, const struct kh_process *pe, const struct kh_task_row *t,
                  struct kh_task *ret, struct kh_error *err);

#endif
