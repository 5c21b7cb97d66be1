/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a harness over every file of the folders and files named as arguments, and over damaged
 * copies of each: cut short, and with single bytes changed in a fixed way. So the corpus is part of
 * the ordinary tests, with any compiler. */
#include "fuzz.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_MAX = 1 << 20, DAMAGES = 64 };

static void run_damaged(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    uint32_t random = 2463534242U;

    if (!copy)
        abort();
    for (int i = 0; i < DAMAGES && size; i++) {
        size_t at;

        memcpy(copy, data, size);
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        at = random % size;
        if (i & 1)
            copy[at] = (uint8_t)(random >> 8);
        LLVMFuzzerTestOneInput(copy, i & 1 ? size : at);
    }
    free(copy);
}

static int run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data = malloc(FILE_MAX), *exact;
    size_t n;

    if (!f || !data) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(1);
    }
    n = fread(data, 1, FILE_MAX, f);
    fclose(f);
    /* In a block of its own size, so that a sanitizer sees a read behind it. */
    exact = realloc(data, n ? n : 1);
    if (!exact)
        abort();
    LLVMFuzzerTestOneInput(exact, n);
    run_damaged(exact, n);
    free(exact);
    return 1;
}

static int run(const char *path)
{
    struct stat st;
    struct dirent *e;
    char name[4096];
    int files = 0;
    DIR *d;

    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return run_file(path);
    d = opendir(path);
    while (d && (e = readdir(d))) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
        files += run(name);
    }
    if (d)
        closedir(d);
    return files;
}

int main(int argc, char **argv)
{
    int files = 0;

    for (int i = 1; i < argc; i++)
        files += run(argv[i]);
    printf("%d files\n", files);
    return files ? 0 : 1;
}
