/* SPDX-License-Identifier: Apache-2.0 */
#include "store_fixture.h"

#include "base/fault.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/time.h"
#include "engine/file/file.h"

#include <dirent.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

static struct store_fixture f;
static struct kh_arena *a;
static struct kh_files *fs;
static char dir[128];

static void open_files(void)
{
    struct kh_error err = {0};

    assert_true(kh_files_open(f.st, dir, &fs, &err));
}

static int setup(void **state)
{
    (void)state;
    fixture_open(&f);
    a = kh_arena_new(SIZE_MAX);
    snprintf(dir, sizeof(dir), "%s/blobs", f.dir);
    open_files();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kh_fault_arm(NULL, 0);
    kh_clock_set(0);
    kh_files_close(fs);
    kh_arena_drop(a);
    fixture_drop(&f);
    return 0;
}

static void be32(struct kh_buf *b, uint32_t v)
{
    for (int i = 3; i >= 0; i--)
        kh_buf_c(b, (char)(v >> (8 * i)));
}

static void chunk(struct kh_buf *b, const char *type, struct kh_str data)
{
    size_t at;

    be32(b, (uint32_t)data.n);
    at = b->n;
    kh_buf_add(b, type, 4);
    kh_buf_str(b, data);
    be32(b, (uint32_t)crc32(0, (const Bytef *)b->p + at, (uInt)(b->n - at)));
}

/* A picture with a note that must go. */
static struct kh_str png(const char *pixels, const char *note)
{
    struct kh_buf b = kh_buf(a, 1 << 20);

    kh_buf_add(&b, "\x89PNG\r\n\x1a\n", 8);
    chunk(&b, "IHDR", kh_str("\0\0\0\7\0\0\0\5\10\6\0\0\0", 13));
    if (note)
        chunk(&b, "tEXt", kh_cstr(note));
    chunk(&b, "IDAT", kh_cstr(pixels));
    chunk(&b, "IEND", KH_S(""));
    return kh_buf_get(&b);
}

static struct kh_file add(struct kh_str bytes)
{
    struct kh_who who = kh_who_system(KH_S("test"));
    struct kh_error err = {0};
    struct kh_file ret = {0};

    if (!kh_file_add(fs, a, bytes, &who, &ret, &err))
        fail_msg("%s", err.detail);
    return ret;
}

static void must_fail(struct kh_str bytes, enum kh_ec code)
{
    struct kh_who who = kh_who_system(KH_S("test"));
    struct kh_error err = {0};
    struct kh_file ret = {0};

    assert_false(kh_file_add(fs, a, bytes, &who, &ret, &err));
    assert_int_equal(err.code, code);
    assert_true(ret.id.n == 0);
}

static struct kh_str stored(const struct kh_file *file)
{
    struct kh_error err = {0};
    char *p = kh_alloc(a, (size_t)file->bytes);
    int fd = -1;

    assert_true(kh_file_open(fs, file, &fd, &err));
    assert_int_equal(read(fd, p, (size_t)file->bytes), file->bytes);
    close(fd);
    return kh_str(p, (size_t)file->bytes);
}

/* Files in the directory, of any kind but the lock. */
static int count_files(const char *path)
{
    DIR *d = opendir(path);
    struct dirent *e;
    int n = 0;

    assert_non_null(d);
    while ((e = readdir(d))) {
        char sub[512];
        struct stat st;

        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            strcmp(e->d_name, ".lock") == 0)
            continue;
        snprintf(sub, sizeof(sub), "%s/%.200s", path, e->d_name);
        assert_int_equal(stat(sub, &st), 0);
        n += S_ISDIR(st.st_mode) ? count_files(sub) : 1;
    }
    closedir(d);
    return n;
}

struct look {
    struct kh_str id;
    struct kh_file file;
    enum kh_hit hit;
};

static bool look_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct look *l = ctx;

    l->hit = kh_file_get(tx, fs, a, l->id, &l->file, err);
    return l->hit != KH_FAIL;
}

static struct look look(struct kh_str id)
{
    struct look l = {.id = id};
    struct kh_error err = {0};

    assert_true(kh_store_run(f.st, "look", KH_TX_READ, look_in_tx, &l, &err));
    return l;
}

