/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/notify/step.h"

#include "base/id.h"

bool kh_notify_step(struct kh_step *step, const struct kh_json *inputs, void *ctx,
                    struct kh_json **ret_outputs, struct kh_error *err)
{
    struct kh_arena *a = step->a;
    struct kh_str to = kh_json_str(inputs, "to", KH_S(""));
    struct kh_notice n = {
        .role = kh_json_str(inputs, "role", KH_S("")),
        .unit = kh_json_str(inputs, "unit", KH_S("")),
        .template_key = kh_json_str(inputs, "template", KH_S("")),
        .data = kh_json_get(inputs, "data"),
        .link = kh_json_str(inputs, "link", KH_S("")),
        .case_id = step->case_id,
        .urgent = kh_json_bool(inputs, "urgent", false),
    };
    struct kh_json *out = kh_json_new(a, KH_JSON_OBJECT);
    bool told = kh_id_parse(to, &n.account) || (to.n == 0 && n.role.n != 0);

    if (n.link.n == 0 && n.case_id)
        n.link = kh_strf(a, "/cases/%.*s", KH_FMT(kh_id_text(a, n.case_id)));
    if (told && !kh_notify_queue(step->tx, ctx, a, &n, err))
        return false;
    kh_json_set(a, out, KH_S("told"), kh_json_new(a, told ? KH_JSON_TRUE : KH_JSON_FALSE));
    *ret_outputs = out;
    return true;
}
