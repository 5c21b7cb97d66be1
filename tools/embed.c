/* SPDX-License-Identifier: Apache-2.0 */
/*
 * embed -- pack the files of the portal for the binary.
 *
 *   embed DIR OUT.c OUT.blob OUT.d     DIR may be "": then the table is empty
 *
 * OUT.blob holds each file as it is and, where that is smaller, compressed by gzip and zstd at their
 * best; OUT.c holds the table (net/assets.h) and takes the blob in with .incbin; OUT.d names the
 * files for ninja. Runs at build time only.
 */
#include <dirent.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>
#include <zstd.h>

enum { FILES_MAX = 4096, PATH_BYTES = 1024, LEAST = 256 };

struct file {
    char path[PATH_BYTES]; /* below DIR, with a slash before it */
};

static struct file *files;
static size_t files_n;
static size_t blob_n;

static void die(const char *what, const char *name)
{
    fprintf(stderr, "embed: %s: %s\n", what, name);
    exit(1);
}

static void *must(void *p)
{
    if (!p)
        die("out of memory", "");
    return p;
}

static void walk(const char *dir, const char *below)
{
    char full[2 * PATH_BYTES];
    DIR *d;
    struct dirent *e;

    snprintf(full, sizeof(full), "%s%s", dir, below);
    d = opendir(full);
    if (!d)
        die("cannot read", full);
    while ((e = readdir(d))) {
        char path[PATH_BYTES], name[3 * PATH_BYTES];
        struct stat st;

        if (e->d_name[0] == '.')
            continue;
        if (snprintf(path, sizeof(path), "%s/%s", below, e->d_name) >= (int)sizeof(path))
            die("too long a name", e->d_name);
        snprintf(name, sizeof(name), "%s%s", dir, path);
        if (lstat(name, &st) != 0)
            die("cannot read", name);
        if (S_ISDIR(st.st_mode)) {
            walk(dir, path);
        } else if (S_ISREG(st.st_mode)) { /* links stay out */
            if (files_n == FILES_MAX)
                die("too many files", name);
            memcpy(files[files_n++].path, path, sizeof(path));
        }
    }
    closedir(d);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct file *)a)->path, ((const struct file *)b)->path);
}

static unsigned char *read_all(const char *name, size_t *ret_n)
{
    FILE *f = fopen(name, "rb");
    unsigned char *p;
    long n;

    if (!f || fseek(f, 0, SEEK_END) != 0 || (n = ftell(f)) < 0)
        die("cannot read", name);
    rewind(f);
    p = must(malloc((size_t)n + 1));
    if (fread(p, 1, (size_t)n, f) != (size_t)n)
        die("cannot read", name);
    fclose(f);
    *ret_n = (size_t)n;
    return p;
}

static size_t gzip(const unsigned char *p, size_t n, unsigned char **ret)
{
    z_stream z = {0};
    uLong room;

    if (deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK)
        die("zlib", "deflateInit2");
    room = deflateBound(&z, (uLong)n);
    *ret = must(malloc(room));
    z.next_in = (Bytef *)(uintptr_t)p;
    z.avail_in = (uInt)n;
    z.next_out = *ret;
    z.avail_out = (uInt)room;
    if (deflate(&z, Z_FINISH) != Z_STREAM_END)
        die("zlib", "deflate");
    deflateEnd(&z);
    return room - z.avail_out;
}

/* Browsers need not accept windows over 8 MiB (RFC 9659), which level 19 stays within up to 8 MiB of
 * input; the window is bounded for longer ones. */
static size_t zstd(const unsigned char *p, size_t n, unsigned char **ret)
{
    size_t room = ZSTD_compressBound(n), got;
    ZSTD_CCtx *c = must(ZSTD_createCCtx());

    *ret = must(malloc(room));
    ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, 19);
    ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog, 23);
    got = ZSTD_compress2(c, *ret, room, p, n);
    ZSTD_freeCCtx(c);
    if (ZSTD_isError(got))
        die("zstd", ZSTD_getErrorName(got));
    return got;
}

static size_t put_blob(FILE *blob, const unsigned char *p, size_t n)
{
    size_t at = blob_n;

    if (n && fwrite(p, 1, n, blob) != n)
        die("cannot write", "blob");
    blob_n += n;
    return at;
}

