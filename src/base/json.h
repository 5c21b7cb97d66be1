/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base/json -- JSON text to a tree in an arena, and back.
 *
 * Owns   nothing; the tree and its strings live in the arena. Numbers keep their text, so decimals
 *        survive unchanged; strings are decoded UTF-8.
 * Used   wherever JSON is read or written; nothing else parses JSON. json_num.h has the decimals.
 * Never  accepts duplicate keys, lone surrogates, U+0000 in strings, bad UTF-8, or anything after
 *        the value (RFC 8259, with the stricter reading of RFC 7493).
 */
#ifndef KH_BASE_JSON_H
#define KH_BASE_JSON_H

#include "base/buf.h"
#include "base/kh.h"

enum kh_json_type {
    KH_JSON_NULL,
    KH_JSON_FALSE,
    KH_JSON_TRUE,
    KH_JSON_NUMBER,
    KH_JSON_STRING,
    KH_JSON_ARRAY,
    KH_JSON_OBJECT,
};

struct kh_json_member;

struct kh_json {
    enum kh_json_type type : 8;
    unsigned room : 8; /**< of kh_json_set and kh_json_push; 0: there is room for n, no more */
    uint32_t n;        /**< elements of an array, members of an object */
    union {
        struct kh_str s;                /**< STRING: decoded; NUMBER: its text */
        struct kh_json *items;          /**< ARRAY */
        struct kh_json_member *members; /**< OBJECT, in the order of the text */
    };
};

struct kh_json_member {
    struct kh_str key;
    struct kh_json value;
};

/** Bounds of one parse. Zero means the default in brackets. */
struct kh_json_limits {
    size_t bytes;   /**< [1 MiB] */
    unsigned depth; /**< [64], at most 1,024: what walks a tree may do so by recursion */
    size_t values;  /**< [200,000] */
    bool nul;       /**< take U+0000 in strings; only for tools that must read any JSON */
};

/**
 * Parse one JSON value.
 *
 * @param a         arena of the tree
 * @param text      UTF-8; need not outlive the call
 * @param limits    NULL for the defaults
 * @param ret_value set only on success
 * @param err       JSON_SYNTAX (400), JSON_DEPTH (400), JSON_TOO_LARGE (413), ARENA_FULL (413);
 *                  the detail says the byte offset, line and column
 */
KH_CHECK
bool kh_json_parse(struct kh_arena *a, struct kh_str text, const struct kh_json_limits *limits,
                   struct kh_json **ret_value, struct kh_error *err);

/** Member of an object by key; NULL if v is NULL, no object, or has no such key. */
const struct kh_json *kh_json_get(const struct kh_json *v, const char *key);
const struct kh_json *kh_json_find(const struct kh_json *v, struct kh_str key);

/** RFC 6901 pointer look-up ("" is v itself); NULL if nothing is there. */
const struct kh_json *kh_json_at(const struct kh_json *v, struct kh_str pointer);

/** The string of a member, or the fallback if it is absent or no string. */
struct kh_str kh_json_str(const struct kh_json *v, const char *key, struct kh_str fallback);
/** The integer of a member (a number without fraction that fits), or the fallback. */
int64_t kh_json_int(const struct kh_json *v, const char *key, int64_t fallback);
double kh_json_num(const struct kh_json *v, const char *key, double fallback);
bool kh_json_bool(const struct kh_json *v, const char *key, bool fallback);

/** @return true if v is a number without fraction (1.0 and 1e2 count) that fits; ret is set */
bool kh_json_as_int(const struct kh_json *v, int64_t *ret_value);
/** @return true if v is a number within double's range; ret is set to the nearest double */
bool kh_json_as_double(const struct kh_json *v, double *ret_value);
static inline bool kh_json_is(const struct kh_json *v, enum kh_json_type t)
{
    return v && v->type == t;
}

