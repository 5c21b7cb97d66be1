/* SPDX-License-Identifier: Apache-2.0 */
/**
 * registry_int -- what the files of registry/ share among themselves.
 *
 *   registry.c  the loaded types, opening and closing, what happens by time
 *   type.c      a schema with its annotations -> struct kh_type, and everything wrong with it;
 *               type_field.c, type_root.c, type_access.c, type_shape.c are parts of it
 *   type_put.c  creating and upgrading a type in the database
 *   access.c    who may see and write which rows and fields
 *   draft.c     fields -> a checked row; insert.c puts it into the database
 *   answers.c   answers to questions that another record asks
 *   segment.c   the pieces of a record's life and what a write does to them
 *   change.c    change, correct, close      record.c  read one      render.c  the outside form
 *   list.c      lists: what may be asked (list_int.h) search.c  full text      cursor.c  page marks
 *   names.c     people by name: names_list.c
 *   history.c   revisions and their differences      verify.c  rows against the log
 *   seen.c      who looked at personal data          import.c, export.c  many at once
 */
#ifndef KH_REGISTRY_INT_H
#define KH_REGISTRY_INT_H

#include "engine/process/feel/feel.h"
#include "engine/registry/registry.h"
#include "engine/registry/schema/schema.h"
#include "store/registry/list_sql.h"
#include "store/registry/table_sql.h"
#include "store/registry/version_sql.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    KH_FIELDS_MAX = 200,
    KH_NAME_MAX = 40,        /**< bytes of the name of a type or an indexed field */
    KH_SEARCH_MAX = 16384,   /**< bytes of folded text kept for one record */
    KH_TOKEN_MAX = 64,       /**< bytes of one search token; the rest is cut off */
    KH_DATA_MAX = 1 << 20,   /**< bytes of one record as JSON */
    KH_WALK_MAX = 10000,     /**< rows that one page of a list may look at */
    KH_NAMES_MAX = 6,        /**< fields of a name, and fields that go with it */
    KH_SALT = 16,
};

/** What a column holds of a JSON value. */
enum kh_fkind { KH_FK_TEXT, KH_FK_INT, KH_FK_REAL, KH_FK_BOOL, KH_FK_TIME, KH_FK_ACCOUNT };

struct kh_field {
    struct kh_str name;
    enum kh_level_of level;
    enum kh_fkind kind;
    int col;                 /**< typed column, or -1 */
    int index;               /**< an index that begins with it, or -1 */
    bool scalar;             /**< string, number or boolean */
    bool unique, serial, nullable;
    bool figure;             /**< told in every event of the record */
    unsigned weight;         /**< of its words in search, 0: not searched */
    struct kh_str ref;       /**< type that it points to, or "" */
    int answers_to;          /**< the field that names who asks what this one answers, or -1 */
    struct kh_str asked_in;  /**< the field of that record that lists the questions */
    const struct kh_feel *computed;
    const struct kh_json *fallback; /**< "default" of the schema, or NULL */
    const struct kh_json *schema;
    bool required;
};

enum kh_where { KH_W_UNIT, KH_W_OWNER, KH_W_FIELD };

struct kh_cond {
    enum kh_where where;
    int field;                   /**< FIELD */
    const struct kh_json *values; /**< FIELD: array */
};

/** Who holds the role of a rule: everybody, everybody signed in, the data subject, or whom it was
 *  granted to. */
enum kh_holder { KH_HOLD_PUBLIC, KH_HOLD_ACCOUNT, KH_HOLD_OWNER, KH_HOLD_OFFICE };

/** One line of x-kh.access. */
struct kh_rule {
    struct kh_str role;
    enum kh_holder holder;
    unsigned ops;                /**< bit per enum kh_op */
    const struct kh_cond *conds; /**< all of them; none: every row */
    size_t conds_n;
    enum kh_level_of see;
    const bool *writes;          /**< per field, or NULL: all */
};

/** One line of x-kh.rules. */
struct kh_check {
    const struct kh_feel *when, *rule; /**< when may be NULL */
    struct kh_str pointer, vi, en;
};

struct kh_serial {
    int field; /**< -1: none */
    struct kh_str pattern;
    enum { KH_PER_EVER, KH_PER_YEAR, KH_PER_DAY } per;
};

/** x-kh.names: people by name. */
struct kh_names {
    int of[KH_NAMES_MAX];   /**< fields that make the name, as it is written */
    size_t of_n;
    int with[KH_NAMES_MAX]; /**< fields by whose value it is found too */
    size_t with_n;
};

struct kh_type {
    struct kh_arena *a;
    struct kh_str name;
    int64_t version;
    const struct kh_json *schema;
    struct kh_schema *valid;
    struct kh_rtable *table;
    struct kh_str process;

