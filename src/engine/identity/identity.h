/* SPDX-License-Identifier: Apache-2.0 */
/**
 * identity -- accounts, sessions, keys, roles, delegations.
 *
 * A role is granted over a unit and all below it, for a time, by somebody, for a reason; a
 * delegation is a grant that its holder gives on. Passwords are argon2id (RFC 9106); tokens and keys
 * are kept as SHA-256 only. Every change is an event.
 *
 * Owns   tables account, account_grant, session, api_key, role; the cache of who holds a token.
 * Used   by api/session.c, api/account.c, api/dispatch.c, notify, cli/user.c.
 * Never  lets a password, token or key reach an event or a log.
 */
#ifndef KH_IDENTITY_IDENTITY_H
#define KH_IDENTITY_IDENTITY_H

#include "base/json.h"
#include "engine/identity/who.h"
#include "store/store.h"

struct kh_identity;

struct kh_account {
    int64_t id;
    struct kh_str username; /**< lower case, [a-z0-9._@+-]{3,64} */
    struct kh_str name;     /**< to show; 1..120 characters */
    struct kh_str kind;     /**< "person" or "machine" */
    struct kh_str unit;     /**< home unit of an officer, or "" */
    struct kh_str phone, email, lang;
    struct kh_str state;    /**< "active" or "locked" */
    int64_t created_us;
};

struct kh_session {
    struct kh_str token;    /**< to give to the client once */
    struct kh_str csrf;
    int64_t account, expires_us;
};

struct kh_identity_config {
    int64_t session_us;       /**< a session unused for so long ends [12 h] */
    int64_t session_max_us;   /**< and in any case after [7 days] */
    unsigned tries;           /**< wrong passwords per name and address before a wait [10] */
    int64_t wait_us;          /**< the wait [1 min], doubling to 64 of it */
    unsigned argon_kib, argon_passes; /**< [19456, 2] (RFC 9106 section 4, OWASP) */
};

KH_CHECK
bool kh_identity_open(struct kh_store *st, const struct kh_identity_config *config,
                      struct kh_identity **ret, struct kh_error *err);
void kh_identity_close(struct kh_identity *id);

/**
 * Who presents this token or key? Cached: no statement for a known token.
 *
 * @param token  of a session (cookie or bearer) or of a key ("khk_..."); "" is nobody
 * @return KH_HIT with ret_who in the arena; KH_MISS for an unknown, ended or revoked one
 */
KH_CHECK
enum kh_hit kh_identity_who(struct kh_identity *id, struct kh_arena *a, struct kh_str token,
                            const struct kh_who **ret_who, struct kh_error *err);

/** The CSRF token that goes with a session token. */
struct kh_str kh_session_csrf(struct kh_arena *a, struct kh_str token);

/** Check a password and open a session. Blocks (argon2id, a write): call it from a worker.
 *  @param peer address of the client, for throttling
 *  @param err  AUTH_FAILED (401), AUTH_THROTTLED (429) */
KH_CHECK
bool kh_session_open(struct kh_identity *id, struct kh_arena *a, struct kh_str username,
                     struct kh_str password, struct kh_str peer, struct kh_session *ret,
                     struct kh_error *err);
KH_CHECK
bool kh_session_close(struct kh_tx *tx, struct kh_identity *id, struct kh_arena *a,
                      struct kh_str token, struct kh_error *err);

/** Hash a password: blocks for tens of milliseconds. @param err PASSWORD_WEAK (422) */
KH_CHECK
bool kh_password_hash(struct kh_identity *id, struct kh_arena *a, struct kh_str password,
                      struct kh_str *ret_hash, struct kh_error *err);
/** @return true if the password belongs to the account (blocks) */
KH_CHECK
bool kh_password_check(struct kh_identity *id, struct kh_arena *a, int64_t account,
                       struct kh_str password, struct kh_error *err);

/** Add an account; ac->id is given. @param hash of kh_password_hash, or "" for none
 *  @param err BODY_INVALID (422, issues), ACCOUNT_EXISTS (409) */
