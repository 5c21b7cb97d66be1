/* SPDX-License-Identifier: Apache-2.0 */
/* What an administrator does to running instances: moves them, takes them to another version; and
 * signals from outside. */
#include "engine/process/process.h"

#include "api/city.h"
#include "api/routes.h"
#include "base/id.h"

enum { PAGE = 100, PAGE_MAX = 1000 };

/* A text of the body; missing is "". */
static bool text_of(struct kh_call *c, const char *name, struct kh_str *ret, struct kh_error *err)
{
    const struct kh_json *v = kh_json_get(c->json, name);

    *ret = v && v->type == KH_JSON_STRING ? v->s : KH_S("");
    return !v || v->type == KH_JSON_STRING ||
           kh_fail(err, KH_EC_BODY_INVALID, "%s is no text", name);
}

static bool is_object(struct kh_call *c, struct kh_error *err)
{
    return !c->json || c->json->type == KH_JSON_OBJECT ||
           kh_fail(err, KH_EC_BODY_INVALID, "the body is no object");
}

/* ---- moving ---- */

struct move_call {
    struct kh_call *c;
    int64_t id;
    struct kh_str from, to, reason;
};

static bool instance_move_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct move_call *m = ctx;

    return kh_instance_move(tx, m->c->city->process, m->c->a, m->id, m->from, m->to, m->reason,
                            m->c->who, err);
}

static enum kh_next instance_moved(struct kh_call *c, bool ok, const struct kh_error *err)
{
    return ok ? kh_reply_empty(c, 204) : kh_reply_error(c, err);
}

static enum kh_next api_instance_move(struct kh_call *c)
{
    struct move_call *m = kh_new(c->a, struct move_call);
    struct kh_error err = {0};

    m->c = c;
    if (!kh_id_parse(c->params[0], &m->id)) {
        (void)kh_fail(&err, KH_EC_INSTANCE_UNKNOWN, "no id");
        return kh_reply_error(c, &err);
    }
    if (!is_object(c, &err) || !text_of(c, "from", &m->from, &err) ||
        !text_of(c, "to", &m->to, &err) || !text_of(c, "reason", &m->reason, &err))
        return kh_reply_error(c, &err);
    return kh_call_write(c, "instance_move", instance_move_in_tx, m, instance_moved);
}

/* ---- another version ---- */

struct migrate_call {
    struct kh_call *c;
    struct kh_migration plan;
    struct kh_migrated got;
};

static bool process_migrate_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct migrate_call *m = ctx;

    return kh_process_migrate(tx, m->c->city->process, m->c->a, &m->plan, m->c->who, &m->got, err);
}

static enum kh_next process_migrated(struct kh_call *c, bool ok, const struct kh_error *err)
{
    const struct migrate_call *m = c->ctx;
    struct kh_buf b = kh_buf(c->a, 1024);
    struct kh_jw w = kh_jw(&b);

    if (!ok)
        return kh_reply_error(c, err);
    kh_jw_obj(&w);
    kh_jw_kint(&w, "checked", m->got.checked);
    kh_jw_kint(&w, "moved", m->got.moved);
    if (m->got.next)
        kh_jw_kstr(&w, "next", kh_id_text(c->a, m->got.next));
    kh_jw_end(&w);
    return kh_reply_json(c, 200, kh_buf_get(&b));
}

static bool read_plan(struct kh_call *c, struct kh_migration *p, struct kh_error *err)
{
    const struct kh_json *dry = kh_json_get(c->json, "dry_run");
    int64_t limit = kh_json_int(c->json, "limit", PAGE);
    struct kh_str after;

    if (!is_object(c, err) || !text_of(c, "reason", &p->reason, err) ||
        !text_of(c, "after", &after, err))
        return false;
    p->key = c->params[0];
    p->from = kh_json_int(c->json, "from", 0);
    p->to = kh_json_int(c->json, "to", 0);
    p->mapping = kh_json_get(c->json, "mapping");
    p->dry_run = kh_json_is(dry, KH_JSON_TRUE);
    p->limit = (unsigned)limit;
    if (p->from < 1 || p->to < 1 || p->from == p->to)
        return kh_fail(err, KH_EC_BODY_INVALID, "from and to are two versions");
    if (p->mapping && p->mapping->type != KH_JSON_OBJECT)
        return kh_fail(err, KH_EC_BODY_INVALID, "mapping is no object");
    if (dry && dry->type != KH_JSON_TRUE && dry->type != KH_JSON_FALSE)
        return kh_fail(err, KH_EC_BODY_INVALID, "dry_run is true or false");
    if (limit < 1 || limit > PAGE_MAX)
        return kh_fail(err, KH_EC_BODY_INVALID, "limit is a number from 1 to %d", PAGE_MAX);
    if (after.n && !kh_id_parse(after, &p->after))
        return kh_fail(err, KH_EC_CURSOR_INVALID, "after is an id");
    return true;
}

static enum kh_next api_process_migrate(struct kh_call *c)
{
    struct migrate_call *m = kh_new(c->a, struct migrate_call);
    struct kh_error err = {0};

    m->c = c;
    if (!read_plan(c, &m->plan, &err))
        return kh_reply_error(c, &err);
    return kh_call_write(c, "process_migrate", process_migrate_in_tx, m, process_migrated);
}

/* ---- signals ---- */

static bool signal_send_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct kh_call *c = ctx;

    return kh_process_signal(tx, c->city->process, c->a, c->params[0],
                             kh_json_get(c->json, "variables"), c->who, err);
}

static enum kh_next signal_sent(struct kh_call *c, bool ok, const struct kh_error *err)
{
    return ok ? kh_reply_empty(c, 204) : kh_reply_error(c, err);
}

static enum kh_next api_signal_send(struct kh_call *c)
{
    const struct kh_json *variables = kh_json_get(c->json, "variables");
    struct kh_error err = {0};

    if (!kh_who_is(c->who, KH_S("integrator")) && !kh_who_is(c->who, KH_S("admin"))) {
        (void)kh_fail(&err, KH_EC_FORBIDDEN, "role integrator may send signals");
        return kh_reply_error(c, &err);
    }
    if (!is_object(c, &err))
        return kh_reply_error(c, &err);
    if (variables && variables->type != KH_JSON_OBJECT) {
        (void)kh_fail(&err, KH_EC_BODY_INVALID, "variables is no object");
        return kh_reply_error(c, &err);
    }
    return kh_call_write(c, "signal_send", signal_send_in_tx, c, signal_sent);
}

const struct kh_route kh_routes_process_admin[] = {
    {KH_POST, "/api/v1/instances/{id}/move", "instance_move", api_instance_move, KH_R_JSON, 16384,
     "", "admin", "Chuyển một lượt xử lý từ bước này sang bước khác",
     "Move an instance from one element to another", "InstanceMove", NULL},
    {KH_POST, "/api/v1/processes/{key}/migrate", "process_migrate", api_process_migrate, KH_R_JSON,
     1 << 20, "", "admin", "Chuyển các lượt đang xử lý sang phiên bản khác của quy trình",
     "Take running instances to another version of their process", "ProcessMigrate",
     "ProcessMigrated"},
    {KH_POST, "/api/v1/signals/{name}", "signal_send", api_signal_send,
     KH_R_JSON | KH_R_OPTIONAL_BODY, 0, "", "account", "Phát tín hiệu tới mọi lượt xử lý đang chờ",
     "Tell a signal to everybody who waits for it", "SignalSend", NULL},
    {0},
};
