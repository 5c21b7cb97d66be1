/* SPDX-License-Identifier: Apache-2.0 */
/* The real units of the city, loaded as `khue init` loads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../pack/city_fixture.h"

#include "base/time.h"
#include "engine/geo/units.h"

#include <stdlib.h>

static struct city_fixture c;
static struct kh_units *us;

static int64_t day_of(const char *text)
{
    int64_t days;

    assert_true(kh_date_parse(kh_cstr(text), &days));
    return days;
}

static int setup(void **state)
{
    struct kh_error err = {0};

    (void)state;
    kh_clock_set(kh_day_start(day_of("2026-11-20")) + 10 * KH_US_H);
    city_open(&c);
    assert_true(kh_units_open(c.f.st, c.city.registry, c.city.process, &us, &err));
    city_load(&c, KH_SOURCE_ROOT "/packs/admin-units");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kh_units_close(us);
    city_drop(&c);
    kh_clock_set(0);
    return 0;
}

static const struct kh_unit *at(double lon, double lat, const char *day)
{
    const struct kh_unit *u = NULL;
    struct kh_error err = {0};
    enum kh_hit hit = kh_units_at(us, lon, lat, day_of(day), &u, &err);

    assert_int_not_equal(hit, KH_FAIL);
    return hit == KH_HIT ? u : NULL;
}

static const struct kh_unit *find(const char *code, const char *day)
{
    const struct kh_unit *u = NULL;
    struct kh_error err = {0};

    return kh_units_find(us, kh_cstr(code), day_of(day), &u, &err) == KH_HIT ? u : NULL;
}

static void is(struct kh_str got, const char *want)
{
    assert_string_equal(kh_str_z(c.a, got), want);
}

static void a_point_is_in_its_ward(void **state)
{
    const struct kh_unit *u = at(105.8523, 21.0285, "2026-11-20"); /* Hồ Gươm */

    (void)state;
    assert_non_null(u);
    is(u->full_name, "Phường Hoàn Kiếm");
    is(u->kind, "ward");
    is(u->agency_name, "UBND phường Hoàn Kiếm");
    is(u->agency, kh_strf(c.a, "H26.%.*s", KH_FMT(u->code)).p);
    assert_int_equal(u->from_day, day_of("2025-07-01"));
    assert_int_equal(u->to_day, KH_FOREVER);
}

static void a_point_outside_or_before_the_boundaries_is_in_none(void **state)
{
    (void)state;
    assert_null(at(106.68, 10.77, "2026-11-20"));
    assert_null(at(105.8523, 21.0285, "2025-06-30"));
}

static void a_point_off_the_globe_is_an_error(void **state)
{
    const struct kh_unit *u = NULL;
    struct kh_error err = {0};

    (void)state;
    assert_int_equal(kh_units_at(us, 21.0, 105.8, 20000, &u, &err), KH_FAIL);
    assert_int_equal(err.code, KH_EC_POINT_INVALID);
}

static void every_unit_holds_its_own_label_and_centre(void **state)
{
    const struct kh_units_text *t;
    struct kh_error err = {0};
    struct kh_json_limits limits = {.bytes = 4 << 20, .values = 1000000};
    const struct kh_json *features;
    struct kh_json *v;

    (void)state;
    assert_true(kh_units_boundaries(us, day_of("2026-11-20"), &t, &err));
    assert_true(kh_json_parse(c.a, t->json, &limits, &v, &err));
    features = kh_json_get(v, "features");
    assert_int_equal(features->n, 126);
    for (uint32_t i = 0; i < features->n; i++) {
        const struct kh_json *p = kh_json_get(&features->items[i], "properties");
        const struct kh_json *label = kh_json_get(p, "label");
        struct kh_str code = kh_json_str(p, "code", KH_S(""));
        const struct kh_unit *u;
        double lon, lat;

        assert_true(kh_json_as_double(&label->items[0], &lon));
        assert_true(kh_json_as_double(&label->items[1], &lat));
        u = at(lon, lat, "2026-11-20");
        assert_non_null(u);
        is(u->code, kh_str_z(c.a, code));
        assert_true(u->has_centre);
        assert_true(kh_shape_covers(u->shape, u->lon, u->lat));
        assert_true(u->agency.n > 0);
    }
}

/* The outline of the city is cruder than the units, most of all along the rivers at its border: look
 * only two kilometres inside of it. */
static bool well_inside(const struct kh_shape *s, double lon, double lat)
{
    static const double off[][2] = {{0, 0}, {1, 0}, {-1, 0}, {0, 1}, {0, -1}};

    for (size_t i = 0; i < KH_LEN(off); i++)
        if (!kh_shape_covers(s, lon + off[i][0] * 0.02, lat + off[i][1] * 0.02))
            return false;
    return true;
}

