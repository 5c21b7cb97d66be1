/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base/arena -- memory with one lifetime: a request, a job, a message, a loaded pack.
 *
 * Owns   its chunks; there is no per-object free.
 * Used   by every function that makes something.
 * Never  returns NULL. Over its cap an arena goes on (so that callers stay simple) and remembers
 *        it: code that can be made to allocate without bound by its input asks kh_arena_over()
 *        once per step and fails with ARENA_FULL. malloc itself failing ends the process: the
 *        supervisor restarts it and the open transaction never happened (docs/adr/0002).
 */
#ifndef KH_BASE_ARENA_H
#define KH_BASE_ARENA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kh_str;
struct kh_arena;

/** Make an arena; cap_bytes is where kh_arena_over() starts to say true. */
struct kh_arena *kh_arena_new(size_t cap_bytes);

/** Free everything; accepts NULL. */
void kh_arena_drop(struct kh_arena *a);

/** For kh_auto-like use: __attribute__((cleanup(kh_arena_drop_p))) struct kh_arena *a = ... */
void kh_arena_drop_p(struct kh_arena **a);
/** An arena that ends with its scope. */
#define kh_auto_arena __attribute__((cleanup(kh_arena_drop_p))) struct kh_arena *

/** Forget everything and keep a chunk of at most 64 KiB for the next round, so that calls of one size
 *  come to need no malloc; over is false again. */
void kh_arena_reset(struct kh_arena *a);

/** @return n zeroed bytes aligned to 16; never NULL */
void *kh_alloc(struct kh_arena *a, size_t n) __attribute__((alloc_size(2), returns_nonnull));

/** The same with bytes of any value, for what is filled at once. */
void *kh_alloc_raw(struct kh_arena *a, size_t n) __attribute__((alloc_size(2), returns_nonnull));

/** @return room for n elements of size bytes, zeroed; an overflowing product ends the process */
void *kh_alloc_n(struct kh_arena *a, size_t n, size_t size) __attribute__((returns_nonnull));

/** Typed: struct kh_x *x = kh_new(a, struct kh_x); */
#define kh_new(a, type)      ((type *)kh_alloc((a), sizeof(type)))
#define kh_new_n(a, n, type) ((type *)kh_alloc_n((a), (n), sizeof(type)))

/**
 * Grow an array that lives in the arena: returns an array of at least want elements that starts
 * with the have old ones. *cap is read and written. The old array stays where it was.
 */
void *kh_grow(struct kh_arena *a, void *old, size_t have, size_t want, size_t *cap, size_t size)
    __attribute__((returns_nonnull));

/** Copy text into the arena; a NUL follows that n does not count. */
struct kh_str kh_str_dup(struct kh_arena *a, struct kh_str s);

/** Copy text and end it with NUL for libc and library borders. */
char *kh_str_z(struct kh_arena *a, struct kh_str s);

/** Format into the arena. */
struct kh_str kh_strf(struct kh_arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
struct kh_str kh_strfv(struct kh_arena *a, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0), nonnull(2)));

/** @return true if more than the cap has been asked for, or a fault said so */
bool kh_arena_over(const struct kh_arena *a);

/** @return bytes handed out since the start or the last reset */
size_t kh_arena_used(const struct kh_arena *a);

/**
 * Zeroed memory for a large table that lives as long as its owner: a page that nobody touches costs
 * neither time nor memory, which malloc does not promise. Free it with kh_pages_drop and the same n.
 */
void *kh_pages_new(size_t n) __attribute__((returns_nonnull));
void kh_pages_drop(void *p, size_t n);

/** Give the system back what was freed and is kept for the next call. It takes some milliseconds: for
 *  a time when nothing happens. */
void kh_memory_rest(void);

#endif
