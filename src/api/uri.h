/* SPDX-License-Identifier: Apache-2.0 */
/**
 * api/uri -- percent-encoding and lists in header fields.
 *
 * Owns   nothing. Source: RFC 3986 section 2.1, WHATWG URL "application/x-www-form-urlencoded",
 *        RFC 9110 section 5.6.1.
 */
#ifndef KH_API_URI_H
#define KH_API_URI_H

#include "base/buf.h"
#include "base/kh.h"

/** Decode %XX, and + as a space if form. The result is s itself when there is nothing to decode.
 *  @return false if it is cut, not hexadecimal, holds U+0000, or is not UTF-8 */
KH_CHECK
bool kh_uri_decode(struct kh_arena *a, struct kh_str s, bool form, struct kh_str *ret);
/** Encode all but unreserved characters. */
void kh_uri_encode(struct kh_buf *b, struct kh_str s);

/** Next element of a comma-separated field, trimmed; quoted commas stay. false at the end. */
bool kh_list_next(struct kh_str *list, struct kh_str *ret_element);
/** Split "gzip;q=0.5" into its word and quality in thousandths (1000 if none, 0 if bad). */
struct kh_str kh_list_quality(struct kh_str element, int *ret_q);
/** Equal but for ASCII case. */
bool kh_str_same(struct kh_str a, struct kh_str b);
/** Parameter of a field value: name="charset" of "text/plain; charset=utf-8". p NULL if absent. */
struct kh_str kh_field_param(struct kh_arena *a, struct kh_str field, const char *name);

#endif
