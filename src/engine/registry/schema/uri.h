/* SPDX-License-Identifier: Apache-2.0 */
/**
 * registry/schema/uri -- URI references: their parts, and resolving one against a base.
 *
 * Owns   nothing. Source: RFC 3986 sections 3, 5.2, 5.3; RFC 3987 for the characters of an IRI.
 * Used   by schema (identifiers) and format.
 * Never  normalises beyond dot segments: two spellings of one URI are two names.
 */
#ifndef KH_REGISTRY_SCHEMA_URI_H
#define KH_REGISTRY_SCHEMA_URI_H

#include "base/kh.h"

/** Parts of a reference; p is NULL where a part is absent (the path is never absent). */
struct kh_uri {
    struct kh_str scheme, authority, path, query, fragment;
};

/** Take a reference apart (RFC 3986 appendix B); accepts anything. */
struct kh_uri kh_uriref_split(struct kh_str s);

/** @return ref resolved against base, without its fragment; *ret_fragment gets that, p NULL if
 *          absent, not decoded */
struct kh_str kh_uriref_resolve(struct kh_arena *a, struct kh_str base, struct kh_str ref,
                                struct kh_str *ret_fragment);

/** Decode %XX. @return false if an escape is broken */
KH_CHECK
bool kh_uriref_decode(struct kh_arena *a, struct kh_str s, struct kh_str *ret);

/** Whether s is a URI reference (of ASCII), or with iri an IRI reference, by its grammar. */
KH_CHECK
bool kh_uriref_ok(struct kh_str s, bool iri, bool absolute);

/** Whether s is an IPv4 or IPv6 address as text. */
bool kh_ipv4_ok(struct kh_str s);
bool kh_ipv6_ok(struct kh_str s);

#endif
