/* SPDX-License-Identifier: Apache-2.0 */
/* The serving threads: libmicrohttpd's callbacks around one exchange. */
#include "net/assets.h"

#include "api/serve.h"
#include "base/fault.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/rate.h"
#include "base/time.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { POOL_KEPT = 256, BODY_FIRST = 8192, STOP_POLL_US = 1000 };

/* ---- exchanges ---- */

struct local *kh_net_local(struct kh_net *net)
{
    struct local *l = pthread_getspecific(net->local_key);
    uint32_t base;

    if (l)
        return l;
    l = calloc(1, sizeof(*l));
    KH_REQUIRE(l && pthread_setspecific(net->local_key, l) == 0);
    kh_random(&base, sizeof(base));
    for (int i = 0; i < 8; i++, base >>= 4)
        l->id_base[i] = "0123456789abcdef"[base & 15];
    return l;
}

static void exchange_free(struct exchange *x)
{
    kh_arena_drop(x->call.a);
    free(x);
}

void kh_net_local_drop(void *arg)
{
    struct local *l = arg;

    while (l && l->free) {
        struct exchange *x = l->free;

        l->free = x->next;
        exchange_free(x);
    }
    if (l)
        kh_local_free(l);
    free(l);
}

static struct exchange *exchange_take(struct kh_net *net)
{
    struct local *l = kh_net_local(net);
    struct exchange *x = l->free;
    struct kh_arena *a;

    if (x) {
        l->free = x->next;
        l->free_n--;
        a = x->call.a;
    } else {
        x = calloc(1, sizeof(*x));
        KH_REQUIRE(x);
        a = kh_arena_new((size_t)net->config->call_memory_bytes);
    }
    memset(&x->call, 0, sizeof(x->call));
    x->call.a = a;
    x->call.city = net->city;
    atomic_fetch_add_explicit(&net->begun, 1, memory_order_relaxed);
    x->net = net;
    x->home = l;
    x->next = NULL;
    x->phase = PHASE_HEAD;
    x->close_after = false;
    x->owed = false;
    atomic_store_explicit(&x->wait, WAIT_NONE, memory_order_relaxed);
    x->body = NULL;
    x->body_n = x->body_cap = 0;
    x->live.s = NULL;
    return x;
}

static void exchange_give(struct exchange *x)
{
    struct local *l = kh_net_local(x->net);

    kh_live_close(x);
    if (x->owed)
        atomic_fetch_sub(&x->net->owed, 1);
    if (x->call.reply.has_fd)
        close(x->call.reply.fd);
    if (x->body_cap)
        atomic_fetch_sub(&x->net->bodies_bytes, (int64_t)x->body_cap);
    free(x->body);
    x->body = NULL;
    kh_arena_reset(x->call.a);
    if (l->free_n >= POOL_KEPT) {
        exchange_free(x);
        return;
    }
    x->next = l->free;
    l->free = x;
    l->free_n++;
}

/* ---- what a call may ask of us ---- */

static struct kh_str op_header(const struct kh_call *c, const char *name)
{
    const struct exchange *x = (const struct exchange *)(const void *)c;
    const char *value = NULL;
    size_t n = 0;

    if (MHD_lookup_connection_value_n(x->conn, MHD_HEADER_KIND, name, strlen(name), &value, &n) !=
        MHD_YES)
        return kh_str(NULL, 0);
    return kh_str(value ? value : "", n);
}

/*
 * Resume a suspended connection, from any thread. To resume is to wake its serving thread, which costs
 * more than answering; so of those that become ready together only the first does it, and finds the
 * others in the list of its thread. A list is only pushed to and taken as a whole; its last member
 * is resumed by whoever pushed it, the others by whoever takes them.
 */
void kh_net_wake(struct exchange *x)
{
    struct MHD_Connection *conn = x->conn;
    struct local *home = x->home;
    struct exchange *head = atomic_load_explicit(&home->woken, memory_order_relaxed);

    do
        x->woken_next = head;
    while (!atomic_compare_exchange_weak_explicit(&home->woken, &head, x, memory_order_release,
                                                  memory_order_relaxed));
    if (!head)
        MHD_resume_connection(conn);
}

