/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/schema.h"

#include "base/hash.h"
#include "base/json.h"
#include "engine/registry/schema/schema.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 64 << 20, CACHE_SIZE = 256, FOLDERS_DEEP = 16, READ_BYTES = 65536 };

#define SERVER "http://localhost:1234/"

static const struct kh_json_limits limits = {
    .bytes = LINE_MAX_BYTES, .depth = 1024, .values = 5000000, .nul = true};

static const char help[] =
    "Usage: khue schema test [--remotes DIR] [--lang vi|en] < PAIRS\n"
    "\n"
    "Checks values against JSON Schemas (draft 2020-12). Each line of the input is one JSON object\n"
    "  {\"schema\": SCHEMA, \"instance\": VALUE}\n"
    "and gives one line of output, in the same order:\n"
    "  {\"valid\":true,\"errors\":[]}\n"
    "  {\"valid\":false,\"errors\":[{\"pointer\":\"/age\",\"code\":\"minimum\",\"message\":\"Must be at least 0\"}]}\n"
    "A schema that cannot be used gives errors with code \"schema\" (pointers into the schema); a\n"
    "line that is not such a pair gives one error with code \"line\".\n"
    "\n"
    "  --remotes DIR   a $ref to " SERVER "PATH reads DIR/PATH; a $ref to anything\n"
    "                  else is looked for among the $id of the .json files below DIR\n"
    "  --lang vi|en    language of the messages (English unless LANG says vi)\n"
    "\n"
    "Example: echo '{\"schema\":{\"type\":\"integer\"},\"instance\":1.0}' | khue schema test\n";

/* ---- documents beside the input ---- */

struct remote {
    struct kh_str id;
    const struct kh_json *document;
    struct remote *next;
};

struct tester {
    FILE *out;
    const char *remotes;
    bool english;
    bool walked; /* all of remotes has been read */
    struct remote *by_id;
    struct kh_arena *kept; /* documents */
    struct {
        struct kh_str text; /* malloc */
        struct kh_schema *schema;
    } cache[CACHE_SIZE];
};

static const struct kh_json *read_document(struct tester *t, struct kh_arena *a, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct kh_json *v = NULL;
    struct kh_error err = {0};
    struct stat st;
    char *text = NULL;

    (void)t;
    if (fd < 0)
        return NULL;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size < LINE_MAX_BYTES) {
        size_t size = (size_t)st.st_size, have = 0;

        text = kh_alloc(a, size);
        while (have < size) {
            ssize_t n = read(fd, text + have, size - have);

            if (n <= 0)
                break;
            have += (size_t)n;
        }
        if (!kh_json_parse(a, kh_str(text, have), &limits, &v, &err))
            v = NULL;
    }
    close(fd);
    return v;
}

/* Notes the $id of every document below a folder. */
static void walk(struct tester *t, const char *folder, unsigned depth)
{
    DIR *d = depth < FOLDERS_DEEP ? opendir(folder) : NULL;
    struct dirent *e;

    while (d && (e = readdir(d))) {
        struct kh_str path = kh_strf(t->kept, "%s/%s", folder, e->d_name);
        struct kh_str name = kh_cstr(e->d_name), id;
        const struct kh_json *v;
        struct remote *x;

        if (name.p[0] == '.')
            continue;
        if (name.n < 5 || memcmp(name.p + name.n - 5, ".json", 5) != 0) {
            walk(t, path.p, depth + 1);
            continue;
        }
        v = read_document(t, t->kept, path.p);
        id = kh_json_str(v, "$id", KH_S(""));
        if (id.n == 0)
            continue;
        x = kh_new(t->kept, struct remote);
        x->id = id;
        x->document = v;
        x->next = t->by_id;
        t->by_id = x;
    }
    if (d)
        closedir(d);
}

