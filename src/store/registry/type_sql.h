/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store/registry/type_sql -- the declared types and every schema they ever had.
 *
 * Owns   tables rtype, rtype_version.
 * Used   by engine/registry/type_put.c and registry.c.
 */
#ifndef KH_STORE_REGISTRY_TYPE_SQL_H
#define KH_STORE_REGISTRY_TYPE_SQL_H

#include "store/store.h"

struct kh_rtype_row {
    struct kh_str name;
    int64_t version;
    struct kh_str schema; /**< JSON text */
    struct kh_str layout; /**< JSON text: what the table has, see type_put.c */
    int64_t changed_us;
};

/** Every type in the order of names. */
KH_CHECK
bool kh_type_sql_all(struct kh_tx *tx, struct kh_arena *a, struct kh_rtype_row **ret, size_t *ret_n,
                     struct kh_error *err);
KH_CHECK
enum kh_hit kh_type_sql_get(struct kh_tx *tx, struct kh_arena *a, struct kh_str name,
                            struct kh_rtype_row *ret, struct kh_error *err);
/** Insert or replace a type; a new version is kept for ever. */
KH_CHECK
bool kh_type_sql_put(struct kh_tx *tx, const struct kh_rtype_row *row, struct kh_error *err);
/** Replace the layout only. */
KH_CHECK
bool kh_type_sql_layout(struct kh_tx *tx, struct kh_str name, struct kh_str layout,
                        struct kh_error *err);
/** Every schema of one type, oldest first. */
KH_CHECK
bool kh_type_sql_versions(struct kh_tx *tx, struct kh_arena *a, struct kh_str name,
                          struct kh_rtype_row **ret, size_t *ret_n, struct kh_error *err);

#endif
