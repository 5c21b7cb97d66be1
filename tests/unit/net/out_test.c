/* SPDX-License-Identifier: Apache-2.0 */
/* Calls to other systems, against servers of the test's own on this machine. */
#include "net/out.h"

#include "api/call.h"
#include "api/router.h"
#include "base/fault.h"
#include "base/hash.h"
#include "base/time.h"
#include "net/net.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct kh_config *config, *theirs;
static struct kh_city city;
static struct kh_net *net;
static struct kh_out *out;
static struct kh_arena *a;
static struct kh_error err;
static char base[64];

/* ---- the other system ---- */

static enum kh_next echo(struct kh_call *c)
{
    return kh_reply_text(
        c, 201, "text/plain",
        kh_strf(c->a, "%.*s|%.*s", KH_FMT(c->body), KH_FMT(kh_call_header(c, "X-Test"))));
}

static enum kh_next away(struct kh_call *c)
{
    kh_reply_header(c, "Location", KH_S("http://169.254.169.254/latest/meta-data"));
    return kh_reply_empty(c, 302);
}

static enum kh_next big(struct kh_call *c)
{
    return kh_reply_text(c, 200, "application/octet-stream", kh_str(kh_alloc(c->a, 3000), 3000));
}

static void sleepy(struct kh_call *c)
{
    usleep(1500000);
    kh_reply_empty(c, 204);
}

static enum kh_next late(struct kh_call *c)
{
    return kh_call_offload(c, sleepy);
}

static const struct kh_route routes[] = {
    {KH_POST, "/echo", "echo", echo, KH_R_PUBLIC | KH_R_ANY_BODY, 0, "", NULL, "", "", NULL, NULL},
    {KH_GET, "/away", "away", away, KH_R_PUBLIC, 0, "", NULL, "", "", NULL, NULL},
    {KH_GET, "/big", "big", big, KH_R_PUBLIC, 0, "", NULL, "", "", NULL, NULL},
    {KH_GET, "/late", "late", late, KH_R_PUBLIC, 0, "", NULL, "", "", NULL, NULL},
    {.handler = NULL},
};
static const struct kh_route *const tables[] = {routes, NULL};

static int open_with(const char *allow)
{
    err = (struct kh_error){0};
    a = kh_arena_new(1 << 24);
    theirs = kh_config_new();
    config = kh_config_new();
    city = (struct kh_city){.tables = tables};
    if (!kh_config_set(theirs, KH_S("listen"), KH_S("127.0.0.1:0"), &err) ||
        !kh_net_start(theirs, &city, &net, &err))
        return -1;
    snprintf(base, sizeof(base), "http://%.*s", KH_FMT(kh_net_address(net)));
    if (!allow)
        allow = base + 7;
    return kh_config_set(config, KH_S("out_allow"), kh_cstr(allow), &err) &&
                   kh_config_set(config, KH_S("out_reply_bytes"), KH_S("2048"), &err) &&
                   kh_out_open(config, &out, &err)
               ? 0
               : -1;
}

static int setup(void **state)
{
    (void)state;
    return open_with(NULL);
}

static int teardown(void **state)
{
    (void)state;
    kh_fault_arm(NULL, 0);
    kh_out_close(out);
    kh_net_stop(net);
    kh_config_drop(config);
    kh_config_drop(theirs);
    kh_arena_drop(a);
    return 0;
}

static struct kh_out_reply reply;

static bool call(const char *method, const char *url, const char *body)
{
    static const char *const headers[] = {"X-Test: yes", NULL};
    struct kh_out_request rq = {.method = method, .url = url, .headers = headers, .timeout_s = 1};

    err = (struct kh_error){0};
    if (body)
        rq.body = kh_cstr(body);
    return kh_out_send(out, a, &rq, &reply, &err);
}

static const char *at(const char *path)
{
    return kh_strf(a, "%s%s", base, path).p;
}

static void calls_who_is_on_the_list(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_true(call("POST", at("/echo"), "hello"));
        assert_int_equal(reply.status, 201);
        assert_true(kh_str_is(reply.body, "hello|yes"));
        assert_true(kh_str_is(reply.type, "text/plain"));
    }
    assert_true(call(NULL, at("/nothing"), NULL));
    assert_int_equal(reply.status, 404);
}

static void follows_no_redirect(void **state)
{
    (void)state;
    assert_true(call(NULL, at("/away"), NULL));
    assert_int_equal(reply.status, 302);
}