    struct kh_field *fields;
    size_t fields_n;
    unsigned char *names;        /**< fields by hash of their names: 1 + field, or 0 */
    size_t names_n;              /**< a power of two */
    enum kh_level_of public_see; /**< the most that anybody may see without signing in */
    const int *col_fields;       /**< field of each column */
    const int *computed;         /**< fields in the order in which they can be computed */
    size_t computed_n;
    const int *titles;
    size_t titles_n;
    const int *key;              /**< fields of the natural key */
    size_t key_n;
    int key_index;
    int unit, owner, state, geo; /**< fields, or -1 */
    int from, to;                /**< fields that say the validity, or -1 */
    double margin_m;             /**< geo lies so near to the city; negative: anywhere */
    bool extent;                 /**< geo holds geometries, not only points */
    bool figures;                /**< it has fields that are told in every event */
    enum kh_level_of max_level, root_level;
    struct kh_serial serial;
    bool closest;              /**< x-kh.found: lists by words have close titles first */
    struct kh_names people;
    const struct kh_rule *rules;
    size_t rules_n;
    const struct kh_check *checks;
    size_t checks_n;
    bool searched, has_refs, has_answers, has_unique, has_files;
    _Atomic int64_t due_us;      /**< when a piece of validity begins or ends next */
    struct kh_str columns;       /**< layout as stored: type_put.c */
    _Atomic uint64_t building;   /**< columns (bit) that are still being filled, KH_BUILD_* */
};

#define KH_BUILD_WORDS (UINT64_C(1) << 63)
#define KH_BUILD_PLACE (UINT64_C(1) << 62)

/** The loaded types at one instant; never changed, replaced as a whole. */
struct kh_types {
    size_t n;
    const struct kh_type **items; /**< in the order of names */
};

struct kh_registry {
    struct kh_store *st;
    _Atomic(struct kh_types *) types;
    pthread_mutex_t lock;        /**< of what follows */
    struct kh_arena *a;          /**< lists of types that are or were current */
    struct kh_type **all;        /**< every type ever loaded, for closing */
    size_t all_n, all_cap;
    kh_within_fn within;
    void *within_ctx;
    kh_served_fn served;
    void *served_ctx;
    kh_files_fn files;
    void *files_ctx;
    struct kh_seen *seen;        /**< reads of personal data on their way to the log */
};

/* ---- registry.c ---- */

/** Own a type that was made, until closing. */
void kh_registry_keep(struct kh_registry *reg, struct kh_type *t);
/** Let a kept type take effect. */
void kh_registry_add(struct kh_registry *reg, struct kh_type *t);
/** Load what the database has in a newer version. */
KH_CHECK
bool kh_registry_load(struct kh_registry *reg, struct kh_error *err);

/* ---- seen.c ---- */

KH_CHECK
bool kh_seen_start(struct kh_registry *reg, struct kh_error *err);
void kh_seen_stop(struct kh_registry *reg);

/* ---- type_put.c ---- */

/** Fill the new columns of types that were upgraded, batch by batch, until done or stop says so. */
KH_CHECK
bool kh_registry_fill(struct kh_registry *reg, bool (*stop)(void *ctx), void *ctx,
                      struct kh_error *err);
/** What a stored layout says is not filled yet. */
uint64_t kh_type_building(const struct kh_type *t, const struct kh_json *layout);

/* ---- type.c ---- */

/** Make a type of a schema. With issues, everything wrong is added there and NULL may come back;
 *  the type owns its arena. layout "" is a new type. */
KH_CHECK
bool kh_type_make(struct kh_arena *a, struct kh_store *st, struct kh_str name,
                  const struct kh_json *schema, int64_t version, struct kh_str layout,
                  struct kh_type **ret, struct kh_error *err);
void kh_type_free(struct kh_type *t);
int kh_type_field(const struct kh_type *t, struct kh_str name);
/** The SQL kind of a column. */
enum kh_rkind kh_kind_sql(enum kh_fkind kind);

/* ---- columns.c ---- */

/** The value of a column. @return false if the JSON value cannot be one (value is then NULL) */
bool kh_column_value(const struct kh_field *f, const struct kh_json *v, struct kh_rval *ret);
/** The value of a column as it stands in an address. */
bool kh_column_parse(const struct kh_field *f, struct kh_str text, struct kh_rval *ret);
/** Typed columns, place and search text of fields. @param err GEOMETRY_INVALID, POINT_INVALID */
KH_CHECK
bool kh_columns_fill(const struct kh_type *t, struct kh_arena *a, const struct kh_json *fields,
                     struct kh_rrow *row, struct kh_error *err);
