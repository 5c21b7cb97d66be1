/* SPDX-License-Identifier: Apache-2.0 */
/* The door with real sockets: framing, deadlines, waiting calls, streams, stop. */
#include "net/net.h"

#include "api/call.h"
#include "api/router.h"
#include "base/time.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

static struct kh_config *config;
static struct kh_city city;
static struct kh_net *net;
static _Atomic int held, closed_streams;

/* ---- what is served ---- */

static enum kh_next hello(struct kh_call *c)
{
    return kh_reply_text(c, 200, "text/plain", kh_strf(c->a, "hello %.*s", KH_FMT(c->params[0])));
}

static enum kh_next echo(struct kh_call *c)
{
    return kh_reply_text(c, 200, "application/octet-stream", c->body);
}

static enum kh_next peer(struct kh_call *c)
{
    return kh_reply_text(c, 200, "text/plain",
                         kh_strf(c->a, "%.*s %s", KH_FMT(c->peer), c->tls ? "tls" : "plain"));
}

static void wait_a_bit(struct kh_call *c)
{
    held++;
    usleep(30000);
    held--;
    kh_reply_text(c, 200, "text/plain", KH_S("waited"));
}

static enum kh_next slow(struct kh_call *c)
{
    return kh_call_offload(c, wait_a_bit);
}

static enum kh_next big(struct kh_call *c)
{
    char *p = kh_alloc(c->a, 200000);

    for (size_t i = 0; i < 200000; i++)
        p[i] = (char)('a' + i % 7);
    return kh_reply_text(c, 200, "text/plain", kh_str(p, 200000));
}

static enum kh_next file(struct kh_call *c)
{
    char path[] = "/tmp/khue-file-XXXXXX";
    int fd = mkstemp(path);

    assert_true(fd >= 0 && write(fd, "0123456789", 10) == 10 && lseek(fd, 0, SEEK_SET) == 0);
    unlink(path);
    return kh_reply_file(c, 200, KH_S("video/mp4"), fd, 10);
}

/* A stream that counts to five, one step at each wake, then stays silent. */
struct counter {
    struct kh_stream s;
    int n;
    _Atomic int told;
    _Atomic bool gone;
    pthread_t thread;
};

static size_t counter_read(struct kh_stream *s, char *out, size_t room)
{
    struct counter *k = (struct counter *)s;

    if (k->n >= k->told || room < 2)
        return KH_STREAM_IDLE;
    out[0] = (char)('0' + k->n++);
    out[1] = '\n';
    return 2;
}

static void counter_close(struct kh_stream *s)
{
    struct counter *k = (struct counter *)s;

    k->gone = true;
    pthread_join(k->thread, NULL);
    closed_streams++;
}

static void *counter_run(void *arg)
{
    struct counter *k = arg;

    for (int i = 0; i < 5 && !k->gone; i++) {
        usleep(1000);
        k->told++;
        k->s.call->ops->stream_wake(k->s.call);
    }
    return NULL;
}

static enum kh_next count(struct kh_call *c)
{
    struct counter *k = kh_new(c->a, struct counter);

    k->s = (struct kh_stream){counter_read, counter_close, c};
    assert_int_equal(pthread_create(&k->thread, NULL, counter_run, k), 0);
    return kh_reply_stream(c, "text/event-stream", &k->s);
}

static const struct kh_route routes[] = {
    {KH_GET, "/hello/{x}", "hello", hello, KH_R_PUBLIC, 0, "q", NULL, "", "", NULL, NULL},
    {KH_POST, "/echo", "echo", echo, KH_R_PUBLIC | KH_R_ANY_BODY, 65536, "", NULL, "", "", NULL,
     NULL},
    {KH_GET, "/peer", "peer", peer, KH_R_PUBLIC, 0, "", NULL, "", "", NULL, NULL},
    {KH_GET, "/slow", "slow", slow, KH_R_PUBLIC, 0, "", NULL, "", "", NULL, NULL},
    {KH_GET, "/big", "big", big, KH_R_PUBLIC, 0, "", NULL, "", "", NULL, NULL},
    {KH_GET, "/file", "file", file, KH_R_PUBLIC, 0, "", NULL, "", "", NULL, NULL},
    {KH_GET, "/count", "count", count, KH_R_PUBLIC, 0, "", NULL, "", "", NULL, NULL},
    {.handler = NULL},
};
static const struct kh_route *const tables[] = {routes, NULL};

