/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store/registry/list_sql -- walks over the rows of one type in the order of an index.
 *
 * A walk goes along one index from a place on, looks at no more than `limit` rows, and says of each
 * whether it fits the filters and rights that the index itself could not express. So the work of a
 * list is bounded whatever is asked, and the caller knows how far it came. Rights are part of the
 * statement: a row that the reader may not see never leaves the database.
 *
 * Owns   the generated SELECT statements.
 * Used   by engine/registry/walk.c, ways.c, place.c, search.c, past.c.
 */
#ifndef KH_STORE_REGISTRY_LIST_SQL_H
#define KH_STORE_REGISTRY_LIST_SQL_H

#include "store/registry/table_sql.h"

enum kh_rop {
    KH_RO_EQ,
    KH_RO_IN, /**< value.s: JSON array */
    KH_RO_LT,
    KH_RO_LE,
    KH_RO_GT,
    KH_RO_GE,
    KH_RO_UNITS, /**< value.s: JSON array of units; the column is one of them or below one */
    KH_RO_NULL,  /**< no value */
    KH_RO_NONE,  /**< no row */
};

struct kh_rpred {
    enum kh_rop op;
    int col;
    struct kh_rval value;
};

/** All of these. */
struct kh_rconj {
    const struct kh_rpred *preds;
    size_t n;
};

enum kh_rby { KH_RBY_ID, KH_RBY_INDEX, KH_RBY_CELL, KH_RBY_TEXT };

/** A part of the values of a column. */
struct kh_rspan {
    struct kh_rval lo, hi; /**< NULL for none */
    bool lo_open, hi_open; /**< the bound itself does not belong */
};

struct kh_rwalk {
    enum kh_rby by;
    /* INDEX */
    int index;
    const struct kh_rval *eq; /**< values of its first columns; NULL: rows that have none */
    size_t eq_n;
    int sort;                 /**< column that follows them and gives the order, or -1: by id */
    struct kh_rspan span;     /**< of the sort column */
    /* INDEX and ID */
    bool desc;
    /* CELL: text is a JSON array of [lo,hi]; TEXT: an FTS5 or tsquery expression */
    struct kh_str text;
    /* where to go on: strictly after */
    bool has_after;
    struct kh_rval after; /**< sort value or cell */
    int64_t after_id;
    bool all;             /**< closed rows too (ID only) */
    /* what the walk checks on each row */
    const struct kh_rpred *filters;
    size_t filters_n;
    const struct kh_rconj *access; /**< any of these; none means no restriction */
    size_t access_n;
    const double *box;    /**< min lon, min lat, max lon, max lat, or NULL */
    int64_t valid_us;     /**< the row must hold then; 0: no matter */
    int64_t limit;        /**< rows to look at */
};

/** A row on the way. */
struct kh_rhit {
    bool match;           /**< else only id and the order are set */
    struct kh_rrow row;   /**< as kh_rtable_get reads it, and place if the type has one */
    struct kh_rval sort;  /**< or the cell */
};

/** @return false to stop the walk */
typedef bool (*kh_rwalk_fn)(void *ctx, const struct kh_rhit *hit);

/** Walk. @param ret_seen rows looked at; less than limit and not stopped means: the end */
KH_CHECK
bool kh_rwalk_run(struct kh_tx *tx, struct kh_rtable *t, struct kh_arena *a,
                  const struct kh_rwalk *w, kh_rwalk_fn fn, void *ctx, int64_t *ret_seen,
                  struct kh_error *err);

/** Which values of a column are asked for: the one that follows the first eq_n of an index. */
struct kh_rvalues {
    int index;
    const struct kh_rval *eq; /**< as in a walk */
    size_t eq_n;
    struct kh_rspan span;
    bool desc;
    size_t max;
};

/** The different values that rows have there, in order; NULL is not told. They cost a leap each,
 *  however many rows share them. @param ret room for v->max */
KH_CHECK
bool kh_rwalk_values(struct kh_tx *tx, struct kh_rtable *t, struct kh_arena *a,
                     const struct kh_rvalues *v, struct kh_rval *ret, size_t *ret_n,
                     struct kh_error *err);

/** What the database says of its way through a walk, for tests. */
KH_CHECK
bool kh_rwalk_explain(struct kh_tx *tx, struct kh_rtable *t, struct kh_arena *a,
                      const struct kh_rwalk *w, struct kh_str *ret_plan, struct kh_error *err);
KH_CHECK
bool kh_rvalues_explain(struct kh_tx *tx, struct kh_rtable *t, struct kh_arena *a,
                        const struct kh_rvalues *v, struct kh_str *ret_plan, struct kh_error *err);

#endif
