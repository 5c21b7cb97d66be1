/* SPDX-License-Identifier: Apache-2.0 */
/**
 * file -- photos and documents: content-addressed files in a directory, never in rows.
 *
 * A file is checked by its content (JPEG, PNG, WebP, MP4, PDF), its metadata (EXIF, XMP, GPS,
 * comments, location boxes) is stripped at container level, it is written to blobs/ab/cdef...,
 * synced, renamed, and only then named by a row.
 *
 * Owns   table file, file_link and the directory blobs/.
 * Used   by api/file.c, open311, backup.
 * Never  trusts a name or a Content-Type that came with the upload.
 */
#ifndef KH_FILE_FILE_H
#define KH_FILE_FILE_H

#include "engine/identity/who.h"
#include "store/store.h"

struct kh_files;

struct kh_file {
    struct kh_str id;         /**< 64 hex digits: SHA-256 of the stored (stripped) bytes */
    struct kh_str media_type; /**< "image/jpeg" */
    int64_t bytes;
    int width, height;        /**< pixels, 0 if unknown */
    int64_t created_us, by;   /**< account or 0 */
};

KH_CHECK
bool kh_files_open(struct kh_store *st, const char *dir, struct kh_files **ret, struct kh_error *err);
void kh_files_close(struct kh_files *fs);
/** Check, strip and store bytes; blocking (fsync): call it from a worker, not in a transaction.
 *  @param err FILE_TYPE (415), FILE_BROKEN (422), FILE_TOO_LARGE (413), FILE_INFECTED (422) */
KH_CHECK
bool kh_file_add(struct kh_files *fs, struct kh_arena *a, struct kh_str bytes,
                 const struct kh_who *who, struct kh_file *ret, struct kh_error *err);
KH_CHECK
enum kh_hit kh_file_get(struct kh_tx *tx, const struct kh_files *fs, struct kh_arena *a,
                        struct kh_str id, struct kh_file *ret, struct kh_error *err);
/** Open the stored bytes for reading. @return a file descriptor the caller closes, in ret_fd */
KH_CHECK
bool kh_file_open(const struct kh_files *fs, const struct kh_file *f, int *ret_fd,
                  struct kh_error *err);
/** Say that a record uses a file (so who may read the record may read the file). */
KH_CHECK
bool kh_file_link(struct kh_tx *tx, struct kh_str id, struct kh_str type, int64_t record,
                  struct kh_error *err);
/** Records that use a file. */
struct kh_file_use { struct kh_str type; int64_t record; };
KH_CHECK
bool kh_file_uses(struct kh_tx *tx, struct kh_arena *a, struct kh_str id,
                  struct kh_file_use **ret, size_t *ret_n, struct kh_error *err);
/** Container-level strip alone, for tests and fuzzing. */
KH_CHECK
bool kh_media_strip(struct kh_arena *a, struct kh_str bytes, struct kh_str *ret_bytes,
                    const char **ret_media_type, int *ret_width, int *ret_height,
                    struct kh_error *err);

#endif
