/* SPDX-License-Identifier: Apache-2.0 */
/**
 * api/serve -- the frame that calls run in: router, workers, live hub, limits.
 *
 * Owns   the fields of struct kh_city that it sets.
 * Used   by net/, which opens it before the first call and closes it after the last.
 */
#ifndef KH_API_SERVE_H
#define KH_API_SERVE_H

#include "api/city.h"

/** Make router, workers, hub. config and tables are set (main takes kh_route_tables and
 *  kh_error_forms), store need not be. @param err STORE (503) */
KH_CHECK
bool kh_api_open(struct kh_city *city, struct kh_error *err);
/** No call may be under way. */
void kh_api_close(struct kh_city *city);

#endif
