/* SPDX-License-Identifier: Apache-2.0 */
#include "base/id.h"
#include "base/text.h"
#include "base/time.h"
#include "engine/identity/identity_int.h"
#include "store/identity/identity_sql.h"

#include <argon2.h>
#include <stdlib.h>

enum {
    TOKEN_BYTES = 32,
    CACHE_US = 60 * 1000000,       /* a cached answer is at most a minute old */
    TOUCH_US = 300 * 1000000,      /* "last used" is kept to five minutes */
    PASSWORD_MIN = 8,
    PASSWORD_MAX = 256,
};

/* Forget what is cached when any process on this database changes who may do what. */
static void on_events(void *ctx, const struct kh_event *events, size_t n, int64_t head)
{
    struct kh_identity *id = ctx;

    (void)head;
    if (n == 0)
        kh_who_cache_clear(id->cache);
    for (size_t i = 0; i < n; i++)
        if (kh_str_is(events[i].type, "account") && !kh_str_is(events[i].kind, "session.open"))
            kh_who_cache_clear(id->cache);
}

bool kh_identity_open(struct kh_store *st, const struct kh_identity_config *config,
                      struct kh_identity **ret, struct kh_error *err)
{
    struct kh_identity *id = calloc(1, sizeof(*id));
    struct kh_identity_config *c;

    KH_REQUIRE(id != NULL);
    id->store = st;
    id->config = *config;
    c = &id->config;
    c->session_us = c->session_us ? c->session_us : 12 * KH_US_H;
    c->session_max_us = c->session_max_us ? c->session_max_us : 7 * KH_US_DAY;
    c->tries = c->tries ? c->tries : 10;
    c->wait_us = c->wait_us ? c->wait_us : KH_US_MIN;
    c->argon_kib = c->argon_kib ? c->argon_kib : 19456;
    c->argon_passes = c->argon_passes ? c->argon_passes : 2;
    id->cache = kh_who_cache_new();
    id->throttle = kh_throttle_new(c->tries, c->wait_us);
    if (!kh_event_follow(st, on_events, id, err)) {
        kh_identity_close(id);
        return false;
    }
    *ret = id;
    return true;
}

void kh_identity_close(struct kh_identity *id)
{
    if (!id)
        return;
    kh_event_unfollow(id->store, on_events, id);
    kh_who_cache_drop(id->cache);
    kh_throttle_drop(id->throttle);
    free(id);
}

static void clear_cache(void *ctx)
{
    kh_who_cache_clear(ctx);
}

bool kh_identity_changed(struct kh_tx *tx, struct kh_identity *id, const char *kind,
                         const char *type, int64_t subject, int64_t owner, struct kh_str unit,
                         const struct kh_who *who, struct kh_str reason, struct kh_str data,
                         struct kh_error *err)
{
    struct kh_event e = {
        .kind = kh_cstr(kind),
        .type = kh_cstr(type),
        .subject = subject,
        .owner = owner,
        .unit = unit,
        .level = 2,
        .actor = who->actor,
        .reason = reason,
        .basis = who->purpose,
        .data = data.n ? data : KH_S("{}"),
    };

    kh_tx_after_commit(tx, clear_cache, id->cache);
    return kh_event_append(tx, &e, err);
}

/* ---- who ---- */

struct load {
    struct kh_arena *a;
    struct kh_identity *id;
    struct kh_str hash;
    bool is_key;
    int64_t now_us;
    struct kh_who who;
    int64_t until_us, used_us;
    enum kh_hit hit;
};

static bool load_grants(struct kh_tx *tx, struct load *l, struct kh_error *err)
{
    struct kh_grant_row *rows;
    struct kh_grant *grants;
    size_t n, kept = 0;

    if (!kh_grant_sql_list(tx, l->a, l->who.account, false, l->now_us, &rows, &n, err))
        return false;
    grants = kh_new_n(l->a, n, struct kh_grant);
    for (size_t i = 0; i < n; i++) {
        if (rows[i].start_us > l->now_us) { /* not yet: look again when it begins */
            if (rows[i].start_us < l->until_us)
                l->until_us = rows[i].start_us;
            continue;
        }
        grants[kept++] = (struct kh_grant){
            .role = rows[i].role,
            .unit = rows[i].unit,
            .until_us = rows[i].until_us,
            .from = rows[i].from,
        };
    }
    l->who.grants = grants;
    l->who.grants_n = kept;
    return true;
}