/* ---- a very plain client ---- */

static int start(const char *settings)
{
    struct kh_error err = {0};

    config = kh_config_new();
    city = (struct kh_city){.tables = tables};
    closed_streams = 0;
    if (!kh_config_text(config, "test", KH_S("listen = 127.0.0.1:0\n"), &err) ||
        !kh_config_text(config, "test", kh_cstr(settings), &err) ||
        !kh_net_start(config, &city, &net, &err)) {
        print_error("%s\n", err.detail);
        return -1;
    }
    return 0;
}

static int setup(void **state)
{
    (void)state;
    return start(
        "http_header_s = 1\nhttp_body_s = 1\nhttp_body_rate = 1000000\nhttp_drain_bytes = 300000\n");
}

static int teardown(void **state)
{
    (void)state;
    kh_net_stop(net);
    kh_config_drop(config);
    net = NULL;
    return 0;
}

static int dial(void)
{
    struct kh_str address = kh_net_address(net), port;
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct timeval tv = {.tv_sec = 10};
    int64_t n;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    (void)kh_str_cut(address, ':', &port);
    assert_true(kh_str_int(port, &n));
    in.sin_port = htons((uint16_t)n);
    assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
    return fd;
}

static void put(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t w = send(fd, p, n, MSG_NOSIGNAL);

        if (w <= 0)
            return;
        p += w;
        n -= (size_t)w;
    }
}

static void putz(int fd, const char *z)
{
    put(fd, z, strlen(z));
}

static char got[1 << 20];
static size_t got_n;

/* Read until `want` came so many times, or the end. */
static const char *get(int fd, const char *want, int times)
{
    got_n = 0;
    for (;;) {
        ssize_t r;
        int seen = 0;

        got[got_n] = 0;
        for (const char *p = got;
             want && (p = memmem(p, got_n - (size_t)(p - got), want, strlen(want))); p++)
            seen++;
        if (want && seen >= times)
            return got;
        r = recv(fd, got + got_n, sizeof(got) - got_n - 1, 0);
        if (r <= 0)
            return got;
        got_n += (size_t)r;
    }
}

/* Send, read to the end of the connection. */
static const char *ask(const char *request)
{
    int fd = dial();

    putz(fd, request);
    get(fd, NULL, 0);
    close(fd);
    return got;
}

static void answers(const char *request, const char *status)
{
    const char *t = ask(request);

    if (strncmp(t, status, strlen(status)) != 0)
        fail_msg("%s\n-> %.200s", request, t);
}

#define CLOSE "Connection: close\r\n\r\n"
#define HOST  "Host: x\r\n"

