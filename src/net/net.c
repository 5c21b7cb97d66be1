/* SPDX-License-Identifier: Apache-2.0 */
/* Start and stop of the door. */
#include "net/net.h"

#include "api/serve.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/rate.h"
#include "base/time.h"
#include "net/assets.h"
#include "net/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { BACKLOG = 4096, STOP_POLL_US = 2000, STOP_GRACE_US = 3000000 };

/* ---- listening ---- */

/* "host:port", "[v6]:port" or ":port". */
static bool split_listen(struct kh_str s, struct kh_str *ret_host, struct kh_str *ret_port)
{
    const char *colon = s.n ? memrchr(s.p, ':', s.n) : NULL;
    struct kh_str host;

    if (!colon)
        return false;
    host = kh_str(s.p, (size_t)(colon - s.p));
    if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
        host = kh_str(host.p + 1, host.n - 2);
    *ret_host = host;
    *ret_port = kh_str_skip(s, (size_t)(colon - s.p) + 1);
    return ret_port->n > 0;
}

static int socket_on(const struct addrinfo *ai, struct kh_error *err)
{
    int on = 1, off = 0;
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0) {
        kh_fail(err, KH_EC_IO, "socket: %s", strerror(errno));
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (ai->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    kh_fail(err, KH_EC_IO, "cannot listen: %s", strerror(errno));
    close(fd);
    return -1;
}

static int open_socket(struct kh_arena *a, struct kh_str listen_on, struct kh_error *err)
{
    struct addrinfo want = {.ai_family = AF_UNSPEC,
                            .ai_socktype = SOCK_STREAM,
                            .ai_flags = AI_PASSIVE | AI_NUMERICSERV},
                    *list = NULL;
    struct kh_str host, port;
    int fd, rc;

    if (!split_listen(listen_on, &host, &port)) {
        kh_fail(err, KH_EC_CONFIG_INVALID, "listen is host:port");
        return -1;
    }
    rc = getaddrinfo(host.n ? kh_str_z(a, host) : NULL, kh_str_z(a, port), &want, &list);
    if (rc != 0) {
        kh_fail(err, KH_EC_CONFIG_INVALID, "listen: %s", gai_strerror(rc));
        return -1;
    }
    fd = socket_on(list, err);
    freeaddrinfo(list);
    if (fd < 0)
        kh_error_wrap(err, "%.*s", KH_FMT(listen_on));
    return fd;
}

static struct kh_str address_of(struct kh_arena *a, int fd)
{
    struct sockaddr_storage ss;
    socklen_t n = sizeof(ss);
    struct kh_addr addr;
    char z[46];
    size_t zn;
    unsigned port;

    if (getsockname(fd, (struct sockaddr *)&ss, &n) != 0 ||
        !kh_addr_of((struct sockaddr *)&ss, &addr))
        return KH_S("?");
    zn = kh_addr_put(&addr, z);
    port = ntohs(ss.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&ss)->sin6_port
                                          : ((struct sockaddr_in *)&ss)->sin_port);
    return memchr(z, ':', zn) ? kh_strf(a, "[%.*s]:%u", (int)zn, z, port)
                              : kh_strf(a, "%.*s:%u", (int)zn, z, port);
}

/* ---- settings ---- */

static bool read_proxies(struct kh_net *net, struct kh_error *err)
{
    struct kh_str list = net->config->trusted_proxies, word;
    size_t cap = 0;

    while ((word = kh_config_word(&list)).n) {
        net->proxies = kh_grow(net->a, net->proxies, net->proxies_n, net->proxies_n + 1, &cap,
                               sizeof(*net->proxies));
        if (!kh_addr_block_parse(word, &net->proxies[net->proxies_n++]))
            return kh_fail(err, KH_EC_CONFIG_INVALID,
                           "trusted_proxies: %.*s is no address or block", KH_FMT(word));
    }
    return true;
}

/* Every connection is a descriptor, and so is every file and database. */
static void raise_descriptors(const struct kh_config *config)
{
    struct rlimit r;
    rlim_t want = (rlim_t)config->http_connections + 1024;

    if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur >= want)
        return;
    r.rlim_cur = want < r.rlim_max ? want : r.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < want)
        kh_log(KH_WARN, "net.descriptors", KV_INT("limit", r.rlim_cur), KV_INT("wanted", want));
}

static void mhd_says(void *cls, const char *fmt, va_list ap)
{
    char z[256];

    (void)cls;
    vsnprintf(z, sizeof(z), fmt, ap);
    kh_log(KH_DEBUG, "net.mhd", KV_STR("text", kh_str_trim(kh_cstr(z))));
}