static void bounds_length_and_time(void **state)
{
    (void)state;
    assert_false(call(NULL, at("/big"), NULL));
    assert_int_equal(err.code, KH_EC_OUTBOUND_FAILED);
    assert_false(call(NULL, at("/late"), NULL));
    assert_int_equal(err.code, KH_EC_OUTBOUND_FAILED);
    kh_fault_arm("out.http", 1);
    assert_false(call("POST", at("/echo"), "x"));
    assert_int_equal(err.code, KH_EC_OUTBOUND_FAILED);
    assert_true(call("POST", at("/echo"), "x"));
}

static void refused(const char *url)
{
    if (call(NULL, url, NULL) || err.code != KH_EC_OUTBOUND_REFUSED)
        fail_msg("%s: %s", url, err.detail);
}

static void refuses_who_is_not_on_the_list(void **state)
{
    (void)state;
    refused("http://127.0.0.1:1/");
    refused("http://localhost:80/");
    refused("https://example.org/");
    refused("ftp://127.0.0.1/");
    refused("file:///etc/passwd");
    refused("gopher://127.0.0.1:70/");
    refused("no address");
    refused("");
    /* A name in front does not make another host. */
    refused(kh_strf(a, "http://%s@example.org/", base + 7).p);
    refused(kh_strf(a, "http://user:pass@%s/echo", base + 7).p);
    refused(kh_strf(a, "http://%s.example.org/", base + 7).p);
}

static int setup_names(void **state)
{
    (void)state;
    return open_with("127.0.0.1, localhost, *.example.org, [::1], host.test:8443");
}

/* The name is on the list, but without its port: it must not lead into the house. */
static void refuses_a_listed_name_that_leads_to_this_machine(void **state)
{
    (void)state;
    refused(at("/echo"));
    refused("http://127.0.0.1/");
    refused("http://localhost/");
    refused("http://[::1]/");
    refused("https://localhost/");
    refused("https://example.org/"); /* "*." wants a name before */
    refused("https://evil-example.org/");
    refused("https://host.test/");
}

/* ---- e-mail ---- */

struct smtp {
    int fd;
    pthread_t thread;
    char seen[16384];
    size_t n;
    bool refuse;
};

static void *smtp_run(void *arg)
{
    struct smtp *s = arg;
    int c = accept(s->fd, NULL, NULL);
    bool data = false;
    size_t line = 0;

    dprintf(c, "220 test ESMTP\r\n");
    for (;;) {
        ssize_t r = recv(c, s->seen + s->n, 1, 0);

        if (r <= 0)
            break;
        if (s->seen[s->n++] != '\n')
            continue;
        s->seen[s->n] = 0;
        if (data && strcmp(s->seen + line, ".\r\n") == 0) {
            data = false;
            dprintf(c, s->refuse ? "550 5.1.1 <mai@example.org>: no\r\n"
                                 : "250 2.0.0 Ok: queued as ABC123\r\n");
        } else if (!data && strncmp(s->seen + line, "EHLO", 4) == 0) {
            dprintf(c, "250-test\r\n250 8BITMIME\r\n");
        } else if (!data && strncmp(s->seen + line, "DATA", 4) == 0) {
            data = true;
            dprintf(c, "354 go\r\n");
        } else if (!data && strncmp(s->seen + line, "QUIT", 4) == 0) {
            dprintf(c, "221 bye\r\n");
            break;
        } else if (!data) {
            dprintf(c, "250 ok\r\n");
        }
        line = s->n;
    }
    close(c);
    return NULL;
}

static void smtp_open(struct smtp *s)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof(in);

    s->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(s->fd, (struct sockaddr *)&in, n), 0);
    assert_int_equal(listen(s->fd, 1), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&in, &n), 0);
    assert_true(kh_config_set(config, KH_S("smtp_url"),
                              kh_strf(a, "smtp://127.0.0.1:%u", ntohs(in.sin_port)), &err));
    assert_true(kh_config_set(config, KH_S("smtp_from"),
                              KH_S("Thành phố <khong-tra-loi@hanoi.test>"), &err));
    assert_int_equal(pthread_create(&s->thread, NULL, smtp_run, s), 0);
}

static void smtp_close(struct smtp *s)
{
    pthread_join(s->thread, NULL);
    close(s->fd);
}

static const struct kh_mail *letter(const char *to)
{
    static struct kh_mail m;

    m = (struct kh_mail){
        .id = KH_S("1"), .to = kh_cstr(to), .subject = KH_S("s"), .text = KH_S("t")};
    return &m;
}

