/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include "api/router.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/time.h"
#include "cli/open.h"
#include "engine/geo/units.h"
#include "engine/insight/insight.h"
#include "engine/file/file.h"
#include "engine/notify/notify.h"
#include "engine/process/process.h"
#include "net/net.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static void set(struct kh_args *args, struct kh_opened *o, const char *option, const char *key,
                bool *ok, struct kh_error *err)
{
    const char *value = kh_args_take(args, option);

    if (value && *ok)
        *ok = kh_config_set(o->config, kh_cstr(key), kh_cstr(value), err);
}

/* Options of the command line win over khue.conf. */
static bool options(struct kh_args *args, struct kh_opened *o, struct kh_error *err)
{
    bool ok = kh_open_config(args, o, err);

    set(args, o, "--listen", "listen", &ok, err);
    set(args, o, "--tls-cert", "tls_cert", &ok, err);
    set(args, o, "--tls-key", "tls_key", &ok, err);
    set(args, o, "--web", "web", &ok, err);
    return ok;
}

static void log_setup(const struct kh_config *c)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};

    for (int i = 0; i < 4; i++)
        if (kh_str_is(c->log_level, names[i]))
            kh_log_setup((enum kh_level)i, c->log_json);
}

/* SIGHUP takes over the live settings of khue.conf. */
static void reload(struct kh_opened *o)
{
    struct kh_config *fresh = kh_config_new();
    struct kh_buf restart = kh_buf(o->a, 4096);
    struct kh_error err = {0};

    if (!kh_config_file(fresh, kh_strf(o->a, "%s/khue.conf", o->dir).p, &err)) {
        kh_log_error("config.refused", &err);
    } else {
        size_t later = kh_config_live(o->config, fresh, &restart);

        kh_log(KH_INFO, "config.loaded", KV_INT("need_restart", later),
               KV_STR("rows", kh_buf_get(&restart)));
    }
    kh_config_drop(fresh);
}

/* Sleep until a signal says to stop; the server's threads do the work. */
static void wait_for_end(struct kh_opened *o, const sigset_t *signals)
{
    for (;;) {
        int got = 0;

        if (sigwait(signals, &got) != 0)
            continue;
        if (got != SIGHUP)
            return;
        reload(o);
    }
}

static bool serve(struct kh_opened *o, const sigset_t *signals, struct kh_error *err)
{
    int64_t start = kh_mono_us();
    struct kh_net *net = NULL;

    o->city.tables = kh_route_tables;
    o->city.error_forms = kh_error_forms;
    if (!kh_city_open(o, err))
        return false;
    /* A fault that a test orders is to strike what serves, not what is read at the start. */
    if (getenv("KHUE_FAULT_SERVING") && !kh_units_refresh(o->city.units, err))
        return false;
    kh_fault_arm_env("KHUE_FAULT_SERVING");
    if (!kh_process_jobs_start(o->city.process, err) ||
        !kh_notify_start(o->city.notify, err) || !kh_files_start(o->city.files, err) ||
        !kh_insight_start(o->city.insight, err) || !kh_net_start(o->config, &o->city, &net, err))
        return false;
    printf("khue: listening on %s://%.*s\n", o->config->tls_cert.n ? "https" : "http",
           KH_FMT(kh_net_address(net)));
    fflush(stdout);
    kh_log(KH_INFO, "server.ready", KV_STR("address", kh_net_address(net)),
           KV_INT("took_ms", (kh_mono_us() - start) / 1000));
    wait_for_end(o, signals);
    kh_log(KH_INFO, "server.stopping", KV_Z("why", "signal"));
    kh_net_stop(net);
    return true;
}

int cli_serve(int argc, char **argv)
{
    struct kh_args args = {argc - 1, argv + 1};
    struct kh_opened o = {0};
    struct kh_error err = {0};
    sigset_t signals;
    bool ok = options(&args, &o, &err);

    if (ok && !kh_args_end(&args, "serve"))
        return 2;
    /* Blocked before any thread starts, so that only sigwait sees them. */
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    if (ok) {
        log_setup(o.config);
        ok = serve(&o, &signals, &err);
    }
    if (!ok)
        kh_cli_fail("serve", &err);
    kh_city_close(&o);
    return ok ? 0 : 1;
}
