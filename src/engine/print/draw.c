/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of a definition on pages. What must stay together (columns, a row of a table) is measured by
 * the same code, with nothing drawn, and begins a new page if it does not fit. */
#include "engine/print/pdf.h"
#include "engine/print/print_int.h"

#include "base/time.h"

#define TEXT_PT   12.0
#define GAP_PT    3.0 /* between blocks */
#define CELL_PT   3.0 /* inside a cell */
#define QR_PT     64.0
#define MARGIN_A4 56.0
#define MARGIN_A5 40.0

enum { BLOCKS_MAX = 20000 };

struct draw {
    struct kh_arena *a;
    struct kh_pdf *pdf;
    struct kh_fill fill;
    double top, bottom, y;
    unsigned whole; /* inside something that stays together */
    bool dry;       /* measuring */
    int blocks;
    struct kh_error *err;
};

static enum kh_pdf_align align_of(const struct kh_json *b)
{
    struct kh_str s = kh_json_str(b, "align", KH_S("left"));

    return kh_str_is(s, "center")    ? KH_PDF_CENTER
           : kh_str_is(s, "right")   ? KH_PDF_RIGHT
           : kh_str_is(s, "justify") ? KH_PDF_JUSTIFY
                                     : KH_PDF_LEFT;
}

static void new_page(struct draw *d)
{
    kh_pdf_page(d->pdf);
    d->y = d->top;
}

static bool draw_body(struct draw *d, const struct kh_json *body, double x, double width);

/* How high something is that stays together. */
static bool measure(struct draw *d, const struct kh_json *block, double x, double width,
                    bool (*one)(struct draw *, const struct kh_json *, double, double),
                    double *ret_height)
{
    double y = d->y;
    bool dry = d->dry, ok;

    d->dry = true;
    d->whole++;
    ok = one(d, block, x, width);
    d->whole--;
    d->dry = dry;
    *ret_height = d->y - y;
    d->y = y;
    return ok;
}

static void make_room(struct draw *d, double height)
{
    if (!d->whole && d->y + height > d->bottom && d->y > d->top)
        new_page(d);
}

/* ---- the kinds of blocks ---- */

static void draw_lines(struct draw *d, struct kh_str s, const struct kh_pdf_style *style, double x,
                       double width)
{
    struct kh_pdf_text *t = kh_pdf_text(d->pdf, s, style, width);

    for (size_t i = 0; i < kh_pdf_text_lines(t); i++) {
        double height = kh_pdf_text_line_height(t, i);

        make_room(d, height);
        if (!d->dry)
            kh_pdf_text_draw(d->pdf, t, i, x, d->y);
        d->y += height;
    }
}

static bool draw_text(struct draw *d, const struct kh_json *b, double x, double width)
{
    struct kh_pdf_style style = {.size = kh_json_num(b, "size", TEXT_PT),
                                 .bold = kh_json_bool(b, "bold", false),
                                 .italic = kh_json_bool(b, "italic", false),
                                 .align = align_of(b)};

    draw_lines(d, kh_fill_text(&d->fill, kh_json_str(b, "text", KH_S(""))), &style, x, width);
    return true;
}

static bool columns_in_row(struct draw *d, const struct kh_json *b, double x, double width)
{
    const struct kh_json *list = kh_json_get(b, "columns");
    double sum = 0, from = d->y, low = d->y;

    for (uint32_t i = 0; i < list->n; i++)
        sum += kh_json_num(&list->items[i], "width", 1);
    d->whole++;
    for (uint32_t i = 0; i < list->n; i++) {
        double w = width * kh_json_num(&list->items[i], "width", 1) / sum;

        d->y = from;
        if (!draw_body(d, kh_json_get(&list->items[i], "body"), x, w - (i + 1 < list->n ? 8 : 0)))
            return false;
        low = d->y > low ? d->y : low;
        x += w;
    }
    d->whole--;
    d->y = low;
    return true;
}

