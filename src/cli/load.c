/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/load.h"

#include "base/time.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* Times in buckets: 64 for each doubling, so that a percentile is right to about one per cent. */
enum { SUB = 64, BUCKETS = SUB * 32, IN_MAX = 1 << 20 };

struct times {
    int64_t n, bucket[BUCKETS];
};

static size_t bucket_of(int64_t us)
{
    uint64_t v = us < 1 ? 1 : (uint64_t)us;
    unsigned log = 63 - (unsigned)__builtin_clzll(v);
    size_t i = log < 6 ? (size_t)v : (size_t)(log - 5) * SUB + (size_t)((v >> (log - 6)) & 63);

    return i < BUCKETS ? i : BUCKETS - 1;
}

static int64_t bucket_us(size_t i)
{
    return i < SUB ? (int64_t)i : (int64_t)((SUB + i % SUB) << (i / SUB - 1));
}

static void times_add(struct times *t, int64_t us)
{
    t->n++;
    t->bucket[bucket_of(us)]++;
}

static int64_t times_at(const struct times *t, double share)
{
    int64_t left = (int64_t)((double)t->n * share);

    for (size_t i = 0; i < BUCKETS; i++) {
        left -= t->bucket[i];
        if (left < 0)
            return bucket_us(i);
    }
    return 0;
}

struct conn {
    struct kh_client c;
    int fd;
    unsigned kind;
    int64_t asked_us;
    struct kh_arena *a; /* of the request being sent */
    struct kh_buf out;
    size_t sent, in_n, in_cap;
    char *in;
    bool over;
};

struct kh_load {
    const struct kh_load_config *config;
    struct addrinfo *to;
    int epoll;
    struct conn *conns;
    int64_t end_us;
    struct times all, kinds[KH_LOAD_KINDS], rounds;
    struct kh_load_result *r;
    struct conn *asking;
};

void kh_ask(struct kh_load *l, struct kh_client *c, struct kh_buf *request, unsigned kind,
            const char *method, struct kh_str path, struct kh_str auth, struct kh_str body)
{
    (void)c;
    l->asking->kind = kind < KH_LOAD_KINDS ? kind : KH_LOAD_KINDS - 1;
    kh_buf_strf(request, "%s %.*s HTTP/1.1\r\nHost: %s:%s\r\n", method, KH_FMT(path),
                l->config->host, l->config->port);
    if (auth.n)
        kh_buf_strf(request, "Authorization: Bearer %.*s\r\n", KH_FMT(auth));
    if (body.n)
        kh_buf_strf(request, "Content-Type: application/json\r\nContent-Length: %zu\r\n", body.n);
    kh_buf_z(request, "\r\n");
    kh_buf_str(request, body);
}

void kh_load_round(struct kh_load *l, struct kh_client *c)
{
    int64_t now = kh_mono_us();

    if (c->started_us) {
        l->r->rounds++;
        times_add(&l->rounds, now - c->started_us);
    }
    c->started_us = now;
}

