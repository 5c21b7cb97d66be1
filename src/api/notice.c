/* SPDX-License-Identifier: Apache-2.0 */
#include "api/city.h"
#include "api/record_int.h"
#include "api/routes.h"

#include "base/id.h"
#include "base/time.h"
#include "engine/notify/notify.h"
#include "engine/registry/seen.h"

enum { READ_MAX = 200, LIMIT = 50, LIMIT_MAX = 200 };

static bool which(struct kh_call *c, struct kh_notice_list *ret, struct kh_error *err)
{
    struct kh_str after = kh_call_arg(c, "after", KH_S(""));

    *ret = (struct kh_notice_list){.account = c->who->account, .vi = c->who->vi};
    if (after.n && !kh_id_parse(after, &ret->before))
        return kh_fail(err, KH_EC_CURSOR_INVALID, "after is an id");
    return kh_call_limit(c, LIMIT, LIMIT_MAX, &ret->limit, err);
}

/* How a message went out; what the other side answered is for those who work with it. */
static void put_sent(struct kh_jw *w, struct kh_arena *a, const struct kh_notice_row *row,
                     bool proof)
{
    kh_jw_key(w, "sent");
    kh_jw_arr(w);
    for (size_t i = 0; i < row->sent_n; i++) {
        const struct kh_notice_sent *s = &row->sent[i];

        kh_jw_obj(w);
        kh_jw_kstr(w, "channel", s->channel);
        kh_jw_kstr(w, "state", s->state);
        if (s->at_us)
            kh_jw_kstr(w, "at", kh_time_text(a, s->at_us));
        kh_jw_kint(w, "tries", s->tries);
        if (proof)
            kh_jw_kstr(w, "proof", s->proof);
        kh_jw_end(w);
    }
    kh_jw_end(w);
}

static void put_next(struct kh_jw *w, struct kh_arena *a, const struct kh_notice_row *list,
                     size_t n, unsigned limit)
{
    if (n == limit)
        kh_jw_kstr(w, "next", kh_id_text(a, list[n - 1].id));
}

static bool notice_list_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct kh_call *c = ctx;
    struct kh_buf b = kh_buf(c->a, 4 << 20);
    struct kh_jw w = kh_jw(&b);
    struct kh_notice_list ask;
    struct kh_notice_row *list;
    int64_t unread;
    size_t n;

    if (!which(c, &ask, err) || !kh_notice_list(tx, c->a, &ask, &list, &n, err) ||
        !kh_notice_unread(tx, c->city->notify, c->who->account, &unread, err))
        return false;
    kh_jw_obj(&w);
    kh_jw_kint(&w, "unread", unread);
    kh_jw_key(&w, "items");
    kh_jw_arr(&w);
    for (size_t i = 0; i < n; i++) {
        kh_jw_obj(&w);
        kh_jw_kstr(&w, "id", kh_id_text(c->a, list[i].id));
        kh_jw_kstr(&w, "at", kh_time_text(c->a, list[i].created_us));
        kh_jw_kstr(&w, "title", list[i].title);
        kh_jw_kstr(&w, "body", list[i].body);
        kh_jw_kstr(&w, "link", list[i].link);
        if (list[i].case_id)
            kh_jw_kstr(&w, "case", kh_id_text(c->a, list[i].case_id));
        kh_jw_kbool(&w, "read", list[i].read_us != 0);
        put_sent(&w, c->a, &list[i], false);
        kh_jw_end(&w);
    }
    kh_jw_end(&w);
    put_next(&w, c->a, list, n, ask.limit);
    kh_jw_end(&w);
    kh_reply_json(c, 200, kh_buf_get(&b));
    return true;
}

static enum kh_next run_read(struct kh_call *c, const char *name, kh_tx_fn fn)
{
    struct kh_error err = {0};

    if (!kh_store_run(c->city->store, name, KH_TX_READ, fn, c, &err))
        return kh_reply_error(c, &err);
    return KH_REPLIED;
}

static enum kh_next api_notice_list(struct kh_call *c)
{
    return run_read(c, "notice_list", notice_list_in_tx);
}

/* ---- what was said to the person whose record it is ---- */

struct told {
    struct kh_call *c;
    const struct kh_type *t;
    int64_t id;
    struct kh_notice_list ask;
    struct kh_look look;
    struct kh_notice_row *list;
    size_t n;
};

