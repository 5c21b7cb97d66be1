/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdio.h>

struct kh_buf kh_buf(struct kh_arena *a, size_t max)
{
    return (struct kh_buf){.a = a, .max = max};
}

void kh_buf_grow(struct kh_buf *b, size_t more)
{
    size_t want = b->n + more, cap = b->cap ? b->cap : 256;
    char *p;

    if (b->full || more > b->max || want > b->max) {
        b->full = true;
        b->cap = b->n; /* nothing fits any more, so later writes stay out too */
        return;
    }
    while (cap < want)
        cap *= 2;
    if (cap > b->max)
        cap = b->max;
    p = kh_alloc(b->a, cap); /* zeroed: who reads it as text finds its end */
    if (b->n)
        memcpy(p, b->p, b->n);
    b->p = p;
    b->cap = cap;
}

void kh_buf_strf(struct kh_buf *b, const char *fmt, ...)
{
    char small[256];
    va_list ap, again;
    int n;

    va_start(ap, fmt);
    va_copy(again, ap);
    n = vsnprintf(small, sizeof(small), fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof(small))
        kh_buf_add(b, small, (size_t)n);
    else if (n >= 0)
        kh_buf_str(b, kh_strfv(b->a, fmt, again));
    va_end(again);
}

void kh_buf_int(struct kh_buf *b, int64_t v)
{
    char z[24], *p = z + sizeof(z);
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

    do
        *--p = (char)('0' + u % 10);
    while ((u /= 10) != 0);
    if (v < 0)
        *--p = '-';
    kh_buf_add(b, p, (size_t)(z + sizeof(z) - p));
}