static void refuses_what_can_be_read_in_two_ways(void **state)
{
    (void)state;
    answers(
        "POST /echo HTTP/1.1\r\n" HOST
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /hello/smuggled HTTP/1.1\r\n" HOST
        "\r\n",
        "HTTP/1.1 400");
    assert_null(strstr(got, "smuggled"));
    answers("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
            "HTTP/1.1 400");
    answers("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
            "HTTP/1.1 400");
    answers("POST /echo HTTP/1.1\r\n" HOST
            "Content-Length : 5\r\n\r\nGET /hello/smuggled HTTP/1.1\r\n" HOST "\r\n",
            "HTTP/1.1 400");
    assert_null(strstr(got, "smuggled"));
    answers("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5, 5\r\n\r\nhello", "HTTP/1.1 400");
    answers("POST /echo HTTP/1.1\r\n" HOST "Content-Length: +5\r\n\r\nhello", "HTTP/1.1 400");
    answers("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0x5\r\n\r\nhello", "HTTP/1.1 400");
    answers("POST /echo HTTP/1.1\r\n" HOST "Content-Length: -5\r\n\r\nhello", "HTTP/1.1 400");
    answers("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\nhello",
            "HTTP/1.1 4");
    answers("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 400");
    answers("POST /echo HTTP/1.1\r\n" HOST
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 400");
    answers("POST /echo HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.");
    assert_non_null(strstr(got, " 400 "));
    answers("GET /hello/x HTTP/1.1\r\n" HOST "Host: y\r\n" CLOSE, "HTTP/1.1 400");
    answers("GET /hello/x HTTP/1.1\r\n" CLOSE, "HTTP/1.1 400");
    answers("GET /hello/x HTTP/1.1\r\n" HOST "Authorization: a\r\nAuthorization: b\r\n" CLOSE,
            "HTTP/1.1 400");
}

static void keeps_encoded_slashes_and_refuses_encoded_nul(void **state)
{
    (void)state;
    answers("GET /hello/a%2Fb HTTP/1.1\r\n" HOST CLOSE, "HTTP/1.1 200");
    assert_non_null(strstr(got, "hello a/b"));
    answers("GET /hello/a%00b HTTP/1.1\r\n" HOST CLOSE, "HTTP/1.1 400");
    answers("GET /hello/a?q=%00 HTTP/1.1\r\n" HOST CLOSE, "HTTP/1.1 400");
    answers("GET /hel%6Co/a HTTP/1.1\r\n" HOST CLOSE, "HTTP/1.1 404");
    answers("GET /hello/%zz HTTP/1.1\r\n" HOST CLOSE, "HTTP/1.1 400");
    answers("GET /hello/%2 HTTP/1.1\r\n" HOST CLOSE, "HTTP/1.1 400");
    answers("GET /hello/\x01 HTTP/1.1\r\n" HOST CLOSE, "HTTP/1.1 400");
    answers("GET /hello/%ff%fe HTTP/1.1\r\n" HOST CLOSE, "HTTP/1.1 400");
    answers("GET /hello/../hello/x HTTP/1.1\r\n" HOST CLOSE, "HTTP/1.1 404");
    answers("GET http://elsewhere/hello/abs HTTP/1.1\r\n" HOST CLOSE, "HTTP/1.1 200");
    assert_int_equal(strlen(ask("GARBAGE\r\n\r\n")), 0); /* no HTTP: closed without a word */
}

static void takes_more_parameters_than_a_connection_has_memory_for(void **state)
{
    char rq[8000] = "GET /hello/x?", *p = rq + strlen(rq);

    (void)state;
    for (int i = 0; i < 700; i++)
        p = stpcpy(p, "a=1&");
    stpcpy(p, " HTTP/1.1\r\n" HOST CLOSE);
    answers(rq, "HTTP/1.1 400");
    assert_non_null(strstr(got, "REQUEST_MALFORMED"));
    answers("GET /hello/x?q=a&q=b HTTP/1.1\r\n" HOST CLOSE, "HTTP/1.1 400");
    assert_non_null(strstr(got, "PARAMETER_INVALID"));
}

static void answers_pipelined_requests_in_order(void **state)
{
    int fd = dial();
    const char *t, *a, *b;

    (void)state;
    putz(fd, "GET /slow HTTP/1.1\r\n" HOST "\r\nGET /hello/2 HTTP/1.1\r\n" HOST
             "\r\nPOST /echo HTTP/1.1\r\n" HOST
             "Content-Length: 3\r\n\r\nxyzGET /hello/4 HTTP/1.1\r\n" HOST CLOSE);
    t = get(fd, NULL, 0);
    a = strstr(t, "waited");
    assert_non_null(a);
    b = strstr(a, "hello 2");
    assert_non_null(b);
    a = strstr(b, "xyz");
    assert_non_null(a);
    assert_non_null(strstr(a, "hello 4"));
    close(fd);
}

static void takes_bodies_up_to_the_bound_of_the_route(void **state)
{
    char head[256], *body = calloc(1, 400000);
    int fd = dial();

    (void)state;
    memset(body, 'x', 400000);
    snprintf(head, sizeof(head), "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 65536\r\n\r\n");
    putz(fd, head);
    put(fd, body, 65536);
    get(fd, "\r\n\r\nxxx", 1);
    while (got_n < 65536)
        got_n += (size_t)recv(fd, got, sizeof(got), 0);
    /* Too long by one: read to its end, answered, and the connection goes on. */
    snprintf(head, sizeof(head), "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 65537\r\n\r\n");
    putz(fd, head);
    put(fd, body, 65537);
    assert_non_null(strstr(get(fd, "BODY_TOO_LARGE", 1), "HTTP/1.1 413"));
    putz(fd, "GET /hello/again HTTP/1.1\r\n" HOST "\r\n");
    assert_non_null(strstr(get(fd, "again", 1), "HTTP/1.1 200"));
    close(fd);
    /* Chunked: the length is not known before. */
    fd = dial();
    putz(fd, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 3; i++) {
        putz(fd, "7530\r\n");
        put(fd, body, 30000);
        putz(fd, "\r\n");
    }
    putz(fd, "0\r\n\r\n");
    assert_non_null(strstr(get(fd, "BODY_TOO_LARGE", 1), "HTTP/1.1 413"));
    close(fd);
    /* Who asks first is told at once, and so is who would send more than is thrown away. */
    answers("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 70000\r\nExpect: 100-continue\r\n\r\n",
            "HTTP/1.1 413");
    answers("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 9000000\r\n\r\n", "HTTP/1.1 413");
    free(body);
}

/* How long until the server closes, in milliseconds, while a byte is sent every 100 ms. */
static int64_t dribble(const char *first, char byte)
{
    int64_t start = kh_mono_us();
    int fd = dial();
    char c;

    putz(fd, first);
    for (int i = 0; i < 100; i++) {
        ssize_t r;

        (void)!send(fd, &byte, 1, MSG_NOSIGNAL);
        usleep(100000);
        r = recv(fd, &c, 1, MSG_DONTWAIT);
        if (r == 0 || (r < 0 && errno != EAGAIN))
            break;
    }
    close(fd);
    return (kh_mono_us() - start) / 1000;
}

static void closes_on_those_who_trickle(void **state)
{
    int64_t head, body;

    (void)state;
    head = dribble("GET /hello/x HTTP/1.1\r\n" HOST "X-Slow: ", 'a');
    assert_in_range(head, 900, 4000);
    body = dribble("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 60000\r\n\r\n", 'a');
    assert_in_range(body, 900, 4000);
}

static void leaves_a_waiting_call_its_time(void **state)
{
    (void)state;
    answers("GET /slow HTTP/1.1\r\n" HOST CLOSE, "HTTP/1.1 200");
    assert_non_null(strstr(got, "waited"));
}

static void *ask_slow(void *arg)
{
    int fd = dial();
    char *ok = arg, z[512] = {0};
    size_t n = 0;
    ssize_t r;

    for (int i = 0; i < 5; i++)
        putz(fd,
             i < 4 ? "GET /slow HTTP/1.1\r\n" HOST "\r\n" : "GET /slow HTTP/1.1\r\n" HOST CLOSE);
    for (int waited = 0; (r = recv(fd, z + n, sizeof(z) - n - 1, 0)) > 0;) {
        char *p;

        n += (size_t)r;
        while ((p = memmem(z, n, "waited", 6))) {
            n = (size_t)(z + n - p) - 6;
            memmove(z, p + 6, n);
            if (++waited == 5)
                *ok = 1;
        }
        if (n > sizeof(z) - 2)
            break;
    }
    close(fd);
    return NULL;
}

static void serves_many_waiting_calls_on_two_threads(void **state)
{
    pthread_t t[40];
    char ok[40] = {0};

    (void)state;
    for (size_t i = 0; i < KH_LEN(t); i++)
        assert_int_equal(pthread_create(&t[i], NULL, ask_slow, &ok[i]), 0);
    for (size_t i = 0; i < KH_LEN(t); i++) {
        pthread_join(t[i], NULL);
        assert_int_equal(ok[i], 1);
    }
}

static void answers_who_waits_before_it_stops(void **state)
{
    int fd = dial(), idle = dial();

    putz(fd, "GET /slow HTTP/1.1\r\n" HOST "\r\n");
    while (held == 0)
        usleep(1000);
    teardown(state);
    assert_non_null(strstr(get(fd, NULL, 0), "waited"));
    close(fd);
    close(idle);
    assert_int_equal(setup(state), 0);
}

static void streams_and_ends_streams_when_it_stops(void **state)
{
    int fd[20];

    for (size_t i = 0; i < KH_LEN(fd); i++) {
        fd[i] = dial();
        putz(fd[i], "GET /count HTTP/1.1\r\n" HOST "\r\n");
    }
    for (size_t i = 0; i < KH_LEN(fd); i++)
        assert_non_null(strstr(get(fd[i], "4\n", 1), "text/event-stream"));
    close(fd[0]); /* one client goes away by itself */
    teardown(state);
    assert_int_equal(closed_streams, KH_LEN(fd));
    for (size_t i = 1; i < KH_LEN(fd); i++) {
        get(fd[i], NULL, 0);
        assert_non_null(strstr(got, "0\r\n\r\n"));
        close(fd[i]);
    }
    assert_int_equal(setup(state), 0);
}

static const char *body_of(const char *reply, size_t *ret_n)
{
    const char *p = strstr(reply, "\r\n\r\n");

    assert_non_null(p);
    *ret_n = got_n - (size_t)(p + 4 - reply);
    return p + 4;
}

static void compresses_what_is_long(void **state)
{
    static char plain[300000];
    const char *b;
    size_t n;
    z_stream z = {0};

    (void)state;
    b = body_of(ask("GET /big HTTP/1.1\r\n" HOST "Accept-Encoding: gzip, zstd\r\n" CLOSE), &n);
    assert_non_null(strstr(got, "Content-Encoding: zstd"));
    assert_int_equal(ZSTD_decompress(plain, sizeof(plain), b, n), 200000);
    b = body_of(ask("GET /big HTTP/1.1\r\n" HOST "Accept-Encoding: gzip, zstd;q=0\r\n" CLOSE), &n);
    assert_non_null(strstr(got, "Content-Encoding: gzip"));
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)b;
    z.avail_in = (uInt)n;
    z.next_out = (Bytef *)plain;
    z.avail_out = sizeof(plain);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.total_out, 200000);
    inflateEnd(&z);
    (void)body_of(ask("GET /big HTTP/1.1\r\n" HOST "Accept-Encoding: identity\r\n" CLOSE), &n);
    assert_int_equal(n, 200000);
    assert_non_null(strstr(got, "Vary: Accept-Encoding"));
    (void)body_of(ask("GET /hello/x HTTP/1.1\r\n" HOST "Accept-Encoding: gzip\r\n" CLOSE), &n);
    assert_null(strstr(got, "Content-Encoding"));
    (void)body_of(ask("HEAD /hello/x HTTP/1.1\r\n" HOST CLOSE), &n);
    assert_int_equal(n, 0);
    assert_non_null(strstr(got, "Content-Length: 7"));
}

