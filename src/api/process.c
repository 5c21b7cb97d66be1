/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/process/process.h"

#include "api/city.h"
#include "api/routes.h"
#include "base/id.h"
#include "base/time.h"

static enum kh_next run_read(struct kh_call *c, const char *name, kh_tx_fn fn)
{
    struct kh_error err = {0};

    if (!kh_store_run(c->city->store, name, KH_TX_READ, fn, c, &err))
        return kh_reply_error(c, &err);
    return KH_REPLIED;
}

/* ---- processes ---- */

static void put_info(struct kh_jw *w, struct kh_arena *a, const struct kh_process_info *p)
{
    kh_jw_obj(w);
    kh_jw_kstr(w, "key", p->key);
    kh_jw_kint(w, "version", p->version);
    kh_jw_key(w, "name");
    kh_jw_obj(w);
    kh_jw_kstr(w, "vi", p->name_vi);
    kh_jw_kstr(w, "en", p->name_en);
    kh_jw_end(w);
    kh_jw_kstr(w, "deployed_at", kh_time_text(a, p->deployed_us));
    kh_jw_kint(w, "running", p->running);
    kh_jw_end(w);
}

static bool process_list_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct kh_call *c = ctx;
    struct kh_buf b = kh_buf(c->a, 4 << 20);
    struct kh_jw w = kh_jw(&b);
    struct kh_process_info *list;
    size_t n;

    if (!kh_process_list(tx, c->city->process, c->a, &list, &n, err))
        return false;
    kh_jw_obj(&w);
    kh_jw_key(&w, "items");
    kh_jw_arr(&w);
    for (size_t i = 0; i < n; i++)
        put_info(&w, c->a, &list[i]);
    kh_jw_end(&w);
    kh_jw_end(&w);
    kh_reply_json(c, 200, kh_buf_get(&b));
    return true;
}

static enum kh_next api_process_list(struct kh_call *c)
{
    return run_read(c, "process_list", process_list_in_tx);
}

static bool process_read_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct kh_call *c = ctx;
    struct kh_buf b = kh_buf(c->a, 1 << 20);
    struct kh_jw w = kh_jw(&b);
    struct kh_process_info p;

    if (!kh_process_get(tx, c->city->process, c->a, c->params[0], &p, NULL, err))
        return false;
    put_info(&w, c->a, &p);
    kh_reply_json(c, 200, kh_buf_get(&b));
    return true;
}

static enum kh_next api_process_read(struct kh_call *c)
{
    return run_read(c, "process_read", process_read_in_tx);
}

static bool process_bpmn_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct kh_call *c = ctx;
    struct kh_process_info p;
    struct kh_str xml;

    if (!kh_process_get(tx, c->city->process, c->a, c->params[0], &p, &xml, err))
        return false;
    kh_reply_text(c, 200, "application/xml; charset=utf-8", xml);
    return true;
}

static enum kh_next api_process_bpmn(struct kh_call *c)
{
    return run_read(c, "process_bpmn", process_bpmn_in_tx);
}

/* ---- starting ---- */

struct start_call {
    struct kh_call *c;
    int64_t case_id, instance;
    const struct kh_json *variables;
};

/* Which record an id names: ids are unique over all types. It must be one that who may read. */
static bool case_type_of(struct kh_tx *tx, struct start_call *s, const struct kh_type **ret,
                         struct kh_error *err)
{
    struct kh_registry *reg = s->c->city->registry;
    const struct kh_type *t;
    struct kh_record r;

    *ret = NULL;
    for (size_t i = 0; s->case_id && !*ret && (t = kh_type_at(reg, i)); i++) {
        enum kh_hit hit = kh_record_get(tx, reg, s->c->a, t, s->case_id, 0, 0, &r, err);

        if (hit == KH_HIT)
            hit = kh_record_open(tx, reg, s->c->a, t, s->case_id, 0, 0, s->c->who, KH_OP_READ, &r,
                                 err);
        if (hit == KH_FAIL)
            return false;
        if (hit == KH_HIT)
            *ret = t;
    }
    return *ret || !s->case_id ||
           kh_fail(err, KH_EC_RECORD_UNKNOWN, "id=%lld", (long long)s->case_id);
}

