/* SPDX-License-Identifier: Apache-2.0 */
/**
 * print/pdf -- a PDF document page by page: text in lines, rules and small boxes.
 *
 * Lengths are points (1/72 inch), y grows downwards. Fonts are "Liberation Serif", metrically the
 * typeface that state papers use, or what the machine has in its place.
 *
 * Owns   the binding of cairo, Pango and libqrencode, made once per process, when first used.
 * Used   by print/draw.c.
 */
#ifndef KH_PRINT_PDF_H
#define KH_PRINT_PDF_H

#include "base/kh.h"

struct kh_pdf;

enum kh_pdf_align { KH_PDF_LEFT, KH_PDF_CENTER, KH_PDF_RIGHT, KH_PDF_JUSTIFY };

struct kh_pdf_style {
    double size;
    bool bold, italic;
    enum kh_pdf_align align;
};

/** @param title, at_us of the document's properties
 *  @param err NOT_SUPPORTED (501) if the libraries are not on this machine */
KH_CHECK
bool kh_pdf_new(struct kh_arena *a, double width, double height, struct kh_str title, int64_t at_us,
                struct kh_pdf **ret, struct kh_error *err);
void kh_pdf_drop(struct kh_pdf *p);

/** A text broken into lines of a width; lives until kh_pdf_drop. */
struct kh_pdf_text;
struct kh_pdf_text *kh_pdf_text(struct kh_pdf *p, struct kh_str s, const struct kh_pdf_style *style,
                                double width);
size_t kh_pdf_text_lines(const struct kh_pdf_text *t);
double kh_pdf_text_line_height(const struct kh_pdf_text *t, size_t line);
/** Draw one line with its top at y. */
void kh_pdf_text_draw(struct kh_pdf *p, const struct kh_pdf_text *t, size_t line, double x, double y);

void kh_pdf_rule(struct kh_pdf *p, double x1, double y1, double x2, double y2);
/** A QR code, error correction M. @return false if the text is too long for one */
KH_CHECK
bool kh_pdf_qr(struct kh_pdf *p, struct kh_str s, double x, double y, double size);
void kh_pdf_page(struct kh_pdf *p);

/** Finish. @param ret bytes in the arena @param err ARENA_FULL (413), NOT_SUPPORTED (501) */
KH_CHECK
bool kh_pdf_end(struct kh_pdf *p, struct kh_str *ret, struct kh_error *err);

#endif
