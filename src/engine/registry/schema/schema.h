/* SPDX-License-Identifier: Apache-2.0 */
/**
 * registry/schema -- JSON Schema 2020-12: compiled once, then checks values from any thread.
 *
 * All vocabularies of the draft. `format` is asserted for date, date-time, time, duration, email,
 * idn-email, hostname, ipv4, ipv6, uri, uri-reference, iri, iri-reference, uri-template, uuid,
 * json-pointer, relative-json-pointer and regex; other formats, content* and everything unknown
 * (x-kh among it) are annotations. Patterns are ECMA-262 expressions with code points (flag u).
 *
 * Owns   compiled schemas; each has its own arena and keeps nothing of its inputs.
 * Used   by registry (records), process (forms), api (OpenAPI), `khue schema test`.
 * Never  reads files or the network: documents that a $ref names come from the embedded
 *        meta-schemas or from the caller.
 * Source https://json-schema.org/draft/2020-12, RFC 3986, RFC 6901, ECMA-262 section 22.2.
 */
#ifndef KH_REGISTRY_SCHEMA_H
#define KH_REGISTRY_SCHEMA_H

#include "base/json.h"

struct kh_schema;

struct kh_schema_options {
    /** URI of the schema document, against which its $id and $ref are resolved; "" for none. */
    struct kh_str base;
    /**
     * Find another document by its absolute URI (without fragment), for $ref and $schema.
     * @return its tree, which lives at least as long as the call of kh_schema_compile; NULL if
     *         there is none
     */
    const struct kh_json *(*find)(void *ctx, struct kh_arena *a, struct kh_str uri);
    void *ctx;
};

/**
 * Compile a schema.
 *
 * @param a      arena of the issues of a failure; the compiled schema has its own
 * @param schema an object or boolean; need not outlive the call
 * @param o      NULL for the defaults
 * @param ret    set only on success; end it with kh_schema_drop
 * @param err    SCHEMA_INVALID (422) with all issues: pointers into the schema, code "schema"
 */
KH_CHECK
bool kh_schema_compile(struct kh_arena *a, const struct kh_json *schema,
                       const struct kh_schema_options *o, struct kh_schema **ret,
                       struct kh_error *err);

/** Accepts NULL. */
void kh_schema_drop(struct kh_schema *s);

/**
 * Check a value. Safe to call from many threads on one schema.
 *
 * A missing or superfluous property is reported at its own pointer ("/name"), so that a form can
 * show it at the field. The code of an issue is the keyword that failed; "false" is the schema
 * `false`; "limit" says that the schema is too recursive or too expensive for this value.
 *
 * @param a      arena of the issues
 * @param v      value to be checked
 * @param at     pointer that is put before the pointers of issues, "" for none
 * @param issues gets everything that is wrong; NULL asks only whether something is
 * @return true if the value is valid
 */
KH_CHECK
bool kh_schema_check(const struct kh_schema *s, struct kh_arena *a, const struct kh_json *v,
                     struct kh_str at, struct kh_issues *issues);

/** @return true if text has this format, or the format is none of the asserted ones */
bool kh_format_ok(struct kh_str format, struct kh_str text);

/**
 * Make an OpenAPI 3.1 schema object of a JSON Schema: the same dialect without what is ours or
 * belongs to a document of its own ("x-kh", "$schema", "$id"). Labels and help of "x-kh" become
 * title and description (in English) where those are absent.
 *
 * @param at pointer of the place where it will stand, "#/components/schemas/report": references
 *           into the schema are led there
 * @return in the arena; shares what it does not change with the schema
 */
struct kh_json *kh_schema_openapi(struct kh_arena *a, const struct kh_json *schema,
                                  struct kh_str at);

#endif
