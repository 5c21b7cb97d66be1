/* SPDX-License-Identifier: Apache-2.0 */
/**
 * notify/step -- the service function "notify.send" of processes.
 *
 * Inputs: template ("feedback/accepted"); to (account id) or role and unit; data (context for the
 * {fields}); link (default: the page of the case); urgent. Without anybody to tell it does nothing:
 * a report may be anonymous. Outputs: told (boolean).
 */
#ifndef KH_NOTIFY_STEP_H
#define KH_NOTIFY_STEP_H

#include "engine/notify/notify.h"
#include "engine/process/process.h"

/** @param ctx struct kh_notify */
bool kh_notify_step(struct kh_step *step, const struct kh_json *inputs, void *ctx,
                    struct kh_json **ret_outputs, struct kh_error *err);

#endif