static bool draw_columns(struct draw *d, const struct kh_json *b, double x, double width)
{
    double height;

    if (!measure(d, b, x, width, columns_in_row, &height))
        return false;
    make_room(d, height);
    return columns_in_row(d, b, x, width);
}

/* The list of an "each", at most KH_PRINT_EACH_MAX; what is no list has no items. */
static uint32_t items_of(struct draw *d, const struct kh_json *b, const struct kh_json **ret)
{
    *ret = kh_fill_value(&d->fill, kh_json_str(b, "each", KH_S("")));
    if ((*ret)->type != KH_JSON_ARRAY)
        return 0;
    return (*ret)->n < KH_PRINT_EACH_MAX ? (*ret)->n : KH_PRINT_EACH_MAX;
}

static void name_item(struct draw *d, const struct kh_json *b, const struct kh_json *item, uint32_t i)
{
    struct kh_json *names = d->fill.names;

    kh_json_set(d->a, names, kh_json_str(b, "as", KH_S("item")), kh_json_dup(d->a, item));
    kh_json_set(d->a, names, KH_S("n"), kh_json_new_int(d->a, i + 1));
}

static bool draw_each(struct draw *d, const struct kh_json *b, double x, double width)
{
    const struct kh_json *list;
    uint32_t n = items_of(d, b, &list);

    for (uint32_t i = 0; i < n; i++) {
        name_item(d, b, &list->items[i], i);
        if (!draw_body(d, kh_json_get(b, "body"), x, width))
            return false;
    }
    return true;
}

/* ---- tables ---- */

/* A row of cells with a frame; head says which of a column's texts it is. */
static bool row_of(struct draw *d, const struct kh_json *columns, bool head, double x, double width)
{
    double sum = 0, from = d->y, low = d->y, at = x;

    for (uint32_t i = 0; i < columns->n; i++)
        sum += kh_json_num(&columns->items[i], "width", 1);
    for (uint32_t i = 0; i < columns->n; i++) {
        const struct kh_json *c = &columns->items[i];
        double w = width * kh_json_num(c, "width", 1) / sum;
        struct kh_pdf_style style = {.size = kh_json_num(c, "size", TEXT_PT - 1),
                                     .bold = head,
                                     .align = head ? KH_PDF_CENTER : align_of(c)};
        struct kh_str s = kh_json_str(c, head ? "head" : "text", KH_S(""));

        d->y = from + CELL_PT;
        draw_lines(d, head ? s : kh_fill_text(&d->fill, s), &style, at + CELL_PT, w - 2 * CELL_PT);
        low = d->y + CELL_PT > low ? d->y + CELL_PT : low;
        at += w;
    }
    d->y = low;
    if (d->dry)
        return true;
    at = x;
    kh_pdf_rule(d->pdf, x, from, x + width, from);
    kh_pdf_rule(d->pdf, x, low, x + width, low);
    for (uint32_t i = 0; i <= columns->n; i++) {
        kh_pdf_rule(d->pdf, at, from, at, low);
        if (i < columns->n)
            at += width * kh_json_num(&columns->items[i], "width", 1) / sum;
    }
    return true;
}

static bool head_row(struct draw *d, const struct kh_json *columns, double x, double width)
{
    return row_of(d, columns, true, x, width);
}

static bool item_row(struct draw *d, const struct kh_json *columns, double x, double width)
{
    return row_of(d, columns, false, x, width);
}

static bool whole_row(struct draw *d, const struct kh_json *columns, double x, double width,
                      bool (*one)(struct draw *, const struct kh_json *, double, double))
{
    double height;
    bool ok;

    if (!measure(d, columns, x, width, one, &height))
        return false;
    make_room(d, height);
    d->whole++;
    ok = one(d, columns, x, width);
    d->whole--;
    return ok;
}

static bool draw_table(struct draw *d, const struct kh_json *b, double x, double width)
{
    const struct kh_json *t = kh_json_get(b, "table"), *columns = kh_json_get(t, "columns"), *list;
    uint32_t n = items_of(d, t, &list);

    if (!whole_row(d, columns, x, width, head_row))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        name_item(d, t, &list->items[i], i);
        if (!whole_row(d, columns, x, width, item_row))
            return false;
    }
    return true;
}

