/* SPDX-License-Identifier: Apache-2.0 */
/**
 * registry/export -- all records that somebody may export, oldest first, page by page.
 *
 * Each page is read in a short snapshot of its own: an export of millions holds nothing back. What
 * is written in the meantime may or may not be in it.
 *
 * Owns   an arena for the page that is being made.
 * Used   by api/transfer.c (as a stream), cli/export.c.
 */
#ifndef KH_REGISTRY_EXPORT_H
#define KH_REGISTRY_EXPORT_H

#include "engine/registry/table.h"

struct kh_export;

/**
 * Begin. q: filters, bbox, valid, at and who are read; strings in it must outlive the export.
 * @param err FORBIDDEN (403), FILTER_INVALID (400) come with the first page
 */
struct kh_export *kh_export_open(struct kh_store *st, struct kh_registry *reg,
                                 const struct kh_type *t, const struct kh_list *q,
                                 enum kh_table_format format);
/** Accepts NULL. */
void kh_export_close(struct kh_export *x);
/** The next piece of the file; ret_text lives until the next call. Empty and ret_end at the end.
 *  Looks at personal data are noted. */
KH_CHECK
bool kh_export_page(struct kh_export *x, struct kh_str *ret_text, bool *ret_end,
                    struct kh_error *err);
/** Records written so far. */
int64_t kh_export_count(const struct kh_export *x);

#endif
