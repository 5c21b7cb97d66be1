/* SPDX-License-Identifier: Apache-2.0 */
/**
 * print/print_int -- what the files of print/ share.
 *
 *   print.c  definitions in the database; what a paper is drawn from     check.c  what can be wrong
 *   fill.c   texts with places, and FEEL                                 draw.c   blocks on pages
 *   pdf.c    pages on paper
 */
#ifndef KH_PRINT_PRINT_INT_H
#define KH_PRINT_PRINT_INT_H

#include "engine/print/print.h"

enum { KH_PRINT_DEPTH = 8, KH_PRINT_EACH_MAX = 1000 };

/** Names that texts and FEEL see, innermost last. */
struct kh_fill {
    struct kh_arena *a;
    struct kh_json *names; /**< object: case, of, now, values, and what "as" names */
};

/** Begin with a view and the values of a definition. @param err ARENA_FULL (413) */
KH_CHECK
bool kh_fill_begin(struct kh_arena *a, const struct kh_print_view *v,
                   const struct kh_json *definition, struct kh_fill *ret, struct kh_error *err);
/** What an expression gives, as JSON; null where it fails. */
const struct kh_json *kh_fill_value(const struct kh_fill *f, struct kh_str feel);
/** A text with its places filled. */
struct kh_str kh_fill_text(const struct kh_fill *f, struct kh_str text);

/** Take the next place {path|format} off a text. @return false at the end; ret_before is what stood
 *  before it, or all of it */
bool kh_fill_place(struct kh_str *text, struct kh_str *ret_before, struct kh_str *ret_path,
                   struct kh_str *ret_format);
bool kh_fill_format_known(struct kh_str format);

#endif
