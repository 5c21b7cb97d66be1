/* SPDX-License-Identifier: Apache-2.0 */
/**
 * registry/import -- many records at once: NDJSON, CSV, GeoJSON.
 *
 * The calling thread reads, checks and prepares lines while the committer inserts those before, a
 * batch in one transaction. A line that does not fit is told and skipped; the others go in. A line
 * whose natural key (or "id") is known changes that record, and does nothing if nothing differs: so
 * the same file may be imported again, and an interrupted import goes on by importing once more.
 *
 * Owns   nothing beyond the call.
 * Used   by api/transfer.c, cli/import.c, pack.
 * Never  runs on a store thread or a serving thread: it waits for commits.
 */
#ifndef KH_REGISTRY_IMPORT_H
#define KH_REGISTRY_IMPORT_H

#include "engine/registry/registry.h"

enum kh_import_format { KH_IMPORT_ANY, KH_IMPORT_NDJSON, KH_IMPORT_CSV, KH_IMPORT_GEOJSON };

/** Where a record-to-be stands in its file. */
struct kh_import_place {
    int64_t line;     /**< 1.. */
    int64_t feature;  /**< 0..: its place in "features" of GeoJSON; -1: the file has no such list */
    struct kh_str id; /**< that the GeoJSON feature has, or "" */
};

/** What was not taken; place and issues live until the function returns. */
typedef void (*kh_import_fail_fn)(void *ctx, const struct kh_import_place *at,
                                  const struct kh_error *err);

/** Make the next record-to-be in the arena, as if it had been read. @return KH_MISS at the end */
typedef enum kh_hit (*kh_import_next_fn)(void *ctx, struct kh_arena *a, struct kh_json **ret_fields,
                                         struct kh_error *err);

struct kh_import {
    const struct kh_type *type;
    enum kh_import_format format; /**< ANY: by the first bytes */
    struct kh_str input;          /**< the whole file; may be a mapping */
    kh_import_next_fn next;       /**< in place of input: records that are made one by one */
    int64_t next_n;               /**< how many that will be */
    struct kh_write how;          /**< who needs the right "import", unless trusted */
    bool alone;                   /**< nobody else writes meanwhile: larger batches */
    bool dry_run;                 /**< check everything, change nothing */
    kh_progress_fn progress;      /**< bytes, or records that were made, done and in all; or NULL */
    kh_import_fail_fn fail;       /**< may be NULL */
    void *ctx;                    /**< of all three */
};

struct kh_import_report {
    int64_t read, created, updated, unchanged, failed;
    /** Properties of a GeoJSON file that the type has no field for, as JSON {"name":count}. */
    struct kh_str ignored;
};

/**
 * Import a file.
 *
 * Effect   each batch commits by itself; on failure (disk full, database gone) everything up to
 *          the batch before is there.
 * @param a   arena of the report
 * @param err FORBIDDEN (403), IMPORT_INVALID (422): the file is none of the formats; STORE (503)
 */
KH_CHECK
bool kh_import_run(struct kh_store *st, struct kh_registry *reg, struct kh_arena *a,
                   const struct kh_import *in, struct kh_import_report *ret, struct kh_error *err);

/** The format of a word ("ndjson", "csv", "geojson"), a media type or a file name; ANY if unknown. */
enum kh_import_format kh_import_format_of(struct kh_str word);

#endif
