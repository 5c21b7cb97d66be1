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
    if (*name && access(kh_str_z(a, kh_strf(a, "%s/%s", dir, name)), F_OK) == 0)
        return kh_fail(err, KH_EC_IO, "%s holds a %s already", dir, name);
    return true;
}

bool kh_backup_sync(const char *dir, struct kh_error *err)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;

    if (!ok)
        kh_fail(err, KH_EC_IO, "cannot sync %s: %s", dir, strerror(errno));
    if (fd >= 0)
        close(fd);
    return ok;
}

static bool write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t put = write(fd, p, n);

        if (put < 0 && errno != EINTR)
            return false;
        if (put > 0) {
            p += put;
            n -= (size_t)put;
        }
    }
    return true;
}

bool kh_backup_copy(const char *from, const char *to, kh_progress_fn progress, void *ctx,
                    struct kh_error *err)
{
    char room[65536];
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = in >= 0 ? open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
    struct stat sb = {0};
    bool ok = in >= 0 && out >= 0 && fstat(in, &sb) == 0;
    int64_t done = 0;
    ssize_t n = 0;

    while (ok && (n = read(in, room, sizeof(room))) > 0) {
        ok = write_all(out, room, (size_t)n);
        done += n;
        if (progress)
            progress(ctx, done, sb.st_size);
    }
    ok = ok && n == 0 && fsync(out) == 0;
    if (!ok)
        kh_fail(err, errno == ENOSPC ? KH_EC_STORE_FULL : KH_EC_IO, "cannot copy %s: %s", from,
                strerror(errno));
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return ok;
}
