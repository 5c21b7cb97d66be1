/* SPDX-License-Identifier: Apache-2.0 */
/**
 * registry -- what the city knows: types declared by one JSON Schema each, and their records.
 *
 * A record is seen from outside as one flat JSON object: the fields of its type, plus "id" and
 * "meta" {type, revision, valid_from, valid_to, recorded_at, ...}. Both names are reserved.
 *
 * Owns   tables rtype, one table per type, record_version, record_serial, access_log ...
 * Used   by api/record.c, process (cases), packs, open311, insight.
 * Never  sees HTTP.
 *
 * Annotations of a type ("x-kh" at the root of the schema, and "x-kh" in a property):
 *   root:  "key": "code" | ["code","valid_from"]      natural key (unique among valid records)
 *          "title": "name" | ["number","category"]    what a record is called
 *          "label": {"vi":..., "en":...}, "label_plural": ...
 *          "sensitivity": "public"|"internal"|"personal"|"sensitive"   default of its fields
 *          "owner": "reporter"      field that holds the account id of the data subject
 *          "unit": "unit"           field that holds the responsible unit (agency code)
 *          "state": "status"        field that holds the state
 *          "geo": "location"        field with {lon,lat} or a GeoJSON geometry
 *          "city_margin_m": 2000    the place lies in a unit of the city, or at most so many metres
 *                                   from one; absent: anywhere
 *          "found": "closest"       a list by words has those first whose title is little more than
 *                                   the words; absent: the newest first
 *          "process": "report"      key of the process that a new record starts (same transaction)
 *          "index": [["unit","status"], ...]          compound indexes; "id" is always appended
 *          "serial": {"field":"number","pattern":"PA-{YYYY}-{SERIAL:6}","per":"year"|"day"|"ever"}
 *                      also {field} of a required field, {old:field} for an agency code in the old
 *                      system (QCVN 102:2016): then each value has a series of its own
 *          "rules": [{"if"?:FEEL, "rule":FEEL, "pointer":"/x", "message":{vi,en}}]
 *          "access": [{"role":"public"|"account"|"owner"|"officer"|...,
 *                      "ops":["read","list","create","update","close","import","export","history",
 *                             "find"],     find: a list that names the value of a unique field
 *                      "where": "all" | "unit" | "owner" | {"field":[values...]} | list of these (and),
 *                      "see": "public"|"internal"|"personal"|"sensitive",   highest level shown
 *                      "fields": ["a","b"]}]                  fields it may write; absent = all
 *          "names": {"of":["family","middle","given"],"with":["birth_date"]}    people by name: q finds
 *                      any words of these fields, in any order and spelling, sorted by given name,
 *                      however frequent they are; quickly also together with = on the fields of
 *                      "with" and the unit of the reader. In place of "search" in fields
 *          "validity": {"from":"effective_from","to":"effective_to"}   date fields that say the
 *                      valid time; fields named valid_from and valid_to do so by themselves
 *   field: "index": true, "search": true|weight, "ref": "type", "unique": true,
 *          "sensitivity": ..., "computed": FEEL, "label": {vi,en}, "help": {vi,en},
 *          "codes": [{"code":..., "vi":..., "en":...}], "widget": "...", "hidden": true,
 *          "figure": true           told in every event of the record, for the figures of a pack
 *          "answers": "category.attributes"     an object of answers by code: the record that the
 *                      reference "category" names asks the questions in its list "attributes", each
 *                      {"code", "datatype": "string"|"text"|"number"|"datetime"|"singlevaluelist"|
 *                      "multivaluelist", "required"?, "values"?: [{"key"}]} (the words of Open311);
 *                      answers are strings, those of a multivaluelist arrays of strings
 * Row rules other than these are an error of `khue pack check`.
 */
#ifndef KH_REGISTRY_REGISTRY_H
#define KH_REGISTRY_REGISTRY_H

#include "base/json.h"
#include "engine/geo/geo.h"
#include "engine/identity/who.h"
#include "store/store.h"

struct kh_registry;
struct kh_type;

enum kh_level_of { KH_SEE_PUBLIC, KH_SEE_INTERNAL, KH_SEE_PERSONAL, KH_SEE_SENSITIVE };
enum kh_op { KH_OP_READ, KH_OP_LIST, KH_OP_CREATE, KH_OP_UPDATE, KH_OP_CLOSE, KH_OP_IMPORT,
             KH_OP_EXPORT, KH_OP_HISTORY, KH_OP_FIND };
enum { KH_OPS = KH_OP_FIND + 1 };

/** Load the types that the database holds. */
KH_CHECK
bool kh_registry_open(struct kh_store *st, struct kh_registry **ret_reg, struct kh_error *err);
void kh_registry_close(struct kh_registry *reg);

