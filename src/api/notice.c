/* SPDX-License-Identifier: Apache-2.0 */
#include "api/city.h"
#include "api/routes.h"

#include "base/id.h"
#include "base/time.h"
#include "engine/notify/notify.h"

enum { READ_MAX = 200 };

static bool notice_list_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct kh_call *c = ctx;
    struct kh_buf b = kh_buf(c->a, 4 << 20);
    struct kh_jw w = kh_jw(&b);
    struct kh_str after = kh_call_arg(c, "after", KH_S(""));
    struct kh_notice_row *list;
    int64_t before = 0, unread;
    unsigned limit;
    size_t n;

    if (after.n && !kh_id_parse(after, &before))
        return kh_fail(err, KH_EC_CURSOR_INVALID, "after is an id");
    if (!kh_call_limit(c, 50, 200, &limit, err) ||
        !kh_notice_list(tx, c->city->notify, c->a, c->who->account, c->who->vi, before, limit,
                        &list, &n, err) ||
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
        kh_jw_end(&w);
    }
    kh_jw_end(&w);
    if (n == limit)
        kh_jw_kstr(&w, "next", kh_id_text(c->a, list[n - 1].id));
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
