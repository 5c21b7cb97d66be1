/* SPDX-License-Identifier: Apache-2.0 */
/**
 * pack/pack_int -- a pack folder in memory, as the files of pack/ share it.
 *
 *   folder.c   a folder -> struct kh_pack; what may be in it
 *   where.c    JSON pointer -> line and column
 *   check.c    what can be wrong with one file
 *   check_refs.c   what files say about each other    check_data.c   the records
 *   load.c     into the engines     home.c  where packs are
 */
#ifndef KH_PACK_PACK_INT_H
#define KH_PACK_PACK_INT_H

#include "base/hash.h"
#include "engine/pack/pack.h"
#include "engine/process/bpmn.h"

enum {
    KH_PACK_FILES_MAX = 2000,
    KH_PACK_FILE_BYTES = 64 << 20,
    KH_PACK_DEPTH = 16, /**< packs that depend on packs */
};

/** What a file is; loading goes in this order. */
enum kh_pack_kind {
    KH_PACK_MANIFEST,
    KH_PACK_README,
    KH_PACK_ROLES,
    KH_PACK_TEXTS,
    KH_PACK_CALENDAR,
    KH_PACK_TYPE,
    KH_PACK_DECISION,
    KH_PACK_PROCESS,
    KH_PACK_NOTICES,
    KH_PACK_PRINT,
    KH_PACK_INDICATOR,
    KH_PACK_SOURCES,
    KH_PACK_DATA,
    KH_PACK_DEMO,
    KH_PACK_UNKNOWN,
};

struct kh_pack_file {
    struct kh_str path; /**< "types/report.schema.json" */
    enum kh_pack_kind kind;
    struct kh_str key; /**< of a type, decision, calendar, indicator, print; type of records; or "" */
    struct kh_str text;
    unsigned char sum[KH_SHA256_BYTES];
    const struct kh_json *json; /**< of JSON files that parse, else NULL */
};

struct kh_pack {
    const char *dir;
    struct kh_str id, version;      /**< "" if pack.json does not say */
    const struct kh_json *manifest; /**< or NULL */
    struct kh_pack_file *files;     /**< by kind, then by path */
    size_t n;
};

/** Read a folder; every file is there, also those that do not belong. JSON that does not parse is an
 *  issue. @param err IO (500), PACK_UNKNOWN (404) */
KH_CHECK
bool kh_pack_read(struct kh_arena *a, const char *dir, struct kh_issues *issues,
                  struct kh_pack *ret, struct kh_error *err);

/** Read and check; what kh_pack_check does, and the pack with it. */
KH_CHECK
bool kh_pack_read_checked(struct kh_arena *a, const char *dir, struct kh_issues *issues,
                          struct kh_pack *ret, struct kh_error *err);

/** The file of a kind with a key; NULL if there is none. */
const struct kh_pack_file *kh_pack_find(const struct kh_pack *p, enum kh_pack_kind kind,
                                        struct kh_str key);

/** Byte offset of the value at a pointer in well-formed JSON; the nearest there is above it. */
size_t kh_json_where(struct kh_arena *a, struct kh_str text, struct kh_str pointer);
/** Line and column (in characters), both from 1, of a byte. */
void kh_text_place(struct kh_str text, size_t at, size_t *ret_line, size_t *ret_column);

/** A compiled file of processes. */
struct kh_pack_model {
    const struct kh_pack_file *file;
    struct kh_bpmn bpmn;
    bool good; /**< else it has been complained about, and bpmn is empty */
};

/** What is being checked. */
struct kh_pack_check {
    struct kh_arena *a;
    const struct kh_pack *p;
    struct kh_issues *issues;
    struct kh_pack *deps; /**< packs below it, in all depths */
    size_t deps_n;
    struct kh_pack_model *models; /**< processes of the pack, then of those below it */
    size_t models_n, models_cap;
};

/** Complain about the value at a pointer of a JSON file, or about an offset of any file. */
void kh_pack_complain(struct kh_pack_check *c, const struct kh_pack_file *f, struct kh_str pointer,
                      const char *code, const char *vi, const char *en);
void kh_pack_complain_at(struct kh_pack_check *c, const struct kh_pack_file *f, size_t offset,
                         const char *code, struct kh_str vi, struct kh_str en);
void kh_pack_complain_line(struct kh_pack_check *c, const struct kh_pack_file *f, size_t line,
                           size_t column, const char *code, struct kh_str vi, struct kh_str en);
/** Does it say something in one language only, anywhere? */
bool kh_pack_half_translated(const struct kh_json *v);
/** Type file by name, of this pack or one below it. */
const struct kh_pack_file *kh_pack_type(const struct kh_pack_check *c, struct kh_str name);
/** Is there a process with this key in the pack, or in one below it? */
bool kh_pack_has_process(const struct kh_pack_check *c, struct kh_str key);
/** Check what processes, the access rules and the answers of a type, and figures name. */
void kh_pack_check_process(struct kh_pack_check *c, const struct kh_pack_model *m);
void kh_pack_check_access(struct kh_pack_check *c, const struct kh_pack_file *f);
/** @param field x-kh of a property; pointer is its "answers" */
void kh_pack_check_answers(struct kh_pack_check *c, const struct kh_pack_file *f,
                           const struct kh_json *field, struct kh_str pointer);
void kh_pack_check_figures(struct kh_pack_check *c, const struct kh_pack_file *f,
                           const struct kh_json *properties);
/** Check the records of a data or demo file. @param err ARENA_FULL, STORE ... only */
KH_CHECK
bool kh_pack_check_data(struct kh_pack_check *c, const struct kh_pack_file *f,
                        struct kh_error *err);

#endif
