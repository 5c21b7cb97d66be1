/* SPDX-License-Identifier: Apache-2.0 */
#include "net/out_impl.h"

#include "api/uri.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/time.h"
#include "net/addr.h"

#include <stdlib.h>
#include <unistd.h>

enum { CONNECT_MS = 5000 };

/* One call under way. */
struct sending {
    struct kh_buf body;
    bool private_ok; /* host and port are named by the operator */
    bool refused;    /* the name led to an address that may not be called */
};

bool kh_out_open(const struct kh_config *config, struct kh_out **ret_out, struct kh_error *err)
{
    struct kh_out *o;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return kh_fail(err, KH_EC_CONFIG_INVALID, "libcurl does not start");
    o = calloc(1, sizeof(*o));
    KH_REQUIRE(o && pthread_mutex_init(&o->lock, NULL) == 0);
    o->config = config;
    *ret_out = o;
    return true;
}

void kh_out_close(struct kh_out *o)
{
    if (!o)
        return;
    while (o->kept_n)
        curl_easy_cleanup(o->kept[--o->kept_n]);
    pthread_mutex_destroy(&o->lock);
    free(o);
    curl_global_cleanup();
}

/* A handle keeps its connections, so the next call to the same host is quick. */
CURL *kh_out_take(struct kh_out *o)
{
    CURL *c = NULL;

    pthread_mutex_lock(&o->lock);
    if (o->kept_n)
        c = o->kept[--o->kept_n];
    pthread_mutex_unlock(&o->lock);
    if (!c)
        c = curl_easy_init();
    KH_REQUIRE(c);
    curl_easy_reset(c);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "khue/" KH_VERSION);
    return c;
}

void kh_out_give(struct kh_out *o, CURL *c)
{
    pthread_mutex_lock(&o->lock);
    if (o->kept_n < OUT_KEPT) {
        o->kept[o->kept_n++] = c;
        c = NULL;
    }
    pthread_mutex_unlock(&o->lock);
    curl_easy_cleanup(c);
}

/* ---- may it be called? ---- */

/* "host" allows the usual ports, "host:port" that one; "*." stands for any names before. */
static bool entry_fits(struct kh_str entry, struct kh_str host, struct kh_str port, bool usual,
                       bool *ret_named_port)
{
    const char *colon = memrchr(entry.p, ':', entry.n);
    struct kh_str name = entry, want = kh_str(NULL, 0);

    if (colon && entry.p[entry.n - 1] != ']') {
        name = kh_str(entry.p, (size_t)(colon - entry.p));
        want = kh_str_skip(entry, name.n + 1);
    }
    if (want.n ? !kh_str_eq(want, port) : !usual)
        return false;
    *ret_named_port = want.n != 0;
    if (kh_str_starts(name, KH_S("*."))) {
        struct kh_str end = kh_str_skip(name, 1);

        return host.n > end.n && kh_str_same(kh_str_skip(host, host.n - end.n), end);
    }
    return kh_str_same(name, host);
}

static bool listed(struct kh_str list, struct kh_str host, struct kh_str port, bool usual,
                   bool *ret_private_ok)
{
    struct kh_str entry;
    bool found = false;

    while ((entry = kh_config_word(&list)).n) {
        bool named = false;

        if (!entry_fits(entry, host, port, usual, &named))
            continue;
        found = true;
        *ret_private_ok = *ret_private_ok || named;
    }
    return found;
}

static bool check_url(const struct kh_out *o, CURLU *u, const char *url, bool *ret_private_ok,
                      struct kh_error *err)
{
    char *scheme = NULL, *host = NULL, *port = NULL, *user = NULL;
    bool ok = curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK;
    bool https = ok && strcmp(scheme, "https") == 0;

    *ret_private_ok = false;
    ok = ok && (https || strcmp(scheme, "http") == 0) &&
         curl_url_get(u, CURLUPART_USER, &user, 0) != CURLUE_OK;
    if (ok) {
        bool usual = strcmp(port, https ? "443" : "80") == 0;
        struct kh_str h = kh_cstr(host), p = kh_cstr(port);

        ok = listed(o->config->out_allow, h, p, usual, ret_private_ok);
        ok = listed(o->config->push_allow, h, p, usual, ret_private_ok) || ok;
    }
    if (!ok)
        kh_fail(err, KH_EC_OUTBOUND_REFUSED, "%s is not in out_allow", host ? host : "the address");
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_free(user);
    return ok;
}

