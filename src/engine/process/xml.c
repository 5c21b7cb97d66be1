/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/process/xml.h"

#include "base/buf.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <strings.h>

enum { XML_BYTES = 2 << 20, XML_DEPTH = 64, XML_ELEMENTS = 50000 };

/* What the SAX callbacks share. */
struct reading {
    struct kh_arena *a;
    struct kh_str text;
    struct kh_xml_limits limits;
    struct kh_xml *root, *at;
    struct kh_buf *texts; /* character data of the open elements, by depth - 1 */
    unsigned elements;
    /* Where the line counter stands: tags come in the order of the text. */
    size_t seen;
    unsigned line, column;
    /* The first fault. */
    bool failed;
    unsigned fault_line, fault_column;
    const char *fault_vi, *fault_en;
};

static struct reading *reading_of(void *ctx)
{
    return ((xmlParserCtxtPtr)ctx)->_private;
}

static struct kh_str dup_z(struct kh_arena *a, const xmlChar *z)
{
    return z ? kh_str_dup(a, kh_cstr((const char *)z)) : KH_S("");
}

/* Bytes of the text that the parser has consumed. */
static size_t consumed(const struct reading *r, xmlParserCtxtPtr x)
{
    size_t n = x->input ? (size_t)x->input->consumed + (size_t)(x->input->cur - x->input->base) : 0;

    return n < r->text.n ? n : r->text.n;
}

static void place(struct reading *r, size_t offset, unsigned *ret_line, unsigned *ret_column)
{
    /* Each byte is looked at once: a whole model may stand on one line. */
    for (; r->seen < offset; r->seen++) {
        unsigned char c = (unsigned char)r->text.p[r->seen];

        r->column += (c & 0xc0) != 0x80;
        if (c == '\n') {
            r->line++;
            r->column = 1;
        }
    }
    *ret_line = r->line;
    *ret_column = r->column;
}

static void fault(struct reading *r, unsigned line, unsigned column, const char *vi, const char *en)
{
    if (r->failed)
        return;
    r->failed = true;
    r->fault_line = line;
    r->fault_column = column;
    r->fault_vi = vi;
    r->fault_en = en;
}

static void stop(void *ctx, const char *vi, const char *en)
{
    struct reading *r = reading_of(ctx);
    unsigned line = 0, column = 0;

    place(r, consumed(r, ctx), &line, &column);
    fault(r, line, column, vi, en);
    xmlStopParser(ctx);
}

static bool is_utf8_name(const xmlChar *encoding)
{
    return !encoding || strcasecmp((const char *)encoding, "UTF-8") == 0 ||
           strcasecmp((const char *)encoding, "US-ASCII") == 0;
}

static void on_start_document(void *ctx)
{
    xmlParserCtxtPtr x = ctx;

    if (!is_utf8_name(x->encoding) || !is_utf8_name(x->input->encoding))
        stop(ctx, "Tệp phải dùng mã UTF-8.", "The file must be written in UTF-8.");
}

static void on_doctype(void *ctx, const xmlChar *name, const xmlChar *id, const xmlChar *system)
{
    (void)name, (void)id, (void)system;
    stop(ctx, "Không nhận khai báo DOCTYPE và thực thể (entity).",
         "A document type declaration (and with it entities) is not accepted.");
}

static xmlEntityPtr on_entity(void *ctx, const xmlChar *name)
{
    (void)name;
    stop(ctx, "Không nhận thực thể (entity) ngoài năm thực thể có sẵn của XML.",
         "Entities other than the five of XML are not accepted.");
    return NULL;
}

static const struct kh_xml_attr *read_attrs(struct reading *r, int n, const xmlChar **attrs)
{
    struct kh_xml_attr *got = kh_new_n(r->a, (size_t)n, struct kh_xml_attr);

    /* Five pointers each: local name, prefix, URI, begin and end of the value. */
    for (int i = 0; i < n; i++, attrs += 5) {
        got[i].name = dup_z(r->a, attrs[0]);
        got[i].ns = dup_z(r->a, attrs[2]);
        got[i].value =
            kh_str_dup(r->a, kh_str((const char *)attrs[3], (size_t)(attrs[4] - attrs[3])));
    }
    return got;
}

static void on_start(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *ns,
                     int namespaces_n, const xmlChar **namespaces, int attrs_n, int defaulted_n,
                     const xmlChar **attrs)
{
    struct reading *r = reading_of(ctx);
    struct kh_xml *x;
    size_t offset;

    (void)prefix, (void)namespaces_n, (void)namespaces, (void)defaulted_n;
    if (r->failed)
        return;
    if (++r->elements > r->limits.elements) {
        stop(ctx, "Tệp có quá nhiều phần tử.", "The file has too many elements.");
        return;
    }
    if (r->at && r->at->depth >= r->limits.depth) {
        stop(ctx, "Các phần tử lồng nhau quá sâu.", "The elements are nested too deeply.");
        return;
    }
    x = kh_new(r->a, struct kh_xml);
    x->name = dup_z(r->a, name);
    x->ns = dup_z(r->a, ns);
    x->attrs_n = (unsigned)attrs_n;
    x->attrs = read_attrs(r, attrs_n, attrs);
    x->parent = r->at;
    x->depth = r->at ? r->at->depth + 1 : 1;
    /* The parser stands behind the attributes, which cannot hold "<": the tag begins there. */
    offset = consumed(r, ctx);
    while (offset > 0 && (offset >= r->text.n || r->text.p[offset] != '<'))
        offset--;
    place(r, offset, &x->line, &x->column);
    if (!r->at)
        r->root = x;
    else if (r->at->last)
        r->at->last->next = x;
    else
        r->at->first = x;
    if (r->at)
        r->at->last = x;
    r->at = x;
    r->texts[x->depth - 1] = kh_buf(r->a, r->limits.bytes);
}

