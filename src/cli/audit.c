/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include "base/id.h"
#include "base/time.h"
#include "cli/open.h"
#include "engine/process/process.h"
#include "engine/registry/registry.h"
#include "store/event.h"
#include "store/row.h"

#include <stdio.h>

static void print_issues(const struct kh_verify_issue *issues, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (issues[i].seq)
            printf("event %lld: ", (long long)issues[i].seq);
        printf("%.*s: %.*s\n", KH_FMT(issues[i].what), KH_FMT(issues[i].detail));
    }
}

/* @param ret_bad how many rows were changed, removed or inserted */
static bool verify(struct kh_opened *o, size_t *ret_bad, struct kh_error *err)
{
    struct kh_bar chain = {.label = "events"}, records = {.label = "records"},
                  tasks = {.label = "tasks"};
    struct kh_verify_issue *issues;
    int64_t events = 0, rows = 0, tasks_n = 0, others = 0, start = kh_mono_us();
    size_t n = 0;

    if (!kh_open_store(o, err) || !kh_registry_open(o->city.store, &o->city.registry, err) ||
        !kh_event_verify(o->city.store, o->a, kh_bar_show, &chain, &issues, &n, &events, err))
        return false;
    kh_bar_end(&chain);
    print_issues(issues, n);
    *ret_bad = n;
    if (!kh_registry_verify(o->city.registry, o->a, kh_bar_show, &records, &issues, &n, &rows, err))
        return false;
    kh_bar_end(&records);
    print_issues(issues, n);
    *ret_bad += n;
    if (!kh_process_verify(o->city.store, o->a, kh_bar_show, &tasks, &issues, &n, &tasks_n, err))
        return false;
    kh_bar_end(&tasks);
    print_issues(issues, n);
    *ret_bad += n;
    if (!kh_rows_verify(o->city.store, o->a, &issues, &n, &others, err))
        return false;
    print_issues(issues, n);
    *ret_bad += n;
    rows += tasks_n + others;
    printf("%lld events and %lld rows checked in %.1f s: ", (long long)events, (long long)rows,
           (double)(kh_mono_us() - start) / 1e6);
    if (*ret_bad)
        printf("%zu were altered.\n", *ret_bad);
    else
        printf("nothing was altered.\n");
    return true;
}

int cli_audit(int argc, char **argv)
{
    struct kh_args args = {argc - 1, argv + 1};
    struct kh_opened o = {0};
    struct kh_error err = {0};
    bool ok = kh_open_config(&args, &o, &err);
    const char *verb = kh_args_word(&args);
    size_t bad = 0;

    if (!verb || strcmp(verb, "verify") != 0 || !kh_args_end(&args, "audit")) {
        fputs("khue audit verify --data DIR\n", stderr);
        kh_city_close(&o);
        return 2;
    }
    ok = ok && verify(&o, &bad, &err);
    if (!ok)
        kh_cli_fail("audit verify", &err);
    kh_city_close(&o);
    return ok && bad == 0 ? 0 : 1;
}
