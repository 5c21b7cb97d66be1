/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes: GeoJSON in, exact answers out. Coordinates are kept as whole billionths of a degree
 * (0.1 mm), so that "in or on" is decided by integer arithmetic without rounding, by any number of
 * threads, without a lock or an allocation. GEOS says whether a polygon is valid. */
#include "engine/geo/geo.h"

#include <geos_c.h>
#include <math.h>
#include <stdlib.h>

__extension__ typedef __int128 wide;

enum { NEST_MAX = 8, SLABS_MAX = 4096 };

#define SCALE    1e9
#define EARTH_M  6371008.8
#define EARTH_M2 (EARTH_M * EARTH_M)
#define RADIANS  (M_PI / 180.0)

struct ring {
    size_t first, n; /* positions; the last equals the first in an area */
};

/* One polygon, line or point. */
struct part {
    size_t first_ring, rings_n;
    bool area;
};

/* A geometry taken apart. */
struct pieces {
    struct kh_arena *a;
    double *xy; /* lon, lat, lon, lat ... */
    size_t xy_n, xy_cap;
    struct ring *rings;
    size_t rings_n, rings_cap;
    struct part *parts;
    size_t parts_n, parts_cap;
    struct kh_box box;
};

/* ---- GeoJSON ---- */

static bool position_read(const struct kh_json *v, double *ret_lon, double *ret_lat,
                          struct kh_error *err)
{
    double lon = 0, lat = 0;

    if (!kh_json_is(v, KH_JSON_ARRAY) || v->n < 2 || v->n > 4 ||
        !kh_json_as_double(&v->items[0], &lon) || !kh_json_as_double(&v->items[1], &lat))
        return kh_fail(err, KH_EC_GEOMETRY_INVALID, "a position is [longitude, latitude]");
    if (!kh_point_ok(lon, lat))
        return kh_fail(err, KH_EC_POINT_INVALID, "lon=%g lat=%g", lon, lat);
    *ret_lon = lon;
    *ret_lat = lat;
    return true;
}

static void position_add(struct pieces *g, double lon, double lat)
{
    if (g->xy_n == 0)
        g->box = (struct kh_box){lon, lat, lon, lat};
    g->box.min_lon = fmin(g->box.min_lon, lon);
    g->box.min_lat = fmin(g->box.min_lat, lat);
    g->box.max_lon = fmax(g->box.max_lon, lon);
    g->box.max_lat = fmax(g->box.max_lat, lat);
    g->xy = kh_grow(g->a, g->xy, g->xy_n, g->xy_n + 2, &g->xy_cap, sizeof(*g->xy));
    g->xy[g->xy_n++] = lon;
    g->xy[g->xy_n++] = lat;
}

static void ring_begin(struct pieces *g)
{
    g->rings =
        kh_grow(g->a, g->rings, g->rings_n, g->rings_n + 1, &g->rings_cap, sizeof(*g->rings));
    g->rings[g->rings_n++] = (struct ring){g->xy_n / 2, 0};
    g->parts[g->parts_n - 1].rings_n++;
}

static void part_begin(struct pieces *g, bool area)
{
    g->parts =
        kh_grow(g->a, g->parts, g->parts_n, g->parts_n + 1, &g->parts_cap, sizeof(*g->parts));
    g->parts[g->parts_n++] = (struct part){g->rings_n, 0, area};
}

static bool ring_read(struct pieces *g, const struct kh_json *line, bool area, struct kh_error *err)
{
    struct ring *r;

    if (!kh_json_is(line, KH_JSON_ARRAY) || line->n < (area ? 4 : 2))
        return kh_fail(err, KH_EC_GEOMETRY_INVALID,
                       area ? "a ring has four positions or more" : "a line has two or more");
    ring_begin(g);
    r = &g->rings[g->rings_n - 1];
    for (uint32_t i = 0; i < line->n; i++) {
        double lon, lat;

        if (!position_read(&line->items[i], &lon, &lat, err))
            return false;
        position_add(g, lon, lat);
        r->n++;
    }
    if (area && (g->xy[2 * r->first] != g->xy[g->xy_n - 2] ||
                 g->xy[2 * r->first + 1] != g->xy[g->xy_n - 1]))
        return kh_fail(err, KH_EC_GEOMETRY_INVALID, "a ring ends where it began");
    return true;
}

