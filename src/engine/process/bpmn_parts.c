/* SPDX-License-Identifier: Apache-2.0 */
/* The insides of flow nodes: expressions, mappings, forms, timers. */
#include "engine/process/bpmn_read.h"

#include "engine/registry/schema/schema.h"

#include "base/time.h"

enum { RETRIES = 8, RETRIES_MAX = 50, TIMEOUT_S = 30, TIMEOUT_MAX_S = 300 };

struct kh_str kh_bpmn_ext(const struct kh_xml *x, const char *name)
{
    struct kh_str v = kh_xml_attr_ns(x, KH_BPMN_KH, name);
    const struct kh_xml *c;

    if (v.p)
        return kh_str_trim(v);
    c = kh_bpmn_ext_child(x, name);
    return c ? kh_str_trim(c->text) : (struct kh_str){NULL, 0};
}

const struct kh_xml *kh_bpmn_ext_child(const struct kh_xml *x, const char *name)
{
    const struct kh_xml *e = kh_xml_child(x, KH_BPMN_NS, "extensionElements");

    return e ? kh_xml_child(e, KH_BPMN_KH, name) : NULL;
}

/* ---- expressions ---- */

static unsigned reads_of(const struct kh_feel *f)
{
    static const struct {
        const char *name;
        unsigned bit;
    } outside[] = {
        {"case", KH_READS_CASE}, {"who", KH_READS_WHO},       {"now", KH_READS_NOW},
        {"task", KH_READS_TASK}, {"result", KH_READS_RESULT},
    };
    const struct kh_str *names = NULL;
    size_t n = kh_feel_reads(f, &names);
    unsigned reads = 0;

    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < KH_LEN(outside); k++)
            reads |= kh_str_is(names[i], outside[k].name) ? outside[k].bit : 0;
    return reads;
}

/* Modellers write "=x" for FEEL where a literal could stand as well; both mean the same here. */
static struct kh_str feel_text(struct kh_str text)
{
    text = kh_str_trim(text);
    return text.n && text.p[0] == '=' ? kh_str_trim(kh_str_skip(text, 1)) : text;
}

void kh_bpmn_expr(struct kh_bpmn_reader *r, const struct kh_xml *at, struct kh_str text,
                  struct kh_expr *ret)
{
    struct kh_error err = {0};

    ret->text = feel_text(text);
    ret->line = at->line;
    ret->column = at->column;
    if (!kh_feel_compile(r->a, ret->text, KH_FEEL_EXPRESSION, NULL, 0, &ret->feel, &err))
        complain_at(r, at, "feel", "Biểu thức FEEL sai: %s", "The FEEL expression is not valid: %s",
                    kh_cstr(err.detail));
    else
        ret->reads = reads_of(ret->feel);
}

void kh_bpmn_condition(struct kh_bpmn_reader *r, const struct kh_xml *at, struct kh_expr *ret)
{
    struct kh_str language = kh_xml_attr(at, "language");

    if (language.n && !strstr(kh_str_z(r->a, language), "FEEL") && !kh_str_is(language, "feel"))
        complain_at(r, at, "language", "Điều kiện phải viết bằng FEEL, không phải %s.",
                    "A condition is written in FEEL, not in %s.", language);
    kh_bpmn_expr(r, at, at->text, ret);
}

void kh_bpmn_ext_expr(struct kh_bpmn_reader *r, const struct kh_xml *x, const char *name,
                      struct kh_expr *ret)
{
    struct kh_str text = kh_bpmn_ext(x, name);

    if (text.n)
        kh_bpmn_expr(r, x, text, ret);
}

bool kh_bpmn_name_ok(struct kh_str s)
{
    static const char *const taken[] = {"case", "who", "now", "task", "result"};

    if (!s.n || s.n > 64)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
              (i > 0 && c >= '0' && c <= '9')))
            return false;
    }
    for (size_t i = 0; i < KH_LEN(taken); i++)
        if (kh_str_is(s, taken[i]))
            return false;
    return true;
}

static void check_name(struct kh_bpmn_reader *r, const struct kh_xml *at, struct kh_str name,
                       bool variable)
{
    if (variable ? !kh_bpmn_name_ok(name) : !name.n)
        complain_at(r, at, "name", "Tên biến \"%s\" không hợp lệ hoặc đã dành riêng.",
                    "The name \"%s\" is not valid for a variable, or reserved.", name);
}

