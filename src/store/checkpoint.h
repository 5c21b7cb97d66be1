/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store/checkpoint -- signed heads of the chain, kept beside the data and outside of it.
 *
 * A checkpoint says: at this instant the newest event was seq with this chain hash; signed with
 * Ed25519. It goes into table checkpoint and, as one line, into the file checkpoints.log of the
 * anchor folder, where the key is too. Who can change the database alone cannot make a changed
 * chain verify. (Who can also write the anchor folder can: keep it on another disk or host.)
 *
 * Owns   files checkpoint.key, checkpoint-*.pub and checkpoints.log in the anchor folder.
 * Used   by store.c (open, close), the store threads (hourly), event_verify.c.
 * Source RFC 8032 (Ed25519)
 */
#ifndef KH_STORE_CHECKPOINT_H
#define KH_STORE_CHECKPOINT_H

#include "store/event/event_sql.h"
#include "store/store_driver.h"

/** Load the key, or make it; note the head that was found. Nothing happens without a folder.
 *  @param restored the data was put back from a copy: heads signed later do not bind it any more
 *  @param err STORE (503), CONFIG_INVALID (500): the key cannot be read */
KH_CHECK
bool kh_anchor_open(struct kh_store *st, bool restored, struct kh_error *err);
void kh_anchor_close(struct kh_anchor *an);

/** Sign the head for the last time. Failure is told but changes nothing. */
bool kh_anchor_sign_close(struct kh_store *st, struct kh_error *err);

/** On a store thread, often: queue the hourly checkpoint when it is due. Never waits. */
void kh_anchor_tick(struct kh_store *st);

/** A line of the anchor file. */
struct kh_anchored {
    struct kh_checkpoint c;
    bool signed_ok; /**< by a key of this folder, over exactly this */
};

/** Read the anchor file. Lines that are no checkpoint have seq -1; a torn last line is left out. */
KH_CHECK
bool kh_anchor_read(struct kh_store *st, struct kh_arena *a, struct kh_anchored **ret,
                    size_t *ret_n, struct kh_error *err);

/** Does a key of this folder vouch for c? *ret_known: the signer is one of them. */
bool kh_anchor_vouches(struct kh_store *st, const struct kh_checkpoint *c, bool *ret_known);

/** Copy what proves the chain (public keys and signed heads, not the key) to another folder; what
 *  is there already stays. */
KH_CHECK
bool kh_anchor_copy(const char *from, const char *to, struct kh_error *err);

#endif
