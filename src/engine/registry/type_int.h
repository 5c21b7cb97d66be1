/* SPDX-License-Identifier: Apache-2.0 */
/**
 * type_int -- a schema on its way to a type.
 *
 *   type.c         the whole way, and everything wrong with it at once
 *   type_field.c   properties -> fields         type_root.c   keys, numbers, rules, computed fields
 *   type_access.c  x-kh.access -> rules         type_shape.c  columns and indexes of the table
 *
 * Owns   struct kh_maker.
 * Used   by the files above only.
 */
#ifndef KH_REGISTRY_TYPE_INT_H
#define KH_REGISTRY_TYPE_INT_H

#include "engine/registry/registry_int.h"

struct kh_maker {
    struct kh_arena *a; /**< of the issues */
    struct kh_type *t;
    struct kh_issues *issues;
    const struct kh_json *kh;                 /**< "x-kh" of the root */
    uint64_t want[(KH_FIELDS_MAX + 63) / 64]; /**< fields that need a column */
};

/* ---- type.c ---- */

/** Say what is wrong at a place of the schema. */
void kh_maker_issue(struct kh_maker *m, struct kh_str pointer, const char *vi, const char *en);
/** Is this a name of a type, or of a field that may have a column? */
bool kh_type_name_ok(struct kh_str s);

/* ---- type_field.c ---- */

bool kh_level_parse(struct kh_str s, enum kh_level_of *ret);
/** The place of an annotation of a field, or of all of them: what is "". */
struct kh_str kh_maker_field_at(struct kh_maker *m, const struct kh_field *f, const char *what);
/** The field needs a column. */
void kh_maker_want(struct kh_maker *m, int field);
bool kh_maker_wants(const struct kh_maker *m, size_t field);
/** Say which of the words of kh are not among those that there are. */
void kh_maker_words(struct kh_maker *m, const struct kh_json *kh, const char *const *words,
                    size_t n, struct kh_str at);
/** Say where annotations stand deeper than they may. */
void kh_type_check_deep(struct kh_maker *m, const struct kh_json *v, struct kh_str at,
                        unsigned depth);
void kh_type_read_field(struct kh_maker *m, struct kh_field *f, const struct kh_json_member *p);

/* ---- type_root.c ---- */

/** A field named in an annotation, which may need a column; -1 and an issue if there is none that
 *  fits. */
int kh_maker_named(struct kh_maker *m, const struct kh_json *v, const char *what, bool column);
void kh_type_read_root(struct kh_maker *m);

/* ---- type_access.c ---- */

void kh_type_read_access(struct kh_maker *m);

/* ---- type_shape.c ---- */

/** Settle columns and indexes, and make the table. layout is what the last version had, or "". */
KH_CHECK
bool kh_type_make_shape(struct kh_maker *m, struct kh_store *st, struct kh_str layout,
                        struct kh_error *err);

#endif
