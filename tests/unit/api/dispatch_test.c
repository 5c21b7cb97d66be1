/* SPDX-License-Identifier: Apache-2.0 */
#include "call_fixture.h"

#include <stdio.h>

static enum kh_next echo(struct kh_call *c)
{
    return kh_reply_text(c, 200, "text/plain",
                         kh_strf(c->a, "%s|%.*s|%.*s|%.*s|%s", c->route->name, KH_FMT(c->params[0]),
                                 KH_FMT(c->params[1]), KH_FMT(kh_call_arg(c, "q", KH_S("-"))),
                                 c->json ? "json" : "none"));
}

static void work(struct kh_call *c)
{
    kh_reply_text(c, 200, "text/plain", KH_S("worked"));
}

static enum kh_next offload(struct kh_call *c)
{
    return kh_call_offload(c, work);
}

static enum kh_next limited(struct kh_call *c)
{
    unsigned limit;

    if (!kh_call_limit(c, 50, 100, &limit, &c->err))
        return kh_reply_error(c, &c->err);
    return kh_reply_text(c, 200, "text/plain", kh_strf(c->a, "%u", limit));
}

static enum kh_next tagged(struct kh_call *c)
{
    if (kh_reply_etag(c, KH_S("W/\"a-3\"")))
        return KH_REPLIED;
    return kh_reply_json(c, 200, KH_S("{}"));
}

static enum kh_next broken(struct kh_call *c)
{
    struct kh_issues is = {0};

    kh_issue_add(&is, c->a, KH_S("/a/0"), "required", KH_S("thiếu"), KH_S("missing"));
    kh_fail(&c->err, KH_EC_BODY_INVALID, "see the issues");
    c->err.issues = &is;
    return kh_reply_error(c, &c->err);
}

static enum kh_next inside(struct kh_call *c)
{
    kh_fail(&c->err, KH_EC_STORE_CORRUPT, "table secret_names at page 7");
    return kh_reply_error(c, &c->err);
}

static const struct kh_route routes[] = {
    {KH_GET, "/a/{x}", "a_read", echo, KH_R_PUBLIC, 0, "q,r", NULL, "", "", NULL, NULL},
    {KH_PUT, "/a/{x}", "a_put", echo, KH_R_JSON, 100, "", NULL, "", "", NULL, NULL},
    {KH_GET, "/a/import", "a_import", echo, KH_R_PUBLIC, 0, "", NULL, "", "", NULL, NULL},
    {KH_GET, "/a/{x}/b/{y}", "b_read", echo, KH_R_PUBLIC, 0, "", NULL, "", "", NULL, NULL},
    {KH_GET, "/o/{x}.json", "o_json", echo, KH_R_PUBLIC | KH_R_CORS | KH_R_OPEN_ARGS, 0, "", NULL,
     "", "", NULL, NULL},
    {KH_GET, "/o/{x}.xml", "o_xml", echo, KH_R_PUBLIC | KH_R_CORS, 0, "", NULL, "", "", NULL, NULL},
    {KH_GET, "/o/all.json", "o_all", echo, KH_R_PUBLIC, 0, "", NULL, "", "", NULL, NULL},
    {KH_POST, "/post", "post", echo, KH_R_PUBLIC | KH_R_JSON, 0, "", NULL, "", "", NULL, NULL},
    {KH_POST, "/maybe", "maybe", echo, KH_R_PUBLIC | KH_R_JSON | KH_R_OPTIONAL_BODY, 0, "", NULL,
     "", "", NULL, NULL},
    {KH_POST, "/bare", "bare", echo, KH_R_PUBLIC, 0, "", NULL, "", "", NULL, NULL},
    {KH_GET, "/mine", "mine", echo, 0, 0, "", NULL, "", "", NULL, NULL},
    {KH_GET, "/admin", "admin", echo, 0, 0, "", "admin", "", "", NULL, NULL},
    {KH_GET, "/work", "work", offload, KH_R_PUBLIC, 0, "", NULL, "", "", NULL, NULL},
    {KH_GET, "/limit", "limit", limited, KH_R_PUBLIC, 0, "limit", NULL, "", "", NULL, NULL},
    {KH_GET, "/tag", "tag", tagged, KH_R_PUBLIC, 0, "", NULL, "", "", NULL, NULL},
    {KH_GET, "/broken", "broken", broken, KH_R_PUBLIC, 0, "", NULL, "", "", NULL, NULL},
    {KH_GET, "/inside", "inside", inside, KH_R_PUBLIC, 0, "", NULL, "", "", NULL, NULL},
    {.handler = NULL},
};

