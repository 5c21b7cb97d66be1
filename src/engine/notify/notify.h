/* SPDX-License-Identifier: Apache-2.0 */
/**
 * notify -- how the city answers: in-app, e-mail, SMS, web push.
 *
 * A message is queued in the transaction of its cause. In-app it is there at once; for the other
 * channels a courier each delivers it, with retries and quiet hours, and keeps the proof.
 *
 * Owns   tables notice, notice_delivery, notice_preference, push_subscription, notice_template.
 * Used   by process (service function "notify.send"), api/notice.c.
 * Never  sends inside a transaction, and never opens a socket: transports are given by main.
 */
#ifndef KH_NOTIFY_NOTIFY_H
#define KH_NOTIFY_NOTIFY_H

#include "base/json.h"
#include "engine/identity/who.h"
#include "store/store.h"

struct kh_notify;

/** An e-mail on its way. */
struct kh_mail {
    struct kh_str id; /**< the same at every try, so that one that came twice is known as one */
    struct kh_str to, subject, text;
};

/** How to reach people. Each returns false with err if the other side did not take it; ret_proof is
 *  what it answered (a message id), at most 200 bytes. */
struct kh_transport {
    void *ctx;
    bool (*mail)(void *ctx, struct kh_arena *a, const struct kh_mail *m, struct kh_str *ret_proof,
                 struct kh_error *err);
    /** A POST; headers are "Name: value" lines, NULL-terminated. */
    bool (*post)(void *ctx, struct kh_arena *a, const char *url, const char *const *headers,
                 struct kh_str body, int *ret_status, struct kh_str *ret_body,
                 struct kh_error *err);
};

/** Empty text: the channel is off. */
struct kh_notify_config {
    bool mail;                /**< a mail transport is configured */
    const char *sms_url;      /**< HTTP gateway that takes a POST */
    const char *sms_header;   /**< one header with its credential, or NULL */
    const char *sms_body;     /**< JSON template with {to} (0912345678), {to_international}
                                    (+84912345678) and {text}; values are JSON-escaped */
    const char *push_subject; /**< contact for push services, "mailto:..." (RFC 8292) */
    const char *public_url;   /**< where links begin, "https://khue.hanoi.example" */
    unsigned tries;           /**< before a delivery is dead [8] */
};

KH_CHECK
bool kh_notify_open(struct kh_store *st, const struct kh_notify_config *config,
                    const struct kh_transport *transport, struct kh_notify **ret,
                    struct kh_error *err);
void kh_notify_close(struct kh_notify *nt);

/** To one account, or to all holders of a role in a unit. */
struct kh_notice {
    int64_t account;            /**< or 0 */
    struct kh_str role, unit;   /**< if account is 0 */
    struct kh_str template_key; /**< "feedback/accepted" */
    const struct kh_json *data; /**< values for the {fields} of the template */
    struct kh_str link;         /**< address inside the portal, "/cases/0r..." */
    int64_t case_id;
    bool urgent; /**< not held back by quiet hours */
};
/** Queue a message in the transaction of its cause.
 *  @param err TEMPLATE_UNKNOWN (404), STORE (503) */
KH_CHECK
bool kh_notify_queue(struct kh_tx *tx, struct kh_notify *nt, struct kh_arena *a,
                     const struct kh_notice *n, struct kh_error *err);

/** Templates of a pack: {"<key>":{"vi":{"title","body","sms"?},"en":{...}}}; "pack/" is put before
 *  the key. @param err NOTIFY_INVALID (422): a language is missing or a {field} differs */
KH_CHECK
bool kh_notify_templates_put(struct kh_tx *tx, struct kh_notify *nt, struct kh_arena *a,
                             struct kh_str pack, const struct kh_json *templates,
                             struct kh_error *err);
/** The check alone. Issues have pointers into the file. */
void kh_notify_templates_check(struct kh_arena *a, const struct kh_json *templates,
                               struct kh_issues *issues);