/** The same for content that is stored already, whatever schema it was checked against. */
void kh_columns_refill(const struct kh_type *t, struct kh_arena *a, const struct kh_json *fields,
                       struct kh_rrow *row);
/** kh_columns_refill without the search text, and the search text alone. */
void kh_columns_reread(const struct kh_type *t, struct kh_arena *a, const struct kh_json *fields,
                       struct kh_rrow *row);
struct kh_str kh_columns_words(const struct kh_type *t, struct kh_arena *a,
                               const struct kh_json *fields);
/** kh_columns_fill of a changed record: words are folded again only if what is searched differs from
 *  `before`, whose columns are in `was`. */
KH_CHECK
bool kh_columns_update(const struct kh_type *t, struct kh_arena *a, const struct kh_json *before,
                       const struct kh_rrow *was, const struct kh_json *fields,
                       struct kh_rrow *row, struct kh_error *err);
/** Bits of the columns that differ. */
uint64_t kh_columns_changed(const struct kh_type *t, const struct kh_rval *x,
                            const struct kh_rval *y);
/** Words of a text for search: folded, long ones cut. */
struct kh_str kh_search_text(struct kh_arena *a, struct kh_str text);

/* ---- names.c ---- */

/** The search text of a type with x-kh.names: terms by which its people are found. */
struct kh_str kh_names_terms(const struct kh_type *t, struct kh_arena *a,
                             const struct kh_json *fields);

/* ---- access.c ---- */

/** The rows on which who may do one of ops (bits) and of which it sees `level`, as conditions for a walk.
 *  @param ret_all true: all rows; else ret_conjs (none: no row at all) */
void kh_access_rows(const struct kh_type *t, struct kh_arena *a, const struct kh_who *who,
                    unsigned ops, enum kh_level_of level, bool *ret_all,
                    struct kh_rconj **ret_conjs, size_t *ret_n);
/** May who do op on a row with these columns? */
bool kh_access_row(const struct kh_type *t, const struct kh_who *who, enum kh_op op,
                   const struct kh_rval *cols);
/** The highest level that who may see of a row. */
enum kh_level_of kh_access_see(const struct kh_type *t, const struct kh_who *who, enum kh_op op,
                               const struct kh_rval *cols);
/** Check the fields that a write touches (true per field) against the rules that let who do op.
 *  @param err AUTH_REQUIRED (401), FORBIDDEN (403) */
KH_CHECK
bool kh_access_write(const struct kh_type *t, const struct kh_who *who, enum kh_op op,
                     const struct kh_rval *cols, const bool *touched, struct kh_error *err);
/** AUTH_REQUIRED for the public, FORBIDDEN for others. */
bool kh_access_deny(const struct kh_type *t, const struct kh_who *who, const char *what,
                    struct kh_error *err);
/** Is there any rule by which who may do one of ops (bits) on some row? */
bool kh_access_any(const struct kh_type *t, const struct kh_who *who, unsigned ops);

/* ---- draft.c ---- */

struct kh_draft {
    const struct kh_type *t;
    const struct kh_json *fields;
    struct kh_rrow row;
    struct kh_rval *cols;
    bool number;              /**< a serial number is to be given */
    const struct kh_write *w;
};


/** Defaults, computed fields, schema and rules of a whole record.
 *  @param fields a copy that may be changed
 *  @param err RECORD_INVALID (422) with issues */
KH_CHECK
bool kh_fields_check(const struct kh_type *t, struct kh_arena *a, struct kh_json *fields,
                     bool create, struct kh_error *err);
/** Every string in NFC; id and meta taken out. @param ret_meta the meta object, or NULL */
struct kh_json *kh_fields_clean(struct kh_arena *a, const struct kh_json *fields,
                                const struct kh_json **ret_meta);
/** Validity that the fields or meta say; 0 where they do not. */
KH_CHECK
bool kh_validity_of(const struct kh_type *t, struct kh_arena *a, const struct kh_json *fields,
                    const struct kh_json *meta, int64_t *ret_from, int64_t *ret_to,
                    struct kh_error *err);
/** RECORD_INVALID with one issue. */
bool kh_fail_field(struct kh_arena *a, struct kh_error *err, enum kh_ec code, struct kh_str pointer,
                   const char *issue, const char *vi, const char *en);

/** kh_record_prepare for a create or a line of an import. */
KH_CHECK
bool kh_draft_make(struct kh_arena *a, const struct kh_type *t, const struct kh_json *fields,
                   const struct kh_write *w, enum kh_op op, struct kh_draft **ret_draft,
                   struct kh_error *err);

/* ---- answers.c ---- */

/** Fields that answer the questions of another record fit them. What stood there before is left.
 *  @param before the record as it was, or NULL: it is new
 *  @param err RECORD_INVALID (422) with issues */
