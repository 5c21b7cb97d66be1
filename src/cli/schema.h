/* SPDX-License-Identifier: Apache-2.0 */
/**
 * cli/schema -- `khue schema test`: check values against JSON Schemas, one pair per line.
 *
 * Owns   nothing beyond the call.
 * Used   by main, and by whoever wants to measure the validator against a suite of cases.
 */
#ifndef KH_CLI_SCHEMA_H
#define KH_CLI_SCHEMA_H

#include <stdio.h>

/** @return exit status: 0 done, 1 input or output failed, 2 usage. argv[0] is "schema". */
int cli_schema(int argc, char **argv);

/** The same on given descriptors, for tests. remotes may be NULL; lang is "vi" or "en". */
int cli_schema_test(int in, FILE *out, const char *remotes, const char *lang);

#endif
