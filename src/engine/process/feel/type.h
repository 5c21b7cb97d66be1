/* SPDX-License-Identifier: Apache-2.0 */
/**
 * feel/type -- types of the language and of item definitions, and what fits them.
 *
 * Owns   nothing. Source: DMN 1.5 10.3.2.9, 7.3.2.
 * Used   by feel/ (instance of, parameters) and dmn/ (typeRef).
 */
#ifndef KH_FEEL_TYPE_H
#define KH_FEEL_TYPE_H

#include "engine/process/feel/ast.h"

enum feel_type_kind {
    FEEL_T_ANY,
    FEEL_T_NULL,
    FEEL_T_SIMPLE,   /**< simple says which kind */
    FEEL_T_LIST,     /**< of */
    FEEL_T_RANGE,    /**< of */
    FEEL_T_CONTEXT,  /**< fields */
    FEEL_T_FUNCTION, /**< params, of is the result */
    FEEL_T_REF,      /**< of, with constraints of its own */
    FEEL_T_BROKEN,   /**< names no type: instance of gives null */
};

struct feel_field {
    struct kh_str name;
    const struct feel_type *type;
};

struct feel_type {
    enum feel_type_kind kind;
    enum kh_feel_kind simple;
    struct kh_str name; /**< of an item definition, or "" */
    const struct feel_type *of;
    const struct feel_field *fields; /**< also the parameters of a function type */
    size_t fields_n;
    const struct kh_feel *allowed; /**< unary tests that values must pass, or NULL */
};

/** The type behind references. */
const struct feel_type *feel_type_bare(const struct feel_type *t);

/** One of the built-in simple types ("number", "date and time", "Any", ...), or NULL. */
const struct feel_type *feel_type_named(struct kh_str name);

/** Does the value belong to the type (null belongs to none but Null)? depth starts at 0. */
bool feel_type_has(struct feel_run *r, const struct feel_type *t, struct kh_feel_value v);

/** Make v fit: unwrap a singleton list, wrap into one, date to date and time; null if it cannot. */
bool feel_type_coerce(struct feel_run *r, const struct feel_type *t, struct kh_feel_value v,
                      struct kh_feel_value *ret);

#endif
