/* SPDX-License-Identifier: Apache-2.0 */
/* Who may see a file: whoever sees its id in a record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store_fixture.h"

#include "base/buf.h"
#include "base/time.h"
#include "engine/file/file.h"
#include "engine/registry/registry.h"

#include <stdio.h>
#include <zlib.h>

static struct store_fixture f;
static struct kh_arena *a;
static struct kh_files *fs;
static struct kh_registry *reg;

static const char schema[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"title\":\"note\",\"type\":\"object\","
    "\"x-kh\":{\"title\":\"text\",\"label\":{\"vi\":\"Ghi chú\",\"en\":\"Note\"},"
    "\"label_plural\":{\"vi\":\"Ghi chú\",\"en\":\"Notes\"},\"sensitivity\":\"public\",\"access\":["
    "{\"role\":\"public\",\"ops\":[\"read\",\"list\"],\"where\":{\"open\":[true]},\"see\":\"public\"},"
    "{\"role\":\"officer\",\"ops\":[\"read\",\"list\"],\"where\":\"all\",\"see\":\"internal\"}]},"
    "\"properties\":{\"text\":{\"type\":\"string\",\"x-kh\":{\"label\":{\"vi\":\"a\",\"en\":\"b\"}}},"
    "\"open\":{\"type\":\"boolean\",\"x-kh\":{\"index\":true,\"label\":{\"vi\":\"a\",\"en\":\"b\"}}},"
    "\"photos\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"x-kh\":{\"widget\":\"photos\","
    "\"label\":{\"vi\":\"a\",\"en\":\"b\"}}},"
    "\"inside\":{\"type\":\"string\",\"x-kh\":{\"widget\":\"photo\",\"sensitivity\":\"internal\","
    "\"label\":{\"vi\":\"a\",\"en\":\"b\"}}}},\"required\":[\"text\",\"open\"],\"additionalProperties\":false}";

static const struct kh_grant officer_grant = {
    .role = KH_STR_INIT("officer"), .unit = KH_STR_INIT(""), .until_us = KH_FOREVER};
static const struct kh_who officer = {.kind = KH_WHO_ACCOUNT,
                                      .account = 5,
                                      .actor = KH_STR_INIT("account:5"),
                                      .grants = &officer_grant,
                                      .grants_n = 1};
static const struct kh_who citizen = {
    .kind = KH_WHO_ACCOUNT, .account = 7, .actor = KH_STR_INIT("account:7")};

static struct kh_json *json(const char *text)
{
    struct kh_error err = {0};
    struct kh_json *v = NULL;

    if (!kh_json_parse(a, kh_cstr(text), NULL, &v, &err))
        fail_msg("%s", err.detail);
    return v;
}

static bool put_type(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    (void)ctx;
    return kh_type_put(tx, reg, a, KH_S("note"), json(schema), err);
}

static int setup(void **state)
{
    struct kh_error err = {0};

    (void)state;
    fixture_open(&f);
    a = kh_arena_new(SIZE_MAX);
    if (!kh_registry_open(f.st, &reg, &err) ||
        !kh_files_open(f.st, kh_strf(a, "%s/blobs", f.dir).p, &fs, &err) ||
        !kh_store_run(f.st, "type", KH_TX_WRITE, put_type, NULL, &err))
        fail_msg("%s", err.detail);
    kh_registry_set_files(reg, kh_files_written, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kh_files_close(fs);
    kh_registry_close(reg);
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

/* @return the id of a picture of its own */
static struct kh_str photo(const char *pixels, const struct kh_who *who)
{
    struct kh_buf b = kh_buf(a, 1 << 16);
    struct kh_error err = {0};
    struct kh_file file;

    kh_buf_add(&b, "\x89PNG\r\n\x1a\n", 8);
    chunk(&b, "IHDR", kh_str("\0\0\0\7\0\0\0\5\10\6\0\0\0", 13));
    chunk(&b, "IDAT", kh_cstr(pixels));
    chunk(&b, "IEND", KH_S(""));
    if (!kh_file_add(fs, a, kh_buf_get(&b), who, &file, &err))
        fail_msg("%s", err.detail);
    return file.id;
}

struct writing {
    const struct kh_json *fields;
    int64_t id; /* 0: create */
};

