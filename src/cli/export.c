/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include "base/time.h"
#include "cli/open.h"
#include "engine/registry/export.h"

#include <errno.h>
#include <stdio.h>

static const char usage[] =
    "khue export --data DIR --type TYPE [--format ndjson|csv|geojson] [--valid DATE] [--at INSTANT]\n"
    "            [FILE]\n";

static bool write_all(struct kh_export *x, FILE *out, struct kh_bar *bar, struct kh_error *err)
{
    bool end = false;

    while (!end) {
        struct kh_str text;

        if (!kh_export_page(x, &text, &end, err))
            return false;
        if (text.n && fwrite(text.p, 1, text.n, out) != text.n)
            return kh_fail(err, KH_EC_IO, "writing: %s", strerror(errno));
        if (bar)
            kh_bar_show(bar, kh_export_count(x), 0);
    }
    return fflush(out) == 0 || kh_fail(err, KH_EC_IO, "writing: %s", strerror(errno));
}

static bool format_of(const char *word, enum kh_table_format *ret)
{
    struct kh_str s = kh_cstr(word ? word : "ndjson");

    *ret = kh_str_is(s, "csv") ? KH_TABLE_CSV : kh_str_is(s, "geojson") ? KH_TABLE_GEOJSON
                                                                          : KH_TABLE_NDJSON;
    return *ret != KH_TABLE_NDJSON || kh_str_is(s, "ndjson");
}

static bool run(struct kh_opened *o, const char *type, enum kh_table_format format,
                const struct kh_list *q, const char *path, struct kh_error *err)
{
    const struct kh_type *t = kh_type_find(o->city.registry, kh_cstr(type));
    struct kh_bar bar = {.label = "export"};
    struct kh_export *x;
    FILE *out;
    bool good;

    if (!t)
        return kh_fail(err, KH_EC_TYPE_UNKNOWN, "%s", type);
    if (format == KH_TABLE_GEOJSON && kh_type_geo(t).n == 0)
        return kh_fail(err, KH_EC_FILTER_INVALID, "%s has no place: no GeoJSON of it", type);
    out = path ? fopen(path, "we") : stdout;
    if (!out)
        return kh_fail(err, KH_EC_IO, "%s: %s", path, strerror(errno));
    x = kh_export_open(o->city.store, o->city.registry, t, q, format);
    good = write_all(x, out, path ? &bar : NULL, err);
    if (path) {
        kh_bar_end(&bar);
        if (fclose(out) != 0 && good)
            good = kh_fail(err, KH_EC_IO, "%s: %s", path, strerror(errno));
        if (good)
            printf("%lld records\n", (long long)kh_export_count(x));
    }
    kh_export_close(x);
    return good;
}

int cli_export(int argc, char **argv)
{
    struct kh_args args = {argc - 1, argv + 1};
    struct kh_who who = kh_who_system(KH_S("export"));
    const char *type = kh_args_take(&args, "--type"), *format = kh_args_take(&args, "--format");
    const char *path, *valid = kh_args_take(&args, "--valid");
    const char *at = kh_args_take(&args, "--at");
    struct kh_list q = {.who = &who};
    enum kh_table_format f;
    struct kh_opened o = {0};
    struct kh_error err = {0};
    int status = 0;

    if (kh_args_flag(&args, "--help")) {
        fputs(usage, stdout);
        return 0;
    }
    if (!kh_open_config(&args, &o, &err))
        return kh_cli_fail("export", &err);
    path = kh_args_word(&args);
    if (!kh_args_end(&args, "export") || !type || !format_of(format, &f) ||
        (valid && !kh_when_parse(kh_cstr(valid), &q.valid_us)) ||
        (at && !kh_when_parse(kh_cstr(at), &q.at_us))) {
        fputs(usage, stderr);
        return 2;
    }
    if (!kh_city_open(&o, &err) || !run(&o, type, f, &q, path, &err))
        status = kh_cli_fail("export", &err);
    kh_city_close(&o);
    return status;
}
