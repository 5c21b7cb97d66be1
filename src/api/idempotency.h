/* SPDX-License-Identifier: Apache-2.0 */
/**
 * api/idempotency -- one effect for one Idempotency-Key, however often a client asks.
 *
 * The key is claimed in the transaction of the effect, so both are durable or neither is. The reply
 * is made afterwards, stored, and only then sent: who has it can ask again and gets the same. A
 * repetition in between is answered IDEMPOTENCY_PENDING (409), and so is every one when the server
 * died in between: the effect is there, its reply is lost. A refused request claims nothing and may
 * be sent again.
 *
 * Owns   table idempotency, through store/api/idempotency_sql.c; rows live 24 hours.
 * Used   by api/call.c.
 * Source draft-ietf-httpapi-idempotency-key-header-07.
 */
#ifndef KH_API_IDEMPOTENCY_H
#define KH_API_IDEMPOTENCY_H

#include "api/call.h"

/** CLAIMED: in the running transaction; HELD: claimed and durable, so later writes of the same call
 *  go on; KEPT: the reply is made and is being stored. */
enum kh_idempotency_state {
    KH_IDEM_NEW,
    KH_IDEM_CLAIMED,
    KH_IDEM_HELD,
    KH_IDEM_KEPT,
    KH_IDEM_REPLAY
};

struct kh_idempotency {
    enum kh_idempotency_state state;
    unsigned char scope[32];   /**< SHA-256 of who, method, path and key */
    unsigned char request[32]; /**< SHA-256 of query and body */
    int status;                /**< of the first reply, on REPLAY */
    struct kh_str type, location, etag, body;
};

/** Look at the header of a POST; sets c->idempotency. @param err PARAMETER_INVALID (400) */
KH_CHECK
bool kh_idempotency_begin(struct kh_call *c, struct kh_error *err);

/** Claim the key in the transaction of the effect, or find the first reply.
 *  @return true: go on if state is CLAIMED, make no effect if it is REPLAY
 *  @param err IDEMPOTENCY_REUSED (422), IDEMPOTENCY_PENDING (409), STORE (503) */
KH_CHECK
bool kh_idempotency_claim(struct kh_tx *tx, struct kh_call *c, struct kh_error *err);

/** Make the reply of the first time again. */
enum kh_next kh_idempotency_replay(struct kh_call *c);

/** Store the reply that was just made. @return KH_WAITING: the call goes on when that is durable */
enum kh_next kh_idempotency_keep(struct kh_call *c);

#endif
