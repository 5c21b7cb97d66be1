/* SPDX-License-Identifier: Apache-2.0 */
/**
 * api/openapi -- GET /api/v1/openapi.json: the API described for programs (OpenAPI 3.1).
 *
 * Written anew for each reader from the route table and the record types that he may know. A route
 * on /records/{type} becomes one operation for each type, with that type's own schema and filters.
 *
 * Owns   the shapes of requests and replies that routes name (openapi_shapes.c).
 * Used   by clients, generators, the linter in the tests.
 */
#ifndef KH_API_OPENAPI_H
#define KH_API_OPENAPI_H

#include "api/call.h"

/** A record type as its reader may know it. */
struct kh_openapi_type {
    struct kh_str name;
    const struct kh_json *schema; /**< with x-kh */
};

/** Write the description. tables as kh_route_tables. */
void kh_openapi_write(struct kh_arena *a, const struct kh_route *const *tables,
                      const struct kh_openapi_type *types, size_t types_n, struct kh_buf *out);

/** JSON Schema of a shape by its name, in JSON; p NULL if there is none. */
struct kh_str kh_openapi_shape(struct kh_str name);
/** Shape i, "" after the last. */
struct kh_str kh_openapi_shape_name(size_t i);

#endif
