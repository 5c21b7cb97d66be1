/* SPDX-License-Identifier: Apache-2.0 */
/**
 * registry/table -- records as rows of a file: NDJSON, CSV (RFC 4180), GeoJSON (RFC 7946).
 *
 * What kh_table_* writes, kh_import reads: CSV columns are field names ("location.lon" for a point),
 * arrays and objects are JSON in a cell; validity is in meta.valid_from and meta.valid_to.
 *
 * Owns   nothing.
 * Used   by api/record_list.c, registry/export.c.
 */
#ifndef KH_REGISTRY_TABLE_H
#define KH_REGISTRY_TABLE_H

#include "base/buf.h"
#include "engine/registry/registry.h"

enum kh_table_format { KH_TABLE_NDJSON, KH_TABLE_CSV, KH_TABLE_GEOJSON };

/** What comes before the first row. */
void kh_table_begin(struct kh_buf *b, const struct kh_type *t, enum kh_table_format f);
/** One record as far as `see` allows. */
void kh_table_row(struct kh_buf *b, struct kh_arena *a, const struct kh_record *r,
                  enum kh_level_of see, enum kh_table_format f, bool first);
/** What comes after the last; next is a cursor or "". */
void kh_table_end(struct kh_buf *b, enum kh_table_format f, struct kh_str next);

#endif
