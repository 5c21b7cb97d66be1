/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include "base/id.h"
#include "base/time.h"
#include "cli/open.h"
#include "engine/identity/identity.h"
#include "store/store.h"

#include <stdio.h>
#include <termios.h>
#include <unistd.h>

struct user {
    struct kh_opened *o;
    struct kh_account ac;
    struct kh_str hash;
    struct kh_grant_row grant;
    struct kh_account *list;
    size_t n;
    bool machine;
};

static struct kh_who operator_who(void)
{
    return kh_who_system(KH_S("operator"));
}

/* Read a line from standard input; a terminal does not show it. */
static struct kh_str read_password(struct kh_arena *a)
{
    char line[300];
    struct termios old, quiet;
    bool tty = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &old) == 0;
    char *got;

    if (tty) {
        quiet = old;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        fputs("Password: ", stderr);
        tcsetattr(STDIN_FILENO, TCSANOW, &quiet);
    }
    got = fgets(line, sizeof(line), stdin);
    if (tty) {
        tcsetattr(STDIN_FILENO, TCSANOW, &old);
        fputc('\n', stderr);
    }
    if (!got)
        return KH_S("");
    line[strcspn(line, "\r\n")] = '\0';
    return kh_str_dup(a, kh_cstr(line));
}

static bool add_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct user *u = ctx;
    struct kh_who who = operator_who();

    return kh_account_add(tx, u->o->city.identity, u->o->a, &u->ac, u->hash, &who, err);
}

static bool find(struct kh_tx *tx, struct user *u, struct kh_account *ret, struct kh_error *err)
{
    switch (kh_account_find(tx, u->o->a, u->ac.username, ret, err)) {
    case KH_HIT:
        return true;
    case KH_MISS:
        return kh_fail(err, KH_EC_ACCOUNT_UNKNOWN, "no account is called %.*s",
                       KH_FMT(u->ac.username));
    case KH_FAIL:
        break;
    }
    return false;
}

static bool password_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct user *u = ctx;
    struct kh_who who = operator_who();
    struct kh_account found, change = {0};

    if (!find(tx, u, &found, err))
        return false;
    change.id = found.id;
    return kh_account_change(tx, u->o->city.identity, u->o->a, &change, u->hash, KH_S(""), &who,
                             err);
}

static bool grant_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct user *u = ctx;
    struct kh_who who = operator_who();
    struct kh_account found;

    if (!find(tx, u, &found, err))
        return false;
    u->grant.account = found.id;
    return kh_grant_add(tx, u->o->city.identity, u->o->a, &u->grant, &who, err);
}

static bool list_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct user *u = ctx;

    return kh_account_list(tx, u->o->a, u->ac.name, 0, 1000, &u->list, &u->n, err);
}

static bool run(struct user *u, enum kh_tx_mode mode, kh_tx_fn fn, struct kh_error *err)
{
    return kh_store_run(u->o->city.store, "user", mode, fn, u, err);
}

static bool user_add(struct user *u, struct kh_args *args, struct kh_error *err)
{
    const char *display = kh_args_take(args, "--display"), *unit = kh_args_take(args, "--unit");
    const char *name;

    u->ac.kind = kh_args_flag(args, "--machine") ? KH_S("machine") : KH_S("person");
    name = kh_args_word(args);
    u->ac.username = kh_cstr(name ? name : "");
    u->ac.name = kh_cstr(display ? display : "");
    u->ac.unit = kh_cstr(unit ? unit : "");
    if (kh_str_is(u->ac.kind, "person") &&
        !kh_password_hash(u->o->city.identity, u->o->a, read_password(u->o->a), &u->hash, err))
        return false;
    return run(u, KH_TX_WRITE, add_in_tx, err);
}

static bool user_password(struct user *u, struct kh_args *args, struct kh_error *err)
{
    const char *name = kh_args_word(args);

    u->ac.username = kh_cstr(name ? name : "");
    return kh_password_hash(u->o->city.identity, u->o->a, read_password(u->o->a), &u->hash, err) &&
           run(u, KH_TX_WRITE, password_in_tx, err);
}

static bool user_grant(struct user *u, struct kh_args *args, struct kh_error *err)
{
    const char *unit = kh_args_take(args, "--unit"), *until = kh_args_take(args, "--until");
    const char *reason = kh_args_take(args, "--reason");
    const char *name = kh_args_word(args), *role = kh_args_word(args);

    if (!name || !role)
        return kh_fail(err, KH_EC_CONFIG_INVALID, "khue user grant --data DIR NAME ROLE");
    u->ac.username = kh_cstr(name);
    u->grant.role = kh_cstr(role);
    u->grant.unit = kh_cstr(unit ? unit : "");
    u->grant.reason = kh_cstr(reason ? reason : "");
    if (until && !kh_when_parse(kh_cstr(until), &u->grant.until_us))
        return kh_fail(err, KH_EC_CONFIG_INVALID, "--until is a date or an instant");
    return run(u, KH_TX_WRITE, grant_in_tx, err);
}

static bool user_list(struct user *u, struct kh_args *args, struct kh_error *err)
{
    const char *q = kh_args_word(args);

    u->ac.name = kh_cstr(q ? q : "");
    if (!run(u, KH_TX_READ, list_in_tx, err))
        return false;
    for (size_t i = 0; i < u->n; i++)
        printf("%-24.*s %-8.*s %-7.*s %-16.*s %.*s\n", KH_FMT(u->list[i].username),
               KH_FMT(u->list[i].kind), KH_FMT(u->list[i].state), KH_FMT(u->list[i].unit),
               KH_FMT(u->list[i].name));
    return true;
}

static const struct {
    const char *name;
    bool (*run)(struct user *u, struct kh_args *args, struct kh_error *err);
} verbs[] = {
    {"add", user_add},
    {"password", user_password},
    {"grant", user_grant},
    {"list", user_list},
};

int cli_user(int argc, char **argv)
{
    struct kh_args args = {argc - 1, argv + 1};
    struct kh_opened o = {0};
    struct user u = {.o = &o};
    struct kh_error err = {0};
    bool ok = kh_open_config(&args, &o, &err);
    const char *verb = kh_args_word(&args);
    size_t i = 0;

    while (i < KH_LEN(verbs) && (!verb || strcmp(verbs[i].name, verb) != 0))
        i++;
    if (i == KH_LEN(verbs)) {
        fputs("khue user add|password|grant|list; see khue user --help\n", stderr);
        kh_city_close(&o);
        return 2;
    }
    ok = ok && kh_city_open(&o, &err) && verbs[i].run(&u, &args, &err);
    if (!ok)
        kh_cli_fail(verb, &err);
    kh_city_close(&o);
    return ok ? 0 : 1;
}
