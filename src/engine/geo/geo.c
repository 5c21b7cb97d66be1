/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/geo/geo.h"

#include <math.h>

enum {
    BITS = 31,      /* per axis */
    NODES_MAX = 256 /* squares looked at while covering a box */
};

#define EARTH_M 6371008.8
#define RADIANS (M_PI / 180.0)

bool kh_point_ok(double lon, double lat)
{
    /* Written so that a NaN is refused too. */
    return lon >= -180.0 && lon <= 180.0 && lat >= -90.0 && lat <= 90.0;
}

/* Degrees to one of 2^31 steps; the last step also holds the far end of the axis. */
static uint32_t step_of(double deg, double from, double width)
{
    double v = floor((deg - from) / width * 2147483648.0);

    if (!(v >= 0.0))
        return 0;
    return v > 2147483647.0 ? 2147483647u : (uint32_t)v;
}

/* Position of (x, y) on the Hilbert curve. Bits are taken from the top, so the first 2k bits of
 * the position name the square of side 2^(31-k) that the point is in. */
static int64_t hilbert(uint32_t x, uint32_t y)
{
    uint64_t d = 0;

    for (uint32_t s = 1u << (BITS - 1); s > 0; s >>= 1) {
        uint32_t rx = (x & s) != 0, ry = (y & s) != 0;

        d = d << 2 | ((3 * rx) ^ ry);
        x &= s - 1;
        y &= s - 1;
        if (ry == 0) {
            uint32_t t = x;

            if (rx == 1) {
                x = s - 1 - x;
                t = x;
                y = s - 1 - y;
            }
            x = y;
            y = t;
        }
    }
    return (int64_t)d;
}

int64_t kh_cell(double lon, double lat)
{
    return hilbert(step_of(lon, -180.0, 360.0), step_of(lat, -90.0, 180.0));
}

/* A square of the quadtree: side 2^bits, corner at (x, y). */
struct square {
    uint32_t x, y;
    int bits;
};

struct extent {
    uint32_t x0, y0, x1, y1; /* inclusive */
};

static struct extent square_extent(struct square q)
{
    uint32_t side = (uint32_t)((1ull << q.bits) - 1);

    return (struct extent){q.x, q.y, q.x + side, q.y + side};
}

static bool touches(struct extent a, struct extent b)
{
    return a.x0 <= b.x1 && b.x0 <= a.x1 && a.y0 <= b.y1 && b.y0 <= a.y1;
}

static bool inside(struct extent in, struct extent out)
{
    return in.x0 >= out.x0 && in.x1 <= out.x1 && in.y0 >= out.y0 && in.y1 <= out.y1;
}

/* Replace the squares that stick out of the box by their quarters that touch it.
 * @return how many there are, 0 if there is no room or nothing to split */
static size_t split(const struct extent *box, const struct square *in, size_t n, struct square *out,
                    size_t max)
{
    size_t m = 0;
    bool any = false;

    for (size_t i = 0; i < n; i++) {
        if (in[i].bits == 0 || inside(square_extent(in[i]), *box)) {
            if (m == max)
                return 0;
            out[m++] = in[i];
            continue;
        }
        for (unsigned k = 0; k < 4; k++) {
            int bits = in[i].bits - 1;
            struct square q = {in[i].x + ((k & 1) << bits), in[i].y + ((k >> 1) << bits), bits};

            if (!touches(square_extent(q), *box))
                continue;
            if (m == max)
                return 0;
            out[m++] = q;
            any = true;
        }
    }
    return any ? m : 0;
}

static void sort_ranges(struct kh_cell_range *r, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct kh_cell_range x = r[i];
        size_t j = i;

        for (; j > 0 && r[j - 1].lo > x.lo; j--)
            r[j] = r[j - 1];
        r[j] = x;
    }
}

/* Join neighbours, and then the nearest ones, until at most max ranges are left. */
static size_t join_ranges(struct kh_cell_range *r, size_t n, size_t max)
{
    size_t m = 0;

    for (size_t i = 0; i < n; i++) {
        if (m && r[i].lo == r[m - 1].hi + 1)
            r[m - 1].hi = r[i].hi;
        else
            r[m++] = r[i];
    }
    while (m > max) {
        size_t best = 1;

        for (size_t i = 2; i < m; i++)
            if (r[i].lo - r[i - 1].hi < r[best].lo - r[best - 1].hi)
                best = i;
        r[best - 1].hi = r[best].hi;
        memmove(r + best, r + best + 1, (m - best - 1) * sizeof(*r));
        m--;
    }
    return m;
}

size_t kh_cell_cover(const struct kh_box *box, struct kh_cell_range *ret, size_t max)
{
    struct extent b = {step_of(box->min_lon, -180.0, 360.0), step_of(box->min_lat, -90.0, 180.0),
                       step_of(box->max_lon, -180.0, 360.0), step_of(box->max_lat, -90.0, 180.0)};
    struct square two[2][NODES_MAX];
    struct kh_cell_range ranges[NODES_MAX];
    size_t n = 1, target = max * 4 < NODES_MAX ? max * 4 : NODES_MAX;
    unsigned now = 0;

    if (max == 0 || b.x0 > b.x1 || b.y0 > b.y1)
        return 0;
    two[0][0] = (struct square){0, 0, BITS};
    for (;;) {
        size_t m = split(&b, two[now], n, two[now ^ 1], target < 4 ? 4 : target);

        if (m == 0)
            break;
        now ^= 1;
        n = m;
    }
    for (size_t i = 0; i < n; i++) {
        int64_t low = ((int64_t)1 << (2 * two[now][i].bits)) - 1;
        int64_t at = hilbert(two[now][i].x, two[now][i].y);

        ranges[i] = (struct kh_cell_range){at & ~low, at | low};
    }
    sort_ranges(ranges, n);
    n = join_ranges(ranges, n, max);
    memcpy(ret, ranges, n * sizeof(*ret));
    return n;
}

double kh_distance_m(double lon1, double lat1, double lon2, double lat2)
{
    double dlat = sin((lat2 - lat1) * RADIANS / 2), dlon = sin((lon2 - lon1) * RADIANS / 2);
    double h = dlat * dlat + cos(lat1 * RADIANS) * cos(lat2 * RADIANS) * dlon * dlon;

    return 2 * EARTH_M * asin(sqrt(h > 1.0 ? 1.0 : h));
}

struct kh_box kh_box_around(double lon, double lat, double radius_m)
{
    double angle = radius_m / EARTH_M, dlat = angle / RADIANS * (1 + 1e-12) + 1e-12, dlon = 180.0;
    struct kh_box b = {-180.0, lat - dlat, 180.0, lat + dlat};

    /* Where a pole is inside, every longitude is. */
    if (b.min_lat > -90.0 && b.max_lat < 90.0) {
        double s = sin(angle) / cos(lat * RADIANS);

        if (angle < M_PI / 2 && s < 1.0)
            dlon = asin(s) / RADIANS * (1 + 1e-12) + 1e-12;
    }
    b.min_lat = b.min_lat < -90.0 ? -90.0 : b.min_lat;
    b.max_lat = b.max_lat > 90.0 ? 90.0 : b.max_lat;
    /* A circle over the date line has two boxes; one that goes around the globe holds both. */
    if (lon - dlon >= -180.0 && lon + dlon <= 180.0) {
        b.min_lon = lon - dlon;
        b.max_lon = lon + dlon;
    }
    return b;
}
