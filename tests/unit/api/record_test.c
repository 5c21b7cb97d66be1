/* SPDX-License-Identifier: Apache-2.0 */
/* Records over HTTP without a socket: statuses, headers and shapes that programs rely on. */
#include "api/routes.h"
#include "base/id.h"
#include "call_fixture.h"
#include "engine/process/process.h"
#include "engine/registry/registry.h"
#include "engine/registry/seen.h"
#include "store_fixture.h"

#include <stdio.h>

#define T0 ((int64_t)1789000000 * KH_US_S)

static const char schema[] =
    "{\"type\":\"object\",\"x-kh\":{\"key\":\"code\",\"title\":\"name\",\"sensitivity\":\"public\","
    "\"owner\":\"owner\",\"unit\":\"unit\",\"geo\":\"at\",\"access\":["
    "{\"role\":\"public\",\"ops\":[\"read\",\"list\",\"history\",\"export\"],\"where\":\"all\"},"
    "{\"role\":\"account\",\"ops\":[\"create\"],\"where\":\"owner\"},"
    "{\"role\":\"owner\",\"ops\":[\"read\",\"list\"],\"where\":\"owner\",\"see\":\"sensitive\"},"
    "{\"role\":\"officer\",\"ops\":[\"read\",\"list\",\"update\"],\"where\":\"unit\",\"see\":\"personal\"},"
    "{\"role\":\"admin\",\"ops\":[\"read\",\"list\",\"create\",\"update\",\"close\",\"import\",\"export\","
    "\"history\"],\"where\":\"all\",\"see\":\"sensitive\"}]},\"properties\":{"
    "\"code\":{\"type\":\"string\"},\"name\":{\"type\":\"string\",\"minLength\":1,\"x-kh\":{\"search\":true}},"
    "\"n\":{\"type\":\"integer\",\"x-kh\":{\"index\":true}},"
    "\"phone\":{\"type\":\"string\",\"x-kh\":{\"sensitivity\":\"personal\"}},"
    "\"illness\":{\"type\":\"string\",\"x-kh\":{\"sensitivity\":\"sensitive\"}},"
    "\"unit\":{\"type\":\"string\"},\"owner\":{\"type\":\"string\"},"
    "\"at\":{\"type\":\"object\",\"properties\":{\"lon\":{\"type\":\"number\"},\"lat\":{\"type\":\"number\"}}}},"
    "\"required\":[\"code\",\"name\"],\"additionalProperties\":false}";

static struct store_fixture f;
static struct kh_arena *own;

static struct kh_route routes[64];

static bool put_type(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct kh_json *v;

    (void)ctx;
    return kh_json_parse(own, kh_cstr(schema), NULL, &v, err) &&
           kh_type_put(tx, cf.city.registry, own, KH_S("thing"), v, err);
}

static void add_routes(const struct kh_route *from)
{
    size_t n = 0;

    while (routes[n].handler)
        n++;
    for (; from->handler; from++)
        routes[n++] = *from;
}

static int setup(void **state)
{
    struct kh_error err = {0};

    (void)state;
    kh_clock_set(T0);
    memset(routes, 0, sizeof(routes));
    add_routes(kh_routes_record);
    add_routes(kh_routes_type);
    add_routes(kh_routes_access);
    calls_open(routes);
    fixture_open(&f);
    own = kh_arena_new(16 << 20);
    cf.city.store = f.st;
    assert_true(kh_registry_open(f.st, &cf.city.registry, &err));
    assert_true(kh_process_open(f.st, cf.city.registry, &cf.city.process, &err));
    assert_true(kh_store_run(f.st, "put", KH_TX_WRITE, put_type, NULL, &err));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    calls_close();
    kh_process_close(cf.city.process);
    kh_registry_close(cf.city.registry);
    fixture_drop(&f);
    kh_arena_drop(own);
    kh_clock_set(0);
    return 0;
}

/* ---- one call ---- */

static struct kh_call *last;

