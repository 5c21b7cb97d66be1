/* SPDX-License-Identifier: Apache-2.0 */
#include "api/idempotency.h"

#include "api/city.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/time.h"
#include "store/api/idempotency_sql.h"

enum { KEY_MAX = 255, BODY_KEPT_MAX = 1 << 20, EXPIRE_AT_ONCE = 4 };

/* Long work that was claimed and not answered for so long died with the server. */
#define EARLY_DEAD_US (10 * KH_US_MIN)

static struct kh_str bytes32(const unsigned char *p)
{
    return kh_str((const char *)p, 32);
}

bool kh_idempotency_begin(struct kh_call *c, struct kh_error *err)
{
    struct kh_str key = c->head.idempotency_key;
    /* The public has no name: its address keeps strangers' keys apart. */
    struct kh_str who = c->who->actor.n && c->who->kind != KH_WHO_PUBLIC ? c->who->actor : c->peer;
    struct kh_idempotency *i;

    if (!key.p || c->method != KH_POST || !c->city->store)
        return true;
    if (key.n == 0 || key.n > KEY_MAX)
        return kh_fail(err, KH_EC_PARAMETER_INVALID, "Idempotency-Key has 1 to %d characters",
                       KEY_MAX);
    i = kh_new(c->a, struct kh_idempotency);
    kh_sha256((struct kh_str[]){who, KH_S("\n"), c->target, KH_S("\n"), key}, 5, i->scope);
    kh_sha256((struct kh_str[]){c->query, KH_S("\n"), c->body}, 3, i->request);
    c->idempotency = i;
    return true;
}

/* What a row that is there already means for this request. */
static bool judge(struct kh_idempotency *i, const struct kh_idempotency_row *row,
                  struct kh_error *err)
{
    if (!kh_str_eq(row->request, bytes32(i->request)))
        return kh_fail(err, KH_EC_IDEMPOTENCY_REUSED, "the key was used with another body");
    if (row->status == 0)
        return kh_fail(err, KH_EC_IDEMPOTENCY_PENDING, "the first request has no reply yet");
    i->state = KH_IDEM_REPLAY;
    i->status = row->status;
    i->type = row->type;
    i->location = row->location;
    i->etag = row->etag;
    i->body = row->body;
    return true;
}

static bool outlived(const struct kh_idempotency_row *row, int64_t now)
{
    return row->at_us < now - KH_US_DAY ||
           (row->early && row->status == 0 && row->at_us < now - EARLY_DEAD_US);
}

bool kh_idempotency_claim(struct kh_tx *tx, struct kh_call *c, struct kh_error *err)
{
    struct kh_idempotency *i = c->idempotency;
    int64_t now = kh_now_us();
    struct kh_idempotency_row row = {0}, mine = {.scope = bytes32(i->scope),
                                                 .request = bytes32(i->request),
                                                 .at_us = now,
                                                 .early = c->work != NULL};
    bool added = false;

    i->state = KH_IDEM_NEW;
    if (!kh_idempotency_sql_add(tx, &mine, &added, err))
        return false;
    if (!added) {
        switch (kh_idempotency_sql_find(tx, c->a, bytes32(i->scope), &row, err)) {
        case KH_FAIL:
            return false;
        case KH_MISS:
            return kh_fail(err, KH_EC_IDEMPOTENCY_PENDING, "the row went away in between");
        case KH_HIT:
            break;
        }
        if (!outlived(&row, now))
            return judge(i, &row, err);
        if (!kh_idempotency_sql_drop(tx, mine.scope, err) ||
            !kh_idempotency_sql_add(tx, &mine, &added, err))
            return false;
        if (!added)
            return kh_fail(err, KH_EC_IDEMPOTENCY_PENDING, "another request took the key over");
    }
    i->state = KH_IDEM_CLAIMED;
    return kh_idempotency_sql_expire(tx, now - KH_US_DAY, EXPIRE_AT_ONCE, err);
}

enum kh_next kh_idempotency_replay(struct kh_call *c)
{
    struct kh_idempotency *i = c->idempotency;

    kh_count(KH_M_IDEMPOTENT_REPLAY, 1);
    kh_reply_empty(c, i->status);
    c->reply.body = i->body;
    if (i->type.n)
        c->reply.type = i->type;
    if (i->location.n)
        kh_reply_header(c, "Location", i->location);
    if (i->etag.n)
        kh_reply_header(c, "ETag", i->etag);
    kh_reply_header(c, "Idempotency-Replayed", KH_S("true"));
    return KH_REPLIED;
}

/* The row of a reply; it lives with the call, which waits for it. */
struct keep {
    struct kh_call *c;
    struct kh_idempotency_row row;
};

static bool keep_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct keep *k = ctx;

    /* A refused request had no effect: its key is free again. */
    if (k->row.status >= 400)
        return kh_idempotency_sql_drop(tx, k->row.scope, err);
    return kh_idempotency_sql_keep(tx, &k->row, err);
}

/* The effect is durable whatever becomes of this row, so the reply is sent all the same. */
static void keep_done(void *ctx, bool ok, const struct kh_error *err)
{
    struct keep *k = ctx;

    if (!ok)
        kh_log_error("idempotency.keep", err);
    k->c->ops->resume(k->c);
}

static struct kh_str header_of(const struct kh_reply *r, const char *name)
{
    for (size_t i = 0; i < r->headers_n; i++)
        if (kh_str_is(r->headers[i].name, name))
            return r->headers[i].value;
    return KH_S("");
}

enum kh_next kh_idempotency_keep(struct kh_call *c)
{
    struct keep *k = kh_new(c->a, struct keep);
    const struct kh_reply *r = &c->reply;
    struct kh_error err = {0};
    bool whole = !r->has_fd && !r->stream && r->body.n <= BODY_KEPT_MAX;

    k->c = c;
    k->row.scope = bytes32(c->idempotency->scope);
    k->row.status = r->status;
    k->row.type = whole && r->type.p ? r->type : KH_S("");
    k->row.location = header_of(r, "Location");
    k->row.etag = header_of(r, "ETag");
    k->row.body = whole && r->body.p ? r->body : KH_S("");
    c->idempotency->state = KH_IDEM_KEPT;
    if (kh_store_submit(c->city->store, "idempotency_keep", keep_in_tx, k, keep_done, &err))
        return KH_WAITING;
    kh_log_error("idempotency.keep", &err);
    return KH_REPLIED;
}