/* On the serving thread, whenever a resumed connection comes back or ends: resume the others. */
void kh_net_woken(struct local *home)
{
    struct exchange *x = atomic_load_explicit(&home->woken, memory_order_relaxed);

    if (!x)
        return;
    x = atomic_exchange_explicit(&home->woken, NULL, memory_order_acquire);
    while (x && x->woken_next) {
        struct exchange *next = x->woken_next;

        MHD_resume_connection(x->conn);
        x = next;
    }
}

/* Whoever comes second, the serving thread going to sleep or the news, acts. */
static void op_resume(struct kh_call *c)
{
    struct exchange *x = (struct exchange *)c;

    if (atomic_exchange(&x->wait, WAIT_DONE) == WAIT_SUSPENDED)
        kh_net_wake(x);
}

static const struct kh_call_ops ops = {
    .resume = op_resume,
    .header = op_header,
    .stream_wake = kh_live_wake,
};

/* ---- bodies ---- */

/* @return false if the server holds too many bodies at once */
static bool body_add(struct exchange *x, const char *p, size_t n)
{
    if (x->body_cap - x->body_n < n) {
        size_t cap = x->body_cap ? x->body_cap * 2 : BODY_FIRST;
        int64_t held;
        char *grown;

        while (cap - x->body_n < n)
            cap *= 2;
        if (x->body_length != UINT64_MAX && cap > x->body_length)
            cap = (size_t)x->body_length > x->body_n + n ? (size_t)x->body_length : x->body_n + n;
        held = atomic_fetch_add(&x->net->bodies_bytes, (int64_t)(cap - x->body_cap));
        if (held > x->net->config->http_bodies_bytes) {
            atomic_fetch_sub(&x->net->bodies_bytes, (int64_t)(cap - x->body_cap));
            return false;
        }
        grown = realloc(x->body, cap);
        KH_REQUIRE(grown);
        x->body = grown;
        x->body_cap = cap;
    }
    memcpy(x->body + x->body_n, p, n);
    x->body_n += n;
    return true;
}

static enum MHD_Result body_take(struct exchange *x, const char *p, size_t n)
{
    struct kh_call *c = &x->call;

    if (x->phase == PHASE_BODY && x->body_n + n > x->body_max) {
        x->phase = PHASE_DRAIN;
        if (c->err.code == KH_EC_OK)
            kh_fail(&c->err, KH_EC_BODY_TOO_LARGE, "at most %zu bytes", x->body_max);
    }
    if (x->phase == PHASE_BODY && !body_add(x, p, n)) {
        x->phase = PHASE_DRAIN;
        kh_fail(&c->err, KH_EC_OVERLOADED, "too many bodies are being received");
    }
    if (x->phase == PHASE_DRAIN) {
        x->body_n += n; /* only counted from here on */
        if (x->body_n > (uint64_t)x->net->config->http_drain_bytes + x->body_max)
            return MHD_NO;
    }
    return MHD_YES;
}

/* ---- the phases of one exchange ---- */

static bool over_rate(struct exchange *x)
{
    const struct kh_config *cf = x->net->config;
    struct kh_call *c = &x->call;
    int64_t per_s = cf->rate_address, wait_us = 0;
    uint64_t key = x->peer->rate_key;
    struct kh_addr a;

    if (per_s == 0 || c->local)
        return false;
    if (c->peer.p != x->peer->text && kh_addr_parse(c->peer, &a))
        key = kh_hash64(kh_addr_key(&a), x->net->seed);
    if (kh_rate_take(x->net->rate, key, c->start_us, per_s, cf->rate_address_burst, &wait_us))
        return false;
    kh_count(KH_M_HTTP_LIMITED, 1);
    kh_reply_header(c, "Retry-After", kh_strf(c->a, "%lld", (long long)(wait_us / 1000000 + 1)));
    kh_fail(&c->err, KH_EC_RATE_LIMITED, "more than %lld requests per second from this address",
            (long long)per_s);
    return true;
}

/* The header is there. Returning MHD_YES without a reply asks for the body: a reply queued here
 * closes the connection, so that is done only where closing is meant. */
static enum MHD_Result on_head(struct exchange *x, const char *method, const char *version)
{
    struct kh_call *c = &x->call;
    const struct kh_config *cf = x->net->config;