static const struct kh_json *find_remote(void *ctx, struct kh_arena *a, struct kh_str uri)
{
    struct tester *t = ctx;
    struct kh_str path;

    if (!t->remotes)
        return NULL;
    if (kh_str_starts(uri, KH_S(SERVER))) {
        path = kh_str_skip(uri, sizeof(SERVER) - 1);
        /* Dot segments have been resolved; a name with two dots is still not worth a risk. */
        if (path.n && !memmem(path.p, path.n, "..", 2)) {
            const struct kh_json *v =
                read_document(t, a, kh_strf(a, "%s/%.*s", t->remotes, KH_FMT(path)).p);

            if (v)
                return v;
        }
    }
    if (!t->walked)
        walk(t, t->remotes, 0);
    t->walked = true;
    for (const struct remote *x = t->by_id; x; x = x->next)
        if (kh_str_eq(x->id, uri))
            return x->document;
    return NULL;
}

/* ---- one line ---- */

static void write_issues(struct tester *t, struct kh_jw *w, const struct kh_issues *is)
{
    for (size_t i = 0; is && i < is->n; i++) {
        kh_jw_obj(w);
        kh_jw_kstr(w, "pointer", is->items[i].pointer);
        kh_jw_kstr(w, "code", is->items[i].code);
        kh_jw_kstr(w, "message", t->english ? is->items[i].en : is->items[i].vi);
        kh_jw_end(w);
    }
}

static void write_result(struct tester *t, struct kh_arena *a, bool valid,
                         const struct kh_issues *is)
{
    struct kh_buf b = kh_buf(a, SIZE_MAX / 4);
    struct kh_jw w = kh_jw(&b);

    kh_jw_obj(&w);
    kh_jw_kbool(&w, "valid", valid);
    kh_jw_key(&w, "errors");
    kh_jw_arr(&w);
    write_issues(t, &w, is);
    kh_jw_end(&w);
    kh_jw_end(&w);
    kh_buf_c(&b, '\n');
    fwrite(b.p, 1, b.n, t->out);
}

static void write_line_error(struct tester *t, struct kh_arena *a, const char *detail)
{
    struct kh_issues is = {0};

    kh_issue_add(&is, a, KH_S(""), "line", kh_strf(a, "Dòng này không dùng được: %s", detail),
                 kh_strf(a, "This line cannot be used: %s", detail));
    write_result(t, a, false, &is);
}

/* The compiled form of a schema, kept for the lines that follow: suites repeat theirs. */
static const struct kh_schema *compiled(struct tester *t, struct kh_arena *a,
                                        const struct kh_json *schema, struct kh_error *err)
{
    const struct kh_schema_options o = {.find = find_remote, .ctx = t};
    struct kh_str text = kh_json_text(a, schema);
    size_t i = (size_t)(kh_hash64(text, 0) % CACHE_SIZE);
    struct kh_schema *s;
    char *copy;

    if (t->cache[i].schema && kh_str_eq(t->cache[i].text, text))
        return t->cache[i].schema;
    if (!kh_schema_compile(a, schema, &o, &s, err))
        return NULL;
    kh_schema_drop(t->cache[i].schema);
    free((char *)(uintptr_t)t->cache[i].text.p);
    copy = malloc(text.n + 1);
    KH_REQUIRE(copy != NULL);
    memcpy(copy, text.p, text.n);
    t->cache[i].text = kh_str(copy, text.n);
    t->cache[i].schema = s;
    return s;
}

static void test_line(struct tester *t, struct kh_arena *a, struct kh_str line)
{
    const struct kh_json *schema, *instance;
    const struct kh_schema *s;
    struct kh_issues is = {0};
    struct kh_error err = {0};
    struct kh_json *pair;
    bool valid;

    if (kh_str_trim(line).n == 0)
        return;
    if (!kh_json_parse(a, line, &limits, &pair, &err)) {
        write_line_error(t, a, err.detail);
        return;
    }
    schema = kh_json_get(pair, "schema");
    instance = kh_json_get(pair, "instance");
    if (!schema || !instance) {
        write_line_error(t, a, "schema, instance");
        return;
    }
    s = compiled(t, a, schema, &err);
    if (!s) {
        write_result(t, a, false, err.issues);
        return;
    }
    valid = kh_schema_check(s, a, instance, KH_S(""), &is);
    write_result(t, a, valid, &is);
}

