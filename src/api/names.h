/* SPDX-License-Identifier: Apache-2.0 */
/**
 * api/names -- the names that people know behind the codes and ids of a reply.
 *
 * A reply names the same few units and accounts again and again: each is looked up once.
 *
 * Owns   nothing; what is found lives in the arena of the call.
 * Used   by api/task.c, api/record_past.c.
 */
#ifndef KH_API_NAMES_H
#define KH_API_NAMES_H

#include "api/call.h"
#include "engine/identity/identity.h"

struct kh_name_unit;
struct kh_name_account;

/** The names of one reply; begin with {.tx = tx, .c = c}. */
struct kh_names {
    struct kh_tx *tx;
    struct kh_call *c;
    struct kh_name_unit *units;
    struct kh_name_account *accounts;
    size_t units_n, units_cap, accounts_n, accounts_cap;
};

/** The name of an agency; "" if the city has no such register or code. @param err STORE (503) */
KH_CHECK
bool kh_names_unit(struct kh_names *n, struct kh_str code, struct kh_str *ret,
                   struct kh_error *err);
/** An account; NULL if it is gone. @param err STORE (503) */
KH_CHECK
bool kh_names_account(struct kh_names *n, int64_t id, const struct kh_account **ret,
                      struct kh_error *err);

#endif