static void sends_parts_of_files(void **state)
{
    static const struct {
        const char *range, *status, *body;
    } cases[] = {
        {"bytes=2-4", "206", "\r\n\r\n234"}, {"bytes=7-", "206", "\r\n\r\n789"},
        {"bytes=-2", "206", "\r\n\r\n89"},   {"bytes=0-99", "200", "0123456789"},
        {"bytes=10-", "416", "bytes */10"},  {"bytes=-0", "416", "bytes */10"},
        {"bytes=4-2", "200", "0123456789"},  {"bytes=1-2,4-5", "200", "0123456789"},
        {"lines=1-2", "200", "0123456789"},
    };

    (void)state;
    for (size_t i = 0; i < KH_LEN(cases); i++) {
        char rq[200];

        snprintf(rq, sizeof(rq), "GET /file HTTP/1.1\r\n" HOST "Range: %s\r\n" CLOSE,
                 cases[i].range);
        ask(rq);
        if (strncmp(got + 9, cases[i].status, 3) != 0 || !strstr(got, cases[i].body))
            fail_msg("%s -> %s", cases[i].range, got);
    }
    assert_non_null(strstr(got, "Content-Security-Policy: default-src 'none'"));
}

static int start_proxied(void **state)
{
    (void)state;
    return start(
        "trusted_proxies = 127.0.0.0/8, 198.51.100.1\nrate_address = 1\nrate_address_burst = 2\n");
}