static void a_file_is_stored_under_the_hash_of_what_is_left(void **state)
{
    struct kh_file file;
    unsigned char sum[32];
    struct look l;

    (void)state;
    kh_clock_set(1789000000 * KH_US_S);
    file = add(png("pixels", "Author\0SECRET"));
    assert_true(kh_str_eq(stored(&file), png("pixels", NULL)));
    kh_sha256_one(png("pixels", NULL), sum);
    assert_true(kh_str_eq(file.id, kh_hex(a, sum, 32)));
    assert_true(kh_str_is(file.media_type, "image/png"));
    assert_int_equal(file.width, 7);
    assert_int_equal(file.height, 5);
    l = look(file.id);
    assert_int_equal(l.hit, KH_HIT);
    assert_int_equal(l.file.bytes, file.bytes);
    assert_int_equal(l.file.created_us, 1789000000 * KH_US_S);
    assert_true(kh_str_is(l.file.media_type, "image/png"));
}

static void the_same_picture_twice_is_one_file(void **state)
{
    struct kh_file one = add(png("pixels", NULL)), two = add(png("pixels", "note"));

    (void)state;
    assert_true(kh_str_eq(one.id, two.id));
    assert_int_equal(count_files(dir), 1);
    assert_int_equal(fixture_ask(&f, "SELECT count(*) FROM file"), 1);
}

static void what_is_refused_leaves_nothing(void **state)
{
    struct kh_files_limits small = {.image_bytes = 60, .video_bytes = 200};
    struct kh_str good = png("pixels", NULL);

    (void)state;
    must_fail(KH_S("<script>"), KH_EC_FILE_TYPE);
    must_fail(kh_str(good.p, good.n - 3), KH_EC_FILE_BROKEN);
    kh_files_set_limits(fs, &small);
    must_fail(good, KH_EC_FILE_TOO_LARGE);
    assert_int_equal(count_files(dir), 0);
    assert_int_equal(fixture_ask(&f, "SELECT count(*) FROM file"), 0);
}

static void a_write_that_fails_leaves_nothing(void **state)
{
    (void)state;
    kh_fault_arm("blob.write", 1);
    must_fail(png("pixels", NULL), KH_EC_IO);
    assert_int_equal(count_files(dir), 0);
    assert_int_equal(fixture_ask(&f, "SELECT count(*) FROM file"), 0);
    add(png("pixels", NULL));
    assert_int_equal(count_files(dir), 1);
}

static void half_written_files_go_at_the_next_start(void **state)
{
    char path[200];
    FILE *half;

    (void)state;
    snprintf(path, sizeof(path), "%s/.new-0000", dir);
    half = fopen(path, "w");
    assert_non_null(half);
    fclose(half);
    add(png("pixels", NULL));
    kh_files_close(fs);
    open_files();
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(count_files(dir), 1);
}

static void a_stored_file_that_was_cut_is_not_served(void **state)
{
    struct kh_file file = add(png("pixels", NULL));
    struct kh_error err = {0};
    char path[256];
    int fd = -1;

    (void)state;
    snprintf(path, sizeof(path), "%s/%.2s/%.62s", dir, file.id.p, file.id.p + 2);
    assert_int_equal(truncate(path, 10), 0);
    assert_false(kh_file_open(fs, &file, &fd, &err));
    assert_int_equal(err.code, KH_EC_IO);
    assert_int_equal(fd, -1);
}

static void ids_that_are_no_ids_are_unknown(void **state)
{
    static const char *const bad[] = {
        "",
        "..",
        "../../../../etc/passwd",
        "abc",
        "ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef0123456789",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde/"};

    (void)state;
    for (size_t i = 0; i < KH_LEN(bad); i++)
        assert_int_equal(look(kh_cstr(bad[i])).hit, KH_MISS);
}

struct linking {
    const char *schema, *fields;
    struct kh_str id;
    struct kh_file_use *uses;
    size_t n;
};

static struct kh_json *json(const char *text)
{
    struct kh_error err = {0};
    struct kh_json *v = NULL;

    assert_true(kh_json_parse(a, kh_cstr(text), NULL, &v, &err));
    return v;
}

static bool link_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct linking *l = ctx;

    return kh_file_link_fields(tx, a, json(l->schema), json(l->fields), KH_S("report"), 77, err) &&
           kh_file_uses(tx, a, l->id, &l->uses, &l->n, err);
}

