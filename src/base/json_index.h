/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base/json_index -- what base/json takes from C++: simdjson's first stage, and the number formats
 * of the standard library. The only C++ of the server is behind these three functions.
 *
 * Owns   one index per thread (grown to at most 64 KiB of text, freed with the thread): making one
 *        for each document would cost more than reading it.
 * Used   by base/json*.c only.
 * Never  throws, and never reads beyond text[n - 1].
 */
#ifndef KH_BASE_JSON_INDEX_H
#define KH_BASE_JSON_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum kh_json_scan {
    KH_SCAN_OK,
    KH_SCAN_EMPTY,    /**< nothing but white space */
    KH_SCAN_UTF8,     /**< not UTF-8 */
    KH_SCAN_CONTROL,  /**< a control character inside a string */
    KH_SCAN_UNCLOSED, /**< a string without its closing quote */
    KH_SCAN_FULL,     /**< no memory for the index */
};

struct kh_json_index {
    const uint32_t
        *at;    /**< offsets of { } [ ] : , and of the first byte of each string and scalar */
    uint32_t n; /**< at[n] is the length of the text */
    void *own;  /**< of a document too large for the thread's own index */
};

/**
 * Check that text is UTF-8 with closed strings, and find where its tokens begin.
 * The index is valid until the next scan of this thread; end it with kh_json_index_drop.
 */
enum kh_json_scan kh_json_index_scan(const char *text, size_t n, struct kh_json_index *ret);
void kh_json_index_drop(struct kh_json_index *ix);

/** Write the shortest text that reads back as v (finite). @return bytes, at most 32 */
size_t kh_double_put(char out[32], double v);

/** Read a JSON number as the nearest double. @return 0, or the sign of what did not fit: over
 *  (+1) or under (-1) double's range in size */
int kh_double_get(const char *p, size_t n, double *ret);

#ifdef __cplusplus
}
#endif
#endif
