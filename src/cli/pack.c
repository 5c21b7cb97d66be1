/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include "cli/open.h"
#include "engine/pack/pack.h"

#include <stdio.h>

static const char usage[] =
    "khue pack check DIR...\n"
    "khue pack load DIR... --data DIR [--store URL] [--demo]\n"
    "khue pack list --data DIR [--store URL]\n\n"
    "A pack is a system of the city as data: record types, processes, decision tables, messages,\n"
    "calendars, figures and records (docs/PACKS.md).\n\n"
    "  check   reads the folder as strictly as a compiler and prints file:line:column of all that\n"
    "          is wrong; needs no database\n"
    "  load    checks, then loads what has changed since the last time; the city goes on working.\n"
    "          --demo also loads the records in demo/\n"
    "  list    the packs of a city\n";

/* ---- check ---- */

static int check_one(const char *dir)
{
    kh_auto_arena a = kh_arena_new(SIZE_MAX);
    struct kh_issues is = {0};
    struct kh_error err = {0};

    if (!kh_pack_check(a, dir, &is, &err))
        return kh_cli_fail("pack check", &err);
    for (size_t i = 0; i < is.n; i++)
        fprintf(stderr, "%s/%.*s: error: %.*s [%.*s]\n", dir, KH_FMT(is.items[i].pointer),
                KH_FMT(is.items[i].en), KH_FMT(is.items[i].code));
    if (is.cut)
        fprintf(stderr, "%s: more errors were found than are shown\n", dir);
    if (is.n == 0)
        printf("%s: good\n", dir);
    return is.n ? 1 : 0;
}

static int check(struct kh_args *args)
{
    const char *dir = kh_args_word(args);
    int status = 0;

    if (!dir) {
        fputs(usage, stderr);
        return 2;
    }
    for (; dir; dir = kh_args_word(args))
        status |= check_one(dir);
    return kh_args_end(args, "pack check") ? status : 2;
}

/* ---- load ---- */

static bool load_one(struct kh_opened *o, const char *dir, bool demo, struct kh_error *err)
{
    kh_auto_arena a = kh_arena_new(SIZE_MAX);
    const struct kh_city *c = &o->city;
    struct kh_pack_city to = {.store = c->store,
                              .registry = c->registry,
                              .process = c->process,
                              .notify = c->notify,
                              .insight = c->insight};
    struct kh_bar bar = {.label = dir};
    struct kh_pack_options options = {.demo = demo, .progress = kh_bar_show, .ctx = &bar};
    struct kh_pack_loaded done;

    if (!kh_pack_load(&to, a, dir, &options, &done, err)) {
        kh_bar_end(&bar);
        /* The issues are in an arena that ends here. */
        kh_cli_fail("pack load", err);
        err->issues = NULL;
        return false;
    }
    kh_bar_end(&bar);
    printf("%.*s %.*s: %zu of %zu files changed, %zu records created, %zu updated\n",
           KH_FMT(done.id), KH_FMT(done.version), done.changed, done.files, done.created,
           done.updated);
    return true;
}

static int load(struct kh_args *args)
{
    struct kh_opened o = {0};
    struct kh_error err = {0};
    bool demo = kh_args_flag(args, "--demo");
    bool opened = kh_open_config(args, &o, &err) && kh_city_open(&o, &err);
    const char *dir = opened ? kh_args_word(args) : NULL;
    int status = 0;

    if (!opened)
        status = kh_cli_fail("pack load", &err);
    else if (!dir)
        status = 2;
    for (; dir && status == 0; dir = kh_args_word(args))
        status = load_one(&o, dir, demo, &err) ? 0 : 1;
    if (status == 2)
        fputs(usage, stderr);
    else if (status == 0 && !kh_args_end(args, "pack load"))
        status = 2;
    kh_city_close(&o);
    return status;
}

/* ---- list ---- */

static bool list_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct kh_opened *o = ctx;
    struct kh_pack_info *all = NULL;
    size_t n = 0;

    if (!kh_pack_list(tx, o->a, &all, &n, err))
        return false;
    for (size_t i = 0; i < n; i++)
        printf("%-24.*s %.*s\n", KH_FMT(all[i].id), KH_FMT(all[i].version));
    return true;
}

static int list(struct kh_args *args)
{
    struct kh_opened o = {0};
    struct kh_error err = {0};
    int status = 0;

    if (!kh_open_config(args, &o, &err) || !kh_open_store(&o, &err) ||
        !kh_store_run(o.city.store, "pack_list", KH_TX_READ, list_in_tx, &o, &err))
        status = kh_cli_fail("pack list", &err);
    else if (!kh_args_end(args, "pack list"))
        status = 2;
    kh_city_close(&o);
    return status;
}

int cli_pack(int argc, char **argv)
{
    struct kh_args args = {argc - 1, argv + 1};
    const char *what = kh_args_word(&args);

    if (what && strcmp(what, "check") == 0)
        return check(&args);
    if (what && strcmp(what, "load") == 0)
        return load(&args);
    if (what && strcmp(what, "list") == 0)
        return list(&args);
    fputs(usage, stderr);
    return 2;
}
