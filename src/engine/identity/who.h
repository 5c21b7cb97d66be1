/* SPDX-License-Identifier: Apache-2.0 */
/**
 * identity/who -- who asks, and what they may: the one place of authorization.
 *
 * A role is held for an organisation unit and everything below it. Units are written as agency
 * codes, left to right (QĐ 20/2020/QĐ-TTg): "H26" is the city, "H26.19" a department or a ward's
 * People's Committee, "H26.19.5" below it; so "unit and below" is a range of one text column.
 *
 * Owns   nothing; made by identity/session.c for each request and kept in its cache.
 * Used   by every handler and engine operation that reads or writes for somebody.
 */
#ifndef KH_IDENTITY_WHO_H
#define KH_IDENTITY_WHO_H

#include "base/kh.h"

enum kh_who_kind { KH_WHO_PUBLIC, KH_WHO_ACCOUNT, KH_WHO_KEY, KH_WHO_SYSTEM };

struct kh_grant {
    struct kh_str role;  /**< "officer", "dispatcher", "leader", "integrator", "admin" ... */
    struct kh_str unit;  /**< agency code; "" means everywhere */
    int64_t until_us;    /**< KH_FOREVER, or the end of a delegation */
    int64_t from;        /**< account that delegated it, or 0 */
};

struct kh_who {
    enum kh_who_kind kind;
    int64_t account;            /**< 0 for the public and the system */
    int64_t key;                /**< API key, or 0 */
    struct kh_str name;         /**< to show */
    struct kh_str username;
    struct kh_str actor;        /**< for events: "account:0r..." */
    struct kh_str unit;         /**< home unit of an officer, or "" */
    const struct kh_grant *grants;
    size_t grants_n;
    struct kh_str purpose;      /**< X-Purpose header or the default of the screen, for the log */
    bool vi;                    /**< language of answers */
};

/** The public: nobody in particular. */
extern const struct kh_who kh_who_public;
/** The server itself (timers, imports at start); what says which part. */
struct kh_who kh_who_system(struct kh_str what);

/** @return true if code is unit or below it; unit "" holds everything */
bool kh_unit_covers(struct kh_str unit, struct kh_str code);

/** @return true if who holds role over unit now; the system holds every role, "public" everybody,
 *  "account" everyone signed in */
bool kh_who_has(const struct kh_who *who, struct kh_str role, struct kh_str unit);
/** @return true if who holds role anywhere */
bool kh_who_is(const struct kh_who *who, struct kh_str role);

/** Fail with AUTH_REQUIRED (401) for the public, FORBIDDEN (403) for others, unless held. */
KH_CHECK
bool kh_who_need(const struct kh_who *who, struct kh_str role, struct kh_str unit,
                 struct kh_error *err);

#endif
