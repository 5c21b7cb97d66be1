/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/print/pdf.h"

#include "base/buf.h"
#include "base/time.h"

#include <cairo-pdf.h>
#include <dlfcn.h>
#include <pango/pangocairo.h>
#include <pthread.h>
#include <qrencode.h>

enum { PDF_MAX = 24 << 20 };

/* ---- the libraries ---- */

/* Every function that is called, by the library that has it. They are looked for when the first
 * document is made: linked, they would cost every start 20 ms and 5 MiB. */
#define LIBRARIES(L) \
    L(cairo, "libcairo.so.2") L(pango, "libpango-1.0.so.0") L(pangocairo, "libpangocairo-1.0.so.0") \
    L(gobject, "libgobject-2.0.so.0") L(qr, "libqrencode.so.4")
#define FUNCTIONS(F) \
    F(cairo, cairo_pdf_surface_create_for_stream) F(cairo, cairo_pdf_surface_set_metadata) \
    F(cairo, cairo_create) F(cairo, cairo_destroy) F(cairo, cairo_show_page) F(cairo, cairo_status) \
    F(cairo, cairo_move_to) F(cairo, cairo_line_to) F(cairo, cairo_stroke) F(cairo, cairo_fill) \
    F(cairo, cairo_set_line_width) F(cairo, cairo_rectangle) F(cairo, cairo_surface_finish) \
    F(cairo, cairo_surface_status) F(cairo, cairo_surface_destroy) F(cairo, cairo_status_to_string) \
    F(cairo, cairo_font_options_create) F(cairo, cairo_font_options_destroy) \
    F(cairo, cairo_font_options_set_hint_style) F(cairo, cairo_font_options_set_hint_metrics) \
    F(pangocairo, pango_cairo_context_set_font_options) F(pango, pango_layout_get_context) \
    F(pango, pango_context_set_round_glyph_positions) F(pango, pango_layout_context_changed) \
    F(pangocairo, pango_cairo_create_layout) F(pangocairo, pango_cairo_show_layout_line) \
    F(pango, pango_layout_set_text) F(pango, pango_layout_set_width) F(pango, pango_layout_set_wrap) \
    F(pango, pango_layout_set_alignment) F(pango, pango_layout_set_justify) \
    F(pango, pango_layout_set_font_description) F(pango, pango_layout_get_line_count) \
    F(pango, pango_layout_get_iter) F(pango, pango_layout_iter_free) \
    F(pango, pango_layout_iter_get_line_readonly) F(pango, pango_layout_iter_next_line) \
    F(pango, pango_layout_iter_get_line_extents) F(pango, pango_layout_iter_get_baseline) \
    F(pango, pango_font_description_new) F(pango, pango_font_description_free) \
    F(pango, pango_font_description_set_family) F(pango, pango_font_description_set_weight) \
    F(pango, pango_font_description_set_style) F(pango, pango_font_description_set_absolute_size) \
    F(gobject, g_object_unref) F(qr, QRcode_encodeString8bit) F(qr, QRcode_free)

enum library {
#define AS_ENUM(name, file) LIB_##name,
    LIBRARIES(AS_ENUM)
#undef AS_ENUM
    LIBS
};

static struct {
#define AS_MEMBER(lib, name) __typeof__(name) *name;
    FUNCTIONS(AS_MEMBER)
#undef AS_MEMBER
    const char *missing; /* what was not there, or NULL */
} late;

