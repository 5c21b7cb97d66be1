/* SPDX-License-Identifier: Apache-2.0 */
/* Open311 GeoReport v2 on the real packs: what a client of another city's app would do. */
#include "call_fixture.h"

#include "../pack/city_fixture.h"

#include "api/open311_int.h"
#include "api/routes.h"
#include "base/id.h"
#include "engine/file/file.h"
#include "engine/geo/units.h"

#include <libxml/parser.h>
#include <stdio.h>

static struct city_fixture city;
static struct kh_call *now;
static char made_id[16];

static const struct kh_error_form forms[] = {{"/open311/", kh_o311_error}, {NULL, NULL}};

static int open_city(void **state)
{
    struct kh_error err = {0};

    (void)state;
    calls_open(kh_routes_open311);
    city_open(&city);
    if (!kh_units_open(city.f.st, city.city.registry, city.city.process, &cf.city.units, &err) ||
        !kh_files_open(city.f.st, city.f.dir, &cf.city.files, &err))
        return -1;
    city_load(&city, KH_SOURCE_ROOT "/packs/admin-units");
    city_load(&city, KH_SOURCE_ROOT "/packs/places");
    city_load(&city, KH_SOURCE_ROOT "/packs/feedback");
    if (!kh_units_refresh(cf.city.units, &err))
        return -1;
    cf.city.store = city.f.st;
    cf.city.registry = city.city.registry;
    cf.city.process = city.city.process;
    cf.city.error_forms = forms;
    kh_registry_set_files(cf.city.registry, kh_files_written, NULL);
    return 0;
}

static int close_city(void **state)
{
    (void)state;
    if (now)
        kh_arena_drop(now->a);
    calls_close();
    kh_units_close(cf.city.units);
    kh_files_close(cf.city.files);
    city_drop(&city);
    return 0;
}

/* Every XML reply is read by a real parser. */
static void check_xml(const struct kh_call *c)
{
    xmlDoc *doc = xmlReadMemory(c->reply.body.p, (int)c->reply.body.n, "reply", NULL,
                                XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);

    if (!doc)
        fail_msg("not XML: %.*s", KH_FMT(c->reply.body));
    xmlFreeDoc(doc);
}

static struct kh_call *run(enum kh_method m, const char *target, const char *type,
                           struct kh_str body)
{
    if (now)
        kh_arena_drop(now->a);
    now = call_new(m, target, NULL, NULL);
    now->body = body;
    if (type)
        now->head.content_type = kh_cstr(type);
    now->head.host = KH_S("city.test");
    call_run(now);
    if (kh_str_starts(now->reply.type, KH_S("text/xml")))
        check_xml(now);
    else if (now->reply.status != 204)
        assert_true(kh_str_is(now->reply.type, "application/json; charset=utf-8"));
    return now;
}

static const struct kh_json *json(void)
{
    struct kh_json *v;
    struct kh_error err = {0};

    if (!kh_json_parse(now->a, now->reply.body, NULL, &v, &err))
        fail_msg("not JSON: %.*s", KH_FMT(now->reply.body));
    return v;
}

static void get(const char *target, int status)
{
    run(KH_GET, target, NULL, KH_S(""));
    if (now->reply.status != status)
        fail_msg("%s -> %d %.*s", target, now->reply.status, KH_FMT(now->reply.body));
}

static void post(const char *target, const char *form, int status)
{
    run(KH_POST, target, "application/x-www-form-urlencoded; charset=utf-8", kh_cstr(form));
    if (now->reply.status != status)
        fail_msg("%s -> %d %.*s", form, now->reply.status, KH_FMT(now->reply.body));
}

static void allow_anonymous(bool on)
{
    struct kh_error err = {0};

    assert_true(
        kh_config_set(cf.config, KH_S("open311_anonymous"), on ? KH_S("yes") : KH_S("no"), &err));
}