static void believes_proxies_only(void **state)
{
    (void)state;
    ask("GET /peer HTTP/1.1\r\n" HOST
        "X-Forwarded-For: 6.6.6.6, 203.0.113.5, 198.51.100.1\r\nX-Forwarded-Proto: https\r\n" CLOSE);
    assert_non_null(strstr(got, "203.0.113.5 tls"));
    assert_non_null(strstr(got, "Strict-Transport-Security"));
    ask("GET /peer HTTP/1.1\r\n" HOST "X-Forwarded-For: 203.0.113.6, nonsense\r\n" CLOSE);
    assert_non_null(strstr(got, "127.0.0.1 plain"));
    teardown(state);
    assert_int_equal(start("rate_address = 1\n"), 0);
    ask("GET /peer HTTP/1.1\r\n" HOST "X-Forwarded-For: 203.0.113.5\r\n" CLOSE);
    assert_non_null(strstr(got, "127.0.0.1 plain"));
}

static void limits_an_address(void **state)
{
    static const char a[] =
        "GET /hello/x HTTP/1.1\r\n" HOST "X-Forwarded-For: 203.0.113.5\r\n" CLOSE;

    (void)state;
    answers(a, "HTTP/1.1 200");
    answers(a, "HTTP/1.1 200");
    answers(a, "HTTP/1.1 429");
    assert_non_null(strstr(got, "Retry-After: 1"));
    answers("GET /hello/x HTTP/1.1\r\n" HOST "X-Forwarded-For: 203.0.113.6\r\n" CLOSE,
            "HTTP/1.1 200");
    for (int i = 0; i < 5; i++)
        answers("GET /hello/x HTTP/1.1\r\n" HOST CLOSE, "HTTP/1.1 200");
}

