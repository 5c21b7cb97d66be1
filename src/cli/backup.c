/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include "cli/folder.h"
#include "cli/open.h"
#include "store/event.h"
#include "store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

/* Copy one file if it is not there yet; blobs never change, so the name says enough. */
static bool copy_file(const char *from, const char *to, struct kh_error *err)
{
    int in = open(from, O_RDONLY | O_CLOEXEC), out = -1;
    struct stat st;
    off_t at = 0;
    bool ok = in >= 0 && fstat(in, &st) == 0;

    if (ok) {
        out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (out < 0 && errno == EEXIST) {
            close(in);
            return true;
        }
        ok = out >= 0;
    }
    while (ok && at < st.st_size)
        ok = sendfile(out, in, &at, (size_t)(st.st_size - at)) > 0;
    ok = ok && fsync(out) == 0;
    if (in >= 0)
        close(in);
    if (out >= 0)
        ok = close(out) == 0 && ok;
    return ok || kh_fail(err, KH_EC_IO, "cannot copy %s to %s: %s", from, to, strerror(errno));
}

/* Copy a tree of ordinary files; one that is not there is empty. */
static bool copy_tree(struct kh_arena *a, const char *from, const char *to, unsigned depth,
                      struct kh_error *err)
{
    DIR *d = opendir(from);
    struct dirent *e;
    bool ok = true;

    if (!d)
        return errno == ENOENT || kh_fail(err, KH_EC_IO, "cannot read %s", from);
    if (mkdir(to, 0700) != 0 && errno != EEXIST)
        ok = kh_fail(err, KH_EC_IO, "cannot make %s: %s", to, strerror(errno));
    while (ok && (e = readdir(d)) != NULL) {
        const char *src, *dst;
        struct stat st;

        if (e->d_name[0] == '.' || depth > 8)
            continue;
        src = kh_strf(a, "%s/%s", from, e->d_name).p;
        dst = kh_strf(a, "%s/%s", to, e->d_name).p;
        if (lstat(src, &st) != 0)
            continue; /* an upload that was given up meanwhile */
        if (S_ISDIR(st.st_mode))
            ok = copy_tree(a, src, dst, depth + 1, err);
        else if (S_ISREG(st.st_mode))
            ok = copy_file(src, dst, err);
    }
    closedir(d);
    return ok;
}

static bool copy_trees(struct kh_arena *a, const char *from, const char *to, struct kh_error *err)
{
    static const char *const trees[] = {"blobs", "anchor"};

    for (size_t i = 0; i < KH_LEN(trees); i++)
        if (!copy_tree(a, kh_strf(a, "%s/%s", from, trees[i]).p,
                       kh_strf(a, "%s/%s", to, trees[i]).p, 0, err))
            return false;
    return true;
}

/* The database first, then the files: every file that a row of the copy names is in the copy. The
 * settings are the last, so a copy that was cut off is not taken for one. */
static bool backup(struct kh_opened *o, const char *to, struct kh_error *err)
{
    struct kh_bar bar = {.label = "database"};

    if (mkdir(to, 0700) != 0)
        return kh_fail(err, KH_EC_IO, "cannot make %s: %s", to, strerror(errno));
    if (!kh_open_store(o, err) || !kh_event_checkpoint(o->city.store, err) ||
        !kh_store_backup(o->city.store, to, kh_bar_show, &bar, err))
        return false;
    kh_bar_end(&bar);
    return copy_trees(o->a, o->dir, to, err) &&
           copy_file(kh_strf(o->a, "%s/" KH_FOLDER_SETTINGS, o->dir).p,
                     kh_strf(o->a, "%s/" KH_FOLDER_SETTINGS, to).p, err);
}

int cli_backup(int argc, char **argv)
{
    struct kh_args args = {argc - 1, argv + 1};
    struct kh_opened o = {0};
    struct kh_error err = {0};
    bool ok = kh_open_config(&args, &o, &err);
    const char *to = kh_args_word(&args);

    if (ok && (!to || !kh_args_end(&args, "backup"))) {
        fputs("khue backup --data DIR TO\n", stderr);
        kh_city_close(&o);
        return 2;
    }
    ok = ok && backup(&o, to, &err);
    if (ok)
        printf("Copied to %s. Check it: khue audit verify --data %s\n", to, to);
    else
        kh_cli_fail("backup", &err);
    kh_city_close(&o);
    return ok ? 0 : 1;
}

static bool settings_read(struct kh_arena *a, const char *from, struct kh_str *ret,
                          struct kh_error *err)
{
    enum { MAX = 1 << 20 };
    const char *path = kh_strf(a, "%s/" KH_FOLDER_SETTINGS, from).p;
    char *p = kh_alloc(a, MAX);
    FILE *f = fopen(path, "re");

    if (!f)
        return kh_fail(err, KH_EC_IO, "%s is no copy of a city: cannot read %s: %s", from, path,
                       strerror(errno));
    *ret = kh_str(p, fread(p, 1, MAX, f));
    fclose(f);
    return true;
}

static bool restore(struct kh_opened *o, const char *from, const char *dir, const char *store,
                    struct kh_folder *folder, struct kh_error *err)
{
    struct kh_bar bar = {.label = "database"};
    struct kh_store_config sc = {0};
    kh_auto_arena a = kh_arena_new(16 << 20);
    struct kh_str settings;

    if (!settings_read(a, from, &settings, err) ||
        !kh_folder_begin(dir, settings, folder, err) || !copy_trees(a, from, dir, err) ||
        !kh_open_config_of(dir, o, err) ||
        (store && !kh_config_set(o->config, KH_S("store"), kh_cstr(store), err)))
        return false;
    kh_open_store_config(o, &sc);
    sc.making = false; /* the copy is durable at once */
    if (!kh_store_restore(&sc, from, kh_bar_show, &bar, err))
        return false;
    kh_bar_end(&bar);
    return true;
}

int cli_restore(int argc, char **argv)
{
    struct kh_args args = {argc - 1, argv + 1};
    const char *from = kh_args_take(&args, "--from"), *dir = kh_args_take(&args, "--data");
    const char *store = kh_args_take(&args, "--store");
    struct kh_opened o = {.making = true};
    struct kh_folder folder = {.fd = -1};
    struct kh_error err = {0}, end = {0};
    bool ok;

    if (!from || !dir || !kh_args_end(&args, "restore")) {
        fputs("khue restore --from COPY --data DIR [--store URL]\n", stderr);
        return 2;
    }
    ok = restore(&o, from, dir, store, &folder, &err);
    if (!ok)
        kh_cli_fail("restore", &err);
    kh_city_close(&o);
    if (!kh_folder_end(&folder, ok, &end)) {
        kh_cli_fail("restore", &end);
        ok = false;
    }
    if (!ok)
        return 1;
    printf("Restored into %s.\n", dir);
    {
        char *verify[] = {(char[]){"audit"}, (char[]){"verify"}, (char[]){"--data"},
                          (char[1024]){0},   (char[]){"--store"}, (char[1024]){0}};

        snprintf(verify[3], 1024, "%s", dir);
        snprintf(verify[5], 1024, "%s", store ? store : "");
        return cli_audit(store ? 6 : 4, verify);
    }
}
