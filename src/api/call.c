/* SPDX-License-Identifier: Apache-2.0 */
#include "api/call.h"

#include "api/city.h"
#include "api/idempotency.h"
#include "api/uri.h"
#include "api/workers.h"
#include "base/config.h"
#include "base/log.h"

struct kh_str kh_call_arg(const struct kh_call *c, const char *name, struct kh_str fallback)
{
    for (size_t i = 0; i < c->args_n; i++)
        if (kh_str_is(c->args[i].name, name))
            return c->args[i].value;
    return fallback;
}

bool kh_call_limit(const struct kh_call *c, unsigned fallback, unsigned max, unsigned *ret,
                   struct kh_error *err)
{
    struct kh_str s = kh_call_arg(c, "limit", kh_str(NULL, 0));
    int64_t n = fallback;

    if (s.p && (!kh_str_int(s, &n) || n < 1 || n > max))
        return kh_fail(err, KH_EC_PARAMETER_INVALID, "limit is a number from 1 to %u", max);
    *ret = (unsigned)n;
    return true;
}

struct kh_str kh_call_header(const struct kh_call *c, const char *name)
{
    return c->ops->header(c, name);
}

bool kh_call_accepts(const struct kh_call *c, const char *type)
{
    struct kh_str list = c->head.accept, one;

    while (kh_list_next(&list, &one)) {
        int q;

        if (kh_str_same(kh_list_quality(one, &q), kh_cstr(type)) && q > 0)
            return true;
    }
    return false;
}

struct kh_str kh_call_cookie(const struct kh_call *c, const char *name)
{
    struct kh_str rest = c->head.cookie;

    while (rest.n) {
        struct kh_str value, one = kh_str_trim(kh_str_cut(rest, ';', &rest));

        if (kh_str_is(kh_str_cut(one, '=', &value), name) && one.n > strlen(name))
            return value.p ? value : kh_str("", 0);
    }
    return kh_str(NULL, 0);
}

struct kh_str kh_call_base(const struct kh_call *c)
{
    struct kh_str base = c->city->config->public_url, host = c->head.host;

    while (base.n && base.p[base.n - 1] == '/')
        base.n--;
    if (base.n)
        return base;
    for (size_t i = 0; i < host.n; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]",
                    host.p[i]))
            host.n = 0;
    if (host.n == 0)
        host = c->city->config->listen;
    return kh_strf(c->a, "%s://%.*s", c->tls ? "https" : "http", KH_FMT(host));
}

/* ---- writes ---- */

/* The claim of the key, the effect, and the reply as it will be sent: who asks again after the server
 * died gets that one. The committer may come here more than once. */
static bool keyed_write_in_tx(struct kh_tx *tx, struct kh_call *c, struct kh_error *err)
{
    c->reply = c->before;
    if (!kh_idempotency_claim(tx, c, err))
        return false;
    if (c->idempotency->state == KH_IDEM_REPLAY)
        return true;
    if (!c->tx_fn(tx, c->ctx, err))
        return false;
    KH_REQUIRE(c->then(c, true, NULL) == KH_REPLIED);
    return kh_idempotency_keep(tx, c, err);
}

static bool write_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct kh_call *c = ctx;

    return c->idempotency ? keyed_write_in_tx(tx, c, err) : c->tx_fn(tx, c->ctx, err);
}

static void set_write(struct kh_call *c, kh_tx_fn fn, void *ctx, kh_then_fn then)
{
    c->then = then;
    c->ctx = ctx;
    c->tx_fn = fn;
    c->before = c->reply;
}

static void write_done(void *ctx, bool ok, const struct kh_error *err)
{
    struct kh_call *c = ctx;

    c->ok = ok;
    if (!ok)
        c->err = *err;
    c->ops->resume(c);
}

enum kh_next kh_call_write(struct kh_call *c, const char *name, kh_tx_fn fn, void *ctx,
                           kh_then_fn then)
{
    set_write(c, fn, ctx, then);
    if (kh_store_submit(c->city->store, name, write_in_tx, c, write_done, &c->err))
        return KH_WAITING;
    c->then = NULL;
    return then(c, false, &c->err);
}

void kh_call_write_here(struct kh_call *c, const char *name, kh_tx_fn fn, void *ctx,
                        kh_then_fn then)
{
    set_write(c, fn, ctx, then);
    c->ok = kh_store_run(c->city->store, name, KH_TX_WRITE, write_in_tx, c, &c->err);
}

/* ---- long work ---- */

static bool claim_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    return kh_idempotency_claim(tx, ctx, err);
}

static bool settle_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    return kh_idempotency_settle(tx, ctx, err);
}

/* Work whose effect is not one transaction: the key is claimed before it, and the reply stored after. */
static void keyed_work(struct kh_call *c)
{
    struct kh_store *st = c->city->store;
    struct kh_error err = {0};

    if (!kh_store_run(st, "idempotency_claim", KH_TX_WRITE, claim_in_tx, c, &err)) {
        kh_reply_error(c, &err);
        return;
    }
    if (c->idempotency->state == KH_IDEM_REPLAY)
        return;
    c->work(c);
    /* What was done is done, whatever becomes of this row. */
    if (!kh_store_run(st, "idempotency_settle", KH_TX_WRITE, settle_in_tx, c, &err))
        kh_log_error("idempotency.settle", &err);
}

/* On a worker thread, which may wait for the store. */
static void work_run(void *ctx)
{
    struct kh_call *c = ctx;

    if (c->idempotency && !c->work_writes)
        keyed_work(c);
    else
        c->work(c);
    c->ops->resume(c);
}

static enum kh_next offload(struct kh_call *c, void (*fn)(struct kh_call *c), bool writes)
{
    c->then = NULL;
    c->work = fn;
    c->work_writes = writes;
    if (kh_workers_add(c->city->workers, work_run, c, &c->err))
        return KH_WAITING;
    c->work = NULL;
    return kh_reply_error(c, &c->err);
}

enum kh_next kh_call_offload(struct kh_call *c, void (*fn)(struct kh_call *c))
{
    return offload(c, fn, false);
}

enum kh_next kh_call_offload_write(struct kh_call *c, void (*fn)(struct kh_call *c))
{
    return offload(c, fn, true);
}

enum kh_next kh_call_continue(struct kh_call *c)
{
    enum kh_idempotency_state state = c->idempotency ? c->idempotency->state : KH_IDEM_NEW;
    kh_then_fn then = c->then;

    c->then = NULL;
    c->work = NULL;
    if (then && !c->ok) {
        c->reply = c->before;
        return then(c, false, &c->err);
    }
    if (state == KH_IDEM_REPLAY)
        return kh_idempotency_replay(c);
    return then && state != KH_IDEM_KEPT ? then(c, true, NULL) : KH_REPLIED;
}
