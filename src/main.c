/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fault.h"
#include "base/kh.h"
#include "base/time.h"
#include "cli/cli.h"

#include <libxml/parser.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static int cli_version(int argc, char **argv);
static int cli_help(int argc, char **argv);

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *about;
    const char *help;
} commands[] = {
    {"init", cli_init, "make a data folder",
     "khue init DIR [--demo] [--store URL] [--packs DIR]\n\n"
     "Makes the folder DIR with an empty city: the database, the signing key of the audit chain,\n"
     "khue.conf with its settings, and the packs that come with Khue (units, places, feedback,\n"
     "residents).\n"
     "The first administrator's password is printed once.\n\n"
     "  --demo        also a month of invented reports and one account for each role; names and\n"
     "                passwords are printed and kept in DIR/demo-accounts.json\n"
     "  --store URL   postgres://user@host/name: keep the data in PostgreSQL; DIR then holds\n"
     "                files, keys and settings only\n"
     "  --packs DIR   take the packs from this folder\n\n"
     "Then: khue serve --data DIR\n"},
    {"serve", cli_serve, "serve a data folder over HTTP",
     "khue serve --data DIR [--listen HOST:PORT] [--store URL] [--tls-cert F --tls-key F]\n"
     "           [--web DIR]\n\n"
     "Serves the portal and the API until SIGTERM or SIGINT, then finishes what is under way.\n"
     "Settings are read from DIR/khue.conf; `khue config --explain` tells what they mean.\n\n"
     "  --listen      address and port [127.0.0.1:8080]; port 0 takes a free one and prints it\n"
     "  --store URL   PostgreSQL instead of the database in DIR\n"
     "  --tls-cert, --tls-key   PEM files; cameras and GPS in browsers need HTTPS beyond localhost\n"
     "  --web DIR     serve the portal from a folder instead of the built-in one\n"},
    {"pack", cli_pack, "check or load a pack",
     "khue pack check PACKDIR...\n"
     "khue pack load --data DIR PACKDIR...\n\n"
     "A pack is a system of the city as data: types, processes, decisions, forms, messages.\n"
     "check reads it as strictly as a compiler and prints file:line:column for what is wrong.\n"
     "load puts it into a city, all or nothing, while the server runs or not.\n"},
    {"import", cli_import, "read records from a file",
     "khue import --data DIR --type TYPE FILE [--dry-run] [--format ndjson|csv|geojson]\n"
     "            [--errors OUT] [--reason TEXT]\n\n"
     "Reads NDJSON (one JSON object per line), CSV with a header of field names, or GeoJSON (roads,\n"
     "water and other layers too, if TYPE keeps a geometry). FILE is - for standard input.\n\n"
     "A line whose natural key is known changes that record, and does nothing if nothing differs: the\n"
     "same file may be imported again, and an interrupted import goes on by running it once more. A\n"
     "line that does not fit is told with its reasons; the others go in.\n\n"
     "  --dry-run     check every line, change nothing\n"
     "  --format      otherwise the ending of FILE or its first bytes say it\n"
     "  --errors OUT  write what did not fit to OUT, one JSON object per line\n"
     "  --reason TEXT is kept with every change\n\n"
     "Stop the server first if the city is on SQLite, or send the file to\n"
     "POST /api/v1/records/TYPE/import.\n"},
    {"demo", cli_demo, "fill a city with made-up people",
     "khue demo people --data DIR --count N [--seed S]\n\n"
     "Fills the register of residents with N made-up people (1 to 20,000,000) in households: couples,\n"
     "children, grandparents, people alone. Names are put together by how often they are given,\n"
     "children have their father's family name, personal numbers say province, sex and year of birth\n"
     "as real ones do, addresses lie in the city's real units, as many in each as it has people.\n"
     "Streets, numbers and phones are made up. Nobody is taken from anywhere; who has the number of\n"
     "a real person has it by chance, so do not mix these people with real ones.\n\n"
     "The same count and seed give the same people everywhere. What was interrupted goes on when the\n"
     "command is given again. A register that holds others is left alone.\n\n"
     "  --count N     how many people; 100000 is a good beginning, 10400000 is the whole of Hà Nội\n"
     "                (some 20 GB, and minutes)\n"
     "  --seed S      a whole number: another one gives other people [1]\n\n"
     "It needs the pack residents, which khue init loads. Stop the server first if the city is on\n"
     "SQLite. To look at them give somebody the role: khue user grant --data DIR NAME registrar\n"
     "--unit H26.00070, and search by any words of a name, with or without accents.\n"},
    {"export", cli_export, "write records to a file",
     "khue export --data DIR --type TYPE [--format ndjson|csv|geojson] [--valid DATE]\n"
     "            [--at INSTANT] [FILE]\n\n"
     "Writes all records of TYPE, oldest first, to FILE or standard output; khue import reads them\n"
     "back. --valid asks for what held on a date, --at for what was known at an instant. Personal\n"
     "fields are written too: keep the file as carefully as the city.\n"},
    {"user", cli_user, "accounts and roles",
     "khue user add --data DIR NAME [--display TEXT] [--unit CODE] [--machine]\n"
     "khue user password --data DIR NAME\n"
     "khue user grant --data DIR NAME ROLE [--unit CODE] [--until DATE] [--reason TEXT]\n"
     "khue user list --data DIR [QUERY]\n\n"
     "Passwords are read from standard input. Roles count for a unit and all below it; without\n"
     "--unit for the whole city.\n"},
    {"backup", cli_backup, "copy a running city",
     "khue backup --data DIR TO\n\n"
     "Copies database and files into the folder TO while the server runs: the database first, then\n"
     "the files, so that every file that a row names is there. Check a copy with\n"
     "khue audit verify --data TO.\n"},
    {"restore", cli_restore, "make a data folder from a copy",
     "khue restore --from COPY --data DIR [--store URL]\n\n"
     "DIR must not exist. The restored city is verified before this command ends.\n"},
    {"audit", cli_audit, "prove that nothing was altered",
     "khue audit verify --data DIR [--store URL]\n\n"
     "Recomputes the hash chain over every event, compares the signed checkpoints, and compares\n"
     "every record and its history, every task and every instance of a process, and the accounts,\n"
     "roles and models with the log. Prints each row that was changed, removed or inserted behind\n"
     "the server's back. Exit status 1 if there is one.\n"},
    {"config", cli_config, "settings and what they mean",
     "khue config --explain         every setting with its meaning, range and default\n"
     "khue config --data DIR        what is in force for a city\n"},
    {"schema", cli_schema, "try a JSON Schema",
     "khue schema test [--remotes DIR]\n\n"
     "Reads lines {\"schema\":...,\"instance\":...} and writes lines {\"valid\":...,\"errors\":[...]}.\n"},
    {"feel", cli_feel, "evaluate an expression",
     "khue feel 'EXPRESSION' [--input JSON]\n"
     "khue feel                     a prompt: one expression a line\n"},
    {"dmn", cli_dmn, "check a decision model", "khue dmn check FILE...\n"},
    {"bench", cli_bench, "measure this machine",
     "khue bench --url http://HOST:PORT [--clients N] [--seconds N] [WORK...]\n\n"
     "Drives a running demo city: static, read, create, lifecycle, idle. Prints rate, p50 and p99.\n"},
    {"version", cli_version, "what this is", "khue version\n"},
    {"help", cli_help, "what a command does", "khue help COMMAND\n"},
};

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < KH_LEN(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static int cli_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    printf("khue %s\n", KH_VERSION);
    return 0;
}

