/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/pack/pack_int.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_dir(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool kh_pack_home(struct kh_arena *a, const char *given, const char **ret, struct kh_error *err)
{
    static const char *const below[] = {"packs", "../packs", "../share/khue/packs"};
    const char *env = getenv("KHUE_PACKS");
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    struct kh_str dir = {self, n > 0 ? (size_t)n : 0};

    if (!given && env && env[0])
        given = env;
    if (given) {
        if (!is_dir(given))
            return kh_fail(err, KH_EC_PACK_UNKNOWN, "%s is no folder", given);
        *ret = given;
        return true;
    }
    while (dir.n && dir.p[dir.n - 1] != '/')
        dir.n--;
    for (size_t i = 0; i < KH_LEN(below); i++) {
        const char *path = kh_strf(a, "%.*s%s", KH_FMT(dir), below[i]).p;

        if (is_dir(path)) {
            *ret = path;
            return true;
        }
    }
    return kh_fail(err, KH_EC_PACK_UNKNOWN, "no folder packs beside %s (or in ../share/khue)",
                   self);
}

/* ---- order ---- */

struct node {
    const char *dir;
    struct kh_str id;
    const struct kh_json *depends;
    bool placed;
};

static int by_dir(const void *a, const void *b)
{
    const struct node *x = a, *y = b;

    return strcmp(x->dir, y->dir);
}

static bool ready(const struct node *n, const struct node *all, size_t count)
{
    for (uint32_t i = 0; kh_json_is(n->depends, KH_JSON_ARRAY) && i < n->depends->n; i++)
        for (size_t k = 0; k < count; k++)
            if (n->depends->items[i].type == KH_JSON_STRING && !all[k].placed &&
                kh_str_eq(all[k].id, n->depends->items[i].s))
                return false;
    return true;
}

static bool place_all(struct kh_arena *a, struct node *all, size_t n, const char ***ret_dirs,
                      struct kh_error *err)
{
    const char **dirs = kh_new_n(a, n + 1, const char *);

    for (size_t done = 0; done < n;) {
        size_t before = done;

        for (size_t i = 0; i < n; i++) {
            if (all[i].placed || !ready(&all[i], all, n))
                continue;
            all[i].placed = true;
            dirs[done++] = all[i].dir;
        }
        if (done == before)
            return kh_fail(err, KH_EC_PACK_INVALID, "packs depend on each other in a circle");
    }
    *ret_dirs = dirs;
    return true;
}

bool kh_pack_order(struct kh_arena *a, const char *home, const char ***ret_dirs, size_t *ret_n,
                   struct kh_error *err)
{
    DIR *d = opendir(home);
    const struct dirent *e;
    struct node *all = NULL;
    size_t n = 0, cap = 0;

    if (!d)
        return kh_fail(err, KH_EC_IO, "%s cannot be read", home);
    while ((e = readdir(d))) {
        const char *dir = kh_strf(a, "%s/%s", home, e->d_name).p;
        struct kh_issues ignored = {0};
        struct kh_error skip = {0};
        struct kh_pack p;

        if (e->d_name[0] == '.' || !is_dir(dir) || !kh_pack_read(a, dir, &ignored, &p, &skip))
            continue;
        all = kh_grow(a, all, n, n + 1, &cap, sizeof(*all));
        all[n++] = (struct node){dir, p.id, kh_json_get(p.manifest, "depends"), false};
    }
    closedir(d);
    if (n)
        qsort(all, n, sizeof(*all), by_dir);
    if (!place_all(a, all, n, ret_dirs, err))
        return false;
    *ret_n = n;
    return true;
}