static int setup(void **state)
{
    (void)state;
    calls_open(routes);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    calls_close();
    return 0;
}

static struct kh_call *now;

static struct kh_call *run(enum kh_method m, const char *target, const char *token,
                           const char *body)
{
    if (now)
        kh_arena_drop(now->a);
    now = call_new(m, target, token, body);
    call_run(now);
    return now;
}

static void done(void)
{
    if (now)
        kh_arena_drop(now->a);
    now = NULL;
}

static void says(enum kh_method m, const char *target, int status, const char *text)
{
    struct kh_call *c = run(m, target, NULL, NULL);

    if (c->reply.status != status || !body_has(c, text))
        print_error("%s -> %d %.*s\n", target, c->reply.status, KH_FMT(c->reply.body));
    assert_int_equal(c->reply.status, status);
    assert_true(body_has(c, text));
}

static void finds_literals_before_parameters_and_decodes_after_routing(void **state)
{
    (void)state;
    says(KH_GET, "/a/7", 200, "a_read|7|");
    says(KH_GET, "/a/import", 200, "a_import");
    says(KH_GET, "/a/x%2Fb%2Fy", 200, "a_read|x/b/y|");
    says(KH_GET, "/a/import/b/2", 200, "b_read|import|2");
    says(KH_GET, "/a/Ph%C6%B0%E1%BB%9Dng", 200, "a_read|Phường|");
    says(KH_GET, "/o/7.json", 200, "o_json|7|");
    says(KH_GET, "/o/7.xml", 200, "o_xml|7|");
    says(KH_GET, "/o/all.json", 200, "o_all");
    says(KH_HEAD, "/a/7", 200, "a_read|7|");
    done();
}

static void knows_nothing_from_a_wrong_method(void **state)
{
    (void)state;
    says(KH_GET, "/nothing", 404, "ROUTE_UNKNOWN");
    says(KH_GET, "/a", 404, "ROUTE_UNKNOWN");
    says(KH_GET, "/a/", 404, "ROUTE_UNKNOWN");
    says(KH_GET, "/a/7/", 404, "ROUTE_UNKNOWN");
    says(KH_GET, "/o/.json", 404, "ROUTE_UNKNOWN");
    says(KH_GET, "/%61/7", 404, "ROUTE_UNKNOWN");
    says(KH_DELETE, "/a/7", 405, "METHOD_NOT_ALLOWED");
    assert_true(kh_str_is(reply_header_of(now, "Allow"), "GET, HEAD, PUT, OPTIONS"));
    says(KH_METHODS, "/a/7", 405, "METHOD_NOT_ALLOWED");
    done();
}

static void refuses_bad_and_unknown_parameters(void **state)
{
    (void)state;
    says(KH_GET, "/a/7?q=a%20b+c", 200, "|a b c|");
    says(KH_GET, "/a/7?q=", 200, "a_read|7||");
    says(KH_GET, "/a/7?x=1", 400, "PARAMETER_UNKNOWN");
    says(KH_GET, "/a/7?q=1&q=2", 400, "PARAMETER_INVALID");
    says(KH_GET, "/a/7?q=%ff", 400, "REQUEST_MALFORMED");
    says(KH_GET, "/a/7?q=%00", 400, "REQUEST_MALFORMED");
    says(KH_GET, "/a/7?q=%4", 400, "REQUEST_MALFORMED");
    says(KH_GET, "/a/%c3%28", 400, "REQUEST_MALFORMED");
    says(KH_GET, "/o/7.json?anything=1", 200, "o_json");
    says(KH_GET, "/limit", 200, "50");
    says(KH_GET, "/limit?limit=100", 200, "100");
    says(KH_GET, "/limit?limit=101", 400, "PARAMETER_INVALID");
    says(KH_GET, "/limit?limit=0", 400, "PARAMETER_INVALID");
    says(KH_GET, "/limit?limit=abc", 400, "PARAMETER_INVALID");
    done();
}

static void refuses_a_flood_of_parameters(void **state)
{
    char target[4096] = "/o/7.json?";

    (void)state;
    for (int i = 0; i < 300; i++)
        strcat(target, "a=1&");
    says(KH_GET, target, 400, "REQUEST_MALFORMED");
    done();
}

