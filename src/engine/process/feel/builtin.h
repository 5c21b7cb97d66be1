/* SPDX-License-Identifier: Apache-2.0 */
/**
 * feel/builtin -- the functions of the standard (DMN 1.5 10.3.4), one row per name.
 *
 * Owns   nothing; the table is static.
 * Used   by the parser (names), the evaluator (calls).
 */
#ifndef KH_FEEL_BUILTIN_H
#define KH_FEEL_BUILTIN_H

#include "engine/process/feel/run.h"

/** Arguments in the order of the parameters; one that was not given is null and not among n. */
struct feel_args {
    struct feel_run *r;
    const struct kh_feel_value *v;
    size_t n;
    int builtin;
    int signature; /**< which of the parameter lists of the row, from 0 */
    uint32_t at;
};

/** Put the result into *ret (null before the call). @return false only to end the evaluation */
typedef bool (*feel_builtin_fn)(const struct feel_args *args, struct kh_feel_value *ret);

/** Row of a name in canonical form, or -1. */
int feel_builtin_find(struct kh_str name);
struct kh_str feel_builtin_name(int row);
/** Call by position: names NULL; or by name. Null with a message if no signature fits. */
bool feel_builtin_call(struct feel_run *r, int row, const struct kh_feel_value *args,
                       const struct kh_str *names, size_t n, uint32_t at,
                       struct kh_feel_value *ret);
/** Number of parameters if the row has one fixed list, else -1. */
int feel_builtin_arity(int row);

/* The functions. Rows of one name declare it more than once, which C allows. */
#define F(fn, name, params, least, most)                                                           \
    bool fn(const struct feel_args *args, struct kh_feel_value *ret);
#include "engine/process/feel/builtin.def"
#undef F

/* ---- for the functions: an argument of a kind, a singleton list unwrapped ---- */

/** @return false, after a message, if argument i is not of the kind */
bool feel_arg(const struct feel_args *args, size_t i, enum kh_feel_kind kind,
              struct kh_feel_value *ret);
bool feel_arg_str(const struct feel_args *args, size_t i, struct kh_str *ret);
bool feel_arg_num(const struct feel_args *args, size_t i, struct kh_dec *ret);
bool feel_arg_int(const struct feel_args *args, size_t i, int64_t *ret);
/** A list; any other value but null becomes a list of one. */
bool feel_arg_list(const struct feel_args *args, size_t i, struct kh_feel_value *ret);
/** The elements: of the only argument if it is a list, else the arguments themselves. */
bool feel_arg_items(const struct feel_args *args, struct kh_feel_value *ret);
/** Say why the result is null. @return true, so that a function can `return feel_domain(...)` */
bool feel_domain(const struct feel_args *args, const char *en, const char *vi);

#endif