static void says_where_it_is(void **state)
{
    const struct kh_json *e;

    (void)state;
    get("/open311/v2/discovery.json", 200);
    e = kh_json_at(json(), KH_S("/endpoints/0"));
    assert_true(kh_str_is(kh_json_str(e, "url", KH_S("")), "http://city.test/open311/v2"));
    assert_true(kh_str_is(kh_json_str(e, "specification", KH_S("")),
                          "http://wiki.open311.org/GeoReport_v2"));
    assert_true(kh_json_is(kh_json_get(e, "formats"), KH_JSON_ARRAY));
    get("/open311/v2/discovery.xml", 200);
    assert_true(body_has(
        now, "<formats><format>text/xml</format><format>application/json</format></formats>"));
    assert_true(kh_str_is(reply_header_of(now, "Access-Control-Allow-Origin"), "*"));
}

static void lists_services_in_both_formats_and_languages(void **state)
{
    const struct kh_json *v, *first;

    (void)state;
    get("/open311/v2/services.json?jurisdiction_id=hanoi.gov.vn", 200);
    v = json();
    assert_true(v->n >= 10);
    first = &v->items[0];
    assert_true(kh_str_is(kh_json_str(first, "service_code", KH_S("")), "pothole"));
    assert_true(kh_str_is(kh_json_str(first, "type", KH_S("")), "realtime"));
    assert_true(kh_json_bool(first, "metadata", false));
    assert_true(kh_str_is(kh_json_str(first, "service_name", KH_S("")), "Ổ gà, mặt đường hư hỏng"));
    get("/open311/v2/services.xml", 200);
    assert_true(body_has(now, "<?xml version=\"1.0\" encoding=\"utf-8\"?>"));
    assert_true(body_has(now, "<services><service><service_code>pothole</service_code>"));
    kh_arena_drop(now->a);
    now = call_new(KH_GET, "/open311/v2/services.json", NULL, NULL);
    now->head.accept_language = KH_S("en");
    call_run(now);
    assert_true(body_has(now, "Pothole or broken road"));
}

static void defines_a_service(void **state)
{
    const struct kh_json *v;

    (void)state;
    get("/open311/v2/services/pothole.json", 200);
    v = json();
    assert_true(kh_str_is(kh_json_str(v, "service_code", KH_S("")), "pothole"));
    v = kh_json_at(v, KH_S("/attributes/0"));
    assert_true(kh_str_is(kh_json_str(v, "datatype", KH_S("")), "singlevaluelist"));
    assert_int_equal(kh_json_int(v, "order", 0), 1);
    assert_true(kh_str_is(kh_json_str(kh_json_at(v, KH_S("/values/0")), "key", KH_S("")), "small"));
    get("/open311/v2/services/pothole.xml", 200);
    assert_true(body_has(now, "<values><value><key>small</key>"));
    get("/open311/v2/services/road_sign.json", 200);
    assert_int_equal(kh_json_get(json(), "attributes")->n, 0);
}

static void answers_errors_in_the_form_of_the_standard(void **state)
{
    (void)state;
    get("/open311/v2/services/unheard_of.json", 404);
    assert_int_equal(kh_json_int(&json()->items[0], "code", 0), 404);
    assert_true(kh_json_str(&json()->items[0], "description", KH_S("")).n > 0);
    get("/open311/v2/services.xml?jurisdiction_id=elsewhere.gov", 404);
    assert_true(body_has(now, "<errors><error><code>404</code><description>"));
    get("/open311/v2/requests/0000000000000.json", 404);
    get("/open311/v2/requests/..%2Fx.xml", 404);
    get("/open311/v2/nothing.xml", 404);
    assert_true(body_has(now, "<errors>"));
    run(KH_DELETE, "/open311/v2/services.json", NULL, KH_S(""));
    assert_int_equal(now->reply.status, 405);
}

#define PLACE "lat=21.0285&long=105.8542"

static void asks_for_a_key_unless_told_otherwise(void **state)
{
    (void)state;
    post("/open311/v2/requests.json", "service_code=pothole&" PLACE, 403);
    assert_int_equal(kh_json_int(&json()->items[0], "code", 0), 403);
    post("/open311/v2/requests.xml", "service_code=pothole&api_key=nobody&" PLACE, 403);
    assert_true(body_has(now, "<code>403</code>"));
    allow_anonymous(true);
    post("/open311/v2/requests.json", "service_code=pothole&api_key=nobody&" PLACE, 403);
    post("/open311/v2/requests.json?api_key=mai",
         "service_code=pothole&description=A+large+hole&" PLACE, 200);
    assert_true(kh_json_is(kh_json_get(&json()->items[0], "account_id"), KH_JSON_STRING));
}