static bool point_read(struct pieces *g, const struct kh_json *at, struct kh_error *err)
{
    double lon = 0, lat = 0;

    if (!position_read(at, &lon, &lat, err))
        return false;
    part_begin(g, false);
    ring_begin(g);
    position_add(g, lon, lat);
    g->rings[g->rings_n - 1].n = 1;
    return true;
}

static bool line_read(struct pieces *g, const struct kh_json *line, struct kh_error *err)
{
    part_begin(g, false);
    return ring_read(g, line, false, err);
}

static bool polygon_read(struct pieces *g, const struct kh_json *rings, struct kh_error *err)
{
    if (!kh_json_is(rings, KH_JSON_ARRAY) || rings->n == 0)
        return kh_fail(err, KH_EC_GEOMETRY_INVALID, "a polygon is an array of rings");
    part_begin(g, true);
    for (uint32_t i = 0; i < rings->n; i++)
        if (!ring_read(g, &rings->items[i], true, err))
            return false;
    return true;
}

static bool each(struct pieces *g, const struct kh_json *list,
                 bool (*read)(struct pieces *, const struct kh_json *, struct kh_error *),
                 struct kh_error *err)
{
    if (!kh_json_is(list, KH_JSON_ARRAY) || list->n == 0)
        return kh_fail(err, KH_EC_GEOMETRY_INVALID, "coordinates are empty or no array");
    for (uint32_t i = 0; i < list->n; i++)
        if (!read(g, &list->items[i], err))
            return false;
    return true;
}

static bool geometry_read(struct pieces *g, const struct kh_json *v, unsigned depth,
                          struct kh_error *err)
{
    struct kh_str type = kh_json_str(v, "type", KH_S(""));
    const struct kh_json *c = kh_json_get(v, "coordinates"), *list = kh_json_get(v, "geometries");

    if (kh_str_is(type, "Point"))
        return point_read(g, c, err);
    if (kh_str_is(type, "MultiPoint"))
        return each(g, c, point_read, err);
    if (kh_str_is(type, "LineString"))
        return line_read(g, c, err);
    if (kh_str_is(type, "MultiLineString"))
        return each(g, c, line_read, err);
    if (kh_str_is(type, "Polygon"))
        return polygon_read(g, c, err);
    if (kh_str_is(type, "MultiPolygon"))
        return each(g, c, polygon_read, err);
    if (!kh_str_is(type, "GeometryCollection") || !kh_json_is(list, KH_JSON_ARRAY) || list->n == 0)
        return kh_fail(err, KH_EC_GEOMETRY_INVALID,
                       "no geometry type of RFC 7946 with its members");
    if (depth >= NEST_MAX)
        return kh_fail(err, KH_EC_GEOMETRY_INVALID, "collections are nested too deeply");
    for (uint32_t i = 0; i < list->n; i++)
        if (!geometry_read(g, &list->items[i], depth + 1, err))
            return false;
    return true;
}

/* ---- label ---- */

