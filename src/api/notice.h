/* SPDX-License-Identifier: Apache-2.0 */
/**
 * api/notice -- my messages, how I want to be reached, web push.
 *
 * Owns   the rows /api/v1/me/notices, /me/preferences, /me/push, /push/key of the route table.
 */
#ifndef KH_API_NOTICE_H
#define KH_API_NOTICE_H

#include "api/call.h"
#include "api/city.h"

/** Ends with a row whose path is NULL. */
extern const struct kh_route kh_routes_notice[];

#endif
