/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks, what they may, and that nobody else gets in. */
#include "base/hash.h"
#include "base/time.h"
#include "engine/identity/identity.h"
#include "store_fixture.h"

#include <setjmp.h>
#include <stdio.h>

#include <cmocka.h>

#define T0 ((int64_t)1789000000 * KH_US_S)

struct world {
    struct store_fixture f;
    struct kh_identity *id;
    struct kh_arena *a;
    struct kh_error err;
    /* what the next step in a transaction does, and with what */
    bool (*step)(struct world *w, struct kh_tx *tx);
    struct kh_account ac;
    struct kh_str hash, keep, token, secret;
    struct kh_grant_row grant;
    struct kh_key_row key;
    struct kh_who who;
    int64_t target;
};

static bool step_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct world *w = ctx;
    bool ok = w->step(w, tx);

    if (!ok)
        *err = w->err;
    return ok;
}

static bool act(struct world *w, bool (*step)(struct world *w, struct kh_tx *tx))
{
    struct kh_error err = {0};
    bool ok;

    w->step = step;
    w->err = (struct kh_error){0};
    ok = kh_store_run(w->f.st, "test", KH_TX_WRITE, step_in_tx, w, &err);
    if (!ok)
        w->err = err;
    return ok;
}

static int setup(void **state)
{
    static const struct kh_identity_config cheap = {.argon_kib = 64, .argon_passes = 1, .tries = 3};
    struct world *w = test_calloc(1, sizeof(*w));

    kh_clock_set(T0);
    fixture_open(&w->f);
    w->a = kh_arena_new(32 << 20);
    w->who = kh_who_system(KH_S("test"));
    assert_true(kh_identity_open(w->f.st, &cheap, &w->id, &w->err));
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    kh_identity_close(w->id);
    fixture_drop(&w->f);
    kh_arena_drop(w->a);
    test_free(w);
    kh_clock_set(0);
    return 0;
}

static bool add_account(struct world *w, struct kh_tx *tx)
{
    return kh_account_add(tx, w->id, w->a, &w->ac, w->hash, &w->who, &w->err);
}

static bool put_roles(struct world *w, struct kh_tx *tx)
{
    struct kh_json *roles;

    return kh_json_parse(w->a,
                         KH_S("{\"roles\":[{\"role\":\"officer\"},{\"role\":\"admin\"}]}"), NULL,
                         &roles, &w->err) &&
           kh_identity_roles_put(tx, w->a, KH_S("test"), roles, &w->err);
}

static int64_t person(struct world *w, const char *username, const char *password)
{
    w->ac = (struct kh_account){.username = kh_cstr(username), .name = KH_S("Nguyễn Văn An")};
    assert_true(kh_password_hash(w->id, w->a, kh_cstr(password), &w->hash, &w->err));
    assert_true(act(w, add_account));
    return w->ac.id;
}

static struct kh_str sign_in(struct world *w, const char *username, const char *password)
{
    struct kh_session s;

    if (!kh_session_open(w->id, w->a, kh_cstr(username), kh_cstr(password), KH_S("10.0.0.1"), &s,
                         &w->err))
        return KH_S("");
    return s.token;
}

static const struct kh_who *who(struct world *w, struct kh_str token)
{
    const struct kh_who *got = NULL;
    enum kh_hit hit = kh_identity_who(w->id, w->a, token, &got, &w->err);

    assert_int_not_equal(hit, KH_FAIL);
    return hit == KH_HIT ? got : NULL;
}

static bool grant(struct world *w, struct kh_tx *tx)
{
    return kh_grant_add(tx, w->id, w->a, &w->grant, &w->who, &w->err);
}

static bool grant_end(struct world *w, struct kh_tx *tx)
{
    return kh_grant_end(tx, w->id, w->a, w->target, &w->who, &w->err);
}

static bool close_session(struct world *w, struct kh_tx *tx)
{
    return kh_session_close(tx, w->id, w->a, w->token, &w->err);
}

