/* SPDX-License-Identifier: Apache-2.0 */
/**
 * list_int -- a list on its way from the question to the page.
 *
 *   list.c    checks the question, says what cannot be combined, and picks one of the ways:
 *   walk.c    along indexes, newest first or sorted;   place.c  in a box, near a point, in a unit;
 *   search.c  by words, ranked;                        past.c   at another instant;
 *   names_list.c  people by name.
 */
#ifndef KH_REGISTRY_LIST_INT_H
#define KH_REGISTRY_LIST_INT_H

#include "engine/registry/registry_int.h"

enum { KH_PREDS_MAX = 24, KH_RANKS = 16 };

/** Where a page ended. */
struct kh_cursor {
    char mode;             /**< 'w' walk, 'c' cell, 'n' near, 't' text, 'm' names, 'p' past */
    int phase;             /**< walk: 1 among the rows without a sort value; text: rank of its
                                kind; names: 1 not exact */
    struct kh_rval value;  /**< sort value, cell, distance, or key of a name */
    int64_t id;
    int64_t window;        /**< text, names: where the window of candidates began */
};

struct kh_ask {
    struct kh_tx *tx;
    const struct kh_registry *reg;
    struct kh_arena *a;
    const struct kh_type *t;
    const struct kh_list *q;
    struct kh_rpred preds[KH_PREDS_MAX];
    size_t preds_n;
    bool all;                      /**< no restriction by rights */
    struct kh_rconj *conjs;
    size_t conjs_n;
    int sort;                      /**< column, or -1: by id */
    bool desc;
    bool has_after;
    struct kh_cursor after;
    int64_t now;
    size_t limit;
    unsigned char mark[8];         /**< of the question: a cursor of another one is refused */
};

/** Append a record to the page that the arena holds. */
void kh_page_add(struct kh_ask *k, struct kh_page *page, const struct kh_rrow *row);

KH_CHECK
bool kh_cursor_read(struct kh_ask *k, struct kh_error *err);
struct kh_str kh_cursor_text(const struct kh_ask *k, const struct kh_cursor *c);

KH_CHECK
bool kh_list_walk(struct kh_ask *k, struct kh_page *page, struct kh_error *err);
KH_CHECK
bool kh_list_box(struct kh_ask *k, const struct kh_box *box, const struct kh_shape *within,
                 struct kh_page *page, struct kh_error *err);
KH_CHECK
bool kh_list_near(struct kh_ask *k, struct kh_page *page, struct kh_error *err);
KH_CHECK
bool kh_list_words(struct kh_ask *k, const struct kh_box *box, const struct kh_shape *within,
                   struct kh_page *page, struct kh_error *err);
KH_CHECK
bool kh_list_names(struct kh_ask *k, struct kh_page *page, struct kh_error *err);
/** Without words: do filters lead to rows by the terms of names, and no index better? */
bool kh_names_lead(const struct kh_ask *k);
KH_CHECK
bool kh_list_past(struct kh_ask *k, struct kh_page *page, struct kh_error *err);

/** Does a value fit a filter? One that is NULL fits none. */
bool kh_pred_fits(struct kh_ask *k, const struct kh_rpred *p, const struct kh_rval *v);

/** Order of sort values: numbers, then bytes. */
int kh_rval_cmp(const struct kh_rval *x, const struct kh_rval *y);

#endif
