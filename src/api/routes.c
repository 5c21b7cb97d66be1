/* SPDX-License-Identifier: Apache-2.0 */
/* The route tables of the server, one per file of api/; each ends with a row without handler. */
#include "api/routes.h"

#include "api/open311_int.h"
#include "api/router.h"

const struct kh_route *const kh_route_tables[] = {
    kh_routes_access,        kh_routes_account,
    kh_routes_audit,         kh_routes_decision,
    kh_routes_event,         kh_routes_figure,
    kh_routes_file,          kh_routes_health,
    kh_routes_notice,        kh_routes_pack,
    kh_routes_open311,       kh_routes_portal,
    kh_routes_print,         kh_routes_process,
    kh_routes_process_admin, kh_routes_openapi,
    kh_routes_record,        kh_routes_session,
    kh_routes_task,          kh_routes_type,
    kh_routes_unit,          NULL,
};

const struct kh_error_form kh_error_forms[] = {
    {"/open311/", kh_o311_error},
    {NULL, NULL},
};