/* Simplified neighbours gape and overlap: inside the city every point still has a unit. */
static void the_city_has_no_holes(void **state)
{
    const struct kh_unit *city = find("01", "2026-11-20");
    struct kh_box b;
    int in = 0, none = 0;

    (void)state;
    assert_non_null(city);
    assert_non_null(city->shape);
    b = kh_shape_box(city->shape);
    for (int i = 0; i < 120; i++)
        for (int k = 0; k < 120; k++) {
            double lon = b.min_lon + (b.max_lon - b.min_lon) * (i + 0.5) / 120;
            double lat = b.min_lat + (b.max_lat - b.min_lat) * (k + 0.5) / 120;

            if (!well_inside(city->shape, lon, lat))
                continue;
            in++;
            none += at(lon, lat, "2026-11-20") == NULL;
        }
    assert_true(in > 4000);
    assert_int_equal(none, 0);
}

static void counts_are_those_of_the_resolutions(void **state)
{
    static const struct {
        const char *day;
        int communes, districts;
    } want[] = {{"2024-12-31", 579, 30},
                {"2025-01-01", 526, 30},
                {"2025-06-30", 526, 30},
                {"2025-07-01", 126, 0},
                {"2026-11-20", 126, 0}};

    (void)state;
    for (size_t i = 0; i < KH_LEN(want); i++) {
        int communes = 0, districts = 0;

        for (int code = 0; code < 11000; code++) {
            communes += find(kh_strf(c.a, "%05d", code).p, want[i].day) != NULL;
            districts += code < 1000 && find(kh_strf(c.a, "%03d", code).p, want[i].day) != NULL;
        }
        assert_int_equal(communes, want[i].communes);
        assert_int_equal(districts, want[i].districts);
    }
}

static struct kh_unit_match *search(const char *q, const char *day, size_t *n)
{
    struct kh_unit_match *found = NULL;
    struct kh_error err = {0};

    assert_true(kh_units_search(us, c.a, kh_cstr(q), day ? day_of(day) : -1, 50, &found, n, &err));
    return found;
}

static void a_name_is_found_in_any_spelling(void **state)
{
    static const char *const spellings[] = {"Phường Hoàn Kiếm", "hoàn kiếm",  "hoan kiem",
                                            "P. Hoan Kiem",     "HOÀN KIẾM",  "phuong hoan kiem",
                                            "Hoàn  Kiếm",       "p hoàn kiếm"};
    size_t n;

    (void)state;
    for (size_t i = 0; i < KH_LEN(spellings); i++) {
        struct kh_unit_match *m = search(spellings[i], NULL, &n);

        assert_true(n > 0);
        if (!kh_str_is(m[0].unit->full_name, "Phường Hoàn Kiếm"))
            fail_msg("%s: %.*s", spellings[i], KH_FMT(m[0].unit->full_name));
    }
    /* Both ways to place the tone, and what a Mac sends. */
    assert_true(kh_str_eq(search("Xã Hòa Xá", NULL, &n)[0].unit->code,
                          search("Xã Hoà Xá", NULL, &n)[0].unit->code));
    assert_true(n > 0);
    assert_true(kh_str_eq(search("Hoa\u0300n Kie\u0302\u0301m", NULL, &n)[0].unit->code,
                          search("hoan kiem", NULL, &n)[0].unit->code));
}

static void an_old_name_finds_its_successors(void **state)
{
    size_t n;
    struct kh_unit_match *m = search("Phường Trúc Bạch", NULL, &n);
    const struct kh_unit *old = m[0].unit;

    (void)state;
    assert_true(n > 0);
    is(old->name, "Trúc Bạch");
    assert_true(old->to_day != KH_FOREVER);
    assert_int_equal(old->next_n, 1);
    is(old->next[0].unit->full_name, "Phường Ba Đình");
    assert_true(old->next[0].whole);
}

static void a_split_unit_needs_a_decision(void **state)
{
    const struct kh_unit *old = NULL;

    (void)state;
    for (int code = 0; !old && code < 11000; code++) {
        old = find(kh_strf(c.a, "%05d", code).p, "2025-06-30");
        if (old && old->next_n < 2)
            old = NULL;
    }
    assert_non_null(old);
    for (size_t i = 0; i < old->next_n; i++) {
        assert_false(old->next[i].whole);
        assert_true(old->next[i].needs_decision);
        assert_int_equal(old->next[i].unit->from_day, day_of("2025-07-01"));
    }
}

