/* SPDX-License-Identifier: Apache-2.0 */
/**
 * api/router -- from a raw path to a row of the route table.
 *
 * A tree by path segments, built once. Literal segments win over {x}; the path is matched as it was
 * sent, and parameters are decoded afterwards, so an encoded slash never becomes a border.
 *
 * Owns   its tree.
 * Used   by api/dispatch.c, api/openapi.c (kh_route_tables).
 */
#ifndef KH_API_ROUTER_H
#define KH_API_ROUTER_H

#include "api/call.h"

/** All tables, each ended by a row without handler; the list ends with NULL. In api/routes.c. */
extern const struct kh_route *const kh_route_tables[];

/** Standards with errors of their own form, by the path they live under. In api/routes.c. */
struct kh_error_form {
    const char *prefix; /**< "/open311/"; NULL ends the list */
    enum kh_next (*reply)(struct kh_call *c, const struct kh_error *err);
};
extern const struct kh_error_form kh_error_forms[];

/** What stands at one path. */
struct kh_leaf {
    const struct kh_route *routes[KH_METHODS]; /**< NULL where there is none */
    struct kh_str *args[KH_METHODS];           /**< known parameters, split */
    size_t args_n[KH_METHODS];
    struct kh_str allow; /**< "GET, HEAD, POST, OPTIONS" */
};

struct kh_router;

/** Build from tables as kh_route_tables. Two routes at one place end the process. */
struct kh_router *kh_router_new(const struct kh_route *const *tables);
void kh_router_drop(struct kh_router *r);

/** @param params gets the raw parameters @return NULL if there is nothing at this path */
const struct kh_leaf *kh_router_find(const struct kh_router *r, struct kh_str path,
                                     struct kh_str params[6], unsigned *ret_params_n);

#endif
