/* SPDX-License-Identifier: Apache-2.0 */
/**
 * notify/template -- messages with {fields}, checked when they are loaded.
 */
#ifndef KH_NOTIFY_TEMPLATE_H
#define KH_NOTIFY_TEMPLATE_H

#include "base/json.h"

/** Put the values of data in the place of {name}; an instant as 15/09/2026 14:05 in the city, what
 *  data lacks as "…". */
struct kh_str kh_template_fill(struct kh_arena *a, struct kh_str text, const struct kh_json *data);
/** The text of one part ("title", "body", "sms") in a language; "sms" falls back to the title. */
struct kh_str kh_template_part(const struct kh_json *texts, bool vi, const char *part);

#endif
