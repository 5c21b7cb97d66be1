/* SPDX-License-Identifier: Apache-2.0 */
/**
 * geo -- points, shapes, and cells that an ordinary index can hold.
 *
 * A cell is the position of a point on a Hilbert curve over the whole globe (31 bits per axis, 62
 * bits, never negative), so that near points mostly have near numbers. A box becomes a few ranges.
 *
 * Owns   shapes in memory, prepared for exact answers; GEOS says whether a polygon is valid.
 * Used   by registry (bbox, near, within), units, api.
 * Never  reads the store.
 */
#ifndef KH_GEO_GEO_H
#define KH_GEO_GEO_H

#include "base/json.h"
#include "base/kh.h"

/** Degrees, WGS 84; east and north positive; max may not be less than min. */
struct kh_box {
    double min_lon, min_lat, max_lon, max_lat;
};

/** Both ends belong to the range. */
struct kh_cell_range {
    int64_t lo, hi;
};

bool kh_point_ok(double lon, double lat);
int64_t kh_cell(double lon, double lat);
/** Cover a box by at most max ranges (sorted, disjoint): the box is inside their union.
 *  @return how many were written */
size_t kh_cell_cover(const struct kh_box *box, struct kh_cell_range *ret, size_t max);

/** Great-circle metres (haversine on the mean earth radius 6,371,008.8 m). */
double kh_distance_m(double lon1, double lat1, double lon2, double lat2);
/** The box around a circle. */
struct kh_box kh_box_around(double lon, double lat, double radius_m);

/** A polygon or other geometry, prepared for many questions. Thread-safe to ask. */
struct kh_shape;
/** From a GeoJSON geometry object (RFC 7946). @param err GEOMETRY_INVALID (422) with the reason */
KH_CHECK
bool kh_shape_parse(const struct kh_json *geometry, struct kh_shape **ret_shape,
                    struct kh_error *err);
void kh_shape_drop(struct kh_shape *s);
/** @return true if the point is in or on the shape */
bool kh_shape_covers(const struct kh_shape *s, double lon, double lat);
/** Metres to the nearest point of the shape; 0 in or on it. For distances within a city: the globe is
 *  flat around the point. Looks at every edge. */
double kh_shape_distance_m(const struct kh_shape *s, double lon, double lat);
struct kh_box kh_shape_box(const struct kh_shape *s);
/** A point that is surely inside, for labels. */
void kh_shape_label(const struct kh_shape *s, double *ret_lon, double *ret_lat);
/** Square metres, for "smallest first". */
double kh_shape_area_m2(const struct kh_shape *s);

/** Bounding box and label point of any GeoJSON geometry without GEOS; for index columns.
 *  @param err GEOMETRY_INVALID (422), POINT_INVALID (422) */
KH_CHECK
bool kh_geojson_point(const struct kh_json *geometry, double *ret_lon, double *ret_lat,
                      struct kh_box *ret_box, struct kh_error *err);

#endif
