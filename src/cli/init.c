/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include "base/hash.h"
#include "base/time.h"
#include "cli/demo.h"
#include "cli/folder.h"
#include "cli/open.h"
#include "engine/identity/identity.h"
#include "engine/insight/insight.h"
#include "engine/pack/pack.h"

#include <stdio.h>

enum { DEMO_REPORTS = 420 };

struct init {
    struct kh_opened o;
    struct kh_folder folder;
    const char *dir, *store, *packs;
    bool demo;
};

/* khue.conf: every setting as a comment, and what this city has decided. */
static struct kh_str settings(struct kh_arena *a, const struct init *in)
{
    struct kh_buf out = kh_buf(a, 1 << 20);

    if (in->store)
        kh_buf_strf(&out, "store = %s\n", in->store);
    if (in->demo)
        kh_buf_z(&out, "# A demo takes reports from everybody.\nopen311_anonymous = yes\n");
    kh_buf_c(&out, '\n');
    kh_config_sample(&out);
    return kh_buf_get(&out);
}

static bool begin(struct init *in, struct kh_error *err)
{
    kh_auto_arena a = kh_arena_new(16 << 20);

    return kh_folder_begin(in->dir, settings(a, in), &in->folder, err);
}

static bool look_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct init *in = ctx;
    struct kh_pack_info *packs;
    size_t n = 0;

    if (!kh_pack_list(tx, in->o.a, &packs, &n, err))
        return false;
    return n == 0 || kh_fail(err, KH_EC_CONFIG_INVALID,
                             "the database holds a city, or what is left of one: khue init wants "
                             "an empty one");
}

/* Only PostgreSQL: what an init left there that was cut off is not cleared from here, since nobody
 * knows whose it is. */
static bool is_empty(struct init *in, struct kh_error *err)
{
    return kh_store_run(in->o.city.store, "init_look", KH_TX_READ, look_in_tx, in, err);
}

static bool load_packs(struct init *in, struct kh_error *err)
{
    struct kh_city *c = &in->o.city;
    const struct kh_pack_city to = {.store = c->store, .registry = c->registry,
                                    .process = c->process, .notify = c->notify,
                                    .insight = c->insight};
    const char *home, **dirs;
    size_t n;

    if (!kh_pack_home(in->o.a, in->packs, &home, err) ||
        !kh_pack_order(in->o.a, home, &dirs, &n, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        kh_auto_arena a = kh_arena_new((size_t)1 << 30);
        const char *slash = strrchr(dirs[i], '/');
        struct kh_bar bar = {.label = slash ? slash + 1 : dirs[i]};
        struct kh_pack_options options = {.demo = in->demo, .progress = kh_bar_show, .ctx = &bar};
        struct kh_pack_loaded loaded;

        if (!kh_pack_load(&to, a, dirs[i], &options, &loaded, err)) {
            kh_cli_fail(dirs[i], err); /* the issues live in the arena of this round */
            err->issues = NULL;
            return false;
        }
        kh_bar_show(&bar, 1, 1);
        kh_bar_end(&bar);
    }
    return true;
}

struct admin {
    struct init *in;
    struct kh_str hash;
};

static bool admin_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct admin *ad = ctx;
    struct kh_who who = kh_who_system(KH_S("init"));
    struct kh_account ac = {.username = KH_S("admin"), .name = KH_S("Quản trị viên")};
    struct kh_grant_row g = {.role = KH_S("admin"), .reason = KH_S("khue init")};
    struct kh_identity *id = ad->in->o.city.identity;

    if (!kh_account_add(tx, id, ad->in->o.a, &ac, ad->hash, &who, err))
        return false;
    g.account = ac.id;
    return kh_grant_add(tx, id, ad->in->o.a, &g, &who, err);
}

/* Without a demo there is one account: its password is made here and shown once. */
static bool add_admin(struct init *in, struct kh_error *err)
{
    struct admin ad = {.in = in};
    unsigned char r[15];
    struct kh_str password;

    kh_random(r, sizeof(r));
    password = kh_base64url(in->o.a, kh_str((const char *)r, sizeof(r)));
    if (!kh_password_hash(in->o.city.identity, in->o.a, password, &ad.hash, err) ||
        !kh_store_run(in->o.city.store, "init_admin", KH_TX_WRITE, admin_in_tx, &ad, err))
        return false;
    printf("Administrator: admin\nPassword:      %.*s\n(shown only now; change it after signing in)\n",
           KH_FMT(password));
    return true;
}

static bool init_run(struct init *in, struct kh_error *err)
{
    if (in->demo)
        kh_demo_clock_begin();
    if (!begin(in, err) || !kh_open_config_of(in->dir, &in->o, err) ||
        !kh_city_open(&in->o, err) || !is_empty(in, err) || !load_packs(in, err))
        return false;
    if (in->demo ? !kh_demo_fill(&in->o, DEMO_REPORTS, err) : !add_admin(in, err))
        return false;
    return kh_insight_run(in->o.city.insight, err);
}

int cli_init(int argc, char **argv)
{
    struct kh_args args = {argc - 1, argv + 1};
    struct init in = {.o.making = true, .folder.fd = -1};
    struct kh_error err = {0}, end = {0};
    bool ok;

    in.store = kh_args_take(&args, "--store");
    in.packs = kh_args_take(&args, "--packs");
    in.demo = kh_args_flag(&args, "--demo");
    in.dir = kh_args_word(&args);
    if (!in.dir || !kh_args_end(&args, "init")) {
        fputs("khue init DIR [--demo] [--store URL]; see khue init --help\n", stderr);
        return 2;
    }
    ok = init_run(&in, &err);
    if (!ok)
        kh_cli_fail(in.dir, &err);
    kh_city_close(&in.o);
    if (!kh_folder_end(&in.folder, ok, &end)) {
        kh_cli_fail(in.dir, &end);
        ok = false;
    }
    if (ok)
        printf("Khuê is ready in %s. Next: khue serve --data %s\n", in.dir, in.dir);
    return ok ? 0 : 1;
}
