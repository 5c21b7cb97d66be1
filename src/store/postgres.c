/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_driver.h"

bool kh_postgres_open(struct kh_store *st, struct kh_error *err)
{
    (void)st;
    return kh_fail(err, KH_EC_STORE, "PostgreSQL is not built in yet");
}