static double ring_area2(const struct pieces *g, const struct ring *r, double *cx, double *cy)
{
    /* Around the first position, so that large coordinates do not eat the digits. */
    const double *p = g->xy + 2 * r->first;
    double sum = 0, sx = 0, sy = 0;

    for (size_t i = 0; i + 1 < r->n; i++) {
        double ax = p[2 * i] - p[0], ay = p[2 * i + 1] - p[1];
        double bx = p[2 * i + 2] - p[0], by = p[2 * i + 3] - p[1];
        double cross = ax * by - bx * ay;

        sum += cross;
        sx += (ax + bx) * cross;
        sy += (ay + by) * cross;
    }
    *cx = sum != 0.0 ? p[0] + sx / (3 * sum) : p[0];
    *cy = sum != 0.0 ? p[1] + sy / (3 * sum) : p[1];
    return fabs(sum);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* Inside the polygon on the line of latitude y: x itself if it is inside, else the middle of the
 * widest stretch. */
static double inside_on(const struct pieces *g, const struct part *p, double x, double y)
{
    double *cut = NULL, best = -1.0, at = x;
    size_t n = 0, cap = 0;

    for (size_t r = p->first_ring; r < p->first_ring + p->rings_n; r++) {
        for (size_t i = 0; i + 1 < g->rings[r].n; i++) {
            const double *e = g->xy + 2 * (g->rings[r].first + i);

            if ((e[1] > y) == (e[3] > y))
                continue;
            cut = kh_grow(g->a, cut, n, n + 1, &cap, sizeof(*cut));
            cut[n++] = e[0] + (y - e[1]) / (e[3] - e[1]) * (e[2] - e[0]);
        }
    }
    if (n)
        qsort(cut, n, sizeof(*cut), by_value);
    for (size_t i = 0; i + 1 < n; i += 2) {
        if (x > cut[i] && x < cut[i + 1])
            return x;
        if (cut[i + 1] - cut[i] > best) {
            best = cut[i + 1] - cut[i];
            at = (cut[i] + cut[i + 1]) / 2;
        }
    }
    return at;
}

static double line_length(const double *p, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i + 1 < n; i++)
        sum += hypot(p[2 * i + 2] - p[2 * i], p[2 * i + 3] - p[2 * i + 1]);
    return sum;
}

/* Half the way along a line; a point is its own middle. */
static void middle_of(const struct pieces *g, const struct ring *r, double *lon, double *lat)
{
    const double *p = g->xy + 2 * r->first;
    double left = line_length(p, r->n) / 2;

    *lon = p[0];
    *lat = p[1];
    for (size_t i = 0; i + 1 < r->n; i++) {
        double len = hypot(p[2 * i + 2] - p[2 * i], p[2 * i + 3] - p[2 * i + 1]);

        if (len > 0 && len >= left) {
            *lon = p[2 * i] + (p[2 * i + 2] - p[2 * i]) * left / len;
            *lat = p[2 * i + 1] + (p[2 * i + 3] - p[2 * i + 1]) * left / len;
            return;
        }
        left -= len;
    }
}

/* The largest polygon has the label; else the longest line; else the first point. */
static void label_of(const struct pieces *g, double *lon, double *lat)
{
    const struct part *best = NULL;
    double most = -1.0, cx = 0, cy = 0;
    bool area = false;

    for (size_t i = 0; i < g->parts_n; i++) {
        const struct part *p = &g->parts[i];
        const struct ring *r = &g->rings[p->first_ring];
        double x = 0, y = 0, size;

        if (area && !p->area)
            continue;
        size = p->area ? ring_area2(g, r, &x, &y) : line_length(g->xy + 2 * r->first, r->n);
        if (p->area != area || size > most) {
            area = p->area;
            best = p;
            most = size;
            cx = x;
            cy = y;
        }
    }
    if (area) {
        *lat = cy;
        *lon = inside_on(g, best, cx, cy);
    } else {
        middle_of(g, &g->rings[best->first_ring], lon, lat);
    }
}

bool kh_geojson_point(const struct kh_json *geometry, double *ret_lon, double *ret_lat,
                      struct kh_box *ret_box, struct kh_error *err)
{
    kh_auto_arena tmp = NULL;
    struct pieces g = {0};
    double lon = 0, lat = 0;