static int dial(struct kh_load *l)
{
    int one = 1;
    int fd = socket(l->to->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(fd, l->to->ai_addr, l->to->ai_addrlen) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool flush(struct conn *k)
{
    while (k->sent < k->out.n) {
        ssize_t n = send(k->fd, k->out.p + k->sent, k->out.n - k->sent, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        k->sent += (size_t)n;
    }
    return true;
}

/* Ask the next thing; requests are short, so a blocking send never waits for long. */
static void ask(struct kh_load *l, struct conn *k)
{
    kh_arena_reset(k->a);
    k->out = kh_buf(k->a, 1 << 20);
    k->sent = 0;
    l->asking = k;
    if (kh_mono_us() >= l->end_us || !l->config->script(l, &k->c, &k->out)) {
        k->over = true;
        return;
    }
    k->asked_us = kh_mono_us();
    if (!flush(k)) {
        l->r->errors++;
        k->over = true;
    }
}

/* A header's number, or -1; names are as our server writes them. */
static int64_t header_number(const char *head, size_t n, const char *name)
{
    const char *at = memmem(head, n, name, strlen(name));

    return at ? strtoll(at + strlen(name), NULL, 10) : -1;
}

/* @return true if a whole answer was there */
static bool answer(struct kh_load *l, struct conn *k)
{
    const char *end = memmem(k->in, k->in_n, "\r\n\r\n", 4);
    size_t head;
    int64_t length;

    if (!end)
        return false;
    head = (size_t)(end - k->in) + 4;
    length = header_number(k->in, head, "Content-Length: ");
    if (length < 0)
        length = 0;
    if (k->in_n < head + (size_t)length)
        return false;
    k->c.status = (int)strtol(k->in + 9, NULL, 10);
    k->c.body = kh_str(k->in + head, (size_t)length);
    times_add(&l->all, kh_mono_us() - k->asked_us);
    times_add(&l->kinds[k->kind], kh_mono_us() - k->asked_us);
    l->r->calls++;
    if (k->c.status >= 400) {
        l->r->errors++;
        if (!l->r->first_error) {
            l->r->first_error = k->c.status;
            snprintf(l->r->first_detail, sizeof(l->r->first_detail), "%.*s", KH_FMT(k->c.body));
        }
    }
    ask(l, k);
    k->in_n = 0; /* one question at a time: nothing follows an answer */
    return true;
}

static void readable(struct kh_load *l, struct conn *k)
{
    ssize_t n;

    if (k->in_cap - k->in_n < 4096) {
        k->in_cap = k->in_cap ? k->in_cap * 2 : 16384;
        k->in = realloc(k->in, k->in_cap);
        KH_REQUIRE(k->in && k->in_cap <= 64 * (size_t)IN_MAX);
    }
    n = recv(k->fd, k->in + k->in_n, k->in_cap - k->in_n, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        l->r->errors++;
        k->over = true;
        return;
    }
    k->in_n += (size_t)n;
    while (k->in_n && answer(l, k))
        ;
}

static bool resolve(const char *host, const char *port, struct addrinfo **ret,
                    struct kh_error *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};

    if (getaddrinfo(host, port, &hints, ret) != 0)
        return kh_fail(err, KH_EC_OUTBOUND_FAILED, "%s:%s is no address", host, port);
    return true;
}

static void results(struct kh_load *l, int64_t start)
{
    struct kh_load_result *r = l->r;

    r->took_us = kh_mono_us() - start;
    r->p50_us = times_at(&l->all, 0.50);
    r->p99_us = times_at(&l->all, 0.99);
    r->round_p50_us = times_at(&l->rounds, 0.50);
    r->round_p99_us = times_at(&l->rounds, 0.99);
    for (size_t i = 0; i < KH_LOAD_KINDS; i++) {
        r->kind_n[i] = l->kinds[i].n;
        r->kind_p50[i] = times_at(&l->kinds[i], 0.50);
        r->kind_p99[i] = times_at(&l->kinds[i], 0.99);
    }
}

static bool connect_all(struct kh_load *l, struct kh_error *err)
{
    for (unsigned i = 0; i < l->config->clients; i++) {
        struct conn *k = &l->conns[i];
        struct epoll_event ev = {.events = EPOLLIN, .data.ptr = k};

        k->a = kh_arena_new(4 << 20);
        k->c = (struct kh_client){.id = (int)i, .ctx = l->config->ctx, .seed = i * 7919 + 1};
        k->fd = dial(l);
        if (k->fd < 0)
            return kh_fail(err, KH_EC_OUTBOUND_FAILED, "cannot connect to %s:%s: %s",
                           l->config->host, l->config->port, strerror(errno));
        epoll_ctl(l->epoll, EPOLL_CTL_ADD, k->fd, &ev);
    }
    return true;
}

static void turn(struct kh_load *l)
{
    struct epoll_event ev[64];
    int n = epoll_wait(l->epoll, ev, 64, 100);

    for (int i = 0; i < n; i++) {
        struct conn *k = ev[i].data.ptr;

        if (!k->over)
            readable(l, k);
        if (k->over)
            epoll_ctl(l->epoll, EPOLL_CTL_DEL, k->fd, NULL);
    }
}

static bool all_over(const struct kh_load *l)
{
    /* A server that hangs does not hang the bench: a little after the end all is over. */
    if (kh_mono_us() > l->end_us + 10 * KH_US_S)
        return true;
    for (unsigned i = 0; i < l->config->clients; i++)
        if (!l->conns[i].over)
            return false;
    return true;
}

bool kh_load_run(const struct kh_load_config *config, struct kh_load_result *ret,
                 struct kh_error *err)
{
    struct kh_load *l = calloc(1, sizeof(*l));
    int64_t start;
    bool ok;

    KH_REQUIRE(l != NULL);
    *ret = (struct kh_load_result){0};
    l->config = config;
    l->r = ret;
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    l->conns = calloc(config->clients, sizeof(*l->conns));
    KH_REQUIRE(l->conns != NULL);
    ok = resolve(config->host, config->port, &l->to, err) && connect_all(l, err);
    start = kh_mono_us();
    l->end_us = start + config->run_us;
    for (unsigned i = 0; ok && i < config->clients; i++)
        ask(l, &l->conns[i]);
    while (ok && !all_over(l))
        turn(l);
    if (ok)
        results(l, start);
    for (unsigned i = 0; i < config->clients; i++) {
        if (l->conns[i].a && l->conns[i].fd >= 0)
            close(l->conns[i].fd);
        kh_arena_drop(l->conns[i].a);
        free(l->conns[i].in);
    }
    if (l->to)
        freeaddrinfo(l->to);
    close(l->epoll);
    free(l->conns);
    free(l);
    return ok;
}

bool kh_load_idle(const char *host, const char *port, unsigned n, int64_t hold_us,
                  unsigned *ret_open, struct kh_error *err)
{
    struct rlimit files = {n + 256, n + 256};
    struct kh_load l = {0};
    int *fds = calloc(n, sizeof(*fds));
    unsigned made = 0;

    KH_REQUIRE(fds != NULL);
    (void)setrlimit(RLIMIT_NOFILE, &files);
    if (!resolve(host, port, &l.to, err)) {
        free(fds);
        return false;
    }
    while (made < n && (fds[made] = dial(&l)) >= 0)
        made++;
    for (int64_t end = kh_mono_us() + hold_us; kh_mono_us() < end;)
        usleep(50000);
    *ret_open = 0;
    for (unsigned i = 0; i < made; i++) {
        char c;
        ssize_t got = recv(fds[i], &c, 1, MSG_DONTWAIT | MSG_PEEK);

        *ret_open += got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
        close(fds[i]);
    }
    freeaddrinfo(l.to);
    free(fds);
    return true;
}
