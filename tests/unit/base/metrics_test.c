/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metrics.h"

#include <pthread.h>
#include <setjmp.h>

#include <cmocka.h>

static void *count(void *arg)
{
    (void)arg;
    for (int i = 0; i < 10000; i++)
        kh_count(KH_M_HTTP_2XX, 1);
    return NULL;
}

static void adds_up_what_threads_count(void **state)
{
    int64_t before = kh_metric_sum(KH_M_HTTP_2XX);
    pthread_t t[20];

    (void)state;
    for (size_t i = 0; i < KH_LEN(t); i++)
        assert_int_equal(pthread_create(&t[i], NULL, count, NULL), 0);
    for (size_t i = 0; i < KH_LEN(t); i++)
        pthread_join(t[i], NULL);
    assert_int_equal(kh_metric_sum(KH_M_HTTP_2XX) - before, 200000);
}

static void writes_cumulative_buckets(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 20);
    struct kh_buf b = kh_buf(a, 1 << 20);

    (void)state;
    kh_observe(KH_M_OUT_TIME, 90);
    kh_observe(KH_M_OUT_TIME, 1000);
    kh_observe(KH_M_OUT_TIME, 60000000);
    kh_metrics_text(&b);
    kh_buf_c(&b, 0);
    assert_non_null(strstr(b.p, "# TYPE khue_out_call_seconds histogram\n"));
    assert_non_null(strstr(b.p, "khue_out_call_seconds_bucket{le=\"0.0001\"} 1\n"));
    assert_non_null(strstr(b.p, "khue_out_call_seconds_bucket{le=\"0.001\"} 2\n"));
    assert_non_null(strstr(b.p, "khue_out_call_seconds_bucket{le=\"10\"} 2\n"));
    assert_non_null(strstr(b.p, "khue_out_call_seconds_bucket{le=\"+Inf\"} 3\n"));
    assert_non_null(strstr(b.p, "khue_out_call_seconds_sum 60.001090\n"));
    assert_non_null(strstr(b.p, "khue_out_call_seconds_count 3\n"));
    /* One head for all rows of a name. */
    assert_null(strstr(strstr(b.p, "# TYPE khue_http_replies_total") + 1,
                       "# TYPE khue_http_replies_total"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adds_up_what_threads_count),
        cmocka_unit_test(writes_cumulative_buckets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