static bool instance_start_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct start_call *s = ctx;
    struct kh_call *c = s->c;
    const struct kh_type *type;
    struct kh_process_info p;
    struct kh_str role;

    if (!kh_process_get(tx, c->city->process, c->a, c->params[0], &p, NULL, err))
        return false;
    role = p.starter.n ? p.starter : KH_S("admin");
    if (!kh_who_is(c->who, role))
        return kh_fail(err, KH_EC_FORBIDDEN, "role %.*s may start %.*s", KH_FMT(role),
                       KH_FMT(p.key));
    return case_type_of(tx, s, &type, err) &&
           kh_process_start(tx, c->city->process, c->a, p.key, type, s->case_id, s->variables,
                            c->who, &s->instance, err);
}

static enum kh_next instance_started(struct kh_call *c, bool ok, const struct kh_error *err)
{
    struct start_call *s = c->ctx;
    struct kh_str id;

    if (!ok)
        return kh_reply_error(c, err);
    id = kh_id_text(c->a, s->instance);
    kh_reply_header(c, "Location", kh_strf(c->a, "/api/v1/instances/%.*s", KH_FMT(id)));
    return kh_reply_json(c, 201, kh_strf(c->a, "{\"id\":\"%.*s\"}", KH_FMT(id)));
}

/* "case" (an id, or {type, id} as in replies) and "variables" of a body. */
static bool read_body(struct kh_call *c, int64_t *ret_case, const struct kh_json **ret_variables,
                      struct kh_error *err)
{
    const struct kh_json *id = kh_json_get(c->json, "case");
    const struct kh_json *variables = kh_json_get(c->json, "variables");

    if (kh_json_is(id, KH_JSON_OBJECT))
        id = kh_json_get(id, "id");
    *ret_case = 0;
    *ret_variables = variables;
    if (c->json && c->json->type != KH_JSON_OBJECT)
        return kh_fail(err, KH_EC_BODY_INVALID, "the body is no object");
    if (id && id->type != KH_JSON_NULL &&
        (id->type != KH_JSON_STRING || !kh_id_parse(id->s, ret_case)))
        return kh_fail(err, KH_EC_BODY_INVALID, "case is no id");
    if (variables && variables->type != KH_JSON_OBJECT && variables->type != KH_JSON_NULL)
        return kh_fail(err, KH_EC_BODY_INVALID, "variables is no object");
    return true;
}

static enum kh_next api_instance_start(struct kh_call *c)
{
    struct start_call *s = kh_new(c->a, struct start_call);
    struct kh_error err = {0};

    s->c = c;
    if (!read_body(c, &s->case_id, &s->variables, &err))
        return kh_reply_error(c, &err);
    return kh_call_write(c, "instance_start", instance_start_in_tx, s, instance_started);
}

/* ---- instances ---- */

static void put_instance(struct kh_jw *w, struct kh_arena *a, const struct kh_instance *i)
{
    kh_jw_obj(w);
    kh_jw_kstr(w, "id", kh_id_text(a, i->id));
    kh_jw_kstr(w, "process", i->process);
    kh_jw_kint(w, "version", i->version);
    if (i->case_id) {
        kh_jw_key(w, "case");
        kh_jw_obj(w);
        kh_jw_kstr(w, "type", i->case_type);
        kh_jw_kstr(w, "id", kh_id_text(a, i->case_id));
        kh_jw_end(w);
    }
    if (i->parent)
        kh_jw_kstr(w, "parent", kh_id_text(a, i->parent));
    kh_jw_kz(w, "state", i->state);
    kh_jw_kstr(w, "started_at", kh_time_text(a, i->started_us));
    if (i->ended_us)
        kh_jw_kstr(w, "ended_at", kh_time_text(a, i->ended_us));
    kh_jw_key(w, "tokens");
    kh_jw_arr(w);
    for (size_t k = 0; k < i->tokens_n; k++) {
        kh_jw_obj(w);
        kh_jw_kstr(w, "element", i->tokens[k].element);
        kh_jw_kstr(w, "since", kh_time_text(a, i->tokens[k].since_us));
        kh_jw_end(w);
    }
    kh_jw_end(w);
    kh_jw_key(w, "variables");
    kh_jw_json(w, i->variables);
    kh_jw_end(w);
}

