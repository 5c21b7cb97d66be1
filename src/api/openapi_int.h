/* SPDX-License-Identifier: Apache-2.0 */
/**
 * api/openapi_int -- the description of the API while it is written.
 *
 *   openapi.c             which operations there are, and the whole
 *   openapi_operation.c   one operation: parameters, bodies, replies
 *   openapi_components.c  the shapes that they refer to
 *
 * Owns   struct kh_openapi.
 * Used   by the files above only.
 */
#ifndef KH_API_OPENAPI_INT_H
#define KH_API_OPENAPI_INT_H

#include "api/openapi.h"

enum { KH_SHAPES_MAX = 256 };

#define KH_COMPONENT "#/components/schemas/"

/** One operation: a route, for one type if its path has {type} behind /records. */
struct kh_operation {
    struct kh_str path;
    const struct kh_route *route;
    const struct kh_openapi_type *type;
};

struct kh_openapi {
    struct kh_arena *a;
    struct kh_jw w;
    struct kh_operation *ops;
    size_t n, cap;
    struct kh_str *tags, *ids;
    size_t tags_n, tags_cap, ids_n, ids_cap;
    bool used[KH_SHAPES_MAX]; /* shapes that something refers to */
};

/* ---- openapi_operation.c ---- */

/** What the type of an operation is called. */
struct kh_str kh_openapi_label(const struct kh_operation *op);
void kh_openapi_operation(struct kh_openapi *d, const struct kh_operation *op);

/* ---- openapi_components.c ---- */

/** Something refers to this shape: it will be written. */
void kh_openapi_use(struct kh_openapi *d, struct kh_str name);
void kh_openapi_components(struct kh_openapi *d, const struct kh_openapi_type *types,
                           size_t types_n);

#endif
