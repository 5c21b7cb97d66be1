/* SPDX-License-Identifier: Apache-2.0 */
/**
 * insight -- figures that follow the event log: counted once as things happen, never by scanning.
 *
 * An indicator is data (packs: indicators/<key>.json):
 *   {"key":"feedback","type":"report","title":{vi,en},
 *    "cuts":["unit","category","unit|category"], figure fields that the figures are split by, and
 *                                                pairs of them: the second within each of the first
 *    "measures":[
 *      {"name":"open","stock":{"status":["new","in_progress"]}},
 *      {"name":"created","flow":"create"},
 *      {"name":"done","flow":{"status":["done"]},"if"?:{"on_time":[true]},"sum"?:"stars"}]}
 * A stock is how many records fit now. A flow counts the events that bring a record into a state
 * (from another), by day; "sum" adds a number instead of 1. Every measure is kept for the whole, for
 * each value (or pair of values, "H26|noise") of each cut, for each day, and for each day of each value of the first cut.
 * The fields it names must be public or internal, and marked "figure": true in the type.
 *
 * Owns   tables indicator, tally; one thread that follows the log.
 * Used   by api/figure.c, packs.
 * Never  holds up a write: figures are a moment behind, and catch up after a restart.
 */
#ifndef KH_INSIGHT_INSIGHT_H
#define KH_INSIGHT_INSIGHT_H

#include "base/json.h"
#include "store/store.h"

struct kh_insight;

KH_CHECK
bool kh_insight_open(struct kh_store *st, struct kh_insight **ret, struct kh_error *err);
void kh_insight_close(struct kh_insight *in);
/** Start the thread that follows the log. */
KH_CHECK
bool kh_insight_start(struct kh_insight *in, struct kh_error *err);
/** Count what has happened by now and return: tests, and the end of `khue init --demo`. */
KH_CHECK
bool kh_insight_run(struct kh_insight *in, struct kh_error *err);

/** @return whether a cut is a pair "first|second", and its fields; they are parts of cut */
bool kh_indicator_pair(struct kh_str cut, struct kh_str *ret_first, struct kh_str *ret_second);
/** Check a definition; issues have pointers into it. */
void kh_indicator_check(struct kh_arena *a, const struct kh_json *definition,
                        struct kh_issues *issues);
/** Put a definition; takes effect after the commit. @param err PACK_INVALID (422, issues) */
KH_CHECK
bool kh_indicator_put(struct kh_tx *tx, struct kh_insight *in, struct kh_arena *a,
                      struct kh_str pack, const struct kh_json *definition, struct kh_error *err);

/** A cell with its measures, in the order of cells. */
struct kh_figure {
    struct kh_str cell, measure;
    double n;
};
/** Read a cut ("" whole, "day", a field, a pair, or "first field|day") from cell lo on, below hi
 *  ("" no bound).
 *  @return KH_MISS if there is no such indicator */
KH_CHECK
enum kh_hit kh_figures_read(struct kh_tx *tx, struct kh_insight *in, struct kh_arena *a,
                            struct kh_str key, struct kh_str cut, struct kh_str lo,
                            struct kh_str hi, struct kh_figure **ret, size_t *ret_n,
                            struct kh_error *err);
/** Names of the cuts of an indicator; NULL if there is no such indicator. */
const struct kh_json *kh_indicator_find(struct kh_insight *in, struct kh_arena *a,
                                        struct kh_str key);

#endif