static bool instance_read_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct kh_call *c = ctx;
    struct kh_buf b = kh_buf(c->a, 4 << 20);
    struct kh_jw w = kh_jw(&b);
    struct kh_instance i;
    int64_t id;
    enum kh_hit hit = KH_MISS;

    if (kh_id_parse(c->params[0], &id))
        hit = kh_instance_get(tx, c->city->process, c->a, id, c->who, &i, err);
    if (hit == KH_MISS)
        return kh_fail(err, KH_EC_INSTANCE_UNKNOWN, "no such instance in reach");
    if (hit == KH_FAIL)
        return false;
    put_instance(&w, c->a, &i);
    kh_reply_json(c, 200, kh_buf_get(&b));
    return true;
}

static enum kh_next api_instance_read(struct kh_call *c)
{
    return run_read(c, "instance_read", instance_read_in_tx);
}

/* ---- messages ---- */

struct message_call {
    struct kh_call *c;
    int64_t case_id, delivered;
    struct kh_str correlation;
    const struct kh_json *variables;
};

static bool message_send_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct message_call *m = ctx;
    struct kh_call *c = m->c;

    return kh_process_message(tx, c->city->process, c->a, c->params[0], m->case_id, m->correlation,
                              m->variables, c->who, &m->delivered, err);
}

static enum kh_next message_sent(struct kh_call *c, bool ok, const struct kh_error *err)
{
    struct message_call *m = c->ctx;

    if (!ok)
        return kh_reply_error(c, err);
    return kh_reply_json(c, 200, kh_strf(c->a, "{\"delivered\":%lld}", (long long)m->delivered));
}

static enum kh_next api_message_send(struct kh_call *c)
{
    struct message_call *m = kh_new(c->a, struct message_call);
    const struct kh_json *correlation = kh_json_get(c->json, "correlation");
    struct kh_error err = {0};

    m->c = c;
    if (!kh_who_is(c->who, KH_S("integrator")) && !kh_who_is(c->who, KH_S("admin"))) {
        (void)kh_fail(&err, KH_EC_FORBIDDEN, "role integrator may send messages");
        return kh_reply_error(c, &err);
    }
    if (correlation && correlation->type != KH_JSON_STRING) {
        (void)kh_fail(&err, KH_EC_BODY_INVALID, "correlation is no text");
        return kh_reply_error(c, &err);
    }
    m->correlation = correlation ? correlation->s : KH_S("");
    if (!read_body(c, &m->case_id, &m->variables, &err))
        return kh_reply_error(c, &err);
    return kh_call_write(c, "message_send", message_send_in_tx, m, message_sent);
}

/* ---- outbound calls that were given up ---- */

