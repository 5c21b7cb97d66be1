/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/geo/geo.h"

#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <pthread.h>

static struct kh_arena *a;

static int setup(void **state)
{
    (void)state;
    a = kh_arena_new(256 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kh_arena_drop(a);
    return 0;
}

static struct kh_json *json(struct kh_str text)
{
    struct kh_error err = {0};
    struct kh_json *v = NULL;

    if (!kh_json_parse(a, text, NULL, &v, &err))
        fail_msg("%s", err.detail);
    return v;
}

static struct kh_shape *shape(const char *text)
{
    struct kh_error err = {0};
    struct kh_shape *s = NULL;

    if (!kh_shape_parse(json(kh_cstr(text)), &s, &err))
        fail_msg("%s", err.detail);
    return s;
}

static const char square_with_hole[] =
    "{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[10,0],[10,10],[0,10],[0,0]],"
    "[[4,4],[6,4],[6,6],[4,6],[4,4]]]}";

static void covers_what_is_in_or_on(void **state)
{
    struct kh_shape *s = shape(square_with_hole);
    static const double in[][2] = {{1, 1},  {0, 0},  {10, 10}, {0, 5}, {5, 0}, {10, 3},
                                   {5, 10}, {4, 5},  {5, 4},   {6, 6}, {4, 4}, {3, 5},
                                   {7, 6},  {9, 10}, {1, 4},   {1, 6}, {9, 4}, {0, 10}};
    static const double out[][2] = {{5, 5},  {-1, 5}, {11, 5},  {5, -1},    {5, 11},
                                    {-1, 0}, {11, 0}, {-1, 10}, {5.5, 4.1}, {-1, 4}};

    (void)state;
    for (size_t i = 0; i < KH_LEN(in); i++)
        if (!kh_shape_covers(s, in[i][0], in[i][1]))
            fail_msg("%g %g is in or on", in[i][0], in[i][1]);
    for (size_t i = 0; i < KH_LEN(out); i++)
        if (kh_shape_covers(s, out[i][0], out[i][1]))
            fail_msg("%g %g is out", out[i][0], out[i][1]);
    kh_shape_drop(s);
}

static void a_point_on_a_slanted_edge_is_on_both_neighbours(void **state)
{
    struct kh_shape *one = shape("{\"type\":\"Polygon\",\"coordinates\":"
                                 "[[[105.1,21.1],[105.4,21.7],[105.1,21.7],[105.1,21.1]]]}"),
                    *two = shape("{\"type\":\"Polygon\",\"coordinates\":"
                                 "[[[105.1,21.1],[105.4,21.1],[105.4,21.7],[105.1,21.1]]]}");

    (void)state;
    for (int i = 0; i <= 300; i++) {
        double lon = 105.1 + i / 1000.0, lat = 21.1 + 2 * i / 1000.0;

        assert_true(kh_shape_covers(one, lon, lat));
        assert_true(kh_shape_covers(two, lon, lat));
        assert_false(kh_shape_covers(one, lon + 1e-8, lat));
        if (i > 0)
            assert_false(kh_shape_covers(two, lon - 1e-8, lat));
    }
    kh_shape_drop(one);
    kh_shape_drop(two);
}

static void not_a_number_is_nowhere(void **state)
{
    struct kh_shape *s = shape(square_with_hole);

    (void)state;
    assert_false(kh_shape_covers(s, (double)NAN, 1));
    assert_false(kh_shape_covers(s, 1, (double)INFINITY));
    assert_false(kh_shape_covers(s, 1e300, 1));
    kh_shape_drop(s);
}

static void knows_box_area_and_a_label_inside(void **state)
{
    /* A U, whose centre of gravity is outside. */
    struct kh_shape *s = shape(
                        "{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[9,0],[9,9],[6,9],[6,2],"
                        "[3,2],[3,9],[0,9],[0,0]]]}"),
                    *deg = shape("{\"type\":\"Polygon\",\"coordinates\":"
                                 "[[[0,0],[1,0],[1,1],[0,1],[0,0]]]}");
    struct kh_box b = kh_shape_box(s);
    double lon, lat;

    (void)state;
    assert_true(b.min_lon == 0 && b.min_lat == 0 && b.max_lon == 9 && b.max_lat == 9);
    kh_shape_label(s, &lon, &lat);
    assert_true(kh_shape_covers(s, lon, lat));
    /* One square degree at the equator: R^2 * rad * sin(1 degree). */
    assert_true(fabs(kh_shape_area_m2(deg) / 12363.6e6 - 1) < 0.0001);
    kh_shape_drop(s);
    kh_shape_drop(deg);
}

static void knows_how_far_away_it_is(void **state)
{
    static const double degree_m = 111195.08;
    struct kh_shape *s = shape(square_with_hole);
    static const struct {
        double lon, lat, m;
    } at[] = {
        {5, 2, 0},    {0, 5, 0},  /* in, and on the edge */
        {5, -1, 1},   {5, 11, 1}, /* an edge, below and above */
        {5, 4.5, .5},             /* in the hole */
        {10, -2, 2},  {-1e-6, 0, 1e-6},
    };

    (void)state;
    for (size_t i = 0; i < KH_LEN(at); i++)
        if (fabs(kh_shape_distance_m(s, at[i].lon, at[i].lat) - at[i].m * degree_m) > 0.5)
            fail_msg("%g %g: %g m", at[i].lon, at[i].lat,
                     kh_shape_distance_m(s, at[i].lon, at[i].lat));
    /* To a corner it is as far as to the point, as a ball has it. */
    assert_true(fabs(kh_shape_distance_m(s, 10.01, 10.01) / kh_distance_m(10.01, 10.01, 10, 10) -
                     1) < 1e-4);
    kh_shape_drop(s);
    s = shape("{\"type\":\"Point\",\"coordinates\":[105.85,21.03]}");
    assert_true(fabs(kh_shape_distance_m(s, 105.86, 21.03) -
                     kh_distance_m(105.86, 21.03, 105.85, 21.03)) < 0.5);
    kh_shape_drop(s);
}

static void a_hole_is_not_counted_as_area(void **state)
{
    struct kh_shape *s = shape(square_with_hole),
                    *whole = shape("{\"type\":\"Polygon\",\"coordinates\":"
                                   "[[[0,0],[10,0],[10,10],[0,10],[0,0]]]}");
    double share = kh_shape_area_m2(s) / kh_shape_area_m2(whole);

    (void)state;
    assert_true(share > 0.955 && share < 0.965);
    kh_shape_drop(s);
    kh_shape_drop(whole);
}

static void takes_every_geometry_type(void **state)
{
    struct kh_shape *s = shape(
        "{\"type\":\"GeometryCollection\",\"geometries\":["
        "{\"type\":\"Point\",\"coordinates\":[50,50,12.5]},"
        "{\"type\":\"MultiPoint\",\"coordinates\":[[51,50],[52,50]]},"
        "{\"type\":\"LineString\",\"coordinates\":[[60,60],[62,64]]},"
        "{\"type\":\"MultiLineString\",\"coordinates\":[[[70,70],[71,70]],[[70,71],[71,71]]]},"
        "{\"type\":\"MultiPolygon\",\"coordinates\":[[[[0,0],[1,0],[0,1],[0,0]]],"
        "[[[5,5],[6,5],[5,6],[5,5]]]]}]}");
    static const double in[][2] = {{50, 50},   {52, 50},   {61, 62},
                                   {70.5, 71}, {0.2, 0.2}, {5.2, 5.2}};
    static const double out[][2] = {{50.1, 50}, {61, 62.1}, {70.5, 70.5}, {3, 3}, {63, 66}};

    (void)state;
    for (size_t i = 0; i < KH_LEN(in); i++)
        assert_true(kh_shape_covers(s, in[i][0], in[i][1]));
    for (size_t i = 0; i < KH_LEN(out); i++)
        assert_false(kh_shape_covers(s, out[i][0], out[i][1]));
    kh_shape_drop(s);
}

static void refuses_what_is_no_geometry(void **state)
{
    static const struct {
        const char *text;
        enum kh_ec code;
    } bad[] = {
        {"{}", KH_EC_GEOMETRY_INVALID},
        {"[1,2]", KH_EC_GEOMETRY_INVALID},
        {"{\"type\":\"Circle\",\"coordinates\":[1,2]}", KH_EC_GEOMETRY_INVALID},
        {"{\"type\":\"Point\"}", KH_EC_GEOMETRY_INVALID},
        {"{\"type\":\"Point\",\"coordinates\":[1]}", KH_EC_GEOMETRY_INVALID},
        {"{\"type\":\"Point\",\"coordinates\":[1,\"2\"]}", KH_EC_GEOMETRY_INVALID},
        {"{\"type\":\"Point\",\"coordinates\":[1,2,3,4,5]}", KH_EC_GEOMETRY_INVALID},
        {"{\"type\":\"Point\",\"coordinates\":[21,105]}", KH_EC_POINT_INVALID},
        {"{\"type\":\"Point\",\"coordinates\":[1e400,5]}", KH_EC_GEOMETRY_INVALID},
        {"{\"type\":\"LineString\",\"coordinates\":[[1,2]]}", KH_EC_GEOMETRY_INVALID},
        {"{\"type\":\"MultiPoint\",\"coordinates\":[]}", KH_EC_GEOMETRY_INVALID},
        {"{\"type\":\"Polygon\",\"coordinates\":[]}", KH_EC_GEOMETRY_INVALID},
        {"{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1,0],[0,0]]]}", KH_EC_GEOMETRY_INVALID},
        {"{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1,0],[1,1],[0,1]]]}",
         KH_EC_GEOMETRY_INVALID},
        /* crosses itself */
        {"{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[2,2],[2,0],[0,2],[0,0]]]}",
         KH_EC_GEOMETRY_INVALID},
        /* a hole outside */
        {"{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1,0],[1,1],[0,0]],[[5,5],[6,5],[6,6],[5,5]]]}",
         KH_EC_GEOMETRY_INVALID},
        /* no area */
        {"{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1,0],[2,0],[0,0]]]}",
         KH_EC_GEOMETRY_INVALID},
        {"{\"type\":\"GeometryCollection\",\"geometries\":[]}", KH_EC_GEOMETRY_INVALID},
        {"{\"type\":\"GeometryCollection\"}", KH_EC_GEOMETRY_INVALID},
    };

    (void)state;
    for (size_t i = 0; i < KH_LEN(bad); i++) {
        struct kh_error err = {0};
        struct kh_shape *s = NULL;

        if (kh_shape_parse(json(kh_cstr(bad[i].text)), &s, &err))
            fail_msg("taken: %s", bad[i].text);
        assert_int_equal(err.code, bad[i].code);
        assert_true(err.detail[0] != '\0');
    }
}

static void refuses_collections_without_end(void **state)
{
    struct kh_buf b = kh_buf(a, 1 << 16);
    struct kh_error err = {0};
    struct kh_shape *s = NULL;

    (void)state;
    for (int i = 0; i < 20; i++)
        kh_buf_z(&b, "{\"type\":\"GeometryCollection\",\"geometries\":[");
    kh_buf_z(&b, "{\"type\":\"Point\",\"coordinates\":[1,2]}");
    for (int i = 0; i < 20; i++)
        kh_buf_z(&b, "]}");
    assert_false(kh_shape_parse(json(kh_buf_get(&b)), &s, &err));
    assert_int_equal(err.code, KH_EC_GEOMETRY_INVALID);
}

/* Tall edges that stand in every slab: memory must not grow with edges times slabs. */
static void a_comb_of_tall_teeth_is_prepared_in_little_memory(void **state)
{
    struct kh_buf b = kh_buf(a, 4 << 20);
    struct kh_shape *s;

    (void)state;
    kh_buf_z(&b, "{\"type\":\"Polygon\",\"coordinates\":[[[0,-80]");
    for (int i = 0; i < 20000; i++)
        kh_buf_strf(&b, ",[%.4f,80],[%.4f,-70]", i * 0.004 + 0.001, i * 0.004 + 0.003);
    kh_buf_z(&b, ",[100,-80],[0,-80]]]}");
    s = shape(kh_str_z(a, kh_buf_get(&b)));
    assert_true(kh_shape_covers(s, 40.001, 79.9));
    assert_false(kh_shape_covers(s, 40.003, 79.9));
    assert_true(kh_shape_covers(s, 40.003, -79));
    kh_shape_drop(s);
}

/* A star of many points against the sum of angles: slabs and parity agree with geometry. */
static void agrees_with_the_angle_of_a_star(void **state)
{
    enum { N = 720 };
    struct kh_buf b = kh_buf(a, 1 << 20);
    double r[N], x, y;
    struct kh_shape *s;

    (void)state;
    kh_buf_z(&b, "{\"type\":\"Polygon\",\"coordinates\":[[");
    for (int i = 0; i <= N; i++) {
        r[i % N] = 5 + 4 * sin(i % N * 0.7) * cos(i % N * 0.13);
        kh_buf_strf(&b, "%s[%.12f,%.12f]", i ? "," : "", r[i % N] * cos(i % N * 2 * M_PI / N),
                    r[i % N] * sin(i % N * 2 * M_PI / N));
    }
    kh_buf_z(&b, "]]}");
    s = shape(kh_str_z(a, kh_buf_get(&b)));
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < 20; k++) {
            double f = k / 10.0 + 0.001;

            x = r[i] * f * cos(i * 2 * M_PI / N);
            y = r[i] * f * sin(i * 2 * M_PI / N);
            if (kh_shape_covers(s, x, y) != (f < 1))
                fail_msg("ray %d at %g", i, f);
        }
    }
    kh_shape_drop(s);
}

