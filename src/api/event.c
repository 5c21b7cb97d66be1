/* SPDX-License-Identifier: Apache-2.0 */
/* The log of everything that changed: a page of it, or live. */
#include "api/call.h"

#include "api/city.h"
#include "api/hub.h"
#include "api/routes.h"
#include "base/config.h"
#include "base/id.h"
#include "base/metrics.h"
#include "base/time.h"

enum {
    LIMIT = 50,
    LIMIT_MAX = 1000,
    CHUNK = 500,
    SCAN_MAX = 5000,
    PAGE_MAX = 16 << 20,
    RECENT_MAX = 60
};

/* One request for a page: read in chunks until enough is found or looked at. */
struct page {
    struct kh_call *c;
    struct kh_sight sight;
    int64_t after;
    unsigned limit;
    struct kh_event *items;
    size_t n, cap;
    bool more;
};

static bool parse_seq(struct kh_str s, int64_t *ret, struct kh_error *err)
{
    return (kh_str_int(s, ret) && *ret >= 0) ||
           kh_fail(err, KH_EC_PARAMETER_INVALID, "after is the seq of an event");
}

static bool parse(struct kh_call *c, struct kh_sight *sight, struct kh_error *err)
{
    struct kh_str about = kh_call_arg(c, "about", kh_str(NULL, 0));

    *sight = kh_sight_of(c->who);
    sight->type = kh_call_arg(c, "type", kh_str(NULL, 0));
    sight->kind = kh_call_arg(c, "kind", kh_str(NULL, 0));
    return !about.p || kh_id_parse(about, &sight->about) ||
           kh_fail(err, KH_EC_PARAMETER_INVALID, "about is an id");
}

/* "recent=3": begin with what happened in the last three seconds. */
static bool parse_recent(const struct kh_call *c, int64_t *ret, struct kh_error *err)
{
    struct kh_str s = kh_call_arg(c, "recent", kh_str(NULL, 0));

    return !s.p || (kh_str_int(s, ret) && *ret >= 0 && *ret <= RECENT_MAX) ||
           kh_fail(err, KH_EC_PARAMETER_INVALID, "recent is 0 to %d seconds", RECENT_MAX);
}

static void keep(struct page *p, const struct kh_event *e)
{
    p->items = kh_grow(p->c->a, p->items, p->n, p->n + 1, &p->cap, sizeof(*p->items));
    p->items[p->n++] = *e;
}

static bool page_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct page *p = ctx;
    int64_t now = kh_now_us();

    for (size_t scanned = 0; scanned < SCAN_MAX;) {
        struct kh_event *events = NULL;
        size_t n = 0, durable;
        bool ok = p->sight.about
                      ? kh_event_of(tx, p->c->a, p->sight.about, p->after, CHUNK, &events, &n, err)
                      : kh_event_read(tx, p->c->a, p->after, CHUNK, &events, &n, err);

        if (!ok)
            return false;
        durable = kh_event_durable(p->c->city->store, events, n);
        for (size_t i = 0; i < durable; i++) {
            p->after = events[i].seq;
            if (!kh_sight_sees(&p->sight, &events[i], now))
                continue;
            keep(p, &events[i]);
            if (p->n == p->limit) {
                p->more = i + 1 < durable || durable == CHUNK;
                return true;
            }
        }
        scanned += durable;
        p->more = durable == CHUNK;
        if (!p->more)
            return true;
        if (kh_arena_over(p->c->a))
            return kh_fail(err, KH_EC_ARENA_FULL, "ask for fewer events");
    }
    return true;
}

static enum kh_next reply_page(struct kh_call *c)
{
    struct page p = {.c = c};
    struct kh_str after = kh_call_arg(c, "after", KH_S("0"));
    struct kh_buf b = kh_buf(c->a, PAGE_MAX);
    struct kh_jw w = kh_jw(&b);
    int64_t now = kh_now_us();

    if (!parse(c, &p.sight, &c->err) || !parse_seq(after, &p.after, &c->err) ||
        !kh_call_limit(c, LIMIT, LIMIT_MAX, &p.limit, &c->err) ||
        !kh_store_run(c->city->store, "event_page", KH_TX_READ, page_in_tx, &p, &c->err))
        return kh_reply_error(c, &c->err);
    kh_jw_obj(&w);
    kh_jw_key(&w, "items");
    kh_jw_arr(&w);
    for (size_t i = 0; i < p.n; i++) {
        struct kh_buf one = kh_buf(c->a, PAGE_MAX);

        kh_event_render(&one, &p.items[i], kh_sight_inside(&p.sight, &p.items[i], now));
        kh_jw_raw(&w, kh_buf_get(&one));
    }
    kh_jw_end(&w);
    if (p.more)
        kh_jw_kstr(&w, "next", kh_strf(c->a, "%lld", (long long)p.after));
    kh_jw_kint(&w, "seen", p.after);
    kh_jw_end(&w);
    return kh_reply_json(c, 200, kh_buf_get(&b));
}

static enum kh_next reply_live(struct kh_call *c)
{
    struct kh_str last = c->head.last_event_id;
    struct kh_sight *sight = kh_new(c->a, struct kh_sight);
    int64_t after = -1, recent = -1;

    if (!last.n)
        last = kh_call_arg(c, "after", kh_str(NULL, 0));
    if (!parse(c, sight, &c->err) || (last.n && !parse_seq(last, &after, &c->err)) ||
        !parse_recent(c, &recent, &c->err))
        return kh_reply_error(c, &c->err);
    if (!last.n && recent >= 0)
        after = kh_hub_ago(c->city->hub, recent);
    if (kh_metric_sum(KH_M_STREAMS) >= c->city->config->streams) {
        kh_fail(&c->err, KH_EC_OVERLOADED, "too many live streams");
        return kh_reply_error(c, &c->err);
    }
    kh_reply_header(c, "Cache-Control", KH_S("no-store"));
    kh_reply_header(c, "X-Accel-Buffering", KH_S("no"));
    return kh_reply_stream(c, "text/event-stream", kh_hub_stream(c->city->hub, c, sight, after));
}

static enum kh_next api_event_list(struct kh_call *c)
{
    if (!kh_call_accepts(c, "text/event-stream"))
        return reply_page(c);
    if (c->method == KH_HEAD)
        return kh_reply_text(c, 200, "text/event-stream", KH_S(""));
    return reply_live(c);
}

const struct kh_route kh_routes_event[] = {
    {KH_GET, "/api/v1/events", "event_list", api_event_list, KH_R_PUBLIC, 0,
     "after,recent,type,kind,about,limit", NULL, "Nhật ký sự kiện, theo trang hoặc trực tiếp",
     "The event log, by page or live", NULL, "EventList"},
    {.handler = NULL},
};