static const char schema[] =
    "{\"properties\":{\"photos\":{\"type\":\"array\",\"x-kh\":{\"widget\":\"photos\"}},"
    "\"video\":{\"x-kh\":{\"widget\":\"video\"}},\"text\":{\"type\":\"string\"},"
    "\"papers\":{\"items\":{\"properties\":{\"code\":{},"
    "\"files\":{\"items\":{},\"x-kh\":{\"widget\":\"files\"}}}}}}}";

static void the_fields_of_a_record_link_their_files(void **state)
{
    struct kh_file one = add(png("one", NULL)), two = add(png("two", NULL));
    struct linking l = {.schema = schema, .id = two.id};
    struct kh_error err = {0};

    (void)state;
    l.fields = kh_strf(a, "{\"photos\":[\"%.*s\",\"%.*s\"],\"text\":\"%064d\"}", KH_FMT(one.id),
                       KH_FMT(two.id), 0)
                   .p;
    assert_true(kh_store_run(f.st, "link", KH_TX_WRITE, link_in_tx, &l, &err));
    assert_int_equal(l.n, 1);
    assert_int_equal(l.uses[0].record, 77);
    assert_true(kh_str_is(l.uses[0].type, "report"));
}

static void files_inside_a_field_are_linked_too(void **state)
{
    struct kh_file one = add(png("paper", NULL));
    struct linking l = {.schema = schema, .id = one.id};
    struct kh_error err = {0};

    (void)state;
    l.fields =
        kh_strf(a, "{\"papers\":[{\"code\":\"%064d\"},{\"code\":\"P1\",\"files\":[\"%.*s\"]}]}", 0,
                KH_FMT(one.id))
            .p;
    assert_true(kh_store_run(f.st, "link", KH_TX_WRITE, link_in_tx, &l, &err));
    assert_int_equal(l.n, 1);
    l.fields = kh_strf(a, "{\"papers\":[{\"code\":\"P1\",\"files\":[\"%064d\"]}]}", 0).p;
    assert_false(kh_store_run(f.st, "link", KH_TX_WRITE, link_in_tx, &l, &err));
    assert_true(kh_str_is(err.issues->items[0].pointer, "/papers/0/files/0"));
}

static void a_file_that_is_not_there_cannot_be_linked(void **state)
{
    struct linking l = {.schema = schema, .id = KH_S("")};
    struct kh_error err = {0};

    (void)state;
    l.fields = kh_strf(a, "{\"video\":\"%064d\"}", 0).p;
    assert_false(kh_store_run(f.st, "link", KH_TX_WRITE, link_in_tx, &l, &err));
    assert_int_equal(err.code, KH_EC_RECORD_REFERENCE);
    assert_true(kh_str_is(err.issues->items[0].pointer, "/video"));
}

static void unused_files_are_swept_and_used_ones_stay(void **state)
{
    struct kh_file used, old, fresh;
    struct linking l = {.schema = schema};
    struct kh_error err = {0};
    size_t gone = 99;

    (void)state;
    kh_clock_set(1789000000 * KH_US_S);
    used = add(png("used", NULL));
    old = add(png("old", NULL));
    kh_clock_add(2 * KH_US_DAY);
    fresh = add(png("fresh", NULL));
    l.id = used.id;
    l.fields = kh_strf(a, "{\"video\":\"%.*s\"}", KH_FMT(used.id)).p;
    assert_true(kh_store_run(f.st, "link", KH_TX_WRITE, link_in_tx, &l, &err));
    assert_true(kh_files_sweep(fs, kh_now_us() - KH_US_DAY, 100, &gone, &err));
    assert_int_equal(gone, 1);
    assert_int_equal(look(old.id).hit, KH_MISS);
    assert_int_equal(look(used.id).hit, KH_HIT);
    assert_int_equal(look(fresh.id).hit, KH_HIT);
    assert_int_equal(count_files(dir), 2);
    assert_true(kh_files_sweep(fs, kh_now_us() - KH_US_DAY, 100, &gone, &err));
    assert_int_equal(gone, 0);
}

