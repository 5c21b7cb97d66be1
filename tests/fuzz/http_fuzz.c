/* SPDX-License-Identifier: Apache-2.0 */
#include "api/call.h"
#include "api/uri.h"
#include "fuzz.h"

/* What a client writes into fields, addresses and forms. The first line is a field value (and the
 * Content-Type of the form), the rest a body. What is taken lies inside the input or the arena, and
 * decoded text is UTF-8. */
static void check_fields(struct kh_arena *a, struct kh_str field)
{
    struct kh_str rest = field, one, decoded;
    size_t n = 0;

    while (kh_list_next(&rest, &one)) {
        int q = -1;

        FUZZ_CHECK(one.n > 0 && one.p >= field.p && one.p + one.n <= field.p + field.n);
        (void)kh_list_quality(one, &q);
        FUZZ_CHECK(q >= 0 && q <= 1000);
        FUZZ_CHECK(++n <= field.n);
    }
    (void)kh_field_param(a, field, "boundary");
    (void)kh_etag_listed(field, KH_S("W/\"a-1\""));
    for (int form = 0; form < 2; form++)
        if (kh_uri_decode(a, field, form, &decoded)) {
            struct kh_buf b = kh_buf(a, 1 << 20);
            struct kh_str again;

            FUZZ_CHECK(kh_str_utf8(decoded) && decoded.n <= field.n);
            kh_uri_encode(&b, decoded);
            FUZZ_CHECK(kh_uri_decode(a, kh_buf_get(&b), form, &again) && kh_str_eq(again, decoded));
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kh_auto_arena a = kh_arena_new(64 << 20);
    struct kh_str body, line = kh_str_cut(kh_str((const char *)data, size), '\n', &body);
    struct kh_call c = {.a = a};
    struct kh_error err = {0};
    struct kh_part *parts = NULL;
    size_t n = 0;

    check_fields(a, line);
    c.head.cookie = line;
    (void)kh_call_cookie(&c, "khue_session");
    c.head.accept = line;
    (void)kh_call_accepts(&c, "text/html");
    c.head.content_type = line;
    c.body = body;
    if (!kh_call_form(&c, &parts, &n, &err)) {
        FUZZ_CHECK(err.code == KH_EC_REQUEST_MALFORMED || err.code == KH_EC_MEDIA_UNSUPPORTED);
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        FUZZ_CHECK(kh_str_utf8(parts[i].name) && kh_str_utf8(parts[i].filename));
        FUZZ_CHECK(parts[i].value.n <= body.n);
    }
    return 0;
}
