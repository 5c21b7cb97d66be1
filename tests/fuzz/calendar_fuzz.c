/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"
#include "engine/process/calendar.h"
#include "fuzz.h"

/* Whatever the office hours: work that is added is work that is measured, forth and back. */
static void check(const struct kh_calendar *c, int64_t from, int64_t work)
{
    int64_t to, day;

    if (kh_calendar_shift(c, from, 0, work, &to)) {
        FUZZ_CHECK(kh_calendar_work(c, from, to) == work);
        FUZZ_CHECK(work == 0 || (work > 0 ? to > from : to < from));
    }
    if (kh_calendar_shift(c, from, work / KH_US_H, 0, &day) && work / KH_US_H != 0)
        FUZZ_CHECK(work > 0 ? day > from : day < from);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t froms[] = {0, 1767225600000000, 1789437600000000, 1789439400000001,
                                    4102444800000000};
    static const int64_t works[] = {0, 1, -1, 59999999, 28800000000, -28800000000, 1000000000000};
    kh_auto_arena a = kh_arena_new(64 << 20);
    struct kh_issues issues = {0};
    struct kh_error err = {0};
    struct kh_calendar *c;
    struct kh_json *json;

    if (!kh_json_parse(a, kh_str((const char *)data, size), NULL, &json, &err))
        return 0;
    if (!kh_calendar_compile(a, json, &issues, &c, &err)) {
        FUZZ_CHECK(err.code == KH_EC_BODY_INVALID && issues.n > 0);
        return 0;
    }
    for (size_t i = 0; i < KH_LEN(froms); i++)
        for (size_t k = 0; k < KH_LEN(works); k++)
            check(c, froms[i], works[k]);
    return 0;
}
