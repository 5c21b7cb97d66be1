/* SPDX-License-Identifier: Apache-2.0 */
#include "api/idempotency.h"

#include "api/city.h"
#include "base/hash.h"
#include "base/metrics.h"
#include "base/time.h"
#include "store/api/idempotency_sql.h"

enum { KEY_MAX = 255, BODY_KEPT_MAX = 1 << 20, EXPIRE_AT_ONCE = 4 };

/* What was claimed before its effect and has no reply for so long died with the server. */
#define CLAIM_DEAD_US (10 * KH_US_MIN)

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

    if (!key.p || c->method != KH_POST || !c->city->store || (c->route->flags & KH_R_SECRET))
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
    return row->at_us < now - (row->status ? KH_US_DAY : CLAIM_DEAD_US);
}

bool kh_idempotency_claim(struct kh_tx *tx, struct kh_call *c, struct kh_error *err)
{
    struct kh_idempotency *i = c->idempotency;
    int64_t now = kh_now_us();
    struct kh_idempotency_row row = {0}, mine = {.scope = bytes32(i->scope),
                                                 .request = bytes32(i->request),
                                                 .at_us = now};
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

static struct kh_str header_of(const struct kh_reply *r, const char *name)
{
    for (size_t i = 0; i < r->headers_n; i++)
        if (kh_str_is(r->headers[i].name, name))
            return r->headers[i].value;
    return KH_S("");
}

bool kh_idempotency_keep(struct kh_tx *tx, struct kh_call *c, struct kh_error *err)
{
    const struct kh_reply *r = &c->reply;
    bool whole = !r->has_fd && !r->stream && r->body.n <= BODY_KEPT_MAX;
    struct kh_idempotency_row row = {.scope = bytes32(c->idempotency->scope),
                                     .status = r->status,
                                     .type = whole && r->type.p ? r->type : KH_S(""),
                                     .location = header_of(r, "Location"),
                                     .etag = header_of(r, "ETag"),
                                     .body = whole && r->body.p ? r->body : KH_S("")};

    c->idempotency->state = KH_IDEM_KEPT;
    return kh_idempotency_sql_keep(tx, &row, err);
}

bool kh_idempotency_settle(struct kh_tx *tx, struct kh_call *c, struct kh_error *err)
{
    if (c->reply.status < 400)
        return kh_idempotency_keep(tx, c, err);
    return kh_idempotency_sql_drop(tx, bytes32(c->idempotency->scope), err);
}