/**
 * Give the shape of an administrative unit for `within`; set by units before requests come.
 * @return KH_MISS if there is no such unit; the shape stays valid as long as the registry is open
 */
typedef enum kh_hit (*kh_within_fn)(void *ctx, struct kh_str code, const struct kh_shape **ret_shape,
                                    struct kh_error *err);
void kh_registry_set_within(struct kh_registry *reg, kh_within_fn fn, void *ctx);

/**
 * Say whether the city serves a place: its units on that day, and margin_m around them; set by units
 * before requests come.
 * @return KH_MISS if it does not
 */
typedef enum kh_hit (*kh_served_fn)(void *ctx, struct kh_tx *tx, double lon, double lat,
                                    int64_t day, double margin_m, struct kh_error *err);
void kh_registry_set_served(struct kh_registry *reg, kh_served_fn fn, void *ctx);

/**
 * Say that a record names files: called inside the transaction of a write, for types with a field
 * whose widget is photo, photos, video, file or files; set by main before requests come.
 * @param fields the record as it is after the write
 * @return false refuses the write
 */
typedef bool (*kh_files_fn)(void *ctx, struct kh_tx *tx, struct kh_arena *a,
                            const struct kh_type *t, int64_t id, const struct kh_json *fields,
                            struct kh_error *err);
void kh_registry_set_files(struct kh_registry *reg, kh_files_fn fn, void *ctx);

/** Let happen what is due by time: future-dated changes take effect, ended records leave the lists.
 *  A thread of the registry does it every second; tests with a fake clock call it. */
KH_CHECK
bool kh_registry_tick(struct kh_registry *reg, struct kh_error *err);

/** Find a loaded type by name; NULL if there is none. Valid as long as the registry is open. */
const struct kh_type *kh_type_find(const struct kh_registry *reg, struct kh_str name);
/** Type i in the order of names, NULL after the last. */
const struct kh_type *kh_type_at(const struct kh_registry *reg, size_t i);
struct kh_str kh_type_name(const struct kh_type *t);
struct kh_str kh_type_process(const struct kh_type *t);  /**< "" if none */
const struct kh_json *kh_type_schema(const struct kh_type *t);
int64_t kh_type_version(const struct kh_type *t);

/** Check a schema as `khue pack check` does; issues have JSON pointers into it. */
KH_CHECK
bool kh_type_check(struct kh_arena *a, struct kh_str name, const struct kh_json *schema,
                   struct kh_issues *issues, struct kh_error *err);

/** Create or upgrade a type (tables, columns, indexes, search) inside a write transaction; takes
 *  effect for everybody after the commit. An unchanged schema does nothing.
 *  @param err SCHEMA_INVALID (422) with issues */
KH_CHECK
bool kh_type_put(struct kh_tx *tx, struct kh_registry *reg, struct kh_arena *a, struct kh_str name,
                 const struct kh_json *schema, struct kh_error *err);

/** A record in memory. */
struct kh_record {
    int64_t id;
    const struct kh_type *type;
    int64_t revision;       /**< 1.. ; the ETag is made of id and revision */
    int64_t valid_from_us, valid_to_us; /**< valid_to_us KH_FOREVER while open */
    int64_t recorded_us;
    struct kh_str data;     /**< JSON object text as stored: the fields only */
    const struct kh_json *fields; /**< parsed on demand by kh_record_fields, else NULL */
    const void *access;     /**< the registry's: columns that rights depend on, or NULL */
};

/** Parse data once. */
KH_CHECK
bool kh_record_fields(struct kh_arena *a, struct kh_record *r, const struct kh_json **ret_fields,
                      struct kh_error *err);

/** Write the outside form (flat, with id and meta), masking what who may not see. */
void kh_record_render(struct kh_arena *a, const struct kh_registry *reg, const struct kh_record *r,
                      const struct kh_who *who, struct kh_buf *out);

/** The highest level of fields that who may see of this record, reading (KH_OP_READ also stands for
 *  lists) or exporting. */
enum kh_level_of kh_record_see(struct kh_arena *a, const struct kh_record *r,
                               const struct kh_who *who, enum kh_op op);
/** What the record is called: the fields of x-kh.title, or its id. */
struct kh_str kh_record_title(struct kh_arena *a, const struct kh_record *r);

/** Same, at a level that the caller decides: lists never show sensitive fields. */
void kh_record_render_at(const struct kh_record *r, enum kh_level_of see, struct kh_buf *out);

/** The circumstances of a write. */
struct kh_write {
    const struct kh_who *who;
    struct kh_str reason;     /**< required for corrections */
    struct kh_str basis;      /**< legal basis */
    int64_t valid_from_us;    /**< 0: now */
    int64_t if_revision;      /**< 0: whatever; else RECORD_STALE (412) unless it is this one */
    bool correction;          /**< history before was wrong, not: the world changed */
    bool trusted;             /**< the caller (process engine) has checked access itself */
    bool import;              /**< the right "import" counts in place of update and close */
};

