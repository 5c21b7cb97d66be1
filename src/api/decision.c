/* SPDX-License-Identifier: Apache-2.0 */
#include "api/city.h"
#include "api/routes.h"

#include "base/time.h"
#include "engine/process/dmn/dmn.h"
#include "engine/process/process.h"

enum {
    BODY_MAX = 16 << 20,
    REPLY_MAX = 64 << 20,
    MODEL_ARENA = 256 << 20,
    CASE_ARENA = 128 << 20,
    CASES_MAX = 10000,
    IMPORTS_MAX = 31,
    MESSAGES_MAX = 50,
};

#define TIME_MAX_US (30 * KH_US_S) /* for all cases of one call */

/* What is asked: a model of the caller, or a deployed one. */
struct asked {
    struct kh_call *c;
    struct kh_arena *model_arena;
    const struct kh_dmn *model; /* NULL: ref */
    struct kh_str ref;
    int64_t until_us;
};

static bool compile_model(struct asked *q, const struct kh_json *body, struct kh_error *err)
{
    const struct kh_json *imports = kh_json_get(body, "imports");
    struct kh_issues *issues = kh_new(q->c->a, struct kh_issues);
    struct kh_dmn_source src = {.xml = kh_json_str(body, "model", KH_S(""))};
    struct kh_str *texts;
    bool ok;

    if (imports && imports->type != KH_JSON_ARRAY)
        return kh_fail(err, KH_EC_BODY_INVALID, "imports is a list of DMN texts");
    if (imports && imports->n > IMPORTS_MAX)
        return kh_fail(err, KH_EC_BODY_INVALID, "at most %d imports", IMPORTS_MAX);
    texts = kh_new_n(q->c->a, imports ? imports->n : 0, struct kh_str);
    for (uint32_t i = 0; imports && i < imports->n; i++) {
        if (imports->items[i].type != KH_JSON_STRING)
            return kh_fail(err, KH_EC_BODY_INVALID, "imports is a list of DMN texts");
        texts[src.imports_n++] = imports->items[i].s;
    }
    src.imports = texts;
    ok = kh_dmn_compile(q->model_arena, &src, issues, &q->model, err);
    if (!ok && err->issues) {
        /* The reply outlives the arena of the model. */
        struct kh_issues *kept = kh_new(q->c->a, struct kh_issues);

        for (size_t i = 0; i < issues->n; i++)
            kh_issue_add(kept, q->c->a, issues->items[i].pointer,
                         kh_str_z(q->c->a, issues->items[i].code), issues->items[i].vi,
                         issues->items[i].en);
        kept->cut = kept->cut || issues->cut;
        err->issues = kept;
    }
    return ok;
}

static bool read_asked(struct asked *q, const struct kh_json *body, struct kh_error *err)
{
    const struct kh_json *model = kh_json_get(body, "model"),
                         *ref = kh_json_get(body, "decision_ref");

    if (body->type != KH_JSON_OBJECT || (model != NULL) == (ref != NULL))
        return kh_fail(err, KH_EC_BODY_INVALID,
                       "either model (DMN text) or decision_ref is needed");
    if (!kh_json_is(model ? model : ref, KH_JSON_STRING))
        return kh_fail(err, KH_EC_BODY_INVALID, "%s is a string", model ? "model" : "decision_ref");
    if (model)
        return compile_model(q, body, err);
    q->ref = ref->s;
    return true;
}

/* One of decision, service, bkm, with its inputs. */
static bool read_call(const struct kh_json *v, struct kh_dmn_call *ret, struct kh_error *err)
{
    static const struct {
        const char *key;
        enum kh_dmn_what what;
    } kinds[] = {{"decision", KH_DMN_DECISION}, {"service", KH_DMN_SERVICE}, {"bkm", KH_DMN_BKM}};
    static const struct kh_json empty = {.type = KH_JSON_OBJECT};
    const struct kh_json *inputs = kh_json_get(v, "inputs");

    *ret = (struct kh_dmn_call){.inputs = inputs ? inputs : &empty, .tagged = true};
    if (!kh_json_is(v, KH_JSON_OBJECT) || ret->inputs->type != KH_JSON_OBJECT)
        return kh_fail(err, KH_EC_BODY_INVALID, "inputs is an object by the names of the inputs");
    for (size_t i = 0; i < KH_LEN(kinds); i++) {
        const struct kh_json *name = kh_json_get(v, kinds[i].key);

        if (!name)
            continue;
        if (name->type != KH_JSON_STRING || name->s.n == 0 || ret->name.n)
            return kh_fail(err, KH_EC_BODY_INVALID,
                           "one of decision, service, bkm is a name or an id");
        ret->what = kinds[i].what;
        ret->name = name->s;
    }
    return true;
}