void kh_net_access(struct exchange *x, int status, int64_t us, int64_t bytes)
{
    const struct kh_call *c = &x->call;

    if (!x->net->log_access)
        return;
    kh_log_request(c->id);
    kh_log(KH_DEBUG, "http.reply", KV_Z("route", c->route ? c->route->name : ""),
           KV_INT("method", c->method), KV_INT("status", status), KV_INT("us", us),
           KV_INT("bytes", bytes));
    kh_log_request(kh_str(NULL, 0));
}

/* ---- life ---- */

static struct kh_net *net_new(const struct kh_config *config, struct kh_city *city)
{
    struct kh_arena *a = kh_arena_new(SIZE_MAX);
    struct kh_net *net = kh_new(a, struct kh_net);

    net->a = a;
    net->config = config;
    net->city = city;
    net->tls = config->tls_cert.n != 0;
    net->log_access = kh_str_is(config->log_level, "debug");
    net->rate = kh_rate_new();
    kh_random(&net->seed, sizeof(net->seed));
    KH_REQUIRE(pthread_key_create(&net->local_key, kh_net_local_drop) == 0);
    KH_REQUIRE(pthread_mutex_init(&net->lives_lock, NULL) == 0);
    kh_watch_start(net);
    return net;
}

static void net_drop(struct kh_net *net)
{
    kh_watch_stop(net);
    /* libmicrohttpd may have ended requests on this thread. */
    kh_net_local_drop(pthread_getspecific(net->local_key));
    pthread_setspecific(net->local_key, NULL);
    pthread_key_delete(net->local_key);
    pthread_mutex_destroy(&net->lives_lock);
    kh_rate_drop(net->rate);
    kh_assets_drop(net->assets);
    kh_arena_drop(net->a);
}

/* Pages run our own scripts only; maps make workers and pictures from blobs. */
static struct kh_str policy(struct kh_arena *a, const struct kh_config *cf)
{
    const char *tiles = cf->tiles_origin.n ? cf->tiles_origin.p : "";

    return kh_strf(a,
                   "default-src 'self'; script-src 'self'; worker-src 'self' blob:; child-src "
                   "'self' blob:; style-src 'self' 'unsafe-inline'; img-src 'self' blob: data: %s; "
                   "font-src 'self'; connect-src 'self' %s; media-src 'self' blob:; object-src "
                   "'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
                   tiles, tiles);
}

static bool net_listen(struct kh_net *net, struct kh_error *err)
{
    const struct kh_config *cf = net->config;
    const char *cert = NULL, *key = NULL;
    int fd;

    if ((cf->tls_cert.n != 0) != (cf->tls_key.n != 0))
        return kh_fail(err, KH_EC_CONFIG_INVALID, "tls_cert and tls_key go together");
    if (net->tls && !kh_tls_read(net->a, cf, &cert, &key, err))
        return false;
    if (!read_proxies(net, err))
        return false;
    net->csp = policy(net->a, cf);
    if (kh_asset_rows_n && !cf->web.n)
        net->assets = kh_assets_new(net->a, net->csp, net->tls);
    fd = open_socket(net->a, cf->listen, err);
    if (fd < 0)
        return false;
    net->address = address_of(net->a, fd);
    net->daemon = kh_net_daemon(net, fd, cert, key, mhd_says);
    if (net->daemon)
        return true;
    close(fd);
    return kh_fail(err, KH_EC_IO, "the HTTP server does not start");
}

bool kh_net_start(const struct kh_config *config, struct kh_city *city, struct kh_net **ret_net,
                  struct kh_error *err)
{
    struct kh_net *net;

    city->config = config;
    if (!kh_api_open(city, err))
        return false;
    signal(SIGPIPE, SIG_IGN);
    raise_descriptors(config);
    net = net_new(config, city);
    if (!net_listen(net, err)) {
        net_drop(net);
        kh_api_close(city);
        return false;
    }
    *ret_net = net;
    return true;
}

struct kh_str kh_net_address(const struct kh_net *net)
{
    return net->address;
}

/* A suspended connection must not be there when the daemon stops: calls that wait are answered by
 * the store and the workers, streams end by themselves once woken. Then their clients have a moment
 * to take the replies. */
static void finish_calls(struct kh_net *net)
{
    int64_t until = kh_mono_us() + STOP_GRACE_US;

    do {
        kh_live_stop(net);
        usleep(STOP_POLL_US);
    } while (atomic_load(&net->waiting) > 0 || atomic_load(&net->asleep) > 0);
    while (atomic_load(&net->owed) > 0 && kh_mono_us() < until)
        usleep(STOP_POLL_US);
}

void kh_net_stop(struct kh_net *net)
{
    struct kh_city *city;
    int fd;

    if (!net)
        return;
    city = net->city;
    fd = MHD_quiesce_daemon(net->daemon);
    atomic_store(&net->stopping, true);
    finish_calls(net);
    MHD_stop_daemon(net->daemon);
    if (fd >= 0)
        close(fd);
    net_drop(net);
    kh_api_close(city);
}
