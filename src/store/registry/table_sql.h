/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store/registry/table_sql -- the table of one record type: its shape, its DDL, its rows.
 *
 * Types are created at run time, so their SQL is generated: once per type what every call needs,
 * kept in the table's own arena until the store closes; and passing ones (kh_query_open_passing)
 * for what depends on the question.
 * Names in the text come from the shape, which the engine has checked (lower-case letters, digits,
 * underscores); values are always parameters.
 *
 * Owns   tables rec_<type> and, on SQLite, fts_<type>.
 * Used   by engine/registry only.
 * Never  sees JSON beyond the text that it stores.
 */
#ifndef KH_STORE_REGISTRY_TABLE_SQL_H
#define KH_STORE_REGISTRY_TABLE_SQL_H

#include "store/store.h"

enum {
    KH_RCOLS_MAX = 32,   /**< typed columns of a type */
    KH_RCOLS_EVER = 250, /**< columns that a table may have, those of former fields too */
    KH_RINDEX_COLS = 4,  /**< columns of an index, without the id at its end */
};

enum kh_rkind { KH_RK_INT, KH_RK_REAL, KH_RK_TEXT };

/** A typed column: "f_<field>". */
struct kh_rcol {
    struct kh_str name;
    enum kh_rkind kind;
};

/** A declared index over live rows; "id" follows its columns. */
struct kh_rindex {
    struct kh_str name;
    unsigned char cols[KH_RINDEX_COLS];
    unsigned char n;
    bool all; /**< over closed rows too: natural keys and unique fields */
};

/** What a type stores of its place. */
enum kh_rgeo { KH_RG_NONE, KH_RG_POINT, KH_RG_EXTENT };

/** The columns that every record table has. */
#define KH_RFIXED "id, rev, srev, sv, valid_from, valid_to, recorded_us, live, segs, salt, state"

struct kh_rtable;

/** What a table is made of. Arrays and texts are copied. */
struct kh_rshape {
    struct kh_str type;
    const struct kh_rcol *cols;
    size_t cols_n;
    const struct kh_rindex *indexes;
    size_t indexes_n;
    enum kh_rgeo geo;
    bool search;
    uint64_t access; /**< bit per column that kh_rtable_get reads beside the data */
};

/** A value of a typed column. */
struct kh_rval {
    enum { KH_RV_NULL, KH_RV_INT, KH_RV_REAL, KH_RV_TEXT } kind;
    int64_t i;
    double r;
    struct kh_str s;
};

/** One row. When reading, only what the statement asked for is set. */
struct kh_rrow {
    int64_t id;
    int64_t rev;          /**< of the record: counts writes */
    int64_t srev;         /**< the write that made this content */
    int64_t sv;           /**< version of the type that it was checked against */
    int64_t valid_from, valid_to, recorded_us;
    bool live;            /**< false once its validity has ended */
    int64_t segs;         /**< rows in record_version, ever */
    struct kh_str salt;   /**< 16 bytes */
    struct kh_str state;  /**< chain hash after the write before the last; empty at rev 1 */
    struct kh_str data;   /**< JSON text */
    struct kh_str search; /**< folded tokens, or p NULL */
    const struct kh_rval *cols;
    bool has_place;
    double lon, lat;
    int64_t cell;
    double box[4]; /**< min lon, min lat, max lon, max lat */
};

/** Describe a table; statements of it live until kh_rtable_drop. */
struct kh_rtable *kh_rtable_new(struct kh_store *st, const struct kh_rshape *shape);
void kh_rtable_drop(void *table);
const struct kh_rshape *kh_rtable_shape(const struct kh_rtable *t);

/* ---- DDL ---- */
KH_CHECK
bool kh_rtable_create(struct kh_tx *tx, const struct kh_rtable *t, struct kh_error *err);
/** Add what `to` has and `from` has not (columns, indexes, search, place), drop indexes that went. */
KH_CHECK
bool kh_rtable_alter(struct kh_tx *tx, const struct kh_rtable *from, const struct kh_rtable *to,
                     struct kh_error *err);