/* ---- input ---- */

struct input {
    char *p;
    size_t n, cap;
    bool skipping; /* the rest of a line that was too long */
};

/* Tests every whole line of the input and keeps what is left. */
static void test_lines(struct tester *t, struct kh_arena *a, struct input *in, bool end)
{
    size_t from = 0;

    for (;;) {
        char *nl = in->n > from ? memchr(in->p + from, '\n', in->n - from) : NULL;
        size_t n = nl ? (size_t)(nl - in->p) - from : in->n - from;

        if (!nl && !(end && n))
            break;
        if (!in->skipping)
            test_line(t, a, kh_str(in->p + from, n));
        in->skipping = false;
        kh_arena_reset(a);
        from += n + (nl ? 1 : 0);
    }
    if (in->n - from > LINE_MAX_BYTES) {
        if (!in->skipping)
            write_line_error(t, a, "> 64 MiB");
        in->skipping = true;
        from = in->n;
    }
    if (from)
        memmove(in->p, in->p + from, in->n - from);
    in->n -= from;
}

static bool read_more(struct input *in, int fd, bool *ret_end)
{
    ssize_t n;

    if (in->cap - in->n < READ_BYTES) {
        in->cap = in->cap ? in->cap * 2 : (size_t)4 * READ_BYTES;
        in->p = realloc(in->p, in->cap);
        KH_REQUIRE(in->p != NULL);
    }
    do
        n = read(fd, in->p + in->n, in->cap - in->n);
    while (n < 0 && errno == EINTR);
    if (n > 0)
        in->n += (size_t)n;
    *ret_end = n == 0;
    return n >= 0;
}

int cli_schema_test(int in, FILE *out, const char *remotes, const char *lang)
{
    kh_auto_arena a = kh_arena_new((size_t)1 << 30);
    struct tester *t = calloc(1, sizeof(*t));
    struct input input = {0};
    bool end = false, ok = true;

    KH_REQUIRE(t != NULL);
    t->out = out;
    t->remotes = remotes;
    t->english = strcmp(lang, "en") == 0;
    t->kept = kh_arena_new((size_t)1 << 30);
    while (ok && !end) {
        fflush(out); /* before waiting for more, so that a program can talk line by line */
        ok = read_more(&input, in, &end);
        test_lines(t, a, &input, end);
    }
    ok = fflush(out) == 0 && ok;
    for (size_t i = 0; i < CACHE_SIZE; i++) {
        kh_schema_drop(t->cache[i].schema);
        free((char *)(uintptr_t)t->cache[i].text.p);
    }
    kh_arena_drop(t->kept);
    free(t);
    free(input.p);
    return ok ? 0 : 1;
}

int cli_schema(int argc, char **argv)
{
    const char *remotes = NULL, *env = getenv("LANG");
    const char *lang = env && strncmp(env, "vi", 2) == 0 ? "vi" : "en";

    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        fputs(help, stdout);
        return 0;
    }
    if (argc < 2 || strcmp(argv[1], "test") != 0) {
        fputs(help, stderr);
        return 2;
    }
    for (int i = 2; i < argc; i++) {
        bool more = i + 1 < argc;

        if (strcmp(argv[i], "--help") == 0) {
            fputs(help, stdout);
            return 0;
        }
        if (more && strcmp(argv[i], "--remotes") == 0) {
            remotes = argv[++i];
        } else if (more && strcmp(argv[i], "--lang") == 0 &&
                   (strcmp(argv[i + 1], "vi") == 0 || strcmp(argv[i + 1], "en") == 0)) {
            lang = argv[++i];
        } else {
            fprintf(stderr, "khue schema test: unknown argument %s\n\n", argv[i]);
            fputs(help, stderr);
            return 2;
        }
    }
    return cli_schema_test(STDIN_FILENO, stdout, remotes, lang);
}
