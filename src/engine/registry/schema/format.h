/* SPDX-License-Identifier: Apache-2.0 */
/**
 * registry/schema/format -- the formats that are asserted.
 *
 * Owns   the table of formats, with the sentence that each one tells a person.
 * Used   by schema.
 * Source RFC 3339 (dates, durations), 5321 and 6531 (mail), 1123 and 5891 (hosts), 2673 and 4291
 *        (addresses), 3986 and 3987 (URI, IRI), 6570, 4122, 6901, ECMA-262.
 */
#ifndef KH_REGISTRY_SCHEMA_FORMAT_H
#define KH_REGISTRY_SCHEMA_FORMAT_H

#include "base/kh.h"

struct kh_format {
    const char *name;
    bool (*ok)(struct kh_str s);
    const char *vi, *en; /**< what the value must be, to follow "Phải là" and "Must be" */
};

/** @return NULL if the format is only an annotation */
const struct kh_format *kh_format_find(struct kh_str name);

#endif
