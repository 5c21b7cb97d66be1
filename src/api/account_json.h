/* SPDX-License-Identifier: Apache-2.0 */
/**
 * api/account_json -- how an account and a grant look outside.
 */
#ifndef KH_API_ACCOUNT_JSON_H
#define KH_API_ACCOUNT_JSON_H

#include "base/json.h"
#include "engine/identity/identity.h"

/** Write an account with its grants; the password is never among its columns here. */
void kh_account_json(struct kh_jw *w, struct kh_arena *a, const struct kh_account *ac,
                     const struct kh_grant_row *grants, size_t n);
void kh_grant_json(struct kh_jw *w, struct kh_arena *a, const struct kh_grant_row *g);

#endif