    /* Nearly every geometry of a city is a point: no arena for it. */
    if (kh_str_is(kh_json_str(geometry, "type", KH_S("")), "Point")) {
        if (!position_read(kh_json_get(geometry, "coordinates"), &lon, &lat, err))
            return false;
        *ret_box = (struct kh_box){lon, lat, lon, lat};
    } else {
        g.a = tmp = kh_arena_new(SIZE_MAX);
        if (!geometry_read(&g, geometry, 0, err))
            return false;
        label_of(&g, &lon, &lat);
        *ret_box = g.box;
    }
    *ret_lon = lon;
    *ret_lat = lat;
    return true;
}

/* ---- validity, by GEOS ---- */

static GEOSGeometry *geos_ring(GEOSContextHandle_t h, const struct pieces *g, const struct ring *r)
{
    GEOSCoordSequence *s =
        GEOSCoordSeq_copyFromBuffer_r(h, g->xy + 2 * r->first, (unsigned)r->n, 0, 0);

    return s ? GEOSGeom_createLinearRing_r(h, s) : NULL;
}

static GEOSGeometry *geos_polygon(GEOSContextHandle_t h, const struct pieces *g,
                                  const struct part *p)
{
    GEOSGeometry *shell = geos_ring(h, g, &g->rings[p->first_ring]);
    GEOSGeometry **holes = kh_new_n(g->a, p->rings_n, GEOSGeometry *);
    unsigned n = 0;

    for (size_t i = 1; shell && i < p->rings_n; i++) {
        holes[n] = geos_ring(h, g, &g->rings[p->first_ring + i]);
        if (!holes[n]) {
            GEOSGeom_destroy_r(h, shell);
            shell = NULL;
            break;
        }
        n++;
    }
    if (shell)
        return GEOSGeom_createPolygon_r(h, shell, holes, n);
    while (n)
        GEOSGeom_destroy_r(h, holes[--n]);
    return NULL;
}

/* Each polygon alone must be valid; polygons of one MultiPolygon may not overlap, but overlapping
 * ones give the same answers here, so that is not asked. */
static bool areas_valid(struct pieces *g, struct kh_error *err)
{
    GEOSContextHandle_t h = GEOS_init_r();
    bool ok = true;

    KH_REQUIRE(h);
    for (size_t i = 0; ok && i < g->parts_n; i++) {
        GEOSGeometry *poly;
        char *why;

        if (!g->parts[i].area)
            continue;
        poly = geos_polygon(h, g, &g->parts[i]);
        if (!poly || GEOSisValid_r(h, poly) != 1) {
            why = poly ? GEOSisValidReason_r(h, poly) : NULL;
            ok = kh_fail(err, KH_EC_GEOMETRY_INVALID, "polygon %zu: %s", i,
                         why ? why : "cannot be built");
            GEOSFree_r(h, why);
        }
        GEOSGeom_destroy_r(h, poly);
    }
    GEOS_finish_r(h);
    return ok;
}

/* ---- shapes ---- */

struct edge {
    int64_t x1, y1, x2, y2;
};

/* Edges of one part, and which of them stand in each horizontal slab of it. */
struct prepared {
    int64_t x0, y0, x1, y1;
    bool area;
    struct edge *edges;
    size_t edges_n, slabs_n;
    uint32_t *slab_first; /* slabs_n + 1 places in slab_edges */
    uint32_t *slab_edges;
};

struct kh_shape {
    struct kh_arena *a;
    struct prepared *parts;
    size_t parts_n;
    struct kh_box box;
    double label_lon, label_lat, area_m2;
};

static int64_t fixed(double deg)
{
    return llround(deg * SCALE);
}

static size_t slab_of(const struct prepared *p, int64_t y)
{
    return (size_t)((wide)(y - p->y0) * (wide)p->slabs_n / ((wide)p->y1 - p->y0 + 1));
}

/* Which slabs an edge stands in. */
static void slabs_of(const struct prepared *p, const struct edge *e, size_t *lo, size_t *hi)
{
    *lo = slab_of(p, e->y1 < e->y2 ? e->y1 : e->y2);
    *hi = slab_of(p, e->y1 < e->y2 ? e->y2 : e->y1);
}

