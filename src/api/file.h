/* SPDX-License-Identifier: Apache-2.0 */
/**
 * api/file -- photos and videos over HTTP.
 *
 * Used   by open311 (kh_file_json), tests.
 */
#ifndef KH_API_FILE_H
#define KH_API_FILE_H

#include "base/json.h"

struct kh_file;

/** Write {id, url, media_type, bytes, width, height}. */
void kh_file_json(struct kh_jw *w, struct kh_arena *a, const struct kh_file *f);

/**
 * Read a Range header with one range (RFC 9110 14.1.2).
 * @param ret_n bytes; 0 if the range lies behind the end (416)
 * @return false if there is none, or none that is understood: send everything
 */
bool kh_range_read(struct kh_str header, int64_t length, int64_t *ret_from, int64_t *ret_n);

#endif
