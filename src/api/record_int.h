/* SPDX-License-Identifier: Apache-2.0 */
/**
 * api/record_int -- what the handlers of records share.
 *
 *   record.c       one record: read, create, change, correct, close; the route table
 *   record_list.c  lists in four formats          record_past.c  history and timeline
 *   transfer.c     import and export
 */
#ifndef KH_API_RECORD_INT_H
#define KH_API_RECORD_INT_H

#include "api/call.h"
#include "api/city.h"
#include "engine/registry/registry.h"

/** The type that {type} names. @param err TYPE_UNKNOWN (404) */
KH_CHECK
bool kh_call_type(const struct kh_call *c, const struct kh_type **ret, struct kh_error *err);
/** The id that {id} names. @param err RECORD_UNKNOWN (404): what is no id is the id of nothing */
KH_CHECK
bool kh_call_record_id(const struct kh_call *c, int64_t *ret, struct kh_error *err);
/** A date or instant of a query parameter; 0 if absent. @param err PARAMETER_INVALID (400) */
KH_CHECK
bool kh_call_when(const struct kh_call *c, const char *name, int64_t *ret, struct kh_error *err);
/** Write a look at a record into this transaction, if there was anything personal to see. */
KH_CHECK
bool kh_call_seen(struct kh_call *c, struct kh_tx *tx, const struct kh_record *r,
                  struct kh_error *err);

/** Filters "field", "field.in", "field.gte" ... of the query string; names in skip (ending with NULL)
 *  are not fields. @param err FILTER_INVALID (400) */
KH_CHECK
bool kh_call_filters(const struct kh_call *c, const char *const *skip, struct kh_list *q,
                     struct kh_error *err);

enum kh_next api_record_list(struct kh_call *c);
enum kh_next api_record_import(struct kh_call *c);
enum kh_next api_record_export(struct kh_call *c);
enum kh_next api_record_history(struct kh_call *c);
enum kh_next api_record_timeline(struct kh_call *c);

#endif
