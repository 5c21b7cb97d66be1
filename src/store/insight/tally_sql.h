/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store/insight -- the statements of indicators and their tallies.
 */
#ifndef KH_STORE_TALLY_SQL_H
#define KH_STORE_TALLY_SQL_H

#include "store/store.h"

struct kh_indicator_sql_row {
    struct kh_str key, definition;
    int64_t seq;
};

struct kh_tally_sql_row {
    struct kh_str cut, cell, measure;
    double n;
};

/** Add or replace a definition; a changed one is counted anew from the first event. */
KH_CHECK
bool kh_indicator_sql_put(struct kh_tx *tx, struct kh_str key, struct kh_str pack,
                          struct kh_str definition, struct kh_error *err);
KH_CHECK
bool kh_indicator_sql_list(struct kh_tx *tx, struct kh_arena *a, struct kh_indicator_sql_row **ret,
                           size_t *ret_n, struct kh_error *err);
/** Move on from one event to another: KH_MISS if somebody else has moved meanwhile. */
KH_CHECK
enum kh_hit kh_indicator_sql_advance(struct kh_tx *tx, struct kh_str key, int64_t from_seq,
                                     int64_t to_seq, struct kh_error *err);
KH_CHECK
bool kh_tally_sql_add(struct kh_tx *tx, struct kh_str indicator, const struct kh_tally_sql_row *t,
                      struct kh_error *err);
KH_CHECK
bool kh_tally_sql_clear(struct kh_tx *tx, struct kh_str indicator, struct kh_error *err);
/** Cells of one cut with lo <= cell < hi, in order. */
KH_CHECK
bool kh_tally_sql_list(struct kh_tx *tx, struct kh_arena *a, struct kh_str indicator,
                       struct kh_str cut, struct kh_str lo, struct kh_str hi,
                       struct kh_tally_sql_row **ret, size_t *ret_n, struct kh_error *err);

#endif