static const struct kh_mapping *mappings(struct kh_bpmn_reader *r, const struct kh_xml *x,
                                         const char *element, bool output, unsigned *ret_n)
{
    const struct kh_xml *e = kh_xml_child(x, KH_BPMN_NS, "extensionElements"), *at = NULL;
    struct kh_mapping *list = NULL;
    struct kh_str name, from;
    size_t n = 0, cap = 0;

    for (const struct kh_xml *c = e ? e->first : NULL; c; c = c->next) {
        struct kh_mapping m = {.name = kh_xml_attr(c, "name")};
        struct kh_str value = kh_xml_attr(c, "value");

        if (!kh_xml_is(c, KH_BPMN_KH, element))
            continue;
        check_name(r, c, m.name, output);
        kh_bpmn_expr(r, c, value.p ? value : c->text, &m.value);
        list = kh_grow(r->a, list, n, n + 1, &cap, sizeof(*list));
        list[n++] = m;
    }
    while (kh_bpmn_assignment(x, output, &at, &name, &from)) {
        list = kh_grow(r->a, list, n, n + 1, &cap, sizeof(*list));
        list[n] = (struct kh_mapping){.name = name};
        check_name(r, at, name, output);
        kh_bpmn_expr(r, at, from, &list[n++].value);
    }
    *ret_n = (unsigned)n;
    return list;
}

void kh_bpmn_mappings(struct kh_bpmn_reader *r, const struct kh_xml *x, struct kh_node *n)
{
    n->inputs = mappings(r, x, "input", false, &n->inputs_n);
    n->outputs = mappings(r, x, "output", true, &n->outputs_n);
}

static void read_result(struct kh_bpmn_reader *r, const struct kh_xml *x, struct kh_node *n)
{
    const struct kh_xml *zeebe = kh_bpmn_zeebe(x, "script");

    zeebe = zeebe ? zeebe : kh_bpmn_zeebe(x, "calledDecision");
    n->result = kh_bpmn_ext(x, "result");
    if (!n->result.n && zeebe)
        n->result = kh_xml_attr(zeebe, "resultVariable");
    if (n->result.n && !kh_bpmn_name_ok(n->result))
        complain_at(r, x, "name", "Tên biến \"%s\" không hợp lệ hoặc đã dành riêng.",
                    "The name \"%s\" is not valid for a variable, or reserved.", n->result);
}

/* ---- times ---- */

static bool looks_like_span(struct kh_str s)
{
    return s.n > 1 && (s.p[0] == 'P' || (s.p[0] == '-' && s.p[1] == 'P')) &&
           (s.n < 3 || (s.p[1] >= '0' && s.p[1] <= '9') || s.p[1] == 'T' || s.p[0] == '-');
}

static bool positive(struct kh_span s)
{
    return s.months >= 0 && s.days >= 0 && s.us >= 0;
}

/* R3/PT1H, or with an instant to count from: R/2026-01-05T08:00:00+07:00/P7D. */
static bool read_cycle(struct kh_bpmn_reader *r, struct kh_str text, struct kh_timing *t)
{
    struct kh_str rest, end, head = kh_str_cut(text, '/', &rest),
                             from = kh_str_cut(rest, '/', &end);

    if (end.n == 0)
        return kh_span_parse_cycle(text, &t->times, &t->span);
    return kh_when_parse(from, &t->instant_us) &&
           kh_span_parse_cycle(kh_strf(r->a, "%.*s/%.*s", KH_FMT(head), KH_FMT(end)), &t->times,
                               &t->span);
}

/* A literal or an expression; cycle says that "R3/PT1H" is expected. */
static void read_timing(struct kh_bpmn_reader *r, const struct kh_xml *at, struct kh_str text,
                        bool cycle, struct kh_timing *t)
{
    text = kh_str_trim(text);
    if (cycle) {
        t->how = KH_T_CYCLE;
        if (!read_cycle(r, text, t))
            complain_at(r, at, "timer", "Chu kỳ phải có dạng R3/PT1H, không phải \"%s\".",
                        "A cycle is written R3/PT1H, not \"%s\".", text);
        return;
    }
    if (kh_when_parse(text, &t->instant_us)) {
        t->how = KH_T_INSTANT;
        return;
    }
    if (looks_like_span(text)) {
        t->how = KH_T_SPAN;
        if (!kh_span_parse(text, &t->span) || !positive(t->span))
            complain_at(r, at, "timer", "\"%s\" không phải khoảng thời gian hợp lệ (ví dụ PT8H).",
                        "\"%s\" is no duration (an example: PT8H).", text);
        return;
    }
    t->how = KH_T_EXPR;
    kh_bpmn_expr(r, at, text, &t->expr);
}

static void read_calendar(const struct kh_xml *x, struct kh_timing *t)
{
    struct kh_str c = kh_bpmn_ext(x, "calendar");

    t->calendar = c.n ? c : KH_S("");
}

