/* SPDX-License-Identifier: Apache-2.0 */
/* The chain hash of a record: every write is hashed over the one before, over what it moved into
 * record_version and closed there, and over the row that holds since. The event of the write carries
 * it, so that verification can make it anew from the rows and see which of them was touched. */
#include "engine/registry/registry_int.h"

#include "base/hash.h"

static void put_ints(struct kh_sha256_ctx *c, const int64_t *v, size_t n)
{
    unsigned char out[16 * 8];
    size_t at = 0;

    KH_REQUIRE(n <= 16);
    for (size_t i = 0; i < n; i++)
        for (int shift = 56; shift >= 0; shift -= 8)
            out[at++] = (unsigned char)((uint64_t)v[i] >> shift);
    kh_sha256_add(c, kh_str((const char *)out, at));
}

static void put_head(struct kh_sha256_ctx *c, struct kh_str type, const struct kh_rrow *row)
{
    const int64_t v[] = {(int64_t)type.n,   row->id,          row->srev,       row->sv,
                         row->valid_from,   row->valid_to,    row->recorded_us,
                         (int64_t)row->data.n};

    kh_sha256_add(c, KH_S("H"));
    put_ints(c, v, KH_LEN(v));
    kh_sha256_add(c, type);
    kh_sha256_add(c, row->data);
}

void kh_state_next(struct kh_str type, const struct kh_rrow *row, const unsigned char *before,
                   const struct kh_rversion *touched, size_t n, unsigned char out[32])
{
    struct kh_sha256_ctx *c = kh_sha256_new();

    kh_sha256_add(c, row->salt);
    if (before)
        kh_sha256_add(c, kh_str((const char *)before, 32));
    for (size_t i = 0; i < n; i++) {
        const struct kh_rversion *s = &touched[i];
        const int64_t v[] = {s->seg,        s->rev,      s->by_rev, s->head,
                             s->sv,         s->valid_from, s->valid_to, s->was_to,
                             s->cut_us,     s->recorded_from, (int64_t)s->data.n};

        if (s->by_rev != row->rev)
            continue;
        kh_sha256_add(c, KH_S("I"));
        put_ints(c, v, KH_LEN(v));
        kh_sha256_add(c, s->data);
    }
    for (size_t i = 0; i < n; i++) {
        const int64_t v[] = {touched[i].seg, touched[i].recorded_to};

        if (touched[i].dead_rev != row->rev)
            continue;
        kh_sha256_add(c, KH_S("K"));
        put_ints(c, v, KH_LEN(v));
    }
    put_head(c, type, row);
    kh_sha256_end(c, out);
}

void kh_state_first(struct kh_str type, const struct kh_rrow *row, unsigned char out[32])
{
    kh_state_next(type, row, NULL, NULL, 0, out);
}
