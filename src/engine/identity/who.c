/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/identity/who.h"

#include "base/time.h"

const struct kh_who kh_who_public = {
    .kind = KH_WHO_PUBLIC,
    .actor = KH_STR_INIT("public"),
    .vi = true,
};

struct kh_who kh_who_system(struct kh_str what)
{
    return (struct kh_who){.kind = KH_WHO_SYSTEM, .name = what, .actor = what, .vi = true};
}

bool kh_unit_covers(struct kh_str unit, struct kh_str code)
{
    if (unit.n == 0)
        return true;
    return kh_str_starts(code, unit) && (code.n == unit.n || code.p[unit.n] == '.');
}

static bool holds(const struct kh_who *who, struct kh_str role, const struct kh_str *unit)
{
    int64_t now = 0;

    if (who->kind == KH_WHO_SYSTEM || kh_str_is(role, "public"))
        return true;
    if (kh_str_is(role, "account"))
        return who->account != 0;
    for (size_t i = 0; i < who->grants_n; i++) {
        const struct kh_grant *g = &who->grants[i];

        if (!kh_str_eq(g->role, role) || (unit && !kh_unit_covers(g->unit, *unit)))
            continue;
        if (g->until_us == KH_FOREVER)
            return true;
        if (now == 0)
            now = kh_now_us();
        if (g->until_us > now)
            return true;
    }
    return false;
}

bool kh_who_has(const struct kh_who *who, struct kh_str role, struct kh_str unit)
{
    return holds(who, role, &unit);
}

bool kh_who_is(const struct kh_who *who, struct kh_str role)
{
    return holds(who, role, NULL);
}

bool kh_who_need(const struct kh_who *who, struct kh_str role, struct kh_str unit,
                 struct kh_error *err)
{
    if (kh_who_has(who, role, unit))
        return true;
    if (who->kind == KH_WHO_PUBLIC)
        return kh_fail(err, KH_EC_AUTH_REQUIRED, "role %.*s is needed", KH_FMT(role));
    return kh_fail(err, KH_EC_FORBIDDEN, "role %.*s is needed", KH_FMT(role));
}