static void makes_a_request_that_can_be_read(void **state)
{
    const struct kh_json *v;
    char target[128];

    (void)state;
    allow_anonymous(true);
    post(
        "/open311/v2/requests.json",
        "jurisdiction_id=hanoi.gov.vn&service_code=pothole&" PLACE
        "&address_string=12+Tr%C3%A0ng+Ti%E1%BB%81n&email=an%40example.org&first_name=An&last_name=Nguy%E1%BB%85n"
        "&phone=%2B84+(912)+345-678&device_id=tt222111&description=H%E1%BB%91+s%C3%A2u+%3Cgi%E1%BB%AFa%3E+%C4%91%C6%B0%E1%BB%9Dng+%26+to"
        "&media_url=https%3A%2F%2Fexample.org%2Fa.jpg&attribute[SIZE]=large&attribute[DEPTH_CM]=30",
        200);
    v = &json()->items[0];
    assert_int_equal(json()->n, 1);
    assert_int_equal(kh_json_str(v, "service_request_id", KH_S("")).n, 13);
    assert_true(kh_json_is(kh_json_get(v, "account_id"), KH_JSON_NULL));
    assert_true(kh_json_str(v, "service_notice", KH_S("")).n > 0);
    snprintf(made_id, sizeof(made_id), "%.*s",
             KH_FMT(kh_json_str(v, "service_request_id", KH_S(""))));

    snprintf(target, sizeof(target), "/open311/v2/requests/%s.json?extensions=true", made_id);
    get(target, 200);
    v = &json()->items[0];
    assert_int_equal(json()->n, 1);
    assert_true(kh_str_is(kh_json_str(v, "status", KH_S("")), "open"));
    assert_true(kh_str_is(kh_json_str(v, "service_code", KH_S("")), "pothole"));
    assert_true(kh_str_is(kh_json_str(v, "description", KH_S("")), "Hố sâu <giữa> đường & to"));
    assert_true(kh_json_num(v, "lat", 0) == 21.0285 && kh_json_num(v, "long", 0) == 105.8542);
    assert_true(kh_str_is(kh_json_str(v, "address", KH_S("")), "12 Tràng Tiền"));
    assert_true(kh_str_is(kh_json_str(v, "media_url", KH_S("")), "https://example.org/a.jpg"));
    assert_true(kh_json_str(v, "agency_responsible", KH_S("")).n > 3);
    assert_int_equal(kh_json_str(v, "requested_datetime", KH_S("")).n, 25);
    assert_true(kh_json_is(kh_json_get(v, "zipcode"), KH_JSON_NULL));
    assert_true(kh_json_str(kh_json_get(v, "extended_attributes"), "number", KH_S("")).n > 0);
    /* Nothing that names the sender. */
    assert_false(body_has(now, "Nguyễn"));
    assert_false(body_has(now, "example.org\""));
    assert_false(body_has(now, "0912"));
    assert_false(body_has(now, "345678"));

    snprintf(target, sizeof(target), "/open311/v2/requests/%s.xml", made_id);
    get(target, 200);
    assert_true(body_has(now, "<description>Hố sâu &lt;giữa&gt; đường &amp; to</description>"));
    assert_true(body_has(now, "<zipcode/>"));
    snprintf(target, sizeof(target), "/open311/v2/tokens/%s.xml", made_id);
    get(target, 200);
    assert_true(body_has(now, "<token>"));
}