static void label_of(const char *text, double want_lon, double want_lat)
{
    struct kh_error err = {0};
    struct kh_box box;
    double lon, lat;

    if (!kh_geojson_point(json(kh_cstr(text)), &lon, &lat, &box, &err))
        fail_msg("%s", err.detail);
    if (fabs(lon - want_lon) > 1e-9 || fabs(lat - want_lat) > 1e-9)
        fail_msg("%s: %g %g", text, lon, lat);
    assert_true(lon >= box.min_lon && lon <= box.max_lon && lat >= box.min_lat &&
                lat <= box.max_lat);
}

static void a_geometry_has_one_point_for_the_index(void **state)
{
    struct kh_error err = {0};
    struct kh_box box;
    double lon, lat;

    (void)state;
    label_of("{\"type\":\"Point\",\"coordinates\":[105.85,21.03]}", 105.85, 21.03);
    label_of("{\"type\":\"LineString\",\"coordinates\":[[0,0],[2,0],[2,8]]}", 2, 3);
    label_of("{\"type\":\"LineString\",\"coordinates\":[[3,4],[3,4]]}", 3, 4);
    label_of("{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[4,0],[4,2],[0,2],[0,0]]]}", 2, 1);
    /* The larger of two polygons, and no matter that a longer line is there. */
    label_of("{\"type\":\"GeometryCollection\",\"geometries\":["
             "{\"type\":\"LineString\",\"coordinates\":[[0,0],[80,80]]},"
             "{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1,0],[1,1],[0,1],[0,0]]]},"
             "{\"type\":\"Polygon\",\"coordinates\":[[[10,10],[14,10],[14,14],[10,14],[10,10]]]}]}",
             12, 12);
    label_of("{\"type\":\"Polygon\",\"coordinates\":[[[5,5],[5,5],[5,5],[5,5]]]}", 5, 5);
    assert_false(kh_geojson_point(json(KH_S("{\"type\":\"Point\",\"coordinates\":[1,91]}")), &lon,
                                  &lat, &box, &err));
    assert_int_equal(err.code, KH_EC_POINT_INVALID);
    assert_false(kh_geojson_point(NULL, &lon, &lat, &box, &err));
}