/** Equality as JSON Schema and FEEL mean it: 1 = 1.0 = 10e-1, member order does not count. */
bool kh_json_eq(const struct kh_json *a, const struct kh_json *b);

/** Builders; every piece lives in the arena. Strings are borrowed unless said otherwise. */
struct kh_json *kh_json_new(struct kh_arena *a, enum kh_json_type type);
struct kh_json *kh_json_new_str(struct kh_arena *a, struct kh_str s);
struct kh_json *kh_json_new_int(struct kh_arena *a, int64_t v);
struct kh_json *kh_json_new_double(struct kh_arena *a, double v);
/** Set or replace a member; the key is borrowed, the value copied shallowly. Setting, unsetting
 *  and pushing move members: what kh_json_get gave before does not count any more. */
void kh_json_set(struct kh_arena *a, struct kh_json *object, struct kh_str key,
                 const struct kh_json *value);
/** Remove a member if it is there. */
void kh_json_unset(struct kh_json *object, struct kh_str key);
void kh_json_push(struct kh_arena *a, struct kh_json *array, const struct kh_json *value);

/** Deep copy, for a change that must not touch the original or for another arena. */
struct kh_json *kh_json_dup(struct kh_arena *a, const struct kh_json *v);

/** RFC 7396: a copy of target with patch applied. */
struct kh_json *kh_json_merge(struct kh_arena *a, const struct kh_json *target,
                              const struct kh_json *patch);

/** Write v compactly; members in their order. */
void kh_json_write(struct kh_buf *b, const struct kh_json *v);
struct kh_str kh_json_text(struct kh_arena *a, const struct kh_json *v);

/** Write RFC 8785-like canonical text (keys sorted by code point, numbers as they came): for
 *  hashes. */
void kh_json_canon(struct kh_buf *b, const struct kh_json *v);

/** Write s as a JSON string with quotes. */
void kh_json_quote(struct kh_buf *b, struct kh_str s);

/**
 * A writer for replies: puts the commas, checks nothing. Begin with kh_jw(&buf).
 * kh_jw_obj(&w); kh_jw_key(&w, "id"); kh_jw_str(&w, id); kh_jw_end(&w);
 */
struct kh_jw {
    struct kh_buf *b;
    unsigned depth; /**< at most 63 */
    uint64_t comma; /**< bit per depth: a value was written before */
    uint64_t array; /**< bit per depth: an array, else an object */
    bool after_key;
};
struct kh_jw kh_jw(struct kh_buf *b);
void kh_jw_obj(struct kh_jw *w);
void kh_jw_arr(struct kh_jw *w);
void kh_jw_end(struct kh_jw *w);
void kh_jw_key(struct kh_jw *w, const char *key);
void kh_jw_keys(struct kh_jw *w, struct kh_str key);
void kh_jw_str(struct kh_jw *w, struct kh_str s);
void kh_jw_z(struct kh_jw *w, const char *z);
void kh_jw_int(struct kh_jw *w, int64_t v);
/** Shortest text that reads back as the same double; null if not finite. */
void kh_jw_double(struct kh_jw *w, double v);
void kh_jw_bool(struct kh_jw *w, bool v);
void kh_jw_null(struct kh_jw *w);
void kh_jw_json(struct kh_jw *w, const struct kh_json *v);
/** JSON text that is known to be well formed (a stored document). */
void kh_jw_raw(struct kh_jw *w, struct kh_str json);

/** key + value in one line: KH_JW_STR(&w, "id", id) */
#define kh_jw_kstr(w, k, s)  (kh_jw_key((w), (k)), kh_jw_str((w), (s)))
#define kh_jw_kz(w, k, z)    (kh_jw_key((w), (k)), kh_jw_z((w), (z)))
#define kh_jw_kint(w, k, v)  (kh_jw_key((w), (k)), kh_jw_int((w), (v)))
#define kh_jw_kbool(w, k, v) (kh_jw_key((w), (k)), kh_jw_bool((w), (v)))

#endif
