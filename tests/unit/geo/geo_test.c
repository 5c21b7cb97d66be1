/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"
#include "engine/geo/geo.h"

#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

/* Same numbers in every run. */
static double next(uint64_t *seed, double lo, double hi)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return lo + (hi - lo) * (double)(*seed >> 11) / 9007199254740992.0;
}

static bool covered(const struct kh_cell_range *r, size_t n, int64_t cell)
{
    for (size_t i = 0; i < n; i++)
        if (cell >= r[i].lo && cell <= r[i].hi)
            return true;
    return false;
}

static void refuses_points_off_the_globe(void **state)
{
    (void)state;
    assert_true(kh_point_ok(105.85, 21.03));
    assert_true(kh_point_ok(-180, -90));
    assert_true(kh_point_ok(180, 90));
    assert_false(kh_point_ok(180.0001, 0));
    assert_false(kh_point_ok(21.03, 105.85));
    assert_false(kh_point_ok((double)NAN, 0));
    assert_false(kh_point_ok(0, (double)INFINITY));
}

static void cells_are_never_negative_and_fit_62_bits(void **state)
{
    static const double at[][2] = {{-180, -90}, {180, 90}, {-180, 90}, {180, -90}, {0, 0}};

    (void)state;
    for (size_t i = 0; i < KH_LEN(at); i++) {
        int64_t c = kh_cell(at[i][0], at[i][1]);

        assert_true(c >= 0 && c < (int64_t)1 << 62);
    }
    assert_int_equal(kh_cell(-180, -90), 0);
    /* The curve ends where x is greatest and y least. */
    assert_true(kh_cell(180, -90) == ((int64_t)1 << 62) - 1);
}

/* A step along the curve is a step to a neighbour: what makes it Hilbert's. */
static void the_curve_has_no_jumps(void **state)
{
    enum { ORDER = 6, SIDE = 1 << ORDER };
    static int x_at[SIDE * SIDE], y_at[SIDE * SIDE];
    static bool seen[SIDE * SIDE];

    (void)state;
    for (int x = 0; x < SIDE; x++) {
        for (int y = 0; y < SIDE; y++) {
            int64_t d =
                kh_cell(-180 + 360.0 * x / SIDE, -90 + 180.0 * y / SIDE) >> (62 - 2 * ORDER);

            assert_in_range(d, 0, SIDE * SIDE - 1);
            assert_false(seen[d]);
            seen[d] = true;
            x_at[d] = x;
            y_at[d] = y;
        }
    }
    for (int d = 1; d < SIDE * SIDE; d++)
        assert_int_equal(abs(x_at[d] - x_at[d - 1]) + abs(y_at[d] - y_at[d - 1]), 1);
}

static void a_cover_holds_every_point_of_its_box(void **state)
{
    uint64_t seed = 7;

    (void)state;
    for (int round = 0; round < 400; round++) {
        double w = pow(10, next(&seed, -5, 1)), h = pow(10, next(&seed, -5, 1));
        double lon = next(&seed, -180, 180 - w), lat = next(&seed, -90, 90 - h);
        struct kh_box box = {lon, lat, lon + w, lat + h};
        struct kh_cell_range r[16];
        size_t max = 1 + (size_t)(round % 16), n = kh_cell_cover(&box, r, max);

        assert_in_range(n, 1, max);
        for (size_t i = 0; i < n; i++) {
            assert_true(r[i].lo <= r[i].hi);
            assert_true(i == 0 || r[i].lo > r[i - 1].hi + 1);
        }
        for (int k = 0; k < 50; k++)
            assert_true(
                covered(r, n, kh_cell(next(&seed, lon, lon + w), next(&seed, lat, lat + h))));
        assert_true(covered(r, n, kh_cell(box.min_lon, box.min_lat)));
        assert_true(covered(r, n, kh_cell(box.max_lon, box.max_lat)));
    }
}