static void says_everything_that_is_wrong_at_once(void **state)
{
    (void)state;
    allow_anonymous(true);
    post("/open311/v2/requests.json", PLACE, 400);
    post("/open311/v2/requests.json", "service_code=unheard_of&" PLACE, 404);
    post(
        "/open311/v2/requests.json",
        "service_code=pothole&lat=91&long=200&attribute[SIZE]=huge&attribute[DEPTH_CM]=deep&attribute[X]=1&media_url=ftp://x",
        400);
    assert_int_equal(json()->n, 5);
    post("/open311/v2/requests.json", "service_code=pothole&lat=21.0", 400);
    post("/open311/v2/requests.json", "service_code=pothole", 400);
    post("/open311/v2/requests.json", "service_code=pothole&email=nonsense&" PLACE, 400);
    post("/open311/v2/requests.json", "service_code=pothole&description=%ff&" PLACE, 400);
    post("/open311/v2/requests.json", "service_code=pothole&jurisdiction_id=elsewhere&" PLACE, 404);
    run(KH_POST, "/open311/v2/requests.json", "application/json", KH_S("{}"));
    assert_int_equal(now->reply.status, 400);
    run(KH_POST, "/open311/v2/requests.xml", "multipart/form-data; boundary=b", KH_S("--b\r\n"));
    assert_int_equal(now->reply.status, 400);
}

static void takes_an_address_without_a_point(void **state)
{
    (void)state;
    allow_anonymous(true);
    post(
        "/open311/v2/requests.json",
        "service_code=pothole&description=Broken+pavement&address_string=5+ph%E1%BB%91+%C4%90inh+Ti%C3%AAn+Ho%C3%A0ng%2C+ph%C6%B0%E1%BB%9Dng+Ho%C3%A0n+Ki%E1%BA%BFm%2C+H%C3%A0+N%E1%BB%99i",
        200);
    post("/open311/v2/requests.json", "service_code=pothole&address_string=Atlantis", 400);
    assert_true(body_has(now, "address_string"));
}

static void refuses_a_place_that_the_city_does_not_serve(void **state)
{
    const struct kh_json *e;

    (void)state;
    allow_anonymous(true);
    /* A kilometre beyond the border is the dispatcher's, three are not, nor is the other end of the
     * country. */
    post("/open311/v2/requests.json", "service_code=pothole&lat=21.03&long=106.025", 200);
    post("/open311/v2/requests.json", "service_code=pothole&lat=21.03&long=106.045", 400);
    post("/open311/v2/requests.json", "service_code=pothole&lat=10.77&long=106.68", 400);
    assert_int_equal(json()->n, 1);
    e = &json()->items[0];
    assert_int_equal(kh_json_int(e, "code", 0), 400);
    assert_true(body_has(now, "ngoài địa bàn"));
    post("/open311/v2/requests.xml", "service_code=pothole&lat=10.77&long=106.68", 400);
    assert_true(body_has(now, "<errors><error><code>400</code><description>"));
}

/* The smallest JPEG frame that has a size: SOI, APP1 (to be stripped), SOF0, SOS, EOI. */
static const unsigned char photo[] = {
    0xff, 0xd8, 0xff, 0xe1, 0x00, 0x0a, 'E',  'x', 'i',  'f', 0,    0,    'G',  'P', 0xff, 0xdb,
    0x00, 0x43, 0x00, 1,    1,    1,    1,    1,   1,    1,   1,    1,    1,    1,   1,    1,
    1,    1,    1,    1,    1,    1,    1,    1,   1,    1,   1,    1,    1,    1,   1,    1,
    1,    1,    1,    1,    1,    1,    1,    1,   1,    1,   1,    1,    1,    1,   1,    1,
    1,    1,    1,    1,    1,    1,    1,    1,   1,    1,   1,    1,    1,    1,   1,    1,
    1,    1,    1,    0xff, 0xc0, 0x00, 0x0b, 8,   0,    2,   0,    2,    1,    1,   0x11, 0,
    0xff, 0xda, 0x00, 0x08, 1,    1,    0,    0,   0x3f, 0,   0x7f, 0xff, 0xd9,
};