static void bind(void)
{
    static const char *const files[LIBS] = {
#define AS_FILE(name, file) file,
        LIBRARIES(AS_FILE)
#undef AS_FILE
    };
    void *libs[LIBS];

    for (int i = 0; i < LIBS; i++) {
        libs[i] = dlopen(files[i], RTLD_NOW | RTLD_LOCAL);
        if (!libs[i]) {
            late.missing = files[i];
            return;
        }
    }
    /* ISO C has no cast from an object pointer to a function: through its bytes, as POSIX shows. */
#define FIND(lib, name) \
    { \
        void *found = dlsym(libs[LIB_##lib], #name); \
        memcpy(&late.name, &found, sizeof(found)); \
        if (!found) \
            late.missing = #name; \
    }
    FUNCTIONS(FIND)
#undef FIND
}

static bool bound(struct kh_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, bind);
    return !late.missing || kh_fail(err, KH_EC_NOT_SUPPORTED,
                                    "printing needs libpango-1.0-0, libcairo2 and libqrencode4: %s "
                                    "is not on this machine",
                                    late.missing);
}

/* ---- a document ---- */

struct kh_pdf_text {
    PangoLayout *layout;
    size_t n;
    struct line {
        double height, baseline, left; /* from the top, and from the edge, of the line */
        PangoLayoutLine *line;         /* of the layout */
    } *lines;
};

struct kh_pdf {
    struct kh_arena *a;
    cairo_surface_t *surface;
    cairo_t *cr;
    struct kh_buf out;
    bool full;
    struct kh_pdf_text **texts;
    size_t n, cap;
};

static cairo_status_t take(void *closure, const unsigned char *data, unsigned int length)
{
    struct kh_pdf *p = closure;

    if (p->out.n + length > PDF_MAX || kh_arena_over(p->a)) {
        p->full = true;
        return CAIRO_STATUS_NO_MEMORY;
    }
    kh_buf_add(&p->out, (const char *)data, length);
    return CAIRO_STATUS_SUCCESS;
}

bool kh_pdf_new(struct kh_arena *a, double width, double height, struct kh_str title, int64_t at_us,
                struct kh_pdf **ret, struct kh_error *err)
{
    struct kh_pdf *p = kh_new(a, struct kh_pdf);
    struct kh_str at = kh_time_text(a, at_us);

    if (!bound(err))
        return false;
    p->a = a;
    p->out = kh_buf(a, PDF_MAX);
    p->surface = late.cairo_pdf_surface_create_for_stream(take, p, width, height);
    p->cr = late.cairo_create(p->surface);
    late.cairo_pdf_surface_set_metadata(p->surface, CAIRO_PDF_METADATA_TITLE, kh_str_z(a, title));
    late.cairo_pdf_surface_set_metadata(p->surface, CAIRO_PDF_METADATA_CREATOR, "Khuê");
    late.cairo_pdf_surface_set_metadata(p->surface, CAIRO_PDF_METADATA_CREATE_DATE, kh_str_z(a, at));
    late.cairo_set_line_width(p->cr, 0.6);
    *ret = p;
    return true;
}

void kh_pdf_drop(struct kh_pdf *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->n; i++)
        late.g_object_unref(p->texts[i]->layout);
    late.cairo_destroy(p->cr);
    late.cairo_surface_destroy(p->surface);
}

/* ---- text ---- */

/* Letters stand where the typeface wants them, not on the dots of a screen. */
static void print_exactly(PangoLayout *l)
{
    PangoContext *context = late.pango_layout_get_context(l);
    cairo_font_options_t *o = late.cairo_font_options_create();

    late.cairo_font_options_set_hint_style(o, CAIRO_HINT_STYLE_NONE);
    late.cairo_font_options_set_hint_metrics(o, CAIRO_HINT_METRICS_OFF);
    late.pango_cairo_context_set_font_options(context, o);
    late.cairo_font_options_destroy(o);
    late.pango_context_set_round_glyph_positions(context, FALSE);
    late.pango_layout_context_changed(l);
}

