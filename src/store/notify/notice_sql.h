/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store/notify -- the statements of messages, deliveries, preferences and push subscriptions.
 */
#ifndef KH_STORE_NOTICE_SQL_H
#define KH_STORE_NOTICE_SQL_H

#include "base/json.h"
#include "store/store.h"

struct kh_notice_sql_row {
    int64_t id, case_id, created_us, read_us;
    struct kh_str template_key, data, link;
};

struct kh_delivery_sql_row {
    int64_t id, notice, account, tries;
    struct kh_str channel, template_key, data, link;
};

/* How one message went out on one channel. */
struct kh_sent_sql_row {
    int64_t notice, tries, sent_us;
    struct kh_str channel, state, proof;
};

struct kh_push_sql_row {
    int64_t id, created_us;
    struct kh_str endpoint, p256dh, auth;
};

KH_CHECK
bool kh_template_sql_put(struct kh_tx *tx, struct kh_str key, struct kh_str pack,
                         struct kh_str texts, struct kh_error *err);
KH_CHECK
enum kh_hit kh_template_sql_get(struct kh_tx *tx, struct kh_arena *a, struct kh_str key,
                                struct kh_str *ret_texts, struct kh_error *err);
KH_CHECK
bool kh_notice_sql_insert(struct kh_tx *tx, int64_t id, int64_t account, struct kh_str template_key,
                          struct kh_str data, struct kh_str link, int64_t case_id, int64_t now_us,
                          struct kh_error *err);
/** Newest first. case_id 0: of every case. */
KH_CHECK
bool kh_notice_sql_list(struct kh_tx *tx, struct kh_arena *a, int64_t account, int64_t case_id,
                        int64_t before, unsigned limit, struct kh_notice_sql_row **ret,
                        size_t *ret_n, struct kh_error *err);
KH_CHECK
bool kh_notice_sql_read(struct kh_tx *tx, int64_t account, int64_t id, int64_t now_us,
                        struct kh_error *err);
KH_CHECK
bool kh_notice_sql_read_all(struct kh_tx *tx, int64_t account, int64_t now_us,
                            struct kh_error *err);
KH_CHECK
bool kh_notice_sql_unread(struct kh_tx *tx, int64_t account, int64_t *ret_n, struct kh_error *err);

KH_CHECK
bool kh_delivery_sql_insert(struct kh_tx *tx, int64_t id, int64_t notice, int64_t account,
                            const char *channel, int64_t due_us, struct kh_error *err);
/** The delivery that is due longest on a channel, leased: pushed to lease_us so that nobody else takes
 *  it meanwhile. @return KH_MISS: none is due */
KH_CHECK
enum kh_hit kh_delivery_sql_take(struct kh_tx *tx, struct kh_arena *a, const char *channel,
                                 int64_t now_us, int64_t lease_us,
                                 struct kh_delivery_sql_row *ret, struct kh_error *err);
/** How the messages of an account with ids from..to went out, the newest message first. */
KH_CHECK
bool kh_delivery_sql_list(struct kh_tx *tx, struct kh_arena *a, int64_t account, int64_t from,
                          int64_t to, struct kh_sent_sql_row **ret, size_t *ret_n,
                          struct kh_error *err);
/** state "sent" or "dead" with its proof, or "queued" again for due_us. */
KH_CHECK
bool kh_delivery_sql_done(struct kh_tx *tx, int64_t id, const char *state, int64_t at_us,
                          struct kh_str proof, struct kh_error *err);

KH_CHECK
enum kh_hit kh_preference_sql_get(struct kh_tx *tx, struct kh_arena *a, int64_t account,
                                  struct kh_str *ret_json, struct kh_error *err);
KH_CHECK
bool kh_preference_sql_put(struct kh_tx *tx, int64_t account, struct kh_str json,
                           struct kh_error *err);

KH_CHECK
bool kh_push_sql_put(struct kh_tx *tx, const struct kh_push_sql_row *s, int64_t account,
                     int64_t now_us, struct kh_error *err);
/** account 0: whoever holds it (the push service says that it is gone). */
KH_CHECK
bool kh_push_sql_delete(struct kh_tx *tx, int64_t account, struct kh_str endpoint,
                        struct kh_error *err);
KH_CHECK
bool kh_push_sql_list(struct kh_tx *tx, struct kh_arena *a, int64_t account,
                      struct kh_push_sql_row **ret, size_t *ret_n, struct kh_error *err);
/** The private key of the server, made once: keeps the one that is there. */
KH_CHECK
bool kh_push_sql_key(struct kh_tx *tx, struct kh_arena *a, struct kh_str fresh_pem,
                     struct kh_str *ret_pem, struct kh_error *err);

#endif
