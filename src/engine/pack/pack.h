/* SPDX-License-Identifier: Apache-2.0 */
/**
 * pack -- a system of the city as data: checked as strictly as by a compiler, loaded at once.
 *
 * packs/<id>/
 *   pack.json            {"id","version","title":{vi,en},"depends":[ids],"owner":agency,"licence"?,
 *                         "attribution"?:[{vi,en,"url"?,"licence"?}]}
 *   roles.json           {"roles":[{"role","title":{vi,en},"about":{vi,en}}]}
 *   types/<type>.schema.json      registry types (registry.h says the annotations)
 *   processes/<name>.bpmn  decisions/<key>.dmn  calendars/<key>.json
 *   notices/<name>.json  {"<key>":{"vi":{"title","body","sms"?},"en":{...}}} with {field} references
 *   indicators/<key>.json    figures that insight keeps
 *   i18n/vi.json en.json {"key":"text"}, the same keys in both
 *   data/<order>-<type>.ndjson    records that come with the pack, with a data/SOURCES.md that names
 *                        every file with its licence and source
 *   demo/                records for `khue init --demo` only, like data/
 *   README.md
 * Anything else in the folder is an error.
 *
 * Owns   tables pack, pack_file.
 * Used   by cli (pack check, pack load, init), api/pack.c.
 * Never  removes what an older version of a pack brought: types and records outlive it.
 */
#ifndef KH_PACK_PACK_H
#define KH_PACK_PACK_H

#include "base/json.h"
#include "store/store.h"

struct kh_who;
struct kh_registry;
struct kh_process;
struct kh_notify;
struct kh_insight;

/** Check a pack folder without a database; packs that it depends on are looked for beside it. Issues:
 *  pointer is "file:line:column".
 *  @return true if it could be read; it is good if ret_issues->n is 0
 *  @param err IO (500), PACK_UNKNOWN (404): no folder or no pack.json */
KH_CHECK
bool kh_pack_check(struct kh_arena *a, const char *dir, struct kh_issues *ret_issues,
                   struct kh_error *err);

/** The engines that a pack is loaded into. */
struct kh_pack_city {
    struct kh_store *store;
    struct kh_registry *registry;
    struct kh_process *process;
    struct kh_notify *notify;
    struct kh_insight *insight;
};

struct kh_pack_options {
    bool demo;                /**< also the records of demo/ */
    const struct kh_who *who; /**< NULL: the system */
    kh_progress_fn progress;  /**< or NULL */
    void *ctx;
};

struct kh_pack_loaded {
    struct kh_str id, version;
    size_t files, changed;   /**< files of the pack, and those that were new or other */
    size_t created, updated; /**< records */
};

/**
 * Check a pack and load what changed since it was loaded last. What the pack declares (roles, types,
 * decisions, processes, calendars, messages) takes effect in one transaction, its records in a
 * second one; after a crash in between, loading again goes on.
 *
 * @param err PACK_INVALID (422) with issues, PACK_UNKNOWN (404): a pack it depends on is not loaded,
 *            IMPORT_INVALID (422): a record does not fit, STORE (503), IO (500)
 */
KH_CHECK
bool kh_pack_load(const struct kh_pack_city *city, struct kh_arena *a, const char *dir,
                  const struct kh_pack_options *o, struct kh_pack_loaded *ret,
                  struct kh_error *err);

/** A loaded pack. */
struct kh_pack_info {
    struct kh_str id, version;
    struct kh_str manifest; /**< pack.json, as loaded */
    int64_t loaded_us;
    int64_t files;
};
/** In the order of ids. */
KH_CHECK
bool kh_pack_list(struct kh_tx *tx, struct kh_arena *a, struct kh_pack_info **ret, size_t *ret_n,
                  struct kh_error *err);

/** The folder of the packs that come with Khue: given, or KHUE_PACKS, or packs/ in one of: beside the
 *  binary, one folder above it (a build tree), ../share/khue/ (an installation).
 *  @param given NULL or an option of the command line
 *  @param err   PACK_UNKNOWN (404) says where it was looked for */
KH_CHECK
bool kh_pack_home(struct kh_arena *a, const char *given, const char **ret, struct kh_error *err);

/** The folders of the packs below home that every city has, in the order of loading
 *  (dependencies first). @param err PACK_INVALID (422): they depend on each other in a circle */
KH_CHECK
bool kh_pack_order(struct kh_arena *a, const char *home, const char ***ret_dirs, size_t *ret_n,
                   struct kh_error *err);

#endif
