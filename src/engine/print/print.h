/* SPDX-License-Identifier: Apache-2.0 */
/**
 * print -- papers of the city as PDF: receipts, notices and slips, drawn from a record.
 *
 * A paper is data (packs: prints/<name>.json):
 *   {"type":"dossier", "title":{vi,en}, "size":"A4"|"A5", "see":"personal"?,
 *    "when"?: FEEL                    the paper exists for a record of which this is true
 *    "values"?: {"name": FEEL, ...},  what texts may name besides the fields
 *    "body": [block, ...]}
 * A block is one of
 *   {"text":"... {field} ...", "align"?:"left"|"center"|"right"|"justify", "size"?, "bold"?, "italic"?}
 *   {"columns":[{"width": 40, "body":[block, ...]}, ...]}      widths in parts of their sum
 *   {"each": FEEL list, "as":"p", "body":[block, ...]}         {p.name}, and {n}: 1, 2, 3 ...
 *   {"table":{"each": FEEL list, "as":"p", "columns":[{"width","head","text","align"?}, ...]}}
 *   {"qr":"text", "size"?, "align"?}    {"line": points wide, 0 for all of it}    {"space": points}
 * and any of them may have "if": FEEL. FEEL sees case (the fields as the reader may see them), of.<field>
 * (the record that a reference names, what is public and internal of it), values, now, and what "as"
 * names. A place in a text is {path} or {path|format}; formats: date, date_long, when, money, words,
 * upper. What is missing is a row of dots, as on paper.
 *
 * Pages are drawn by cairo and Pango, which are bound when the first paper is asked for: a start does
 * not wait for them, and a city that prints nothing has not loaded them (docs/adr/0015).
 *
 * Owns   table print.
 * Used   by api/print.c, packs.
 * Never  fetches anything; a paper is made of a record and a definition, the same each time.
 * Source TT 01/2018/TT-VPCP, article 9 (the forms); NĐ 30/2020/NĐ-CP, annex I (typography).
 */
#ifndef KH_PRINT_PRINT_H
#define KH_PRINT_PRINT_H

#include "base/json.h"
#include "engine/registry/registry.h"
#include "store/store.h"

/** Check a definition; issues have pointers into it. */
void kh_print_check(struct kh_arena *a, const struct kh_json *definition, struct kh_issues *issues);

/** Put a definition under pack/name; takes effect after the commit. @param err STORE (503) */
KH_CHECK
bool kh_print_put(struct kh_tx *tx, struct kh_arena *a, struct kh_str pack, struct kh_str name,
                  const struct kh_json *definition, struct kh_error *err);

/** A paper that exists for a record. */
struct kh_print {
    struct kh_str key; /**< "procedures/receipt" */
    struct kh_str title_vi, title_en;
    enum kh_level_of see; /**< who sees less of the record does not get it */
    const struct kh_json *definition;
};

/** What a paper is drawn from: made once for all papers of a record. */
struct kh_print_view {
    struct kh_str type;
    const struct kh_json *context; /**< {case, of, now} */
};

/** Collect the record and what it refers to.
 *  @param see how much of the record the reader sees; the rest is not there
 *  @param err STORE (503), ARENA_FULL (413) */
KH_CHECK
bool kh_print_view(struct kh_tx *tx, const struct kh_registry *reg, struct kh_arena *a,
                   const struct kh_record *r, enum kh_level_of see, struct kh_print_view *ret,
                   struct kh_error *err);

/** The papers that exist for a record. */
KH_CHECK
bool kh_print_list(struct kh_tx *tx, struct kh_arena *a, const struct kh_print_view *v,
                   struct kh_print **ret, size_t *ret_n, struct kh_error *err);

/** Draw. Blocks for some milliseconds: on a worker thread.
 *  @param ret_pdf bytes in the arena
 *  @param err NOT_SUPPORTED (501) if the machine has no cairo, Pango or font; ARENA_FULL (413) */
KH_CHECK
bool kh_print_draw(struct kh_arena *a, const struct kh_print *p, const struct kh_print_view *v,
                   struct kh_str *ret_pdf, struct kh_error *err);

#endif
