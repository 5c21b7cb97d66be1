/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/file/file.h"
#include "fuzz.h"

/* What is left of a photo or video is a photo or video again, and stripping it once more changes
 * nothing: so no metadata was overlooked the first time. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kh_auto_arena a = kh_arena_new(SIZE_MAX);
    struct kh_error err = {0};
    struct kh_str once, twice;
    const char *type, *type2;
    int w, h, w2, h2;

    if (!kh_media_strip(a, kh_str((const char *)data, size), &once, &type, &w, &h, &err)) {
        FUZZ_CHECK(err.code == KH_EC_FILE_BROKEN || err.code == KH_EC_FILE_TYPE ||
                   err.code == KH_EC_FILE_TOO_LARGE);
        return 0;
    }
    FUZZ_CHECK(w > 0 && h > 0);
    FUZZ_CHECK(once.n <= size + 128);
    FUZZ_CHECK(kh_media_strip(a, once, &twice, &type2, &w2, &h2, &err));
    FUZZ_CHECK(type == type2 && w == w2 && h == h2);
    FUZZ_CHECK(kh_str_eq(once, twice));
    return 0;
}
