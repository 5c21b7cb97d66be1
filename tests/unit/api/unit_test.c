/* SPDX-License-Identifier: Apache-2.0 */
/* The units of the city over the API, on the real data. */
#include "call_fixture.h"

#include "../pack/city_fixture.h"

#include "api/routes.h"
#include "engine/geo/units.h"

#define ZLIB_CONST
#include <zlib.h>

static struct city_fixture city;

static int setup(void **state)
{
    struct kh_error err = {0};

    (void)state;
    kh_clock_set(1795000000 * KH_US_S); /* 2026-11-18 */
    city_open(&city);
    calls_open(kh_routes_unit);
    cf.city.store = city.f.st;
    cf.city.registry = city.city.registry;
    assert_true(
        kh_units_open(city.f.st, city.city.registry, city.city.process, &cf.city.units, &err));
    city_load(&city, KH_SOURCE_ROOT "/packs/admin-units");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kh_units_close(cf.city.units);
    calls_close();
    city_drop(&city);
    kh_clock_set(0);
    return 0;
}

/* The reply, read as JSON. */
static struct kh_json *ask(const char *target, int want_status)
{
    struct kh_call *c = call_new(KH_GET, target, NULL, NULL);
    struct kh_json_limits limits = {.bytes = 4 << 20, .values = 1000000};
    struct kh_error err = {0};
    struct kh_json *v = NULL;

    call_run(c);
    if (c->reply.status != want_status)
        fail_msg("%s: %d %.*s", target, c->reply.status, KH_FMT(c->reply.body));
    assert_true(kh_json_parse(city.a, c->reply.body, &limits, &v, &err));
    kh_arena_drop(c->a);
    return v;
}

static void is(const struct kh_json *v, const char *key, const char *want)
{
    assert_string_equal(kh_str_z(city.a, kh_json_str(v, key, KH_S("(absent)"))), want);
}

static void a_point_has_its_ward(void **state)
{
    struct kh_json *v = ask("/api/v1/units/at?lon=105.8523&lat=21.0285", 200);

    (void)state;
    is(v, "code", "00070");
    is(v, "name", "Phường Hoàn Kiếm");
    is(v, "agency", "H26.00070");
    is(v, "valid_from", "2025-07-01");
    is(v, "valid_to", "(absent)");
    assert_true(kh_json_int(v, "population", 0) > 10000);
    assert_non_null(kh_json_get(v, "centre"));
}

static void a_point_in_no_ward_is_not_found(void **state)
{
    (void)state;
    is(ask("/api/v1/units/at?lon=106.68&lat=10.77", 404), "code", "UNIT_NOT_FOUND");
    is(ask("/api/v1/units/at?lon=106.68&lat=10.77&date=2025-07-01", 404), "code", "UNIT_NOT_FOUND");
}

/* Of the communes before the merger the names are known, their boundaries are not. */
static void a_day_without_boundaries_is_told_apart(void **state)
{
    struct kh_json *v;
    struct kh_str detail;

    (void)state;
    v = ask("/api/v1/units/at?lon=105.8523&lat=21.0285&date=2025-06-30", 404);
    is(v, "code", "UNIT_BOUNDARIES_MISSING");
    detail = kh_json_str(v, "detail", KH_S(""));
    assert_non_null(memmem(detail.p, detail.n, "2025-06-30", 10));
    assert_non_null(memmem(detail.p, detail.n, "2025-07-01", 10));
    assert_non_null(memmem(detail.p, detail.n, "khue import", 11));
    v = ask("/api/v1/units/at?lon=106.68&lat=10.77&date=2024-05-01", 404);
    is(v, "code", "UNIT_BOUNDARIES_MISSING");
}

static void bad_questions_are_told_apart(void **state)
{
    (void)state;
    is(ask("/api/v1/units/at?lon=105.8523", 400), "code", "PARAMETER_INVALID");
    is(ask("/api/v1/units/at?lon=105,85&lat=21", 400), "code", "PARAMETER_INVALID");
    is(ask("/api/v1/units/at?lon=21.03&lat=105.85", 422), "code", "POINT_INVALID");
    is(ask("/api/v1/units/at?lon=105.8&lat=21&date=yesterday", 400), "code", "PARAMETER_INVALID");
    is(ask("/api/v1/units/at?lon=105.8&lat=21&when=now", 400), "code", "PARAMETER_UNKNOWN");
    is(ask("/api/v1/units", 400), "code", "PARAMETER_INVALID");
    is(ask("/api/v1/units?q=%20", 400), "code", "PARAMETER_INVALID");
    is(ask("/api/v1/units?q=a&limit=0", 400), "code", "PARAMETER_INVALID");
    is(ask("/api/v1/units/99999", 404), "code", "UNIT_NOT_FOUND");
}

