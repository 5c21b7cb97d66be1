/* SPDX-License-Identifier: Apache-2.0 */
/* A store with the engines that packs are loaded into. */
#ifndef KH_TESTS_CITY_FIXTURE_H
#define KH_TESTS_CITY_FIXTURE_H

#include "store_fixture.h"

#include "engine/insight/insight.h"
#include "engine/notify/notify.h"
#include "engine/notify/step.h"
#include "engine/pack/pack.h"
#include "engine/process/process.h"
#include "engine/registry/registry.h"

struct city_fixture {
    struct store_fixture f;
    struct kh_pack_city city;
    struct kh_arena *a;
};

static inline void city_open(struct city_fixture *c)
{
    struct kh_notify_config nc = {0};
    struct kh_transport nobody = {0};
    struct kh_error err = {0};

    fixture_open(&c->f);
    c->a = kh_arena_new(SIZE_MAX);
    c->city = (struct kh_pack_city){.store = c->f.st};
    if (!kh_registry_open(c->f.st, &c->city.registry, &err) ||
        !kh_process_open(c->f.st, c->city.registry, &c->city.process, &err) ||
        !kh_notify_open(c->f.st, &nc, &nobody, &c->city.notify, &err) ||
        !kh_insight_open(c->f.st, &c->city.insight, &err))
        fail_msg("%s", err.detail);
    kh_process_service(c->city.process, "notify.send", kh_notify_step, c->city.notify);
}

static inline void city_drop(struct city_fixture *c)
{
    kh_insight_close(c->city.insight);
    kh_notify_close(c->city.notify);
    kh_process_close(c->city.process);
    kh_registry_close(c->city.registry);
    kh_arena_drop(c->a);
    fixture_drop(&c->f);
}

/** Load a pack of the repository. */
static inline struct kh_pack_loaded city_load(struct city_fixture *c, const char *dir)
{
    struct kh_pack_loaded done = {0};
    struct kh_error err = {0};

    if (!kh_pack_load(&c->city, c->a, dir, NULL, &done, &err)) {
        for (size_t i = 0; err.issues && i < err.issues->n; i++)
            print_message("%.*s: %.*s [%.*s]\n", KH_FMT(err.issues->items[i].pointer),
                          KH_FMT(err.issues->items[i].en), KH_FMT(err.issues->items[i].code));
        fail_msg("%s", err.detail);
    }
    return done;
}

#endif