/* For the person, and for staff who may know who that is: they leave a trace. */
static bool told_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct told *t = ctx;
    struct kh_call *c = t->c;
    enum kh_level_of see;
    struct kh_record r;

    if (kh_record_past(tx, c->city->registry, c->a, t->t, t->id, c->who, KH_OP_READ, &r, err) !=
        KH_HIT)
        return false;
    see = kh_record_see(c->a, &r, c->who, KH_OP_READ);
    (void)kh_record_look_at(c->a, &r, c->who, KH_OP_READ, see, &t->look);
    if (see < KH_SEE_PERSONAL)
        return kh_fail(err, KH_EC_FORBIDDEN, "what was said to a person is for that person and "
                                             "for those who handle the case");
    if (t->look.owner == 0)
        return true;
    t->look.fields = KH_S("[\"notices\"]");
    t->ask.account = t->look.owner;
    t->ask.case_id = t->id;
    return kh_notice_list(tx, c->a, &t->ask, &t->list, &t->n, err);
}

static enum kh_next api_record_told(struct kh_call *c)
{
    struct kh_buf b = kh_buf(c->a, 4 << 20);
    struct kh_jw w = kh_jw(&b);
    struct told t = {.c = c};

    if (!kh_call_type(c, &t.t, &c->err) || !kh_call_record_id(c, &t.id, &c->err) ||
        !which(c, &t.ask, &c->err) ||
        !kh_store_run(c->city->store, "record_told", KH_TX_READ, told_in_tx, &t, &c->err))
        return kh_reply_error(c, &c->err);
    if (t.look.owner && t.look.owner != c->who->account &&
        !kh_seen_later(c->city->registry, &t.look, &c->err))
        return kh_reply_error(c, &c->err);
    kh_jw_obj(&w);
    kh_jw_key(&w, "items");
    kh_jw_arr(&w);
    for (size_t i = 0; i < t.n; i++) {
        kh_jw_obj(&w);
        kh_jw_kstr(&w, "id", kh_id_text(c->a, t.list[i].id));
        kh_jw_kstr(&w, "at", kh_time_text(c->a, t.list[i].created_us));
        kh_jw_kstr(&w, "title", t.list[i].title);
        if (t.list[i].read_us)
            kh_jw_kstr(&w, "read_at", kh_time_text(c->a, t.list[i].read_us));
        put_sent(&w, c->a, &t.list[i], t.look.owner != c->who->account);
        kh_jw_end(&w);
    }
    kh_jw_end(&w);
    put_next(&w, c->a, t.list, t.n, t.ask.limit);
    kh_jw_end(&w);
    return kh_reply_json(c, 200, kh_buf_get(&b));
}

/* ---- reading and choosing ---- */

static enum kh_next done(struct kh_call *c, bool ok, const struct kh_error *err)
{
    return ok ? kh_reply_empty(c, 204) : kh_reply_error(c, err);
}

static bool notice_read_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct kh_call *c = ctx;
    const struct kh_json *ids = kh_json_get(c->json, "ids");
    int64_t id[READ_MAX];
    size_t n = 0;

    if (kh_json_bool(c->json, "all", false))
        return kh_notice_read(tx, c->city->notify, c->who->account, NULL, 0, err);
    if (!kh_json_is(ids, KH_JSON_ARRAY) || ids->n == 0 || ids->n > READ_MAX)
        return kh_fail(err, KH_EC_BODY_INVALID, "give ids (1 to %d) or all", READ_MAX);
    for (uint32_t i = 0; i < ids->n; i++)
        if (ids->items[i].type != KH_JSON_STRING || !kh_id_parse(ids->items[i].s, &id[n++]))
            return kh_fail(err, KH_EC_BODY_INVALID, "ids[%u] is no id", i);
    return kh_notice_read(tx, c->city->notify, c->who->account, id, n, err);
}

static enum kh_next api_notice_read(struct kh_call *c)
{
    return kh_call_write(c, "notice_read", notice_read_in_tx, c, done);
}

static bool preference_read_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct kh_call *c = ctx;
    const struct kh_json *v;

    if (!kh_notify_preferences_get(tx, c->a, c->who->account, &v, err))
        return false;
    kh_reply_json(c, 200, kh_json_text(c->a, v));
    return true;
}

static enum kh_next api_preference_read(struct kh_call *c)
{
    return run_read(c, "preference_read", preference_read_in_tx);
}

static bool preference_put_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct kh_call *c = ctx;

    return kh_notify_preferences_put(tx, c->a, c->who->account, c->json, err);
}