KH_CHECK
bool kh_account_add(struct kh_tx *tx, struct kh_identity *id, struct kh_arena *a,
                    struct kh_account *ac, struct kh_str hash, const struct kh_who *who,
                    struct kh_error *err);
/** Change what is set (p not NULL): name, unit, phone, email, lang, state; hash if not "". A new
 *  password or a lock ends all sessions of the account but that of the token `keep` ("" for none).
 *  @param err ACCOUNT_UNKNOWN (404), BODY_INVALID (422, issues) */
KH_CHECK
bool kh_account_change(struct kh_tx *tx, struct kh_identity *id, struct kh_arena *a,
                       const struct kh_account *ac, struct kh_str hash, struct kh_str keep,
                       const struct kh_who *who, struct kh_error *err);
KH_CHECK
enum kh_hit kh_account_get(struct kh_tx *tx, struct kh_arena *a, int64_t account,
                           struct kh_account *ret, struct kh_error *err);
KH_CHECK
enum kh_hit kh_account_find(struct kh_tx *tx, struct kh_arena *a, struct kh_str username,
                            struct kh_account *ret, struct kh_error *err);
/** By name or username prefix, in any spelling; keyset by id. */
KH_CHECK
bool kh_account_list(struct kh_tx *tx, struct kh_arena *a, struct kh_str q, int64_t after,
                     unsigned limit, struct kh_account **ret, size_t *ret_n, struct kh_error *err);
/** Accounts that hold role over unit now (the unit itself or above, up to `up` levels). */
KH_CHECK
bool kh_account_holders(struct kh_tx *tx, struct kh_arena *a, struct kh_str role,
                        struct kh_str unit, int64_t **ret_ids, size_t *ret_n, struct kh_error *err);

/** Give a role. A person may give on what it holds itself (delegation, until is required then);
 *  otherwise role admin over the unit is needed.
 *  @param err GRANT_INVALID (422), FORBIDDEN (403), ACCOUNT_UNKNOWN (404) */
struct kh_grant_row {
    int64_t id, account, from, start_us, until_us;
    struct kh_str role, unit, reason, account_name;
};
KH_CHECK
bool kh_grant_add(struct kh_tx *tx, struct kh_identity *id, struct kh_arena *a,
                  struct kh_grant_row *g, const struct kh_who *who, struct kh_error *err);
KH_CHECK
bool kh_grant_end(struct kh_tx *tx, struct kh_identity *id, struct kh_arena *a, int64_t grant,
                  const struct kh_who *who, struct kh_error *err);
/** Grants of an account (or, if by is set, those that it delegated to others). */
KH_CHECK
bool kh_grant_list(struct kh_tx *tx, struct kh_arena *a, int64_t account, bool by,
                   struct kh_grant_row **ret, size_t *ret_n, struct kh_error *err);

struct kh_key_row {
    int64_t id, account, created_us, expires_us;
    struct kh_str name, hint;
};
/** Make a key for a machine account. @param ret_secret shown once */
KH_CHECK
bool kh_key_add(struct kh_tx *tx, struct kh_identity *id, struct kh_arena *a, struct kh_key_row *k,
                const struct kh_who *who, struct kh_str *ret_secret, struct kh_error *err);
KH_CHECK
bool kh_key_end(struct kh_tx *tx, struct kh_identity *id, struct kh_arena *a, int64_t key,
                const struct kh_who *who, struct kh_error *err);
KH_CHECK
bool kh_key_list(struct kh_tx *tx, struct kh_arena *a, int64_t account, struct kh_key_row **ret,
                 size_t *ret_n, struct kh_error *err);

/** Roles that packs declare: {"roles":[{"role","title":{vi,en},"about":{vi,en}}]}. */
KH_CHECK
bool kh_identity_roles_put(struct kh_tx *tx, struct kh_arena *a, struct kh_str pack,
                           const struct kh_json *roles, struct kh_error *err);
/** Write what was put as one JSON array, by role. */
KH_CHECK
bool kh_identity_roles_list(struct kh_tx *tx, struct kh_buf *out, struct kh_error *err);

#endif