static void relative_to_due(struct kh_bpmn_reader *r, const struct kh_xml *x, const char *name,
                            struct kh_node *n)
{
    struct kh_str text = kh_bpmn_ext(x, name);

    if (!text.p)
        return;
    if (n->timing.how != KH_T_NONE)
        complain_at(r, x, "timer", "Bộ hẹn giờ chỉ được có một thời điểm.",
                    "A timer has one time only.", KH_S(""));
    n->timing.how = strcmp(name, "beforeDue") == 0 ? KH_T_BEFORE_DUE : KH_T_AFTER_DUE;
    if (!kh_span_parse(text, &n->timing.span) || !positive(n->timing.span))
        complain_at(r, x, "timer", "\"%s\" không phải khoảng thời gian hợp lệ (ví dụ PT8H).",
                    "\"%s\" is no duration (an example: PT8H).", text);
}

void kh_bpmn_timer(struct kh_bpmn_reader *r, const struct kh_xml *x, const struct kh_xml *def,
                   struct kh_node *n)
{
    static const char *const names[] = {"timeDuration", "timeDate", "timeCycle"};
    bool boundary = n->kind == KH_N_BOUNDARY, top = n->kind == KH_N_START && n->parent < 0;

    for (const struct kh_xml *c = def->first; c; c = c->next) {
        size_t i = 0;

        if (!kh_str_is(c->ns, KH_BPMN_NS))
            continue;
        while (i < KH_LEN(names) && !kh_str_is(c->name, names[i]))
            i++;
        if (i == KH_LEN(names)) {
            if (!kh_str_is(c->name, "extensionElements") && !kh_str_is(c->name, "documentation"))
                complain_at(r, c, "unsupported", "Phần tử %s chưa được hỗ trợ ở đây.",
                            "The element %s is not supported here.", c->name);
            continue;
        }
        if (n->timing.how != KH_T_NONE)
            complain_at(r, c, "timer", "Bộ hẹn giờ chỉ được có một thời điểm.",
                        "A timer has one time only.", KH_S(""));
        read_timing(r, c, c->text, i == 2, &n->timing);
    }
    read_calendar(x, &n->timing);
    if (boundary) {
        relative_to_due(r, x, "beforeDue", n);
        relative_to_due(r, x, "afterDue", n);
    }
    if (n->timing.how == KH_T_NONE)
        complain_at(r, x, "timer", "Bộ hẹn giờ cần timeDuration, timeDate hoặc timeCycle.",
                    "A timer needs timeDuration, timeDate or timeCycle.", KH_S(""));
    if (n->timing.how == KH_T_CYCLE && !top && n->interrupting)
        complain_at(r, x, "timer",
                    "Chu kỳ chỉ dùng cho sự kiện không ngắt và cho điểm bắt đầu quy trình.",
                    "A cycle is for events that do not interrupt and for the start of a process.",
                    KH_S(""));
}

/* ---- tasks ---- */

/* Where the schema is wrong first, and how. */
static struct kh_str schema_fault(struct kh_arena *a, const struct kh_error *err)
{
    if (err->issues && err->issues->n)
        return kh_strf(a, "%.*s: %.*s", KH_FMT(err->issues->items[0].pointer),
                       KH_FMT(err->issues->items[0].en));
    return kh_str_dup(a, kh_cstr(err->detail));
}

static void read_form(struct kh_bpmn_reader *r, const struct kh_xml *x, struct kh_node *n)
{
    struct kh_str text = kh_bpmn_ext(x, "form");
    const struct kh_xml *at = kh_bpmn_ext_child(x, "form");
    struct kh_json *form;
    struct kh_error err = {0};

    at = at ? at : x;
    if (!text.n)
        return;
    if (text.p[0] != '{') {
        n->form_type = text;
    } else if (!kh_json_parse(r->a, text, NULL, &form, &err)) {
        complain_at(r, at, "form", "Biểu mẫu không phải JSON hợp lệ: %s",
                    "The form is not valid JSON: %s", kh_cstr(err.detail));
    } else if (!kh_schema_compile(r->a, form, NULL, &n->form_check, &err)) {
        complain_at(r, at, "form", "Biểu mẫu không phải JSON Schema hợp lệ: %s",
                    "The form is not a valid JSON Schema: %s", schema_fault(r->a, &err));
    } else {
        const struct kh_json *asked = kh_json_get(form, "properties");

        for (uint32_t i = 0; kh_json_is(asked, KH_JSON_OBJECT) && i < asked->n; i++)
            if (!kh_bpmn_name_ok(asked->members[i].key))
                complain_at(r, at, "name", "Tên biến \"%s\" không hợp lệ hoặc đã dành riêng.",
                            "The name \"%s\" is not valid for a variable, or reserved.",
                            asked->members[i].key);
        n->form = form;
        n->form_text = kh_json_text(r->a, form);
    }
}

