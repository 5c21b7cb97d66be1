/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include "base/fault.h"
#include "base/kh.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Under AddressSanitizer every allocation has its own malloc, so that a write past an object is
 * seen even where a chunk would hide it. */
#if defined(__SANITIZE_ADDRESS__)
#define EACH_ITS_OWN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EACH_ITS_OWN 1
#endif
#endif
#ifndef EACH_ITS_OWN
#define EACH_ITS_OWN 0
#endif

/* Chunks double; what is kept over a reset is at most KEPT bytes. */
enum { FIRST_CHUNK = 8192 - 64, KEPT = 65536, ALIGN = 16 };

struct chunk {
    struct chunk *next;
    size_t size, used;
    _Alignas(ALIGN) unsigned char room[];
};

struct kh_arena {
    struct chunk *head; /* newest first */
    size_t cap, used;
    bool over;
};

static void *must(void *p)
{
    if (!p) {
        fputs("khue: out of memory\n", stderr);
        abort();
    }
    return p;
}

static struct chunk *chunk_new(size_t size, struct chunk *next)
{
    struct chunk *c = must(kh_fault("malloc") ? NULL : malloc(sizeof(*c) + size));

    c->next = next;
    c->size = size;
    c->used = 0;
    return c;
}

struct kh_arena *kh_arena_new(size_t cap_bytes)
{
    struct kh_arena *a = must(calloc(1, sizeof(*a)));

    a->cap = cap_bytes;
    return a;
}

static void chunks_free(struct chunk *c)
{
    while (c) {
        struct chunk *next = c->next;

        free(c);
        c = next;
    }
}

void kh_arena_drop(struct kh_arena *a)
{
    if (!a)
        return;
    chunks_free(a->head);
    free(a);
}

void kh_arena_drop_p(struct kh_arena **a)
{
    kh_arena_drop(*a);
    *a = NULL;
}

void kh_arena_reset(struct kh_arena *a)
{
    if (EACH_ITS_OWN) {
        chunks_free(a->head);
        a->head = NULL;
    } else {
        struct chunk *c = a->head;

        a->head = NULL;
        while (c) {
            struct chunk *next = c->next, *spare = c;

            if (c->size <= KEPT && (!a->head || c->size > a->head->size)) {
                spare = a->head;
                a->head = c;
                c->next = NULL;
                c->used = 0;
            }
            free(spare);
            c = next;
        }
    }
    a->used = 0;
    a->over = false;
}

void *kh_pages_new(size_t n)
{
    void *p;

    if (EACH_ITS_OWN)
        return must(calloc(1, n));
    p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return must(p == MAP_FAILED ? NULL : p);
}

void kh_pages_drop(void *p, size_t n)
{
    if (EACH_ITS_OWN)
        free(p);
    else if (p)
        munmap(p, n);
}

void kh_memory_rest(void)
{
#ifdef __GLIBC__
    (void)malloc_trim(0);
#endif
}

void *kh_alloc_raw(struct kh_arena *a, size_t n)
{
    size_t need = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    struct chunk *c = a->head;
    void *p;

    KH_REQUIRE(need >= n);
    if (need == 0)
        need = ALIGN;
    if (kh_fault("alloc"))
        a->over = true;
    a->used += need;
    if (a->used > a->cap)
        a->over = true;
    if (EACH_ITS_OWN) {
        c = chunk_new(n ? n : 1, a->head);
        a->head = c;
        return c->room;
    }
    if (!c || c->size - c->used < need) {
        size_t size = c ? c->size * 2 : FIRST_CHUNK;

        if (size > ((size_t)1 << 20))
            size = (size_t)1 << 20;
        if (size < need)
            size = need;
        c = chunk_new(size, a->head);
        a->head = c;
    }
    p = c->room + c->used;
    c->used += need;
    return p;
}

void *kh_alloc(struct kh_arena *a, size_t n)
{
    return memset(kh_alloc_raw(a, n), 0, n);
}

void *kh_alloc_n(struct kh_arena *a, size_t n, size_t size)
{
    size_t all = 0;

    KH_REQUIRE(!__builtin_mul_overflow(n, size, &all));
    return kh_alloc(a, all);
}

void *kh_grow(struct kh_arena *a, void *old, size_t have, size_t want, size_t *cap, size_t size)
{
    size_t room = *cap ? *cap : 8;
    void *p;

    if (old && want <= *cap)
        return old;
    while (room < want)
        room *= 2;
    p = kh_alloc_n(a, room, size);
    if (have)
        memcpy(p, old, have * size);
    *cap = room;
    return p;
}

struct kh_str kh_str_dup(struct kh_arena *a, struct kh_str s)
{
    char *p = kh_alloc_raw(a, s.n + 1);

    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return kh_str(p, s.n);
}

char *kh_str_z(struct kh_arena *a, struct kh_str s)
{
    char *p = kh_alloc_raw(a, s.n + 1);

    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return p;
}

struct kh_str kh_strfv(struct kh_arena *a, const char *fmt, va_list ap)
{
    va_list again;
    char *p;
    int n;

    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, ap);
    KH_REQUIRE(n >= 0);
    p = kh_alloc_raw(a, (size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return kh_str(p, (size_t)n);
}

struct kh_str kh_strf(struct kh_arena *a, const char *fmt, ...)
{
    struct kh_str s;
    va_list ap;

    va_start(ap, fmt);
    s = kh_strfv(a, fmt, ap);
    va_end(ap);
    return s;
}

bool kh_arena_over(const struct kh_arena *a)
{
    return a->over;
}

size_t kh_arena_used(const struct kh_arena *a)
{
    return a->used;
}