    c->ops = &ops;
    c->method = kh_method_of(method);
    c->start_us = kh_mono_us();
    kh_exchange_head(x, version);
    if (x->close_after) {
        kh_reply_error(c, &c->err);
        return kh_send(x);
    }
    x->body_max = over_rate(x) ? 0 : kh_call_begin(c);
    if (x->body_length != 0) {
        kh_peer_deadline(x->peer, c->start_us, cf->http_body_s,
                         x->body_length == UINT64_MAX ? x->body_max : x->body_length);
        if (x->body_length != UINT64_MAX && x->body_length > x->body_max) {
            struct kh_str expect = op_header(c, "Expect");

            if (c->err.code == KH_EC_OK)
                kh_fail(&c->err, KH_EC_BODY_TOO_LARGE, "at most %zu bytes", x->body_max);
            x->phase = PHASE_DRAIN;
            /* Who asks first, or would send without end, is told at once. */
            if (expect.n || x->body_length > (uint64_t)cf->http_drain_bytes) {
                x->close_after = true;
                kh_reply_error(c, &c->err);
                return kh_send(x);
            }
            return MHD_YES;
        }
    } else {
        kh_peer_deadline(x->peer, 0, 0, 0);
    }
    x->phase = PHASE_BODY;
    return MHD_YES;
}

/* The server stops only after this reply has gone out (or a moment has passed). */
void kh_net_owe(struct exchange *x)
{
    if (!x->owed)
        atomic_fetch_add(&x->net->owed, 1);
    x->owed = true;
}

static enum MHD_Result on_resumed(struct exchange *x);

/* The call waits for a commit or a worker: give the thread back. Either we see that the server
 * stops, and wait here, or kh_net_stop sees that we wait. */
static enum MHD_Result go_to_sleep(struct exchange *x)
{
    struct kh_net *net = x->net;
    int none = WAIT_NONE;

    kh_net_owe(x);
    atomic_fetch_add(&net->waiting, 1);
    kh_count(KH_M_HTTP_WAITING, 1);
    x->phase = PHASE_RUN;
    kh_peer_deadline(x->peer, 0, 0, 0);
    if (atomic_load(&net->stopping)) {
        while (atomic_load(&x->wait) != WAIT_DONE)
            usleep(STOP_POLL_US);
        return on_resumed(x);
    }
    MHD_suspend_connection(x->conn);
    if (!atomic_compare_exchange_strong(&x->wait, &none, WAIT_SUSPENDED))
        MHD_resume_connection(x->conn);
    return MHD_YES;
}

static enum MHD_Result finish(struct exchange *x, enum kh_next next)
{
    return next == KH_WAITING ? go_to_sleep(x) : kh_send(x);
}

/* No route takes it: a file of the portal, or the page itself. */
static bool serve_asset(struct exchange *x, enum MHD_Result *ret_done)
{
    struct kh_net *net = x->net;
    struct kh_call *c = &x->call;

    if (c->err.code != KH_EC_ROUTE_UNKNOWN || (c->method != KH_GET && c->method != KH_HEAD) ||
        kh_str_starts(c->target, KH_S("/api/")))
        return false;
    if (net->config->web.n)
        return kh_assets_serve_dir(x, net->config->web, net->csp, ret_done);
    if (net->assets)
        return kh_assets_serve(net->assets, x, ret_done);
    if (!kh_str_is(c->target, "/"))
        return false;
    kh_assets_none(c);
    *ret_done = kh_send(x);
    return true;
}

/* The request is complete. */
static enum MHD_Result on_request(struct exchange *x)
{
    enum MHD_Result done;

    struct kh_call *c = &x->call;

    if (x->phase == PHASE_BODY) {
        c->body = kh_str(x->body ? x->body : "", x->body_n);
        kh_count(KH_M_HTTP_BYTES_IN, (int64_t)x->body_n);
    }
    if (atomic_load_explicit(&x->net->stopping, memory_order_relaxed)) {
        c->err = (struct kh_error){0};
        x->close_after = true;
        kh_fail(&c->err, KH_EC_OVERLOADED, "the server is stopping");
        kh_reply_error(c, &c->err);
        return kh_send(x);
    }
    return serve_asset(x, &done) ? done : finish(x, kh_call_dispatch(c));
}

