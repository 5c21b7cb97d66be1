/* SPDX-License-Identifier: Apache-2.0 */
/**
 * api/idempotency -- one effect for one Idempotency-Key, however often a client asks.
 *
 * Claim, effect and reply are one transaction, so all are durable or none is: who asks again gets the
 * first reply, also when the server died before it was sent. Long work whose effect is not one
 * transaction (an import, a file) claims its key before and stores its reply after: a repetition in
 * between is answered IDEMPOTENCY_PENDING (409), for ten minutes if the server died there; such work
 * is made to be done again. A refused request claims nothing and may be sent again. Where the request
 * or its reply holds a secret (KH_R_SECRET), a key changes nothing: neither is for the database, and a
 * second session or key does no harm.
 *
 * Owns   table idempotency, through store/api/idempotency_sql.c; rows live 24 hours.
 * Used   by api/call.c.
 * Source draft-ietf-httpapi-idempotency-key-header-07.
 */
#ifndef KH_API_IDEMPOTENCY_H
#define KH_API_IDEMPOTENCY_H

#include "api/call.h"

/** CLAIMED: no reply yet; KEPT: the reply is made and stored; REPLAY: it was, by an earlier call. */
enum kh_idempotency_state { KH_IDEM_NEW, KH_IDEM_CLAIMED, KH_IDEM_KEPT, KH_IDEM_REPLAY };

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

/** Claim the key, or find the first reply.
 *  @return true: go on if state is CLAIMED, make no effect if it is REPLAY
 *  @param err IDEMPOTENCY_REUSED (422), IDEMPOTENCY_PENDING (409), STORE (503) */
KH_CHECK
bool kh_idempotency_claim(struct kh_tx *tx, struct kh_call *c, struct kh_error *err);

/** Store the reply in c, in the transaction of its effect. @param err STORE (503) */
KH_CHECK
bool kh_idempotency_keep(struct kh_tx *tx, struct kh_call *c, struct kh_error *err);

/** Store the reply in c after work that was claimed before; one that refuses frees the key.
 *  @param err STORE (503) */
KH_CHECK
bool kh_idempotency_settle(struct kh_tx *tx, struct kh_call *c, struct kh_error *err);

/** Make the reply of the first time again. */
enum kh_next kh_idempotency_replay(struct kh_call *c);

#endif