static void takes_json_where_json_is_due(void **state)
{
    (void)state;
    assert_int_equal(run(KH_POST, "/post", NULL, "{\"a\":1}")->reply.status, 200);
    assert_true(body_has(now, "json"));
    assert_int_equal(run(KH_POST, "/post", NULL, "{\"a\":}")->reply.status, 400);
    assert_true(body_has(now, "JSON_SYNTAX"));
    assert_int_equal(run(KH_POST, "/post", NULL, "")->reply.status, 415);
    assert_int_equal(run(KH_POST, "/maybe", NULL, "")->reply.status, 200);
    assert_int_equal(run(KH_POST, "/bare", NULL, "{}")->reply.status, 400);
    now->err = (struct kh_error){0};
    done();
    now = call_new(KH_POST, "/post", NULL, "{}");
    now->head.content_type = KH_S("text/plain");
    call_run(now);
    assert_int_equal(now->reply.status, 415);
    done();
    now = call_new(KH_POST, "/post", NULL, "{}");
    now->head.content_type = KH_S("application/merge-patch+json; charset=utf-8");
    call_run(now);
    assert_int_equal(now->reply.status, 200);
    done();
    now = call_new(KH_POST, "/post", NULL, "{}");
    now->head.content_encoding = KH_S("gzip");
    call_run(now);
    assert_int_equal(now->reply.status, 415);
    done();
}

static void lets_in_who_may_come_in(void **state)
{
    (void)state;
    assert_int_equal(run(KH_GET, "/mine", NULL, NULL)->reply.status, 401);
    assert_true(reply_header_of(now, "WWW-Authenticate").n > 0);
    assert_int_equal(run(KH_GET, "/mine", "mai", NULL)->reply.status, 200);
    assert_int_equal(run(KH_GET, "/mine", "nobody", NULL)->reply.status, 401);
    assert_true(body_has(now, "SESSION_EXPIRED"));
    assert_int_equal(run(KH_GET, "/admin", NULL, NULL)->reply.status, 401);
    assert_int_equal(run(KH_GET, "/admin", "mai", NULL)->reply.status, 403);
    assert_int_equal(run(KH_GET, "/admin", "admin", NULL)->reply.status, 200);
    /* A stale token is no reason to hide what everybody may see. */
    assert_int_equal(run(KH_GET, "/a/7", "nobody", NULL)->reply.status, 200);
    done();
}

static int with_cookie(enum kh_method m, const char *target, const char *csrf, const char *site)
{
    done();
    now = call_new(m, target, NULL, m == KH_PUT ? "{}" : NULL);
    now->head.cookie = KH_S("a=b; khue_session=mai; c=d");
    if (csrf)
        now->head.csrf = kh_cstr(csrf);
    if (site)
        now->head.sec_fetch_site = kh_cstr(site);
    call_run(now);
    return now->reply.status;
}

static void asks_for_the_csrf_token_of_cookie_sessions(void **state)
{
    (void)state;
    assert_int_equal(with_cookie(KH_GET, "/mine", NULL, NULL), 200);
    assert_int_equal(with_cookie(KH_PUT, "/a/7", NULL, NULL), 403);
    assert_true(body_has(now, "CSRF"));
    assert_int_equal(with_cookie(KH_PUT, "/a/7", "csrf-other", NULL), 403);
    assert_int_equal(with_cookie(KH_PUT, "/a/7", "csrf-mai", NULL), 200);
    assert_int_equal(with_cookie(KH_PUT, "/a/7", "csrf-mai", "same-origin"), 200);
    assert_int_equal(with_cookie(KH_PUT, "/a/7", "csrf-mai", "cross-site"), 403);
    /* Programs with a bearer token need none. */
    assert_int_equal(run(KH_PUT, "/a/7", "mai", "{}")->reply.status, 200);
    /* Open standards do not look at cookies. */
    done();
    now = call_new(KH_GET, "/o/7.json", NULL, NULL);
    now->head.cookie = KH_S("khue_session=mai");
    call_run(now);
    assert_int_equal(now->who->kind, KH_WHO_PUBLIC);
    done();
}

static void answers_options_and_preflights(void **state)
{
    (void)state;
    assert_int_equal(run(KH_OPTIONS, "/a/7", NULL, NULL)->reply.status, 204);
    assert_true(kh_str_is(reply_header_of(now, "Allow"), "GET, HEAD, PUT, OPTIONS"));
    assert_false(reply_header_of(now, "Access-Control-Allow-Origin").n);
    assert_int_equal(run(KH_OPTIONS, "/o/7.json", NULL, NULL)->reply.status, 204);
    assert_true(kh_str_is(reply_header_of(now, "Access-Control-Allow-Origin"), "*"));
    done();
}