static PangoLayout *layout_new(struct kh_pdf *p, struct kh_str s, const struct kh_pdf_style *style,
                               double width)
{
    static const PangoAlignment aligns[] = {
        [KH_PDF_LEFT] = PANGO_ALIGN_LEFT,
        [KH_PDF_CENTER] = PANGO_ALIGN_CENTER,
        [KH_PDF_RIGHT] = PANGO_ALIGN_RIGHT,
        [KH_PDF_JUSTIFY] = PANGO_ALIGN_LEFT,
    };
    PangoFontDescription *font = late.pango_font_description_new();
    PangoLayout *l = late.pango_cairo_create_layout(p->cr);

    late.pango_font_description_set_family(font, "Liberation Serif, Tinos, Times New Roman, serif");
    late.pango_font_description_set_absolute_size(font, style->size * PANGO_SCALE);
    late.pango_font_description_set_weight(font,
                                           style->bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
    late.pango_font_description_set_style(font,
                                          style->italic ? PANGO_STYLE_ITALIC : PANGO_STYLE_NORMAL);
    print_exactly(l);
    late.pango_layout_set_font_description(l, font);
    late.pango_font_description_free(font);
    late.pango_layout_set_width(l, (int)(width * PANGO_SCALE));
    late.pango_layout_set_wrap(l, PANGO_WRAP_WORD_CHAR);
    late.pango_layout_set_alignment(l, aligns[style->align]);
    late.pango_layout_set_justify(l, style->align == KH_PDF_JUSTIFY);
    late.pango_layout_set_text(l, s.p, (int)s.n);
    return l;
}

struct kh_pdf_text *kh_pdf_text(struct kh_pdf *p, struct kh_str s, const struct kh_pdf_style *style,
                                double width)
{
    struct kh_pdf_text *t = kh_new(p->a, struct kh_pdf_text);
    PangoLayoutIter *at;
    size_t i = 0;

    t->layout = layout_new(p, s, style, width);
    t->n = (size_t)late.pango_layout_get_line_count(t->layout);
    t->lines = kh_new_n(p->a, t->n, struct line);
    at = late.pango_layout_get_iter(t->layout);
    do {
        PangoRectangle box;

        late.pango_layout_iter_get_line_extents(at, NULL, &box);
        t->lines[i++] = (struct line){
            .height = (double)box.height / PANGO_SCALE,
            .baseline = (double)(late.pango_layout_iter_get_baseline(at) - box.y) / PANGO_SCALE,
            .left = (double)box.x / PANGO_SCALE,
            .line = late.pango_layout_iter_get_line_readonly(at),
        };
    } while (i < t->n && late.pango_layout_iter_next_line(at));
    late.pango_layout_iter_free(at);
    p->texts = kh_grow(p->a, p->texts, p->n, p->n + 1, &p->cap, sizeof(*p->texts));
    p->texts[p->n++] = t;
    return t;
}

size_t kh_pdf_text_lines(const struct kh_pdf_text *t)
{
    return t->n;
}

double kh_pdf_text_line_height(const struct kh_pdf_text *t, size_t line)
{
    return t->lines[line].height;
}

void kh_pdf_text_draw(struct kh_pdf *p, const struct kh_pdf_text *t, size_t line, double x, double y)
{
    const struct line *l = &t->lines[line];

    late.cairo_move_to(p->cr, x + l->left, y + l->baseline);
    late.pango_cairo_show_layout_line(p->cr, l->line);
}

/* ---- the rest ---- */

void kh_pdf_rule(struct kh_pdf *p, double x1, double y1, double x2, double y2)
{
    late.cairo_move_to(p->cr, x1, y1);
    late.cairo_line_to(p->cr, x2, y2);
    late.cairo_stroke(p->cr);
}

bool kh_pdf_qr(struct kh_pdf *p, struct kh_str s, double x, double y, double size)
{
    QRcode *qr = late.QRcode_encodeString8bit(kh_str_z(p->a, s), 0, QR_ECLEVEL_M);
    double cell;

    if (!qr)
        return false;
    cell = size / qr->width;
    for (int row = 0; row < qr->width; row++)
        for (int column = 0; column < qr->width; column++)
            if (qr->data[row * qr->width + column] & 1)
                late.cairo_rectangle(p->cr, x + column * cell, y + row * cell, cell, cell);
    late.cairo_fill(p->cr);
    late.QRcode_free(qr);
    return true;
}

void kh_pdf_page(struct kh_pdf *p)
{
    late.cairo_show_page(p->cr);
}

bool kh_pdf_end(struct kh_pdf *p, struct kh_str *ret, struct kh_error *err)
{
    cairo_status_t status;

    late.cairo_show_page(p->cr);
    late.cairo_surface_finish(p->surface);
    status = late.cairo_status(p->cr);
    if (status == CAIRO_STATUS_SUCCESS)
        status = late.cairo_surface_status(p->surface);
    if (p->full || kh_arena_over(p->a))
        return kh_fail(err, KH_EC_ARENA_FULL, "the paper is too large");
    if (status != CAIRO_STATUS_SUCCESS)
        return kh_fail(err, KH_EC_NOT_SUPPORTED, "drawing failed: %s",
                       late.cairo_status_to_string(status));
    *ret = kh_buf_get(&p->out);
    return true;
}
