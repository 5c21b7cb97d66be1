/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/pack/pack_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct reading {
    struct kh_arena *a;
    struct kh_pack *p;
    size_t cap;
    struct kh_issues *issues;
    struct kh_error *err;
};

static bool io_failed(struct reading *r, struct kh_str path)
{
    return kh_fail(r->err, KH_EC_IO, "%s/%.*s: %s", r->p->dir, KH_FMT(path), strerror(errno));
}

/* ---- what a file is, by its place and name ---- */

static bool word_ok(struct kh_str s)
{
    if (s.n == 0 || s.n > 60)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') ||
              s.p[i] == '_' || s.p[i] == '-'))
            return false;
    return true;
}

static bool ends(struct kh_str s, const char *end, struct kh_str *ret_stem)
{
    size_t n = strlen(end);

    if (s.n <= n || memcmp(s.p + s.n - n, end, n) != 0)
        return false;
    *ret_stem = kh_str(s.p, s.n - n);
    return word_ok(*ret_stem);
}

/* "10-place.ndjson" -> "place" */
static bool data_name(struct kh_str name, struct kh_str *ret_type)
{
    struct kh_str stem, order;

    if (!ends(name, ".ndjson", &stem))
        return false;
    order = kh_str_cut(stem, '-', ret_type);
    for (size_t i = 0; i < order.n; i++)
        if (order.p[i] < '0' || order.p[i] > '9')
            return false;
    return order.n > 0 && ret_type->n > 0;
}

static void classify(struct kh_pack_file *f)
{
    static const struct {
        const char *folder, *end;
        enum kh_pack_kind kind;
    } places[] = {
        {"types", ".schema.json", KH_PACK_TYPE}, {"processes", ".bpmn", KH_PACK_PROCESS},
        {"decisions", ".dmn", KH_PACK_DECISION}, {"calendars", ".json", KH_PACK_CALENDAR},
        {"notices", ".json", KH_PACK_NOTICES},   {"indicators", ".json", KH_PACK_INDICATOR},
        {"prints", ".json", KH_PACK_PRINT},
    };
    struct kh_str name, folder = kh_str_cut(f->path, '/', &name);
    bool demo = kh_str_is(folder, "demo");

    f->kind = KH_PACK_UNKNOWN;
    f->key = KH_S("");
    if (kh_str_is(f->path, "pack.json"))
        f->kind = KH_PACK_MANIFEST;
    else if (kh_str_is(f->path, "roles.json"))
        f->kind = KH_PACK_ROLES;
    else if (kh_str_is(f->path, "README.md"))
        f->kind = KH_PACK_README;
    else if (kh_str_is(f->path, "i18n/vi.json") || kh_str_is(f->path, "i18n/en.json"))
        f->kind = KH_PACK_TEXTS;
    else if ((demo || kh_str_is(folder, "data")) && kh_str_is(name, "SOURCES.md"))
        f->kind = KH_PACK_SOURCES;
    else if ((demo || kh_str_is(folder, "data")) && data_name(name, &f->key))
        f->kind = demo ? KH_PACK_DEMO : KH_PACK_DATA;
    for (size_t i = 0; f->kind == KH_PACK_UNKNOWN && i < KH_LEN(places); i++)
        if (kh_str_is(folder, places[i].folder) && ends(name, places[i].end, &f->key))
            f->kind = places[i].kind;
}

static bool is_json(enum kh_pack_kind k)
{
    return k == KH_PACK_MANIFEST || k == KH_PACK_ROLES || k == KH_PACK_TEXTS ||
           k == KH_PACK_CALENDAR || k == KH_PACK_TYPE || k == KH_PACK_NOTICES ||
           k == KH_PACK_INDICATOR || k == KH_PACK_PRINT;
}

/* ---- reading ---- */

static bool text_read(struct reading *r, struct kh_pack_file *f)
{
    struct kh_str full = kh_strf(r->a, "%s/%.*s", r->p->dir, KH_FMT(f->path));
    struct stat st;
    char *p;
    size_t n = 0;
    int fd = open(full.p, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return io_failed(r, f->path);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > KH_PACK_FILE_BYTES) {
        close(fd);
        errno = EFBIG;
        return io_failed(r, f->path);
    }
    p = kh_alloc(r->a, (size_t)st.st_size + 1);
    while (n < (size_t)st.st_size) {
        ssize_t got = read(fd, p + n, (size_t)st.st_size - n);

        if (got <= 0)
            break;
        n += (size_t)got;
    }
    close(fd);
    f->text = kh_str(p, n);
    kh_sha256_one(f->text, f->sum);
    return true;
}

