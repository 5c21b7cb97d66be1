/* SPDX-License-Identifier: Apache-2.0 */
/**
 * process/xml -- a model file as a small tree with places: what BPMN and DMN are read from.
 *
 * libxml2 parses, we keep the tree: one arena, no document to free, and each element knows the line
 * and the column where its tag begins, so that an error can point at it.
 *
 * Owns   nothing; the tree lives in the arena.
 * Used   by bpmn_read.c and the decision engine.
 * Never  reads a file or the network; refuses every document type declaration (and with it
 *        entities), other encodings than UTF-8, and anything beyond its limits.
 */
#ifndef KH_PROCESS_XML_H
#define KH_PROCESS_XML_H

#include "base/kh.h"

struct kh_xml_attr {
    struct kh_str ns;   /**< namespace URI, "" for none */
    struct kh_str name; /**< local name */
    struct kh_str value;
};

struct kh_xml {
    struct kh_str ns, name; /**< namespace URI and local name: the prefix does not count */
    struct kh_str text;     /**< character data directly inside, all pieces joined */
    const struct kh_xml_attr *attrs;
    unsigned attrs_n;
    unsigned line, column; /**< of "<", from 1; columns count characters */
    unsigned depth;        /**< the root has 1 */
    struct kh_xml *parent, *first, *last, *next;
};

/** Bounds of one parse. Zero means the default in brackets. */
struct kh_xml_limits {
    size_t bytes;      /**< [2 MiB] */
    unsigned depth;    /**< [64] */
    unsigned elements; /**< [50,000] */
};

/**
 * Parse a model file.
 *
 * @param limits   NULL for the defaults
 * @param code     what a failure is called: KH_EC_PROCESS_INVALID, KH_EC_DECISION_INVALID
 * @param issues   NULL, or where the one fault is also put, with pointer "line:12:5"
 * @param ret_root set only on success
 * @param err      code (422): the detail has line and column; ARENA_FULL (413)
 */
KH_CHECK
bool kh_xml_parse(struct kh_arena *a, struct kh_str text, const struct kh_xml_limits *limits,
                  enum kh_ec code, struct kh_issues *issues, struct kh_xml **ret_root,
                  struct kh_error *err);

/** Attribute without namespace; p is NULL if it is absent. */
struct kh_str kh_xml_attr(const struct kh_xml *x, const char *name);
/** Attribute of a namespace; p is NULL if it is absent. */
struct kh_str kh_xml_attr_ns(const struct kh_xml *x, const char *ns, const char *name);
/** First child of that name, or NULL. */
const struct kh_xml *kh_xml_child(const struct kh_xml *x, const char *ns, const char *name);
/** @return true if x has this namespace and local name */
bool kh_xml_is(const struct kh_xml *x, const char *ns, const char *name);
/** "line:12:5" */
struct kh_str kh_xml_place(struct kh_arena *a, const struct kh_xml *x);

#endif