static void on_end(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *ns)
{
    struct reading *r = reading_of(ctx);

    (void)name, (void)prefix, (void)ns;
    if (r->failed || !r->at)
        return;
    r->at->text = kh_buf_get(&r->texts[r->at->depth - 1]);
    r->at = r->at->parent;
}

static void on_text(void *ctx, const xmlChar *text, int n)
{
    struct reading *r = reading_of(ctx);

    if (!r->failed && r->at)
        kh_buf_add(&r->texts[r->at->depth - 1], text, (size_t)n);
}

static void on_error(void *ctx, xmlErrorPtr e)
{
    xmlParserCtxtPtr x = ctx;
    struct reading *r = x ? x->_private : NULL;
    unsigned line = 1, column = 1;

    if (!r || !e || e->level < XML_ERR_ERROR)
        return;
    place(r, consumed(r, x), &line, &column);
    fault(r, line, column, "XML không đúng cú pháp, hoặc vượt giới hạn của bộ đọc.",
          "The XML is not well formed, or beyond the limits of the reader.");
}

static void set_handlers(xmlSAXHandlerPtr sax)
{
    *sax = (xmlSAXHandler){
        .initialized = XML_SAX2_MAGIC,
        .startDocument = on_start_document,
        .internalSubset = on_doctype,
        .externalSubset = on_doctype,
        .getEntity = on_entity,
        .getParameterEntity = on_entity,
        .startElementNs = on_start,
        .endElementNs = on_end,
        .characters = on_text,
        .ignorableWhitespace = on_text,
        .cdataBlock = on_text,
        .serror = (xmlStructuredErrorFunc)on_error,
    };
}

static bool report(struct reading *r, enum kh_ec code, struct kh_issues *issues,
                   struct kh_error *err)
{
    if (issues)
        kh_issue_add(issues, r->a, kh_strf(r->a, "line:%u:%u", r->fault_line, r->fault_column),
                     "xml", kh_cstr(r->fault_vi), kh_cstr(r->fault_en));
    return kh_fail(err, code, "line %u, column %u: %s", r->fault_line, r->fault_column,
                   r->fault_en);
}

static bool run_parser(struct reading *r)
{
    xmlParserCtxtPtr x;

    xmlInitParser();
    x = xmlCreateMemoryParserCtxt(r->text.p, (int)r->text.n);
    if (!x) {
        fault(r, 1, 1, "Tệp XML rỗng.", "The XML file is empty.");
        return false;
    }
    xmlCtxtUseOptions(x, XML_PARSE_NONET | XML_PARSE_NOCDATA);
    set_handlers(x->sax);
    x->userData = x;
    x->_private = r;
    xmlParseDocument(x);
    if (!x->wellFormed || !r->root)
        fault(r, 1, 1, "XML không đúng cú pháp.", "The XML is not well formed.");
    /* Where an entity is declared the parser makes a document for it, also in SAX mode. */
    xmlFreeDoc(x->myDoc);
    x->myDoc = NULL;
    xmlFreeParserCtxt(x);
    return !r->failed;
}

bool kh_xml_parse(struct kh_arena *a, struct kh_str text, const struct kh_xml_limits *limits,
                  enum kh_ec code, struct kh_issues *issues, struct kh_xml **ret_root,
                  struct kh_error *err)
{
    struct reading r = {.a = a, .text = text, .line = 1, .column = 1};

    if (limits)
        r.limits = *limits;
    r.limits.bytes = r.limits.bytes ? r.limits.bytes : XML_BYTES;
    r.limits.depth = r.limits.depth ? r.limits.depth : XML_DEPTH;
    r.limits.elements = r.limits.elements ? r.limits.elements : XML_ELEMENTS;
    r.texts = kh_new_n(a, r.limits.depth, struct kh_buf);
    if (text.n > r.limits.bytes)
        fault(&r, 1, 1, "Tệp quá lớn.", "The file is too large.");
    else if (!kh_str_utf8(text))
        fault(&r, 1, 1, "Tệp không phải UTF-8 hợp lệ.", "The file is not valid UTF-8.");
    else
        (void)run_parser(&r);
    if (r.failed)
        return report(&r, code, issues, err);
    if (kh_arena_over(a))
        return kh_fail(err, KH_EC_ARENA_FULL, "reading a model of %zu bytes", text.n);
    *ret_root = r.root;
    return true;
}

struct kh_str kh_xml_attr(const struct kh_xml *x, const char *name)
{
    return kh_xml_attr_ns(x, "", name);
}

struct kh_str kh_xml_attr_ns(const struct kh_xml *x, const char *ns, const char *name)
{
    for (unsigned i = 0; i < x->attrs_n; i++)
        if (kh_str_is(x->attrs[i].name, name) && kh_str_is(x->attrs[i].ns, ns))
            return x->attrs[i].value;
    return (struct kh_str){NULL, 0};
}

bool kh_xml_is(const struct kh_xml *x, const char *ns, const char *name)
{
    return kh_str_is(x->name, name) && kh_str_is(x->ns, ns);
}

const struct kh_xml *kh_xml_child(const struct kh_xml *x, const char *ns, const char *name)
{
    for (const struct kh_xml *c = x->first; c; c = c->next)
        if (kh_xml_is(c, ns, name))
            return c;
    return NULL;
}

struct kh_str kh_xml_place(struct kh_arena *a, const struct kh_xml *x)
{
    return kh_strf(a, "line:%u:%u", x->line, x->column);
}
