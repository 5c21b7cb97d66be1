/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/dmn.h"

#include "base/buf.h"
#include "engine/process/dmn/dmn.h"

enum { MODEL_ARENA = 1 << 30, FILE_MAX = 16 << 20 };

static const char help[] =
    "Usage: khue dmn check FILE... [--import FILE]...\n"
    "\n"
    "Compiles decision models (DMN 1.1 to 1.5) and prints every problem with its place:\n"
    "  FILE:LINE:COLUMN: element: what is wrong\n"
    "Names that nothing declares, types that do not exist, references that point nowhere and\n"
    "functions in other languages than FEEL are problems too, though a city that is given such a\n"
    "model by a program would evaluate it, with null in their place.\n"
    "\n"
    "  --import FILE   a model that the others import; may be given several times\n"
    "\n"
    "Example: khue dmn check packs/feedback/decisions/*.dmn\n";

static bool read_file(struct kh_arena *a, const char *path, struct kh_str *ret)
{
    FILE *f = fopen(path, "rbe");
    struct kh_buf b = kh_buf(a, FILE_MAX);
    char part[16384];
    size_t n;
    bool ok;

    if (!f) {
        fprintf(stderr, "khue dmn: cannot read %s\n", path);
        return false;
    }
    while ((n = fread(part, 1, sizeof(part), f)) > 0)
        kh_buf_add(&b, part, n);
    ok = !ferror(f) && !b.full;
    fclose(f);
    if (!ok)
        fprintf(stderr, "khue dmn: %s is too large or cannot be read\n", path);
    *ret = kh_buf_get(&b);
    return ok;
}

/* "d_fee:12:5" is element, line, column. */
static void print_issue(FILE *out, const char *path, const struct kh_issue *is)
{
    struct kh_str p = is->pointer;
    size_t colons = 0, i = p.n;

    while (i > 0 && colons < 2)
        colons += p.p[--i] == ':';
    fprintf(out, "%s%.*s: %.*s: %.*s\n", path, KH_FMT(kh_str_skip(p, i)), (int)i, p.p,
            KH_FMT(is->en));
}

int cli_dmn_check(const char *path, char *const *imports, int imports_n, FILE *out)
{
    kh_auto_arena a = kh_arena_new(MODEL_ARENA);
    struct kh_str *texts = kh_new_n(a, (size_t)imports_n, struct kh_str);
    struct kh_dmn_source src = {.imports = texts, .imports_n = (size_t)imports_n, .strict = true};
    struct kh_issues issues = {.max = 1000};
    const struct kh_dmn *m;
    struct kh_error err = {0};

    if (!read_file(a, path, &src.xml))
        return -1;
    for (int i = 0; i < imports_n; i++)
        if (!read_file(a, imports[i], &texts[i]))
            return -1;
    if (kh_dmn_compile(a, &src, &issues, &m, &err))
        return 0;
    for (size_t i = 0; i < issues.n; i++)
        print_issue(out, path, &issues.items[i]);
    if (issues.n == 0)
        fprintf(out, "%s: %s\n", path, err.detail);
    if (issues.cut)
        fprintf(out, "%s: there are more problems\n", path);
    return issues.n ? (int)issues.n : 1;
}

int cli_dmn(int argc, char **argv)
{
    kh_auto_arena a = kh_arena_new(1 << 20);
    char **files = kh_new_n(a, (size_t)argc, char *), **imports = kh_new_n(a, (size_t)argc, char *);
    int files_n = 0, imports_n = 0, bad = 0;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(help, stdout);
            return 0;
        }
        if (i == 1 && strcmp(argv[1], "check") == 0)
            continue;
        if (strcmp(argv[i], "--import") == 0 && i + 1 < argc)
            imports[imports_n++] = argv[++i];
        else
            files[files_n++] = argv[i];
    }
    if (argc < 3 || strcmp(argv[1], "check") != 0 || files_n == 0) {
        fputs(help, stderr);
        return 2;
    }
    for (int i = 0; i < files_n; i++) {
        int n = cli_dmn_check(files[i], imports, imports_n, stdout);

        bad += n < 0 || n > 0;
        if (n == 0)
            printf("%s: good\n", files[i]);
    }
    return bad ? 1 : 0;
}
