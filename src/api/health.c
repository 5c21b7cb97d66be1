/* SPDX-License-Identifier: Apache-2.0 */
/* Is the server alive, is it ready, and what does it do: /healthz, /readyz, /metrics. */
#include "api/call.h"

#include "api/city.h"
#include "api/routes.h"
#include "base/config.h"
#include "base/metrics.h"
#include "base/time.h"
#include "store/event.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

enum { METRICS_MAX = 1 << 20 };

static enum kh_next api_healthz(struct kh_call *c)
{
    return kh_reply_text(c, 200, "text/plain; charset=utf-8", KH_S("ok\n"));
}

static bool ready_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct kh_call *c = ctx;
    struct kh_event *events;
    size_t n;

    return kh_event_read(tx, c->a, 0, 1, &events, &n, err);
}

static enum kh_next api_readyz(struct kh_call *c)
{
    struct kh_error err = {0};

    if (c->city->store && !kh_store_run(c->city->store, "ready", KH_TX_READ, ready_in_tx, c, &err))
        return kh_reply_error(c, &err);
    return kh_reply_text(c, 200, "text/plain; charset=utf-8", KH_S("ready\n"));
}

/* Resident bytes of this process, from /proc (Linux). */
static int64_t resident_bytes(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");

    if (!f)
        return 0;
    if (fscanf(f, "%*s %ld", &pages) != 1)
        pages = 0;
    fclose(f);
    return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

static int64_t cpu_us(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (int64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 + u.ru_utime.tv_usec +
           u.ru_stime.tv_usec;
}

static enum kh_next api_metrics(struct kh_call *c)
{
    struct kh_buf b = kh_buf(c->a, METRICS_MAX);
    struct kh_store_stats s = {0};

    kh_metrics_text(&b);
    if (c->city->store) {
        kh_store_stats(c->city->store, &s);
        kh_metrics_sample(&b, "counter", "khue_store_commits_total", "Transactions made durable",
                          s.commits);
        kh_metrics_sample(&b, "counter", "khue_store_writes_total", "Writes in them", s.callbacks);
        kh_metrics_sample(&b, "counter", "khue_store_rollbacks_total", "Writes rolled back",
                          s.rollbacks);
        kh_metrics_sample(&b, "counter", "khue_store_retries_total", "Writes run again", s.retries);
        kh_metrics_sample(&b, "gauge", "khue_store_queue", "Writes waiting", s.queue);
        kh_metrics_sample(&b, "gauge", "khue_store_wal_bytes", "Size of the write-ahead log",
                          s.wal_bytes);
        kh_metrics_sample(&b, "counter", "khue_events_total", "Sealed events", s.events);
    }
    kh_metrics_sample(&b, "gauge", "process_resident_memory_bytes", "Resident memory",
                      resident_bytes());
    kh_metrics_sample(&b, "gauge", "khue_uptime_seconds", "Seconds since the start",
                      (kh_mono_us() - c->city->started_us) / 1000000);
    return kh_reply_text(c, 200, "text/plain; version=0.0.4; charset=utf-8", kh_buf_get(&b));
}

static void put_store(struct kh_jw *w, struct kh_store *st)
{
    struct kh_store_stats s = {0};

    kh_store_stats(st, &s);
    kh_jw_key(w, "store");
    kh_jw_obj(w);
    kh_jw_kz(w, "kind", kh_store_kind(st) == KH_STORE_SQLITE ? "sqlite" : "postgres");
    kh_jw_kint(w, "commits", s.commits);
    kh_jw_kint(w, "writes", s.callbacks);
    kh_jw_kint(w, "rollbacks", s.rollbacks);
    kh_jw_kint(w, "retries", s.retries);
    kh_jw_kint(w, "queue", s.queue);
    kh_jw_kint(w, "wal_bytes", s.wal_bytes);
    kh_jw_kint(w, "events", s.events);
    kh_jw_end(w);
}

static enum kh_next api_health_read(struct kh_call *c)
{
    struct kh_buf b = kh_buf(c->a, METRICS_MAX);
    struct kh_jw w = kh_jw(&b);

    kh_jw_obj(&w);
    kh_jw_kz(&w, "version", KH_VERSION);
    kh_jw_kint(&w, "uptime_s", (kh_mono_us() - c->city->started_us) / 1000000);
    kh_jw_kint(&w, "resident_bytes", resident_bytes());
    kh_jw_kint(&w, "cpu_ms", cpu_us() / 1000);
    kh_jw_kint(&w, "connections", kh_metric_sum(KH_M_HTTP_CONNECTIONS));
    kh_jw_kint(&w, "waiting", kh_metric_sum(KH_M_HTTP_WAITING));
    kh_jw_kint(&w, "streams", kh_metric_sum(KH_M_STREAMS));
    kh_jw_kint(&w, "workers_queue", kh_metric_sum(KH_M_WORKERS_QUEUE));
    if (c->city->store)
        put_store(&w, c->city->store);
    kh_jw_end(&w);
    return kh_reply_json(c, 200, kh_buf_get(&b));
}

const struct kh_route kh_routes_health[] = {
    {KH_GET, "/healthz", "healthz", api_healthz, KH_R_PUBLIC, 0, NULL, NULL,
     "Máy chủ có đang chạy không", "Is the server alive", NULL, NULL},
    {KH_GET, "/readyz", "readyz", api_readyz, KH_R_PUBLIC, 0, NULL, NULL,
     "Máy chủ có sẵn sàng phục vụ không", "Is the server ready", NULL, NULL},
    {KH_GET, "/metrics", "metrics", api_metrics, KH_R_PUBLIC, 0, NULL, NULL,
     "Số liệu vận hành cho Prometheus", "Figures for Prometheus", NULL, NULL},
    {KH_GET, "/api/v1/health", "health_read", api_health_read, 0, 0, NULL, "admin",
     "Tình trạng của nút máy chủ", "How the node does", NULL, "Health"},
    {.handler = NULL},
};