void kh_bpmn_user(struct kh_bpmn_reader *r, const struct kh_xml *x, struct kh_node *n)
{
    struct kh_str due = kh_bpmn_ext(x, "due");

    n->role = kh_bpmn_ext(x, "role");
    if (!n->role.n && !kh_bpmn_ext(x, "owner").n)
        n->role = kh_bpmn_performer(x);
    kh_bpmn_ext_expr(r, x, "unit", &n->unit);
    kh_bpmn_ext_expr(r, x, "owner", &n->owner);
    if (!n->role.n && !n->owner.feel)
        complain_at(r, x, "required", "Công việc %s cần kh:role hoặc kh:owner.",
                    "The task %s needs kh:role or kh:owner.", n->id);
    if (due.n)
        read_timing(r, x, due, false, &n->timing);
    read_calendar(x, &n->timing);
    if (!due.n && n->timing.calendar.n)
        complain_at(r, x, "required", "kh:calendar cần kh:due.", "kh:calendar needs kh:due.",
                    KH_S(""));
    read_form(r, x, n);
    n->outputs = mappings(r, x, "output", true, &n->outputs_n);
}

static unsigned bounded(struct kh_bpmn_reader *r, const struct kh_xml *c, const char *name,
                        unsigned fallback, unsigned max)
{
    struct kh_str s = kh_xml_attr(c, name);
    int64_t v;

    if (!s.p)
        return fallback;
    if (!kh_str_int(s, &v) || v < 0 || v > max) {
        complain_at(r, c, "number", "\"%s\" không phải số trong giới hạn cho phép.",
                    "\"%s\" is no number within the limits.", s);
        return fallback;
    }
    return (unsigned)v;
}

static void read_http(struct kh_bpmn_reader *r, const struct kh_xml *c, struct kh_node *n)
{
    struct kh_http_call *h = kh_new(r->a, struct kh_http_call);
    struct kh_str url = kh_str_trim(kh_xml_attr(c, "url")), method = kh_xml_attr(c, "method");
    struct kh_str backoff = kh_xml_attr(c, "backoff");
    struct kh_span span = {.us = 30 * KH_US_S};

    h->method = method.p ? method : KH_S("POST");
    if (!kh_str_is(h->method, "GET") && !kh_str_is(h->method, "POST") &&
        !kh_str_is(h->method, "PUT") && !kh_str_is(h->method, "PATCH") &&
        !kh_str_is(h->method, "DELETE"))
        complain_at(r, c, "http", "Phương thức HTTP %s không dùng được.",
                    "The HTTP method %s cannot be used.", h->method);
    if (url.n && url.p[0] == '=')
        kh_bpmn_expr(r, c, url, &h->url_expr);
    else if (kh_str_starts(url, KH_S("https://")) || kh_str_starts(url, KH_S("http://")))
        h->url = url;
    else
        complain_at(r, c, "http", "Cần url bắt đầu bằng https://, http:// hoặc = (FEEL).",
                    "A url is needed that begins with https://, http:// or = (FEEL).", KH_S(""));
    if (backoff.p &&
        (!kh_span_parse(backoff, &span) || !positive(span) || span.months || span.days > 7))
        complain_at(r, c, "timer", "\"%s\" không phải khoảng thời gian hợp lệ (ví dụ PT8H).",
                    "\"%s\" is no duration (an example: PT8H).", backoff);
    h->backoff_us = span.days * KH_US_DAY + span.us;
    h->retries = bounded(r, c, "retries", RETRIES, RETRIES_MAX);
    h->timeout_s = bounded(r, c, "timeout", TIMEOUT_S, TIMEOUT_MAX_S);
    n->http = h;
    n->kind = KH_N_HTTP;
}

/* Without a running engine: what every city has. */
static bool usual_function(struct kh_str name)
{
    static const char *const usual[] = {
        "record.get",    "record.patch", "record.create", "decision.eval",  "message.send",
        "clock.suspend", "clock.resume", "calendar.due",  "calendar.start", "notify.send",
        "unit.at",       "vietqr.make"};

    for (size_t i = 0; i < KH_LEN(usual); i++)
        if (kh_str_is(name, usual[i]))
            return true;
    return false;
}