/* The last word: where the connection really goes. */
static curl_socket_t open_socket(void *ctx, curlsocktype why, struct curl_sockaddr *sa)
{
    struct sending *s = ctx;
    struct kh_addr a;

    (void)why;
    if (!kh_addr_of(&sa->addr, &a) || (kh_addr_is_special(&a) && !s->private_ok)) {
        s->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(sa->family, sa->socktype | SOCK_CLOEXEC, sa->protocol);
}

static size_t take_body(char *p, size_t size, size_t n, void *ctx)
{
    struct sending *s = ctx;

    kh_buf_add(&s->body, p, size * n);
    return s->body.full ? 0 : size * n;
}

/* ---- the call ---- */

static void set_up(CURL *c, CURLU *u, struct sending *s, const struct kh_config *cf,
                   const struct kh_out_request *rq, struct curl_slist *headers)
{
    int64_t timeout_s = rq->timeout_s ? rq->timeout_s : cf->out_timeout_s;

    curl_easy_setopt(c, CURLOPT_CURLU, u);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)timeout_s * 1000);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, s);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, s);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, "");
    if (cf->out_ca.n)
        curl_easy_setopt(c, CURLOPT_CAINFO, cf->out_ca.p);
    if (rq->body.p) {
        curl_easy_setopt(c, CURLOPT_POST, 1L);
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)rq->body.n);
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, rq->body.p);
    }
    if (rq->method)
        curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, rq->method);
}

static struct curl_slist *list_of(const char *const *headers)
{
    struct curl_slist *list = NULL;

    for (; headers && *headers; headers++) {
        struct curl_slist *more = curl_slist_append(list, *headers);

        KH_REQUIRE(more);
        list = more;
    }
    return list;
}

static bool run(CURL *c, struct sending *s, struct kh_arena *a, struct kh_out_reply *ret,
                struct kh_error *err)
{
    CURLcode rc = kh_fault("out.http") ? CURLE_COULDNT_CONNECT : curl_easy_perform(c);
    const char *type = NULL;
    long status = 0;

    if (s->refused)
        return kh_fail(err, KH_EC_OUTBOUND_REFUSED,
                       "the host has an address on a private or local network");
    if (rc == CURLE_WRITE_ERROR && s->body.full)
        return kh_fail(err, KH_EC_OUTBOUND_FAILED, "the answer is too long");
    if (rc != CURLE_OK)
        return kh_fail(err, KH_EC_OUTBOUND_FAILED, "%s", curl_easy_strerror(rc));
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(c, CURLINFO_CONTENT_TYPE, &type);
    ret->status = (int)status;
    ret->type = kh_str_dup(a, kh_cstr(type ? type : ""));
    ret->body = kh_buf_get(&s->body);
    return true;
}

bool kh_out_send(struct kh_out *o, struct kh_arena *a, const struct kh_out_request *rq,
                 struct kh_out_reply *ret, struct kh_error *err)
{
    struct sending s = {.body = kh_buf(a, (size_t)o->config->out_reply_bytes)};
    int64_t start = kh_mono_us();
    CURLU *u = curl_url();
    struct curl_slist *headers;
    CURL *c;
    bool ok;

    KH_REQUIRE(u);
    if (!check_url(o, u, rq->url, &s.private_ok, err)) {
        kh_count(KH_M_OUT_REFUSED, 1);
        curl_url_cleanup(u);
        return false;
    }
    headers = list_of(rq->headers);
    c = kh_out_take(o);
    set_up(c, u, &s, o->config, rq, headers);
    ok = run(c, &s, a, ret, err);
    kh_out_give(o, c);
    curl_slist_free_all(headers);
    curl_url_cleanup(u);
    kh_count(ok ? KH_M_OUT_CALLS : s.refused ? KH_M_OUT_REFUSED : KH_M_OUT_FAILED, 1);
    kh_observe(KH_M_OUT_TIME, kh_mono_us() - start);
    return ok;
}

/* ---- for notify ---- */

/* Nobody waits for the outcome of a message, so what goes wrong is told to the operator here. Not
 * where to: the address of a browser is a secret, and that of a person is personal. */
static bool transport_mail(void *ctx, struct kh_arena *a, const struct kh_mail *mail,
                           struct kh_str *ret_proof, struct kh_error *err)
{
    bool ok = kh_out_mail(ctx, a, mail, ret_proof, err);

    if (!ok)
        kh_log(KH_WARN, "mail.failed", KV_STR("message", mail->id), KV_Z("why", err->detail));
    return ok;
}

static bool transport_post(void *ctx, struct kh_arena *a, const char *url,
                           const char *const *headers, struct kh_str body, int *ret_status,
                           struct kh_str *ret_body, struct kh_error *err)
{
    struct kh_out_request rq = {.method = "POST", .url = url, .headers = headers, .body = body};
    struct kh_out_reply reply;

    if (!rq.body.p)
        rq.body = kh_str("", 0);
    if (!kh_out_send(ctx, a, &rq, &reply, err)) {
        kh_log(KH_WARN, "message.failed", KV_Z("why", err->detail));
        return false;
    }
    if (reply.status >= 400)
        kh_log(KH_WARN, "message.failed", KV_INT("status", reply.status));
    *ret_status = reply.status;
    *ret_body = reply.body;
    return true;
}

struct kh_transport kh_out_transport(struct kh_out *o)
{
    return (struct kh_transport){.ctx = o, .mail = transport_mail, .post = transport_post};
}
