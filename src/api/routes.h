/* SPDX-License-Identifier: Apache-2.0 */
/**
 * api/routes -- the tables of all files of api/, for routes.c. A new file adds its line in both.
 */
#ifndef KH_API_ROUTES_H
#define KH_API_ROUTES_H

#include "api/call.h"

extern const struct kh_route kh_routes_access[];
extern const struct kh_route kh_routes_account[];
extern const struct kh_route kh_routes_audit[];
extern const struct kh_route kh_routes_portal[];
extern const struct kh_route kh_routes_decision[];
extern const struct kh_route kh_routes_event[];
extern const struct kh_route kh_routes_figure[];
extern const struct kh_route kh_routes_file[];
extern const struct kh_route kh_routes_health[];
extern const struct kh_route kh_routes_notice[];
extern const struct kh_route kh_routes_pack[];
extern const struct kh_route kh_routes_open311[];
extern const struct kh_route kh_routes_print[];
extern const struct kh_route kh_routes_process[];
extern const struct kh_route kh_routes_process_admin[];
extern const struct kh_route kh_routes_openapi[];
extern const struct kh_route kh_routes_record[];
extern const struct kh_route kh_routes_session[];
extern const struct kh_route kh_routes_task[];
extern const struct kh_route kh_routes_type[];
extern const struct kh_route kh_routes_unit[];

#endif
