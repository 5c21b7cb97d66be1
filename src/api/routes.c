/* SPDX-License-Identifier: Apache-2.0 */
#include "api/routes.h"

#include "api/router.h"

const struct kh_route *const kh_route_tables[] = {
    kh_routes_health,
    NULL,
};
