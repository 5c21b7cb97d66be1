/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include "base/json.h"
#include "base/time.h"
#include "cli/args.h"
#include "cli/load.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * The works that `khue bench` knows. Each prints one line:
 *   work  per-second  p50-ms  p99-ms  errors
 */
struct bench {
    const char *host, *port;
    unsigned clients;
    int64_t run_us;
    struct kh_arena *a;
    struct kh_str token;  /* of an officer of the whole city */
    struct kh_str *ids;   /* reports to read */
    size_t ids_n, ids_cap;
    struct kh_str found, path;
};

enum { CALL, FILE_REPORT, TASKS, TRIAGE, HANDLE, SEARCH };

static uint64_t chance(struct kh_client *c)
{
    c->seed = c->seed * 6364136223846793005U + 1442695040888963407U;
    return c->seed >> 33;
}

/* The string that follows a key in an answer of our own server; "" if it is not there. */
static struct kh_str text_after(struct kh_str body, const char *key)
{
    const char *at = memmem(body.p, body.n, key, strlen(key)), *end;

    if (!at)
        return KH_S("");
    at += strlen(key);
    end = memchr(at, '"', body.n - (size_t)(at - body.p));
    return end ? kh_str(at, (size_t)(end - at)) : KH_S("");
}

static void keep(char note[64], struct kh_str s)
{
    snprintf(note, 64, "%.*s", KH_FMT(s));
}

/* ---- scripts ---- */

static bool static_script(struct kh_load *l, struct kh_client *c, struct kh_buf *rq)
{
    kh_ask(l, c, rq, CALL, "GET", KH_S("/healthz"), KH_S(""), KH_S(""));
    return true;
}

static bool read_script(struct kh_load *l, struct kh_client *c, struct kh_buf *rq)
{
    struct bench *b = c->ctx;
    struct kh_str id = b->ids[chance(c) % b->ids_n];
    char path[96];

    snprintf(path, sizeof(path), "/api/v1/records/report/%.*s", KH_FMT(id));
    kh_ask(l, c, rq, CALL, "GET", kh_cstr(path), KH_S(""), KH_S(""));
    return true;
}

/* A report somewhere in the inner city; every second one is anonymous. */
static void ask_report(struct kh_load *l, struct kh_client *c, struct kh_buf *rq)
{
    static const char *const categories[] = {"pothole", "garbage", "street_light", "noise",
                                             "flooding", "sidewalk", "tree", "manhole"};
    char body[640];

    snprintf(body, sizeof(body),
             "{\"category\":\"%s\",\"description\":\"Đo tải số %d-%llu: mặt đường hỏng gần số nhà "
             "%llu, đề nghị kiểm tra.\",\"location\":{\"lon\":%.6f,\"lat\":%.6f},\"address\":"
             "\"Số %llu phố thử nghiệm\",\"anonymous\":%s}",
             categories[chance(c) % KH_LEN(categories)], c->id, (unsigned long long)chance(c),
             (unsigned long long)(chance(c) % 400), 105.80 + (double)(chance(c) % 90000) / 1e6,
             20.99 + (double)(chance(c) % 70000) / 1e6, (unsigned long long)(chance(c) % 400),
             chance(c) % 2 ? "true" : "false");
    kh_ask(l, c, rq, FILE_REPORT, "POST", KH_S("/api/v1/records/report"), KH_S(""), kh_cstr(body));
}

static bool create_script(struct kh_load *l, struct kh_client *c, struct kh_buf *rq)
{
    ask_report(l, c, rq);
    return true;
}

static void ask_tasks(struct kh_load *l, struct kh_client *c, struct kh_buf *rq)
{
    const struct bench *b = c->ctx;
    char path[96];

    snprintf(path, sizeof(path), "/api/v1/tasks?case=%s", c->note);
    kh_ask(l, c, rq, TASKS, "GET", kh_cstr(path), b->token, KH_S(""));
}

static void ask_complete(struct kh_load *l, struct kh_client *c, struct kh_buf *rq, unsigned kind,
                         const char *variables)
{
    const struct bench *b = c->ctx;
    char path[96];

    snprintf(path, sizeof(path), "/api/v1/tasks/%.*s/complete",
             KH_FMT(text_after(c->body, "{\"id\":\"")));
    kh_ask(l, c, rq, kind, "POST", kh_cstr(path), b->token, kh_cstr(variables));
}

