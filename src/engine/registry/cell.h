/* SPDX-License-Identifier: Apache-2.0 */
/**
 * registry/cell -- what the column "cell" of a record table holds.
 *
 * A square of the quadtree behind the Hilbert curve as one number: the bits of the curve that all
 * its points share, a one, and zeros. So every square stands in the middle of the numbers of all the
 * squares inside it, and a point is a square of the lowest level. A record with a shape has the
 * smallest square that holds all of it; what meets a box is then a few ranges and the squares above
 * them.
 *
 * Used   by registry/columns.c and list.c.
 * Source the numbering is that of S2 cell ids, on the curve of engine/geo.
 */
#ifndef KH_REGISTRY_CELL_H
#define KH_REGISTRY_CELL_H

#include "engine/geo/geo.h"

int64_t kh_cell_of_point(double lon, double lat);
int64_t kh_cell_of_box(const struct kh_box *box);

/** Ranges of cells that meet the box (sorted, disjoint) as JSON [[lo,hi],...]; with extents the
 *  larger squares around it too; all at or above `from`. */
struct kh_str kh_cell_ranges(struct kh_arena *a, const struct kh_box *box, bool extents,
                             int64_t from);

#endif
