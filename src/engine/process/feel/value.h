/* SPDX-License-Identifier: Apache-2.0 */
/**
 * feel/value -- what an expression gives: FEEL's semantic domain.
 *
 * A value is 32 bytes, immutable, and passed by value inside feel/; lists, contexts, ranges and
 * functions point into an arena. Lists and contexts that came as JSON stay JSON until an element is
 * asked for (form FEEL_JSON), so a large record costs only what is read.
 *
 * Owns   nothing.
 * Used   by feel/ and dmn/.
 * Never  changes after it was made.
 */
#ifndef KH_FEEL_VALUE_H
#define KH_FEEL_VALUE_H

#include "engine/process/feel/dec.h"
#include "engine/process/feel/feel.h"

struct feel_entry;
struct feel_fn;
struct feel_range;

/** How a list or context is held. */
enum feel_form { FEEL_OWN, FEEL_JSON };

/** What is known about the distance from UTC. */
enum feel_where { FEEL_LOCAL, FEEL_OFFSET, FEEL_ZONE };

/** A time of day, or a date and time, as the clock on the wall shows it. */
struct feel_when {
    int64_t s;      /**< seconds since midnight, or since 1970-01-01T00:00:00 of the same clock */
    uint32_t ns;    /**< 0..999,999,999 */
    int32_t off;    /**< seconds east of UTC, if where is not FEEL_LOCAL */
    uint16_t zone;  /**< row of the zone table, if where is FEEL_ZONE */
    uint16_t where; /**< enum feel_where */
};

/** A days and time duration: s seconds and ns nanoseconds towards the future. */
struct feel_span {
    int64_t s;
    int64_t ns; /**< 0..999,999,999 */
};

struct kh_feel_value {
    uint8_t kind; /**< enum kh_feel_kind */
    uint8_t form; /**< enum feel_form, of lists and contexts */
    uint16_t set; /**< in a frame: this slot has been filled */
    uint32_t n;   /**< elements or entries */
    union {
        bool b;
        struct kh_dec num;
        struct kh_str s;
        int64_t days;   /**< DATE: since 1970-01-01 */
        int64_t months; /**< YM_DURATION */
        struct feel_span span;
        struct feel_when when; /**< TIME, DATE_TIME */
        const struct kh_feel_value *items;
        const struct feel_entry *entries;
        const struct kh_json *json;
        const struct feel_range *range;
        const struct feel_fn *fn;
    };
};

struct feel_entry {
    struct kh_str key;
    struct kh_feel_value value;
};

/** A range. An absent endpoint (of < 10) is null and not included. */
struct feel_range {
    struct kh_feel_value lo, hi;
    bool lo_in, hi_in;
};

/** Nesting of values that is still compared, written and converted; deeper ones become null. */
enum { FEEL_NEST_MAX = 200 };

/* ---- making ---- */

static inline struct kh_feel_value feel_null(void)
{
    return (struct kh_feel_value){.kind = KH_FEEL_NULL};
}

static inline struct kh_feel_value feel_bool(bool b)
{
    return (struct kh_feel_value){.kind = KH_FEEL_BOOLEAN, .b = b};
}

static inline struct kh_feel_value feel_num(struct kh_dec d)
{
    return (struct kh_feel_value){.kind = KH_FEEL_NUMBER, .num = d};
}

static inline struct kh_feel_value feel_int(int64_t v)
{
    return feel_num(kh_dec_int(v));
}

static inline struct kh_feel_value feel_str(struct kh_str s)
{
    return (struct kh_feel_value){.kind = KH_FEEL_STRING, .s = s};
}

static inline struct kh_feel_value feel_date(int64_t days)
{
    return (struct kh_feel_value){.kind = KH_FEEL_DATE, .days = days};
}

static inline struct kh_feel_value feel_months(int64_t months)
{
    return (struct kh_feel_value){.kind = KH_FEEL_YM_DURATION, .months = months};
}

static inline struct kh_feel_value feel_span(int64_t s, int64_t ns)
{
    return (struct kh_feel_value){.kind = KH_FEEL_DT_DURATION, .span = {s, ns}};
}

static inline struct kh_feel_value feel_when(enum kh_feel_kind kind, struct feel_when w)
{
    return (struct kh_feel_value){.kind = (uint8_t)kind, .when = w};
}

static inline struct kh_feel_value feel_list(const struct kh_feel_value *items, size_t n)
{
    return (struct kh_feel_value){.kind = KH_FEEL_LIST, .n = (uint32_t)n, .items = items};
}

static inline struct kh_feel_value feel_context(const struct feel_entry *entries, size_t n)
{
    return (struct kh_feel_value){.kind = KH_FEEL_CONTEXT, .n = (uint32_t)n, .entries = entries};
}

struct kh_feel_value feel_range(struct kh_arena *a, const struct feel_range *r);
/** One JSON value as a FEEL value, without a copy; temporal tags are read. */
struct kh_feel_value feel_json(const struct kh_json *v);

/* ---- looking ---- */

static inline bool feel_is(struct kh_feel_value v, enum kh_feel_kind kind)
{
    return v.kind == kind;
}

static inline bool feel_true(struct kh_feel_value v)
{
    return v.kind == KH_FEEL_BOOLEAN && v.b;
}

/** Element i (0-based, < n) of a list. */
struct kh_feel_value feel_at(struct kh_feel_value list, size_t i);
/** The value of a key of a context. @return false if it has none */
bool feel_get(struct kh_feel_value context, struct kh_str key, struct kh_feel_value *ret);
/** Entry i (0-based, < n) of a context. */
struct feel_entry feel_entry_at(struct kh_feel_value context, size_t i);

enum feel_bool3 { FEEL_NO, FEEL_YES, FEEL_UNSURE };

/** What bounds a walk through values: hostile ones share parts, so that their size as a tree is
 *  exponential. */
struct feel_budget {
    uint64_t steps; /**< what is left */
    bool over;
};

/** e1 = e2: FEEL_UNSURE is null (different kinds, or too deep). */
enum feel_bool3 feel_eq(struct kh_feel_value x, struct kh_feel_value y, struct feel_budget *b);
/** The same element of the semantic domain: what is() means. */
bool feel_same(struct kh_feel_value x, struct kh_feel_value y, struct feel_budget *b);
/** Order of two comparable values. @return false if they have none; *ret < 0, 0, > 0 */
bool feel_cmp(struct kh_feel_value x, struct kh_feel_value y, int *ret);
/** Steps that comparing x costs beyond the first: long strings are not free. */
static inline uint64_t feel_cmp_cost(struct kh_feel_value x)
{
    return x.kind == KH_FEEL_STRING ? x.s.n / 1024 : 0;
}
/** Is x inside the range? */
enum feel_bool3 feel_in_range(struct kh_feel_value x, const struct feel_range *r);

/** The text that string() gives; of a string the string itself. */
bool feel_text(struct kh_arena *a, struct kh_feel_value v, size_t max, struct feel_budget *b,
               struct kh_str *ret);
/** "number", "days and time duration", ... */
const char *feel_kind_name(enum kh_feel_kind kind);

#endif
