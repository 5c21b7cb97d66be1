/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metrics.h"

#include <stdatomic.h>

enum { SHARDS = 16, BUCKETS = 17, HISTOGRAMS_MAX = 16 };
enum kind { COUNTER, GAUGE, TIME };

/* Upper bounds in microseconds; the last bucket has none. */
static const int64_t bounds_us[BUCKETS - 1] = {100,     250,     500,     1000,    2500,   5000,
                                               10000,   25000,   50000,   100000,  250000, 500000,
                                               1000000, 2500000, 5000000, 10000000};
static const char *const bounds_text[BUCKETS - 1] = {
    "0.0001", "0.00025", "0.0005", "0.001", "0.0025", "0.005", "0.01", "0.025",
    "0.05",   "0.1",     "0.25",   "0.5",   "1",      "2.5",   "5",    "10"};

static const struct row {
    enum kind kind;
    const char *name, *labels, *help;
} rows[KH_METRICS] = {
#define M(name, kind, text, labels, help) {kind, text, labels, help},
#include "tables/metrics.def"
#undef M
};

/* The place of a histogram among the histograms. */
enum {
#define COUNTER_SLOT(name)
#define GAUGE_SLOT(name)
#define TIME_SLOT(name)                   SLOT_##name,
#define M(name, kind, text, labels, help) kind##_SLOT(name)
#include "tables/metrics.def"
#undef M
    SLOTS
};
static const unsigned char slot_of[KH_METRICS] = {
#undef COUNTER_SLOT
#undef GAUGE_SLOT
#undef TIME_SLOT
#define COUNTER_SLOT(name)                0
#define GAUGE_SLOT(name)                  0
#define TIME_SLOT(name)                   SLOT_##name
#define M(name, kind, text, labels, help) [KH_M_##name] = kind##_SLOT(name),
#include "tables/metrics.def"
#undef M
};

static struct shard {
    _Alignas(64) _Atomic(int64_t) value[KH_METRICS]; /* sums; of histograms: microseconds */
    _Atomic(int64_t) bucket[SLOTS][BUCKETS];
} shards[SHARDS];

static _Atomic(unsigned) next_shard;

static struct shard *mine(void)
{
    static _Thread_local struct shard *own;

    if (!own)
        own = &shards[atomic_fetch_add_explicit(&next_shard, 1, memory_order_relaxed) % SHARDS];
    return own;
}

void kh_count(enum kh_metric m, int64_t n)
{
    atomic_fetch_add_explicit(&mine()->value[m], n, memory_order_relaxed);
}

void kh_observe(enum kh_metric m, int64_t us)
{
    struct shard *s = mine();
    size_t i = 0;

    while (i < BUCKETS - 1 && us > bounds_us[i])
        i++;
    atomic_fetch_add_explicit(&s->value[m], us, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->bucket[slot_of[m]][i], 1, memory_order_relaxed);
}

static int64_t value_sum(enum kh_metric m)
{
    int64_t n = 0;

    for (size_t i = 0; i < SHARDS; i++)
        n += atomic_load_explicit(&shards[i].value[m], memory_order_relaxed);
    return n;
}

static int64_t bucket_sum(enum kh_metric m, size_t bucket)
{
    int64_t n = 0;

    for (size_t i = 0; i < SHARDS; i++)
        n += atomic_load_explicit(&shards[i].bucket[slot_of[m]][bucket], memory_order_relaxed);
    return n;
}

int64_t kh_metric_sum(enum kh_metric m)
{
    int64_t n = 0;

    if (rows[m].kind != TIME)
        return value_sum(m);
    for (size_t i = 0; i < BUCKETS; i++)
        n += bucket_sum(m, i);
    return n;
}

static void put_head(struct kh_buf *out, const char *kind, const char *name, const char *help)
{
    kh_buf_strf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
}

static void put_histogram(struct kh_buf *out, enum kh_metric m)
{
    const struct row *r = &rows[m];
    int64_t all = 0, us = value_sum(m);

    for (size_t i = 0; i < BUCKETS; i++) {
        all += bucket_sum(m, i);
        kh_buf_strf(out, "%s_bucket{%s%sle=\"%s\"} %lld\n", r->name, r->labels,
                    r->labels[0] ? "," : "", i < BUCKETS - 1 ? bounds_text[i] : "+Inf",
                    (long long)all);
    }
    kh_buf_strf(out, "%s_sum %lld.%06lld\n%s_count %lld\n", r->name, (long long)(us / 1000000),
                (long long)(us % 1000000), r->name, (long long)all);
}

void kh_metrics_text(struct kh_buf *out)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};

    for (enum kh_metric m = 0; m < KH_METRICS; m++) {
        const struct row *r = &rows[m];

        if (m == 0 || strcmp(r->name, rows[m - 1].name) != 0)
            put_head(out, kinds[r->kind], r->name, r->help);
        if (r->kind == TIME)
            put_histogram(out, m);
        else
            kh_buf_strf(out, "%s%s%s%s %lld\n", r->name, r->labels[0] ? "{" : "", r->labels,
                        r->labels[0] ? "}" : "", (long long)value_sum(m));
    }
}

void kh_metrics_sample(struct kh_buf *out, const char *kind, const char *name, const char *help,
                       int64_t value)
{
    put_head(out, kind, name, help);
    kh_buf_strf(out, "%s %lld\n", name, (long long)value);
}