static void takes_photos_in_a_form(void **state)
{
    char body[2048], target[128];
    size_t n;
    const struct kh_json *v;

    (void)state;
    allow_anonymous(true);
    n = (size_t)snprintf(
        body, sizeof(body),
        "--b\r\nContent-Disposition: form-data; name=\"service_code\"\r\n\r\npothole\r\n"
        "--b\r\nContent-Disposition: form-data; name=\"lat\"\r\n\r\n21.0285\r\n"
        "--b\r\nContent-Disposition: form-data; name=\"long\"\r\n\r\n105.8542\r\n"
        "--b\r\nContent-Disposition: form-data; name=\"description\"\r\n\r\nA hole, see the photo\r\n"
        "--b\r\nContent-Disposition: form-data; name=\"media\"; filename=\"../../x.jpg\"\r\n"
        "Content-Type: image/jpeg\r\n\r\n");
    memcpy(body + n, photo, sizeof(photo));
    n += sizeof(photo);
    memcpy(body + n, "\r\n--b--\r\n", 9);
    run(KH_POST, "/open311/v2/requests.json", "multipart/form-data; boundary=b",
        kh_str(body, n + 9));
    if (now->reply.status != 200)
        fail_msg("%d %.*s", now->reply.status, KH_FMT(now->reply.body));
    v = &json()->items[0];
    snprintf(target, sizeof(target), "/open311/v2/requests/%.*s.json",
             KH_FMT(kh_json_str(v, "service_request_id", KH_S(""))));
    get(target, 200);
    assert_true(kh_str_starts(kh_json_str(&json()->items[0], "media_url", KH_S("")),
                              KH_S("http://city.test/api/v1/files/")));
}

static void lists_by_time_service_and_status(void **state)
{
    char target[256];
    const struct kh_json *v;
    uint32_t all;
    int64_t last = INT64_MAX;

    (void)state;
    get("/open311/v2/requests.json", 200);
    v = json();
    all = v->n;
    assert_true(all >= 4);
    for (uint32_t i = 0; i < all; i++) {
        int64_t id;

        assert_true(kh_id_parse(kh_json_str(&v->items[i], "service_request_id", KH_S("")), &id));
        assert_true(id < last); /* newest first */
        last = id;
    }
    get("/open311/v2/requests.json?status=open,closed", 200);
    assert_int_equal(json()->n, all);
    get("/open311/v2/requests.json?status=closed", 200);
    assert_int_equal(json()->n, 0);
    assert_true(kh_str_is(now->reply.body, "[]"));
    get("/open311/v2/requests.xml?status=closed", 200);
    get("/open311/v2/requests.json?status=open&service_code=pothole,road_sign", 200);
    assert_int_equal(json()->n, all);
    get("/open311/v2/requests.json?service_code=road_sign", 200);
    assert_int_equal(json()->n, 0);
    get("/open311/v2/requests.json?page_size=1&page=2", 200);
    assert_int_equal(json()->n, 1);
    get("/open311/v2/requests.json?start_date=2010-01-01T00:00:00Z", 200);
    assert_int_equal(json()->n, 0);
    get("/open311/v2/requests.json?end_date=2025-03-31T00:00:00Z", 200);
    assert_int_equal(json()->n, 0);
    snprintf(
        target, sizeof(target),
        "/open311/v2/requests.json?service_request_id=%s,%s,nonsense,0000000000000&status=closed",
        made_id, made_id);
    get(target, 200);
    assert_int_equal(json()->n, 2); /* the ids override the rest */
    get("/open311/v2/requests.json?start_date=2010-01-01T00:00:00Z&end_date=2010-06-01T00:00:00Z",
        400);
    get("/open311/v2/requests.json?start_date=yesterday", 400);
    get("/open311/v2/requests.json?status=lost", 400);
    get("/open311/v2/requests.json?page=0", 400);
    get("/open311/v2/requests.json?page_size=1001", 400);
    get("/open311/v2/requests.json?unknown=1", 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_where_it_is),
        cmocka_unit_test(lists_services_in_both_formats_and_languages),
        cmocka_unit_test(defines_a_service),
        cmocka_unit_test(answers_errors_in_the_form_of_the_standard),
        cmocka_unit_test(asks_for_a_key_unless_told_otherwise),
        cmocka_unit_test(makes_a_request_that_can_be_read),
        cmocka_unit_test(says_everything_that_is_wrong_at_once),
        cmocka_unit_test(takes_an_address_without_a_point),
        cmocka_unit_test(refuses_a_place_that_the_city_does_not_serve),
        cmocka_unit_test(takes_photos_in_a_form),
        cmocka_unit_test(lists_by_time_service_and_status),
    };

    return cmocka_run_group_tests(tests, open_city, close_city);
}