static void hands_mail_to_the_mail_server(void **state)
{
    struct smtp s = {0};
    struct kh_str proof, text;
    const char *body, *end;

    (void)state;
    smtp_open(&s);
    assert_true(kh_config_set(config, KH_S("smtp_plain"), KH_S("yes"), &err));
    if (!kh_out_mail(out, a,
                     &(struct kh_mail){.id = KH_S("0scdv6xc80000"),
                                       .to = KH_S("mai@example.org"),
                                       .subject = KH_S("Phản ánh đã xong\r\nBcc: x@y.z"),
                                       .text = KH_S("Chào Mai,\n.\nXong rồi.\n")},
                     &proof, &err))
        fail_msg("%s", err.detail);
    smtp_close(&s);
    assert_true(kh_str_is(proof, "250 2.0.0 Ok: queued as ABC123"));
    assert_non_null(strstr(s.seen, "MAIL FROM:<khong-tra-loi@hanoi.test>"));
    assert_non_null(strstr(s.seen, "RCPT TO:<mai@example.org>"));
    assert_non_null(
        strstr(s.seen, "From: =?UTF-8?B?VGjDoG5oIHBo4buR?= <khong-tra-loi@hanoi.test>\r\n"));
    assert_non_null(strstr(s.seen, "Message-ID: <0scdv6xc80000@hanoi.test>\r\n"));
    assert_null(strstr(s.seen, "\nBcc:"));
    assert_non_null(strstr(s.seen, "Auto-Submitted: auto-generated\r\n"));
    body = strstr(s.seen, "\r\n\r\n");
    assert_non_null(body);
    end = strstr(body, "\r\n.\r\n");
    assert_non_null(end);
    assert_true(kh_base64_parse(a, kh_str_trim(kh_str(body, (size_t)(end - body))), &text));
    assert_true(kh_str_is(text, "Chào Mai,\n.\nXong rồi.\n"));
}

static void sends_no_mail_in_the_clear_unless_told(void **state)
{
    struct smtp s = {0};
    struct kh_str proof;

    (void)state;
    smtp_open(&s);
    assert_false(kh_out_mail(out, a, letter("mai@example.org"), &proof, &err));
    assert_int_equal(err.code, KH_EC_OUTBOUND_FAILED);
    smtp_close(&s);
    assert_null(strstr(s.seen, "MAIL FROM"));
}

static void says_when_mail_is_not_taken(void **state)
{
    struct smtp s = {.refuse = true};
    struct kh_str proof;

    (void)state;
    assert_false(kh_out_mail(out, a, letter("mai@example.org"), &proof, &err));
    assert_int_equal(err.code, KH_EC_NOT_SUPPORTED);
    smtp_open(&s);
    assert_true(kh_config_set(config, KH_S("smtp_plain"), KH_S("yes"), &err));
    assert_false(kh_out_mail(out, a, letter("not an address"), &proof, &err));
    assert_int_equal(err.code, KH_EC_PARAMETER_INVALID);
    assert_false(kh_out_mail(out, a, letter("mai@example.org"), &proof, &err));
    assert_int_equal(err.code, KH_EC_OUTBOUND_FAILED);
    assert_string_equal(err.detail, "mail: the server said 550 5.1.1");
    smtp_close(&s);
}

static void takes_only_what_is_an_address(void **state)
{
    static const char *const wrong[] = {
        "",          "a",         "@b",     "a@", "a@b@c", "a b@c.d", "a@b\r\nRCPT TO:<x@y>",
        "a@b>,<c@d", "Name <a@b", "a@b,c@d"};
    struct kh_str got;

    (void)state;
    for (size_t i = 0; i < KH_LEN(wrong); i++)
        if (kh_mail_address(kh_cstr(wrong[i]), &got))
            fail_msg("%s", wrong[i]);
    assert_true(kh_mail_address(KH_S("Nguyễn Mai <mai@example.org>"), &got));
    assert_true(kh_str_is(got, "mai@example.org"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(calls_who_is_on_the_list),
        T(follows_no_redirect),
        T(bounds_length_and_time),
        T(refuses_who_is_not_on_the_list),
        cmocka_unit_test_setup_teardown(refuses_a_listed_name_that_leads_to_this_machine,
                                        setup_names, teardown),
        T(hands_mail_to_the_mail_server),
        T(sends_no_mail_in_the_clear_unless_told),
        T(says_when_mail_is_not_taken),
        cmocka_unit_test(takes_only_what_is_an_address),
    };
#undef T

    return cmocka_run_group_tests(tests, NULL, NULL);
}
