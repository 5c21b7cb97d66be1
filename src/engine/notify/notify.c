/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/notify/notify_int.h"

#include "base/hash.h"
#include "base/id.h"
#include "base/time.h"
#include "engine/identity/identity.h"
#include "engine/notify/template.h"

#include <stdlib.h>

enum { HOLDERS_MAX = 200 }; /* a role in one unit that is told at once */

/* ---- open ---- */

struct key {
    struct kh_arena *a;
    struct kh_str fresh, pem;
};

static bool key_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct key *k = ctx;

    return kh_push_sql_key(tx, k->a, k->fresh, &k->pem, err);
}

/* The server's pair is made once and kept in the database, so that all processes share it. */
static bool pair_open(struct kh_notify *nt, struct kh_error *err)
{
    kh_auto_arena a = kh_arena_new(1 << 16);
    struct key k = {.a = a};

    if (!kh_store_run(nt->store, "push_key", KH_TX_READ, key_in_tx, &k, err))
        return false;
    if (k.pem.n == 0) {
        struct kh_push_pair *fresh = kh_push_pair_new();

        k.fresh = kh_push_pair_pem(fresh, a);
        kh_push_pair_drop(fresh);
        if (!kh_store_run(nt->store, "push_key", KH_TX_WRITE, key_in_tx, &k, err))
            return false;
    }
    nt->pair = kh_push_pair_read(k.pem);
    if (!nt->pair)
        return kh_fail(err, KH_EC_STORE_CORRUPT, "the key for web push cannot be read");
    return true;
}

bool kh_notify_open(struct kh_store *st, const struct kh_notify_config *config,
                    const struct kh_transport *transport, struct kh_notify **ret,
                    struct kh_error *err)
{
    struct kh_notify *nt = calloc(1, sizeof(*nt));
    pthread_condattr_t attr;

    KH_REQUIRE(nt != NULL);
    nt->store = st;
    nt->config = *config;
    nt->config.tries = config->tries ? config->tries : 8;
    if (transport)
        nt->transport = *transport;
    pthread_mutex_init(&nt->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&nt->wake, &attr);
    pthread_condattr_destroy(&attr);
    if (!pair_open(nt, err)) {
        kh_notify_close(nt);
        return false;
    }
    *ret = nt;
    return true;
}

void kh_notify_close(struct kh_notify *nt)
{
    if (!nt)
        return;
    kh_couriers_stop(nt);
    kh_push_pair_drop(nt->pair);
    pthread_cond_destroy(&nt->wake);
    pthread_mutex_destroy(&nt->lock);
    free(nt);
}

struct kh_str kh_push_key(const struct kh_notify *nt, struct kh_arena *a)
{
    return kh_base64url(a, kh_push_pair_point(nt->pair, a));
}

/* ---- queue ---- */

/* Minutes of the day of "21:00"; -1 if it is none. */
static int clock_minutes(struct kh_str s)
{
    if (s.n != 5 || s.p[2] != ':')
        return -1;
    for (size_t i = 0; i < 5; i++)
        if (i != 2 && (s.p[i] < '0' || s.p[i] > '9'))
            return -1;
    int h = (s.p[0] - '0') * 10 + s.p[1] - '0', m = (s.p[3] - '0') * 10 + s.p[4] - '0';

    return h < 24 && m < 60 ? h * 60 + m : -1;
}

/* When a message may go out: now, or at the end of the quiet hours. */
static int64_t after_quiet(const struct kh_json *preferences, int64_t now)
{
    const struct kh_json *quiet = kh_json_get(preferences, "quiet");
    int from = clock_minutes(kh_json_str(quiet, "from", KH_S("")));
    int to = clock_minutes(kh_json_str(quiet, "to", KH_S("")));
    int64_t midnight = kh_day_start(kh_day_of(now));
    int64_t minute = (now - midnight) / KH_US_MIN;
    bool inside;

    if (from < 0 || to < 0 || from == to)
        return now;
    inside = from < to ? minute >= from && minute < to : minute >= from || minute < to;
    if (!inside)
        return now;
    return midnight + to * KH_US_MIN + (minute >= to ? KH_US_DAY : 0);
}

