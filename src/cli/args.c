/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/args.h"

#include "base/time.h"

#include <stdio.h>
#include <unistd.h>

static void cut_out(struct kh_args *args, int at, int n)
{
    for (int i = at; i + n < args->argc; i++)
        args->argv[i] = args->argv[i + n];
    args->argc -= n;
}

const char *kh_args_take(struct kh_args *args, const char *name)
{
    size_t n = strlen(name);

    for (int i = 0; i < args->argc; i++) {
        const char *arg = args->argv[i];

        if (strncmp(arg, name, n) != 0)
            continue;
        if (arg[n] == '=') {
            cut_out(args, i, 1);
            return arg + n + 1;
        }
        if (arg[n] == '\0' && i + 1 < args->argc) {
            const char *value = args->argv[i + 1];

            cut_out(args, i, 2);
            return value;
        }
    }
    return NULL;
}

bool kh_args_flag(struct kh_args *args, const char *name)
{
    for (int i = 0; i < args->argc; i++)
        if (strcmp(args->argv[i], name) == 0) {
            cut_out(args, i, 1);
            return true;
        }
    return false;
}

const char *kh_args_word(struct kh_args *args)
{
    for (int i = 0; i < args->argc; i++)
        if (args->argv[i][0] != '-' || args->argv[i][1] == '\0') {
            const char *word = args->argv[i];

            cut_out(args, i, 1);
            return word;
        }
    return NULL;
}

bool kh_args_end(const struct kh_args *args, const char *command)
{
    if (args->argc == 0)
        return true;
    fprintf(stderr, "khue %s: not understood: %s\nTry: khue %s --help\n", command, args->argv[0],
            command);
    return false;
}

int kh_cli_fail(const char *what, const struct kh_error *err)
{
    const struct kh_error_info *info = kh_error_info(err->code);

    fprintf(stderr, "khue: %s: %s (%s): %s\n", what, info->en, info->name, err->detail);
    for (size_t i = 0; err->issues && i < err->issues->n; i++) {
        const struct kh_issue *it = &err->issues->items[i];

        fprintf(stderr, "  %.*s: %.*s [%.*s]\n", KH_FMT(it->pointer), KH_FMT(it->en),
                KH_FMT(it->code));
    }
    return 1;
}

void kh_bar_show(void *bar, int64_t done, int64_t total)
{
    struct kh_bar *b = bar;
    int64_t now = kh_mono_us();
    int tenth = total > 0 ? (int)(done * 10 / total) : 0;

    if (isatty(STDERR_FILENO)) {
        if (now - b->last_us < KH_US_S / 10 && done < total)
            return;
        if (total > 0)
            fprintf(stderr, "\r%-28s [%-20.*s] %3lld %%", b->label,
                    (int)(done * 20 / total), "####################",
                    (long long)(done * 100 / total));
        else
            fprintf(stderr, "\r%-28s %lld", b->label, (long long)done);
    } else if (total > 0 && tenth != b->last_tenth) {
        fprintf(stderr, "%s %d %%\n", b->label, tenth * 10);
    }
    b->last_us = now;
    b->last_tenth = tenth;
}

void kh_bar_end(struct kh_bar *bar)
{
    if (isatty(STDERR_FILENO) && bar->last_us)
        fputc('\n', stderr);
}