/* As many slabs as keep the table within some eight places per edge, however tall the edges are. */
static size_t slabs_choose(struct prepared *p, size_t edges_n)
{
    p->slabs_n = edges_n / 4 + 1 < SLABS_MAX ? edges_n / 4 + 1 : SLABS_MAX;
    for (; p->slabs_n > 1; p->slabs_n /= 2) {
        size_t places = 0, lo, hi;

        for (size_t i = 0; i < edges_n; i++) {
            slabs_of(p, &p->edges[i], &lo, &hi);
            places += hi - lo + 1;
        }
        if (places <= 8 * edges_n)
            break;
    }
    return p->slabs_n;
}

static void slabs_fill(struct kh_arena *a, struct prepared *p, size_t edges_n)
{
    uint32_t *at;

    p->slabs_n = slabs_choose(p, edges_n);
    p->slab_first = kh_new_n(a, p->slabs_n + 1, uint32_t);
    at = kh_new_n(a, p->slabs_n, uint32_t);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < edges_n; i++) {
            size_t lo, hi;

            slabs_of(p, &p->edges[i], &lo, &hi);
            for (size_t s = lo; s <= hi; s++) {
                if (pass == 0)
                    p->slab_first[s + 1]++;
                else
                    p->slab_edges[at[s]++] = (uint32_t)i;
            }
        }
        if (pass == 1)
            break;
        for (size_t s = 0; s < p->slabs_n; s++) {
            p->slab_first[s + 1] += p->slab_first[s];
            at[s] = p->slab_first[s];
        }
        p->slab_edges = kh_new_n(a, p->slab_first[p->slabs_n], uint32_t);
    }
}

static void part_prepare(struct kh_arena *a, const struct pieces *g, const struct part *from,
                         struct prepared *p)
{
    size_t n = 0, cap = 0;

    p->area = from->area;
    p->x0 = p->y0 = INT64_MAX;
    p->x1 = p->y1 = INT64_MIN;
    for (size_t r = 0; r < from->rings_n; r++)
        cap += g->rings[from->first_ring + r].n;
    p->edges = kh_new_n(a, cap, struct edge);
    for (size_t r = from->first_ring; r < from->first_ring + from->rings_n; r++) {
        const double *xy = g->xy + 2 * g->rings[r].first;

        for (size_t i = 0; i < g->rings[r].n; i++) {
            size_t to = i + 1 < g->rings[r].n ? i + 1 : i;
            struct edge e = {fixed(xy[2 * i]), fixed(xy[2 * i + 1]), fixed(xy[2 * to]),
                             fixed(xy[2 * to + 1])};

            p->x0 = e.x1 < p->x0 ? e.x1 : p->x0;
            p->y0 = e.y1 < p->y0 ? e.y1 : p->y0;
            p->x1 = e.x1 > p->x1 ? e.x1 : p->x1;
            p->y1 = e.y1 > p->y1 ? e.y1 : p->y1;
            if (to > i || g->rings[r].n == 1) /* a point is an edge to itself */
                p->edges[n++] = e;
        }
    }
    p->edges_n = n;
    slabs_fill(a, p, n);
}

static double ring_m2(const struct pieces *g, const struct ring *r)
{
    const double *p = g->xy + 2 * r->first;
    double sum = 0;

    for (size_t i = 0; i + 1 < r->n; i++)
        sum += (p[2 * i + 2] - p[2 * i]) * RADIANS *
               (sin(p[2 * i + 1] * RADIANS) + sin(p[2 * i + 3] * RADIANS));
    return fabs(sum) / 2 * EARTH_M2;
}

bool kh_shape_parse(const struct kh_json *geometry, struct kh_shape **ret_shape,
                    struct kh_error *err)
{
    kh_auto_arena tmp = kh_arena_new(SIZE_MAX);
    struct pieces g = {.a = tmp};
    struct kh_arena *a;
    struct kh_shape *s;