static void every_old_unit_became_something(void **state)
{
    (void)state;
    for (int code = 0; code < 11000; code++) {
        const struct kh_unit *u = find(kh_strf(c.a, "%05d", code).p, "2024-12-31"),
                             *v = find(kh_strf(c.a, "%05d", code).p, "2025-06-30");

        if (u && u->next_n == 0)
            fail_msg("%.*s has no successor", KH_FMT(u->full_name));
        if (v && v->next_n == 0)
            fail_msg("%.*s has no successor", KH_FMT(v->full_name));
    }
}

static void the_day_picks_the_unit_of_a_code(void **state)
{
    /* 00004 was Trúc Bạch and is Ba Đình. */
    (void)state;
    is(find("00004", "2025-06-30")->full_name, "Phường Trúc Bạch");
    is(find("00004", "2025-07-01")->full_name, "Phường Ba Đình");
    assert_null(find("00004", "1999-01-01"));
    assert_null(find("99999", "2026-11-20"));
}

static void search_keeps_to_its_day_and_limit(void **state)
{
    size_t n;

    (void)state;
    search("ba dinh", "2026-11-20", &n);
    assert_int_equal(n, 1);
    (void)search("t", NULL, &n);
    assert_int_equal(n, 50);
    (void)search("???", NULL, &n);
    assert_int_equal(n, 0);
    (void)search("zzzzzz", NULL, &n);
    assert_int_equal(n, 0);
}

static void boundaries_are_kept_ready_and_compressed(void **state)
{
    const struct kh_units_text *one, *two, *none;
    struct kh_error err = {0};

    (void)state;
    assert_true(kh_units_boundaries(us, day_of("2026-11-20"), &one, &err));
    assert_true(kh_units_boundaries(us, day_of("2025-07-01"), &two, &err));
    assert_ptr_equal(one, two);
    assert_true(one->gzip.n * 2 < one->json.n);
    assert_memory_equal(one->gzip.p, "\x1f\x8b", 2);
    assert_true(kh_units_boundaries(us, day_of("2024-01-01"), &none, &err));
    assert_false(kh_str_eq(none->etag, one->etag));
    is(none->json, "{\"type\":\"FeatureCollection\",\"features\":[]}");
}

static bool change_name(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    const struct kh_type *t = kh_type_find(c.city.registry, KH_S("agency"));
    struct kh_who who = kh_who_system(KH_S("test"));
    struct kh_write w = {.who = &who, .trusted = true, .reason = KH_S("renamed")};
    struct kh_record r, now;
    struct kh_json *patch;

    (void)ctx;
    if (kh_record_find(tx, c.city.registry, c.a, t, KH_S("H26.00070"), 0, &r, err) != KH_HIT ||
        !kh_json_parse(c.a, KH_S("{\"short_name\":\"UBND mới\"}"), NULL, &patch, err))
        return false;
    return kh_record_change(tx, c.city.registry, c.a, t, r.id, patch, true, &w, &now, err);
}

static void a_changed_record_is_seen_and_the_old_answer_stays_good(void **state)
{
    const struct kh_unit *before = at(105.8523, 21.0285, "2026-11-20"), *after;
    struct kh_error err = {0};

    (void)state;
    is(before->agency, "H26.00070");
    if (!kh_store_run(c.f.st, "rename", KH_TX_WRITE, change_name, NULL, &err))
        fail_msg("%s", err.detail);
    assert_true(kh_units_refresh(us, &err));
    after = at(105.8523, 21.0285, "2026-11-20");
    is(after->agency_name, "UBND mới");
    is(before->agency_name, "UBND phường Hoàn Kiếm");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_point_is_in_its_ward),
        cmocka_unit_test(a_point_outside_or_before_the_boundaries_is_in_none),
        cmocka_unit_test(a_point_off_the_globe_is_an_error),
        cmocka_unit_test(every_unit_holds_its_own_label_and_centre),
        cmocka_unit_test(the_city_has_no_holes),
        cmocka_unit_test(counts_are_those_of_the_resolutions),
        cmocka_unit_test(a_name_is_found_in_any_spelling),
        cmocka_unit_test(an_old_name_finds_its_successors),
        cmocka_unit_test(a_split_unit_needs_a_decision),
        cmocka_unit_test(every_old_unit_became_something),
        cmocka_unit_test(the_day_picks_the_unit_of_a_code),
        cmocka_unit_test(search_keeps_to_its_day_and_limit),
        cmocka_unit_test(boundaries_are_kept_ready_and_compressed),
        cmocka_unit_test(a_changed_record_is_seen_and_the_old_answer_stays_good),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
