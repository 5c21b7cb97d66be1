/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/process/engine.h"

#include "store/event.h"

/* Deployments by another server on the same database reach us through the log. */
static void on_events(void *ctx, const struct kh_event *events, size_t n, int64_t head)
{
    struct kh_process *pe = ctx;
    bool deployed = n == 0; /* not at hand: better ask once too often */

    (void)head;
    for (size_t i = 0; i < n && !deployed; i++)
        deployed = kh_str_is(events[i].kind, "process.deploy") ||
                   kh_str_is(events[i].kind, "calendar.put") ||
                   kh_str_is(events[i].kind, "decision.deploy");
    if (deployed)
        atomic_fetch_add(&pe->epoch, 1);
}

bool kh_process_open(struct kh_store *st, struct kh_registry *reg, struct kh_process **ret_pe,
                     struct kh_error *err)
{
    struct kh_arena *a = kh_arena_new(SIZE_MAX);
    struct kh_process *pe = kh_new(a, struct kh_process);

    pe->a = a;
    pe->st = st;
    pe->reg = reg;
    pe->programs = kh_programs_new();
    kh_services_builtin(pe);
    if (!kh_calendars_open(pe, err) || !kh_decisions_open(pe, err) || !kh_jobs_open(pe, err) ||
        !kh_event_follow(st, on_events, pe, err)) {
        kh_process_close(pe);
        return false;
    }
    *ret_pe = pe;
    return true;
}

void kh_process_close(struct kh_process *pe)
{
    if (!pe)
        return;
    kh_event_unfollow(pe->st, on_events, pe);
    kh_jobs_close(pe);
    kh_decisions_close(pe);
    kh_calendars_close(pe);
    kh_programs_drop(pe->programs);
    kh_arena_drop(pe->a);
}

void kh_process_service(struct kh_process *pe, const char *name, kh_service_fn fn, void *ctx)
{
    KH_REQUIRE(pe->services_n < KH_SERVICES_MAX);
    pe->services[pe->services_n++] = (struct kh_service){name, fn, ctx, false};
}

void kh_process_service_early(struct kh_process *pe, const char *name, kh_service_fn fn, void *ctx)
{
    kh_process_service(pe, name, fn, ctx);
    pe->services[pe->services_n - 1].early = true;
}

const struct kh_service *kh_process_find_service(const struct kh_process *pe, struct kh_str name)
{
    /* Backwards: a later registration replaces an earlier one. */
    for (size_t i = pe->services_n; i > 0; i--)
        if (kh_str_is(name, pe->services[i - 1].name))
            return &pe->services[i - 1];
    return NULL;
}

void kh_process_set_http(struct kh_process *pe, kh_http_fn fn, void *ctx)
{
    pe->http = fn;
    pe->http_ctx = ctx;
}
