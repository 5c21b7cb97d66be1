/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log for administrators: newest first, and its verification. */
#include "api/city.h"
#include "api/hub.h"
#include "api/routes.h"

#include "base/id.h"
#include "engine/process/process.h"
#include "engine/registry/registry.h"
#include "store/event.h"
#include "store/row.h"

enum { WINDOW = 1000, WINDOWS = 20 };

struct listing {
    struct kh_call *c;
    struct kh_sight sight;
    int64_t before;
    unsigned limit;
    struct kh_buf out;
};

/* Walk back window by window until enough is found; a page says where it ended. */
static bool event_list_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct listing *l = ctx;
    int64_t to = l->before;
    unsigned found = 0;

    l->out = kh_buf(l->c->a, 16 << 20);
    kh_buf_z(&l->out, "{\"items\":[");
    for (unsigned k = 0; k < WINDOWS && to > 1 && found < l->limit; k++) {
        int64_t from = to > WINDOW ? to - WINDOW : 1;
        struct kh_event *events;
        size_t n;

        if (!kh_event_read(tx, l->c->a, from - 1, (size_t)(to - from), &events, &n, err))
            return false;
        while (n > 0 && found < l->limit) {
            const struct kh_event *e = &events[--n];

            to = e->seq;
            if (!kh_sight_sees(&l->sight, e, 0))
                continue;
            if (found++)
                kh_buf_c(&l->out, ',');
            kh_event_render(&l->out, e, true);
        }
        if (n == 0)
            to = from;
    }
    kh_buf_c(&l->out, ']');
    if (to > 1)
        kh_buf_strf(&l->out, ",\"next\":\"%lld\"", (long long)to);
    kh_buf_c(&l->out, '}');
    return true;
}

static enum kh_next api_audit_list(struct kh_call *c)
{
    struct listing *l = kh_new(c->a, struct listing);
    struct kh_str after = kh_call_arg(c, "after", KH_S(""));
    struct kh_str about = kh_call_arg(c, "about", KH_S(""));
    struct kh_error err = {0};

    l->c = c;
    l->before = kh_event_head(c->city->store) + 1;
    l->sight = kh_sight_of(c->who);
    l->sight.type = kh_call_arg(c, "type", KH_S(""));
    l->sight.kind = kh_call_arg(c, "kind", KH_S(""));
    if ((about.n && !kh_id_parse(about, &l->sight.about)) ||
        (after.n && !(kh_str_int(after, &l->before) && l->before > 0))) {
        (void)kh_fail(&err, KH_EC_PARAMETER_INVALID, "about is an id, after is the seq of an event");
        return kh_reply_error(c, &err);
    }
    if (!kh_call_limit(c, 50, 1000, &l->limit, &err) ||
        !kh_store_run(c->city->store, "audit_list", KH_TX_READ, event_list_in_tx, l, &err))
        return kh_reply_error(c, &err);
    return kh_reply_json(c, 200, kh_buf_get(&l->out));
}

static void put_findings(struct kh_jw *w, const struct kh_verify_issue *issues, size_t n)
{
    for (size_t i = 0; i < n && i < 1000; i++) {
        kh_jw_obj(w);
        kh_jw_kint(w, "seq", issues[i].seq);
        kh_jw_kstr(w, "what", issues[i].what);
        kh_jw_kstr(w, "detail", issues[i].detail);
        kh_jw_end(w);
    }
}

static void audit_verify_work(struct kh_call *c)
{
    struct kh_buf b = kh_buf(c->a, 4 << 20);
    struct kh_jw w = kh_jw(&b);
    struct kh_verify_issue *in_log, *in_records, *in_tasks, *in_rows;
    struct kh_error err = {0};
    int64_t events = 0, records = 0, tasks = 0, rows = 0;
    size_t log_n = 0, records_n = 0, tasks_n = 0, rows_n = 0;

    if (!kh_event_verify(c->city->store, c->a, NULL, NULL, &in_log, &log_n, &events, &err) ||
        !kh_registry_verify(c->city->registry, c->a, NULL, NULL, &in_records, &records_n, &records,
                            &err) ||
        !kh_process_verify(c->city->store, c->a, NULL, NULL, &in_tasks, &tasks_n, &tasks, &err) ||
        !kh_rows_verify(c->city->store, c->a, &in_rows, &rows_n, &rows, &err)) {
        kh_reply_error(c, &err);
        return;
    }
    kh_jw_obj(&w);
    kh_jw_kbool(&w, "ok", log_n + records_n + tasks_n + rows_n == 0);
    kh_jw_kint(&w, "events", events);
    kh_jw_kint(&w, "rows", records + tasks + rows);
    kh_jw_key(&w, "findings");
    kh_jw_arr(&w);
    put_findings(&w, in_log, log_n);
    put_findings(&w, in_records, records_n);
    put_findings(&w, in_tasks, tasks_n);
    put_findings(&w, in_rows, rows_n);
    kh_jw_end(&w);
    kh_jw_end(&w);
    kh_reply_json(c, 200, kh_buf_get(&b));
}

static enum kh_next api_audit_verify(struct kh_call *c)
{
    return kh_call_offload(c, audit_verify_work);
}

const struct kh_route kh_routes_audit[] = {
    {KH_GET, "/api/v1/audit/events", "audit_list", api_audit_list, 0, 0,
     "type,kind,about,after,limit", "admin", "Nhật ký kiểm toán, mới nhất trước",
     "The audit log, newest first", NULL, "AuditList"},
    {KH_POST, "/api/v1/audit/verify", "audit_verify", api_audit_verify, KH_R_OPTIONAL_BODY, 4096,
     "", "admin", "Kiểm chứng chuỗi sự kiện", "Verify the chain of events", NULL, "AuditVerdict"},
    {0},
};