static void speaks_the_language_that_is_preferred(void **state)
{
    static const struct {
        const char *accept;
        bool english;
    } cases[] = {
        {"en", true},
        {"vi", false},
        {"en;q=0.5, vi;q=0.4", true},
        {"vi,en", false},
        {"fr", false},
        {"en-GB,en;q=0.9", true},
        {"vi-VN,vi;q=0.9,en;q=0.8", false},
        {"*", false},
        {"en;q=0", false},
        {"english", false},
    };

    (void)state;
    for (size_t i = 0; i < KH_LEN(cases); i++) {
        done();
        now = call_new(KH_GET, "/broken", NULL, NULL);
        now->head.accept_language = kh_cstr(cases[i].accept);
        call_run(now);
        assert_int_equal(now->reply.status, 422);
        assert_true(kh_str_is(now->reply.type, "application/problem+json"));
        assert_true(body_has(now, cases[i].english ? "missing" : "thiếu"));
        assert_true(body_has(now, "\"pointer\":\"/a/0\""));
    }
    done();
}

static void keeps_the_inside_inside(void **state)
{
    (void)state;
    says(KH_GET, "/inside", 500, "STORE_CORRUPT");
    assert_false(body_has(now, "secret_names"));
    done();
}

static void answers_304_to_who_has_it(void **state)
{
    static const struct {
        const char *list;
        int status;
    } cases[] = {{"W/\"a-3\"", 304},
                 {"\"a-3\"", 304},
                 {"\"x\", W/\"a-3\"", 304},
                 {"*", 304},
                 {"\"a-2\"", 200}};

    (void)state;
    for (size_t i = 0; i < KH_LEN(cases); i++) {
        done();
        now = call_new(KH_GET, "/tag", NULL, NULL);
        now->head.if_none_match = kh_cstr(cases[i].list);
        call_run(now);
        assert_int_equal(now->reply.status, cases[i].status);
        assert_true(kh_str_is(reply_header_of(now, "ETag"), "W/\"a-3\""));
    }
    done();
}

static void limits_an_account_but_not_on_this_machine(void **state)
{
    (void)state;
    assert_true(kh_config_text(cf.config, "t", KH_S("rate_account = 1\nrate_account_burst = 3\n"),
                               &(struct kh_error){0}));
    for (int i = 0; i < 3; i++)
        assert_int_equal(run(KH_GET, "/mine", "mai", NULL)->reply.status, 200);
    assert_int_equal(run(KH_GET, "/mine", "mai", NULL)->reply.status, 429);
    assert_true(reply_header_of(now, "Retry-After").n > 0);
    assert_int_equal(run(KH_GET, "/mine", "admin", NULL)->reply.status, 200);
    done();
    now = call_new(KH_GET, "/mine", "mai", NULL);
    now->local = true;
    call_run(now);
    assert_int_equal(now->reply.status, 200);
    done();
}

static void hands_long_work_to_a_worker(void **state)
{
    (void)state;
    says(KH_GET, "/work", 200, "worked");
    done();
}

static void says_how_long_a_body_may_be_before_it_comes(void **state)
{
    struct kh_call *c = call_new(KH_PUT, "/a/7", "mai", NULL),
                   *d = call_new(KH_PUT, "/a/7", NULL, NULL);

    (void)state;
    assert_int_equal(kh_call_begin(c), 100);
    assert_int_equal(kh_call_begin(d), 65536); /* refused anyway: enough to keep the connection */
    kh_arena_drop(c->a);
    kh_arena_drop(d->a);
}

static void drops_line_breaks_from_headers(void **state)
{
    struct kh_call *c = call_new(KH_GET, "/a/7", NULL, NULL);

    (void)state;
    kh_reply_header(c, "Location", KH_S("/x\r\nSet-Cookie: a=b"));
    assert_true(kh_str_is(reply_header_of(c, "Location"), "/xSet-Cookie: a=b"));
    kh_arena_drop(c->a);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(finds_literals_before_parameters_and_decodes_after_routing),
        T(knows_nothing_from_a_wrong_method),
        T(refuses_bad_and_unknown_parameters),
        T(refuses_a_flood_of_parameters),
        T(takes_json_where_json_is_due),
        T(lets_in_who_may_come_in),
        T(asks_for_the_csrf_token_of_cookie_sessions),
        T(answers_options_and_preflights),
        T(speaks_the_language_that_is_preferred),
        T(keeps_the_inside_inside),
        T(answers_304_to_who_has_it),
        T(limits_an_account_but_not_on_this_machine),
        T(hands_long_work_to_a_worker),
        T(says_how_long_a_body_may_be_before_it_comes),
        T(drops_line_breaks_from_headers),
    };
#undef T

    return cmocka_run_group_tests(tests, NULL, NULL);
}
