/* SPDX-License-Identifier: Apache-2.0 */
/**
 * process/case -- the record that instances are about, as one call knows it.
 *
 * All runs of a call share one picture of a case: what a step has written, the next one sees without
 * asking the database. A case that is being created stays unborn while the steps at its beginning
 * fill in its fields (unit, class, deadline); it is stored once, when something first has to find it.
 *
 * Owns   nothing beyond the call; records go through engine/registry.
 * Used   by the files of engine/process only; kh_case_create (process.h) is here.
 */
#ifndef KH_PROCESS_CASE_H
#define KH_PROCESS_CASE_H

#include "engine/registry/registry.h"

struct kh_root;

struct kh_case {
    int64_t id;
    const struct kh_type *type;
    struct kh_draft *unborn;      /**< begun and not stored yet; else NULL */
    struct kh_record record;      /**< id 0: not read yet, or there is none */
    struct kh_record written;     /**< the last that this call wrote, whenever it holds */
    const struct kh_json *fields; /**< with its id; NULL until asked for, JSON null: there is none */
    struct kh_case *next;
};

/** The picture of a record; made without a look at the database. */
struct kh_case *kh_root_case(struct kh_root *root, const struct kh_type *type, int64_t id);

/** Fields with the id, or JSON null if the record does not hold now. */
KH_CHECK
bool kh_case_fields(struct kh_root *root, struct kh_case *c, const struct kh_json **ret,
                    struct kh_error *err);

/** Merge fields into the record as the process: its model is the right to do so. */
KH_CHECK
bool kh_case_patch(struct kh_root *root, const struct kh_type *type, int64_t id,
                   const struct kh_json *fields, struct kh_str reason, struct kh_error *err);

/** Store it, if it is unborn. */
KH_CHECK
bool kh_case_birth(struct kh_root *root, struct kh_case *c, struct kh_error *err);

/** Begin a record and its process (if its type has one) within a call that runs already. */
KH_CHECK
bool kh_case_start(struct kh_root *root, const struct kh_draft *draft, struct kh_record *ret,
                   struct kh_error *err);

#endif