static bool queue_channel(struct kh_tx *tx, struct kh_notify *nt, const struct kh_notice *n,
                          int64_t notice, int64_t account, const struct kh_json *preferences,
                          const char *channel, bool by_default, int64_t now, struct kh_error *err)
{
    if (!kh_json_bool(kh_json_get(preferences, "channels"), channel, by_default))
        return true;
    kh_courier_call(tx, nt, channel);
    return kh_delivery_sql_insert(tx, kh_id_new(), notice, account, channel,
                                  n->urgent ? now : after_quiet(preferences, now), err);
}

static bool queue_one(struct kh_tx *tx, struct kh_notify *nt, struct kh_arena *a,
                      const struct kh_notice *n, int64_t account, struct kh_str data,
                      struct kh_error *err)
{
    const struct kh_json *preferences;
    struct kh_push_sql_row *push;
    struct kh_account ac;
    int64_t id = kh_id_new(), now = kh_now_us();
    size_t push_n = 0;

    switch (kh_account_get(tx, a, account, &ac, err)) {
    case KH_FAIL:
        return false;
    case KH_MISS: /* an account that is gone needs no message */
        return true;
    case KH_HIT:
        break;
    }
    if (!kh_notice_sql_insert(tx, id, account, n->template_key, data, n->link, n->case_id, now,
                              err) ||
        !kh_notify_preferences_get(tx, a, account, &preferences, err) ||
        !kh_push_sql_list(tx, a, account, &push, &push_n, err))
        return false;
    if (nt->config.mail && ac.email.n &&
        !queue_channel(tx, nt, n, id, account, preferences, "email", true, now, err))
        return false;
    if (nt->config.sms_url && ac.phone.n &&
        !queue_channel(tx, nt, n, id, account, preferences, "sms", n->urgent, now, err))
        return false;
    return push_n == 0 ||
           queue_channel(tx, nt, n, id, account, preferences, "push", true, now, err);
}

bool kh_notify_queue(struct kh_tx *tx, struct kh_notify *nt, struct kh_arena *a,
                     const struct kh_notice *n, struct kh_error *err)
{
    struct kh_str texts, data = n->data ? kh_json_text(a, n->data) : KH_S("{}");
    int64_t one = n->account, *to = &one;
    size_t to_n = 1;

    switch (kh_template_sql_get(tx, a, n->template_key, &texts, err)) {
    case KH_FAIL:
        return false;
    case KH_MISS:
        return kh_fail(err, KH_EC_TEMPLATE_UNKNOWN, "%.*s", KH_FMT(n->template_key));
    case KH_HIT:
        break;
    }
    if (n->account == 0 && !kh_account_holders(tx, a, n->role, n->unit, &to, &to_n, err))
        return false;
    for (size_t i = 0; i < to_n && i < HOLDERS_MAX; i++)
        if (!queue_one(tx, nt, a, n, to[i], data, err))
            return false;
    return true;
}

/* ---- templates ---- */

bool kh_notify_templates_put(struct kh_tx *tx, struct kh_notify *nt, struct kh_arena *a,
                             struct kh_str pack, const struct kh_json *templates,
                             struct kh_error *err)
{
    struct kh_issues *is = kh_new(a, struct kh_issues);

    (void)nt;
    kh_notify_templates_check(a, templates, is);
    if (is->n) {
        (void)kh_fail(err, KH_EC_NOTIFY_INVALID, "%zu templates do not fit", is->n);
        err->issues = is;
        return false;
    }
    for (uint32_t i = 0; i < templates->n; i++) {
        struct kh_str key = kh_strf(a, "%.*s/%.*s", KH_FMT(pack),
                                    KH_FMT(templates->members[i].key));

        if (!kh_template_sql_put(tx, key, pack, kh_json_text(a, &templates->members[i].value),
                                 err))
            return false;
    }
    return true;
}

/* ---- what people see ---- */

