/* SPDX-License-Identifier: Apache-2.0 */
/**
 * cli -- the sub-commands of khue, one file each.
 *
 * Each is called as a main: argv[0] is its own name. It returns the exit status: 0 done, 1 failed,
 * 2 not understood.
 */
#ifndef KH_CLI_CLI_H
#define KH_CLI_CLI_H

int cli_init(int argc, char **argv);
int cli_serve(int argc, char **argv);
int cli_pack(int argc, char **argv);
int cli_import(int argc, char **argv);
int cli_export(int argc, char **argv);
int cli_user(int argc, char **argv);
int cli_backup(int argc, char **argv);
int cli_restore(int argc, char **argv);
int cli_audit(int argc, char **argv);
int cli_config(int argc, char **argv);
int cli_schema(int argc, char **argv);
int cli_feel(int argc, char **argv);
int cli_demo(int argc, char **argv);
int cli_dmn(int argc, char **argv);
int cli_bench(int argc, char **argv);

#endif
