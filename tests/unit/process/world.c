/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include "base/id.h"

#include <stdlib.h>

static const struct kh_grant officer_grants[] = {
    {KH_STR_INIT("officer"), KH_STR_INIT("H26.19"), KH_FOREVER, 0}};
static const struct kh_grant other_grants[] = {
    {KH_STR_INIT("officer"), KH_STR_INIT("H26.20"), KH_FOREVER, 0}};
static const struct kh_grant chief_grants[] = {
    {KH_STR_INIT("officer"), KH_STR_INIT("H26"), KH_FOREVER, 0},
    {KH_STR_INIT("admin"), KH_STR_INIT(""), KH_FOREVER, 0}};

static struct kh_who person(struct world *w, int64_t account, const char *name,
                            const struct kh_grant *grants, size_t n)
{
    return (struct kh_who){.kind = KH_WHO_ACCOUNT,
                           .account = account,
                           .actor =
                               kh_strf(w->a, "account:%.*s", KH_FMT(kh_id_text(w->a, account))),
                           .name = kh_cstr(name),
                           .username = kh_cstr(name),
                           .unit = KH_S(""),
                           .purpose = KH_S(""),
                           .grants = grants,
                           .grants_n = n,
                           .vi = true};
}

static void open_engines(struct world *w)
{
    if (!kh_registry_open(w->f.st, &w->reg, &w->err) ||
        !kh_process_open(w->f.st, w->reg, &w->pe, &w->err))
        fail_msg("%s", w->err.detail);
}

int world_setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    *state = w;
    kh_clock_set(T0);
    w->a = kh_arena_new(256 << 20);
    w->officer = person(w, 1001, "officer", officer_grants, 1);
    w->other = person(w, 1002, "other", other_grants, 1);
    w->chief = person(w, 1003, "chief", chief_grants, 2);
    w->citizen = person(w, 1004, "citizen", NULL, 0);
    w->system = kh_who_system(KH_S("test"));
    fixture_open(&w->f);
    open_engines(w);
    return 0;
}

int world_teardown(void **state)
{
    struct world *w = *state;

    /* However a story went, its rows are what the log says of them. */
    if (!w->tampered)
        assert_int_equal(verify(w), 0);
    kh_process_close(w->pe);
    kh_registry_close(w->reg);
    fixture_drop(&w->f);
    kh_arena_drop(w->a);
    kh_clock_set(0);
    free(w);
    return 0;
}

void world_reopen(struct world *w)
{
    kh_process_close(w->pe);
    kh_registry_close(w->reg);
    fixture_reopen(&w->f);
    open_engines(w);
}

size_t verify(struct world *w)
{
    struct kh_error err = {0};

    if (!kh_process_verify(w->f.st, w->a, NULL, NULL, &w->issues, &w->issues_n, &w->rows, &err))
        fail_msg("%s", err.detail);
    for (size_t i = 0; i < w->issues_n && !w->tampered; i++)
        fprintf(stderr, "# %.*s: %.*s\n", KH_FMT(w->issues[i].what), KH_FMT(w->issues[i].detail));
    return w->issues_n;
}

struct kh_str quoted(struct world *w, const char *text)
{
    char *copy = kh_str_z(w->a, kh_cstr(text));

    for (char *p = copy; *p; p++)
        if (*p == '\'')
            *p = '"';
    return kh_cstr(copy);
}

const struct kh_json *json(struct world *w, const char *text)
{
    struct kh_json *v;

    if (!kh_json_parse(w->a, quoted(w, text), NULL, &v, &w->err))
        fail_msg("%s: %s", text, w->err.detail);
    return v;
}

static const char *zero(struct world *w, struct kh_str s)
{
    return kh_str_z(w->a, s);
}

/* ---- one call in a transaction ---- */

struct op {
    struct world *w;
    bool (*fn)(struct op *o, struct kh_tx *tx, struct kh_error *err);
    struct kh_str name, text, more;
    const struct kh_json *json;
    const struct kh_type *type;
    const struct kh_who *who;
    const struct kh_task_query *q;
    int64_t id, got;
    bool flag;
    struct kh_task task, *tasks;
    size_t n;
    struct kh_str next;
    struct kh_instance instance;
    struct kh_event *events;
    struct kh_record record;
};

static bool op_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct op *o = ctx;

    return o->fn(o, tx, err);
}

static bool run(struct op *o, enum kh_tx_mode mode)
{
    o->w->err = (struct kh_error){0};
    return kh_store_run(o->w->f.st, "test", mode, op_in_tx, o, &o->w->err);
}

static bool op_type(struct op *o, struct kh_tx *tx, struct kh_error *err)
{
    return kh_type_put(tx, o->w->reg, o->w->a, o->name, o->json, err);
}

bool put_type(struct world *w, const char *name, const char *schema)
{
    struct op o = {.w = w, .fn = op_type, .name = kh_cstr(name), .json = json(w, schema)};

    return run(&o, KH_TX_WRITE);
}

