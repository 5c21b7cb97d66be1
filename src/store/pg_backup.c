/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pg_impl.h"

bool kh_pg_backup(struct kh_store *st, const char *to, kh_progress_fn progress, void *ctx,
                  struct kh_error *err)
{
    (void)st;
    (void)to;
    (void)progress;
    (void)ctx;
    return kh_fail(err, KH_EC_NOT_SUPPORTED, "todo");
}