/* create -> assign -> resolve -> search, as a citizen's phone and an officer's screen do it. */
static bool lifecycle_script(struct kh_load *l, struct kh_client *c, struct kh_buf *rq)
{
    char path[160];

    if (c->step && c->status >= 400)
        c->step = 0;
    switch (c->step) {
    case 0:
        kh_load_round(l, c);
        ask_report(l, c, rq);
        break;
    case 1:
        keep(c->note, text_after(c->body, "\"id\":\""));
        keep(c->note2, text_after(c->body, "\"number\":\""));
        ask_tasks(l, c, rq);
        break;
    case 2:
        ask_complete(l, c, rq, TRIAGE, "{\"variables\":{\"decision\":\"accept\"}}");
        break;
    case 3:
        ask_tasks(l, c, rq);
        break;
    case 4:
        ask_complete(l, c, rq, HANDLE,
                     "{\"variables\":{\"decision\":\"done\",\"answer\":\"Đã sửa xong.\"}}");
        break;
    default:
        snprintf(path, sizeof(path), "/api/v1/records/report?number=%s", c->note2);
        kh_ask(l, c, rq, SEARCH, "GET", kh_cstr(path), KH_S(""), KH_S(""));
        c->step = -1;
        break;
    }
    c->step++;
    return true;
}

/* ---- preparing ---- */

struct once {
    struct bench *b;
    const char *method;
    struct kh_str path, body;
    int status;
};

/* Ask one thing and keep the answer. */
static bool once_script(struct kh_load *l, struct kh_client *c, struct kh_buf *rq)
{
    struct once *o = c->ctx;

    if (c->step++ == 0) {
        kh_ask(l, c, rq, CALL, o->method, o->path, o->b->token, o->body);
        return true;
    }
    o->status = c->status;
    o->b->found = kh_str_dup(o->b->a, c->body);
    return false;
}

static bool once(struct bench *b, const char *method, struct kh_str path, struct kh_str body,
                 struct kh_error *err)
{
    struct once o = {.b = b, .method = method, .path = path, .body = body};
    struct kh_load_config config = {b->host, b->port, 1, 60 * KH_US_S, once_script, &o};
    struct kh_load_result r;

    if (!kh_load_run(&config, &r, err))
        return false;
    if (o.status / 100 != 2)
        return kh_fail(err, KH_EC_OUTBOUND_FAILED, "%.*s answered %d", KH_FMT(path), o.status);
    return true;
}

static bool sign_in(struct bench *b, const char *user, const char *password, struct kh_error *err)
{
    struct kh_buf body = kh_buf(b->a, 1024);
    struct kh_jw w = kh_jw(&body);

    kh_jw_obj(&w);
    kh_jw_kz(&w, "username", user);
    kh_jw_kz(&w, "password", password);
    kh_jw_end(&w);
    if (!once(b, "POST", KH_S("/api/v1/session"), kh_buf_get(&body), err))
        return false;
    b->token = text_after(b->found, "\"token\":\"");
    return true;
}

/* Ids to read: pages of the list, up to ten thousand. */
static bool gather(struct bench *b, struct kh_error *err)
{
    struct kh_str after = KH_S("");

    while (b->ids_n < 10000) {
        struct kh_str path = kh_strf(b->a, "/api/v1/records/report?limit=1000%s%.*s",
                                     after.n ? "&after=" : "", KH_FMT(after));
        struct kh_json *v;
        const struct kh_json *items;

        if (!once(b, "GET", path, KH_S(""), err) ||
            !kh_json_parse(b->a, b->found, &(struct kh_json_limits){.bytes = 32 << 20}, &v, err))
            return false;
        items = kh_json_get(v, "items");
        for (uint32_t i = 0; items && i < items->n; i++) {
            b->ids = kh_grow(b->a, b->ids, b->ids_n, b->ids_n + 1, &b->ids_cap, sizeof(*b->ids));
            b->ids[b->ids_n++] = kh_str_dup(b->a, kh_json_str(&items->items[i], "id", KH_S("")));
        }
        after = kh_json_str(v, "next", KH_S(""));
        if (!after.n)
            break;
    }
    return b->ids_n ? true : kh_fail(err, KH_EC_RECORD_UNKNOWN, "there is no report to read");
}

/* ---- works ---- */

