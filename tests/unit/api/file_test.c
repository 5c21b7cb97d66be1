/* SPDX-License-Identifier: Apache-2.0 */
#include "call_fixture.h"

#include "api/file.h"
#include "api/routes.h"
#include "engine/file/file.h"
#include "engine/registry/registry.h"
#include "store_fixture.h"

#include <stdio.h>
#include <unistd.h>
#include <zlib.h>

static struct store_fixture sf;
static struct kh_arena *a;

static int setup(void **state)
{
    struct kh_error err = {0};

    (void)state;
    fixture_open(&sf);
    calls_open(kh_routes_file);
    a = kh_arena_new(SIZE_MAX);
    cf.city.store = sf.st;
    assert_true(kh_registry_open(sf.st, &cf.city.registry, &err));
    assert_true(kh_files_open(sf.st, kh_strf(a, "%s/blobs", sf.dir).p, &cf.city.files, &err));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kh_files_close(cf.city.files);
    calls_close();
    kh_registry_close(cf.city.registry);
    kh_arena_drop(a);
    fixture_drop(&sf);
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

static struct kh_str png(void)
{
    struct kh_buf b = kh_buf(a, 1 << 16);

    kh_buf_add(&b, "\x89PNG\r\n\x1a\n", 8);
    chunk(&b, "IHDR", kh_str("\0\0\0\7\0\0\0\5\10\6\0\0\0", 13));
    chunk(&b, "tEXt", KH_S("Author\0SECRET"));
    chunk(&b, "IDAT", KH_S("pixels"));
    chunk(&b, "IEND", KH_S(""));
    return kh_buf_get(&b);
}

static struct kh_call *send_bytes(struct kh_str body, struct kh_str type, const char *token)
{
    struct kh_call *c = call_new(KH_POST, "/api/v1/files", token, NULL);

    c->body = body;
    c->head.content_type = type;
    call_run(c);
    return c;
}

/* @return the address of a stored picture of mai's */
static const char *stored(void)
{
    struct kh_call *c = send_bytes(png(), KH_S("image/png"), "mai");
    struct kh_error err = {0};
    struct kh_json *v = NULL;
    const char *url;

    assert_int_equal(c->reply.status, 201);
    assert_true(kh_json_parse(a, c->reply.body, NULL, &v, &err));
    url = kh_str_z(a, kh_json_str(v, "url", KH_S("")));
    kh_arena_drop(c->a);
    return url;
}

static struct kh_call *get(const char *url, const char *token, struct kh_str range,
                           struct kh_str if_none_match)
{
    struct kh_call *c = call_new(KH_GET, url, token, NULL);

    c->head.range = range;
    c->head.if_none_match = if_none_match;
    call_run(c);
    return c;
}

static void drop(struct kh_call *c)
{
    if (c->reply.has_fd)
        close(c->reply.fd);
    kh_arena_drop(c->a);
}

static void a_photo_is_taken_as_raw_bytes(void **state)
{
    struct kh_call *c = send_bytes(png(), KH_S("application/x-whatever-it-says"), NULL);

    (void)state;
    assert_int_equal(c->reply.status, 201);
    assert_true(body_has(c, "\"media_type\":\"image/png\""));
    assert_true(body_has(c, "\"width\":7,\"height\":5"));
    assert_true(kh_str_starts(reply_header_of(c, "Location"), KH_S("/api/v1/files/")));
    drop(c);
}

static void a_photo_is_taken_as_a_part_of_a_form(void **state)
{
    struct kh_buf b = kh_buf(a, 1 << 16);
    struct kh_call *c;

    (void)state;
    kh_buf_z(&b, "--x\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n"
                 "--x\r\nContent-Disposition: form-data; name=\"file\"; "
                 "filename=\"../../etc/passwd\"\r\nContent-Type: text/html\r\n\r\n");
    kh_buf_str(&b, png());
    kh_buf_z(&b, "\r\n--x--\r\n");
    c = send_bytes(kh_buf_get(&b), KH_S("multipart/form-data; boundary=x"), "mai");
    assert_int_equal(c->reply.status, 201);
    drop(c);
    c = send_bytes(
        KH_S("--x\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\na\r\n--x--\r\n"),
        KH_S("multipart/form-data; boundary=x"), "mai");
    assert_int_equal(c->reply.status, 422);
    drop(c);
}

static void what_is_no_photo_is_refused(void **state)
{
    struct kh_str whole = png();
    struct kh_call *c = send_bytes(KH_S("<svg onload=alert(1)>"), KH_S("image/png"), "mai");

    (void)state;
    assert_int_equal(c->reply.status, 415);
    assert_true(body_has(c, "FILE_TYPE"));
    drop(c);
    c = send_bytes(kh_str(whole.p, whole.n - 5), KH_S("image/png"), "mai");
    assert_int_equal(c->reply.status, 422);
    assert_true(body_has(c, "FILE_BROKEN"));
    drop(c);
    c = send_bytes(KH_S(""), KH_S("image/png"), "mai");
    assert_int_equal(c->reply.status / 100, 4);
    drop(c);
}

static void its_maker_reads_it_and_nobody_else(void **state)
{
    const char *url = stored();
    struct kh_call *c = get(url, "mai", kh_str(NULL, 0), kh_str(NULL, 0));

    (void)state;
    assert_int_equal(c->reply.status, 200);
    assert_true(c->reply.has_fd);
    assert_true(kh_str_is(c->reply.type, "image/png"));
    assert_int_equal(c->reply.fd_bytes, png().n - 12 - 13); /* without the note */
    assert_true(
        kh_str_starts(reply_header_of(c, "Content-Disposition"), KH_S("inline; filename=")));
    assert_true(
        kh_str_is(reply_header_of(c, "Content-Security-Policy"), "default-src 'none'; sandbox"));
    drop(c);
    c = get(url, "officer", kh_str(NULL, 0), kh_str(NULL, 0));
    assert_int_equal(c->reply.status, 404);
    drop(c);
    c = get(url, NULL, kh_str(NULL, 0), kh_str(NULL, 0));
    assert_int_equal(c->reply.status, 404);
    drop(c);
    c = get("/api/v1/files/..%2F..%2Fcity.db", "mai", kh_str(NULL, 0), kh_str(NULL, 0));
    assert_int_equal(c->reply.status, 404);
    drop(c);
}

static void a_reader_who_has_it_is_told_so(void **state)
{
    const char *url = stored();
    struct kh_call *c = get(url, "mai", kh_str(NULL, 0), kh_str(NULL, 0));
    struct kh_str etag = kh_str_dup(a, reply_header_of(c, "ETag"));

    (void)state;
    assert_true(etag.n == 66);
    drop(c);
    c = get(url, "mai", kh_str(NULL, 0), etag);
    assert_int_equal(c->reply.status, 304);
    assert_false(c->reply.has_fd);
    drop(c);
}

static void a_part_is_sent_when_asked_for(void **state)
{
    const char *url = stored();
    struct kh_call *c = get(url, "mai", KH_S("bytes=1-3"), kh_str(NULL, 0));
    char three[4] = {0};

    (void)state;
    assert_int_equal(c->reply.status, 206);
    assert_int_equal(c->reply.fd_bytes, 3);
    assert_int_equal(read(c->reply.fd, three, 3), 3);
    assert_string_equal(three, "PNG");
    assert_true(kh_str_starts(reply_header_of(c, "Content-Range"), KH_S("bytes 1-3/")));
    drop(c);
    c = get(url, "mai", KH_S("bytes=99999-"), kh_str(NULL, 0));
    assert_int_equal(c->reply.status, 416);
    assert_true(kh_str_starts(reply_header_of(c, "Content-Range"), KH_S("bytes */")));
    drop(c);
    c = get(url, "mai", KH_S("bytes=1-2,4-5"), kh_str(NULL, 0));
    assert_int_equal(c->reply.status, 200);
    drop(c);
}

static void ranges_are_read_as_the_standard_says(void **state)
{
    static const struct {
        const char *header;
        bool ok;
        int64_t from, n;
    } want[] = {
        {"bytes=0-99", true, 0, 100},   {"bytes=0-", true, 0, 100},
        {"bytes=10-19", true, 10, 10},  {"bytes=99-99", true, 99, 1},
        {"bytes=50-500", true, 50, 50}, {"bytes=-10", true, 90, 10},
        {"bytes=-500", true, 0, 100},   {"bytes=100-", true, 100, 0},
        {"bytes=-0", false, 0, 0},      {"bytes=9-1", false, 0, 0},
        {"bytes=", false, 0, 0},        {"bytes=a-b", false, 0, 0},
        {"items=0-1", false, 0, 0},     {"bytes=0-1,3-4", false, 0, 0},
        {"bytes=--5", false, 0, 0},     {"bytes=9223372036854775807-", true, INT64_MAX, 0},
    };

    (void)state;
    for (size_t i = 0; i < KH_LEN(want); i++) {
        int64_t from = -1, n = -1;
        bool ok = kh_range_read(kh_cstr(want[i].header), 100, &from, &n);

        if (ok != want[i].ok || (ok && (from != want[i].from || n != want[i].n)))
            fail_msg("%s: %d %lld %lld", want[i].header, ok, (long long)from, (long long)n);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_photo_is_taken_as_raw_bytes),
        T(a_photo_is_taken_as_a_part_of_a_form),
        T(what_is_no_photo_is_refused),
        T(its_maker_reads_it_and_nobody_else),
        T(a_reader_who_has_it_is_told_so),
        T(a_part_is_sent_when_asked_for),
        cmocka_unit_test(ranges_are_read_as_the_standard_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
