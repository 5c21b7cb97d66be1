/* SPDX-License-Identifier: Apache-2.0 */
/**
 * registry/schema/check -- one run of a compiled schema over one value, shared by check.c (what is
 * wrong) and say.c (how to say it).
 */
#ifndef KH_REGISTRY_SCHEMA_CHECK_H
#define KH_REGISTRY_SCHEMA_CHECK_H

#include "engine/registry/schema/program.h"

/** Where in the value the run stands; on the C stack, outermost has up NULL. */
struct path {
    const struct path *up;
    struct kh_str key; /**< p NULL: index */
    size_t index;
};

/** A resource that the run has entered; for $dynamicRef. */
struct scope {
    const struct resource *resource;
    const struct scope *up;
};

struct run {
    const struct kh_schema *s;
    struct kh_arena *a;
    struct kh_issues *issues; /**< NULL while only the verdict counts */
    struct kh_str at;         /**< put before every pointer */
    const struct kh_json *value;
    struct kh_regex_room room;
    const struct scope *scope;
    uint64_t steps, steps_max;
    unsigned depth;
    unsigned explaining;
    bool broken; /**< a limit was reached: the verdict is "no" */
};

/* Each adds an issue and returns false. Only called while r->issues is set. */
bool say_type(struct run *r, const struct path *p, unsigned types);
bool say_enum(struct run *r, const struct path *p, const struct kh_json *list);
bool say_const(struct run *r, const struct path *p, const struct kh_json *v);
/** A keyword with its bound as the schema has it: minimum, multipleOf, pattern, ... */
bool say_bound(struct run *r, const struct path *p, const char *code, struct kh_str bound);
/** A keyword that limits a count: minLength, maxItems, ... */
bool say_count(struct run *r, const struct path *p, const char *code, uint64_t bound,
               uint64_t have);
bool say_format(struct run *r, const struct path *p, const struct kh_format *f);
/** dependentRequired has the name of the cause, others an empty one. */
bool say_missing(struct run *r, const struct path *p, const char *code, struct kh_str name,
                 struct kh_str cause);
/** A keyword without a bound: not, anyOf, additionalProperties, false, ... */
bool say_plain(struct run *r, const struct path *p, const char *code);
bool say_twice(struct run *r, const struct path *p, size_t first, size_t second);

/** @return true if two elements are equal, and which */
bool kh_schema_twice(const struct kh_json *array, uint64_t seed, size_t *ret_first,
                     size_t *ret_second);

#endif
