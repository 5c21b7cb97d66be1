/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_index.h"

#include <charconv>
#include <memory>
#include <simdjson.h>
#include <system_error>

namespace
{

using indexer = simdjson::internal::dom_parser_implementation;

constexpr size_t kept_bytes = 64 * 1024;

/* The second stage of simdjson is never run, so its depth does not matter. */
std::unique_ptr<indexer> make(size_t capacity)
{
    std::unique_ptr<indexer> ix;

    if (simdjson::get_active_implementation()->create_dom_parser_implementation(capacity, 1, ix))
        ix.reset();
    return ix;
}

indexer *of_thread(size_t n)
{
    static thread_local std::unique_ptr<indexer> kept;

    if (!kept || kept->capacity() < n) {
        size_t capacity = kept ? kept->capacity() : 4096;

        while (capacity < n)
            capacity *= 2;
        kept = make(capacity);
    }
    return kept.get();
}

} // namespace

enum kh_json_scan kh_json_index_scan(const char *text, size_t n, struct kh_json_index *ret)
{
    indexer *ix;

    *ret = {nullptr, 0, nullptr};
    if (n == 0)
        return KH_SCAN_EMPTY;
    if (n > kept_bytes)
        ret->own = ix = make(n).release();
    else
        ix = of_thread(n);
    if (!ix)
        return KH_SCAN_FULL;
    switch (
        ix->stage1(reinterpret_cast<const uint8_t *>(text), n, simdjson::stage1_mode::regular)) {
    case simdjson::SUCCESS:
        ret->at = ix->structural_indexes.get();
        ret->n = ix->n_structural_indexes;
        ix->structural_indexes[ret->n] = static_cast<uint32_t>(n);
        return KH_SCAN_OK;
    case simdjson::EMPTY:
        return KH_SCAN_EMPTY;
    case simdjson::UTF8_ERROR:
        return KH_SCAN_UTF8;
    case simdjson::UNESCAPED_CHARS:
        return KH_SCAN_CONTROL;
    case simdjson::UNCLOSED_STRING:
        return KH_SCAN_UNCLOSED;
    default:
        return KH_SCAN_FULL;
    }
}

void kh_json_index_drop(struct kh_json_index *ix)
{
    delete static_cast<indexer *>(ix->own);
    *ix = {nullptr, 0, nullptr};
}

size_t kh_double_put(char out[32], double v)
{
    return static_cast<size_t>(std::to_chars(out, out + 32, v).ptr - out);
}

int kh_double_get(const char *p, size_t n, double *ret)
{
    double v = 0;
    std::from_chars_result r = std::from_chars(p, p + n, v);

    if (r.ec == std::errc::result_out_of_range) {
        /* The library does not say in which direction. The first significant digit and the sign
         * of the exponent do: nothing else leaves the range within a readable text. */
        bool seen = false, fraction = false, small = false;

        for (size_t i = 0; i < n; i++) {
            if (p[i] == '.')
                fraction = true;
            if (p[i] >= '1' && p[i] <= '9' && !seen) {
                seen = true;
                small = fraction;
            }
            if (p[i] == 'e' || p[i] == 'E') {
                small = i + 1 < n && p[i + 1] == '-';
                break;
            }
        }
        return small ? -1 : 1;
    }
    *ret = v;
    return 0;
}
