/* SPDX-License-Identifier: Apache-2.0 */
/**
 * api/open311_int -- what the files of the Open311 GeoReport v2 interface share.
 *
 *   open311.c          routes, discovery, services, service definitions
 *   open311_request.c  reading service requests     open311_create.c  making one
 *   open311_text.c     XML and JSON from one description, and errors
 *
 * Services are records of type feedback_category, service requests are records of type report.
 * Source: http://wiki.open311.org/GeoReport_v2, http://wiki.open311.org/Service_Discovery, and the
 * Spark convention for JSON (a container of equal elements is an array; what is empty is null).
 */
#ifndef KH_API_OPEN311_INT_H
#define KH_API_OPEN311_INT_H

#include "api/call.h"
#include "api/city.h"
#include "engine/registry/registry.h"

/** Writes a document as XML or JSON, whichever the path asks for. */
struct kh_o311 {
    struct kh_buf b;
    struct kh_jw w;
    bool xml;
    unsigned depth;
    struct {
        const char *name; /**< element, closed at the end */
        bool list;
    } open[12];
};

struct kh_o311 kh_o311(struct kh_call *c);
/** A container: element `name`; in JSON an array, named only inside an object. */
void kh_o311_list(struct kh_o311 *o, const char *name);
/** An element with fields; in JSON an object, named only inside another object. */
void kh_o311_item(struct kh_o311 *o, const char *name);
void kh_o311_end(struct kh_o311 *o);
/** A field; empty text is <name/> or null. */
void kh_o311_text(struct kh_o311 *o, const char *name, struct kh_str s);
void kh_o311_bool(struct kh_o311 *o, const char *name, bool v);
void kh_o311_int(struct kh_o311 *o, const char *name, int64_t v);
void kh_o311_number(struct kh_o311 *o, const char *name, double v);
/** A plain value in a list. */
void kh_o311_value(struct kh_o311 *o, const char *name, struct kh_str s);
enum kh_next kh_o311_reply(struct kh_call *c, struct kh_o311 *o, int status);
/** 2026-09-15T14:05:00+07:00 */
struct kh_str kh_o311_time(struct kh_arena *a, int64_t us);

/** The error document of the standard; for kh_error_forms. */
enum kh_next kh_o311_error(struct kh_call *c, const struct kh_error *err);

/** A category of reports as the interface calls it. */
struct kh_o311_service {
    struct kh_str code, name, about, group, keywords;
    const struct kh_json *attributes; /**< array, or NULL */
};

/** @param err OPEN311_JURISDICTION (404) if the caller names another city, OPEN311_SERVICE_UNKNOWN (404)
 *             if the city has no reports at all */
KH_CHECK
bool kh_o311_begin(struct kh_call *c, const struct kh_type **ret_report,
                   const struct kh_type **ret_category, struct kh_error *err);
/** All services in their order. */
KH_CHECK
bool kh_o311_services(struct kh_tx *tx, struct kh_call *c, const struct kh_type *category,
                      struct kh_o311_service **ret, size_t *ret_n, struct kh_error *err);
/** @param err OPEN311_SERVICE_UNKNOWN (404) */
KH_CHECK
bool kh_o311_service(const struct kh_o311_service *all, size_t n, struct kh_str code,
                     const struct kh_o311_service **ret, struct kh_error *err);
/** vi or en text of a member: "name" or "name_en". */
struct kh_str kh_o311_in(const struct kh_call *c, const struct kh_json *v, const char *vi,
                         const char *en);

enum kh_next api_open311_request_list(struct kh_call *c);
enum kh_next api_open311_request_read(struct kh_call *c);
enum kh_next api_open311_token_read(struct kh_call *c);
enum kh_next api_open311_request_create(struct kh_call *c);

#endif