    if (!geometry_read(&g, geometry, 0, err) || !areas_valid(&g, err))
        return false;
    a = kh_arena_new(SIZE_MAX);
    s = kh_new(a, struct kh_shape);
    s->a = a;
    s->box = g.box;
    s->parts_n = g.parts_n;
    s->parts = kh_new_n(a, g.parts_n, struct prepared);
    label_of(&g, &s->label_lon, &s->label_lat);
    for (size_t i = 0; i < g.parts_n; i++) {
        const struct part *p = &g.parts[i];

        part_prepare(a, &g, p, &s->parts[i]);
        for (size_t r = 0; p->area && r < p->rings_n; r++)
            s->area_m2 += (r ? -1 : 1) * ring_m2(&g, &g.rings[p->first_ring + r]);
    }
    *ret_shape = s;
    return true;
}

void kh_shape_drop(struct kh_shape *s)
{
    if (s)
        kh_arena_drop(s->a);
}

static bool part_covers(const struct prepared *p, int64_t x, int64_t y)
{
    bool in = false;
    size_t slab;

    if (x < p->x0 || x > p->x1 || y < p->y0 || y > p->y1)
        return false;
    slab = slab_of(p, y);
    for (uint32_t i = p->slab_first[slab]; i < p->slab_first[slab + 1]; i++) {
        const struct edge *e = &p->edges[p->slab_edges[i]];
        wide side = (wide)(e->x2 - e->x1) * (y - e->y1) - (wide)(x - e->x1) * (e->y2 - e->y1);

        if (side == 0 && x >= (e->x1 < e->x2 ? e->x1 : e->x2) &&
            x <= (e->x1 < e->x2 ? e->x2 : e->x1) && y >= (e->y1 < e->y2 ? e->y1 : e->y2) &&
            y <= (e->y1 < e->y2 ? e->y2 : e->y1))
            return true;
        /* A ray to the east crosses the edge if the edge passes this latitude to the right. */
        if ((e->y1 > y) != (e->y2 > y) && (side > 0) == (e->y2 > e->y1))
            in = !in;
    }
    return in && p->area;
}

bool kh_shape_covers(const struct kh_shape *s, double lon, double lat)
{
    if (!kh_point_ok(lon, lat))
        return false;
    for (size_t i = 0; i < s->parts_n; i++)
        if (part_covers(&s->parts[i], fixed(lon), fixed(lat)))
            return true;
    return false;
}

/* Metres from the origin to the edge from (x1, y1) to (x2, y2). */
static double edge_distance(double x1, double y1, double x2, double y2)
{
    double dx = x2 - x1, dy = y2 - y1, len2 = dx * dx + dy * dy;
    double at = len2 > 0 ? -(x1 * dx + y1 * dy) / len2 : 0;

    at = at < 0 ? 0 : at > 1 ? 1 : at;
    return hypot(x1 + at * dx, y1 + at * dy);
}

double kh_shape_distance_m(const struct kh_shape *s, double lon, double lat)
{
    double y_m = RADIANS * EARTH_M / SCALE, x_m = y_m * cos(lat * RADIANS), best = INFINITY;
    int64_t x = fixed(lon), y = fixed(lat);

    if (kh_shape_covers(s, lon, lat))
        return 0;
    for (size_t i = 0; i < s->parts_n; i++) {
        const struct prepared *p = &s->parts[i];

        for (size_t k = 0; k < p->edges_n; k++) {
            const struct edge *e = &p->edges[k];

            best = fmin(best, edge_distance((double)(e->x1 - x) * x_m, (double)(e->y1 - y) * y_m,
                                            (double)(e->x2 - x) * x_m, (double)(e->y2 - y) * y_m));
        }
    }
    return best;
}

struct kh_box kh_shape_box(const struct kh_shape *s)
{
    return s->box;
}

void kh_shape_label(const struct kh_shape *s, double *ret_lon, double *ret_lat)
{
    *ret_lon = s->label_lon;
    *ret_lat = s->label_lat;
}

double kh_shape_area_m2(const struct kh_shape *s)
{
    return s->area_m2;
}
