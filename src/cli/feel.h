/* SPDX-License-Identifier: Apache-2.0 */
/**
 * cli/feel -- `khue feel`: try an expression, or many at a prompt, as people who write packs do.
 *
 * Owns   nothing beyond the call.
 * Used   by main.
 */
#ifndef KH_CLI_FEEL_H
#define KH_CLI_FEEL_H

#include <stdbool.h>
#include <stdio.h>

/** @return exit status: 0 done, 1 an expression failed, 2 usage. argv[0] is "feel". */
int cli_feel(int argc, char **argv);

/** The prompt on given streams, for tests; asks without a prompt if it is not interactive. */
int cli_feel_prompt(FILE *in, FILE *out, bool interactive);

#endif
