/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/json_num.h"
#include "fuzz.h"

/* What is read can be written, read again and is the same; so are its copies. */

static struct kh_str text_of(struct kh_arena *a, const struct kh_json *v, bool canonical)
{
    struct kh_buf b = kh_buf(a, SIZE_MAX / 4);

    if (canonical)
        kh_json_canon(&b, v);
    else
        kh_json_write(&b, v);
    return kh_buf_get(&b);
}

static void check_numbers(const struct kh_json *v)
{
    struct kh_num x;
    int64_t i;
    double d;

    if (v->type == KH_JSON_ARRAY)
        for (uint32_t k = 0; k < v->n; k++)
            check_numbers(&v->items[k]);
    if (v->type == KH_JSON_OBJECT)
        for (uint32_t k = 0; k < v->n; k++)
            check_numbers(&v->members[k].value);
    if (v->type != KH_JSON_NUMBER)
        return;
    FUZZ_CHECK(kh_num_parse(v->s, &x));
    FUZZ_CHECK(kh_num_cmp(&x, &x) == 0);
    if (kh_json_as_int(v, &i)) {
        FUZZ_CHECK(kh_num_is_int(&x));
        FUZZ_CHECK(kh_json_as_double(v, &d) && d == (double)i);
    }
    if (!kh_num_zero(&x) && x.head.n + x.tail.n <= KH_NUM_DIVISOR_DIGITS)
        FUZZ_CHECK(kh_num_multiple(&x, &x));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kh_auto_arena a = kh_arena_new((size_t)1 << 26);
    struct kh_error err = {0};
    struct kh_json *v = NULL, *again = NULL, *back = NULL;
    struct kh_str text, canonical;

    if (!kh_json_parse(a, kh_str((const char *)data, size), NULL, &v, &err)) {
        FUZZ_CHECK(err.code == KH_EC_JSON_SYNTAX || err.code == KH_EC_JSON_DEPTH ||
                   err.code == KH_EC_JSON_TOO_LARGE || err.code == KH_EC_ARENA_FULL);
        return 0;
    }
    FUZZ_CHECK(kh_str_utf8(kh_str((const char *)data, size)));
    text = text_of(a, v, false);
    FUZZ_CHECK(kh_json_parse(a, text, NULL, &again, &err));
    FUZZ_CHECK(kh_json_eq(v, again));
    FUZZ_CHECK(kh_str_eq(text, text_of(a, again, false)));
    canonical = text_of(a, v, true);
    FUZZ_CHECK(kh_json_parse(a, canonical, NULL, &back, &err));
    FUZZ_CHECK(kh_json_eq(v, back) && kh_str_eq(canonical, text_of(a, back, true)));
    FUZZ_CHECK(kh_json_eq(v, kh_json_dup(a, v)));
    check_numbers(v);
    return 0;
}
