/* SPDX-License-Identifier: Apache-2.0 */
/**
 * walk_int -- a list along indexes: what its walks are, and how they become one page.
 *
 *   ways.c   which walks answer the list: one for each value where that keeps its order
 *   walk.c   runs them a little at a time and merges them
 *
 * Owns   the shapes of a walk in progress.
 * Used   by ways.c, walk.c; list.c asks whether an index leads in an order.
 */
#ifndef KH_REGISTRY_WALK_INT_H
#define KH_REGISTRY_WALK_INT_H

#include "engine/registry/list_int.h"

/** Values that a walk fixes, one per column at most; NULL: the rows without one. */
struct kh_fixed {
    bool is[KH_RCOLS_MAX];
    struct kh_rval v[KH_RCOLS_MAX];
};

/** A row that was found and not shown yet. */
struct kh_walk_hit {
    struct kh_rval sort;
    struct kh_rrow row;
};

/** One walk: its rows come in the order of the list. */
struct kh_branch {
    struct kh_rwalk w;
    struct kh_rval eq[KH_RINDEX_COLS];
    struct kh_rconj access;
    struct kh_walk_hit *hits; /**< at..n are still to be merged */
    size_t at, n, cap;
    int64_t seen, chunk; /**< rows looked at; rows that the next statement may look at */
    bool ended;          /**< nothing comes after its hits */
    bool spent;          /**< it may look at no more rows: how far it came is `last` */
    struct kh_rval last;
    int64_t last_id;
};

/** The walks of one round. A round is a part of the list that comes before all of the next. */
struct kh_walks {
    struct kh_ask *k;
    int sort;             /**< column that orders the walks, or -1: by id */
    int base;             /**< column that all rows of the round have the same value in, or -1 */
    struct kh_rval value; /**< that value */
    bool has_after;       /**< go on after `after` and after_id */
    struct kh_rval after;
    int64_t after_id;
    struct kh_branch **b;
    size_t n, cap;
    size_t want;        /**< hits that are still to be found */
    int64_t seen;       /**< rows looked at by all rounds */
    struct kh_cursor c; /**< of what was shown last */
};

/** How an index leads in the order of a column. */
enum kh_lead {
    KH_LEAD_NONE,
    KH_LEAD_WHOLE, /**< it is the last of an index whose first columns are given */
    KH_LEAD_STEPS, /**< others follow it: value by value */
};

/** @param ret_index, ret_eq set for STEPS: the index, and how many given columns come first */
enum kh_lead kh_ways_lead(const struct kh_ask *k, int col, int *ret_index, size_t *ret_eq);

/** What filters say of a column: the bounds of its ranges and of its lists. */
struct kh_rspan kh_ways_span(struct kh_ask *k, int col);

/** Values that all rows have by the filters: those of `=`. */
void kh_ways_given(const struct kh_ask *k, struct kh_fixed *ret);

/** Make the walks of a round. @param err FILTER_INVALID (400): more walks than one list may take */
KH_CHECK
bool kh_ways_make(struct kh_walks *ws, struct kh_error *err);

#endif