/* ---- rows ---- */
/** Insert a row and its search entry. */
KH_CHECK
bool kh_rtable_insert(struct kh_tx *tx, struct kh_rtable *t, const struct kh_rrow *row,
                      struct kh_error *err);
/** For reading: rev, srev, sv, valid_from, valid_to, recorded_us, data and the access columns
 *  (others are NULL values). Texts and cols live in the arena. */
KH_CHECK
enum kh_hit kh_rtable_get(struct kh_tx *tx, struct kh_rtable *t, struct kh_arena *a, int64_t id,
                          struct kh_rrow *ret, struct kh_error *err);
/** For writing: everything but cols and place. */
KH_CHECK
enum kh_hit kh_rtable_head(struct kh_tx *tx, struct kh_rtable *t, struct kh_arena *a, int64_t id,
                           struct kh_rrow *ret, struct kh_error *err);
/** Everything. */
KH_CHECK
enum kh_hit kh_rtable_full(struct kh_tx *tx, struct kh_rtable *t, struct kh_arena *a, int64_t id,
                           struct kh_rrow *ret, struct kh_error *err);
/** In `changed`: the row enters or leaves the indexes of live rows. */
#define KH_RCHANGED_LIVE (UINT64_C(1) << 63)
/** Replace a row: fixed columns and data always, of the typed columns only those in `changed`. An
 *  index is rewritten when a column of it, or of its condition, is merely named: so `live` is too.
 *  @param old_search what the search entry was made of */
KH_CHECK
bool kh_rtable_update(struct kh_tx *tx, struct kh_rtable *t, struct kh_arena *a,
                      const struct kh_rrow *row, uint64_t changed, bool place_changed,
                      struct kh_str old_search, struct kh_error *err);
KH_CHECK
bool kh_rtable_live(struct kh_tx *tx, struct kh_rtable *t, int64_t id, bool live,
                    struct kh_error *err);

/** A row and when it holds. */
struct kh_rspan_of {
    int64_t id, valid_from, valid_to;
};
/** A row with these values in cols whose validity meets [from, to), other than id. */
KH_CHECK
enum kh_hit kh_rtable_taken(struct kh_tx *tx, struct kh_rtable *t, struct kh_arena *a,
                            const unsigned char *cols, size_t n, const struct kh_rval *values, int64_t id, int64_t from,
                            int64_t to, struct kh_rspan_of *ret, struct kh_error *err);
/** Whether a row holds at an instant. */
KH_CHECK
enum kh_hit kh_rtable_has(struct kh_tx *tx, struct kh_rtable *t, int64_t id, int64_t valid_us,
                          struct kh_error *err);
/** Ids of rows with id > after, ascending. */
KH_CHECK
bool kh_rtable_ids(struct kh_tx *tx, struct kh_rtable *t, int64_t after, size_t max, int64_t *ids,
                   size_t *ret_n, struct kh_error *err);
/** Live rows whose validity has ended at now. */
KH_CHECK
bool kh_rtable_ended(struct kh_tx *tx, struct kh_rtable *t, int64_t now_us, size_t max,
                     int64_t *ids, size_t *ret_n, struct kh_error *err);
/** The earliest instant at which a live row ends; KH_MISS if there is none. */
KH_CHECK
enum kh_hit kh_rtable_next_end(struct kh_tx *tx, struct kh_rtable *t, int64_t *ret_us,
                               struct kh_error *err);
/** Whether there are more than n rows. */
KH_CHECK
bool kh_rtable_larger(struct kh_tx *tx, struct kh_rtable *t, int64_t n, bool *ret,
                      struct kh_error *err);

/* ---- inside store/registry ---- */
#define KH_RSQL_MAX 32768
/** A statement with this text, in the arena: for kh_query_open_passing. */
struct kh_sql kh_rtable_sql(const struct kh_rtable *t, struct kh_arena *a, const char *name,
                            struct kh_str text);
enum kh_store_kind kh_rtable_kind(const struct kh_rtable *t);
void kh_bind_rval(struct kh_query *q, int n, const struct kh_rval *v);
struct kh_rval kh_col_rval(struct kh_query *q, int i, enum kh_rkind kind, struct kh_arena *a);

#endif
