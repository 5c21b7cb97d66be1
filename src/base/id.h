/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base/id -- identifiers that grow with time.
 *
 * An id is a positive 63-bit integer: 41 bits of milliseconds since 2020-01-01 UTC, 10 bits of
 * node, 12 bits of counter. Rows made together stand together in every B-tree. Outside the server
 * it is written as 13 characters of Crockford's base 32 in lower case.
 *
 * Owns   one counter for the process (atomic).
 * Used   for every row that has a life of its own.
 * Never  gives the same id twice, also when the clock goes back or a fake clock stands still.
 */
#ifndef KH_BASE_ID_H
#define KH_BASE_ID_H

#include "base/kh.h"

enum { KH_ID_NODES = 1024 };
/** Say which of the processes on one database this is, 0 to KH_ID_NODES - 1. */
void kh_id_node(unsigned node);
/** Start no lower than an id seen in the database. */
void kh_id_floor(int64_t id);
int64_t kh_id_new(void);
/** The instant in an id. */
int64_t kh_id_time_us(int64_t id);

enum { KH_ID_CHARS = 13 };
struct kh_str kh_id_text(struct kh_arena *a, int64_t id);
/** Write 13 characters and no NUL. */
void kh_id_put(char out[KH_ID_CHARS], int64_t id);
/** @return false if s is not exactly an id as kh_id_text writes it (any case) */
KH_CHECK
bool kh_id_parse(struct kh_str s, int64_t *ret_id);

#endif
