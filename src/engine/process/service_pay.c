/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service function of payments:
 *   vietqr.make {bin, account, amount, purpose?, bill?} -> {text}: what a bank's app reads from a code;
 *               text is null if there is no bin and no account, so that a city without them goes on
 */
#include "engine/process/run.h"

#include "base/vietqr.h"

static bool vietqr_make(struct kh_step *step, const struct kh_json *inputs, void *ctx,
                        struct kh_json **ret_outputs, struct kh_error *err)
{
    struct kh_json *o = kh_json_new(step->a, KH_JSON_OBJECT);
    struct kh_vietqr q = {
        .bin = kh_json_str(inputs, "bin", KH_S("")),
        .account = kh_json_str(inputs, "account", KH_S("")),
        .amount = kh_json_int(inputs, "amount", -1),
        .bill = kh_json_str(inputs, "bill", KH_S("")),
        .purpose = kh_json_str(inputs, "purpose", KH_S("")),
    };
    struct kh_str text = {0};

    (void)ctx;
    if (q.bin.n || q.account.n) {
        text = kh_vietqr_text(step->a, &q);
        if (!text.p)
            return kh_fail(err, KH_EC_PROCESS_STUCK,
                           "vietqr.make: bin is six digits, account 1 to 19 letters and digits, "
                           "amount a whole number of dong");
    }
    kh_json_set(step->a, o, KH_S("text"),
                text.p ? kh_json_new_str(step->a, text) : kh_json_new(step->a, KH_JSON_NULL));
    *ret_outputs = o;
    return true;
}

void kh_services_pay(struct kh_process *pe)
{
    kh_process_service_early(pe, "vietqr.make", vietqr_make, NULL);
}