/** How a message went out on one channel beside the portal. */
struct kh_notice_sent {
    struct kh_str channel; /**< "email", "sms", "push" */
    struct kh_str state;   /**< "queued" (also: waits for its next try), "sent", "dead" (given up) */
    int64_t at_us;         /**< when it was sent or given up, else 0 */
    unsigned tries;        /**< that ended or are under way */
    struct kh_str proof;   /**< what the other side answered last; may name an address */
};
/** A message as its reader sees it. */
struct kh_notice_row {
    int64_t id, case_id, created_us, read_us;
    struct kh_str title, body, link;
    struct kh_notice_sent *sent;
    size_t sent_n;
};
/** Which messages. */
struct kh_notice_list {
    int64_t account;
    int64_t case_id; /**< only what was said about it; 0 everything */
    int64_t before;  /**< an id: only older ones; 0 from the newest on */
    unsigned limit;
    bool vi; /**< the language of title and body */
};
/** Messages of an account and how they went out, newest first; in the arena. */
KH_CHECK
bool kh_notice_list(struct kh_tx *tx, struct kh_arena *a, const struct kh_notice_list *which,
                    struct kh_notice_row **ret, size_t *ret_n, struct kh_error *err);
/** Mark as read: the ids, or all when ids_n is 0. */
KH_CHECK
bool kh_notice_read(struct kh_tx *tx, struct kh_notify *nt, int64_t account, const int64_t *ids,
                    size_t ids_n, struct kh_error *err);
/** Unread, counted to 100 at most. */
KH_CHECK
bool kh_notice_unread(struct kh_tx *tx, struct kh_notify *nt, int64_t account, int64_t *ret_n,
                      struct kh_error *err);

/** {"channels":{"email","sms","push"},"quiet":{"from":"21:00","to":"07:00"}}; defaults if unset. */
KH_CHECK
bool kh_notify_preferences_get(struct kh_tx *tx, struct kh_arena *a, int64_t account,
                               const struct kh_json **ret, struct kh_error *err);
/** @param err NOTIFY_INVALID (422) */
KH_CHECK
bool kh_notify_preferences_put(struct kh_tx *tx, struct kh_arena *a, int64_t account,
                               const struct kh_json *preferences, struct kh_error *err);

/** The server's public key for web push, 65 bytes in base64url; made at the first start. */
struct kh_str kh_push_key(const struct kh_notify *nt, struct kh_arena *a);
/** Keep a browser's subscription {"endpoint","keys":{"p256dh","auth"}}.
 *  @param err NOTIFY_INVALID (422) */
KH_CHECK
bool kh_push_subscribe(struct kh_tx *tx, struct kh_arena *a, int64_t account,
                       const struct kh_json *subscription, struct kh_error *err);
/** A browser that takes messages for an account. */
struct kh_push_device {
    struct kh_str endpoint; /**< address at its push service; for its owner only */
    struct kh_str service;  /**< host of that address: it tells the kind of browser */
    int64_t since_us;
};
/** Those that messages go to, newest first. */
KH_CHECK
bool kh_push_devices(struct kh_tx *tx, struct kh_arena *a, int64_t account,
                     struct kh_push_device **ret, size_t *ret_n, struct kh_error *err);
/** Forget one of an account's own; nothing happens if it has no such browser. */
KH_CHECK
bool kh_push_unsubscribe(struct kh_tx *tx, int64_t account, struct kh_str endpoint,
                         struct kh_error *err);

/** Start a courier for each channel that is set up. */
KH_CHECK
bool kh_notify_start(struct kh_notify *nt, struct kh_error *err);
/** Deliver what is due now (tests). @param ret_sent how many went out */
KH_CHECK
bool kh_notify_run(struct kh_notify *nt, unsigned max, unsigned *ret_sent, struct kh_error *err);

#endif