/* ---- signs ---- */

static double placed(enum kh_pdf_align align, double x, double width, double size)
{
    return align == KH_PDF_CENTER  ? x + (width - size) / 2
           : align == KH_PDF_RIGHT ? x + width - size
                                   : x;
}

static bool draw_qr(struct draw *d, const struct kh_json *b, double x, double width)
{
    struct kh_str s = kh_fill_text(&d->fill, kh_json_str(b, "qr", KH_S("")));
    double size = kh_json_num(b, "size", QR_PT);

    make_room(d, size);
    if (!d->dry && !kh_pdf_qr(d->pdf, s, placed(align_of(b), x, width, size), d->y, size))
        return kh_fail(d->err, KH_EC_NOT_SUPPORTED, "%zu bytes are too long for a QR code", s.n);
    d->y += size;
    return true;
}

static bool draw_line(struct draw *d, const struct kh_json *b, double x, double width)
{
    double length = kh_json_num(b, "line", 0), from;

    length = length > 0 && length < width ? length : width;
    from = placed(KH_PDF_CENTER, x, width, length);
    make_room(d, 2 * GAP_PT);
    if (!d->dry)
        kh_pdf_rule(d->pdf, from, d->y + GAP_PT / 2, from + length, d->y + GAP_PT / 2);
    d->y += GAP_PT;
    return true;
}

static bool draw_block(struct draw *d, const struct kh_json *b, double x, double width)
{
    if (kh_json_get(b, "text"))
        return draw_text(d, b, x, width);
    if (kh_json_get(b, "columns"))
        return draw_columns(d, b, x, width);
    if (kh_json_get(b, "each"))
        return draw_each(d, b, x, width);
    if (kh_json_get(b, "table"))
        return draw_table(d, b, x, width);
    if (kh_json_get(b, "qr"))
        return draw_qr(d, b, x, width);
    if (kh_json_get(b, "line"))
        return draw_line(d, b, x, width);
    d->y += kh_json_num(b, "space", 0);
    return true;
}

static bool wanted(struct draw *d, const struct kh_json *b)
{
    struct kh_str when = kh_json_str(b, "if", KH_S(""));
    const struct kh_json *v = when.n ? kh_fill_value(&d->fill, when) : NULL;

    return !v || v->type == KH_JSON_TRUE;
}

static bool draw_body(struct draw *d, const struct kh_json *body, double x, double width)
{
    for (uint32_t i = 0; kh_json_is(body, KH_JSON_ARRAY) && i < body->n; i++) {
        if (++d->blocks > BLOCKS_MAX || kh_arena_over(d->a))
            return kh_fail(d->err, KH_EC_ARENA_FULL, "the paper is too large");
        if (!wanted(d, &body->items[i]))
            continue;
        if (!draw_block(d, &body->items[i], x, width))
            return false;
        d->y += GAP_PT;
    }
    return true;
}

bool kh_print_draw(struct kh_arena *a, const struct kh_print *p, const struct kh_print_view *v,
                   struct kh_str *ret_pdf, struct kh_error *err)
{
    bool a4 = kh_str_is(kh_json_str(p->definition, "size", KH_S("A4")), "A4");
    double width = a4 ? 595.28 : 419.53, height = a4 ? 841.89 : 595.28;
    double margin = a4 ? MARGIN_A4 : MARGIN_A5;
    struct draw d = {.a = a, .top = margin, .y = margin, .bottom = height - margin, .err = err};
    bool ok;

    if (!kh_fill_begin(a, v, p->definition, &d.fill, err) ||
        !kh_pdf_new(a, width, height, p->title_vi, kh_now_us(), &d.pdf, err))
        return false;
    ok = draw_body(&d, kh_json_get(p->definition, "body"), margin, width - 2 * margin) &&
         kh_pdf_end(d.pdf, ret_pdf, err);
    kh_pdf_drop(d.pdf);
    return ok;
}
