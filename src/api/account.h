/* SPDX-License-Identifier: Apache-2.0 */
/**
 * api/account -- signing up, my own data, delegations, and what administrators do with accounts.
 *
 * Owns   the rows /api/v1/accounts, /me, /delegations, /keys, /roles of the route table.
 */
#ifndef KH_API_ACCOUNT_H
#define KH_API_ACCOUNT_H

#include "api/call.h"
#include "api/city.h"

/** Ends with a row whose path is NULL. */
extern const struct kh_route kh_routes_account[];

#endif