static bool job_dead_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct kh_call *c = ctx;
    struct kh_buf b = kh_buf(c->a, 4 << 20);
    struct kh_jw w = kh_jw(&b);
    struct kh_str after = kh_call_arg(c, "after", KH_S(""));
    struct kh_dead_job *jobs;
    int64_t last = 0;
    unsigned limit;
    size_t n;

    if (after.n && !kh_id_parse(after, &last))
        return kh_fail(err, KH_EC_CURSOR_INVALID, "after is an id");
    if (!kh_call_limit(c, 50, 1000, &limit, err) ||
        !kh_process_dead_jobs(tx, c->city->process, c->a, last, limit, &jobs, &n, err))
        return false;
    kh_jw_obj(&w);
    kh_jw_key(&w, "items");
    kh_jw_arr(&w);
    for (size_t i = 0; i < n; i++) {
        kh_jw_obj(&w);
        kh_jw_kstr(&w, "id", kh_id_text(c->a, jobs[i].id));
        kh_jw_kstr(&w, "instance", kh_id_text(c->a, jobs[i].instance));
        kh_jw_kstr(&w, "element", jobs[i].element);
        kh_jw_kint(&w, "attempts", jobs[i].attempts);
        kh_jw_kstr(&w, "error", jobs[i].error);
        kh_jw_end(&w);
    }
    kh_jw_end(&w);
    if (n == limit)
        kh_jw_kstr(&w, "next", kh_id_text(c->a, jobs[n - 1].id));
    kh_jw_end(&w);
    kh_reply_json(c, 200, kh_buf_get(&b));
    return true;
}

static enum kh_next api_job_dead(struct kh_call *c)
{
    return run_read(c, "job_dead", job_dead_in_tx);
}

static bool job_retry_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct kh_call *c = ctx;
    int64_t id;
    enum kh_hit hit = KH_MISS;

    if (kh_id_parse(c->params[0], &id))
        hit = kh_process_retry_job(tx, c->city->process, c->a, id, err);
    if (hit == KH_MISS)
        return kh_fail(err, KH_EC_JOB_UNKNOWN, "no such dead job");
    return hit == KH_HIT;
}

static enum kh_next job_retried(struct kh_call *c, bool ok, const struct kh_error *err)
{
    return ok ? kh_reply_empty(c, 204) : kh_reply_error(c, err);
}

static enum kh_next api_job_retry(struct kh_call *c)
{
    return kh_call_write(c, "job_retry", job_retry_in_tx, c, job_retried);
}

const struct kh_route kh_routes_process[] = {
    {KH_GET, "/api/v1/processes", "process_list", api_process_list, 0, 0, "", "account",
     "Các quy trình đang dùng", "The processes in use", NULL, "ProcessList"},
    {KH_GET, "/api/v1/processes/{key}", "process_read", api_process_read, 0, 0, "", "account",
     "Một quy trình", "One process", NULL, "Process"},
    {KH_GET, "/api/v1/processes/{key}/bpmn", "process_bpmn", api_process_bpmn, 0, 0, "", "account",
     "Mô hình BPMN của quy trình", "The BPMN model of a process", NULL, NULL},
    {KH_POST, "/api/v1/processes/{key}/instances", "instance_start", api_instance_start,
     KH_R_JSON | KH_R_OPTIONAL_BODY, 0, "", "account", "Bắt đầu một lượt xử lý",
     "Start an instance", "InstanceStart", "InstanceId"},
    {KH_GET, "/api/v1/instances/{id}", "instance_read", api_instance_read, 0, 0, "", "account",
     "Một lượt xử lý đang ở đâu", "Where an instance stands", NULL, "Instance"},
    {KH_POST, "/api/v1/messages/{name}", "message_send", api_message_send,
     KH_R_JSON | KH_R_OPTIONAL_BODY, 0, "", "account", "Gửi thông điệp tới các lượt xử lý đang chờ",
     "Deliver a message to waiting instances", "MessageSend", "MessageSent"},
    {KH_GET, "/api/v1/jobs/dead", "job_dead", api_job_dead, 0, 0, "limit,after", "admin",
     "Các lần gọi ra ngoài đã bỏ cuộc", "Outbound calls that were given up", NULL, "JobList"},
    {KH_POST, "/api/v1/jobs/{id}/retry", "job_retry", api_job_retry, KH_R_JSON | KH_R_OPTIONAL_BODY,
     4096, "", "admin", "Thử lại lần gọi đã bỏ cuộc", "Try a given-up call again", NULL, NULL},
    {0},
};