static enum kh_hit load_holder(struct kh_tx *tx, struct load *l, int64_t *ret_account,
                               struct kh_error *err)
{
    int64_t expires;
    enum kh_hit hit;

    if (l->is_key) {
        struct kh_key_row k;

        hit = kh_key_sql_get(tx, l->a, l->hash, &k, err);
        if (hit != KH_HIT)
            return hit;
        *ret_account = k.account;
        l->who.key = k.id;
        l->used_us = l->now_us;
        expires = k.expires_us;
    } else {
        hit = kh_session_sql_get(tx, l->hash, ret_account, &l->used_us, &expires, err);
        if (hit != KH_HIT)
            return hit;
        if (l->used_us + l->id->config.session_us < expires)
            expires = l->used_us + l->id->config.session_us;
    }
    if (expires <= l->now_us)
        return KH_MISS;
    if (expires < l->until_us)
        l->until_us = expires;
    return KH_HIT;
}

static bool load_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct load *l = ctx;
    struct kh_account ac;
    int64_t account;

    l->until_us = l->now_us + CACHE_US;
    l->who = (struct kh_who){.kind = l->is_key ? KH_WHO_KEY : KH_WHO_ACCOUNT};
    l->hit = load_holder(tx, l, &account, err);
    if (l->hit == KH_HIT)
        l->hit = kh_account_sql_get(tx, l->a, account, &ac, NULL, err);
    if (l->hit != KH_HIT)
        return l->hit == KH_MISS;
    if (!kh_str_is(ac.state, "active")) {
        l->hit = KH_MISS;
        return true;
    }
    l->who.account = ac.id;
    l->who.name = ac.name;
    l->who.username = ac.username;
    l->who.unit = ac.unit;
    l->who.vi = !kh_str_is(ac.lang, "en");
    l->who.actor = kh_strf(l->a, "%s:%.*s", l->is_key ? "key" : "account",
                           KH_FMT(kh_id_text(l->a, l->is_key ? l->who.key : ac.id)));
    return load_grants(tx, l, err);
}

struct touch {
    unsigned char hash[KH_SHA256_BYTES];
    int64_t now_us;
};

static bool touch_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct touch *t = ctx;

    return kh_session_sql_touch(tx, kh_str((const char *)t->hash, sizeof(t->hash)), t->now_us, err);
}

static void touch_done(void *ctx, bool ok, const struct kh_error *err)
{
    (void)ok;
    (void)err; /* a lost touch only shortens an idle session */
    free(ctx);
}

static void touch(struct kh_identity *id, const struct load *l)
{
    struct kh_error ignored;
    struct touch *t;

    if (l->is_key || l->now_us - l->used_us < TOUCH_US)
        return;
    t = malloc(sizeof(*t));
    KH_REQUIRE(t != NULL);
    memcpy(t->hash, l->hash.p, sizeof(t->hash));
    t->now_us = l->now_us;
    if (!kh_store_submit(id->store, "session_touch", touch_in_tx, t, touch_done, &ignored))
        free(t);
}

