/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store/event -- the log of everything that changed, in order, chained by hash.
 *
 * An engine appends an event in the transaction of its change. Sealing gives it its sequence number
 * and its place in the chain: on SQLite inline in the committer (in commit order; a rolled-back
 * savepoint gives its numbers back), on PostgreSQL by one elected sealer right after the commit.
 * Everything that follows the log (screens, webhooks, figures) reads sealed events only.
 *
 * chain(n) = SHA-256(chain(n-1) || all columns but salt and data, length-prefixed || payload(n))
 * payload(n) = SHA-256(salt(n) || data(n)): lawful erasure destroys salt and data, not the chain.
 *
 * Owns   tables event, event_inbox (PostgreSQL), checkpoint.
 * Never  changes or deletes a sealed event (triggers refuse it).
 */
#ifndef KH_STORE_EVENT_H
#define KH_STORE_EVENT_H

#include "store/store.h"

/** One change. All texts may be empty. */
struct kh_event {
    int64_t seq;           /**< given by sealing; 0 when appending */
    int64_t at_us;         /**< 0 when appending: now */
    struct kh_str kind;    /**< "record.create", "task.complete", "session.open": <noun>.<verb> */
    struct kh_str type;    /**< record type of the subject, or the engine's noun */
    int64_t subject;       /**< record, task, account ... id; what history is asked by */
    int64_t about;         /**< the case this belongs to (a record id), or 0 */
    struct kh_str unit;    /**< organisation unit that it concerns, for scope; "" if none */
    int64_t owner;         /**< account of the data subject, or 0 */
    int level;             /**< who may see it: 0 public, 1 internal, 2 personal, 3 sensitive */
    struct kh_str actor;   /**< "account:<id>", "key:<id>", "system:<what>", "public" */
    struct kh_str reason;  /**< why, as given; internal */
    struct kh_str basis;   /**< legal basis or purpose code */
    unsigned char before[32], after[32]; /**< salted hashes of the subject's row; zero if none */
    struct kh_str data;    /**< JSON object text: what changed, no personal fields unless level says */
};

/** Append to the log inside a write transaction. @param err STORE (503) */
KH_CHECK
bool kh_event_append(struct kh_tx *tx, const struct kh_event *e, struct kh_error *err);

/** Read sealed events with seq > after, oldest first, at most limit. Texts live in the arena. */
KH_CHECK
bool kh_event_read(struct kh_tx *tx, struct kh_arena *a, int64_t after, size_t limit,
                   struct kh_event **ret_events, size_t *ret_n, struct kh_error *err);

/** Those of the next limit events that are of one type, with seq, at_us, kind, type and data only.
 *  @param ret_to the last that was looked at, to go on after; after itself if there is none */
KH_CHECK
bool kh_event_read_typed(struct kh_tx *tx, struct kh_arena *a, struct kh_str type, int64_t after,
                         size_t limit, struct kh_event **ret_events, size_t *ret_n,
                         int64_t *ret_to, struct kh_error *err);

/** Sealed events of one case, as kh_event_read: subject or about is id; newest last. */
KH_CHECK
bool kh_event_of(struct kh_tx *tx, struct kh_arena *a, int64_t id, int64_t after, size_t limit,
                 struct kh_event **ret_events, size_t *ret_n, struct kh_error *err);

/**
 * Lawful erasure: destroy salt and data of a sealed event. The chain still verifies, since it holds
 * only their hash. The erasure is itself an event (event.erase, subject seq).
 *
 * @param why actor, reason and basis are read
 * @param err EVENT_UNKNOWN (404), STORE (503)
 */
KH_CHECK
bool kh_event_erase(struct kh_tx *tx, int64_t seq, const struct kh_event *why,
                    struct kh_error *err);

/** Newest sealed and durable sequence number; 0 if none. Cheap: kept in memory. */
int64_t kh_event_head(struct kh_store *st);

/** How many of the first n events, as read in order, are durable. On SQLite a reading may see some a
 *  moment before; who goes on from a number that he was told must not be told one that a loss of
 *  power gives to another event. */
size_t kh_event_durable(struct kh_store *st, const struct kh_event *events, size_t n);

/**
 * Be told, on a store thread, that the head has moved (also by another process on PostgreSQL, each
 * event exactly once and in order). The events given are those just sealed, in order, if they are
 * at hand; n may be 0, then read them. fn must return at once.
 */
typedef void (*kh_event_fn)(void *ctx, const struct kh_event *events, size_t n, int64_t head);
KH_CHECK
bool kh_event_follow(struct kh_store *st, kh_event_fn fn, void *ctx, struct kh_error *err);
void kh_event_unfollow(struct kh_store *st, kh_event_fn fn, void *ctx);

/** Wait (bounded) until what was committed is sealed. It always is on SQLite; on PostgreSQL another
 *  process may be the one that seals, and take a moment longer. */
void kh_event_settle(struct kh_store *st);

/** What verification found. */
struct kh_verify_issue {
    int64_t seq;            /**< 0 if it is no event */
    struct kh_str what;     /**< "changed", "removed", "inserted", "checkpoint" ... */
    struct kh_str detail;   /**< table and key, in words; no personal data */
};

/** Recompute the whole chain and compare the signed checkpoints.
 *  @return true if it could be checked; ret_n issues were found */
KH_CHECK
bool kh_event_verify(struct kh_store *st, struct kh_arena *a, kh_progress_fn progress, void *ctx,
                     struct kh_verify_issue **ret_issues, size_t *ret_n, int64_t *ret_events,
                     struct kh_error *err);

/** Sign the present head into table checkpoint and the anchor file; done hourly and at close. */
KH_CHECK
bool kh_event_checkpoint(struct kh_store *st, struct kh_error *err);

#endif
