/* SPDX-License-Identifier: Apache-2.0 */
/**
 * notify -- how the city answers: in-app, e-mail, SMS, web push.
 *
 * Owns   tables notice, notice_delivery, notice_preference, push_subscription, notice_template.
 * Used   by process (service function "notify.send"), identity, api/notice.c.
 * Never  sends inside a transaction: it queues; workers deliver with retries and keep the proof.
 */
#ifndef KH_NOTIFY_NOTIFY_H
#define KH_NOTIFY_NOTIFY_H

#include "base/json.h"
#include "engine/identity/who.h"
#include "store/store.h"

struct kh_notify;

/** Queue a message in the transaction of its cause. To one account, or to all holders of a role in
 *  a unit. template is "pack/key"; its texts in vi and en hold {field} references into data.
 *  @param err TEMPLATE_UNKNOWN (404), STORE (503) */
struct kh_notice {
    int64_t account;             /**< or 0 */
    struct kh_str role, unit;    /**< if account is 0 */
    struct kh_str template_key;
    const struct kh_json *data;  /**< values for the template */
    struct kh_str link;          /**< address inside the portal, "/cases/0r..." */
    int64_t case_id;
    bool urgent;                 /**< not held back by quiet hours */
};
KH_CHECK
bool kh_notify_queue(struct kh_tx *tx, struct kh_notify *nt, struct kh_arena *a,
                     const struct kh_notice *n, struct kh_error *err);

#endif