/* @return the status; the call stays in `last` until the next one */
static int call_with(enum kh_method m, const char *target, const char *token, const char *body,
                     const char *if_match, const char *type)
{
    if (last)
        kh_arena_drop(last->a);
    last = call_new(m, target, token, body);
    if (if_match)
        last->head.if_match = last->head.if_none_match = kh_cstr(if_match);
    if (type)
        last->head.content_type = kh_cstr(type);
    call_run(last);
    if (last->reply.status >= 500)
        fprintf(stderr, "# %s: %.*s\n", target, KH_FMT(last->reply.body));
    return last->reply.status;
}

static int call(enum kh_method m, const char *target, const char *token, const char *body)
{
    return call_with(m, target, token, body, NULL, NULL);
}

static void done(void)
{
    if (last)
        kh_arena_drop(last->a);
    last = NULL;
}

static bool says(const char *part)
{
    if (body_has(last, part))
        return true;
    fprintf(stderr, "# %.*s\n", KH_FMT(last->reply.body));
    return false;
}

static const char *make(const char *code, const char *more)
{
    static char path[200];
    char body[400];

    snprintf(body, sizeof(body), "{\"code\":\"%s\",\"name\":\"Hồ Gươm\"%s%s}", code, *more ? "," : "",
             more);
    assert_int_equal(call(KH_POST, "/api/v1/records/thing", "admin", body), 201);
    snprintf(path, sizeof(path), "%.*s", KH_FMT(reply_header_of(last, "Location")));
    return path;
}

/* ---- tests ---- */

static void a_record_is_created_read_changed_and_ended(void **state)
{
    char path[100], tag[160];

    (void)state;
    snprintf(path, sizeof(path), "%s", make("A", "\"n\":1"));
    assert_true(says("\"revision\":1"));
    assert_true(kh_str_starts(kh_cstr(path), KH_S("/api/v1/records/thing/")));
    assert_int_equal(call(KH_GET, path, NULL, NULL), 200);
    assert_true(says("\"valid_to\":null"));
    snprintf(tag, sizeof(tag), "%.*s", KH_FMT(reply_header_of(last, "ETag")));
    assert_int_equal(call_with(KH_GET, path, NULL, NULL, tag, NULL), 304);
    assert_int_equal(last->reply.body.n, 0);
    kh_clock_add(KH_US_H);
    assert_int_equal(call_with(KH_PATCH, path, "admin", "{\"n\":2}", tag, NULL), 200);
    assert_true(says("\"revision\":2"));
    assert_int_equal(call_with(KH_PATCH, path, "admin", "{\"n\":3}", tag, NULL), 412);
    assert_true(says("\"code\":\"RECORD_STALE\""));
    assert_int_equal(call_with(KH_PATCH, path, "admin", "{\"n\":3}", "W/\"zzz\"", NULL), 412);
    assert_int_equal(call_with(KH_GET, path, NULL, NULL, tag, NULL), 200);
    /* What is read may be sent back as it is. */
    {
        struct kh_str body = kh_str_dup(own, last->reply.body);

        assert_int_equal(call(KH_PUT, path, "admin", kh_str_z(own, body)), 200);
        assert_true(says("\"revision\":2"));
    }
    assert_int_equal(call(KH_PUT, path, "admin", "{\"code\":\"A\",\"name\":\"B\"}"), 200);
    assert_false(body_has(last, "\"n\":"));
    kh_clock_add(KH_US_H);
    assert_int_equal(call(KH_DELETE, path, "admin", NULL), 204);
    assert_int_equal(call(KH_GET, path, "admin", NULL), 404);
    assert_int_equal(call(KH_DELETE, path, "admin", NULL), 409);
    snprintf(tag, sizeof(tag), "%s?valid=2026-09-10T00:30:00Z", path);
    assert_int_equal(call(KH_GET, tag, NULL, NULL), 200);
    assert_true(says("\"n\":1"));
    snprintf(tag, sizeof(tag), "%s/history", path);
    assert_int_equal(call(KH_GET, tag, "admin", NULL), 200);
    done();
}

