/* SPDX-License-Identifier: Apache-2.0 */
/**
 * cli/open -- opens the engines of a data folder in their order and closes them in reverse.
 *
 * A data folder holds khue.conf, the database (city.db, unless the store is PostgreSQL), anchor/
 * (signed checkpoints and their key, unless anchor_dir says elsewhere) and blobs/ (files).
 *
 * Owns   the struct kh_city of a process and its configuration.
 * Used   by every sub-command that works on a city.
 */
#ifndef KH_CLI_OPEN_H
#define KH_CLI_OPEN_H

#include "api/city.h"
#include "base/config.h"
#include "cli/args.h"

struct kh_opened {
    struct kh_city city;
    struct kh_config *config;
    struct kh_out *out; /**< calls to other systems */
    struct kh_arena *a;
    const char *dir;
    bool making; /**< DIR is not finished yet (folder.h): the store is durable when it is closed */
};

/** Take --data, --store, --set key=value out of args and read DIR/khue.conf.
 *  @param err CONFIG_INVALID, IO */
KH_CHECK
bool kh_open_config(struct kh_args *args, struct kh_opened *o, struct kh_error *err);

/** Only DIR/khue.conf, or what it is called while the folder is being made. */
KH_CHECK
bool kh_open_config_of(const char *dir, struct kh_opened *o, struct kh_error *err);

/** Open store and engines; what was opened before a failure is closed by kh_city_close. */
KH_CHECK
bool kh_city_open(struct kh_opened *o, struct kh_error *err);
void kh_city_close(struct kh_opened *o);

struct kh_store_config;
/** What the store of this city is opened with. */
void kh_open_store_config(const struct kh_opened *o, struct kh_store_config *ret);
/** Store only: for backup, restore, verify. */
KH_CHECK
bool kh_open_store(struct kh_opened *o, struct kh_error *err);

#endif
