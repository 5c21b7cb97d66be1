/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store/event/event_sql -- the statements of the log.
 *
 * Owns   tables event, event_inbox, checkpoint.
 * Used   by store/event.c, event_verify.c, checkpoint.c, pg_seal.c.
 */
#ifndef KH_STORE_EVENT_SQL_H
#define KH_STORE_EVENT_SQL_H

#include "store/event.h"
#include "store/store_driver.h"

enum { KH_SALT_BYTES = 16 };

/** An event as it is stored. */
struct kh_event_row {
    struct kh_event e;
    bool erased; /**< salt and data were destroyed lawfully */
    unsigned char salt[KH_SALT_BYTES];
    unsigned char payload[32], chain[32];
};

/** A signed head. */
struct kh_checkpoint {
    int64_t seq, at_us;
    struct kh_str what; /**< "hourly", "open", "close", "asked", "restore" */
    unsigned char chain[32], signer[32], signature[64];
};

/** Insert a sealed event (SQLite). */
KH_CHECK
bool kh_event_sql_insert(struct kh_tx *tx, const struct kh_event_row *r, struct kh_error *err);
/** Leave an event for the sealer (PostgreSQL). */
KH_CHECK
bool kh_event_sql_inbox(struct kh_tx *tx, const struct kh_event_row *r, struct kh_error *err);
/** The newest sealed event; {0} if there is none. */
KH_CHECK
bool kh_event_sql_head(struct kh_tx *tx, struct kh_chain *ret, struct kh_error *err);
/** Rows with seq > after in order. Texts live in the arena. */
KH_CHECK
bool kh_event_sql_list(struct kh_tx *tx, struct kh_arena *a, int64_t after, size_t limit,
                       struct kh_event_row **ret_rows, size_t *ret_n, struct kh_error *err);
/** What figures are made of: seq, at_us, kind and data of the events of one type with after < seq <= to. */
KH_CHECK
bool kh_event_sql_typed(struct kh_tx *tx, struct kh_arena *a, struct kh_str type, int64_t after,
                        int64_t to, struct kh_event **ret, size_t *ret_n, struct kh_error *err);
/** Rows of one subject or case with seq > after in order. */
KH_CHECK
bool kh_event_sql_of(struct kh_tx *tx, struct kh_arena *a, int64_t id, int64_t after, size_t limit,
                     struct kh_event_row **ret_rows, size_t *ret_n, struct kh_error *err);
/** Destroy salt and data. KH_MISS: there is no such event. */
KH_CHECK
enum kh_hit kh_event_sql_erase(struct kh_tx *tx, int64_t seq, struct kh_error *err);
/** An event that waits to be sealed (PostgreSQL). */
struct kh_inbox_row {
    int64_t id;
    struct kh_event_row r; /**< e.seq is 0 */
};
/** The oldest of them. Texts live in the arena. */
KH_CHECK
bool kh_event_sql_waiting(struct kh_tx *tx, struct kh_arena *a, size_t limit,
                          struct kh_inbox_row **ret_rows, size_t *ret_n, struct kh_error *err);
/** Move them to the log with the seq and chain that each row holds. */
KH_CHECK
bool kh_event_sql_seal(struct kh_tx *tx, struct kh_arena *a, const struct kh_inbox_row *rows,
                       size_t n, struct kh_error *err);
/** Is an erasure of seq waiting to be sealed (PostgreSQL)? */
KH_CHECK
enum kh_hit kh_event_sql_erasing(struct kh_tx *tx, int64_t seq, struct kh_error *err);

KH_CHECK
bool kh_checkpoint_sql_add(struct kh_tx *tx, const struct kh_checkpoint *c, struct kh_error *err);
/** All checkpoints, oldest first. */
KH_CHECK
bool kh_checkpoint_sql_list(struct kh_tx *tx, struct kh_arena *a, struct kh_checkpoint **ret,
                            size_t *ret_n, struct kh_error *err);

#endif