static void a_cover_is_tight(void **state)
{
    /* Hoàn Kiếm and around, in a city where points are everywhere: few of them are read in vain. */
    struct kh_box box = {105.84, 21.02, 105.87, 21.05};
    struct kh_cell_range r[16];
    size_t n = kh_cell_cover(&box, r, KH_LEN(r));
    uint64_t seed = 3;
    int hits = 0, reads = 0;

    (void)state;
    for (int i = 0; i < 200000; i++) {
        double lon = next(&seed, 105.6, 106.1), lat = next(&seed, 20.8, 21.3);

        if (!covered(r, n, kh_cell(lon, lat)))
            continue;
        reads++;
        hits +=
            lon >= box.min_lon && lon <= box.max_lon && lat >= box.min_lat && lat <= box.max_lat;
    }
    assert_true(hits > 500);
    assert_true(reads < hits * 2);
}

static void covers_a_point_the_whole_globe_and_nothing(void **state)
{
    struct kh_cell_range r[8];
    struct kh_box point = {105.85, 21.03, 105.85, 21.03}, globe = {-180, -90, 180, 90},
                  none = {10, 10, 9, 11};

    (void)state;
    assert_int_equal(kh_cell_cover(&point, r, 8), 1);
    assert_true(r[0].lo == r[0].hi && r[0].lo == kh_cell(105.85, 21.03));
    assert_int_equal(kh_cell_cover(&globe, r, 8), 1);
    assert_true(r[0].lo == 0 && r[0].hi == ((int64_t)1 << 62) - 1);
    assert_int_equal(kh_cell_cover(&none, r, 8), 0);
    assert_int_equal(kh_cell_cover(&point, r, 0), 0);
}

static void distances_are_those_of_the_sphere(void **state)
{
    (void)state;
    assert_true(kh_distance_m(105.85, 21.03, 105.85, 21.03) == 0.0);
    /* One degree of latitude, one of longitude on the equator, and half around. */
    assert_true(fabs(kh_distance_m(105, 21, 105, 22) - 111195.08) < 0.1);
    assert_true(fabs(kh_distance_m(0, 0, 1, 0) - 111195.08) < 0.1);
    assert_true(fabs(kh_distance_m(-90, 0, 90, 0) - 20015114.4) < 1);
    assert_true(fabs(kh_distance_m(0, 90, 77, -90) - 20015114.4) < 1);
    /* Hồ Gươm to Văn Miếu, some 1.9 km. */
    assert_true(fabs(kh_distance_m(105.8523, 21.0285, 105.8358, 21.0277) - 1715) < 10);
}

static void a_box_around_holds_the_circle(void **state)
{
    uint64_t seed = 11;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        double lon = next(&seed, -180, 180), lat = next(&seed, -90, 90);
        double radius = pow(10, next(&seed, 0, 6.5)), to_lon, to_lat;
        struct kh_box b = kh_box_around(lon, lat, radius);

        assert_true(kh_point_ok(b.min_lon, b.min_lat) && kh_point_ok(b.max_lon, b.max_lat));
        assert_true(b.min_lon <= b.max_lon && b.min_lat <= b.max_lat);
        to_lon = next(&seed, -180, 180);
        to_lat = next(&seed, -90, 90);
        if (i % 2) { /* near, so that most are inside */
            to_lon = fmax(-180, fmin(180, lon + next(&seed, -1, 1) * radius / 111195));
            to_lat = fmax(-90, fmin(90, lat + next(&seed, -1, 1) * radius / 111195));
        }
        if (kh_distance_m(lon, lat, to_lon, to_lat) <= radius)
            assert_true(to_lon >= b.min_lon && to_lon <= b.max_lon && to_lat >= b.min_lat &&
                        to_lat <= b.max_lat);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_points_off_the_globe),
        cmocka_unit_test(cells_are_never_negative_and_fit_62_bits),
        cmocka_unit_test(the_curve_has_no_jumps),
        cmocka_unit_test(a_cover_holds_every_point_of_its_box),
        cmocka_unit_test(a_cover_is_tight),
        cmocka_unit_test(covers_a_point_the_whole_globe_and_nothing),
        cmocka_unit_test(distances_are_those_of_the_sphere),
        cmocka_unit_test(a_box_around_holds_the_circle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
