/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include "cli/open.h"
#include "engine/registry/import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] =
    "khue import --data DIR --type TYPE FILE [--dry-run] [--format ndjson|csv|geojson]\n"
    "            [--errors OUT] [--reason TEXT]\n";

enum { ID_SHOWN = 80 };

struct importer {
    struct kh_bar bar;
    FILE *errors;
    int64_t shown;
};

/* The bar and the lines that failed have one context. */
static void show(void *ctx, int64_t done, int64_t total)
{
    kh_bar_show(&((struct importer *)ctx)->bar, done, total);
}

/* "line 7", or "line 1, features[12], id 00070": a whole layer is often one line. */
static const char *place_text(struct kh_arena *a, const struct kh_import_place *at)
{
    struct kh_str id = kh_str(at->id.p, at->id.n < ID_SHOWN ? at->id.n : ID_SHOWN);
    const char *line = kh_strf(a, "line %lld", (long long)at->line).p;

    if (at->feature >= 0)
        line = kh_strf(a, "%s, features[%lld]", line, (long long)at->feature).p;
    return id.n ? kh_strf(a, "%s, id %.*s", line, KH_FMT(id)).p : line;
}

static void line_failed(void *ctx, const struct kh_import_place *at, const struct kh_error *err)
{
    struct importer *im = ctx;
    kh_auto_arena a = kh_arena_new(4 << 20);
    const char *where = place_text(a, at);
    struct kh_buf b = kh_buf(a, 1 << 20);
    struct kh_jw w = kh_jw(&b);
    size_t n = err->issues ? err->issues->n : 0;

    for (size_t i = 0; i < n && im->shown < 20; i++, im->shown++)
        fprintf(stderr, "%s: %.*s: %.*s\n", where, KH_FMT(err->issues->items[i].pointer),
                KH_FMT(err->issues->items[i].en));
    if (n == 0 && im->shown++ < 20)
        fprintf(stderr, "%s: %s: %s\n", where, kh_error_info(err->code)->en, err->detail);
    if (!im->errors)
        return;
    kh_jw_obj(&w);
    kh_jw_kint(&w, "line", at->line);
    if (at->feature >= 0)
        kh_jw_kint(&w, "feature", at->feature);
    if (at->id.n)
        kh_jw_kstr(&w, "id", at->id);
    kh_jw_kz(&w, "code", kh_error_info(err->code)->name);
    kh_jw_kz(&w, "detail", err->detail);
    kh_jw_key(&w, "issues");
    kh_jw_arr(&w);
    for (size_t i = 0; i < n; i++) {
        kh_jw_obj(&w);
        kh_jw_kstr(&w, "pointer", err->issues->items[i].pointer);
        kh_jw_kstr(&w, "code", err->issues->items[i].code);
        kh_jw_kstr(&w, "vi", err->issues->items[i].vi);
        kh_jw_kstr(&w, "en", err->issues->items[i].en);
        kh_jw_end(&w);
    }
    kh_jw_end(&w);
    kh_jw_end(&w);
    fprintf(im->errors, "%.*s\n", KH_FMT(kh_buf_get(&b)));
}

/* Standard input has no end that is known before, so it is read into memory. */
static bool read_input(struct kh_arena *a, struct kh_str *ret, struct kh_error *err)
{
    struct kh_buf b = kh_buf(a, (size_t)2 << 30);
    char *piece = kh_alloc(a, 1 << 16);
    size_t n;

    while ((n = fread(piece, 1, 1 << 16, stdin)) > 0)
        kh_buf_add(&b, piece, n);
    if (ferror(stdin) || b.full)
        return kh_fail(err, KH_EC_IO, "standard input: %s",
                       b.full ? "more than 2 GiB; give a file" : strerror(errno));
    *ret = kh_buf_get(&b);
    return true;
}

