/* SPDX-License-Identifier: Apache-2.0 */
/**
 * cli/args -- options and words of a command line.
 *
 * Owns   a copy of the argument vector's pointers.
 * Used   by every sub-command.
 * Never  prints, but in kh_args_end (what was not understood) and kh_cli_fail.
 */
#ifndef KH_CLI_ARGS_H
#define KH_CLI_ARGS_H

#include "base/kh.h"

struct kh_args {
    int argc;
    char **argv;
};

/** Take "--name VALUE" or "--name=VALUE" out; NULL if it is not there. */
const char *kh_args_take(struct kh_args *args, const char *name);
/** Take "--name" out. @return true if it was there */
bool kh_args_flag(struct kh_args *args, const char *name);
/** Take the next word that is no option; NULL if there is none. */
const char *kh_args_word(struct kh_args *args);
/** @return true if nothing is left; otherwise says on standard error what was not understood */
bool kh_args_end(const struct kh_args *args, const char *command);

/** Say an error on standard error, with its issues. @return 1, for the exit status */
int kh_cli_fail(const char *what, const struct kh_error *err);

/** A bar on standard error when it is a terminal, a line per tenth otherwise. */
struct kh_bar {
    const char *label;
    int64_t last_us;
    int last_tenth;
};
void kh_bar_show(void *bar, int64_t done, int64_t total);
void kh_bar_end(struct kh_bar *bar);

#endif
