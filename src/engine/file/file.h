/* SPDX-License-Identifier: Apache-2.0 */
/**
 * file -- photos and videos: content-addressed files in a directory, never in rows.
 *
 * A file is checked by its content (JPEG, PNG, WebP, MP4; nothing else is taken), its metadata (EXIF,
 * XMP, GPS, comments, location boxes) is stripped at container level, it is written to
 * blobs/ab/cdef..., synced, renamed, and only then named by a row. A file that no record uses is
 * swept away after a day.
 *
 * Owns   table file, file_link and the directory blobs/.
 * Used   by api/file.c, open311, backup.
 * Never  trusts a name or a Content-Type that came with the upload; never decodes pixels.
 */
#ifndef KH_FILE_FILE_H
#define KH_FILE_FILE_H

#include "base/json.h"
#include "engine/identity/who.h"
#include "store/store.h"

struct kh_files;
struct kh_registry;
struct kh_type;

struct kh_file {
    struct kh_str id;         /**< 64 hex digits: SHA-256 of the stored (stripped) bytes */
    struct kh_str media_type; /**< "image/jpeg" */
    int64_t bytes;
    int width, height;      /**< pixels as shown (after the turn of a phone), 0 if unknown */
    int64_t created_us, by; /**< account or 0 */
};

/** dir is made if it is not there; half-written files of a crash are removed.
 *  @param err IO (500) */
KH_CHECK
bool kh_files_open(struct kh_store *st, const char *dir, struct kh_files **ret,
                   struct kh_error *err);
void kh_files_close(struct kh_files *fs);

/** Bounds and the virus check, before requests come. Zero values mean the default in brackets. */
struct kh_files_limits {
    size_t image_bytes;    /**< [20 MiB] */
    size_t video_bytes;    /**< [100 MiB] */
    const char *antivirus; /**< clamd: "unix:/run/clamav/clamd.ctl" or "tcp:host:port"; [none] */
};
void kh_files_set_limits(struct kh_files *fs, const struct kh_files_limits *limits);

/** Check, strip and store bytes; blocking (fsync): call it from a worker, not in a transaction.
 *  The same bytes again give the same file.
 *  @param err FILE_TYPE (415), FILE_BROKEN (422), FILE_TOO_LARGE (413), FILE_INFECTED (422), IO
 *             (500), STORE_FULL (507); OUTBOUND_FAILED (502): the virus check did not answer */
KH_CHECK
bool kh_file_add(struct kh_files *fs, struct kh_arena *a, struct kh_str bytes,
                 const struct kh_who *who, struct kh_file *ret, struct kh_error *err);
KH_CHECK
enum kh_hit kh_file_get(struct kh_tx *tx, const struct kh_files *fs, struct kh_arena *a,
                        struct kh_str id, struct kh_file *ret, struct kh_error *err);
/**
 * Get a file for somebody: who made it, or may read a record that uses it and sees its id there
 * (a file in a masked field is masked too). Out of reach is a miss, like absent.
 */
KH_CHECK
enum kh_hit kh_file_see(struct kh_tx *tx, const struct kh_files *fs, const struct kh_registry *reg,
                        struct kh_arena *a, struct kh_str id, const struct kh_who *who,
                        struct kh_file *ret, struct kh_error *err);
/** Open the stored bytes for reading. @return a file descriptor the caller closes, in ret_fd
 *  @param err IO (500) */
KH_CHECK
bool kh_file_open(const struct kh_files *fs, const struct kh_file *f, int *ret_fd,
                  struct kh_error *err);
/** Say that a record uses a file (so who may read the record may read the file).
 *  @param err FILE_UNKNOWN (404) */
KH_CHECK
bool kh_file_link(struct kh_tx *tx, struct kh_str id, struct kh_str type, int64_t record,
                  struct kh_error *err);
/** Link every file that the fields of a record name: strings of 64 hex digits, alone or in an
 *  array, where the widget (x-kh.widget) is photo, photos, video, file or files: at a field, or at a
 *  part of the objects in it.
 *  @param schema of the record's type
 *  @param err    RECORD_REFERENCE (422) with an issue for each file that is not there */
KH_CHECK
bool kh_file_link_fields(struct kh_tx *tx, struct kh_arena *a, const struct kh_json *schema,
                         const struct kh_json *fields, struct kh_str type, int64_t record,
                         struct kh_error *err);
/** The same for the registry: kh_registry_set_files(reg, kh_files_written, NULL). */
KH_CHECK
bool kh_files_written(void *ctx, struct kh_tx *tx, struct kh_arena *a, const struct kh_type *t,
                      int64_t id, const struct kh_json *fields, struct kh_error *err);
/** Records that use a file; the first hundred. */
struct kh_file_use {
    struct kh_str type;
    int64_t record;
};
KH_CHECK
bool kh_file_uses(struct kh_tx *tx, struct kh_arena *a, struct kh_str id, struct kh_file_use **ret,
                  size_t *ret_n, struct kh_error *err);
/** Start a thread that once an hour removes files older than a day that no record uses. */
KH_CHECK
bool kh_files_start(struct kh_files *fs, struct kh_error *err);
/** Remove files made before an instant that no record uses, at most max; blocking. */
KH_CHECK
bool kh_files_sweep(struct kh_files *fs, int64_t before_us, size_t max, size_t *ret_gone,
                    struct kh_error *err);
/** Container-level strip alone, for tests and fuzzing. */
KH_CHECK
bool kh_media_strip(struct kh_arena *a, struct kh_str bytes, struct kh_str *ret_bytes,
                    const char **ret_media_type, int *ret_width, int *ret_height,
                    struct kh_error *err);

#endif