static bool op_calendar(struct op *o, struct kh_tx *tx, struct kh_error *err)
{
    return kh_calendar_put(tx, o->w->pe, o->w->a, o->name, o->json, err);
}

bool put_calendar(struct world *w, const char *key, const char *text)
{
    struct op o = {.w = w, .fn = op_calendar, .name = kh_cstr(key), .json = json(w, text)};

    return run(&o, KH_TX_WRITE);
}

static bool op_create(struct op *o, struct kh_tx *tx, struct kh_error *err)
{
    struct kh_write w = {.who = &o->w->system, .trusted = true};
    struct kh_draft *draft;

    return kh_record_prepare(o->w->reg, o->w->a, o->type, o->json, &w, &draft, err) &&
           kh_record_insert(tx, o->w->reg, o->w->a, draft, &o->record, err);
}

int64_t create(struct world *w, const char *type, const char *fields)
{
    struct op o = {.w = w,
                   .fn = op_create,
                   .type = kh_type_find(w->reg, kh_cstr(type)),
                   .json = json(w, fields)};

    assert_non_null(o.type);
    if (!run(&o, KH_TX_WRITE))
        fail_msg("%s", w->err.detail);
    return o.record.id;
}

static bool op_file(struct op *o, struct kh_tx *tx, struct kh_error *err)
{
    struct kh_write w = {.who = &o->w->system, .trusted = true};
    struct kh_draft *draft;

    return kh_record_prepare(o->w->reg, o->w->a, o->type, o->json, &w, &draft, err) &&
           kh_case_create(tx, o->w->pe, o->w->a, draft, &o->w->system, &o->record, err);
}

int64_t file_case(struct world *w, const char *type, const char *fields, int64_t *ret_revision)
{
    struct op o = {.w = w,
                   .fn = op_file,
                   .type = kh_type_find(w->reg, kh_cstr(type)),
                   .json = json(w, fields)};

    assert_non_null(o.type);
    if (!run(&o, KH_TX_WRITE))
        return 0;
    *ret_revision = o.record.revision;
    return o.record.id;
}

static bool op_record(struct op *o, struct kh_tx *tx, struct kh_error *err)
{
    return kh_record_get(tx, o->w->reg, o->w->a, o->type, o->id, 0, 0, &o->record, err) == KH_HIT &&
           kh_record_fields(o->w->a, &o->record, &o->json, err);
}

const char *field(struct world *w, const char *type, int64_t id, const char *name)
{
    struct op o = {.w = w, .fn = op_record, .type = kh_type_find(w->reg, kh_cstr(type)), .id = id};

    if (!run(&o, KH_TX_READ))
        fail_msg("%s", w->err.detail);
    return kh_json_get(o.json, name) ? zero(w, kh_json_text(w->a, kh_json_get(o.json, name))) : "";
}

static bool op_deploy(struct op *o, struct kh_tx *tx, struct kh_error *err)
{
    return kh_process_deploy(tx, o->w->pe, o->w->a, o->text, err);
}

bool deploy(struct world *w, const char *text)
{
    struct kh_str all = kh_strf(w->a,
                                "<definitions xmlns='http://www.omg.org/spec/BPMN/20100524/MODEL' "
                                "xmlns:kh='https://khue.vn/bpmn'>%s</definitions>",
                                text);
    struct op o = {.w = w, .fn = op_deploy, .text = all};

    return run(&o, KH_TX_WRITE);
}

static bool op_start(struct op *o, struct kh_tx *tx, struct kh_error *err)
{
    return kh_process_start(tx, o->w->pe, o->w->a, o->name, o->type, o->id, o->json, &o->w->system,
                            &o->got, err);
}

int64_t start(struct world *w, const char *key, const char *type, int64_t case_id,
              const char *variables)
{
    struct op o = {.w = w,
                   .fn = op_start,
                   .name = kh_cstr(key),
                   .id = case_id,
                   .type = type ? kh_type_find(w->reg, kh_cstr(type)) : NULL,
                   .json = variables ? json(w, variables) : NULL};

    return run(&o, KH_TX_WRITE) ? o.got : 0;
}

static bool op_instance(struct op *o, struct kh_tx *tx, struct kh_error *err)
{
    return kh_instance_get(tx, o->w->pe, o->w->a, o->id, &o->w->system, &o->instance, err) ==
           KH_HIT;
}

const char *where(struct world *w, int64_t instance)
{
    struct op o = {.w = w, .fn = op_instance, .id = instance};
    struct kh_buf b = kh_buf(w->a, 10000);

    if (!run(&o, KH_TX_READ))
        return "nowhere";
    kh_buf_z(&b, o.instance.state);
    for (size_t i = 0; i < o.instance.tokens_n; i++) {
        kh_buf_z(&b, i ? "," : " ");
        kh_buf_str(&b, o.instance.tokens[i].element);
    }
    return zero(w, kh_buf_get(&b));
}

const char *variable(struct world *w, int64_t instance, const char *name)
{
    struct op o = {.w = w, .fn = op_instance, .id = instance};

    if (!run(&o, KH_TX_READ) || !kh_json_get(o.instance.variables, name))
        return "";
    return zero(w, kh_json_text(w->a, kh_json_get(o.instance.variables, name)));
}