static enum kh_next api_preference_put(struct kh_call *c)
{
    return kh_call_write(c, "preference_put", preference_put_in_tx, c, done);
}

static enum kh_next api_push_key(struct kh_call *c)
{
    return kh_reply_json(c, 200,
                         kh_strf(c->a, "{\"key\":\"%.*s\"}",
                                 KH_FMT(kh_push_key(c->city->notify, c->a))));
}

static bool push_subscribe_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct kh_call *c = ctx;

    return kh_push_subscribe(tx, c->a, c->who->account, c->json, err);
}

static enum kh_next api_push_subscribe(struct kh_call *c)
{
    return kh_call_write(c, "push_subscribe", push_subscribe_in_tx, c, done);
}

static bool push_list_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct kh_call *c = ctx;
    struct kh_buf b = kh_buf(c->a, 1 << 16);
    struct kh_jw w = kh_jw(&b);
    struct kh_push_device *list;
    size_t n;

    if (!kh_push_devices(tx, c->a, c->who->account, &list, &n, err))
        return false;
    kh_jw_obj(&w);
    kh_jw_key(&w, "items");
    kh_jw_arr(&w);
    for (size_t i = 0; i < n; i++) {
        kh_jw_obj(&w);
        kh_jw_kstr(&w, "endpoint", list[i].endpoint);
        kh_jw_kstr(&w, "service", list[i].service);
        kh_jw_kstr(&w, "since", kh_time_text(c->a, list[i].since_us));
        kh_jw_end(&w);
    }
    kh_jw_end(&w);
    kh_jw_end(&w);
    kh_reply_json(c, 200, kh_buf_get(&b));
    return true;
}

static enum kh_next api_push_list(struct kh_call *c)
{
    return run_read(c, "push_list", push_list_in_tx);
}

static bool push_unsubscribe_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct kh_call *c = ctx;

    return kh_push_unsubscribe(tx, c->who->account, kh_call_arg(c, "endpoint", KH_S("")), err);
}

static enum kh_next api_push_unsubscribe(struct kh_call *c)
{
    return kh_call_write(c, "push_unsubscribe", push_unsubscribe_in_tx, c, done);
}

const struct kh_route kh_routes_notice[] = {
    {KH_GET, "/api/v1/me/notices", "notice_list", api_notice_list, 0, 0, "limit,after", "account",
     "Thông báo của tôi", "My messages", NULL, "NoticeList"},
    {KH_GET, "/api/v1/records/{type}/{id}/notices", "record_told", api_record_told, 0, 0,
     "limit,after", "account", "Đã báo gì cho người có hồ sơ, bằng cách nào, đã đến chưa",
     "What the person of a record was told, how, and whether it arrived", NULL, "ToldList"},
    {KH_POST, "/api/v1/me/notices/read", "notice_read", api_notice_read, KH_R_JSON, 16384, "",
     "account", "Đánh dấu đã đọc", "Mark messages as read", "NoticeRead", NULL},
    {KH_GET, "/api/v1/me/preferences", "preference_read", api_preference_read, 0, 0, "", "account",
     "Cách nhận thông báo", "How I want to be reached", NULL, "Preferences"},
    {KH_PUT, "/api/v1/me/preferences", "preference_put", api_preference_put, KH_R_JSON, 4096, "",
     "account", "Chọn cách nhận thông báo", "Choose how to be reached", "Preferences", NULL},
    {KH_GET, "/api/v1/push/key", "push_key", api_push_key, KH_R_PUBLIC, 0, "", NULL,
     "Khoá công khai của thông báo đẩy", "Public key for web push", NULL, "PushKey"},
    {KH_GET, "/api/v1/me/push", "push_list", api_push_list, 0, 0, "", "account",
     "Các máy đang nhận thông báo đẩy của tôi", "My devices that take web push", NULL,
     "PushDeviceList"},
    {KH_POST, "/api/v1/me/push", "push_subscribe", api_push_subscribe, KH_R_JSON, 8192, "",
     "account", "Nhận thông báo đẩy trên máy này", "Take web push on this device",
     "PushSubscription", NULL},
    {KH_DELETE, "/api/v1/me/push", "push_unsubscribe", api_push_unsubscribe, 0, 0, "endpoint",
     "account", "Thôi nhận thông báo đẩy", "Stop web push on this device", NULL, NULL},
    {0},
};
