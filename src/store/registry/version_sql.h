/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store/registry/version_sql -- what records were, and what they will be.
 *
 * A row is a piece of one record's life: its content from valid_from to valid_to, as known from
 * recorded_from to recorded_to. The piece that holds now stands in rec_<type>; all others here.
 * A row is inserted once and closed at most once (recorded_to, dead_rev); nothing else changes.
 *
 * A piece that was cut by an ordinary change is one row for both states of knowledge: before cut_us
 * its validity was known to reach was_to, since then valid_to.
 *
 * Owns   tables record_version, record_serial.
 * Used   by engine/registry.
 */
#ifndef KH_STORE_REGISTRY_VERSION_SQL_H
#define KH_STORE_REGISTRY_VERSION_SQL_H

#include "store/store.h"

struct kh_rversion {
    int64_t id, seg;
    struct kh_str type;
    int64_t rev;    /**< the write that made this content */
    int64_t by_rev; /**< the write that inserted this row */
    int64_t dead_rev; /**< the write that closed it, or 0 */
    bool head;      /**< it stood in rec_<type> before write by_rev */
    bool pending;   /**< its time is still to come */
    int64_t sv;
    int64_t valid_from, valid_to, was_to, cut_us;
    int64_t recorded_from, recorded_to;
    struct kh_str data;
};

KH_CHECK
bool kh_version_sql_insert(struct kh_tx *tx, const struct kh_rversion *v, struct kh_error *err);
/** Close a row. */
KH_CHECK
bool kh_version_sql_kill(struct kh_tx *tx, int64_t id, int64_t seg, int64_t recorded_to,
                         int64_t dead_rev, struct kh_error *err);
/** The piece that held at valid_us as known at at_us. */
KH_CHECK
enum kh_hit kh_version_sql_find(struct kh_tx *tx, struct kh_arena *a, int64_t id, int64_t valid_us,
                                int64_t at_us, struct kh_rversion *ret, struct kh_error *err);
/** All pieces of a record in the order of seg; only_alive: those with recorded_to still open. */
KH_CHECK
bool kh_version_sql_all(struct kh_tx *tx, struct kh_arena *a, int64_t id, bool only_alive,
                        struct kh_rversion **ret, size_t *ret_n, struct kh_error *err);
/** Records of a type that have a piece whose time has come. */
KH_CHECK
bool kh_version_sql_due(struct kh_tx *tx, struct kh_str type, int64_t now_us, size_t max,
                        int64_t *ids, size_t *ret_n, struct kh_error *err);
/** The earliest instant at which a pending piece of a type begins. */
KH_CHECK
enum kh_hit kh_version_sql_next_due(struct kh_tx *tx, struct kh_str type, int64_t *ret_us,
                                    struct kh_error *err);
/** Ids of one type in record_version with id > after, ascending, each once. */
KH_CHECK
bool kh_version_sql_ids(struct kh_tx *tx, struct kh_str type, int64_t after, size_t max,
                        int64_t *ids, size_t *ret_n, struct kh_error *err);

/** The next number of a series; gap-free because it commits with the record that bears it. */
KH_CHECK
bool kh_serial_sql_next(struct kh_tx *tx, struct kh_str type, struct kh_str period,
                        int64_t *ret_number, struct kh_error *err);
/** Let the series go on above a number that came from outside. */
KH_CHECK
bool kh_serial_sql_raise(struct kh_tx *tx, struct kh_str type, struct kh_str period,
                         int64_t number, struct kh_error *err);

#endif
