/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base/buf -- a growing run of bytes with a ceiling.
 *
 * Owns   room in the arena that it was born in.
 * Used   by writers of JSON, XML, HTTP and SQL parameters.
 * Never  grows past its ceiling: it then keeps what it has and says so in `full`.
 */
#ifndef KH_BASE_BUF_H
#define KH_BASE_BUF_H

#include "base/kh.h"

struct kh_buf {
    struct kh_arena *a;
    char *p;
    size_t n, cap, max;
    bool full; /**< something did not fit; what was written before is intact */
};

/** Start an empty buffer; max is its ceiling in bytes. */
struct kh_buf kh_buf(struct kh_arena *a, size_t max);

void kh_buf_grow(struct kh_buf *b, size_t more);
void kh_buf_strf(struct kh_buf *b, const char *fmt, ...) KH_PRINTF(2, 3);
void kh_buf_int(struct kh_buf *b, int64_t v);

static inline void kh_buf_add(struct kh_buf *b, const void *p, size_t n)
{
    if (b->cap - b->n < n)
        kh_buf_grow(b, n);
    if (b->cap - b->n < n)
        return;
    if (n)
        memcpy(b->p + b->n, p, n);
    b->n += n;
}

static inline void kh_buf_str(struct kh_buf *b, struct kh_str s)
{
    kh_buf_add(b, s.p, s.n);
}

static inline void kh_buf_z(struct kh_buf *b, const char *z)
{
    kh_buf_add(b, z, strlen(z));
}

static inline void kh_buf_c(struct kh_buf *b, char c)
{
    kh_buf_add(b, &c, 1);
}

/** What has been written; valid until the next write. */
static inline struct kh_str kh_buf_get(const struct kh_buf *b)
{
    return kh_str(b->p, b->n);
}

#endif