static enum MHD_Result on_resumed(struct exchange *x)
{
    kh_net_woken(x->home);
    atomic_fetch_sub(&x->net->waiting, 1);
    kh_count(KH_M_HTTP_WAITING, -1);
    KH_REQUIRE(atomic_exchange(&x->wait, WAIT_NONE) == WAIT_DONE);
    return finish(x, kh_call_continue(&x->call));
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *conn, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_n, void **ctx)
{
    struct exchange *x = *ctx;

    (void)cls;
    (void)conn;
    (void)url;
    switch (x->phase) {
    case PHASE_HEAD:
        return on_head(x, method, version);
    case PHASE_BODY:
    case PHASE_DRAIN:
        if (*upload_n) {
            enum MHD_Result r = body_take(x, upload, *upload_n);

            *upload_n = 0;
            return r;
        }
        return on_request(x);
    case PHASE_RUN:
        return on_resumed(x);
    case PHASE_SENT:
        break;
    }
    return MHD_NO;
}

/* libmicrohttpd parses the query into the small pool of the connection, and falls silent if there are
 * many parameters. We have our copy and use nothing of that, so it gets to see a single one: the text
 * is in its read buffer, which is writable. */
static void hide_query(const char *uri)
{
    char *p = (char *)(uintptr_t)strchr(uri, '?');

    for (; p && *p; p++)
        if (*p == '&' || *p == '=')
            *p = '_';
}

/* The first line is there, still as it was sent. */
static void *on_target(void *cls, const char *uri, struct MHD_Connection *conn)
{
    struct kh_net *net = cls;
    struct exchange *x = exchange_take(net);
    const union MHD_ConnectionInfo *ci =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    KH_REQUIRE(ci && ci->socket_context);
    x->conn = conn;
    x->peer = ci->socket_context;
    x->call.target = kh_str_dup(x->call.a, kh_cstr(uri));
    hide_query(uri);
    kh_peer_deadline(x->peer, kh_mono_us(), net->config->http_header_s, 0);
    return x;
}

static void on_completed(void *cls, struct MHD_Connection *conn, void **ctx,
                         enum MHD_RequestTerminationCode why)
{
    struct exchange *x = *ctx;
    struct kh_net *net = cls;

    (void)conn;
    (void)why;
    if (!x)
        return;
    *ctx = NULL;
    kh_net_woken(x->home);
    kh_peer_deadline(x->peer, kh_mono_us(), net->config->http_idle_s + net->config->http_header_s,
                     0);
    exchange_give(x);
}

/* Paths stay as they were sent; the router sees them raw. */
static size_t leave_as_is(void *cls, struct MHD_Connection *conn, char *s)
{
    (void)cls;
    (void)conn;
    return strlen(s);
}

static enum MHD_Result may_connect(void *cls, const struct sockaddr *sa, socklen_t n)
{
    (void)cls;
    (void)sa;
    (void)n;
    return kh_fault("net.accept") ? MHD_NO : MHD_YES;
}

struct MHD_Daemon *kh_net_daemon(struct kh_net *net, int fd, const char *cert, const char *key,
                                 void (*logger)(void *, const char *, va_list))
{
    const struct kh_config *cf = net->config;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO |
                     MHD_USE_ERROR_LOG | (cert ? (unsigned)MHD_USE_TLS : 0);
    struct MHD_OptionItem more[8];
    size_t n = 0;

    if (cf->http_threads > 1)
        more[n++] = (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, cf->http_threads, NULL};
    if (cf->http_connections_per_address)
        more[n++] = (struct MHD_OptionItem){MHD_OPTION_PER_IP_CONNECTION_LIMIT,
                                            cf->http_connections_per_address, NULL};
    if (cert) {
        static const char versions[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

        more[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(intptr_t)cert};
        more[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(intptr_t)key};
        more[n++] =
            (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(intptr_t)versions};
    }
    more[n] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    return MHD_start_daemon(
        flags, 0, may_connect, NULL, handle, net, /* */
        MHD_OPTION_EXTERNAL_LOGGER, logger, net,  /* must come first */
        MHD_OPTION_LISTEN_SOCKET, fd,             /* */
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)8192, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)cf->http_connections, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)cf->http_idle_s,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, net, MHD_OPTION_NOTIFY_CONNECTION,
        kh_peer_notify, net, MHD_OPTION_URI_LOG_CALLBACK, on_target, net,
        MHD_OPTION_UNESCAPE_CALLBACK, leave_as_is, net, MHD_OPTION_ARRAY, more, MHD_OPTION_END);
}
