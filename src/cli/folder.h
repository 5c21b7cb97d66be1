/* SPDX-License-Identifier: Apache-2.0 */
/**
 * cli/folder -- a data folder comes into being as a whole or not at all.
 *
 * Until it is finished its settings are called khue.conf.unfinished, and no command takes it for a
 * city. What a command leaves behind that was killed in between is cleared by the next one that
 * wants the same folder; two that want it at once are told apart by a lock on that file.
 *
 * Owns   DIR while it is being made, and the name of its settings.
 * Used   by cli/init.c, cli/backup.c (restore), cli/open.c.
 * Never  touches a folder with a khue.conf, or one whose files are not its own.
 */
#ifndef KH_CLI_FOLDER_H
#define KH_CLI_FOLDER_H

#include "base/kh.h"

#define KH_FOLDER_SETTINGS   "khue.conf"
#define KH_FOLDER_UNFINISHED "khue.conf.unfinished"

struct kh_folder {
    const char *dir;
    int fd; /**< of the settings, locked; -1: nothing has been begun */
};

/** Begin DIR with these settings. It may be there if it is empty or unfinished.
 *  @param ret  set in any case, for kh_folder_end
 *  @param err  IO (500): it holds a city or something else, or somebody is at work in it */
KH_CHECK
bool kh_folder_begin(const char *dir, struct kh_str settings, struct kh_folder *ret,
                     struct kh_error *err);

/** End what was begun: everything on the disk and the settings under their name, or, with keep
 *  false, nothing left. The store has been closed before. @param err IO (500) */
KH_CHECK
bool kh_folder_end(struct kh_folder *f, bool keep, struct kh_error *err);

#endif