/**
 * A create that has passed everything that needs no database: schema, rules, computed fields,
 * access, folded text, index columns. Prepare on the thread of the request, insert in the
 * transaction. The draft lives in the arena.
 * @param err RECORD_INVALID (422) with all issues, FORBIDDEN (403), AUTH_REQUIRED (401)
 */
struct kh_draft;
KH_CHECK
bool kh_record_prepare(struct kh_registry *reg, struct kh_arena *a, const struct kh_type *t,
                       const struct kh_json *fields, const struct kh_write *w,
                       struct kh_draft **ret_draft, struct kh_error *err);
/** @param err RECORD_DUPLICATE (409), RECORD_REFERENCE (422), STORE (503) */
KH_CHECK
bool kh_record_insert(struct kh_tx *tx, struct kh_registry *reg, struct kh_arena *a,
                      const struct kh_draft *d, struct kh_record *ret, struct kh_error *err);

/**
 * The same in steps, for a process that fills in fields before the record is stored: begun, it has
 * its id and its number; amended, other fields; then it is stored once, as if it had come so.
 *
 * @param d   as prepared; it stays as it is, since the transaction may run again
 * @param err as kh_record_insert
 */
KH_CHECK
bool kh_record_begin(struct kh_tx *tx, struct kh_registry *reg, struct kh_arena *a,
                     const struct kh_draft *d, struct kh_draft **ret_begun, struct kh_error *err);
/** Merge fields (RFC 7396) into a begun record, as a trusted write does.
 *  @param err RECORD_INVALID (422) and those of kh_record_insert */
KH_CHECK
bool kh_record_amend(struct kh_tx *tx, struct kh_registry *reg, struct kh_arena *a,
                     struct kh_draft *begun, const struct kh_json *fields, struct kh_error *err);
KH_CHECK
bool kh_record_store(struct kh_tx *tx, struct kh_registry *reg, struct kh_arena *a,
                     const struct kh_draft *begun, struct kh_record *ret, struct kh_error *err);
/** A begun record as it would stand now; its fields are not to be changed. */
void kh_record_of_draft(const struct kh_draft *begun, struct kh_record *ret);
/** May a begun record be amended? Not if its fields say from when to when it holds. */
bool kh_record_amendable(const struct kh_type *t);

/** Read one. valid_us / at_us 0 mean now. No access check, no log: see kh_record_open. */
KH_CHECK
enum kh_hit kh_record_get(struct kh_tx *tx, const struct kh_registry *reg, struct kh_arena *a,
                          const struct kh_type *t, int64_t id, int64_t valid_us, int64_t at_us,
                          struct kh_record *ret, struct kh_error *err);
/** Read one for somebody: access checked; out of reach is RECORD_UNKNOWN (404) like absent. */
KH_CHECK
enum kh_hit kh_record_open(struct kh_tx *tx, const struct kh_registry *reg, struct kh_arena *a,
                           const struct kh_type *t, int64_t id, int64_t valid_us, int64_t at_us,
                           const struct kh_who *who, enum kh_op op, struct kh_record *ret,
                           struct kh_error *err);

/** Merge-patch (RFC 7396) the fields, or replace all of them (put). Same errors as prepare+insert,
 *  and RECORD_UNKNOWN (404), RECORD_STALE (412), RECORD_CLOSED (409), REASON_REQUIRED (422). */
KH_CHECK
bool kh_record_change(struct kh_tx *tx, struct kh_registry *reg, struct kh_arena *a,
                      const struct kh_type *t, int64_t id, const struct kh_json *fields, bool merge,
                      const struct kh_write *w, struct kh_record *ret, struct kh_error *err);
/** The past was wrong: merge-patch what is known to hold from w->valid_from_us on (0: from the start
 *  of what holds now), in every piece of validity after it. Needs w->reason. Same errors. */
KH_CHECK
bool kh_record_correct(struct kh_tx *tx, struct kh_registry *reg, struct kh_arena *a,
                       const struct kh_type *t, int64_t id, const struct kh_json *fields,
                       const struct kh_write *w, struct kh_record *ret, struct kh_error *err);
/** DELETE: end validity. */
KH_CHECK
bool kh_record_close(struct kh_tx *tx, struct kh_registry *reg, struct kh_arena *a,
                     const struct kh_type *t, int64_t id, const struct kh_write *w,
                     struct kh_record *ret, struct kh_error *err);