KH_CHECK
bool kh_record_answers(struct kh_tx *tx, const struct kh_registry *reg, const struct kh_type *t,
                       struct kh_arena *a, const struct kh_json *fields,
                       const struct kh_json *before, int64_t valid_us, struct kh_error *err);

/* ---- serial.c ---- */

struct kh_str kh_serial_format(struct kh_arena *a, struct kh_str pattern, int64_t number,
                               int64_t now_us, const struct kh_json *fields);
/** The series that a number given out now belongs to: its time, and the fields in the pattern. */
struct kh_str kh_serial_period(struct kh_arena *a, const struct kh_serial *s, int64_t now_us,
                               const struct kh_json *fields);
/** The next field that a pattern names, which is cut off; p NULL if none is left. */
struct kh_str kh_serial_field(struct kh_str *pattern);

/* ---- insert.c ---- */

/** References that a transaction has found to be there; lives in the arena, no longer than it. */
struct kh_ref_memo;
struct kh_ref_memo *kh_ref_memo_new(struct kh_arena *a);
/**
 * kh_record_insert of one draft of many that one transaction inserts, all of one type.
 *
 * @param keyed the type has a natural key of one field, and this transaction has just found it to be
 *              free for all the time in which the record will hold: it is not asked again
 * @param memo  of this transaction, which writes to no other type
 */
KH_CHECK
bool kh_record_insert_many(struct kh_tx *tx, struct kh_registry *reg, struct kh_arena *a,
                           const struct kh_draft *d, bool keyed, struct kh_ref_memo *memo,
                           struct kh_record *ret, struct kh_error *err);
/** References of a record point to something, and its answers fit what is asked there.
 *  @param err RECORD_REFERENCE (422), RECORD_INVALID (422), both with issues */
KH_CHECK
bool kh_refs_check(struct kh_tx *tx, const struct kh_registry *reg, const struct kh_type *t,
                   struct kh_arena *a, const struct kh_json *fields, const struct kh_json *before,
                   int64_t valid_us, struct kh_error *err);
/** The place of a record, if it is new or moved, is one that the city serves.
 *  @param before the row as it was, or NULL: it is new
 *  @param err RECORD_INVALID (422) with an issue */
KH_CHECK
bool kh_place_check(struct kh_tx *tx, const struct kh_registry *reg, const struct kh_type *t,
                    struct kh_arena *a, const struct kh_rrow *row, const struct kh_rrow *before,
                    struct kh_error *err);
/** Unique values are free. @param err RECORD_DUPLICATE (409) with issues */
KH_CHECK
bool kh_unique_check(struct kh_tx *tx, const struct kh_type *t, struct kh_arena *a,
                     const struct kh_rrow *row, uint64_t changed, struct kh_error *err);
/** The type's next promotion is at us or earlier: remember it once the write is durable. */
void kh_type_due(struct kh_tx *tx, struct kh_arena *a, const struct kh_type *t, int64_t us);

/** Tell who keeps files what a record names. */
KH_CHECK
bool kh_record_files(struct kh_tx *tx, const struct kh_registry *reg, struct kh_arena *a,
                     const struct kh_type *t, int64_t id, const struct kh_json *fields,
                     struct kh_error *err);

/* ---- event.c ---- */

/** Append the event of a write. before may be NULL (create); kind is "record.create" ... */
KH_CHECK
bool kh_record_event(struct kh_tx *tx, struct kh_arena *a, const struct kh_type *t,
                     const char *kind, const struct kh_rrow *row, const struct kh_json *before,
                     const struct kh_json *after, const struct kh_write *w,
                     const unsigned char *state_before, const unsigned char *state_after,
                     struct kh_error *err);

/* ---- segment.c ---- */

/** Chain hash of a record after its first write. */
void kh_state_first(struct kh_str type, const struct kh_rrow *row, unsigned char out[32]);
/** Chain hash after write row->rev. touched: rows of record_version in the order of seg; those that
 *  the write inserted or closed count. */
void kh_state_next(struct kh_str type, const struct kh_rrow *row, const unsigned char *before,
                   const struct kh_rversion *touched, size_t n, unsigned char out[32]);

/* ---- record.c ---- */

void kh_record_of_row(const struct kh_type *t, const struct kh_rrow *row, struct kh_record *ret);
/** Columns of a record for access checks: as read, or made of its data. */
const struct kh_rval *kh_record_cols(struct kh_arena *a, const struct kh_record *r);


/* ---- change.c ---- */

/** Let a pending piece of a record take effect, or take an ended record out of the lists. */
KH_CHECK
bool kh_record_promote(struct kh_tx *tx, struct kh_registry *reg, struct kh_arena *a,
                       const struct kh_type *t, int64_t id, struct kh_error *err);

#endif