static bool change(struct world *w, struct kh_tx *tx)
{
    return kh_account_change(tx, w->id, w->a, &w->ac, w->hash, w->keep, &w->who, &w->err);
}

static bool key_add(struct world *w, struct kh_tx *tx)
{
    return kh_key_add(tx, w->id, w->a, &w->key, &w->who, &w->secret, &w->err);
}

static bool key_end(struct world *w, struct kh_tx *tx)
{
    return kh_key_end(tx, w->id, w->a, w->key.id, &w->who, &w->err);
}

static void signs_in_with_the_right_password_only(void **state)
{
    struct world *w = *state;
    int64_t id = person(w, "an.nguyen", "mật khẩu dài");
    struct kh_str token = sign_in(w, "An.Nguyen", "mật khẩu dài");

    assert_int_equal(token.n, 43);
    assert_int_equal(who(w, token)->account, id);
    assert_int_equal(sign_in(w, "an.nguyen", "mật khẩu sai").n, 0);
    assert_int_equal(w->err.code, KH_EC_AUTH_FAILED);
    assert_int_equal(sign_in(w, "nobody", "mật khẩu dài").n, 0);
    assert_int_equal(w->err.code, KH_EC_AUTH_FAILED);
}

static void keeps_neither_token_nor_password(void **state)
{
    struct world *w = *state;
    struct kh_str token;

    person(w, "an.nguyen", "mật khẩu dài");
    token = sign_in(w, "an.nguyen", "mật khẩu dài");
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM session"), 1);
    assert_int_equal(
        fixture_ask(&w->f, "SELECT count(*) FROM account WHERE password LIKE '$argon2id$%'"), 1);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM event WHERE data LIKE '%argon2%'"),
                     0);
    assert_null(who(w, KH_S("forged")));
    assert_null(who(w, kh_strf(w->a, "%.*sx", KH_FMT(token))));
}

static void waits_after_three_wrong_passwords_and_forgives(void **state)
{
    struct world *w = *state;

    person(w, "an.nguyen", "mật khẩu dài");
    for (int i = 0; i < 3; i++)
        assert_int_equal(sign_in(w, "an.nguyen", "sai").n, 0);
    assert_int_equal(sign_in(w, "an.nguyen", "mật khẩu dài").n, 0);
    assert_int_equal(w->err.code, KH_EC_AUTH_THROTTLED);
    kh_clock_add(61 * KH_US_S);
    assert_int_not_equal(sign_in(w, "an.nguyen", "mật khẩu dài").n, 0);
}

static void a_session_ends_by_itself_and_on_request(void **state)
{
    struct world *w = *state;
    struct kh_str one, two;

    person(w, "an.nguyen", "mật khẩu dài");
    one = sign_in(w, "an.nguyen", "mật khẩu dài");
    two = sign_in(w, "an.nguyen", "mật khẩu dài");
    assert_non_null(who(w, one));
    w->token = one;
    assert_true(act(w, close_session));
    assert_null(who(w, one));
    assert_non_null(who(w, two));
    kh_clock_add(13 * KH_US_H);
    assert_null(who(w, two));
}

static void a_used_session_lives_on_to_its_last_day(void **state)
{
    struct world *w = *state;
    struct kh_str token;

    person(w, "an.nguyen", "mật khẩu dài");
    token = sign_in(w, "an.nguyen", "mật khẩu dài");
    for (int i = 0; i < 16; i++) {
        kh_clock_add(10 * KH_US_H);
        assert_non_null(who(w, token));
        /* The use is noted by a queued write; a write after it says that it is there. */
        assert_true(act(w, put_roles));
    }
    kh_clock_add(10 * KH_US_H);
    assert_null(who(w, token));
}

