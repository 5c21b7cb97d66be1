/* SPDX-License-Identifier: Apache-2.0 */
#include "api/names.h"

#include "api/agency.h"
#include "api/city.h"

struct kh_name_unit {
    struct kh_str code, name;
};

struct kh_name_account {
    int64_t id;
    const struct kh_account *account; /* NULL: gone */
};

bool kh_names_unit(struct kh_names *n, struct kh_str code, struct kh_str *ret, struct kh_error *err)
{
    struct kh_agency_names names;

    for (size_t i = 0; i < n->units_n; i++)
        if (kh_str_eq(n->units[i].code, code)) {
            *ret = n->units[i].name;
            return true;
        }
    if (!kh_agency_names(n->tx, n->c->city, n->c->a, code, &names, err))
        return false;
    n->units =
        kh_grow(n->c->a, n->units, n->units_n, n->units_n + 1, &n->units_cap, sizeof(*n->units));
    n->units[n->units_n++] = (struct kh_name_unit){.code = code, .name = names.name};
    *ret = names.name;
    return true;
}

bool kh_names_account(struct kh_names *n, int64_t id, const struct kh_account **ret,
                      struct kh_error *err)
{
    struct kh_account *ac;

    for (size_t i = 0; i < n->accounts_n; i++)
        if (n->accounts[i].id == id) {
            *ret = n->accounts[i].account;
            return true;
        }
    ac = kh_new(n->c->a, struct kh_account);
    switch (kh_account_get(n->tx, n->c->a, id, ac, err)) {
    case KH_FAIL:
        return false;
    case KH_MISS:
        ac = NULL;
        break;
    case KH_HIT:
        break;
    }
    n->accounts = kh_grow(n->c->a, n->accounts, n->accounts_n, n->accounts_n + 1, &n->accounts_cap,
                          sizeof(*n->accounts));
    n->accounts[n->accounts_n++] = (struct kh_name_account){.id = id, .account = ac};
    *ret = ac;
    return true;
}
