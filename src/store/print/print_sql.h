/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store/print/print_sql -- the statements of table print.
 */
#ifndef KH_STORE_PRINT_PRINT_SQL_H
#define KH_STORE_PRINT_PRINT_SQL_H

#include "store/store.h"

struct kh_print_row {
    struct kh_str key, definition;
};

KH_CHECK
bool kh_print_sql_put(struct kh_tx *tx, struct kh_str key, struct kh_str pack, struct kh_str type,
                      struct kh_str definition, struct kh_error *err);
/** Definitions for a type, by key; texts in the arena. */
KH_CHECK
bool kh_print_sql_list(struct kh_tx *tx, struct kh_arena *a, struct kh_str type,
                       struct kh_print_row **ret, size_t *ret_n, struct kh_error *err);

#endif
