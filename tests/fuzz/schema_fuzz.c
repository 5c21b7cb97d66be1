/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/registry/schema/schema.h"
#include "fuzz.h"

/* Input: a schema and a value, as one JSON object {"schema":..., "instance":...}. Whatever the
 * schema, the check ends, tells issues exactly if the value is not valid, and each pointer names
 * something in the value or a member that is missing there. */

static void check_pointer(const struct kh_json *v, struct kh_str pointer)
{
    size_t n = pointer.n;

    FUZZ_CHECK(n == 0 || pointer.p[0] == '/');
    while (n && pointer.p[n - 1] != '/')
        n--;
    if (!kh_json_at(v, pointer))
        FUZZ_CHECK(n && kh_json_is(kh_json_at(v, kh_str(pointer.p, n - 1)), KH_JSON_OBJECT));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kh_auto_arena a = kh_arena_new((size_t)1 << 26);
    struct kh_json_limits limits = {.bytes = 65536};
    const struct kh_json *schema, *value;
    struct kh_issues issues = {0};
    struct kh_schema *s = NULL;
    struct kh_error err = {0};
    struct kh_json *v = NULL;
    bool valid;

    if (!kh_json_parse(a, kh_str((const char *)data, size), &limits, &v, &err))
        return 0;
    schema = kh_json_get(v, "schema");
    value = kh_json_get(v, "instance");
    if (!schema || !value)
        return 0;
    if (!kh_schema_compile(a, schema, NULL, &s, &err)) {
        FUZZ_CHECK(err.code == KH_EC_SCHEMA_INVALID && err.issues && err.issues->n);
        return 0;
    }
    valid = kh_schema_check(s, a, value, KH_S(""), &issues);
    FUZZ_CHECK(valid == (issues.n == 0));
    for (size_t i = 0; i < issues.n; i++)
        check_pointer(value, issues.items[i].pointer);
    /* Saying what is wrong takes steps of its own, so only then the limit may differ. */
    if (valid || !kh_str_is(issues.items[issues.n - 1].code, "limit"))
        FUZZ_CHECK(kh_schema_check(s, a, value, KH_S(""), NULL) == valid);
    kh_schema_drop(s);
    return 0;
}
