/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static bool failed(const char *what, const char *path, struct kh_error *err)
{
    return kh_fail(err, KH_EC_IO, "cannot %s %s: %s", what, path, strerror(errno));
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
    (void)st;
    (void)flag;
    (void)at;
    return remove(path);
}

static bool is_marker(const char *name)
{
    return strcmp(name, KH_FOLDER_UNFINISHED) == 0;
}

/* Everything in the folder but its marker. @param only_look nothing is removed: fail if there is
 *  something */
static bool clear(const char *dir, bool only_look, struct kh_error *err)
{
    DIR *d = opendir(dir);
    const struct dirent *e;
    bool ok = true;

    if (!d)
        return failed("read", dir, err);
    while (ok && (e = readdir(d)) != NULL) {
        char path[4096];

        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 || is_marker(e->d_name))
            continue;
        if (only_look) {
            ok = kh_fail(err, KH_EC_IO, "%s is there already and not empty", dir);
            break;
        }
        if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) >= sizeof(path) ||
            nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0)
            ok = failed("clear", path, err);
    }
    closedir(d);
    return ok;
}

static bool write_settings(int fd, const char *path, struct kh_str text, struct kh_error *err)
{
    bool ok =
        ftruncate(fd, 0) == 0 && write(fd, text.p, text.n) == (ssize_t)text.n && fsync(fd) == 0;

    return ok || failed("write", path, err);
}

bool kh_folder_begin(const char *dir, struct kh_str settings, struct kh_folder *ret,
                     struct kh_error *err)
{
    char done[4096], path[4096];
    bool left;
    int fd;

    *ret = (struct kh_folder){.dir = dir, .fd = -1};
    if ((size_t)snprintf(done, sizeof(done), "%s/" KH_FOLDER_SETTINGS, dir) >= sizeof(done) ||
        (size_t)snprintf(path, sizeof(path), "%s/" KH_FOLDER_UNFINISHED, dir) >= sizeof(path))
        return kh_fail(err, KH_EC_IO, "the name of the folder is too long");
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return failed("make", dir, err);
    if (access(done, F_OK) == 0)
        return kh_fail(err, KH_EC_IO, "%s holds a city already", dir);
    left = access(path, F_OK) == 0;
    if (!left && !clear(dir, true, err))
        return false;
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return failed("write", path, err);
    /* Asked again under the lock: another command may have finished meanwhile. */
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 || access(done, F_OK) == 0) {
        close(fd);
        return kh_fail(err, KH_EC_IO, "another command is making a city in %s", dir);
    }
    ret->fd = fd;
    return clear(dir, !left, err) && write_settings(fd, path, settings, err);
}

/* The settings get their name when all else is on the disk, and then the name is too. */
static bool finish(const struct kh_folder *f, struct kh_error *err)
{
    int d = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = d >= 0 && syncfs(d) == 0 &&
              renameat(d, KH_FOLDER_UNFINISHED, d, KH_FOLDER_SETTINGS) == 0 && fsync(d) == 0;

    if (!ok)
        failed("finish", f->dir, err);
    if (d >= 0)
        close(d);
    return ok;
}

bool kh_folder_end(struct kh_folder *f, bool keep, struct kh_error *err)
{
    char path[4096];
    bool ok = true;

    if (f->fd < 0)
        return true;
    if (keep) {
        ok = finish(f, err);
    } else {
        /* The marker goes last, so that what is cut off here is still nobody's city. */
        snprintf(path, sizeof(path), "%s/" KH_FOLDER_UNFINISHED, f->dir);
        ok = clear(f->dir, false, err) && (unlink(path) == 0 || failed("remove", path, err)) &&
             (rmdir(f->dir) == 0 || failed("remove", f->dir, err));
    }
    close(f->fd);
    f->fd = -1;
    return ok;
}
