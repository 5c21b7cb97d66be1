/* SPDX-License-Identifier: Apache-2.0 */
#include "base/config.h"
#include "fuzz.h"

/* A file is refused with its line, or every number is within its bounds and every text ends. Secrets
 * are not read from files here: "@/path" would open whatever the input names. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kh_str text = kh_str((const char *)data, size);
    struct kh_error err = {0};
    struct kh_config *c;

    if (size && memchr(data, '@', size))
        return 0;
    c = kh_config_new();
    if (!kh_config_text(c, "fuzz", text, &err)) {
        FUZZ_CHECK(err.code == KH_EC_CONFIG_INVALID && strstr(err.detail, "fuzz"));
    } else {
        for (size_t i = 0; kh_config_row(i); i++) {
            const struct kh_config_row *r = kh_config_row(i);
            const char *field = (const char *)c + r->offset;

            if (r->kind == KH_CONFIG_TEXT) {
                const struct kh_str *s = (const struct kh_str *)(const void *)field;

                FUZZ_CHECK(s->p && s->p[s->n] == '\0' && (int64_t)s->n <= r->max);
            } else {
                int64_t n = *(const _Atomic(int64_t) *)(const void *)field;

                FUZZ_CHECK(n >= r->min && n <= r->max);
            }
        }
    }
    kh_config_drop(c);
    return 0;
}
