/* SPDX-License-Identifier: Apache-2.0 */
#include "store/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

bool kh_backup_target(const char *dir, const char *name, struct kh_error *err)
{
    kh_auto_arena a = kh_arena_new(1 << 16);

    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return kh_fail(err, KH_EC_IO, "cannot make the folder %s: %s", dir, strerror(errno));
    if (access(kh_str_z(a, kh_strf(a, "%s/%s", dir, name)), F_OK) == 0)
        return kh_fail(err, KH_EC_IO, "%s holds a %s already", dir, name);
    return true;
}

bool kh_backup_sync(const char *dir, struct kh_error *err)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        close(fd);
    return ok || kh_fail(err, KH_EC_IO, "cannot sync %s: %s", dir, strerror(errno));
}
