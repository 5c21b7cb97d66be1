/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/time.h"

#include <stdio.h>
#include <unistd.h>

static enum kh_level least_level = KH_INFO;
static bool as_json;
static _Thread_local char request_id[40];

void kh_log_setup(enum kh_level least, bool json)
{
    least_level = least;
    as_json = json;
}

void kh_log_request(struct kh_str id)
{
    snprintf(request_id, sizeof(request_id), "%.*s", KH_FMT(id));
}

struct line {
    char p[2048];
    size_t n;
};

static void put(struct line *l, const char *p, size_t n)
{
    if (n > sizeof(l->p) - 2 - l->n)
        n = sizeof(l->p) - 2 - l->n;
    memcpy(l->p + l->n, p, n);
    l->n += n;
}

static void putz(struct line *l, const char *z)
{
    put(l, z, strlen(z));
}

/* Control characters and quotes never break out of a value. */
static void put_quoted(struct line *l, struct kh_str s)
{
    putz(l, "\"");
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        char z[8];

        if (c == '"' || c == '\\')
            snprintf(z, sizeof(z), "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            snprintf(z, sizeof(z), "\\u%04x", c);
        else
            snprintf(z, sizeof(z), "%c", c);
        putz(l, z);
    }
    putz(l, "\"");
}

static void put_pair(struct line *l, const char *key, const struct kh_kv *kv)
{
    char z[32];

    putz(l, as_json ? ",\"" : " ");
    putz(l, key);
    putz(l, as_json ? "\":" : "=");
    if (kv->kind == KH_KV_STR) {
        put_quoted(l, kv->s);
        return;
    }
    snprintf(z, sizeof(z), "%lld", (long long)kv->i);
    putz(l, z);
}

void kh_log_kv(enum kh_level level, const char *event, const struct kh_kv *kv, size_t n)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    struct line l = {.n = 0};
    char at[32];

    if (level < least_level)
        return;
    kh_time_put(at, kh_now_us());
    putz(&l, as_json ? "{\"at\":\"" : "at=");
    putz(&l, at);
    putz(&l, as_json ? "\",\"level\":\"" : " level=");
    putz(&l, names[level]);
    putz(&l, as_json ? "\",\"event\":\"" : " event=");
    putz(&l, event);
    putz(&l, as_json ? "\"" : "");
    if (request_id[0])
        put_pair(&l, "request", &KV_Z("request", request_id));
    for (size_t i = 0; i < n; i++)
        put_pair(&l, kv[i].key, &kv[i]);
    putz(&l, as_json ? "}" : "");
    l.p[l.n++] = '\n';
    /* One write, so that lines of threads do not mix; a full pipe loses the line, not the server. */
    if (write(STDERR_FILENO, l.p, l.n) < 0)
        return;
}

void kh_log_error(const char *event, const struct kh_error *err)
{
    kh_log(KH_ERROR, event, KV_Z("code", kh_error_info(err->code)->name),
           KV_Z("file", err->file ? err->file : ""), KV_INT("line", err->line),
           KV_Z("detail", err->detail));
}
