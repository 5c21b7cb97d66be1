/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base/config -- the settings of one server; the rows are tables/config.def.
 *
 * A file holds lines `key = value`; a line that starts with # is a comment. A key that is not in
 * the table, or stands there twice, stops the start. A secret may be given as @/path/of/a/file.
 *
 * Owns   its texts.
 * Used   by main (reads), everything else (reads fields of struct kh_config directly).
 * Never  prints a secret.
 */
#ifndef KH_BASE_CONFIG_H
#define KH_BASE_CONFIG_H

#include "base/buf.h"
#include "base/kh.h"

enum kh_config_kind { KH_CONFIG_INT, KH_CONFIG_BOOL, KH_CONFIG_TEXT };
enum kh_config_flags { KH_CONFIG_RESTART = 1, KH_CONFIG_LIVE = 2, KH_CONFIG_SECRET = 4 };

/* Numbers may change under a running server (LIVE), so they are atomic. */
#define KH_CONFIG_FIELD_INT  _Atomic(int64_t)
#define KH_CONFIG_FIELD_BOOL _Atomic(int64_t)
#define KH_CONFIG_FIELD_TEXT struct kh_str

/** One field per row: config->http_threads. Texts end with a NUL that n does not count. */
struct kh_config {
#define C(kind, name, min, max, def, unit, flags, about) KH_CONFIG_FIELD_##kind name;
#include "tables/config.def"
#undef C
    struct kh_arena *arena;
    uint64_t given[2]; /**< bit per row: set by a file or the command line */
};

/** A row of the table. */
struct kh_config_row {
    const char *name;
    enum kh_config_kind kind;
    int64_t min, max;
    const char *fallback; /**< as it would stand in a file */
    const char *unit;
    unsigned flags;
    const char *about;
    size_t offset;
};

/** @return row i, NULL after the last */
const struct kh_config_row *kh_config_row(size_t i);

/** Make a configuration of defaults. */
struct kh_config *kh_config_new(void);
void kh_config_drop(struct kh_config *c);

/**
 * Set one key, as the command line does.
 *
 * @param err CONFIG_INVALID: the key is unknown, or the value out of its bounds
 */
KH_CHECK
bool kh_config_set(struct kh_config *c, struct kh_str key, struct kh_str value,
                   struct kh_error *err);

/** Read the text of a file; name is for messages. @param err CONFIG_INVALID with the line */
KH_CHECK
bool kh_config_text(struct kh_config *c, const char *name, struct kh_str text,
                    struct kh_error *err);

/** Read a file. @param err IO (cannot be read), CONFIG_INVALID */
KH_CHECK
bool kh_config_file(struct kh_config *c, const char *path, struct kh_error *err);

/**
 * Take over the LIVE numbers of a newly read configuration while the server runs.
 * @return how many changed rows need a restart; their names are appended to restart
 */
size_t kh_config_live(struct kh_config *running, const struct kh_config *read,
                      struct kh_buf *restart);

/** Explain every row (key empty) or one; with the present value if c is given.
 *  @return false if there is no such key */
bool kh_config_explain(const struct kh_config *c, struct kh_str key, struct kh_buf *out);

/** A sample file with every row as a comment. */
void kh_config_sample(struct kh_buf *out);

/** Split a list ("a, b c") into its words; returns the next word or empty at the end. */
struct kh_str kh_config_word(struct kh_str *list);

#endif