static void *ask(void *arg)
{
    const struct kh_shape *s = arg;
    size_t wrong = 0;

    for (int i = 0; i < 20000; i++) {
        double x = i % 13 - 1, y = i % 12;

        wrong += kh_shape_covers(s, x, y) !=
                 (x >= 0 && x <= 10 && y <= 10 && !(x > 4 && x < 6 && y > 4 && y < 6));
    }
    return wrong ? arg : NULL;
}

static void many_threads_may_ask(void **state)
{
    struct kh_shape *s = shape(square_with_hole);
    pthread_t t[4];

    (void)state;
    for (size_t i = 0; i < KH_LEN(t); i++)
        assert_int_equal(pthread_create(&t[i], NULL, ask, s), 0);
    for (size_t i = 0; i < KH_LEN(t); i++) {
        void *wrong = NULL;

        pthread_join(t[i], &wrong);
        assert_null(wrong);
    }
    kh_shape_drop(s);
    kh_shape_drop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(covers_what_is_in_or_on),
        cmocka_unit_test(a_point_on_a_slanted_edge_is_on_both_neighbours),
        cmocka_unit_test(not_a_number_is_nowhere),
        cmocka_unit_test(knows_box_area_and_a_label_inside),
        cmocka_unit_test(knows_how_far_away_it_is),
        cmocka_unit_test(a_hole_is_not_counted_as_area),
        cmocka_unit_test(takes_every_geometry_type),
        cmocka_unit_test(refuses_what_is_no_geometry),
        cmocka_unit_test(refuses_collections_without_end),
        cmocka_unit_test(a_comb_of_tall_teeth_is_prepared_in_little_memory),
        cmocka_unit_test(agrees_with_the_angle_of_a_star),
        cmocka_unit_test(a_geometry_has_one_point_for_the_index),
        cmocka_unit_test(many_threads_may_ask),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