static void overview(FILE *to)
{
    fputs("Khue, the information infrastructure of a city.\n\nkhue COMMAND [OPTIONS]\n\n", to);
    for (size_t i = 0; i < KH_LEN(commands); i++)
        fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].about);
    fputs("\nStart here:  khue init my-city --demo && khue serve --data my-city\n"
          "More:        khue COMMAND --help\n",
          to);
}

static int cli_help(int argc, char **argv)
{
    const struct command *c = argc > 1 ? find(argv[1]) : NULL;

    if (c)
        fputs(c->help, stdout);
    else
        overview(stdout);
    return 0;
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

/* A fake clock for test servers: KHUE_CLOCK_US is set by the test suites only. */
static void clock_from_env(void)
{
    const char *us = getenv("KHUE_CLOCK_US");

    if (us)
        kh_clock_set(strtoll(us, NULL, 10));
}

/* glibc gives memory back to the kernel whenever a call that used much of it ends, and takes it again
 * for the next one: 8 % of a loaded server's samples were unmapping and page faults. So each thread
 * keeps what it has had, up to these bounds, until the city is at rest (kh_memory_rest). More heaps than
 * threads that work at once only keep more at rest: with three it is 3 MiB less than with eight. */
static void keep_memory(void)
{
#ifdef __GLIBC__
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
    mallopt(M_TOP_PAD, 1 << 20);
    mallopt(M_MMAP_THRESHOLD, 4 << 20);
    mallopt(M_ARENA_MAX, 3);
#endif
}

int main(int argc, char **argv)
{
    const struct command *c;
    int status;

    keep_memory();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error of one write, as a full disk is */
    kh_fault_arm_env("KHUE_FAULT");
    clock_from_env();
    if (argc < 2) {
        overview(stderr);
        return 2;
    }
    if (wants_help(1, argv + 1)) {
        overview(stdout);
        return 0;
    }
    c = find(argv[1]);
    if (!c) {
        fprintf(stderr, "khue: there is no command %s\n\n", argv[1]);
        overview(stderr);
        return 2;
    }
    if (wants_help(argc - 2, argv + 2)) {
        fputs(c->help, stdout);
        return 0;
    }
    xmlInitParser();
    status = c->run(argc - 1, argv + 1);
    xmlCleanupParser();
    return status;
}