/* What one message says. */
static bool word_notice(struct kh_tx *tx, struct kh_arena *a, const struct kh_notice_sql_row *row,
                        bool vi, struct kh_notice_row *ret, struct kh_error *err)
{
    struct kh_json *texts = NULL, *data = NULL;
    struct kh_str text = KH_S("{}");

    if (kh_template_sql_get(tx, a, row->template_key, &text, err) == KH_FAIL ||
        !kh_json_parse(a, text, NULL, &texts, err) ||
        !kh_json_parse(a, row->data, NULL, &data, err))
        return false;
    *ret = (struct kh_notice_row){
        .id = row->id,
        .case_id = row->case_id,
        .created_us = row->created_us,
        .read_us = row->read_us,
        .title = kh_template_fill(a, kh_template_part(texts, vi, "title"), data),
        .body = kh_template_fill(a, kh_template_part(texts, vi, "body"), data),
        .link = row->link,
    };
    return true;
}

/* Both lists have the newest message first; a message that went out nowhere has no delivery. */
static void join_sent(struct kh_arena *a, struct kh_notice_row *list, size_t n,
                      const struct kh_sent_sql_row *rows, size_t rows_n)
{
    struct kh_notice_sent *sent = kh_new_n(a, rows_n, struct kh_notice_sent);
    size_t at = 0;

    for (size_t i = 0; i < n; i++) {
        while (at < rows_n && rows[at].notice > list[i].id)
            at++; /* of a message between two of this list */
        list[i].sent = sent + at;
        for (; at < rows_n && rows[at].notice == list[i].id; at++) {
            sent[at] = (struct kh_notice_sent){.channel = rows[at].channel,
                                               .state = rows[at].state,
                                               .at_us = rows[at].sent_us,
                                               .tries = (unsigned)rows[at].tries,
                                               .proof = rows[at].proof};
            list[i].sent_n++;
        }
    }
}

bool kh_notice_list(struct kh_tx *tx, struct kh_arena *a, const struct kh_notice_list *which,
                    struct kh_notice_row **ret, size_t *ret_n, struct kh_error *err)
{
    struct kh_notice_sql_row *rows;
    struct kh_sent_sql_row *sent;
    struct kh_notice_row *list;
    size_t n, sent_n;

    *ret_n = 0;
    if (!kh_notice_sql_list(tx, a, which->account, which->case_id,
                            which->before ? which->before : INT64_MAX, which->limit, &rows, &n,
                            err))
        return false;
    if (n == 0)
        return true;
    list = kh_new_n(a, n, struct kh_notice_row);
    for (size_t i = 0; i < n; i++)
        if (!word_notice(tx, a, &rows[i], which->vi, &list[i], err))
            return false;
    if (!kh_delivery_sql_list(tx, a, which->account, rows[n - 1].id, rows[0].id, &sent, &sent_n,
                              err))
        return false;
    join_sent(a, list, n, sent, sent_n);
    *ret = list;
    *ret_n = n;
    return true;
}

bool kh_notice_read(struct kh_tx *tx, struct kh_notify *nt, int64_t account, const int64_t *ids,
                    size_t ids_n, struct kh_error *err)
{
    (void)nt;
    if (ids_n == 0)
        return kh_notice_sql_read_all(tx, account, kh_now_us(), err);
    for (size_t i = 0; i < ids_n; i++)
        if (!kh_notice_sql_read(tx, account, ids[i], kh_now_us(), err))
            return false;
    return true;
}

bool kh_notice_unread(struct kh_tx *tx, struct kh_notify *nt, int64_t account, int64_t *ret_n,
                      struct kh_error *err)
{
    (void)nt;
    return kh_notice_sql_unread(tx, account, ret_n, err);
}

bool kh_notify_preferences_get(struct kh_tx *tx, struct kh_arena *a, int64_t account,
                               const struct kh_json **ret, struct kh_error *err)
{
    struct kh_str text = {0};
    struct kh_json *v;

    switch (kh_preference_sql_get(tx, a, account, &text, err)) {
    case KH_FAIL:
        return false;
    case KH_MISS:
        text = KH_S("{\"channels\":{},\"quiet\":{\"from\":\"21:00\",\"to\":\"07:00\"}}");
        break;
    case KH_HIT:
        break;
    }
    if (!kh_json_parse(a, text, NULL, &v, err))
        return false;
    *ret = v;
    return true;
}

