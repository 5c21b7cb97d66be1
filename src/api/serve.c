/* SPDX-License-Identifier: Apache-2.0 */
#include "api/serve.h"

#include "api/agency.h"
#include "api/hub.h"
#include "api/router.h"
#include "api/workers.h"
#include "base/config.h"
#include "base/hash.h"
#include "base/rate.h"
#include "base/time.h"

bool kh_api_open(struct kh_city *city, struct kh_error *err)
{
    KH_REQUIRE(city->tables && city->config);
    if (!kh_agencies_open(city, &city->agencies, err))
        return false;
    if (!kh_hub_open(city->store, (size_t)city->config->stream_ring, &city->hub, err)) {
        kh_agencies_close(city, city->agencies);
        city->agencies = NULL;
        return false;
    }
    city->started_us = kh_mono_us();
    city->started_at_us = kh_now_us();
    kh_random(&city->seed, sizeof(city->seed));
    city->router = kh_router_new(city->tables);
    city->rate = kh_rate_new();
    city->workers =
        kh_workers_new((unsigned)city->config->workers, (unsigned)city->config->workers_queue);
    return true;
}

void kh_api_close(struct kh_city *city)
{
    kh_workers_drop(city->workers);
    kh_hub_close(city->hub);
    kh_agencies_close(city, city->agencies);
    city->hub = NULL;
    city->agencies = NULL;
    kh_rate_drop(city->rate);
    kh_router_drop(city->router);
    city->workers = NULL;
    city->rate = NULL;
    city->router = NULL;
}