/* "index-4f9b3c2a.js": what a bundler puts between the last - or . and the extension. */
static bool is_hashed(const char *path)
{
    const char *dot = strrchr(path, '.'), *p;

    if (!dot || strncmp(path, "/assets/", 8) != 0)
        return false;
    for (p = dot; p > path && p[-1] != '-' && p[-1] != '.' && p[-1] != '/'; p--)
        ;
    return dot - p >= 8 || (dot - p >= 6 && p[-1] == '.');
}

static const char *type_of(const char *path)
{
    static const char *const types[][2] = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".mjs", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".json", "application/json"},
        {".webmanifest", "application/manifest+json"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".jpg", "image/jpeg"},
        {".webp", "image/webp"},
        {".ico", "image/x-icon"},
        {".woff2", "font/woff2"},
        {".wasm", "application/wasm"},
        {".txt", "text/plain; charset=utf-8"},
        {".geojson", "application/geo+json"},
        {".pbf", "application/x-protobuf"},
        {".xml", "application/xml"},
    };
    const char *dot = strrchr(path, '.');

    for (size_t i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(dot, types[i][0]) == 0)
            return types[i][1];
    return "application/octet-stream";
}

static void put_quoted(FILE *c, const char *s)
{
    fputc('"', c);
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            fputc('\\', c);
        fputc(*s, c);
    }
    fputc('"', c);
}

static void put_file(const char *dir, const struct file *f, FILE *c, FILE *blob)
{
    char name[2 * PATH_BYTES];
    unsigned char *p, *gz, *zs, digest[EVP_MAX_MD_SIZE];
    unsigned digest_n = 0;
    size_t n, gz_n, zs_n, at, gz_at, zs_at;

    snprintf(name, sizeof(name), "%s%s", dir, f->path);
    p = read_all(name, &n);
    if (!EVP_Digest(p, n, digest, &digest_n, EVP_sha256(), NULL))
        die("openssl", "EVP_Digest");
    gz_n = gzip(p, n, &gz);
    zs_n = zstd(p, n, &zs);
    if (n < LEAST || gz_n + gz_n / 16 >= n)
        gz_n = zs_n = 0;
    at = put_blob(blob, p, n);
    gz_at = put_blob(blob, gz, gz_n);
    zs_at = put_blob(blob, zs, zs_n);
    fputs("    {", c);
    put_quoted(c, f->path);
    fputs(", ", c);
    put_quoted(c, type_of(f->path));
    fputs(", \"\\\"", c);
    for (int i = 0; i < 12; i++)
        fprintf(c, "%02x", digest[i]);
    fprintf(c, "\\\"\", %s, %zu, %zu, %zu, %zu, %zu, %zu},\n",
            is_hashed(f->path) ? "true" : "false", at, n, gz_at, gz_n, zs_at, zs_n);
    free(p);
    free(gz);
    free(zs);
}

int main(int argc, char **argv)
{
    FILE *c, *blob, *dep;
    const char *dir;

    if (argc != 5)
        die("usage", "embed DIR OUT.c OUT.blob OUT.d");
    dir = argv[1];
    files = must(calloc(FILES_MAX, sizeof(*files)));
    if (dir[0])
        walk(dir, "");
    qsort(files, files_n, sizeof(*files), by_path);
    c = fopen(argv[2], "w");
    blob = fopen(argv[3], "wb");
    dep = fopen(argv[4], "w");
    if (!c || !blob || !dep)
        die("cannot write", argv[2]);
    fprintf(c, "/* Generated by tools/embed.c. */\n#include \"net/assets.h\"\n\n"
               "const struct kh_asset_row kh_asset_rows[] = {\n");
    fprintf(dep, "%s:", argv[2]);
    for (size_t i = 0; i < files_n; i++) {
        put_file(dir, &files[i], c, blob);
        fprintf(dep, " \\\n  %s%s", dir, files[i].path);
    }
    fprintf(c, "    {0},\n};\nconst size_t kh_asset_rows_n = %zu;\n", files_n);
    fprintf(c,
            "__asm__(\".section .rodata\\n.global kh_asset_bytes\\n.balign 16\\n"
            "kh_asset_bytes:\\n.incbin \\\"%s\\\"\\n.byte 0\\n.text\\n\");\n",
            argv[3]);
    fprintf(dep, "\n");
    if (fclose(c) != 0 || fclose(blob) != 0 || fclose(dep) != 0)
        die("cannot write", argv[2]);
    free(files);
    return 0;
}