static bool map_file(const char *path, struct kh_str *ret, struct kh_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    void *p;

    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        kh_fail(err, KH_EC_IO, "%s: %s", path, fd < 0 ? strerror(errno) : "not a file");
        if (fd >= 0)
            close(fd);
        return false;
    }
    if (st.st_size == 0) {
        close(fd);
        return kh_fail(err, KH_EC_IMPORT_INVALID, "%s is empty", path);
    }
    p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (p == MAP_FAILED)
        return kh_fail(err, KH_EC_IO, "%s: %s", path, strerror(errno));
    *ret = kh_str(p, (size_t)st.st_size);
    return true;
}

static void told(const struct kh_import_report *r, bool dry_run, const struct importer *im)
{
    printf("%s%lld lines: %lld created, %lld updated, %lld unchanged, %lld failed\n",
           dry_run ? "dry run: " : "", (long long)r->read, (long long)r->created,
           (long long)r->updated, (long long)r->unchanged, (long long)r->failed);
    if (r->ignored.n > 2)
        printf("properties without a field: %.*s\n", KH_FMT(r->ignored));
    if (im->shown > 20)
        fprintf(stderr, "... and %lld more\n", (long long)(im->shown - 20));
}

static int run(struct kh_opened *o, struct kh_import *in, const char *type, const char *path,
               struct importer *im)
{
    struct kh_import_report report;
    struct kh_error err = {0};
    bool good, piped = strcmp(path, "-") == 0;

    in->type = kh_type_find(o->city.registry, kh_cstr(type));
    if (!in->type) {
        kh_fail(&err, KH_EC_TYPE_UNKNOWN, "%s: load its pack first (khue pack load)", type);
        return kh_cli_fail("import", &err);
    }
    if (piped ? !read_input(o->a, &in->input, &err) : !map_file(path, &in->input, &err))
        return kh_cli_fail("import", &err);
    good = kh_import_run(o->city.store, o->city.registry, o->a, in, &report, &err);
    kh_bar_end(&im->bar);
    if (!piped)
        munmap((void *)(uintptr_t)in->input.p, in->input.n);
    if (!good)
        return kh_cli_fail("import", &err);
    told(&report, in->dry_run, im);
    return report.failed ? 1 : 0;
}

int cli_import(int argc, char **argv)
{
    struct kh_args args = {argc - 1, argv + 1};
    struct kh_who who = kh_who_system(KH_S("import"));
    const char *type = kh_args_take(&args, "--type"), *format = kh_args_take(&args, "--format");
    const char *errors = kh_args_take(&args, "--errors"), *reason = kh_args_take(&args, "--reason");
    struct importer im = {.bar = {.label = "import"}};
    struct kh_import in = {.how = {.who = &who, .trusted = true, .reason = kh_cstr(reason)},
                           .progress = show,
                           .fail = line_failed,
                           .ctx = &im};
    struct kh_opened o = {0};
    struct kh_error err = {0};
    const char *path;
    int status = 1;

    if (kh_args_flag(&args, "--help")) {
        fputs(usage, stdout);
        return 0;
    }
    in.dry_run = kh_args_flag(&args, "--dry-run");
    if (!kh_open_config(&args, &o, &err))
        return kh_cli_fail("import", &err);
    path = kh_args_word(&args);
    if (!kh_args_end(&args, "import") || !type || !path) {
        fputs(usage, stderr);
        return 2;
    }
    in.format = kh_import_format_of(kh_cstr(format ? format : path));
    if (errors && !(im.errors = fopen(errors, "we"))) {
        kh_fail(&err, KH_EC_IO, "%s: %s", errors, strerror(errno));
        return kh_cli_fail("import", &err);
    }
    if (kh_city_open(&o, &err))
        status = run(&o, &in, type, path, &im);
    else
        status = kh_cli_fail("import", &err);
    kh_city_close(&o);
    if (im.errors && fclose(im.errors) != 0) {
        kh_fail(&err, KH_EC_IO, "%s: %s", errors, strerror(errno));
        status = kh_cli_fail("import", &err);
    }
    return status;
}
