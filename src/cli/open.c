/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/open.h"

#include "base/id.h"
#include "base/time.h"
#include "cli/folder.h"
#include "engine/file/file.h"
#include "engine/geo/units.h"
#include "engine/identity/identity.h"
#include "engine/insight/insight.h"
#include "engine/notify/notify.h"
#include "engine/notify/step.h"
#include "engine/process/process.h"
#include "engine/registry/registry.h"
#include "net/out.h"
#include "store/store.h"

#include <sys/stat.h>
#include <unistd.h>

bool kh_open_config_of(const char *dir, struct kh_opened *o, struct kh_error *err)
{
    const char *name;

    o->dir = dir;
    o->a = kh_arena_new(64 << 20);
    o->config = kh_config_new();
    o->city.config = o->config;
    name = o->making ? KH_FOLDER_UNFINISHED : KH_FOLDER_SETTINGS;
    if (kh_config_file(o->config, kh_strf(o->a, "%s/%s", dir, name).p, err))
        return true;
    if (access(kh_strf(o->a, "%s/" KH_FOLDER_SETTINGS, dir).p, F_OK) == 0)
        return false; /* it is one, and its settings are wrong */
    if (access(kh_strf(o->a, "%s/" KH_FOLDER_UNFINISHED, dir).p, F_OK) == 0)
        return kh_error_wrap(err, "%s is not finished: khue init was cut off there, or is at work", dir);
    return kh_error_wrap(err, "%s is no data folder (make one with khue init)", dir);
}

bool kh_open_config(struct kh_args *args, struct kh_opened *o, struct kh_error *err)
{
    const char *store = kh_args_take(args, "--store");
    const char *dir = kh_args_take(args, "--data"), *set;

    if (!dir)
        return kh_fail(err, KH_EC_CONFIG_INVALID, "--data DIR says which city");
    if (!kh_open_config_of(dir, o, err))
        return false;
    if (store && !kh_config_set(o->config, KH_S("store"), kh_cstr(store), err))
        return false;
    while ((set = kh_args_take(args, "--set")) != NULL) {
        struct kh_str value, key = kh_str_cut(kh_cstr(set), '=', &value);

        if (!kh_config_set(o->config, key, value, err))
            return false;
    }
    return true;
}

void kh_open_store_config(const struct kh_opened *o, struct kh_store_config *ret)
{
    const struct kh_config *c = o->config;
    struct kh_str anchor = c->anchor_dir;

    *ret = (struct kh_store_config){
        .url = c->store.n ? c->store.p : o->dir,
        .anchor_dir = anchor.n ? anchor.p : kh_strf(o->a, "%s/anchor", o->dir).p,
        .readers = (unsigned)c->store_readers,
        .writers = (unsigned)c->store_writers,
        .batch_max = (unsigned)c->store_batch,
        .queue_max = (unsigned)c->store_queue,
        .cache_bytes = (size_t)c->store_cache_bytes,
        .map_bytes = (size_t)c->store_map_bytes,
        .making = o->making,
    };
}

bool kh_open_store(struct kh_opened *o, struct kh_error *err)
{
    struct kh_store_config sc;

    kh_open_store_config(o, &sc);
    (void)mkdir(sc.anchor_dir, 0700);
    return kh_store_open(&sc, &o->city.store, err);
}

static bool open_people(struct kh_opened *o, struct kh_error *err)
{
    const struct kh_config *c = o->config;
    struct kh_identity_config ic = {
        .session_us = c->session_idle_h * KH_US_H,
        .session_max_us = c->session_max_h * KH_US_H,
        .tries = (unsigned)c->login_tries,
        .wait_us = c->login_wait_s * KH_US_S,
        .argon_kib = (unsigned)c->argon_kib,
        .argon_passes = (unsigned)c->argon_passes,
    };
    struct kh_notify_config nc = {
        .mail = c->smtp_url.n != 0,
        .sms_url = c->sms_url.n ? c->sms_url.p : NULL,
        .sms_header = c->sms_header.n ? c->sms_header.p : NULL,
        .sms_body = c->sms_body.p,
        .push_subject = c->push_subject.n ? c->push_subject.p : NULL,
        .public_url = c->public_url.n ? c->public_url.p : NULL,
        .tries = (unsigned)c->notify_tries,
    };
    struct kh_transport transport;

    if (!kh_out_open(c, &o->out, err))
        return false;
    transport = kh_out_transport(o->out);
    return kh_identity_open(o->city.store, &ic, &o->city.identity, err) &&
           kh_notify_open(o->city.store, &nc, &transport, &o->city.notify, err);
}

static bool open_files(struct kh_opened *o, struct kh_error *err)
{
    const struct kh_config *c = o->config;
    struct kh_files_limits limits = {
        .image_bytes = (size_t)c->file_image_bytes,
        .video_bytes = (size_t)c->file_video_bytes,
        .antivirus = c->file_antivirus.p,
    };

    if (!kh_files_open(o->city.store, kh_strf(o->a, "%s/blobs", o->dir).p, &o->city.files, err))
        return false;
    kh_files_set_limits(o->city.files, &limits);
    kh_registry_set_files(o->city.registry, kh_files_written, NULL);
    return true;
}

/* How a process calls another system: the job's id makes the call idempotent. */
static bool process_call(void *ctx, struct kh_arena *a, const struct kh_http_request *request,
                         struct kh_http_reply *ret, struct kh_error *err)
{
    struct kh_opened *o = ctx;
    const char *headers[] = {kh_strf(a, "Idempotency-Key: %.*s", KH_FMT(request->key)).p,
                             "Content-Type: application/json", NULL};
    struct kh_out_request rq = {
        .method = kh_str_z(a, request->method),
        .url = kh_str_z(a, request->url),
        .headers = headers,
        .body = request->body,
        .timeout_s = request->timeout_s,
    };
    struct kh_out_reply reply;

    if (!request->body.n)
        headers[1] = NULL;
    if (!kh_out_send(o->out, a, &rq, &reply, err))
        return false;
    *ret = (struct kh_http_reply){.status = reply.status, .body = reply.body};
    return true;
}

bool kh_city_open(struct kh_opened *o, struct kh_error *err)
{
    struct kh_city *city = &o->city;

    city->started_us = kh_mono_us();
    if (!kh_open_store(o, err) || !kh_registry_open(city->store, &city->registry, err) ||
        !open_people(o, err) || !kh_process_open(city->store, city->registry, &city->process, err))
        return false;
    kh_process_service_early(city->process, "notify.send", kh_notify_step, city->notify);
    kh_process_set_http(city->process, process_call, o);
    return kh_insight_open(city->store, &city->insight, err) && open_files(o, err) &&
           kh_units_open(city->store, city->registry, city->process, &city->units, err);
}

void kh_city_close(struct kh_opened *o)
{
    struct kh_city *city = &o->city;

    kh_insight_close(city->insight);
    kh_notify_close(city->notify);
    kh_process_close(city->process);
    kh_out_close(o->out);
    kh_units_close(city->units);
    kh_files_close(city->files);
    kh_identity_close(city->identity);
    kh_registry_close(city->registry);
    kh_store_close(city->store);
    kh_config_drop(o->config);
    kh_arena_drop(o->a);
}
