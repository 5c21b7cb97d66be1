/* SPDX-License-Identifier: Apache-2.0 */
/**
 * pack -- a system of the city as data: checked as strictly as by a compiler, loaded at once.
 *
 * packs/<id>/
 *   pack.json            {"id","version","title":{vi,en},"depends":[ids],"owner":agency,"licence"?}
 *   roles.json           {"roles":[{"role","title":{vi,en},"about":{vi,en}}]}
 *   types/<type>.schema.json      registry types (registry.h says the annotations)
 *   processes/*.bpmn  decisions/*.dmn  calendars/*.json
 *   notices/*.json       {"<key>":{"vi":{"title","body","sms"?},"en":{...}}} with {field} references
 *   indicators/*.json    figures that insight keeps
 *   i18n/vi.json en.json
 *   data/<order>-<type>.ndjson|csv|geojson  records that come with the pack, each with a
 *                        data/SOURCES.md that says licence and source
 *   demo/                records and accounts for `khue init --demo` only
 *
 * Owns   tables pack, pack_file.
 * Used   by cli (pack check, pack load, init), api/pack.c.
 */
#ifndef KH_PACK_PACK_H
#define KH_PACK_PACK_H

#include "base/json.h"
#include "store/store.h"

struct kh_packs;
struct kh_city;

/** Check a pack folder without a database. Issues: pointer is "file:line:column".
 *  @return true if it could be read; it is good if ret_issues->n is 0 */
KH_CHECK
bool kh_pack_check(struct kh_arena *a, const char *dir, struct kh_issues *ret_issues,
                   struct kh_error *err);

#endif
