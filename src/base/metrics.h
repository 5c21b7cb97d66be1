/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base/metrics -- counters, gauges and histograms of time; the rows are tables/metrics.def.
 *
 * Every thread counts in one of a few shards with relaxed atomic additions: no lock and next to no
 * shared cache line on the hot path. Reading adds the shards up.
 *
 * Owns   the figures of the process (an exception to "no mutable globals": they describe the
 *        process, and libraries count without being handed an object).
 * Used   anywhere. Source of the text: Prometheus exposition format 0.0.4.
 */
#ifndef KH_BASE_METRICS_H
#define KH_BASE_METRICS_H

#include "base/buf.h"
#include "base/kh.h"

enum kh_metric {
#define M(name, kind, text, labels, help) KH_M_##name,
#include "tables/metrics.def"
#undef M
    KH_METRICS
};

/** Add to a counter, or to a gauge (n may be negative there). */
void kh_count(enum kh_metric m, int64_t n);
/** Note how long something took. */
void kh_observe(enum kh_metric m, int64_t us);
/** Present sum of a counter or gauge; number of observations of a histogram. */
int64_t kh_metric_sum(enum kh_metric m);
/** Write everything in Prometheus text format. */
void kh_metrics_text(struct kh_buf *out);
/** Write one more sample (for figures that others keep); help may be "" after the first. */
void kh_metrics_sample(struct kh_buf *out, const char *kind, const char *name, const char *help,
                       int64_t value);

#endif
