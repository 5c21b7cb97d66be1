/* SPDX-License-Identifier: Apache-2.0 */
/**
 * registry/seen -- every read of personal data is written down, for the person whose data it is.
 *
 * A handler asks kh_record_look() what the reader is about to see. Personal data: kh_seen_later()
 * queues a note that is durable within a second. Sensitive data: kh_seen_now() writes it in a
 * transaction, and the reply goes out after the commit.
 *
 * Owns   table access_log; a queue and a thread (which also lets happen what is due by time).
 * Used   by api/record.c, api/access.c and whatever else shows records to people.
 */
#ifndef KH_REGISTRY_SEEN_H
#define KH_REGISTRY_SEEN_H

#include "engine/registry/registry.h"

/** One look at one record. */
struct kh_look {
    int64_t id;            /**< given when written */
    int64_t at_us;
    int64_t owner;         /**< account of the data subject, or 0 if the record names none */
    int64_t reader;        /**< account, or 0 */
    struct kh_str actor, name, role, unit;
    struct kh_str type;
    int64_t record;
    struct kh_str fields;  /**< JSON array of the personal fields that were shown */
    struct kh_str purpose;
};

/**
 * What who sees of a record beyond what is public or internal.
 *
 * @param op  KH_OP_READ or KH_OP_EXPORT
 * @param ret set when the answer is personal or sensitive: then the look must be written down; its
 *            owner is set for one's own record, too
 * @return the highest level shown, KH_SEE_PUBLIC when there is nothing to write (nothing personal,
 *         one's own record, or the server itself)
 */
enum kh_level_of kh_record_look_at(struct kh_arena *a, const struct kh_record *r,
                                   const struct kh_who *who, enum kh_op op, enum kh_level_of see,
                                   struct kh_look *ret);
/** The same, asking first what who may see. */
enum kh_level_of kh_record_look(struct kh_arena *a, const struct kh_record *r,
                                 const struct kh_who *who, enum kh_op op, struct kh_look *ret);

/** Queue a look; texts are copied. @param err OVERLOADED (503): then the data must not be shown */
KH_CHECK
bool kh_seen_later(struct kh_registry *reg, const struct kh_look *s, struct kh_error *err);
/** Write a look in this transaction. */
KH_CHECK
bool kh_seen_now(struct kh_tx *tx, const struct kh_look *s, struct kh_error *err);
/** Write what is queued and wait for it; for tests and closing. Not on a store thread. */
KH_CHECK
bool kh_seen_flush(struct kh_registry *reg, struct kh_error *err);
/** Looks at the data of an account, newest first; before is the id of the last one of the page
 *  before, or INT64_MAX. */
KH_CHECK
bool kh_seen_of(struct kh_tx *tx, struct kh_arena *a, int64_t owner, int64_t before, size_t limit,
                struct kh_look **ret, size_t *ret_n, struct kh_error *err);

#endif