static bool work(struct bench *b, const char *name, kh_script_fn script, bool rounds,
                 struct kh_error *err)
{
    static const char *const kinds[KH_LOAD_KINDS] = {
        [CALL] = "call", [FILE_REPORT] = "create", [TASKS] = "tasks",
        [TRIAGE] = "assign", [HANDLE] = "resolve", [SEARCH] = "search"};
    struct kh_load_config config = {b->host, b->port, b->clients, b->run_us, script, b};
    struct kh_load_result r;
    int64_t n;

    if (!kh_load_run(&config, &r, err))
        return false;
    n = rounds ? r.rounds : r.calls;
    printf("%-10s %9.0f /s   p50 %8.3f ms   p99 %8.3f ms   errors %lld%s", name,
           (double)n * 1e6 / (double)r.took_us, (double)r.p50_us / 1000, (double)r.p99_us / 1000,
           (long long)r.errors, r.errors ? "" : "\n");
    if (r.errors)
        printf(" (first %d %s)\n", r.first_error, r.first_detail);
    for (size_t i = 0; rounds && i < KH_LOAD_KINDS; i++)
        if (r.kind_n[i] && kinds[i])
            printf("  %-8s %9.0f /s   p50 %8.3f ms   p99 %8.3f ms\n", kinds[i],
                   (double)r.kind_n[i] * 1e6 / (double)r.took_us, (double)r.kind_p50[i] / 1000,
                   (double)r.kind_p99[i] / 1000);
    fflush(stdout);
    return true;
}

static bool run_work(struct bench *b, const char *name, struct kh_error *err)
{
    unsigned open = 0;

    if (strcmp(name, "static") == 0)
        return work(b, name, static_script, false, err);
    if (strcmp(name, "read") == 0)
        return gather(b, err) && work(b, name, read_script, false, err);
    if (strcmp(name, "create") == 0)
        return work(b, name, create_script, false, err);
    if (strcmp(name, "lifecycle") == 0)
        return work(b, name, lifecycle_script, true, err);
    if (strcmp(name, "idle") == 0) {
        if (!kh_load_idle(b->host, b->port, 10000, b->run_us, &open, err))
            return false;
        printf("%-10s %u of 10000 connections open after %lld s\n", name, open,
               (long long)(b->run_us / KH_US_S));
        return true;
    }
    return kh_fail(err, KH_EC_CONFIG_INVALID, "no work is called %s", name);
}

/* "http://host:port" into its parts. */
static bool split_url(struct bench *b, const char *url, struct kh_error *err)
{
    struct kh_str port, host = kh_cstr(url ? url : "");

    if (!kh_str_starts(host, KH_S("http://")))
        return kh_fail(err, KH_EC_CONFIG_INVALID, "--url http://HOST:PORT");
    host = kh_str_cut(kh_str_skip(host, 7), ':', &port);
    port = kh_str_cut(port, '/', &b->path);
    b->host = kh_str_z(b->a, host);
    b->port = kh_str_z(b->a, port.n ? port : KH_S("80"));
    return true;
}

static bool bench_run(struct bench *b, struct kh_args *args, struct kh_error *err)
{
    const char *url = kh_args_take(args, "--url"), *clients = kh_args_take(args, "--clients");
    const char *seconds = kh_args_take(args, "--seconds"), *user = kh_args_take(args, "--user");
    const char *password = kh_args_take(args, "--password"), *name;

    b->clients = clients ? (unsigned)strtoul(clients, NULL, 10) : 64;
    b->run_us = (seconds ? strtoll(seconds, NULL, 10) : 5) * KH_US_S;
    if (b->clients < 1 || b->clients > 4096 || b->run_us < KH_US_S || b->run_us > KH_US_H)
        return kh_fail(err, KH_EC_CONFIG_INVALID, "1 to 4096 clients, 1 to 3600 seconds");
    if (!split_url(b, url, err) || (user && !sign_in(b, user, password ? password : "", err)))
        return false;
    while ((name = kh_args_word(args)) != NULL)
        if (!run_work(b, name, err))
            return false;
    return true;
}

int cli_bench(int argc, char **argv)
{
    struct kh_args args = {argc - 1, argv + 1};
    struct bench b = {.a = kh_arena_new((size_t)1 << 30)};
    struct kh_error err = {0};
    bool ok = bench_run(&b, &args, &err);

    if (!ok)
        kh_cli_fail("bench", &err);
    else if (!kh_args_end(&args, "bench"))
        ok = false;
    kh_arena_drop(b.a);
    return ok ? 0 : 1;
}
