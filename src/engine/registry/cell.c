/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/registry/cell.h"

#include "base/buf.h"

#include <stdlib.h>

enum { LEVELS = 31, RANGES = 12 };

/* The square of level `level` (0: the globe) around a point of the curve. */
static int64_t square(int64_t cell, int level)
{
    int shift = 2 * (LEVELS - level);

    return (int64_t)(((((uint64_t)cell >> shift) << 1) | 1U) << shift);
}

int64_t kh_cell_of_point(double lon, double lat)
{
    return square(kh_cell(lon, lat), LEVELS);
}

int64_t kh_cell_of_box(const struct kh_box *b)
{
    int64_t c[4] = {kh_cell(b->min_lon, b->min_lat), kh_cell(b->max_lon, b->min_lat),
                    kh_cell(b->min_lon, b->max_lat), kh_cell(b->max_lon, b->max_lat)};
    uint64_t differ = (uint64_t)((c[0] ^ c[1]) | (c[0] ^ c[2]) | (c[0] ^ c[3]));
    int level = LEVELS;

    while (level > 0 && differ >> (2 * (LEVELS - level)))
        level--;
    return square(c[0], level);
}

static int by_lo(const void *x, const void *y)
{
    const struct kh_cell_range *a = x, *b = y;

    return a->lo < b->lo ? -1 : a->lo > b->lo ? 1 : a->hi > b->hi ? -1 : a->hi < b->hi;
}

struct kh_str kh_cell_ranges(struct kh_arena *a, const struct kh_box *box, bool extents,
                             int64_t from)
{
    struct kh_cell_range all[RANGES * (1 + 2 * LEVELS)];
    size_t covers = kh_cell_cover(box, all, RANGES), n = covers, kept = 0;
    struct kh_buf b = kh_buf(a, 1 << 16);

    for (size_t i = 0; extents && i < covers; i++)
        for (int level = 0; level < LEVELS; level++) {
            int64_t lo = square(all[i].lo, level), hi = square(all[i].hi, level);

            all[n++] = (struct kh_cell_range){lo, lo};
            if (hi != lo)
                all[n++] = (struct kh_cell_range){hi, hi};
        }
    for (size_t i = 0; i < covers; i++)
        all[i] = (struct kh_cell_range){square(all[i].lo, LEVELS) - 1, square(all[i].hi, LEVELS)};
    qsort(all, n, sizeof(all[0]), by_lo);
    kh_buf_c(&b, '[');
    for (size_t i = 0; i < n; i++) {
        if (kept && all[i].hi <= all[kept - 1].hi)
            continue;
        if (kept && all[i].lo <= all[kept - 1].hi)
            all[i].lo = all[kept - 1].hi + 1;
        all[kept++] = all[i];
        if (all[i].hi < from)
            continue;
        kh_buf_strf(&b, "%s[%lld,%lld]", b.n > 1 ? "," : "",
                    (long long)(all[i].lo < from ? from : all[i].lo), (long long)all[i].hi);
    }
    kh_buf_c(&b, ']');
    return kh_buf_get(&b);
}