/** What a list asks for. Filters come as they stand in the address: name=value. */
struct kh_filter {
    struct kh_str field;
    enum kh_filter_op { KH_F_EQ, KH_F_IN, KH_F_LT, KH_F_LE, KH_F_GT, KH_F_GE } op;
    struct kh_str value; /**< for IN: comma-separated */
};
struct kh_list {
    const struct kh_filter *filters;
    size_t filters_n;
    struct kh_str q;           /**< full text */
    const struct kh_box *bbox; /**< or NULL */
    bool has_near;
    double near_lon, near_lat, near_m;
    struct kh_str within;      /**< code of an administrative unit, or "" */
    struct kh_str sort;        /**< "field" or "-field"; "" means newest first */
    struct kh_str after;       /**< cursor of the page before */
    int64_t below_id;          /**< 0, or only records made before this id was: for the first page of
                                    lists newest first without place and words */
    unsigned limit;            /**< 1..1000 [50] */
    int64_t valid_us, at_us;   /**< 0: now */
    const struct kh_who *who;
    bool for_export;           /**< the right "export" counts in place of list */
};
struct kh_page {
    struct kh_record *items;
    size_t n;
    struct kh_str next;        /**< cursor, "" at the end */
};
/** @param err FILTER_INVALID (400) says which combination is not possible and why,
 *             CURSOR_INVALID (400), FORBIDDEN (403) */
KH_CHECK
bool kh_record_list(struct kh_tx *tx, const struct kh_registry *reg, struct kh_arena *a,
                    const struct kh_type *t, const struct kh_list *q, struct kh_page *ret,
                    struct kh_error *err);

/** One write in the life of a record, newest first. */
struct kh_revision {
    int64_t revision, recorded_us;
    int64_t valid_from_us, valid_to_us; /**< of what it made */
    struct kh_str kind;                 /**< "record.update" ... */
    struct kh_str actor, reason;
    const struct kh_json *before, *after; /**< fields; before is NULL for the first */
};
/** Every revision of a record, whether it is still valid or not. For somebody who may: kh_record_past
 *  checks rights first. @param before 0, or the revision that the page before ended with */
KH_CHECK
bool kh_record_history(struct kh_tx *tx, const struct kh_registry *reg, struct kh_arena *a,
                       const struct kh_type *t, int64_t id, int64_t before, size_t limit,
                       struct kh_revision **ret, size_t *ret_n, struct kh_error *err);
/** The record as it stands in its table, ended or not yet begun included, for somebody.
 *  @return KH_HIT; out of reach is RECORD_UNKNOWN (404) */
KH_CHECK
enum kh_hit kh_record_past(struct kh_tx *tx, const struct kh_registry *reg, struct kh_arena *a,
                           const struct kh_type *t, int64_t id, const struct kh_who *who,
                           enum kh_op op, struct kh_record *ret, struct kh_error *err);

/** Write the fields of before and after that differ and that a level may see:
 *  [{"pointer","before","after"}]. */
void kh_record_diff(struct kh_arena *a, const struct kh_type *t, const struct kh_json *before,
                    const struct kh_json *after, enum kh_level_of see, struct kh_jw *w);

/** May who do op on some records of a type? For menus. */
bool kh_type_may(const struct kh_type *t, const struct kh_who *who, enum kh_op op);
/** The schema as this reader may know it: what is hidden is left out, x-kh.access is not shown. */
const struct kh_json *kh_type_describe(const struct kh_type *t, struct kh_arena *a,
                                       const struct kh_who *who);
/** Field that holds the place, or "". */
struct kh_str kh_type_geo(const struct kh_type *t);
/** Whether any field is above public: replies then depend on who asks. */
bool kh_type_masks(const struct kh_type *t);

struct kh_verify_issue;
/**
 * Compare every record, its past and future pieces, its index columns and every type with the log.
 *
 * Finds rows that were changed, removed or inserted behind the registry's back, and says which. The
 * log itself is judged by kh_event_verify. Reads in short snapshots; the city may go on working.
 * @param ret_rows rows that were looked at
 * @return true if it could be checked; ret_n issues were found (at most 1,000 are told)
 */
KH_CHECK
bool kh_registry_verify(struct kh_registry *reg, struct kh_arena *a, kh_progress_fn progress,
                        void *ctx, struct kh_verify_issue **ret_issues, size_t *ret_n,
                        int64_t *ret_rows, struct kh_error *err);

/**
 * Check answers against questions, as a field with x-kh.answers is checked.
 *
 * @param questions array of questions, or NULL: nothing is asked
 * @param answers   object of answers by code, or NULL: nothing is answered
 * @param before    what stands in the pointer of an issue before the code; after stands behind it
 */
void kh_answers_check(struct kh_arena *a, const struct kh_json *questions,
                      const struct kh_json *answers, const char *before, const char *after,
                      struct kh_issues *issues);

/** The record that has this natural key now (single-field keys). */
KH_CHECK
enum kh_hit kh_record_find(struct kh_tx *tx, const struct kh_registry *reg, struct kh_arena *a,
                           const struct kh_type *t, struct kh_str key, int64_t valid_us,
                           struct kh_record *ret, struct kh_error *err);

#endif