enum kh_hit kh_identity_who(struct kh_identity *id, struct kh_arena *a, struct kh_str token,
                            const struct kh_who **ret_who, struct kh_error *err)
{
    unsigned char hash[KH_SHA256_BYTES];
    int64_t now = kh_now_us();
    uint64_t generation;
    struct load l;

    if (token.n == 0 || token.n > 128)
        return KH_MISS;
    kh_sha256_one(token, hash);
    if (kh_who_cache_get(id->cache, hash, now, a, ret_who))
        return KH_HIT;
    generation = kh_who_cache_generation(id->cache);
    l = (struct load){
        .a = a,
        .id = id,
        .hash = kh_str((const char *)hash, sizeof(hash)),
        .is_key = kh_str_starts(token, KH_S("khk_")),
        .now_us = now,
    };
    if (!kh_store_run(id->store, "identity_who", KH_TX_READ, load_in_tx, &l, err))
        return KH_FAIL;
    if (l.hit != KH_HIT)
        return KH_MISS;
    touch(id, &l);
    kh_who_cache_put(id->cache, hash, generation, l.until_us, &l.who);
    *ret_who = memcpy(kh_new(a, struct kh_who), &l.who, sizeof(l.who));
    return KH_HIT;
}

/* ---- passwords and sessions ---- */

struct kh_str kh_session_csrf(struct kh_arena *a, struct kh_str token)
{
    unsigned char out[KH_SHA256_BYTES];

    kh_hmac(token, KH_S("khue csrf"), out);
    return kh_hex(a, out, 16);
}

bool kh_password_hash(struct kh_identity *id, struct kh_arena *a, struct kh_str password,
                      struct kh_str *ret_hash, struct kh_error *err)
{
    unsigned char salt[16];
    char out[128];

    if (kh_text_length(password) < PASSWORD_MIN || password.n > PASSWORD_MAX)
        return kh_fail(err, KH_EC_PASSWORD_WEAK, "a password has %d characters to %d bytes",
                       PASSWORD_MIN, PASSWORD_MAX);
    kh_random(salt, sizeof(salt));
    if (argon2id_hash_encoded(id->config.argon_passes, id->config.argon_kib, 1, password.p,
                              password.n, salt, sizeof(salt), 32, out, sizeof(out)) != ARGON2_OK)
        return kh_fail(err, KH_EC_INTERNAL, "argon2id failed");
    *ret_hash = kh_str_dup(a, kh_cstr(out));
    return true;
}

static bool hash_matches(struct kh_arena *a, struct kh_str hash, struct kh_str password)
{
    return hash.n && argon2id_verify(kh_str_z(a, hash), password.p, password.n) == ARGON2_OK;
}

struct find {
    struct kh_arena *a;
    struct kh_str username;
    int64_t account;
    struct kh_account ac;
    struct kh_str hash;
    enum kh_hit hit;
};

static bool find_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct find *f = ctx;

    f->hit = f->account ? kh_account_sql_get(tx, f->a, f->account, &f->ac, &f->hash, err)
                        : kh_account_sql_find(tx, f->a, f->username, &f->ac, &f->hash, err);
    return f->hit != KH_FAIL;
}

bool kh_password_check(struct kh_identity *id, struct kh_arena *a, int64_t account,
                       struct kh_str password, struct kh_error *err)
{
    struct find f = {.a = a, .account = account};

    if (!kh_store_run(id->store, "password_check", KH_TX_READ, find_in_tx, &f, err))
        return false;
    if (f.hit != KH_HIT || password.n > PASSWORD_MAX || !hash_matches(a, f.hash, password))
        return kh_fail(err, KH_EC_AUTH_FAILED, "the password does not belong to the account");
    return true;
}

struct open {
    struct kh_identity *id;
    struct kh_str hash;
    const struct kh_account *ac;
    int64_t now_us, expires_us;
    struct kh_str actor;
};

static bool open_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct open *o = ctx;
    struct kh_event e = {
        .kind = KH_S("session.open"),
        .type = KH_S("account"),
        .subject = o->ac->id,
        .owner = o->ac->id,
        .level = 2,
        .actor = o->actor,
        .data = KH_S("{}"),
    };

    return kh_session_sql_sweep(tx, o->now_us, err) &&
           kh_session_sql_insert(tx, o->hash, o->ac->id, o->now_us, o->expires_us, err) &&
           kh_event_append(tx, &e, err);
}