static void a_code_is_read_on_a_day_or_as_it_was_last(void **state)
{
    struct kh_json *v;

    (void)state;
    is(ask("/api/v1/units/00004", 200), "name", "Phường Ba Đình");
    is(ask("/api/v1/units/00004?date=2025-06-30", 200), "name", "Phường Trúc Bạch");
    v = ask("/api/v1/units/00001", 200); /* Phúc Xá is no more */
    is(v, "name", "Phường Phúc Xá");
    is(v, "valid_to", "2025-07-01");
    v = kh_json_dup(city.a, kh_json_get(v, "successors"));
    assert_int_equal(v->n, 1);
    is(&v->items[0], "name", "Phường Hồng Hà");
    is(&v->items[0], "part", "whole");
    is(ask("/api/v1/units/00001?date=2026-01-01", 404), "code", "UNIT_NOT_FOUND");
}

static void a_name_is_found_with_what_became_of_it(void **state)
{
    struct kh_json *v = ask("/api/v1/units?q=phuc%20xa&limit=5", 200);
    const struct kh_json *items = kh_json_get(v, "items");

    (void)state;
    assert_true(items->n >= 1 && items->n <= 5);
    is(&items->items[0], "name", "Phường Phúc Xá");
    is(&items->items[0], "matched", "fold");
    assert_int_equal(kh_json_get(&items->items[0], "successors")->n, 1);
    assert_int_equal(
        kh_json_get(ask("/api/v1/units?q=Ho%C3%A0n+Ki%E1%BA%BFm&date=2026-01-01", 200), "items")->n,
        1);
}

static void boundaries_come_compressed_to_who_takes_it(void **state)
{
    struct kh_call *plain = call_new(KH_GET, "/api/v1/units/boundaries", NULL, NULL);
    struct kh_call *packed = call_new(KH_GET, "/api/v1/units/boundaries", NULL, NULL);
    struct kh_call *again = call_new(KH_GET, "/api/v1/units/boundaries", NULL, NULL);
    z_stream z = {0};
    char *out;

    (void)state;
    call_run(plain);
    assert_int_equal(plain->reply.status, 200);
    assert_true(kh_str_starts(plain->reply.body, KH_S("{\"type\":\"FeatureCollection\"")));
    assert_null(reply_header_of(plain, "Content-Encoding").p);
    packed->head.accept_encoding = KH_S("zstd;q=0, gzip;q=0.5");
    call_run(packed);
    assert_true(kh_str_is(reply_header_of(packed, "Content-Encoding"), "gzip"));
    assert_true(packed->reply.plain);
    out = kh_alloc(city.a, plain->reply.body.n + 1);
    z.next_in = (const Bytef *)packed->reply.body.p;
    z.avail_in = (uInt)packed->reply.body.n;
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)plain->reply.body.n + 1;
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.total_out, plain->reply.body.n);
    assert_memory_equal(out, plain->reply.body.p, plain->reply.body.n);
    inflateEnd(&z);
    again->head.if_none_match = reply_header_of(packed, "ETag");
    call_run(again);
    assert_int_equal(again->reply.status, 304);
    kh_arena_drop(plain->a);
    kh_arena_drop(packed->a);
    kh_arena_drop(again->a);
}

static void gzip_that_is_switched_off_is_not_sent(void **state)
{
    struct kh_call *c = call_new(KH_GET, "/api/v1/units/boundaries", NULL, NULL);

    (void)state;
    c->head.accept_encoding = KH_S("gzip;q=0, br");
    call_run(c);
    assert_null(reply_header_of(c, "Content-Encoding").p);
    kh_arena_drop(c->a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_point_has_its_ward),
        cmocka_unit_test(a_point_in_no_ward_is_not_found),
        cmocka_unit_test(a_day_without_boundaries_is_told_apart),
        cmocka_unit_test(bad_questions_are_told_apart),
        cmocka_unit_test(a_code_is_read_on_a_day_or_as_it_was_last),
        cmocka_unit_test(a_name_is_found_with_what_became_of_it),
        cmocka_unit_test(boundaries_come_compressed_to_who_takes_it),
        cmocka_unit_test(gzip_that_is_switched_off_is_not_sent),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