static void wrong_calls_get_their_status(void **state)
{
    static const struct {
        enum kh_method m;
        const char *target, *token, *body;
        int status;
        const char *code;
    } cases[] = {
        {KH_GET, "/api/v1/records/nothing", NULL, NULL, 404, "TYPE_UNKNOWN"},
        {KH_GET, "/api/v1/records/thing/xyz", NULL, NULL, 404, "RECORD_UNKNOWN"},
        {KH_GET, "/api/v1/records/thing/0000000000000", NULL, NULL, 404, "RECORD_UNKNOWN"},
        {KH_POST, "/api/v1/records/thing", NULL, "{\"code\":\"X\",\"name\":\"x\"}", 401,
         "AUTH_REQUIRED"},
        {KH_POST, "/api/v1/records/thing", "officer",
         "{\"code\":\"X\",\"name\":\"x\",\"owner\":\"0000000000001\"}", 403, "FORBIDDEN"},
        {KH_POST, "/api/v1/records/thing", "admin", "{\"name\":\"\"}", 422, "RECORD_INVALID"},
        {KH_POST, "/api/v1/records/thing", "admin", "{\"code\":", 400, "JSON_SYNTAX"},
        {KH_POST, "/api/v1/records/thing", "admin", "[]", 422, "RECORD_INVALID"},
        {KH_GET, "/api/v1/records/thing?limit=0", NULL, NULL, 400, "PARAMETER_INVALID"},
        {KH_GET, "/api/v1/records/thing?limit=1001", NULL, NULL, 400, "PARAMETER_INVALID"},
        {KH_GET, "/api/v1/records/thing?bbox=1,2,3", NULL, NULL, 400, "FILTER_INVALID"},
        {KH_GET, "/api/v1/records/thing?bbox=1,2,3,x", NULL, NULL, 400, "FILTER_INVALID"},
        {KH_GET, "/api/v1/records/thing?near=1,2", NULL, NULL, 400, "FILTER_INVALID"},
        {KH_GET, "/api/v1/records/thing?name=x", NULL, NULL, 400, "FILTER_INVALID"},
        {KH_GET, "/api/v1/records/thing?n.gte=x", NULL, NULL, 400, "FILTER_INVALID"},
        {KH_GET, "/api/v1/records/thing?valid=yesterday", NULL, NULL, 400, "PARAMETER_INVALID"},
        {KH_GET, "/api/v1/records/thing?format=xml", NULL, NULL, 400, "PARAMETER_INVALID"},
        {KH_GET, "/api/v1/records/thing?after=zzz", NULL, NULL, 400, "CURSOR_INVALID"},
        {KH_GET, "/api/v1/records/thing?phone=1", NULL, NULL, 400, "FILTER_INVALID"},
        {KH_POST, "/api/v1/records/thing/import", "mai", "{}", 403, "FORBIDDEN"},
        {KH_POST, "/api/v1/records/thing/import?dry_run=maybe", "admin", "{}", 400,
         "PARAMETER_INVALID"},
        {KH_POST, "/api/v1/records/thing/import?format=xml", "admin", "{}", 400, "PARAMETER_INVALID"},
        {KH_POST, "/api/v1/records/thing/import", "officer", "{\"code\":\"A\"}", 403, "FORBIDDEN"},
        {KH_GET, "/api/v1/records/thing/export?format=xml", NULL, NULL, 400, "PARAMETER_INVALID"},
        {KH_GET, "/api/v1/types/nothing", NULL, NULL, 404, "TYPE_UNKNOWN"},
        {KH_GET, "/api/v1/me/accesses", NULL, NULL, 401, "AUTH_REQUIRED"},
        {KH_GET, "/api/v1/me/accesses?after=x", "mai", NULL, 400, "CURSOR_INVALID"},
    };

    (void)state;
    for (size_t i = 0; i < KH_LEN(cases); i++) {
        int status = call(cases[i].m, cases[i].target, cases[i].token, cases[i].body);

        if (status != cases[i].status)
            fprintf(stderr, "# %s: %d\n", cases[i].target, status);
        assert_int_equal(status, cases[i].status);
        assert_true(kh_str_is(last->reply.type, "application/problem+json"));
        assert_true(says(cases[i].code));
    }
    done();
}

