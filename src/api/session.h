/* SPDX-License-Identifier: Apache-2.0 */
/**
 * api/session -- sign in, who am I, sign out.
 *
 * Owns   the rows /api/v1/session of the route table.
 */
#ifndef KH_API_SESSION_H
#define KH_API_SESSION_H

#include "api/call.h"
#include "api/city.h"

/** Ends with a row whose path is NULL. */
extern const struct kh_route kh_routes_session[];

#endif
