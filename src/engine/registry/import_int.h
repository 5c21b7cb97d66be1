/* SPDX-License-Identifier: Apache-2.0 */
/**
 * import_int -- a file as a series of records-to-be.
 *
 * Used   by import.c and import_read.c.
 */
#ifndef KH_REGISTRY_IMPORT_INT_H
#define KH_REGISTRY_IMPORT_INT_H

#include "engine/registry/import.h"
#include "engine/registry/registry_int.h"

enum { KH_CSV_COLUMNS = 400, KH_IGNORED_MAX = 100 };

struct kh_ignored {
    struct kh_str name;
    int64_t n;
};

struct kh_reader {
    const struct kh_type *t;
    enum kh_import_format format;
    struct kh_arena *a;        /**< of what lasts as long as the file: header, names */
    struct kh_str input;
    size_t at;                 /**< bytes read */
    int64_t line;              /**< of `at`, 1-based */
    /* CSV */
    char separator;
    struct kh_str columns[KH_CSV_COLUMNS];
    size_t columns_n;
    /* GeoJSON */
    int64_t feature;           /**< the next one's place in the list */
    struct kh_ignored ignored[KH_IGNORED_MAX];
    size_t ignored_n;
};

/** Begin: find the format, read a header. @param err IMPORT_INVALID (422) */
KH_CHECK
bool kh_reader_open(struct kh_reader *r, struct kh_arena *a, const struct kh_type *t,
                    enum kh_import_format format, struct kh_str input, struct kh_error *err);
/**
 * Read the next record-to-be.
 * @param ret_at  where it begins; set whatever is returned but KH_MISS
 * @return KH_MISS at the end; KH_FAIL: this line is none, the next call goes on after it
 */
KH_CHECK
enum kh_hit kh_reader_next(struct kh_reader *r, struct kh_arena *a, struct kh_json **ret_fields,
                           struct kh_import_place *ret_at, struct kh_error *err);

#endif