static void a_correction_needs_a_reason(void **state)
{
    char path[120];

    (void)state;
    snprintf(path, sizeof(path), "%s/correct", make("A", "\"n\":1"));
    assert_int_equal(call(KH_POST, path, "admin", "{\"fields\":{\"n\":9}}"), 422);
    assert_true(says("REASON_REQUIRED"));
    assert_int_equal(call(KH_POST, path, "admin", "{\"fields\":{\"n\":9},\"reason\":\"ghi nhầm\"}"), 200);
    assert_true(says("\"n\":9"));
    assert_int_equal(call(KH_POST, path, "admin", "{\"reason\":\"x\"}"), 422);
    assert_int_equal(
        call(KH_POST, path, "admin", "{\"fields\":{\"n\":1},\"reason\":\"x\",\"valid_from\":7}"), 400);
    done();
}

static void lists_come_in_pages_and_formats(void **state)
{
    char code[16], next[400];
    int pages = 0, items = 0;
    const char *target = "/api/v1/records/thing?limit=4&n.gte=0&sort=n";

    (void)state;
    for (int i = 0; i < 10; i++) {
        char more[80];

        snprintf(code, sizeof(code), "C%d", i);
        snprintf(more, sizeof(more), "\"n\":%d,\"at\":{\"lon\":105.8,\"lat\":21.0%d}", 9 - i, i);
        (void)make(code, more);
    }
    snprintf(next, sizeof(next), "%s", target);
    for (;;) {
        struct kh_str link;

        assert_int_equal(call(KH_GET, next, NULL, NULL), 200);
        pages++;
        for (const char *p = last->reply.body.p; (p = strstr(p, "\"code\":")); p++)
            items++;
        link = reply_header_of(last, "Link");
        assert_int_equal(link.n > 0, body_has(last, "\"next\":"));
        if (link.n == 0)
            break;
        snprintf(next, sizeof(next), "%.*s", (int)(strchr(link.p, '>') - link.p - 1), link.p + 1);
    }
    assert_int_equal(pages, 3);
    assert_int_equal(items, 10);
    assert_int_equal(call(KH_GET, "/api/v1/records/thing?q=ho+guom&n.in=1,2", NULL, NULL), 200);
    assert_true(says("C8") && says("C7") && !body_has(last, "C6"));
    assert_int_equal(call(KH_GET, "/api/v1/records/thing?format=geojson&limit=1", NULL, NULL), 200);
    assert_true(says("\"type\":\"FeatureCollection\"") && says("\"coordinates\":[105.8,21.09]"));
    assert_int_equal(call(KH_GET, "/api/v1/records/thing?format=csv&limit=1", NULL, NULL), 200);
    assert_true(says("id,code,name,n,phone") && says("C9,Hồ Gươm,0,,"));
    assert_int_equal(call(KH_GET, "/api/v1/records/thing?format=ndjson&limit=2", NULL, NULL), 200);
    assert_true(kh_str_is(last->reply.type, "application/x-ndjson"));
    done();
}

static void what_is_hidden_stays_hidden_everywhere(void **state)
{
    static const char *const targets[] = {"", "/history", "/timeline"};
    static const char *const lists[] = {"/api/v1/records/thing",
                                        "/api/v1/records/thing?format=csv",
                                        "/api/v1/records/thing?format=geojson",
                                        "/api/v1/records/thing?format=ndjson",
                                        "/api/v1/records/thing?valid=2026-09-10T00:26:41Z",
                                        "/api/v1/types/thing"};
    char path[100], target[120];

    (void)state;
    snprintf(path, sizeof(path), "%s",
             make("A", "\"phone\":\"0912999888\",\"illness\":\"cúm\",\"unit\":\"H26.19\""));
    kh_clock_add(2 * KH_US_S);
    for (size_t i = 0; i < KH_LEN(targets); i++) {
        snprintf(target, sizeof(target), "%s%s", path, targets[i]);
        assert_int_equal(call(KH_GET, target, NULL, NULL), 200);
        assert_false(body_has(last, "0912999888") || body_has(last, "cúm"));
    }
    for (size_t i = 0; i < KH_LEN(lists); i++) {
        assert_int_equal(call(KH_GET, lists[i], NULL, NULL), 200);
        assert_false(body_has(last, "0912999888") || body_has(last, "cúm"));
    }
    assert_int_equal(call(KH_GET, path, "officer", NULL), 200);
    assert_true(says("0912999888") && says("\"masked\":[\"illness\"]"));
    /* Sensitive fields come one record at a time. */
    assert_int_equal(call(KH_GET, "/api/v1/records/thing", "admin", NULL), 200);
    assert_true(says("0912999888") && !body_has(last, "cúm"));
    assert_int_equal(call(KH_GET, path, "admin", NULL), 200);
    assert_true(says("cúm"));
    assert_int_equal(call(KH_GET, "/api/v1/types/thing", "officer", NULL), 200);
    assert_true(says("\"may\":[\"read\",\"list\",\"create\",\"update\",\"export\",\"history\"]"));
    assert_false(body_has(last, "\"access\""));
    done();
}