static void a_role_counts_for_its_unit_and_below(void **state)
{
    struct world *w = *state;
    struct kh_str token;
    const struct kh_who *me;

    assert_true(act(w, put_roles));
    w->grant = (struct kh_grant_row){.role = KH_S("officer"), .unit = KH_S("H26.19")};
    w->grant.account = person(w, "can.bo", "mật khẩu dài");
    token = sign_in(w, "can.bo", "mật khẩu dài");
    assert_false(kh_who_is(who(w, token), KH_S("officer")));
    assert_true(act(w, grant));
    me = who(w, token); /* seen at once, though it was cached a moment ago */
    assert_true(kh_who_has(me, KH_S("officer"), KH_S("H26.19")));
    assert_true(kh_who_has(me, KH_S("officer"), KH_S("H26.19.5")));
    assert_false(kh_who_has(me, KH_S("officer"), KH_S("H26.191")));
    assert_false(kh_who_has(me, KH_S("officer"), KH_S("H26")));
    assert_false(kh_who_has(me, KH_S("admin"), KH_S("H26.19")));
    w->target = w->grant.id;
    assert_true(act(w, grant_end));
    assert_false(kh_who_is(who(w, token), KH_S("officer")));
}

static void a_delegation_needs_an_end_and_a_role_of_ones_own(void **state)
{
    struct world *w = *state;
    int64_t boss, deputy;
    struct kh_str boss_token, deputy_token;

    assert_true(act(w, put_roles));
    boss = person(w, "truong.phong", "mật khẩu dài");
    deputy = person(w, "pho.phong", "mật khẩu dài");
    w->grant = (struct kh_grant_row){.account = boss, .role = KH_S("officer"),
                                     .unit = KH_S("H26.19")};
    assert_true(act(w, grant));
    boss_token = sign_in(w, "truong.phong", "mật khẩu dài");
    deputy_token = sign_in(w, "pho.phong", "mật khẩu dài");

    w->who = *who(w, boss_token);
    w->grant = (struct kh_grant_row){.account = deputy, .from = boss, .role = KH_S("officer"),
                                     .unit = KH_S("H26.19")};
    assert_false(act(w, grant));
    assert_int_equal(w->err.code, KH_EC_GRANT_INVALID);
    w->grant.until_us = T0 + 2 * KH_US_DAY;
    w->grant.unit = KH_S("H26");
    assert_false(act(w, grant));
    assert_int_equal(w->err.code, KH_EC_FORBIDDEN);
    w->grant.unit = KH_S("H26.19");
    assert_true(act(w, grant));
    assert_true(kh_who_has(who(w, deputy_token), KH_S("officer"), KH_S("H26.19")));

    /* What was delegated is not given on. */
    w->who = *who(w, deputy_token);
    w->grant = (struct kh_grant_row){.account = boss, .from = deputy, .role = KH_S("officer"),
                                     .unit = KH_S("H26.19"), .until_us = T0 + KH_US_DAY};
    assert_false(act(w, grant));
    assert_int_equal(w->err.code, KH_EC_FORBIDDEN);

    kh_clock_add(11 * KH_US_H);
    assert_non_null(who(w, deputy_token));
    assert_true(act(w, put_roles));
    kh_clock_add(11 * KH_US_H);
    assert_non_null(who(w, deputy_token));
    assert_true(act(w, put_roles));
    kh_clock_set(T0 + 2 * KH_US_DAY + 1);
    deputy_token = sign_in(w, "pho.phong", "mật khẩu dài");
    assert_false(kh_who_is(who(w, deputy_token), KH_S("officer")));
}

static void an_ordinary_account_gives_no_roles_and_makes_no_keys(void **state)
{
    struct world *w = *state;
    int64_t id = person(w, "cong.dan", "mật khẩu dài");

    assert_true(act(w, put_roles));
    w->who = *who(w, sign_in(w, "cong.dan", "mật khẩu dài"));
    w->grant = (struct kh_grant_row){.account = id, .role = KH_S("admin")};
    assert_false(act(w, grant));
    assert_int_equal(w->err.code, KH_EC_FORBIDDEN);
    w->key = (struct kh_key_row){.account = id, .name = KH_S("mine")};
    assert_false(act(w, key_add));
    assert_int_equal(w->err.code, KH_EC_FORBIDDEN);
}

