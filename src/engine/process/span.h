/* SPDX-License-Identifier: Apache-2.0 */
/**
 * process/span -- lengths of time as models write them: ISO 8601, "PT8H", "P3D", "P1M".
 *
 * A span keeps days apart from hours: on a working-time calendar P1D is one working day and PT24H
 * is three of them.
 *
 * Owns   nothing. Source: ISO 8601-1:2019 section 5.5.2, without fractions but of seconds.
 * Used   by calendar.c, bpmn_read.c, timer.c.
 */
#ifndef KH_PROCESS_SPAN_H
#define KH_PROCESS_SPAN_H

#include "base/kh.h"

struct kh_span {
    int64_t months, days, us; /**< all of one sign */
};

/** @return false if s is no duration, or longer than 1,000 years */
KH_CHECK
bool kh_span_parse(struct kh_str s, struct kh_span *ret);

/** "R3/PT8H": repetitions (-1 for "R/...": without end) and the span. */
KH_CHECK
bool kh_span_parse_cycle(struct kh_str s, int64_t *ret_times, struct kh_span *ret);

/** from + span in civil time of the city: P1M of 31 January is the last day of February. */
int64_t kh_span_add(int64_t from_us, struct kh_span span);

static inline struct kh_span kh_span_negate(struct kh_span s)
{
    return (struct kh_span){-s.months, -s.days, -s.us};
}

#endif
