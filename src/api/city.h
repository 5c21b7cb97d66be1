/* SPDX-License-Identifier: Apache-2.0 */
/**
 * api/city -- the engines of one running city, as handlers reach them.
 *
 * Owns   nothing; main opens and closes them in order.
 */
#ifndef KH_API_CITY_H
#define KH_API_CITY_H

#include "base/kh.h"

struct kh_city {
    struct kh_store *store;
    struct kh_registry *registry;
    struct kh_process *process;
    struct kh_identity *identity;
    struct kh_notify *notify;
    struct kh_files *files;
    struct kh_units *units;       /**< boundaries in memory: engine/geo/units.h */
    struct kh_packs *packs;
    struct kh_insight *insight;   /**< figures that follow the event log */
    struct kh_hub *hub;           /**< live events to streams: api/hub.h */
    const struct kh_config *config;
    struct kh_workers *workers;   /**< threads for blocking work */
};

#endif
