/* SPDX-License-Identifier: Apache-2.0 */
/**
 * cli/dmn -- `khue dmn check`: the problems of decision models, as a compiler tells them.
 *
 * Owns   nothing beyond the call.
 * Used   by main.
 */
#ifndef KH_CLI_DMN_H
#define KH_CLI_DMN_H

#include <stdio.h>

/** @return exit status: 0 good, 1 problems, 2 usage. argv[0] is "dmn". */
int cli_dmn(int argc, char **argv);

/** Check one file with the files that it may import; problems go to out. @return problems, or -1 */
int cli_dmn_check(const char *path, char *const *imports, int imports_n, FILE *out);

#endif
