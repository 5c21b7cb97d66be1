/* SPDX-License-Identifier: Apache-2.0 */
/**
 * api/city -- the engines of one running city, as handlers reach them.
 *
 * Owns   nothing; main opens and closes them in order.
 */
#ifndef KH_API_CITY_H
#define KH_API_CITY_H

#include "base/kh.h"

struct kh_error_form;
struct kh_route;
struct kh_who;

/** Says who presents a token, in place of the identity engine: for tests. */
struct kh_auth {
    void *ctx;
    /** token is never empty. */
    enum kh_hit (*who)(void *ctx, struct kh_arena *a, struct kh_str token,
                       const struct kh_who **ret_who, struct kh_error *err);
    struct kh_str (*csrf)(struct kh_arena *a, struct kh_str token);
};

struct kh_city {
    struct kh_store *store;
    struct kh_registry *registry;
    struct kh_process *process;
    struct kh_identity *identity;
    struct kh_notify *notify;
    struct kh_files *files;
    struct kh_units *units; /**< boundaries in memory: engine/geo/units.h */
    struct kh_packs *packs;
    struct kh_insight *insight; /**< figures that follow the event log */
    const struct kh_config *config;
    const struct kh_auth *auth; /**< NULL: ask identity; without identity all are the public */
    const struct kh_route *const *tables;    /**< kh_route_tables of api/router.h */
    const struct kh_error_form *error_forms; /**< kh_error_forms; NULL: problem+json everywhere */
    int64_t started_us;    /**< by the clock that only goes on */
    int64_t started_at_us; /**< the same moment as people say it */
    /* made by kh_api_open (api/serve.h), which net calls */
    struct kh_router *router;
    struct kh_hub *hub;         /**< live events to streams: api/hub.h */
    struct kh_agencies *agencies; /**< what agencies are called: api/agency.h */
    struct kh_workers *workers; /**< threads for blocking work: api/workers.h */
    struct kh_rate *rate;       /**< requests per account */
    uint64_t seed;              /**< of hashes in memory */
};

#endif