static bool op_list(struct op *o, struct kh_tx *tx, struct kh_error *err)
{
    return kh_task_list(tx, o->w->pe, o->w->a, o->q, &o->tasks, &o->n, &o->next, err);
}

int64_t task(struct world *w, int64_t instance, const char *key)
{
    struct kh_task_query q = {.who = &w->system, .key = kh_cstr(key), .limit = 1000};
    struct op o = {.w = w, .fn = op_list, .q = &q};

    if (!run(&o, KH_TX_READ))
        fail_msg("%s", w->err.detail);
    for (size_t i = 0; i < o.n; i++)
        if (o.tasks[i].instance == instance)
            return o.tasks[i].id;
    return 0;
}

int64_t list(struct world *w, const struct kh_task_query *q, int64_t ids[], size_t max,
             struct kh_str *ret_next)
{
    struct op o = {.w = w, .fn = op_list, .q = q};

    if (!run(&o, KH_TX_READ))
        return -1;
    for (size_t i = 0; i < o.n && i < max; i++)
        ids[i] = o.tasks[i].id;
    if (ret_next)
        *ret_next = o.next;
    return (int64_t)o.n;
}

static bool op_get_task(struct op *o, struct kh_tx *tx, struct kh_error *err)
{
    return kh_task_get(tx, o->w->pe, o->w->a, o->id, &o->w->system, &o->task, err) == KH_HIT;
}

bool get_task(struct world *w, int64_t id, struct kh_task *ret)
{
    struct op o = {.w = w, .fn = op_get_task, .id = id};
    bool good = run(&o, KH_TX_READ);

    *ret = o.task;
    return good;
}

static bool op_claim(struct op *o, struct kh_tx *tx, struct kh_error *err)
{
    return kh_task_claim(tx, o->w->pe, o->w->a, o->id, o->flag, o->who, &o->w->task, err);
}

bool claim(struct world *w, int64_t id, bool take, const struct kh_who *who)
{
    struct op o = {.w = w, .fn = op_claim, .id = id, .flag = take, .who = who};

    return run(&o, KH_TX_WRITE);
}

static bool op_complete(struct op *o, struct kh_tx *tx, struct kh_error *err)
{
    return kh_task_complete(tx, o->w->pe, o->w->a, o->id, o->json, o->who, &o->w->task, err);
}

bool complete(struct world *w, int64_t id, const char *variables, const struct kh_who *who)
{
    struct op o = {.w = w,
                   .fn = op_complete,
                   .id = id,
                   .who = who,
                   .json = variables ? json(w, variables) : NULL};

    return run(&o, KH_TX_WRITE);
}

void work(struct world *w, int64_t instance, const char *key, const char *variables)
{
    int64_t id = task(w, instance, key);

    if (!id)
        fail_msg("no task %s; it is %s", key, where(w, instance));
    if (!complete(w, id, variables, &w->system))
        fail_msg("%s: %s", key, w->err.detail);
}

static bool op_message(struct op *o, struct kh_tx *tx, struct kh_error *err)
{
    return kh_process_message(tx, o->w->pe, o->w->a, o->name, o->id, o->text, o->json,
                              &o->w->system, &o->got, err);
}

int64_t message(struct world *w, const char *name, int64_t case_id, const char *correlation,
                const char *variables)
{
    struct op o = {.w = w,
                   .fn = op_message,
                   .name = kh_cstr(name),
                   .id = case_id,
                   .text = kh_cstr(correlation),
                   .json = variables ? json(w, variables) : NULL};

    return run(&o, KH_TX_WRITE) ? o.got : -1;
}

unsigned pass(struct world *w, int64_t us)
{
    unsigned ran = 0;

    kh_clock_add(us);
    w->err = (struct kh_error){0};
    if (!kh_process_jobs_run(w->pe, 100, &ran, &w->err))
        fail_msg("%s", w->err.detail);
    return ran;
}

static bool op_events(struct op *o, struct kh_tx *tx, struct kh_error *err)
{
    return kh_event_read(tx, o->w->a, o->id, 1000, &o->events, &o->n, err);
}

const char *told(struct world *w)
{
    struct op o = {.w = w, .fn = op_events};
    struct kh_buf b = kh_buf(w->a, 100000);

    fixture_settle(&w->f);
    o.id = w->seen;
    if (!run(&o, KH_TX_READ))
        fail_msg("%s", w->err.detail);
    for (size_t i = 0; i < o.n; i++) {
        w->seen = o.events[i].seq;
        if (kh_str_starts(o.events[i].kind, KH_S("record.")) ||
            kh_str_starts(o.events[i].kind, KH_S("type.")) ||
            kh_str_starts(o.events[i].kind, KH_S("row.")))
            continue;
        if (b.n)
            kh_buf_c(&b, ' ');
        kh_buf_str(&b, o.events[i].kind);
    }
    return b.n ? zero(w, kh_buf_get(&b)) : "";
}