/* "... (line 3, column 9)" of a syntax error. */
static void place_in(const char *detail, long *line, long *column)
{
    const char *l = strstr(detail, "(line "), *c = strstr(detail, ", column ");

    *line = l ? strtol(l + 6, NULL, 10) : 1;
    *column = c ? strtol(c + 9, NULL, 10) : 1;
}

static void json_read(struct reading *r, struct kh_pack_file *f)
{
    static const struct kh_json_limits limits = {
        .bytes = KH_PACK_FILE_BYTES, .depth = 100, .values = 2000000};
    struct kh_error bad = {0};
    struct kh_json *v = NULL;
    long line, column;

    if (kh_json_parse(r->a, f->text, &limits, &v, &bad)) {
        f->json = v;
        return;
    }
    place_in(bad.detail, &line, &column);
    kh_issue_add(r->issues, r->a, kh_strf(r->a, "%.*s:%ld:%ld", KH_FMT(f->path), line, column),
                 "json", KH_S("Không phải JSON hợp lệ."),
                 kh_strf(r->a, "Not JSON: %s.", bad.detail));
}

static bool file_add(struct reading *r, struct kh_str path)
{
    struct kh_pack *p = r->p;
    struct kh_pack_file *f;

    if (p->n == KH_PACK_FILES_MAX)
        return kh_fail(r->err, KH_EC_IO, "%s has more than %d files", p->dir, KH_PACK_FILES_MAX);
    p->files = kh_grow(r->a, p->files, p->n, p->n + 1, &r->cap, sizeof(*p->files));
    f = &p->files[p->n++];
    *f = (struct kh_pack_file){.path = path};
    classify(f);
    if (f->kind == KH_PACK_UNKNOWN)
        return true;
    if (!text_read(r, f))
        return false;
    if (is_json(f->kind))
        json_read(r, f);
    return true;
}

/* All that is below; links are not followed. */
static bool folder_read(struct reading *r, struct kh_str below, unsigned depth)
{
    const char *full = kh_strf(r->a, "%s/%.*s", r->p->dir, KH_FMT(below)).p;
    DIR *d = opendir(full);
    const struct dirent *e;
    bool ok = true;

    if (!d)
        return depth ? io_failed(r, below)
                     : kh_fail(r->err, KH_EC_PACK_UNKNOWN, "%s: %s", full, strerror(errno));
    while (ok && (e = readdir(d))) {
        struct kh_str path =
            kh_strf(r->a, "%.*s%s%s", KH_FMT(below), below.n ? "/" : "", e->d_name);
        struct stat st;

        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            ok = io_failed(r, path);
        else if (S_ISDIR(st.st_mode) && depth < 3)
            ok = folder_read(r, path, depth + 1);
        else
            ok = file_add(r, path);
    }
    closedir(d);
    return ok;
}

static int by_kind(const void *a, const void *b)
{
    const struct kh_pack_file *x = a, *y = b;

    return x->kind != y->kind ? (int)x->kind - (int)y->kind : kh_str_cmp(x->path, y->path);
}

bool kh_pack_read(struct kh_arena *a, const char *dir, struct kh_issues *issues,
                  struct kh_pack *ret, struct kh_error *err)
{
    struct kh_pack p = {.dir = dir};
    struct reading r = {.a = a, .p = &p, .issues = issues, .err = err};

    if (!folder_read(&r, KH_S(""), 0))
        return false;
    if (p.n)
        qsort(p.files, p.n, sizeof(*p.files), by_kind);
    if (p.n == 0 || p.files[0].kind != KH_PACK_MANIFEST)
        return kh_fail(err, KH_EC_PACK_UNKNOWN, "%s has no pack.json", dir);
    p.manifest = p.files[0].json;
    p.id = kh_json_str(p.manifest, "id", KH_S(""));
    p.version = kh_json_str(p.manifest, "version", KH_S(""));
    *ret = p;
    return true;
}

const struct kh_pack_file *kh_pack_find(const struct kh_pack *p, enum kh_pack_kind kind,
                                        struct kh_str key)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->files[i].kind == kind && kh_str_eq(p->files[i].key, key))
            return &p->files[i];
    return NULL;
}