static bool may_try(struct kh_identity *id, struct kh_str name_key, struct kh_str peer_key,
                    int64_t now, struct kh_error *err)
{
    int64_t by_name = kh_throttle_wait(id->throttle, name_key, now);
    int64_t by_peer = kh_throttle_wait(id->throttle, peer_key, now);
    int64_t wait = by_name > by_peer ? by_name : by_peer;

    if (wait)
        return kh_fail(err, KH_EC_AUTH_THROTTLED, "wait %lld seconds",
                       (long long)(wait / KH_US_S + 1));
    return true;
}

bool kh_session_open(struct kh_identity *id, struct kh_arena *a, struct kh_str username,
                     struct kh_str password, struct kh_str peer, struct kh_session *ret,
                     struct kh_error *err)
{
    struct find f = {.a = a, .username = kh_text_lower(a, username)};
    struct kh_str name_key = kh_strf(a, "n:%.*s", KH_FMT(f.username));
    struct kh_str peer_key = kh_strf(a, "p:%.*s", KH_FMT(peer));
    unsigned char random[TOKEN_BYTES], hash[KH_SHA256_BYTES];
    int64_t now = kh_now_us();
    struct kh_str token;
    struct open o;
    bool match;

    if (!may_try(id, name_key, peer_key, now, err))
        return false;
    if (username.n > 64 || password.n > PASSWORD_MAX)
        return kh_fail(err, KH_EC_AUTH_FAILED, "no account has this name and password");
    if (!kh_store_run(id->store, "session_open_find", KH_TX_READ, find_in_tx, &f, err))
        return false;
    match = f.hit == KH_HIT && kh_str_is(f.ac.state, "active") &&
            hash_matches(a, f.hash, password);
    if (!match) {
        struct kh_str spent;
        struct kh_error ignored;

        /* An unknown name takes as long as a known one. */
        if (f.hit != KH_HIT && !kh_password_hash(id, a, KH_S("a password"), &spent, &ignored))
            return kh_fail(err, KH_EC_INTERNAL, "argon2id failed");
        kh_throttle_failed(id->throttle, name_key, now);
        kh_throttle_failed(id->throttle, peer_key, now);
        return kh_fail(err, KH_EC_AUTH_FAILED, "no account has this name and password");
    }
    kh_throttle_passed(id->throttle, name_key);
    kh_throttle_passed(id->throttle, peer_key);
    kh_random(random, sizeof(random));
    token = kh_base64url(a, kh_str((const char *)random, sizeof(random)));
    kh_sha256_one(token, hash);
    o = (struct open){
        .id = id,
        .hash = kh_str((const char *)hash, sizeof(hash)),
        .ac = &f.ac,
        .now_us = now,
        .expires_us = now + id->config.session_max_us,
        .actor = kh_strf(a, "account:%.*s", KH_FMT(kh_id_text(a, f.ac.id))),
    };
    if (!kh_store_run(id->store, "session_open", KH_TX_WRITE, open_in_tx, &o, err))
        return false;
    *ret = (struct kh_session){
        .token = token,
        .csrf = kh_session_csrf(a, token),
        .account = f.ac.id,
        .expires_us = o.expires_us,
    };
    return true;
}

bool kh_session_close(struct kh_tx *tx, struct kh_identity *id, struct kh_arena *a,
                      struct kh_str token, struct kh_error *err)
{
    unsigned char hash[KH_SHA256_BYTES];
    struct kh_str h = kh_str((const char *)hash, sizeof(hash));
    int64_t account, used, expires;
    struct kh_event e = {.kind = KH_S("session.close"), .type = KH_S("account"), .level = 2,
                         .data = KH_S("{}")};

    kh_sha256_one(token, hash);
    switch (kh_session_sql_get(tx, h, &account, &used, &expires, err)) {
    case KH_FAIL:
        return false;
    case KH_MISS:
        return true;
    case KH_HIT:
        break;
    }
    kh_tx_after_commit(tx, clear_cache, id->cache);
    e.subject = e.owner = account;
    e.actor = kh_strf(a, "account:%.*s", KH_FMT(kh_id_text(a, account)));
    return kh_session_sql_delete(tx, h, err) && kh_event_append(tx, &e, err);
}