static void the_sweeping_thread_ends_with_the_files(void **state)
{
    struct kh_error err = {0};
    int64_t before = kh_mono_us();

    (void)state;
    assert_true(kh_files_start(fs, &err));
    kh_files_close(fs);
    assert_true(kh_mono_us() - before < 10 * KH_US_S);
    open_files();
}

/* ---- a virus check that says what it is told ---- */

struct clamd {
    int fd;
    const char *answer;
    struct kh_buf got;
    pthread_t thread;
};

static void *clamd_run(void *arg)
{
    struct clamd *c = arg;
    int fd = accept(c->fd, NULL, NULL);
    char piece[4096];
    ssize_t n;

    while (fd >= 0 && (n = recv(fd, piece, sizeof(piece), 0)) > 0) {
        kh_buf_add(&c->got, piece, (size_t)n);
        if (c->got.n >= 14 && memcmp(c->got.p + c->got.n - 4, "\0\0\0\0", 4) == 0)
            break;
    }
    if (fd >= 0) {
        (void)!write(fd, c->answer, strlen(c->answer) + 1);
        close(fd);
    }
    return NULL;
}

static void clamd_start(struct clamd *c, const char *answer)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct kh_files_limits limits = {0};

    snprintf(at.sun_path, sizeof(at.sun_path), "%s/clamd", f.dir);
    unlink(at.sun_path);
    *c = (struct clamd){.answer = answer, .got = kh_buf(a, 1 << 16)};
    c->got.p = kh_alloc(a, 1 << 16); /* its own room: the arena is the test's */
    c->got.cap = 1 << 16;
    c->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(c->fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(c->fd, 1), 0);
    assert_int_equal(pthread_create(&c->thread, NULL, clamd_run, c), 0);
    limits.antivirus = kh_strf(a, "unix:%s", at.sun_path).p;
    kh_files_set_limits(fs, &limits);
}

static void clamd_end(struct clamd *c)
{
    pthread_join(c->thread, NULL);
    close(c->fd);
}

static void an_infected_file_is_refused(void **state)
{
    struct kh_str in = png("pixels", NULL);
    struct clamd c;

    (void)state;
    clamd_start(&c, "stream: Eicar-Test-Signature FOUND");
    must_fail(in, KH_EC_FILE_INFECTED);
    clamd_end(&c);
    assert_int_equal(count_files(dir), 0);
    /* The bytes went there as they came: command, length, bytes, end. */
    assert_int_equal(c.got.n, 10 + 4 + in.n + 4);
    assert_memory_equal(c.got.p, "zINSTREAM\0\0\0\0", 13);
    assert_memory_equal(c.got.p + 14, in.p, in.n);
    clamd_start(&c, "stream: OK");
    add(in);
    clamd_end(&c);
}

static void without_an_answer_of_the_virus_check_nothing_is_taken(void **state)
{
    struct kh_files_limits limits = {.antivirus = "unix:/nowhere/at/all"};
    struct clamd c;

    (void)state;
    kh_files_set_limits(fs, &limits);
    must_fail(png("pixels", NULL), KH_EC_OUTBOUND_FAILED);
    clamd_start(&c, "INSTREAM size limit exceeded. ERROR");
    must_fail(png("pixels", NULL), KH_EC_OUTBOUND_FAILED);
    clamd_end(&c);
    limits.antivirus = "nonsense";
    kh_files_set_limits(fs, &limits);
    must_fail(png("pixels", NULL), KH_EC_OUTBOUND_FAILED);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_file_is_stored_under_the_hash_of_what_is_left),
        T(the_same_picture_twice_is_one_file),
        T(what_is_refused_leaves_nothing),
        T(a_write_that_fails_leaves_nothing),
        T(half_written_files_go_at_the_next_start),
        T(a_stored_file_that_was_cut_is_not_served),
        T(ids_that_are_no_ids_are_unknown),
        T(the_fields_of_a_record_link_their_files),
        T(files_inside_a_field_are_linked_too),
        T(a_file_that_is_not_there_cannot_be_linked),
        T(unused_files_are_swept_and_used_ones_stay),
        T(the_sweeping_thread_ends_with_the_files),
        T(an_infected_file_is_refused),
        T(without_an_answer_of_the_virus_check_nothing_is_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