static void a_lock_or_a_new_password_ends_other_sessions(void **state)
{
    struct world *w = *state;
    int64_t id = person(w, "an.nguyen", "mật khẩu dài");
    struct kh_str here = sign_in(w, "an.nguyen", "mật khẩu dài");
    struct kh_str there = sign_in(w, "an.nguyen", "mật khẩu dài");

    w->ac = (struct kh_account){.id = id};
    w->keep = here;
    assert_true(kh_password_hash(w->id, w->a, KH_S("mật khẩu mới"), &w->hash, &w->err));
    assert_true(act(w, change));
    assert_non_null(who(w, here));
    assert_null(who(w, there));
    assert_int_equal(sign_in(w, "an.nguyen", "mật khẩu dài").n, 0);

    w->ac = (struct kh_account){.id = id, .state = KH_S("locked")};
    w->hash = w->keep = KH_S("");
    assert_true(act(w, change));
    assert_null(who(w, here));
    assert_int_equal(sign_in(w, "an.nguyen", "mật khẩu mới").n, 0);
}

static void a_key_works_until_it_is_revoked(void **state)
{
    struct world *w = *state;

    w->key = (struct kh_key_row){.account = person(w, "may.1022", "mật khẩu dài"),
                                 .name = KH_S("1022")};
    assert_true(act(w, key_add));
    assert_int_equal(who(w, w->secret)->kind, KH_WHO_KEY);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM api_key WHERE hint LIKE 'khk_%'"), 1);
    assert_true(act(w, key_end));
    assert_null(who(w, w->secret));
}

static void refuses_hostile_account_fields(void **state)
{
    struct world *w = *state;
    const char *const bad[] = {"", "ab", "a b", "tên", "a\"b", "../x", "x\ny"};

    w->hash = KH_S("");
    for (size_t i = 0; i < KH_LEN(bad); i++) {
        w->ac = (struct kh_account){.username = kh_cstr(bad[i]), .name = KH_S("A")};
        assert_false(act(w, add_account));
        assert_int_equal(w->err.code, KH_EC_BODY_INVALID);
        assert_int_equal(w->err.issues->n, 1);
    }
    w->ac = (struct kh_account){.username = KH_S("fine"), .email = KH_S("a@b@c"),
                                .phone = KH_S("gọi tôi"), .unit = KH_S("h26"),
                                .lang = KH_S("fr")};
    assert_false(act(w, add_account));
    assert_int_equal(w->err.issues->n, 4);
    person(w, "taken", "mật khẩu dài");
    w->ac = (struct kh_account){.username = KH_S("TAKEN"), .name = KH_S("A")};
    assert_false(act(w, add_account));
    assert_int_equal(w->err.code, KH_EC_ACCOUNT_EXISTS);
    assert_false(kh_password_hash(w->id, w->a, KH_S("ngắn"), &w->hash, &w->err));
    assert_int_equal(w->err.code, KH_EC_PASSWORD_WEAK);
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(signs_in_with_the_right_password_only),
        STORY(keeps_neither_token_nor_password),
        STORY(waits_after_three_wrong_passwords_and_forgives),
        STORY(a_session_ends_by_itself_and_on_request),
        STORY(a_used_session_lives_on_to_its_last_day),
        STORY(a_role_counts_for_its_unit_and_below),
        STORY(a_delegation_needs_an_end_and_a_role_of_ones_own),
        STORY(an_ordinary_account_gives_no_roles_and_makes_no_keys),
        STORY(a_lock_or_a_new_password_ends_other_sessions),
        STORY(a_key_works_until_it_is_revoked),
        STORY(refuses_hostile_account_fields),
    };

    return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