static void carries_the_trace_of_the_caller(void **state)
{
    (void)state;
    ask("GET /hello/x HTTP/1.1\r\n" HOST
        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n" CLOSE);
    assert_non_null(strstr(got, "X-Request-Id: 0af7651916cd43dd8448eb211c80319c\r\n"));
    ask("GET /nothing HTTP/1.1\r\n" HOST
        "traceparent: 00-00000000000000000000000000000000-b7ad6b7169203331-01\r\n" CLOSE);
    assert_null(strstr(got, "X-Request-Id: 0000000000000000000"));
    assert_non_null(strstr(got, "X-Request-Id: "));
}

static void says_what_is_wrong_with_its_settings(void **state)
{
    static const char *const wrong[] = {"listen = nowhere", "listen = 127.0.0.1:http",
                                        "tls_cert = /tmp", "trusted_proxies = a",
                                        "tls_cert = /nowhere\ntls_key = /nowhere"};

    (void)state;
    for (size_t i = 0; i < KH_LEN(wrong); i++) {
        struct kh_config *c = kh_config_new();
        struct kh_city none = {.tables = tables};
        struct kh_net *n = NULL;
        struct kh_error err = {0};

        assert_true(kh_config_text(c, "t", kh_cstr(wrong[i]), &err));
        assert_false(kh_net_start(c, &none, &n, &err));
        assert_true(err.code == KH_EC_CONFIG_INVALID || err.code == KH_EC_IO);
        kh_config_drop(c);
    }
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(refuses_what_can_be_read_in_two_ways),
        T(keeps_encoded_slashes_and_refuses_encoded_nul),
        T(takes_more_parameters_than_a_connection_has_memory_for),
        T(answers_pipelined_requests_in_order),
        T(takes_bodies_up_to_the_bound_of_the_route),
        T(closes_on_those_who_trickle),
        T(leaves_a_waiting_call_its_time),
        T(serves_many_waiting_calls_on_two_threads),
        T(answers_who_waits_before_it_stops),
        T(streams_and_ends_streams_when_it_stops),
        T(compresses_what_is_long),
        T(sends_parts_of_files),
        T(carries_the_trace_of_the_caller),
        cmocka_unit_test_setup_teardown(believes_proxies_only, start_proxied, teardown),
        cmocka_unit_test_setup_teardown(limits_an_address, start_proxied, teardown),
        cmocka_unit_test(says_what_is_wrong_with_its_settings),
    };
#undef T

    return cmocka_run_group_tests(tests, NULL, NULL);
}