void kh_bpmn_service(struct kh_bpmn_reader *r, const struct kh_xml *x, struct kh_node *n)
{
    const struct kh_xml *http = kh_bpmn_ext_child(x, "http");

    n->function = kh_bpmn_ext(x, "function");
    if (!n->function.n && !http && kh_bpmn_zeebe(x, "taskDefinition"))
        n->function = kh_xml_attr(kh_bpmn_zeebe(x, "taskDefinition"), "type");
    if (http)
        read_http(r, http, n);
    if ((n->function.n > 0) == (http != NULL))
        complain_at(r, x, "required", "Dịch vụ %s cần kh:function hoặc kh:http (chỉ một).",
                    "The service %s needs kh:function or kh:http (one of them).", n->id);
    else if (n->function.n &&
             !(r->known ? r->known(r->known_ctx, n->function) : usual_function(n->function)))
        complain_at(r, x, "function", "Không có hàm dịch vụ nào tên %s.",
                    "There is no service function %s.", n->function);
    kh_bpmn_mappings(r, x, n);
    read_result(r, x, n);
}

/* A send task that says how is a service; without it sends a message. */
void kh_bpmn_send(struct kh_bpmn_reader *r, const struct kh_xml *x, struct kh_node *n)
{
    if (kh_bpmn_ext(x, "function").n || kh_bpmn_ext_child(x, "http") ||
        kh_bpmn_zeebe(x, "taskDefinition")) {
        n->kind = KH_N_SERVICE;
        kh_bpmn_service(r, x, n);
        if (kh_xml_attr(x, "messageRef").n || kh_bpmn_ext(x, "message").n)
            complain_at(r, x, "required", "Việc gửi %s dùng thông điệp hoặc hàm, không cả hai.",
                        "The send task %s uses a message or a function, not both.", n->id);
        return;
    }
    kh_bpmn_message(r, x, x, n);
    kh_bpmn_mappings(r, x, n);
}

void kh_bpmn_receive(struct kh_bpmn_reader *r, const struct kh_xml *x, struct kh_node *n)
{
    kh_bpmn_message(r, x, x, n);
    kh_bpmn_mappings(r, x, n);
}

void kh_bpmn_script(struct kh_bpmn_reader *r, const struct kh_xml *x, struct kh_node *n)
{
    const struct kh_xml *script = kh_xml_child(x, KH_BPMN_NS, "script");
    const struct kh_xml *zeebe = script ? NULL : kh_bpmn_zeebe(x, "script");
    struct kh_str format = kh_xml_attr(x, "scriptFormat");

    if (format.n && !kh_str_is(format, "feel") && !kh_str_is(format, "FEEL") &&
        !strstr(kh_str_z(r->a, format), "FEEL") && !kh_str_is(format, "application/feel"))
        complain_at(r, x, "language", "Kịch bản phải viết bằng FEEL, không phải %s.",
                    "A script is written in FEEL, not in %s.", format);
    if (script)
        kh_bpmn_expr(r, script, script->text, &n->script);
    else if (zeebe)
        kh_bpmn_expr(r, zeebe, kh_xml_attr(zeebe, "expression"), &n->script);
    else
        complain_at(r, x, "required", "Thiếu phần tử script.", "The element script is missing.",
                    KH_S(""));
    read_result(r, x, n);
}

void kh_bpmn_rule(struct kh_bpmn_reader *r, const struct kh_xml *x, struct kh_node *n)
{
    struct kh_str rest, ref = kh_str_cut(kh_bpmn_ext(x, "decision"), '#', &rest);

    n->function = ref;
    n->decision = rest.n ? rest : KH_S("");
    if (!memchr(ref.n ? ref.p : "", '/', ref.n))
        complain_at(r, x, "required", "Cần kh:decision dạng \"gói/bảng\" (đang là \"%s\").",
                    "kh:decision is needed, as \"pack/table\" (it is \"%s\").", ref);
    kh_bpmn_mappings(r, x, n);
    read_result(r, x, n);
}

void kh_bpmn_call(struct kh_bpmn_reader *r, const struct kh_xml *x, struct kh_node *n)
{
    struct kh_str rest, name = kh_str_cut(kh_xml_attr(x, "calledElement"), ':', &rest);

    n->function = rest.n ? rest : name; /* a QName */
    if (!n->function.n && kh_bpmn_zeebe(x, "calledElement"))
        n->function = kh_xml_attr(kh_bpmn_zeebe(x, "calledElement"), "processId");
    if (!n->function.n)
        complain_at(r, x, "required", "Thiếu calledElement.", "calledElement is missing.",
                    KH_S(""));
    kh_bpmn_mappings(r, x, n);
}