static void put_messages(struct kh_jw *w, const struct kh_issues *is, bool vi)
{
    kh_jw_key(w, "messages");
    kh_jw_arr(w);
    for (size_t i = 0; i < is->n; i++) {
        kh_jw_obj(w);
        kh_jw_kstr(w, "pointer", is->items[i].pointer);
        kh_jw_kstr(w, "code", is->items[i].code);
        kh_jw_kstr(w, "message", vi ? is->items[i].vi : is->items[i].en);
        kh_jw_end(w);
    }
    kh_jw_end(w);
}

/* {"result", "messages"} of one case. */
static bool put_case(struct asked *q, const struct kh_json *v, struct kh_jw *w,
                     struct kh_error *err)
{
    kh_auto_arena a = kh_arena_new(CASE_ARENA);
    struct kh_issues messages = {.max = MESSAGES_MAX};
    const struct kh_json *result;
    struct kh_dmn_call call;

    if (!read_call(v, &call, err))
        return false;
    if (kh_mono_us() > q->until_us)
        return kh_fail(err, KH_EC_FEEL_LIMIT, "the cases before this one took all the time");
    if (q->model ? !kh_dmn_eval(q->model, a, &call, &result, &messages, err)
                 : !kh_decision_run(q->c->city->process, a, q->ref, &call, &result, &messages, err))
        return false;
    kh_jw_obj(w);
    kh_jw_key(w, "result");
    kh_jw_json(w, result);
    put_messages(w, &messages, !q->c->who || q->c->who->vi);
    kh_jw_end(w);
    return true;
}

static void put_case_error(struct asked *q, struct kh_jw *w, const struct kh_error *err)
{
    const struct kh_error_info *info = kh_error_info(err->code);
    bool vi = !q->c->who || q->c->who->vi;

    kh_jw_obj(w);
    kh_jw_key(w, "error");
    kh_jw_obj(w);
    kh_jw_kz(w, "code", info->name);
    kh_jw_kz(w, "title", vi ? info->vi : info->en);
    kh_jw_kz(w, "detail", err->detail);
    kh_jw_end(w);
    kh_jw_end(w);
}

static bool put_cases(struct asked *q, const struct kh_json *cases, struct kh_jw *w,
                      struct kh_error *err)
{
    if (cases->type != KH_JSON_ARRAY || cases->n > CASES_MAX)
        return kh_fail(err, KH_EC_BODY_INVALID, "cases is a list of at most %d", CASES_MAX);
    kh_jw_obj(w);
    kh_jw_key(w, "results");
    kh_jw_arr(w);
    for (uint32_t i = 0; i < cases->n; i++) {
        struct kh_error one = {0};

        if (!put_case(q, &cases->items[i], w, &one))
            put_case_error(q, w, &one);
    }
    kh_jw_end(w);
    kh_jw_end(w);
    return true;
}

static void evaluate_work(struct kh_call *c)
{
    kh_auto_arena model_arena = kh_arena_new(MODEL_ARENA);
    struct asked q = {.c = c, .model_arena = model_arena, .until_us = kh_mono_us() + TIME_MAX_US};
    const struct kh_json *cases = kh_json_get(c->json, "cases");
    struct kh_buf b = kh_buf(c->a, REPLY_MAX);
    struct kh_jw w = kh_jw(&b);
    struct kh_error err = {0};

    if (!read_asked(&q, c->json, &err) ||
        !(cases ? put_cases(&q, cases, &w, &err) : put_case(&q, c->json, &w, &err)) ||
        (b.full && !kh_fail(&err, KH_EC_ARENA_FULL, "the results are too large"))) {
        kh_reply_error(c, &err);
        return;
    }
    kh_reply_json(c, 200, kh_buf_get(&b));
}

static enum kh_next api_decision_evaluate(struct kh_call *c)
{
    return kh_call_offload(c, evaluate_work);
}

const struct kh_route kh_routes_decision[] = {
    {KH_POST, "/api/v1/decisions/evaluate", "decision_evaluate", api_decision_evaluate, KH_R_JSON,
     BODY_MAX, "", NULL, "Tính kết quả của một quyết định (DMN)",
     "Evaluate a decision (DMN): a deployed one, or a model that comes along", "DecisionCall",
     "DecisionResult"},
    {0},
};