bool kh_notify_preferences_put(struct kh_tx *tx, struct kh_arena *a, int64_t account,
                               const struct kh_json *preferences, struct kh_error *err)
{
    const struct kh_json *channels = kh_json_get(preferences, "channels");
    const struct kh_json *quiet = kh_json_get(preferences, "quiet");
    struct kh_json *keep;

    if (!kh_json_is(preferences, KH_JSON_OBJECT) || (channels && channels->type != KH_JSON_OBJECT))
        return kh_fail(err, KH_EC_NOTIFY_INVALID, "channels is an object of booleans");
    for (uint32_t i = 0; channels && i < channels->n; i++) {
        enum kh_json_type t = channels->members[i].value.type;
        struct kh_str key = channels->members[i].key;

        if ((t != KH_JSON_TRUE && t != KH_JSON_FALSE) ||
            !(kh_str_is(key, "email") || kh_str_is(key, "sms") || kh_str_is(key, "push")))
            return kh_fail(err, KH_EC_NOTIFY_INVALID, "channels has email, sms and push");
    }
    if (quiet && quiet->type != KH_JSON_NULL &&
        (clock_minutes(kh_json_str(quiet, "from", KH_S(""))) < 0 ||
         clock_minutes(kh_json_str(quiet, "to", KH_S(""))) < 0))
        return kh_fail(err, KH_EC_NOTIFY_INVALID, "quiet has from and to like \"21:00\"");
    keep = kh_json_new(a, KH_JSON_OBJECT);
    if (channels)
        kh_json_set(a, keep, KH_S("channels"), channels);
    if (quiet)
        kh_json_set(a, keep, KH_S("quiet"), quiet);
    return kh_preference_sql_put(tx, account, kh_json_text(a, keep), err);
}

bool kh_push_subscribe(struct kh_tx *tx, struct kh_arena *a, int64_t account,
                       const struct kh_json *subscription, struct kh_error *err)
{
    const struct kh_json *keys = kh_json_get(subscription, "keys");
    struct kh_push_sql_row s = {
        .id = kh_id_new(),
        .endpoint = kh_json_str(subscription, "endpoint", KH_S("")),
    };

    if (!kh_str_starts(s.endpoint, KH_S("https://")) || s.endpoint.n > 1000 ||
        !kh_base64_parse(a, kh_json_str(keys, "p256dh", KH_S("")), &s.p256dh) ||
        !kh_base64_parse(a, kh_json_str(keys, "auth", KH_S("")), &s.auth) ||
        s.p256dh.n != KH_PUSH_POINT || s.auth.n != KH_PUSH_AUTH)
        return kh_fail(err, KH_EC_NOTIFY_INVALID, "this is no web push subscription");
    return kh_push_sql_put(tx, &s, account, kh_now_us(), err);
}

/* "https://push.example:8443/x" -> "push.example" */
static struct kh_str host_of(struct kh_str endpoint)
{
    struct kh_str rest, host = kh_str_cut(kh_str_skip(endpoint, 8), '/', &rest);

    return kh_str_cut(host, ':', &rest);
}

bool kh_push_devices(struct kh_tx *tx, struct kh_arena *a, int64_t account,
                     struct kh_push_device **ret, size_t *ret_n, struct kh_error *err)
{
    struct kh_push_sql_row *rows;
    size_t n;

    if (!kh_push_sql_list(tx, a, account, &rows, &n, err))
        return false;
    *ret = kh_new_n(a, n, struct kh_push_device);
    for (size_t i = 0; i < n; i++)
        (*ret)[i] = (struct kh_push_device){.endpoint = rows[i].endpoint,
                                            .service = host_of(rows[i].endpoint),
                                            .since_us = rows[i].created_us};
    *ret_n = n;
    return true;
}

bool kh_push_unsubscribe(struct kh_tx *tx, int64_t account, struct kh_str endpoint,
                         struct kh_error *err)
{
    return kh_push_sql_delete(tx, account, endpoint, err);
}