static void a_look_at_sensitive_data_is_durable_before_the_reply(void **state)
{
    char path[100], id[14];
    int64_t before;

    (void)state;
    kh_id_put(id, 7);
    id[13] = '\0';
    {
        char more[120];

        snprintf(more, sizeof(more), "\"owner\":\"%s\",\"illness\":\"cúm\",\"phone\":\"09\"", id);
        snprintf(path, sizeof(path), "%s", make("A", more));
    }
    before = fixture_ask(&f, "SELECT count(*) FROM access_log WHERE owner = 7");
    assert_int_equal(call(KH_GET, path, "admin", NULL), 200);
    assert_int_equal(fixture_ask(&f, "SELECT count(*) FROM access_log WHERE owner = 7"), before + 1);
    assert_int_equal(call(KH_GET, "/api/v1/me/accesses", "mai", NULL), 200);
    assert_true(says("\"fields\":[\"") && says("illness") && says("\"title\":\"Hồ Gươm\""));
    assert_int_equal(call(KH_GET, "/api/v1/me/accesses", "officer", NULL), 200);
    assert_true(says("{\"items\":[]}"));
    /* One's own look is nobody's business. */
    assert_int_equal(call(KH_GET, path, "mai", NULL), 200);
    assert_true(says("cúm"));
    assert_int_equal(fixture_ask(&f, "SELECT count(*) FROM access_log WHERE owner = 7"), before + 1);
    done();
}

static void files_go_in_and_come_out(void **state)
{
    char out[4096];
    size_t n = 0;
    struct kh_stream *s;

    (void)state;
    assert_int_equal(call_with(KH_POST, "/api/v1/records/thing/import?dry_run=true", "admin",
                               "code,name,n\nA,một,1\nB,,2\nC,ba,x\n", NULL, "text/csv"),
                     200);
    assert_true(says("\"read\":3,\"created\":1") && says("\"failed\":2") && says("\"line\":3") &&
                says("\"pointer\":\"/n\""));
    assert_int_equal(call(KH_GET, "/api/v1/records/thing", "admin", NULL), 200);
    assert_true(says("{\"items\":[]}"));
    assert_int_equal(call_with(KH_POST, "/api/v1/records/thing/import", "admin",
                               "{\"code\":\"A\",\"name\":\"một\"}\n{\"code\":\"B\",\"name\":\"hai\"}\n",
                               NULL, "application/x-ndjson"),
                     200);
    assert_true(says("\"created\":2") && says("\"errors\":[]"));
    assert_int_equal(call_with(KH_POST, "/api/v1/records/thing/import", "admin", "  ", NULL, "text/csv"),
                     422);
    assert_int_equal(call(KH_GET, "/api/v1/records/thing/export?format=csv", NULL, NULL), 200);
    s = last->reply.stream;
    assert_non_null(s);
    s->call = last;
    for (;;) {
        size_t got = s->read(s, out + n, 7);

        if (got == KH_STREAM_END)
            break;
        assert_true(got > 0 && got <= 7);
        n += got;
        assert_true(n < sizeof(out) - 8);
    }
    s->close(s);
    out[n] = '\0';
    assert_non_null(strstr(out, ",A,một,"));
    assert_non_null(strstr(out, ",B,hai,"));
    done();
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_record_is_created_read_changed_and_ended),
        T(wrong_calls_get_their_status),
        T(a_correction_needs_a_reason),
        T(lists_come_in_pages_and_formats),
        T(what_is_hidden_stays_hidden_everywhere),
        T(a_look_at_sensitive_data_is_durable_before_the_reply),
        T(files_go_in_and_come_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