static bool write_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    const struct kh_type *t = kh_type_find(reg, KH_S("note"));
    struct kh_who who = kh_who_system(KH_S("test"));
    struct kh_write w = {.who = &who, .trusted = true, .reason = KH_S("test")};
    struct writing *x = ctx;
    struct kh_record r;
    struct kh_draft *d;

    if (x->id) {
        if (!kh_record_change(tx, reg, a, t, x->id, x->fields, true, &w, &r, err))
            return false;
    } else if (!kh_record_prepare(reg, a, t, x->fields, &w, &d, err) ||
               !kh_record_insert(tx, reg, a, d, &r, err)) {
        return false;
    }
    x->id = r.id;
    return true;
}

static int64_t note(int64_t id, struct kh_str fields)
{
    struct writing x = {.fields = json(fields.p), .id = id};
    struct kh_error err = {0};

    if (!kh_store_run(f.st, "note", KH_TX_WRITE, write_in_tx, &x, &err))
        fail_msg("%d %s %.*s", (int)err.code, err.detail,
                 err.issues ? (int)err.issues->items[0].en.n : 0,
                 err.issues ? err.issues->items[0].en.p : "");
    return x.id;
}

struct seeing {
    struct kh_str id;
    const struct kh_who *who;
    enum kh_hit hit;
};

static bool see_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct seeing *s = ctx;
    struct kh_file file;

    s->hit = kh_file_see(tx, fs, reg, a, s->id, s->who, &file, err);
    return s->hit != KH_FAIL;
}

static bool sees(const struct kh_who *who, struct kh_str id)
{
    struct seeing s = {.id = id, .who = who};
    struct kh_error err = {0};

    if (!kh_store_run(f.st, "see", KH_TX_READ, see_in_tx, &s, &err))
        fail_msg("%s", err.detail);
    return s.hit == KH_HIT;
}

static void a_new_file_is_seen_by_its_maker_only(void **state)
{
    struct kh_str mine = photo("mine", &citizen), nobodys = photo("nobody's", &kh_who_public);

    (void)state;
    assert_true(sees(&citizen, mine));
    assert_false(sees(&officer, mine));
    assert_false(sees(&kh_who_public, mine));
    assert_false(sees(&kh_who_public, nobodys));
}

static void who_may_read_the_record_may_read_the_file(void **state)
{
    struct kh_str shown = photo("shown", &citizen), kept = photo("kept", &citizen);

    (void)state;
    note(0, kh_strf(a, "{\"text\":\"x\",\"open\":true,\"photos\":[\"%.*s\"]}", KH_FMT(shown)));
    note(0, kh_strf(a, "{\"text\":\"x\",\"open\":false,\"photos\":[\"%.*s\"]}", KH_FMT(kept)));
    assert_true(sees(&kh_who_public, shown));
    assert_true(sees(&officer, shown));
    assert_false(sees(&kh_who_public, kept));
    assert_true(sees(&officer, kept));
}

static void a_file_in_a_masked_field_is_masked(void **state)
{
    struct kh_str inside = photo("inside", &citizen);

    (void)state;
    note(0, kh_strf(a, "{\"text\":\"x\",\"open\":true,\"inside\":\"%.*s\"}", KH_FMT(inside)));
    assert_false(sees(&kh_who_public, inside));
    assert_true(sees(&officer, inside));
}

static void a_file_that_the_record_no_longer_names_is_not_shown_by_it(void **state)
{
    struct kh_str one = photo("one", &citizen), two = photo("two", &citizen);
    int64_t id =
        note(0, kh_strf(a, "{\"text\":\"x\",\"open\":true,\"photos\":[\"%.*s\"]}", KH_FMT(one)));

    (void)state;
    note(id, kh_strf(a, "{\"photos\":[\"%.*s\"]}", KH_FMT(two)));
    assert_false(sees(&kh_who_public, one));
    assert_true(sees(&kh_who_public, two));
}

static void a_record_cannot_name_a_file_that_is_not_there(void **state)
{
    struct writing x = {.fields = json("{\"text\":\"x\",\"open\":true,\"photos\":[\"nonsense\"]}")};
    struct kh_error err = {0};

    (void)state;
    assert_false(kh_store_run(f.st, "note", KH_TX_WRITE, write_in_tx, &x, &err));
    assert_int_equal(err.code, KH_EC_RECORD_REFERENCE);
    assert_true(kh_str_is(err.issues->items[0].pointer, "/photos/0"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_new_file_is_seen_by_its_maker_only),
        T(who_may_read_the_record_may_read_the_file),
        T(a_file_in_a_masked_field_is_masked),
        T(a_file_that_the_record_no_longer_names_is_not_shown_by_it),
        T(a_record_cannot_name_a_file_that_is_not_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
